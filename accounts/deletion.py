"""The end of an account, and of all that it grants.

Deleting is final when it returns: every key is erased and revoked as any removal does it, every
tool, token and session has ended. The rows themselves are swept away a minute later, once every
process and tool has had the time to hear of it; of the audit trail a skeleton stays, under a random
name: what was done and when, and no account that it could be traced to.
"""

import contextlib
from collections.abc import Sequence
from typing import Final

from ulid import ULID

import audit
from accounts import address as addresses
from accounts import rows
from accounts.belongings import Belongings
from accounts.box import Box, BoxBroken
from accounts.errors import AddressMalformed, ConfirmationWrong
from accounts.outbox import Letter, Outbox
from accounts.sessions import Session, Sessions
from accounts.tickets import Tickets
from accounts.tools import Tools
from accounts.user_tokens import UserTokens
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Store, Tx, changes
from store.changes import Kind
from store.clock import MINUTE

_HEARD_WITHIN: Final = MINUTE
_WITHOUT_ADDRESS: Final = "delete my account"
_MOST_SWEPT: Final = 20
# What signs somebody in; the rest goes with the account's row.
_MEANS: Final = ("passwords", "identities", "passkeys", "totp", "recovery_codes")


class Deletion:
    """Ends accounts, and everything that one grants while it stays."""

    def __init__(  # noqa: PLR0917 - the parts that it stands on
        self,
        store: Store,
        box: Box,
        signer: Signer,
        clock: Clock,
        tickets: Tickets,
        outbox: Outbox,
        sessions: Sessions,
        tools: Tools,
        user_tokens: UserTokens,
        belongings: Sequence[Belongings],
    ) -> None:
        self._store = store
        self._box = box
        self._signer = signer
        self._clock = clock
        self._tickets = tickets
        self._outbox = outbox
        self._sessions = sessions
        self._tools = tools
        self._user_tokens = user_tokens
        self._belongings = belongings

    async def delete(self, owner: ProvenOwner, typed: str) -> None:
        """Delete the account; `typed` is its address, to confirm. Raises `ConfirmationWrong`."""
        at = self._clock()

        def unit(tx: Tx) -> None:
            self._confirm(tx, owner, typed)
            self.carry_out(tx, owner, at=at)

        await self._store.write(unit)
        self.was_carried_out()

    async def revoke_everything(self, owner: ProvenOwner, keep: Session) -> tuple[int, int]:
        """Remove every key, and end every tool, token and other session, in one transaction.

        The account stays, and the session that asked. Gives how many keys and tools those were.
        """
        at = self._clock()

        def unit(tx: Tx) -> tuple[int, int]:
            keys, tools = self._end_what_grants(tx, owner, at=at)
            self._sessions.end_all(tx, owner, at=at, keep=keep)
            self._tickets.void(tx, owner)
            audit.record(tx, self._signer, owner, Act.EVERYTHING_REVOKED, at=at)
            letter = Letter.EVERYTHING_REVOKED
            self._outbox.tell(tx, owner, letter, now=at, keys=keys, tools=tools)
            return keys, tools

        ended = await self._store.write(unit)
        self.was_carried_out()
        return ended

    def carry_out(self, tx: Tx, owner: Owner, *, at: int) -> None:
        """Delete an account, in the transaction of whatever is the reason."""
        account = rows.active(tx, self._signer, owner)
        self._outbox.tell(tx, owner, Letter.ACCOUNT_DELETED, now=at)
        self._end_what_grants(tx, owner, at=at)
        self._sessions.end_all(tx, owner, at=at)
        self._tickets.void(tx, owner)
        for table in _MEANS:
            tx.run(f"DELETE FROM {table} WHERE account = :account", account=owner.account)  # noqa: S608
        rows.put(tx, self._signer, account, address=None, verified_at=None, deleted_at=at)
        audit.record(tx, self._signer, owner, Act.ACCOUNT_DELETED, at=at)
        changes.append(tx, owner, Kind.ACCOUNT_DELETED, at=at)

    def was_carried_out(self) -> None:
        """Take what was erased out of the files too: said by whoever awaited the transaction."""
        for part in self._belongings:
            part.was_committed()

    def finish(self, tx: Tx, owner: Owner) -> None:
        """Sweep a deleted account away at once: somebody makes a new one with its address."""
        row = tx.one(
            "SELECT 1 FROM accounts WHERE account = :account AND deleted_at NOT NULL",
            account=owner.account,
        )
        if row is not None:
            self._sweep_away(tx, owner)

    def sweep(self, tx: Tx, *, now: int) -> None:
        """Sweep away what deleted accounts have left, once everybody has heard of their end.

        What is large in them goes before, a little at a time: `broker.files.shed`.
        """
        found = tx.all(
            "SELECT account FROM accounts WHERE deleted_at <= :before AND NOT EXISTS (SELECT 1"
            " FROM files WHERE files.account = accounts.account) LIMIT :most",
            before=now - _HEARD_WITHIN,
            most=_MOST_SWEPT,
        )
        for (account,) in found:
            self._sweep_away(tx, Owner(account))

    def _end_what_grants(self, tx: Tx, owner: Owner, *, at: int) -> tuple[int, int]:
        keys = sum(part.end_all(tx, owner, at=at) for part in self._belongings)
        tools = self._tools.end_all(tx, owner, at=at)
        self._user_tokens.end_all(tx, owner, at=at)
        return keys, tools

    def _sweep_away(self, tx: Tx, owner: Owner) -> None:
        for part in self._belongings:
            part.forget(tx, owner)
        changes.forget(tx, owner)
        nobody = Owner(f"gone_{ULID()}")
        audit.move(tx, self._signer, owner, nobody)
        tx.run("DELETE FROM moves WHERE account = :account", account=owner.account)
        tx.run("DELETE FROM accounts WHERE account = :account", account=owner.account)

    def _confirm(self, tx: Tx, owner: Owner, typed: str) -> None:
        account = rows.active(tx, self._signer, owner)
        expected = _WITHOUT_ADDRESS
        if account.address is not None:
            with contextlib.suppress(BoxBroken):
                expected = self._box.open(rows.ADDRESS, account.id, account.address).decode()
        given = typed.strip()
        with contextlib.suppress(AddressMalformed):
            given = addresses.normalize(typed)
        if given != expected:
            shown = "your account's e-mail address" if account.address else repr(_WITHOUT_ADDRESS)
            raise ConfirmationWrong(shown)
