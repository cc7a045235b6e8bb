"""ElevenLabs' wire format: voices speak, over HTTP and over a websocket, by the character."""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from keysteward.demo.fake_talk import Desk, Line
from keysteward.demo.fake_wire import (
    Asked,
    Kind,
    Prose,
    Received,
    Refused,
    Reply,
    Trouble,
    Used,
    read,
    text_of,
    whole,
)

_DEFAULT_MODEL: Final = "eleven_multilingual_v2"
MODELS: Final = (_DEFAULT_MODEL, "eleven_flash_v2_5")
_SPEECH: Final = re.compile(r"/v1/text-to-speech/(?P<voice>[^/]+)(?P<stream>/stream)?")
_TALK: Final = re.compile(r"/v1/text-to-speech/[^/]+/stream-input")
_VOICE: Final = {"voice_id": "21m00Tcm4TlvDq8ikWAM", "name": "Made up", "category": "premade"}
_FRAME: Final = b"\xff\xfb\x90\x00" + bytes(12)
"""Sound for one character."""
_PIECE: Final = 16
"""Characters whose sound is sent in one piece."""


class ElevenLabs:
    """`Asked.option` is not used."""

    request_id = b"request-id"

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read the key from its header."""
        return headers.get(b"xi-api-key") or None

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        match call.method, call.path:
            case "GET", "/v1/user":
                return Asked(Kind.CHECK, act="user")
            case "GET", "/v1/models":
                return Asked(Kind.READ, act="models")
            case "GET", "/v1/voices":
                return Asked(Kind.READ, act="voices")
        speech = _SPEECH.fullmatch(call.path)
        if call.method != "POST" or speech is None:
            raise Refused(Trouble.NO_SUCH_ROUTE, call.path)
        payload = read(call.body)
        text = text_of(payload, "text")
        return Asked(
            Kind.SPEECH,
            payload.get("model_id") or _DEFAULT_MODEL,
            stream=speech["stream"] is not None,
            units=len(text),
        )

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:
        """Answer a call; a header tells what a speech cost, in characters."""
        if asked.kind is Kind.SPEECH:
            told = () if used is None else ((b"character-cost", b"%d" % used.units),)
            headers = ((b"content-type", b"audio/mpeg"), *told, (b"history-item-id", b"made-up"))
            sound = prose.text.encode() if prose.echo else b""
            sound += _FRAME * asked.units
            size = _PIECE * len(_FRAME) if asked.stream else len(sound)
            pieces = tuple(sound[at : at + size] for at in range(0, len(sound), size))
            return Reply(200, headers, pieces, stream=asked.stream)
        shown: dict[str, Any] = {
            "models": {"models": [{"model_id": name, "name": name} for name in MODELS]},
            "voices": {"voices": [_VOICE]},
        }.get(asked.act, {"user_id": "made-up", "subscription": {"tier": "creator"}})
        return whole(shown)

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:  # noqa: ARG002
        """Answer with an error."""
        status, code, message = _ERRORS[trouble]
        wait = ((b"retry-after", b"7"),) if trouble is Trouble.RATE_LIMITED else ()
        detail = {"status": code, "message": message or about}
        return whole({"detail": detail}, *wait, status=status)

    def talks(self, call: Received) -> bool:
        """Tell whether a websocket may be opened there."""
        return _TALK.fullmatch(call.path) is not None

    async def talk(self, call: Received, line: Line, desk: Desk) -> None:
        """Speak what comes, until an empty text ends it. Raises `Left`."""
        query = dict(parse_qsl(call.query.decode("latin-1")))
        model = query.get("model_id", _DEFAULT_MODEL)
        while (text := (await line.hear()).get("text", "")) != "":
            said = text.strip()
            if not said:
                continue
            desk.used(model, Used(units=len(text)))
            if desk.breaks:
                return
            sound = base64.b64encode(_FRAME * len(text)).decode()
            await line.say({"audio": sound, "isFinal": None, "alignment": None})
        await line.say({"audio": None, "isFinal": True})
        await line.close()


_ERRORS: Final[dict[Trouble, tuple[int, str, str]]] = {
    Trouble.KEY_MISSING: (
        401,
        "needs_authorization",
        "Neither authorization header nor xi-api-key",
    ),
    Trouble.KEY_REJECTED: (401, "invalid_api_key", "Invalid API key"),
    Trouble.KEY_SCOPED: (401, "missing_permissions", "The API key lacks the permission user_read."),
    Trouble.MALFORMED: (422, "invalid_request", ""),
    Trouble.NO_SUCH_ROUTE: (404, "not_found", "Not Found"),
    Trouble.RATE_LIMITED: (429, "too_many_concurrent_requests", "Too many concurrent requests."),
    Trouble.OVERLOADED: (503, "system_busy", "Our services are experiencing high traffic."),
    Trouble.ERROR_500: (500, "internal_server_error", "Something went wrong."),
}
