"""Reads counts and amounts out of an answer's usage. What is no count is never taken for zero."""

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from metering import prices
from metering.prices import Tokens
from metering.quotes import NANO, Measure

_MOST: Final = 1 << 53
_NUMBERS: Final = frozenset({int, float})
"""What a number is read as; neither is `True`."""
_TICKS_IN_A_NANO: Final = 10


class Unreadable(Exception):  # noqa: N818 - it names what happened
    """A figure in an answer is none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the request asked for."""

    provider: str
    model: str | None
    tier: str | None

    def model_of(self, answered: object) -> str | None:
        """Give the model that an answer names, else the one that was asked for."""
        return answered.removeprefix("models/") if isinstance(answered, str) else self.model

    def cost(
        self, used: Tokens, answered: object, tier: object = None, region: object = None
    ) -> int | None:
        """Give the list price in nano-dollars of what was used; None where it is unknown.

        `answered`, `tier` and `region` are as the answer names them.
        """
        model = self.model_of(answered)
        if model is None:
            return None
        tier = tier if isinstance(tier, str) else self.tier
        region = region if isinstance(region, str) else None
        found = prices.cost(self.provider, model, used, tier=tier, region=region)
        # Lists name some models without the date of the snapshot that answered.
        if found is None and self.model and model.startswith(self.model):
            found = prices.cost(self.provider, self.model, used, tier=tier, region=region)
        return found


def part(record: object, *path: str) -> Any:
    """Give what stands at a path of members; None where nothing does."""
    for name in path:
        if not isinstance(record, dict):
            return None
        record = record.get(name)
    return record


def text(record: object, *path: str) -> str | None:
    """Give the text at a path of members; None where there is none."""
    value = part(record, *path)
    return value if isinstance(value, str) else None


def elements(record: object, *path: str) -> list[Any]:
    """Give the elements of the array at a path of members; none where there is no array."""
    value = part(record, *path)
    return value if isinstance(value, list) else []


def count(record: object, *path: str) -> int:
    """Give the count at a path of members, 0 where there is none. Raises `Unreadable`."""
    value: Any = record
    for name in path:
        if not isinstance(value, dict):
            return 0
        value = value.get(name)
    if value is None:
        return 0
    if type(value) not in _NUMBERS or not 0 <= value <= _MOST:
        raise Unreadable
    number: float = value
    return math.ceil(number)


def nano(record: object, *path: str) -> int:
    """Give the dollars at a path in nano-dollars, rounded up; 0 where there are none.

    Raises `Unreadable`.
    """
    value = part(record, *path)
    if value is None:
        return 0
    if type(value) not in _NUMBERS or not 0 <= value <= _MOST:
        raise Unreadable
    return int((Decimal(str(value)) * NANO).to_integral_value(ROUND_CEILING))


def own_cost(provider: str, usage: object) -> int | None:
    """Give what the provider itself says that a call cost, in nano-dollars; None if it doesn't.

    A cost of nothing is taken for none: whether a model is free is not for the answer to say.
    Raises `Unreadable`.
    """
    match provider:
        case "openrouter":
            # https://openrouter.ai/docs/guides/administration/usage-accounting: `cost` in credits,
            # each a dollar. With a key of the owner's own at the model's provider, that one's
            # charge comes on top, and is no part of `cost`.
            cost = nano(usage, "cost")
            if part(usage, "is_byok") is not False:
                cost += nano(usage, "cost_details", "upstream_inference_cost")
        case "perplexity":
            # https://docs.perplexity.ai/docs/getting-started/pricing
            cost = nano(usage, "cost", "total_cost")
        case "xai":
            # https://docs.x.ai/developers/cost-tracking: 10^10 ticks are a dollar, all included.
            cost = -(-count(usage, "cost_in_usd_ticks") // _TICKS_IN_A_NANO)
        case _:
            cost = 0
    return cost or None


def tokens_used(used: Tokens) -> dict[Measure, int]:
    """Give the units that an owner's own price may count."""
    return {Measure.INPUT_TOKEN: used.input, Measure.OUTPUT_TOKEN: used.output}
