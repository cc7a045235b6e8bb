"""Open subscriptions: each hears its account's revocations once, in order, and no one else's."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import pytest

from accounts.tools import Tools
from providers import CATALOGUE, Provider
from store import ProvenOwner, Store, Tx, changes
from store.changes import Change, CursorExpired, Kind, Reason, Tail
from tests.kit.canary import canary
from tests.kit.clock import MovedClock
from vault import revocations
from vault.keyring import Keyring
from vault.listeners import Audience, Listeners, Reached, Seen
from vault.revocations import HeardState, Revocations
from vault.rows import KeyState
from vault.vault import Vault, parse

OPENAI, ANTHROPIC = CATALOGUE["openai"], CATALOGUE["anthropic"]


@pytest.fixture
def heard(store: Store, clock: MovedClock) -> Revocations:
    return Revocations(store, clock)


@pytest.fixture
async def listeners(
    store: Store, clock: MovedClock, heard: Revocations
) -> AsyncIterator[Listeners]:
    """Fed from the log of changes, as a server process does."""
    made = Listeners(heard, "w", clock, heartbeat_seconds=60)
    await store.write(lambda tx: revocations.seen(tx, "w", clock()))
    tail = Tail(store)
    await tail.start()

    async def feed() -> None:
        async for batch in tail:
            made.apply(batch)

    feeding = asyncio.create_task(feed())
    yield made
    feeding.cancel()
    await asyncio.wait([feeding])


@pytest.fixture
def remove(vault: Vault) -> Callable[..., Awaitable[int]]:
    """Add a key and remove it; give the change's number."""

    async def remove(owner: ProvenOwner, provider: Provider = OPENAI) -> int:
        entry = await vault.add(
            owner, provider, parse(canary(provider.id)), label="x", state=KeyState.ACTIVE
        )
        return (await vault.remove(owner, entry.id)).seq

    return remove


async def following(stream: AsyncGenerator[Change | Reached, None]) -> Change | Reached:
    return await asyncio.wait_for(anext(stream), 30)


async def test_what_came_after_the_cursor_is_replayed_then_it_stays_live(
    listeners: Listeners, remove: Callable[..., Awaitable[int]], ada: ProvenOwner
) -> None:
    first, second = await remove(ada), await remove(ada)
    stream = listeners.hear(Audience(ada), 0)
    assert [(await following(stream)).seq for _ in range(2)] == [first, second]
    assert (await following(stream)).head == second
    for _ in range(2):
        later = await remove(ada)
        assert (await following(stream)).seq == later
    await stream.aclose()


async def test_without_a_cursor_it_begins_now(
    listeners: Listeners, remove: Callable[..., Awaitable[int]], ada: ProvenOwner, clock: MovedClock
) -> None:
    before = await remove(ada)
    stream = listeners.hear(Audience(ada), None)
    assert await following(stream) == Reached(before, clock())
    after = await remove(ada)
    assert (await following(stream)).seq == after
    await stream.aclose()


async def test_a_cursor_that_has_expired_is_said(listeners: Listeners, ada: ProvenOwner) -> None:
    with pytest.raises(CursorExpired):
        await following(listeners.hear(Audience(ada), 99))
    assert listeners._ears == {}


async def test_a_quiet_account_hears_heartbeats(
    store: Store, heard: Revocations, ada: ProvenOwner, clock: MovedClock
) -> None:
    listeners = Listeners(heard, "w", clock, heartbeat_seconds=0.001)
    stream = listeners.hear(Audience(ada), None)
    assert [await following(stream) for _ in range(3)] == [Reached(0, clock())] * 3
    await stream.aclose()


async def test_another_account_s_end_of_a_key_wakes_nobody(
    listeners: Listeners, remove: Callable[..., Awaitable[int]], ada: ProvenOwner, bob: ProvenOwner
) -> None:
    stream = listeners.hear(Audience(ada), None)
    await following(stream)
    waiting = asyncio.create_task(following(stream))
    await remove(bob)
    mine = await remove(ada)
    assert (await waiting).seq == mine
    await stream.aclose()


async def test_what_is_no_revocation_wakes_nobody(
    listeners: Listeners, vault: Vault, ada: ProvenOwner
) -> None:
    stream = listeners.hear(Audience(ada), None)
    await following(stream)
    (ear,) = listeners._ears[ada.account]
    await vault.add(ada, OPENAI, parse(canary()), label="x", state=KeyState.ACTIVE)
    added = Change(1, ada.account, 1, Kind.KEY_ADDED, None, "openai", "key_1", 1, None, 0)
    listeners.apply([added])
    assert not ear.wake.is_set()
    await stream.aclose()


