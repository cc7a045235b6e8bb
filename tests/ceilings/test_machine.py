"""Whatever is done to ceilings, in any order: the database says what ten lines of arithmetic say.

The real store and the real units, driven by Hypothesis: calls that hold of several ceilings at
once, settle below, at and above their bound, twice or never; owners who lower, raise, reset and
remove in between; processes that die.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ulid import ULID

from broker import calls, commitments, reservations
from broker.calls import Calls
from broker.ceilings import Ceilings
from broker.commitments import HOUR, Commitment
from broker.errors import CallFailure, NothingDisputed
from broker.ledger import Ledger
from broker.outcome import Outcome
from broker.prices import Prices
from broker.reservations import Admission, End, Verdict
from metering import Charge, Moved, Quote, Source
from store import Owner, Store, Tx
from tests.ceilings.model import Book, Place, Running, refuse
from tests.kit.clock import MovedClock
from tests.kit.people import settle_in
from vault.keyring import Keyring
from vault.revocations import WORKER_SILENT_AFTER, seen

T = TypeVar("T")

EXAMPLES = int(os.environ.get("KEYSTEWARD_EXAMPLES", "60"))
HAND, OTHER = "hand", "other hand"
WORKERS = ("one", "two")
AMOUNTS = st.integers(0, 40)
LIMITS = st.one_of(st.integers(60, 100), st.integers(0, 100))
VERDICTS = st.one_of(
    AMOUNTS.map(lambda cost: Verdict(End.SETTLED, Charge(cost, Source.USAGE))),
    st.sampled_from(list(End)).map(lambda end: Verdict(end, None)),
)
PLACES: tuple[Place, ...] = (
    ("openai", None, "usd"),
    (None, None, "usd"),
    (None, HAND, "usd"),
    ("openai", None, "calls"),
    ("stripe", None, "moved:eur"),
)


class Driven:
    """The real parts on one real database, which every example shares; each has its own account."""

    def __init__(self, runner: asyncio.Runner, path: Path) -> None:
        self.runner = runner
        self.store: Store = runner.run(Store.open(path))
        # Arithmetic is at stake here, not whether a commit has reached the disk.
        self.store._writer._conn.execute("PRAGMA synchronous = OFF")
        self.keyring = Keyring.parse(Keyring.mint("first"))
        self.clock = MovedClock()
        self.outside = sqlite3.connect(path)
        self.ceilings = Ceilings(self.store, self.keyring, self.clock)
        self.prices = Prices(self.store, self.keyring, self.clock)
        self.ledger = Ledger(self.store, self.keyring, self.clock)

    def do(self, awaited: Any) -> Any:
        return self.runner.get_loop().run_until_complete(awaited)

    def write(self, unit: Callable[[Tx], T]) -> T:
        result: T = self.do(self.store.write(unit))
        return result

    def close(self) -> None:
        self.outside.close()
        self.runner.run(self.store.close())


class Machine(RuleBasedStateMachine):
    """What owners, calls and dying processes do."""

    calls = Bundle("calls")

    def __init__(self, driven: Driven) -> None:
        super().__init__()
        self.driven = driven
        self.store = driven.store

    @initialize(
        target=calls,
        limits=st.lists(LIMITS, min_size=1, max_size=3),
        bounds=st.lists(AMOUNTS, min_size=1, max_size=3),
        dispatched=st.booleans(),
    )
    def arrive(self, limits: list[int], bounds: list[int], dispatched: bool) -> Any:
        """Begin with ceilings, and calls under them."""
        self.owner = Owner(f"{ULID()}".lower() * 2)
        self.live: dict[Place, tuple[str, int]] = {}
        self.books: dict[tuple[str, int], Book] = {}
        self.running: dict[str, Running] = {}
        self.admissions: dict[str, Admission] = {}
        self.grown: set[str] = set()
        self.frozen: set[str] = set()
        self.servers: dict[str, tuple[int, int, str]] = {}
        self.hours_spent = 0
        self.tools = {HAND: f"tool_{ULID()}", OTHER: f"tool_{ULID()}"}
        self.names = dict.fromkeys(WORKERS, "")
        self.driven.do(settle_in(self.store, self.owner))  # type: ignore[arg-type]

        def unit(tx: Tx) -> None:
            for tool in self.tools.values():
                tx.run(
                    "INSERT INTO tools (id, account, name, digest, prefix, created_at, voucher)"
                    " VALUES (:id, :account, 'a tool', :digest, 'kst', 0, x'')",
                    id=tool,
                    account=self.owner.account,
                    digest=tool.encode(),
                )

        self.driven.write(unit)
        for worker in WORKERS:
            self.names[worker] = f"wrk_{ULID()}"
            self.pulse(worker)
        for place, limit in zip(PLACES, limits, strict=False):
            self.set_ceiling(place, limit)
        for bound in bounds:
            self.admit(HAND, WORKERS[0], "m1", bound, dispatched)
        return multiple(*self.running)

    @property
    def now(self) -> int:
        return self.driven.clock.now

    # What owners do.

    @rule(place=st.sampled_from(PLACES), limit=LIMITS)
    def set_ceiling(self, place: Place, limit: int) -> None:
        provider, tool, unit = place
        made = self.driven.do(
            self.driven.ceilings.set(
                self.owner,
                limit,
                provider=provider,
                tool=tool and self.tools[tool],
                unit=unit,
            )
        )
        if place in self.live:
            self.books[self.live[place]].set_anew(limit)
        else:
            self.live[place] = (made.id, made.epoch)
            self.books[made.id, made.epoch] = Book(unit, limit)

    @rule(place=st.sampled_from(PLACES), ends=st.sampled_from([False, False, True]))
    def reset_or_remove(self, place: Place, ends: bool) -> None:
        if place not in self.live:
            return
        if ends:
            at = self.live.pop(place)
            self.driven.do(self.driven.ceilings.remove(self.owner, at[0]))
            self.books[at].is_closed = True
            return
        name, epoch = self.live[place]
        self.driven.do(self.driven.ceilings.reset(self.owner, name))
        old = self.books[name, epoch]
        old.is_closed = True
        self.live[place] = (name, epoch + 1)
        self.books[name, epoch + 1] = Book(old.unit, old.limit)

    @precondition(lambda self: self.frozen)
    @rule()
    def set_price(self) -> None:
        self.driven.do(self.driven.prices.set(self.owner, "openai", self.frozen.pop(), {}))

    # What calls do.

    def governing(self, provider: str, tool: str, *units: str) -> list[tuple[str, tuple[str, int]]]:
        """Give the books that govern, in the order in which they are asked."""
        found = [
            (unit, at)
            for (named, hand, unit), at in self.live.items()
            if named in {None, provider} and hand in {None, tool} and (not units or unit in units)
        ]
        return sorted(found, key=lambda pair: pair[1])

    def unfit(self, amounts: dict[tuple[str, int], int]) -> list[tuple[Book, int]]:
        found = [(self.books[at], amount) for at, amount in amounts.items()]
        return [(book, amount) for book, amount in found if not book.fits(amount)]

    @rule(
        target=calls,
        tool=st.sampled_from([HAND, OTHER]),
        worker=st.sampled_from(WORKERS),
        model=st.sampled_from(["m1", "m2"]),
        bound=AMOUNTS,
        dispatched=st.booleans(),
    )
    def admit(self, tool: str, worker: str, model: str, bound: int, dispatched: bool) -> Any:
        return self._admit("openai", tool, worker, Quote("chat", model, price=bound), dispatched)

    @rule(target=calls, worker=st.sampled_from(WORKERS), moved=AMOUNTS, dispatched=st.booleans())
    def move(self, worker: str, moved: int, dispatched: bool) -> Any:
        quote = Quote("payment", "m3", price=0, firm=True, moved=Moved("eur", moved))
        return self._admit("stripe", OTHER, worker, quote, dispatched)

    def _admit(self, provider: str, tool: str, worker: str, quote: Quote, dispatched: bool) -> Any:
        call, bound = f"call_{ULID()}", quote.price or 0
        governing = self.governing(provider, tool)
        moved = quote.moved.amount if quote.moved else 0
        amounts = {at: {"usd": bound, "calls": 1}.get(unit, moved) for unit, at in governing}
        unfit = self.unfit(amounts)
        is_frozen = quote.model in self.frozen and any(unit == "usd" for unit, _ in governing)

        def unit(tx: Tx) -> Admission | CallFailure:
            admission = reservations.admit(
                tx,
                self.owner,
                call,
                self.tools[tool],
                provider,
                quote,
                dispatched=dispatched,
                at=self.now,
            )
            if isinstance(admission, Admission):
                calls.begin(
                    tx,
                    call,
                    self.owner,
                    tool=self.tools[tool],
                    key="key_1",
                    version=1,
                    provider=provider,
                    worker=self.names[worker],
                    operation=quote.operation,
                    model=quote.model,
                    bound=admission.bound,
                    at=self.now,
                )
            return admission

        # A process says that it lives before it begins its first call, and each second.
        self.pulse(worker)
        admission = self.driven.write(unit)
        if isinstance(admission, CallFailure):
            assert is_frozen or unfit, admission
            if not is_frozen:
                refuse(unfit)
            return multiple()
        assert not is_frozen
        assert not unfit
        assert admission.bound == bound
        holds = {at: amount for at, amount in amounts.items() if amount}
        for at, amount in holds.items():
            self.books[at].hold(amount)
        assert quote.model is not None
        self.running[call] = Running(provider, tool, worker, quote.model, bound, dispatched, holds)
        self.admissions[call] = admission
        return call

    @rule(call=calls)
    def dispatch(self, call: str) -> None:
        self.driven.write(lambda tx: reservations.dispatch(tx, self.owner, call))
        self.running[call].is_dispatched = True

    @rule(call=calls, amount=st.integers(1, 30))
    def top_up(self, call: str, amount: int) -> None:
        run = self.running[call]
        if run.state != "OPEN" or not run.is_dispatched or not self.admissions[call].governed:
            return
        of_each = self._held_in_dollars(run)
        held = max(of_each.values(), default=0)
        # One that was set since then is to hold all of it.
        more = {
            at: amount if at[0] in of_each else held + amount
            for _, at in self.governing(run.provider, run.tool, "usd")
        }
        unfit = self.unfit(more)

        def unit(tx: Tx) -> CallFailure | None:
            tool = self.tools[run.tool]
            return reservations.top_up(
                tx, self.owner, call, tool, run.provider, amount, held=held, at=self.now
            )

        refusal = self.driven.write(unit)
        assert (refusal is None) == (not unfit)
        if unfit:
            refuse(unfit)
            return
        self.grown.add(call)
        for at, amount_of_it in more.items():
            self.books[at].hold(amount_of_it)
            run.holds[at] = run.holds.get(at, 0) + amount_of_it

    @rule(call=calls, verdict=VERDICTS)
    def settle(self, call: str, verdict: Verdict) -> None:
        """End a call as `broker.broker` does; whoever comes second ends nothing."""
        run, admission = self.running[call], self.admissions[call]
        held = max(self._held_in_dollars(run).values(), default=0)
        if verdict.charge is None and verdict.end is not End.RELEASED and held > run.bound:
            # Whoever tops up says what it holds by now.
            verdict = verdict._replace(charge=Charge(held, Source.BOUND))

        def unit(tx: Tx) -> bool:
            owner = calls.end(
                tx,
                call,
                self.owner,
                outcome=Outcome.ANSWERED,
                status=200,
                model=run.model,
                bytes_in=0,
                bytes_out=0,
                at=self.now,
            )
            if owner is None:
                return False
            tool = self.tools[run.tool]
            reservations.settle(
                tx,
                owner,
                call,
                tool,
                run.provider,
                run.model,
                admission,
                verdict,
                grown=call in self.grown,
                at=self.now,
            )
            return True

        assert self.driven.write(unit) is (run.state == "OPEN")
        if run.state != "OPEN":
            return
        charge = run.bound if admission.governed else 0
        if verdict.charge is not None:
            charge = verdict.charge.amount
        self._end(run, verdict.end, 0 if verdict.end is End.RELEASED else charge)

    def _held_in_dollars(self, run: Running) -> dict[str, int]:
        """Give what a call holds of each ceiling, epochs together."""
        held: dict[str, int] = {}
        for at, amount in run.holds.items():
            if self.books[at].unit == "usd":
                held[at[0]] = held.get(at[0], 0) + amount
        return held

    def _end(self, run: Running, end: End, charge: int) -> None:
        """Do to the books what a call's end does: the older epoch of a ceiling is filled first."""
        held = self._held_in_dollars(run)
        over = max(0, charge - max(held.values(), default=0))
        left = dict.fromkeys(held, charge)
        for at, amount in sorted(run.holds.items(), key=lambda pair: pair[0][1]):
            cost, excess = (0 if end is End.RELEASED else amount), 0
            if self.books[at].unit == "usd":
                cost = min(amount, left[at[0]])
                left[at[0]] -= cost
                newest = max(epoch for name, epoch in run.holds if name == at[0])
                excess = over if at[1] == newest else 0
            self.books[at].end(amount, cost, excess)
            if end is End.DISPUTED:
                run.disputed[at] = cost
        if over and held:
            self.frozen.add(run.model)
        run.state, run.spent = end.value, charge

    @rule(call=calls, cost=AMOUNTS)
    def owner_releases(self, call: str, cost: int) -> None:
        run = self.running[call]
        if not run.disputed:
            with pytest.raises(NothingDisputed):
                self.driven.do(self.driven.ledger.release(self.owner, call, cost))
            return
        back = self.driven.do(self.driven.ledger.release(self.owner, call, cost))
        assert back == run.spent - min(cost, run.spent)
        for at, amount in run.disputed.items():
            in_kind = amount if cost else 0
            kept = min(cost, amount) if self.books[at].unit == "usd" else in_kind
            self.books[at].settled -= amount - kept
        run.spent, run.disputed = min(cost, run.spent), {}

    # What time and death do.

    def pulse(self, worker: str) -> None:
        """Do what each process does every second."""
        silent_since = self.now - WORKER_SILENT_AFTER

        def unit(tx: Tx) -> None:
            seen(tx, self.names[worker], self.now)
            calls.give_up_on_the_dead(tx, silent_since=silent_since, at=self.now)

        self.driven.write(unit)

    def wait(self) -> None:
        """Let less time pass than would be taken for death."""
        for worker in WORKERS:
            self.pulse(worker)
        self.driven.clock.forward(microseconds=WORKER_SILENT_AFTER - 1)
        for worker in WORKERS:
            self.pulse(worker)

    @rule(dead=st.sampled_from([None, *WORKERS]))
    def crash(self, dead: str | None) -> None:
        if dead is None:
            self.wait()
            return
        (alive,) = set(WORKERS) - {dead}
        self.driven.clock.forward(microseconds=WORKER_SILENT_AFTER + 1)
        for run in self.running.values():
            # Both are silent until `alive` speaks; what it says first is that it lives.
            if run.worker == dead and run.state == "OPEN":
                held = max(self._held_in_dollars(run).values(), default=0)
                end = End.DISPUTED if run.is_dispatched else End.RELEASED
                self._end(run, end, held if run.is_dispatched else 0)
        self.pulse(alive)
        self.pulse(dead)  # it was not dead after all: what it settles now comes too late

    @rule(hourly=st.integers(1, 30), tool=st.sampled_from([HAND, OTHER]))
    def begin_or_end_hours(self, hourly: int, tool: str) -> None:
        if self.servers:
            server, _ = self.servers.popitem()
            assert self.driven.write(
                lambda tx: commitments.end(tx, self.owner, "openai", server, at=self.now)
            )
            return
        server = f"server-{ULID()}"
        made = Commitment(
            "openai",
            server,
            f"call_{ULID()}",
            self.tools[tool],
            None,
            hourly,
            self.now,
            self.now + HOUR,
        )
        self.driven.write(lambda tx: commitments.begin(tx, self.owner, made))
        self.servers[server] = (hourly, made.paid_to, tool)

    @precondition(lambda self: self.servers)
    @rule(hours=st.integers(1, 3))
    def renew(self, hours: int) -> None:
        for worker in WORKERS:
            self.pulse(worker)
        self.driven.clock.now += hours * HOUR

        def unit(tx: Tx) -> None:
            for name in self.names.values():  # they lived all the while
                seen(tx, name, self.now)
            commitments.renew(tx, now=self.now)

        self.driven.write(unit)
        oldest_first = sorted(self.servers.items(), key=lambda pair: pair[1][1])
        for server, (hourly, paid_to, tool) in oldest_first:
            due = max(0, (self.now - paid_to) // HOUR + 1)
            if due:
                self.servers[server] = (hourly, paid_to + due * HOUR, tool)
                self.hours_spent += due * hourly
                for _, at in self.governing("openai", tool, "usd"):
                    self.books[at].hour(due * hourly)

    # What must hold after each of them.

    @invariant()
    def the_database_agrees(self) -> None:
        rows = self.driven.outside.execute(
            "SELECT id, epoch, wanted, ceiling, settled, held, excess, hit_at IS NOT NULL,"
            " closed_at IS NOT NULL FROM ceilings WHERE account = ?",
            [self.owner.account],
        )
        found = {(name, epoch): rest for name, epoch, *rest in rows}
        assert found == {
            at: [b.limit, b.allowed, b.settled, b.held, b.excess, b.is_hit, b.is_closed]
            for at, b in self.books.items()
        }
        assert all(book.settled + book.held <= book.allowed for book in self.books.values())

    @invariant()
    def what_is_held_and_settled_is_that_of_the_calls(self) -> None:
        rows = self.driven.outside.execute(
            "SELECT ceiling, epoch, sum(CASE WHEN state IN ('HELD', 'DISPATCHED') THEN amount"
            " ELSE 0 END), sum(coalesce(cost, 0)) FROM reservations WHERE account = ?"
            " GROUP BY ceiling, epoch",
            [self.owner.account],
        )
        sums = {(name, epoch): (held, cost) for name, epoch, held, cost in rows}
        for at, book in self.books.items():
            assert sums.get(at, (0, 0)) == (book.held, book.settled - book.hours)

    @invariant()
    def the_ledger_adds_up(self) -> None:
        ((spent,),) = self.driven.outside.execute(
            "SELECT coalesce(sum(amount), 0) FROM ledger WHERE account = ? AND unit = 'usd'",
            [self.owner.account],
        )
        assert spent == self.hours_spent + sum(run.spent for run in self.running.values())

    @invariant()
    def each_hit_is_said_once(self) -> None:
        ((hits,),) = self.driven.outside.execute(
            "SELECT count(*) FROM changes WHERE account = ? AND kind = 'CEILING_HIT'",
            [self.owner.account],
        )
        assert hits == sum(book.hits for book in self.books.values())

    def teardown(self) -> None:
        """Leave nothing to the next example; as a deletion does it."""
        if not hasattr(self, "owner"):
            return

        def unit(tx: Tx) -> None:
            self.driven.ceilings.forget(tx, self.owner)
            Calls(self.store).forget(tx, self.owner)

        self.driven.write(unit)


@pytest.fixture
def driven(data: Path) -> Iterator[Driven]:
    with asyncio.Runner() as runner:
        parts = Driven(runner, data / "keysteward.db")
        yield parts
        parts.close()


def test_any_order_of_acts_leaves_the_books_right(driven: Driven) -> None:
    run_state_machine_as_test(
        lambda: Machine(driven),  # type: ignore[arg-type]
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
