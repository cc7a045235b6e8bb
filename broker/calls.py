"""The ledger of calls: a row each, begun before the call leaves, ended with what became of it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from store import Owner, Row, Store, Tx


class Outcome(StrEnum):
    """What became of a call."""

    ANSWERED = "ANSWERED"
    CUT = "CUT"
    CLIENT_GONE = "CLIENT_GONE"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    REFUSED = "REFUSED"
    LOST = "LOST"


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


_CALL: Final = (
    "SELECT id, account, tool, key, version, provider, started_at, model, outcome, status,"
    " bytes_in, bytes_out, duration FROM calls"
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
    at: int,
) -> None:
    """Note a call down, in the transaction that found its key alive."""
    tx.run(
        "INSERT INTO calls (id, account, tool, key, version, provider, worker, started_at)"
        " VALUES (:id, :account, :tool, :key, :version, :provider, :worker, :at)",
        id=call,
        account=owner.account,
        tool=tool,
        key=key,
        version=version,
        provider=provider,
        worker=worker,
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
) -> None:
    """Note what became of a call. Said twice, the first time stands.

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
            return


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


def give_up_on_the_dead(tx: Tx, *, silent_since: int) -> None:
    """Close the books of server processes that died: their calls are lost, their listeners gone."""
    dead = "SELECT id FROM workers WHERE seen_at < :silent_since"
    tx.run(
        f"UPDATE calls SET outcome = 'LOST' WHERE outcome IS NULL AND worker IN ({dead})",  # noqa: S608
        silent_since=silent_since,
    )
    tx.run(f"DELETE FROM listeners WHERE worker IN ({dead})", silent_since=silent_since)  # noqa: S608
    tx.run("DELETE FROM workers WHERE seen_at < :silent_since", silent_since=silent_since)


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
        *,
        before: str | None,
        most: int,
        provider: str | None,
        tool: str | None,
    ) -> list[Call]:
        """Give the owner's calls, newest first, those before the call `before` when given."""
        rows = await self._store.read(
            lambda tx: tx.all(
                f"{_CALL} WHERE account = :account AND (:before IS NULL OR id < :before)"
                " AND (:provider IS NULL OR provider = :provider)"
                " AND (:tool IS NULL OR tool = :tool) ORDER BY id DESC LIMIT :most",
                account=owner.account,
                before=before,
                provider=provider,
                tool=tool,
                most=most,
            )
        )
        return [_call(row) for row in rows]


def _call(row: Row) -> Call:
    *start, outcome, status, bytes_in, bytes_out, duration = row
    what = Outcome(outcome) if outcome else None
    return Call(*start, what, status, bytes_in, bytes_out, duration)  # type: ignore[call-arg]
