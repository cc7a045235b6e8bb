# ruff: noqa: D101, D102 - what a client reads stands in `description`; names say the rest
"""What a client sees of providers, keys, tools, calls, revocations and accounts."""

import datetime as dt
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry
from graphql import OperationType

from accounts.elsewhere import Intent
from accounts.identity_kind import IdentityKind
from accounts.invites import SignUp
from accounts.scopes import Scope
from accounts.sessions import Means
from accounts.sessions import Session as SessionRow
from accounts.tools import Tool as ToolRow
from accounts.user_tokens import UserToken as UserTokenRow
from accounts.ways import Way
from audit import Entry as AuditRow
from broker.calls import Call as CallRow
from broker.calls import Use as UseRow
from broker.files import File as FileRow
from metering import Source
from providers import CATALOGUE
from providers import Provider as ProviderRow
from schema.problems import CursorExpired
from schema.scalars import (
    Cursor,
    Dollars,
    cursor_of,
    dollars_or_none,
    instant,
    instant_or_none,
)
from store.changes import Change, Reason
from vault.revocations import HeardState, Standing
from vault.rows import Entry, KeyState

strawberry.enum(KeyState, description="A key's standing with its provider.")
strawberry.enum(HeardState, description="How far one tool is with one revocation.")
strawberry.enum(
    Reason, name="RevocationReason", description="Why something that a tool relied on is gone."
)


strawberry.enum(Means, name="Means", description="By what somebody shows who they are.")
strawberry.enum(IdentityKind, description="Who else vouches for somebody.")
strawberry.enum(Intent, description="What somebody goes elsewhere, or asks for a code, for.")
strawberry.enum(SignUp, description="Who may make an account here.")
strawberry.enum(
    Scope,
    name="UserTokenScope",
    description="What a user token may do. KEYS_READ: see keys (masked), tools, calls, "
    "revocations, ceilings and what was spent. KEYS_WRITE: add keys and verify them. "
    "CEILINGS_WRITE: set, reset and remove ceilings, set prices, release what is disputed. "
    "TOOLS_WRITE: rename, slow down and revoke tools. AUDIT_READ: read the audit trail.",
)
strawberry.enum(
    Source,
    name="CostSource",
    description="Where a cost comes from. PROVIDER: its own figure. USAGE: what was used, at the "
    "list's price. USER: your price, or your word. BOUND: the most that it could be; what it was "
    "is not known. UNPRICED: no price is known, so it counts as nothing.",
)


if TYPE_CHECKING:
    from schema.money import Ceiling

_Uses = list[Annotated["KeyUse", strawberry.lazy("schema.types")]]


def _used_by(root: "Key", info: strawberry.Info[Any, None]) -> Any:
    return info.context.uses_of(root.id)


_Ceiling = Annotated["Ceiling", strawberry.lazy("schema.money")] | None
"""Beneath a provider stands its ceiling, and beneath that the provider."""


def _ceiling(root: "Provider | Key", info: strawberry.Info[Any, None]) -> Any:
    # An event is worded once for all who hear it, so it can say nothing that some may not see.
    if info.operation.operation is OperationType.SUBSCRIPTION:
        return None
    return info.context.ceiling_at(root.id if isinstance(root, Provider) else root.provider.id)


@strawberry.enum(description="How far a revocation has come.")
class RevocationState(Enum):
    PROPAGATING = "PROPAGATING"
    CONVERGED = "CONVERGED"


@strawberry.enum(description="How a call through the broker ended.")
class CallOutcome(Enum):
    RUNNING = strawberry.enum_value("RUNNING", description="It goes on.")
    ANSWERED = strawberry.enum_value("ANSWERED", description="The provider's answer was passed on.")
    CUT = strawberry.enum_value("CUT", description="Its key or tool was revoked while it ran.")
    CLIENT_GONE = strawberry.enum_value("CLIENT_GONE", description="The tool hung up.")
    UPSTREAM_FAILED = strawberry.enum_value(
        "UPSTREAM_FAILED", description="The provider could not be reached, or broke off."
    )
    REFUSED = strawberry.enum_value("REFUSED", description="Not sent: keysteward refused it.")
    LOST = strawberry.enum_value("LOST", description="The server process died during it.")


@strawberry.type(description="A provider of the catalogue.")
class Provider:
    id: strawberry.ID
    name: str
    base_path: str = strawberry.field(
        description="What follows keysteward's own address in the base URL of the official SDK."
    )
    key_prefixes: list[str] = strawberry.field(description="How its keys begin.")

    ceiling: _Ceiling = strawberry.field(
        resolver=_ceiling,
        description="Your ceiling on all that it may cost; null where there is none, for whoever "
        "may not see it, and in a subscription.",
    )

    @classmethod
    def of(cls, row: ProviderRow) -> Self:
        return cls(
            id=strawberry.ID(row.id),
            name=row.name,
            base_path=f"/via/{row.id}{row.sdk_path}",
            key_prefixes=list(row.prefixes),
        )


