"""Ceilings on what is no single charge: calls, money that is moved, and hours that go on."""

import pytest

from broker import commitments
from broker.ceilings import CALLS, MOVED
from broker.commitments import HOUR
from keysteward.demo.fake_provider import Mode
from store.changes import Kind
from tests.ceilings.purse import DOLLAR, Purse, chat, client
from tests.kit.installation import HeldTool, Installation, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOURLY = 7_440_477
"""An hour of vc2-1c-1gb, in nano-dollars: five dollars a month, which is at most 672 hours."""
SERVERS = "/v2/instances"
SMALL = {"region": "ams", "plan": "vc2-1c-1gb", "os_id": 2136}


async def key(grace: Person, provider: str) -> None:
    await grace.add_key(provider, secret=f"{provider}-made-up-{'0123456789' * 4}")


async def pay(house: Installation, tool: HeldTool, **form: str) -> int:
    async with client(house, tool, "stripe") as asking:
        answer = await asking.post("/v1/payment_intents", data=form)
        return answer.status_code


async def renew(house: Installation, hours: int) -> None:
    """Let hours pass, and do what each process does every second."""
    house.clock.forward(microseconds=hours * HOUR)
    now = house.clock.now
    await house.store.write(lambda tx: commitments.renew(tx, now=now))
    for _ in range(hours):
        house.fake.hour()


async def test_calls_are_counted_whatever_they_cost(
    house: Installation, grace: Person, purse: Purse
) -> None:
    await key(grace, "github")
    tool = await grace.make_tool()
    await purse.limit(2, provider="github", unit=CALLS)
    async with client(house, tool, "github") as asking:
        answers = [await asking.get("/user") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 402]
    assert answers[2].json()["errors"][0]["reason"] == "ceiling_hit"
    assert await purse.used() == (2, 0)
    assert await purse.spent() == 0


async def test_calls_that_were_refused_are_not_counted(
    house: Installation, grace: Person, purse: Purse
) -> None:
    await key(grace, "github")
    tool = await grace.make_tool()
    await purse.limit(2, provider="github", unit=CALLS)
    async with client(house, tool, "github") as asking:
        assert (await asking.get("/no/such/route")).status_code == 404
    await purse.ended()
    assert await purse.used() == (0, 0)


async def test_money_that_is_moved_has_a_ceiling_of_its_own_by_currency(
    house: Installation, grace: Person, purse: Purse
) -> None:
    await key(grace, "stripe")
    tool = await grace.make_tool()
    made = await purse.limit(5000, provider="stripe", unit=f"{MOVED}eur")
    assert await pay(house, tool, amount="3000", currency="eur") == 200
    await purse.ended()
    assert await purse.used() == (3000, 0)
    assert house.fake.moved == {"eur": 3000}
    # Neither more than is left, nor in a currency that has none, nor an amount that is not said.
    assert await pay(house, tool, amount="100", currency="usd") == 402
    assert await pay(house, tool, currency="eur") == 402
    assert await pay(house, tool, amount="2001", currency="eur") == 402
    assert house.fake.moved == {"eur": 3000}
    (told,) = await purse.told(Kind.CEILING_HIT)
    assert told.ceiling == made
    assert await purse.spent() == 0


async def test_what_runs_is_charged_by_the_hour_until_it_is_deleted(
    house: Installation, grace: Person, purse: Purse
) -> None:
    await key(grace, "vultr")
    tool = await grace.make_tool()
    await purse.limit(DOLLAR, provider="vultr")
    made = await chat(house, tool, SERVERS, "vultr", **SMALL)
    assert made.status_code == 202
    server = made.json()["instance"]["id"]
    await purse.ended()
    assert await purse.used() == (HOURLY, 0)
    (runs,) = await purse.commitments.running(grace.owner)
    assert (runs.resource, runs.hourly, runs.item) == (server, HOURLY, "vc2-1c-1gb")
    await renew(house, 3)
    assert await purse.used() == (4 * HOURLY, 0)
    await renew(house, 0)  # the same hour is not charged twice
    assert await purse.used() == (4 * HOURLY, 0)
    assert house.fake.bill["vultr"] <= await purse.spent() == 4 * HOURLY
    async with client(house, tool, "vultr") as asking:
        assert (await asking.delete(f"{SERVERS}/{server}")).status_code == 204
    await purse.ended(2)
    assert await purse.commitments.running(grace.owner) == []
    await renew(house, 5)
    assert await purse.spent() == 4 * HOURLY


async def test_an_hour_that_does_not_fit_is_recorded_beside_the_ceiling_which_is_hit(
    house: Installation, grace: Person, purse: Purse
) -> None:
    await key(grace, "vultr")
    tool = await grace.make_tool()
    await purse.limit(HOURLY + 1, provider="vultr")
    assert (await chat(house, tool, SERVERS, "vultr", **SMALL)).status_code == 202
    await purse.ended()
    await renew(house, 2)
    one = await purse.one()
    assert (one.settled, one.excess) == (HOURLY + 1, 2 * HOURLY - 1)
    assert one.hit_at is not None
    kinds = [change.kind for change in await purse.told(Kind.CEILING_HIT, Kind.CEILING_EXCEEDED)]
    assert kinds == [Kind.CEILING_HIT, Kind.CEILING_EXCEEDED]
    assert house.fake.bill["vultr"] <= await purse.spent() == 3 * HOURLY
    again = await chat(house, tool, SERVERS, "vultr", **SMALL)
    assert again.status_code == 402
    assert again.json()["code"] == "ceiling_hit"
    # Nothing is ever deleted by keysteward of its own accord; and its owner still may.
    (runs,) = await purse.commitments.running(grace.owner)
    async with client(house, tool, "vultr") as asking:
        assert (await asking.delete(f"{SERVERS}/{runs.resource}")).status_code == 204


async def test_what_the_provider_refused_to_make_costs_no_hours(
    house: Installation, grace: Person, purse: Purse
) -> None:
    await key(grace, "vultr")
    tool = await grace.make_tool()
    await purse.limit(DOLLAR, provider="vultr")
    house.fake.mode = Mode.RATE_LIMITED
    assert (await chat(house, tool, SERVERS, "vultr", **SMALL)).status_code == 429
    await purse.ended()
    await renew(house, 1)
    assert await purse.used() == (0, 0)
    assert await purse.commitments.running(grace.owner) == []
