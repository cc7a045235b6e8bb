"""What the sign-in family of fields does."""

import strawberry

from accounts.elsewhere import Intent
from accounts.entering import Entered, HalfEntered
from accounts.errors import SignInRefused, SignInRequired, StaleLogin
from accounts.sessions import FRESH_FOR, Session
from resolvers.answers import answering
from resolvers.context import Context, Info
from schema import types
from schema.inputs import (
    ChangePasswordInput,
    FreshLoginInput,
    SecondFactorInput,
    SessionInput,
    SignInInput,
    SignUpInput,
)
from schema.results import (
    ChangePasswordResult,
    EndOtherSessionsResult,
    EndSessionResult,
    FreshLoginResult,
    PasswordChanged,
    SecondFactorRequired,
    SecondFactorResult,
    SessionsEnded,
    SignedIn,
    SignedOut,
    SignInResult,
    SignOutResult,
    SignUpResult,
)
from schema.scalars import SecretText, instant, instant_or_none, text_of
from store import Owner


async def viewer(info: Info) -> types.Account | None:
    """Whoever is signed in; null when nobody is."""
    try:
        owner = await info.context.owner(None)
        return await account_of(info.context, owner)
    except SignInRequired:
        return None


async def sign_in_options(info: Info) -> types.SignInOptions:
    """Ways to get in that this installation offers; for anybody to ask."""
    people = info.context.services.people
    return types.SignInOptions(
        sign_up=people.invites.sign_up,
        elsewhere=people.offered,
        passkeys_at=people.passkeys_at,
    )


async def sessions(info: Info) -> list[types.Session]:
    """Browsers that are signed in to your account, the last used first."""
    current = await info.context.session()
    found = await info.context.services.people.sessions.list(current.owner)
    return [
        types.Session.of(each, is_current=each.reference == current.reference) for each in found
    ]


@answering
async def sign_up(info: Info, input: SignUpInput) -> SignUpResult:  # noqa: A002
    """Make an account and sign in to it: the answer sets the session's cookie.

    A mail with a link to verify the address is on its way.
    """
    info.context.require_post()
    people = info.context.services.people
    entered = await people.entering.sign_up(
        input.address,
        text_of(input.password),
        info.context.visit,
        invite=text_of(input.invite),
    )
    return await signed_in(info.context, entered)


@answering
async def sign_in(info: Info, input: SignInInput) -> SignInResult:  # noqa: A002
    """Sign in: the answer sets the session's cookie. Counts as a fresh login for five minutes.

    Where a second factor is set up, its ticket comes instead: showSecondFactor.
    """
    info.context.require_post()
    try:
        entered = await info.context.services.people.entering.by_password(
            input.address, text_of(input.password), info.context.visit
        )
    except SignInRequired:  # deleted while its password was looked at
        raise SignInRefused from None
    return await let_in(info.context, entered)


@answering
async def fresh_login(info: Info, input: FreshLoginInput) -> FreshLoginResult:  # noqa: A002
    """Give your password again, for what needs a login of the last five minutes.

    Whoever has none goes the way that they signed in: beginElsewhere, requestCode or beginPasskey,
    each with the intent FRESH. The session goes on under a new cookie.
    """
    info.context.require_post()
    session = await info.context.session()
    entered = await info.context.services.people.entering.again_by_password(
        session, text_of(input.password), info.context.visit
    )
    return await let_in(info.context, entered)


@answering
async def show_second_factor(
    info: Info,
    input: SecondFactorInput,  # noqa: A002
) -> SecondFactorResult:
    """Show the second factor that signIn or freshLogin asked for."""
    context = info.context
    context.require_post()
    entered = await context.services.people.entering.second(
        text_of(input.ticket),
        text_of(input.code),
        context.visit,
        session=await context.session_or_none(),
    )
    return await signed_in(context, entered)


@answering
async def sign_out(info: Info) -> SignOutResult:
    """End this session."""
    session = await info.context.session()
    account = await account_of(info.context, session.owner)
    await info.context.services.people.sessions.end(session)
    info.context.drop_cookie()
    return SignedOut(account=account)


@answering
async def end_session(info: Info, input: SessionInput) -> EndSessionResult:  # noqa: A002
    """End one of your sessions; its websockets are closed. Needs a fresh login."""
    owner = await info.context.proven_owner()
    await info.context.services.people.sessions.end_one(owner, input.id)
    return SessionsEnded(count=1)


@answering
async def end_other_sessions(info: Info) -> EndOtherSessionsResult:
    """End all of your sessions but this one. Needs a fresh login."""
    owner = await info.context.proven_owner()
    keep = await info.context.session()
    return SessionsEnded(count=await info.context.services.people.sessions.end_others(owner, keep))


@answering
async def change_password(
    info: Info,
    input: ChangePasswordInput,  # noqa: A002
) -> ChangePasswordResult:
    """Give the account another password, or its first; every other session ends.

    Needs a fresh login, and the present password where there is one. Whoever has forgotten it:
    requestPasswordReset.
    """
    owner = await info.context.proven_owner()
    people, keep = info.context.services.people, await info.context.session()
    if await people.accounts.has_password(owner):
        await people.entering.show_password(owner, text_of(input.current), info.context.visit)
    await people.resets.change(owner, text_of(input.password), info.context.visit, keep=keep)
    return PasswordChanged(account=await account_of(info.context, owner))


async def let_in(
    context: Context, entered: Entered | HalfEntered
) -> SignedIn | SecondFactorRequired:
    """Give the browser its session, or the ticket for what is still to be shown."""
    if isinstance(entered, HalfEntered):
        return SecondFactorRequired(ticket=SecretText(entered.ticket))
    return await signed_in(context, entered)


async def signed_in(context: Context, entered: Entered) -> SignedIn:
    """Give the browser its session, and whoever signed in their account."""
    context.let_in(entered)
    session = await context.services.people.sessions.find(entered.cookie)
    return SignedIn(account=await account_of(context, entered.owner, session=session))


async def account_of(
    context: Context, owner: Owner, *, session: Session | None = None
) -> types.Account:
    """Give an account as its owner sees it."""
    people = context.services.people
    standing = await people.accounts.standing(owner)
    fresh_until = None
    try:
        session = session or await context.session()
        people.sessions.proven(session)
        fresh_until = instant(session.proven_at + FRESH_FOR)
    except (SignInRequired, StaleLogin):
        fresh_until = None
    return types.Account(
        id=strawberry.ID(owner.account),
        address=standing.address,
        address_verified_at=instant_or_none(standing.verified_at),
        created_at=instant(standing.created_at),
        fresh_until=fresh_until,
        means=[types.SignInMeans.of(way) for way in await people.ways.list(owner)],
        second_factor=await people.second_factor.is_set_up(owner),
        recovery_codes_left=await people.second_factor.codes_left(owner),
    )


async def owner_for(context: Context, intent: Intent) -> tuple[Owner | None, Session | None]:
    """Give whose account something is begun for, and their session; neither for a sign-in.

    To link needs a fresh login. Raises `SignInRequired`, `StaleLogin`.
    """
    if intent is Intent.SIGN_IN:
        return None, None
    session = await context.session()
    if intent is Intent.LINK:
        return context.services.people.sessions.proven(session), session
    return session.owner, session
