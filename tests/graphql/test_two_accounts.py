"""Promise P2: what is Ada's does not exist for Bob: he is answered as to an id that never was.

Every field of the contract and every route must have its case here; one without fails the run.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import httpx
import pytest
import pytest_asyncio

from store import Store
from tests.kit.canary import canary
from tests.kit.graphql_client import CONTRACT, PASSWORD, House, Visitor, document

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODYS_KEY = "key_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NOBODYS_TOOL = "tool_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NOBODYS_CALL = "call_01ARZ3NDEKTSV4RRFFQ69G5FAV"


@dataclass(frozen=True)
class Adas:
    """What Ada has, each part of which Bob has come to know somehow."""

    key: str
    tool: str
    token: str
    call: str
    cursor: str
    secret: str
    address: str


@pytest_asyncio.fixture(loop_scope="module")
async def adas(home: House) -> Adas:
    ada = await home.person()
    for _ in range(3):  # her cursors run ahead of all that Bob has
        await ada.do("removeKey", id=(await ada.key())["id"])
    key = await ada.key(secret=(secret := canary()), label="adas")
    tool, token = await ada.tool()
    client = await home.visitor(token=token)
    assert (await client.http.get("/via/openai/v1/models")).status_code == 200
    (call,) = (await ada.get("calls", first=50))["nodes"]
    other = await ada.key("google")
    cursor = (await ada.do("removeKey", id=other["id"]))["cursor"]
    return Adas(key["id"], tool["id"], token, call["id"], cursor, secret, ada.address)


@pytest_asyncio.fixture(loop_scope="module")
async def bob(home: House) -> Visitor:
    someone = await home.person()
    await someone.key()
    await someone.tool()
    return someone


Ask = Callable[[House, Visitor, Adas], Awaitable[None]]
FIELDS: dict[str, Ask] = {}


def field(name: str) -> Callable[[Ask], Ask]:
    def note(function: Ask) -> Ask:
        FIELDS[name] = function
        return function

    return note


def same_as_of_nobodys(
    name: str, adas_id: Callable[[Adas], str], nobodys: str, argument: str = "id", **rest: Any
) -> None:
    """Ask with Ada's id and with one of nobody's; both answers must be the same to the byte."""
    is_query = CONTRACT.query_type is not None and name in CONTRACT.query_type.fields

    async def ask(_: House, bob: Visitor, adas: Adas) -> None:
        send = bob.ask if is_query else bob.tell
        hers = await send(name, **{argument: adas_id(adas)}, **rest)
        unknown = await send(name, **{argument: nobodys}, **rest)
        assert alike(hers, unknown)

    FIELDS[name] = ask


def alike(one: httpx.Response, other: httpx.Response) -> bool:
    """Compare the whole of two answers: status, headers but the date, body."""
    heads = [
        sorted((k, v) for k, v in each.headers.items() if k != "date") for each in (one, other)
    ]
    return (one.status_code, one.content, heads[0]) == (other.status_code, other.content, heads[1])


for _name in ("verifyKey", "revealKey", "removeKey", "setDefaultKey", "key"):
    same_as_of_nobodys(_name, lambda a: a.key, NOBODYS_KEY)
same_as_of_nobodys("rotateKey", lambda a: a.key, NOBODYS_KEY, secret=canary())
same_as_of_nobodys("revokeTool", lambda a: a.tool, NOBODYS_TOOL)
same_as_of_nobodys("revocation", lambda a: a.cursor, "c888", argument="cursor")


@field("calls")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    for argument, hers, nobodys in (
        ("tool", adas.tool, NOBODYS_TOOL),
        ("after", adas.call, NOBODYS_CALL),
    ):
        one = await bob.ask("calls", **{argument: hers}, first=50)
        assert alike(one, await bob.ask("calls", **{argument: nobodys}, first=50))


@field("revocations")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    hers = await bob.ask("revocations", first=50, after=adas.cursor)
    assert alike(hers, await bob.ask("revocations", first=50, after="c888"))


async def _nothing_of_hers(bob: Visitor, name: str, adas: Adas, **arguments: Any) -> None:
    answer = (await bob.ask(name, **arguments)).text
    for each in (adas.key, adas.tool, adas.token, adas.call, adas.secret, adas.address, "adas"):
        assert each not in answer


@field("viewer")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    await _nothing_of_hers(bob, "viewer", adas)
    assert (await bob.get("viewer"))["address"] == bob.address


@field("keys")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    await _nothing_of_hers(bob, "keys", adas)
    assert len(await bob.get("keys", provider="openai")) == 1


@field("tools")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    await _nothing_of_hers(bob, "tools", adas)
    assert len(await bob.get("tools")) == 1


@field("providers")
async def _(home: House, bob: Visitor, _: Adas) -> None:
    nobody = await home.visitor()
    assert (await bob.ask("providers")).content == (await nobody.ask("providers")).content


@field("signUp")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    # That an address is taken is told to who tries it, and only that.
    answer = await bob.do("signUp", address=adas.address, password=PASSWORD)
    assert answer["__typename"] == "SignUpRefused"
    assert (await bob.get("viewer"))["address"] == bob.address


@field("signIn")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    wrong = await bob.tell("signIn", address=adas.address, password="CANARYwrongpassword")
    unknown = await bob.tell("signIn", address="nobody@example.com", password="CANARYwrongpassword")
    assert alike(wrong, unknown)


@field("freshLogin")
async def _(_: House, bob: Visitor, __: Adas) -> None:
    assert (await bob.do("freshLogin", password=PASSWORD))["account"]["address"] == bob.address


@field("signOut")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    await bob.do("signOut")
    assert await (await home.visitor(token=adas.token)).http.get("/via/openai/v1/models")


@field("addKey")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    """Neither her label nor her very key stand in his way: that would tell him that she has it."""
    added = await bob.do(
        "addKey", provider="openai", secret=adas.secret, label="adas", verify=False
    )
    assert added["__typename"] == "KeyAdded"
    assert added["key"]["id"] != adas.key


@field("createTool")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    _tool, token = await bob.tool(name="adas")
    his = await (await home.visitor(token=token)).http.get("/via/openai/v1/models")
    assert his.status_code == 200
    assert home.provider.calls[-1].header(b"authorization") != f"Bearer {adas.secret}".encode()


@field("userTokens")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    await bob.do("createUserToken", name="bobs")
    await _nothing_of_hers(bob, "userTokens", adas)
    assert [token["name"] for token in await bob.get("userTokens")] == ["bobs"]


@field("revokeUserToken")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    ada = await home.visitor()
    await ada.do("signIn", address=adas.address, password=PASSWORD)
    token = (await ada.do("createUserToken", name="hers"))["token"]
    (hers,) = [one["id"] for one in await ada.get("userTokens") if one["name"] == "hers"]
    tried = await bob.tell("revokeUserToken", id=hers)
    assert alike(tried, await bob.tell("revokeUserToken", id="utk_01ARZ3NDEKTSV4RRFFQ69G5FAV"))
    assert await (await home.visitor(token=token)).get("viewer")


@field("createUserToken")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    token = (await bob.do("createUserToken", name="adas"))["token"]
    await _nothing_of_hers(await home.visitor(token=token), "keys", adas)


@field("acknowledgeRevocation")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    _tool, token = await bob.tool()
    his = await home.visitor(token=token)
    hers = await his.tell("acknowledgeRevocation", cursor=adas.cursor)
    assert alike(hers, await his.tell("acknowledgeRevocation", cursor="c888"))
    assert home.rows("SELECT count(*) FROM heard WHERE tool = ?", adas.tool) == [(0,)]


@field("keyRevoked")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    """Bob's tool listens while Ada's key and tool go; he hears his own removal, and that alone."""
    tool, token = await bob.tool()
    ada = await home.visitor()
    await ada.do("signIn", address=adas.address, password=PASSWORD)
    key = await bob.key()
    async with home.listening(token) as his:
        await ada.do("removeKey", id=adas.key)
        await ada.do("revokeTool", id=adas.tool)
        removed = await bob.do("removeKey", id=key["id"])
        heard = await his.event("KeyRevoked")
        assert (heard["key"], heard["cursor"]) == (key["id"], removed["cursor"])
    async with home.listening(token, after=adas.cursor) as his:
        expired = await his.event("CursorExpired")
        assert expired["head"] == removed["cursor"]
    assert tool["id"]


def every_field() -> list[str]:
    names: list[str] = []
    for root in (CONTRACT.query_type, CONTRACT.mutation_type, CONTRACT.subscription_type):
        assert root is not None
        names += root.fields
    return names


@pytest.mark.parametrize("name", every_field())
async def test_another_accounts_ids_are_ids_of_nobodys(
    name: str, home: House, bob: Visitor, adas: Adas
) -> None:
    assert name in FIELDS, f"{name} is new, and has no case of two accounts"
    before = state_of(home, adas)
    await FIELDS[name](home, bob, adas)
    if name != "keyRevoked":
        assert state_of(home, adas) == before


def state_of(home: House, adas: Adas) -> list[tuple[Any, ...]]:
    """Give what Bob must not move: Ada's rows."""
    account = "(SELECT account FROM keys WHERE id = ?)"
    return [
        *home.rows(f"SELECT * FROM keys WHERE account = {account}", adas.key),  # noqa: S608
        *home.rows(f"SELECT * FROM tools WHERE account = {account}", adas.key),  # noqa: S608
        *home.rows(f"SELECT * FROM changes WHERE account = {account}", adas.key),  # noqa: S608
        *home.rows("SELECT sealed FROM seals JOIN keys USING (slot) WHERE id = ?", adas.key),
    ]


