"""What needs a fresh login answers so as data, to a login that is older and to any token.

Which mutations these are is read from the code: whatever calls one of the functions that hand out a
`ProvenOwner`.
"""

import ast
import inspect
from typing import Any, Final

import pytest

import resolvers
from resolvers import (
    account,
    addresses,
    ceilings,
    endings,
    keys,
    means,
    revocations,
    spend,
    tools,
)
from tests.graphql.test_answers import WITH_A_FRESH_LOGIN
from tests.kit.graphql_client import CONTRACT, PASSWORD, House, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="module")

_MODULES: Final = (account, addresses, ceilings, endings, keys, means, revocations, spend, tools)
_PROVES: Final = {"proven_owner", "proven_owner_or", "proven", "owner_for"}
SCOPES: Final = list(CONTRACT.type_map["UserTokenScope"].values)  # type: ignore[attr-defined]


def _calls(function: Any) -> set[str]:
    """Give the names of what a function calls."""
    tree = ast.parse(inspect.getsource(inspect.unwrap(function)))
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in called
    }


def proving() -> dict[str, set[str]]:
    """Give each mutation that asks for a proven owner, and what it calls."""
    found = {}
    for field in resolvers.Mutation.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        assert field.base_resolver is not None
        calls = _calls(field.base_resolver.wrapped_func)
        first, *rest = field.python_name.split("_")
        if calls & _PROVES:
            found[first + "".join(map(str.capitalize, rest))] = calls
    return found


PROVING: Final = proving()
BY_INTENT: Final = {name for name, calls in PROVING.items() if "owner_for" in calls}
BY_SCOPE: Final = {
    "revokeTool": "ToolNotFound",
    "updateTool": "ToolNotFound",
    "setCeiling": "ToolNotFound",
    "resetCeiling": "CeilingNotFound",
    "removeCeiling": "CeilingNotFound",
    "setPrice": "ProviderNotFound",
    "releaseDisputed": "NothingDisputed",
    "endCommitment": "CommitmentNotFound",
}
"""What a token's scope stands for a fresh login in, and what is answered to what is not there."""


async def test_each_that_asks_for_a_proven_owner_is_tried_here() -> None:
    assert len(PROVING) > 20
    assert PROVING.keys() == WITH_A_FRESH_LOGIN.keys()


async def test_a_union_names_it_if_and_only_if_the_code_asks_for_it() -> None:
    root = CONTRACT.mutation_type
    assert root is not None
    # A code that was asked for to link one's number is shown while the login is fresh, too.
    assert {
        name
        for name, field in root.fields.items()
        if "FreshLoginRequired" in {each.name for each in field.type.of_type.types}  # type: ignore[union-attr]
    } == PROVING.keys() | {"showCode"}


@pytest.mark.parametrize("name", PROVING)
async def test_a_login_of_more_than_five_minutes_ago_is_asked_for_again(
    name: str, home: House
) -> None:
    ada = await home.person()
    before = rows_of(home, await _id_of(ada))
    home.clock.forward(seconds=300)
    home.clock.forward(microseconds=1)
    assert (await ada.do(name, **WITH_A_FRESH_LOGIN[name]))["__typename"] == "FreshLoginRequired"
    assert rows_of(home, await _id_of(ada)) == before  # nothing was done
    again = await ada.do("freshLogin", password=PASSWORD)
    assert again["account"]["freshUntil"] is not None
    answer = await ada.do(name, **WITH_A_FRESH_LOGIN[name])
    assert answer["__typename"] != "FreshLoginRequired"


@pytest.mark.parametrize("name", PROVING)
async def test_no_user_token_is_a_fresh_login_whatever_it_may_do(name: str, home: House) -> None:
    """Nor does one borrow the freshness of a session's cookie that came along."""
    ada = await home.person()
    token = (await ada.do("createUserToken", name="all of it", scopes=SCOPES))["token"]
    program = await home.visitor(token=token)
    ada.http.headers["authorization"] = f"Bearer {token}"
    before = rows_of(home, await _id_of(ada))
    for asks in (program, ada):
        answer = await asks.do(name, **WITH_A_FRESH_LOGIN[name])
        if name in BY_SCOPE:
            assert answer["__typename"] == BY_SCOPE[name]
        elif name in BY_INTENT:
            assert answer["__typename"] == "SignInRequired"  # what is a session's, no token has
        else:
            assert answer["__typename"] == "FreshLoginRequired"
    assert rows_of(home, await _id_of(ada)) == before


async def test_what_a_scope_stands_for_was_given_by_somebody_fresh(home: House) -> None:
    """A script of one's own may revoke a tool or set a ceiling, if it was made for just that."""
    assert BY_SCOPE.keys() == {
        name for name, calls in PROVING.items() if "proven_owner_or" in calls
    }
    ada = await home.person()
    tool, _ = await ada.tool()
    token = (await ada.do("createUserToken", name="t", scopes=["TOOLS_WRITE"]))["token"]
    program = await home.visitor(token=token)
    assert (await program.do("revokeTool", id=tool["id"]))["__typename"] == "ToolRevoked"
    token = (await ada.do("createUserToken", name="c", scopes=["CEILINGS_WRITE"]))["token"]
    program = await home.visitor(token=token)
    assert (await program.do("setCeiling", limit="1"))["__typename"] == "CeilingSet"


@pytest.mark.parametrize("skew", [-301, 301])
async def test_a_clock_that_is_put_back_makes_no_login_fresh_for_longer(
    skew: int, home: House
) -> None:
    ada = await home.person()
    home.clock.forward(seconds=skew)
    try:
        assert (await ada.do("exportAccount"))["__typename"] == "FreshLoginRequired"
    finally:
        home.clock.forward(seconds=-skew)
    assert (await ada.do("exportAccount"))["__typename"] == "AccountExported"


async def _id_of(someone: Visitor) -> str:
    found: str = (await someone.get("viewer"))["id"]
    return found


def rows_of(home: House, account: str) -> list[tuple[Any, ...]]:
    """Give what is written down of acts in an account's name, and what it has."""
    return [
        *home.rows("SELECT kind FROM changes WHERE account = ?", account),
        *home.rows("SELECT act FROM audit WHERE account = ?", account),
        *home.rows("SELECT purpose FROM tickets WHERE account = ?", account),
    ]
