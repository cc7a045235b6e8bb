"""The header with the key in it: there while one request is sent, and overwritten then."""

from collections.abc import Iterator
from contextlib import contextmanager

from providers import Slot
from vault.secret import Secret, overwrite


@contextmanager
def written(slot: Slot, secret: Secret) -> Iterator[tuple[bytes, bytes]]:
    """Give the header that carries a secret, and overwrite it afterwards; not the secret."""
    plaintext = secret.reveal()
    name, value = slot.write(plaintext)
    try:
        yield name, value
    finally:
        overwrite(plaintext)
        overwrite(value)
