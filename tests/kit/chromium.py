"""A real Chromium for the tests of pages: Debian's own, headless, driven by Playwright.

    from tests.kit.chromium import ONE_BROWSER, window

    pytestmark = ONE_BROWSER

    async def test_it_shows(tmp_path: Path) -> None:
        async with house(tmp_path) as home, window(color_scheme="dark") as seen:
            await seen.page.goto(f"{home.url}/sign-in")
            assert seen.complaints == []

`window(**options)` opens a window whose cookies, storage and cache are apart from every other's:
two windows are two people. The options are those of Playwright's `Browser.new_context`: viewport,
color_scheme, reduced_motion, timezone_id, java_script_enabled. A `Window` has its `page`, each
address that was asked for (`addresses`), and all that the browser complained of or a script wrote
to the console (`complaints`); `await seen.another()` opens a second page in the same window.
`window(profile=folder)` writes what a browser keeps into that folder, to be searched afterwards.
`browser()` gives the browser itself; contexts opened in it are closed behind it.

Tests marked `ONE_BROWSER` share one browser and one event loop, that of the session: a browser
belongs to the loop in which it was launched. All tests of such a module are `async def`, and async
fixtures that they ask for are made with `loop_scope="session"`. Unmarked tests work as well, but
each launches a browser of its own, which costs one to two seconds.

Whoever has no Chromium skips these tests, and the run says so at its end. `BROWSER=required` in
the environment makes failures of them: so it is in `.ci/run`.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page, Playwright

_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser")
# The shell is the same browser without a window's trappings: a third of the work for each page.
CHROMIUM: Final = next(filter(None, map(shutil.which, _NAMES)), None)
"""Where it is; None where there is none."""
SWITCHES: Final = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ONE_BROWSER: Final = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("one_browser"),
]
MISSING: Final = "a test of the pages needs Chromium (`apt-get install chromium-headless-shell`)"
WITHIN_MILLISECONDS: Final = 15_000
"""For how long a page may take for one step, on a machine that does much else."""


@dataclass(eq=False)
class Window:
    """One window of a browser, and everything that it asked for or complained of."""

    context: "BrowserContext"
    page: "Page"
    addresses: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def another(self) -> "Page":
        """Open another page in this window; it shares cookies and storage with the first."""
        return await self.context.new_page()

    def _listen(self, page: "Page") -> None:
        page.on("websocket", lambda socket: self.addresses.append(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text))


async def sideways(page: "Page") -> int:
    """Give by how much a page is wider than its window, in CSS pixels."""
    wider: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wider


async def with_authenticator(page: "Page") -> Any:
    """Give the browser an authenticator whose owner is always at hand."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools


def needs_chromium() -> None:
    """Skip the test that calls it where there is no browser; fail it where there has to be one."""
    if CHROMIUM is None:
        if os.environ.get("BROWSER") == "required":
            pytest.fail(MISSING, pytrace=False)
        pytest.skip(MISSING)


@asynccontextmanager
async def browser() -> AsyncIterator["Browser"]:
    """Give the browser that is shared, or one of its own to a test that shares none."""
    needs_chromium()
    shared = _shared.get(asyncio.get_running_loop())
    if shared is None:
        async with AsyncExitStack() as stack:
            yield await _launch(await _driver(stack), stack)
        return
    launched = await shared.browser()
    before = set(launched.contexts)
    try:
        yield launched
    finally:
        for context in set(launched.contexts) - before:
            await context.close()


@asynccontextmanager
async def window(profile: Path | None = None, **options: Any) -> AsyncIterator[Window]:
    """Open a window; the options are those of `Browser.new_context`."""
    if profile is None:
        async with browser() as launched:
            yield await _watched(await launched.new_context(**options))
        return
    needs_chromium()
    shared = _shared.get(asyncio.get_running_loop())
    async with AsyncExitStack() as stack:
        driver = await _driver(stack) if shared is None else await shared.driver()
        context = await driver.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=SWITCHES, **options
        )
        stack.push_async_callback(context.close)
        yield await _watched(context)


async def _watched(context: "BrowserContext") -> Window:
    context.set_default_timeout(WITHIN_MILLISECONDS)
    page = context.pages[0] if context.pages else await context.new_page()
    seen = Window(context, page)
    context.on("request", lambda request: seen.addresses.append(request.url))
    context.on("page", seen._listen)
    seen._listen(page)
    return seen


async def _driver(stack: AsyncExitStack) -> "Playwright":
    from playwright.async_api import async_playwright  # noqa: PLC0415 - half a second to import

    return await stack.enter_async_context(async_playwright())


async def _launch(driver: "Playwright", stack: AsyncExitStack) -> "Browser":
    launched = await driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
    stack.push_async_callback(launched.close)
    return launched


@dataclass(eq=False)
class _Shared:
    """What tests of one loop share, started when the first of them asks."""

    stack: AsyncExitStack
    started: "Playwright | None" = None
    launched: "Browser | None" = None

    async def driver(self) -> "Playwright":
        if self.started is None:
            self.started = await _driver(self.stack)
        return self.started

    async def browser(self) -> "Browser":
        if self.launched is None or not self.launched.is_connected():
            self.launched = await _launch(await self.driver(), self.stack)
        return self.launched


_shared: Final[dict[asyncio.AbstractEventLoop, _Shared]] = {}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_browser() -> AsyncIterator[None]:
    """Have the tests of the session's loop share a browser, and close it behind the last."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        _shared[loop] = _Shared(stack)
        try:
            yield
        finally:
            del _shared[loop]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was not shown for want of a browser, where nobody can overlook it."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if MISSING in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.section("not shown, for want of a browser", yellow=True)
        terminalreporter.line(
            f"{len(skipped)} tests of the pages were skipped: they need Chromium. "
            "`apt-get install chromium-headless-shell`, and run them again.",
            yellow=True,
        )
