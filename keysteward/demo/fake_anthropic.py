"""Anthropic's wire format: models, messages and the count of tokens."""

from collections.abc import Mapping
from typing import Any, Final

from keysteward.demo.fake_wire import (
    TYPE_SSE,
    Asked,
    Kind,
    Prose,
    Refused,
    Reply,
    Trouble,
    limit_of,
    read,
    sse,
    text_of,
    tokens_in,
    whole,
)

MODELS: Final = (("claude-sonnet-4-5", "Sonnet"), ("claude-haiku-4-5", "Haiku"))

_HEADERS: Final = (
    (b"anthropic-organization-id", b"00000000-0000-4000-8000-00000000fa4e"),
    (b"anthropic-ratelimit-requests-limit", b"4000"),
    (b"anthropic-ratelimit-requests-remaining", b"3999"),
    (b"anthropic-ratelimit-requests-reset", b"2026-01-01T00:00:00Z"),
    (b"set-cookie", b"__cf_bm=made-up; path=/; HttpOnly; Secure; SameSite=None"),
)


class Anthropic:
    """`Asked.option` is not used."""

    request_id = b"request-id"

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read the key. A call that names no version of the API is refused as malformed.

        It stands in `x-api-key`, or behind Bearer, where the SDK puts it from version 2 on.
        """
        credential = headers.get(b"x-api-key")
        if not credential:
            scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
            credential = bearer.strip() if scheme.lower() == b"bearer" else None
        if credential and b"anthropic-version" not in headers:
            raise Refused(Trouble.MALFORMED, "anthropic-version: header is required")
        return credential

    def asked(self, method: str, path: str, query: bytes, body: bytes) -> Asked:  # noqa: ARG002
        """Understand a call. Raises `Refused`."""
        if method == "GET" and path == "/v1/models":
            return Asked(Kind.MODELS)
        if method == "GET" and path.startswith("/v1/models/"):
            return Asked(Kind.MODELS, model=path.removeprefix("/v1/models/"))
        if method != "POST" or path not in {"/v1/messages", "/v1/messages/count_tokens"}:
            raise Refused(Trouble.NO_SUCH_ROUTE, "Not found")
        payload = read(body)
        model = text_of(payload, "model")
        if not isinstance(payload.get("messages"), list):
            raise Refused(Trouble.MALFORMED, "messages: Field required")
        tokens = tokens_in(payload["messages"], payload.get("system"), payload.get("tools"))
        if path.endswith("/count_tokens"):
            return Asked(Kind.COUNT, model, prompt_tokens=tokens)
        limit = limit_of(payload, "max_tokens")
        if limit is None:
            raise Refused(Trouble.MALFORMED, "max_tokens: Field required")
        stream = payload.get("stream") is True
        return Asked(Kind.CHAT, model, stream=stream, prompt_tokens=tokens, limit=limit)

    def reply(self, asked: Asked, prose: Prose) -> Reply:
        """Answer a call."""
        match asked.kind:
            case Kind.CHAT if asked.stream:
                return Reply(200, (TYPE_SSE, *_HEADERS), _events(asked, prose), stream=True)
            case Kind.CHAT:
                stop = "max_tokens" if prose.cut else "end_turn"
                text = [{"type": "text", "text": prose.text}]
                return whole(_message(asked, text, stop, len(prose.tokens)), *_HEADERS)
            case Kind.COUNT:
                return whole({"input_tokens": asked.prompt_tokens}, *_HEADERS)
            case _:
                return whole(_models(asked.model), *_HEADERS)

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:
        """Answer with an error, which carries the call's number in its body too."""
        status, kind, message = _ERRORS[trouble]
        words = message or about
        body = {
            "type": "error",
            "error": {"type": kind, "message": words},
            "request_id": call_id,
        }
        wait = ((b"retry-after", b"7"),) if trouble is Trouble.RATE_LIMITED else ()
        return whole(body, *_HEADERS, *wait, status=status)


_ERRORS: Final[dict[Trouble, tuple[int, str, str]]] = {
    Trouble.KEY_MISSING: (401, "authentication_error", "x-api-key header is required"),
    Trouble.KEY_REJECTED: (401, "authentication_error", "invalid x-api-key"),
    Trouble.KEY_SCOPED: (403, "permission_error", "This API key may not list models."),
    Trouble.MALFORMED: (400, "invalid_request_error", ""),
    Trouble.NO_SUCH_ROUTE: (404, "not_found_error", "Not found"),
    Trouble.RATE_LIMITED: (429, "rate_limit_error", "This request would exceed your rate limit."),
    Trouble.OVERLOADED: (529, "overloaded_error", "Overloaded"),
    Trouble.ERROR_500: (500, "api_error", "Internal server error"),
}


def _models(name: str) -> dict[str, Any]:
    def model(name: str, shown: str) -> dict[str, Any]:
        return {
            "type": "model",
            "id": name,
            "display_name": f"Made-up {shown}",
            "created_at": "2025-10-09T00:00:00Z",
            "lifecycle": "active",
            "deprecated_at": None,
            "retires_at": None,
            "line": shown.lower(),
            "max_input_tokens": 200_000,
            "max_tokens": 64_000,
            "capabilities": None,
        }

    if name:
        return model(name, "Sonnet")
    return {
        "data": [model(*each) for each in MODELS],
        "has_more": False,
        "first_id": MODELS[0][0],
        "last_id": MODELS[-1][0],
    }


def _message(
    asked: Asked, content: list[dict[str, Any]], stop: str | None, tokens: int
) -> dict[str, Any]:
    return {
        "id": "msg_01MadeUp00000000000001",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {
            "input_tokens": asked.prompt_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": tokens,
            "server_tool_use": None,
            "service_tier": "standard",
        },
    }


def _events(asked: Asked, said: Prose) -> tuple[bytes, ...]:
    delta = {
        "stop_reason": "max_tokens" if said.cut else "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
    }
    usage = {
        "input_tokens": asked.prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": len(said.tokens),
    }
    empty = {"type": "text", "text": ""}
    bodies: list[dict[str, Any]] = [
        # The first event counts the one token that is on its way, as the provider does.
        {"type": "message_start", "message": _message(asked, [], None, 1)},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "ping"},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": token},
            }
            for token in said.tokens
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": delta, "usage": usage},
        {"type": "message_stop"},
    ]
    return tuple(f"event: {body['type']}\n".encode() + sse(body) for body in bodies)
