"""What a tool asks for, checked before anything else happens: where it goes, with what token."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from accounts import tokens
from accounts.errors import TokenUnknown
from accounts.tokens import TokenKind
from broker import echoes, escapes
from broker.errors import CredentialInUrl, RequestRefused, ToolTokenRequired
from providers import CATALOGUE, Provider, Slot
from redact import redact

Headers = list[tuple[bytes, bytes]]

CHOICE: Final = b"keysteward-key"
"""Request header that names the key to use, by reference or label; without it, the default."""
SAVE_AS: Final = b"keysteward-save-as"
"""Request header: keep the answer as a file of this name."""

# What is passed on. CONNECT would make a tunnel of the connection to the provider, and TRACE answer
# with the request, key and all.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LONGEST_TARGET: Final = 8192
# RFC 3986: what may stand in a path as it is; `@` is left out, since a path that begins with it
# turns into an authority wherever somebody joins URLs by hand. It can be sent as %40.
_PATH: Final = re.compile(rb"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*)+")
_QUERY: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]|{}-]|%[0-9A-Fa-f]{2})*")
_ENCODED_SEPARATOR: Final = re.compile(rb"%(?:2f|5c|00|0a|0d)", re.IGNORECASE)
# Some servers drop what follows a `;` before they follow dots.
_DOT_SEGMENT: Final = re.compile(rb"/(?:\.|%2e){1,2}(?:/|;|%3b|\Z)", re.IGNORECASE)
# Letters and digits alone, in lower case: `openai_api_key`, `accessToken`, `X-Amz-Signature`. Words
# before `token` are named, since a page of a list goes by one as well (`page_token`).
_CREDENTIAL_NAME: Final = re.compile(
    rb"key|token|auth|authorization|bearer|jwt|sig|pass|passwd|password|passphrase|pwd"
    rb"|(?:client|app|api|consumer)?secret|(?:xamz|xgoog)?(?:credentials?|signature)"
    rb"|[a-z0-9]*apikey|[a-z0-9]{0,16}(?:access|auth|private|secret|subscription)key"
    rb"|[a-z0-9]{0,16}(?:access|api|auth|bearer|oauth|refresh|security|session)token|x?idtoken"
)
"""Names of query parameters that hold a credential wherever they are used: none of the catalogue's
providers has another use for them, but where its row says so (`harmless_queries`). What the
redactor strikes out of a logged URL by its name is held to be the same by a test."""
_NOT_IN_NAMES: Final = bytes(
    code for code in range(256) if not (chr(code).isascii() and chr(code).isalnum())
)
_SHAPE_OF_OURS: Final = r"ks[tuo]_[0-9A-Za-z]{8}"
_TOKEN: Final = re.compile(rb"(?<![A-Za-z0-9])" + _SHAPE_OF_OURS.encode())
# Not inside a longer word: `task-…` holds no key that begins with `sk-`.
_CREDENTIAL: Final = re.compile(
    _SHAPE_OF_OURS
    + r"|(?<![A-Za-z0-9])(?:"
    + "|".join(shape for row in CATALOGUE.values() for shape in row.shapes)
    + ")"
)
# What stands between parameters; within a path, before those of a segment (RFC 3986, section 3.3),
# and before what was to be a query. In a query a question mark is another URL's, an honest one.
_BETWEEN: Final = re.compile(rb"[&;]")
_BETWEEN_IN_PATH: Final = re.compile(rb"[&;?]")
# Of what was decoded, nearly all is noise: an id, or a path, read as if it were base64.
_READABLE: Final = re.compile(rb"[!-~]{12,}")
_OURS: Final = frozenset({CHOICE, SAVE_AS})
_MOST_DIGITS: Final = 18
# No controls, and no marks that turn a text's direction about: `fdp.exe` would end in `exe.pdf`.
_FILE_NAME: Final = re.compile(
    r"[^\x00-\x1f\x7f-\x9f/\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]{1,200}"
)
_READS: Final = frozenset({"GET", "HEAD"})
_CONDITIONS: Final = frozenset({b"range", b"if-none-match", b"if-modified-since"})
_REQUEST_PASSES: Final = frozenset(
    {
        b"accept",
        b"accept-language",
        b"content-type",
        b"content-language",
        b"content-disposition",
        b"idempotency-key",
        b"user-agent",
        b"range",
        b"if-match",
        b"if-none-match",
        b"if-modified-since",
        b"traceparent",
        b"tracestate",
        b"x-request-id",
        b"x-title",
        b"http-referer",
    }
)


@dataclass(frozen=True, slots=True, repr=False)
class Ask:
    """A tool's request, checked: what goes to the provider, less the credential."""

    provider: Provider
    method: bytes
    target: bytes
    """Path and query, as they came."""
    headers: Headers
    content_length: int | None
    has_body: bool
    token_digest: bytes
    choice: str | None
    save_as: str | None = None
    """The name under which the answer is to be kept."""
    opens_socket: bool = False
    """It is a websocket's handshake."""
    subprotocols: tuple[str, ...] = ()
    """Those that it offers the provider."""


