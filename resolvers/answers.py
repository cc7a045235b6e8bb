"""One table from what can fail to what a client is told; the rest is a fault, and masked."""

import functools
from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec, TypeVar

import strawberry

from accounts import errors as accounts
from providers import UnknownProvider
from schema import problems
from schema.problems import Problem
from schema.scalars import CursorMalformed, MomentUnfit, cursor_of
from store.changes import CursorExpired
from vault import errors as vault

P = ParamSpec("P")
T = TypeVar("T")

_PLAIN: Final[dict[type[Exception], type[Problem]]] = {
    accounts.SignInRequired: problems.SignInRequired,
    accounts.StaleLogin: problems.FreshLoginRequired,
    accounts.SignInRefused: problems.SignInRefused,
    accounts.AddressTaken: problems.SignUpRefused,
    accounts.SignUpClosed: problems.SignUpRefused,
    accounts.ToolGone: problems.ToolNotFound,
    accounts.UserTokenGone: problems.UserTokenNotFound,
    vault.KeyGone: problems.KeyNotFound,
    vault.LabelTaken: problems.LabelTaken,
    vault.KeyNeedsReentry: problems.KeyNeedsReentry,
    UnknownProvider: problems.ProviderNotFound,
}
_FIELDS: Final[dict[type[Exception], str]] = {
    accounts.AddressMalformed: "address",
    accounts.PasswordUnfit: "password",
    accounts.NameUnfit: "name",
    vault.LabelUnfit: "label",
    CursorMalformed: "cursor",
    MomentUnfit: "expiresAt",
}
EXPECTED: Final[tuple[type[Exception], ...]] = (
    *_PLAIN,
    *_FIELDS,
    vault.KeyMalformed,
    vault.KeyRefused,
    vault.KeyPresent,
    CursorExpired,
)
"""Everything that a mutation answers as data."""
TOLD: Final[tuple[type[Exception], ...]] = (*EXPECTED, accounts.TooManySignIns)
"""Everything that a client may be told in its own words."""


def problem_of(failure: Exception) -> Problem:
    """Give an expected failure as the contract's data. Raises what is not expected."""
    message = str(failure)
    match failure:
        case vault.KeyMalformed():
            return problems.MalformedKey(message=message, expected=failure.expected)
        case vault.KeyRefused():
            return problems.KeyRejected(message=message, provider=strawberry.ID(failure.provider))
        case vault.KeyPresent():
            return problems.DuplicateKey(message=message, existing=strawberry.ID(failure.key))
        case CursorExpired():
            return problems.CursorExpired(message=message, head=cursor_of(failure.head))
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
