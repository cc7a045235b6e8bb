"""Fields of a request's body, where every reader of it would see the same ones; else nothing.

A bound that is worked out from a body holds only if the provider reads that body as it was read
here. So whatever two parsers could take in two ways gives None: names that come twice, another
content type, a field in the query string, a name that the provider's parser would bend.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from metering import bodies
from metering.bodies import Json, Part
from metering.quotes import Request

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_]+(\[[A-Za-z0-9_]*\])*")
"""Rack, which Stripe runs on, reads `[amount]` and ` amount` as `amount` as well."""
_FORM_TYPE: Final = re.compile(r"application/x-www-form-urlencoded(\s*;\s*charset=\"?utf-8\"?)?")
_WHOLE: Final = re.compile(r"[0-9]{1,15}")


def json_object(request: Request, *, query: bool = False) -> Json | None:
    """Give the JSON object that a request sends; `query` where one may stand beside it."""
    if request.query and not query:
        return None
    try:
        return bodies.json_object(request.body, request.content_type)
    except bodies.Unreadable:
        return None


def json_array(request: Request) -> list[Any] | None:
    """Give the JSON array that a request sends."""
    # Read as a member, since bodies are objects. What would close the object early is no JSON of
    # its own, so no provider takes it.
    body = b'{"array":' + request.body + b"}" if request.body is not None else None
    sent = json_object(replace(request, body=body)) or {}
    array = sent.get("array")
    return array if len(sent) == 1 and isinstance(array, list) else None


def form(request: Request, *, many: frozenset[str] = frozenset()) -> dict[str, str] | None:
    """Give the fields of a URL-encoded form, each of which may stand there once.

    Those in `many` may come again, and so may lists, whose names end with `[]`: the first is given.
    """
    body = request.body
    if request.query or body is None:
        return None
    # A raw `;` ends a field for some parsers, and not for others.
    if body and (_FORM_TYPE.fullmatch(request.content_type) is None or b";" in body):
        return None
    try:
        fields = bodies.form(body)
    except bodies.Unreadable:
        return None
    if any(
        _PLAIN_NAME.fullmatch(name) is None
        or (len(values) > 1 and name not in many and not name.endswith("[]"))
        for name, values in fields.items()
    ):
        return None
    return {name: values[0] for name, values in fields.items()}


def parts(request: Request) -> dict[str, list[Part]] | None:
    """Give the parts of a multipart form, by name."""
    try:
        # The lower case of `content_type` would spoil its boundary.
        kind = request.headers.get(b"content-type", request.content_type.encode("latin-1"))
        found = bodies.multipart(request.body, kind.decode("latin-1"))
    except bodies.Unreadable:
        return None
    named: dict[str, list[Part]] = {}
    for part in found:
        named.setdefault(part.name, []).append(part)
    return named


def whole(text: str | None) -> int | None:
    """Give a number written in plain digits; None for any other way to write one."""
    return int(text) if text is not None and _WHOLE.fullmatch(text) else None


def whole_between(value: object, at_least: int, at_most: int) -> int | None:
    """Give a JSON value that is a whole number in these limits. True and false are none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if at_least <= value <= at_most else None


def text_of(fields: Mapping[str, Any], name: str) -> str | None:
    """Give a JSON member that is a text; None where it is missing or is something else."""
    value = fields.get(name)
    return value if isinstance(value, str) else None
