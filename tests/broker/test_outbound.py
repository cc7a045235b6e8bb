import asyncio
import contextlib
import functools
import inspect
import os
import random
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from broker.outbound import (
    LONGEST_HEAD,
    Headers,
    Outbound,
    RequestMalformed,
    Response,
    Timeouts,
    Upstream,
    UpstreamBroke,
    UpstreamFailure,
    UpstreamTimedOut,
    UpstreamUnreachable,
    _Connection,
    _Pool,
    tls_context,
)
from broker.upstream import AddressForbidden
from tests.kit.authority import Authority

KEY = b"Bearer made-up-key-of-nobody-0123456789"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
NAME = "api.provider.test"
MIB = 1024 * 1024

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


# The servers are scripts on real sockets; every promise is held on both event loops.


def on_both_loops(promise: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test on asyncio's own loop and on uvloop, which production uses."""

    def test(new_loop: Callable[[], asyncio.AbstractEventLoop], **given: object) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(asyncio.wait_for(promise(**given), 30))

    functools.update_wrapper(test, promise)
    loop = inspect.Parameter("new_loop", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    given = inspect.signature(promise).parameters.values()
    vars(test)["__signature__"] = inspect.Signature([loop, *given])
    del vars(test)["__wrapped__"]  # pytest would run what it wraps
    loops = [asyncio.new_event_loop, uvloop.new_event_loop]
    return pytest.mark.parametrize("new_loop", loops, ids=["asyncio", "uvloop"])(test)


@contextlib.asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    """Serve each connection by the script, and raise what a script raised."""
    raised: list[Exception] = []
    running: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, as many of these tests have it do; or the test is over
        except Exception as failure:  # noqa: BLE001
            raised.append(failure)
        finally:
            writer.transport.abort()
            running.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Upstream("127.0.0.1", port, tls=tls is not None, private_allowed=True)
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()
    assert raised == []


@contextlib.asynccontextmanager
async def going_out(**settings: Any) -> AsyncIterator[Outbound]:
    # Without the system's authorities, which take longer to load than most of these tests do.
    settings.setdefault("tls", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    outbound = Outbound(**settings)
    try:
        yield outbound
    finally:
        await outbound.close()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def answering(*answers: bytes, then_close: bool = False) -> Script:
    """Answer one request with each of the answers in turn, on whichever connection they come."""
    left = list(answers)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left:
            await head_of(reader)
            writer.write(left.pop(0))
            if then_close:
                await writer.drain()
                writer.close()
                return
        await reader.read()

    return script


async def get(outbound: Outbound, upstream: Upstream, **more: Any) -> Response:
    return await outbound.send(upstream, b"GET", b"/", [], **more)


async def whole(response: Response) -> bytes:
    return b"".join([chunk async for chunk in response])


def connections(outbound: Outbound) -> list[_Connection]:
    return [connection for pool in outbound._pools.values() for connection in pool.live]


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


# What leaves.


async def sent(*, body: Any = None, method: bytes = b"POST", **more: Any) -> bytes:
    """Send a request, and give it as it stood on the wire up to the end of its body."""
    seen: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await head_of(reader))
        if b"chunked" in seen[0]:
            seen.append(await reader.readuntil(b"\r\n0\r\n\r\n"))
        elif b"content-length" in seen[0]:
            size = int(seen[0].split(b"content-length: ")[1].split(b"\r\n")[0])
            seen.append(await reader.readexactly(size))
        writer.write(OK)

    async with serving(script) as place, going_out() as outbound:
        upstream = Upstream("127.0.0.1", place.port, False, "/base", private_allowed=True)  # noqa: FBT003
        headers = [(b"authorization", KEY), (b"x-empty", b""), (b"x-name", "höflich".encode())]
        response = await outbound.send(upstream, method, b"/v1/x?y=z", headers, body, **more)
        assert await whole(response) == b"ok"
    return b"".join(seen).replace(str(place.port).encode(), b"PORT")


START = (
    b" /base/v1/x?y=z HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\nauthorization: " + KEY + b"\r\n"
    b"x-empty: \r\nx-name: h\xc3\xb6flich\r\n"
)


@on_both_loops
async def test_a_request_stands_on_the_wire_as_it_was_given() -> None:
    assert await sent(method=b"GET") == b"GET" + START + b"\r\n"
    assert await sent(body=b"abc") == b"POST" + START + b"content-length: 3\r\n\r\nabc"
    assert await sent(body=b"") == b"POST" + START + b"content-length: 0\r\n\r\n"
    assert await sent() == b"POST" + START + b"content-length: 0\r\n\r\n"
    large = b"x" * 16 * MIB
    assert await sent(body=large) == b"POST" + START + b"content-length: 16777216\r\n\r\n" + large


@on_both_loops
async def test_a_body_that_is_iterated_leaves_with_its_length_or_in_chunks() -> None:
    known = await sent(body=pieces(b"ab", b"", b"cde"), content_length=5)
    assert known == b"POST" + START + b"content-length: 5\r\n\r\nabcde"
    unknown = await sent(body=pieces(b"ab", b"", b"cdefghijklmnopqr"))
    framed = b"2\r\nab\r\n10\r\ncdefghijklmnopqr\r\n0\r\n\r\n"
    assert unknown == b"POST" + START + b"transfer-encoding: chunked\r\n\r\n" + framed


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        (b"GET", b"/", [(b"x-a", b"b\r\nx-injected: c")]),
        (b"GET", b"/", [(b"x-a", b"b\rc")]),
        (b"GET", b"/", [(b"x-a", b"b\nc")]),
        (b"GET", b"/", [(b"x-a", b"b\r\n")]),
        (b"GET", b"/", [(b"x-a", b"b\0c")]),
        (b"GET", b"/", [(b"x\r\ny", b"b")]),
        (b"GET", b"/", [(b"x:y", b"b")]),
        (b"GET", b"/", [(b"x ", b"b")]),
        (b"GET", b"/", [(b"", b"b")]),
        (b"GET", b"/", [(b"X-Upper", b"b")]),
        (b"GET", b"/", [(b"host", b"elsewhere.test")]),
        (b"GET", b"/", [(b"content-length", b"3")]),
        (b"GET", b"/", [(b"transfer-encoding", b"chunked")]),
        (b"GET", b"/", [(b"connection", b"upgrade")]),
        (b"GET", b"/", [(b"expect", b"100-continue")]),
        (b"GET", b"", []),
        (b"GET", b"*", []),
        (b"GET", b"http://elsewhere.test/", []),
        (b"GET", b"/a b", []),
        (b"GET", b"/a\r\nx: y", []),
        (b"GET", b"/a#b", []),
        (b"GET", "/ä".encode(), []),
        (b"", b"/", []),
        (b"GET /x HTTP/1.1\r\n", b"/", []),
        (b"CONNECT", b"/", []),
        (b"TRACE", b"/", []),
    ],
)
async def test_a_request_that_would_read_differently_is_not_sent(
    method: bytes, target: bytes, headers: Headers
) -> None:
    async def script(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        pytest.fail("It connected.")

    async with serving(script) as upstream, going_out() as outbound:
        with pytest.raises(RequestMalformed) as refusal:
            await outbound.send(upstream, method, target, [(b"authorization", KEY), *headers])
    assert not refusal.value.after_dispatch
    assert "made-up" not in str(refusal.value)
    assert "elsewhere" not in str(refusal.value)


async def test_bytes_of_another_length_than_announced_are_not_sent() -> None:
    async with going_out() as outbound:
        with pytest.raises(RequestMalformed):
            await outbound.send(Upstream(NAME), b"POST", b"/", [], b"abc", content_length=4)


@on_both_loops
@pytest.mark.parametrize("announced", [3, 5])
async def test_a_body_that_is_not_as_long_as_announced_is_cut_off(announced: int) -> None:
    received: list[bytes] = []

    async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        with contextlib.suppress(ConnectionError):
            received.append(await reader.read())

    async with serving(script) as upstream, going_out() as outbound:
        body = pieces(b"ab", b"cd")
        with pytest.raises(RequestMalformed, match="not as long") as failure:
            await outbound.send(upstream, b"POST", b"/", [], body, content_length=announced)
        assert failure.value.after_dispatch
    assert all(len(body) < announced for body in received)


class ClientGoneError(Exception):
    pass


@on_both_loops
async def test_what_the_requests_own_body_raises_is_given_back() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"begun"
        raise ClientGoneError

    async with serving(answering(OK)) as upstream, going_out() as outbound:
        with pytest.raises(ClientGoneError):
            await outbound.send(upstream, b"POST", b"/", [], body())


@on_both_loops
async def test_a_body_that_raises_during_the_answer_ends_the_answer() -> None:
    break_off = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"begun"
        await break_off.wait()
        raise ClientGoneError

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(CHUNKED + b"1\r\na\r\n")
        await reader.read()

    async with serving(script) as upstream, going_out() as outbound:
        response = await outbound.send(upstream, b"POST", b"/", [], body())
        assert await anext(response) == b"a"
        break_off.set()
        with pytest.raises(ClientGoneError):
            await anext(response)


@on_both_loops
async def test_the_head_with_the_key_is_wiped_once_it_has_left() -> None:
    arrived, go = asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert KEY in await head_of(reader)
        arrived.set()
        await go.wait()
        writer.write(OK)
        await reader.read()

    async with serving(script) as upstream, going_out() as outbound:
        headers = [(b"authorization", KEY)]
        sending = asyncio.ensure_future(outbound.send(upstream, b"POST", b"/", headers, b"secret"))
        await arrived.wait()
        [connection] = connections(outbound)
        head = connection._head
        assert head is not None
        assert KEY in head
        go.set()
        await sending
        assert connection._head is None
        assert bytes(head) == bytes(len(head))


@on_both_loops
async def test_the_head_is_wiped_when_it_never_left() -> None:
    accepted = asyncio.Event()

    async def script(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        accepted.set()
        await asyncio.Event().wait()

    async with serving(script) as upstream, going_out() as outbound:
        sending = asyncio.ensure_future(
            outbound.send(upstream, b"POST", b"/", [(b"authorization", KEY)], b"x" * 64 * MIB)
        )
        await accepted.wait()
        while not connections(outbound):  # noqa: ASYNC110 - one more turn of the loop at most
            await asyncio.sleep(0)
        [connection] = connections(outbound)
        head = connection._head
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await connection.lost
        assert head is not None
        assert bytes(head) == bytes(len(head))


# What comes back.


@on_both_loops
async def test_an_answers_head_is_given_as_it_came_with_names_in_lower_case() -> None:
    answer = (
        b"HTTP/1.1 418 No\r\nX-B: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 1\r\n\r\nx"
    )
    async with serving(answering(answer)) as upstream, going_out() as outbound:
        response = await get(outbound, upstream)
        assert response.status == 418
        assert response.headers == [
            (b"x-b", b"1"),
            (b"set-cookie", b"a"),
            (b"set-cookie", b"b"),
            (b"content-length", b"1"),
        ]
        assert not response.taken
        assert await whole(response) == b"x"
        assert response.taken
        assert await whole(response) == b""


@on_both_loops
@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No\r\n\r\n", b""),
        (b"HTTP/1.1 304 No\r\nContent-Length: 500\r\n\r\n", b""),
        (CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (CHUNKED + b"3;a=b\r\nabc\r\n0\r\nX-Trailer: dropped\r\n\r\n", b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + OK, b"ok"),
    ],
)
async def test_each_framing_gives_its_body_and_keeps_the_connection(
    answer: bytes, body: bytes
) -> None:
    async with serving(answering(answer, OK)) as upstream, going_out() as outbound:
        response = await get(outbound, upstream)
        assert await whole(response) == body
        assert b"x-trailer" not in dict(response.headers)
        assert b"link" not in dict(response.headers)
        [before] = connections(outbound)
        assert await whole(await get(outbound, upstream)) == b"ok"
        assert connections(outbound) == [before]


@on_both_loops
@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", b"ok"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nokHTTP/1.1", b"ok"),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\nmore", b"ok"),
    ],
)
async def test_a_connection_that_may_be_unclean_is_not_used_again(
    answer: bytes, body: bytes
) -> None:
    async with (
        serving(answering(answer, OK, then_close=True)) as upstream,
        going_out() as outbound,
    ):
        first = await get(outbound, upstream)
        [before] = connections(outbound)
        assert await whole(first) == body
        assert await whole(await get(outbound, upstream)) == b"ok"
        assert before not in connections(outbound)


