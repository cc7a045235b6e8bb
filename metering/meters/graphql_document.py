"""What a GraphQL document may change: the mutations it names, by their own names.

Read token by token as the specification has it (spec.graphql.org, October 2021, sections 2 and
Appendix B), so that nothing hides in a string or a comment. What this does not understand, and what
it can't follow (fragments among the mutations), it refuses to read: None.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"(?P<blank>[ \t\n\r,\ufeff]+|#[^\n\r]*)"
    # A block string ends at the first three quotes that no backslash stands before.
    r'|(?P<text>"""(?:\\"""|(?!""")[\s\S])*+"""|"(?:[^"\\\n\r]|\\[^\n\r])*+")'
    r"|(?P<name>[_A-Za-z][_0-9A-Za-z]*)"
    r"|(?P<number>-?[0-9][0-9A-Za-z.+-]*)"
    r"|(?P<sign>\.\.\.|[!$&()=:@\[\]{}|])"
)
_LONGEST: Final = 1 << 16
"""Characters of a document that is read; those that programs send have a few thousand."""
_CLOSES: Final = {"(": ")", "[": "]", "{": "}"}
_QUOTED: Final = re.compile(r'"(?:[^"\\])*"')


@dataclass(frozen=True, slots=True)
class Mutation:
    """One mutation of a document."""

    name: str
    answered_as: str
    """Its name in the answer's data."""
    arguments: Mapping[str, str]
    """Those that are plain texts, or variables that stand for one."""


class _Strange(Exception):  # noqa: N818 - it names what happened
    """The document is written in a way that isn't read here."""


def mutations(sent: Mapping[str, Any]) -> tuple[Mutation, ...] | None:
    """Give every mutation in a request's JSON object; None where they can't be told for sure.

    Of several operations all count, whichever `operationName` says: that costs no less.
    """
    query, variables = sent.get("query"), sent.get("variables") or {}
    # Another member may name a document that the server keeps, and runs instead.
    if not sent.keys() <= {"query", "variables", "operationName"}:
        return None
    if not isinstance(query, str) or not isinstance(variables, dict) or len(query) > _LONGEST:
        return None
    try:
        return tuple(_Document(query, variables).mutations())
    except _Strange:
        return None


class _Document:
    """A document's tokens, and the place where reading has come to."""

    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._tokens: list[str] = []
        at = 0
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None:
                raise _Strange
            if token.lastgroup != "blank":
                self._tokens.append(token[0])
            at = token.end()
        self._tokens.reverse()

    def mutations(self) -> list[Mutation]:
        """Read the whole document."""
        found: list[Mutation] = []
        while self._tokens:
            kind = self._next()
            if kind == "{":
                self._skip(kind)
            elif kind in {"query", "subscription", "fragment", "mutation"}:
                self._to_selections()
                if kind == "mutation":
                    found += self._selected()
                else:
                    self._skip("{")
            else:
                raise _Strange
        return found

    def _selected(self) -> list[Mutation]:
        """Read the fields of a mutation, from after its brace to its closing one."""
        found = []
        while (name := self._next()) != "}":
            if not (name[0] == "_" or name[0].isalpha()):
                raise _Strange  # A fragment: its fields stand elsewhere, or under a condition.
            answered_as = name
            if self._peek() == ":":
                self._next()
                name = self._next()
            arguments = self._arguments() if self._peek() == "(" else {}
            while self._peek() == "@":
                self._next()
                self._next()
                if self._peek() == "(":
                    self._skip(self._next())
            if self._peek() == "{":
                self._skip(self._next())
            found.append(Mutation(name, answered_as, arguments))
        return found

    def _arguments(self) -> dict[str, str]:
        self._next()
        found: dict[str, str] = {}
        while (name := self._next()) != ")":
            if self._next() != ":":
                raise _Strange
            value = self._next()
            if value in _CLOSES:
                self._skip(value)
            elif value == "$":
                given = self._variables.get(self._next())
                if isinstance(given, str):
                    found[name] = given
            elif _QUOTED.fullmatch(value):
                found[name] = value[1:-1]
        return found

    def _to_selections(self) -> None:
        """Pass by an operation's name, variables and directives, and its opening brace."""
        while (token := self._next()) != "{":
            if token in _CLOSES:
                self._skip(token)

    def _skip(self, opened: str) -> None:
        """Pass by all that stands in a pair of brackets, whose first is passed already."""
        closing = [_CLOSES[opened]]
        while closing:
            token = self._next()
            if token in _CLOSES:
                closing.append(_CLOSES[token])
            elif token in _CLOSES.values() and token != closing.pop():
                raise _Strange

    def _next(self) -> str:
        if not self._tokens:
            raise _Strange
        return self._tokens.pop()

    def _peek(self) -> str:
        return self._tokens[-1] if self._tokens else ""
