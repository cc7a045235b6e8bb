"""The websocket to a provider, against servers that are scripts on real sockets.

Here on asyncio's loop, in `tests/via` on uvloop; with TLS on both.
"""

import asyncio
import base64
import contextlib
import hashlib
import logging
import re
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import Any

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from broker import socket_out
from broker.outbound import Outbound
from broker.socket_out import Declined, Farewell, Message, SocketOut, open_socket
from broker.upstream import (
    AddressForbidden,
    RequestMalformed,
    Timeouts,
    Upstream,
    UpstreamBroke,
    UpstreamFailure,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from store import StoreUnavailable
from tests.kit.authority import Authority
from tests.kit.scripted import scripted

KEY = b"Bearer made-up-key-of-nobody-0123456789"
NAME = "api.provider.test"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MIB = 1024 * 1024
CHUNKED = b"HTTP/1.1 401 No\r\nx-why: so\r\ntransfer-encoding: chunked\r\n\r\n"

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def frame(kind: int, data: bytes = b"", *, fin: bool = True) -> bytes:
    """Write a server's frame (RFC 6455, section 5.2)."""
    first = bytes([kind | (0x80 if fin else 0)])
    if len(data) < 126:
        return first + bytes([len(data)]) + data
    if len(data) < 65536:
        return first + b"\x7e" + struct.pack("!H", len(data)) + data
    return first + b"\x7f" + struct.pack("!Q", len(data)) + data


def accepted(head: bytes, *lines: bytes) -> bytes:
    """Answer a handshake."""
    found = re.search(rb"sec-websocket-key: (\S+)", head)
    assert found
    proof = base64.b64encode(hashlib.sha1(found[1] + GUID).digest())  # noqa: S324 - the protocol's
    start = (b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade")
    return b"\r\n".join((*start, b"Sec-WebSocket-Accept: " + proof, *lines, b"", b""))


async def frame_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a client's frame."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length >= 126:
        size = 2 if length == 126 else 8
        length = int.from_bytes(await reader.readexactly(size))
    assert second & 0x80
    mask = await reader.readexactly(4)
    data = await reader.readexactly(length)
    return first & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


@contextlib.asynccontextmanager
async def going_out() -> AsyncIterator[Outbound]:
    # Without the system's authorities, which take longer to load than most of these tests do.
    outbound = Outbound(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    yield outbound
    await outbound.close()


async def nothing() -> None:
    """Stand where a call is noted to have left."""


async def opened(outbound: Outbound, url: str, **more: Any) -> SocketOut | Declined:
    more = {"timeouts": Timeouts(), "before": nothing, **more}
    upstream = Upstream.at(url, private_allowed=True)
    headers = more.pop("headers", [(b"authorization", KEY)])
    return await open_socket(outbound, upstream, b"/v1/x?y=z", headers, **more)


@contextlib.asynccontextmanager
async def talking_to(script: Script, **more: Any) -> AsyncIterator[SocketOut]:
    """Open a websocket to a server that agrees, and then does what the script says."""

    async def agreeing(
        head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(accepted(head))
        await script(reader, writer)
        await reader.read()

    async with asyncio.timeout(30), scripted(agreeing) as url, going_out() as outbound:
        socket = await opened(outbound, url, **more)
        assert isinstance(socket, SocketOut)
        yield socket
        socket.abort()


def small(transport: asyncio.BaseTransport) -> None:
    """Have the kernel keep little of what one side sends and the other does not read."""
    for option in (SO_SNDBUF, SO_RCVBUF):
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, option, 65_536)


def saying(*pieces: bytes) -> Script:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return script


async def end_of(*pieces: bytes, then_close: bool = False) -> Farewell | str:
    """Give how a conversation ends in which the provider says just that."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await saying(*pieces)(reader, writer)
        if then_close:
            writer.close()

    async with talking_to(script) as socket:
        try:
            while isinstance(message := await socket.receive(), Message):
                pass
        except UpstreamBroke as broke:
            return str(broke)
        return message


class TestTheHandshake:
    async def test_it_leaves_whole_with_the_key_in_one_header_which_is_then_wiped(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heads: list[bytes] = []
        written: list[bytearray] = []
        write = socket_out._head

        async def script(
            head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            heads.append(head)
            writer.write(accepted(head, b"sec-websocket-protocol: two", b"X-Some: thing"))
            await reader.read()

        def writing(*given: Any) -> bytearray:
            written.append(write(*given))
            return written[-1]

        monkeypatch.setattr(socket_out, "_head", writing)
        async with scripted(script) as url, going_out() as outbound:
            socket = await opened(outbound, url + "/base", subprotocols=["one", "two"])
            assert isinstance(socket, SocketOut)
            assert socket.subprotocol == "two"
            assert (b"x-some", b"thing") in socket.headers
            socket.abort()
        (head,) = heads
        lines = re.sub(rb"(key: )\S+|(host: \S+:)\d+", rb"\1\2", head).split(b"\r\n")
        assert lines == [
            b"GET /base/v1/x?y=z HTTP/1.1",
            b"host: 127.0.0.1:",
            b"connection: Upgrade",
            b"upgrade: websocket",
            b"sec-websocket-key: ",
            b"sec-websocket-version: 13",
            b"sec-websocket-protocol: one, two",
            b"authorization: " + KEY,
            b"",
            b"",
        ]
        assert written == [bytearray(len(head))]

    @pytest.mark.parametrize(
        "answer",
        [
            b"\x16\x03\x01 no HTTP\r\n\r\n",
            b"HTTP/1.0 101 Go\r\nUpgrade: websocket\r\n\r\n",
            b"HTTP/1.1 101 Go\r\n\r\n",
            accepted(b"sec-websocket-key: another"),
            b"HTTP/1.1 200 OK\r\nx: " + b"y" * 9000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n",
            b"HTTP/1.1 403 No\r\ncontent-length: 2000000\r\n\r\n",
            b"HTTP/1.1 403 No\r\ncontent-length: 20\r\n\r\nless",
            b"ACCEPTED\r\nsec-websocket-extensions: permessage-deflate\r\n\r\n",
            b"ACCEPTED\r\nsec-websocket-protocol: never-offered\r\n\r\n",
            b"",
        ],
    )
    async def test_what_is_no_agreement_is_none(self, answer: bytes) -> None:
        async def script(
            head: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            writer.write(answer.replace(b"ACCEPTED\r\n", accepted(head)[:-2]))
            writer.write_eof()

        async with scripted(script) as url, going_out() as outbound:
            with pytest.raises(UpstreamBroke) as broke:
                await opened(outbound, url)
        assert broke.value.after_dispatch

    @pytest.mark.parametrize(
        ("answer", "body"),
        [
            (b"HTTP/1.1 401 No\r\nX-Why: so\r\ncontent-length: 2\r\n\r\nno", b"no"),
            (CHUNKED + b"1\r\nn\r\n1\r\no\r\n0\r\n\r\n", b"no"),
            (b"HTTP/1.1 401 No\r\nx-why: so\r\n\r\nno", b"no"),
        ],
    )  # fmt: skip
    async def test_another_answer_is_given_whole(self, answer: bytes, body: bytes) -> None:
        async def script(_: bytes, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            writer.write_eof()

        async with scripted(script) as url, going_out() as outbound:
            declined = await opened(outbound, url)
        assert isinstance(declined, Declined)
        assert (declined.status, declined.body) == (401, body)
        assert (b"x-why", b"so") in declined.headers

    async def test_a_provider_that_does_not_answer_is_given_up(self) -> None:
        async def script(_: bytes, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
            await reader.read()

        async with asyncio.timeout(2), scripted(script) as url, going_out() as outbound:
            with pytest.raises(UpstreamTimedOut) as late:
                await opened(outbound, url, timeouts=Timeouts(first_byte=0.01))
        assert late.value.after_dispatch

    async def test_nothing_leaves_where_noting_it_down_fails(self) -> None:
        async def failing() -> None:
            raise StoreUnavailable("The database is closed.")

        heads: list[bytes] = []

        async def script(head: bytes, _: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
            heads.append(head)

        async with scripted(script) as url, going_out() as outbound:
            with pytest.raises(StoreUnavailable):
                await opened(outbound, url, before=failing)
        assert not heads

    async def test_a_connection_that_was_closed_meanwhile_is_not_used(self) -> None:
        closed = asyncio.Event()

        async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()
            await writer.wait_closed()
            closed.set()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, going_out() as outbound:
            with pytest.raises(UpstreamUnreachable) as unreachable:
                await opened(outbound, f"http://127.0.0.1:{port}", before=closed.wait)
        assert not unreachable.value.after_dispatch

    async def test_no_address_is_spoken_to_that_no_key_may_be_sent_to(self) -> None:
        async with going_out() as outbound:
            for upstream in (Upstream("127.0.0.1", 9), Upstream("169.254.169.254", 80)):
                with pytest.raises(AddressForbidden):
                    await open_socket(
                        outbound, upstream, b"/", [], timeouts=Timeouts(), before=nothing
                    )

    async def test_to_cancel_it_closes_the_connection(self) -> None:
        asked, left = asyncio.Event(), asyncio.Event()

        async def script(_: bytes, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
            asked.set()
            with contextlib.suppress(ConnectionError):
                await reader.read()
            left.set()

        async with scripted(script) as url, going_out() as outbound:
            opening = asyncio.ensure_future(opened(outbound, url))
            await asked.wait()
            opening.cancel()
            await left.wait()
            with pytest.raises(asyncio.CancelledError):
                await opening

    @pytest.mark.parametrize(
        "headers",
        [
            [(b"x", b"a\r\nb: c")], [(b"x", b"a\nb")], [(b"x", b"\0")], [(b"X", b"y")],
            [(b"x y", b"")], [(b"", b"")], [(b"host", b"h")], [(b"upgrade", b"h2c")],
            [(b"connection", b"close")], [(b"sec-websocket-extensions", b"permessage-deflate")],
            [(b"sec-websocket-key", b"x")], [(b"transfer-encoding", b"chunked")],
        ],
    )  # fmt: skip
    async def test_a_header_that_could_be_read_two_ways_does_not_leave(
        self, headers: list[tuple[bytes, bytes]]
    ) -> None:
        async with going_out() as outbound:
            with pytest.raises(RequestMalformed):
                await opened(outbound, "http://127.0.0.1:1", headers=headers)

    @pytest.mark.parametrize("target", [b"", b"v1", b"/ HTTP/1.1", b"/a\r\nb", b"/#", b"/\xff"])
    async def test_a_path_that_is_none_does_not_leave(self, target: bytes) -> None:
        upstream = Upstream("127.0.0.1", 1)
        async with going_out() as outbound:
            with pytest.raises(RequestMalformed):
                await open_socket(
                    outbound, upstream, target, [], timeouts=Timeouts(), before=nothing
                )

    async def test_the_key_is_in_no_log_however_talkative(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with talking_to(saying(frame(TEXT, KEY), frame(CLOSE))) as socket:
            await socket.send(Message(KEY, is_text=True))
            await socket.receive()
            await socket.receive()
        assert KEY.decode() not in caplog.text


class TestMessages:
    async def test_each_is_given_whole_whatever_its_frames(self) -> None:
        told = [
            frame(TEXT, "Größe".encode()[:3], fin=False), frame(PING, b"?"),
            frame(0, b"", fin=False), frame(0, "Größe".encode()[3:]),
            frame(BINARY, b"\xff" * 70_000), frame(TEXT) + frame(BINARY) + frame(TEXT, b"x"),
        ]  # fmt: skip
        async with talking_to(saying(*told)) as socket:
            got = [await socket.receive() for _ in range(5)]
        assert got == [
            Message("Größe".encode(), is_text=True),
            Message(b"\xff" * 70_000, is_text=False),
            Message(b"", is_text=True),
            Message(b"", is_text=False),
            Message(b"x", is_text=True),
        ]

    async def test_what_is_sent_comes_whole_and_pings_are_answered(self) -> None:
        frames: list[tuple[int, bytes]] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            frames.extend([await frame_of(reader), await frame_of(reader)])
            writer.write(frame(PING, b"there?"))
            frames.append(await frame_of(reader))
            writer.write(frame(CLOSE, struct.pack("!H", 1000)))
            frames.append(await frame_of(reader))
            done.set()

        done = asyncio.Event()
        async with talking_to(script) as socket:
            await socket.send(Message("Größe".encode(), is_text=True))
            await socket.send(Message(b"\xff" * 300, is_text=False))
            assert await socket.receive() == Farewell(1000)
            await socket.send(Message(b"too late", is_text=True))
            await done.wait()
        assert frames == [
            (TEXT, "Größe".encode()), (BINARY, b"\xff" * 300), (PONG, b"there?"),
            (CLOSE, b"\x03\xe8"),
        ]  # fmt: skip

    async def test_no_more_waits_here_than_one_piece(self) -> None:
        """A provider that talks on while nobody listens has to wait."""
        sent = 0

        async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            small(writer.transport)
            while sent < 200:
                writer.write(frame(BINARY, bytes(32_768)))
                await writer.drain()
                sent += 1

        async with talking_to(script) as socket:
            small(socket._transport)
            for _ in range(2000):
                await asyncio.sleep(0)  # much longer than the whole would take
            assert 0 < sent < 100
            assert 65_536 < socket._waiting <= 65_536 + 262_144
            for _ in range(200):
                assert await socket.receive() == Message(bytes(32_768), is_text=False)

    async def test_a_sender_waits_for_a_provider_that_does_not_read(self) -> None:
        read = asyncio.Event()

        async def script(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await read.wait()
            size = 0
            while size < 16 * MIB:
                size += len(await reader.read(MIB))

        async with talking_to(script) as socket:
            for _ in range(4):
                sending = asyncio.ensure_future(socket.send(Message(bytes(4 * MIB), is_text=False)))
                done, _ = await asyncio.wait([sending], timeout=0.01)
            assert not done
            read.set()
            await sending

    async def test_a_sender_does_not_wait_for_one_that_is_gone(self) -> None:
        async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await gone.wait()
            writer.transport.abort()

        gone = asyncio.Event()
        async with talking_to(script) as socket:
            sending = asyncio.ensure_future(socket.send(Message(bytes(16 * MIB), is_text=False)))
            await asyncio.wait([sending], timeout=0.01)
            gone.set()
            await sending
            with pytest.raises(UpstreamBroke):
                await socket.receive()


class TestEnds:
    @pytest.mark.parametrize(
        ("data", "farewell"),
        [
            (b"", Farewell(None)),
            (b"\x03\xe8bye", Farewell(1000, "bye")),
            (b"\x0f\xa8", Farewell(4008)),
            (b"\x03\xf6", Farewell(1014)),
        ],
    )
    async def test_a_farewell_is_given_as_it_came(self, data: bytes, farewell: Farewell) -> None:
        assert await end_of(frame(TEXT, b"hello"), frame(CLOSE, data)) == farewell

    @pytest.mark.parametrize(
        "last",
        [
            [b"\x81\x7f" + struct.pack("!Q", 16 * MIB + 1)],
            [frame(BINARY, bytes(9 * MIB), fin=False), b"\x80\x7f" + struct.pack("!Q", 8 * MIB)],
            [frame(TEXT, b"\xff\xfe")],
            [frame(TEXT, "ö".encode()[:1], fin=False), frame(0, b"x")],
            [frame(0, b"of nothing")],
            [frame(TEXT, b"x", fin=False), frame(TEXT, b"another")],
            [frame(PING, bytes(126))],
            [b"\xc1\x01x"],
            [b"\x81\x81abcdx"],
            [b"\x83\x00"],
            [frame(CLOSE, b"\x03")],
            [frame(CLOSE, b"\x03\xed")],
            [frame(CLOSE, b"\x03\xe8\xff")],
            [frame(TEXT, b"x", fin=False), frame(CLOSE)],
        ],
        ids=range(14),
    )
    async def test_what_is_no_websockets_ends_it(self, last: list[bytes]) -> None:
        assert isinstance(await end_of(frame(TEXT, b"hello"), *last), str)

    @pytest.mark.parametrize(
        "last", [b"", b"\x81", frame(TEXT, b"whole"), frame(TEXT, b"x", fin=False)]
    )
    async def test_a_connection_that_is_cut_off_is_no_farewell(self, last: bytes) -> None:
        assert isinstance(await end_of(last, then_close=True), str)

    async def test_a_silent_provider_is_asked_and_then_given_up(self) -> None:
        frames: list[tuple[int, bytes]] = []

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            frames.append(await frame_of(reader))
            writer.write(frame(PONG))
            frames.append(await frame_of(reader))

        async with talking_to(script, ping_seconds=0.3) as socket:
            with pytest.raises(UpstreamTimedOut):
                await socket.receive()
        assert frames[0] == (PING, b"")

    async def test_one_that_pings_without_reading_is_given_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket_out, "_MOST_UNREAD", 4096)

        async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            small(writer.transport)
            with contextlib.suppress(ConnectionError):
                while not writer.transport.is_closing():
                    writer.write(frame(PING, bytes(125)) * 1000)
                    await writer.drain()

        async with talking_to(script) as socket:
            small(socket._transport)
            with pytest.raises(UpstreamBroke, match="pings"):
                await socket.receive()

    async def test_who_leaves_says_so_and_waits_for_nobody(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket_out, "_FAREWELL_SECONDS", 0.01)
        frames: list[tuple[int, bytes]] = []
        cut = asyncio.Event()

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(frame(BINARY, bytes(MIB)) * 4)  # of which nobody takes anything
            frames.append(await frame_of(reader))
            with contextlib.suppress(ConnectionError):
                while await reader.read(MIB):
                    pass
            cut.set()

        async with talking_to(script) as socket:
            while not socket._paused:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0)
            socket.leave(Farewell(4009, "ö" * 100))
            socket.leave(Farewell(1000))
            await cut.wait()
        assert frames == [(CLOSE, b"\x0f\xa9" + ("ö" * 61).encode())]

    @settings(max_examples=50)
    @given(st.one_of(st.none(), st.integers(0, 6000)), st.text(max_size=200))
    def test_a_fit_farewell_can_be_sent(self, code: int | None, reason: str) -> None:
        fit = Farewell(code, reason.encode(errors="ignore").decode()).fit
        assert fit.code is not None
        assert fit.code in {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}
        assert len(fit.reason.encode()) <= 123
        assert reason.encode(errors="ignore").decode().startswith(fit.reason)


# With TLS, on both loops: here the transport is another one.


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_it_speaks_tls_to_the_name_at_the_address_that_was_checked(
    loop: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    theirs, ours = authority.server(NAME), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ours.load_verify_locations(authority.file)

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def resolve(host: str, _: int) -> list[str]:
        assert host == NAME
        return ["127.0.0.1"]

    async def promise() -> None:
        outbound = Outbound(tls=ours, resolve=resolve)
        async with serve(echo, "127.0.0.1", 0, ssl=theirs) as server:
            port = server.sockets[0].getsockname()[1]
            upstream = Upstream(NAME, port, private_allowed=True)
            socket = await open_socket(
                outbound, upstream, b"/", [], timeouts=Timeouts(), before=nothing
            )
            assert isinstance(socket, SocketOut)
            for size in (0, 5, MIB):
                await socket.send(Message(bytes(size), is_text=False))
                assert await socket.receive() == Message(bytes(size), is_text=False)
            socket.leave(Farewell(1000))
            with contextlib.suppress(UpstreamFailure):
                await socket.receive()
            elsewhere = Upstream("127.0.0.1", port, private_allowed=True)
            with pytest.raises(UpstreamUnreachable):
                await open_socket(
                    Outbound(tls=ours), elsewhere, b"/", [], timeouts=Timeouts(), before=nothing
                )
        await outbound.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(promise(), 30))
