"""What each field does: a line or two that hand the work down. The schema is put together here."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from functools import cache
from typing import Any, Final

import strawberry
from graphql import ASTValidationRule, GraphQLError
from strawberry.extensions import (
    AddValidationRules,
    MaxTokensLimiter,
    ParserCache,
    SchemaExtension,
    ValidationCache,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from resolvers import account as account_fields
from resolvers import addresses as address_fields
from resolvers import calls as call_fields
from resolvers import ceilings as ceiling_fields
from resolvers import endings as ending_fields
from resolvers import files as file_fields
from resolvers import keys as key_fields
from resolvers import means as means_fields
from resolvers import revocations as revocation_fields
from resolvers import spend as spend_fields
from resolvers import tools as tool_fields
from resolvers.faults import NoSuchOperation, names_of, told
from resolvers.limits import MOST_TOKENS, Limits, NoIntrospection
from schema.scalars import SCALARS

_CACHED_DOCUMENTS: Final = 256
_LONGEST_CACHED: Final = 8_192


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
    sign_in_options = _field(account_fields.sign_in_options)
    sessions = _field(account_fields.sessions)
    audit_log = _field(ending_fields.audit_log)
    providers = _field(key_fields.providers)
    keys = _field(key_fields.keys)
    key = _field(key_fields.key)
    tools = _field(tool_fields.tools)
    user_tokens = _field(tool_fields.user_tokens)
    revocation = _field(revocation_fields.revocation)
    revocations = _field(revocation_fields.revocations)
    calls = _field(call_fields.calls)
    ceilings = _field(ceiling_fields.ceilings)
    spend = _field(spend_fields.spend)
    prices = _field(spend_fields.prices)
    commitments = _field(spend_fields.commitments)
    files = _field(file_fields.files)


@strawberry.type
class Mutation:
    """What can be changed: one input each, and a union of its success and its problems."""

    sign_up = _mutation(account_fields.sign_up)
    sign_in = _mutation(account_fields.sign_in)
    fresh_login = _mutation(account_fields.fresh_login)
    show_second_factor = _mutation(account_fields.show_second_factor)
    sign_out = _mutation(account_fields.sign_out)
    end_session = _mutation(account_fields.end_session)
    end_other_sessions = _mutation(account_fields.end_other_sessions)
    change_password = _mutation(account_fields.change_password)
    request_password_reset = _mutation(address_fields.request_password_reset)
    reset_password = _mutation(address_fields.reset_password)
    request_verification = _mutation(address_fields.request_verification)
    verify_address = _mutation(address_fields.verify_address)
    release_address = _mutation(address_fields.release_address)
    change_address = _mutation(address_fields.change_address)
    confirm_address = _mutation(address_fields.confirm_address)
    begin_elsewhere = _mutation(means_fields.begin_elsewhere)
    request_code = _mutation(means_fields.request_code)
    show_code = _mutation(means_fields.show_code)
    begin_passkey = _mutation(means_fields.begin_passkey)
    add_passkey = _mutation(means_fields.add_passkey)
    show_passkey = _mutation(means_fields.show_passkey)
    remove_means = _mutation(means_fields.remove_means)
    begin_second_factor = _mutation(means_fields.begin_second_factor)
    add_second_factor = _mutation(means_fields.add_second_factor)
    remove_second_factor = _mutation(means_fields.remove_second_factor)
    renew_recovery_codes = _mutation(means_fields.renew_recovery_codes)
    create_invite = _mutation(ending_fields.create_invite)
    export_account = _mutation(ending_fields.export_account)
    revoke_everything = _mutation(ending_fields.revoke_everything)
    delete_account = _mutation(ending_fields.delete_account)
    add_key = _mutation(key_fields.add_key)
    verify_key = _mutation(key_fields.verify_key)
    reveal_key = _mutation(key_fields.reveal_key)
    rotate_key = _mutation(key_fields.rotate_key)
    remove_key = _mutation(key_fields.remove_key)
    set_default_key = _mutation(key_fields.set_default_key)
    export_keys = _mutation(key_fields.export_keys)
    create_tool = _mutation(tool_fields.create_tool)
    update_tool = _mutation(tool_fields.update_tool)
    revoke_tool = _mutation(tool_fields.revoke_tool)
    create_user_token = _mutation(tool_fields.create_user_token)
    revoke_user_token = _mutation(tool_fields.revoke_user_token)
    acknowledge_revocation = _mutation(revocation_fields.acknowledge_revocation)
    set_ceiling = _mutation(ceiling_fields.set_ceiling)
    reset_ceiling = _mutation(ceiling_fields.reset_ceiling)
    remove_ceiling = _mutation(ceiling_fields.remove_ceiling)
    set_price = _mutation(spend_fields.set_price)
    release_disputed = _mutation(spend_fields.release_disputed)
    end_commitment = _mutation(spend_fields.end_commitment)
    delete_file = _mutation(file_fields.delete_file)


@strawberry.type
class Subscription:
    """What can be heard."""

    key_revoked = strawberry.subscription(
        resolver=revocation_fields.key_revoked,
        description=_description(revocation_fields.key_revoked),
    )
    ceiling_hit = strawberry.subscription(
        resolver=ceiling_fields.ceiling_hit,
        description=_description(ceiling_fields.ceiling_hit),
    )


def may_be_kept(query: str | None) -> bool:
    """Tell whether a document may stay in memory: it is short, and holds no string or comment.

    One may be a key that somebody typed in place; and long ones would let anybody fill the memory.
    """
    return query is not None and len(query) <= _LONGEST_CACHED and not {'"', "#"} & set(query)


class DocumentCache(ParserCache):
    """Parses each distinct document once, and keeps none that may hold a secret."""

    def on_parse(self) -> Iterator[None]:
        """Parse from the cache where the document may be kept."""
        # A generator itself: a hook that merely returned one would never be stepped.
        if may_be_kept(self.execution_context.query):
            yield from super().on_parse()
        else:
            yield


class VerdictCache(ValidationCache):
    """Validates each distinct document once, and keeps none that may hold a secret."""

    def on_validate(self) -> Iterator[None]:
        """Validate from the cache where the document may be kept."""
        if may_be_kept(self.execution_context.query):
            yield from super().on_validate()
        else:
            yield


class Schema(strawberry.Schema):
    """Keysteward's contract, with its limits. Each error leaves it in words that hold no secret."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = names_of(self.as_str())
        """Every name of the contract: what an error may repeat."""

    async def execute(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        """Carry a query or mutation out; a subscription needs a websocket."""
        allowed = set(kwargs.pop("allowed_operation_types", None) or OperationType)
        kwargs["allowed_operation_types"] = allowed - {OperationType.SUBSCRIPTION}
        try:
            result = await super().execute(*args, **kwargs)
        except CannotGetOperationTypeError:
            raise NoSuchOperation from None
        self._say(result)
        return result

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Carry any operation out, result by result."""
        return self._each_in_words(await super().stream(*args, **kwargs))

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Log nothing here: `told` logs what is worth it, redacted."""

    async def _each_in_words(self, results: Any) -> AsyncGenerator[Any, None]:
        try:
            async with aclosing(results):
                async for result in results:
                    self._say(result)
                    yield result
        # What an extension raises, the parser's cache among them, the library lets through here.
        except Exception as error:  # noqa: BLE001 - whatever it is, `told` knows what to say
            raised = GraphQLError(str(error), original_error=error)
            told_so = told(error if isinstance(error, GraphQLError) else raised, self.names)
            yield PreExecutionError(data=None, errors=[told_so])

    def _say(self, result: ExecutionResult) -> None:
        # A new list: the old one may be the validation cache's.
        if result.errors:
            result.errors = [told(error, self.names) for error in result.errors]


# Made once: the validation cache compares rules by identity.
_LIMITS: Final[list[type[ASTValidationRule]]] = [Limits]
_CLOSED: Final[list[type[ASTValidationRule]]] = [*_LIMITS, NoIntrospection]


def _extensions(
    rules: list[type[ASTValidationRule]],
) -> list[type[SchemaExtension] | Callable[[], SchemaExtension]]:
    return [
        lambda: MaxTokensLimiter(max_token_count=MOST_TOKENS),
        lambda: AddValidationRules(rules),
        lambda: DocumentCache(maxsize=_CACHED_DOCUMENTS),
        lambda: VerdictCache(maxsize=_CACHED_DOCUMENTS),
    ]


@cache
def build(*, introspection: bool = True) -> Schema:
    """Put the schema together, once. Without introspection nobody can ask for it at all."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=_extensions(_LIMITS if introspection else _CLOSED),
        config=StrawberryConfig(scalar_map=SCALARS),
    )
