"""What a call has made at a provider and costs by the hour until it is deleted: a server, a disk.

Each hour is charged as it begins, as the providers do it, the first with the call itself. An hour
that does not fit under a ceiling is real all the same: it is recorded beside the ceiling, as its
excess, and the ceiling is hit. Nothing is ever deleted by keysteward of its own accord.
"""

from dataclasses import dataclass
from typing import Final

import audit
from audit import Act, Signer
from broker import ceilings, ledger
from broker.ceilings import HIGHEST, USD, Ceiling
from broker.errors import CommitmentGone
from metering import Charge, Source
from store import Clock, Owner, Row, Store, Tx
from store.clock import MINUTE

HOUR: Final = 60 * MINUTE
_MOST_RENEWED: Final = 100


@dataclass(frozen=True, slots=True)
class Commitment:
    """Something that runs and costs. `hourly` is in nano-dollars, times are microseconds."""

    provider: str
    resource: str
    call: str
    tool: str
    item: str | None
    hourly: int
    since: int
    paid_to: int


_COMMITMENT: Final = (
    "SELECT provider, resource, call, tool, item, hourly, since, paid_to FROM commitments"
)


def begin(tx: Tx, owner: Owner, made: Commitment) -> None:
    """Note down what was made; its first hour was charged with the call."""
    tx.run(
        "INSERT INTO commitments (account, provider, resource, call, tool, item, hourly, since,"
        " paid_to) VALUES (:account, :provider, :resource, :call, :tool, :item, :hourly, :since,"
        " :paid_to) ON CONFLICT DO NOTHING",
        account=owner.account,
        provider=made.provider,
        resource=made.resource,
        call=made.call,
        tool=made.tool,
        item=made.item,
        hourly=made.hourly,
        since=made.since,
        paid_to=made.paid_to,
    )


def end(
    tx: Tx, owner: Owner, provider: str, resource: str, *, key: str | None = None, at: int
) -> bool:
    """Charge no more hours for it; False when it did not run, or was not made with this key."""
    return bool(
        tx.run(
            "UPDATE commitments SET ended_at = :at WHERE account = :account"
            " AND provider = :provider AND resource = :resource AND ended_at IS NULL"
            " AND (:key IS NULL OR EXISTS (SELECT 1 FROM calls WHERE calls.account = :account"
            " AND calls.id = commitments.call AND calls.key = :key))",
            account=owner.account,
            provider=provider,
            resource=resource,
            key=key,
            at=at,
        )
    )


def renew(tx: Tx, *, now: int) -> None:
    """Charge the hours that have begun, of everybody's."""
    due = tx.all(
        "SELECT account, provider, resource, call, tool, item, hourly, since, paid_to"
        " FROM commitments WHERE ended_at IS NULL AND paid_to <= :now ORDER BY paid_to LIMIT :most",
        now=now,
        most=_MOST_RENEWED,
    )
    for account, *rest in due:
        _charge(tx, Owner(account), Commitment(*rest), now)


def _charge(tx: Tx, owner: Owner, running: Commitment, now: int) -> None:
    hours = (now - running.paid_to) // HOUR + 1
    # What is beyond it fits no column, and one account's row must not stop everybody's hours.
    amount = min(hours * running.hourly, HIGHEST)
    for ceiling in ceilings.governing(tx, owner, provider=running.provider, tool=running.tool):
        if ceiling.unit == USD:
            _book(tx, owner, ceiling, amount, now)
    entry = ledger.Entry(running.call, now, running.provider, running.tool, running.item)
    number = ledger.next_number(tx, owner, running.call)
    ledger.charge(tx, owner, entry, USD, Charge(amount, Source.USAGE), number=number)
    tx.run(
        "UPDATE commitments SET paid_to = paid_to + :paid WHERE account = :account"
        " AND provider = :provider AND resource = :resource",
        account=owner.account,
        provider=running.provider,
        resource=running.resource,
        paid=hours * HOUR,
    )


def _book(tx: Tx, owner: Owner, ceiling: Ceiling, amount: int, now: int) -> None:
    """Count an hour under a ceiling as far as it fits, and beside it as far as it does not."""
    row = tx.one(
        "UPDATE ceilings SET"
        " settled = settled + max(0, min(:amount, wanted - settled - held - excess)),"
        " excess = min(:most, excess + :amount"
        " - max(0, min(:amount, wanted - settled - held - excess)))"
        " WHERE account = :account AND id = :ceiling AND epoch = :epoch RETURNING settled, excess",
        account=owner.account,
        ceiling=ceiling.id,
        epoch=ceiling.epoch,
        amount=amount,
        most=HIGHEST,
    )
    if row is None:
        return
    if row[1] > ceiling.excess:
        ceilings.hit(tx, owner, ceiling, at=now)
        ceilings.exceeded(tx, owner, ceiling, at=now)
    ceilings.warn(tx, owner, ceilings.one(tx, owner, ceiling.id), at=now)


class Commitments:
    """What an owner sees of them."""

    def __init__(self, store: Store, signer: Signer, clock: Clock) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock

    async def running(self, owner: Owner) -> list[Commitment]:
        """Give what runs and costs by the hour, oldest first."""
        rows: list[Row] = await self._store.read(
            lambda tx: tx.all(
                f"{_COMMITMENT} WHERE account = :account AND ended_at IS NULL ORDER BY since",
                account=owner.account,
            )
        )
        return [Commitment(*row) for row in rows]

    async def end(self, owner: Owner, provider: str, resource: str) -> None:
        """Say that it is gone at the provider: it was deleted there, not through keysteward.

        Raises `CommitmentGone`.
        """
        at = self._clock()

        def unit(tx: Tx) -> None:
            if not end(tx, owner, provider, resource, at=at):
                raise CommitmentGone
            audit.record(tx, self._signer, owner, Act.COMMITMENT_ENDED, at=at, subject=provider)

        await self._store.write(unit)