@on_both_loops
async def test_an_answer_to_head_has_no_body_whatever_it_announces() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    for head in (answer, answer + b"a body all the same"):
        async with serving(answering(head)) as upstream, going_out() as outbound:
            response = await outbound.send(upstream, b"HEAD", b"/", [])
            assert (b"content-length", b"500") in response.headers
            assert await whole(response) == b""


BROKEN = {
    "both framings": OK[:-4] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both framings, turned": CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "coded twice": CHUNKED[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coded otherwise": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coded without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    "folded": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "bare CR": b"HTTP/1.1 200 OK\r\nX-A: b\rc\r\nContent-Length: 0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "another protocol": b"SSH-2.0-Server\r\n",
    "another version": b"HTTP/2.0 200 OK\r\n\r\n",
    "no version yet": b"HTTP/0.9 200 OK\r\n\r\n",
    "upgrade": b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
    "bare 101": b"HTTP/1.1 101 Go\r\n\r\n",
    "status 99": b"HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n",
    "long head": b"HTTP/1.1 200 OK\r\nX-A: "
    + b"a" * LONGEST_HEAD
    + b"\r\nContent-Length: 0\r\n\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 4 * LONGEST_HEAD,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 201 + b"\r\n",
    "endless early answers": b"HTTP/1.1 102 P\r\n\r\n" * 8_000,
    "garbage": os.urandom(16) * 64,
    "nothing": b"",
    "cut in the head": b"HTTP/1.1 200 OK\r\nContent-Le",
}


