"""Which tools use a key: shown with it, for those who are about to rotate or remove it."""

from typing import Any

import pytest

from tests.kit.graphql_client import PASSWORD, House
from tests.kit.spending import calls

pytestmark = pytest.mark.asyncio(loop_scope="module")

THIRTY_DAYS = 30 * 24 * 3600


async def uses(home: House, token: str, key: str) -> None:
    """Have a tool make one call with a key."""
    client = (await home.visitor(token=token)).http
    answer = await client.get("/via/openai/v1/models", headers={"keysteward-key": key})
    assert answer.status_code == 200


def told(key: dict[str, Any]) -> list[tuple[str, int]]:
    return [(each["tool"]["name"], each["calls"]) for each in key["usedBy"]]


async def test_a_key_shows_the_tools_that_used_it_the_latest_first(home: House) -> None:
    ada = await home.person()
    first, second = await ada.key(), await ada.key()
    assert first["usedBy"] == []
    _, early = await ada.tool(name="early")
    gone, late = await ada.tool(name="late")
    for token, key in ((early, first), (early, first), (late, first), (late, second)):
        home.clock.forward(seconds=1)
        await uses(home, token, key["id"])
    await calls(ada)
    await ada.do("revokeTool", id=gone["id"])  # what used it is still known by its name
    listed = await ada.get("keys")
    assert [told(key) for key in listed] == [[("late", 1), ("early", 2)], [("late", 1)]]
    assert told(await ada.get("key", id=second["id"])) == [("late", 1)]
    (use,) = listed[1]["usedBy"]
    assert use["lastUsedAt"] == listed[1]["lastUsedAt"]
    assert use["tool"]["revokedAt"] is not None


async def test_what_was_more_than_thirty_days_ago_is_left_out(home: House) -> None:
    ada = await home.person()
    key = await ada.key()
    _, token = await ada.tool()
    await uses(home, token, key["id"])
    (call,) = await calls(ada)
    home.clock.forward(seconds=THIRTY_DAYS)
    began = home.clock() - THIRTY_DAYS * 10**6
    home.rows("UPDATE calls SET started_at = ? WHERE id = ?", began, call["id"])
    await ada.do("signIn", address=ada.address, password=PASSWORD)  # a month is long
    assert told(await ada.get("key", id=key["id"])) == [("a tool", 1)]
    home.clock.forward(microseconds=1)
    (key,) = await ada.get("keys")
    assert key["usedBy"] == []
    assert key["lastUsedAt"] is not None


async def test_one_key_s_uses_that_are_asked_for_twice_are_shown_twice(home: House) -> None:
    ada = await home.person()
    await ada.key()
    answer = (await ada.post("{ keys { a: usedBy { calls } b: usedBy { calls } } }")).json()
    assert answer["data"] == {"keys": [{"a": [], "b": []}]}


async def test_a_program_that_may_not_see_calls_sees_no_uses(home: House) -> None:
    ada = await home.person()
    key = await ada.key()
    _, token = await ada.tool()
    await uses(home, token, key["id"])
    made = await ada.do("createUserToken", name="adds keys", scopes=["KEYS_WRITE"])
    program = await home.visitor(token=made["token"])
    answer = await program.do("verifyKey", id=key["id"])
    assert answer["key"]["id"] == key["id"]
    assert answer["key"]["usedBy"] == []
    assert told(await ada.get("key", id=key["id"])) == [("a tool", 1)]
