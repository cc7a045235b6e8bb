"""xAI: what Grok costs. https://docs.x.ai/developers/pricing.

Reasoning is within the cap: an answer that was cut off at 2,048 tokens had 1,187 of text and 860 of
reasoning (github.com/evalstate/fast-agent/pull/276). Searches have no cap, so they aren't bounded.
"""

from typing import Final

from metering.meters.chats import Dialect, chat, embedding
from metering.meters.responses import Host, response
from metering.operations import Operation, free

_ID: Final = "xai"
# 1,792 for the largest image: https://docs.x.ai/docs/guides/image-understanding
_IMAGE: Final = 8_192
_CHAT: Final = Dialect(_ID, cap="max_completion_tokens", asks_usage=True, image_tokens=_IMAGE)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/v1/chat/completions", chat(_CHAT)),
    Operation("POST", "/v1/responses", response(Host(_ID, _IMAGE))),
    Operation("POST", "/v1/embeddings", embedding(_ID)),
    Operation("POST", "/v1/tokenize-text", free("count")),
    Operation("DELETE", "/v1/*", free("delete")),
)
