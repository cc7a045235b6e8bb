"""Tokens: `kst_` for tools, `ksu_` for people's GraphQL clients, `kso_` for one thing, once.

A token is its prefix, 256 random bits in base 62, and a checksum, so that a mistyped one is told
without asking the database and secret scanners can find a leaked one: `kst_[0-9A-Za-z]{49}`. Its
first eight random characters are public: by them its owner finds which one it is. 208 random bits
remain.
Only SHA-256 of it is stored. That is enough: nobody can try 2²⁵⁶ values, so slow hashing would add
nothing but cost to each call.
"""

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accounts.errors import TokenUnknown

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY: Final = 43  # 62⁴³ > 2²⁵⁶
_CHECKSUM: Final = 6  # 62⁶ > 2³²
_FORM: Final = re.compile(rf"(ks[tuo])_([0-9A-Za-z]{{{_BODY}}})([0-9A-Za-z]{{{_CHECKSUM}}})")
_PUBLIC: Final = 8


class TokenKind(StrEnum):
    """What a token is for; its prefix."""

    TOOL = "kst"
    USER = "ksu"
    ONCE = "kso"


_NAMES: Final = {
    TokenKind.TOOL: "a tool token",
    TokenKind.USER: "a user token",
    TokenKind.ONCE: "a link's or code's token",
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
    text = f"{kind}_{body}{_checksum(kind, body)}"
    return NewToken(text, _digest(text), f"{kind}_{body[:_PUBLIC]}")


def digest_of(text: str, kind: TokenKind) -> bytes:
    """Give what is stored of a token. Raises `TokenUnknown` when it is mistyped or of another kind.

    The sentences tell which, and never repeat any of the text.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise TokenUnknown(
            f"This is not a keysteward token. Expected one that begins with {kind}_."
        )
    prefix, body, checksum = match.groups()
    if checksum != _checksum(prefix, body):
        raise TokenUnknown("This token is mistyped: its checksum is wrong. Copy it again, whole.")
    if prefix != kind:
        other = _NAMES[TokenKind(prefix)]
        raise TokenUnknown(f"This is {other}. Expected one that begins with {kind}_.")
    return _digest(text)


def begins(prefix: str, text: str) -> bool:
    """Tell whether a token with this public prefix may be the one that `text` is the beginning of.

    Of a whole token no more than its public part is compared, so that nothing else need be asked.
    """
    return prefix.startswith(text[: len(prefix)])


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _checksum(prefix: str, body: str) -> str:
    number = zlib.crc32(f"{prefix}_{body}".encode())
    digits = []
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