@strawberry.type(description="A provider's key, as its owner sees it: never the key itself.")
class Key:
    id: strawberry.ID = strawberry.field(
        description="The reference that logs, exports and support may show."
    )
    provider: Provider
    label: str
    masked: str = strawberry.field(
        description="Public beginning, dots, last four; nothing of a key under 16 characters."
    )
    version: int
    is_default: bool = strawberry.field(description="Calls that name no key use this one.")
    state: KeyState
    added_at: dt.datetime
    rotated_at: dt.datetime | None
    verified_at: dt.datetime | None
    last_used_at: dt.datetime | None

    ceiling: _Ceiling = strawberry.field(
        resolver=_ceiling,
        description="Your ceiling on all that its provider may cost, with whichever key; null "
        "where there is none.",
    )
    used_by: _Uses = strawberry.field(
        resolver=_used_by,
        description="The tools that called with it in the last 30 days, the latest first; those "
        "that are revoked since, too. None for whoever may not see calls.",
    )

    @classmethod
    def of(cls, entry: Entry) -> Self:
        return cls(
            id=strawberry.ID(entry.id),
            provider=Provider.of(CATALOGUE[entry.provider]),
            label=entry.label,
            masked=entry.masked,
            version=entry.version,
            is_default=entry.is_default,
            state=entry.state,
            added_at=instant(entry.added_at),
            rotated_at=instant_or_none(entry.rotated_at),
            verified_at=instant_or_none(entry.verified_at),
            last_used_at=instant_or_none(entry.last_used_at),
        )


@strawberry.type(description="A program that calls providers with a token of its own.")
class Tool:
    id: strawberry.ID
    name: str
    token_prefix: str = strawberry.field(
        description="The token's public beginning, by which a leaked one is found."
    )
    providers: list[Provider] | None = strawberry.field(description="Null: every provider.")
    calls_per_minute: int | None = strawberry.field(description="Null: as many as it likes.")
    inspected_only: bool = strawberry.field(
        description="An answer in which no key can be looked for is refused to it."
    )
    created_at: dt.datetime
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None
    last_used_at: dt.datetime | None = strawberry.field(description="To the minute.")
    listeners: int = strawberry.field(description="How many of its processes are listening now.")

    @classmethod
    def of(cls, row: ToolRow, listeners: int) -> Self:
        known = [CATALOGUE[name] for name in row.providers or () if name in CATALOGUE]
        return cls(
            id=strawberry.ID(row.id),
            name=row.name,
            token_prefix=row.prefix,
            providers=None if row.providers is None else [Provider.of(p) for p in known],
            calls_per_minute=row.per_minute,
            inspected_only=row.inspected_only,
            created_at=instant(row.created_at),
            expires_at=instant_or_none(row.expires_at),
            revoked_at=instant_or_none(row.revoked_at),
            last_used_at=instant_or_none(row.used_at),
            listeners=listeners,
        )


@strawberry.type(description="What one tool did with one key in the last 30 days.")
class KeyUse:
    tool: Tool
    last_used_at: dt.datetime = strawberry.field(description="When it last began a call.")
    calls: int = strawberry.field(description="How many it began.")

    @classmethod
    def of(cls, use: UseRow, tool: Tool) -> Self:
        return cls(tool=tool, last_used_at=instant(use.last_at), calls=use.calls)


@strawberry.type(description="A token of your own GraphQL clients.")
class UserToken:
    id: strawberry.ID
    name: str
    token_prefix: str = strawberry.field(
        description="The token's public beginning, by which a leaked one is found."
    )
    scopes: list[Scope]
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None = strawberry.field(description="To the minute.")

    @classmethod
    def of(cls, row: UserTokenRow) -> Self:
        return cls(
            id=strawberry.ID(row.id),
            name=row.name,
            token_prefix=row.prefix,
            scopes=list(row.scopes),
            created_at=instant(row.created_at),
            expires_at=instant_or_none(row.expires_at),
            last_used_at=instant_or_none(row.used_at),
        )


