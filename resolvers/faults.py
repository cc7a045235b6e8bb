"""What a client is told of errors: nothing that it sent, nothing of our insides.

Expected failures speak for themselves. A fault becomes "Something went wrong (ref …)"; its detail
goes, redacted, to the log under the same reference. Messages of the GraphQL library quote what the
client sent, a pasted key or password among it. Of those, only words stay that are the library's own
or names of our contract: not "what looks like a secret" goes, but all that is not known to be none.
"""

import logging
import re
import secrets
from typing import Final

from graphql import GraphQLError, GraphQLSyntaxError, Lexer, Source, TokenKind
from strawberry.schema.exceptions import CannotGetOperationTypeError

from redact import redact
from resolvers.answers import TOLD
from resolvers.limits import MOST_TOKENS, IntrospectionOff, TooMuch

_LOG: Final = logging.getLogger("keysteward.graphql")
_ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

# What follows one of these is what the client sent, up to the end of the message.
_SENT: Final = re.compile(
    r"(?:[\s,;.]*\b(?:but )?(?:found|got)\b|(?<!invalid )\bvalue:|(?<=DateTime):).*", re.DOTALL
)
_QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_NAME: Final = re.compile(r"[$@.\[]*\w+(?:\.\w+|\[\d*\])*(?:\(\w+:\))?[!\]]*")
_WORD: Final = re.compile(r"\w+")
_THE_LIBRARYS: Final = frozenset(
    f"""
    0 1 2 32 {MOST_TOKENS} a aborted abstract allowed already an and anonymous any appears are
    argument arguments as at be because before between bit boolean both but by can cannot
    character com composite condition conflict conflicting constant contain contains cycle data
    deeply default define defined definition definitions depth did different differing digit
    directive directives document does enum error errors escape exactly exceeded executable
    exist exists expected expecting extension false field fields float for form forms fragment
    fragments from has have id if in include infinite input instead int integer interface
    introspection invalid is it its itself key keys label least level limit list location many
    match maximum may mean more most multiple must name named names nested never no non not null
    nullable number object of on once one oneof only operation operations or output parse
    parsing position possible provided queries query reached recursion represent represented
    required reserved root scalar schema select selection sequence sequences set shorthand
    signed single skip spread spreads string subfields subscription subscriptions such supported
    syntax text than that the they this to token tokens too top true type types unexpected
    unicode union unique unknown unterminated use used validation value values variable
    variables via was when with within you
    """.split()
)


class NoSuchOperation(CannotGetOperationTypeError):  # noqa: N818 - it names what happened
    """The document has no operation of the name that was given. The name is not repeated."""

    def __init__(self) -> None:
        super().__init__(None)

    def as_http_error_reason(self) -> str:
        """Give the sentence for the client."""
        return "The document has no operation of that name."


def names_of(contract: str) -> frozenset[str]:
    """Give every name in a schema's text: what an error may repeat."""
    lexer, names = Lexer(Source(contract)), {"__schema", "__type", "__typename"}
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        if token.kind is TokenKind.NAME:
            names.add(str(token.value))
    return frozenset(names)


def told(error: GraphQLError, names: frozenset[str] = frozenset()) -> GraphQLError:
    """Give the error that the client gets in place of this one."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(error, TooMuch | IntrospectionOff):
        return _put(error, error.message, error.code)
    if isinstance(cause, TOLD):
        return _put(error, str(cause), _code(cause))
    if isinstance(cause, CannotGetOperationTypeError):
        return _put(error, NoSuchOperation().as_http_error_reason(), "BAD_REQUEST")
    if isinstance(cause, RecursionError):
        return _put(error, "The document is nested too deeply.", "TOO_MUCH")
    if cause is None or isinstance(cause, GraphQLError):
        return _put(error, in_our_words(error, names), "BAD_REQUEST")
    return _fault(error, cause, names)


def in_our_words(error: GraphQLError, names: frozenset[str] = frozenset()) -> str:
    """Give a message of the GraphQL library without anything that the client sent."""
    kept = _SENT.sub("", error.message)
    kept = _QUOTED.sub(lambda quoted: _quote(quoted.group()[1:-1], names), kept)
    kept = _WORD.sub(
        lambda word: word[0] if word[0].lower() in _THE_LIBRARYS or word[0] in names else "…",
        kept,
    ).rstrip(" .:,;")
    if isinstance(error, GraphQLSyntaxError) and not kept.isascii():
        kept = "Syntax Error: this is no GraphQL"
    words: str = redact(kept)
    return f"{words}{'' if words.endswith('?') else '.'}"


def _quote(inner: str, names: frozenset[str]) -> str:
    """Keep a quoted name of the contract, `[Key!]!` and `Query.keys` among them."""
    is_ours = _NAME.fullmatch(inner) and all(word in names for word in _WORD.findall(inner))
    return f"'{inner}'" if is_ours else "'…'"


def _fault(error: GraphQLError, cause: BaseException, names: frozenset[str]) -> GraphQLError:
    reference = "".join(secrets.choice(_ALPHABET) for _ in range(6))
    # An alias stands in the path as the client chose it.
    path = ".".join(str(p) if isinstance(p, int) or p in names else "…" for p in error.path or ())
    _LOG.error("fault %s in %s", reference, path, exc_info=cause)
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
