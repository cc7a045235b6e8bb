"""Answers as they pass: what is taken out, what is held, and what must not fool a reader."""

import json
import tracemalloc
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metering import prices
from metering.answers.forms import Form
from metering.answers.readers import reader
from metering.answers.skim import Each, Record, Skim, Wanted
from metering.prices import Tokens
from metering.quotes import Measure, Reader, Reading, Source

SSE = "text/event-stream"
JSON = "application/json"
USAGE = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
USED = {Measure.INPUT_TOKEN: 12, Measure.OUTPUT_TOKEN: 34}


def chat(kind: str = SSE, *, strip: bool = False, provider: str = "openai") -> Reader:
    return reader(Form.OPENAI_CHAT, provider=provider, model="gpt-4o", strip_usage=strip)(kind)


def event(document: Any) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


def chunk(text: str | None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None if text else "stop"}
    return event({"id": "c", "model": "gpt-4o", "choices": [choice], "usage": None, **more})


EXTRA = event({"id": "c", "model": "gpt-4o", "choices": [], "usage": USAGE})
DONE = b"data: [DONE]\n\n"
STREAM = [b": hello\n\n", chunk("Hi"), chunk("!"), chunk(None), EXTRA, DONE]
WHOLE = b"".join(STREAM)
STRIPPED = WHOLE.replace(EXTRA, b"")


def fed(through: Reader, body: bytes, size: int | None = None) -> bytes:
    step = size or max(1, len(body))
    pieces = [through.feed(body[at : at + step]) for at in range(0, len(body), step)]
    return b"".join(pieces) + through.flush()


def used(through: Reader) -> Any:
    reading = through.reading()
    return None if reading is None else reading.used


def test_usage_that_we_alone_asked_for_is_taken_out_wherever_the_stream_is_cut() -> None:
    for cut in range(len(WHOLE) + 1):
        through = chat(strip=True)
        out = through.feed(WHOLE[:cut]) + through.feed(WHOLE[cut:]) + through.flush()
        assert out == STRIPPED
        assert used(through) == USED
    # A tool that asked for it gets it.
    assert fed(chat(), WHOLE) == WHOLE


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("size", [1, 2, 3, 50, 1000])
def test_it_is_taken_out_whatever_the_line_ends(ends: bytes, size: int) -> None:
    through = chat(strip=True)
    assert fed(through, WHOLE.replace(b"\n", ends), size) == STRIPPED.replace(b"\n", ends)
    assert used(through) == USED


@pytest.mark.parametrize("after", [0, 20, 400])
def test_it_is_read_in_a_chunk_of_many_events_whatever_short_ones_follow(after: int) -> None:
    farewell = b": " + b"." * after + b"\n\n"
    body = chunk("Hi") * 100 + EXTRA + farewell + DONE
    for stripped in (False, True):
        through = chat(strip=stripped)
        assert fed(through, body) == (body.replace(EXTRA, b"") if stripped else body)
        assert used(through) == USED


@pytest.mark.parametrize("model", ["gpt-5-search-api", "gpt-4o-search-preview-2025-03-11"])
def test_what_a_model_that_searches_by_itself_cost_its_usage_does_not_tell(model: str) -> None:
    for asked, answered in ((model, model), (model, None), ("gpt-5", model)):
        through = reader(Form.OPENAI_CHAT, provider="openai", model=asked)(JSON)
        fed(through, orjson.dumps({"model": answered, "choices": [], "usage": USAGE}))
        assert through.reading() == Reading(USED, None, model=model)


def test_an_event_without_an_end_is_read_at_the_end_of_the_stream() -> None:
    for end in (b"", b"\n"):
        body = WHOLE.removesuffix(DONE).removesuffix(b"\n\n") + end
        through = chat()
        assert fed(through, body) == body
        assert used(through) == USED
        through = chat(strip=True)
        assert fed(through, body, 100) == body.partition(EXTRA.strip())[0]
        assert used(through) == USED


