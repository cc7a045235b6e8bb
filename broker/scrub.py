"""Strikes the key in use out of an answer, should the provider send it back.

We hold the key, so we look for its exact bytes: raw, and in the forms in which echoes render it.
Whatever is not the key passes byte for byte, and at once: only a chunk's tail that could be the
beginning of the key is held until the next chunk tells.
"""

import binascii
import json
import re
import urllib.parse
from collections.abc import Iterator
from typing import Final

from vault.secret import Secret, overwrite
from vault.vault import SHORTEST_KEY

_PLAIN: Final = re.compile(rb"[A-Za-z0-9._~-]*")
"""What JSON and URLs write as it is."""


class Scrubber:
    """Looks for one secret in one answer. Striking keeps the length, so Content-Length holds."""

    def __init__(self, secret: Secret) -> None:
        plaintext = secret.reveal()
        forms = (form for part in _secret_parts(plaintext) for form in _forms(part))
        # In their order: the whole before a part of it, so that it is struck, and counted, as one.
        self._needles = tuple(dict.fromkeys(forms))
        self._longest = max(map(len, self._needles))
        # Nothing of what is put in may read as a part of the key again; no key holds a blank.
        self._mark = b" " if b"*" in plaintext else b"*"
        self._held = b""
        self.struck = 0
        """How often the key was found."""

    def wipe(self) -> None:
        """Overwrite the key in each form, once the answer is over: nothing is found any more."""
        for needle in self._needles:
            overwrite(needle)
        self._needles = ()

    def finds(self, data: bytes) -> bool:
        """Tell whether the key stands in there."""
        return any(needle in data for needle in self._needles)

    def strike(self, data: bytes) -> bytes:
        """Give a whole piece (a header's value) with the key struck out."""
        for needle in self._needles:
            if needle in data:
                self.struck += data.count(needle)
                data = data.replace(needle, self._mark * len(needle))
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
        tail = data[1 - self._longest :]
        longest = 0
        for needle in self._needles:
            at = tail.find(needle[:1])
            while at >= 0 and len(tail) - at > longest:
                if needle.startswith(tail[at:]):
                    longest = len(tail) - at
                at = tail.find(needle[:1], at + 1)
        return longest


def _secret_parts(secret: bytes) -> Iterator[bytes]:
    """Give the secret, and of a user with a password the latter by itself: it is sent as such.

    A password shorter than any key would be found by chance in what the provider says.
    """
    yield secret
    password = secret.partition(b":")[2]
    if len(password) >= SHORTEST_KEY:
        yield password


def _forms(secret: bytes) -> Iterator[bytes]:
    """Give the secret's bytes in every form in which an echo may hold them."""
    yield secret
    hexadecimal = binascii.hexlify(secret)
    yield hexadecimal
    yield hexadecimal.upper()
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
        yield form.replace(b"+", b"-").replace(b"/", b"_")
    if not _PLAIN.fullmatch(secret):
        text = secret.decode("ascii")
        quoted = json.dumps(text)[1:-1]
        yield quoted.encode()
        yield quoted.replace("/", "\\/").encode()  # as PHP writes it
        percent = urllib.parse.quote(text, safe="")
        yield percent.encode()
        yield re.sub("%..", lambda code: code[0].lower(), percent).encode()
