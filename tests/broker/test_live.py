"""The scopes of running calls: who ends them, when, and with what."""

import asyncio
import contextlib

import pytest

from broker.errors import CallCut, ClientGone
from broker.live import LiveCalls, Scope
from store.changes import Change, Kind, Reason


def change(
    kind: Kind,
    *,
    key: str | None = None,
    tool: str | None = None,
    account: str = "account",
    was: str | None = None,
) -> Change:
    reason = Reason.REMOVED if kind is Kind.KEY_REMOVED else None
    return Change(1, account, 1, kind, reason, "openai", key, 1, tool, 0, was)


REMOVED = change(Kind.KEY_REMOVED, key="key_1")
REVOKED = change(Kind.TOOL_REVOKED, tool="tool_1")
DISABLED = change(Kind.ACCOUNT_DISABLED, account="acc_1")


class Running:
    """A call that waits inside its scope."""

    def __init__(
        self, live: LiveCalls, key: str = "key_1", tool: str = "tool_1", account: str = "acc_1"
    ) -> None:
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()
        self.scope: Scope
        self.task = asyncio.ensure_future(self._run(live, key, tool, account))

    async def _run(self, live: LiveCalls, key: str, tool: str, account: str) -> str:
        with live.join(key=key, tool=tool, account=account) as self.scope:
            self.entered.set()
            await self.go_on.wait()
        await asyncio.sleep(0)
        return "whole"


async def running(
    live: LiveCalls, key: str = "key_1", tool: str = "tool_1", account: str = "acc_1"
) -> Running:
    call = Running(live, key, tool, account)
    await call.entered.wait()
    return call


@pytest.fixture
def live() -> LiveCalls:
    return LiveCalls()


@pytest.mark.parametrize("news", [REMOVED, REVOKED, DISABLED])
async def test_the_end_of_its_key_tool_or_account_is_the_calls_end(
    live: LiveCalls, news: Change
) -> None:
    call, other = await running(live), await running(live, "key_2", "tool_2", "acc_2")
    assert len(live) == 2
    assert live.apply([news]) == 1
    with pytest.raises(CallCut):
        await call.task
    assert len(live) == 1
    other.go_on.set()
    assert await other.task == "whole"
    assert len(live) == 0


@pytest.mark.parametrize("news", [REMOVED, REVOKED, DISABLED])
async def test_one_that_joins_after_the_news_is_cut_at_once(live: LiveCalls, news: Change) -> None:
    assert live.apply([news]) == 0
    with pytest.raises(CallCut), live.join(key="key_1", tool="tool_1", account="acc_1"):
        pytest.fail("the call went on")
    assert len(live) == 0
    with live.join(key="key_2", tool="tool_2", account="acc_2"):
        assert len(live) == 1


async def test_an_account_that_is_enabled_again_may_call_again(live: LiveCalls) -> None:
    live.apply([DISABLED])
    live.apply([change(Kind.ACCOUNT_ENABLED, account="acc_1")])
    with live.join(key="key_1", tool="tool_1", account="acc_1"):
        assert len(live) == 1


async def test_a_call_of_an_account_that_has_moved_ends_with_its_new_id_alone(
    live: LiveCalls,
) -> None:
    call = await running(live)
    live.apply([change(Kind.ACCOUNT_MOVED, account="acc_new", was="acc_1")])
    assert live.apply([DISABLED]) == 0  # whoever has taken the old address meanwhile
    assert live.apply([change(Kind.ACCOUNT_DISABLED, account="acc_new")]) == 1
    with pytest.raises(CallCut):
        await call.task
    assert len(live) == 0


async def test_a_call_of_the_house_stands_on_its_key_alone(live: LiveCalls) -> None:
    async def verification() -> None:
        with live.join(key="key_1"):
            live.apply([DISABLED])
            await asyncio.sleep(0)
            live.apply([REMOVED])
            await asyncio.Event().wait()

    with pytest.raises(CallCut):
        await asyncio.ensure_future(verification())


async def test_other_changes_cut_nothing(live: LiveCalls) -> None:
    call = await running(live)
    kinds = set(Kind) - {Kind.KEY_REMOVED, Kind.TOOL_REVOKED, Kind.ACCOUNT_DISABLED}
    news = [change(kind, key="key_1", tool="tool_1", account="acc_1") for kind in kinds]
    assert live.apply(news) == 0
    call.go_on.set()
    assert await call.task == "whole"


async def test_the_first_reason_stands(live: LiveCalls) -> None:
    call = await running(live)
    call.scope.end(ClientGone())
    live.apply([REMOVED])
    with pytest.raises(ClientGone):
        await call.task
    assert call.task.cancelling() == 0


async def test_a_cut_leaves_no_cancellation_behind(live: LiveCalls) -> None:
    async def call() -> str:
        with contextlib.suppress(CallCut), live.join(key="key_1", tool="tool_1", account="acc_1"):
            asyncio.get_running_loop().call_soon(live.apply, [REMOVED])
            await asyncio.Event().wait()
        await asyncio.sleep(0)  # as writing the ledger does
        return "settled"

    assert await asyncio.ensure_future(call()) == "settled"


async def test_somebody_elses_cancellation_stays_one(live: LiveCalls) -> None:
    call = await running(live)
    call.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.task
    both = await running(live)
    live.apply([REMOVED])
    both.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await both.task
    assert len(live) == 0


async def test_a_cut_in_the_moment_of_the_answer_is_a_cut(live: LiveCalls) -> None:
    call = await running(live)
    call.go_on.set()
    live.apply([REMOVED])
    with pytest.raises(CallCut):
        await call.task


async def test_a_failure_of_the_calls_own_passes(live: LiveCalls) -> None:
    with pytest.raises(LookupError), live.join(key="key_1", tool="tool_1", account="acc_1"):
        raise LookupError
    assert len(live) == 0


async def test_what_is_remembered_is_bounded(live: LiveCalls) -> None:
    live.apply([change(Kind.KEY_REMOVED, key=f"key_{number}") for number in range(10_001)])
    with live.join(key="key_0", tool="tool_1", account="acc_1"):
        pass
    with pytest.raises(CallCut), live.join(key="key_1", tool="tool_1", account="acc_1"):
        pass
