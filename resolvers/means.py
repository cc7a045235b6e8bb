"""What the fields about ways to sign in do: elsewhere, codes, passkeys, the second factor."""

from strawberry.scalars import JSON

from accounts.elsewhere import Intent, Linked, Outcome, Person
from accounts.entering import HalfEntered
from accounts.errors import NotOffered, SignInRefused, TicketGone
from accounts.identity_kind import IdentityKind
from accounts.invites import SignUp
from accounts.phone_codes import CodePurpose
from accounts.sessions import Means
from resolvers.account import account_of, let_in, owner_for, signed_in
from resolvers.answers import answering
from resolvers.context import Context, Info
from schema import types
from schema.inputs import (
    AddPasskeyInput,
    CodeInput,
    CodeRequestInput,
    ElsewhereInput,
    MeansInput,
    PasskeyInput,
    PasskeyRequestInput,
    SetUpSecondFactorInput,
)
from schema.results import (
    AddPasskeyResult,
    AddSecondFactorResult,
    BeginElsewhereResult,
    BeginPasskeyResult,
    BeginSecondFactorResult,
    CodeRequested,
    ElsewhereBegun,
    MeansAdded,
    MeansRemoved,
    PasskeyBegun,
    RecoveryCodes,
    RemoveMeansResult,
    RemoveSecondFactorResult,
    RenewRecoveryCodesResult,
    RequestCodeResult,
    SecondFactorBegun,
    SecondFactorRemoved,
    ShowCodeResult,
    ShowPasskeyResult,
)
from schema.scalars import SecretText, plain, text_of
from store import Owner


@answering
async def begin_elsewhere(
    info: Info,
    input: ElsewhereInput,  # noqa: A002
) -> BeginElsewhereResult:
    """Begin to sign in, to link, or to make a login fresh, with Google or GitHub.

    Send the browser that got this answer's cookie to the address that it gives.
    """
    info.context.require_post()
    _, session = await owner_for(info.context, input.intent)
    url, ticket = await info.context.services.people.elsewhere.begin(
        input.kind,
        input.intent,
        info.context.visit,
        session=session,
        invite=text_of(input.invite),
    )
    info.context.put_flow(ticket)
    return ElsewhereBegun(url=url)


@answering
async def request_code(info: Info, input: CodeRequestInput) -> RequestCodeResult:  # noqa: A002
    """Have a code of six digits sent to a telephone number by WhatsApp.

    The same answer whether or not the number is known here.
    """
    owner, _ = await owner_for(info.context, input.intent)
    ticket = await ask_for_code(info.context, input.number, input.intent, owner)
    return CodeRequested(ticket=SecretText(ticket))


@answering
async def show_code(info: Info, input: CodeInput) -> ShowCodeResult:  # noqa: A002
    """Show the code: to sign in (making an account where that may be), to link, or to be fresh."""
    info.context.require_post()
    outcome = await by_code(
        info.context, text_of(input.ticket), text_of(input.code), text_of(input.invite)
    )
    if isinstance(outcome, Linked):
        session = await info.context.session()
        return await _added(info.context, session.owner, Means.WHATSAPP)
    return await let_in(info.context, outcome)


@answering
async def begin_passkey(info: Info, input: PasskeyRequestInput) -> BeginPasskeyResult:  # noqa: A002
    """Give what to ask the browser: to sign in, to be fresh, or (LINK) to make a passkey.

    To make one needs a fresh login. Passkeys work at signInOptions' address alone.
    """
    owner, session = await owner_for(info.context, input.intent)
    people = info.context.services.people
    if input.intent is Intent.LINK and session is not None:
        proven = people.sessions.proven(session)
        standing = await people.accounts.standing(proven)
        name = standing.address or "your account"
        options, ticket = await people.passkeys.begin_registration(proven, name)
    else:
        limit = people.guesses.limits.network
        await people.guesses.take((limit, info.context.visit.network))
        options, ticket = await people.passkeys.begin_sign_in(owner)
    return PasskeyBegun(options=JSON(options), ticket=SecretText(ticket))


@answering
async def add_passkey(info: Info, input: AddPasskeyInput) -> AddPasskeyResult:  # noqa: A002
    """Keep the passkey that the browser has made. Needs a fresh login."""
    owner = await info.context.proven_owner()
    made = await info.context.services.people.passkeys.finish_registration(
        owner, text_of(input.ticket), plain(input.answer), input.name
    )
    return await _added(info.context, owner, Means.PASSKEY, made.id)


