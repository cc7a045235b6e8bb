"""The open subscriptions of this process: each hears its account's revocations, or its ceilings.

The wake is a level trigger: nothing is queued for anybody. Whoever was woken reads what stands
above its cursor, so a slow one can neither hold others up nor miss anything.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from ulid import ULID

from store import Clock, Failure, Owner
from store.changes import Change, Kind, Reason
from vault.revocations import Listener, Revocations

T = TypeVar("T")
Read = Callable[[int], Awaitable[tuple[list[T], int, bool]]]
"""Gives what stands above a place in the log, up to where it reaches, and whether that is all."""

HEARTBEAT_SECONDS: Final = 5.0
_MANY: Final = 100
_SIGNED_OUT: Final = frozenset(
    {
        Kind.SESSION_ENDED,
        Kind.USER_TOKEN_REVOKED,
        Kind.ACCOUNT_DISABLED,
        Kind.ACCOUNT_DELETED,
    }
)


class Ended(Failure):
    """The tool's token was revoked, or has expired: it hears nothing more."""

    def __init__(self) -> None:
        super().__init__("This tool's token is gone.")


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

    def is_governed_by(self, change: Change) -> bool:
        """Tell whether this change of a ceiling is for these ears: a tool hears of its own."""
        if self.tool is None:
            return True
        if change.tool not in {None, self.tool}:
            return False
        return self.providers is None or change.provider in {None, *self.providers}

    def ends_with(self, change: Change) -> bool:
        """Tell whether this revocation is the last thing to hear: the tool's own token is gone."""
        return (
            change.reason is Reason.TOOL_REVOKED
            and self.tool is not None
            and change.tool == self.tool
        )


@dataclass(frozen=True, slots=True)
class Reached:
    """Everything up to `head` has been given out: a heartbeat. `at` is in microseconds."""

    head: int
    at: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listener stands: after the change `seq`. `note` is a tool's row for as long."""

    seq: int
    note: Listener | None


@dataclass(eq=False, slots=True)
class _Ear:
    wake: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Seen:
    """What a fan-out has to look into. Each stands here once, however often it changed."""

    revoked_in: set[str] = field(default_factory=set)
    """Accounts in which something was revoked."""
    ended: set[str] = field(default_factory=set)
    """Tools whose tokens are gone."""
    signed_out: set[str] = field(default_factory=set)
    """Accounts of which a session or a user's token ended, or that may sign in no more."""
    stopped: set[str] = field(default_factory=set)
    """Accounts of which no tool may go on either."""
    moved: set[str] = field(default_factory=set)
    """Accounts that have another id now: these are the old ones."""


