"""The way out for a conversation: one websocket to a provider, over a connection of `Outbound`'s.

The key stands in one header of the handshake, which is wiped as soon as it has left. Nothing is
compressed: what can't be read can't be searched. Both ways, no more waits in memory than
`_MOST_WAITING` bytes and one message. Pings are answered, and a provider that is silent is asked.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from broker.outbound import Headers, Outbound, wipe
from broker.upstream import (
    RequestMalformed,
    Timeouts,
    Upstream,
    UpstreamBroke,
    UpstreamFailure,
    UpstreamTimedOut,
)

LARGEST_MESSAGE: Final = 16 * 1024 * 1024
PING_SECONDS: Final = 20.0
_FAREWELL_SECONDS: Final = 2.0
"""So long a provider that was told farewell may take to close."""
_MOST_WAITING: Final = 65_536
_MOST_UNREAD: Final = 262_144
_LONGEST_REASON: Final = 123
"""Bytes: a close frame holds 125, two of them the code (RFC 6455, section 5.5)."""

_TARGET: Final = re.compile(rb"/[\x21\x22\x24-\x7e]*")
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
# What opens a websocket and belongs to this connection is written here and nowhere else.
_OURS: Final = frozenset(
    {
        b"connection",
        b"content-length",
        b"host",
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
        b"sec-websocket-key",
        b"sec-websocket-protocol",
        b"sec-websocket-version",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# RFC 6455, section 7.4, and the registry of close codes: what may stand in a close frame.
_CODES: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
_SILENT: Final = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001 - no setting wakes it
"""At DEBUG, the library logs headers and frames: none of that may reach a log."""


class Message(NamedTuple):
    """One message, whole, whatever its frames were."""

    data: bytes
    is_text: bool


class Farewell(NamedTuple):
    """How one side closed, or is to close."""

    code: int | None
    """As RFC 6455 has it; None where the close frame held none."""
    reason: str = ""

    @property
    def fit(self) -> "Farewell":
        """The same, as it may be sent: reserved codes and long reasons can't be."""
        if self.code not in _CODES:
            return Farewell(1000)
        return Farewell(self.code, self.reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))


class Declined(NamedTuple):
    """What a provider answered that did not open the websocket, whole. Names are in lower case."""

    status: int
    headers: Headers
    body: bytes


async def open_socket(
    outbound: Outbound,
    upstream: Upstream,
    target: bytes,
    headers: Headers,
    subprotocols: Sequence[str] = (),
    *,
    timeouts: Timeouts,
    before: Callable[[], Awaitable[None]],
    ping_seconds: float = PING_SECONDS,
) -> "SocketOut | Declined":
    """Ask a provider for a websocket, once; redirects are not followed.

    `before` is awaited when there is a connection, and nothing has left. To cancel this call closes
    the connection. Raises the leaves of `UpstreamFailure`; their `after_dispatch` tells if anything
    was sent.
    """
    wire = ClientProtocol(
        WebSocketURI(upstream.tls, upstream.host, upstream.port, "/", ""),
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        max_size=LARGEST_MESSAGE,
        logger=_SILENT,
    )
    head = _head(upstream, target, headers, wire.key, subprotocols)
    del headers
    transport = await outbound.hand_over(upstream, head, timeouts=timeouts, before=before)
    socket = SocketOut(transport, wire, head, ping_seconds)
    try:
        async with asyncio.timeout(timeouts.first_byte):
            return await socket.answer
    except TimeoutError:
        socket.abort()
        raise UpstreamTimedOut(after_dispatch=True) from None
    except BaseException:
        socket.abort()
        raise


