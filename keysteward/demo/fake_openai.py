"""OpenAI's wire format, and with another `Dialect` that of those who imitate it.

Models and embeddings are here; each of the other operations has a module of its own.
"""

import base64
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from keysteward.demo import fake_realtime as realtime
from keysteward.demo.fake_chat import chunks, completion, read_chat, tier_of, usage
from keysteward.demo.fake_dialect import Dialect, When, mistake
from keysteward.demo.fake_media import (
    images,
    moderation,
    read_images,
    read_moderation,
    read_speech,
    read_transcription,
    speech,
    transcription,
)
from keysteward.demo.fake_responses import response, response_events
from keysteward.demo.fake_talk import Desk, Line
from keysteward.demo.fake_wire import (
    BORN,
    TYPE_SSE,
    Asked,
    Kind,
    Prose,
    Received,
    Refused,
    Reply,
    Trouble,
    Used,
    bearer,
    limit_of,
    packed,
    prose,
    read,
    text_of,
    tokens_in,
    vector,
    whole,
)

MODELS: Final = ("gpt-4o-mini", "gpt-4.1", "text-embedding-3-small")
_DIMENSIONS: Final = 1536
_MOST_DIMENSIONS: Final = 3072
_SEARCH_TOKENS: Final = 300
"""What a search brings into the prompt."""

# The cookie is what the provider's own front door sets; a broker must not hand it on.
_HEADERS: Final = (
    (b"openai-organization", b"org-made-up"),
    (b"openai-processing-ms", b"21"),
    (b"openai-version", b"2020-10-01"),
    (b"x-ratelimit-limit-requests", b"10000"),
    (b"x-ratelimit-remaining-requests", b"9999"),
    (b"x-ratelimit-reset-requests", b"6ms"),
    (b"set-cookie", b"__cf_bm=made-up; path=/; HttpOnly; Secure; SameSite=None"),
)


class OpenAI:
    """`Asked.option` is `stream_options.include_usage` of a chat, and base64 of an embedding."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._readers = {
            root + path: reader
            for root in dialect.roots
            for path, reader in dialect.readers.items()
        }
        self.request_id = dialect.request_id

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read the Bearer token."""
        return bearer(headers)

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        if call.method == "POST" and call.path in self._readers:
            return self._readers[call.path](call)
        if call.method == "GET":
            if call.path in self._dialect.looks:
                return Asked(Kind.CHECK, act=call.path)
            for root in self._dialect.roots:
                if call.path == f"{root}/models":
                    return Asked(Kind.MODELS)
                if call.path.startswith(f"{root}/models/"):
                    return Asked(Kind.MODELS, model=call.path.removeprefix(f"{root}/models/"))
        raise Refused(Trouble.NO_SUCH_ROUTE, f"{call.method} {call.path}")

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:
        """Answer a call."""
        dialect = self._dialect
        if asked.kind is Kind.SPEECH:
            return speech(asked, prose, used, dialect.headers)
        if asked.stream:
            events = (
                response_events(asked, prose, used)
                if asked.kind is Kind.RESPONSE
                else chunks(dialect, asked, prose, used)
            )
            return Reply(200, (TYPE_SSE, *dialect.headers), events, stream=True)
        documents: dict[Kind, Callable[[], dict[str, Any]]] = {
            Kind.CHAT: lambda: completion(dialect, asked, prose, used),
            Kind.RESPONSE: lambda: response(asked, prose, used),
            Kind.EMBEDDING: lambda: _embeddings(asked, used),
            Kind.IMAGE: lambda: images(asked, used),
            Kind.TRANSCRIPTION: lambda: transcription(asked, prose, used),
            Kind.MODERATION: lambda: moderation(asked),
            Kind.CHECK: lambda: dict(dialect.looks[asked.act]),
            Kind.MODELS: lambda: _models(dialect, asked.model),
        }
        return whole(documents[asked.kind](), *dialect.headers)

    def talks(self, call: Received) -> bool:
        """Tell whether a websocket may be opened there: OpenAI's own Realtime API."""
        return self._dialect.provider == "openai" and call.path == realtime.PATH

    async def talk(self, call: Received, line: Line, desk: Desk) -> None:
        """Talk until the client has left. Raises `Left`."""
        await realtime.Realtime(call, line, desk).run()

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:  # noqa: ARG002
        """Answer with an error; a rejected key is shown masked in it, as the provider does."""
        return mistake(self._dialect, trouble, about)


def read_response(call: Received) -> Asked:
    """Understand a call of the Responses API. Raises `Refused`."""
    payload = read(call.body)
    model = text_of(payload, "model")
    tokens = tokens_in(payload.get("instructions"), payload.get("input"), payload.get("tools"))
    searches = 0
    if any("web_search" in str(tool.get("type")) for tool in payload.get("tools") or ()):
        # It searches as often as it may, and each time the whole prompt is read again.
        searches = limit_of(payload, "max_tool_calls") or 1
    return Asked(
        Kind.RESPONSE,
        model,
        stream=payload.get("stream") is True,
        prompt_tokens=(searches + 1) * tokens + searches * _SEARCH_TOKENS,
        limit=limit_of(payload, "max_output_tokens"),
        searches=searches,
        tier=tier_of(payload, model),
    )


def read_embedding(call: Received) -> Asked:
    """Understand a call of embeddings. Raises `Refused`."""
    payload = read(call.body)
    model = text_of(payload, "model")
    texts = payload.get("input")
    if not texts:
        raise Refused(Trouble.MALFORMED, "Missing required parameter: 'input'.")
    # A list of numbers is one text, already in tokens.
    several = isinstance(texts, list) and not isinstance(texts[0], int)
    dimensions = limit_of(payload, "dimensions") or _DIMENSIONS
    if dimensions > _MOST_DIMENSIONS:
        raise Refused(
            Trouble.MALFORMED, f"Invalid value for 'dimensions': it is above {_MOST_DIMENSIONS}."
        )
    return Asked(
        Kind.EMBEDDING,
        model,
        prompt_tokens=tokens_in(texts),
        items=len(texts) if several else 1,
        dimensions=dimensions,
        option=payload.get("encoding_format") == "base64",
    )


def _models(dialect: Dialect, name: str) -> dict[str, Any]:
    def model(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": BORN, "owned_by": "made-up"}

    if name:
        return model(name)
    return {"object": "list", "data": [model(each) for each in dialect.models]}


def _embeddings(asked: Asked, used: Used | None) -> dict[str, Any]:
    values = vector(asked.dimensions)
    shown = base64.b64encode(packed(values)).decode() if asked.option else values
    told = (
        {} if used is None else {"usage": {"prompt_tokens": used.input, "total_tokens": used.input}}
    )
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": shown}
            for index in range(asked.items)
        ],
        "model": asked.model,
        **told,
    }


OPENAI: Final = Dialect(
    provider="openai",
    models=MODELS,
    usage=usage,
    readers={
        "/chat/completions": read_chat,
        "/responses": read_response,
        "/embeddings": read_embedding,
        "/images/generations": read_images,
        "/audio/speech": read_speech,
        "/audio/transcriptions": read_transcription,
        "/moderations": read_moderation,
    },
    extra=When.ASKED,
    last=lambda _: {},
    tiers=True,
    headers=_HEADERS,
)
"""OpenAI itself."""


@lru_cache(maxsize=8)
def chat_events(events: int) -> tuple[bytes, ...]:
    """Give the SSE events of a typical streamed chat, for those who send them by other means."""
    asked = Asked(Kind.CHAT, MODELS[0], stream=True)
    return chunks(OPENAI, asked, prose(events, None, None), Used())
