"""Time as the database keeps it: whole microseconds since 1970 in UTC."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives the present, in microseconds since the epoch. Tests hand in one that they move."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE


def system_clock() -> int:
    """Read the machine's clock."""
    return time.time_ns() // 1000
