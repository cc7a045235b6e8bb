"""The audit trail: each entry is signed over the one before it, and a signed head names the newest.

Somebody who can write to the database but has no master key can't change, insert, reorder or drop
an entry unnoticed, the newest included: the head counts them. What a trail inside a database can't
show is the whole of it, head and all, put back to an older state; compare `Entry.digest` of the
newest entry with a copy kept elsewhere for that.

An entry holds no secret and no address: who (the account), what, and the reference of what it was
done to. It is added in the transaction that does it, so that neither is there without the other.
"""

import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from store import Failure, Owner, Tx

_ROW: Final = "audit entry"
_HEAD: Final = "audit head"
_NOTHING: Final = bytes(32)


class Act(StrEnum):
    """What was done."""

    ACCOUNT_CREATED = "ACCOUNT_CREATED"
    SIGNED_IN = "SIGNED_IN"
    SIGNED_OUT = "SIGNED_OUT"
    SIGN_IN_REFUSED = "SIGN_IN_REFUSED"
    PROVEN_AGAIN = "PROVEN_AGAIN"
    SESSIONS_ENDED = "SESSIONS_ENDED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - a name
    PASSWORD_RESET_SENT = "PASSWORD_RESET_SENT"  # noqa: S105 - a name
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105 - a name
    ADDRESS_VERIFIED = "ADDRESS_VERIFIED"
    ADDRESS_CHANGED = "ADDRESS_CHANGED"
    MEANS_ADDED = "MEANS_ADDED"
    MEANS_REMOVED = "MEANS_REMOVED"
    SECOND_FACTOR_ADDED = "SECOND_FACTOR_ADDED"
    SECOND_FACTOR_REMOVED = "SECOND_FACTOR_REMOVED"
    RECOVERY_CODES_MADE = "RECOVERY_CODES_MADE"
    RECOVERY_CODE_USED = "RECOVERY_CODE_USED"
    INVITE_MADE = "INVITE_MADE"
    ACCOUNT_EXPORTED = "ACCOUNT_EXPORTED"
    EVERYTHING_REVOKED = "EVERYTHING_REVOKED"
    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"
    ACCOUNT_ENABLED = "ACCOUNT_ENABLED"
    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    KEY_ADDED = "KEY_ADDED"
    KEY_REVEALED = "KEY_REVEALED"
    KEY_ROTATED = "KEY_ROTATED"
    KEY_REMOVED = "KEY_REMOVED"
    KEYS_EXPORTED = "KEYS_EXPORTED"
    DEFAULT_KEY_SET = "DEFAULT_KEY_SET"
    TOOL_CREATED = "TOOL_CREATED"
    TOOL_CHANGED = "TOOL_CHANGED"
    TOOL_REVOKED = "TOOL_REVOKED"
    CEILING_SET = "CEILING_SET"
    CEILING_RESET = "CEILING_RESET"
    CEILING_REMOVED = "CEILING_REMOVED"
    PRICE_SET = "PRICE_SET"
    DISPUTE_SETTLED = "DISPUTE_SETTLED"
    COMMITMENT_ENDED = "COMMITMENT_ENDED"
    FILE_DELETED = "FILE_DELETED"
    USER_TOKEN_CREATED = "USER_TOKEN_CREATED"  # noqa: S105 - a name
    USER_TOKEN_REVOKED = "USER_TOKEN_REVOKED"  # noqa: S105 - a name


class Signer(Protocol):
    """Signs with a master key; `vault.keyring.Keyring` does."""

    def sign(self, purpose: str, message: bytes) -> bytes:
        """Give the signature."""

    def signatures(self, purpose: str, message: bytes) -> list[bytes]:
        """Give the signature that each of the master keys makes, that of `sign` first."""

    def signed(self, purpose: str, message: bytes, signature: bytes) -> bool:
        """Tell whether one of the master keys made the signature."""


class TrailBroken(Failure):
    """The trail was changed from outside; `seq` is the first entry that does not fit."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"The audit trail of this account was altered at entry {seq}.")
        self.seq = seq


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `at` is in microseconds; `subject` is the reference of a key, tool or token."""

    seq: int
    at: int
    act: Act
    subject: str | None
    signature: bytes

    @property
    def digest(self) -> str:
        """Give what stands for the trail up to here: equal trails, equal digests."""
        return hashlib.sha256(self.signature).hexdigest()


