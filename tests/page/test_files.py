"""Files: shown, downloaded and deleted by their owner, in a real Chromium and over a socket."""

from pathlib import Path

from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER
from tests.kit.dashboard import become_stale, opened, show_again
from tests.kit.graphql_client import House, Visitor, house
from tests.kit.spending import NO_FILE, kept

pytestmark = ONE_BROWSER


async def keeper(home: House) -> tuple[Visitor, str]:
    """Give somebody with a key, and a tool's token."""
    ada = await home.person()
    await ada.key()
    _, token = await ada.tool(name="night writer")
    return ada, token


async def test_a_file_is_listed_downloaded_and_deleted(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, token = await keeper(home)
        async with opened(home, ada, "/files", accept_downloads=True) as seen:
            page = seen.page
            await page.get_by_role("heading", name="Nothing is kept").wait_for()
            assert await axe(page) == []
            name = "<img src=x onerror=alert(1)>\"'.json"
            await kept(home, ada, token, name)
            become_stale(home)
            await page.reload()
            row = page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))
            await row.get_by_text("night writer").wait_for()
            assert await axe(page) == []

            async with page.expect_download() as coming:
                await row.get_by_role("link", name=f"Download {name}").click()
            download = await coming.value
            await download.save_as(tmp_path / "downloaded")
            assert b'"object":"list"' in (tmp_path / "downloaded").read_bytes()

            await row.get_by_role("button", name=f"Delete {name}").click()
            asking = page.get_by_role("dialog", name="Delete this file")
            assert await axe(page) == []
            await asking.get_by_role("button", name="Delete it").click()
            await show_again(seen)
            await page.get_by_role("heading", name="Nothing is kept").wait_for()
            assert seen.complaints == []


async def test_it_comes_as_a_download_that_nothing_runs(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        ada, token = await keeper(home)
        file = await kept(home, ada, token, "all of 'it'.html")
        answer = await ada.http.get(f"/files/{file}")
        assert answer.status_code == 200
        name = "filename*=UTF-8''all%20of%20%27it%27.html"
        assert answer.headers["content-disposition"] == f"attachment; {name}"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert int(answer.headers["content-length"]) == len(answer.content)


async def test_nobody_else_gets_it(home: House) -> None:
    ada, token = await keeper(home)
    file = await kept(home, ada, token)
    bob = await home.person()
    hers, none = [await bob.http.get(f"/files/{each}") for each in (file, NO_FILE)]
    assert (hers.status_code, hers.content) == (none.status_code, none.content)
    assert hers.status_code == 404
    foreign = await ada.http.get(f"/files/{file}", headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    for other in (await home.visitor(), await home.visitor(token=token)):
        answer = await other.http.get(f"/files/{file}")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=/dashboard/files"
