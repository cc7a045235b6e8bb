"""What a call holds, where its life is not the usual one: topped up, reset, given up, too late."""

import pytest

from broker import calls, reservations
from broker.ceilings import USD, Ceilings
from broker.errors import CallFailure
from broker.outcome import Outcome
from broker.reservations import Admission, End, Verdict
from metering import Charge, Quote, Source
from store import ProvenOwner, Store, Tx
from tests.kit.clock import MovedClock
from vault.keyring import Keyring
from vault.revocations import WORKER_SILENT_AFTER, seen

TOOL, WORKER, CALL, MODEL = "tool_1", "wrk_1", "call_1", "gpt-realtime"


class Conversation:
    """One call, by the units of which its life consists; it holds ten at first."""

    def __init__(self, store: Store, owner: ProvenOwner, clock: MovedClock) -> None:
        self.store = store
        self.owner = owner
        self.clock = clock
        self.admission: Admission | None = None

    async def alive(self) -> None:
        """Have its process say that it lives."""
        at = self.clock.now
        await self.store.write(lambda tx: seen(tx, WORKER, at))

    async def begin(self, *, dispatched: bool = True) -> None:
        at, quote = self.clock.now, Quote("conversation", MODEL, price=10)

        def unit(tx: Tx) -> Admission:
            admission = reservations.admit(
                tx, self.owner, CALL, TOOL, "openai", quote, dispatched=dispatched, at=at
            )
            assert isinstance(admission, Admission)
            calls.begin(
                tx,
                CALL,
                self.owner,
                tool=TOOL,
                key="key_1",
                version=1,
                provider="openai",
                worker=WORKER,
                operation=quote.operation,
                model=MODEL,
                bound=10,
                at=at,
            )
            return admission

        self.admission = await self.store.write(unit)

    async def top_up(self) -> None:
        """Hold ten more."""
        at = self.clock.now

        def unit(tx: Tx) -> CallFailure | None:
            return reservations.top_up(tx, self.owner, CALL, TOOL, "openai", 10, held=10, at=at)

        assert await self.store.write(unit) is None

    async def settle(self, cost: int) -> None:
        admission, at = self.admission, self.clock.now
        assert admission is not None
        verdict = Verdict(End.SETTLED, Charge(cost, Source.USAGE))

        def unit(tx: Tx) -> None:
            assert calls.end(
                tx,
                CALL,
                self.owner,
                outcome=Outcome.ANSWERED,
                status=200,
                model=MODEL,
                bytes_in=0,
                bytes_out=0,
                at=at,
            )
            reservations.settle(
                tx,
                self.owner,
                CALL,
                TOOL,
                "openai",
                MODEL,
                admission,
                verdict,
                grown=True,
                at=at,
            )

        await self.store.write(unit)

    async def bury(self) -> None:
        """Have another process find that the one of this call has fallen silent."""
        at = self.clock.forward(microseconds=WORKER_SILENT_AFTER + 1)
        silent_since = at - WORKER_SILENT_AFTER
        await self.store.write(
            lambda tx: calls.give_up_on_the_dead(tx, silent_since=silent_since, at=at)
        )

    async def books(self) -> list[tuple[int, int, int]]:
        """Give what is settled, held, and in excess of each ceiling's each epoch, oldest first."""
        return await self.store.read(
            lambda tx: tx.all(
                "SELECT settled, held, excess FROM ceilings WHERE account = :a ORDER BY id, epoch",
                a=self.owner.account,
            )
        )

    async def spent(self) -> int:
        row = await self.store.read(
            lambda tx: tx.one(
                "SELECT sum(amount) FROM ledger WHERE account = :a", a=self.owner.account
            )
        )
        return (row[0] if row else None) or 0

    async def frozen(self) -> list[str]:
        rows = await self.store.read(
            lambda tx: tx.all("SELECT item FROM frozen WHERE account = :a", a=self.owner.account)
        )
        return [str(item) for (item,) in rows]


@pytest.fixture
def talk(store: Store, ada: ProvenOwner, clock: MovedClock) -> Conversation:
    return Conversation(store, ada, clock)


@pytest.fixture
def ceilings(store: Store, keyring: Keyring, clock: MovedClock) -> Ceilings:
    return Ceilings(store, keyring, clock)


async def limit(ceilings: Ceilings, owner: ProvenOwner, provider: str | None = "openai") -> str:
    return (await ceilings.set(owner, 1000, provider=provider, tool=None, unit=USD)).id


async def test_a_conversation_over_a_reset_fills_the_older_epoch_first(
    talk: Conversation, ceilings: Ceilings, ada: ProvenOwner
) -> None:
    made = await limit(ceilings, ada)
    await talk.begin()
    await ceilings.reset(ada, made)
    await talk.top_up()
    assert await talk.books() == [(0, 10, 0), (0, 10, 0)]
    await talk.settle(13)
    assert await talk.books() == [(10, 0, 0), (3, 0, 0)]
    assert await talk.spent() == 13


async def test_what_it_held_of_both_when_its_process_died_is_in_the_ledger_whole(
    talk: Conversation, ceilings: Ceilings, ada: ProvenOwner
) -> None:
    made = await limit(ceilings, ada)
    await talk.alive()
    await talk.begin()
    await ceilings.reset(ada, made)
    await talk.top_up()
    await talk.bury()
    assert await talk.books() == [(10, 0, 0), (10, 0, 0)]
    assert await talk.spent() == 20


async def test_a_ceiling_set_in_its_midst_counts_all_of_it_and_is_not_exceeded(
    talk: Conversation, ceilings: Ceilings, ada: ProvenOwner
) -> None:
    await limit(ceilings, ada)
    await talk.begin()
    await limit(ceilings, ada, provider=None)
    await talk.top_up()
    await talk.settle(18)
    assert await talk.books() == [(18, 0, 0), (18, 0, 0)]
    assert await talk.frozen() == []


async def test_one_taken_away_in_its_midst_is_not_exceeded_by_what_came_after(
    talk: Conversation, ceilings: Ceilings, ada: ProvenOwner
) -> None:
    made = await limit(ceilings, ada)
    await limit(ceilings, ada, provider=None)
    await talk.begin()
    await ceilings.remove(ada, made)
    await talk.top_up()
    await talk.settle(18)
    assert await talk.books() == [(10, 0, 0), (18, 0, 0)]
    assert await talk.frozen() == []


async def test_a_model_that_costs_too_much_is_frozen_though_its_ceiling_was_reset(
    talk: Conversation, ceilings: Ceilings, ada: ProvenOwner
) -> None:
    made = await limit(ceilings, ada)
    await talk.begin()
    await ceilings.reset(ada, made)
    await talk.settle(11)
    assert await talk.books() == [(10, 0, 1), (0, 0, 0)]
    assert await talk.frozen() == [MODEL]


@pytest.mark.parametrize("dispatched", [True, False], ids=["dispatched", "held"])
async def test_a_process_that_stood_still_leaves_nothing_held_when_it_dies_after_all(
    talk: Conversation, ceilings: Ceilings, ada: ProvenOwner, *, dispatched: bool
) -> None:
    await limit(ceilings, ada)
    await talk.alive()
    await talk.bury()  # it is taken for dead; then it goes on, and is killed before its next pulse
    await talk.begin(dispatched=dispatched)
    await talk.bury()
    assert await talk.books() == [(10 if dispatched else 0, 0, 0)]
    assert await talk.spent() == (10 if dispatched else 0)
