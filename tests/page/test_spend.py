"""Spend in a real Chromium: every figure exact, drawn, and traced to the calls it is made of."""

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest_asyncio

from store.clock import DAY
from tests.kit import spending
from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER
from tests.kit.dashboard import XSS, opened, visit
from tests.kit.graphql_client import House, Visitor
from tests.kit.spending import calls, chat, price

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = ONE_BROWSER

SPEND: Final = "/spend"
TABLES: Final = ("By provider", "By tool", "By model", "By day")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def ada(home: House) -> Visitor:
    """Give somebody with two tools, whose calls cost something today and on days before."""
    someone = await home.person()
    await someone.key()
    for model, amount in (("gpt-5", "0.25"), ("gpt-5-mini", "0.000000001")):
        await price(someone, amount, model=model)
    made = [await someone.tool(name=name) for name in ("alpha", XSS)]
    for _, token in made:
        for model in ("gpt-5", "gpt-5-mini"):
            await chat(home, token, model=model)
    spent = await calls(someone)
    for number, (days, named) in enumerate(((1, XSS), (1, None), (40, None), (200, None))):
        days_ago(home, spent[0]["id"], days, number, named)
    return someone


def days_ago(home: House, call: str, days: int, number: int, model: str | None) -> None:
    """Have a call like another have been made so many days ago, and cost a dollar for each.

    It is disputed, and cost a nano-dollar more for its number: no two cost the same.
    """
    made, past = f"call_0{number:025}", days * DAY
    home.rows(
        "INSERT INTO calls (account, id, tool, key, version, provider, worker, started_at, model,"
        " outcome) SELECT account, ?, tool, key, version, provider, worker, started_at - ?, ?,"
        " 'ANSWERED' FROM calls WHERE id = ?",
        *(made, past, model, call),
    )
    home.rows(
        "INSERT INTO ledger (account, call, entry, at, provider, tool, model, unit, amount, kind,"
        " source) SELECT account, ?, 1, at - ?, provider, tool, ?, 'usd', ?, 'DISPUTED', 'BOUND'"
        " FROM ledger WHERE call = ? LIMIT 1",
        *(made, past, model, 10**9 * days + number, call),
    )
    home.rows(
        "INSERT INTO reservations (account, call, ceiling, epoch, state, amount)"
        " SELECT account, ?, 'cei_1', 1, 'DISPUTED', 1 FROM calls WHERE id = ?",
        *(made, call),
    )


async def rows_of(page: "Page", table: str) -> list[tuple[str, str, int, str]]:
    """Give each line of a table: its name, what was spent, in how many calls, where that leads."""
    found = []
    for row in await page.get_by_role("table", name=table).locator("tbody tr").all():
        cells = row.get_by_role("cell")
        link = cells.nth(2).get_by_role("link")
        name, spent, number = [await cells.nth(at).inner_text() for at in (0, 2, 4)]
        found.append((name, spent, int(number), str(await link.get_attribute("href"))))
    return found


async def total(page: "Page", what: str) -> str:
    """Give one of the figures at the top."""
    return await value_of(page.locator("dl.totals > div").filter(has_text=what))


async def value_of(figure: "Locator") -> str:
    return await figure.get_by_role("definition").first.inner_text()


async def of_link(someone: Visitor, link: str) -> list[dict[str, Any]]:
    """Give the calls to which a link leads, as the page Calls asks for them."""
    at = urlsplit(link)
    assert at.path == "/dashboard/calls"
    wanted: dict[str, Any] = dict(parse_qsl(at.query, keep_blank_values=True, strict_parsing=True))
    wanted |= {doubt: wanted[doubt] == "true" for doubt in ("disputed", "unpriced") & wanted.keys()}
    found: list[dict[str, Any]] = (await someone.get("calls", first=100, **wanted))["nodes"]
    return found


