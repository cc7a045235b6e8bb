"""What the sign-in family of fields does."""

import strawberry

from accounts.errors import SignInRequired, StaleLogin
from accounts.sessions import FRESH_FOR
from resolvers.answers import answering
from resolvers.context import Context, Info
from schema import types
from schema.inputs import FreshLoginInput, SignInInput, SignUpInput
from schema.results import (
    FreshLoginResult,
    SignedIn,
    SignedOut,
    SignInResult,
    SignOutResult,
    SignUpResult,
)
from schema.scalars import SecretText, instant
from store import Owner


async def viewer(info: Info) -> types.Account | None:
    """Whoever is signed in; null when nobody is."""
    try:
        owner = await info.context.owner()
    except SignInRequired:
        return None
    return await _account(info.context, owner)


@answering
async def sign_up(info: Info, input: SignUpInput) -> SignUpResult:  # noqa: A002
    """Make an account and sign in to it: the answer sets the session's cookie."""
    owner = await info.context.services.accounts.sign_up(input.address, _password(input.password))
    return await _signed_in(info.context, owner)


@answering
async def sign_in(info: Info, input: SignInInput) -> SignInResult:  # noqa: A002
    """Sign in: the answer sets the session's cookie. Counts as a fresh login for five minutes."""
    owner = await info.context.services.accounts.sign_in(input.address, _password(input.password))
    return await _signed_in(info.context, owner)


@answering
async def fresh_login(info: Info, input: FreshLoginInput) -> FreshLoginResult:  # noqa: A002
    """Give your password again, for what needs a login of the last five minutes."""
    services = info.context.services
    session = await info.context.session()
    await services.accounts.check_password(session.owner, _password(input.password))
    await services.sessions.end(session)
    return await _signed_in(info.context, session.owner)


@answering
async def sign_out(info: Info) -> SignOutResult:
    """End this session."""
    session = await info.context.session()
    account = await _account(info.context, session.owner)
    await info.context.services.sessions.end(session)
    info.context.drop_cookie()
    return SignedOut(account=account)


async def _signed_in(context: Context, owner: Owner) -> SignedIn:
    context.set_cookie(await context.services.sessions.open(owner))
    address, created_at = await context.services.accounts.address(owner)
    return SignedIn(
        account=types.Account(
            id=strawberry.ID(owner.account),
            address=address,
            created_at=instant(created_at),
            fresh_until=instant(context.services.clock() + FRESH_FOR),
        )
    )


async def _account(context: Context, owner: Owner) -> types.Account:
    address, created_at = await context.services.accounts.address(owner)
    try:
        session = await context.session()
        context.services.sessions.proven(session)
        fresh_until = instant(session.proven_at + FRESH_FOR)
    except (SignInRequired, StaleLogin):
        fresh_until = None
    return types.Account(
        id=strawberry.ID(owner.account),
        address=address,
        created_at=instant(created_at),
        fresh_until=fresh_until,
    )


def _password(text: SecretText) -> str:
    return text if isinstance(text, str) else ""
