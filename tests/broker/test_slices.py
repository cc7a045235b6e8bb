"""What a conversation holds, second by second: always what it may have come to."""

import asyncio
import contextlib
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import CeilingHit
from broker.line import Line
from broker.live import LiveCalls
from broker.reservations import Admission
from broker.slices import Slices
from broker.sockets import Conversation, HoldMore
from broker.talk import Talk
from metering import Quote
from store import StoreUnavailable

PRICE, SECONDS = 100, 60


class Conversing:
    """A conversation with a provider that charges as much as a slice's price allows at most."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slices = Slices(PRICE, SECONDS, self.now)
        self.charges: list[tuple[float, int]] = []
        self.told = 0
        self.under_way = 0

    @property
    def charged(self) -> int:
        return sum(cost for _, cost in self.charges)

    def hold(self) -> None:
        self.slices.go_on(self.now)
        self.slices.held += self.slices.lacking

    def work(self, amount: int) -> None:
        """Charge for what is under way: in no so many seconds more than a price."""
        recent = sum(cost for at, cost in self.charges if at > self.now - SECONDS)
        if self.under_way:
            self.charges.append((self.now, min(amount, PRICE - recent)))

    def wait(self, seconds: int) -> None:
        """Let time pass; the timer goes off before each slice ends."""
        until = self.now + seconds
        while self.now + self.slices.left(self.now) < until:
            self.now += self.slices.left(self.now)
            self.hold()
        self.now = until

    def begin(self, _: int) -> None:
        """Ask for an answer, once that is held; the provider says that it begins."""
        self.slices.ask()
        self.hold()
        self.under_way += 1
        self.slices.tell(None, self.now)

    def tell(self, _: int) -> None:
        """End an answer; with the last one that is under way, all is told."""
        self.under_way = max(0, self.under_way - 1)
        if not self.under_way:
            self.told = self.charged
            self.slices.tell(self.told, self.now)

    def refuse(self, _: int) -> None:
        """Ask for an answer that the provider refuses."""
        self.slices.ask()
        self.hold()
        self.slices.unask()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just(Conversing.work), st.integers(0, PRICE)),
        st.tuples(st.just(Conversing.wait), st.integers(0, 200)),
        st.tuples(
            st.sampled_from([Conversing.begin, Conversing.tell, Conversing.refuse]), st.just(0)
        ),
    ),
    max_size=40,
)


@settings(max_examples=100)
@given(STEPS)
def test_what_is_held_covers_what_was_charged_at_every_moment(
    steps: list[tuple[Callable[[Conversing, int], None], int]],
) -> None:
    it = Conversing()
    for step, amount in steps:
        step(it, amount)
        if it.slices.is_due(it.now):
            it.hold()
        assert it.slices.held >= max(it.charged, it.told + PRICE)


def test_what_goes_on_quietly_holds_no_more_than_one_slice() -> None:
    slices = Slices(PRICE, SECONDS, 0.0)
    for minute in range(600):
        slices.tell(7, minute * 60.0)
        slices.go_on(minute * 60.0)
        slices.held += slices.lacking
    assert slices.held == 7 + PRICE


def test_the_news_of_the_provider_may_be_late_by_a_margin() -> None:
    slices = Slices(PRICE, SECONDS, 0.0)
    slices.go_on(54.0)
    slices.held += slices.lacking
    # It may have begun something that it has not told yet: that, too, is in the sixty seconds.
    slices.tell(0, 55.0)
    assert slices.left(55.0) == SECONDS - slices.margin == 54.0


def test_what_is_never_told_holds_every_slice_that_begins() -> None:
    slices = Slices(PRICE, SECONDS, 0.0)
    slices.go_on(53.9)
    assert slices.lacking == 0
    slices.go_on(54.0)
    assert slices.lacking == PRICE
    slices.go_on(60.0 * 10)
    assert slices.lacking == 10 * PRICE


async def keep(hold_more: HoldMore) -> Talk:
    """Keep a conversation of short slices in which nobody says a word, until something ends it."""
    short: Any = 0.05
    quote = Quote("speech", price=PRICE, streams_seconds=short)
    talk = Talk(None, quote, Admission(PRICE, {}, governed=True, holds=(), remaining=None))

    async def silence() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(_: MutableMapping[str, Any]) -> None:
        pass

    clock = asyncio.get_running_loop().time
    with LiveCalls().join(key="key") as scope:
        conversation = Conversation(
            Line(silence, send, answers=True), talk, scope, hold_more, clock
        )
        talk.open(clock())
        assert talk.slices is not None
        with contextlib.suppress(CeilingHit):
            await conversation._keep(talk.slices)
        conversation.stop()
    return talk


async def test_time_alone_holds_the_next_slice() -> None:
    holding: list[int] = []

    async def hold_more(amount: int, held: int) -> None:
        assert held == PRICE + sum(holding)
        if len(holding) == 3:
            raise CeilingHit("The ceiling is hit.")
        holding.append(amount)

    talk = await keep(hold_more)
    # A busy machine may sleep through a slice, and holds two at once then.
    assert sum(holding) >= 3 * PRICE
    assert talk.admission.bound == PRICE + sum(holding)


async def test_a_slice_that_the_database_does_not_take_in_time_does_not_begin() -> None:
    async def hold_more(_: int, __: int) -> None:
        await asyncio.Event().wait()

    with pytest.raises(StoreUnavailable):
        await keep(hold_more)
