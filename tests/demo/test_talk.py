"""The made-up providers' conversations over websockets."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from keysteward.demo.fake_provider import FakeProvider, Gate, KeyKind, Mode, running

BEARER = {"authorization": "Bearer any"}
SOUND = base64.b64encode(bytes(48_000)).decode()
TEXT: Any = {"type": "response.create", "response": {"output_modalities": ["text"]}}


@pytest.fixture
async def at(charging: FakeProvider) -> AsyncIterator[str]:
    async with running(charging) as base:
        yield base.replace("http", "ws")


def talk(at: str, path: str = "/openai/v1/realtime?model=gpt-realtime", **headers: str) -> Any:
    return connect(f"{at}{path}", additional_headers=BEARER | headers, proxy=None)


async def until(line: Any, kind: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != kind:
        events.append(json.loads(await line.recv()))
    return events


async def say(line: Any, body: dict[str, Any]) -> None:
    await line.send(json.dumps(body))


async def test_the_sdk_holds_a_conversation_and_reads_its_usage(
    at: str, charging: FakeProvider
) -> None:
    base = f"{at}/openai/v1"
    async with (
        openai.AsyncOpenAI(api_key="any", base_url=base, websocket_base_url=base) as client,
        client.realtime.connect(model="gpt-realtime") as line,
    ):
        await line.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        content: Any = [{"type": "input_text", "text": "Who holds the key?"}]
        await line.conversation.item.create(
            item={"type": "message", "role": "user", "content": content}
        )
        await line.response.create()
        said, done = "", None
        async for event in line:
            if event.type == "response.output_text.delta":
                said += event.delta
            if event.type == "response.done":
                done = event.response
                break
    assert said.startswith("A steward")
    assert done is not None
    assert done.usage is not None
    assert (done.status, done.usage.output_tokens) == ("completed", 8)
    assert charging.bill == {"openai": (done.usage.input_tokens or 0) * 4_000 + 8 * 16_000}
    assert len(charging.messages) == 3


async def test_sound_is_heard_spoken_and_read_again_at_the_next_turn(
    at: str, charging: FakeProvider
) -> None:
    async with talk(at) as line:
        update = {"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
        await say(line, {"type": "session.update", "session": update})
        await say(line, {"type": "input_audio_buffer.append", "audio": SOUND})
        await say(line, {"type": "input_audio_buffer.commit"})
        written = (await until(line, "conversation.item.input_audio_transcription.completed"))[-1]
        assert written["usage"]["input_token_details"] == {"text_tokens": 0, "audio_tokens": 10}
        await say(line, {"type": "response.create"})
        first = (await until(line, "response.done"))[-1]["response"]["usage"]
        assert first["input_token_details"]["audio_tokens"] == 10
        assert first["output_token_details"] == {"text_tokens": 8, "audio_tokens": 16}
        await say(line, {"type": "response.create"})
        second = (await until(line, "response.done"))[-1]["response"]["usage"]
        assert second["input_tokens"] == first["input_tokens"] + 24
    heard, one, two = (charge.amount for charge in charging.charges)
    assert heard == 10 * 6_000 + 8 * 10_000
    assert one == 10 * 32_000 + 8 * 16_000 + 16 * 64_000
    assert two == 8 * 4_000 + 26 * 32_000 + 8 * 16_000 + 16 * 64_000


@pytest.mark.parametrize(("modality", "used"), [("text", 4), ("audio", 3)])
async def test_a_limit_ends_a_response(at: str, modality: str, used: int) -> None:
    async with talk(at) as line:
        limited = {"output_modalities": [modality], "max_output_tokens": 4}
        await say(line, {"type": "response.create", "response": limited})
        response = (await until(line, "response.done"))[-1]["response"]
    assert (response["status"], response["usage"]["output_tokens"]) == ("incomplete", used)


async def test_what_is_no_event_is_an_error_and_a_buffer_can_be_emptied(at: str) -> None:
    async with talk(at) as line:
        await line.send("no JSON")
        assert (await until(line, "error"))[-1]["error"]["code"] == "invalid_value"
        await line.send(b"[]")
        await until(line, "error")
        await say(line, {"type": "input_audio_buffer.append", "audio": SOUND})
        await say(line, {"type": "input_audio_buffer.clear"})
        await until(line, "input_audio_buffer.cleared")
        item = {"type": "message", "role": "user", "content": [{"audio": SOUND}]}
        await say(line, {"type": "conversation.item.create", "item": item})
        await say(line, TEXT)
        usage = (await until(line, "response.done"))[-1]["response"]["usage"]
        assert usage["input_token_details"]["audio_tokens"] == 10


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/openai/v1/realtime", {"authorization": "Bearer bad"}, 401),
        ("/openai/v1/realtime", {"x-fake": "rate-limited"}, 429),
        ("/openai/v1/else", {}, 404),
        ("/groq/openai/v1/realtime", {}, 404),
        ("/stripe/v1/balance", {}, 404),
        ("/elsewhere", {}, 404),
    ],
)
async def test_who_may_not_talk_is_refused_as_over_http(
    at: str, charging: FakeProvider, path: str, headers: dict[str, str], status: int
) -> None:
    charging.keys["bad"] = KeyKind.REJECTED
    with pytest.raises(InvalidStatus) as refused:
        async with talk(at, path, **headers):
            pass
    assert refused.value.response.status_code == status


class TestGoingWrong:
    async def test_a_usage_that_is_missing_is_charged_all_the_same(
        self, at: str, charging: FakeProvider
    ) -> None:
        charging.mode = Mode.USAGE_MISSING
        async with talk(at) as line:
            await say(line, TEXT)
            assert (await until(line, "response.done"))[-1]["response"]["usage"] is None
        assert charging.bill == {"openai": 8 * 16_000}

    async def test_more_is_used_than_was_allowed(self, at: str, charging: FakeProvider) -> None:
        charging.mode = Mode.OVERCHARGE
        async with talk(at) as line:
            await say(line, TEXT)
            usage = (await until(line, "response.done"))[-1]["response"]["usage"]
        assert usage["output_tokens"] == 80
        assert charging.bill == {"openai": 80 * 16_000}

    async def test_a_response_may_fail_and_cost(self, at: str, charging: FakeProvider) -> None:
        charging.mode = Mode.ERROR_500_CHARGED
        async with talk(at) as line:
            await say(line, TEXT)
            response = (await until(line, "response.done"))[-1]["response"]
        assert (response["status"], response["usage"]) == ("failed", None)
        assert charging.charged == 1

    async def test_a_conversation_breaks_once_it_is_charged(
        self, at: str, charging: FakeProvider
    ) -> None:
        charging.mode = Mode.CUT_AFTER_CHARGE
        async with talk(at) as line:
            await say(line, TEXT)
            with pytest.raises(ConnectionClosedError):
                await until(line, "response.done")
        assert charging.charged == 1

    async def test_who_leaves_in_the_middle_of_a_response_is_noticed(
        self, at: str, charging: FakeProvider
    ) -> None:
        gate = charging.gate = Gate(after=2)
        async with talk(at) as line:
            await say(line, TEXT)
            await gate.reached()
            assert charging.open_streams == 1
        await charging.disconnected()
        await charging.until(lambda: not charging.open_streams)
        assert charging.charged == 1


async def test_a_voice_speaks_what_is_written_to_it(at: str, charging: FakeProvider) -> None:
    path = "/elevenlabs/v1/text-to-speech/any/stream-input?model_id=eleven_flash_v2_5"
    async with talk(at, path, **{"xi-api-key": "any"}) as line:
        for text in (" ", "Who holds ", "the key? ", ""):
            await say(line, {"text": text})
        pieces = [json.loads(piece) async for piece in line]
    assert [bool(piece["audio"]) for piece in pieces] == [True, True, False]
    assert pieces[-1]["isFinal"] is True
    assert charging.bill == {"elevenlabs": 19 * 50_000}


async def test_a_voice_breaks_off_once_it_is_charged(at: str, charging: FakeProvider) -> None:
    charging.mode = Mode.CUT_AFTER_CHARGE
    path = "/elevenlabs/v1/text-to-speech/any/stream-input"
    async with talk(at, path, **{"xi-api-key": "any"}) as line:
        await say(line, {"text": "Who?"})
        with pytest.raises(ConnectionClosedError):
            await line.recv()
    assert charging.bill == {"elevenlabs": 4 * 100_000}
