"""Settings → Ceilings in a real Chromium: set, raised, reset, hit; disputes, hours and prices."""

from typing import TYPE_CHECKING, Final

from broker.ceilings import HIGHEST
from broker.money import AmountUnfit, digits_of, read
from keysteward.demo.fake_provider import Mode
from tests.kit import spending
from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER
from tests.kit.dashboard import XSS, become_stale, opened, show_again
from tests.kit.graphql_client import House
from tests.kit.spending import calls, ceiling, chat, price

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = ONE_BROWSER

CEILINGS: Final = "/settings/ceilings"
AMOUNTS: Final = (
    *("0", "1", "12.5", "12.50", "0.000000001", "1000000000", "1000000000.000000001", "007"),
    *("0.0000000001", "", " ", "-1", "+1", "1e3", "1,5", ".5", "5.", "1.2.3", "NaN", "\uff11"),
    *("9" * 18, "9" * 20, "9" * 21, "0.123", "0.12", "1\n"),
)
CURRENCIES: Final = (
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv"),
    *("xaf", "xof", "xpf", "bhd", "jod", "kwd", "omr", "tnd", "eur", "usd", "gbp", "isk", "huf"),
)


def one(page: "Page", name: str) -> "Locator":
    """Give a ceiling's place in the list."""
    return page.get_by_role("listitem", name=name, exact=True)


async def figures(of: "Locator") -> list[str]:
    """Give what is used of a ceiling, held, left, and what it is."""
    return await of.get_by_role("definition").all_inner_texts()


async def test_a_ceiling_is_set_raised_reset_and_removed(home: House) -> None:
    ada = await home.person()
    become_stale(home)
    async with opened(home, ada, CEILINGS) as seen:
        page = seen.page
        await page.get_by_role("heading", name="No ceiling yet").wait_for()
        assert await axe(page) == []

        await page.get_by_role("button", name="Set a ceiling").first.click()
        dialog = page.get_by_role("dialog", name="Set a ceiling")
        await dialog.get_by_label("Provider").select_option("openai")
        limit = dialog.get_by_label("At most, in dollars")
        await limit.fill("12,50")
        await limit.press("Enter")
        await dialog.get_by_text('Give an amount as a decimal, such as "12.50"').wait_for()
        assert await limit.get_attribute("aria-invalid") == "true"
        assert await axe(page) == []
        await limit.fill("12.50")
        await limit.press("Enter")
        await show_again(seen)
        ada = await home.signed_in(ada)  # a fresh login goes on under another cookie
        openai = one(page, "OpenAI · all tools · spend")
        await openai.wait_for()
        assert await figures(openai) == ["$0.00", "$0.00", "$12.50", "$12.50"]
        assert await page.get_by_role("dialog").count() == 0

        await page.get_by_role("button", name="Raise or lower OpenAI").click()
        await page.get_by_label("The new ceiling").fill("0.000000001")
        await page.get_by_role("button", name="Set it").click()
        await openai.get_by_text("$0.000000001").first.wait_for()
        (found,) = await ada.get("ceilings")
        assert (found["limit"], found["provider"]["id"]) == ("0.000000001", "openai")

        await page.get_by_role("button", name="Reset OpenAI").click()
        await page.get_by_role("button", name="Reset it").click()
        await openai.get_by_text("when it was last reset").wait_for()
        assert (await ada.get("ceilings"))[0]["epoch"] == 2

        await page.get_by_role("button", name="Remove OpenAI").click()
        await page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
        assert len(await ada.get("ceilings")) == 1
        await page.get_by_role("button", name="Remove OpenAI").click()
        await page.get_by_role("button", name="Remove it").click()
        await page.get_by_role("heading", name="No ceiling yet").wait_for()
        assert await ada.get("ceilings") == []
        assert seen.complaints == []


