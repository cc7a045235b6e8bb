"""One pass over a text that leaves no secret in it. Linear, idempotent, and it never raises.

A text with colours in it, or with lines that a backslash continues, is looked at a second time
without them: a key may be cut in two by either. If that shows more, the plain text is given.
"""

import re
from typing import Final

from redact import linear
from redact.extents import BY_KIND, Struck, done, goes_on, shown
from redact.fingerprints import KnownSecrets
from redact.linear import Found
from redact.patterns import (
    CUTTING,
    ESCAPES_OF_ESC,
    FINDERS,
    FOLDS,
    JOINED,
    KINDS,
    MARK,
    TAGGED,
    begins_in,
)

_LINE: Final = 4096
_HANDLERS: Final = tuple(BY_KIND.get(kind) for kind in KINDS)
_LOST: Final = b"[redacted: this text could not be looked through]"
_DEEPEST: Final = 3
"""So often may a text be escaped: `%`-escapes inside `\\u00xx`-escapes inside JSON."""
_ESCAPE_WITHIN: Final = 6
"""Bytes from an escape's beginning, which may have four backslashes, to its `u` or `x`."""
_MARKS: Final = re.compile(
    rb"(?:[A-Za-z0-9_./-]{1,32}\xe2\x80\xa6)?\[redacted(?:\xff[0-9a-f]{4})?\]"
)
_BARE_COLOUR: Final = b"\x1b["
_COLOUR_END: Final = re.compile(rb"\A[0-9;:?]{0,32}[A-Za-z]")
_ESCAPED_RUN: Final = linear.compiled(
    rb"(?:%25[0-9A-Fa-f]{2}){12,}|(?:%[0-9A-Fa-f]{2})+"
    rb"|(?:\\{1,4}u00[0-9A-Fa-f]{2})+|(?:\\{1,4}x[0-9A-Fa-f]{2})+"
)
_CONTINUED: Final = (b"\\", b"\\\r")
_TWICE: Final = re.compile(rb"%25[^%]")
_TAGGED: Final = linear.compiled(linear.any_of((TAGGED,)))
_OPENED, _JOINT, _BLANK = JOINED[:-1], JOINED[-1:], TAGGED[-1:]
_TAG_LETTER: Final = b"d"
"""Asked first: amid nothing but brackets the search for the whole beginning is the dearest."""
_LOOKS: Final = 3
"""A mark that has lost its colours may stand behind a name, or before a word, that had them."""
_CUTTING: Final = linear.compiled(linear.any_of(CUTTING))
_CUT_ENDS: Final = tuple({cut[-1:] for cut in CUTTING})
"""Asked first: amid nothing but backslashes the search for whole ones is the dearest of all."""


