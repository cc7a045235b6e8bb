"""Cohere: what its models cost. https://cohere.com/pricing.

Reasoning may be beside `max_tokens`: its own budget is added. What connectors bring is not bounded.
"""

from functools import partial
from typing import Any, Final

from metering import models
from metering.answers.forms import Form
from metering.bodies import Json
from metering.bounds import (
    BY_REQUEST,
    Ask,
    Beyond,
    Tally,
    Unbounded,
    again,
    kind,
    named,
    objects,
    only,
    shown,
    text_tokens,
    whole,
)
from metering.meters.asking import Asked, Bid, asking
from metering.operations import Operation, free, unpriced
from metering.quotes import Edit

_ID: Final = "cohere"
_COMMON: Final = frozenset(
    {
        "model", "tools", "documents", "response_format", "safety_mode", "max_tokens",
        "stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty", "k",
        "p", "logprobs", "stream", "raw_prompting", "tool_choice", "strict_tools",
    }
)  # fmt: skip
_SECOND: Final = _COMMON | {"messages", "citation_options", "thinking", "priority"}
_FIRST: Final = _COMMON | {
    "message", "chat_history", "preamble", "search_queries_only", "prompt_truncation",
    "citation_quality", "tool_results", "conversation_id", "max_input_tokens", "return_prompt",
    "force_single_step",
}  # fmt: skip
_EMBEDDING: Final = frozenset(
    {
        "model", "texts", "input_type", "embedding_types", "truncate", "max_tokens",
        "output_dimension",
    }
)  # fmt: skip
_TEXTS: Final = frozenset({"text", "document", "thinking"})
_IMAGE: Final = 8_192
"""Tokens of an image: twelve tiles and one of 256 at most, twice over.
https://docs.cohere.com/docs/image-inputs"""
_THOUGHTS: Final = 32_768
"""Tokens of reasoning where no budget is named: https://docs.cohere.com/docs/reasoning"""


def _chat(members: frozenset[str], asked: Asked) -> Bid:
    body = asked.body
    only(body, members)
    model = named(body)
    tally = Tally(text_tokens(asked.raw) + again(body.get("tools"), body.get("response_format")))
    if body.get("conversation_id") is not None:
        tally.point(Beyond.TEXT)
    for message in objects(body.get("messages"), "messages"):
        _count(message.get("content"), tally)
    limit, output_cap = whole(body, "max_tokens"), None
    capping: tuple[Edit, ...] = ()
    if limit is None:
        limit = output_cap = models.cap(_ID, model)
        capping = (Edit(("max_tokens",), limit),)
    ask = Ask(_ID, model, tally, output=limit, aside=_thoughts(body, model))
    return Bid(ask, capping, output_cap)


def _thoughts(body: Json, model: str) -> int:
    thinking = body.get("thinking")
    if isinstance(thinking, dict):
        if thinking.get("type") == "disabled":
            return 0
        return whole(thinking, "token_budget", 0) or _THOUGHTS
    return _THOUGHTS if "reasoning" in model else 0


def _count(content: Any, tally: Tally) -> None:
    if content is None or isinstance(content, str):
        return
    for part in objects(content, "content"):
        if kind(part) == "image_url":
            tally.picture(_IMAGE)
        elif kind(part) not in _TEXTS:
            raise Unbounded(
                f"keysteward does not know what a part of the type {shown(kind(part))} may cost. "
                f"Leave it out, or {BY_REQUEST}."
            )


def _embed(asked: Asked) -> Bid:
    only(asked.body, _EMBEDDING)
    return Bid(Ask(_ID, named(asked.body), Tally(text_tokens(asked.raw)), output=0))


_EMBED: Final = asking("embedding", Form.COHERE_EMBED, _ID, _embed)
_RERANK: Final = unpriced(
    "rerank", f"The list has no price of a search of documents. To rank them, {BY_REQUEST}."
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/v2/chat", asking("chat", Form.COHERE_CHAT, _ID, partial(_chat, _SECOND))),
    Operation("POST", "/v1/chat", asking("chat", Form.COHERE_CHAT, _ID, partial(_chat, _FIRST))),
    Operation("POST", "/v2/embed", _EMBED),
    Operation("POST", "/v1/embed", _EMBED),
    Operation("POST", "/v2/rerank", _RERANK),
    Operation("POST", "/v1/rerank", _RERANK),
    Operation("POST", "/v1/tokenize", free("count")),
    Operation("POST", "/v1/detokenize", free("count")),
    Operation("POST", "/v1/check-api-key", free("check")),
    Operation("DELETE", "/v1/*", free("delete")),
)
