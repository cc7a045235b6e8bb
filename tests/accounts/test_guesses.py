"""Guessing is held down, and nobody locks anybody out by it: ten thousand guesses, counted.

The clock moves as it would: ten thousand guesses are a day's, one every 8.64 seconds.
"""

import asyncio
import base64
import dataclasses
from typing import Literal

import argon2
import pytest

from accounts.address import account_of
from accounts.entering import Entered
from accounts.errors import SignInRefused, TooManySignIns, TooManyTries
from accounts.guesses import Guesses, Limits
from accounts.limits import Limit
from accounts.passwords import Passwords
from accounts.people import People
from accounts.visits import Visit
from store import Owner, Store
from store.clock import DAY, MINUTE, SECOND
from tests.accounts.conftest import Letters
from tests.kit.clock import MovedClock
from tests.kit.passwords import CHEAP
from vault.keyring import Keyring

ADDRESS, PASSWORD = "ada@example.com", "correct horse battery"
HOME = Visit("198.51.100.1", "Browser/1.0")
GUESSES, AT_ONCE = 3_000, 50  # ten thousand: tests/attacks
ADA = Owner(account_of(ADDRESS))


class Counting(argon2.PasswordHasher):
    """Counts the passwords that are really compared."""

    compared = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.compared += 1
        return super().verify(hash, password)


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def counting(passwords: Passwords) -> Counting:
    passwords._hasher = hasher = Counting.from_parameters(CHEAP)
    return hasher


@pytest.fixture
async def home(people: People, letters: Letters) -> Visit:
    """Ada's own browser: it has signed in before."""
    entered = await people.entering.sign_up(ADDRESS, PASSWORD, HOME)
    await people.verifying.verify(await letters.ticket("VERIFY_ADDRESS"), entered.owner)
    return dataclasses.replace(HOME, known_by=entered.device)


async def guess(people: People, visit: Visit, password: str = "guessed wrong") -> str:
    try:
        await people.entering.by_password(ADDRESS, password, visit)
    except (SignInRefused, TooManyTries, TooManySignIns) as refused:
        return type(refused).__name__
    return "in"


async def a_day_of_guesses(people: People, clock: MovedClock, addresses: int) -> list[str]:
    """Guess that often, from so many addresses by turns; give what was answered."""
    answers: list[str] = []
    for start in range(0, GUESSES, AT_ONCE):
        places = [
            f"10.{n % addresses >> 8}.{n % addresses & 255}.1"
            for n in range(start, start + AT_ONCE)
        ]
        answers += await asyncio.gather(*(guess(people, Visit(place)) for place in places))
        clock.forward(seconds=86_400 / GUESSES * AT_ONCE)
    return answers


