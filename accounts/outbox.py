"""The outbox: mail is written in the transaction that it tells of, and kept until it is delivered.

A letter is sealed, with its address and all it says: it may hold a link that resets a password.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson
from ulid import ULID

from accounts.box import Box, BoxBroken
from store import Owner, Tx

_SEALED: Final = "mail"
_ADDRESS: Final = "account address"


class Letter(StrEnum):
    """Which letter: `accounts/letters.py` has its words."""

    VERIFY_ADDRESS = "VERIFY_ADDRESS"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 - a letter
    RESET_OF_UNVERIFIED = "RESET_OF_UNVERIFIED"
    CHANGE_ADDRESS = "CHANGE_ADDRESS"
    ADDRESS_CHANGED = "ADDRESS_CHANGED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - a letter
    MEANS_ADDED = "MEANS_ADDED"
    MEANS_REMOVED = "MEANS_REMOVED"
    SECOND_FACTOR_ADDED = "SECOND_FACTOR_ADDED"
    SECOND_FACTOR_REMOVED = "SECOND_FACTOR_REMOVED"
    RECOVERY_CODE_USED = "RECOVERY_CODE_USED"
    NEW_DEVICE = "NEW_DEVICE"
    GUESSES = "GUESSES"
    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    EVERYTHING_REVOKED = "EVERYTHING_REVOKED"


@dataclass(frozen=True, slots=True, repr=False)
class Waiting:
    """A letter that waits: for its delivery, or to be written. Times are microseconds."""

    id: str
    account: str
    letter: str
    facts: Mapping[str, Any]
    created_at: int
    tries: int


class Outbox:
    """Puts letters in, always within the transaction of what they tell of."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def tell(self, tx: Tx, owner: Owner, letter: Letter, *, now: int, **facts: Any) -> None:
        """Write to an account's own address, once it is verified; until then it may be anybody's.

        Whoever made an account with somebody else's address could else have them written to.
        """
        row = tx.one(
            "SELECT address FROM accounts WHERE account = :account AND address NOT NULL"
            " AND verified_at NOT NULL",
            account=owner.account,
        )
        if row is None:
            return
        try:
            address = self._box.open(_ADDRESS, owner.account, row[0]).decode()
        except BoxBroken:
            return
        self.post(tx, owner, letter, to=address, now=now, **facts)

    def post(
        self, tx: Tx, owner: Owner, letter: Letter, *, to: str, now: int, **facts: Any
    ) -> None:
        """Write to that address."""
        self._put(tx, owner, letter, {"to": to, **facts}, now)

    def ask(self, tx: Tx, owner: Owner, letter: str, *, now: int, **facts: Any) -> None:
        """Keep a request for a letter, to be answered or dropped later by `asked`.

        It costs the same whether or not there is such an account: nobody learns it from the time.
        """
        self._put(tx, owner, f"ASKED {letter}", facts, now)

    def asked(self, tx: Tx, letter: str, *, most: int) -> list[Waiting]:
        """Take the requests for a letter, oldest first."""
        rows = tx.all(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE letter = :letter"
            " ORDER BY id LIMIT :most) RETURNING id, account, letter, sealed, created_at, tries",
            letter=f"ASKED {letter}",
            most=most,
        )
        return [waiting for row in sorted(rows) if (waiting := self.opened(row)) is not None]

    def is_asked(self, tx: Tx) -> bool:
        """Tell whether anybody's letter is asked for: a look, before a write."""
        return tx.one("SELECT 1 FROM outbox WHERE letter LIKE 'ASKED %' LIMIT 1") is not None

    def opened(self, row: tuple[Any, ...]) -> Waiting | None:
        """Give a row's letter; None for one that does not open: nobody can ever send it."""
        name, account, letter, sealed, created_at, tries = row
        try:
            plaintext = self._box.open(_SEALED, account, sealed, name, letter)
        except BoxBroken:
            return None
        return Waiting(name, account, letter, orjson.loads(plaintext), created_at, tries)

    def _put(self, tx: Tx, owner: Owner, letter: str, facts: Mapping[str, Any], now: int) -> None:
        name = f"mail_{ULID()}"
        sealed = self._box.seal(_SEALED, owner.account, orjson.dumps(facts), name, letter)
        tx.run(
            "INSERT INTO outbox (id, account, letter, sealed, created_at, due_at)"
            " VALUES (:id, :account, :letter, :sealed, :now, :now)",
            id=name,
            account=owner.account,
            letter=letter,
            sealed=sealed,
            now=now,
        )
