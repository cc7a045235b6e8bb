"""Chats, completions of a prompt and embeddings, in OpenAI's form and that of all who imitate it.

A chunk's usage stands for the whole answer so far, so that of the last chunk counts.
https://developers.openai.com/api/reference/resources/chat
"""

from collections.abc import Mapping
from typing import Any, Final

from metering.answers.figures import Asked, Unreadable, count, elements, own_cost, part, tokens_used
from metering.answers.skim import Each, Record, Wanted
from metering.prices import Tokens
from metering.quotes import Reading, Source


class Chat:
    """The tally of such an answer."""

    mark: Final = b'"usage"'
    sums: Final = None
    early: Final = False
    wanted: Final[Mapping[str, Wanted]] = {
        "model": None,
        "service_tier": None,
        "usage": None,
        "x_groq": {"usage": None},
        "choices": Each({"finish_reason": None}),
        "error": {},
    }

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._told: Record = {}

    def take(self, record: Record) -> bool:
        """Take a chunk, or the whole answer."""
        if not usage_of(record):
            return False
        self._told = record
        return True

    def reading(self, *, whole: bool) -> Reading | None:
        """Give the usage of the last chunk that told it, unless others were to follow."""
        told, usage = self._told, usage_of(self._told)
        if not usage or not (whole or _is_last(told)):
            return None
        answered = told.get("model")
        try:
            used = _tokens(usage)
            cost = own_cost(self._asked.provider, usage)
        except Unreadable:
            return None
        if used == Tokens() and cost is None:
            return None
        units, model = tokens_used(used), self._asked.model_of(answered)
        if cost is not None:
            return Reading(units, cost, Source.PROVIDER, model)
        if self._asked.provider == "openai" and "search" in (model or "").lower():
            # Each search of a model that searches by itself has a fee, which no usage tells:
            # https://developers.openai.com/api/docs/pricing#built-in-tools
            return Reading(units, model=model)
        cost = self._asked.cost(used, answered, told.get("service_tier"))
        return Reading(units, cost, model=model)


def usage_of(chunk: Record) -> Mapping[str, Any]:
    """Give a chunk's usage; empty where it has none."""
    # Groq: https://console.groq.com/docs/api-reference#chat-create
    for usage in (chunk.get("usage"), part(chunk, "x_groq", "usage")):
        if isinstance(usage, dict):
            return usage
    return {}


def adds_nothing(chunk: Record) -> bool:
    """Tell whether a chunk is the one that `stream_options.include_usage` puts at the end."""
    return chunk.get("choices") == [] and bool(usage_of(chunk)) and "error" not in chunk


def _is_last(chunk: Record) -> bool:
    choices = elements(chunk, "choices")
    return not choices or any(part(choice, "finish_reason") is not None for choice in choices)


def _tokens(usage: Mapping[str, Any]) -> Tokens:
    """Read a chat's usage. Raises `Unreadable`."""
    into, out = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    asked, said = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    # Where reasoning is no part of `completion_tokens`, as with xAI and Gemini, it is of the total.
    output = max(said, count(usage, "total_tokens") - asked)
    heard = count(into, "audio_tokens")
    cached = max(
        count(into, "cached_tokens"),
        # https://api-docs.deepseek.com/guides/kv_cache
        count(usage, "prompt_cache_hit_tokens"),
        # https://docs.together.ai/reference/chat-completions
        count(usage, "cached_tokens"),
    )
    spoken, shown = count(out, "audio_tokens"), count(out, "image_tokens")
    # https://docs.perplexity.ai/docs/getting-started/pricing: both are counted besides.
    cited, thought = count(usage, "citation_tokens"), count(usage, "reasoning_tokens")
    output = max(output, said + cited + thought)
    thought = max(thought, count(out, "reasoning_tokens"))
    return Tokens(
        input=asked,
        cache_read=cached,
        cache_write=count(into, "cache_write_tokens"),
        input_audio=heard,
        input_image=count(into, "image_tokens"),
        # What is counted twice is both: cached audio.
        cache_read_audio=max(0, cached + heard - asked),
        output=output,
        output_audio=spoken,
        output_image=shown,
        citations=cited,
        reasoning=min(thought, max(0, output - cited - spoken - shown)),
        # https://docs.mistral.ai/api/endpoint/chat
        audio_seconds=count(usage, "prompt_audio_seconds"),
        web_searches=max(count(usage, "num_search_queries"), count(usage, "num_sources_used")),
    )
