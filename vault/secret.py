"""A secret: a value with no text form."""

import ctypes
import hmac
from typing import Any, Final, NoReturn, Self

_BEFORE_BYTES: Final = bytes.__basicsize__ - 1


def overwrite(value: bytes) -> None:
    """Overwrite a copy of a plaintext that was made for one use, once that is over.

    Only for bytes that the caller has made itself and that nobody else will read: Python takes them
    to be immutable. What is only dropped stays in freed memory until something else is put there.
    """
    # CPython keeps the bytes behind a fixed head, and shares those of none or one byte.
    if len(value) > 1:
        ctypes.memset(id(value) + _BEFORE_BYTES, 0, len(value))


class Secret:
    """Holds a plaintext and gives it out by `reveal` alone, so that one search finds every use.

    Printing, formatting, pickling, copying and JSON all fail, so that no log line, traceback or
    cache can hold one by accident.
    """

    __slots__ = ("_plaintext",)

    def __init__(self, plaintext: bytes) -> None:
        self._plaintext = bytearray(plaintext)

    @classmethod
    def holding(cls, plaintext: bytearray) -> Self:
        """Take a plaintext over without copying it; its giver must not touch it any more."""
        secret = cls.__new__(cls)
        secret._plaintext = plaintext  # noqa: SLF001 - its own
        return secret

    def view(self) -> memoryview:
        """Give the bytes where they lie, for what reads them at once and keeps nothing."""
        return memoryview(self._plaintext).toreadonly()

    def reveal(self) -> bytes:
        """Give the bytes. Each caller is on the list that `tests/invariants` pins."""
        return bytes(self._plaintext)

    def wipe(self) -> None:
        """Overwrite what is held here. Copies that `reveal` gave are their holder's to drop."""
        self._plaintext[:] = bytes(len(self._plaintext))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._plaintext, other._plaintext)

    __hash__ = None  # type: ignore[assignment] # a hash would tell equal secrets apart in a dump

    def __repr__(self) -> str:
        return "Secret(…)"

    def _refuse(self, *_: Any) -> NoReturn:
        raise TypeError(
            "A secret has no text form and can't be copied; say .reveal() where it is meant."
        )

    __str__ = __bytes__ = __format__ = _refuse
    __iter__ = __len__ = __getstate__ = __reduce__ = __copy__ = __deepcopy__ = _refuse

    def __reduce_ex__(self, _: Any) -> NoReturn:
        self._refuse()
