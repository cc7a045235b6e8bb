"""Revoke everything in a real Chromium: one typed confirmation, and the count of who has heard."""

import asyncio
from pathlib import Path
from typing import Final

from keysteward.demo.fake_provider import Gate
from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER, sideways
from tests.kit.dashboard import XSS, become_stale, opened, show_again, visit
from tests.kit.graphql_client import Socket, Visitor, house

pytestmark = ONE_BROWSER

PANIC: Final = "/settings/panic"
STREAM: Final = {
    "model": "gpt-4o-mini",
    "stream": True,
    "messages": [{"role": "user", "content": "Who?"}],
}


async def awake(someone: Visitor) -> None:
    """Wait until a tool of theirs is known to listen."""
    async with asyncio.timeout(30):
        while not any(tool["listeners"] for tool in await someone.get("tools")):
            pass


async def end(listener: Socket) -> int | None:
    """Hear what a tool is told until its connection is closed; give the code."""
    while (await listener.event("KeyRevoked"))["reason"] != "TOOL_REVOKED":
        pass
    return (await listener.closed())[0]


async def test_everything_is_revoked_and_the_page_counts_until_all_have_heard(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        for provider, label in (("openai", "one"), ("openai", "two"), ("stripe", "three")):
            await ada.key(provider, label=label)
        _, token = await ada.tool(name=XSS)
        await ada.tool(name="asleep")
        gate = home.provider.gate = Gate(after=2)
        tool = (await home.visitor(token=token)).http
        running = asyncio.ensure_future(tool.post("/via/openai/v1/chat/completions", json=STREAM))
        await gate.reached(1)
        other = await home.signed_in(ada)
        become_stale(home)
        narrow = {"width": 360, "height": 740}
        async with (
            home.listening(token, "one") as listener,
            opened(home, ada, PANIC, color_scheme="dark", viewport=narrow) as seen,
        ):
            page = seen.page
            # To a clock that leapt the server's process looks silent until its next sign of life.
            await awake(ada)
            await visit(seen, home, PANIC)
            await page.get_by_text(
                "Now: 3 keys at 2 providers, 2 tools, 1 of them running."
            ).wait_for()
            assert await axe(page) == []
            await page.get_by_role("button", name="Revoke everything", exact=True).click()
            asking = page.get_by_role("dialog", name="Revoke everything")
            button = asking.get_by_role("button", name="Revoke everything")
            field = asking.get_by_label("Type revoke everything to confirm")
            await field.fill("revoke everythin")
            assert await button.is_disabled()
            await field.fill("revoke everything")
            assert await axe(page) == []
            await button.click()
            await show_again(seen)

            what = "3 keys and 2 tools revoked · final · 1 call cut · "
            await page.get_by_text(f"{what}heard by 1 of 1 running tool").wait_for()
            found = page.get_by_role("heading", name="Everything is revoked, everywhere")
            await found.wait_for()
            assert await found.evaluate("(element) => element === document.activeElement")
            assert await end(listener) == 4401
            await running
            assert await page.get_by_role("listitem").filter(has_text=XSS).count() == 1
            for words in ("OpenAI: 2 keys", "Stripe: 1 key"):
                await page.get_by_text(words, exact=True).wait_for()
            await page.get_by_text("Now: 0 keys, 0 tools.").wait_for()
            assert await axe(page) == []
            assert await sideways(page) == 0
            assert await other.get("viewer") is None

            await page.reload()  # the page finds it again
            await page.get_by_text(f"{what}no tool is connected any more").wait_for()

            await page.get_by_role("button", name="Revoke everything", exact=True).click()
            await field.fill("revoke everything")
            await field.press("Enter")
            await page.get_by_text("There was no key and no tool.").wait_for()
            assert seen.complaints == []
            gate.release()
