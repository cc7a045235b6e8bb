"""The ledger: what was charged, entry by entry. It is only ever added to.

An entry names its source. What was charged in a call's dispute is given back by a second entry.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import audit
from audit import Act, Signer
from broker import holds
from broker.ceilings import USD
from broker.errors import NothingDisputed
from broker.holds import Hold
from metering import Charge, Source
from store import Clock, Owner, Store, Tx
from store.clock import DAY


class Entry(NamedTuple):
    """What an entry is about. `at` is in microseconds."""

    call: str
    at: int
    provider: str
    tool: str
    model: str | None


class By(StrEnum):
    """What spend is put together by."""

    PROVIDER = "PROVIDER"
    TOOL = "TOOL"
    MODEL = "MODEL"
    DAY = "DAY"


@dataclass(frozen=True, slots=True)
class Spend:
    """What was spent on one thing. Amounts are nano-dollars; `since` begins a day in UTC."""

    provider: str | None
    tool: str | None
    model: str | None
    since: int | None
    amount: int
    disputed: int
    """How much of it nobody knows for sure, and its owner may release."""
    calls: int
    unpriced: int
    """How many of the calls have no known price: they count as nothing here."""


_GROUPS: Final = {
    By.PROVIDER: ("provider", "NULL", "NULL", "NULL"),
    By.TOOL: ("NULL", "tool", "NULL", "NULL"),
    By.MODEL: ("provider", "NULL", "model", "NULL"),
    By.DAY: ("NULL", "NULL", "NULL", f"at - at % {DAY}"),
}


def charge(
    tx: Tx,
    owner: Owner,
    entry: Entry,
    unit: str,
    amount: Charge,
    *,
    disputed: bool = False,
    number: int = 1,
) -> None:
    """Add a charge to the ledger."""
    _add(
        tx,
        owner,
        entry,
        unit,
        amount.amount,
        "DISPUTED" if disputed else "CHARGED",
        amount.source,
        number,
    )


def next_number(tx: Tx, owner: Owner, call: str) -> int:
    """Give the number of a call's next entry; the first two are those of its settlement."""
    row = tx.one(
        "SELECT coalesce(max(entry), 2) + 1 FROM ledger WHERE account = :account AND call = :call",
        account=owner.account,
        call=call,
    )
    return max(3, int(row[0])) if row else 3


def _add(  # noqa: PLR0917 - a row
    tx: Tx,
    owner: Owner,
    entry: Entry,
    unit: str,
    amount: int,
    kind: str,
    source: Source,
    number: int,
) -> None:
    tx.run(
        "INSERT INTO ledger (account, call, entry, at, provider, tool, model, unit, amount, kind,"
        " source) VALUES (:account, :call, :entry, :at, :provider, :tool, :model, :unit, :amount,"
        " :kind, :source)",
        account=owner.account,
        call=entry.call,
        entry=number,
        at=entry.at,
        provider=entry.provider,
        tool=entry.tool,
        model=entry.model,
        unit=unit,
        amount=amount,
        kind=kind,
        source=source,
    )


class Ledger:
    """What an owner sees of the ledger, and the one word that they have in it."""

    def __init__(self, store: Store, signer: Signer, clock: Clock) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock

    async def spend(
        self, owner: Owner, by: By, *, since: int | None, until: int | None
    ) -> list[Spend]:
        """Give what was spent from `since` until before `until`, dearest first; days in order."""
        provider, tool, model, day = _GROUPS[by]
        order = "4" if by is By.DAY else "5 DESC, 1, 2, 3"
        rows = await self._store.read(
            lambda tx: tx.all(
                f"SELECT {provider}, {tool}, {model}, {day}, sum(amount),"  # noqa: S608 - of a table of ours
                " sum(amount * (kind <> 'CHARGED')), count(DISTINCT call),"
                " count(DISTINCT CASE source WHEN 'UNPRICED' THEN call END) FROM ledger"
                " WHERE account = :account AND unit = 'usd'"
                " AND at >= :since AND at < :until GROUP BY 1, 2, 3, 4"
                f" ORDER BY {order}",
                account=owner.account,
                since=-(2**62) if since is None else since,
                until=2**62 if until is None else until,
            )
        )
        return [Spend(*row) for row in rows]

    async def release(self, owner: Owner, call: str, cost: int, *, made: bool = False) -> int:
        """Settle a disputed call by its owner's word: it cost this many nano-dollars.

        `made` says that it was carried out, though it cost nothing: what it moved stays counted.
        Gives what was given back. A cost above what is disputed counts as that. Raises
        `NothingDisputed`.
        """
        at = self._clock()

        def unit(tx: Tx) -> int:
            disputed = holds.of_call(tx, owner, call, "DISPUTED")
            # The call's own charge: the hours of what it made came after, and were never disputed.
            charged = tx.one(
                "SELECT provider, tool, model, amount, at FROM ledger WHERE account = :account"
                " AND call = :call AND unit = 'usd' AND entry = 1",
                account=owner.account,
                call=call,
            )
            if not disputed:
                raise NothingDisputed
            for hold in disputed:
                whole = hold.amount if cost or made else 0
                kept = min(cost, hold.amount) if hold.unit == USD else whole
                _give_back(tx, owner, call, hold, kept)
            back = 0
            if charged is not None:
                provider, tool, model, amount, spent_at = charged
                kept = min(cost, amount)
                back = amount - kept
                # Of the day on which it was spent: else that day's sum would keep it for ever.
                entry = Entry(call, spent_at, provider, tool, model)
                number = next_number(tx, owner, call)
                _add(tx, owner, entry, USD, -amount, "GIVEN_BACK", Source.USER, number)
                if kept:
                    _add(tx, owner, entry, USD, kept, "CHARGED", Source.USER, number + 1)
            if not cost and not made:
                _give_back_moved(tx, owner, call, at)
            audit.record(tx, self._signer, owner, Act.DISPUTE_SETTLED, at=at, subject=call)
            return back

        return await self._store.write(unit)


def _give_back_moved(tx: Tx, owner: Owner, call: str, at: int) -> None:
    moved = tx.all(
        "SELECT provider, tool, model, unit, sum(amount) FROM ledger WHERE account = :account"
        " AND call = :call AND unit <> 'usd' GROUP BY provider, tool, model, unit",
        account=owner.account,
        call=call,
    )
    for provider, tool, model, unit, amount in moved:
        entry = Entry(call, at, provider, tool, model)
        number = next_number(tx, owner, call)
        _add(tx, owner, entry, unit, -amount, "GIVEN_BACK", Source.USER, number)


def _give_back(tx: Tx, owner: Owner, call: str, hold: Hold, kept: int) -> None:
    tx.run(
        "UPDATE reservations SET state = :state, cost = :kept WHERE account = :account"
        " AND call = :call AND ceiling = :ceiling AND epoch = :epoch AND state = 'DISPUTED'",
        account=owner.account,
        call=call,
        ceiling=hold.ceiling,
        epoch=hold.epoch,
        state="SETTLED" if kept else "RELEASED",
        kept=kept,
    )
    tx.run(
        "UPDATE ceilings SET settled = settled - :back"
        " WHERE account = :account AND id = :ceiling AND epoch = :epoch",
        account=owner.account,
        ceiling=hold.ceiling,
        epoch=hold.epoch,
        back=hold.amount - kept,
    )
