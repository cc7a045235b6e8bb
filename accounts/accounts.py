"""Accounts: signing up and in by e-mail address and password."""

from dataclasses import dataclass
from typing import Protocol

from ulid import ULID

import audit
from accounts import address as addresses
from accounts import tokens
from accounts.errors import (
    AddressMalformed,
    AddressTaken,
    NameUnfit,
    SignInRequired,
    SignUpClosed,
    TokenUnknown,
    UserTokenGone,
)
from accounts.passwords import Passwords
from accounts.tokens import TokenKind
from accounts.tools import LONGEST_NAME
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Store, Tx, changes
from store.changes import Kind


@dataclass(frozen=True, slots=True)
class UserToken:
    """A token of an owner's own GraphQL clients. Times are microseconds."""

    id: str
    name: str
    hint: str
    created_at: int
    expires_at: int | None


class AddressBox(Protocol):
    """Seals and opens an account's address; the composition hands one in, made from the keyring."""

    def seal(self, account: str, address: str) -> bytes:
        """Seal an address for its account's row."""

    def open(self, account: str, sealed: bytes) -> str:
        """Open what `seal` gave, in the same account's row."""


class Accounts:
    """Everybody who may sign in here."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        box: AddressBox,
        signer: Signer,
        clock: Clock,
        *,
        open_to_sign_up: bool = True,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._box = box
        self._signer = signer
        self._clock = clock
        self._open_to_sign_up = open_to_sign_up

    async def sign_up(self, address: str, password: str) -> Owner:
        """Make an account. Raises `AddressMalformed`, `PasswordUnfit`, `AddressTaken`."""
        if not self._open_to_sign_up:
            raise SignUpClosed
        normalized = addresses.normalize(address)
        owner = Owner(addresses.account_of(normalized))
        hashed = await self._passwords.hash(password)
        sealed = self._box.seal(owner.account, normalized)
        at = self._clock()

        def unit(tx: Tx) -> None:
            if not tx.run(
                "INSERT INTO accounts (account, address, password, created_at)"
                " VALUES (:account, :address, :password, :at) ON CONFLICT DO NOTHING",
                account=owner.account,
                address=sealed,
                password=hashed,
                at=at,
            ):
                raise AddressTaken
            changes.append(tx, owner, Kind.ACCOUNT_CREATED, at=at)
            audit.record(tx, self._signer, owner, Act.ACCOUNT_CREATED, at=at)

        await self._store.write(unit)
        return owner

    async def sign_in(self, address: str, password: str) -> Owner:
        """Give the owner whose address and password these are. Raises `SignInRefused`.

        An unknown address and a wrong password take the same time and get the same answer.
        """
        try:
            account = addresses.account_of(addresses.normalize(address))
        except AddressMalformed:
            account = ""
        await self.check_password(Owner(account), password)
        return Owner(account)

    async def check_password(self, owner: Owner, password: str) -> None:
        """Make sure that the password is this owner's. Raises `SignInRefused`."""
        row = await self._store.read(
            lambda tx: tx.one(
                "SELECT password FROM accounts WHERE account = :account", account=owner.account
            )
        )
        renewed = await self._passwords.verify(row[0] if row else None, password)
        if renewed is not None:
            await self._store.write(
                lambda tx: tx.run(
                    "UPDATE accounts SET password = :password WHERE account = :account"
                    " AND password = :old",
                    password=renewed,
                    account=owner.account,
                    old=row[0] if row else "",
                )
            )

    async def address(self, owner: Owner) -> tuple[str, int]:
        """Give the owner's own address and when the account was made (microseconds)."""
        row = await self._store.read(
            lambda tx: tx.one(
                "SELECT address, created_at FROM accounts WHERE account = :account",
                account=owner.account,
            )
        )
        if row is None:
            raise SignInRequired
        return self._box.open(owner.account, row[0]), row[1]

    async def make_user_token(
        self, owner: ProvenOwner, name: str, *, expires_at: int | None
    ) -> str:
        """Make a token for the owner's own GraphQL clients; given here and never again."""
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise NameUnfit(LONGEST_NAME)
        token = tokens.make(TokenKind.USER)
        reference, at = f"utk_{ULID()}", self._clock()

        def unit(tx: Tx) -> None:
            tx.run(
                "INSERT INTO user_tokens (id, account, name, digest, hint, created_at, expires_at)"
                " VALUES (:id, :account, :name, :digest, :hint, :at, :expires_at)",
                id=reference,
                account=owner.account,
                name=name,
                digest=token.digest,
                hint=token.hint,
                at=at,
                expires_at=expires_at,
            )
            act = Act.USER_TOKEN_CREATED
            audit.record(tx, self._signer, owner, act, at=at, subject=reference)

        await self._store.write(unit)
        return token.text

    async def user_tokens(self, owner: Owner) -> list[UserToken]:
        """Give the owner's user tokens that are not revoked, oldest first."""
        rows = await self._store.read(
            lambda tx: tx.all(
                "SELECT id, name, hint, created_at, expires_at FROM user_tokens"
                " WHERE account = :account AND revoked_at IS NULL ORDER BY id",
                account=owner.account,
            )
        )
        return [UserToken(*row) for row in rows]

    async def revoke_user_token(self, owner: ProvenOwner, token: str) -> None:
        """End a user token, by its id: refused from now on. Raises `UserTokenGone`."""
        at = self._clock()

        def unit(tx: Tx) -> None:
            if not tx.run(
                "UPDATE user_tokens SET revoked_at = :at WHERE account = :account AND id = :id"
                " AND revoked_at IS NULL",
                account=owner.account,
                id=token,
                at=at,
            ):
                raise UserTokenGone
            changes.append(tx, owner, Kind.USER_TOKEN_REVOKED, at=at)
            act = Act.USER_TOKEN_REVOKED
            audit.record(tx, self._signer, owner, act, at=at, subject=token)

        await self._store.write(unit)

    async def holder(self, token: str) -> Owner:
        """Give the owner whose user token this is. Raises `TokenUnknown`."""
        digest, now = tokens.digest_of(token, TokenKind.USER), self._clock()
        row = await self._store.read(
            lambda tx: tx.one(
                "SELECT account FROM user_tokens WHERE digest = :digest AND revoked_at IS NULL"
                " AND (expires_at IS NULL OR expires_at > :now)",
                digest=digest,
                now=now,
            )
        )
        if row is None:
            raise TokenUnknown
        return Owner(row[0])
