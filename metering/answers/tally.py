"""What each form of answer has in common: a tally takes what an answer tells, and sums it up."""

from collections.abc import Mapping
from typing import Protocol

from metering.answers.skim import Record, Wanted
from metering.quotes import Reading


class Tally(Protocol):
    """Sums up one answer. Nothing that it is given makes it raise."""

    @property
    def mark(self) -> bytes:
        """Bytes that are in every event which tells of usage."""
        ...

    @property
    def sums(self) -> bytes | None:
        """Bytes of the events that must all be taken; empty for every event with the mark.

        None: only the last event with the mark counts, since it tells of all that went before.
        """
        ...

    @property
    def early(self) -> bool:
        """Tell whether usage still is told by events that are not among the last."""
        ...

    @property
    def wanted(self) -> Mapping[str, Wanted]:
        """What is to be read of an event, or of an answer that is one JSON object."""
        ...

    def take(self, record: Record) -> bool:
        """Take what an event or the whole answer says; tell whether that was usage."""
        ...

    def reading(self, *, whole: bool) -> Reading | None:
        """Give the sum; None where the answer did not say. `whole`: it came to its end."""
        ...
