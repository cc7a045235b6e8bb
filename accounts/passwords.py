"""Passwords: argon2id, off the event loop, few at a time so that a flood can't take the memory.

At most `_MOST_WAITING` wait their turn; whoever comes then is told so at once. What is too long to
be anybody's password is never brought to its normal form: that takes the square of its length.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import argon2
from argon2.profiles import RFC_9106_LOW_MEMORY

from accounts.errors import PasswordUnfit, SignInRefused, TooManySignIns

SHORTEST: Final = 8
LONGEST: Final = 1024
# Characters as typed: the normal form of some is a third as long.
_MOST_READ: Final = 4 * LONGEST
_AT_ONCE: Final = 2
_MOST_WAITING: Final = 64
T = TypeVar("T")


class Passwords:
    """Hashes and verifies. At most two run at once (64 MiB each); the rest wait their turn."""

    def __init__(self, profile: argon2.Parameters = RFC_9106_LOW_MEMORY) -> None:
        self._hasher = argon2.PasswordHasher.from_parameters(profile)
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")
        # Verified against when there is no such account, so that the answer takes as long.
        self._nobody = self._hasher.hash("nobody")
        self._taken = 0

    async def hash(self, password: str) -> str:
        """Give the encoded hash to store. Raises `PasswordUnfit`, `TooManySignIns`."""
        text = unicodedata.normalize("NFC", password) if len(password) <= _MOST_READ else ""
        if not SHORTEST <= len(text) <= LONGEST:
            raise PasswordUnfit(SHORTEST, LONGEST)
        return await self._run(self._hasher.hash, _encode(text))

    async def verify(self, stored: str | None, password: str) -> str | None:
        """Check a password against a stored hash, or against nobody's when there is none.

        Gives a new hash to store when the profile has changed, else None. Raises `SignInRefused`,
        `TooManySignIns`.
        """
        given = _encode(unicodedata.normalize("NFC", password[:_MOST_READ])[: LONGEST + 1])
        try:
            await self._run(self._hasher.verify, stored or self._nobody, given)
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

    async def _run(self, function: Callable[..., T], *arguments: str | bytes) -> T:
        if self._taken >= _AT_ONCE + _MOST_WAITING:
            raise TooManySignIns
        self._taken += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, function, *arguments)
        finally:
            self._taken -= 1


def _encode(text: str) -> bytes:
    # JSON can smuggle in half a surrogate pair. That must not raise: the error would carry all of
    # the password.
    return text.encode(errors="surrogatepass")
