"""What a test sets and reads on the made-up provider: keys, ways to go wrong, calls seen."""

from dataclasses import dataclass
from enum import Enum


class KeyKind(Enum):
    """What the provider thinks of a key."""

    VALID = "valid"
    SCOPED = "scoped"
    """Good for calls, but not for the list of models, which answers 403."""
    REJECTED = "rejected"


class Mode(Enum):
    """A way to go wrong, named by the call's `x-fake` header, its model, or `FakeProvider.mode`."""

    HANG = "hang"
    """Take the call and never answer it."""
    RATE_LIMITED = "rate-limited"
    OVERLOADED = "overloaded"
    ERROR_500 = "error-500"
    ECHO_KEY_IN_BODY = "echo-key-in-body"
    """Answer with the caller's credential in the text: once whole, once across two pieces."""
    ECHO_KEY_IN_HEADER = "echo-key-in-header"
    """Answer with the caller's credential in the headers that should number the call."""
    REDIRECT = "redirect"
    HTML_ERROR = "html-error"
    USAGE_MISSING = "usage-missing"
    """Do the work, charge it, and answer without a word of what was used."""
    OVERCHARGE = "overcharge"
    """Use, tell and charge ten times the output that the call allows."""
    ERROR_500_CHARGED = "error-500-charged"
    """Do the work, charge it, and answer 500."""
    CUT_AFTER_CHARGE = "cut-after-charge"
    """Do the work, charge it, and break the connection: a document's before its first byte, a
    stream's in its middle."""


@dataclass(frozen=True, slots=True)
class SeenCall:
    """One call as it arrived."""

    method: str
    raw_path: bytes
    """The path as it was sent, the provider's prefix included, nothing decoded."""
    query: bytes
    headers: list[tuple[bytes, bytes]]
    """Names in lower case, in the order in which they came."""
    body: bytes
    """What came of the body, up to `FakeProvider.body_kept` bytes."""
    body_size: int
    complete: bool
    """Whether the whole body came before the client left."""
    started_at: float
    """Seconds of `time.monotonic`."""

    def header(self, name: bytes) -> bytes | None:
        """Give the value of the first header of that lower-case name."""
        return next((value for key, value in self.headers if key == name), None)
