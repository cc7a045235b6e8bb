"""Showing that mail to an account's address reaches its owner.

A link alone shows only that somebody reads that mailbox. Whoever made the account may be somebody
else, who waits for the mailbox's owner to vouch for it; so a link counts together with a session of
the account, or its password. The same mail holds a second link, by which the mailbox's owner can
give up an account that is not theirs.
"""

from typing import Final

import audit
from accounts import rows
from accounts.box import Box
from accounts.deletion import Deletion
from accounts.errors import AddressMissing, SignInRequired, TicketGone
from accounts.guesses import Guesses
from accounts.links import Links, Page
from accounts.outbox import Letter, Outbox
from accounts.tickets import Purpose, Tickets
from audit import Act, Signer
from store import Clock, Owner, Store, Tx, changes
from store.changes import Kind
from store.clock import DAY

LIFE: Final = DAY


class Verifying:
    """Sends the links, and takes them."""

    def __init__(  # noqa: PLR0917 - the parts that it stands on
        self,
        store: Store,
        box: Box,
        tickets: Tickets,
        outbox: Outbox,
        signer: Signer,
        clock: Clock,
        deletion: Deletion,
        guesses: Guesses,
        links: Links,
    ) -> None:
        self._store = store
        self._box = box
        self._tickets = tickets
        self._outbox = outbox
        self._signer = signer
        self._clock = clock
        self._deletion = deletion
        self._guesses = guesses
        self._links = links

    def send(
        self,
        tx: Tx,
        owner: Owner,
        address: str,
        *,
        now: int,
        letter: Letter = Letter.VERIFY_ADDRESS,
    ) -> None:
        """Send both links, in the transaction of whatever is the reason; older ones are void."""
        links = {}
        for name, purpose, page in (
            ("link", Purpose.VERIFY_ADDRESS, Page.VERIFY),
            ("release_link", Purpose.RELEASE_ADDRESS, Page.RELEASE),
        ):
            self._tickets.void(tx, owner, purpose)
            ticket = self._tickets.issue(tx, purpose, owner, now=now, life=LIFE)
            links[name] = self._links.to(page, ticket)
        self._outbox.post(tx, owner, letter, to=address, now=now, **links)

    async def send_again(self, owner: Owner) -> None:
        """Send them once more, if the address is not verified yet.

        Raises `AddressMissing`, `TooManyTries`.
        """
        await self._guesses.take((self._guesses.limits.mail_to, owner.account))
        now = self._clock()

        def unit(tx: Tx) -> None:
            account = rows.active(tx, self._signer, owner)
            if account.address is None:
                raise AddressMissing
            if not account.is_verified:
                address = self._box.open(rows.ADDRESS, account.id, account.address).decode()
                self.send(tx, owner, address, now=now)

        await self._store.write(unit)

    async def whose(self, ticket: str) -> Owner:
        """Give the account that a link is of, and leave it. Raises `TicketGone`."""
        now, purpose = self._clock(), Purpose.VERIFY_ADDRESS
        found = await self._store.read(
            lambda tx: self._tickets.look_at(tx, ticket, purpose, now=now)
        )
        return found.owner

    async def verify(self, ticket: str, owner: Owner) -> None:
        """Take a link, for who has shown that the account is theirs. Raises `TicketGone`."""
        now = self._clock()

        def unit(tx: Tx) -> None:
            found = self._tickets.redeem(tx, ticket, Purpose.VERIFY_ADDRESS, now=now)
            if found.owner.account != owner.account:
                raise TicketGone
            account = rows.active(tx, self._signer, owner)
            self._tickets.void(tx, owner, Purpose.RELEASE_ADDRESS)
            if not account.is_verified:
                rows.put(tx, self._signer, account, verified_at=now)
                audit.record(tx, self._signer, owner, Act.ADDRESS_VERIFIED, at=now)
                changes.append(tx, owner, Kind.ACCOUNT_CHANGED, at=now)

        await self._store.write(unit)

    async def release(self, ticket: str) -> None:
        """Give up an account whose address was never verified. Raises `TicketGone`.

        By whoever reads the mailbox: the account was made by somebody else, with their address.
        """
        now = self._clock()

        def unit(tx: Tx) -> None:
            found = self._tickets.redeem(tx, ticket, Purpose.RELEASE_ADDRESS, now=now)
            try:
                account = rows.active(tx, self._signer, found.owner)
            except SignInRequired:
                raise TicketGone from None
            if account.is_verified:
                raise TicketGone
            self._deletion.carry_out(tx, found.owner, at=now)

        await self._store.write(unit)
        self._deletion.was_carried_out()
