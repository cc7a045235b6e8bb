"""Five hundred calls at once on a ceiling that is worth twenty: twenty are made, and no more.

On one server process and on four. Beside it, in the same processes, a budget that is checked first
and charged later: it overshoots, so that the harness is known to see it when one does.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from keysteward.config import Config
from keysteward.demo.fake_provider import FakeProvider, Gate, KeyKind, running
from keysteward.demo.gate import Watch
from keysteward.masterkey import make_missing
from store import Store
from tests.ceilings.spending import (
    PRICE,
    Answer,
    Processes,
    Spender,
    Watcher,
    calling,
    forking,
    settled,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS, WORTH = 500, 20
PATIENCE = 110


@dataclass(frozen=True)
class Standing:
    """A provider, a database, and server processes yet to be begun."""

    fake: FakeProvider
    config: Config
    store: Store
    server: Processes


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standing]:
    data = tmp_path_factory.mktemp("data")
    fake = FakeProvider(other_keys=KeyKind.VALID, calls_kept=1)
    config = Config.read({"KEYSTEWARD_DATA": str(data)}, dotenv=None)
    make_missing(config)
    async with (
        running(fake) as fake_url,
        await Store.open(config.database) as store,
        forking(data, f"openai={fake_url}/openai") as server,
    ):
        yield Standing(fake, config, store, server)


class Crowd:
    """Callers who all begin at once, and of whom those who are told to try again do."""

    def __init__(self, url: str, spender: Spender) -> None:
        self._url = url
        self._spender = spender
        self.answers: list[Answer] = []
        self.tries = 0
        self._ended = 0
        self._watch = Watch()

    async def come(self, gate: Gate, let_in: int) -> None:
        """Make the calls; the provider answers none until it has so many and all were tried."""
        callers = [asyncio.create_task(self._one(number)) for number in range(CALLS)]
        try:
            async with asyncio.timeout(PATIENCE):
                await gate.reached(let_in)
                await self._watch.until(lambda: self.tries >= CALLS - let_in)
                assert gate.held == let_in
                gate.release()
                await asyncio.gather(*callers)
        finally:
            for caller in callers:
                caller.cancel()

    async def _one(self, number: int) -> None:
        async with calling(self._url, self._spender.token) as caller:
            ended = self._ended
            # Each tenth is refused by the provider at first, which costs nothing.
            answer = await caller.chat(model="rate-limited" if number % 10 == 0 else "gpt-4o-mini")
            self._tried()
            while answer.status == 429 or answer.headers.get("x-should-retry") == "true":
                if answer.status == 429:
                    self._end()
                else:
                    assert answer.error["code"] == "in_flight_holds"
                    assert answer.headers["retry-after"] == "1"
                    # Here it is mostly no second, but until something has come free. What ended
                    # last may be settled a moment after its answer: then nothing more ends.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1):
                            await self._watch.until(lambda: self._ended > ended)  # noqa: B023 - at once
                ended = self._ended
                answer = await caller.chat()
                self._tried()
        self.answers.append(answer)
        self._end()

    def _tried(self) -> None:
        self.tries += 1
        self._watch.changed()

    def _end(self) -> None:
        self._ended += 1
        self._watch.changed()


@pytest.mark.parametrize("workers", [1, 4])
async def test_no_number_of_calls_at_once_passes_a_ceiling(
    standing: Standing, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    fake, store, config = standing.fake, standing.store, standing.config
    exact = await settled(store, config, f"exact{workers}", limit=WORTH * PRICE)
    naive = await settled(store, config, f"naive{workers}", limit=WORTH * PRICE)
    await standing.server.start(workers, naive=naive.owner.account)
    try:
        fake.charged, fake.gate = 0, Gate(after=0)
        crowd = Crowd(standing.server.url, exact)
        with Watcher(config.database, exact.ceiling) as watcher:
            await crowd.come(fake.gate, WORTH)
        charged, fake.charged, fake.gate = fake.charged, 0, Gate(after=0)
        await Crowd(standing.server.url, naive).come(fake.gate, CALLS)
        overshot = fake.charged
    finally:
        await standing.server.end()
    with capsys.disabled():
        print(
            f"\n{workers} process(es), {CALLS} calls at once on a ceiling worth {WORTH}:"
            f" {charged} charged in {crowd.tries} tries, at most {watcher.most / PRICE:g} settled"
            f" and held in {watcher.looks} looks; checked first and charged later: {overshot}"
            f" charged, {overshot / WORTH:g} times the budget"
        )
    assert charged == WORTH
    assert watcher.above == []
    assert watcher.most == WORTH * PRICE
    row = await store.read(
        lambda tx: tx.one("SELECT settled, held FROM ceilings WHERE id = :id", id=exact.ceiling)
    )
    assert row == (WORTH * PRICE, 0)
    told = Counter(
        (answer.status, answer.error["code"] if answer.status == 402 else "")
        for answer in crowd.answers
    )
    assert told == {(200, ""): WORTH, (402, "ceiling_hit"): CALLS - WORTH}
    assert overshot > WORTH
