"""The page Calls in a real Chromium: live, narrowed by the address, further down, and in detail."""

import asyncio
from typing import TYPE_CHECKING, Final

from keysteward.demo.fake_provider import Gate
from tests.kit import spending
from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER
from tests.kit.dashboard import XSS, opened, visit
from tests.kit.graphql_client import House
from tests.kit.spending import chat, price

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = ONE_BROWSER

CALLS: Final = "/calls"


def rows(page: "Page") -> "Locator":
    """Give the lines of the list, its head left out."""
    return page.get_by_role("row").filter(has=page.get_by_role("cell"))


async def counted(page: "Page", many: int) -> None:
    """Wait until the list has so many lines."""
    await rows(page).nth(many - 1).wait_for()
    assert await rows(page).count() == many


async def test_a_running_call_is_shown_as_it_runs_and_as_it_ends(home: House) -> None:
    ada = await home.person()
    await ada.key(label=XSS)
    await price(ada)
    await spending.ceiling(ada)
    _, token = await ada.tool(name=XSS)
    async with opened(home, ada, CALLS) as seen:
        page = seen.page
        await page.get_by_role("heading", name="No call yet").wait_for()
        assert await axe(page) == []
        gate = home.provider.gate = Gate(after=0)
        calling = asyncio.create_task(chat(home, token))
        try:
            await gate.reached()
            line = rows(page).first
            await line.get_by_text("running").wait_for()
            assert "at most $0.10" in await line.inner_text()
            assert await axe(page) == []
        finally:
            home.provider.gate = None
            gate.release()
            await calling
        await line.get_by_text("answered 200").wait_for()
        text = await line.inner_text()
        for part in ("OpenAI", "gpt-5 · chat", "$0.10", "by your price"):
            assert part in text
        assert text.count(XSS) == 2  # the tool's name, and the key's label
        assert await axe(page) == []
        assert seen.complaints == []


async def test_a_call_is_told_of_in_detail_with_its_reference_to_copy(home: House) -> None:
    ada = await home.person()
    reference = await spending.disputed(home, ada)
    async with opened(home, ada, CALLS, viewport={"width": 360, "height": 800}) as seen:
        page = seen.page
        await seen.context.grant_permissions(["clipboard-write"])
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        await rows(page).first.get_by_text("disputed").wait_for()
        await page.get_by_role("button", name=f"Details of {reference}").click()
        told = page.get_by_role("dialog", name="A call")
        text = await told.inner_text()
        for part in (
            reference,
            "gpt-5 (OpenAI)",
            "a tool",
            "answered 500",
            "The most that it could be",
            "It counts in full until you say what it did cost.",
        ):
            assert part in text
        assert await axe(page) == []
        await told.get_by_role("button", name="Copy the reference").click()
        await told.get_by_role("button", name="Copied").wait_for()
        await page.keyboard.press("Escape")
        await told.wait_for(state="detached")
        assert seen.complaints == []