class Watch:
    """What a fan-out looks at: what has happened since it last looked."""

    def __init__(self) -> None:
        self._seen = Seen()
        self._wake = asyncio.Event()

    def note(self, changes: Iterable[Change]) -> None:
        """Note down who has something to read."""
        for change in changes:
            if change.kind in _SIGNED_OUT:
                self._seen.signed_out.add(change.account)
                if change.kind is Kind.ACCOUNT_DISABLED:
                    self._seen.stopped.add(change.account)
            elif change.kind is Kind.ACCOUNT_MOVED and change.was is not None:
                self._seen.moved.add(change.was)
            elif change.reason is None:
                continue
            else:
                self._seen.revoked_in.add(change.account)
                if change.reason is Reason.TOOL_REVOKED and change.tool is not None:
                    self._seen.ended.add(change.tool)
            self._wake.set()

    async def look(self) -> Seen:
        """Wait for something to look into, and give it."""
        await self._wake.wait()
        self._wake.clear()
        seen, self._seen = self._seen, Seen()
        return seen


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
        self._ears: dict[str, set[_Ear]] = {}
        self._watches: set[Watch] = set()
        self.heartbeat_seconds = heartbeat_seconds

    def apply(self, changes: Iterable[Change]) -> None:
        """Wake the listeners of the accounts that have news for them; nobody else is touched."""
        changes = list(changes)
        for account in {change.account for change in changes if _is_heard(change)}:
            for ear in self._ears.get(account, ()):
                ear.wake.set()
        for watch in self._watches:
            watch.note(changes)

    def watch(self) -> Watch:
        """Begin to watch all accounts: for a fan-out, that tells many listeners at once."""
        watch = Watch()
        self._watches.add(watch)
        return watch

    def unwatch(self, watch: Watch) -> None:
        """Watch no longer."""
        self._watches.discard(watch)

    async def place(self, audience: Audience, after: int | None) -> Place:
        """Give where to listen from; a tool's is noted down durably, so that revocations wait.

        Raises `Ended` when the tool's token is gone.
        """
        owner = audience.owner
        if audience.tool is None:
            return Place(await self._revocations.head(owner) if after is None else after, None)
        note = await self._revocations.begin_listening(
            self._worker,
            Listener(
                f"lsn_{ULID()}", owner.account, audience.tool, audience.instance, 0, self._clock()
            ),
            after,
        )
        if note is None:
            raise Ended
        return Place(note.start, note)

    def leave(self, place: Place) -> None:
        """Note down that nobody listens there any longer."""
        if place.note is not None:
            self._revocations.drop_listener(place.note)

    async def after(self, owner: Owner, seq: int) -> tuple[list[Change], int, bool]:
        """Give revocations above `seq`, up to where they reach, and whether that is all for now.

        Raises `CursorExpired` and `AccountGone`.
        """
        found, reached = await self._revocations.after(owner, seq)
        # Many may be one page of several: read on at once, without a heartbeat between.
        return found, reached, len(found) < _MANY

    def reached(self, seq: int) -> Reached:
        """Give the heartbeat of this moment."""
        return Reached(seq, self._clock())

    async def hear(
        self, audience: Audience, after: int | None
    ) -> AsyncGenerator[Change | Reached, None]:
        """Give every revocation after `after` (None: from now on), then live ones.

        A heartbeat comes once all that was missed has been given, then every few seconds. A tool
        whose own end was given hears nothing more. Raises `CursorExpired` and `AccountGone`.
        """
        owner = audience.owner
        with self._ear(owner) as ear:
            try:
                place = await self.place(audience, after)
            except Ended:
                return
            try:
                events = self._from(
                    place.seq,
                    ear,
                    lambda seq: self.after(owner, seq),
                    caught_up=after is None,
                )
                async with contextlib.aclosing(events):
                    async for event in events:
                        if isinstance(event, Reached):
                            yield event
                        elif audience.concerns(event):
                            yield event
                            if audience.ends_with(event):
                                return
            finally:
                self.leave(place)

    async def follow(
        self, owner: Owner, seq: int, read: Read[T], *, caught_up: bool
    ) -> AsyncGenerator[T | Reached, None]:
        """Give what `read` finds above `seq`, then what comes live, with heartbeats as `hear` does.

        Nobody waits for who listens so: nothing of it is noted down. Raises what `read` raises.
        """
        with self._ear(owner) as ear:
            events = self._from(seq, ear, read, caught_up=caught_up)
            async with contextlib.aclosing(events):
                async for event in events:
                    yield event

    async def _from(
        self, seq: int, ear: _Ear, read: Read[T], *, caught_up: bool
    ) -> AsyncGenerator[T | Reached, None]:
        clock, beat = asyncio.get_running_loop().time, 0.0
        if caught_up:
            yield self.reached(seq)
            beat = clock() + self.heartbeat_seconds
        while True:
            ear.wake.clear()
            found, seq, is_all = await read(seq)
            for each in found:
                yield each
            if not is_all:
                continue
            if clock() >= beat:
                yield self.reached(seq)
                beat = clock() + self.heartbeat_seconds
            await _woken(ear, until=beat)

    @contextlib.contextmanager
    def _ear(self, owner: Owner) -> Iterator[_Ear]:
        ear = _Ear()
        self._ears.setdefault(owner.account, set()).add(ear)
        try:
            yield ear
        finally:
            ears = self._ears[owner.account]
            ears.discard(ear)
            if not ears:
                del self._ears[owner.account]


def _is_heard(change: Change) -> bool:
    return change.reason is not None or change.kind is Kind.CEILING_HIT


async def _woken(ear: _Ear, *, until: float) -> None:
    try:
        async with asyncio.timeout_at(until):
            await ear.wake.wait()
    except TimeoutError:
        pass
