"""One table from what can fail to what a page says: the status, and the field that it is about."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from accounts import errors
from accounts.whatsapp import WebhookRefused
from keysteward.doors.forms import FormRefused
from store.errors import Failure, StoreUnavailable

_SOON_SECONDS: Final = 3

_TABLE: Final[dict[type[Failure], tuple[HTTPStatus, str]]] = {
    errors.AddressMalformed: (HTTPStatus.BAD_REQUEST, "address"),
    errors.PasswordUnfit: (HTTPStatus.BAD_REQUEST, "password"),
    errors.PasswordGuessable: (HTTPStatus.BAD_REQUEST, "password"),
    errors.PhoneMalformed: (HTTPStatus.BAD_REQUEST, "number"),
    errors.SignInRefused: (HTTPStatus.UNAUTHORIZED, "password"),
    errors.CodeWrong: (HTTPStatus.UNAUTHORIZED, "code"),
    errors.IdentityRefused: (HTTPStatus.UNAUTHORIZED, ""),
    errors.SignInRequired: (HTTPStatus.UNAUTHORIZED, ""),
    errors.StaleLogin: (HTTPStatus.UNAUTHORIZED, ""),
    errors.AccountDisabled: (HTTPStatus.FORBIDDEN, ""),
    errors.SignUpClosed: (HTTPStatus.FORBIDDEN, ""),
    errors.InviteRequired: (HTTPStatus.FORBIDDEN, "ticket"),
    WebhookRefused: (HTTPStatus.FORBIDDEN, ""),
    errors.NotOffered: (HTTPStatus.NOT_FOUND, ""),
    errors.AddressTaken: (HTTPStatus.CONFLICT, "address"),
    errors.IdentityTaken: (HTTPStatus.CONFLICT, ""),
    errors.IdentityUnlinked: (HTTPStatus.CONFLICT, ""),
    errors.AddressMissing: (HTTPStatus.CONFLICT, ""),
    errors.TicketGone: (HTTPStatus.GONE, "ticket"),
    errors.TooManyTries: (HTTPStatus.TOO_MANY_REQUESTS, ""),
    errors.TooManySignIns: (HTTPStatus.TOO_MANY_REQUESTS, ""),
    errors.MessageNotSent: (HTTPStatus.BAD_GATEWAY, "number"),
    StoreUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, ""),
}
# What other words are for: those of the failure itself speak to programs.
_WORDS: Final[dict[type[Failure], str]] = {
    errors.SignInRequired: "Sign in first.",
    errors.StaleLogin: "Show again who you are: your login is older than five minutes.",
    StoreUnavailable: "Nothing was done: the database is busy. Try again in a few seconds.",
}

EXPECTED: Final[tuple[type[Failure], ...]] = (*_TABLE, FormRefused)
"""Everything that a page says in plain words."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a page says: one sentence, about one field where `field` is not empty."""

    status: HTTPStatus
    sentence: str
    field: str = ""
    wait: int | None = None
    """Seconds until it may be tried again."""


def refusal_of(failure: Failure, words: dict[type[Failure], str]) -> Refusal:
    """Give what is said of an expected failure, in a page's own `words` where it has some."""
    kind = type(failure)
    if isinstance(failure, FormRefused):
        return Refusal(failure.status, str(failure))
    status, field = _TABLE[kind]
    sentence = words.get(kind) or _WORDS.get(kind) or str(failure)
    wait = None
    if isinstance(failure, errors.TooManyTries):
        wait = failure.wait
    elif isinstance(failure, errors.TooManySignIns | StoreUnavailable):
        wait = _SOON_SECONDS
    return Refusal(status, sentence, field, wait)
