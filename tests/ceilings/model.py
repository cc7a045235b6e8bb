"""Ceilings as ten lines of arithmetic have them: what the database is held against."""

from dataclasses import dataclass, field

Place = tuple[str | None, str | None, str]
"""Provider, tool, unit: what a ceiling governs."""


@dataclass
class Book:
    """One epoch of one ceiling."""

    unit: str
    limit: int
    settled: int = 0
    held: int = 0
    excess: int = 0
    is_hit: bool = False
    is_closed: bool = False
    allowed: int = 0
    """What the database's own CHECK holds it to: the limit, or what was used when it was set."""
    hours: int = 0
    """How much of what is settled is no call's, but hours of something that runs."""
    hits: int = 0

    def __post_init__(self) -> None:
        self.allowed = self.limit

    def fits(self, amount: int) -> bool:
        used = self.settled + self.held + self.excess
        return not amount or (not self.is_hit and used + amount <= self.limit)

    def hold(self, amount: int) -> None:
        assert self.fits(amount)
        self.held += amount

    def end(self, amount: int, cost: int, excess: int) -> None:
        self.held, self.settled, self.excess = (
            self.held - amount,
            self.settled + cost,
            self.excess + excess,
        )

    def set_anew(self, limit: int) -> None:
        if limit > self.limit and self.settled < limit:
            self.is_hit = False
        elif self.settled + self.held > limit:
            self.hit()
        self.limit, self.allowed = limit, max(limit, self.settled + self.held)

    def hour(self, amount: int) -> None:
        used = self.settled + self.held + self.excess
        fitting = max(0, min(amount, self.limit - used))
        self.settled, self.hours = self.settled + fitting, self.hours + fitting
        self.excess += amount - fitting
        if amount > fitting:
            self.hit()

    def hit(self) -> None:
        self.hits += not self.is_hit
        self.is_hit = True


def refuse(unfit: list[tuple[Book, int]]) -> None:
    """Close the first that the call would pass, if no other one refuses it for good."""
    if any(book.is_hit or amount > book.limit for book, amount in unfit):
        return
    passed = [book for book, amount in unfit if book.settled + book.excess + amount > book.limit]
    for book in passed[:1]:
        book.hit()


@dataclass
class Running:
    """One call, and what it holds of which book."""

    provider: str
    tool: str
    worker: str
    model: str
    bound: int
    is_dispatched: bool
    holds: dict[tuple[str, int], int]
    state: str = "OPEN"
    spent: int = 0
    """What the ledger says in dollars."""
    disputed: dict[tuple[str, int], int] = field(default_factory=dict)
