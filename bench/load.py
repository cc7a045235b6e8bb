"""A light client: so many connections, each sending its next request when its answer is whole.

Runs as a process of its own, so that its cost is not the server's:
    python -m bench.load URL --connections 64 --seconds 3 --header 'name: value' --body TEXT
Prints one line of JSON: requests, failures, seconds, and latency percentiles in microseconds.
With --first it times the first byte of the body instead, as a stream's reader feels it.
"""

import argparse
import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httptools
import uvloop

_WARM_UP_SECONDS: Final = 0.3


@dataclass(slots=True)
class Tally:
    """What came of it."""

    until: float
    from_: float
    first: bool
    failures: int = 0
    taken: list[float] = field(default_factory=list)


class Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, request: bytes, tally: Tally, done: asyncio.Future[None]) -> None:
        self._request = request
        self._tally = tally
        self._done = done
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        self._send()

    def _send(self) -> None:
        self._asked = time.perf_counter()
        self._first_byte = 0.0
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, _: bytes) -> None:
        if not self._first_byte:
            self._first_byte = time.perf_counter()

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        tally = self._tally
        if now > tally.from_:
            if self._parser.get_status_code() == 200:
                tally.taken.append((self._first_byte if tally.first else now) - self._asked)
            else:
                tally.failures += 1
        if now >= tally.until:
            self._transport.close()
        else:
            self._parser = httptools.HttpResponseParser(self)
            self._send()

    def connection_lost(self, _: Exception | None) -> None:
        if time.perf_counter() < self._tally.until:
            self._tally.failures += 1
        if not self._done.done():
            self._done.set_result(None)


async def load(
    url: str, *, connections: int, seconds: float, headers: list[str], body: str, first: bool
) -> dict[str, float]:
    """Load one address and give the figures."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"host: {parts.netloc}",
        "content-type: application/json",
        f"content-length: {len(body.encode())}",
        *headers,
    ]
    request = "\r\n".join([*lines, "", body]).encode()
    loop = asyncio.get_running_loop()
    start = time.perf_counter() + _WARM_UP_SECONDS
    tally = Tally(until=start + seconds, from_=start, first=first)
    waiting = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(
            lambda done=done: Caller(request, tally, done),  # type: ignore[misc]
            parts.hostname,
            parts.port,
        )
        waiting.append(done)
    await asyncio.wait(waiting, timeout=seconds + 10)
    taken = sorted(tally.taken) or [0.0]

    def percentile(share: float) -> float:
        return round(taken[min(len(taken) - 1, int(len(taken) * share))] * 1e6, 1)

    return {
        "requests": len(tally.taken),
        "failures": tally.failures,
        "seconds": seconds,
        "p50": percentile(0.5),
        "p90": percentile(0.9),
        "p99": percentile(0.99),
    }


def main() -> None:
    """Read the command line, load, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--body", default="{}")
    parser.add_argument("--first", action="store_true")
    asked = parser.parse_args()
    print(
        json.dumps(
            uvloop.run(
                load(
                    asked.url,
                    connections=asked.connections,
                    seconds=min(asked.seconds, 60.0),
                    headers=asked.header,
                    body=asked.body,
                    first=asked.first,
                )
            )
        )
    )


if __name__ == "__main__":
    main()
