"""No call of a model costs more than its quote; what has no bound is refused with what to send."""

import json
import struct
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metering import (
    Measure,
    Quote,
    Request,
    Unpriceable,
    at_most,
    bodies,
    operations,
    prices,
    sound,
)
from metering.bounds import OVERHEAD
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
from metering.operations import Operation
from metering.prices import Tokens
from metering.quotes import Edit

Json = dict[str, Any]
TABLES: Final[Mapping[str, tuple[Operation, ...]]] = {
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
HELLO: Final = [{"role": "user", "content": "hello"}]


def ask(
    provider: str,
    path: str,
    body: Any = None,
    *,
    method: str = "POST",
    query: str = "",
    content_type: str = "application/json",
) -> Quote:
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {b"content-type": content_type.encode()}
    request = Request(provider, method, path, query, content_type.lower(), headers, raw)
    return operations.quote(TABLES[provider], request)


def chat(**more: Any) -> Json:
    return {"model": "gpt-5", "messages": HELLO, "max_completion_tokens": 9, **more}


def said(*parts: Json) -> list[Json]:
    return [{"role": "user", "content": list(parts)}]


CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
GEMINI = "/v1beta/models/gemini-2.5-flash:generateContent"
OPENROUTER = "/api/v1/chat/completions"


def response(**more: Any) -> Json:
    return {"model": "gpt-5", "input": "hello", "max_output_tokens": 9, **more}


def message(**more: Any) -> Json:
    return {"model": "claude-haiku-4-5", "messages": HELLO, "max_tokens": 9, **more}


def content(**more: Any) -> Json:
    return {"contents": [{"parts": [{"text": "hello"}]}], **more}


def routed(**more: Any) -> Json:
    return {"model": "deepseek/deepseek-chat", "messages": HELLO, "max_tokens": 9, **more}


SEARCH: Final = {"type": "web_search_20250305", "name": "web_search"}

UNBOUNDED: Final[Mapping[str, tuple[str, str, Json, str]]] = {
    "a member nobody knows": ("openai", CHAT, chat(surprise=1), "`surprise` may cost"),
    "a member in another case": ("openai", CHAT, chat(Max_Tokens=10**9), "may cost"),
    "searches in a chat": ("openai", CHAT, chat(web_search_options={}), "may cost"),
    "a cap that is a text": ("openai", CHAT, chat(max_completion_tokens="9"), "whole number"),
    "a cap that is a fraction": ("openai", CHAT, chat(max_completion_tokens=9.5), "whole number"),
    "a cap that is true": ("openai", CHAT, chat(max_completion_tokens=True), "whole number"),
    "a cap below one": ("openai", CHAT, chat(max_completion_tokens=-1), "whole number"),
    "answers by a text": ("openai", CHAT, chat(n="3"), "whole number"),
    "no model": ("openai", CHAT, chat(model=None), "names no `model`"),
    "a tier nobody knows": ("openai", CHAT, chat(service_tier="scale"), "service tier `scale`"),
    "a tool of the provider's": (
        "openai",
        CHAT,
        chat(tools=[{"type": "web_search"}]),
        "runs at the provider",
    ),
    "a part nobody knows": ("openai", CHAT, chat(messages=said({"type": "hologram"})), "hologram"),
    "messages that are none": ("openai", CHAT, chat(messages=["hello"]), "list of objects"),
    "a cache for longer": (
        "openai",
        CHAT,
        chat(prompt_cache_options={"ttl": "12h"}),
        "no known price",
    ),
    "a stored prompt": ("openai", RESPONSES, response(prompt={"id": "pmpt_1"}), "may cost"),
    "a search without a cap": (
        "openai",
        RESPONSES,
        response(tools=[{"type": "web_search"}]),
        "Send `max_tool_calls`",
    ),
    "a server of tools": (
        "openai",
        RESPONSES,
        response(tools=[{"type": "mcp", "server_url": "https://a"}], max_tool_calls=1),
        "`mcp` may cost",
    ),
    "a tool in a namespace": (
        "openai",
        RESPONSES,
        response(tools=[{"type": "namespace", "tools": [{"type": "image_generation"}]}]),
        "`image_generation` may cost",
    ),
    "tools as an item": (
        "openai",
        RESPONSES,
        response(input=[{"type": "additional_tools", "role": "developer", "tools": []}]),
        "`additional_tools` may cost",
    ),
    "many samples at once": (
        "openai",
        RESPONSES,
        response(reasoning={"mode": "pro"}),
        "mode `pro`",
    ),
    "a prompt that is none": (
        "openai",
        "/v1/completions",
        {"model": "davinci-002", "prompt": [1, "a"]},
        "neither a text",
    ),
    "an image of unpublished tokens": (
        "openai",
        "/v1/images/generations",
        {"model": "gpt-image-2", "prompt": "a cat"},
        "price by the IMAGE",
    ),
    "no cap, where one is asked for": ("anthropic", MESSAGES, message(max_tokens=None), "max_toke"),
    "a search as often as it likes": (
        "anthropic",
        MESSAGES,
        message(tools=[SEARCH]),
        "Send its `max_uses`",
    ),
    "code that runs": (
        "anthropic",
        MESSAGES,
        message(tools=[{"type": "code_execution_20250825", "name": "code_execution"}]),
        "code_execution_20250825` may cost",
    ),
    "servers of tools": ("anthropic", MESSAGES, message(mcp_servers=[{}]), "`mcp_servers` may"),
    "another model if this one refuses": ("anthropic", MESSAGES, message(fallbacks=[{}]), "may"),
    "a region nobody knows": ("anthropic", MESSAGES, message(inference_geo="mars"), "`mars` may"),
    "a speed nobody knows": ("anthropic", MESSAGES, message(speed="ludicrous"), "may cost"),
    "a summary made on the way": (
        "anthropic",
        MESSAGES,
        message(context_management={"edits": [{"type": "compact_20260112"}]}),
        "may cost",
    ),
    "one thing by two names": (
        "google",
        GEMINI,
        content(generationConfig={"maxOutputTokens": 1}, generation_config={}),
        "stands twice",
    ),
    "a cap by two names": (
        "google",
        GEMINI,
        content(generationConfig={"maxOutputTokens": 1, "max_output_tokens": 99_999}),
        "stands twice",
    ),
    "code that runs at Google": ("google", GEMINI, content(tools=[{"codeExecution": {}}]), "runs"),
    "another model than the path's": ("google", GEMINI, content(model="models/x"), "another"),
    "a part that is nothing known": (
        "google",
        GEMINI,
        content(contents=[{"parts": [{"hologram": {}}]}]),
        "may cost",
    ),
    "searches by the query": (
        "google",
        "/v1beta/models/gemini-3.5-flash:generateContent",
        content(tools=[{"google_search": {}}]),
        "as often as",
    ),
    "an agent": ("mistral", CHAT, {"model": "a", "messages": HELLO, "agent_id": 1}, "may cost"),
    "live searches": (
        "xai",
        CHAT,
        {"model": "grok-4.7", "messages": HELLO, "search_parameters": {"mode": "on"}},
        "`search_parameters` may cost",
    ),
    "any of several models": ("openrouter", OPENROUTER, routed(models=["a", "b"]), "one `model`"),
    "a plugin": ("openrouter", OPENROUTER, routed(plugins=[{"id": "web"}]), "plugin `web` may"),
    "a model that searches": (
        "openrouter",
        OPENROUTER,
        routed(model="deepseek/deepseek-chat:online"),
        "searches of",
    ),
    "a model of no known price": (
        "openrouter",
        OPENROUTER,
        routed(model="who/knows"),
        "`provider.max_price.prompt`",
    ),
    "a limit that may be none": (
        "openrouter",
        OPENROUTER,
        routed(provider={"max_price": {"prompt": 0, "completion": 1}}),
        "above zero",
    ),
    "a file to be parsed": (
        "openrouter",
        OPENROUTER,
        routed(messages=said({"type": "file", "file": {"file_data": "data:,"}})),
        "`file` may cost",
    ),
    "connectors": ("cohere", "/v1/chat", {"model": "command-a", "connectors": [{}]}, "may cost"),
    "a deep search": (
        "perplexity",
        "/chat/completions",
        {"model": "sonar-deep-research", "messages": HELLO, "max_tokens": 9},
        "not bounded",
    ),
    "a preset": ("perplexity", "/v1/agent", response(preset="fast"), "`preset` may cost"),
}  # fmt: skip


@pytest.mark.parametrize("row", sorted(UNBOUNDED))
def test_what_has_no_bound_is_refused_with_what_to_send_and_read_all_the_same(row: str) -> None:
    provider, path, body, sentence = UNBOUNDED[row]
    quote = ask(provider, path, body)

    assert quote.price is None
    assert sentence in quote.why
    with pytest.raises(Unpriceable):
        at_most(quote, {})
    assert quote.reader is not None
    # An owner who pays a price by the request is not refused.
    own = {quote.operation: {Measure.REQUEST: 5}}
    assert at_most(quote, own) == 5


@pytest.mark.parametrize(
    ("provider", "method", "path"),
    [
        ("openai", "POST", "/v1/realtime/client_secrets"),
        ("openai", "POST", "/v1/realtime/calls"),
        ("openai", "GET", "/v1/realtime/translations"),
        ("openai", "GET", "/v1/responses"),
        ("openai", "GET", "/v1/live/sessions"),
        ("openai", "POST", "/v1/batches"),
        ("openai", "POST", "/v1/videos"),
        ("openai", "POST", "/v1/fine_tuning/jobs"),
        ("openai", "POST", "/v1/chat/completions/"),
        ("openai", "POST", "//v1/chat/completions"),
        ("openai", "POST", "/v1/chat%2Fcompletions"),
        ("anthropic", "POST", "/v1/messages/batches"),
        ("google", "POST", "/v1beta/models/gemini-2.5-flash%3AgenerateContent"),
        ("google", "POST", "/v1beta/cachedContents"),
        ("google", "POST", "/v1beta/models/veo-3.0:predictLongRunning"),
        ("mistral", "POST", "/v1/agents/completions"),
        ("cohere", "POST", "/v2/rerank"),
    ],
)
def test_an_operation_without_a_bound_is_refused(provider: str, method: str, path: str) -> None:
    quote = ask(provider, path, {}, method=method)
    assert quote.price is None
    assert quote.why


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("openai", "/v1/files"),
        ("openai", "/v1/responses/input_tokens"),
        ("openai", "/v1/moderations"),
        ("anthropic", "/v1/messages/count_tokens"),
        ("google", "/v1beta/models/gemini-2.5-pro:countTokens"),
        ("cohere", "/v1/tokenize"),
    ],
)
def test_what_is_known_to_cost_nothing_is_free(provider: str, path: str) -> None:
    quote = ask(provider, path, {})
    assert (quote.price, quote.firm) == (0, True)
    assert (
        ask(
            provider, "/v1beta/files/1" if provider == "google" else "/v1/files/1", method="DELETE"
        ).price
        == 0
    )


