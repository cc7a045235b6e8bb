"""Passwords: argon2id, off the event loop, few at a time so that a flood can't take the memory.

At most `_MOST_WAITING` wait their turn; whoever comes then is told so at once, and brokered calls
go before: the threads yield to everything else on the machine. What is too long to be anybody's
password is never brought to its normal form: that takes the square of its length.
"""

import asyncio
import os
import unicodedata
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

import argon2
from argon2.profiles import RFC_9106_LOW_MEMORY

from accounts.errors import PasswordGuessable, PasswordUnfit, SignInRefused, TooManySignIns

SHORTEST: Final = 8
LONGEST: Final = 1024
# Characters as typed: the normal form of some is a third as long.
_MOST_READ: Final = 4 * LONGEST
_MANY_CORES: Final = 4
# Each has four lanes of its own; a second one at a time only pays where cores are left over.
_AT_ONCE: Final = 1 if (os.cpu_count() or 1) < _MANY_CORES else 2
_MOST_WAITING: Final = 64
_KEPT_FOR_KNOWN: Final = 16
_CONTEXT: Final = frozenset({"keysteward"})
_COMMON: Final = Path(__file__).parent / "common_passwords.txt"
T = TypeVar("T")


class Passwords:
    """Hashes and verifies. One or two run at once (64 MiB each); the rest wait their turn."""

    def __init__(
        self, profile: argon2.Parameters = RFC_9106_LOW_MEMORY, *, context: Iterable[str] = ()
    ) -> None:
        self._context = frozenset(map(str.casefold, context)) | _CONTEXT
        self._hasher = argon2.PasswordHasher.from_parameters(profile)
        self._pool = ThreadPoolExecutor(_AT_ONCE, "argon2", initializer=_yield_to_others)
        # Verified against when there is no such account, so that the answer takes as long.
        self._nobody = self._hasher.hash("nobody")
        self._taken = 0

    async def hash(self, password: str, *, address: str = "") -> str:
        """Give the encoded hash to store. Raises `PasswordUnfit`, `TooManySignIns`.

        `PasswordGuessable` is the `PasswordUnfit` for a common password, and for the account's own
        address.
        """
        text = unicodedata.normalize("NFC", password) if len(password) <= _MOST_READ else ""
        if not SHORTEST <= len(text) <= LONGEST:
            raise PasswordUnfit(SHORTEST, LONGEST)
        if is_guessable(text, address, self._context):
            raise PasswordGuessable
        return await self._run(self._hasher.hash, _encode(text))

    async def verify(
        self, stored: str | None, password: str, *, is_known: bool = False
    ) -> str | None:
        """Check a password against a stored hash, or against nobody's when there is none.

        Gives a new hash to store when the profile has changed, else None. Raises `SignInRefused`,
        `TooManySignIns`.
        """
        given = _encode(unicodedata.normalize("NFC", password[:_MOST_READ])[: LONGEST + 1])
        try:
            await self._run(self._hasher.verify, stored or self._nobody, given, is_known=is_known)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            raise SignInRefused from None
        if stored is None or len(password) > _MOST_READ:
            raise SignInRefused
        if self._hasher.check_needs_rehash(stored):
            return await self._run(self._hasher.hash, given)
        return None

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(
        self, function: Callable[..., T], *arguments: str | bytes, is_known: bool = False
    ) -> T:
        # Strangers fill their places, never those kept for browsers that have signed in before.
        if self._taken >= _AT_ONCE + _MOST_WAITING + (_KEPT_FOR_KNOWN if is_known else 0):
            raise TooManySignIns
        self._taken += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, function, *arguments)
        finally:
            self._taken -= 1


def is_guessable(text: str, address: str = "", context: Collection[str] = _CONTEXT) -> bool:
    """Tell whether a password is among the first that anybody would try.

    The list is of the 11,611 commonest of eight characters and more (public breach corpora, as the
    package zxcvbn counts them). Digits and marks put around such a word change nothing.
    """
    folded = text.casefold()
    bare = folded.strip("0123456789 !\"#$%&'()*+,-./:;<=>?@[]^_`{|}~\\")
    local, _, domain = address.casefold().partition("@")
    own = {word for word in (address.casefold(), local, domain, domain.partition(".")[0]) if word}
    if {folded, bare} & (_common() | frozenset(context)):
        return True
    return folded in own or (bare in own and len(bare) > 1)


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split("\n")) - {""}


def _yield_to_others() -> None:
    """Let everything else go first: calls through the broker, on the same cores, among it.

    On Linux a thread has a policy of its own, and argon2's lanes inherit it: they run when nobody
    else wants to.
    """
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _encode(text: str) -> bytes:
    # JSON can smuggle in half a surrogate pair. That must not raise: the error would carry all of
    # the password.
    return text.encode(errors="surrogatepass")
