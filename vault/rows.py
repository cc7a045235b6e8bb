"""The rows of `keys`: every statement names its owner, and a row of nobody's is `KeyGone`.

The sealed bytes stand in rows of their own (`seals`) that never move within the file, so that
erasing one leaves no older image of it behind; the migration says why that takes care.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from store import Owner, Row, Tx
from vault.errors import KeyGone, NoKey
from vault.seal import Place


class KeyState(StrEnum):
    """What is known of a key's standing with its provider."""

    ACTIVE = "ACTIVE"
    UNVERIFIED = "UNVERIFIED"
    SCOPED = "SCOPED"
    REJECTED = "REJECTED"
    NEEDS_REENTRY = "NEEDS_REENTRY"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key as its owner sees it: all of it but the secret. Times are microseconds."""

    id: str
    account: str
    provider: str
    label: str
    masked: str
    version: int
    state: KeyState
    is_default: bool
    added_at: int
    rotated_at: int | None
    verified_at: int | None
    last_used_at: int | None


@dataclass(frozen=True, slots=True, repr=False)
class SealedKey:
    """A key's sealed bytes and the place where they open."""

    id: str
    account: str
    provider: str
    version: int
    sealed: bytes

    @property
    def place(self) -> Place:
        """Give the place that the row claims for itself."""
        return place_of(Owner(self.account), self.provider, self.id, self.version)

    @property
    def trace_place(self) -> Place:
        """Give the place of its traces."""
        return trace_place_of(Owner(self.account), self.provider, self.id, self.version)


@dataclass(frozen=True, slots=True, repr=False)
class TracedKey:
    """A key and its sealed traces, None where it was added before there were any."""

    key: SealedKey
    trace: bytes | None


def place_of(owner: Owner, provider: str, key: str, version: int) -> Place:
    """Give the one place where that version of that key opens."""
    return Place("provider key", owner.account, (provider, key, str(version)))


def trace_place_of(owner: Owner, provider: str, key: str, version: int) -> Place:
    """Give the one place where the traces of that version of that key open."""
    return Place("provider key's traces", owner.account, (provider, key, str(version)))


# A row whose slot was tampered with has no sealed bytes: it reads as empty, and does not open.
_SEALED: Final = (
    "coalesce((SELECT sealed FROM seals WHERE seals.slot = keys.slot"
    " AND seals.account = keys.account), x'')"
)
# A call's id begins with its time, so the newest is the last: one step in the index `calls_of_key`.
_LAST_USED: Final = (
    "(SELECT max(started_at) FROM calls WHERE calls.account = keys.account AND calls.key = keys.id)"
)
_ENTRY: Final = (
    "SELECT id, account, provider, label, masked, version, state, is_default, added_at,"  # noqa: S608
    " rotated_at,"
    f" verified_at, {_LAST_USED}, {_SEALED} FROM keys"
    " WHERE account = :account AND removed_at IS NULL"
)


def _entry(row: Row) -> tuple[Entry, SealedKey]:
    key, account, provider, label, masked, version, state, default, *times, sealed = row
    entry = Entry(
        key, account, provider, label, masked, version, KeyState(state), bool(default), *times
    )
    return entry, SealedKey(key, account, provider, version, sealed)


def every(tx: Tx, owner: Owner, provider: str | None) -> list[tuple[Entry, SealedKey]]:
    """Give the owner's keys, oldest first."""
    rows = tx.all(
        f"{_ENTRY} AND (:provider IS NULL OR provider = :provider) ORDER BY id",
        account=owner.account,
        provider=provider,
    )
    return [_entry(row) for row in rows]


def one(tx: Tx, owner: Owner, key: str) -> tuple[Entry, SealedKey]:
    """Give one of the owner's keys. Raises `KeyGone`."""
    row = tx.one(f"{_ENTRY} AND id = :key", account=owner.account, key=key)
    if row is None:
        raise KeyGone
    return _entry(row)


