"""Requests that would have cost more than their quote said, each with what is said of it now.

A reviewer found most of them. What stands last in a row is a piece of the sentence that refuses it,
or the nano-dollars that it may cost at least, worked out by hand.
"""

import json
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from metering import Measure, Quote, Request, sound
from metering.meters.catalogue import quote
from metering.quotes import Edit

Json = dict[str, Any]
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
DEEPSEEK, OPENROUTER = "/chat/completions", "/api/v1/chat/completions"
SMS: Final = "/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json"
GEMINI: Final = "/v1beta/models/{}:generateContent"
HELLO: Final = [{"role": "user", "content": "hello"}]
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data; boundary=SeaM"
ISSUES: Final = "/repos/o/r/issues"


@dataclass(frozen=True)
class Attack:
    """A request, and what its quote must be: a refusal's words, or an amount at least."""

    provider: str
    path: str
    sent: Any
    now: str | int
    method: str = "POST"
    query: str = ""
    kind: str = "application/json"


def asked(attack: Attack) -> Quote:
    sent, kind = attack.sent, attack.kind
    if isinstance(sent, bytes) or sent is None:
        body = sent
    elif kind == FORM:
        body = urlencode(sent).encode()
    else:
        body = json.dumps(sent).encode()
    headers = {b"content-type": kind.encode()}
    return quote(
        Request(
            attack.provider, attack.method, attack.path, attack.query, kind.lower(), headers, body
        )
    )


def parts(*fields: tuple[str, str | bytes], seam: str = "SeaM") -> bytes:
    """Make a multipart form; bytes become a file."""
    lines = b""
    for name, value in fields:
        file = '; filename="a"' if isinstance(value, bytes) else ""
        head = f'--{seam}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        lines += head.encode() + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return lines + f"--{seam}--\r\n".encode()


def chat(model: str, *parts: Json, **more: Any) -> Json:
    said = [{"role": "user", "content": list(parts)}] if parts else HELLO
    return {"model": model, "messages": said, "max_tokens": 9, **more}


def claude(**more: Any) -> Json:
    return {**chat("claude-haiku-4-5"), **more}


def searched(**more: Any) -> Json:
    return claude(tools=[{"type": "web_search_20260209", "name": "web_search", **more}])


def graphql(mutation: str, **more: Any) -> Json:
    return {"query": f'mutation {{ {mutation}(input: {{a: "b"}}) {{ id }} }}', **more}


def assigned(**more: Any) -> Json:
    return {"title": "It is broken", **more}


FILE: Final = {"type": "input_file", "file_id": "file-1"}
OUTPUT: Final = {"type": "function_call_output", "call_id": "c", "output": [FILE]}
DIRECT: Final = ["direct"]
TEXT: Final = {"To": "+16175550123", "From": "+16175550199", "Body": "a" * 1_530}
HEARD: Final = "/v1/speech-to-text"
# Bounded at $0.48 an hour, which makes 133,333.3 nano-dollars a second; of five channels at most.
SECOND: Final = (
    ("model_id", "scribe_v2"),
    ("file_format", "pcm_s16le_16"),
    ("file", bytes(32_000)),
)
# 65,536 tokens of thoughts that no cap is known to hold, at $2.50, and 32,768 of a picture at $30.
DRAWN: Final = 65_536 * 2_500 + 32_768 * 30_000
# As many at $2, and as many of speech at $12.
SPOKEN: Final = 65_536 * 2_000 + 32_768 * 12_000

