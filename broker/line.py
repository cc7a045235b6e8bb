"""The tool's end of a websocket, as the server hands it over (ASGI), in whole messages."""

import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from broker.errors import ClientGone
from broker.outbound import Headers
from broker.socket_out import Farewell, Message

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Line:
    """One tool's websocket: declined, or opened and in the end closed."""

    def __init__(self, receive: Receive, send: Send, *, answers: bool) -> None:
        """`answers` says that the server can decline a websocket with an HTTP answer."""
        self.events = receive
        """What comes, as the server says it."""
        self._send = send
        self._answers = answers
        self.is_open = False
        """It was accepted: from then on only a farewell tells what happens."""
        self._is_gone = False

    async def receive(self) -> Message | Farewell:
        """Give the next message, or how the tool left."""
        event = await self.events()
        if event["type"] != "websocket.receive":
            self._is_gone = True
            return Farewell(event.get("code"), event.get("reason") or "")
        text: str | None = event.get("text")
        if text is None:
            return Message(event["bytes"], is_text=False)
        return Message(text.encode(), is_text=True)

    async def accept(self, subprotocol: str | None, headers: Headers) -> None:
        """Open it. Raises `ClientGone`."""
        await self._say(
            {"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers}
        )
        self.is_open = True

    async def decline(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer the handshake with something else than a websocket."""
        if not self._answers:
            # Before it is open, most servers make a plain 403 of it.
            await self._say_last({"type": "websocket.close", "code": 4000 + status})
            return
        head = {"type": "websocket.http.response.start", "status": status, "headers": headers}
        await self._say_last(head)
        await self._say_last({"type": "websocket.http.response.body", "body": body})

    async def send(self, message: Message) -> None:
        """Send a message, as fast as the tool takes it. Raises `ClientGone`."""
        if message.is_text:
            await self._say({"type": "websocket.send", "text": message.data.decode()})
        else:
            await self._say({"type": "websocket.send", "bytes": message.data})

    async def close(self, farewell: Farewell) -> None:
        """Close it, where it is open."""
        if self.is_open:
            code, reason = farewell.fit
            await self._say_last({"type": "websocket.close", "code": code, "reason": reason})

    async def _say(self, event: MutableMapping[str, Any]) -> None:
        try:
            await self._send(event)
        except OSError:
            self._is_gone = True
            raise ClientGone from None

    async def _say_last(self, event: MutableMapping[str, Any]) -> None:
        if not self._is_gone:
            with contextlib.suppress(ClientGone):
                await self._say(event)
