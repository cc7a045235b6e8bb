"""What of a request stands in a text that its provider wrote: any 16 bytes in a row, a long number.

Compared is the request's body; of JSON and forms, their values: the names of members are no
secrets, nor are path, query and headers. Of a long body the first MiB of words is kept: what stands
inside an attachment (base64, binary) is nobody's words. The time is linear in both texts.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import orjson

SPAN: Final = 16
"""Bytes. What is shorter stands in two texts by chance."""
MOST_KEPT: Final = 1 << 20
"""Bytes of a request that are compared."""

_MOST_QUOTES: Final = 100_000
"""Of a JSON text with more, nothing is compared: each costs some time."""
_MOST_SPARED: Final = 100
_PIECE: Final = 65_536
_SMALLEST_OF_AN_ATTACHMENT: Final = 4096
"""Bytes of a piece that is looked at for whether it may be words: a smaller one is kept."""
_BLOCK: Final = 8
"""Bytes of a machine word. A run of 16 holds one whole, wherever the words begin."""
_NEAR: Final = 12
_GAP: Final = 8
"""Bytes between two runs that are struck with them: what was written in another way there."""
_NO_SECRETS: Final = frozenset({b"model", b"model_id", b"role", b"type"})
"""Members whose values are the provider's own words."""
# What stands in words, and in no base64: in JSON, in a form, in a URL.
_IN_WORDS: Final = (b" ", b'"', b"\\", b"%")
# Longer than compressed data holds by chance; a form's fields have their heads before them.
_TEXT: Final = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]{48,}|\A[^\0]+|[^\0]+\Z")
_LONGEST_WHOLE: Final = 128
"""Bytes of a value that may stand whole in one of the provider's words."""
_SHORTEST_NUMBER: Final = 12
_NUMBER: Final = re.compile(rb"(?<![0-9])[0-9]{12,}(?![0-9])")
"""As long as a card's or an account's."""
_IS_NUMBER: Final = re.compile(rb"[+-]?([0-9]{12,})")
# Between strings a fraction's digits are no number of its own.
_BARE_NUMBER: Final = re.compile(rb"(?<![0-9.])[0-9]{12,}(?![0-9.])")
SHORTEST_ENCODED: Final = 22
"""16 bytes in base64, without what fills up the last four."""
_ENCODED: Final = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % SHORTEST_ENCODED)
_DIGITS: Final = re.compile(rb"[0-9A-Fa-f]{32,}")
_IN_BASE64: Final = 4
_IN_HEX: Final = 2
"""Characters that are read together."""
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_COLON: Final = re.compile(rb"[ \t\r\n]*:")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_BACKSLASH: Final = ord("\\")
_SHORT_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class Values(NamedTuple):
    """What of a request is looked for in its error."""

    texts: bytes
    """The values of which no 16 bytes in a row may come back, with NUL between them."""
    spared: tuple[bytes, ...]
    """Those that may: the provider's own words."""
    whole: frozenset[bytes]
    """Values of 16 to 128 bytes, and numbers of 12 digits and more."""
    is_partial: bool = False
    """There were more words than are compared."""

    def stand_in(self, word: bytes, found: frozenset[bytes]) -> bool:
        """Tell whether a value of 16 bytes and more stands whole in a word; `found` is `shared`."""
        return any(
            word[at : at + size] in self.whole
            for at, span in enumerate(_spans(word))
            if span in found
            for size in range(SPAN, min(_LONGEST_WHOLE, len(word) - at) + 1)
        )

    def without_numbers(self, text: bytes, mark: bytes) -> bytes:
        """Give a text with `mark` where a number of the request stands whole."""
        return _NUMBER.sub(lambda number: mark if number[0] in self.whole else number[0], text)


