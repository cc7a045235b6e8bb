"""Rate limits: exact to the microsecond, the same for all who take at once, and never forgotten."""

import asyncio
import sqlite3
from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import limits
from accounts.limits import Limit, TooSoon
from store import Store, Tx, migrations
from store.clock import DAY, MINUTE, SECOND
from tests.kit.clock import MovedClock

TEN = Limit("ten", burst=10, every=6 * SECOND)


@pytest.fixture
def tx() -> Iterator[Tx]:
    """A transaction on a database in memory: the arithmetic needs no file."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrations.apply(connection)
    yield Tx(connection)
    connection.close()


def taken(tx: Tx, limit: Limit, now: int, subject: str = "x") -> int:
    """Take one; give 0, or how long is to be waited."""
    try:
        limits.take(tx, limit, subject, now=now)
    except TooSoon as soon:
        return soon.wait
    return 0


def test_so_many_at_once_and_then_one_every_so_often(tx: Tx) -> None:
    assert [taken(tx, TEN, 0) for _ in range(10)] == [0] * 10
    assert taken(tx, TEN, 0) == 6 * SECOND
    assert taken(tx, TEN, 6 * SECOND - 1)
    assert taken(tx, TEN, 6 * SECOND) == 0
    assert taken(tx, TEN, 6 * SECOND) == 6 * SECOND


def test_what_was_refused_took_nothing(tx: Tx) -> None:
    for _ in range(10):
        taken(tx, TEN, 0)
    for _ in range(1000):
        assert taken(tx, TEN, 3 * SECOND) == 3 * SECOND
    assert taken(tx, TEN, 6 * SECOND) == 0


def test_whoever_waits_as_long_as_they_were_told_has_one(tx: Tx) -> None:
    for _ in range(10):
        taken(tx, TEN, 0)
    now = 1
    for _ in range(20):
        wait = taken(tx, TEN, now)
        assert wait
        now += wait
        assert taken(tx, TEN, now) == 0


def test_names_and_subjects_have_buckets_of_their_own(tx: Tx) -> None:
    one = Limit("one", 1, MINUTE)
    other = Limit("other", 1, MINUTE)
    for limit in (one, other):
        for subject in ("a", "b"):
            assert taken(tx, limit, 0, subject) == 0
            assert taken(tx, limit, 0, subject) == MINUTE


def test_one_that_is_given_back_can_be_taken_again_and_none_beyond_the_most(tx: Tx) -> None:
    for _ in range(10):
        taken(tx, TEN, 0)
    limits.give_back(tx, TEN, "x", now=0)
    assert [taken(tx, TEN, 0), taken(tx, TEN, 0)] == [0, 6 * SECOND]
    for _ in range(30):
        limits.give_back(tx, TEN, "y", now=0)
    assert sum(not taken(tx, TEN, 0, "y") for _ in range(30)) == 10


def test_a_clock_that_is_put_back_refills_nothing(tx: Tx) -> None:
    for _ in range(10):
        taken(tx, TEN, DAY)
    for back in (DAY - 1, DAY // 2, 0):
        assert taken(tx, TEN, back) == 6 * SECOND
    assert taken(tx, TEN, DAY + 6 * SECOND) == 0


steps = st.lists(
    st.tuples(
        st.integers(-2 * MINUTE, 5 * MINUTE) | st.just(0), st.sampled_from(["take", "give back"])
    ),
    max_size=60,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.integers(1, 20), st.integers(1, 3 * MINUTE))
def test_it_is_never_more_generous_than_the_exact_bucket_and_hardly_less(
    tx: Tx, acts: list[tuple[int, str]], burst: int, every: int
) -> None:
    """Against a model in fractions; rounding loses less than a thousandth for each act.

    No floating-point number is in either.
    """
    tx.run("DELETE FROM buckets")
    limit = Limit("n", burst, every)
    now, at = DAY, DAY
    most = least = Fraction(burst)
    for moved, act in acts:
        now += moved
        refill = Fraction(max(0, now - at), every)
        upper, lower = min(Fraction(burst), most + refill), min(Fraction(burst), least + refill)
        if act == "give back":
            limits.give_back(tx, limit, "x", now=now)
            most, least = min(Fraction(burst), upper + 1), min(Fraction(burst), lower + 1)
        else:
            try:
                limits.take(tx, limit, "x", now=now)
                refused = None
            except TooSoon as soon:
                refused = soon.wait
            if refused is not None:
                assert lower - Fraction(1, 1000) < 1
                assert 0 <= refused <= every
                continue  # nothing was written: the time counts on
            assert upper >= 1
            most, least = upper - 1, lower - 1
        at = now
        least = max(Fraction(0), least - Fraction(1, 1000))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 2 * MINUTE), min_size=1, max_size=40), st.integers(0, 40))
def test_a_sweep_changes_nothing(tx: Tx, moves: list[int], swept: int) -> None:
    tx.run("DELETE FROM buckets")
    now = 0
    for number, moved in enumerate(moves):
        now += moved
        answers = [taken(tx, TEN, now, "swept"), taken(tx, TEN, now, "left alone")]
        assert answers[0] == answers[1]
        if number >= swept:
            kept = tx.all("SELECT name, left, at, full_at FROM buckets WHERE name LIKE '%alone'")
            limits.sweep(tx, now=now)
            tx.run("DELETE FROM buckets WHERE name LIKE '%alone'")
            for name, left, at, full_at in kept:
                tx.run(
                    "INSERT INTO buckets VALUES (:name, :left, :at, :full_at)",
                    name=name,
                    left=left,
                    at=at,
                    full_at=full_at,
                )


def test_a_sweep_leaves_what_still_says_something_and_drops_the_rest(tx: Tx) -> None:
    taken(tx, TEN, 0, "soon full")
    for _ in range(10):
        taken(tx, TEN, 0, "empty")
    limits.sweep(tx, now=6 * SECOND)
    assert tx.all("SELECT name FROM buckets") == [("ten empty",)]
    limits.sweep(tx, now=60 * SECOND)
    assert tx.all("SELECT name FROM buckets") == []


async def test_of_a_hundred_who_take_at_once_as_many_have_one_as_there_are(
    store: Store, clock: MovedClock
) -> None:
    async def taking() -> bool:
        try:
            await store.write(lambda tx: limits.take(tx, TEN, "x", now=clock()))
        except TooSoon:
            return False
        return True

    answers = await asyncio.gather(*(taking() for _ in range(100)))
    assert sum(answers) == 10


async def test_two_processes_share_them(store: Store, clock: MovedClock) -> None:
    async with await Store.open(store.path) as other:
        for house in (store, other) * 5:
            await house.write(lambda tx: limits.take(tx, TEN, "x", now=clock()))
        for house in (store, other):
            with pytest.raises(TooSoon):
                await house.write(lambda tx: limits.take(tx, TEN, "x", now=clock()))
