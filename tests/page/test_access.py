"""The dashboard for who uses a keyboard alone, has it read out, or sees it otherwise than most."""

import asyncio
from typing import TYPE_CHECKING, Final

from tests.kit import spending
from tests.kit.axe import axe
from tests.kit.canary import canary
from tests.kit.chromium import ONE_BROWSER
from tests.kit.dashboard import opened, visit
from tests.kit.graphql_client import House
from tests.kit.spending import ceiling, chat, kept

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page, Route

pytestmark = ONE_BROWSER

ARABIC: Final = "\u0645\u0641\u062a\u0627\u062d \u0627\u0644\u0625\u0646\u062a\u0627\u062c"
_IN_NAME: Final = ("label-content-name-mismatch",)
_HELD: Final = "of => of.contains(document.activeElement) && document.activeElement !== of"


async def press(button: "Locator") -> None:
    """Press a button by the keyboard."""
    await button.focus()
    await button.press("Enter")


async def holds_the_place(of: "Locator") -> None:
    """Wait until something has the focus, by itself and not by a button in it."""
    await of.wait_for()
    page, one = of.page, await of.element_handle()
    await page.wait_for_function("of => of === document.activeElement", arg=one)


async def something_still_holds_it(page: "Page") -> None:
    """Wait until something has the focus, and nothing that could be pressed."""
    await page.wait_for_function(
        "() => document.activeElement.matches(':not(body, a, button, input, select)')"
    )


async def is_read_out(page: "Page", sentence: str) -> None:
    """Wait until a sentence stands where a screen reader is told of changes."""
    region = page.locator(".unseen[role=status]")
    await region.filter(has_text=sentence).wait_for(state="attached")


async def test_the_keyboards_place_is_kept_where_what_had_it_is_gone(home: House) -> None:
    ada = await home.person()
    for label in ("first", "second", "third"):
        await ada.key(label=label)
    _, token = await ada.tool(name="agent")
    for name in ("a.json", "b.json"):
        await kept(home, ada, token, name)
    async with opened(home, ada, "/settings/keys") as seen:
        page = seen.page
        await page.get_by_text("live", exact=True).wait_for()

        def row(words: str) -> "Locator":
            return page.get_by_role("row").filter(has=page.get_by_text(words, exact=True))

        # A removal is what one goes on with: who has heard.
        await press(page.get_by_role("button", name="Remove OpenAI second"))
        await page.keyboard.type("second")
        await page.keyboard.press("Enter")
        await holds_the_place(page.get_by_role("heading", name="OpenAI “second” is removed"))
        assert await axe(page) == []

        # Where it stays, it has the focus again.
        rotate = page.get_by_role("button", name="Rotate OpenAI first")
        await press(rotate)
        await page.keyboard.type(canary())
        await page.keyboard.press("Enter")
        await page.get_by_role("dialog").wait_for(state="detached")
        await row("first").get_by_text("active", exact=True).wait_for()
        await holds_the_place(rotate)

        # Removed by somebody else: the next one has the place, and none of its buttons.
        await page.get_by_role("button", name="Reveal OpenAI first").focus()
        (gone,) = [key for key in await ada.get("keys") if key["label"] == "first"]
        await ada.do("removeKey", id=gone["id"])
        await holds_the_place(row("third"))
        told = page.get_by_role("status").filter(has_text="OpenAI “first” is removed")
        await told.get_by_text("heard by").or_(told.get_by_text("no tool was running")).wait_for()
        await page.keyboard.press("Tab")
        assert await row("third").evaluate(_HELD)

        await visit(seen, home, "/files")
        await press(page.get_by_role("button", name="Delete b.json"))
        await press(page.get_by_role("dialog").get_by_role("button", name="Delete it"))
        await holds_the_place(row("a.json"))
        await press(page.get_by_role("button", name="Delete a.json"))
        await press(page.get_by_role("dialog").get_by_role("button", name="Delete it"))
        await page.get_by_role("heading", name="Nothing is kept").wait_for()

        await visit(seen, home, "/calls?provider=openai&unpriced=true")
        await press(page.get_by_role("button", name="Provider: OpenAI, take away"))
        chips = page.get_by_role("list", name="What the list is narrowed to")
        await holds_the_place(chips.get_by_role("listitem"))
        await press(chips.get_by_role("button"))
        await chips.wait_for(state="detached")
        await something_still_holds_it(page)

        # Who leaves the place, by a press beside everything, say, has none that could be taken.
        await page.get_by_label("Cost", exact=True).focus()
        await page.evaluate("document.activeElement.blur()")
        await page.evaluate("document.querySelector('.filters').remove()")
        await page.evaluate("new Promise(requestAnimationFrame)")
        assert await page.evaluate("document.activeElement === document.body")
        assert seen.complaints == []


