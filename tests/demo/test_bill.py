"""What the made-up providers charge: by the list, when the work is done, whoever hears of it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from genai_prices import Usage, calc_price

from keysteward.demo import price_page
from keysteward.demo.fake_provider import FakeProvider, Gate, KeyKind, Mode, running
from keysteward.demo.fake_wire import Used

ASK: Any = [{"role": "user", "content": "Who holds the key?"}]
CHAT: Any = {"model": "gpt-4o-mini", "messages": ASK}
MESSAGE: Any = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": ASK}
OPENAI, ANTHROPIC = "/openai/v1/chat/completions", "/anthropic/v1/messages"
GOOGLE = "/google/v1beta/models/gemini-2.5-flash:generateContent"


async def test_a_call_is_charged_by_the_list_for_what_its_answer_tells(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    answer = await caller.post(OPENAI, json=CHAT)
    prompt = answer.json()["usage"]["prompt_tokens"]
    # $0.15 and $0.60 a million tokens are 150 and 600 nano-dollars a token.
    assert charging.bill == {"openai": prompt * 150 + 8 * 600}
    assert charging.charges[0].call == answer.headers["x-request-id"]
    await caller.post(OPENAI, json=CHAT | {"n": 3})
    assert charging.charges[1].amount == prompt * 150 + 3 * 8 * 600
    assert (await caller.get("/bill")).json() == charging.bill


@pytest.mark.parametrize(
    ("path", "body", "amount"),
    [
        ("/openai/v1/embeddings", {"model": "text-embedding-3-small", "input": "key?"}, 2 * 20),
        (
            "/openai/v1/audio/speech",
            {"model": "tts-1", "voice": "ash", "input": "key?"},
            4 * 15_000,
        ),
        ("/openai/v1/images/generations", {"model": "dall-e-3", "prompt": "a door"}, 40_000_000),
        (
            "/openai/v1/images/generations",
            {"model": "gpt-image-1", "prompt": "a door", "quality": "low", "n": 2},
            2 * 5_000 + 2 * 272 * 40_000,
        ),
        ("/openai/v1/moderations", {"input": "key?"}, 0),
        (
            "/openai/v1/responses",
            {"model": "gpt-5", "input": "key?", "service_tier": "flex"},
            2 * 625 + 8 * 5_000,
        ),
        (
            "/openai/v1/responses",
            {"model": "gpt-5", "input": "key?", "tools": [{"type": "web_search"}]},
            # Two turns over 2 tokens of question and 6 of tools, and what was found.
            (2 * (2 + 6) + 300) * 1_250 + 8 * 10_000 + 10_000_000,
        ),
        ("/cohere/v2/embed", {"model": "embed-v4.0", "texts": ["key"]}, 2 * 120),
        (
            "/cohere/v2/rerank",
            {"model": "rerank-v3.5", "query": "?", "documents": ["a"]},
            2_000_000,
        ),
        ("/elevenlabs/v1/text-to-speech/any", {"text": "key?"}, 4 * 100_000),
        ("/resend/emails", {"from": "a", "subject": "b", "to": ["c", "d"], "cc": "e"}, 3 * 900_000),
    ],
)
async def test_each_operation_is_charged_by_what_it_is_sold_by(
    caller: httpx.AsyncClient, charging: FakeProvider, path: str, body: Any, amount: int
) -> None:
    answer = await caller.post(path, json=body)
    assert answer.status_code == 200
    assert sum(charging.bill.values()) == amount
    assert charging.charged == (amount > 0)


async def test_a_cache_is_paid_for_when_it_is_written_and_when_it_is_read(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    cached = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    system = [
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Be kind.", **cached},
    ]
    charging.cached = 5
    answer = await caller.post(ANTHROPIC, json=MESSAGE | {"system": system})
    usage = answer.json()["usage"]
    short, long = usage["cache_creation"].values()
    assert usage["cache_read_input_tokens"] == 5
    assert short + long == usage["cache_creation_input_tokens"] > 20
    assert charging.bill["anthropic"] == (
        usage["input_tokens"] * 1_000 + short * 1_250 + long * 2_000 + 5 * 100 + 8 * 5_000
    )


async def test_a_search_is_paid_for_and_reads_the_prompt_again(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    plain = (await caller.post(ANTHROPIC, json=MESSAGE)).json()["usage"]
    tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}]
    for stream in (False, True):
        charging.bill.clear()
        body = MESSAGE | {"tools": tools, "stream": stream}
        answer = await caller.post(ANTHROPIC, json=body)
        assert '"web_search_requests":2' in answer.text
        assert answer.text.count('"web_search_tool_result"') == 2
    searched = (await caller.post(ANTHROPIC, json=MESSAGE | {"tools": tools})).json()["usage"]
    assert searched["input_tokens"] > 3 * plain["input_tokens"] + 2 * 300
    assert charging.charges[-1].amount == (
        searched["input_tokens"] * 1_000 + 8 * 5_000 + 2 * 10_000_000
    )


async def test_a_streamed_response_shows_its_searches(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    tools = [{"type": "web_search"}]
    body = {"model": "gpt-5", "input": "?", "tools": tools, "max_tool_calls": 2, "stream": True}
    answer = await caller.post("/openai/v1/responses", json=body)
    assert answer.text.count("event: response.web_search_call.completed") == 2
    assert '"output_index":2' in answer.text
    assert charging.bill["openai"] > 2 * 10_000_000


async def test_thoughts_are_paid_for_and_stand_within_the_limit(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    charging.thoughts = 6
    body = {
        "contents": [{"parts": [{"text": "Who?"}]}],
        "generationConfig": {"maxOutputTokens": 10},
        "tools": [{"google_search": {}}],
    }
    answer = (await caller.post(GOOGLE, json=body)).json()
    usage = answer["usageMetadata"]
    assert (usage["thoughtsTokenCount"], usage["candidatesTokenCount"]) == (6, 4)
    assert answer["candidates"][0]["groundingMetadata"]["webSearchQueries"]
    cost = usage["promptTokenCount"] * 300 + 10 * 2_500 + 35_000_000
    assert charging.bill == {"google": cost}
    streamed = GOOGLE.replace(":generate", ":streamGenerate")
    last = (await caller.post(streamed, json=body)).json()[-1]
    assert last["usageMetadata"] == usage
    assert charging.bill == {"google": 2 * cost}


async def test_a_picture_is_counted_by_no_byte(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    prompts = set()
    for size in (1, 4_000):
        url = {"url": "data:image/png;base64," + "A" * size}
        content = [{"type": "image_url", "image_url": url}]
        body = CHAT | {"messages": [{"role": "user", "content": content}]}
        prompts.add((await caller.post(OPENAI, json=body)).json()["usage"]["prompt_tokens"])
    assert len(prompts) == 1
    assert prompts.pop() > 765


async def test_a_model_that_is_on_no_list_costs_as_much_as_the_dearest(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    await caller.post(ANTHROPIC, json=MESSAGE | {"model": "claude-made-up-1"})
    unlisted = charging.bill["anthropic"]
    await caller.post(ANTHROPIC, json=MESSAGE | {"model": "claude-sonnet-4-5"})
    assert unlisted > charging.charges[-1].amount


class TestGoingWrong:
    async def test_a_usage_that_is_missing_is_charged_all_the_same(
        self, caller: httpx.AsyncClient, charging: FakeProvider
    ) -> None:
        asked = [
            (OPENAI, CHAT),
            (OPENAI, CHAT | {"stream": True, "stream_options": {"include_usage": True}}),
            ("/openai/v1/responses", {"model": "gpt-4.1", "input": "Who?"}),
            (ANTHROPIC, MESSAGE),
            (ANTHROPIC, MESSAGE | {"stream": True}),
            (GOOGLE, {"contents": [{"parts": [{"text": "Who?"}]}]}),
            ("/cohere/v2/chat", {"model": "command-a-03-2025", "messages": ASK, "stream": True}),
        ]
        charging.mode = Mode.USAGE_MISSING
        for path, body in asked:
            answer = await caller.post(path, json=body)
            assert answer.status_code == 200
            for word in ('_tokens":', 'TokenCount":', "billed_units"):
                assert word not in answer.text.replace("max_output_tokens", "")
        assert len(charging.charges) == len(asked)

    async def test_more_is_used_than_was_allowed(
        self, caller: httpx.AsyncClient, charging: FakeProvider
    ) -> None:
        limited = CHAT | {"max_completion_tokens": 4}
        within = (await caller.post(OPENAI, json=limited)).json()["usage"]
        charging.mode = Mode.OVERCHARGE
        above = (await caller.post(OPENAI, json=limited)).json()["usage"]
        assert (within["completion_tokens"], above["completion_tokens"]) == (4, 40)
        assert charging.charges[-1].amount == above["prompt_tokens"] * 150 + 40 * 600

    async def test_an_error_of_the_server_may_have_cost(
        self, caller: httpx.AsyncClient, charging: FakeProvider
    ) -> None:
        plain = await caller.post(OPENAI, json=CHAT, headers={"x-fake": "error-500"})
        assert (plain.status_code, charging.bill) == (500, {})
        charged = await caller.post(OPENAI, json=CHAT, headers={"x-fake": "error-500-charged"})
        assert charged.content == plain.content
        assert charging.bill["openai"] > 0

    @pytest.mark.parametrize("stream", [False, True])
    async def test_a_connection_breaks_once_the_work_is_charged(
        self, caller: httpx.AsyncClient, charging: FakeProvider, *, stream: bool
    ) -> None:
        charging.mode = Mode.CUT_AFTER_CHARGE
        got = bytearray()

        async def call() -> None:
            async with caller.stream("POST", OPENAI, json=CHAT | {"stream": stream}) as answer:
                async for chunk in answer.aiter_raw():
                    got.extend(chunk)

        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await call()
        assert got.count(b"data: ") == (5 if stream else 0)
        assert len(charging.charges) == 1
        assert charging.departures == []

    async def test_who_leaves_is_charged_and_who_hangs_is_not(
        self, caller: httpx.AsyncClient, charging: FakeProvider
    ) -> None:
        gate = charging.gate = Gate(after=2)
        async with caller.stream("POST", OPENAI, json=CHAT | {"stream": True}):
            await gate.reached()
        await charging.disconnected()
        left = charging.charges[0].amount
        gate.release()
        await caller.post(OPENAI, json=CHAT)
        assert charging.charges[1].amount == left


async def test_a_charge_is_in_its_file_before_the_answer_begins(tmp_path: Path) -> None:
    file = tmp_path / "bill.txt"
    fake = FakeProvider(other_keys=KeyKind.VALID, bill=file)
    gate = fake.gate = Gate(after=0)
    headers = {"authorization": "Bearer any"}
    async with (
        running(fake) as base,
        httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as caller,
    ):
        asking = asyncio.create_task(caller.post(OPENAI, json=CHAT))
        await gate.reached()
        assert file.read_text() == f"openai {fake.charges[0].call} {fake.bill['openai']}\n"
        gate.release()
        await asking
        await caller.post("/stripe/v1/payouts", content=b"amount=700&currency=eur")
    assert file.read_text().splitlines()[1].split()[::2] == ["stripe:eur", "700"]
    assert (list(fake.bill), fake.moved) == (["openai"], {"eur": 700})


_OF_EACH_SORT = {
    "input": (Used(input=1000), Usage(input_tokens=1000)),
    "cached": (Used(input=1000, cached=1000), Usage(input_tokens=1000, cache_read_tokens=1000)),
    "written": (Used(input=1000, written=1000), Usage(input_tokens=1000, cache_write_tokens=1000)),
    "input_audio": (
        Used(input=1000, input_audio=1000),
        Usage(input_tokens=1000, input_audio_tokens=1000),
    ),
    "output": (Used(output=1000), Usage(output_tokens=1000)),
    "output_audio": (
        Used(output=1000, output_audio=1000),
        Usage(output_tokens=1000, output_audio_tokens=1000),
    ),
}


def test_no_price_of_the_page_is_above_the_published_list() -> None:
    compared = 0
    for (provider, item), rates in price_page.PAGE.items():
        if not rates.input or " " in item:
            continue
        for sort, (used, same) in _OF_EACH_SORT.items():
            if getattr(rates, sort) is not None:
                theirs = {"xai": "x-ai"}.get(provider, provider)
                listed = calc_price(same, item, provider_id=theirs).total_price
                assert rates.cost(used) <= listed * 10**9, (provider, item, sort)
                compared += 1
    assert compared > 60


def test_a_long_prompt_has_a_price_of_its_own() -> None:
    below, above = Used(input=200_000, output=1), Used(input=200_001, output=1)
    sonnet = "claude-sonnet-4-5"
    assert price_page.cost("anthropic", sonnet, below) == 200_000 * 3_000 + 15_000
    assert price_page.cost("anthropic", sonnet, above) == 200_001 * 6_000 + 22_500
