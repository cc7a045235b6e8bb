"""SQLite, by units of work: each runs whole in one transaction, and is answered once it is durable.

A unit is a plain function `unit(tx)` that knows no event loop. Writes that queue up while a commit
runs share the next one (group commit); one that raises rolls back alone. Nothing above this module
sees a connection.
"""

import asyncio
import contextlib
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import aiosqlite

from store import migrations
from store.errors import DatabaseUnusable, StoreUnavailable

Value = str | int | float | bytes | None
Row = tuple[Any, ...]
T = TypeVar("T")

_MOST_UNITS_A_COMMIT: Final = 1024
_READERS: Final = 2
_BUSY_MILLISECONDS: Final = 10_000
_PATIENCE_SECONDS: Final = 0.005
_ERASE_PAUSE_SECONDS: Final = 0.05
_LONGEST_ERASE_PAUSE_SECONDS: Final = 1.0
_PRIMARY: Final = 0xFF  # of an extended result code: sqlite.org/rescode.html
_PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""What the machine did, and may do no longer a moment later."""


class Tx:
    """One transaction, as a unit sees it. SQL is written whole, with named values: `:account`."""

    __slots__ = ("_connection", "changed")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.changed = False
        """True once a row was added to the log of changes: whoever tails it is woken."""

    def one(self, sql: str, **values: Value) -> Row | None:
        """Give the first row, or None when there is none."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, **values: Value) -> list[Row]:
        """Give every row."""
        return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, **values: Value) -> int:
        """Carry a statement out and give the number of rows that it changed."""
        return self._connection.execute(sql, values).rowcount


Unit = Callable[[Tx], T]


_Batch = list[tuple[Unit[Any], asyncio.Future[Any]]]
_Answers = list[tuple[asyncio.Future[Any], Any, BaseException | None]]


class _SpoiltError(Exception):
    """A unit failed after it had written: the batch must be run again, each unit on its own."""


def _run(connection: sqlite3.Connection, batch: _Batch) -> tuple[_Answers, bool]:
    """Run a batch. A unit that fails before it wrote anything has nothing to be undone.

    That spares two statements a unit, a third of what a brokered call costs the database.
    """
    answers: _Answers = []
    changed = False
    for unit, future in batch:
        tx, before = Tx(connection), connection.total_changes
        try:
            answers.append((future, unit(tx), None))
            changed = changed or tx.changed
        except Exception as error:  # noqa: BLE001 - the unit's own failure, for its caller
            if connection.total_changes != before or not connection.in_transaction:
                raise _SpoiltError from None
            answers.append((future, None, _as_told(error)))
    return answers, changed


def _run_apart(connection: sqlite3.Connection, batch: _Batch) -> tuple[_Answers, bool]:
    """Run a batch, each unit in a savepoint of its own, so that one that fails is undone alone."""
    answers: _Answers = []
    changed = False
    for unit, future in batch:
        tx = Tx(connection)
        connection.execute("SAVEPOINT unit")
        try:
            answers.append((future, unit(tx), None))
            changed = changed or tx.changed
        except Exception as error:
            if not connection.in_transaction:
                raise  # SQLite itself gave the whole transaction up (full disk, I/O error)
            connection.execute("ROLLBACK TO unit")
            answers.append((future, None, _as_told(error)))
        connection.execute("RELEASE unit")
    return answers, changed


