"""Promise P2: what is Ada's does not exist for Bob: he is answered as to an id that never was.

Every field of the contract and every route must have its case here; one without fails the run.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import httpx
import pytest
import pytest_asyncio

from accounts import tokens
from accounts.tokens import TokenKind
from keysteward.app import App as Keysteward
from store import Store
from tests.kit.authenticator import Authenticator, Twist, text
from tests.kit.canary import canary
from tests.kit.graphql_client import CONTRACT, PASSWORD, House, Visitor, document
from tests.kit.mailbox import links_in
from tests.kit.spending import NO_CEILING, NO_FILE, ceiling, hit, kept, price, server
from tests.kit.ways_in import (
    App,
    authenticator,
    code_for,
    number,
    passkey,
    second_factor,
    show_passkey,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODYS_KEY = "key_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NOBODYS_TOOL = "tool_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NOBODYS_CALL = "call_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NOBODYS_SESSION = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NOBODYS_PASSKEY = "psk_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NOBODYS_IDENTITY = "idn_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NOBODYS_TICKET = tokens.make(TokenKind.ONCE).text
NEW_PASSWORD = "CANARYanotherpassword"
SCOPES = CONTRACT.type_map["UserTokenScope"].values  # type: ignore[attr-defined]


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
    account: str
    session: str
    user_token: str
    passkey: str
    identity: str
    number: str
    ceiling: str
    file: str
    device: Authenticator
    app: App

    @property
    def words(self) -> tuple[str, ...]:
        """Give whatever of hers no answer to Bob may hold."""
        return (
            *(self.key, self.tool, self.token, self.call, self.secret, self.address, "adas"),
            *(self.account, self.session, self.user_token, self.passkey, self.identity),
            *(self.number, self.app.secret, self.token[:12], *self.app.codes),
            self.ceiling,
            self.file,
        )


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def adas(home: House) -> Adas:
    return await settled(home)


async def settled(home: House) -> Adas:
    ada = await home.person()
    for _ in range(3):  # her cursors run ahead of all that Bob has
        await ada.do("removeKey", id=(await ada.key())["id"])
    key = await ada.key(secret=(secret := canary()), label="adas")
    tool, token = await ada.tool()
    client = await home.visitor(token=token)
    assert (await client.http.get("/via/openai/v1/models")).status_code == 200
    (call,) = (await ada.get("calls", first=50))["nodes"]
    file = await kept(home, ada, token, "adas.json")
    other = await ada.key("google")
    cursor = (await ada.do("removeKey", id=other["id"]))["cursor"]
    made = await ada.do("createUserToken", name="hers", scopes=list(SCOPES))
    await home.verify(ada)
    means = await passkey(home, ada, device := authenticator(home))
    app = await second_factor(home, ada)
    linked = await ada.do("showCode", **await code_for(home, ada, to := number(), "LINK"))
    (session,) = await ada.get("sessions")
    account = (await ada.get("viewer"))["id"]
    await price(ada)
    await _spent(home, account, spends := await ceiling(ada), call["id"])
    return Adas(
        key["id"],
        tool["id"],
        token,
        call["id"],
        cursor,
        secret,
        ada.address,
        account,
        session["id"],
        made["userToken"]["id"],
        means["id"],
        linked["means"]["id"],
        to,
        spends,
        file,
        device,
        app,
    )


async def _spent(home: House, account: str, under: str, call: str) -> None:
    """Have a call disputed under a ceiling, and a server run."""
    home.rows("UPDATE ceilings SET settled = 5 WHERE id = ?", under)
    home.rows(
        "INSERT INTO reservations VALUES (?, ?, ?, 1, 'DISPUTED', 5, 5)", account, call, under
    )
    home.rows(
        "INSERT INTO ledger VALUES (?, ?, 1, ?, 'openai', 'tool_adas', 'gpt-adas', 'usd', 5,"
        " 'DISPUTED', 'BOUND')",
        account,
        call,
        home.clock(),
    )
    server(home, account, "server-adas")


async def signed_in(home: House, adas: Adas) -> Visitor:
    """Let Ada in once more, in another browser, without a word about her second factor."""
    ada = await home.visitor()
    shown = await show_passkey(ada, adas.device, "SIGN_IN")
    assert shown["__typename"] == "SignedIn", shown
    ada.address = adas.address
    return ada


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
for _name in ("revokeTool", "updateTool"):
    same_as_of_nobodys(_name, lambda a: a.tool, NOBODYS_TOOL)
same_as_of_nobodys("endSession", lambda a: a.session, NOBODYS_SESSION)
same_as_of_nobodys("setCeiling", lambda a: a.tool, NOBODYS_TOOL, argument="tool", limit="1")
for _name in ("resetCeiling", "removeCeiling"):
    same_as_of_nobodys(_name, lambda a: a.ceiling, NO_CEILING)
same_as_of_nobodys("releaseDisputed", lambda a: a.call, NOBODYS_CALL, argument="call")
same_as_of_nobodys(
    "endCommitment", lambda _: "server-adas", "nobodys", argument="resource", provider="vultr"
)
same_as_of_nobodys("deleteFile", lambda a: a.file, NO_FILE)
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
    for each in adas.words:
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
    ada = await signed_in(home, adas)
    token = (await ada.do("createUserToken", name="hers"))["token"]
    hers = max(one["id"] for one in await ada.get("userTokens") if one["name"] == "hers")
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
    adas = await settled(home)  # of her own: nothing of this one's is left
    ada = await signed_in(home, adas)
    await bob.do("freshLogin", password=PASSWORD)
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


@field("ceilings")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    his = await ceiling(bob)
    await _nothing_of_hers(bob, "ceilings", adas)
    assert [each["id"] for each in await bob.get("ceilings")] == [his]
    (key,) = await bob.get("keys")
    assert key["ceiling"]["id"] == key["provider"]["ceiling"]["id"] == his


@field("spend")
async def _(_: House, bob: Visitor, __: Adas) -> None:
    for by in ("PROVIDER", "TOOL", "MODEL", "DAY"):
        assert await bob.get("spend", by=by) == []


@field("prices")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    await price(bob, "7")
    await _nothing_of_hers(bob, "prices", adas)
    (his,) = await bob.get("prices")
    assert his["rates"][0]["amount"] == "7.00"


@field("setPrice")
async def _(_: House, bob: Visitor, __: Adas) -> None:
    await price(bob, "7")
    taken = await bob.do("setPrice", provider="openai", item="gpt-5", rates=[])
    assert taken == {"__typename": "PriceSet", "price": None}  # hers stands: `state_of`


@field("files")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    assert (await bob.get("files", first=50))["nodes"] == []
    one = await bob.ask("files", after=adas.file, first=50)
    assert alike(one, await bob.ask("files", after=NO_FILE, first=50))


@field("commitments")
async def _(_: House, bob: Visitor, __: Adas) -> None:
    assert await bob.get("commitments") == []


@field("ceilingHit")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    """Bob and his tool listen while Ada's ceiling is hit; they hear of his own, and that alone."""
    _, token = await bob.tool()
    adas = await settled(home)  # of her own: nothing of this one's is hit
    ada = await signed_in(home, adas)
    async with (
        home.listening(token, to="ceilingHit") as tool,
        home.watching(bob, to="ceilingHit") as page,
    ):
        await ceiling(ada, "0")
        his = await hit(home, bob)
        for socket in (tool, page):
            assert (await socket.event("CeilingHit"))["ceiling"] == his
    async with home.listening(token, to="ceilingHit", after=adas.cursor) as tool:
        assert (await tool.event("CursorExpired"))["head"]


