"""Another address for an account: and so another id, since that is the address's SHA-256.

All of its rows move to the new id in one transaction: what is sealed is sealed anew (its associated
data names the account), vouchers and the audit trail are signed anew. Whatever happens meanwhile,
there is the one or the other. Every session ends, and both addresses are told.
"""

from collections.abc import Sequence
from typing import Final

import audit
from accounts import address as addresses
from accounts import identities, passkeys, rows, second_factor
from accounts.accounts import Accounts
from accounts.belongings import Belongings
from accounts.box import Box
from accounts.deletion import Deletion
from accounts.errors import AddressTaken, TicketGone
from accounts.guesses import Guesses
from accounts.links import Links, Page
from accounts.outbox import Letter, Outbox
from accounts.rows import Account
from accounts.sessions import Sessions
from accounts.tickets import Purpose, Tickets
from accounts.tools import Tools
from accounts.user_tokens import UserTokens
from accounts.visits import Visit
from accounts.vouching import vouch
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Store, Tx, changes
from store.changes import Kind
from store.clock import DAY

LIFE: Final = DAY


def forget(tx: Tx, *, older_than: int) -> None:
    """Drop the notes of who moved where, once no call that began before can still run."""
    tx.run("DELETE FROM moves WHERE at < :older_than", older_than=older_than)


class Moving:
    """Takes an account to another address."""

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
        tools: Tools,
        user_tokens: UserTokens,
        deletion: Deletion,
        belongings: Sequence[Belongings],
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
        self._tools = tools
        self._user_tokens = user_tokens
        self._deletion = deletion
        self._belongings = belongings
        self._guesses = guesses
        self._links = links

    async def ask(self, owner: ProvenOwner, address: str) -> None:
        """Send a link to the new address; nothing changes before it is opened.

        Whether there is an account with that address already is not told: then no mail is sent.
        Raises `AddressMalformed`, `TooManyTries`.
        """
        normalized = addresses.normalize(address)
        to = Owner(addresses.account_of(normalized))
        await self._guesses.take((self._guesses.limits.mail_to, to.account))
        now = self._clock()

        def unit(tx: Tx) -> None:
            self._tickets.void(tx, owner, Purpose.CHANGE_ADDRESS)
            there = rows.find(tx, self._signer, to)
            if there is not None and there.deleted_at is None:
                return
            ticket = self._tickets.issue(
                tx, Purpose.CHANGE_ADDRESS, owner, now=now, life=LIFE, address=normalized
            )
            link = self._links.to(Page.CHANGE_ADDRESS, ticket)
            letter = Letter.CHANGE_ADDRESS
            self._outbox.post(
                tx, owner, letter, to=normalized, now=now, link=link, new_address=normalized
            )

        await self._store.write(unit)

    async def confirm(self, owner: Owner, ticket: str, visit: Visit) -> Owner:
        """Take the link, for somebody signed in to the account: it is done, and nobody is any more.

        Gives the account's new id. Raises `TicketGone`, `AddressTaken`.
        """
        now = self._clock()

        def unit(tx: Tx) -> Owner:
            found = self._tickets.redeem(tx, ticket, Purpose.CHANGE_ADDRESS, now=now)
            if found.owner.account != owner.account:
                raise TicketGone
            return self.move(tx, owner, found.facts["address"], visit, at=now)

        to = await self._store.write(unit)
        self._deletion.was_carried_out()
        return to

    def move(self, tx: Tx, was: Owner, address: str, visit: Visit, *, at: int) -> Owner:
        """Move all of an account's rows to its new id, in the caller's transaction."""
        account = rows.active(tx, self._signer, was)
        old = account.address and self._box.open(rows.ADDRESS, was.account, account.address)
        to = Owner(addresses.account_of(address))
        if to.account == was.account:
            return to
        self._deletion.finish(tx, to)
        if rows.find(tx, self._signer, to) is not None:
            raise AddressTaken
        self._sessions.end_all(tx, was, at=at)
        self._tickets.void(tx, was)
        self._move_row(tx, account, to, address, at)
        changes.move(tx, was, to)
        audit.move(tx, self._signer, was, to)
        self._accounts.move(tx, was, to)
        self._tools.move(tx, was, to)
        self._user_tokens.move(tx, was, to)
        identities.move(tx, self._box, self._signer, was, to)
        passkeys.move(tx, self._signer, was, to)
        second_factor.move(tx, self._box, was, to)
        for part in self._belongings:
            part.move(tx, was, to)
        tx.run(
            "INSERT INTO moves (was, account, at) VALUES (:was, :account, :at)",
            was=was.account,
            account=to.account,
            at=at,
        )
        audit.record(tx, self._signer, to, Act.ADDRESS_CHANGED, at=at)
        changes.append(tx, to, Kind.ACCOUNT_MOVED, at=at, was=was.account)
        facts = {
            "old_address": old.decode() if old else "none",
            "new_address": address,
            "place": visit.address,
            "device": visit.device_words,
        }
        for reader in {facts["old_address"], address} - {"none"}:
            self._outbox.post(tx, to, Letter.ADDRESS_CHANGED, to=reader, now=at, **facts)
        return to

    def _move_row(self, tx: Tx, account: Account, to: Owner, address: str, at: int) -> None:
        """Give the account's row its new id; all rows that refer to it follow by themselves."""
        moved = Account(
            to.account,
            self._box.seal(rows.ADDRESS, to.account, address.encode()),
            at,
            account.created_at,
            None,
            None,
        )
        tx.run(
            "UPDATE accounts SET account = :to, address = :address, verified_at = :at,"
            " voucher = :voucher WHERE account = :account",
            account=account.id,
            to=to.account,
            address=moved.address,
            at=at,
            voucher=vouch(self._signer, "accounts", to, *moved.facts),
        )
