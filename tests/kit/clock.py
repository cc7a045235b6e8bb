"""A clock that the test moves."""

from store.clock import SECOND


class MovedClock:
    """Stands still until it is moved; counts microseconds, as the database does."""

    def __init__(self, now: int = 1_700_000_000 * SECOND) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def forward(self, *, seconds: float = 0, microseconds: int = 0) -> int:
        """Move on; give the new present."""
        self.now += round(seconds * SECOND) + microseconds
        return self.now
