"""Anthropic: what its messages cost. https://platform.claude.com/docs/en/about-claude/pricing.

Thinking is within `max_tokens`, which the API demands. A tool that runs at Anthropic has the input
read once more after each use, and results that may fill the window; it is bounded where `max_uses`
bounds the uses.
"""

import re
from typing import Any, Final

from metering import prices
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
from metering.quotes import NANO

_ID: Final = "anthropic"
_MEMBERS: Final = frozenset(
    {
        "model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream",
        "temperature", "top_k", "top_p", "thinking", "tool_choice", "tools", "service_tier",
        "speed", "inference_geo", "output_config", "output_format", "cache_control", "diagnostics",
        "context_management",
    }
)  # fmt: skip
_QUERIES: Final = frozenset({"", "beta=true"})
_TEXTS: Final = frozenset(
    {"text", "tool_use", "server_tool_use", "search_result", "content", "tool_reference"}
)
_IMAGE: Final = 8_192
"""Tokens of an image; the page comes to 4,784 for the largest that any model sees.
https://platform.claude.com/docs/en/build-with-claude/vision"""
_ENCRYPTED: Final = 4
"""Tokens for a byte of thinking that is encrypted: it may have been compressed before."""
_OWN_TOOL: Final = 8_192
"""Tokens of the definition of a tool that is Anthropic's own; the page's largest has some 1,500."""
_OWN_CLIENT_TOOLS: Final = re.compile(
    r"(?:bash|text_editor|computer|memory|computer_toolset|browser_toolset)_20\d{6}"
)
_SEARCHES: Final = re.compile(r"web_search_20\d{6}")
_FETCHES: Final = re.compile(r"web_fetch_20\d{6}")
_LAST_DIRECT: Final = "20251231"
"""Later searches and fetches are called from code that the model writes, unless told otherwise."""
_MOST_TURNS: Final = 10
_SEARCH: Final = NANO // 100
"""$10 for a thousand searches; fetching costs nothing but tokens."""
_BEFORE_REGIONS: Final = re.compile(
    r"claude-(?:[123]|instant)|claude-(?:opus|sonnet)-4(?:-(?:0|1|5|20\d{6}))?(?:-|$|@)"
    r"|claude-haiku-4"
)
"""The models that run anywhere at one price."""


def _message(asked: Asked) -> Bid:
    body = asked.body
    if asked.request.query not in _QUERIES:
        raise Unbounded(
            f"keysteward does not know what {shown(asked.request.query)} after the path may cost. "
            f"Leave it out, or {BY_REQUEST}."
        )
    only(body, _MEMBERS)
    model = named(body)
    limit = whole(body, "max_tokens", 0)
    if limit is None:
        raise Unbounded("The request names no `max_tokens`, which Anthropic asks for.")
    thinking = body.get("thinking")
    budget = whole(thinking, "budget_tokens", 0) if isinstance(thinking, dict) else None
    if budget is not None and budget >= limit:
        # Between tools it may think beyond `max_tokens`, up to the window:
        # https://platform.claude.com/docs/en/build-with-claude/extended-thinking
        raise Unbounded("A `budget_tokens` that is not below `max_tokens` has no bound. Lower it.")
    for change in _changes(body):
        if not kind(change).startswith("clear_"):
            raise _unknown("a change of the context", kind(change))
    tally = Tally(text_tokens(asked.raw) + again(body.get("tools"), body.get("output_config")))
    _count(body.get("system"), tally)
    for message in objects(body.get("messages"), "messages"):
        _count(message.get("content"), tally)
    turns, fees = _tools(body, tally)
    ask = Ask(
        _ID,
        model,
        tally,
        output=limit * turns,
        tier=_speed(body),
        turns=turns,
        fees=fees,
        factor=_region(body, model),
        # Nothing is written to a cache unless the request says so.
        caches=b"cache_control" in asked.raw or b"\\u" in asked.raw,
    )
    return Bid(ask)


def _changes(body: Json) -> list[Json]:
    management = body.get("context_management")
    if management is None:
        return []
    if not isinstance(management, dict):
        raise Unbounded("`context_management` is not an object.")
    only(management, {"edits"})
    return objects(management.get("edits"), "edits")


def _speed(body: Json) -> str:
    speed = body.get("speed")
    if speed not in {None, "standard", "fast"}:
        raise _unknown("the speed", str(speed))
    if body.get("service_tier") not in {None, "auto", "standard_only"}:
        raise _unknown("the service tier", str(body["service_tier"]))
    # Of service tiers, `priority` is paid for beforehand and charged like the standard.
    return "fast" if speed == "fast" else "standard"


