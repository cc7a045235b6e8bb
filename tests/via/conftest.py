"""One installation serves all the tests of a module; each brings its own people.

The loop is uvloop, as in production.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import pytest_asyncio
import uvloop

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
async def house(
    serving: Installation, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Installation]:
    """The module's installation; at the end of each test it must have told nothing secret."""
    caplog.set_level(logging.INFO)
    serving.begin_test()
    yield serving
    assert serving.leaks() == []
    # Less what the test's own clients log. The access log is off, too, but pytest listens to
    # loggers that are silent.
    records = [
        record
        for record in caplog.get_records("call")
        if not record.name.startswith(("httpx", "uvicorn.access"))
    ]
    told = "\n".join(map(logging.Formatter().format, records))
    assert "Exception in ASGI" not in told
    assert [secret for secret in serving.secrets() if secret.decode() in told] == []


@pytest_asyncio.fixture(loop_scope="module")
async def ada(house: Installation) -> Person:
    return await house.person()


@pytest_asyncio.fixture(loop_scope="module")
async def bob(house: Installation) -> Person:
    return await house.person()


@pytest_asyncio.fixture(loop_scope="module")
async def key(ada: Person) -> StoredKey:
    return await ada.add_key("openai")


@pytest_asyncio.fixture(loop_scope="module")
async def tool(ada: Person, key: StoredKey) -> HeldTool:
    return await ada.make_tool()
