"""Failures in the provider's own form, so that its SDK raises the class its users expect."""

import json
from http import HTTPStatus
from typing import Any, Final

from broker.errors import CallFailure
from providers import ErrorStyle, Provider

_OPENAI_TYPES: Final = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
    HTTPStatus.BAD_GATEWAY: "server_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "server_error",
    HTTPStatus.GATEWAY_TIMEOUT: "server_error",
}
# docs.anthropic.com/en/api/errors
_ANTHROPIC_TYPES: Final = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "api_error",
    HTTPStatus.BAD_GATEWAY: "api_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "overloaded_error",
    HTTPStatus.GATEWAY_TIMEOUT: "timeout_error",
}
# cloud.google.com/apis/design/errors: the canonical codes.
_GOOGLE_STATUSES: Final = {
    HTTPStatus.BAD_REQUEST: "INVALID_ARGUMENT",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.CONFLICT: "ABORTED",
    HTTPStatus.TOO_MANY_REQUESTS: "RESOURCE_EXHAUSTED",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL",
    HTTPStatus.SERVICE_UNAVAILABLE: "UNAVAILABLE",
    HTTPStatus.BAD_GATEWAY: "UNAVAILABLE",
    HTTPStatus.GATEWAY_TIMEOUT: "DEADLINE_EXCEEDED",
}


def body_of(failure: CallFailure, provider: Provider | None) -> bytes:
    """Give a failure's JSON body; in OpenAI's form, the most imitated, for an unknown provider."""
    style = provider.error_style if provider else ErrorStyle.OPENAI
    return json.dumps(_document(failure, style)).encode()


def last_event(failure: CallFailure, provider: Provider) -> bytes:
    """Give the server-sent event that ends a stream which was cut, as the provider's SDK reads it.

    It goes where an event may begin: the caller sees to that.
    """
    body = body_of(failure, provider)
    if provider.error_style is ErrorStyle.ANTHROPIC:
        return b"event: error\ndata: " + body + b"\n\n"
    # OpenAI's SDK raises for a data line that holds `error`, and so does Google's.
    return b"data: " + body + b"\n\n"


def _document(failure: CallFailure, style: ErrorStyle) -> dict[str, Any]:
    message = f"keysteward: {failure}"
    match style:
        case ErrorStyle.OPENAI:
            kind = _OPENAI_TYPES.get(failure.status, "invalid_request_error")
            error = {"message": message, "type": kind, "param": None, "code": failure.code}
            return {"error": error}
        case ErrorStyle.ANTHROPIC:
            kind = _ANTHROPIC_TYPES.get(failure.status, "invalid_request_error")
            error = {"type": kind, "message": message, "code": failure.code}
            return {"type": "error", "error": error}
        case ErrorStyle.GOOGLE:
            detail = {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": failure.code.upper(),
                "domain": "keysteward",
            }
            return {
                "error": {
                    "code": int(failure.status),
                    "message": message,
                    "status": _GOOGLE_STATUSES.get(failure.status, "UNKNOWN"),
                    "details": [detail],
                }
            }
