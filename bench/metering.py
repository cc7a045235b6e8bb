"""What metering adds to an answer as it passes: to a stream's CPU, and to memory.

A stream is brokered by two keystewards in turn, one of which does not meter; what each of its
events costs them is compared, and set beside what the reader alone takes of it. A stream of a
gibibyte goes through a reader, and the process's memory is shown before and after.

    python -m bench.metering [--rounds 7] [--seconds 3] [--streams 32] [--gibibytes 1]
"""

import argparse
import contextlib
import itertools
import json
import os
import statistics
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

import keysteward.house  # noqa: F401 - puts our folders on the path
from bench import installation
from bench.broker import Target, measured
from bench.installation import Process
from broker.other_keys import OtherKeys
from broker.scrub import Scrubber
from keysteward import cli
from metering.answers.forms import Form
from metering.answers.readers import reader
from metering.meters import catalogue
from metering.quotes import Quote, Reader, Request
from vault import traces
from vault.secret import Secret
from vault.vault import SHORTEST_KEY

UNMETERED: Final = "--unmetered"
_SSE: Final = "text/event-stream"
_KEY: Final = b"sk-proj-" + b"benchmark" * 5
_OTHERS: Final = 20
"""Keys of the account, besides the one in use."""
_MIB: Final = 1 << 20
_CHUNK: Final = 65_536
_EVENTS: Final = 20_000
_EVENTS_AN_ANSWER: Final = 400
_PACE: Final = 0.004
"""Seconds between the events of a stream: each comes by itself, as a model writes them."""

_CHAT: Final = (
    b'data: {"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk",'
    b'"created":1741569952,"model":"gpt-4o-mini-2024-07-18","service_tier":"default",'
    b'"system_fingerprint":"fp_50cad350e4","choices":[{"index":0,"delta":{"content":" hello"},'
    b'"logprobs":null,"finish_reason":null}]}\n\n'
)
_USAGE: Final = (
    b'data: {"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk",'
    b'"created":1741569952,"model":"gpt-4o-mini-2024-07-18","choices":[],'
    b'"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29}}\n\n'
)
_RESPONSE: Final = (
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
    b'"sequence_number":4,"item_id":"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654",'
    b'"output_index":0,"content_index":0,"delta":"Hi","logprobs":[]}\n\n'
)
_MESSAGE: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"Hello"}}\n\n'
)
_START: Final = (
    b'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-sonnet-4-5",'
    b'"usage":{"input_tokens":25,"output_tokens":1}}}\n\n'
)
_CONTENT: Final = (
    b'data: {"candidates": [{"content": {"parts": [{"text": "' + b"word " * 40 + b'"}],"role": '
    b'"model"},"index": 0}],"usageMetadata": {"promptTokenCount": 8,"candidatesTokenCount": 20,'
    b'"totalTokenCount": 28},"modelVersion": "gemini-2.5-flash","responseId": "x"}\r\n\r\n'
)
_ANSWER: Final = json.dumps(
    {
        "id": "chatcmpl-B9MBs8Cj",
        "object": "chat.completion",
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {"index": 0, "message": {"content": "word " * 340}, "finish_reason": "stop"},
        ],
        "usage": {"prompt_tokens": 19, "completion_tokens": 340, "total_tokens": 359},
    }
).encode()
EVENTS: Final[dict[str, tuple[Form, str, bool, bytes]]] = {
    "OpenAI, a chat": (Form.OPENAI_CHAT, "openai", False, _CHAT),
    "OpenAI, a chat whose usage we ask for": (
        Form.OPENAI_CHAT,
        "openai",
        True,
        _CHAT.replace(b'"choices"', b'"usage":null,"choices"'),
    ),
    "OpenAI, a response": (
        Form.OPENAI_RESPONSE,
        "openai",
        False,
        _RESPONSE,
    ),
    "Anthropic, a message": (
        Form.ANTHROPIC_MESSAGE,
        "anthropic",
        False,
        _MESSAGE,
    ),
    "Gemini, whose every event tells": (
        Form.GOOGLE_GENERATE,
        "google",
        False,
        _CONTENT,
    ),
}


def reader_of(kind: str) -> Reader:
    """Make the reader of one kind of event."""
    form, provider, strip, _ = EVENTS[kind]
    return reader(form, provider=provider, model="gpt-4o-mini", strip_usage=strip)(_SSE)


