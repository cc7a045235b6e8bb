"""An account takes another address: its tools go on by themselves, and hear each removal once."""

import asyncio
from pathlib import Path

from keysteward.client import Listener
from tests.client.conftest import Heard
from tests.kit.graphql_client import PASSWORD, House, Visitor, house


async def _move(home: House, ada: Visitor) -> None:
    new = f"new-{ada.address}"
    await ada.do("changeAddress", address=new)
    changed = await ada.do("confirmAddress", ticket=await home.ticket(new, "/address"))
    assert changed["__typename"] == "AddressChanged"
    ada.address = new
    await ada.do("signIn", address=new, password=PASSWORD)


async def test_a_listener_goes_on_across_a_change_of_address_exactly_once(
    tmp_path: Path, heard: Heard
) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        _, token = await ada.tool()
        keys = [(await ada.key())["id"] for _ in range(6)]
        removed: list[str] = []

        async def remove() -> None:
            removed.append((await ada.do("removeKey", id=keys.pop()))["cursor"])

        async with Listener(home.url, token, on_revoked=heard, jitter=lambda _: 0.0) as listener:
            await asyncio.wait_for(listener.until_safe(), 30)
            for _ in range(2):
                await remove()
                await _move(home, ada)
                await remove()
                await heard.until(len(removed))
                await asyncio.wait_for(listener.until_safe(), 30)
            await remove()
            await heard.until(len(removed))
            assert heard.cursors == removed
            assert listener.cursor == removed[-1]
            # Its owner sees that all of them were heard, those from before the change too.
            async with asyncio.timeout(30):
                while await _states(ada, removed[-1]) != ["ACKNOWLEDGED"]:
                    pass  # each question gives the server a turn
        for cursor in removed:
            assert await _states(ada, cursor) == ["ACKNOWLEDGED"], cursor


async def _states(ada: Visitor, cursor: str) -> list[str]:
    return [each["state"] for each in (await ada.get("revocation", cursor=cursor))["tools"]]


async def test_a_listener_that_was_away_while_its_account_moved_resumes_from_its_cursor(
    tmp_path: Path, heard: Heard
) -> None:
    cursor_file = tmp_path / "cursor"
    async with house(tmp_path / "home") as home:
        ada = await home.person()
        _, token = await ada.tool()
        first, second = [(await ada.key())["id"] for _ in range(2)]
        given = {"on_revoked": heard, "cursor_file": cursor_file, "jitter": lambda _: 0.0}
        async with Listener(home.url, token, **given) as listener:
            await asyncio.wait_for(listener.until_safe(), 30)
            removed = await ada.do("removeKey", id=first)
            async with asyncio.timeout(30):
                while listener.cursor != removed["cursor"]:  # applied, and written down
                    await ada.get("viewer")
        await _move(home, ada)
        await ada.do("removeKey", id=second)
        async with Listener(home.url, token, **given):
            await heard.until(2)
    assert [each.key for each in heard.all] == [first, second]