async def test_a_tool_hears_of_the_providers_that_it_may_use(  # noqa: PLR0917
    listeners: Listeners,
    remove: Callable[..., Awaitable[int]],
    store: Store,
    ada: ProvenOwner,
    clock: MovedClock,
    keyring: Keyring,
) -> None:
    tool, _ = await Tools(store, keyring, clock).create(
        ada, "agent", providers=["anthropic"], expires_at=None
    )
    stream = listeners.hear(Audience(ada, tool.id, "one", tool.providers), 0)
    await following(stream)
    await remove(ada, OPENAI)
    theirs = await remove(ada, ANTHROPIC)
    assert (await following(stream)).seq == theirs
    await stream.aclose()


def test_whom_a_revocation_concerns(ada: ProvenOwner) -> None:
    def change(
        reason: Reason | None, provider: str | None = None, tool: str | None = None
    ) -> Change:
        return Change(1, ada.account, 1, Kind.KEY_REMOVED, reason, provider, None, 1, tool, 0)

    owner = Audience(ada)
    every, one = Audience(ada, "tool_1"), Audience(ada, "tool_1", "", ("openai",))
    assert not owner.concerns(change(None))
    for revocation in (change(Reason.REMOVED, "google"), change(Reason.TOOL_REVOKED, tool="t")):
        assert owner.concerns(revocation)
    assert every.concerns(change(Reason.REMOVED, "google"))
    assert not one.concerns(change(Reason.REMOVED, "google"))
    assert one.concerns(change(Reason.ROTATED, "openai"))
    assert one.concerns(change(Reason.TOOL_REVOKED, tool="tool_1"))
    assert not one.concerns(change(Reason.TOOL_REVOKED, tool="tool_2"))


async def test_whoever_hears_a_revocation_is_whoever_its_standing_waits_for(  # noqa: PLR0917
    listeners: Listeners,
    heard: Revocations,
    remove: Callable[..., Awaitable[int]],
    store: Store,
    ada: ProvenOwner,
    clock: MovedClock,
    keyring: Keyring,
) -> None:
    tools = Tools(store, keyring, clock)
    made = [
        (await tools.create(ada, "x", providers=providers, expires_at=None))[0]
        for providers in (None, ["openai"], ["anthropic"], ["google", "openai"], [])
    ]
    audiences = {tool.id: Audience(ada, tool.id, "one", tool.providers) for tool in made}
    streams = [listeners.hear(audience, None) for audience in audiences.values()]
    for stream in streams:
        await following(stream)
    _, ended = await tools.revoke(ada, made[0].id)
    for seq in (await remove(ada, OPENAI), await remove(ada, ANTHROPIC), ended):
        standing = await heard.standing(ada, seq)
        waited_for = {t.tool for t in standing.tools if t.state is HeardState.PENDING}
        concerned = {t for t, audience in audiences.items() if audience.concerns(standing.change)}
        # A tool that was ended keeps its socket no longer than it takes to tell it so.
        assert waited_for == concerned - ({made[0].id} if seq != ended else set())
    for stream in streams:
        await stream.aclose()


async def test_a_tool_hears_of_its_own_end_and_nothing_more(  # noqa: PLR0917
    listeners: Listeners,
    remove: Callable[..., Awaitable[int]],
    store: Store,
    ada: ProvenOwner,
    clock: MovedClock,
    keyring: Keyring,
) -> None:
    tools = Tools(store, keyring, clock)
    tool, other = [
        (await tools.create(ada, "x", providers=None, expires_at=None))[0] for _ in range(2)
    ]
    stream = listeners.hear(Audience(ada, tool.id), None)
    await following(stream)
    await tools.revoke(ada, other.id)
    _, seq = await tools.revoke(ada, tool.id)
    await remove(ada)
    assert (await following(stream)).seq == seq
    with pytest.raises(StopAsyncIteration):
        await following(stream)


