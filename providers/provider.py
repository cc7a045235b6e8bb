"""What is known of one provider: where it is, how it takes a key, and what its keys look like."""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property


class ErrorStyle(Enum):
    """The JSON form in which a provider's SDKs look for an error."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"


@dataclass(frozen=True, slots=True)
class Slot:
    """A request header in which the provider takes a credential, and the word before it."""

    header: bytes
    scheme: bytes = b""

    def read(self, value: bytes) -> bytes | None:
        """Give the credential in a header's value, or None when it is of another scheme."""
        if not self.scheme:
            return value.strip()
        word, _, credential = value.strip().partition(b" ")
        return credential.strip() if word.lower() == self.scheme.lower() else None

    def write(self, credential: bytes) -> tuple[bytes, bytes]:
        """Give the header that carries a credential."""
        value = self.scheme + b" " + credential if self.scheme else credential
        return self.header, value


@dataclass(frozen=True, slots=True)
class Check:
    """The provider's cheapest request that tells a good key from a bad one. It costs nothing."""

    path: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


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
    """What its keys look like, as RE2 expressions. They warn and redact; they never refuse."""
    prefixes: tuple[str, ...]
    """The public beginnings of its keys, longest first: a mask may show them."""
    check: Check
    error_style: ErrorStyle
    headers: tuple[bytes, ...]
    """Beginnings of its own request and response headers that may pass, lower case."""
    sdk_path: str
    """What its official SDK's base URL ends with, after the origin."""
    invalid_answers: tuple[tuple[int, bytes], ...] = ((401, b""),)
    """How it answers the check when the key is no good: status, and words in the body."""
    scoped_answers: tuple[tuple[int, bytes], ...] = ((403, b""),)
    """How it answers when the key is good, but not for this. Looked for first."""

    @cached_property
    def shape(self) -> re.Pattern[str]:
        """Match a whole key of this provider."""
        return re.compile("|".join(f"(?:{shape})" for shape in self.shapes))

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


_SHORTEST_SHOWN = 16
