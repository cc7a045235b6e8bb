"""Ten thousand guesses at one account, and one guess each at ten thousand accounts.

At the gate that every way in passes, from many addresses, with the limits that everybody has.
Neither gets in; whoever is honest signs in meanwhile, over the network; and the process keeps
nothing of it. What it took is printed. A few hundred more come over the network themselves.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from accounts.errors import AccountsFailure
from accounts.guesses import Limits
from accounts.passwords import Passwords
from accounts.visits import Visit
from tests.kit.graphql_client import PASSWORD, House, Visitor, house
from tests.kit.passwords import CHEAP

GUESSES = 10_000
AT_ONCE = 50


class Compared(Passwords):
    """Passwords, and how many were compared."""

    def __init__(self) -> None:
        super().__init__(CHEAP)
        self.count = 0

    async def verify(self, stored: str | None, password: str, *, is_known: bool = False) -> Any:
        self.count += 1
        return await super().verify(stored, password, is_known=is_known)


@pytest.fixture
async def compared() -> AsyncIterator[Compared]:
    made = Compared()
    yield made
    made.close()


@pytest.fixture
async def home(tmp_path: Path, compared: Compared) -> AsyncIterator[House]:
    """An installation behind a proxy that tells whose request it passes on."""
    async with house(
        tmp_path,
        {"KEYSTEWARD_TRUSTED_PROXIES": "127.0.0.1"},
        passwords=compared,
        guess_limits=Limits(),
    ) as opened:
        yield opened


@pytest.fixture
async def honest(home: House) -> Visitor:
    """Somebody whose browser has signed in before."""
    someone = await home.visitor(**{"x-forwarded-for": "192.0.2.1"})
    someone.address = "honest@example.com"
    await someone.do("signUp", address=someone.address, password=PASSWORD)
    await someone.do("signOut")
    return someone


async def sign_in(someone: Visitor) -> str:
    answer = await someone.do("signIn", address=someone.address, password=PASSWORD)
    return str(answer["__typename"])


async def guess(home: House, guesses: Iterator[tuple[str, str, str]], pace: float) -> Counter[str]:
    """Have each guess (from where, at whom, what) tried at the gate, fifty at a time.

    `pace` is the seconds by which the clock moves on from one to the next.
    """
    entering, seen = home.services.people.entering, Counter[str]()

    async def some() -> None:
        for place, address, password in guesses:
            home.clock.forward(seconds=pace)
            try:
                await entering.by_password(address, password, Visit(place))
            except AccountsFailure as failure:
                seen[type(failure).__name__] += 1
            else:
                seen["in"] += 1

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return seen


def megabytes() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


async def test_ten_thousand_guesses_at_one_account(
    home: House, honest: Visitor, compared: Compared, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within a little over a day, each from another address."""
    before, compared.count, pace = megabytes(), 0, 10
    places = (f"198.51.{number // 250}.{number % 250}" for number in range(GUESSES))
    tries = ((place, honest.address, f"guess {n}") for n, place in enumerate(places))
    seen = await guess(home, tries, pace)
    grown, tried = megabytes() - before, compared.count
    with capsys.disabled():
        print(
            f"\n{GUESSES} guesses at one account: {dict(seen)}, {tried} compared, +{grown:.0f} MB"
        )
    assert set(seen) == {"SignInRefused", "TooManyTries"}
    # A hundred, and then one each quarter of an hour.
    assert tried <= 100 + GUESSES * pace / 900 + 1
    assert grown < 60
    assert await sign_in(honest) == "SignedIn"


async def test_one_guess_each_at_ten_thousand_accounts(
    home: House, honest: Visitor, compared: Compared, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within ten minutes, from twenty addresses."""
    before, compared.count, pace = megabytes(), 0, 0.06
    tries = ((f"203.0.113.{n % 20}", f"person{n}@example.com", "password1") for n in range(GUESSES))
    attack, meanwhile = asyncio.create_task(guess(home, tries, pace)), Counter[str]()
    while not attack.done():
        meanwhile[await sign_in(honest)] += 1
        await honest.do("signOut")
        await asyncio.wait([attack], timeout=0.2)
    seen, grown = await attack, megabytes() - before
    with capsys.disabled():
        print(f"\n{GUESSES} accounts, one guess each: {dict(seen)}, +{grown:.0f} MB;", end=" ")
        print(f"honest sign-ins meanwhile: {dict(meanwhile)}")
    assert set(seen) == {"SignInRefused", "TooManyTries"}
    assert set(meanwhile) == {"SignedIn"}
    # Thirty at once, and one every ten seconds, from each address.
    assert seen["SignInRefused"] <= 20 * (30 + GUESSES * pace / 10 + 1)
    assert grown < 60
    buckets = home.rows("SELECT count(*) FROM buckets")
    assert buckets[0][0] <= 2 * GUESSES + 100


async def test_over_the_network_it_is_the_same(home: House, honest: Visitor) -> None:
    """And thirty tries under thirty aliases of one request are thirty tries."""
    stranger = await home.visitor(**{"x-forwarded-for": "203.0.113.7"})
    for number in range(5):
        answer = await stranger.do("signIn", address=honest.address, password=f"guess {number}")
        assert answer["__typename"] == "SignInRefused"
    refused = await stranger.do("signIn", address=honest.address, password=PASSWORD)
    assert refused["__typename"] == "TooManyTries"
    assert refused["retryAfterSeconds"] == 20
    aliases = " ".join(
        f'a{n}: signIn(input: {{address: "person{n}@example.com", password: "password1"}})'
        " { __typename }"
        for n in range(30)
    )
    answer = (await stranger.post(f"mutation {{ {aliases} }}")).json()["data"]
    kinds = Counter(each["__typename"] for each in answer.values())
    assert kinds == {"SignInRefused": 25, "TooManyTries": 5}
    assert await sign_in(honest) == "SignedIn"
