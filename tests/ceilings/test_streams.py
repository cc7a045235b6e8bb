"""How a call's end settles what it held: at its use, at its bound, at nothing, or in dispute."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from broker.intake import Drains
from broker.outcome import Outcome
from keysteward.demo.fake_provider import Gate, Mode
from metering import Source
from store.changes import Kind
from tests.ceilings.purse import CENT, CHAT, CHATS, DOLLAR, STREAM, Purse, chat, refused
from tests.kit.installation import HeldTool, Installation, Person, StoredKey, until
from tests.kit.scripted import answer, connected, says, scripted

pytestmark = pytest.mark.asyncio(loop_scope="module")

USED = 8 * 600
"""What the eight tokens of an answer cost; what was asked comes on top."""


def billed(house: Installation) -> int:
    return house.fake.bill["openai"]


class TestAnswers:
    async def test_a_whole_answer_costs_what_it_used_and_its_head_says_so(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit(CENT)
        told = (await chat(house, tool)).headers
        cost = billed(house)
        assert await purse.came_to() == (cost, Source.USAGE, False)
        assert await purse.used() == (cost, 0)
        assert await purse.spent() == cost
        assert await purse.states() == ["SETTLED"]
        call = await purse.ended()
        assert call.bound is not None
        assert call.bound >= cost > USED
        assert told["keysteward-provider"] == "OpenAI"
        assert told["keysteward-model"] == "gpt-4o-mini"
        assert told["keysteward-cost"] == f"{cost / DOLLAR:.9f}".rstrip("0")
        assert told["keysteward-bound"] == f"{call.bound / DOLLAR:.9f}".rstrip("0")
        assert told["keysteward-remaining"] == f"{(CENT - cost) / DOLLAR:.9f}".rstrip("0")
        assert "keysteward-output-cap" not in told

    async def test_without_a_limit_on_its_output_one_is_put_in_and_said(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        free = await chat(house, tool, max_tokens=None)
        await purse.limit(DOLLAR)
        governed = await chat(house, tool, max_tokens=None)
        assert "keysteward-output-cap" not in free.headers
        cap = int(governed.headers["keysteward-output-cap"])
        asked = [json.loads(call.body) for call in house.fake.calls]
        assert "max_completion_tokens" not in asked[0]
        assert asked[1]["max_completion_tokens"] == cap
        assert free.json()["usage"] == governed.json()["usage"]

    async def test_a_stream_is_settled_at_the_usage_that_it_ends_with(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit()
        streamed = await chat(house, tool, **STREAM)
        assert "keysteward-cost" not in streamed.headers
        assert "keysteward-bound" in streamed.headers
        # It was asked for, not by the tool, so the tool does not get it.
        assert b'"prompt_tokens"' not in streamed.content
        assert streamed.content.endswith(b"data: [DONE]\n\n")
        assert await purse.came_to() == (billed(house), Source.USAGE, False)
        assert await purse.used() == (billed(house), 0)

    async def test_without_a_ceiling_a_call_is_metered_all_the_same(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await chat(house, tool)
        assert await purse.came_to() == (billed(house), Source.USAGE, False)
        assert await purse.spent() == billed(house)
        assert await purse.states() == []

    async def test_an_owners_own_price_goes_before_the_lists(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit(CENT)
        await purse.price(CENT // 4)
        told = await chat(house, tool)
        assert told.headers["keysteward-cost"] == "0.0025"
        assert await purse.came_to() == (CENT // 4, Source.USER, False)

    async def test_what_cannot_be_bounded_is_refused_until_it_has_a_price(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit()
        path = "/v1/threads/thread_1/runs"
        assert refused(await chat(house, tool, path)) == ("unpriceable", False)
        assert not house.fake.calls
        await purse.price(CENT, "*")
        assert (await chat(house, tool, path)).status_code == 404  # it reached the provider


class TestLeaving:
    async def leave(self, house: Installation, tool: HeldTool) -> None:
        """Begin a stream, and hang up in its midst."""
        house.fake.gate = gate = Gate(after=2)
        body = json.dumps(STREAM).encode()
        head = (
            f"POST /via/openai{CHATS} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nauthorization: Bearer {tool.token}\r\n\r\n"
        )
        async with connected(house.url) as (reader, writer):
            writer.write(head.encode() + body)
            await reader.readuntil(b"data: ")
            await gate.reached()

    async def test_the_rest_of_a_tools_stream_is_taken_and_settled_at_what_it_used(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit()
        await self.leave(house, tool)
        await until(lambda: house.broker._drains.running == 1)
        assert house.fake.gate is not None
        house.fake.gate.release()
        call = await purse.ended()
        assert call.outcome is Outcome.CLIENT_GONE
        assert (call.cost, call.source) == (billed(house), Source.USAGE)
        assert await purse.used() == (billed(house), 0)
        assert house.broker._drains.running == 0
        assert not house.fake.departures

    @pytest.mark.parametrize("drains", [Drains(most=0), Drains(seconds=0.0)], ids=["none", "short"])
    async def test_what_cannot_be_taken_to_its_end_counts_as_its_bound(
        self, house: Installation, purse: Purse, tool: HeldTool, drains: Drains
    ) -> None:
        await purse.limit()
        kept, house.broker._drains = house.broker._drains, drains
        try:
            await self.leave(house, tool)
            await house.fake.disconnected()
            call = await purse.ended()
        finally:
            house.broker._drains = kept
        assert call.outcome is Outcome.CLIENT_GONE
        assert (call.cost, call.source, call.disputed) == (call.bound, Source.BOUND, False)
        assert await purse.used() == (call.bound, 0)
        assert drains.running == 0

    async def test_without_a_ceiling_nothing_is_taken_for_nobody(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await self.leave(house, tool)
        await house.fake.disconnected()
        assert await purse.came_to() == (None, Source.UNPRICED, False)

    async def test_a_revocation_in_the_midst_settles_at_the_bound(
        self, house: Installation, grace: Person, purse: Purse, key: StoredKey, tool: HeldTool
    ) -> None:
        await purse.limit()
        house.fake.gate = gate = Gate(after=2)
        streaming = asyncio.ensure_future(chat(house, tool, **STREAM))
        await gate.reached()
        await grace.remove_key(key)
        assert b"key_removed" in (await streaming).content
        call = await purse.ended()
        assert call.outcome is Outcome.CUT
        assert (call.cost, call.source, call.disputed) == (call.bound, Source.BOUND, False)
        assert await purse.used() == (call.bound, 0)


class TestTrouble:
    async def test_a_call_that_never_left_costs_nothing(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit()
        house.send_to("openai", "http://127.0.0.1:1")
        assert (await chat(house, tool)).status_code == 502
        assert await purse.came_to() == (0, None, False)
        assert await purse.used() == (0, 0)
        assert await purse.states() == ["RELEASED"]

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429])
    async def test_what_the_provider_refused_costs_nothing(
        self, house: Installation, purse: Purse, tool: HeldTool, status: int
    ) -> None:
        await purse.limit()
        async with scripted(says(answer(status=b"%d No" % status))) as url:
            house.send_to("openai", url)
            assert (await chat(house, tool)).status_code == status
            assert await purse.came_to() == (0, None, False)
        assert await purse.used() == (0, 0)
        assert await purse.states() == ["RELEASED"]

    @pytest.mark.parametrize("status", [302, 408, 500, 502, 503, 529])
    async def test_what_nobody_knows_counts_in_full_until_its_owner_says_otherwise(
        self, house: Installation, purse: Purse, tool: HeldTool, status: int
    ) -> None:
        await purse.limit()
        async with scripted(says(answer(status=b"%d Oh" % status))) as url:
            house.send_to("openai", url)
            await chat(house, tool)
            call = await purse.ended()
        assert (call.cost, call.source, call.disputed) == (call.bound, Source.BOUND, True)
        assert await purse.used() == (call.bound, 0)
        assert await purse.states() == ["DISPUTED"]
        assert call.bound is not None
        assert await purse.release(call.id) == call.bound
        assert await purse.used() == (0, 0)
        assert await purse.spent() == 0
        assert await purse.states() == ["RELEASED"]
        assert await purse.came_to() == (0, Source.USER, False)

    async def test_an_owner_may_know_better_what_a_disputed_call_cost(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        await purse.limit()
        house.fake.mode = Mode.ERROR_500_CHARGED
        assert (await chat(house, tool)).status_code == 500
        call = await purse.ended()
        await purse.release(call.id, billed(house))
        assert await purse.used() == (billed(house), 0)
        assert await purse.came_to() == (billed(house), Source.USER, False)
        assert await purse.states() == ["SETTLED"]

    @pytest.mark.parametrize("body", [CHAT, STREAM], ids=["document", "stream"])
    @pytest.mark.parametrize("mode", [Mode.CUT_AFTER_CHARGE, Mode.USAGE_MISSING])
    async def test_an_answer_that_does_not_say_what_it_used_is_disputed(
        self,
        house: Installation,
        purse: Purse,
        tool: HeldTool,
        mode: Mode,
        body: dict[str, Any],
    ) -> None:
        await purse.limit()
        house.fake.mode = mode
        try:
            answered = await chat(house, tool, **body)
            assert "keysteward-cost" not in answered.headers
        except httpx.RemoteProtocolError:
            assert (mode, body) == (Mode.CUT_AFTER_CHARGE, STREAM)
        call = await purse.ended()
        assert (call.cost, call.source, call.disputed) == (call.bound, Source.BOUND, True)
        assert billed(house) <= (await purse.one()).settled

    @pytest.mark.parametrize("mode", [Mode.CUT_AFTER_CHARGE, Mode.ERROR_500, Mode.RATE_LIMITED])
    async def test_no_call_is_sent_twice(
        self, house: Installation, purse: Purse, tool: HeldTool, mode: Mode
    ) -> None:
        await purse.limit()
        house.fake.mode = mode
        assert (await chat(house, tool)).status_code in {429, 500, 502}
        await purse.ended()
        assert len(house.fake.calls) == 1

    async def test_what_cost_more_than_its_bound_is_recorded_openly_and_freezes_the_model(
        self, house: Installation, purse: Purse, tool: HeldTool
    ) -> None:
        made = await purse.limit(CENT)
        house.fake.mode = Mode.OVERCHARGE
        assert (await chat(house, tool, max_tokens=100)).status_code == 200
        call = await purse.ended()
        cost, one = billed(house), await purse.one()
        assert call.bound is not None
        assert call.cost == cost > call.bound
        assert (one.settled, one.held, one.excess) == (call.bound, 0, cost - call.bound)
        assert one.remaining == CENT - cost
        assert await purse.spent() == cost
        (told,) = await purse.told(Kind.CEILING_EXCEEDED)
        assert told.ceiling == made
        house.fake.mode = None
        assert refused(await chat(house, tool)) == ("unpriceable", False)
        assert (await chat(house, tool, model="gpt-4.1")).status_code == 200
        await purse.price(CENT // 10)
        assert (await chat(house, tool)).status_code == 200
