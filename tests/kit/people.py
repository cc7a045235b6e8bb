"""Accounts without the cost of a password."""

from accounts.address import account_of
from store import ProvenOwner, Store

ADA = ProvenOwner(account_of("ada@example.com"))
BOB = ProvenOwner(account_of("bob@example.com"))


async def settle_in(store: Store, *owners: ProvenOwner) -> None:
    """Give each of them a row, as signing up does."""
    for owner in owners:
        await store.write(
            lambda tx, owner=owner: tx.run(
                "INSERT INTO accounts (account, address, password, created_at)"
                " VALUES (:account, x'00', 'no password', 0)",
                account=owner.account,
            )
        )
