"""The official SDKs, with only their base URL and key changed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types
from google.genai.client import AsyncClient

from broker.outcome import Outcome
from keysteward.demo.fake_provider import Gate
from tests.kit.installation import HeldTool, Installation, Person, StoredKey

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]

ASK: Any = [{"role": "user", "content": "Who holds the key?"}]
CHAT: Any = {"model": "gpt-4o-mini", "messages": ASK}
MESSAGE: Any = {"model": "claude-made-up-1", "max_tokens": 100, "messages": ASK}
GEMINI = "gemini-2.5-flash"


@contextlib.asynccontextmanager
async def of_openai(house: Installation, token: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{house.url}/via/openai/v1", api_key=token) as client:
        yield client


@contextlib.asynccontextmanager
async def of_anthropic(house: Installation, token: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    url = f"{house.url}/via/anthropic"
    async with anthropic.AsyncAnthropic(base_url=url, api_key=token) as client:
        yield client


@contextlib.asynccontextmanager
async def of_google(house: Installation, token: str) -> AsyncIterator[AsyncClient]:
    options = types.HttpOptions(base_url=f"{house.url}/via/google")
    client = genai.Client(api_key=token, http_options=options)
    async with client.aio as aio:
        yield aio
    client.close()


class TestHappily:
    async def test_openai_chats_and_streams(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        async with of_openai(house, tool.token) as client:
            assert "gpt-4o-mini" in [model.id async for model in client.models.list()]
            whole = await client.chat.completions.create(**CHAT)
            stream = await client.chat.completions.create(**CHAT, stream=True)
            text = "".join([c.choices[0].delta.content or "" async for c in stream])
        assert text == whole.choices[0].message.content
        assert {call.header(b"authorization") for call in house.fake.calls} == {
            b"Bearer " + key.secret.encode()
        }
        outcomes = {call.outcome for call in await ada.calls_ended(3)}
        assert outcomes == {Outcome.ANSWERED}

    async def test_openai_embeds_and_responds(self, house: Installation, tool: HeldTool) -> None:
        async with of_openai(house, tool.token) as client:
            vectors = await client.embeddings.create(model="text-embedding-3-small", input="key")
            assert len(vectors.data[0].embedding) == 1536
            stream = await client.responses.create(model="gpt-4.1", input="key?", stream=True)
            assert [event.type async for event in stream][-1] == "response.completed"

    async def test_anthropic_speaks_and_streams(self, house: Installation, ada: Person) -> None:
        key = await ada.add_key("anthropic")
        tool = await ada.make_tool()
        async with of_anthropic(house, tool.token) as client:
            whole = await client.messages.create(**MESSAGE)
            async with client.messages.stream(**MESSAGE) as stream:
                assert await stream.get_final_text() == whole.content[0].text
            assert await client.messages.count_tokens(model="claude-made-up-1", messages=ASK)
        assert {call.header(b"x-api-key") for call in house.fake.calls} == {key.secret.encode()}

    async def test_google_generates_and_streams(self, house: Installation, ada: Person) -> None:
        key = await ada.add_key("google")
        tool = await ada.make_tool()
        async with of_google(house, tool.token) as client:
            whole = await client.models.generate_content(model=GEMINI, contents="Who?")
            stream = await client.models.generate_content_stream(model=GEMINI, contents="Who?")
            assert "".join([piece.text or "" async for piece in stream]) == whole.text
        assert {call.header(b"x-goog-api-key") for call in house.fake.calls} == {
            key.secret.encode()
        }
        assert {call.model for call in await ada.calls_ended(2)} == {GEMINI}


class TestRefused:
    """Each SDK raises the class that its users expect, and asks only once."""

    async def test_an_unknown_token_is_an_authentication_error(self, house: Installation) -> None:
        with pytest.raises(openai.AuthenticationError) as of_one:
            await _ask(house, "openai", "sk-not-ours")
        with pytest.raises(anthropic.AuthenticationError):
            await _ask(house, "anthropic", "sk-not-ours")
        with pytest.raises(errors.ClientError) as of_other:
            await _ask(house, "google", "AIza-not-ours")
        assert of_one.value.code == "tool_token_required"
        assert (of_other.value.code, of_other.value.status) == (401, "UNAUTHENTICATED")
        assert "kst_" in str(of_other.value)
        assert len(house.answers) == 3

    async def test_a_provider_not_allowed_is_a_permission_error(
        self, house: Installation, ada: Person
    ) -> None:
        one = await ada.make_tool(providers=("openai",))
        other = await ada.make_tool(providers=("anthropic",))
        with pytest.raises(openai.PermissionDeniedError, match="may not use OpenAI"):
            await _ask(house, "openai", other.token)
        with pytest.raises(anthropic.PermissionDeniedError, match="may not use Anthropic"):
            await _ask(house, "anthropic", one.token)
        with pytest.raises(errors.ClientError, match="may not use Google") as refused:
            await _ask(house, "google", one.token)
        assert (refused.value.code, refused.value.status) == (403, "PERMISSION_DENIED")
        assert len(house.answers) == 3

    async def test_no_key_is_not_found(self, house: Installation, ada: Person) -> None:
        tool = await ada.make_tool()
        with pytest.raises(openai.NotFoundError, match=r"(?i)no openai key"):
            await _ask(house, "openai", tool.token)
        with pytest.raises(anthropic.NotFoundError, match=r"(?i)no anthropic key"):
            await _ask(house, "anthropic", tool.token)
        with pytest.raises(errors.ClientError, match=r"(?i)no google key") as refused:
            await _ask(house, "google", tool.token)
        assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")
        assert len(house.answers) == 3
        assert await ada.calls() == []

    @pytest.mark.parametrize("wire", ["openai", "anthropic", "google"])
    async def test_a_key_removed_before_the_answer_began_is_a_conflict(
        self, house: Installation, ada: Person, wire: str
    ) -> None:
        key, tool = await ada.add_key(wire), await ada.make_tool()
        house.fake.gate = Gate(after=0)
        calling = asyncio.ensure_future(_ask(house, wire, tool.token))
        await house.fake.gate.reached()
        await ada.remove_key(key)
        expected = {
            "openai": openai.ConflictError,
            "anthropic": anthropic.ConflictError,
            "google": errors.ClientError,
        }
        with pytest.raises(expected[wire], match="revoked while this call ran"):
            await calling
        assert len(house.answers) == 1
        call = await ada.call_ended()
        assert (call.outcome, call.status) == (Outcome.CUT, 409)
        await house.fake.disconnected()

    @pytest.mark.parametrize("wire", ["openai", "anthropic", "google"])
    async def test_a_cut_stream_ends_with_an_error_event(
        self, house: Installation, ada: Person, wire: str
    ) -> None:
        key, tool = await ada.add_key(wire), await ada.make_tool()
        house.fake.gate = Gate(after=3)
        taking = asyncio.ensure_future(_stream(house, wire, tool.token))
        await house.fake.gate.reached()
        await ada.remove_key(key)
        expected: dict[str, Any] = {
            "openai": openai.APIError,
            "anthropic": anthropic.APIStatusError,
            "google": errors.APIError,
        }
        with pytest.raises(expected[wire], match="revoked while this call ran"):
            await taking
        await house.fake.disconnected()
        call = await ada.call_ended()
        assert (call.outcome, call.status) == (Outcome.CUT, 200)
        assert bytes(house.answers[0].body).endswith(b"}\n\n")


async def _ask(house: Installation, wire: str, token: str) -> object:
    match wire:
        case "openai":
            async with of_openai(house, token) as one:
                return await one.chat.completions.create(**CHAT)
        case "anthropic":
            async with of_anthropic(house, token) as other:
                return await other.messages.create(**MESSAGE)
        case _:
            async with of_google(house, token) as third:
                return await third.models.generate_content(model=GEMINI, contents="Who?")


async def _stream(house: Installation, wire: str, token: str) -> list[object]:
    stream: Any
    match wire:
        case "openai":
            async with of_openai(house, token) as one:
                stream = await one.chat.completions.create(**CHAT, stream=True)
                return [piece async for piece in stream]
        case "anthropic":
            async with of_anthropic(house, token) as other:
                stream = await other.messages.create(**MESSAGE, stream=True)
                return [piece async for piece in stream]
        case _:
            async with of_google(house, token) as third:
                stream = await third.models.generate_content_stream(model=GEMINI, contents="Who?")
                return [piece async for piece in stream]
