"""What a call costs on its way out: broker.outbound beside aiohttp and the least that is possible.

All three POST 1 KB to the same loopback server, in another process on another core, and read 2 KB
with a provider's headers. The floor writes fixed bytes and counts what returns: it parses nothing,
so it is what event loop and kernel cost. Rounds are interleaved; shown are median and spread.

    python bench/outbound.py [--rounds 7] [--seconds 1.0] [--json FILE]
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import aiohttp
import httptools
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from broker.outbound import Outbound, Upstream

_HOST: Final = "127.0.0.1"
_TARGET: Final = "/v1/chat/completions"
_QUESTION: Final = b'{"model":"model-of-no-provider","messages":"' + b"q" * 980 + b'"}'
_HEADERS: Final = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "authorization": "Bearer made-up-" + "k" * 40,
    "content-type": "application/json",
    "user-agent": "bench/1",
    "x-stainless-lang": "python",
    "x-stainless-runtime": "CPython",
}
_BODY: Final = b'{"id":"answer","choices":"' + b"a" * 2_000 + b'"}'
_ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\n"
    b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    b"Content-Type: application/json\r\n"
    b"Connection: keep-alive\r\n"
    b"Server: bench\r\n"
    b"X-Request-Id: req_0123456789\r\n"
    b"X-Ratelimit-Limit-Requests: 10000\r\n"
    b"X-Ratelimit-Remaining-Requests: 9999\r\n"
    b"X-Ratelimit-Reset-Requests: 6ms\r\n"
    b"Strict-Transport-Security: max-age=31536000\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
    b"Vary: Accept-Encoding\r\n"
    b"Content-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY

Call = Callable[[], Awaitable[None]]


class _Server(asyncio.Protocol):
    """Answers each whole request with the same bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._transport.write(_ANSWER)  # type: ignore[attr-defined]


def _serve(tell: Connection) -> None:
    _pin(1)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Server, _HOST, 0)
        tell.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def _pin(core: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})


class _Floor(asyncio.Protocol):
    """Writes what it is told and counts until an answer's length has come."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, request: bytes) -> Awaitable[None]:
        self._left = len(_ANSWER)
        self._done: asyncio.Future[None] = self._loop.create_future()
        self.transport.write(request)  # type: ignore[attr-defined]
        return self._done

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if not self._left:
            self._done.set_result(None)


class Client:
    """One of the contestants: `open` gives what makes one call, `close` ends it."""

    name: str

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self, connections: int) -> Call:
        """Get ready."""
        raise NotImplementedError

    async def close(self) -> None:
        """Have done."""
        raise NotImplementedError


class Floor(Client):
    """No HTTP at all."""

    name = "floor (no parsing)"

    async def open(self, connections: int) -> Call:
        """Connect once a caller, and write the request's bytes once and for all."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in _HEADERS.items())
        head = f"POST {_TARGET} HTTP/1.1\r\nhost: {_HOST}:{self.port}\r\n{lines}"
        request = f"{head}content-length: {len(_QUESTION)}\r\n\r\n".encode() + _QUESTION
        loop = asyncio.get_running_loop()
        self._idle = [
            (await loop.create_connection(_Floor, _HOST, self.port))[1] for _ in range(connections)
        ]

        async def call() -> None:
            connection = self._idle.pop()
            await connection.ask(request)
            self._idle.append(connection)

        return call

    async def close(self) -> None:
        """Close each connection."""
        for connection in self._idle:
            connection.transport.close()


class Ours(Client):
    """broker.outbound, as the broker uses it."""

    name = "broker.outbound"

    async def open(self, connections: int) -> Call:
        """Make an Outbound that may speak to loopback."""
        self._outbound = outbound = Outbound(most_idle=connections)
        upstream = Upstream(_HOST, self.port, tls=False, private_allowed=True)
        headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
        target = _TARGET.encode()

        async def call() -> None:
            answer = await outbound.send(upstream, b"POST", target, headers, _QUESTION)
            size = 0
            async for chunk in answer:
                size += len(chunk)
            await answer.aclose()
            assert answer.status == 200
            assert size == len(_BODY)

        return call

    async def close(self) -> None:
        """Close its connections."""
        await self._outbound.close()


class Aiohttp(Client):
    """aiohttp with everything off that it can leave out."""

    name = f"aiohttp {aiohttp.__version__}"

    async def open(self, connections: int) -> Call:
        """Make a session without cookies, redirects or decoding."""
        self._session = session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            timeout=aiohttp.ClientTimeout(total=None, sock_read=300, sock_connect=10),
        )
        url = f"http://{_HOST}:{self.port}{_TARGET}"

        async def call() -> None:
            async with session.post(
                url, data=_QUESTION, headers=_HEADERS, allow_redirects=False
            ) as answer:
                size = 0
                async for chunk in answer.content.iter_any():
                    size += len(chunk)
                assert answer.status == 200
                assert size == len(_BODY)

        return call

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one client."""

    per_second: float
    cpu_microseconds: float


async def _round(client: Client, connections: int, seconds: float) -> Sample:
    call = await client.open(connections)
    loop = asyncio.get_running_loop()
    for _ in range(200):
        await call()
    end = loop.time() + seconds
    made = 0

    async def caller() -> None:
        nonlocal made
        while loop.time() < end:
            await call()
            made += 1

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(connections)))
    cpu, took = time.process_time() - cpu, time.perf_counter() - began
    await client.close()
    return Sample(made / took, cpu / made * 1e6)


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):9,.1f}  ({min(values):,.1f} to {max(values):,.1f})"


def main() -> None:
    """Run the rounds, print the table, write the JSON."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--seconds", type=float, default=1.0)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    spawn = get_context("spawn")
    hear, tell = spawn.Pipe(duplex=False)
    server = spawn.Process(target=_serve, args=(tell,), daemon=True)
    server.start()
    port = hear.recv()
    _pin(0)
    clients = [Floor(port), Ours(port), Aiohttp(port)]
    print(f"Python {platform.python_version()}, uvloop {version('uvloop')}, {platform.machine()},")
    print(f"{os.cpu_count()} cores; {chosen.rounds} rounds of {chosen.seconds:g} s, interleaved")
    found: list[dict[str, object]] = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for connections in (1, 64):
            samples: dict[str, list[Sample]] = {client.name: [] for client in clients}
            for _ in range(chosen.rounds):
                for client in clients:
                    sample = runner.run(_round(client, connections, chosen.seconds))
                    samples[client.name].append(sample)
            print(f"\n{connections} connection(s)    CPU us a call (spread)        calls a second")
            for name, rounds in samples.items():
                cpu = _spread([sample.cpu_microseconds for sample in rounds])
                rate = _spread([sample.per_second for sample in rounds])
                print(f"{name:20} {cpu:34} {rate}")
                found.append(
                    {
                        "client": name,
                        "connections": connections,
                        "rounds": [asdict(sample) for sample in rounds],
                    }
                )
    server.terminate()
    server.join()
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
