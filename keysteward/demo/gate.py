"""Waiting for a thing to have happened, and holding an answer half sent. Nothing here sleeps."""

import asyncio
from collections.abc import Callable


class Watch:
    """Lets any number of tasks of one event loop wait until something they look at is true."""

    def __init__(self) -> None:
        self._pulse = asyncio.Event()

    def changed(self) -> None:
        """Make everyone who waits look again."""
        self._pulse.set()
        self._pulse = asyncio.Event()

    async def until(self, true: Callable[[], bool]) -> None:
        """Return once `true()` holds, looking again after each change."""
        while not true():
            await self._pulse.wait()


class Gate:
    """Holds every answer that has sent `after` pieces, until it is released for good.

    A stream's pieces are its SSE events; an answer in JSON is one piece, so `Gate(after=0)` holds
    it before its first byte.
    """

    def __init__(self, after: int = 1) -> None:
        self.after = after
        self.held = 0
        """How many answers stand at the gate now."""
        self._open = asyncio.Event()
        self._watch = Watch()

    def release(self) -> None:
        """Let through all who stand here and all who come."""
        self._open.set()

    async def reached(self, answers: int = 1) -> None:
        """Return once that many answers stand at the gate."""
        await self._watch.until(lambda: self.held >= answers)

    async def passed(self) -> None:
        """Stand at the gate until it is released; the answer's side of it."""
        self.held += 1
        self._watch.changed()
        try:
            await self._open.wait()
        finally:
            self.held -= 1
            self._watch.changed()
