"""Together: what the models cost that it serves. https://www.together.ai/pricing."""

from typing import Final

from metering.meters.chats import PLAIN, Dialect, chat, completion, embedding
from metering.operations import Operation, free

_ID: Final = "together"
_CHAT: Final = Dialect(
    _ID,
    PLAIN | {"reasoning", "context_length_exceeded_behavior", "echo"},
    asks_usage=True,
    # 6,404 by https://docs.together.ai/docs/vision-overview; Qwen's models take more.
    image_tokens=16_384,
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/v1/chat/completions", chat(_CHAT)),
    Operation("POST", "/v1/completions", completion(_CHAT)),
    Operation("POST", "/v1/embeddings", embedding(_ID)),
    Operation("POST", "/v1/files*", free("upload")),
    Operation("DELETE", "/v1/*", free("delete")),
)
