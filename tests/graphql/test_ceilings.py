"""Ceilings as their owner sets them, and how they, and the tools beneath, hear that one is hit."""

import contextlib
import json
import logging
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.exceptions import ConnectionClosed

from store import Store
from tests.kit.graphql_client import PASSWORD, House, Visitor, document, house
from tests.kit.spending import calls, ceiling, chat, hit, price

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIT: Final = "ceilingHit"
NO_DECIMALS: Final = (
    *("", " ", "CANARY", "-1", "+1", "1e3", "1E-3", "NaN", "Infinity", "--1", "0x1", "1_000"),
    *("1,5", ".5", "5.", "1.2.3", " 1", "1\n", "\u0661", "\uff11", "1" * 31, "0.0000000001"),
    *("1000000000.000000001", 1, 0.1, True, ["1"], {"CANARY": "1"}),
)


async def one(someone: Visitor) -> dict[str, Any]:
    """Give somebody's only ceiling."""
    (found,) = await someone.get("ceilings")
    ceiling: dict[str, Any] = found
    return ceiling


# Setting them.


async def test_one_that_is_hit_stays_hit_until_its_owner_raises_or_resets_it(home: House) -> None:
    ada = await home.person()
    await ada.key()
    await price(ada, "0.1")
    made = await ceiling(ada, "0.3")
    _, token = await ada.tool()
    async with home.listening(token, to=HIT) as tool, home.watching(ada, to=HIT) as page:
        assert [(await chat(home, token)).status_code for _ in range(4)] == [200, 200, 200, 402]
        told, again = await tool.event("CeilingHit"), await page.event("CeilingHit")
    assert told == again
    assert (told["ceiling"], told["provider"]["id"], told["tool"]) == (made, "openai", None)
    assert (told["limit"], told["settled"], told["held"]) == ("0.30", "0.30", "0.00")
    assert (told["state"], told["measure"], told["currency"]) == ("HIT", "SPEND", "usd")
    seen = await one(ada)
    assert (seen["state"], seen["hitAt"], seen["remaining"]) == ("HIT", told["hitAt"], "0.00")
    assert seen["warnedPercent"] == 95
    # What is given back does not open it, nor does the same limit once more.
    await ceiling(ada, "0.3")
    assert (await chat(home, token)).status_code == 402

    await ceiling(ada, "0.4")
    seen = await one(ada)
    assert (seen["state"], seen["hitAt"], seen["remaining"]) == ("OPEN", None, "0.10")
    assert [(await chat(home, token)).status_code for _ in range(2)] == [200, 402]
    reset = (await ada.do("resetCeiling", id=made))["ceiling"]
    assert (reset["epoch"], reset["settled"], reset["limit"]) == (2, "0.00", "0.40")
    assert (await chat(home, token)).status_code == 200
    await ceiling(ada, "0.05")  # below what is used
    assert (await chat(home, token)).status_code == 402
    await ada.do("removeCeiling", id=made)
    assert (await chat(home, token)).status_code == 200
    assert await ada.get("ceilings") == []


async def test_tenths_of_dollars_add_up_to_the_last_place(home: House) -> None:
    ada = await home.person()
    await ada.key()
    await price(ada, "0.100000001")
    await ceiling(ada, "0.300000003")
    _, token = await ada.tool()
    assert [(await chat(home, token)).status_code for _ in range(4)] == [200, 200, 200, 402]
    assert (await one(ada))["settled"] == "0.300000003"


