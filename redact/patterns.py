"""What a secret looks like in a text: where one may begin, in one expression for a single pass.

The shapes and prefixes of keys come from the providers' catalogue and from `shapes`. Everything
here is a *beginning*: short, so that the search is quick; how far the secret reaches, and whether
it is one, is for `extents` to say.
"""

import base64
import re
from collections.abc import Iterable
from typing import Final

from providers import CATALOGUE
from redact import linear
from redact.linear import Within
from redact.shapes import ALNUM, BASE64, HEX, SHAPES, SIGNED, WORD, Shape
from redact.web_tokens import WEB_TOKEN, WebTokens

MARK: Final = b"[redacted]"
ELLIPSIS: Final = "…".encode()
TAGGED: Final = b"[redacted "
JOINED: Final = b"[redacted\xff"
"""How a mark with digits begins, and how it does while we work: without a blank, so that it is one
word to every expression. The byte is no UTF-8, and stands in no text."""

ESCAPES_OF_ESC: Final = (b"\\u001b[", b"\\u001B[", b"\\x1b[", b"\\x1B[", b"\\033[")
FOLDS: Final = (b"\\\n", b"\\\r\n", b"\\\\\\n")
"""A line's end behind a backslash: as it is, as Windows writes it, and in a JSON string."""
CUTTING: Final = (*ESCAPES_OF_ESC, *FOLDS)

OWN_PREFIXES: Final = (b"kst_", b"ksu_", b"kso_")
_CATALOGUE: Final = frozenset(
    {prefix.encode() for row in CATALOGUE.values() for prefix in row.prefixes} | set(OWN_PREFIXES)
)
PREFIXES: Final = tuple(
    sorted(
        _CATALOGUE | {row.prefix.encode() for row in SHAPES if len(row.prefix) > 1},
        key=lambda prefix: (-len(prefix), prefix),
    )
)
"""The public beginnings of keys, longest first. They may stay in a text."""

_SHORT: Final = 3
_FEW: Final = 20
_SEPARATORS: Final = b"-_."
_AT_MOST: Final = re.compile(rb"\{(\d+),\d*\}$")
_COLON: Final = re.compile(rb"(?<!\?):")
OWN_SHAPES: Final = tuple(
    _COLON.sub(rb"(?::|%3[Aa])", shape.encode())
    for row in CATALOGUE.values()
    for shape in row.shapes
)
"""The catalogue's shapes, as they stand in a URL too."""
_LITERAL: Final = re.compile(rb"(?:[A-Za-z0-9_-]|\\\.){2}")
_WRITTEN: Final = re.compile(rb"[A-Za-z0-9_-]{5,}(?![{*+?(|])")
"""The letters that a shape itself begins with, `whsec_`, where no prefix is given."""
_STEM: Final = re.compile(rb"\[[^\]]+\]\{[0-9]+\}_")
_LOWER_OF: Final = {
    WORD: "[a-z_-]",
    ALNUM: "[a-z]",
    BASE64: "[a-z]",
}
_DECISIVE: Final = 4
"""So many characters of a prefix in base64 are looked for: fewer stand in every picture."""

# What may stand directly before a key. A letter may not: "task-force" holds "sk-". But the letter
# may be the end of an escape, as in `\nsk-…`, `%3Dsk-…`, `\u0022sk-…` or a colour, `ESC[31msk-…`.
_LEFT: Final = (
    rb"(?:_|\\[abfnrtv0]|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|%(?:25)?[0-9A-Fa-f]{2}"
    rb"|\[[0-9;]{0,16}m|\b)"
)


def _eight(lower: bytes, any_: bytes) -> bytes:
    """Give eight characters of which one is no small letter: a word's beginning has none."""
    forms = (b"%s{%d}[A-Z0-9]%s{%d}" % (lower, k, any_, 7 - k) for k in range(8))
    return b"(?:" + b"|".join(forms) + b")"


def _after(prefix: bytes) -> bytes:
    """Give what must follow a prefix for it to begin a key, whole or cut."""
    if len(prefix) <= _SHORT:
        # `sk-learn`, `sk-2024-01`: behind so short a prefix only letters and digits count. Where
        # each shape has a first part of one length, it too: `re_` alone is Stripe's refund.
        own = [shape for shape in OWN_SHAPES if shape.startswith(prefix)]
        stems = {(stem := _STEM.match(shape, len(prefix))) and stem[0] for shape in own}
        first_part = (stems.pop() if len(stems) == 1 else None) or b""
        return first_part + b"(?:" + _eight(b"[a-z]", b"[A-Za-z0-9]") + b"|[A-Za-z0-9]{20})"
    return b"(?:" + _eight(b"[a-z_-]", b"[A-Za-z0-9_-]") + b"|[A-Za-z0-9_-]{20})"


