"""What ends a session, a tool or a whole account, and how soon everybody hears of it."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any, Final

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.kit.authenticator import text
from tests.kit.canary import canary
from tests.kit.graphql_client import PASSWORD, House, Socket, Visitor, document
from tests.kit.ways_in import (
    authenticator,
    code_for,
    disable,
    number,
    passkey,
    second_factor,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEW_PASSWORD: Final = "CANARYanotherpassword"
WITHIN_SECONDS: Final = 1.0

Ends = Callable[[House, Visitor], Awaitable[Any]]


async def _id_of(someone: Visitor) -> str:
    found: str = (await someone.get("viewer"))["id"]
    return found


# Sessions.


async def test_a_list_of_sessions_says_which_browsers_those_are(home: House) -> None:
    ada = await home.person()
    home.clock.forward(seconds=10)
    phone = await home.signed_in(ada, **{"user-agent": "A telephone\t(made up)"})
    mine, other = sorted(await ada.get("sessions"), key=lambda each: not each["isCurrent"])
    assert (mine["isCurrent"], other["isCurrent"]) == (True, False)
    assert other["device"] == "A telephone(made up)"
    assert (other["place"], other["means"]) == ("127.0.0.1", "PASSWORD")
    assert other["createdAt"] > mine["createdAt"]
    theirs = await phone.get("sessions")
    assert [each["isCurrent"] for each in theirs if each["id"] == other["id"]] == [True]
    # Nothing in the list is good for getting in.
    listed = json.dumps(theirs)
    assert phone.http.cookies["keysteward"] not in listed
    assert ada.http.cookies["keysteward"] not in listed


async def _end_one(_: House, ada: Visitor) -> None:
    for each in await ada.get("sessions"):
        if not each["isCurrent"]:
            assert (await ada.do("endSession", id=each["id"]))["__typename"] == "SessionsEnded"


async def _end_others(_: House, ada: Visitor) -> None:
    assert (await ada.do("endOtherSessions"))["count"] == 1


async def _change_password(_: House, ada: Visitor) -> None:
    changed = await ada.do("changePassword", current=PASSWORD, password=NEW_PASSWORD)
    assert changed["__typename"] == "PasswordChanged"


async def _revoke_everything(_: House, ada: Visitor) -> None:
    assert (await ada.do("revokeEverything"))["__typename"] == "EverythingRevoked"


async def _reset_password(home: House, ada: Visitor) -> None:
    await home.verify(ada)
    await ada.do("requestPasswordReset", address=ada.address)
    ticket = await home.ticket(ada.address, "/reset/new")
    reset = await ada.do("resetPassword", ticket=ticket, password=NEW_PASSWORD)
    assert reset["__typename"] == "PasswordReset"


async def _delete(_: House, ada: Visitor) -> None:
    assert (await ada.do("deleteAccount", confirm=ada.address))["__typename"] == "AccountDeleted"


async def _disable(home: House, ada: Visitor) -> None:
    await disable(home, await _id_of(ada))


async def _move(home: House, ada: Visitor) -> None:
    await ada.do("changeAddress", address=f"new-{ada.address}")
    ticket = await home.ticket(f"new-{ada.address}", "/address")
    assert (await ada.do("confirmAddress", ticket=ticket))["__typename"] == "AddressChanged"


ENDS: Final[dict[str, tuple[Ends, bool]]] = {
    "endSession": (_end_one, True),
    "endOtherSessions": (_end_others, True),
    "changePassword": (_change_password, True),
    "revokeEverything": (_revoke_everything, True),
    "resetPassword": (_reset_password, False),
    "confirmAddress": (_move, False),
    "deleteAccount": (_delete, False),
    "the operator's disabling": (_disable, False),
}
"""What ends the sessions of other browsers, and whether the one that asks goes on."""


@pytest.mark.parametrize("name", ENDS)
async def test_what_ends_a_session_ends_its_cookie_and_its_websockets_within_a_second(
    name: str, home: House
) -> None:
    ada = await home.person()
    thief = await home.signed_in(ada)
    end, goes_on = ENDS[name]
    async with home.watching(thief) as theirs, home.watching(ada) as mine:
        await end(home, ada)
        began = perf_counter()
        code, reason = await _closed(theirs)
        assert perf_counter() - began < WITHIN_SECONDS
        assert (code, reason) == (4401, "Signed out.")
        assert await thief.get("viewer") is None
        if goes_on:
            await mine.event("Heartbeat")
            assert await ada.get("viewer") is not None
        else:
            assert (await _closed(mine))[0] == 4401
            assert await ada.get("viewer") is None


async def _closed(socket: Socket) -> tuple[int | None, str]:
    """Read on until the server closes."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(30):
            while True:
                await socket.next()
    return await socket.closed()


