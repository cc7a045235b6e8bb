"""What the made-up providers have in common: how a call is understood and an answer is built.

The same request gets the same bytes, so that what came through the broker can be compared with what
came directly; only the request id in the headers is each call's own.
"""

import base64
import binascii
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

import orjson

TYPE_JSON = (b"content-type", b"application/json")
"""The header of an answer in JSON."""
TYPE_SSE = (b"content-type", b"text/event-stream; charset=utf-8")
"""The header of a stream of server-sent events."""

BORN = 1_760_000_000
"""The second at which every made-up object was created."""

DEFAULT_TIER = "default"
"""The tier of those models that have no others, and of calls that ask for none."""

_SENTENCE = (
    "A steward keeps each door shut, opens one at a time, and writes down who went in. "
    "Nobody carries a key home, and a lock that was changed stays changed. "
)
_WORDS = tuple(word + " " for word in _SENTENCE.split())
_BYTES_A_TOKEN = 4
_PICTURE = re.compile(rb'(?:;base64,|"data":")[A-Za-z0-9+/=_-]+')
_PICTURE_TOKENS = 765
_TOO_MUCH = 10

Headers = tuple[tuple[bytes, bytes], ...]


class Kind(Enum):
    """What a call asks for."""

    MODELS = "models"
    CHECK = "check"
    """Something that tells of the key itself, and that a scoped one may not see, as the models."""
    CHAT = "chat"
    RESPONSE = "response"
    EMBEDDING = "embedding"
    COUNT = "count"
    IMAGE = "image"
    SPEECH = "speech"
    TRANSCRIPTION = "transcription"
    MODERATION = "moderation"
    RERANK = "rerank"
    READ = "read"
    """A look at the provider's objects, answered anew each time."""
    ACT = "act"
    """A change of the provider's objects, likewise."""


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


class Received(NamedTuple):
    """One call as a provider's wire is shown it: whole, the provider's own prefix taken off."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    """Names in lower case; of several of one name, the last."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One call, as far as it decides what the answer is and what it costs."""

    kind: Kind
    model: str = ""
    """What the price page names what is sold: a model, a plan, a mail."""
    stream: bool = False
    prompt_tokens: int = 0
    limit: int | None = None
    """The most output tokens that the caller allows."""
    items: int = 1
    """How many texts are to be embedded, or how many answers there are to be of one prompt."""
    dimensions: int = 0
    option: bool = False
    """The one thing that a provider's form of this call leaves open; its module says which."""
    units: int = 0
    """What is sold by the piece: characters, seconds, images, mails, hours."""
    written: int = 0
    """Tokens of the prompt that are to be kept in a cache for five minutes."""
    written_hour: int = 0
    """The same for an hour."""
    searches: int = 0
    """Searches that the provider makes on the way, each of which it charges."""
    input_audio: int = 0
    """Tokens of the prompt that are sound."""
    output: int | None = None
    """Output tokens, where the request decides them: an image's, a voice's."""
    tier: str = DEFAULT_TIER
    """In which of the model's tiers the call runs, as the price page names it."""
    act: str = ""
    """Which act on its objects, in the words of the provider's module."""
    details: tuple[tuple[str, str], ...] = ()
    """What the answer repeats of the request."""
    moves: tuple[str, int] | None = None
    """Money of the caller's that is moved: a currency, and an amount in its smallest unit."""

    @property
    def item(self) -> str:
        """The line of the price page that it is charged by."""
        return self.model if self.tier == DEFAULT_TIER else f"{self.model} {self.tier}"


@dataclass(frozen=True, slots=True)
class Used:
    """What a call used: the answer tells it, and the price page charges it."""

    input: int = 0
    """Tokens of the prompt, those of the next four among them."""
    cached: int = 0
    written: int = 0
    written_hour: int = 0
    input_audio: int = 0
    output: int = 0
    """Tokens of the answer, those of the next two among them."""
    thoughts: int = 0
    output_audio: int = 0
    searches: int = 0
    units: int = 0
    """As in `Asked`."""


def overcharged(used: Used, limit: int | None) -> Used:
    """Give a use of ten times as much as was allowed, or as it would have been."""
    return replace(
        used,
        output=used.output_audio + _TOO_MUCH * max(used.output, limit or 0),
        units=_TOO_MUCH * used.units,
    )


@dataclass(frozen=True, slots=True)
class Prose:
    """The text of an answer, a token an element."""

    tokens: tuple[str, ...]
    cut: bool = False
    """Whether the caller's own limit ended it."""
    echo: bool = False
    """It holds the caller's own credential, and is to stand even where no text stands else."""

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

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:
        """Answer a call; the answer does not say what was used where `used` is None."""

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:
        """Answer with an error. `about` is as in `Refused`."""


def bearer(headers: Mapping[bytes, bytes]) -> bytes | None:
    """Read a Bearer token."""
    scheme, _, credential = headers.get(b"authorization", b"").partition(b" ")
    return credential.strip() or None if scheme.lower() == b"bearer" else None


def basic(headers: Mapping[bytes, bytes]) -> tuple[bytes, bytes] | None:
    """Read a Basic user and password (RFC 7617)."""
    scheme, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user, password) if colon else None


def masked(key: str) -> str:
    """Show a key as those providers do that repeat a rejected one: its ends alone."""
    stars = max(0, len(key) - 12)
    return key[:8] + "*" * stars + key[-4:] if stars else "*" * len(key)


def form(body: bytes) -> dict[str, str]:
    """Read a form (`application/x-www-form-urlencoded`); of several fields of a name, the last."""
    return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))


def whole(body: object, *headers: tuple[bytes, bytes], status: int = 200) -> Reply:
    """Make an answer of one JSON document."""
    return Reply(status, (TYPE_JSON, *headers), (orjson.dumps(body),))


def shown(body: Mapping[str, Any], said: Prose, status: int = 200) -> Reply:
    """Make an answer of an object that has no place for text; an echo goes beside its members."""
    echo = {"echo": said.text} if said.echo else {}
    return whole({**body, **echo}, status=status)


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
    """Count a prompt: a made-up tokenizer, the same for a call and for the count of its tokens.

    A picture is counted by its size on the wall, so to say, and not by its bytes: each as one of
    1024 by 1024 dots.
    """
    tokens = 0
    for part in parts:
        if part:
            text = orjson.dumps(part)
            if b";base64," in text or b'"data":"' in text:
                text, pictures = _PICTURE.subn(b"", text)
                tokens += pictures * _PICTURE_TOKENS
            tokens += -(-len(text) // _BYTES_A_TOKEN)
    return tokens


@lru_cache(maxsize=256)
def prose(events: int, limit: int | None, size: int | None) -> Prose:
    """Write an answer of `events` tokens, or of `limit` if that is less.

    With a `size` the text is that many bytes long, spread evenly over the tokens.
    """
    natural = max(1, events)
    count = natural if limit is None else min(natural, limit)
    if size is None or not count:
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
