"""Passes an answer on as it comes: byte for byte, less the key should it stand in there.

Metering looks on. A short JSON answer is held until it is whole, so that its cost can stand in its
head; a stream never is.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from broker.errors import UpstreamFailed
from broker.money import shown
from broker.outbound import Response
from broker.outcome import Outcome
from broker.reservations import Admission
from broker.scrub import Scrubber
from broker.tally import Tally
from metering import Charge, Quote
from providers import Provider

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_REDIRECTS: Final = frozenset({301, 302, 303, 305, 307, 308})
_NO_BODY: Final = frozenset({204, 304})
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
    may_stream: bool
    """The answer may be of use before it is whole: nothing of it is held."""


async def pass_on(
    answer: Response, passage: Passage, tally: Tally, scrubber: Scrubber, send: Send
) -> None:
    """Pass an answer on. Raises `UpstreamFailed` for one that can't be, and what reading raises."""
    headers = _head_of(answer, passage.provider, scrubber)
    known = dict(headers)
    kind = known.get(b"content-type", b"").lower()
    tally.answered = answer.status
    tally.streams = kind.startswith(b"text/event-stream") and b"content-length" not in known
    if tally.worked and passage.quote.reader is not None:
        tally.reader = passage.quote.reader(kind.decode("latin-1"))
        if kind.startswith(b"text/event-stream"):
            # Of such a stream an event may be taken out that the tool had not asked for.
            headers = [(name, value) for name, value in headers if name != b"content-length"]
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


class _Pieces:
    """The answer's body, looked through by metering and by the scrubber."""

    __slots__ = ("_answer", "_scrubber", "_tally", "ended")

    def __init__(self, answer: Response, tally: Tally, scrubber: Scrubber) -> None:
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


def _head_of(answer: Response, provider: Provider, scrubber: Scrubber) -> Headers:
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
        if name in _RESPONSE_PASSES or name.startswith(provider.headers)
    ]
    if scrubber.finds(b"\0".join([value for _, value in headers])):
        headers = [(name, scrubber.strike(value)) for name, value in headers]
    if answer.status in _NO_BODY:
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
