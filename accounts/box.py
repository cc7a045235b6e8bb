"""Where accounts seal what they keep of a person.

The composition hands one in, made of the vault's keyring. What was sealed opens in the same place
alone: for that purpose, account and parts.
"""

from typing import Protocol

from store import Failure


class BoxBroken(Failure):
    """A sealed value of an account does not open: altered, or its master key is missing."""

    def __init__(self) -> None:
        super().__init__("Something that this account keeps sealed can't be opened any more.")


class Box(Protocol):
    """Seals and opens."""

    def seal(self, purpose: str, account: str, plaintext: bytes, *parts: str) -> bytes:
        """Seal for one place."""

    def open(self, purpose: str, account: str, sealed: bytes, *parts: str) -> bytes:
        """Open what `seal` gave, in the same place. Raises `BoxBroken`."""
