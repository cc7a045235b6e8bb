"""What the listener's tests share: a clock to move, waits that are none, and what was heard."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from keysteward.client import Listener, Revocation
from tests.client.scripted_server import TOKEN, ScriptedServer


class Monotonic:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


class Heard:
    """An `on_revoked` that keeps what it was called with, and can be waited for."""

    def __init__(self) -> None:
        self.all: list[Revocation] = []
        self._news = asyncio.Condition()

    async def __call__(self, revocation: Revocation) -> None:
        async with self._news:
            self.all.append(revocation)
            self._news.notify_all()

    @property
    def cursors(self) -> list[str]:
        return [revocation.cursor for revocation in self.all]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: len(self.all) >= count)


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def waits() -> list[float]:
    """The ceilings of the waits that were asked for; none of them is waited."""
    return []


@pytest.fixture
def listener_to(monotonic: Monotonic, heard: Heard, waits: list[float]) -> Callable[..., Listener]:
    """Make a listener to a server, with the test's clock, without waits."""

    def jitter(ceiling: float) -> float:
        waits.append(ceiling)
        return 0.0

    def make(server: ScriptedServer, **given: Any) -> Listener:
        options: dict[str, Any] = {
            "on_revoked": heard,
            "clock": monotonic,
            "jitter": jitter,
            **given,
        }
        return Listener(server.url, TOKEN, **options)

    return make
