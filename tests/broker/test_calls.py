"""The ledger's rows."""

import re
from typing import Any

import pytest

from broker import calls
from broker.calls import Call, Calls, Which
from broker.ceilings import USD
from broker.ledger import Entry
from broker.ledger import charge as charged
from broker.outcome import Outcome
from metering import Charge, Source
from store import ProvenOwner, Store, Tx
from tests.kit.people import ADA, BOB, settle_in
from vault.revocations import seen


@pytest.fixture
async def ledger(store: Store) -> Calls:
    await settle_in(store, ADA, BOB)
    return Calls(store)


async def begin(
    store: Store,
    call: str,
    owner: ProvenOwner = ADA,
    *,
    worker: str = "wrk_1",
    at: int = 1000,
    provider: str = "openai",
    tool: str = "tool_1",
) -> None:
    await store.write(
        lambda tx: calls.begin(
            tx,
            call,
            owner,
            tool=tool,
            key="key_1",
            version=2,
            provider=provider,
            worker=worker,
            operation="chat",
            model=None,
            bound=7,
            at=at,
        )
    )


async def end(
    store: Store, call: str, outcome: Outcome, owner: ProvenOwner = ADA, *, at: int = 3500
) -> None:
    await store.write(
        lambda tx: calls.end(
            tx, call, owner, outcome=outcome, status=200, model="m", bytes_in=1, bytes_out=2, at=at
        )
    )


async def all_of(ledger: Calls, owner: ProvenOwner = ADA) -> list[Call]:
    return await ledger.latest(owner, before=None, most=100)


async def test_a_row_is_begun_and_ended(store: Store, ledger: Calls) -> None:
    await begin(store, "call_1")
    started = Call(
        id="call_1",
        account=ADA.account,
        tool="tool_1",
        key="key_1",
        version=2,
        provider="openai",
        started_at=1000,
        model=None,
        outcome=None,
        status=None,
        bytes_in=0,
        bytes_out=0,
        duration=None,
        operation="chat",
        bound=7,
        cost=None,
        source=None,
        disputed=False,
    )
    assert await all_of(ledger) == [started]
    await end(store, "call_1", Outcome.ANSWERED)
    (call,) = await all_of(ledger)
    assert (call.outcome, call.status, call.model) == (Outcome.ANSWERED, 200, "m")
    assert (call.bytes_in, call.bytes_out, call.duration) == (1, 2, 2500)


async def test_what_was_said_first_stands(store: Store, ledger: Calls) -> None:
    await begin(store, "call_1")
    await end(store, "call_1", Outcome.CUT)
    await end(store, "call_1", Outcome.ANSWERED, at=9999)
    (call,) = await all_of(ledger)
    assert (call.outcome, call.duration) == (Outcome.CUT, 2500)


async def test_a_clock_set_back_gives_no_negative_time(store: Store, ledger: Calls) -> None:
    await begin(store, "call_1")
    await end(store, "call_1", Outcome.ANSWERED, at=1)
    (call,) = await all_of(ledger)
    assert call.duration == 0


async def test_nobody_ends_or_sees_anothers_call(store: Store, ledger: Calls) -> None:
    await begin(store, "call_1")
    await end(store, "call_1", Outcome.ANSWERED, BOB)
    (call,) = await all_of(ledger)
    assert call.outcome is None
    assert await all_of(ledger, BOB) == []


async def test_the_newest_come_first_by_page_provider_and_tool(store: Store, ledger: Calls) -> None:
    for number in range(6):
        await begin(
            store,
            f"call_{number}",
            provider="openai" if number % 2 else "google",
            tool=f"tool_{number % 3}",
        )

    async def ids(
        before: str | None = None,
        most: int = 9,
        provider: str | None = None,
        tool: str | None = None,
    ) -> str:
        which = Which(provider=provider, tool=tool)
        found = await ledger.latest(ADA, which, before=before, most=most)
        return "".join(call.id[-1] for call in found)

    assert await ids() == "543210"
    assert await ids(most=2) == "54"
    assert await ids(before="call_4", most=2) == "32"
    assert await ids(provider="google") == "420"
    assert await ids(tool="tool_1") == "41"
    assert await ids(tool="tool_1", provider="openai", before="call_4") == "1"


async def charge(
    store: Store,
    call: str,
    *,
    at: int,
    model: str | None,
    number: int = 1,
    of: Source = Source.USAGE,
) -> None:
    entry = Entry(call, at, "openai", "tool_1", model)
    await store.write(lambda tx: charged(tx, ADA, entry, USD, Charge(5, of), number=number))


async def test_a_call_is_found_by_when_and_for_what_it_was_charged_else_by_its_own_start(
    store: Store, ledger: Calls
) -> None:
    for number in range(4):
        await begin(store, f"call_{number}", at=1000 + number)
    await charge(store, "call_0", at=2000, model="m")
    await charge(store, "call_0", at=9000, model="by the hour", number=3)
    await charge(store, "call_1", at=2001, model=None)
    await end(store, "call_2", Outcome.REFUSED)  # by then it names the model "m"

    async def ids(**which: Any) -> str:
        found = await ledger.latest(ADA, Which(**which), before=None, most=9)
        return "".join(call.id[-1] for call in found)

    assert await ids() == "3210"
    assert await ids(since=1002, until=1004) == "32"
    assert await ids(since=2000, until=2001) == "0"
    assert await ids(since=2001, until=9000) == "1"
    assert await ids(since=9000) == "0"
    assert await ids(model="m") == "20"
    assert await ids(model="m", since=9000) == ""
    assert await ids(model="by the hour", since=9000) == "0"
    assert await ids(model="") == "31"
    assert await ids(key="key_1", tool="tool_1", until=1003) == "2"
    assert await ids(key="key_2") == ""


