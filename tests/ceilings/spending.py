"""Somebody whose tool spends under a ceiling, and callers that speak for it on plain sockets."""

import asyncio
import contextlib
import json
import signal
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from accounts.address import account_of
from accounts.tools import Tools
from broker.ceilings import USD, Ceilings
from broker.prices import Prices
from keysteward.config import Config
from keysteward.masterkey import keyring_of
from metering import Measure
from providers import find
from store import ProvenOwner, Store, system_clock
from tests.kit.canary import canary
from tests.kit.commands import CHECKOUT, environment
from tests.kit.people import settle_in
from vault.rows import KeyState
from vault.secret import Secret
from vault.vault import Vault

PRICE = 1_000_000
"""What each chat costs, in nano-dollars: no more and no less, so its bound is its cost."""
_PATIENCE = 110


@dataclass(frozen=True)
class Spender:
    """An account, its tool, and its ceiling."""

    owner: ProvenOwner
    secret: str
    """Its key at the provider."""
    tool: str
    token: str
    ceiling: str


async def settled(
    store: Store, config: Config, name: str, *, limit: int, price: int | None = PRICE
) -> Spender:
    """Make an account with a key, a tool, and a ceiling in nano-dollars on what OpenAI costs."""
    owner, keyring = ProvenOwner(account_of(f"{name}@example.com")), keyring_of(config)
    await settle_in(store, owner, keyring=keyring)
    secret = canary()
    await Vault(store, keyring, system_clock).add(
        owner, find("openai"), Secret(secret.encode()), label="main", state=KeyState.ACTIVE
    )
    tool, token = await Tools(store, keyring, system_clock).create(
        owner, name, providers=None, expires_at=None
    )
    ceiling = await Ceilings(store, keyring, system_clock).set(
        owner, limit, provider="openai", tool=None, unit=USD
    )
    if price is not None:
        await Prices(store, keyring, system_clock).set(
            owner, "openai", "chat", {Measure.REQUEST: price}
        )
    return Spender(owner, secret, tool.id, token, ceiling.id)


@dataclass(frozen=True)
class Answer:
    """What a caller was told."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)["error"]
        return found


class Caller:
    """One kept connection, on which calls are made one after the other."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._token = token

    async def chat(self, **body: object) -> Answer:
        """Make a call. Raises `asyncio.IncompleteReadError` or `OSError` where it breaks off."""
        text = json.dumps(
            {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], **body}
        ).encode()
        self._writer.write(
            b"POST /via/openai/v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            b"content-type: application/json\r\n"
            + f"authorization: Bearer {self._token}\r\n".encode()
            + f"content-length: {len(text)}\r\n\r\n".encode()
            + text
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        headers = {name.lower(): value for name, value in pairs}
        if headers.get("transfer-encoding") == "chunked":
            answered = await self._chunks()
        else:
            answered = await self._reader.readexactly(int(headers["content-length"]))
        return Answer(int(first.split()[1]), headers, answered)

    async def _chunks(self) -> bytes:
        pieces = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            pieces += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readuntil(b"\r\n")
        return pieces


@contextlib.asynccontextmanager
async def calling(url: str, token: str) -> AsyncIterator[Caller]:
    """Connect a caller; the end of the block hangs up."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield Caller(reader, writer, token)
    finally:
        writer.transport.abort()


class Processes:
    """The server processes that `fork_server.py` begins and ends."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{port}"

    async def start(self, workers: int = 1, *, ahead: int = 0, naive: str | None = None) -> None:
        """Begin so many, their clocks ahead by so many microseconds."""
        await self.begin(workers, ahead=ahead, naive=naive)
        for _ in range(workers):
            await self._said(b"ready\n")

    async def begin(self, workers: int = 1, *, ahead: int = 0, naive: str | None = None) -> None:
        """Begin them, and wait for nothing."""
        await self._order(start=workers, ahead=ahead, naive=naive)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End them by a signal; returns when they are dead."""
        await self._order(end=number)
        while await self._line() != b"ended\n":
            pass

    async def _order(self, **order: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()

    async def _said(self, line: bytes) -> None:
        assert await self._line() == line

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        async with asyncio.timeout(_PATIENCE):
            return await self._process.stdout.readline()


@contextlib.asynccontextmanager
async def forking(data: Path, upstreams: str) -> AsyncIterator[Processes]:
    """Run the process that forks servers on the database in `data`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.ceilings.fork_server", str(data), upstreams),
        cwd=CHECKOUT,
        env=environment({}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_PATIENCE):
            port = int(await process.stdout.readline())
        yield Processes(process, port)
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await process.wait()


@dataclass
class Watcher:
    """Reads a ceiling's row from outside, all the time, in a thread of its own."""

    path: Path
    ceiling: str
    looks: int = 0
    most: int = 0
    """The most that was settled and held at any moment."""
    above: list[tuple[int, int, int]] = field(default_factory=list)
    """Settled, held and limit, whenever the first two were more than the third."""

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        connection = sqlite3.connect(self.path)
        try:
            while not self._over.wait(0.0002):
                ((settled, held, wanted),) = connection.execute(
                    "SELECT settled, held, wanted FROM ceilings WHERE id = ?", [self.ceiling]
                )
                self.looks += 1
                self.most = max(self.most, settled + held)
                if settled + held > wanted:
                    self.above.append((settled, held, wanted))
        finally:
            connection.close()
