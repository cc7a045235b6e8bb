"""The watch for tools that hang up: it begins late, ends surely, and leaves nothing behind."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from broker.broker import Hangup
from broker.errors import ClientGone
from broker.live import LiveCalls


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
            Hangup(scope, client.receive).start()
            await client.watched.wait()
            client.gone.set()
            await asyncio.Event().wait()

    with pytest.raises(ClientGone):
        await call()


async def test_a_call_that_ended_is_watched_no_more() -> None:
    client = Client()
    with LiveCalls().join(key="key_1", tool="tool_1") as scope:
        hangup = Hangup(scope, client.receive)
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
        hangup = Hangup(scope, client.receive)
        hangup.stop()
        hangup.start()
    assert hangup._timer is None
