"""One installation for all the tests of a module; each test's people are its own.

It offers every way in: Google and GitHub that are ours, and a WhatsApp that the tests read.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.kit import fake_github, hostile_google
from tests.kit.clock import MovedClock
from tests.kit.fake_whatsapp import fake_whatsapp
from tests.kit.graphql_client import House, house
from tests.kit.ways_in import whatsapp_settings


@contextlib.asynccontextmanager
async def full_house(folder: Path) -> AsyncIterator[House]:
    clock = MovedClock()
    async with (
        fake_whatsapp() as whatsapp,
        hostile_google.hostile_google(clock) as google,
        fake_github.fake_github() as github,
        house(
            folder,
            {
                **whatsapp_settings(whatsapp),
                "KEYSTEWARD_GOOGLE_CLIENT_ID": hostile_google.CLIENT,
                "KEYSTEWARD_GOOGLE_CLIENT_SECRET": hostile_google.SECRET,
                "KEYSTEWARD_GOOGLE_ISSUER": google.url,
                "KEYSTEWARD_GITHUB_CLIENT_ID": fake_github.CLIENT,
                "KEYSTEWARD_GITHUB_CLIENT_SECRET": fake_github.SECRET,
                "KEYSTEWARD_GITHUB_URL": github.url,
                "KEYSTEWARD_GITHUB_API_URL": github.url,
            },
            clock=clock,
        ) as opened,
    ):
        opened.whatsapp = whatsapp
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with full_house(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _begins_anew(request: pytest.FixtureRequest) -> None:
    """Have nobody tried anything before, and the server alive, wherever the clock was moved to."""
    opened: Any = request.getfixturevalue("home") if "home" in request.fixturenames else None
    if opened is not None:
        opened.rows("DELETE FROM buckets")
        opened.rows("UPDATE workers SET seen_at = ?", opened.clock())
