"""Tools: a token in a key's place, for what its owner allows, until its owner ends it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.errors import NameUnfit, TokenUnknown, ToolGone
from accounts.tools import LONGEST_NAME, Tool, Tools
from store import ProvenOwner, Store, changes
from store.changes import Kind, Reason
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock

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


async def test_its_token_is_in_no_file_and_shown_by_four_characters(
    create: Create, data: Path
) -> None:
    tool, token = await create()
    assert files_with(data, token.encode(), token[4:40].encode()) == []
    assert tool.hint == f"kst_••••{token[-4:]}"
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
