"""The operator: counts and times of anybody's account, and a few acts, each by a fresh login."""

from dataclasses import fields

import pytest

import audit
from accounts.errors import AccountDisabled, AccountUnknown, OperatorRequired, SignInRequired
from accounts.operating import Overview
from accounts.people import People
from accounts.visits import Visit
from audit import Act
from providers import find
from store import Owner, ProvenOwner, Store
from tests.kit.canary import canary
from tests.kit.people import ADA, BOB
from vault.keyring import Keyring
from vault.rows import KeyState
from vault.secret import Secret
from vault.vault import Vault

PASSWORD = "CANARYpasswordofletters"


@pytest.fixture
def environment() -> dict[str, str]:
    return {"KEYSTEWARD_OPERATORS": "Ada@Example.com"}


@pytest.fixture
async def eve(people: People) -> Owner:
    return await people.accounts.sign_up("eve@example.com", PASSWORD)


@pytest.fixture
def operator(ada: ProvenOwner) -> ProvenOwner:
    assert ada == ADA
    return ada


async def cookie_of(people: People) -> str:
    entered = await people.entering.by_password("eve@example.com", PASSWORD, Visit())
    return entered.cookie  # type: ignore[union-attr]


async def test_an_account_is_shown_by_counts_alone(
    people: People, eve: Owner, vault: Vault
) -> None:
    secret = canary()
    await vault.add(
        eve, find("openai"), Secret(secret.encode()), label="private", state=KeyState.ACTIVE
    )
    await cookie_of(people)
    shown = await people.operating.find("eve@example.com")
    assert (shown.keys, shown.tools, shown.sessions) == (1, 0, 1)
    assert shown.address == "e•••@example.com"
    said = " ".join(str(getattr(shown, each.name)) for each in fields(Overview))
    assert not any(hidden in said for hidden in (secret, secret[-4:], "private", "eve@"))
    assert await people.operating.list() == [shown]


async def test_it_is_found_by_address_id_and_the_ids_beginning(people: People, eve: Owner) -> None:
    for named in (" EVE@example.com ", eve.account, eve.account[:8], eve.account[:8].upper()):
        assert (await people.operating.find(named)).account == eve.account
    for named in ("bob@example.com", eve.account[:7], "", "%", "00000000", "' OR 1 --"):
        with pytest.raises(AccountUnknown):
            await people.operating.find(named)


async def test_disabled_nothing_of_it_is_granted_and_enabled_it_is_again(
    people: People, eve: Owner, operator: ProvenOwner, store: Store, keyring: Keyring
) -> None:
    cookie = await cookie_of(people)
    session = await people.sessions.find(cookie)
    _, token = await people.tools.create(
        people.sessions.proven(session), "t", providers=None, expires_at=None
    )
    await people.operating.disable(operator, eve.account)
    with pytest.raises(SignInRequired):
        await people.sessions.find(cookie)
    with pytest.raises(AccountDisabled):
        await cookie_of(people)
    with pytest.raises(Exception, match="Unknown, revoked or expired"):
        await people.tools.holder(token)
    assert (await people.operating.find(eve.account)).disabled_at is not None
    await people.operating.enable(operator, eve.account)
    assert (await people.tools.holder(token)).account == eve.account
    assert await cookie_of(people)
    trail = await store.read(lambda tx: audit.verify(tx, keyring, eve))
    acts = [entry.act for entry in trail]
    assert acts.index(Act.ACCOUNT_DISABLED) < acts.index(Act.ACCOUNT_ENABLED)
    assert f"operator {operator.account[:8]}" in {entry.subject for entry in trail}


async def test_whoever_is_no_operator_can_do_none_of_it(
    people: People, eve: Owner, bob: ProvenOwner
) -> None:
    assert bob == BOB
    cookie = await cookie_of(people)
    for act in (
        people.operating.disable(bob, eve.account),
        people.operating.enable(bob, eve.account),
        people.operating.end_sessions(bob, eve.account),
        people.operating.end_everybodys_sessions(bob),
    ):
        with pytest.raises(OperatorRequired):
            await act
    assert await people.sessions.find(cookie)


async def test_sessions_are_ended_one_accounts_and_everybodys(
    people: People, eve: Owner, operator: ProvenOwner
) -> None:
    one, other = await cookie_of(people), await cookie_of(people)
    mine = await people.sessions.open(operator)
    assert await people.operating.end_sessions(operator, eve.account) == 2
    for cookie in (one, other):
        with pytest.raises(SignInRequired):
            await people.sessions.find(cookie)
    assert await people.sessions.find(mine)
    assert await people.operating.end_everybodys_sessions(operator) == 1
    with pytest.raises(SignInRequired):
        await people.sessions.find(mine)


async def test_one_that_was_deleted_is_not_brought_back(
    people: People, eve: Owner, operator: ProvenOwner, clock: object
) -> None:
    session = await people.sessions.find(await cookie_of(people))
    await people.deletion.delete(people.sessions.proven(session), "eve@example.com")
    for act in (people.operating.disable, people.operating.enable):
        with pytest.raises(AccountUnknown):
            await act(operator, eve.account)
