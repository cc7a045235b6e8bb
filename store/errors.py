"""The root of every expected failure, and the database's own."""


class Failure(Exception):  # noqa: N818 - it names what happened: `KeyGone`, not `KeyGoneError`
    """Something can't be had. The text is for people, says why, and holds nothing secret."""


class DatabaseUnusable(Failure):
    """The database can't be served from: the text says why and what to do."""


class StoreUnavailable(Failure):
    """The database can't be used just now (locked, full, closed); nothing was kept."""
