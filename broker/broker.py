"""One outbound call with the owner's own key. `Broker.call` is the only place that knows the order.

Nothing of request or answer is kept but the ledger's row. No call is ever sent twice.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from ulid import ULID

from accounts import tools
from accounts.errors import AddressUnverified, TokenUnknown, TooManyTries
from accounts.tools import Tool
from audit import Signer
from broker import calls, request, wire
from broker.calls import Outcome
from broker.errors import (
    CallFailure,
    ClientGone,
    KeyUnusable,
    NoKeyForCall,
    OwnerUnverified,
    ProviderNotAllowed,
    ToolTokenRequired,
    ToolTooFast,
    UpstreamFailed,
    UpstreamTooSlow,
)
from broker.live import LiveCalls, Scope
from broker.outbound import Outbound, Response
from broker.request import Ask
from broker.scrub import Scrubber
from broker.upstream import Timeouts, Upstream, UpstreamFailure, UpstreamTimedOut
from providers import Provider
from store import Clock, Store, StoreUnavailable, Tx
from vault import rows
from vault.errors import KeyNeedsReentry, NoKey
from vault.rows import SealedKey
from vault.secret import Secret
from vault.vault import Vault

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LOG: Final = logging.getLogger("keysteward.broker")
_IDENTITY: Final = (b"accept-encoding", b"identity")
"""Nothing is asked for in a compressed form: what can't be read can't be searched for the key."""
_TIMEOUTS: Final = Timeouts()
_REDIRECTS: Final = frozenset({301, 302, 303, 305, 307, 308})
_NO_BODY: Final = frozenset({204, 304})
_HIGHEST_STATUS: Final = 599
_WATCH_AFTER_SECONDS: Final = 0.05
_LARGEST_PEEKED: Final = 65_536
_MODEL_IN_PATH: Final = re.compile(rb"/models/([A-Za-z0-9._-]{1,100})")
_MODEL_IN_JSON: Final = re.compile(rb'"model"\s*:\s*"([A-Za-z0-9._:/-]{1,100})"')
_MODEL: Final = re.compile(r"[A-Za-z0-9._:/-]{1,100}")
# How a server-sent event ends, in each of the line ends that the standard knows.
_EVENT_ENDS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
_LONGEST_EVENT_END: Final = 4

_RESPONSE_PASSES: Final = frozenset(
    {
        b"content-type",
        b"content-length",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-range",
        b"accept-ranges",
        b"cache-control",
        b"date",
        b"etag",
        b"last-modified",
        b"request-id",
        b"retry-after",
        b"retry-after-ms",
        b"server-timing",
        b"x-request-id",
        b"x-should-retry",
    }
)


@dataclass(frozen=True, slots=True)
class Booking:
    """A call that may go out: for which tool, with which key, and its row in the ledger."""

    id: str
    tool: Tool
    key: SealedKey


class Tally:
    """What a call has come to so far; the ledger gets it at the end."""

    __slots__ = ("bytes_in", "bytes_out", "end", "model", "outcome", "status", "streams")

    def __init__(self, model: str | None) -> None:
        self.outcome = Outcome.LOST
        self.status: int | None = None
        """The status that the tool was given; None until it was."""
        self.model = model
        self.streams = False
        """True when the answer is a stream of server-sent events, to which one can be added."""
        self.end = b"\n\n"
        """The last bytes passed on of such a stream."""
        self.bytes_in = 0
        self.bytes_out = 0

    def passed(self, out: bytes) -> None:
        """Note that these bytes of the answer were passed on."""
        self.bytes_out += len(out)
        if self.streams:
            self.end = (self.end + out[-_LONGEST_EVENT_END:])[-_LONGEST_EVENT_END:]

    @property
    def between_events(self) -> bool:
        """Tell whether an event can be added: into the middle of one, it would garble both."""
        return self.streams and self.end.endswith(_EVENT_ENDS)


class Broker:
    """Makes calls for tools, each with its owner's key."""

    def __init__(  # noqa: PLR0917 - the parts that it stands on
        self,
        store: Store,
        vault: Vault,
        signer: Signer,
        live: LiveCalls,
        outbound: Outbound,
        upstreams: Mapping[str, Upstream],
        clock: Clock,
        worker: str,
        *,
        timeouts: Timeouts = _TIMEOUTS,
        verified_only: bool = False,
    ) -> None:
        self._store = store
        self._vault = vault
        self._signer = signer
        self._live = live
        self._outbound = outbound
        self._upstreams = upstreams
        self._clock = clock
        self._worker = worker
        self._timeouts = timeouts
        self._verified_only = verified_only

    async def call(self, ask: Ask, receive: Receive, send: Send) -> None:
        """Make one call and pass its answer on.

        Raises `CallFailure` while nothing of an answer was passed on; after that the stream itself
        tells, by a last event or by breaking off.
        """
        booking = await self._book(ask)
        tally = Tally(model_in(ask.target))
        last_event = b""
        try:
            with self._live.join(
                key=booking.key.id, tool=booking.tool.id, account=booking.tool.account
            ) as scope:
                await self._exchange(ask, booking, tally, scope, receive, send)
        except ClientGone:
            tally.outcome = Outcome.CLIENT_GONE
        except CallFailure as failure:
            tally.outcome = failure.outcome
            if tally.status is None:
                tally.status = failure.status
                raise
            if tally.between_events:
                last_event = wire.last_event(failure, ask.provider)
        finally:
            await self._settle(booking, tally)
        # After the books are closed: a tool that reads no more would keep them open as long.
        if last_event:
            await send({"type": "http.response.body", "body": last_event})

    def _book(self, ask: Ask) -> Awaitable[Booking]:
        """Find token and key alive and begin the ledger's row, all in one transaction, durably.

        This is where a call starts: once a removal has been committed, no booking succeeds.
        """
        call, at, provider = f"call_{ULID()}", self._clock(), ask.provider

        def unit(tx: Tx) -> Booking:
            try:
                tool = tools.holder_of(
                    tx,
                    self._signer,
                    ask.token_digest,
                    now=at,
                    verified_alone=self._verified_only,
                )
                tools.note_call(tx, tool, now=at)
            except TokenUnknown as unknown:
                raise ToolTokenRequired(str(unknown)) from None
            except AddressUnverified as unverified:
                raise OwnerUnverified(str(unverified)) from None
            except TooManyTries as soon:
                raise ToolTooFast(soon.wait) from None
            if not tool.allows(provider.id):
                raise ProviderNotAllowed(provider.name)
            try:
                key = rows.in_use(tx, tool.owner, provider.id, ask.choice)
            except NoKey:
                raise NoKeyForCall(str(NoKey(provider.name))) from None
            calls.begin(
                tx,
                call,
                tool.owner,
                tool=tool.id,
                key=key.id,
                version=key.version,
                provider=provider.id,
                worker=self._worker,
                at=at,
            )
            return Booking(call, tool, key)

        return self._store.write(unit)

    async def _exchange(  # noqa: PLR0917 - a step of `call`, with what that has gathered
        self,
        ask: Ask,
        booking: Booking,
        tally: Tally,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Send the request with the key in its one header, and pass the answer on."""
        hangup = Hangup(scope, receive)
        try:
            body = await _first_of_body(ask, tally, receive, hangup)
            secret = self._open(booking.key)
            scrubber = Scrubber(secret)
            headers = [*ask.headers, ask.provider.slots[0].write(secret.reveal()), _IDENTITY]
            secret.wipe()
            answer = await self._outbound.send(
                self._upstreams[ask.provider.id],
                ask.method,
                ask.target,
                headers,
                body,
                content_length=ask.content_length,
                timeouts=self._timeouts,
            )
            try:
                await _pass_on(answer, booking, ask.provider, tally, scrubber, send)
            finally:
                answer.abort()
        except UpstreamTimedOut as late:
            raise UpstreamTooSlow(str(late)) from None
        except UpstreamFailure as failed:
            raise UpstreamFailed(str(failed)) from None
        finally:
            hangup.stop()

    def _open(self, key: SealedKey) -> Secret:
        try:
            return self._vault.open(key)
        except KeyNeedsReentry as broken:
            raise KeyUnusable(str(broken)) from None

    async def _settle(self, booking: Booking, tally: Tally) -> None:
        """Write down what the call came to; if that fails, the tool has its answer all the same."""
        at = self._clock()
        try:
            await self._store.write_soon(
                lambda tx: calls.end(
                    tx,
                    booking.id,
                    booking.tool.owner,
                    outcome=tally.outcome,
                    status=tally.status,
                    model=tally.model,
                    bytes_in=tally.bytes_in,
                    bytes_out=tally.bytes_out,
                    at=at,
                )
            )
        except StoreUnavailable as failure:
            _LOG.error("The end of %s could not be written down. %s", booking.id, failure)


class Hangup:
    """Notices that the tool hung up while its answer is awaited or passed on.

    Watching costs a task, so it begins only for a call that takes its time.
    """

    __slots__ = ("_receive", "_scope", "_stopped", "_timer", "_watch")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._watch: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def start(self) -> None:
        """Watch, now that the request's body has been taken: only a hang-up can come."""
        # An answer can be whole before the request is: then there is nothing left to watch.
        if not self._stopped:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_WATCH_AFTER_SECONDS, self._begin)

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()

    def _begin(self) -> None:
        self._watch = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._scope.end(ClientGone())


