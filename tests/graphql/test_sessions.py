"""Who asks: cookies, tokens, fresh logins, and requests that another site's page made."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tests.kit.graphql_client import PASSWORD, House, Visitor, house

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_KEY = "key_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_TOOL = "tool_01ARZ3NDEKTSV4RRFFQ69G5FAV"
PROVEN: dict[str, dict[str, Any]] = {
    "revealKey": {"id": NO_KEY},
    "rotateKey": {"id": NO_KEY, "secret": "CANARY-anything"},
    "removeKey": {"id": NO_KEY},
    "createTool": {"name": "a tool"},
    "revokeTool": {"id": NO_TOOL},
    "createUserToken": {"name": "a token"},
    "revokeUserToken": {"id": "utk_01ARZ3NDEKTSV4RRFFQ69G5FAV"},
    "setDefaultKey": {"id": NO_KEY},
}


@pytest_asyncio.fixture(loop_scope="module")
async def moving(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose clock the test may move."""
    async with house(tmp_path) as opened:
        yield opened


async def signed_up(home: House) -> tuple[Visitor, Any]:
    """Sign somebody up; give them and the cookie as it was set."""
    someone = await home.visitor()
    someone.address = f"{uuid4()}@example.com"
    response = await someone.tell("signUp", address=someone.address, password=PASSWORD)
    return someone, set_by(response)["session"]


def set_by(response: httpx.Response) -> dict[str, Any]:
    """Give the cookies that an answer sets: the session's, and the one a browser is known by."""
    found = {}
    for line in response.headers.get_list("set-cookie"):
        (morsel,) = SimpleCookie(line).values()
        found["device" if morsel.key.endswith("-device") else "session"] = morsel
    return found


async def test_the_cookie_on_loopback_is_out_of_reach_of_scripts_and_other_sites(
    home: House,
) -> None:
    _, cookie = await signed_up(home)
    assert cookie.key == "keysteward"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
    assert (cookie["secure"], cookie["domain"]) == ("", "")  # http on loopback; this host alone


async def test_behind_https_the_cookie_is_of_this_host_and_secure(tmp_path: Path) -> None:
    public = {"KEYSTEWARD_PUBLIC_URL": "https://keys.example.com"}
    async with house(tmp_path, public) as home:
        someone, cookie = await signed_up(home)
        assert cookie.key == "__Host-keysteward"
        assert (cookie["secure"], cookie["httponly"]) == (True, True)
        assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("lax", "/", "")
        head = {"cookie": f"__Host-keysteward={cookie.value}"}
        signed_in = await home.visitor(**head)
        assert (await signed_in.get("viewer"))["address"] == someone.address
        out = await signed_in.tell("signOut")
        (gone,) = set_by(out).values()  # the browser itself stays known
        assert (gone.key, gone.value, gone["secure"], gone["max-age"]) == (
            "__Host-keysteward",
            "",
            True,
            "0",
        )
        plain = await home.visitor(cookie=f"keysteward={cookie.value}")
        assert await plain.get("viewer") is None


async def test_each_sign_in_begins_a_session_of_its_own(home: House) -> None:
    """A session's id that somebody planted beforehand is worth nothing afterwards."""
    ada, first = await signed_up(home)
    planted = await home.visitor(cookie=f"keysteward={first.value}")
    response = await planted.tell("signIn", address=ada.address, password=PASSWORD)
    second = set_by(response)["session"]
    # Signing in ends the session that the browser had: whoever had its cookie has nothing.
    assert await (await home.visitor(cookie=f"keysteward={first.value}")).get("viewer") is None
    held = await home.visitor(cookie=f"keysteward={second.value}")
    again = await held.tell("freshLogin", password=PASSWORD)
    third = set_by(again)["session"]
    assert len({first.value, second.value, third.value}) == 3
    # And so does a fresh login.
    assert await (await home.visitor(cookie=f"keysteward={second.value}")).get("viewer") is None
    assert await (await home.visitor(cookie=f"keysteward={third.value}")).get("viewer") is not None


async def test_it_ends_whoever_s_that_session_was(home: House) -> None:
    ada, hers = await signed_up(home)
    bob, _ = await signed_up(home)
    shared = await home.visitor(cookie=f"keysteward={hers.value}")
    response = await shared.tell("signIn", address=bob.address, password=PASSWORD)
    assert set_by(response)["session"].value != hers.value
    assert await ada.get("viewer") is None
    assert await bob.get("viewer") is not None


