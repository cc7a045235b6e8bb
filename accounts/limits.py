"""Rate limits: token buckets in the database, so that all workers share them and none is forgotten.

Each take is a write of its own: what it took is durable before the answer.
"""

from dataclasses import dataclass
from typing import Final

from store import Tx

_UNIT: Final = 1000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many at once, and one more every so many microseconds."""

    name: str
    burst: int
    every: int


class TooSoon(Exception):  # noqa: N818 - it names what happened
    """The bucket is empty; `wait` is in microseconds. Whoever asked says it in their own words."""

    def __init__(self, wait: int) -> None:
        super().__init__(wait)
        self.wait = wait


def take(tx: Tx, limit: Limit, subject: str, *, now: int) -> None:
    """Take one from a subject's bucket. Raises `TooSoon`, and then nothing was taken."""
    left = _left(tx, limit, subject, now)
    if left < _UNIT:
        raise TooSoon((_UNIT - left) * limit.every // _UNIT)
    _put(tx, limit, subject, left - _UNIT, now)


def give_back(tx: Tx, limit: Limit, subject: str, *, now: int) -> None:
    """Put one back: it turned out to be nothing that is to be limited."""
    left = min(limit.burst * _UNIT, _left(tx, limit, subject, now) + _UNIT)
    _put(tx, limit, subject, left, now)


def sweep(tx: Tx, *, now: int) -> None:
    """Drop the buckets that are full again: a new one would be the same."""
    tx.run("DELETE FROM buckets WHERE full_at <= :now", now=now)


def _left(tx: Tx, limit: Limit, subject: str, now: int) -> int:
    row = tx.one("SELECT left, at FROM buckets WHERE name = :name", name=f"{limit.name} {subject}")
    if row is None:
        return limit.burst * _UNIT
    # A clock that was put back refills nothing, and takes nothing either.
    refilled = max(0, now - int(row[1])) * _UNIT // limit.every
    return min(limit.burst * _UNIT, int(row[0]) + refilled)


def _put(tx: Tx, limit: Limit, subject: str, left: int, now: int) -> None:
    tx.run(
        "INSERT INTO buckets (name, left, at, full_at) VALUES (:name, :left, :now, :full_at)"
        " ON CONFLICT (name) DO UPDATE SET left = :left, at = :now, full_at = :full_at",
        name=f"{limit.name} {subject}",
        left=left,
        now=now,
        full_at=now + (limit.burst * _UNIT - left) * limit.every // _UNIT,
    )
