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


class SignInRequired(AccountsFailure):
    """Nobody is signed in, or the session or token has ended."""

    def __init__(self) -> None:
        super().__init__("Sign in first, or send a token: Authorization: Bearer ksu_…")


class StaleLogin(AccountsFailure):
    """The password was last given too long ago for what was asked, or never in this session."""

    def __init__(self) -> None:
        super().__init__(
            "Give your password again (freshLogin): this needs a login of the last 5 minutes."
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
