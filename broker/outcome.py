"""What became of a call."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a call."""

    ANSWERED = "ANSWERED"
    CUT = "CUT"
    CLIENT_GONE = "CLIENT_GONE"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    REFUSED = "REFUSED"
    LOST = "LOST"
