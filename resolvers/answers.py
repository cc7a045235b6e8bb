"""One table from what can fail to what a client is told; the rest is a fault, and masked."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, Final, ParamSpec, TypeVar

import strawberry

from accounts import errors as accounts
from accounts.passkeys import PasskeysFull
from audit import TrailBroken
from broker import errors as broker
from providers import UnknownProvider
from resolvers.context import PostRequired
from schema import problems
from schema.problems import Problem
from schema.scalars import CursorMalformed, InputUnfit, MomentUnfit, cursor_of
from store.changes import CursorExpired
from vault import errors as vault

P = ParamSpec("P")
T = TypeVar("T")

_PLAIN: Final[dict[type[Exception], type[Problem]]] = {
    accounts.SignInRequired: problems.SignInRequired,
    accounts.StaleLogin: problems.FreshLoginRequired,
    accounts.SignInRefused: problems.SignInRefused,
    accounts.PasskeyRefused: problems.SignInRefused,
    accounts.IdentityRefused: problems.SignInRefused,
    accounts.IdentityUnlinked: problems.SignInRefused,
    accounts.MessageNotSent: problems.SignInRefused,
    accounts.AddressTaken: problems.SignUpRefused,
    accounts.SignUpClosed: problems.SignUpRefused,
    accounts.InviteRequired: problems.SignUpRefused,
    accounts.AccountDisabled: problems.AccountDisabled,
    accounts.TicketGone: problems.TicketGone,
    accounts.ScopeMissing: problems.ScopeMissing,
    accounts.AddressUnverified: problems.AddressUnverified,
    accounts.AddressMissing: problems.AddressUnverified,
    accounts.NotOffered: problems.NotOffered,
    accounts.MeansGone: problems.MeansNotFound,
    accounts.SessionGone: problems.MeansNotFound,
    accounts.SecondFactorAbsent: problems.MeansNotFound,
    accounts.SecondFactorPresent: problems.MeansInUse,
    accounts.IdentityTaken: problems.MeansInUse,
    accounts.LastMeans: problems.MeansInUse,
    accounts.ToolGone: problems.ToolNotFound,
    accounts.UserTokenGone: problems.UserTokenNotFound,
    broker.CeilingGone: problems.CeilingNotFound,
    broker.NothingDisputed: problems.NothingDisputed,
    broker.CommitmentGone: problems.CommitmentNotFound,
    broker.FileGone: problems.FileNotFound,
    vault.KeyGone: problems.KeyNotFound,
    vault.LabelTaken: problems.LabelTaken,
    vault.KeyNeedsReentry: problems.KeyNeedsReentry,
    UnknownProvider: problems.ProviderNotFound,
}
_FIELDS: Final[dict[type[Exception], str]] = {
    accounts.AddressMalformed: "address",
    accounts.PasswordUnfit: "password",
    accounts.PasswordGuessable: "password",
    accounts.PhoneMalformed: "number",
    accounts.ConfirmationWrong: "confirm",
    accounts.NameUnfit: "name",
    accounts.RateUnfit: "callsPerMinute",
    PasskeysFull: "answer",
    broker.CeilingUnfit: "limit",
    broker.PriceUnfit: "item",
    vault.LabelUnfit: "label",
    CursorMalformed: "cursor",
    MomentUnfit: "expiresAt",
}


def _rejected(message: str, failure: Any) -> Problem:
    return problems.KeyRejected(message=message, provider=strawberry.ID(failure.provider))


_WITH_MORE: Final[dict[type[Exception], Callable[[str, Any], Problem]]] = {
    accounts.TooManyTries: lambda message, failure: problems.TooManyTries(
        message=message, retry_after_seconds=failure.wait
    ),
    accounts.CodeWrong: lambda message, failure: problems.CodeWrong(
        message=message, tries_left=failure.left
    ),
    vault.KeyMalformed: lambda message, failure: problems.MalformedKey(
        message=message, expected=failure.expected
    ),
    vault.KeyRefused: _rejected,
    vault.KeyUnconfirmed: _rejected,
    vault.KeyPresent: lambda message, failure: problems.DuplicateKey(
        message=message, existing=strawberry.ID(failure.key)
    ),
    InputUnfit: lambda message, failure: problems.InvalidInput(
        message=message, field=failure.field
    ),
    CursorExpired: lambda message, failure: problems.CursorExpired(
        message=message, head=cursor_of(failure.head)
    ),
}
EXPECTED: Final[tuple[type[Exception], ...]] = (
    *_PLAIN,
    *_FIELDS,
    *_WITH_MORE,
)
"""Everything that a mutation answers as data."""
TOLD: Final[tuple[type[Exception], ...]] = (
    *EXPECTED,
    accounts.TooManySignIns,
    PostRequired,
    TrailBroken,
)
"""Everything that a client may be told in its own words."""


def problem_of(failure: Exception) -> Problem:
    """Give an expected failure as the contract's data. Raises what is not expected."""
    message = str(failure)
    if make := _WITH_MORE.get(type(failure)):
        return make(message, failure)
    if field := _FIELDS.get(type(failure)):
        return problems.InvalidInput(message=message, field=field)
    return _PLAIN[type(failure)](message=message)


def answering(
    resolve: Callable[P, Awaitable[T]],
) -> Callable[P, Awaitable[T]]:
    """Let a mutation answer its expected failures as data, as its union says."""

    @functools.wraps(resolve)
    async def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await resolve(*args, **kwargs)
        except EXPECTED as failure:
            return problem_of(failure)  # type: ignore[return-value]  # each union names its own

    return answer
