"""Groq: what its models cost. https://groq.com/pricing.

Its streams say what they used without being asked. Tools that it runs itself, and the systems
called compound, are not bounded.
"""

from typing import Final

from metering.bodies import Json
from metering.bounds import BY_REQUEST, Unbounded, shown
from metering.meters.chats import PLAIN, Dialect, chat, embedding
from metering.meters.sounds import speech, transcription
from metering.operations import Operation, free

_ID: Final = "groq"
_TIERS: Final = frozenset({"auto", "on_demand", "flex"})


def _tier(body: Json) -> str:
    """Read the service tier: all but one cost the same. Raises `Unbounded`.

    https://console.groq.com/docs/service-tiers
    """
    asked = body.get("service_tier")
    if asked is not None and asked not in _TIERS:
        raise Unbounded(
            f"keysteward does not know what the service tier {shown(str(asked))} costs. Send "
            f"another, or {BY_REQUEST}."
        )
    return "standard"


_CHAT: Final = Dialect(
    _ID,
    PLAIN | {"include_reasoning", "reasoning_format", "disable_tool_validation", "service_tier"},
    cap="max_completion_tokens",
    heeds_both=True,
    # Of the models that see, Qwen's take the most: https://console.groq.com/docs/vision
    image_tokens=16_384,
    tier=_tier,
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/openai/v1/chat/completions", chat(_CHAT)),
    Operation("POST", "/openai/v1/embeddings", embedding(_ID)),
    Operation("POST", "/openai/v1/audio/speech", speech(_ID)),
    Operation("POST", "/openai/v1/audio/transcriptions", transcription(_ID)),
    Operation("POST", "/openai/v1/audio/translations", transcription(_ID, "translation")),
    Operation("POST", "/openai/v1/files", free("upload")),
    Operation("DELETE", "/openai/v1/*", free("delete")),
)
