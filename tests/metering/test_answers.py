"""Recorded shapes of every provider's answers, and what each of them says was used.

The shapes are the providers' own, from the page that each file names; their content is made up.
What they say is worked out by hand, as the page words it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from metering import prices
from metering.answers.forms import Form
from metering.answers.readers import reader
from metering.prices import Tokens
from metering.quotes import Measure, Reader, Reading, Source

VECTORS = Path(__file__).parents[1] / "vectors" / "metering"


@dataclass(frozen=True)
class Said:
    """What one recorded answer says."""

    form: Form
    model: str
    """That the request named."""
    used: Tokens
    answered: str | None = None
    """The model that the answer names, if it names one."""
    tier: str | None = None
    region: str | None = None
    own: int | None = None
    """The provider's own cost, in nano-dollars."""
    unpriced: bool = False
    """The list has no price of this."""
    more: dict[str, Tokens] = field(default_factory=dict)
    """What other models used."""
    units: dict[Measure, int] = field(default_factory=dict)
    """Units besides tokens, or instead of them."""

    def reading(self, provider: str) -> Reading:
        parts = [(self.answered or self.model, self.used), *self.more.items()]
        units = dict(self.units)
        if not units or self.used.input:
            units[Measure.INPUT_TOKEN] = sum(used.input for _, used in parts)
            units[Measure.OUTPUT_TOKEN] = sum(used.output for _, used in parts)
        cost = self.own if self.own is not None else self._listed(provider, parts)
        source = Source.USAGE if self.own is None else Source.PROVIDER
        return Reading(units, cost, source, self.answered or self.model)

    def _listed(self, provider: str, parts: list[tuple[str, Tokens]]) -> int | None:
        if self.unpriced:
            return None
        listed = [
            prices.cost(provider, model, used, tier=self.tier, region=self.region)
            for model, used in parts
        ]
        assert None not in listed
        return sum(filter(None, listed))


