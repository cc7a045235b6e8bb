r"""How a text reads without its escapes, and where in it a secret stands of which some is escaped.

Encoders differ in what they escape (`sk%2Dproj`, `sk\u002dproj`, `sk\_live`, `sk&#45;proj`) and in
how often. Letters and digits they leave, nearly all; so what holds the longest run of those is read
without its escapes, and all else is not looked at. The time is linear in the text.
"""

import html.entities
import re
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from vault.secret import overwrite

SIGNS: Final = (b"%", b"\\", b"&")
"""One of them stands in every escape."""
_RUN: Final = re.compile(rb"[A-Za-z]*[0-9][A-Za-z0-9]*")
_PLAIN: Final = re.compile(rb"[A-Za-z0-9]*")
_SHORTEST_RUN: Final = 6
"""Characters. A shorter run, or one of letters alone, stands in too many texts to tell anything."""
_LONGEST_ESCAPE: Final = 10
_GLANCE: Final = 24
_ASCII: Final = 128
_MOST_LAYERS: Final = 3

# Of backslashes, those that escape one another go with the first: else a text of nothing but them
# would be looked at anew from each.
_ESCAPE: Final = re.compile(
    rb"%(?:25)*([0-9A-Fa-f]{2})"
    rb"|(?<!\\)\\++(?:u00([0-9A-Fa-f]{2})|x([0-9A-Fa-f]{2})|([!-/:-@\[\]^_`{-~]))"
    rb"|&(?:amp;)*(?:#[xX]0{0,4}([0-9A-Fa-f]{2})|#0{0,4}([0-9]{2,3})|([A-Za-z]{2,8}));"
)
_ITSELF, _DECIMAL, _NAME = 4, 6, 7
_UNFINISHED: Final = re.compile(
    rb"(?:%(?:25)*[0-9A-Fa-f]?"
    rb"|(?<!\\)\\++(?:u0{0,2}[0-9A-Fa-f]?|x[0-9A-Fa-f]?)?"
    rb"|&(?:amp;)*(?:#[xX]?[0-9A-Fa-f]{0,7}|[A-Za-z]{0,8}))\Z"
)
_NAMED: Final = {
    name.removesuffix(";").encode(): ord(character)
    for name, character in html.entities.html5.items()
    if len(character) == 1 and ord(character) < _ASCII
}


class Partly(NamedTuple):
    """A secret, as it is looked for where some of it is escaped."""

    secret: bytes
    run: bytes
    """Its longest run of letters and digits: what a text must hold to be read at all. Not of a
    user's name, which is in each address of some providers."""
    lead: memoryview
    """What of it precedes the first character that an encoder may escape."""
    longest: int
    """Bytes of the longest form."""

    @classmethod
    def of(cls, secret: bytes) -> "Partly | None":
        """Give it; None for a secret without such a character, or without such a run.

        The secret itself is kept, not copied; `wipe` leaves it to whom it belongs.
        """
        start = end = 0
        for run in _RUN.finditer(secret, secret.rfind(b":") + 1):
            if run.end() - run.start() > end - start:
                start, end = run.span()
        if not _SHORTEST_RUN <= end - start < len(secret):
            return None
        plain = _PLAIN.match(secret)
        lead = plain.end() if plain else 0
        longest = lead + _LONGEST_ESCAPE * (len(secret) - lead)
        return cls(secret, secret[start:end], memoryview(secret)[:lead], longest)

    def wipe(self) -> None:
        """Overwrite what was copied of the secret."""
        overwrite(self.run)

    def places(self, text: bytes) -> list[tuple[int, int]]:
        """Give where it stands with some of it escaped, as starts and ends."""
        if self.run not in text:
            return []
        plain, positions = _read(text)
        found = []
        at = plain.find(self.secret)
        while at >= 0:
            end = at + len(self.secret)
            found.append((positions[at], positions[end]))
            at = plain.find(self.secret, end)
        plain[:] = bytes(len(plain))
        return found

    def unfinished(self, text: bytes) -> int:
        """Give the length of that end of a text which may go on to be the secret so written.

        What begins with an escape is not told: of a letter, few write one alone.
        """
        tail = text[-self.longest :]
        lead, size = self.lead, len(self.lead)
        at = tail.find(lead)
        while 0 <= at < len(tail) - size:
            behind = tail[at + size : at + size + 1]
            # Its beginning first: a text of nothing but leads would be read anew from each.
            if (
                (behind in SIGNS or behind == self.secret[size : size + 1])
                and self._begins(tail[at : at + size + _GLANCE])
                and self._begins(tail[at:])
            ):
                return len(tail) - at
            at = tail.find(lead, at + 1)
        return 0

    def _begins(self, text: bytes) -> bool:
        plain, _ = _read(_UNFINISHED.sub(b"", text))
        return self.secret.startswith(plain)


def layers(text: bytes) -> Iterator[bytes]:
    """Give a URL's text as it is, and as it reads without each layer of escapes that it bears."""
    yield text
    for _ in range(_MOST_LAYERS if b"%" in text else 0):
        plain = _ESCAPE.sub(lambda escape: bytes((_code(escape),)), text)
        if plain == text:
            break
        yield plain
        text = plain


def _read(text: bytes) -> tuple[bytearray, list[int]]:
    """Give a text without its escapes, and where each of its bytes stands; last, its length."""
    plain = bytearray()
    positions: list[range | tuple[int]] = []
    at = 0
    for escape in _ESCAPE.finditer(text):
        start = escape.start()
        plain += text[at:start]
        plain.append(_code(escape))
        positions += (range(at, start), (start,))
        at = escape.end()
    plain += text[at:]
    return plain, [*chain.from_iterable(positions), *range(at, len(text) + 1)]


def _code(escape: re.Match[bytes]) -> int:
    """Give the byte that an escape stands for; NUL for what no key holds."""
    kind = escape.lastindex or 0
    written = escape[kind]
    if kind == _ITSELF:
        return written[0]
    if kind == _NAME:
        return _NAMED.get(written, 0)
    code = int(written, 10 if kind == _DECIMAL else 16)
    return code if code < _ASCII else 0
