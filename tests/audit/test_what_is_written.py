"""Each act in an account's name leaves its entry, and the trail of a busy account verifies."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pyotp
import pytest

from accounts import identities
from accounts.errors import SignInRefused
from accounts.guesses import Limits
from accounts.identity_kind import IdentityKind
from accounts.outbox import Outbox
from accounts.people import People
from accounts.scopes import Scope
from accounts.second_factor import RECOVERY_CODES
from accounts.visits import Visit
from audit import Act, Entry, record, verify
from keysteward.box import SealedBox
from keysteward.config import Config
from keysteward.people import gather
from providers import CATALOGUE
from store import ProvenOwner, Store
from tests.accounts.conftest import Letters
from tests.kit.clock import MovedClock
from tests.kit.passwords import CheapPasswords
from vault.errors import KeyGone
from vault.keyring import Keyring
from vault.rows import KeyState
from vault.vault import Vault, parse

OPENAI = CATALOGUE["openai"]
ADDRESS, PASSWORD = "eve@example.com", "a long passphrase"
VISIT = Visit(address="192.0.2.7", device="Browser/1.0")


@pytest.fixture
async def people(
    store: Store, data: Path, keyring: Keyring, vault: Vault, clock: MovedClock
) -> AsyncIterator[People]:
    passwords = CheapPasswords()
    config = Config.read({"KEYSTEWARD_DATA": str(data)}, dotenv=None)
    async with AsyncExitStack() as stack:
        stack.callback(passwords.close)
        loose = Limits.loose()
        yield gather(stack, config, store, keyring, clock, passwords, vault, limits=loose)


@pytest.fixture
def letters(store: Store, keyring: Keyring) -> Letters:
    return Letters(store, Outbox(SealedBox(keyring)))


async def trail(store: Store, keyring: Keyring, owner: ProvenOwner) -> list[Entry]:
    return await store.read(lambda tx: verify(tx, keyring, owner))


async def with_keys_and_tools(people: People, vault: Vault, owner: ProvenOwner) -> list[Act]:
    """Do all that an owner does with keys, tools and tokens; give what should be written of it."""
    added = await vault.add(
        owner, OPENAI, parse("sk-proj-" + "a" * 40), label="one", state=KeyState.ACTIVE
    )
    await vault.reveal(owner, added.id)
    await vault.export(owner)
    new = parse("sk-proj-" + "b" * 40)
    await vault.rotate(owner, added.id, OPENAI, new, state=KeyState.ACTIVE)
    await vault.make_default(owner, added.id)
    await vault.remove(owner, added.id)
    tool, _ = await people.tools.create(owner, "agent", providers=None, expires_at=None)
    await people.tools.change(owner, tool.id, name="another")
    await people.tools.revoke(owner, tool.id)
    scopes = [Scope.KEYS_READ]
    token, _ = await people.user_tokens.make(owner, "ci", scopes=scopes, expires_at=None)
    await people.user_tokens.revoke(owner, token.id)
    return [
        Act.KEY_ADDED,
        Act.KEY_REVEALED,
        Act.KEYS_EXPORTED,
        Act.KEY_ROTATED,
        Act.DEFAULT_KEY_SET,
        Act.KEY_REMOVED,
        Act.TOOL_CREATED,
        Act.TOOL_CHANGED,
        Act.TOOL_REVOKED,
        Act.USER_TOKEN_CREATED,
        Act.USER_TOKEN_REVOKED,
    ]


async def with_the_second_factor(
    people: People, owner: ProvenOwner, clock: MovedClock
) -> list[Act]:
    """Set it up, use a recovery code, make new ones, take it away."""
    begun = await people.second_factor.begin(owner, ADDRESS)
    code = pyotp.TOTP(begun.secret).at(clock() // 1_000_000)
    codes = await people.second_factor.confirm(owner, begun.ticket, code)
    assert len(codes) == RECOVERY_CODES
    await people.second_factor.check(owner, codes[0], VISIT)
    await people.second_factor.renew_codes(owner)
    await people.second_factor.remove(owner)
    return [
        Act.SECOND_FACTOR_ADDED,
        Act.RECOVERY_CODE_USED,
        Act.RECOVERY_CODES_MADE,
        Act.SECOND_FACTOR_REMOVED,
    ]


async def test_every_act_of_an_owner_is_in_the_trail(  # noqa: PLR0917
    people: People,
    store: Store,
    keyring: Keyring,
    vault: Vault,
    clock: MovedClock,
    letters: Letters,
) -> None:
    box, outbox = SealedBox(keyring), Outbox(SealedBox(keyring))
    entered = await people.entering.sign_up(ADDRESS, PASSWORD, VISIT)
    owner = ProvenOwner(entered.owner.account)
    await people.verifying.verify(await letters.ticket("VERIFY_ADDRESS"), owner)
    expected = [Act.ACCOUNT_CREATED, Act.SIGNED_IN, Act.ADDRESS_VERIFIED]
    expected += await with_keys_and_tools(people, vault, owner)
    expected += await with_the_second_factor(people, owner, clock)

    google = await store.write(
        lambda tx: identities.link(
            tx, box, keyring, outbox, owner, IdentityKind.GOOGLE, "1", "eve", at=clock()
        )
    )
    await people.ways.remove(owner, google.id)
    await people.invites.make(owner)
    expected += [Act.MEANS_ADDED, Act.MEANS_REMOVED, Act.INVITE_MADE]

    session = await people.sessions.find(entered.cookie)
    again = await people.entering.again_by_password(session, PASSWORD, VISIT)
    session = await people.sessions.find(again.cookie)  # type: ignore[union-attr]
    with pytest.raises(SignInRefused):
        await people.entering.by_password(ADDRESS, "guessed wrong", VISIT)
    await people.resets.change(owner, "another passphrase", VISIT, keep=session)
    await people.sessions.open(owner)
    await people.sessions.end_others(owner, session)
    await people.sessions.end(session)
    expected += [
        Act.PROVEN_AGAIN,
        Act.SIGN_IN_REFUSED,
        Act.PASSWORD_CHANGED,
        Act.SIGNED_IN,
        Act.SESSIONS_ENDED,
        Act.SIGNED_OUT,
    ]

    await people.resets.ask(ADDRESS, VISIT)
    await people.resets.write_asked()
    await people.resets.reset(await letters.ticket("RESET_PASSWORD"), PASSWORD, VISIT)
    expected += [Act.PASSWORD_RESET_SENT, Act.PASSWORD_RESET]

    await people.moving.ask(owner, "eve@example.org")
    moved = await people.moving.confirm(owner, await letters.ticket("CHANGE_ADDRESS"), VISIT)
    owner = ProvenOwner(moved.account)
    keep = await people.sessions.find(await people.sessions.open(owner))
    await people.deletion.revoke_everything(owner, keep)
    await people.sessions.end(keep)
    expected += [Act.ADDRESS_CHANGED, Act.SIGNED_IN, Act.EVERYTHING_REVOKED, Act.SIGNED_OUT]
    await people.deletion.delete(owner, "eve@example.org")
    expected += [Act.ACCOUNT_DELETED]

    entries = await trail(store, keyring, owner)
    assert [entry.act for entry in entries] == expected
    elsewhere = {  # by the operator: test_operating.py; by resolvers: tests/graphql
        Act.ACCOUNT_DISABLED,
        Act.ACCOUNT_ENABLED,
        Act.ACCOUNT_EXPORTED,
        Act.CEILING_SET,
        Act.CEILING_RESET,
        Act.CEILING_REMOVED,
        Act.PRICE_SET,
        Act.DISPUTE_SETTLED,
        Act.COMMITMENT_ENDED,
        Act.FILE_DELETED,
    }
    assert {entry.act for entry in entries} | elsewhere == set(Act)


async def test_an_entry_names_what_it_was_done_to_and_no_address(  # noqa: PLR0917
    people: People,
    store: Store,
    keyring: Keyring,
    vault: Vault,
    clock: MovedClock,
    letters: Letters,
) -> None:
    del letters, clock
    entered = await people.entering.sign_up(ADDRESS, PASSWORD, VISIT)
    owner = ProvenOwner(entered.owner.account)
    await with_keys_and_tools(people, vault, owner)
    subjects = {
        entry.act: (entry.subject or "").split("_")[0]
        for entry in await trail(store, keyring, owner)
    }
    assert subjects == {
        Act.ACCOUNT_CREATED: "",
        Act.SIGNED_IN: "ses",
        **dict.fromkeys((act for act in Act if act.startswith("KEY_")), "key"),
        Act.DEFAULT_KEY_SET: "key",
        Act.KEYS_EXPORTED: "",
        **dict.fromkeys((act for act in Act if act.startswith("TOOL_")), "tool"),
        **dict.fromkeys((act for act in Act if act.startswith("USER_TOKEN_")), "utk"),
    }
    rows = await store.read(lambda tx: tx.all("SELECT subject FROM audit"))
    assert not [subject for (subject,) in rows if "@" in (subject or "")]


async def test_a_reveal_that_was_refused_leaves_no_entry(
    store: Store, keyring: Keyring, vault: Vault, ada: ProvenOwner
) -> None:
    await vault.add(ada, OPENAI, parse("sk-proj-" + "c" * 40), label="x", state=KeyState.ACTIVE)
    with pytest.raises(KeyGone):
        await vault.reveal(ada, "key_of_nobody")
    assert [entry.act for entry in await trail(store, keyring, ada)] == [Act.KEY_ADDED]


async def test_every_act_can_be_recorded_and_verified(
    store: Store, keyring: Keyring, ada: ProvenOwner
) -> None:
    for act in Act:
        await store.write(lambda tx, act=act: record(tx, keyring, ada, act, at=1))
    assert [entry.act for entry in await trail(store, keyring, ada)] == list(Act)