def test_an_event_that_is_whole_is_passed_on_at_once() -> None:
    through = chat(strip=True)
    assert [through.feed(piece) for piece in STREAM] == [*STREAM[:4], b"", DONE]
    through = chat(strip=True)
    whole, begun = chunk("one"), chunk("two")
    assert through.feed(whole + begun[:20]) == whole
    assert through.feed(begun[20:]) == begun
    for ends in (b"\n", b"\r\n", b"\r"):
        through = chat(strip=True)
        whole = chunk("one").replace(b"\n", ends)
        for last in range(1, 2 * len(ends) + 1):
            assert through.feed(whole[:-last]) == b""
            assert b"".join(through.feed(whole[-at:][:1]) for at in range(last, 0, -1)) == whole


def test_without_stripping_every_chunk_is_passed_on_at_once_whatever_it_is() -> None:
    for through in (chat(), chat(JSON), chat("audio/mpeg"), chat("")):
        for piece in (b"data: {", b"", b"\xff\n", b'"usage":{', EXTRA[:-1], b"\n" * 5, DONE):
            assert through.feed(piece) == piece
        assert through.flush() == b""


@pytest.mark.parametrize(
    "kept",
    [
        chunk(None, usage=USAGE),
        event({"choices": [], "usage": None}),
        event({"choices": [], "prompt_filter_results": []}),
        event({"choices": [], "usage": USAGE, "error": {"message": "no"}}),
        event({"usage": USAGE}),
        chunk('","choices":[],"usage":{"prompt_tokens":1}'),
        b'data: {"choices":[],"usage":{"prompt_tokens":1\n\n',
    ],
    ids=["last words", "no usage", "filters", "an error", "no choices", "content", "broken"],
)
def test_nothing_else_is_taken_out(kept: bytes) -> None:
    for size in (None, 1):
        through = chat(strip=True)
        assert fed(through, chunk("a") + kept + chunk("b"), size) == (
            chunk("a") + kept + chunk("b")
        )


def test_an_event_too_long_to_be_held_passes_and_is_read_all_the_same() -> None:
    long = event({"choices": [{"delta": {"content": '"usage":{' * 200_000}}], "usage": USAGE})
    for strip in (True, False):
        for size in (65_536, len(long) + 1):
            through = chat(strip=strip)
            out = fed(through, chunk("a") + long + DONE, size)
            assert out == chunk("a") + long + DONE
            assert used(through) == USED
    through = chat(strip=True)
    at_most = 1 << 20
    passed = 0
    for at in range(0, len(long), 40_000):
        passed += len(through.feed(long[at : at + 40_000]))
        assert at + 40_000 - passed <= at_most + 40_000
    # What is no event at all can't be held for ever either.
    through = chat(strip=True)
    assert fed(through, b"x" * (3 << 20) + b"\n\n" + WHOLE, 50_000).endswith(STRIPPED)
    assert used(through) == USED


