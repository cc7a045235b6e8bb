"""Listens for revocations, applies each exactly once, says so, and fails closed.

One task does everything in order: read, apply, move the cursor, acknowledge. Nothing is queued
here, so a flood waits in the server's buffers, and a revocation that can't be applied holds back
those behind it while the listener reports unsafe.
"""

import asyncio
import contextlib
import inspect
import logging
import math
import os
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from keysteward.client import clock as sleepless
from keysteward.client.address import endpoint_of
from keysteward.client.backoff import Backoff, Jitter, spread
from keysteward.client.cursor_file import CursorFile, CursorUnreadable
from keysteward.client.errors import CursorLost, Ended, Interrupted, TokenRefused, Unsafe
from keysteward.client.events import CursorExpired, Event, Heartbeat, Reason, Revocation
from keysteward.client.handover import Handover
from keysteward.client.memory import Memory
from keysteward.client.token import Token
from keysteward.client.wire import AcknowledgementAnswered, Wire, connected

BOUND_SECONDS: Final = 15.0
_LONGEST_INSTANCE: Final = 100
_HEALTHY_SECONDS: Final = 10.0
"""A connection that was good for this long counts as no failure when it ends."""
_PARTING_SECONDS: Final = 2.0
"""How long a revoked tool waits for the answer to its last acknowledgement."""

_log: Final = logging.getLogger("keysteward.client")

OnRevoked = Callable[[Revocation], Awaitable[object] | object]
OnRelist = Callable[[], Awaitable[object] | object]


@dataclass(slots=True)
class _Stream:
    """What one connection knows of its subscription.

    `since` and `asked_at` are by our clock, `silent_at` and `ask_again_at` by the event loop's.
    """

    wire: Wire
    since: float
    silent_at: float
    asked_at: float = 0.0
    answered: bool = False
    """Whether a heartbeat has come since it was asked: all that there was has been given."""
    ask_again_at: float | None = None
    relisted: bool = False


