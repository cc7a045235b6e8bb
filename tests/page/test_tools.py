"""The page Tools in a real Chromium: tokens are made, shown once and revoked; and who has heard."""

from typing import TYPE_CHECKING, Any, Final

from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER
from tests.kit.dashboard import XSS, become_stale, opened, show_again
from tests.kit.graphql_client import House, Visitor
from tests.kit.spending import chat

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = ONE_BROWSER

TOOLS: Final = "/tools"


def row(page: "Page", name: str) -> "Locator":
    """Give a tool's or a token's line in its list."""
    return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))


def dialog(page: "Page", name: str) -> "Locator":
    return page.get_by_role("dialog", name=name, exact=True)


async def kept(page: "Page", name: str) -> str:
    """Give the token that the dialog shows, and leave it: then it stands nowhere any more."""
    shown = dialog(page, f"“{name}” is made")
    token = await shown.locator(".code").first.locator("code").inner_text()
    await shown.get_by_role("button", name="I have kept it").click()
    await shown.wait_for(state="detached")
    assert token not in await page.content()
    return token


async def the_only_tool(someone: Visitor) -> dict[str, Any]:
    (tool,) = await someone.get("tools")
    found: dict[str, Any] = tool
    return found


async def test_a_tool_is_made_with_a_token_that_calls_and_is_shown_once(home: House) -> None:
    ada = await home.person()
    again = await home.signed_in(ada)
    await ada.key()
    become_stale(home)
    async with opened(home, ada, TOOLS) as seen:
        page = seen.page
        await page.get_by_role("heading", name="No tool yet").wait_for()
        assert await axe(page) == []
        await page.get_by_role("button", name="Make a tool").first.click()
        making = dialog(page, "Make a tool")
        await making.get_by_label("Name", exact=True).fill("nightly batch")
        await making.get_by_label("Only some").check()
        await making.get_by_role("button", name="Make it").click()
        await making.get_by_text("Tick the providers that it may use").wait_for()
        for provider in ("OpenAI", "Twilio"):
            await making.get_by_label(provider, exact=True).check()
        await making.get_by_label("It ends").select_option("In 30 days")
        await making.get_by_label("Calls a minute").fill("120")
        await making.get_by_label("Only answers in which keys can be looked for").check()
        assert await axe(page) == []
        await making.get_by_role("button", name="Make it").click()
        await show_again(seen)

        shown = dialog(page, "“nightly batch” is made")
        await shown.wait_for()
        assert await axe(page) == []
        # The snippets are those of the providers that it may use, with its token in them.
        choices = await shown.get_by_label("Call", exact=True).locator("option").all_inner_texts()
        assert choices == ["OpenAI", "Twilio"]
        await shown.get_by_role("tab", name="Python").press("ArrowRight")
        snippet = shown.get_by_role("tabpanel", name="TypeScript")
        assert f'baseURL: "{home.url}/via/openai/v1"' in await snippet.inner_text()
        await shown.get_by_label("Call", exact=True).select_option("Twilio")
        await shown.get_by_text("TWILIO_ACCOUNT_SID from the environment").wait_for()

        token = await kept(page, "nightly batch")
        assert (await chat(home, token)).is_success
        line = row(page, "nightly batch")
        assert "OpenAI, Twilio" in await line.inner_text()
        assert "120 calls a minute" in await line.inner_text()
        assert "inspected answers only" in await line.inner_text()
        tool = await the_only_tool(again)
        assert (tool["callsPerMinute"], tool["inspectedOnly"]) == (120, True)
        assert tool["expiresAt"] is not None
        assert await line.get_by_text(f"{tool['tokenPrefix']}…").count() == 1
        assert seen.complaints == []


async def test_what_copy_takes_is_the_token_or_the_snippet(home: House) -> None:
    ada = await home.person()
    async with opened(home, ada, TOOLS) as seen:
        page = seen.page
        await seen.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.get_by_role("button", name="Make a tool").first.click()
        await dialog(page, "Make a tool").get_by_label("Name", exact=True).fill("writer")
        await page.keyboard.press("Enter")
        shown = dialog(page, "“writer” is made")
        copies = shown.get_by_role("button", name="Copy")
        await copies.first.click()
        await shown.get_by_role("button", name="Copied").wait_for()
        # The page itself may not read the clipboard: a field into which it is pasted can.
        token = await pasted(page, home)
        assert token.startswith("kst_")
        (tool,) = await ada.get("tools", tokenPrefix=token)
        assert tool["name"] == "writer"
        assert seen.complaints == []


async def pasted(page: "Page", home: House) -> str:
    """Paste into a page of another window of the same person; give what came."""
    other = await page.context.new_page()
    await other.goto(f"{home.url}/health")
    await other.set_content("<textarea></textarea>")
    await other.locator("textarea").press("Control+V")
    return await other.locator("textarea").input_value()


