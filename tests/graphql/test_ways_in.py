"""Each way in, from its first step to the session: as a page's script goes them, over GraphQL."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.kit.graphql_client import PASSWORD, House, Visitor, house
from tests.kit.ways_in import (
    authenticator,
    by_number,
    code_for,
    number,
    passkey,
    second_factor,
    show_passkey,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def is_in(browser: Visitor, someone: Visitor) -> bool:
    """Tell whether somebody is signed in to that person's account in this browser."""
    viewer = await browser.get("viewer")
    return viewer is not None and viewer["id"] == (await someone.get("viewer"))["id"]


def sessions(home: House) -> int:
    ((count,),) = home.rows("SELECT count(*) FROM sessions")
    return int(count)


# The second factor.


async def test_a_password_alone_opens_nothing_once_a_second_factor_is_set_up(home: House) -> None:
    ada = await home.person()
    app = await second_factor(home, ada)
    browser, before = await home.visitor(), sessions(home)
    response = await browser.tell("signIn", address=ada.address, password=PASSWORD)
    half = response.json()["data"]["signIn"]
    assert half["__typename"] == "SecondFactorRequired"
    assert "set-cookie" not in response.headers
    assert sessions(home) == before
    shown = await browser.do("showSecondFactor", ticket=half["ticket"], code=app.code())
    assert shown["account"]["address"] == ada.address
    assert await is_in(browser, ada)
    used = await browser.do("showSecondFactor", ticket=half["ticket"], code=app.code())
    assert used["__typename"] == "TicketGone"


async def test_a_code_of_the_app_counts_once(home: House) -> None:
    ada = await home.person()
    app = await second_factor(home, ada)
    code, browser = app.code(), await home.visitor()
    answers = []
    for _ in range(2):
        half = await browser.do("signIn", address=ada.address, password=PASSWORD)
        shown = await browser.do("showSecondFactor", ticket=half["ticket"], code=code)
        answers.append(shown["__typename"])
    assert answers == ["SignedIn", "CodeWrong"]


async def test_a_recovery_code_stands_in_for_the_app_once(home: House) -> None:
    ada = await home.person()
    app = await second_factor(home, ada)
    browser, answers = await home.visitor(), []
    for typed in (app.codes[0].lower().replace("-", " "), app.codes[0]):
        half = await browser.do("signIn", address=ada.address, password=PASSWORD)
        shown = await browser.do("showSecondFactor", ticket=half["ticket"], code=typed)
        answers.append(shown["__typename"])
    assert answers == ["SignedIn", "CodeWrong"]
    assert (await browser.get("viewer"))["recoveryCodesLeft"] == 9


async def test_renewed_recovery_codes_void_the_old_ones(home: House) -> None:
    ada = await home.person()
    app = await second_factor(home, ada)
    new = (await ada.do("renewRecoveryCodes"))["codes"]
    browser, answers = await home.visitor(), []
    for code in (app.codes[0], new[0]):
        half = await browser.do("signIn", address=ada.address, password=PASSWORD)
        shown = await browser.do("showSecondFactor", ticket=half["ticket"], code=code)
        answers.append(shown["__typename"])
    assert answers == ["CodeWrong", "SignedIn"]


async def test_a_login_is_made_fresh_by_both_factors_and_its_old_cookie_is_dead(
    home: House,
) -> None:
    ada = await home.person()
    app = await second_factor(home, ada)
    home.clock.forward(seconds=301)
    old = await home.visitor(cookie=ada.cookie)
    (before,) = await ada.get("sessions")
    half = await ada.do("freshLogin", password=PASSWORD)
    assert half["__typename"] == "SecondFactorRequired"
    # Neither of both is fresh by half of it.
    assert (await ada.do("exportAccount"))["__typename"] == "FreshLoginRequired"
    shown = await ada.do("showSecondFactor", ticket=half["ticket"], code=app.code())
    assert shown["account"]["freshUntil"] is not None
    assert (await ada.do("exportAccount"))["__typename"] == "AccountExported"
    (after,) = await ada.get("sessions")
    assert after["id"] == before["id"]  # the session goes on
    assert await old.get("viewer") is None


async def test_the_second_half_of_a_fresh_login_is_the_same_sessions(home: House) -> None:
    """Whoever has seen the ticket, in another browser of the same account, gains nothing by it."""
    ada = await home.person()
    other = await home.signed_in(ada)
    app = await second_factor(home, ada)
    ticket = (await ada.do("freshLogin", password=PASSWORD))["ticket"]
    for browser in (other, await home.visitor()):
        refused = await browser.do("showSecondFactor", ticket=ticket, code=app.code())
        assert refused["__typename"] == "TicketGone"
    assert (await ada.do("showSecondFactor", ticket=ticket, code=app.code()))["account"]


