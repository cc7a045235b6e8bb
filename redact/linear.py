"""The regular expressions of this package: RE2's, whose time is linear in the text by construction.

Only this module knows the engine. Bytes in, byte positions out: RE2 works on bytes, and a str would
be encoded anew at each search. Patterns see single bytes (Latin-1), so broken UTF-8 hides nothing.
"""

# ruff: noqa: D102 - the methods are those of `re`

from collections.abc import Iterable
from typing import Final, Protocol, cast

import re2  # type: ignore[import-untyped]

_MEMORY: Final = 64 << 20
"""Room for the automaton's states, so that a large set of literals is never rebuilt mid-text."""


class Match(Protocol):
    """Where a pattern was found; as in `re`."""

    @property
    def lastindex(self) -> int | None: ...
    def start(self, group: int = 0) -> int: ...
    def end(self, group: int = 0) -> int: ...
    def span(self, group: int = 0) -> tuple[int, int]: ...


class Pattern(Protocol):
    """A compiled expression. `search` looks ahead from a position, `match` looks only there."""

    def search(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Match | None: ...
    def match(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Match | None: ...
    def fullmatch(self, text: bytes) -> Match | None: ...


def compiled(expression: bytes) -> Pattern:
    """Compile an expression in RE2's syntax."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    return cast("Pattern", re2.compile(expression, options))


def any_of(literals: Iterable[bytes]) -> bytes:
    """Give an expression for any of the literals, the longest first."""
    ordered = sorted(literals, key=lambda literal: (-len(literal), literal))
    return b"|".join(cast("bytes", re2.escape(literal)) for literal in ordered)
