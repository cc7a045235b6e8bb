"""History is kept for as long as its setting says, and a tool that was away longer is told so."""

from collections.abc import Callable

import pytest

from accounts.people import People
from keysteward.app import Housekeeping
from store import ProvenOwner, Store, changes
from store.changes import CursorExpired, Kind, Reason
from store.clock import DAY
from tests.kit.clock import MovedClock
from vault.revocations import Revocations


@pytest.fixture
def house(clock: MovedClock, people: People) -> Housekeeping:
    return Housekeeping("wrk_1", clock, 90 * DAY, people)


async def test_changes_are_dropped_once_they_are_older_than_the_history_that_is_kept(
    store: Store, ada: ProvenOwner, clock: MovedClock, house: Housekeeping
) -> None:
    def removed(key: str) -> Callable[..., int]:
        return lambda tx: changes.append(
            tx, ada, Kind.KEY_REMOVED, reason=Reason.REMOVED, at=clock(), key=key
        )

    await store.write(removed("key_old"))
    clock.forward(seconds=60 * 24 * 3600)
    await store.write(removed("key_new"))
    clock.forward(seconds=40 * 24 * 3600)
    await house.keep(store)
    heard = Revocations(store, clock)
    with pytest.raises(CursorExpired):
        await heard.after(ada, 0)
    kept, head = await heard.after(ada, 1)
    assert [change.key for change in kept] == ["key_new"]
    assert head == 2


async def test_it_is_looked_at_once_an_hour_and_not_each_second(
    store: Store, ada: ProvenOwner, clock: MovedClock, house: Housekeeping
) -> None:
    await house.keep(store)
    await store.write(
        lambda tx: changes.append(
            tx, ada, Kind.KEY_REMOVED, reason=Reason.REMOVED, at=0, key="key_ancient"
        )
    )
    clock.forward(seconds=3599)
    await house.keep(store)
    assert await store.read(lambda tx: tx.all("SELECT key FROM changes")) == [("key_ancient",)]
    clock.forward(seconds=1)
    await house.keep(store)
    assert await store.read(lambda tx: tx.all("SELECT key FROM changes")) == []
