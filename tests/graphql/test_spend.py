"""What was spent, at which prices, what is disputed, and what costs by the hour."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.address import account_of
from tests.kit.graphql_client import PASSWORD, House, Visitor
from tests.kit.spending import calls, ceiling, chat, disputed, price, server

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = 24 * 3600


def shown(moment: int) -> str:
    """Give microseconds as a client sends a moment."""
    return datetime.fromtimestamp(moment / 10**6, tz=UTC).isoformat()


def told(spent: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Give what each line is about, how much it is, and of how many calls."""
    return [
        (
            each["provider"] and each["provider"]["name"],
            each["tool"] and each["tool"]["name"],
            *(each["model"], each["day"], each["amount"], each["calls"]),
        )
        for each in spent
    ]


async def narrowed(someone: Visitor, **which: Any) -> list[str]:
    """Give the references of the calls that are like that."""
    return [each["id"] for each in (await someone.get("calls", first=100, **which))["nodes"]]


async def test_spend_is_shown_by_provider_tool_model_and_day_each_with_its_provider_s_name(
    home: House,
) -> None:
    ada = await home.person()
    await ada.key()
    await price(ada, "0.1")
    await price(ada, "0.007", model="gpt-5-mini")
    _, first = await ada.tool(name="first")
    gone, second = await ada.tool(name="second")
    began = home.clock()
    for token, model in ((first, "gpt-5"), (first, "gpt-5-mini"), (second, "gpt-5-mini")):
        assert (await chat(home, token, model)).status_code == 200
    await calls(ada)
    home.clock.forward(seconds=DAY)
    assert (await chat(home, second)).status_code == 200
    await ada.do("signIn", address=ada.address, password=PASSWORD)  # a day is long
    (newest, *_) = await calls(ada)
    await ada.do("revokeTool", id=gone["id"])  # what it spent is still known by its name
    days = [shown(moment)[:10] for moment in (began, home.clock())]
    assert told(await ada.get("spend")) == [("OpenAI", None, None, None, "0.214", 4)]
    assert told(await ada.get("spend", by="TOOL")) == [
        (None, "first", None, None, "0.107", 2),
        (None, "second", None, None, "0.107", 2),
    ]
    assert told(await ada.get("spend", by="MODEL")) == [
        ("OpenAI", None, "gpt-5", None, "0.20", 2),
        ("OpenAI", None, "gpt-5-mini", None, "0.014", 2),
    ]
    assert told(await ada.get("spend", by="DAY")) == [
        (None, None, None, days[0], "0.114", 3),
        (None, None, None, days[1], "0.10", 1),
    ]
    later = newest["startedAt"]
    for limits, amount in (
        ({"from": later}, "0.10"),
        ({"to": later}, "0.114"),
        ({"from": shown(began), "to": later}, "0.114"),
        # Without a zone: UTC.
        ({"from": later[:19], "to": shown(home.clock() + 10**6)[:19]}, "0.10"),
        ({"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, "0.214"),
    ):
        assert [each["amount"] for each in await ada.get("spend", **limits)] == [amount]
    assert await ada.get("spend", **{"from": later, "to": later}) == []


async def test_every_figure_of_spend_is_that_of_the_calls_which_it_leads_to(home: House) -> None:
    ada = await home.person()
    key = await ada.key()
    other = await ada.key("google")
    await price(ada, "0.1")
    await price(ada, "0.007", model="gpt-5-mini")
    _, first = await ada.tool(name="first")
    _, second = await ada.tool(name="second")
    for day in range(2):
        for token, model in ((first, "gpt-5"), (second, "gpt-5-mini"), (second, "of-no-price")):
            assert (await chat(home, token, model)).status_code == 200
        await (await home.visitor(token=first)).http.get("/via/openai/v1/models")
        await calls(ada)  # each is charged before the clock is moved
        if day == 0:
            home.clock.forward(seconds=DAY)
            await ada.do("signIn", address=ada.address, password=PASSWORD)  # a day is long
    for by in ("PROVIDER", "TOOL", "MODEL", "DAY"):
        lines = await ada.get("spend", by=by)
        assert len(lines) == {"PROVIDER": 1, "TOOL": 2, "MODEL": 3, "DAY": 2}[by]
        for line in lines:
            which = {name: line[name] and line[name]["id"] for name in ("provider", "tool")}
            which["model"] = line["model"]
            if line["day"]:
                morning = datetime.fromisoformat(line["day"]).replace(tzinfo=UTC)
                which |= {
                    "from": morning.isoformat(),
                    "to": (morning + timedelta(days=1)).isoformat(),
                }
            found = (await ada.get("calls", first=100, **which))["nodes"]
            counted = [each for each in found if each["costSource"]]
            assert len(counted) == line["calls"]
            assert sum(Decimal(each["cost"] or 0) for each in counted) == Decimal(line["amount"])
            unpriced = [each for each in counted if each["costSource"] == "UNPRICED"]
            assert len(unpriced) == line["unpriced"]
            of_those = [each["id"] for each in unpriced]
            assert await narrowed(ada, unpriced=True, **which) == of_those
            rest = [each["id"] for each in found if each["id"] not in of_those]
            assert await narrowed(ada, unpriced=False, **which) == rest
    assert len((await ada.get("calls", first=100, key=key["id"]))["nodes"]) == 8
    assert (await ada.get("calls", first=100, key=other["id"]))["nodes"] == []


async def test_a_call_shows_what_it_could_cost_what_it_did_and_who_says_so(home: House) -> None:
    ada = await home.person()
    await ada.key()
    await price(ada, "0.1")
    _, token = await ada.tool()
    await chat(home, token)
    tool = (await home.visitor(token=token)).http
    assert (await tool.get("/via/openai/v1/models")).status_code == 200
    free, priced = await calls(ada)
    assert (priced["bound"], priced["cost"], priced["costSource"]) == ("0.10", "0.10", "USER")
    assert (priced["provider"], priced["providerName"]) == ("openai", "OpenAI")
    assert (priced["model"], priced["operation"]) == ("gpt-5", "chat")
    assert (free["bound"], free["cost"], free["costSource"]) == ("0.00", "0.00", None)
    assert [each["disputed"] for each in (free, priced)] == [False, False]


async def test_a_call_of_unknown_price_is_never_shown_as_one_that_cost_nothing(home: House) -> None:
    ada = await home.person()
    await ada.key()
    _, token = await ada.tool()
    assert (await chat(home, token, "a-model-of-no-list")).status_code == 200
    (call,) = await calls(ada)
    assert (call["bound"], call["cost"], call["costSource"]) == (None, None, "UNPRICED")
    (spent,) = await ada.get("spend")
    assert (spent["amount"], spent["calls"], spent["unpriced"]) == ("0.00", 1, 1)


async def test_what_is_disputed_counts_until_its_owner_says_what_it_cost(home: House) -> None:
    ada = await home.person()
    call = await disputed(home, ada)
    (seen,) = await ada.get("spend")
    assert (seen["amount"], seen["disputed"]) == ("0.10", "0.10")
    assert await narrowed(ada, disputed=True) == [call]
    assert await narrowed(ada, disputed=False) == []
    (shown,) = await calls(ada)
    assert (shown["cost"], shown["costSource"], shown["disputed"]) == ("0.10", "BOUND", True)
    answer = await ada.do("releaseDisputed", call=call, cost="0.03")
    assert answer == {"__typename": "DisputeReleased", "call": call, "givenBack": "0.07"}
    (seen,) = await ada.get("spend")
    assert (seen["amount"], seen["disputed"]) == ("0.03", "0.00")
    assert await narrowed(ada, disputed=True) == []
    assert await narrowed(ada, disputed=False) == [call]
    (shown,) = await calls(ada)
    assert (shown["cost"], shown["costSource"], shown["disputed"]) == ("0.03", "USER", False)
    (ceiling,) = await ada.get("ceilings")
    assert ceiling["settled"] == "0.03"
    again = await ada.do("releaseDisputed", call=call)
    assert again["__typename"] == "NothingDisputed"


async def test_a_call_that_its_owner_says_cost_nothing_is_given_back_whole(home: House) -> None:
    ada = await home.person()
    answer = await ada.do("releaseDisputed", call=await disputed(home, ada))
    assert answer["givenBack"] == "0.10"
    (shown,) = await calls(ada)
    assert (shown["cost"], shown["costSource"], shown["disputed"]) == ("0.00", "USER", False)


@pytest.mark.parametrize(("said", "counted"), [({}, "0"), ({"made": True}, "1")])
async def test_a_call_that_was_made_though_it_cost_nothing_still_counts_as_a_call(
    said: dict[str, Any], counted: str, home: House
) -> None:
    ada = await home.person()
    await ceiling(ada, "5", measure="CALLS")
    answer = await ada.do("releaseDisputed", call=await disputed(home, ada), **said)
    assert answer["givenBack"] == "0.10"
    settled = {each["measure"]: each["settled"] for each in await ada.get("ceilings")}
    assert settled == {"CALLS": counted, "SPEND": "0.00"}


async def test_a_price_is_set_wholly_listed_and_taken_back(home: House) -> None:
    ada = await home.person()
    rates = [
        {"measure": "OUTPUT_TOKEN", "amount": "10"},
        {"measure": "INPUT_TOKEN", "amount": "1.25"},
    ]
    made = (await ada.do("setPrice", provider="openai", item="gpt-5", rates=rates))["price"]
    assert (made["item"], made["provider"]["name"]) == ("gpt-5", "OpenAI")
    assert {each["measure"]: (each["amount"], each["units"]) for each in made["rates"]} == {
        "INPUT_TOKEN": ("1.25", 1_000_000),
        "OUTPUT_TOKEN": ("10.00", 1_000_000),
    }
    await price(ada, "0.5")
    (listed,) = await ada.get("prices")
    assert [(each["measure"], each["amount"], each["units"]) for each in listed["rates"]] == [
        ("REQUEST", "0.50", 1)
    ]
    taken = await ada.do("setPrice", provider="openai", item="gpt-5", rates=[])
    assert taken["price"] is None
    assert await ada.get("prices") == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"item": ""}, "item"),
        ({"item": "x" * 101}, "item"),
        ({"item": "a\tb"}, "item"),
        ({"rates": [{"measure": "MAIL", "amount": "1"}] * 2}, "rates"),
    ],
)
async def test_a_price_that_can_not_be_is_refused_by_the_part_that_is_wrong(
    fields: dict[str, Any], field: str, home: House
) -> None:
    ada = await home.person()
    given = {"provider": "openai", "item": "*", "rates": []} | fields
    answer = await ada.do("setPrice", **given)
    assert (answer["__typename"], answer["field"]) == ("InvalidInput", field)


