"""OpenAI's responses, and those of its imitators. The event that ends a response tells its usage.

https://developers.openai.com/api/reference/resources/responses
"""

from collections.abc import Mapping
from typing import Any, Final

from metering.answers.figures import (
    Asked,
    Unreadable,
    count,
    elements,
    own_cost,
    part,
    text,
    tokens_used,
)
from metering.answers.skim import Each, Record, Wanted
from metering.answers.sums import Sum
from metering.prices import Tokens
from metering.quotes import NANO, Reading, Source

_RESPONSE: Final[Mapping[str, Wanted]] = {
    "model": None,
    "service_tier": None,
    "usage": None,
    "tool_usage": None,
    "output": Each({"type": None, "container_id": None, "environment": None}),
    "tools": Each({"container": None, "environment": None}),
    "created_at": None,
    "completed_at": None,
}
_ENDS: Final = frozenset(
    {
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.cancelled",
        # https://openrouter.ai/docs/api/reference/responses/basic-usage
        "response.done",
    }
)
_UNPAID_CALLS: Final = frozenset(
    {
        "apply_patch_call",
        "computer_call",
        "custom_tool_call",
        "function_call",
        "local_shell_call",
        "mcp_call",
        "tool_search_call",
    }
)
"""Calls of tools that OpenAI takes no fee for: https://developers.openai.com/api/docs/pricing"""
CONTAINERS: Final[Mapping[str, int]] = {
    "1g": 3 * NANO // 100,
    "4g": 12 * NANO // 100,
    "16g": 48 * NANO // 100,
    "64g": 192 * NANO // 100,
}
"""What a container with so much memory costs for twenty minutes, in nano-dollars:
https://developers.openai.com/api/docs/pricing#built-in-tools"""
_SESSION_SECONDS: Final = 1_200
_PAID_CALLS: Final = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "shell_call"}
)


class Responses:
    """The tally of one response, or of any number over a websocket."""

    mark: Final = b'"usage"'
    sums: Final = b""
    early: Final = False
    wanted: Final[Mapping[str, Wanted]] = {**_RESPONSE, "type": None, "response": _RESPONSE}

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._sum = Sum()

    def take(self, record: Record) -> bool:
        """Take an event, or a response that is the whole answer."""
        if "type" in record:
            response = part(record, "response") if text(record, "type") in _ENDS else None
        else:
            response = record
        usage = part(response, "usage")
        if not isinstance(usage, dict):
            return False
        answered = part(response, "model")
        self._sum.model = self._asked.model_of(answered)
        try:
            used = _tokens(usage, response)
            cost = own_cost(self._asked.provider, usage)
            rent = self._rent(response)
        except Unreadable:
            self._sum.give_up()
            return True
        if cost is not None:
            self._sum.add(tokens_used(used), cost, Source.PROVIDER)
            return True
        if rent is not None and _fees_are_known(response):
            cost = self._asked.cost(used, answered, part(response, "service_tier"))
            cost = None if cost is None else cost + rent
        self._sum.add(tokens_used(used), cost)
        return True

    def reading(self, *, whole: bool) -> Reading | None:  # noqa: ARG002 - each end is told
        """Give the sum of the responses that came to an end."""
        return self._sum.reading()

    def _rent(self, response: Any) -> int | None:
        """Give what the containers cost in which code ran, in nano-dollars."""
        _, containers = _calls(response)
        if not containers:
            return 0
        sizes = [
            text(place, "memory_limit") or "1g"
            for tool in elements(response, "tools")
            for place in (part(tool, "container"), part(tool, "environment"))
            if isinstance(place, dict)
        ]
        # One that was made before is named instead of described: its size is not known.
        if self._asked.provider != "openai" or not sizes or not all(map(CONTAINERS.get, sizes)):
            return None
        seconds = count(response, "completed_at") - count(response, "created_at")
        sessions = 1 + max(0, seconds) // _SESSION_SECONDS
        return len(containers) * sessions * max(CONTAINERS[size] for size in sizes)


def _tokens(usage: dict[str, Any], response: Any) -> Tokens:
    """Read a response's usage, and how often it called what is paid by the call.

    Raises `Unreadable`.
    """
    into = usage.get("input_tokens_details")
    asked = count(usage, "input_tokens")
    output = max(count(usage, "output_tokens"), count(usage, "total_tokens") - asked)
    # Twelve hours cost more than the usual; what they cost is for the list to say.
    long = count(into, "cache_write_tokens_details", "ttl_12h_tokens")
    kinds, _ = _calls(response)
    return Tokens(
        input=asked,
        # https://docs.perplexity.ai/docs/agent-api: the second name
        cache_read=max(count(into, "cached_tokens"), count(into, "cache_read_input_tokens")),
        cache_write=max(0, count(into, "cache_write_tokens") - long),
        cache_write_hour=long,
        output=output,
        reasoning=min(count(usage, "output_tokens_details", "reasoning_tokens"), output),
        # Opening a page that was found is a call too, but not a search that is paid.
        web_searches=count(response, "tool_usage", "web_search", "num_requests")
        if part(response, "tool_usage", "web_search") is not None
        else kinds.count("web_search_call"),
        file_searches=kinds.count("file_search_call"),
    )


def _calls(response: Any) -> tuple[list[str], set[str]]:
    """Give the kinds of the output's items, and the containers in which code ran."""
    items = elements(response, "output")
    containers = {
        str(part(item, "container_id") or part(item, "environment", "container_id"))
        for item in items
        if part(item, "type") == "code_interpreter_call"
        or part(item, "environment", "type") == "container_reference"
    }
    return [text(item, "type") or "" for item in items], containers


def _fees_are_known(response: Any) -> bool:
    """Tell whether every tool that was called is one whose fee, or lack of one, is known."""
    kinds, _ = _calls(response)
    return all(
        kind in _PAID_CALLS or kind in _UNPAID_CALLS for kind in kinds if kind.endswith("_call")
    )
