"""What the fields about mailed links do: verifying, resetting, changing the address."""

import strawberry

from accounts.errors import SignInRequired, TicketGone
from resolvers.answers import answering
from resolvers.context import Context, Info
from schema.inputs import AddressInput, ResetPasswordInput, TicketInput, VerifyAddressInput
from schema.results import (
    AddressChanged,
    AddressReleased,
    AddressVerified,
    ChangeAddressResult,
    ConfirmAddressResult,
    MailSent,
    PasswordReset,
    PasswordResetRequested,
    ReleaseAddressResult,
    RequestPasswordResetResult,
    RequestVerificationResult,
    ResetPasswordResult,
    VerifyAddressResult,
)
from schema.scalars import text_of


@answering
async def request_password_reset(
    info: Info,
    input: AddressInput,  # noqa: A002
) -> RequestPasswordResetResult:
    """Have a link sent to reset a forgotten password.

    The same answer, in the same time, whether or not there is such an account.
    """
    await info.context.services.people.resets.ask(input.address, info.context.visit)
    return PasswordResetRequested(address=input.address)


@answering
async def reset_password(
    info: Info,
    input: ResetPasswordInput,  # noqa: A002
) -> ResetPasswordResult:
    """Set a new password by a mailed link: every session ends, and nobody is signed in by it."""
    people = info.context.services.people
    ticket, password = text_of(input.ticket), text_of(input.password)
    try:
        await people.resets.reset(ticket, password, info.context.visit)
    except SignInRequired:  # its account was deleted meanwhile
        raise TicketGone from None
    return PasswordReset(message="Your new password counts. Sign in with it.")


@answering
async def request_verification(info: Info) -> RequestVerificationResult:
    """Have the link to verify your address sent once more; older ones are void."""
    session = await info.context.session()
    people = info.context.services.people
    await people.guesses.take((people.guesses.limits.mail_from, info.context.visit.network))
    await people.verifying.send_again(session.owner)
    return MailSent(message="A link is on its way to your address.")


@answering
async def verify_address(
    info: Info,
    input: VerifyAddressInput,  # noqa: A002
) -> VerifyAddressResult:
    """Verify your address by a mailed link.

    You are signed in to the account, or give its password: whoever merely reads the mailbox does
    not vouch for what somebody else has made in their name.
    """
    await take_link(info.context, text_of(input.ticket), text_of(input.password))
    return AddressVerified(message="Your address is verified.")


@answering
async def release_address(info: Info, input: TicketInput) -> ReleaseAddressResult:  # noqa: A002
    """Give up an account that somebody else has made with your address; it is deleted.

    By the second link of the mail, and only while the address is not verified.
    """
    await info.context.services.people.verifying.release(text_of(input.ticket))
    return AddressReleased(message="The account is gone, and your address is free.")


@answering
async def change_address(info: Info, input: AddressInput) -> ChangeAddressResult:  # noqa: A002
    """Have a link sent to another address that is to be yours. Needs a fresh login.

    Whether an account has that address already is not said: then no mail is sent.
    """
    owner = await info.context.proven_owner()
    people = info.context.services.people
    await people.guesses.take((people.guesses.limits.mail_from, info.context.visit.network))
    await people.moving.ask(owner, input.address)
    return MailSent(message="If this address is free, a link is on its way to it.")


@answering
async def confirm_address(info: Info, input: TicketInput) -> ConfirmAddressResult:  # noqa: A002
    """Take the new address, by the mailed link, while you are signed in.

    The account gets another id, every session ends, and both addresses are told.
    """
    session = await info.context.session()
    to = await info.context.services.people.moving.confirm(
        session.owner, text_of(input.ticket), info.context.visit
    )
    info.context.drop_cookie()
    return AddressChanged(id=strawberry.ID(to.account))


async def take_link(context: Context, ticket: str, password: str) -> None:
    """Verify an address, for somebody signed in to the account or who gives its password.

    Raises `TicketGone`, and what giving a password raises.
    """
    people = context.services.people
    owner = await people.verifying.whose(ticket)
    session = await context.session_or_none()
    if session is None or session.owner.account != owner.account:
        await people.entering.show_password(owner, password, context.visit)
    await people.verifying.verify(ticket, owner)
