"""What a conversation must hold of its ceilings: never less than it may have come to.

A slice is so many seconds of it; its price is the most that a slice, or one answer that was asked
for, can come to. Whoever has a clock and a database calls this; it has neither.
"""

from typing import Final

_MARGIN: Final = 0.1
"""Of a slice: so long before its end the next one is held. What the provider has begun, and whose
news is still on its way, falls into it."""


class Slices:
    """The holdings of one conversation. Amounts are nano-dollars, times are seconds of one clock.

    What is told has come to `known`. What has begun since, and is not told, has come to a slice's
    price at most, for each slice in which it runs and for each answer that was asked for.
    """

    __slots__ = ("_asked", "_begun", "_ends_at", "_known", "_price", "_seconds", "_untold", "held")

    def __init__(self, price: int, seconds: float, now: float) -> None:
        self.held = price
        self._price = price
        self._seconds = seconds
        self._ends_at = now + seconds
        self._known = 0
        self._untold = True
        self._begun = 1
        self._asked = 0

    @property
    def is_told(self) -> bool:
        """Tell whether everything that has begun is known to the nano-dollar."""
        return not self._untold and not self._asked

    @property
    def lacking(self) -> int:
        """Give what is to be held besides, before anything goes on; 0 where nothing is."""
        return max(0, self._known + self._price * max(self._begun, self._asked) - self.held)

    @property
    def margin(self) -> float:
        """Give how long holding more may take."""
        return self._seconds * _MARGIN

    def ask(self) -> None:
        """Note that the tool asks for an answer: it may cost from the moment it leaves."""
        self._asked += 1

    def unask(self) -> None:
        """Note that the provider refused something, which may be such an answer."""
        self._asked = max(0, self._asked - 1)

    def tell(self, amount: int | None, now: float) -> None:
        """Take what all so far came to; None while something is under way and not told."""
        if amount is None:
            self._untold = True
            return
        if amount > self._known:
            self._asked = 0  # an answer was told
        self._known = amount
        self._untold = False
        self._begun = 1
        self._ends_at = min(self._ends_at, now + self._seconds)

    def left(self, now: float) -> float:
        """Give the seconds until the next slice must be held."""
        return max(0.0, self._ends_at - self.margin - now)

    def is_due(self, now: float) -> bool:
        """Tell whether something must be held before anything goes on."""
        return self.lacking > 0 or not self.left(now)

    def go_on(self, now: float) -> None:
        """Begin the next slice, where it is time: what is `lacking` for it must then be held."""
        while not self.left(now):
            if self.is_told:
                self._ends_at = now + self._seconds
            else:
                self._begun += 1
                self._ends_at += self._seconds
