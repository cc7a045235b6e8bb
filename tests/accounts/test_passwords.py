"""Passwords: argon2id, one form however they were typed, and nothing said of who exists."""

import asyncio
import dataclasses
import os
import threading
from typing import Literal

import argon2
import pytest

from accounts.errors import (
    PasswordGuessable,
    PasswordUnfit,
    SignInRefused,
    TooManySignIns,
)
from accounts.passwords import (
    _AT_ONCE,
    _KEPT_FOR_KNOWN,
    _MOST_WAITING,
    LONGEST,
    SHORTEST,
    Passwords,
)
from tests.kit.passwords import CHEAP

GOOD = "correct horse battery"


class Counting(argon2.PasswordHasher):
    """Counts what it is asked to verify."""

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.asked = [*getattr(self, "asked", []), argon2.extract_parameters(hash)]
        return super().verify(hash, password)


async def test_the_right_one_is_taken_and_a_wrong_one_refused(passwords: Passwords) -> None:
    stored = await passwords.hash(GOOD)
    assert await passwords.verify(stored, GOOD) is None
    for wrong in ("", GOOD + " ", GOOD[:-1], GOOD.upper(), "nobody"):
        with pytest.raises(SignInRefused) as refused:
            await passwords.verify(stored, wrong)
        assert refused.value.__cause__ is None


async def test_the_hash_is_argon2id_with_its_own_salt(passwords: Passwords) -> None:
    one, two = await passwords.hash(GOOD), await passwords.hash(GOOD)
    assert one.startswith("$argon2id$")
    assert one != two
    assert GOOD not in one


def test_the_profile_is_that_of_rfc_9106_unless_a_test_asks_for_less() -> None:
    made = Passwords()
    parameters = argon2.extract_parameters(made._nobody)
    made.close()
    assert (parameters.memory_cost, parameters.time_cost) == (64 * 1024, 3)


@pytest.mark.parametrize("length", [0, 1, SHORTEST - 1, LONGEST + 1, 1024 * 1024])
async def test_one_of_unfit_length_is_refused(passwords: Passwords, length: int) -> None:
    with pytest.raises(PasswordUnfit, match=f"{SHORTEST} to {LONGEST}"):
        await passwords.hash("x" * length)
    with pytest.raises(SignInRefused):
        await passwords.verify(await passwords.hash(GOOD), "x" * length)


@pytest.mark.parametrize("length", [SHORTEST, LONGEST])
async def test_the_shortest_and_the_longest_are_taken(passwords: Passwords, length: int) -> None:
    stored = await passwords.hash("é" * length)
    assert await passwords.verify(stored, "é" * length) is None
    with pytest.raises(SignInRefused):
        await passwords.verify(stored, "é" * length + "é")


async def test_it_is_the_same_however_the_keyboard_composed_it(passwords: Passwords) -> None:
    stored = await passwords.hash("cafe\u0301 au lait")
    assert await passwords.verify(stored, "café au lait") is None


async def test_a_long_one_costs_no_more_than_its_refusal(passwords: Passwords) -> None:
    # Brought to its normal form, this one would hold the event loop for an hour.
    costly = "a" + "\u0301" * 250_000 + "\u0323" * 250_000
    stored = await passwords.hash(GOOD)
    with pytest.raises(PasswordUnfit):
        await passwords.hash(costly)
    for who in (stored, None):
        with pytest.raises(SignInRefused):
            await passwords.verify(who, costly)


async def test_a_flood_is_told_so_and_the_first_are_served(passwords: Passwords) -> None:
    stored = await passwords.hash(GOOD)
    many = [passwords.verify(stored, GOOD) for _ in range(_AT_ONCE + _MOST_WAITING + 10)]
    told = await asyncio.gather(*many, return_exceptions=True)
    assert [type(one) for one in told if one] == [TooManySignIns] * 10
    assert await passwords.verify(stored, GOOD) is None


async def test_half_a_character_is_no_error_that_would_carry_the_password(
    passwords: Passwords,
) -> None:
    stored = await passwords.hash("half\ud800a pair")
    assert await passwords.verify(stored, "half\ud800a pair") is None
    with pytest.raises(SignInRefused):
        await passwords.verify(stored, "half?a pair")


async def test_nobody_s_password_is_refused_after_the_very_same_work(passwords: Passwords) -> None:
    passwords._hasher = counting = Counting.from_parameters(CHEAP)
    stored = await passwords.hash(GOOD)
    for who in (stored, None):
        with pytest.raises(SignInRefused):
            await passwords.verify(who, "wrong password")
    somebody, nobody = counting.asked
    assert somebody == nobody


async def test_nobody_has_no_password_that_is_right(passwords: Passwords) -> None:
    with pytest.raises(SignInRefused):
        await passwords.verify(None, "nobody")


@pytest.mark.parametrize("stored", ["", "no hash", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$"])
async def test_a_stored_hash_that_was_damaged_lets_nobody_in(
    passwords: Passwords, stored: str
) -> None:
    with pytest.raises(SignInRefused):
        await passwords.verify(stored, GOOD)


async def test_a_hash_of_an_older_profile_is_renewed(passwords: Passwords) -> None:
    older = Passwords(dataclasses.replace(CHEAP, time_cost=2))
    stored = await older.hash(GOOD)
    older.close()
    renewed = await passwords.verify(stored, GOOD)
    assert renewed is not None
    assert await passwords.verify(renewed, GOOD) is None


async def test_the_work_is_done_off_the_event_loop_by_few_at_a_time(passwords: Passwords) -> None:
    assert passwords._pool._max_workers == _AT_ONCE
    where = await passwords._run(lambda: threading.current_thread().name)
    assert where.startswith("argon2")


@pytest.mark.parametrize(
    "password",
    [
        "password1",
        "PASSWORD1!",
        "iloveyou",
        "12345678",
        "keysteward",
        "Keysteward2026!",
        "ada.lovelace",
        "Ada.Lovelace@Example.com",
        "example.com",
        "example2026",
    ],
)
async def test_what_guessers_try_first_is_refused(passwords: Passwords, password: str) -> None:
    with pytest.raises(PasswordGuessable) as refused:
        await passwords.hash(password, address="ada.lovelace@example.com")
    assert password not in str(refused.value)


async def test_one_that_merely_holds_a_common_word_is_taken(passwords: Passwords) -> None:
    for good in ("password of a long walk", "ada.lovelace was a countess", "keysteward und ich"):
        assert await passwords.hash(good, address="ada.lovelace@example.com")


async def test_strangers_never_take_the_places_of_browsers_that_are_known(
    passwords: Passwords,
) -> None:
    stored = await passwords.hash(GOOD)
    strangers = _AT_ONCE + _MOST_WAITING
    flood = [passwords.verify(stored, GOOD) for _ in range(strangers + 5)]
    known = [passwords.verify(stored, GOOD, is_known=True) for _ in range(_KEPT_FOR_KNOWN + 5)]
    told = await asyncio.gather(*flood, *known, return_exceptions=True)
    refused = [isinstance(each, TooManySignIns) for each in told]
    assert sum(refused[: len(flood)]) == 5
    assert sum(refused[len(flood) :]) == 5
    assert passwords._taken == 0


async def test_hashing_yields_to_everything_else_on_the_machine() -> None:
    passwords = Passwords(CHEAP)
    assert await passwords._run(lambda: os.sched_getscheduler(0)) == os.SCHED_IDLE
    passwords.close()
    assert os.sched_getscheduler(0) != os.SCHED_IDLE
