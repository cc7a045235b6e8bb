"""OpenAI's operations that are no text: pictures, voices, transcripts; and the moderation."""

import base64
import io
import re
import wave
from collections.abc import Mapping
from typing import Any, Final

from keysteward.demo.fake_wire import (
    BORN,
    TYPE_SSE,
    Asked,
    Headers,
    Kind,
    Prose,
    Received,
    Refused,
    Reply,
    Trouble,
    Used,
    limit_of,
    read,
    sse,
    text_of,
    tokens_in,
)

_IMAGE_TOKENS: Final = {
    "low": (272, 408, 400),
    "medium": (1056, 1584, 1568),
    "high": (4160, 6240, 6208),
}
"""By quality: square, portrait, landscape. See the section on costs in OpenAI's guide to images."""
_SIZES: Final = ("1024x1024", "1024x1536", "1536x1024")
_BY_THE_TOKEN: Final = ("gpt-image-", "gpt-4o-")
"""How models are named that are charged by tokens, not by pictures, characters or seconds."""
_PIECE: Final = b"\xff\xfb\x90\x00" + bytes(60)
_PIECES: Final = 8
# A voice says some 15 characters a second, in 20 tokens of sound; who listens counts 10.
_CHARACTERS, _VOICE_TOKENS, _HEARD_TOKENS = 15, 20, 10
_BYTES_A_SECOND: Final = 16_000
"""Of a sound in a form that this module can't read: 128 kbit/s."""
_BOUNDARY: Final = re.compile(rb'boundary="?([^";]+)"?', re.IGNORECASE)
_FIELD: Final = re.compile(rb'name="([^"]*)"', re.IGNORECASE)


def read_images(call: Received) -> Asked:
    """Understand the order of one or more pictures. Raises `Refused`."""
    payload = read(call.body)
    model, prompt = text_of(payload, "model"), text_of(payload, "prompt")
    size, quality = payload.get("size", _SIZES[0]), payload.get("quality", "high")
    items = limit_of(payload, "n") or 1
    by_token = model.startswith(_BY_THE_TOKEN)
    # `auto`, and whatever else it does not know, gets the best.
    sizes = _IMAGE_TOKENS.get(quality, _IMAGE_TOKENS["high"])
    tokens = dict(zip(_SIZES, sizes, strict=True)).get(size, max(sizes))
    return Asked(
        Kind.IMAGE,
        model,
        items=items,
        prompt_tokens=tokens_in(prompt) if by_token else 0,
        output=items * tokens if by_token else 0,
        units=0 if by_token else items,
        details=(("quality", quality), ("size", size)),
    )


def images(asked: Asked, used: Used | None) -> dict[str, Any]:
    """Give the pictures; their usage where they are charged by it."""
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode()
    body: dict[str, Any] = {"created": BORN, "data": [{"b64_json": picture}] * asked.items}
    if asked.units:
        return body
    body |= {"background": "opaque", "output_format": "png", **dict(asked.details)}
    if used is not None:
        body["usage"] = {
            "input_tokens": used.input,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": used.input},
            "output_tokens": used.output,
            "total_tokens": used.input + used.output,
        }
    return body


def read_speech(call: Received) -> Asked:
    """Understand a text that is to be spoken; `Asked.option` is its stream of events. Raises."""
    payload = read(call.body)
    model, text = text_of(payload, "model"), text_of(payload, "input")
    text_of(payload, "voice")
    by_token = model.startswith(_BY_THE_TOKEN)
    return Asked(
        Kind.SPEECH,
        model,
        stream=True,
        prompt_tokens=tokens_in(text) if by_token else 0,
        output=-(-len(text) * _VOICE_TOKENS // _CHARACTERS) if by_token else 0,
        units=0 if by_token else len(text),
        option=payload.get("stream_format") == "sse",
    )


def speech(asked: Asked, said: Prose, used: Used | None, headers: Headers) -> Reply:
    """Give the voice, in pieces; as many as a chat has tokens."""
    pieces = [_PIECE] * max(1, len(said.tokens))
    if not asked.option:
        return Reply(200, ((b"content-type", b"audio/mpeg"), *headers), tuple(pieces), stream=True)
    shown = [
        {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
        for piece in pieces
    ]
    told = (
        {}
        if used is None
        else {
            "usage": {
                "input_tokens": used.input,
                "output_tokens": used.output,
                "total_tokens": used.input + used.output,
            }
        }
    )
    events = tuple(map(sse, [*shown, {"type": "speech.audio.done", **told}]))
    return Reply(200, (TYPE_SSE, *headers), events, stream=True)


def read_transcription(call: Received) -> Asked:
    """Understand a sound that is to be written down. Raises `Refused`."""
    fields = parts(call.headers, call.body)
    model, sound = fields.get(b"model", b"").decode(), fields.get(b"file")
    if not model or not sound:
        raise Refused(Trouble.MALFORMED, "Missing required parameter: 'model' or 'file'.")
    seconds = seconds_of(sound)
    by_token = model.startswith(_BY_THE_TOKEN)
    heard = _HEARD_TOKENS * seconds if by_token else 0
    return Asked(
        Kind.TRANSCRIPTION,
        model,
        prompt_tokens=heard,
        input_audio=heard,
        output=None if by_token else 0,
        units=0 if by_token else seconds,
    )


def transcription(asked: Asked, said: Prose, used: Used | None) -> dict[str, Any]:
    """Give what was heard."""
    if used is None:
        return {"text": said.text}
    if asked.units:
        return {"text": said.text, "usage": {"type": "duration", "seconds": used.units}}
    usage = {
        "type": "tokens",
        "input_tokens": used.input,
        "input_token_details": {
            "text_tokens": used.input - used.input_audio,
            "audio_tokens": used.input_audio,
        },
        "output_tokens": used.output,
        "total_tokens": used.input + used.output,
    }
    return {"text": said.text, "usage": usage}


def parts(headers: Mapping[bytes, bytes], body: bytes) -> dict[bytes, bytes]:
    """Read a form of several parts (RFC 7578) by the names of its fields."""
    boundary = _BOUNDARY.search(headers.get(b"content-type", b""))
    if boundary is None:
        raise Refused(Trouble.MALFORMED, "The body of your request is not a form.")
    fields = {}
    for part in body.split(b"--" + boundary[1]):
        head, _, content = part.partition(b"\r\n\r\n")
        if name := _FIELD.search(head):
            fields[name[1]] = content.removesuffix(b"\r\n")
    return fields


def seconds_of(sound: bytes) -> int:
    """Measure a sound; begun seconds count."""
    try:
        with wave.open(io.BytesIO(sound)) as opened:
            frames, rate = int(opened.getnframes()), int(opened.getframerate())
            return -(-frames // rate)
    except (wave.Error, EOFError):
        return -(-len(sound) // _BYTES_A_SECOND)


def read_moderation(call: Received) -> Asked:
    """Understand a text that is to be judged. Raises `Refused`."""
    payload = read(call.body)
    if not payload.get("input"):
        raise Refused(Trouble.MALFORMED, "Missing required parameter: 'input'.")
    return Asked(Kind.MODERATION, str(payload.get("model") or "omni-moderation-latest"))


def moderation(asked: Asked) -> dict[str, Any]:
    """Judge a text; all are harmless."""
    result = {
        "flagged": False,
        "categories": {"harassment": False, "violence": False},
        "category_scores": {"harassment": 0.001, "violence": 0.001},
        "category_applied_input_types": {"harassment": ["text"], "violence": ["text"]},
    }
    return {"id": "modr-madeup0001", "model": asked.model, "results": [result]}
