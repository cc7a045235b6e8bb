"""Strikes the key in use, and its account's other keys, out of an answer that sends them back.

We hold the key in use, so we look for its exact bytes: raw, and in the forms in which echoes render
it. The others are not opened; `broker.other_keys` finds them by their endings. Whatever is no key
passes byte for byte, and at once but for a chunk's tail: what could be the beginning of the key in
use, or a run of such characters as keys are made of, is held until the next chunk tells. An event
of a stream ends in a line end, and nothing of it is ever held.
"""

import binascii
import html
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from broker.escapes import Partly
from broker.other_keys import NO_OTHERS, OtherKeys
from broker.outbound import Headers
from redact.forms import UNESCAPED
from vault import traces
from vault.secret import Secret, overwrite
from vault.vault import SHORTEST_KEY

# Signs of escapes. A byte is looked for ten times as fast as a text.
_PERCENT: Final = ord("%")
_BACKSLASH: Final = ord("\\")
_AMPERSAND: Final = ord("&")
# What stands in each form of a kind. JSON is full of backslashes: most of them are none of these.
_CODE: Final = b"%"
_UNICODE: Final = b"\\u00"
_ENTITY: Final = b"&"
# No header has longer ones in its name; keys are made of little else.
_NO_WORD: Final = re.compile(rb"[a-z0-9]{21}")
_PLUS: Final = ord("+")
_SLASH: Final = ord("/")
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Scrubber:
    """Looks for secrets in one answer. Striking keeps the length, so Content-Length holds."""

    def __init__(self, secret: Secret, others: OtherKeys = NO_OTHERS) -> None:
        plaintext = secret.reveal()
        secrets = tuple(traces.parts(plaintext, SHORTEST_KEY))
        # In their order: the whole before a part of it, so that it is struck, and counted, as one.
        self._needles = _distinct(form for part in secrets for form in _forms(part))
        self._escaped = _by_sign(pair for part in secrets for pair in _escaped(part))
        self._is_odd = _ENTITY in self._escaped
        # Of a pair the part is looked for by itself as well; only the whole is spelled anyhow.
        self._partly = Partly.of(secrets[0])
        self._run = run = b"" if self._partly is None else self._partly.run
        self._spelled = tuple([needle for needle in self._needles if run in needle])
        """Those that stand nowhere where `_run` does not."""
        self._coded = tuple([needle for needle in self._needles if run not in needle])
        self._longest = max(map(len, self._all()))
        # Nothing of what is put in may read as a part of the key again; no key holds a blank.
        self._mark = b" " if b"*" in plaintext else others.mark
        self._others = others
        self._held = b""
        self.struck = 0
        """How often a key was found."""

    def wipe(self) -> None:
        """Overwrite the key in each form, once the answer is over: nothing is found any more."""
        for needle in self._all():
            overwrite(needle)
        if self._partly is not None:
            self._partly.wipe()
        self._needles, self._escaped, self._partly = (), {}, None
        self._run, self._spelled, self._coded = b"", (), ()
        self._others = NO_OTHERS

    @property
    def forms(self) -> tuple[bytes, ...]:
        """Give the key in use in each of its common forms.

        They are its own: `wipe` overwrites them.
        """
        return self._needles

    def finds(self, data: bytes) -> bool:
        """Tell whether a key stands in there."""
        struck = self.struck
        is_there = self.strike(data) is not data
        self.struck = struck
        return is_there

    def strike(self, data: bytes) -> bytes:
        """Give a whole piece (a header's value, a message) with keys struck out; else itself.

        The others are looked for before the key in use is struck, which may be a part of one.
        """
        places = self._others.places(data) if self._others else []
        if self._run in data:
            data = self._without_spelled(data)
        for needle in self._coded:
            if needle in data:
                data = self._without(needle, data)
        if _PERCENT in data or _BACKSLASH in data or (self._is_odd and _AMPERSAND in data):
            for sign, needles in self._escaped.items():
                if sign[0] in data and sign in data:
                    for needle in needles:
                        if needle in data:
                            data = self._without(needle, data)
        return self._struck_at(places, data) if places else data

    def without_beginning(self, data: bytes) -> bytes:
        """Give a text that was cut off less what may be the beginning of a key at its end."""
        return data[: len(data) - self._unfinished(data)]

    def strike_headers(self, headers: Headers) -> Headers:
        """Give headers with keys struck out of their values, less those whose name is no word.

        A name can't be struck, and is in lower case: a key in it would not be found for sure.
        """
        names = b"-".join([name for name, _ in headers])
        values = b"\0".join([value for _, value in headers])
        if _NO_WORD.search(names) or self.finds(names + b"\0" + values):
            return [
                (name, self.strike(value))
                for name, value in headers
                if not (_NO_WORD.search(name) or self.finds(name))
            ]
        return headers

    def _without_spelled(self, data: bytes) -> bytes:
        # As above: of a pair, the part is as it was while some of the whole is escaped.
        if self._partly is not None and (places := self._partly.places(data)):
            data = self._struck_at(places, data)
        for needle in self._spelled:
            if needle in data:
                data = self._without(needle, data)
        return data

    def _without(self, needle: bytes, data: bytes) -> bytes:
        self.struck += data.count(needle)
        return data.replace(needle, self._mark * len(needle))

    def _all(self) -> Iterator[bytes]:
        yield from self._needles
        for needles in self._escaped.values():
            yield from needles

    def _struck_at(self, places: Iterable[tuple[int, int]], data: bytes) -> bytes:
        struck = bytearray(data)
        for start, end in places:
            if struck[start:end].strip(self._mark):
                self.struck += 1
                struck[start:end] = self._mark * (end - start)
        return bytes(struck)

    def feed(self, chunk: bytes) -> bytes:
        """Give what can be passed on of a stream's next chunk; it may be empty."""
        data = self.strike(self._held + chunk if self._held else chunk)
        if data[-1:] <= b" ":  # no key goes on behind a blank or a line end
            self._held = b""
            return data
        keep = max(self._unfinished(data), self._others.unfinished(data))
        self._held = data[len(data) - keep :] if keep else b""
        return data[: len(data) - keep] if keep else data

    def flush(self) -> bytes:
        """Give what was held at the stream's end: it was not the key after all."""
        rest, self._held = self._held, b""
        return rest

    def _unfinished(self, data: bytes) -> int:
        """Give the length of the longest end of `data` that begins the key in use, in any form."""
        tail = data[1 - self._longest :]
        longest = 0 if self._partly is None else self._partly.unfinished(data)
        for needle in self._all():
            # One that begins earlier would stand there whole.
            at = tail.find(needle[:1], max(0, len(tail) - len(needle) + 1))
            while at >= 0 and len(tail) - at > longest:
                if needle.startswith(tail[at:]):
                    longest = len(tail) - at
                at = tail.find(needle[:1], at + 1)
        return longest


