"""uvicorn's two protocols, with an end to what a peer may make this process keep or wait for.

Before a request is whole nothing of ours runs, and uvicorn sets no bound: without these, one
connection could fill the memory with a head that never ends, or with pings whose answers it never
reads, and a thousand silent ones would take every file descriptor.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from broker.socket_out import LARGEST_MESSAGE
from keysteward.http import CREDENTIAL_IN_URL, VIA, hides_a_credential

LONGEST_HEAD: Final = 65_536
LARGEST_BODY: Final = 1024 * 1024
"""Of a request to GraphQL, and of its websocket's message; of calls there is no bound of ours."""
HEAD_SECONDS: Final = 20.0
"""From the connection, or a request's first byte, to the end of its head."""
_MOST_UNREAD: Final = 262_144


class CredentialHidden(ValueError):  # noqa: N818 - named for what happened
    """A credential stands in a request's target, in a part that uvicorn hands to nobody."""


class Http(HttpToolsProtocol):
    """HTTP/1.1: a head, and what frames a body, are of bounded length, and a head comes in time."""

    head_seconds = HEAD_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._barren = 0
        """Bytes since the last that an application could see."""
        self._waits_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request."""
        super().connection_made(transport)
        self._waits_since = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and break off what has no end."""
        self._barren += len(data)
        super().data_received(data)
        if self._barren > LONGEST_HEAD and not self.transport.is_closing():
            self.logger.warning("A request's head was too long.")
            self.transport.abort()
        elif self._waits_since is None and (self.cycle is None or self.cycle.response_complete):
            # Whatever it was, uvicorn took it for the next request's beginning, and waits for it.
            self._waits_since = self.loop.time()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to the other protocol, which has timers of its own."""
        self._stop_timer()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """Expect the rest of the head."""
        self._waits_since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait no longer: from here on the application says how long."""
        self._barren, self._waits_since = 0, None
        if hides_a_credential(self.url):
            raise CredentialHidden
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request; say it where it is for its URL."""
        super().send_400_response(CREDENTIAL_IN_URL if hides_a_credential(self.url) else msg)

    def on_body(self, body: bytes) -> None:
        """Count anew: the application sees this."""
        self._barren = 0
        super().on_body(body)

    def _look(self) -> None:
        """Break off a connection whose head is late; one timer a connection, looking now and then.

        One that waits between two requests is uvicorn's to close.
        """
        now = self.loop.time()
        since = now if self._waits_since is None else self._waits_since
        if now - since >= self.head_seconds:
            self.transport.abort()
        else:
            self._timer = self.loop.call_later(since + self.head_seconds - now, self._look)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class WebSocket(WebSocketsSansIOProtocol):
    """A websocket: no answer is written to a peer that reads none."""

    def handle_connect(self, event: Any) -> None:
        """Take messages as long as a provider's, where one is spoken to."""
        if event.path.startswith(VIA):
            self.conn.max_message_size = LARGEST_MESSAGE
        super().handle_connect(event)

    async def send(self, message: Any) -> None:
        """Note that a handshake which was declined is over: uvicorn would log it as an error."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True

    def handle_ping(self) -> None:
        """Answer, unless the peer's earlier answers still lie here."""
        if self.transport.get_write_buffer_size() > _MOST_UNREAD:
            self.transport.abort()
        else:
            super().handle_ping()

    def keepalive_timeout(self) -> None:
        """Give a peer up that is silent: it may not read the farewell either."""
        super().keepalive_timeout()
        self.transport.abort()
