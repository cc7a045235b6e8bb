"""Passes an answer on as it comes: byte for byte, less the key should it stand in there.

An error is read and written anew (`broker.provider_errors`), since it may repeat the request.
Metering looks on. A short JSON answer is held until it is whole, so that its cost can stand in its
head; a stream never is.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from broker import provider_errors
from broker.decoding import NO_BODY, UNINSPECTED, Answer
from broker.echoes import Said
from broker.errors import AnswerUninspectable, UpstreamFailed
from broker.money import shown
from broker.outbound import Headers
from broker.outcome import Outcome
from broker.reservations import Admission
from broker.scrub import Scrubber
from broker.tally import Tally
from broker.upstream import UpstreamFailure
from metering import Charge, Quote
from providers import Provider

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_REDIRECTS: Final = frozenset({301, 302, 303, 305, 307, 308})
_HIGHEST_STATUS: Final = 599
_MOST_HELD: Final = 262_144

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
        b"cf-ray",
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
class Passage:
    """One call, as far as its answer's way back needs to know it."""

    call: str
    provider: Provider
    quote: Quote
    admission: Admission
    said: Said
    """What was said to the provider: no error may repeat it."""
    has_body: bool
    """The answer has one: what answers HEAD has none."""
    may_stream: bool
    """The answer may be of use before it is whole: nothing of it is held."""
    uninspected: str | None = None
    """Why its body can't be looked through, where that is so."""
    inspected_only: bool = False
    """Such an answer is refused."""


async def pass_on(
    answer: Answer, passage: Passage, tally: Tally, scrubber: Scrubber, send: Send
) -> None:
    """Pass an answer on.

    Raises `UpstreamFailed` for one that can't be, `AnswerUninspectable`, and what reading raises.
    """
    headers = _head_of(answer, passage, scrubber)
    kind = dict(headers).get(b"content-type", b"").lower()
    tally.answered = answer.status
    if answer.status >= HTTPStatus.BAD_REQUEST:
        await _pass_error_on(answer, headers, passage, tally, scrubber, send)
        return
    passage.said.forget()
    if passage.uninspected is not None:
        headers = _marked(headers, passage.uninspected, refused=passage.inspected_only)
    else:
        headers = _read_along(headers, kind, passage.quote, tally)
    pieces = _Pieces(answer, tally, scrubber)
    held: list[bytes] = []
    if tally.reader is not None and not passage.may_stream and kind.startswith(b"application/json"):
        size = 0
        while size <= _MOST_HELD and (piece := await pieces.next()) is not None:
            held.append(piece)
            size += len(piece)
    quote, admission = passage.quote, passage.admission
    headers += about(
        passage.call,
        passage.provider,
        tally.model,
        admission,
        output_cap=quote.output_cap,
        charge=tally.charge(quote, admission) if pieces.ended or quote.firm else None,
    )
    tally.status = answer.status
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if held and not pieces.ended:
        await _give(send, tally, b"".join(held), more=True)
        held.clear()
    while not pieces.ended and (piece := await pieces.next()) is not None:
        if pieces.ended:
            held.append(piece)
        elif piece:
            await _give(send, tally, piece, more=True)
    await _give(send, tally, b"".join(held), more=False)
    tally.outcome = Outcome.CLIENT_GONE if tally.gone else Outcome.ANSWERED


def _marked(headers: Headers, uninspected: str, *, refused: bool) -> Headers:
    """Say of an answer that it is passed on as it came: nothing is read of it, or added to it."""
    if refused:
        raise AnswerUninspectable(uninspected)
    return [*headers, (UNINSPECTED, uninspected.encode("ascii"))]


def _read_along(headers: Headers, kind: bytes, quote: Quote, tally: Tally) -> Headers:
    """Have metering look at an answer as it passes; give the headers that are true of it then."""
    is_events = kind.startswith(b"text/event-stream")
    tally.streams = is_events and all(name != b"content-length" for name, _ in headers)
    if tally.worked and quote.reader is not None:
        tally.reader = quote.reader(kind.decode("latin-1"))
        if is_events:
            # Of such a stream an event may be taken out that the tool had not asked for.
            return [(name, value) for name, value in headers if name != b"content-length"]
    return headers


