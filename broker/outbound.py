"""The way out: one HTTP/1.1 request to a provider, and its answer as it comes off the wire.

Own code, because this is the hot path (bench/outbound.py measures it beside aiohttp) and because
little is needed: no redirects, cookies, proxies, decoding or retries. llhttp parses, strictly.

- A request is sent once. A connection that the provider closed while it lay idle is replaced before
  anything is written; from the first byte on, a failure is the caller's to judge.
- The head, with the key in it, is wiped as soon as it has left. No header is kept.
- Both ways, no more waits in memory than one piece and `_MOST_WAITING` bytes.
- It connects only to addresses that `broker.guard` gives, and with TLS to the name in `Upstream`.
"""

import asyncio
import functools
import http
import math
import select
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import chain
from typing import Final, Self, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from broker.guard import Guard, Resolve, ask_system
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

__all__ = [
    "AddressForbidden",
    "Headers",
    "Outbound",
    "RequestMalformed",
    "Response",
    "Timeouts",
    "Upstream",
    "UpstreamBroke",
    "UpstreamFailure",
    "UpstreamTimedOut",
    "UpstreamUnreachable",
    "shared_tls",
    "tls_context",
]

Headers = list[tuple[bytes, bytes]]
"""In the order of the wire; names in lower case."""

LONGEST_HEAD: Final = 65_536
MOST_HEADERS: Final = 200
_MOST_WAITING: Final = 65_536
# A body up to this size goes out in one piece (and one TLS record) with the head; above it, copying
# costs more than a second buffer.
_SMALL_BODY: Final = 16_384
_CLOCK_GRAIN: Final = 0.001

