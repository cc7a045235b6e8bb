"""E-mail addresses, brought to the one form whose SHA-256 names the account."""

import hashlib
import re
import secrets
import unicodedata
from typing import Final

import idna

from accounts.errors import AddressMalformed

_LONGEST: Final = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
_MOST_READ: Final = 1000
_FEWEST_LABELS: Final = 2
# RFC 5322's specials have no place before the @: a comma there would make two addresses of one in
# the header of a mail.
_LOCAL: Final = re.compile(r'[^\s()<>\[\]:;@\\,"]+')
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1035, 2.3.1 and 2.3.4


def normalize(text: str) -> str:
    """Give the address trimmed, NFC, lower-case, its domain in ASCII (IDNA).

    Mail systems may tell `A@` from `a@`, none in use does; two accounts for one person would be
    worse. Raises `AddressMalformed`.
    """
    if len(text) > _MOST_READ:
        raise AddressMalformed
    lowered = unicodedata.normalize("NFC", text.strip()).lower()
    local, _, domain = unicodedata.normalize("NFC", lowered).rpartition("@")
    if not _LOCAL.fullmatch(local) or not local.isprintable():
        raise AddressMalformed
    if not domain.isascii():
        domain = _in_ascii(domain)
    labels = domain.split(".")
    address = f"{local}@{domain}"
    if len(labels) < _FEWEST_LABELS or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressMalformed
    if len(address.encode()) > _LONGEST:
        raise AddressMalformed
    return address


def account_of(normalized: str) -> str:
    """Give the account's id: SHA-256 of the normalized address, in hex.

    Of whatever else was typed it gives an id that nobody has; half a character is no error.
    """
    return hashlib.sha256(normalized.encode(errors="surrogatepass")).hexdigest()


def account_of_nobody() -> str:
    """Give the id of an account that has no address: random, in the same form."""
    return hashlib.sha256(secrets.token_bytes(32)).hexdigest()


def _in_ascii(domain: str) -> str:
    """Give the domain as the mail's own servers see it (IDNA 2008).

    Python's own `idna` codec is IDNA 2003, which takes faß.example for fass.example: another
    domain, perhaps another person's.
    """
    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except UnicodeError:
        raise AddressMalformed from None
