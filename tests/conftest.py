"""Fixtures that tests of every part may ask for: a real database, and real parts upon it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from accounts.guesses import Limits
from accounts.passwords import Passwords
from accounts.people import People
from keysteward.app import spare_the_collector
from keysteward.config import Config
from keysteward.people import gather
from store import ProvenOwner, Store
from tests.kit.clock import MovedClock
from tests.kit.empty_database import lay_empty_database
from tests.kit.passwords import CheapPasswords
from tests.kit.people import ADA, BOB, settle_in
from vault.keyring import Keyring
from vault.vault import Vault

pytest_plugins = ["tests.canary.plugin", "tests.kit.chromium"]


def pytest_collection_finish() -> None:
    """Never again walk what was imported, as the server doesn't: a twentieth of the tests' time."""
    spare_the_collector()


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder that holds the database and nothing else."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
async def store(data: Path) -> AsyncIterator[Store]:
    """An open database in which nobody lives yet."""
    lay_empty_database(data / "keysteward.db")
    async with await Store.open(data / "keysteward.db") as opened:
        yield opened


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.parse(Keyring.mint("first"))


@pytest.fixture
async def ada(store: Store, keyring: Keyring) -> ProvenOwner:
    await settle_in(store, ADA, keyring=keyring)
    return ADA


@pytest.fixture
async def bob(store: Store, keyring: Keyring) -> ProvenOwner:
    await settle_in(store, BOB, keyring=keyring)
    return BOB


@pytest.fixture
def vault(store: Store, keyring: Keyring, clock: MovedClock) -> Vault:
    return Vault(store, keyring, clock)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = CheapPasswords()
    yield made
    made.close()


@pytest.fixture
def environment() -> dict[str, str]:
    """Settings besides the usual; a test module may say others."""
    return {}


@pytest.fixture
def limits() -> Limits:
    return Limits.loose()


@pytest.fixture
async def people(  # noqa: PLR0917
    store: Store,
    data: Path,
    passwords: Passwords,
    keyring: Keyring,
    vault: Vault,
    clock: MovedClock,
    environment: dict[str, str],
    limits: Limits,
) -> AsyncIterator[People]:
    """Everything that knows people, put together as the application does, on a real database.

    Passwords are as cheap as they go, and tries are not limited, but where a test says otherwise.
    """
    config = Config.read({"KEYSTEWARD_DATA": str(data), **environment}, dotenv=None)
    async with AsyncExitStack() as stack:
        yield gather(stack, config, store, keyring, clock, passwords, vault, limits=limits)
