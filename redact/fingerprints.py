"""Exact secrets that the process has handled: found again in any text, held in none.

Of each value are kept its length, its ending in each of the forms of `redact.forms` (four bytes of
it, which every mask shows anyway) and a digest under a key that was drawn when the process began
and never leaves it. The endings are searched for; where one stands, what precedes it is decoded,
hashed and looked up. So a value is found whatever surrounds it, in base64 and hexadecimal as well,
and a provider whose keys have no prefix is covered like any other.
"""

import hashlib
import secrets
import threading
from functools import cached_property
from typing import Final

from redact import linear
from redact.forms import HEX_TAIL, READINGS, TAIL, Place, tails
from redact.tags import SHORTEST, Tags

LONGEST: Final = 4096
"""Bytes of a value, at most. Of one with less than 16 its ending would tell too much."""
_RECENT: Final = 160
_LOOKUPS: Final = 4096
_BYTES_A_LOOKUP: Final = 256
"""Chance costs one look-up in some 4,000 bytes beside a thousand keys. A text with more than this
is made of somebody's last four characters, to cost us time: it is struck from there to its end."""


class KnownSecrets:
    """A bounded set of fingerprints; the one remembered longest ago is forgotten first.

    Those that are kept for good do not count for it. The bound is a matter of speed: see
    docs/redaction.md for what a thousand values cost.
    """

    def __init__(self, bound: int = 1024, tags: Tags | None = None) -> None:
        self.tags = Tags() if tags is None else tags
        self._bound = bound
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._kept: dict[bytes, tuple[tuple[bytes, str, int], ...]] = {}
        self._for_good: dict[bytes, tuple[tuple[bytes, str, int], ...]] = {}
        self._endings: dict[bytes, dict[tuple[str, int], int]] = {}
        self._settled = _Endings(frozenset())
        self._searched: tuple[_Endings, ...] = ()
        self._stale = False

    def __len__(self) -> int:
        return len(self._kept) + len(self._for_good)

    def __repr__(self) -> str:
        return f"KnownSecrets({len(self)} of at most {self._bound})"

    def remember(self, value: bytes | memoryview, *, for_good: bool = False) -> None:
        """Strike this value from now on. Values outside 16 to 4096 bytes are left out."""
        if not SHORTEST <= len(value) <= LONGEST:
            return
        digest = self._digest(value)
        with self._lock:
            if digest in self._for_good:
                return
            endings = self._kept.pop(digest, None)
            if endings is None:
                endings = tuple(dict.fromkeys(tails(value)))
                self._count(endings, 1)
                self._stale = True
            (self._for_good if for_good else self._kept)[digest] = endings
            if len(self._kept) > self._bound:
                self._count(self._kept.pop(next(iter(self._kept))), -1)
                self._stale = True

    def may_be_in(self, data: bytes) -> bool:
        """Tell whether the ending of a remembered value stands in a text: so it is with few."""
        if self._stale:
            self._refresh()
        for endings in self._searched:  # noqa: SIM110 - a generator costs a line as much again
            if endings.are_in(data):
                return True
        return False

    def places(self, data: bytes) -> list[Place]:
        """Give where remembered values stand, in order; overlapping places are joined."""
        if self._stale:
            self._refresh()
        found: list[Place] = []
        for endings in self._searched:
            found.extend(self._places(endings.pattern, data))
        return _joined(found, data) if found else found

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Give where remembered values stand, as positions."""
        return [(place.start, place.end) for place in self.places(data)]

    def _places(self, pattern: linear.Pattern, data: bytes) -> list[Place]:
        found: list[Place] = []
        at = 0
        lookups = _LOOKUPS + len(data) // _BYTES_A_LOOKUP
        while (match := pattern.search(data, at)) is not None:
            start = match.start()
            at = start + 1  # endings may overlap
            for length in (TAIL, HEX_TAIL):
                end = start + length
                for form, size in self._endings.get(data[start:end], ()):
                    lookups -= 1
                    place = READINGS[form](data, end, size)
                    if place is not None and self._knows(self._digest(place.value)):
                        found.append(place)
            if lookups < 0:
                begin = max(0, start - LONGEST)
                found.append(Place(begin, len(data), data[begin:]))
                break
        return found

    def _knows(self, digest: bytes) -> bool:
        return digest in self._kept or digest in self._for_good

    def _digest(self, value: bytes | memoryview) -> bytes:
        return hashlib.blake2b(value, digest_size=16, key=self._key).digest()

    def _count(self, endings: tuple[tuple[bytes, str, int], ...], change: int) -> None:
        for tail, form, size in endings:
            # A new dict each time: a search in another thread goes on with the one that it has.
            counts = dict(self._endings.get(tail, {}))
            counts[form, size] = counts.get((form, size), 0) + change
            self._endings[tail] = {key: count for key, count in counts.items() if count}
            if not self._endings[tail]:
                del self._endings[tail]

    def _refresh(self) -> None:
        # Compiling the endings of a thousand values takes some 20 ms: newcomers are searched for by
        # themselves until there are enough of them to be worth it.
        with self._lock:
            recent = frozenset(self._endings.keys() - self._settled.endings)
            if len(recent) > _RECENT or len(self._settled.endings) > 2 * len(self._endings):
                self._settled, recent = _Endings(frozenset(self._endings)), frozenset()
            self._searched = tuple(
                searched for searched in (self._settled, _Endings(recent)) if searched.endings
            )
            self._stale = False


class _Endings:
    """Some endings: what tells a line without any of them, and what finds each in a text."""

    def __init__(self, endings: frozenset[bytes]) -> None:
        self.endings = endings
        self.are_in = linear.holding((linear.any_of(endings),))

    @cached_property
    def pattern(self) -> linear.Pattern:
        """The pattern is compiled when one of them was met, or a long text came."""
        return linear.compiled(linear.any_of(self.endings))


def _joined(places: list[Place], data: bytes) -> list[Place]:
    joined: list[Place] = []
    for place in sorted(places, key=lambda place: (place.start, place.end)):
        last = joined[-1] if joined else None
        if last is None or place.start >= last.end:
            joined.append(place)
        elif place.end > last.end:
            joined[-1] = Place(last.start, place.end, data[last.start : place.end])
    return joined