@field("signInOptions")
async def _(home: House, bob: Visitor, _: Adas) -> None:
    nobody = await home.visitor()
    assert (await bob.ask("signInOptions")).content == (await nobody.ask("signInOptions")).content


@field("sessions")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    await _nothing_of_hers(bob, "sessions", adas)
    assert len(await bob.get("sessions")) == 1


@field("auditLog")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    await _nothing_of_hers(bob, "auditLog", adas, first=100)
    hers = await bob.ask("auditLog", first=50, after=adas.cursor)
    assert alike(hers, await bob.ask("auditLog", first=50, after="c888"))


@field("endOtherSessions")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    ada = await signed_in(home, adas)
    assert (await bob.do("endOtherSessions"))["count"] == 0
    assert await ada.get("viewer") is not None


@field("changePassword")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    changed = await bob.do("changePassword", current=PASSWORD, password=NEW_PASSWORD)
    assert changed["__typename"] == "PasswordChanged"
    wrong = await (await home.visitor()).do("signIn", address=adas.address, password=NEW_PASSWORD)
    assert wrong["__typename"] == "SignInRefused"


@field("requestPasswordReset")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    unknown = f"x{adas.address[1:]}"
    hers = await bob.tell("requestPasswordReset", address=adas.address)
    nobodys = await bob.tell("requestPasswordReset", address=unknown)
    assert hers.text.replace(adas.address, unknown) == nobodys.text


