"""Whether there is an account with an address can't be told from the time of an answer.

Two hundred samples of each, one after the other in random order, over real sockets. Compared by
Mann and Whitney's test; the threshold is one that chance passes once in some ten thousand runs, and
the test sees a difference: one made on purpose is found with the same samples.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

from tests.kit.graphql_client import House, Visitor, house

SAMPLES = 200
# Of a normal distribution: 0.0001 on both sides together.
UNLIKELY = 3.9
Ask = Callable[[bool], Awaitable[None]]


def z_of(one: list[float], other: list[float]) -> float:
    """Give how far two samples are from being of one kind, in standard deviations."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_, which) in enumerate(ranked, 1) if which == 0)
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


async def timed(ask: Ask) -> tuple[list[float], list[float]]:
    """Give the times for addresses that have an account, and for those that have none."""
    order = [True, False] * SAMPLES
    random.Random(7).shuffle(order)  # noqa: S311 - an order
    for known in order[:20]:  # warm
        await ask(known)
    taken: dict[bool, list[float]] = {True: [], False: []}
    for known in order:
        begun = perf_counter()
        await ask(known)
        taken[known].append(perf_counter() - begun)
    return taken[True], taken[False]


@pytest.fixture
async def stranger(tmp_path: Path) -> Visitor:
    async with house(tmp_path) as home:
        yield await with_somebody(home)


async def with_somebody(home: House) -> Visitor:
    person = await home.person()
    visitor = await home.visitor()
    visitor.address = person.address
    return visitor


async def test_asking_for_a_reset(stranger: Visitor, capsys: pytest.CaptureFixture[str]) -> None:
    async def ask(known: bool) -> None:
        address = stranger.address if known else "nobody-here@example.com"
        answer = await stranger.do("requestPasswordReset", address=address)
        assert answer["__typename"] == "PasswordResetRequested"

    known, unknown = await timed(ask)
    z = z_of(known, unknown)
    with capsys.disabled():
        print(
            f"\nreset asked for: {median(known) * 1e3:.2f} ms where there is an account,"
            f" {median(unknown) * 1e3:.2f} where not; z = {z:.2f}"
        )
    assert abs(z) < UNLIKELY


async def test_signing_in_with_a_wrong_password(
    stranger: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    async def ask(known: bool) -> None:
        address = stranger.address if known else "nobody-here@example.com"
        answer = await stranger.do("signIn", address=address, password="not the password")
        assert answer["__typename"] == "SignInRefused"

    known, unknown = await timed(ask)
    z = z_of(known, unknown)
    with capsys.disabled():
        print(
            f"\nwrong password: {median(known) * 1e3:.2f} ms where there is an account,"
            f" {median(unknown) * 1e3:.2f} where not; z = {z:.2f}"
        )
    assert abs(z) < UNLIKELY


async def test_a_difference_would_be_seen(stranger: Visitor) -> None:
    """Three milliseconds, where there is an account."""

    async def ask(known: bool) -> None:
        address = stranger.address if known else "nobody-here@example.com"
        await stranger.do("requestPasswordReset", address=address)
        until = perf_counter() + (0.003 if known else 0)
        while perf_counter() < until:  # noqa: ASYNC110 - it is time that is to pass
            await asyncio.sleep(0)

    assert z_of(*await timed(ask)) > UNLIKELY
