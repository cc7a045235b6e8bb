"""One connection to the server: graphql-transport-ws, as much of it as a listener needs.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
Whatever goes wrong here is `Interrupted` or `TokenRefused`; frames are small, and at most sixteen
of them wait to be read, so that a flood stays in the server's own buffers.
"""

import asyncio
import contextlib
import inspect
import json
import logging
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from keysteward.client.errors import Interrupted, TokenRefused
from keysteward.client.events import Event, event_of, mapping_of
from keysteward.client.token import Token

_PROTOCOL: Final = Subprotocol("graphql-transport-ws")
_REFUSALS: Final = {
    4401: "The tool's token was revoked.",
    4403: "The server doesn't know this tool token: mistyped, expired or revoked.",
}
_OPEN_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 1.0
_LARGEST_FRAME: Final = 64 * 1024
_FRAMES_WAITING: Final = 16
_LONGEST_QUOTE: Final = 200

_LISTEN: Final = """\
subscription Revocations($after: Cursor) {
  keyRevoked(after: $after) {
    __typename
    ... on KeyRevoked { cursor key provider { id } reason version revokedAt }
    ... on Heartbeat { head }
    ... on CursorExpired { head }
  }
}"""
_ACKNOWLEDGE: Final = """\
mutation Acknowledge($input: AcknowledgeInput!) {
  acknowledgeRevocation(input: $input) {
    __typename
    ... on Acknowledged { cursor }
    ... on Problem { message }
  }
}"""

# At DEBUG, websockets logs what it sends, shortened to where half a token may still show. No
# configuration reaches this logger; what matters is logged by the listener.
_SILENT: Final = logging.Logger("keysteward.client.wire", logging.CRITICAL)  # noqa: LOG001
_SILENT.addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class AcknowledgementAnswered:
    """The server's answer to the acknowledgement of `cursor`; `problem` says why it was no yes."""

    cursor: str
    problem: str | None


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception:
        """Follow none: the token goes to the host that was named, and nowhere else."""
        return exc


@contextlib.asynccontextmanager
async def connected(
    endpoint: str, token: Token, instance: str, tls: ssl.SSLContext | None
) -> AsyncIterator["Wire"]:
    """Connect and introduce the tool. Raises `Interrupted`, `TokenRefused`."""
    options: dict[str, Any] = {}
    if endpoint.startswith("wss:"):
        if tls is not None:
            options["ssl"] = tls
    elif "proxy" in inspect.signature(connect).parameters:  # websockets 14 knows no proxies yet
        options["proxy"] = None  # a proxy would read the token that was meant for this machine
    connecting = _Connect(
        endpoint,
        subprotocols=[_PROTOCOL],
        compression=None,
        open_timeout=_OPEN_SECONDS,
        close_timeout=_CLOSE_SECONDS,
        ping_interval=None,
        max_size=_LARGEST_FRAME,
        max_queue=_FRAMES_WAITING,
        logger=_SILENT,
        **options,
    )
    try:
        socket = await connecting
    except (OSError, EOFError, ImportError, WebSocketException) as error:
        raise Interrupted(f"No connection to {urlsplit(endpoint).netloc}: {error}") from None
    async with socket:
        wire = Wire(socket, token)
        # Twice, because the first depends on the insides of `connect`.
        if connecting.uri != endpoint:
            raise Interrupted("The server redirects to another address; that is not followed.")
        if socket.subprotocol != _PROTOCOL:
            raise Interrupted("The server doesn't speak graphql-transport-ws at this address.")
        await wire.introduce(instance)
        yield wire