async def test_no_case_is_left_over_from_a_field_that_is_gone() -> None:
    assert set(FIELDS) == set(every_field())


async def test_the_brokers_route_knows_no_key_but_its_own_accounts(
    home: House, bob: Visitor, adas: Adas
) -> None:
    _tool, token = await bob.tool()
    his = (await home.visitor(token=token)).http
    calls = home.provider.seen
    for hers in (adas.key, "adas"):
        with_hers = await his.get("/via/openai/v1/models", headers={"keysteward-key": hers})
        with_nobodys = await his.get(
            "/via/openai/v1/models", headers={"keysteward-key": NOBODYS_KEY}
        )
        assert with_hers.status_code == 404
        assert alike(with_hers, with_nobodys)
    assert home.provider.seen == calls  # nothing left the house


@pytest.mark.parametrize("route", ["/health", "/ready"])
async def test_the_other_routes_tell_nobody_anything_of_an_account(
    route: str, home: House, bob: Visitor, adas: Adas
) -> None:
    nobody = await home.visitor()
    assert (await bob.http.get(route)).content == (await nobody.http.get(route)).content
    assert adas.address not in (await bob.http.get(route)).text


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("key", {}),
        ("verifyKey", {}),
        ("revealKey", {}),
        ("removeKey", {}),
        ("setDefaultKey", {}),
        ("rotateKey", {"secret": canary()}),
    ],
)
async def test_as_much_is_read_for_anothers_key_as_for_nobodys(  # noqa: PLR0917 - fixtures
    name: str,
    arguments: dict[str, str],
    home: House,
    bob: Visitor,
    adas: Adas,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same work is done for both, so the time tells nothing: units of the database, counted."""
    units: list[str] = []
    read, write = Store.read, Store.write

    def counted(kind: str, through: Any) -> Any:
        def unit(self: Store, given: Any) -> Any:
            name = getattr(given, "__qualname__", "")
            # What the house does by itself, each second or when its log has grown.
            if name not in {"Housekeeping.keep.<locals>.unit", "Tail._read"}:
                units.append(f"{kind} {name}")
            return through(self, given)

        return unit

    monkeypatch.setattr(Store, "read", counted("read", read))
    monkeypatch.setattr(Store, "write", counted("write", write))
    work = []
    for key in (adas.key, NOBODYS_KEY):
        units.clear()
        send = bob.ask if name == "key" else bob.tell
        await send(name, id=key, **arguments)
        work.append(list(units))
    assert work[0] == work[1]
    assert work[0]


async def test_the_answer_about_anothers_key_takes_as_long_as_about_nobodys(
    home: House, bob: Visitor, adas: Adas
) -> None:
    """Medians of 200 each, turn by turn; the bound is loose, the machine is shared."""
    text = document("query", "key")
    took: dict[str, list[float]] = {adas.key: [], NOBODYS_KEY: []}
    for _ in range(200):
        for key, times in took.items():
            begun = perf_counter()
            await bob.post(text, id=key)
            times.append(perf_counter() - begun)
    hers, nobodys = (median(times) for times in took.values())
    assert 0.7 < hers / nobodys < 1.4
