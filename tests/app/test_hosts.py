"""Under which names we answer: a page that made its own name lead here gets nothing."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from keysteward.app import create_app
from keysteward.config import Config
from keysteward.http import KnownHosts
from keysteward.masterkey import make_missing
from keysteward.server import running
from tests.kit.commands import serving
from tests.kit.scripted import spoken

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS = ["/health", "/graphql", "/graphiql", "/via/openai/v1/models"]
OURS = [
    b"localhost",
    b"LocalHost:8080",
    b"127.0.0.1:1",
    b"127.8.9.1",
    b"[::1]:8080",
    b"192.0.2.7:8080",
    b"keys.example.com",
    b"Keys.Example.COM:443",
]
NOT_OURS = [
    b"attacker.example",
    b"attacker.example:8080",
    b"localhost.attacker.example",
    b"127.0.0.1.attacker.example",
    b"127.0.0.1@attacker.example",
    b"attacker.example#localhost",
    b"keys.example.com.",
    b"x",
    b"[::1",
    b"[localhost]",
    b"",
    b":8080",
    b"l\xf6calhost",
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    data = tmp_path_factory.mktemp("data")
    settings = {
        "KEYSTEWARD_DATA": str(data),
        "KEYSTEWARD_PUBLIC_URL": "https://keys.example.com",
    }
    config = Config.read(settings, dotenv=None)
    make_missing(config)
    async with running(KnownHosts(create_app(config), config.url)) as at:
        yield at


async def status(url: str, path: str, *hosts: bytes) -> int:
    lines = [b"GET %b HTTP/1.1" % path.encode(), *(b"host: " + host for host in hosts)]
    told = await spoken(url, b"\r\n".join([*lines, b"connection: close", b"", b""]))
    return int(told.split()[1])


async def upgraded(url: str, host: bytes) -> bool:
    place = urlsplit(url)
    uri = f"ws://{host.decode()}/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    try:
        async with connect(
            uri, subprotocols=protocols, host=place.hostname, port=place.port, proxy=None
        ):
            return True
    except InvalidStatus as refused:
        return refused.response.status_code != HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("host", OURS)
async def test_our_own_names_and_every_address_are_answered(url: str, host: bytes) -> None:
    assert [await status(url, path, host) for path in PATHS] == [200, 400, 200, 401]


@pytest.mark.parametrize("host", NOT_OURS)
async def test_no_other_name_is_answered_on_any_route(url: str, host: bytes) -> None:
    assert {await status(url, path, host) for path in PATHS} == {421}


async def test_two_hosts_are_none_of_ours(url: str) -> None:
    assert await status(url, "/health", b"localhost", b"attacker.example") in {400, 421}


async def test_a_check_that_names_no_host_is_answered(url: str) -> None:
    assert b" 200 " in await spoken(url, b"GET /health HTTP/1.0\r\n\r\n")


async def test_a_websocket_is_opened_under_our_names_alone(url: str) -> None:
    assert await upgraded(url, b"keys.example.com")
    assert not await upgraded(url, b"attacker.example:8080")


async def test_the_refusal_repeats_nothing_that_was_sent(url: str) -> None:
    told = await spoken(
        url, b"GET /health HTTP/1.1\r\nhost: attacker.example\r\nconnection: close\r\n\r\n"
    )
    assert b"attacker" not in told
    assert b"https://keys.example.com" in told
    assert b"x-content-type-options: nosniff" in told


async def test_what_serve_serves_is_guarded(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        asked = [status(served.url, path, b"attacker.example") for path in PATHS]
        assert set(await asyncio.gather(*asked)) == {421}
        assert await status(served.url, "/health", b"localhost") == 200