async def test_a_ceiling_that_was_removed_meanwhile_is_not_raised_unawares(home: House) -> None:
    ada = await home.person()
    made = await spending.ceiling(ada, "5")
    async with opened(home, ada, CEILINGS) as seen:
        page = seen.page
        await page.get_by_role("button", name="Raise or lower OpenAI").click()
        asking = page.get_by_role("dialog", name="Raise or lower: OpenAI")
        assert await asking.get_by_text("It was removed meanwhile").count() == 0
        await ada.do("removeCeiling", id=made)
        await page.evaluate("dispatchEvent(new Event('focus'))")
        await asking.get_by_text("It was removed meanwhile. Setting it makes a new one").wait_for()
        assert await axe(page) == []
        assert seen.complaints == []


async def test_calls_and_money_that_is_moved_have_ceilings_of_their_own(home: House) -> None:
    ada = await home.person()
    tool, _ = await ada.tool(name="books")
    async with opened(home, ada, CEILINGS) as seen:
        page = seen.page
        await page.get_by_role("button", name="Set a ceiling").first.click()
        dialog = page.get_by_role("dialog", name="Set a ceiling")
        await dialog.get_by_label("What it counts").select_option("CALLS")
        await dialog.get_by_label("Tool").select_option("books")
        await dialog.get_by_label("How many at most").fill("1.5")
        await dialog.get_by_role("button", name="Set it").click()
        await dialog.get_by_text("with no decimal places").wait_for()
        await dialog.get_by_label("How many at most").fill("1500")
        await dialog.get_by_role("button", name="Set it").click()
        books = one(page, "All providers · books · calls")
        await books.wait_for()
        assert await figures(books) == ["0", "0", "1,500", "1,500"]

        await page.get_by_role("button", name="Set a ceiling").first.click()
        await dialog.get_by_label("What it counts").select_option("MOVED")
        await dialog.get_by_label("Currency").fill("e1")
        await dialog.get_by_label("At most, in E1").fill("500")
        await dialog.get_by_role("button", name="Set it").click()
        await dialog.get_by_text("Give a currency by its three letters").wait_for()
        await dialog.get_by_label("Currency").fill("EUR")
        assert await axe(page) == []
        await dialog.get_by_role("button", name="Set it").click()
        await one(page, "Stripe · all tools · EUR moved").wait_for()
        made = {
            (each["measure"], each["currency"], (each["tool"] or {}).get("id"), each["limit"])
            for each in await ada.get("ceilings")
        }
        assert made == {("CALLS", None, tool["id"], "1500"), ("MOVED", "eur", None, "500.00")}

        await page.get_by_role("button", name="Set a ceiling").first.click()
        await dialog.get_by_label("What it counts").select_option("CALLS")
        await dialog.get_by_label("Tool").select_option("books")
        await dialog.get_by_text("There is one for this already: 1,500").wait_for()
        assert seen.complaints == []


async def test_a_ceiling_that_is_hit_says_so_at_once_and_how_to_go_on(home: House) -> None:
    ada = await home.person()
    await ada.key()
    await price(ada, "0.1")
    await ceiling(ada, "0.2")
    _, token = await ada.tool()
    async with opened(home, ada, CEILINGS) as seen:
        page = seen.page
        await page.get_by_text("live", exact=True).wait_for()
        openai = one(page, "OpenAI · all tools · spend")
        await openai.get_by_text("open", exact=True).wait_for()
        assert [(await chat(home, token)).status_code for _ in range(3)] == [200, 200, 402]
        news = page.get_by_text("Just hit: OpenAI · all tools · spend.")
        await news.wait_for()
        await openai.get_by_text("hit", exact=True).wait_for()
        await openai.get_by_text("Calls that cost something are refused.").wait_for()
        await openai.get_by_text("Warned at 50 %, 80 %, 95 %.").wait_for()
        bar = openai.get_by_role("img")
        label = "$0.20 used, $0.00 held by running calls, $0.00 left of $0.20"
        assert await bar.get_attribute("aria-label") == label
        assert await axe(page) == []

        # Raised in another window: here, too, it is no news any more.
        await ceiling(ada, "0.3")
        await page.evaluate("dispatchEvent(new Event('focus'))")
        await openai.get_by_text("open", exact=True).wait_for()
        await news.wait_for(state="detached")
        assert await figures(openai) == ["$0.20", "$0.00", "$0.10", "$0.30"]
        assert seen.complaints == []


