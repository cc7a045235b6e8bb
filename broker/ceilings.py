"""Ceilings: what an owner lets a provider, a tool, or everything together cost at most.

The database itself refuses to pass one (`CHECK (settled + held <= ceiling)`). One that is hit stays
hit until its owner resets or raises it. A reset begins a new epoch: a row of its own; what was in
flight stays charged to the old one.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ulid import ULID

import audit
from audit import Act, Signer
from broker.errors import CeilingGone, CeilingUnfit
from store import Clock, Owner, Row, Store, Tx, changes
from store.changes import Kind

USD: Final = "usd"
CALLS: Final = "calls"
MOVED: Final = "moved:"
"""Before a currency: what calls move of the owner's money, in the currency's smallest unit."""
HIGHEST: Final = 10**18
"""A billion dollars: far above what anybody means, and far below what an integer holds."""
MARKS: Final = (50, 80, 95)
"""Per cent of a ceiling at which its owner is warned."""


# Not a frozen dataclass: several are made for each call, and that would take five times as long.
class Ceiling(NamedTuple):
    """One ceiling in one epoch. Amounts are in its unit: nano-dollars for `usd`."""

    id: str
    epoch: int
    provider: str | None
    tool: str | None
    unit: str
    limit: int
    settled: int
    held: int
    excess: int
    """What providers charged above what they had been said to; no part of `settled`."""
    warned: int
    set_at: int
    opened_at: int
    hit_at: int | None

    @property
    def remaining(self) -> int:
        """What can still be reserved; 0 once it is hit."""
        used = self.settled + self.held + self.excess
        return 0 if self.hit_at is not None else max(0, self.limit - used)


_CEILING: Final = (
    "SELECT id, epoch, provider, tool, unit, wanted, settled, held, excess, warned, set_at,"
    " opened_at, hit_at FROM ceilings WHERE account = :account AND closed_at IS NULL"
)


def governing(tx: Tx, owner: Owner, *, provider: str, tool: str) -> list[Ceiling]:
    """Give the ceilings that a call stands under, always in the same order."""
    rows = tx.all(
        f"{_CEILING} AND (provider IS NULL OR provider = :provider)"
        " AND (tool IS NULL OR tool = :tool) ORDER BY id",
        account=owner.account,
        provider=provider,
        tool=tool,
    )
    return [Ceiling(*row) for row in rows]


def one(tx: Tx, owner: Owner, ceiling: str) -> Ceiling:
    """Give one of the owner's ceilings. Raises `CeilingGone`."""
    row = tx.one(f"{_CEILING} AND id = :ceiling", account=owner.account, ceiling=ceiling)
    if row is None:
        raise CeilingGone
    return Ceiling(*row)


def of_epoch(tx: Tx, owner: Owner, ceiling: str, epoch: int) -> Ceiling | None:
    """Give a ceiling as it stands in an epoch; None where that is over."""
    row = tx.one(
        f"{_CEILING} AND id = :ceiling AND epoch = :epoch",
        account=owner.account,
        ceiling=ceiling,
        epoch=epoch,
    )
    return None if row is None else Ceiling(*row)


def hit(tx: Tx, owner: Owner, ceiling: Ceiling, *, at: int) -> None:
    """Close a ceiling for good, until its owner acts; said once in the log of changes."""
    if tx.run(
        "UPDATE ceilings SET hit_at = :at WHERE account = :account AND id = :ceiling"
        " AND epoch = :epoch AND hit_at IS NULL AND closed_at IS NULL",
        account=owner.account,
        ceiling=ceiling.id,
        epoch=ceiling.epoch,
        at=at,
    ):
        _tell(tx, owner, Kind.CEILING_HIT, ceiling, at=at)


