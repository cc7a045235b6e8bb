"""The list that the package genai-prices carries, or a newer one in a file, in whole numbers.

A price is nano-dollars for so many units, rounded up. A price of zero, and a model whose name only
begins like a known one, are not in the list: what is not known must not look like what is free.
Importing this takes 0.4 s and 29 MiB, so that nothing but `metering.prices` does, and late.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Final

import orjson
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    Provider,
    TieredPrices,
    TimeOfDateConstraint,
    _providers_from_raw,
)

from metering.quotes import NANO

Steps = tuple[tuple[int, ...], tuple[int, ...]]
"""The sizes of the whole input above which a price changes; and the prices, one more of them."""
Sheet = Mapping[str, Steps]
"""The prices of a model, at one time and under one tier, by genai-prices' names."""

_THEIRS: Final[Mapping[str, str]] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "google",
    "mistral": "mistral",
    "groq": "groq",
    "xai": "x-ai",
    "deepseek": "deepseek",
    "openrouter": "openrouter",
    "cohere": "cohere",
    "perplexity": "perplexity",
    "together": "together",
}
"""Keysteward's id of a provider, and genai-prices' id of it."""

_STANDARD: Final = frozenset(
    {"standard", "standard_only", "default", "on_demand", "auto", "unspecified"}
)
_TIERS: Final[Mapping[str, Mapping[str, str]]] = {
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast"},
    "batch": {"processing": "batch"},
}
_TIERS_OF: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    # Priority Tier is paid for beforehand, and burnt down at the standard rates:
    # https://platform.claude.com/docs/en/api/service-tiers
    "anthropic": {**_TIERS, "priority": {}, "fast": {"speed": "fast"}},
    # Flex costs what on-demand does: https://console.groq.com/docs/service-tiers
    "groq": {**_TIERS, "flex": {}},
}
_DISCOUNTS: Final = frozenset({"flex", "batch"})
_BY_CHOICE: Final = ("flex", "priority", "fast")
"""The tiers that an account may be set to, for requests that name none."""

_SAME_MODEL: Final = re.compile(
    r"(?:[-@:](?:\d{2,8}|v\d|latest|preview|exp|customtools|extended|thinking))*"
)
"""What may follow a known name without making another model of it: dates, versions, stages."""
_OPEN: Final = re.compile(r".*-(?:0|20\d\d)?")
"""A beginning that ends within a date or a version, of which digits are the rest."""


class PriceList:
    """Every price of every provider that keysteward knows, as they were read."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        of = {provider.id: provider for provider in providers}
        self._providers = {ours: of[theirs] for ours, theirs in _THEIRS.items() if theirs in of}

    def sheet(self, provider: str, model: str, tier: str | None, at: datetime) -> Sheet | None:
        """Give a model's prices at one time; None where the model or the tier is not known."""
        found = self._model(provider, model)
        if found is None:
            return None
        context = self._context(provider, found, tier or "standard")
        return None if context is None else _sheet(found.get_prices(at, context))

    def sheets(self, provider: str, model: str, tier: str | None, on: date) -> list[Sheet]:
        """Give the prices that a model may have on a day and the next; none where it's not known.

        Without a tier, those of every tier that the account may be set to.
        """
        found = self._model(provider, model)
        if found is None:
            return []
        contexts: list[Mapping[str, str]] = [{}]
        for name in _BY_CHOICE if tier is None else (tier,):
            context = self._context(provider, found, name)
            if context is None and tier is not None:
                return []
            if context:
                contexts.append(context)
        return [
            _sheet(found.get_prices(at, context))
            for context in contexts
            for at in _times(found, on)
        ]

    def context_window(self, provider: str, model: str) -> int | None:
        """Give the most tokens that a model takes, where the list says."""
        found = self._model(provider, model)
        return None if found is None else found.context_window

    def whole(self) -> Iterator[Sheet]:
        """Give every sheet that there may ever be, so that a list is tried before it is used."""
        for provider in self._providers.values():
            for model in provider.models:
                model.get_prices(datetime.now(UTC))
                listed = model.prices if isinstance(model.prices, list) else [model]
                for priced in (*listed, *(model.price_variants or ())):
                    assert isinstance(priced.prices, ModelPrice)  # noqa: S101 - by its type
                    yield _sheet(priced.prices)

    def _model(self, provider: str, model: str) -> ModelInfo | None:
        source = self._providers.get(provider)
        found = source.find_model(model) if source is not None else None
        return found if found is not None and _names(found.match, model.lower()) else None

    def _context(self, provider: str, model: ModelInfo, tier: str) -> Mapping[str, str] | None:
        """Give what chooses a tier's prices; None where the tier or its price is not known."""
        tier = tier.lower()
        if tier in _STANDARD:
            return {}
        context = _TIERS_OF.get(provider, _TIERS).get(tier)
        if context is None:
            return None
        if not context or any(variant.when == context for variant in model.price_variants or ()):
            return context
        # A discount that isn't listed isn't taken; what is dearer than the list is not known.
        return {} if tier in _DISCOUNTS else None


