"""Failures in the provider's own form, so that its SDK raises the class that its users expect.

Each form holds keysteward's sentence, its code, and the facts that a program may want to read, all
where the provider's SDK shows or keeps them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from broker.errors import CallFailure
from providers import ErrorStyle, Provider

_OPENAI_TYPES: Final[dict[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    # What an OpenAI account gets that has run out of money, and what its SDKs' users look for.
    HTTPStatus.PAYMENT_REQUIRED: "insufficient_quota",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
    HTTPStatus.BAD_GATEWAY: "server_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "server_error",
    HTTPStatus.GATEWAY_TIMEOUT: "server_error",
}
# docs.anthropic.com/en/api/errors
_ANTHROPIC_TYPES: Final[dict[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.PAYMENT_REQUIRED: "billing_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request_too_large",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "api_error",
    HTTPStatus.BAD_GATEWAY: "api_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "overloaded_error",
    HTTPStatus.GATEWAY_TIMEOUT: "timeout_error",
}
# cloud.google.com/apis/design/errors: the canonical codes. A ceiling is a condition that somebody
# has to change; RESOURCE_EXHAUSTED would say that waiting helps.
_GOOGLE_STATUSES: Final[dict[int, str]] = {
    HTTPStatus.BAD_REQUEST: "INVALID_ARGUMENT",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.PAYMENT_REQUIRED: "FAILED_PRECONDITION",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.CONFLICT: "ABORTED",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "INVALID_ARGUMENT",
    HTTPStatus.TOO_MANY_REQUESTS: "RESOURCE_EXHAUSTED",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL",
    HTTPStatus.SERVICE_UNAVAILABLE: "UNAVAILABLE",
    HTTPStatus.BAD_GATEWAY: "UNAVAILABLE",
    HTTPStatus.GATEWAY_TIMEOUT: "DEADLINE_EXCEEDED",
}

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a failure's document is made of."""

    status: int
    code: str
    message: str
    facts: Mapping[str, str]


def summary(status: int, code: str, sentence: str, provider: Provider) -> bytes:
    """Give the JSON body that tells of a provider's error, in that provider's form."""
    told = Told(status, code, f"keysteward: {sentence}", {})
    return _json(_DOCUMENTS[provider.error_style](told))


def body_of(failure: CallFailure, provider: Provider | None) -> bytes:
    """Give a failure's JSON body; in OpenAI's form, the most imitated, for an unknown provider."""
    style = provider.error_style if provider else ErrorStyle.OPENAI
    return _json(_document(failure, style))


def last_event(failure: CallFailure, provider: Provider) -> bytes:
    """Give the server-sent event that ends a stream which was cut, as the provider's SDK reads it.

    It goes where an event may begin: the caller sees to that.
    """
    match provider.error_style:
        case ErrorStyle.ANTHROPIC:
            return b"event: error\ndata: " + body_of(failure, provider) + b"\n\n"
        case ErrorStyle.MISTRAL:
            # Its streams are read by OpenAI's SDK too, which raises for nothing but `error`.
            return b"data: " + _json(_document(failure, ErrorStyle.OPENAI)) + b"\n\n"
        case ErrorStyle.OPENROUTER:
            return b"data: " + _json(_openrouter_chunk(failure)) + b"\n\n"
        case ErrorStyle.COHERE:
            return b"event: message-end\ndata: " + _json(_cohere_end(failure)) + b"\n\n"
        case _:
            # OpenAI's SDK raises for a data line that holds `error`, and so does Google's.
            return b"data: " + body_of(failure, provider) + b"\n\n"


def _json(document: Document) -> bytes:
    return json.dumps(document).encode()


def _document(failure: CallFailure, style: ErrorStyle) -> Document:
    told = Told(failure.status, failure.code, f"keysteward: {failure}", failure.facts or {})
    return _DOCUMENTS[style](told)


def _else(told: Told, of_the_provider: str) -> str:
    """Give the type of a status that has none of its own: whose fault it is."""
    faulty = told.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return of_the_provider if faulty else "invalid_request_error"


