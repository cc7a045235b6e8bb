"""What one tool, or one dispute, must not do to the rest of its owner's money."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from broker.ceilings import MOVED
from broker.commitments import HOUR
from broker.ledger import By
from keysteward.demo.fake_provider import Gate, Mode
from metering import Source
from tests.ceilings.purse import CENT, CHATS, STREAM, Purse, chat, client, given_up, refused
from tests.kit.installation import HeldTool, Installation, Person
from tests.kit.scripted import connected

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_tool_that_its_own_ceiling_refuses_does_not_close_its_owner_s_total(
    house: Installation, grace: Person, purse: Purse, tool: HeldTool
) -> None:
    other = await grace.make_tool()
    await purse.price(CENT)
    await purse.price(3 * CENT, "gpt-4.1")
    total = await purse.limit(4 * CENT, provider=None)
    own = await purse.limit(2 * CENT, provider=None, tool=tool)
    for calls in (1, 2):
        assert (await chat(house, other)).status_code == 200
        await purse.ended(calls)
    # It fits neither what is left of the total nor the whole of the tool's own.
    assert refused(await chat(house, tool, model="gpt-4.1")) == ("bound_above_ceiling", False)
    assert [(await purse.one(each)).hit_at for each in (total, own)] == [None, None]
    assert (await chat(house, other)).status_code == 200


@pytest.mark.parametrize("made", [False, True])
async def test_what_a_disputed_call_moved_counts_until_its_owner_says_that_it_was_not_made(
    house: Installation, grace: Person, purse: Purse, *, made: bool
) -> None:
    await grace.add_key("stripe")
    tool = await grace.make_tool()
    await purse.limit(5000, provider="stripe", unit=f"{MOVED}eur")
    house.fake.mode = Mode.ERROR_500
    async with client(house, tool, "stripe") as asking:
        await asking.post("/v1/payment_intents", data={"amount": "3000", "currency": "eur"})
    call = await purse.ended()
    assert call.disputed
    assert await purse.used() == (3000, 0)
    assert await moved(house, grace) == {("DISPUTED", 3000)}
    assert await purse.ledger.release(grace.owner, call.id, 0, made=made) == 0
    assert await purse.used() == (3000 if made else 0, 0)
    back = set() if made else {("GIVEN_BACK", -3000)}
    assert await moved(house, grace) == {("DISPUTED", 3000), *back}


async def moved(house: Installation, person: Person) -> set[tuple[str, int]]:
    """Give the ledger's lines of what is no dollars."""
    rows = await house.store.read(
        lambda tx: tx.all(
            "SELECT kind, amount FROM ledger WHERE account = :a AND unit <> 'usd'",
            a=person.owner.account,
        )
    )
    return {(kind, amount) for kind, amount in rows}


async def test_of_a_lost_call_that_no_ceiling_governed_nobody_knows_the_cost(
    house: Installation, purse: Purse, tool: HeldTool
) -> None:
    house.fake.gate = Gate(after=0)
    going = asyncio.ensure_future(chat(house, tool))
    await house.fake.gate.reached(1)
    await given_up(house)
    house.fake.gate.release()
    assert (await going).status_code == 200
    assert await purse.came_to() == (None, Source.UNPRICED, False)


async def test_what_is_given_back_is_given_back_on_the_day_on_which_it_was_spent(
    house: Installation, grace: Person, purse: Purse, tool: HeldTool
) -> None:
    await purse.price(CENT)
    await purse.limit()
    house.fake.mode = Mode.ERROR_500
    await chat(house, tool)
    call = await purse.ended()
    house.clock.forward(microseconds=26 * HOUR)
    assert await purse.release(call.id) == CENT
    days = await purse.ledger.spend(grace.owner, By.DAY, since=None, until=None)
    assert [(day.amount, day.disputed) for day in days] == [(0, 0)]


async def test_a_tool_that_takes_nothing_of_its_answer_is_let_go(
    house: Installation, purse: Purse, tool: HeldTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await purse.price(CENT)
    await purse.limit(2 * CENT)
    monkeypatch.setattr(house.broker._drains, "stall", 0.1)
    house.fake.answer_bytes = 16 * 2**20  # more than the sockets between them take
    async with connected(house.url) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(asked(tool, STREAM))
        call = await purse.ended()
    assert call.outcome == "CLIENT_GONE"
    assert await purse.used() == (CENT, 0)


def asked(tool: HeldTool, body: Mapping[str, object]) -> bytes:
    """Write a chat's request."""
    text = json.dumps(body).encode()
    head = (
        f"POST /via/openai{CHATS} HTTP/1.1\r\nhost: localhost\r\n"
        f"authorization: Bearer {tool.token}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text
