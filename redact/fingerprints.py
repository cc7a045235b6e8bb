"""Exact secrets that the process has handled: found again in any text, held in none.

Of each value three things are kept: its length, its last four bytes (which every mask shows anyway)
and a digest under a key that was drawn when the process began and never leaves it. The last four
bytes are searched for; where they stand, the bytes before them are hashed and looked up. So a value
is found whatever surrounds it, and a provider whose keys have no prefix is covered like any other.
"""

import hashlib
import secrets
import threading
from typing import Final

from redact import linear

SHORTEST: Final = 16
"""Shorter values are not kept: their last four bytes would tell too much of them."""
LONGEST: Final = 4096
_TAIL: Final = 4
_RECENT: Final = 128
_LOOKUPS: Final = 4096
_BYTES_A_LOOKUP: Final = 256
"""Chance costs one look-up in some 15,000 bytes beside a thousand keys. A text with more than this
is made of somebody's last four characters, to cost us time: it is struck from there to its end."""


class KnownSecrets:
    """A bounded set of fingerprints; the one remembered longest ago is forgotten first.

    The bound is a matter of speed: beside a thousand values a log passes at some 100 MB/s, beside
    ten thousand the automaton outgrows the processor's caches and it is a fifth of that.
    """

    def __init__(self, bound: int = 1024) -> None:
        self._bound = bound
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._kept: dict[bytes, tuple[bytes, int]] = {}
        self._lengths: dict[bytes, dict[int, int]] = {}
        self._settled: frozenset[bytes] = frozenset()
        self._settled_pattern: tuple[linear.Pattern, ...] = ()
        self._patterns: tuple[linear.Pattern, ...] = ()

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"KnownSecrets({len(self)} of at most {self._bound})"

    def remember(self, value: bytes) -> None:
        """Strike this value from now on. Values outside 16 to 4096 bytes are left out."""
        if not SHORTEST <= len(value) <= LONGEST:
            return
        digest, tail = self._digest(value), value[-_TAIL:]
        with self._lock:
            known = self._kept.pop(digest, None)
            self._kept[digest] = (tail, len(value))
            if known is not None:
                return
            self._count(tail, len(value), 1)
            if len(self._kept) > self._bound:
                self._forget(next(iter(self._kept)))
            self._rebuild()

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Give where remembered values stand, in order; overlapping ones are joined."""
        found: list[tuple[int, int]] = []
        for pattern in self._patterns:
            found.extend(self._spans(pattern, data))
        return _joined(found)

    def _spans(self, pattern: linear.Pattern, data: bytes) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        at = 0
        lookups = _LOOKUPS + len(data) // _BYTES_A_LOOKUP
        while (match := pattern.search(data, at)) is not None:
            start, end = match.span()
            at = start + 1  # tails may overlap
            lengths = self._lengths.get(data[start:end], {})
            lookups -= len(lengths)
            if lookups < 0:
                found.append((max(0, end - LONGEST), len(data)))
                break
            found.extend(
                (end - length, end)
                for length in lengths
                if length <= end and self._digest(data[end - length : end]) in self._kept
            )
        return found

    def _digest(self, value: bytes) -> bytes:
        return hashlib.blake2b(value, digest_size=16, key=self._key).digest()

    def _forget(self, digest: bytes) -> None:
        self._count(*self._kept.pop(digest), -1)

    def _count(self, tail: bytes, length: int, change: int) -> None:
        # A new dict each time: a search in another thread goes on with the one that it has.
        counts = dict(self._lengths.get(tail, {}))
        counts[length] = counts.get(length, 0) + change
        self._lengths[tail] = {key: count for key, count in counts.items() if count}
        if not self._lengths[tail]:
            del self._lengths[tail]

    def _rebuild(self) -> None:
        # Compiling a thousand tails takes 2 ms, a hundred 0.4 ms: newcomers have a small pattern
        # of their own until there are enough of them to be worth the large one.
        recent = frozenset(self._lengths.keys() - self._settled)
        if len(recent) > _RECENT or len(self._settled) > 2 * len(self._lengths):
            self._settled, recent = frozenset(self._lengths), frozenset()
            self._settled_pattern = _any_of(self._settled)
        self._patterns = self._settled_pattern + _any_of(recent)


def _any_of(tails: frozenset[bytes]) -> tuple[linear.Pattern, ...]:
    return (linear.compiled(linear.any_of(tails)),) if tails else ()


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
