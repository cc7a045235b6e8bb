"""A provider's error, so written that nothing of the request or of the key comes back in it.

What survives is the provider's: its status, its form, its own short words (type, code, param, the
request's id), its sentences. Struck out of every text are the key, whole, in part or masked, what
the redactor knows as a secret, 16 bytes in a row that also stand in the request's body (in base64
or hexadecimal as well), its long numbers, and a short word that holds a whole value of it. What is
not in the form of the provider's API, or too large, is told by a sentence of ours in that form.
Nothing here reads or sends.
"""

import html
import re
import string
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import islice
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, unquote_plus

import orjson

from broker import echoes, wire
from broker.echoes import Said, Values
from broker.outbound import Headers
from broker.scrub import Scrubber
from providers import ErrorStyle, Provider
from redact import redact
from redact.process import names_a_secret
from vault.secret import overwrite

LARGEST_READ: Final = 65_536
"""Bytes of an error that are looked at: of a larger one, none is passed on."""
CODE: Final = "provider_error"
"""What stands as the code where the provider gave none that we could read."""

TYPE: Final = (b"content-type", b"application/json")
"""The header that tells of an error's body."""

_MARK: Final = "[redacted]"
_CUT: Final = "[cut]"
_LEFT_OUT: Final = "[left out: the request is too long to be compared with this]"
_MOST_TEXTS: Final = 300
_DEEPEST: Final = 16
_LONGEST_TEXT: Final = 2048
_MOST_TEXT: Final = 4096
"""Characters of all the texts of an error together."""
_MOST_NUMBERS: Final = 64
_SHORTEST_VECTOR: Final = 4
"""Numbers in a row that may be what was asked: tokens, or a vector."""
_LONGEST_NUMBER: Final = 15
_MOST_LAYERS: Final = 3
"""So often may a text be escaped: JSON in a JSON string in a JSON string."""
_SHORTEST_KEY_PART: Final = 4
_LONGEST_KEY_PART: Final = 64

_WORD: Final = re.compile(r"[A-Za-z0-9_.:/@#?=&\[\]-]{1,128}")
"""A type, a code, the name of a parameter, an address of the documentation: no prose."""
_NAME: Final = re.compile(r"@?[A-Za-z_]{1,32}")
# Members that hold such words, as each provider documents its errors. Their words stay though they
# may stand in a sentence of the request: by them SDKs choose what they raise.
_COMMON: Final = frozenset({"code", "param", "reason", "request_id", "status", "type"})
_OWN_WORDS: Final = {
    # cloud.google.com/apis/design/errors: ErrorInfo, BadRequest, QuotaFailure.
    ErrorStyle.GOOGLE: _COMMON | {"@type", "domain", "field", "quotaId", "quotaMetric", "service"},
    # docs.stripe.com/api/errors
    ErrorStyle.STRIPE: _COMMON | {"decline_code", "doc_url", "request_log_url"},
    # twilio.com/docs/usage/twilios-response
    ErrorStyle.TWILIO: _COMMON | {"more_info"},
    # resend.com/docs/api-reference/errors
    ErrorStyle.RESEND: _COMMON | {"name"},
    # docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
    ErrorStyle.GITHUB: _COMMON | {"documentation_url", "field", "resource"},
    # openrouter.ai/docs/api/reference/errors-and-debugging
    ErrorStyle.OPENROUTER: _COMMON | {"error_type", "provider_name"},
}

_MASK: Final = re.compile(r"\*{3,}|[•●]{3,}|…|\.{3,}")
_ENDING: Final = re.compile(r"\bend(?:s|ing) (?:in|with):?\W{0,3}([A-Za-z0-9_-]{4,16})\b")
_KEY_CHARACTERS: Final = string.ascii_letters + string.digits + "_-"

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")
# What HTTP itself says there is never the request's.
_PLAIN_HEADERS: Final = frozenset({b"cache-control", b"date"})
_OF_THE_BODY: Final = (b"content-", b"accept-ranges", b"etag", b"last-modified")


class _Text(NamedTuple):
    """A text of an error."""

    text: str
    is_word: bool = False
    """It is one of the provider's own words, by its place and form."""
    is_secret: bool = False
    """It stands under a name that only secrets have."""


class _Sought(NamedTuple):
    """What is struck out of an error's texts."""

    values: Values
    found: frozenset[bytes]
    """Runs that stand in these texts, and in the request or the key."""
    of_the_key: frozenset[bytes]
    forms: tuple[bytes, ...]
    """The key, in each of its forms."""