async def as_a_ticket_that_never_was(bob: Visitor, name: str, hers: str, /, **rest: Any) -> None:
    """Try her ticket as Bob, and one of nobody's: the same to the byte."""
    tried = await bob.tell(name, ticket=hers, **rest)
    assert tried.json()["data"][name]["__typename"] == "TicketGone"
    assert alike(tried, await bob.tell(name, ticket=NOBODYS_TICKET, **rest))


@field("resetPassword")
async def _(home: House, bob: Visitor, _: Adas) -> None:
    """A link of hers that is good for something else is good for nothing here."""
    carol = await home.person()
    verifies = await home.ticket(carol.address, "/verify")
    await as_a_ticket_that_never_was(bob, "resetPassword", verifies, password=NEW_PASSWORD)
    assert (await carol.do("verifyAddress", ticket=verifies))["__typename"] == "AddressVerified"


@field("requestVerification")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    await home.ticket(bob.address, "/verify")
    assert (await bob.do("requestVerification"))["__typename"] == "MailSent"
    await home.ticket(bob.address, "/verify")
    assert not home.rows("SELECT 1 FROM outbox WHERE account = ?", adas.account)


@field("verifyAddress")
async def _(home: House, bob: Visitor, _: Adas) -> None:
    """Her mailed link in his hands verifies nothing, though he is signed in, to his own."""
    carol = await home.person()
    ticket = await home.ticket(carol.address, "/verify")
    for password in (PASSWORD[::-1], None):
        refused = await bob.do("verifyAddress", ticket=ticket, password=password)
        assert refused["__typename"] == "SignInRefused"
    for each in (carol, bob):
        assert (await each.get("viewer"))["addressVerifiedAt"] is None
    assert (await carol.do("verifyAddress", ticket=ticket))["__typename"] == "AddressVerified"


@field("releaseAddress")
async def _(home: House, bob: Visitor, _: Adas) -> None:
    carol = await home.person()
    letter, verifies = await home.letter(carol.address, "/verify")
    await carol.do("verifyAddress", ticket=verifies)
    releases = links_in(letter)[1].partition("#")[2]
    await as_a_ticket_that_never_was(bob, "releaseAddress", releases)
    assert await carol.get("viewer") is not None


@field("changeAddress")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    free = f"free-{bob.address}"
    hers = await bob.tell("changeAddress", address=adas.address)
    assert not home.rows("SELECT 1 FROM tickets WHERE purpose = 'CHANGE_ADDRESS'")
    assert alike(hers, await bob.tell("changeAddress", address=free))
    assert await home.ticket(free, "/address")


@field("confirmAddress")
async def _(home: House, bob: Visitor, _: Adas) -> None:
    carol = await home.person()
    await carol.do("changeAddress", address=f"new-{carol.address}")
    ticket = await home.ticket(f"new-{carol.address}", "/address")
    await as_a_ticket_that_never_was(bob, "confirmAddress", ticket)
    assert (await bob.get("viewer"))["address"] == bob.address
    assert (await carol.do("confirmAddress", ticket=ticket))["__typename"] == "AddressChanged"


