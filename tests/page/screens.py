"""Makes the pictures in docs/screens: every page of an installation that has been used for a while.

`make screens`. The account, its keys and its calls are made up; the server, its provider's wire
formats and the browser are real.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import keysteward.house  # noqa: F401 - before anything of the server's
from keysteward.doors.places import DASHBOARD, DASHBOARD_PAGES
from tests.kit.chromium import window
from tests.kit.clock import MovedClock
from tests.kit.dashboard import opened
from tests.kit.graphql_client import House, Visitor, house
from tests.kit.spending import calls, ceiling, kept

SCREENS: Final = Path(__file__).resolve().parents[2] / "docs" / "screens"
DAY: Final = 86_400
DAYS: Final = 12
SIZE: Final = {"width": 1280, "height": 800}
DOORS: Final = ("/sign-in", "/sign-up", "/reset", "/security")
PRICES: Final = {
    ("openai", "gpt-5"): "0.18",
    ("openai", "gpt-4o-mini"): "0.03",
    ("anthropic", "claude-sonnet-4-5"): "0.12",
    ("anthropic", "claude-haiku-4-5"): "0.05",
    ("google", "gemini-2.5-flash"): "0.02",
}
TAKES_ITS_TOKEN: Final = {"google": "x-goog-api-key", "anthropic": "x-api-key"}
WORK: Final = {
    "research agent": [("openai", "gpt-5", 3), ("anthropic", "claude-sonnet-4-5", 2)],
    "nightly report": [("openai", "gpt-4o-mini", 2), ("google", "gemini-2.5-flash", 1)],
    "support desk": [("anthropic", "claude-haiku-4-5", 3)],
}
HELLO: Final = [{"role": "user", "content": "Summarise the day for the people at the desk."}]


async def main(folder: Path) -> None:
    """Make an installation, use it, and take the pictures."""
    clock = MovedClock((time.time_ns() // 1000) - DAYS * DAY * 10**6)
    with tempfile.TemporaryDirectory() as data:
        async with house(Path(data), clock=clock) as home:
            ada, tokens = await settled(home)
            for day in range(DAYS):
                await worked(home, tokens, day)
                clock.forward(seconds=DAY)
            await worked(home, tokens, DAYS)
            ada = await home.signed_in(ada)  # a session ends after a day in which nobody came
            await calls(ada)
            async with (
                home.listening(tokens["research agent"], "one"),
                home.listening(tokens["support desk"], "one"),
            ):
                await pictures(home, ada, folder)


async def settled(home: House) -> tuple[Visitor, dict[str, str]]:
    """Give somebody with keys, tools and ceilings, and their tools' tokens."""
    ada = await home.person()
    await home.verify(ada)
    for provider, label, verify in (
        ("openai", "production", True),
        ("openai", "staging", False),
        ("anthropic", "production", True),
        ("google", "production", True),
        ("stripe", "billing", False),
        ("elevenlabs", "voices", False),
    ):
        await ada.key(provider, label=label, verify=verify)
    tokens = {name: (await ada.tool(name=name))[1] for name in WORK}
    await ceiling(ada, "25", provider="openai")
    await ceiling(ada, "9", provider="anthropic")
    for (provider, model), each in PRICES.items():
        rates = [{"measure": "REQUEST", "amount": each}]
        await ada.do("setPrice", provider=provider, item=model, rates=rates)
    gone = await ada.key("openai", label="leaked")
    await ada.do("removeKey", id=gone["id"])
    return ada, tokens


async def worked(home: House, tokens: dict[str, str], day: int) -> None:
    """Have each tool do a day's work; some days there is more of it."""
    tool = (await home.visitor()).http
    for number, (name, token) in enumerate(tokens.items()):
        for provider, model, count in WORK[name]:
            header = TAKES_ITS_TOKEN.get(provider, "authorization")
            value = token if provider in TAKES_ITS_TOKEN else f"Bearer {token}"
            headers = {header: value, "anthropic-version": "2023-06-01"}
            for _ in range(count + (day * 7 + number * 3) % 4):
                path, body = _path(provider, model), _body(provider, model)
                answer = await tool.post(f"/via/{provider}{path}", json=body, headers=headers)
                answer.raise_for_status()


def _path(provider: str, model: str) -> str:
    return {
        "openai": "/v1/chat/completions",
        "anthropic": "/v1/messages",
        "google": f"/v1beta/models/{model}:generateContent",
    }[provider]


def _body(provider: str, model: str) -> dict[str, Any]:
    if provider == "google":
        parts = [{"text": HELLO[0]["content"]}]
        return {"contents": [{"parts": parts}], "generationConfig": {"maxOutputTokens": 2000}}
    return {"model": model, "messages": HELLO, "max_tokens": 2000}


async def pictures(home: House, ada: Visitor, folder: Path) -> None:
    """Take each page in both schemes."""
    some = (await ada.tool(name="archive"))[1]
    await kept(home, ada, some, "models of 26 November.json")
    for scheme in ("light", "dark"):
        async with opened(home, ada, color_scheme=scheme, viewport=SIZE) as seen:
            for path in DASHBOARD_PAGES:
                await seen.page.goto(f"{home.url}{path}")
                await seen.page.locator("main h1").wait_for()
                await seen.page.locator(".waiting").wait_for(state="detached")
                await seen.page.get_by_text("live", exact=True).wait_for()
                name = path.removeprefix(DASHBOARD).strip("/").replace("/", "-") or "overview"
                await seen.page.screenshot(path=folder / f"{name}-{scheme}.png")
            await seen.page.goto(f"{home.url}/graphiql")
            await seen.page.get_by_role("button", name="Execute query").wait_for()
            await seen.page.screenshot(path=folder / f"graphiql-{scheme}.png")
        async with window(color_scheme=scheme, viewport=SIZE) as seen:
            for path in DOORS:
                await seen.page.goto(f"{home.url}{path}")
                await seen.page.screenshot(path=folder / f"{path.strip('/')}-{scheme}.png")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else SCREENS))
