"""One conversation over a websocket: messages pass both ways, each as it came, less the key.

Where a ceiling governs it, it holds money slice by slice, before it goes on: `broker.slices`.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final

from broker import calls, decoding, provider_errors, request, reservations
from broker.echoes import Said
from broker.errors import (
    CallCut,
    CallFailure,
    CallGivenUp,
    CeilingRefused,
    ClientGone,
    RequestRefused,
    UpstreamFailed,
)
from broker.line import Line
from broker.live import Scope
from broker.outcome import Outcome
from broker.passing import about
from broker.request import Ask, Headers
from broker.scrub import Scrubber
from broker.slices import Slices
from broker.socket_out import Declined, Farewell, Message, SocketOut
from broker.talk import SWITCHED, Talk
from metering import Quote, Request
from metering.meters import catalogue
from providers import Provider
from store import Owner, StoreUnavailable, Tx

HoldMore = Callable[[int, int], Awaitable[None]]
"""Holds so many nano-dollars more than so many. Raises `CallFailure` where that can't be."""

CREDENTIAL: Final = "openai-insecure-api-key."
"""A subprotocol that carries a token, for browsers, which can't set a header. The form is OpenAI's
(developers.openai.com/api/docs/guides/realtime-websocket); here it is good for every provider."""

_LONGEST_REASON: Final = 115
"""Bytes. A longer one may have been cut to fit its frame, which holds 123, and a key with it."""
_MOST_PROTOCOLS: Final = 16
_PROTOCOL: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_UNTIMED: Final = (
    "keysteward knows no price of a conversation at this path. Set one by the REQUEST for `*` with "
    "setPrice, or take the ceiling away."
)
_PASSES: Final = frozenset(
    {
        b"content-type",
        b"request-id",
        b"retry-after",
        b"retry-after-ms",
        b"server-timing",
        b"x-request-id",
        b"x-should-retry",
    }
)
"""Of a handshake's answer. The rest belongs to its connection."""


class CredentialInSubprotocol(RequestRefused):
    """A credential stands in one of the subprotocols that a websocket's handshake offers."""

    def __init__(self) -> None:
        super().__init__(
            "A credential stands in a subprotocol. Send the tool token in the provider's own "
            f"header, or behind {CREDENTIAL}; a real key that stood there should be rotated."
        )


def check(
    provider: Provider,
    path: bytes,
    query: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    subprotocols: Iterable[str],
) -> Ask:
    """Check a websocket's handshake as `request.check` does every request; raises the same."""
    offered, given = [], []
    for name in subprotocols:
        if name.startswith(CREDENTIAL):
            token = name.removeprefix(CREDENTIAL).encode("latin-1", "replace")
            given.append(provider.slots[0].write(token))
        else:
            offered.append(name)
    if len(offered) > _MOST_PROTOCOLS or not all(map(_PROTOCOL.fullmatch, offered)):
        raise RequestRefused("The subprotocols must be a few names, as HTTP writes them.")
    if any(request.carries_a_key(name.encode()) for name in offered):
        raise CredentialInSubprotocol
    ask = request.check(provider, "GET", path, query, [*headers, *given], opens_socket=True)
    return replace(ask, subprotocols=tuple(offered))


def quote(asked: Request) -> Quote:
    """Work out what a conversation may come to.

    What a table says of a GET, such as that reading is free, is said of an answer: it counts here
    only where it speaks of seconds.
    """
    quoted = catalogue.quote(asked)
    if quoted.streams_seconds is not None or quoted.price is None:
        return quoted
    return Quote("conversation", quoted.model, why=_UNTIMED)


def farewell_of(failure: CallFailure) -> Farewell:
    """Give how a tool's socket is closed for a failure."""
    code = 1011 if failure.retry_after is None else 1013
    if isinstance(failure, CallCut):
        code = 4401
    elif isinstance(failure, CeilingRefused):
        code = 4402
    return Farewell(code, f"{failure.code}: {failure}")


def hold_more(  # noqa: PLR0917 - as `reservations.top_up`
    tx: Tx, owner: Owner, call: str, tool: str, provider: str, amount: int, *, held: int, at: int
) -> CallFailure | None:
    """Hold more dollars for a conversation that goes on; give why not, where that can't be.

    Raises `CallGivenUp` where its books are closed: whoever closed them took this process for dead,
    and nothing would ever settle what is held now. So it does where its account has just taken
    another id, with its ceilings, and this process has not heard.
    """
    refusal = reservations.top_up(tx, owner, call, tool, provider, amount, held=held, at=at)
    if refusal is None and not calls.grow(tx, call, owner, amount):
        raise CallGivenUp
    return refusal


