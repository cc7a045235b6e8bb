# ruff: noqa: D101 - what a client reads stands in `description`; names say the rest
"""Expected failures, as data: each mutation's union names the ones that it may answer."""

import strawberry

from schema.scalars import Cursor


@strawberry.interface(
    description="Something that was asked for can't be had; the message says why."
)
class Problem:
    message: str


@strawberry.type(description="Nobody is signed in, or the session or token has ended.")
class SignInRequired(Problem):
    pass


@strawberry.type(
    description="This needs who you are shown again, within the last 5 minutes: freshLogin."
)
class FreshLoginRequired(Problem):
    pass


@strawberry.type(
    description="What was given does not show who you are; which part of it is wrong is not said."
)
class SignInRefused(Problem):
    pass


@strawberry.type(description="What was sent is of the wrong form; `field` says which part.")
class InvalidInput(Problem):
    field: str


@strawberry.type(
    description="An account with this address exists, or it needs an invite, or sign-up is closed."
)
class SignUpRefused(Problem):
    pass


@strawberry.type(description="No provider of that name.")
class ProviderNotFound(Problem):
    pass


@strawberry.type(description="No such key: removed, or never was.")
class KeyNotFound(Problem):
    pass


@strawberry.type(
    description="The provider answered that the key is no good, or, where it was to take another's "
    "place, did not answer that it is good; nothing was changed. `force` overrules."
)
class KeyRejected(Problem):
    provider: strawberry.ID


@strawberry.type(description="What was pasted can't be a key. It is never repeated.")
class MalformedKey(Problem):
    expected: str


@strawberry.type(description="The same key is stored already, under this reference.")
class DuplicateKey(Problem):
    # Not `key`: one answer could not be asked for that beside a success's `key { … }`.
    existing: strawberry.ID


@strawberry.type(description="Another key at the provider has this label.")
class LabelTaken(Problem):
    pass


@strawberry.type(description="The stored row does not open any more: rotate it or remove it.")
class KeyNeedsReentry(Problem):
    pass


@strawberry.type(description="No such user token: revoked, or never was.")
class UserTokenNotFound(Problem):
    pass


@strawberry.type(description="No such tool: revoked, or never was.")
class ToolNotFound(Problem):
    pass


@strawberry.type(description="No such ceiling: taken away, or never was.")
class CeilingNotFound(Problem):
    pass


@strawberry.type(description="No call of that reference is disputed.")
class NothingDisputed(Problem):
    pass


@strawberry.type(description="Nothing of that name runs at the provider and costs by the hour.")
class CommitmentNotFound(Problem):
    pass


@strawberry.type(description="No such file: deleted, or never was.")
class FileNotFound(Problem):
    pass


@strawberry.type(
    description="What came after the cursor is no longer kept, or the cursor is not of this "
    "database. List anew, then go on from the head."
)
class CursorExpired(Problem):
    head: Cursor


@strawberry.type(description="Tried too often; wait.")
class TooManyTries(Problem):
    retry_after_seconds: int


@strawberry.type(description="The operator has disabled the account.")
class AccountDisabled(Problem):
    pass


@strawberry.type(description="A link, code or ticket that was used, has expired, or was replaced.")
class TicketGone(Problem):
    pass


@strawberry.type(description="A one-time code is wrong.")
class CodeWrong(Problem):
    tries_left: int | None


@strawberry.type(description="The user token lacks the scope that this needs.")
class ScopeMissing(Problem):
    pass


@strawberry.type(description="This needs a verified e-mail address, or one at all.")
class AddressUnverified(Problem):
    pass


@strawberry.type(description="This installation does not offer it.")
class NotOffered(Problem):
    pass


@strawberry.type(description="No such way to sign in, or session: removed, or never was.")
class MeansNotFound(Problem):
    pass


@strawberry.type(
    description="It signs in to another account, is the only way in, or is there already."
)
class MeansInUse(Problem):
    pass
