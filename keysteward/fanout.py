"""Telling thousands of listeners of one account at once: read once, worded once, written to each.

Nothing is queued for anybody. A socket that can't take a message leaves the others, waits alone
until it can, and reads on from its own place in the log. What a heartbeat says has been reached was
written to that very socket before.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import orjson

from keysteward.voices import Plan, Said, Voice, Voices
from resolvers import Schema
from resolvers.context import Services
from store import Owner
from store.changes import AccountGone, Change, CursorExpired, Reason
from vault.listeners import Audience, Listeners, Place, Seen, Watch

_LOG: Final = logging.getLogger("keysteward.fanout")
_AT_ONCE: Final = 100
"""So many sockets are written to before everybody else has a turn."""
_MOST_ENDED: Final = 10_000
_FAULT: Final = 1011
_RESTART: Final = 1012
_MOVED: Final = "The account has another address. Connect again."
_AGAIN: Final = "Something went wrong. Listen again from your cursor."


class Wire(Protocol):
    """What a member needs of its socket."""

    def post(self, text: str) -> bool:
        """Write without waiting; False, and nothing is written, when the socket is full."""

    async def send(self, text: str) -> None:
        """Write, waiting for as long as the socket is full."""

    def hang_up(self, code: int, reason: str) -> None:
        """Close, without waiting."""


class Guest(Protocol):
    """One socket, as the fan-out knows it."""

    @property
    def wire(self) -> Wire:
        """Give what is written to."""

    def members(self) -> "Iterable[Member]":
        """Give its operations that listen here."""

    def forget_id(self, id: str) -> None:  # noqa: A002
        """Let go of an operation that is over."""

    def end(self) -> None:
        """Close it, for its tool's token is gone, once it was told."""

    def look_again(self) -> None:
        """Close it if whoever it belongs to is signed in no longer."""

    def is_of(self, account: str) -> bool:
        """Tell whether it is that account's: its owner's, or a tool's of it."""

    @property
    def is_in_session(self) -> bool:
        """Tell whether a session's cookie opened it, and no token."""


class _Group:
    """Those in a room who hear the same events in the same words."""

    __slots__ = ("audience", "key", "members", "voice")

    def __init__(self, key: "_Key", audience: Audience, voice: Voice) -> None:
        self.key = key
        self.audience = audience
        self.voice = voice
        self.members: set[Member] = set()


