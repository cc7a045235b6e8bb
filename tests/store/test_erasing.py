"""What was erased is gone from every file, whoever reads or dies meanwhile."""

import asyncio
import contextlib
import shutil
import sqlite3
from pathlib import Path

from store import Store
from tests.kit.canary import files_with

ERASED = b"ERASED-CANARY-2718281828459045"


async def write_and_erase(store: Store) -> None:
    await store.write(lambda tx: tx.run("CREATE TABLE IF NOT EXISTS notes (note BLOB) STRICT"))
    await store.write(lambda tx: tx.run("INSERT INTO notes VALUES (:note)", note=ERASED))
    await store.write(lambda tx: tx.run("DELETE FROM notes"))


async def test_erased_bytes_leave_the_log_and_the_file(store: Store, data: Path) -> None:
    await write_and_erase(store)
    assert files_with(data, ERASED)
    await asyncio.wait_for(store.erase_remains(), 30)
    assert files_with(data, ERASED) == []


async def test_all_who_ask_meanwhile_share_one_task(store: Store) -> None:
    first = store.erase_remains()
    assert store.erase_remains() is first
    await first
    assert store.erase_remains() is not first


async def test_a_reader_that_stands_on_them_delays_it_and_no_more(store: Store, data: Path) -> None:
    await write_and_erase(store)
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM notes").fetchall()
        erasing = store.erase_remains()
        done, _ = await asyncio.wait([erasing], timeout=0.3)
        assert not done
        await store.write(lambda tx: tx.run("DELETE FROM notes"))  # and holds no writer up
    await asyncio.wait_for(erasing, 30)
    assert files_with(data, ERASED) == []


async def test_closing_does_it_though_another_process_serves_on(store: Store, data: Path) -> None:
    other = await Store.open(store.path)
    await write_and_erase(other)
    other.erase_remains()
    await other.close()
    assert files_with(data, ERASED) == []


async def test_opening_does_it_for_a_process_that_was_killed(
    store: Store, data: Path, tmp_path: Path
) -> None:
    await write_and_erase(store)
    # What a kill at this moment would leave.
    left = tmp_path / "left"
    left.mkdir()
    for name in ("keysteward.db", "keysteward.db-wal"):
        shutil.copy(data / name, left / name)
    assert files_with(left, ERASED)
    async with await Store.open(left / "keysteward.db") as again:
        assert again._erasing is not None  # without being asked
        await asyncio.wait_for(again._erasing, 30)
        assert files_with(left, ERASED) == []


async def test_what_can_t_be_erased_now_stays_owed(store: Store, data: Path) -> None:
    await write_and_erase(store)
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        erasing = store.erase_remains()
        done, _ = await asyncio.wait([erasing], timeout=0.2)
        other.execute("ROLLBACK")
    assert not done
    await asyncio.wait_for(erasing, 30)
    assert files_with(data, ERASED) == []