@pytest.mark.parametrize("many", [1, 99, 100, 101, 1000, 1001, 2500])
async def test_however_much_was_missed_it_is_all_replayed_before_the_heartbeat(
    listeners: Listeners, store: Store, ada: ProvenOwner, many: int
) -> None:
    def revoke(tx: Tx) -> int:
        return changes.append(tx, ada, Kind.KEY_REMOVED, at=0, key="k", reason=Reason.REMOVED)

    await asyncio.gather(*(store.write(revoke) for _ in range(many)))
    stream = listeners.hear(Audience(ada), 0)
    assert [(await following(stream)).seq for _ in range(many)] == list(range(1, many + 1))
    assert (await following(stream)).head == many
    await stream.aclose()


async def test_one_who_leaves_before_the_note_was_taken_leaves_no_note(  # noqa: PLR0917
    listeners: Listeners,
    heard: Revocations,
    store: Store,
    ada: ProvenOwner,
    clock: MovedClock,
    keyring: Keyring,
) -> None:
    tool, _ = await Tools(store, keyring, clock).create(
        ada, "agent", providers=None, expires_at=None
    )
    head = await heard.head(ada)
    placing = asyncio.create_task(listeners.place(Audience(ada, tool.id), head))
    await asyncio.sleep(0)  # it has asked for the note, and waits
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing
    await store.write(lambda _: None)
    assert await heard.running(ada) == {}


async def test_a_tool_that_was_ended_hears_nothing(
    listeners: Listeners, store: Store, ada: ProvenOwner, clock: MovedClock, keyring: Keyring
) -> None:
    tools = Tools(store, keyring, clock)
    tool, _ = await tools.create(ada, "agent", providers=None, expires_at=None)
    await tools.revoke(ada, tool.id)
    with pytest.raises(StopAsyncIteration):
        await following(listeners.hear(Audience(ada, tool.id), 0))
    assert listeners._ears == {}


class TestWatch:
    """For a fan-out, which tells many at once."""

    async def test_each_account_and_ended_tool_stands_in_it_once(  # noqa: PLR0917
        self,
        listeners: Listeners,
        remove: Callable[..., Awaitable[int]],
        store: Store,
        ada: ProvenOwner,
        bob: ProvenOwner,
        keyring: Keyring,
        clock: MovedClock,
    ) -> None:
        tool, _ = await Tools(store, keyring, clock).create(
            ada, "x", providers=None, expires_at=None
        )
        watch = listeners.watch()
        listeners.apply(
            [
                Change(1, ada.account, 1, Kind.KEY_REMOVED, Reason.REMOVED, "o", "k", 1, None, 0),
                Change(2, ada.account, 2, Kind.KEY_REMOVED, Reason.REMOVED, "o", "l", 1, None, 0),
                Change(3, bob.account, 1, Kind.KEY_ADDED, None, "openai", "m", 1, None, 0),
                Change(
                    4, ada.account, 3, Kind.TOOL_REVOKED, Reason.TOOL_REVOKED, None, None, None,
                    tool.id, 0,
                ),
            ]
        )  # fmt: skip
        assert await asyncio.wait_for(watch.look(), 30) == Seen({ada.account}, {tool.id}, set())
        looking = asyncio.create_task(watch.look())
        await remove(bob)
        assert await asyncio.wait_for(looking, 30) == Seen({bob.account}, set(), set())
        for kind in (Kind.SESSION_ENDED, Kind.USER_TOKEN_REVOKED):
            ended = Change(9, bob.account, 9, kind, None, None, None, None, None, 0)
            listeners.apply([ended])
            assert await asyncio.wait_for(watch.look(), 30) == Seen(set(), set(), {bob.account})
        listeners.unwatch(watch)
        listeners.unwatch(watch)
        assert listeners._watches == set()


async def test_a_tool_counts_as_running_while_it_listens(  # noqa: PLR0917
    listeners: Listeners,
    heard: Revocations,
    store: Store,
    ada: ProvenOwner,
    clock: MovedClock,
    keyring: Keyring,
) -> None:
    tool, _ = await Tools(store, keyring, clock).create(
        ada, "agent", providers=None, expires_at=None
    )
    streams = [listeners.hear(Audience(ada, tool.id, name), None) for name in ("one", "two")]
    for stream in streams:
        await following(stream)
    assert await heard.running(ada) == {tool.id: 2}
    for left in (1, 0):
        await streams[left].aclose()
        await store.write(lambda _: None)  # what it asked for before is done by then
        assert await heard.running(ada) == ({tool.id: 1} if left else {})
    assert listeners._ears == {}