class SocketOut(asyncio.Protocol):
    """One websocket to a provider, from its handshake on."""

    def __init__(
        self,
        transport: asyncio.Transport,
        wire: ClientProtocol,
        head: bytearray,
        ping_seconds: float,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[SocketOut | Declined] = self._loop.create_future()
        """How the provider answered the handshake."""
        self.headers: Headers = []
        """Those of the answer; names in lower case."""
        self._wire = wire
        self._head: bytearray | None = head
        self._transport = transport
        self._messages: deque[Message] = deque()
        self._waiting = 0
        self._partial = bytearray()
        self._is_text = False
        self._end: Farewell | UpstreamFailure | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._full = False
        self._paused = False
        self._left = False
        self._ping_seconds = ping_seconds
        self._heard_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        transport.set_protocol(self)
        transport.write(head)

    @property
    def subprotocol(self) -> str | None:
        """Give the one that the provider chose of those that it was offered."""
        return self._wire.subprotocol

    async def receive(self) -> Message | Farewell:
        """Give the next message, or how the provider closed.

        Raises `UpstreamBroke` or `UpstreamTimedOut` where it did not close as websockets do.
        """
        while not self._messages:
            if isinstance(self._end, Farewell):
                return self._end
            if self._end is not None:
                raise self._end
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._messages.popleft()
        self._waiting -= len(message.data)
        if self._paused and self._waiting <= _MOST_WAITING:
            self._resume()
        return message

    async def send(self, message: Message) -> None:
        """Send a message, as fast as the provider takes it; none where it has closed."""
        if self._wire.state is not State.OPEN or self._end is not None:
            return  # `receive` says so
        if message.is_text:
            self._wire.send_text(message.data)
        else:
            self._wire.send_binary(message.data)
        self._flush()
        while self._full:
            self._writable = self._loop.create_future()
            await self._writable

    def leave(self, farewell: Farewell) -> None:
        """Close, without waiting. What the provider still says is dropped."""
        if self._left or self._transport.is_closing():
            return
        code, reason = farewell.fit
        self._wire.send_close(code, reason)
        self._say_farewell()

    def abort(self) -> None:
        """Close at once; what was not written yet is dropped."""
        self._transport.abort()

    # The event loop's calls.

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        self._heard_at = self._loop.time()
        self._wipe_head()
        self._wire.receive_data(data)
        self._go_on()

    def eof_received(self) -> None:
        """Let the transport close itself."""
        self._wire.receive_eof()
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - either is no farewell
        """Note that nothing more comes, and wake whoever waits."""
        if self._timer is not None:
            self._timer.cancel()
        if self._head is not None:
            wipe(self._head)
        self._full = False
        _wake(self._writable)
        self._finish(UpstreamBroke("it was cut off"))

    def pause_writing(self) -> None:
        """Let senders wait."""
        self._full = True

    def resume_writing(self) -> None:
        """Let senders go on."""
        self._full = False
        _wake(self._writable)

    # What has come.

    def _go_on(self) -> None:
        """Take what the protocol has made of it, write what it answers, see whether it ended."""
        for event in self._wire.events_received():
            if isinstance(event, Response):
                self._take_answer(event)
            else:
                self._take(cast("Frame", event))
        self._flush()
        self._judge()

    def _take_answer(self, response: Response) -> None:
        self.headers = [
            (name.lower().encode("ascii"), value.encode("latin-1"))
            for name, value in response.headers.raw_items()
        ]
        failure = self._wire.handshake_exc
        if failure is None:
            self._say(self)
            self._arm(self._ping_seconds, self._look)
        elif isinstance(failure, InvalidStatus):
            self._say(Declined(response.status_code, self.headers, bytes(response.body)))

    def _say(self, answer: "SocketOut | Declined | UpstreamFailure") -> None:
        """Answer the handshake, where that was not done, and somebody waits for it."""
        if self.answer.done():
            return
        if isinstance(answer, UpstreamFailure):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)

    def _take(self, frame: Frame) -> None:
        """Take a frame; a message's last one makes it whole."""
        if frame.opcode is Opcode.PING and (self._transport.get_write_buffer_size() > _MOST_UNREAD):
            self._break(UpstreamBroke("it pings, and does not read the answers"))
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT} or self._left:
            return
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        # Gathered in one piece: frames may be empty, and without end.
        self._partial += frame.data
        if not frame.fin:
            return
        message = Message(bytes(self._partial), self._is_text)
        self._partial.clear()
        if message.is_text and not _is_utf8(message.data):
            self._wire.fail(1007, "a text that is no UTF-8")
            self._say_farewell()
            self._finish(UpstreamBroke("a text of it is no UTF-8"))
            return
        self._messages.append(message)
        self._waiting += len(message.data)
        _wake(self._waiter)
        if self._waiting > _MOST_WAITING and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _judge(self) -> None:
        """See whether the conversation, or the handshake, has come to its end."""
        wire = self._wire
        if wire.handshake_exc is not None:
            self._finish(UpstreamBroke("it did not agree on a websocket"))
            self._transport.abort()
        elif wire.parser_exc is not None:
            self._say_farewell()
            self._finish(UpstreamBroke("it was cut off, or is no websocket's"))
        elif wire.close_rcvd is not None:
            self._say_farewell()
            code = int(wire.close_rcvd.code)
            self._finish(Farewell(code if code in _CODES else None, wire.close_rcvd.reason))

    def _finish(self, end: Farewell | UpstreamFailure) -> None:
        """Note how it ended: the first way stands."""
        if self._end is None:
            self._end = end
        if isinstance(end, UpstreamFailure):
            self._say(end)
        _wake(self._waiter)

    def _break(self, failure: UpstreamFailure) -> None:
        self._finish(failure)
        self._transport.abort()

    def _say_farewell(self) -> None:
        """Give the provider a moment to close, as the server is to do first."""
        self._flush()
        if self._left:
            return
        self._left = True
        if self._paused:
            self._resume()
        self._arm(_FAREWELL_SECONDS, self._transport.abort)

    def _arm(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, then)

    def _look(self) -> None:
        """Ask a silent provider whether it is there, and give it up when it does not say."""
        if not self._paused and self._loop.time() - self._heard_at > 2 * self._ping_seconds:
            self._break(UpstreamTimedOut(after_dispatch=True))
            return
        self._wire.send_ping(b"")
        self._flush()
        self._arm(self._ping_seconds, self._look)

    def _resume(self) -> None:
        self._paused = False
        self._heard_at = self._loop.time()
        self._transport.resume_reading()

    def _flush(self) -> None:
        """Write what the protocol wants written; at its end, close."""
        for data in self._wire.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()

    def _wipe_head(self) -> None:
        """Overwrite the handshake once it has left: a write only hands it to the event loop."""
        if self._head is not None and not self._transport.get_write_buffer_size():
            wipe(self._head)
            self._head = None


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _head(
    upstream: Upstream, target: bytes, headers: Headers, key: str, subprotocols: Sequence[str]
) -> bytearray:
    """Write the handshake (RFC 6455, section 4.1). Raises `RequestMalformed`."""
    ours = [
        (b"host", upstream.authority.encode("ascii")),
        (b"connection", b"Upgrade"),
        (b"upgrade", b"websocket"),
        (b"sec-websocket-key", key.encode("ascii")),
        (b"sec-websocket-version", b"13"),
    ]
    if subprotocols:
        ours.append((b"sec-websocket-protocol", ", ".join(subprotocols).encode("latin-1")))
    if not _TARGET.fullmatch(target):
        raise RequestMalformed("its path is not written as a path is")
    for name, value in headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise RequestMalformed("a header is not written as HTTP has it")
        if name in _OURS:
            raise RequestMalformed("it brings a header that belongs to the connection")
    parts = [b"GET ", upstream.base_path.encode("ascii"), target, b" HTTP/1.1\r\n"]
    for name, value in (*ours, *headers):
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"\r\n")
    # Straight from its parts, so that no second copy of the key lies about.
    return bytearray().join(parts)