@field("beginElsewhere")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    for intent in ("SIGN_IN", "FRESH", "LINK"):
        begun = await bob.tell("beginElsewhere", kind="GOOGLE", intent=intent)
        assert not [each for each in adas.words if each in begun.text]
    (his,) = home.rows(
        "SELECT count(*) FROM tickets WHERE purpose = 'OAUTH' AND account = ?", adas.account
    )
    assert his == (0,)


@field("requestCode")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    """Her number is asked for as one that nobody has; only the tickets differ."""
    answers = []
    for to in (adas.number, number()):
        home.rows("DELETE FROM buckets")
        answer = await bob.tell("requestCode", number=to, intent="SIGN_IN")
        ticket = answer.json()["data"]["requestCode"]["ticket"]
        answers.append(answer.text.replace(ticket, ""))
    assert answers[0] == answers[1]


@field("showCode")
async def _(home: House, bob: Visitor, _: Adas) -> None:
    carol, to = await home.person(), number()
    for intent in ("LINK", "FRESH"):
        home.rows("DELETE FROM buckets")
        code = await code_for(home, carol, to, intent)
        await as_a_ticket_that_never_was(bob, "showCode", code["ticket"], code=code["code"])
    assert [each["means"] for each in (await bob.get("viewer"))["means"]] == ["PASSWORD"]


@field("beginPasskey")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    (hers,) = adas.device.credentials
    for intent in ("SIGN_IN", "FRESH", "LINK"):
        begun = await bob.tell("beginPasskey", intent=intent)
        assert text(hers.id) not in begun.text
        assert text(hers.handle) not in begun.text


@field("addPasskey")
async def _(home: House, bob: Visitor, _: Adas) -> None:
    carol = await home.person()
    begun = await carol.do("beginPasskey", intent="LINK")
    answer = authenticator(home).create(begun["options"])
    await as_a_ticket_that_never_was(
        bob, "addPasskey", begun["ticket"], answer=answer, name="a passkey"
    )


@field("showPasskey")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    await passkey(home, bob, device := authenticator(home))
    answers = []
    for named in (adas.device.credentials[0].id, b"nobody's"):
        begun = await bob.do("beginPasskey", intent="FRESH")
        answer = device.get(begun["options"], Twist(credential=named))
        answers.append(
            await bob.tell("showPasskey", ticket=begun["ticket"], intent="FRESH", answer=answer)
        )
    assert alike(*answers)
    assert answers[0].json()["data"]["showPasskey"]["__typename"] == "SignInRefused"
    ada = await signed_in(home, adas)
    begun = await ada.do("beginPasskey", intent="FRESH")
    hers = adas.device.get(begun["options"])
    await as_a_ticket_that_never_was(
        bob, "showPasskey", begun["ticket"], intent="FRESH", answer=hers
    )


@field("showSecondFactor")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    ada = await signed_in(home, adas)
    ticket = (await ada.do("freshLogin", password=PASSWORD))["ticket"]
    await as_a_ticket_that_never_was(bob, "showSecondFactor", ticket, code=adas.app.code())


@field("removeMeans")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    await bob.do("removeMeans", id=NOBODYS_PASSKEY)
    for hers, nobodys in (
        (adas.passkey, NOBODYS_PASSKEY),
        (adas.identity, NOBODYS_IDENTITY),
    ):
        tried = await bob.tell("removeMeans", id=hers)
        assert tried.json()["data"]["removeMeans"]["__typename"] == "MeansNotFound"
        assert alike(tried, await bob.tell("removeMeans", id=nobodys))


@field("beginSecondFactor")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    begun = await bob.tell("beginSecondFactor")  # she has one; he has none
    assert begun.json()["data"]["beginSecondFactor"]["__typename"] == "SecondFactorBegun"
    assert not [each for each in adas.words if each in begun.text]


@field("addSecondFactor")
async def _(home: House, bob: Visitor, _: Adas) -> None:
    carol = await home.person()
    begun = await carol.do("beginSecondFactor")
    code = App(home, begun["secret"]).code()
    await as_a_ticket_that_never_was(bob, "addSecondFactor", begun["ticket"], code=code)
    made = await carol.do("addSecondFactor", ticket=begun["ticket"], code=code)
    assert made["__typename"] == "RecoveryCodes"


