"""What can go wrong with getting in: a closed set, in plain sentences."""

from store.errors import Failure


class AccountsFailure(Failure):
    """Something about who somebody is."""


class AddressMalformed(AccountsFailure):
    """What was given can't be an e-mail address."""

    def __init__(self) -> None:
        super().__init__("This is not an e-mail address. Expected one such as you@example.com.")


class PasswordUnfit(AccountsFailure):
    """The password is too short or too long."""

    def __init__(self, shortest: int, longest: int) -> None:
        super().__init__(f"Choose a password of {shortest} to {longest} characters.")


class PasswordGuessable(PasswordUnfit):
    """The password is one that guessers try first."""

    def __init__(self) -> None:
        AccountsFailure.__init__(
            self,
            "This password is one of those that are tried first: a common one, or your own "
            "address. Choose another.",
        )


class AddressTaken(AccountsFailure):
    """An account with this address exists."""

    def __init__(self) -> None:
        super().__init__("An account with this address exists. Sign in instead.")


class SignInRefused(AccountsFailure):
    """Address and password don't belong together; which of the two is wrong is not said."""

    def __init__(self) -> None:
        super().__init__("Address or password is wrong.")


class TooManySignIns(AccountsFailure):
    """More passwords wait to be looked at than are kept waiting; nothing was looked at."""

    def __init__(self) -> None:
        super().__init__("Too many are signing in at this moment. Try again in a few seconds.")


class TooManyTries(AccountsFailure):
    """Tried too often, by this account, this client or everybody; `wait` is in seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many tries. Try again in {max(1, wait)} s.")
        self.wait = max(1, wait)


class AccountDisabled(AccountsFailure):
    """The operator has disabled the account. Said only to who has shown that it is theirs."""

    def __init__(self) -> None:
        super().__init__("This account is disabled. Ask the operator of this installation.")


class AddressUnverified(AccountsFailure):
    """This needs an address that was shown to be its owner's."""

    def __init__(self) -> None:
        super().__init__(
            "Verify your address first: open the link in the mail that came when you signed up, "
            "or ask for another one."
        )


class AddressMissing(AccountsFailure):
    """The account has no address to send a mail to."""

    def __init__(self) -> None:
        super().__init__("This account has no e-mail address.")


class TicketGone(AccountsFailure):
    """A link or code that is unknown, used, expired, or replaced by a newer one."""

    def __init__(self) -> None:
        super().__init__(
            "This link or code is no longer good: it was used, has expired, or a newer one was "
            "sent. Ask for another."
        )


class CodeWrong(AccountsFailure):
    """A one-time code is not the one that was expected; `left` tries remain."""

    def __init__(self, left: int | None = None) -> None:
        rest = "" if left is None else f" {left} tries are left." if left else " Ask for another."
        super().__init__(f"This code is wrong.{rest}")
        self.left = left


class PhoneMalformed(AccountsFailure):
    """What was given can't be a telephone number."""

    def __init__(self) -> None:
        super().__init__(
            "This is not a telephone number. Expected one with its country's code, such as "
            "+49 151 12345678."
        )


class NotOffered(AccountsFailure):
    """This installation does not offer that way to sign in."""

    def __init__(self, what: str) -> None:
        super().__init__(f"This installation does not offer {what}. Ask its operator.")


class MessageNotSent(AccountsFailure):
    """WhatsApp did not take the message."""

    def __init__(self) -> None:
        super().__init__(
            "WhatsApp did not take the message. Check the number, and try again in a minute."
        )


class IdentityRefused(AccountsFailure):
    """What came back from another provider's sign-in is not what was asked for."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


class IdentityTaken(AccountsFailure):
    """That account elsewhere, or that number, signs in to another account here."""

    def __init__(self) -> None:
        super().__init__("This already signs in to another account here. Remove it there first.")


class IdentityUnlinked(AccountsFailure):
    """An account with that address exists, and this way to sign in is not linked to it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"An account with this address exists, and {name} is not linked to it. Sign in as "
            f"you did before, then link {name} in the account's settings."
        )


