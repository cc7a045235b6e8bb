"""Anthropic's wire format: models, messages and the count of tokens.

A prompt of which blocks are marked with `cache_control` writes them to the cache; a web search tool
is used as often as it may be.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from keysteward.demo.fake_wire import (
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
    read,
    sse,
    text_of,
    tokens_in,
    whole,
)

MODELS: Final = (("claude-sonnet-4-5", "Sonnet"), ("claude-haiku-4-5", "Haiku"))
_SEARCH_TOKENS: Final = 300
"""What a search brings into the prompt."""

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
            credential = bearer(headers)
        if credential and b"anthropic-version" not in headers:
            raise Refused(Trouble.MALFORMED, "anthropic-version: header is required")
        return credential

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        path = call.path
        if call.method == "GET" and path == "/v1/models":
            return Asked(Kind.MODELS)
        if call.method == "GET" and path.startswith("/v1/models/"):
            return Asked(Kind.MODELS, model=path.removeprefix("/v1/models/"))
        if call.method != "POST" or path not in {"/v1/messages", "/v1/messages/count_tokens"}:
            raise Refused(Trouble.NO_SUCH_ROUTE, "Not found")
        payload = read(call.body)
        model = text_of(payload, "model")
        if not isinstance(payload.get("messages"), list):
            raise Refused(Trouble.MALFORMED, "messages: Field required")
        tokens = tokens_in(payload["messages"], payload.get("system"), payload.get("tools"))
        if path.endswith("/count_tokens"):
            return Asked(Kind.COUNT, model, prompt_tokens=tokens)
        limit = limit_of(payload, "max_tokens")
        if limit is None:
            raise Refused(Trouble.MALFORMED, "max_tokens: Field required")
        searches = _searches(payload)
        written, written_hour = _written(payload)
        return Asked(
            Kind.CHAT,
            model,
            stream=payload.get("stream") is True,
            # Each search ends a turn, and the next one reads the prompt and what was found.
            prompt_tokens=(searches + 1) * tokens + searches * _SEARCH_TOKENS,
            limit=limit,
            written=written,
            written_hour=written_hour,
            searches=searches,
        )

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:
        """Answer a call."""
        match asked.kind:
            case Kind.CHAT if asked.stream:
                return Reply(200, (TYPE_SSE, *_HEADERS), _events(asked, prose, used), stream=True)
            case Kind.CHAT:
                stop = "max_tokens" if prose.cut else "end_turn"
                content = [*_search_blocks(asked), {"type": "text", "text": prose.text}]
                return whole(_message(asked, content, stop, used), *_HEADERS)
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


def _blocks(payload: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give every block of a prompt, in the order in which the cache sees them."""
    contents = [message.get("content") for message in payload["messages"]]
    for blocks in (payload.get("tools"), payload.get("system"), *contents):
        if isinstance(blocks, list):
            yield from blocks


def _written(payload: Mapping[str, Any]) -> tuple[int, int]:
    """Count the tokens that are to be cached, for five minutes and for an hour."""
    tokens = {"5m": 0, "1h": 0}
    for block in _blocks(payload):
        if control := block.get("cache_control"):
            tokens[control.get("ttl", "5m")] += tokens_in(block)
    return tokens["5m"], tokens["1h"]


def _searches(payload: Mapping[str, Any]) -> int:
    """Tell how often it searches: as often as it may, or once."""
    uses = [
        tool.get("max_uses") or 1
        for tool in payload.get("tools") or ()
        if str(tool.get("type")).startswith("web_search_")
    ]
    return sum(uses)


def _search_blocks(asked: Asked) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for number in range(asked.searches):
        name = f"srvtoolu_madeup{number:04}"
        found = {
            "type": "web_search_result",
            "title": "Doors",
            "url": "https://example.com/doors",
            "encrypted_content": "bWFkZSB1cA==",
            "page_age": None,
        }
        blocks += [
            {
                "type": "server_tool_use",
                "id": name,
                "name": "web_search",
                "input": {"query": "who holds the key"},
            },
            {"type": "web_search_tool_result", "tool_use_id": name, "content": [found]},
        ]
    return blocks


def _message(
    asked: Asked, content: list[dict[str, Any]], stop: str | None, used: Used | None
) -> dict[str, Any]:
    message = {
        "id": "msg_01MadeUp00000000000001",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
    }
    if used is None:
        return message
    # docs.claude.com/en/docs/build-with-claude/prompt-caching: `input_tokens` are the rest only.
    usage = _usage(used) | {
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.written,
            "ephemeral_1h_input_tokens": used.written_hour,
        },
        "service_tier": "standard",
    }
    return message | {"usage": usage}


def _usage(used: Used) -> dict[str, Any]:
    written = used.written + used.written_hour
    searched = {"web_search_requests": used.searches, "web_fetch_requests": 0}
    return {
        "input_tokens": used.input - used.cached - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": used.cached,
        "output_tokens": used.output,
        "server_tool_use": searched if used.searches else None,
    }


def _events(asked: Asked, said: Prose, used: Used | None) -> tuple[bytes, ...]:
    delta = {
        "stop_reason": "max_tokens" if said.cut else "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
    }
    # The first event counts the one token that is on its way, and no search, as the provider does.
    begun = None if used is None else replace(used, output=1, searches=0)
    bodies: list[dict[str, Any]] = [
        {"type": "message_start", "message": _message(asked, [], None, begun)},
    ]
    searched = _search_blocks(asked)
    for index, block in enumerate(searched):
        bodies += [
            {"type": "content_block_start", "index": index, "content_block": block},
            {"type": "content_block_stop", "index": index},
        ]
    at = {"index": len(searched)}
    empty = {"type": "text", "text": ""}
    bodies += [
        {"type": "content_block_start", **at, "content_block": empty},
        {"type": "ping"},
        *(
            {
                "type": "content_block_delta",
                **at,
                "delta": {"type": "text_delta", "text": token},
            }
            for token in said.tokens
        ),
        {"type": "content_block_stop", **at},
        {
            "type": "message_delta",
            "delta": delta,
            **({} if used is None else {"usage": _usage(used)}),
        },
        {"type": "message_stop"},
    ]
    return tuple(f"event: {body['type']}\n".encode() + sse(body) for body in bodies)