async def test_a_user_tokens_socket_ends_with_the_token_or_the_account(home: House) -> None:
    for end in (_revoke_everything, _delete, _disable):
        ada = await home.person()
        token = (await ada.do("createUserToken", name="mine"))["token"]
        async with home.listening(token) as socket:
            await end(home, ada)
            assert (await _closed(socket))[0] == 4401
        assert await (await home.visitor(token=token)).get("viewer") is None


@pytest.mark.parametrize("ending", ["", "\n# alone"])
async def test_tools_come_again_when_their_account_has_moved_and_miss_nothing(
    ending: str, home: House
) -> None:
    """They are not refused (4401): their tokens are good, and their cursors too."""
    ada = await home.person()
    _, token = await ada.tool()
    keys = [await ada.key() for _ in range(2)]
    owners = (await ada.do("createUserToken", name="mine"))["token"]
    async with home.socket() as tools, home.listening(owners) as programs:
        await tools.begin(authorization=f"Bearer {token}")
        query = document("subscription", "keyRevoked") + ending
        await tools.send(type="subscribe", id="1", payload={"query": query})
        await tools.event("Heartbeat")
        first = await ada.do("removeKey", id=keys[0]["id"])
        assert (await tools.event("KeyRevoked"))["cursor"] == first["cursor"]
        await _move(home, ada)
        began = perf_counter()
        for socket in (tools, programs):
            code, reason = await _closed(socket)
            assert (code, reason) == (1012, "The account has another address. Connect again.")
        assert perf_counter() - began < WITHIN_SECONDS
    await ada.do("signIn", address=f"new-{ada.address}", password=PASSWORD)
    async with home.listening(token, after=first["cursor"]) as tools:
        second = await ada.do("removeKey", id=keys[1]["id"])
        assert (await tools.event("KeyRevoked"))["cursor"] == second["cursor"]


async def test_nobody_elses_sockets_are_closed(home: House) -> None:
    ada, bob = await home.person(), await home.person()
    _, token = await bob.tool()
    async with home.watching(bob) as his, home.listening(token) as tools:
        for end in (_end_others, _move):
            await home.signed_in(ada)
            await end(home, ada)
        ada = await home.person()
        await _disable(home, ada)
        await (await home.person()).do("deleteAccount", confirm="nobody")
        for socket in (his, tools):
            await socket.event("Heartbeat")


async def test_no_tool_of_a_disabled_account_goes_on(home: House) -> None:
    ada = await home.person()
    await ada.key()
    _, token = await ada.tool()
    async with home.listening(token) as listens, home.socket() as idle:
        await idle.begin(authorization=f"Bearer {token}")
        await _disable(home, ada)
        began = perf_counter()
        for socket in (listens, idle):
            assert (await _closed(socket))[0] == 4401
        assert perf_counter() - began < WITHIN_SECONDS
    client = (await home.visitor(token=token)).http
    assert (await client.get("/via/openai/v1/models")).status_code == 401


# The end of all.


async def _listening(home: House, stack: AsyncExitStack, tools: list[str]) -> list[Socket]:
    return [await stack.enter_async_context(home.listening(token)) for token in tools]