async def test_the_place_is_kept_where_the_last_of_several_is_gone(home: House) -> None:
    ada = await home.person()
    for label in ("first", "second"):
        await ada.key(label=label)
    async with opened(home, ada, "/settings/keys") as seen:
        page = seen.page
        make = page.get_by_role("button", name="Make default")
        await press(make)
        await page.get_by_role("button", name="Make default: OpenAI first").wait_for()
        await something_still_holds_it(page)

        await visit(seen, home, "/settings/ceilings")
        await press(page.get_by_role("button", name="Set a price"))
        await press(page.get_by_role("button", name="Add a rate"))
        await press(page.get_by_role("button", name="Leave out rate 2"))
        await page.get_by_role("button", name="Leave out rate 2").wait_for(state="detached")
        await something_still_holds_it(page)
        assert await page.get_by_role("button", name="Add a rate").get_attribute("tabindex") is None


async def test_a_dialog_that_waits_stays_however_often_escape_is_pressed(home: House) -> None:
    ada = await home.person()
    async with opened(home, ada, "/settings/keys") as seen:
        page = seen.page
        answered = asyncio.Event()

        async def late(route: "Route") -> None:
            if "addKey" in (route.request.post_data or ""):
                await answered.wait()
            await route.continue_()

        await page.route("**/graphql", late)
        add = page.get_by_role("button", name="Add a key").first
        await press(add)
        adding = page.get_by_role("dialog", name="Add a key")
        await adding.get_by_label("The provider's key").fill(canary())
        await page.keyboard.press("Enter")
        await adding.get_by_role("button", name="Asking the provider…").wait_for()
        for _ in range(4):  # after the second one, a browser asks nobody any more
            await page.keyboard.press("Escape")
            await page.evaluate("new Promise((done) => setTimeout(done))")
        await adding.wait_for()
        answered.set()
        told = page.get_by_role("dialog", name="The key is kept")
        await told.wait_for()
        await page.keyboard.press("Escape")
        await told.wait_for(state="detached")
        await press(add)
        await adding.wait_for()
        assert seen.complaints == []


async def test_what_is_shown_once_stays_when_enter_is_pressed_once_too_often(home: House) -> None:
    ada = await home.person()
    async with opened(home, ada, "/tools") as seen:
        page = seen.page
        await press(page.get_by_role("button", name="Make a tool").first)
        await page.keyboard.type("agent")
        await page.keyboard.press("Enter")
        told = page.get_by_role("dialog", name="“agent” is made")
        await holds_the_place(told.get_by_role("heading", name="“agent” is made"))
        for _ in range(2):
            await page.keyboard.press("Enter")
        await told.get_by_text("now and never again").wait_for()
        assert await axe(page) == []
        await press(told.get_by_role("button", name="I have kept it"))
        await told.wait_for(state="detached")
        assert seen.complaints == []


async def test_what_is_wrong_with_a_field_is_read_out_and_the_field_has_the_focus(
    home: House,
) -> None:
    ada = await home.person()
    async with opened(home, ada, "/settings/ceilings") as seen:
        page = seen.page
        await press(page.get_by_role("button", name="Set a price"))
        asking = page.get_by_role("dialog", name="Set a price")
        await asking.get_by_label("Provider").select_option("openai")
        await asking.get_by_label("Model or operation").fill("gpt-5")
        await asking.get_by_label("Dollars").fill("1")
        await press(asking.get_by_role("button", name="Add a rate"))
        await press(asking.get_by_role("button", name="Add a rate"))
        for field in (1, 2):
            await asking.get_by_label("Dollars").nth(field).fill("12,50")
        await press(asking.get_by_role("button", name="Set it"))
        assert await asking.get_by_role("alert").filter(has_text='such as "12.50"').count() == 2
        await holds_the_place(asking.get_by_label("Dollars").nth(1))
        assert await axe(page) == []
        assert seen.complaints == []


