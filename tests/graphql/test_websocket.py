"""graphql-transport-ws as tools and pages speak it: hearing, catching up, and what misuse gets."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from keysteward import graphql
from providers import CATALOGUE
from tests.kit.canary import canary
from tests.kit.graphql_client import (
    CONTRACT,
    PASSWORD,
    House,
    Visitor,
    document,
    house,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "{ providers { id } }"
UNKNOWN_TOKEN = "kst_" + "C" * 49
MOST_OPERATIONS = 100


@pytest_asyncio.fixture(loop_scope="module")
async def ada(home: House) -> Visitor:
    return await home.person()


async def serves_on(home: House) -> None:
    nobody = await home.visitor()
    assert (await nobody.post(QUESTION)).status_code == 200


# Hearing.


async def test_a_tool_hears_a_removal_and_the_owner_sees_that_it_has(
    home: House, ada: Visitor
) -> None:
    key = await ada.key()
    tool, token = await ada.tool()
    async with home.listening(token, instance="one") as socket:
        removed = await ada.do("removeKey", id=key["id"])
        heard = await socket.event("KeyRevoked", within=2)
        assert (heard["key"], heard["cursor"]) == (key["id"], removed["cursor"])
        assert (heard["reason"], heard["version"]) == ("REMOVED", 1)
        assert heard["provider"]["id"] == "openai"
        waiting = await ada.get("revocation", cursor=removed["cursor"])
        assert waiting["state"] == "PROPAGATING"
        assert [(t["tool"]["id"], t["state"]) for t in waiting["tools"]] == [
            (tool["id"], "PENDING")
        ]
        home.clock.forward(seconds=0.25)
        acknowledging = await home.visitor(token=token)
        told = {"cursor": heard["cursor"], "instance": "one"}
        assert (await acknowledging.do("acknowledgeRevocation", **told))["__typename"] == (
            "Acknowledged"
        )
        done = await ada.get("revocation", cursor=removed["cursor"])
        assert done["state"] == "CONVERGED"
        assert [(t["state"], t["lagMilliseconds"]) for t in done["tools"]] == [
            ("ACKNOWLEDGED", 250.0)
        ]


async def test_a_tool_may_acknowledge_on_the_socket_on_which_it_heard(
    home: House, ada: Visitor
) -> None:
    key = await ada.key()
    _, token = await ada.tool()
    async with home.listening(token, instance="one") as socket:
        removed = await ada.do("removeKey", id=key["id"])
        await socket.event("KeyRevoked")
        variables = {"input": {"cursor": removed["cursor"]}}
        payload = {"query": document("mutation", "acknowledgeRevocation"), "variables": variables}
        await socket.send(type="subscribe", id="ack", payload=payload)
        while (message := await socket.next())["id"] != "ack":
            continue
        answer = message["payload"]["data"]["acknowledgeRevocation"]
        assert answer["__typename"] == "Acknowledged"
    done = await ada.get("revocation", cursor=removed["cursor"])
    assert [t["state"] for t in done["tools"]] == ["ACKNOWLEDGED"]


async def test_every_kind_of_revocation_is_heard_in_order(home: House, ada: Visitor) -> None:
    first, second = await ada.key(), await ada.key()
    _, token = await ada.tool()
    other, _ = await ada.tool()
    async with home.listening(token) as socket:
        await ada.do("rotateKey", id=first["id"], secret=canary())
        await ada.do("removeKey", id=second["id"])
        await ada.do("revokeTool", id=other["id"])  # not this tool's business
        await ada.do("removeKey", id=first["id"])
        heard = [await socket.event("KeyRevoked") for _ in range(3)]
    assert [(e["key"], e["reason"], e["version"]) for e in heard] == [
        (first["id"], "ROTATED", 1),
        (second["id"], "REMOVED", 1),
        (first["id"], "REMOVED", 2),
    ]


async def test_heartbeats_come_first_and_go_on_and_carry_the_head(
    home: House, ada: Visitor
) -> None:
    _, token = await ada.tool()
    async with home.socket() as socket:
        await socket.begin(authorization=f"Bearer {token}")
        await socket.subscribe("1")
        first = await socket.event("Heartbeat")
        again = await socket.event("Heartbeat", within=3)
        assert first["head"] == again["head"]
        await ada.key()  # moves the head, and is nothing that a tool must hear
        async with asyncio.timeout(30):
            while (await socket.event("Heartbeat"))["head"] == first["head"]:
                continue


async def test_what_was_missed_is_replayed_from_a_cursor_once_each(
    home: House, ada: Visitor
) -> None:
    _, token = await ada.tool()
    async with home.listening(token) as socket:
        start = (await socket.event("Heartbeat"))["head"]
    missed = [(await ada.do("removeKey", id=(await ada.key())["id"]))["cursor"] for _ in range(4)]
    async with home.listening(token, after=start) as socket:
        heard = [(await socket.event("KeyRevoked"))["cursor"] for _ in missed]
        assert heard == missed
        assert (await socket.event("Heartbeat"))["head"] == missed[-1]
        live = await ada.do("removeKey", id=(await ada.key())["id"])
        assert (await socket.event("KeyRevoked"))["cursor"] == live["cursor"]
    async with home.listening(token, after=missed[1]) as socket:
        assert (await socket.event("KeyRevoked"))["cursor"] == missed[2]


async def test_a_pruned_cursor_is_answered_with_one_clear_error_and_the_end(
    home: House, ada: Visitor
) -> None:
    _, token = await ada.tool()
    removed = await ada.do("removeKey", id=(await ada.key())["id"])
    home.rows(
        "UPDATE accounts SET pruned = head WHERE account = ?", (await ada.get("viewer"))["id"]
    )
    async with home.listening(token, after="c1") as socket:
        expired = await socket.event("CursorExpired")
        assert expired["head"] == removed["cursor"]
        assert "List what you hold anew" in expired["message"]
        assert await socket.next() == {"type": "complete", "id": "1"}
        # From the head that it names, listening goes on.
        await socket.subscribe("2", after=expired["head"])
        assert (await socket.event("Heartbeat"))["head"] == removed["cursor"]


async def test_a_cursor_that_was_not_given_out_yet_is_as_one_that_is_gone(
    home: House, ada: Visitor
) -> None:
    """As after an older backup was restored: what comes next is not what the tool believes."""
    _, token = await ada.tool()
    async with home.listening(token, after="c4000") as socket:
        assert (await socket.event("CursorExpired"))["head"]


@pytest.mark.parametrize("after", ["CANARY", "", "c-1", "1", "c" + "9" * 30, 5, ["CANARY"], {}])
async def test_text_that_is_no_cursor_is_an_error_that_does_not_repeat_it(
    after: Any, home: House, ada: Visitor
) -> None:
    _, token = await ada.tool()
    async with home.listening(token, after=after) as socket:
        message = await socket.next()
        said = json.dumps(message)
        assert "errors" in message.get("payload", {}) or message["type"] == "error"
        assert "CANARY" not in said
        assert "Something went wrong" not in said
        await socket.send(type="ping")  # and the socket serves on
        while message["type"] != "pong":
            message = await socket.next()


async def test_a_tool_hears_nothing_of_a_provider_that_it_may_not_use(
    home: House, ada: Visitor
) -> None:
    google, openai = await ada.key("google"), await ada.key("openai")
    _, token = await ada.tool(providers=["openai"])
    async with home.listening(token) as socket:
        await ada.do("removeKey", id=google["id"])
        await ada.do("removeKey", id=openai["id"])
        assert (await socket.event("KeyRevoked"))["key"] == openai["id"]


async def test_an_owner_listens_by_the_sessions_cookie_and_hears_everything(
    home: House, ada: Visitor
) -> None:
    tool, _ = await ada.tool()
    key = await ada.key()
    cookie = "; ".join(f"{name}={value}" for name, value in ada.http.cookies.items())
    async with home.socket(additional_headers={"cookie": cookie}, origin=home.url) as socket:
        assert (await socket.begin())["type"] == "connection_ack"
        await socket.subscribe("1")
        await socket.event("Heartbeat")
        await ada.do("revokeTool", id=tool["id"])
        await ada.do("removeKey", id=key["id"])
        assert (await socket.event("KeyRevoked"))["reason"] == "TOOL_REVOKED"
        assert (await socket.event("KeyRevoked"))["key"] == key["id"]
    assert (await ada.get("tools")) == []  # a page that listens is no running tool


async def test_a_token_may_stand_in_the_handshakes_header_too_and_under_either_spelling(
    home: House, ada: Visitor
) -> None:
    _, token = await ada.tool()
    async with home.socket(additional_headers={"authorization": f"Bearer {token}"}) as socket:
        assert (await socket.begin())["type"] == "connection_ack"
    async with home.socket() as socket:
        assert (await socket.begin(Authorization=f"Bearer {token}"))["type"] == "connection_ack"


async def test_a_revoked_tool_hears_its_own_end_and_is_hung_up_on(
    home: House, ada: Visitor
) -> None:
    tool, token = await ada.tool()
    key = await ada.key()
    async with home.listening(token) as socket:
        await ada.do("revokeTool", id=tool["id"])
        heard = await socket.event("KeyRevoked")
        assert (heard["reason"], heard["key"]) == ("TOOL_REVOKED", None)
        await ada.do("removeKey", id=key["id"])
        assert await socket.next() == {"type": "complete", "id": "1"}
        with pytest.raises(ConnectionClosed):
            await socket.next(within=5)  # of what came after, it hears nothing
        assert socket.connection.close_code == 4401
    async with home.socket() as socket:
        await socket.send(type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert (await socket.closed())[0] == 4403


async def test_a_session_that_was_signed_out_hears_nothing_more(home: House, ada: Visitor) -> None:
    key = await ada.key()
    cookie = "; ".join(f"{name}={value}" for name, value in ada.http.cookies.items())
    async with home.socket(additional_headers={"cookie": cookie}, origin=home.url) as socket:
        await socket.begin()
        await socket.subscribe("1")
        await socket.event("Heartbeat")
        await ada.do("signOut")
        again = await home.visitor()
        await again.do("signIn", address=ada.address, password="CANARYpasswordofletters")
        removed = await again.do("removeKey", id=key["id"])
        assert removed["__typename"] == "KeyRemoved"
        with pytest.raises((ConnectionClosed, AssertionError, TimeoutError)):
            await socket.event("KeyRevoked", within=1.5)


BEGIN_A_SESSION: dict[str, dict[str, Any]] = {
    "signUp": {"address": "over-a-socket@example.com", "password": PASSWORD},
    "signIn": {"address": "", "password": PASSWORD},
    "freshLogin": {"password": PASSWORD},
    "showSecondFactor": {"ticket": "CANARY", "code": "CANARY"},
    "beginElsewhere": {"kind": "GITHUB", "intent": "SIGN_IN"},
    "showCode": {"ticket": "CANARY", "code": "CANARY"},
    "showPasskey": {"ticket": "CANARY", "intent": "SIGN_IN", "answer": {}},
}


async def test_no_mutation_over_a_websocket_begins_a_session(home: House, ada: Visitor) -> None:
    """A session whose cookie nobody gets would stay open, and unseen, for its two weeks."""
    account = (await ada.get("viewer"))["id"]
    kept = "SELECT id FROM sessions UNION ALL SELECT digest FROM tickets WHERE purpose = 'OAUTH'"
    before = home.rows(kept)
    async with home.watching(ada) as socket:
        for name, fields in BEGIN_A_SESSION.items():
            given = fields | ({"address": ada.address} if name == "signIn" else {})
            payload = {"query": document("mutation", name), "variables": {"input": given}}
            await socket.send(type="subscribe", id=name, payload=payload)
            while (message := await socket.next()).get("id") != name:
                continue
            (error,) = message["payload"]["errors"]
            assert error["extensions"] == {"code": "POST_REQUIRED"}
            assert "POST" in error["message"]
            assert "CANARY" not in json.dumps(message)
    assert home.rows(kept) == before
    assert not home.rows("SELECT 1 FROM audit WHERE account = ? AND act = 'PROVEN_AGAIN'", account)
    assert (await ada.get("viewer"))["id"] == account  # nor did one end


async def test_each_mutation_that_may_set_a_cookie_is_among_those() -> None:
    root = CONTRACT.mutation_type
    assert root is not None
    lets_in = {
        name
        for name, field in root.fields.items()
        if "SignedIn" in {each.name for each in field.type.of_type.types}  # type: ignore[union-attr]
    }
    assert BEGIN_A_SESSION.keys() == lets_in | {"beginElsewhere"}


async def test_other_mutations_are_carried_out_over_a_websocket(home: House, ada: Visitor) -> None:
    async with home.watching(ada) as socket:
        given = {"provider": "openai", "secret": canary(), "verify": False}
        payload = {"query": document("mutation", "addKey"), "variables": {"input": given}}
        await socket.send(type="subscribe", id="add", payload=payload)
        while (message := await socket.next()).get("id") != "add":
            continue
        assert message["payload"]["data"]["addKey"]["__typename"] == "KeyAdded"


# Misuse.


async def test_a_socket_that_never_introduces_itself_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta  # noqa: PLC0415

    monkeypatch.setattr(graphql, "INIT_TIMEOUT", timedelta(seconds=0.2))
    async with house(tmp_path) as home, home.socket() as socket:
        assert (await socket.closed())[0] == 4408
        await serves_on(home)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("CANARY", 4400),
        ("{", 4400),
        ("[]", 4400),
        ("null", 4400),
        ('"CANARY"', 4400),
        ("{}", 4400),
        ('{"type": "CANARY"}', 4400),
        ('{"type": ["CANARY"]}', 4400),
        ('{"type": "connection_init", "payload": "CANARY"}', 4400),
        ('{"type": "connection_init", "payload": ["CANARY"]}', 4400),
        (b"\x00\xff", 4400),
        (b'{"type": "connection_init"}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ providers { id } }"}}', 4401),
        ("x" * (1024 * 1024 + 1), 1009),
        ("[" * 200_000, 4400),
    ],
)
async def test_what_is_not_of_the_protocol_closes_the_socket_and_no_other(
    frame: str | bytes, code: int, home: House, ada: Visitor
) -> None:
    _, token = await ada.tool()
    async with home.listening(token) as good:
        async with home.socket() as socket:
            await socket.connection.send(frame)
            closed, reason = await socket.closed()
            assert closed == code
            assert "CANARY" not in reason
        await good.event("Heartbeat")
    await serves_on(home)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "subscribe", "id": 5, "payload": {"query": QUESTION}},
        {"type": "subscribe", "payload": {"query": QUESTION}},
        {"type": "subscribe", "id": "2", "payload": {"query": ["CANARY"]}},
        {"type": "subscribe", "id": "2", "payload": "CANARY"},
        {"type": "subscribe", "id": "2"},
        {"type": "subscribe", "id": "2", "payload": {"query": QUESTION, "variables": "CANARY"}},
        {"type": "subscribe", "id": "C" * 5000, "payload": {"query": QUESTION}},
        {"type": "complete", "id": {"CANARY": 1}},
        {"type": "complete"},
    ],
)
async def test_a_malformed_operation_closes_the_socket_with_4400(
    message: dict[str, Any], home: House, ada: Visitor
) -> None:
    _, token = await ada.tool()
    async with home.listening(token) as socket:
        await socket.send(**message)
        code, reason = await socket.closed()
        assert code == 4400
        assert "CANARY" not in reason
    await serves_on(home)


@pytest.mark.parametrize(
    "query",
    [
        "{ CANARY",
        "{ CANARYletters }",
        '"CANARY"',
        "subscription { keyRevoked { CANARY } }",
        "subscription { keyRevoked(CANARY: 1) { __typename } }",
        "subscription A { keyRevoked { ...CANARY } }",
        "",
    ],
)
async def test_a_bad_document_is_an_error_of_its_operation_and_repeats_nothing(
    query: str, home: House, ada: Visitor
) -> None:
    _, token = await ada.tool()
    async with home.listening(token) as socket:
        payload = {"query": query, "operationName": None}
        await socket.send(type="subscribe", id="2", payload=payload)
        try:
            while (message := await socket.next()).get("id") != "2":
                continue
        except ConnectionClosed:
            assert socket.connection.close_code == 4400
            assert "CANARY" not in (socket.connection.close_reason or "")
        else:
            assert message["type"] == "error"
            assert "CANARY" not in json.dumps(message)
    await serves_on(home)


async def test_an_operation_that_has_no_such_name_is_told_so(home: House, ada: Visitor) -> None:
    _, token = await ada.tool()
    async with home.listening(token) as socket:
        payload = {"query": "query A { providers { id } }", "operationName": "CANARYletters"}
        await socket.send(type="subscribe", id="2", payload=payload)
        try:
            while (message := await socket.next()).get("id") != "2":
                continue
        except ConnectionClosed:
            assert "CANARY" not in (socket.connection.close_reason or "")
        else:
            assert "CANARY" not in json.dumps(message)


async def test_the_same_id_twice_closes_the_socket(home: House, ada: Visitor) -> None:
    _, token = await ada.tool()
    async with home.listening(token) as socket:
        await socket.subscribe("1")
        assert (await socket.closed())[0] == 4409


async def test_a_second_introduction_closes_the_socket(home: House, ada: Visitor) -> None:
    _, token = await ada.tool()
    async with home.listening(token) as socket:
        await socket.send(type="connection_init", payload={})
        assert (await socket.closed())[0] == 4429


async def test_a_thousand_operations_on_one_socket_are_not_begun_and_the_server_serves_on(
    home: House, ada: Visitor
) -> None:
    tool, token = await ada.tool()
    _, other = await ada.tool()
    async with home.listening(other) as quiet:
        async with home.socket() as socket:
            await socket.begin(authorization=f"Bearer {token}")
            refused, code = 0, None
            try:
                for number in range(1_000):
                    await socket.subscribe(str(number))
                while refused < 1_000 - MOST_OPERATIONS:
                    refused += (await socket.next())["type"] == "error"
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else None
            ((running,),) = home.rows("SELECT count(*) FROM listeners WHERE tool = ?", tool["id"])
            assert running <= MOST_OPERATIONS
            assert refused == 1_000 - MOST_OPERATIONS or (code is not None and code >= 4400)
            # Its unread heartbeats would hold up this client's closing, for ten seconds.
            socket.connection.transport.abort()
        await quiet.event("Heartbeat")
    await serves_on(home)


async def test_an_operation_that_is_over_makes_room_for_another(home: House, ada: Visitor) -> None:
    _, token = await ada.tool()
    async with home.socket() as socket:
        await socket.begin(authorization=f"Bearer {token}")
        for number in range(2 * MOST_OPERATIONS):
            await socket.subscribe(str(number))
            await socket.event("Heartbeat")
            await socket.send(type="complete", id=str(number))
        payload = {"query": QUESTION}
        await socket.send(type="subscribe", id="last", payload=payload)
        while (message := await socket.next()).get("id") != "last":
            continue
        assert len(message["payload"]["data"]["providers"]) == len(CATALOGUE)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_page_of_another_site_gets_no_socket(
    origin: str, home: House, ada: Visitor
) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in ada.http.cookies.items())
    with pytest.raises(InvalidStatus) as refused:
        async with home.socket(additional_headers={"cookie": cookie}, origin=origin):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"authorization": f"Bearer {UNKNOWN_TOKEN}"},
        {"authorization": "Bearer CANARY"},
        {"authorization": "Basic CANARY"},
        {"authorization": ["CANARY"]},
        {"authorization": None},
        {"token": "CANARY"},
    ],
)
async def test_who_shows_no_good_token_is_closed_with_4403(
    payload: dict[str, Any], home: House
) -> None:
    async with home.socket() as socket:
        await socket.send(type="connection_init", payload=payload)
        code, reason = await socket.closed()
        assert code == 4403
        assert "CANARY" not in reason
    await serves_on(home)


async def test_an_old_subprotocol_or_none_is_refused(home: House) -> None:
    for protocols in (["graphql-ws"], None):
        async with home.socket(subprotocols=protocols) as socket:
            assert (await socket.closed())[0] == 4406


async def test_a_tool_that_hangs_up_is_no_running_tool_any_more(home: House, ada: Visitor) -> None:
    _, token = await ada.tool()
    async with home.listening(token):
        assert [t["listeners"] for t in await ada.get("tools")] == [1]
    async with asyncio.timeout(30):
        while (await ada.get("tools"))[0]["listeners"]:  # noqa: ASYNC110 - a row, not an event
            await asyncio.sleep(0)