async def _pass_error_on(  # noqa: PLR0917 - a step of `pass_on`, with what that has gathered
    answer: Answer,
    headers: Headers,
    passage: Passage,
    tally: Tally,
    scrubber: Scrubber,
    send: Send,
) -> None:
    body = b""
    if passage.has_body:
        came = await _error_of(answer) if passage.uninspected is None else None
        body = provider_errors.rewritten(
            answer.status, came, passage.provider, passage.said, scrubber
        )
        headers += [provider_errors.TYPE, (b"content-length", b"%d" % len(body))]
    headers += about(
        passage.call,
        passage.provider,
        tally.model,
        passage.admission,
        output_cap=passage.quote.output_cap,
    )
    tally.status = answer.status
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await _give(send, tally, body, more=False)
    tally.outcome = Outcome.CLIENT_GONE if tally.gone else Outcome.ANSWERED


async def _error_of(answer: Answer) -> bytes | None:
    """Give an error's body, as far as it is looked at; None where it was broken off."""
    pieces = []
    size = 0
    try:
        async for piece in answer:
            pieces.append(piece)
            size += len(piece)
            if size > provider_errors.LARGEST_READ:
                break
    except UpstreamFailure:
        return None  # its status has come, which is what the tool most needs to know
    return b"".join(pieces)


class _Pieces:
    """The answer's body, looked through by metering and by the scrubber."""

    __slots__ = ("_answer", "_scrubber", "_tally", "ended")

    def __init__(self, answer: Answer, tally: Tally, scrubber: Scrubber) -> None:
        self._answer = answer
        self._tally = tally
        self._scrubber = scrubber
        self.ended = False

    async def next(self) -> bytes | None:
        """Give the next piece, which may be empty; the last sets `ended`. None: there is none."""
        if self.ended:
            return None
        reader = self._tally.reader
        try:
            chunk = await anext(self._answer)
        except StopAsyncIteration:
            chunk = b""
            self.ended = True
        if self._answer.taken:
            self.ended = True
        if reader is not None:
            chunk = reader.feed(chunk) if chunk else chunk
            if self.ended:
                chunk += reader.flush()
        out = self._scrubber.feed(chunk) if chunk else chunk
        return out + self._scrubber.flush() if self.ended else out


async def _give(send: Send, tally: Tally, body: bytes, *, more: bool) -> None:
    tally.giving_since = asyncio.get_running_loop().time()
    await send({"type": "http.response.body", "body": body, "more_body": more})
    tally.giving_since = None
    tally.passed(body)


def _head_of(answer: Answer, passage: Passage, scrubber: Scrubber) -> Headers:
    """Give the headers that may pass, the key struck out of them."""
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
        if name in _RESPONSE_PASSES or name.startswith(passage.provider.headers)
    ]
    headers = scrubber.strike_headers(headers)
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        headers = provider_errors.headers_of(answer.status, headers, passage.said, scrubber)
    if answer.status in NO_BODY:
        # Here it tells of the body that GET would have given (RFC 9110, section 8.6): none comes.
        headers = [(name, value) for name, value in headers if name != b"content-length"]
    return headers


def about(
    call: str,
    provider: Provider,
    model: str | None,
    admission: Admission,
    *,
    output_cap: int | None = None,
    charge: Charge | None = None,
) -> Headers:
    """Give what keysteward itself says of a call. A model never stands without its provider."""
    headers: Headers = [
        (b"keysteward-call", call.encode()),
        (b"keysteward-provider", provider.name.encode()),
    ]
    if model is not None:
        headers.append((b"keysteward-model", model.encode("ascii", "replace")))
    if admission.governed and output_cap is not None:
        headers.append((b"keysteward-output-cap", b"%d" % output_cap))
    if admission.bound is not None:
        headers.append((b"keysteward-bound", shown(admission.bound).encode()))
    if charge is not None:
        headers.append((b"keysteward-cost", shown(charge.amount).encode()))
    if admission.remaining is not None and admission.bound is not None:
        back = 0 if charge is None else max(0, admission.bound - charge.amount)
        headers.append((b"keysteward-remaining", shown(admission.remaining + back).encode()))
    return headers
