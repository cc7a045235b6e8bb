"""What the operator may do with other people's accounts: nothing that shows a key or opens a door.

Whatever changes something takes an operator who has just shown who they are, and stands in the
account's own audit trail, where its owner sees it.
"""

from dataclasses import dataclass
from typing import Final

import audit
from accounts import address as addresses
from accounts import rows
from accounts.box import Box, BoxBroken
from accounts.errors import AccountUnknown, OperatorRequired
from accounts.sessions import Sessions
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Store, Tx, changes
from store.changes import Kind

_SHORTEST_ID: Final = 8


@dataclass(frozen=True, slots=True)
class Overview:
    """An account as its operator sees it: counts and times, and nothing that it keeps.

    `address` is masked. Times are microseconds.
    """

    account: str
    address: str
    created_at: int
    verified_at: int | None
    disabled_at: int | None
    deleted_at: int | None
    keys: int
    tools: int
    sessions: int
    last_used_at: int | None


_OVERVIEW: Final = (
    "SELECT accounts.account,"
    " (SELECT count(*) FROM keys WHERE keys.account = accounts.account AND removed_at IS NULL),"
    " (SELECT count(*) FROM tools WHERE tools.account = accounts.account AND revoked_at IS NULL),"
    " (SELECT count(*) FROM sessions WHERE sessions.account = accounts.account),"
    " (SELECT max(used_at) FROM sessions WHERE sessions.account = accounts.account)"
    " FROM accounts"
)


class Operating:
    """Lists accounts, disables and enables them, ends their sessions."""

    def __init__(  # noqa: PLR0917 - the parts that it stands on
        self,
        store: Store,
        box: Box,
        signer: Signer,
        clock: Clock,
        sessions: Sessions,
        operators: tuple[str, ...],
    ) -> None:
        self._store = store
        self._box = box
        self._signer = signer
        self._clock = clock
        self._sessions = sessions
        self._operators = frozenset(map(addresses.account_of, operators))

    async def list(self) -> list[Overview]:
        """Give every account, oldest first."""
        return await self._store.read(
            lambda tx: [
                self._overview(tx, row) for row in tx.all(f"{_OVERVIEW} ORDER BY created_at")
            ]
        )

    async def find(self, named: str) -> Overview:
        """Give one account, by its address, its id, or the id's beginning. Raises `AccountUnknown`.

        Eight characters of the id at least: fewer might be somebody else's tomorrow.
        """
        account = named.strip().lower()
        if "@" in account:
            account = addresses.account_of(addresses.normalize(named))
        if len(account) < _SHORTEST_ID or not account.isalnum():
            raise AccountUnknown

        def unit(tx: Tx) -> list[Overview]:
            found = tx.all(
                f"{_OVERVIEW} WHERE substr(account, 1, :length) = :account LIMIT 2",
                length=len(account),
                account=account,
            )
            return [self._overview(tx, row) for row in found]

        found = await self._store.read(unit)
        if len(found) != 1:
            raise AccountUnknown
        return found[0]

    async def disable(self, operator: ProvenOwner, account: str) -> None:
        """Let nothing of the account be used: no sign-in, no token; what runs is cut.

        Its keys stay sealed as they are. Raises `OperatorRequired`, `AccountUnknown`.
        """
        await self._switch(operator, Owner(account), disabled=True)

    async def enable(self, operator: ProvenOwner, account: str) -> None:
        """Let a disabled account be used again. Raises `OperatorRequired`, `AccountUnknown`."""
        await self._switch(operator, Owner(account), disabled=False)

    async def end_sessions(self, operator: ProvenOwner, account: str) -> int:
        """End all sessions of an account; give how many. Raises `OperatorRequired`."""
        self.require(operator)
        at, by = self._clock(), _named(operator)
        return await self._store.write(
            lambda tx: self._sessions.end_all(tx, Owner(account), at=at, by=by)
        )

    async def end_everybodys_sessions(self, operator: ProvenOwner) -> int:
        """End all sessions of all accounts; give how many. Raises `OperatorRequired`."""
        return sum([await self.end_sessions(operator, each.account) for each in await self.list()])

    def require(self, operator: ProvenOwner) -> None:
        """Make sure that somebody is an operator. Raises `OperatorRequired`."""
        if operator.account not in self._operators:
            raise OperatorRequired

    async def _switch(self, operator: ProvenOwner, owner: Owner, *, disabled: bool) -> None:
        self.require(operator)
        at = self._clock()
        act = Act.ACCOUNT_DISABLED if disabled else Act.ACCOUNT_ENABLED
        kind = Kind.ACCOUNT_DISABLED if disabled else Kind.ACCOUNT_ENABLED

        def unit(tx: Tx) -> None:
            account = rows.find(tx, self._signer, owner)
            if account is None or account.deleted_at is not None:
                raise AccountUnknown
            if (account.disabled_at is not None) == disabled:
                return
            if disabled:
                self._sessions.end_all(tx, owner, at=at, by=_named(operator))
            rows.put(tx, self._signer, account, disabled_at=at if disabled else None)
            audit.record(tx, self._signer, owner, act, at=at, subject=_named(operator))
            changes.append(tx, owner, kind, at=at)

        await self._store.write(unit)

    def _overview(self, tx: Tx, row: tuple[str, int, int, int, int | None]) -> Overview:
        account, keys, tools, sessions, used = row
        found = rows.find(tx, self._signer, Owner(account))
        if found is None:  # altered from outside
            return Overview(account, "ALTERED", 0, None, None, None, keys, tools, sessions, used)
        return Overview(
            account,
            self._masked(found),
            found.created_at,
            found.verified_at,
            found.disabled_at,
            found.deleted_at,
            keys,
            tools,
            sessions,
            used,
        )

    def _masked(self, account: rows.Account) -> str:
        if account.address is None:
            return ""
        try:
            address = self._box.open(rows.ADDRESS, account.id, account.address).decode()
        except BoxBroken:
            return "does not open"
        local, _, domain = address.rpartition("@")
        return f"{local[:1]}•••@{domain}"


def _named(operator: ProvenOwner) -> str:
    """Name an operator in somebody else's trail: enough to find them, and no address."""
    return f"operator {operator.account[:_SHORTEST_ID]}"
