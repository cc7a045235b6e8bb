"""Conversations over OpenAI's realtime websocket: each response and transcription is told.

https://developers.openai.com/api/reference/resources/realtime
"""

from collections.abc import Mapping
from typing import Any, Final

from metering.answers.figures import Asked, Unreadable, count, part, text, tokens_used
from metering.answers.skim import Record, Wanted
from metering.answers.sounds import heard, units_heard
from metering.answers.sums import Sum
from metering.prices import Tokens
from metering.quotes import Reading

_TRANSCRIBED: Final = "conversation.item.input_audio_transcription."


class Conversation:
    """The tally of one conversation."""

    mark: Final = b'"type"'
    """Every event: what has begun must be known as well as what has ended."""
    sums: Final = b""
    early: Final = True
    wanted: Final[Mapping[str, Wanted]] = {
        "type": None,
        "usage": None,
        "response": {"usage": None},
        "session": {
            "model": None,
            "input_audio_transcription": {"model": None},
            "audio": {"input": {"transcription": {"model": None}}},
        },
    }

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._sum = Sum()
        self._sum.model = asked.model
        self._writer: str | None = None
        """The model that writes down what is heard, where one is set."""
        self._speaking = 0
        self._writing = 0

    def take(self, record: Record) -> bool:
        """Take an event."""
        kind = text(record, "type") or ""
        if kind in {"session.created", "session.updated"}:
            self._set_up(record.get("session"))
        elif kind == "response.created":
            self._speaking += 1
        elif kind == "response.done":
            self._speaking -= 1
            return self._spoken(part(record, "response", "usage"))
        elif kind == "input_audio_buffer.committed":
            self._writing += self._writer is not None
        elif kind.startswith(_TRANSCRIBED):
            return self._written(kind.removeprefix(_TRANSCRIBED), record.get("usage"))
        return False

    def reading(self, *, whole: bool) -> Reading | None:  # noqa: ARG002 - each end is told
        """Give the sum so far; None while something is under way that has not told its usage."""
        if self._speaking > 0 or self._writing > 0:
            return None
        return self._sum.reading()

    def _set_up(self, session: Any) -> None:
        self._sum.model = self._asked.model_of(part(session, "model"))
        for path in (("input_audio_transcription",), ("audio", "input", "transcription")):
            self._writer = text(session, *path, "model") or self._writer
        # To be connected costs nothing.
        self._sum.add(tokens_used(Tokens()), 0)

    def _spoken(self, usage: Any) -> bool:
        if usage is None:
            # One that was called off before it began.
            return False
        try:
            used = _tokens(usage)
        except Unreadable:
            self._sum.give_up()
            return True
        self._sum.add(tokens_used(used), self._asked.cost(used, self._sum.model))
        return True

    def _written(self, how: str, usage: Any) -> bool:
        if how not in {"completed", "failed"}:
            return False
        self._writing -= 1
        try:
            used = heard(usage)
        except Unreadable:
            self._sum.give_up()
            return True
        if used == Tokens():
            return False
        # Paid at the price of the model that wrote it down, not of the one that speaks.
        cost = None if self._writer is None else self._asked.cost(used, self._writer)
        self._sum.add(units_heard(used), cost)
        return True


def _tokens(usage: Any) -> Tokens:
    """Read the usage of one response. Raises `Unreadable`."""
    into, out = part(usage, "input_token_details"), part(usage, "output_token_details")
    asked, said = count(usage, "input_tokens"), count(usage, "output_tokens")
    seen = count(into, "image_tokens")
    return Tokens(
        input=asked,
        # What isn't said to be text is taken for sound, the dearer kind.
        input_audio=max(0, asked - count(into, "text_tokens") - seen),
        input_image=seen,
        cache_read=count(into, "cached_tokens"),
        cache_read_audio=count(into, "cached_tokens_details", "audio_tokens"),
        cache_read_image=count(into, "cached_tokens_details", "image_tokens"),
        output=said,
        output_audio=max(0, said - count(out, "text_tokens")),
    )
