"""What the fields about files do."""

import strawberry

from accounts.scopes import Scope
from resolvers import pages
from resolvers.answers import answering
from resolvers.context import Info
from schema import types
from schema.inputs import FileInput
from schema.results import DeleteFileResult, FileDeleted
from schema.scalars import Cursor


async def files(info: Info, first: int = 50, after: Cursor | None = None) -> types.FileConnection:
    """Answers that your tools had kept, newest first; at most 100 a page."""
    owner = await info.context.owner(Scope.KEYS_READ)
    most = pages.size_of(first)
    found = await info.context.services.files.latest(owner, before=after, most=most + 1)
    nodes = [types.File.of(row) for row in found[:most]]
    return types.FileConnection(
        nodes=nodes,
        page_info=pages.info_of(found, most, nodes[-1].id if nodes else None),
    )


@answering
async def delete_file(info: Info, input: FileInput) -> DeleteFileResult:  # noqa: A002
    """Delete a file for good. Needs a fresh login."""
    owner = await info.context.proven_owner()
    await info.context.services.files.delete(owner, input.id)
    return FileDeleted(id=strawberry.ID(input.id))
