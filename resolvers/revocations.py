"""What the fields about revocations do: who has heard, and hearing."""

from collections.abc import AsyncGenerator

from accounts.errors import SignInRequired
from accounts.scopes import Scope
from resolvers import pages
from resolvers.answers import answering, problem_of
from resolvers.context import Context, Info
from schema import types
from schema.inputs import AcknowledgeInput
from schema.results import Acknowledged, AcknowledgeResult
from schema.scalars import Cursor, cursor_of, instant, seq_of
from store.changes import AccountGone, Change, CursorExpired
from vault.listeners import Audience
from vault.revocations import NotARevocation


async def revocation(info: Info, cursor: Cursor) -> types.Revocation | None:
    """Who has heard of one removal, rotation or revoked tool; null when there is no such."""
    owner = await info.context.owner(Scope.KEYS_READ)
    try:
        standing = await info.context.services.revocations.standing(owner, seq_of(cursor))
    except NotARevocation:
        return None
    return types.Revocation.of(standing, await info.context.tools_by_id(owner))


async def revocations(
    info: Info, first: int = 50, after: Cursor | None = None
) -> types.RevocationConnection:
    """Your revocations, newest first; at most 100 a page."""
    owner = await info.context.owner(Scope.KEYS_READ)
    most = pages.size_of(first)
    before = None if after is None else seq_of(after)
    found = await info.context.services.revocations.latest(owner, before=before, most=most + 1)
    tools = await info.context.tools_by_id(owner)
    nodes = [types.Revocation.of(standing, tools) for standing in found[:most]]
    return types.RevocationConnection(
        nodes=nodes,
        page_info=pages.info_of(found, most, nodes[-1].cursor if nodes else None),
    )


@answering
async def acknowledge_revocation(
    info: Info,
    input: AcknowledgeInput,  # noqa: A002
) -> AcknowledgeResult:
    """Say, as a tool, that everything up to the cursor has been applied."""
    tool = await info.context.tool()
    seq = await info.context.services.revocations.acknowledge(
        tool.owner, tool.id, input.instance or info.context.instance, seq_of(input.cursor)
    )
    return Acknowledged(cursor=cursor_of(seq))


async def key_revoked(
    info: Info, after: Cursor | None = None
) -> AsyncGenerator[types.KeyRevokedEvent, None]:
    """Hear every revocation after the cursor, then live ones. Without a cursor: from now on.

    A heartbeat comes first, and every five seconds; its head says up to where nothing is missing.
    """
    audience = await audience_of(info.context)
    start = None if after is None else seq_of(after)
    try:
        async for event in info.context.services.listeners.hear(audience, start):
            if isinstance(event, Change):
                yield types.KeyRevoked.of(event)
            else:
                yield types.Heartbeat(head=cursor_of(event.head), at=instant(event.at))
    except AccountGone:
        return  # its socket is about to be closed
    except CursorExpired as expired:
        yield problem_of(expired)  # type: ignore[misc]  # the table gives the union's own member


async def audience_of(context: Context) -> Audience:
    """Give who listens: a tool by its token, or an owner. Raises `SignInRequired`."""
    try:
        tool = await context.tool()
    except SignInRequired:
        return Audience(await context.owner(Scope.KEYS_READ))
    return Audience(tool.owner, tool.id, context.instance, tool.providers)
