"""What may differ among those who speak OpenAI's language, and how each of them refuses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from keysteward.demo.fake_wire import (
    Asked,
    Headers,
    Received,
    Reply,
    Trouble,
    Used,
    masked,
    whole,
)

Usage = Callable[[Asked, Used], dict[str, Any]]
Read = Callable[[Received], Asked]


class When(Enum):
    """When a stream has one more chunk at its end, of no choice, that tells the usage."""

    NEVER = "never"
    ASKED = "asked"
    ALWAYS = "always"


class Mistake(Enum):
    """Whose form an error has."""

    OPENAI = "openai"
    MISTRAL = "mistral"
    XAI = "xai"
    CODED = "coded"
    """The HTTP status again, as the code."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider speaks OpenAI's language."""

    provider: str
    models: tuple[str, ...]
    usage: Usage
    readers: Mapping[str, Read]
    """What it takes by POST, by the path behind a root."""
    roots: tuple[str, ...] = ("/v1",)
    looks: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """What it tells of a key by GET, by the whole path."""
    extra: When = When.NEVER
    last: Callable[[dict[str, Any]], dict[str, Any]] = lambda usage: {"usage": usage}
    """What a stream's last chunk with a choice has besides, given the usage."""
    counts_on: bool = False
    """Every chunk has the usage so far."""
    members: Mapping[str, Any] = field(default_factory=dict)
    """What a completion, whole or in chunks, has besides."""
    tiers: bool = False
    """It tells in which tier a call ran."""
    opening: bytes = b""
    """What a stream begins with."""
    headers: Headers = ()
    request_id: bytes = b"x-request-id"
    mistakes: Mistake = Mistake.OPENAI
    statuses: Mapping[Trouble, int] = field(default_factory=dict)
    """Statuses of errors that are not OpenAI's."""


def mistake(dialect: Dialect, trouble: Trouble, about: str) -> Reply:
    """Answer with an error; a rejected key is shown masked in it, as the providers do."""
    status, kind, code, message = _ERRORS[trouble]
    status = dialect.statuses.get(trouble, status)
    shown = masked(about) if trouble is Trouble.KEY_REJECTED else about
    error = {"message": message.format(shown), "type": kind, "param": None, "code": code}
    body = _formed(dialect.mistakes, status, error)
    wait = ((b"retry-after", b"7"),) if trouble is Trouble.RATE_LIMITED else ()
    return whole(body, *dialect.headers, *wait, status=status)


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


def _formed(form: Mistake, status: int, error: dict[str, Any]) -> dict[str, Any]:
    match form:
        case Mistake.MISTRAL if status == 401:  # noqa: PLR2004 - its front door's own form
            return {"detail": "Unauthorized"}
        case Mistake.MISTRAL:
            return {"object": "error", **error}
        case Mistake.XAI:
            return {"code": error["code"] or error["type"], "error": error["message"]}
        case Mistake.CODED:
            return {"error": {"message": error["message"], "code": status}, "user_id": None}
        case _:
            return {"error": error}
