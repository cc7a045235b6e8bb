import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

import anthropic
import httpx
import httpx2
import openai
import pytest
from google import genai
from google.genai import errors, types
from hypothesis import given
from hypothesis import strategies as st

from keysteward.demo.fake_provider import FakeProvider, Gate, KeyKind, Mode, running
from keysteward.demo.fake_socket import Breach, FakeSocket
from keysteward.demo.fake_wire import halved, prose

KEY = "sk-made-up-and-good-0001"
SCOPED = "sk-made-up-and-scoped-0002"
BAD = "sk-made-up-and-bad-0003"

ASK: Any = [{"role": "user", "content": "Who holds the key?"}]
CHAT: Any = {"model": "gpt-4o-mini", "messages": ASK}


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider({KEY: KeyKind.VALID, SCOPED: KeyKind.SCOPED})


@pytest.fixture
async def url(fake: FakeProvider) -> AsyncIterator[str]:
    async with running(fake) as base:
        yield base


@pytest.fixture
async def wire(url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bill") / "bill.txt"


@pytest.fixture(scope="module")
def process(bill: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "keysteward.demo.fake_provider", "--bill", str(bill)]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        yield served.stdout.readline().strip()
        served.terminate()


def of_openai(url: str, key: str = KEY) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{url}/openai/v1", api_key=key, max_retries=0)


def of_anthropic(url: str, key: str = KEY) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=f"{url}/anthropic", api_key=key, max_retries=0)


def of_google(url: str, key: str = KEY) -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=f"{url}/google"))


