"""The contract's own scalars."""

import datetime as dt
from typing import Any, Final, NewType

import strawberry
from strawberry.scalars import JSON
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY

from broker.ceilings import HIGHEST, USD
from broker.money import AmountUnfit, read, shown

Cursor = NewType("Cursor", str)
SecretText = NewType("SecretText", object)
Amount = NewType("Amount", object)
Dollars = NewType("Dollars", object)

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LAST: Final = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


class MomentUnfit(ValueError):  # noqa: N818 - it names what happened
    """An end lies in the past, or after the last year that there is."""

    def __init__(self) -> None:
        super().__init__("Give a moment that lies ahead, and before the year 9999.")


class InputUnfit(ValueError):  # noqa: N818 - likewise
    """A part of an input can't be what was sent; `field` names the part as the contract does."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class CursorMalformed(ValueError):  # noqa: N818 - likewise
    """The text is no cursor that was given out here."""

    def __init__(self) -> None:
        super().__init__("This is not a cursor that keysteward gave out. Send one back unchanged.")


def text_of(secret: SecretText | None) -> str:
    """Give what was sent in a secret's place: nothing, where it is no text."""
    return secret if isinstance(secret, str) else ""


def plain(document: JSON) -> Any:
    """Give a JSON scalar's value as it came."""
    return document


def cursor_of(seq: int) -> Cursor:
    """Give the cursor that stands for a change's number within its account."""
    return Cursor(f"c{seq}")


def seq_of(cursor: Cursor) -> int:
    """Give the change's number that a cursor stands for. Raises `CursorMalformed`."""
    digits = cursor[1:]
    if cursor[:1] != "c" or not digits.isascii() or not digits.isdecimal() or len(digits) > 18:  # noqa: PLR2004
        raise CursorMalformed
    return int(digits)


def instant(microseconds: int) -> dt.datetime:
    """Give a moment as the contract's DateTime."""
    return _EPOCH + dt.timedelta(microseconds=microseconds)


def instant_or_none(microseconds: int | None) -> dt.datetime | None:
    """Likewise, for a moment that may not have come."""
    return None if microseconds is None else instant(microseconds)


def end_of(moment: dt.datetime | None, *, now: int) -> int | None:
    """Give an end as the database keeps it; one without a zone is taken as UTC.

    Raises `MomentUnfit` for one that has come, and for one that `instant` could not show again.
    """
    if moment is None:
        return None
    microseconds = microseconds_of(moment)
    if not now < microseconds < microseconds_of(_LAST):
        raise MomentUnfit
    return microseconds


def microseconds_of(moment: dt.datetime) -> int:
    """Give a moment as the database keeps it; one without a zone is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return (aware - _EPOCH) // dt.timedelta(microseconds=1)


def amount_of(sent: Amount | Dollars, field: str, unit: str = USD) -> int:
    """Give an amount in its unit's smallest part, exactly. Raises `InputUnfit`.

    It is a string: a JSON number is a float in most clients, through which no amount may pass.
    """
    try:
        amount = read(sent if isinstance(sent, str) else "", unit)
    except AmountUnfit as unfit:
        raise InputUnfit(field, str(unfit)) from None
    if not 0 <= amount <= HIGHEST:
        raise InputUnfit(field, "An amount is between 0 and a billion.")
    return amount


def dollars(amount: int) -> Dollars:
    """Give nano-dollars as the contract's USD."""
    return Dollars(shown(amount))


def dollars_or_none(amount: int | None) -> Dollars | None:
    """Likewise, for what is not known."""
    return None if amount is None else dollars(amount)


def _as_is(value: Any) -> Any:
    # Whatever was sent passes: a failed parse would quote it in the error. `vault.parse` judges a
    # key, `amount_of` an amount.
    return value


SCALARS: Final[dict[object, Any]] = {
    **DEFAULT_SCALAR_REGISTRY,
    Cursor: strawberry.scalar(
        name="Cursor",
        description="An opaque position in the account's stream of changes. Total order, survives "
        "restarts. Send it back unchanged.",
        serialize=str,
        parse_value=str,
    ),
    SecretText: strawberry.scalar(
        name="SecretText",
        description="A plaintext: a provider's key, a password, or a token just made. Never logged;"
        " given out only by the fields whose own type it is.",
        serialize=str,
        parse_value=_as_is,
    ),
    Dollars: strawberry.scalar(
        name="USD",
        description="US dollars, exactly: a decimal in a string, with up to nine places, such as "
        '"12.50" or "0.000125".',
        serialize=str,
        parse_value=_as_is,
    ),
    Amount: strawberry.scalar(
        name="Amount",
        description="An amount in the ceiling's unit, exactly: a decimal in a string, such as "
        '"12.50". Dollars have up to nine places, other money as many as the currency has, '
        "calls none.",
        serialize=str,
        parse_value=_as_is,
    ),
}