async def test_another_page_is_read_out_and_its_link_pressed_again_leads_nowhere_new(
    home: House,
) -> None:
    ada = await home.person()
    async with opened(home, ada, "/settings/keys") as seen:
        page = seen.page
        entries = await page.evaluate("history.length")
        for _ in range(3):
            await press(page.get_by_role("link", name="Spend", exact=True))
            await is_read_out(page, "Spend")
        assert await page.evaluate("history.length") == entries + 1
        await press(page.get_by_role("tab", name="30 days"))
        await page.keyboard.press("End")
        await page.get_by_role("tab", name="Custom", selected=True).wait_for()
        await page.keyboard.press("Home")
        await page.get_by_role("tab", name="Today", selected=True).wait_for()
        assert seen.complaints == []


async def test_what_a_control_shows_is_in_its_name(home: House) -> None:
    """Who speaks to the page says what they see (WCAG 2.2, 2.5.3)."""
    ada = await home.person()
    await spending.disputed(home, ada)
    await ada.key(label="other", verify=False)
    spending.server(home, (await ada.get("viewer"))["id"])
    _, token = await ada.tool(name="agent")
    await chat(home, token, "no-such-model-9")
    async with opened(home, ada) as seen:
        for path in ("/settings/keys", "/tools", "/calls", "/spend", "/settings/ceilings"):
            await visit(seen, home, path)
            assert await axe(seen.page, rules=_IN_NAME) == [], path
        assert seen.complaints == []


async def test_which_tab_is_chosen_shows_in_forced_colours(home: House) -> None:
    ada = await home.person()
    async with opened(home, ada, "/spend", forced_colors="active") as seen:
        borders = await seen.page.get_by_role("tab").evaluate_all(
            "tabs => tabs.map(tab => getComputedStyle(tab).borderBottomColor)"
        )
        assert len(borders) == 5
        assert {border for border in borders if borders.count(border) == 1} == {borders[2]}


async def test_a_name_from_right_to_left_leaves_figures_in_their_place(home: House) -> None:
    ada = await home.person()
    key = await ada.key()
    _, token = await ada.tool(name=ARABIC)
    async with home.listening(token) as tool, opened(home, ada, "/settings/keys") as seen:
        await seen.page.get_by_text("live", exact=True).wait_for()
        await ada.do("removeKey", id=key["id"])
        cursor = (await tool.event("KeyRevoked"))["cursor"]
        await (await home.visitor(token=token)).do("acknowledgeRevocation", cursor=cursor)
        heard = seen.page.get_by_role("listitem").filter(has_text=ARABIC)
        await heard.get_by_text("heard", exact=True).wait_for()
        # Where each of the letters stands: those of "… ms" all behind the name.
        name, number = await heard.evaluate(
            """li => {
              const boxOf = (node) => {
                const range = document.createRange();
                range.selectNodeContents(node);
                return range.getBoundingClientRect();
              };
              const texts = [...li.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
              const name = texts.find((text) => text.data.trim() !== "");
              return [boxOf(name).right, boxOf(li.lastElementChild).left];
            }"""
        )
        assert number >= name


async def test_letters_twice_as_large_are_all_there_on_a_telephone(home: House) -> None:
    ada = await home.person()
    await ada.key(label="production")
    _, token = await ada.tool(name="agent")
    await chat(home, token)
    await ceiling(ada)
    await spending.calls(ada)
    async with opened(home, ada, viewport={"width": 360, "height": 740}) as seen:
        for path in ("", "/settings/keys", "/tools", "/calls", "/spend", "/settings/audit"):
            await visit(seen, home, path)
            await seen.page.evaluate("document.documentElement.style.fontSize = '200%'")
            wider = await seen.page.locator(".scroll").evaluate_all(
                "all => all.filter(each => each.scrollWidth > each.clientWidth)"
                ".map(each => each.textContent.slice(0, 60))"
            )
            assert wider == [], path