# RFC 9110, sections 5.6.2 and 9.1. Names are in lower case, so that case can't slip past a check.
_NAME_BYTES: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
_METHOD_BYTES: Final = _NAME_BYTES + b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TARGET_BYTES: Final = bytes(code for code in range(0x21, 0x7F) if code != ord("#"))
# What frames the message and belongs to this connection is written here and nowhere else: two hands
# on it is how requests are smuggled.
_FRAMING: Final = frozenset(
    {
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_SENDS_A_BODY: Final = frozenset({b"POST", b"PUT", b"PATCH"})
# CONNECT makes a tunnel of the connection; TRACE answers with the request, key and all.
_TUNNELS: Final = frozenset({b"CONNECT", b"TRACE"})
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_PATIENCE: Final = Timeouts()


def tls_context() -> ssl.SSLContext:
    """Make the TLS settings for providers: the system's authorities, 1.2 or newer, HTTP/1.1."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


@functools.cache
def shared_tls() -> ssl.SSLContext:
    """Give the settings of whoever brings none: to read the authorities takes 20 ms and 1 MB."""
    return tls_context()


class Response:
    """A provider's answer: its head at once, its body to be taken once, as it comes.

    Iterating gives all that has come so far, whatever its framing on the wire. It ends when the
    message is whole, and raises `UpstreamBroke` or `UpstreamTimedOut` (or what the request's own
    body raised) when it will never be.
    """

    __slots__ = ("_chunks", "_connection", "_failure", "_waiter", "_waiting", "headers", "status")

    def __init__(self, connection: "_Connection", status: int, headers: Headers) -> None:
        self.status = status
        self.headers = headers
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._waiter: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None
        # None once the answer is whole or broken: the connection may then be somebody else's.
        self._connection: _Connection | None = connection

    @property
    def taken(self) -> bool:
        """Tell that the answer is whole and nothing of it is left to take."""
        return self._connection is None and self._failure is None and not self._chunks

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunks = self._chunks
        while not chunks:
            if self._failure is not None:
                raise self._failure
            if self._connection is None:
                raise StopAsyncIteration
            self._waiter = self._connection.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        chunk = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._waiting = 0
        if self._connection is not None:
            self._connection.resume()
        return chunk

    async def aclose(self) -> None:
        """Have done with the answer: its connection is kept if it is whole, else closed."""
        self.abort()

    def abort(self, reason: BaseException | None = None) -> None:
        """Have done with the answer at once, without waiting; the rest of it is given up.

        Whoever is still iterating is woken and gets `reason`, such as that the key was removed.
        """
        self._chunks.clear()
        connection = self._connection
        self._end(reason or UpstreamBroke("it was given up"))
        if connection is not None:
            connection.abort()

    def _add(self, data: bytes) -> int:
        """Take a piece off the wire; give how many bytes are waiting now."""
        self._chunks.append(data)
        self._waiting += len(data)
        self._wake()
        return self._waiting

    def _end(self, failure: BaseException | None = None) -> None:
        self._connection = None
        self._failure = self._failure or failure
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Pool:
    """One provider's connections, those that lie idle newest last; and how each head begins."""

    __slots__ = ("after_target", "before_target", "idle", "idle_seconds", "live", "most_idle")

    def __init__(self, upstream: Upstream, most_idle: int, idle_seconds: float) -> None:
        self.before_target = b" " + upstream.base_path.encode("ascii")
        self.after_target = b" HTTP/1.1\r\nhost: " + upstream.authority.encode("ascii") + b"\r\n"
        self.most_idle = most_idle
        self.idle_seconds = idle_seconds
        self.idle: list[_Connection] = []
        self.live: set[_Connection] = set()

    def take(self) -> "_Connection | None":
        """Give the connection that was used last and still stands: the others can then age away."""
        while self.idle:
            connection = self.idle.pop()
            if connection.stands():
                return connection
            connection.abort()
        return None


class _Connection(asyncio.Protocol):
    """One connection: one exchange after another, never two at once.

    Methods named `on_…` are llhttp's; `data_received` and the like are the event loop's.
    """

    def __init__(self, pool: _Pool, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.lost: asyncio.Future[None] = loop.create_future()
        self._pool = pool
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._poll = select.poll()
        self._writable: asyncio.Future[None] | None = None
        self._full = False
        self._paused = False
        # One timer a connection, moved lazily: as long as the deadline only moves on, nothing is
        # cancelled or made anew.
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._deadline = math.inf
        self._timeouts = Timeouts()
        # The exchange.
        self._answer: asyncio.Future[Response] | None = None
        self._response: Response | None = None
        self._head: bytearray | None = None
        self._upload: asyncio.Task[None] | None = None
        self._bodiless = False
        # The message that is being read.
        self._headers: Headers = []
        self._barren = 0
        self._fault: str | None = None
        self._interim = False
        self._until_close = False
        self._whole = False
        self._reusable = False

    # The exchange.

    @property
    def closing(self) -> bool:
        """Tell that nothing more can be sent."""
        return self._transport.is_closing()

    def stands(self) -> bool:
        """Tell that an idle connection can take a request: the provider has not closed it.

        The loop may not have read the end yet, so the socket is asked too. This leaves only the
        moment in which the end is still on its way.
        """
        return not self._transport.is_closing() and not self._poll.poll(0)

    def must_stand(self) -> None:
        """Make sure of it. Raises `UpstreamUnreachable`: nothing was sent yet."""
        if not self.stands():
            raise UpstreamUnreachable("the connection was closed before anything was sent")

    def let_go(self) -> asyncio.Transport:
        """Give the connection itself, to somebody who speaks another protocol on it."""
        return self._transport

    async def exchange(
        self,
        head: bytearray,
        body: bytes | AsyncIterator[bytes],
        length: int | None,
        timeouts: Timeouts,
        *,
        bodiless: bool,
    ) -> Response:
        """Send a request, and give its answer as soon as the head of that has come."""
        answer: asyncio.Future[Response] = self.loop.create_future()
        self._answer = answer
        self._head = head
        self._timeouts = timeouts
        self._bodiless = bodiless
        self._barren = 0
        self._whole = False
        self._arm(timeouts.first_byte)
        if not isinstance(body, bytes):
            self._transport.write(head)
            self._upload = self.loop.create_task(self._send_body(body, length))
        elif len(body) <= _SMALL_BODY:
            # Not `head += body`: growing it may move it, and leave the key where it was.
            whole = bytearray(len(head) + len(body))
            whole[: len(head)] = head
            whole[len(head) :] = body
            wipe(head)
            self._head = head = whole
            self._transport.write(head)
            del whole
        else:
            self._transport.writelines((head, body))
        del head, body
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.cancelled():
                self.abort()
            elif answer.exception() is None:
                # The answer came in the same moment; its connection may be another's by now.
                answer.result().abort()
            raise
        finally:
            # An exception that is raised here holds this frame, and the future holds the exception:
            # without this, the circle keeps what the callers hold of the key, until a collection.
            del answer

    async def _send_body(self, body: AsyncIterator[bytes], length: int | None) -> None:
        """Write the request's body as fast as the provider takes it."""
        write = self._transport.write
        left = length or 0
        self._wait_for(math.inf)  # the pace of the caller is the caller's to bound
        try:
            async for piece in body:
                if length is None:
                    if piece:
                        write(b"%x\r\n%b\r\n" % (len(piece), piece))
                elif len(piece) > left:
                    left = -1
                    break
                else:
                    left -= len(piece)
                    write(piece)
                if self._full:
                    self._wait_for(self._timeouts.idle)
                    self._writable = self.loop.create_future()
                    await self._writable
                    self._wait_for(math.inf)
        except Exception as failure:  # noqa: BLE001 - what the caller's body raised is given back
            self._fail(failure)
            return
        if left:
            reason = "its body is not as long as announced"
            self._fail(RequestMalformed(reason, after_dispatch=True))
            return
        if length is None:
            write(b"0\r\n\r\n")
        self._upload = None
        self._wait_for(self._timeouts.first_byte)

    def _wait_for(self, seconds: float) -> None:
        """Set the time to wait for the provider, while it has not begun to answer."""
        if self._response is None:
            self._arm(seconds)

    def resume(self) -> None:
        """Read on: what had come was taken."""
        if self._paused:
            self._paused = False
            self._arm(self._timeouts.idle)
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close at once; what was not written yet is dropped."""
        self._transport.abort()

    def _fail(self, failure: BaseException) -> None:
        """End the exchange, and with it the connection."""
        answer, response = self._answer, self._response
        self._answer = self._response = None
        if response is not None:
            response._end(failure)  # noqa: SLF001 - the two are halves of one thing
        elif answer is not None and not answer.done():
            answer.set_exception(failure)
        self._transport.abort()

    def _finish(self, response: Response) -> None:
        """Hand over a whole answer, and keep the connection if it is clean."""
        response._end()  # noqa: SLF001 - as above
        self._answer = self._response = None
        pool = self._pool
        if not self._reusable or self._upload or self._head or self._transport.is_closing():
            self._transport.abort()
        else:
            self._arm(pool.idle_seconds)
            pool.idle.append(self)
            if len(pool.idle) > pool.most_idle:
                pool.idle.pop(0).abort()

    def _wipe_head(self) -> None:
        """Overwrite the head once it has left: a write only hands it to the event loop."""
        if self._head is not None and not self._transport.get_write_buffer_size():
            wipe(self._head)
            self._head = None

    # Time.

    def _arm(self, seconds: float) -> None:
        self._deadline = self.loop.time() + seconds
        if self._deadline < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._set_timer()

    def _set_timer(self) -> None:
        self._timer_at = self._deadline
        self._timer = self.loop.call_at(self._deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        if self._deadline > self.loop.time() + _CLOCK_GRAIN:
            if self._deadline < math.inf:
                self._set_timer()
        else:
            self._fail(UpstreamTimedOut(after_dispatch=True))

    # The event loop's calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if (
            self._answer is None
        ):  # nobody asked: whatever it is, it must not answer the next request
            self._transport.abort()
            return
        self._wipe_head()
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            # After the end of the message this is only a reason not to use the connection again.
            self._reusable = False
            self._fault = self._fault or "it is not HTTP"
        response = self._response
        if response is not None and self._whole:
            self._finish(response)
        elif self._fault is not None:
            self._fail(UpstreamBroke(self._fault))
        elif self._barren > LONGEST_HEAD:
            self._fail(UpstreamBroke("its head or framing is too long"))
        elif response is not None:
            if response._waiting > _MOST_WAITING:  # noqa: SLF001 - as above
                self._paused = True
                self._deadline = math.inf
                self._transport.pause_reading()
            else:
                self._arm(self._timeouts.idle)

    def eof_received(self) -> None:
        """Let the transport close itself: `connection_lost` judges what that means."""

    def connection_lost(self, exc: Exception | None) -> None:
        pool = self._pool
        pool.live.discard(self)
        if self in pool.idle:
            pool.idle.remove(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._upload is not None:
            self._upload.cancel()
        if self._head is not None:
            wipe(self._head)
        if self._until_close and exc is None and self._response is not None:
            self._finish(self._response)
        else:
            begun = "it was cut off" if self._response else "the connection was closed before it"
            self._fail(UpstreamBroke(begun))
        self.lost.set_result(None)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    # The parser's calls.

    def on_message_begin(self) -> None:
        if self._whole:  # more came than was asked for
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come here too, after the head. Nobody announced that they are read: dropped.
        if self._response is None:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        answer, status, headers = self._answer, self._parser.get_status_code(), self._headers
        self._fault = self._fault or _fault(
            status, self._parser.get_http_version(), headers, self._barren
        )
        if self._fault is not None:
            return
        if status < http.HTTPStatus.OK:
            self._interim = True
            return
        if answer is None or answer.done():
            self._fault = "nobody waits for it any more"
            return
        names = [name for name, _ in headers]
        self._until_close = b"content-length" not in names and b"transfer-encoding" not in names
        self._headers = []
        self._barren = 0
        self._response = Response(self, status, headers)
        answer.set_result(self._response)
        if self._bodiless:
            # llhttp would wait for the body that the head of an answer to HEAD announces.
            self._whole = True
            self._reusable = False
        if status >= http.HTTPStatus.BAD_REQUEST and self._upload is not None:
            # It will not read the rest; to go on writing would provoke the reset that destroys
            # the answer on its way here.
            self._upload.cancel()

    def on_body(self, data: bytes) -> None:
        if self._response is not None and not self._whole:
            self._barren = 0
            self._response._add(data)  # noqa: SLF001 - as above

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
            self._headers = []
        elif self._response is not None and not self._whole:
            self._whole = True
            self._reusable = self._parser.should_keep_alive()


class Outbound:
    """Sends requests to providers, over connections that it keeps between them."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = ask_system,
        most_idle: int = 128,
        idle_seconds: float = 30.0,
    ) -> None:
        """Keep up to `most_idle` unused connections a provider, each for `idle_seconds`.

        That should be shorter than what the providers keep: a request which crosses with their
        closing is lost.
        """
        self._tls = tls or shared_tls()
        self._guard = Guard(resolve)
        self._most_idle = most_idle
        self._idle_seconds = idle_seconds
        self._pools: dict[Upstream, _Pool] = {}
        self._closed = False

    async def send(
        self,
        upstream: Upstream,
        method: bytes,
        target: bytes,
        headers: Headers,
        body: bytes | AsyncIterator[bytes] | None = None,
        *,
        content_length: int | None = None,
        timeouts: Timeouts = _PATIENCE,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> Response:
        """Send one request, once; give its answer when the head of that has come.

        The answer may come before the whole body has left. A body that is iterated is sent with
        `content_length`, or in chunks where that is None; what its iteration raises is raised here,
        or to whoever is reading the answer. To cancel this call closes the connection.

        Raises the leaves of `UpstreamFailure`; their `after_dispatch` tells if anything was sent.
        """
        pool = self._pools.get(upstream)
        if pool is None:
            pool = self._pools[upstream] = _Pool(upstream, self._most_idle, self._idle_seconds)
        framing = _framing(method, body, content_length)
        head = _head(pool, method, target, headers, framing)
        del headers
        connection = await self._ready(upstream, pool, head, timeouts, before)
        return await connection.exchange(
            head, body or b"", content_length, timeouts, bodiless=method == b"HEAD"
        )

    async def hand_over(
        self,
        upstream: Upstream,
        head: bytearray,
        *,
        timeouts: Timeouts,
        before: Callable[[], Awaitable[None]],
    ) -> asyncio.Transport:
        """Give a connection on which `head` may leave now, to speak another protocol on.

        It is reached and checked as every other, and is the caller's from here on. `before` is as
        in `send`, and so is what is raised; `head` is wiped then.
        """
        # A pool of one: nothing is idle in it, and it holds nobody else's connection.
        alone = _Pool(upstream, 0, 0.0)
        return (await self._ready(upstream, alone, head, timeouts, before)).let_go()

    async def _ready(
        self,
        upstream: Upstream,
        pool: _Pool,
        head: bytearray,
        timeouts: Timeouts,
        before: Callable[[], Awaitable[None]] | None,
    ) -> _Connection:
        """Give a connection on which a head may leave now; wipe the head where there is none."""
        connection = None
        try:
            connection = pool.take() or await self._connect(upstream, pool, timeouts)
            if before is not None:
                await before()
                connection.must_stand()
        except BaseException:
            wipe(head)
            if connection is not None:
                connection.abort()
            raise
        return connection

    def has_idle(self, upstream: Upstream) -> bool:
        """Tell whether a connection lies ready, so that a request would leave at once."""
        pool = self._pools.get(upstream)
        return pool is not None and bool(pool.idle)

    async def close(self) -> None:
        """Close every connection; what is still under way there is cut off."""
        self._closed = True
        connections = [connection for pool in self._pools.values() for connection in pool.live]
        for connection in connections:
            connection.abort()
        for connection in connections:
            await connection.lost

    async def _connect(self, upstream: Upstream, pool: _Pool, timeouts: Timeouts) -> _Connection:
        """Connect to one of the provider's checked addresses, trying each in turn."""
        loop = asyncio.get_running_loop()
        failure: OSError = TimeoutError()
        try:
            async with asyncio.timeout(timeouts.connect) as whole:
                addresses = await self._guard.addresses(upstream)
                while addresses and not self._closed:
                    # A dead first address (IPv6 that leads nowhere) must leave time for the others.
                    share = ((whole.when() or 0.0) - loop.time()) / len(addresses)
                    try:
                        async with asyncio.timeout(share):
                            _, connection = await loop.create_connection(
                                lambda: _Connection(pool, loop),
                                addresses.pop(0),
                                upstream.port,
                                ssl=self._tls if upstream.tls else None,
                                server_hostname=upstream.host if upstream.tls else None,
                            )
                    except OSError as why:
                        failure = why
                    else:
                        if not connection.closing and not self._closed:
                            # Not before: uvloop closes the connection of an attempt that is
                            # cancelled without ever saying that it is lost.
                            pool.live.add(connection)
                            return connection
                        connection.abort()
                        failure = ConnectionResetError()
        except TimeoutError as why:
            failure = why
        if self._closed:
            raise UpstreamUnreachable("keysteward is stopping")
        if isinstance(failure, TimeoutError):
            raise UpstreamTimedOut(after_dispatch=False)
        tls = isinstance(failure, ssl.SSLError)
        raise UpstreamUnreachable("TLS could not be agreed on" if tls else "no connection was made")


def _fault(status: int, version: str, headers: Headers, size: int) -> str | None:
    """Tell what is wrong with an answer's head, of that which llhttp lets pass.

    `size` is how many bytes came since the last message, the beginning of a body included.
    """
    if version not in _VERSIONS or status < http.HTTPStatus.CONTINUE:
        return "it is not HTTP/1.1"
    if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
        return "it changes the protocol"
    if len(headers) > MOST_HEADERS:
        return "it has too many headers"
    if size > LONGEST_HEAD and sum(map(len, chain(*headers))) > LONGEST_HEAD:
        return "its head is too long"
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if codings and (len(codings) > 1 or codings[0].strip().lower() != b"chunked"):
        return "its body is coded in a way that was not asked for"
    return None


def _framing(method: bytes, body: bytes | AsyncIterator[bytes] | None, length: int | None) -> bytes:
    """Give the header that tells where the request's body ends; nothing where there is none."""
    if body is None or isinstance(body, bytes):
        size = len(body or b"")
        if length not in {None, size}:
            raise RequestMalformed("its body is not as long as announced")
        if not size and method not in _SENDS_A_BODY:
            return b""
        return b"content-length: %d\r\n" % size
    return (
        b"transfer-encoding: chunked\r\n" if length is None else b"content-length: %d\r\n" % length
    )


def _head(pool: _Pool, method: bytes, target: bytes, headers: Headers, framing: bytes) -> bytearray:
    """Write a request's head, and check it as it will be read. Raises `RequestMalformed`."""
    if not method or method.translate(None, _METHOD_BYTES) or method in _TUNNELS:
        raise RequestMalformed("its method is not one that is passed on")
    if not target.startswith(b"/") or target.translate(None, _TARGET_BYTES):
        raise RequestMalformed("its path is not written as a path is")
    names = [name for name, _ in headers]
    if b"" in names or b"".join(names).translate(None, _NAME_BYTES):
        raise RequestMalformed("a header's name is not written in lower case as a name is")
    if not _FRAMING.isdisjoint(names):
        raise RequestMalformed("it brings a header that belongs to the connection")
    parts = [method, pool.before_target, target, pool.after_target]
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
    parts += (framing, b"\r\n")
    # Straight from its parts, so that no second copy of the key lies about.
    head = bytearray().join(parts)
    # Request line, host, each header, framing, blank line: one line break more is an injection.
    lines = 3 + len(headers) + bool(framing)
    if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
        wipe(head)
        raise RequestMalformed("a header's value holds a line break or a NUL")
    return head


def wipe(head: bytearray) -> None:
    """Overwrite a head, and the key in it. In place: its length is fixed while a write holds it."""
    head[:] = bytes(len(head))
