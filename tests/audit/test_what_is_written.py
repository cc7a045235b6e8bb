"""Each act in an account's name leaves its entry, and the trail of a busy account verifies."""

import pytest

from accounts.accounts import Accounts
from accounts.passwords import Passwords
from accounts.sessions import Sessions
from accounts.tools import Tools
from audit import Act, Entry, verify
from keysteward.app import SealedAddresses
from providers import CATALOGUE
from store import ProvenOwner, Store
from tests.kit.clock import MovedClock
from tests.kit.passwords import CHEAP
from vault.errors import KeyGone
from vault.keyring import Keyring
from vault.rows import KeyState
from vault.vault import Vault, parse

OPENAI = CATALOGUE["openai"]


async def trail(store: Store, keyring: Keyring, owner: ProvenOwner) -> list[Entry]:
    return await store.read(lambda tx: verify(tx, keyring, owner))


async def test_every_act_of_an_owner_is_in_the_trail(
    store: Store, keyring: Keyring, clock: MovedClock
) -> None:
    passwords = Passwords(CHEAP)
    accounts = Accounts(store, passwords, SealedAddresses(keyring), keyring, clock)
    sessions = Sessions(store, keyring, clock)
    vault, tools = Vault(store, keyring, clock), Tools(store, keyring, clock)
    signed_up = await accounts.sign_up("eve@example.com", "a long password")
    owner = ProvenOwner(signed_up.account)
    cookie = await sessions.open(owner)
    key = (
        await vault.add(
            owner, OPENAI, parse("sk-proj-" + "a" * 40), label="one", state=KeyState.ACTIVE
        )
    ).id
    await vault.reveal(owner, key)
    new = parse("sk-proj-" + "b" * 40)
    await vault.rotate(owner, key, OPENAI, new, state=KeyState.ACTIVE)
    await vault.make_default(owner, key)
    await vault.remove(owner, key)
    tool, _ = await tools.create(owner, "agent", providers=None, expires_at=None)
    await tools.revoke(owner, tool.id)
    await accounts.make_user_token(owner, "ci", expires_at=None)
    (token,) = await accounts.user_tokens(owner)
    await accounts.revoke_user_token(owner, token.id)
    await sessions.end(await sessions.find(cookie))
    passwords.close()
    entries = await trail(store, keyring, owner)
    assert [(entry.act, entry.subject) for entry in entries][:-3] == [
        (Act.ACCOUNT_CREATED, None),
        (Act.SIGNED_IN, None),
        (Act.KEY_ADDED, key),
        (Act.KEY_REVEALED, key),
        (Act.KEY_ROTATED, key),
        (Act.DEFAULT_KEY_SET, key),
        (Act.KEY_REMOVED, key),
        (Act.TOOL_CREATED, tool.id),
        (Act.TOOL_REVOKED, tool.id),
    ]
    assert (entries[-3].act, entries[-3].subject) == (Act.USER_TOKEN_CREATED, token.id)
    assert (entries[-2].act, entries[-2].subject) == (Act.USER_TOKEN_REVOKED, token.id)
    assert entries[-1].act is Act.SIGNED_OUT
    assert {entry.act for entry in entries} == set(Act)


async def test_a_reveal_that_was_refused_leaves_no_entry(
    store: Store, keyring: Keyring, clock: MovedClock, ada: ProvenOwner
) -> None:
    vault = Vault(store, keyring, clock)
    await vault.add(ada, OPENAI, parse("sk-proj-" + "c" * 40), label="x", state=KeyState.ACTIVE)
    with pytest.raises(KeyGone):
        await vault.reveal(ada, "key_of_nobody")
    assert [entry.act for entry in await trail(store, keyring, ada)] == [Act.KEY_ADDED]