@strawberry.type(description="One brokered call: what the ledger keeps of it.")
class Call:
    id: strawberry.ID
    provider: strawberry.ID
    provider_name: str = strawberry.field(description="To be named wherever the model is.")
    model: str | None
    operation: str | None = strawberry.field(
        description="What was asked for, such as `chat` or `speech`; by this, too, it is priced."
    )
    tool: strawberry.ID
    key: strawberry.ID
    outcome: CallOutcome
    status: int | None = strawberry.field(description="The HTTP status that the tool was given.")
    bytes_in: float = strawberry.field(description="Bytes of the request's body.")
    bytes_out: float = strawberry.field(description="Bytes of the answer's body.")
    duration_milliseconds: float | None
    started_at: dt.datetime
    bound: Dollars | None = strawberry.field(
        description="The most that it could cost, worked out before it left; null: nobody can tell."
    )
    cost: Dollars | None = strawberry.field(
        description="What it did cost; null while it runs, and where nobody knows."
    )
    cost_source: Source | None = strawberry.field(description="Null where nothing was charged.")
    disputed: bool = strawberry.field(
        description="What it cost is not known, and the most that it could counts: releaseDisputed."
    )

    @classmethod
    def of(cls, row: CallRow) -> Self:
        return cls(
            id=strawberry.ID(row.id),
            provider=strawberry.ID(row.provider),
            provider_name=CATALOGUE[row.provider].name,
            model=row.model,
            operation=row.operation,
            tool=strawberry.ID(row.tool),
            key=strawberry.ID(row.key),
            outcome=CallOutcome(row.outcome or "RUNNING"),
            status=row.status,
            bytes_in=row.bytes_in,
            bytes_out=row.bytes_out,
            duration_milliseconds=None if row.duration is None else row.duration / 1000,
            started_at=instant(row.started_at),
            bound=dollars_or_none(row.bound),
            cost=dollars_or_none(row.cost),
            cost_source=row.source,
            disputed=row.disputed,
        )


@strawberry.type(description="Where a page of a list ends.")
class PageInfo:
    has_next_page: bool
    end_cursor: Cursor | None


@strawberry.type(description="A page of calls, newest first.")
class CallConnection:
    nodes: list[Call]
    page_info: PageInfo


@strawberry.type(
    description="An answer that a tool asked to have kept: keysteward-save-as. Its content is at "
    "/files/{id}, for whoever is signed in."
)
class File:
    id: strawberry.ID
    name: str = strawberry.field(description="As the tool named it.")
    content_type: str = strawberry.field(description="As the provider named it.")
    bytes: float
    provider: strawberry.ID
    provider_name: str
    tool: strawberry.ID
    call: strawberry.ID
    made_at: dt.datetime

    @classmethod
    def of(cls, row: FileRow) -> Self:
        return cls(
            id=strawberry.ID(row.id),
            name=row.name,
            content_type=row.content_type,
            bytes=row.bytes,
            provider=strawberry.ID(row.provider),
            provider_name=CATALOGUE[row.provider].name,
            tool=strawberry.ID(row.tool),
            call=strawberry.ID(row.call),
            made_at=instant(row.made_at),
        )


@strawberry.type(description="A page of files, newest first.")
class FileConnection:
    nodes: list[File]
    page_info: PageInfo


@strawberry.type(description="One tool's standing with one revocation.")
class ToolHeard:
    tool: Tool
    state: HeardState
    acknowledged_at: dt.datetime | None
    lag_milliseconds: float | None = strawberry.field(
        description="From the revocation's commit to the tool's last listener's acknowledgement."
    )


@strawberry.type(description="A removal, rotation or revoked tool, and who has heard of it.")
class Revocation:
    cursor: Cursor
    key: strawberry.ID | None
    tool: Tool | None = strawberry.field(description="The tool that was revoked.")
    provider: Provider | None
    reason: Reason
    revoked_at: dt.datetime
    state: RevocationState = strawberry.field(
        description="CONVERGED once every running tool has acknowledged and no call goes on."
    )
    calls_cut: int
    tools: list[ToolHeard]

    @classmethod
    def of(cls, standing: Standing, tools: dict[str, Tool]) -> Self:
        change = standing.change
        return cls(
            cursor=cursor_of(change.seq),
            key=None if change.key is None else strawberry.ID(change.key),
            tool=None if change.tool is None else tools.get(change.tool),
            provider=provider_or_none(change.provider),
            reason=_reason(change),
            revoked_at=instant(change.at),
            state=RevocationState.CONVERGED if standing.converged else RevocationState.PROPAGATING,
            calls_cut=standing.calls_cut,
            tools=[
                ToolHeard(
                    tool=tools[heard.tool],
                    state=heard.state,
                    acknowledged_at=instant_or_none(heard.acknowledged_at),
                    lag_milliseconds=None if heard.lag is None else heard.lag / 1000,
                )
                for heard in standing.tools
            ],
        )


