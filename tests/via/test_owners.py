"""What an owner's standing means for their tools: too fast, not verified, disabled, moved, gone."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from accounts import rows
from accounts.people import People
from keysteward.demo.fake_provider import Gate
from keysteward.masterkey import keyring_of
from store import Owner, Store, Tx, changes
from store.changes import Kind
from tests.kit.canary import canary
from tests.kit.installation import WIRES, HeldTool, Installation, Person
from tests.kit.whole_account import VISIT

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAM = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Who?"}],
    "stream": True,
}


def code_of(answer: Any) -> str:
    """Give our own code, in whichever provider's form it comes."""
    error = answer.json()["error"]
    return str(error["details"][0]["reason"].lower() if "details" in error else error["code"])


async def status(house: Installation, tool: HeldTool) -> int:
    async with house.client(tool.token) as client:
        return (await client.get("/v1/models")).status_code


async def streamed(house: Installation, tool: HeldTool) -> bytes:
    async with house.client(tool.token) as client:
        return (await client.post("/v1/chat/completions", json=STREAM)).content


def last_code(body: bytes) -> str:
    last = body.split(b"\n\n")[-2].removeprefix(b"data: ")
    return str(json.loads(last)["error"]["code"])


def people_of(house: Installation) -> People:
    assert house.app.graphql is not None
    people: People = house.app.graphql._services.people
    return people


async def disable(house: Installation, owner: Owner, *, disabled: bool = True) -> None:
    """Do what the operator's command does to the rows: see accounts/operating.py."""
    keyring = keyring_of(house.config)

    def unit(tx: Tx) -> None:
        account = rows.find(tx, keyring, owner)
        assert account is not None
        rows.put(tx, keyring, account, disabled_at=1 if disabled else None)
        kind = Kind.ACCOUNT_DISABLED if disabled else Kind.ACCOUNT_ENABLED
        changes.append(tx, owner, kind, at=1)

    await house.store.write(unit)