ATTACKS: Final[Mapping[str, Attack]] = {
    "OpenAI: a model that searches": Attack(
        "openai", CHAT, chat("gpt-5-search-api"), "How often `gpt-5-search-api` searches"
    ),
    "OpenAI: one that did so before": Attack(
        "openai", CHAT, chat("gpt-4o-mini-search-preview-2025-03-11"), "Use another model"
    ),
    "xAI: what is refused has a fee": Attack("xai", CHAT, chat("grok-4.7"), 50_000_000 + 9 * 6_000),
    "xAI: so has a response": Attack(
        "xai", RESPONSES, {"model": "grok-4.7", "input": "a", "max_output_tokens": 9}, 50_054_000
    ),
    "xAI: several agents": Attack("xai", CHAT, chat("grok-4.20-multi-agent"), "How many agents"),
    "xAI: agents in a response": Attack(
        "xai", RESPONSES, {"model": "Grok-4.20-Multi-Agent", "input": "a"}, "How many agents"
    ),
    "xAI: a file that is searched": Attack(
        "xai", CHAT, chat("grok-4.7", {"type": "file", "file": {"file_id": "1"}}), "searches a file"
    ),
    "xAI: a file of a response": Attack(
        "xai",
        RESPONSES,
        {"model": "grok-4.7", "input": [{"role": "user", "content": [FILE]}]},
        "searches a file",
    ),
    "xAI: a file that a tool gave": Attack(
        "xai", RESPONSES, {"model": "grok-4.7", "input": [OUTPUT]}, "searches a file"
    ),
    "xAI: a file that is attached": Attack(
        "xai",
        CHAT,
        chat("grok-4.7", messages=[{"role": "user", "content": "a", "attachments": [{}]}]),
        "searches a file",
    ),
    "xAI: what is loaded": Attack(
        "xai", "/v1/files/file_1/content", None, "by their size", method="GET"
    ),
    "OpenRouter: a preset": Attack(
        "openrouter", OPENROUTER, chat("@preset/all-tools"), "what an answer of"
    ),
    "OpenRouter: a preset of a model": Attack(
        "openrouter", OPENROUTER, chat("deepseek/deepseek-chat@preset/a"), "what an answer of"
    ),
    "OpenRouter: searches within a name": Attack(
        "openrouter", OPENROUTER, chat("deepseek/deepseek-chat:ONLINE:nitro"), "the searches of"
    ),
    "OpenRouter: a router": Attack(
        "openrouter", OPENROUTER, chat("openrouter/auto"), "what an answer of"
    ),
    "OpenRouter: what draws": Attack(
        "openrouter", OPENROUTER, chat("google/gemini-2.5-flash-image"), "what an answer of"
    ),
    "Anthropic: thoughts past the cap": Attack(
        "anthropic",
        MESSAGES,
        claude(thinking={"type": "enabled", "budget_tokens": 30_000}),
        "below `max_tokens`",
    ),
    "Anthropic: a budget that is a text": Attack(
        "anthropic", MESSAGES, claude(thinking={"budget_tokens": "30000"}), "a whole number"
    ),
    "Anthropic: searches by code": Attack(
        "anthropic", MESSAGES, searched(max_uses=1), '`"allowed_callers": ["direct"]`'
    ),
    "Anthropic: searches by code as well": Attack(
        "anthropic",
        MESSAGES,
        searched(max_uses=1, allowed_callers=["direct", "code_execution_20260120"]),
        '`"allowed_callers": ["direct"]`',
    ),
    "Anthropic: turns after a search": Attack(
        # Ten turns read a window of a million tokens, at $1 each; and $0.01 for the search.
        "anthropic",
        MESSAGES,
        searched(max_uses=1, allowed_callers=DIRECT),
        10_010_000_000,
    ),
    "Anthropic: searches that may not be": Attack(
        "anthropic", MESSAGES, searched(max_uses=0, allowed_callers=DIRECT), 10_000_000_000
    ),
    "Google: a picture by OpenAI's form": Attack(
        "google",
        "/v1beta/openai/chat/completions",
        chat("gemini-2.5-flash-image", max_tokens=32_768),
        DRAWN,
    ),
    "Google: modalities as a text": Attack(
        "google",
        GEMINI.format("gemini-live-2.5-flash-preview"),
        {
            "contents": [{"parts": [{"text": "hello"}]}],
            "generationConfig": {"maxOutputTokens": 32_768, "responseModalities": "AUDIO"},
        },
        SPOKEN,
    ),
    "Google: no requests, and a recording": Attack(
        "google",
        "/v1beta/models/gemini-embedding-001:embedContent",
        {"requests": None, "content": {"parts": [{"surprise": 1}]}},
        "`surprise` may cost",
    ),
    "Google: another method": Attack(
        "google",
        GEMINI.format("gemini-2.5-pro"),
        None,
        "what this query may do",
        method="GET",
        query="alt=json&%24httpMethod=POST",
    ),
    "Mistral: sound by the hour": Attack(
        "mistral",
        CHAT,
        chat("voxtral-small-latest", {"type": "input_audio", "input_audio": "QQ=="}),
        "no price of the model `voxtral-small-latest`",
    ),
    "Twilio: no picture after all": Attack(
        "twilio", SMS, {**TEXT, "MediaUrl": ""}, "can't read this message's fields", kind=FORM
    ),
    "Twilio: nor one of blanks": Attack(
        "twilio", SMS, {**TEXT, "MediaUrl": " "}, "can't read this message's fields", kind=FORM
    ),
    "Twilio: neither true nor false": Attack(
        "twilio", SMS, {**TEXT, "SendAsMms": "0"}, "can't read this message's fields", kind=FORM
    ),
    "GitHub: a workflow by its number": Attack(
        "github", "/repositories/1/actions/workflows/2/dispatches", {"ref": "main"}, "GitHub"
    ),
    "GitHub: a codespace by its number": Attack(
        "github", "/%72epositories/1/codespaces", {}, "GitHub"
    ),
    "GitHub: a seat by its number": Attack("github", "/organizations/1/invitations", {}, "GitHub"),
    "GitHub: a seat of a team": Attack(
        "github", "/organizations/1/team/2/memberships/ada", {}, "GitHub", method="PUT"
    ),
    "GitHub: an agent is assigned": Attack(
        "github", ISSUES, assigned(assignees=["copilot-swe-agent[bot]"]), "GitHub"
    ),
    "GitHub: before it is named": Attack(
        "github", ISSUES, {"assignees": ["Copilot"], "title": "a"}, "GitHub"
    ),
    "GitHub: another agent": Attack("github", ISSUES, assigned(assignees=["Claude"]), "GitHub"),
    "GitHub: an agent in escapes": Attack(
        "github", ISSUES, rb'{"title":"a","\u0061ssignees":["\u0043opilot"]}', "GitHub"
    ),
    "GitHub: an agent with a task": Attack(
        "github", ISSUES, assigned(agent_assignment={"model": "a"}), "GitHub"
    ),
    "GitHub: an agent that is asked": Attack(
        "github", "/repos/o/r/issues/1/comments", {"body": "@copilot do it again"}, "GitHub"
    ),
    "GitHub: security by the head": Attack(
        "github",
        "/repos/o/r",
        {"security_and_analysis": {"advanced_security": {"status": "enabled"}}},
        "GitHub",
        method="PATCH",
    ),
    "GitHub: an agent by GraphQL": Attack(
        "github", "/graphql", graphql("replaceActorsForAssignable"), "GitHub"
    ),
    "GitHub: one that is asked there": Attack(
        "github",
        "/graphql",
        {"query": 'mutation { addComment(input: {body: "@claude go"}) { id } }'},
        "GitHub",
    ),
    "GitHub: a kept document": Attack(
        "github", "/graphql", graphql("addStar", documentId="1"), "can't tell what this document"
    ),
    "Railway: a kept document": Attack(
        "railway", "/graphql/v2", graphql("serviceDelete", documentId="1"), "keysteward"
    ),
    "Stripe: a card that is issued": Attack(
        "stripe", "/v1/issuing/cards", {"type": "physical"}, "Stripe", kind=FORM
    ),
    "Stripe: a tax that is kept": Attack(
        "stripe", "/v1/tax/transactions/create_from_calculation", {}, "Stripe", kind=FORM
    ),
    "ElevenLabs: channels, said twice": Attack(
        "elevenlabs",
        HEARD,
        parts(*SECOND, ("use_multi_channel", "false"), ("use_multi_channel", "true")),
        5 * 133_333,
        kind=MULTIPART,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_what_cost_more_than_its_quote_said_is_refused_or_paid_for(name: str) -> None:
    attack = ATTACKS[name]
    found = asked(attack)

    if isinstance(attack.now, int):
        assert found.price is not None, found.why
        assert found.price >= attack.now
        return
    assert found.price is None
    assert attack.now in found.why


HONEST: Final[Mapping[str, Attack]] = {
    "OpenAI": Attack("openai", CHAT, chat("gpt-5"), 0),
    "a Claude that thinks within its cap": Attack(
        "anthropic",
        MESSAGES,
        claude(thinking={"type": "enabled", "budget_tokens": 1_024}, max_tokens=1_025),
        0,
    ),
    "a Gemini read with a query": Attack(
        "google", "/v1beta/models", None, 0, method="GET", query="$alt=json&pageSize=5"
    ),
    "a picture message": Attack(
        "twilio", SMS, {**TEXT, "MediaUrl": "https://x.example/a.png"}, 0, kind=FORM
    ),
    "an issue of people": Attack("github", ISSUES, assigned(assignees=["ada"]), 0),
    "an issue about an agent": Attack("github", ISSUES, assigned(body="Copilot did it"), 0),
    "an issue by its number": Attack("github", "/repositories/1/issues", assigned(), 0),
    "a star": Attack("github", "/graphql", graphql("addStar", operationName=None), 0),
}


@pytest.mark.parametrize("name", sorted(HONEST))
def test_what_is_alike_and_honest_is_still_quoted(name: str) -> None:
    honest = HONEST[name]
    found = asked(honest)
    assert found.price is not None, found.why
    assert found.price < 100_000_000


def test_a_cap_that_its_provider_has_never_heard_of_is_none() -> None:
    body = {"model": "deepseek-chat", "messages": HELLO, "max_completion_tokens": 5}
    found = asked(Attack("deepseek", DEEPSEEK, body, 0))
    assert found.capping == (Edit(("max_tokens",), 5),)
    assert found.at_most[Measure.OUTPUT_TOKEN] == 5
    # Should it hear of it tomorrow, the higher one may count.
    both = asked(Attack("deepseek", DEEPSEEK, {**body, "max_tokens": 2}, 0))
    assert both.capping == ()
    assert both.at_most[Measure.OUTPUT_TOKEN] == 5


def test_of_a_picture_in_the_body_only_what_stands_for_it_is_no_text() -> None:
    def read(url: str, **more: Any) -> int:
        picture = {"type": "image_url", "image_url": {"url": url, **more}}
        return asked(Attack("openai", CHAT, chat("gpt-5", picture), 0)).at_most[Measure.INPUT_TOKEN]

    elsewhere = read("https://a")
    assert read("data:image/png;base64," + "A" * 90_000) == elsewhere - len("https://a")
    assert read("data:text/plain," + "A" * 90_000) > elsewhere + 90_000
    assert read("https://a/" + "A" * 90_000) > elsewhere + 90_000
    assert read("data:image/png;base64,A", detail="A" * 90_000) > elsewhere + 90_000


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/customers/cus_1"])
def test_a_balance_given_to_a_customer_moves_nobody_knows_how_much(path: str) -> None:
    for balance, moves in (({"balance": "-100000"}, True), ({}, False)):
        sent = {"name": "Ada", **balance}
        assert asked(Attack("stripe", path, sent, 0, kind=FORM)).moves_unknown is moves


def test_a_second_in_one_channel_is_paid_once_and_a_boundary_may_be_in_capitals() -> None:
    found = asked(Attack("elevenlabs", HEARD, parts(*SECOND), 0, kind=MULTIPART))
    assert found.price == 133_334


def test_what_xai_refuses_costs_its_fee_and_no_other_provider_has_one() -> None:
    assert asked(Attack("xai", CHAT, chat("grok-4.7"), 0)).refusal == 50_000_000
    assert asked(Attack("openai", CHAT, chat("gpt-5"), 0)).refusal == 0


def test_a_body_of_nothing_but_an_agent_s_name_holds_nobody_up() -> None:
    before = time.process_time()
    for said in (b'"copilot' * 100_000, b'"assignees"' * 100_000):
        asked(Attack("github", ISSUES, said, 0))
    assert time.process_time() - before < 0.5


# Recordings that play for longer than they say

AAC: Final = bytes.fromhex("fff16c40017ffc01182007")
"""1,024 samples of silence at 8 kHz: eleven bytes for 128 milliseconds."""


def wav(samples: bytes, bits: int = 16, before: bytes = b"") -> memoryview:
    block, rate = bits // 8, 16_000
    head = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * block, block, bits)
    return memoryview(
        b"RIFF\xff\xff\xff\x7fWAVEfmt " + head + before + b"data\xff\xff\xff\x7f" + samples
    )


def mpeg(filling: bytes, frames: int) -> bytes:
    """Write frames of MPEG audio, one after the other: layer III, 320 kbit/s, 32 kHz."""
    size = 144 * 320_000 // 32_000 - 4
    held = (filling * (size // len(filling))).ljust(size, b"\0")
    return (b"\xff\xfb\xe8\xc0" + held) * frames


def small(filling: int = 0) -> bytes:
    """Write a frame of MPEG audio: layer III, 8 kbit/s, 8 kHz."""
    return b"\xff\xe3\x18\xc0" + bytes([filling]) * 68


def longer(frame: bytes) -> bytes:
    """End a frame of AAC with what begins the next one."""
    size = len(frame) + 1
    told = bytes([frame[3] & 0xFC, size >> 3, (size & 7) << 5 | frame[5] & 31])
    return frame[:3] + told + frame[6:] + b"\xff"


@pytest.mark.parametrize(
    "samples",
    [
        AAC * 1_000,
        (AAC + AAC[:1] + b"\xf9" + AAC[2:]) * 500,  # MPEG-4 and MPEG-2 by turns
        longer(AAC) * 1_000,
        b"\1" * 5_000 + AAC * 1_000,
        small() * 100,
        bytes(50) + small() * 3,
        (b"\x56\xe0\x08" + bytes(8)) * 100,  # LOAS
        (b"\x0b\x77" + bytes(62)) * 30,  # AC-3
        (b"\x7f\xfe\x80\x01" + bytes(92)) * 30,  # DTS
    ],
    ids=["AAC", "by turns", "tail", "later", "MP3", "after zeros", "LOAS", "AC-3", "DTS"],
)
def test_frames_of_another_codec_are_no_samples_of_sixteen_bits(samples: bytes) -> None:
    assert sound.most_seconds(wav(samples)) is None
    # Nobody looks for them in samples of other widths.
    assert sound.most_seconds(wav(samples, 8)) == -(-(len(samples) + 44) // 16_000)


def test_the_samples_begin_where_the_decoder_has_them_begin() -> None:
    def seconds(samples: bytes, name: bytes, size: int, held: bytes) -> int | None:
        chunk = name + struct.pack("<I", size) + held
        return sound.most_seconds(wav(samples, before=chunk))

    far = bytes(200_000)
    assert seconds(bytes(32_000), b"LIST", len(far), far) == 8
    assert seconds(AAC * 3, b"LIST", len(far), far) is None
    assert seconds(bytes(32_000), b"XMA2", len(far), far) is None
    assert seconds(bytes(32_000), b"LIST", len(far) - 1, far) is None
    assert seconds(bytes(32_000), b"LIST", 1 << 31, far) is None
    assert seconds(bytes(32_000), b"fmt ", len(far), far) is None


def quiet(loudness: int) -> Iterator[int]:
    number = 1
    while True:
        number = number * 1_103_515_245 + 12_345 & 0x7FFFFFFF
        yield (number >> 8) % (2 * loudness + 1) - loudness


@pytest.mark.parametrize("loudness", [1, 20, 300, 32_000])
def test_a_recording_of_sixteen_bits_is_as_long_as_its_samples(loudness: int) -> None:
    samples = b"".join(
        struct.pack("<h", one) for one, _ in zip(quiet(loudness), range(32_000), strict=False)
    )
    assert sound.most_seconds(wav(samples)) == 3


def test_an_mp3_has_no_bound_since_another_codec_may_hide_within_its_frames() -> None:
    """FFmpeg 8 played AAC out of the first for 175 seconds, and out of the second for 51."""
    hidden = mpeg(AAC, 12)
    assert len(hidden) == 17_280
    tag = b"ID3\x04\0\0\x80\0" + bytes([len(AAC * 400) >> 7, len(AAC * 400) & 127]) + AAC * 400
    for recording in (hidden, tag + small() * 8, mpeg(b"\0", 12), small() * 100):
        assert sound.most_seconds(memoryview(recording)) is None
