"""Accounts without the cost of a password."""

from accounts import rows
from accounts.address import account_of
from accounts.rows import Account
from keysteward.box import SealedBox
from store import ProvenOwner, Store
from vault.keyring import Keyring

ADA = ProvenOwner(account_of("ada@example.com"))
BOB = ProvenOwner(account_of("bob@example.com"))
_ADDRESSES = {ADA: "ada@example.com", BOB: "bob@example.com"}


async def settle_in(
    store: Store,
    *owners: ProvenOwner,
    keyring: Keyring | None = None,
    verified: bool = True,
    created_at: int = 0,
) -> None:
    """Give each of them a row, as signing up does; with a keyring, one that opens."""
    signer = keyring or Keyring.parse(Keyring.mint("nobody"))
    box = SealedBox(signer)
    for owner in owners:
        address = _ADDRESSES.get(owner, f"{owner.account[:8]}@example.com")
        sealed = box.seal(rows.ADDRESS, owner.account, address.encode())
        account = Account(owner.account, sealed, 0 if verified else None, created_at, None, None)
        await store.write(lambda tx, account=account: rows.insert(tx, signer, account))