def warn(tx: Tx, owner: Owner, ceiling: Ceiling, *, at: int) -> None:
    """Say that the use of a ceiling has passed one of the marks, each once an epoch."""
    mark = _mark_of(ceiling.settled, ceiling.limit)
    if mark > ceiling.warned:
        tx.run(
            "UPDATE ceilings SET warned = :mark WHERE account = :account AND id = :ceiling"
            " AND epoch = :epoch",
            account=owner.account,
            ceiling=ceiling.id,
            epoch=ceiling.epoch,
            mark=mark,
        )
        _tell(tx, owner, Kind.CEILING_WARNED, ceiling, at=at, percent=mark)


def exceeded(tx: Tx, owner: Owner, ceiling: Ceiling, *, at: int) -> None:
    """Say that a provider charged more than it had been said to."""
    _tell(tx, owner, Kind.CEILING_EXCEEDED, ceiling, at=at)


def _mark_of(settled: int, limit: int) -> int:
    reached = [mark for mark in MARKS if settled * 100 >= mark * limit]
    return reached[-1] if reached and settled else 0


def _tell(
    tx: Tx, owner: Owner, kind: Kind, ceiling: Ceiling, *, at: int, percent: int | None = None
) -> None:
    changes.append(
        tx,
        owner,
        kind,
        at=at,
        provider=ceiling.provider,
        tool=ceiling.tool,
        ceiling=ceiling.id,
        percent=percent,
    )


class Ceilings:
    """What an owner does with ceilings. Letting calls in under them is `broker.reservations`'."""

    def __init__(self, store: Store, signer: Signer, clock: Clock) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock

    async def every(self, owner: Owner) -> list[Ceiling]:
        """Give the owner's ceilings, oldest first."""
        rows = await self._store.read(
            lambda tx: tx.all(f"{_CEILING} ORDER BY id", account=owner.account)
        )
        return [Ceiling(*row) for row in rows]

    async def set(
        self, owner: Owner, limit: int, *, provider: str | None, tool: str | None, unit: str
    ) -> Ceiling:
        """Set a ceiling, or set one anew: raised, it opens again; below its use, it is hit.

        Raises `CeilingUnfit` for a limit or a unit that can't be, `CeilingGone` for no such tool.
        """
        _check(limit, provider, unit)
        at = self._clock()

        def unit_of_work(tx: Tx) -> Ceiling:
            if tool is not None:
                _find_tool(tx, owner, tool)
            present = _present(tx, owner, provider, tool, unit)
            if present is None:
                made = self._open(tx, owner, f"cei_{ULID()}", 1, provider, tool, unit, limit, at)
            else:
                made = _set_anew(tx, owner, present, limit, at)
            audit.record(tx, self._signer, owner, Act.CEILING_SET, at=at, subject=made)
            ceiling = one(tx, owner, made)
            _tell(tx, owner, Kind.CEILING_SET, ceiling, at=at)
            if present and ceiling.hit_at == at and present.hit_at is None:
                _tell(tx, owner, Kind.CEILING_HIT, ceiling, at=at)
            return ceiling

        return await self._store.write(unit_of_work)

    async def reset(self, owner: Owner, ceiling: str) -> Ceiling:
        """Begin the next epoch: nothing is used, nothing is hit. Raises `CeilingGone`."""
        at = self._clock()

        def unit(tx: Tx) -> Ceiling:
            old = one(tx, owner, ceiling)
            _close(tx, owner, old, at)
            self._open(
                tx, owner, old.id, old.epoch + 1, old.provider, old.tool, old.unit, old.limit, at
            )
            audit.record(tx, self._signer, owner, Act.CEILING_RESET, at=at, subject=ceiling)
            new = one(tx, owner, ceiling)
            _tell(tx, owner, Kind.CEILING_RESET, new, at=at)
            return new

        return await self._store.write(unit)

    async def remove(self, owner: Owner, ceiling: str) -> None:
        """Take a ceiling away; what it recorded stays. Raises `CeilingGone`."""
        at = self._clock()

        def unit(tx: Tx) -> None:
            old = one(tx, owner, ceiling)
            _close(tx, owner, old, at)
            audit.record(tx, self._signer, owner, Act.CEILING_REMOVED, at=at, subject=ceiling)
            _tell(tx, owner, Kind.CEILING_REMOVED, old, at=at)

        await self._store.write(unit)

    def _open(  # noqa: PLR0917 - a row
        self,
        tx: Tx,
        owner: Owner,
        ceiling: str,
        epoch: int,
        provider: str | None,
        tool: str | None,
        unit: str,
        limit: int,
        at: int,
    ) -> str:
        tx.run(
            "INSERT INTO ceilings (account, id, epoch, provider, tool, unit, wanted, ceiling,"
            " set_at, opened_at) VALUES (:account, :ceiling, :epoch, :provider, :tool, :unit,"
            " :wanted, :wanted, :at, :at)",
            account=owner.account,
            ceiling=ceiling,
            epoch=epoch,
            provider=provider,
            tool=tool,
            unit=unit,
            wanted=limit,
            at=at,
        )
        return ceiling

    # What its account does with it: accounts.belongings.

    def end_all(self, tx: Tx, owner: Owner, *, at: int) -> int:
        """End nothing: a ceiling grants nothing."""
        del tx, owner, at
        return 0

    def move(self, tx: Tx, was: Owner, to: Owner) -> None:
        """Make everything about money that of the account's new id."""
        for table in _TABLES:
            tx.run(
                f"UPDATE {table} SET account = :to WHERE account = :account",  # noqa: S608
                account=was.account,
                to=to.account,
            )

    def forget(self, tx: Tx, owner: Owner) -> None:
        """Drop everything about money of an account that is gone."""
        for table in _TABLES:
            tx.run(f"DELETE FROM {table} WHERE account = :account", account=owner.account)  # noqa: S608

    def was_committed(self) -> None:
        """Nothing is left to be done."""


