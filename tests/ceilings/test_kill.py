"""Killed at any moment, again and again: what was charged is never more than what is recorded.

The real application in a process of its own, killed with SIGKILL under load, at its start or while
calls run, and begun anew; the provider lives on and keeps its own bill. `KEYSTEWARD_KILLS=200` asks
for as many.
"""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from keysteward.config import Config
from keysteward.demo.fake_provider import FakeProvider, KeyKind, running
from keysteward.masterkey import make_missing
from store import Store
from store.clock import SECOND
from tests.ceilings.spending import Spender, calling, forking, settled
from vault.revocations import WORKER_SILENT_AFTER

KILLS = int(os.environ.get("KEYSTEWARD_KILLS", "25"))
CALLERS = 12
LIMIT = 1_000 * 10**9
LONGEST_LIFE_SECONDS = 0.15
AHEAD = WORKER_SILENT_AFTER + SECOND
"""How far each life's clock is ahead of the one before: then that is known to be dead at once."""
BODIES = (
    {"max_tokens": 16},
    {"max_tokens": 16, "stream": True},
    {"model": "gpt-4.1", "max_completion_tokens": 16},
    {"model": "gpt-4.1", "max_completion_tokens": 16, "stream": True, "n": 2},
)


class Load:
    """Callers that go on calling, whoever answers, until they are stopped."""

    def __init__(self, url: str, spender: Spender) -> None:
        self.told: Counter[int] = Counter()
        self.broken = 0
        self._tasks = [
            asyncio.create_task(self._call(url, spender.token, number)) for number in range(CALLERS)
        ]

    async def _call(self, url: str, token: str, number: int) -> None:
        while True:
            try:
                async with calling(url, token) as caller:
                    while True:
                        answer = await caller.chat(**BODIES[number % len(BODIES)])
                        self.told[answer.status] += 1
            except (OSError, asyncio.IncompleteReadError):
                self.broken += 1
                # Nobody listens to a socket whose process has died; the next one will.
                await asyncio.sleep(0)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


def recorded(path: Path) -> tuple[int, int]:
    """Give what is settled and what is held, as a stranger to the server reads it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        ((settled_, held),) = connection.execute("SELECT settled, held FROM ceilings")
        return settled_, held


async def test_no_kill_makes_a_charge_go_unrecorded(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random()  # noqa: S311
    fake = FakeProvider(other_keys=KeyKind.VALID, calls_kept=1)
    config = Config.read({"KEYSTEWARD_DATA": str(data)}, dotenv=None)
    make_missing(config)
    async with await Store.open(config.database) as store:
        spender = await settled(store, config, "ada", limit=LIMIT, price=None)
    async with running(fake) as fake_url, forking(data, f"openai={fake_url}/openai") as server:
        load = Load(server.url, spender)
        life = 0
        # A slow machine's die before they could do much: it takes some more there.
        while life < KILLS or load.told[200] < KILLS:
            if chance.random() < 0.2:
                await server.begin(ahead=life * AHEAD)  # and it may die before it serves
            else:
                await server.start(ahead=life * AHEAD)
            # The one place where a test waits for nothing: the moment must be any moment.
            await asyncio.sleep(chance.uniform(0, LONGEST_LIFE_SECONDS))
            await server.end(signal.SIGKILL)
            charged = fake.bill.get("openai", 0)
            assert charged <= sum(recorded(config.database))
            life += 1
        await load.stop()
        await server.start(ahead=life * AHEAD)
        await server.end()
    charged = fake.bill["openai"]
    settled_, held = recorded(config.database)
    with contextlib.closing(sqlite3.connect(config.database)) as connection:
        states = dict(connection.execute("SELECT state, count(*) FROM reservations GROUP BY 1"))
        ((ledger,),) = connection.execute("SELECT sum(amount) FROM ledger")
        ((running_,),) = connection.execute("SELECT count(*) FROM calls WHERE outcome IS NULL")
        outcomes = dict(connection.execute("SELECT outcome, count(*) FROM calls GROUP BY 1"))
    with capsys.disabled():
        print(
            f"\n{life} kills, {load.told[200]} calls answered, {load.broken} connections broken:"
            f" the provider charged {charged:,}, recorded are {settled_:,} nano-dollars; {states},"
            f" {outcomes}"
        )
    assert charged <= settled_
    assert held == 0
    assert ledger == settled_
    assert running_ == 0
    assert states.keys() <= {"SETTLED", "RELEASED", "DISPUTED"}
    # Else it was killed only when nothing ran.
    assert states["DISPUTED"] > KILLS / 2
    assert load.told.keys() == {200}
