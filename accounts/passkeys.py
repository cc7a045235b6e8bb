"""Passkeys: an authenticator keeps the private key, and we the public one, vouched for.

A passkey takes the place of password and second factor at once, so the authenticator must verify
its user (PIN, finger, face) each time. A challenge is good for one answer, a right or a wrong one.
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ulid import ULID
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

import audit
from accounts import authenticators
from accounts.authenticators import Answer, Known, Shown
from accounts.errors import AccountsFailure, MeansGone, NameUnfit, PasskeyRefused, TicketGone
from accounts.outbox import Letter, Outbox
from accounts.relying_party import RelyingParty
from accounts.tickets import Purpose, Ticket, Tickets
from accounts.vouching import Fact, vouch, vouched
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Row, Store, Tx, changes
from store.changes import Kind
from store.clock import MINUTE

__all__ = ["Answer", "Passkey", "Passkeys", "PasskeysFull", "RelyingParty", "move"]

MOST: Final = 20
LONGEST_NAME: Final = 100
_LIFE: Final = 5 * MINUTE
_CHALLENGE_BYTES: Final = 32
_HANDLE_BYTES: Final = 32
_TABLE: Final = "passkeys"
_LOG: Final = logging.getLogger("keysteward.passkeys")


class PasskeysFull(AccountsFailure):
    """The account has as many passkeys as it can have."""

    def __init__(self) -> None:
        super().__init__(f"An account can have {MOST} passkeys. Remove one first.")


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey, as its owner may see it. Times are microseconds."""

    id: str
    name: str
    created_at: int
    used_at: int | None
    is_backed_up: bool
    """Whether it is copied to its owner's other devices."""


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    """One row that this program wrote."""

    owner: Owner
    credential: bytes
    public_key: bytes
    handle: bytes
    transports: tuple[str, ...]
    passkey: Passkey

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What the voucher covers."""
        return (self.passkey.id, self.credential, self.public_key, self.handle)

    @property
    def known(self) -> Known:
        """Give it as a browser is told of it."""
        return Known(self.credential, self.transports)


_ROW: Final = (
    "SELECT account, credential, public_key, handle, transports, voucher,"
    " id, name, created_at, used_at, backed_up FROM passkeys"
)


class Passkeys:
    """Registers passkeys, signs in with them, lists and removes them."""

    def __init__(
        self,
        store: Store,
        tickets: Tickets,
        signer: Signer,
        outbox: Outbox,
        clock: Clock,
        *,
        site: RelyingParty,
    ) -> None:
        self._store = store
        self._tickets = tickets
        self._signer = signer
        self._outbox = outbox
        self._clock = clock
        self._site = site

    async def begin_registration(
        self, owner: ProvenOwner, address: str
    ) -> tuple[dict[str, Any], str]:
        """Give what `navigator.credentials.create()` takes, and the ticket that goes with it.

        The address is what the authenticator shows; it is not kept here. Raises `PasskeysFull`.
        """
        now = self._clock()
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        new_handle = secrets.token_bytes(_HANDLE_BYTES)

        def unit(tx: Tx) -> tuple[str, bytes, list[Known]]:
            held = _held(tx, self._signer, owner)
            if len(held) >= MOST:
                raise PasskeysFull
            # One handle an account: an authenticator then keeps one passkey for it, not several.
            handle = held[0].handle if held else new_handle
            ticket = self._tickets.issue(
                tx,
                Purpose.PASSKEY_REGISTRATION,
                owner,
                now=now,
                life=_LIFE,
                challenge=bytes_to_base64url(challenge),
                handle=bytes_to_base64url(handle),
            )
            return ticket, handle, [row.known for row in held]

        ticket, handle, besides = await self._store.write(unit)
        options = authenticators.to_create(
            self._site, challenge=challenge, handle=handle, address=address, besides=besides
        )
        return options, ticket

    async def finish_registration(
        self, owner: ProvenOwner, ticket: str, answer: Answer, name: str
    ) -> Passkey:
        """Take the new passkey. Raises `NameUnfit`, `TicketGone`, `PasskeyRefused`, `PasskeysFull`.

        The ticket is used up by any answer; an unfit name leaves it.
        """
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise NameUnfit(LONGEST_NAME)
        begun = await self._redeemed(ticket, Purpose.PASSKEY_REGISTRATION, owner)
        made = authenticators.made(self._site, answer, base64url_to_bytes(begun.facts["challenge"]))
        now = self._clock()
        passkey = Passkey(f"psk_{ULID()}", name, now, None, made.is_backed_up)
        held = _Held(
            owner,
            made.credential,
            made.public_key,
            base64url_to_bytes(begun.facts["handle"]),
            made.transports,
            passkey,
        )

        def unit(tx: Tx) -> None:
            if len(_held(tx, self._signer, owner)) >= MOST:
                raise PasskeysFull
            if not _insert(tx, self._signer, held, made.sign_count):
                raise PasskeyRefused
            audit.record(tx, self._signer, owner, Act.MEANS_ADDED, at=now, subject=passkey.id)
            changes.append(tx, owner, Kind.ACCOUNT_CHANGED, at=now)
            self._outbox.tell(tx, owner, Letter.MEANS_ADDED, now=now, what=_words(name))

        await self._store.write(unit)
        return passkey

    async def begin_sign_in(self, owner: Owner | None) -> tuple[dict[str, Any], str]:
        """Give what `navigator.credentials.get()` takes, and the ticket that goes with it.

        Without an owner the authenticator says whose passkey it is; with one (a fresh login) only
        theirs are asked for.
        """
        now = self._clock()
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)

        def unit(tx: Tx) -> tuple[str, list[Known]]:
            ticket = self._tickets.issue(
                tx,
                Purpose.PASSKEY_SIGN_IN,
                owner,
                now=now,
                life=_LIFE,
                challenge=bytes_to_base64url(challenge),
            )
            held = [] if owner is None else _held(tx, self._signer, owner)
            return ticket, [row.known for row in held]

        ticket, theirs = await self._store.write(unit)
        return authenticators.to_get(self._site, challenge=challenge, of=theirs), ticket

    async def finish_sign_in(
        self, ticket: str, answer: Answer, *, owner: Owner | None = None
    ) -> Owner:
        """Give whose passkey answered. Raises `PasskeyRefused`, `TicketGone`.

        With an owner it must be theirs, and the ticket one that was issued to them. Whether the
        account may be used is for the caller to see.
        """
        begun = await self._redeemed(ticket, Purpose.PASSKEY_SIGN_IN, owner)
        assertion = authenticators.read(answer)
        held = await self._store.read(
            lambda tx: _by_credential(tx, self._signer, assertion.credential)
        )
        if held is None or (owner is not None and held.owner.account != owner.account):
            raise PasskeyRefused
        # Where nobody in particular was asked, it must say whose it is: WebAuthn level 3, 7.2.
        if assertion.handle != held.handle and not (assertion.handle is None and owner):
            raise PasskeyRefused
        challenge = base64url_to_bytes(begun.facts["challenge"])
        shown = authenticators.verify(self._site, assertion, challenge, held.public_key)
        await self._note_use(held, shown)
        return held.owner

    def of(self, tx: Tx, owner: Owner) -> Sequence[Passkey]:
        """Give the owner's passkeys within a transaction, oldest first."""
        return [row.passkey for row in _held(tx, self._signer, owner)]

    def remove(self, tx: Tx, owner: ProvenOwner, passkey: str) -> None:
        """Remove a passkey in the caller's transaction: it signs nobody in from then on.

        Whether another way to sign in remains is for the caller to see. Raises `MeansGone`.
        """
        now = self._clock()
        names = {mine.id: mine.name for mine in self.of(tx, owner)}
        if passkey not in names:
            raise MeansGone
        tx.run(
            "DELETE FROM passkeys WHERE account = :account AND id = :passkey",
            account=owner.account,
            passkey=passkey,
        )
        audit.record(tx, self._signer, owner, Act.MEANS_REMOVED, at=now, subject=passkey)
        changes.append(tx, owner, Kind.ACCOUNT_CHANGED, at=now)
        what = _words(names[passkey])
        self._outbox.tell(tx, owner, Letter.MEANS_REMOVED, now=now, what=what)

    async def list(self, owner: Owner) -> Sequence[Passkey]:
        """Give the owner's passkeys, oldest first."""
        return await self._store.read(lambda tx: self.of(tx, owner))

    async def _redeemed(self, ticket: str, purpose: Purpose, owner: Owner | None) -> Ticket:
        """Use a ticket up, whatever comes of the answer that it came with. Raises `TicketGone`."""
        now = self._clock()
        begun = await self._store.write(
            lambda tx: self._tickets.redeem(tx, ticket, purpose, now=now)
        )
        if begun.account != (None if owner is None else owner.account):
            raise TicketGone
        return begun

    async def _note_use(self, held: _Held, shown: Shown) -> None:
        """Move the passkey's counter on. Raises `PasskeyRefused` if it does not move.

        A counter that stands still or goes back belongs to a copy of the authenticator, or to the
        one that was copied (WebAuthn level 3, 6.1.1). Authenticators that don't count always say 0.
        """
        now = self._clock()

        def unit(tx: Tx) -> tuple[int, bool]:
            moved = tx.run(
                "UPDATE passkeys SET sign_count = :count, used_at = :now, backed_up = :backed_up"
                " WHERE account = :account AND id = :passkey"
                " AND (sign_count < :count OR (sign_count = 0 AND :count = 0))",
                account=held.owner.account,
                passkey=held.passkey.id,
                count=shown.sign_count,
                backed_up=shown.is_backed_up,
                now=now,
            )
            mine = {passkey.id for passkey in self.of(tx, held.owner)}
            return moved, held.passkey.id in mine

        moved, is_there = await self._store.write(unit)
        if not moved and is_there:
            _LOG.warning(
                "The counter of passkey %s of account %s… did not go on: it may have been copied.",
                held.passkey.id,
                held.owner.account[:8],
            )
        if not moved:  # or it was removed meanwhile
            raise PasskeyRefused


