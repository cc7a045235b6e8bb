"""Each answer that the contract promises can be had: every success and every problem of a union."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, get_named_type

from keysteward.demo.fake_provider import KeyKind
from resolvers import build
from tests.kit.canary import canary
from tests.kit.graphql_client import CONTRACT, PASSWORD, House, Visitor, house

pytestmark = pytest.mark.asyncio(loop_scope="module")

Answer = Awaitable[dict[str, Any]]
Case = Callable[[House, Visitor], Answer]
CASES: dict[tuple[str, str], Case] = {}

NO_KEY = "key_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_TOOL = "tool_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_TOKEN = "utk_01ARZ3NDEKTSV4RRFFQ69G5FAV"
FIVE_MINUTES_AND_A_SECOND = 301
WITH_A_FRESH_LOGIN: dict[str, dict[str, Any]] = {
    "revealKey": {"id": NO_KEY},
    "rotateKey": {"id": NO_KEY, "secret": "CANARY-anything"},
    "removeKey": {"id": NO_KEY},
    "createTool": {"name": "a tool"},
    "revokeTool": {"id": NO_TOOL},
    "createUserToken": {"name": "a token"},
    "revokeUserToken": {"id": NO_TOKEN},
    "setDefaultKey": {"id": NO_KEY},
}
SIGNED_IN: dict[str, dict[str, Any]] = WITH_A_FRESH_LOGIN | {
    "addKey": {"provider": "openai", "secret": "CANARY-anything"},
    "verifyKey": {"id": NO_KEY},
    "freshLogin": {"password": PASSWORD},
    "signOut": {},
    "acknowledgeRevocation": {"cursor": "c1"},
}
WITH_A_KEY = ("verifyKey", "revealKey", "rotateKey", "removeKey", "setDefaultKey")


def promised() -> list[tuple[str, str]]:
    """Give each mutation with each member of its union."""
    root = CONTRACT.mutation_type
    assert root is not None
    pairs = []
    for name, each in root.fields.items():
        union = get_named_type(each.type)
        assert isinstance(union, GraphQLUnionType), f"{name} must answer a union"
        pairs += [(name, member.name) for member in union.types]
    return pairs


def case(*pairs: tuple[str, str]) -> Callable[[Case], Case]:
    def note(function: Case) -> Case:
        CASES.update(dict.fromkeys(pairs, function))
        return function

    return note


def _of_nobody(name: str) -> Case:
    async def answer(home: House, _: Visitor) -> dict[str, Any]:
        return await (await home.visitor()).do(name, **SIGNED_IN[name])

    return answer


def _of_a_token(name: str) -> Case:
    async def answer(home: House, ada: Visitor) -> dict[str, Any]:
        token = (await ada.do("createUserToken", name="mine"))["token"]
        return await (await home.visitor(token=token)).do(name, **WITH_A_FRESH_LOGIN[name])

    return answer


def _of_no_key(name: str) -> Case:
    async def answer(_: House, ada: Visitor) -> dict[str, Any]:
        return await ada.do(name, **SIGNED_IN[name])

    return answer


for _name in SIGNED_IN:
    CASES[_name, "SignInRequired"] = _of_nobody(_name)
for _name in WITH_A_FRESH_LOGIN:
    CASES[_name, "FreshLoginRequired"] = _of_a_token(_name)
for _name in WITH_A_KEY:
    CASES[_name, "KeyNotFound"] = _of_no_key(_name)


@case(("signUp", "SignedIn"))
async def _(home: House, _: Visitor) -> dict[str, Any]:
    someone = await home.visitor()
    return await someone.do("signUp", address="new@example.com", password=PASSWORD)


@case(("signUp", "SignUpRefused"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("signUp", address=ada.address.upper(), password=PASSWORD)


@case(("signUp", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("signUp", address="no address", password=PASSWORD)


@case(("signIn", "SignedIn"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    return await (await home.visitor()).do("signIn", address=ada.address, password=PASSWORD)


@case(("signIn", "SignInRefused"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    return await (await home.visitor()).do("signIn", address=ada.address, password="CANARYwrong")


@case(("freshLogin", "SignedIn"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("freshLogin", password=PASSWORD)


@case(("freshLogin", "SignInRefused"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("freshLogin", password="CANARYwrong")


@case(("signOut", "SignedOut"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("signOut")


@case(("addKey", "KeyAdded"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("addKey", provider="openai", secret=canary())


@case(("addKey", "ProviderNotFound"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("addKey", provider="nobody", secret=canary())


@case(("addKey", "MalformedKey"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("addKey", provider="openai", secret="CANARY with spaces")


@case(("addKey", "KeyRejected"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    home.provider.keys[secret := canary()] = KeyKind.REJECTED
    return await ada.do("addKey", provider="openai", secret=secret)


@case(("addKey", "DuplicateKey"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    key = await ada.key(secret=(secret := canary()))
    answer = await ada.do("addKey", provider="openai", secret=secret, label="again")
    assert answer["existing"] == key["id"]
    return answer


@case(("addKey", "LabelTaken"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    await ada.key(label="work")
    return await ada.do("addKey", provider="openai", secret=canary(), label="work")


@case(("addKey", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("addKey", provider="openai", secret=canary(), label="")


@case(("verifyKey", "KeyVerified"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("verifyKey", id=(await ada.key())["id"])


async def _broken_key(home: House, ada: Visitor) -> dict[str, Any]:
    key = await ada.key()
    home.rows(
        "UPDATE seals SET sealed = zeroblob(length(sealed))"
        " WHERE slot = (SELECT slot FROM keys WHERE id = ?)",
        key["id"],
    )
    return key


@case(("verifyKey", "KeyNeedsReentry"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("verifyKey", id=(await _broken_key(home, ada))["id"])


@case(("revealKey", "KeyNeedsReentry"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    key = await _broken_key(home, ada)
    shown = await ada.get("key", id=key["id"])
    assert shown["state"] == "NEEDS_REENTRY"  # and the list lives on
    return await ada.do("revealKey", id=key["id"])


@case(("revealKey", "KeyRevealed"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    key = await ada.key(secret=(secret := canary()))
    answer = await ada.do("revealKey", id=key["id"])
    assert answer["secret"] == secret
    return answer


@case(("rotateKey", "KeyRotated"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    key = await ada.key()
    answer = await ada.do("rotateKey", id=key["id"], secret=canary())
    assert answer["key"]["id"] == key["id"]
    assert answer["key"]["version"] == 2
    return answer


@case(("rotateKey", "MalformedKey"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("rotateKey", id=(await ada.key())["id"], secret="CANARY\n")


@case(("rotateKey", "KeyRejected"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    key = await ada.key(secret=(old := canary()))
    home.provider.keys[new := canary()] = KeyKind.REJECTED
    answer = await ada.do("rotateKey", id=key["id"], secret=new)
    assert (await ada.do("revealKey", id=key["id"]))["secret"] == old  # the old one still works
    return answer


@case(("rotateKey", "DuplicateKey"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    key = await ada.key(secret=(secret := canary()))
    return await ada.do("rotateKey", id=key["id"], secret=secret)


@case(("removeKey", "KeyRemoved"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("removeKey", id=(await ada.key())["id"])


@case(("setDefaultKey", "DefaultKeySet"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    first, second = await ada.key(), await ada.key()
    assert (first["isDefault"], second["isDefault"]) == (True, False)
    answer = await ada.do("setDefaultKey", id=second["id"])
    assert [k["isDefault"] for k in await ada.get("keys")] == [False, True]
    return answer


@case(("createTool", "ToolCreated"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    answer = await ada.do(
        "createTool", name="t", providers=["openai"], expiresAt="2100-01-01T00:00:00Z"
    )
    assert [p["id"] for p in answer["tool"]["providers"]] == ["openai"]
    assert answer["tool"]["expiresAt"] == "2100-01-01T00:00:00+00:00"
    return answer


@case(("createTool", "ProviderNotFound"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("createTool", name="t", providers=["openai", "nobody"])


@case(("createTool", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("createTool", name="")


@case(("revokeTool", "ToolRevoked"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    tool, _token = await ada.tool()
    answer = await ada.do("revokeTool", id=tool["id"])
    assert await ada.get("tools") == []
    return answer


@case(("revokeTool", "ToolNotFound"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    tool, _token = await ada.tool()
    await ada.do("revokeTool", id=tool["id"])
    return await ada.do("revokeTool", id=tool["id"])


@case(("addKey", "FreshLoginRequired"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    token = (await ada.do("createUserToken", name="mine"))["token"]
    program = await home.visitor(token=token)
    plain = {"provider": "openai", "secret": canary(), "verify": False}
    assert (await program.do("addKey", **plain, label="mine"))["__typename"] == "KeyAdded"
    return await program.do("addKey", **plain, label="theirs", makeDefault=True)


@case(("revokeUserToken", "UserTokenRevoked"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    token = (await ada.do("createUserToken", name="mine"))["token"]
    (listed,) = await ada.get("userTokens")
    assert (listed["name"], listed["tokenHint"][-4:]) == ("mine", token[-4:])
    answer = await ada.do("revokeUserToken", id=listed["id"])
    assert await ada.get("userTokens") == []
    assert await (await home.visitor(token=token)).get("viewer") is None
    return answer


@case(("revokeUserToken", "UserTokenNotFound"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("revokeUserToken", id=NO_TOKEN)


@case(("createUserToken", "UserTokenCreated"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    answer = await ada.do("createUserToken", name="mine")
    key = await ada.key()
    assert [k["id"] for k in await (await home.visitor(token=answer["token"])).get("keys")] == [
        key["id"]
    ]
    return answer


@case(("createUserToken", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("createUserToken", name="mine", expiresAt="2001-01-01T00:00:00Z")


async def _acknowledged(home: House, ada: Visitor, cursor: str | None) -> dict[str, Any]:
    _tool, token = await ada.tool()
    removed = await ada.do("removeKey", id=(await ada.key())["id"])
    tool = await home.visitor(token=token)
    return await tool.do("acknowledgeRevocation", cursor=cursor or removed["cursor"])


@case(("acknowledgeRevocation", "Acknowledged"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    return await _acknowledged(home, ada, None)


@case(("acknowledgeRevocation", "CursorExpired"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    return await _acknowledged(home, ada, "c999999")


@case(("acknowledgeRevocation", "InvalidInput"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    return await _acknowledged(home, ada, "CANARY no cursor")


@pytest.mark.parametrize(("mutation", "member"), promised())
async def test_each_member_of_each_union_can_be_answered(
    home: House, mutation: str, member: str
) -> None:
    assert (mutation, member) in CASES, "the contract promises it, and nobody has seen it"
    answer = await CASES[mutation, member](home, await home.person())
    assert answer["__typename"] == member
    if "message" in answer:
        assert "CANARY" not in str(answer)


async def test_no_case_is_left_over_from_a_union_that_lost_it() -> None:
    assert set(CASES) <= set(promised())


async def test_each_problem_of_the_contract_is_in_a_union() -> None:
    interface = CONTRACT.type_map["Problem"]
    assert isinstance(interface, GraphQLInterfaceType)
    members = {member for _, member in promised()}
    problems = {each.name for each in CONTRACT.get_possible_types(interface)}
    assert problems <= members


async def test_every_field_of_every_success_is_filled_in(home: House) -> None:
    """What a client selects in full comes without an error, with data behind it."""
    ada = await home.person()
    key = await ada.key(label="work")
    tool, token = await ada.tool()
    call = await (await home.visitor(token=token)).http.get("/via/openai/v1/models")
    assert call.status_code == 200
    async with home.listening(token):
        assert [t["listeners"] for t in await ada.get("tools")] == [1]
    removed = await ada.do("removeKey", id=key["id"])
    viewer = await ada.get("viewer")
    assert viewer["address"] == ada.address
    assert viewer["freshUntil"] is not None
    assert {p["basePath"] for p in await ada.get("providers")} >= {"/via/openai/v1"}
    (made,) = (await ada.get("calls", first=10))["nodes"]
    assert (made["outcome"], made["tool"], made["key"], made["status"]) == (
        "ANSWERED",
        tool["id"],
        key["id"],
        200,
    )
    one = await ada.get("revocation", cursor=removed["cursor"])
    assert (one["key"], one["reason"], one["provider"]["id"]) == (key["id"], "REMOVED", "openai")
    page = await ada.get("revocations", first=1)
    assert page["nodes"] == [one]
    assert page["pageInfo"]["hasNextPage"] is False
    assert await ada.get("keys") == []
    assert await ada.get("key", id=key["id"]) is None


async def test_pages_of_revocations_and_calls_follow_each_other_without_gap(home: House) -> None:
    ada = await home.person()
    removed = [(await ada.do("removeKey", id=(await ada.key())["id"]))["cursor"] for _ in range(5)]
    seen: list[str] = []
    after = None
    while True:
        page = await ada.get("revocations", first=2, after=after)
        seen += [node["cursor"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == removed[::-1]


async def test_a_closed_house_takes_no_new_account(tmp_path: Path) -> None:
    async with house(tmp_path, {"KEYSTEWARD_SIGN_UP": "closed"}) as closed:
        someone = await closed.visitor()
        answer = await someone.do("signUp", address="new@example.com", password=PASSWORD)
        assert answer["__typename"] == "SignUpRefused"


async def test_the_contract_at_the_root_is_the_printed_one() -> None:
    committed = Path(__file__).parents[2] / "schema.graphql"
    assert committed.read_text() == build().as_str().rstrip("\n") + "\n"


async def test_each_field_that_answers_a_list_without_end_is_a_connection() -> None:
    query = CONTRACT.query_type
    assert isinstance(query, GraphQLObjectType)
    for name in ("calls", "revocations"):
        answered = get_named_type(query.fields[name].type)
        assert isinstance(answered, GraphQLObjectType)
        assert {"nodes", "pageInfo"} <= set(answered.fields)
