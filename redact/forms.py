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
from typing import Final

TAIL: Final = 4
HEX_TAIL: Final = 8
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


def tails(value: bytes) -> Iterator[tuple[bytes, str, int]]:
    """Give the ending of each form, the form's name in `READINGS`, and its length in bytes."""
    size = len(value)
    yield value[-TAIL:], "raw", size
    digits = value.hex().encode()
    yield digits[-HEX_TAIL:], "hex", size
    yield digits[-HEX_TAIL:].upper(), "hex", size
    for shift in range(3):
        fixed = base64.b64encode(bytes(shift) + value)[: (shift + size) * 8 // 6]
        yield fixed[-TAIL:], f"base64 {shift}", size
        yield fixed[-TAIL:].translate(_TO_URL_SAFE), f"base64 {shift}", size
    quoted = _quoted(value)
    twice = {form.replace(b"%", b"%25") for form in quoted - {value}}
    for name, forms in (
        ("percent", quoted),
        ("percent twice", twice),
        ("json", _escaped(value)),
    ):
        for form in forms - {value}:
            yield form[-TAIL:], name, len(form)


def _quoted(value: bytes) -> set[bytes]:
    forms = {urllib.parse.quote_from_bytes(value, safe=safe).encode() for safe in ("", "/")}
    return forms | {_ESCAPE.sub(lambda escape: escape[0].lower(), form) for form in forms}


def _escaped(value: bytes) -> set[bytes]:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return set()
    forms = {
        json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode() for ascii_only in (False, True)
    }
    return forms | {form.replace(b"/", b"\\/") for form in forms}


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