def move(tx: Tx, signer: Signer, was: Owner, to: Owner) -> None:
    """Make the passkeys good for the account's new id, which their rows already have.

    Rows that were not vouched for under the old id are dropped.
    """
    for row in tx.all(f"{_ROW} WHERE account = :account", account=to.account):
        held = _vouched_for(signer, was, row)
        if held is None:
            tx.run(
                "DELETE FROM passkeys WHERE account = :account AND credential = :credential",
                account=to.account,
                credential=row[1],
            )
            continue
        tx.run(
            "UPDATE passkeys SET voucher = :voucher WHERE account = :account AND id = :passkey",
            account=to.account,
            passkey=held.passkey.id,
            voucher=vouch(signer, _TABLE, to, *held.facts),
        )


def _insert(tx: Tx, signer: Signer, held: _Held, sign_count: int) -> bool:
    """Add a row; False where the credential is registered, by whomever.

    Who could put a key of their own under another's credential would be who is found by it.
    """
    return bool(
        tx.run(
            "INSERT INTO passkeys (id, account, credential, public_key, handle, sign_count,"
            " transports, backed_up, name, created_at, voucher) VALUES (:id, :account, :credential,"
            " :public_key, :handle, :sign_count, :transports, :backed_up, :name, :created_at,"
            " :voucher) ON CONFLICT (credential) DO NOTHING",
            id=held.passkey.id,
            account=held.owner.account,
            credential=held.credential,
            public_key=held.public_key,
            handle=held.handle,
            sign_count=sign_count,
            transports=" ".join(held.transports),
            backed_up=held.passkey.is_backed_up,
            name=held.passkey.name,
            created_at=held.passkey.created_at,
            voucher=vouch(signer, _TABLE, held.owner, *held.facts),
        )
    )