async def of_that_disputed(someone: Visitor, figure: "Locator") -> list[dict[str, Any]]:
    """Give the calls to which what is disputed leads: all are, and they cost that."""
    text = await figure.inner_text()
    if text == "none":
        assert await figure.get_by_role("link").count() == 0
        return []
    found = await of_link(someone, str(await figure.get_by_role("link").get_attribute("href")))
    assert all(call["disputed"] for call in found)
    assert sum(Decimal(call["cost"]) for call in found) == Decimal(text[1:])
    return found


async def test_every_figure_is_exact_and_leads_to_the_calls_that_it_is_made_of(
    home: House, ada: Visitor
) -> None:
    async with opened(home, ada, SPEND) as seen:
        page = seen.page
        await page.get_by_text("By day, as a table").click()
        assert await total(page, "Spent") == "$2.500000003"
        assert await total(page, "Of that disputed") == "$2.000000001"
        tables = {name: await rows_of(page, name) for name in TABLES}
        for name, rows in tables.items():
            assert sum(Decimal(spent[1:]) for _, spent, _, _ in rows) == Decimal("2.500000003"), (
                name
            )
            for _, spent, number, link in rows:
                found = await of_link(ada, link)
                assert len(found) == number, link
                assert sum(Decimal(call["cost"]) for call in found) == Decimal(spent[1:]), link
        assert [row[:3] for row in tables["By model"]] == [
            ("no model OpenAI", "$1.000000001", 1),
            (f"{XSS} OpenAI", "$1.00", 1),
            ("gpt-5 OpenAI", "$0.50", 2),
            ("gpt-5-mini OpenAI", "$0.000000002", 2),
        ]
        assert {row[0] for row in tables["By tool"]} == {"alpha", XSS}
        assert [row[2] for row in tables["By day"]] == [2, 4]
        assert await axe(page) == []
        for name in TABLES:
            for row in await page.get_by_role("table", name=name).locator("tbody tr").all():
                await of_that_disputed(ada, row.get_by_role("cell").nth(3))
        at_the_top = page.locator("dl.totals > div").filter(has_text="Of that disputed")
        assert len(await of_that_disputed(ada, at_the_top.get_by_role("definition").first)) == 2

        # By mouse a bar leads there, too; and its figures stand above while it is pointed at.
        yesterday = page.locator(".chart .bars > div").nth(-2)
        await yesterday.hover()
        await page.get_by_text("$2.000000001 · 2 calls · $2.000000001 disputed").wait_for()
        await yesterday.click()
        await page.wait_for_url("**/dashboard/calls?*")
        assert len(await of_link(ada, page.url)) == 2
        assert await page.locator("main img").count() == 0
        assert [each for each in seen.complaints if "calls" not in each] == []


async def test_the_span_of_days_is_chosen_by_keyboard_and_kept_in_the_address(
    home: House, ada: Visitor
) -> None:
    today = dt.datetime.fromtimestamp(home.clock() / 10**6, tz=dt.UTC).date()
    async with opened(home, ada, SPEND, timezone_id="Pacific/Kiritimati") as seen:
        page = seen.page
        await page.get_by_role("tab", name="30 days", selected=True).focus()
        await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("ArrowLeft")
        await page.get_by_role("tab", name="Today", selected=True).wait_for()
        await page.get_by_text("$0.500000002").first.wait_for()
        assert page.url.endswith("/dashboard/spend?range=today")
        assert [row[0] for row in await rows_of(page, "By provider")] == ["OpenAI"]

        await page.get_by_role("tab", name="Custom").click()
        first, last = page.get_by_label("First day"), page.get_by_label("Last day")
        await first.fill(str(today))
        await last.fill(str(today - dt.timedelta(days=1)))
        await page.get_by_role("button", name="Show").click()
        await page.get_by_text("The last day comes before the first.").wait_for()
        assert await axe(page) == []
        await first.fill(str(today - dt.timedelta(days=300)))
        await last.fill(str(today))
        await page.get_by_role("button", name="Show").click()
        # So many days are drawn by the month; the sums stay exact.
        await page.get_by_text("By month, as a table").click()
        assert await total(page, "Spent") == "$242.500000008"
        months = await rows_of(page, "By month")
        assert sum(Decimal(spent[1:]) for _, spent, _, _ in months) == Decimal("242.500000008")
        for _, spent, _, link in months:
            found = await of_link(ada, link)
            assert sum(Decimal(call["cost"]) for call in found) == Decimal(spent[1:]), link
        where = page.url
        await page.reload()
        await page.get_by_text("$242.500000008").first.wait_for()
        assert page.url == where
        await page.go_back()
        await page.get_by_role("tab", name="Custom", selected=True).wait_for()
        assert seen.complaints == []


