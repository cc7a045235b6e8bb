"""Calls computed by hand from the providers' price pages, and by keysteward: the same to the nano.

Each row is one call: what was asked, what the answer said, and what that comes to by the page that
is named above the row. `per_m(1_000, "1.25")` is a thousand tokens or characters at $1.25 for a
million, `per_k(2, "10")` two of something at $10 for a thousand, `per_h(61, "0.36")` seconds at a
price for an hour. The rates are the pages' of November 2026. No bound may be less.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

import pytest

from metering import Measure, Quote, Request, Source, came_to, operations, prices
from metering.meters import (
    anthropic,
    cohere,
    deepseek,
    google,
    groq,
    mistral,
    openai,
    openrouter,
    perplexity,
    together,
    xai,
)
from metering.prices import Tokens
from metering.quotes import NANO

TABLES: Final = {
    "openai": openai.OPERATIONS,
    "anthropic": anthropic.OPERATIONS,
    "google": google.OPERATIONS,
    "mistral": mistral.OPERATIONS,
    "groq": groq.OPERATIONS,
    "xai": xai.OPERATIONS,
    "deepseek": deepseek.OPERATIONS,
    "openrouter": openrouter.OPERATIONS,
    "cohere": cohere.OPERATIONS,
    "perplexity": perplexity.OPERATIONS,
    "together": together.OPERATIONS,
}
Json = dict[str, Any]


def per_m(count: int, dollars: str) -> Fraction:
    return Fraction(count) * Fraction(dollars) / 1_000_000


def per_k(count: int, dollars: str) -> Fraction:
    return Fraction(count) * Fraction(dollars) / 1_000


def per_h(seconds: int, dollars: str) -> Fraction:
    return Fraction(seconds) * Fraction(dollars) / 3_600


@dataclass(frozen=True)
class Call:
    provider: str
    path: str
    body: bytes
    answer: Json | None = None
    content_type: str = "application/json"


def text(tokens: int) -> str:
    """Words that are so many tokens at most, of which a provider is free to count fewer."""
    return "a" * tokens


def chat(
    provider: str, model: str, usage: Json, path: str = "/v1/chat/completions", **more: Any
) -> Call:
    limit = usage["total_tokens"] - usage["prompt_tokens"]
    words: list[Json] = [{"role": "user", "content": text(usage["prompt_tokens"])}]
    if usage.get("prompt_tokens_details", {}).get("audio_tokens"):
        sound = {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}}
        words.append({"role": "user", "content": [sound]})
    body = {"model": model, "messages": words, "max_tokens": limit, **more}
    told = {name: more[name] for name in ("service_tier",) if name in more}
    choice = {"index": 0, "message": {"role": "assistant", "content": "b"}, "finish_reason": "stop"}
    answer = {"id": "1", "model": model, "choices": [choice], "usage": usage, **told}
    return Call(provider, path, json.dumps(body).encode(), answer)


def used(into: int, out: int, **details: Any) -> Json:
    """Usage of a chat: `cached=` of the input and `reasoning=` of the output among it."""
    usage: Json = {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}
    if "cached" in details or "heard" in details:
        usage["prompt_tokens_details"] = {
            "cached_tokens": details.get("cached", 0),
            "audio_tokens": details.get("heard", 0),
            "cache_write_tokens": details.get("written", 0),
        }
    if "reasoning" in details or "spoken" in details:
        usage["completion_tokens_details"] = {
            "reasoning_tokens": details.get("reasoning", 0),
            "audio_tokens": details.get("spoken", 0),
        }
    return usage


def response(model: str, usage: Json, output: list[Json], **more: Any) -> Call:
    body = {
        "model": model,
        "input": text(usage["input_tokens"]),
        "max_output_tokens": usage["output_tokens"],
        **more,
    }
    answer = {"id": "1", "object": "response", "model": model, "output": output, "usage": usage}
    return Call("openai", "/v1/responses", json.dumps(body).encode(), answer)


def message(model: str, usage: Json, **more: Any) -> Call:
    read = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    words = text(sum(usage.get(name, 0) for name in read))
    part: Json = {"type": "text", "text": words}
    if "cache_creation" in usage:
        part["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    body = {
        "model": model,
        "max_tokens": usage["output_tokens"],
        "messages": [{"role": "user", "content": [part]}],
        **more,
    }
    answer = {"type": "message", "model": model, "content": [], "usage": usage}
    return Call("anthropic", "/v1/messages", json.dumps(body).encode(), answer)


def generated(model: str, usage: Json, *, parts: list[Json] | None = None, **more: Any) -> Call:
    body = {
        "contents": [{"parts": [{"text": text(usage["promptTokenCount"])}, *(parts or [])]}],
        "generationConfig": {"maxOutputTokens": usage["candidatesTokenCount"]},
        **more,
    }
    answer = {
        "candidates": [{"content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"}],
        "usageMetadata": usage,
        "modelVersion": model,
    }
    path = f"/v1beta/models/{model}:generateContent"
    return Call("google", path, json.dumps(body).encode(), answer)


def recording(provider: str, path: str, model: str, answer: Json) -> Call:
    """Send 70 seconds of silence at 8 kHz, eight bits a sample."""
    form = struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 8_000, 1, 8)
    sound = b"RIFF\0\0\0\0WAVEfmt " + form + b"data\0\0\0\0"
    body = (
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n' + model.encode()
        + b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        + sound + bytes(70 * 8_000) + b"\r\n--b--\r\n"
    )  # fmt: skip
    return Call(provider, path, body, answer, "multipart/form-data; boundary=b")


def drawn(model: str, usage: Json, **more: Any) -> Call:
    body = {"model": model, "prompt": text(usage["input_tokens"]), **more}
    answer = {"created": 1, "data": [{"b64_json": "QQ=="}], "usage": usage}
    return Call("openai", "/v1/images/generations", json.dumps(body).encode(), answer)


def embedded(provider: str, path: str, model: str, tokens: int) -> Call:
    body = {"model": model, "input": text(tokens)}
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    answer = {"object": "list", "model": model, "data": [], "usage": usage}
    return Call(provider, path, json.dumps(body).encode(), answer)


IMAGE: Final = {"inlineData": {"mimeType": "image/png", "data": "QQ=="}}
SOUND: Final = {"inlineData": {"mimeType": "audio/mp3", "data": "QQ=="}}
SEARCHES: Final = [{"type": "web_search_call", "id": str(n), "status": "completed"} for n in (1, 2)]

ROWS: Final[Mapping[str, tuple[Call, Fraction]]] = {
    # https://developers.openai.com/api/docs/pricing
    "a chat": (
        chat("openai", "gpt-5", used(1_000, 300)),
        per_m(1_000, "1.25") + per_m(300, "10"),
    ),
    "a chat with reasoning, read from a cache": (
        chat("openai", "gpt-5", used(1_000, 300, cached=800, reasoning=200)),
        per_m(200, "1.25") + per_m(800, "0.125") + per_m(300, "10"),
    ),
    "a chat on flex": (
        chat("openai", "gpt-5", used(1_000, 300), service_tier="flex"),
        per_m(1_000, "0.625") + per_m(300, "5"),
    ),
    "a chat with priority": (
        chat("openai", "gpt-5", used(1_000, 300), service_tier="priority"),
        per_m(1_000, "2.50") + per_m(300, "20"),
    ),
    "a chat that writes to a cache": (
        chat("openai", "gpt-6-sol", used(2_000, 10, cached=500, heard=0, written=1_000)),
        per_m(500, "2") + per_m(500, "0.20") + per_m(1_000, "2.50") + per_m(10, "10"),
    ),
    "a chat of more than 272,000 tokens": (
        chat("openai", "gpt-5.4", used(300_000, 100)),
        per_m(300_000, "5") + per_m(100, "22.50"),
    ),
    "a chat that hears and speaks": (
        chat(
            "openai",
            "gpt-audio",
            used(600, 400, heard=500, spoken=300),
            modalities=["text", "audio"],
        ),
        per_m(100, "2.50") + per_m(500, "32") + per_m(100, "10") + per_m(300, "64"),
    ),
    "two answers at once": (
        chat("openai", "gpt-4o-mini", used(50, 400), n=2),
        per_m(50, "0.15") + per_m(400, "0.60"),
    ),
    "a response that searches twice": (
        response(
            "gpt-5",
            {"input_tokens": 9_000, "output_tokens": 500, "total_tokens": 9_500},
            SEARCHES,
            tools=[{"type": "web_search"}],
            max_tool_calls=2,
        ),
        per_m(9_000, "1.25") + per_m(500, "10") + per_k(2, "10"),
    ),
    "an embedding": (
        embedded("openai", "/v1/embeddings", "text-embedding-3-large", 8_000),
        per_m(8_000, "0.13"),
    ),
    "an image": (
        drawn(
            "gpt-image-1.5",
            {
                "input_tokens": 50,
                "input_tokens_details": {"text_tokens": 50, "image_tokens": 0},
                "output_tokens": 4_160,
                "total_tokens": 4_210,
            },
            size="1024x1024",
            quality="high",
        ),
        per_m(50, "5") + per_m(4_160, "32"),
    ),
    "speech, by its characters": (
        Call(
            "openai",
            "/v1/audio/speech",
            b'{"model": "tts-1-hd", "voice": "alloy", "input": "Twenty-one characters"}',
        ),
        per_m(21, "30"),
    ),
    # $0.006 a minute
    "a transcription, by the second": (
        recording(
            "openai",
            "/v1/audio/transcriptions",
            "whisper-1",
            {"text": "", "usage": {"type": "duration", "seconds": 61}},
        ),
        per_h(61, "0.36"),
    ),
    "a transcription, by the token": (
        recording(
            "openai",
            "/v1/audio/transcriptions",
            "gpt-4o-transcribe",
            {
                "text": "",
                "usage": {
                    "type": "tokens",
                    "input_tokens": 700,
                    "input_token_details": {"text_tokens": 0, "audio_tokens": 700},
                    "output_tokens": 150,
                    "total_tokens": 850,
                },
            },
        ),
        per_m(700, "6") + per_m(150, "10"),
    ),
    # https://platform.claude.com/docs/en/about-claude/pricing
    "a message": (
        message("claude-opus-5-5", {"input_tokens": 1_000, "output_tokens": 500}),
        per_m(1_000, "4") + per_m(500, "20"),
    ),
    "a message that writes for five minutes and reads": (
        message(
            "claude-sonnet-5",
            {
                "input_tokens": 100,
                "cache_creation_input_tokens": 1_000,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 1_000,
                    "ephemeral_1h_input_tokens": 0,
                },
                "cache_read_input_tokens": 5_000,
                "output_tokens": 500,
            },
        ),
        per_m(100, "2") + per_m(1_000, "2.50") + per_m(5_000, "0.20") + per_m(500, "10"),
    ),
    "a message that writes for an hour": (
        message(
            "claude-haiku-4-5",
            {
                "input_tokens": 3,
                "cache_creation_input_tokens": 3_000,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 1_000,
                    "ephemeral_1h_input_tokens": 2_000,
                },
                "output_tokens": 7,
            },
        ),
        per_m(3, "1") + per_m(1_000, "1.25") + per_m(2_000, "2") + per_m(7, "5"),
    ),
    "a message of more than 100,000 tokens": (
        message("claude-haiku-5-5", {"input_tokens": 120_000, "output_tokens": 500}),
        per_m(120_000, "0.50") + per_m(500, "2.50"),
    ),
    "a message that stays in the US": (
        message(
            "claude-opus-5-5",
            {"input_tokens": 1_000, "output_tokens": 500, "inference_geo": "us"},
            inference_geo="us",
        ),
        (per_m(1_000, "4") + per_m(500, "20")) * Fraction("1.1"),
    ),
    "a message in fast mode": (
        message(
            "claude-opus-5-5",
            {"input_tokens": 1_000, "output_tokens": 500, "speed": "fast"},
            speed="fast",
        ),
        per_m(1_000, "8") + per_m(500, "40"),
    ),
    "a message with three searches": (
        message(
            "claude-opus-5-5",
            {
                "input_tokens": 20_000,
                "output_tokens": 500,
                "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 0},
            },
            tools=[{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}],
        ),
        per_m(20_000, "4") + per_m(500, "20") + per_k(3, "10"),
    ),
    # https://ai.google.dev/gemini-api/docs/pricing
    "content with thoughts": (
        generated(
            "gemini-2.5-flash",
            {
                "promptTokenCount": 1_000,
                "candidatesTokenCount": 200,
                "thoughtsTokenCount": 700,
                "totalTokenCount": 1_900,
            },
        ),
        per_m(1_000, "0.30") + per_m(900, "2.50"),
    ),
    "content of more than 200,000 tokens": (
        generated(
            "gemini-2.5-pro",
            {"promptTokenCount": 250_000, "candidatesTokenCount": 9, "totalTokenCount": 250_009},
        ),
        per_m(250_000, "2.50") + per_m(9, "15"),
    ),
    "content from sound": (
        generated(
            "gemini-2.5-flash",
            {
                "promptTokenCount": 340,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 20},
                    {"modality": "AUDIO", "tokenCount": 320},
                ],
                "candidatesTokenCount": 9,
                "totalTokenCount": 349,
            },
            parts=[SOUND],
        ),
        per_m(20, "0.30") + per_m(320, "1") + per_m(9, "2.50"),
    ),
    "content from a cache": (
        generated(
            "gemini-2.5-flash",
            {
                "promptTokenCount": 5_000,
                "cachedContentTokenCount": 4_000,
                "candidatesTokenCount": 9,
                "totalTokenCount": 5_009,
            },
            cachedContent="cachedContents/abc",
        ),
        per_m(1_000, "0.30") + per_m(4_000, "0.03") + per_m(9, "2.50"),
    ),
    "an image as content, from an image": (
        generated(
            "gemini-3-pro-image",
            {
                "promptTokenCount": 570,
                "candidatesTokenCount": 1_130,
                "candidatesTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 10},
                    {"modality": "IMAGE", "tokenCount": 1_120},
                ],
                "totalTokenCount": 1_700,
            },
            parts=[IMAGE],
        ),
        per_m(570, "2") + per_m(10, "12") + per_m(1_120, "120"),
    ),
    "content that is free": (
        generated(
            "gemma-4-31b-it",
            {"promptTokenCount": 500, "candidatesTokenCount": 9, "totalTokenCount": 509},
        ),
        Fraction(0),
    ),
    # https://docs.mistral.ai/inference/pricing
    "Mistral": (
        chat("mistral", "mistral-medium-3-5", used(400, 100, cached=300)),
        per_m(100, "1.50") + per_m(300, "0.15") + per_m(100, "7.50"),
    ),
    # https://groq.com/pricing
    "Groq": (
        chat(
            "groq",
            "openai/gpt-oss-120b",
            used(400, 100, cached=300),
            path="/openai/v1/chat/completions",
        ),
        per_m(100, "0.15") + per_m(300, "0.075") + per_m(100, "0.60"),
    ),
    # ten seconds at least
    "Groq's transcription of four seconds": (
        recording(
            "groq",
            "/openai/v1/audio/transcriptions",
            "whisper-large-v3-turbo",
            {"text": "", "duration": 4.0},
        ),
        per_h(10, "0.04"),
    ),
    # https://docs.x.ai/developers/pricing: from 200,000 tokens on
    "xAI, of 200,000 tokens": (
        chat("xai", "grok-4.7", used(200_000, 100, reasoning=40)),
        per_m(200_000, "4") + per_m(100, "12"),
    ),
    # https://openrouter.ai/docs: its own figure is what counts, whatever the list says
    "OpenRouter, by its own figure": (
        chat(
            "openrouter",
            "anthropic/claude-opus-5.5",
            {**used(1_000, 500), "cost": 0.0123},
            path="/api/v1/chat/completions",
        ),
        Fraction("0.0123"),
    ),
    # https://cohere.com/pricing
    "Cohere": (
        Call(
            "cohere",
            "/v2/chat",
            json.dumps(
                {
                    "model": "command-a",
                    "messages": [{"role": "user", "content": text(900)}],
                    "max_tokens": 70,
                }
            ).encode(),
            {"usage": {"billed_units": {"input_tokens": 900, "output_tokens": 70}}},
        ),
        per_m(900, "2.50") + per_m(70, "10"),
    ),
    # https://docs.perplexity.ai/docs/getting-started/pricing: $14 for a thousand requests, at most
    "Perplexity, with the fee of the request": (
        chat("perplexity", "sonar-pro", used(100, 200), path="/chat/completions"),
        per_m(100, "3") + per_m(200, "15") + per_k(1, "14"),
    ),
    "Perplexity, by its own figure": (
        chat(
            "perplexity",
            "sonar",
            {**used(14, 98), "cost": {"total_cost": 0.00511, "request_cost": 0.005}},
            path="/chat/completions",
        ),
        Fraction("0.00511"),
    ),
    # https://www.together.ai/pricing
    "Together": (
        chat("together", "moonshotai/Kimi-K3", used(400, 100, cached=300)),
        per_m(100, "3") + per_m(300, "0.30") + per_m(100, "15"),
    ),
}


def asked(call: Call) -> Quote:
    headers = {b"content-type": call.content_type.encode()}
    request = Request(call.provider, "POST", call.path, "", call.content_type, headers, call.body)
    return operations.quote(TABLES[call.provider], request)


def nano(dollars: Fraction) -> int:
    return -(-dollars * NANO // 1)


@pytest.mark.parametrize("row", sorted(ROWS))
def test_a_call_comes_to_what_the_price_page_says_and_to_no_more_than_its_bound(row: str) -> None:
    call, by_hand = ROWS[row]
    quote = asked(call)

    reading = None
    if call.answer is not None:
        assert quote.reader is not None
        reader = quote.reader("application/json")
        reader.feed(json.dumps(call.answer).encode())
        reader.flush()
        reading = reader.reading()
    charge = came_to(quote, reading, {})

    assert charge is not None
    assert charge.amount == nano(by_hand)
    assert quote.price is not None, quote.why
    assert quote.price >= charge.amount
    own = "own figure" in row
    assert charge.source is (Source.PROVIDER if own else Source.USAGE)


def test_a_batch_costs_half() -> None:
    # https://developers.openai.com/api/docs/pricing, the table of batches
    batch = prices.cost("openai", "gpt-5", Tokens(input=1_000, output=300), tier="batch")
    assert batch == nano(per_m(1_000, "0.625") + per_m(300, "5"))


@pytest.mark.parametrize(
    ("hour", "by_hand"),
    [
        # https://api-docs.deepseek.com/quick_start/pricing: the peak is 01:00-04:00 and
        # 06:00-10:00 UTC.
        (0, per_m(1_000, "0.66") + per_m(9_000, "0.022") + per_m(500, "1.98")),
        (1, per_m(1_000, "1.32") + per_m(9_000, "0.044") + per_m(500, "3.96")),
        (4, per_m(1_000, "0.66") + per_m(9_000, "0.022") + per_m(500, "1.98")),
        (6, per_m(1_000, "1.32") + per_m(9_000, "0.044") + per_m(500, "3.96")),
    ],
)
def test_deepseek_costs_more_at_the_peak_and_less_from_its_cache(
    hour: int, by_hand: Fraction
) -> None:
    used = Tokens(input=10_000, cache_read=9_000, output=500)
    at = datetime(2026, 11, 26, hour, 30, tzinfo=UTC)

    assert prices.cost("deepseek", "deepseek-v4-pro", used, at=at) == nano(by_hand)

    body = {
        "model": "deepseek-v4-pro",
        "messages": [{"role": "user", "content": text(10_000)}],
        "max_tokens": 500,
    }
    quote = asked(Call("deepseek", "/chat/completions", json.dumps(body).encode()))
    assert quote.price is not None
    assert quote.price >= nano(by_hand)


def test_an_owner_who_prices_a_model_pays_that_and_not_the_list() -> None:
    call, _ = ROWS["a chat"]
    quote = asked(call)
    own = {"gpt-5": {Measure.INPUT_TOKEN: 7, Measure.OUTPUT_TOKEN: 0}}

    assert quote.reader is not None
    reader = quote.reader("application/json")
    reader.feed(json.dumps(call.answer).encode())
    charge = came_to(quote, reader.reading(), own)

    assert charge is not None
    assert (charge.amount, charge.source) == (1, Source.USER)
