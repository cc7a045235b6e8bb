"""How long to wait before the next try: exponential, bounded, with full jitter."""

import random
from collections.abc import Callable
from typing import Final

FIRST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 30.0
_MOST_DOUBLINGS: Final = 16

Jitter = Callable[[float], float]
"""Picks a wait, in seconds, between nothing and the ceiling that it is given."""


def spread(ceiling: float) -> float:
    """Pick evenly: many tools that lost one server at one moment come back spread out."""
    return random.uniform(0, ceiling)  # noqa: S311 - nothing secret about it


class Backoff:
    """Counts failures in a row."""

    def __init__(self, jitter: Jitter) -> None:
        self._jitter = jitter
        self._failures = 0

    def wait(self) -> float:
        """Note one more failure, and give the seconds to wait."""
        ceiling = min(MOST_SECONDS, FIRST_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        return self._jitter(ceiling)

    def reset(self) -> None:
        """Forget the failures: it went well for a while."""
        self._failures = 0
