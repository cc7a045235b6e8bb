"""Those who speak OpenAI's language, each with its own accent: a row of a table each.

Mistral, Groq, xAI, DeepSeek, OpenRouter, Together and Perplexity. What differs is where their paths
begin, what they call their usage and when a stream tells it, and the form of their errors.
"""

from dataclasses import replace
from typing import Any, Final

from keysteward.demo import price_page
from keysteward.demo.fake_chat import read_chat, usage
from keysteward.demo.fake_dialect import Dialect, Mistake, When
from keysteward.demo.fake_openai import read_embedding
from keysteward.demo.fake_wire import (
    DEFAULT_TIER,
    Asked,
    Received,
    Refused,
    Trouble,
    Used,
    read,
)

_NANO: Final = 1_000_000_000
_TICKS_A_NANO: Final = 10
_CHAT: Final = "/chat/completions"
_EMBEDDINGS: Final = "/embeddings"
# docs.mistral.ai/api: it refuses a member that it does not know, `stream_options` among them.
_OF_MISTRAL: Final = frozenset(
    {
        "model", "messages", "max_tokens", "stream", "n", "temperature", "top_p", "stop",
        "random_seed", "response_format", "tools", "tool_choice", "presence_penalty", "metadata",
        "frequency_penalty", "prediction", "parallel_tool_calls", "prompt_mode", "safe_prompt",
    }
)  # fmt: skip


def _counted(used: Used) -> dict[str, Any]:
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
    }


def _mistral_chat(call: Received) -> Asked:
    unknown = sorted(read(call.body).keys() - _OF_MISTRAL)
    if unknown:
        raise Refused(Trouble.MALFORMED, f"Extra inputs are not permitted: {unknown[0]}")
    return read_chat(call)


def _mistral_usage(_: Asked, used: Used) -> dict[str, Any]:
    return _counted(used) | {"prompt_tokens_details": {"cached_tokens": used.cached}}


def _groq_usage(_: Asked, used: Used) -> dict[str, Any]:
    times = {
        "queue_time": 0.021,
        "prompt_time": 0.003,
        "completion_time": 0.063,
        "total_time": 0.066,
    }
    return times | _counted(used)


def _xai_usage(asked: Asked, used: Used) -> dict[str, Any]:
    """Give what xAI tells: the thoughts stand beside the completion, not in it."""
    return _counted(used) | {
        "completion_tokens": used.output - used.thoughts,
        "prompt_tokens_details": {
            "text_tokens": used.input,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": used.cached,
        },
        "completion_tokens_details": {
            "reasoning_tokens": used.thoughts,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
        "num_sources_used": 0,
        "cost_in_usd_ticks": _TICKS_A_NANO * price_page.cost("xai", asked.item, used),
    }


def _deepseek_usage(_: Asked, used: Used) -> dict[str, Any]:
    return _counted(used) | {
        "prompt_tokens_details": {"cached_tokens": used.cached},
        "completion_tokens_details": {"reasoning_tokens": used.thoughts},
        "prompt_cache_hit_tokens": used.cached,
        "prompt_cache_miss_tokens": used.input - used.cached,
    }


def _openrouter_usage(asked: Asked, used: Used) -> dict[str, Any]:
    cost = price_page.cost("openrouter", asked.item, used)
    prompt = price_page.cost("openrouter", asked.item, Used(used.input, used.cached))
    return usage(asked, used) | {
        "cost": cost / _NANO,
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": cost / _NANO,
            "upstream_inference_prompt_cost": prompt / _NANO,
            "upstream_inference_completions_cost": (cost - prompt) / _NANO,
        },
    }


def _together_usage(_: Asked, used: Used) -> dict[str, Any]:
    return _counted(used) | {"cached_tokens": used.cached}


def _perplexity_chat(call: Received) -> Asked:
    """Understand a chat; the size of its search context is its tier."""
    asked = read_chat(call)
    options = read(call.body).get("web_search_options")
    size = options.get("search_context_size", "low") if isinstance(options, dict) else "low"
    return replace(asked, tier=DEFAULT_TIER if size == "low" else str(size))


