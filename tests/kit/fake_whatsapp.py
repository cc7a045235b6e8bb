"""A WhatsApp of our own on loopback: as strict about what it is sent as Meta's reference is.

Whatever does not fit is answered as the Graph API does, and noted in `complaints`; a test that
expects none need not look: the end of the block does.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from accounts.whatsapp import WhatsAppSettings
from tests.kit.scripted import answer, scripted

TOKEN = "EAAJfake0token0of0nobody"
PHONE_NUMBER_ID = "105954558954427"
TEMPLATE = "keysteward_code"
APP_SECRET = "0f0e0d0c0b0a09080706050403020100"
VERIFY_TOKEN = "a verify token that nobody has"
VERSION = "v26.0"

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_CODE = re.compile(r"[0-9]{6}")

Failure = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]
"""What is done about one request in an answer's place."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was taken."""

    to: str
    code: str
    id: str


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as it came."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class FakeWhatsApp:
    """Takes messages at `url`; `fail` says what happens to the next ones."""

    url: str
    messages: list[Message] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _failures: deque[Failure] = field(default_factory=deque)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def settings(self, **other: str) -> WhatsAppSettings:
        """Give the settings that it accepts, or others where a test says so."""
        right = {
            "token": TOKEN,
            "phone_number_id": PHONE_NUMBER_ID,
            "template": TEMPLATE,
            "language": "en_US",
            "app_secret": APP_SECRET,
            "verify_token": VERIFY_TOKEN,
            "url": self.url,
            "version": VERSION,
        }
        return WhatsAppSettings(**{**right, **other})

    def fail(self, *failures: Failure) -> None:
        """Have the next requests go wrong, one after the other; then all is well again."""
        self._failures.extend(failures)

    async def requested(self, count: int) -> Request:
        """Wait for so many requests, whatever becomes of them; give the last of those."""
        async with asyncio.timeout(30), self._came:
            await self._came.wait_for(lambda: len(self.requests) >= count)
        return self.requests[count - 1]

    async def received(self, count: int = 1) -> Message:
        """Wait for so many messages; give the last of those."""
        async with asyncio.timeout(30), self._came:
            await self._came.wait_for(lambda: len(self.messages) >= count)
        return self.messages[count - 1]

    async def serve(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take one request."""
        line, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        parted = (each.partition(": ") for each in lines)
        headers = {name.lower(): value for name, _, value in parted}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(line, headers, body)
        async with self._came:
            self.requests.append(request)
            self._came.notify_all()
        if self._failures:
            await self._failures.popleft()(request, writer)
            return
        wrong = faults(request)
        if wrong:
            self.complaints.extend(wrong)
            writer.write(refusal(b"400 Bad Request", 100))
            return
        taken = self._take(request)
        said = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": taken.to, "wa_id": taken.to[1:]}],
            "messages": [{"id": taken.id, "message_status": "accepted"}],
        }
        writer.write(answer(body=json.dumps(said).encode()))
        async with self._came:
            self.messages.append(taken)
            self._came.notify_all()

    def _take(self, request: Request) -> Message:
        said = request.message
        code = said["template"]["components"][0]["parameters"][0]["text"]
        return Message(said["to"], code, message_id(said["to"], next(self._numbers)))


def message_id(number: str, count: int) -> str:
    """Make an id as WhatsApp's are: with the recipient's number in it."""
    serial = hashlib.sha256(b"%d" % count).hexdigest()[:18].upper().encode()
    recipient = number[1:].encode()
    inner = b"\x1c\x18" + bytes([len(recipient)]) + recipient + b"\x15\x02\x00\x11\x18\x12" + serial
    return f"wamid.{base64.b64encode(inner + bytes(1)).decode()}"


def faults(request: Request) -> list[str]:
    """Give what a request has that the reference does not, or the other way round."""
    expected = {
        "accept-encoding": "identity",
        "content-type": "application/json",
        "authorization": f"Bearer {TOKEN}",
    }
    wrong = [
        f"{name}: {request.headers.get(name)}"
        for name, value in expected.items()
        if request.headers.get(name) != value
    ]
    if request.line != f"POST /{VERSION}/{PHONE_NUMBER_ID}/messages HTTP/1.1":
        wrong.append(request.line)
    try:
        said = request.message
        text = said["template"]["components"][0]["parameters"][0]["text"]
        to = said["to"]
    except (ValueError, LookupError, TypeError) as error:
        return [*wrong, f"body: {error!r}"]
    whole = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": {
            "name": TEMPLATE,
            "language": {"code": "en_US"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": text}]},
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": "0",
                    "parameters": [{"type": "text", "text": text}],
                },
            ],
        },
    }
    if said != whole:
        wrong.append(f"body: {said}")
    if not (isinstance(to, str) and _NUMBER.fullmatch(to)):
        wrong.append(f"to: {to}")
    if not (isinstance(text, str) and _CODE.fullmatch(text)):
        wrong.append(f"code: {text}")
    return wrong


def refusal(status: bytes, code: Any, *, trace: Any = "AbCdEf0123_-x", **more: Any) -> bytes:
    """Write an answer with the Graph API's error object, which says more than is to be logged."""
    error = {
        "message": f"(#{code}) EVERYTHING-IN-THE-MESSAGE",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": "AND-IN-THE-DETAILS"},
        "fbtrace_id": trace,
        **more,
    }
    return answer(status=status, body=json.dumps({"error": error}).encode())


def refuses(status: bytes, code: Any, **more: Any) -> Failure:
    """Answer with an error object."""
    return says(refusal(status, code, **more))


def says(raw: bytes) -> Failure:
    """Answer with these bytes."""

    async def failure(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return failure


async def hangs(_: Request, __: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def drops(_: Request, writer: asyncio.StreamWriter) -> None:
    """Hang up without a word."""
    writer.transport.abort()


async def echoes(request: Request, writer: asyncio.StreamWriter) -> None:
    """Give everything back in an error: number, code and token, in every field there is."""
    to = request.message["to"]
    everything = request.body.decode() + request.headers["authorization"]
    writer.write(refusal(b"400 Bad Request", int(to), trace=to[1:], details=everything))


def sign(body: bytes, *, secret: str = APP_SECRET) -> str:
    """Sign a webhook's body as Meta does: the value of X-Hub-Signature-256."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def webhook(*statuses: Any) -> bytes:
    """Write the body that tells of these statuses."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID},
        "statuses": list(statuses),
    }
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def news(message: Message, state: str, *, at: int = 1_750_857_384, **more: Any) -> dict[str, Any]:
    """Write one status, as it stands in a webhook. `at` is in seconds."""
    return {
        "id": message.id,
        "status": state,
        "timestamp": str(at),
        "recipient_id": message.to[1:],
        **more,
    }


def failed(message: Message, code: Any = 131026) -> dict[str, Any]:
    """Write the status of a message that was not delivered."""
    title = "Message undeliverable"
    return news(message, "failed", errors=[{"code": code, "title": title, "message": title}])


@contextlib.asynccontextmanager
async def fake_whatsapp() -> AsyncIterator[FakeWhatsApp]:
    """Serve one; at the end it must have had nothing to complain of."""
    fake = FakeWhatsApp("")
    async with scripted(fake.serve) as url:
        fake.url = url
        yield fake
    assert fake.complaints == []
