"""The log of changes: what happened to an account, numbered without gaps, in commit order.

A row is added by the very transaction that makes the change. Everything that must follow a change
(cutting calls, telling tools) reads it from here, in every process.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from store.database import Row, Store, Tx
from store.errors import Failure
from store.owner import Owner

_TICK_SECONDS: Final = 0.010
_MOST_A_READ: Final = 1000
_GLANCE_SECONDS: Final = 0.1
_MOST_GLANCES: Final = 10


class Kind(StrEnum):
    """What happened."""

    ACCOUNT_CREATED = "ACCOUNT_CREATED"
    ACCOUNT_CHANGED = "ACCOUNT_CHANGED"
    ACCOUNT_MOVED = "ACCOUNT_MOVED"
    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"
    ACCOUNT_ENABLED = "ACCOUNT_ENABLED"
    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    KEY_ADDED = "KEY_ADDED"
    KEY_VERIFIED = "KEY_VERIFIED"
    KEY_ROTATED = "KEY_ROTATED"
    KEY_REMOVED = "KEY_REMOVED"
    TOOL_CREATED = "TOOL_CREATED"
    TOOL_CHANGED = "TOOL_CHANGED"
    TOOL_REVOKED = "TOOL_REVOKED"
    SESSION_ENDED = "SESSION_ENDED"
    USER_TOKEN_REVOKED = "USER_TOKEN_REVOKED"  # noqa: S105 - the kind of a change
    CEILING_SET = "CEILING_SET"
    CEILING_WARNED = "CEILING_WARNED"
    CEILING_HIT = "CEILING_HIT"
    CEILING_EXCEEDED = "CEILING_EXCEEDED"
    CEILING_RESET = "CEILING_RESET"
    CEILING_REMOVED = "CEILING_REMOVED"
    PRICE_SET = "PRICE_SET"


class Reason(StrEnum):
    """Why something that a tool relied on is gone."""

    REMOVED = "REMOVED"
    ROTATED = "ROTATED"
    TOOL_REVOKED = "TOOL_REVOKED"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the log. `reason` is set on revocations alone; `at` is in microseconds."""

    position: int
    account: str
    seq: int
    kind: Kind
    reason: Reason | None
    provider: str | None
    key: str | None
    version: int | None
    tool: str | None
    at: int
    was: str | None = None
    """The account's id until then, where it has moved to another."""
    ceiling: str | None = None
    percent: int | None = None
    """How much of a ceiling is used, at a warning."""


class CursorExpired(Failure):
    """The log no longer holds what came after the cursor, or never gave that cursor out."""

    def __init__(self, head: int) -> None:
        super().__init__(
            "What came after this cursor is no longer kept, or the cursor is not of this database. "
            "List what you hold anew, then listen again from the head."
        )
        self.head = head


class AccountGone(Failure):
    """No such account any more: it was deleted, or goes on under another id."""

    def __init__(self) -> None:
        super().__init__("The account has another address, or is no more. Connect again.")


_COLUMNS: Final = (
    "position, account, seq, kind, reason, provider, key, version, tool, at, was, ceiling, percent"
)


def _change(row: Row) -> Change:
    position, account, seq, kind, reason, *rest = row
    return Change(position, account, seq, Kind(kind), Reason(reason) if reason else None, *rest)


def append(
    tx: Tx,
    owner: Owner,
    kind: Kind,
    *,
    at: int,
    reason: Reason | None = None,
    provider: str | None = None,
    key: str | None = None,
    version: int | None = None,
    tool: str | None = None,
    was: str | None = None,
    ceiling: str | None = None,
    percent: int | None = None,
) -> int:
    """Add a change in the transaction that makes it; give its number within the account."""
    row = tx.one(
        "UPDATE accounts SET head = head + 1 WHERE account = :account RETURNING head",
        account=owner.account,
    )
    if row is None:
        raise Failure("This account is gone.")
    seq: int = row[0]
    tx.run(
        "INSERT INTO changes (account, seq, kind, reason, provider, key, version, tool, at, was,"
        " ceiling, percent) VALUES (:account, :seq, :kind, :reason, :provider, :key, :version,"
        " :tool, :at, :was, :ceiling, :percent)",
        account=owner.account,
        seq=seq,
        kind=kind,
        reason=reason,
        provider=provider,
        key=key,
        version=version,
        tool=tool,
        at=at,
        was=was,
        ceiling=ceiling,
        percent=percent,
    )
    tx.changed = True
    return seq


def head(tx: Tx, owner: Owner) -> int:
    """Give the number of the account's newest change; 0 before the first."""
    row = tx.one("SELECT head FROM accounts WHERE account = :account", account=owner.account)
    return 0 if row is None else int(row[0])


def revocations_after(
    tx: Tx, owner: Owner, seq: int, *, most: int = _MOST_A_READ
) -> tuple[list[Change], int]:
    """Give the revocations above `seq` and the number up to which they are complete.

    Raises `CursorExpired` when some of them are no longer kept, or `seq` lies beyond the head
    (as after an older backup was restored), and `AccountGone`.
    """
    return _after(tx, owner, seq, "reason IS NOT NULL", most)


def of_kind_after(tx: Tx, owner: Owner, kind: Kind, seq: int) -> tuple[list[Change], int]:
    """Give the changes of one kind above `seq`, and the number up to which they are complete.

    Raises as `revocations_after` does.
    """
    return _after(tx, owner, seq, "kind = :kind", _MOST_A_READ, kind=kind)


