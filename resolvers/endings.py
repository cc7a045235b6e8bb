"""What the fields about the whole account do: its export, its audit trail, invites, and its end."""

from enum import Enum
from itertools import islice
from typing import Any

import strawberry
from strawberry.scalars import JSON

import audit
from accounts.links import Page
from accounts.scopes import Scope
from audit import Act
from broker.money import shown
from broker.statement import statement
from resolvers import pages
from resolvers.account import account_of
from resolvers.answers import answering
from resolvers.context import Context, Info
from schema import money, types
from schema.inputs import DeleteAccountInput
from schema.results import (
    AccountDeleted,
    AccountExported,
    CreateInviteResult,
    DeleteAccountResult,
    EverythingRevoked,
    ExportAccountResult,
    InviteCreated,
    RevokeEverythingResult,
)
from schema.scalars import Cursor, SecretText, instant, instant_or_none, seq_of
from store import Owner, ProvenOwner, Tx

_MOST_CALLS: int = 100_000


async def audit_log(
    info: Info, first: int = 50, after: Cursor | None = None, search: str = ""
) -> types.AuditConnection:
    """Acts in your account's name, newest first; at most 100 a page.

    With a search, those in whose act or subject it stands, in whichever case, with blanks for
    underscores. The whole trail is verified each time: one that was altered is an error that says
    where.
    """
    owner = await info.context.owner(Scope.AUDIT_READ)
    services = info.context.services
    most, before = pages.size_of(first), None if after is None else seq_of(after)
    words = search.strip().casefold()

    def unit(tx: Tx) -> list[audit.Entry]:
        found = (
            entry
            for entry in reversed(audit.verify(tx, services.signer, owner))
            if (before is None or entry.seq < before) and _tells_of(entry, words)
        )
        return list(islice(found, most + 1))

    # Looked through in the reader's thread, and no further than the page goes.
    newest = await services.store.read(unit)
    nodes = [types.AuditEntry.of(entry) for entry in newest[:most]]
    return types.AuditConnection(
        nodes=nodes,
        page_info=pages.info_of(newest, most, nodes[-1].cursor if nodes else None),
    )


def _tells_of(entry: audit.Entry, words: str) -> bool:
    """Tell whether a search, casefolded, is for this entry, among others."""
    if not words:
        return True
    act, subject = entry.act.casefold(), (entry.subject or "").casefold()
    return any(words in text for text in (act, act.replace("_", " "), subject))


@answering
async def create_invite(info: Info) -> CreateInviteResult:
    """Make a link by which one person may make an account. Needs a fresh login.

    And a verified address: an invite counts only for as long as its maker's is.
    """
    owner = await info.context.proven_owner()
    people = info.context.services.people
    ticket, expires_at = await people.invites.make(owner)
    return InviteCreated(
        link=SecretText(people.links.to(Page.SIGN_UP, ticket)), expires_at=instant(expires_at)
    )


@answering
async def revoke_everything(info: Info) -> RevokeEverythingResult:
    """Remove every key, and end every tool, user token and other session, in one transaction.

    For the moment when something has leaked. Needs a fresh login.
    """
    owner = await info.context.proven_owner()
    keep = await info.context.session()
    keys, tools = await info.context.services.people.deletion.revoke_everything(owner, keep)
    return EverythingRevoked(keys=keys, tools=tools)


@answering
async def delete_account(info: Info, input: DeleteAccountInput) -> DeleteAccountResult:  # noqa: A002
    """Delete the account: its keys are revoked as by removeKey, all that it has goes.

    Needs a fresh login, and the account's e-mail address typed in.
    """
    owner = await info.context.proven_owner()
    await info.context.services.people.deletion.delete(owner, input.confirm)
    info.context.drop_cookie()
    return AccountDeleted(id=strawberry.ID(owner.account))


@answering
async def export_account(info: Info) -> ExportAccountResult:
    """Give all that is kept of the account, but no secret. Needs a fresh login."""
    owner = await info.context.proven_owner()
    return AccountExported(document=JSON(await exported(info.context, owner)))


async def exported(context: Context, owner: ProvenOwner) -> dict[str, Any]:
    """Give all that is kept of an account as a document, and write down that it was asked for."""
    services, people = context.services, context.services.people
    at = services.clock()
    await services.store.write(
        lambda tx: audit.record(tx, services.signer, owner, Act.ACCOUNT_EXPORTED, at=at)
    )
    calls = await services.calls.latest(owner, before=None, most=_MOST_CALLS)
    files = await services.files.latest(owner, before=None, most=_MOST_CALLS)
    tools = await context.tools_by_id(owner)
    heard = await services.revocations.latest(owner, before=None, most=_MOST_CALLS)
    return {
        "exportedAt": instant(at).isoformat(),
        "account": _plain(await account_of(context, owner)),
        "sessions": [
            _plain(types.Session.of(each, is_current=False))
            for each in await people.sessions.list(owner)
        ],
        "keys": [_plain(types.Key.of(each)) for each in await services.vault.list(owner)],
        "tools": [_plain(tool) for tool in tools.values()],
        "userTokens": [
            _plain(types.UserToken.of(each)) for each in await people.user_tokens.list(owner)
        ],
        "calls": [_plain(types.Call.of(each)) for each in calls],
        "files": [_plain(types.File.of(each)) for each in files],
        **await _money(context, owner, tools),
        "revocations": [_plain(types.Revocation.of(each, tools)) for each in heard],
        "auditTrail": await _trail(context, owner),
    }


async def _money(
    context: Context, owner: Owner, tools: dict[str, types.Tool]
) -> dict[str, list[Any]]:
    """Give ceilings in each of their epochs, the ledger, prices, and what cost by the hour."""
    kept = await statement(context.services.store, owner)
    prices = await context.services.money.prices.every(owner)
    return {
        "ceilings": [
            _plain(money.Ceiling.of(ceiling, tools)) | {"closedAt": _plain(instant_or_none(at))}
            for ceiling, at in kept.epochs
        ],
        "reservations": [
            each._asdict()
            | {
                "amount": shown(each.amount, each.unit),
                "cost": None if each.cost is None else shown(each.cost, each.unit),
            }
            for each in kept.holds
        ],
        "ledger": [
            each._asdict()
            | {"at": _plain(instant(each.at)), "amount": shown(each.amount, each.unit)}
            for each in kept.lines
        ],
        "prices": [_plain(money.Price.of(each)) for each in prices],
        "frozenModels": [{"provider": provider, "model": model} for provider, model in kept.frozen],
        "commitments": [
            _plain(money.Commitment.of(each)) | {"endedAt": _plain(instant_or_none(at))}
            for each, at in kept.terms
        ],
    }


async def _trail(context: Context, owner: Owner) -> list[dict[str, Any]]:
    services = context.services
    entries = await services.store.read(lambda tx: audit.verify(tx, services.signer, owner))
    return [_plain(types.AuditEntry.of(entry)) for entry in entries]


def _plain(value: Any) -> Any:
    """Give a value of the contract as JSON does, under the contract's own names."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.name
    if hasattr(value, "__strawberry_definition__"):
        fields = value.__strawberry_definition__.fields
        return {
            field.graphql_name or _camel(field.python_name): _plain(
                getattr(value, field.python_name)
            )
            for field in fields
            if field.base_resolver is None  # what is looked up stands elsewhere in the document
        }
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
