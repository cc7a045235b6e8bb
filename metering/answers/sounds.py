"""Speech from text and text from speech, in OpenAI's form: by the token, or by the second.

https://developers.openai.com/api/reference/resources/audio
"""

from collections.abc import Mapping
from typing import Any, Final

from metering.answers.figures import Asked, Unreadable, count, text, tokens_used
from metering.answers.skim import Record, Wanted
from metering.answers.sums import Sum
from metering.prices import Tokens
from metering.quotes import Measure, Reading


class Speech:
    """The tally of speech that comes as events; as plain sound it tells nothing."""

    mark: Final = b'"usage"'
    sums: Final = b""
    early: Final = False
    wanted: Final[Mapping[str, Wanted]] = {"type": None, "usage": None}

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._sum = Sum()
        self._sum.model = asked.model

    def take(self, record: Record) -> bool:
        """Take the last event."""
        usage = record.get("usage")
        if text(record, "type") != "speech.audio.done" or not isinstance(usage, dict):
            return False
        try:
            # A model that speaks has one price of output, and it is that of sound.
            used = Tokens(input=count(usage, "input_tokens"), output=count(usage, "output_tokens"))
        except Unreadable:
            self._sum.give_up()
            return True
        self._sum.add(tokens_used(used), self._asked.cost(used, None))
        return True

    def reading(self, *, whole: bool) -> Reading | None:  # noqa: ARG002 - the end is told
        """Give what it came to."""
        return self._sum.reading()


class Transcriptions:
    """The tally of a transcription or a translation."""

    mark: Final = b'"usage"'
    sums: Final = b""
    early: Final = False
    wanted: Final[Mapping[str, Wanted]] = {
        "type": None,
        "model": None,
        "usage": None,
        "duration": None,
    }

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._sum = Sum()

    def take(self, record: Record) -> bool:
        """Take the last event, or the whole answer."""
        if text(record, "type") not in {None, "transcript.text.done", "transcription.done"}:
            return False
        usage = record.get("usage")
        if usage is None and record.get("duration") is not None:
            # `verbose_json` of models that are paid by the second, and of Groq's.
            usage = {"type": "duration", "seconds": record["duration"]}
        try:
            used = heard(usage)
        except Unreadable:
            self._sum.give_up()
            return True
        if used == Tokens():
            return False
        self._sum.model = self._asked.model_of(record.get("model"))
        self._sum.add(units_heard(used), self._asked.cost(used, record.get("model")))
        return True

    def reading(self, *, whole: bool) -> Reading | None:  # noqa: ARG002 - likewise
        """Give what it came to."""
        return self._sum.reading()


def heard(usage: Any) -> Tokens:
    """Read the usage of a transcription. Raises `Unreadable`."""
    seconds = max(
        count(usage, "seconds"),
        # https://docs.mistral.ai/api/endpoint/audio/transcriptions: tokens are told besides, and
        # only the seconds are paid.
        count(usage, "prompt_audio_seconds"),
    )
    if seconds:
        return Tokens(audio_seconds=seconds)
    written = count(usage, "input_token_details", "text_tokens")
    asked = count(usage, "input_tokens")
    return Tokens(
        input=asked,
        # Where it doesn't say which they are, they are taken for the dearer kind.
        input_audio=max(0, asked - written),
        output=count(usage, "output_tokens"),
    )


def units_heard(used: Tokens) -> dict[Measure, int]:
    """Give the units of a transcription that an owner's own price may count."""
    return {Measure.SECOND: used.audio_seconds} if used.audio_seconds else tokens_used(used)
