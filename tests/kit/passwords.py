"""Argon2id as cheap as it goes, so that tests of everything else don't pay for it."""

import argon2
from argon2 import Parameters
from argon2.low_level import ARGON2_VERSION

CHEAP = Parameters(
    type=argon2.Type.ID,
    version=ARGON2_VERSION,
    salt_len=16,
    hash_len=32,
    time_cost=1,
    memory_cost=8,
    parallelism=1,
)
