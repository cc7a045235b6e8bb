"""Tools: programs that call providers with a token of their own in a key's place."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ulid import ULID

import audit
from accounts import tokens
from accounts.errors import NameUnfit, TokenUnknown, ToolGone
from accounts.tokens import TokenKind
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Row, Store, Tx, changes
from store.changes import Kind, Reason

LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. `providers` are the allowed ones; None allows all. Times are microseconds."""

    id: str
    account: str
    name: str
    hint: str
    providers: tuple[str, ...] | None
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    @property
    def owner(self) -> Owner:
        """Whose tool it is: what it may do, it does for them."""
        return Owner(self.account)

    def allows(self, provider: str) -> bool:
        """Tell whether the tool may use that provider."""
        return self.providers is None or provider in self.providers


_TOOL: Final = (
    "SELECT id, account, name, hint, providers, created_at, expires_at, revoked_at FROM tools"
)


def _tool(row: Row) -> Tool:
    key, account, name, hint, providers, *times = row
    return Tool(
        key, account, name, hint, None if providers is None else tuple(providers.split()), *times
    )


def holder_of(tx: Tx, digest: bytes, *, now: int) -> Tool:
    """Give the tool whose token has this digest, in the call's own transaction.

    Raises `TokenUnknown` for one that is unknown, revoked or expired.
    """
    row = tx.one(f"{_TOOL} WHERE digest = :digest AND revoked_at IS NULL", digest=digest)
    if row is None:
        raise TokenUnknown
    tool = _tool(row)
    if tool.expires_at is not None and tool.expires_at <= now:
        raise TokenUnknown
    return tool


class Tools:
    """The owner's tools."""

    def __init__(self, store: Store, signer: Signer, clock: Clock) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock

    async def create(
        self,
        owner: ProvenOwner,
        name: str,
        *,
        providers: Iterable[str] | None,
        expires_at: int | None,
    ) -> tuple[Tool, str]:
        """Make a tool and its token, which is given here and never again. Raises `NameUnfit`."""
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise NameUnfit(LONGEST_NAME)
        token = tokens.make(TokenKind.TOOL)
        at = self._clock()
        allowed = None if providers is None else tuple(dict.fromkeys(providers))
        tool = Tool(
            f"tool_{ULID()}", owner.account, name, token.hint, allowed, at, expires_at, None
        )

        def unit(tx: Tx) -> None:
            tx.run(
                "INSERT INTO tools (id, account, name, digest, hint, providers, created_at,"
                " expires_at) VALUES (:id, :account, :name, :digest, :hint, :providers,"
                " :created_at, :expires_at)",
                id=tool.id,
                account=owner.account,
                name=name,
                digest=token.digest,
                hint=token.hint,
                providers=None if allowed is None else f" {' '.join(allowed)} ",
                created_at=at,
                expires_at=expires_at,
            )
            changes.append(tx, owner, Kind.TOOL_CREATED, at=at, tool=tool.id)
            audit.record(tx, self._signer, owner, Act.TOOL_CREATED, at=at, subject=tool.id)

        await self._store.write(unit)
        return tool, token.text

    async def list(self, owner: Owner) -> list[Tool]:
        """Give the owner's tools that are not revoked, oldest first."""
        rows = await self._store.read(
            lambda tx: tx.all(
                f"{_TOOL} WHERE account = :account AND revoked_at IS NULL ORDER BY id",
                account=owner.account,
            )
        )
        return [_tool(row) for row in rows]

    async def named(self, owner: Owner) -> dict[str, Tool]:
        """Give all of the owner's tools by their id, revoked ones too: for the history."""
        rows = await self._store.read(
            lambda tx: tx.all(f"{_TOOL} WHERE account = :account", account=owner.account)
        )
        return {str(row[0]): _tool(row) for row in rows}

    async def revoke(self, owner: ProvenOwner, tool: str) -> tuple[Tool, int]:
        """End a tool: its token is refused from now on; give it and the change's number.

        Its running calls are cut and its listeners told. Raises `ToolGone`.
        """
        at = self._clock()

        def unit(tx: Tx) -> tuple[Tool, int]:
            if not tx.run(
                "UPDATE tools SET revoked_at = :at WHERE account = :account AND id = :tool"
                " AND revoked_at IS NULL",
                account=owner.account,
                tool=tool,
                at=at,
            ):
                raise ToolGone
            audit.record(tx, self._signer, owner, Act.TOOL_REVOKED, at=at, subject=tool)
            seq = changes.append(
                tx, owner, Kind.TOOL_REVOKED, reason=Reason.TOOL_REVOKED, at=at, tool=tool
            )
            (row,) = tx.all(
                f"{_TOOL} WHERE account = :account AND id = :tool", account=owner.account, tool=tool
            )
            return _tool(row), seq

        return await self._store.write(unit)

    async def holder(self, token: str) -> Tool:
        """Give the tool that holds this token. Raises `TokenUnknown`."""
        digest, now = tokens.digest_of(token, TokenKind.TOOL), self._clock()
        return await self._store.read(lambda tx: holder_of(tx, digest, now=now))
