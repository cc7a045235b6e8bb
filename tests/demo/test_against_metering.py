"""The fake's bill beside keysteward's metering: two that know nothing of each other.

For each request, once plain and once with a cache and thoughts: what was charged is never above the
bound that was worked out before, nor above what is made of the answer.
"""

import io
import wave
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from keysteward.demo.fake_wire import Received
from keysteward.demo.fake_wires import wires
from keysteward.demo.fake_work import Habits, Workshop
from metering.bodies import splice
from metering.charges import came_to
from metering.meters.catalogue import quote
from metering.quotes import Quote, Request

ASK = [{"role": "user", "content": "Who holds the key?"}]
SYSTEM = [
    {"type": "text", "text": "Be brief. " * 9, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    {"type": "text", "text": "Be kind. " * 9, "cache_control": {"type": "ephemeral"}},
]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
CHAT = {"messages": ASK, "max_tokens": 30}
STREAM = CHAT | {"stream": True}
CONTENTS = {
    "contents": [{"parts": [{"text": "Who?"}]}],
    "generationConfig": {"maxOutputTokens": 30},
}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
OPENAI, MESSAGES = "/v1/chat/completions", "/v1/messages"
GEMINI = "/v1beta/models/gemini-2.5-"
ACCOUNT = f"/2010-04-01/Accounts/AC{'0' * 32}"
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary=door"
SMS = {"To": "+14155550100", "From": "+14155550101", "Body": "k" * 161}
CALL = SMS | {"Twiml": "<Response><Pause/></Response>", "TimeLimit": "60"}
del CALL["Body"]


def sound(model: str) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", "NONE"))
        file.writeframes(bytes(56_000))
    lines = [
        *("--door", 'Content-Disposition: form-data; name="model"', "", model),
        *("--door", 'Content-Disposition: form-data; name="file"; filename="door.wav"', "", ""),
    ]
    return "\r\n".join(lines).encode() + buffer.getvalue() + b"\r\n--door--\r\n"


ASKED: tuple[tuple[str, str, Any], ...] = (
    ("openai", OPENAI, {"model": "gpt-4o-mini", "messages": ASK}),
    ("openai", OPENAI, {"model": "gpt-4o-mini", "messages": ASK, "stream": True}),
    ("openai", OPENAI, STREAM | {"model": "gpt-4.1", "n": 3}),
    (
        "openai",
        OPENAI,
        CHAT | {"model": "gpt-4.1", "messages": [{"role": "user", "content": [PICTURE]}]},
    ),
    ("openai", OPENAI, {"model": "gpt-5", "messages": ASK, "service_tier": "priority"}),
    ("openai", OPENAI, {"model": "gpt-5", "messages": ASK, "service_tier": "flex"}),
    ("openai", "/v1/responses", {"model": "gpt-5", "input": "Who?", "stream": True}),
    (
        "openai",
        "/v1/responses",
        {"model": "gpt-4.1", "input": "?", "tools": [{"type": "web_search"}], "max_tool_calls": 2},
    ),
    ("openai", "/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}),
    ("openai", "/v1/images/generations", {"model": "gpt-image-1", "prompt": "a door", "n": 2}),
    ("openai", "/v1/audio/speech", {"model": "tts-1-hd", "voice": "ash", "input": "Who? ы"}),
    ("openai", "/v1/audio/transcriptions", ("whisper-1", PARTS)),
    ("openai", "/v1/audio/transcriptions", ("gpt-4o-transcribe", PARTS)),
    ("openai", "/v1/moderations", {"input": "Who?"}),
    ("anthropic", MESSAGES, CHAT | {"model": "claude-sonnet-4-5", "system": SYSTEM}),
    ("anthropic", MESSAGES, STREAM | {"model": "claude-haiku-4-5", "system": SYSTEM}),
    ("anthropic", MESSAGES, CHAT | {"model": "claude-haiku-4-5", "tools": [SEARCH]}),
    ("anthropic", MESSAGES, STREAM | {"model": "claude-sonnet-4-5", "tools": [SEARCH]}),
    ("google", f"{GEMINI}flash:generateContent", CONTENTS),
    ("google", f"{GEMINI}pro:streamGenerateContent", CONTENTS),
    (
        "google",
        f"{GEMINI}flash:streamGenerateContent",
        CONTENTS | {"tools": [{"googleSearch": {}}]},
    ),
    (
        "google",
        "/v1beta/models/gemini-embedding-001:embedContent",
        {"content": {"parts": [{"text": "key"}]}},
    ),
    ("deepseek", "/chat/completions", STREAM | {"model": "deepseek-chat"}),
    ("groq", "/openai/v1/chat/completions", STREAM | {"model": "llama-3.3-70b-versatile"}),
    ("mistral", OPENAI, STREAM | {"model": "mistral-small-latest"}),
    ("mistral", "/v1/embeddings", {"model": "mistral-embed", "input": ["key"]}),
    ("openrouter", "/api/v1/chat/completions", STREAM | {"model": "openai/gpt-4o-mini"}),
    ("perplexity", "/chat/completions", STREAM | {"model": "sonar"}),
    (
        "perplexity",
        "/chat/completions",
        CHAT | {"model": "sonar", "web_search_options": {"search_context_size": "high"}},
    ),
    ("together", OPENAI, STREAM | {"model": "meta-llama/Llama-3.3-70B-Instruct-Turbo"}),
    ("xai", OPENAI, STREAM | {"model": "grok-4"}),
    ("cohere", "/v2/chat", STREAM | {"model": "command-a-03-2025"}),
    (
        "cohere",
        "/v2/embed",
        {"model": "embed-v4.0", "texts": ["key"], "input_type": "search_query"},
    ),
    ("elevenlabs", "/v1/text-to-speech/any", {"text": "Who? ы", "model_id": "eleven_flash_v2_5"}),
    ("resend", "/emails", {"from": "a@b.c", "to": ["d@e.f", "g@h.i"], "subject": "?", "text": "?"}),
    ("twilio", f"{ACCOUNT}/Messages.json", (SMS, FORM)),
    ("twilio", f"{ACCOUNT}/Messages.json", (SMS | {"To": "+447700900123", "Body": "ы" * 71}, FORM)),
    ("twilio", f"{ACCOUNT}/Calls.json", (CALL, FORM)),
    ("stripe", "/v1/payment_intents", ({"amount": "1200", "currency": "USD"}, FORM)),
    ("vultr", "/v2/instances", {"plan": "vc2-2c-4gb", "region": "ams", "os_id": 1743}),
    ("railway", "/graphql/v2", {"query": "{projects{edges{node{id}}}}"}),
    ("github", "/repos/ada/doors/issues", {"title": "It creaks"}),
)


def request(provider: str, path: str, body: Any) -> Request:
    content_type = "application/json"
    raw = b""
    if not isinstance(body, tuple):
        raw = orjson.dumps(body)
    else:
        body, content_type = body
        raw = urlencode(body).encode() if content_type == FORM else sound(body)
    headers = {b"content-type": content_type.encode()}
    return Request(provider, "POST", path, "", content_type, headers, raw)


@pytest.mark.parametrize("habits", [Habits(8, None, 0, 0), Habits(8, None, 4, 3)])
def test_nothing_is_charged_above_its_bound_or_what_is_settled(habits: Habits) -> None:
    known = wires()
    for provider, path, body in ASKED:
        asking = request(provider, path, body)
        quoted = quote(asking)
        assert quoted.price is not None, (provider, path, quoted.why)
        assert asking.body is not None
        edits = (*quoted.edits, *quoted.capping)
        sent = splice(asking.body, edits) if edits else asking.body
        received = Received("POST", path, b"", asking.headers, sent)
        shop, wire = Workshop(), known[provider]
        asked = shop.asked(wire, received)
        work = shop.done(provider, wire, asked, habits, "any", None)
        settled = _settled(quoted, dict(work.reply.headers), work.reply.pieces)
        assert work.cost <= settled <= quoted.price, (provider, path, body)
        moved = quoted.moved and (quoted.moved.currency, quoted.moved.amount)
        assert moved == asked.moves


def _settled(quoted: Quote, headers: dict[bytes, bytes], pieces: tuple[bytes, ...]) -> int:
    reading = None
    if quoted.reader is not None:
        reader = quoted.reader(headers[b"content-type"].decode().lower())
        for piece in pieces:
            reader.feed(piece)
        reader.flush()
        reading = reader.reading()
    charge = came_to(quoted, reading, {})
    assert charge is not None, quoted.operation
    return charge.amount
