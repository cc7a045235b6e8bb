"""The ledger of calls: a row each, begun before the call leaves, ended with what became of it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from broker import reservations
from broker.outcome import Outcome
from metering import Source
from store import Owner, Row, Store, Tx


@dataclass(frozen=True, slots=True)
class Call:
    """One row. `outcome` is None while it runs; bytes are of bodies; times are microseconds."""

    id: str
    account: str
    tool: str
    key: str
    version: int
    provider: str
    started_at: int
    model: str | None
    outcome: Outcome | None
    status: int | None
    bytes_in: int
    bytes_out: int
    duration: int | None
    operation: str | None
    bound: int | None
    """The most that it could cost, in nano-dollars; None: nobody can tell."""
    cost: int | None
    """What it did cost, in nano-dollars; None while it runs, and where nobody knows."""
    source: Source | None
    """Where the cost comes from; None where there is none."""
    disputed: bool
    """Its cost counts in full, and may be released by its owner."""


_OF_CALL: Final = (
    "FROM ledger WHERE ledger.account = calls.account AND ledger.call = calls.id AND unit = 'usd'"
)
_DISPUTED: Final = (
    "EXISTS (SELECT 1 FROM reservations WHERE reservations.account = calls.account"
    " AND reservations.call = calls.id AND state = 'DISPUTED')"
)
_CALL: Final = (
    "SELECT id, account, tool, key, version, provider, started_at, model, outcome, status,"  # noqa: S608
    " bytes_in, bytes_out, duration, operation, bound,"
    f" (SELECT sum(amount) {_OF_CALL}), (SELECT source {_OF_CALL} ORDER BY entry DESC LIMIT 1),"
    f" {_DISPUTED} FROM calls"
)
# By the plus, SQLite looks the call's few entries up, not all entries of that time for each call.
_CHARGED_THEN: Final = (
    f"{_OF_CALL} AND +at >= :since AND +at < :until"
    " AND (:model IS NULL OR coalesce(ledger.model, '') = :model)"
)
_CHARGED_FOR: Final = f"EXISTS (SELECT 1 {_CHARGED_THEN})"
_UNPRICED: Final = f"EXISTS (SELECT 1 {_CHARGED_THEN} AND source = 'UNPRICED')"
_NEVER_CHARGED: Final = (
    "(started_at >= :since AND started_at < :until"
    " AND (:model IS NULL OR coalesce(calls.model, '') = :model)"
    f" AND NOT EXISTS (SELECT 1 {_OF_CALL}))"
)
_LATEST: Final = (
    f"{_CALL} WHERE account = :account AND (:before IS NULL OR id < :before)"
    " AND (:provider IS NULL OR provider = :provider)"
    " AND (:tool IS NULL OR tool = :tool) AND (:key IS NULL OR key = :key)"
    f" AND (:disputed IS NULL OR {_DISPUTED} = :disputed)"
    f" AND (:unpriced IS NULL OR {_UNPRICED} = :unpriced)"
    f" AND ({_CHARGED_FOR} OR {_NEVER_CHARGED}) ORDER BY id DESC LIMIT :most"
)
# Goes by `calls_of_key` alone, which holds the tool for it.
_USES: Final = (
    "SELECT key, tool, max(started_at), count(*) FROM calls WHERE account = :account"
    " AND key IN (SELECT id FROM keys WHERE account = :account AND removed_at IS NULL"
    " AND (:key IS NULL OR id = :key)) AND started_at >= :since GROUP BY key, tool"
    " ORDER BY 3 DESC, tool"
)


def begin(
    tx: Tx,
    call: str,
    owner: Owner,
    *,
    tool: str,
    key: str,
    version: int,
    provider: str,
    worker: str,
    operation: str | None,
    model: str | None,
    bound: int | None,
    at: int,
) -> None:
    """Note a call down, in the transaction that found its key alive."""
    tx.run(
        "INSERT INTO calls (id, account, tool, key, version, provider, worker, operation, model,"
        " bound, started_at) VALUES (:id, :account, :tool, :key, :version, :provider, :worker,"
        " :operation, :model, :bound, :at)",
        id=call,
        account=owner.account,
        tool=tool,
        key=key,
        version=version,
        provider=provider,
        worker=worker,
        operation=operation,
        model=model,
        bound=bound,
        at=at,
    )


def end(
    tx: Tx,
    call: str,
    owner: Owner,
    *,
    outcome: Outcome,
    status: int | None,
    model: str | None,
    bytes_in: int,
    bytes_out: int,
    at: int,
) -> Owner | None:
    """Note what became of a call; give whose it is now. Said twice, the first time stands: None.

    Its account may have taken another id since the call began.
    """
    for account in _ids_of(tx, owner):
        if tx.run(
            "UPDATE calls SET outcome = :outcome, status = :status, model = :model,"
            " bytes_in = :bytes_in, bytes_out = :bytes_out, duration = max(0, :at - started_at)"
            " WHERE account = :account AND id = :id AND outcome IS NULL",
            id=call,
            account=account,
            outcome=outcome,
            status=status,
            model=model,
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            at=at,
        ):
            return Owner(account)
    return None


def whose(tx: Tx, call: str, owner: Owner) -> Owner | None:
    """Give whose a call is now; None where it is gone with its account."""
    for account in _ids_of(tx, owner):
        if tx.one(
            "SELECT 1 FROM calls WHERE account = :account AND id = :id", account=account, id=call
        ):
            return Owner(account)
    return None


def grow(tx: Tx, call: str, owner: Owner, amount: int) -> bool:
    """Raise the most that a call which goes on can cost; False where it runs no more."""
    return bool(
        tx.run(
            "UPDATE calls SET bound = bound + :amount"
            " WHERE account = :account AND id = :call AND outcome IS NULL",
            account=owner.account,
            call=call,
            amount=amount,
        )
    )


def dispatch(tx: Tx, call: str, owner: Owner) -> bool:
    """Note durably that a call may have left; False where what it held was given up meanwhile.

    Its account may have taken another id since the call began.
    """
    return any(reservations.dispatch(tx, Owner(account), call) for account in _ids_of(tx, owner))


def unname(tx: Tx, call: str, owner: Owner) -> None:
    """Take the model's name out of a call that goes on: it was a key."""
    for account in _ids_of(tx, owner):
        tx.run(
            "UPDATE calls SET model = NULL WHERE account = :account AND id = :id",
            account=account,
            id=call,
        )