async def test_a_disputed_call_counts_as_what_its_owner_says_that_it_cost(home: House) -> None:
    ada = await home.person()
    call = await spending.disputed(home, ada)
    async with opened(home, ada, CEILINGS) as seen:
        page = seen.page
        await page.get_by_role("button", name=f"It cost… Say it of {call}").click()
        dialog = page.get_by_role("dialog", name="What did the call cost?")
        await dialog.get_by_text("it counts as $0.10").wait_for()
        await dialog.get_by_label("It cost, in dollars").fill("nothing")
        await dialog.get_by_role("button", name="That is what it cost").click()
        await dialog.get_by_text("Give an amount as a decimal").wait_for()
        assert await axe(page) == []
        await dialog.get_by_label("It cost, in dollars").fill("0.03")
        await dialog.get_by_role("button", name="That is what it cost").click()
        await page.get_by_text("$0.07 was given back.").wait_for(state="attached")
        await page.get_by_text("None of your calls is disputed.").wait_for()
        openai = one(page, "OpenAI · all tools · spend")
        await openai.get_by_text("$0.97").wait_for()
        assert (await ada.get("ceilings"))[0]["settled"] == "0.03"
        assert (await calls(ada))[0]["disputed"] is False
        assert seen.complaints == []


async def test_what_is_disputed_is_found_behind_all_calls_that_came_later(home: House) -> None:
    ada = await home.person()
    call = await spending.disputed(home, ada)
    (found,) = await calls(ada)
    # Calls that came later: references are in the order of time.
    home.rows(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)"
        " INSERT INTO calls (account, id, tool, key, version, provider, worker, started_at,"
        " outcome) SELECT account, 'call_7' || printf('%025d', i), tool, key, version, provider,"
        " worker, started_at, 'ANSWERED' FROM calls, n WHERE id = ?",
        found["id"],
    )
    async with opened(home, ada, CEILINGS) as seen:
        page = seen.page
        await page.get_by_role("button", name=f"It cost… Say it of {call}").wait_for()
        assert await page.get_by_role("button", name="Show more").count() == 0


async def test_what_runs_by_the_hour_ends_when_its_owner_says_that_it_is_gone(home: House) -> None:
    ada = await home.person()
    spending.server(home, (await ada.get("viewer"))["id"])
    async with opened(home, ada, CEILINGS) as seen:
        page = seen.page
        row = page.get_by_role("row").filter(has_text="server-1")
        await row.get_by_text("$0.007").wait_for()
        await row.get_by_role("button", name="It is gone: Vultr server-1").click()
        await page.get_by_text("nothing is deleted there by this").wait_for()
        assert await axe(page) == []
        await page.get_by_role("dialog").get_by_role("button", name="It is gone").click()
        await page.get_by_text("Nothing runs by the hour.").wait_for()
        assert await ada.get("commitments") == []
        assert seen.complaints == []


