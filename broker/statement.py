"""Everything about money that is kept of an account, for its owner to take along.

Other than what `Ceilings`, `Prices` and `Commitments` show, it holds what is over as well.
"""

from typing import Final, NamedTuple

from broker.ceilings import Ceiling
from broker.commitments import Commitment
from store import Owner, Store, Tx


class Epoch(NamedTuple):
    """One epoch of a ceiling. `closed_at` is in microseconds; None for the one in force."""

    ceiling: Ceiling
    closed_at: int | None


class Hold(NamedTuple):
    """What a call held of a ceiling in one epoch, and what became of it; in the ceiling's unit."""

    call: str
    ceiling: str
    epoch: int
    unit: str
    state: str
    amount: int
    cost: int | None


class Line(NamedTuple):
    """One entry of the ledger. `at` is in microseconds, the amount in the unit's smallest part."""

    call: str
    entry: int
    at: int
    provider: str
    tool: str
    model: str | None
    unit: str
    amount: int
    kind: str
    source: str


class Term(NamedTuple):
    """Something that costs, or cost, by the hour. `ended_at` is in microseconds."""

    commitment: Commitment
    ended_at: int | None


class Statement(NamedTuple):
    """All of it, each oldest first."""

    epochs: list[Epoch]
    holds: list[Hold]
    lines: list[Line]
    terms: list[Term]
    frozen: list[tuple[str, str]]
    """Providers with models that no ceiling lets in, since they cost more than their bound."""


_EPOCHS: Final = (
    "SELECT id, epoch, provider, tool, unit, wanted, settled, held, excess, warned, set_at,"
    " opened_at, hit_at, closed_at FROM ceilings WHERE account = :account ORDER BY id, epoch"
)
_HOLDS: Final = (
    "SELECT r.call, r.ceiling, r.epoch, c.unit, r.state, r.amount, r.cost FROM reservations r"
    " JOIN ceilings c ON c.account = r.account AND c.id = r.ceiling AND c.epoch = r.epoch"
    " WHERE r.account = :account ORDER BY r.call, r.ceiling, r.epoch"
)
_LINES: Final = (
    "SELECT call, entry, at, provider, tool, model, unit, amount, kind, source FROM ledger"
    " WHERE account = :account ORDER BY at, call, entry"
)
_TERMS: Final = (
    "SELECT provider, resource, call, tool, item, hourly, since, paid_to, ended_at"
    " FROM commitments WHERE account = :account ORDER BY since, provider, resource"
)
_MODELS: Final = (
    "SELECT provider, item FROM frozen WHERE account = :account ORDER BY provider, item"
)


async def statement(store: Store, owner: Owner) -> Statement:
    """Give all that is kept of an account's money, as of one moment."""

    def unit(tx: Tx) -> Statement:
        account = owner.account
        return Statement(
            [Epoch(Ceiling(*row[:-1]), row[-1]) for row in tx.all(_EPOCHS, account=account)],
            [Hold(*row) for row in tx.all(_HOLDS, account=account)],
            [Line(*row) for row in tx.all(_LINES, account=account)],
            [Term(Commitment(*row[:-1]), row[-1]) for row in tx.all(_TERMS, account=account)],
            [(provider, model) for provider, model in tx.all(_MODELS, account=account)],
        )

    return await store.read(unit)