def rewritten(
    status: int, body: bytes | None, provider: Provider, said: Said, scrubber: Scrubber
) -> bytes:
    """Give the JSON body that is passed on in an error's place.

    `body` is the error as it came, or its beginning where it is larger than `LARGEST_READ`; None
    where it was broken off, or is coded so that it can't be read.
    """
    document = _read(body, provider.error_style)
    words = _OWN_WORDS.get(provider.error_style, _COMMON)
    texts = list(islice(_texts(document, words), _MOST_TEXTS + 1))
    numbers = list(islice(_numbers(document), _MOST_NUMBERS + 1))
    if not texts or len(texts) > _MOST_TEXTS or len(numbers) > _MOST_NUMBERS:
        return wire.summary(status, CODE, _sentence(status), provider)
    values = said.values()
    clean = _cleaned(_as_far_as_shown(texts), values, scrubber)
    return orjson.dumps(_with(document, iter(clean), values))


def headers_of(status: int, headers: Headers, said: Said, scrubber: Scrubber) -> Headers:
    """Give the headers of an error, or of a redirect, without what they repeat of the request.

    Of an error those that tell of its body are left out: another one comes.
    """
    if status >= HTTPStatus.BAD_REQUEST:
        headers = [pair for pair in headers if not pair[0].startswith(_OF_THE_BODY)]
    texts = [_of_header(name, value.decode("latin-1")) for name, value in headers]
    clean = _cleaned(texts, said.values(), scrubber)
    return [
        # A line end would begin a header, and one may have been made by taking escapes away.
        (name, value if text.text == new else _CONTROLS.sub(" ", new).encode("latin-1", "replace"))
        for (name, value), text, new in zip(headers, texts, clean, strict=True)
    ]


def _sentence(status: int) -> str:
    try:
        phrase = f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        phrase = str(status)
    return (
        f"The provider answered {phrase}, and not in the form of its API's errors. What it said is "
        "left out: it might repeat the request."
    )


def _read(body: bytes | None, style: ErrorStyle) -> Any:
    """Give the JSON document that an error is, if it has its provider's form; or None."""
    if body is None or len(body) > LARGEST_READ:
        return None
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if _is_in_form(document, style) else None


def _is_in_form(document: Any, style: ErrorStyle) -> bool:
    """Tell whether the provider's SDK can read that.

    Those of Google and Stripe break, or raise no class of their own, where `error` is no object.
    Google's stands in a list where an answer would have been one; Stripe's OAuth has a text there.
    """
    match style, document:
        case ErrorStyle.GOOGLE, {"error": {}} | [{"error": {}}]:
            return True
        case ErrorStyle.STRIPE, {"error": {} | str()}:
            return True
        case ((ErrorStyle.GOOGLE | ErrorStyle.STRIPE), _):
            return False
        case _:
            return isinstance(document, dict)


