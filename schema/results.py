# ruff: noqa: D101 - what a client reads stands in `description`; names say the rest
"""What each mutation answers: its success, or one of the problems that its union names."""

import datetime as dt
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from schema.money import Ceiling, Price
from schema.problems import (
    AccountDisabled,
    AddressUnverified,
    CeilingNotFound,
    CodeWrong,
    CommitmentNotFound,
    CursorExpired,
    DuplicateKey,
    FileNotFound,
    FreshLoginRequired,
    InvalidInput,
    KeyNeedsReentry,
    KeyNotFound,
    KeyRejected,
    LabelTaken,
    MalformedKey,
    MeansInUse,
    MeansNotFound,
    NothingDisputed,
    NotOffered,
    ProviderNotFound,
    ScopeMissing,
    SignInRefused,
    SignInRequired,
    SignUpRefused,
    TicketGone,
    ToolNotFound,
    TooManyTries,
    UserTokenNotFound,
)
from schema.scalars import Cursor, Dollars, SecretText
from schema.types import Account, Key, SignInMeans, Tool, UserToken


@strawberry.type
class SignedIn:
    account: Account


@strawberry.type(description="Not in yet: the second factor is asked for, with this ticket.")
class SecondFactorRequired:
    ticket: SecretText = strawberry.field(description="For showSecondFactor, within ten minutes.")


@strawberry.type
class SignedOut:
    account: Account


@strawberry.type(description="So many sessions have ended, and their websockets are closed.")
class SessionsEnded:
    count: int


@strawberry.type(description="Changed; every other session has ended.")
class PasswordChanged:
    account: Account


@strawberry.type(
    description="If an account has this address, a mail is on its way to it. What else is the case "
    "is not said."
)
class PasswordResetRequested:
    address: str


@strawberry.type(description="The new password counts; every session has ended. Sign in with it.")
class PasswordReset:
    message: str


@strawberry.type(description="A mail is on its way.")
class MailSent:
    message: str


@strawberry.type
class AddressVerified:
    message: str


@strawberry.type(description="The account that somebody made with your address is gone.")
class AddressReleased:
    message: str


@strawberry.type(description="Done: the account has another id, and nobody is signed in to it.")
class AddressChanged:
    id: strawberry.ID


@strawberry.type(description="Where to send the browser. Its cookie brings it back.")
class ElsewhereBegun:
    url: str


@strawberry.type(description="A code is on its way, if codes are sent to this number at all.")
class CodeRequested:
    ticket: SecretText = strawberry.field(description="For showCode, within ten minutes.")


@strawberry.type(description="This signs in to your account from now on.")
class MeansAdded:
    means: SignInMeans


@strawberry.type
class MeansRemoved:
    id: strawberry.ID


@strawberry.type(description="What the browser's `navigator.credentials` is to be asked.")
class PasskeyBegun:
    options: JSON
    ticket: SecretText


@strawberry.type(description="For an authenticator app; it counts once a code of it was shown.")
class SecondFactorBegun:
    secret: SecretText = strawberry.field(description="In base 32, to type in.")
    uri: SecretText = strawberry.field(description="otpauth://…, to show as a QR code.")
    ticket: SecretText


@strawberry.type(
    description="Each stands in for the app once. Shown now and never again; older ones are void."
)
class RecoveryCodes:
    codes: list[SecretText]


@strawberry.type
class SecondFactorRemoved:
    account: Account


@strawberry.type
class InviteCreated:
    link: SecretText = strawberry.field(
        description="For one person, once. Shown now and never again."
    )
    expires_at: dt.datetime


@strawberry.type(
    description="Every key removed, every tool, user token and other session ended, at once."
)
class EverythingRevoked:
    keys: int
    tools: int


@strawberry.type(description="Gone: its keys are revoked, its tools and sessions ended.")
class AccountDeleted:
    id: strawberry.ID


@strawberry.type(description="All that is kept of the account, but no secret.")
class AccountExported:
    document: JSON


@strawberry.type(description="The list of your keys as a file: providers and references, no key.")
class KeysExported:
    name: str = strawberry.field(description="What to call it; it says the day.")
    media_type: str
    content: str


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
class ToolUpdated:
    tool: Tool


@strawberry.type
class ToolRevoked:
    tool: Tool
    cursor: Cursor


@strawberry.type
class UserTokenCreated:
    user_token: UserToken
    token: SecretText = strawberry.field(description="Shown now and never again.")


@strawberry.type
class UserTokenRevoked:
    id: strawberry.ID


@strawberry.type
class Acknowledged:
    cursor: Cursor


@strawberry.type
class CeilingSet:
    ceiling: Ceiling