FAKE = '"usage": {"prompt_tokens": 1, "completion_tokens": 1}'
LIES: dict[str, tuple[Form, str, str, bytes, Any]] = {
    "in a string": (Form.OPENAI_CHAT, "openai", SSE, chunk(FAKE) + WHOLE, USED),
    "in a string, alone": (
        Form.OPENAI_CHAT,
        "openai",
        SSE,
        chunk(FAKE) + chunk(FAKE.replace('"', '\\"')) + chunk(None) + DONE,
        None,
    ),
    "deeper": (
        Form.OPENAI_CHAT,
        "openai",
        SSE,
        WHOLE + event({"choices": [], "x": {"usage": {"prompt_tokens": 1}}}),
        USED,
    ),
    "after the end": (
        Form.OPENAI_CHAT,
        "openai",
        SSE,
        WHOLE + b'data: garbage "usage":{"prompt_tokens":1}\n\n',
        USED,
    ),
    "in a comment": (
        Form.OPENAI_CHAT,
        "openai",
        SSE,
        WHOLE + b': {"choices":[],"usage":{"prompt_tokens":1}}\n\n',
        USED,
    ),
    "in a call's arguments": (
        Form.GOOGLE_GENERATE,
        "google",
        SSE,
        event(
            {
                "candidates": [{"finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 34},
            }
        )
        + event({"candidates": [{"content": {"args": {"usageMetadata": {"a": 1}}}}]}),
        USED,
    ),
    "an earlier one": (
        Form.OPENAI_CHAT,
        "openai",
        SSE,
        chunk("a", usage={"prompt_tokens": 12, "completion_tokens": 1}) + WHOLE,
        USED,
    ),
    "of a start that never ends": (
        Form.ANTHROPIC_MESSAGE,
        "anthropic",
        SSE,
        event(
            {
                "type": "message_start",
                "message": {"model": "m", "usage": {"input_tokens": 12, "output_tokens": 1}},
            }
        )
        + event({"type": "error", "error": {"type": "overloaded_error"}}),
        None,
    ),
    "of a response that isn't done": (
        Form.OPENAI_RESPONSE,
        "openai",
        SSE,
        event({"type": "response.in_progress", "response": {"usage": {"input_tokens": 12}}}),
        None,
    ),
    "spread over lines": (
        Form.OPENAI_CHAT,
        "openai",
        SSE,
        b'data: {"choices":[],\ndata:"usage" :\t' + orjson.dumps(USAGE) + b"\ndata: }\n\n",
        USED,
    ),
    "twice in one object": (
        Form.OPENAI_CHAT,
        "openai",
        JSON,
        b'{"usage":{},"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":34}}',
        USED,
    ),
    "beside a number that is none": (
        Form.OPENAI_CHAT,
        "openai",
        JSON,
        b'{"choices":[{"logprobs":[NaN,-Infinity]}],"usage":' + orjson.dumps(USAGE) + b"}",
        USED,
    ),
    "beside bytes that are no text": (
        Form.OPENAI_CHAT,
        "openai",
        JSON,
        b'{"choices":[{"text":"\xff\xfe"}],"usage":' + orjson.dumps(USAGE) + b"}",
        USED,
    ),
}


@pytest.mark.parametrize("name", sorted(LIES))
def test_what_only_looks_like_usage_does_not_count(name: str) -> None:
    form, provider, kind, body, truth = LIES[name]
    for size in (None, 1, 17):
        through = reader(form, provider=provider, model="m")(kind)
        assert fed(through, body, size) == body
        assert used(through) == truth


@pytest.mark.parametrize(
    "count", ["NaN", "-1", '"12"', "true", "[12]", "{}", "1e300", "9007199254740993"]
)
def test_a_count_that_is_none_makes_the_usage_unknown(count: str) -> None:
    for kind, body in (
        (JSON, f'{{"choices":[],"usage":{{"prompt_tokens":{count}}}}}'),
        (SSE, f'data: {{"choices":[],"usage":{{"prompt_tokens":{count}}}}}\n\n'),
    ):
        through = chat(kind)
        fed(through, body.encode())
        assert through.reading() is None


@pytest.mark.parametrize(
    ("counted", "taken"), [("12", 12), ("12.0", 12), ("11.2", 12), ("null", 0), ("0", 0)]
)
def test_a_count_is_rounded_up(counted: str, taken: int) -> None:
    through = chat(JSON)
    fed(through, f'{{"usage":{{"prompt_tokens":{counted},"completion_tokens":3}}}}'.encode())
    assert used(through) == {Measure.INPUT_TOKEN: taken, Measure.OUTPUT_TOKEN: 3}


def test_usage_so_far_counts_when_an_error_ends_the_stream() -> None:
    told = chunk("a", usage=USAGE)
    for end, truth in (
        (event({"error": {"code": 502, "message": "gone"}}), USED),
        (DONE, USED),
        (b"", None),
    ):
        through = chat(provider="perplexity")
        fed(through, told + end)
        assert used(through) == truth


def cost_of(body: Any, *, provider: str, model: str | None, tier: str | None = None) -> Any:
    through = reader(Form.OPENAI_CHAT, provider=provider, model=model, tier=tier)(JSON)
    fed(through, orjson.dumps(body))
    reading = through.reading()
    return reading and (reading.cost, reading.source, reading.model)


def test_the_price_is_that_of_the_model_that_answered() -> None:
    tokens = Tokens(input=12, output=34)

    def listed(provider: str, model: str, tier: str | None = None) -> int | None:
        return prices.cost(provider, model, tokens, tier=tier)

    assert listed("openai", "gpt-4o") != listed("openai", "gpt-4o-mini")
    for asked, answered, priced in (
        ("gpt-4o", "gpt-4o-mini", "gpt-4o-mini"),
        (None, "gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4o", None, "gpt-4o"),
        # A snapshot that the list doesn't know has the price of what it is a snapshot of.
        ("gpt-4o", "gpt-4o-2031-01-01", "gpt-4o"),
    ):
        body = {"model": answered, "usage": USAGE}
        cost = listed("openai", priced)
        assert cost is not None
        assert cost_of(body, provider="openai", model=asked) == (
            cost,
            Source.USAGE,
            answered or asked,
        )
    for asked, answered in (("gpt-4o", "gpt-99"), (None, None), ("nobody", "nobody-2")):
        found = cost_of({"model": answered, "usage": USAGE}, provider="openai", model=asked)
        assert found == (None, Source.USAGE, answered or asked)


def test_the_answers_own_tier_decides_and_else_the_requests() -> None:
    tokens = Tokens(input=12, output=34)
    for told, asked, counts in (
        ("priority", "flex", "priority"),
        ("default", "priority", None),
        (None, "flex", "flex"),
    ):
        body = {"model": "gpt-5", "usage": USAGE, "service_tier": told}
        cost = prices.cost("openai", "gpt-5", tokens, tier=counts)
        assert cost_of(body, provider="openai", model="gpt-5", tier=asked)[0] == cost


def test_usage_that_tells_of_nothing_is_none() -> None:
    assert cost_of({"usage": {"queue_time": 1.5}}, provider="groq", model="m") is None
    assert cost_of({"usage": {"cost": "free"}}, provider="openrouter", model="m") is None


def test_a_provider_that_says_nothing_was_charged_is_held_to_the_list() -> None:
    body = {"model": "openai/gpt-4o", "usage": {**USAGE, "cost": 0}}
    cost, source, _ = cost_of(body, provider="openrouter", model="openai/gpt-4o")
    assert source is Source.USAGE
    assert cost is None or cost > 0
    free = {"model": "a/b:free", "usage": {**USAGE, "cost": 0}}
    assert cost_of(free, provider="openrouter", model="a/b:free")[0] == 0


def test_a_tool_whose_fee_is_unknown_makes_the_cost_unknown() -> None:
    for kind, known in (
        ("function_call", True),
        ("web_search_call", True),
        ("image_generation_call", False),
        ("tomorrows_call", False),
    ):
        through = reader(Form.OPENAI_RESPONSE, provider="openai", model="gpt-4.1")(JSON)
        usage = {"input_tokens": 12, "output_tokens": 34}
        body = {"model": "gpt-4.1", "output": [{"type": kind}], "usage": usage}
        fed(through, orjson.dumps(body))
        reading = through.reading()
        assert reading is not None
        assert reading.used == USED
        assert (reading.cost is not None) is known


def test_responses_over_a_websocket_add_up() -> None:
    through = reader(Form.OPENAI_RESPONSE, provider="openai", model="gpt-4.1")("")
    usage = {"input_tokens": 12, "output_tokens": 34}
    for number in range(3):
        response = {"id": number, "model": "gpt-4.1", "usage": usage}
        through.message(orjson.dumps({"type": "response.created", "response": response}))
        through.message(orjson.dumps({"type": "response.completed", "response": response}))
    cost = prices.cost("openai", "gpt-4.1", Tokens(input=12, output=34))
    assert cost is not None
    assert through.reading() == Reading(
        {Measure.INPUT_TOKEN: 36, Measure.OUTPUT_TOKEN: 102}, 3 * cost, model="gpt-4.1"
    )


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('ab"\\{}[]:, \n\u20ac', max_size=8)
    | st.sampled_from(["response.completed", "message_delta", "session.created", "STOP"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "usage",
                    "type",
                    "model",
                    "choices",
                    "output",
                    "response",
                    "message",
                    "session",
                    "usageMetadata",
                    "candidates",
                    "iterations",
                    "billed_units",
                    "meta",
                    "data",
                    "a",
                    'k"\\',
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=40, deadline=None)
@given(VALUES, st.sampled_from(sorted(Form)))
@example({"usage": {"input_tokens": [], "iterations": [1, [], {}]}}, Form.ANTHROPIC_MESSAGE)
@example({"usageMetadata": {"promptTokensDetails": 5}, "candidates": 7}, Form.GOOGLE_GENERATE)
@example({"type": [], "usage": {}, "data": {}}, Form.OPENAI_IMAGE)
def test_no_answer_whatever_makes_a_reader_raise(document: Any, form: Form) -> None:
    text = json.dumps(document).encode()
    made = reader(form, provider="openrouter", model="m", strip_usage=True)
    for kind, body in ((SSE, b"data: " + text + b"\n\n"), (JSON, text), (JSON, text[:-1])):
        through = made(kind)
        through.feed(body)
        through.flush()
        through.reading()
    through = made("")
    through.message(text)
    through.reading()


WANTED: dict[str, Wanted] = {
    "usage": None,
    "model": None,
    "response": {"usage": None, "message": {"type": None}},
    "output": Each({"type": None}),
    "data": Each(None),
}


def pruned(value: Any, wanted: Wanted) -> Any:
    """Give what is wanted of a value that was read whole."""
    if wanted is None:
        return value
    if isinstance(wanted, Each):
        if not isinstance(value, list):
            return None
        return [pruned(element, wanted.wanted) for element in value]
    if not isinstance(value, dict):
        return None
    return {name: pruned(value[name], part) for name, part in wanted.items() if name in value}


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted([*WANTED, "x", 'y"'])), VALUES, max_size=5),
    st.lists(st.integers(0, 10_000), max_size=12),
    st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}]),
)
def test_skimming_finds_what_reading_the_whole_would(
    document: Any, cuts: list[int], style: dict[str, Any]
) -> None:
    text = json.dumps(document, **style).encode()
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    skim = Skim(WANTED)
    found: list[Record] = []
    for start, end in pairwise(edges):
        found += skim.feed(text[start:end])
    assert found == [pruned(document, WANTED)]
    assert skim.whole
    assert not Skim(WANTED).feed(text[:-1])


