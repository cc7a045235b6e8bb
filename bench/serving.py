"""The servers that `bench.revoke` measures, each a process: ours, ours counted, and stock's way.

All are the whole application on the same schema; `stock` answers websockets with Strawberry's own
handler and adapter, as its ASGI view comes. Heartbeats are a minute apart in all, so that what is
measured is the telling.

    python -m bench.serving ours|counted|stock|floor PORT
"""

import sys
import time
from typing import Any, Final

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)

import keysteward.app
from bench.listening import many_files
from keysteward import fanout, logs, server, voices, websocket
from keysteward.app import create_app
from keysteward.config import Config
from keysteward.graphql import GraphQLEndpoint

COUNTS: Final = "/bench/counts"
_HEARTBEAT_SECONDS: Final = 60.0
_ACK: Final = '{"type":"connection_ack"}'
_BEAT: Final = (
    '{"id":"1","type":"next","payload":{"data":{"keyRevoked":'
    '{"__typename":"Heartbeat","head":"c1","at":"2026-01-01T00:00:00+00:00"}}}}'
)


class StockEndpoint(GraphQLEndpoint):
    """The same schema, through Strawberry's own handler."""

    websocket_adapter_class = ASGIWebSocketAdapter  # type: ignore[assignment]
    graphql_transport_ws_handler_class = BaseGraphQLTransportWSHandler  # type: ignore[assignment]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a websocket as Strawberry's view does."""
        if scope["type"] == "http":
            await super().__call__(scope, receive, send)
        else:
            await GraphQL.__call__(self, scope, receive, send)


class Counted:
    """Counts what telling listeners takes, and tells over HTTP."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._counts = {"written": 0, "worded": 0, "went alone": 0, "rooms read": 0}
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
            self._counts[what] += 1
            return inner(*given, **named)

        setattr(owner, name, counting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell the counts, or pass on."""
        if scope["type"] != "http" or scope["path"] != COUNTS:
            await self._app(scope, receive, send)
            return
        body = orjson.dumps({**self._counts, "cpu": time.process_time()})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class Floor:
    """Answers websockets with fixed text: what uvicorn itself takes."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Acknowledge, give one heartbeat, and stay."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
        for answer in (_ACK, _BEAT):
            await receive()
            await send({"type": "websocket.send", "text": answer})
        await receive()


def application(kind: str) -> Any:
    """Make one of the applications."""
    many_files()
    config = Config.read(dotenv=None)
    logs.set_up(config.log_level)
    if kind == "stock":
        vars(keysteward.app)["GraphQLEndpoint"] = StockEndpoint
    app = create_app(config, heartbeat_seconds=_HEARTBEAT_SECONDS, own_process=True)
    wrapped = {"counted": Counted, "floor": Floor}.get(kind)
    return wrapped(app) if wrapped else app


if __name__ == "__main__":
    # Pings go to every open socket, removal or not, and would be counted with it.
    given = {"ws_ping_interval": None} if sys.argv[1] == "counted" else {}
    uvicorn.run(application(sys.argv[1]), port=int(sys.argv[2]), **server.settings(**given))
