"""A real server on loopback that speaks `keyRevoked` and misbehaves as it is told, line by line."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL: Final = Subprotocol("graphql-transport-ws")
TOKEN: Final = "kst_MadeUpForTheseTestsAlone0000000000000000000000000"
WHEN: Final = "2026-01-02T03:04:05+00:00"


def revoked(
    cursor: str,
    key: str | None = "key_1",
    *,
    reason: str = "REMOVED",
    version: int | None = 1,
    provider: str | None = "openai",
) -> dict[str, Any]:
    return {
        "__typename": "KeyRevoked",
        "cursor": cursor,
        "key": key,
        "provider": None if provider is None else {"id": provider},
        "reason": reason,
        "version": version,
        "revokedAt": WHEN,
    }


def beat(head: str) -> dict[str, Any]:
    return {"__typename": "Heartbeat", "head": head, "at": WHEN}


def expired(head: str) -> dict[str, Any]:
    return {"__typename": "CursorExpired", "message": "Too old.", "head": head}


class Peer:
    """The server's end of one connection. What is not asked for yet waits in order."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.init: dict[str, Any] = {}
        self.listening = ""
        self.listens: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue()
        self.acknowledgements: asyncio.Queue[tuple[str, dict[str, str]]] = asyncio.Queue()
        self.completed: asyncio.Queue[str] = asyncio.Queue()
        self.pongs: asyncio.Queue[None] = asyncio.Queue()
        self.answering = True
        """Whether acknowledgements are answered as they come."""
        self.reading: asyncio.Task[None] | None = None
        self.through = False

    async def frame(self) -> Any:
        return json.loads(await self.socket.recv())

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def greet(self) -> None:
        """Take the introduction, agree, and read on in the background."""
        init = await self.frame()
        assert init["type"] == "connection_init", init
        self.init = init["payload"]
        await self.send(type="connection_ack")
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                frame = json.loads(text)
                match frame["type"]:
                    case "subscribe":
                        await self._subscribed(frame["id"], frame["payload"])
                    case "complete":
                        self.completed.put_nowait(frame["id"])
                    case "pong":
                        self.pongs.put_nowait(None)
        except ConnectionClosed:
            pass

    async def _subscribed(self, operation: str, payload: dict[str, Any]) -> None:
        if "keyRevoked" in payload["query"]:
            self.listens.put_nowait((operation, payload["variables"]["after"]))
            return
        wanted = payload["variables"]["input"]
        self.acknowledgements.put_nowait((operation, wanted))
        if self.answering:
            await self.answer(operation, wanted["cursor"])

    async def listened(self) -> str | None:
        """Wait for the subscription; give the cursor after which it wants to hear."""
        self.listening, after = await self.listens.get()
        return after

    async def acknowledged(self) -> str:
        """Wait for an acknowledgement; give its cursor."""
        _, wanted = await self.acknowledgements.get()
        assert wanted["instance"] == self.init["instance"]
        return wanted["cursor"]

    async def answer(self, operation: str, cursor: str) -> None:
        data = {"acknowledgeRevocation": {"__typename": "Acknowledged", "cursor": cursor}}
        await self.send(type="next", id=operation, payload={"data": data})
        await self.send(type="complete", id=operation)

    async def tell(self, *events: dict[str, Any]) -> None:
        for event in events:
            payload = {"data": {"keyRevoked": event}}
            await self.send(type="next", id=self.listening, payload=payload)

    async def opened(self, *events: dict[str, Any]) -> str | None:
        """Greet, take the subscription, and tell what is to be told first."""
        await self.greet()
        after = await self.listened()
        await self.tell(*events)
        return after

    async def close(self, code: int, reason: str = "") -> None:
        """Close the connection: a script's end, from the moment on in which the client hears it."""
        self.through = True
        await self.socket.close(code, reason)

    async def gone(self) -> None:
        """Wait until the client has gone: a script's end."""
        self.through = True
        await self.socket.wait_closed()


Script = Callable[[Peer], Awaitable[None]]


class ScriptedServer:
    """Plays one script a connection, in turn; a connection beyond the last one stays silent.

    A script that fails, or waits for something that never comes, fails the test at the end.
    """

    def __init__(self, *scripts: Script, port: int = 0) -> None:
        self._port = port
        self._scripts = list(scripts)
        self._failures: list[BaseException] = []
        self._playing: set[asyncio.Task[Any]] = set()
        self._server: Server | None = None
        self.connections = 0

    @property
    def url(self) -> str:
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._play,
            "127.0.0.1",
            self._port,
            subprotocols=[PROTOCOL],
            ping_interval=None,
            close_timeout=1,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        # A script may still wait for something that will not come any more.
        for playing in self._playing:
            playing.cancel()
        await self._server.wait_closed()
        if error is None and self._failures:
            raise self._failures[0]

    async def _play(self, socket: ServerConnection) -> None:
        number, self.connections = self.connections, self.connections + 1
        peer = Peer(socket)
        task = asyncio.current_task()
        assert task is not None
        self._playing.add(task)
        try:
            if number < len(self._scripts):
                await self._scripts[number](peer)
            else:
                await socket.wait_closed()
        except ConnectionClosed:
            pass
        except asyncio.CancelledError:
            if number < len(self._scripts) and not peer.through:
                self._failures.append(AssertionError("A script was left before its end."))
        except BaseException as failure:
            self._failures.append(failure)
            raise
        finally:
            self._playing.discard(task)
            if peer.reading is not None:
                peer.reading.cancel()


async def refuse(peer: Peer) -> None:
    """Do not know the token."""
    await peer.frame()
    await peer.close(4403, "Forbidden")
