"""The pages through which people get in, in a real Chromium: with scripts and without."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from accounts.other_side import Begun
from tests.kit import fake_github as github
from tests.kit.fake_github import FakeGitHub, fake_github
from tests.kit.graphql_client import PASSWORD, House, house
from tests.kit.inviting import invite_to
from tests.kit.loopback_http import Asked
from tests.kit.mailbox import Mailbox, links_in, mailbox

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES: Final = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OTHER: Final = "CANARYanotherpasswordofletters"
ADDRESS: Final = "ada@example.com"
_REFUSED: Final = "Failed to load resource: the server responded with a status of"


@dataclass
class Watched:
    """One page of a real browser, and everything that it asked for or complained of."""

    home: House
    box: Mailbox
    page: Any
    scripts: bool
    addresses: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        await self.page.goto(f"{self.home.url}{path}")

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
        while True:
            message = await self.box.next()
            if subject in str(message["subject"]):
                return links_in(message)


@asynccontextmanager
async def watching(
    folder: Path, *, scripts: bool = True, **settings: str
) -> AsyncIterator[Watched]:
    """Open an installation and a browser at it, or skip."""
    playwright = pytest.importorskip(
        "playwright.async_api",
        reason="the page's test drives a browser with playwright: not installed",
    )
    if CHROMIUM is None:
        pytest.skip("the page's test needs Chromium: `apt-get install chromium`")
    async with mailbox() as box, playwright.async_playwright() as driver:
        environment = {"KEYSTEWARD_SMTP": box.url, "KEYSTEWARD_GRAPHIQL": "off", **settings}
        async with house(folder, environment) as home:
            browser = await driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
            context = await browser.new_context(java_script_enabled=scripts)
            context.set_default_timeout(10_000)
            watched = Watched(home, box, await context.new_page(), scripts)
            context.on("request", lambda request: watched.addresses.append(request.url))
            watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
            watched.page.on("console", lambda said: watched.complaints.append(said.text))
            yield watched
            await browser.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_somebody_signs_up_verifies_forgets_and_comes_back(
    tmp_path: Path, *, scripts: bool
) -> None:
    async with watching(tmp_path, scripts=scripts) as browser:
        page = browser.page

        await browser.go("/")
        assert urlsplit(page.url).path == "/sign-in"
        await browser.press("Make an account")
        await browser.type(address=ADDRESS, password=PASSWORD)
        await browser.press("Make an account")
        await browser.shows(f"signed in as {ADDRESS}")

        verify, _ = await browser.mailed("Verify")
        await browser.open_mailed(verify)
        await browser.press("Verify my address")
        await browser.shows("Mail to your address reaches you.")
        await browser.press("Go on")
        await browser.press("Sign out")
        await browser.shows("New here?")

        await browser.press("Forgot your password?")
        await browser.type(address=ADDRESS)
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

        await browser.type(address=ADDRESS, password=PASSWORD)
        await browser.press("Sign in")
        await browser.shows("Address or password is wrong.")
        assert await page.input_value("[name=address]") == ADDRESS
        assert await page.input_value("[name=password]") == ""
        assert await page.evaluate("document.activeElement.name") == "password"
        await browser.type(password=OTHER)
        await browser.press("Sign in")
        await browser.shows(f"signed in as {ADDRESS}")

        assert [each for each in browser.complaints if not each.startswith(_REFUSED)] == []
        here = urlsplit(browser.home.url).netloc
        assert {urlsplit(url).netloc for url in browser.addresses} == {here}
        assert "#" not in page.url


async def test_an_invite_comes_into_the_form_and_stays_in_no_address(tmp_path: Path) -> None:
    async with watching(tmp_path, KEYSTEWARD_SIGN_UP="invite") as browser:
        invite = await invite_to(browser.home)
        await browser.open_mailed(f"{browser.home.url}/sign-up?next=/address#{invite}")
        assert await browser.page.input_value("[name=ticket]") == invite
        await browser.type(address=ADDRESS, password="password")
        await browser.press("Make an account")
        await browser.shows("tried first")
        await browser.page.locator("[name=ticket]").wait_for(state="hidden")
        assert browser.page.url == f"{browser.home.url}/sign-up"
        await browser.type(password=PASSWORD)
        await browser.press("Make an account")
        await browser.shows(f"signed in as {ADDRESS}")
        assert invite not in browser.page.url
        assert not any(invite in url.partition("#")[0] for url in browser.addresses)


async def test_a_password_can_be_shown_and_is_hidden_again_when_it_is_sent(tmp_path: Path) -> None:
    async with watching(tmp_path) as browser:
        await browser.go("/sign-in")
        await browser.type(address=ADDRESS, password=PASSWORD)
        assert await browser.page.get_attribute("#password", "type") == "password"
        await browser.page.click("button.show")
        assert await browser.page.get_attribute("#password", "type") == "text"
        assert await browser.page.get_attribute("button.show", "aria-label") == "Hide: Password"
        await browser.page.evaluate(
            "document.forms[0].addEventListener('submit', (e) => e.preventDefault())"
        )
        await browser.press("Sign in")
        assert await browser.page.get_attribute("#password", "type") == "password"


async def test_a_passkey_signs_in_and_makes_a_login_fresh(tmp_path: Path) -> None:
    async with watching(tmp_path) as browser:
        page, port = browser.page, urlsplit(browser.home.url).port
        await browser.go("/sign-in")  # by an address a passkey is bound to no name
        assert not await page.is_visible("text=Use a passkey")
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        await devtools.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        here = f"http://localhost:{port}"
        await page.goto(f"{here}/sign-up")
        await browser.type(address=ADDRESS, password=PASSWORD)
        await browser.press("Make an account")
        await browser.shows("signed in")
        added = await page.evaluate(_ADD_PASSKEY)
        assert added == "MeansAdded"
        await browser.press("Sign out")

        await page.goto(f"{here}/sign-in?next=/address")
        await browser.press("Use a passkey")
        await page.wait_for_url(f"{here}/address")
        await browser.shows(f"signed in as {ADDRESS}")

        browser.home.clock.forward(seconds=600)
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
    tmp_path: Path, *, scripts: bool
) -> None:
    """Chromium holds each redirect after a form to `form-action`, the one at GitHub too."""
    async with fake_github() as far:
        far.answers["/login/oauth/authorize"] = agreeing(far)
        settings = {
            "KEYSTEWARD_GITHUB_CLIENT_ID": github.CLIENT,
            "KEYSTEWARD_GITHUB_CLIENT_SECRET": github.SECRET,
            "KEYSTEWARD_GITHUB_URL": far.url,
            "KEYSTEWARD_GITHUB_API_URL": far.url,
        }
        async with watching(tmp_path, scripts=scripts, **settings) as browser:
            await browser.go("/sign-in?next=/address")
            await browser.press("Continue with GitHub")
            await browser.shows(f"signed in as {ADDRESS}")
            assert browser.page.url == f"{browser.home.url}/address"
            assert browser.complaints == []

            far.user["id"] = 0  # nobody
            await browser.go("/sign-in")
            await browser.press("Sign out")
            await browser.press("Continue with GitHub")
            await browser.page.locator("[role=alert]").wait_for()
            if scripts:  # what came back stands in the address no longer
                assert browser.page.url.endswith("/auth/github/callback")


def agreeing(far: FakeGitHub) -> Any:
    """Be GitHub's page, and somebody who agrees there."""

    async def answer(asked: Asked) -> bytes:
        begun = Begun(f"{far.url}{asked.target}", {})
        query = "&".join(f"{name}={value}" for name, value in far.comes_back(begun).items())
        where = f"{asked.query['redirect_uri']}?{query}"
        return f"HTTP/1.1 302 Found\r\nlocation: {where}\r\ncontent-length: 0\r\n\r\n".encode()

    return answer


async def test_every_page_fits_a_narrow_screen_and_is_reached_by_keys(tmp_path: Path) -> None:
    async with watching(tmp_path) as browser:
        page = browser.page
        await page.set_viewport_size({"width": 320, "height": 640})

        async def fits(path: str) -> None:
            await browser.go(path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320, path
            small = await page.evaluate(_TOO_SMALL)
            assert small == 0, path
            await page.keyboard.press("Tab")
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid", path

        for path in ("/sign-in", "/sign-up", "/reset", "/reset/new", "/verify", "/release"):
            await fits(path)
        await browser.go("/sign-up")
        await browser.type(address=ADDRESS, password=PASSWORD)
        await browser.press("Make an account")
        await browser.shows("signed in")
        for path in ("/sign-in", "/fresh", "/verify", "/address"):
            await fits(path)


_TOO_SMALL: Final = """() =>
  [...document.querySelectorAll("button, input:not(.unseen), a.first, a.second, summary")]
    .filter((each) => each.checkVisibility())
    .map((each) => each.getBoundingClientRect())
    .filter(({ width, height }) => width < 24 || height < 24).length"""