def record(
    tx: Tx, signer: Signer, owner: Owner, act: Act, *, at: int, subject: str | None = None
) -> None:
    """Add an entry, in the transaction that does what it tells of."""
    head = tx.one(
        "SELECT seq, signature FROM audit WHERE account = :account ORDER BY seq DESC LIMIT 1",
        account=owner.account,
    )
    newest, before = (0, _NOTHING) if head is None else head
    seq = newest + 1
    signature = signer.sign(_ROW, _message(owner, seq, at, act, subject, before))
    tx.run(
        "INSERT INTO audit (account, seq, at, act, subject, signature)"
        " VALUES (:account, :seq, :at, :act, :subject, :signature)",
        account=owner.account,
        seq=seq,
        at=at,
        act=act,
        subject=subject,
        signature=signature,
    )
    tx.run(
        "INSERT INTO audit_heads (account, seq, signature) VALUES (:account, :seq, :signature)"
        " ON CONFLICT (account) DO UPDATE SET seq = :seq, signature = :signature",
        account=owner.account,
        seq=seq,
        signature=signer.sign(_HEAD, _head_message(owner, seq, signature)),
    )


def verify(tx: Tx, signer: Signer, owner: Owner) -> list[Entry]:
    """Give the whole trail, oldest first, after making sure of it. Raises `TrailBroken`."""
    entries = []
    before = _NOTHING
    rows = tx.all(
        "SELECT seq, at, act, subject, signature FROM audit WHERE account = :account ORDER BY seq",
        account=owner.account,
    )
    for expected, (seq, at, act, subject, signature) in enumerate(rows, start=1):
        message = _message(owner, seq, at, act, subject, before)
        if seq != expected or not signer.signed(_ROW, message, signature):
            raise TrailBroken(expected)
        entries.append(Entry(seq, at, Act(act), subject, signature))
        before = signature
    head = tx.one(
        "SELECT seq, signature FROM audit_heads WHERE account = :account", account=owner.account
    )
    # Every account begins with an entry: no head and no rows is a trail that was taken away.
    if head is None or head[0] != len(entries):
        raise TrailBroken(len(entries) + 1)
    if not signer.signed(_HEAD, _head_message(owner, head[0], before), head[1]):
        raise TrailBroken(len(entries))
    return entries


def move(tx: Tx, signer: Signer, was: Owner, to: Owner) -> None:
    """Make the trail that of the account's new id: signed anew, entry by entry.

    One that was altered is taken along as it is, so that it still shows: nothing of it is signed.
    """
    try:
        entries = verify(tx, signer, was)
    except TrailBroken:
        entries = []
    for table in ("audit", "audit_heads"):
        tx.run(
            f"UPDATE {table} SET account = :to WHERE account = :account",  # noqa: S608
            account=was.account,
            to=to.account,
        )
    signature = _NOTHING
    for entry in entries:
        message = _message(to, entry.seq, entry.at, entry.act, entry.subject, signature)
        signature = signer.sign(_ROW, message)
        tx.run(
            "UPDATE audit SET signature = :signature WHERE account = :account AND seq = :seq",
            account=to.account,
            seq=entry.seq,
            signature=signature,
        )
    if entries:
        tx.run(
            "UPDATE audit_heads SET signature = :signature WHERE account = :account",
            account=to.account,
            signature=signer.sign(_HEAD, _head_message(to, len(entries), signature)),
        )


def _message(  # noqa: PLR0917 - the fields, in the order in which they are signed
    owner: Owner, seq: int, at: int, act: str, subject: str | None, before: bytes
) -> bytes:
    """Give what an entry's signature covers: no two entries give the same bytes."""
    texts = (owner.account, str(act), "" if subject is None else f"={subject}")
    parts = (*(text.encode() for text in texts), before)
    packed = (struct.pack(">I", len(part)) + part for part in parts)
    return struct.pack(">QQ", seq, at) + b"".join(packed)


def _head_message(owner: Owner, seq: int, signature: bytes) -> bytes:
    return struct.pack(">Q", seq) + owner.account.encode() + signature
