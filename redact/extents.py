"""How far a secret reaches from where one may begin, and what is to stand in its place.

Each function is given the text and the beginning's span, and answers with a `Struck` or None. It
looks at no more than a few hundred bytes before it says None, so that a text made of beginnings
costs no more than its length; what is longer than that is struck without a second look.

Python's `re` is used for one anchored run of one class, where it can't backtrack and is ten times
quicker to call; whatever repeats a group is RE2's.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from redact import linear
from redact.patterns import ELLIPSIS, MARK, PREFIXES


class Struck(NamedTuple):
    """The bytes from `start` to `end` give way to `instead`."""

    start: int
    end: int
    instead: bytes


_DECIDED_WITHIN: Final = 256
_PEM_WITHIN: Final = 16 << 10
_SHOWN_PREFIX_NEEDS: Final = 8
_SHORTEST_COOKIE: Final = 64

_DONE: Final = re.compile(
    rb"(?:(?:" + linear.any_of(PREFIXES) + rb")" + ELLIPSIS + rb")?" + linear.any_of([MARK])
)
_PREFIX: Final = re.compile(linear.any_of(PREFIXES))
_KEY: Final = re.compile(rb"[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
_UNDOTTED_KEY: Final = re.compile(rb"[A-Za-z0-9_-]*")
_JWT: Final = re.compile(rb"[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)*")
_COOKIE: Final = re.compile(rb"[A-Za-z0-9_=.%+/-]*")
_CREDENTIAL: Final = re.compile(rb"[A-Za-z0-9._~+/=-]*")
_USERINFO: Final = re.compile(rb"""[^\s/?#"'<>\\]+@""")
_PLAIN_USER: Final = re.compile(rb"[a-z][a-z._-]{0,15}")
_QUERY_VALUE: Final = re.compile(rb"""[^\s&"'<>#;\\]*""")
_ESCAPED_QUERY_VALUE: Final = re.compile(rb"""[^\s&"'<>#;\\%]*""")
_BARE: Final = re.compile(rb"""[^\s"'`,;&<>\\\x1b]*""")
_LINE: Final = linear.compiled(rb"""[^\r\n"'`\\\x1b]*(?:="[^"\r\n]*"[^\r\n"'`\\\x1b]*)*""")
_PAIRS: Final = linear.compiled(rb"""(?:=\\{0,6}"[^"\r\n]*"|[^\r\n"'\\\x1b])*""")
_XML: Final = re.compile(rb"[^<\r\n]*")
_SCHEME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{1,30}[ \t]+")
_PAIR_SCHEMES: Final = (b"digest", b"aws4-", b"hawk", b"oauth", b"signature", b"mac")
_SCHEMES: Final = frozenset(
    (b"bearer", b"basic", b"token", b"negotiate", b"ntlm", b"apikey", b"key", b"dpop", b"bot")
)
_OPENING: Final = re.compile(rb"""[\[({]?[ \t]*[bBrRuU]{0,2}(\\{0,6}["'`]|%22|&quot;)""")
_NEXT_IN_LIST: Final = re.compile(rb"""\s{0,8},\s{0,8}[bB]?(\\{0,6}["'`])""")
_MORE_PEM: Final = linear.compiled(rb"""(?:(?:\s|\\{1,4}[nr]|["',>+])*[A-Za-z0-9+/=]{16,})*""")
_PEM_ENDS: Final = b"-----END "
_PEM_FOOTER: Final = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")

_BLANK: Final = re.compile(
    rb"""(?i:none|null|nil|true|false|undefined|str|string|bytes|\[secure\]|\[?<?redacted>?\]?|x{3,})"""
    rb"""|\*+|\$\{[^{}]*\}|\$[A-Z_]+|\{\{?[A-Za-z_. ]*\}?\}|<[^<>]*>|%\(?[a-z_]*\)?s|\.{3}|"""
    + ELLIPSIS
)
_MASKED: Final = ("•" * 4).encode()
_REFERENCE: Final = re.compile(rb"[a-z]{2,10}_[0-9A-HJKMNP-TV-Z]{26}")
_DIGIT: Final = re.compile(rb"[0-9]")
_LETTER: Final = re.compile(rb"[A-Za-z]")
_CODE: Final = re.compile(rb"[()\[\]{}]")
_HUMP: Final = re.compile(rb"[a-z][A-Z]")
_CAPITALS: Final = re.compile(rb"[A-Z]{2}")
_LONG_WORD: Final = re.compile(rb"[a-z]{24,}|[A-Z]{24,}")
_WORDS: Final = re.compile(rb"[A-Za-z_-]*")
_LOOKS_AHEAD: Final = re.compile(rb"""[ \t]*(?:[\r\n,;&)\]}"'`\\\x1b<]|\Z)""")
_PAGE: Final = (
    b"page", b"next", b"previous", b"prev", b"continuation", b"sync", b"start", b"cursor",
    b"eos", b"bos", b"pad", b"unk", b"mask", b"sep", b"cls", b"stop", b"resume",
)  # fmt: skip
_TOKENS: Final = (b"token", b"bearer")
_HASHES: Final = (b"sha", b"md5", b"blake", b"crc")


def struck(secret: bytes) -> bytes:
    """Give what stands in a secret's place: its public prefix, if it has one, and the mark."""
    if _DONE.fullmatch(secret):
        return secret
    prefix = _PREFIX.match(secret)
    if prefix and len(secret) - prefix.end() >= _SHOWN_PREFIX_NEEDS:
        return secret[: prefix.end()] + ELLIPSIS + MARK
    return MARK


def _strike(data: bytes, start: int, end: int) -> Struck | None:
    secret = data[start:end]
    instead = struck(secret)
    return None if instead == secret else Struck(start, end, instead)


def _until(
    pattern: re.Pattern[bytes] | linear.Pattern, data: bytes, at: int, endpos: int | None = None
) -> int:
    match = pattern.match(data, at, len(data) if endpos is None else endpos)
    return match.end() if match else at


# What has a form of its own


def key(data: bytes, start: int, end: int) -> Struck | None:
    """Strike a key with a public prefix; of a pair such as Twilio's, both."""
    if _DONE.match(data, start):
        return None
    prefix = _PREFIX.match(data, start)
    dotted = prefix is not None and b"." in data[start : prefix.end()]
    return _strike(data, start, _until(_KEY if dotted else _UNDOTTED_KEY, data, end))


def jwt(data: bytes, start: int, _end: int) -> Struck | None:
    """Strike a JSON web token, signed or encrypted, whole or cut."""
    return Struck(start, _until(_JWT, data, start), MARK)


def pem(data: bytes, _start: int, end: int) -> Struck | None:
    """Strike a private key's body; of one without an end, all that looks like its body."""
    if data.startswith(MARK, end):
        return None
    footer = data.find(_PEM_ENDS, end, end + _PEM_WITHIN)
    if footer < 0 or _PEM_FOOTER.match(data, footer) is None:
        footer = _until(_MORE_PEM, data, end)
    return Struck(end, footer, MARK)


def master_key(data: bytes, start: int, end: int) -> Struck | None:
    """Strike the 32 bytes of `id:base64`; a hash that is written so stays."""
    name = data[max(0, end - 33) : end - 1].lower()
    named = name[len(name.rstrip(b"abcdefghijklmnopqrstuvwxyz0123456789_-")) :]
    if named.startswith(_HASHES) or start == end:
        return None
    return Struck(end, end + 44, MARK)


def cookie(data: bytes, _start: int, end: int) -> Struck | None:
    """Strike the value of keysteward's own session cookie."""
    until = _until(_COOKIE, data, end)
    if data[end - 1 : end] != b"=" and until - end < _SHORTEST_COOKIE:
        return None  # "keysteward: a sentence", not `"keysteward": "…"`
    return _strike(data, end, until)


# What stands in a URL


def userinfo(data: bytes, _start: int, end: int) -> Struck | None:
    """Strike `user:password@`, and a lone user unless it is a plain word such as `git`."""
    until = _until(_USERINFO, data, end) - 1
    if _PLAIN_USER.fullmatch(data[end:until]):
        return None
    return _strike(data, end, until)


def query(data: bytes, start: int, end: int) -> Struck | None:
    """Strike a query parameter's value; that of `key` and `code`, common words, if it is keyish."""
    pattern = _ESCAPED_QUERY_VALUE if data[end - 3 : end].upper() == b"%3D" else _QUERY_VALUE
    until = _until(pattern, data, end, end + _DECIDED_WITHIN)
    value = data[end:until]
    if len(value) == _DECIDED_WITHIN:
        return _strike(data, end, _until(pattern, data, end))
    if data[start:end].lower().startswith((b"key", b"code", b"session", b"sid")):
        return _strike(data, end, until) if _keyish(value) else None
    return None if not value or _blank(value) else _strike(data, end, until)


# What stands behind a name


def named(data: bytes, start: int, end: int) -> Struck | None:
    """Strike the value behind a name such as `authorization`, however it is written."""
    name = data[start:end].lower().lstrip(b"_")
    between = name.rstrip(b" \t")
    if between.endswith(b">") and not between.endswith(b"=>"):
        return _element(data, start, end)
    opening = _OPENING.match(data, end)
    listed = between.endswith(b",")
    if opening is not None:
        return _quoted(data, name, start, opening, listed=listed)
    return None if listed else _bare(data, name, start, end, colon=between.endswith(b":"))


def option(data: bytes, _start: int, end: int) -> Struck | None:
    """Strike the value of a command's option, `--api-key …`, unless it is a plain word."""
    opening = _OPENING.match(data, end)
    if opening is not None:
        return _strike_value(data, opening.end(), _closing(data, opening))
    until = _bare_end(data, end)
    value = data[end:until]
    if value.startswith(b"-") or (_WORDS.fullmatch(value) and not _LOOKS_AHEAD.match(data, until)):
        return None
    return _strike_value(data, end, until)


def scheme(data: bytes, start: int, end: int) -> Struck | None:
    """Strike what follows Bearer, Basic, Token or Digest, unless it is prose."""
    if _DONE.match(data, end):
        return None
    word = data[start:end].strip().lower()
    if word == b"digest":
        return None if b"=" not in data[end : end + 32] else _pairs(data, end)
    until = _until(_CREDENTIAL, data, end, end + _DECIDED_WITHIN)
    value = data[end:until]
    if until - end == _DECIDED_WITHIN:
        return _strike(data, end, _until(_CREDENTIAL, data, end))
    if _keyish(value) or (word == b"basic" and _user_and_password(value)):
        return _strike(data, end, until)
    return None


def _element(data: bytes, start: int, end: int) -> Struck | None:
    before = data[max(0, start - 40) : start]
    if not before.rstrip(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:-").endswith(b"<"):
        return None
    return _strike_value(data, end, _until(_XML, data, end))


def _quoted(
    data: bytes, name: bytes, start: int, opening: re.Match[bytes], *, listed: bool
) -> Struck | None:
    at, until = opening.end(), _closing(data, opening)
    value = data[at:until]
    if until - at < _DECIDED_WITHIN:
        if listed and _WORDS.fullmatch(value):
            return None  # a list of names, not a name and its value
        if name.startswith(_TOKENS) and (_is_page(data, start) or not _keyish(value)):
            return None
    if name.startswith(b"authorization"):
        until_all = _rest_of_list(data, until, opening)
        spared = _until(_SCHEME, data, at, until) - at
        if until_all == until and value[:spared].strip().lower() in _SCHEMES:
            at += spared
        return _strike_value(data, at, until_all)
    if b"cookie" in name[:12]:
        return _strike_value(data, at, _rest_of_list(data, until, opening))
    return _strike_value(data, at, until)


def _bare(data: bytes, name: bytes, start: int, end: int, *, colon: bool) -> Struck | None:
    if name.startswith(b"authorization"):
        return _bare_authorization(data, end)
    if b"cookie" in name[:12]:
        until = _until(_LINE, data, end, end + _DECIDED_WITHIN)
        if b"=" in data[end:until] or until - end == _DECIDED_WITHIN or _keyish(data[end:until]):
            return _strike_value(data, end, _until(_LINE, data, end))
        return None
    until = _bare_end(data, end)
    value = data[end:until]
    if until - end < _DECIDED_WITHIN:
        if name.startswith((b"passw", b"passphrase", b"pwd", b"pass")):
            prose = colon and _WORDS.fullmatch(value) and not _LOOKS_AHEAD.match(data, until)
            if prose or (name.startswith(b"pwd") and value.startswith(b"/")):
                return None
        elif not _keyish(value) or (name.startswith(_TOKENS) and _is_page(data, start)):
            return None
    return _strike_value(data, end, until)


def _bare_authorization(data: bytes, at: int) -> Struck | None:
    window = at + _DECIDED_WITHIN
    value_at = _until(_SCHEME, data, at, window)
    word = data[at:value_at].strip().lower()
    if word.startswith(_PAIR_SCHEMES):
        return _pairs(data, at)
    until = _bare_end(data, value_at)
    first = word or data[value_at:until]
    known = word in _SCHEMES
    if known or _keyish(data[value_at:until]) or _keyish(first) or until == window:
        return _strike_value(data, value_at if known else at, until)
    ends = _LOOKS_AHEAD.match(data, until)
    return _strike_value(data, at, until) if ends and data[at:until].strip() else None


def _pairs(data: bytes, at: int) -> Struck | None:
    return _strike_value(data, at, _until(_PAIRS, data, at))


def _bare_end(data: bytes, at: int) -> int:
    """Find a bare value's end, without a bracket that closes what was opened before it."""
    done = _DONE.match(data, at)
    until = _until(_BARE, data, at, at + _DECIDED_WITHIN)
    if until - at == _DECIDED_WITHIN:
        return _until(_BARE, data, at)
    if done is not None and not data[done.end() : until].strip(b")]}.:!?"):
        return done.end()
    value = data[at:until]
    if _CODE.search(value.rstrip(b")]}.:!?")) is None:
        until -= len(value) - len(value.rstrip(b")]}.:!?"))
    return until


def _closing(data: bytes, opening: re.Match[bytes]) -> int:
    """Find the quotation mark that closes, or the end of the line.

    A mark behind more backslashes than the opening one is inside; one behind as many, or fewer,
    closes it or what is around it.
    """
    at = opening.end()
    mark = data[opening.start(1) : at]
    found = _closing_within(data, at, mark, at + _DECIDED_WITHIN)
    if found is None:
        line = data.find(b"\n", at)
        limit = len(data) if line < 0 else line
        found = _closing_within(data, at, mark, limit)
        return limit if found is None else found
    return found


def _closing_within(data: bytes, at: int, mark: bytes, limit: int) -> int | None:
    if mark in {b"%22", b"&quot;"}:
        found = data.find(mark, at, limit)
        return None if found < 0 else found
    depth = len(mark) - 1
    line = data.find(b"\n", at, limit)
    found = at - 1
    while (found := data.find(mark[-1:], found + 1, limit)) >= 0:
        before = data[max(at, found - depth - 1) : found]
        slashes = len(before) - len(before.rstrip(b"\\"))
        if slashes <= depth:
            found -= slashes
            break
    if line >= 0 and not 0 <= found < line:
        return line
    return None if found < 0 else found


def _rest_of_list(data: bytes, until: int, opening: re.Match[bytes]) -> int:
    """Find the last value's end, when the opening began a list of values."""
    start, quote = opening.span()[0], opening.start(1)
    if b"[" not in data[start:quote]:
        return until
    mark = opening.end(1) - quote
    while (following := _NEXT_IN_LIST.match(data, until + mark)) is not None:
        until = _closing(data, following)
    return until


def _strike_value(data: bytes, start: int, end: int) -> Struck | None:
    value = data[start:end]
    if not value.strip() or _blank(value.strip()):
        return None
    return _strike(data, start, end)


def _is_page(data: bytes, start: int) -> bool:
    """Tell whether a token is one of a list's pages or a model's words: `next_page_token`."""
    return data[max(0, start - 16) : start + 1].lower().rstrip(b"_").endswith(_PAGE)


def _blank(value: bytes) -> bool:
    return _BLANK.fullmatch(value) is not None or _MASKED in value


def _keyish(value: bytes) -> bool:
    """Tell a key from a word, a number and one of keysteward's own references."""
    if len(value) < _SHOWN_PREFIX_NEEDS or _blank(value):
        return False
    if _REFERENCE.fullmatch(value) or _CODE.search(value):
        return False
    if _LETTER.search(value) is None:
        return False
    if _DIGIT.search(value) is not None or _LONG_WORD.search(value) is not None:
        return True
    return len(_HUMP.findall(value)) > 1 and (
        _CAPITALS.search(value) is not None or value.endswith(b"=")
    )


def _user_and_password(value: bytes) -> bool:
    try:
        return b":" in base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False


BY_KIND: Final[dict[str, Callable[[bytes, int, int], Struck | None]]] = {
    "pem": pem,
    "cookie": cookie,
    "query": query,
    "named": named,
    "option": option,
    "userinfo": userinfo,
    "key": key,
    "glued key": key,
    "scheme": scheme,
    "jwt": jwt,
    "master key": master_key,
}