def check(
    provider: Provider,
    method: str,
    path: bytes,
    query: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    opens_socket: bool = False,
) -> Ask:
    """Check a request as it came off the wire; `path` is raw, from after the provider's name.

    Raises `RequestRefused`, `CredentialInUrl`, `ToolTokenRequired`.
    """
    if method not in _METHODS:
        raise RequestRefused(f"Only these methods are passed on: {', '.join(sorted(_METHODS))}.")
    _check_target(provider, path, query)
    passed: Headers = []
    token: bytes | None = None
    ours: dict[bytes, str] = {}
    length: int | None = None
    chunked = False
    for name, value in headers:
        if name in _REQUEST_PASSES or name.startswith(provider.headers):
            passed.append((name, value))
        elif name == b"content-length":
            length = _length(value)
        elif name == b"transfer-encoding":
            chunked = True
        elif name in _OURS:
            ours[name] = value.decode("utf-8", "replace").strip()
        elif name == b"upgrade" and value.lower() == b"websocket" and not opens_socket:
            raise RequestRefused("A websocket is asked for with `Connection: Upgrade` as well.")
        for slot in provider.slots:
            if name == slot.header and token is None:
                token = slot.read(value)
    passed = _plain(method, passed)
    digest = _digest(provider, token)
    target = path + b"?" + query if query else path
    has_body = chunked or bool(length)
    verb = method.encode("ascii")
    return Ask(
        provider,
        verb,
        target,
        passed,
        length,
        has_body,
        digest,
        ours.get(CHOICE),
        _file_name(ours.get(SAVE_AS), opens_socket=opens_socket),
        opens_socket=opens_socket,
    )


def _file_name(name: str | None, *, opens_socket: bool) -> str | None:
    """Check a file's name; what looks like a secret is struck out of it."""
    if name is None:
        return None
    if opens_socket:
        raise RequestRefused("What is said over a websocket is not kept: leave keysteward-save-as.")
    if not _FILE_NAME.fullmatch(name) or not name.strip(".") or "\ufffd" in name:
        raise RequestRefused(
            "keysteward-save-as names a file: UTF-8, at most 200 characters, no slashes."
        )
    plain: str = redact(name)
    return plain


def _plain(method: str, passed: Headers) -> Headers:
    """Refuse what two readers may take in two ways, and what no provider is to see.

    Leave out what may withhold a paid answer.
    """
    if _TOKEN.search(b"\0".join([value for _, value in passed])):
        raise RequestRefused(
            "A tool token stands in a header that is passed on to the provider. Send it where the "
            "provider's key would stand, and nowhere else."
        )
    if sum(name == b"content-type" for name, _ in passed) > 1:
        raise RequestRefused("The request has two Content-Types. Send one.")
    if method in _READS:
        return passed
    return [(name, value) for name, value in passed if name not in _CONDITIONS]


def _digest(provider: Provider, token: bytes | None) -> bytes:
    if not token:
        wanted = " or ".join(map(_spelled, provider.slots))
        raise ToolTokenRequired(
            f"Send a tool token where {provider.name}'s key would stand: {wanted}."
        )
    try:
        return tokens.digest_of(token.decode("latin-1"), TokenKind.TOOL)
    except TokenUnknown as refusal:
        raise ToolTokenRequired(str(refusal)) from None


def _length(value: bytes) -> int:
    if not value.isdigit() or len(value) > _MOST_DIGITS:
        raise RequestRefused("The request's Content-Length is not a number.")
    return int(value)


def _check_target(provider: Provider, path: bytes, query: bytes) -> None:
    if len(path) + len(query) > _LONGEST_TARGET:
        raise RequestRefused(f"The URL is longer than {_LONGEST_TARGET} bytes.")
    harmless = provider.harmless_queries
    if names_a_credential(query, harmless) or names_a_credential_in_path(path, harmless):
        raise CredentialInUrl
    if carries_a_key(path) or carries_a_key(query):
        raise CredentialInUrl
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        raise RequestRefused(
            "The path must be the provider's own, beginning with one /, without @ or other "
            "characters that a URL must encode."
        )
    if b"//" in path or _ENCODED_SEPARATOR.search(path):
        raise RequestRefused("The path must hold no empty segment and no encoded slash or control.")
    if _DOT_SEGMENT.search(path):
        raise RequestRefused("The path must hold no . or .. segment.")


def names_a_credential(query: bytes, harmless: tuple[bytes, ...] = ()) -> bool:
    """Tell whether a parameter's name says that it is a credential, of those not taken out."""
    return bool(query) and _is_named(_BETWEEN.split(query), harmless)


def names_a_credential_in_path(path: bytes, harmless: tuple[bytes, ...] = ()) -> bool:
    """Tell whether a segment of a path names one: `…;token=x`, `…&token=x`, `…%3Ftoken=x`."""
    if b"=" not in path and b"%" not in path:
        return False
    *_, plain = escapes.layers(path)
    _, *pairs = _BETWEEN_IN_PATH.split(plain)
    return _is_named((pair for pair in pairs if b"=" in pair), harmless)


def _is_named(pairs: Iterable[bytes], harmless: tuple[bytes, ...]) -> bool:
    names = (_bare(unquote_to_bytes(pair.partition(b"=")[0])) for pair in pairs)
    return any(
        _CREDENTIAL_NAME.fullmatch(name) and name not in map(_bare, harmless) for name in names
    )


def _bare(name: bytes) -> bytes:
    return name.lower().translate(None, _NOT_IN_NAMES)


def carries_a_key(part: bytes) -> bool:
    """Tell whether one of our tokens, or what has the form of a provider's key, stands in there.

    It may be percent-encoded, also more than once, and in base64 or in hexadecimal.
    """
    plain = part
    for plain in escapes.layers(part):
        if _bears_a_mark(plain):
            return True
    if len(plain) < echoes.SHORTEST_ENCODED:
        return False
    decoded = b"\0".join([read for _, _, read in echoes.decoded(plain)])
    return any(map(_bears_a_mark, _READABLE.findall(decoded)))


def _bears_a_mark(text: bytes) -> bool:
    return _CREDENTIAL.search(text.decode("latin-1")) is not None


def _spelled(slot: Slot) -> str:
    name, scheme = slot.header.decode(), slot.scheme.decode()
    if slot.is_basic:
        return f"{name}: {scheme} with kst_… as the user or the password"
    return f"{name}: {scheme} kst_…" if scheme else f"{name}: kst_…"
