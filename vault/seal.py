"""Every authenticated encryption of the project, in one place, with why it is safe.

A sealed value: format version (1 byte) ‖ length of the master key's id (1 byte) ‖ that id ‖ nonce
(12 bytes) ‖ ciphertext and tag (AES-256-GCM, NIST SP 800-38D).

- Each account has a key of its own (HKDF-SHA256, RFC 5869), so that a value moved to another
  account's row can't open, and so that no one key seals enough values for random 96-bit nonces to
  meet: SP 800-38D allows 2³² a key.
- The associated data names the purpose and the row, each part with its length before it, so that
  no two different places give the same bytes and a value opens in its own place alone.
"""

import hmac
import os
import struct
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import SealBroken
from vault.secret import Secret

FORMAT: Final = 1
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value belongs: it opens nowhere else."""

    purpose: str
    account: str
    parts: tuple[str, ...] = ()

    def associated_data(self, master_key: str) -> bytes:
        """Give the bytes that bind a value to this place."""
        parts = (self.purpose, str(FORMAT), self.account, *self.parts, master_key)
        return b"".join(
            struct.pack(">I", len(part)) + part for part in (text.encode() for text in parts)
        )


@dataclass(frozen=True, slots=True, repr=False)
class MasterKey:
    """A master key and the name under which sealed values refer to it."""

    id: str
    key: bytes
    pseudorandom_key: bytes = field(init=False)
    """HKDF-Extract of the key (RFC 5869, 2.2), worked out once; no salt: the key is random."""

    def __post_init__(self) -> None:
        extracted = hmac.digest(bytes(_HASH_BYTES), self.key, "sha256")
        object.__setattr__(self, "pseudorandom_key", extracted)

    def __repr__(self) -> str:
        return f"MasterKey({self.id!r})"


def account_key(master: MasterKey, account: str) -> bytes:
    """Derive the key under which one account's values are sealed."""
    return _derive(master, b"keysteward account key v1" + account.encode())


def fingerprint(master: MasterKey, account: str, secret: Secret) -> bytes:
    """Give a keyed digest: equal for equal secrets of one account, and of use to nobody else.

    Without the master key it can't be tried against guesses, and not compared across accounts.
    """
    key = _derive(master, b"keysteward fingerprint key v1" + account.encode())
    return hmac.digest(key, secret.view(), "sha256")


def signing_key(master: MasterKey, purpose: str) -> bytes:
    """Derive a key for signing (HMAC), one for each purpose."""
    return _derive(master, b"keysteward signing key v1" + purpose.encode())


def seal(master: MasterKey, place: Place, secret: Secret) -> bytes:
    """Seal a secret for its place."""
    nonce = os.urandom(_NONCE_BYTES)
    name = master.id.encode()
    cipher = AESGCM(account_key(master, place.account))
    sealed = cipher.encrypt(nonce, secret.view(), place.associated_data(master.id))
    return bytes((FORMAT, len(name))) + name + nonce + sealed


def sealed_by(blob: bytes) -> str:
    """Give the id of the master key that a sealed value names. Raises `SealBroken`."""
    try:
        if blob[0] != FORMAT:
            raise SealBroken
        return blob[2 : 2 + blob[1]].decode()
    except (IndexError, UnicodeDecodeError):
        raise SealBroken from None


def unseal(master: MasterKey, place: Place, blob: bytes) -> Secret:
    """Open a sealed value in its place. Raises `SealBroken`, and never says why: no oracle."""
    if sealed_by(blob) != master.id:
        raise SealBroken
    start = 2 + blob[1]
    nonce, sealed = blob[start : start + _NONCE_BYTES], blob[start + _NONCE_BYTES :]
    if len(nonce) != _NONCE_BYTES or len(sealed) < _TAG_BYTES:
        raise SealBroken
    cipher = AESGCM(account_key(master, place.account))
    try:
        # Straight into what `Secret` wipes: bytes could not be overwritten.
        plaintext = bytearray(len(sealed) - _TAG_BYTES)
        cipher.decrypt_into(nonce, sealed, place.associated_data(master.id), plaintext)
        return Secret.holding(plaintext)
    except InvalidTag:
        raise SealBroken from None


def _derive(master: MasterKey, info: bytes) -> bytes:
    """Give HKDF-Expand's first block (RFC 5869, 2.3): 32 bytes, all that is ever needed here."""
    return hmac.digest(master.pseudorandom_key, info + b"\x01", "sha256")
