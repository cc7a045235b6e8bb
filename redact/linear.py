"""The regular expressions of this package: RE2's, whose time is linear in the text by construction.

Only this module knows the engine. Bytes in, byte positions out: RE2 works on bytes, and a str would
be encoded anew at each search. Patterns see single bytes (Latin-1), so broken UTF-8 hides nothing.
The engine is asked past the wrapper's `re` manners, which by line are half of the time; no pattern
tells groups but those that must, since for groups it clears a table as long as its program.
"""

# ruff: noqa: SLF001 - the engine itself lies behind the wrapper's underscores

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, cast

import re2  # type: ignore[import-untyped]

_ANYWHERE: Final = re2._re2.RE2.Anchor.UNANCHORED
_HERE: Final = re2._re2.RE2.Anchor.ANCHOR_START
_WHOLE: Final = re2._re2.RE2.Anchor.ANCHOR_BOTH
_MEMORY: Final = 64 << 20
"""Room for the automaton's states, so that a large set of literals is never rebuilt mid-text."""


class Match:
    """Where a pattern was found; as in `re`, without groups."""

    __slots__ = ("_end", "_start")

    def __init__(self, start: int, end: int) -> None:
        self._start = start
        self._end = end

    def start(self) -> int:
        """Give where it begins."""
        return self._start

    def end(self) -> int:
        """Give where it ends."""
        return self._end


class Pattern:
    """A compiled expression. `search` looks ahead from a position, `match` looks only there."""

    __slots__ = ("_ask",)

    def __init__(self, expression: bytes) -> None:
        self._ask = _asked(expression)

    def search(self, text: bytes, at: int = 0, until: int | None = None) -> Match | None:
        """Give the first place, of two that begin there the one whose alternative stands first."""
        return self._found(_ANYWHERE, text, at, until)

    def match(self, text: bytes, at: int = 0, until: int | None = None) -> Match | None:
        """Give how far it reaches from this position."""
        return self._found(_HERE, text, at, until)

    def fullmatch(self, text: bytes) -> Match | None:
        """Give the whole text, if it is nothing else."""
        return self._found(_WHOLE, text, 0, None)

    def _found(self, anchor: object, text: bytes, at: int, until: int | None) -> Match | None:
        size = len(text)
        limit = size if until is None or until > size else until
        if at > limit:
            return None
        start, end = self._ask(anchor, text, at, limit)[0]
        return None if start < 0 else Match(start, end)


class Found(NamedTuple):
    """Where one of several expressions was found: where it begins, its number, and its mark."""

    at: int
    kind: int
    start: int
    end: int


class Within(NamedTuple):
    """An expression that is found only between others: the mark is what is given of it."""

    before: bytes
    mark: bytes
    after: bytes = b""

    @property
    def expression(self) -> bytes:
        """Give all three as one expression, the mark as its group."""
        return self.before + b"(" + self.mark + b")" + self.after


class Finder:
    """Several expressions, searched for in one pass.

    Of two that begin at one place the one that stands first is found.
    """

    def __init__(self, expressions: Iterable[bytes | Within]) -> None:
        kinds = tuple(expressions)
        self._ask = _asked(b"|".join(map(bare, kinds)))
        self._kinds = _set(map(bare, kinds), anchored=True)
        self._marks = tuple(map(_mark_of, kinds))

    def first(self, text: bytes, at: int = 0) -> Found | None:
        """Give the first place from a position on, or None.

        Which of the expressions it was is asked of each by itself: the program of all together has
        17,000 steps.
        """
        begin, end = self._ask(_ANYWHERE, text, at, len(text))[0]
        if begin < 0:
            return None
        # Cut out of its text a beginning may look otherwise: then each of them is asked.
        for kind in (*sorted(self._kinds(text[begin:end])), *range(len(self._marks))):
            span = self._marks[kind](text, begin)
            if span is not None:
                return Found(begin, kind, *span)
        raise AssertionError("found by all of them together, and by none alone")


def bare(expression: bytes | Within) -> bytes:
    """Give an expression with whatever must stand around it."""
    return expression.expression if isinstance(expression, Within) else expression


def _mark_of(kind: bytes | Within) -> Callable[[bytes, int], tuple[int, int] | None]:
    """Give how a kind's mark is found in a text, when the kind begins at a position."""
    whole = _asked(bare(kind))

    def all_of_it(text: bytes, begin: int) -> tuple[int, int] | None:
        span = whole(_HERE, text, begin, len(text))[0]
        return None if span[0] < 0 else span

    if not isinstance(kind, Within):
        return all_of_it
    if kind.after:
        groups = _asked(kind.expression, groups=True)

        def between(text: bytes, begin: int) -> tuple[int, int] | None:
            span = groups(_HERE, text, begin, len(text))[1]
            return None if span[0] < 0 else span

        return between
    # The mark ends where the whole does, and begins behind what precedes it.
    before = _asked(kind.before)

    def behind(text: bytes, begin: int) -> tuple[int, int] | None:
        found = all_of_it(text, begin)
        return found and (before(_HERE, text, begin, found[1])[0][1], found[1])

    return behind


def _asked(expression: bytes, *, groups: bool = False) -> Callable[..., list[tuple[int, int]]]:
    regexp = re2.compile(expression, _options(groups=groups))._regexp
    return cast("Callable[..., list[tuple[int, int]]]", regexp.Match)


def compiled(expression: bytes) -> Pattern:
    """Compile an expression in RE2's syntax. Its groups are not told."""
    return Pattern(expression)


def holding(expressions: Iterable[bytes]) -> Callable[[bytes], list[int]]:
    """Give what tells which of the expressions are anywhere in a text: an empty list for none.

    For a line it is the least that can be asked: two thirds of what a search costs.
    """
    return _set(expressions, anchored=False)


def _set(expressions: Iterable[bytes], *, anchored: bool) -> Callable[[bytes], list[int]]:
    kinds = re2._re2.Set(_HERE if anchored else _ANYWHERE, _options(groups=False))
    for expression in expressions:
        if kinds.Add(expression) < 0:
            raise ValueError(f"RE2 takes no {expression!r}.")
    if not kinds.Compile():
        raise ValueError("RE2 has no room for all these expressions.")
    return cast("Callable[[bytes], list[int]]", kinds.Match)


def _options(*, groups: bool) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    options.never_capture = not groups
    return options


def any_of(literals: Iterable[bytes]) -> bytes:
    """Give an expression for any of the literals, the longest first."""
    ordered = sorted(literals, key=lambda literal: (-len(literal), literal))
    return b"|".join(cast("bytes", re2.escape(literal)) for literal in ordered)
