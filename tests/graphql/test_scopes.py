"""What each scope of a user token opens, and nothing besides: one table, all of it tried."""

from typing import Any, Final

import pytest
import pytest_asyncio

from tests.graphql.test_answers import SCOPED
from tests.kit.graphql_client import CONTRACT, House, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCOPES: Final = ("KEYS_READ", "KEYS_WRITE", "CEILINGS_WRITE", "TOOLS_WRITE", "AUDIT_READ")
NO_KEY: Final = "key_01ARZ3NDEKTSV4RRFFQ69G5FAV"
ANYBODY: Final = "anybody"
ANY_TOKEN: Final = "any token"
NO_TOKEN: Final = "no token"

OPENED_BY: Final[dict[str, str]] = {
    "providers": ANYBODY,
    "signInOptions": ANYBODY,
    "viewer": ANY_TOKEN,
    "keys": "KEYS_READ",
    "key": "KEYS_READ",
    "tools": "KEYS_READ",
    "userTokens": "KEYS_READ",
    "calls": "KEYS_READ",
    "revocation": "KEYS_READ",
    "revocations": "KEYS_READ",
    "ceilings": "KEYS_READ",
    "spend": "KEYS_READ",
    "prices": "KEYS_READ",
    "commitments": "KEYS_READ",
    "files": "KEYS_READ",
    "auditLog": "AUDIT_READ",
    "sessions": NO_TOKEN,
    "addKey": "KEYS_WRITE",
    "verifyKey": "KEYS_WRITE",
    "updateTool": "TOOLS_WRITE",
    "revokeTool": "TOOLS_WRITE",
    "setCeiling": "CEILINGS_WRITE",
    "resetCeiling": "CEILINGS_WRITE",
    "removeCeiling": "CEILINGS_WRITE",
    "setPrice": "CEILINGS_WRITE",
    "releaseDisputed": "CEILINGS_WRITE",
    "endCommitment": "CEILINGS_WRITE",
    "keyRevoked": "KEYS_READ",
    "ceilingHit": "KEYS_READ",
}
"""By what each field is opened to a user token; every other mutation is for people in a browser."""
ARGUMENTS: Final[dict[str, dict[str, Any]]] = {
    "key": {"id": NO_KEY},
    "revocation": {"cursor": "c1"},
    **SCOPED,
    "addKey": {"provider": "nobody", "secret": "CANARY-anything"},
}
SUBSCRIPTIONS: Final = ("keyRevoked", "ceilingHit")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def programs(home: House) -> dict[str | None, Visitor]:
    """Give one program for each scope, with that alone; and one with none."""
    ada = await home.person()
    found = {}
    for scope in (None, *SCOPES):
        given = [scope] if scope else []
        made = await ada.do("createUserToken", name="a program", scopes=given)
        assert made["userToken"]["scopes"] == given
        found[scope] = await home.visitor(token=made["token"])
    return found


async def _is_refused(name: str, program: Visitor) -> str | None:
    """Ask one field; give what it is refused for."""
    arguments = ARGUMENTS.get(name, {})
    if name in CONTRACT.query_type.fields:  # type: ignore[union-attr]
        body = (await program.ask(name, **arguments)).json()
        if "errors" not in body:
            return None
        (error,) = body["errors"]
        code: str = error["extensions"]["code"]
        return code
    answer = await program.do(name, **arguments)
    kind: str = answer["__typename"]
    return {"ScopeMissing": "SCOPE_MISSING", "SignInRequired": "SIGN_IN_REQUIRED"}.get(kind)


@pytest.mark.parametrize("scope", [None, *SCOPES])
@pytest.mark.parametrize("name", [name for name in OPENED_BY if name not in SUBSCRIPTIONS])
async def test_a_token_opens_what_its_scopes_say_and_nothing_besides(
    name: str, scope: str | None, programs: dict[str | None, Visitor]
) -> None:
    opened_by = OPENED_BY[name]
    expected = None if opened_by in {ANYBODY, ANY_TOKEN, scope} else "SCOPE_MISSING"
    if opened_by == NO_TOKEN:
        expected = "SIGN_IN_REQUIRED"
    assert await _is_refused(name, programs[scope]) == expected


@pytest.mark.parametrize("scope", [None, *SCOPES])
@pytest.mark.parametrize("name", SUBSCRIPTIONS)
async def test_only_who_may_read_listens(
    name: str, scope: str | None, home: House, programs: dict[str | None, Visitor]
) -> None:
    async with home.socket() as socket:
        token = programs[scope].http.headers["authorization"]
        await socket.send(type="connection_init", payload={"authorization": token})
        if scope == OPENED_BY[name]:
            assert (await socket.next())["type"] == "connection_ack"
            await socket.listen(name)
        else:
            assert (await socket.closed())[0] == 4403


async def test_every_query_stands_in_the_table_and_every_mutation_that_a_scope_opens() -> None:
    query, mutation = CONTRACT.query_type, CONTRACT.mutation_type
    assert query is not None
    assert mutation is not None
    scoped = {
        name
        for name, field in mutation.fields.items()
        if "ScopeMissing" in {each.name for each in field.type.of_type.types}  # type: ignore[union-attr]
    }
    assert CONTRACT.subscription_type is not None
    assert set(SUBSCRIPTIONS) == CONTRACT.subscription_type.fields.keys()
    assert OPENED_BY.keys() == query.fields.keys() | scoped | set(SUBSCRIPTIONS)


async def test_each_scope_of_the_contract_is_tried() -> None:
    assert set(SCOPES) == set(CONTRACT.type_map["UserTokenScope"].values)  # type: ignore[attr-defined]


async def test_a_token_is_made_to_read_unless_it_is_said_otherwise(home: House) -> None:
    ada = await home.person()
    made = await ada.do("createUserToken", name="plain")
    assert made["userToken"]["scopes"] == ["KEYS_READ"]
    twice = await ada.do(
        "createUserToken", name="twice", scopes=["AUDIT_READ", "KEYS_READ", "AUDIT_READ"]
    )
    assert twice["userToken"]["scopes"] == ["KEYS_READ", "AUDIT_READ"]


async def test_a_refusal_names_the_scope_that_is_lacking(home: House) -> None:
    ada = await home.person()
    token = (await ada.do("createUserToken", name="none", scopes=[]))["token"]
    (error,) = (await (await home.visitor(token=token)).ask("keys")).json()["errors"]
    assert "keys:read" in error["message"]
