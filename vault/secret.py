"""A secret: a value with no text form."""

import hmac
from typing import Any, NoReturn


class Secret:
    """Holds a plaintext and gives it out by `reveal` alone, so that one search finds every use.

    Printing, formatting, pickling, copying and JSON all fail, so that no log line, traceback or
    cache can hold one by accident.
    """

    __slots__ = ("_plaintext",)

    def __init__(self, plaintext: bytes) -> None:
        self._plaintext = bytearray(plaintext)

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