def seconds_for(each: Callable[[bytes], object], chunk: bytes, times: int) -> float:
    """Give the CPU seconds of one of so many calls."""
    began = time.process_time()
    for _ in itertools.repeat(None, times):
        each(chunk)
    return (time.process_time() - began) / times


def alone(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Measure a reader by itself, and beside it the scrubber, which looks at every answer too.

    The scrubber looks for the key in use, and then for the account's other keys as well.
    """
    parts = ("reader", "scrubber", "scrubber of 20 others")
    found: dict[str, dict[str, list[float]]] = {
        kind: {f"{part}{of}": [] for of in ("", ", GiB") for part in parts} for kind in EVENTS
    }
    scrubber = Scrubber(Secret(_KEY))
    with_others = Scrubber(Secret(_KEY), other_keys())
    for _ in range(rounds):
        for kind, (_, _, _, event) in EVENTS.items():
            through, figures = reader_of(kind), found[kind]
            through.feed(_START)
            many = (event * (_CHUNK // len(event) + 1))[:_CHUNK]
            feeds = (through.feed, scrubber.feed, with_others.feed)
            for name, each in zip(parts, feeds, strict=True):
                figures[name].append(seconds_for(each, event, _EVENTS) * 1e6)
                times = 32 * _MIB // _CHUNK
                figures[f"{name}, GiB"].append(seconds_for(each, many, times) * (1 << 30) / _CHUNK)
    return found


def other_keys() -> OtherKeys:
    """Make the keys that an account has besides: of a service with one password, of models."""
    made = [b"sk-ant-api03-%s" % os.urandom(40).hex().encode() for _ in range(_OTHERS - 1)]
    made.append(b"AC%s:%s" % (os.urandom(16).hex().encode(), os.urandom(16).hex().encode()))
    return OtherKeys(
        trace for key in made for trace in traces.read(traces.written(Secret(key), SHORTEST_KEY))
    )


def whole_answer(rounds: int) -> list[float]:
    """Measure the microseconds that a short JSON answer takes, its price included."""
    made = reader(Form.OPENAI_CHAT, provider="openai", model="gpt-4o-mini")

    def once(body: bytes) -> None:
        through = made("application/json")
        through.feed(body)
        if through.reading() is None:
            raise RuntimeError("The answer told nothing.")

    once(_ANSWER)
    return [seconds_for(once, _ANSWER, 2_000) * 1e6 for _ in range(rounds)]


def billed(fake: Process) -> int:
    """Give what the fake provider charged so far, in nano-dollars: as much for each stream."""
    with urllib.request.urlopen(f"{fake.url}/bill") as answer:  # noqa: S310 - loopback
        return int(json.load(answer).get("openai", 0))


def brokered(
    fake: Process, servers: dict[str, Target], rounds: int, seconds: float, streams: int
) -> dict[str, list[float]]:
    """Measure the CPU microseconds of an event, as each server brokers the same streams."""
    body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    stream = json.dumps(body)
    direct = Target.with_token(f"{fake.url}/openai", installation.KEY, fake)
    before = billed(fake)
    one = measured(direct.load(1, 0.01, stream))
    price = (billed(fake) - before) // max(1, int(one["requests"]))
    found: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(rounds):
        for name, target in servers.items():
            charged, spent = billed(fake), target.process.cpu_seconds
            measured(target.load(streams, seconds, stream))
            spent = target.process.cpu_seconds - spent
            answers = (billed(fake) - charged) / price
            found[name].append(spent / (answers * _EVENTS_AN_ANSWER) * 1e6)
    return found


def unmetered(quote: Callable[[Request], Quote]) -> Callable[[Request], Quote]:
    """Quote as ever, and then look at no answer."""
    return lambda request: replace(quote(request), reader=None, edits=())


def compared(rounds: int, seconds: float, streams: int) -> dict[str, list[float]]:
    """Broker streams with metering and without, in turn."""
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(installation.fake_provider(events=_EVENTS_AN_ANSWER, pace=_PACE))
        servers = {}
        for name, command in (
            ("with metering", None),
            ("without", [sys.executable, "-m", "bench.metering", UNMETERED]),
        ):
            process = stack.enter_context(installation.keysteward(fake.url, command=command))
            person = installation.Person(process.url)
            person.add_key()
            url = f"{process.url}/via/openai"
            servers[name] = Target.with_token(url, person.create_tool(), process)
        brokered(fake, servers, 1, 1.0, streams)
        return brokered(fake, servers, rounds, seconds, streams)


def resident() -> float:
    """Give this process's resident memory, in MB, at its highest so far."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024 / 1e6


def endless(gibibytes: float) -> dict[str, float]:
    """Pass one stream of such a length through a reader, an event at a time."""
    through = reader_of("OpenAI, a chat whose usage we ask for")
    whole_answer(1)  # which reads the list of prices, once and for all
    found = {"RSS before, MB": resident()}
    events = int(gibibytes * (1 << 30)) // len(_CHAT)
    began = time.process_time()
    for _ in itertools.repeat(None, events):
        through.feed(_CHAT)
    found["CPU seconds"] = time.process_time() - began
    # Each cut at another place, so that the pieces fit no event.
    many = _CHAT * 300
    for at in range(int(gibibytes * (1 << 30)) // len(many)):
        cut = at % len(many)
        through.feed(many[:cut])
        through.feed(many[cut:])
    through.feed(_USAGE)
    through.flush()
    if through.reading() is None:
        raise RuntimeError("The stream told nothing.")
    found["RSS after, MB"] = resident()
    return {name: round(value, 2) for name, value in found.items()}


def middle(values: list[float]) -> str:
    """Give the median, and the least and the greatest."""
    return f"{statistics.median(values):.2f}  ({min(values):.2f}-{max(values):.2f})"


def table_of(found: dict[str, dict[str, list[float]]]) -> Table:
    """Show the readers by themselves."""
    shown = Table(title="A reader by itself, and the scrubber: median (least-greatest)")
    scrubbers = ("scrubber", f"of {_OTHERS} others")
    columns = ("µs an event", *scrubbers, "s a GiB in 64 KiB pieces", *scrubbers)
    for column in ("", *columns):
        shown.add_column(column, justify="right" if column else "left")
    for kind, figures in found.items():
        shown.add_row(kind, *map(middle, figures.values()))
    return shown


def main() -> None:
    """Run it all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--gibibytes", type=float, default=1.0)
    asked = parser.parse_args()
    console = Console()
    console.print(installation.machine())
    memory = endless(asked.gibibytes)
    console.print(f"A stream of {asked.gibibytes} GiB, twice: {memory}")
    by_itself = alone(asked.rounds)
    console.print(table_of(by_itself))
    answer = whole_answer(asked.rounds)
    console.print(f"A JSON answer of {len(_ANSWER)} bytes, read and priced: {middle(answer)} µs")
    beside = compared(asked.rounds, asked.seconds, asked.streams)
    for name, values in beside.items():
        console.print(f"An event of a brokered stream, {name}: {middle(values)} µs of CPU")
    ratios = [on / off for on, off in zip(beside["with metering"], beside["without"], strict=True)]
    console.print(f"Ratio, round by round: {middle(ratios)}")
    event = statistics.median(by_itself["OpenAI, a chat whose usage we ask for"]["reader"])
    share = event / statistics.median(beside["without"])
    console.print(f"The reader's own part of an event: {event:.2f} µs, or {share:.1%}")
    chat = by_itself["OpenAI, a chat"]
    added = [
        more - less
        for more, less in zip(chat["scrubber of 20 others"], chat["scrubber"], strict=True)
    ]
    others = statistics.median(added) / statistics.median(beside["without"])
    console.print(f"{_OTHERS} other keys' part of an event: {middle(added)} µs, or {others:.1%}")
    installation.write_results(
        "metering",
        {
            "memory": memory,
            "by itself": by_itself,
            "a JSON answer, µs": answer,
            "an event of a brokered stream, µs": beside,
            "ratio": ratios,
            "the reader's part": share,
            "the other keys' part": others,
        },
    )


if __name__ == "__main__":
    if UNMETERED in sys.argv:
        sys.argv.remove(UNMETERED)
        catalogue.quote = unmetered(catalogue.quote)  # type: ignore[assignment]
        cli.run()
    else:
        main()
