"""DeepSeek: what its models cost. https://api-docs.deepseek.com/quick_start/pricing.

Reasoning is within `max_tokens` there. The hours of the peak are bounded by taking the dearest of
the day.
"""

from typing import Final

from metering.meters.chats import PLAIN, Dialect, chat, completion
from metering.operations import Operation

_ID: Final = "deepseek"
_CHAT: Final = Dialect(_ID, PLAIN | {"thinking"}, asks_usage=True)

OPERATIONS: Final[tuple[Operation, ...]] = tuple(
    operation
    for base in ("", "/v1", "/beta")
    for operation in (
        Operation("POST", f"{base}/chat/completions", chat(_CHAT)),
        Operation("POST", f"{base}/completions", completion(_CHAT)),
    )
)
