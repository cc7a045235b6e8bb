"""Accounts: made by e-mail address and password, and the passwords that they have."""

from dataclasses import dataclass
from typing import Final

import audit
from accounts import address as addresses
from accounts import rows
from accounts.box import Box
from accounts.deletion import Deletion
from accounts.errors import AddressTaken, SignInRequired
from accounts.invites import Invites
from accounts.outbox import Letter, Outbox
from accounts.passwords import Passwords
from accounts.rows import Account
from accounts.verifying import Verifying
from accounts.visits import Visit
from accounts.vouching import vouch, vouched
from audit import Act, Signer
from store import Clock, Owner, Store, Tx, changes
from store.changes import Kind


@dataclass(frozen=True, slots=True)
class Standing:
    """An account as its owner sees it. Times are microseconds."""

    account: str
    address: str | None
    verified_at: int | None
    created_at: int


class Accounts:
    """Everybody who may sign in here."""

    def __init__(  # noqa: PLR0917 - the parts that it stands on
        self,
        store: Store,
        passwords: Passwords,
        box: Box,
        signer: Signer,
        clock: Clock,
        outbox: Outbox,
        verifying: Verifying,
        invites: Invites,
        deletion: Deletion,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._box = box
        self._signer = signer
        self._clock = clock
        self._outbox = outbox
        self._verifying = verifying
        self._invites = invites
        self._deletion = deletion

    async def sign_up(self, address: str, password: str, *, invite: str = "") -> Owner:
        """Make an account, and send its address a link to verify it.

        Raises `SignUpClosed`, `InviteRequired`, `AddressMalformed`, `PasswordUnfit`,
        `AddressTaken`, `TooManySignIns`.
        """
        self._invites.ask_for(invite)
        normalized = addresses.normalize(address)
        hashed = await self._passwords.hash(password, address=normalized)
        at = self._clock()

        def unit(tx: Tx) -> Owner:
            owner = self.create(tx, normalized, is_verified=False, invite=invite, at=at)
            self._put_password(tx, owner, hashed, at)
            self._verifying.send(tx, owner, normalized, now=at)
            return owner

        return await self._store.write(unit)

    def create(
        self, tx: Tx, address: str | None, *, is_verified: bool, invite: str, at: int
    ) -> Owner:
        """Make an account's row, and use up the invite where one is needed.

        `address` is normalized; None for one that signs in by telephone number. Raises
        `AddressTaken`, `SignUpClosed`, `InviteRequired`.
        """
        self._invites.use(tx, invite, now=at)
        account = addresses.account_of(address) if address else addresses.account_of_nobody()
        owner = Owner(account)
        self._deletion.finish(tx, owner)
        sealed = address and self._box.seal(rows.ADDRESS, account, address.encode())
        row = Account(account, sealed or None, at if is_verified else None, at, None, None)
        if not rows.insert(tx, self._signer, row):
            raise AddressTaken
        changes.append(tx, owner, Kind.ACCOUNT_CREATED, at=at)
        audit.record(tx, self._signer, owner, Act.ACCOUNT_CREATED, at=at)
        return owner

    async def check_password(self, owner: Owner, password: str, *, is_known: bool = False) -> None:
        """Make sure that the password is this owner's. Raises `SignInRefused`, `TooManySignIns`.

        One who does not exist, or has no password, takes the same time and gets the same answer.
        Whose browser is known (`is_known`) waits in a queue that strangers can't fill.
        """
        encoded = await self._store.read(lambda tx: self.password_in(tx, owner))
        renewed = await self._passwords.verify(encoded, password, is_known=is_known)
        if renewed is not None:
            await self._store.write(lambda tx: self._renew(tx, owner, encoded, renewed))

    async def has_password(self, owner: Owner) -> bool:
        """Tell whether the account has a password."""
        return await self._store.read(lambda tx: self.password_in(tx, owner)) is not None

    async def hashed(self, owner: Owner, password: str) -> str:
        """Give a new password's hash, once it has been found fit for the account."""
        standing = await self.standing(owner)
        return await self._passwords.hash(password, address=standing.address or "")

    def set_password(
        self, tx: Tx, owner: Owner, hashed: str, visit: Visit, *, at: int, act: Act | None = None
    ) -> None:
        """Put a hash in the old one's place; the account is told."""
        self._put_password(tx, owner, hashed, at)
        audit.record(tx, self._signer, owner, act or Act.PASSWORD_CHANGED, at=at)
        changes.append(tx, owner, Kind.ACCOUNT_CHANGED, at=at)
        place, device = visit.address, visit.device_words
        letter = Letter.PASSWORD_CHANGED
        self._outbox.tell(tx, owner, letter, now=at, place=place, device=device)

    async def standing(self, owner: Owner) -> Standing:
        """Give the account as its owner sees it. Raises `SignInRequired`."""
        row = await self._store.read(lambda tx: rows.find(tx, self._signer, owner))
        if row is None:
            raise SignInRequired
        return Standing(row.id, self._address(row), row.verified_at, row.created_at)

    def _address(self, row: Account) -> str | None:
        if row.address is None:
            return None
        return self._box.open(rows.ADDRESS, row.id, row.address).decode()

    def move(self, tx: Tx, was: Owner, to: Owner) -> None:
        """Vouch anew for the password of an account whose id has changed."""
        row = tx.one(_PASSWORD, account=to.account)
        if row is None:
            return
        encoded, changed_at, voucher = row
        if vouched(self._signer, voucher, "passwords", was, encoded, changed_at):
            self._put_password(tx, to, encoded, changed_at)

    def password_in(self, tx: Tx, owner: Owner) -> str | None:
        """Give the account's encoded password; None where it has none."""
        row = tx.one(_PASSWORD, account=owner.account)
        if row is None:
            return None
        encoded, changed_at, voucher = row
        ours = vouched(self._signer, voucher, "passwords", owner, encoded, changed_at)
        return str(encoded) if ours else None

    def _put_password(self, tx: Tx, owner: Owner, encoded: str, at: int) -> None:
        tx.run(
            "INSERT INTO passwords (account, encoded, changed_at, voucher)"
            " VALUES (:account, :encoded, :at, :voucher) ON CONFLICT (account) DO UPDATE"
            " SET encoded = :encoded, changed_at = :at, voucher = :voucher",
            account=owner.account,
            encoded=encoded,
            at=at,
            voucher=vouch(self._signer, "passwords", owner, encoded, at),
        )

    def _renew(self, tx: Tx, owner: Owner, old: str | None, new: str) -> None:
        """Keep a hash of the present profile, unless the password was changed meanwhile."""
        if self.password_in(tx, owner) == old:
            self._put_password(tx, owner, new, self._clock())


_PASSWORD: Final = "SELECT encoded, changed_at, voucher FROM passwords WHERE account = :account"  # noqa: S105