_Key = tuple[Voice, bool, tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class Owed:
    """The one message that a full socket could not take, and how far it tells."""

    text: str
    seq: int
    last: bool


class Member:
    """One listening operation: how far it has heard, and how to tell it more."""

    __slots__ = (
        "_id",
        "_over",
        "audience",
        "group",
        "guest",
        "id",
        "is_new",
        "place",
        "room",
        "seq",
        "task",
        "voice",
    )

    def __init__(
        self, guest: Guest, operation: str, room: "Room", audience: Audience, voice: Voice
    ) -> None:
        self.guest = guest
        self.id = operation
        self._id = orjson.dumps(operation).decode()
        self.room = room
        self.audience = audience
        self.voice = voice
        self.place: Place | None = None
        self.seq = 0
        """Everything up to this change that concerns it has been written to its socket."""
        self.group: _Group | None = None
        """Set while it hears with the others; None while it reads on its own."""
        self.task: asyncio.Task[None] | None = None
        self.is_new = False
        """It listens from now on, and was not told yet where that is: a heartbeat comes first."""
        self._over = False

    @property
    def is_over(self) -> bool:
        """Tell whether it listens no longer."""
        return self._over

    def tell(self, said: Said, seq: int, *, last: bool = False) -> None:
        """Write an event to the socket; when that is full, go on alone."""
        text, last = self._next(said), last or said.last
        if self.guest.wire.post(text):
            self._heard(seq, last=last)
            return
        self.room.part(self)
        self.task = asyncio.create_task(self.go_on(Owed(text, seq, last)))

    async def go_on(self, owed: "Owed | None" = None) -> None:
        """Write what is owed, then read on alone until it stands where the others do."""
        try:
            if owed is not None:
                await self.guest.wire.send(owed.text)
                self._heard(owed.seq, last=owed.last)
            if not self._over:
                await self._catch_up()
        except OSError:
            return  # the socket is gone, and its handler about to say so
        except AccountGone:
            self.guest.wire.hang_up(_RESTART, _MOVED)
        except Exception:  # noqa: BLE001 - logged; the tool is told, and comes again
            _LOG.exception("a listener could not go on")
            self.guest.wire.hang_up(_FAULT, _AGAIN)

    async def _catch_up(self) -> None:
        room = self.room
        try:
            is_all = False
            while not is_all:
                found, reached, is_all = await room.listeners.after(room.owner, self.seq)
                for change in found:
                    if self.audience.concerns(change):
                        said = self.voice.say(change)
                        await self.guest.wire.send(self._next(said))
                        self._heard(change.seq, last=said.last or self.audience.ends_with(change))
                        if self._over:
                            return
                self.seq = reached
        except CursorExpired as expired:
            await self.guest.wire.send(self._next(self.voice.say(expired)))
            self._heard(self.seq, last=True)
        else:
            room.welcome(self)

    def leave(self) -> None:
        """Listen no longer."""
        if self._over:
            return
        self._over = True
        if self.task is not None:
            self.task.cancel()
        if self.place is not None:
            self.room.listeners.leave(self.place)
        self.room.part(self)
        self.room.vacate()

    def _heard(self, seq: int, *, last: bool) -> None:
        self.seq = seq
        self.is_new = False
        if last:
            self.task = None  # it may be the very task that we run in
            self.leave()
            self.guest.wire.post(f'{{"id":{self._id},"type":"complete"}}')
            self.guest.forget_id(self.id)

    def owed(self, beat: Said) -> "Owed":
        """Give the heartbeat that says where it begins, to be written before anything else."""
        return Owed(self._next(beat), self.seq, last=False)

    def _next(self, said: Said) -> str:
        return f'{{"id":{self._id},"type":"next","payload":{said.payload}}}'


class Room:
    """One account's listeners in this process. One reader of the log for all of them."""

    __slots__ = (
        "_due",
        "_fanout",
        "_groups",
        "_newcomers",
        "_seats",
        "_stale",
        "_task",
        "_timer",
        "cursor",
        "listeners",
        "owner",
    )

    def __init__(self, fanout: "Fanout", owner: Owner) -> None:
        self._fanout = fanout
        self.owner = owner
        self.listeners = fanout.listeners
        self.cursor: int | None = None
        """Whoever is in a group has heard everything up to here; None before the first."""
        self._groups: dict[_Key, _Group] = {}
        self._newcomers: list[Member] = []
        self._seats = 0
        self._stale = False
        self._due = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def seat(self) -> None:
        """Count somebody in who is about to listen, so that no wake is missed from here on."""
        self._seats += 1

    def vacate(self) -> None:
        """Count somebody out; with the last, the room is gone."""
        self._seats -= 1
        if not self._seats:
            if self._timer is not None:
                self._timer.cancel()
            if self._task is not None and self._task is not asyncio.current_task():
                self._task.cancel()
            self._fanout.clear(self.owner)

    def stir(self) -> None:
        """Look into the log: there is something new."""
        self._stale = True
        self._wake()

    def welcome(self, newcomer: Member) -> None:
        """Let one in who has heard as much as the others, or all that there was."""
        if self.cursor is None:
            self.cursor = newcomer.seq
            self._set_timer()
        self._newcomers.append(newcomer)
        self._wake()

    def part(self, member: Member) -> None:
        """Let one out, who goes on alone or not at all."""
        group, member.group = member.group, None
        if group is not None:
            group.members.discard(member)
            if not group.members:
                self._groups.pop(group.key, None)

    def _wake(self) -> None:
        # A task only while there is something to do: most rooms are silent most of the time.
        if self._task is None and self.cursor is not None:
            self._task = asyncio.create_task(self._work())

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(
            self.listeners.heartbeat_seconds, self._beat_is_due
        )

    def _beat_is_due(self) -> None:
        self._due = True
        self._set_timer()
        self.stir()

    async def _work(self) -> None:
        try:
            while self._newcomers or self._stale:
                if self._newcomers:
                    await self._greet()
                if self._stale:
                    await self._read()
        except Exception:  # noqa: BLE001 - logged; a room never dies of a database that is away
            # Nobody is told that nothing is missing; the next beat tries again.
            _LOG.exception("the listeners of an account could not be told")
        finally:
            self._task = None

    async def _greet(self) -> None:
        """Give newcomers their first heartbeat, worded once for all who stand at one place."""
        newcomers, self._newcomers = self._newcomers, []
        beats: dict[tuple[Voice, int], Said] = {}
        async for member in _in_turns(newcomers):
            if member.is_over:
                continue
            member.task = None
            is_behind = self.cursor is not None and member.seq < self.cursor
            if is_behind and not member.is_new:
                member.task = asyncio.create_task(member.go_on())
                continue
            at = (member.voice, member.seq)
            if at not in beats:
                beats[at] = member.voice.say(self.listeners.reached(member.seq))
            if is_behind:
                member.task = asyncio.create_task(member.go_on(member.owed(beats[at])))
                continue
            self._join(member)
            member.tell(beats[at], member.seq)

    def _join(self, member: Member) -> None:
        audience = member.audience
        key = (member.voice, audience.tool is None, audience.providers)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(key, audience, member.voice)
        group.members.add(member)
        member.group = group

    async def _read(self) -> None:
        """Read what is new, once for all, and tell those whom it concerns; then beat if due."""
        beat, self._due, self._stale = self._due, False, False
        if self.cursor is None:
            return
        try:
            found, reached, is_all = await self.listeners.after(self.owner, self.cursor)
            for change in found:
                await self._tell(change)
        except AccountGone:
            return  # nobody is told that nothing is missing; their sockets are about to be closed
        except CursorExpired as expired:
            for group in list(self._groups.values()):
                said = group.voice.say(expired)
                async for member in _in_turns(list(group.members)):
                    if member.group is group:
                        member.tell(said, member.seq)
            self.cursor = expired.head
            return
        except BaseException:
            self._due = self._due or beat
            raise
        self.cursor = reached
        self._stale, self._due = self._stale or not is_all, self._due or (beat and not is_all)
        if beat and is_all:
            await self._beat()

    async def _tell(self, change: Change) -> None:
        # From here on whoever comes must have heard of this change on their own.
        self.cursor = change.seq
        for group, members in self._concerned(change):
            try:
                said = group.voice.say(change)
            except Exception:  # noqa: BLE001 - logged; whoever missed it comes again
                _LOG.exception("an event could not be worded")
                for member in members:
                    member.guest.wire.hang_up(_FAULT, _AGAIN)
                continue
            async for member in _in_turns(members):
                if member.group is group and member.seq < change.seq:
                    member.tell(said, change.seq, last=member.audience.ends_with(change))

    def _concerned(self, change: Change) -> list[tuple[_Group, list[Member]]]:
        """Give whom a change concerns, as they are now; the others are not even looked at."""
        if change.reason is not Reason.TOOL_REVOKED:
            return [
                (group, list(group.members))
                for group in self._groups.values()
                if group.audience.concerns(change)
            ]
        found = [
            (group, list(group.members))
            for group in self._groups.values()
            if group.audience.tool is None
        ]
        for guest in self._fanout.guests_of(change.tool):
            found += [
                (member.group, [member])
                for member in guest.members()
                if member.group is not None and member.room is self
            ]
        return found

    async def _beat(self) -> None:
        """Say how far everything has been told: worded once a document, written to each."""
        if self.cursor is None:
            return
        beat, beats = self.listeners.reached(self.cursor), dict[Voice, Said]()
        for group in list(self._groups.values()):
            if group.voice not in beats:
                beats[group.voice] = group.voice.say(beat)
            async for member in _in_turns(list(group.members)):
                if member.group is group and member.seq <= beat.head:
                    member.tell(beats[group.voice], beat.head)


class Fanout:
    """All rooms of this process, and all sockets of each tool and of each account's owner."""

    def __init__(self, schema: Schema, services: Services) -> None:
        self.listeners: Listeners = services.listeners
        self._voices = Voices(schema, services)
        self._rooms: dict[str, Room] = {}
        self._guests: dict[str, set[Guest]] = {}
        self._ended: dict[str, None] = {}
        self._sockets = 0
        self._watch: Watch | None = None
        self._following: asyncio.Task[None] | None = None

    def plan(self, query: str, operation_name: str | None, variables: Any) -> Plan:
        """Give how to serve this operation. Raises `NotShared` when it goes the ordinary path."""
        return self._voices.plan(query, operation_name, variables)

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Follow what happens for as long as a socket is open."""
        if self._watch is None:
            self._watch = self.listeners.watch()
            self._following = asyncio.create_task(self._follow(self._watch))
        self._sockets += 1
        try:
            yield
        finally:
            self._sockets -= 1
            if not self._sockets:
                self.listeners.unwatch(self._watch)
                if self._following is not None:
                    self._following.cancel()
                self._watch = self._following = None
                self._voices.close()

    def admit(self, guest: Guest, whose: str) -> None:
        """Note whose socket it is, a tool's or an account's: it closes when they may not go on."""
        if whose in self._ended:  # after its token was looked up, before we knew of this socket
            guest.end()
        else:
            self._guests.setdefault(whose, set()).add(guest)

    def dismiss(self, guest: Guest, whose: str) -> None:
        """Forget a socket."""
        guests = self._guests.get(whose, set())
        guests.discard(guest)
        if not guests:
            self._guests.pop(whose, None)

    def guests_of(self, whose: str | None) -> list[Guest]:
        """Give the sockets of a tool, or of an account's owner."""
        return list(self._guests.get(whose or "", ()))

    def room(self, owner: Owner) -> Room:
        """Give the account's room, with a seat taken in it."""
        room = self._rooms.get(owner.account)
        if room is None:
            room = self._rooms[owner.account] = Room(self, owner)
        room.seat()
        return room

    def clear(self, owner: Owner) -> None:
        """Take an empty room away."""
        self._rooms.pop(owner.account, None)

    async def listen(self, guest: Guest, operation: str, plan: Plan, audience: Audience) -> Member:
        """Give an operation a seat and a durable row; whoever asked lets it go on from there."""
        room = self.room(audience.owner)
        member = Member(guest, operation, room, replace(audience, owner=room.owner), plan.voice)
        try:
            member.place = await self.listeners.place(member.audience, plan.after)
            member.seq = member.place.seq
            member.is_new = plan.after is None
        except BaseException:
            member.leave()
            raise
        return member

    def _look_at_sockets(self, seen: Seen) -> None:
        """Close those whose owner signed out, and those whose account moved or was disabled."""
        for account in seen.signed_out:
            for guest in self.guests_of(account):
                guest.look_again()
        for guest in self._all_of(seen.stopped):
            guest.look_again()
        for guest in self._all_of(seen.moved):
            # A session has ended with the old address. Others are not refused: they come again at
            # once, and go on from their cursor.
            if guest.is_in_session:
                guest.look_again()
            else:
                guest.wire.hang_up(_RESTART, _MOVED)

    def _all_of(self, accounts: set[str]) -> list[Guest]:
        """Give every socket of these accounts: rarely asked, so all are looked at."""
        if not accounts:
            return []
        everybody = [guest for guests in self._guests.values() for guest in guests]
        return [guest for guest in everybody if any(map(guest.is_of, accounts))]

    async def _follow(self, watch: Watch) -> None:
        while True:
            seen = await watch.look()
            self._look_at_sockets(seen)
            for account in seen.revoked_in:
                if (room := self._rooms.get(account)) is not None:
                    room.stir()
            for tool in seen.ended:
                self._ended[tool] = None
                if len(self._ended) > _MOST_ENDED:
                    del self._ended[next(iter(self._ended))]
                for guest in self.guests_of(tool):
                    guest.end()


async def _in_turns(members: list[Member]) -> AsyncIterator[Member]:
    """Give them one after the other, with a pause for everybody else now and then."""
    for number, member in enumerate(members, 1):
        yield member
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