class Redactor:
    """Strikes exact values that it was told of, and everything that has a secret's form."""

    def __init__(self, known: KnownSecrets | None = None) -> None:
        self.known = KnownSecrets() if known is None else known

    def clean(self, text: str) -> str:
        """Give the text without its secrets. Lone surrogates pass as they are."""
        try:
            data = text.encode("utf-8", "surrogatepass")
            if self._is_plain(data):
                return text
            struck_out = self._strike(data)
            return text if struck_out is data else struck_out.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return struck_out.decode("utf-8", "replace")
        except Exception:  # noqa: BLE001 - a log line lost is better than a secret kept, or a crash
            return _LOST.decode()

    def clean_bytes(self, data: bytes) -> bytes:
        """Give the bytes without their secrets, whatever encoding they are in."""
        try:
            data = bytes(data)
            return data if self._is_plain(data) else self._strike(data)
        except Exception:  # noqa: BLE001 - as above
            return _LOST

    def is_plain(self, text: str) -> bool:
        """Tell that nothing in a line even begins like a secret. Of a long one it is never told."""
        try:
            return self._is_plain(text.encode("utf-8", "surrogatepass"))
        except Exception:  # noqa: BLE001 - then `clean` is asked, which does without
            return False

    def _is_plain(self, data: bytes) -> bool:
        """Tell whether a line holds nothing that even begins like a secret: so it is with most."""
        return len(data) <= _LINE and not begins_in(data) and not self.known.may_be_in(data)

    def _strike(self, data: bytes) -> bytes:
        escaped = b"\\" in data
        tagged = _TAG_LETTER in data and _TAGGED.search(data) is not None
        coloured = b"\x1b" in data and b"[" in data
        if not escaped and not tagged and not coloured:
            text = self._strike_known(data)
            if text is data:
                return self._strike_forms(data, 0, told=True)
            return _tags_of(self._strike_forms(text, 0))
        text = data.replace(TAGGED, JOINED) if tagged else data
        escaped = escaped and any(end in text for end in _CUT_ENDS)
        escaped = escaped and _CUTTING.search(text) is not None
        if not escaped and not coloured:
            clean = self._pass(text, 0)
            return data if clean is data else _tags_of(clean)
        return _tags_of(self._looked_at(text, escaped=escaped, looks=_LOOKS))

    def _looked_at(self, text: bytes, *, escaped: bool, looks: int) -> bytes:
        clean = self._strike_cut(text, escaped=escaped)
        if clean == text:
            return text
        return self._looked_at(clean, escaped=escaped, looks=looks - 1) if looks > 1 else clean

    def _strike_cut(self, text: bytes, *, escaped: bool) -> bytes:
        """Strike what colours or folded lines cut in two, and all else."""
        if escaped:
            text = self._line_by_line(text, _bare_colours(text), _BARE_COLOUR)
        if b"\x1b" in text:
            text = self._line_by_line(text, text, _BARE_COLOUR)
        if escaped and any(fold in text for fold in FOLDS):
            plain = _unfolded(text)
            plain_clean, clean = self._pass(plain, 0), self._pass(text, 0)
            return clean if _unfolded(clean) == plain_clean else plain_clean
        return self._pass(text, 0)

    def _line_by_line(self, text: bytes, coloured: bytes, colour: bytes) -> bytes:
        """Give the text; where a line hides a secret behind its colours, the line without them.

        A line that a backslash continues is one with the next: a key may be cut by both.
        """
        pieces: list[bytes] = []
        at = done_to = 0
        while (found := coloured.find(colour, at)) >= 0:
            start, at = _line_around(coloured, found)
            line = coloured[start:at]
            plain = _bare(line)
            plain_clean = plain if self._is_plain(plain) else self._pass(plain, 0)
            if plain_clean is not plain and _bare(self._pass(line, 0)) != plain_clean:
                pieces += (coloured[done_to:start], plain_clean)
                done_to = at
        return b"".join((*pieces, coloured[done_to:])) if pieces else text

    def _pass(self, data: bytes, depth: int) -> bytes:
        return self._strike_forms(self._strike_known(data), depth)

    def _strike_known(self, data: bytes) -> bytes:
        places = self.known.places(data)
        if not places:
            return data
        pieces: list[bytes] = []
        at = 0
        for place in places:
            pieces += (data[at : place.start], self._marked(place.value))
            at = place.end
        return b"".join((*pieces, data[at:]))

    def _strike_forms(self, data: bytes, depth: int, *, told: bool = False) -> bytes:
        """Strike what looks like a secret. `told`: at once with marks as they are to be shown."""
        coming = [finder.first(data) for finder in FINDERS]
        if not any(coming):
            return data
        pieces: list[bytes | memoryview] = []
        # What stays of a long text is copied once.
        whole = data if len(data) <= _LINE else memoryview(data)
        written = at = 0
        while (nearest := _nearest(coming)) is not None:
            handler = _HANDLERS[nearest.kind]
            start, end = nearest.start, nearest.end
            found: Struck | None
            if handler is None:
                run = _ESCAPED_RUN.match(data, start)
                end = run.end() if run else end
                found, instead = Struck(start, end), self._unescaped(data[start:end], depth)
            else:
                found = handler(data, start, end)
                instead = b"" if found is None else self._instead(data, found)
            if found is None or not instead:
                at = goes_on(data, handler, start, end)
            else:
                instead = instead.replace(JOINED, TAGGED) if told else instead
                pieces += (whole[written : max(written, found.start)], instead)
                written = at = found.end
            for which, there in enumerate(coming):
                if there is not None and (there is nearest or there.at < at):
                    coming[which] = FINDERS[which].first(data, at)
        return b"".join((*pieces, whole[written:])) if pieces else data

    def _instead(self, data: bytes, found: Struck) -> bytes:
        as_it_stands = data[found.start : found.end]
        return self._marked(as_it_stands if found.encoded is None else found.encoded)

    def _marked(self, secret: bytes) -> bytes:
        """Give what stands in a secret's place: its public prefix, if it has one, and the mark."""
        if done(secret):
            return secret
        digits = self.known.tags.of(secret)
        return shown(secret) + (JOINED + digits + b"]" if digits else MARK)

    def _unescaped(self, run: bytes, depth: int) -> bytes:
        """Give the marks of the secrets in a text whose every byte is escaped, if there are any."""
        if depth >= _DEEPEST:
            return b""
        # `%73`, `\\x73`, `\\u0073`, `%2573` without what escapes: of `0073` and `2573` every
        # second byte is wanted.
        decoded = bytes.fromhex(run.translate(None, b"%\\ux").decode())
        if b"u" in run[:_ESCAPE_WITHIN] or _TWICE.match(run):
            decoded = decoded[1::2]
        clean = self._pass(decoded, depth + 1)
        if clean is decoded:
            return b""
        return b" ".join(_MARKS.findall(clean)) or MARK


def _tags_of(text: bytes) -> bytes:
    """Give the marks their blank back: by one byte, which is found at ten times the pace of ten."""
    first, *rest = text.split(_JOINT)
    pieces = [first]
    for piece in rest:
        pieces += (_BLANK if pieces[-1].endswith(_OPENED) else _JOINT, piece)
    return b"".join(pieces)


def _nearest(coming: list[Found | None]) -> Found | None:
    there = [found for found in coming if found is not None]
    return min(there) if there else None


def _bare_colours(text: bytes) -> bytes:
    for escape in ESCAPES_OF_ESC:
        text = text.replace(escape, _BARE_COLOUR)
    return text


def _uncoloured(text: bytes) -> bytes:
    first, *rest = text.split(_BARE_COLOUR)
    return b"".join((first, *(_COLOUR_END.sub(b"", piece, 1) for piece in rest)))


def _bare(line: bytes) -> bytes:
    plain = _uncoloured(line)
    return _unfolded(plain) if b"\\" in plain else plain


def _line_around(text: bytes, at: int) -> tuple[int, int]:
    """Give where a line begins and ends, with all those that a backslash joins to it."""
    start = text.rfind(b"\n", 0, at)
    while start >= 0 and text[max(0, start - 2) : start].endswith(_CONTINUED):
        start = text.rfind(b"\n", 0, start)
    end = text.find(b"\n", at)
    while end >= 0 and text[max(0, end - 2) : end].endswith(_CONTINUED):
        end = text.find(b"\n", end + 1)
    return start + 1, len(text) if end < 0 else end


def _unfolded(text: bytes) -> bytes:
    for fold in FOLDS:
        text = text.replace(fold, b"")
    return text
