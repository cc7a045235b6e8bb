"""What each field does: a line or two that hand the work down. The schema is put together here."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import strawberry
from strawberry.extensions import (
    AddValidationRules,
    DisableIntrospection,
    MaxTokensLimiter,
    ParserCache,
    SchemaExtension,
    ValidationCache,
)
from strawberry.extensions.max_aliases import create_validator as alias_rule
from strawberry.extensions.query_depth_limiter import create_validator as depth_rule
from strawberry.schema.config import StrawberryConfig

from resolvers import account as account_fields
from resolvers import calls as call_fields
from resolvers import keys as key_fields
from resolvers import revocations as revocation_fields
from resolvers import tools as tool_fields
from resolvers.faults import Faults, told
from schema.scalars import SCALARS

DEEPEST: Final = 12
MOST_TOKENS: Final = 2_000
MOST_ALIASES: Final = 30
_CACHED_DOCUMENTS: Final = 256


def _field(resolver: Any) -> Any:
    """Make a field of a function: its docstring is the field's description."""
    return strawberry.field(resolver=resolver, description=_description(resolver))


def _mutation(resolver: Any) -> Any:
    return strawberry.mutation(resolver=resolver, description=_description(resolver))


def _description(resolver: Any) -> str:
    return " ".join((resolver.__doc__ or "").split())


@strawberry.type
class Query:
    """What can be asked."""

    viewer = _field(account_fields.viewer)
    providers = _field(key_fields.providers)
    keys = _field(key_fields.keys)
    key = _field(key_fields.key)
    tools = _field(tool_fields.tools)
    revocation = _field(revocation_fields.revocation)
    revocations = _field(revocation_fields.revocations)
    calls = _field(call_fields.calls)


@strawberry.type
class Mutation:
    """What can be changed: one input each, and a union of its success and its problems."""

    sign_up = _mutation(account_fields.sign_up)
    sign_in = _mutation(account_fields.sign_in)
    fresh_login = _mutation(account_fields.fresh_login)
    sign_out = _mutation(account_fields.sign_out)
    add_key = _mutation(key_fields.add_key)
    verify_key = _mutation(key_fields.verify_key)
    reveal_key = _mutation(key_fields.reveal_key)
    rotate_key = _mutation(key_fields.rotate_key)
    remove_key = _mutation(key_fields.remove_key)
    set_default_key = _mutation(key_fields.set_default_key)
    create_tool = _mutation(tool_fields.create_tool)
    revoke_tool = _mutation(tool_fields.revoke_tool)
    create_user_token = _mutation(tool_fields.create_user_token)
    acknowledge_revocation = _mutation(revocation_fields.acknowledge_revocation)


@strawberry.type
class Subscription:
    """What can be heard."""

    key_revoked = strawberry.subscription(
        resolver=revocation_fields.key_revoked,
        description=_description(revocation_fields.key_revoked),
    )


def _may_be_kept(query: str | None) -> bool:
    """Tell whether a document holds no string: one may be a key that somebody typed in place."""
    return query is not None and '"' not in query


class DocumentCache(ParserCache):
    """Parses each distinct document once, and keeps none that may hold a secret."""

    def on_parse(self) -> Iterator[None]:
        """Parse from the cache where the document may be kept."""
        return super().on_parse() if _may_be_kept(self.execution_context.query) else iter((None,))


class VerdictCache(ValidationCache):
    """Validates each distinct document once, and keeps none that may hold a secret."""

    def on_validate(self) -> Iterator[None]:
        """Validate from the cache where the document may be kept."""
        return (
            super().on_validate() if _may_be_kept(self.execution_context.query) else iter((None,))
        )


class Schema(strawberry.Schema):
    """Keysteward's contract, with its limits."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Log nothing here: `Faults` has logged what is worth it, redacted."""


# Made once: the validation cache compares rules by identity.
_LIMITS: Final = [depth_rule(DEEPEST, None, None), alias_rule(MOST_ALIASES)]

EXTENSIONS: Final[list[type[SchemaExtension] | Callable[[], SchemaExtension]]] = [
    Faults,
    lambda: MaxTokensLimiter(max_token_count=MOST_TOKENS),
    lambda: AddValidationRules(_LIMITS),
    lambda: DocumentCache(maxsize=_CACHED_DOCUMENTS),
    lambda: VerdictCache(maxsize=_CACHED_DOCUMENTS),
]


def build(*, introspection: bool = True) -> Schema:
    """Put the schema together."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=EXTENSIONS if introspection else [*EXTENSIONS, DisableIntrospection],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
