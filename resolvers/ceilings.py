"""What the fields about ceilings do: setting them, and hearing when one is hit."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from accounts.errors import SignInRequired, ToolGone
from accounts.scopes import Scope
from broker import ceilings as rows
from broker.ceilings import CALLS, MOVED, USD
from broker.ceilings import Ceiling as Row
from broker.errors import CeilingGone
from providers import find
from resolvers.answers import answering, problem_of
from resolvers.context import Context, Info
from resolvers.revocations import audience_of
from schema import types
from schema.inputs import CeilingInput, SetCeilingInput
from schema.money import Ceiling, CeilingHit, CeilingHitEvent, CeilingMeasure
from schema.results import (
    CeilingRemoved,
    CeilingReset,
    CeilingSet,
    RemoveCeilingResult,
    ResetCeilingResult,
    SetCeilingResult,
)
from schema.scalars import Cursor, InputUnfit, amount_of, cursor_of, instant, seq_of
from store import Owner, Tx, changes
from store.changes import AccountGone, Change, CursorExpired, Kind
from vault.listeners import Reached

_CURRENCY: Final = re.compile("[a-z]{3}")
_Hit = tuple[Change, Row | None]


async def ceilings(info: Info) -> list[Ceiling]:
    """Your ceilings, oldest first."""
    owner = await info.context.owner(Scope.KEYS_READ)
    found = await info.context.services.money.ceilings.every(owner)
    tools = await info.context.tools_by_id(owner)
    return [Ceiling.of(row, tools) for row in found]


@answering
async def set_ceiling(info: Info, input: SetCeilingInput) -> SetCeilingResult:  # noqa: A002
    """Set what a provider, a tool, or all of them may use at most; or set the one there is anew.

    Raised, it is open again; lowered below what is used, it is hit. Needs a fresh login, or a user
    token that was given `ceilings:write`.
    """
    owner = await info.context.proven_owner_or(Scope.CEILINGS_WRITE)
    provider = None if input.provider is None else find(input.provider).id
    unit = _unit_of(input)
    limit = amount_of(input.limit, "limit", unit)
    try:
        row = await info.context.services.money.ceilings.set(
            owner, limit, provider=provider, tool=input.tool, unit=unit
        )
    except CeilingGone:
        raise ToolGone from None  # the one thing that it looks for
    return CeilingSet(ceiling=await _shown(info.context, owner, row))


@answering
async def reset_ceiling(info: Info, input: CeilingInput) -> ResetCeilingResult:  # noqa: A002
    """Begin a ceiling anew: nothing is used, and it is open. Calls that run count as before.

    Needs a fresh login, or a user token that was given `ceilings:write`.
    """
    owner = await info.context.proven_owner_or(Scope.CEILINGS_WRITE)
    row = await info.context.services.money.ceilings.reset(owner, input.id)
    return CeilingReset(ceiling=await _shown(info.context, owner, row))


@answering
async def remove_ceiling(info: Info, input: CeilingInput) -> RemoveCeilingResult:  # noqa: A002
    """Take a ceiling away: it holds nothing up any more.

    Needs a fresh login, or a user token that was given `ceilings:write`.
    """
    owner = await info.context.proven_owner_or(Scope.CEILINGS_WRITE)
    await info.context.services.money.ceilings.remove(owner, input.id)
    return CeilingRemoved(id=input.id)


async def ceiling_hit(
    info: Info, after: Cursor | None = None
) -> AsyncGenerator[CeilingHitEvent, None]:
    """Hear of every ceiling that was hit after the cursor, then live. Without one: from now on.

    A tool hears of those that its calls stand under. A heartbeat comes first, and every five
    seconds; its head says up to where nothing is missing.
    """
    services, audience = info.context.services, await audience_of(info.context)
    owner = audience.owner
    start = await services.revocations.head(owner) if after is None else seq_of(after)

    async def read(seq: int) -> tuple[list[_Hit], int, bool]:
        return await services.store.read(lambda tx: _hits_after(tx, owner, seq))

    following = services.listeners.follow(owner, start, read, caught_up=after is None)
    try:
        async with aclosing(following):
            async for event in following:
                if isinstance(event, Reached):
                    yield types.Heartbeat(head=cursor_of(event.head), at=instant(event.at))
                elif audience.is_governed_by(event[0]):
                    await info.context.still_is_somebody()
                    yield CeilingHit.of(*event)
    except (SignInRequired, AccountGone):
        return  # the token or session has ended; its socket is about to be closed
    except CursorExpired as expired:
        yield problem_of(expired)  # type: ignore[misc]  # the table gives the union's own member


def _hits_after(tx: Tx, owner: Owner, seq: int) -> tuple[list[_Hit], int, bool]:
    """Give the hits above a place in the log, each with its ceiling as it is now."""
    found, reached = changes.of_kind_after(tx, owner, Kind.CEILING_HIT, seq)
    hits = [(change, _now(tx, owner, change)) for change in found]
    return hits, reached, not found or found[-1].seq < reached


def _now(tx: Tx, owner: Owner, change: Change) -> Row | None:
    try:
        return rows.one(tx, owner, change.ceiling or "")
    except CeilingGone:
        return None


def _unit_of(input: SetCeilingInput) -> str:  # noqa: A002
    """Give the unit that a ceiling is to count. Raises `InputUnfit`."""
    currency = input.currency.lower()
    if input.measure is CeilingMeasure.CALLS:
        return CALLS
    if input.measure is CeilingMeasure.SPEND:
        if currency != USD:
            raise InputUnfit("currency", "What is spent is counted in usd.")
        return USD
    if not _CURRENCY.fullmatch(currency):
        raise InputUnfit("currency", "Give a currency by its three letters, such as eur.")
    if input.provider is None:
        raise InputUnfit("provider", "What is moved is counted at one provider: name it.")
    return MOVED + currency


async def _shown(context: Context, owner: Owner, row: Row) -> Ceiling:
    return Ceiling.of(row, {} if row.tool is None else await context.tools_by_id(owner))
