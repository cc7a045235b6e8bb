"""A provider that breaks HTTP itself: what no ASGI application can send is written to the socket.

Each connection is answered in one fixed way, whatever it asks.
"""

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import AsyncIterator
from enum import Enum
from typing import Final

from keysteward.demo.fake_openai import chat_events
from keysteward.demo.gate import Gate, Watch

_EVENTS: Final = 8
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_JSON: Final = b'{"object": "list", "data": []}'
_LONGEST_HEAD: Final = 1 << 20

# Linger on, for no time: closing the socket then sends RST in place of FIN.
_RESET: Final = struct.pack("ii", 1, 0)


class Breach(Enum):
    """A way to break the rules of HTTP."""

    RESET_MID_STREAM = "reset-mid-stream"
    """Some events of a chat, then RST."""
    GARBAGE = "garbage"
    """Bytes that are no HTTP."""
    TRUNCATED = "truncated"
    """A body shorter than its Content-Length, then an orderly end."""
    CLOSE_AT_ONCE = "close-at-once"
    """An end of the connection before a word is read."""
    SLOW_HEADERS = "slow-headers"
    """A head of which a byte comes now and then, without end."""
    HUGE_HEADERS = "huge-headers"
    """A head with a header of `header_bytes` bytes."""
    CONFLICTING_LENGTH = "conflicting-length"
    """Transfer-Encoding and Content-Length in one head, and an answer smuggled in behind."""


class FakeSocket:
    """A server of one breach, and what it saw."""

    def __init__(self, breach: Breach) -> None:
        self.breach = breach
        self.gate: Gate | None = None
        """Holds `RESET_MID_STREAM` after that many events, until released; else it goes at once."""
        self.pace = 0.02
        """Seconds between the bytes of `SLOW_HEADERS`."""
        self.header_bytes = 1 << 20
        self.heads: list[bytes] = []
        """The request heads that came."""
        self.connections = 0
        """How many connections are open."""
        self._watch = Watch()
        self._handlers: set[asyncio.Task[None]] = set()

    async def until_closed(self) -> None:
        """Return once no connection is open."""
        await self._watch.until(lambda: self.connections == 0)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve on a free port of loopback. Gives the base URL; what is open at the end is cut."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for handler in self._handlers:
                handler.cancel()
            await asyncio.gather(*self._handlers, return_exceptions=True)
            await server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own, so that it can be cut: `start_server` keeps those it makes to itself.
        handler = asyncio.ensure_future(self._handle(reader, writer))
        self._handlers.add(handler)
        handler.add_done_callback(self._handlers.discard)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.breach is not Breach.CLOSE_AT_ONCE:
                self.heads.append(await _request(reader))
                await self._break(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client left first, which is its right
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self.connections -= 1
            self._watch.changed()

    async def _break(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match self.breach:
            case Breach.RESET_MID_STREAM:
                await self._reset(writer)
            case Breach.SLOW_HEADERS:
                await self._drip(reader, writer)
            case Breach.GARBAGE:
                writer.write(b"\x16\x03\x01 this is\x00 no HTTP\r\n\xff\xfe\r\n\r\n")
            case Breach.TRUNCATED:
                writer.write(_head(b"content-length: 2000") + _JSON)
            case Breach.HUGE_HEADERS:
                size = b"content-length: %d" % len(_JSON)
                writer.write(_head(size, b"x-huge: " + b"h" * self.header_bytes) + _JSON)
            case Breach.CONFLICTING_LENGTH:
                writer.write(
                    _head(b"content-length: 5", b"transfer-encoding: chunked")
                    + _chunk(_JSON)
                    + b"0\r\n\r\n"
                    + _head(b"content-length: 8", b"x-smuggled: yes")
                    + b"smuggled"
                )
        await writer.drain()

    async def _reset(self, writer: asyncio.StreamWriter) -> None:
        after = _EVENTS // 2 if self.gate is None else self.gate.after
        writer.write(_head(b"transfer-encoding: chunked", type_=b"text/event-stream"))
        for event in chat_events(_EVENTS)[:after]:
            writer.write(_chunk(event))
        await writer.drain()
        if self.gate is not None:
            await self.gate.passed()
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    async def _drip(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
        while not reader.at_eof():
            writer.write(b"s")
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), self.pace)


async def _request(reader: asyncio.StreamReader) -> bytes:
    """Read a request whole, and give its head.

    A socket that is closed with bytes unread sends RST, and an orderly end would not be one.
    """
    head = await reader.readuntil(b"\r\n\r\n")
    if b"\r\ntransfer-encoding:" in head.lower():
        while await reader.readuntil(b"\r\n") != b"0\r\n":
            pass
        await reader.readuntil(b"\r\n")
    elif length := _LENGTH.search(head):
        left = int(length[1])
        while left and (chunk := await reader.read(min(left, _LONGEST_HEAD))):
            left -= len(chunk)
    return head


def _head(*lines: bytes, type_: bytes = b"application/json") -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", b"content-type: " + type_, *lines, b"", b""))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