_TABLES: Final[Sequence[str]] = (
    "ceilings",
    "reservations",
    "ledger",
    "prices",
    "frozen",
    "commitments",
)


def _check(limit: int, provider: str | None, unit: str) -> None:
    if not 0 <= limit <= HIGHEST:
        raise CeilingUnfit("A ceiling is between 0 and a billion.")
    if unit.startswith(MOVED) and provider is None:
        raise CeilingUnfit("What is moved is counted at one provider: name it.")


def _find_tool(tx: Tx, owner: Owner, tool: str) -> None:
    found = tx.one(
        "SELECT 1 FROM tools WHERE account = :account AND id = :tool AND revoked_at IS NULL",
        account=owner.account,
        tool=tool,
    )
    if found is None:
        raise CeilingGone


def _present(
    tx: Tx, owner: Owner, provider: str | None, tool: str | None, unit: str
) -> Ceiling | None:
    row: Row | None = tx.one(
        f"{_CEILING} AND coalesce(provider, '') = :provider AND coalesce(tool, '') = :tool"
        " AND unit = :unit",
        account=owner.account,
        provider=provider or "",
        tool=tool or "",
        unit=unit,
    )
    return None if row is None else Ceiling(*row)


def _set_anew(tx: Tx, owner: Owner, present: Ceiling, limit: int, at: int) -> str:
    used = present.settled + present.held
    hit_at = present.hit_at
    if limit > present.limit and present.settled < limit:
        hit_at = None
    elif used > limit and hit_at is None:
        hit_at = at
    tx.run(
        "UPDATE ceilings SET wanted = :wanted, ceiling = max(:wanted, settled + held),"
        " warned = :warned, hit_at = :hit_at, set_at = :at"
        " WHERE account = :account AND id = :ceiling AND epoch = :epoch",
        account=owner.account,
        ceiling=present.id,
        epoch=present.epoch,
        wanted=limit,
        warned=_mark_of(present.settled, limit),
        hit_at=hit_at,
        at=at,
    )
    return present.id


def _close(tx: Tx, owner: Owner, ceiling: Ceiling, at: int) -> None:
    tx.run(
        "UPDATE ceilings SET closed_at = :at"
        " WHERE account = :account AND id = :ceiling AND epoch = :epoch",
        account=owner.account,
        ceiling=ceiling.id,
        epoch=ceiling.epoch,
        at=at,
    )
