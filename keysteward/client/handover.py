"""Hands revocations to an `async for`, one at a time: the next when the last is worked through."""

import asyncio

from keysteward.client.events import Revocation


class LoopLeft(Exception):  # noqa: N818 - says what happened
    """The loop was left before it came round for the next, so what it held may not be applied."""


class Handover:
    """Between the listener, which gives, and one loop, which takes; holds one revocation."""

    def __init__(self) -> None:
        self._offered: tuple[Revocation, asyncio.Future[None]] | None = None
        self._working: asyncio.Future[None] | None = None
        self._news = asyncio.Event()
        self._left = False

    async def give(self, revocation: Revocation) -> None:
        """Return once the loop has worked it through. Raises `LoopLeft`."""
        worked = asyncio.get_running_loop().create_future()
        self._offered = revocation, worked
        self._news.set()
        await worked

    def end(self) -> None:
        """Nothing more will be given."""
        self._offered = None
        self._news.set()

    async def take(self) -> Revocation | None:
        """Say that the one before is worked through; wait for the next. None: there is no more.

        Raises `RuntimeError` when another loop has taken this one's place.
        """
        if self._working is not None and not self._working.done():
            self._working.set_result(None)
        if not self._left:
            await self._news.wait()
        if self._left:
            raise RuntimeError("Another loop has begun over this listener, which serves one.")
        self._news.clear()
        if self._offered is None:
            return None
        revocation, self._working = self._offered
        self._offered = None
        return revocation

    def leave(self) -> None:
        """Take no more; what was taken last does not count as worked through."""
        self._left = True
        self._news.set()
        offered = None if self._offered is None else self._offered[1]
        for worked in (offered, self._working):
            if worked is not None and not worked.done():
                worked.set_exception(LoopLeft())
