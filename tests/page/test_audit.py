"""The audit trail's page in a real Chromium: shown, searched, and loud where it was altered."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import audit
from audit import Act
from keysteward.page import dashboard_page
from store import Owner, Tx
from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER
from tests.kit.dashboard import XSS, opened, visit
from tests.kit.graphql_client import House, Visitor, house

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = ONE_BROWSER

AUDIT: Final = "/settings/audit"
LONG: Final = 120
"""More than two pages of the list."""


def rows(page: "Page") -> "Locator":
    """Give the rows of entries."""
    return page.locator("tbody").get_by_role("row")


async def lengthen(home: House, someone: Visitor, act: Act, subject: str, *, by: int = 1) -> None:
    """Write entries, as the parts do that act."""
    services, owner = home.services, Owner((await someone.get("viewer"))["id"])

    def unit(tx: Tx) -> None:
        for _ in range(by):
            audit.record(tx, services.signer, owner, act, at=home.clock(), subject=subject)

    await services.store.write(unit)


async def test_the_page_has_words_for_every_act() -> None:
    file = Path(dashboard_page.__file__).parent / "dashboard" / "pages" / "audit.js"
    known = re.findall(r'^  ([A-Z_]+): "[^"]+",$', file.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(known) == sorted(Act)


async def test_the_trail_is_shown_page_by_page_and_searched(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        await lengthen(home, ada, Act.KEY_REVEALED, "key_one", by=LONG)
        await lengthen(home, ada, Act.MEANS_ADDED, XSS)
        narrow = {"width": 360, "height": 740}
        async with opened(
            home, ada, AUDIT, color_scheme="dark", viewport=narrow, permissions=["clipboard-write"]
        ) as seen:
            page = seen.page
            await rows(page).first.get_by_text("Way to sign in added", exact=True).wait_for()
            await rows(page).first.get_by_text(XSS, exact=True).wait_for()
            assert await rows(page).count() == 50
            assert await axe(page) == []
            more = page.get_by_role("button", name="Show more")
            await more.click()
            await rows(page).nth(99).wait_for()

            # What is new stands before what was looked at, and nothing of that is lost.
            key = await ada.key(label="mortal")
            await ada.do("removeKey", id=key["id"])
            await rows(page).first.get_by_text("Key removed", exact=True).wait_for()
            assert await rows(page).count() == 102
            await more.click()
            await more.wait_for(state="detached")
            assert await rows(page).count() == LONG + 5
            await rows(page).last.get_by_text("Account made", exact=True).wait_for()
            digests = await page.locator("td code[title]").evaluate_all(
                "(all) => all.map(e => e.title)"
            )
            trail = [entry["digest"] for entry in (await ada.get("auditLog", first=100))["nodes"]]
            assert digests[:100] == trail
            assert len(set(digests)) == len(digests)

            field = page.get_by_label("An act or a reference")
            await field.fill("key removed")
            await field.press("Enter")
            await rows(page).nth(1).wait_for(state="detached")
            await rows(page).get_by_text(key["id"], exact=True).wait_for()
            assert page.url.endswith("?search=KEY_REMOVED")
            for typed, looked_for in (
                ("way to sign in", "MEANS_"),
                ("removed", "removed"),
                ("Key remov", "KEY_REMOVED"),
            ):
                await field.fill(typed)
                await field.press("Enter")
                await page.wait_for_url(f"**?search={looked_for}")
            await page.get_by_role("button", name="Copy: Key removed").click()
            await page.get_by_role("button", name="Copied: Key removed").wait_for()

            await field.fill(f"no such {XSS}")
            await field.press("Enter")
            await page.get_by_text(f"has “no such {XSS}” in it").wait_for()
            assert await axe(page) == []
            await page.get_by_role("button", name="Show all").click()
            await rows(page).nth(49).wait_for()
            assert urlless(page.url) == AUDIT
            assert await page.evaluate("document.images.length") == 1  # the shell's own
            assert seen.complaints == []


async def reads(field: "Locator", text: str) -> None:
    """Wait until a field holds a text."""
    one = await field.element_handle()
    await field.page.wait_for_function("([of, text]) => of.value === text", arg=[one, text])


async def test_what_is_looked_for_stands_in_the_address_and_goes_with_it(home: House) -> None:
    ada = await home.person()
    async with opened(home, ada, f"{AUDIT}?search=nothing") as seen:
        page = seen.page
        field = page.get_by_label("An act or a reference")
        await page.get_by_text("has “nothing” in it").wait_for()
        await field.fill("no such act")
        await field.press("Enter")
        await page.get_by_text("has “no such act” in it").wait_for()
        assert await field.evaluate("field => field === document.activeElement")
        await page.go_back()
        await page.get_by_text("has “nothing” in it").wait_for()
        await reads(field, "nothing")
        await page.get_by_role("link", name="Audit trail").click()
        await rows(page).first.wait_for()
        await reads(field, "")
        assert urlless(page.url) == AUDIT
        assert seen.complaints == []


def urlless(url: str) -> str:
    """Give what of an address stands behind /dashboard."""
    return url.partition("/dashboard")[2]


async def test_a_trail_that_was_altered_is_said_loudly_and_not_shown(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        await lengthen(home, ada, Act.KEY_REVEALED, "key_one", by=60)
        async with opened(home, ada, AUDIT) as seen:
            page = seen.page
            await rows(page).nth(49).wait_for()
            home.rows("UPDATE audit SET subject = 'key_two' WHERE seq = 7")
            await page.get_by_role("button", name="Show more").click()
            alert = page.get_by_role("alert")
            await alert.get_by_text("The audit trail was altered", exact=True).wait_for()
            await alert.get_by_text("was altered at entry 7.").wait_for()
            assert await rows(page).count() == 0
            await visit(seen, home, AUDIT)
            await alert.get_by_text("was altered at entry 7.").wait_for()
            assert await axe(page) == []
            home.rows("UPDATE audit SET subject = 'key_one' WHERE seq = 7")
            await page.get_by_role("button", name="Look again").click()
            await rows(page).nth(49).wait_for()
            assert seen.complaints == []
