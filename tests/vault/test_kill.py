"""Killed at any moment, fifty times over: nothing that was acknowledged is lost or comes back."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from store import Store
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from tests.kit.people import ADA
from tests.vault.busy_vault import PEOPLE, trace_of
from vault import rows
from vault.keyring import Keyring
from vault.vault import Vault

KILLS = 50
LONGEST_SECONDS = 60
ROOT = Path(__file__).parents[2]


@dataclass
class Said:
    """What the killed processes were told is done."""

    alive: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    """Traces to look for after the present life; `erasures` counts those of all."""
    erasures: int = 0


@pytest.fixture
def keyring_text() -> str:
    return Keyring.mint("first")


@pytest.fixture
def busy(keyring_text: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.vault.busy_vault", keyring_text],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        watch = threading.Timer(LONGEST_SECONDS, process.kill)
        watch.start()
        yield process
        watch.cancel()
        process.stdin.close()


def one_life(
    busy: subprocess.Popen[str], seed: int, path: Path, seconds: float, said: Said
) -> None:
    """Let a process work for so long, kill it, and take down what it said until then."""
    busy.stdin.write(f"{seed} {path}\n")
    for line in iter(busy.stdout.readline, ""):
        match line.split():
            case ["begin", child]:
                # The one place where a test waits for nothing: the moment must be any moment.
                time.sleep(seconds)
                os.kill(int(child), signal.SIGKILL)
            case ["dead"]:
                return
            case ["+", key, trace]:
                said.alive[key] = trace
            case ["*", key, trace]:
                said.erased.add(said.alive[key])
                said.alive[key] = trace
            case ["-", key]:
                said.erased.add(said.alive.pop(key))
                said.removed.add(key)
    pytest.fail("The working process ended by itself.")


async def check(path: Path, keyring: Keyring, said: Said) -> None:
    """Open the database as the next process would, and hold it against what was said."""
    async with await Store.open(path) as store:
        vault = Vault(store, keyring, MovedClock())
        kept = await store.read(lambda tx: rows.every(tx, ADA, None))
        found = {entry.id: sealed for entry, sealed in kept}
        log = await store.read(
            lambda tx: tx.all("SELECT position, seq, kind, key FROM changes ORDER BY position")
        )
        gone = {key for _, _, kind, key in log if kind == "KEY_REMOVED"}
        # An act may have been done whose acknowledgement the kill cut off: one of each person.
        unsaid = said.alive.keys() - found.keys()
        assert unsaid <= gone, "an acknowledged add is missing"
        assert len(unsaid) <= PEOPLE
        assert not said.removed & found.keys(), "a removed key is alive"
        assert said.removed <= gone, "a removal is not in the log"
        assert [position for position, *_ in log] == list(range(1, len(log) + 1))
        assert [seq for _, seq, *_ in log] == list(range(1, len(log) + 1))
        for key in unsaid:
            said.erased.add(said.alive.pop(key))
            said.removed.add(key)
        for key in said.alive:
            vault.open(found[key]).wipe()
            said.alive[key] = trace_of(found[key].sealed)  # a rotation may be unsaid, too
        await store.erase_remains()
    remains = files_with(path.parent, *map(bytes.fromhex, said.erased))
    assert remains == [], "sealed bytes of a key that is gone"
    said.erasures += len(said.erased)
    said.erased.clear()


async def test_no_kill_loses_or_revives_anything(
    busy: subprocess.Popen[str], keyring_text: str, data: Path
) -> None:
    chance, said = random.Random(), Said()  # noqa: S311
    keyring, path = Keyring.parse(keyring_text), data / "keysteward.db"
    for number in range(KILLS):
        await asyncio.to_thread(one_life, busy, number, path, chance.uniform(0, 0.08), said)
        await check(path, keyring, said)
    # Else it was killed before it could do anything.
    assert len(said.removed) > KILLS
    assert said.erasures > len(said.removed)
