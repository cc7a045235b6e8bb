"""The forms in which an exact value may stand in a text, and back from each of them to the value.

Raw, hexadecimal, base64 at each of its three alignments (both alphabets), percent-encoded once or
twice, and JSON-escaped. A value whose every byte is escaped is decoded as a run by the engine: not
here.
"""

import base64
import binascii
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

TAIL: Final = 4
HEX_TAIL: Final = 8
_ASCII: Final = 128
UNESCAPED: Final = re.compile(rb"[A-Za-z0-9._~-]*")
"""What JSON and URLs write as it is."""
_ESCAPE: Final = re.compile(rb"%[0-9A-F]{2}")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_BASE64: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value may stand: the bytes from `start` to `end`, which mean `value`."""

    start: int
    end: int
    value: bytes


Reading = Callable[[bytes, int, int], Place | None]
"""Reads the text's value of so many bytes whose fixed part ends at a position."""


def tails(value: bytes | memoryview) -> Iterator[tuple[bytes, str, int]]:
    """Give the ending of each form, the form's name in `READINGS`, and its length in bytes.

    The value has 16 bytes and more. Of one that is ASCII no more than its last few bytes are
    copied: what is only dropped stays in freed memory.
    """
    size = len(value)
    yield bytes(value[-TAIL:]), "raw", size
    digits = value[-TAIL:].hex().encode()
    yield digits[-HEX_TAIL:], "hex", size
    yield digits[-HEX_TAIL:].upper(), "hex", size
    for shift in range(3):
        # Three bytes are four characters: from a multiple of three on, the value's end decides.
        end = bytes(value[(shift + size - 6) // 3 * 3 - shift :])
        fixed = base64.b64encode(end)[: len(end) * 8 // 6]
        yield fixed[-TAIL:], f"base64 {shift}", size
        yield fixed[-TAIL:].translate(_TO_URL_SAFE), f"base64 {shift}", size
    if UNESCAPED.fullmatch(value):
        return
    is_ascii = max(value) < _ASCII
    for name, encode in _ESCAPES:
        if is_ascii:  # byte by byte, so the end tells the ending
            form = encode(bytes(value[-TAIL:]))
            length = sum(map(_lengths(encode).__getitem__, value))
        else:
            form = encode(bytes(value))
            length = len(form)
        if form and length != size:
            yield form[-TAIL:], name, length


def _quoted(value: bytes, *, safe: str, is_lower: bool) -> bytes:
    form = urllib.parse.quote_from_bytes(value, safe=safe).encode()
    return _ESCAPE.sub(lambda escape: escape[0].lower(), form) if is_lower else form


def _quoted_twice(value: bytes, *, safe: str, is_lower: bool) -> bytes:
    return _quoted(value, safe=safe, is_lower=is_lower).replace(b"%", b"%25")


def _escaped(value: bytes, *, ascii_only: bool, is_slash_escaped: bool) -> bytes:
    """Give the JSON form; nothing for what is no text."""
    try:
        form = json.dumps(value.decode(), ensure_ascii=ascii_only)[1:-1].encode()
    except UnicodeDecodeError:
        return b""
    return form.replace(b"/", b"\\/") if is_slash_escaped else form


Encoding = Callable[[bytes], bytes]
_ESCAPES: Final[tuple[tuple[str, Encoding], ...]] = (
    *(
        (name, partial(encode, safe=safe, is_lower=is_lower))
        for name, encode in (("percent", _quoted), ("percent twice", _quoted_twice))
        for safe in ("", "/")
        for is_lower in (False, True)
    ),
    *(
        ("json", partial(_escaped, ascii_only=ascii_only, is_slash_escaped=is_slash_escaped))
        for ascii_only in (False, True)
        for is_slash_escaped in (False, True)
    ),
)


@cache
def _lengths(encode: Encoding) -> tuple[int, ...]:
    """Give how long each byte of ASCII becomes."""
    return tuple(len(encode(bytes((byte,)))) for byte in range(_ASCII))


def _raw(data: bytes, end: int, size: int) -> Place | None:
    return Place(end - size, end, data[end - size : end]) if size <= end else None


def _hex(data: bytes, end: int, size: int) -> Place | None:
    start = end - 2 * size
    try:
        return Place(start, end, bytes.fromhex(data[start:end].decode())) if start >= 0 else None
    except ValueError:
        return None


def _base64_at(shift: int) -> Reading:
    def read(data: bytes, end: int, size: int) -> Place | None:
        bits = (shift + size) * 8
        start = end - bits // 6
        if start < -shift:
            return None
        # The first characters hold bits of what precedes the value; at the text's edge, any do.
        before = b"A" * max(0, -start)
        until = end + (bits % 6 > 0)
        code = before + data[max(0, start) : until]
        if not _BASE64.issuperset(code):
            return None
        code = code.translate(_URL_SAFE)
        try:
            decoded = binascii.a2b_base64(code + b"A" * (-len(code) % 4))
        except binascii.Error:
            return None
        value = decoded[shift : shift + size]
        return Place(max(0, start + shift), until, value)

    return read


def _percent(data: bytes, end: int, size: int) -> Place | None:
    if size > end:
        return None
    return Place(end - size, end, urllib.parse.unquote_to_bytes(data[end - size : end]))


def _percent_twice(data: bytes, end: int, size: int) -> Place | None:
    place = _percent(data, end, size)
    return place and Place(place.start, place.end, urllib.parse.unquote_to_bytes(place.value))


def _json(data: bytes, end: int, size: int) -> Place | None:
    if size > end:
        return None
    try:
        text = json.loads(b'"' + data[end - size : end] + b'"')
        return Place(end - size, end, str(text).encode())
    except (ValueError, UnicodeError):
        return None


READINGS: Final[dict[str, Reading]] = {
    "raw": _raw,
    "hex": _hex,
    "base64 0": _base64_at(0),
    "base64 1": _base64_at(1),
    "base64 2": _base64_at(2),
    "percent": _percent,
    "percent twice": _percent_twice,
    "json": _json,
}