@on_both_loops
@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
async def test_an_answer_that_is_not_plain_http_is_refused(answer: bytes) -> None:
    async with serving(answering(answer, then_close=True)) as upstream, going_out() as outbound:
        with pytest.raises(UpstreamBroke) as failure:
            await get(outbound, upstream)
        assert failure.value.after_dispatch
        [*left] = connections(outbound)
        assert all(connection.closing for connection in left)


CUT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nabc",
    "chunk": CHUNKED + b"500\r\nabc",
    "chunks": CHUNKED + b"3\r\nabc\r\n",
    "bad chunk": CHUNKED + b"3\r\nabc\r\nnonsense\r\n",
    "endless trailer": CHUNKED + b"3\r\nabc\r\n0\r\nX: " + b"a" * 8 * LONGEST_HEAD,
    "endless extension": CHUNKED + b"3\r\nabc\r\n1;" + b"a" * 8 * LONGEST_HEAD,
}


@on_both_loops
@pytest.mark.parametrize("answer", CUT.values(), ids=CUT.keys())
async def test_a_body_that_is_cut_or_breaks_gives_what_came_and_then_says_so(
    answer: bytes,
) -> None:
    async with serving(answering(answer, then_close=True)) as upstream, going_out() as outbound:
        response = await get(outbound, upstream)
        assert await anext(response) == b"abc"
        with pytest.raises(UpstreamBroke) as failure:
            await anext(response)
        assert failure.value.after_dispatch
        assert not response.taken