async def test_what_was_begun_is_over_after_ten_minutes(home: House) -> None:
    ada = await home.person()
    app = await second_factor(home, ada)
    browser = await home.visitor()
    half = await browser.do("signIn", address=ada.address, password=PASSWORD)
    home.clock.forward(seconds=600)
    late = await browser.do("showSecondFactor", ticket=half["ticket"], code=app.code())
    assert late["__typename"] == "TicketGone"


async def test_without_the_second_factor_a_password_is_enough_again(home: House) -> None:
    ada = await home.person()
    await second_factor(home, ada)
    removed = await ada.do("removeSecondFactor")
    assert removed["account"]["secondFactor"] is False
    assert removed["account"]["recoveryCodesLeft"] == 0
    assert await is_in(await home.signed_in(ada), ada)


async def test_a_code_by_whatsapp_is_the_first_factor_alone(home: House) -> None:
    someone = await by_number(home, to := number())
    app = await second_factor(home, someone)
    browser = await home.visitor()
    half = await browser.do("showCode", **await code_for(home, browser, to, "SIGN_IN"))
    assert await browser.get("viewer") is None
    await browser.do("showSecondFactor", ticket=half["ticket"], code=app.code())
    assert await is_in(browser, someone)


# Passkeys.


async def test_a_passkey_is_both_factors_at_once(home: House) -> None:
    ada = await home.person()
    await second_factor(home, ada)
    await passkey(home, ada, device := authenticator(home))
    browser = await home.visitor()
    assert (await show_passkey(browser, device, "SIGN_IN"))["__typename"] == "SignedIn"
    assert await is_in(browser, ada)
    (session,) = [each for each in await browser.get("sessions") if each["isCurrent"]]
    assert session["means"] == "PASSKEY"


async def test_a_passkey_makes_a_login_fresh_under_a_new_cookie(home: House) -> None:
    ada = await home.person()
    await passkey(home, ada, device := authenticator(home))
    home.clock.forward(seconds=301)
    old = await home.visitor(cookie=ada.cookie)
    shown = await show_passkey(ada, device, "FRESH")
    assert shown["account"]["freshUntil"] is not None
    assert (await ada.do("exportAccount"))["__typename"] == "AccountExported"
    assert await old.get("viewer") is None


async def test_an_answer_of_a_passkey_counts_once(home: House) -> None:
    ada = await home.person()
    await passkey(home, ada, device := authenticator(home))
    browser = await home.visitor()
    begun = await browser.do("beginPasskey", intent="SIGN_IN")
    fields = {"ticket": begun["ticket"], "intent": "SIGN_IN"}
    answer = device.get(begun["options"])
    answers = [await browser.do("showPasskey", **fields, answer=answer) for _ in range(2)]
    assert [each["__typename"] for each in answers] == ["SignedIn", "TicketGone"]


async def test_the_last_way_in_can_not_be_taken_away(home: House) -> None:
    someone = await by_number(home, number())
    (only,) = (await someone.get("viewer"))["means"]
    refused = await someone.do("removeMeans", id=only["id"])
    assert refused["__typename"] == "MeansInUse"
    await passkey(home, someone, authenticator(home))
    assert (await someone.do("removeMeans", id=only["id"]))["__typename"] == "MeansRemoved"


# A telephone number.


async def test_a_number_makes_an_account_and_then_signs_in_to_it(home: House) -> None:
    to = number()
    someone = await by_number(home, to)
    viewer = await someone.get("viewer")
    assert (viewer["address"], viewer["addressVerifiedAt"]) == (None, None)
    assert [(each["means"], each["name"]) for each in viewer["means"]] == [("WHATSAPP", to)]
    assert await is_in(await by_number(home, to), someone)


async def test_a_number_that_was_linked_signs_in_to_that_account(home: House) -> None:
    ada, to = await home.person(), number()
    linked = await ada.do("showCode", **await code_for(home, ada, to, "LINK"))
    assert (linked["means"]["means"], linked["means"]["name"]) == ("WHATSAPP", to)
    assert await is_in(await by_number(home, to), ada)


async def test_a_code_makes_a_login_fresh_for_who_has_no_password(home: House) -> None:
    someone = await by_number(home, to := number())
    home.clock.forward(seconds=301)
    old = await home.visitor(cookie=someone.cookie)
    assert (await someone.do("exportAccount"))["__typename"] == "FreshLoginRequired"
    shown = await someone.do("showCode", **await code_for(home, someone, to, "FRESH"))
    assert shown["account"]["freshUntil"] is not None
    assert await old.get("viewer") is None


