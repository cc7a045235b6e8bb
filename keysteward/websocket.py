"""graphql-transport-ws, one socket at a time: `keyRevoked` with others, all else the ordinary way.

A tool's socket is closed with 4401 once its token is revoked, after it has heard so; an owner's as
soon as the session or token that opened it has ended.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.http.async_base_view import AsyncWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)

from accounts.errors import ScopeMissing, SignInRequired
from keysteward.fanout import Member
from keysteward.voices import NotShared, Plan
from resolvers.context import Context
from resolvers.revocations import audience_of
from vault.listeners import Audience, Ended

if TYPE_CHECKING:
    from keysteward.graphql import GraphQLEndpoint

_LOG: Final = logging.getLogger("keysteward.websocket")
_ENDED: Final = 4401
_ENDED_WORDS: Final = "This tool was revoked."
_LAST_WORDS_SECONDS: Final = 0.5
"""So long an ended tool's socket stays open for what it is still to be told."""
_LOOK_SECONDS: Final = 60.0
_LONGEST_REASON: Final = 120
_LONGEST_ID: Final = 256


class Connection(WebSocket):
    """A websocket that hands out the server's own ends of it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send)
        self.ends = (receive, send)


@dataclass(slots=True)
class SocketContext(Context):
    """What every field of one socket's operations is handed."""

    audience: Audience | None = field(default=None)
    """Whose socket it is, as `connection_init` showed."""

    @property
    def whose(self) -> str | None:
        """Give the tool whose socket it is, or the account whose owner's."""
        if self.audience is None:
            return None
        return self.audience.tool or self.audience.owner.account