def _follows(row: Shape) -> bytes:
    """Give what must follow a well-known prefix for `extents` to look at it."""
    few = row.body.encode() + b"{%d}" % min(row.least, _FEW)
    if not row.cut:
        return few
    if row.body == BASE64 and len(row.prefix) > _DECISIVE:
        return row.body.encode() + b"{8}"  # behind these a `%2B` may stand
    if row.body == HEX or row.least < _FEW:
        return row.body.encode() + b"{%d}" % min(row.least, 12)
    if len(row.prefix) <= _SHORT and row.body == WORD:
        return few
    lower = _LOWER_OF.get(row.body, row.body.replace("A-Z", "").replace("0-9", "")).encode()
    if lower == b"[]":
        return row.body.encode() + b"{8}"  # of capitals and digits alone
    return b"(?:" + _eight(lower, row.body.encode()) + b"|" + few + b")"


def _glued(prefix: bytes) -> bytes:
    """Give what must follow a prefix in the middle of a word; `extents` asks for mixed case too."""
    return b"[A-Za-z0-9]{32}" if len(prefix) <= _SHORT else b"[A-Za-z0-9_-]{16}"


def _together(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Give one expression for prefixes and what follows: those with the same are one group."""
    groups: dict[bytes, list[bytes]] = {}
    for prefix, follows in pairs:
        groups.setdefault(follows, []).append(prefix)
    return b"|".join(b"(?:" + linear.any_of(group) + b")" + f for f, group in groups.items())


def _worded() -> list[bytes]:
    known = sorted(_CATALOGUE, key=lambda prefix: (-len(prefix), prefix))
    return [p for p in known if len(p) > _SHORT or p[-1] in _SEPARATORS]


def _key_beginnings() -> tuple[bytes, bytes]:
    # A shape that begins with no letters of its own (36 capitals, a UUID) is most often no key at
    # all: such keys are found by the header's name and by their exact value.
    shapes = [_AT_MOST.sub(rb"{\1}", shape) for shape in OWN_SHAPES if _LITERAL.match(shape)]
    pairs = [(prefix, _after(prefix)) for prefix in _worded()]
    pairs += [(row.prefix.encode(), _follows(row)) for row in SHAPES]
    inside = [(prefix, _glued(prefix)) for prefix in _worded()]
    inside += [
        (row.prefix.encode(), _glued(row.prefix.encode()))
        for row in SHAPES
        if row.cut and len(row.prefix) > _SHORT and row.body in {WORD, ALNUM}
    ]
    inside += [(prefix, rb"[0-9A-Za-z]{16}") for prefix in OWN_PREFIXES]
    return b"|".join([_together(pairs), *shapes]), _together(inside)


def _encoded_beginnings() -> dict[bytes, tuple[int, ...]]:
    """Give how the prefixes begin in base64, with the alignments at which they do.

    Four characters of each: what they are the beginning of is seen when it is decoded.
    """
    looks: dict[bytes, set[int]] = {}
    written = {begun[0] for shape in OWN_SHAPES if (begun := _WRITTEN.match(shape))}
    for prefix in sorted(_CATALOGUE | written):
        for shift in range(3):
            code = base64.b64encode(bytes(shift) + prefix)
            fixed = code[-(-shift * 8 // 6) : (shift + len(prefix)) * 8 // 6]
            if len(fixed) >= _DECISIVE:
                looks.setdefault(fixed[:_DECISIVE], set()).add(shift)
    return {look: tuple(sorted(shifts)) for look, shifts in looks.items()}


# Names, each with what its value must look like to be struck: see `extents`.
AUTHORIZATION: Final = rb"authorization"
COOKIE: Final = rb"(?:\b|_)(?:set-|set_)?cookie"
SECRET: Final = (
    rb"(?:api[-_ .]?keys?(?: provided)?"
    rb"|(?:access|auth|refresh|session|security|private|csrf|xsrf|bearer|bot|vault|oauth2?|api|job"
    rb"|id[-_]|user[-_]|app[-_]|service[-_]|tool[-_]|deploy[-_]|personal[-_]|install[-_])"
    rb"[-_ ]?(?:access[-_]?)?token"
    rb"|bearer[-_]token[-_]bedrock"
    rb"|secret(?:[-_ .]?(?:access[-_ .]?)?key|[-_]?(?:string|value|id))?"
    rb"|(?:auth|private|access|account|master|encryption|subscription|functions|signing"
    rb"|application|shared|licen[cs]e|admin|service[-_]?role|sas)[-_ .]?key(?:s|[-_]?id)?"
    rb"|credentials?|honeycomb-team|jfrog-art-api"
    rb"|(?:j|php|asp\.net_|_gitlab_)sess(?:ion)?(?:[-_]?id)?|connect\.sid"
    rb"|\bx-[a-z0-9-]{1,24}-(?:token|key|auth))"
)
PASSWORD: Final = rb"(?:passw(?:or)?d|passphrase|(?:\b|_)pwd|(?:\b|_)pass)"
TOKEN: Final = rb"(?:(?:\b|_)(?:token|bearer|auth|pat)|[a-z]token)"
NAMES: Final = b"|".join((AUTHORIZATION, COOKIE, SECRET, PASSWORD, TOKEN))

FULL_COLON: Final = b"\xef\xbc\x9a"
"""A colon as wide as a letter of Chinese or Japanese."""
_QUOTE: Final = rb"""(?:\\{0,6}["'`]|%(?:25)?22|&quot;|&#34;|&#39;)"""
_TYPED: Final = rb"&?(?:Optional\[)?(?:[Ss]tr(?:ing)?|bytes|SecretStr)\]?(?: \| None)?"
# `"name": `, `'name': `, `name=`, `name => `, `["name"] = `, `("name", "…")`, `name: str = "…"`,
# YAML's blocks and lists, the wide colon, HAR's `"name": "cookie", "value": "…"`, the same in YAML
# and in Java's braces, `--name X_KEY --value …`, a table's `| name | … |`, a form's part; XML's
# `<name>`, with attributes or without, `<entry key="name">`, HTML's `content=` and a property
# list's `<key>name</key><string>`.
_BETWEEN: Final = (
    rb"(?:" + _QUOTE + rb"?:[ \t]*(?:[|>][+-]?)?\r?\n[ \t]+(?:-[ \t])?"
    rb"|[ \t]?:[ \t]?" + _TYPED + rb"[ \t]?="
    rb"|" + _QUOTE + rb"?\]?\s{0,4}(?:=>|:=|={1,3}|:|" + FULL_COLON + rb"|%(?:25)?3[AD])"
    rb"|" + _QUOTE + rb"\s{0,8},\s{0,8}(?:" + _QUOTE + rb"?value" + _QUOTE + rb"?\s{0,4}[:=])?"
    rb"|" + _QUOTE + rb"(?:\s{1,8}type=\"[a-z]*\")?\s{1,8}(?:value|content)="
    rb"|" + _QUOTE + rb"?[ \t]+(?:--(?:value|body|secret-string)[ \t=]|-b[ \t=]?)"
    rb"|`?\*{0,2}[ \t]+(?:\||\xe2\x94\x82)"
    rb"|" + _QUOTE + rb"(?:\r?\n|\\{1,2}r\\{1,2}n){2}"
    rb"|" + _QUOTE + rb"?\r?\n\s{0,24}" + _QUOTE + rb"?value" + _QUOTE + rb"?:"
    rb"|(?:\s{1,8}[a-z][a-z0-9:_.-]*=(?:\"[^\"<>]*\"|'[^'<>]*'))+\s{0,8}>"
    rb"|[\"']\s{0,8}>|</key>\s{0,32}<string>"
    rb"|>)[ \t]*"
)
_QUERY_NAMES: Final = (
    rb"(?:key|code|sig|signature|x-amz-signature|x-goog-signature|x-amz-security-token|token|auth"
    rb"|authorization|pass|passwd|password|pwd|secret|client[-_]?secret|(?:client_)?assertion"
    rb"|[a-z_-]{0,16}api[-_]?key|[a-z_-]{0,16}[-_]token|access[-_]?token|refresh[-_]?token"
    rb"|id_token|auth[-_]?token"
    rb"|session|sid|jwt|samlresponse|credential|subscription-key|x-api-key|private[-_]?key"
    rb"|access[-_]?key)"
)
_LEFT_KEYS, _GLUED_KEYS = _key_beginnings()
ENCODED: Final = _encoded_beginnings()
_ESCAPED: Final = (
    rb"(?:%25[0-9A-Fa-f]{2}){12}|(?:%[0-9A-Fa-f]{2}){12}"
    rb"|(?:\\{1,4}u00[0-9A-Fa-f]{2}){12}|(?:\\{1,4}x[0-9A-Fa-f]{2}){12}"
)

KINDS: Final[dict[str, bytes | Within]] = {
    "pem": (
        rb"-----BEGIN(?:[ +]|%20)(?:[A-Z0-9]{1,12}(?:[ +]|%20)){0,4}PRIVATE(?:[ +]|%20)KEY"
        rb"(?:(?:[ +]|%20)BLOCK)?-----"
    ),
    "cookie": Within(
        b"",
        rb"""keysteward(?:=|[\\"':,=\s]{1,12}(?:value[\\"':=\s]{1,8})?)""",
        rb"[A-Za-z0-9_-]{16}",
    ),
    "query": Within(
        rb"(?i:[?&;]|%(?:25)?(?:3F|26)|\\u0026)", rb"(?i:" + _QUERY_NAMES + rb"(?:=|%(?:25)?3D))"
    ),
    "named": rb"(?i:(?:" + NAMES + rb")" + _BETWEEN + rb")",
    "other key": rb"(?:(?i:[-_. ]key)|Key)(?i:" + _BETWEEN + rb")",
    "option": rb"(?i:--[a-z0-9-]{0,24}(?:" + NAMES + rb")[ \t]+)",
    "setting": (
        # fish's `set -gx NAME value`, csh's `setenv`, Windows' `setx`, Docker's old `ENV`; and what
        # servers' own files call a password.
        rb"(?i:\b(?:(?:set[ \t]+(?:--?[a-z]{1,10}[ \t]+){1,3}|(?:setenv|setx|env)[ \t]+)"
        rb"[a-z0-9_]{0,48}(?:" + NAMES + rb"|key)[a-z0-9_]{0,16}"
        # `aws configure set NAME value`, npm's and git's `config set`.
        rb"|config(?:ure)?[ \t]+set[ \t]+[a-z0-9_./:@-]{0,64}(?:" + NAMES + rb")[a-z0-9_]{0,16}"
        rb"|requirepass|masterauth|masteruser-pass|bindpw|rootpw)[ \t]+)"
    ),
    "user option": (
        rb"""[ "'](?:(?:-u|-p|-a|-b|-w|--user|--proxy-user)(?:[ =]|['"]?,[ ]?['"])"""
        rb"""|-[up][A-Za-z0-9._-])"""
    ),
    "sql": Within(
        b"",
        rb"(?i:\b(?:with|set)?[ \t]+password[ \t]+|\bidentified[ \t]+by[ \t]+"
        rb"|\bconvertto-securestring[ \t]+(?:-string[ \t]+)?)",
        rb"['\"]",
    ),
    "login": rb"\blogin[ \t]+\S{1,64}\s{1,8}password[ \t]+",
    "userinfo": Within(b"", rb"://", rb"""[^\s/?#"'<>\\]+@"""),
    "key": Within(_LEFT, rb"(?:" + _LEFT_KEYS + rb")"),
    "glued key": rb"(?:" + _GLUED_KEYS + rb")",
    "scheme": Within(
        rb"\b",
        # `SSWS` is Okta's: developer.okta.com/docs/guides/create-an-api-token.
        rb"(?:(?i:bearer|basic|negotiate|apikey)(?:[ \t]+|%20|\+)|(?:Token|Digest|SSWS)[ \t]+"
        # Mail's: RFC 4954, and IMAP's of RFC 9051.
        rb"|AUTH(?:ENTICATE)?[ \t]+(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER)[ \t]+)",
        rb"[A-Za-z0-9._~+/=-]{8}",
    ),
    "master key": Within(b"", rb"[A-Za-z0-9_-]:", rb"[A-Za-z0-9+/]{43}="),
    "signed": b"(?:" + b"|".join(dict.fromkeys(row.mark.encode() for row in SIGNED)) + b")",
    "encoded pem": rb"LS0tLS1CRUdJTi",
    "encoded key": b"(?:" + linear.any_of(ENCODED) + b")",
    "escaped": b"(?:" + _ESCAPED + b")",
    "jwt": WEB_TOKEN,
}
"""Each kind of beginning; its mark's end is where the search goes on if nothing is struck. Where
two begin at one place the first of them wins."""

*_BUT_WEB_TOKENS, _WEB_TOKEN = KINDS.values()
FINDERS: Final = (linear.Finder(_BUT_WEB_TOKENS), WebTokens(len(_BUT_WEB_TOKENS)))
"""Web tokens apart: see `web_tokens`. All else in one pass: two automatons cost a log twice as much
and random base64, which visits most of their states, no less."""
begins_in = linear.holding(
    (*map(linear.bare, KINDS.values()), linear.any_of((b"\x1b", TAGGED, *CUTTING)))
)
"""Tells whether a line holds a beginning, or what else makes it worth more than one look."""
KEY: Final = linear.compiled(b"(?:" + _LEFT_KEYS + b")")
"""A key's beginning alone, for what was decoded."""
