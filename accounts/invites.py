"""Invites: links by which somebody may make an account where not everybody may."""

from enum import StrEnum
from typing import Final

import audit
from accounts import rows
from accounts.errors import (
    AddressUnverified,
    InviteRequired,
    SignUpClosed,
    TicketGone,
    TooManyTries,
)
from accounts.tickets import Purpose, Tickets
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Store, Tx
from store.clock import DAY

LIFE: Final = 7 * DAY
MOST_OPEN: Final = 20
_HOUR_SECONDS: Final = 3600


class SignUp(StrEnum):
    """Who may make an account here."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class Invites:
    """Makes invites and takes them."""

    def __init__(
        self, store: Store, tickets: Tickets, signer: Signer, clock: Clock, sign_up: SignUp
    ) -> None:
        self._store = store
        self._tickets = tickets
        self._signer = signer
        self._clock = clock
        self.sign_up = sign_up

    async def make(self, owner: ProvenOwner) -> tuple[str, int]:
        """Make an invite for one person; give its text and its end (microseconds).

        Raises `AddressUnverified`, `SignUpClosed`, and `TooManyTries` over twenty open ones.
        """
        if self.sign_up is SignUp.CLOSED:
            raise SignUpClosed
        now = self._clock()

        def unit(tx: Tx) -> str:
            if not rows.active(tx, self._signer, owner).is_verified:
                raise AddressUnverified
            (row,) = tx.all(
                "SELECT count(*) FROM tickets WHERE account = :account AND purpose = :purpose"
                " AND expires_at > :now",
                account=owner.account,
                purpose=Purpose.INVITE,
                now=now,
            )
            if row[0] >= MOST_OPEN:
                raise TooManyTries(_HOUR_SECONDS)
            audit.record(tx, self._signer, owner, Act.INVITE_MADE, at=now)
            return self._tickets.issue(tx, Purpose.INVITE, owner, now=now, life=LIFE)

        return await self._store.write(unit), now + LIFE

    async def make_for_operator(self) -> tuple[str, int]:
        """Make an invite of the operator's own, which counts even while nobody has an account."""
        now = self._clock()
        text = await self._store.write(
            lambda tx: self._tickets.issue(tx, Purpose.INVITE, None, now=now, life=LIFE)
        )
        return text, now + LIFE

    def ask_for(self, invite: str) -> None:
        """Make sure, before anything costs time, that an account may be made.

        Raises `SignUpClosed`, `InviteRequired`.
        """
        if self.sign_up is SignUp.CLOSED:
            raise SignUpClosed
        if self.sign_up is SignUp.INVITE and not invite:
            raise InviteRequired

    def use(self, tx: Tx, invite: str, *, now: int) -> None:
        """Use an invite up, where one is needed. Raises `SignUpClosed`, `InviteRequired`.

        One whose maker's address is not verified, or who may not sign in any more, does not count.
        """
        self.ask_for(invite)
        if self.sign_up is not SignUp.INVITE:
            return
        try:
            ticket = self._tickets.redeem(tx, invite, Purpose.INVITE, now=now)
        except TicketGone:
            raise InviteRequired from None
        if ticket.account is None:
            return
        maker = rows.find(tx, self._signer, Owner(ticket.account))
        if maker is None or maker.disabled_at or maker.deleted_at or not maker.is_verified:
            raise InviteRequired