def _openai(told: Told) -> Document:
    kind = _OPENAI_TYPES.get(told.status, _else(told, "server_error"))
    return {
        "error": {
            **told.facts,
            "message": told.message,
            "type": kind,
            "param": None,
            "code": told.code,
        }
    }


def _anthropic(told: Told) -> Document:
    kind = _ANTHROPIC_TYPES.get(told.status, _else(told, "api_error"))
    error = {**told.facts, "type": kind, "message": told.message, "code": told.code}
    return {"type": "error", "error": error}


def _google(told: Told) -> Document:
    detail: Document = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": told.code.upper(),
        "domain": "keysteward",
    }
    if told.facts:
        detail["metadata"] = dict(told.facts)
    return {
        "error": {
            "code": int(told.status),
            "message": told.message,
            "status": _GOOGLE_STATUSES.get(told.status, "UNKNOWN"),
            "details": [detail],
        }
    }


def _mistral(told: Told) -> Document:
    return {"object": "error", **_openai(told)["error"]}


def _openrouter(told: Told) -> Document:
    # See openrouter.ai/docs/api/reference/errors-and-debugging: its `code` is the HTTP status.
    metadata = {**told.facts, "code": told.code}
    return {"error": {"code": int(told.status), "message": told.message, "metadata": metadata}}


def _openrouter_chunk(failure: CallFailure) -> Document:
    """Give the chunk by which OpenRouter itself tells of a stream that broke."""
    delta = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    return {
        "object": "chat.completion.chunk",
        **_document(failure, ErrorStyle.OPENROUTER),
        "choices": [delta],
    }


def _cohere(told: Told) -> Document:
    return {**told.facts, "message": told.message, "code": told.code}


def _cohere_end(failure: CallFailure) -> Document:
    """Give the event by which Cohere itself ends a stream that broke."""
    said = _document(failure, ErrorStyle.COHERE)
    delta = {**said, "error": said["message"], "finish_reason": "ERROR"}
    return {"type": "message-end", "delta": delta}


def _elevenlabs(told: Told) -> Document:
    return {"detail": {**told.facts, "status": told.code, "message": told.message}}


def _stripe(told: Told) -> Document:
    # docs.stripe.com/api/errors. Its SDKs go by the status: a 402 is a CardError, whatever type.
    kind = _else(told, "api_error")
    return {"error": {**told.facts, "type": kind, "code": told.code, "message": told.message}}


def _twilio(told: Told) -> Document:
    # Its `code` is a number of its own list, of which none fits; its SDKs keep `details` whole.
    return {
        "code": None,
        "message": told.message,
        "more_info": None,
        "status": int(told.status),
        "details": {**told.facts, "code": told.code},
    }


def _resend(told: Told) -> Document:
    return {
        **told.facts,
        "statusCode": int(told.status),
        "name": told.code,
        "message": told.message,
    }


def _vultr(told: Told) -> Document:
    return {**told.facts, "error": told.message, "status": int(told.status), "code": told.code}


def _graphql(told: Told) -> Document:
    return {"errors": [{"message": told.message, "extensions": {**told.facts, "code": told.code}}]}


def _github(told: Told) -> Document:
    # Its SDKs show `errors` behind the message.
    return {
        "message": told.message,
        "errors": [{**told.facts, "resource": "keysteward", "code": told.code}],
        "status": str(int(told.status)),
    }


_DOCUMENTS: Final[dict[ErrorStyle, Callable[[Told], Document]]] = {
    ErrorStyle.OPENAI: _openai,
    ErrorStyle.ANTHROPIC: _anthropic,
    ErrorStyle.GOOGLE: _google,
    ErrorStyle.MISTRAL: _mistral,
    ErrorStyle.OPENROUTER: _openrouter,
    ErrorStyle.COHERE: _cohere,
    ErrorStyle.ELEVENLABS: _elevenlabs,
    ErrorStyle.STRIPE: _stripe,
    ErrorStyle.TWILIO: _twilio,
    ErrorStyle.RESEND: _resend,
    ErrorStyle.VULTR: _vultr,
    ErrorStyle.GRAPHQL: _graphql,
    ErrorStyle.GITHUB: _github,
}