class TestOpenAI:
    async def test_models_are_listed_and_looked_up(self, url: str) -> None:
        async with of_openai(url) as client:
            listed = [model.id async for model in client.models.list()]
            assert "gpt-4o-mini" in listed
            assert (await client.models.retrieve("gpt-4.1")).id == "gpt-4.1"

    async def test_a_chat_is_answered_with_its_usage(self, url: str, fake: FakeProvider) -> None:
        async with of_openai(url) as client:
            raw = await client.chat.completions.with_raw_response.create(**CHAT)
        answer = raw.parse()
        assert answer.model == "gpt-4o-mini"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage is not None
        assert answer.usage.completion_tokens == fake.events
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + fake.events
        assert raw.headers["x-request-id"].startswith("req_")

    async def test_a_limit_on_tokens_cuts_the_answer(self, url: str) -> None:
        async with of_openai(url) as client:
            answer = await client.chat.completions.create(**CHAT, max_completion_tokens=3)
        assert answer.usage is not None
        assert answer.usage.completion_tokens == 3
        assert answer.choices[0].finish_reason == "length"

    async def test_a_streamed_chat_says_the_same_as_a_whole_one(self, url: str) -> None:
        async with of_openai(url) as client:
            whole = await client.chat.completions.create(**CHAT)
            stream = await client.chat.completions.create(
                **CHAT, stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
        assert text == whole.choices[0].message.content
        assert chunks[-1].choices == []
        assert chunks[-1].usage == whole.usage
        assert all(chunk.usage is None for chunk in chunks[:-1])

    async def test_a_stream_names_its_usage_only_when_asked_to(self, url: str) -> None:
        async with of_openai(url) as client:
            stream = await client.chat.completions.create(**CHAT, stream=True)
            assert [chunk.usage async for chunk in stream if chunk.usage] == []

    async def test_a_streamed_chat_ends_with_done(self, wire: httpx.AsyncClient) -> None:
        answer = await wire.post("/openai/v1/chat/completions", json=CHAT | {"stream": True})
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.text.endswith("data: [DONE]\n\n")

    async def test_a_response_is_answered(self, url: str, fake: FakeProvider) -> None:
        async with of_openai(url) as client:
            answer = await client.responses.create(model="gpt-4.1", input="Who holds the key?")
        assert answer.status == "completed"
        assert answer.output_text.startswith("A steward")
        assert answer.usage is not None
        assert answer.usage.output_tokens == fake.events

    @pytest.mark.parametrize(("limit", "last"), [(None, "completed"), (2, "incomplete")])
    async def test_a_streamed_response_is_numbered_and_ends_in_its_final_state(
        self, url: str, limit: int | None, last: str
    ) -> None:
        async with of_openai(url) as client:
            stream = await client.responses.create(
                model="gpt-4.1", input="Who?", max_output_tokens=limit, stream=True
            )
            events = [event async for event in stream]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[0].type == "response.created"
        final = events[-1]
        assert final.type == f"response.{last}"
        said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        assert final.response.output_text == said  # type: ignore[union-attr]

    @pytest.mark.parametrize("form", ["float", "base64"])
    async def test_texts_are_embedded_each(
        self, url: str, form: Literal["float", "base64"]
    ) -> None:
        async with of_openai(url) as client:
            answer = await client.embeddings.create(
                model="text-embedding-3-small",
                input=["one", "two"],
                dimensions=64,
                encoding_format=form,
            )
            default = await client.embeddings.create(
                model="text-embedding-3-small", input=["one", "two"], dimensions=64
            )
        assert len(answer.data) == 2
        assert answer.usage.total_tokens == answer.usage.prompt_tokens > 0
        if form == "float":
            assert answer.data[1].embedding == pytest.approx(list(default.data[1].embedding))

    async def test_tokens_as_an_input_are_one_text(self, url: str) -> None:
        async with of_openai(url) as client:
            answer = await client.embeddings.create(model="text-embedding-3-small", input=[1, 2, 3])
        assert len(answer.data) == 1

    async def test_errors_raise_the_sdks_own_classes(self, url: str) -> None:
        async with of_openai(url, BAD) as client:
            with pytest.raises(openai.AuthenticationError) as refused:
                await client.models.list()
            assert refused.value.code == "invalid_api_key"
            assert BAD not in str(refused.value)
            assert refused.value.request_id is not None
        async with of_openai(url, SCOPED) as client:
            with pytest.raises(openai.PermissionDeniedError):
                await client.models.list()
            await client.chat.completions.create(**CHAT)
        async with of_openai(url) as client:
            for model, kind in {
                "rate-limited": openai.RateLimitError,
                "overloaded": openai.InternalServerError,
                "error-500": openai.InternalServerError,
                "html-error": openai.InternalServerError,
            }.items():
                with pytest.raises(kind):
                    await client.chat.completions.create(model=model, messages=ASK)
            with pytest.raises(openai.BadRequestError):
                await client.chat.completions.create(**CHAT, max_tokens=0)
            with pytest.raises(openai.NotFoundError):
                await client.files.retrieve("file-1")

    def test_the_sync_sdk_works_against_the_process(self, process: str) -> None:
        with openai.OpenAI(base_url=f"{process}/openai/v1", api_key="any", max_retries=0) as client:
            with client.chat.completions.create(
                **CHAT, stream=True, extra_headers={"x-fake-events": "5"}
            ) as stream:
                said = [c.choices[0].delta.content for c in stream if c.choices[0].delta.content]
            assert len(said) == 5
            long = client.chat.completions.create(**CHAT, extra_headers={"x-fake-bytes": "2048"})
            assert len(long.choices[0].message.content or "") == 2048

    def test_the_process_tells_its_bill(self, process: str, bill: Path) -> None:
        with openai.OpenAI(base_url=f"{process}/openai/v1", api_key="any", max_retries=0) as client:
            client.chat.completions.create(**CHAT)
        told = httpx.get(f"{process}/bill", trust_env=False).json()["openai"]
        lines = [line.split() for line in bill.read_text().splitlines()]
        assert sum(int(amount) for provider, _, amount in lines if provider == "openai") == told > 0


class TestAnthropic:
    async def test_models_are_listed_and_looked_up(self, url: str) -> None:
        async with of_anthropic(url) as client:
            listed = [model.id async for model in client.models.list()]
            assert "claude-haiku-4-5" in listed
            assert (await client.models.retrieve(listed[0])).id == listed[0]

    async def test_a_message_is_answered_and_counted_alike(
        self, url: str, fake: FakeProvider
    ) -> None:
        async with of_anthropic(url) as client:
            message = await client.messages.create(
                model="claude-haiku-4-5",
                max_tokens=100,
                system="Be brief.",
                messages=ASK,
            )
            counted = await client.messages.count_tokens(
                model="claude-haiku-4-5",
                system="Be brief.",
                messages=ASK,
            )
        assert message.stop_reason == "end_turn"
        assert message.usage.output_tokens == fake.events
        assert message.usage.input_tokens == counted.input_tokens
        assert message._request_id is not None
        assert fake.charged == 1

    async def test_a_streamed_message_says_the_same_as_a_whole_one(self, url: str) -> None:
        async with of_anthropic(url) as client:
            asked: Any = {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": ASK}
            whole = await client.messages.create(**asked)
            async with client.messages.stream(**asked) as stream:
                final = await stream.get_final_message()
        assert final.content[0].to_dict()["text"] == whole.content[0].to_dict()["text"]
        assert final.stop_reason == "max_tokens"
        assert final.usage.output_tokens == whole.usage.output_tokens == 5

    async def test_the_events_come_in_the_providers_order(self, wire: httpx.AsyncClient) -> None:
        answer = await wire.post(
            "/anthropic/v1/messages",
            headers={"x-api-key": KEY, "anthropic-version": "2023-06-01"},
            json={"model": "claude-haiku-4-5", "max_tokens": 2, "messages": ASK, "stream": True},
        )
        names = [line[7:] for line in answer.text.splitlines() if line.startswith("event: ")]
        assert names == [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]

    @pytest.mark.parametrize("slot", [{"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}])
    async def test_the_key_may_stand_in_either_header(self, url: str, slot: dict[str, str]) -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            headers = slot | {"anthropic-version": "2023-06-01"}
            answer = await client.get("/anthropic/v1/models", headers=headers)
        assert answer.status_code == 200

    async def test_a_call_without_a_version_is_refused(self, wire: httpx.AsyncClient) -> None:
        answer = await wire.get("/anthropic/v1/models", headers={"x-api-key": KEY})
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert answer.json()["request_id"] == answer.headers["request-id"]

    async def test_errors_raise_the_sdks_own_classes(self, url: str) -> None:
        async with of_anthropic(url, BAD) as client:
            with pytest.raises(anthropic.AuthenticationError):
                await client.models.list()
        async with of_anthropic(url, SCOPED) as client:
            with pytest.raises(anthropic.PermissionDeniedError):
                await client.models.list()
        async with of_anthropic(url) as client:
            for model, status in {"rate-limited": 429, "overloaded": 529, "error-500": 500}.items():
                with pytest.raises(anthropic.APIStatusError) as refused:
                    await client.messages.create(model=model, max_tokens=1, messages=ASK)
                assert refused.value.status_code == status
                assert isinstance(refused.value, anthropic.RateLimitError) == (status == 429)


# The SDK itself inherits from a class of aiohttp that doesn't want it.
@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
class TestGoogle:
    async def test_models_are_listed_and_looked_up(self, url: str) -> None:
        client = of_google(url)
        async with client.aio as aio:
            listed = [model.name async for model in await aio.models.list()]
            assert "models/gemini-2.5-flash" in listed
            found = await aio.models.get(model="gemini-2.5-flash")
            assert found.supported_actions == ["generateContent", "countTokens"]
        client.close()

    async def test_content_is_answered_and_counted_alike(
        self, url: str, fake: FakeProvider
    ) -> None:
        client = of_google(url)
        async with client.aio as aio:
            answer = await aio.models.generate_content(model="gemini-2.5-flash", contents="Who?")
            counted = await aio.models.count_tokens(model="gemini-2.5-flash", contents="Who?")
        client.close()
        usage = answer.usage_metadata
        assert usage is not None
        assert usage.candidates_token_count == fake.events
        assert usage.prompt_token_count == counted.total_tokens
        assert answer.text is not None
        assert answer.text.startswith("A steward")

    async def test_streamed_content_says_the_same_as_whole(self, url: str) -> None:
        client = of_google(url)
        async with client.aio as aio:
            config = types.GenerateContentConfig(max_output_tokens=4)
            whole = await aio.models.generate_content(
                model="gemini-2.5-flash", contents="Who?", config=config
            )
            chunks = [
                chunk
                async for chunk in await aio.models.generate_content_stream(
                    model="gemini-2.5-flash", contents="Who?", config=config
                )
            ]
        client.close()
        assert "".join(chunk.text or "" for chunk in chunks) == whole.text
        assert chunks[-1].candidates is not None
        assert chunks[-1].candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
        assert chunks[-1].usage_metadata == whole.usage_metadata

    async def test_a_stream_without_sse_is_one_json_array(self, wire: httpx.AsyncClient) -> None:
        path = "/google/v1beta/models/gemini-2.5-flash:streamGenerateContent"
        asked = {"contents": [{"parts": [{"text": "Who?"}]}]}
        answer = await wire.post(path, headers={"x-goog-api-key": KEY}, json=asked)
        assert len(answer.json()) == 8
        streamed = await wire.post(path + "?alt=sse", headers={"x-goog-api-key": KEY}, json=asked)
        assert streamed.content.count(b"\r\n\r\n") == 8

    async def test_texts_are_embedded_each(self, url: str, wire: httpx.AsyncClient) -> None:
        client = of_google(url)
        async with client.aio as aio:
            answer = await aio.models.embed_content(
                model="gemini-embedding-001",
                contents=["one", "two"],
                config=types.EmbedContentConfig(output_dimensionality=16),
            )
        client.close()
        assert answer.embeddings is not None
        assert [len(each.values or ()) for each in answer.embeddings] == [16, 16]
        one = await wire.post(
            "/google/v1beta/models/gemini-embedding-001:embedContent",
            headers={"x-goog-api-key": KEY},
            json={"content": {"parts": [{"text": "one"}]}},
        )
        assert len(one.json()["embedding"]["values"]) == 3072

    async def test_both_versions_of_the_api_answer(self, url: str, fake: FakeProvider) -> None:
        for version in ("v1", "v1beta"):
            options = types.HttpOptions(base_url=f"{url}/google", api_version=version)
            client = genai.Client(api_key=KEY, http_options=options)
            async with client.aio as aio:
                await aio.models.generate_content(model="gemini-2.5-flash", contents="Who?")
            client.close()
            assert fake.calls[-1].raw_path.startswith(f"/google/{version}/models/".encode())

    async def test_a_bad_key_is_an_invalid_argument(self, url: str) -> None:
        client = of_google(url, BAD)
        async with client.aio as aio:
            with pytest.raises(errors.ClientError) as refused:
                await aio.models.get(model="gemini-2.5-flash")
        client.close()
        assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
        assert refused.value.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"

    async def test_errors_raise_the_sdks_own_classes(self, url: str) -> None:
        client = of_google(url)
        async with client.aio as aio:
            for model, kind, status in (
                ("rate-limited", errors.ClientError, "RESOURCE_EXHAUSTED"),
                ("overloaded", errors.ServerError, "UNAVAILABLE"),
                ("error-500", errors.ServerError, "INTERNAL"),
            ):
                with pytest.raises(kind) as refused:
                    await aio.models.generate_content(model=model, contents="Who?")
                assert refused.value.status == status
        client.close()
        client = of_google(url, SCOPED)
        async with client.aio as aio:
            with pytest.raises(errors.ClientError) as refused:
                await aio.models.list()
        client.close()
        assert refused.value.code == 403

    def test_the_sync_sdk_works_against_the_process(self, process: str) -> None:
        with of_google(process, "any") as client:
            stream = client.models.generate_content_stream(
                model="gemini-2.5-flash", contents="Who?"
            )
            assert len(list(stream)) == 8


class TestWhatATestHolds:
    async def test_calls_are_seen_as_they_were_sent(
        self, wire: httpx.AsyncClient, fake: FakeProvider
    ) -> None:
        await wire.put(
            "/openai/v1/%2e%2fodd?a=1&b=%20", content=b"\x00\xff", headers={"X-Own": "1"}
        )
        call = fake.calls[-1]
        assert (call.method, call.raw_path, call.query) == (
            "PUT",
            b"/openai/v1/%2e%2fodd",
            b"a=1&b=%20",
        )
        assert (call.body, call.body_size, call.complete) == (b"\x00\xff", 2, True)
        assert call.header(b"x-own") == b"1"
        assert call.header(b"x-absent") is None

    async def test_what_is_kept_of_calls_has_a_bound(self) -> None:
        fake = FakeProvider(calls_kept=2)
        fake.body_kept = 3
        async with running(fake) as url, httpx.AsyncClient(base_url=url, trust_env=False) as wire:
            for _ in range(5):
                await wire.post("/openai/v1/any", content=b"12345")
        assert (fake.seen, len(fake.calls)) == (5, 2)
        assert (fake.calls[0].body, fake.calls[0].body_size) == (b"123", 5)

    async def test_only_work_that_a_provider_bills_is_charged(
        self, wire: httpx.AsyncClient, fake: FakeProvider
    ) -> None:
        await wire.get("/openai/v1/models")
        await wire.post("/openai/v1/chat/completions", json={"messages": []})
        await wire.post("/openai/v1/chat/completions", json=CHAT | {"model": "overloaded"})
        await wire.post("/openai/v1/chat/completions", json=CHAT, headers={"authorization": "no"})
        assert fake.charged == 0
        await wire.post("/openai/v1/chat/completions", json=CHAT)
        await wire.post("/openai/v1/chat/completions", json=CHAT | {"stream": True})
        assert fake.charged == 2

    async def test_the_same_request_gets_the_same_bytes(self, wire: httpx.AsyncClient) -> None:
        first, second = [
            await wire.post("/openai/v1/chat/completions", json=CHAT | {"stream": True})
            for _ in range(2)
        ]
        assert first.content == second.content
        assert first.headers["x-request-id"] != second.headers["x-request-id"]

    async def test_a_gate_holds_a_stream_after_its_first_events(
        self, url: str, fake: FakeProvider
    ) -> None:
        gate = fake.gate = Gate(after=2)
        async with of_openai(url) as client:
            stream = await client.chat.completions.create(**CHAT, stream=True)
            chunks = aiter(stream)
            held = [await anext(chunks), await anext(chunks)]
            await gate.reached()
            assert (gate.held, fake.open_streams, len(held)) == (1, 1, 2)
            gate.release()
            assert len([chunk async for chunk in chunks]) == 8
        await fake.until(lambda: fake.open_streams == 0)
        assert fake.departures == []

    async def test_a_gate_holds_a_whole_answer_before_its_first_byte(
        self, wire: httpx.AsyncClient, fake: FakeProvider
    ) -> None:
        gate = fake.gate = Gate(after=0)
        asking = asyncio.create_task(wire.post("/openai/v1/chat/completions", json=CHAT))
        await gate.reached()
        assert not asking.done()
        gate.release()
        assert (await asking).status_code == 200

    @pytest.mark.parametrize("after", [0, 3])
    async def test_a_client_that_leaves_a_held_stream_is_noticed(
        self, wire: httpx.AsyncClient, fake: FakeProvider, after: int
    ) -> None:
        gate = fake.gate = Gate(after=after)
        asked = CHAT | {"stream": True}
        async with wire.stream("POST", "/openai/v1/chat/completions", json=asked):
            await gate.reached()
        await fake.disconnected()
        assert (fake.open_streams, gate.held, len(fake.departures)) == (0, 0, 1)

    async def test_a_client_that_leaves_a_paced_stream_is_noticed(
        self, wire: httpx.AsyncClient, fake: FakeProvider
    ) -> None:
        asked = CHAT | {"stream": True}
        slow = {"x-fake-pace": "60"}
        async with wire.stream("POST", "/openai/v1/chat/completions", json=asked, headers=slow):
            await fake.until(lambda: fake.open_streams == 1)
        await fake.disconnected()

    async def test_a_paced_stream_ends_whole(
        self, wire: httpx.AsyncClient, fake: FakeProvider
    ) -> None:
        fake.pace = 0.001
        answer = await wire.post("/openai/v1/chat/completions", json=CHAT | {"stream": True})
        assert answer.text.endswith("data: [DONE]\n\n")
        assert (fake.open_streams, fake.departures) == (0, [])

    async def test_a_body_cut_off_is_seen_as_incomplete(self, url: str, fake: FakeProvider) -> None:
        host, port = url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\n")
        writer.write(b"content-length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await fake.disconnected()
        assert (fake.calls[-1].body, fake.calls[-1].complete) == (b"{", False)

    async def test_what_is_open_at_the_end_is_cut(self, fake: FakeProvider) -> None:
        fake.mode = Mode.HANG
        async with running(fake) as url:
            client = of_openai(url)
            asking = asyncio.create_task(client.models.retrieve("gpt-4.1"))
            await fake.until(lambda: fake.open_streams == 1)
        with pytest.raises(openai.APIConnectionError):
            await asking
        await client.close()

    async def test_an_unknown_prefix_is_not_found(self, wire: httpx.AsyncClient) -> None:
        assert (await wire.get("/elsewhere/v1/models")).status_code == 404
        assert (await wire.get("/")).status_code == 404


class TestWaysToGoWrong:
    async def test_a_hanging_call_is_never_answered_nor_charged(
        self, wire: httpx.AsyncClient, fake: FakeProvider
    ) -> None:
        asked = CHAT | {"model": "hang"}
        asking = asyncio.create_task(wire.post("/openai/v1/chat/completions", json=asked))
        await fake.until(lambda: fake.open_streams == 1)
        asking.cancel()
        await fake.disconnected()
        assert fake.charged == 0

    async def test_a_rate_limit_says_when_to_come_back(self, wire: httpx.AsyncClient) -> None:
        answer = await wire.get("/openai/v1/models", headers={"x-fake": "rate-limited"})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")

    async def test_the_providers_own_mode_is_for_calls_without_one(
        self, wire: httpx.AsyncClient, fake: FakeProvider
    ) -> None:
        fake.mode = Mode.ERROR_500
        assert (await wire.get("/openai/v1/models")).status_code == 500
        limited = await wire.get("/openai/v1/models", headers={"x-fake": "rate-limited"})
        assert limited.status_code == 429

    @pytest.mark.parametrize(
        "asked",
        [
            ("/openai/v1/chat/completions", {}, CHAT),
            ("/openai/v1/responses", {}, {"model": "m", "input": "Who?"}),
            (
                "/anthropic/v1/messages",
                {"x-api-key": KEY, "anthropic-version": "2023-06-01"},
                {"model": "m", "max_tokens": 9, "messages": ASK},
            ),
            (
                "/google/v1beta/models/m:generateContent",
                {"x-goog-api-key": KEY},
                {"contents": [{"parts": [{"text": "Who?"}]}]},
            ),
        ],
    )
    @pytest.mark.parametrize("stream", [False, True])
    async def test_the_key_comes_back_whole_and_across_two_pieces(
        self,
        wire: httpx.AsyncClient,
        fake: FakeProvider,
        asked: tuple[str, dict[str, str], dict[str, object]],
        *,
        stream: bool,
    ) -> None:
        path, headers, body = asked
        headers = headers | {"x-fake": "echo-key-in-body"}
        if stream and "google" in path:
            path = path.replace(":generate", ":streamGenerate") + "?alt=sse"
        elif stream:
            body = body | {"stream": True}
        answer = await wire.post(path, headers=headers, json=body)
        assert answer.status_code == 200
        assert answer.text.count(KEY) >= 2
        # Chunk by chunk, the second one is never whole: held between, the first half stands alone.
        gate = fake.gate = Gate(after=self._first_half(answer.content) if stream else 1)
        async with wire.stream("POST", path, headers=headers, json=body) as held:
            await gate.reached()
            chunks = held.aiter_raw()
            got = b""
            while not got.endswith(KEY[: len(KEY) // 2].encode()):
                got += await anext(chunks)
            assert got.count(KEY.encode()) == 1
            gate.release()
            assert got + b"".join([chunk async for chunk in chunks]) == answer.content

    def _first_half(self, content: bytes) -> int:
        """How many pieces of an SSE answer come before the middle of its second key."""
        second = content.index(KEY.encode(), content.index(KEY.encode()) + 1)
        line = b"\r\n\r\n" if b"\r\n\r\n" in content else b"\n\n"
        return content[:second].count(line) + 1

    @pytest.mark.parametrize(
        ("path", "header"),
        [("/openai/v1/models", "x-request-id"), ("/anthropic/v1/models", "request-id")],
    )
    async def test_the_key_comes_back_in_a_header(
        self, wire: httpx.AsyncClient, path: str, header: str
    ) -> None:
        own = {"x-api-key": KEY, "anthropic-version": "1", "x-fake": "echo-key-in-header"}
        answer = await wire.get(path, headers=own)
        assert answer.status_code == 200
        assert answer.headers[header] == KEY

    async def test_a_redirect_leads_where_the_test_says(
        self, wire: httpx.AsyncClient, fake: FakeProvider
    ) -> None:
        fake.redirect_to = "http://127.0.0.1:1/trap"
        answer = await wire.get("/openai/v1/models", headers={"x-fake": "redirect"})
        assert (answer.status_code, answer.headers["location"]) == (302, fake.redirect_to)

    async def test_an_error_page_is_html(self, wire: httpx.AsyncClient) -> None:
        answer = await wire.get("/openai/v1/models", headers={"x-fake": "html-error"})
        assert (answer.status_code, answer.headers["content-type"][:9]) == (502, "text/html")

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/openai/v1/chat/completions", b"{"),
            ("/openai/v1/chat/completions", b"[]"),
            ("/openai/v1/chat/completions", b'{"messages":[]}'),
            ("/openai/v1/chat/completions", b'{"model":"m"}'),
            ("/openai/v1/embeddings", b'{"model":"m"}'),
            ("/openai/v1/embeddings", b'{"model":"m","input":"x","dimensions":4000}'),
            ("/anthropic/v1/messages", b'{"model":"m"}'),
            ("/anthropic/v1/messages", b'{"model":"m","messages":[]}'),
            ("/google/v1beta/models/m:generateContent", b"{}"),
            ("/google/v1beta/models/m:batchEmbedContents", b"{}"),
        ],
    )
    async def test_a_malformed_request_is_a_bad_one(
        self, wire: httpx.AsyncClient, path: str, body: bytes
    ) -> None:
        own = {"x-api-key": KEY, "anthropic-version": "1", "x-goog-api-key": KEY}
        answer = await wire.post(path, headers=own, content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("path", "status"),
        [("/openai/v1/models", 401), ("/anthropic/v1/models", 401), ("/google/v1beta/models", 403)],
    )
    async def test_a_call_without_a_key_is_refused(self, url: str, path: str, status: int) -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            assert (await client.get(path)).status_code == status

    @pytest.mark.parametrize(
        "path",
        [
            "/openai/v1/no",
            "/anthropic/v1/no",
            "/google/v1beta3/models",
            "/google/v1/no",
            "/google/v1beta/models/m:no",
        ],
    )
    async def test_an_unknown_path_is_not_found(self, wire: httpx.AsyncClient, path: str) -> None:
        own = {"x-api-key": KEY, "anthropic-version": "1", "x-goog-api-key": KEY}
        answer = await wire.post(path, headers=own, json={})
        assert answer.status_code == 404
        assert answer.json()["error"]["message"]


class TestProse:
    @given(st.integers(1, 300), st.integers(0, 5000))
    def test_a_text_of_a_given_size_has_that_size(self, events: int, size: int) -> None:
        said = prose(events, None, size)
        assert (len(said.tokens), len(said.text.encode())) == (events, size)

    @given(st.lists(st.binary(max_size=40), max_size=5))
    def test_halving_changes_no_byte(self, pieces: list[bytes]) -> None:
        assert b"".join(halved(tuple(pieces), b"\x00")) == b"".join(pieces)


class TestBrokenHttp:
    @pytest.mark.parametrize(
        ("breach", "fault"),
        [
            (Breach.GARBAGE, httpx.RemoteProtocolError),
            (Breach.TRUNCATED, httpx.RemoteProtocolError),
            (Breach.CLOSE_AT_ONCE, (httpx.RemoteProtocolError, httpx.ReadError)),
            (Breach.HUGE_HEADERS, httpx.RemoteProtocolError),
            (Breach.RESET_MID_STREAM, (httpx.RemoteProtocolError, httpx.ReadError)),
        ],
    )
    async def test_a_client_that_keeps_the_rules_refuses_the_answer(
        self, breach: Breach, fault: type[Exception]
    ) -> None:
        broken = FakeSocket(breach)
        async with broken.running() as url, httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(fault):
                await client.get(f"{url}/openai/v1/models")
        await broken.until_closed()

    async def test_a_stream_is_reset_after_the_events_that_the_gate_lets_through(self) -> None:
        broken = FakeSocket(Breach.RESET_MID_STREAM)
        gate = broken.gate = Gate(after=3)
        async with broken.running() as url, of_openai(url) as client:
            stream = await client.chat.completions.create(**CHAT, stream=True)
            chunks = aiter(stream)
            for _ in range(3):
                await anext(chunks)
            await gate.reached()
            gate.release()
            with pytest.raises((httpx.NetworkError, httpx2.NetworkError, openai.APIError)):
                await anext(chunks)
        assert broken.heads[0].startswith(b"POST /openai/v1/chat/completions HTTP/1.1\r\n")

    async def test_a_reset_is_a_reset_and_no_orderly_end(self) -> None:
        broken = FakeSocket(Breach.RESET_MID_STREAM)
        gate = broken.gate = Gate(after=1)
        async with broken.running() as url:
            reader, writer = await _raw_get(url)
            assert b"data: " in await reader.readuntil(b"\n\n")
            gate.release()
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
            with pytest.raises(ConnectionResetError):
                await writer.wait_closed()

    @pytest.mark.parametrize(
        ("framing", "body"),
        [
            (b"", b""),
            (b"Content-Length: 2\r\n", b"{}"),
            (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
        ],
    )
    async def test_a_truncated_answer_ends_in_order_whatever_the_request_brought(
        self, framing: bytes, body: bytes
    ) -> None:
        broken = FakeSocket(Breach.TRUNCATED)
        async with broken.running() as url:
            reader, writer = await _raw_get(url, framing)
            writer.write(body)
            sent = await reader.read()
            writer.close()
            await writer.wait_closed()
        assert sent.endswith(b'"data": []}')

    async def test_slow_headers_come_without_end_until_the_client_leaves(self) -> None:
        broken = FakeSocket(Breach.SLOW_HEADERS)
        broken.pace = 0.001
        async with broken.running() as url:
            reader, writer = await _raw_get(url)
            head = await reader.readexactly(200)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\n\r\n" not in head
            writer.close()
            await writer.wait_closed()
            await broken.until_closed()

    async def test_conflicting_lengths_smuggle_an_answer_behind(self) -> None:
        broken = FakeSocket(Breach.CONFLICTING_LENGTH)
        async with broken.running() as url:
            reader, writer = await _raw_get(url)
            sent = await reader.read()
            writer.close()
            await writer.wait_closed()
        assert sent.count(b"HTTP/1.1 200 OK") == 2
        assert b"content-length: 5\r\ntransfer-encoding: chunked\r\n" in sent

    async def test_what_is_open_at_the_end_is_cut(self) -> None:
        broken = FakeSocket(Breach.SLOW_HEADERS)
        async with broken.running() as url:
            reader, writer = await _raw_get(url)
            await reader.readexactly(1)
        await reader.read()
        assert broken.connections == 0
        writer.close()


async def _raw_get(
    url: str, framing: bytes = b""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n" + framing + b"\r\n")
    return reader, writer
