"""The watch for tools that hang up: it begins late, ends surely, and leaves nothing behind."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from broker.errors import ClientGone
from broker.intake import Drains, Hangup
from broker.live import LiveCalls
from broker.tally import Tally


class Client:
    """What ASGI tells of a client: that it has gone, once it has."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.watched = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        self.watched.set()
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def test_one_that_hangs_up_ends_its_call() -> None:
    client = Client()

    async def call() -> None:
        with LiveCalls().join(key="key_1", tool="tool_1") as scope:
            Hangup(scope, client.receive, Tally(None), None).start()
            await client.watched.wait()
            client.gone.set()
            await asyncio.Event().wait()

    with pytest.raises(ClientGone):
        await call()


async def test_a_call_that_ended_is_watched_no_more() -> None:
    client = Client()
    with LiveCalls().join(key="key_1", tool="tool_1") as scope:
        hangup = Hangup(scope, client.receive, Tally(None), None)
        hangup.start()
        await client.watched.wait()
        hangup.stop()
        client.gone.set()
    await asyncio.sleep(0)
    assert scope.ending is None


async def test_a_watch_that_would_begin_after_the_end_does_not() -> None:
    # An answer can come, and end the call, before the request's last piece is taken.
    client = Client()
    with LiveCalls().join(key="key_1", tool="tool_1") as scope:
        hangup = Hangup(scope, client.receive, Tally(None), None)
        hangup.stop()
        hangup.start()
    assert hangup._timer is None


async def test_one_whose_answer_says_what_it_cost_is_taken_to_its_end_for_so_long() -> None:
    client, tally, drains = Client(), Tally(None), Drains(seconds=0.05)
    tally.dispatched = True

    async def call() -> None:
        with LiveCalls().join(key="key_1", tool="tool_1") as scope:
            hangup = Hangup(scope, client.receive, tally, drains)
            hangup.start()
            await client.watched.wait()
            client.gone.set()
            try:
                while not tally.gone:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0)
                assert (scope.ending, drains.running) == (None, 1)
                await asyncio.Event().wait()
            finally:
                hangup.stop()

    with pytest.raises(ClientGone):
        await call()
    assert drains.running == 0


@pytest.mark.parametrize(("most", "dispatched"), [(0, True), (1, False)])
async def test_one_too_many_ends_at_once_and_so_does_one_that_has_not_left(
    most: int, dispatched: bool
) -> None:
    client, tally, drains = Client(), Tally(None), Drains(most=most)
    tally.dispatched = dispatched

    async def call() -> None:
        with LiveCalls().join(key="key_1", tool="tool_1") as scope:
            Hangup(scope, client.receive, tally, drains).start()
            await client.watched.wait()
            client.gone.set()
            await asyncio.Event().wait()

    with pytest.raises(ClientGone):
        await call()
    assert (tally.gone, drains.running) == (False, 0)
