"""Whatever the network does, each revocation is applied exactly once and in order."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from hypothesis import given, settings
from hypothesis import strategies as st

from keysteward.client import Listener, Revocation
from tests.client.scripted_server import TOKEN, Peer, ScriptedServer, beat, revoked


class Fault(Enum):
    """What happens to the next event of the stream."""

    NONE = auto()
    TWICE = auto()
    AN_OLD_ONE_FIRST = auto()
    DROP_BEFORE = auto()
    DROP_AFTER = auto()
    GARBAGE_AFTER = auto()
    COMPLETE_AFTER = auto()
    LOST = auto()
    """The event is swallowed; only the next heartbeat tells."""
    CALLBACK_FAILS = auto()


@dataclass
class Story:
    revocations: int
    faults: Iterator[Fault]
    failing: bool = False


class FaultyServer:
    """Replays a history faithfully, but for the faults."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._head = story.revocations
        self.done = asyncio.Event()

    async def serve(self, peer: Peer) -> None:
        await peer.greet()
        while True:
            after = await peer.listened()
            if not await self._replay(peer, 0 if after is None else int(after[1:])):
                return

    async def _replay(self, peer: Peer, after: int) -> bool:
        """Play the history once; tell whether the connection is still good."""
        # The first heartbeat closes the replay and is the server's word: what is lost after it,
        # among live events, is what a listener can find out about.
        await peer.tell(beat(f"c{after}"))
        seq = after
        while seq < self._head:
            seq += 1
            fault = next(self._story.faults, Fault.NONE)
            event = revoked(f"c{seq}", f"key_{seq}")
            if fault is Fault.DROP_BEFORE:
                peer.socket.transport.abort()
                return False
            if fault is Fault.LOST:
                await peer.tell(beat(f"c{seq}"))
                return True
            if fault is Fault.AN_OLD_ONE_FIRST and seq > 1:
                await peer.tell(revoked(f"c{seq - 1}", f"key_{seq - 1}"))
            if fault is Fault.CALLBACK_FAILS:
                self._story.failing = True
            await peer.tell(*[event] * (2 if fault is Fault.TWICE else 1))
            if fault is Fault.DROP_AFTER:
                peer.socket.transport.abort()
                return False
            if fault is Fault.GARBAGE_AFTER:
                await peer.socket.send("{")
                return False
            if fault is Fault.COMPLETE_AFTER:
                await peer.send(type="complete", id=peer.listening)
                return False
        await peer.tell(beat(f"c{seq}"))
        while await peer.acknowledged() != f"c{self._head}":
            pass
        self.done.set()
        await peer.gone()
        return False


@settings(max_examples=60, deadline=None)
@given(
    revocations=st.integers(min_value=1, max_value=12),
    faults=st.lists(st.sampled_from(Fault), max_size=20),
)
def test_each_revocation_is_applied_exactly_once_and_in_order(
    revocations: int, faults: list[Fault]
) -> None:
    async def play() -> list[str]:
        story = Story(revocations, iter(faults))
        faulty = FaultyServer(story)
        applied: list[str] = []

        def on_revoked(revocation: Revocation) -> None:
            if story.failing:
                story.failing = False
                raise LookupError
            applied.append(revocation.cursor)

        async with (
            asyncio.timeout(30),
            ScriptedServer(*[faulty.serve] * 30) as server,
            Listener(server.url, TOKEN, on_revoked=on_revoked, jitter=lambda _: 0.0) as listener,
        ):
            await faulty.done.wait()
            assert listener.cursor == f"c{revocations}"
            assert all(listener.revoked(f"key_{n}") for n in range(1, revocations + 1))
        return applied

    assert asyncio.run(play()) == [f"c{n}" for n in range(1, revocations + 1)]
