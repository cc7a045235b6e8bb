"""Strikes the key in use out of an answer, should the provider send it back.

We hold the key, so we look for its exact bytes: raw, and in the forms in which echoes render it.
Whatever is not the key passes byte for byte, and at once: only a chunk's tail that could be the
beginning of the key is held until the next chunk tells.
"""

import base64
import json
import urllib.parse
from typing import Final

from vault.secret import Secret

_STAR: Final = b"*"


class Scrubber:
    """Looks for one secret in one answer. Striking keeps the length, so Content-Length holds."""

    def __init__(self, secret: Secret) -> None:
        self._needles = tuple(_forms(secret.reveal()))
        self._longest = max(map(len, self._needles))
        self._alphabet = frozenset(b"".join(self._needles))
        self._held = b""
        self.struck = 0
        """How often the key was found."""

    def strike(self, data: bytes) -> bytes:
        """Give a whole piece (a header's value) with the key struck out."""
        for needle in self._needles:
            if needle in data:
                self.struck += data.count(needle)
                data = data.replace(needle, _STAR * len(needle))
        return data

    def feed(self, chunk: bytes) -> bytes:
        """Give what can be passed on of a stream's next chunk; it may be empty."""
        data = self.strike(self._held + chunk if self._held else chunk)
        keep = self._possible_beginning(data)
        self._held = data[len(data) - keep :] if keep else b""
        return data[: len(data) - keep] if keep else data

    def flush(self) -> bytes:
        """Give what was held at the stream's end: it was not the key after all."""
        rest, self._held = self._held, b""
        return rest

    def _possible_beginning(self, data: bytes) -> int:
        """Give the length of the longest end of `data` that begins a needle."""
        if not data or data[-1] not in self._alphabet:
            return 0
        for length in range(min(len(data), self._longest - 1), 0, -1):
            tail = data[len(data) - length :]
            if any(needle.startswith(tail) for needle in self._needles):
                return length
        return 0


def _forms(secret: bytes) -> set[bytes]:
    """Give the secret's bytes in every form in which an echo may hold them."""
    text = secret.decode("ascii")
    forms = {
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        json.dumps(text)[1:-1].encode(),
        urllib.parse.quote(text, safe="").encode(),
    }
    # Base64 of a longer text that holds the secret reads differently at each of three alignments;
    # the characters that mix with neighbours are left out of the needle.
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + secret)
        start = -(-lead * 8 // 6)
        end = (lead + len(secret)) * 8 // 6
        forms.add(encoded[start:end])
    return forms
