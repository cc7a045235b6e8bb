"""ElevenLabs: speech by the character, what is heard by the second.

What its answers say of a call's cost stands in a header (`character-cost`); so the text itself is
counted, which is exact. Prices are the dearest that ElevenLabs has published for usage beyond a
plan: those of the plan Creator, $0.30 for a thousand credits. Its page of API prices asks a third
of that for the same (elevenlabs.io/pricing/api); an owner sets the price of the own plan.

A voice of the library whose maker asked for a rate of their own costs a multiple, which nothing in
a request shows: who uses one sets a price. What ElevenLabs makes up itself, or fetches, has none.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from metering.bodies import Json, Part, Unreadable
from metering.meters import fields
from metering.meters.json_answer import read_json
from metering.operations import Operation, Quoting, free, unpriced
from metering.quotes import READ, Measure, Quote, Reader, Reading, Request

_CREDIT: Final = 300_000
"""Nano-dollars."""
_SPEECH: Final = {
    # In half credits a character: help.elevenlabs.io, "How do I find the model ID".
    "eleven_multilingual_v2": 2,
    "eleven_multilingual_v1": 2,
    "eleven_monolingual_v1": 2,
    "eleven_v3": 2,
    "eleven_turbo_v2": 1,
    "eleven_turbo_v2_5": 1,
    "eleven_flash_v2": 1,
    "eleven_flash_v2_5": 1,
}
_HEARD_MINUTE: Final = 1000 * _CREDIT
"""Changing a voice, or isolating it: 1,000 credits a minute (help.elevenlabs.io)."""
_SOUND: Final = 120_000_000
_SOUND_SECOND: Final = 40 * _CREDIT
"""A sound effect costs $0.12, or 40 credits for each second that is asked for."""
_LONGEST_SOUND: Final = 30
_LONGEST_SONG: Final = 600
_TRANSCRIPT_HOUR: Final = 480_000_000
"""The dearest additional hour of Scribe, v1 and v2: $0.48."""
_TRANSCRIBERS: Final = frozenset({"scribe_v1", "scribe_v2"})
_LONGEST_HEARD: Final = 36_000
"""Seconds: a file to transcribe has ten hours at most (elevenlabs.io/docs, Speech to Text)."""
_ELSEWHERE: Final = frozenset({"source_url", "cloud_storage_url"})
_MOST_CHANNELS: Final = 5
_DESIGNS: Final = 3
"""Previews of a designed voice; its text may have 1,000 characters."""
_LONGEST_DESIGN: Final = 1000
_PCM: Final = "pcm_s16le_16"
_PCM_SECOND: Final = 32_000
"""Bytes of a second of 16-bit mono at 16 kHz, the one format whose length can't lie."""
_SURCHARGES: Final = {
    # In per cent of the transcript; from the SDK's own descriptions (elevenlabs 2.78).
    "transcript_edit": 30,
    "entity_detection": 30,
    "entity_redaction": 30,
    "keyterms": 20,
    "detect_speaker_roles": 10,
}
_LEAST_SECONDS: Final = 20
"""What is billed at least where many key terms or an edit are asked for."""