def _held(tx: Tx, signer: Signer, owner: Owner) -> list[_Held]:
    """Give the owner's rows that this program wrote, oldest first."""
    rows = tx.all(f"{_ROW} WHERE account = :account ORDER BY created_at, id", account=owner.account)
    held = (_vouched_for(signer, owner, row) for row in rows)
    return [row for row in held if row is not None]


def _by_credential(tx: Tx, signer: Signer, credential: bytes) -> _Held | None:
    """Find a passkey by the authenticator's id for it: that is what says whose it is."""
    row = tx.one(f"{_ROW} WHERE credential = :credential", credential=credential)
    return None if row is None else _vouched_for(signer, Owner(row[0]), row)


def _vouched_for(signer: Signer, owner: Owner, row: Row) -> _Held | None:
    """Give a row that this program wrote for that owner; None for any other."""
    _, credential, public_key, handle, transports, voucher, *shown = row
    passkey, name, created_at, used_at, backed_up = shown
    held = _Held(
        Owner(owner.account),
        credential,
        public_key,
        handle,
        tuple(transports.split()),
        Passkey(passkey, name, created_at, used_at, bool(backed_up)),
    )
    return held if vouched(signer, voucher, _TABLE, owner, *held.facts) else None


def _words(name: str) -> str:
    return f"the passkey “{name}”"