@pytest.mark.parametrize(
    ("fields", "sent", "shown"),
    [
        ({}, "1000000000", "1000000000.00"),
        ({}, "0.000000001", "0.000000001"),
        ({}, "007.50", "7.50"),
        ({}, "0", "0.00"),
        ({"measure": "CALLS"}, "20", "20"),
        ({"measure": "MOVED", "currency": "eur", "provider": "stripe"}, "10.5", "10.50"),
        ({"measure": "MOVED", "currency": "JPY", "provider": "stripe"}, "5000", "5000"),
        ({"measure": "MOVED", "currency": "kwd", "provider": "stripe"}, "1.005", "1.005"),
    ],
)
async def test_a_limit_is_kept_as_it_was_said_in_its_unit(
    fields: dict[str, Any], sent: str, shown: str, home: House
) -> None:
    ada = await home.person()
    await ceiling(ada, sent, **fields)
    made = await one(ada)
    assert (made["limit"], made["remaining"], made["settled"][0]) == (shown, shown, "0")
    assert made["measure"] == fields.get("measure", "SPEND")
    currency = {"CALLS": None, "MOVED": fields.get("currency", "").lower()}
    assert made["currency"] == currency.get(made["measure"], "usd")


async def test_what_is_no_decimal_is_refused_and_never_repeated(home: House) -> None:
    ada = await home.person()
    for bad in NO_DECIMALS:
        for name, fields, field in (
            ("setCeiling", {"limit": bad}, "limit"),
            ("releaseDisputed", {"call": "call_none", "cost": bad}, "cost"),
            (
                "setPrice",
                {
                    "provider": "openai",
                    "item": "*",
                    "rates": [{"measure": "REQUEST", "amount": bad}],
                },
                "amount",
            ),
        ):
            response = await ada.tell(name, **fields)
            answer = response.json()["data"][name]
            assert (answer["__typename"], answer["field"]) == ("InvalidInput", field), bad
            assert "CANARY" not in response.text
    assert await ada.get("ceilings") == await ada.get("prices") == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"currency": "eur"}, "currency"),
        ({"measure": "MOVED", "provider": "stripe", "currency": "euro"}, "currency"),
        ({"measure": "MOVED", "provider": "stripe", "currency": "\u20ac"}, "currency"),
        ({"measure": "MOVED", "currency": "eur"}, "provider"),
        ({"measure": "MOVED", "provider": "stripe", "currency": "jpy", "limit": "0.5"}, "limit"),
        ({"measure": "MOVED", "provider": "stripe", "currency": "eur", "limit": "1.005"}, "limit"),
        ({"measure": "CALLS", "limit": "1.5"}, "limit"),
    ],
)
async def test_a_ceiling_that_can_not_be_is_refused_by_the_part_that_is_wrong(
    fields: dict[str, Any], field: str, home: House
) -> None:
    ada = await home.person()
    answer = await ada.do("setCeiling", **({"limit": "1"} | fields))
    assert (answer["__typename"], answer["field"]) == ("InvalidInput", field)


async def test_a_provider_a_tool_and_all_of_them_have_ceilings_beside_each_other(
    home: House,
) -> None:
    ada = await home.person()
    tool, _ = await ada.tool()
    made = [
        await ceiling(ada, "1", provider=None),
        await ceiling(ada, "2"),
        await ceiling(ada, "3", tool=tool["id"]),
        await ceiling(ada, "4", measure="CALLS"),
    ]
    assert [await ceiling(ada, "5"), await ceiling(ada, "6", measure="CALLS")] == [made[1], made[3]]
    listed = await ada.get("ceilings")
    assert [(each["id"], each["limit"]) for each in listed] == [
        (made[0], "1.00"),
        (made[1], "5.00"),
        (made[2], "3.00"),
        (made[3], "6"),
    ]
    assert [each["tool"] and each["tool"]["name"] for each in listed] == [
        *(None, None),
        *("a tool", None),
    ]


# Seeing them beside keys and providers.