SAID = {
    "openai-chat.json": Said(
        Form.OPENAI_CHAT,
        "gpt-4o",
        Tokens(input=1204, cache_read=1024, output=90),
        "gpt-4o-2024-08-06",
    ),
    "openai-chat.events": Said(
        Form.OPENAI_CHAT,
        "gpt-5",
        Tokens(input=2006, cache_read=1920, output=300, reasoning=192),
        "gpt-5-2025-08-07",
        tier="flex",
    ),
    "openai-chat-audio.json": Said(
        Form.OPENAI_CHAT,
        "gpt-audio",
        Tokens(input=236, input_audio=200, output=116, output_audio=90),
        "gpt-audio-2025-08-28",
    ),
    "openai-completion.json": Said(
        Form.OPENAI_COMPLETION, "gpt-3.5-turbo-instruct", Tokens(input=5, output=7)
    ),
    "openai-response.json": Said(
        Form.OPENAI_RESPONSE,
        "gpt-4.1",
        # Two searches of the web and one of files are paid by the call.
        Tokens(
            input=328,
            cache_read=128,
            output=356,
            reasoning=256,
            web_searches=2,
            file_searches=1,
        ),
        "gpt-4.1-2025-04-14",
    ),
    "openai-response.events": Said(
        Form.OPENAI_RESPONSE,
        "o4-mini",
        Tokens(input=328, cache_read=128, output=356, reasoning=256),
        "o4-mini-2025-04-16",
        tier="priority",
    ),
    "openai-embedding.json": Said(
        Form.OPENAI_EMBEDDING, "text-embedding-3-small", Tokens(input=8000)
    ),
    "openai-image.json": Said(
        Form.OPENAI_IMAGE,
        "gpt-image-1.5",
        Tokens(input=100, input_image=50, output=8320, output_image=8320),
        units={Measure.IMAGE: 2},
    ),
    "openai-image.events": Said(
        Form.OPENAI_IMAGE,
        "gpt-image-1.5",
        Tokens(input=15, output=272, output_image=272),
        units={Measure.IMAGE: 1},
    ),
    "openai-transcription.json": Said(
        Form.OPENAI_TRANSCRIPTION,
        "gpt-4o-transcribe",
        Tokens(input=140, input_audio=130, output=101),
    ),
    "openai-transcription-seconds.json": Said(
        Form.OPENAI_TRANSCRIPTION,
        "whisper-1",
        Tokens(audio_seconds=9),
        units={Measure.SECOND: 9},
    ),
    "openai-transcription.events": Said(
        Form.OPENAI_TRANSCRIPTION,
        "gpt-4o-mini-transcribe",
        Tokens(input=14, input_audio=14, output=45),
    ),
    "openai-speech.events": Said(
        Form.OPENAI_SPEECH, "gpt-4o-mini-tts", Tokens(input=14, output=101)
    ),
    "anthropic-message.json": Said(
        Form.ANTHROPIC_MESSAGE,
        "claude-sonnet-4-5",
        # 2095 fresh, 700 read from the cache, 1000 and 500 written to it: all are input.
        Tokens(
            input=4295,
            cache_read=700,
            cache_write=1000,
            cache_write_hour=500,
            output=503,
            web_searches=2,
        ),
        "claude-sonnet-4-5-20250929",
        region="us",
    ),
    "anthropic-message.events": Said(
        Form.ANTHROPIC_MESSAGE,
        "claude-opus-4-5",
        Tokens(input=525, cache_read=100, cache_write=400, output=15, web_searches=1),
        "claude-opus-4-5-20251101",
    ),
    "anthropic-compaction.json": Said(
        # What the summary of 180,000 tokens cost stands in `iterations` alone.
        Form.ANTHROPIC_MESSAGE,
        "claude-opus-4-6",
        Tokens(input=23000, output=1000),
        more={"claude-opus-4-6": Tokens(input=180000, output=3500)},
    ),
    "google-generate.json": Said(
        Form.GOOGLE_GENERATE,
        "gemini-2.5-flash",
        # Thoughts are counted apart, and are output.
        Tokens(
            input=14152,
            cache_read=12239,
            input_audio=150,
            cache_read_audio=129,
            output=129,
            reasoning=69,
        ),
    ),
    "google-generate.events": Said(
        Form.GOOGLE_GENERATE,
        "gemini-3-pro-preview",
        # 25 tokens of what a tool brought in are input; three searches are paid one by one.
        Tokens(input=31, output=52, reasoning=40, web_searches=3),
    ),
    "google-generate-array.json": Said(
        Form.GOOGLE_GENERATE,
        "gemini-3-pro-preview",
        Tokens(input=31, output=52, reasoning=40, web_searches=3),
    ),
    "google-embed.json": Said(Form.GOOGLE_EMBED, "gemini-embedding-2", Tokens(input=1000)),
    "mistral-chat.json": Said(
        Form.OPENAI_CHAT,
        "mistral-large-latest",
        Tokens(input=1013, cache_read=1008, output=30),
        "mistral-large-2512",
    ),
    "mistral-chat.events": Said(
        Form.OPENAI_CHAT, "mistral-small-latest", Tokens(input=16, output=5)
    ),
    "groq-chat.json": Said(
        Form.OPENAI_CHAT,
        "openai/gpt-oss-20b",
        Tokens(input=18, output=5, reasoning=3),
        tier="on_demand",
    ),
    "groq-chat.events": Said(
        Form.OPENAI_CHAT, "llama-3.3-70b-versatile", Tokens(input=180, output=439)
    ),
    # 158,501 ticks of a tenth of a nano-dollar. Reasoning is no part of `completion_tokens`.
    "xai-chat.json": Said(
        Form.OPENAI_CHAT, "grok-4", Tokens(input=199, output=41), "grok-4-0709", own=15_851
    ),
    "xai-chat.events": Said(
        Form.OPENAI_CHAT, "grok-4", Tokens(input=199, output=41), "grok-4-0709", own=15_851
    ),
    "xai-image.json": Said(
        Form.OPENAI_IMAGE,
        "grok-imagine-image",
        Tokens(),
        own=20_000_000,
        units={Measure.IMAGE: 1},
    ),
    "deepseek-chat.json": Said(
        Form.OPENAI_CHAT,
        "deepseek-v4-flash",
        Tokens(input=1024, cache_read=960, output=10, reasoning=6),
    ),
    "deepseek-chat.events": Said(
        Form.OPENAI_CHAT, "deepseek-v4-flash", Tokens(input=1024, cache_read=960, output=10)
    ),
    "openrouter-chat.json": Said(
        Form.OPENAI_CHAT,
        "qwen/qwen3-235b-a22b-2507",
        Tokens(input=15, output=51),
        # What its own provider takes is a part of it, since the key is OpenRouter's.
        own=7_230,
    ),
    "openrouter-chat.events": Said(
        Form.OPENAI_CHAT,
        "openai/gpt-4o",
        Tokens(input=194, output=2),
        # 0.00095 to OpenRouter and 0.019 to OpenAI, with the owner's own key there.
        own=19_950_000,
    ),
    "perplexity-chat.json": Said(
        Form.OPENAI_CHAT,
        "sonar-deep-research",
        # 7163 written, 73,997 thought, 20,016 of citations.
        Tokens(input=33, output=101_176),
        own=409_390_000,
    ),
    "perplexity-chat.events": Said(
        Form.OPENAI_CHAT, "sonar", Tokens(input=14, output=98), own=5_110_000
    ),
    "together-chat.json": Said(
        Form.OPENAI_CHAT,
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        Tokens(input=44, output=26),
    ),
    "together-chat.events": Said(
        Form.OPENAI_CHAT,
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        Tokens(input=44, output=26),
    ),
    "cohere-chat.json": Said(
        # 71 tokens were processed, 5 are billed.
        Form.COHERE_CHAT,
        "command-a-03-2025",
        Tokens(input=5, output=418),
    ),
    "cohere-chat.events": Said(Form.COHERE_CHAT, "command-r-08-2024", Tokens(input=17, output=30)),
    "cohere-chat-v1.json": Said(
        Form.COHERE_CHAT, "command-r-plus-08-2024", Tokens(input=63, output=7)
    ),
    "cohere-embed.json": Said(Form.COHERE_EMBED, "embed-v4.0", Tokens(input=2000)),
    "cohere-rerank.json": Said(
        Form.COHERE_RERANK, "rerank-v3.5", Tokens(rerank_searches=1), unpriced=True
    ),
}
STREAMS = sorted(name for name in SAID if name.endswith(".events"))
OBJECTS = sorted(name for name in SAID if name.endswith(".json") and "array" not in name)


