"""An upstream that sends a request back, in the shapes in which they do: nothing of it passes."""

import asyncio
import base64
import json
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from typing import Any

import anthropic
import httpx
import openai
import pytest
import stripe
from google import genai
from google.genai import errors, types
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client as TwilioClient  # type: ignore[import-untyped]

from broker.outcome import Outcome
from providers import find
from tests.kit.installation import HeldTool, Installation, Person, StoredKey
from tests.kit.scripted import Script, answer, says, scripted

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]

PROMPT = "My sister's account number is 4711 0815, and she says “grüß dich” to everybody."
ASK: Any = [{"role": "user", "content": PROMPT}]
CHAT: Any = {"model": "gpt-4o-mini", "messages": ASK}
PROVIDERS = ("anthropic", "elevenlabs", "google", "openai", "stripe", "twilio")
FORMS = ("stripe", "twilio")

Shape = Callable[[bytes, str], bytes]
"""Writes an answer of what came: head, and body."""


def quoted(head: bytes, body: str) -> bytes:
    """Quote all of it in the message, and the body beside it once more as an object."""
    said = f"Could not handle {head.decode()} with {body}"
    about = {"message": said, "type": "invalid_request_error", "code": 400, "input": body}
    document = {"error": about, "detail": about, "message": said, "request": body}
    return answer(status=b"400 No", body=json.dumps(document).encode())


def dumped(head: bytes, body: str) -> bytes:
    """Quote the body as a log would, and the head in base64 and in hexadecimal."""
    said = f"{body!r} {json.dumps(json.dumps(body))} {base64.b64encode(head).decode()} {head.hex()}"
    document = {"error": {"message": said, "code": 500, "status": "INTERNAL"}}
    return answer(status=b"500 Oops", body=json.dumps(document).encode())


