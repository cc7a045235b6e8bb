"""One outbound call, or conversation, with the owner's own key. Only `Broker` knows the order.

Nothing of request or answer is kept but the ledger's row, and an answer that the tool asks to have
kept (`broker.files`). No call is ever sent twice.
"""

import logging
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import orjson
from ulid import ULID

from accounts import tools
from accounts.errors import AddressUnverified, TokenUnknown, TooManyTries
from accounts.tools import Tool
from audit import Signer
from broker import calls, ceilings, commitments, escapes, request, reservations, sockets, wire
from broker.commitments import HOUR, Commitment
from broker.credential import written
from broker.decoding import inspectable
from broker.echoes import Said
from broker.errors import (
    CallFailure,
    CallGivenUp,
    ClientGone,
    CredentialInUrl,
    KeyUnusable,
    NoKeyForCall,
    OwnerUnverified,
    ProviderNotAllowed,
    ToolTokenRequired,
    ToolTooFast,
    UpstreamFailed,
    UpstreamTooSlow,
)
from broker.files import Files, Keeping
from broker.intake import Drains, Hangup, Intake, Receive
from broker.line import Line
from broker.live import LiveCalls, Scope
from broker.other_keys import Found, KeptKeys, OtherKeys
from broker.outbound import Outbound
from broker.outcome import Outcome
from broker.passing import Passage, Send, pass_on
from broker.request import Ask
from broker.reservations import Admission, End
from broker.scrub import Scrubber
from broker.socket_out import Declined, Farewell, open_socket
from broker.sockets import Conversation
from broker.talk import Talk
from broker.tally import Tally
from broker.upstream import Timeouts, Upstream, UpstreamFailure, UpstreamTimedOut
from metering import Quote, Request, hourly
from metering.bodies import splice
from metering.meters import catalogue
from store import Clock, Owner, Store, StoreUnavailable, Tx
from vault import rows
from vault.errors import KeyNeedsReentry, NoKey
from vault.rows import SealedKey
from vault.secret import Secret
from vault.vault import Vault

_LOG: Final = logging.getLogger("keysteward.broker")
_IDENTITY: Final = (b"accept-encoding", b"identity")
"""Nothing is asked for in a compressed form: what can't be read can't be searched for the key."""
_TIMEOUTS: Final = Timeouts()
_GONE: Final = frozenset({404, 410})
_LARGEST_PEEKED: Final = 65_536
_MODEL_IN_PATH: Final = re.compile(rb"/models/([A-Za-z0-9._-]{1,100})")
_MODEL_IN_JSON: Final = re.compile(rb'"model"\s*:\s*"([A-Za-z0-9._:/-]{1,100})"')
_MODEL: Final = re.compile(r"[A-Za-z0-9._:/-]{1,100}")


