"""One installation for all the tests of a module; each test's people are its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.kit.graphql_client import House, house


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("home")) as opened:
        yield opened