def in_use(tx: Tx, owner: Owner, provider: str, choice: str | None) -> SealedKey:
    """Give the key that a call uses: the one of that id or label, else the default.

    Raises `NoKey`. Read in the call's own transaction, each time: what grants is never cached.
    """
    # A statement for each way to choose, so that each goes by an index of its own.
    ways = ("is_default = 1",) if choice is None else ("id = :choice", "label = :choice")
    for way in ways:
        row = tx.one(
            f"SELECT id, account, provider, version, {_SEALED} FROM keys"  # noqa: S608
            " WHERE account = :account AND provider = :provider AND removed_at IS NULL"
            f" AND {way}",
            account=owner.account,
            provider=provider,
            choice=choice,
        )
        if row is not None:
            return SealedKey(*row)
    raise NoKey(provider)


def traced(tx: Tx, owner: Owner) -> list[TracedKey]:
    """Give the owner's keys with their traces, oldest first."""
    found = tx.all(
        f"SELECT id, account, provider, version, {_SEALED}, trace FROM keys"  # noqa: S608
        " WHERE account = :account AND removed_at IS NULL ORDER BY id",
        account=owner.account,
    )
    return [TracedKey(SealedKey(*row), trace) for *row, trace in found]


def head(tx: Tx, owner: Owner) -> tuple[int, int]:
    """Give the number of the account's newest change: as long as it stands, so do its keys.

    With when the account was made: another one of the same address begins to count anew.
    """
    row = tx.one(
        "SELECT created_at, head FROM accounts WHERE account = :account", account=owner.account
    )
    return (0, -1) if row is None else (int(row[0]), int(row[1]))


def same_key(tx: Tx, owner: Owner, provider: str, fingerprints: list[bytes]) -> str | None:
    """Give the reference of the owner's key that has one of these fingerprints."""
    for fingerprint in fingerprints:
        row = tx.one(
            "SELECT id FROM keys WHERE account = :account AND provider = :provider"
            " AND fingerprint = :fingerprint AND removed_at IS NULL",
            account=owner.account,
            provider=provider,
            fingerprint=fingerprint,
        )
        if row is not None:
            return str(row[0])
    return None


def label_taken(tx: Tx, owner: Owner, provider: str, label: str) -> bool:
    """Tell whether one of the owner's keys at the provider has the label."""
    return (
        tx.one(
            "SELECT 1 FROM keys WHERE account = :account AND provider = :provider"
            " AND label = :label AND removed_at IS NULL",
            account=owner.account,
            provider=provider,
            label=label,
        )
        is not None
    )


def insert(
    tx: Tx,
    owner: Owner,
    key: SealedKey,
    *,
    label: str,
    masked: str,
    state: KeyState,
    default: bool,
    fingerprint: bytes,
    trace: bytes,
    at: int,
) -> None:
    """Add a key. A first key at its provider becomes the default whatever was asked."""
    has_default = tx.one(
        "SELECT 1 FROM keys WHERE account = :account AND provider = :provider AND is_default = 1",
        account=owner.account,
        provider=key.provider,
    )
    if default and has_default:
        drop_default(tx, owner, key.provider)
    tx.run(
        "INSERT INTO keys (id, account, provider, label, masked, version, state, is_default,"
        " slot, fingerprint, trace, added_at, verified_at) VALUES (:id, :account, :provider,"
        " :label, :masked, :version, :state, :is_default, :slot, :fingerprint, :trace, :at,"
        " :verified_at)",
        id=key.id,
        account=owner.account,
        provider=key.provider,
        label=label,
        masked=masked,
        version=key.version,
        state=state,
        is_default=int(default or not has_default),
        slot=_keep(tx, owner, key),
        fingerprint=fingerprint,
        trace=trace,
        at=at,
        verified_at=at if state is not KeyState.UNVERIFIED else None,
    )


def drop_default(tx: Tx, owner: Owner, provider: str) -> None:
    """Leave the provider without a default key."""
    tx.run(
        "UPDATE keys SET is_default = 0 WHERE account = :account AND provider = :provider"
        " AND is_default = 1",
        account=owner.account,
        provider=provider,
    )


def make_default(tx: Tx, owner: Owner, key: str) -> None:
    """Make this the key that its provider's calls use."""
    tx.run(
        "UPDATE keys SET is_default = 1 WHERE account = :account AND id = :key"
        " AND removed_at IS NULL",
        account=owner.account,
        key=key,
    )