def _region(body: Json, model: str) -> tuple[int, int]:
    """Give what the region multiplies prices by: the workspace's own, where none is named."""
    region = body.get("inference_geo")
    if region not in {None, "us", "global"}:
        raise _unknown("the region", str(region))
    if region == "global" or _BEFORE_REGIONS.match(model):
        return 1, 1
    # https://platform.claude.com/docs/en/manage-claude/data-residency
    return 11, 10


def _count(content: Any, tally: Tally) -> None:
    """Count what blocks of content hold besides their text."""
    if content is None or isinstance(content, str):
        return
    for block in objects(content, "content"):
        name = kind(block)
        if name == "image":
            source = block.get("source")
            tally.picture(_IMAGE, source.get("data") if isinstance(source, dict) else None)
        elif name == "document":
            _document(block, tally)
        elif name in {"thinking", "redacted_thinking"}:
            tally.text += _sealed(block)
        elif name == "tool_result":
            _count(block.get("content"), tally)
        elif name.endswith("_tool_result"):
            # What a search found comes back encrypted.
            tally.point(Beyond.MEDIA)
        elif name not in _TEXTS:
            raise _unknown("a block", name)


def _sealed(block: Json) -> int:
    """Give the tokens of thinking that are not in the text shown of it, but in the signature."""
    sealed = (block.get("signature"), block.get("data"))
    return sum(len(part) * (_ENCRYPTED - 1) for part in sealed if isinstance(part, str))


def _document(block: Json, tally: Tally) -> None:
    source = block.get("source")
    if isinstance(source, dict) and kind(source) == "text":
        return
    if isinstance(source, dict) and kind(source) == "content":
        _count(source.get("content"), tally)
        return
    # A PDF's pages are read as text and as images; there may be many in a few bytes.
    tally.point(Beyond.MEDIA)


def _tools(body: Json, tally: Tally) -> tuple[int, int]:
    """Say how often the model may read its input, and what searches cost besides."""
    fees, hosted = 0, False
    for tool in objects(body.get("tools"), "tools"):
        name = kind(tool, "custom")
        if name == "custom":
            continue
        tally.text += _OWN_TOOL
        if _OWN_CLIENT_TOOLS.fullmatch(name):
            continue
        searches = _SEARCHES.fullmatch(name) is not None
        if not searches and _FETCHES.fullmatch(name) is None:
            raise _unknown("the tool", name)
        uses = whole(tool, "max_uses", 0)
        if uses is None:
            raise Unbounded(
                f"Anthropic runs the tool {shown(name)} as often as the model likes. Send its "
                f"`max_uses`, or {BY_REQUEST}."
            )
        if name[-8:] > _LAST_DIRECT and tool.get("allowed_callers") != ["direct"]:
            raise Unbounded(
                f"{shown(name)} has code run, and the model called again, as often as it likes. "
                'Send `"allowed_callers": ["direct"]`.'
            )
        tally.point(Beyond.MEDIA)
        hosted = True
        if searches:
            listed = prices.dearest(_ID, named(body), tier="standard")
            fees += uses * max(_SEARCH, (listed and listed.web_search) or 0)
    # A use too many is answered with an error, which the model reads; ten times it goes on at most:
    # https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools
    return (_MOST_TURNS if hosted else 1), fees


def _unknown(what: str, name: str) -> Unbounded:
    return Unbounded(
        f"keysteward does not know what {what} {shown(name)} may cost. Leave it out, or "
        f"{BY_REQUEST}."
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "POST",
        "/v1/messages",
        asking("message", Form.ANTHROPIC_MESSAGE, _ID, _message),
    ),
    # https://platform.claude.com/docs/en/build-with-claude/token-counting
    Operation("POST", "/v1/messages/count_tokens", free("count")),
    Operation(
        "POST",
        "/v1/messages/batches",
        unpriced(
            "batch",
            "What a batch costs is known when it is done, past every ceiling. Send its messages "
            f"one by one, or {BY_REQUEST}.",
        ),
    ),
    Operation("POST", "/v1/messages/batches/{batch}/cancel", free("cancel")),
    Operation("POST", "/v1/files", free("upload")),
    Operation("DELETE", "/v1/*", free("delete")),
)
