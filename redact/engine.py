"""One pass over a text that leaves no secret in it. Linear, idempotent, and it never raises."""

from typing import Final

from redact.extents import BY_KIND, struck
from redact.fingerprints import KnownSecrets
from redact.patterns import FIND, KINDS

_HANDLERS: Final = tuple(BY_KIND[kind] for kind in KINDS)
_LOST: Final = b"[redacted: this text could not be looked through]"


class Redactor:
    """Strikes exact values that it was told of, and everything that has a secret's form."""

    def __init__(self, known: KnownSecrets | None = None) -> None:
        self.known = KnownSecrets() if known is None else known

    def clean(self, text: str) -> str:
        """Give the text without its secrets. Lone surrogates pass as they are."""
        try:
            data = text.encode("utf-8", "surrogatepass")
            struck_out = self._strike(data)
            return text if struck_out is data else struck_out.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return struck_out.decode("utf-8", "replace")
        except Exception:  # noqa: BLE001 - a log line lost is better than a secret kept, or a crash
            return _LOST.decode()

    def clean_bytes(self, data: bytes) -> bytes:
        """Give the bytes without their secrets, whatever encoding they are in."""
        try:
            return self._strike(bytes(data))
        except Exception:  # noqa: BLE001 - as above
            return _LOST

    def _strike(self, data: bytes) -> bytes:
        return _strike_forms(self._strike_known(data))

    def _strike_known(self, data: bytes) -> bytes:
        spans = self.known.spans(data)
        if not spans:
            return data
        pieces: list[bytes] = []
        done = 0
        for start, end in spans:
            pieces += (data[done:start], struck(data[start:end]))
            done = end
        return b"".join((*pieces, data[done:]))


def _strike_forms(data: bytes) -> bytes:
    match = FIND.search(data)
    if match is None:
        return data
    pieces: list[bytes] = []
    done = at = 0
    while match is not None:
        kind = match.lastindex or 1
        start, end = match.span(kind)
        found = _HANDLERS[kind - 1](data, start, end)
        if found is None:
            at = end
        else:
            pieces += (data[done : found.start], found.instead)
            done = at = found.end
        match = FIND.search(data, at)
    if not pieces:
        return data
    return b"".join((*pieces, data[done:]))
