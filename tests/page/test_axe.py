"""The tool by which pages are judged: axe finds what is broken, whatever the page forbids."""

from tests.kit.axe import CONTRAST, axe
from tests.kit.chromium import ONE_BROWSER, window

pytestmark = ONE_BROWSER

_PAGE = "http://page.test/"
_BROKEN = """<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>
  <label>Name <input></label>
  <input>
  <font color="#bbb">pale</font>
  <p><a href="/a">a</a><a href="/b">b</a></p>
  <dialog aria-label="Nothing else can be reached"><button></button></dialog>"""
# As strict as a policy gets: no script, no string made into one.
_STRICT = "default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"


async def test_axe_finds_what_is_broken_and_the_page_sees_nothing_of_it() -> None:
    async with window() as seen:
        await seen.page.route(
            _PAGE,
            lambda route: route.fulfill(
                body=_BROKEN,
                content_type="text/html",
                headers={"content-security-policy": _STRICT},
            ),
        )
        await seen.page.goto(_PAGE)
        found = await axe(seen.page)
        rules = sorted(each.partition(":")[0] for each in found)
        assert rules == ["color-contrast", "label", "target-size", "target-size"], found
        assert [each.partition(":")[0] for each in await axe(seen.page, rules=CONTRAST)] == [
            "color-contrast"
        ]
        await seen.page.evaluate("document.querySelector('dialog').showModal()")
        assert [each.partition(":")[0] for each in await axe(seen.page)] == ["button-name"]
        devtools = await seen.context.new_cdp_session(seen.page)
        kind = await devtools.send("Runtime.evaluate", {"expression": "typeof axe"})
        assert kind["result"]["value"] == "undefined"
        assert seen.complaints == []
