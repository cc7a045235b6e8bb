"""Argon2id as cheap as it goes, so that tests of everything else don't pay for it."""

from concurrent.futures import ThreadPoolExecutor

import argon2
from argon2 import Parameters
from argon2.low_level import ARGON2_VERSION

from accounts.passwords import Passwords

CHEAP = Parameters(
    type=argon2.Type.ID,
    version=ARGON2_VERSION,
    salt_len=16,
    hash_len=32,
    time_cost=1,
    memory_cost=8,
    parallelism=1,
)


class CheapPasswords(Passwords):
    """Hashes in threads that take their turn: real ones would wait until no other test runs."""

    def __init__(self) -> None:
        super().__init__(CHEAP)
        self._pool = ThreadPoolExecutor(1, "argon2")
