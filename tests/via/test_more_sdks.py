"""The other providers as their users reach them: SDKs where they have them, plain HTTP else.

Only the base URL and the key are changed, the key to a tool's token.
"""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
import stripe
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client as TwilioClient  # type: ignore[import-untyped]

from broker.outcome import Outcome
from keysteward.demo.fake_provider import Gate
from tests.kit.installation import Installation, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASK: Any = [{"role": "user", "content": "Who holds the key?"}]
CHATTERS = {
    "deepseek": ("", "deepseek-chat"),
    "groq": ("/openai/v1", "llama-3.3-70b-versatile"),
    "mistral": ("/v1", "mistral-small-latest"),
    "openrouter": ("/api/v1", "openai/gpt-4o-mini"),
    "perplexity": ("", "sonar"),
    "together": ("/v1", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    "xai": ("/v1", "grok-4"),
}
"""What OpenAI's SDK is told for each: the end of the base URL, and a model."""
MAIL = {"from": "a@example.com", "to": "b@example.com", "subject": "Key", "text": "Who?"}
SERVICES: dict[str, tuple[str, str, str, dict[str, Any], int]] = {
    "cohere": (
        "authorization: Bearer",
        "POST",
        "/v2/chat",
        {"model": "command-r-08-2024", "messages": ASK},
        200,
    ),
    "elevenlabs": ("xi-api-key:", "POST", "/v1/text-to-speech/any", {"text": "Who?"}, 200),
    "github": ("authorization: token", "POST", "/repos/ada/doors/issues", {"title": "Open"}, 201),
    "railway": (
        "authorization: Bearer",
        "POST",
        "/graphql/v2",
        {"query": "{projects{edges}}"},
        200,
    ),
    "resend": ("authorization: Bearer", "POST", "/emails", MAIL, 200),
    "vultr": (
        "authorization: Bearer",
        "POST",
        "/v2/instances",
        {"plan": "vc2-1c-1gb", "region": "ams"},
        202,
    ),
}
"""The header in which a key stands, a call that does something, and the status of its answer."""


@contextlib.asynccontextmanager
async def of_openai(
    house: Installation, provider: str, token: str
) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"{house.url}/via/{provider}{CHATTERS[provider][0]}"
    async with openai.AsyncOpenAI(base_url=url, api_key=token) as client:
        yield client


@pytest.mark.parametrize("provider", sorted(CHATTERS))
async def test_openais_sdk_chats_and_streams_with_its_imitators(
    house: Installation, ada: Person, provider: str
) -> None:
    key, tool = await ada.add_key(provider), await ada.make_tool()
    chat: Any = {"model": CHATTERS[provider][1], "messages": ASK}
    async with of_openai(house, provider, tool.token) as client:
        whole = await client.chat.completions.create(**chat)
        stream = await client.chat.completions.create(**chat, stream=True)
        chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert whole.usage is not None
    assert whole.usage.completion_tokens == house.fake.events
    assert {call.header(b"authorization") for call in house.fake.calls} == {
        b"Bearer " + key.secret.encode()
    }
    outcomes = {(call.model, call.outcome) for call in await ada.calls_ended(2)}
    assert outcomes == {(CHATTERS[provider][1], Outcome.ANSWERED)}


@pytest.mark.parametrize("provider", ["mistral", "openrouter", "xai"])
async def test_openais_sdk_raises_its_own_classes_for_its_imitators(
    house: Installation, ada: Person, provider: str
) -> None:
    key, tool = await ada.add_key(provider), await ada.make_tool()
    chat: Any = {"model": CHATTERS[provider][1], "messages": ASK}
    async with of_openai(house, provider, "kst_none") as client:
        with pytest.raises(openai.AuthenticationError, match="keysteward"):
            await client.chat.completions.create(**chat)
    house.fake.gate = Gate(after=3)
    async with of_openai(house, provider, tool.token) as client:
        stream = await client.chat.completions.create(**chat, stream=True)
        taking = asyncio.ensure_future(anext(_drained(stream)))
        await house.fake.gate.reached()
        await ada.remove_key(key)
        with pytest.raises(openai.APIError, match="revoked while this call ran"):
            await taking


async def _drained(stream: Any) -> AsyncIterator[int]:
    yield len([chunk async for chunk in stream])


async def test_stripes_sdk_moves_money_and_raises_its_own_class(
    house: Installation, ada: Person
) -> None:
    key, tool = await ada.add_key("stripe"), await ada.make_tool()
    at: Any = {"api": f"{house.url}/via/stripe"}
    one = stripe.StripeClient(tool.token, base_addresses=at)
    other = stripe.StripeClient("kst_none", base_addresses=at)

    def call() -> str:
        intent = one.v1.payment_intents.create({"amount": 1200, "currency": "usd"})
        assert one.v1.payment_intents.retrieve(intent.id).amount == 1200
        balance = one.v1.balance.retrieve()
        assert balance.available[0].currency == "usd"
        with pytest.raises(stripe.AuthenticationError, match="keysteward"):
            other.v1.balance.retrieve()
        return intent.id

    before = house.fake.moved.get("usd", 0)
    assert (await asyncio.to_thread(call)).startswith("pi_")
    assert house.fake.moved["usd"] == before + 1200
    assert {call.header(b"authorization") for call in house.fake.calls} == {
        b"Bearer " + key.secret.encode()
    }
    assert house.fake.calls[0].header(b"idempotency-key") is not None


async def test_twilios_sdk_sends_a_message_and_raises_its_own_class(
    house: Installation, ada: Person
) -> None:
    key, tool = await ada.add_key("twilio"), await ada.make_tool()
    account = key.secret.partition(":")[0]

    def of_twilio(token: str) -> TwilioClient:
        http = TwilioHttpClient(pool_connections=False)
        client = TwilioClient(account, token, http_client=http)
        client.api.base_url = f"{house.url}/via/twilio"
        return client

    def call() -> str:
        to, by = "+15005550006", "+15005550001"
        message = of_twilio(tool.token).messages.create(to=to, from_=by, body="k" * 161)
        with pytest.raises(TwilioRestException, match="keysteward") as refused:
            of_twilio("kst_none").messages.create(to=to, from_=by, body="?")
        assert refused.value.status == 401
        return str(message.num_segments)

    assert await asyncio.to_thread(call) == "2"
    (sent,) = house.fake.calls
    assert sent.header(b"authorization") == b"Basic " + base64.b64encode(key.secret.encode())


@pytest.mark.parametrize("provider", sorted(SERVICES))
async def test_a_service_is_called_with_the_token_where_its_key_would_stand(
    house: Installation, ada: Person, provider: str
) -> None:
    slot, method, path, body, status = SERVICES[provider]
    key, tool = await ada.add_key(provider), await ada.make_tool()
    header, _, scheme = slot.partition(":")
    async with httpx.AsyncClient(base_url=f"{house.url}/via/{provider}", trust_env=False) as plain:
        answer, refused = [
            await plain.request(
                method, path, headers={header: f"{scheme} {token}".strip()}, json=body
            )
            for token in (tool.token, "kst_none")
        ]
    assert (answer.status_code, refused.status_code) == (status, 401)
    assert "keysteward" in refused.text
    (sent,) = house.fake.calls
    assert key.secret.encode() in (sent.header(header.encode()) or b"")
    assert tool.token.encode() not in b"".join(value for _, value in sent.headers)