@on_both_loops
@pytest.mark.parametrize(
    "answer",
    [CHUNKED + b"3\r\nabc\r\n", b"HTTP/1.1 200 OK\r\n\r\nabc"],
    ids=["chunked", "to the end"],
)
async def test_a_reset_in_the_middle_of_a_stream_is_no_end(answer: bytes) -> None:
    read = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(answer)
        await read.wait()
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as wire:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()

    async with serving(script) as upstream, going_out() as outbound:
        response = await get(outbound, upstream)
        assert await anext(response) == b"abc"
        read.set()
        with pytest.raises(UpstreamBroke):
            await anext(response)


class Wire(asyncio.Transport):
    """A transport in memory, to feed a connection byte by byte."""

    def __init__(self, connection: _Connection) -> None:
        super().__init__()
        self.connection = connection
        self.ends = socket.socketpair()
        self.gone = False
        connection.connection_made(self)

    def get_extra_info(self, _name: str, _default: Any = None) -> Any:
        return self.ends[0]

    def write(self, data: Any) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.gone

    def abort(self) -> None:
        self.gone = True

    def lose(self) -> None:
        self.gone = True
        self.connection.connection_lost(None)
        for end in self.ends:
            end.close()


@contextlib.contextmanager
def asked(**settings: Any) -> Iterator[tuple[Wire, asyncio.Future[Response]]]:
    """Give a connection whose request has left, and the answer that is waited for."""
    loop = asyncio.get_running_loop()
    connection = _Connection(_Pool(Upstream(NAME), 1, 1.0), loop)
    wire = Wire(connection)
    exchange = connection.exchange(bytearray(b"head"), b"", None, Timeouts(), bodiless=False)
    sending = loop.create_task(exchange, **settings)
    try:
        yield wire, sending
    finally:
        wire.lose()


FOR_SPLITTING = (
    b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n"
    b"HTTP/1.1 201 Made\r\nX-One: 1\r\nX-Two:  two words \r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;ext=1\r\nhello\r\n1\r\n \r\nB\r\nwide world!\r\n0\r\nTrailer-Field: v\r\n\r\n"
)


@given(st.lists(st.integers(0, len(FOR_SPLITTING)), max_size=40).map(sorted))
def test_an_answer_split_anywhere_is_the_same_answer(cuts: list[int]) -> None:
    async def story() -> None:
        with asked() as (wire, sending):
            await asyncio.sleep(0)
            for start, end in zip([0, *cuts], [*cuts, len(FOR_SPLITTING)], strict=True):
                if start < end:
                    wire.connection.data_received(FOR_SPLITTING[start:end])
            response = await sending
            assert response.status == 201
            assert [(name, value.strip()) for name, value in response.headers] == [
                (b"x-one", b"1"),
                (b"x-two", b"two words"),
                (b"transfer-encoding", b"chunked"),
            ]
            assert await whole(response) == b"hello wide world!"
            assert not wire.gone

    asyncio.run(story())


# Keeping connections.


@on_both_loops
async def test_the_connection_used_last_is_used_next() -> None:
    async with serving(answering(*[OK] * 4)) as upstream, going_out() as outbound:
        first, second = await asyncio.gather(get(outbound, upstream), get(outbound, upstream))
        assert len(connections(outbound)) == 2
        await whole(first)
        await whole(second)
        [pool] = outbound._pools.values()
        newest = pool.idle[-1]
        assert await whole(await get(outbound, upstream)) == b"ok"
        assert pool.idle[-1] is newest
        assert len(pool.idle) == 2


@on_both_loops
async def test_no_more_idle_connections_are_kept_than_asked_for() -> None:
    async with serving(answering(*[OK] * 3)) as upstream, going_out(most_idle=1) as outbound:
        for response in await asyncio.gather(*(get(outbound, upstream) for _ in range(3))):
            await whole(response)
        [pool] = outbound._pools.values()
        assert len(pool.idle) == 1
        assert sum(not connection.closing for connection in connections(outbound)) == 1


@on_both_loops
async def test_an_idle_connection_is_closed_in_time() -> None:
    closed = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(OK)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        closed.set()

    async with serving(script) as upstream, going_out(idle_seconds=0.02) as outbound:
        await whole(await get(outbound, upstream))
        await closed.wait()
        for connection in connections(outbound):
            await connection.lost
        [pool] = outbound._pools.values()
        assert pool.idle == []


