"""OpenAI's wire format: models, chat completions, responses and embeddings."""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from keysteward.demo.fake_responses import response, response_events
from keysteward.demo.fake_wire import (
    BORN,
    TYPE_SSE,
    Asked,
    Kind,
    Prose,
    Refused,
    Reply,
    Trouble,
    limit_of,
    packed,
    prose,
    read,
    sse,
    text_of,
    tokens_in,
    vector,
    whole,
)

MODELS: Final = ("gpt-4o-mini", "gpt-4.1", "text-embedding-3-small")
_DIMENSIONS: Final = 1536
_MOST_DIMENSIONS: Final = 3072

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

    request_id = b"x-request-id"

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read the Bearer token."""
        scheme, _, credential = headers.get(b"authorization", b"").partition(b" ")
        return credential.strip() or None if scheme.lower() == b"bearer" else None

    def asked(self, method: str, path: str, query: bytes, body: bytes) -> Asked:  # noqa: ARG002
        """Understand a call. Raises `Refused`."""
        if method == "POST" and path in _READERS:
            payload = read(body)
            return _READERS[path](payload, text_of(payload, "model"))
        if method == "GET" and path == "/v1/models":
            return Asked(Kind.MODELS)
        if method == "GET" and path.startswith("/v1/models/"):
            return Asked(Kind.MODELS, model=path.removeprefix("/v1/models/"))
        raise Refused(Trouble.NO_SUCH_ROUTE, f"{method} {path}")

    def reply(self, asked: Asked, prose: Prose) -> Reply:
        """Answer a call."""
        match asked.kind:
            case Kind.CHAT if asked.stream:
                return Reply(200, (TYPE_SSE, *_HEADERS), _chat_events(asked, prose), stream=True)
            case Kind.CHAT:
                return whole(_chat(asked, prose), *_HEADERS)
            case Kind.RESPONSE if asked.stream:
                return Reply(200, (TYPE_SSE, *_HEADERS), response_events(asked, prose), stream=True)
            case Kind.RESPONSE:
                return whole(response(asked, prose), *_HEADERS)
            case Kind.EMBEDDING:
                return whole(_embeddings(asked), *_HEADERS)
            case _:
                return whole(_models(asked.model), *_HEADERS)

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:  # noqa: ARG002
        """Answer with an error; a rejected key is shown masked in it, as the provider does."""
        status, kind, code, message = _ERRORS[trouble]
        shown = _masked(about) if trouble is Trouble.KEY_REJECTED else about
        error = {"message": message.format(shown), "type": kind, "param": None, "code": code}
        wait = ((b"retry-after", b"7"),) if trouble is Trouble.RATE_LIMITED else ()
        return whole({"error": error}, *_HEADERS, *wait, status=status)


_ERRORS: Final[dict[Trouble, tuple[int, str, str | None, str]]] = {
    Trouble.KEY_MISSING: (401, "invalid_request_error", None, "You didn't provide an API key."),
    Trouble.KEY_REJECTED: (
        401,
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided: {}.",
    ),
    Trouble.KEY_SCOPED: (
        403,
        "invalid_request_error",
        "missing_scope",
        "You have insufficient permissions for this operation. Missing scopes: api.model.read.",
    ),
    Trouble.MALFORMED: (400, "invalid_request_error", None, "{}"),
    Trouble.NO_SUCH_ROUTE: (404, "invalid_request_error", None, "Invalid URL ({})"),
    Trouble.RATE_LIMITED: (429, "requests", "rate_limit_exceeded", "Rate limit reached."),
    Trouble.OVERLOADED: (503, "server_error", None, "The engine is currently overloaded."),
    Trouble.ERROR_500: (500, "server_error", None, "The server had an error."),
}


def _masked(key: str) -> str:
    stars = max(0, len(key) - 12)
    return key[:8] + "*" * stars + key[-4:] if stars else "*" * len(key)


def _read_chat(payload: dict[str, Any], model: str) -> Asked:
    if not isinstance(payload.get("messages"), list):
        raise Refused(Trouble.MALFORMED, "Missing required parameter: 'messages'.")
    options = payload.get("stream_options")
    return Asked(
        Kind.CHAT,
        model,
        stream=payload.get("stream") is True,
        prompt_tokens=tokens_in(payload["messages"], payload.get("tools")),
        limit=limit_of(payload, "max_completion_tokens", "max_tokens"),
        option=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _read_response(payload: dict[str, Any], model: str) -> Asked:
    return Asked(
        Kind.RESPONSE,
        model,
        stream=payload.get("stream") is True,
        prompt_tokens=tokens_in(payload.get("instructions"), payload.get("input")),
        limit=limit_of(payload, "max_output_tokens"),
    )


def _read_embedding(payload: dict[str, Any], model: str) -> Asked:
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


_READERS: Final = {
    "/v1/chat/completions": _read_chat,
    "/v1/responses": _read_response,
    "/v1/embeddings": _read_embedding,
}


def _models(name: str) -> dict[str, Any]:
    def model(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": BORN, "owned_by": "made-up"}

    return model(name) if name else {"object": "list", "data": [model(each) for each in MODELS]}


def _usage(asked: Asked, said: Prose) -> dict[str, Any]:
    return {
        "prompt_tokens": asked.prompt_tokens,
        "completion_tokens": len(said.tokens),
        "total_tokens": asked.prompt_tokens + len(said.tokens),
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _chat(asked: Asked, said: Prose) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": said.text,
        "refusal": None,
        "annotations": [],
    }
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": "length" if said.cut else "stop",
    }
    return {
        "id": "chatcmpl-madeup0000000000000001",
        "object": "chat.completion",
        "created": BORN,
        "model": asked.model,
        "choices": [choice],
        "usage": _usage(asked, said),
        "service_tier": "default",
        "system_fingerprint": "fp_madeup0001",
    }


def _chat_events(asked: Asked, said: Prose) -> tuple[bytes, ...]:
    frame: dict[str, Any] = {
        "id": "chatcmpl-madeup0000000000000001",
        "object": "chat.completion.chunk",
        "created": BORN,
        "model": asked.model,
        "service_tier": "default",
        "system_fingerprint": "fp_madeup0001",
    }
    # With include_usage every chunk has the field, and only the last, without choices, a value.
    unknown: dict[str, Any] = {"usage": None} if asked.option else {}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse(frame | {"choices": [choice]} | unknown)

    events = [chunk({"role": "assistant", "content": "", "refusal": None})]
    events += [chunk({"content": token}) for token in said.tokens]
    events.append(chunk({}, "length" if said.cut else "stop"))
    if asked.option:
        events.append(sse(frame | {"choices": [], "usage": _usage(asked, said)}))
    return (*events, b"data: [DONE]\n\n")


def _embeddings(asked: Asked) -> dict[str, Any]:
    values = vector(asked.dimensions)
    shown = base64.b64encode(packed(values)).decode() if asked.option else values
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": shown}
            for index in range(asked.items)
        ],
        "model": asked.model,
        "usage": {"prompt_tokens": asked.prompt_tokens, "total_tokens": asked.prompt_tokens},
    }


@lru_cache(maxsize=8)
def chat_events(events: int) -> tuple[bytes, ...]:
    """Give the SSE events of a typical streamed chat, for those who send them by other means."""
    return _chat_events(Asked(Kind.CHAT, MODELS[0], stream=True), prose(events, None, None))
