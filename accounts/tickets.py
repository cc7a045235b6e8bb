"""Tickets: good for one thing, once. Mailed links, codes, and whatever was begun and not finished.

A ticket is 256 random bits with a checksum (`kso_…`), of which the database has SHA-256. What it
stands for is sealed in its row, for its purpose and its account: a row planted or altered by
somebody without the master key opens nowhere. Redeeming deletes the row in a transaction of the one
writer, so that of fifty who redeem at once exactly one has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from accounts import tokens
from accounts.box import Box, BoxBroken
from accounts.errors import TicketGone, TokenUnknown
from accounts.tokens import TokenKind
from store import Owner, Tx

_SEALED: Final = "ticket"


class Purpose(StrEnum):
    """What a ticket is good for."""

    VERIFY_ADDRESS = "VERIFY_ADDRESS"
    RELEASE_ADDRESS = "RELEASE_ADDRESS"
    CHANGE_ADDRESS = "CHANGE_ADDRESS"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 - a purpose
    INVITE = "INVITE"
    OAUTH = "OAUTH"
    WHATSAPP_CODE = "WHATSAPP_CODE"
    PASSKEY_REGISTRATION = "PASSKEY_REGISTRATION"
    PASSKEY_SIGN_IN = "PASSKEY_SIGN_IN"
    SECOND_FACTOR = "SECOND_FACTOR"
    TOTP_SETUP = "TOTP_SETUP"


@dataclass(frozen=True, slots=True, repr=False)
class Ticket:
    """What a ticket stood for. `account` is None where nobody was known when it was issued."""

    digest: bytes
    account: str | None
    facts: Mapping[str, Any]
    tries: int

    @property
    def owner(self) -> Owner:
        """Give whose it is. Raises `TicketGone` for one of nobody's."""
        if self.account is None:
            raise TicketGone
        return Owner(self.account)


class Tickets:
    """Issues and redeems, always within somebody's transaction."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def issue(
        self,
        tx: Tx,
        purpose: Purpose,
        owner: Owner | None,
        *,
        now: int,
        life: int,
        tries: int = 1,
        **facts: Any,
    ) -> str:
        """Make a ticket and give its text, which is kept nowhere. `life` is in microseconds."""
        made = tokens.make(TokenKind.ONCE)
        account, expires_at = "" if owner is None else owner.account, now + life
        plaintext = orjson.dumps({"expires": expires_at, "facts": facts})
        tx.run("DELETE FROM tickets WHERE expires_at <= :now", now=now)
        tx.run(
            "INSERT INTO tickets (digest, purpose, account, sealed, tries, expires_at)"
            " VALUES (:digest, :purpose, :account, :sealed, :tries, :expires_at)",
            digest=made.digest,
            purpose=purpose,
            account=account or None,
            sealed=self._box.seal(_SEALED, account, plaintext, purpose, made.digest.hex()),
            tries=tries,
            expires_at=expires_at,
        )
        return made.text

    def redeem(self, tx: Tx, text: str, purpose: Purpose, *, now: int) -> Ticket:
        """Take a ticket: nobody can redeem it again. Raises `TicketGone`."""
        digest = _digest(text)
        row = tx.one(
            "DELETE FROM tickets WHERE digest = :digest AND purpose = :purpose"
            " RETURNING account, sealed, tries",
            digest=digest,
            purpose=purpose,
        )
        return self._opened(digest, purpose, row, now)

    def look_at(self, tx: Tx, text: str, purpose: Purpose, *, now: int) -> Ticket:
        """Give what a ticket stands for, and leave it. Raises `TicketGone`."""
        digest = _digest(text)
        row = tx.one(
            "SELECT account, sealed, tries FROM tickets"
            " WHERE digest = :digest AND purpose = :purpose",
            digest=digest,
            purpose=purpose,
        )
        return self._opened(digest, purpose, row, now)

    def attempt(self, tx: Tx, text: str, purpose: Purpose, *, now: int) -> Ticket:
        """Use up one of its tries, before anything is compared. Raises `TicketGone`.

        Whoever then finds that the answer was right says `use_up`; the last try ends it anyhow.
        """
        digest = _digest(text)
        row = tx.one(
            "UPDATE tickets SET tries = tries - 1 WHERE digest = :digest AND purpose = :purpose"
            " AND tries > 0 RETURNING account, sealed, tries",
            digest=digest,
            purpose=purpose,
        )
        ticket = self._opened(digest, purpose, row, now)
        if not ticket.tries:
            self.use_up(tx, ticket)
        return ticket

    def use_up(self, tx: Tx, ticket: Ticket) -> None:
        """End a ticket. Raises `TicketGone` when somebody else was first."""
        gone = tx.run("DELETE FROM tickets WHERE digest = :digest", digest=ticket.digest)
        if not gone and ticket.tries:
            raise TicketGone

    def void(self, tx: Tx, owner: Owner, *purposes: Purpose) -> None:
        """End an owner's tickets of these purposes; without any, all of them."""
        for purpose in purposes or Purpose:
            tx.run(
                "DELETE FROM tickets WHERE account = :account AND purpose = :purpose",
                account=owner.account,
                purpose=purpose,
            )

    def _opened(
        self, digest: bytes, purpose: Purpose, row: tuple[Any, ...] | None, now: int
    ) -> Ticket:
        if row is None:
            raise TicketGone
        account, sealed, tries = row
        try:
            plaintext = self._box.open(_SEALED, account or "", sealed, purpose, digest.hex())
        except BoxBroken:
            raise TicketGone from None
        said = orjson.loads(plaintext)
        # The sealed end counts: that in the row, which anybody may have moved, is for the sweep.
        if said["expires"] <= now:
            raise TicketGone
        return Ticket(digest, account, said["facts"], tries)


def _digest(text: str) -> bytes:
    try:
        return tokens.digest_of(text.strip(), TokenKind.ONCE)
    except TokenUnknown:
        raise TicketGone from None
