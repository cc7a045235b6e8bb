"""The clock by which silence is measured."""

import sys
import time


def seconds() -> float:
    """Give seconds on a clock that never steps, and that runs on while the machine sleeps.

    `time.monotonic` stands still in a suspended laptop or virtual machine (on Linux and macOS), and
    would call an hour-old word fresh.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()