def recorded(name: str) -> tuple[str, bytes]:
    """Give a vector's content type and body."""
    head, _, body = (VECTORS / name).read_bytes().partition(b"\n\n")
    page, kind = head.decode().splitlines()
    assert page.startswith("Page: https://")
    return kind.removeprefix("Content-Type:").strip().lower(), body


def reader_of(name: str, kind: str | None = None) -> Reader:
    said = SAID[name]
    made = reader(said.form, provider=name.partition("-")[0], model=said.model)
    return made(recorded(name)[0] if kind is None else kind)


def expected(name: str) -> Reading:
    return SAID[name].reading(name.partition("-")[0])


def passed(through: Reader, pieces: Iterator[bytes] | list[bytes]) -> bytes:
    return b"".join([through.feed(piece) for piece in pieces]) + through.flush()


def test_every_recorded_answer_is_tried() -> None:
    assert {file.name for file in VECTORS.iterdir()} == {*SAID, "openai-realtime.messages"}


@pytest.mark.parametrize("name", sorted(SAID))
def test_an_answer_is_read_as_its_provider_means_it(name: str) -> None:
    through = reader_of(name)
    _, body = recorded(name)
    assert passed(through, [body]) == body
    assert through.reading() == expected(name)
    assert through.reading() == expected(name)


@pytest.mark.parametrize("name", sorted(SAID))
def test_wherever_an_answer_is_cut_its_bytes_and_its_usage_are_the_same(name: str) -> None:
    kind, body = recorded(name)
    truth = expected(name)
    for cut in range(len(body) + 1):
        through = reader_of(name, kind)
        assert passed(through, [body[:cut], body[cut:]]) == body
        assert through.reading() == truth, cut
    through = reader_of(name, kind)
    assert passed(through, (body[at : at + 1] for at in range(len(body)))) == body
    assert through.reading() == truth


