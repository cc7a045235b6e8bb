"""Cohere's wire format, version 2: chat, embeddings, the order of documents, and keys' check."""

from collections.abc import Mapping
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
    bearer,
    limit_of,
    read,
    sse,
    text_of,
    tokens_in,
    vector,
    whole,
)

MODELS: Final = ("command-a-03-2025", "command-r-08-2024", "embed-v4.0", "rerank-v3.5")
_DIMENSIONS: Final = 1536
_DOCUMENTS_A_SEARCH: Final = 100
_FRAME_TOKENS: Final = 470
"""Of the template that the prompt is put in: counted in `tokens`, and not billed."""
_HEADERS: Final = ((b"x-trial-endpoint-call-limit", b"20"), (b"x-debug-trace-id", b"made-up"))
_TYPE_SSE: Final = (b"content-type", b"text/event-stream")
_ID: Final = "00000000-0000-4000-8000-0000000c04e5"


class Cohere:
    """`Asked.option` is not used."""

    request_id = b"x-request-id"

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read the Bearer token."""
        return bearer(headers)

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        match call.method, call.path:
            case "GET", "/v1/models":
                return Asked(Kind.MODELS)
            case "POST", "/v1/check-api-key":
                return Asked(Kind.CHECK)
            case "POST", "/v2/chat":
                return _read_chat(read(call.body))
            case "POST", "/v2/embed":
                return _read_embedding(read(call.body))
            case "POST", "/v2/rerank":
                return _read_ranking(read(call.body))
        raise Refused(Trouble.NO_SUCH_ROUTE, call.path)

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:
        """Answer a call."""
        match asked.kind:
            case Kind.CHAT if asked.stream:
                events = _events(asked, prose, used)
                return Reply(200, (_TYPE_SSE, *_HEADERS), events, stream=True)
            case Kind.CHAT:
                text = [{"type": "text", "text": prose.text}]
                message = {"role": "assistant", "content": text}
                body = {"id": _ID, "finish_reason": _finish(prose), "message": message}
                return whole(body | _told(asked, used, "usage"), *_HEADERS)
            case Kind.EMBEDDING:
                vectors = [vector(asked.dimensions)] * asked.items
                body = {"id": _ID, "embeddings": {"float": vectors}, "texts": []}
                kind = {"response_type": "embeddings_by_type"}
                return whole(body | _told(asked, used, "meta") | kind, *_HEADERS)
            case Kind.RERANK:
                results = [
                    {"index": index, "relevance_score": 1 / (index + 1)}
                    for index in range(asked.items)
                ]
                return whole(
                    {"id": _ID, "results": results, **_told(asked, used, "meta")}, *_HEADERS
                )
            case Kind.CHECK:
                return whole({"valid": True, "organization_id": _ID, "owner_id": _ID}, *_HEADERS)
            case _:
                models = [{"name": name, "endpoints": ["chat"]} for name in MODELS]
                return whole({"models": models, "next_page_token": ""}, *_HEADERS)

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:
        """Answer with an error."""
        status, message = _ERRORS[trouble]
        wait = ((b"retry-after", b"7"),) if trouble is Trouble.RATE_LIMITED else ()
        body = {"id": call_id, "message": message or about}
        return whole(body, *_HEADERS, *wait, status=status)


_ERRORS: Final[dict[Trouble, tuple[int, str]]] = {
    Trouble.KEY_MISSING: (401, "no api key supplied"),
    Trouble.KEY_REJECTED: (401, "invalid api token"),
    Trouble.KEY_SCOPED: (403, "this api key may not do that"),
    Trouble.MALFORMED: (400, ""),
    Trouble.NO_SUCH_ROUTE: (404, "not found"),
    Trouble.RATE_LIMITED: (429, "You are using a rate limited key."),
    Trouble.OVERLOADED: (503, "the service is overloaded"),
    Trouble.ERROR_500: (500, "internal server error"),
}


def _read_chat(payload: Mapping[str, Any]) -> Asked:
    model = text_of(payload, "model")
    if not isinstance(payload.get("messages"), list):
        raise Refused(Trouble.MALFORMED, "invalid request: messages are required")
    return Asked(
        Kind.CHAT,
        model,
        stream=payload.get("stream") is True,
        prompt_tokens=tokens_in(payload["messages"], payload.get("tools")),
        limit=limit_of(payload, "max_tokens"),
    )


def _read_embedding(payload: Mapping[str, Any]) -> Asked:
    texts = payload.get("texts")
    if not isinstance(texts, list) or not texts:
        raise Refused(Trouble.MALFORMED, "invalid request: texts are required")
    return Asked(
        Kind.EMBEDDING,
        text_of(payload, "model"),
        prompt_tokens=tokens_in(texts),
        items=len(texts),
        dimensions=limit_of(payload, "output_dimension") or _DIMENSIONS,
    )


def _read_ranking(payload: Mapping[str, Any]) -> Asked:
    documents = payload.get("documents")
    if not isinstance(documents, list) or not documents:
        raise Refused(Trouble.MALFORMED, "invalid request: documents are required")
    text_of(payload, "query")
    return Asked(
        Kind.RERANK,
        text_of(payload, "model"),
        items=min(len(documents), limit_of(payload, "top_n") or len(documents)),
        units=-(-len(documents) // _DOCUMENTS_A_SEARCH),
    )


def _finish(said: Prose) -> str:
    return "MAX_TOKENS" if said.cut else "COMPLETE"


def _told(asked: Asked, used: Used | None, name: str) -> dict[str, Any]:
    """Give the member that tells what was used: a chat's `usage`, the others' `meta`."""
    if used is None:
        return {}
    match asked.kind:
        case Kind.CHAT:
            billed = {"input_tokens": used.input, "output_tokens": used.output}
            counted = billed | {"input_tokens": used.input + _FRAME_TOKENS}
            return {name: {"billed_units": billed, "tokens": counted}}
        case Kind.EMBEDDING:
            billed = {"input_tokens": used.input}
        case _:
            billed = {"search_units": used.units}
    return {name: {"api_version": {"version": "2"}, "billed_units": billed}}


def _events(asked: Asked, said: Prose, used: Used | None) -> tuple[bytes, ...]:
    opened = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}
    text = {"message": {"content": {"type": "text", "text": ""}}}
    bodies: list[dict[str, Any]] = [
        {"type": "message-start", "id": _ID, "delta": {"message": opened}},
        {"type": "content-start", "index": 0, "delta": text},
        *(
            {
                "type": "content-delta",
                "index": 0,
                "delta": {"message": {"content": {"text": token}}},
            }
            for token in said.tokens
        ),
        {"type": "content-end", "index": 0},
        {
            "type": "message-end",
            "delta": {"finish_reason": _finish(said), **_told(asked, used, "usage")},
        },
    ]
    named = tuple(f"event: {body['type']}\n".encode() + sse(body) for body in bodies)
    return (*named, b"data: [DONE]\n\n")
