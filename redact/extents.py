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
from redact.patterns import (
    ELLIPSIS,
    ENCODED,
    FULL_COLON,
    KEY,
    MARK,
    OWN_PREFIXES,
    OWN_SHAPES,
    PREFIXES,
)
from redact.shapes import ALNUM, BASE64, DOTTED, SHAPES, SIGNED, WORD, Shape
from redact.tags import unwrapped


class Struck(NamedTuple):
    """The bytes from `start` to `end` are a secret: as they stand, or that which they encode."""

    start: int
    end: int
    encoded: bytes | None = None


_DECIDED_WITHIN: Final = 256
_CUT_WITHIN: Final = 40
_PEM_WITHIN: Final = 16 << 10
_SHOWN_PREFIX_NEEDS: Final = 8
_SHORTEST_COOKIE: Final = 64
_SHORTEST_ENCODED: Final = 20
_PLACEHOLDER: Final = re.compile(rb"[xX_.-]{8}")
_SHORT_PREFIX: Final = 3
_SHORTEST_PART: Final = 4
_GLUED_WITHIN: Final = 32
_ENCODED_HEAD: Final = 56
_ENCODED_WITHIN: Final = 1024
_SIGNED_WITHIN: Final = 96
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")

_TAG: Final = rb"\[redacted(?:\xff[0-9a-f]{4})?\]"
_DONE: Final = linear.compiled(
    rb"(?:(?:" + linear.any_of(PREFIXES) + rb")(?:" + ELLIPSIS + rb"|\.\.\.))?" + _TAG
)
_PREFIX: Final = linear.compiled(linear.any_of(PREFIXES))
_MARK_WITHIN: Final = len(PREFIXES[0]) + len(ELLIPSIS) + len(MARK)
_BODY: Final[dict[str, re.Pattern[bytes] | linear.Pattern]] = {
    body: linear.compiled(b"(?:" + body.encode() + rb"|%(?:25)?(?:2[BbFf]|3[Dd]|40)|\\{1,2}/)*")
    if "/" in body
    else re.compile(body.encode() + b"*")
    for body in sorted({row.body for row in SHAPES} - {DOTTED})
} | {DOTTED: re.compile(rb"[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")}
_ROWS: Final[dict[bytes, list[Shape]]] = {
    prefix: [row for row in SHAPES if row.prefix.encode() == prefix] for prefix in PREFIXES
}
_UNDOTTED_KEY: Final = re.compile(rb"[A-Za-z0-9_-]*")
_DOTTED_KEY: Final = _BODY[DOTTED]
_MIXED: Final = frozenset((ALNUM, WORD, BASE64, DOTTED))
_BASE64_RUN: Final = re.compile(rb"[A-Za-z0-9+/_-]*={0,2}")
_BASE64_BEFORE: Final = re.compile(rb"[A-Za-z0-9+/]*[0-9][A-Za-z0-9+/]*[+/]")
_ESCAPE_ENDS: Final = re.compile(rb"%[0-9A-Fa-f]{2}")
_SIGNED: Final = tuple(
    (
        re.compile(row.mark.encode()),
        re.compile(rb"(?:" + row.before.encode() + rb")$"),
        re.compile(row.after.encode()),
    )
    for row in SIGNED
)
_JWT: Final = re.compile(rb"[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)*")
_COOKIE: Final = re.compile(rb"[A-Za-z0-9_=.%+/-]*")
_CREDENTIAL: Final = linear.compiled(
    rb"(?:[A-Za-z0-9._~+/=-]|%(?:25)?(?:2[BbFf]|3[Dd])|:[A-Za-z0-9._~+/=-]{8})*"
)
_USERINFO: Final = re.compile(rb"""[^\s/?#"'<>\\]+@""")
_PLAIN_USER: Final = re.compile(rb"[a-z][a-z._-]{0,15}")
_QUERY_VALUE: Final = re.compile(rb"""[^\s&"'<>#;\\]*""")
_SEMICOLON_VALUE: Final = re.compile(rb"""[^\s&"'<>;\\]*""")
"""Of `;Password=a#b;`, a connection's, in which a `#` begins nothing."""
_ESCAPED_QUERY_VALUE: Final = linear.compiled(
    rb"""(?:[^\s&"'<>#;\\%]|%(?:25)*(?:2[14ABDEFabdef]|3[ADad]|40|5[EFef]|7[CEce]))*"""
)
_ESCAPED_ONCE_VALUE: Final = linear.compiled(
    rb"""(?:[^\s&"'<>#;\\%]|%25|%(?:2[14ABDEFabdef]|3[ADad]|40|5[EFef]|7[CEce]))*"""
)
_BARE: Final = re.compile(rb"""[^\s"'`,;&<>\\\x1b]*""")
_LINE: Final = linear.compiled(rb"""[^\r\n"'`\\\x1b]*(?:="[^"\r\n]*"[^\r\n"'`\\\x1b]*)*""")
_PAIRS: Final = linear.compiled(rb"""(?:=\\{0,6}"[^"\r\n]*"|[^\r\n"'\\\x1b])*""")
_FIRST_PAIR: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{0,23} ?=")
_XML: Final = re.compile(rb"(?:[^<\]\r\n]|\](?!\]>))*")
_XML_BEFORE: Final = re.compile(rb"\s{0,64}(?:<!\[CDATA\[\s{0,64})?")
_ELEMENT_WITHIN: Final = 128
_ELEMENT_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-"
_ATTRIBUTES: Final = re.compile(rb"""\s[A-Za-z][A-Za-z0-9:_.-]*=["']""")
_ENTRY: Final = re.compile(
    rb"""<(?:entry|string|property|param|parameter|setting|item|field|attribute)\s[^<>]{0,64}"""
    rb"""(?:key|name|id)=["'][A-Za-z0-9_.:-]{0,48}\Z"""
)
_SCHEME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{1,30}(?:[ \t]+|\\ )")
_BLANK_IN_SHELL: Final = b"\\ "
_PLAIN_WORDS: Final = re.compile(rb"[a-z-]+ +[a-z-]+")
_PAIR_SCHEMES: Final = (b"digest", b"aws4-", b"hawk", b"oauth", b"signature", b"mac")
_SCHEMES: Final = frozenset(
    (
        b"bearer",
        b"basic",
        b"token",
        b"negotiate",
        b"ntlm",
        b"apikey",
        b"api-key",
        b"key",
        b"dpop",
        b"bot",
        b"sso-key",
        b"genie-key",
        b"klaviyo-api-key",
        b"deepl-auth-key",
        b"splunk",
        b"ssws",
    )
)
_NO_CREDENTIALS: Final = _SCHEMES | {b"authorization"}
_OPENING: Final = re.compile(
    rb"""(?:(?:Some|Just|SecretStr|SecretBytes|Secret|String)?[\[(])?[ \t]*[bBfFrRuU]{0,2}"""
    rb"""(\\{0,6}["'`]|%(?:25)?22|&quot;|&#34;|&#39;)"""
)
_NEXT_IN_LIST: Final = re.compile(rb"""\s{0,8},\s{0,8}[bB]?(\\{0,6}["'`])""")
_MORE_PEM: Final = linear.compiled(
    rb"""(?:(?:\s|\\{1,4}[nr]|["',>+]|%0[ADad])*(?:[A-Za-z0-9+/=]|%2[BFbf]|%3[Dd]){16,})*"""
)
_PEM_ENDS: Final = b"-----END"
_PEM_FOOTER: Final = re.compile(rb"-----END[A-Z0-9 +%]{1,60}KEY(?:(?:[ +]|%20)BLOCK)?-----")

