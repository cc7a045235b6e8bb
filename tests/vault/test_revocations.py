"""Who has heard of a revocation: asked of those whom it concerns, answered by what they said."""

from dataclasses import replace
from typing import Any

import pytest

from accounts.tools import Tool, Tools
from providers import CATALOGUE
from store import Owner, ProvenOwner, Store
from store.changes import CursorExpired, Reason
from tests.kit.canary import canary
from tests.kit.clock import MovedClock
from vault import revocations
from vault.keyring import Keyring
from vault.revocations import HeardState, Listener, NotARevocation, Revocations
from vault.rows import KeyState
from vault.vault import Removal, Vault, parse

ACKNOWLEDGED, PENDING, OFFLINE = HeardState.ACKNOWLEDGED, HeardState.PENDING, HeardState.OFFLINE
OPENAI = CATALOGUE["openai"]


@pytest.fixture
def heard(store: Store, clock: MovedClock) -> Revocations:
    return Revocations(store, clock)


@pytest.fixture
def tools(store: Store, keyring: Keyring, clock: MovedClock) -> Tools:
    return Tools(store, keyring, clock)


class World:
    """An account with tools that listen, and keys that go."""

    def __init__(
        self, store: Store, clock: MovedClock, vault: Vault, tools: Tools, heard: Revocations
    ) -> None:
        self.store, self.clock, self.vault, self.tools, self.heard = (
            store,
            clock,
            vault,
            tools,
            heard,
        )
        self.listeners = 0

    async def tool(self, owner: ProvenOwner, name: str = "agent", **how: Any) -> Tool:
        tool, _ = await self.tools.create(
            owner, name, **({"providers": None, "expires_at": None} | how)
        )
        return tool

    async def listen(
        self, tool: Tool, instance: str = "one", *, start: int | None = None, worker: str = "w"
    ) -> Listener:
        """As one process of the tool does by subscribing; from now on unless told otherwise."""
        self.listeners += 1
        asked = Listener(f"lsn_{self.listeners}", tool.account, tool.id, instance, 0, self.clock())
        listener = await self.heard.begin_listening(worker, asked, start)
        assert listener is not None
        await self.store.write(lambda tx: revocations.seen(tx, worker, self.clock()))
        return listener

    async def remove(self, owner: ProvenOwner) -> Removal:
        """Add a key and remove it, a second later."""
        entry = await self.vault.add(
            owner, OPENAI, parse(canary()), label="x", state=KeyState.ACTIVE
        )
        self.clock.forward(seconds=1)
        return await self.vault.remove(owner, entry.id)

    async def states(self, owner: Owner, seq: int) -> dict[str, HeardState]:
        return {tool.tool: tool.state for tool in (await self.heard.standing(owner, seq)).tools}

    async def call(
        self, owner: Owner, *, key: str, tool: str, outcome: str | None, version: int = 1
    ) -> None:
        """A row of the ledger."""
        self.listeners += 1
        await self.store.write(
            lambda tx: tx.run(
                "INSERT INTO calls (id, account, tool, key, version, provider, worker, started_at,"
                " outcome) VALUES"
                " (:id, :account, :tool, :key, :version, 'openai', 'w', 0, :outcome)",
                id=f"call_{self.listeners}",
                account=owner.account,
                tool=tool,
                key=key,
                version=version,
                outcome=outcome,
            )
        )


@pytest.fixture
def world(store: Store, clock: MovedClock, vault: Vault, tools: Tools, heard: Revocations) -> World:
    return World(store, clock, vault, tools, heard)


