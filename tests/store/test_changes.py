"""The log of changes: numbered without gaps, in commit order, followed by whoever must know."""

import asyncio
import contextlib
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import Failure, Owner, ProvenOwner, Store, Tx, Unit, changes
from store.changes import _MOST_A_READ, AccountGone, Change, CursorExpired, Kind, Reason, Tail
from tests.kit.people import ADA, BOB, settle_in


def added(owner: Owner, *, at: int = 0) -> Unit[int]:
    return lambda tx: changes.append(tx, owner, Kind.KEY_ADDED, at=at, key="key_1")


def removed(owner: Owner, *, at: int = 0) -> Unit[int]:
    return lambda tx: changes.append(
        tx, owner, Kind.KEY_REMOVED, at=at, key="key_1", reason=Reason.REMOVED
    )


def add_and_fail(owner: Owner) -> Unit[None]:
    def unit(tx: Tx) -> None:
        added(owner)(tx)
        raise ZeroDivisionError

    return unit


async def log(store: Store) -> list[tuple[int, str, int]]:
    return await store.read(
        lambda tx: tx.all("SELECT position, account, seq FROM changes ORDER BY position")
    )


class TestAppending:
    async def test_the_first_change_of_an_account_is_number_1(
        self, store: Store, ada: ProvenOwner
    ) -> None:
        assert await store.read(lambda tx: changes.head(tx, ada)) == 0
        assert await store.write(added(ada)) == 1
        assert await store.read(lambda tx: changes.head(tx, ada)) == 1

    async def test_each_account_has_its_own_numbers(
        self, store: Store, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        numbers = [await store.write(added(who)) for who in (ada, bob, ada, bob, ada)]
        assert numbers == [1, 1, 2, 2, 3]

    async def test_a_change_whose_transaction_fails_takes_no_number(
        self, store: Store, ada: ProvenOwner
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            await store.write(add_and_fail(ada))
        assert await store.write(added(ada)) == 1
        assert await log(store) == [(1, ada.account, 1)]

    async def test_an_account_that_is_gone_changes_no_more(self, store: Store) -> None:
        with pytest.raises(Failure, match="gone"):
            await store.write(added(ADA))
        assert await store.read(lambda tx: changes.head(tx, ADA)) == 0


@settings(max_examples=12, deadline=None)
@given(
    acts=st.lists(
        st.tuples(st.sampled_from([ADA, BOB]), st.booleans(), st.sampled_from([0, 1])), max_size=80
    )
)
async def test_the_log_has_no_gaps_and_commit_order_whoever_writes_it(
    acts: list[tuple[ProvenOwner, bool, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        async with await Store.open(path) as one, await Store.open(path) as two:
            await settle_in(one, ADA, BOB)
            writes = [
                (one, two)[which].write(add_and_fail(owner) if fails else added(owner))
                for owner, fails, which in acts
            ]
            answers = await asyncio.gather(*writes, return_exceptions=True)
            entries = await log(two)
    given_out = [n for n in answers if isinstance(n, int)]
    assert len(given_out) == sum(not fails for _, fails, _ in acts)
    assert [position for position, _, _ in entries] == list(range(1, len(entries) + 1))
    for owner in (ADA, BOB):
        numbers = [seq for _, account, seq in entries if account == owner.account]
        assert numbers == list(range(1, len(numbers) + 1))


class TestReading:
    async def test_revocations_after_a_cursor_come_whole_and_alone(
        self, store: Store, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        for unit in (removed(ada), added(ada), removed(bob), removed(ada), added(ada)):
            await store.write(unit)
        found, upto = await store.read(lambda tx: changes.revocations_after(tx, ada, 0))
        assert [change.seq for change in found] == [1, 3]
        assert {change.account for change in found} == {ada.account}
        assert upto == 4
        assert await store.read(lambda tx: changes.revocations_after(tx, ada, 4)) == ([], 4)

    async def test_a_read_that_is_cut_short_says_up_to_where_it_is_complete(
        self, store: Store, ada: ProvenOwner
    ) -> None:
        for unit in (removed(ada), added(ada), removed(ada), removed(ada)):
            await store.write(unit)
        found, upto = await store.read(lambda tx: changes.revocations_after(tx, ada, 0, most=2))
        assert ([change.seq for change in found], upto) == ([1, 3], 3)

    async def test_the_newest_revocations_come_first(self, store: Store, ada: ProvenOwner) -> None:
        for unit in (removed(ada), added(ada), removed(ada), removed(ada)):
            await store.write(unit)

        def latest(before: int | None, most: int) -> list[int]:
            return store.read(
                lambda tx: [
                    c.seq for c in changes.latest_revocations(tx, ada, before=before, most=most)
                ]
            )

        assert await latest(None, 2) == [4, 3]
        assert await latest(3, 10) == [1]

    async def test_one_revocation_is_found_by_its_number_and_owner(
        self, store: Store, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        await store.write(added(ada))
        await store.write(removed(ada, at=77))

        def at(owner: Owner, seq: int) -> Change | None:
            return store.read(lambda tx: changes.revocation_at(tx, owner, seq))

        assert await at(ada, 1) is None
        assert await at(bob, 2) is None
        assert await at(ada, 2) == Change(
            2, ada.account, 2, Kind.KEY_REMOVED, Reason.REMOVED, None, "key_1", None, None, 77
        )

    @pytest.mark.parametrize("cursor", [-1, 4, 2**70])
    async def test_a_cursor_that_was_never_given_out_has_expired(
        self, store: Store, ada: ProvenOwner, cursor: int
    ) -> None:
        for _ in range(3):
            await store.write(removed(ada))
        with pytest.raises(CursorExpired) as expired:
            await store.read(lambda tx: changes.revocations_after(tx, ada, cursor))
        assert expired.value.head == 3

    @pytest.mark.parametrize("cursor", [0, 3])
    async def test_of_an_account_that_is_no_more_nobody_is_told_that_nothing_came(
        self, store: Store, cursor: int
    ) -> None:
        """It may have moved in this very moment: what came since stands under its new id."""
        with pytest.raises(AccountGone):
            await store.read(lambda tx: changes.revocations_after(tx, ADA, cursor))


class TestPruning:
    @pytest.fixture(autouse=True)
    async def history(self, store: Store, ada: ProvenOwner, bob: ProvenOwner) -> None:
        for at in (10, 20, 30):
            await store.write(removed(ada, at=at))
        await store.write(removed(bob, at=30))

    async def test_what_is_older_goes_and_the_numbers_go_on(
        self, store: Store, ada: ProvenOwner
    ) -> None:
        assert await store.write(lambda tx: changes.prune(tx, older_than=30)) == 2
        assert await store.write(lambda tx: changes.prune(tx, older_than=30)) == 0
        assert await store.write(added(ada)) == 4
        assert [(seq) for _, account, seq in await log(store) if account == ada.account] == [3, 4]

    async def test_when_all_is_pruned_numbers_and_positions_go_on(
        self, store: Store, ada: ProvenOwner
    ) -> None:
        assert await store.write(lambda tx: changes.prune(tx, older_than=99)) == 4
        assert await store.write(added(ada)) == 4
        assert await log(store) == [(5, ada.account, 4)]

    async def test_a_cursor_below_what_is_kept_has_expired(
        self, store: Store, ada: ProvenOwner
    ) -> None:
        await store.write(lambda tx: changes.prune(tx, older_than=30))
        with pytest.raises(CursorExpired, match="no longer kept"):
            await store.read(lambda tx: changes.revocations_after(tx, ada, 1))
        found, upto = await store.read(lambda tx: changes.revocations_after(tx, ada, 2))
        assert ([change.seq for change in found], upto) == ([3], 3)

    async def test_an_account_without_old_changes_loses_no_cursor(
        self, store: Store, bob: ProvenOwner
    ) -> None:
        await store.write(lambda tx: changes.prune(tx, older_than=30))
        found, _ = await store.read(lambda tx: changes.revocations_after(tx, bob, 0))
        assert [change.seq for change in found] == [1]


async def take(tail: Tail, many: int) -> list[Change]:
    """Follow until so many changes have come."""
    taken: list[Change] = []
    async with asyncio.timeout(30):
        async for batch in tail:
            assert batch
            taken += batch
            if len(taken) >= many:
                return taken
    raise AssertionError


class TestTail:
    """With a tick of a minute: what is seen at all is seen because of the wake."""

    @pytest.fixture
    async def tail(self, store: Store) -> Tail:
        made = Tail(store, tick_seconds=60)
        await made.start()
        return made

    async def test_it_begins_where_the_log_stood(self, store: Store, ada: ProvenOwner) -> None:
        await store.write(added(ada))
        tail = Tail(store)
        await tail.start()
        await store.write(removed(ada))
        assert [change.kind for change in await take(tail, 1)] == [Kind.KEY_REMOVED]

    async def test_it_need_not_be_started_by_hand(self, store: Store, ada: ProvenOwner) -> None:
        await store.write(added(ada))
        tail = Tail(store, tick_seconds=0.001)
        following = asyncio.create_task(take(tail, 1))
        while not following.done():
            await store.write(removed(ada))
        assert (await following)[0].kind is Kind.KEY_REMOVED

    async def test_it_is_woken_by_this_process_s_own_commits(
        self, store: Store, tail: Tail, ada: ProvenOwner
    ) -> None:
        following = asyncio.create_task(take(tail, 1))
        await store.read(lambda _: None)  # it waits by now
        await store.write(removed(ada))
        assert [change.seq for change in await following] == [1]

    async def test_no_commit_slips_between_its_reading_and_its_waiting(
        self, store: Store, tail: Tail, ada: ProvenOwner
    ) -> None:
        following = asyncio.create_task(take(tail, 300))
        for _ in range(300):
            await store.write(removed(ada))
        assert [change.seq for change in await following] == list(range(1, 301))

    async def test_a_commit_during_its_reading_is_seen_by_the_next(
        self, store: Store, tail: Tail, ada: ProvenOwner
    ) -> None:
        has_read, go_on, read = threading.Event(), threading.Event(), tail._read

        def read_and_stand(tx: Tx) -> list[Change]:
            found = read(tx)
            has_read.set()
            go_on.wait(10)
            return found

        tail._read = read_and_stand
        following = asyncio.create_task(take(tail, 2))
        await store.write(removed(ada))
        await asyncio.to_thread(has_read.wait, 10)
        await store.write(removed(ada))
        go_on.set()
        assert [change.seq for change in await following] == [1, 2]

    async def test_two_followers_do_not_take_each_other_s_wake(
        self, store: Store, tail: Tail, ada: ProvenOwner
    ) -> None:
        other = Tail(store, tick_seconds=60)
        await other.start()
        following = [asyncio.create_task(take(t, 100)) for t in (tail, other)]
        for _ in range(100):
            await store.write(removed(ada))
        for seen in await asyncio.gather(*following):
            assert [change.seq for change in seen] == list(range(1, 101))

    async def test_one_that_was_slow_gets_everything_in_order(
        self, store: Store, tail: Tail, ada: ProvenOwner
    ) -> None:
        many = _MOST_A_READ + 500
        await asyncio.gather(*(store.write(removed(ada)) for _ in range(many)))
        seen = await take(tail, many)
        assert [change.seq for change in seen] == list(range(1, many + 1))

    async def test_it_sees_what_another_process_commits(
        self, store: Store, ada: ProvenOwner
    ) -> None:
        tail = Tail(store)
        await tail.start()
        async with _other(store) as other:
            following = asyncio.create_task(take(tail, 2))
            await other.write(removed(ada))
            await other.write(removed(ada))
            assert [change.seq for change in await following] == [1, 2]

    async def test_it_does_not_wait_for_others_who_read_for_long(
        self, store: Store, tail: Tail, ada: ProvenOwner
    ) -> None:
        go_on = threading.Event()
        reading = [store.read(lambda _: go_on.wait(10)) for _ in range(8)]
        try:
            await store.write(removed(ada))
            async with asyncio.timeout(30):
                assert [change.seq for change in await take(tail, 1)] == [1]
        finally:
            go_on.set()
            await asyncio.gather(*reading)

    async def test_a_loop_that_stood_still_is_no_read_that_hangs(
        self, store: Store, tail: Tail, ada: ProvenOwner
    ) -> None:
        has_read, read = threading.Event(), tail._read

        def read_and_tell(tx: Tx) -> list[Change]:
            has_read.set()
            return read(tx)

        tail._read = read_and_tell
        await store.write(removed(ada))
        following = asyncio.create_task(take(tail, 1))
        await asyncio.sleep(0)
        has_read.wait(10)
        time.sleep(1.2)  # noqa: ASYNC251 - this is the standing still
        assert [change.seq for change in await following] == [1]

    async def test_a_read_that_hangs_is_given_up(
        self, store: Store, tail: Tail, ada: ProvenOwner
    ) -> None:
        go_on = threading.Event()
        hanging = store.look(lambda _: go_on.wait(10))
        await store.write(removed(ada))
        with pytest.raises(TimeoutError):
            await take(tail, 1)
        go_on.set()
        await hanging
        assert [change.seq for change in await take(tail, 1)] == [1]

    async def test_what_was_not_carried_out_is_given_again(
        self, store: Store, tail: Tail, ada: ProvenOwner
    ) -> None:
        await store.write(removed(ada))
        assert [change.seq for change in await take(tail, 1)] == [1]
        await store.write(removed(ada))
        tail.again()
        assert [change.seq for change in await take(tail, 2)] == [1, 2]

    @pytest.mark.usefixtures("tail")
    async def test_what_was_rolled_back_wakes_nobody(self, store: Store, ada: ProvenOwner) -> None:
        with pytest.raises(ZeroDivisionError):
            await store.write(add_and_fail(ada))
        assert not store.wake.is_set()
        await store.write(lambda tx: tx.run("UPDATE accounts SET head = head"))
        assert not store.wake.is_set()


@contextlib.asynccontextmanager
async def _other(store: Store) -> AsyncIterator[Store]:
    async with await Store.open(store.path) as opened:
        yield opened
