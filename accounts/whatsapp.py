"""WhatsApp's Cloud API, as far as codes need it: a message out, and what became of it back in.

A number, a code and a token stand in no log and in no error: what WhatsApp answers is read for its
error code and its trace, and dropped. That goes for a message's id too, which holds the recipient's
number in base64 (`reference` gives what stands for it). Whatever comes in is believed once its
signature, made with the app's secret over the very bytes, is right.

Shapes: developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates/
auth-otp-template-messages, …/documentation/business-messaging/whatsapp/webhooks/reference/messages/
status, …/docs/whatsapp/cloud-api/support/error-codes, …/docs/graph-api/webhooks/getting-started.
"""

import asyncio
import functools
import hashlib
import hmac
import logging
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

import orjson

from accounts.errors import AccountsFailure, MessageNotSent
from store.clock import SECOND

_LOG: Final = logging.getLogger("keysteward.whatsapp")
_PATIENCE_SECONDS: Final = 10.0
_MOST_READ: Final = 64 * 1024
_TRACE: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]{1,64}")
_MOST_CODE: Final = 9_999_999
_LONGEST_ID: Final = 512
_LONGEST_TIME: Final = 12
_MESSAGES: Final = "messages"


class WebhookRefused(AccountsFailure):
    """What came to the webhook is not signed with the app's secret."""

    def __init__(self) -> None:
        super().__init__("This was not signed by WhatsApp.")


@dataclass(frozen=True, slots=True, repr=False)
class WhatsAppSettings:
    """What an operator sets up at Meta. `template` is one of the category AUTHENTICATION.

    v26.0 was introduced on 29 July 2026 (developers.facebook.com/docs/graph-api/changelog); each
    version lasts for two years at least from its successor's day.
    """

    token: str
    phone_number_id: str
    template: str
    language: str
    app_secret: str
    verify_token: str
    url: str = "https://graph.facebook.com"
    version: str = "v26.0"


