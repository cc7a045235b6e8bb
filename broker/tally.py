"""What a call has come to so far, and what follows from it for the money it holds."""

from http import HTTPStatus
from typing import Final

from broker.outcome import Outcome
from broker.reservations import Admission, End, Verdict
from metering import Charge, Quote, Reader, Reading, came_to

_LONGEST_EVENT_END: Final = 4
# How a server-sent event ends, in each of the line ends that the standard knows.
_EVENT_ENDS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
_OK: Final = range(200, 300)
_REFUSED: Final = range(400, 500)
# A request that timed out, or whose client is said to have left: it may have been worked on.
_AFTER_WORK: Final = frozenset({408, 499})
_NOT_MODIFIED: Final = 304


class Tally:
    """What a call has come to so far; the ledger gets it at the end."""

    __slots__ = (
        "answered",
        "bytes_in",
        "bytes_out",
        "dispatched",
        "end",
        "giving_since",
        "gone",
        "model",
        "outcome",
        "reader",
        "resource",
        "status",
        "streams",
    )

    def __init__(self, model: str | None) -> None:
        self.outcome = Outcome.LOST
        self.status: int | None = None
        """The status that the tool was given; None until it was."""
        self.answered: int | None = None
        """The status with which the provider answered; None until it did."""
        self.dispatched = False
        """True once a byte of the request may have left."""
        self.giving_since: float | None = None
        """When the tool was given what it has not taken yet, by the event loop's clock."""
        self.gone = False
        """True once the tool has hung up, while the rest of its answer is still taken."""
        self.model = model
        self.reader: Reader | None = None
        self.resource: str | None = None
        """What the answer says was made, once that is known to be no key."""
        self.streams = False
        """True when the answer is a stream of server-sent events, to which one can be added."""
        self.end = b"\n\n"
        """The last bytes passed on of such a stream."""
        self.bytes_in = 0
        self.bytes_out = 0

    def passed(self, out: bytes) -> None:
        """Note that these bytes of the answer were passed on."""
        self.bytes_out += len(out)
        if self.streams:
            self.end = (self.end + out[-_LONGEST_EVENT_END:])[-_LONGEST_EVENT_END:]

    @property
    def between_events(self) -> bool:
        """Tell whether an event can be added: into the middle of one, it would garble both."""
        return self.streams and self.end.endswith(_EVENT_ENDS)

    @property
    def reading(self) -> Reading | None:
        """Give what the answer has said of itself so far."""
        return None if self.reader is None else self.reader.reading()

    @property
    def worked(self) -> bool:
        """Tell whether the provider did what it was asked, as far as its answer's head says."""
        return self.answered in _OK

    def charge(self, quote: Quote, admission: Admission) -> Charge | None:
        """Give what the call came to by what is known now; None where that can't be told."""
        return came_to(quote, self.reading, admission.rates) if self.worked else None

    def verdict(self, quote: Quote, admission: Admission) -> Verdict:
        """Say how the call is settled (METERING, 4.4).

        What never left, and what the provider refused before it worked, costs nothing. A whole
        answer costs what it says. What was broken off by us costs the bound; whatever nobody knows
        counts as the bound and is disputed: the owner may release it.
        """
        if not self.dispatched or self._was_refused(quote):
            return Verdict(End.RELEASED, None)
        if self.worked:
            charge = self.charge(quote, admission)
            if charge is not None:
                return Verdict(End.SETTLED, charge, quote.moved)
            if self.outcome in {Outcome.CUT, Outcome.CLIENT_GONE}:
                return Verdict(End.SETTLED, None, quote.moved)
        elif self.answered is None and self.outcome in {Outcome.CUT, Outcome.CLIENT_GONE}:
            return Verdict(End.SETTLED, None, quote.moved)
        return Verdict(End.DISPUTED, None, quote.moved)

    def _was_refused(self, quote: Quote) -> bool:
        """Tell whether the provider refused before it worked, and so charged nothing."""
        if self.answered == HTTPStatus.FORBIDDEN and quote.refusal:
            return False
        return self.answered == _NOT_MODIFIED or (
            self.answered in _REFUSED and self.answered not in _AFTER_WORK
        )