class TestRates:
    @pytest.mark.parametrize("wire", WIRES)
    async def test_a_tool_that_calls_too_fast_is_told_when_in_its_provider_s_form(
        self, house: Installation, ada: Person, wire: str
    ) -> None:
        await ada.add_key(wire)
        tool = await ada.make_tool(per_minute=6)
        async with house.client(tool.token, wire) as client:
            for _ in range(6):
                assert (await client.get("/v1/models")).status_code != 429
            refused = await client.get("/v1/models")
            assert refused.status_code == 429
            assert code_of(refused) == "tool_rate_limited"
            assert refused.headers["retry-after"] == "10"
            assert "x-should-retry" not in refused.headers  # the SDK waits, and tries again
            error = refused.json()["error"]
            assert {
                "openai": error.get("type") == "rate_limit_error",
                "anthropic": error.get("type") == "rate_limit_error",
                "google": error.get("status") == "RESOURCE_EXHAUSTED",
            }[wire]
            house.clock.forward(seconds=9.9)
            assert (await client.get("/v1/models")).status_code == 429
            house.clock.forward(seconds=0.1)
            assert (await client.get("/v1/models")).status_code != 429
        assert len(house.fake.calls) == 7
        assert len(await ada.calls_ended(7)) == 7

    async def test_one_tool_s_rate_is_none_of_another_s(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        slow = await ada.make_tool(per_minute=1)
        assert [await status(house, slow) for _ in range(3)] == [200, 429, 429]
        assert [await status(house, tool) for _ in range(3)] == [200] * 3

    @pytest.mark.usefixtures("key")
    async def test_of_many_calls_at_once_no_more_begin(
        self, house: Installation, ada: Person
    ) -> None:
        tool = await ada.make_tool(per_minute=5)
        async with house.client(tool.token) as client:
            answers = await asyncio.gather(*(client.get("/v1/models") for _ in range(40)))
        assert sorted(each.status_code for each in answers) == [200] * 5 + [429] * 35
        assert len(house.fake.calls) == 5

    @pytest.mark.usefixtures("key")
    async def test_a_new_rate_counts_from_the_next_call_on(
        self, house: Installation, ada: Person
    ) -> None:
        tool = await ada.make_tool(per_minute=1)
        assert [await status(house, tool) for _ in range(2)] == [200, 429]
        await ada._tools.change(ada.owner, tool.id, per_minute=60)
        house.clock.forward(seconds=1)
        assert await status(house, tool) == 200


class TestVerifiedOnly:
    @pytest_asyncio.fixture(loop_scope="module")
    async def strict(self, house: Installation) -> AsyncIterator[Installation]:
        """An installation that makes calls for verified owners alone."""
        house.broker._verified_only = True
        yield house
        house.broker._verified_only = False

    @pytest.mark.parametrize("wire", WIRES)
    async def test_an_unverified_owner_s_tool_is_refused_and_nothing_sent(
        self, strict: Installation, wire: str
    ) -> None:
        eve = await strict.person(verified=False)
        await eve.add_key(wire)
        tool = await eve.make_tool()
        async with strict.client(tool.token, wire) as client:
            refused = await client.get("/v1/models")
        assert (refused.status_code, code_of(refused)) == (403, "owner_unverified")
        assert refused.headers["x-should-retry"] == "false"
        assert not strict.fake.calls
        assert await eve.calls() == []

    async def test_a_verified_one_s_is_not(self, strict: Installation, tool: HeldTool) -> None:
        assert await status(strict, tool) == 200

    async def test_where_it_was_not_asked_for_both_may_call(self, house: Installation) -> None:
        eve = await house.person(verified=False)
        await eve.add_key()
        assert await status(house, await eve.make_tool()) == 200


class TestDisabled:
    async def test_its_tools_are_refused_and_its_running_calls_cut(
        self, house: Installation, ada: Person, bob: Person, tool: HeldTool
    ) -> None:
        await bob.add_key()
        bobs = await bob.make_tool()
        house.fake.gate = gate = Gate(after=2)
        calls = [asyncio.ensure_future(streamed(house, each)) for each in (tool, tool, bobs)]
        await gate.reached(3)
        await disable(house, ada.owner)
        assert [last_code(await each) for each in calls[:2]] == ["key_removed"] * 2
        assert await status(house, tool) == 401
        gate.release()
        assert (await calls[2]).endswith(b"data: [DONE]\n\n")
        assert {call.outcome for call in await ada.calls_ended(2)} == {"CUT"}
        house.fake.gate = None
        assert await status(house, bobs) == 200

    async def test_enabled_again_they_go_on(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        await disable(house, ada.owner)
        assert await status(house, tool) == 401
        await disable(house, ada.owner, disabled=False)
        assert await status(house, tool) == 200


class TestMovedAndGone:
    async def test_a_call_that_runs_while_its_account_moves_is_whole_and_in_the_new_ledger(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        house.fake.gate = gate = Gate(after=2)
        call = asyncio.ensure_future(streamed(house, tool))
        await gate.reached(1)
        moving = people_of(house).moving
        address = f"moved-{canary()}@example.com".replace("_", "").lower()[-60:]
        to = await house.store.write(
            lambda tx: moving.move(tx, ada.owner, address, VISIT, at=house.clock())
        )
        gate.release()
        assert (await call).endswith(b"data: [DONE]\n\n")
        house.fake.gate = None
        assert await status(house, tool) == 200
        moved = Person(house, type(ada.owner)(to.account), house.store)
        assert {each.outcome for each in await moved.calls_ended(2)} == {"ANSWERED"}
        assert await ada.calls() == []

    async def test_one_that_is_disabled_after_the_move_is_cut_all_the_same(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        house.fake.gate = gate = Gate(after=2)
        call = asyncio.ensure_future(streamed(house, tool))
        await gate.reached(1)
        moving = people_of(house).moving
        to = await house.store.write(
            lambda tx: moving.move(
                tx, ada.owner, f"x{ada.owner.account[:9]}@example.com", VISIT, at=house.clock()
            )
        )
        await disable(house, to)
        assert last_code(await call) == "key_removed"

    async def test_a_deleted_account_s_calls_are_cut_and_its_tools_refused(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        house.fake.gate = gate = Gate(after=2)
        call = asyncio.ensure_future(streamed(house, tool))
        await gate.reached(1)
        deletion = people_of(house).deletion
        await house.store.write(lambda tx: deletion.carry_out(tx, ada.owner, at=house.clock()))
        assert last_code(await call) == "key_removed"
        assert await status(house, tool) == 401


async def test_a_row_that_was_planted_makes_no_calls(
    house: Installation, ada: Person, bob: Person, tool: HeldTool
) -> None:
    """Bob, who can write to the database, gives his own tool to Ada: her keys stay hers."""
    bobs = await bob.make_tool()
    store: Store = house.store
    await store.write(
        lambda tx: tx.run(
            "UPDATE tools SET account = :ada WHERE id = :tool", ada=ada.owner.account, tool=bobs.id
        )
    )
    assert await status(house, bobs) == 401
    assert await status(house, tool) == 200
    assert len(house.fake.calls) == 1
