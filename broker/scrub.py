"""Strikes the key in use, and its account's other keys, out of an answer that sends them back.

We hold the key in use, so we look for its exact bytes: raw, and in the forms in which echoes render
it. The others are not opened; `broker.other_keys` finds them by their endings. Whatever is no key
passes byte for byte, and at once but for a chunk's tail: what could be the beginning of the key in
use, or a run of such characters as keys are made of, is held until the next chunk tells. An event
of a stream ends in a line end, and nothing of it is ever held.
"""

import binascii
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator

from broker.other_keys import NO_OTHERS, OtherKeys
from vault import traces
from vault.secret import Secret, overwrite
from vault.vault import SHORTEST_KEY


class Scrubber:
    """Looks for secrets in one answer. Striking keeps the length, so Content-Length holds."""

    def __init__(self, secret: Secret, others: OtherKeys = NO_OTHERS) -> None:
        plaintext = secret.reveal()
        secrets = traces.parts(plaintext, SHORTEST_KEY)
        forms = (form for part in secrets for form in _forms(part))
        # In their order: the whole before a part of it, so that it is struck, and counted, as one.
        self._needles = tuple(dict.fromkeys(forms))
        self._longest = max(map(len, self._needles))
        # Nothing of what is put in may read as a part of the key again; no key holds a blank.
        self._mark = b" " if b"*" in plaintext else others.mark
        self._others = others
        self._held = b""
        self.struck = 0
        """How often a key was found."""

    def wipe(self) -> None:
        """Overwrite the key in each form, once the answer is over: nothing is found any more."""
        for needle in self._needles:
            overwrite(needle)
        self._needles = ()
        self._others = NO_OTHERS

    @property
    def forms(self) -> tuple[bytes, ...]:
        """Give the key in use in each of its forms. They are its own: `wipe` overwrites them."""
        return self._needles

    def finds(self, data: bytes) -> bool:
        """Tell whether a key stands in there."""
        return any(needle in data for needle in self._needles) or bool(self._others.places(data))

    def strike(self, data: bytes) -> bytes:
        """Give a whole piece (a header's value, a message) with keys struck out; else itself.

        The others are looked for before the key in use is struck, which may be a part of one.
        """
        places = self._others.places(data) if self._others else []
        for needle in self._needles:
            if needle in data:
                self.struck += data.count(needle)
                data = data.replace(needle, self._mark * len(needle))
        return self._struck_at(places, data) if places else data

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
        for needle in self._needles:
            at = tail.find(needle[:1])
            while at >= 0 and len(tail) - at > longest:
                if needle.startswith(tail[at:]):
                    longest = len(tail) - at
                at = tail.find(needle[:1], at + 1)
        return longest


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
    if not traces.UNESCAPED.fullmatch(secret):
        text = secret.decode("ascii")
        quoted = json.dumps(text)[1:-1]
        yield quoted.encode()
        yield quoted.replace("/", "\\/").encode()  # as PHP writes it
        percent = urllib.parse.quote(text, safe="")
        yield percent.encode()
        yield re.sub("%..", lambda code: code[0].lower(), percent).encode()
