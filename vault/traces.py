"""By what a key is known again in a text, without being kept open: its traces.

Of each part that may be sent back by itself (the whole key; of a user with a password the latter as
well) there are its length, its last four bytes and a digest under a salt of its own. They are kept
sealed, as the key is, and always as long: who reads the database learns nothing from them, not even
what a mask shows.
"""

import hashlib
import hmac
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Final, TypeVar

from redact.forms import UNESCAPED
from vault.secret import Secret, overwrite

ENDING: Final = 4
"""Bytes that are kept as they are: they are what a text is searched for."""
_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 16
_PART: Final = struct.Struct(f">H??{ENDING}s{_SALT_BYTES}s{_DIGEST_BYTES}s")
_MOST_PARTS: Final = 2
_NONE: Final = bytes(_PART.size)
MOST_COLONS: Final = 4
Plaintext = TypeVar("Plaintext", bytes, memoryview)
_COLON: Final = re.compile(rb":")
_PLAIN: Final = re.compile(rb"[A-Za-z0-9._~-]*(?::[A-Za-z0-9._~-]*){0,%d}" % MOST_COLONS)


@dataclass(frozen=True, slots=True, repr=False)
class Trace:
    """By what one secret is known again. `size` is in bytes."""

    size: int
    is_plain: bool
    """It is made of letters, digits and `._~-` alone, and of at most four colons: of what nearly
    all keys are made."""
    is_escaped: bool
    """URLs or JSON write some of it in another way."""
    ending: bytes
    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, part: bytes) -> "Trace":
        """Make the trace of a secret of at least 8 bytes."""
        salt = os.urandom(_SALT_BYTES)
        return cls(
            len(part),
            _PLAIN.fullmatch(part) is not None,
            UNESCAPED.fullmatch(part) is None,
            part[-ENDING:],
            salt,
            _digest(salt, part),
        )

    def fits(self, value: bytes) -> bool:
        """Tell whether this is the secret."""
        return hmac.compare_digest(_digest(self.salt, value), self.digest)


def parts(plaintext: Plaintext, shortest: int) -> Iterator[Plaintext]:
    """Give a key, and of a user with a password the latter by itself: it is sent as such.

    A password shorter than any key (`shortest`, in bytes) would be found by chance in what a
    provider says.
    """
    yield plaintext
    colon = _COLON.search(plaintext)
    if colon is not None and len(plaintext) - colon.end() >= shortest:
        yield plaintext[colon.end() :]


def written(secret: Secret, shortest: int) -> Secret:
    """Give a key's traces as they are sealed: of one length, whatever the key's."""
    plaintext = secret.reveal()
    packed = []
    for part in parts(plaintext, shortest):
        trace = Trace.of(part)
        packed.append(_PART.pack(*astuple(trace)))
        if part is not plaintext:
            overwrite(part)
    overwrite(plaintext)
    return Secret(b"".join((*packed, *([_NONE] * _MOST_PARTS)))[: _MOST_PARTS * _PART.size])


def read(opened: Secret) -> tuple[Trace, ...]:
    """Give the traces that `written` wrote."""
    return tuple(Trace(*each) for each in _PART.iter_unpack(opened.view()) if each[0])


def _digest(salt: bytes, value: bytes) -> bytes:
    # Safe here: BLAKE2 with a key is a keyed hash (RFC 7693, section 2.9). The salt stands beside
    # the digest, so a short password could be tried out; by nobody but who can open the seal, and
    # so the key itself.
    return hashlib.blake2b(value, digest_size=_DIGEST_BYTES, key=salt).digest()
