"""The words of metering: a request is quoted before it leaves, and its answer read as it passes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

NANO: Final = 1_000_000_000
"""Nano-dollars in a dollar."""
READ: Final = "read"
"""The operation of a GET that no table names: free, unless its owner set a price for `*`."""


class Measure(StrEnum):
    """What providers count, and charge by the unit."""

    REQUEST = "REQUEST"
    INPUT_TOKEN = "INPUT_TOKEN"  # noqa: S105 - a model's
    OUTPUT_TOKEN = "OUTPUT_TOKEN"  # noqa: S105 - likewise
    CHARACTER = "CHARACTER"
    SECOND = "SECOND"
    IMAGE = "IMAGE"
    SEGMENT = "SEGMENT"
    MAIL = "MAIL"
    HOUR = "HOUR"

    @property
    def units_priced(self) -> int:
        """How many units a price is given for: a million tokens, one of anything else."""
        return 1_000_000 if self in _BY_THE_MILLION else 1


_BY_THE_MILLION: Final = frozenset({Measure.INPUT_TOKEN, Measure.OUTPUT_TOKEN})


class Source(StrEnum):
    """Where a figure comes from."""

    PROVIDER = "PROVIDER"
    """The provider's own cost, in its answer."""
    USAGE = "USAGE"
    """What was used, by the answer or exactly known before, times the list price."""
    USER = "USER"
    """The owner's own price, or the owner's own word on a disputed call."""
    BOUND = "BOUND"
    """The most that the call could cost: what it did cost is not known."""
    UNPRICED = "UNPRICED"
    """No price is known and no ceiling asked for a bound; the amount is not known at all."""


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """A call as metering sees it, before it leaves. It never holds a key or a token."""

    provider: str
    method: str
    path: str
    """As on the wire, still percent-encoded, from after the provider's base URL's host."""
    query: str
    content_type: str
    """In lower case, as it came, parameters included; empty where none was sent."""
    headers: Mapping[bytes, bytes]
    body: bytes | None
    """The whole of it; None where that is not at hand."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A member to put into the request's JSON object, instead of what stands at that path."""

    path: tuple[str, ...]
    """Such as `("stream_options", "include_usage")`."""
    value: int | str | bool


@dataclass(frozen=True, slots=True)
class Moved:
    """Money of the owner's that a call moves at the provider: no fee, but a budget of its own."""

    currency: str
    """ISO 4217, in lower case."""
    amount: int
    """In the currency's smallest unit, as Stripe counts."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says of itself, once it is whole."""

    used: Mapping[Measure, int] = field(default_factory=dict)
    """Units, for the owner's own prices and to show."""
    cost: int | None = None
    """Nano-dollars by the provider's word or the list; None: no price is known."""
    source: Source = Source.USAGE
    model: str | None = None
    """The model that answered, where the answer names it."""
    resource: str | None = None
    """What was made and costs by the hour from now on."""


class Reader(Protocol):
    """Reads one answer as it passes, in memory that does not grow with it."""

    def feed(self, chunk: bytes) -> bytes:
        """Look at the next bytes of the body; give those that may be passed on now.

        They are the same bytes, except for a piece of stream that the tool had not asked for.
        """
        ...

    def flush(self) -> bytes:
        """Give what was held back, at the end of the body."""
        ...

    def message(self, text: bytes) -> None:
        """Look at one message of a websocket, from the provider."""
        ...

    def reading(self) -> Reading | None:
        """Give what was found; None where the answer, whole or not, did not say."""
        ...


@dataclass(frozen=True, slots=True)
class Quote:
    """What one call may come to, worked out from its request alone."""

    operation: str
    """A stable name, such as `chat`, `speech`, `sms`; `unknown` for what no table knows."""
    model: str | None = None
    at_most: Mapping[Measure, int] = field(default_factory=dict)
    """Upper bounds of what may be counted; a measure that is left out has none."""
    price: int | None = None
    """Nano-dollars at list prices for all of it, at most; 0 for what is known to be free."""
    why: str = ""
    """Where `price` is None: what can't be bounded or priced, and what to set. One sentence."""
    firm: bool = False
    """The price is what a successful call costs, whatever its answer says."""
    moved: Moved | None = None
    moves_unknown: bool = False
    """It moves money, and how much can't be told from the request."""
    refusal: int = 0
    """What may be charged for refusing what it asks (403), in nano-dollars: that is disputed."""
    hourly: int | None = None
    """What the resource that it makes costs by the hour, in nano-dollars; `price` is one hour."""
    ends: str | None = None
    """The resource that it deletes, whose hours end with it."""
    edits: tuple[Edit, ...] = ()
    """What is put into the request in any case, so that the answer tells its usage."""
    capping: tuple[Edit, ...] = ()
    """What is put in where a ceiling governs the call: without it there would be no bound."""
    output_cap: int | None = None
    """The tokens to which `capping` limits the output."""
    streams_seconds: int | None = None
    """A conversation: `price` covers this many seconds of it, and is reserved again and again."""
    reader: Callable[[str], Reader] | None = None
    """Makes what reads the answer, from its content type in lower case; None: nothing to read."""