def _texts(value: Any, words: frozenset[str], name: str = "", depth: int = 0) -> Iterator[_Text]:
    """Give all the texts of a document, the members' names among them, in order."""
    if isinstance(value, str):
        is_word = name in words and _WORD.fullmatch(value) is not None
        yield _Text(value, is_word, names_a_secret(name))
    elif isinstance(value, dict) and depth < _DEEPEST:
        for key, member in value.items():
            yield _Text(key, _NAME.fullmatch(key) is not None)
            yield from _texts(member, words, key, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for item in value:
            yield from _texts(item, words, name, depth + 1)


def _numbers(value: Any, depth: int = 0) -> Iterator[float]:
    """Give the numbers of a document."""
    if isinstance(value, dict | list) and depth < _DEEPEST:
        for member in value.values() if isinstance(value, dict) else value:
            yield from _numbers(member, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _with(value: Any, texts: Iterator[str], values: Values, depth: int = 0) -> Any:
    """Give the document with other texts in its places, in the order of `_texts`."""
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, dict | list) and depth >= _DEEPEST:
        return None
    if isinstance(value, dict):
        return {next(texts): _with(member, texts, values, depth + 1) for member in value.values()}
    if isinstance(value, list):
        vector = len(value) >= _SHORTEST_VECTOR and all(isinstance(e, int | float) for e in value)
        return None if vector else [_with(item, texts, values, depth + 1) for item in value]
    if isinstance(value, int | float):
        # A card's, an account's.
        digits = orjson.dumps(value)
        is_kept = len(digits) <= _LONGEST_NUMBER and digits.lstrip(b"-") not in values.whole
        return value if is_kept else None
    return value


def _of_header(name: bytes, value: str) -> _Text:
    is_number = name.endswith(b"-id") or name == b"cf-ray" or b"ratelimit" in name
    is_word = is_number and _WORD.fullmatch(value) is not None
    return _Text(value, is_word or name in _PLAIN_HEADERS)


def _as_far_as_shown(texts: list[_Text]) -> list[_Text]:
    """Give the texts, long ones cut at a blank: an honest error is short."""
    left = _MOST_TEXT
    shown = []
    for each in texts:
        most = min(left, _LONGEST_TEXT)
        cut = each
        if not each.is_word and len(each.text) > most:
            cut = each._replace(text=each.text[:most].rpartition(" ")[0] + _CUT)
        left = max(0, left - len(cut.text))
        shown.append(cut)
    return shown


def _cleaned(texts: list[_Text], values: Values, scrubber: Scrubber) -> list[str]:
    """Give the texts without what is the request's, the key's, or a secret of anybody's."""
    views = [_views(scrubber.strike(text.text.encode()).decode(errors="replace")) for text in texts]
    read = [plain for layers in views for _, _, plain in echoes.decoded(layers[0])]
    everything = b"\0".join((*(view for layers in views for view in layers), *read))
    of_the_key = _shared_with_the_key(everything, scrubber)
    sought = _Sought(
        values, echoes.shared(everything, values.texts) | of_the_key, of_the_key, scrubber.forms
    )
    return [
        _clean(text, layers, sought)
        if text.is_word or not values.is_partial or len(text.text) < echoes.SPAN
        else _LEFT_OUT
        for text, layers in zip(texts, views, strict=True)
    ]


def _clean(text: _Text, layers: list[bytes], sought: _Sought) -> str:
    if text.is_secret or (text.is_word and sought.values.stand_in(layers[0], sought.found)):
        return _MARK
    readable = _without_encoded(layers[0], sought)
    if readable != layers[0]:
        layers = _views(readable.decode())
    found = sought.of_the_key if text.is_word else sought.found
    plain = _without_runs(layers, found, sought.values.spared)
    plain = sought.values.without_numbers(plain.encode(), _MARK.encode()).decode()
    return redact(_without_masked_keys(plain, sought.forms))


def _without_encoded(text: bytes, sought: _Sought) -> bytes:
    """Give a text without base64 or hexadecimal of what is sought."""
    if not sought.found:
        return text
    places = [
        (start, end)
        for start, end, plain in echoes.decoded(text)
        if echoes.without(echoes.runs(plain, sought.found), plain, sought.values.spared)
    ]
    return _marked(text, places)


def _views(text: str) -> list[bytes]:
    """Give a text as it is, and as it reads without each layer of escapes that it may bear.

    A plus is a blank in forms, and a plus anywhere else: where there is one, both are read.
    """
    layers = [text.encode()]
    for unquoted in (unquote_plus, unquote) if "+" in text else (unquote,):
        last = text
        for _ in range(_MOST_LAYERS):
            plain = html.unescape(unquoted(echoes.unescaped(last)))
            if plain == last:
                break
            layers.append(plain.encode(errors="replace"))
            last = plain
    return layers


def _shared_with_the_key(texts: bytes, scrubber: Scrubber) -> frozenset[bytes]:
    # A join of several: of one alone it would be that itself, which is the scrubber's.
    forms = b"\0".join((b"", *scrubber.forms))
    try:
        return echoes.shared(texts, forms)
    finally:
        overwrite(forms)


def _without_runs(layers: list[bytes], found: frozenset[bytes], spared: tuple[bytes, ...]) -> str:
    """Give that view of a text which leaves the least of it, without the runs that were found."""
    chosen = layers[0]
    places: list[tuple[int, int]] = []
    least = 0
    for view in layers if found else ():
        there = echoes.without(echoes.runs(view, found), view, spared)
        left = len(view) - sum(end - start for start, end in there)
        if there and (left < least or not places):
            chosen, places, least = view, there, left
    return _marked(chosen, places).decode(errors="replace")


def _marked(text: bytes, places: Iterable[tuple[int, int]]) -> bytes:
    """Give a text with a mark in each of these places; of those that overlap, in the first."""
    pieces: list[bytes] = []
    at = 0
    for start, end in sorted(places):
        if start >= at:
            pieces += (text[at:start], _MARK.encode())
            at = end
    return b"".join((*pieces, text[at:]))


def _without_masked_keys(text: str, forms: tuple[bytes, ...]) -> str:
    """Give the text without keys of which a part was masked: `sk-…abcd`, `****abcd`.

    Stars and bullets stand in no prose. Dots do: what is around them must be the key's ends.
    """
    pieces: list[str] = []
    at = 0
    for mask in _MASK.finditer(text):
        before = text[max(at, mask.start() - _LONGEST_KEY_PART) : mask.start()]
        after = text[mask.end() : mask.end() + _LONGEST_KEY_PART]
        head = before[len(before.rstrip(_KEY_CHARACTERS)) :]
        tail = after[: len(after) - len(after.lstrip(_KEY_CHARACTERS))]
        if mask[0][0] not in ".…" or _are_ends(head.encode(), tail.encode(), forms):
            pieces += (text[at : mask.start() - len(head)], _MARK)
            at = mask.end() + len(tail)
    text = "".join((*pieces, text[at:]))
    return _ENDING.sub(
        lambda words: (
            words[0][: words.start(1) - words.start()] + _MARK
            if _are_ends(b"", words[1].encode(), forms)
            else words[0]
        ),
        text,
    )


def _are_ends(head: bytes, tail: bytes, forms: tuple[bytes, ...]) -> bool:
    return len(head) + len(tail) >= _SHORTEST_KEY_PART and any(
        form.startswith(head) and form.endswith(tail) for form in forms
    )
