"""What is known of one provider: where it is, how it takes a key, and what its keys look like."""

import base64
import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

TOOL_TOKEN: Final = b"kst_"
"""How a tool's token begins: of a user and a password, this tells which of them is one."""


class ErrorStyle(Enum):
    """The JSON form in which a provider's SDKs look for an error."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    MISTRAL = "mistral"
    OPENROUTER = "openrouter"
    COHERE = "cohere"
    ELEVENLABS = "elevenlabs"
    STRIPE = "stripe"
    TWILIO = "twilio"
    RESEND = "resend"
    VULTR = "vultr"
    GRAPHQL = "graphql"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class Slot:
    """A request header in which the provider takes a credential, and the word before it.

    Behind `Basic` (RFC 7617) stand a user and a password: a tool's token may be either of them; a
    stored key is both, as `user:password`, or the user alone.
    """

    header: bytes
    scheme: bytes = b""

    def read(self, value: bytes) -> bytes | None:
        """Give the credential in a header's value, or None when it is of another scheme."""
        if not self.scheme:
            return value.strip()
        word, _, credential = value.strip().partition(b" ")
        if word.lower() != self.scheme.lower():
            return None
        credential = credential.strip()
        return _of_pair(credential) if self.is_basic else credential

    def write(self, credential: bytes) -> tuple[bytes, bytes]:
        """Give the header that carries a credential."""
        if self.is_basic:
            pair = credential if b":" in credential else credential + b":"
            credential = base64.b64encode(pair)
        value = self.scheme + b" " + credential if self.scheme else credential
        return self.header, value

    @property
    def is_basic(self) -> bool:
        """Tell whether a user and a password stand there."""
        return self.scheme == b"Basic"


def _of_pair(encoded: bytes) -> bytes | None:
    """Give the tool's token of a pair, or what stands in its place; None when it is no pair."""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).partition(b":")
    except ValueError:
        return None
    return user if user.startswith(TOOL_TOKEN) or not password else password


@dataclass(frozen=True, slots=True)
class Check:
    """The provider's cheapest request that tells a good key from a bad one. It costs nothing."""

    path: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    method: str = "GET"
    body: bytes | None = None
    unsure_of: tuple[str, ...] = ()
    """Beginnings of keys that it refuses though they may be good: of those it says nothing."""


Answers = tuple[tuple[int, bytes], ...]
"""How a provider answers: status, and words in the body, in which blanks don't count."""


@dataclass(frozen=True)
class Provider:
    """One provider. A page of its own documentation stands beside each fact in the catalogue."""

    id: str
    name: str
    origin: str
    """Scheme and host, such as `https://api.openai.com`; the only place its keys ever go."""
    slots: tuple[Slot, ...]
    """Where its SDKs put the key. The first is the one that keysteward uses itself."""
    shapes: tuple[str, ...]
    """What its keys look like, as RE2 expressions that nothing else fits. They warn, they redact,
    and a URL that holds one is refused."""
    prefixes: tuple[str, ...]
    """The public beginnings of its keys, longest first: a mask may show them."""
    check: Check
    error_style: ErrorStyle
    headers: tuple[bytes, ...]
    """Beginnings of its own request and response headers that may pass, lower case."""
    sdk_path: str
    """What its official SDK's base URL ends with, after the origin."""
    unmarked_shapes: tuple[str, ...] = ()
    """What its keys look like that bear no mark: many a harmless id looks the same. They only ever
    spare a person the warning that a key looks odd."""
    harmless_queries: tuple[bytes, ...] = ()
    """Query parameters of its own whose names mean a credential elsewhere."""
    valid_answers: Answers = ((200, b""),)
    """How it answers the check when the key is good. Looked for last."""
    invalid_answers: Answers = ((401, b""),)
    """How it answers the check when the key is no good."""
    scoped_answers: Answers = ((403, b""),)
    """How it answers when the key is good, but not for this. Looked for first."""

    @cached_property
    def marked(self) -> re.Pattern[str]:
        """Match a whole key that bears this provider's mark."""
        return _any_of(self.shapes)

    @cached_property
    def shape(self) -> re.Pattern[str]:
        """Match a whole key of this provider."""
        return _any_of((*self.shapes, *self.unmarked_shapes))

    def looks_right(self, text: str) -> bool:
        """Tell whether a text has the form of this provider's keys."""
        return self.shape.fullmatch(text) is not None

    def mask(self, text: str) -> str:
        """Show a key's public beginning and last four characters; nothing of a short one.

        Short is what has few characters behind the beginning: they are the secret.
        """
        prefix = next((p for p in self.prefixes if text.startswith(p)), "")
        if len(text) - len(prefix) < _SHORTEST_SHOWN:
            return "••••••••"
        return f"{prefix}••••{text[-4:]}"


def _any_of(shapes: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{shape})" for shape in shapes) or _NOTHING)


_SHORTEST_SHOWN = 16
_NOTHING = "(?!)"
