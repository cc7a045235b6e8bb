"""GraphQL over HTTP and websockets: who asks, how much they may send, and what they are told."""

from datetime import timedelta
from typing import Any, Final

import orjson
from cross_web import HTTPException
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.websocket_origin import is_same_origin
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from accounts.errors import ScopeMissing, SignInRequired
from keysteward.fanout import Fanout
from keysteward.websocket import Connection, Conversation, Socket, SocketContext
from keysteward.wires import LARGEST_BODY
from resolvers import Schema
from resolvers.context import Context, Services
from resolvers.revocations import audience_of

GRAPHQL: Final = "/graphql"
MOST_OPERATIONS: Final = 100
INIT_TIMEOUT: Final = timedelta(seconds=10)
CSRF_HEADER: Final = "keysteward-csrf"
_OF_OURS: Final = frozenset({"same-origin", "none"})
_NOT_KEPT: Final = (b"cache-control", b"no-store")


class GraphQLEndpoint(GraphQL[Context, None]):
    """The `/graphql` endpoint: POST, and graphql-transport-ws."""

    websocket_adapter_class = Socket  # type: ignore[assignment]
    graphql_transport_ws_handler_class = Conversation  # type: ignore[assignment]

    def __init__(self, schema: Schema, services: Services) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=INIT_TIMEOUT,
            max_subscriptions_per_connection=MOST_OPERATIONS,
        )
        self._services = services
        self.fanout = Fanout(schema, services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or one websocket."""
        if scope["type"] != "http":
            await self.run(Connection(scope, receive, send))
            return
        headers = Headers(scope=scope)
        if refusal := self._refusal(headers):
            await refusal(scope, receive, send)
            return
        body = _Limited(receive)
        try:
            await super().__call__(scope, body, _without_store(send))
        except _TooLarge:
            await _refuse(413, f"A request may hold {LARGEST_BODY} bytes.")(scope, receive, send)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        """Give what every field is handed."""
        kind = SocketContext if isinstance(request, Connection) else Context
        return kind(self._services, request, response)

    async def on_ws_connect(self, context: Context) -> UnsetType | None:
        """Let nobody in who can't be told apart."""
        try:
            audience = await audience_of(context)
        except (SignInRequired, ScopeMissing):
            raise ConnectionRejectionError from None
        if isinstance(context, SocketContext):
            context.audience = audience
        nothing: UnsetType = UNSET
        return nothing

    def encode_json(self, data: object) -> str:
        """Render an answer; orjson does in a tenth of the time what `json` does."""
        return orjson.dumps(data).decode()

    def decode_json(self, data: str | bytes) -> Any:
        """Read what a client sent."""
        return orjson.loads(data)

    def parse_json(self, data: str | bytes) -> Any:
        """Read a request's body. Raises `HTTPException` when it has not the form of one."""
        found = super().parse_json(data)
        if not isinstance(found, dict | list):
            raise HTTPException(400, "A request is a JSON object with a query in it.")
        return found

    def _refusal(self, headers: Headers) -> Response | None:
        """Refuse what is too large, and what another site's page made a browser send."""
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > LARGEST_BODY:
            return _refuse(413, f"A request may hold {LARGEST_BODY} bytes.")
        origin = headers.get("origin")
        foreign = origin is not None and not is_same_origin(origin, headers.get("host"))
        # A browser's own word (Fetch Metadata), which no page can change; others don't send it.
        if foreign or headers.get("sec-fetch-site", "none") not in _OF_OURS:
            return _refuse(403, "Requests from another site's pages are not answered.")
        # A browser sends Basic by itself, from an address with a password in it; Bearer never.
        by_token = headers.get("authorization", "").lower().startswith("bearer ")
        if "cookie" in headers and not by_token and CSRF_HEADER not in headers:
            return _refuse(
                403, f"With a session's cookie, send the header {CSRF_HEADER}: 1 as well."
            )
        return None


class _TooLarge(Exception):  # noqa: N818
    """More was sent than a request may hold."""


class _Limited:
    """Counts what is received, whatever Content-Length said."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = LARGEST_BODY

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLarge
        return message


def _without_store(send: Send) -> Send:
    """Keep answers, a revealed key among them, out of every cache."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], _NOT_KEPT]
        await send(message)

    return sending


def _refuse(status: int, message: str) -> Response:
    return JSONResponse({"errors": [{"message": message}]}, status_code=status)
