"""Carries the log of changes out in this process; while it can't, the process grants nothing.

A call whose key was removed is cut by whoever reads the removal. So when the log can't be read, no
call may begin here, and those that run are ended before a removal could be heard too late. Bookings
don't hang on this: they look the key up themselves.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final, Protocol

from broker.live import LiveCalls
from store.changes import Change, Tail

_LOG: Final = logging.getLogger("keysteward")
_AGAIN_SECONDS: Final = 0.1
_DEAF_SECONDS: Final = 0.5
"""So long running calls go on without anybody hearing of removals."""


class Told(Protocol):
    """Whoever else hears of changes: the open subscriptions."""

    def apply(self, changes: Iterable[Change]) -> None:
        """Hear of them."""


class Follower:
    """Follows the log for as long as the process serves: cuts first, then tells."""

    def __init__(self, tail: Tail, live: LiveCalls, told: Told) -> None:
        self._tail = tail
        self._live = live
        self._told = told
        self._deaf_since: float | None = None

    async def run(self) -> None:
        """Follow until cancelled. However this ends, nothing is granted afterwards."""
        try:
            while True:
                try:
                    await self._follow()
                except (Exception, asyncio.CancelledError) as error:
                    if _is_asked_to_stop():
                        raise
                    # A cancelled read is a failure like any other: nobody asked this task to end.
                    self._fail(error)
                await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            self._live.go_deaf()
            self._live.give_up()

    async def _follow(self) -> None:
        while batch := await self._tail.catch_up():
            self._carry_out(batch)
        self._deaf_since = None
        self._live.hear_again()
        async for batch in self._tail:
            self._carry_out(batch)

    def _carry_out(self, batch: list[Change]) -> None:
        try:
            self._live.apply(batch)
            self._told.apply(batch)
        except BaseException:
            self._tail.again()
            raise

    def _fail(self, error: BaseException) -> None:
        self._live.go_deaf()
        now = asyncio.get_running_loop().time()
        if self._deaf_since is None:
            self._deaf_since = now
            _LOG.error("The log of changes can't be followed: no calls are made.", exc_info=error)
        elif now - self._deaf_since >= _DEAF_SECONDS:
            self._live.give_up()


def _is_asked_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
