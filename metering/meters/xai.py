"""xAI: what Grok costs. https://docs.x.ai/developers/pricing.

Reasoning is within the cap: an answer that was cut off at 2,048 tokens had 1,187 of text and 860 of
reasoning (github.com/evalstate/fast-agent/pull/276). Searches have no cap, so they aren't bounded.
"""

from dataclasses import replace
from typing import Final

from metering.bodies import Json
from metering.bounds import BY_REQUEST, Ask, Unbounded, kind, objects, shown
from metering.meters.asking import Asked
from metering.meters.chats import Dialect, chat, embedding
from metering.meters.responses import Host, response
from metering.operations import Operation, free, unpriced
from metering.quotes import NANO, Edit

_ID: Final = "xai"
_VIOLATION: Final = 5 * NANO // 100
"""What a request costs that is refused for what it asks, and no answer tells:
https://docs.x.ai/developers/pricing#usage-guidelines-violation-fee"""


def _refuse(ask: Ask, messages: list[Json]) -> Ask:
    """Refuse what has agents or searches begin. Raises `Unbounded`.

    Of several agents each is paid; a file that is attached is searched, at $10 for a thousand times
    and the tokens of each turn. https://docs.x.ai/developers/pricing#tools-pricing
    """
    if "multi-agent" in ask.model.lower():
        raise Unbounded(
            f"How many agents {shown(ask.model)} has, and what each reads, is not bounded. Use "
            f"another model, or {BY_REQUEST}."
        )
    for message in messages:
        written = (message.get("content"), message.get("output"))
        parts = [part for content in written if isinstance(content, list) for part in content]
        files = [part for part in parts if isinstance(part, dict) and "file" in kind(part)]
        if files or message.get("attachments"):
            raise Unbounded(
                f"xAI searches a file as often as it likes. Send text, or {BY_REQUEST}."
            )
    return replace(ask, fees=ask.fees + _VIOLATION, refusal=_VIOLATION)


def _amend(ask: Ask, asked: Asked) -> tuple[Ask, tuple[Edit, ...]]:
    return _refuse(ask, objects(asked.body.get("messages"), "messages")), ()


def _amend_response(ask: Ask, asked: Asked) -> Ask:
    said = asked.body.get("input")
    return _refuse(ask, [] if isinstance(said, str) else objects(said, "input"))


# 1,792 for the largest image: https://docs.x.ai/docs/guides/image-understanding
_IMAGE: Final = 8_192
_CHAT: Final = Dialect(
    _ID,
    cap="max_completion_tokens",
    heeds_both=True,
    asks_usage=True,
    image_tokens=_IMAGE,
    amend=_amend,
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/v1/chat/completions", chat(_CHAT)),
    Operation("POST", "/v1/responses", response(Host(_ID, _IMAGE, amend=_amend_response))),
    Operation("POST", "/v1/embeddings", embedding(_ID)),
    Operation("POST", "/v1/tokenize-text", free("count")),
    Operation("DELETE", "/v1/*", free("delete")),
    Operation(
        "GET",
        "/v1/files/{file}/content",
        unpriced("download", f"xAI charges downloads by their size. To load a file, {BY_REQUEST}."),
    ),
)