def most_in(seconds: int, *limits: Limit) -> int:
    """Give how many the tightest of these limits lets through in so long."""
    return min(limit.burst + seconds * SECOND // limit.every for limit in limits)


@pytest.mark.parametrize("addresses", [1, 3_000])
async def test_of_thousands_of_guesses_as_few_are_compared_as_the_limits_say(  # noqa: PLR0917
    people: People,
    clock: MovedClock,
    counting: Counting,
    home: Visit,
    limits: Limits,
    addresses: int,
    letters: Letters,
) -> None:
    answers = await a_day_of_guesses(people, clock, addresses)
    compared = counting.compared
    allowed = most_in(86_400, limits.strangers, limits.strangers_daily)
    print(f"{GUESSES} guesses from {addresses} address(es): {compared} compared, {allowed} allowed")
    assert len(answers) == GUESSES
    assert answers.count("SignInRefused") == compared <= allowed <= 200
    assert compared > 100  # and they are really tried
    # Meanwhile Ada's own browser signs in at once, and so does nobody else.
    assert await guess(people, home, PASSWORD) == "in"
    told = [letter for letter in await letters.all() if letter.letter == "GUESSES"]
    assert 1 <= len(told) <= 2  # once a day


async def test_one_address_that_guesses_at_many_accounts_is_held_down_too(
    people: People, counting: Counting, limits: Limits
) -> None:
    async def at(number: int) -> str:
        try:
            await people.entering.by_password(f"p{number}@example.com", "x", Visit("192.0.2.1"))
        except (SignInRefused, TooManyTries) as refused:
            return type(refused).__name__
        return "in"

    answers = [await at(number) for number in range(100)]
    assert answers.count("SignInRefused") == counting.compared == limits.network.burst == 30
    assert await at(1) == "TooManyTries"


async def test_a_v6_network_counts_as_one_client(people: People, counting: Counting) -> None:
    for number in range(100):
        with pytest.raises((SignInRefused, TooManyTries)):
            await people.entering.by_password(
                f"p{number}@example.com", "x", Visit(f"2001:db8::{number:x}")
            )
    assert counting.compared == 30


@pytest.mark.usefixtures("home")
async def test_whoever_is_not_known_waits_as_long_as_they_are_told(
    people: People, clock: MovedClock, counting: Counting
) -> None:
    answers = [await guess(people, Visit(f"10.0.0.{n}")) for n in range(6)]
    assert answers == ["SignInRefused"] * 5 + ["TooManyTries"]
    with pytest.raises(TooManyTries) as soon:
        await people.entering.by_password(ADDRESS, PASSWORD, HOME)
    assert soon.value.wait == 20
    assert counting.compared == 5
    clock.forward(seconds=19)
    assert await guess(people, HOME, PASSWORD) == "TooManyTries"
    clock.forward(seconds=1)
    assert await guess(people, HOME, PASSWORD) == "in"


@pytest.mark.usefixtures("home")
async def test_a_right_password_takes_nothing(people: People, counting: Counting) -> None:
    for _ in range(40):
        assert await guess(people, Visit("10.0.0.1"), PASSWORD) == "in"
    assert counting.compared == 40


async def test_a_known_browser_has_a_limit_of_its_own_and_uses_up_no_other_s(
    people: People, home: Visit, counting: Counting, limits: Limits
) -> None:
    answers = [await guess(people, home) for _ in range(15)]
    assert answers.count("SignInRefused") == counting.compared == limits.device.burst == 10
    assert await guess(people, Visit("10.0.0.1"), PASSWORD) == "in"
    # Another browser that has signed in since is another.
    entered = await people.entering.by_password(ADDRESS, PASSWORD, Visit("10.0.0.2"))
    assert isinstance(entered, Entered)
    assert await guess(people, Visit("10.0.0.2", known_by=entered.device), PASSWORD) == "in"


@pytest.mark.parametrize(
    "forgery", ["foreign", "flipped", "cut", "of another", "old", "empty", "é"]
)
async def test_a_cookie_that_is_not_ours_or_not_theirs_makes_nobody_known(
    people: People, home: Visit, clock: MovedClock, forgery: str, store: Store
) -> None:
    raw = base64.urlsafe_b64decode(home.known_by)
    stranger = Guesses(store, Keyring.parse(Keyring.mint("first")), people.guesses._outbox, clock)
    forged = {
        "foreign": stranger.introduce(ADA),
        "flipped": base64.urlsafe_b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode(),
        "cut": home.known_by[:-4],
        "of another": people.guesses.introduce(Owner(account_of("eve@example.com"))),
        "old": home.known_by,
        "empty": "",
        "é": "é",
    }[forgery]
    if forgery == "old":
        clock.forward(microseconds=400 * DAY - 1)
        assert people.guesses.knows(ADA, home)
        clock.forward(microseconds=1)
    visit = dataclasses.replace(home, known_by=forged)
    assert not people.guesses.knows(ADA, visit)
    # And so it is counted among the strangers.
    for number in range(6):
        await guess(people, Visit(f"10.0.0.{number}"))
    assert await guess(people, visit, PASSWORD) == "TooManyTries"
    if forgery != "old":
        assert await guess(people, home, PASSWORD) == "in"


async def test_a_cookie_names_no_account_in_the_clear_but_its_id(
    people: People, home: Visit
) -> None:
    raw = base64.urlsafe_b64decode(home.known_by)
    assert bytes.fromhex(ADA.account) in raw
    assert b"example" not in raw
    assert people.guesses.introduce(ADA) != home.known_by


async def test_an_account_s_owner_is_told_once_a_day_and_only_while_somebody_guesses(
    people: People, clock: MovedClock, letters: Letters, home: Visit, store: Store
) -> None:
    async def told() -> int:
        await store.write(lambda _: None)
        return sum(letter.letter == "GUESSES" for letter in await letters.all())

    for _ in range(20):
        await guess(people, home)
    assert await told() == 0  # one's own browser is no stranger
    for number in range(5):
        await guess(people, Visit(f"10.0.0.{number}"))
    assert await told() == 0
    for number in range(20):
        await guess(people, Visit(f"10.0.0.{number}"))
    assert await told() == 1
    clock.forward(microseconds=DAY)
    for number in range(200):
        await guess(people, Visit(f"10.0.1.{number}"))
    assert await told() == 2


async def test_an_account_that_does_not_exist_is_limited_just_so(
    people: People, counting: Counting, letters: Letters, store: Store
) -> None:
    """Nobody learns from the limits who has an account; and nobody is written to."""
    for address in ("nobody@example.com", "no address", "half a \ud800 pair"):
        before, answers = counting.compared, []
        for number in range(8):
            try:
                await people.entering.by_password(address, "x", Visit(f"10.1.0.{number}"))
            except (SignInRefused, TooManyTries) as refused:
                answers.append(type(refused).__name__)
        assert answers == ["SignInRefused"] * 5 + ["TooManyTries"] * 3
        assert counting.compared - before == 5
    await store.write(lambda _: None)
    assert await letters.all() == []


async def test_what_was_typed_for_an_address_is_kept_nowhere(people: People, store: Store) -> None:
    """It may be a password in the wrong field."""
    with pytest.raises(SignInRefused):
        await people.entering.by_password("hunter2 is my password", "x", HOME)
    rows = await store.read(lambda tx: tx.all("SELECT name FROM buckets"))
    assert rows
    assert not [name for (name,) in rows if "hunter2" in name]


async def test_when_too_many_wait_nothing_was_guessed(
    people: People, passwords: Passwords, home: Visit
) -> None:
    passwords._taken = 1000
    for _ in range(30):
        assert await guess(people, Visit("10.0.0.1"), PASSWORD) == "TooManySignIns"
    passwords._taken = 0
    assert await guess(people, Visit("10.0.0.1"), PASSWORD) == "in"
    assert await guess(people, home, PASSWORD) == "in"


async def test_from_all_buckets_one_is_taken_or_from_none(people: People) -> None:
    full, empty = Limit("full", 2, MINUTE), Limit("empty", 1, MINUTE)
    await people.guesses.take((empty, "x"))
    for _ in range(5):
        with pytest.raises(TooManyTries) as soon:
            await people.guesses.take((full, "x"), (empty, "x"))
        assert soon.value.wait == 60
    for _ in range(2):
        await people.guesses.take((full, "x"))
