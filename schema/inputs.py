# ruff: noqa: D101 - what a client reads stands in `description`; names say the rest
"""What a client sends: every mutation takes one input."""

import datetime as dt

import strawberry

from schema.scalars import Cursor, SecretText


@strawberry.input
class SignUpInput:
    address: str
    password: SecretText


@strawberry.input
class SignInInput:
    address: str
    password: SecretText


@strawberry.input
class FreshLoginInput:
    password: SecretText


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


@strawberry.input
class RevokeToolInput:
    id: strawberry.ID


@strawberry.input
class RevokeUserTokenInput:
    id: strawberry.ID


@strawberry.input
class CreateUserTokenInput:
    name: str
    expires_at: dt.datetime | None = None


@strawberry.input
class AcknowledgeInput:
    cursor: Cursor = strawberry.field(
        description="Everything up to here has been applied by this instance of the tool."
    )
    instance: str = strawberry.field(
        default="", description="What connection_init named this listener; tells processes apart."
    )
