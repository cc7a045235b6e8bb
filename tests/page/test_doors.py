"""The pages through which people get in, in a real Chromium: with scripts and without."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.kit import fake_github as github
from tests.kit.axe import CONTRAST, axe
from tests.kit.chromium import ONE_BROWSER, Window, window, with_authenticator
from tests.kit.fake_github import FakeGitHub, agreeing, fake_github
from tests.kit.fake_whatsapp import fake_whatsapp
from tests.kit.graphql_client import PASSWORD, House, house
from tests.kit.inviting import invite_to
from tests.kit.mailbox import Mailbox, links_in, mailbox
from tests.kit.ways_in import number, second_factor, whatsapp_settings

pytestmark = ONE_BROWSER

OTHER: Final = "CANARYanotherpasswordofletters"
_REFUSED: Final = "Failed to load resource: the server responded with a status of"
_FOCUSED: Final = "Autofocus processing was blocked because a document already has a focused"


@dataclass
class Home:
    """An installation that offers everything, and its mail."""

    house: House
    box: Mailbox
    far: FakeGitHub


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Home]:
    async with fake_github() as far, fake_whatsapp() as codes, mailbox() as box:
        far.answers["/login/oauth/authorize"] = agreeing(far)
        settings = {
            "KEYSTEWARD_SMTP": box.url,
            "KEYSTEWARD_GRAPHIQL": "off",
            "KEYSTEWARD_GITHUB_CLIENT_ID": github.CLIENT,
            "KEYSTEWARD_GITHUB_CLIENT_SECRET": github.SECRET,
            "KEYSTEWARD_GITHUB_URL": far.url,
            "KEYSTEWARD_GITHUB_API_URL": far.url,
            **whatsapp_settings(codes),
        }
        async with house(tmp_path_factory.mktemp("home"), settings) as opened:
            yield Home(opened, box, far)


@dataclass
class Watched:
    """Somebody in front of a browser, with an address that nobody else has."""

    home: Home
    seen: Window
    address: str
    scripts: bool

    @property
    def page(self) -> Any:
        return self.seen.page

    @property
    def url(self) -> str:
        return self.home.house.url

    @property
    def complaints(self) -> list[str]:
        return self.seen.complaints

    async def go(self, path: str) -> None:
        await self.page.goto(f"{self.url}{path}")

    async def press(self, words: str) -> None:
        """Press a button or a link."""
        found = self.page.locator(f"button:text-is('{words}'), a:text-is('{words}')")
        await found.click()

    async def type(self, **typed: str) -> None:
        for name, text in typed.items():
            await self.page.fill(f"[name={name}]", text)

    async def shows(self, text: str) -> None:
        await self.page.locator("main", has_text=text).wait_for()

    async def open_mailed(self, link: str) -> None:
        """Open a link; without scripts its ticket is pasted, as the page says."""
        await self.page.goto("about:blank")
        await self.page.goto(link)
        if self.scripts:
            await self.page.locator("[name=ticket]").wait_for(state="hidden")
            assert self.page.url == link.partition("#")[0]
        else:
            await self.type(ticket=link)

    async def mailed(self, subject: str) -> list[str]:
        people = self.home.house.services.people
        # Nobody waits for the seconds in which the server would do it by itself.
        await people.resets.write_asked()
        await people.postman.round()
        while True:
            message = await self.home.box.next()
            if subject in str(message["subject"]) and message["to"] == self.address:
                return links_in(message)


_numbers = itertools.count(1)


@asynccontextmanager
async def watching(home: Home, *, scripts: bool = True, **options: Any) -> AsyncIterator[Watched]:
    """Open a browser in which nobody has been yet."""
    async with window(java_script_enabled=scripts, **options) as seen:
        yield Watched(home, seen, f"ada{next(_numbers)}@example.com", scripts)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_somebody_signs_up_verifies_forgets_and_comes_back(
    home: Home, *, scripts: bool
) -> None:
    async with watching(home, scripts=scripts) as browser:
        page = browser.page

        await browser.go("/")
        assert urlsplit(page.url).path == "/sign-in"
        await browser.press("Make an account")
        await browser.type(address=browser.address, password=PASSWORD)
        await browser.press("Make an account")
        await page.wait_for_url(f"{browser.url}/dashboard")
        await browser.go("/sign-in")
        await browser.shows(f"signed in as {browser.address}")

        verify, _ = await browser.mailed("Verify")
        await browser.open_mailed(verify)
        await browser.press("Verify my address")
        await browser.shows("Mail to your address reaches you.")
        await browser.press("Go on")
        await browser.press("Sign out")
        await browser.shows("New here?")

        await browser.press("Forgot your password?")
        await browser.type(address=browser.address)
        await browser.press("Send me a link")
        await browser.shows("Look into your mail")
        (reset,) = await browser.mailed("password")
        await browser.open_mailed(reset)
        await browser.type(password="password")
        await browser.press("Set the new password")
        await browser.shows("tried first")
        if scripts:  # the ticket is still at hand, and in no address
            await page.locator("[name=ticket]").wait_for(state="hidden")
            assert page.url == reset.partition("#")[0]
        else:
            await browser.type(ticket=reset)
        await browser.type(password=OTHER)
        await browser.press("Set the new password")
        await browser.shows("Your new password counts")
        await browser.press("Sign in")

        await browser.type(address=browser.address, password=PASSWORD)
        await browser.press("Sign in")
        await browser.shows("Address or password is wrong.")
        assert await page.input_value("[name=address]") == browser.address
        assert await page.input_value("[name=password]") == ""
        assert await page.evaluate("document.activeElement.name") == "password"
        await browser.type(password=OTHER)
        await browser.press("Sign in")
        await page.wait_for_url(f"{browser.url}/dashboard")
        await browser.go("/sign-in")
        await browser.shows(f"signed in as {browser.address}")

        assert [
            each for each in browser.complaints if not each.startswith((_REFUSED, _FOCUSED))
        ] == []
        here = urlsplit(browser.url).netloc
        assert {urlsplit(url).netloc for url in browser.seen.addresses} == {here}
        assert "#" not in page.url


async def test_an_invite_comes_into_the_form_and_stays_in_no_address(
    home: Home, tmp_path: Path
) -> None:
    async with (
        house(tmp_path, {"KEYSTEWARD_SIGN_UP": "invite"}) as invited,
        watching(replace(home, house=invited)) as browser,
    ):
        invite = await invite_to(invited)
        await browser.open_mailed(f"{browser.url}/sign-up?next=/address#{invite}")
        assert await browser.page.input_value("[name=ticket]") == invite
        await browser.type(address=browser.address, password="password")
        await browser.press("Make an account")
        await browser.shows("tried first")
        await browser.page.locator("[name=ticket]").wait_for(state="hidden")
        assert browser.page.url == f"{browser.url}/sign-up"
        await browser.type(password=PASSWORD)
        await browser.press("Make an account")
        await browser.shows(f"signed in as {browser.address}")
        assert invite not in browser.page.url
        assert not any(invite in url.partition("#")[0] for url in browser.seen.addresses)


async def test_a_password_can_be_shown_and_is_hidden_again_when_it_is_sent(home: Home) -> None:
    async with watching(home) as browser:
        await browser.go("/sign-in")
        await browser.type(address=browser.address, password=PASSWORD)
        assert await browser.page.get_attribute("#password", "type") == "password"
        await browser.page.click("button.show")
        assert await browser.page.get_attribute("#password", "type") == "text"
        assert await browser.page.get_attribute("button.show", "aria-label") == "Hide: Password"
        await browser.page.evaluate(
            "document.forms[0].addEventListener('submit', (e) => e.preventDefault())"
        )
        await browser.press("Sign in")
        assert await browser.page.get_attribute("#password", "type") == "password"


async def test_a_passkey_signs_in_and_makes_a_login_fresh(home: Home) -> None:
    async with watching(home) as browser:
        page, port = browser.page, urlsplit(browser.url).port
        await browser.go("/sign-in")  # by an address a passkey is bound to no name
        assert not await page.is_visible("text=Use a passkey")
        devtools = await with_authenticator(page)
        here = f"http://localhost:{port}"
        await page.goto(f"{here}/sign-up")
        await browser.type(address=browser.address, password=PASSWORD)
        await browser.press("Make an account")
        await browser.shows("signed in")
        added = await page.evaluate(_ADD_PASSKEY)
        assert added == "MeansAdded"
        await browser.press("Sign out")

        await page.goto(f"{here}/sign-in?next=/address")
        await browser.press("Use a passkey")
        await page.wait_for_url(f"{here}/address")
        await browser.shows(f"signed in as {browser.address}")

        home.house.clock.forward(seconds=600)
        await page.goto(f"{here}/fresh?next=/address")
        await browser.press("Use a passkey")
        await page.wait_for_url(f"{here}/address")
        assert browser.complaints == []

        # An authenticator that has none: one sentence, and the button again.
        await page.goto(f"{here}/sign-in")
        await browser.press("Sign out")
        await devtools.send("WebAuthn.disable")
        await page.evaluate(
            "() => { navigator.credentials.get = async () => { throw new DOMException('no') } }"
        )
        await browser.press("Use a passkey")
        await page.locator("[role=alert]", has_text="No passkey was used").wait_for()
        assert await page.is_enabled("text=Use a passkey")


_ADD_PASSKEY: Final = """async () => {
  const tell = async (query, input) => {
    const answer = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", "keysteward-csrf": "1" },
      body: JSON.stringify({ query, variables: { input } }),
    });
    return (await answer.json()).data;
  };
  const { beginPasskey } = await tell(
    `mutation($input: PasskeyRequestInput!) {
       beginPasskey(input: $input) { ... on PasskeyBegun { options ticket } } }`,
    { intent: "LINK" });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(beginPasskey.options);
  const made = await navigator.credentials.create({ publicKey });
  const { addPasskey } = await tell(
    `mutation($input: AddPasskeyInput!) { addPasskey(input: $input) { __typename } }`,
    { ticket: beginPasskey.ticket, answer: made.toJSON(), name: "this one" });
  return addPasskey.__typename;
}"""


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_the_way_to_github_and_back_is_open_under_the_policy(
    home: Home, *, scripts: bool
) -> None:
    """Chromium holds each redirect after a form to `form-action`, the one at GitHub too."""
    async with watching(home, scripts=scripts) as browser:
        await browser.go("/sign-in?next=/address")
        await browser.press("Continue with GitHub")
        await browser.shows("signed in as ada@example.com")
        assert browser.page.url == f"{browser.url}/address"
        assert browser.complaints == []

        await browser.go("/sign-in")
        await browser.press("Sign out")
        somebody, home.far.user["id"] = home.far.user["id"], 0  # nobody
        await browser.press("Continue with GitHub")
        await browser.page.locator("[role=alert]").wait_for()
        home.far.user["id"] = somebody
        if scripts:  # what came back stands in the address no longer
            await browser.page.wait_for_url(f"{browser.url}/auth/github/callback")


async def test_every_page_fits_every_screen_and_axe_finds_nothing(home: Home) -> None:
    """At 320 px, which is 1280 px at 400 %, nothing scrolls sideways: WCAG 2.2, 1.4.10."""
    narrow, wide = {"width": 320, "height": 640}, {"width": 1600, "height": 1000}
    home.house.config.proofs_file.write_text(_PROOFS)
    async with watching(home, timezone_id="Asia/Kolkata", locale="en-GB") as browser:
        page = browser.page

        async def fits(name: str) -> None:
            await page.emulate_media(color_scheme="light")
            await page.set_viewport_size(narrow)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320, name
            assert await page.evaluate(_TOO_SMALL) == 0, name
            assert await axe(page) == [], name
            count = await page.evaluate(f"{_REACHABLE}.length")
            await page.evaluate(f"{_REACHABLE}[0].focus()")
            for nth in range(1, count):
                await page.keyboard.press("Tab")
                assert await page.evaluate(_REACHED) == [nth, "solid"], name
            await page.emulate_media(color_scheme="dark")
            await page.set_viewport_size(wide)
            assert await axe(page, rules=CONTRAST) == [], name
            assert await page.evaluate("document.documentElement.scrollWidth") <= 1600, name

        async def all_fit(*paths: str) -> None:
            for path in paths:
                await browser.go(path)
                await fits(path)

        await all_fit("/sign-in", "/sign-up", "/reset", "/reset/new", "/verify", "/release")
        await all_fit("/security")
        await browser.shows("26 Nov 2026, 14:30, keysteward 0.1.0")
        await all_fit("/address", "/code")

        await browser.type(number="0151")  # no number that can be called from everywhere
        await browser.press("Send me a code")
        await fits("a field that is wrong")
        await browser.type(number=number())
        await browser.press("Send me a code")
        await browser.shows("Code")
        await fits("/code/show")

        someone = await home.house.person()
        await second_factor(home.house, someone)
        await browser.go("/sign-in")
        await browser.type(address=someone.address, password=PASSWORD)
        await browser.press("Sign in")
        await browser.shows("app")
        await fits("/second-factor")
        await browser.go("/sign-up")
        await browser.type(address=browser.address, password=PASSWORD)
        await browser.press("Make an account")
        await browser.shows("signed in")
        await all_fit("/sign-in", "/fresh", "/verify", "/address")
        await browser.go("/verify")
        await browser.type(ticket="kso_gone")
        await browser.press("Verify my address")
        await fits("a link that is gone")


_PROOFS: Final = json.dumps(
    {
        "format": 1,
        "proofs": [
            {
                "promise": "P11",
                "check": f"one that has {outcome}",
                "outcome": outcome,
                "at": "2026-11-26T09:00:00Z",
                "version": "0.1.0",
            }
            for outcome in ("passed", "failed", "skipped")
        ],
    }
)
_REACHABLE: Final = """[...document.querySelectorAll("a, button, input, summary")].filter(
  (each) => each.checkVisibility() && !each.disabled && each.type !== "hidden")"""
# Where the focus is in the order of the text, and whether one sees it.
_REACHED: Final = f"""[{_REACHABLE}.indexOf(document.activeElement),
  getComputedStyle(document.activeElement).outlineStyle]"""
_TOO_SMALL: Final = """() =>
  [...document.querySelectorAll("button, input:not(.unseen), a.first, a.second, summary")]
    .filter((each) => each.checkVisibility())
    .map((each) => each.getBoundingClientRect())
    .filter(({ width, height }) => width < 24 || height < 24).length"""
