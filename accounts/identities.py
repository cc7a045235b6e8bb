"""Accounts elsewhere, and telephone numbers, that sign somebody in here.

What counts is who it is there, by the other's own unchanging id; the address that it tells decides
nothing once the two are linked. An address links by itself only where both sides have shown that it
is the person's own: the other one says that it is verified, and so was it here.
"""

from dataclasses import dataclass
from typing import Final

from ulid import ULID

import audit
from accounts.box import Box, BoxBroken
from accounts.errors import IdentityTaken, MeansGone
from accounts.identity_kind import IdentityKind
from accounts.outbox import Letter, Outbox
from accounts.vouching import Fact, vouch, vouched
from audit import Act, Signer
from store import Owner, ProvenOwner, Row, Tx, changes
from store.changes import Kind

_NAME: Final = "identity name"
_SUBJECT: Final = "identity"
NAMES: Final = {
    IdentityKind.GOOGLE: "Google",
    IdentityKind.GITHUB: "GitHub",
    IdentityKind.WHATSAPP: "WhatsApp",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """One of them. `name` is what its owner knows it by; times are microseconds."""

    id: str
    account: str
    kind: IdentityKind
    name: str
    created_at: int
    used_at: int | None

    @property
    def owner(self) -> Owner:
        """Whose it is."""
        return Owner(self.account)

    @property
    def words(self) -> str:
        """Give what a letter calls it."""
        return f"{NAMES[self.kind]} ({self.name})"


_IDENTITY: Final = (
    "SELECT id, account, kind, subject, name, created_at, used_at, voucher FROM identities"
)


def find(tx: Tx, box: Box, signer: Signer, kind: IdentityKind, subject: str) -> Identity | None:
    """Give the identity that is that person there."""
    for digest in signer.signatures(_SUBJECT, f"{kind} {subject}".encode()):
        row = tx.one(f"{_IDENTITY} WHERE subject = :subject", subject=digest)
        if row is not None:
            return _opened(box, signer, row)
    return None


def every(tx: Tx, box: Box, signer: Signer, owner: Owner) -> list[Identity]:
    """Give the owner's identities, oldest first."""
    found = tx.all(f"{_IDENTITY} WHERE account = :account ORDER BY id", account=owner.account)
    return [identity for row in found if (identity := _opened(box, signer, row))]


def link(  # noqa: PLR0917 - what it is made of
    tx: Tx,
    box: Box,
    signer: Signer,
    outbox: Outbox,
    owner: Owner,
    kind: IdentityKind,
    subject: str,
    name: str,
    *,
    at: int,
) -> Identity:
    """Let that person there sign in to this account. Raises `IdentityTaken`."""
    there = find(tx, box, signer, kind, subject)
    if there is not None and there.account != owner.account:
        raise IdentityTaken
    if there is not None:
        return there
    identity = Identity(f"idn_{ULID()}", owner.account, kind, name, at, at)
    digest = signer.sign(_SUBJECT, f"{kind} {subject}".encode())
    sealed = box.seal(_NAME, owner.account, name.encode(), identity.id)
    tx.run(
        "INSERT INTO identities (id, account, kind, subject, name, created_at, used_at, voucher)"
        " VALUES (:id, :account, :kind, :subject, :name, :at, :at, :voucher)",
        id=identity.id,
        account=owner.account,
        kind=kind,
        subject=digest,
        name=sealed,
        at=at,
        voucher=vouch(signer, "identities", owner, *_facts(identity.id, kind, digest, at)),
    )
    audit.record(tx, signer, owner, Act.MEANS_ADDED, at=at, subject=f"{identity.id} {kind}")
    changes.append(tx, owner, Kind.ACCOUNT_CHANGED, at=at)
    outbox.tell(tx, owner, Letter.MEANS_ADDED, now=at, what=identity.words)
    return identity


def note_use(tx: Tx, identity: Identity, *, at: int) -> None:
    """Note that somebody signed in by it."""
    tx.run(
        "UPDATE identities SET used_at = :at WHERE account = :account AND id = :id",
        account=identity.account,
        id=identity.id,
        at=at,
    )


def remove(  # noqa: PLR0917 - what it is made of
    tx: Tx, box: Box, signer: Signer, outbox: Outbox, owner: ProvenOwner, name: str, *, at: int
) -> None:
    """Let that person there sign in no more. Raises `MeansGone`."""
    found = [one for one in every(tx, box, signer, owner) if one.id == name]
    if not found:
        raise MeansGone
    tx.run(
        "DELETE FROM identities WHERE account = :account AND id = :id",
        account=owner.account,
        id=name,
    )
    audit.record(tx, signer, owner, Act.MEANS_REMOVED, at=at, subject=name)
    changes.append(tx, owner, Kind.ACCOUNT_CHANGED, at=at)
    outbox.tell(tx, owner, Letter.MEANS_REMOVED, now=at, what=found[0].words)


def move(tx: Tx, box: Box, signer: Signer, was: Owner, to: Owner) -> None:
    """Seal and vouch anew for the rows of an account whose id has changed; drop others' rows."""
    for row in tx.all(f"{_IDENTITY} WHERE account = :account", account=to.account):
        key, _, kind, subject, sealed, created_at, _, voucher = row
        facts = _facts(key, kind, subject, created_at)
        try:
            name = box.open(_NAME, was.account, sealed, key)
        except BoxBroken:
            name = b""
        if not vouched(signer, voucher, "identities", was, *facts):
            tx.run(
                "DELETE FROM identities WHERE account = :account AND id = :id",
                account=to.account,
                id=key,
            )
            continue
        tx.run(
            "UPDATE identities SET name = :name, voucher = :voucher"
            " WHERE account = :account AND id = :id",
            account=to.account,
            id=key,
            name=box.seal(_NAME, to.account, name, key),
            voucher=vouch(signer, "identities", to, *facts),
        )


def _facts(key: str, kind: str, subject: bytes, created_at: int) -> tuple[Fact, ...]:
    return (key, str(kind), subject, created_at)


def _opened(box: Box, signer: Signer, row: Row) -> Identity | None:
    key, account, kind, subject, sealed, created_at, used_at, voucher = row
    owner, facts = Owner(account), _facts(key, kind, subject, created_at)
    if not vouched(signer, voucher, "identities", owner, *facts):
        return None
    try:
        name = box.open(_NAME, account, sealed, key).decode()
    except BoxBroken:
        return None
    return Identity(key, account, IdentityKind(kind), name, created_at, used_at)
