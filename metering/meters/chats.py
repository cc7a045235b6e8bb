"""Chats, completions and embeddings, as OpenAI has them asked for and its imitators do.

A request is bounded only if each of its members is known to cost nothing but tokens: what a
provider adds to the form tomorrow is refused where a ceiling governs, until somebody has read what
it costs. https://developers.openai.com/api/reference/resources/chat
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    drawn,
    kind,
    named,
    objects,
    only,
    shown,
    text_tokens,
    whole,
)
from metering.meters.asking import Asked, Bid, asking
from metering.operations import Quoting
from metering.quotes import Edit

PLAIN: Final = frozenset(
    {
        "messages", "model", "max_tokens", "max_completion_tokens", "n", "stream",
        "stream_options", "stop", "temperature", "top_p", "top_k", "min_p", "seed",
        "frequency_penalty", "presence_penalty", "repetition_penalty", "logit_bias", "logprobs",
        "top_logprobs", "user", "metadata", "tools", "tool_choice", "parallel_tool_calls",
        "functions", "function_call", "response_format", "reasoning_effort",
    }
)  # fmt: skip
"""Members that cost nothing but what is counted here, wherever they are taken."""
_COMPLETING: Final = frozenset(
    {
        "prompt", "model", "max_tokens", "n", "best_of", "stream", "stream_options", "stop",
        "suffix", "echo", "temperature", "top_p", "top_k", "min_p", "seed", "frequency_penalty",
        "presence_penalty", "repetition_penalty", "logit_bias", "logprobs", "user",
        "random_seed", "min_tokens", "metadata",
    }
)  # fmt: skip
_EMBEDDING: Final = frozenset(
    {"input", "model", "dimensions", "encoding_format", "user", "output_dimension", "output_dtype"}
)
_TEXTS: Final = frozenset({"text", "refusal", "thinking", "reasoning", "reference"})
_POINTERS: Final[Mapping[str, Beyond]] = {
    "file": Beyond.MEDIA,
    "document_url": Beyond.MEDIA,
    "input_audio": Beyond.AUDIO,
    "video_url": Beyond.AUDIO,
}
_CLIENT_TOOLS: Final = frozenset({"function", "custom"})
"""Tools that the caller runs: they cost what their words do."""
_INCLUDE_USAGE: Final = (Edit(("stream_options", "include_usage"), value=True),)


def _standard(_: Json) -> str:
    return "standard"


def _as_it_is(ask: Ask, _: Asked) -> tuple[Ask, tuple[Edit, ...]]:
    return ask, ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider speaks the form."""

    provider: str
    members: frozenset[str] = PLAIN
    cap: str = "max_tokens"
    """The member that limits the output of a request which doesn't."""
    heeds_both: bool = False
    """`max_completion_tokens` limits it too. Who has never heard of that ignores it: DeepSeek gave
    76 tokens for 5 (github.com/earendil-works/pi/issues/8018)."""
    asks_usage: bool = False
    """Its streams say what they used only if they are asked to."""
    image_tokens: int | None = None
    """An image's tokens at most; None: that is not known, so it may fill the window."""
    tier: Callable[[Json], str | None] = _standard
    """Reads the service tier that a request may be charged under. Raises `Unbounded`."""
    amend: Callable[[Ask, Asked], tuple[Ask, tuple[Edit, ...]]] = _as_it_is
    """Puts in what only this provider charges, and what caps it. Raises `Unbounded`."""
    completion_cap: int | None = None
    """The tokens of a plain prompt's completion where none are named; None: as of a chat."""


def chat(dialect: Dialect) -> Quoting:
    """Quote a chat completion."""
    return asking(
        "chat",
        Form.OPENAI_CHAT,
        dialect.provider,
        partial(_chat, dialect),
        edits_of=usage_asked if dialect.asks_usage else _nothing,
    )


def completion(dialect: Dialect) -> Quoting:
    """Quote the completion of a plain prompt, or of several."""
    return asking(
        "completion",
        Form.OPENAI_COMPLETION,
        dialect.provider,
        partial(_completion, dialect),
        edits_of=usage_asked if dialect.asks_usage else _nothing,
    )


def embedding(provider: str) -> Quoting:
    """Quote embeddings of texts, or of lists of tokens."""
    return asking("embedding", Form.OPENAI_EMBEDDING, provider, partial(_embedding, provider))


def usage_asked(body: Json) -> tuple[Edit, ...]:
    """Give what makes a stream say what it used, where the caller hasn't asked for that."""
    if body.get("stream") is not True:
        return ()
    options = body.get("stream_options")
    asked = isinstance(options, dict) and options.get("include_usage") is True
    return () if asked else _INCLUDE_USAGE


def _nothing(_: Json) -> tuple[Edit, ...]:
    return ()


