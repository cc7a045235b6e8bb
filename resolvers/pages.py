"""Lists of which a page is given at a time, newest first: how many at most, and where to go on."""

from collections.abc import Sequence
from typing import Final

from schema import types
from schema.scalars import Cursor

MOST: Final = 100


def size_of(first: int) -> int:
    """Give how many a page has when so many are asked for."""
    return max(1, min(first, MOST))


def info_of(found: Sequence[object], most: int, last: str | None) -> types.PageInfo:
    """Tell of a page: `found` is what was looked for, one more than `most` where there is more."""
    return types.PageInfo(
        has_next_page=len(found) > most, end_cursor=None if last is None else Cursor(last)
    )
