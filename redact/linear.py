"""The regular expressions of this package: RE2's, whose time is linear in the text by construction.

Only this module knows the engine. Bytes in, byte positions out: RE2 works on bytes, and a str would
be encoded anew at each search. Patterns see single bytes (Latin-1), so broken UTF-8 hides nothing.
"""

# ruff: noqa: D102 - the methods are those of `re`

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, Protocol, cast

import re2  # type: ignore[import-untyped]

_ANYWHERE: Final = re2._re2.RE2.Anchor.UNANCHORED  # noqa: SLF001
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

    @property
    def groups(self) -> int: ...
    def search(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Match | None: ...
    def match(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Match | None: ...
    def fullmatch(self, text: bytes) -> Match | None: ...


class Found(NamedTuple):
    """Where one of several expressions was found: where it begins, its number, its group."""

    at: int
    kind: int
    start: int
    end: int


class Finder:
    """Several expressions with one group each, searched for in one pass.

    Of two that begin at one place the one that stands first is found. It asks the engine without
    `re`'s manners around it, which by line are a quarter of the time.
    """

    def __init__(self, expressions: Iterable[bytes]) -> None:
        kinds = tuple(expressions)
        self._match = _bare_match(b"|".join(kinds))
        self._kinds = re2.Set.MatchSet(_options())
        for kind in kinds:
            self._kinds.Add(kind)
        self._kinds.Compile()
        self._each = tuple(compiled(kind) for kind in kinds)
        self.groups: int = sum(kind.groups for kind in self._each)

    def first(self, text: bytes, at: int = 0) -> Found | None:
        """Give the first place from a position on, or None.

        Which of the expressions it was is asked of each by itself: to tell groups, the engine
        clears a table as long as its program, and that of them all has 17,000 steps.
        """
        begin, end = self._match(_ANYWHERE, text, at, len(text))[0]
        if begin < 0:
            return None
        for kind in sorted(self._kinds.Match(text[begin:end])):
            match = self._each[kind].match(text, begin)
            if match is not None:
                return Found(begin, kind, *match.span(1))
        raise AssertionError("found by all of them together, and by none alone")


def _bare_match(expression: bytes) -> Callable[..., list[tuple[int, int]]]:
    pattern = compiled(expression, groups=False)
    return cast("Callable[..., list[tuple[int, int]]]", pattern._regexp.Match)  # type: ignore[attr-defined]  # noqa: SLF001


def compiled(expression: bytes, *, groups: bool = True) -> Pattern:
    """Compile an expression in RE2's syntax."""
    options = _options()
    options.never_capture = not groups
    return cast("Pattern", re2.compile(expression, options))


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    return options


def any_of(literals: Iterable[bytes]) -> bytes:
    """Give an expression for any of the literals, the longest first."""
    ordered = sorted(literals, key=lambda literal: (-len(literal), literal))
    return b"|".join(cast("bytes", re2.escape(literal)) for literal in ordered)
