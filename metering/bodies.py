"""Bodies of requests: read as strictly as a bound needs it, and edited without being rewritten.

What two readers may take in two ways is refused here: a name that stands twice, bytes that are no
UTF-8, a form whose parts begin where only some would see it. A provider might read the other one,
and charge for what nobody bounded. Everything here takes time in proportion to the body.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from metering.quotes import Edit

Json = dict[str, Any]
"""A JSON object, as `orjson` gives it."""


class Unreadable(Exception):  # noqa: N818 - it names what happened
    """A body can't be read in one way only; the sentence says what to send."""


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """One part of a multipart form. What it holds is never shown."""

    name: str
    filename: str | None
    content_type: str
    """In lower case, parameters included; empty where the part has none."""
    data: memoryview

    @property
    def text(self) -> str:
        """What it holds, as text. Raises `Unreadable` where it is not UTF-8."""
        try:
            return bytes(self.data).decode()
        except UnicodeDecodeError:
            raise Unreadable("A field of the form is not UTF-8.") from None


_MOST_FIELDS: Final = 1_000
_MOST_PARTS: Final = 100
_LONGEST_HEADERS: Final = 4_096
_LONGEST_CHECKED: Final = 1_000_000
"""Bytes that are gone through name by name, some fifty times as slowly as they are read."""
_MOST_VALUES: Final = 250_000
_JSON_TYPE: Final = re.compile(r'application/json(?:\s*;\s*charset="?(?:utf-8|us-ascii)"?)?')
_BOUNDARY: Final = re.compile(
    # RFC 2046, 5.1.1
    r"multipart/form-data\s*;\s*boundary="
    r"(?:\"([a-z0-9'()+_,./:=? -]{1,70})\"|([a-z0-9'+_.-]{1,70}))",
    re.IGNORECASE,
)
_DISPOSITION: Final = re.compile(
    rb'form-data; ?name="([^"\\\r\n]*)"(?:; ?filename="([^"\\\r\n]*)")?', re.IGNORECASE
)
# Possessive, so that they keep no way back, and need no memory for it.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_NESTING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]')
_SCALAR: Final = re.compile(rb'[^ \t\r\n,}\]"{\[]++')
_BLANK: Final = re.compile(rb"[ \t\r\n]*+")
_TWICE: Final = "A name stands twice in one object of the body. Send it once."
_NOT_READ: Final = "The body is not a JSON object that was read before."


