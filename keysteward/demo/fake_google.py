"""Google's wire format (the Gemini API): models, content, the count of tokens, and embeddings."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from keysteward.demo.fake_wire import (
    Asked,
    Kind,
    Prose,
    Received,
    Refused,
    Reply,
    Trouble,
    Used,
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
_SEARCH_TOOLS: Final = {"google_search", "googleSearch"}

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

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        place = _ROOT.fullmatch(call.path)
        if place is None:
            raise Refused(Trouble.NO_SUCH_ROUTE, call.path)
        name = place["name"] or ""
        if call.method == "GET" and ":" not in name:
            return Asked(Kind.MODELS, model=name)
        model, _, act = name.rpartition(":")
        if call.method != "POST" or act not in _ACTS or not model:
            raise Refused(Trouble.NO_SUCH_ROUTE, call.path)
        payload = read(call.body)
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
            items=(limit_of(config, "candidateCount") if isinstance(config, dict) else None) or 1,
            option=b"alt=sse" in call.query.split(b"&"),
            searches=int(any(_SEARCH_TOOLS & tool.keys() for tool in payload.get("tools") or ())),
        )

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:
        """Answer a call."""
        match asked.kind:
            case Kind.CHAT if asked.stream:
                return _stream(asked, prose, used)
            case Kind.CHAT:
                return _whole(_content(asked, prose.text, used, _finish(prose)))
            case Kind.COUNT:
                counted = [{"modality": "TEXT", "tokenCount": asked.prompt_tokens}]
                total = asked.prompt_tokens
                return _whole({"totalTokens": total, "promptTokensDetails": counted})
            case Kind.EMBEDDING:
                one = {"values": vector(asked.dimensions)}
                many = {"embeddings": [one] * asked.items} if asked.option else {"embedding": one}
                counts = {} if used is None else {"promptTokenCount": used.input}
                return _whole(many | ({"usageMetadata": counts} if counts else {}))
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


def _stream(asked: Asked, said: Prose, used: Used | None) -> Reply:
    chunks = _chunks(asked, said, used)
    if asked.option:
        # The provider ends these lines with CR LF; whoever passes them on must keep that.
        events = tuple(sse(chunk, b"\r\n") for chunk in chunks)
        kind = (b"content-type", b"text/event-stream")
        return Reply(200, (kind, *_HEADERS), events, stream=True)
    first, *others = [pretty(chunk).rstrip() for chunk in chunks]
    pieces = (b"[" + first, *(b",\r\n" + other for other in others), b"\n]\n")
    return Reply(200, (_TYPE, *_HEADERS), pieces, stream=True)


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


def _content(asked: Asked, text: str, used: Used | None, finish: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}}
    if asked.searches and finish:
        candidate["groundingMetadata"] = {"webSearchQueries": ["who holds the key"]}
    if finish:
        candidate["finishReason"] = finish
    content: dict[str, Any] = {
        "candidates": [candidate | {"index": index} for index in range(asked.items)],
        "modelVersion": asked.model,
        "responseId": "made-up-00000000000001",
    }
    return content if used is None else content | {"usageMetadata": _usage(used)}


def _usage(used: Used) -> dict[str, Any]:
    """Give the usage; the thoughts stand beside the candidates, not in them."""
    usage = {
        "promptTokenCount": used.input,
        "candidatesTokenCount": used.output - used.thoughts,
        "totalTokenCount": used.input + used.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": used.input}],
    }
    if used.cached:
        usage["cachedContentTokenCount"] = used.cached
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": used.cached}]
    if used.thoughts:
        usage["thoughtsTokenCount"] = used.thoughts
    return usage


def _chunks(asked: Asked, said: Prose, used: Used | None) -> list[dict[str, Any]]:
    """Make the chunks of a stream: each tells what was used so far, the last one all of it."""
    texts = said.tokens or ("",)
    chunks = []
    for number, text in enumerate(texts, start=1):
        last = number == len(texts)
        so_far = used
        if used is not None and not last:
            so_far = replace(used, output=used.thoughts + number * asked.items)
        chunks.append(_content(asked, text, so_far, _finish(said) if last else None))
    return chunks