@dataclass(frozen=True, slots=True)
class Booking:
    """A call that may go out: for which tool, with which key, under which ceilings."""

    id: str
    tool: Tool
    key: SealedKey
    kept: OtherKeys | Found
    """The account's keys, for which the answer is searched."""
    model: str | None
    quote: Quote
    admission: Admission
    is_dispatched: bool
    """What it holds counts as gone out already."""


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
        drains: Drains | None = None,
        files: Files | None = None,
        monotonic: Callable[[], float] = time.monotonic,
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
        self._drains = drains or Drains()
        self._files = files
        self._kept_keys = KeptKeys(vault)
        self._owed: deque[tuple[Booking, Tally, int]] = deque()
        """Calls that have ended, and whose end is not written down."""
        self._monotonic = monotonic

    async def call(self, ask: Ask, receive: Receive, send: Send) -> None:
        """Make one call and pass its answer on.

        Raises `CallFailure` while nothing of an answer was passed on; after that the stream itself
        tells, by a last event or by breaking off.
        """
        intake = Intake(receive, has_body=ask.has_body)
        try:
            booking = await self._booked(ask, intake)
        except ClientGone:
            return  # before anything began
        tally = Tally(booking.model)
        keeping = self._keeping(ask, booking)
        passing = send if keeping is None else keeping.along(send)
        last_event = b""
        try:
            with self._live.join(
                key=booking.key.id, tool=booking.tool.id, account=booking.tool.account
            ) as scope:
                await self._exchange(ask, intake, booking, tally, scope, receive, passing)
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
            if keeping is not None:
                await keeping.give_up()
        # After the books are closed: a tool that reads no more would keep them open as long.
        if last_event:
            await send({"type": "http.response.body", "body": last_event})

    async def converse(self, ask: Ask, line: Line) -> None:
        """Hold one conversation over a websocket, until one of both sides closes it.

        Raises `CallFailure` while the tool's socket is not open; after that its farewell tells.
        """
        booking = await self._booked(ask, Intake(line.events, has_body=False))
        talk = Talk(booking.model, booking.quote, booking.admission)
        farewell = Farewell(1000)
        try:
            with self._live.join(
                key=booking.key.id, tool=booking.tool.id, account=booking.tool.account
            ) as scope:
                farewell = await self._converse(ask, booking, talk, line, scope)
        except ClientGone:
            talk.outcome = Outcome.CLIENT_GONE
        except CallFailure as failure:
            talk.outcome = failure.outcome
            if not line.is_open:
                talk.status = failure.status
                raise
            farewell = sockets.farewell_of(failure)
        finally:
            await self._settle(replace(booking, admission=talk.admission), talk)
        # After the books are closed, as in `call`.
        await line.close(farewell)

    async def _booked(self, ask: Ask, intake: Intake) -> Booking:
        """Book the call; the whole of its body is awaited only where a ceiling needs its bound."""
        await intake.begin()
        booking = await self._book(ask, intake)
        if booking is None:
            await intake.finish()
            booking = await self._book(ask, intake)
        if not isinstance(booking, Booking):
            raise booking or RuntimeError("A whole body was asked for twice.")
        return booking

    def _book(self, ask: Ask, intake: Intake) -> Awaitable[Booking | CallFailure | None]:
        """Find token and key alive, let the call in under its ceilings, begin the ledger's row.

        All in one transaction, durably. This is where a call starts: once a removal has been
        committed, no booking succeeds. Gives what refuses it, where that must be kept; None where a
        ceiling governs the call and its body is not whole yet.
        """
        call, at, provider = f"call_{ULID()}", self._clock(), ask.provider
        asked = _request_of(ask, intake)
        quote = sockets.quote(asked) if ask.opens_socket else catalogue.quote(asked)
        model = _model_of(ask, quote, intake)
        # With a connection at hand the request leaves at once; else it is marked when there is one.
        upstream = self._upstreams[provider.id]
        at_once = not ask.opens_socket and self._outbound.has_idle(upstream)

        def unit(tx: Tx) -> Booking | CallFailure | None:
            tool = self._holder(tx, ask, at)
            if not intake.is_whole and ceilings.governing(
                tx, tool.owner, provider=provider.id, tool=tool.id
            ):
                return None
            try:
                tools.note_call(tx, tool, now=at)
            except TooManyTries as soon:
                raise ToolTooFast(soon.wait) from None
            if not tool.allows(provider.id):
                raise ProviderNotAllowed(provider.name)
            try:
                key = rows.in_use(tx, tool.owner, provider.id, ask.choice)
            except NoKey:
                raise NoKeyForCall(str(NoKey(provider.name))) from None
            admission = reservations.admit(
                tx, tool.owner, call, tool.id, provider.id, quote, dispatched=at_once, at=at
            )
            if isinstance(admission, CallFailure):
                return admission
            calls.begin(
                tx,
                call,
                tool.owner,
                tool=tool.id,
                key=key.id,
                version=key.version,
                provider=provider.id,
                worker=self._worker,
                operation=quote.operation,
                model=model,
                bound=admission.bound,
                at=at,
            )
            kept = self._kept_keys.look(tx, tool.owner)
            return Booking(call, tool, key, kept, model, quote, admission, at_once)

        return self._store.write(unit)

    def _holder(self, tx: Tx, ask: Ask, at: int) -> Tool:
        """Find the token alive."""
        try:
            return tools.holder_of(
                tx, self._signer, ask.token_digest, now=at, verified_alone=self._verified_only
            )
        except TokenUnknown as unknown:
            raise ToolTokenRequired(str(unknown)) from None
        except AddressUnverified as unverified:
            raise OwnerUnverified(str(unverified)) from None

    async def _exchange(  # noqa: PLR0917 - a step of `call`, with what that has gathered
        self,
        ask: Ask,
        intake: Intake,
        booking: Booking,
        tally: Tally,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Send the request with the key in its one header, and pass the answer on."""
        drains = self._drains if booking.admission.governed else None
        hangup = Hangup(scope, receive, tally, drains, stall=self._drains.stall)
        scrubber = None
        try:
            said = Said(dict(ask.headers).get(b"content-type", b""))
            body = _body_of(intake, booking, tally, hangup, said)
            secret = self._open(booking.key)
            scrubber = self._scrubber(booking, secret)
            with written(ask.provider.slots[0], secret) as credential:
                secret.wipe()
                _check_words(ask, tally, scrubber)
                await self._unname(booking, tally)
                answer = await self._outbound.send(
                    self._upstreams[ask.provider.id],
                    ask.method,
                    ask.target,
                    [*ask.headers, credential, _IDENTITY],
                    body,
                    content_length=len(body) if isinstance(body, bytes) else ask.content_length,
                    timeouts=self._timeouts,
                    before=lambda: self._dispatch(booking, tally),
                )
            readable, uninspected = inspectable(answer, ask.method)
            passage = Passage(
                booking.id,
                ask.provider,
                booking.quote,
                booking.admission,
                said,
                ask.method != b"HEAD",
                b"stream" in ask.target,
                uninspected,
                booking.tool.inspected_only,
            )
            try:
                await pass_on(readable, passage, tally, scrubber, send)
            finally:
                answer.abort()
        except UpstreamFailure as failed:
            raise _as_failure_of(failed, tally) from None
        finally:
            hangup.stop()
            if scrubber is not None:
                _check_told(tally, scrubber)
                scrubber.wipe()

    async def _converse(
        self, ask: Ask, booking: Booking, talk: Talk, line: Line, scope: Scope
    ) -> Farewell:
        """Open a websocket with the key in its one header, and carry messages both ways."""
        conversation = Conversation(
            line, talk, scope, partial(self._hold_more, booking), self._monotonic
        )
        scrubber = None
        try:
            secret = self._open(booking.key)
            scrubber = self._scrubber(booking, secret)
            with written(ask.provider.slots[0], secret) as credential:
                secret.wipe()
                _check_words(ask, talk, scrubber)
                await self._unname(booking, talk)
                answer = await open_socket(
                    self._outbound,
                    self._upstreams[ask.provider.id],
                    ask.target,
                    [*ask.headers, credential],
                    ask.subprotocols,
                    timeouts=self._timeouts,
                    before=lambda: self._dispatch(booking, talk),
                )
            if isinstance(answer, Declined):
                return await conversation.decline(answer, booking.id, ask.provider, scrubber)
            return await conversation.carry(answer, booking.id, ask.provider, scrubber)
        except UpstreamFailure as failed:
            raise _as_failure_of(failed, talk) from None
        finally:
            conversation.stop()
            if scrubber is not None:
                _check_told(talk, scrubber)
                scrubber.wipe()

    async def _hold_more(self, booking: Booking, amount: int, held: int) -> None:
        """Hold more for a conversation that goes on. Raises `CallFailure` where that can't be."""
        at, tool, provider = self._clock(), booking.tool, booking.key.provider
        refusal = await self._store.write(
            lambda tx: sockets.hold_more(
                tx, tool.owner, booking.id, tool.id, provider, amount, held=held, at=at
            )
        )
        if refusal is not None:
            raise refusal

    async def _dispatch(self, booking: Booking, tally: Tally) -> None:
        """Note that the request leaves now: durably, where that was not known at its booking."""
        if booking.admission.holds and not booking.is_dispatched:
            holds = await self._store.write(
                lambda tx: calls.dispatch(tx, booking.id, booking.tool.owner)
            )
            if not holds:  # this process was taken for dead, and what the call held released
                raise CallGivenUp
        tally.dispatched = True

    async def _unname(self, booking: Booking, tally: Tally) -> None:
        """Take a model's name that was a key out of the ledger: a crash would leave it there."""
        if booking.model is not None and tally.model is None:
            await self._store.write(lambda tx: calls.unname(tx, booking.id, booking.tool.owner))
            self._store.erase_remains()

    def _keeping(self, ask: Ask, booking: Booking) -> Keeping | None:
        """Give what keeps the answer, where the tool asked for that."""
        if ask.save_as is None or self._files is None or ask.method == b"HEAD":
            return None
        tool, provider = booking.tool, ask.provider.id
        return self._files.keeping(tool.owner, booking.id, tool.id, provider, ask.save_as)

    def _open(self, key: SealedKey) -> Secret:
        try:
            return self._vault.open(key)
        except KeyNeedsReentry as broken:
            raise KeyUnusable(str(broken)) from None

    def _scrubber(self, booking: Booking, secret: Secret) -> Scrubber:
        """Give what strikes the account's keys out of the answer, as they were at the booking."""
        return Scrubber(secret, self._kept_keys.settle(booking.tool.owner, booking.kept))

    async def _settle(self, booking: Booking, tally: Tally) -> None:
        """Write down what the call came to; if that fails, the tool has its answer all the same.

        What it holds then stays held until `settle_owed` succeeds, or this process ends.
        """
        at = self._clock()
        try:
            await self._store.write_soon(lambda tx: _close_books(tx, booking, tally, at))
            self._erase_unless_named(booking, tally)
        except StoreUnavailable as failure:
            _LOG.error("The end of %s could not be written down yet. %s", booking.id, failure)
            self._owed.append((booking, tally, at))

    def _erase_unless_named(self, booking: Booking, tally: Tally) -> None:
        if booking.model is not None and tally.model != booking.model:  # a key: `_check_words`
            self._store.erase_remains()

    async def settle_owed(self) -> None:
        """Write down the ends of calls that the database did not take when they came."""
        while self._owed:
            booking, tally, at = owed = self._owed.popleft()
            try:
                await self._store.write(partial(_close_books, booking=booking, tally=tally, at=at))
            except BaseException:
                self._owed.append(owed)  # behind the others: none is kept waiting by another's
                raise
            self._erase_unless_named(booking, tally)


def _check_words(ask: Ask, tally: Tally, scrubber: Scrubber) -> None:
    """Make sure that no key of the account stands where the tool's words go. None has left yet.

    A key without a form of its own is told by nothing else. As a model's name it would stay in the
    ledger: it is taken out again. Raises `CredentialInUrl` where one stands in the URL, and
    `sockets.CredentialInSubprotocol`.
    """
    is_in_url = any(map(scrubber.finds, escapes.layers(ask.target)))
    # Of a long path the model may be the key's beginning alone.
    if is_in_url or (tally.model is not None and scrubber.finds(tally.model.encode())):
        tally.model = None
    if is_in_url:
        raise CredentialInUrl
    if scrubber.finds(b"\0".join([name.encode() for name in ask.subprotocols])):
        raise sockets.CredentialInSubprotocol


def _check_told(tally: Tally, scrubber: Scrubber) -> None:
    """Take what the ledger keeps out of the answer's own words, unless a key stands there.

    Metering reads the answer before a key is struck out of it, and some providers send back as the
    model whatever they were asked for.
    """
    reading = tally.reading
    if reading is None:
        return
    if tally.model is None and (model := _fit(reading.model or "")):
        tally.model = None if scrubber.finds(model.encode()) else model
    if reading.resource is not None and not scrubber.finds(reading.resource.encode()):
        tally.resource = reading.resource


def _as_failure_of(failed: UpstreamFailure, tally: Tally) -> CallFailure:
    """Give how the tool is told that its provider failed; note whether anything had left."""
    tally.dispatched = tally.dispatched and failed.after_dispatch
    kind = UpstreamTooSlow if isinstance(failed, UpstreamTimedOut) else UpstreamFailed
    return kind(str(failed))


def _close_books(tx: Tx, booking: Booking, tally: Tally, at: int) -> None:
    tool, quote, admission = booking.tool, booking.quote, booking.admission
    owner = calls.end(
        tx,
        booking.id,
        tool.owner,
        outcome=tally.outcome,
        status=tally.status,
        model=tally.model,
        bytes_in=tally.bytes_in,
        bytes_out=tally.bytes_out,
        at=at,
    )
    if owner is None:
        # Somebody else has closed them: this process was taken for dead. What the call made at the
        # provider costs by the hour all the same; what it deleted there does so no more.
        owner = calls.whose(tx, booking.id, tool.owner)
        if owner is not None and tally.worked:
            _commit(tx, owner, booking, tally.resource, at)
        return
    provider = booking.key.provider
    verdict = tally.verdict(quote, admission)
    grown = isinstance(tally, Talk) and tally.slices is not None
    reservations.settle(
        tx,
        owner,
        booking.id,
        tool.id,
        provider,
        tally.model,
        admission,
        verdict,
        grown=grown,
        at=at,
    )
    if verdict.end is End.SETTLED and tally.worked:
        _commit(tx, owner, booking, tally.resource, at)
    elif quote.ends is not None and tally.answered in _GONE:
        # Another key may lead to another account there, in which it never was.
        commitments.end(tx, owner, provider, quote.ends, key=booking.key.id, at=at)


def _commit(tx: Tx, owner: Owner, booking: Booking, resource: str | None, at: int) -> None:
    """Begin or end what costs by the hour."""
    quote, provider = booking.quote, booking.key.provider
    if quote.ends is not None:
        commitments.end(tx, owner, provider, quote.ends, at=at)
    by_the_hour = hourly(quote, booking.admission.rates)
    if resource is not None and by_the_hour:
        tool, item = booking.tool.id, quote.model
        commitments.begin(
            tx,
            owner,
            Commitment(provider, resource, booking.id, tool, item, by_the_hour, at, at + HOUR),
        )


def _request_of(ask: Ask, intake: Intake) -> Request:
    path, _, query = ask.target.decode("ascii").partition("?")
    headers = dict(ask.headers)
    if ask.opens_socket:
        headers[b"upgrade"] = b"websocket"
    return Request(
        ask.provider.id,
        ask.method.decode("ascii"),
        path,
        query,
        headers.get(b"content-type", b"").decode("latin-1").lower(),
        headers,
        intake.whole,
    )


def _body_of(
    intake: Intake, booking: Booking, tally: Tally, hangup: Hangup, said: Said
) -> bytes | AsyncIterator[bytes] | None:
    """Give the body that goes out: whole, with what metering puts in; or as it comes."""
    tally.bytes_in = len(intake.first)
    body = intake.whole
    if body is None:
        return _noted(intake.as_it_comes(tally, hangup.start), said)
    said.hold(body)
    hangup.start()
    tally.bytes_in = len(body)
    quote = booking.quote
    edits = (*quote.edits, *quote.capping) if booking.admission.governed else quote.edits
    return (splice(body, edits) if edits else body) or None


async def _noted(pieces: AsyncIterator[bytes], said: Said) -> AsyncIterator[bytes]:
    async for piece in pieces:
        said.add(piece)
        yield piece


def _model_of(ask: Ask, quote: Quote, intake: Intake) -> str | None:
    """Give the model that a request names, or the item that it is priced by."""
    if quote.model is not None:
        return _fit(quote.model)
    if (named := model_in(ask.target)) is not None:
        return named
    return _model_in_body(intake.first, whole=intake.is_whole) if ask.has_body else None


def model_in(target: bytes) -> str | None:
    """Give the model that a path names, as Google's do."""
    found = _MODEL_IN_PATH.search(target)
    return found[1].decode() if found else None


def _model_in_body(body: bytes, *, whole: bool) -> str | None:
    """Give the model that a JSON body names; of a long one, its beginning is looked at."""
    if whole and len(body) <= _LARGEST_PEEKED:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        model = document.get("model") if isinstance(document, dict) else None
        return _fit(model) if isinstance(model, str) else None
    found = _MODEL_IN_JSON.search(body[:_LARGEST_PEEKED])
    return _fit(found[1].decode()) if found else None


def _fit(model: str) -> str | None:
    """Give a model's name as it may stand in the ledger: a token put there by mistake may not."""
    fits = _MODEL.fullmatch(model) and not request.carries_a_key(model.encode())
    return model if fits else None
