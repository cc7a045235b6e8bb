"""What comes late: a dispatch after the hold was given up, a settlement that the disk refused.

A process that stands still for some seconds is taken for dead, and what its calls hold is given up.
If it lives after all, nothing may leave for which nothing is held, and nothing be lost that did.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from broker import commitments
from broker.calls import Calls
from broker.ceilings import HIGHEST
from broker.commitments import HOUR, Commitment
from broker.guard import Guard
from broker.outcome import Outcome
from keysteward.demo.fake_provider import Gate
from metering import Source
from store import Tx
from tests.ceilings.purse import CENT, CHAT, DOLLAR, Purse, chat, client, given_up
from tests.kit.installation import HeldTool, Installation, Person, StoredKey
from tests.kit.loopback_http import Asked, answering, said

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOURLY = 7_440_477
"""An hour of vc2-1c-1gb, in nano-dollars."""
SERVERS = "/v2/instances"
SMALL = {"region": "ams", "plan": "vc2-1c-1gb", "os_id": 2136}


class Directory:
    """Knows where the provider is, and does not say so yet: a call to it has not left."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.says = asyncio.Event()

    async def __call__(self, host: str, port: int) -> list[str]:
        del host, port
        self.asked.set()
        await self.says.wait()
        return ["127.0.0.1"]


@pytest_asyncio.fixture(loop_scope="module")
async def directory(house: Installation, grace: Person) -> AsyncIterator[Directory]:
    found, outbound = Directory(), house.broker._outbound
    usual, outbound._guard = outbound._guard, Guard(found)
    name = f"{grace.owner.account[:8]}.test"  # no connection to it lies ready
    house.send_to("openai", f"{house.fake_url.replace('127.0.0.1', name)}/openai")
    yield found
    outbound._guard = usual


async def moved(house: Installation, purse: Purse, person: Person) -> Person:
    """Take what belongs to somebody's calls to another id, as another address does."""
    to = await house.person()

    def unit(tx: Tx) -> None:
        purse.ceilings.move(tx, person.owner, to.owner)
        Calls(house.store).move(tx, person.owner, to.owner)
        tx.run(
            "INSERT INTO moves (was, account, at) VALUES (:was, :to, 0)",
            was=person.owner.account,
            to=to.owner.account,
        )

    await house.store.write(unit)
    return to


async def renew(house: Installation, hours: int) -> None:
    now = house.clock.forward(microseconds=hours * HOUR)
    await house.store.write(lambda tx: commitments.renew(tx, now=now))


@contextlib.asynccontextmanager
async def database_taken(house: Installation) -> AsyncIterator[None]:
    """Have another program hold the database, so that it takes no write of ours."""
    row = await house.store.write(lambda tx: tx.one("PRAGMA busy_timeout"))
    assert row is not None
    await house.store.write(lambda tx: tx.one("PRAGMA busy_timeout = 0"))
    other = sqlite3.connect(house.config.database)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()
    await house.store.write(lambda tx: tx.one(f"PRAGMA busy_timeout = {row[0]}"))


async def test_what_was_given_up_before_it_left_never_leaves(
    house: Installation, purse: Purse, tool: HeldTool, directory: Directory
) -> None:
    await purse.price(CENT)
    await purse.limit(CENT)
    going = asyncio.ensure_future(chat(house, tool))
    await directory.asked.wait()
    await given_up(house)
    assert await purse.states() == ["RELEASED"]
    directory.says.set()
    assert (await going).status_code == 503
    assert not house.fake.calls
    assert (await purse.ended()).outcome is Outcome.LOST
    assert await purse.used() == (0, 0)


async def test_a_call_that_leaves_after_its_account_has_moved_is_known_to_have_left(
    house: Installation, grace: Person, purse: Purse, tool: HeldTool, directory: Directory
) -> None:
    await purse.price(CENT)
    await purse.limit(CENT)
    going = asyncio.ensure_future(chat(house, tool))
    await directory.asked.wait()
    there = await moved(house, purse, grace)
    house.fake.gate = Gate(after=0)
    directory.says.set()
    async with asyncio.timeout(30):
        await house.fake.gate.reached(1)
    await given_up(house)
    house.fake.gate.release()
    assert (await going).status_code == 200
    theirs = Purse(house, there)
    assert await theirs.states() == ["DISPUTED"]
    assert await theirs.used() == (CENT, 0)
    assert await theirs.spent() == CENT


