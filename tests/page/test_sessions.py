"""The page of sessions in a real Chromium: which browsers are signed in, and ending them."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from store.clock import SECOND
from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER, window
from tests.kit.dashboard import XSS, become_stale, let_in, opened, show_again, visit
from tests.kit.graphql_client import House, house

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = ONE_BROWSER

SESSIONS: Final = "/settings/sessions"
FIREFOX: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
# From each maker's own pages on its User-Agent.
DEVICES: Final = {
    FIREFOX: "Firefox 140 on Windows",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "
    "Safari/537.36": "Chrome 141 on Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36 Edg/141.0.3537.57": "Edge 141 on Windows",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/26.0 Mobile/15E148 Safari/604.1": "Safari 26 on iPhone",
    "Mozilla/5.0 (Linux; Android 16; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0": (
        "Firefox 140 on Android"
    ),
    "curl/8.14.1": "curl",
    XSS: "An unknown browser",
    "": "An unknown browser",
}


def row(page: "Page", words: str) -> "Locator":
    """Give the row of the browser that says this of itself."""
    return page.get_by_role("row").filter(has=page.get_by_text(words, exact=True))


async def test_sessions_are_shown_by_browser_and_ended_one_by_one_or_all(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        firefox = await home.signed_in(ada, **{"user-agent": FIREFOX})
        others = [await home.signed_in(ada, **{"user-agent": XSS}) for _ in range(2)]
        narrow = {"width": 360, "height": 740}
        async with opened(home, ada, SESSIONS, color_scheme="dark", viewport=narrow) as seen:
            page = seen.page
            await row(page, "Firefox 140 on Windows").get_by_text(FIREFOX).wait_for()
            assert await row(page, XSS).get_by_text("An unknown browser", exact=True).count() == 2
            mine = page.get_by_role("row").filter(has=page.get_by_text("this one", exact=True))
            assert await mine.count() == 1
            assert await mine.get_by_role("button").count() == 0
            assert await axe(page) == []

            await row(page, FIREFOX).get_by_role("button").click()
            await row(page, FIREFOX).wait_for(state="detached")
            assert await firefox.get("viewer") is None
            assert await others[0].get("viewer") is not None

            become_stale(home)
            await page.get_by_role("button", name="End all others").click()
            asking = page.get_by_role("dialog", name="End all others")
            await asking.get_by_text("2 other sessions end").wait_for()
            assert await axe(page) == []
            await asking.get_by_role("button", name="End them").click()
            await show_again(seen)
            await asking.wait_for(state="detached")
            await page.get_by_text("You are signed in here alone.").wait_for()
            assert [await each.get("viewer") for each in others] == [None, None]
            assert await page.get_by_role("button", name="End all others").count() == 0
            assert seen.complaints == []


async def test_a_browsers_own_words_are_read_as_a_person_would_say_them(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        async with opened(home, ada, SESSIONS) as seen:
            script = """async (all) => {
              const { deviceOf } = await import("/dashboard/assets/core/device.js");
              return all.map(deviceOf);
            }"""
            said = await seen.page.evaluate(script, list(DEVICES))
            assert dict(zip(DEVICES, said, strict=True)) == DEVICES


async def test_how_long_ago_it_was_goes_on_while_one_looks(home: House) -> None:
    ada = await home.person()
    async with window() as seen:
        page = seen.page
        await page.clock.install(time=datetime.fromtimestamp(home.clock.now / SECOND, UTC))
        await let_in(seen, home, ada)
        await visit(seen, home, SESSIONS)
        # Less than the silence after which the page would take itself for lost, and ask anew.
        await page.clock.fast_forward(8_000)
        await page.get_by_text(re.compile(r"^(8|9|10|11) seconds ago$")).first.wait_for()