@pytest.mark.parametrize("name", sorted(SAID))
def test_what_came_of_a_broken_answer_tells_the_truth_or_nothing(name: str) -> None:
    kind, body = recorded(name)
    truth = expected(name)
    told = []
    for end in range(0, len(body), 5):
        through = reader_of(name, kind)
        passed(through, [body[:end]])
        found = through.reading()
        assert found is None or found == truth, end
        told.append(found is not None)
    assert not any(told[: len(told) // 2])


@pytest.mark.parametrize("ends", [b"\r\n", b"\r"], ids=["CRLF", "CR"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_may_have_any_line_ends(name: str, ends: bytes) -> None:
    kind, body = recorded(name)
    body = body.replace(b"\r\n", b"\n").replace(b"\n", ends)
    for size in (1, 2, 7, 300, len(body)):
        through = reader_of(name, kind)
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert passed(through, pieces) == body
        assert through.reading() == expected(name)


@pytest.mark.parametrize("name", STREAMS)
def test_many_events_that_come_at_once_are_read_alike(name: str) -> None:
    kind, body = recorded(name)
    first, _, rest = body.partition(b"}\n\n" if b"}\n\n" in body else b"}\r\n\r\n")
    end = body[len(first) : len(body) - len(rest)]
    body = first + end + b'data: {"much":"more"}\n\n' * 600 + rest
    for size in (len(body), 5_000, 4_097, 65):
        through = reader_of(name, kind)
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert passed(through, pieces) == body
        assert through.reading() == expected(name), size


@pytest.mark.parametrize("name", OBJECTS)
def test_an_answer_too_long_to_be_held_is_read_alike(name: str) -> None:
    kind, body = recorded(name)
    body = body.lstrip().replace(b"{", b'{"long":["' + b'x\\"{' * 70_000 + b'"],', 1)
    for size in (65_536, 61_441):
        through = reader_of(name, kind)
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert passed(through, pieces) == body
        assert through.reading() == expected(name)


def test_a_conversation_adds_up_what_it_was_told() -> None:
    _, body = recorded("openai-realtime.messages")
    talk = reader(Form.OPENAI_REALTIME, provider="openai", model="gpt-realtime")("")
    messages = body.splitlines()
    assert talk.reading() is None
    read = []
    for message in messages:
        talk.message(message)
        read.append(talk.reading() is not None)
    # Nothing is told while a response or a transcription is under way.
    assert read == [True, False, False, False, False, True, False, True]
    first = Tokens(input=127, input_audio=8, cache_read=64, output=148, output_audio=112)
    second = Tokens(input=280, input_audio=80, output=20, output_audio=20)
    written = Tokens(input=13, input_audio=13, output=9)
    spoken = "gpt-realtime-2025-08-28"
    costs = [
        prices.cost("openai", spoken, first),
        prices.cost("openai", spoken, second),
        prices.cost("openai", "gpt-4o-transcribe", written),
    ]
    assert None not in costs
    assert talk.reading() == Reading(
        {Measure.INPUT_TOKEN: 420, Measure.OUTPUT_TOKEN: 177},
        sum(filter(None, costs)),
        Source.USAGE,
        spoken,
    )


BAD = {"input_tokens": -1, "output_tokens": 1}
UNREADABLE: dict[Form, object] = {
    Form.OPENAI_CHAT: {"usage": {"prompt_tokens": "12"}},
    Form.OPENAI_RESPONSE: {"usage": BAD},
    Form.OPENAI_IMAGE: {"data": [{}], "usage": BAD},
    Form.OPENAI_TRANSCRIPTION: {"text": "a", "usage": {"type": "tokens", **BAD}},
    Form.OPENAI_SPEECH: {"type": "speech.audio.done", "usage": BAD},
    Form.ANTHROPIC_MESSAGE: {"type": "message", "model": "m", "usage": BAD},
    Form.GOOGLE_GENERATE: {"usageMetadata": {"promptTokenCount": -1}},
    Form.COHERE_CHAT: {"usage": {"billed_units": BAD}},
}


@pytest.mark.parametrize("form", sorted(UNREADABLE))
def test_an_answer_whose_counts_are_none_tells_nothing(form: Form) -> None:
    through = reader(form, provider="openai", model="m")("application/json")
    through.feed(orjson.dumps(UNREADABLE[form]))
    assert through.reading() is None


def told(
    form: Form, answer: object, *, provider: str = "openai", model: str = "gpt-4.1"
) -> Reading | None:
    through = reader(form, provider=provider, model=model)("application/json")
    through.feed(orjson.dumps(answer))
    return through.reading()


def priced(model: str, tokens: Tokens, provider: str = "openai") -> int:
    cost = prices.cost(provider, model, tokens)
    assert cost is not None
    return cost


def test_containers_are_paid_by_twenty_minutes_of_each() -> None:
    usage = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}
    calls = [{"type": "code_interpreter_call", "container_id": name} for name in "aab"]
    plain = priced("gpt-4.1", Tokens(input=10, output=20))
    for container, seconds, rent in (
        ({"type": "auto"}, 60, 2 * 30_000_000),
        ({"type": "auto", "memory_limit": "4g"}, 1_199, 2 * 120_000_000),
        ({"type": "auto"}, 1_200, 4 * 30_000_000),
        ({"type": "auto", "memory_limit": "3g"}, 60, None),
        ("cntr_made_before", 60, None),
    ):
        answer = {
            "model": "gpt-4.1",
            "created_at": 1_700_000_000,
            "completed_at": 1_700_000_000 + seconds,
            "output": calls,
            "tools": [{"type": "web_search"}, {"type": "code_interpreter", "container": container}],
            "usage": usage,
        }
        reading = told(Form.OPENAI_RESPONSE, answer)
        assert reading is not None
        assert reading.cost == (None if rent is None else plain + rent)


def test_searches_are_counted_by_what_is_billable_where_that_is_told() -> None:
    usage = {"input_tokens": 10, "output_tokens": 20}
    answer = {
        "model": "gpt-4.1",
        "output": [{"type": "web_search_call"}] * 5,
        "usage": usage,
        "tool_usage": {"web_search": {"num_requests": 2}},
    }
    reading = told(Form.OPENAI_RESPONSE, answer)
    assert reading is not None
    assert reading.cost == priced("gpt-4.1", Tokens(input=10, output=20, web_searches=2))


def test_images_without_tokens_are_counted_and_not_priced() -> None:
    answer = {"created": 1, "data": [{"url": "https://example.com/1"}] * 3}
    for usage in ({}, {"usage": None}, {"usage": 7}):
        assert told(Form.OPENAI_IMAGE, answer | usage, model="dall-e-3") == Reading(
            {Measure.IMAGE: 3}, None, model="dall-e-3"
        )
    assert told(Form.OPENAI_IMAGE, {"data": []}) is None


def test_what_drew_an_image_besides_is_paid_at_its_own_price() -> None:
    usage = {"input_tokens": 5, "output_tokens": 100}
    drawn = {"model": "gpt-4.1", "input_tokens": 7, "output_tokens": 9, "reasoning_tokens": 2}
    answer = {"data": [{}], "usage": usage, "svg_usage": drawn}
    image = priced("gpt-image-1", Tokens(input=5, output=100, output_image=100))
    reading = told(Form.OPENAI_IMAGE, answer, model="gpt-image-1")
    assert reading is not None
    assert reading.cost == image + priced("gpt-4.1", Tokens(input=7, output=9, reasoning=2))
    assert reading.used == {
        Measure.IMAGE: 1,
        Measure.INPUT_TOKEN: 12,
        Measure.OUTPUT_TOKEN: 109,
    }


def test_a_transcription_is_read_however_it_tells_its_length() -> None:
    second = {Measure.SECOND: 71}
    for provider, model, answer in (
        ("groq", "whisper-large-v3", {"text": "a", "duration": 70.2, "x_groq": {"id": "r"}}),
        ("openai", "whisper-1", {"text": "a", "usage": {"type": "duration", "seconds": 70.001}}),
        (
            "mistral",
            "voxtral-mini-latest",
            {
                "text": "a",
                "model": "voxtral-mini-2602",
                "usage": {"prompt_audio_seconds": 71, "prompt_tokens": 4, "total_tokens": 9},
            },
        ),
    ):
        reading = told(Form.OPENAI_TRANSCRIPTION, answer, provider=provider, model=model)
        assert reading is not None
        assert reading.used == second
        assert reading.cost == priced(model, Tokens(audio_seconds=71), provider)
    assert told(Form.OPENAI_TRANSCRIPTION, {"text": "a"}) is None
    plain = reader(Form.OPENAI_TRANSCRIPTION, provider="openai", model="whisper-1")("text/plain")
    assert plain.feed(b"a") == b"a"
    assert plain.reading() is None


def test_sound_and_text_that_are_not_told_apart_are_taken_for_the_dearer() -> None:
    answer = {"usage": {"type": "tokens", "input_tokens": 100, "output_tokens": 10}}
    reading = told(Form.OPENAI_TRANSCRIPTION, answer, model="gpt-4o-transcribe")
    assert reading is not None
    tokens = Tokens(input=100, input_audio=100, output=10)
    assert reading.cost == priced("gpt-4o-transcribe", tokens)


def test_grounding_is_paid_by_the_prompt_or_by_the_search() -> None:
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 20, "totalTokenCount": 30}
    for model, queries, searches in (
        ("gemini-2.5-flash", 3, 1),
        ("gemini-2.5-flash", 0, 0),
        ("gemini-3-pro-preview", 3, 3),
    ):
        grounding = {"webSearchQueries": ["q"] * queries}
        answer: dict[str, object] = {
            "candidates": [{"finishReason": "STOP", "groundingMetadata": grounding}],
            "usageMetadata": usage,
            "modelVersion": model,
        }
        reading = told(Form.GOOGLE_GENERATE, answer, provider="google", model=model)
        assert reading is not None
        tokens = Tokens(input=10, output=20, web_searches=searches)
        assert reading.cost == priced(model, tokens, "google")
    chunks = {"groundingChunks": [{"web": {}}, {"maps": {"placeId": "p"}}]}
    answer["candidates"] = [{"finishReason": "STOP", "groundingMetadata": chunks}]
    reading = told(Form.GOOGLE_GENERATE, answer, provider="google", model="gemini-3-pro-preview")
    assert reading is not None
    assert reading.cost is None


def test_a_prompt_that_was_blocked_is_paid_all_the_same() -> None:
    usage = {"promptTokenCount": 10, "totalTokenCount": 10}
    answer = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage}
    through = reader(Form.GOOGLE_GENERATE, provider="google", model="gemini-2.5-flash")(
        "text/event-stream"
    )
    through.feed(b"data: " + orjson.dumps(answer) + b"\r\n\r\n")
    reading = through.reading()
    assert reading is not None
    assert reading.used == {Measure.INPUT_TOKEN: 10, Measure.OUTPUT_TOKEN: 0}


def test_a_turn_of_another_model_is_paid_at_its_price() -> None:
    usage = {"input_tokens": 100, "output_tokens": 10}
    turns = [
        {"type": "message", **usage},
        {"type": "advisor_message", "model": "claude-opus-4-5", **usage},
    ]
    answer = {"type": "message", "model": "claude-haiku-4-5", "usage": usage}
    used = Tokens(input=100, output=10)
    haiku = priced("claude-haiku-4-5", used, "anthropic")
    opus = priced("claude-opus-4-5", used, "anthropic")
    for iterations, cost, units in (
        (None, haiku, 100),
        ([], haiku, 100),
        (turns, haiku + opus, 200),
        # Fewer than the message itself tells can't be all.
        ([{"type": "message", "input_tokens": 1, "output_tokens": 1}], haiku, 100),
        ([*turns, {"model": "nobody's", **usage}], None, 300),
    ):
        answer["usage"] = {**usage, "iterations": iterations}
        reading = told(Form.ANTHROPIC_MESSAGE, answer, provider="anthropic", model="claude")
        assert reading is not None
        assert reading.cost == cost
        assert reading.used[Measure.INPUT_TOKEN] == units


def test_what_is_written_to_a_cache_after_the_start_is_of_the_dearer_kind() -> None:
    for hour in (0, 50):
        kinds = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": hour}
        start = {"input_tokens": 5, "cache_creation_input_tokens": 100 + hour}
        model = "claude-haiku-4-5"
        told_first = {"model": model, "usage": {**start, "cache_creation": kinds}}
        end = {"output_tokens": 9, "cache_creation_input_tokens": 1_000}
        through = reader(Form.ANTHROPIC_MESSAGE, provider="anthropic", model=model)("")
        through.message(orjson.dumps({"type": "message_start", "message": told_first}))
        through.message(orjson.dumps({"type": "message_delta", "usage": end}))
        tokens = Tokens(
            input=1_005,
            cache_write=100 if hour else 1_000,
            cache_write_hour=900 if hour else 0,
            output=9,
        )
        reading = through.reading()
        assert reading is not None
        assert reading.cost == priced(model, tokens, "anthropic")


def test_thoughts_are_output_though_no_total_says_so() -> None:
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 20, "thoughtsTokenCount": 30}
    reading = told(
        Form.GOOGLE_GENERATE, {"usageMetadata": usage}, provider="google", model="gemini-2.5-pro"
    )
    assert reading is not None
    assert reading.used[Measure.OUTPUT_TOKEN] == 50