def _chat(dialect: Dialect, asked: Asked) -> Bid:
    body = asked.body
    plain(asked, dialect.members)
    model = named(body)
    for tool in objects(body.get("tools"), "tools"):
        client_tool(tool)
    _short_lived(body.get("prompt_cache_options"))
    tally = Tally(
        text_tokens(asked.raw)
        + again(body.get("tools"), body.get("functions"), body.get("response_format"))
    )
    for message in objects(body.get("messages"), "messages"):
        _count(message, tally, dialect)
    capping: tuple[Edit, ...] = ()
    output_cap = None
    limits = (whole(body, "max_tokens"), whole(body, "max_completion_tokens"))
    limit = max((number for number in limits if number is not None), default=None)
    if limit is None or (limits[0] is None and not dialect.heeds_both):
        limit = output_cap = limit or models.cap(dialect.provider, model)
        capping = (Edit((dialect.cap,), limit),)
    modalities = body.get("modalities")
    ask = Ask(
        dialect.provider,
        model,
        tally,
        # What was predicted and then not said is charged like what was said.
        output=limit * (whole(body, "n") or 1) + again(body.get("prediction")),
        speaks=isinstance(modalities, list) and "audio" in modalities,
        draws=isinstance(modalities, list) and "image" in modalities,
        tier=dialect.tier(body),
    )
    ask, more = dialect.amend(ask, asked)
    return Bid(ask, (*capping, *more), output_cap)


def _completion(dialect: Dialect, asked: Asked) -> Bid:
    body = asked.body
    plain(asked, _COMPLETING)
    model = named(body)
    answers = _prompts(body.get("prompt")) * max(
        whole(body, "n") or 1, whole(body, "best_of", 0) or 1
    )
    limit, output_cap = whole(body, "max_tokens", 0), None
    capping: tuple[Edit, ...] = ()
    if limit is None:
        limit = output_cap = dialect.completion_cap or models.cap(dialect.provider, model)
        capping = (Edit(("max_tokens",), limit),)
    ask = Ask(
        dialect.provider,
        model,
        Tally(text_tokens(asked.raw)),
        output=limit * answers,
        tier=dialect.tier(body),
    )
    ask, more = dialect.amend(ask, asked)
    return Bid(ask, (*capping, *more), output_cap)


def _embedding(provider: str, asked: Asked) -> Bid:
    plain(asked, _EMBEDDING)
    _prompts(asked.body.get("input"))
    # Of a list of tokens, each stands in the body with a comma.
    tally = Tally(text_tokens(asked.raw))
    return Bid(Ask(provider, named(asked.body), tally, output=0))


def plain(asked: Asked, members: frozenset[str]) -> None:
    """Refuse what may cost something that nobody here knows. Raises `Unbounded`."""
    if asked.request.query:
        raise Unbounded(
            f"keysteward does not know what {shown(asked.request.query)} after the path may cost. "
            f"Leave it out, or {BY_REQUEST}."
        )
    only(asked.body, members)


def client_tool(tool: Json) -> None:
    """Refuse a tool that the provider runs. Raises `Unbounded`."""
    if kind(tool) not in _CLIENT_TOOLS:
        raise Unbounded(
            f"The tool {shown(kind(tool))} runs at the provider, which charges its uses. Leave it "
            f"out, or {BY_REQUEST}."
        )


def _prompts(prompt: Any) -> int:
    """Count the prompts: texts, or lists of tokens."""
    if isinstance(prompt, str):
        return 1
    if isinstance(prompt, list) and prompt:
        if all(type(token) is int for token in prompt):
            return 1
        if all(isinstance(item, str) or _is_tokens(item) for item in prompt):
            return len(prompt)
    raise Unbounded("What is to be read is neither a text, nor tokens, nor a list of such.")


def _is_tokens(item: Any) -> bool:
    return isinstance(item, list) and all(type(token) is int for token in item)


def _count(message: Json, tally: Tally, dialect: Dialect) -> None:
    """Count what a message holds besides its text."""
    if message.get("audio") is not None:
        tally.point(Beyond.AUDIO)  # an answer that was spoken before, by its id
    content = message.get("content")
    if content is None or isinstance(content, str):
        return
    for part in objects(content, "content"):
        name = kind(part)
        _short_lived(part.get("prompt_cache_breakpoint"))
        if name == "image_url":
            tally.picture(dialect.image_tokens, drawn(part.get("image_url")))
        elif name in _POINTERS:
            tally.point(_POINTERS[name])
        elif name not in _TEXTS:
            raise Unbounded(
                f"keysteward does not know what a part of the type {shown(name)} may cost. Leave "
                f"it out, or {BY_REQUEST}."
            )


def _short_lived(cache: Any) -> None:
    """Refuse to keep a cache for longer than chats do: the list knows no price of that."""
    if isinstance(cache, dict) and cache.get("ttl") not in {None, "30m"}:
        raise Unbounded(f"A `ttl` of a cache that isn't 30m has no known price: {BY_REQUEST}.")
