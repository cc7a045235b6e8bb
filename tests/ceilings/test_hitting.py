"""One that is hit stays hit until its owner acts; one whose rest is only held says: try again."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from keysteward.demo.fake_provider import Gate, Mode
from metering import Source
from store.changes import Kind
from tests.ceilings.purse import CENT, DOLLAR, Purse, chat, client, refused
from tests.kit.installation import HeldTool, Installation, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORTH = 4
"""How many calls a ceiling is worth in these tests, at a cent each."""


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def a_cent_a_call(purse: Purse) -> None:
    await purse.price(CENT)


async def spend(house: Installation, tool: HeldTool, calls: int) -> None:
    for _ in range(calls):
        assert (await chat(house, tool)).status_code == 200


class TestHit:
    async def test_what_would_pass_it_is_refused_with_all_that_a_program_needs_to_know(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        made = await purse.limit(WORTH * CENT + 1)
        await spend(house, tool, WORTH)
        told = await chat(house, tool)
        assert told.status_code == 402
        assert told.headers["x-should-retry"] == "false"
        assert "retry-after" not in told.headers
        error: dict[str, Any] = told.json()["error"]
        message = error.pop("message")
        assert message.startswith("keysteward: ")
        assert error == {
            "type": "insufficient_quota",
            "code": "ceiling_hit",
            "param": None,
            "ceiling": made,
            "limit": "0.040000001",
            "settled": "0.04",
            "held": "0.00",
            "bound": "0.01",
            "unit": "usd",
            "reason": "ceiling_hit",
        }
        assert len(house.fake.calls) == WORTH

    async def test_it_stays_hit_for_less_and_is_said_once(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        made = await purse.limit(WORTH * CENT + CENT // 2)
        await spend(house, tool, WORTH)
        assert refused(await chat(house, tool)) == ("ceiling_hit", False)
        await purse.price(CENT // 4)  # which would fit
        for _ in range(3):
            assert refused(await chat(house, tool)) == ("ceiling_hit", False)
        (told,) = await purse.told(Kind.CEILING_HIT)
        assert (told.ceiling, told.provider) == (made, "openai")
        assert (await purse.one()).hit_at == house.clock.now

    async def test_what_is_known_to_cost_nothing_passes_all_the_same(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit(0)
        assert refused(await chat(house, tool)) == ("bound_above_ceiling", False)
        async with client(house, tool) as asking:
            assert (await asking.get("/v1/models")).status_code == 200

    async def test_one_call_above_the_whole_ceiling_does_not_close_it_for_the_others(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit(WORTH * CENT)
        await purse.price((WORTH + 1) * CENT, "gpt-4.1")
        assert refused(await chat(house, tool, model="gpt-4.1")) == ("bound_above_ceiling", False)
        await spend(house, tool, WORTH)
        assert await purse.told(Kind.CEILING_HIT) == []

    async def test_what_running_calls_hold_may_come_free(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit(WORTH * CENT)
        house.fake.gate, house.fake.mode = Gate(after=0), Mode.RATE_LIMITED
        going = [asyncio.ensure_future(chat(house, tool)) for _ in range(WORTH)]
        await house.fake.gate.reached(WORTH)
        told = await chat(house, tool)
        assert refused(told) == ("in_flight_holds", True)
        assert told.headers["retry-after"] == "1"
        assert told.json()["error"]["held"] == "0.04"
        house.fake.gate.release()
        assert {(await answer).status_code for answer in going} == {429}
        await purse.ended(WORTH)
        house.fake.mode = None
        await spend(house, tool, WORTH)
        assert await purse.told(Kind.CEILING_HIT) == []


class TestItsOwner:
    async def test_a_reset_begins_anew_and_what_ran_stays_charged_to_the_old_epoch(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        made = await purse.limit(WORTH * CENT)
        house.fake.gate = Gate(after=0)
        going = [asyncio.ensure_future(chat(house, tool)) for _ in range(WORTH)]
        await house.fake.gate.reached(WORTH)
        assert (await purse.one()).held == WORTH * CENT
        await purse.reset(made)
        assert ((one := await purse.one()).epoch, one.settled, one.held) == (2, 0, 0)
        house.fake.gate.release()
        await asyncio.gather(*going)
        house.fake.gate = None
        await purse.ended(WORTH)
        assert await purse.used() == (0, 0)
        old = await house.store.read(
            lambda tx: tx.one(
                "SELECT settled, held FROM ceilings WHERE id = :id AND epoch = 1", id=made
            )
        )
        assert old == (WORTH * CENT, 0)
        await spend(house, tool, WORTH)
        assert await purse.used() == (WORTH * CENT, 0)
        assert await purse.spent() == 2 * WORTH * CENT

    async def test_a_reset_opens_one_that_is_hit(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        made = await purse.limit(CENT)
        await spend(house, tool, 1)
        assert refused(await chat(house, tool)) == ("ceiling_hit", False)
        await purse.reset(made)
        await spend(house, tool, 1)
        assert len(await purse.told(Kind.CEILING_RESET)) == 1

    async def test_lowered_below_what_is_used_it_blocks_and_raised_it_opens(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        made = await purse.limit(WORTH * CENT)
        await spend(house, tool, 2)
        assert await purse.limit(CENT) == made
        assert refused(await chat(house, tool)) == ("ceiling_hit", False)
        assert len(await purse.told(Kind.CEILING_HIT)) == 1
        assert await purse.used() == (2 * CENT, 0)
        assert await purse.limit(3 * CENT) == made
        await spend(house, tool, 1)
        assert refused(await chat(house, tool)) == ("ceiling_hit", False)

    async def test_lowered_while_calls_run_it_still_counts_them(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit(WORTH * CENT)
        house.fake.gate = Gate(after=0)
        going = [asyncio.ensure_future(chat(house, tool)) for _ in range(2)]
        await house.fake.gate.reached(2)
        await purse.limit(CENT)
        house.fake.gate.release()
        await asyncio.gather(*going)
        await purse.ended(2)
        assert await purse.used() == (2 * CENT, 0)
        assert (await purse.one()).excess == 0

    async def test_a_ceiling_that_was_taken_away_holds_nobody_back(
        self, house: Installation, grace: Person, purse: Purse, tool: HeldTool
    ) -> None:
        made = await purse.limit(0)
        assert refused(await chat(house, tool))[0] == "bound_above_ceiling"
        await purse.ceilings.remove(grace.owner, made)
        await spend(house, tool, 1)
        assert await purse.states() == []

    async def test_warnings_come_at_half_four_fifths_and_nineteen_twentieths_once_each(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        made = await purse.limit(20 * CENT)
        seen: list[tuple[int, int | None, str | None]] = []
        for calls in range(1, 21):
            await spend(house, tool, 1)
            await purse.ended(calls)
            told = await purse.told(Kind.CEILING_WARNED)
            if len(told) > len(seen):
                seen.append((calls, told[-1].percent, told[-1].ceiling))
        assert seen == [(10, 50, made), (16, 80, made), (19, 95, made)]
        await purse.reset(made)
        await spend(house, tool, 10)
        await purse.ended(30)
        assert [one.percent for one in await purse.told(Kind.CEILING_WARNED)] == [50, 80, 95, 50]


class TestSeveral:
    async def test_a_call_counts_under_each_ceiling_that_governs_it_and_under_no_other(
        self, house: Installation, grace: Person, purse: Purse, tool: HeldTool
    ) -> None:
        other = await grace.make_tool()
        of_all = await purse.limit(10 * CENT, provider=None)
        of_provider = await purse.limit(10 * CENT)
        of_tool = await purse.limit(2 * CENT, provider=None, tool=tool)
        elsewhere = await purse.limit(DOLLAR, provider="anthropic")
        of_other = await purse.limit(DOLLAR, tool=other)
        told = await chat(house, tool)
        assert told.headers["keysteward-remaining"] == "0.01"  # of the tightest
        for ceiling in (of_all, of_provider, of_tool):
            assert await purse.used(ceiling) == (CENT, 0)
        for ceiling in (elsewhere, of_other):
            assert await purse.used(ceiling) == (0, 0)
        assert await purse.came_to() == (CENT, Source.USER, False)

    async def test_one_that_is_hit_takes_nothing_of_the_others(
        self, house: Installation, grace: Person, purse: Purse, tool: HeldTool
    ) -> None:
        other = await grace.make_tool()
        of_all = await purse.limit(10 * CENT, provider=None)
        await purse.limit(CENT, provider=None, tool=tool)
        await spend(house, tool, 1)
        assert refused(await chat(house, tool)) == ("ceiling_hit", False)
        assert await purse.used(of_all) == (CENT, 0)
        await spend(house, other, 1)
        assert await purse.used(of_all) == (2 * CENT, 0)
