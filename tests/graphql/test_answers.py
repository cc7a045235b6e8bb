"""Each answer that the contract promises can be had: every success and every problem of a union."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, get_named_type

from accounts.guesses import Limits
from keysteward.demo.fake_provider import KeyKind, Mode
from resolvers import build
from tests.kit.canary import canary
from tests.kit.fake_whatsapp import refuses
from tests.kit.graphql_client import CONTRACT, PASSWORD, House, Visitor, free_port, house
from tests.kit.mailbox import links_in
from tests.kit.spending import NO_CEILING, NO_FILE, ceiling, disputed, kept, server
from tests.kit.ways_in import (
    App,
    authenticator,
    by_number,
    code_for,
    disable,
    number,
    passkey,
    second_factor,
    show_passkey,
    whatsapp_settings,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

Answer = Awaitable[dict[str, Any]]
Case = Callable[[House, Visitor], Answer]
CASES: dict[tuple[str, str], Case] = {}

NO_KEY = "key_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_TOOL = "tool_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_TOKEN = "utk_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_SESSION = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_MEANS = "psk_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_CALL = "call_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_TICKET = "CANARY no ticket"
FIVE_MINUTES_AND_A_SECOND = 301
WITH_A_FRESH_LOGIN: dict[str, dict[str, Any]] = {
    "endSession": {"id": NO_SESSION},
    "endOtherSessions": {},
    "changePassword": {"password": "CANARYanotherpassword"},
    "changeAddress": {"address": "another@example.com"},
    "beginElsewhere": {"kind": "GITHUB", "intent": "LINK"},
    "requestCode": {"number": "+4915112345678", "intent": "LINK"},
    "beginPasskey": {"intent": "LINK"},
    "addPasskey": {"ticket": NO_TICKET, "answer": {}, "name": "a passkey"},
    "showPasskey": {"ticket": NO_TICKET, "answer": {}, "intent": "LINK"},
    "removeMeans": {"id": NO_MEANS},
    "beginSecondFactor": {},
    "addSecondFactor": {"ticket": NO_TICKET, "code": "000000"},
    "removeSecondFactor": {},
    "renewRecoveryCodes": {},
    "createInvite": {},
    "exportAccount": {},
    "exportKeys": {},
    "revokeEverything": {},
    "deleteAccount": {"confirm": "CANARY"},
    "addKey": {"provider": "openai", "secret": "CANARY-anything", "makeDefault": True},
    "revealKey": {"id": NO_KEY},
    "rotateKey": {"id": NO_KEY, "secret": "CANARY-anything"},
    "removeKey": {"id": NO_KEY},
    "setDefaultKey": {"id": NO_KEY},
    "createTool": {"name": "a tool"},
    "revokeTool": {"id": NO_TOOL},
    "updateTool": {"id": NO_TOOL, "inspectedOnly": False},
    "createUserToken": {"name": "a token"},
    "revokeUserToken": {"id": NO_TOKEN},
    "setCeiling": {"tool": NO_TOOL, "limit": "1"},
    "resetCeiling": {"id": NO_CEILING},
    "removeCeiling": {"id": NO_CEILING},
    "setPrice": {"provider": "nobody", "item": "*", "rates": []},
    "releaseDisputed": {"call": NO_CALL},
    "endCommitment": {"provider": "vultr", "resource": "nothing"},
    "deleteFile": {"id": NO_FILE},
}
SIGNED_IN: dict[str, dict[str, Any]] = WITH_A_FRESH_LOGIN | {
    "freshLogin": {"password": PASSWORD},
    "signOut": {},
    "requestVerification": {},
    "confirmAddress": {"ticket": NO_TICKET},
    "verifyKey": {"id": NO_KEY},
    "acknowledgeRevocation": {"cursor": "c1"},
}
SCOPED: dict[str, dict[str, Any]] = {
    "addKey": {"provider": "openai", "secret": "CANARY-anything"},
    "verifyKey": {"id": NO_KEY},
    "updateTool": {"id": NO_TOOL},
    "revokeTool": {"id": NO_TOOL},
    **{
        name: WITH_A_FRESH_LOGIN[name]
        for name in (
            *("setCeiling", "resetCeiling", "removeCeiling"),
            *("setPrice", "releaseDisputed", "endCommitment"),
        )
    },
}
WITH_A_TICKET: dict[str, dict[str, Any]] = {
    "showSecondFactor": {"ticket": NO_TICKET, "code": "000000"},
    "resetPassword": {"ticket": NO_TICKET, "password": "CANARYanotherpassword"},
    "verifyAddress": {"ticket": NO_TICKET},
    "releaseAddress": {"ticket": NO_TICKET},
    "confirmAddress": {"ticket": NO_TICKET},
    "showCode": {"ticket": NO_TICKET, "code": "000000"},
    "addPasskey": {"ticket": NO_TICKET, "answer": {}, "name": "a passkey"},
    "showPasskey": {"ticket": NO_TICKET, "answer": {}, "intent": "SIGN_IN"},
    "addSecondFactor": {"ticket": NO_TICKET, "code": "000000"},
}
IN_A_RACE = {
    ("freshLogin", "AccountDisabled"): "disabled while the password was looked at",
}
"""What comes only of two at once: nobody can be made to see it by asking."""
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


def _of_a_stale_login(name: str) -> Case:
    async def answer(home: House, ada: Visitor) -> dict[str, Any]:
        home.clock.forward(seconds=FIVE_MINUTES_AND_A_SECOND)
        return await ada.do(name, **WITH_A_FRESH_LOGIN[name])

    return answer


def _of_a_token_without_scopes(name: str) -> Case:
    async def answer(home: House, ada: Visitor) -> dict[str, Any]:
        token = (await ada.do("createUserToken", name="mine", scopes=[]))["token"]
        return await (await home.visitor(token=token)).do(name, **SCOPED[name])

    return answer


def _of_no_ticket(name: str) -> Case:
    async def answer(_: House, ada: Visitor) -> dict[str, Any]:
        return await ada.do(name, **WITH_A_TICKET[name])

    return answer


def _of_none(name: str) -> Case:
    async def answer(_: House, ada: Visitor) -> dict[str, Any]:
        return await ada.do(name, **SIGNED_IN[name])

    return answer


for _name in SIGNED_IN:
    CASES[_name, "SignInRequired"] = _of_nobody(_name)
for _name in WITH_A_FRESH_LOGIN:
    CASES[_name, "FreshLoginRequired"] = _of_a_stale_login(_name)
for _name in SCOPED:
    CASES[_name, "ScopeMissing"] = _of_a_token_without_scopes(_name)
for _name in WITH_A_TICKET:
    CASES[_name, "TicketGone"] = _of_no_ticket(_name)
for _name in WITH_A_KEY:
    CASES[_name, "KeyNotFound"] = _of_none(_name)
for _name, _kind in {
    "setCeiling": "ToolNotFound",
    "resetCeiling": "CeilingNotFound",
    "removeCeiling": "CeilingNotFound",
    "setPrice": "ProviderNotFound",
    "releaseDisputed": "NothingDisputed",
    "endCommitment": "CommitmentNotFound",
    "deleteFile": "FileNotFound",
}.items():
    CASES[_name, _kind] = _of_none(_name)


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


async def test_a_key_goes_only_for_one_that_the_provider_calls_good(home: House) -> None:
    """No answer is none: a wrong paste while the provider is away would cost the good key."""
    ada = await home.person()
    key = await ada.key(secret=(old := canary()))
    new = canary("anthropic")
    home.provider.mode = Mode.ERROR_500
    try:
        refused = await ada.do("rotateKey", id=key["id"], secret=new)
        assert (refused["__typename"], refused["provider"]) == ("KeyRejected", "openai")
        assert "The old one stays" in refused["message"]
        assert (await ada.do("revealKey", id=key["id"]))["secret"] == old
        forced = await ada.do("rotateKey", id=key["id"], secret=new, force=True)
        assert forced["key"]["state"] == "UNVERIFIED"
        assert "looks like a key of Anthropic" in forced["warning"]
        unasked = await ada.do("rotateKey", id=key["id"], secret=old, verify=False)
        assert unasked["key"]["version"] == 3
    finally:
        home.provider.mode = None


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


@case(("revokeUserToken", "UserTokenRevoked"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    token = (await ada.do("createUserToken", name="mine"))["token"]
    (listed,) = await ada.get("userTokens")
    assert (listed["name"], listed["tokenPrefix"]) == ("mine", token[:12])
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


# Getting in.


@contextlib.asynccontextmanager
async def another_house(
    environment: dict[str, str] | None = None, **made_with: Any
) -> AsyncIterator[House]:
    """Run one that is other than the rest: closed, strict, or with nothing to offer."""
    with tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder), environment, **made_with) as opened:
            yield opened


def strict_house() -> contextlib.AbstractAsyncContextManager[House]:
    """Run one in which everything may be tried once."""
    once = {name: replace(getattr(Limits(), name), burst=1) for name in Limits.__slots__}
    return another_house(guess_limits=Limits(**once))


def _twice(name: str, **fields: Any) -> Case:
    """Do what may be done once, twice: by somebody of a strict house."""

    async def answer(_: House, __: Visitor) -> dict[str, Any]:
        async with strict_house() as strict:
            someone = await strict.person()
            for _try in range(2):
                last = await someone.do(name, **fields)
            assert last["retryAfterSeconds"] > 0
            return last

    return answer


for _name, _fields in {
    "signUp": {"address": "second@example.com", "password": PASSWORD},
    "signIn": {"address": "nobody@example.com", "password": "CANARYwrong"},
    "freshLogin": {"password": "CANARYwrong"},
    "changePassword": {"current": "CANARYwrong", "password": "CANARYanotherpassword"},
    "requestPasswordReset": {"address": "nobody@example.com"},
    "resetPassword": WITH_A_TICKET["resetPassword"],
    "requestVerification": {},
    "changeAddress": {"address": "another@example.com"},
    "beginPasskey": {"intent": "SIGN_IN"},
}.items():
    CASES[_name, "TooManyTries"] = _twice(_name, **_fields)


@case(("beginElsewhere", "TooManyTries"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    limits = home.services.people.guesses.limits
    strict = replace(limits.network, burst=1)
    home.services.people.guesses.limits = replace(limits, network=strict)
    try:
        await ada.do("beginElsewhere", kind="GITHUB", intent="SIGN_IN")
        return await ada.do("beginElsewhere", kind="GITHUB", intent="SIGN_IN")
    finally:
        home.services.people.guesses.limits = limits


async def _id_of(someone: Visitor) -> str:
    found: str = (await someone.get("viewer"))["id"]
    return found


async def _altered(home: House, someone: Visitor) -> None:
    """Have an account's row altered from outside: it counts for nothing."""
    home.rows("UPDATE accounts SET voucher = x'00' WHERE account = ?", await _id_of(someone))


