"""The database's shape, one numbered file a step: forward only, each whole or not at all."""

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from store.clock import system_clock
from store.errors import DatabaseUnusable


@dataclass(frozen=True, slots=True)
class Migration:
    """One step. `digest` is SHA-256 of its text: an applied step never changes."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """Tell this text from any other."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def available(folder: Path = Path(__file__).parent) -> list[Migration]:
    """Give every step that this program knows, in order."""
    return [
        Migration(int(file.stem.split("_", 1)[0]), file.stem, file.read_text(encoding="utf-8"))
        for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    ]


def apply(connection: sqlite3.Connection, steps: list[Migration] | None = None) -> None:
    """Bring the database up to date. The caller holds the turn to write.

    Raises `DatabaseUnusable` when the database is newer than this program, or was made by steps
    that have changed since.
    """
    steps = available() if steps is None else steps
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL,"
        " digest TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"
    )
    applied = dict(connection.execute("SELECT number, digest FROM migrations"))
    if newer := sorted(set(applied) - {step.number for step in steps}):
        raise DatabaseUnusable(
            f"This database is newer than this program: it has migration {newer[-1]:04}. "
            "Start the newer keysteward, or restore a backup made by this one."
        )
    for step in steps:
        if step.number not in applied:
            _apply(connection, step)
        elif applied[step.number] != step.digest:
            raise DatabaseUnusable(
                f"Migration {step.name} differs from the one that made this database. "
                "Start the keysteward that made it; an applied migration must never be edited."
            )


def _apply(connection: sqlite3.Connection, step: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(step.text):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO migrations VALUES (?, ?, ?, ?)",
            (step.number, step.name, step.digest, system_clock()),
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(text: str) -> Iterator[str]:
    """Cut a file into statements; `executescript` would commit on its own."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():  # a last one without its semicolon must not be passed over
        yield statement
