"""Those who speak OpenAI's language: the same words, each with its own accent."""

import json
from typing import Any

import httpx
import pytest

from keysteward.demo.fake_provider import FakeProvider

ASK: Any = [{"role": "user", "content": "Who holds the key?"}]
PATHS = {
    "deepseek": "/chat/completions",
    "groq": "/openai/v1/chat/completions",
    "mistral": "/v1/chat/completions",
    "openrouter": "/api/v1/chat/completions",
    "perplexity": "/chat/completions",
    "together": "/v1/chat/completions",
    "xai": "/v1/chat/completions",
}
MODELS = {
    "deepseek": "deepseek-chat",
    "groq": "llama-3.3-70b-versatile",
    "mistral": "mistral-small-latest",
    "openrouter": "openai/gpt-4o-mini",
    "perplexity": "sonar",
    "together": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "xai": "grok-4",
}


async def chat(caller: httpx.AsyncClient, provider: str, **members: Any) -> httpx.Response:
    body = {"model": MODELS[provider], "messages": ASK, **members}
    return await caller.post(f"/{provider}{PATHS[provider]}", json=body)


def events(answer: httpx.Response) -> list[Any]:
    lines = [line for line in answer.text.splitlines() if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.mark.parametrize("provider", sorted(PATHS))
async def test_a_stream_says_what_a_whole_answer_says_and_tells_the_same_usage(
    caller: httpx.AsyncClient, charging: FakeProvider, provider: str
) -> None:
    whole = (await chat(caller, provider)).json()
    streamed = await chat(caller, provider, stream=True)
    chunks = events(streamed)
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    last = chunks[-1]
    assert last.get("usage", last.get("x_groq", {}).get("usage")) == whole["usage"]
    assert whole["usage"]["completion_tokens"] == charging.events
    assert streamed.text.endswith("data: [DONE]\n\n")
    first, second = charging.charges
    assert (first.provider, first.amount) == (provider, second.amount)


async def test_a_stream_tells_its_usage_where_each_provider_does(
    caller: httpx.AsyncClient,
) -> None:
    told = {}
    for provider in PATHS:
        chunks = events(await chat(caller, provider, stream=True))
        told[provider] = (
            sum(1 for chunk in chunks if chunk.get("usage")),
            sum(1 for chunk in chunks if not chunk["choices"]),
            len(chunks),
        )
    assert told == {
        "deepseek": (1, 0, 10),
        "groq": (0, 0, 10),
        "mistral": (1, 0, 10),
        "openrouter": (1, 1, 11),
        "perplexity": (10, 0, 10),
        "together": (1, 0, 10),
        "xai": (10, 0, 10),
    }
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    groq = events(await chat(caller, "groq", **asked))
    assert groq[-2]["x_groq"]["usage"] == groq[-1]["usage"]
    assert groq[-1]["choices"] == []


async def test_usage_is_told_in_each_providers_own_words(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    charging.thoughts, charging.cached = 3, 4
    usage = {name: (await chat(caller, name)).json()["usage"] for name in PATHS}
    prompt = usage["groq"]["prompt_tokens"]
    assert {usage[name]["prompt_tokens"] for name in PATHS} == {prompt}
    assert {name: usage[name]["completion_tokens"] for name in PATHS} == {
        name: 8 if name == "xai" else 11 for name in PATHS
    }
    assert usage["xai"]["total_tokens"] == prompt + 11
    assert usage["xai"]["cost_in_usd_ticks"] == 10 * charging.bill["xai"]
    assert usage["deepseek"]["prompt_cache_hit_tokens"] == 4
    assert usage["deepseek"]["prompt_cache_miss_tokens"] == prompt - 4
    assert usage["openrouter"]["cost"] == charging.bill["openrouter"] / 1e9
    assert usage["perplexity"]["cost"]["total_cost"] == charging.bill["perplexity"] / 1e9
    assert usage["groq"].keys() >= {"queue_time", "prompt_time", "completion_time", "total_time"}


async def test_the_cost_of_a_streamed_search_comes_at_its_end(caller: httpx.AsyncClient) -> None:
    options = {"web_search_options": {"search_context_size": "high"}}
    chunks = events(await chat(caller, "perplexity", stream=True, **options))
    costs = [chunk["usage"].get("cost") for chunk in chunks]
    assert costs[:-1] == [None] * 9
    assert costs[-1]["request_cost"] == 0.012
    assert chunks[-1]["citations"]


async def test_mistral_refuses_what_it_does_not_know(caller: httpx.AsyncClient) -> None:
    answer = await chat(caller, "mistral", stream=True, stream_options={"include_usage": True})
    assert (answer.status_code, answer.json()["object"]) == (422, "error")
    assert "stream_options" in answer.json()["message"]


@pytest.mark.parametrize("mode", ["rate-limited", "overloaded", "error-500"])
async def test_errors_have_each_providers_own_form(
    caller: httpx.AsyncClient, charging: FakeProvider, mode: str
) -> None:
    answers = {
        name: await caller.post(f"/{name}{PATHS[name]}", json={"model": mode, "messages": ASK})
        for name in PATHS
    }
    said = {
        name: answer.json()["error"]["message"]
        for name, answer in answers.items()
        if name not in {"mistral", "xai"}
    }
    said["mistral"] = answers["mistral"].json()["message"]
    said["xai"] = answers["xai"].json()["error"]
    assert len(set(said.values())) == 1
    assert answers["openrouter"].json()["error"]["code"] == answers["openrouter"].status_code
    assert charging.bill == {}


async def test_what_a_key_is_tried_with_is_answered(caller: httpx.AsyncClient) -> None:
    assert (await caller.get("/xai/v1/api-key")).json()["api_key_blocked"] is False
    assert (await caller.get("/deepseek/user/balance")).json()["is_available"] is True
    assert (await caller.get("/openrouter/api/v1/key")).json()["data"]["usage"] == 0.5
    for provider, path in PATHS.items():
        listed = await caller.get(f"/{provider}{path.removesuffix('/chat/completions')}/models")
        assert MODELS[provider] in [model["id"] for model in listed.json()["data"]]