async def test_what_costs_by_the_hour_is_listed_until_it_ends(home: House) -> None:
    ada = await home.person()
    server(home, account_of(ada.address))
    (runs,) = await ada.get("commitments")
    assert (runs["provider"]["name"], runs["resource"]) == ("Vultr", "server-1")
    assert (runs["hourly"], runs["item"], runs["call"]) == ("0.007", "vc2-1c-1gb", "call_made")
    assert runs["paidTo"] > runs["since"]
    elsewhere = await ada.do("endCommitment", provider="railway", resource="server-1")
    assert elsewhere["__typename"] == "CommitmentNotFound"
    ended = await ada.do("endCommitment", provider="vultr", resource="server-1")
    assert (ended["provider"], ended["resource"]) == ("vultr", "server-1")
    assert await ada.get("commitments") == []


async def test_whatever_an_owner_does_about_money_is_in_the_trail(home: House) -> None:
    ada = await home.person()
    call = await disputed(home, ada)
    (made,) = await ada.get("ceilings")
    await ada.do("resetCeiling", id=made["id"])
    await ada.do("removeCeiling", id=made["id"])
    await ada.do("releaseDisputed", call=call)
    server(home, account_of(ada.address))
    await ada.do("endCommitment", provider="vultr", resource="server-1")
    trail = [
        (each["act"], each["subject"])
        for each in (await ada.get("auditLog", first=100))["nodes"]
        if each["act"].startswith(("CEILING", "COMMITMENT", "PRICE", "DISPUTE"))
    ]
    assert trail == [
        ("COMMITMENT_ENDED", "vultr"),
        ("DISPUTE_SETTLED", call),
        ("CEILING_REMOVED", made["id"]),
        ("CEILING_RESET", made["id"]),
        ("CEILING_SET", made["id"]),
        ("PRICE_SET", "openai"),
    ]