@on_both_loops
async def test_a_connection_that_the_provider_closed_while_idle_is_replaced() -> None:
    async with (
        serving(answering(OK, OK, then_close=True)) as upstream,
        going_out() as outbound,
    ):
        assert await whole(await get(outbound, upstream)) == b"ok"
        [connection] = connections(outbound)
        await connection.lost
        assert await whole(await get(outbound, upstream)) == b"ok"


@on_both_loops
async def test_a_close_that_the_loop_has_not_seen_yet_is_seen_before_writing() -> None:
    wires: list[socket.socket] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fileno = writer.get_extra_info("socket").fileno()
        wires.append(socket.socket(fileno=os.dup(fileno)))
        await head_of(reader)
        writer.write(OK)
        await reader.read()

    async with serving(script) as upstream, going_out() as outbound:
        assert await whole(await get(outbound, upstream)) == b"ok"
        wires[0].shutdown(socket.SHUT_WR)
        assert await whole(await get(outbound, upstream)) == b"ok"
        assert len(wires) == 2
    for wire in wires:
        wire.close()


@on_both_loops
async def test_bytes_that_nobody_asked_for_end_an_idle_connection() -> None:
    go = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(OK)
        await go.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged")
        await reader.read()

    async with serving(script) as upstream, going_out() as outbound:
        assert await whole(await get(outbound, upstream)) == b"ok"
        [connection] = connections(outbound)
        go.set()
        await connection.lost
        assert connections(outbound) == []


@on_both_loops
async def test_places_that_differ_share_no_connection() -> None:
    async with serving(answering(OK)) as upstream, going_out() as outbound:
        assert await whole(await get(outbound, upstream)) == b"ok"
        unlisted = Upstream(upstream.host, upstream.port, tls=False)
        with pytest.raises(AddressForbidden):
            await get(outbound, unlisted)


@on_both_loops
async def test_no_answer_ever_reaches_another_call() -> None:
    chance = random.Random(7)  # noqa: S311 - to be the same story each time
    framings = (
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx-length: %d\r\n\r\n%b",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b",
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%bHTTP/1.1 200 OK\r\nforged: 1",
    )

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            number = (await head_of(reader)).split(b" ")[1].strip(b"/")
            framing = chance.choice(framings)
            answer = framing % (len(number), number)
            cut = chance.randrange(len(answer))
            writer.write(answer[:cut])
            await asyncio.sleep(0)
            writer.write(answer[cut:])
            if chance.random() < 0.1 or b"x-length" in answer:
                writer.close()
                return

    outcomes: Counter[str] = Counter()

    async def caller(outbound: Outbound, upstream: Upstream, first: int) -> None:
        for number in range(first, first + 60):
            call = asyncio.ensure_future(
                outbound.send(upstream, b"GET", b"/%d" % number, [], timeouts=Timeouts(5, 5, 5))
            )
            if chance.random() < 0.2:
                asyncio.get_running_loop().call_later(chance.random() / 500, call.cancel)
            try:
                response = await call
                if chance.random() < 0.1:
                    response.abort()
                    outcomes["given up"] += 1
                else:
                    assert await whole(response) == b"%d" % number
                    outcomes["whole"] += 1
            except asyncio.CancelledError:
                outcomes["cancelled"] += 1
            except UpstreamBroke:
                outcomes["closed on the way"] += 1

    async with serving(script) as upstream, going_out(most_idle=8) as outbound:
        await asyncio.gather(*(caller(outbound, upstream, first * 100) for first in range(16)))
        assert outcomes["whole"] > 400
        assert outcomes.total() == 16 * 60
        [pool] = outbound._pools.values()
        assert len(pool.idle) <= 8


# Having done with an answer.


def streaming(started: bytes = b"1\r\na\r\n") -> tuple[Script, asyncio.Event]:
    """Begin an answer that never ends; the event tells that its reader closed the connection."""
    gone = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(CHUNKED + started)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()

    return script, gone


@on_both_loops
async def test_an_answer_left_halfway_closes_its_connection() -> None:
    script, gone = streaming()
    async with serving(script) as upstream, going_out() as outbound:
        async with contextlib.aclosing(await get(outbound, upstream)) as response:
            assert await anext(response) == b"a"
        await gone.wait()
        with pytest.raises(UpstreamBroke, match="given up"):
            await anext(response)


@on_both_loops
async def test_an_abort_wakes_the_reader_with_its_reason_at_once() -> None:
    class KeyRemovedError(Exception):
        pass

    script, gone = streaming()
    async with serving(script) as upstream, going_out() as outbound:
        response = await get(outbound, upstream)
        assert await anext(response) == b"a"
        reading = asyncio.ensure_future(anext(response))
        await asyncio.sleep(0)
        response.abort(KeyRemovedError())
        response.abort()
        with pytest.raises(KeyRemovedError):
            await reading
        await gone.wait()


@on_both_loops
async def test_an_abort_drops_what_was_not_taken() -> None:
    script, _ = streaming()
    async with serving(script) as upstream, going_out() as outbound:
        response = await get(outbound, upstream)
        response.abort()
        with pytest.raises(UpstreamBroke):
            await anext(response)