async def test_the_chart_follows_the_scheme_and_says_in_words_what_it_shows(
    home: House, ada: Visitor
) -> None:
    async with opened(home, ada, SPEND, viewport={"width": 360, "height": 800}) as seen:
        page = seen.page
        chart = page.get_by_role("img", name="30 days, the dearest")
        assert "with $2.000000001" in (await chart.get_attribute("aria-label") or "")
        bar = chart.locator(".bars > div").last.locator("span").last
        colours = []
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            colours.append(await bar.evaluate("bar => getComputedStyle(bar).backgroundColor"))
            assert await axe(page) == []
        assert colours == ["rgb(36, 80, 178)", "rgb(141, 176, 255)"]
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert seen.complaints == []


async def test_days_without_calls_say_what_will_stand_here(home: House) -> None:
    eve = await home.person()
    async with opened(home, eve, f"{SPEND}?range=constructor") as seen:
        await seen.page.get_by_role("heading", name="Nothing was spent in these days").wait_for()
        await seen.page.get_by_role("tab", name="30 days", selected=True).wait_for()
        assert await axe(seen.page) == []
        await visit(seen, home, f"{SPEND}?first=1900-01-01&last=2300-01-01")
        await seen.page.get_by_role("tab", name="30 days", selected=True).wait_for()
        assert seen.complaints == []


async def test_what_has_no_price_is_named_and_counts_as_nothing(home: House) -> None:
    bob = await home.person()
    await bob.key()
    _, token = await bob.tool()
    await price(bob)
    for model in ("no-such-model-9", "gpt-5"):
        await chat(home, token, model=model)
    await spending.calls(bob)
    async with opened(home, bob, f"{SPEND}?range=today") as seen:
        page = seen.page
        assert await total(page, "Spent") == "$0.10"
        assert await total(page, "Without a known price") == "1"
        assert await page.get_by_role("link", name="Set a price").count() == 1
        (_, (name, spent, number, _)) = await rows_of(page, "By model")
        assert (name, spent, number) == ("no-such-model-9 OpenAI", "$0.00", 1)

        # Both figures lead to that one call, and to a list that can be widened again.
        links = page.get_by_role("link", name="1: calls of no-such-model-9, OpenAI without a")
        assert len(await of_link(bob, str(await links.get_attribute("href")))) == 1
        figure = page.locator("dl.totals > div").filter(has_text="Without a known price")
        await figure.get_by_role("link", name="1", exact=True).click()
        await page.get_by_role("button", name="Without a known price, take away").wait_for()
        lines = page.get_by_role("row").filter(has=page.get_by_role("cell"))
        await lines.get_by_text("no price known").wait_for()
        assert await lines.count() == 1
        assert await page.get_by_label("Cost", exact=True).input_value() == "unpriced"
        assert await axe(page) == []
        await page.get_by_label("Cost", exact=True).select_option("Disputed")
        await page.get_by_role("heading", name="No such call").wait_for()
        assert "disputed=true" in page.url
        assert "unpriced" not in page.url
        await page.get_by_role("button", name="Disputed, take away").click()
        await lines.nth(1).wait_for()
        assert "disputed" not in page.url
        assert seen.complaints == []
