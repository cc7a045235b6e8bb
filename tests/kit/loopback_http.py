"""A small HTTP server on loopback whose answers a test gives; it keeps what it was asked."""

import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.kit.scripted import answer, scripted

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain http on loopback: to read the authorities' certificates takes each 20 ms."""
Writer = Any
"""The connection's `asyncio.StreamWriter`, for those who answer bit by bit."""


@dataclass(frozen=True)
class Asked:
    """One request, whole."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    writer: Writer

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


Answering = Callable[[Asked], Awaitable[bytes]]


def said(document: Any, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    """Write an answer in JSON; bytes are sent as they are."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return answer(*lines, status=status, body=body)


@contextlib.asynccontextmanager
async def answering(answered: Answering) -> AsyncIterator[str]:
    """Serve on a free port; give the base URL."""

    async def script(head: bytes, reader: Any, writer: Writer) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.split(":", 1) for line in lines if line)
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        writer.write(await answered(Asked(method, target, headers, body, writer)))

    async with scripted(script) as url:
        yield url
