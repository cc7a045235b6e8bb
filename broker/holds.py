"""What a call holds of the ceilings that it stands under, and what it held."""

from collections.abc import Iterable
from typing import NamedTuple

from store import Owner, Tx


class Hold(NamedTuple):
    """What a call holds of one ceiling in one epoch, in the ceiling's unit."""

    ceiling: str
    epoch: int
    amount: int
    unit: str


def of_call(
    tx: Tx, owner: Owner, call: str, state: str, or_state: str | None = None
) -> tuple[Hold, ...]:
    """Give a call's reservations in a state, or in one of two."""
    rows = tx.all(
        "SELECT r.ceiling, r.epoch, r.amount, c.unit FROM reservations r"
        " JOIN ceilings c ON c.account = r.account AND c.id = r.ceiling AND c.epoch = r.epoch"
        " WHERE r.account = :account AND r.call = :call AND r.state IN (:state, :or_state)",
        account=owner.account,
        call=call,
        state=state,
        or_state=or_state or state,
    )
    return tuple(Hold(*row) for row in rows)


def most(holds: Iterable[Hold], unit: str) -> int:
    """Give how much of a unit was held in all.

    Each ceiling counts the same dollars, and what is held of its epochs adds up. One may hold less
    than another: it was taken away in the midst.
    """
    by_ceiling: dict[str, int] = {}
    for hold in holds:
        if hold.unit == unit:
            by_ceiling[hold.ceiling] = by_ceiling.get(hold.ceiling, 0) + hold.amount
    return max(by_ceiling.values(), default=0)
