# ruff: noqa: D101 - what a client reads stands in `description`; names say the rest
"""What a client sends: every mutation takes one input."""

import datetime as dt
from enum import StrEnum

import strawberry
from strawberry.scalars import JSON

from accounts.elsewhere import Intent
from accounts.identity_kind import IdentityKind
from accounts.scopes import Scope
from metering import Measure
from schema.money import CeilingMeasure
from schema.scalars import Amount, Cursor, Dollars, SecretText


@strawberry.input
class SignUpInput:
    address: str
    password: SecretText
    invite: SecretText | None = strawberry.field(
        default=None, description="Needed where signInOptions says INVITE."
    )


@strawberry.input
class SignInInput:
    address: str
    password: SecretText


@strawberry.input
class FreshLoginInput:
    password: SecretText


@strawberry.input
class SecondFactorInput:
    ticket: SecretText = strawberry.field(description="Of SecondFactorRequired.")
    code: SecretText = strawberry.field(description="The app's code, or a recovery code.")


@strawberry.input
class SessionInput:
    id: strawberry.ID


@strawberry.input
class ChangePasswordInput:
    current: SecretText | None = strawberry.field(
        default=None, description="The present password; null where the account has none yet."
    )
    password: SecretText = strawberry.field(description="The new one.")


@strawberry.input
class AddressInput:
    address: str


@strawberry.input
class ResetPasswordInput:
    ticket: SecretText = strawberry.field(description="Of the mailed link: what follows the #.")
    password: SecretText


@strawberry.input
class VerifyAddressInput:
    ticket: SecretText = strawberry.field(description="Of the mailed link: what follows the #.")
    password: SecretText | None = strawberry.field(
        default=None, description="The account's, where you are not signed in to it."
    )


@strawberry.input
class TicketInput:
    ticket: SecretText


@strawberry.input
class ElsewhereInput:
    kind: IdentityKind
    intent: Intent
    invite: SecretText | None = None


@strawberry.input
class CodeRequestInput:
    number: str = strawberry.field(description="With the country's code: +49 151 12345678.")
    intent: Intent


@strawberry.input
class CodeInput:
    ticket: SecretText
    code: SecretText
    invite: SecretText | None = None


@strawberry.input
class PasskeyRequestInput:
    intent: Intent


@strawberry.input
class AddPasskeyInput:
    ticket: SecretText
    answer: JSON = strawberry.field(description="PublicKeyCredential.toJSON().")
    name: str


@strawberry.input
class PasskeyInput:
    ticket: SecretText
    intent: Intent = strawberry.field(description="As beginPasskey was asked: SIGN_IN or FRESH.")
    answer: JSON = strawberry.field(description="PublicKeyCredential.toJSON().")


@strawberry.input
class MeansInput:
    id: strawberry.ID


@strawberry.input
class SetUpSecondFactorInput:
    ticket: SecretText
    code: SecretText


@strawberry.input
class DeleteAccountInput:
    confirm: str = strawberry.field(
        description="The account's e-mail address; `delete my account` where it has none."
    )


@strawberry.input
class AddKeyInput:
    provider: strawberry.ID
    secret: SecretText
    label: str = "default"
    make_default: bool = strawberry.field(
        default=False, description="The first key at a provider is its default in any case."
    )
    verify: bool = strawberry.field(
        default=True, description="Ask the provider, at no cost, whether the key is good."
    )
    force: bool = strawberry.field(
        default=False, description="Keep the key even if the provider refuses it."
    )


@strawberry.input
class KeyInput:
    id: strawberry.ID


@strawberry.enum(description="How the list of keys is written.")
class ListFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


@strawberry.input
class ExportKeysInput:
    format: ListFormat = ListFormat.JSON


@strawberry.input
class RotateKeyInput:
    id: strawberry.ID
    secret: SecretText
    verify: bool = True
    force: bool = False


@strawberry.input
class CreateToolInput:
    name: str
    providers: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Null: every provider."
    )
    expires_at: dt.datetime | None = None
    calls_per_minute: int | None = strawberry.field(
        default=None, description="How many calls it may begin; null: as many as it likes."
    )
    inspected_only: bool = strawberry.field(
        default=False,
        description="Refuse it an answer in which no key can be looked for, as one in an encoding "
        "that is not known here.",
    )


@strawberry.input
class UpdateToolInput:
    id: strawberry.ID
    name: str | None = None
    calls_per_minute: int | None = strawberry.field(default=None, description="Null: as it is.")
    inspected_only: bool | None = strawberry.field(default=None, description="Null: as it is.")


@strawberry.input
class RevokeToolInput:
    id: strawberry.ID


@strawberry.input
class RevokeUserTokenInput:
    id: strawberry.ID


@strawberry.input
class CreateUserTokenInput:
    name: str
    scopes: list[Scope] = strawberry.field(
        default_factory=lambda: [Scope.KEYS_READ],
        description="What it may do; never anything that needs a fresh login.",
    )
    expires_at: dt.datetime | None = None


@strawberry.input
class AcknowledgeInput:
    cursor: Cursor = strawberry.field(
        description="Everything up to here has been applied by this instance of the tool."
    )
    instance: str = strawberry.field(
        default="", description="What connection_init named this listener; tells processes apart."
    )


@strawberry.input
class SetCeilingInput:
    provider: strawberry.ID | None = strawberry.field(
        default=None, description="Null: all of them together."
    )
    tool: strawberry.ID | None = strawberry.field(
        default=None, description="Null: all of them together."
    )
    measure: CeilingMeasure = CeilingMeasure.SPEND
    currency: str = strawberry.field(
        default="usd", description="By ISO 4217. What is spent is counted in usd; calls in none."
    )
    limit: Amount


@strawberry.input
class CeilingInput:
    id: strawberry.ID


@strawberry.input
class RateInput:
    measure: Measure
    amount: Dollars = strawberry.field(
        description="For a million tokens; for one of anything else."
    )


@strawberry.input
class SetPriceInput:
    provider: strawberry.ID
    item: str = strawberry.field(
        description="A model or an operation; `*` for what has no price otherwise."
    )
    rates: list[RateInput] = strawberry.field(
        description="All that the item is charged by. None: the list's price counts again."
    )


@strawberry.input
class ReleaseDisputedInput:
    call: strawberry.ID
    cost: Dollars = strawberry.field(
        default=Dollars("0"), description="What the call did cost, by the provider's own bill."
    )
    made: bool = strawberry.field(
        default=False, description="It was carried out, though it cost nothing: a payment, say."
    )


@strawberry.input
class FileInput:
    id: strawberry.ID


@strawberry.input
class EndCommitmentInput:
    provider: strawberry.ID
    resource: str = strawberry.field(description="As the commitment names it.")
