"""The request's body, as it comes from the tool: whole where it is short or a ceiling needs it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final

from broker.errors import BodyTooLarge, ClientGone
from broker.live import Scope
from broker.tally import Tally

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_WATCH_AFTER_SECONDS: Final = 0.05
_DRAIN_SECONDS: Final = 60.0
_LONGEST_STALL: Final = 300.0
"""Seconds for which a tool may take nothing of its answer: meanwhile it holds money."""
LARGEST_WHOLE: Final = 32 * 1024 * 1024
"""Of a longer body no bound is worked out: it would have to be held in memory."""


class Intake:
    """Takes one request's body. What was taken is given once, whole or as it comes."""

    def __init__(self, receive: Receive, *, has_body: bool) -> None:
        self._receive = receive
        self._pieces: list[bytes] = []
        self._more = has_body

    @property
    def is_whole(self) -> bool:
        """Tell whether all of it is at hand."""
        return not self._more

    @property
    def first(self) -> bytes:
        """Give the piece that came first."""
        return self._pieces[0] if self._pieces else b""

    @property
    def whole(self) -> bytes | None:
        """Give all of it; None where that is not at hand."""
        return None if self._more else self._joined()

    async def begin(self) -> None:
        """Take the first piece: of most requests that is all."""
        if self._more:
            self._pieces.append(await self._next())

    async def finish(self) -> None:
        """Take the rest. Raises `BodyTooLarge`."""
        size = sum(map(len, self._pieces))
        while self._more:
            piece = await self._next()
            size += len(piece)
            if size > LARGEST_WHOLE:
                raise BodyTooLarge(LARGEST_WHOLE)
            self._pieces.append(piece)

    async def as_it_comes(self, tally: Tally, then: Callable[[], None]) -> AsyncIterator[bytes]:
        """Give it piece by piece; `then` is called once all of it has been taken."""
        for piece in self._pieces:
            yield piece
        while self._more:
            piece = await self._next()
            tally.bytes_in += len(piece)
            yield piece
        then()

    def _joined(self) -> bytes:
        if len(self._pieces) > 1:
            self._pieces = [b"".join(self._pieces)]
        return self.first

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self._more = message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece


class Drains:
    """How many answers are taken to their end for tools that have hung up: few at a time."""

    __slots__ = ("most", "running", "seconds", "stall")

    def __init__(
        self, most: int = 64, seconds: float = _DRAIN_SECONDS, stall: float = _LONGEST_STALL
    ) -> None:
        self.most = most
        self.running = 0
        self.seconds = seconds
        self.stall = stall
        """Seconds for which a tool that has not hung up may take nothing."""


class Hangup:
    """Notices that the tool hung up while its answer is awaited or passed on.

    The call then ends; or, where only the end of the answer says how much of a ceiling comes free,
    the rest of it is taken, for so long. Watching costs a task, so it begins only for a call that
    takes its time.
    """

    __slots__ = (
        "_drains",
        "_is_draining",
        "_receive",
        "_scope",
        "_stall",
        "_stall_timer",
        "_stopped",
        "_tally",
        "_timer",
        "_watch",
    )

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        tally: Tally,
        drains: Drains | None,
        *,
        stall: float = _LONGEST_STALL,
    ) -> None:
        """`drains` is None for a call that ends at once; `stall` is in seconds."""
        self._scope = scope
        self._receive = receive
        self._tally = tally
        self._drains = drains
        self._is_draining = False
        self._watch: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stall = stall
        self._stall_timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def start(self) -> None:
        """Watch, now that the request's body has been taken: only a hang-up can come."""
        # An answer can be whole before the request is: then there is nothing left to watch.
        if not self._stopped:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_WATCH_AFTER_SECONDS, self._begin)

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        if self._is_draining and self._drains is not None:
            self._is_draining = False
            self._drains.running -= 1

    def _begin(self) -> None:
        self._watch = asyncio.get_running_loop().create_task(self._wait())
        self._look()

    def _look(self) -> None:
        """End a call whose tool has taken nothing for too long; looks now and then."""
        loop, since = asyncio.get_running_loop(), self._tally.giving_since
        if since is not None and loop.time() - since >= self._stall:
            self._scope.end(ClientGone())
        else:
            self._stall_timer = loop.call_later(self._stall / 5, self._look)

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        drains = self._drains
        # Before anything has left there is nothing to be known from the answer.
        if drains is None or drains.running >= drains.most or not self._tally.dispatched:
            self._scope.end(ClientGone())
            return
        self._tally.gone = True
        self._is_draining = True
        drains.running += 1
        self._timer = asyncio.get_running_loop().call_later(
            drains.seconds, self._scope.end, ClientGone()
        )
