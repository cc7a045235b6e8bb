"""Tokens: `kst_` for tools, `ksu_` for people's GraphQL clients, `kso_` for one thing, once.

A token is its prefix, 256 random bits in base 62, and a checksum, so that a mistyped one is told
without asking the database and secret scanners can find a leaked one: `kst_[0-9A-Za-z]{49}`. Its
first eight random characters are public: by them its owner finds which one it is. 208 random bits
remain.
Only SHA-256 of it is stored. That is enough: nobody can try 2²⁵⁶ values, so slow hashing would add
nothing but cost to each call.
"""

import hashlib
import secrets
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accounts.errors import TokenUnknown

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY: Final = 43  # 62⁴³ > 2²⁵⁶
_CHECKSUM: Final = 6  # 62⁶ > 2³²
_MARK: Final = 4  # the prefix and its _
_PAIRS: Final = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_PUBLIC: Final = 8


class TokenKind(StrEnum):
    """What a token is for; its prefix."""

    TOOL = "kst"
    USER = "ksu"
    ONCE = "kso"


_NAMES: Final = {
    f"{TokenKind.TOOL}_": "a tool token",
    f"{TokenKind.USER}_": "a user token",
    f"{TokenKind.ONCE}_": "a link's or code's token",
}


@dataclass(frozen=True, slots=True, repr=False)
class NewToken:
    """A token just made: `text` is shown once, the rest is stored."""

    text: str
    digest: bytes
    prefix: str


def make(kind: TokenKind) -> NewToken:
    """Make a random token."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_BODY))
    marked = f"{kind}_{body}"
    text = marked + _checksum(marked.encode())
    return NewToken(text, hashlib.sha256(text.encode()).digest(), marked[: _MARK + _PUBLIC])


def digest_of(text: str, kind: TokenKind) -> bytes:
    """Give what is stored of a token. Raises `TokenUnknown` when it is mistyped or of another kind.

    The sentences tell which, and never repeat any of the text.
    """
    # By hand and not by an expression: each call of each tool comes through here.
    prefix, rest = text[:_MARK], text[_MARK:]
    if (
        len(rest) != _BODY + _CHECKSUM
        or prefix not in _NAMES
        or not (rest.isascii() and rest.isalnum())
    ):
        raise TokenUnknown(
            f"This is not a keysteward token. Expected one that begins with {kind}_."
        )
    encoded = text.encode()
    if text[-_CHECKSUM:] != _checksum(encoded[:-_CHECKSUM]):
        raise TokenUnknown("This token is mistyped: its checksum is wrong. Copy it again, whole.")
    if not text.startswith(kind):
        raise TokenUnknown(f"This is {_NAMES[prefix]}. Expected one that begins with {kind}_.")
    return hashlib.sha256(encoded).digest()


def begins(prefix: str, text: str) -> bool:
    """Tell whether a token with this public prefix may be the one that `text` is the beginning of.

    Of a whole token no more than its public part is compared, so that nothing else need be asked.
    """
    return prefix.startswith(text[: len(prefix)])


def _checksum(marked: bytes) -> str:
    """Give CRC-32 of prefix and body in base 62, two digits at a time."""
    high, low = divmod(zlib.crc32(marked), len(_PAIRS))
    first, second = divmod(high, len(_PAIRS))
    return _PAIRS[first] + _PAIRS[second] + _PAIRS[low]