async def test_calls_without_a_known_price_are_found_where_they_count_as_such(
    store: Store, ledger: Calls
) -> None:
    for number in range(3):
        await begin(store, f"call_{number}", at=1000 + number)
    await charge(store, "call_0", at=2000, model="m", of=Source.UNPRICED)
    # What it made costs by the hour, at a known price.
    await charge(store, "call_0", at=9000, model="by the hour", number=3)
    await charge(store, "call_1", at=2001, model="m")

    async def ids(**which: Any) -> str:
        found = await ledger.latest(ADA, Which(**which), before=None, most=9)
        return "".join(call.id[-1] for call in found)

    assert await ids(unpriced=True) == "0"
    assert await ids(unpriced=False) == "21"
    assert await ids(unpriced=True, since=2000, until=2001, model="m") == "0"
    assert await ids(unpriced=True, since=9000) == ""
    assert await ids(unpriced=False, since=9000) == "0"
    assert await ids(unpriced=True, model="by the hour") == ""


async def test_a_look_at_calls_costs_no_more_when_the_ledger_has_grown(store: Store) -> None:
    """Held to the plan: each call's few entries, in the order of the page; uses by their index."""

    async def plan(statement: str) -> list[str]:
        values = dict.fromkeys(re.findall(r":(\w+)", statement))
        rows = await store.read(lambda tx: tx.all(f"EXPLAIN QUERY PLAN {statement}", **values))
        return [row[3] for row in rows]

    latest, uses = await plan(calls._LATEST), await plan(calls._USES)
    looks = [look for look in latest if "SEARCH" in look or "SCAN" in look]
    assert looks
    for look in looks:
        assert re.fullmatch(r"SEARCH (calls|ledger|reservations) USING PRIMARY KEY .*", look), look
    assert not [look for look in latest if "ORDER BY" in look]
    (look,) = [look for look in uses if " calls " in look]
    assert "COVERING INDEX calls_of_key (account=? AND key=? AND started_at>?)" in look


async def test_the_calls_of_a_dead_process_are_lost_and_its_listeners_gone(
    store: Store, ledger: Calls
) -> None:
    await store.write(lambda tx: seen(tx, "wrk_dead", 100))
    await store.write(lambda tx: seen(tx, "wrk_alive", 900))
    for call, worker in (("call_1", "wrk_dead"), ("call_2", "wrk_alive"), ("call_3", "wrk_dead")):
        await begin(store, call, worker=worker)
    await end(store, "call_3", Outcome.ANSWERED)
    await store.write(
        lambda tx: tx.run(
            "INSERT INTO tools (id, account, name, digest, prefix, created_at, voucher)"
            " VALUES ('tool_1', :account, 'a', x'00', '', 0, x'')",
            account=ADA.account,
        )
    )
    await store.write(
        lambda tx: tx.run(
            "INSERT INTO listeners SELECT id, :account, 'tool_1', 'i', id, 0, 0 FROM workers",
            account=ADA.account,
        )
    )
    await store.write(lambda tx: calls.give_up_on_the_dead(tx, silent_since=500, at=4000))
    outcomes = {call.id: call.outcome for call in await all_of(ledger)}
    assert outcomes == {"call_1": Outcome.LOST, "call_2": None, "call_3": Outcome.ANSWERED}
    left = await store.read(lambda tx: tx.all("SELECT worker FROM listeners"))
    workers = await store.read(lambda tx: tx.all("SELECT id FROM workers"))
    assert left == workers == [("wrk_alive",)]
    await end(store, "call_1", Outcome.ANSWERED)  # should it come to life after all
    assert (await all_of(ledger))[-1].outcome is Outcome.LOST


async def moved(store: Store, ledger: Calls, was: ProvenOwner, to: ProvenOwner, at: int) -> None:
    """Move as an account that takes another address does."""

    def unit(tx: Tx) -> None:
        ledger.move(tx, was, to)
        tx.run(
            "INSERT INTO moves (was, account, at) VALUES (:was, :account, :at)",
            was=was.account,
            account=to.account,
            at=at,
        )

    await store.write(unit)


async def test_a_call_that_outlives_its_account_s_id_ends_under_the_new_one(
    store: Store, ledger: Calls
) -> None:
    third = ProvenOwner("c" * 64)
    await begin(store, "call_1")
    await moved(store, ledger, ADA, BOB, 1)
    await moved(store, ledger, BOB, third, 2)
    await begin(store, "call_2")  # of whoever has Ada's address by now
    await end(store, "call_1", Outcome.ANSWERED)
    assert [call.outcome for call in await all_of(ledger, third)] == [Outcome.ANSWERED]
    assert [call.outcome for call in await all_of(ledger)] == [None]


async def test_an_account_that_took_its_old_address_again_ends_its_calls_all_the_same(
    store: Store, ledger: Calls
) -> None:
    await moved(store, ledger, ADA, BOB, 1)
    await begin(store, "call_1", BOB)
    await moved(store, ledger, BOB, ADA, 2)
    await end(store, "call_1", Outcome.ANSWERED, BOB)
    assert [call.outcome for call in await all_of(ledger)] == [Outcome.ANSWERED]
    await end(store, "call_none", Outcome.ANSWERED)  # moves that go round in a ring end too
