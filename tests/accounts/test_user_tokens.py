"""User tokens: for an owner's own clients, with the scopes they were given, until they end."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import audit
from accounts import rows
from accounts.errors import NameUnfit, TokenUnknown, UserTokenGone
from accounts.people import People
from accounts.user_tokens import Scope, UserToken, UserTokens
from audit import Act
from store import Owner, ProvenOwner, Store, Tx
from store.clock import MINUTE, SECOND
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from vault.keyring import Keyring

Make = Callable[..., Awaitable[tuple[UserToken, str]]]


@pytest.fixture
def tokens(people: People) -> UserTokens:
    return people.user_tokens


@pytest.fixture
def make(tokens: UserTokens, ada: ProvenOwner) -> Make:
    """Make a token with what a test does not care about filled in."""

    async def make(**how: Any) -> tuple[UserToken, str]:
        how = {"owner": ada, "name": "laptop", "scopes": [], "expires_at": None} | how
        return await tokens.make(how.pop("owner"), how.pop("name"), **how)

    return make


async def test_its_holder_is_the_owner_with_the_scopes_it_was_given(
    make: Make, tokens: UserTokens, ada: ProvenOwner
) -> None:
    made, text = await make(scopes=[Scope.TOOLS_WRITE, Scope.KEYS_READ, Scope.KEYS_READ])
    held = await tokens.holder(text)
    assert held == made
    assert held.owner == Owner(ada.account)
    assert held.scopes == (Scope.KEYS_READ, Scope.TOOLS_WRITE)
    _, bare = await make()
    assert (await tokens.holder(bare)).scopes == ()


async def test_its_holder_is_never_proven(make: Make, tokens: UserTokens) -> None:
    _, text = await make(scopes=list(Scope))
    assert not isinstance((await tokens.holder(text)).owner, ProvenOwner)


async def test_it_is_in_no_file_nor_in_its_own_words(make: Make, data: Path) -> None:
    made, text = await make()
    assert files_with(data, text.encode(), text[12:40].encode()) == []
    assert text[12:] not in repr(made)
    assert made.prefix == text[:12]


async def test_it_ends_at_its_moment(make: Make, tokens: UserTokens, clock: MovedClock) -> None:
    _, text = await make(expires_at=clock() + 10)
    clock.forward(microseconds=9)
    await tokens.holder(text)
    clock.forward(microseconds=1)
    with pytest.raises(TokenUnknown):
        await tokens.holder(text)


async def test_a_revoked_one_is_refused_and_both_are_written_down(
    make: Make, tokens: UserTokens, ada: ProvenOwner, store: Store, keyring: Keyring
) -> None:
    made, text = await make()
    await tokens.revoke(ada, made.id)
    with pytest.raises(TokenUnknown):
        await tokens.holder(text)
    trail = await store.read(lambda tx: audit.verify(tx, keyring, ada))
    assert [(entry.act, entry.subject) for entry in trail] == [
        (Act.USER_TOKEN_CREATED, made.id),
        (Act.USER_TOKEN_REVOKED, made.id),
    ]
    kinds = await store.read(lambda tx: tx.all("SELECT kind FROM changes"))
    assert kinds == [("USER_TOKEN_REVOKED",)]


async def test_another_s_a_revoked_and_an_unknown_one_can_t_be_revoked(
    make: Make, tokens: UserTokens, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    alive, text = await make()
    ended, _ = await make()
    await tokens.revoke(ada, ended.id)
    for who, token in ((bob, alive.id), (ada, ended.id), (ada, "utk_none"), (ada, "")):
        with pytest.raises(UserTokenGone):
            await tokens.revoke(who, token)
    await tokens.holder(text)


async def test_revoked_expired_and_unknown_ones_answer_alike(
    make: Make, tokens: UserTokens, ada: ProvenOwner, clock: MovedClock, people: People
) -> None:
    made, revoked = await make()
    await tokens.revoke(ada, made.id)
    _, expired = await make(expires_at=clock())
    _, tool_token = await people.tools.create(ada, "agent", providers=None, expires_at=None)
    said = set()
    for text in (revoked, expired):
        with pytest.raises(TokenUnknown) as refused:
            await tokens.holder(text)
        said.add(str(refused.value))
    assert len(said) == 1
    for text in (tool_token, "ksu_", ""):
        with pytest.raises(TokenUnknown):
            await tokens.holder(text)


async def test_the_list_is_the_owner_s_own_living_ones_and_one_is_found_by_its_beginning(
    make: Make, tokens: UserTokens, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    mine = [await make(name=f"{number}") for number in range(3)]
    _, theirs = await make(owner=bob)
    await tokens.revoke(ada, mine[1][0].id)
    assert await tokens.list(ada) == [mine[0][0], mine[2][0]]
    leaked = mine[2][1]
    for length in (10, 12, 20, len(leaked)):
        assert await tokens.list(ada, prefix=leaked[:length]) == [mine[2][0]]
    for text in (theirs, mine[1][1], "kst_", "x"):
        assert await tokens.list(ada, prefix=text) == []
    assert len(await tokens.list(ada, prefix="ksu_")) == 2


async def test_all_of_an_account_s_end_together_and_nobody_else_s(
    make: Make, tokens: UserTokens, ada: ProvenOwner, bob: ProvenOwner, store: Store
) -> None:
    texts = [(await make())[1] for _ in range(3)]
    _, theirs = await make(owner=bob)
    assert await store.write(lambda tx: tokens.end_all(tx, ada, at=1)) == 3
    for text in texts:
        with pytest.raises(TokenUnknown):
            await tokens.holder(text)
    await tokens.holder(theirs)
    assert await store.write(lambda tx: tokens.end_all(tx, ada, at=1)) == 0


@pytest.mark.parametrize("column", ["disabled_at", "deleted_at"])
async def test_a_disabled_or_deleted_account_s_is_refused(  # noqa: PLR0917
    make: Make, tokens: UserTokens, ada: ProvenOwner, store: Store, keyring: Keyring, column: str
) -> None:
    _, text = await make()

    def put(at: int | None) -> Callable[[Tx], None]:
        def unit(tx: Tx) -> None:
            account = rows.find(tx, keyring, ada)
            assert account is not None
            rows.put(tx, keyring, account, **{column: at})

        return unit

    await store.write(put(1))
    with pytest.raises(TokenUnknown):
        await tokens.holder(text)
    await store.write(put(None))
    await tokens.holder(text)


async def test_its_use_is_noted_to_the_minute(
    make: Make, tokens: UserTokens, ada: ProvenOwner, clock: MovedClock, store: Store
) -> None:
    _, text = await make()

    async def used_at() -> int | None:
        await store.write(lambda _: None)
        ((token),) = await tokens.list(ada)
        return token.used_at

    assert await used_at() is None
    await tokens.holder(text)
    first = clock()
    assert await used_at() == first
    clock.forward(microseconds=MINUTE)
    await tokens.holder(text)
    assert await used_at() == first
    clock.forward(microseconds=SECOND)
    await tokens.holder(text)
    assert await used_at() == clock()


@pytest.mark.parametrize("name", ["", "x" * 101, "line\nbreak"])
async def test_it_needs_a_name(make: Make, name: str) -> None:
    with pytest.raises(NameUnfit):
        await make(name=name)