def _forms(secret: bytes) -> Iterator[bytes]:
    """Give the secret's bytes in every form in which an echo may hold them.

    None is made of a `str`, which could not be wiped; nor of one that was given, which may be.
    """
    yield secret
    hexadecimal = binascii.hexlify(secret)
    yield from (hexadecimal, hexadecimal.upper())
    # Base64 of a longer text that holds the secret reads differently at each of three alignments;
    # the characters that mix with neighbours are left out of the needle.
    for lead in range(3):
        led = bytearray(lead) + secret
        encoded = binascii.b2a_base64(led, newline=False)
        led[:] = bytes(len(led))
        form = encoded[-(-lead * 8 // 6) : (lead + len(secret)) * 8 // 6]
        if form is not encoded:
            overwrite(encoded)
        yield form
        if _PLUS in form or _SLASH in form:  # in few: those of letters and digits read alike
            yield form.translate(_TO_URL_SAFE)
    if not UNESCAPED.fullmatch(secret):
        present = frozenset(secret)
        for because, spelling in _COMMON:
            if not because.isdisjoint(present):
                yield _spelled(secret, spelling)


def _escaped(secret: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the secret with escapes that few write: what stands in each such form, and the form."""
    digits = binascii.hexlify(secret, "%")
    percent = b"%" + digits
    overwrite(digits)
    both = (percent, percent.upper())
    of_json = [each.replace(b"%", b"\\u00") for each in both]
    yield from ((_CODE, each) for each in both)
    yield from ((_UNICODE, each) for each in of_json)
    if not UNESCAPED.fullmatch(secret):
        present = frozenset(secret)
        for sign, because, spelling in _RARE:
            if not because.isdisjoint(present):
                yield sign, _spelled(secret, spelling)


_Spelling = tuple[bytes, ...]
"""How each byte is written; keys are ASCII."""


def _spelling(write: Callable[[str], str]) -> _Spelling:
    return tuple(write(chr(code)).encode() for code in range(128))


def _spelled(secret: bytes, spelling: _Spelling) -> bytes:
    return b"".join(map(spelling.__getitem__, secret))


def _percent(safe: str) -> Callable[[str], str]:
    return lambda character: urllib.parse.quote(character, safe=safe)


def _in_small(write: Callable[[str], str]) -> Callable[[str], str]:
    """Write the codes in lower case, and what stands for itself as it is."""

    def spelled(character: str) -> str:
        written = write(character)
        return written if written == character else written.lower()

    return spelled


def _json(character: str) -> str:
    return json.dumps(character)[1:-1]


def _json_of_php(character: str) -> str:
    return "\\/" if character == "/" else _json(character)


def _json_of_go(character: str) -> str:
    return f"\\u{ord(character):04x}" if character in "<>&" else _json(character)


def _html(*others: tuple[str, str]) -> Callable[[str], str]:
    named = dict(others)
    return lambda character: named.get(character, html.escape(character, quote=False))


# Each with the characters without which it reads as one that is before it, or as the key does.
_ANY: Final = frozenset(range(128))
_COMMON: Final = tuple(
    (because, _spelling(write))
    for because, write in (
        (frozenset(b'"\\'), _json),
        (frozenset(b"/"), _json_of_php),
        (_ANY, _percent(safe="")),
        (_ANY, _in_small(_percent(safe=""))),
    )
)
_RARE: Final = tuple(
    (sign, frozenset(because), _spelling(write))
    for sign, because, write in (
        # As Python's `quote` leaves a slash, and JavaScript's `encodeURIComponent` some more.
        (_CODE, b"/", _percent(safe="/")),
        (_CODE, b"/", _in_small(_percent(safe="/"))),
        (_CODE, b"!'()*", _percent(safe="!'()*")),
        (_CODE, b"!'()*", _in_small(_percent(safe="!'()*"))),
        (_CODE, _ANY, lambda character: _percent(safe="")(_percent(safe="")(character))),
        (_UNICODE, b"<>&", _json_of_go),
        # HTML: a text; an attribute by Python, by JavaScript's libraries, and by Go.
        (_ENTITY, b"<>&", _html()),
        (_ENTITY, b"\"'", _html(('"', "&quot;"), ("'", "&#x27;"))),
        (_ENTITY, b"'", _html(('"', "&quot;"), ("'", "&#39;"))),
        (_ENTITY, b'"', _html(('"', "&#34;"), ("'", "&#39;"))),
    )
)


def _distinct(forms: Iterable[bytes]) -> tuple[bytes, ...]:
    """Give each form once, in order, and overwrite the copies."""
    made = tuple(forms)
    if len(frozenset(made)) == len(made):  # of nearly all keys
        return made
    kept: dict[bytes, bytes] = {}
    for form in made:
        kept.setdefault(form, form)
    held = {id(form) for form in kept.values()}
    # Not while they are made: one may be made of another, or be that itself.
    for form in made:
        if id(form) not in held:
            overwrite(form)
    return tuple(kept)


def _by_sign(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, tuple[bytes, ...]]:
    """Gather forms by the sign without which none of them stands in a text: most have none."""
    gathered: dict[bytes, list[bytes]] = {}
    for sign, form in pairs:
        if sign in form:
            gathered.setdefault(sign, []).append(form)
        else:  # it reads as the key does
            overwrite(form)
    return {sign: _distinct(forms) for sign, forms in gathered.items()}
