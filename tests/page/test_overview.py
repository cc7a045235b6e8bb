"""The overview in a real Chromium: the first steps, and how things stand, as it changes."""

from typing import TYPE_CHECKING, Final

from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER
from tests.kit.dashboard import XSS, opened
from tests.kit.graphql_client import House
from tests.kit.spending import calls, ceiling, chat, disputed, price

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = ONE_BROWSER

LOOK_AGAIN: Final = "dispatchEvent(new Event('focus'))"


async def card(page: "Page", title: str) -> str:
    """Give all that a card says."""
    return await page.get_by_role("region", name=title, exact=True).inner_text()


async def test_who_has_just_come_is_led_through_three_steps(home: House) -> None:
    eve = await home.person()
    async with opened(home, eve) as seen:
        page = seen.page
        steps = page.get_by_role("region", name="Three steps to begin")
        assert await steps.get_by_text("done", exact=True).count() == 0
        assert await axe(page) == []

        await eve.key()
        await page.evaluate(LOOK_AGAIN)
        key, tool, call = (steps.get_by_role("listitem").nth(number) for number in range(3))
        await key.get_by_text("done", exact=True).wait_for()
        assert await tool.get_by_text("done", exact=True).count() == 0
        _, token = await eve.tool()
        await page.evaluate(LOOK_AGAIN)
        await tool.get_by_text("done", exact=True).wait_for()
        assert await call.get_by_role("link", name="Let it call").get_attribute("href") == (
            "/dashboard/tools"
        )
        await chat(home, token)
        await calls(eve)
        await page.evaluate(LOOK_AGAIN)
        await steps.wait_for(state="detached")
        assert seen.complaints == []


async def test_keys_tools_spending_ceilings_and_calls_stand_at_a_glance(home: House) -> None:
    ada = await home.person()
    await ada.key(label=XSS)
    broken = await ada.key("anthropic", label="old")
    home.rows("UPDATE keys SET state = 'REJECTED' WHERE id = ?", broken["id"])
    await price(ada, "0.1")
    await ceiling(ada, "50", provider=None)
    await ceiling(ada, "1000", provider="stripe", measure="CALLS")
    tool, token = await ada.tool(name=XSS)
    await ceiling(ada, "0.2", tool=tool["id"])
    await ada.tool(name="asleep")
    assert [(await chat(home, token)).status_code for _ in range(3)] == [200, 200, 402]
    await calls(ada)
    # Such a name of a model is kept by nobody; it stays text all the same.
    home.rows("UPDATE calls SET model = ? WHERE tool = ?", XSS, tool["id"])
    async with (
        home.listening(token),
        opened(home, ada, viewport={"width": 360, "height": 800}) as seen,
    ):
        page = seen.page
        keys = await card(page, "Keys")
        assert "2" in keys.split()
        assert "Anthropic “old”: its provider said that it is no good" in keys
        assert "1 of 2" in await card(page, "Running tools")
        assert XSS in await card(page, "Running tools")
        assert "$0.20" in (await card(page, "Spent today")).split()
        assert "$0.20" in (await card(page, "Spent this month")).split()
        nearest = page.get_by_role("region", name="Ceilings nearest to their limit")
        (first, *others) = await nearest.get_by_role("listitem").all_inner_texts()
        assert first.split("\n")[0] == f"OpenAI · {XSS} hit"
        assert [text.split("\n")[0] for text in others] == [
            "All providers · all tools",
            "Stripe · all tools",
        ]
        last = page.get_by_role("region", name="Last calls")
        spent = await last.get_by_role("row").filter(has_text="$0.10").all_inner_texts()
        assert [text.count(XSS) for text in spent] == [2, 2]  # the tool, the model
        link = page.get_by_role("region", name="Spent today").get_by_role("link")
        assert await link.get_attribute("href") == "/dashboard/spend?range=today"
        assert await page.locator("main img").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert await axe(page) == []
        assert seen.complaints == []


async def test_what_is_in_doubt_leads_to_those_calls_alone(home: House) -> None:
    ada = await home.person()
    call = await disputed(home, ada)
    await ada.do("removeCeiling", id=(await ada.get("ceilings"))[0]["id"])
    _, token = await ada.tool()
    await chat(home, token, model="no-such-model-9")
    await calls(ada)
    async with opened(home, ada) as seen:
        page = seen.page
        for title in ("Spent today", "Spent this month"):
            spent = page.get_by_role("region", name=title)
            for link, doubt in (
                ("$0.10 of it disputed", "disputed"),
                ("1 call without a known price", "unpriced"),
            ):
                await spent.get_by_role("link", name=link).click()
                await page.get_by_role("button", name=f"Details of {call}").wait_for(
                    state="attached" if doubt == "disputed" else "detached"
                )
                lines = page.get_by_role("row").filter(has=page.get_by_role("cell"))
                await lines.first.wait_for()
                assert await lines.count() == 1
                await page.go_back()
        assert seen.complaints == []


async def test_a_removal_and_who_has_heard_of_it_show_by_themselves(home: House) -> None:
    ada = await home.person()
    key = await ada.key()
    _, token = await ada.tool(name="agent")
    async with home.listening(token) as tool, opened(home, ada) as seen:
        page = seen.page
        await page.get_by_text("live", exact=True).wait_for()
        await ada.do("removeKey", id=key["id"])
        gone = page.get_by_role("region", name="Last revocations").get_by_role("listitem")
        await gone.get_by_text("OpenAI key removed").wait_for()
        await gone.get_by_text("heard by 0 of 1 running tool").wait_for()
        cursor = (await tool.event("KeyRevoked"))["cursor"]
        agent = await home.visitor(token=token)
        await agent.do("acknowledgeRevocation", cursor=cursor)
        await page.evaluate(LOOK_AGAIN)
        await gone.get_by_text("heard by 1 of 1 running tool").wait_for()
        assert "0" in (await card(page, "Keys")).split()
        assert seen.complaints == []