class Listener:
    """One running process of a tool, listening.

    `on_revoked` is called with each revocation; the cursor moves when it has returned. An
    `async for` over the listener takes part in the same way, from where it begins: its body is
    through when it comes round for the next. When either raises, the listener is unsafe and tries
    again. A crash between the end of `on_revoked` and the writing of `cursor_file` repeats that
    one revocation at the next start, so both may well be idempotent.

    `on_relist` is called when what was revoked in between can't be learnt any more: drop all that
    is held, list anew, return. Without it the listener ends with `CursorLost`.

    Without `cursor` and `cursor_file` it hears from now on: wait for `until_safe`, then list what
    there is, and nothing falls between.

    `bound` is how many seconds may pass without a heartbeat before it is unsafe; it must exceed the
    server's own interval (5 s by default). `instance` names this process to the server. `tls`
    stands for certificates other than the system's. `clock` and `jitter` are for tests.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        instance: str | None = None,
        cursor: str | None = None,
        cursor_file: str | os.PathLike[str] | None = None,
        bound: float = BOUND_SECONDS,
        on_revoked: OnRevoked | None = None,
        on_relist: OnRelist | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = sleepless.seconds,
        jitter: Jitter = spread,
    ) -> None:
        """Check what was given; raises `ValueError`, and `TokenRefused` for what is no token."""
        self._token = Token(token)
        self._endpoint = endpoint_of(url)
        self.instance: Final = secrets.token_hex(8) if instance is None else instance
        if not 0 < len(self.instance) <= _LONGEST_INSTANCE:
            raise ValueError(f"An instance's name has 1 to {_LONGEST_INSTANCE} characters.")
        if not (bound > 0 and math.isfinite(bound)):
            raise ValueError("The bound is a number of seconds above 0.")
        if cursor is not None and cursor_file is not None:
            raise ValueError("Give a cursor or a cursor_file, not both.")
        self.bound: Final = bound
        self._cursor = cursor
        self._file = (
            None
            if cursor_file is None
            else CursorFile(Path(cursor_file), self._endpoint, self._token)
        )
        self._on_revoked = on_revoked
        self._on_relist = on_relist
        self._tls = tls
        self._clock = clock
        self._jitter = jitter

        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._handover: Handover | None = None
        self._memory = Memory()
        self._applied: str | None = None
        self._acknowledged: str | None = None
        self._heard_at: float | None = None
        self._relist_due = False
        self._trouble: str | None = None
        self._end: Unsafe | None = None

    def __repr__(self) -> str:
        state = "safe" if self.safe else "unsafe"
        return f"<Listener {self.instance} at {self._endpoint}: {state}, cursor {self._cursor!r}>"

    # What a tool asks. Plain reads, so any thread may.

    @property
    def safe(self) -> bool:
        """Whether everything revoked up to `bound` seconds ago is known and applied here."""
        return self._doubt() is None

    def require_safe(self) -> None:
        """Return when safe. Raises `Unsafe`, or the `Ended` that says why it never will be."""
        if doubt := self._doubt():
            raise doubt

    def revoked(self, key: str, version: int | None = None) -> bool:
        """Tell whether the key is known to be gone since this listener started or last re-listed.

        A rotated key lives on in a newer version; give the version held to have that one judged.
        True is known from the moment that it is heard. False means nothing while not `safe`.
        """
        return self._memory.gone(key, version)

    @property
    def cursor(self) -> str | None:
        """Up to where everything is applied: keep it, and give it back to resume."""
        return self._cursor

    async def until_safe(self) -> None:
        """Wait until caught up. Raises `Ended` when that will never be, `Unsafe` when closed."""
        while (doubt := self._doubt()) is not None:
            if self._end is not None:
                raise doubt
            self._news.clear()
            await self._news.wait()

    async def ended(self) -> None:
        """Wait until the listener stops. Raises the `Ended` that stopped it."""
        if self._task is not None:
            await asyncio.wait([self._task])
        if isinstance(self._end, Ended):
            raise _again(self._end)

    async def __aiter__(self) -> AsyncIterator[Revocation]:
        """Give each revocation from now on; raises the `Ended` that stops the listener."""
        if self._handover is not None:
            # A loop that was left by `break` or an error may not have been cleared away yet.
            self._handover.leave()
        handover = self._handover = Handover()
        try:
            while self._end is None and (revocation := await handover.take()) is not None:
                yield revocation
        finally:
            handover.leave()
            if self._handover is handover:
                self._handover = None
        if isinstance(self._end, Ended):
            raise _again(self._end)

    # Its life.

    async def __aenter__(self) -> Self:
        """Start listening; returns before the first word is heard. Raises `OSError` of the file."""
        if self._task is not None:
            raise RuntimeError("A listener runs once; make another.")
        if self._file is not None:
            try:
                self._cursor = await asyncio.to_thread(self._file.read)
            except CursorUnreadable:
                self._relist_due = True
        if self._cursor is not None:
            self._memory.passed(self._cursor)
        self._task = asyncio.create_task(self._run(), name="keysteward listener")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        backoff = Backoff(self._jitter)
        try:
            while True:
                try:
                    await self._listen(backoff)
                except Interrupted as interruption:
                    wait = backoff.wait()
                    _log.info("%s Trying again in %.1f s.", interruption, wait)
                    await asyncio.sleep(wait)
        except Ended as end:
            self._end = _again(end)
            _log.error("The listener has stopped: %s", end)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end in silence
            self._end = Ended(f"The listener stopped on an error of its own: {error!r}")
            _log.exception("The listener stopped on an error of its own.")
        finally:
            self._end = self._end or Unsafe("The listener is closed.")
            self._news.set()
            if self._handover is not None:
                self._handover.end()

    async def _listen(self, backoff: Backoff) -> None:
        """Hear one connection out. Leaves by `Interrupted` or `Ended` alone."""
        async with connected(self._endpoint, self._token, self.instance, self._tls) as wire:
            stream = _Stream(wire, since=self._clock(), silent_at=self._loop_time() + self.bound)
            await self._ask(stream)
            while True:
                match await self._next(stream):
                    case Revocation() as revocation:
                        await self._hear(stream, revocation)
                    case Heartbeat(head):
                        await self._heartbeat(stream, head)
                        if self._clock() - stream.since >= _HEALTHY_SECONDS:
                            backoff.reset()
                    case CursorExpired(head):
                        await self._expired(stream, head)
                    case AcknowledgementAnswered(cursor, problem):
                        await self._acknowledgement_answered(wire, cursor, problem)
                    case None:
                        await self._ask(stream)

    # Hearing.

    async def _ask(self, stream: _Stream) -> None:
        """Ask for all that came after the cursor. The answer's first heartbeat proves it fresh."""
        stream.asked_at, stream.answered, stream.ask_again_at = self._clock(), False, None
        await stream.wire.listen(self._cursor)

    async def _next(self, stream: _Stream) -> Event | AcknowledgementAnswered | None:
        """Give what comes next; None when it is time to ask again."""
        due = stream.ask_again_at
        try:
            async with asyncio.timeout_at(min(stream.silent_at, due or math.inf)):
                return await stream.wire.next()
        except TimeoutError:
            if due is not None and due <= self._loop_time():
                return None
            raise Interrupted(f"No word from the server for {self.bound:g} s.") from None

    async def _hear(self, stream: _Stream, revocation: Revocation) -> None:
        if self._memory.has_passed(revocation.cursor):
            return
        await self._apply(revocation)
        stream.silent_at = self._loop_time() + self.bound
        if revocation.reason is Reason.TOOL_REVOKED:
            await self._part(stream.wire)
            raise TokenRefused("The tool's token was revoked.")
        await self._acknowledge(stream.wire)

    async def _heartbeat(self, stream: _Stream, head: str) -> None:
        """Take the server's word that there is nothing up to `head` that was not given.

        The word is taken at once for the first heartbeat after asking: it answers a question
        whose time we know. A later one must name the place where we stand and follow the one before
        within the bound. A head further on is mostly some change that is no revocation, but
        may be a revocation lost on the way; and after a longer silence the heartbeat may be an old
        one that waited in a buffer while this machine slept. Either way: ask again.
        """
        stream.silent_at = self._loop_time() + self.bound
        now = self._clock()
        if not stream.answered:
            stream.answered = True
            await self._relist_if_due()
            await self._move(head)
            self._heard(stream.asked_at)
        elif head == self._cursor and not self._silent_since(now):
            self._heard(now)
        elif stream.ask_again_at is None:
            # Spread out: thousands of tools hear the same heartbeat in the same millisecond.
            stream.ask_again_at = self._loop_time() + self._jitter(self.bound / 5)
        await self._acknowledge(stream.wire)

    async def _expired(self, stream: _Stream, head: str) -> None:
        """Have the tool list anew, then go on from the head."""
        if stream.relisted:
            # Not at once: a server that says so each time would have the tool list without end.
            raise Interrupted("The cursor had expired once more.")
        stream.relisted = True
        self._relist_due = True
        self._memory.forget_keys()
        self._memory.forget_cursors()
        await self._relist_if_due()
        await self._move(head)
        await self._ask(stream)

    def _heard(self, at: float) -> None:
        self._heard_at = at
        self._news.set()

    # Applying.

    async def _apply(self, revocation: Revocation) -> None:
        """Apply one that is new. Every step is done before the next, and until it succeeds."""
        if self._memory.full:
            self._relist_due = True
            self._memory.forget_keys()
        await self._relist_if_due()
        self._memory.note(revocation)
        if revocation.reason is Reason.TOOL_REVOKED:
            self._trouble = "The tool's token was revoked."
        if (on_revoked := self._on_revoked) is not None:
            await self._insist("on_revoked", lambda: on_revoked(revocation))
        await self._insist("The loop over the listener", lambda: self._hand_over(revocation))
        self._memory.passed(revocation.cursor)
        await self._move(revocation.cursor)
        self._applied = revocation.cursor

    async def _hand_over(self, revocation: Revocation) -> None:
        if self._handover is not None:
            await self._handover.give(revocation)

    async def _move(self, cursor: str) -> None:
        """Move the cursor; on disk first."""
        if cursor == self._cursor:
            return
        if (file := self._file) is not None:
            await self._insist("The cursor's file", lambda: asyncio.to_thread(file.write, cursor))
        self._cursor = cursor

    async def _relist_if_due(self) -> None:
        """Have the tool list anew what it holds. Raises `CursorLost` when it gave no way to."""
        if not self._relist_due:
            return
        if self._on_relist is None:
            raise CursorLost(
                "What was revoked since the cursor is no longer known, and no on_relist was given. "
                "Drop what is held, and start a listener without a cursor."
            )
        await self._insist("on_relist", self._on_relist)
        self._relist_due = False

    async def _insist(self, what: str, act: Callable[[], Awaitable[object] | object]) -> None:
        """Do it until it succeeds; until then the listener is unsafe and says why."""
        backoff, before = Backoff(self._jitter), self._trouble
        while True:
            try:
                doing = act()
                if inspect.isawaitable(doing):
                    await doing
            except (Exception, asyncio.CancelledError) as error:
                if _is_ours(error):
                    raise
                self._trouble = f"{what} failed with {type(error).__name__}; it is tried again."
                wait = backoff.wait()
                _log.warning("%s Next in %.1f s.", self._trouble, wait, exc_info=error)
                await asyncio.sleep(wait)
            else:
                self._trouble = before
                self._news.set()
                return

    # Acknowledging.

    async def _acknowledge(self, wire: Wire) -> None:
        """Acknowledge the newest that was applied, unless that is said or an answer is awaited.

        While one is under way, whatever is applied is left to the next: one for a whole burst.
        """
        applied = self._applied
        if wire.acknowledging is None and applied is not None and applied != self._acknowledged:
            await wire.acknowledge(applied, self.instance)

    async def _acknowledgement_answered(self, wire: Wire, cursor: str, problem: str | None) -> None:
        if problem is None:
            self._acknowledged = cursor
            await self._acknowledge(wire)
        else:
            # The next heartbeat has it tried again.
            _log.warning("The server did not take the acknowledgement of %r: %s", cursor, problem)

    async def _part(self, wire: Wire) -> None:
        """Acknowledge the revocation of the tool itself; closing at once would cut that off."""
        with contextlib.suppress(TimeoutError, Interrupted, TokenRefused):
            async with asyncio.timeout(_PARTING_SECONDS):
                await self._acknowledge(wire)
                while wire.acknowledging is not None:
                    await wire.next()

    # Judging.

    def _doubt(self) -> Unsafe | None:
        """Give what stands against being safe, or None."""
        if self._end is not None:
            return _again(self._end)
        if self._task is None:
            sentence = "The listener has not been started: use it with `async with`."
        elif self._trouble is not None:
            sentence = self._trouble
        elif self._relist_due:
            sentence = "What is held must be listed anew, and on_relist has not returned yet."
        elif self._heard_at is None:
            sentence = "The listener has not caught up with the server yet."
        elif self._silent_since(self._clock()):
            sentence = f"Nothing was heard from the server for more than {self.bound:g} s."
        else:
            return None
        return Unsafe(sentence)

    def _silent_since(self, now: float) -> bool:
        return self._heard_at is None or now - self._heard_at > self.bound

    @staticmethod
    def _loop_time() -> float:
        return asyncio.get_running_loop().time()


def _again(end: Unsafe) -> Unsafe:
    """Give the same error anew: one that is raised in many places gathers all their tracebacks."""
    return type(end)(str(end))


def _is_ours(error: BaseException) -> bool:
    """Tell our own cancellation from one that came out of somebody's callback."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
