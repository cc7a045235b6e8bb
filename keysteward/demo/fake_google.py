"""Google's wire format (the Gemini API): models, content, the count of tokens, and embeddings."""

import re
from collections.abc import Mapping
from typing import Any, Final

from keysteward.demo.fake_wire import (
    Asked,
    Kind,
    Prose,
    Refused,
    Reply,
    Trouble,
    limit_of,
    pretty,
    read,
    sse,
    tokens_in,
    vector,
)

MODELS: Final = ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-embedding-001")
# The SDK calls the stable API from its version 3 on, and the beta before that or when told to.
_ROOT: Final = re.compile(r"/v1(?:beta)?/models(?:/(?P<name>.+))?")
_DIMENSIONS: Final = 3072

_TYPE: Final = (b"content-type", b"application/json; charset=UTF-8")
_HEADERS: Final = (
    (b"vary", b"Origin, X-Origin, Referer"),
    (b"server-timing", b"gfet4t7; dur=21"),
    (b"x-content-type-options", b"nosniff"),
)


class Google:
    """`Asked.option` of a stream is `alt=sse`; of an embedding, that it is a batch."""

    # The provider itself numbers no call; this is where a test finds the number all the same.
    request_id = b"x-request-id"

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read the key from its header; one in the URL is not looked at."""
        return headers.get(b"x-goog-api-key")

    def asked(self, method: str, path: str, query: bytes, body: bytes) -> Asked:
        """Understand a call. Raises `Refused`."""
        place = _ROOT.fullmatch(path)
        if place is None:
            raise Refused(Trouble.NO_SUCH_ROUTE, path)
        name = place["name"] or ""
        if method == "GET" and ":" not in name:
            return Asked(Kind.MODELS, model=name)
        model, _, act = name.rpartition(":")
        if method != "POST" or act not in _ACTS or not model:
            raise Refused(Trouble.NO_SUCH_ROUTE, path)
        payload = read(body)
        if act == "countTokens":
            inner = payload.get("generateContentRequest")
            return Asked(Kind.COUNT, model, prompt_tokens=_prompt(inner or payload))
        if act in {"embedContent", "batchEmbedContents"}:
            return _read_embedding(payload, model, batch=act == "batchEmbedContents")
        config = payload.get("generationConfig")
        if not payload.get("contents"):
            raise Refused(
                Trouble.MALFORMED, "* GenerateContentRequest.contents: contents is not specified"
            )
        return Asked(
            Kind.CHAT,
            model,
            stream=act == "streamGenerateContent",
            prompt_tokens=_prompt(payload),
            limit=limit_of(config, "maxOutputTokens") if isinstance(config, dict) else None,
            option=b"alt=sse" in query.split(b"&"),
        )

    def reply(self, asked: Asked, prose: Prose) -> Reply:
        """Answer a call."""
        match asked.kind:
            case Kind.CHAT if asked.stream and asked.option:
                # The provider ends these lines with CR LF; whoever passes them on must keep that.
                pieces = tuple(sse(chunk, b"\r\n") for chunk in _chunks(asked, prose))
                kind = (b"content-type", b"text/event-stream")
                return Reply(200, (kind, *_HEADERS), pieces, stream=True)
            case Kind.CHAT if asked.stream:
                first, *others = [pretty(chunk).rstrip() for chunk in _chunks(asked, prose)]
                pieces = (b"[" + first, *(b",\r\n" + other for other in others), b"\n]\n")
                return Reply(200, (_TYPE, *_HEADERS), pieces, stream=True)
            case Kind.CHAT:
                return _whole(_content(asked, prose.text, len(prose.tokens), _finish(prose)))
            case Kind.COUNT:
                counted = [{"modality": "TEXT", "tokenCount": asked.prompt_tokens}]
                total = asked.prompt_tokens
                return _whole({"totalTokens": total, "promptTokensDetails": counted})
            case Kind.EMBEDDING:
                one = {"values": vector(asked.dimensions)}
                usage = {"promptTokenCount": asked.prompt_tokens}
                many = {"embeddings": [one] * asked.items} if asked.option else {"embedding": one}
                return _whole(many | {"usageMetadata": usage})
            case _:
                shown = _model(asked.model) if asked.model else {"models": [*map(_model, MODELS)]}
                return _whole(shown)

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:  # noqa: ARG002
        """Answer with an error. A bad key is an invalid argument here, and so 400, not 401."""
        status, name, message, reason = _ERRORS[trouble]
        words = message or about
        error: dict[str, Any] = {"code": status, "message": words, "status": name}
        if reason:
            error["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": reason,
                    "domain": "googleapis.com",
                    "metadata": {"service": "generativelanguage.googleapis.com"},
                },
                {
                    "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
                    "locale": "en-US",
                    "message": words,
                },
            ]
        wait = ((b"retry-after", b"7"),) if trouble is Trouble.RATE_LIMITED else ()
        return Reply(status, (_TYPE, *_HEADERS, *wait), (pretty({"error": error}),))


_ACTS: Final = frozenset(
    {
        "generateContent",
        "streamGenerateContent",
        "countTokens",
        "embedContent",
        "batchEmbedContents",
    }
)

_ERRORS: Final[dict[Trouble, tuple[int, str, str, str]]] = {
    Trouble.KEY_MISSING: (
        403,
        "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers.",
        "",
    ),
    Trouble.KEY_REJECTED: (
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
        "API_KEY_INVALID",
    ),
    Trouble.KEY_SCOPED: (
        403,
        "PERMISSION_DENIED",
        "Requests to this API method are blocked.",
        "API_KEY_SERVICE_BLOCKED",
    ),
    Trouble.MALFORMED: (400, "INVALID_ARGUMENT", "", ""),
    Trouble.NO_SUCH_ROUTE: (404, "NOT_FOUND", "Requested entity was not found.", ""),
    Trouble.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted.", ""),
    Trouble.OVERLOADED: (503, "UNAVAILABLE", "The model is overloaded.", ""),
    Trouble.ERROR_500: (500, "INTERNAL", "An internal error has occurred.", ""),
}


def _whole(body: object) -> Reply:
    return Reply(200, (_TYPE, *_HEADERS), (pretty(body),))


def _prompt(payload: Mapping[str, Any]) -> int:
    return tokens_in(
        payload.get("contents"), payload.get("systemInstruction"), payload.get("tools")
    )


def _read_embedding(payload: Mapping[str, Any], model: str, *, batch: bool) -> Asked:
    requests = payload.get("requests") if batch else [payload]
    if not isinstance(requests, list) or not requests or not isinstance(requests[0], dict):
        raise Refused(
            Trouble.MALFORMED, "* BatchEmbedContentsRequest.requests: at least one is needed"
        )
    config = requests[0].get("embedContentConfig")
    dimensions = limit_of(requests[0], "outputDimensionality")
    if dimensions is None and isinstance(config, dict):
        dimensions = limit_of(config, "outputDimensionality")
    return Asked(
        Kind.EMBEDDING,
        model,
        prompt_tokens=tokens_in(*(each.get("content") for each in requests)),
        items=len(requests),
        dimensions=min(dimensions or _DIMENSIONS, _DIMENSIONS),
        option=batch,
    )


def _model(name: str) -> dict[str, Any]:
    embeds = "embedding" in name
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": f"Made-up {name}",
        "description": "A model that answers on loopback.",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 1 if embeds else 65_536,
        "supportedGenerationMethods": (
            ["embedContent"] if embeds else ["generateContent", "countTokens"]
        ),
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
    }


def _finish(said: Prose) -> str:
    return "MAX_TOKENS" if said.cut else "STOP"


def _content(asked: Asked, text: str, tokens: int, finish: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {
        "content": {"parts": [{"text": text}], "role": "model"},
        "index": 0,
    }
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": asked.prompt_tokens,
            "candidatesTokenCount": tokens,
            "totalTokenCount": asked.prompt_tokens + tokens,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": asked.prompt_tokens}],
        },
        "modelVersion": asked.model,
        "responseId": "made-up-00000000000001",
    }


def _chunks(asked: Asked, said: Prose) -> list[dict[str, Any]]:
    last = len(said.tokens)
    return [
        _content(asked, token, so_far, _finish(said) if so_far == last else None)
        for so_far, token in enumerate(said.tokens, start=1)
    ]
