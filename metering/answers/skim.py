"""Reads a JSON text as it comes, and keeps no more of it than the members that are wanted.

Where a member stands decides, never what it looks like: a model may write whatever it likes into
its answer. The rest is passed over, whatever its length, and not checked: it is the tool's.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

Record: TypeAlias = dict[str, Any]
"""An object of the text, with those of its members that were wanted."""


@dataclass(frozen=True, slots=True)
class Each:
    """An array, of whose every element something is wanted."""

    wanted: "Wanted"


Wanted: TypeAlias = "Mapping[str, Wanted] | Each | None"
"""What is wanted of a value: these members; that of each element; or None, which is all of it."""

_LARGEST_KEPT: Final = 65_536
"""Bytes of one value that is wanted as a whole. Longer ones are not what they are taken for."""
_MOST_ELEMENTS: Final = 4_096
_QUOTE, _BACKSLASH, _COMMA, _COLON, _OPEN, _CLOSE, _FIRST, _LAST = b'"\\,:{}[]'
_SOLID: Final = re.compile(rb"[^ \t\r\n]")
_KEY: Final = re.compile(rb'[ \t\r\n,]*"([^"\\]{0,64})"[ \t\r\n]*:')
_STRING: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_SCALAR: Final = re.compile(rb'[^ \t\r\n,:"\[\]{}]*+')
# What stands between brackets, and brackets with little between them: none of that needs counting.
_TEXT: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_INSIDE: Final = re.compile(
    rb'(?:[^"\[\]{}]++|' + _TEXT + rb'|[\[{](?:[^"\[\]{}]{1,64}+|' + _TEXT + rb"){0,16}+[\]}])*+",
    re.DOTALL,
)
_NUMBERS: Final = frozenset(b"-0123456789"[at : at + 1] for at in range(11))
_NO_NUMBERS: Final = (b'"', b"[", b"{", b"}")

_Steps: TypeAlias = Generator[None, None, None]
_Found: TypeAlias = Generator[None, None, Any]


class _Malformed(Exception):  # noqa: N818 - it names what happened
    """What comes is no JSON, or more than can be kept of it."""


class Skim:
    """One JSON text: an object, an array of them, or one object after the other."""

    __slots__ = ("_at", "_data", "_records", "_steps", "_wanted", "whole")

    def __init__(self, wanted: Mapping[str, Wanted]) -> None:
        self._wanted = wanted
        self._data = b""
        self._at = 0
        self._records: list[Record] = []
        self.whole = False
        """True once the text has come to its end."""
        self._steps: _Steps | None = self._text()
        next(self._steps)

    def feed(self, piece: bytes) -> Sequence[Record]:
        """Look at the next bytes; give the objects that end in them."""
        if self._steps is None or not piece:
            return ()
        self._data = self._data[self._at :] + piece
        self._at = 0
        try:
            next(self._steps)
        except _Malformed:
            self._steps, self._data, self.whole = None, b"", False
        if not self._records:
            return ()
        records, self._records = self._records, []
        return records

    # Each step below reads from `_at` on, and yields where what has come does not suffice.

    def _text(self) -> _Steps:
        while True:
            first = yield from self._next()
            self.whole = False
            if first == _OPEN:
                self._records.append((yield from self._object(self._wanted)))
            elif first == _FIRST:
                self._at += 1
                while (first := (yield from self._next())) != _LAST:
                    if first == _COMMA:
                        self._at += 1
                    elif first == _OPEN:
                        self._records.append((yield from self._object(self._wanted)))
                    else:
                        yield from self._pass(None)
                self._at += 1
            else:
                raise _Malformed
            self.whole = True

    def _next(self) -> Generator[None, None, int]:
        """Give the next byte that is no blank, and stop before it."""
        while True:
            found = _SOLID.search(self._data, self._at)
            if found is not None:
                self._at = found.start()
                return self._data[self._at]
            self._at = len(self._data)
            yield

    def _value(self, wanted: Wanted) -> _Found:
        first = yield from self._next()
        if wanted is None:
            kept = bytearray()
            yield from self._pass(kept)
            try:
                return orjson.loads(kept)
            except orjson.JSONDecodeError:
                return None
        if isinstance(wanted, Each):
            if first == _FIRST:
                return (yield from self._array(wanted.wanted))
        elif first == _OPEN:
            return (yield from self._object(wanted))
        yield from self._pass(None)
        return None

    def _object(self, wanted: Mapping[str, Wanted]) -> Generator[None, None, Record]:
        self._at += 1
        found: Record = {}
        while True:
            key = _KEY.match(self._data, self._at)
            if key is not None:
                self._at = key.end()
                name = key[1]
            else:
                first = yield from self._next()
                if first == _CLOSE:
                    self._at += 1
                    return found
                if first == _COMMA:
                    self._at += 1
                    continue
                if first != _QUOTE:
                    raise _Malformed
                kept = bytearray()
                yield from self._string(kept)
                name = kept[1:-1]
                if (yield from self._next()) != _COLON:
                    raise _Malformed
                self._at += 1
            member = name.decode(errors="replace")
            if member in wanted:
                found[member] = yield from self._value(wanted[member])
            else:
                yield from self._pass(None)

    def _array(self, wanted: Wanted) -> Generator[None, None, list[Any]]:
        self._at += 1
        found: list[Any] = []
        while (first := (yield from self._next())) != _LAST:
            if first == _COMMA:
                self._at += 1
                continue
            found.append((yield from self._value(wanted)))
            if len(found) > _MOST_ELEMENTS:
                raise _Malformed
        self._at += 1
        return found

    def _pass(self, kept: bytearray | None) -> _Steps:
        """Pass over a value of any kind."""
        first = yield from self._next()
        if first == _QUOTE:
            yield from self._string(kept)
        elif first in {_OPEN, _FIRST}:
            yield from self._nest(kept)
        else:
            length = 0
            while True:
                end = _SCALAR.match(self._data, self._at).end()  # type: ignore[union-attr]
                length += end - self._at
                self._take(end, kept)
                if end < len(self._data):
                    break
                yield
            if not length:
                raise _Malformed

    def _nest(self, kept: bytearray | None) -> _Steps:
        """Pass over an array or an object, by its brackets: what is in it is not wanted."""
        self._take(self._at + 1, kept)
        depth = 1
        while True:
            end = self._end_of_numbers()
            end = _INSIDE.match(self._data, end).end()  # type: ignore[union-attr]
            self._take(end, kept)
            if end == len(self._data):
                yield
                continue
            first = self._data[end]
            if first == _QUOTE:
                # It ends in a piece that is still to come.
                yield from self._string(kept)
                continue
            self._take(end + 1, kept)
            depth += 1 if first in {_OPEN, _FIRST} else -1
            if not depth:
                return

    def _end_of_numbers(self) -> int:
        """Give where an array of numbers ends, if this is one: embeddings are long."""
        data, at = self._data, self._at
        if data[at : at + 1] in _NUMBERS:
            end = data.find(b"]", at)
            end = len(data) if end < 0 else end
            if all(data.find(mark, at, end) < 0 for mark in _NO_NUMBERS):
                return end
        return at

    def _string(self, kept: bytearray | None) -> _Steps:
        """Pass over a string, quotes included."""
        at = self._at + 1
        while True:
            data = self._data
            end = data.find(b'"', at)
            if end < 0 and data.find(b"\\", at) < 0:
                end = len(data)
            elif end < 0 or data[end - 1] == _BACKSLASH:
                # It stops at the quote that ends the string, or at a backslash that came alone.
                end = _STRING.match(data, at).end()  # type: ignore[union-attr]
            if end < len(data) and data[end] == _QUOTE:
                self._take(end + 1, kept)
                return
            self._take(end, kept)
            yield
            at = 0

    def _take(self, end: int, kept: bytearray | None) -> None:
        """Go on to `end`, and keep what stands before it if it is wanted."""
        if kept is not None:
            kept += self._data[self._at : end]
            if len(kept) > _LARGEST_KEPT:
                raise _Malformed
        self._at = end
