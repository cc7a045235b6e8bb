"""What tests of pages share: an installation for each module, in the loop of the one browser."""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.kit.clock import MovedClock
from tests.kit.graphql_client import House, house


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Give an installation. Its day is the browser's, whose clock is the machine's."""
    clock = MovedClock(time.time_ns() // 1000)
    async with house(tmp_path_factory.mktemp("home"), clock=clock) as running:
        yield running