@pytest.mark.parametrize("name", ["deleteAccount", "revokeEverything"])
async def test_every_key_and_tool_is_told_of_its_calls_cut_and_the_next_refused(
    name: str, home: House
) -> None:
    ada = await home.person()
    keys = {(await ada.key(provider))["id"] for provider in ("openai", "anthropic", "google")}
    tools = [await ada.tool() for _ in range(2)]
    fields = {"confirm": ada.address} if name == "deleteAccount" else {}
    home.provider.pace = 0.01
    home.provider.events = 10_000
    async with AsyncExitStack() as stack:
        sockets = await _listening(home, stack, [token for _, token in tools])
        streams = [asyncio.create_task(_stream(home, token)) for _, token in tools]
        await home.provider.until(lambda: home.provider.open_streams == 2)
        await ada.do(name, **fields)
        began = perf_counter()
        for socket, (tool, _token) in zip(sockets, tools, strict=True):
            heard = [await socket.event("KeyRevoked") for _ in range(4)]
            assert {each["key"] for each in heard[:3]} == keys
            assert [each["reason"] for each in heard[:3]] == ["REMOVED"] * 3
            assert (heard[3]["reason"], heard[3]["key"]) == ("TOOL_REVOKED", None)
            assert (await _closed(socket))[0] == 4401
            assert tool["id"]
        async with asyncio.timeout(WITHIN_SECONDS):
            assert await asyncio.gather(*streams) == [True, True]
            await home.provider.until(lambda: not home.provider.open_streams)
        assert perf_counter() - began < WITHIN_SECONDS
    home.provider.pace, home.provider.events = 0, 3
    seen = home.provider.seen
    for _, token in tools:
        client = (await home.visitor(token=token)).http
        assert (await client.get("/via/openai/v1/models")).status_code == 401
    assert home.provider.seen == seen
    if name == "revokeEverything":
        assert await ada.get("keys") == await ada.get("tools") == await ada.get("userTokens") == []
        assert (await ada.key())["state"] == "UNVERIFIED"  # and begins anew