@pytest.mark.parametrize(
    "text",
    [
        b'{"usage"',
        b'{"usage":',
        b'{"usage":}',
        b"[:",
        b'{"a"::1}',
        b"nothing",
        b'{"a" 1}',
        b"{1:2}",
    ],
)
def test_what_is_no_json_is_given_up(text: bytes) -> None:
    skim = Skim(WANTED)
    assert not [record for record in skim.feed(text) if record.get("usage")]
    assert not skim.whole
    assert not skim.feed(b' {"usage":1}') or text == b'{"usage":'


def test_what_is_too_much_to_keep_is_not_kept() -> None:
    for text in (
        b'{"usage":"' + b"u" * 70_000 + b'"}',
        b'{"output":[' + b"{}," * 5_000 + b"{}]}",
        b'{"' + b"k" * 70_000 + b'":1}',
    ):
        skim = Skim(WANTED)
        assert not skim.feed(text)
        assert not skim.whole


def grown(through: Reader, piece: bytes, times: int) -> int:
    """Give by how many bytes memory stood higher, at its highest, than after the first pieces."""
    for _ in range(100):
        through.feed(bytes(bytearray(piece)))
    tracemalloc.start()
    try:
        for _ in range(times):
            through.feed(bytes(bytearray(piece)))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("form", "kind", "piece", "times", "kibibytes"),
    [
        (Form.OPENAI_CHAT, SSE, chunk("word"), 2_000, 8),
        (Form.OPENAI_CHAT, SSE, chunk("word") * 200 + b"data: ", 200, 200),
        (Form.OPENAI_CHAT, SSE, b"no end to this event " * 1_000, 400, 2_500),
        (Form.OPENAI_CHAT, SSE, chunk("word", usage=USAGE), 2_000, 64),
        (Form.ANTHROPIC_MESSAGE, SSE, event({"type": "x", "usage": USAGE}), 2_000, 64),
        (Form.OPENAI_CHAT, JSON, b'"a long text", [1, {"usage": ' * 500, 100, 150),
        (Form.OPENAI_SPEECH, "audio/mpeg", b"\xff" * 10_000, 100, 40),
    ],
    ids=["events", "many at a time", "one event", "told", "merged", "JSON", "sound"],
)
@pytest.mark.parametrize("strip", [False, True])
def test_memory_does_not_grow_with_the_answer(
    form: Form, kind: str, piece: bytes, times: int, kibibytes: int, *, strip: bool
) -> None:
    through = reader(form, provider="openai", model="gpt-4o", strip_usage=strip)(kind)
    assert grown(through, piece, times) < kibibytes << 10
    assert times * len(piece) > 2 * kibibytes << 10