def test_a_message_through_openrouter_has_its_own_cost() -> None:
    usage = {"input_tokens": 100, "output_tokens": 10, "cost": 0.0123, "is_byok": False}
    answer = {"type": "message", "model": "anthropic/claude-4.5", "usage": usage}
    reading = told(Form.ANTHROPIC_MESSAGE, answer, provider="openrouter")
    assert reading is not None
    assert (reading.cost, reading.source) == (12_300_000, Source.PROVIDER)
    empty = {"type": "message", "model": "m", "usage": {"input_tokens": 0, "output_tokens": 0}}
    assert told(Form.ANTHROPIC_MESSAGE, empty) is None


def test_images_that_are_embedded_are_paid_by_their_tokens() -> None:
    for billed, cost in (
        ({"input_tokens": 10, "images": 1, "image_tokens": 90}, True),
        ({"images": 2}, False),
        ({"input_tokens": 10, "images": 1}, False),
    ):
        answer = {"id": "e", "meta": {"billed_units": billed}}
        reading = told(Form.COHERE_EMBED, answer, provider="cohere", model="embed-v4.0")
        assert reading is not None
        assert (reading.cost is not None) is cost


def talked(*messages: object) -> Reading | None:
    talk = reader(Form.OPENAI_REALTIME, provider="openai", model="gpt-realtime")("")
    for message in messages:
        talk.message(orjson.dumps(message))
    return talk.reading()