def _after(
    tx: Tx, owner: Owner, seq: int, which: str, most: int, **values: str
) -> tuple[list[Change], int]:
    row = tx.one(
        "SELECT head, pruned FROM accounts WHERE account = :account", account=owner.account
    )
    if row is None:  # not that nothing came: what came since stands under another id
        raise AccountGone
    newest, pruned = row
    if not pruned <= seq <= newest:
        raise CursorExpired(newest)
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM changes WHERE account = :account AND seq > :seq"  # noqa: S608
        f" AND {which} ORDER BY seq LIMIT :most",
        account=owner.account,
        seq=seq,
        most=most,
        **values,
    )
    found = [_change(row) for row in rows]
    return found, (found[-1].seq if len(found) == most else newest)


def latest_revocations(tx: Tx, owner: Owner, *, before: int | None, most: int) -> list[Change]:
    """Give the account's revocations, newest first, those below `before` when it is given."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM changes WHERE account = :account AND reason IS NOT NULL"  # noqa: S608
        " AND (:before IS NULL OR seq < :before) ORDER BY seq DESC LIMIT :most",
        account=owner.account,
        before=before,
        most=most,
    )
    return [_change(row) for row in rows]


def revocation_at(tx: Tx, owner: Owner, seq: int) -> Change | None:
    """Give one revocation by its number, or None when that change is no revocation."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM changes WHERE account = :account AND seq = :seq"  # noqa: S608
        " AND reason IS NOT NULL",
        account=owner.account,
        seq=seq,
    )
    return None if row is None else _change(row)


def move(tx: Tx, was: Owner, to: Owner) -> None:
    """Make the changes those of the account's new id; their numbers stay, and so do cursors."""
    tx.run(
        "UPDATE changes SET account = :to WHERE account = :account",
        account=was.account,
        to=to.account,
    )


def forget(tx: Tx, owner: Owner) -> None:
    """Drop the changes of an account that is gone."""
    tx.run("DELETE FROM changes WHERE account = :account", account=owner.account)


def prune(tx: Tx, *, older_than: int) -> int:
    """Drop changes made before `older_than` (microseconds); give how many. The numbers go on."""
    tx.run(
        "UPDATE accounts SET pruned = coalesce((SELECT max(seq) FROM changes"
        " WHERE changes.account = accounts.account AND at < :older_than), pruned)"
        " WHERE account IN (SELECT account FROM changes WHERE at < :older_than)",
        older_than=older_than,
    )
    return tx.run("DELETE FROM changes WHERE at < :older_than", older_than=older_than)


class Tail:
    """Follows the log of every account from where it stood at `start`: `async for batch in tail`.

    It is woken at once by this process's own commits, and sees those of other processes at the
    next tick, 10 ms at most. Nothing is queued: a follower that was slow reads more rows at once.

    Raises whatever keeps the log from being read, `TimeoutError` where that takes too long. It can
    be asked on: nothing is passed over.
    """

    def __init__(self, store: Store, *, tick_seconds: float = _TICK_SECONDS) -> None:
        self._store = store
        self._tick = tick_seconds
        self._position: int | None = None
        self._before: int | None = None
        self._version = -1

    async def start(self) -> None:
        """Take the log's present end as the place to go on from."""
        self._position = self._before = await self._store.look(
            lambda tx: int((tx.one("SELECT coalesce(max(position), 0) FROM changes") or (0,))[0])
        )

    def again(self) -> None:
        """Give the last batch once more, with what came since: it was not carried out."""
        self._position, self._version = self._before, -1

    async def catch_up(self) -> list[Change]:
        """Give what is new now, without waiting for any to come."""
        if self._position is None:
            await self.start()
        version = self._store.version()
        self._store.wake.clear()
        found = await _in_time(self._store.look(self._read))
        # Only now: a commit during the read must be looked at again.
        self._before, self._version = self._position, version
        if found:
            self._position = found[-1].position
            if len(found) == _MOST_A_READ:
                self._version = -1
        return found

    def __aiter__(self) -> "Tail":
        return self

    async def __anext__(self) -> list[Change]:
        """Wait until there is something new and give it, in order."""
        while True:
            if self._store.version() != self._version:
                if found := await self.catch_up():
                    return found
            else:
                try:
                    async with asyncio.timeout(self._tick):
                        await self._store.wake.wait()
                except TimeoutError:
                    continue
                self._store.wake.clear()

    def _read(self, tx: Tx) -> list[Change]:
        rows = tx.all(
            f"SELECT {_COLUMNS} FROM changes WHERE position > :position"  # noqa: S608
            " ORDER BY position LIMIT :most",
            position=self._position,
            most=_MOST_A_READ,
        )
        return [_change(row) for row in rows]


async def _in_time(reading: "asyncio.Future[list[Change]]") -> list[Change]:
    """Wait a second at most, in glances: an event loop that stood still is no read that hangs.

    After such a stand the timer and the answer are due together, and a plain time-out would win.
    """
    loop, left = asyncio.get_running_loop(), _MOST_GLANCES
    timer = loop.call_later(_GLANCE_SECONDS, lambda: glance())  # noqa: PLW0108 - it is made below

    def glance() -> None:
        nonlocal left, timer
        left -= 1
        if left:
            timer = loop.call_later(_GLANCE_SECONDS, glance)
        else:
            reading.cancel()

    try:
        return await reading
    except asyncio.CancelledError:
        if left:
            raise
        raise TimeoutError from None
    finally:
        timer.cancel()