class Said:
    """What was said to a provider, kept until its answer begins."""

    __slots__ = ("_kind", "_pieces", "_size", "_whole", "is_partial")

    def __init__(self, content_type: bytes = b"") -> None:
        self._kind = content_type.lower()
        self._pieces: list[bytes] = []
        self._size = 0
        self._whole = b""
        self.is_partial = False
        """True when there were more words than are compared."""

    def hold(self, body: bytes) -> None:
        """Keep a whole body, which is held elsewhere as well: it is not copied, nor looked at."""
        self._whole = body

    def add(self, piece: bytes) -> None:
        """Keep the next piece of a body that passes, as far as it may be words."""
        for words in _words(piece, is_first=not self._pieces):
            kept = words[: MOST_KEPT - self._size]
            self.is_partial = self.is_partial or len(kept) < len(words)
            self._size += len(kept)
            self._pieces.append(kept)

    def forget(self) -> None:
        """Drop what is kept: there is no error to compare it with."""
        self._pieces.clear()
        self._whole = b""

    def values(self) -> Values:
        """Give what is compared."""
        for at in range(0, len(self._whole), _PIECE):
            self.add(self._whole[at : at + _PIECE])
        self._whole = b""
        body = b"".join(self._pieces)
        if b"x-www-form-urlencoded" in self._kind:
            found = _of_form(body)
        elif b"json" in self._kind or body.lstrip()[:1] in {b"{", b"["}:
            self.is_partial = self.is_partial or body.count(b'"') > _MOST_QUOTES
            found = iter(()) if self.is_partial else _of_json(body)
        else:
            # A field of multipart is a line, as far as a word can repeat it.
            return Values(body, (), frozenset(_whole(body.splitlines())), self.is_partial)
        values: list[bytes] = []
        spared: list[bytes] = []
        for name, value in found:
            (spared if name in _NO_SECRETS else values).append(value)
        spared = [value for value in spared if len(value) >= SPAN]
        return Values(
            b"\0".join(value for value in values if len(value) >= SPAN),
            # No honest request names more models and types than that; each is looked for in each
            # text.
            tuple(islice(dict.fromkeys(spared), _MOST_SPARED)),
            frozenset(_whole(values)).difference(spared),
            self.is_partial,
        )


def _whole(values: Iterable[bytes]) -> Iterator[bytes]:
    for value in values:
        if SPAN <= len(value) <= _LONGEST_WHOLE:
            yield value
        if number := _IS_NUMBER.fullmatch(value):
            yield number[1]


