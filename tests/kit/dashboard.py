"""The dashboard as a person meets it: a window of a real browser in which they are signed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.kit.chromium import Window, window
from tests.kit.graphql_client import PASSWORD, House, Visitor

XSS: Final = "<img src=x onerror=alert(1)>\"'`{{7*7}}"
"""Text that must stay text wherever it is shown."""


@asynccontextmanager
async def opened(
    home: House,
    someone: Visitor,
    path: str = "",
    *,
    profile: Path | None = None,
    **options: Any,
) -> AsyncIterator[Window]:
    """Open a page beneath /dashboard, signed in as somebody; wait until it shows what it has."""
    async with window(profile, **options) as seen:
        await let_in(seen, home, someone)
        await visit(seen, home, path)
        yield seen


async def let_in(seen: Window, home: House, someone: Visitor) -> None:
    """Hand a window somebody's cookies: from now on they are signed in there."""
    cookies = someone.http.cookies.items()
    await seen.context.add_cookies(
        [{"name": name, "value": value, "url": home.url} for name, value in cookies]
    )


async def visit(seen: Window, home: House, path: str) -> None:
    """Go to a page beneath /dashboard, and wait until it shows what it has."""
    await seen.page.goto(f"{home.url}/dashboard{path}")
    await seen.page.locator("main h1").wait_for()
    await seen.page.locator(".waiting").wait_for(state="detached")


def become_stale(home: House) -> None:
    """Let the login be longer ago than a fresh one may be."""
    home.clock.forward(seconds=360)


async def show_again(seen: Window) -> None:
    """Give the password in the dialog that asks for it."""
    asking = seen.page.get_by_role("dialog", name="Show again who you are")
    await asking.get_by_label("Password").fill(PASSWORD)
    await asking.get_by_role("button", name="Go on").click()
    await asking.wait_for(state="detached")