class Conversation:
    """One conversation under way, and the tasks that carry it.

    Whoever made it carries what the provider says. What ends it from another side (the tool hangs
    up, a ceiling is reached) ends its scope, as a removal does.
    """

    def __init__(
        self,
        line: Line,
        talk: Talk,
        scope: Scope,
        hold_more: HoldMore,
        monotonic: Callable[[], float],
    ) -> None:
        self._line = line
        self._talk = talk
        self._scope = scope
        self._hold_more = hold_more
        self._monotonic = monotonic
        self._upstream: asyncio.Future[SocketOut] = asyncio.get_running_loop().create_future()
        """The provider's end, once it is open."""
        self._is_due = asyncio.Event()
        self._holding = asyncio.Lock()
        self._parting = Farewell(1001)
        """How the provider is left."""
        # From the beginning on: the tool may hang up before the provider has answered.
        self._tasks = [asyncio.create_task(self._carried(self._carry_to_provider))]

    async def decline(
        self, answer: Declined, call: str, provider: Provider, scrubber: Scrubber
    ) -> Farewell:
        """Pass on why a provider opened no websocket, as errors are: what it says is written anew.

        Raises `UpstreamFailed` for what can't be.
        """
        if answer.status < HTTPStatus.BAD_REQUEST:
            raise UpstreamFailed(
                "The provider opened no websocket there. Where it leads elsewhere, that is not "
                "followed: it could carry the key off."
            )
        talk, status = self._talk, answer.status
        came = decoding.whole(answer.headers, answer.body, provider_errors.LARGEST_READ + 1)
        body = provider_errors.rewritten(status, came, provider, Said(), scrubber)
        talk.answered = talk.status = status
        head = _head_of(answer.headers, call, provider, talk, scrubber)
        head = provider_errors.headers_of(status, head, Said(), scrubber)
        head.append(provider_errors.TYPE)
        await self._line.decline(answer.status, head, body)
        talk.passed(body)
        talk.outcome = Outcome.ANSWERED
        return Farewell(1000)

    async def carry(
        self, upstream: SocketOut, call: str, provider: Provider, scrubber: Scrubber
    ) -> Farewell:
        """Open the tool's socket, and carry messages until the provider closes; give how it did.

        Raises `ClientGone` when the tool does, what `hold_more` raises, and what `receive` does.
        """
        talk, line = self._talk, self._line
        talk.open(self._monotonic())
        self._upstream.set_result(upstream)
        head = _head_of(upstream.headers, call, provider, talk, scrubber)
        await line.accept(upstream.subprotocol, head)
        talk.status = SWITCHED
        if talk.slices is not None:
            self._tasks.append(asyncio.create_task(self._carried(partial(self._keep, talk.slices))))
        while isinstance(message := await upstream.receive(), Message):
            now = self._monotonic()
            talk.hear(message.data, now)
            if talk.slices is not None and talk.slices.is_due(now):
                self._is_due.set()
            data = scrubber.strike(message.data)
            if data is not message.data:
                message = message._replace(data=data)
            await line.send(message)
            talk.passed(message.data)
        talk.outcome = Outcome.ANSWERED
        reason = scrubber.strike(message.reason.encode())
        if len(reason) > _LONGEST_REASON:
            reason = scrubber.without_beginning(reason)
        return Farewell(message.code, reason.decode(errors="replace"))

    def stop(self) -> None:
        """Let go of the tasks, and of the provider: at once where the key may be gone."""
        if self._upstream.done():
            upstream = self._upstream.result()
            if isinstance(self._scope.ending, CallCut | CallGivenUp):
                upstream.abort()
            else:
                upstream.leave(self._parting)
        for task in self._tasks:
            task.cancel()

    async def _carried(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as failure:  # noqa: BLE001 - raised where the scope ends
            self._scope.end(failure)

    async def _carry_to_provider(self) -> None:
        """Carry what the tool says, each message once it is held what it may cost."""
        talk = self._talk
        while isinstance(message := await self._line.receive(), Message):
            upstream = await self._upstream
            talk.say(message)
            if talk.slices is not None and talk.slices.is_due(self._monotonic()):
                await self._hold(talk.slices)
            await upstream.send(message)
            talk.bytes_in += len(message.data)
        self._parting = message
        raise ClientGone

    async def _keep(self, slices: Slices) -> None:
        """Hold the next slice before it begins, and what was told as soon as it is."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(slices.left(self._monotonic())):
                    await self._is_due.wait()
            self._is_due.clear()
            await self._hold(slices)

    async def _hold(self, slices: Slices) -> None:
        """Hold what is lacking now: a slice that nobody holds must not begin.

        Raises what `hold_more` raises, and `StoreUnavailable` where that takes too long.
        """
        async with self._holding:
            slices.go_on(self._monotonic())
            lacking = slices.lacking
            if not lacking:
                return
            try:
                async with asyncio.timeout(slices.margin):
                    await self._hold_more(lacking, slices.held)
            except TimeoutError:
                raise StoreUnavailable("The database did not take the next slice.") from None
            slices.held += lacking
            self._talk.admission = self._talk.admission._replace(bound=slices.held)


def _head_of(
    given: Headers, call: str, provider: Provider, talk: Talk, scrubber: Scrubber
) -> Headers:
    """Give the headers of a handshake's answer: the provider's that may pass, and our own."""
    headers = [
        (name, value)
        for name, value in given
        if name in _PASSES or name.startswith(provider.headers)
    ]
    return scrubber.strike_headers(headers) + about(call, provider, talk.model, talk.admission)
