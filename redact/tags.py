"""The four digits behind a mark: equal for equal secrets, so that lines can be matched by them.

They are the beginning of a keyed digest. Its key comes from the installation's master key, so all
its processes write the same digits; until it is handed in, a random one of this process serves. A
secret of less than 16 bytes gets no digits: whoever may write into a log and read it could try
likely passwords until the digits are equal.
"""

import hashlib
import secrets
from typing import Final

SHORTEST: Final = 16
"""Bytes. What is shorter may be guessed, and gets no digits."""
_PERSON: Final = b"redact tag"
_SPACING: Final = b" \t\r\n\"'\\,>+"


class Tags:
    """Gives the digits of a secret."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def use_key(self, key: bytes) -> None:
        """Give the same digits as every process that was handed this key: 16 to 64 bytes.

        Raises `ValueError` for any other length.
        """
        if not SHORTEST <= len(key) <= hashlib.blake2b.MAX_KEY_SIZE:
            raise ValueError("A key for tags has 16 to 64 bytes.")
        self._key = key

    def of(self, secret: bytes) -> bytes:
        """Give four hexadecimal digits, or nothing for a secret that might be guessed."""
        if len(secret) < SHORTEST:
            return b""
        # Safe here: 16 bits of a keyed hash tell nothing of the secret to who lacks the key, and to
        # who has it no more than whether a guess is wrong, which is why guessable ones get none.
        digest = hashlib.blake2b(secret, digest_size=2, key=self._key, person=_PERSON)
        return digest.hexdigest().encode()


def unwrapped(body: bytes) -> bytes:
    """Give a private key's body without line ends, escaped or not, so that it has one digest."""
    return body.replace(b"\\n", b"").replace(b"\\r", b"").translate(None, _SPACING)
