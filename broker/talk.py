"""What a conversation has come to so far, and what it holds."""

from typing import Any, Final

import orjson

from broker.outcome import Outcome
from broker.reservations import Admission
from broker.slices import Slices
from broker.socket_out import Message
from broker.tally import Tally
from metering import Charge, Quote, came_to

SWITCHED: Final = 101
"""The status with which a websocket opens."""
_UNKNOWABLE: Final = frozenset({Outcome.CUT, Outcome.LOST, Outcome.UPSTREAM_FAILED})
"""Ends before which the provider may have begun what it had no time to tell."""
# developers.openai.com/api/reference/resources/realtime: a client's event that asks for an answer,
# and a server's that refuses one of the client's.
_ASKS: Final = "response.create"
_REFUSES: Final = "error"


class Talk(Tally):
    """The tally of one conversation; the ledger gets it at the end."""

    __slots__ = ("_quote", "_told", "admission", "slices")

    def __init__(self, model: str | None, quote: Quote, admission: Admission) -> None:
        super().__init__(model)
        self._quote = quote
        self._told: Charge | None = None
        """What it had come to when everything was last told."""
        self.admission = admission
        """Its bound grows with what is held."""
        self.slices: Slices | None = None
        """None where nothing is held by the second."""

    @property
    def worked(self) -> bool:
        """Tell whether the provider opened the websocket."""
        return self.answered == SWITCHED

    def open(self, now: float) -> None:
        """Begin, now that the provider has agreed. `now` is in seconds."""
        quote, admission = self._quote, self.admission
        self.answered = SWITCHED
        if quote.reader is not None:
            self.reader = quote.reader("")
        # A price that needs no reading is that of the whole conversation, and held already.
        self._told = came_to(quote, None, admission.rates)
        seconds, bound = quote.streams_seconds, admission.bound
        if self._told is None and admission.governed and bound is not None and seconds is not None:
            self.slices = Slices(bound, seconds, now)

    def hear(self, data: bytes, now: float) -> None:
        """Look at a message of the provider's."""
        if self.reader is None:
            return
        self.reader.message(data)
        told = came_to(self._quote, self.reading, self.admission.rates)
        if told is not None:
            self._told = told
        if self.slices is not None:
            self.slices.tell(None if told is None else told.amount, now)
            if b'"error"' in data and _kind_of(data) == _REFUSES:
                self.slices.unask()

    def say(self, message: Message) -> None:
        """Look at a message of the tool's, before it leaves."""
        if self.slices is None or not message.is_text:
            return
        # In sound there is no full stop, and no backslash by which to write one.
        if (b"." in message.data or b"\\" in message.data) and _kind_of(message.data) == _ASKS:
            self.slices.ask()

    def charge(self, quote: Quote, admission: Admission) -> Charge | None:
        """Give what it came to; None where that can't be told, and what is held counts.

        Where nothing is held by the second, what was told is known, whatever else was under way.
        """
        if self.slices is None:
            return self._told if self.worked else None
        if self.outcome in _UNKNOWABLE or not self.slices.is_told:
            return None
        return super().charge(quote, admission)


def _kind_of(text: bytes) -> Any:
    """Give what an event says that it is; None for what is no event."""
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return event.get("type") if isinstance(event, dict) else None