@pytest.mark.parametrize(
    ("provider", "path", "body", "edit"),
    [
        ("openai", CHAT, {"model": "gpt-5"}, Edit(("max_completion_tokens",), 32_768)),
        ("openai", CHAT, {"model": "gpt-4o"}, Edit(("max_completion_tokens",), 16_384)),
        ("openai", RESPONSES, {"model": "o3", "input": "a"}, Edit(("max_output_tokens",), 32_768)),
        ("mistral", CHAT, {"model": "mistral-large-4"}, Edit(("max_tokens",), 16_384)),
        ("deepseek", "/chat/completions", {"model": "deepseek-chat"}, Edit(("max_tokens",), 8_192)),
        ("together", CHAT, {"model": "meta-llama/new"}, Edit(("max_tokens",), 4_096)),
        ("cohere", "/v2/chat", {"model": "command-a"}, Edit(("max_tokens",), 8_192)),
        (
            "google",
            GEMINI,
            content(),
            Edit(("generationConfig", "maxOutputTokens"), 32_768),
        ),
        (
            "google",
            GEMINI,
            content(generation_config={"temperature": 0}),
            Edit(("generation_config", "maxOutputTokens"), 32_768),
        ),
    ],
)  # fmt: skip
def test_an_output_without_a_limit_is_given_one(
    provider: str, path: str, body: Json, edit: Edit
) -> None:
    words = {} if "contents" in body or "input" in body else {"messages": HELLO}
    quote = ask(provider, path, {**body, **words})

    assert quote.capping == (edit,)
    assert quote.output_cap == edit.value
    capped = bodies.splice(json.dumps({**body, **words}).encode(), quote.capping)
    again = ask(provider, path, capped)
    assert again.capping == ()
    assert quote.at_most[Measure.OUTPUT_TOKEN] == again.at_most[Measure.OUTPUT_TOKEN]


