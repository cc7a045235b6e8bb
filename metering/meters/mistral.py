"""Mistral: what its models cost. https://docs.mistral.ai/inference/pricing.

Its streams say what they used without being asked, and it refuses what it doesn't know.
"""

from typing import Final

from metering.bounds import BY_REQUEST
from metering.meters.chats import PLAIN, Dialect, chat, completion, embedding
from metering.meters.sounds import transcription
from metering.operations import Operation, free, unpriced

_ID: Final = "mistral"
_CHAT: Final = Dialect(
    _ID,
    PLAIN | {"random_seed", "safe_prompt", "prompt_mode", "prediction"},
    # 3,025 for the largest image: https://docs.mistral.ai/capabilities/vision
    image_tokens=8_192,
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/v1/chat/completions", chat(_CHAT)),
    Operation("POST", "/v1/fim/completions", completion(_CHAT)),
    Operation("POST", "/v1/embeddings", embedding(_ID)),
    Operation("POST", "/v1/moderations", embedding(_ID)),
    Operation("POST", "/v1/audio/transcriptions", transcription(_ID)),
    Operation(
        "POST",
        "/v1/ocr",
        unpriced(
            "ocr", f"How many pages a document has isn't known before. To read it, {BY_REQUEST}."
        ),
    ),
    Operation("POST", "/v1/files", free("upload")),
    Operation("DELETE", "/v1/*", free("delete")),
)
