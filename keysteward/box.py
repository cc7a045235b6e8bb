"""Seals what accounts keep of a person, with the vault's keyring."""

from dataclasses import dataclass

from accounts.box import BoxBroken
from vault.errors import SealBroken
from vault.keyring import Keyring
from vault.seal import Place
from vault.secret import Secret


@dataclass(frozen=True, slots=True)
class SealedBox:
    """Each value opens in its own place alone: purpose, account, parts."""

    keyring: Keyring

    def seal(self, purpose: str, account: str, plaintext: bytes, *parts: str) -> bytes:
        """Seal for one place."""
        return self.keyring.seal(Place(purpose, account, parts), Secret(plaintext))

    def open(self, purpose: str, account: str, sealed: bytes, *parts: str) -> bytes:
        """Open what `seal` gave, in the same place. Raises `BoxBroken`."""
        try:
            return self.keyring.unseal(Place(purpose, account, parts), sealed).reveal()
        except SealBroken:
            raise BoxBroken from None