def test_a_limit_that_is_there_is_left_alone_and_the_higher_of_two_counts() -> None:
    quote = ask("openai", CHAT, chat(max_tokens=100, max_completion_tokens=7, n=3))
    assert quote.capping == ()
    assert quote.at_most[Measure.OUTPUT_TOKEN] == 300


@pytest.mark.parametrize(
    ("provider", "path", "model", "asks"),
    [
        ("openai", CHAT, "gpt-5", True),
        ("deepseek", "/chat/completions", "deepseek-chat", True),
        ("xai", CHAT, "grok-4.7", True),
        ("together", CHAT, "moonshotai/Kimi-K3", True),
        ("mistral", CHAT, "mistral-large-4", False),
        ("groq", "/openai/v1/chat/completions", "openai/gpt-oss-120b", False),
        ("openrouter", OPENROUTER, "deepseek/deepseek-chat", False),
    ],
)
def test_a_stream_is_asked_for_its_usage_where_it_would_not_tell(
    provider: str, path: str, model: str, asks: bool
) -> None:
    body = {"model": model, "messages": HELLO, "max_tokens": 5}
    wanted = (Edit(("stream_options", "include_usage"), value=True),)

    assert ask(provider, path, body).edits == ()
    assert ask(provider, path, {**body, "stream": True}).edits == (wanted if asks else ())
    told = {**body, "stream": True, "stream_options": {"include_usage": True}}
    assert ask(provider, path, told).edits == ()


