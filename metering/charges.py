"""What a call is charged: at most, before it leaves; and in the end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from metering.quotes import READ, Measure, Quote, Reading, Source

HIGHEST: Final = 10**18
"""A billion dollars in nano-dollars: what is above it is a mistake, and fits no column twice."""

Rates = Mapping[str, Mapping[Measure, int]]
"""The owner's own prices: by model or operation, or `*`; nano-dollars for `units_priced`."""


class Unpriceable(Exception):  # noqa: N818 - it names what happened
    """No upper bound can be given for a call; the sentence says what to set."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call came to. The amount is in nano-dollars; 0 where the source is UNPRICED."""

    amount: int
    source: Source


def at_most(quote: Quote, rates: Rates) -> int:
    """Give the most that a call may come to, in nano-dollars. Raises `Unpriceable`."""
    own = _own(rates, quote, quote.model)
    if own is None:
        if quote.price is None:
            raise Unpriceable(quote.why)
        return _possible(quote.price)
    missing = [measure for measure in own if measure not in _with_request(quote.at_most)]
    if missing:
        raise Unpriceable(
            f"Your price for this call counts {missing[0].value}, of which it has no upper bound. "
            "Set a price by the REQUEST instead."
        )
    return _possible(_priced(_with_request(quote.at_most), own))


def came_to(quote: Quote, reading: Reading | None, rates: Rates) -> Charge | None:
    """Give what a call that was answered came to; None where that can't be told."""
    model = quote.model or (reading.model if reading else None)
    own = _own(rates, quote, model)
    if own is not None:
        used = reading.used if reading else (quote.at_most if quote.firm else {})
        counted = _with_request(used)
        if all(measure in counted for measure in own):
            amount = _priced(counted, own)
            return Charge(amount, Source.USER) if amount <= HIGHEST else None
        return None
    if reading is not None and reading.cost is not None and reading.cost <= HIGHEST:
        return Charge(reading.cost, reading.source)
    if quote.firm and quote.price is not None:
        return Charge(quote.price, Source.USAGE)
    return None


def hourly(quote: Quote, rates: Rates) -> int | None:
    """Give what the thing that a call makes costs by the hour, in nano-dollars; None: nothing."""
    if Measure.HOUR not in quote.at_most:
        return None
    own = _own(rates, quote, quote.model) or {}
    return own.get(Measure.HOUR, quote.hourly)


def _possible(price: int) -> int:
    if price > HIGHEST:
        raise Unpriceable("This call might cost more than a billion dollars. Look at its price.")
    return price


def _own(rates: Rates, quote: Quote, model: str | None) -> Mapping[Measure, int] | None:
    """Give the owner's price for a call: the model's, else the operation's, else that of the rest.

    `*` stands for what has no price of its own: unknown operations, and reading in general.
    """
    if not rates:
        return None
    rest = "*" if quote.price is None or quote.operation == READ else None
    names = (model, quote.operation, rest)
    return next((rates[name] for name in names if name is not None and name in rates), None)


def _with_request(units: Mapping[Measure, int]) -> Mapping[Measure, int]:
    return {Measure.REQUEST: 1, **units}


def _priced(units: Mapping[Measure, int], rates: Mapping[Measure, int]) -> int:
    return sum(-(-units[measure] * rate // measure.units_priced) for measure, rate in rates.items())