async def test_the_list_is_narrowed_by_the_address_and_the_address_by_the_list(
    home: House,
) -> None:
    ada = await home.person()
    for provider in ("openai", "anthropic"):
        await ada.key(provider, label="production")
    await price(ada)
    one, writer = await ada.tool(name="writer")
    gone, reader = await ada.tool(name=XSS)
    for token, model in ((writer, "gpt-5"), (writer, "gpt-4.1"), (reader, "gpt-5")):
        await chat(home, token, model)
    await spending.calls(ada)
    await ada.do("revokeTool", id=gone["id"])
    home.rows("UPDATE calls SET model = ? WHERE tool = ?", XSS, gone["id"])
    async with opened(home, ada, f"{CALLS}?tool={one['id']}") as seen:
        page = seen.page
        await counted(page, 2)
        assert await page.get_by_label("Tool", exact=True).input_value() == f"={one['id']}"
        await page.get_by_label("Model", exact=True).select_option("OpenAI gpt-4.1")
        await page.get_by_role("button", name="Model: OpenAI gpt-4.1, take away").wait_for()
        await rows(page).nth(1).wait_for(state="detached")
        await counted(page, 1)
        assert page.url.endswith(f"?tool={one['id']}&model=gpt-4.1")
        assert await axe(page) == []
        await page.get_by_role("button", name="Tool: writer, take away").click()
        await page.get_by_role("button", name="Model: OpenAI gpt-4.1, take away").click()
        await counted(page, 3)
        assert page.url.endswith(CALLS)

        # A tool that is revoked has its name here, and what it did is told of as before.
        await page.get_by_label("Tool", exact=True).select_option(XSS)
        await page.get_by_role("button", name=f"Tool: {XSS}, take away").wait_for()
        await rows(page).nth(1).wait_for(state="detached")
        await rows(page).get_by_text(f"{XSS} · chat").wait_for()
        await counted(page, 1)
        await page.go_back()
        await counted(page, 3)
        models = await page.get_by_label("Model", exact=True).locator("option").all_inner_texts()
        assert models == ["any", "OpenAI gpt-4.1", "OpenAI gpt-5"]

        # Days are UTC's, and the last of them is in it: so the address says its end.
        day = home.clock.now // 10**6 // 86400
        today = await page.evaluate("day => new Date(day * 864e5).toISOString().slice(0, 10)", day)
        after = await page.evaluate(
            "day => new Date(day * 864e5).toISOString().slice(0, 10)", day + 1
        )
        entries = await page.evaluate("history.length")
        await page.get_by_label("To (in UTC)").fill(today)
        await page.wait_for_url(f"**{CALLS}?to={after}T00%3A00%3A00Z")
        await counted(page, 3)
        await page.get_by_label("From (in UTC)").fill(after)
        await page.get_by_role("heading", name="No such call").wait_for()
        # Typing a date says each digit of it as a change: none is a place to go back to.
        assert await page.evaluate("history.length") == entries
        assert await axe(page) == []
        await page.get_by_role("button", name="Show all calls").click()
        await counted(page, 3)
        await visit(seen, home, f"{CALLS}?provider=anthropic&from=nonsense&to=&model=")
        await page.get_by_role("heading", name="No such call").wait_for()
        assert await page.get_by_role("button", name="Model: no model, take away").count() == 1
        assert seen.complaints == []


async def test_more_is_shown_by_its_cursor_and_new_calls_come_in_above_it(home: House) -> None:
    ada = await home.person()
    await ada.key()
    tool, token = await ada.tool()
    await chat(home, token)
    await spending.calls(ada)
    # 119 older ones, as if they had been made.
    home.rows(
        "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 128)"
        " INSERT INTO calls (id, account, tool, key, version, provider, worker, operation, model,"
        " bound, started_at, outcome, status, bytes_in, bytes_out, duration)"
        " SELECT 'call_00000000000000000000000' || printf('%03d', i), account, tool, key, version,"
        " provider, worker, operation, 'model-' || i, bound, started_at, outcome, status, bytes_in,"
        " bytes_out, duration FROM n, calls WHERE tool = ?",
        tool["id"],
    )
    async with opened(home, ada, CALLS) as seen:
        page = seen.page
        await counted(page, 50)
        for many in (100, 120):
            await page.get_by_role("button", name="Show more").click()
            await counted(page, many)
        assert await page.get_by_role("button", name="Show more").count() == 0
        await chat(home, token, "gpt-4.1")
        await rows(page).first.get_by_text("gpt-4.1").wait_for()
        await counted(page, 121)
        assert len(set(await page.get_by_role("button", name="Details of").all_inner_texts())) == 1
        names = await page.get_by_role("button", name="Details of").evaluate_all(
            "all => new Set(all.map((each) => each.ariaLabel)).size"
        )
        assert names == 121

        # What is looked at stays, though the list has gone on beyond it.
        await visit(seen, home, CALLS)
        await counted(page, 50)
        last = await rows(page).last.get_by_role("button").get_attribute("aria-label")
        await rows(page).last.get_by_role("button", name="Details of").click()
        await chat(home, token, "gpt-4.1-mini")
        await page.evaluate("dispatchEvent(new Event('focus'))")
        await rows(page).first.get_by_text("gpt-4.1-mini").wait_for()
        assert await page.locator(f'[aria-label="{last}"]').count() == 0
        told = page.get_by_role("dialog", name="A call")
        assert str(last).removeprefix("Details of ") in await told.inner_text()
        await page.keyboard.press("Escape")
        await told.wait_for(state="detached")

        # Whoever reads can have it stand still, and go on.
        await page.get_by_role("button", name="Pause").click()
        await chat(home, token, "gpt-4o")
        await page.evaluate("dispatchEvent(new Event('focus'))")
        await page.get_by_text("Paused").wait_for()
        assert await rows(page).count() == 50
        assert await rows(page).first.get_by_text("gpt-4o").count() == 0
        await page.get_by_role("button", name="Go on").click()
        await rows(page).first.get_by_text("gpt-4o").wait_for()
        assert seen.complaints == []
