"""The open `keyRevoked` subscriptions of this process: each hears its account's revocations.

The wake is a level trigger: nothing is queued for anybody. A listener that was woken reads what
stands above its cursor, so a slow one can neither hold others up nor miss anything.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import Final

from ulid import ULID

from store import Clock, Owner
from store.changes import Change, Reason
from vault.revocations import Listener, Revocations

HEARTBEAT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Audience:
    """Who listens: an owner (`tool` is None), or one process of a tool, and what concerns it."""

    owner: Owner
    tool: str | None = None
    instance: str = ""
    providers: tuple[str, ...] | None = None

    def concerns(self, change: Change) -> bool:
        """Tell whether this revocation is for these ears: a tool hears of what it may use."""
        if change.reason is None:
            return False
        if self.tool is None:
            return True
        if change.reason is Reason.TOOL_REVOKED:
            return change.tool == self.tool
        return self.providers is None or change.provider in self.providers


@dataclass(frozen=True, slots=True)
class Reached:
    """Everything up to `head` has been given out: a heartbeat. `at` is in microseconds."""

    head: int
    at: int


@dataclass(eq=False, slots=True)
class _Ear:
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Listeners:
    """All who listen in this process, by account."""

    def __init__(
        self,
        revocations: Revocations,
        worker: str,
        clock: Clock,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._revocations = revocations
        self._worker = worker
        self._clock = clock
        self._heartbeat = heartbeat_seconds
        self._ears: dict[str, set[_Ear]] = {}

    def apply(self, changes: Iterable[Change]) -> None:
        """Wake the listeners of the accounts that had something revoked; nobody else is touched."""
        for account in {change.account for change in changes if change.reason is not None}:
            for ear in self._ears.get(account, ()):
                ear.wake.set()

    async def hear(
        self, audience: Audience, after: int | None
    ) -> AsyncGenerator[Change | Reached, None]:
        """Give every revocation after `after` (None: from now on), then live ones; heartbeats too.

        Raises `CursorExpired`.
        """
        owner, ear = audience.owner, _Ear()
        cursor = await self._revocations.head(owner) if after is None else after
        note = None
        self._ears.setdefault(owner.account, set()).add(ear)
        try:
            if audience.tool is not None:
                note = Listener(
                    f"lsn_{ULID()}",
                    owner.account,
                    audience.tool,
                    audience.instance,
                    cursor,
                    self._clock(),
                )
                await self._revocations.note_listener(self._worker, note)
            while True:
                ear.wake.clear()
                found, cursor = await self._revocations.after(owner, cursor)
                for change in found:
                    if audience.concerns(change):
                        yield change
                yield Reached(cursor, self._clock())
                await _woken(ear, self._heartbeat)
        finally:
            ears = self._ears[owner.account]
            ears.discard(ear)
            if not ears:
                del self._ears[owner.account]
            if note is not None:
                self._revocations.drop_listener(note)


async def _woken(ear: _Ear, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await ear.wake.wait()
    except TimeoutError:
        pass
