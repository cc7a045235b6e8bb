"""OpenRouter: what others' models cost through it. https://openrouter.ai/docs/api/reference/overview.

Each model is served by several, at prices of their own: what bounds them is `provider.max_price`,
above which OpenRouter serves nobody. Where a request names no such price, the list's is put in.
What OpenRouter adds (searches, parsed files) isn't covered by it, and so is not bounded.
"""

import re
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from metering import prices
from metering.bodies import Json
from metering.bounds import BY_REQUEST, Ask, Unbounded, kind, objects, shown, unlisted, whole
from metering.meters.asking import Asked
from metering.meters.chats import PLAIN, Dialect, chat, completion
from metering.operations import Operation, free
from metering.quotes import NANO, Edit

_ID: Final = "openrouter"
_FREE_PLUGINS: Final = frozenset({"response-healing"})
_PARTS: Final = frozenset({"text", "image_url", "thinking", "reasoning", "refusal"})
"""What files and sound cost, the price of the tokens doesn't tell."""
_THOUGHTS: Final = 65_536
"""Tokens of a Gemini's thinking, which its cap is not known to hold: see Google's meter."""
_SHORT: Final = 100_000
"""Tokens of input up to which no model has a dearer price for its length."""
_WRITTEN: Final = 2
"""By what writing to a cache may multiply the price of the input."""


def _amend(ask: Ask, asked: Asked) -> tuple[Ask, tuple[Edit, ...]]:
    body = asked.body
    _refuse_extras(body, ask)
    if ask.model.startswith("google/gemini"):
        ask = replace(ask, aside=(whole(body, "n") or 1) * _THOUGHTS)
    if prices.is_free(_ID, ask.model):
        return ask, ()
    limits = _limits(body)
    tokens = ask.tally.text + ask.tally.images
    short = prices.dearest(_ID, ask.model, tokens=0)
    long = prices.dearest(_ID, ask.model, tokens=None if ask.tally.beyond else tokens)
    into = (short.input, long.input) if short and long else (None, None)
    out = (short.output, long.output) if short and long else (None, None)
    read, read_edit = _rate("prompt", limits, ask, into)
    write, write_edit = _rate("completion", limits, ask, out)
    if long is None and (ask.tally.beyond or tokens > _SHORT):
        raise Unbounded(f"{unlisted(ask.model)} Long inputs may cost more than short ones.")
    return replace(ask, rates=(read * _WRITTEN, write)), (*read_edit, *write_edit)


def _rate(
    name: str, limits: dict[str, int], ask: Ask, listed: tuple[int | None, int | None]
) -> tuple[int, tuple[Edit, ...]]:
    """Give the most that a million tokens may cost, and what makes it so where nothing did.

    `listed` are the list's prices for a short input, and for one as long as this may be.
    """
    short, long = listed
    limit = limits.get(name)
    edits: tuple[Edit, ...] = ()
    if limit is None:
        if not short:
            raise Unbounded(
                f"{unlisted(ask.model)} Or send the most that you would pay for a million tokens, "
                f"as `provider.max_price.{name}`."
            )
        limit, edits = short, (Edit(("provider", "max_price", name), _dollars(short)),)
    # The limit is held against the price of short inputs.
    return (-(-limit * long // short) if short and long else limit), edits


def _limits(body: Json) -> dict[str, int]:
    """Give the request's own limits, in nano-dollars for a million tokens. Raises `Unbounded`."""
    provider = body.get("provider")
    limits = provider.get("max_price") if isinstance(provider, dict) else None
    if provider is not None and not isinstance(provider, dict):
        raise Unbounded("`provider` is not an object.")
    if limits is not None and not isinstance(limits, dict):
        raise Unbounded("`provider.max_price` is not an object.")
    return {
        name: _nano(value)
        for name, value in (limits or {}).items()
        if name in {"prompt", "completion"} and value is not None
    }


def _nano(value: Any) -> int:
    try:
        amount = Decimal(str(value)) if type(value) in {int, float, str} else Decimal(0)
    except InvalidOperation:
        amount = Decimal(0)
    # What zero means there isn't written anywhere, and it may mean no limit.
    if not amount.is_finite() or amount <= 0:
        raise Unbounded("A limit in `provider.max_price` must be a number above zero.")
    return int((amount * NANO).to_integral_value(ROUND_CEILING))


@lru_cache(maxsize=1024)
def _dollars(rate: int) -> str:
    return format((Decimal(rate) / NANO).normalize(), "f")


def _refuse_extras(body: Json, ask: Ask) -> None:
    """Refuse what costs besides the model's tokens, or more than its price says."""
    for plugin in objects(body.get("plugins"), "plugins"):
        name = plugin.get("id")
        if name not in _FREE_PLUGINS:
            raise _unknown("the plugin", str(name))
    if body.get("models"):
        raise Unbounded(
            f"Any of several `models` may answer. Send one `model` alone, or {BY_REQUEST}."
        )
    model = ask.model.lower()
    if ":online" in model or "search" in model or model.startswith("perplexity/"):
        raise _unknown("the searches of", ask.model)
    # A preset brings tools, a router asks several models; and what draws is dearer than its words.
    # https://openrouter.ai/docs/guides/features/presets
    if "@" in model or model.startswith("openrouter/") or re.search("image|banana|audio", model):
        raise _unknown("an answer of", ask.model)
    for message in objects(body.get("messages"), "messages"):
        content = message.get("content")
        for part in content if isinstance(content, list) else []:
            if kind(part) not in _PARTS:
                raise _unknown("a part of the type", kind(part))
    if ask.speaks or ask.draws:
        raise Unbounded(f"What an answer in sound or images costs isn't listed; {BY_REQUEST}.")


def _unknown(what: str, name: str) -> Unbounded:
    return Unbounded(
        f"keysteward does not know what {what} {shown(name)} may cost. Leave it out, or "
        f"{BY_REQUEST}."
    )


_CHAT: Final = Dialect(
    _ID,
    PLAIN
    | {
        "models", "provider", "plugins", "transforms", "reasoning", "include_reasoning", "usage",
        "session_id", "trace", "modalities", "verbosity", "top_a", "cache_control",
        "prompt_cache_key", "safety_identifier",
    },
    heeds_both=True,
    amend=_amend,
)  # fmt: skip

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/api/v1/chat/completions", chat(_CHAT)),
    Operation("POST", "/api/v1/completions", completion(_CHAT)),
    Operation("DELETE", "/api/v1/*", free("delete")),
)
