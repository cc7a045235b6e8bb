"""What a secret looks like in a text: where one may begin, in one expression for a single pass.

The shapes and prefixes of keys come from the providers' catalogue. Everything here is a
*beginning*: short, so that the search is quick; how far the secret reaches is for `extents` to say.
"""

import re
from typing import Final

from providers import CATALOGUE
from redact import linear

MARK: Final = b"[redacted]"
ELLIPSIS: Final = "…".encode()

OWN_PREFIXES: Final = (b"kst_", b"ksu_", b"kso_")
PREFIXES: Final = tuple(
    sorted(
        {prefix.encode() for row in CATALOGUE.values() for prefix in row.prefixes}
        | set(OWN_PREFIXES),
        key=lambda prefix: (-len(prefix), prefix),
    )
)
"""The public beginnings of keys, longest first. They may stay in a text."""

_SHORT: Final = 3
_SEPARATORS: Final = b"-_."
_AT_MOST: Final = re.compile(rb"\{(\d+),\d*\}$")
_LITERAL: Final = re.compile(r"(?:[A-Za-z0-9_-]|\\\.){2}")

# What may stand directly before a key. A letter may not: "task-force" holds "sk-". But the letter
# may be the end of an escape, as in `\nsk-…`, `%3Dsk-…`, `\u0022sk-…` or a colour, `ESC[31msk-…`.
_LEFT: Final = (
    rb"(?:\b|_|\\[abfnrtv0]|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|\[[0-9;]{0,16}m)"
)


def _eight(lower: bytes, any_: bytes) -> bytes:
    """Give eight characters of which one is no small letter: a word's beginning has none."""
    forms = (b"%s{%d}[A-Z0-9]%s{%d}" % (lower, k, any_, 7 - k) for k in range(8))
    return b"(?:" + b"|".join(forms) + b")"


def _after(prefix: bytes) -> bytes:
    """Give what must follow a prefix for it to begin a key, whole or cut."""
    if len(prefix) <= _SHORT:
        # `sk-learn`, `sk-2024-01`: behind so short a prefix only letters and digits count.
        return b"(?:" + _eight(b"[a-z]", b"[A-Za-z0-9]") + b"|[A-Za-z0-9]{20})"
    return b"(?:" + _eight(b"[a-z_-]", b"[A-Za-z0-9_-]") + b"|[A-Za-z0-9_-]{20})"


def _glued(prefix: bytes) -> bytes:
    """Give what must follow a prefix that stands in the middle of a word: more, in mixed case."""
    if len(prefix) <= _SHORT:
        return b"[a-z0-9]{0,15}[A-Z][A-Za-z0-9]{31}"
    return b"[a-z0-9_-]{0,15}[A-Z][A-Za-z0-9_-]{12}"


def _key_beginnings() -> tuple[bytes, bytes]:
    worded = [p for p in PREFIXES if len(p) > _SHORT or p[-1] in _SEPARATORS]
    # A shape that begins with no letters of its own (36 capitals, a UUID) is most often no key at
    # all: such keys are found by the header's name and by their exact value.
    shapes = [
        _AT_MOST.sub(rb"{\1}", shape.encode())
        for row in CATALOGUE.values()
        for shape in row.shapes
        if _LITERAL.match(shape)
    ]
    at_left = [linear.any_of([p]) + _after(p) for p in worded] + shapes
    inside = [linear.any_of([p]) + _glued(p) for p in worded]
    inside += [p + rb"[0-9A-Za-z]{16}" for p in OWN_PREFIXES]
    return b"|".join(at_left), b"|".join(inside)


# Names, each with what its value must look like to be struck: see `extents`.
AUTHORIZATION: Final = rb"authorization"
COOKIE: Final = rb"(?:\b|_)(?:set-|set_)?cookie"
SECRET: Final = (
    rb"(?:api[-_ ]?key"
    rb"|(?:access|auth|refresh|session|security|private|csrf|xsrf|bearer|bot|vault|oauth|api|job"
    rb"|id[-_]|user[-_]|app[-_]|service[-_]|tool[-_]|deploy[-_]|personal[-_]|install[-_])"
    rb"[-_]?(?:access[-_]?)?token"
    rb"|secret(?:[-_]?(?:access[-_]?)?key)?"
    rb"|(?:auth|private|access|account|master|encryption|subscription|functions|signing"
    rb"|application|shared)[-_]?keys?)"
)
PASSWORD: Final = rb"(?:passw(?:or)?d|passphrase|(?:\b|_)pwd|_pass)"
TOKEN: Final = rb"(?:\b|_)(?:token|bearer)"
NAMES: Final = b"|".join((AUTHORIZATION, COOKIE, SECRET, PASSWORD, TOKEN))

_QUOTE: Final = rb"""(?:\\{0,6}["'`]|%22|&quot;)"""
# `"name": `, `'name': `, `name=`, `name => `, `["name"] = `, `("name", "…")`, HAR's
# `"name": "cookie", "value": "…"`, and XML's `<name>`.
_BETWEEN: Final = (
    rb"(?:" + _QUOTE + rb"?\]?\s{0,4}(?:=>|:=|={1,3}|:|%3D|%3A)"
    rb"|" + _QUOTE + rb"\s{0,8},\s{0,8}(?:" + _QUOTE + rb"value" + _QUOTE + rb"\s{0,4}:)?"
    rb"|" + _QUOTE + rb"\s{1,8}value="
    rb"|>)[ \t]*"
)
_QUERY_NAMES: Final = (
    rb"(?:key|code|sig|signature|x-amz-signature|x-goog-signature|x-amz-security-token|token|auth"
    rb"|authorization|pass|passwd|password|pwd|secret|client[-_]?secret|(?:client_)?assertion"
    rb"|[a-z_-]{0,16}api[-_]?key|access[-_]?token|refresh[-_]?token|id_token|auth[-_]?token"
    rb"|session|sid|jwt|samlresponse)"
)
_LEFT_KEYS, _GLUED_KEYS = _key_beginnings()

KINDS: Final = {
    "pem": rb"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)",
    "cookie": (
        rb"""(keysteward(?:=|[\\"':,=\s]{1,12}(?:value[\\"':=\s]{1,8})?))[A-Za-z0-9_-]{16}"""
    ),
    "query": rb"(?i:(?:[?&;]|%3F|%26|\\u0026)(" + _QUERY_NAMES + rb"(?:=|%3D)))",
    "named": rb"(?i:((?:" + NAMES + rb")" + _BETWEEN + rb"))",
    "option": rb"(?i:(--[a-z0-9-]{0,24}(?:" + NAMES + rb")[ \t]+))",
    "userinfo": rb"""(://)[^\s/?#"'<>\\]+@""",
    "key": _LEFT + rb"(" + _LEFT_KEYS + rb")",
    "glued key": rb"(" + _GLUED_KEYS + rb")",
    "scheme": (
        rb"\b((?i:bearer|basic|negotiate)[ \t]+|Token[ \t]+|Digest[ \t]+)[A-Za-z0-9._~+/=-]{8}"
    ),
    "jwt": rb"(eyJ[A-Za-z0-9_-]{8,}\.)(?:[A-Za-z0-9_-]*\.|eyJ)",
    "master key": rb"([A-Za-z0-9_-]:)[A-Za-z0-9+/]{43}=",
}
"""Each kind of beginning, with one group: its end is where the search goes on if nothing is struck.
Where two begin at one place the first of them wins."""

FIND: Final = linear.compiled(b"|".join(KINDS.values()))