class _Lane(aiosqlite.Connection):
    """One connection and its thread; takes all the units that wait, in one transaction.

    aiosqlite pays a thread hop a statement; a lane pays one for as many units as have queued up.
    """

    def __init__(self, path: Path, *, writes: bool, turn: int | None = None) -> None:
        super().__init__(lambda: _connect(path, writes=writes), iter_chunk_size=64)
        # Daemon: a process that dies of an error must not hang on its database thread.
        self._thread.daemon = True
        self._begin = "BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED"
        self._turn = turn
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Unit[Any], asyncio.Future[Any]]] = deque()
        self._scheduled = False
        self._closing = False
        self._deadline: asyncio.TimerHandle | None = None
        self.wake: asyncio.Event = asyncio.Event()
        """Set after each commit that added to the log of changes."""

    def run(self, unit: Unit[T], *, patience: float = 0.0) -> asyncio.Future[T]:
        """Queue a unit. Once queued it runs, whether or not its caller still waits.

        With patience (seconds) it waits that long for another unit to share a commit with.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closing:
            future.set_exception(StoreUnavailable("The database is closed."))
            return future
        self._waiting.append((unit, future))
        if patience and not self._scheduled:
            if self._deadline is None:
                self._deadline = self._loop.call_later(patience, self._schedule)
        else:
            self._schedule()
        return future

    def _schedule(self) -> None:
        """Have the thread carry out what waits."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        # The thread clears the flag before it empties the queue, so a unit appended after the
        # emptying always finds it cleared: none is left behind.
        if not self._scheduled:
            self._scheduled = True
            self._tx.put_nowait((None, self._carry_out))

    async def truncate_log(self) -> bool:
        """Move the log into the database and empty it; False when somebody stands in the way."""
        done: bool = await self._execute(_truncate_log, self._conn, self._turn)  # type: ignore[no-untyped-call]
        return done

    async def close(self) -> None:
        """Refuse new units, carry out those that wait, then end the connection and its thread.

        The writer leaves an empty log, if it can: other processes may keep the log in use, and
        don't know that something in it was to be erased.
        """
        self._closing = True
        self._schedule()
        while self._waiting:  # more than fit one commit: each turn stands behind the next batch
            await self._execute(int)  # type: ignore[no-untyped-call]
        if self._turn is not None:
            await self.truncate_log()
        await super().close()
        await asyncio.to_thread(self._thread.join)

    def _carry_out(self) -> None:
        self._scheduled = False
        batch: _Batch = []
        while self._waiting and len(batch) < _MOST_UNITS_A_COMMIT:
            batch.append(self._waiting.popleft())
        if self._waiting and not self._scheduled:
            self._scheduled = True
            self._tx.put_nowait((None, self._carry_out))
        if not batch:
            return
        answers: _Answers
        try:
            with self._in_turn():
                answers, changed = self._transact(batch)
        except BaseException as error:  # noqa: BLE001 - handed to each caller, in its own task
            failure = _unavailable(error) if isinstance(error, sqlite3.Error) else error
            answers, changed = [(future, None, failure) for _, future in batch], False
        # A loop that has closed has nobody left to answer.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._answer, answers, changed)

    def _transact(self, batch: _Batch) -> tuple[_Answers, bool]:
        connection = self._conn
        connection.execute(self._begin)
        try:
            try:
                answers, changed = _run(connection, batch)
            except _SpoiltError:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                connection.execute(self._begin)
                answers, changed = _run_apart(connection, batch)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return answers, changed

    @contextlib.contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Wait for this process's turn to write.

        SQLite's own waiting polls with growing pauses, up to 100 ms; a file lock wakes the next
        process at once. SQLite's lock still holds against programs that know nothing of ours.
        """
        if self._turn is None:
            yield
            return
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _answer(
        self,
        answers: _Answers,
        changed: bool,
    ) -> None:
        if changed:
            self.wake.set()
        for future, result, error in answers:
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            elif isinstance(error, StopIteration):  # the one error that a future can't hold
                future.set_exception(RuntimeError("A unit raised StopIteration."))
            else:
                future.set_exception(error)


class Store:
    """The database: `await store.write(unit)` and `await store.read(unit)` are all there is."""

    def __init__(
        self, path: Path, writer: _Lane, readers: list[_Lane], turn: int, probe: sqlite3.Connection
    ) -> None:
        self.path = path
        self._writer = writer
        *self._readers, self._lookout = readers
        self._turn = turn
        self._probe = probe
        self._next = 0
        self._erasing: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the database at `path`, making and migrating it as needed.

        Raises `DatabaseUnusable` for a file that is no database, is newer than this program, or
        whose applied migrations differ from this program's.
        """
        async with contextlib.AsyncExitStack() as undo:
            try:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                turn = os.open(f"{path}.turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                undo.callback(os.close, turn)
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                await asyncio.to_thread(_prepare, path, turn)
                writer = _Lane(path, writes=True, turn=turn)
                readers = [_Lane(path, writes=False) for _ in range(_READERS + 1)]
                for lane in (writer, *readers):
                    await lane
                    undo.push_async_callback(lane.close)
                probe = _connect(path, writes=False)
            except (sqlite3.Error, OSError) as error:
                raise DatabaseUnusable(
                    f"{path} can't be opened as keysteward's database ({error}). "
                    "Point KEYSTEWARD_DATA at the right folder, or restore a backup."
                ) from None
            undo.pop_all()
        store = cls(path, writer, readers, turn, probe)
        # What a process that was killed had erased may still stand in the log.
        store.erase_remains()
        return store

    def write(self, unit: Unit[T]) -> asyncio.Future[T]:
        """Run a unit that may write. Awaiting gives its result once it is on disk.

        Raises what the unit raised (its writes are then undone), or `StoreUnavailable`. A unit may
        be run twice, when another of its batch failed; it has no effect but through its `tx`.
        """
        return self._writer.run(unit)

    def write_soon(self, unit: Unit[T]) -> asyncio.Future[T]:
        """Run a unit that may write and that nobody waits for: within 5 ms, or with the next one.

        It shares the next write's commit where one comes, so that it costs no commit of its own.
        """
        return self._writer.run(unit, patience=_PATIENCE_SECONDS)

    def read(self, unit: Unit[T]) -> asyncio.Future[T]:
        """Run a unit that only reads, on everything committed before this call."""
        self._next = (self._next + 1) % len(self._readers)
        return self._readers[self._next].run(unit)

    def look(self, unit: Unit[T]) -> asyncio.Future[T]:
        """Read the log of changes, on a connection that nothing else uses.

        Whoever has many rows can keep the others busy for seconds; no removal waits for that.
        """
        return self._lookout.run(unit)

    @property
    def wake(self) -> asyncio.Event:
        """Set when this process has committed to the log of changes."""
        return self._writer.wake

    def version(self) -> int:
        """Give a number that moves with every commit of any process. Costs 2 µs, no disk."""
        row = self._probe.execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def erase_remains(self) -> "asyncio.Task[None]":
        """Take erased rows out of the write-ahead log too, as soon as no reader stands on it.

        `secure_delete` overwrites a row in the database's own pages, but its older image would stay
        in the log until that is reused. Needs no awaiting; one task serves all who ask meanwhile,
        and goes on until it is done.
        """
        if self._erasing is None or self._erasing.done():
            self._erasing = asyncio.get_running_loop().create_task(self._erase_remains())
        return self._erasing

    async def _erase_remains(self) -> None:
        pause = _ERASE_PAUSE_SECONDS
        while not self._closed:
            await asyncio.sleep(pause)
            if await self._writer.truncate_log():
                return
            pause = min(2 * pause, _LONGEST_ERASE_PAUSE_SECONDS)

    async def close(self) -> None:
        """Carry out what is queued, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        if self._erasing is not None:
            self._erasing.cancel()
            await asyncio.wait([self._erasing])
        for lane in (*self._readers, self._lookout, self._writer):
            await lane.close()
        self._probe.close()
        os.close(self._turn)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()


def _connect(path: Path, *, writes: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        _settle_in(connection, writes=writes)
    except BaseException:
        connection.close()
        raise
    return connection


def _settle_in(connection: sqlite3.Connection, *, writes: bool) -> None:
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "trusted_schema = OFF",
        "temp_store = MEMORY",
        f"query_only = {'OFF' if writes else 'ON'}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare(path: Path, turn: int) -> None:
    """Make the database current; several processes may start at once."""
    fcntl.flock(turn, fcntl.LOCK_EX)
    try:
        connection = _connect(path, writes=True)
        try:
            migrations.apply(connection)
        finally:
            connection.close()
    finally:
        fcntl.flock(turn, fcntl.LOCK_UN)


def _truncate_log(connection: sqlite3.Connection, turn: int) -> bool:
    fcntl.flock(turn, fcntl.LOCK_EX)
    try:
        # Not a millisecond of waiting: every writer of every process would wait along.
        connection.execute("PRAGMA busy_timeout = 0")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:  # a full disk, say: what is owed stays owed
        return False
    else:
        return not busy
    finally:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        fcntl.flock(turn, fcntl.LOCK_UN)


def _as_told(error: Exception) -> Exception:
    """Give a unit's failure as its caller hears it: what passes by itself is no fault of ours."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, sqlite3.Error) and code is not None and code & _PRIMARY in _PASSING:
        return _unavailable(error)
    return error


def _unavailable(error: sqlite3.Error) -> StoreUnavailable:
    reason = getattr(error, "sqlite_errorname", type(error).__name__)
    return StoreUnavailable(f"The database can't be used just now ({reason}); nothing was kept.")
