"""Accounts on a real database, with passwords as cheap as they go."""

from collections.abc import Iterator

import pytest

from accounts.accounts import Accounts
from accounts.passwords import Passwords
from accounts.sessions import Sessions
from accounts.tools import Tools
from store import Store
from tests.kit.clock import MovedClock
from tests.kit.passwords import CHEAP
from vault.keyring import Keyring
from vault.seal import Place
from vault.secret import Secret


class Box:
    """Seals addresses with the vault's keyring, as the composition does."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, account: str, address: str) -> bytes:
        return self._keyring.seal(Place("address", account), Secret(address.encode()))

    def open(self, account: str, sealed: bytes) -> str:
        return self._keyring.unseal(Place("address", account), sealed).reveal().decode()


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(CHEAP)
    yield made
    made.close()


@pytest.fixture
def accounts(store: Store, passwords: Passwords, keyring: Keyring, clock: MovedClock) -> Accounts:
    return Accounts(store, passwords, Box(keyring), keyring, clock)


@pytest.fixture
def sessions(store: Store, keyring: Keyring, clock: MovedClock) -> Sessions:
    return Sessions(store, keyring, clock)


@pytest.fixture
def tools(store: Store, keyring: Keyring, clock: MovedClock) -> Tools:
    return Tools(store, keyring, clock)