async def _half_in(home: House, ada: Visitor) -> tuple[App, Visitor, str]:
    """Have somebody with a second factor give their password in another browser."""
    app = await second_factor(home, ada)
    browser = await home.visitor()
    half = await browser.do("signIn", address=ada.address, password=PASSWORD)
    return app, browser, half["ticket"]


@case(("signIn", "SecondFactorRequired"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await second_factor(home, ada)
    browser = await home.visitor()
    answer = await browser.do("signIn", address=ada.address, password=PASSWORD)
    assert await browser.get("viewer") is None
    return answer


@case(("signIn", "AccountDisabled"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await disable(home, await _id_of(ada))
    wrong = await ada.do("signIn", address=ada.address, password="CANARYwrong")
    assert wrong["__typename"] == "SignInRefused"  # said only to who has shown whose it is
    return await ada.do("signIn", address=ada.address, password=PASSWORD)


@case(("freshLogin", "SecondFactorRequired"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await second_factor(home, ada)
    return await ada.do("freshLogin", password=PASSWORD)


@case(("showSecondFactor", "SignedIn"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    app, browser, ticket = await _half_in(home, ada)
    answer = await browser.do("showSecondFactor", ticket=ticket, code=app.code())
    assert (await browser.get("viewer"))["secondFactor"] is True
    return answer


@case(("showSecondFactor", "CodeWrong"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    _app, browser, ticket = await _half_in(home, ada)
    return await browser.do("showSecondFactor", ticket=ticket, code="CANARY")


@case(("showSecondFactor", "MeansNotFound"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    app, browser, ticket = await _half_in(home, ada)
    removed = await ada.do("removeSecondFactor")
    assert removed["__typename"] == "SecondFactorRemoved"
    return await browser.do("showSecondFactor", ticket=ticket, code=app.code())


@case(("showSecondFactor", "SignInRequired"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    app, browser, ticket = await _half_in(home, ada)
    await _altered(home, ada)
    return await browser.do("showSecondFactor", ticket=ticket, code=app.code())


@case(("showSecondFactor", "TooManyTries"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    _app, browser, ticket = await _half_in(home, ada)
    answers = []
    for count in range(11):
        if count and count % 5 == 0:
            half = await browser.do("signIn", address=ada.address, password=PASSWORD)
            ticket = half["ticket"]
        answers.append(await browser.do("showSecondFactor", ticket=ticket, code="000000"))
    assert [answer["__typename"] for answer in answers[:-1]] == ["CodeWrong"] * 10
    return answers[-1]


@case(("showSecondFactor", "AccountDisabled"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    app, browser, ticket = await _half_in(home, ada)
    await disable(home, await _id_of(ada))
    return await browser.do("showSecondFactor", ticket=ticket, code=app.code())


@case(("endSession", "SessionsEnded"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    other = await home.signed_in(ada)
    (session,) = [each["id"] for each in await ada.get("sessions") if not each["isCurrent"]]
    answer = await ada.do("endSession", id=session)
    assert await other.get("viewer") is None
    return answer


@case(("endSession", "MeansNotFound"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("endSession", id=NO_SESSION)


@case(("endOtherSessions", "SessionsEnded"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    others = [await home.signed_in(ada) for _ in range(2)]
    answer = await ada.do("endOtherSessions")
    assert answer["count"] == 2
    assert [await other.get("viewer") for other in others] == [None, None]
    return answer


@case(("changePassword", "PasswordChanged"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    other = await home.signed_in(ada)
    answer = await ada.do("changePassword", current=PASSWORD, password="CANARYanotherpassword")
    assert await other.get("viewer") is None
    old = await other.do("signIn", address=ada.address, password=PASSWORD)
    new = await other.do("signIn", address=ada.address, password="CANARYanotherpassword")
    assert (old["__typename"], new["__typename"]) == ("SignInRefused", "SignedIn")
    return answer


@case(("changePassword", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("changePassword", current=PASSWORD, password=ada.address)


@case(("changePassword", "SignInRefused"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    """A browser that somebody left open for a minute is no password."""
    answer = await ada.do("changePassword", password="CANARYanotherpassword")
    assert (await home.signed_in(ada)).address == ada.address  # the old one counts
    return answer


# Mailed links.


@case(("requestPasswordReset", "PasswordResetRequested"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("requestPasswordReset", address=ada.address)


@case(("requestPasswordReset", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("requestPasswordReset", address="CANARY no address")


async def _reset_ticket(home: House, ada: Visitor) -> str:
    await home.verify(ada)
    await ada.do("requestPasswordReset", address=ada.address)
    return await home.ticket(ada.address, "/reset/new")


@case(("resetPassword", "PasswordReset"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    ticket = await _reset_ticket(home, ada)
    answer = await (await home.visitor()).do(
        "resetPassword", ticket=ticket, password="CANARYanotherpassword"
    )
    assert await ada.get("viewer") is None
    again = await ada.do("signIn", address=ada.address, password="CANARYanotherpassword")
    assert again["__typename"] == "SignedIn"
    return answer


@case(("resetPassword", "InvalidInput"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    ticket = await _reset_ticket(home, ada)
    answer = await ada.do("resetPassword", ticket=ticket, password="password1")
    good = await ada.do("resetPassword", ticket=ticket, password="CANARYanotherpassword")
    assert good["__typename"] == "PasswordReset"  # the link stays good
    return answer


@case(("resetPassword", "AccountDisabled"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    ticket = await _reset_ticket(home, ada)
    await disable(home, await _id_of(ada))
    return await ada.do("resetPassword", ticket=ticket, password="CANARYanotherpassword")


@case(("requestVerification", "MailSent"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    first = await home.ticket(ada.address, "/verify")
    answer = await ada.do("requestVerification")
    second = await home.ticket(ada.address, "/verify")
    assert (await ada.do("verifyAddress", ticket=first))["__typename"] == "TicketGone"
    assert (await ada.do("verifyAddress", ticket=second))["__typename"] == "AddressVerified"
    return answer


@case(("requestVerification", "AddressUnverified"))
async def _(home: House, _: Visitor) -> dict[str, Any]:
    return await (await by_number(home, number())).do("requestVerification")


@case(("verifyAddress", "AddressVerified"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    ticket = await home.ticket(ada.address, "/verify")
    answer = await (await home.visitor()).do("verifyAddress", ticket=ticket, password=PASSWORD)
    assert (await ada.get("viewer"))["addressVerifiedAt"] is not None
    return answer


@case(("verifyAddress", "SignInRefused"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    """Whoever merely reads the mailbox does not vouch for what somebody else has made."""
    ticket = await home.ticket(ada.address, "/verify")
    answer = await (await home.visitor()).do("verifyAddress", ticket=ticket)
    assert (await ada.get("viewer"))["addressVerifiedAt"] is None
    return answer


@case(("verifyAddress", "TooManyTries"))
async def _(_: House, __: Visitor) -> dict[str, Any]:
    async with strict_house() as strict:
        someone = await strict.person()
        ticket = await strict.ticket(someone.address, "/verify")
        stranger = await strict.visitor()
        await stranger.do("verifyAddress", ticket=ticket, password="CANARYwrong")
        return await stranger.do("verifyAddress", ticket=ticket, password=PASSWORD)


@case(("verifyAddress", "SignInRequired"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    ticket = await home.ticket(ada.address, "/verify")
    await _altered(home, ada)
    return await ada.do("verifyAddress", ticket=ticket)


@case(("verifyAddress", "AccountDisabled"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    ticket = await home.ticket(ada.address, "/verify")
    await disable(home, await _id_of(ada))
    return await ada.do("verifyAddress", ticket=ticket, password=PASSWORD)


@case(("releaseAddress", "AddressReleased"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    letter, _verifies = await home.letter(ada.address, "/verify")
    _, release = links_in(letter)
    answer = await (await home.visitor()).do("releaseAddress", ticket=release.partition("#")[2])
    assert await ada.get("viewer") is None
    return answer


@case(("releaseAddress", "AccountDisabled"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    letter, _verifies = await home.letter(ada.address, "/verify")
    _, release = links_in(letter)
    await disable(home, await _id_of(ada))
    return await ada.do("releaseAddress", ticket=release.partition("#")[2])


@case(("changeAddress", "MailSent"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    taken = await ada.do("changeAddress", address=(await home.person()).address)
    answer = await ada.do("changeAddress", address=f"new-{ada.address}")
    assert taken == answer  # whether somebody has it is not said
    return answer


@case(("changeAddress", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("changeAddress", address="CANARY no address")


@case(("confirmAddress", "AddressChanged"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    key, was = await ada.key(), await _id_of(ada)
    await ada.do("changeAddress", address=f"new-{ada.address}")
    ticket = await home.ticket(f"new-{ada.address}", "/address")
    answer = await ada.do("confirmAddress", ticket=ticket)
    assert answer["id"] != was
    assert await ada.get("viewer") is None
    await ada.do("signIn", address=f"new-{ada.address}", password=PASSWORD)
    assert [each["id"] for each in await ada.get("keys")] == [key["id"]]
    return answer


@case(("confirmAddress", "SignUpRefused"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    wanted = f"new-{ada.address}"
    await ada.do("changeAddress", address=wanted)
    ticket = await home.ticket(wanted, "/address")
    await (await home.visitor()).do("signUp", address=wanted, password=PASSWORD)
    answer = await ada.do("confirmAddress", ticket=ticket)
    assert (await ada.get("viewer"))["address"] == ada.address
    return answer


# Elsewhere, codes, passkeys.


@case(("beginElsewhere", "ElsewhereBegun"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("beginElsewhere", kind="GOOGLE", intent="LINK")


@case(("beginElsewhere", "NotOffered"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("beginElsewhere", kind="WHATSAPP", intent="SIGN_IN")


@case(("beginElsewhere", "SignInRefused"))
async def _(_: House, __: Visitor) -> dict[str, Any]:
    dead = {
        "KEYSTEWARD_GOOGLE_CLIENT_ID": "made-up",
        "KEYSTEWARD_GOOGLE_CLIENT_SECRET": "made-up",
        "KEYSTEWARD_GOOGLE_ISSUER": f"http://127.0.0.1:{free_port()}",
    }
    async with another_house(dead) as other:
        return await (await other.visitor()).do("beginElsewhere", kind="GOOGLE", intent="SIGN_IN")


@case(("requestCode", "CodeRequested"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("requestCode", number=number(), intent="SIGN_IN")


@case(("requestCode", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("requestCode", number="CANARY no number", intent="SIGN_IN")


@case(("requestCode", "NotOffered"))
async def _(_: House, __: Visitor) -> dict[str, Any]:
    async with another_house() as bare:
        return await (await bare.visitor()).do("requestCode", number=number(), intent="SIGN_IN")


@case(("requestCode", "SignInRefused"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    assert home.whatsapp is not None
    home.whatsapp.fail(refuses(b"400 Bad Request", 131026))
    return await ada.do("requestCode", number=number(), intent="LINK")


@case(("requestCode", "TooManyTries"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    to = number()
    await code_for(home, ada, to, "SIGN_IN")
    return await ada.do("requestCode", number=to, intent="SIGN_IN")


@case(("showCode", "SignedIn"))
async def _(home: House, _: Visitor) -> dict[str, Any]:
    someone, to = await home.visitor(), number()
    code = await code_for(home, someone, to, "SIGN_IN")
    answer = await someone.do("showCode", **code)
    assert [means["name"] for means in answer["account"]["means"]] == [to]
    return answer


@case(("showCode", "SecondFactorRequired"))
async def _(home: House, _: Visitor) -> dict[str, Any]:
    to = number()
    await second_factor(home, await by_number(home, to))
    browser = await home.visitor()
    return await browser.do("showCode", **await code_for(home, browser, to, "SIGN_IN"))


@case(("showCode", "MeansAdded"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("showCode", **await code_for(home, ada, number(), "LINK"))


@case(("showCode", "CodeWrong"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    code = await code_for(home, ada, number(), "LINK")
    answer = await ada.do("showCode", ticket=code["ticket"], code="CANARY")
    assert answer["triesLeft"] == 4
    return answer


@case(("showCode", "SignInRequired"))
async def _(home: House, _: Visitor) -> dict[str, Any]:
    to = number()
    await _altered(home, await by_number(home, to))
    browser = await home.visitor()
    return await browser.do("showCode", **await code_for(home, browser, to, "SIGN_IN"))


@case(("showCode", "FreshLoginRequired"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    code = await code_for(home, ada, number(), "LINK")
    home.clock.forward(seconds=FIVE_MINUTES_AND_A_SECOND)
    return await ada.do("showCode", **code)


@case(("showCode", "SignInRefused"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("showCode", **await code_for(home, ada, number(), "FRESH"))


@case(("showCode", "SignUpRefused"))
async def _(home: House, _: Visitor) -> dict[str, Any]:
    assert home.whatsapp is not None
    by_invite = whatsapp_settings(home.whatsapp) | {"KEYSTEWARD_SIGN_UP": "invite"}
    async with another_house(by_invite) as private:
        private.whatsapp = home.whatsapp
        browser = await private.visitor()
        return await browser.do("showCode", **await code_for(private, browser, number(), "SIGN_IN"))


@case(("showCode", "MeansInUse"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await by_number(home, to := number())
    return await ada.do("showCode", **await code_for(home, ada, to, "LINK"))


@case(("showCode", "NotOffered"))
async def _(_: House, __: Visitor) -> dict[str, Any]:
    async with another_house() as bare:
        return await (await bare.visitor()).do("showCode", **WITH_A_TICKET["showCode"])


@case(("showCode", "TooManyTries"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    """However many codes are sent: what is wrong of them is counted for the number."""
    to = number()
    first = (await code_for(home, ada, to, "LINK"))["ticket"]
    for _ in range(5):
        await ada.do("showCode", ticket=first, code="000000")
    home.clock.forward(seconds=30)
    asked = await ada.do("requestCode", number=to, intent="LINK")
    for _ in range(3):
        await ada.do("showCode", ticket=asked["ticket"], code="000000")
    return await ada.do("showCode", ticket=asked["ticket"], code="000000")


@case(("showCode", "AccountDisabled"))
async def _(home: House, _: Visitor) -> dict[str, Any]:
    someone = await by_number(home, to := number())
    await disable(home, await _id_of(someone))
    return await someone.do("showCode", **await code_for(home, someone, to, "SIGN_IN"))


@case(("beginPasskey", "PasskeyBegun"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("beginPasskey", intent="SIGN_IN")


@case(("beginPasskey", "InvalidInput"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    for _ in range(20):
        await passkey(home, ada, authenticator(home))
    return await ada.do("beginPasskey", intent="LINK")


@case(("addPasskey", "MeansAdded"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    begun = await ada.do("beginPasskey", intent="LINK")
    made = authenticator(home).create(begun["options"])
    return await ada.do("addPasskey", ticket=begun["ticket"], answer=made, name="a passkey")


@case(("addPasskey", "SignInRefused"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    ticket = (await ada.do("beginPasskey", intent="LINK"))["ticket"]
    return await ada.do("addPasskey", ticket=ticket, answer={"CANARY": 1}, name="a passkey")


@case(("addPasskey", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    ticket = (await ada.do("beginPasskey", intent="LINK"))["ticket"]
    return await ada.do("addPasskey", ticket=ticket, answer={}, name="")


@case(("showPasskey", "SignedIn"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await passkey(home, ada, device := authenticator(home))
    return await show_passkey(await home.visitor(), device, "SIGN_IN")


@case(("showPasskey", "SignInRefused"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await passkey(home, await home.person(), device := authenticator(home))
    await passkey(home, ada, authenticator(home))
    begun = await ada.do("beginPasskey", intent="FRESH")
    answer = device.get(begun["options"] | {"allowCredentials": []})
    return await ada.do("showPasskey", ticket=begun["ticket"], intent="FRESH", answer=answer)


@case(("showPasskey", "AccountDisabled"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await passkey(home, ada, device := authenticator(home))
    await disable(home, await _id_of(ada))
    return await show_passkey(ada, device, "SIGN_IN")


@case(("removeMeans", "MeansRemoved"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    means = await passkey(home, ada, device := authenticator(home))
    answer = await ada.do("removeMeans", id=means["id"])
    refused = await show_passkey(await home.visitor(), device, "SIGN_IN")
    assert refused["__typename"] == "SignInRefused"
    return answer


@case(("removeMeans", "MeansNotFound"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("removeMeans", id=NO_MEANS)


@case(("removeMeans", "MeansInUse"))
async def _(home: House, _: Visitor) -> dict[str, Any]:
    someone = await by_number(home, number())
    (only,) = (await someone.get("viewer"))["means"]
    return await someone.do("removeMeans", id=only["id"])


# The second factor.


@case(("beginSecondFactor", "SecondFactorBegun"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("beginSecondFactor")


@case(("beginSecondFactor", "MeansInUse"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await second_factor(home, ada)
    return await ada.do("beginSecondFactor")


@case(("addSecondFactor", "RecoveryCodes"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    begun = await ada.do("beginSecondFactor")
    code = App(home, begun["secret"]).code()
    answer = await ada.do("addSecondFactor", ticket=begun["ticket"], code=code)
    assert len(set(answer["codes"])) == (await ada.get("viewer"))["recoveryCodesLeft"] == 10
    return answer


@case(("addSecondFactor", "CodeWrong"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    ticket = (await ada.do("beginSecondFactor"))["ticket"]
    answer = await ada.do("addSecondFactor", ticket=ticket, code="CANARY")
    assert answer["triesLeft"] == 4
    return answer


@case(("addSecondFactor", "MeansInUse"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    begun = await ada.do("beginSecondFactor")
    home.rows("INSERT INTO totp VALUES (?, x'00', 0, 0)", await _id_of(ada))
    code = App(home, begun["secret"]).code()
    return await ada.do("addSecondFactor", ticket=begun["ticket"], code=code)


@case(("removeSecondFactor", "SecondFactorRemoved"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await second_factor(home, ada)
    return await ada.do("removeSecondFactor")


@case(("removeSecondFactor", "MeansNotFound"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("removeSecondFactor")


@case(("renewRecoveryCodes", "RecoveryCodes"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    app = await second_factor(home, ada)
    answer = await ada.do("renewRecoveryCodes")
    assert not set(app.codes) & set(answer["codes"])
    return answer


@case(("renewRecoveryCodes", "MeansNotFound"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("renewRecoveryCodes")


# The whole account.


@case(("createInvite", "InviteCreated"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await home.verify(ada)
    return await ada.do("createInvite")


@case(("createInvite", "AddressUnverified"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("createInvite")


@case(("createInvite", "SignUpRefused"))
async def _(_: House, __: Visitor) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder)) as opened:
            address = (await opened.person()).address
        async with house(Path(folder), {"KEYSTEWARD_SIGN_UP": "closed"}) as closed:
            someone = await closed.visitor()
            await someone.do("signIn", address=address, password=PASSWORD)
            return await someone.do("createInvite")


@case(("createInvite", "TooManyTries"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await home.verify(ada)
    for _ in range(20):
        assert (await ada.do("createInvite"))["__typename"] == "InviteCreated"
    return await ada.do("createInvite")


@case(("exportKeys", "KeysExported"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    key = await ada.key()
    answer = await ada.do("exportKeys", format="CSV")
    assert key["id"] in answer["content"]
    assert key["masked"] not in answer["content"]
    return answer


@case(("exportAccount", "AccountExported"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("exportAccount")


@case(("revokeEverything", "EverythingRevoked"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    await ada.key()
    await ada.tool()
    answer = await ada.do("revokeEverything")
    assert (answer["keys"], answer["tools"]) == (1, 1)
    assert await ada.get("viewer") is not None  # the session that asked goes on
    return answer


@case(("deleteAccount", "AccountDeleted"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    answer = await ada.do("deleteAccount", confirm=ada.address)
    assert await ada.get("viewer") is None
    return answer


@case(("deleteAccount", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("deleteAccount", confirm="CANARY")


@case(("updateTool", "ToolUpdated"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    tool, token = await ada.tool()
    assert tool["inspectedOnly"] is False
    fields = {"name": "renamed", "callsPerMinute": 1, "inspectedOnly": True}
    answer = await ada.do("updateTool", id=tool["id"], **fields)
    assert {name: answer["tool"][name] for name in fields} == fields
    await ada.key()
    his = (await home.visitor(token=token)).http
    statuses = [(await his.get("/via/openai/v1/models")).status_code for _ in range(2)]
    assert statuses == [200, 429]
    return answer


@case(("updateTool", "ToolNotFound"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("updateTool", id=NO_TOOL)


@case(("updateTool", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    tool, _token = await ada.tool()
    answer = await ada.do("updateTool", id=tool["id"], callsPerMinute=0)
    assert answer["field"] == "callsPerMinute"
    return answer


# Money.


@case(("setCeiling", "CeilingSet"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    tool, _token = await ada.tool()
    answer = await ada.do("setCeiling", provider="openai", tool=tool["id"], limit="12.5")
    made = answer["ceiling"]
    assert (made["limit"], made["provider"]["id"]) == ("12.50", "openai")
    assert made["tool"]["id"] == tool["id"]
    return answer


@case(("setCeiling", "ProviderNotFound"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    return await ada.do("setCeiling", provider="nobody", limit="1")


@case(("setCeiling", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    answer = await ada.do("setCeiling", limit="CANARY")
    assert answer["field"] == "limit"
    return answer


@case(("resetCeiling", "CeilingReset"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    made = await ceiling(ada)
    answer = await ada.do("resetCeiling", id=made)
    assert (answer["ceiling"]["id"], answer["ceiling"]["epoch"]) == (made, 2)
    return answer


@case(("removeCeiling", "CeilingRemoved"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    answer = await ada.do("removeCeiling", id=await ceiling(ada))
    assert await ada.get("ceilings") == []
    return answer


@case(("setPrice", "PriceSet"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    rates = [{"measure": "SECOND", "amount": "0.006"}]
    return await ada.do("setPrice", provider="openai", item="whisper-1", rates=rates)


@case(("setPrice", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    answer = await ada.do("setPrice", provider="openai", item="", rates=[])
    assert answer["field"] == "item"
    return answer


@case(("releaseDisputed", "DisputeReleased"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    answer = await ada.do("releaseDisputed", call=await disputed(home, ada), cost="0.04")
    assert answer["givenBack"] == "0.06"
    return answer


@case(("releaseDisputed", "InvalidInput"))
async def _(_: House, ada: Visitor) -> dict[str, Any]:
    answer = await ada.do("releaseDisputed", call=NO_CALL, cost="-1")
    assert answer["field"] == "cost"
    return answer


@case(("deleteFile", "FileDeleted"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    await ada.key()
    _, token = await ada.tool()
    answer = await ada.do("deleteFile", id=(file := await kept(home, ada, token)))
    assert (await ada.get("files", first=50))["nodes"] == []
    (entry,) = (await ada.get("auditLog", first=1))["nodes"]
    assert (entry["act"], entry["subject"]) == ("FILE_DELETED", file)
    return answer


@case(("endCommitment", "CommitmentEnded"))
async def _(home: House, ada: Visitor) -> dict[str, Any]:
    server(home, await _id_of(ada))
    answer = await ada.do("endCommitment", provider="vultr", resource="server-1")
    assert await ada.get("commitments") == []
    return answer


@pytest.mark.parametrize(("mutation", "member"), promised())
async def test_each_member_of_each_union_can_be_answered(
    home: House, mutation: str, member: str
) -> None:
    if (mutation, member) in IN_A_RACE:
        assert (mutation, member) not in CASES
        return
    assert (mutation, member) in CASES, "the contract promises it, and nobody has seen it"
    answer = await CASES[mutation, member](home, await home.person())
    assert answer["__typename"] == member
    if "message" in answer:
        assert "CANARY" not in str(answer)


async def test_no_case_is_left_over_from_a_union_that_lost_it() -> None:
    assert CASES.keys() | IN_A_RACE.keys() <= set(promised())


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