def test_a_stream_that_was_asked_for_its_usage_hides_it_from_who_did_not_ask() -> None:
    event = (
        b'data: {"id":"1","model":"gpt-5","choices":[],"usage":{"prompt_tokens":8,'
        b'"completion_tokens":2,"total_tokens":10}}\n\n'
    )
    for stream_options, seen in ((None, b""), ({"include_usage": True}, event)):
        quote = ask("openai", CHAT, chat(stream=True, stream_options=stream_options))
        assert quote.reader is not None
        reader = quote.reader("text/event-stream")
        assert reader.feed(event) + reader.flush() == seen
        reading = reader.reading()
        assert reading is not None
        assert reading.cost == 8 * 1_250 + 2 * 10_000


def test_an_unlisted_model_has_a_bound_in_tokens_for_its_owners_own_price() -> None:
    quote = ask("openai", CHAT, chat(model="gpt-77"))
    assert quote.price is None
    assert "setPrice" in quote.why
    own = {"gpt-77": {Measure.INPUT_TOKEN: 10**9, Measure.OUTPUT_TOKEN: 10**10}}
    tokens = quote.at_most[Measure.INPUT_TOKEN]
    assert at_most(quote, own) == tokens * 1_000 + 9 * 10_000


def test_a_body_that_can_be_read_in_two_ways_is_refused_and_its_answer_read() -> None:
    twice = b'{"model":"gpt-5","messages":[],"max_tokens":1,"max_tokens":9999}'
    for body in (twice, None, b"\xff"):
        quote = ask("openai", CHAT, body)
        assert quote.price is None
        assert quote.reader is not None
        assert quote.edits == ()


