"""What the field about calls does."""

import strawberry

from accounts.scopes import Scope
from resolvers.context import Info
from schema import types
from schema.scalars import Cursor

_MOST: int = 100


async def calls(
    info: Info,
    first: int = 50,
    after: Cursor | None = None,
    provider: strawberry.ID | None = None,
    tool: strawberry.ID | None = None,
) -> types.CallConnection:
    """Your tools' calls, newest first; at most 100 a page."""
    owner = await info.context.owner(Scope.KEYS_READ)
    most = max(1, min(first, _MOST))
    found = await info.context.services.calls.latest(
        owner, before=after, most=most + 1, provider=provider, tool=tool
    )
    nodes = [types.Call.of(row) for row in found[:most]]
    return types.CallConnection(
        nodes=nodes,
        page_info=types.PageInfo(
            has_next_page=len(found) > most, end_cursor=Cursor(nodes[-1].id) if nodes else None
        ),
    )