def model_in(target: bytes) -> str | None:
    """Give the model that a path names, as Google's do."""
    found = _MODEL_IN_PATH.search(target)
    return found[1].decode() if found else None


def _model_in_body(body: bytes, *, whole: bool) -> str | None:
    """Give the model that a JSON body names; of a long one, its beginning is looked at."""
    if whole:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        model = document.get("model") if isinstance(document, dict) else None
        model = model if isinstance(model, str) and _MODEL.fullmatch(model) else None
    else:
        found = _MODEL_IN_JSON.search(body[:_LARGEST_PEEKED])
        model = found[1].decode() if found else None
    # A token put there by mistake must not stand in the ledger.
    return None if model is None or request.carries_a_key(model.encode()) else model


async def _first_of_body(
    ask: Ask, tally: Tally, receive: Receive, hangup: Hangup
) -> bytes | AsyncIterator[bytes] | None:
    """Give the request's body: whole where one piece was all of it, else as it comes."""
    if not ask.has_body:
        hangup.start()
        return None
    first, more = await _piece(receive)
    tally.bytes_in += len(first)
    if tally.model is None:
        tally.model = _model_in_body(first, whole=not more)
    if more:
        return _rest_of_body(first, tally, receive, hangup)
    hangup.start()
    return first


async def _rest_of_body(
    first: bytes, tally: Tally, receive: Receive, hangup: Hangup
) -> AsyncIterator[bytes]:
    yield first
    more = True
    while more:
        piece, more = await _piece(receive)
        tally.bytes_in += len(piece)
        yield piece
    hangup.start()


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    """Give the next piece of the request's body, and whether more follows."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message.get("body", b""), message.get("more_body", False)


async def _pass_on(  # noqa: PLR0917 - likewise
    answer: Response,
    booking: Booking,
    provider: Provider,
    tally: Tally,
    scrubber: Scrubber,
    send: Send,
) -> None:
    """Pass an answer on as it comes, byte for byte, less the key should it stand in there."""
    if answer.status in _REDIRECTS:
        raise UpstreamFailed(
            "The provider answered with a redirect, which is not followed: it could carry the key "
            "off."
        )
    if answer.status > _HIGHEST_STATUS:
        raise UpstreamFailed("The provider answered with a status that HTTP does not have.")
    headers = [
        (name, value)
        for name, value in answer.headers
        if name in _RESPONSE_PASSES or name.startswith(provider.headers)
    ]
    if scrubber.finds(b"\0".join([value for _, value in headers])):
        headers = [(name, scrubber.strike(value)) for name, value in headers]
    known = dict(headers)
    if answer.status in _NO_BODY:
        # Here it tells of the body that GET would have given (RFC 9110, section 8.6): none comes.
        headers = [(name, value) for name, value in headers if name != b"content-length"]
    tally.streams = (
        known.get(b"content-type", b"").lower().startswith(b"text/event-stream")
        and b"content-length" not in known
    )
    headers.append((b"keysteward-call", booking.id.encode()))
    tally.status = answer.status
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    async for chunk in answer:
        out = scrubber.feed(chunk)
        if answer.taken:
            break
        if out:
            await send({"type": "http.response.body", "body": out, "more_body": True})
            tally.passed(out)
    else:
        out = b""
    out += scrubber.flush()
    await send({"type": "http.response.body", "body": out})
    tally.passed(out)
    tally.outcome = Outcome.ANSWERED