def _ids_of(tx: Tx, owner: Owner) -> Iterator[str]:
    """Give an account's id, then those that it has taken since; the id of one call fits one alone.

    An id may have had several holders, one after the other: all of their ways are gone.
    """
    waiting, seen = deque([owner.account]), {owner.account}
    while waiting:
        yield (account := waiting.popleft())
        rows = tx.all("SELECT account FROM moves WHERE was = :account", account=account)
        fresh = {str(row[0]) for row in rows} - seen
        waiting.extend(sorted(fresh))
        seen |= fresh


def give_up_on_the_dead(tx: Tx, *, silent_since: int, at: int) -> None:
    """Close the books of server processes that died: their calls are lost, their listeners gone.

    What the calls held of ceilings counts in full, unless they never left. One that was taken for
    dead, and then went on, is not listed until its next pulse: so those who live are asked for.
    """
    dead = "SELECT id FROM workers WHERE seen_at < :silent_since"
    lost = tx.all(
        "UPDATE calls SET outcome = 'LOST' WHERE outcome IS NULL"
        " AND worker NOT IN (SELECT id FROM workers WHERE seen_at >= :silent_since)"
        " RETURNING account, id",
        silent_since=silent_since,
    )
    for account, call in lost:
        reservations.give_up(tx, Owner(account), call, at=at)
    tx.run(f"DELETE FROM listeners WHERE worker IN ({dead})", silent_since=silent_since)  # noqa: S608
    tx.run("DELETE FROM workers WHERE seen_at < :silent_since", silent_since=silent_since)


@dataclass(frozen=True, slots=True)
class Which:
    """Which of an owner's calls are meant; what is None leaves nothing out.

    A call belongs to the moment and the model for which it was charged, so that these are the very
    calls of which `Ledger.spend` tells; one for which nothing was, to when it began and what it
    named. From `since` until before `until`, in microseconds; the model "" is none at all.
    """

    provider: str | None = None
    tool: str | None = None
    key: str | None = None
    model: str | None = None
    since: int | None = None
    until: int | None = None
    disputed: bool | None = None
    unpriced: bool | None = None
    """True: those that `Spend.unpriced` counts, for want of a known price; False: the rest."""


@dataclass(frozen=True, slots=True)
class Use:
    """What one tool did with one key: when it last began a call (microseconds), and how many."""

    key: str
    tool: str
    last_at: int
    calls: int


class Calls:
    """The owner's calls, to look at."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def end_all(self, tx: Tx, owner: Owner, *, at: int) -> int:
        """End nothing: calls end with their key or their tool."""
        del tx, owner, at
        return 0

    def move(self, tx: Tx, was: Owner, to: Owner) -> None:
        """Make the calls those of the account's new id."""
        tx.run(
            "UPDATE calls SET account = :to WHERE account = :account",
            account=was.account,
            to=to.account,
        )

    def forget(self, tx: Tx, owner: Owner) -> None:
        """Drop the calls of an account that is gone."""
        tx.run("DELETE FROM calls WHERE account = :account", account=owner.account)

    def was_committed(self) -> None:
        """Nothing is left to be done."""

    async def latest(
        self,
        owner: Owner,
        which: Which = Which(),
        *,
        before: str | None,
        most: int,
    ) -> list[Call]:
        """Give the owner's calls, newest first, those before the call `before` when given."""
        rows = await self._store.read(
            lambda tx: tx.all(
                _LATEST,
                account=owner.account,
                before=before,
                provider=which.provider,
                tool=which.tool,
                key=which.key,
                model=which.model,
                since=-(2**62) if which.since is None else which.since,
                until=2**62 if which.until is None else which.until,
                disputed=which.disputed,
                unpriced=which.unpriced,
                most=most,
            )
        )
        return [_call(row) for row in rows]

    async def uses(self, owner: Owner, *, key: str | None, since: int) -> list[Use]:
        """Give which tools called with each of the owner's keys since then, the latest first.

        One key's alone where it is named. Whatever was removed is left out.
        """
        rows = await self._store.read(
            lambda tx: tx.all(_USES, account=owner.account, key=key, since=since)
        )
        return [Use(*row) for row in rows]


def _call(row: Row) -> Call:
    *start, outcome, status, came, left, duration, operation, bound, cost, source, disputed = row
    call, account, tool, key, version, provider, started_at, model = start
    what = Outcome(outcome) if outcome else None
    where = Source(source) if source else None
    if where is Source.UNPRICED or what is None:
        cost = None
    elif where is None:
        # Nothing was charged; of a call from before there was a ledger, nobody knows.
        cost = None if operation is None else 0
    return Call(
        id=call,
        account=account,
        tool=tool,
        key=key,
        version=version,
        provider=provider,
        started_at=started_at,
        model=model,
        outcome=what,
        status=status,
        bytes_in=came,
        bytes_out=left,
        duration=duration,
        operation=operation,
        bound=bound,
        cost=cost,
        source=where,
        disputed=bool(disputed),
    )
