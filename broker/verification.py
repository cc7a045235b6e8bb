"""Asks a provider, at no cost, whether a key is good."""

from collections.abc import Mapping
from typing import Final

from broker.credential import written
from broker.errors import CallCut, RemovalsUnheard
from broker.live import LiveCalls
from broker.outbound import Outbound, Response
from broker.upstream import Timeouts, Upstream, UpstreamFailure
from providers import Provider
from vault.errors import KeyGone
from vault.rows import KeyState
from vault.secret import Secret

_MOST_READ: Final = 16_384
_TIMEOUTS: Final = Timeouts(connect=5.0, first_byte=10.0, idle=10.0)
_PLAIN: Final = (
    (b"accept", b"application/json"),
    (b"accept-encoding", b"identity"),
    (b"user-agent", b"keysteward"),
)


class Verifier:
    """Makes each provider's cheapest call, from its row in the catalogue."""

    def __init__(
        self,
        outbound: Outbound,
        upstreams: Mapping[str, Upstream],
        live: LiveCalls,
        *,
        timeouts: Timeouts = _TIMEOUTS,
    ) -> None:
        self._outbound = outbound
        self._upstreams = upstreams
        self._live = live
        self._timeouts = timeouts

    async def of_stored(self, provider: Provider, secret: Secret, key: str) -> KeyState:
        """Give what the provider says of a key that is kept here; its removal cuts the question.

        Raises `KeyGone` when it was removed meanwhile.
        """
        try:
            with self._live.join(key=key):
                return await self.standing(provider, secret)
        except CallCut:
            raise KeyGone from None
        except RemovalsUnheard:
            return KeyState.UNVERIFIED

    async def standing(self, provider: Provider, secret: Secret) -> KeyState:
        """Give what the provider says of a key.

        Good: ACTIVE. No good: REJECTED. Good, but not for this (403): SCOPED; refusing such keys is
        a known mistake. No answer, too many requests, the provider's own fault: UNVERIFIED.
        """
        check = provider.check
        try:
            with written(provider.slots[0], secret) as credential:
                answer = await self._outbound.send(
                    self._upstreams[provider.id],
                    check.method.encode(),
                    check.path.encode(),
                    [*check.headers, credential, *_PLAIN],
                    check.body,
                    timeouts=self._timeouts,
                )
        except UpstreamFailure:
            return KeyState.UNVERIFIED
        state = await _judged(provider, answer)
        unsure = tuple(beginning.encode() for beginning in check.unsure_of)
        if state is KeyState.REJECTED and secret.reveal().startswith(unsure):
            return KeyState.UNVERIFIED
        return state


async def _judged(provider: Provider, answer: Response) -> KeyState:
    """Give what an answer means. It is read only where its words matter, and given up then."""
    answers = (
        (KeyState.SCOPED, provider.scoped_answers),
        (KeyState.REJECTED, provider.invalid_answers),
        (KeyState.ACTIVE, provider.valid_answers),
    )
    of_status = [
        (state, words)
        for state, each in answers
        for status, words in each
        if status == answer.status
    ]
    said = b""
    try:
        if any(words for _, words in of_status):
            said = _without_blanks(await _beginning(answer))
    finally:
        answer.abort()
    return next(
        (state for state, words in of_status if _without_blanks(words) in said),
        KeyState.UNVERIFIED,
    )


def _without_blanks(text: bytes) -> bytes:
    """Give JSON in one spelling, whoever wrote it."""
    return b"".join(text.split())


async def _beginning(answer: Response) -> bytes:
    """Give what an answer says, as far as it is looked at."""
    said = b""
    try:
        async for chunk in answer:
            said += chunk
            if len(said) >= _MOST_READ:
                break
    except UpstreamFailure:
        pass  # what came is what there is
    return said[:_MOST_READ]