class TestStanding:
    async def test_with_no_tools_it_has_converged_at_once(
        self, world: World, heard: Revocations, ada: ProvenOwner
    ) -> None:
        removal = await world.remove(ada)
        standing = await heard.standing(ada, removal.seq)
        assert standing.converged
        assert (standing.tools, standing.change.key) == ((), removal.key)

    async def test_a_tool_that_listens_is_waited_for_until_it_acknowledges(
        self, world: World, heard: Revocations, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        tool = await world.tool(ada)
        await world.listen(tool)
        removal = await world.remove(ada)
        standing = await heard.standing(ada, removal.seq)
        assert not standing.converged
        assert [(t.tool, t.state, t.listeners, t.lag) for t in standing.tools] == [
            (tool.id, PENDING, 1, None)
        ]
        at = clock.forward(microseconds=41_000)
        await heard.acknowledge(ada, tool.id, "one", removal.seq)
        standing = await heard.standing(ada, removal.seq)
        assert standing.converged
        (said,) = standing.tools
        assert (said.state, said.acknowledged_at, said.lag) == (ACKNOWLEDGED, at, 41_000)

    async def test_an_acknowledgement_covers_what_came_before_it(
        self, world: World, heard: Revocations, ada: ProvenOwner
    ) -> None:
        tool = await world.tool(ada)
        await world.listen(tool)
        first, second = await world.remove(ada), await world.remove(ada)
        await heard.acknowledge(ada, tool.id, "one", second.seq)
        assert await world.states(ada, first.seq) == {tool.id: ACKNOWLEDGED}

    async def test_and_not_what_came_after_it(
        self, world: World, heard: Revocations, ada: ProvenOwner
    ) -> None:
        tool = await world.tool(ada)
        await world.listen(tool)
        first = await world.remove(ada)
        await heard.acknowledge(ada, tool.id, "one", first.seq)
        second = await world.remove(ada)
        assert await world.states(ada, first.seq) == {tool.id: ACKNOWLEDGED}
        assert await world.states(ada, second.seq) == {tool.id: PENDING}

    async def test_said_twice_the_first_time_stands(
        self, world: World, heard: Revocations, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        tool = await world.tool(ada)
        await world.listen(tool)
        removal = await world.remove(ada)
        for _ in range(2):
            clock.forward(seconds=1)
            assert await heard.acknowledge(ada, tool.id, "one", removal.seq) == removal.seq
        (said,) = (await heard.standing(ada, removal.seq)).tools
        assert said.lag == 1_000_000

    async def test_every_process_of_a_tool_is_waited_for(
        self, world: World, heard: Revocations, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        tool = await world.tool(ada)
        await world.listen(tool, "one")
        await world.listen(tool, "two")
        removal = await world.remove(ada)
        clock.forward(seconds=1)
        await heard.acknowledge(ada, tool.id, "one", removal.seq)
        (said,) = (await heard.standing(ada, removal.seq)).tools
        assert (said.state, said.listeners, said.acknowledged_at) == (PENDING, 2, None)
        clock.forward(seconds=1)
        await heard.acknowledge(ada, tool.id, "two", removal.seq)
        (said,) = (await heard.standing(ada, removal.seq)).tools
        assert (said.state, said.lag) == (ACKNOWLEDGED, 2_000_000)

    async def test_a_tool_that_is_not_running_is_offline_and_holds_nothing_up(
        self, world: World, heard: Revocations, ada: ProvenOwner
    ) -> None:
        tool = await world.tool(ada)
        gone = await world.listen(await world.tool(ada))
        await heard.drop_listener(gone)
        removal = await world.remove(ada)
        assert await world.states(ada, removal.seq) == {tool.id: OFFLINE, gone.tool: OFFLINE}
        assert (await heard.standing(ada, removal.seq)).converged

    async def test_one_that_comes_back_and_resumes_is_waited_for(
        self, world: World, heard: Revocations, ada: ProvenOwner
    ) -> None:
        tool = await world.tool(ada)
        before = await heard.head(ada)
        removal = await world.remove(ada)
        await world.listen(tool, start=before)
        assert await world.states(ada, removal.seq) == {tool.id: PENDING}

    async def test_one_that_began_to_listen_afterwards_never_relied_on_the_key(
        self, world: World, ada: ProvenOwner, heard: Revocations
    ) -> None:
        tool = await world.tool(ada)
        removal = await world.remove(ada)
        await world.listen(tool)
        assert await world.states(ada, removal.seq) == {}
        assert (await heard.standing(ada, removal.seq)).converged

    async def test_a_tool_made_afterwards_is_not_asked(
        self, world: World, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        removal = await world.remove(ada)
        clock.forward(microseconds=1)
        await world.tool(ada)
        assert await world.states(ada, removal.seq) == {}

    async def test_tools_that_may_not_use_the_provider_are_not_asked(
        self, world: World, ada: ProvenOwner
    ) -> None:
        concerned = await world.tool(ada, providers=["google", "openai"])
        for providers in (["anthropic"], ["openai2"], ["open"], []):
            await world.listen(await world.tool(ada, providers=providers))
        removal = await world.remove(ada)
        assert await world.states(ada, removal.seq) == {concerned.id: OFFLINE}

    async def test_tools_that_have_ended_are_not_asked(
        self, world: World, tools: Tools, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        await world.listen(await world.tool(ada, expires_at=clock() + 1))
        revoked = await world.tool(ada)
        await tools.revoke(ada, revoked.id)
        removal = await world.remove(ada)
        assert await world.states(ada, removal.seq) == {}

    async def test_the_listeners_of_a_server_process_that_died_are_not_waited_for(
        self, world: World, heard: Revocations, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        tool = await world.tool(ada)
        await world.listen(tool, "one", worker="dead")
        removal = await world.remove(ada)
        assert await world.states(ada, removal.seq) == {tool.id: PENDING}
        assert await heard.running(ada) == {tool.id: 1}
        clock.forward(microseconds=revocations.WORKER_SILENT_AFTER)
        assert await world.states(ada, removal.seq) == {tool.id: OFFLINE}
        assert await heard.running(ada) == {}

    async def test_another_account_s_tools_and_words_count_for_nothing(
        self, world: World, heard: Revocations, ada: ProvenOwner, bob: ProvenOwner, store: Store
    ) -> None:
        mine, theirs = await world.tool(ada), await world.tool(bob)
        await world.listen(mine)
        await world.listen(theirs)
        removal = await world.remove(ada)
        await world.remove(bob)
        await heard.acknowledge(bob, mine.id, "one", removal.seq)
        await heard.acknowledge(ada, theirs.id, "one", removal.seq)
        assert await world.states(ada, removal.seq) == {mine.id: PENDING}
        assert await store.read(lambda tx: tx.one("SELECT count(*) FROM heard")) == (0,)
        assert await heard.running(bob) == {theirs.id: 1}

    async def test_a_listener_of_no_living_tool_of_its_owner_s_is_not_noted(  # noqa: PLR0917
        self,
        world: World,
        heard: Revocations,
        tools: Tools,
        ada: ProvenOwner,
        bob: ProvenOwner,
        clock: MovedClock,
    ) -> None:
        theirs, ended = await world.tool(bob), await world.tool(ada)
        expired = await world.tool(ada, expires_at=clock())
        await tools.revoke(ada, ended.id)
        for tool in (theirs, ended, expired):
            asked = Listener("lsn_x", ada.account, tool.id, "one", 0, clock())
            assert await heard.begin_listening("w", asked, None) is None
        listener = await world.listen(theirs)
        assert await heard.running(ada) == {}
        await heard.drop_listener(replace(listener, account=ada.account))
        assert await heard.running(bob) == {theirs.id: 1}

    async def test_what_is_no_revocation_has_no_standing(
        self, world: World, heard: Revocations, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        removal = await world.remove(ada)
        for owner, seq in ((ada, removal.seq - 1), (ada, removal.seq + 1), (bob, removal.seq)):
            with pytest.raises(NotARevocation):
                await heard.standing(owner, seq)

    @pytest.mark.parametrize("beyond", [1, 2**62])
    async def test_what_has_not_happened_yet_can_t_be_acknowledged(
        self, world: World, heard: Revocations, ada: ProvenOwner, beyond: int
    ) -> None:
        tool = await world.tool(ada)
        head = await heard.head(ada)
        for seq in (head + beyond, -1):
            with pytest.raises(CursorExpired) as expired:
                await heard.acknowledge(ada, tool.id, "one", seq)
            assert expired.value.head == head


class TestCalls:
    async def test_it_has_not_converged_while_a_call_goes_on_with_the_key(
        self, world: World, heard: Revocations, ada: ProvenOwner
    ) -> None:
        removal = await world.remove(ada)
        for outcome in ("CUT", "CUT", "ANSWERED", None):
            await world.call(ada, key=removal.key, tool="t", outcome=outcome)
        await world.call(ada, key="key_other", tool="t", outcome=None)
        standing = await heard.standing(ada, removal.seq)
        assert (standing.calls_cut, standing.calls_running) == (2, 1)
        assert not standing.converged

    async def test_a_call_that_began_with_an_earlier_version_counts_too(
        self, world: World, heard: Revocations, ada: ProvenOwner
    ) -> None:
        removal = await world.remove(ada)
        await world.call(ada, key=removal.key, tool="t", outcome=None, version=7)
        assert not (await heard.standing(ada, removal.seq)).converged

    async def test_after_a_rotation_calls_may_finish(
        self, world: World, heard: Revocations, vault: Vault, ada: ProvenOwner
    ) -> None:
        entry = await vault.add(ada, OPENAI, parse(canary()), label="x", state=KeyState.ACTIVE)
        await world.call(ada, key=entry.id, tool="t", outcome=None)
        _, seq = await vault.rotate(ada, entry.id, OPENAI, parse(canary()), state=KeyState.ACTIVE)
        standing = await heard.standing(ada, seq)
        assert standing.change.reason is Reason.ROTATED
        assert (standing.calls_running, standing.converged) == (0, True)

    async def test_a_revoked_tool_s_calls_count_whatever_their_key(
        self, world: World, heard: Revocations, tools: Tools, ada: ProvenOwner
    ) -> None:
        tool, other = await world.tool(ada), await world.tool(ada)
        await world.call(ada, key="key_1", tool=tool.id, outcome=None)
        await world.call(ada, key="key_2", tool=tool.id, outcome="CUT")
        await world.call(ada, key="key_1", tool=other.id, outcome=None)
        _, seq = await tools.revoke(ada, tool.id)
        standing = await heard.standing(ada, seq)
        assert (standing.calls_cut, standing.calls_running) == (1, 1)
        assert not standing.converged

    async def test_another_account_s_calls_count_for_nothing(
        self, world: World, heard: Revocations, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        removal = await world.remove(ada)
        await world.call(bob, key=removal.key, tool="t", outcome=None)
        assert (await heard.standing(ada, removal.seq)).converged


class TestRevokedTools:
    async def test_only_the_tool_itself_is_asked(
        self, world: World, heard: Revocations, tools: Tools, ada: ProvenOwner
    ) -> None:
        ended, other = await world.tool(ada), await world.tool(ada)
        listener = await world.listen(ended)
        await world.listen(other)
        _, seq = await tools.revoke(ada, ended.id)
        assert await world.states(ada, seq) == {ended.id: PENDING}
        await heard.drop_listener(listener)
        assert await world.states(ada, seq) == {ended.id: OFFLINE}


class TestLists:
    async def test_the_newest_come_first_in_pages(
        self, world: World, heard: Revocations, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        removals = [await world.remove(ada) for _ in range(3)]
        await world.remove(bob)
        page = await heard.latest(ada, before=None, most=2)
        assert [s.change.key for s in page] == [removals[2].key, removals[1].key]
        rest = await heard.latest(ada, before=page[-1].change.seq, most=2)
        assert [s.change.key for s in rest] == [removals[0].key]

    async def test_after_a_cursor_they_come_in_order(
        self, world: World, heard: Revocations, ada: ProvenOwner
    ) -> None:
        removals = [await world.remove(ada) for _ in range(2)]
        found, upto = await heard.after(ada, 0)
        assert [change.seq for change in found] == [removal.seq for removal in removals]
        assert upto == await heard.head(ada)

    async def test_running_tools_are_counted_by_listener(
        self, world: World, heard: Revocations, ada: ProvenOwner
    ) -> None:
        tool = await world.tool(ada)
        for instance in ("one", "two", "x" * 500):
            await world.listen(tool, instance)
        assert await heard.running(ada) == {tool.id: 3}
