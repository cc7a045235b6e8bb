"""The work of a call: what is answered, what that uses, and what it costs."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from keysteward.demo import price_page
from keysteward.demo.fake_call import Mode
from keysteward.demo.fake_wire import (
    Asked,
    Kind,
    Prose,
    Received,
    Reply,
    Used,
    Wire,
    halved,
    overcharged,
    prose,
)

_WORKS_KEPT: Final = 256
_ANEW: Final = frozenset({Kind.READ, Kind.ACT, Kind.CHECK})
"""What is answered anew each time, since it tells of things that change."""
_NOT_BY_TEXT: Final = _ANEW | {Kind.TRANSCRIPTION}
"""What is not understood from its path and body alone: a form's parts need its headers."""
_LARGEST_REMEMBERED: Final = 16_384
_WRITTEN: Final = frozenset({Kind.CHAT, Kind.RESPONSE, Kind.TRANSCRIPTION})
"""What is answered with text."""
_NOTHING: Final = Used()


class Habits(NamedTuple):
    """How answers are, whatever was asked."""

    events: int
    """Tokens of a full answer, each an event of a stream."""
    size: int | None
    """Bytes of an answer's whole text."""
    thoughts: int
    """Tokens that a model thinks."""
    cached: int
    """Tokens of a prompt that are read from the cache."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a call is answered with, and what that costs in nano-dollars."""

    reply: Reply
    cost: int


class Workshop:
    """Does the work, and keeps what it may be asked for again: benchmarks ask the same for ever."""

    def __init__(self) -> None:
        self._understood: dict[tuple[object, ...], Asked] = {}
        self._works: dict[tuple[object, ...], Work] = {}

    def asked(self, wire: Wire, call: Received) -> Asked:
        """Understand a call, or remember how it was understood before. Raises `Refused`."""
        text = (wire, call.method, call.path, call.query, call.body)
        known = self._understood.get(text)
        if known is None:
            known = wire.asked(call)
            if known.kind not in _NOT_BY_TEXT and len(call.body) <= _LARGEST_REMEMBERED:
                if len(self._understood) >= _WORKS_KEPT:
                    self._understood.clear()
                self._understood[text] = known
        return known

    def done(  # noqa: PLR0917 - all that decides the answer
        self,
        provider: str,
        wire: Wire,
        asked: Asked,
        habits: Habits,
        credential: str,
        mode: Mode | None,
    ) -> Work:
        """Do the work of a call, or take what was done for another like it."""
        if mode is Mode.ECHO_KEY_IN_BODY:
            said = Prose(("Your key is ", credential, ", that is ", credential, "."), echo=True)
            work = _work(provider, wire, asked, habits, said, mode)
            pieces = halved(work.reply.pieces, credential.encode())
            return replace(work, reply=replace(work.reply, pieces=pieces))
        if asked.kind in _ANEW:
            return _work(provider, wire, asked, habits, Prose(()), mode)
        recipe = (wire, asked, habits, mode)
        known = self._works.get(recipe)
        if known is None:
            if len(self._works) >= _WORKS_KEPT:
                self._works.clear()
            said = _said(asked, habits)
            known = self._works[recipe] = _work(provider, wire, asked, habits, said, mode)
        return known


def _work(  # noqa: PLR0917 - likewise
    provider: str, wire: Wire, asked: Asked, habits: Habits, said: Prose, mode: Mode | None
) -> Work:
    used = _used(asked, said, habits)
    if mode is Mode.OVERCHARGE:
        used = overcharged(used, asked.limit)
    cost = price_page.cost(provider, asked.item, used) if used != _NOTHING else 0
    told = None if mode is Mode.USAGE_MISSING else used
    return Work(wire.reply(asked, said, told), cost)


def _said(asked: Asked, habits: Habits) -> Prose:
    """Write the text of an answer: what the limit leaves when the thoughts have been thought."""
    limit = asked.limit
    if limit is not None and habits.thoughts:
        limit = max(0, limit - habits.thoughts)
    return prose(habits.events, limit, habits.size)


def _used(asked: Asked, said: Prose, habits: Habits) -> Used:
    """Count what a call used."""
    if asked.kind in {Kind.MODELS, Kind.COUNT}:
        return _NOTHING
    written_out = asked.kind in _WRITTEN
    thoughts, output = 0, asked.output or 0
    if written_out and asked.output is None:
        most = habits.thoughts if asked.limit is None else asked.limit
        thoughts = asked.items * min(habits.thoughts, most)
        output = asked.items * len(said.tokens) + thoughts
    text = asked.prompt_tokens - asked.input_audio
    cached = min(habits.cached, text) if written_out else 0
    written = min(asked.written, text - cached)
    return Used(
        input=asked.prompt_tokens,
        cached=cached,
        written=written,
        written_hour=min(asked.written_hour, text - cached - written),
        input_audio=asked.input_audio,
        output=output,
        thoughts=thoughts,
        searches=asked.searches,
        units=asked.units,
    )
