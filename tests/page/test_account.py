"""The account's page in a real Chromium: address, ways in, second factor, export and deletion."""

import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pyotp
import pytest
import pytest_asyncio

from store.clock import SECOND
from tests.kit import fake_github as github
from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER, Window, sideways, with_authenticator
from tests.kit.dashboard import XSS, become_stale, opened, show_again, visit
from tests.kit.fake_github import agreeing, fake_github
from tests.kit.fake_whatsapp import fake_whatsapp
from tests.kit.graphql_client import PASSWORD, House, Visitor, house
from tests.kit.inviting import invite_to
from tests.kit.ways_in import number, whatsapp_settings

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = ONE_BROWSER

ACCOUNT: Final = "/settings/account"
OTHER: Final = "CANARYanotherpasswordofletters"
LOOKS: Final[tuple[dict[str, Any], ...]] = (
    {"color_scheme": "light", "viewport": {"width": 1600, "height": 900}},
    {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}},
)
_numbers = itertools.count(1)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Give an installation that offers every way in, by invite."""
    async with fake_github() as far, fake_whatsapp() as codes:
        far.answers["/login/oauth/authorize"] = agreeing(far)
        settings = {
            "KEYSTEWARD_SIGN_UP": "invite",
            "KEYSTEWARD_GITHUB_CLIENT_ID": github.CLIENT,
            "KEYSTEWARD_GITHUB_CLIENT_SECRET": github.SECRET,
            "KEYSTEWARD_GITHUB_URL": far.url,
            "KEYSTEWARD_GITHUB_API_URL": far.url,
            **whatsapp_settings(codes),
        }
        far.user["login"] = XSS
        async with house(tmp_path_factory.mktemp("home"), settings) as opened:
            opened.whatsapp = codes
            yield opened


async def person(home: House) -> Visitor:
    """Give somebody who has just signed up by an invite."""
    someone = await home.visitor()
    someone.address = f"ada{next(_numbers)}@example.com"
    invite = await invite_to(home)
    answer = await someone.do(
        "signUp", address=someone.address, password=PASSWORD, invite=invite.rpartition("#")[2]
    )
    assert answer["__typename"] == "SignedIn", answer
    return someone


def row(page: "Page", way: str) -> "Locator":
    """Give the row of a way to sign in."""
    return page.get_by_role("row").filter(has=page.get_by_text(way, exact=True))


def content(file: Path) -> str:
    """Give what was saved."""
    return file.read_text(encoding="utf-8")


async def press(inside: "Page | Locator", name: str) -> None:
    """Press the button of that name."""
    await inside.get_by_role("button", name=name, exact=True).click()


async def fine(seen: Window) -> None:
    """Expect nothing to be wrong for axe, nor wider than the window."""
    assert await axe(seen.page) == []
    assert await sideways(seen.page) == 0


async def test_the_address_is_verified_by_a_link_that_can_be_sent_again(home: House) -> None:
    ada = await person(home)
    async with opened(home, ada, ACCOUNT) as seen:
        page = seen.page
        section = page.get_by_role("region", name="E-mail address")
        await section.get_by_text(ada.address).wait_for()
        await home.ticket(ada.address, "/verify")  # of the first letter: it is void from now on
        await press(section, "Send the link again")
        await section.get_by_text("A link is on its way to your address.").wait_for()
        await home.verify(ada)
        await visit(seen, home, ACCOUNT)
        await section.get_by_text("verified", exact=True).wait_for()
        assert await section.get_by_role("button", name="Send the link again").count() == 0

        await press(section, "Change the address")
        asking = page.get_by_role("dialog", name="Change the address")
        new = f"new-{ada.address}"
        await asking.get_by_label("New address").fill(new)
        assert await axe(page) == []
        await asking.get_by_label("New address").press("Enter")
        await asking.get_by_text("If this address is free, a link is on its way to it.").wait_for()
        await press(asking, "Done")
        answer = await ada.do("confirmAddress", ticket=await home.ticket(new, "/address"))
        assert answer["__typename"] == "AddressChanged"
        await page.wait_for_url("**/sign-in?next=*")  # it is told at once
        assert seen.complaints == []


@pytest.mark.parametrize("look", LOOKS, ids=["light", "dark"])
async def test_a_second_factor_is_set_up_and_what_is_shown_once_leaves_with_its_dialog(
    home: House, look: dict[str, Any]
) -> None:
    ada = await person(home)
    async with opened(home, ada, ACCOUNT, **look) as seen:
        page = seen.page
        await fine(seen)
        section = page.get_by_role("region", name="Second factor")
        await press(section, "Set it up")
        asking = page.get_by_role("dialog", name="Set up the second factor")
        await asking.get_by_role("img", name="QR code with the app's secret").wait_for()
        secret = (await asking.locator("code").inner_text()).replace(" ", "")
        await fine(seen)

        app = pyotp.TOTP(secret)
        code = asking.get_by_label("2. The code that the app shows")
        now = home.clock() // SECOND
        right = {app.at(now + 30 * step) for step in (-1, 0, 1)}
        await code.fill(next(each for each in ("000000", "111111") if each not in right))
        await code.press("Enter")
        await asking.get_by_role("alert").filter(has_text="Tries left:").wait_for()
        await code.fill(app.at(now))
        await code.press("Enter")

        shown = page.get_by_role("dialog", name="Recovery codes")
        await shown.get_by_role("list", name="Recovery codes").wait_for()
        codes = await shown.get_by_role("listitem").all_inner_texts()
        assert len(codes) == 10
        await fine(seen)
        async with page.expect_download() as saving:
            await press(shown, "Save as a file")
        saved = await saving.value
        assert saved.suggested_filename == "keysteward-recovery-codes.txt"
        assert content(await saved.path()).split() == codes
        assert secret not in await page.content()
        await press(shown, "I have kept them")
        await section.get_by_text("10 recovery codes left.").wait_for()
        assert codes[0] not in await page.content()

        await press(section, "New recovery codes")
        await shown.get_by_role("list", name="Recovery codes").wait_for()
        renewed = await shown.get_by_role("listitem").all_inner_texts()
        assert not set(renewed) & set(codes)
        await page.keyboard.press("Escape")
        await shown.wait_for(state="detached")

        become_stale(home)
        await press(section, "Switch it off")
        asking = page.get_by_role("dialog", name="Switch the second factor off")
        await press(asking, "Switch it off")
        again = page.get_by_role("dialog", name="Show again who you are")
        await again.get_by_label("Password").fill(PASSWORD)
        await press(again, "Go on")
        await again.get_by_label("Code of your app, or a recovery code").fill(renewed[0])
        await press(again, "Go on")
        await section.get_by_role("button", name="Set it up").wait_for()
        assert seen.complaints == []


async def test_a_passkey_is_added_where_it_works_and_taken_away(home: House) -> None:
    ada = await person(home)
    async with opened(home, ada, ACCOUNT) as seen:
        page = seen.page
        local = home.url.replace("127.0.0.1", "localhost")
        # By a number no passkey can be bound: the page says where it can.
        there = page.get_by_role("link", name=local)
        assert await there.get_attribute("href") == f"{local}/dashboard{ACCOUNT}"
        assert await page.get_by_role("button", name="Add a passkey").count() == 0

        cookies = ada.http.cookies.items()
        await seen.context.add_cookies(
            [{"name": name, "value": value, "url": local} for name, value in cookies]
        )
        await there.click()
        await press(page, "Add a passkey")
        asking = page.get_by_role("dialog", name="Add a passkey")
        name = asking.get_by_label("Name")
        assert "Chrome" in await name.input_value()
        await name.fill(XSS)
        assert await axe(page) == []
        devtools = await with_authenticator(page)  # which the end of axe's session would take away
        await name.press("Enter")
        await asking.wait_for(state="detached")
        await row(page, "Passkey").get_by_text(XSS, exact=True).wait_for()

        await press(page, "Add a passkey")  # that device has one already, and says so
        await press(asking, "Make it")
        await asking.get_by_role("alert").filter(has_text="holds a passkey of your").wait_for()
        await press(asking, "Close")

        become_stale(home)
        await row(page, "Passkey").get_by_role("button").click()
        removing = page.get_by_role("dialog", name=f"Remove Passkey “{XSS}”")
        await removing.get_by_label("End my other sessions as well").check()
        await press(removing, "Remove it")
        again = page.get_by_role("dialog", name="Show again who you are")
        await again.get_by_label("Password").wait_for()
        await press(again, "Use a passkey")
        await removing.wait_for(state="detached")
        await row(page, "Passkey").wait_for(state="detached")
        assert urlsplit(page.url).path == f"/dashboard{ACCOUNT}"
        assert seen.complaints == []
        await devtools.detach()


async def test_a_number_and_an_account_elsewhere_are_linked(home: House) -> None:
    ada = await person(home)
    assert home.whatsapp is not None
    async with opened(home, ada, ACCOUNT, **LOOKS[1]) as seen:
        page = seen.page
        to = number()
        await press(page, "Link WhatsApp")
        asking = page.get_by_role("dialog", name="Link WhatsApp")
        await asking.get_by_label("Telephone number").fill("12")
        await press(asking, "Send me a code")
        await asking.get_by_role("alert").wait_for()
        assert await axe(page) == []
        came = len(home.whatsapp.messages)
        await asking.get_by_label("Telephone number").fill(to)
        await press(asking, "Send me a code")
        sent = await home.whatsapp.received(came + 1)
        code = asking.get_by_label("Code", exact=True)
        await code.fill("000000" if sent.code != "000000" else "111111")
        await press(asking, "Link it")
        await asking.get_by_role("alert").filter(has_text="Tries left:").wait_for()
        assert await axe(page) == []
        await code.fill(sent.code)
        await press(asking, "Link it")
        await row(page, "WhatsApp").get_by_text(to).wait_for()

        await press(page, "Link GitHub")
        await row(page, "GitHub").get_by_text(XSS, exact=True).wait_for()
        await fine(seen)

        await row(page, "WhatsApp").get_by_role("button").click()
        await press(page.get_by_role("dialog", name=f"Remove WhatsApp “{to}”"), "Remove it")
        await row(page, "WhatsApp").wait_for(state="detached")
        assert seen.complaints == []


async def test_the_last_way_in_stays_and_the_page_says_why(home: House) -> None:
    to = number()
    ada = await home.visitor()
    assert home.whatsapp is not None
    came = len(home.whatsapp.messages)
    asked = await ada.do("requestCode", number=to, intent="SIGN_IN")
    sent = await home.whatsapp.received(came + 1)
    invite = (await invite_to(home)).rpartition("#")[2]
    shown = await ada.do("showCode", ticket=asked["ticket"], code=sent.code, invite=invite)
    assert shown["__typename"] == "SignedIn", shown
    async with opened(home, ada, ACCOUNT) as seen:
        page = seen.page
        await page.get_by_text("There is none yet.").wait_for()
        await row(page, "WhatsApp").get_by_role("button").click()
        removing = page.get_by_role("dialog", name=f"Remove WhatsApp “{to}”")
        await press(removing, "Remove it")
        await removing.get_by_role("alert").wait_for()
        await press(removing, "Keep it")

        await press(page, "Set a password")
        setting = page.get_by_role("dialog", name="Set a password")
        await setting.get_by_label("New password").fill(PASSWORD)
        await press(setting, "Set it")
        await row(page, "Password").wait_for()

        await press(page, "Delete the account")
        asking = page.get_by_role("dialog", name="Delete the account")
        await asking.get_by_label("Type delete my account to confirm").fill("delete my account")
        await press(asking, "Delete it")
        await page.wait_for_url("**/sign-in*")
        assert seen.complaints == []


async def test_a_password_is_changed_by_whoever_knows_the_present_one(home: House) -> None:
    ada = await person(home)
    other = await home.signed_in(ada)
    async with opened(home, ada, ACCOUNT) as seen:
        page = seen.page
        become_stale(home)
        await press(page, "Change the password")
        asking = page.get_by_role("dialog", name="Change the password")
        present, new = asking.get_by_label("Present password"), asking.get_by_label("New password")
        await present.fill("not the password")
        await new.fill(OTHER)
        assert await axe(page) == []
        await press(asking, "Change it")
        await show_again(seen)
        await asking.get_by_role("alert").wait_for()
        await present.fill(PASSWORD)
        await press(asking, "Change it")
        await asking.wait_for(state="detached")
        assert (await other.get("viewer")) is None
        answer = await other.do("signIn", address=ada.address, password=OTHER)
        assert answer["__typename"] == "SignedIn"
        assert urlsplit(page.url).path == f"/dashboard{ACCOUNT}"
        assert seen.complaints == []


async def test_an_invite_is_shown_once_and_what_is_kept_can_be_saved_and_deleted(
    home: House,
) -> None:
    ada = await person(home)
    await ada.tool(name=XSS)
    async with opened(home, ada, ACCOUNT) as seen:
        page = seen.page
        section = page.get_by_role("region", name="Invites")
        await press(section, "Make an invite")
        await section.get_by_role("alert").wait_for()  # an address that is not verified vouches not
        await home.verify(ada)
        await press(section, "Make an invite")
        shown = page.get_by_role("dialog", name="An invite")
        link = await shown.locator("code").inner_text()
        assert link.startswith(f"{home.config.url}/sign-up#")
        assert await axe(page) == []
        await press(shown, "Done")
        assert link not in await page.content()

        async with page.expect_download() as saving:
            await press(page, "Download it")
        saved = await saving.value
        assert saved.suggested_filename.startswith("keysteward-account-")
        kept = json.loads(content(await saved.path()))
        assert [tool["name"] for tool in kept["tools"]] == [XSS]
        assert kept["account"]["address"] == ada.address

        await press(page, "Delete the account")
        asking = page.get_by_role("dialog", name="Delete the account")
        field = asking.get_by_label(f"Type {ada.address} to confirm")
        await field.fill("somebody@example.com")
        assert await asking.get_by_role("button", name="Delete it").is_disabled()
        await field.fill(ada.address)
        assert await axe(page) == []
        await press(asking, "Delete it")
        await page.wait_for_url("**/sign-in*")
        assert (await ada.get("viewer")) is None
        assert seen.complaints == []
