"""An upstream of a test's own words, written straight to the socket; and a client that does so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

Script = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What is done about each request: its head, then the connection."""


@contextlib.asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    """Serve a script on loopback: it gets each connection once a request's head was read."""
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await script(head, reader, writer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side left
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.ensure_future(handle(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await server.wait_closed()


def says(*pieces: bytes) -> Script:
    """Make a script that answers every request with these pieces, each on its own."""

    async def script(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return script


def answer(
    *lines: bytes,
    status: bytes = b"200 OK",
    body: bytes = b"{}",
    type_: bytes = b"application/json",
) -> bytes:
    """Write an answer with a length."""
    head = (b"HTTP/1.1 " + status, b"content-type: " + type_, *lines)
    return b"\r\n".join((*head, b"content-length: %d" % len(body), b"", body))


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a server of ours; the end of the block closes the connection at once."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def spoken(url: str, *pieces: bytes) -> bytes:
    """Write these bytes to a server of ours and give all that it says before it closes."""
    async with asyncio.timeout(30), connected(url) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()
