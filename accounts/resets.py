"""Passwords changed and forgotten: a link by mail, good for a day, once, for the address on file.

Asking costs the same whether or not there is such an account: one row, written before anything is
looked up. The letter is written afterwards, by `write_asked`, or not at all.
"""

from typing import Final

import audit
from accounts import address as addresses
from accounts import rows
from accounts.accounts import Accounts
from accounts.box import Box, BoxBroken
from accounts.errors import AccountDisabled, SignInRequired, TicketGone
from accounts.guesses import Guesses
from accounts.links import Links, Page
from accounts.outbox import Letter, Outbox, Waiting
from accounts.sessions import Session, Sessions
from accounts.tickets import Purpose, Tickets
from accounts.verifying import Verifying
from accounts.visits import Visit
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Store, Tx
from store.clock import DAY

LIFE: Final = DAY
_MOST_AT_ONCE: Final = 50


class Resets:
    """Sends the links, and takes them."""

    def __init__(  # noqa: PLR0917 - the parts that it stands on
        self,
        store: Store,
        box: Box,
        signer: Signer,
        clock: Clock,
        tickets: Tickets,
        outbox: Outbox,
        accounts: Accounts,
        sessions: Sessions,
        verifying: Verifying,
        guesses: Guesses,
        links: Links,
    ) -> None:
        self._store = store
        self._box = box
        self._signer = signer
        self._clock = clock
        self._tickets = tickets
        self._outbox = outbox
        self._accounts = accounts
        self._sessions = sessions
        self._verifying = verifying
        self._guesses = guesses
        self._links = links

    async def ask(self, address: str, visit: Visit) -> None:
        """Ask for a link to be sent, to whoever has that address.

        Raises `AddressMalformed`, and `TooManyTries` by what was asked before, known or not.
        """
        owner = Owner(addresses.account_of(addresses.normalize(address)))
        allowed = self._guesses.limits
        await self._guesses.take(
            (allowed.mail_from, visit.network), (allowed.mail_to, owner.account)
        )
        now = self._clock()
        place, device = visit.address, visit.device_words
        await self._store.write(
            lambda tx: self._outbox.ask(
                tx, owner, Letter.RESET_PASSWORD, now=now, place=place, device=device
            )
        )

    async def write_asked(self) -> int:
        """Write the letters that were asked for; give how many requests there were."""
        now = self._clock()

        def unit(tx: Tx) -> int:
            asked = self._outbox.asked(tx, Letter.RESET_PASSWORD, most=_MOST_AT_ONCE)
            for request in asked:
                self._answer(tx, request, now)
            return len(asked)

        if not await self._store.read(self._outbox.is_asked):
            return 0
        return await self._store.write(unit)

    async def change(
        self, owner: ProvenOwner, password: str, visit: Visit, *, keep: Session | None
    ) -> None:
        """Give an account another password, or its first; every session but one ends.

        So does whatever was begun under the old one. Raises `PasswordUnfit`, `TooManySignIns`.
        """
        hashed = await self._accounts.hashed(owner, password)
        at = self._clock()

        def unit(tx: Tx) -> None:
            self._accounts.set_password(tx, owner, hashed, visit, at=at)
            self._sessions.end_all(tx, owner, at=at, keep=keep)
            begun = (Purpose.SECOND_FACTOR, Purpose.RESET_PASSWORD, Purpose.CHANGE_ADDRESS)
            self._tickets.void(tx, owner, *begun)

        await self._store.write(unit)

    def _answer(self, tx: Tx, request: Waiting, now: int) -> None:
        owner = Owner(request.account)
        try:
            account = rows.active(tx, self._signer, owner)
            if account.address is None:
                return
            address = self._box.open(rows.ADDRESS, account.id, account.address).decode()
        except (SignInRequired, AccountDisabled, BoxBroken):
            return
        if not account.is_verified:
            letter = Letter.RESET_OF_UNVERIFIED
            self._verifying.send(tx, owner, address, now=now, letter=letter)
            return
        self._tickets.void(tx, owner, Purpose.RESET_PASSWORD)
        ticket = self._tickets.issue(tx, Purpose.RESET_PASSWORD, owner, now=now, life=LIFE)
        audit.record(tx, self._signer, owner, Act.PASSWORD_RESET_SENT, at=now)
        self._outbox.post(
            tx,
            owner,
            Letter.RESET_PASSWORD,
            to=address,
            now=now,
            link=self._links.to(Page.RESET, ticket),
            code=ticket,
            place=request.facts.get("place", ""),
            device=request.facts.get("device", ""),
        )

    async def reset(self, ticket: str, password: str, visit: Visit) -> None:
        """Put a new password in the old one's place: every session ends, and the account is told.

        It signs nobody in, and takes no second factor away. Raises `TicketGone`, `PasswordUnfit`
        (the link stays good), `TooManySignIns`, `TooManyTries`.
        """
        await self._guesses.take((self._guesses.limits.network, visit.network))
        purpose, now = Purpose.RESET_PASSWORD, self._clock()
        # The link first: hashing is dear, and not for whoever has none.
        found = await self._store.read(
            lambda tx: self._tickets.look_at(tx, ticket, purpose, now=now)
        )
        hashed = await self._accounts.hashed(found.owner, password)
        at = self._clock()

        def unit(tx: Tx) -> None:
            owner = self._tickets.redeem(tx, ticket, purpose, now=at).owner
            try:
                rows.active(tx, self._signer, owner)
            except SignInRequired:
                raise TicketGone from None
            act = Act.PASSWORD_RESET
            self._accounts.set_password(tx, owner, hashed, visit, at=at, act=act)
            self._sessions.end_all(tx, owner, at=at)
            self._tickets.void(tx, owner, Purpose.SECOND_FACTOR, Purpose.CHANGE_ADDRESS)

        await self._store.write(unit)
