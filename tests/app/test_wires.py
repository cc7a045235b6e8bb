"""What a peer can make the server keep or wait for, before anything of ours has a say."""

import asyncio
import contextlib
import os
from typing import Any

import httpx
import pytest

from keysteward.server import running, settings
from keysteward.wires import LONGEST_HEAD, Http
from tests.kit.scripted import connected, spoken

_MUCH = 64 * 1024 * 1024
_PIECE = 65_536
_UPGRADE = (
    b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer whatever comes; of a websocket, hear it out."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
    else:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


async def taken(url: str, begins: bytes, more: bytes, *, reads: bytes = b"") -> int:
    """Give how many bytes the server took of what has no end, before it hung up."""
    sent = 0
    async with asyncio.timeout(30), connected(url) as (reader, writer):
        writer.write(begins)
        if reads:
            await reader.readuntil(reads)
        try:
            while sent < _MUCH:
                writer.write(more)
                await writer.drain()
                sent += len(more)
        except OSError:
            pass
    return sent


@pytest.mark.parametrize(
    ("begins", "more"),
    [
        (b"GET /", b"a" * _PIECE),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx: ", b"a" * _PIECE),
        (b"GET / HTTP/1.1\r\nhost: x\r\n", b"a: b\r\n" * 10_000),
        (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;", b"a" * _PIECE),
        (
            b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
            b"a: b\r\n" * 10_000,
        ),
    ],
    ids=["url", "header", "headers", "chunk", "trailers"],
)
async def test_a_head_without_an_end_is_broken_off(begins: bytes, more: bytes) -> None:
    async with running(app) as url:
        assert await taken(url, begins, more) < _MUCH
        assert b" 204 " in await spoken(url, b"GET / HTTP/1.0\r\n\r\n")


async def test_a_large_body_is_no_head() -> None:
    body = os.urandom(4 * LONGEST_HEAD)
    head = b"POST / HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with running(app) as url:
        assert b" 204 " in await spoken(url, head, body)
        # A byte a chunk: of what is received, most is framing.
        head = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n"
        assert b" 204 " in await spoken(
            url, head, b"\r\n", b"1\r\na\r\n" * LONGEST_HEAD, b"0\r\n\r\n"
        )


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"G",),
        (b"GET / HTTP/1.1\r\nhost: ",),
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"GET / HTTP/1.1\r\n"),
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"\r\n"),
    ],
    ids=["silent", "a byte", "half a head", "half a second head", "a line after the first"],
)
async def test_whoever_does_not_finish_a_head_is_hung_up_on(
    pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Http, "head_seconds", 0.05)
    async with running(app) as url, asyncio.timeout(4), connected(url) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            if piece.endswith(b"\r\n\r\n"):
                await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""


async def test_a_websocket_is_not_a_head_that_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Http, "head_seconds", 0.01)
    async with running(app) as url, asyncio.timeout(30), connected(url) as (reader, writer):
        writer.write(_UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.read(1)


async def test_pings_whose_answers_nobody_reads_are_not_answered_for_ever() -> None:
    ping = b"\x89\xfd\0\0\0\0" + b"a" * 125
    async with running(app) as url:
        assert await taken(url, _UPGRADE, ping * 500, reads=b"\r\n\r\n") < _MUCH


def test_a_client_gives_an_idle_connection_up_before_the_server_does() -> None:
    """Else its next request crosses with the server's closing: lost, and perhaps not repeatable."""
    clients = httpx.Limits().keepalive_expiry
    assert clients is not None
    assert settings()["timeout_keep_alive"] > 2 * clients