@answering
async def show_passkey(info: Info, input: PasskeyInput) -> ShowPasskeyResult:  # noqa: A002
    """Sign in with a passkey, or make the session's login fresh, as beginPasskey was asked to."""
    people, context = info.context.services.people, info.context
    context.require_post()
    again, session = await owner_for(context, input.intent)
    owner = await people.passkeys.finish_sign_in(
        text_of(input.ticket), plain(input.answer), owner=again
    )
    entered = await people.entering.admit(owner, Means.PASSKEY, context.visit, session=session)
    if isinstance(entered, HalfEntered):
        raise SignInRefused  # a passkey never is half
    return await signed_in(context, entered)


@answering
async def remove_means(info: Info, input: MeansInput) -> RemoveMeansResult:  # noqa: A002
    """Take a passkey, Google, GitHub or a number away as a way to sign in. Needs a fresh login.

    The last way stays. End the other sessions as well (endOtherSessions) if it was not you.
    """
    owner = await info.context.proven_owner()
    await info.context.services.people.ways.remove(owner, input.id)
    return MeansRemoved(id=input.id)


@answering
async def begin_second_factor(info: Info) -> BeginSecondFactorResult:
    """Give an authenticator app's secret. Needs a fresh login."""
    owner = await info.context.proven_owner()
    people = info.context.services.people
    standing = await people.accounts.standing(owner)
    made = await people.second_factor.begin(owner, standing.address or "your account")
    return SecondFactorBegun(
        secret=SecretText(made.secret),
        uri=SecretText(made.uri),
        ticket=SecretText(made.ticket),
    )


@answering
async def add_second_factor(
    info: Info,
    input: SetUpSecondFactorInput,  # noqa: A002
) -> AddSecondFactorResult:
    """Show a code of the app: from now on it is asked for at each sign-in and fresh login."""
    owner = await info.context.proven_owner()
    codes = await info.context.services.people.second_factor.confirm(
        owner, text_of(input.ticket), text_of(input.code)
    )
    return RecoveryCodes(codes=[SecretText(code) for code in codes])


@answering
async def remove_second_factor(info: Info) -> RemoveSecondFactorResult:
    """Ask for no second factor any more. Needs a fresh login, which takes one."""
    owner = await info.context.proven_owner()
    await info.context.services.people.second_factor.remove(owner)
    return SecondFactorRemoved(account=await account_of(info.context, owner))


@answering
async def renew_recovery_codes(info: Info) -> RenewRecoveryCodesResult:
    """Give new recovery codes; the old ones are void. Needs a fresh login."""
    owner = await info.context.proven_owner()
    codes = await info.context.services.people.second_factor.renew_codes(owner)
    return RecoveryCodes(codes=[SecretText(code) for code in codes])


async def ask_for_code(context: Context, number: str, intent: Intent, owner: Owner | None) -> str:
    """Send a code, where it may be sent; give the ticket. The same whether the number is known."""
    people = context.services.people
    if not people.phone_codes.offered:
        raise NotOffered("signing in with WhatsApp")
    anyone = people.invites.sign_up is not SignUp.CLOSED
    send = anyone or owner is not None or await people.knows_number(number)
    return await people.phone_codes.ask(
        number,
        purpose=CodePurpose(intent),
        owner=owner,
        visit=context.visit,
        send=send,
        anyone=anyone,
    )


async def by_code(context: Context, ticket: str, code: str, invite: str) -> Outcome:
    """Do what a code was asked for, now that it is shown.

    Raises `TicketGone` for one that somebody else asked for, and what `go_on` raises.
    """
    people = context.services.people
    shown = await people.phone_codes.check(ticket, code)
    session = await context.session_or_none()
    if shown.account is not None and (session is None or session.owner.account != shown.account):
        raise TicketGone
    return await people.elsewhere.go_on(
        Person(IdentityKind.WHATSAPP, shown.number, shown.number),
        Intent(shown.purpose),
        context.visit,
        session=session,
        invite=invite,
    )


async def _added(context: Context, owner: Owner, means: Means, name: str = "") -> MeansAdded:
    """Give the means that was just added, as the account has it now."""
    ways = await context.services.people.ways.list(owner)
    newest = [way for way in ways if way.means is means and name in {"", way.id}][-1]
    return MeansAdded(means=types.SignInMeans.of(newest))
