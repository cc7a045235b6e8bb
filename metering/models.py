"""What one call of a model can hold at most: the tokens it may give, and the window it reads.

The list of prices tells neither of every model. A cap that is too low cuts an answer short, one
that is too high is refused by the provider; so an unlisted model gets the cap that practically all
take. Windows bound what a request only points to, so they must never be too small.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

CAP_OF_ANY: Final = 4_096
"""The tokens of output that a model is limited to where nothing is known of it."""

_Rules = tuple[tuple[re.Pattern[str], int], ...]


def _rules(*rules: tuple[str, int]) -> _Rules:
    return tuple((re.compile(pattern), number) for pattern, number in rules)


# The first that fits the beginning of a name is the one that counts.
_CAPS: Final[Mapping[str, _Rules]] = {
    # https://developers.openai.com/api/docs/models
    "openai": _rules(
        (r"gpt-[56][\w.]*-chat|chat-latest|gpt-chat", 16_384),
        (r"gpt-[56]", 128_000),
        (r"gpt-realtime-2", 32_000),
        (r"o1-mini", 65_536),
        (r"o1-preview", 32_768),
        (r"o[134]|codex-mini", 100_000),
        (r"gpt-4\.1", 32_768),
        (r"gpt-4o|chatgpt-4o|gpt-4\.5|gpt-audio", 16_384),
    ),
    # https://platform.claude.com/docs/en/about-claude/models/overview
    "anthropic": _rules(
        (r"claude-(?:fable|mythos)|claude-(?:opus|sonnet|haiku)-5|claude-opus-4[-.][678]", 128_000),
        (r"claude-(?:sonnet-4|haiku-4|opus-4[-.]5|3[-.]7)", 64_000),
        (r"claude-opus-4", 32_000),
        (r"claude-3[-.]5", 8_192),
    ),
    # https://ai.google.dev/gemini-api/docs/models
    "google": _rules(
        (r"gemini-[\w.-]*image|gemini-nano-banana", 32_768),
        (r"gemini-[\w.-]*tts", 16_384),
        (r"gemini-(?:2\.0|1\.5)|gemini-(?:flash|pro)-1\.5|gemma", 8_192),
        (r"gemini-(?:2\.5|[34]|flash|pro)", 65_536),
    ),
    # Prompt and output share the window, which is 128,000 tokens or more:
    # https://docs.mistral.ai/getting-started/models
    "mistral": _rules((r"mistral|ministral|magistral|devstral|codestral|pixtral", 16_384)),
    # https://console.groq.com/docs/models
    "groq": _rules(
        (r"llama-3\.1-8b-instant", 131_072),
        (r"openai/gpt-oss", 65_536),
        (r"qwen/", 40_960),
        (r"llama-3\.3-70b-versatile", 32_768),
        (r"moonshotai/", 16_384),
        (r"meta-llama/llama-4", 8_192),
    ),
    # No limit but the window, of 131,072 tokens or more: https://docs.x.ai/docs/models
    "xai": _rules((r"grok", 32_768)),
    # https://api-docs.deepseek.com/quick_start/pricing
    "deepseek": _rules((r"deepseek-reasoner|deepseek-v4|deepseek-flash", 65_536), (r"", 8_192)),
    # https://docs.cohere.com/docs/models
    "cohere": _rules((r"command-a", 8_192), (r"", 4_000)),
    # https://docs.perplexity.ai/docs/agent-api/models
    "perplexity": _rules((r"sonar", 8_192)),
}

_WINDOWS: Final[Mapping[str, _Rules]] = {
    # https://developers.openai.com/api/docs/models
    "openai": _rules(
        (r"gpt-4o-(?:mini-)?realtime|gpt-realtime(?:-1\.5|-mini)?(?:-20|$)", 32_000),
        (r"gpt-realtime|gpt-4o|chatgpt-4o|gpt-audio", 128_000),
        (r"gpt-4\.1", 1_047_576),
        (r"gpt-5(?:\.[1-3])?(?:-|$)", 400_000),
        (r"gpt-5\.[4-9]|gpt-6", 1_050_000),
    ),
    # https://platform.claude.com/docs/en/about-claude/models/overview; the beta header
    # `context-1m` makes a million of any of the fourth family's.
    "anthropic": _rules((r"claude-(?:2|3|instant)", 200_000), (r"claude", 1_000_000)),
    # https://ai.google.dev/gemini-api/docs/models
    "google": _rules(
        (r"gemini-1\.5-pro|gemini-pro-1\.5", 2_097_152), (r"gemini", 1_048_576), (r"gemma", 262_144)
    ),
    # https://docs.mistral.ai/getting-started/models
    "mistral": _rules(
        (r"mistral-large-(?:4|latest)", 1_048_576),
        (r"mistral|ministral|magistral|devstral|codestral|pixtral", 262_144),
    ),
    # https://console.groq.com/docs/models
    "groq": _rules((r"moonshotai/", 262_144), (r"", 131_072)),
    # https://docs.x.ai/docs/models
    "xai": _rules((r"grok-4[-.\w]*fast|grok-4-1", 2_000_000)),
    # https://api-docs.deepseek.com/quick_start/pricing
    "deepseek": _rules((r"deepseek", 1_000_000)),
    # https://docs.cohere.com/docs/models
    "cohere": _rules((r"command-a", 256_000), (r"", 128_000)),
    # https://docs.perplexity.ai/docs/agent-api/models
    "perplexity": _rules((r"sonar-pro", 200_000), (r"sonar", 128_000)),
}

_RESOLD: Final[Mapping[str, str]] = {"mistralai": "mistral", "x-ai": "xai"}
"""How resellers write the makers whose ids at keysteward are others."""


MOST_PUT_IN: Final = 32_768
"""Tokens: some twenty thousand words."""


@lru_cache(maxsize=1024)
def cap(provider: str, model: str) -> int:
    """Give the tokens of output to which a call is limited that names no limit.

    Less than the newest models could write: all of that would have to be held for each call.
    """
    return min(most_output(provider, model), MOST_PUT_IN)


@lru_cache(maxsize=1024)
def most_output(provider: str, model: str) -> int:
    """Give the most tokens of output that a model is known to take as a limit."""
    provider, model = _maker(provider, model)
    return _first(_CAPS.get(provider, ()), model) or CAP_OF_ANY


@lru_cache(maxsize=1024)
def window(provider: str, model: str, listed: int | None) -> int | None:
    """Give the most tokens that a call can read; None where nothing is known of the model.

    `listed` is what the list of prices says of it, if it does.
    """
    maker, name = _maker(provider, model)
    ours = _first(_WINDOWS.get(maker, ()), name)
    return max(listed or 0, ours or 0) or None


def _maker(provider: str, model: str) -> tuple[str, str]:
    """Say who made a model, and its name there, for one that a reseller offers."""
    model = model.lower()
    if provider in {"openrouter", "together"}:
        maker, _, name = model.partition("/")
        return _RESOLD.get(maker, maker), name
    return provider, model.removeprefix("ft:").removeprefix("models/")


def _first(rules: _Rules, model: str) -> int | None:
    return next((number for pattern, number in rules if pattern.match(model)), None)