def test_a_conversation_that_said_nothing_cost_nothing() -> None:
    created = {"type": "session.created", "session": {"model": "gpt-realtime"}}
    begun = {"type": "response.created", "response": {"id": "r"}}
    called_off = {"type": "response.done", "response": {"id": "r", "usage": None}}
    nothing = Reading({Measure.INPUT_TOKEN: 0, Measure.OUTPUT_TOKEN: 0}, 0, model="gpt-realtime")
    assert talked(created) == nothing
    assert talked(created, begun) is None
    assert talked(created, begun, called_off) == nothing


def test_a_transcription_in_a_conversation_needs_a_known_model() -> None:
    usage = {"type": "tokens", "input_tokens": 10, "output_tokens": 2}
    item = "conversation.item.input_audio_transcription"
    done = {"type": f"{item}.completed", "usage": usage}
    older = {"input_audio_transcription": {"model": "gpt-4o-transcribe"}}
    cost = priced("gpt-4o-transcribe", Tokens(input=10, input_audio=10, output=2))
    for session, expected_cost in (({}, None), (older, cost)):
        created = {"type": "session.created", "session": session}
        reading = talked(created, done)
        assert reading is not None
        assert reading.cost == expected_cost
    # What is known does not make up for what is not.
    spoken = {"type": "response.done", "response": {"usage": {"input_tokens": 1}}}
    reading = talked({"type": "session.created", "session": {}}, done, spoken)
    assert reading is not None
    assert reading.cost is None
    created = {"type": "session.created", "session": older}
    committed = {"type": "input_audio_buffer.committed"}
    assert talked(created, committed) is None
    failed = {"type": f"{item}.failed"}
    reading = talked(created, committed, {"type": f"{item}.delta"}, failed)
    assert reading is not None
    assert reading.cost == 0
    bad = {"type": f"{item}.completed", "usage": {"seconds": -1}}
    assert talked(created, bad) is None
    spoken = {"type": "response.done", "response": {"usage": BAD}}
    assert talked(created, spoken) is None