def replace(
    tx: Tx,
    owner: Owner,
    key: SealedKey,
    *,
    masked: str,
    state: KeyState,
    fingerprint: bytes,
    trace: bytes,
    at: int,
) -> None:
    """Put a new version in the old one's place; the old one's bytes are overwritten."""
    _overwrite(tx, owner, key.id)
    tx.run(
        "UPDATE keys SET version = :version, slot = :slot, fingerprint = :fingerprint,"
        " trace = :trace, masked = :masked, state = :state, rotated_at = :at,"
        " verified_at = :verified_at"
        " WHERE account = :account AND id = :key AND removed_at IS NULL",
        account=owner.account,
        key=key.id,
        version=key.version,
        slot=_keep(tx, owner, key),
        fingerprint=fingerprint,
        trace=trace,
        masked=masked,
        state=state,
        at=at,
        verified_at=at if state is not KeyState.UNVERIFIED else None,
    )


def note_state(tx: Tx, owner: Owner, key: str, version: int, state: KeyState, *, at: int) -> bool:
    """Note down a verification of that version; False when it has been replaced meanwhile."""
    return bool(
        tx.run(
            "UPDATE keys SET state = :state,"
            " verified_at = CASE :state WHEN 'UNVERIFIED' THEN verified_at ELSE :at END"
            " WHERE account = :account AND id = :key AND version = :version"
            " AND removed_at IS NULL",
            account=owner.account,
            key=key,
            version=version,
            state=state,
            at=at,
        )
    )


def erase(tx: Tx, owner: Owner, key: str, *, at: int) -> None:
    """Leave the tombstone and nothing of the secret."""
    _overwrite(tx, owner, key)
    tx.run(
        "UPDATE keys SET slot = NULL, fingerprint = NULL, trace = NULL, masked = '',"
        " is_default = 0,"
        " removed_at = :at WHERE account = :account AND id = :key AND removed_at IS NULL",
        account=owner.account,
        key=key,
        at=at,
    )


def move_seals(tx: Tx, was: Owner, to: Owner) -> None:
    """Name the account's new id in its seals. As long as the old one: the rows stay where they are.

    The rows of `keys` have followed their account by themselves.
    """
    tx.run(
        "UPDATE seals SET account = :to WHERE account = :account",
        account=was.account,
        to=to.account,
    )


def disown_seals(tx: Tx, owner: Owner) -> None:
    """Name nobody in the emptied slots of an account that is gone; with as many characters."""
    tx.run(
        "UPDATE seals SET account = :nobody, sealed = zeroblob(length(sealed))"
        " WHERE account = :account",
        account=owner.account,
        nobody="0" * len(owner.account),
    )


def note_trace(tx: Tx, owner: Owner, key: SealedKey, trace: bytes) -> None:
    """Note down the traces of a version, while the key still has it."""
    tx.run(
        "UPDATE keys SET trace = :trace WHERE account = :account AND id = :key"
        " AND version = :version AND removed_at IS NULL",
        account=owner.account,
        key=key.id,
        version=key.version,
        trace=trace,
    )


def reseal(tx: Tx, owner: Owner, key: SealedKey, *, fingerprint: bytes, trace: bytes) -> None:
    """Put the same version, sealed anew, in the old seal's place; the old bytes are overwritten."""
    _overwrite(tx, owner, key.id)
    tx.run(
        "UPDATE keys SET slot = :slot, fingerprint = :fingerprint, trace = :trace"
        " WHERE account = :account AND id = :key AND removed_at IS NULL",
        account=owner.account,
        key=key.id,
        slot=_keep(tx, owner, key),
        fingerprint=fingerprint,
        trace=trace,
    )


def _keep(tx: Tx, owner: Owner, key: SealedKey) -> int:
    """Add a key's sealed bytes at the end of `seals`; give their slot."""
    (row,) = tx.all(
        "INSERT INTO seals (account, sealed) VALUES (:account, :sealed) RETURNING slot",
        account=owner.account,
        sealed=key.sealed,
    )
    return int(row[0])


def _overwrite(tx: Tx, owner: Owner, key: str) -> None:
    """Write zeros over a key's sealed bytes. Of the same length: a shorter row could be moved."""
    tx.run(
        "UPDATE seals SET sealed = zeroblob(length(sealed)) WHERE account = :account AND slot ="
        " (SELECT slot FROM keys WHERE account = :account AND id = :key AND removed_at IS NULL)",
        account=owner.account,
        key=key,
    )