@on_both_loops
async def test_closing_a_whole_answer_keeps_its_connection() -> None:
    async with serving(answering(OK, OK)) as upstream, going_out() as outbound:
        first = await get(outbound, upstream)
        await whole(first)
        [before] = connections(outbound)
        second = await get(outbound, upstream)
        await first.aclose()
        first.abort()
        assert await whole(second) == b"ok"
        assert connections(outbound) == [before]


@on_both_loops
async def test_a_call_that_is_cancelled_closes_its_connection() -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        arrived.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()

    async with serving(script) as upstream, going_out() as outbound:
        sending = asyncio.ensure_future(get(outbound, upstream))
        await arrived.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await gone.wait()


async def test_a_reader_that_is_cancelled_may_read_on() -> None:
    with asked() as (wire, sending):
        await asyncio.sleep(0)
        wire.connection.data_received(CHUNKED)
        response = await sending
        reading = asyncio.ensure_future(anext(response))
        await asyncio.sleep(0)
        reading.cancel()
        wire.connection.data_received(b"1\r\na\r\n")
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await anext(response) == b"a"


async def test_an_answer_that_crosses_with_a_cancellation_is_given_up() -> None:
    for answer, expected_gone in ((CHUNKED, True), (OK, False)):
        with asked() as (wire, sending):
            await asyncio.sleep(0)
            wire.connection.data_received(answer)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            assert wire.gone is expected_gone


async def test_a_failure_that_crosses_with_a_cancellation_is_a_cancellation() -> None:
    with asked() as (wire, sending):
        await asyncio.sleep(0)
        wire.connection.data_received(b"nonsense")
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert wire.gone


async def test_an_answer_that_comes_after_the_cancellation_is_for_nobody() -> None:
    with asked() as (wire, sending):
        await asyncio.sleep(0)
        sending.cancel()
        wire.connection.data_received(OK)
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert wire.gone


@on_both_loops
async def test_closing_cuts_what_is_under_way_and_refuses_what_comes() -> None:
    script, _ = streaming()
    async with serving(script) as upstream:
        outbound = Outbound()
        response = await get(outbound, upstream)
        assert await anext(response) == b"a"
        await outbound.close()
        assert connections(outbound) == []
        with pytest.raises(UpstreamBroke):
            await anext(response)
        with pytest.raises(UpstreamUnreachable, match="stopping"):
            await get(outbound, upstream)


# Time.


@on_both_loops
async def test_a_provider_that_does_not_answer_times_out() -> None:
    async with serving(answering(b"HTTP/1.1 200")) as upstream, going_out() as outbound:
        with pytest.raises(UpstreamTimedOut, match="answer") as failure:
            await get(outbound, upstream, timeouts=Timeouts(first_byte=0.02))
        assert failure.value.after_dispatch


@on_both_loops
async def test_a_head_that_comes_in_drops_gains_no_time() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nx-drops: ")
        while not reader.at_eof():
            writer.write(b".")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), 0.005)

    async with serving(script) as upstream, going_out() as outbound:
        with pytest.raises(UpstreamTimedOut):
            await get(outbound, upstream, timeouts=Timeouts(first_byte=0.03, idle=30))


@on_both_loops
async def test_a_stream_that_falls_silent_times_out() -> None:
    script, gone = streaming()
    async with serving(script) as upstream, going_out() as outbound:
        response = await get(outbound, upstream, timeouts=Timeouts(idle=0.02))
        assert await anext(response) == b"a"
        with pytest.raises(UpstreamTimedOut) as failure:
            await anext(response)
        assert failure.value.after_dispatch
        await gone.wait()


@on_both_loops
async def test_each_piece_of_a_stream_gives_it_time_anew() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(CHUNKED)
        for _ in range(8):
            writer.write(b"1\r\na\r\n")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), 0.06)
        writer.write(b"0\r\n\r\n")
        await reader.read()

    async with serving(script) as upstream, going_out() as outbound:
        response = await get(outbound, upstream, timeouts=Timeouts(idle=0.3))
        assert await whole(response) == b"a" * 8


