"""What axe finds wrong with a page: the checks of WCAG 2.2, A and AA, that a program can make.

axe runs in a world of its own beside the page's scripts: it reads the same elements and styles,
the page's policy stays as strict as it is served, and the page's own scripts see nothing of it.

    assert await axe(seen.page) == []
    await seen.page.emulate_media(color_scheme="dark")
    assert await axe(seen.page, rules=CONTRAST) == []
"""

import functools
import json
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.async_api import Page

# https://www.deque.com/axe/core-documentation/api-documentation/#axecore-tags: each version's tags
# hold what that version added.
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
# Off by default in axe although WCAG 2.2 AA asks for it (2.5.8): 24 by 24 CSS pixels.
_MORE: Final = {"target-size": {"enabled": True}}
CONTRAST: Final = ("color-contrast", "link-in-text-block")
"""The rules that another colour scheme can break, where the rest was seen to hold."""
_LOOKED_AT: Final = "[...document.querySelectorAll('dialog:modal')].at(-1) ?? document"


async def axe(page: "Page", *, rules: Sequence[str] = ()) -> list[str]:
    """Give each violation as a short sentence: the rule, what it asks for, and where it is broken.

    All rules of `TAGS`, or those that are named. Beneath an open dialog all is inert, and is not
    looked at. The page must be at rest: what is still fading in has its colours measured half way.
    """
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    options = {"runOnly": only, "rules": {} if rules else _MORE, "resultTypes": ["violations"]}
    devtools = await page.context.new_cdp_session(page)
    try:
        frame = (await devtools.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        world = await devtools.send(
            "Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"}
        )
        context = world["executionContextId"]
        if not await _evaluate(devtools, context, "'axe' in globalThis"):
            await _evaluate(devtools, context, _source())
        found = await _evaluate(devtools, context, f"axe.run({_LOOKED_AT}, {json.dumps(options)})")
    finally:
        await devtools.detach()
    assert found["passes"], "axe found nothing that it could look at"
    return [
        f"{violation['id']}: {violation['help']}. At {_place(node)}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def _evaluate(devtools: Any, context: int, expression: str) -> Any:
    answer = await devtools.send(
        "Runtime.evaluate",
        {
            "expression": expression,
            "contextId": context,
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")


@functools.cache
def _source() -> str:
    """Give axe-core as the package brings it, with a value at its end that can be handed over."""
    package = resources.files("axe_playwright_python")
    return f"{(package / 'axe.min.js').read_text(encoding='utf-8')}\n;0"


def _place(node: dict[str, Any]) -> str:
    """Tell which element, and what is wrong with it there."""
    where = " in ".join(str(part) for part in node["target"])
    why = " ".join(node["failureSummary"].split())
    return f"{where}: {why}"