@strawberry.type(description="A page of revocations, newest first.")
class RevocationConnection:
    nodes: list[Revocation]
    page_info: PageInfo


@strawberry.type(description="Something that tools relied on is gone: stop using it now.")
class KeyRevoked:
    cursor: Cursor = strawberry.field(description="Acknowledge it; resume after it.")
    key: strawberry.ID | None = strawberry.field(description="Null when a tool was revoked.")
    tool: strawberry.ID | None = strawberry.field(description="Null when a key was.")
    provider: Provider | None
    reason: Reason
    version: int | None = strawberry.field(description="The version of the key that is gone.")
    revoked_at: dt.datetime

    @classmethod
    def of(cls, change: Change) -> Self:
        return cls(
            cursor=cursor_of(change.seq),
            key=None if change.key is None else strawberry.ID(change.key),
            tool=None if change.tool is None else strawberry.ID(change.tool),
            provider=provider_or_none(change.provider),
            reason=_reason(change),
            version=change.version,
            revoked_at=instant(change.at),
        )


@strawberry.type(description="Nothing is missing up to `head`. Comes first, and every few seconds.")
class Heartbeat:
    head: Cursor
    at: dt.datetime


KeyRevokedEvent = Annotated[
    KeyRevoked | Heartbeat | CursorExpired, strawberry.union("KeyRevokedEvent")
]


@strawberry.type(description="A way to sign in to the account.")
class SignInMeans:
    id: strawberry.ID = strawberry.field(description="`password` for the password.")
    means: Means
    name: str = strawberry.field(
        description="What you know it by: a passkey's name, an address, a login, a number."
    )
    created_at: dt.datetime | None
    used_at: dt.datetime | None

    @classmethod
    def of(cls, way: Way) -> Self:
        return cls(
            id=strawberry.ID(way.id),
            means=way.means,
            name=way.name,
            created_at=instant_or_none(way.created_at),
            used_at=instant_or_none(way.used_at),
        )


@strawberry.type(description="Whoever is signed in.")
class Account:
    id: strawberry.ID = strawberry.field(
        description="SHA-256 of the e-mail address, in hex; random where there is none."
    )
    address: str | None
    address_verified_at: dt.datetime | None
    created_at: dt.datetime
    fresh_until: dt.datetime | None = strawberry.field(
        description="Until when reveal, rotate and remove go without showing who you are again."
    )
    means: list[SignInMeans]
    second_factor: bool = strawberry.field(
        description="Whether an authenticator app's code is asked for as well."
    )
    recovery_codes_left: int


@strawberry.type(description="What this installation offers to get in.")
class SignInOptions:
    sign_up: SignUp
    elsewhere: list[IdentityKind]
    passkeys_at: str = strawberry.field(description="The address at which passkeys work.")


@strawberry.type(description="A browser that is signed in.")
class Session:
    id: strawberry.ID
    is_current: bool
    means: Means
    device: str = strawberry.field(description="The browser's own words.")
    place: str = strawberry.field(description="The address that it came from when it signed in.")
    created_at: dt.datetime
    proven_at: dt.datetime
    last_used_at: dt.datetime = strawberry.field(description="To the minute.")
    expires_at: dt.datetime

    @classmethod
    def of(cls, row: SessionRow, *, is_current: bool) -> Self:
        return cls(
            id=strawberry.ID(row.reference),
            is_current=is_current,
            means=row.means,
            device=row.device,
            place=row.place,
            created_at=instant(row.created_at),
            proven_at=instant(row.proven_at),
            last_used_at=instant(row.used_at),
            expires_at=instant(row.expires_at),
        )


@strawberry.type(description="Something that was done in the account's name.")
class AuditEntry:
    cursor: Cursor
    at: dt.datetime
    act: str
    subject: str | None = strawberry.field(description="The reference of what it was done to.")
    digest: str = strawberry.field(description="Stands for the whole trail up to here.")

    @classmethod
    def of(cls, row: AuditRow) -> Self:
        return cls(
            cursor=cursor_of(row.seq),
            at=instant(row.at),
            act=row.act,
            subject=row.subject,
            digest=row.digest,
        )


@strawberry.type(description="A page of the audit trail, newest first. All of it was verified.")
class AuditConnection:
    nodes: list[AuditEntry]
    page_info: PageInfo


def provider_or_none(name: str | None) -> Provider | None:
    """Give a provider by its name, where there is one."""
    return None if name is None else Provider.of(CATALOGUE[name])


def _reason(change: Change) -> Reason:
    if change.reason is None:
        raise ValueError("This change is no revocation.")
    return change.reason
