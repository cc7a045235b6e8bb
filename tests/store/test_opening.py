"""Opening a database: made and migrated as needed, refused in a sentence when it can't serve."""

import asyncio
import contextlib
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store import DatabaseUnusable, Store, Tx, migrations
from store.migrations import Migration


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keysteward.db"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(tmp_path / "raw.db", isolation_level=None)) as opened:
        yield opened


FIRST = Migration(1, "0001_first", "CREATE TABLE one (n);")
SECOND = Migration(2, "0002_second", "CREATE TABLE two (n);\nINSERT INTO two VALUES (1);\n")


def tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row[0] for row in rows} - {"migrations"}


async def test_a_database_that_is_missing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "yet.db"
    async with await Store.open(path) as store:
        assert await store.read(lambda tx: tx.one("SELECT count(*) FROM accounts")) == (0,)


async def test_nobody_else_on_the_machine_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "keysteward.db"
    async with await Store.open(path):
        for file in (path.parent, *path.parent.iterdir()):
            assert not stat.S_IMODE(file.stat().st_mode) & 0o077, file


async def test_it_erases_what_is_deleted_and_is_durable_when_it_answers(store: Store) -> None:
    def settings(tx: Tx) -> tuple[Any, ...]:
        asked = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "trusted_schema")
        return tuple(tx.one(f"PRAGMA {name}")[0] for name in (*asked, "temp_store"))

    assert await store.write(settings) == ("wal", 2, 1, 1, 0, 2)
    assert await store.read(settings) == ("wal", 2, 1, 1, 0, 2)


async def test_every_table_is_strict(store: Store) -> None:
    lax = await store.read(
        lambda tx: tx.all(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND NOT strict"
            " AND name NOT LIKE 'sqlite_%'"
        )
    )
    assert lax == []


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(path: Path) -> None:
    path.write_bytes(b"Dear diary, today was long.\n" * 100)
    with pytest.raises(DatabaseUnusable, match="can't be opened"):
        asyncio.run(Store.open(path))
    assert path.read_bytes() == b"Dear diary, today was long.\n" * 100


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(DatabaseUnusable, match="can't be opened"):
        asyncio.run(Store.open(path))


async def test_a_file_in_the_folder_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(DatabaseUnusable, match="can't be opened"):
        await Store.open(tmp_path / "data" / "keysteward.db")


async def test_a_database_of_a_newer_program_is_refused(path: Path) -> None:
    async with await Store.open(path) as store:
        await store.write(
            lambda tx: tx.run("INSERT INTO migrations VALUES (9999, '9999_later', 'x', 0)")
        )
    with pytest.raises(DatabaseUnusable, match=r"newer than this program.*9999"):
        await Store.open(path)


async def test_a_database_whose_migrations_were_edited_since_is_refused(path: Path) -> None:
    async with await Store.open(path) as store:
        await store.write(lambda tx: tx.run("UPDATE migrations SET digest = 'x' WHERE number = 1"))
    with pytest.raises(DatabaseUnusable, match="0001_initial differs"):
        await Store.open(path)


def test_steps_are_applied_once_and_in_order(connection: sqlite3.Connection) -> None:
    migrations.apply(connection, [FIRST])
    migrations.apply(connection, [FIRST, SECOND])
    migrations.apply(connection, [FIRST, SECOND])
    assert tables(connection) == {"one", "two"}
    assert connection.execute("SELECT count(*) FROM two").fetchone() == (1,)
    assert connection.execute("SELECT number, digest FROM migrations").fetchall() == [
        (1, FIRST.digest),
        (2, SECOND.digest),
    ]


def test_a_step_that_fails_half_way_leaves_nothing(connection: sqlite3.Connection) -> None:
    broken = Migration(2, "0002_broken", SECOND.text + "INSERT INTO nowhere VALUES (1);\n")  # noqa: S608
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrations.apply(connection, [FIRST, broken])
    assert tables(connection) == {"one"}
    migrations.apply(connection, [FIRST, SECOND])
    assert tables(connection) == {"one", "two"}


def test_a_statement_that_lost_its_semicolon_is_not_passed_over(
    connection: sqlite3.Connection,
) -> None:
    migrations.apply(
        connection, [Migration(1, "0001_open", "CREATE TABLE a (n);\nCREATE TABLE b (n)")]
    )
    assert tables(connection) == {"a", "b"}


def test_a_process_killed_in_the_middle_of_a_step_leaves_nothing(path: Path) -> None:
    program = (
        "import os, signal, sqlite3, sys\n"
        "from store.migrations import Migration, apply\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('PRAGMA journal_mode = WAL')\n"
        "connection.create_function('die', 0, lambda: os.kill(os.getpid(), signal.SIGKILL))\n"
        "apply(connection, [Migration(1, '0001_x', 'CREATE TABLE one (n);\\nSELECT die();\\n')])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=False, cwd=Path(__file__).parents[2]
    )
    assert ended.returncode == -9
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert tables(connection) == set()
        migrations.apply(connection, [FIRST])
        assert tables(connection) == {"one"}


def test_this_program_s_own_steps_are_numbered_without_gaps() -> None:
    numbers = [step.number for step in migrations.available()]
    assert numbers == list(range(1, len(numbers) + 1))