async def test_an_end_that_the_database_did_not_take_is_written_once_it_does(
    house: Installation, purse: Purse, tool: HeldTool
) -> None:
    await purse.price(CENT)
    await purse.limit(CENT)
    house.fake.gate = Gate(after=0)
    going = asyncio.ensure_future(chat(house, tool))
    await house.fake.gate.reached(1)
    async with database_taken(house):
        house.fake.gate.release()
        assert (await going).status_code == 200
        assert await purse.states() == ["DISPATCHED"]
    await house.broker.settle_owed()
    assert await purse.came_to() == (CENT, Source.USER, False)
    assert await purse.used() == (CENT, 0)
    assert await purse.states() == ["SETTLED"]


async def test_a_cost_that_fits_no_column_counts_as_the_bound_and_is_disputed(
    house: Installation, grace: Person, purse: Purse, tool: HeldTool
) -> None:
    await grace.add_key("openrouter")
    await purse.limit(provider="openrouter")

    async def answered(_: Asked) -> bytes:
        told = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10, "cost": 1e10}
        return said({"id": "x", "model": "openai/gpt-4o-mini", "choices": [], "usage": told})

    bounded = {"max_price": {"prompt": 1, "completion": 2}}
    async with answering(answered) as url, client(house, tool, "openrouter") as asking:
        house.send_to("openrouter", url)
        sent = CHAT | {"model": "openai/gpt-4o-mini", "provider": bounded}
        answer = await asking.post("/api/v1/chat/completions", json=sent)
    assert answer.status_code == 200
    call = await purse.ended()
    assert (call.cost, call.source, call.disputed) == (call.bound, Source.BOUND, True)
    assert await purse.used() == (call.bound, 0)


class TestServers:
    @pytest_asyncio.fixture(loop_scope="module")
    async def vultr(self, grace: Person, purse: Purse) -> StoredKey:
        await purse.limit(DOLLAR, provider="vultr")
        return await grace.add_key("vultr", secret="A0" * 18)

    async def test_one_that_was_made_by_a_process_taken_for_dead_is_charged_by_the_hour(
        self, house: Installation, purse: Purse, tool: HeldTool, vultr: StoredKey
    ) -> None:
        house.fake.gate = Gate(after=0)
        going = asyncio.ensure_future(chat(house, tool, SERVERS, vultr.provider, **SMALL))
        await house.fake.gate.reached(1)
        await given_up(house)
        house.fake.gate.release()
        assert (await going).status_code == 202
        call = await purse.ended()
        assert (call.outcome, call.disputed) == (Outcome.LOST, True)
        assert await purse.used() == (HOURLY, 0)
        await renew(house, 1)
        assert await purse.used() == (2 * HOURLY, 0)
        # Whatever its making did cost, its hours were never in dispute.
        assert await purse.release(call.id) == HOURLY
        assert await purse.used() == (HOURLY, 0)
        assert await purse.spent() == HOURLY

    async def test_one_that_is_not_there_any_more_costs_nothing_more_by_the_key_that_made_it(
        self, house: Installation, grace: Person, purse: Purse, tool: HeldTool, vultr: StoredKey
    ) -> None:
        made = await chat(house, tool, SERVERS, "vultr", **SMALL)
        place = f"{SERVERS}/{made.json()['instance']['id']}"
        other = await grace.add_key("vultr", label="another account", secret="B1" * 18)

        async def answered(_: Asked) -> bytes:
            return said({"error": "Invalid instance", "status": 404}, status=b"404 Not Found")

        async with answering(answered) as url, client(house, tool, "vultr") as asking:
            house.send_to("vultr", url)
            for key, running in ((other, 1), (vultr, 0)):
                gone = await asking.delete(place, headers={"keysteward-key": key.id})
                assert gone.status_code == 404
                await purse.ended(3 - running)
                assert len(await purse.commitments.running(grace.owner)) == running
        await renew(house, 2)
        assert await purse.used() == (HOURLY, 0)


async def test_one_account_s_price_holds_up_nobody_else_s_hours(
    house: Installation, grace: Person, purse: Purse, tool: HeldTool
) -> None:
    other = await house.person()
    at = house.clock.now

    def begin(tx: Tx) -> None:
        for owner, hourly in ((grace.owner, HIGHEST), (other.owner, HOURLY)):
            made = Commitment("vultr", "server", "call_1", tool.id, "plan", hourly, at, at)
            commitments.begin(tx, owner, made)

    await purse.limit(provider="vultr")
    await house.store.write(begin)
    await renew(house, 11)
    assert await Purse(house, other).spent() == 12 * HOURLY
    assert await purse.spent() == HIGHEST
    one = await purse.one()
    assert (one.settled, one.excess) == (DOLLAR, HIGHEST - DOLLAR)
