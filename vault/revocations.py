"""Who has heard of a revocation: running tools, their acknowledgements, and when all have.

A listener is one open `keyRevoked` subscription of a tool: one process of it. A revocation has
converged once every listener that was connected has acknowledged it and no call cut by it runs.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from store import Clock, Failure, Owner, Row, Store, Tx, changes
from store.changes import Change, CursorExpired, Reason
from store.clock import SECOND

WORKER_SILENT_AFTER: Final = 5 * SECOND
"""A server process that has not been seen for this long has died, and its listeners with it."""
_LONGEST_INSTANCE: Final = 100


class NotARevocation(Failure):
    """The cursor names no revocation of this account."""

    def __init__(self) -> None:
        super().__init__("No revocation of this account stands at this cursor.")


class HeardState(StrEnum):
    """How far one tool is with one revocation."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    PENDING = "PENDING"
    OFFLINE = "OFFLINE"


@dataclass(frozen=True, slots=True)
class Listener:
    """One open subscription of one tool, as its worker notes it down."""

    id: str
    account: str
    tool: str
    instance: str
    start: int
    """The number of the change after which it listens."""
    connected_at: int


@dataclass(frozen=True, slots=True)
class ToolHeard:
    """One tool's standing with one revocation. `lag` is in microseconds."""

    tool: str
    state: HeardState
    listeners: int
    acknowledged_at: int | None
    lag: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """One revocation and how far it has come."""

    change: Change
    calls_cut: int
    calls_running: int
    tools: tuple[ToolHeard, ...]

    @property
    def converged(self) -> bool:
        """Every running tool has acknowledged, and no call goes on with what was removed."""
        return not self.calls_running and all(t.state is not HeardState.PENDING for t in self.tools)


class Revocations:
    """The account's revocations, and what its tools say of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def end_all(self, tx: Tx, owner: Owner, *, at: int) -> int:
        """End nothing: who listens is told of the end of tools and keys."""
        del tx, owner, at
        return 0

    def move(self, tx: Tx, was: Owner, to: Owner) -> None:
        """Name the account's new id where its tools listen; what they said has followed it."""
        tx.run(
            "UPDATE listeners SET account = :to WHERE account = :account",
            account=was.account,
            to=to.account,
        )

    def forget(self, tx: Tx, owner: Owner) -> None:
        """Drop who listened; what they said goes with the account."""
        tx.run("DELETE FROM listeners WHERE account = :account", account=owner.account)

    def was_committed(self) -> None:
        """Nothing is left to be done."""

    async def head(self, owner: Owner) -> int:
        """Give the number of the account's newest change."""
        return await self._store.read(lambda tx: changes.head(tx, owner))

    async def after(self, owner: Owner, seq: int) -> tuple[list[Change], int]:
        """Give the revocations above `seq`, and up to where they reach.

        Raises `CursorExpired` and `AccountGone`.
        """
        return await self._store.read(lambda tx: changes.revocations_after(tx, owner, seq))

    async def acknowledge(self, owner: Owner, tool: str, instance: str, seq: int) -> int:
        """Note that this instance of a tool has applied everything up to `seq`; give `seq`.

        Said twice, the first time stands; of a tool that isn't the owner's, nothing is noted.
        Raises `CursorExpired` for a number not reached yet.
        """
        at = self._clock()
        instance = instance[:_LONGEST_INSTANCE]

        def unit(tx: Tx) -> int:
            head = changes.head(tx, owner)
            if not 0 <= seq <= head:
                raise CursorExpired(head)
            tx.run(
                "INSERT INTO heard (account, tool, instance, seq, at)"
                " SELECT account, id, :instance, :seq, :at FROM tools"
                " WHERE account = :account AND id = :tool ON CONFLICT DO NOTHING",
                account=owner.account,
                tool=tool,
                instance=instance,
                seq=seq,
                at=at,
            )
            return seq

        return await self._store.write(unit)

    async def standing(self, owner: Owner, seq: int) -> Standing:
        """Tell how far one revocation has come. Raises `NotARevocation`."""
        now = self._clock()

        def unit(tx: Tx) -> Standing:
            change = changes.revocation_at(tx, owner, seq)
            if change is None:
                raise NotARevocation
            return _standing(tx, owner, change, now)

        return await self._store.read(unit)

    async def latest(self, owner: Owner, *, before: int | None, most: int) -> list[Standing]:
        """Give the account's revocations, newest first."""
        now = self._clock()
        return await self._store.read(
            lambda tx: [
                _standing(tx, owner, change, now)
                for change in changes.latest_revocations(tx, owner, before=before, most=most)
            ]
        )

    async def running(self, owner: Owner) -> dict[str, int]:
        """Tell how many listeners each running tool has, by the tool's id."""
        now = self._clock()

        def unit(tx: Tx) -> dict[str, int]:
            rows = tx.all(
                "SELECT tool, count(*) FROM listeners JOIN workers ON workers.id = worker"
                " WHERE account = :account AND seen_at > :since GROUP BY tool",
                account=owner.account,
                since=now - WORKER_SILENT_AFTER,
            )
            return dict(rows)

        return await self._store.read(unit)

    async def begin_listening(
        self, worker: str, listener: Listener, after: int | None
    ) -> Listener | None:
        """Note down a tool that listens after `after` (None: from now on); give it as it stands.

        None when the tool has been revoked or its token has expired: asked in this very write.
        """

        def unit(tx: Tx) -> Row | None:
            return tx.one(
                "INSERT INTO listeners (id, account, tool, instance, worker, start, connected_at)"
                " SELECT :id, account, tools.id, :instance, :worker, coalesce(:after, head), :at"
                " FROM tools JOIN accounts USING (account)"
                " WHERE account = :account AND tools.id = :tool AND revoked_at IS NULL"
                " AND (expires_at IS NULL OR expires_at > :at) RETURNING start",
                id=listener.id,
                account=listener.account,
                tool=listener.tool,
                instance=listener.instance[:_LONGEST_INSTANCE],
                worker=worker,
                after=after,
                at=listener.connected_at,
            )

        writing = self._store.write(unit)
        try:
            row = await writing
        except asyncio.CancelledError:
            self.drop_listener(listener)  # what was asked for will be done, so must be undone
            raise
        return None if row is None else replace(listener, start=row[0])

    def drop_listener(self, listener: Listener) -> Awaitable[int]:
        """Note down that it listens no longer. Needs no awaiting: once asked for, it is done."""
        return self._store.write(
            lambda tx: tx.run(
                "DELETE FROM listeners WHERE account = :account AND id = :id",
                account=listener.account,
                id=listener.id,
            )
        )


