"""One installation serves all the tests of a module; each brings its own people.

The loop is uvloop, as in production.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import pytest_asyncio
import uvloop

from tests.ceilings.purse import Purse
from tests.kit.installation import HeldTool, Installation, Person, StoredKey, served


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def serving(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with served(tmp_path_factory.mktemp("data")) as installation:
        yield installation


@pytest_asyncio.fixture(loop_scope="module")
async def house(serving: Installation) -> AsyncIterator[Installation]:
    """The module's installation; at the end of each test it must have told nothing secret."""
    serving.begin_test()
    serving.fake.bill.clear()
    serving.fake.moved.clear()
    yield serving
    assert serving.leaks() == []


@pytest_asyncio.fixture(loop_scope="module")
async def grace(house: Installation) -> Person:
    return await house.person()


@pytest_asyncio.fixture(loop_scope="module")
async def key(grace: Person) -> StoredKey:
    return await grace.add_key("openai")


@pytest_asyncio.fixture(loop_scope="module")
async def tool(grace: Person, key: StoredKey) -> HeldTool:
    return await grace.make_tool()


@pytest_asyncio.fixture(loop_scope="module")
async def purse(house: Installation, grace: Person) -> Purse:
    return Purse(house, grace)