class Socket(AsyncWebSocketAdapter):
    """One socket's two ends, straight at the server."""

    def __init__(self, view: "GraphQLEndpoint", _: Connection, connection: Connection) -> None:
        super().__init__(cast("Any", view))
        self._receive, self._send = connection.ends
        self._closed = False
        self._closing: asyncio.Task[None] | None = None

    async def receive(self) -> str | bytes | None:
        """Give the next message as it came; None once the socket is closed."""
        if self._closed:
            return None
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._closed = True
            return None
        text = message.get("text")
        return message["bytes"] if text is None else cast("str", text)

    async def iter_json(
        self,
        *,
        ignore_parsing_errors: bool = False,  # noqa: ARG002
    ) -> AsyncGenerator[object, None]:
        """Give each message."""
        while (message := await self.receive()) is not None:
            yield self.view.decode_json(message)

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a message. Raises `WebSocketDisconnected`."""
        try:
            await self.send(cast("str", self.view.encode_json(message)))
        except OSError:
            raise WebSocketDisconnected from None

    async def send(self, text: str) -> None:
        """Send a text, waiting while the socket is full. Raises `OSError` when it is gone."""
        if not self._closed:
            await self._send({"type": "websocket.send", "text": text})

    def post(self, text: str) -> bool:
        """Send a text without waiting; False, and nothing is sent, when the socket is full."""
        return self._closed or _at_once(self._send({"type": "websocket.send", "text": text}))

    async def close(self, code: int, reason: str) -> None:
        """Close, as soon as the socket takes it."""
        if not self._closed:
            self._closed = True
            try:
                await self._send(_close(code, reason))
            except OSError:
                return

    def hang_up(self, code: int, reason: str) -> None:
        """Close, without waiting."""
        if self._closed:
            return
        if _at_once(self._send(_close(code, reason))):
            self._closed = True
        else:
            self._closing = asyncio.create_task(self.close(code, reason))


class Conversation(BaseGraphQLTransportWSHandler[SocketContext, None]):
    """One socket: who is at the other end, and what they asked for."""

    task_logger = _LOG

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.wire = cast("Socket", self.websocket)
        self._fanout = cast("GraphQLEndpoint", self.view).fanout
        self._timer: asyncio.TimerHandle | None = None
        self._is_ending = False
        self._looking: asyncio.Task[None] | None = None

    async def handle(self) -> None:
        """Converse until one of both closes."""
        self.on_request_accepted()
        with self._fanout.open():
            try:
                while (message := await self.wire.receive()) is not None:
                    await self._hear(message)
            finally:
                await self.shutdown()

    async def shutdown(self) -> None:
        """End everything that was asked for."""
        self._stop_timer()
        if self.context.whose is not None:
            self._fanout.dismiss(self, self.context.whose)
        if self._looking is not None:
            self._looking.cancel()
        tasks = [o.task for o in self.operations.values() if o.task and not o.task.done()]
        for operation in list(self.operations):
            await self.cleanup_operation(operation)
        if tasks:
            await asyncio.wait(tasks)

    def on_request_accepted(self) -> None:
        """Expect `connection_init` soon; a timer, where the library takes a task a socket."""
        self._timer = asyncio.get_running_loop().call_later(
            self.connection_init_wait_timeout.total_seconds(), self._too_late
        )

    async def handle_connection_init(self, message: Any) -> None:
        """Let them in, or not; a tool's socket is known as its own from then on."""
        if not self.connection_timed_out:
            self._stop_timer()
        await super().handle_connection_init(message)
        if self.connection_acknowledged and self.context.whose is not None:
            self._fanout.admit(self, self.context.whose)
            if self.context.audience is not None and self.context.audience.tool is None:
                self._look_now_and_then()  # they may have signed out while they came in

    async def handle_subscribe(self, message: Any) -> None:
        """Begin an operation, if the message has the form of one."""
        if not _is_subscribe(message):
            await self.handle_invalid_message("Failed to parse message")
        elif not self._is_ending:
            await super().handle_subscribe(message)

    async def handle_complete(self, message: Any) -> None:
        """End an operation, if the message names one."""
        if isinstance(message.get("id"), str):
            await super().handle_complete(message)
        else:
            await self.handle_invalid_message("Failed to parse message")

    async def run_operation(self, operation: Operation[SocketContext, None]) -> None:
        """Let it listen with the others who hear the same, or carry it out the ordinary way."""
        try:
            plan = self._fanout.plan(operation.query, operation.operation_name, operation.variables)
            member = await self._fanout.listen(self, operation.id, plan, await self._audience())
        except (NotShared, SignInRequired, ScopeMissing, Ended):
            await super().run_operation(operation)
        else:
            await self._listen(operation, plan, member)

    async def _audience(self) -> Audience:
        """Give who asks. A tool's token is looked up again by the write that notes it down."""
        audience = self.context.audience
        if audience is None or audience.tool is None:
            audience = await audience_of(self.context)
        return audience

    async def _listen(
        self, operation: Operation[SocketContext, None], plan: Plan, member: Member
    ) -> None:
        member.task = operation.task
        self.operations[operation.id] = member  # type: ignore[assignment]
        if plan.after is None or plan.after == member.room.cursor:
            member.room.welcome(member)
        else:
            await member.go_on()

    def members(self) -> Iterable[Member]:
        """Give the operations that listen with others."""
        operations: Iterable[Any] = self.operations.values()
        return [operation for operation in operations if isinstance(operation, Member)]

    async def cleanup_operation(self, operation_id: str) -> None:
        """End one operation, as its client asked."""
        operation: Any = self.operations.pop(operation_id, None)
        if isinstance(operation, Member):
            operation.leave()
        elif operation is not None and operation.task is not None:
            operation.task.cancel()

    def forget_id(self, id: str) -> None:  # noqa: A002
        """Let go of an operation that is over; its last message may still be on its way."""
        self.operations.pop(id, None)
        if self._is_ending and not self.operations:
            asyncio.get_running_loop().call_soon(self._hang_up)

    def end(self) -> None:
        """Close, for the tool's token is gone; once everything listening here has heard so."""
        if self._is_ending:
            return
        self._is_ending = True
        if self.operations:
            self._timer = asyncio.get_running_loop().call_later(_LAST_WORDS_SECONDS, self._hang_up)
        else:
            self._hang_up()

    def is_of(self, account: str) -> bool:
        """Tell whether it is that account's: its owner's, or a tool's of it."""
        return self.context.audience is not None and (
            self.context.audience.owner.account == account
        )

    @property
    def is_in_session(self) -> bool:
        """Tell whether a session's cookie opened it, and no token."""
        return self.context.token() is None

    def look_again(self) -> None:
        """Close, if whoever is at the other end is signed in no longer."""
        self._looking = asyncio.create_task(self._look())

    def _look_now_and_then(self) -> None:
        """Look whether an owner's session goes on: that it ran out, no change tells."""
        self.look_again()
        self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look_now_and_then)

    async def _look(self) -> None:
        try:
            await self.context.still_is_somebody()
        except SignInRequired:
            self.wire.hang_up(_ENDED, "Signed out.")
        except Exception:  # noqa: BLE001 - whoever can't be looked up may not go on
            _LOG.exception("a socket's owner could not be looked up")
            self.wire.hang_up(1011, "Something went wrong.")

    async def handle_task_exception(self, error: Exception) -> None:
        """Log what went wrong in an operation; that the client is gone is nothing wrong."""
        if not isinstance(error, WebSocketDisconnected):
            _LOG.error("an operation failed", exc_info=error)

    async def _hear(self, text: str | bytes) -> None:
        if isinstance(text, bytes):
            await self.handle_invalid_message("WebSocket message type must be text")
            return
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            await self.handle_invalid_message("WebSocket message must be valid JSON")
            return
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            await self.handle_invalid_message("Failed to parse message")
            return
        try:
            await self.handle_message(cast("Any", message))
        except WebSocketDisconnected:
            return

    async def handle_invalid_message(self, error_message: str) -> None:
        """Close on what is not of the protocol; nothing that was sent is said back."""
        await self.websocket.close(code=4400, reason=error_message.partition(":")[0])

    def _too_late(self) -> None:
        self.connection_timed_out = True
        self.wire.hang_up(4408, "Connection initialisation timeout")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        self._stop_timer()
        self.wire.hang_up(_ENDED, _ENDED_WORDS)


def _is_subscribe(message: dict[str, Any]) -> bool:
    payload = message.get("payload")
    return (
        isinstance(message.get("id"), str)
        and 0 < len(message["id"]) <= _LONGEST_ID
        and isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )


def _close(code: int, reason: str) -> Message:
    # A close frame holds 125 bytes, two of them the code.
    short = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
    return {"type": "websocket.close", "code": code, "reason": short}


def _at_once(sending: Awaitable[None]) -> bool:
    """Send by hand, without a task; False, with nothing sent, when the server would have to wait.

    A server waits for room before it writes anything, so what is given up here was not begun.
    """
    stepping: Any = sending
    try:
        stepping.send(None)
    except (StopIteration, OSError):  # sent; or the socket is gone, as its handler will find
        return True
    stepping.close()
    return False