async def test_an_id_that_was_never_given_out_begins_no_session(home: House) -> None:
    _, cookie = await signed_up(home)
    tampered = [
        "",
        "x",
        cookie.value[:-4],
        cookie.value + "A",
        cookie.value[::-1],
        "é" * 20,
        cookie.value.replace(cookie.value[5], "A" if cookie.value[5] != "A" else "B", 1),
        "A" * len(cookie.value),
    ]
    for value in tampered:
        nobody = await home.visitor()
        raw = [(b"cookie", f"keysteward={value}".encode()), (b"keysteward-csrf", b"1")]
        nobody.http.headers = httpx.Headers(raw)
        assert await nobody.get("viewer") is None, value


async def test_signing_out_ends_the_session_and_not_only_the_cookie(home: House) -> None:
    ada, cookie = await signed_up(home)
    copied = await home.visitor(cookie=f"keysteward={cookie.value}")
    assert await copied.get("viewer") is not None
    assert (await ada.do("signOut"))["account"]["address"] == ada.address
    assert await copied.get("viewer") is None
    assert (await copied.do("signOut"))["__typename"] == "SignInRequired"
    assert list(ada.http.cookies) == ["keysteward-device"]


async def test_a_session_ends_by_itself_after_two_weeks(moving: House) -> None:
    ada, _ = await signed_up(moving)
    for _ in range(14):  # it is used each day
        moving.clock.forward(seconds=24 * 3600 - 1)
        assert await ada.get("viewer") is not None
        await written(moving)
    moving.clock.forward(seconds=13)
    assert await ada.get("viewer") is not None
    moving.clock.forward(seconds=1)
    assert await ada.get("viewer") is None


async def test_a_session_that_nobody_uses_ends_after_a_day(moving: House) -> None:
    ada, _ = await signed_up(moving)
    moving.clock.forward(seconds=24 * 3600 - 1)
    unused = await moving.signed_in(ada)
    assert await ada.get("viewer") is not None
    await written(moving)
    moving.clock.forward(seconds=24 * 3600)
    assert await ada.get("viewer") is None
    assert await unused.get("viewer") is None


async def written(home: House) -> None:
    """Have what nobody waits for written: a write that is asked for later comes after it."""
    await home.services.store.write(lambda _: None)


async def test_what_is_final_needs_a_login_of_the_last_five_minutes(moving: House) -> None:
    ada, _ = await signed_up(moving)
    moving.clock.forward(seconds=300)
    for name, fields in PROVEN.items():
        assert (await ada.do(name, **fields))["__typename"] != "FreshLoginRequired", name
    moving.clock.forward(microseconds=1)
    assert (await ada.get("viewer"))["freshUntil"] is None
    for name, fields in PROVEN.items():
        assert (await ada.do(name, **fields))["__typename"] == "FreshLoginRequired", name
    await ada.do("freshLogin", password=PASSWORD)
    for name, fields in PROVEN.items():
        assert (await ada.do(name, **fields))["__typename"] != "FreshLoginRequired", name


async def test_the_old_cookie_of_a_login_made_fresh_is_worth_nothing(moving: House) -> None:
    ada, old = await signed_up(moving)
    moving.clock.forward(seconds=301)
    (before,) = await ada.get("sessions")
    await ada.do("freshLogin", password=PASSWORD)
    (after,) = await ada.get("sessions")
    # It is the same session, to whoever looks at the list, under another cookie.
    assert (after["id"], after["createdAt"]) == (before["id"], before["createdAt"])
    assert after["provenAt"] > before["provenAt"]
    thief = await moving.visitor(cookie=f"keysteward={old.value}")
    assert await thief.get("viewer") is None
    assert (await ada.get("viewer"))["freshUntil"] is not None


async def test_adding_a_key_needs_no_fresh_login(moving: House) -> None:
    ada, _ = await signed_up(moving)
    moving.clock.forward(seconds=3600)
    assert (await ada.key())["state"] == "UNVERIFIED"


async def test_a_user_token_reads_and_adds_but_is_never_a_fresh_login(home: House) -> None:
    ada, _ = await signed_up(home)
    key = await ada.key()
    made = await ada.do("createUserToken", name="mine", scopes=["KEYS_READ", "KEYS_WRITE"])
    token = made["token"]
    client = await home.visitor(token=token)
    assert [k["id"] for k in await client.get("keys")] == [key["id"]]
    assert (await client.key("google"))["state"] == "UNVERIFIED"
    for name, fields in PROVEN.items():
        needed = "ScopeMissing" if name == "revokeTool" else "FreshLoginRequired"
        assert (await client.do(name, **fields))["__typename"] == needed, name
    # Nor does it borrow the freshness of a session's cookie that came along.
    ada.http.headers["authorization"] = f"Bearer {token}"
    assert (await ada.do("removeKey", id=key["id"]))["__typename"] == "FreshLoginRequired"