class MeansGone(AccountsFailure):
    """No such way to sign in of this owner: unknown, removed, or somebody else's."""

    def __init__(self) -> None:
        super().__init__("You have no such way to sign in: it was removed, or never was.")


class LastMeans(AccountsFailure):
    """Without this one nobody could sign in to the account any more."""

    def __init__(self) -> None:
        super().__init__("This is the only way to sign in to your account. Add another one first.")


class PasskeyRefused(AccountsFailure):
    """The authenticator's answer does not fit what it was asked."""

    def __init__(self) -> None:
        super().__init__("This passkey was not accepted. Try again, or sign in another way.")


class SecondFactorPresent(AccountsFailure):
    """A second factor is set up already."""

    def __init__(self) -> None:
        super().__init__("A second factor is set up already. Remove it before you set up another.")


class SecondFactorAbsent(AccountsFailure):
    """No second factor is set up."""

    def __init__(self) -> None:
        super().__init__("No second factor is set up.")


class SessionGone(AccountsFailure):
    """No such session of this owner: ended, or somebody else's."""

    def __init__(self) -> None:
        super().__init__("You have no such session: it has ended, or never was.")


class InviteRequired(AccountsFailure):
    """New accounts need an invite here."""

    def __init__(self) -> None:
        super().__init__(
            "A new account needs an invite here, and this one is not good: it was used, has "
            "expired, or was withdrawn. Ask whoever sent it for another."
        )


class ScopeMissing(AccountsFailure):
    """The user token was not given the scope that this needs."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This token lacks the scope {scope}. Make one that has it.")


class ConfirmationWrong(AccountsFailure):
    """What was typed to confirm is not what had to be typed."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"Type {expected} to confirm.")


class SignInRequired(AccountsFailure):
    """Nobody is signed in, or the session or token has ended."""

    def __init__(self) -> None:
        super().__init__("Sign in first, or send a token: Authorization: Bearer ksu_…")


class StaleLogin(AccountsFailure):
    """Who they are was last shown too long ago for what was asked, or never in this session."""

    def __init__(self) -> None:
        super().__init__(
            "Show again who you are (freshLogin): this needs a login of the last 5 minutes."
        )


class TokenUnknown(AccountsFailure):
    """No such token: mistyped, revoked, expired, or of another kind."""

    def __init__(self, sentence: str = "Unknown, revoked or expired token.") -> None:
        super().__init__(sentence)


class ToolGone(AccountsFailure):
    """No such tool of this owner: unknown, revoked, or somebody else's."""

    def __init__(self) -> None:
        super().__init__("You have no such tool: it was revoked, or never was.")


class UserTokenGone(AccountsFailure):
    """No such user token of this owner: unknown, revoked, or somebody else's."""

    def __init__(self) -> None:
        super().__init__("You have no such user token: it was revoked, or never was.")


class NameUnfit(AccountsFailure):
    """The name is empty or too long."""

    def __init__(self, longest: int) -> None:
        super().__init__(f"Give a name of 1 to {longest} printable characters.")


class SignUpClosed(AccountsFailure):
    """This installation takes no new accounts."""

    def __init__(self) -> None:
        super().__init__("This installation takes no new accounts. Ask its operator.")


class RateUnfit(AccountsFailure):
    """The rate is no number of calls a minute that can be held."""

    def __init__(self, most: int) -> None:
        super().__init__(f"Give a rate of 1 to {most} calls a minute.")


class AccountUnknown(AccountsFailure):
    """The operator named no account, or one that could be several."""

    def __init__(self) -> None:
        super().__init__(
            "There is no such account. Name one by its e-mail address, or by at least eight "
            "characters of its id: `keysteward account list` shows them."
        )


class OperatorRequired(AccountsFailure):
    """Only an operator may do this to somebody else's account."""

    def __init__(self) -> None:
        super().__init__(
            "This account is no operator's. Name operators by their addresses in "
            "KEYSTEWARD_OPERATORS."
        )
