"""The master keys: read once at the start, the first one seals, all of them open."""

import base64
import hmac
import os
import re
from collections.abc import Sequence
from typing import Final

from store import Tx
from vault import seal
from vault.errors import MasterKeyUnusable, SealBroken
from vault.seal import MasterKey, Place
from vault.secret import Secret

_KEY_BYTES: Final = 32
_CALLED: Final = "KEYSTEWARD_MASTER_KEYS"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_CHECK: Final = Secret(b"keysteward check value")


class Keyring:
    """Seals with the first master key, opens with whichever one a value names."""

    def __init__(self, masters: Sequence[MasterKey], *, called: str = _CALLED) -> None:
        if not masters:
            raise MasterKeyUnusable(f"No key is configured: set {called}.")
        self._masters = {master.id: master for master in masters}
        if len(self._masters) != len(masters):
            raise MasterKeyUnusable(f"{called} names one id twice.")
        self._sealing = masters[0]
        self._signing: dict[str, list[bytes]] = {}

    @classmethod
    def parse(cls, text: str, *, called: str = _CALLED) -> "Keyring":
        """Read `id:base64,id:base64`; each key is 32 bytes. Raises `MasterKeyUnusable`."""
        masters: list[MasterKey] = []
        for entry in text.replace("\n", ",").split(","):
            if not entry.strip():
                continue
            name, _, encoded = entry.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except ValueError:  # binascii.Error is one; text outside ASCII raises another
                key = b""
            if not _ID.fullmatch(name) or len(key) != _KEY_BYTES:
                raise MasterKeyUnusable(
                    f"{called} must read id:base64,id:base64 with 32 bytes a key; "
                    f"entry {len(masters) + 1} does not."
                )
            masters.append(MasterKey(name, key))
        return cls(masters, called=called)

    @staticmethod
    def mint(name: str) -> str:
        """Make a new random master key, in the form that `parse` reads."""
        return f"{name}:{base64.b64encode(os.urandom(_KEY_BYTES)).decode()}"

    def lasting(self) -> list[bytes]:
        """Give what lives as long as the process, to be kept in memory: never from it."""
        return [part for one in self._masters.values() for part in (one.key, one.pseudorandom_key)]

    def seal(self, place: Place, secret: Secret) -> bytes:
        """Seal with the first master key."""
        return seal.seal(self._sealing, place, secret)

    def unseal(self, place: Place, blob: bytes) -> Secret:
        """Open with the master key that the value names. Raises `SealBroken`."""
        master = self._masters.get(seal.sealed_by(blob))
        if master is None:
            raise SealBroken
        return seal.unseal(master, place, blob)

    def fingerprints(self, account: str, secret: Secret) -> list[bytes]:
        """Give the secret's keyed digests, that of the sealing master key first."""
        return [seal.fingerprint(master, account, secret) for master in self._masters.values()]

    def sign(self, purpose: str, message: bytes) -> bytes:
        """Sign with the first master key's signing key of that purpose."""
        return hmac.digest(self._signing_keys(purpose)[0], message, "sha256")

    def signatures(self, purpose: str, message: bytes) -> list[bytes]:
        """Give the signature that each master key makes, that of the sealing one first."""
        return [hmac.digest(key, message, "sha256") for key in self._signing_keys(purpose)]

    def signed(self, purpose: str, message: bytes, signature: bytes) -> bool:
        """Tell whether any of the master keys made the signature; in constant time each."""
        for key in self._signing_keys(purpose):
            if hmac.compare_digest(hmac.digest(key, message, "sha256"), signature):
                return True
        return False

    def _signing_keys(self, purpose: str) -> list[bytes]:
        """Give each master key's signing key of that purpose; each is derived once a process."""
        keys = self._signing.get(purpose)
        if keys is None:
            keys = [seal.signing_key(master, purpose) for master in self._masters.values()]
            self._signing[purpose] = keys
        return keys

    def open_check_values(self, tx: Tx) -> None:
        """Make sure that these master keys are the ones of this database; note down new ones.

        Raises `MasterKeyUnusable` rather than ever serving, or minting a new key, over rows that
        nobody could open afterwards.
        """
        recorded = {row[0]: row[1] for row in tx.all("SELECT id, check_value FROM master_keys")}
        opened = 0
        for master in self._masters.values():
            if (check := recorded.get(master.id)) is None:
                continue
            if not _opens(master, check):
                raise MasterKeyUnusable(
                    f"Master key {master.id!r} is not the one that this database was sealed with. "
                    "Configure the original key (a copy of master.keys), or point KEYSTEWARD_DATA "
                    "at the database that belongs to this key."
                )
            opened += 1
        if recorded and not opened:
            raise MasterKeyUnusable(
                f"This database was sealed with master key {', '.join(map(repr, recorded))}, and "
                "none of the configured ones is it. Add it to KEYSTEWARD_MASTER_KEYS; without it "
                "the stored keys can't be opened by anybody."
            )
        for master in self._masters.values():
            if master.id not in recorded:
                tx.run(
                    "INSERT INTO master_keys (id, check_value) VALUES (:id, :check_value)",
                    id=master.id,
                    check_value=seal.seal(master, _check_place(master), _CHECK),
                )


def _check_place(master: MasterKey) -> Place:
    return Place("master key check", "", (master.id,))


def _opens(master: MasterKey, check: bytes) -> bool:
    try:
        return seal.unseal(master, _check_place(master), check) == _CHECK
    except SealBroken:
        return False