@strawberry.type(description="Its next epoch has begun: nothing is used, and it is open.")
class CeilingReset:
    ceiling: Ceiling


@strawberry.type(description="It holds nothing up any more; what was spent under it stays known.")
class CeilingRemoved:
    id: strawberry.ID


@strawberry.type
class PriceSet:
    price: Price | None = strawberry.field(description="Null: the list's price counts again.")


@strawberry.type(description="It counts as what you said that it cost.")
class DisputeReleased:
    call: strawberry.ID
    given_back: Dollars = strawberry.field(description="Of what had counted until now.")


@strawberry.type(description="Gone, with all that was in it.")
class FileDeleted:
    id: strawberry.ID


@strawberry.type(description="Its hours are charged no more. Nothing was deleted at the provider.")
class CommitmentEnded:
    provider: strawberry.ID
    resource: str


SignUpResult = Annotated[
    SignedIn | SignUpRefused | InvalidInput | TooManyTries, strawberry.union("SignUpResult")
]
SignInResult = Annotated[
    SignedIn | SecondFactorRequired | SignInRefused | TooManyTries | AccountDisabled,
    strawberry.union("SignInResult"),
]
FreshLoginResult = Annotated[
    SignedIn
    | SecondFactorRequired
    | SignInRefused
    | SignInRequired
    | TooManyTries
    | AccountDisabled,
    strawberry.union("FreshLoginResult"),
]
SecondFactorResult = Annotated[
    SignedIn
    | CodeWrong
    | TicketGone
    | MeansNotFound
    | SignInRequired
    | TooManyTries
    | AccountDisabled,
    strawberry.union("SecondFactorResult"),
]
SignOutResult = Annotated[SignedOut | SignInRequired, strawberry.union("SignOutResult")]
EndSessionResult = Annotated[
    SessionsEnded | SignInRequired | FreshLoginRequired | MeansNotFound,
    strawberry.union("EndSessionResult"),
]
EndOtherSessionsResult = Annotated[
    SessionsEnded | SignInRequired | FreshLoginRequired,
    strawberry.union("EndOtherSessionsResult"),
]
ChangePasswordResult = Annotated[
    PasswordChanged
    | SignInRequired
    | FreshLoginRequired
    | SignInRefused
    | InvalidInput
    | TooManyTries,
    strawberry.union("ChangePasswordResult"),
]
RequestPasswordResetResult = Annotated[
    PasswordResetRequested | InvalidInput | TooManyTries,
    strawberry.union("RequestPasswordResetResult"),
]
ResetPasswordResult = Annotated[
    PasswordReset | TicketGone | InvalidInput | TooManyTries | AccountDisabled,
    strawberry.union("ResetPasswordResult"),
]
RequestVerificationResult = Annotated[
    MailSent | SignInRequired | AddressUnverified | TooManyTries,
    strawberry.union("RequestVerificationResult"),
]
VerifyAddressResult = Annotated[
    AddressVerified | TicketGone | SignInRequired | SignInRefused | TooManyTries | AccountDisabled,
    strawberry.union("VerifyAddressResult"),
]
ReleaseAddressResult = Annotated[
    AddressReleased | TicketGone | AccountDisabled, strawberry.union("ReleaseAddressResult")
]
ChangeAddressResult = Annotated[
    MailSent | SignInRequired | FreshLoginRequired | InvalidInput | TooManyTries,
    strawberry.union("ChangeAddressResult"),
]
ConfirmAddressResult = Annotated[
    AddressChanged | SignInRequired | TicketGone | SignUpRefused,
    strawberry.union("ConfirmAddressResult"),
]
BeginElsewhereResult = Annotated[
    ElsewhereBegun
    | SignInRequired
    | FreshLoginRequired
    | SignInRefused
    | NotOffered
    | TooManyTries,
    strawberry.union("BeginElsewhereResult"),
]
RequestCodeResult = Annotated[
    CodeRequested
    | SignInRequired
    | FreshLoginRequired
    | InvalidInput
    | NotOffered
    | SignInRefused
    | TooManyTries,
    strawberry.union("RequestCodeResult"),
]
ShowCodeResult = Annotated[
    SignedIn
    | SecondFactorRequired
    | MeansAdded
    | CodeWrong
    | TicketGone
    | SignInRequired
    | FreshLoginRequired
    | SignInRefused
    | SignUpRefused
    | MeansInUse
    | NotOffered
    | TooManyTries
    | AccountDisabled,
    strawberry.union("ShowCodeResult"),
]
BeginPasskeyResult = Annotated[
    PasskeyBegun | SignInRequired | FreshLoginRequired | InvalidInput | TooManyTries,
    strawberry.union("BeginPasskeyResult"),
]
AddPasskeyResult = Annotated[
    MeansAdded | SignInRequired | FreshLoginRequired | SignInRefused | TicketGone | InvalidInput,
    strawberry.union("AddPasskeyResult"),
]
ShowPasskeyResult = Annotated[
    SignedIn | SignInRefused | SignInRequired | FreshLoginRequired | TicketGone | AccountDisabled,
    strawberry.union("ShowPasskeyResult"),
]
RemoveMeansResult = Annotated[
    MeansRemoved | SignInRequired | FreshLoginRequired | MeansNotFound | MeansInUse,
    strawberry.union("RemoveMeansResult"),
]
BeginSecondFactorResult = Annotated[
    SecondFactorBegun | SignInRequired | FreshLoginRequired | MeansInUse,
    strawberry.union("BeginSecondFactorResult"),
]
AddSecondFactorResult = Annotated[
    RecoveryCodes | SignInRequired | FreshLoginRequired | CodeWrong | TicketGone | MeansInUse,
    strawberry.union("AddSecondFactorResult"),
]
RemoveSecondFactorResult = Annotated[
    SecondFactorRemoved | SignInRequired | FreshLoginRequired | MeansNotFound,
    strawberry.union("RemoveSecondFactorResult"),
]
RenewRecoveryCodesResult = Annotated[
    RecoveryCodes | SignInRequired | FreshLoginRequired | MeansNotFound,
    strawberry.union("RenewRecoveryCodesResult"),
]
CreateInviteResult = Annotated[
    InviteCreated
    | SignInRequired
    | FreshLoginRequired
    | AddressUnverified
    | SignUpRefused
    | TooManyTries,
    strawberry.union("CreateInviteResult"),
]
RevokeEverythingResult = Annotated[
    EverythingRevoked | SignInRequired | FreshLoginRequired,
    strawberry.union("RevokeEverythingResult"),
]
DeleteAccountResult = Annotated[
    AccountDeleted | SignInRequired | FreshLoginRequired | InvalidInput,
    strawberry.union("DeleteAccountResult"),
]
ExportAccountResult = Annotated[
    AccountExported | SignInRequired | FreshLoginRequired,
    strawberry.union("ExportAccountResult"),
]
ExportKeysResult = Annotated[
    KeysExported | SignInRequired | FreshLoginRequired,
    strawberry.union("ExportKeysResult"),
]
AddKeyResult = Annotated[
    KeyAdded
    | SignInRequired
    | FreshLoginRequired
    | ProviderNotFound
    | MalformedKey
    | KeyRejected
    | DuplicateKey
    | LabelTaken
    | InvalidInput
    | ScopeMissing,
    strawberry.union("AddKeyResult"),
]
VerifyKeyResult = Annotated[
    KeyVerified | SignInRequired | ScopeMissing | KeyNotFound | KeyNeedsReentry,
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
UpdateToolResult = Annotated[
    ToolUpdated | SignInRequired | FreshLoginRequired | ScopeMissing | ToolNotFound | InvalidInput,
    strawberry.union("UpdateToolResult"),
]
RevokeToolResult = Annotated[
    ToolRevoked | SignInRequired | FreshLoginRequired | ScopeMissing | ToolNotFound,
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
SetCeilingResult = Annotated[
    CeilingSet
    | SignInRequired
    | FreshLoginRequired
    | ScopeMissing
    | ProviderNotFound
    | ToolNotFound
    | InvalidInput,
    strawberry.union("SetCeilingResult"),
]
ResetCeilingResult = Annotated[
    CeilingReset | SignInRequired | FreshLoginRequired | ScopeMissing | CeilingNotFound,
    strawberry.union("ResetCeilingResult"),
]
RemoveCeilingResult = Annotated[
    CeilingRemoved | SignInRequired | FreshLoginRequired | ScopeMissing | CeilingNotFound,
    strawberry.union("RemoveCeilingResult"),
]
SetPriceResult = Annotated[
    PriceSet | SignInRequired | FreshLoginRequired | ScopeMissing | ProviderNotFound | InvalidInput,
    strawberry.union("SetPriceResult"),
]
ReleaseDisputedResult = Annotated[
    DisputeReleased
    | SignInRequired
    | FreshLoginRequired
    | ScopeMissing
    | NothingDisputed
    | InvalidInput,
    strawberry.union("ReleaseDisputedResult"),
]
DeleteFileResult = Annotated[
    FileDeleted | SignInRequired | FreshLoginRequired | FileNotFound,
    strawberry.union("DeleteFileResult"),
]
EndCommitmentResult = Annotated[
    CommitmentEnded | SignInRequired | FreshLoginRequired | ScopeMissing | CommitmentNotFound,
    strawberry.union("EndCommitmentResult"),
]