class State(StrEnum):
    """What became of a message. WhatsApp may name more: those are passed over."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, repr=False)
class Status:
    """News of a message. `error_code` is WhatsApp's, of one that failed; `at` is microseconds."""

    message_id: str
    state: State
    error_code: int | None
    at: int


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a message was not taken, in words that may be logged."""

    words: str


class WhatsApp:
    """Sends codes, and reads what WhatsApp tells. `patience` (seconds) is for a whole exchange."""

    def __init__(self, settings: WhatsAppSettings, *, patience: float = _PATIENCE_SECONDS) -> None:
        self._settings = settings
        self._patience = patience
        place = f"{settings.version}/{settings.phone_number_id}/{_MESSAGES}"
        self._url = f"{settings.url.rstrip('/')}/{place}"
        # Here and below: httpx takes 7 MB, and most installations send no codes.
        import httpx  # noqa: PLC0415

        # No connection is kept: it would be found dead by the next code, minutes later. And no
        # proxy or .netrc of the environment gets between the token and WhatsApp.
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {settings.token}", "Accept-Encoding": "identity"},
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=patience,
            trust_env=False,
            verify=_trust(),
        )

    async def send_code(self, number: str, code: str) -> str:
        """Send a code to a number in E.164; give the message's id. Raises `MessageNotSent`.

        The id is WhatsApp's word that it took the message, not that anybody received it.
        """
        answer = await self._post(self._message(number, code))
        if isinstance(answer, _Refusal):
            _LOG.warning("WhatsApp did not take a message: %s", answer.words)
            raise MessageNotSent
        return answer

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """Give what is to be answered to the GET that verifies a webhook; None: refuse it."""
        expected = self._settings.verify_token
        given = query.get("hub.verify_token", "")
        same = hmac.compare_digest(_bytes(expected), _bytes(given))
        # Without a token set anybody would have the right one: none.
        if not (expected and same and query.get("hub.mode") == "subscribe"):
            return None
        return query.get("hub.challenge")

    def statuses(self, body: bytes, signature: str | None) -> list[Status]:
        """Give the news in a webhook's raw body. Raises `WebhookRefused`.

        `signature` is the header X-Hub-Signature-256. What is signed and not understood is passed
        over: WhatsApp adds fields and states, and repeats for days what is answered by an error.
        """
        secret = _bytes(self._settings.app_secret)
        expected = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
        same = hmac.compare_digest(_bytes(expected), _bytes(signature or ""))
        # With no secret set anybody could sign.
        if not (secret and same):
            raise WebhookRefused
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            return []
        return [status for entry in _news(said) if (status := _status(entry)) is not None]

    def _message(self, number: str, code: str) -> dict[str, Any]:
        """Give the body: the code stands in it twice, for the text and for the button.

        Whatever the button was made as (copy code, one tap), it is a `url` here. The number keeps
        its plus: without it WhatsApp may put the sender's own country before it.
        """
        parameters = [{"type": "text", "text": code}]
        return {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": number,
            "type": "template",
            "template": {
                "name": self._settings.template,
                "language": {"code": self._settings.language},
                "components": [
                    {"type": "body", "parameters": parameters},
                    {"type": "button", "sub_type": "url", "index": "0", "parameters": parameters},
                ],
            },
        }

    async def _post(self, message: dict[str, Any]) -> str | _Refusal:
        """Give the message's id, or why there is none.

        A refusal is a value, not an error: httpx's errors carry the request, with number, code and
        token in it, and would go along as the cause.
        """
        import httpx  # noqa: PLC0415

        try:
            async with (
                asyncio.timeout(self._patience),
                self._client.stream("POST", self._url, json=message) as answer,
            ):
                body = bytearray()
                async for piece in answer.aiter_raw():
                    body += piece
                    if len(body) > _MOST_READ:
                        return _Refusal(f"HTTP {answer.status_code}, too long an answer")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            return _Refusal(f"no answer ({type(error).__name__})")
        return _read(answer.status_code, bytes(body))


@functools.cache
def _trust() -> ssl.SSLContext:
    """Give whom TLS trusts. Reading that takes 40 ms: once a process."""
    import httpx  # noqa: PLC0415

    return httpx.create_ssl_context(trust_env=False)


def reference(message_id: str) -> str:
    """Give what stands for a message in a log: its id itself has the recipient's number in it."""
    return hashlib.sha256(_bytes(message_id)).hexdigest()[:16]


def _read(status: int, body: bytes) -> str | _Refusal:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if status == HTTPStatus.OK:
        match said:
            case {"messages": [{"id": str(name)}, *_]} if 0 < len(name) <= _LONGEST_ID:
                return name
    match said:
        case {"error": {**error}}:
            trace = error.get("fbtrace_id")
            shown = trace if isinstance(trace, str) and _TRACE.fullmatch(trace) else None
            code, subcode = _code(error.get("code")), _code(error.get("error_subcode"))
            return _Refusal(f"HTTP {status}, code {code}/{subcode}, fbtrace_id {shown}")
        case _:
            return _Refusal(f"HTTP {status}, no error that could be read")


def _news(said: Any) -> Iterator[Any]:
    """Walk down to each status, past whatever is not as WhatsApp's reference has it."""
    if not isinstance(said, dict) or said.get("object") != "whatsapp_business_account":
        return
    for entry in _each(said, "entry"):
        for change in _each(entry, "changes"):
            if isinstance(change, dict) and change.get("field") == _MESSAGES:
                yield from _each(change.get("value"), "statuses")


def _each(holder: Any, name: str) -> list[Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _status(entry: Any) -> Status | None:
    match entry:
        case {
            "id": str(name),
            "status": "sent" | "delivered" | "read" | "failed" as state,
            "timestamp": str(time),
        } if (
            0 < len(name) <= _LONGEST_ID
            and time.isascii()
            and time.isdigit()
            and len(time) <= _LONGEST_TIME
        ):
            errors = [error for error in _each(entry, "errors") if isinstance(error, dict)]
            code = _code(errors[0].get("code")) if errors else None
            return Status(name, State(state), code, int(time) * SECOND)
    return None


def _code(said: Any) -> int | None:
    """Give an error's code; None for what can't be one, which might be anything, a number too."""
    if isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= _MOST_CODE:
        return said
    return None


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