async def test_a_token_says_who_asks_whatever_cookie_comes_along(home: House) -> None:
    (ada, _), (bob, _) = await signed_up(home), await signed_up(home)
    token = (await bob.do("createUserToken", name="mine"))["token"]
    mixed = await home.visitor(token=token, cookie=ada.cookie)
    viewer = await mixed.get("viewer")
    assert (viewer["address"], viewer["freshUntil"]) == (bob.address, None)
    assert (await mixed.do("signOut"))["__typename"] == "SignInRequired"
    assert await ada.get("viewer") is not None


async def test_a_user_token_ends_when_it_was_said_to(moving: House) -> None:
    ada, _ = await signed_up(moving)
    made = await ada.do("createUserToken", name="mine", expiresAt="2023-11-14T23:00:00Z")
    client = await moving.visitor(token=made["token"])
    assert await client.get("viewer") is not None
    moving.clock.forward(seconds=3600)
    assert await client.get("viewer") is None


async def test_a_tools_token_asks_for_nothing_of_its_owners(home: House) -> None:
    ada, _ = await signed_up(home)
    key = await ada.key()
    _, token = await ada.tool()
    tool = await home.visitor(token=token)
    assert await tool.get("viewer") is None
    for name, arguments in {
        "keys": {},
        "key": {"id": key["id"]},
        "tools": {},
        "calls": {"first": 5},
        "revocations": {"first": 5},
        "revocation": {"cursor": "c1"},
    }.items():
        (error,) = (await tool.ask(name, **arguments)).json()["errors"]
        assert error["extensions"] == {"code": "SIGN_IN_REQUIRED"}, name
    for name, fields in PROVEN.items():
        assert (await tool.do(name, **fields))["__typename"] == "SignInRequired", name
    # A session's cookie beside it does not help either: the token says who asks.
    ada.http.headers["authorization"] = f"Bearer {token}"
    assert await ada.get("viewer") is None
    (error,) = (await ada.ask("sessions")).json()["errors"]
    assert error["extensions"] == {"code": "SIGN_IN_REQUIRED"}
    for name, sent in {"signOut": {}, "freshLogin": {"password": PASSWORD}}.items():
        assert (await ada.do(name, **sent))["__typename"] == "SignInRequired", name


@pytest.mark.parametrize(
    "token",
    [
        "CANARY",
        "kst_CANARY",
        "ksu_" + "C" * 49,
        "ksu_" + "0" * 200,
        "sk-proj-CANARYCANARYCANARYCANARY",
    ],
)
async def test_what_is_no_token_is_nobody_and_is_not_repeated(token: str, home: House) -> None:
    nobody = await home.visitor(token=token)
    response = await nobody.ask("keys")
    assert response.json()["errors"][0]["extensions"] == {"code": "SIGN_IN_REQUIRED"}
    assert "CANARY" not in response.text


async def test_a_cookie_alone_is_not_enough_without_our_own_header(home: House) -> None:
    """Another site's form can make a browser send cookies, and no header of ours."""
    ada, _ = await signed_up(home)
    del ada.http.headers["keysteward-csrf"]
    response = await ada.ask("viewer")
    assert response.status_code == 403
    assert ada.address not in response.text
    # A password that the browser sends by itself, from an address with user:password@, is no header
    # of ours either.
    ada.http.headers["authorization"] = "Basic CANARY"
    assert (await ada.ask("viewer")).status_code == 403


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1", "file://", "CANARY"],
)
async def test_a_request_of_another_sites_page_is_refused(origin: str, home: House) -> None:
    ada, _ = await signed_up(home)
    ada.http.headers["origin"] = origin
    response = await ada.ask("viewer")
    assert response.status_code == 403
    assert ada.address not in response.text
    assert "CANARY" not in response.text
    assert "access-control-allow-origin" not in response.headers


async def test_a_request_of_our_own_page_is_answered(home: House) -> None:
    ada, _ = await signed_up(home)
    ada.http.headers["origin"] = home.url
    assert (await ada.get("viewer"))["address"] == ada.address


async def test_no_answer_is_kept_by_anybody_on_its_way(home: House) -> None:
    ada, _ = await signed_up(home)
    key = await ada.key()
    assert (await ada.tell("revealKey", id=key["id"])).headers["cache-control"] == "no-store"
    assert (await ada.ask("keys")).headers["cache-control"] == "no-store"
