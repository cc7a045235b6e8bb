"""Speech from text and text from speech, in OpenAI's form.

https://developers.openai.com/api/reference/resources/audio
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from metering import prices, sound
from metering.answers.forms import Form
from metering.answers.readers import reader
from metering.bodies import Json, Part, Unreadable, json_object, multipart
from metering.bounds import BY_REQUEST, OVERHEAD, Unbounded, named, only, shown, unlisted
from metering.operations import Quoting
from metering.prices import Tokens
from metering.quotes import Measure, Quote, Reader, Request

_SPEAKING: Final = frozenset(
    {"model", "input", "voice", "instructions", "response_format", "speed", "stream_format"}
    | {"sample_rate"}
)
_WRITING: Final = frozenset(
    {
        "file", "model", "language", "prompt", "response_format", "temperature", "stream",
        "timestamp_granularities", "timestamp_granularities[]", "include", "include[]",
        "chunking_strategy", "languages", "languages[]", "keywords", "keywords[]",
        "known_speaker_names", "known_speaker_names[]",
    }
)  # fmt: skip
_SPOKEN: Final = 16
"""Tokens of sound that a byte of text makes at most. At some 21 a second (the page gives $12 for a
million and $0.015 for a minute) that is three quarters of a second; slow speech has a tenth."""
_LONGEST: Final = 1_500
"""Seconds: a transcriber that is paid by the token takes no longer recording."""
_HEARD: Final = 16
"""Tokens of a second of sound at most, of which one documented is a tenth of a second long."""
_WRITTEN: Final = 16
"""Tokens of text for a second of sound at most; quick speech has about five."""
_MILLION: Final = 1_000_000


def speech(provider: str) -> Quoting:
    """Quote speech: by its characters, which are known before, else by tokens."""

    def quoting(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - none
        reading = reader(Form.OPENAI_SPEECH, provider=provider, model=None)
        model = None
        try:
            body = json_object(request.body, request.content_type)
            model = named(body)
            reading = reader(Form.OPENAI_SPEECH, provider=provider, model=model)
            only(body, _SPEAKING)
            text, told = _text(body, "input"), _text(body, "instructions")
            return _speech(provider, model, text, told)
        except (Unreadable, Unbounded) as refusal:
            return Quote("speech", model=model, why=str(refusal), reader=reading)

    return quoting


def transcription(provider: str, operation: str = "transcription") -> Quoting:
    """Quote the transcription or the translation of a recording that is sent with it."""

    def quoting(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - none
        model, reading = None, reader(Form.OPENAI_TRANSCRIPTION, provider=provider, model=None)
        try:
            # The lower case of `content_type` would spoil its boundary.
            kind = request.headers.get(b"content-type", b"").decode("latin-1")
            fields = _fields(multipart(request.body, kind))
            only(fields, _WRITING)
            model = _field(fields, "model").text
            reading = reader(Form.OPENAI_TRANSCRIPTION, provider=provider, model=model)
            recording = _field(fields, "file").data
            words = len(request.body or b"") - len(recording)
            return _transcription(
                operation, provider, model, recording, words=words, reading=reading
            )
        except (Unreadable, Unbounded) as refusal:
            return Quote(operation, model=model, why=str(refusal), reader=reading)

    return quoting


def _speech(provider: str, model: str, text: str, told: str) -> Quote:
    # Some count characters beyond the first plane twice.
    characters = len(text.encode("utf-16-le", "surrogatepass")) // 2
    spoken = len((text + told).encode("utf-8", "surrogatepass"))
    at_most = {
        Measure.CHARACTER: characters,
        Measure.INPUT_TOKEN: spoken + OVERHEAD,
        Measure.OUTPUT_TOKEN: spoken * _SPOKEN + OVERHEAD,
    }
    reading = reader(Form.OPENAI_SPEECH, provider=provider, model=model)
    dearest = prices.dearest(provider, model)
    price = None
    if dearest is not None and dearest.character is not None:
        price = -(-characters * dearest.character // _MILLION)
        return Quote("speech", model, at_most, price, firm=True, reader=reading)
    if dearest is not None and dearest.input is not None and dearest.output is not None:
        amount = (
            at_most[Measure.INPUT_TOKEN] * dearest.input
            + at_most[Measure.OUTPUT_TOKEN] * dearest.output
        )
        price = -(-amount // _MILLION)
    why = "" if price is not None else unlisted(model)
    return Quote("speech", model, at_most, price, why, reader=reading)


def _transcription(
    operation: str,
    provider: str,
    model: str,
    recording: memoryview,
    *,
    words: int,
    reading: Callable[[str], Reader],
) -> Quote:
    seconds = sound.most_seconds(recording)
    dearest = prices.dearest(provider, model)
    if dearest is None or (dearest.audio_hour is None and dearest.audio is None):
        at_most = {} if seconds is None else {Measure.SECOND: seconds}
        return Quote(operation, model, at_most, why=unlisted(model), reader=reading)
    if dearest.audio_hour is not None:
        if seconds is None:
            raise Unbounded(
                "The duration of this recording can't be bounded. Send it as a plain WAV, or "
                f"{BY_REQUEST}."
            )
        return Quote(
            operation,
            model,
            {Measure.SECOND: seconds},
            prices.cost(provider, model, Tokens(audio_seconds=seconds)),
            unlisted(model),
            reader=reading,
        )
    seconds = min(seconds or _LONGEST, _LONGEST)
    heard, written = seconds * _HEARD + words + OVERHEAD, seconds * _WRITTEN + OVERHEAD
    at_most = {
        Measure.SECOND: seconds,
        Measure.INPUT_TOKEN: heard,
        Measure.OUTPUT_TOKEN: written,
    }
    if dearest.audio is None or dearest.output is None:
        return Quote(operation, model, at_most, why=unlisted(model), reader=reading)
    price = -(-(heard * dearest.audio + written * dearest.output) // _MILLION)
    return Quote(operation, model, at_most, price, reader=reading)


def _fields(parts: Sequence[Part]) -> dict[str, Part]:
    fields: dict[str, Part] = {}
    for part in parts:
        if part.name in fields and not part.name.endswith("[]"):
            raise Unbounded(f"The form has the field {shown(part.name)} twice. Send it once.")
        fields[part.name] = part
    return fields


def _field(fields: Mapping[str, Part], name: str) -> Part:
    if name not in fields:
        raise Unbounded(f"The form has no field `{name}`.")
    return fields[name]


def _text(body: Json, name: str) -> str:
    text = body.get(name)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise Unbounded(f"The `{name}` is not a text.")
    return text
