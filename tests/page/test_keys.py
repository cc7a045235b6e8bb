"""Settings → Keys in a real Chromium: added, revealed, rotated, removed, and never left behind."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from keysteward.demo.fake_provider import Gate, KeyKind, Mode
from tests.canary.search import forms_of
from tests.kit.axe import axe
from tests.kit.canary import canary
from tests.kit.chromium import ONE_BROWSER, Window
from tests.kit.dashboard import XSS, become_stale, opened, show_again
from tests.kit.graphql_client import House, house
from tests.kit.spending import ceiling

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page, Response

pytestmark = ONE_BROWSER

KEYS: Final = "/settings/keys"
STREAM: Final = {
    "model": "gpt-4o-mini",
    "stream": True,
    "messages": [{"role": "user", "content": "Who?"}],
}


def row(page: "Page", label: str) -> "Locator":
    """Give a key's row."""
    return page.get_by_role("row").filter(has=page.get_by_text(label, exact=True))


async def add(page: "Page", secret: str, label: str) -> "Locator":
    """Add a key by hand, as far as the button that sends it; give the dialog."""
    await page.get_by_role("button", name="Add a key").first.click()
    adding = page.get_by_role("dialog", name="Add a key")
    await adding.get_by_label("The provider's key").fill(secret)
    await adding.get_by_label("Label").fill(label)
    return adding