async def test_a_tool_is_renamed_slowed_down_and_its_snippets_shown_again(home: House) -> None:
    ada = await home.person()
    tool, token = await ada.tool(name=XSS, callsPerMinute=60)
    async with opened(home, ada, TOOLS, viewport={"width": 360, "height": 800}) as seen:
        page = seen.page
        await page.get_by_role("button", name=f"Snippets for {XSS}").click()
        shown = dialog(page, f"Snippets for “{XSS}”")
        text = await shown.get_by_role("tabpanel", name="Python").inner_text()
        assert f'api_key="{tool["tokenPrefix"]}…"' in text
        assert token not in await page.content()
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert await axe(page) == []
        await shown.get_by_role("button", name="Done").click()

        await page.get_by_role("button", name=f"Change {XSS}").click()
        changing = dialog(page, f"Change “{XSS}”")
        assert await changing.get_by_label("Name", exact=True).input_value() == XSS
        assert await changing.get_by_label("Calls a minute").input_value() == "60"
        await changing.get_by_label("Name", exact=True).fill("reader")
        await changing.get_by_label("Calls a minute").fill("30")
        assert await axe(page) == []
        await changing.get_by_role("button", name="Change it").click()
        await row(page, "reader").get_by_text("30 calls a minute").wait_for()
        assert (await the_only_tool(ada))["name"] == "reader"

        # What the API refuses is said in its own words.
        await page.get_by_role("button", name="Change reader").click()
        changing = dialog(page, "Change “reader”")
        await changing.get_by_label("Name", exact=True).fill("   ")
        await changing.get_by_role("button", name="Change it").click()
        assert "1 to 100" in await changing.get_by_role("alert").inner_text()
        assert seen.complaints == []


async def test_a_revoked_tool_is_gone_and_the_page_says_who_heard(home: House) -> None:
    ada = await home.person()
    again = await home.signed_in(ada)
    await ada.tool(name="reader")
    _, token = await ada.tool(name=XSS)
    become_stale(home)
    async with (
        home.listening(token, instance="one") as socket,
        opened(home, ada, TOOLS) as seen,
        opened(home, again, TOOLS) as other,
    ):
        page = seen.page
        await other.page.get_by_text("live", exact=True).wait_for()
        await row(page, XSS).get_by_text("1 listening").wait_for()
        await row(page, "reader").get_by_text("offline").wait_for()
        await page.get_by_role("button", name=f"Revoke {XSS}").click()
        revoking = dialog(page, f"Revoke “{XSS}”")
        assert await revoking.get_by_role("button", name="Revoke it").is_disabled()
        assert await axe(page) == []
        await revoking.get_by_role("textbox").fill(XSS)
        await revoking.get_by_role("button", name="Revoke it").click()
        await show_again(seen)
        await page.get_by_role("heading", name=f"The tool “{XSS}” is revoked").wait_for()
        await row(page, XSS).wait_for(state="detached")
        panel = page.get_by_role("region", name=f"Who has heard: The tool “{XSS}” is revoked")
        assert "final" in await panel.get_by_role("status").inner_text()
        # Told to the other window, too, in which it is gone as well.
        await other.page.get_by_role("heading", name=f"The tool “{XSS}” is revoked").wait_for()
        await row(other.page, XSS).wait_for(state="detached")
        assert await row(other.page, "reader").count() == 1
        assert (await chat(home, token)).status_code == 401
        assert (await socket.event("KeyRevoked"))["reason"] == "TOOL_REVOKED"
        assert await axe(page) == []
        assert [*seen.complaints, *other.complaints] == []


async def test_a_tool_shows_when_it_last_heard_and_that_it_has_not_yet(home: House) -> None:
    ada = await home.person()
    one, two = await ada.key(), await ada.key()
    _, token = await ada.tool(name="reader")
    tool = await home.visitor(token=token)
    async with home.listening(token) as socket, opened(home, ada, TOOLS) as seen:
        line = row(seen.page, "reader")
        await ada.do("removeKey", id=one["id"])
        event = await socket.event("KeyRevoked")
        await line.get_by_text("not yet heard the last one").wait_for()
        await tool.do("acknowledgeRevocation", cursor=event["cursor"])
        await seen.page.evaluate("dispatchEvent(new Event('focus'))")  # or in five seconds
        await line.get_by_text("heard a revocation").wait_for()
        await line.get_by_text("not yet heard the last one").wait_for(state="detached")
        await ada.do("removeKey", id=two["id"])
        await line.get_by_text("not yet heard the last one").wait_for()
        assert await axe(seen.page) == []
        assert seen.complaints == []


async def test_a_user_token_is_made_with_its_scopes_shown_once_and_revoked(home: House) -> None:
    ada = await home.person()
    become_stale(home)
    async with opened(home, ada, TOOLS) as seen:
        page = seen.page
        await page.get_by_role("button", name="Make a user token").click()
        making = dialog(page, "Make a user token")
        await making.get_by_label("Name", exact=True).fill(XSS)
        assert await making.get_by_label("See keys (masked)").is_checked()
        await making.get_by_label("See keys (masked)").uncheck()
        await making.get_by_role("button", name="Make it").click()
        await making.get_by_text("Tick what it may do.").wait_for()
        await making.get_by_label("Read the audit trail").check()
        assert await axe(page) == []
        await making.get_by_role("button", name="Make it").click()
        await show_again(seen)
        token = await kept(page, XSS)
        program = await home.visitor(token=token)
        assert (await program.get("auditLog"))["nodes"]
        await row(page, XSS).get_by_text("audit:read").wait_for()
        assert await axe(page) == []

        await page.get_by_role("button", name=f"Revoke the token {XSS}").click()
        revoking = dialog(page, f"Revoke the token “{XSS}”")
        await revoking.get_by_role("textbox").fill(XSS)
        await revoking.get_by_role("button", name="Revoke it").click()
        await row(page, XSS).wait_for(state="detached")
        assert "errors" in (await program.ask("auditLog")).json()
        assert seen.complaints == []