async def test_an_account_of_a_number_gets_an_address_and_a_password(home: House) -> None:
    to = number()
    someone = await by_number(home, to)
    key = await someone.key()
    address = f"of{to[1:]}@example.com"
    await someone.do("changeAddress", address=address)
    changed = await someone.do("confirmAddress", ticket=await home.ticket(address, "/address"))
    assert changed["__typename"] == "AddressChanged"
    assert await someone.get("viewer") is None
    again = await by_number(home, to)  # the number signs in as before
    viewer = await again.get("viewer")
    assert viewer["id"] == changed["id"]
    assert viewer["address"] == address
    assert viewer["addressVerifiedAt"] is not None
    assert [each["id"] for each in await again.get("keys")] == [key["id"]]
    set_up = await again.do("changePassword", password=PASSWORD)
    assert set_up["__typename"] == "PasswordChanged"
    again.address = address
    assert await is_in(await home.signed_in(again), again)


async def test_a_code_is_worth_nothing_to_another_account(home: House) -> None:
    ada, bob = await home.person(), await home.person()
    code = await code_for(home, ada, number(), "LINK")
    assert (await bob.do("showCode", **code))["__typename"] == "TicketGone"


# Elsewhere.


@pytest.mark.parametrize(
    ("kind", "path"),
    [("GOOGLE", "/authorize"), ("GITHUB", "/login/oauth/authorize")],
)
@pytest.mark.parametrize("intent", ["SIGN_IN", "LINK", "FRESH"])
async def test_a_browser_is_sent_elsewhere_with_a_cookie_that_brings_it_back(
    kind: str, path: str, intent: str, home: House
) -> None:
    ada = await home.person()
    asks = await home.visitor() if intent == "SIGN_IN" else ada
    response = await asks.tell("beginElsewhere", kind=kind, intent=intent)
    url = urlsplit(response.json()["data"]["beginElsewhere"]["url"])
    query = parse_qs(url.query)
    assert url.path == path
    assert query["redirect_uri"] == [f"{home.config.url}/auth/{kind.lower()}/callback"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["state"][0]) >= 32
    (cookie,) = response.headers.get_list("set-cookie")
    assert cookie.startswith("keysteward-flow=")
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    # The ticket is the browser's alone: in no address, and in no answer that a script can read.
    ticket = cookie.partition("=")[2].partition(";")[0]
    assert ticket not in response.text


async def test_what_the_installation_offers_is_told_to_anybody(home: House) -> None:
    nobody = await home.visitor()
    offered = await nobody.get("signInOptions")
    assert offered["signUp"] == "OPEN"
    assert set(offered["elsewhere"]) == {"GOOGLE", "GITHUB", "WHATSAPP"}
    assert offered["passkeysAt"] == f"http://localhost:{home.config.port}"


# Invites.


async def test_where_an_invite_is_needed_each_lets_one_person_in(tmp_path: Path) -> None:
    async with house(tmp_path) as opened:
        ada = await opened.person()
        await opened.verify(ada)
    async with house(tmp_path, {"KEYSTEWARD_SIGN_UP": "invite"}) as private:
        maker, guest = await private.signed_in(ada), await private.visitor()
        assert (await guest.get("signInOptions"))["signUp"] == "INVITE"
        made = await maker.do("createInvite")
        start, _, invite = made["link"].partition("#")
        assert start == f"{private.config.url}/sign-up"
        answers = [
            await guest.do("signUp", address=address, password=PASSWORD, invite=given)
            for address, given in (
                ("one@example.com", None),
                ("one@example.com", f"kso_{'C' * 49}"),
                (ada.address, invite),  # who has an account already uses up no invite
                ("one@example.com", invite),
                ("two@example.com", invite),
            )
        ]
        assert [each["__typename"] for each in answers] == [
            "SignUpRefused",
            "SignUpRefused",
            "SignUpRefused",
            "SignedIn",
            "SignUpRefused",
        ]


# Browsers.


async def test_a_browser_that_was_here_before_is_no_new_device(home: House) -> None:
    """The letter that somebody signed in on a new device tells of strangers alone."""
    ada = await home.person()
    await home.verify(ada)

    async def told() -> int:
        subjects = await home.subjects(ada)
        return subjects.count("A new device signed in to your account")

    await ada.do("signOut")
    await ada.do("signIn", address=ada.address, password=PASSWORD)
    assert await told() == 0
    await home.signed_in(ada)
    assert await told() == 1