def forget(tx: Tx, *, older_than: int) -> None:
    """Drop what was changed, and what was heard of it, before `older_than` (microseconds)."""
    changes.prune(tx, older_than=older_than)
    tx.run("DELETE FROM heard WHERE at < :older_than", older_than=older_than)


def seen(tx: Tx, worker: str, now: int) -> None:
    """Note that a worker lives."""
    tx.run(
        "INSERT INTO workers (id, started_at, seen_at) VALUES (:id, :now, :now)"
        " ON CONFLICT (id) DO UPDATE SET seen_at = :now",
        id=worker,
        now=now,
    )


def _standing(tx: Tx, owner: Owner, change: Change, now: int) -> Standing:
    """Work one revocation's standing out from listeners, acknowledgements and calls.

    Asked of those whom it concerns: the tools that may use the key, or the one tool that was ended.
    """
    allowed = tx.all(
        "SELECT id FROM tools WHERE account = :account"
        " AND CASE WHEN :provider IS NULL THEN id = :tool"
        "     ELSE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :at)"
        "          AND created_at <= :at AND (providers IS NULL"
        "               OR instr(providers, ' ' || :provider || ' ') > 0) END ORDER BY id",
        account=owner.account,
        tool=change.tool,
        provider=change.provider,
        at=change.at,
    )
    listening = tx.all(
        "SELECT tool, instance, start FROM listeners JOIN workers ON workers.id = worker"
        " WHERE account = :account AND seen_at > :since",
        account=owner.account,
        since=now - WORKER_SILENT_AFTER,
    )
    heard = tx.all(
        "SELECT tool, instance, min(at) FROM heard WHERE account = :account AND seq >= :seq"
        " GROUP BY tool, instance",
        account=owner.account,
        seq=change.seq,
    )
    at = {(tool, instance): moment for tool, instance, moment in heard}
    tools = []
    for (tool,) in allowed:
        live = [(instance, start) for name, instance, start in listening if name == tool]
        # One that began to listen at or after the revocation never relied on what is gone.
        waiting = [i for i, start in live if start < change.seq and (tool, i) not in at]
        moments = [moment for (name, _), moment in at.items() if name == tool]
        if waiting:
            state, last = HeardState.PENDING, None
        elif moments:
            state, last = HeardState.ACKNOWLEDGED, max(moments)
        elif live:
            continue
        else:
            state, last = HeardState.OFFLINE, None
        lag = None if last is None else max(0, last - change.at)
        tools.append(ToolHeard(tool, state, len(live), last, lag))
    cut, running = _calls_ended_by(tx, owner, change)
    return Standing(change, cut, running, tuple(tools))


# `account || ''` keeps the planner off the primary key, by which it would walk all of the account's
# calls: these go by the small indexes of cut and of running ones.
_OF_KEY: Final = (
    "SELECT count(*) FROM calls WHERE outcome = 'CUT' AND key = :ended AND account || '' = :account"
    " UNION ALL SELECT count(*) FROM calls"
    " WHERE outcome IS NULL AND key || '' = :ended AND account || '' = :account"
)
_OF_TOOL: Final = _OF_KEY.replace("key", "tool")


def _calls_ended_by(tx: Tx, owner: Owner, change: Change) -> tuple[int, int]:
    """Give how many calls the revocation has cut, and how many it has yet to.

    A removal ends the calls of every version of the key, a revoked tool's end all of its calls; a
    rotation lets its calls finish.
    """
    if change.reason is Reason.ROTATED:
        return 0, 0
    counts = _OF_KEY if change.key is not None else _OF_TOOL
    (cut,), (running,) = tx.all(
        counts, account=owner.account, ended=change.tool if change.key is None else change.key
    )
    return cut, running
