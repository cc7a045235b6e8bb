"""A conversation over a websocket (ASGI 3): the line, and what the fake has to say in it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import orjson

from keysteward.demo.fake_call import Mode
from keysteward.demo.fake_wire import Received, Used, overcharged
from keysteward.demo.gate import Gate
from keysteward.demo.sending import Left, Message, Receive, Send, unless


class Line:
    """The provider's end of a websocket, whose messages are JSON objects."""

    def __init__(self, receive: Receive, send: Send, heard: Callable[[bytes], None]) -> None:
        self._receive = receive
        self._send = send
        self._heard = heard
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._gone = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        """Read ahead, so that it is noticed when the client goes in the middle of an answer."""
        while (message := await self._receive())["type"] == "websocket.receive":
            self._messages.put_nowait(message)
        self._messages.put_nowait(None)

    async def hear(self) -> dict[str, Any]:
        """Take the next message; one that is no JSON object is taken as empty. Raises `Left`."""
        message = await self._messages.get()
        if message is None:
            raise Left
        text = message.get("text")
        raw = (message.get("bytes") or b"") if text is None else text.encode()
        self._heard(raw)
        try:
            said = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return {}
        return said if isinstance(said, dict) else {}

    async def say(self, body: dict[str, Any]) -> None:
        """Send a message. Raises `Left`."""
        if self._gone.done():
            raise Left
        await self._send({"type": "websocket.send", "text": orjson.dumps(body).decode()})

    async def wait(self, awaited: Awaitable[None]) -> None:
        """Wait for something, unless the client leaves first: raises `Left`."""
        await unless(self._gone, awaited)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the conversation in order."""
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no longer."""
        self._gone.cancel()


@dataclass(frozen=True, slots=True)
class Desk:
    """What a conversation needs to know of the fake, and may do there."""

    charge: Callable[[str, Used], None]
    """Charge the use of a model."""
    mode: Mode | None
    events: int
    cached: int
    pace: float
    gate: Gate | None

    @property
    def breaks(self) -> bool:
        """Tell whether the connection breaks once something was charged."""
        return self.mode is Mode.CUT_AFTER_CHARGE

    def used(self, item: str, used: Used, limit: int | None = None) -> Used | None:
        """Charge that use, and give what the answer tells of it."""
        if self.mode is Mode.OVERCHARGE:
            used = overcharged(used, limit)
        self.charge(item, used)
        return None if self.mode is Mode.USAGE_MISSING else used

    async def hold(self, line: Line, sent: int) -> None:
        """Hold the next piece of an answer of which that many were sent. Raises `Left`."""
        if self.gate is not None and self.gate.after == sent:
            await line.wait(self.gate.passed())
        elif self.pace and sent:
            await line.wait(asyncio.sleep(self.pace))


@runtime_checkable
class Talker(Protocol):
    """A provider's wire that also talks over websockets."""

    def talks(self, call: Received) -> bool:
        """Tell whether a websocket may be opened there."""

    async def talk(self, call: Received, line: Line, desk: Desk) -> None:
        """Talk until it is over. Raises `Left` where the client goes first."""
