"""The rows of `accounts`: read with their voucher checked, written with a new one."""

import dataclasses
import logging
from dataclasses import dataclass
from typing import Final

from accounts.errors import AccountDisabled, SignInRequired
from accounts.vouching import Fact, vouch, vouched
from audit import Signer
from store import Owner, Row, Tx

_LOG: Final = logging.getLogger("keysteward.accounts")
ADDRESS: Final = "account address"
"""What the address is sealed for."""


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """One account. `address` is sealed, and None where there is none; times are microseconds."""

    id: str
    address: bytes | None
    verified_at: int | None
    created_at: int
    disabled_at: int | None
    deleted_at: int | None

    @property
    def owner(self) -> Owner:
        """Whose rows these are."""
        return Owner(self.id)

    @property
    def is_verified(self) -> bool:
        """Tell whether mail to the address was shown to reach its owner."""
        return self.address is not None and self.verified_at is not None

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What the voucher covers."""
        return (
            self.address,
            self.verified_at,
            self.created_at,
            self.disabled_at,
            self.deleted_at,
        )


def find(tx: Tx, signer: Signer, owner: Owner) -> Account | None:
    """Give an account; None where there is none, or one that this program did not write."""
    row = tx.one(
        "SELECT account, address, verified_at, created_at, disabled_at, deleted_at, voucher"
        " FROM accounts WHERE account = :account",
        account=owner.account,
    )
    return None if row is None else _vouched_for(signer, row)


def active(tx: Tx, signer: Signer, owner: Owner) -> Account:
    """Give an account that may be used. Raises `SignInRequired`, `AccountDisabled`."""
    account = find(tx, signer, owner)
    if account is None or account.deleted_at is not None:
        raise SignInRequired
    if account.disabled_at is not None:
        raise AccountDisabled
    return account


def insert(tx: Tx, signer: Signer, account: Account) -> bool:
    """Add an account; False where one with that id is."""
    return bool(
        tx.run(
            "INSERT INTO accounts (account, address, verified_at, created_at, voucher) VALUES"
            " (:account, :address, :verified_at, :created_at, :voucher) ON CONFLICT DO NOTHING",
            account=account.id,
            address=account.address,
            verified_at=account.verified_at,
            created_at=account.created_at,
            voucher=vouch(signer, "accounts", account.owner, *account.facts),
        )
    )


def put(tx: Tx, signer: Signer, account: Account, **changed: int | bytes | None) -> Account:
    """Change an account's row; give it as it is then."""
    account = dataclasses.replace(account, **changed)  # type: ignore[arg-type]  # its own fields
    tx.run(
        "UPDATE accounts SET address = :address, verified_at = :verified_at,"
        " disabled_at = :disabled_at, deleted_at = :deleted_at, voucher = :voucher"
        " WHERE account = :account",
        account=account.id,
        address=account.address,
        verified_at=account.verified_at,
        disabled_at=account.disabled_at,
        deleted_at=account.deleted_at,
        voucher=vouch(signer, "accounts", account.owner, *account.facts),
    )
    return account


def _vouched_for(signer: Signer, row: Row) -> Account | None:
    *fields, voucher = row
    account = Account(*fields)
    if vouched(signer, voucher, "accounts", account.owner, *account.facts):
        return account
    _LOG.error(
        "The row of account %s… was altered from outside; it counts for nothing.", row[0][:8]
    )
    return None
