"""Getting in by somebody else's word: Google's, GitHub's, and a code by WhatsApp."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import pytest
import pytest_asyncio

from accounts.other_side import Begun
from tests.kit import fake_github as github
from tests.kit import fake_whatsapp as whatsapp
from tests.kit import hostile_google as google
from tests.kit.browsing import Browser, Read, put_cookies
from tests.kit.clock import MovedClock
from tests.kit.fake_github import FakeGitHub, fake_github
from tests.kit.fake_whatsapp import FakeWhatsApp, fake_whatsapp
from tests.kit.graphql_client import House, Visitor, house
from tests.kit.hostile_google import HostileGoogle, hostile_google
from tests.kit.loopback_http import said

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOOK: Final = "/webhooks/whatsapp"
numbers = itertools.count(1_000_000)


@dataclass
class Home:
    """An installation that all three vouch to."""

    house: House
    google: HostileGoogle
    github: FakeGitHub
    whatsapp: FakeWhatsApp

    async def browser(self, visitor: Visitor | None = None) -> Browser:
        """Give one that nobody has used, or that of somebody who has signed in already."""
        return Browser((visitor or await self.house.visitor()).http)

    def somebody_new(self) -> str:
        """Have both providers vouch for somebody whom they never vouched for; give the address."""
        number = next(numbers)
        address = f"somebody{number}@example.com"
        self.google.claims = {"sub": str(number), "email": address}
        self.github.user = {"id": number, "login": f"somebody{number}", "email": None}
        self.github.addresses = [github._address(address, primary=True, verified=True)]
        return address

    async def there(self, browser: Browser, kind: str, **fields: str) -> str:
        """Be sent to the provider; give the address there."""
        page = await browser.send(f"/auth/{kind}", {"intent": "SIGN_IN", **fields})
        assert page.status == 303, page.alert
        return page.answer.headers["location"]

    async def back(self, browser: Browser, kind: str, url: str, **changed: str | None) -> Read:
        """Agree there, and come back."""
        provider = self.google if kind == "google" else self.github
        query = provider.comes_back(Begun(url, {}), **changed)
        answer = await browser.http.get(
            f"/auth/{kind}/callback",
            params=query,
            headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        )
        browser.seen.append(answer)
        return Read(answer)

    async def through(self, browser: Browser, kind: str, **fields: str) -> Read:
        """Go there and back."""
        return await self.back(browser, kind, await self.there(browser, kind, **fields))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Home]:
    clock = MovedClock()
    folder = tmp_path_factory.mktemp("home")
    async with hostile_google(clock) as goo, fake_github() as git, fake_whatsapp() as what:
        environment = {
            "KEYSTEWARD_GOOGLE_CLIENT_ID": google.CLIENT,
            "KEYSTEWARD_GOOGLE_CLIENT_SECRET": google.SECRET,
            "KEYSTEWARD_GOOGLE_ISSUER": goo.url,
            "KEYSTEWARD_GITHUB_CLIENT_ID": github.CLIENT,
            "KEYSTEWARD_GITHUB_CLIENT_SECRET": github.SECRET,
            "KEYSTEWARD_GITHUB_URL": git.url,
            "KEYSTEWARD_GITHUB_API_URL": git.url,
            "KEYSTEWARD_WHATSAPP_TOKEN": whatsapp.TOKEN,
            "KEYSTEWARD_WHATSAPP_PHONE_NUMBER_ID": whatsapp.PHONE_NUMBER_ID,
            "KEYSTEWARD_WHATSAPP_TEMPLATE": f"{whatsapp.TEMPLATE}:en_US",
            "KEYSTEWARD_WHATSAPP_APP_SECRET": whatsapp.APP_SECRET,
            "KEYSTEWARD_WHATSAPP_VERIFY_TOKEN": whatsapp.VERIFY_TOKEN,
            "KEYSTEWARD_WHATSAPP_URL": what.url,
        }
        async with house(folder, environment, clock=clock) as opened:
            yield Home(opened, goo, git, what)


# Google and GitHub


@pytest.mark.parametrize("kind", ["google", "github"])
async def test_somebody_signs_up_and_in_by_a_button(home: Home, kind: str) -> None:
    address = home.somebody_new()
    browser = await home.browser()
    page = await browser.open("/sign-in?next=/address")
    form = page.form(f"/auth/{kind}")
    (button,) = form.buttons
    assert (button["name"], button["value"]) == ("intent", "SIGN_IN")
    page = await browser.send(form.action, {**form.fields, "intent": "SIGN_IN"})
    flow = put_cookies(page.answer)
    assert flow.keys() == {"keysteward-flow"}
    value = flow["keysteward-flow"].pop("")
    assert flow["keysteward-flow"] == {
        "httponly": "",
        "max-age": "600",
        "path": "/",
        "samesite": "lax",
    }
    page = await home.back(browser, kind, page.answer.headers["location"])
    assert page.answer.headers["location"] == "/address"
    assert browser.cookie("keysteward-flow") is None
    assert address in (await browser.open("/sign-in")).text
    seen = [answer.text for answer in browser.seen]
    assert not any(value.strip('"').partition("~")[0] in text for text in seen)

    again = await home.browser()
    page = await home.through(again, kind)
    assert page.answer.headers["location"] == "/dashboard"
    assert address in (await again.open("/sign-in")).text


async def test_the_policy_lets_a_form_lead_to_the_providers(home: Home) -> None:
    policy = (await (await home.browser()).open("/sign-in")).answer.headers[
        "content-security-policy"
    ]
    assert policy.endswith(f"form-action 'self' {home.google.url} {home.github.url}")


async def test_an_answer_counts_in_the_browser_that_asked_alone(home: Home) -> None:
    """Else an attacker could have a victim's browser sign in to the attacker's account."""
    home.somebody_new()
    attacker, victim = await home.browser(), await home.browser()
    url = await home.there(attacker, "google")
    page = await home.back(victim, "google", url)
    assert page.status == 410
    assert "begun in another browser" in page.alert
    await home.there(victim, "google")
    page = await home.back(victim, "google", url)
    assert page.status == 401
    assert dict(victim.http.cookies) == {}


async def test_an_answer_counts_once(home: Home) -> None:
    home.somebody_new()
    browser = await home.browser()
    url = await home.there(browser, "github")
    flow = browser.cookie("keysteward-flow") or ""
    assert (await home.back(browser, "github", url)).status == 303
    browser.http.cookies.clear()
    browser.http.cookies.set("keysteward-flow", flow)
    page = await home.back(browser, "github", url)
    assert page.status == 410
    assert put_cookies(page.answer)["keysteward-flow"]["max-age"] == "0"


async def test_a_head_uses_nothing_up(home: Home) -> None:
    home.somebody_new()
    browser = await home.browser()
    url = await home.there(browser, "github")
    answer = await browser.http.head("/auth/github/callback", params={"state": "x", "code": "y"})
    assert answer.status_code == 405
    assert (await home.back(browser, "github", url)).status == 303


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"state": "CANARYother"}, "not begun in this browser"),
        ({"state": None}, "not begun in this browser"),
        ({"iss": "https://attacker.example"}, "somebody else"),
        ({"code": "CANARYother"}, "did not accept"),
        ({"code": None}, "no code"),
        ({"code": None, "error": "access_denied", "error_description": "CANARY"}, "cancelled"),
        ({"error": "<script>CANARY</script>"}, "cancelled"),
    ],
)
@pytest.mark.parametrize("kind", ["google", "github"])
async def test_an_answer_that_does_not_fit_lets_nobody_in(
    home: Home, kind: str, changed: dict[str, str | None], sentence: str
) -> None:
    home.somebody_new()
    browser = await home.browser()
    page = await home.back(browser, kind, await home.there(browser, kind), **changed)
    assert page.status == 401
    assert sentence in page.alert
    assert "CANARY" not in page.text
    assert dict(browser.http.cookies) == {}


async def test_an_answer_to_one_provider_is_not_taken_from_another(home: Home) -> None:
    home.somebody_new()
    browser = await home.browser()
    url = await home.there(browser, "google")
    query = home.google.comes_back(Begun(url, {}))
    page = Read(await browser.http.get("/auth/github/callback", params=query))
    assert page.status == 401
    assert "another provider" in page.alert


async def test_an_account_here_is_linked_by_who_is_signed_in_to_it(home: Home) -> None:
    visitor = await home.house.person()
    home.somebody_new()
    browser = await home.browser(visitor)
    page = await home.through(browser, "github", intent="LINK", next="/graphiql")
    assert page.answer.headers["location"] == "/graphiql"
    means = (await visitor.get("viewer"))["means"]
    assert [each["means"] for each in means] == ["PASSWORD", "GITHUB"]
    # And signs in from now on; and what signs in here links to nobody else.
    page = await home.through(await home.browser(), "github")
    assert page.status == 303
    other = await home.browser(await home.house.person())
    page = await home.through(other, "github", intent="LINK")
    assert page.status == 409


async def test_an_address_that_nobody_has_verified_is_linked_to_nothing(home: Home) -> None:
    visitor = await home.house.person()
    home.somebody_new()
    home.google.claims["email"] = visitor.address
    page = await home.through(await home.browser(), "google")
    assert page.status == 409
    assert "not linked" in page.alert


async def test_to_link_needs_somebody_signed_in_and_a_fresh_login(home: Home) -> None:
    browser = await home.browser()
    for intent in ("LINK", "FRESH"):
        page = await browser.send("/auth/github", {"intent": intent})
        assert (page.status, page.alert) == (401, "Sign in first.")
    visitor = await home.house.person()
    browser = await home.browser(visitor)
    home.house.clock.forward(seconds=600)
    page = await browser.send("/auth/github", {"intent": "LINK", "next": "/graphiql"})
    assert page.answer.headers["location"] == "/fresh?next=/graphiql"


async def test_a_login_is_made_fresh_by_the_same_account_there(home: Home) -> None:
    home.somebody_new()
    browser = await home.browser()
    await home.through(browser, "github")
    was = browser.cookie("keysteward")
    home.house.clock.forward(seconds=600)
    page = await browser.open("/fresh?next=/graphiql")
    assert [form.action for form in page.forms] == ["/auth/github", "/sign-out"]
    (button,) = page.forms[0].buttons
    assert button["value"] == "FRESH"
    page = await home.through(browser, "github", **page.forms[0].fields, intent="FRESH")
    assert page.answer.headers["location"] == "/graphiql"
    assert browser.cookie("keysteward") not in {was, None}

    home.somebody_new()
    page = await home.through(browser, "github", intent="FRESH")
    assert page.status == 401
    assert page.alert == "That is not the account there which signs in to this one."


async def test_the_place_to_go_on_to_is_ours_even_if_the_cookie_says_otherwise(home: Home) -> None:
    home.somebody_new()
    browser = await home.browser()
    url = await home.there(browser, "github")
    ticket = (browser.cookie("keysteward-flow") or "").strip('"').partition("~")[0]
    browser.http.cookies.clear()
    browser.http.cookies.set("keysteward-flow", f"{ticket}~//attacker.example")
    page = await home.back(browser, "github", url)
    assert page.answer.headers["location"] == "/dashboard"


async def test_what_was_begun_by_graphql_is_finished_here(home: Home) -> None:
    home.somebody_new()
    visitor = await home.house.visitor()
    begun = await visitor.do("beginElsewhere", kind="GITHUB", intent="SIGN_IN")
    browser = await home.browser(visitor)
    page = await home.back(browser, "github", begun["url"])
    assert page.answer.headers["location"] == "/dashboard"
    assert await visitor.get("viewer") is not None


async def test_a_provider_out_of_reach_is_said_to_be(home: Home) -> None:
    async def broken(_: object) -> bytes:
        return said({}, status=b"500 Internal Server Error")

    home.somebody_new()
    home.github.answers["/user"] = broken
    try:
        page = await home.through(await home.browser(), "github")
    finally:
        home.github.answers.clear()
    assert page.status == 401
    assert "GitHub" in page.alert


# WhatsApp


def a_number() -> str:
    return f"+4915112{next(numbers) % 1_000_000:06d}"


async def asked_for_a_code(home: Home, browser: Browser, number: str, **fields: str) -> str:
    """Ask for one, as a person does; give it."""
    before = len(home.whatsapp.messages)
    page = await browser.open("/code")
    page = await browser.fill(page, "/code", number=number, **fields)
    assert page.status == 303, page.alert
    message = await home.whatsapp.received(before + 1)
    assert message.to == number
    return message.code


async def test_somebody_signs_up_and_in_by_a_code(home: Home) -> None:
    number, browser = a_number(), await home.browser()
    page = await browser.open("/sign-in?next=/address")
    page = await browser.open(next(link for link in page.links if link.startswith("/code")))
    page = await browser.fill(page, "/code", number=number)
    assert page.answer.headers["location"] == "/code/show?next=/address"
    held = put_cookies(page.answer)
    assert held.keys() == {"keysteward-code"}
    ticket = held["keysteward-code"].pop("")
    assert held["keysteward-code"].keys() == {"httponly", "max-age", "path", "samesite"}
    code = (await home.whatsapp.received(len(home.whatsapp.messages))).code

    other = await home.browser()
    assert (await other.open("/code/show")).answer.headers["location"] == "/code"
    page = await other.send("/code/show", {"code": code})
    assert page.status == 410

    page = await browser.follow(Read(browser.seen[-1]))
    given = page.form("/code/show").attributes["code"]
    assert (given["autocomplete"], given["inputmode"]) == ("one-time-code", "numeric")
    wrong = "000000" if code != "000000" else "111111"
    page = await browser.fill(page, "/code/show", code=wrong)
    assert page.status == 401
    assert "4 tries" in page.alert
    page = await browser.fill(page, "/code/show", code=f" {code[:3]} {code[3:]} ")
    assert page.answer.headers["location"] == "/address"
    assert browser.cookie("keysteward-code") is None
    assert "You are signed in." in (await browser.open("/sign-in")).text
    seen = [answer.text + str(answer.url) for answer in browser.seen]
    assert not any(ticket in text or code in text for text in seen)


async def test_a_code_is_tried_five_times(home: Home) -> None:
    browser = await home.browser()
    code = await asked_for_a_code(home, browser, a_number())
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        page = await browser.send("/code/show", {"code": wrong})
        assert page.status == 401
    page = await browser.send("/code/show", {"code": code})
    assert page.status == 410


async def test_what_is_no_number_is_said_to_be_none_and_kept(home: Home) -> None:
    browser = await home.browser()
    page = await browser.fill(await browser.open("/code"), "/code", number="0151 123")
    assert page.status == 400
    field = page.form("/code").attributes["number"]
    assert (field["value"], field["aria-invalid"]) == ("0151 123", "true")
    page = await browser.fill(page, "/code", number="CANARYno number")
    assert page.form("/code").fields["number"] == ""


async def test_a_second_code_has_to_wait(home: Home) -> None:
    number, browser = a_number(), await home.browser()
    await asked_for_a_code(home, browser, number)
    page = await browser.send("/code", {"number": number, "intent": "SIGN_IN"})
    assert page.status == 429
    assert page.answer.headers["retry-after"] == "30"


async def test_a_number_is_linked_and_makes_a_login_fresh(home: Home) -> None:
    home.house.clock.forward(seconds=3600)
    visitor, number = await home.house.person(), a_number()
    browser = await home.browser(visitor)
    code = await asked_for_a_code(home, browser, number, intent="LINK")
    # It is bound to the session's account as well as to the browser.
    ticket = browser.cookie("keysteward-code") or ""
    other = await home.browser(await home.house.person())
    other.http.cookies.set("keysteward-code", ticket)
    page = await other.send("/code/show", {"code": code})
    assert page.status == 410

    code = await after_a_pause(home, browser, number, intent="LINK")
    page = await browser.send("/code/show", {"code": code})
    assert page.answer.headers["location"] == "/dashboard/settings/account"
    means = (await visitor.get("viewer"))["means"]
    assert [each["means"] for each in means] == ["PASSWORD", "WHATSAPP"]

    home.house.clock.forward(seconds=600)
    page = await browser.open("/fresh?next=/graphiql")
    assert "/code?intent=FRESH&next=/graphiql" in page.links
    code = await after_a_pause(home, browser, number, intent="FRESH")
    page = await browser.send("/code/show", {"code": code, "next": "/graphiql"})
    assert page.answer.headers["location"] == "/graphiql"
    assert (await visitor.get("viewer"))["freshUntil"] is not None


async def after_a_pause(home: Home, browser: Browser, number: str, **fields: str) -> str:
    home.house.clock.forward(seconds=60)
    return await asked_for_a_code(home, browser, number, **fields)


async def test_a_code_to_link_is_for_who_is_signed_in(home: Home) -> None:
    browser = await home.browser()
    page = await browser.open("/code?intent=LINK")
    assert page.answer.headers["location"] == "/sign-in"
    page = await browser.send("/code", {"number": a_number(), "intent": "LINK"})
    assert page.answer.headers["location"] == "/sign-in"
    page = await browser.open("/code?intent=CANARY")
    assert page.status == 400


async def test_a_message_that_whatsapp_does_not_take_is_said_not_to_be_sent(home: Home) -> None:
    home.house.clock.forward(seconds=3600)
    home.whatsapp.fail(whatsapp.refuses(b"400 Bad Request", 131026))
    browser = await home.browser()
    page = await browser.send("/code", {"number": a_number(), "intent": "SIGN_IN"})
    assert page.status == 502
    assert "did not take the message" in page.alert
    assert "EVERYTHING" not in page.text


# WhatsApp's webhook


async def test_the_webhook_is_verified_by_its_token(home: Home) -> None:
    client = (await home.browser()).http
    query = {"hub.mode": "subscribe", "hub.challenge": "<b>1158201444", "hub.verify_token": "x"}
    answer = await client.get(HOOK, params=query)
    assert answer.status_code == 403
    assert "1158201444" not in answer.text
    query["hub.verify_token"] = whatsapp.VERIFY_TOKEN
    answer = await client.get(HOOK, params=query)
    assert (answer.status_code, answer.text) == (200, "<b>1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_webhook_hears_what_is_signed_and_nothing_else(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    client = (await home.browser()).http
    message = whatsapp.Message("+4915112345678", "123456", whatsapp.message_id("+4915112345678", 1))
    body = whatsapp.webhook(whatsapp.failed(message))
    for headers in (
        {},
        {"x-hub-signature-256": whatsapp.sign(body, secret="another")},
        {"x-hub-signature-256": whatsapp.sign(body + b" ")},
    ):
        answer = await client.post(HOOK, content=body, headers=headers)
        assert answer.status_code == 403
    assert "did not deliver" not in caplog.text
    # From another origin, without a cookie, in whatever type: the signature alone decides.
    for signed in (body, b"\xff not json"):
        answer = await client.post(
            HOOK,
            content=signed,
            headers={
                "x-hub-signature-256": whatsapp.sign(signed),
                "sec-fetch-site": "cross-site",
                "content-type": "application/json",
            },
        )
        assert answer.status_code == 200
    assert "131026" in caplog.text
    assert "15112345678" not in caplog.text
    large = b" " * 65_537
    answer = await client.post(HOOK, content=large, headers={"x-hub-signature-256": "sha256="})
    assert answer.status_code == 413
