"""Tools: a token in a key's place, for what its owner allows, until its owner ends it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import audit
from accounts import rows, tokens
from accounts.address import account_of
from accounts.errors import (
    AddressUnverified,
    NameUnfit,
    RateUnfit,
    TokenUnknown,
    ToolGone,
    TooManyTries,
)
from accounts.tokens import TokenKind
from accounts.tools import LONGEST_NAME, MOST_PER_MINUTE, Tool, Tools, holder_of, note_call
from audit import Act
from keysteward.box import SealedBox
from store import ProvenOwner, Store, Tx, changes
from store.changes import Kind, Reason
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from vault.keyring import Keyring

Create = Callable[..., Awaitable[tuple[Tool, str]]]


@pytest.fixture
def create(tools: Tools, ada: ProvenOwner) -> Create:
    """Make a tool with what a test does not care about filled in."""

    async def create(**how: Any) -> tuple[Tool, str]:
        how = {"owner": ada, "name": "agent", "providers": None, "expires_at": None} | how
        return await tools.create(how.pop("owner"), how.pop("name"), **how)

    return create


async def test_its_token_gives_the_tool_and_whose_it_is(
    create: Create,
    tools: Tools,
    ada: ProvenOwner,
    clock: MovedClock,
) -> None:
    tool, token = await create()
    assert await tools.holder(token) == tool
    assert (tool.owner.account, tool.created_at) == (ada.account, clock())


async def test_its_token_is_in_no_file_and_known_by_its_public_beginning(
    create: Create, data: Path
) -> None:
    tool, token = await create()
    assert files_with(data, token.encode(), token[12:40].encode()) == []
    assert tool.prefix == token[:12]
    assert token[12:] not in repr(tool)
    assert token not in repr(tool)


async def test_it_may_use_the_providers_that_it_was_given(create: Create, tools: Tools) -> None:
    for providers, allowed in (
        (None, {"openai", "google", "open"}),
        (["openai", "google", "openai"], {"openai", "google"}),
        ([], set()),
    ):
        tool, token = await create(providers=providers)
        for held in (tool, await tools.holder(token)):
            assert {p for p in ("openai", "google", "open") if held.allows(p)} == allowed
    assert tool.providers == ()


async def test_one_whose_answers_must_be_inspected_is_nobody_s_once_that_is_taken_off_behind_us(
    create: Create, tools: Tools, store: Store, ada: ProvenOwner
) -> None:
    tool, token = await create(inspected_only=True)
    assert tool == await tools.holder(token)
    await store.write(
        lambda tx: tx.run(
            "UPDATE tools SET inspected_only = 0 WHERE account = :account AND id = :id",
            account=ada.account,
            id=tool.id,
        )
    )
    with pytest.raises(TokenUnknown):
        await tools.holder(token)


async def test_a_revoked_one_s_token_is_refused(
    create: Create,
    tools: Tools,
    ada: ProvenOwner,
    store: Store,
    clock: MovedClock,
) -> None:
    tool, token = await create()
    at = clock.forward(seconds=1)
    ended, seq = await tools.revoke(ada, tool.id)
    assert (ended.id, ended.revoked_at) == (tool.id, at)
    with pytest.raises(TokenUnknown):
        await tools.holder(token)
    change = await store.read(lambda tx: changes.revocation_at(tx, ada, seq))
    assert (change.kind, change.reason, change.tool) == (
        Kind.TOOL_REVOKED,
        Reason.TOOL_REVOKED,
        tool.id,
    )


async def test_an_expired_one_s_token_is_refused_from_its_moment_on(
    create: Create, tools: Tools, clock: MovedClock
) -> None:
    _, token = await create(expires_at=clock() + 10)
    clock.forward(microseconds=9)
    await tools.holder(token)
    clock.forward(microseconds=1)
    with pytest.raises(TokenUnknown):
        await tools.holder(token)


async def test_unknown_revoked_and_expired_tokens_answer_alike(
    create: Create,
    tools: Tools,
    ada: ProvenOwner,
    clock: MovedClock,
) -> None:
    tool, revoked = await create()
    await tools.revoke(ada, tool.id)
    _, expired = await create(expires_at=clock())
    gone, unknown = await create()
    await tools._store.write(
        lambda tx: tx.run(
            "DELETE FROM tools WHERE account = :a AND id = :id", a=ada.account, id=gone.id
        )
    )
    said = set()
    for token in (revoked, expired, unknown):
        with pytest.raises(TokenUnknown) as refused:
            await tools.holder(token)
        said.add(str(refused.value))
    assert len(said) == 1


async def test_the_list_is_the_owner_s_own_living_ones_oldest_first(
    create: Create,
    tools: Tools,
    ada: ProvenOwner,
    bob: ProvenOwner,
) -> None:
    mine = [(await create())[0] for _ in range(3)]
    await create(owner=bob)
    await tools.revoke(ada, mine[1].id)
    assert await tools.list(ada) == [mine[0], mine[2]]
    assert set(await tools.named(ada)) == {tool.id for tool in mine}


async def test_another_s_a_revoked_and_an_unknown_tool_can_t_be_revoked(
    create: Create,
    tools: Tools,
    ada: ProvenOwner,
    bob: ProvenOwner,
    store: Store,
) -> None:
    alive, _ = await create()
    ended, _ = await create()
    await tools.revoke(ada, ended.id)
    before = await store.read(lambda tx: changes.head(tx, ada))
    for who, tool in ((bob, alive.id), (ada, ended.id), (ada, "tool_none")):
        with pytest.raises(ToolGone):
            await tools.revoke(who, tool)
    assert await tools.list(ada) == [alive]
    assert await store.read(lambda tx: changes.head(tx, ada)) == before


@pytest.mark.parametrize("name", ["", "x" * (LONGEST_NAME + 1)])
async def test_it_needs_a_name(create: Create, name: str) -> None:
    with pytest.raises(NameUnfit):
        await create(name=name)


async def test_one_is_found_by_the_beginning_of_its_token(
    create: Create, tools: Tools, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    mine, leaked = await create()
    await create()
    for length in (10, 12, 20, len(leaked)):
        assert await tools.list(ada, prefix=leaked[:length]) == [mine]
    assert await tools.list(bob, prefix=leaked[:12]) == []
    assert len(await tools.list(ada, prefix="kst_")) == 2
    assert await tools.list(ada, prefix="ksu_") == []


async def test_it_gets_another_name_and_rate_and_keeps_its_token_and_all_else(
    create: Create, tools: Tools, ada: ProvenOwner, store: Store, keyring: Keyring
) -> None:
    tool, token = await create(providers=["openai"], per_minute=5)
    renamed = await tools.change(ada, tool.id, name="another")
    assert renamed == tool._replace(name="another")
    faster = await tools.change(ada, tool.id, per_minute=60)
    assert faster == tool._replace(name="another", per_minute=60)
    strict = await tools.change(ada, tool.id, inspected_only=True)
    assert strict == faster._replace(inspected_only=True)
    assert await tools.change(ada, tool.id, name="again") == strict._replace(name="again")
    assert (await tools.holder(token)).inspected_only is True
    lenient = await tools.change(ada, tool.id, inspected_only=False)
    assert await tools.holder(token) == lenient == faster._replace(name="again")
    trail = await store.read(lambda tx: audit.verify(tx, keyring, ada))
    assert [entry.act for entry in trail] == [Act.TOOL_CREATED, *[Act.TOOL_CHANGED] * 5]


async def test_another_s_a_revoked_and_an_unknown_one_can_t_be_changed(
    create: Create, tools: Tools, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    alive, token = await create()
    ended, _ = await create()
    await tools.revoke(ada, ended.id)
    for who, tool in ((bob, alive.id), (ada, ended.id), (ada, "tool_none")):
        with pytest.raises(ToolGone):
            await tools.change(who, tool, name="mine")
    assert (await tools.holder(token)).name == alive.name
    with pytest.raises(NameUnfit):
        await tools.change(ada, alive.id, name="")


@pytest.mark.parametrize("rate", [0, -1, MOST_PER_MINUTE + 1])
async def test_a_rate_that_can_t_be_held_is_refused(
    create: Create, tools: Tools, ada: ProvenOwner, rate: int
) -> None:
    with pytest.raises(RateUnfit):
        await create(per_minute=rate)
    tool, _ = await create(per_minute=1)
    with pytest.raises(RateUnfit):
        await tools.change(ada, tool.id, per_minute=rate)


@pytest.mark.parametrize("rate", [1, 7, 60, MOST_PER_MINUTE])
async def test_it_begins_as_many_calls_a_minute_as_it_was_given(
    create: Create, store: Store, clock: MovedClock, rate: int
) -> None:
    tool, _ = await create(per_minute=rate)

    def begun(tx: Tx) -> int:
        for number in range(100):
            try:
                note_call(tx, tool, now=clock())
            except TooManyTries:
                return number
        return 100

    assert await store.write(begun) == min(rate, 100)
    clock.forward(seconds=60)
    assert await store.write(begun) == min(rate, 100)
    clock.forward(seconds=6)
    assert await store.write(begun) == min(rate * 6 // 60, 100)


@pytest.mark.parametrize("column", ["disabled_at", "deleted_at"])
async def test_a_disabled_or_deleted_account_s_is_refused(  # noqa: PLR0917
    create: Create, tools: Tools, ada: ProvenOwner, store: Store, keyring: Keyring, column: str
) -> None:
    _, token = await create()

    def put(at: int | None) -> Callable[[Tx], None]:
        def unit(tx: Tx) -> None:
            account = rows.find(tx, keyring, ada)
            assert account is not None
            rows.put(tx, keyring, account, **{column: at})

        return unit

    await store.write(put(1))
    with pytest.raises(TokenUnknown):
        await tools.holder(token)
    await store.write(put(None))
    await tools.holder(token)


async def test_verified_alone_asks_for_a_verified_address_or_for_none(
    tools: Tools, store: Store, keyring: Keyring, clock: MovedClock
) -> None:
    box = SealedBox(keyring)
    for address, verified_at, may in ((b"x", None, False), (b"x", 1, True), (None, None, True)):
        owner = ProvenOwner(account_of(f"{address!r}{verified_at}"))
        sealed = address and box.seal(rows.ADDRESS, owner.account, address)
        account = rows.Account(owner.account, sealed, verified_at, 0, None, None)
        await store.write(lambda tx, account=account: rows.insert(tx, keyring, account))
        _, token = await tools.create(owner, "agent", providers=None, expires_at=None)
        digest = tokens.digest_of(token, TokenKind.TOOL)

        def held(tx: Tx, digest: bytes = digest, *, strict: bool) -> Tool:
            return holder_of(tx, keyring, digest, now=clock(), verified_alone=strict)

        assert await store.read(lambda tx, held=held: held(tx, strict=False))
        if may:
            assert await store.read(lambda tx, held=held: held(tx, strict=True))
        else:
            with pytest.raises(AddressUnverified):
                await store.read(lambda tx, held=held: held(tx, strict=True))


async def test_all_of_an_account_s_end_together_and_nobody_else_s(
    create: Create, tools: Tools, ada: ProvenOwner, bob: ProvenOwner, store: Store
) -> None:
    mine = [await create() for _ in range(3)]
    _, theirs = await create(owner=bob)
    assert await store.write(lambda tx: tools.end_all(tx, ada, at=1)) == 3
    for _, token in mine:
        with pytest.raises(TokenUnknown):
            await tools.holder(token)
    await tools.holder(theirs)
    found, _ = await store.read(lambda tx: changes.revocations_after(tx, ada, 0))
    assert {change.tool for change in found} == {tool.id for tool, _ in mine}
