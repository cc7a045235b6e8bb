"""Tools: programs that call providers with a token of their own in a key's place."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from ulid import ULID

import audit
from accounts import limits, tokens
from accounts.errors import (
    AddressUnverified,
    NameUnfit,
    RateUnfit,
    TokenUnknown,
    ToolGone,
    TooManyTries,
)
from accounts.limits import Limit, TooSoon
from accounts.tokens import TokenKind
from accounts.vouching import Fact, vouch, vouched
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Store, Tx, changes
from store.changes import Kind, Reason
from store.clock import MINUTE, SECOND

LONGEST_NAME: Final = 100
MOST_PER_MINUTE: Final = 1_000_000


# Not a frozen dataclass: one is made for each call, and that would take five times as long.
class Tool(NamedTuple):
    """One tool. `providers` are the allowed ones; None allows all. Times are microseconds.

    `prefix` is the token's public beginning; `per_minute` is how many calls it may begin. With
    `inspected_only`, an answer in which no key could be looked for is refused.
    """

    id: str
    account: str
    name: str
    prefix: str
    providers: tuple[str, ...] | None
    per_minute: int | None
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    used_at: int | None
    inspected_only: bool = False

    @property
    def owner(self) -> Owner:
        """Whose tool it is: what it may do, it does for them."""
        return Owner(self.account)

    def facts(self, digest: bytes) -> tuple[Fact, ...]:
        """Give what the voucher covers."""
        return (
            self.id,
            digest,
            None if self.providers is None else " ".join(self.providers),
            self.per_minute,
            self.created_at,
            self.expires_at,
            # Only where it is said: a tool from before there was this switch keeps its voucher.
            *(("inspected only",) if self.inspected_only else ()),
        )

    def allows(self, provider: str) -> bool:
        """Tell whether the tool may use that provider."""
        return self.providers is None or provider in self.providers


_TOOL: Final = (
    "SELECT id, account, name, prefix, providers, per_minute, created_at, expires_at, revoked_at,"
    " used_at, inspected_only, digest, voucher FROM tools"
)
_HOLDER: Final = (
    "SELECT tools.id, account, name, prefix, providers, per_minute, tools.created_at, expires_at,"
    " revoked_at, used_at, inspected_only, digest, tools.voucher,"
    " disabled_at IS NULL AND deleted_at IS NULL, address IS NULL OR verified_at NOT NULL"
    " FROM tools JOIN accounts USING (account) WHERE digest = :digest AND revoked_at IS NULL"
)
_SEEN_EVERY: Final = MINUTE


def _tool(row: Sequence[Any]) -> Tool:
    key, account, name, prefix, providers, *rest, inspected_only, _, _ = row
    allowed = None if providers is None else tuple(providers.split())
    return Tool._make((key, account, name, prefix, allowed, *rest, bool(inspected_only)))


def _vouched_for(signer: Signer, row: Sequence[Any]) -> Tool | None:
    *_, digest, voucher = row
    tool = _tool(row)
    return tool if vouched(signer, voucher, "tools", tool.owner, *tool.facts(digest)) else None


def holder_of(
    tx: Tx, signer: Signer, digest: bytes, *, now: int, verified_alone: bool = False
) -> Tool:
    """Give the tool whose token has this digest, in the call's own transaction.

    Raises `TokenUnknown` for one that is unknown, revoked or expired, or whose owner's account is
    disabled or deleted; with `verified_alone`, `AddressUnverified` as well.
    """
    row = tx.one(_HOLDER, digest=digest)
    if row is None:
        raise TokenUnknown
    *of_tool, is_open, is_verified = row
    tool = _vouched_for(signer, of_tool) if is_open else None
    if tool is None or (tool.expires_at is not None and tool.expires_at <= now):
        raise TokenUnknown
    if verified_alone and not is_verified:
        raise AddressUnverified
    return tool


def note_call(tx: Tx, tool: Tool, *, now: int) -> None:
    """Note that the tool calls; to the minute, so that not each call writes it.

    Raises `TooManyTries` where it was given a rate, and calls faster.
    """
    if tool.per_minute is not None:
        rate = Limit("calls of", tool.per_minute, max(1, MINUTE // tool.per_minute))
        try:
            limits.take(tx, rate, tool.id, now=now)
        except TooSoon as soon:
            raise TooManyTries(-(-soon.wait // SECOND)) from None
    if tool.used_at is None or now - tool.used_at > _SEEN_EVERY:
        tx.run(
            "UPDATE tools SET used_at = :now WHERE account = :account AND id = :id",
            account=tool.account,
            id=tool.id,
            now=now,
        )


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
        per_minute: int | None = None,
        inspected_only: bool = False,
    ) -> tuple[Tool, str]:
        """Make a tool and its token, which is given here and never again.

        Raises `NameUnfit`, `RateUnfit`.
        """
        _check(name, per_minute)
        token = tokens.make(TokenKind.TOOL)
        at = self._clock()
        allowed = None if providers is None else tuple(dict.fromkeys(providers))
        tool = Tool(
            f"tool_{ULID()}",
            owner.account,
            name,
            token.prefix,
            allowed,
            per_minute,
            at,
            expires_at,
            None,
            None,
            inspected_only,
        )

        def unit(tx: Tx) -> None:
            tx.run(
                "INSERT INTO tools (id, account, name, digest, prefix, providers, per_minute,"
                " inspected_only, created_at, expires_at, voucher) VALUES (:id, :account, :name,"
                " :digest, :prefix, :providers, :per_minute, :inspected_only, :created_at,"
                " :expires_at, :voucher)",
                id=tool.id,
                account=owner.account,
                name=name,
                digest=token.digest,
                prefix=token.prefix,
                providers=None if allowed is None else f" {' '.join(allowed)} ",
                per_minute=per_minute,
                inspected_only=int(inspected_only),
                created_at=at,
                expires_at=expires_at,
                voucher=vouch(self._signer, "tools", owner, *tool.facts(token.digest)),
            )
            changes.append(tx, owner, Kind.TOOL_CREATED, at=at, tool=tool.id)
            audit.record(tx, self._signer, owner, Act.TOOL_CREATED, at=at, subject=tool.id)

        await self._store.write(unit)
        return tool, token.text

    async def list(self, owner: Owner, *, prefix: str = "") -> list[Tool]:
        """Give the owner's tools that are not revoked, oldest first.

        With a prefix, those whose token begins so: to find out which one it was that leaked.
        """
        rows = await self._store.read(
            lambda tx: tx.all(
                f"{_TOOL} WHERE account = :account AND revoked_at IS NULL ORDER BY id",
                account=owner.account,
            )
        )
        found = [tool for row in rows if (tool := _vouched_for(self._signer, row))]
        return [tool for tool in found if tokens.begins(tool.prefix, prefix)]

    async def named(self, owner: Owner) -> dict[str, Tool]:
        """Give all of the owner's tools by their id, revoked ones too: for the history."""
        rows = await self._store.read(
            lambda tx: tx.all(f"{_TOOL} WHERE account = :account", account=owner.account)
        )
        return {str(row[0]): _tool(row) for row in rows}

    async def change(
        self,
        owner: Owner,
        tool: str,
        *,
        name: str | None = None,
        per_minute: int | None = None,
        inspected_only: bool | None = None,
    ) -> Tool:
        """Change what is said of a tool, and leave what is None; its token stays.

        Raises `ToolGone`, `NameUnfit`, `RateUnfit`.
        """
        _check("x" if name is None else name, per_minute)
        at = self._clock()

        def unit(tx: Tx) -> Tool:
            row = tx.one(
                f"{_TOOL} WHERE account = :account AND id = :tool AND revoked_at IS NULL",
                account=owner.account,
                tool=tool,
            )
            old = None if row is None else _vouched_for(self._signer, row)
            if row is None or old is None:
                raise ToolGone
            new = old._replace(
                name=name or old.name,
                per_minute=per_minute or old.per_minute,
                inspected_only=old.inspected_only if inspected_only is None else inspected_only,
            )
            tx.run(
                "UPDATE tools SET name = :name, per_minute = :per_minute,"
                " inspected_only = :inspected_only, voucher = :voucher"
                " WHERE account = :account AND id = :tool",
                account=owner.account,
                tool=tool,
                name=new.name,
                per_minute=new.per_minute,
                inspected_only=int(new.inspected_only),
                voucher=vouch(self._signer, "tools", owner, *new.facts(row[-2])),
            )
            audit.record(tx, self._signer, owner, Act.TOOL_CHANGED, at=at, subject=tool)
            changes.append(tx, owner, Kind.TOOL_CHANGED, at=at, tool=tool)
            return new

        return await self._store.write(unit)

    async def revoke(self, owner: Owner, tool: str) -> tuple[Tool, int]:
        """End a tool: its token is refused from now on; give it and the change's number.

        Its running calls are cut and its listeners told. Raises `ToolGone`.
        """
        at = self._clock()
        return await self._store.write(lambda tx: self.end(tx, owner, tool, at=at))

    def end(self, tx: Tx, owner: Owner, tool: str, *, at: int) -> tuple[Tool, int]:
        """End a tool, in the transaction of whatever is the reason. Raises `ToolGone`."""
        if not tx.run(
            "UPDATE tools SET revoked_at = :at, voucher = x'' WHERE account = :account"
            " AND id = :tool AND revoked_at IS NULL",
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

    def end_all(self, tx: Tx, owner: Owner, *, at: int) -> int:
        """End all of the owner's tools; give how many those were."""
        rows = tx.all(
            "SELECT id FROM tools WHERE account = :account AND revoked_at IS NULL ORDER BY id",
            account=owner.account,
        )
        for (tool,) in rows:
            self.end(tx, owner, tool, at=at)
        return len(rows)

    def move(self, tx: Tx, was: Owner, to: Owner) -> None:
        """Vouch anew for the rows of an account whose id has changed; drop what was not vouched."""
        for row in tx.all(f"{_TOOL} WHERE account = :account", account=to.account):
            *_, digest, voucher = row
            tool = _tool(row)
            ours = vouched(self._signer, voucher, "tools", was, *tool.facts(digest))
            tx.run(
                "UPDATE tools SET voucher = :voucher WHERE account = :account AND id = :id",
                account=to.account,
                id=tool.id,
                voucher=vouch(self._signer, "tools", to, *tool.facts(digest)) if ours else b"",
            )

    async def holder(self, token: str) -> Tool:
        """Give the tool that holds this token. Raises `TokenUnknown`."""
        digest, now = tokens.digest_of(token, TokenKind.TOOL), self._clock()
        return await self._store.read(lambda tx: holder_of(tx, self._signer, digest, now=now))


def _check(name: str, per_minute: int | None) -> None:
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise NameUnfit(LONGEST_NAME)
    if per_minute is not None and not 1 <= per_minute <= MOST_PER_MINUTE:
        raise RateUnfit(MOST_PER_MINUTE)