def json_object(body: bytes | None, content_type: str) -> Json:
    """Read a JSON object. Raises `Unreadable`."""
    if body is None:
        raise Unreadable("The body is too large, or not at hand, so its cost can't be bounded.")
    if content_type != "application/json" and _JSON_TYPE.fullmatch(content_type) is None:
        raise Unreadable("Send the body as `content-type: application/json`.")
    # Each takes some hundred nanoseconds to read, and nobody else is served meanwhile.
    if len(body) > _LONGEST_CHECKED and sum(map(body.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise Unreadable(f"The body is long and holds more than {_MOST_VALUES} values.")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unreadable("The body is not JSON in UTF-8.") from None
    if not isinstance(found, dict):
        raise Unreadable("The body is not a JSON object.")
    # Of a name that stands twice only the last is kept, so that quotes are missing from what was
    # read: unless escapes that stand for quotes make up for them.
    if b"\\u0022" in body:
        _refuse_twice(body)
    elif body.count(b'"') != orjson.dumps(found).count(b'"'):
        raise Unreadable(_TWICE)
    return found


def splice(body: bytes, edits: Sequence[Edit]) -> bytes:
    """Put members into a JSON object that `json_object` has read, and leave all else as it is.

    Raises `Unreadable` where it was not.
    """
    for edit in edits:
        body = _put(body, _past(_BLANK, body, 0), edit.path, orjson.dumps(edit.value))
    return body


def form(body: bytes | None) -> dict[str, list[str]]:
    """Read the fields of an `application/x-www-form-urlencoded` body. Raises `Unreadable`."""
    if body is None:
        raise Unreadable("The body is too large, or not at hand, so its cost can't be bounded.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise Unreadable("The body is not a form that can be read.") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def multipart(body: bytes | None, content_type: str) -> list[Part]:
    """Read a `multipart/form-data` body (RFC 7578), whose content type is as it came.

    Raises `Unreadable`, also for what RFC 2046 allows but readers treat differently: text before
    the first part or after the last, blanks after a boundary, lines that end without a return.
    """
    if body is None:
        raise Unreadable("The body is too large, or not at hand, so its cost can't be bounded.")
    found = _BOUNDARY.fullmatch(content_type)
    if found is None:
        raise Unreadable("The body is not multipart/form-data with a plain boundary.")
    mark = b"--" + (found[1] or found[2]).encode()
    return list(_parts(body, mark))


def _parts(body: bytes, mark: bytes) -> Iterator[Part]:
    confused = Unreadable("The body is a form whose parts can be told apart in more than one way.")
    whole, at, marks = memoryview(body), len(mark), 1
    if not body.startswith(mark + b"\r\n"):
        raise confused
    while body[at : at + 2] == b"\r\n":
        end = body.find(b"\r\n" + mark, at + 2)
        head = body.find(b"\r\n\r\n", at, at + _LONGEST_HEADERS)
        if end < 0 or head < 0 or head + 4 > end or marks > _MOST_PARTS:
            raise confused
        yield _part(body[at + 2 : head], whole[head + 4 : end])
        at, marks = end + 2 + len(mark), marks + 1
    # A mark anywhere else may be a boundary to somebody.
    if body[at:] not in {b"--", b"--\r\n"} or body.count(mark) != marks:
        raise confused


def _part(head: bytes, data: memoryview) -> Part:
    headers: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon or name.lower() in headers:
            raise Unreadable("A part of the form has headers that can't be read.")
        headers[name.lower()] = value.strip(b" \t")
    found = _DISPOSITION.fullmatch(headers.get(b"content-disposition", b""))
    if found is None or b"content-transfer-encoding" in headers:
        raise Unreadable("A part of the form does not say plainly which field it is.")
    return Part(
        name=found[1].decode("utf-8", "replace"),
        filename=None if found[2] is None else found[2].decode("utf-8", "replace"),
        content_type=headers.get(b"content-type", b"").decode("latin-1").lower(),
        data=data,
    )


def _refuse_twice(body: bytes) -> None:
    def check(pairs: list[tuple[str, Any]]) -> None:
        if len({name for name, _ in pairs}) != len(pairs):
            raise Unreadable(_TWICE)

    if len(body) > _LONGEST_CHECKED:
        raise Unreadable('The body is long, and has quotes as `\\u0022`. Send them as `\\"`.')
    try:
        json.loads(body, object_pairs_hook=check)
    except RecursionError:
        raise Unreadable("The body is nested too deeply.") from None


def _put(body: bytes, start: int, path: tuple[str, ...], value: bytes) -> bytes:
    """Put a value at a path of the object whose brace stands at `start`."""
    for name, begin, end in _members(body, start):
        if name == path[0]:
            if len(path) > 1 and body.startswith(b"{", begin):
                return _put(body, begin, path[1:], value)
            return body[:begin] + _nested(path[1:], value) + body[end:]
    after = start + 1
    comma = b"" if body.startswith(b"}", _past(_BLANK, body, after)) else b","
    return body[:after] + _member(path, value) + comma + body[after:]


def _member(path: tuple[str, ...], value: bytes) -> bytes:
    return orjson.dumps(path[0]) + b":" + _nested(path[1:], value)


def _nested(path: tuple[str, ...], value: bytes) -> bytes:
    return b"{" + _member(path, value) + b"}" if path else value


def _members(body: bytes, start: int) -> Iterator[tuple[str, int, int]]:
    """Give each member of the object at `start`: its name, and where its value begins and ends."""
    at = _past(_BLANK, body, start + 1)
    while not body.startswith(b"}", at):
        named = _past(_STRING, body, at)
        name = orjson.loads(body[at:named])
        begin = _past(_BLANK, body, _past(_BLANK, body, named) + 1)  # after the colon
        end = _end(body, begin)
        yield name, begin, end
        at = _past(_BLANK, body, end)
        if body.startswith(b",", at):
            at = _past(_BLANK, body, at + 1)


def _end(body: bytes, begin: int) -> int:
    """Tell where the value that begins at `begin` ends."""
    if not body.startswith((b"{", b"["), begin):
        return _past(_STRING if body.startswith(b'"', begin) else _SCALAR, body, begin)
    depth = 0
    for token in _NESTING.finditer(body, begin):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token[0], 0)
        if not depth:
            return token.end()
    raise Unreadable(_NOT_READ)


def _past(pattern: re.Pattern[bytes], body: bytes, at: int) -> int:
    found = pattern.match(body, at)
    if found is None:
        raise Unreadable(_NOT_READ)
    return found.end()
