"""What the field about calls does."""

import datetime as dt
from typing import Annotated

import strawberry

from accounts.scopes import Scope
from broker.calls import Which
from resolvers import pages
from resolvers.context import Info
from schema import types
from schema.scalars import Cursor, microseconds_of


async def calls(  # noqa: PLR0917 - the field's arguments
    info: Info,
    first: int = 50,
    after: Cursor | None = None,
    provider: strawberry.ID | None = None,
    tool: strawberry.ID | None = None,
    key: strawberry.ID | None = None,
    model: str | None = None,
    since: Annotated[dt.datetime | None, strawberry.argument(name="from")] = None,
    until: Annotated[dt.datetime | None, strawberry.argument(name="to")] = None,
    disputed: bool | None = None,
    unpriced: bool | None = None,
) -> types.CallConnection:
    """Your tools' calls, newest first; at most 100 a page.

    With the provider, tool, model and time of a line of `spend`, the calls that it sums up: a call
    belongs to when and for what it was charged, and one that was not, to when it began. The model
    `""` is none. `disputed` and `unpriced` are true for those alone, false for the rest; one is
    unpriced where it has no known price.
    """
    owner = await info.context.owner(Scope.KEYS_READ)
    most = pages.size_of(first)
    which = Which(
        provider=provider,
        tool=tool,
        key=key,
        model=model,
        since=None if since is None else microseconds_of(since),
        until=None if until is None else microseconds_of(until),
        disputed=disputed,
        unpriced=unpriced,
    )
    found = await info.context.services.calls.latest(owner, which, before=after, most=most + 1)
    nodes = [types.Call.of(row) for row in found[:most]]
    return types.CallConnection(
        nodes=nodes,
        page_info=pages.info_of(found, most, nodes[-1].id if nodes else None),
    )