def shared(one: bytes, other: bytes) -> frozenset[bytes]:
    """Give the runs of `SPAN` bytes that stand in both; of `one`, the shorter, more is kept."""
    words = memoryview(other)[: len(other) // _BLOCK * _BLOCK].cast("Q")
    blocks: set[int] = set()
    for lead in range(min(_BLOCK, len(one))):
        end = lead + (len(one) - lead) // _BLOCK * _BLOCK
        blocks.update(memoryview(one)[lead:end].cast("Q"))
    if blocks.isdisjoint(words):
        return frozenset()
    # Of the 16 bytes in which such a word stands, four or more are on one side of it.
    near = {one[at : at + _NEAR] for at in range(len(one) - _NEAR + 1)}
    around: set[bytes] = set()
    for number in [number for number, word in enumerate(words) if word in blocks]:
        at = number * _BLOCK
        before = max(0, at + _BLOCK - _NEAR)
        if other[at : at + _NEAR] in near or other[before : at + _BLOCK] in near:
            around.add(other[max(0, at - _BLOCK) : at + SPAN])
    spans = set(_spans(one)) if around else set()
    return frozenset(span for text in around for span in _spans(text) if span in spans)


def runs(text: bytes, found: frozenset[bytes]) -> list[tuple[int, int]]:
    """Give where `text` (UTF-8) holds runs that were found, in whole characters, near ones as one.

    Each is a start and an end, in order. `without` gives them less the blanks at their ends.
    """
    places: list[tuple[int, int]] = []
    for at, span in enumerate(_spans(text)):
        if span in found:
            if places and at <= places[-1][1] + _GAP:
                places[-1] = (places[-1][0], at + SPAN)
            else:
                places.append((at, at + SPAN))
    return [(_backward(text, start), _forward(text, end)) for start, end in places]


def without(
    places: Iterable[tuple[int, int]], text: bytes, spared: Iterable[bytes]
) -> list[tuple[int, int]]:
    """Give the places in `text` less what of them is `spared`, and less blanks at their ends."""
    left = list(places)
    for words in spared if left else ():
        at = text.find(words)
        while at >= 0:
            end = at + len(words)
            left = [
                (max(start, low), min(stop, high))
                for start, stop in left
                for low, high in ((0, at), (end, len(text)))
                if max(start, low) < min(stop, high)
            ]
            at = text.find(words, end)
    return [(start, stop) for start, stop in map(partial(_trimmed, text), left) if start < stop]


def _trimmed(text: bytes, place: tuple[int, int]) -> tuple[int, int]:
    start, stop = place
    run = text[start:stop]
    return stop - len(run.lstrip()), start + len(run.rstrip())


def unescaped(text: str) -> str:
    r"""Give a text without the backslashes of JSON, Python and PHP: `\n`, `\"`, `\u00e4`, `\xe4`.

    What is no escape loses its backslash alone.
    """
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(_character, text)
    # Two escapes may be one character, in the way of UTF-16.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(escape: re.Match[str]) -> str:
    number = escape[1] or escape[2]
    return chr(int(number, 16)) if number else _SHORT_ESCAPES.get(escape[3], escape[3])


def decoded(text: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give what may be base64 or hexadecimal in a text: start, end, and how it reads.

    Of the same characters something else may stand before it, so it is read at each alignment.
    """
    for run in _ENCODED.finditer(text):
        standard = run[0].translate(_TO_STANDARD)
        for lead in range(_IN_BASE64):
            # A single character that is left over holds no byte.
            code = standard[lead : len(standard) - ((len(standard) - lead) % _IN_BASE64 == 1)]
            yield *run.span(), binascii.a2b_base64(code + b"==")
    for run in _DIGITS.finditer(text):
        for lead in range(_IN_HEX):
            digits = run[0][lead : len(run[0]) - (len(run[0]) - lead) % _IN_HEX]
            yield *run.span(), binascii.unhexlify(digits)


def _spans(text: bytes) -> Iterator[bytes]:
    return (text[at : at + SPAN] for at in range(len(text) - SPAN + 1))


def _backward(text: bytes, at: int) -> int:
    while at > 0 and text[at] & 0xC0 == 0x80:  # noqa: PLR2004 - inside a character of UTF-8
        at -= 1
    return at


def _forward(text: bytes, at: int) -> int:
    while at < len(text) and text[at] & 0xC0 == 0x80:  # noqa: PLR2004 - as above
        at += 1
    return at


def _words(piece: bytes, *, is_first: bool) -> Iterator[bytes]:
    """Give what of a piece may be words. A NUL stands for what was left out.

    It also keeps a backslash at one piece's end from escaping what follows in another.
    """
    if len(piece) < _SMALLEST_OF_AN_ATTACHMENT:
        yield piece
    elif b"\0" in piece:  # binary: what stands before, between and behind may be a form's fields
        yield b"\0".join((b"", *_TEXT.findall(piece), b""))
    elif is_first or not piece.isascii() or any(mark in piece for mark in _IN_WORDS):
        yield piece
    else:
        yield b"\0"


def _of_json(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give each string value of a JSON text, which may be cut short, with its member's name.

    What stands between strings is given as well, where it is long, and long numbers in there by
    themselves; of what only says that it is JSON, that is anything.
    """
    name = b""
    done = 0
    while at := body.find(b'"', done) + 1:
        if at - done > _SHORTEST_NUMBER:
            yield from _between(body[done : at - 1])
        end = _end_of_string(body, at)
        text = body[at:end]
        if _COLON.match(body, end + 1):
            name = text
        else:
            yield name, _decoded(text) if b"\\" in text else text
            name = b""
        done = end + 1
    yield from _between(body[done:])


def _between(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(text) >= SPAN:
        yield b"", text
    for number in _BARE_NUMBER.findall(text):
        yield b"", number


def _end_of_string(body: bytes, start: int) -> int:
    """Give where a JSON string ends: at a quote with an even number of backslashes before it."""
    at = start
    while (at := body.find(b'"', at)) >= 0:
        first = at
        while first > start and body[first - 1] == _BACKSLASH:
            first -= 1
        if (at - first) % 2 == 0:
            return at
        at += 1
    return len(body)


def _decoded(text: bytes) -> bytes:
    try:
        value: str = orjson.loads(b'"' + text + b'"')
    except orjson.JSONDecodeError:  # half of a pair of escapes, or the end of a body cut short
        value = unescaped(text.decode(errors="replace"))
    return value.encode(errors="replace")


def _of_form(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    for name, value in parse_qsl(body.decode("latin-1"), errors="surrogateescape"):
        yield name.encode(errors="replace"), value.encode(errors="surrogateescape")