_BLANK: Final = re.compile(
    rb"""(?i:your[-_a-z]*|none|null|nil|true|false|undefined|str|string|bytes|\[secure\]|\[?<?redacted>?\]?|x{3,}"""
    rb"""|yes|no|required|optional|missing|invalid|incorrect|expired|empty|hidden|unset|unchanged|unknown)"""
    # A bound parameter; a file in which the secret is.
    rb"""|\$[0-9]{1,3}|\$[Ee]nv:[A-Za-z_]+|\$\([A-Za-z_]+\)|[:@](?:[a-z]{1,12}_){0,3}(?:password|passwd|pwd|pass|pw|token|secret|key|hash)"""
    rb"""|(?:~|\.{1,2})?/[A-Za-z0-9_./@-]{1,120}\.(?:pem|key|crt|cer|json|txt|p12|pfx|jks|ya?ml|env|pub|asc)"""
    rb"""|\*+|\$\{[^{}]*\}|\$[A-Z_]+|\{\{?[A-Za-z_. ]*\}?\}|<[^<>]*>|%\(?[a-z_]*\)?s|\.{3}|"""
    + ELLIPSIS
    + rb"""|\{\{[^\r\n]*|\$\{\{.*|[^A-Za-z0-9\x80-\xff]{1,2}|\$[A-Z_]+:?"""
)
_FILLED_IN: Final = (b"{{", b"${{")
"""What a template fills in: blank whatever follows, to the line's end."""
_MASKED: Final = ("•" * 4).encode()
_REFERENCE: Final = re.compile(rb"[a-z]{2,10}_[0-9A-HJKMNP-TV-Z]{26}")
_OWN: Final = re.compile(b"|".join(OWN_SHAPES))
_DIGIT: Final = re.compile(rb"[0-9]")
_LETTER: Final = re.compile(rb"[A-Za-z]")
_CODE: Final = re.compile(rb"[()\[\]{}]")
_SMALL_RANDOM: Final = re.compile(
    rb"(?=[a-z]*[0-9][a-z]*[0-9])[a-z0-9]{16}|(?:[0-9]-(?:A[A-Z0-9]{7,12}-)?)?[0-9]{8,14}-"
)
"""What is random though it isn't mixed: small letters and digits, and Slack's numbers."""
_UUID: Final = rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_UNIFORM: Final = re.compile(rb"[0-9a-f]{32,}|[A-Z0-9]{24,}|" + _UUID)
"""What is random though it isn't mixed, because it is long: a UUID, a hash."""
_HEXADECIMAL: Final = re.compile(rb"[0-9a-f]*|[0-9A-F]*")
_COMMIT: Final = re.compile(rb"[0-9a-f]{33,}")
_HYPHENS: Final = re.compile(rb"[_.-]")
_UPPER: Final = re.compile(rb"[A-Z]")
_LOWER: Final = re.compile(rb"[a-z]")
_HUMP: Final = re.compile(rb"[a-z][A-Z]")
_CAPITALS: Final = re.compile(rb"[A-Z]{2}")
_LONG_WORD: Final = re.compile(rb"[a-z]{24,}|[A-Z]{24,}")
_WORDS: Final = re.compile(rb"[A-Za-z_-]*")
_BARE_PASS: Final = re.compile(rb"[Pp][Aa][Ss][Ss](?![A-Za-z_])")
_PAIR: Final = re.compile(rb"""[^\s"'`\\\x1b]*""")
_LISTED: Final = re.compile(rb"[A-Za-z_ -]*")
_PLACE: Final = re.compile(rb"[A-Z_]+")
_REFERENCES: Final = re.compile(
    rb"(?:var|local|module|data|env|settings|config|cfg|self|os|process|args|opts|options|params|request"
    rb"|req|this|secrets|ctx|state|props|form|body|user|[a-z_]*password|[a-z]+_[a-z_]+)"
    rb"(?:\.[A-Za-z_][A-Za-z0-9_]*)+"
)
_LOOKED_UP: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*\[")
_CALL: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_.]*\([^()]*(?:\)|\Z)")
_TYPE: Final = re.compile(
    rb"(?:Optional|Union|List|Dict|Tuple|Annotated|Literal|list|dict|tuple|Callable|Final|type)\["
    rb"|[a-z_]{3,}\[(?:[0-9]{1,3}|[a-z_]+)\]"
)
_CONTINUED: Final = re.compile(rb"\r?\n[ \t]+([A-Za-z0-9._~+/=-]{8,4096})(?=\r?\n|\Z)")
_LOOKS_AHEAD: Final = re.compile(rb"""[ \t]*(?:[\r\n,;&)\]}"'`\\\x1b<]|\Z)""")
_PAGE: Final = (
    b"page", b"next", b"previous", b"prev", b"continuation", b"sync", b"start", b"cursor",
    b"eos", b"bos", b"pad", b"unk", b"mask", b"sep", b"cls", b"stop", b"resume",
)  # fmt: skip
_TOKENS: Final = (b"token", b"bearer", b"auth", b"pat")
_FOREIGN: Final = re.compile(rb"[\x80-\xff]*")
_ARN: Final = b":secretsmanager:"
_CHECKSUM: Final = re.compile(rb"""(?:\A|[\s"'{,.])(?:checksum|hash|digest)/\Z""")
_FIELD: Final = (b'name="', b"name='", b'name=\\"')
"""How a form's part says whose it is."""
_NAMES: Final = re.compile(rb"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
"""What an attribute called `key` names: a variable."""
_BEFORE_WITHIN: Final = 64
_BELOW: Final = (b"\n", b"\\n", b"-")
"""How what stands between a name and a value ends, if the value stands in a line below."""
_LISTED_BELOW: Final = linear.compiled(rb"(?:\r?\n[ \t]{1,24}-[ \t]+[A-Za-z0-9._~+/=-]{8,})*")
_DOUBTFUL: Final = (b"|", "│".encode(), FULL_COLON)
"""What parts a name from its value less often than two cells, or a sentence from another."""
_SECRET_ID: Final = re.compile(rb"(?i:-{0,2}_?secret[-_]?id)")
_ENDS_LINE: Final = re.compile(rb"[ \t]*(?:#|\r?\n|\\[rn]|\Z)")
_COLONS: Final = (b":", *_BELOW, *_DOUBTFUL)
_BEFORE_HARMLESS: Final = (b"/", b":")
_SECRET_SET: Final = re.compile(rb"secret set [A-Za-z0-9_]*\Z")
_TYPED: Final = re.compile(rb":[ \t]?(?:[&sob])")
_NAME_WITHIN: Final = 10
_OF_NAMES: Final = re.compile(rb"(?i:key|token|secret|passw|pwd|auth|cookie|credential|bearer|pat)")
_NAME_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_SHORTEST_OTHER: Final = 16
_HASH: Final = re.compile(rb"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|" + _UUID)
_STORAGE_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{116,120}={0,2}")
"""Azure's storage key, 64 bytes in base64, under `AZURE_STORAGE_KEY`, and that in base64 once more,
as Kubernetes writes it; no cache's key looks so."""
_HARMLESS_KEYS: Final = (
    b"sort", b"primary", b"foreign", b"public", b"partition", b"routing", b"cache", b"idempotency",
    b"websocket", b"surrogate", b"hash", b"object", b"row", b"group", b"unique", b"dedup",
    b"lookup",
    b"shard", b"range", b"storage", b"registry", b"translation", b"lock", b"redis", b"bucket",
    b"item", b"config", b"map", b"data", b"natural", b"hot", b"trigger", b"index", b"order", b"s3",
    b"message", b"event", b"record", b"document", b"file", b"image", b"job", b"task", b"issue",
    b"project", b"host", b"ssh", b"gpg", b"pub", b"candidate", b"compound", b"composite", b"issuer",
    b"subject", b"cursor", b"next", b"deduplication", b"memo", b"query", b"feature", b"resource",
    b"site", b"publishable", b"anon", b"trace", b"span", b"error", b"kafka", b"etcd", b"obj",
    b"view", b"context", b"state",
)  # fmt: skip
_ARTICLES: Final = frozenset((b"the", b"a", b"this", b"that", b"missing", b"no", b"new"))
_BEFORE_KEY: Final = (b"-", b"_", b" ")
_TAKES_PASSWORD: Final = re.compile(
    rb"\b(?:mysql|mysqldump|mysqladmin|mariadb|sshpass|sqlcmd|twine"
    rb"|(?:docker|podman|nerdctl|helm registry|oras|buildah|skopeo|crane auth) login)\b"
)
_TAKES_GLUED: Final = re.compile(rb"\b(?:mysql|mysqldump|mysqladmin|mariadb|sshpass)\b")
_TAKES_AUTH: Final = re.compile(rb"\bredis-cli\b|\bhttps?\b(?!:)")
_PUBLISHED: Final = re.compile(rb"[0-9.:/,-]*(?:/(?:tcp|udp))?|[a-z]{1,3}")
"""Ports, as of `docker run --name mysql -p3306:3306`, or more letters, as of `cp -pr`."""
_TAKES_BIND: Final = re.compile(rb"\bldap[a-z]+\b")
_TAKES: Final = {b"-p": _TAKES_PASSWORD, b"-a": _TAKES_AUTH, b"-w": _TAKES_BIND}
_CURL: Final = re.compile(rb"\bcurl\b")
_CLIENT: Final = re.compile(rb"\b(?:curl|wget|https?|xh)\b")
_HASHES: Final = (b"sha", b"md5", b"blake", b"crc")


def shown(secret: bytes) -> bytes:
    """Give the public prefix of a secret that has one: it stays before the mark."""
    prefix = _PREFIX.match(secret)
    if prefix and len(secret) - prefix.end() >= _SHOWN_PREFIX_NEEDS:
        return secret[: prefix.end()] + ELLIPSIS
    return b""


def done(secret: bytes) -> bool:
    """Tell whether this is a mark already."""
    return secret.endswith(b"]") and _DONE.fullmatch(secret) is not None


def _done_at(data: bytes, at: int) -> int:
    """Give where a mark ends that stands here, or 0."""
    if data.find(MARK[:-1], at, at + _MARK_WITHIN) < 0:
        return 0  # asked first, since it is a tenth of the price
    mark = _DONE.match(data, at)
    return mark.end() if mark else 0


def _strike(data: bytes, start: int, end: int) -> Struck | None:
    return None if start == end or done(data[start:end]) else Struck(start, end)


def _until(
    pattern: re.Pattern[bytes] | linear.Pattern, data: bytes, at: int, endpos: int | None = None
) -> int:
    match = pattern.match(data, at, len(data) if endpos is None else endpos)
    return match.end() if match else at


# What has a form of its own


def key(data: bytes, start: int, end: int) -> Struck | None:
    """Strike a key with a public prefix; of a pair such as Twilio's, both."""
    if _done_at(data, start):
        return None
    prefix = _PREFIX.match(data, start)
    rows = _ROWS[data[start : prefix.end()]] if prefix else []
    if prefix and rows and not data.startswith(ELLIPSIS, prefix.end()):
        return _well_known(data, start, prefix.end(), rows)
    at = prefix.end() if prefix else start
    if _PLACEHOLDER.match(data, at):
        return None
    dotted = prefix is not None and b"." in data[start:at]
    until = _until(_DOTTED_KEY if dotted else _UNDOTTED_KEY, data, end)
    if data[until : until + 1] == b"." and b"eyJ" in data[at : at + 32]:
        until = _until(_JWT, data, until)  # GitHub's stateless ones
    if prefix and until - at < _SHORTEST_PART:
        return None  # "a key begins with sk-ant-admin01-"
    return _strike(data, start, until)


def _well_known(data: bytes, start: int, at: int, rows: list[Shape]) -> Struck | None:
    reaches = [reach for row in rows if (reach := _whole(data, start, at, row))]
    # The catalogue may have a longer one: behind Twilio's `SK…`, a name, stands `:` and the secret.
    if (own := _OWN.match(data, start)) and not _PLACEHOLDER.match(data, at):
        reaches.append(own.end())
    # To the word's end: a key that would begin behind the mark is seen in a second pass alone.
    return _strike(data, start, _until(_UNDOTTED_KEY, data, max(reaches))) if reaches else None


def _whole(data: bytes, start: int, at: int, row: Shape) -> int:
    """Give where a well-known key ends, or 0 when it is none."""
    # In a picture's base64 any four letters stand somewhere behind a "/" or a "+". Asked first: the
    # end of such a run is far away.
    if not row.cut and start > 24 and _BASE64_BEFORE.fullmatch(data, start - 24, start):  # noqa: PLR2004
        return 0
    # Decided by what is near: most of these runs are words, and each would be walked to its end.
    near = data[at : _until(_BODY[row.body], data, at, at + _DECIDED_WITHIN)]
    if row.cut:
        head = near[:_CUT_WITHIN]
        if _PLACEHOLDER.match(head):
            return 0
        whole = row.body == ALNUM and len(near) >= row.least and _both_cases(head)
        if row.body in _MIXED and not (whole or _random(head) or _SMALL_RANDOM.match(head)):
            return 0
    elif len(near) < row.least or (row.body in _MIXED and not _random(near)):
        return 0
    if row.named and not any(map(_random_part, _HYPHENS.split(near))):
        return 0
    return _until(_BODY[row.body], data, at)


def _random_part(part: bytes) -> bool:
    """Tell what is random from a word, a number and a commit: `admin-Panel-2024`."""
    return len(part) >= _SHOWN_PREFIX_NEEDS and _random(part) and not _COMMIT.fullmatch(part)


def goes_on(data: bytes, kind: object, start: int, end: int) -> int:
    """Give where to search on behind what only began like a secret of a kind.

    Another's name or mark may stand inside: `CLOJARS_PASSWORD=`, where a key of Clojars begins.
    """
    named = kind is key and _OF_NAMES.search(data, start, end + _NAME_WITHIN)
    return start + 1 if named or kind is signed else end


def jwt(data: bytes, start: int, _end: int) -> Struck | None:
    """Strike a JSON web token, signed or encrypted, whole or cut."""
    return Struck(start, _until(_JWT, data, start))


def pem(data: bytes, _start: int, end: int) -> Struck | None:
    """Strike a private key's body; of one without an end, all that looks like its body."""
    if _done_at(data, end):
        return None
    footer = data.find(_PEM_ENDS, end, end + _PEM_WITHIN)
    if footer < 0 or _PEM_FOOTER.match(data, footer) is None:
        footer = _until(_MORE_PEM, data, end)
    return Struck(end, footer, unwrapped(data[end:footer]))


def encoded_pem(data: bytes, start: int, _end: int) -> Struck | None:
    """Strike a private key that is in base64 as a whole; a certificate stays."""
    run = data[start : start + 96].translate(None, b"\\\r\n")
    run = run[: _until(_BASE64_RUN, run, 0)].translate(_URL_SAFE).rstrip(b"=")
    head = binascii.a2b_base64(run[: len(run) - (len(run) % 4 == 1)] + b"==")
    if b"PRIVATE KEY" not in head:
        return None
    return _strike(data, start, _until(_BASE64_RUN, data, start))


def encoded_key(data: bytes, start: int, end: int) -> Struck | None:
    """Strike a key with a public prefix inside base64, such as that of `user:key`."""
    for shift in ENCODED[data[start:end]]:
        found = _encoded_key(data, start, shift)
        if found is not None:
            return found
    return None


def _encoded_key(data: bytes, start: int, shift: int) -> Struck | None:
    first = start - (-(-shift * 8 // 6))
    # What precedes the prefix in its group doesn't matter; at the text's edge there may be nothing.
    head = _decoded(data, start, shift, start + _ENCODED_HEAD)
    if KEY.match(head, shift) is None:
        return None
    decoded = _decoded(data, start, shift, start + _ENCODED_WITHIN)
    begins = KEY.match(decoded, shift)
    found = key(decoded, shift, begins.end()) if begins else None
    if found is None or found.end - shift < _SHORTEST_ENCODED:
        return None
    last = first + -(-found.end * 8 // 6)
    if found.end == len(decoded):
        last = max(last, _until(_BASE64_RUN, data, last))
    return Struck(start - (shift > 0), last, decoded[shift : found.end])


def _decoded(data: bytes, start: int, shift: int, until: int) -> bytes:
    # The character before holds the prefix's first bits.
    before = -(-shift * 8 // 6)
    run = (b"A" * before + data[max(0, start - (shift > 0)) : start])[-before or until :]
    run += data[start:until]
    code = run[: _until(_BASE64_RUN, run, 0)].rstrip(b"=").translate(_URL_SAFE)
    code = code[: len(code) - (len(code) % 4 == 1)]
    return binascii.a2b_base64(code + b"=" * (-len(code) % 4))


def signed(data: bytes, start: int, end: int) -> Struck | None:
    """Strike a key whose mark stands inside it or at its end."""
    window = data[max(0, start - _SIGNED_WITHIN) : start]
    for mark, before, after in _SIGNED:
        if not mark.fullmatch(data, start, end):
            continue
        begins, rest = before.search(window), after.match(data, end)
        if begins is not None and rest is not None:
            at = start - len(window) + begins.start()
            glued = data[max(0, at - 1) : at].isalnum() and not _ESCAPE_ENDS.search(
                data, at - 3, at
            )
            if not glued and not data[rest.end() : rest.end() + 1].isalnum():
                return _strike(data, at, rest.end())
    return None


def master_key(data: bytes, start: int, end: int) -> Struck | None:
    """Strike the 32 bytes of `id:base64`; a hash that is written so stays."""
    name = data[max(0, end - 33) : end - 1].lower()
    named = name[len(name.rstrip(b"abcdefghijklmnopqrstuvwxyz0123456789_-")) :]
    if named.startswith(_HASHES) or named == b"h1" or start == end:
        return None
    return Struck(end, end + 44)


def cookie(data: bytes, _start: int, end: int) -> Struck | None:
    """Strike the value of keysteward's own session cookie."""
    if _done_at(data, end):
        return None
    until = _until(_COOKIE, data, end)
    if data[end - 1 : end] != b"=" and until - end < _SHORTEST_COOKIE:
        return None  # "keysteward: a sentence", not `"keysteward": "…"`
    return _strike(data, end, until)


def glued_key(data: bytes, start: int, end: int) -> Struck | None:
    """Strike a key that is glued to a word, if it is no word itself."""
    prefix = _PREFIX.match(data, start)
    at = prefix.end() if prefix else start
    if prefix and at - start <= _SHORT_PREFIX and not _UPPER.search(data, at, at + _GLUED_WITHIN):
        return None  # task-0123456789abcdef…
    own = data.startswith(OWN_PREFIXES, start)
    return key(data, start, end) if own or _random(data[at : at + _GLUED_WITHIN]) else None


# What stands in a URL


def userinfo(data: bytes, _start: int, end: int) -> Struck | None:
    """Strike `user:password@`, and a lone user unless it is a plain word such as `git`."""
    until = _until(_USERINFO, data, end) - 1
    pair = data[end : min(until, end + _DECIDED_WITHIN)]
    user, _, password = pair.rpartition(b":")
    if _PLAIN_USER.fullmatch(pair) or (_blank(password) and not _keyish(user)):
        return None
    return _strike(data, end, until)


def query(data: bytes, start: int, end: int) -> Struck | None:
    """Strike a query parameter's value; that of `key` and `code`, common words, if it is keyish."""
    pattern: linear.Pattern | re.Pattern[bytes] = _QUERY_VALUE
    if data[end - 2 : end].upper() == b"3D":
        twice = data[end - 4 : end - 2] == b"25"
        pattern = _ESCAPED_QUERY_VALUE if twice else _ESCAPED_ONCE_VALUE
    elif data[start - 1 : start] == b";":
        pattern = _SEMICOLON_VALUE
    until = _until(pattern, data, end, end + _DECIDED_WITHIN)
    value = data[end:until]
    if len(value) == _DECIDED_WITHIN:
        return _strike(data, end, _until(pattern, data, end))
    if data[start:end].lower().startswith((b"key", b"code", b"session", b"sid")):
        return _strike(data, end, until) if _keyish(value) else None
    return None if not value or _blank(value) else _strike(data, end, until)


# What stands behind a name


def named(  # noqa: C901, PLR0911 - one a rendering
    data: bytes, start: int, end: int
) -> Struck | None:
    """Strike the value behind a name such as `authorization`, however it is written."""
    if data[start - 1 : start] in _BEFORE_HARMLESS and _is_of_a_path(data, start):
        return None
    if data[start + 1 : start + 6].lower() == b"token" and data[start : start + 1] not in b"_":
        start += 1  # of `slackToken` the name is the end
    name = data[start:end].lower().lstrip(b"_")
    between = name.rstrip(b" \t")
    if between.endswith(b">") and not between.endswith(b"=>"):
        return _element(data, start, end)
    end += 2 * data.startswith(_BLANK_IN_SHELL, end)
    opening = _OPENING.match(data, end)
    if _is_harmless(data, start, end, between, opening) or _is_secrets_name(data, start, end):
        return None
    if opening is not None and _closes(data, start, end, opening):
        return None  # "Set-Cookie:", a name in quotes with its colon
    listed = between.endswith(b",")
    if opening is not None:
        return _quoted(data, name, start, opening, listed=listed)
    if listed:
        return None
    colon = between.endswith(_COLONS)
    found = _bare(data, name, start, end, colon=colon)
    if found is not None and colon:
        if between.endswith(b"-"):
            return found._replace(end=_until(_LISTED_BELOW, data, found.end))
        more = _CONTINUED.match(data, found.end)
        if more is not None and _keyish(more[1]):
            return found._replace(end=more.end())  # a header that goes on in the next line
    return found


def _is_of_a_path(data: bytes, start: int) -> bool:
    """Tell that a name is a part of `checksum/secret` or of `arn:aws:secretsmanager:…:secret:`."""
    before = data[max(0, start - _BEFORE_WITHIN) : start].lower()
    # Not `ghp_…checksum/secret`: the key before it goes, and the word with it.
    is_checksum = before.endswith(b"/") and _CHECKSUM.search(before) is not None
    return is_checksum or (before.endswith(b":") and _ARN in before)


def _is_harmless(  # noqa: PLR0911 - one a rendering
    data: bytes, start: int, at: int, between: bytes, opening: re.Match[bytes] | None
) -> bool:
    """Tell that what stands between a name and this place makes it no name, or no value."""
    if between.startswith(b"x-") and between.partition(b"-key")[0].endswith(_HARMLESS_KEYS):
        return True
    if between.endswith(b":"):
        return False
    if between.endswith((*_DOUBTFUL, b"-")):
        until = _closing(data, opening) if opening else _bare_near(data, at)
        at = opening.end() if opening else at
        value = data[at : min(until, at + _DECIDED_WITHIN)]
        return not (_keyish(value) and _looks_random(value))
    if between.endswith(_BELOW):
        if b":" in between:  # else it is a block's name, or a trace: what has more behind it
            return opening is None and _ENDS_LINE.match(data, _bare_near(data, at)) is None
        before = data[max(0, start - _BEFORE_WITHIN) : start].rstrip(_NAME_LETTERS)
        return not before.endswith(_FIELD)
    if between.endswith(b"-b"):
        return _SECRET_SET.search(data[max(0, start - _BEFORE_WITHIN) : start]) is None
    # `password: str = default` is code.
    return between.endswith(b"=") and opening is None and _TYPED.search(between) is not None


def _is_secrets_name(data: bytes, start: int, at: int) -> bool:
    """Tell that a `secret_id` is what AWS and Google call a secret by; Vault's is a UUID."""
    if _SECRET_ID.match(data, start) is None:
        return False
    opening = _OPENING.match(data, at)
    until = _closing(data, opening) if opening else _bare_near(data, at)
    value = data[opening.end() if opening else at : until]
    return not _looks_random(value)


def option(data: bytes, start: int, end: int) -> Struck | None:
    """Strike the value of a command's option, `--api-key …`, unless it is a plain word."""
    if _is_secrets_name(data, start, end):
        return None
    opening = _OPENING.match(data, end)
    if opening is not None:
        return _strike_value(data, opening.end(), _closing(data, opening))
    until = _bare_end(data, end)
    value = data[end:until]
    if _PLACE.fullmatch(value) and data[max(0, start - 1) : start] == b"[":
        return None  # a usage line: [--token TOKEN]
    if _is_prose(data, value, until) or (value.startswith(b"-") and not _random(value[1:])):
        return None
    return _strike_value(data, end, until)


def setting(data: bytes, _start: int, end: int) -> Struck | None:
    """Strike what a shell's `set -x NAME …` or a server's `requirepass …` sets."""
    opening = _OPENING.match(data, end)
    if opening is not None:
        return _strike_value(data, opening.end(), _closing(data, opening))
    until = _bare_end(data, end)
    value = data[end:until]
    if value.startswith((b"-", b"=")) or _is_prose(data, value, until):
        return None
    return _strike_value(data, end, until)


def other_key(data: bytes, start: int, end: int) -> Struck | None:
    """Strike the value of some other `…_KEY`, unless that is known to be no secret: `sort_key`."""
    glued = data[start : start + 1] not in _BEFORE_KEY  # `stateKey`, `trace.key`
    before = data[max(0, start - 24) : start]
    word = before[len(before.rstrip(_NAME_LETTERS)) :]
    if not word or b"$" in before[-len(word) - 2 :]:
        return None
    opening = _OPENING.match(data, end)
    at = opening.end() if opening else end
    until = _closing(data, opening) if opening else _bare_near(data, end)
    value = data[at : min(until, at + _DECIDED_WITHIN)].replace(b"\\/", b"/")
    if len(value) < _SHORTEST_OTHER or not _keyish(value) or _NAMES.fullmatch(value):
        return None
    lower = word.lower()
    if _STORAGE_KEY.fullmatch(value) is None:
        if lower.endswith(_HARMLESS_KEYS) or lower in _ARTICLES:
            return None
        if glued and not lower.endswith(b"app") and not _has_random_part(value):
            return None
    secret = (word.isupper() and not glued) or lower.endswith(b"app")
    if not secret and (_HASH.fullmatch(value) or b" " in value or _is_path(value)):
        return None
    return _strike_value(data, at, until if opening else _bare_end(data, end))


def _looks_random(value: bytes) -> bool:
    """Tell a value that nobody made up: `tls-cert-2024` is somebody's word."""
    return (
        _UNIFORM.fullmatch(value) is not None
        or _SMALL_RANDOM.match(value) is not None
        or _has_random_part(value)
    )


def _has_random_part(value: bytes) -> bool:
    return any(map(_random_part, _HYPHENS.split(value)))


def _is_path(value: bytes) -> bool:
    """Tell a store's key, `user:17:profile`, from a secret with a colon in it."""
    return b":" in value and not any(map(_random_part, value.split(b":")))


def user_option(  # noqa: PLR0911 - one an option
    data: bytes, start: int, end: int
) -> Struck | None:
    """Strike what stands behind `curl -u`, `mysql -p` and the like; elsewhere a keyish pair."""
    glued = data[end - 1 : end].isalnum() or data[end - 1 : end] in {b".", b"_", b"-"}
    end -= glued  # curl -uuser:password
    line = data[max(data.rfind(b"\n", 0, start) + 1, start - _DECIDED_WITHIN) : start]
    opening = _OPENING.match(data, end)
    at = opening.end() if opening else end
    until = _closing(data, opening) if opening else _until(_PAIR, data, at)
    value = data[at : min(until, at + _DECIDED_WITHIN)]
    option = data[start + 1 : end].rstrip(b"= ,\"'")
    if option in _TAKES:
        takes = _TAKES_GLUED if glued else _TAKES[option]
        if not takes.search(line) or value.startswith(b"-") or _blank(value.rpartition(b":")[2]):
            return None
        if glued and _PUBLISHED.fullmatch(value):
            return None
        return _strike_value(data, at, until)
    if option == b"-b":
        named = b"=" in value and not _blank(value.rpartition(b"=")[2])
        return _strike_value(data, at, until) if named and _CURL.search(line) else None
    user, colon, password = value.partition(b":")
    if glued and not _CURL.search(line):
        return None
    if not colon or value.startswith(b"-") or _blank(password or user):
        return None
    client = _CLIENT.search(line) is not None
    if (client and password) or (_keyish(password or user) and len(value) >= _SHORTEST_OTHER):
        return _strike_value(data, at, until)
    return None


def sql(data: bytes, _start: int, end: int) -> Struck | None:
    """Strike the password of `CREATE USER`."""
    opening = _OPENING.match(data, end)
    return _strike_value(data, opening.end(), _closing(data, opening)) if opening else None


def login(data: bytes, _start: int, end: int) -> Struck | None:
    """Strike the password of a `.netrc`."""
    return _strike_value(data, end, _bare_end(data, end))


def scheme(data: bytes, start: int, end: int) -> Struck | None:
    """Strike what follows Bearer, Basic, Token or Digest, unless it is prose."""
    if _done_at(data, end):
        return None
    word = data[start:end].strip().lower()
    if word == b"digest":
        return _pairs(data, end) if _FIRST_PAIR.match(data, end) else None
    until = _until(_CREDENTIAL, data, end, end + _DECIDED_WITHIN)
    value = data[end:until]
    if until - end == _DECIDED_WITHIN:
        return _strike(data, end, _until(_CREDENTIAL, data, end))
    if _keyish(value) or (word == b"basic" and _user_and_password(value)):
        return _strike(data, end, until)
    return None


def _closes(data: bytes, start: int, end: int, opening: re.Match[bytes]) -> bool:
    """Tell whether a quotation mark closes what was opened before the name."""
    mark = opening[1]
    if opening[0] != mark or data[end - 1 : end] != b":" or mark in data[start:end]:
        return False
    return data[max(0, start - 40) : start].rstrip(_NAME_LETTERS).endswith(mark)


def _element(data: bytes, start: int, end: int) -> Struck | None:
    between = data[start:end].rstrip()
    before = data[max(0, start - _ELEMENT_WITHIN) : start]
    listed = between.endswith(b"<string>")
    entry = between.rstrip(b"> \t\r\n").endswith((b'"', b"'")) and not _ATTRIBUTES.search(between)
    if entry and not _ENTRY.search(before):
        return None
    if not (listed or entry) and not before.rstrip(_ELEMENT_LETTERS).endswith(b"<"):
        return None
    at = _until(_XML_BEFORE, data, end)
    until = _until(_XML, data, at)
    after = data[until : until + _ELEMENT_WITHIN].lstrip()
    if not after.startswith((b"</", b"]]>")) or (entry and not _keyish(data[at:until])):
        return None
    return _strike_value(data, at, until)


def _quoted(  # noqa: PLR0911 - one a rule
    data: bytes, name: bytes, start: int, opening: re.Match[bytes], *, listed: bool
) -> Struck | None:
    at, until = opening.end(), _closing(data, opening)
    value = data[at:until]
    if until - at < _DECIDED_WITHIN:
        if listed and _LISTED.fullmatch(value) and not _keyish(value):
            return None  # a list of names, not a name and its value
        if until - at < _SHORTEST_PART and not name.startswith(b"pa") and b"auth" not in name:
            return None  # accesskey="n"
        if name.startswith(b"credential") and not _keyish(value):
            return None
        if name.startswith(_TOKENS) and (_is_page(data, start) or not _keyish(value)):
            return None
    if name.startswith(b"api") and b"keys" in name[:9]:
        until = _rest_of_list(data, until, opening)
        return _strike_value(data, at, until) if _keyish(data[at:until]) else None
    if name.startswith(b"authorization"):
        until_all = _rest_of_list(data, until, opening)
        spared = _until(_SCHEME, data, at, until) - at
        if until_all == until and value[:spared].strip().lower() in _SCHEMES:
            at += spared
        return _strike_value(data, at, until_all)
    if b"cookie" in name[:12]:
        return _strike_value(data, at, _rest_of_list(data, until, opening))
    return _strike_value(data, at, until)


def _bare(  # noqa: C901, PLR0911, PLR0912 - one kind of name after the other
    data: bytes, name: bytes, start: int, end: int, *, colon: bool
) -> Struck | None:
    if name.startswith(b"authorization"):
        return _bare_authorization(data, end)
    if b"cookie" in name[:12]:
        until = _until(_LINE, data, end, end + _DECIDED_WITHIN)
        if b"=" in data[end:until] or until - end == _DECIDED_WITHIN or _keyish(data[end:until]):
            return _strike_value(data, end, _far(_LINE, data, end))
        return None
    if data[end : end + 1] == b"[":
        end += not _done_at(data, end)  # Go prints a header's values so
    until = _bare_end(data, end)
    value = data[end:until]
    if until - end < _DECIDED_WITHIN:
        if name.startswith((b"passw", b"passphrase", b"pwd", b"pass")):
            if _BARE_PASS.match(data, start) and not _keyish(value):
                return None  # "pass: 3, fail: 1"
            if data[end - 1 : end] in {b" ", b"\t"} and (
                _REFERENCES.fullmatch(value) or _CALL.match(value) or _TYPE.match(value)
            ):
                return None  # code
            if colon and _FOREIGN.fullmatch(value):
                return None  # a word: no letter of ours
            if _LOOKED_UP.fullmatch(value) and data[until : until + 1] in {b'"', b"'"}:
                return None  # settings["PASSWORD"]
            if value == data[start : start + len(value)]:
                return None  # password=password
            prose = colon and _WORDS.fullmatch(value) and not _LOOKS_AHEAD.match(data, until)
            if prose or (name.startswith(b"pwd") and value.startswith(b"/")):
                return None
        elif not _keyish(value) or (name.startswith(_TOKENS) and _is_page(data, start)):
            return None
    return _strike_value(data, end, until)


def _bare_authorization(  # noqa: PLR0911 - one a form
    data: bytes, at: int
) -> Struck | None:
    if data[at : at + 1] == b"[":
        at += not _done_at(data, at)
    window = at + _DECIDED_WITHIN
    value_at = _until(_SCHEME, data, at, window)
    word = data[at:value_at].strip(b" \t\\").lower()
    if word and _done_at(data, value_at):
        return None
    if word.startswith(_PAIR_SCHEMES):
        return _pairs(data, at)
    until = _bare_end(data, value_at)
    if data[value_at:until].endswith(b"="):
        return _pairs(data, value_at)  # Token token="…"
    if _CALL.match(data, at, until) or _TYPE.match(data, at, until):
        return None
    if data[at:until].lower() in _NO_CREDENTIALS:
        return None
    if word not in _SCHEMES and _PLAIN_WORDS.fullmatch(data, at, until):
        return None  # "Authorization: header missing"
    first = word or data[value_at:until]
    known = word in _SCHEMES
    if known or _keyish(data[value_at:until]) or _keyish(first) or until == window:
        return _strike_value(data, value_at if known else at, until)
    ends = _LOOKS_AHEAD.match(data, until)
    return _strike_value(data, at, until) if ends and data[at:until].strip() else None


def _pairs(data: bytes, at: int) -> Struck | None:
    return _strike_value(data, at, _far(_PAIRS, data, at))


def _far(
    pattern: re.Pattern[bytes] | linear.Pattern, data: bytes, at: int, near: int | None = None
) -> int:
    """Find a value's end. Of a placeholder that goes on and on it is not looked for: that stays."""
    near = _until(pattern, data, at, at + _DECIDED_WITHIN) if near is None else near
    value = data[at:near]
    if len(value) < _DECIDED_WITHIN or value.startswith(_FILLED_IN) or _MASKED in value:
        return near
    return _until(pattern, data, at)


def _bare_end(data: bytes, at: int) -> int:
    """Find a bare value's end, without a bracket that closes what was opened before it."""
    return _far(_BARE, data, at, _bare_near(data, at))


def _bare_near(data: bytes, at: int) -> int:
    """Find it within what decides."""
    done_to = _done_at(data, at)
    until = _until(_BARE, data, at, at + _DECIDED_WITHIN)
    if until - at == _DECIDED_WITHIN:
        return until
    if done_to and not data[done_to:until].strip(b")]}.:!?"):
        return done_to
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
    if mark in {b"%22", b"%2522", b"&quot;", b"&#34;", b"&#39;"}:
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


def _is_prose(data: bytes, value: bytes, until: int) -> bool:
    """Tell whether a value is a word, and more of a sentence follows it."""
    if _WORDS.fullmatch(value) is None or _keyish(value):
        return False
    return _LOOKS_AHEAD.match(data, until) is None


def _is_page(data: bytes, start: int) -> bool:
    """Tell whether a token is one of a list's pages or a model's words: `next_page_token`."""
    return data[max(0, start - 16) : start + 1].lower().rstrip(b"_t").endswith(_PAGE)


def _blank(value: bytes) -> bool:
    return _MASKED in value[:_DECIDED_WITHIN] or _BLANK.fullmatch(value) is not None


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


def _random(body: bytes) -> bool:
    """Tell random letters and digits from a name in which there happens to be a digit."""
    if len(body) >= _SHORTEST_OTHER and _HEXADECIMAL.fullmatch(body):
        return _DIGIT.search(body) is not None
    if not _both_cases(body):
        return False
    return _DIGIT.search(body) is not None or len(_HUMP.findall(body)) > 1


def _both_cases(body: bytes) -> bool:
    return _UPPER.search(body) is not None and _LOWER.search(body) is not None


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
    "setting": setting,
    "userinfo": userinfo,
    "key": key,
    "glued key": glued_key,
    "scheme": scheme,
    "jwt": jwt,
    "master key": master_key,
    "other key": other_key,
    "user option": user_option,
    "login": login,
    "sql": sql,
    "signed": signed,
    "encoded pem": encoded_pem,
    "encoded key": encoded_key,
}
