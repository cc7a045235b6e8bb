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
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from broker.other_keys import NO_OTHERS, OtherKeys
from redact.forms import UNESCAPED
from vault import traces
from vault.secret import Secret, overwrite
from vault.vault import SHORTEST_KEY

# Signs of escapes. A byte is looked for ten times as fast as a text.
_PERCENT: Final = ord("%")
_BACKSLASH: Final = ord("\\")
_AMPERSAND: Final = ord("&")
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Scrubber:
    """Looks for secrets in one answer. Striking keeps the length, so Content-Length holds."""

    def __init__(self, secret: Secret, others: OtherKeys = NO_OTHERS) -> None:
        plaintext = secret.reveal()
        secrets = tuple(traces.parts(plaintext, SHORTEST_KEY))
        # In their order: the whole before a part of it, so that it is struck, and counted, as one.
        self._needles = _distinct(form for part in secrets for form in _forms(part))
        self._escaped = _by_sign(pair for part in secrets for pair in _escaped(part))
        self._is_odd = _AMPERSAND in self._escaped
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
        self._needles, self._escaped = (), {}
        self._others = NO_OTHERS

    @property
    def forms(self) -> tuple[bytes, ...]:
        """Give the key in use in each of its common forms.

        They are its own: `wipe` overwrites them.
        """
        return self._needles

    def finds(self, data: bytes) -> bool:
        """Tell whether a key stands in there."""
        return any(needle in data for needle in self._all()) or bool(self._others.places(data))

    def strike(self, data: bytes) -> bytes:
        """Give a whole piece (a header's value, a message) with keys struck out; else itself.

        The others are looked for before the key in use is struck, which may be a part of one.
        """
        places = self._others.places(data) if self._others else []
        for needle in self._needles:
            if needle in data:
                data = self._without(needle, data)
        if _PERCENT in data or _BACKSLASH in data or (self._is_odd and _AMPERSAND in data):
            for sign, needles in self._escaped.items():
                if sign in data:
                    for needle in needles:
                        if needle in data:
                            data = self._without(needle, data)
        return self._struck_at(places, data) if places else data

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
        keep = max(self._possible_beginning(data), self._others.unfinished(data))
        self._held = data[len(data) - keep :] if keep else b""
        return data[: len(data) - keep] if keep else data

    def flush(self) -> bytes:
        """Give what was held at the stream's end: it was not the key after all."""
        rest, self._held = self._held, b""
        return rest

    def _possible_beginning(self, data: bytes) -> int:
        """Give the length of the longest end of `data` that begins a needle."""
        tail = data[1 - self._longest :]
        longest = 0
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
        yield from (form, form.translate(_TO_URL_SAFE))
    if not UNESCAPED.fullmatch(secret):
        present = frozenset(secret)
        for because, spelling in _COMMON:
            if not because.isdisjoint(present):
                yield _spelled(secret, spelling)


def _escaped(secret: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the secret with escapes that few write: a byte that stands in the form, and the form."""
    digits = binascii.hexlify(secret, "%")
    percent = b"%" + digits
    overwrite(digits)
    both = (percent, percent.upper())
    of_json = [each.replace(b"%", b"\\u00") for each in both]
    yield from ((_PERCENT, each) for each in both)
    yield from ((_BACKSLASH, each) for each in of_json)
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
        (_PERCENT, b"/", _percent(safe="/")),
        (_PERCENT, b"/", _in_small(_percent(safe="/"))),
        (_PERCENT, b"!'()*", _percent(safe="!'()*")),
        (_PERCENT, b"!'()*", _in_small(_percent(safe="!'()*"))),
        (_PERCENT, _ANY, lambda character: _percent(safe="")(_percent(safe="")(character))),
        (_BACKSLASH, b"<>&", _json_of_go),
        # HTML: a text; an attribute by Python, by JavaScript's libraries, and by Go.
        (_AMPERSAND, b"<>&", _html()),
        (_AMPERSAND, b"\"'", _html(('"', "&quot;"), ("'", "&#x27;"))),
        (_AMPERSAND, b"'", _html(('"', "&quot;"), ("'", "&#39;"))),
        (_AMPERSAND, b'"', _html(('"', "&#34;"), ("'", "&#39;"))),
    )
)


def _distinct(forms: Iterable[bytes]) -> tuple[bytes, ...]:
    """Give each form once, in order, and overwrite the copies."""
    made = list(forms)
    kept: dict[bytes, bytes] = {}
    for form in made:
        kept.setdefault(form, form)
    held = {id(form) for form in kept.values()}
    # Not while they are made: one may be made of another, or be that itself.
    for form in made:
        if id(form) not in held:
            overwrite(form)
    return tuple(kept)


def _by_sign(pairs: Iterable[tuple[int, bytes]]) -> dict[int, tuple[bytes, ...]]:
    """Gather forms by the byte without which none of them stands in a text: most have none."""
    gathered: dict[int, list[bytes]] = {}
    for sign, form in pairs:
        if sign in form:
            gathered.setdefault(sign, []).append(form)
        else:  # it reads as the key does
            overwrite(form)
    return {sign: _distinct(forms) for sign, forms in gathered.items()}
