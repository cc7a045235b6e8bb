"""This process's redactor. Logging and the standard streams belong to the process; so does this."""

from functools import lru_cache
from typing import Final

from redact.engine import Redactor

_REDACTOR: Final = Redactor()
_LONGEST_NAME: Final = 128


def redact(text: str) -> str:
    """Give the text without its secrets. Idempotent, linear, and it never raises."""
    return _REDACTOR.clean(text)


def redact_bytes(data: bytes) -> bytes:
    """Give the bytes without their secrets, in whatever encoding. Like `redact` in all else."""
    return _REDACTOR.clean_bytes(data)


def is_plain(text: str) -> bool:
    """Tell that nothing in a line even begins like a secret. No says nothing: ask `redact` then."""
    return _REDACTOR.is_plain(text)


def remember(value: bytes | memoryview, *, for_good: bool = False) -> None:
    """Strike this exact value from now on, wherever it stands. Only a keyed digest is kept.

    Of very many the one that was not remembered for longest is forgotten, but for those for good.
    """
    _REDACTOR.known.remember(value, for_good=for_good)


def use_tag_key(key: bytes) -> None:
    """Mark equal secrets alike in every process that is handed this key: 16 to 64 secret bytes.

    Until then the digits in a mark hold for this process alone. Raises `ValueError` for a key of
    any other length.
    """
    _REDACTOR.known.tags.use_key(key)


@lru_cache(maxsize=1024)
def names_a_secret(name: str) -> bool:
    """Tell whether what stands under this name is a secret, whatever it looks like."""
    sample = f'"{name}": "q7Rz0c4Lx9Tb2Wn5"'
    return len(name) <= _LONGEST_NAME and redact(sample) != sample
