"""Units of work: each whole or not at all, answered once it is durable, together where they can."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from store import Store, StoreUnavailable, Tx, Unit
from store.database import _MOST_UNITS_A_COMMIT


@pytest.fixture(autouse=True)
async def tally(store: Store) -> None:
    await store.write(lambda tx: tx.run("CREATE TABLE tally (n INTEGER NOT NULL) STRICT"))


@contextlib.contextmanager
def held_up(store: Store) -> Iterator[None]:
    """Keep the writer busy meanwhile, so that what the body queues shares the next commit."""
    go_on, begun = threading.Event(), threading.Event()

    def stand(_: Tx) -> None:
        begun.set()
        go_on.wait(10)

    store.write(stand)
    begun.wait(10)
    try:
        yield
    finally:
        go_on.set()


def put(n: int) -> Unit[int]:
    return lambda tx: tx.run("INSERT INTO tally VALUES (:n)", n=n)


def numbers(tx: Tx) -> list[int]:
    return [row[0] for row in tx.all("SELECT n FROM tally ORDER BY n")]


def put_and_fail(tx: Tx) -> None:
    tx.run("INSERT INTO tally VALUES (2)")
    raise ZeroDivisionError


async def test_a_unit_that_raises_rolls_back_alone(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        await store.write(put_and_fail)
    assert await store.read(numbers) == []


async def test_a_unit_that_raises_leaves_its_neighbours_in_the_same_commit_standing(
    store: Store,
) -> None:
    with held_up(store):
        futures = [store.write(put(1)), store.write(put_and_fail), store.write(put(3))]
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(answer) for answer in answers] == [int, ZeroDivisionError, int]
    assert await store.read(numbers) == [1, 3]


async def test_units_that_queue_up_during_a_commit_share_the_next_one(store: Store) -> None:
    before = store.version()
    with held_up(store):
        futures = [store.write(put(n)) for n in range(50)]
    await asyncio.gather(*futures)
    # One for the unit that held the writer up (it wrote nothing), one for all the others.
    assert store.version() - before == 1


async def test_an_answer_is_given_only_after_the_commit(store: Store) -> None:
    seen = []

    def look(_: Tx) -> None:
        with contextlib.closing(sqlite3.connect(store.path)) as other:
            seen.append((first.done(), other.execute("SELECT count(*) FROM tally").fetchone()[0]))

    with held_up(store):
        first = store.write(put(1))
        second = store.write(look)
    await asyncio.gather(first, second)
    assert seen == [(False, 0)]
    with contextlib.closing(sqlite3.connect(store.path)) as other:
        assert other.execute("SELECT n FROM tally").fetchall() == [(1,)]


async def test_when_the_commit_fails_nobody_is_told_that_it_went_well(store: Store) -> None:
    def leave_an_orphan(tx: Tx) -> None:
        tx.run("PRAGMA defer_foreign_keys = ON")
        tx.run("INSERT INTO passwords VALUES ('nobody', '', 0, x'')")

    with held_up(store):
        futures = [store.write(put(1)), store.write(leave_an_orphan), store.write(put(3))]
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    assert await store.read(numbers) == []
    await store.write(put(4))
    assert await store.read(numbers) == [4]


async def test_a_unit_runs_though_its_caller_has_gone(store: Store) -> None:
    async def caller() -> None:
        await store.write(put(7))

    with held_up(store):
        task = asyncio.create_task(caller())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await store.write(put(8))
    assert await store.read(numbers) == [7, 8]


async def test_a_unit_that_stops_an_iteration_leaves_nobody_waiting(store: Store) -> None:
    with held_up(store):
        futures = [store.write(lambda _: next(iter(()))), store.write(put(1))]
    answers = await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), 30)
    assert [type(answer) for answer in answers] == [RuntimeError, int]


async def test_a_read_sees_everything_that_was_committed_before_it(store: Store) -> None:
    for n in range(100):
        await store.write(put(n))
        assert len(await store.read(numbers)) == n + 1


async def test_a_read_that_writes_is_refused(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await store.read(put(1))


async def test_reads_that_share_a_snapshot_fail_alone(store: Store) -> None:
    reads = [store.read(numbers) for _ in range(4)]
    reads += [store.read(lambda tx: tx.one("SELECT 1 / :nothing", nothing=0)), store.read(_fail)]
    answers = await asyncio.gather(*reads, return_exceptions=True)
    assert answers[:4] == [[]] * 4
    assert answers[4] == (None,)
    assert isinstance(answers[5], ZeroDivisionError)


def _fail(_: Tx) -> None:
    raise ZeroDivisionError


async def test_a_disk_that_is_full_costs_only_the_units_that_it_has_no_room_for(
    store: Store,
) -> None:
    pages = await store.read(lambda tx: tx.one("PRAGMA page_count"))
    await store.write(lambda tx: tx.one(f"PRAGMA max_page_count = {pages[0] + 1}"))

    def put_much(tx: Tx) -> None:
        tx.run("CREATE TABLE much (bytes BLOB)")
        tx.run("INSERT INTO much VALUES (zeroblob(1000000))")

    with held_up(store):
        futures = [store.write(put(1)), store.write(put_much)]
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(answers[1], StoreUnavailable)
    assert "SQLITE_FULL" in str(answers[1])
    kept = await store.read(numbers)
    # Whoever was told that it went well, went well; and nothing is half there.
    assert (answers[0] == 1 and kept == [1]) or (
        isinstance(answers[0], StoreUnavailable) and kept == []
    )
    await store.write(lambda tx: tx.one("PRAGMA max_page_count = 1000000"))
    await store.write(put(2))
    assert 2 in await store.read(numbers)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (sqlite3.SQLITE_FULL, StoreUnavailable),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreUnavailable),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreUnavailable),
        (sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError),
        (sqlite3.SQLITE_CONSTRAINT_CHECK, sqlite3.DatabaseError),
    ],
)
@pytest.mark.parametrize("writes_first", [False, True])
async def test_what_the_machine_does_to_one_statement_is_unavailability_and_no_fault(
    store: Store, code: int, told: type[Exception], writes_first: bool
) -> None:
    def meets_it(tx: Tx) -> None:
        if writes_first:
            put(7)(tx)
        error = sqlite3.DatabaseError("as SQLite raises it in the middle of a unit")
        error.sqlite_errorcode, error.sqlite_errorname = code, "SQLITE_…"
        raise error

    with held_up(store):
        futures = [store.write(put(1)), store.write(meets_it), store.write(put(3))]
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert type(answers[1]) is told
    assert await store.read(numbers) == [1, 3]


async def test_a_database_that_another_program_holds_is_said_to_be_unavailable(
    store: Store,
) -> None:
    await store.write(lambda tx: tx.one("PRAGMA busy_timeout = 0"))
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
            await store.write(put(1))
    await store.write(put(2))
    assert await store.read(numbers) == [2]


class TestTwoStoresOnOneFile:
    """As two server processes hold them."""

    @pytest.fixture
    async def other(self, store: Store) -> AsyncIterator[Store]:
        async with await Store.open(store.path) as opened:
            yield opened

    async def test_each_sees_at_once_what_the_other_has_committed(
        self, store: Store, other: Store
    ) -> None:
        for n in range(50):
            await (store, other)[n % 2].write(put(n))
            assert len(await (other, store)[n % 2].read(numbers)) == n + 1

    async def test_no_update_of_either_is_lost(self, store: Store, other: Store) -> None:
        await store.write(put(0))
        adds = [
            (store, other)[n % 2].write(lambda tx: tx.run("UPDATE tally SET n = n + 1"))
            for n in range(300)
        ]
        await asyncio.gather(*adds)
        assert await other.read(numbers) == [300]

    async def test_either_sees_by_its_number_that_the_other_has_committed(
        self, store: Store, other: Store
    ) -> None:
        before = other.version()
        await store.write(put(1))
        assert other.version() != before


class TestClosing:
    @pytest.fixture
    async def closing(self, data: Path) -> Store:
        opened = await Store.open(data / "closing.db")
        await opened.write(lambda tx: tx.run("CREATE TABLE tally (n INTEGER NOT NULL) STRICT"))
        return opened

    async def test_what_was_queued_is_carried_out(self, closing: Store) -> None:
        many = _MOST_UNITS_A_COMMIT * 2 + 10
        with held_up(closing):
            futures = [closing.write(put(n)) for n in range(many)]
            done = asyncio.create_task(closing.close())
            while not closing._writer._closing:  # noqa: ASYNC110 - the readers go first
                await asyncio.sleep(0)
        await asyncio.wait_for(done, 30)
        assert sum(await asyncio.gather(*futures)) == many
        async with await Store.open(closing.path) as again:
            assert len(await again.read(numbers)) == many

    async def test_a_closed_store_takes_nothing(self, closing: Store) -> None:
        await closing.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await closing.write(put(1))
        with pytest.raises(StoreUnavailable, match="closed"):
            await closing.read(numbers)

    async def test_closing_twice_is_closing_once(self, closing: Store) -> None:
        await closing.close()
        await closing.close()

    async def test_erasing_in_a_closed_store_is_cut_short(self, closing: Store) -> None:
        erasing = closing.erase_remains()
        await closing.close()
        assert erasing.cancelled()