def _speech(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    sent = fields.json_object(request, query=True)
    text = fields.text_of(sent, "text") if sent is not None else None
    if sent is None or text is None:
        return _unread("speech", "its text")
    # What stands before and after is said not to be spoken, nor to be free.
    around = [fields.text_of(sent, name) or "" for name in ("previous_text", "next_text")]
    return _spoken(sent, [text, *around], "eleven_multilingual_v2")


def _dialogue(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    sent = fields.json_object(request, query=True)
    lines = sent.get("inputs") if sent is not None else None
    if sent is None or not isinstance(lines, list):
        return _unread("speech", "its text")
    texts = [fields.text_of(line, "text") if isinstance(line, dict) else None for line in lines]
    if not all(text is not None for text in texts):
        return _unread("speech", "its text")
    return _spoken(sent, [text or "" for text in texts], "eleven_v3")


def _spoken(sent: Json, texts: list[str], usual: str) -> Quote:
    # In UTF-16, as JavaScript counts, which is the most that a character can be taken for.
    count = sum(len(text.encode("utf-16-le", "surrogatepass")) // 2 for text in texts)
    model = sent.get("model_id") or usual
    half_credits = _SPEECH.get(model) if isinstance(model, str) else None
    if half_credits is None or sent.get("pronunciation_dictionary_locators"):
        return Quote(
            operation="speech",
            model=model if isinstance(model, str) else None,
            at_most={Measure.CHARACTER: count},
            why="keysteward has no list price for this model, or can't count what a dictionary "
            "puts into the text. Set a price by the CHARACTER for `speech` with setPrice.",
            firm=True,
        )
    return Quote(
        operation="speech",
        model=str(model),
        at_most={Measure.CHARACTER: count},
        price=-(-count * half_credits * _CREDIT // 2),
        firm=True,
    )


def _designed(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    """Quote previews of a voice, each of which speaks a text."""
    sent = fields.json_object(request, query=True)
    if sent is None:
        return _unread("voice-design", "its text")
    text = fields.text_of(sent, "text")
    count = _DESIGNS * max(_LONGEST_DESIGN, len(text or ""))
    return Quote(
        operation="voice-design",
        at_most={Measure.CHARACTER: count},
        price=count * _CREDIT,
        firm=True,
    )


def _sound(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    sent = fields.json_object(request, query=True)
    if sent is None:
        return _unread("sound", "its length")
    length = sent.get("duration_seconds")
    if length is None:
        return Quote(
            operation="sound", at_most={Measure.SECOND: _LONGEST_SOUND}, price=_SOUND, firm=True
        )
    is_length = isinstance(length, int | float) and not isinstance(length, bool)
    if not is_length or not 0 <= length <= _LONGEST_SOUND:
        return _unread("sound", "its length")
    seconds = math.ceil(length)
    return Quote(
        operation="sound",
        at_most={Measure.SECOND: seconds},
        price=max(_SOUND, seconds * _SOUND_SECOND),
        firm=True,
    )


def _song(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    sent = fields.json_object(request, query=True) or {}
    asked = None if "composition_plan" in sent else sent.get("music_length_ms")
    most = fields.whole_between(asked, 0, _LONGEST_SONG * 1000)
    seconds = _LONGEST_SONG if most is None else -(-most // 1000)
    return Quote(
        operation="music",
        at_most={Measure.SECOND: seconds},
        why="keysteward has no list price for music. Set one by the SECOND for `music` with "
        "setPrice.",
        firm=True,
    )


def _heard(operation: str, part: str) -> Quoting:
    """Quote what listens to an upload, of the one format whose length can't lie."""

    def quoted(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
        parts = fields.parts(request)
        seconds = _length(parts, part) if parts is not None else None
        if seconds is None:
            return Quote(
                operation=operation,
                why="How long this audio is, its bytes don't tell for sure. Send 16 kHz mono PCM "
                f"with file_format={_PCM}, or set a price by the REQUEST for `{operation}` with "
                "setPrice.",
            )
        return Quote(
            operation=operation,
            at_most={Measure.SECOND: seconds},
            price=-(-seconds * _HEARD_MINUTE // 60),
            firm=True,
        )

    return quoted


def _transcript(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    parts = fields.parts(request)
    model = _text(parts, "model_id") if parts is not None else None
    if parts is None or model is None:
        return _unread("transcription", "its model and its audio")
    seconds = None if parts.keys() & _ELSEWHERE else _length(parts, "file")
    if seconds is None:
        seconds = _LONGEST_HEARD
    is_mixed = "use_multi_channel" not in parts or _text(parts, "use_multi_channel") == "false"
    channels = 1 if is_mixed else _MOST_CHANNELS
    named = {name.removesuffix("[]") for name in parts}
    added = sum(percent for name, percent in _SURCHARGES.items() if name in named)
    least = _LEAST_SECONDS if added else 0
    most = max(seconds, least) * channels
    rate = _TRANSCRIPT_HOUR * (100 + added) if model in _TRANSCRIBERS else None
    return Quote(
        operation="transcription",
        model=model,
        at_most={Measure.SECOND: most},
        price=None if rate is None else _transcribed(most, rate),
        why=""
        if rate is not None
        else "keysteward has no list price for this model. Set one by "
        f"the SECOND for `{model}` with setPrice.",
        reader=_read_transcript(rate, least, channels),
    )


def _read_transcript(rate: int | None, least: int, channels: int) -> Callable[[str], Reader]:
    def told(answer: Mapping[str, Any]) -> Reading | None:
        several = answer.get("transcripts")
        # Where the channels were put together, how many there were is not told.
        heard = several if isinstance(several, list) else [answer] * channels
        seconds = 0
        for one in heard:
            length = one.get("audio_duration_secs") if isinstance(one, dict) else None
            if not isinstance(length, int | float) or not 0 <= length <= _LONGEST_HEARD:
                return None
            seconds += max(least, math.ceil(length))
        if not seconds:
            return None
        cost = None if rate is None else _transcribed(seconds, rate)
        return Reading({Measure.SECOND: seconds}, cost)

    return read_json(told)


def _transcribed(seconds: int, rate: int) -> int:
    return -(-seconds * rate // (3600 * 100))


def _length(parts: Mapping[str, list[Part]], name: str) -> int | None:
    """Give the seconds of an upload of raw samples; None for any other format."""
    files = parts.get(name, [])
    if len(files) != 1 or _text(parts, "file_format") != _PCM:
        return None
    return -(-len(files[0].data) // _PCM_SECOND)


def _text(parts: Mapping[str, list[Part]], name: str) -> str | None:
    """Give a field's text, if it stands there once."""
    found = parts.get(name, [])
    try:
        return found[0].text if len(found) == 1 else None
    except Unreadable:
        return None


def _unread(operation: str, what: str) -> Quote:
    return Quote(
        operation=operation,
        why=f"keysteward can't tell {what} from this request. Send it plainly, as the API's "
        f"reference has it, or set a price by the REQUEST for `{operation}` with setPrice.",
    )


def _reading(request: Request, places: Mapping[str, str]) -> Quote:
    """Quote a GET: free, unless it opens a socket, or mints what opens one."""
    path = unquote(request.path).lower()
    if _MINTS.fullmatch(path) is not None:
        return _TOKEN(request, places)
    if _SOCKETS.fullmatch(path) is not None:
        return _SOCKET
    return Quote(operation=READ, price=0, firm=True)


def _hidden(name: str, why: str) -> Quoting:
    return unpriced(name, f"{why} Set a price by the REQUEST for `{name}` with setPrice.")


_SOCKET: Final = Quote(
    operation="socket",
    why="What is said over a socket has no bound before it is said. Use the HTTP operations, or "
    "set a price by the REQUEST for `socket` with setPrice.",
)
_DUBBING: Final = _hidden(
    "dubbing", "How long the source of a dubbing is, the request doesn't tell."
)
_AGENT: Final = _hidden("agent", "What an agent says and hears has no bound.")
_TOKEN: Final = _hidden(
    "token", "With what this answers, anybody may go on past keysteward, at your cost."
)
_SOCKETS: Final = re.compile(r"/v1/(.*(stream-input|realtime|live)|convai/conversation)/?")
_MINTS: Final = re.compile(r"/v1/convai/conversation/(get[_-]signed[_-](url|link)|token)/?")
_SPOKEN_PATHS: Final = ("", "/stream", "/with-timestamps", "/stream/with-timestamps")

OPERATIONS: Final[tuple[Operation, ...]] = (
    *(Operation("POST", "/v1/text-to-speech/{voice}" + rest, _speech) for rest in _SPOKEN_PATHS),
    *(Operation("POST", "/v1/text-to-dialogue" + rest, _dialogue) for rest in _SPOKEN_PATHS),
    *(
        Operation("POST", path + rest, _heard("voice-change", "audio"))
        for path in ("/v1/speech-to-speech/{voice}", "/v1/voice-changer/{voice}")
        for rest in ("", "/stream")
    ),
    *(
        Operation("POST", "/v1/audio-isolation" + rest, _heard("isolation", "audio"))
        for rest in ("", "/stream")
    ),
    Operation("POST", "/v1/speech-to-text", _transcript),
    Operation("POST", "/v1/sound-generation", _sound),
    *(
        Operation("POST", "/v1/music" + rest, _song)
        for rest in ("", "/stream", "/detailed", "/detailed/stream")
    ),
    Operation("POST", "/v1/music/plan", free("music-plan")),
    *(
        Operation("POST", path, _designed)
        for path in (
            "/v1/text-to-voice/design",
            "/v1/text-to-voice/create-previews",
            "/v1/text-to-voice/{voice}/remix",
        )
    ),
    Operation("POST", "/v1/dubbing*", _DUBBING),
    Operation("POST", "/v1/convai/*", _AGENT),
    Operation("POST", "/v1/single-use-token/{kind}", _TOKEN),
    Operation("POST", "/v1/service-accounts/*", _TOKEN),
    *(
        Operation("POST", path, free("setup"))
        for path in (
            "/v1/text-to-voice",
            "/v1/voices/add",
            "/v1/voices/add/{user}/{voice}",
            "/v1/voices/{voice}/edit",
            "/v1/voices/{voice}/settings/edit",
            "/v1/similar-voices",
            "/v1/history/download",
            "/v1/pronunciation-dictionaries*",
        )
    ),
    Operation("PATCH", "/v1/pronunciation-dictionaries*", free("setup")),
    Operation("DELETE", "/v1/*", free("delete")),
    Operation("GET", "/*", _reading),
)
