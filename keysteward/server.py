"""How the application is served: uvicorn, with uvloop and httptools, and nothing it would leak."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any, Final

import uvicorn

from keysteward.config import DRAIN_SECONDS
from keysteward.wires import LARGEST_BODY

IDLE_SECONDS: Final = 75
"""Longer than clients keep a connection that is idle (httpx, and so OpenAI's and Anthropic's SDKs,
5): else a request crosses with our closing, and is lost."""


def settings(**given: Any) -> dict[str, Any]:
    """Give uvicorn's settings, those in `given` besides.

    No compression of websocket messages: it costs 64 KiB a connection and more, and what it does to
    secrets beside chosen text has broken TLS before (CRIME).
    """
    return {
        "loop": "uvloop",
        "http": "keysteward.wires:Http",
        "ws": "keysteward.wires:WebSocket",
        "ws_max_size": LARGEST_BODY,
        "ws_per_message_deflate": False,
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 20.0,
        "lifespan": "on",
        "server_header": False,
        "access_log": False,
        "proxy_headers": False,
        "log_config": None,
        "backlog": 4096,
        "timeout_keep_alive": IDLE_SECONDS,
        "timeout_graceful_shutdown": DRAIN_SECONDS,
        **given,
    }


class _Server(uvicorn.Server):
    """Runs in a loop that is somebody else's: no signals taken, and it says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # which, raised in a task, would end the loop of whoever runs it
            raise RuntimeError("The server did not start; the log says why.") from None
        self.ready.set()


@contextlib.asynccontextmanager
async def running(app: Any, *, port: int = 0) -> AsyncIterator[str]:
    """Serve in this event loop on loopback; give the base URL. For demo, tests.

    On a free port, unless one is given.
    """
    with socket.create_server(("127.0.0.1", port), backlog=4096) as listening:
        # asyncio, unlike uvloop, does not see that this socket is TCP: each answer would wait 40 ms
        # for the acknowledgement of its own head. Connections inherit the option.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(app, **settings(timeout_graceful_shutdown=1))
        server = _Server(config)
        task = asyncio.create_task(server._serve([listening]))  # noqa: SLF001 - `serve` takes signals
        ready = asyncio.create_task(server.ready.wait())
        try:
            await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                await task
                raise RuntimeError("The server did not start; the log says why.")
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ready.cancel()
            server.should_exit = True
            await task
