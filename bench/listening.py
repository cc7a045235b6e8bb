"""Thousands of listening tools in one light process: raw sockets, just enough websocket.

So light that the server is what is measured: a connection is one asyncio protocol, a frame is told
by its first bytes, and all that is kept of an event is when it came. Times are CLOCK_MONOTONIC,
which all processes of a machine share.
"""

import asyncio
import base64
import contextlib
import os
import resource
import struct
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Final

import uvloop

HEAR: Final = (
    "subscription($after: Cursor) { keyRevoked(after: $after) { __typename"
    " ... on KeyRevoked { cursor key reason version revokedAt provider { id } }"
    " ... on Heartbeat { head at } ... on CursorExpired { message head } } }"
)
_EVENT: Final = b'"__typename":"KeyRevoked"'
_HEARTBEAT: Final = b'"__typename":"Heartbeat"'
_PONG: Final = b"\x8a"


@dataclass(slots=True)
class Heard:
    """What came over all sockets since it was last asked for."""

    events: list[float] = field(default_factory=list)
    heartbeats: int = 0
    closed: list[tuple[float, int]] = field(default_factory=list)
    messages: int = 0


class Listener(asyncio.Protocol):
    """One socket: upgrades, initialises, subscribes, and notes what comes."""

    __slots__ = ("_heard", "_left", "_request", "_token", "opened", "transport")

    def __init__(self, token: str, host: str, port: int, heard: Heard) -> None:
        self._token = token
        self._heard = heard
        self._left = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        key = base64.b64encode(os.urandom(16)).decode()
        self._request: bytes | None = (
            f"GET /graphql HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(self._request or b"")

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("closed before it was open"))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if self._left:
            data = self._left + data
        if self._request is not None:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._left = head
                return
            if b" 101 " not in head[:20]:
                self.transport.abort()
                return
            self._request = None
            self._send(
                b'{"type":"connection_init","payload":{"authorization":"Bearer %b"}}'
                % self._token.encode()
            )
        start = 0
        while (end_of := _end(data, start)) is not None:
            self._frame(data, start, end_of, now)
            start = end_of
        self._left = data[start:]

    def _frame(self, data: bytes, start: int, end: int, now: float) -> None:
        kind = data[start] & 0x0F
        if kind == 0x1:
            self._heard.messages += 1
            if data.find(_EVENT, start, end) >= 0:
                self._heard.events.append(now)
            elif data.find(_HEARTBEAT, start, end) >= 0:
                self._heard.heartbeats += 1
                if not self.opened.done():
                    self.opened.set_result(None)
            elif data.find(b"connection_ack", start, end) >= 0:
                self._send(
                    b'{"id":"1","type":"subscribe","payload":{"query":"%b"}}' % HEAR.encode()
                )
            elif not self.opened.done():
                self.opened.set_exception(RuntimeError(data[start:end].decode(errors="replace")))
        elif kind == 0x9:
            self._send(data[start + 2 : end], _PONG)
        elif kind == 0x8:
            self._heard.closed.append((now, struct.unpack("!H", data[start + 2 : start + 4])[0]))
            self.transport.close()

    def _send(self, payload: bytes, opcode: bytes = b"\x81") -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
        # A mask of zeros is a mask, and costs nothing.
        self.transport.write(b"".join((opcode, length, b"\0\0\0\0", payload)))


def _end(data: bytes, start: int) -> int | None:
    have = len(data) - start
    if have < 2:
        return None
    size, head = data[start + 1] & 0x7F, 2
    if size == 126:
        if have < 4:
            return None
        size, head = int.from_bytes(data[start + 2 : start + 4]), 4
    elif size == 127:
        raise RuntimeError("No message of keysteward's is that large.")
    return start + head + size if have >= head + size else None


class _Crowd:
    """The sockets of one process, and what it is told to do with them."""

    def __init__(self) -> None:
        self._heard = Heard()
        self._sockets: list[Listener] = []

    async def open(
        self, ports: Sequence[int], tokens: Sequence[str], at_once: int
    ) -> tuple[float, float]:
        """Open a socket for each token; give the seconds it took, and of our own CPU."""
        loop, began, cpu = asyncio.get_running_loop(), time.monotonic(), time.process_time()
        todo = iter(enumerate(tokens))

        async def opener() -> None:
            for number, token in todo:
                port = ports[number % len(ports)]
                _, listener = await loop.create_connection(
                    partial(Listener, token, "127.0.0.1", port, self._heard),
                    "127.0.0.1",
                    port,
                )
                await listener.opened
                self._sockets.append(listener)

        async with asyncio.timeout(120):
            await asyncio.gather(*(opener() for _ in range(at_once)))
        return time.monotonic() - began, time.process_time() - cpu

    async def heard(self, events: int, closes: int, seconds: float) -> Heard:
        """Give what was heard once so many events and closes came; raise when they don't."""
        async with asyncio.timeout(seconds):
            # Looked at now and then: waking somebody at each event would be measured too.
            while len(self._heard.events) < events or len(self._heard.closed) < closes:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        heard = Heard(
            self._heard.events[:],
            self._heard.heartbeats,
            self._heard.closed[:],
            self._heard.messages,
        )
        self._heard.events.clear()
        self._heard.closed.clear()
        self._heard.heartbeats = self._heard.messages = 0
        return heard

    async def close(self) -> None:
        """Close all sockets."""
        for listener in self._sockets:
            listener.transport.abort()
        self._sockets.clear()
        await asyncio.sleep(0)


def _live(tell: Connection) -> None:
    many_files()

    async def main() -> None:
        crowd, loop = _Crowd(), asyncio.get_running_loop()
        while True:
            try:
                what, given = await loop.run_in_executor(None, tell.recv)
            except EOFError:
                return
            try:
                answer = await getattr(crowd, what)(*given)
            except Exception as error:  # noqa: BLE001 - raised where it was asked for
                answer = error
            tell.send(answer)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


class Crowd:
    """A process full of listeners, seen from the one that measures."""

    def __init__(self, tell: Connection) -> None:
        self._tell = tell

    async def _ask(self, what: str, *given: Any) -> Any:
        def ask() -> Any:
            self._tell.send((what, given))
            return self._tell.recv()

        answer = await asyncio.get_running_loop().run_in_executor(None, ask)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def open(
        self, ports: Sequence[int], tokens: Sequence[str], *, at_once: int = 64
    ) -> tuple[float, float]:
        """Open a socket for each token; give the seconds it took, and of the clients' CPU."""
        result: tuple[float, float] = await self._ask("open", ports, tokens, at_once)
        return result

    async def heard(self, events: int = 0, *, closes: int = 0, seconds: float = 20) -> Heard:
        """Wait for so many events, and give what was heard since this was last asked."""
        result: Heard = await self._ask("heard", events, closes, seconds)
        return result

    async def close(self) -> None:
        """Close all sockets."""
        await self._ask("close")


@contextlib.asynccontextmanager
async def crowd() -> AsyncIterator[Crowd]:
    """Run a process of listeners."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_live, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Crowd(ours)
    finally:
        ours.close()
        process.join(5)
        if process.is_alive():
            process.terminate()


def many_files() -> int:
    """Let this process hold as many sockets as the system lets it; give how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
