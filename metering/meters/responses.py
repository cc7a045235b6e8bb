"""Responses, OpenAI's newer form: turns and tools of its own behind one request.

What a request points to (earlier responses, conversations, files) is bounded by the model's window.
A tool that runs at OpenAI has the input read once more after each use, and results that may fill
the window: it is bounded where `max_tool_calls` bounds the uses.
https://developers.openai.com/api/reference/resources/responses
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from metering import models, prices
from metering.answers.forms import Form
from metering.answers.responses import CONTAINERS
from metering.bodies import Json
from metering.bounds import (
    BY_REQUEST,
    Ask,
    Beyond,
    Tally,
    Unbounded,
    again,
    drawn,
    kind,
    named,
    objects,
    shown,
    text_tokens,
    whole,
)
from metering.meters.asking import Asked, Bid, asking
from metering.meters.chats import plain
from metering.operations import Quoting
from metering.quotes import NANO, Edit

_MEMBERS: Final = frozenset(
    {
        "model", "input", "instructions", "max_output_tokens", "max_tool_calls", "metadata",
        "parallel_tool_calls", "prompt_cache_key", "prompt_cache_options",
        "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store",
        "stream", "stream_options", "temperature", "text", "tool_choice", "tools",
        "top_logprobs", "top_p", "truncation", "user", "include", "background",
        "background_options", "previous_response_id", "conversation", "image",
    }
)  # fmt: skip
_TEXTS: Final = frozenset(
    {"input_text", "output_text", "refusal", "summary_text", "reasoning_text", "text"}
)
_POINTERS: Final[Mapping[str, Beyond]] = {
    "input_file": Beyond.MEDIA,
    "input_audio": Beyond.AUDIO,
}
_WORDS: Final = frozenset(
    {
        "function_call", "custom_tool_call", "local_shell_call", "local_shell_call_output",
        "shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output",
        "mcp_list_tools", "mcp_call", "mcp_approval_request", "mcp_approval_response",
        "computer_call",
    }
)  # fmt: skip
"""Items whose words all stand in the body."""
_KEPT: Final = frozenset(
    {
        "item_reference", "file_search_call", "web_search_call", "code_interpreter_call",
        "image_generation_call", "compaction",
    }
)  # fmt: skip
"""Items of which the provider keeps more than the body shows."""
_WITH_OUTPUT: Final = frozenset({"function_call_output", "custom_tool_call_output"})
_CLIENT_TOOLS: Final = frozenset(
    {"function", "custom", "local_shell", "apply_patch", "computer", "computer_use_preview"}
)
_ENCRYPTED: Final = 4
"""Tokens for a byte of reasoning that is encrypted: it may have been compressed before."""

# https://developers.openai.com/api/docs/pricing#built-in-tools
_SEARCH: Final = 25 * NANO // 1_000
"""Of any search tool and model, the dearest: the preview with a model that doesn't reason."""
_FILE_SEARCH: Final = 5 * NANO // 2_000
_SESSIONS: Final = 3
"""Containers are paid by twenty minutes; nothing here lasts an hour."""


@dataclass(frozen=True, slots=True)
class Host:
    """Who answers in this form."""

    provider: str
    image_tokens: int | None = None
    tier: Callable[[Json], str | None] = lambda _: "standard"
    runs_tools: bool = False
    """Its own tools have known prices."""
    reading: Callable[[Asked], int] = lambda _: 1
    """By what the price of the input is multiplied."""
    amend: Callable[[Ask, Asked], Ask] = lambda ask, _: ask
    """Puts in what only this host charges. Raises `Unbounded`."""


def response(host: Host) -> Quoting:
    """Quote a response."""
    return asking("response", Form.OPENAI_RESPONSE, host.provider, partial(_response, host))


