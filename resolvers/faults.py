"""What a client is told of errors: nothing that it sent, nothing of our insides.

Expected failures speak for themselves. A fault becomes "Something went wrong (ref …)"; its detail
goes, redacted, to the log under the same reference. Messages of the GraphQL library quote values
that the client sent, a pasted key among them, and are put in our own words.
"""

import logging
import re
import secrets
from typing import Any, Final

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.extensions import SchemaExtension

from redact import redact
from resolvers.answers import EXPECTED

_LOG: Final = logging.getLogger("keysteward.graphql")
_ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
# Everything after this word is what the client sent.
_FOUND: Final = re.compile(r"[\s,;.]*\b(?:found|got invalid value)\b.*", re.IGNORECASE | re.DOTALL)
_SYNTAX: Final = re.compile(r"Syntax Error: (?P<what>(?:(?!, found)[A-Za-z ,]){1,60})")
_QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_LONGEST_NAME: Final = 60


class Faults(SchemaExtension):
    """Puts each error of an answer into words that hold nothing secret."""

    def on_operation(self) -> Any:
        """After the operation, replace its errors."""
        yield
        result = self.execution_context.result
        if result is not None and getattr(result, "errors", None):
            result.errors = [told(error) for error in result.errors or ()]


def told(error: GraphQLError) -> GraphQLError:
    """Give the error that the client gets in place of this one."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if cause is not None and isinstance(cause, EXPECTED):
        return _put(error, str(cause), _code(cause))
    if cause is None or isinstance(cause, GraphQLError):
        return _put(error, in_our_words(error), "BAD_REQUEST")
    return _fault(error, cause)


def in_our_words(error: GraphQLError) -> str:
    """Give a message of the GraphQL library without anything that the client sent as a value."""
    if isinstance(error, GraphQLSyntaxError):
        found = _SYNTAX.match(error.message)
        return f"Syntax error: {found['what'].strip() if found else 'this is no GraphQL'}."
    kept = _FOUND.sub(".", error.message)
    words: str = redact(_QUOTED.sub(_name_only, kept))
    return words


def _name_only(quoted: re.Match[str]) -> str:
    """Keep a quoted name of the schema; anything that could be a value goes."""
    inner = quoted.group()[1:-1]
    is_name = re.fullmatch(r"[\w!\[\].$]+", inner) and len(inner) <= _LONGEST_NAME
    looks_chosen = any(c.isdigit() for c in inner) or "_" in inner
    return quoted.group() if is_name and not looks_chosen else "'…'"


def _fault(error: GraphQLError, cause: BaseException) -> GraphQLError:
    reference = "".join(secrets.choice(_ALPHABET) for _ in range(6))
    _LOG.error("fault %s in %s", reference, error.path, exc_info=cause)
    return _put(error, f"Something went wrong (ref {reference}).", "FAULT")


def _put(error: GraphQLError, message: str, code: str) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={"code": code},
    )


def _code(failure: BaseException) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(failure).__name__).upper()


__all__ = ["Faults", "in_our_words", "told"]