async def test_a_key_and_a_provider_show_the_ceiling_on_all_that_it_costs(home: House) -> None:
    ada = await home.person()
    tool, token = await ada.tool()
    await ada.key()
    await ada.key("google")
    for fields in ({"measure": "CALLS"}, {"tool": tool["id"]}, {"provider": None}):
        await ceiling(ada, **fields)
    assert [key["ceiling"] for key in await ada.get("keys")] == [None, None]
    made = await ceiling(ada, "3")
    assert [key["ceiling"] and key["ceiling"]["limit"] for key in await ada.get("keys")] == [
        "3.00",
        None,
    ]
    blind = (await ada.do("createUserToken", name="blind", scopes=["CEILINGS_WRITE"]))["token"]
    sees = (await ada.do("createUserToken", name="sees"))["token"]
    for visitor, expected in (
        (ada, made),
        (await home.visitor(token=sees), made),
        (await home.visitor(token=blind), None),
        (await home.visitor(token=token), None),
        (await home.visitor(), None),
    ):
        (openai,) = [each for each in await visitor.get("providers") if each["id"] == "openai"]
        assert (openai["ceiling"] and openai["ceiling"]["id"]) == expected


async def test_the_ceilings_of_many_keys_are_read_at_once(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await home.person()
    await ada.key()
    await ceiling(ada)
    read, reads = Store.read, []

    def counted(self: Store, unit: Any) -> Any:
        if "Ceilings" in unit.__qualname__ or "Sessions" in unit.__qualname__:
            reads.append(unit)
        return read(self, unit)

    monkeypatch.setattr(Store, "read", counted)
    await ada.get("keys")
    of_one, more = len(reads), [await ada.key("google") for _ in range(4)]
    reads.clear()
    assert len(await ada.get("keys")) == 1 + len(more)
    assert len(reads) == of_one > 0


async def test_an_event_says_nothing_of_ceilings_whoever_hears_it(home: House) -> None:
    """It is worded once for an owner and for tools, which may not see them; and alone, the same."""
    ada = await home.person()
    key = await ada.key()
    await ceiling(ada)
    async with home.watching(ada) as page:
        query = document("subscription", "keyRevoked") + "\n# alone"
        await page.send(type="subscribe", id="2", payload={"query": query})
        await ada.do("removeKey", id=key["id"])
        for _ in range(2):
            assert (await page.event("KeyRevoked"))["provider"]["ceiling"] is None


# Hearing.


async def test_what_was_missed_is_replayed_once_each_with_how_it_stands_now(home: House) -> None:
    ada = await home.person()
    start = (await ada.do("removeKey", id=(await ada.key())["id"]))["cursor"]
    _, token = await ada.tool()
    made = [await hit(home, ada, provider=name) for name in ("openai", "google", None)]
    await ada.do("resetCeiling", id=made[0])
    await ada.do("removeCeiling", id=made[1])
    async with home.listening(token, to=HIT, after=start) as socket:
        told = [await socket.event("CeilingHit") for _ in made]
        assert [each["ceiling"] for each in told] == made
        assert [each["state"] for each in told] == ["OPEN", None, "HIT"]
        assert [each["settled"] for each in told] == ["0.00", None, "0.01"]
        await socket.event("Heartbeat")
        live = await hit(home, ada, provider="anthropic")
        assert (await socket.event("CeilingHit"))["ceiling"] == live
    async with home.listening(token, to=HIT, after=told[1]["cursor"]) as socket:
        assert (await socket.event("CeilingHit"))["ceiling"] == made[2]


async def test_a_hit_is_told_at_once_and_not_with_the_next_heartbeat(tmp_path: Path) -> None:
    async with house(tmp_path, heartbeat_seconds=3600) as home:
        ada = await home.person()
        _, token = await ada.tool()
        async with home.listening(token, to=HIT) as socket:
            made = await hit(home, ada)
            assert (await socket.event("CeilingHit", within=2))["ceiling"] == made


async def test_a_tool_hears_of_the_ceilings_over_its_calls_and_of_no_other(home: House) -> None:
    ada = await home.person()
    tool, token = await ada.tool(providers=["openai"])
    other, _ = await ada.tool()
    async with home.listening(token, to=HIT) as hears, home.watching(ada, to=HIT) as page:
        made = [
            await hit(home, ada, **fields)
            for fields in (
                {"provider": "google"},
                {"tool": other["id"]},
                {"tool": other["id"], "provider": None},
                {"tool": tool["id"], "provider": "google"},
                {"tool": tool["id"]},
                {"tool": tool["id"], "provider": None},
                {},
                {"provider": None},
            )
        ]
        assert [(await page.event("CeilingHit"))["ceiling"] for _ in made] == made
        assert [(await hears.event("CeilingHit"))["ceiling"] for _ in made[4:]] == made[4:]


async def test_heartbeats_go_on_and_say_up_to_where_nothing_is_missing(home: House) -> None:
    ada = await home.person()
    _, token = await ada.tool()
    async with home.listening(token, to=HIT) as socket:
        first = await socket.event("Heartbeat", within=3)
        removed = await ada.do("removeKey", id=(await ada.key())["id"])  # no hit
        while (beat := await socket.event("Heartbeat", within=3))["head"] == first["head"]:
            continue
        assert beat["head"] == removed["cursor"]


async def test_a_cursor_that_is_gone_or_never_was_is_answered_as_data(home: House) -> None:
    ada = await home.person()
    _, token = await ada.tool()
    async with home.listening(token, to=HIT, after="c4000") as socket:
        expired = await socket.event("CursorExpired")
        assert (await socket.next())["type"] == "complete"
    async with home.listening(token, to=HIT, after=expired["head"]) as socket:
        assert (await socket.event("Heartbeat"))["head"] == expired["head"]
    async with home.listening(token, to=HIT, after="CANARY") as socket:
        said = json.dumps(await socket.next())
        assert "CURSOR_MALFORMED" in said
        assert "CANARY" not in said


async def test_whoever_may_hear_no_more_is_told_nothing_more(home: House) -> None:
    ada = await home.person()
    tool, token = await ada.tool()
    made = await ada.do("createUserToken", name="mine")
    async with (
        home.listening(token, to=HIT) as tools,
        home.listening(made["token"], to=HIT) as programs,
        home.watching(await home.signed_in(ada), to=HIT) as pages,
    ):
        await ada.do("revokeTool", id=tool["id"])
        await ada.do("revokeUserToken", id=made["userToken"]["id"])
        await ada.do("endOtherSessions")
        await hit(home, ada)
        for socket in (tools, programs, pages):
            with contextlib.suppress(ConnectionClosed):
                while message := await socket.next():
                    assert "CeilingHit" not in json.dumps(message)
            assert (await socket.closed())[0] == 4401


async def test_a_token_that_has_run_out_hears_of_no_hit(home: House) -> None:
    ada = await home.person()
    _, token = await ada.tool(expiresAt="2100-01-01T00:00:00Z")
    async with home.listening(token, to=HIT) as socket:
        home.rows("UPDATE tools SET expires_at = 1, voucher = x'' WHERE name = 'a tool'")
        await hit(home, ada)
        while (message := await socket.next())["type"] != "complete":
            assert message["payload"]["data"][HIT]["__typename"] == "Heartbeat"


async def test_one_that_calls_itself_by_the_others_name_is_served_as_what_it_is(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Documents that name keyRevoked may be worded for many at once; this one must not be."""
    ada = await home.person()
    _, token = await ada.tool()
    query = "subscription { keyRevoked: ceilingHit { __typename ... on CeilingHit { ceiling } } }"
    async with home.socket() as socket:
        await socket.begin(authorization=f"Bearer {token}")
        await socket.send(type="subscribe", id="1", payload={"query": query})
        await socket.event("Heartbeat")
        made = await hit(home, ada)
        assert (await socket.event("CeilingHit"))["ceiling"] == made
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


async def test_a_call_that_is_refused_is_no_call_of_the_ledger(home: House) -> None:
    ada = await home.person()
    await ada.key()
    await price(ada)
    await ceiling(ada, "0")
    _, token = await ada.tool()
    response = await chat(home, token)
    assert (response.status_code, response.json()["error"]["code"]) == (402, "bound_above_ceiling")
    assert await calls(ada) == []
    assert (await ada.do("freshLogin", password=PASSWORD))["__typename"] == "SignedIn"