def _response(host: Host, asked: Asked) -> Bid:
    body = asked.body
    plain(asked, _MEMBERS)
    model = named(body)
    reasoning = body.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("mode") not in {None, "standard"}:
        raise Unbounded(
            f"How often the model runs in the mode {shown(str(reasoning['mode']))} is not known. "
            f"Leave `reasoning.mode` out, or {BY_REQUEST}."
        )
    tally = Tally(text_tokens(asked.raw) + again(body.get("tools"), body.get("text")))
    if body.get("previous_response_id") is not None or body.get("conversation") is not None:
        tally.point(Beyond.MEDIA)
    if not isinstance(body.get("input"), str):
        for item in objects(body.get("input"), "input"):
            _count(item, tally, host)
    turns, fees = _tools(body, host, tally)
    limit, output_cap = whole(body, "max_output_tokens"), None
    capping: tuple[Edit, ...] = ()
    if limit is None:
        limit = output_cap = models.cap(host.provider, model)
        capping = (Edit(("max_output_tokens",), limit),)
    ask = Ask(
        host.provider,
        model,
        tally,
        output=limit * turns,
        tier=host.tier(body),
        turns=turns,
        fees=fees,
        reading=host.reading(asked),
    )
    return Bid(host.amend(ask, asked), capping, output_cap)


def _count(item: Json, tally: Tally, host: Host) -> None:
    """Count what an item holds besides its text."""
    # A message may leave its type out, and so may a reference to an item that OpenAI keeps.
    name = kind(item, "message" if "role" in item else "item_reference")
    if name == "message":
        _parts(item.get("content"), tally, host)
    elif name in _WITH_OUTPUT:
        _parts(item.get("output"), tally, host)
    elif name == "computer_call_output":
        tally.picture(host.image_tokens)
    elif name == "reasoning":
        encrypted = item.get("encrypted_content")
        if isinstance(encrypted, str):
            tally.text += len(encrypted) * (_ENCRYPTED - 1)
        else:
            tally.point(Beyond.TEXT)
    elif name in _KEPT:
        tally.point(Beyond.MEDIA)
    elif name not in _WORDS:
        raise _unknown("an item", name)


def _parts(content: Any, tally: Tally, host: Host) -> None:
    if content is None or isinstance(content, str):
        return
    for part in objects(content, "content"):
        name = kind(part)
        if name == "input_image":
            tally.picture(host.image_tokens, drawn(part.get("image_url")))
        elif name in _POINTERS:
            tally.point(_POINTERS[name])
        elif name not in _TEXTS:
            raise _unknown("a part", name)


def _tools(body: Json, host: Host, tally: Tally) -> tuple[int, int]:
    """Say how often the model may read its input, and what the provider's tools cost besides."""
    uses = whole(body, "max_tool_calls", 0)
    dearest = fees = 0
    hosted = False
    for tool in _each(body.get("tools")):
        name = kind(tool)
        if name in _CLIENT_TOOLS or (name == "shell" and _is_local(tool)):
            continue
        if not host.runs_tools:
            raise _unknown("a tool", name)
        hosted = True
        if name.startswith("web_search"):
            listed = prices.dearest(host.provider, named(body))
            dearest = max(dearest, _SEARCH, (listed and listed.web_search) or 0)
        elif name == "file_search":
            dearest = max(dearest, _FILE_SEARCH)
        elif name == "code_interpreter":
            fees += _container(tool)
        else:
            raise _unknown("a tool", name)
    if not hosted:
        return 1, 0
    if uses is None:
        raise Unbounded(
            "The provider runs tools for this request as often as the model likes. Send "
            f"`max_tool_calls`, or {BY_REQUEST}."
        )
    tally.point(Beyond.MEDIA)
    return uses + 1, fees + uses * dearest


def _each(tools: Any) -> list[Json]:
    """Give the tools, those of namespaces among them."""
    found = []
    for tool in objects(tools, "tools"):
        if kind(tool) == "namespace":
            found += objects(tool.get("tools"), "tools")
        else:
            found.append(tool)
    return found


def _is_local(tool: Json) -> bool:
    environment = tool.get("environment")
    return isinstance(environment, dict) and environment.get("type") == "local"


def _container(tool: Json) -> int:
    """Give what the container of a code interpreter costs at most, in nano-dollars."""
    container = tool.get("container")
    limit = container.get("memory_limit") if isinstance(container, dict) else "64g"
    price = CONTAINERS.get(limit if isinstance(limit, str) else "1g")
    if price is None:
        raise Unbounded(f"There is no known price of a container of {shown(str(limit))}.")
    return price * _SESSIONS


def _unknown(what: str, name: str) -> Unbounded:
    return Unbounded(
        f"keysteward does not know what {what} of the type {shown(name)} may cost. Leave it out, "
        f"or {BY_REQUEST}."
    )
