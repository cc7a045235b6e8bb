"""User tokens: what an owner's own GraphQL clients hold, each with scopes and no power beyond them.

None counts as a fresh login, whatever its scopes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ulid import ULID

import audit
from accounts import tokens
from accounts.errors import NameUnfit, TokenUnknown, UserTokenGone
from accounts.scopes import Scope
from accounts.tokens import TokenKind
from accounts.tools import LONGEST_NAME
from accounts.vouching import Fact, vouch, vouched
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Row, Store, Tx, changes
from store.changes import Kind
from store.clock import MINUTE


@dataclass(frozen=True, slots=True)
class UserToken:
    """A token of an owner's own GraphQL clients. `prefix` is public; times are microseconds."""

    id: str
    account: str
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    created_at: int
    expires_at: int | None
    used_at: int | None

    @property
    def owner(self) -> Owner:
        """Whose token it is."""
        return Owner(self.account)

    def facts(self, digest: bytes) -> tuple[Fact, ...]:
        """Give what the voucher covers."""
        return (self.id, digest, " ".join(self.scopes), self.created_at, self.expires_at)


_TOKEN: Final = (
    "SELECT id, account, name, prefix, scopes, created_at, expires_at, used_at, digest, voucher"  # noqa: S105
    " FROM user_tokens"
)
_SEEN_EVERY: Final = MINUTE
_SCOPES: Final = frozenset(Scope)


class UserTokens:
    """Makes, lists, finds and revokes them."""

    def __init__(self, store: Store, signer: Signer, clock: Clock) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock

    async def make(
        self, owner: ProvenOwner, name: str, *, scopes: Iterable[Scope], expires_at: int | None
    ) -> tuple[UserToken, str]:
        """Make a token; its text is given here and never again. Raises `NameUnfit`."""
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise NameUnfit(LONGEST_NAME)
        made, at = tokens.make(TokenKind.USER), self._clock()
        wanted = set(scopes)
        token = UserToken(
            f"utk_{ULID()}",
            owner.account,
            name,
            made.prefix,
            tuple(scope for scope in Scope if scope in wanted),
            at,
            expires_at,
            None,
        )

        def unit(tx: Tx) -> None:
            tx.run(
                "INSERT INTO user_tokens (id, account, name, digest, prefix, scopes, created_at,"
                " expires_at, voucher) VALUES (:id, :account, :name, :digest, :prefix, :scopes,"
                " :at, :expires_at, :voucher)",
                id=token.id,
                account=owner.account,
                name=name,
                digest=made.digest,
                prefix=made.prefix,
                scopes=" ".join(token.scopes),
                at=at,
                expires_at=expires_at,
                voucher=vouch(self._signer, "user_tokens", owner, *token.facts(made.digest)),
            )
            act = Act.USER_TOKEN_CREATED
            audit.record(tx, self._signer, owner, act, at=at, subject=token.id)

        await self._store.write(unit)
        return token, made.text

    async def list(self, owner: Owner, *, prefix: str = "") -> list[UserToken]:
        """Give the owner's tokens that are not revoked, oldest first.

        With a prefix, those whose text begins so: to find out which one it was that leaked.
        """
        rows = await self._store.read(
            lambda tx: tx.all(
                f"{_TOKEN} WHERE account = :account AND revoked_at IS NULL ORDER BY id",
                account=owner.account,
            )
        )
        found = [token for row in rows if (token := self._vouched_for(row))]
        return [token for token in found if tokens.begins(token.prefix, prefix)]

    async def revoke(self, owner: ProvenOwner, token: str) -> None:
        """End a user token, by its id: refused from now on. Raises `UserTokenGone`."""
        at = self._clock()

        def unit(tx: Tx) -> None:
            if not tx.run(
                "UPDATE user_tokens SET revoked_at = :at, voucher = x'' WHERE account = :account"
                " AND id = :id AND revoked_at IS NULL",
                account=owner.account,
                id=token,
                at=at,
            ):
                raise UserTokenGone
            changes.append(tx, owner, Kind.USER_TOKEN_REVOKED, at=at)
            act = Act.USER_TOKEN_REVOKED
            audit.record(tx, self._signer, owner, act, at=at, subject=token)

        await self._store.write(unit)

    def end_all(self, tx: Tx, owner: Owner, *, at: int) -> int:
        """End all of the owner's user tokens; give how many those were."""
        ended = tx.run(
            "UPDATE user_tokens SET revoked_at = :at, voucher = x'' WHERE account = :account"
            " AND revoked_at IS NULL",
            account=owner.account,
            at=at,
        )
        if ended:
            changes.append(tx, owner, Kind.USER_TOKEN_REVOKED, at=at)
        return ended

    async def holder(self, text: str) -> UserToken:
        """Give the token that this is the text of. Raises `TokenUnknown`."""
        digest, now = tokens.digest_of(text, TokenKind.USER), self._clock()
        row = await self._store.read(
            lambda tx: tx.one(
                f"{_TOKEN} WHERE digest = :digest AND revoked_at IS NULL"  # noqa: S608
                " AND (expires_at IS NULL OR expires_at > :now)"
                " AND (SELECT disabled_at IS NULL AND deleted_at IS NULL FROM accounts"
                " WHERE accounts.account = user_tokens.account)",
                digest=digest,
                now=now,
            )
        )
        token = None if row is None else self._vouched_for(row)
        if token is None:
            raise TokenUnknown
        if token.used_at is None or now - token.used_at > _SEEN_EVERY:
            self._store.write_soon(lambda tx: self._note_use(tx, token, now))
        return token

    def move(self, tx: Tx, was: Owner, to: Owner) -> None:
        """Vouch anew for the rows of an account whose id has changed; drop what was not vouched."""
        for row in tx.all(f"{_TOKEN} WHERE account = :account", account=to.account):
            *_, digest, voucher = row
            token = _token(row)
            ours = vouched(self._signer, voucher, "user_tokens", was, *token.facts(digest))
            anew = vouch(self._signer, "user_tokens", to, *token.facts(digest)) if ours else b""
            tx.run(
                "UPDATE user_tokens SET voucher = :voucher WHERE account = :account AND id = :id",
                account=to.account,
                id=token.id,
                voucher=anew,
            )

    def _note_use(self, tx: Tx, token: UserToken, now: int) -> None:
        tx.run(
            "UPDATE user_tokens SET used_at = :now WHERE account = :account AND id = :id",
            account=token.account,
            id=token.id,
            now=now,
        )

    def _vouched_for(self, row: Row) -> UserToken | None:
        *_, digest, voucher = row
        token = _token(row)
        ours = vouched(self._signer, voucher, "user_tokens", token.owner, *token.facts(digest))
        return token if ours else None


def _token(row: Row) -> UserToken:
    name, account, label, prefix, scopes, *times, _, _ = row
    # Where one is none, somebody wrote it from outside: then it has none, and no voucher fits.
    known = scopes.split() if _SCOPES.issuperset(scopes.split()) else ()
    allowed = tuple(Scope(scope) for scope in known)
    return UserToken(name, account, label, prefix, allowed, *times)