async def _stream(home: House, token: str) -> bool:
    """Stream an answer; tell whether it was cut."""
    client = (await home.visitor(token=token)).http
    body = {"model": "gpt-5", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    try:
        async with client.stream("POST", "/via/openai/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200
            read = b"".join([piece async for piece in answer.aiter_bytes()])
    except httpx.RemoteProtocolError:
        return True
    return b"[DONE]" not in read


async def test_an_address_is_free_again_once_its_account_is_deleted(home: House) -> None:
    ada = await home.person()
    key = await ada.key()
    await ada.do("deleteAccount", confirm=ada.address.upper())
    gone = await ada.do("signIn", address=ada.address, password=PASSWORD)
    assert gone["__typename"] == "SignInRefused"
    again = await home.visitor()
    made = await again.do("signUp", address=ada.address, password=PASSWORD)
    assert made["__typename"] == "SignedIn"
    assert await again.get("keys") == []
    assert await again.get("key", id=key["id"]) is None
    acts = [each["act"] for each in (await again.get("auditLog", first=100))["nodes"]]
    assert sorted(acts) == ["ACCOUNT_CREATED", "SIGNED_IN"]


async def test_nothing_that_was_begun_or_mailed_before_is_good_after_everything_was_revoked(
    home: House,
) -> None:
    ada = await home.person()
    await home.verify(ada)
    await ada.do("requestPasswordReset", address=ada.address)
    reset = await home.ticket(ada.address, "/reset/new")
    await ada.do("changeAddress", address=f"new-{ada.address}")
    move = await home.ticket(f"new-{ada.address}", "/address")
    invite = (await ada.do("createInvite"))["link"]
    assert "#kso_" in invite
    await ada.do("revokeEverything")
    for name, fields in {
        "resetPassword": {"ticket": reset, "password": NEW_PASSWORD},
        "confirmAddress": {"ticket": move},
    }.items():
        assert (await ada.do(name, **fields))["__typename"] == "TicketGone"
    assert not home.rows("SELECT 1 FROM tickets WHERE account = ?", await _id_of(ada))


# The export.


async def test_an_export_has_everything_of_the_owners_and_no_secret(home: House) -> None:
    ada = await home.person()
    await home.verify(ada)
    key = await ada.key(secret=(secret := canary()), label="the label")
    tool, token = await ada.tool(name="the tool", providers=["openai"])
    gone, _ = await ada.tool(name="a tool that is gone")
    await ada.do("revokeTool", id=gone["id"])
    made = await ada.do("createUserToken", name="the token", scopes=["AUDIT_READ"])
    assert (
        await (await home.visitor(token=token)).http.get("/via/openai/v1/models")
    ).status_code == 200
    removed = await ada.do("removeKey", id=(await ada.key("google"))["id"])
    means = await passkey(home, ada, device := authenticator(home))
    to = number()
    await ada.do("showCode", **await code_for(home, ada, to, "LINK"))
    app = await second_factor(home, ada)
    response = await ada.tell("exportAccount")
    document = response.json()["data"]["exportAccount"]["document"]

    viewer = await ada.get("viewer")
    nothing_more = {"__typename", "means"}
    for name in viewer.keys() - nothing_more:
        assert document["account"][name] == viewer[name], name
    assert {each["id"] for each in document["account"]["means"]} >= {"password", means["id"]}
    assert to in json.dumps(document["account"]["means"])
    assert [each["id"] for each in document["sessions"]] == [
        each["id"] for each in await ada.get("sessions")
    ]
    assert [(each["id"], each["label"]) for each in document["keys"]] == [(key["id"], "the label")]
    assert {each["name"] for each in document["tools"]} == {"the tool", "a tool that is gone"}
    assert [each["id"] for each in document["userTokens"]] == [made["userToken"]["id"]]
    assert document["userTokens"][0]["scopes"] == ["AUDIT_READ"]
    assert [each["tool"] for each in document["calls"]] == [tool["id"]]
    assert removed["cursor"] in {each["cursor"] for each in document["revocations"]}
    trail = await ada.get("auditLog", first=100)
    assert [each["digest"] for each in document["auditTrail"]] == [
        each["digest"] for each in reversed(trail["nodes"])
    ]
    assert document["auditTrail"][-1]["act"] == "ACCOUNT_EXPORTED"

    (credential,) = device.credentials
    kept = home.rows("SELECT digest FROM tools UNION SELECT digest FROM user_tokens")
    for word in (
        *(secret, token, made["token"], PASSWORD, app.secret, *app.codes),
        *(ada.http.cookies[name] for name in ada.http.cookies),
        *(text(credential.id), text(credential.public_key)),
        *(digest.hex() for (digest,) in kept),
        "argon2",
        "CANARY",
    ):
        assert word not in response.text


async def test_an_export_of_somebody_who_has_nothing_is_whole(home: House) -> None:
    ada = await home.person()
    document = (await ada.do("exportAccount"))["document"]
    for name in ("keys", "tools", "userTokens", "calls", "revocations"):
        assert document[name] == []


# The trail.


async def test_the_trail_lists_every_act_of_an_owners_newest_first_page_by_page(
    home: House,
) -> None:
    ada = await home.person()
    await ada.do("endOtherSessions")
    await home.signed_in(ada)
    await ada.do("endOtherSessions")
    await ada.tool()
    await ada.do("exportAccount")
    page = await ada.get("auditLog", first=2)
    assert page["pageInfo"]["hasNextPage"] is True
    rest = await ada.get("auditLog", first=100, after=page["pageInfo"]["endCursor"])
    acts = [each["act"] for each in page["nodes"] + rest["nodes"]]
    assert acts == [
        "ACCOUNT_EXPORTED",
        "TOOL_CREATED",
        "SESSIONS_ENDED",
        "SIGNED_IN",
        "SIGNED_IN",
        "ACCOUNT_CREATED",
    ]
    assert rest["pageInfo"]["hasNextPage"] is False


async def test_the_trail_is_searched_by_act_and_by_what_it_was_done_to(home: House) -> None:
    ada = await home.person()
    tool, _ = await ada.tool()
    await ada.tool()
    key = await ada.key()

    async def found(search: str, **page: Any) -> list[tuple[str, str | None]]:
        nodes = (await ada.get("auditLog", **({"first": 100} | page), search=search))["nodes"]
        return [(each["act"], each["subject"]) for each in nodes]

    assert await found("key_added") == await found(" Key Added ") == [("KEY_ADDED", key["id"])]
    assert await found(tool["id"].lower()) == [("TOOL_CREATED", tool["id"])]
    assert len(await found("tool")) == 2
    assert await found("nothing of that") == []
    assert len(await found("")) == 5
    page = await ada.get("auditLog", first=1, search="tool")
    assert page["pageInfo"]["hasNextPage"] is True
    end = page["pageInfo"]["endCursor"]
    assert await found("tool", after=end) == [("TOOL_CREATED", tool["id"])]
    home.rows(
        "UPDATE audit SET act = 'SIGNED_OUT' WHERE account = ? AND seq = 1", await _id_of(ada)
    )
    (error,) = (await ada.ask("auditLog", search="key")).json()["errors"]
    assert error["extensions"] == {"code": "TRAIL_BROKEN"}  # though nothing found was altered


async def test_a_trail_that_was_altered_is_an_error_that_says_where(home: House) -> None:
    ada = await home.person()
    await ada.tool()
    account = await _id_of(ada)
    home.rows("UPDATE audit SET act = 'SIGNED_OUT' WHERE account = ? AND seq = 2", account)
    (error,) = (await ada.ask("auditLog")).json()["errors"]
    assert error["message"] == "The audit trail of this account was altered at entry 2."
    assert error["extensions"] == {"code": "TRAIL_BROKEN"}