def test_what_is_read_from_elsewhere_is_bounded_by_the_window() -> None:
    window = 400_000
    for pointing in (
        response(previous_response_id="resp_1"),
        response(conversation="conv_1"),
        response(input=[{"type": "item_reference", "id": "msg_1"}]),
        response(input=[{"id": "msg_1"}]),
        response(input=[{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]),
        response(input=[{"type": "reasoning", "id": "rs_1", "summary": []}]),
        response(tools=[{"type": "file_search", "vector_store_ids": ["v"]}], max_tool_calls=0),
    ):
        assert ask("openai", RESPONSES, pointing).at_most[Measure.INPUT_TOKEN] == window
    twice = response(tools=[{"type": "web_search"}], max_tool_calls=1)
    quote = ask("openai", RESPONSES, twice)
    assert quote.at_most[Measure.INPUT_TOKEN] == 2 * window
    assert quote.price is not None
    assert quote.price > 2 * window * 2_500
    cached = ask("google", GEMINI, content(cachedContent="cachedContents/1"))
    assert cached.at_most[Measure.INPUT_TOKEN] == 1_048_576
    unknown = ask("together", CHAT, {"model": "who/knows", "messages": said({"type": "file"})})
    assert "how much `who/knows` can read" in unknown.why


def test_an_image_counts_as_many_tokens_as_it_may_have_and_not_its_bytes() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    plain = ask("openai", CHAT, chat()).at_most[Measure.INPUT_TOKEN]
    one = ask("openai", CHAT, chat(messages=said(image))).at_most[Measure.INPUT_TOKEN]
    two = ask("openai", CHAT, chat(messages=said(image, image))).at_most[Measure.INPUT_TOKEN]
    assert one > plain + 48_169
    assert two > one + 48_169


def test_tools_and_schemas_count_twice_because_they_are_written_anew() -> None:
    tool = {"type": "function", "function": {"name": "a", "description": "b" * 9_000}}
    for more in (chat(tools=[tool]), chat(response_format=tool), chat(functions=[tool])):
        assert ask("openai", CHAT, more).at_most[Measure.INPUT_TOKEN] > 18_000
    tool["function"] = {"name": "a", "description": "\u00e9" * 9_000}
    read = ask("openai", CHAT, chat(tools=[tool])).at_most[Measure.INPUT_TOKEN]
    assert read > 9_000 * (2 + 6)  # as it is, and in escapes


def test_no_character_grows_more_in_a_tokenizer_than_is_allowed_for() -> None:
    grown = max(
        len(unicodedata.normalize("NFKC", chr(point)).encode()) / len(chr(point).encode())
        for point in range(0x110000)
        if not 0xD800 <= point < 0xE000
    )
    assert grown == 11
    long = chat(messages=[{"role": "user", "content": "\ufdfa" * 100_001}])
    read = ask("openai", CHAT, long).at_most[Measure.INPUT_TOKEN]
    assert read > 33 * 100_001


def test_each_container_and_search_of_a_response_is_paid_for_beforehand() -> None:
    def price(*tools: Json) -> int:
        found = ask("openai", RESPONSES, response(tools=list(tools), max_tool_calls=1)).price
        assert found is not None
        return found

    code = {"type": "code_interpreter", "container": {"type": "auto"}}
    large = {"type": "code_interpreter", "container": {"type": "auto", "memory_limit": "64g"}}
    search = {"type": "web_search"}
    files = {"type": "file_search", "vector_store_ids": ["v"]}
    overhead = 10_000_000
    assert abs(price(large) - price(code) - 3 * 1_890_000_000) < overhead
    assert abs(price(search, files) - price(code) - 25_000_000 + 90_000_000) < overhead


def test_a_region_or_a_cache_that_the_request_rules_out_is_not_bounded_for() -> None:
    def price(**more: Any) -> int:
        found = ask("anthropic", MESSAGES, message(model="claude-opus-5-5", **more)).price
        assert found is not None
        return found

    anywhere = price(inference_geo="global")
    assert price() > anywhere  # the workspace may be set to the US
    assert price(inference_geo="us") > anywhere
    assert price(cache_control={"type": "ephemeral"}) > price()
    assert price(speed="fast") > 1.9 * price()
    # What is older than the choice of a region costs the same anywhere.
    here = ask("anthropic", MESSAGES, message(inference_geo="us")).price
    older = ask("anthropic", MESSAGES, message(inference_geo="global")).price
    assert here is not None
    assert older is not None
    assert older * 0.95 < here <= older


def test_openrouter_is_told_the_most_that_its_hosts_may_charge() -> None:
    quote = ask("openrouter", OPENROUTER, routed(model="anthropic/claude-opus-5.5"))
    assert quote.capping == (
        Edit(("provider", "max_price", "prompt"), "4"),
        Edit(("provider", "max_price", "completion"), "20"),
    )
    own = routed(model="who/knows", provider={"max_price": {"prompt": "1.5", "completion": 2}})
    quote = ask("openrouter", OPENROUTER, own)
    assert quote.capping == ()
    assert quote.price == quote.at_most[Measure.INPUT_TOKEN] * 3_000 + 9 * 2_000


def test_a_minute_of_conversation_is_bounded_and_goes_on() -> None:
    quote = ask("openai", "/v1/realtime", method="GET", query="model=gpt-realtime")
    # Four answers, each of which reads 32,000 tokens at $32 and speaks 4,096 at $64 a million.
    assert quote.price == 4 * (32_000 * 32_000 + 4_096 * 64_000)
    assert quote.streams_seconds == 60
    assert quote.reader is not None
    for query in ("", "model=gpt-realtime&model=gpt-realtime-mini", "model=nothing"):
        assert ask("openai", "/v1/realtime", method="GET", query=query).price is None


# Sounds


def wav(
    *, form: int = 1, channels: int = 1, rate: int = 8_000, block: int = 1, bits: int = 8
) -> bytes:
    head = struct.pack("<IHHIIHH", 16, form, channels, rate, rate * block, block, bits)
    return b"RIFF\xff\xff\xff\xffWAVEfmt " + head + b"data\x01\0\0\0"


@pytest.mark.parametrize(
    ("recording", "seconds"),
    [
        # Its header claims one byte of sound.
        (wav() + bytes(80_000), 11),
        (wav(channels=2, rate=44_100, block=4, bits=16) + bytes(441_000), 3),
        (wav(form=0xFFFE) + bytes(80_000), None),
        (wav(rate=1) + bytes(80), None),
        (wav(block=0, bits=0) + bytes(80), None),
        (wav(block=1, bits=16) + bytes(80), None),
        (wav(form=0x31) + bytes(80), None),
        (b"RIFF", None),
        (b"\xff\xfb\x90\x00" + bytes(413), None),  # MP3
        (b"ID3", None),
        (b"fLaC" + bytes(100), None),
        (b"OggS" + bytes(100), None),
        (b"\xff\xf1\x50\x80" + bytes(100), None),  # AAC
        (b"", None),
    ],
)
def test_a_recording_is_as_long_as_its_bytes_allow_whatever_it_claims(
    recording: bytes, seconds: int | None
) -> None:
    assert sound.most_seconds(memoryview(recording)) == seconds


def upload(model: str, recording: bytes, **fields: str) -> bytes:
    parts = [f'form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(b'form-data; name="model"\r\n\r\n' + model.encode())
    parts.append(b'form-data; name="file"; filename="a"\r\n\r\n' + recording)
    return b"".join(b"--X\r\nContent-Disposition: " + part + b"\r\n" for part in parts) + b"--X--"


FORM: Final = "multipart/form-data; boundary=X"
WRITE: Final = "/v1/audio/transcriptions"


def test_a_transcription_is_bounded_by_the_recording() -> None:
    def price(model: str, recording: bytes) -> int | None:
        return ask("openai", WRITE, upload(model, recording), content_type=FORM).price

    # $0.006 a minute: 100 seconds.
    recording = wav() + bytes(8_000 * 100 - len(wav()))
    assert price("whisper-1", recording) == 10_000_000
    flac = b"fLaC" + bytes(500)
    assert price("whisper-1", flac) is None
    # Paid by the token, it is bounded by the longest recording that it takes.
    assert price("gpt-4o-transcribe", flac) == price("gpt-4o-transcribe", wav() + bytes(10**7 * 2))
    assert "plain WAV" in ask("openai", WRITE, upload("whisper-1", flac), content_type=FORM).why
    twice = upload("whisper-1", wav(), **{"model ": "x"}).replace(b"model ", b"model")
    assert "twice" in ask("openai", WRITE, twice, content_type=FORM).why
    odd = upload("whisper-1", wav(), surprise="1")
    assert "may cost" in ask("openai", WRITE, odd, content_type=FORM).why
    assert ask("openai", WRITE, upload("whisper-1", wav())).price is None


def test_images_are_bounded_by_their_number_size_and_quality() -> None:
    def price(**more: Any) -> int:
        body = {"model": "gpt-image-1.5", "prompt": "a cat", **more}
        found = ask("openai", "/v1/images/generations", body)
        assert found.price is not None, found.why
        assert found.at_most[Measure.IMAGE] == more.get("n", 1)
        return found.price

    assert price() > price(size="1024x1024") > price(quality="low")
    assert price(n=4) > 3 * price()
    assert price(partial_images=3) > price()
    for odd in ({"size": "9999x9999"}, {"quality": "max"}, {"output_format": "gif"}):
        body = {"model": "gpt-image-1.5", "prompt": "a cat", **odd}
        assert ask("openai", "/v1/images/generations", body).price is None
    edited = upload("gpt-image-1", b"\x89PNG", prompt="a cat", n="2").replace(
        b'name="file"', b'name="image[]"'
    )
    quote = ask("openai", "/v1/images/edits", edited, content_type=FORM)
    assert quote.price is not None
    assert quote.at_most[Measure.IMAGE] == 2
    assert quote.at_most[Measure.INPUT_TOKEN] > 2 * 6_821


# What no provider that charges fairly can pass

words = st.text(
    st.characters(codec="utf-8") | st.sampled_from('\ufdfa\ufb03\u1e9b\u0323\u2167 {}"\\\n'),
    max_size=60,
)
schemas = st.dictionaries(words, words | st.integers() | st.none(), max_size=3)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, str, Json, bool]:
    provider, path, model = draw(
        st.sampled_from(
            [
                ("openai", CHAT, "gpt-5"),
                ("openai", CHAT, "gpt-6-sol"),
                ("anthropic", MESSAGES, "claude-opus-5-5"),
                ("anthropic", MESSAGES, "claude-haiku-5-5"),
                ("google", "/v1beta/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro"),
                ("mistral", CHAT, "mistral-medium-3-5"),
                ("deepseek", "/chat/completions", "deepseek-v4-pro"),
                ("xai", CHAT, "grok-4.7"),
            ]
        )
    )
    said = draw(st.lists(words, min_size=1, max_size=4))
    limit = draw(st.none() | st.integers(1, 5_000))
    tools = draw(st.lists(schemas, max_size=2))
    if provider == "google":
        body: Json = {
            "contents": [{"parts": [{"text": text}]} for text in said],
            "generationConfig": {"maxOutputTokens": limit} if limit else {},
            "tools": [{"functionDeclarations": tools}],
        }
        return provider, path, {"model": model, **body}, draw(st.booleans())
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text} for text in said],
        "max_tokens": limit or (7 if provider == "anthropic" else None),
    }
    if provider == "anthropic":
        body["tools"] = [{"name": "a", "input_schema": tool} for tool in tools]
        body["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    else:
        body["tools"] = [{"type": "function", "function": tool} for tool in tools]
        body["n"] = draw(st.none() | st.integers(1, 3))
    return provider, path, body, draw(st.booleans())


def strings(found: Any) -> list[str]:
    if isinstance(found, str):
        return [found]
    if isinstance(found, dict):
        return [text for item in found.items() for text in strings(list(item))]
    return [text for one in found for text in strings(one)] if isinstance(found, list) else []


@given(call=calls(), kinds=st.tuples(*[st.integers(0, 3)] * 4), tier=st.integers(0, 4))
@example(
    ("openai", CHAT, chat(messages=[{"role": "user", "content": "\ufdfa" * 99}]), True),
    (0, 1, 0, 1),
    0,
)
@settings(max_examples=80, deadline=None)
def test_a_provider_that_counts_every_byte_as_a_token_is_still_within_the_bound(
    call: tuple[str, str, Json, bool], kinds: tuple[int, ...], tier: int
) -> None:
    """Hold the bound against a provider that is as dear as it may be.

    A token for each byte of each text, normalised; ten for each message; tools written anew, and
    804 for explaining them; every answer as long as its cap; read from a cache, written to one, or
    neither; under whatever tier.
    """
    provider, path, body, escaped = call
    raw = json.dumps(
        {name: one for name, one in body.items() if provider != "google" or name != "model"},
        ensure_ascii=escaped,
    ).encode()
    quote = ask(provider, path, raw)
    assert quote.price is not None, quote.why

    texts = strings({name: one for name, one in body.items() if name != "model"})
    spelt = sum(len(unicodedata.normalize("NFKC", text).encode()) for text in texts)
    messages = len(body.get("messages", body.get("contents", [])))
    tools = len(json.dumps(body.get("tools"), ensure_ascii=escaped, separators=(",", ":")))
    read = spelt + 10 * messages + tools + 804
    sent = body.get("max_tokens") or body.get("max_completion_tokens") or quote.output_cap
    if provider == "google":
        sent = body["generationConfig"].get("maxOutputTokens") or quote.output_cap
        sent += 65_536
    share = [read * kind // 12 for kind in kinds]
    anthropic = provider == "anthropic"
    used = Tokens(
        input=read,
        cache_read=share[0],
        cache_write=share[1] if anthropic or body["model"] == "gpt-6-sol" else 0,
        cache_write_hour=share[2] if anthropic else 0,
        output=sent * (body.get("n") or 1),
    )
    service = (None, "flex", "priority", "default", "fast")[tier] if provider == "openai" else None
    cost = prices.cost(
        provider, body["model"], used, tier=service, region="us" if anthropic else None
    )

    assert cost is not None
    assert quote.price >= cost
    assert quote.at_most[Measure.INPUT_TOKEN] >= read
    assert quote.at_most[Measure.OUTPUT_TOKEN] >= used.output
    assert OVERHEAD > 804
