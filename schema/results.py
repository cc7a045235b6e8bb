# ruff: noqa: D101 - what a client reads stands in `description`; names say the rest
"""What each mutation answers: its success, or one of the problems that its union names."""

from typing import Annotated

import strawberry

from schema.problems import (
    CursorExpired,
    DuplicateKey,
    FreshLoginRequired,
    InvalidInput,
    KeyNeedsReentry,
    KeyNotFound,
    KeyRejected,
    LabelTaken,
    MalformedKey,
    ProviderNotFound,
    SignInRefused,
    SignInRequired,
    SignUpRefused,
    ToolNotFound,
    UserTokenNotFound,
)
from schema.scalars import Cursor, SecretText
from schema.types import Account, Key, Tool


@strawberry.type
class SignedIn:
    account: Account


@strawberry.type
class SignedOut:
    account: Account


@strawberry.type
class KeyAdded:
    key: Key
    warning: str | None = strawberry.field(
        description="Set when the key looks like another provider's, or was not verified."
    )


@strawberry.type
class KeyVerified:
    key: Key


@strawberry.type(
    description="The plaintext, for its owner's eyes. Sent with Cache-Control: no-store."
)
class KeyRevealed:
    key: Key
    secret: SecretText


@strawberry.type
class KeyRotated:
    key: Key
    cursor: Cursor
    warning: str | None


@strawberry.type(description="Final: no call starts with the key any more, in any process.")
class KeyRemoved:
    id: strawberry.ID
    cursor: Cursor = strawberry.field(description="Ask revocation(cursor:) who has heard.")


@strawberry.type
class DefaultKeySet:
    key: Key


@strawberry.type
class ToolCreated:
    tool: Tool
    token: SecretText = strawberry.field(description="Shown now and never again.")


@strawberry.type
class ToolRevoked:
    tool: Tool
    cursor: Cursor


@strawberry.type
class UserTokenCreated:
    token: SecretText = strawberry.field(description="Shown now and never again.")


@strawberry.type
class UserTokenRevoked:
    id: strawberry.ID


@strawberry.type
class Acknowledged:
    cursor: Cursor


SignUpResult = Annotated[SignedIn | SignUpRefused | InvalidInput, strawberry.union("SignUpResult")]
SignInResult = Annotated[SignedIn | SignInRefused, strawberry.union("SignInResult")]
FreshLoginResult = Annotated[
    SignedIn | SignInRefused | SignInRequired, strawberry.union("FreshLoginResult")
]
SignOutResult = Annotated[SignedOut | SignInRequired, strawberry.union("SignOutResult")]
AddKeyResult = Annotated[
    KeyAdded
    | SignInRequired
    | FreshLoginRequired
    | ProviderNotFound
    | MalformedKey
    | KeyRejected
    | DuplicateKey
    | LabelTaken
    | InvalidInput,
    strawberry.union("AddKeyResult"),
]
VerifyKeyResult = Annotated[
    KeyVerified | SignInRequired | KeyNotFound | KeyNeedsReentry,
    strawberry.union("VerifyKeyResult"),
]
RevealKeyResult = Annotated[
    KeyRevealed | SignInRequired | FreshLoginRequired | KeyNotFound | KeyNeedsReentry,
    strawberry.union("RevealKeyResult"),
]
RotateKeyResult = Annotated[
    KeyRotated
    | SignInRequired
    | FreshLoginRequired
    | KeyNotFound
    | MalformedKey
    | KeyRejected
    | DuplicateKey,
    strawberry.union("RotateKeyResult"),
]
RemoveKeyResult = Annotated[
    KeyRemoved | SignInRequired | FreshLoginRequired | KeyNotFound,
    strawberry.union("RemoveKeyResult"),
]
SetDefaultKeyResult = Annotated[
    DefaultKeySet | SignInRequired | FreshLoginRequired | KeyNotFound,
    strawberry.union("SetDefaultKeyResult"),
]
CreateToolResult = Annotated[
    ToolCreated | SignInRequired | FreshLoginRequired | ProviderNotFound | InvalidInput,
    strawberry.union("CreateToolResult"),
]
RevokeToolResult = Annotated[
    ToolRevoked | SignInRequired | FreshLoginRequired | ToolNotFound,
    strawberry.union("RevokeToolResult"),
]
CreateUserTokenResult = Annotated[
    UserTokenCreated | SignInRequired | FreshLoginRequired | InvalidInput,
    strawberry.union("CreateUserTokenResult"),
]
RevokeUserTokenResult = Annotated[
    UserTokenRevoked | SignInRequired | FreshLoginRequired | UserTokenNotFound,
    strawberry.union("RevokeUserTokenResult"),
]
AcknowledgeResult = Annotated[
    Acknowledged | SignInRequired | CursorExpired | InvalidInput,
    strawberry.union("AcknowledgeResult"),
]
