"""Amounts as people read and write them: exact decimals, never a float."""

import re
from typing import Final

from broker.ceilings import CALLS, MOVED, USD

_NANO_DIGITS: Final = 9
# Where the smallest unit is not a hundredth: docs.stripe.com/currencies.
_NO_DIGITS: Final = re.compile("bif|clp|djf|gnf|jpy|kmf|krw|mga|pyg|rwf|ugx|vnd|vuv|xaf|xof|xpf")
_THREE_DIGITS: Final = re.compile("bhd|jod|kwd|omr|tnd")
_AMOUNT: Final = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]{1,20})(?:\.(?P<places>[0-9]{1,9}))?")


class AmountUnfit(ValueError):  # noqa: N818 - it names what happened
    """The text is no amount of that unit."""

    def __init__(self, digits: int) -> None:
        places = "no decimal places" if not digits else f"up to {digits} decimal places"
        super().__init__(f'Give an amount as a decimal, such as "12.50", with {places}.')


def digits_of(unit: str) -> int:
    """Give how many decimal places a unit's amounts have."""
    if unit == USD:
        return _NANO_DIGITS
    currency = unit.removeprefix(MOVED)
    if unit == CALLS or _NO_DIGITS.fullmatch(currency):
        return 0
    return 3 if _THREE_DIGITS.fullmatch(currency) else 2


def shown(amount: int, unit: str = USD) -> str:
    """Write an amount: dollars with at least two places, such as `12.50` or `0.000125`."""
    digits = digits_of(unit)
    if not digits:
        return str(amount)
    whole, rest = divmod(abs(amount), 10**digits)
    places = f"{rest:0{digits}}"
    if unit == USD:
        places = places.rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{places}"


def read(text: str, unit: str = USD) -> int:
    """Read an amount, exactly. Raises `AmountUnfit`."""
    digits = digits_of(unit)
    found = _AMOUNT.fullmatch(text)
    if found is None or len(found["places"] or "") > digits:
        raise AmountUnfit(digits)
    amount = int(found["whole"] + (found["places"] or "").ljust(digits, "0"))
    return -amount if found["sign"] else amount