async def test_prices_of_ones_own_are_set_changed_and_removed(home: House) -> None:
    ada = await home.person()
    async with opened(home, ada, CEILINGS) as seen:
        page = seen.page
        await page.get_by_role("button", name="Set a price").click()
        dialog = page.get_by_role("dialog", name="Set a price")
        await dialog.get_by_label("Provider").select_option("anthropic")
        await dialog.get_by_label("Model or operation").fill("*")
        await dialog.get_by_role("button", name="Add a rate").click()
        await dialog.get_by_label("Dollars").nth(0).fill("3")
        await dialog.get_by_label("Dollars").nth(1).fill("fifteen")
        await dialog.get_by_role("button", name="Set it").click()
        await dialog.get_by_text("Give an amount as a decimal").wait_for()
        assert await axe(page) == []
        await dialog.get_by_label("Dollars").nth(1).fill("15.000000001")
        await dialog.get_by_role("button", name="Set it").click()
        row = page.get_by_role("row").filter(has_text="whatever has no price otherwise")
        await row.get_by_text("$3.00 a million input tokens").wait_for()
        await row.get_by_text("$15.000000001 a million output tokens").wait_for()

        await row.get_by_role("button", name="Change the price of Anthropic *").click()
        dialog = page.get_by_role("dialog", name="Change the price of Anthropic *")
        await dialog.get_by_role("button", name="Leave out rate 1").click()
        await dialog.get_by_label("For", exact=True).select_option("REQUEST")
        await dialog.get_by_role("button", name="Set it").click()
        await row.get_by_text("$15.000000001 a request").wait_for()
        (found,) = await ada.get("prices")
        assert [(each["measure"], each["amount"]) for each in found["rates"]] == [
            ("REQUEST", "15.000000001")
        ]

        await row.get_by_role("button", name="Remove the price of Anthropic *").click()
        await page.get_by_role("button", name="Remove it").click()
        await page.get_by_text("No price of your own").wait_for()
        assert await ada.get("prices") == []
        assert seen.complaints == []


async def test_what_others_wrote_stays_text(home: House) -> None:
    ada = await home.person()
    tool, token = await ada.tool(name=XSS)
    await ada.key()
    await price(ada, "0.1", model=XSS)
    await ceiling(ada, "1", tool=tool["id"])
    home.provider.mode = Mode.ERROR_500
    try:
        await chat(home, token, model=XSS)
    finally:
        home.provider.mode = None
    await calls(ada)
    account = (await ada.get("viewer"))["id"]
    spending.server(home, account, resource=XSS)
    home.rows("UPDATE commitments SET item = ? WHERE account = ?", XSS, account)
    async with opened(home, ada, CEILINGS, viewport={"width": 360, "height": 800}) as seen:
        page = seen.page
        await one(page, f"OpenAI · {XSS} · spend").wait_for()
        for place in ("What runs by the hour", "Your own prices", "Disputed calls"):
            await page.get_by_role("region", name=place).get_by_text(XSS).first.wait_for()
        await page.get_by_role("button", name=f"Remove OpenAI · {XSS} · spend").click()
        await page.get_by_role("dialog", name=f"Remove: OpenAI · {XSS} · spend").wait_for()
        assert await page.locator("main img").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert await axe(page) == []
        assert seen.complaints == []


async def test_the_page_takes_the_very_amounts_that_the_api_takes(home: House) -> None:
    ada = await home.person()
    async with opened(home, ada, CEILINGS) as seen:
        units = [("SPEND", "usd"), ("CALLS", "usd"), *(("MOVED", each) for each in CURRENCIES)]
        answers = await seen.page.evaluate(
            """async ([units, amounts]) => {
              const { placesOf, wrongWith } = await import("/dashboard/assets/core/amounts.js");
              return units.map((unit) => [placesOf(...unit),
                amounts.map((text) => wrongWith(text, placesOf(...unit)))]);
            }""",
            [units, AMOUNTS],
        )
        assert seen.complaints == []
    for (measure, currency), (places, wrong) in zip(units, answers, strict=True):
        unit = {"SPEND": "usd", "CALLS": "calls"}.get(measure, f"moved:{currency}")
        assert places == digits_of(unit), unit
        assert wrong == [judged(text, unit) for text in AMOUNTS], unit


def judged(text: str, unit: str) -> str | None:
    """Give what the API says against an amount, as `schema.scalars.amount_of` does."""
    try:
        amount = read(text, unit)
    except AmountUnfit as unfit:
        return str(unfit)
    return None if 0 <= amount <= HIGHEST else "An amount is between 0 and a billion."