async def test_the_export_takes_everything_about_money_along_what_is_over_too(home: House) -> None:
    ada = await home.person()
    call = await disputed(home, ada)
    (made,) = await ada.get("ceilings")
    await ada.do("releaseDisputed", call=call, cost="0.03")
    await ada.do("resetCeiling", id=made["id"])
    server(home, account_of(ada.address))
    await ada.do("endCommitment", provider="vultr", resource="server-1")
    home.rows("INSERT INTO frozen VALUES (?, 'openai', 'o9', 1)", account_of(ada.address))
    document = (await ada.do("exportAccount"))["document"]
    assert [(each["epoch"], each["settled"]) for each in document["ceilings"]] == [
        (1, "0.03"),
        (2, "0.00"),
    ]
    assert [each["closedAt"] is None for each in document["ceilings"]] == [False, True]
    (held,) = document["reservations"]
    assert (held["call"], held["state"], held["amount"], held["cost"]) == (
        *(call, "SETTLED"),
        *("0.10", "0.03"),
    )
    assert [(each["kind"], each["amount"], each["source"]) for each in document["ledger"]] == [
        ("DISPUTED", "0.10", "BOUND"),
        ("GIVEN_BACK", "-0.10", "USER"),
        ("CHARGED", "0.03", "USER"),
    ]
    assert [each["item"] for each in document["prices"]] == ["gpt-5"]
    assert document["frozenModels"] == [{"provider": "openai", "model": "o9"}]
    (ran,) = document["commitments"]
    assert (ran["resource"], ran["hourly"]) == ("server-1", "0.007")
    assert ran["endedAt"] is not None