class Wire:
    """An open connection. One subscription is listened to at a time; frames of others are passed.

    At most one acknowledgement is under way: `acknowledging` is its cursor.
    """

    def __init__(self, socket: ClientConnection, token: Token) -> None:
        self._socket = socket
        self._token = token
        self._operations = 0
        self._listening = ""
        self._acknowledgement = ""
        self.acknowledging: str | None = None

    async def introduce(self, instance: str) -> None:
        """Say who listens; return once the server has agreed."""
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                # In no local variable: a traceback from further on may be shown with its frames.
                await self._send(
                    type="connection_init",
                    payload={
                        "authorization": f"Bearer {self._token.reveal()}",
                        "instance": instance,
                    },
                )
                while (await self._receive()).get("type") != "connection_ack":
                    pass
        except TimeoutError:
            raise Interrupted("The server did not answer the introduction.") from None

    async def listen(self, after: str | None) -> None:
        """Ask for everything after the cursor, in place of what was asked for before."""
        before, self._listening = self._listening, self._next_id("listen")
        await self._subscribe(self._listening, _LISTEN, {"after": after})
        if before:
            await self._send(type="complete", id=before)

    async def acknowledge(self, cursor: str, instance: str) -> None:
        """Say that everything up to the cursor is applied. The answer comes out of `next`."""
        self.acknowledging = cursor
        self._acknowledgement = self._next_id("acknowledge")
        wanted = {"input": {"cursor": cursor, "instance": instance}}
        await self._subscribe(self._acknowledgement, _ACKNOWLEDGE, wanted)

    async def next(self) -> Event | AcknowledgementAnswered:
        """Give the next thing that the server has to say; may be cancelled without loss."""
        while True:
            frame = await self._receive()
            kind, operation = frame.get("type"), frame.get("id")
            if operation == self._listening and kind in {"next", "error", "complete"}:
                return self._event(frame)
            if operation == self._acknowledgement and self.acknowledging is not None:
                cursor, self.acknowledging = self.acknowledging, None
                return AcknowledgementAnswered(cursor, self._problem(frame))

    def _event(self, frame: Mapping[str, object]) -> Event:
        if frame["type"] == "complete":
            raise Interrupted("The server ended the subscription.")
        if frame["type"] == "error":
            raise Interrupted(f"The server refused the subscription: {self._quoted(frame)}")
        payload = mapping_of(frame.get("payload"))
        if payload.get("errors"):
            raise Interrupted(f"The server failed: {self._quoted(payload.get('errors'))}")
        return event_of(mapping_of(payload.get("data")).get("keyRevoked"))

    def _problem(self, frame: Mapping[str, object]) -> str | None:
        match frame:
            case {
                "type": "next",
                "payload": {
                    "data": {"acknowledgeRevocation": {"__typename": "Acknowledged"}},
                },
            }:
                return None
        return self._quoted(frame.get("payload"))

    async def _receive(self) -> Mapping[str, object]:
        """Give the next frame; the server's pings are answered on the way."""
        while True:
            with self._interruptions():
                text = await self._socket.recv()
            if not isinstance(text, str):
                raise Interrupted("The server sent a binary frame.")
            try:
                frame = mapping_of(json.loads(text))
            except (ValueError, RecursionError):
                raise Interrupted("The server sent a frame that is no JSON.") from None
            if frame.get("type") != "ping":
                return frame
            await self._send(type="pong")

    async def _subscribe(
        self, operation: str, document: str, variables: Mapping[str, object]
    ) -> None:
        payload = {"query": document, "variables": variables}
        await self._send(type="subscribe", id=operation, payload=payload)

    async def _send(self, **frame: object) -> None:
        with self._interruptions():
            await self._socket.send(json.dumps(frame))

    @contextlib.contextmanager
    def _interruptions(self) -> Iterator[None]:
        """Tell a refused token from a connection that merely ended.

        `from None`: the frames of the traceback below may hold what was being sent.
        """
        try:
            yield
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            if code in _REFUSALS:
                raise TokenRefused(_REFUSALS[code]) from None
            reason = self._quoted(closed.rcvd.reason) if closed.rcvd else "without a word"
            raise Interrupted(f"The connection was closed ({code}): {reason}") from None
        except (OSError, WebSocketException) as error:
            raise Interrupted(f"The connection broke: {type(error).__name__}") from None

    def _quoted(self, said: object) -> str:
        """Quote what the server said: short, on one line, and never the token."""
        return self._token.struck_from(f"{said!r}")[:_LONGEST_QUOTE]

    def _next_id(self, purpose: str) -> str:
        self._operations += 1
        return f"{purpose}-{self._operations}"
