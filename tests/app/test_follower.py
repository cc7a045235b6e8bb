"""A process that can't hear of removals makes no calls."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable

import pytest

from broker.errors import CallCut, CallGivenUp, RemovalsUnheard
from broker.live import LiveCalls
from keysteward.follower import Follower
from store import ProvenOwner, Store, Tx, changes
from store.changes import Change, Kind, Reason, Tail

UNREADABLE = "UPDATE changes SET kind = 'NOBODY_KNOWS' WHERE kind = 'KEY_ADDED'"
READABLE = "UPDATE changes SET kind = 'KEY_ADDED' WHERE kind = 'NOBODY_KNOWS'"


class Listeners:
    """Hears of changes, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.fails = 0
        self.heard: list[Change] = []

    def apply(self, changes: Iterable[Change]) -> None:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("no")
        self.heard += changes


@pytest.fixture
def live() -> LiveCalls:
    return LiveCalls()


@pytest.fixture
def listeners() -> Listeners:
    return Listeners()


@pytest.fixture
async def follower(
    store: Store, live: LiveCalls, listeners: Listeners
) -> AsyncIterator["asyncio.Task[None]"]:
    tail = Tail(store)
    await tail.start()
    task = asyncio.create_task(Follower(tail, live, listeners).run())
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.001)


async def call(live: LiveCalls, began: asyncio.Event, key: str = "key_1") -> None:
    with live.join(key=key, tool="tool_1"):
        began.set()
        await asyncio.Event().wait()


async def began(live: LiveCalls, key: str = "key_1") -> "asyncio.Task[None]":
    event = asyncio.Event()
    task = asyncio.create_task(call(live, event, key))
    await event.wait()
    return task


def removed(owner: ProvenOwner, key: str = "key_1") -> Callable[[Tx], int]:
    return lambda tx: changes.append(
        tx, owner, Kind.KEY_REMOVED, at=0, key=key, reason=Reason.REMOVED
    )


async def make_unreadable(store: Store, owner: ProvenOwner) -> None:
    def unit(tx: Tx) -> None:
        changes.append(tx, owner, Kind.KEY_ADDED, at=0, key="key_1")
        tx.run(UNREADABLE)

    await store.write(unit)


@pytest.mark.usefixtures("follower")
async def test_a_removal_cuts_and_is_told(
    store: Store, ada: ProvenOwner, live: LiveCalls, listeners: Listeners
) -> None:
    running = await began(live)
    await store.write(removed(ada))
    with pytest.raises(CallCut):
        await running
    await until(lambda: [change.key for change in listeners.heard] == ["key_1"])


@pytest.mark.usefixtures("follower")
async def test_a_log_that_can_t_be_read_stops_calls_until_it_can(
    store: Store, ada: ProvenOwner, live: LiveCalls, listeners: Listeners
) -> None:
    running = await began(live)
    await make_unreadable(store, ada)
    await until(lambda: not live.hears)
    with pytest.raises(RemovalsUnheard), live.join(key="key_2", tool="tool_1"):
        pass
    with pytest.raises(CallGivenUp):
        await running
    await store.write(removed(ada, "key_2"))
    await store.write(lambda tx: tx.run(READABLE))
    await until(lambda: live.hears)
    await until(lambda: len(listeners.heard) == 2)
    with pytest.raises(CallCut), live.join(key="key_2", tool="tool_1"):
        pass
    with live.join(key="key_3", tool="tool_1"):
        pass
    assert [change.key for change in listeners.heard] == ["key_1", "key_2"]


@pytest.mark.usefixtures("follower")
async def test_what_failed_halfway_is_carried_out_again(
    store: Store, ada: ProvenOwner, live: LiveCalls, listeners: Listeners
) -> None:
    listeners.fails = 1
    await store.write(removed(ada))
    await until(lambda: [change.key for change in listeners.heard] == ["key_1"])
    await until(lambda: live.hears)


async def test_a_follower_that_ends_lets_nothing_go_on(
    live: LiveCalls, follower: "asyncio.Task[None]"
) -> None:
    running = await began(live)
    follower.cancel()
    with pytest.raises(CallGivenUp):
        await running
    with pytest.raises(RemovalsUnheard), live.join(key="key_2", tool="tool_1"):
        pass


async def test_a_read_that_is_cancelled_ends_no_follower(
    store: Store, ada: ProvenOwner, live: LiveCalls, listeners: Listeners
) -> None:
    tail = Tail(store)
    await tail.start()
    look, cancelled = store.look, asyncio.Event()

    def looks(unit: Callable[[Tx], object]) -> "asyncio.Future[object]":
        future = look(unit)
        if not cancelled.is_set():
            cancelled.set()
            future.cancel()
        return future

    store.look = looks  # type: ignore[assignment,method-assign]
    follower = asyncio.create_task(Follower(tail, live, listeners).run())
    await cancelled.wait()
    await store.write(removed(ada))
    await until(lambda: bool(listeners.heard))
    await until(lambda: live.hears)
    follower.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await follower
