"""Two wire formats that need little: Resend's, whose mails cost, and GitHub's, that is free."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

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
    read,
    shown,
    text_of,
    whole,
)

_ISSUES: Final = re.compile(r"/repos/(?P<repository>[\w.-]+/[\w.-]+)/issues")
_ID: Final = "00000000-0000-4000-8000-00000000e0a1"
_DOCS: Final = "https://docs.github.com/rest"


class Resend:
    """`Asked.option` tells that several mails were handed in at once."""

    request_id = b"x-request-id"

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read the Bearer token."""
        return bearer(headers)

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        match call.method, call.path:
            case "GET", "/domains":
                return Asked(Kind.CHECK)
            case "POST", "/emails":
                return Asked(Kind.ACT, "mail", units=_recipients(read(call.body)))
            case "POST", "/emails/batch":
                mails = orjson.loads(call.body)
                if not isinstance(mails, list) or not mails:
                    raise Refused(Trouble.MALFORMED, "The batch must be a list of emails.")
                units = sum(map(_recipients, mails))
                return Asked(Kind.ACT, "mail", units=units, items=len(mails), option=True)
        raise Refused(Trouble.NO_SUCH_ROUTE, "The requested endpoint does not exist.")

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:  # noqa: ARG002
        """Answer a call."""
        if asked.kind is Kind.CHECK:
            return shown({"object": "list", "has_more": False, "data": []}, prose)
        if asked.option:
            return shown({"data": [{"id": _ID}] * asked.items}, prose)
        return shown({"id": _ID}, prose)

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:  # noqa: ARG002
        """Answer with an error."""
        status, name, message = _RESEND_ERRORS[trouble]
        wait = ((b"retry-after", b"7"),) if trouble is Trouble.RATE_LIMITED else ()
        body = {"statusCode": status, "name": name, "message": message or about}
        return whole(body, *wait, status=status)


def _recipients(mail: Mapping[str, Any]) -> int:
    """Count those who get a mail: each is one of the plan's mails."""
    text_of(mail, "from")
    text_of(mail, "subject")
    groups = [mail.get(name) or [] for name in ("to", "cc", "bcc")]
    count = sum(1 if isinstance(group, str) else len(group) for group in groups)
    if not count:
        raise Refused(Trouble.MALFORMED, "Missing `to` field.")
    return count


_RESEND_ERRORS: Final[dict[Trouble, tuple[int, str, str]]] = {
    Trouble.KEY_MISSING: (401, "missing_api_key", "Missing API Key"),
    Trouble.KEY_REJECTED: (400, "validation_error", "API key is invalid"),
    Trouble.KEY_SCOPED: (401, "restricted_api_key", "This API key can only send emails"),
    Trouble.MALFORMED: (422, "validation_error", ""),
    Trouble.NO_SUCH_ROUTE: (404, "not_found", ""),
    Trouble.RATE_LIMITED: (429, "rate_limit_exceeded", "Too many requests."),
    Trouble.OVERLOADED: (503, "service_unavailable", "Try again later."),
    Trouble.ERROR_500: (500, "internal_server_error", "An unexpected error occurred."),
}


class GitHub:
    """`Asked.option` is not used."""

    request_id = b"x-github-request-id"

    def __init__(self) -> None:
        self._issues: list[dict[str, Any]] = []

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read the token, behind either of the two words that the provider takes."""
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        return token.strip() or None if scheme.lower() in {b"bearer", b"token"} else None

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        match call.method, call.path:
            case "GET", "/user" | "/rate_limit":
                return Asked(Kind.CHECK, act=call.path)
        found = _ISSUES.fullmatch(call.path)
        if found is None or call.method not in {"GET", "POST"}:
            raise Refused(Trouble.NO_SUCH_ROUTE)
        if call.method == "GET":
            return Asked(Kind.READ, act="issues")
        payload = read(call.body)
        details = (("title", text_of(payload, "title")), ("repository", found["repository"]))
        return Asked(Kind.ACT, act="issue", details=details)

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:  # noqa: ARG002
        """Answer a call."""
        match asked.kind, asked.act:
            case Kind.CHECK, "/user":
                reply = shown({"login": "ada", "id": 1, "type": "User"}, prose)
            case Kind.CHECK, _:
                core = {"limit": 5_000, "used": 1, "remaining": 4_999, "reset": 1_800_000_000}
                reply = shown({"resources": {"core": core}, "rate": core}, prose)
            case _, "issues":
                reply = whole(self._issues)
            case _:
                fields = dict(asked.details)
                number = len(self._issues) + 1
                issue = {"id": number, "number": number, "title": fields["title"], "state": "open"}
                self._issues.append(issue)
                reply = shown(issue, prose, status=201)
        return Reply(reply.status, (*reply.headers, *_LIMITS), reply.pieces)

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:  # noqa: ARG002
        """Answer with an error."""
        status, message = _GITHUB_ERRORS[trouble]
        body = {
            "message": message or about,
            "documentation_url": _DOCS,
            "status": str(status),
        }
        return whole(body, *_LIMITS, status=status)


_LIMITS: Final = (
    (b"x-ratelimit-limit", b"5000"),
    (b"x-ratelimit-remaining", b"4999"),
    (b"x-github-media-type", b"github.v3; format=json"),
)
_GITHUB_ERRORS: Final[dict[Trouble, tuple[int, str]]] = {
    Trouble.KEY_MISSING: (401, "Requires authentication"),
    Trouble.KEY_REJECTED: (401, "Bad credentials"),
    Trouble.KEY_SCOPED: (403, "Resource not accessible by integration"),
    Trouble.MALFORMED: (422, ""),
    Trouble.NO_SUCH_ROUTE: (404, "Not Found"),
    Trouble.RATE_LIMITED: (403, "API rate limit exceeded"),
    Trouble.OVERLOADED: (503, "Service unavailable"),
    Trouble.ERROR_500: (500, "Server Error"),
}