def detailed(head: bytes, body: str) -> bytes:
    """Quote it where Google's errors have their details."""
    kind = "type.googleapis.com/google.rpc."
    details = [
        {"@type": kind + "DebugInfo", "stackEntries": [body], "detail": head.decode()},
        {"@type": kind + "BadRequest", "fieldViolations": [{"field": "a", "description": body}]},
        {"@type": kind + "ErrorInfo", "reason": "NO", "metadata": {"header": head.decode()}},
    ]
    error = {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT", "details": details}
    return answer(status=b"400 No", body=json.dumps({"error": error}).encode())


def page(head: bytes, body: str) -> bytes:
    """Quote it in a page."""
    html = f"<html><pre>{head.decode()}{body}</pre></html>".encode()
    return answer(status=b"502 Bad Gateway", body=html, type_=b"text/html")


def plain(head: bytes, body: str) -> bytes:
    """Quote it as it is."""
    return answer(status=b"503 No", body=head + body.encode(), type_=b"text/plain")


def in_headers(head: bytes, body: str) -> bytes:
    """Send it back in headers that may pass."""
    value = " ".join((head.decode() + body).split()).encode("ascii", "replace")
    names = (b"x-request-id", b"server-timing", b"x-ratelimit-why", b"stripe-why", b"twilio-why")
    return answer(*(name + b": " + value for name in names), status=b"429 Slow")


def masked(head: bytes, _: str) -> bytes:
    """Show the key's ends."""
    key = found_in(head).rpartition(":")[2]
    said = f"Incorrect API key provided: {key[:7]}{'*' * 9}{key[-4:]} ({key[:7]}...{key[-4:]})."
    body = {"error": {"message": said, "code": "invalid_api_key"}, "message": said}
    return answer(status=b"401 No", body=json.dumps(body).encode())


def elsewhere(head: bytes, body: str) -> bytes:
    """Lead somewhere else with it."""
    to = b"location: https://elsewhere.invalid/?key=" + found_in(head).encode()
    return answer(to, status=b"302 Found", body=body.encode())


def coded(head: bytes, body: str) -> bytes:
    """Say that it is compressed as it isn't."""
    text = head + body.encode()
    return answer(b"content-encoding: br", status=b"500 No", body=text)


def at_length(head: bytes, body: str) -> bytes:
    """Quote it over and over."""
    said = {"error": {"message": (head.decode() + body) * 200}}
    return answer(status=b"500 No", body=json.dumps(said).encode())


def broken_off(head: bytes, body: str) -> bytes:
    """Quote it, and leave in the middle."""
    return quoted(head, body)[:-10]


SHAPES: dict[Shape, int] = {
    quoted: 400,
    dumped: 500,
    detailed: 400,
    page: 502,
    plain: 503,
    in_headers: 429,
    masked: 401,
    elsewhere: 502,
    coded: 500,
    at_length: 500,
    broken_off: 400,
}


def found_in(head: bytes) -> str:
    """Give the key of a head: in Basic, the pair."""
    found = re.search(rb"(?:Bearer |Basic |key: )(\S+)", head)
    assert found is not None
    if b"Basic " in found[0]:
        return base64.b64decode(found[1]).decode()
    return found[1].decode()


def echo(*shapes: Shape) -> Script:
    """Answer each request with itself, in one shape after another, and close the connection."""
    coming = iter(shapes)

    async def script(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        size = re.search(rb"content-length: (\d+)", head)
        body = await reader.readexactly(int(size[1])) if size else b""
        writer.write(next(coming)(head, body.decode()))
        writer.close()

    return script


async def sent(client: httpx.AsyncClient, provider: str) -> httpx.Response:
    """Send a provider the prompt, in the form in which it takes such."""
    if provider in FORMS:
        return await client.post("/v1/things", data={"Body": PROMPT})
    return await client.post("/v1/things", json={"input": PROMPT})


def runs_of(text: str) -> set[str]:
    return {text[at : at + 16] for at in range(len(text) - 15)}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_nothing_of_the_request_comes_back_in_an_error(
    house: Installation, ada: Person, provider: str
) -> None:
    key, tool = await ada.add_key(provider), await ada.make_tool()
    secrets = (PROMPT, key.secret, base64.b64encode(key.secret.encode()).decode())
    name, value = find(provider).slots[0].write(tool.token.encode())
    async with scripted(echo(*SHAPES)) as upstream, house.client(provider=provider) as client:
        house.send_to(provider, upstream)
        client.headers[name.decode()] = value.decode()
        for shape, status in SHAPES.items():
            through = await sent(client, provider)
            assert (through.status_code, shape) == (status, shape)
            assert through.headers["content-type"] == "application/json"
            assert isinstance(through.json(), dict)
            told = house.answers[-1].text.decode("latin-1")
            told += json.dumps(through.json(), ensure_ascii=False)
            found = [run for secret in secrets for run in runs_of(secret) if run in told]
            assert (found, shape) == ([], shape)
            if shape is masked:
                assert key.secret[-4:] not in through.text
            assert "location" not in through.headers


async def test_what_was_streamed_is_compared_as_well(house: Installation, tool: HeldTool) -> None:
    body = json.dumps({"padding": ["some words "] * 20_000, "messages": ASK}).encode()

    def end_of_it(_: bytes, text: str) -> bytes:
        said = f"Too many words: {json.loads(text)['messages'][0]['content']}"
        return answer(status=b"400 No", body=json.dumps({"error": {"message": said}}).encode())

    async with scripted(echo(end_of_it)) as upstream, house.client(tool.token) as client:
        house.send_to("openai", upstream)
        through = await client.post("/v1/chat/completions", content=body)
    assert through.json() == {"error": {"message": "Too many words: [redacted]"}}


async def test_ids_limits_and_waits_survive(house: Installation, tool: HeldTool) -> None:
    headers = {
        "x-request-id": "req_0123456789abcdef",
        "cf-ray": "0123456789abcdef-AMS",
        "x-ratelimit-remaining-tokens": "0",
        "retry-after": "7",
        "x-should-retry": "true",
    }
    lines = [f"{name}: {value}".encode() for name, value in headers.items()]
    async with scripted(says(answer(*lines, status=b"429 Slow"))) as upstream:
        house.send_to("openai", upstream)
        async with house.client(tool.token) as client:
            through = await client.post("/v1/chat/completions", json=CHAT)
    assert headers.items() <= dict(through.headers).items()
    assert int(through.headers["content-length"]) == len(through.content)


async def test_an_error_without_a_body_stays_without_one(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    head = b"HTTP/1.1 404 No\r\ncontent-type: text/html\r\ncontent-length: 2000\r\n\r\n"
    async with scripted(says(head)) as upstream, house.client(tool.token) as client:
        house.send_to("openai", upstream)
        through = await client.head("/v1/models/none")
    assert (through.status_code, through.content) == (404, b"")
    assert (await ada.call_ended()).outcome is Outcome.ANSWERED


async def test_an_error_in_the_middle_of_a_stream_is_the_providers_own(
    house: Installation, tool: HeldTool, key: StoredKey
) -> None:
    event = b'data: {"error": {"message": "Bad key %b for %b"}}\n\n'
    stream = event % (key.secret.encode(), PROMPT.encode())
    async with scripted(says(answer(body=stream, type_=b"text/event-stream"))) as upstream:
        house.send_to("openai", upstream)
        async with house.client(tool.token) as client:
            through = await client.post("/v1/chat/completions", json=CHAT | {"stream": True})
    assert through.content == event % (b"*" * len(key.secret), PROMPT.encode())


class TestSdks:
    """Each raises the class that its users expect, and shows what is left of the message."""

    async def test_openais_and_anthropics(self, house: Installation, ada: Person) -> None:
        shapes = (quoted, page, masked, in_headers, dumped)
        classes = {400: "BadRequestError", 401: "AuthenticationError", 429: "RateLimitError"}
        await ada.add_key("openai")
        await ada.add_key("anthropic")
        tool = await ada.make_tool()
        async with (
            scripted(echo(*(shape for shape in shapes for _ in range(2)))) as upstream,
            openai.AsyncOpenAI(
                base_url=f"{house.url}/via/openai/v1", api_key=tool.token, max_retries=0
            ) as one,
            anthropic.AsyncAnthropic(
                base_url=f"{house.url}/via/anthropic", api_key=tool.token, max_retries=0
            ) as other,
        ):
            house.send_to("openai", upstream)
            house.send_to("anthropic", upstream)
            for shape in shapes:
                name = classes.get(SHAPES[shape], "InternalServerError")
                with pytest.raises(getattr(openai, name)) as of_one:
                    await one.chat.completions.create(**CHAT)
                with pytest.raises(getattr(anthropic, name)) as of_other:
                    await other.messages.create(model="claude", max_tokens=9, messages=ASK)
                for raised in (of_one.value, of_other.value):
                    assert raised.status_code == SHAPES[shape]
                    assert "sister" not in str(raised)

    async def test_googles(self, house: Installation, ada: Person) -> None:
        shapes = (detailed, page, masked, dumped)
        await ada.add_key("google")
        tool = await ada.make_tool()
        options = types.HttpOptions(base_url=f"{house.url}/via/google")
        client = genai.Client(api_key=tool.token, http_options=options)
        async with scripted(echo(*shapes)) as upstream, client.aio as aio:
            house.send_to("google", upstream)
            for shape in shapes:
                kind = errors.ServerError if SHAPES[shape] >= 500 else errors.ClientError
                with pytest.raises(kind) as raised:
                    await aio.models.generate_content(model="gemini-2.5-flash", contents=PROMPT)
                assert raised.value.code == SHAPES[shape]
                assert "sister" not in str(raised.value)
        client.close()

    async def test_stripes_and_twilios(self, house: Installation, ada: Person) -> None:
        shapes = (quoted, plain, masked, in_headers)
        classes: dict[int, type[stripe.StripeError]] = {
            400: stripe.InvalidRequestError,
            401: stripe.AuthenticationError,
            429: stripe.RateLimitError,
        }
        key = await ada.add_key("twilio")
        await ada.add_key("stripe")
        tool = await ada.make_tool()
        at: Any = {"api": f"{house.url}/via/stripe"}
        of_stripe = stripe.StripeClient(tool.token, base_addresses=at, max_network_retries=0)
        http = TwilioHttpClient(pool_connections=False)
        of_twilio = TwilioClient(key.secret.partition(":")[0], tool.token, http_client=http)
        of_twilio.api.base_url = f"{house.url}/via/twilio"

        def call(status: int) -> None:
            with pytest.raises(classes.get(status, stripe.APIError)) as one:
                of_stripe.v1.customers.create({"description": PROMPT})
            with pytest.raises(TwilioRestException) as other:
                of_twilio.messages.create(to="+15005550006", from_="+15005550001", body=PROMPT)
            assert one.value.http_status == other.value.status == status
            assert "sister" not in f"{one.value} {one.value.http_body!r} {other.value}"

        async with scripted(echo(*(shape for shape in shapes for _ in range(2)))) as upstream:
            house.send_to("stripe", upstream)
            house.send_to("twilio", upstream)
            for shape in shapes:
                await asyncio.to_thread(call, SHAPES[shape])