async def test_a_key_is_added_and_its_provider_known_by_how_it_begins(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        secret = canary("anthropic")
        async with opened(home, ada, KEYS) as seen:
            page = seen.page
            await page.get_by_role("heading", name="No key yet").wait_for()
            assert await axe(page) == []

            adding = await add(page, f'export ANTHROPIC_API_KEY="{secret}"', "mine")
            await adding.get_by_text("This looks like a key of Anthropic.").wait_for()
            assert await adding.get_by_label("Provider", exact=True).input_value() == "anthropic"
            assert await axe(page) == []
            await adding.get_by_role("button", name="Keep it").click()
            kept = page.get_by_role("dialog", name="The key is kept")
            await kept.get_by_text("active", exact=True).wait_for()
            await kept.get_by_role("button", name="Done").click()
            await row(page, "mine").get_by_text("verified").wait_for()
            assert await row(page, "mine").get_by_text("default", exact=True).count() == 1
            assert secret not in await everywhere(seen)
            assert await axe(page) == []
            assert seen.complaints == []
        (key,) = await ada.get("keys")
        assert (await ada.do("revealKey", id=key["id"]))["secret"] == secret


async def test_a_key_that_the_provider_refuses_is_kept_only_on_the_owners_word(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        secret = canary()
        home.provider.keys[secret] = KeyKind.REJECTED
        async with opened(home, ada, KEYS) as seen:
            page = seen.page
            adding = await add(page, secret, "odd")
            await adding.get_by_role("button", name="Keep it").click()
            anyway = adding.get_by_role("button", name="Keep it all the same")
            await anyway.wait_for()
            assert await ada.get("keys") == []
            await anyway.click()
            await page.get_by_role("dialog", name="The key is kept").wait_for()
            assert [key["state"] for key in await ada.get("keys")] == ["REJECTED"]

            await page.get_by_role("button", name="Done").click()
            adding = await add(page, "no key at all", "bad")
            await adding.get_by_label("Provider", exact=True).select_option("openai")
            await adding.get_by_role("button", name="Keep it").click()
            await adding.get_by_role("alert").wait_for()
            assert len(await ada.get("keys")) == 1


async def test_a_key_is_revealed_on_a_fresh_login_and_hides_itself_after_30_seconds(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        secret = canary()
        await ada.key(secret=secret, label="mine")
        become_stale(home)
        async with opened(home, ada, KEYS) as seen:
            page = seen.page
            await page.clock.install()
            assert secret not in await everywhere(seen)

            await page.get_by_role("button", name="Reveal OpenAI mine").click()
            asking = page.get_by_role("dialog", name="Show again who you are")
            await asking.wait_for()
            assert await axe(page) == []
            await page.keyboard.press("Escape")
            await asking.wait_for(state="detached")
            assert secret not in await everywhere(seen)

            await page.get_by_role("button", name="Reveal OpenAI mine").click()
            await asking.get_by_label("Password").fill("not the password")
            await asking.get_by_role("button", name="Go on").click()
            await asking.get_by_role("alert").wait_for()
            await show_again(seen)
            await page.get_by_text(secret).wait_for()
            await page.clock.fast_forward(29_000)
            assert await page.get_by_text(secret).count() == 1
            await page.clock.fast_forward(2_000)
            await page.get_by_text(secret).wait_for(state="detached")
            assert secret not in await everywhere(seen)

            await page.get_by_role("button", name="Reveal OpenAI mine").click()
            await page.get_by_text(secret).wait_for()
            await page.get_by_role("button", name="Hide OpenAI mine").click()
            await page.get_by_text(secret).wait_for(state="detached")
            assert secret not in await everywhere(seen)


async def test_a_key_is_copied_without_being_shown(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        secret = canary()
        await ada.key(secret=secret, label="mine")
        async with opened(
            home, ada, KEYS, permissions=["clipboard-read", "clipboard-write"]
        ) as seen:
            page = seen.page
            await page.evaluate(
                "new MutationObserver(() => { if (document.body.innerHTML.includes('CANARY'))"
                " window.wasShown = true; }).observe(document.body, {childList: true,"
                " subtree: true, characterData: true})"
            )
            await row(page, "mine").get_by_role("button", name="Copy").click()
            await row(page, "mine").get_by_role("button", name="Copied").wait_for()
            assert await page.evaluate("window.wasShown") is None
            await page.get_by_role("button", name="Add a key").click()
            field = page.get_by_label("The provider's key")
            await field.focus()  # a script of the page's own can't read the clipboard
            await page.keyboard.press("Control+V")
            assert await field.input_value() == secret


async def test_a_new_key_takes_an_old_ones_place_once_it_is_verified(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        key = await ada.key(label="mine")
        bad, good = canary(), canary()
        home.provider.keys[bad] = KeyKind.REJECTED
        async with opened(home, ada, KEYS) as seen:
            page = seen.page
            await page.get_by_role("button", name="Rotate OpenAI mine").click()
            dialog = page.get_by_role("dialog", name="Rotate OpenAI “mine”")
            await dialog.get_by_label("The new key").fill(bad)
            await dialog.get_by_role("button", name="Put it in place").click()
            await dialog.get_by_role("button", name="Keep it all the same").wait_for()
            assert (await ada.get("key", id=key["id"]))["version"] == 1
            assert await axe(page) == []
            await dialog.get_by_label("The new key").fill(good)
            await dialog.get_by_role("button", name="Put it in place").click()
            await dialog.wait_for(state="detached")
            await row(page, "mine").get_by_text("active", exact=True).wait_for()
            assert (await ada.get("key", id=key["id"]))["version"] == 2
            assert (await ada.do("revealKey", id=key["id"]))["secret"] == good

            home.provider.mode = Mode.ERROR_500
            await page.get_by_role("button", name="Rotate OpenAI mine").click()
            await dialog.get_by_label("The new key").fill(canary("anthropic"))
            await dialog.get_by_role("button", name="Put it in place").click()
            await dialog.get_by_text("The old one stays.").wait_for()
            await dialog.get_by_role("button", name="Keep it all the same").click()
            done = page.get_by_role("dialog", name="The new key is in place")
            await done.get_by_text("This looks like a key of Anthropic").wait_for()
            assert await axe(page) == []
            await done.get_by_role("button", name="Done").click()
            await row(page, "mine").get_by_text("not verified", exact=True).wait_for()


async def test_what_the_provider_says_when_it_is_asked_again_is_what_one_is_told(
    home: House,
) -> None:
    ada = await home.person()
    secret = canary()
    await ada.key(label="cle\u0301", secret=secret)  # as a Mac writes it, in two characters
    home.provider.keys[secret] = KeyKind.REJECTED
    async with opened(home, ada, KEYS) as seen:
        page = seen.page
        await page.get_by_role("button", name="Verify OpenAI").click()
        await page.get_by_role("status").get_by_text("OpenAI cle\u0301: rejected.").wait_for()
        await page.get_by_text("refused", exact=False).wait_for()
        await page.get_by_role("button", name="Remove OpenAI").click()
        asking = page.get_by_role("dialog", name="Remove OpenAI")
        await asking.get_by_label("to confirm").fill("cl\u00e9")  # as a keyboard does, in one
        await asking.get_by_role("button", name="Remove it").click()
        await asking.wait_for(state="detached")
    assert await ada.get("keys") == []


async def test_a_removal_says_which_tools_use_the_key_and_then_who_has_heard(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        await ada.key(label="mortal")
        _, token = await ada.tool(name="night writer")
        gate = home.provider.gate = Gate(after=2)
        tool = (await home.visitor(token=token)).http
        running = asyncio.ensure_future(tool.post("/via/openai/v1/chat/completions", json=STREAM))
        await gate.reached(1)
        async with (
            home.listening(token, "one") as listener,
            opened(home, ada, KEYS) as seen,
            opened(home, await home.signed_in(ada), KEYS) as other,
        ):
            page = seen.page
            await other.page.get_by_text("live", exact=True).wait_for()
            await page.get_by_role("button", name="Remove OpenAI mortal").click()
            asking = page.get_by_role("dialog", name="Remove OpenAI “mortal”")
            await asking.get_by_text("night writer").wait_for()
            assert await axe(page) == []
            button = asking.get_by_role("button", name="Remove it")
            assert await button.is_disabled()
            await asking.get_by_label("Type mortal to confirm").fill("mortal")

            async with page.expect_response(_removal) as answered:
                await button.click()
            await answered.value
            final = time.monotonic()
            await row(other.page, "mortal").wait_for(state="detached")
            assert time.monotonic() - final < 1
            await other.page.get_by_text("OpenAI “mortal” is removed").wait_for()

            event = await listener.event("KeyRevoked")
            assert b"key_removed" in (await _end(running)).content
            await page.get_by_text("final · 1 call cut · heard by 0 of 1 running tool").wait_for()
            tools = await home.visitor(token=token)
            await tools.do("acknowledgeRevocation", cursor=event["cursor"], instance="one")
            await page.get_by_text("heard by 1 of 1 running tool · ").wait_for()
            await other.page.get_by_text("heard by 1 of 1 running tool · ").wait_for()
            assert await row(page, "mortal").count() == 0
            assert await axe(page) == []
            gate.release()


async def _end(running: "asyncio.Future[httpx.Response]") -> httpx.Response:
    async with asyncio.timeout(30):
        return await running


async def _removal(response: "Response") -> bool:
    return "removeKey" in (response.request.post_data or "")


async def test_each_key_says_how_it_stands_and_the_list_can_be_saved(
    home: House, tmp_path: Path
) -> None:
    ada = await home.person()
    scoped = await ada.key("anthropic", label="scoped")
    broken = await ada.key(label="broken")
    home.rows("UPDATE keys SET state = 'SCOPED' WHERE id = ?", scoped["id"])
    home.rows(
        "UPDATE seals SET sealed = zeroblob(length(sealed))"
        " WHERE slot = (SELECT slot FROM keys WHERE id = ?)",
        broken["id"],
    )
    await ceiling(ada, "25")
    async with opened(home, ada, KEYS) as seen:
        page = seen.page
        await row(page, "scoped").get_by_text("scoped", exact=True).nth(1).wait_for()
        await row(page, "broken").get_by_text("needs re-entry", exact=True).wait_for()
        assert await row(page, "broken").get_by_role("button", name="Reveal").count() == 0
        bar = row(page, "broken").get_by_role("img")
        label = "$0.00 used, $0.00 held by running calls, $25.00 left of $25.00"
        assert await bar.get_attribute("aria-label") == label
        become_stale(home)
        for form in ("CSV", "JSON"):
            async with page.expect_download() as saving:
                await page.get_by_role("button", name=f"Save the list as {form}").click()
                if form == "CSV":
                    await show_again(seen)
            saved = await saving.value
            assert saved.suggested_filename.endswith(form.lower())
            await saved.save_as(tmp_path / form)
            assert scoped["id"] in (tmp_path / form).read_text(encoding="utf-8")
        assert await axe(page) == []
        assert seen.complaints == []


async def test_what_an_owner_writes_stays_text(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        await ada.key(label=XSS)
        _, token = await ada.tool(name=XSS)
        tool = (await home.visitor(token=token)).http
        await tool.post("/via/openai/v1/chat/completions", json=STREAM)
        async with opened(home, ada, KEYS) as seen:
            page = seen.page
            await row(page, XSS).get_by_text(f"by {XSS}").wait_for()
            await page.get_by_role("button", name=f"Remove OpenAI {XSS}").click()
            await page.get_by_role("dialog").get_by_role("strong").last.wait_for()
            assert await page.evaluate("document.images.length") == 1  # the shell's own
            assert seen.complaints == []


async def test_a_key_is_nowhere_but_in_the_answer_to_reveal(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        secret, typed = canary(), canary()
        await ada.key(secret=secret, label="mine")
        profile = tmp_path / "profile"
        answers: list[tuple[str, str, str]] = []
        async with opened(home, ada, KEYS, profile=profile) as seen:
            page = seen.page

            async def keep(response: "Response") -> None:
                if response.status != 304:
                    kept = response.headers.get("cache-control", "")
                    answers.append((response.request.post_data or "", await response.text(), kept))

            page.on("response", keep)
            adding = await add(page, typed, "typed")
            await adding.get_by_role("button", name="Keep it").click()
            await page.get_by_role("button", name="Done").click()
            await page.get_by_role("button", name="Reveal OpenAI mine").click()
            await page.get_by_text(secret).wait_for()
            await page.get_by_role("button", name="Hide OpenAI mine").click()
            await page.reload()
            await row(page, "mine").wait_for()
            assert secret not in await everywhere(seen)
            assert typed not in await everywhere(seen)
            assert (
                await page.evaluate(
                    "Promise.all([caches.keys(), indexedDB.databases()])"
                    ".then((found) => found.flat().length + localStorage.length"
                    " + sessionStorage.length)"
                )
                == 0
            )
            assert seen.complaints == []
            assert not any(secret in address or typed in address for address in seen.addresses)

        holding = [(asked, kept) for asked, body, kept in answers if secret in body]
        assert len(holding) == 1
        assert "revealKey" in holding[0][0]
        assert holding[0][1] == "no-store"
        assert not any(typed in body for _, body, _ in answers)
        files = [file for file in profile.rglob("*") if file.is_file()]
        assert len(files) > 10
        needles = {form for each in (secret, typed) for form in _forms(each)}
        for file in files:
            content = file.read_bytes()
            assert not any(needle in content for needle in needles), file.relative_to(profile)


def _forms(secret: str) -> set[bytes]:
    """Give the six encodings in which the canary search looks."""
    return set[bytes]().union(*forms_of(secret.encode()).values())


async def everywhere(seen: Window) -> str:
    """Give all that the page holds: elements, what is typed into fields, address, history."""
    held: Any = await seen.page.evaluate(
        "document.documentElement.outerHTML + [...document.querySelectorAll('input,textarea')]"
        ".map((field) => field.value).join('\\n') + location.href + document.title"
        " + JSON.stringify(history.state)"
    )
    return f"{held}{' '.join(seen.addresses)}{' '.join(seen.complaints)}"
