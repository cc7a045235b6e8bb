"""Many guesses in one request are as many guesses: the limits count tries, not requests."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from accounts.guesses import Limits
from resolvers.limits import MOST_ALIASES
from tests.kit.graphql_client import PASSWORD, House, house
from tests.kit.ways_in import second_factor

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def strict(tmp_path: Path) -> AsyncIterator[House]:
    """A house with the limits of every real one."""
    async with house(tmp_path, guess_limits=Limits()) as opened:
        yield opened


def many(name: str, of: str, inputs: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Write one document that does the same many times, under as many aliases."""
    declared = ", ".join(f"$i{n}: {of}!" for n in range(len(inputs)))
    fields = " ".join(f"a{n}: {name}(input: $i{n}) {{ __typename }}" for n in range(len(inputs)))
    variables = {f"i{n}": given for n, given in enumerate(inputs)}
    return f"mutation({declared}) {{ {fields} }}", variables


async def _kinds(home: House, name: str, of: str, inputs: list[dict[str, Any]]) -> list[str]:
    stranger = await home.visitor()
    text, variables = many(name, of, inputs)
    body = (await stranger.post(text, **variables)).json()
    assert "errors" not in body, body
    return [answer["__typename"] for answer in body["data"].values()]


async def test_thirty_guesses_at_one_account_in_one_request_are_five(strict: House) -> None:
    ada = await strict.person()
    guesses = [
        {"address": ada.address, "password": f"CANARYguess{n}"} for n in range(MOST_ALIASES - 1)
    ]
    kinds = await _kinds(
        strict, "signIn", "SignInInput", [*guesses, {"address": ada.address, "password": PASSWORD}]
    )
    # The right one, after them, was not even looked at.
    assert kinds == ["SignInRefused"] * 5 + ["TooManyTries"] * (MOST_ALIASES - 5)
    # And whoever has signed in before is not kept out by them.
    assert (await ada.do("signIn", address=ada.address, password=PASSWORD))["account"]


async def test_thirty_accounts_in_one_request_are_thirty_tries_of_one_network(
    strict: House,
) -> None:
    inputs = [
        {"address": f"nobody{n}@example.com", "password": "CANARYguess"}
        for n in range(MOST_ALIASES)
    ]
    first = await _kinds(strict, "signIn", "SignInInput", inputs)
    second = await _kinds(strict, "signIn", "SignInInput", inputs)
    assert first == ["SignInRefused"] * MOST_ALIASES
    assert second == ["TooManyTries"] * MOST_ALIASES


async def test_thirty_accounts_are_not_made_by_one_request(strict: House) -> None:
    inputs = [{"address": f"new{n}@example.com", "password": PASSWORD} for n in range(MOST_ALIASES)]
    kinds = await _kinds(strict, "signUp", "SignUpInput", inputs)
    assert kinds == ["SignedIn"] * 10 + ["TooManyTries"] * (MOST_ALIASES - 10)


async def test_thirty_letters_are_not_asked_for_by_one_request(strict: House) -> None:
    kinds = await _kinds(
        strict,
        "requestPasswordReset",
        "AddressInput",
        [{"address": "nobody@example.com"}] * MOST_ALIASES,
    )
    assert kinds == ["PasswordResetRequested"] * 3 + ["TooManyTries"] * (MOST_ALIASES - 3)


async def test_whoever_is_signed_in_can_not_have_a_mailbox_flooded(strict: House) -> None:
    """Neither the one that the account was made with, which is anybody's, nor many others."""
    ada = await strict.person()
    text = "mutation {" + " ".join(
        f"a{n}: requestVerification {{ __typename }}" for n in range(MOST_ALIASES)
    )
    answers = (await ada.post(text + "}")).json()["data"].values()
    kinds = [answer["__typename"] for answer in answers]
    assert kinds == ["MailSent"] * 3 + ["TooManyTries"] * (MOST_ALIASES - 3)
    strict.rows("DELETE FROM buckets")
    text, variables = many(
        "changeAddress",
        "AddressInput",
        [{"address": f"victim{n}@example.com"} for n in range(MOST_ALIASES)],
    )
    answers = (await ada.post(text, **variables)).json()["data"].values()
    kinds = [answer["__typename"] for answer in answers]
    assert kinds == ["MailSent"] * 10 + ["TooManyTries"] * (MOST_ALIASES - 10)


async def test_thirty_codes_for_one_ticket_are_five(strict: House) -> None:
    ada = await strict.person()
    await second_factor(strict, ada)
    stranger = await strict.visitor()
    half = await stranger.do("signIn", address=ada.address, password=PASSWORD)
    inputs = [{"ticket": half["ticket"], "code": f"{n:06}"} for n in range(MOST_ALIASES)]
    kinds = await _kinds(strict, "showSecondFactor", "SecondFactorInput", inputs)
    assert kinds == ["CodeWrong"] * 5 + ["TicketGone"] * (MOST_ALIASES - 5)


async def test_thirty_passwords_for_one_fresh_login_are_ten(strict: House) -> None:
    """Whoever sits down at an open browser has the device's tries, and not one more."""
    ada = await strict.person()
    text, variables = many(
        "freshLogin", "FreshLoginInput", [{"password": f"CANARY{n}"} for n in range(MOST_ALIASES)]
    )
    answers = (await ada.post(text, **variables)).json()["data"].values()
    kinds = [answer["__typename"] for answer in answers]
    assert kinds == ["SignInRefused"] * 10 + ["TooManyTries"] * (MOST_ALIASES - 10)