def bundled() -> PriceList:
    """Give the list that the package carries."""
    return PriceList(get_snapshot().providers)


def read(file: Path) -> PriceList:
    """Read a list from a file in the form of genai-prices' own `data.json`, its second version.

    Raises `OSError` where it can't be read, `ValueError` where it is no such list.
    """
    raw = orjson.loads(file.read_bytes())
    if not isinstance(raw, list) or not all(isinstance(provider, dict) for provider in raw):
        raise ValueError("It is not a list of providers.")
    ours = set(_THEIRS.values())
    # Their extractors of usage aren't used here, and newer ones make this package warn.
    kept = [
        {name: value for name, value in provider.items() if name != "extractors"}
        for provider in raw
        if str(provider.get("id")) in ours
    ]
    try:
        # The package has no public reader but the one that fetches; nothing here uses a network.
        prices = PriceList(_providers_from_raw(kept))
        priced = sum(1 for sheet in prices.whole() if sheet)
    except Exception as failure:  # noqa: BLE001 - its validators raise whatever they come upon
        raise ValueError(str(failure)) from None
    if not priced:
        raise ValueError("It has no price of any model of a provider that keysteward knows.")
    return prices


def _times(model: ModelInfo, on: date) -> set[datetime]:
    """Give moments that stand for all of a day and the next."""
    hours = {time(0, tzinfo=UTC)}
    for price in model.prices if isinstance(model.prices, list) else []:
        if isinstance(price.constraint, TimeOfDateConstraint):
            hours |= {price.constraint.start_time, price.constraint.end_time}
    days = (on, on + timedelta(days=1))
    return {datetime.combine(day, hour, hour.tzinfo or UTC) for day in days for hour in hours}


def _sheet(prices: ModelPrice) -> Sheet:
    sheet = {}
    for name, price in vars(prices).items():
        if price is not None and (steps := _steps(price)) is not None:
            sheet[name] = steps
    return sheet


def _steps(price: Decimal | TieredPrices) -> Steps | None:
    """Give a price in whole numbers; None where it is zero, which is to say unknown."""
    if not isinstance(price, TieredPrices):
        amount = _nano(price)
        return ((), (amount,)) if amount else None
    amounts = (_nano(price.base), *(_nano(tier.price) for tier in price.tiers))
    return (tuple(tier.start for tier in price.tiers), amounts) if all(amounts) else None


def _nano(price: Decimal) -> int:
    if not price.is_finite() or price < 0:
        raise ValueError(f"It has a price of {price}.")
    return int((price * NANO).to_integral_value(ROUND_CEILING))


def _names(clause: MatchLogic, model: str) -> bool:
    """Say whether a clause that fits a name means this very model, and not one named after it."""
    match clause:
        case ClauseEquals() | ClauseRegex():
            return clause.is_match(model)
        case ClauseStartsWith():
            return _follows(clause.starts_with.lower(), model)
        case ClauseContains():
            return _follows(clause.contains.lower(), model)
        case ClauseEndsWith():
            return model == clause.ends_with.lower()
        case ClauseOr():
            return any(_names(one, model) for one in clause.or_)
        case ClauseAnd():
            return all(_names(one, model) for one in clause.and_)


def _follows(start: str, model: str) -> bool:
    """Say whether a name is a known beginning, and no more than a date or the like after it."""
    if not model.startswith(start):
        return False
    # A fine-tuned model bears its owner's names after those of the model that it comes from.
    if start.startswith("ft:"):
        return True
    rest = model[len(start) :]
    if _OPEN.fullmatch(start):
        rest = rest.lstrip("0123456789")
    return _SAME_MODEL.fullmatch(rest) is not None
