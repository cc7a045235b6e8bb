"""Serving an application on loopback from within a running event loop, for tests and the demo."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

BREAK: Final = "keysteward.break"
"""The ASGI extension that breaks a connection off, as if its other side had died."""


class _Breakable(HttpToolsProtocol):
    """uvicorn's HTTP, which lets an application break the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {BREAK: self.transport.abort}


@contextlib.asynccontextmanager
async def running(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application in this event loop, on a free port of loopback. Gives its base URL.

    uvicorn's connections are used without uvicorn's `Server`, which would take over the signals of
    the process and looks only ten times a second whether it should stop. What still runs at the end
    is cut.
    """
    config = loopback_config(app)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", formatdate(usegmt=True).encode())]

    def connection() -> asyncio.Protocol:
        protocol: Any = config.http_protocol_class
        made: asyncio.Protocol = protocol(config=config, server_state=state, app_state={})
        return made

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0, backlog=2048)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for open_one in list(state.connections):
            transport: Any = getattr(open_one, "transport", None)
            transport.abort()
        await asyncio.gather(*state.tasks)
        await server.wait_closed()


def loopback_config(app: Any) -> uvicorn.Config:
    """Say how the fake is served: fast, quiet, and by no settings of its surroundings."""
    return uvicorn.Config(
        app,
        http=_Breakable,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