def _perplexity_usage(asked: Asked, used: Used) -> dict[str, Any]:
    whole = price_page.cost("perplexity", asked.item, used)
    request = price_page.cost("perplexity", asked.item, Used())
    output = price_page.cost("perplexity", asked.item, Used(output=used.output)) - request
    return _counted(used) | {
        "search_context_size": "low" if asked.tier == DEFAULT_TIER else asked.tier,
        "cost": {
            "input_tokens_cost": (whole - request - output) / _NANO,
            "output_tokens_cost": output / _NANO,
            "request_cost": request / _NANO,
            "total_cost": whole / _NANO,
        },
    }


_SOURCE: Final = {"title": "Doors", "url": "https://example.com/doors", "date": "2026-01-01"}

IMITATORS: Final = (
    Dialect(
        provider="mistral",
        models=("mistral-small-latest", "mistral-embed"),
        usage=_mistral_usage,
        readers={_CHAT: _mistral_chat, _EMBEDDINGS: read_embedding},
        headers=((b"x-ratelimit-limit-req-minute", b"60"), (b"x-kong-request-id", b"made-up")),
        mistakes=Mistake.MISTRAL,
        statuses={Trouble.MALFORMED: 422},
    ),
    Dialect(
        provider="groq",
        models=("llama-3.3-70b-versatile", "llama-3.1-8b-instant"),
        usage=_groq_usage,
        readers={_CHAT: read_chat},
        roots=("/openai/v1",),
        extra=When.ASKED,
        last=lambda told: {"x_groq": {"id": "req_madeup0001", "usage": told}},
        headers=((b"x-ratelimit-limit-requests", b"14400"), (b"x-groq-region", b"dls")),
    ),
    Dialect(
        provider="xai",
        models=("grok-4", "grok-3-mini"),
        usage=_xai_usage,
        readers={_CHAT: read_chat},
        looks={
            "/v1/api-key": {
                "name": "made up",
                "acls": ["api-key:model:*", "api-key:endpoint:*"],
                "api_key_blocked": False,
                "api_key_disabled": False,
                "team_blocked": False,
            }
        },
        extra=When.ASKED,
        counts_on=True,
        mistakes=Mistake.XAI,
        statuses={Trouble.KEY_REJECTED: 400},
    ),
    Dialect(
        provider="deepseek",
        models=("deepseek-chat",),
        usage=_deepseek_usage,
        readers={_CHAT: read_chat},
        roots=("", "/v1"),
        looks={
            "/user/balance": {
                "is_available": True,
                "balance_infos": [
                    {
                        "currency": "USD",
                        "total_balance": "110.00",
                        "granted_balance": "10.00",
                        "topped_up_balance": "100.00",
                    }
                ],
            }
        },
    ),
    Dialect(
        provider="openrouter",
        models=("openai/gpt-4o-mini",),
        usage=_openrouter_usage,
        readers={_CHAT: read_chat},
        roots=("/api/v1",),
        looks={
            "/api/v1/key": {
                "data": {"label": "made up", "usage": 0.5, "limit": None, "is_free_tier": False}
            }
        },
        extra=When.ALWAYS,
        last=lambda _: {},
        members={"provider": "OpenAI"},
        opening=b": OPENROUTER PROCESSING\n\n",
        mistakes=Mistake.CODED,
    ),
    Dialect(
        provider="together",
        models=("meta-llama/Llama-3.3-70B-Instruct-Turbo",),
        usage=_together_usage,
        readers={_CHAT: read_chat, _EMBEDDINGS: read_embedding},
        members={"prompt": []},
    ),
    Dialect(
        provider="perplexity",
        models=("sonar",),
        usage=_perplexity_usage,
        readers={_CHAT: _perplexity_chat},
        roots=("", "/v1"),
        looks={"/v1/async/sonar": {"next_token": None, "requests": []}},
        counts_on=True,
        members={"citations": [_SOURCE["url"]], "search_results": [_SOURCE]},
        mistakes=Mistake.CODED,
    ),
)
"""The imitators; each usage is as the provider's own documentation has it."""
