"""The server that `bench.revoke` measures, in processes of its own: ours, and stock Strawberry's way.

Both are the whole application on the same schema. The stock one answers websockets with Strawberry's
own handler and adapter, as its ASGI view comes.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from strawberry.asgi import ASGIWebSocketAdapter

import keysteward.app
from bench.listening import many_files
from keysteward import fanout, server, voices, websocket
from keysteward.graphql import GraphQLEndpoint

_COUNTS: Final = "/bench/counts"


class StockEndpoint(GraphQLEndpoint):
    """The same schema, through Strawberry's own handler."""

    websocket_adapter_class = ASGIWebSocketAdapter  # type: ignore[assignment]
    graphql_transport_ws_handler_class = BaseGraphQLTransportWSHandler  # type: ignore[assignment]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await super().__call__(scope, receive, send)
        else:
            await GraphQL.__call__(self, scope, receive, send)


class _Counted:
    """Counts what telling listeners costs, and tells over HTTP."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.counts = {"written": 0, "worded": 0, "went alone": 0, "rooms read": 0}
        for owner, name, what in (
            (websocket.Socket, "post", "written"),
            (voices.Voice, "say", "worded"),
            (fanout.Member, "go_on", "went alone"),
            (fanout.Room, "_read", "rooms read"),
        ):
            self._count(owner, name, what)

    def _count(self, owner: type, name: str, what: str) -> None:
        inner = getattr(owner, name)

        def counting(*given: Any, **named: Any) -> Any:
            self.counts[what] += 1
            return inner(*given, **named)

        setattr(owner, name, counting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != _COUNTS:
            await self._app(scope, receive, send)
            return
        body = orjson.dumps({**self.counts, "cpu": time.process_time()})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


def ours() -> Any:
    """Make the application as it is."""
    many_files()
    return keysteward.app.from_environment()


def counted() -> Any:
    """Make the application, with what it does counted."""
    return _Counted(ours())


def stock() -> Any:
    """Make the application with Strawberry's own websockets."""
    keysteward.app.GraphQLEndpoint = StockEndpoint  # type: ignore[misc]
    return ours()


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs, one process or several."""

    port: int
    pids: tuple[int, ...]

    @property
    def url(self) -> str:
        """Give its address."""
        return f"http://127.0.0.1:{self.port}"

    def rss(self) -> int:
        """Give the memory of its processes, in bytes."""
        return sum(_status(pid, "VmRSS") for pid in self.pids) * 1024

    def cpu(self) -> float:
        """Give the CPU seconds that its processes have used."""
        return sum(_cpu(pid) for pid in self.pids)

    def counts(self) -> dict[str, float]:
        """Give what `counted` counted."""
        with urllib.request.urlopen(f"{self.url}{_COUNTS}") as answer:  # noqa: S310 - loopback
            counts: dict[str, float] = orjson.loads(answer.read())
            return counts


@contextlib.contextmanager
def served(
    factory: str, data: Path, *, environment: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Run one server process on a free port, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, __file__, factory, str(port)],
        env={**os.environ, "KEYSTEWARD_DATA": str(data), **(environment or {})},
    )
    try:
        _wait_for(port, process)
        yield Served(port, (process.pid,))
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("The server ended at once.")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5).close()
            return
        time.sleep(0.05)
    raise RuntimeError("The server did not start.")


def _status(pid: int, what: str) -> int:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(what))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    uvicorn.run(
        f"bench.serving:{sys.argv[1]}", factory=True, port=int(sys.argv[2]), **server.settings()
    )
