"""What the fields about tools and tokens do."""

from accounts.scopes import Scope
from providers import find
from resolvers.answers import answering
from resolvers.context import Info
from schema import types
from schema.inputs import (
    CreateToolInput,
    CreateUserTokenInput,
    RevokeToolInput,
    RevokeUserTokenInput,
    UpdateToolInput,
)
from schema.results import (
    CreateToolResult,
    CreateUserTokenResult,
    RevokeToolResult,
    RevokeUserTokenResult,
    ToolCreated,
    ToolRevoked,
    ToolUpdated,
    UpdateToolResult,
    UserTokenCreated,
    UserTokenRevoked,
)
from schema.scalars import SecretText, cursor_of, end_of


async def tools(info: Info, token_prefix: str = "") -> list[types.Tool]:
    """Your tools, oldest first, those that are revoked left out.

    With the beginning of a token, the tool that holds it: send no more of it than you must.
    """
    owner = await info.context.owner(Scope.KEYS_READ)
    running = await info.context.services.revocations.running(owner)
    return [
        types.Tool.of(tool, running.get(tool.id, 0))
        for tool in await info.context.services.people.tools.list(owner, prefix=token_prefix)
    ]


@answering
async def create_tool(info: Info, input: CreateToolInput) -> CreateToolResult:  # noqa: A002
    """Make a tool and its token. Needs a fresh login; the token is shown now and never again."""
    owner = await info.context.proven_owner()
    allowed = None if input.providers is None else [find(name).id for name in input.providers]
    tool, token = await info.context.services.people.tools.create(
        owner,
        input.name,
        providers=allowed,
        expires_at=end_of(input.expires_at, now=info.context.services.clock()),
        per_minute=input.calls_per_minute,
        inspected_only=input.inspected_only,
    )
    return ToolCreated(tool=types.Tool.of(tool, 0), token=SecretText(token))


@answering
async def update_tool(info: Info, input: UpdateToolInput) -> UpdateToolResult:  # noqa: A002
    """Change a tool's name, its rate, or whether all answers to it must be inspected.

    Its token stays as it is. To switch inspection off needs a fresh login, or a user token that was
    given `tools:write`.
    """
    if input.inspected_only is False:  # fewer checks than before
        owner = await info.context.proven_owner_or(Scope.TOOLS_WRITE)
    else:
        owner = await info.context.owner(Scope.TOOLS_WRITE)
    tool = await info.context.services.people.tools.change(
        owner,
        input.id,
        name=input.name,
        per_minute=input.calls_per_minute,
        inspected_only=input.inspected_only,
    )
    running = await info.context.services.revocations.running(owner)
    return ToolUpdated(tool=types.Tool.of(tool, running.get(tool.id, 0)))


@answering
async def revoke_tool(info: Info, input: RevokeToolInput) -> RevokeToolResult:  # noqa: A002
    """End a tool's token: refused from now on, its calls cut.

    Needs a fresh login, or a user token that was given `tools:write`.
    """
    owner = await info.context.proven_owner_or(Scope.TOOLS_WRITE)
    tool, seq = await info.context.services.people.tools.revoke(owner, input.id)
    return ToolRevoked(tool=types.Tool.of(tool, 0), cursor=cursor_of(seq))


async def user_tokens(info: Info, token_prefix: str = "") -> list[types.UserToken]:
    """Your user tokens, oldest first, those that are revoked left out.

    With the beginning of a token, that one alone: send no more of it than you must.
    """
    owner = await info.context.owner(Scope.KEYS_READ)
    found = await info.context.services.people.user_tokens.list(owner, prefix=token_prefix)
    return [types.UserToken.of(token) for token in found]


@answering
async def revoke_user_token(
    info: Info,
    input: RevokeUserTokenInput,  # noqa: A002
) -> RevokeUserTokenResult:
    """End a user token: refused from now on. Needs a fresh login."""
    owner = await info.context.proven_owner()
    await info.context.services.people.user_tokens.revoke(owner, input.id)
    return UserTokenRevoked(id=input.id)


@answering
async def create_user_token(
    info: Info,
    input: CreateUserTokenInput,  # noqa: A002
) -> CreateUserTokenResult:
    """Make a token for your own GraphQL clients. It never counts as a fresh login.

    Needs a fresh login; the token is shown now and never again.
    """
    owner = await info.context.proven_owner()
    made, token = await info.context.services.people.user_tokens.make(
        owner,
        input.name,
        scopes=input.scopes,
        expires_at=end_of(input.expires_at, now=info.context.services.clock()),
    )
    return UserTokenCreated(user_token=types.UserToken.of(made), token=SecretText(token))