@on_both_loops
async def test_a_connection_is_not_waited_for_longer_than_asked() -> None:
    async def script(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()  # and never a word of TLS

    async with serving(script) as place, going_out() as outbound:
        upstream = Upstream("127.0.0.1", place.port, private_allowed=True)
        with pytest.raises(UpstreamTimedOut, match="connect") as failure:
            await get(outbound, upstream, timeouts=Timeouts(connect=0.05))
        assert not failure.value.after_dispatch


async def test_a_name_is_not_waited_for_longer_than_asked() -> None:
    async def never(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    async with going_out(resolve=never) as outbound:
        with pytest.raises(UpstreamTimedOut, match="connect"):
            await get(outbound, Upstream(NAME), timeouts=Timeouts(connect=0.02))


@on_both_loops
async def test_a_provider_that_does_not_take_the_request_times_out() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * MIB

    async def script(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(script) as upstream, going_out() as outbound:
        with pytest.raises(UpstreamTimedOut):
            await outbound.send(
                upstream, b"POST", b"/", [], endless(), timeouts=Timeouts(idle=0.05)
            )


@on_both_loops
async def test_a_slow_caller_is_no_fault_of_the_provider() -> None:
    later = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        asyncio.get_running_loop().call_later(0.3, later.set)
        await later.wait()
        yield b"b"

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.write(OK)
        await reader.read()

    patience = Timeouts(first_byte=0.2, idle=0.2)
    async with serving(script) as upstream, going_out() as outbound:
        response = await outbound.send(upstream, b"POST", b"/", [], body(), timeouts=patience)
        assert await whole(response) == b"ok"


# Back-pressure.


@on_both_loops
async def test_a_provider_that_pushes_waits_for_a_slow_reader() -> None:
    total, stalled, pushed = 64 * MIB, asyncio.Event(), 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal pushed
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % total)
        piece = b"x" * (MIB // 4)
        while pushed < total:
            writer.write(piece)
            pushed += len(piece)
            if not stalled.is_set():
                try:
                    await asyncio.wait_for(writer.drain(), 0.4)
                except TimeoutError:
                    stalled.set()
            await writer.drain()
        await reader.read()

    async with serving(script) as upstream, going_out() as outbound:
        # What waits for its reader is not late: the time between pieces stands still meanwhile.
        response = await get(outbound, upstream, timeouts=Timeouts(idle=0.3))
        await stalled.wait()
        assert pushed < total // 2
        assert response._waiting <= MIB
        assert sum([len(chunk) async for chunk in response]) == total
        assert response.taken


@on_both_loops
async def test_a_caller_that_pushes_waits_for_a_slow_provider() -> None:
    total, taken, left = 64 * MIB, 0, asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < total:
            taken += MIB // 4
            yield b"x" * (MIB // 4)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        before = -1
        while before != taken:  # until the caller is no longer asked for more
            before = taken
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(left.wait(), 0.05)
        assert taken < total // 2
        received = 0
        while received < total:
            received += len(await reader.read(MIB))
        writer.write(OK)
        await reader.read()

    async with serving(script) as upstream, going_out() as outbound:
        response = await outbound.send(upstream, b"POST", b"/", [], body(), content_length=total)
        assert await whole(response) == b"ok"


@on_both_loops
async def test_an_answer_may_come_while_the_body_still_leaves() -> None:
    heard, finished = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"question"
        await heard.wait()
        yield b"another"
        finished.set()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        await reader.readuntil(b"question\r\n")
        writer.write(CHUNKED + b"6\r\nanswer\r\n")
        await reader.readuntil(b"another\r\n0\r\n\r\n")
        writer.write(b"4\r\nlast\r\n0\r\n\r\n")
        await reader.read()

    async with serving(script) as upstream, going_out() as outbound:
        response = await outbound.send(upstream, b"POST", b"/", [], body())
        assert await anext(response) == b"answer"
        heard.set()
        assert await whole(response) == b"last"
        assert finished.is_set()
        assert [connection.closing for connection in connections(outbound)] == [False]


@on_both_loops
async def test_a_refusal_before_the_body_has_left_is_read_and_the_rest_not_sent() -> None:
    ended = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * MIB
        finally:
            ended.set()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 8\r\n\r\ntoo much")
        await writer.drain()
        await ended.wait()

    async with serving(script) as upstream, going_out() as outbound:
        sending = body()
        response = await outbound.send(upstream, b"POST", b"/", [], sending)
        assert response.status == 413
        assert await whole(response) == b"too much"
        await sending.aclose()  # type: ignore[attr-defined]
        assert all(connection.closing for connection in connections(outbound))


@on_both_loops
async def test_an_answer_that_is_whole_before_the_body_has_left_is_given() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with serving(answering(OK)) as upstream, going_out() as outbound:
        response = await outbound.send(upstream, b"POST", b"/", [], body())
        assert await whole(response) == b"ok"
        for connection in connections(outbound):
            await connection.lost


# Reaching the provider.


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def provider_side(authority: Authority) -> ssl.SSLContext:
    context = authority.server(NAME)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def our_side(authority: Authority) -> ssl.SSLContext:
    context = tls_context()
    context.load_verify_locations(authority.file)
    return context


def leading_to(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Resolve every name to these addresses the first time, and to a trap from then on."""
    answers = [list(addresses)]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers.pop() if answers else ["169.254.169.254"]

    return resolve


@on_both_loops
async def test_tls_is_spoken_with_the_name_and_http_one(
    authority: Authority,
) -> None:
    spoken: list[object] = []
    large = b"y" * MIB

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spoken.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        while True:
            head = await head_of(reader)
            assert b"host: %b:" % NAME.encode() in head
            await reader.readexactly(MIB)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % MIB + large)

    async with (
        serving(script, provider_side(authority)) as place,
        going_out(tls=our_side(authority), resolve=leading_to("127.0.0.1")) as outbound,
    ):
        upstream = Upstream(NAME, place.port, private_allowed=True)
        for _ in range(2):
            response = await outbound.send(upstream, b"POST", b"/", [], large)
            assert await whole(response) == large
        assert len(connections(outbound)) == 1
    assert spoken == ["http/1.1"]


@on_both_loops
async def test_a_certificate_of_another_name_or_authority_is_not_spoken_to(
    authority: Authority,
) -> None:
    async def script(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        pytest.fail("It agreed.")

    for host, tls in (("wrong.provider.test", our_side(authority)), (NAME, tls_context())):
        async with (
            serving(script, provider_side(authority)) as place,
            going_out(tls=tls, resolve=leading_to("127.0.0.1")) as outbound,
        ):
            with pytest.raises(UpstreamUnreachable, match="TLS") as failure:
                await get(outbound, Upstream(host, place.port, private_allowed=True))
            assert not failure.value.after_dispatch


def test_tls_is_new_enough_and_checks_the_name() -> None:
    context = tls_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


@on_both_loops
async def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to() -> None:
    async with (
        serving(answering(OK, OK, then_close=True)) as place,
        going_out(resolve=leading_to("127.0.0.1")) as outbound,
    ):
        upstream = Upstream(NAME, place.port, tls=False, private_allowed=True)
        assert await whole(await get(outbound, upstream)) == b"ok"
        for connection in connections(outbound):
            await connection.lost
        assert await whole(await get(outbound, upstream)) == b"ok"


@on_both_loops
async def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    async with (
        serving(answering(OK)) as place,
        going_out(resolve=leading_to("127.0.0.2", "127.0.0.1")) as outbound,
    ):
        upstream = Upstream(NAME, place.port, tls=False, private_allowed=True)
        assert await whole(await get(outbound, upstream)) == b"ok"


@on_both_loops
async def test_a_provider_that_refuses_connections_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and listening to nobody
        upstream = Upstream("127.0.0.1", taken.getsockname()[1], tls=False, private_allowed=True)
        async with going_out() as outbound:
            with pytest.raises(UpstreamUnreachable, match="no connection") as failure:
                await outbound.send(upstream, b"GET", b"/", [(b"authorization", KEY)])
        assert not failure.value.after_dispatch
        assert "made-up" not in str(failure.value)
        assert failure.value.__cause__ is None


@on_both_loops
async def test_a_name_found_while_closing_is_not_connected_to() -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        asked.set()
        await closed.wait()
        return ["127.0.0.1"]

    outbound = Outbound(resolve=resolve)
    sending = asyncio.ensure_future(get(outbound, Upstream(NAME, private_allowed=True)))
    await asked.wait()
    await outbound.close()
    closed.set()
    with pytest.raises(UpstreamUnreachable, match="stopping"):
        await sending


@on_both_loops
async def test_a_connection_made_while_closing_is_not_used(
    authority: Authority,
) -> None:
    outbound = Outbound(tls=our_side(authority), resolve=leading_to("127.0.0.1"))
    closing: list[asyncio.Future[None]] = []

    def in_the_middle_of_the_handshake(*_: object) -> None:
        closing.append(asyncio.ensure_future(outbound.close()))

    tls = provider_side(authority)
    tls.sni_callback = in_the_middle_of_the_handshake
    async with serving(answering(OK), tls) as place:
        with pytest.raises(UpstreamUnreachable, match="stopping"):
            await get(outbound, Upstream(NAME, place.port, private_allowed=True))
        await closing[0]


@pytest.mark.parametrize(
    ("url", "expected", "authority_"),
    [
        ("https://api.openai.com", Upstream("api.openai.com"), "api.openai.com"),
        ("https://a.test:8443/", Upstream("a.test", 8443), "a.test:8443"),
        (
            "http://127.0.0.1:9/x/y/",
            Upstream("127.0.0.1", 9, tls=False, base_path="/x/y"),
            "127.0.0.1:9",
        ),
        ("http://[::1]", Upstream("::1", 80, tls=False), "[::1]"),
    ],
)
def test_a_place_is_read_from_its_url(url: str, expected: Upstream, authority_: str) -> None:
    assert Upstream.at(url) == expected
    assert expected.authority == authority_
    assert Upstream.at(url, private_allowed=True).private_allowed


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com",
        "ftp://a.test",
        "https://",
        "https://user@a.test",
        "https://a.test?x=y",
        "https://a.test#x",
        "https://a.test/x y",
        "https://a.test//x",
        "https://a te.st",
        "https://a.test:0",
        "https://a.test:65536",
        "https://ä.test",
    ],
)
def test_a_place_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Upstream.at(url)


def test_every_failure_says_whether_anything_was_sent() -> None:
    before: list[UpstreamFailure] = [
        RequestMalformed("x"),
        UpstreamUnreachable("x"),
        AddressForbidden("x"),
        UpstreamTimedOut(after_dispatch=False),
    ]
    after: list[UpstreamFailure] = [
        RequestMalformed("x", after_dispatch=True),
        UpstreamTimedOut(after_dispatch=True),
        UpstreamBroke("x"),
    ]
    assert not any(failure.after_dispatch for failure in before)
    assert all(failure.after_dispatch for failure in after)
