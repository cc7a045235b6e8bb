"""What the made-up providers have in common: how a call is understood and an answer is built.

The same request gets the same bytes, so that what came through the broker can be compared with what
came directly; only the request id in the headers is each call's own.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

import orjson

TYPE_JSON = (b"content-type", b"application/json")
"""The header of an answer in JSON."""
TYPE_SSE = (b"content-type", b"text/event-stream; charset=utf-8")
"""The header of a stream of server-sent events."""

BORN = 1_760_000_000
"""The second at which every made-up object was created."""

_SENTENCE = (
    "A steward keeps each door shut, opens one at a time, and writes down who went in. "
    "Nobody carries a key home, and a lock that was changed stays changed. "
)
_WORDS = tuple(word + " " for word in _SENTENCE.split())
_BYTES_A_TOKEN = 4
_FLOAT = 4

Headers = tuple[tuple[bytes, bytes], ...]


class Kind(Enum):
    """What a call asks for."""

    MODELS = "models"
    CHAT = "chat"
    RESPONSE = "response"
    EMBEDDING = "embedding"
    COUNT = "count"

    @property
    def charged(self) -> bool:
        """Whether the provider would send a bill for it."""
        return self not in {Kind.MODELS, Kind.COUNT}


class Trouble(Enum):
    """Why a provider answers with an error."""

    KEY_MISSING = "key-missing"
    KEY_REJECTED = "key-rejected"
    KEY_SCOPED = "key-scoped"
    MALFORMED = "malformed"
    NO_SUCH_ROUTE = "no-such-route"
    RATE_LIMITED = "rate-limited"
    OVERLOADED = "overloaded"
    ERROR_500 = "error-500"


class Refused(Exception):  # noqa: N818 - it names what happened
    """The provider answers with an error, about a bad key, an unknown path or a malformed thing."""

    def __init__(self, trouble: Trouble, about: str = "") -> None:
        super().__init__(about)
        self.trouble = trouble
        self.about = about


@dataclass(frozen=True, slots=True)
class Asked:
    """One call, as far as it decides what the answer is."""

    kind: Kind
    model: str = ""
    stream: bool = False
    prompt_tokens: int = 0
    limit: int | None = None
    """The most output tokens that the caller allows."""
    items: int = 1
    """How many texts are to be embedded."""
    dimensions: int = 0
    option: bool = False
    """The one thing that a provider's form of this call leaves open; its module says which."""


@dataclass(frozen=True, slots=True)
class Prose:
    """The text of an answer, a token an element."""

    tokens: tuple[str, ...]
    cut: bool = False
    """Whether the caller's own limit ended it."""

    @property
    def text(self) -> str:
        """The whole of it."""
        return "".join(self.tokens)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, ready to be sent: its body in the pieces in which it leaves."""

    status: int
    headers: Headers
    pieces: tuple[bytes, ...]
    stream: bool = False


class Wire(Protocol):
    """One provider's way to speak."""

    request_id: bytes
    """The response header that numbers a call."""

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Give what stands in the place of the provider's key. Raises `Refused`."""

    def asked(self, method: str, path: str, query: bytes, body: bytes) -> Asked:
        """Understand a call. Raises `Refused`."""

    def reply(self, asked: Asked, prose: Prose) -> Reply:
        """Answer a call."""

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:
        """Answer with an error. `about` is as in `Refused`."""


def whole(body: object, *headers: tuple[bytes, bytes], status: int = 200) -> Reply:
    """Make an answer of one JSON document."""
    return Reply(status, (TYPE_JSON, *headers), (orjson.dumps(body),))


def read(body: bytes) -> dict[str, Any]:
    """Parse a request's JSON object. Raises `Refused`."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(
            Trouble.MALFORMED, "We could not parse the JSON body of your request."
        ) from None
    if not isinstance(payload, dict):
        raise Refused(Trouble.MALFORMED, "The body of your request is not a JSON object.")
    return payload


def text_of(payload: Mapping[str, Any], name: str) -> str:
    """Give a text that the request must hold. Raises `Refused`."""
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(Trouble.MALFORMED, f"{name}: Field required")
    return value


def limit_of(payload: Mapping[str, Any], *names: str) -> int | None:
    """Give the first of the limits on output that the request holds. Raises `Refused`."""
    for name in names:
        value = payload.get(name)
        if value is not None:
            if not isinstance(value, int) or value < 1:
                raise Refused(
                    Trouble.MALFORMED, f"{name}: Input should be greater than or equal to 1"
                )
            return value
    return None


def tokens_in(*parts: object) -> int:
    """Count a prompt: a made-up tokenizer, the same for a call and for the count of its tokens."""
    return sum(-(-len(orjson.dumps(part)) // _BYTES_A_TOKEN) for part in parts if part)


@lru_cache(maxsize=256)
def prose(events: int, limit: int | None, size: int | None) -> Prose:
    """Write an answer of `events` tokens, or of `limit` if that is less.

    With a `size` the text is that many bytes long, spread evenly over the tokens.
    """
    natural = max(1, events)
    count = natural if limit is None else min(natural, limit)
    if size is None:
        tokens = tuple(_WORDS[i % len(_WORDS)] for i in range(count))
    else:
        text = (_SENTENCE * (size // len(_SENTENCE) + 1))[:size]
        edges = [size * i // count for i in range(count + 1)]
        tokens = tuple(text[a:b] for a, b in pairwise(edges))
    return Prose(tokens, cut=count < natural)


@lru_cache(maxsize=16)
def vector(dimensions: int) -> tuple[float, ...]:
    """Make an embedding of length one, in numbers that 32-bit floats hold exactly."""
    raw = [(i * 7919 + 13) % 2003 / 2003 - 0.5 for i in range(dimensions)]
    length = sum(x * x for x in raw) ** 0.5
    packed = struct.pack(f"<{dimensions}f", *(x / length for x in raw))
    return struct.unpack(f"<{dimensions}f", packed)


def packed(values: tuple[float, ...]) -> bytes:
    """Give an embedding's 32-bit floats, little end first."""
    return struct.pack(f"<{len(values)}f", *values)


def halved(pieces: tuple[bytes, ...], text: bytes) -> tuple[bytes, ...]:
    """Cut the piece with the second occurrence of `text` in the middle of it.

    So an answer that repeats a key shows it once in one piece and once across two.
    """
    seen = 0
    for number, piece in enumerate(pieces):
        at = -1
        while (at := piece.find(text, at + 1)) >= 0:
            seen += 1
            if seen == 2:  # noqa: PLR2004 - the second one
                middle = at + len(text) // 2
                return (*pieces[:number], piece[:middle], piece[middle:], *pieces[number + 1 :])
    return pieces


def sse(body: object, line_end: bytes = b"\n") -> bytes:
    """Write one event of a stream, its data alone."""
    return b"data: " + orjson.dumps(body) + line_end * 2


def pretty(body: object) -> bytes:
    """Write JSON over several lines, as some providers write their errors."""
    return json.dumps(body, indent=2).encode() + b"\n"
