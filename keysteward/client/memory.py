"""What this process knows to be gone; bounded, whatever the server sends."""

from typing import Final

from keysteward.client.events import Reason, Revocation

MOST_KEYS: Final = 100_000
MOST_CURSORS: Final = 4096


class Memory:
    """The keys that are gone since the tool last listed what it holds, and the newest cursors."""

    def __init__(self) -> None:
        self._gone: dict[str, int | None] = {}
        """By key: the newest version that is gone, None for the whole key."""
        self._everything = False
        self._cursors: dict[str, None] = {}

    @property
    def full(self) -> bool:
        """Whether it can't take another key: only listing anew can make room without forgetting."""
        return len(self._gone) >= MOST_KEYS

    def forget_keys(self) -> None:
        """Forget what is gone, because the tool lists anew what it holds."""
        self._gone.clear()
        self._everything = False

    def forget_cursors(self) -> None:
        """Forget what was applied: a restored database may give the same cursors out anew."""
        self._cursors.clear()

    def note(self, revocation: Revocation) -> None:
        """Know what it takes away."""
        if revocation.key is None:
            self._everything = True
        elif revocation.reason is not Reason.ROTATED or revocation.version is None:
            self._gone[revocation.key] = None
        else:
            newest = self._gone.get(revocation.key, revocation.version)
            self._gone[revocation.key] = None if newest is None else max(newest, revocation.version)

    def gone(self, key: str, version: int | None) -> bool:
        """Tell whether the key is gone; with a version, also whether that one was rotated away."""
        if self._everything:
            return True
        if key not in self._gone:
            return False
        newest = self._gone[key]
        return newest is None or (version is not None and version <= newest)

    def passed(self, cursor: str) -> None:
        """Know a cursor as applied; the oldest of the known ones makes room."""
        self._cursors[cursor] = None
        if len(self._cursors) > MOST_CURSORS:
            del self._cursors[next(iter(self._cursors))]

    def has_passed(self, cursor: str) -> bool:
        """Tell whether what stands at the cursor is applied already."""
        return cursor in self._cursors