@field("removeSecondFactor")
async def _(_: House, bob: Visitor, __: Adas) -> None:
    assert (await bob.do("removeSecondFactor"))["__typename"] == "MeansNotFound"


@field("renewRecoveryCodes")
async def _(_: House, bob: Visitor, __: Adas) -> None:
    assert (await bob.do("renewRecoveryCodes"))["__typename"] == "MeansNotFound"


@field("createInvite")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    # That her address is verified does not make his so.
    assert (await bob.do("createInvite"))["__typename"] == "AddressUnverified"
    await home.verify(bob)
    made = await bob.tell("createInvite")
    assert not [each for each in adas.words if each in made.text]


@field("exportKeys")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    his = await bob.key()
    exported = await bob.tell("exportKeys")
    assert his["id"] in exported.text
    assert not [each for each in adas.words if each in exported.text]


@field("exportAccount")
async def _(_: House, bob: Visitor, adas: Adas) -> None:
    exported = await bob.tell("exportAccount")
    assert bob.address in exported.text
    assert not [each for each in adas.words if each in exported.text]


@field("revokeEverything")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    revoked = await bob.do("revokeEverything")
    assert (revoked["keys"], revoked["tools"]) == (1, 1)
    hers = await (await home.visitor(token=adas.token)).http.get("/via/openai/v1/models")
    assert hers.status_code == 200


@field("deleteAccount")
async def _(home: House, bob: Visitor, adas: Adas) -> None:
    refused = await bob.tell("deleteAccount", confirm=adas.address)
    assert refused.json()["data"]["deleteAccount"]["__typename"] == "InvalidInput"
    assert alike(refused, await bob.tell("deleteAccount", confirm="nobody@example.com"))
    assert (await bob.do("deleteAccount", confirm=bob.address))["__typename"] == "AccountDeleted"
    hers = await (await home.visitor(token=adas.token)).http.get("/via/openai/v1/models")
    assert hers.status_code == 200


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
    assert state_of(home, adas) == before


def state_of(home: House, adas: Adas) -> list[tuple[Any, ...]]:
    """Give what Bob must not move: Ada's rows."""
    found = []
    for columns, table in (
        ("account, address, verified_at, disabled_at, deleted_at", "accounts"),
        ("*", "passwords"),
        ("id, subject, name", "identities"),
        ("id, credential, handle, name", "passkeys"),
        ("sealed, added_at", "totp"),
        ("digest", "recovery_codes"),
        ("*", "changes"),
        *(("*", table) for table in ("ceilings", "reservations", "ledger", "prices")),
        ("*", "commitments"),
    ):
        found += home.rows(f"SELECT {columns} FROM {table} WHERE account = ?", adas.account)  # noqa: S608
    return [
        *found,
        *home.rows("SELECT * FROM keys WHERE id = ?", adas.key),
        *home.rows("SELECT id, name, per_minute, revoked_at FROM tools WHERE id = ?", adas.tool),
        *home.rows("SELECT id, revoked_at FROM user_tokens WHERE id = ?", adas.user_token),
        *home.rows("SELECT id, proven_at FROM sessions WHERE reference = ?", adas.session),
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
    read, write, answer = Store.read, Store.write, Keysteward.__call__
    # The house does work of its own meanwhile, in tasks that no request has started.
    is_for_a_request = ContextVar("is_for_a_request", default=False)

    def counted(kind: str, through: Any) -> Any:
        def unit(self: Store, given: Any) -> Any:
            if is_for_a_request.get():
                units.append(f"{kind} {getattr(given, '__qualname__', '')}")
            return through(self, given)

        return unit

    async def answered(self: Keysteward, scope: Any, receive: Any, send: Any) -> None:
        is_for_a_request.set(scope["type"] == "http")
        await answer(self, scope, receive, send)

    monkeypatch.setattr(Store, "read", counted("read", read))
    monkeypatch.setattr(Store, "write", counted("write", write))
    monkeypatch.setattr(Keysteward, "__call__", answered)
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
