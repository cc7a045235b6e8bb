"""Fixtures that tests of every part may ask for: a real database, and real parts upon it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store import ProvenOwner, Store
from tests.kit.clock import MovedClock
from tests.kit.people import ADA, BOB, settle_in
from vault.keyring import Keyring
from vault.vault import Vault

pytest_plugins = ["tests.canary.plugin"]


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
    async with await Store.open(data / "keysteward.db") as opened:
        yield opened


@pytest.fixture
async def ada(store: Store) -> ProvenOwner:
    await settle_in(store, ADA)
    return ADA


@pytest.fixture
async def bob(store: Store) -> ProvenOwner:
    await settle_in(store, BOB)
    return BOB


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.parse(Keyring.mint("first"))


@pytest.fixture
def vault(store: Store, keyring: Keyring, clock: MovedClock) -> Vault:
    return Vault(store, keyring, clock)
