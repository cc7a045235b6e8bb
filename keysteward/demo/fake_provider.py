"""OpenAI, Anthropic and Google in one, on loopback, in their true wire formats. It bills nobody.

`FakeProvider` is a plain ASGI application; a test reads what it saw, and sets what it does, from
the same event loop. `running` serves it there; `python -m keysteward.demo.fake_provider` serves it
from a process of its own. It trusts its callers wholly and must never listen beyond loopback.
"""

import argparse
import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import uvicorn

from keysteward.demo.fake_anthropic import Anthropic
from keysteward.demo.fake_call import KeyKind, Mode, SeenCall
from keysteward.demo.fake_google import Google
from keysteward.demo.fake_openai import OpenAI
from keysteward.demo.fake_wire import (
    Asked,
    Kind,
    Prose,
    Refused,
    Reply,
    Trouble,
    Wire,
    halved,
    prose,
)
from keysteward.demo.gate import Gate, Watch
from keysteward.demo.sending import Left, Receive, Scope, Send, at_once, bit_by_bit, departure
from keysteward.demo.serving import loopback_config, running

__all__ = ["FakeProvider", "Gate", "KeyKind", "Mode", "SeenCall", "running"]

WIRES: Final[dict[str, Wire]] = {"openai": OpenAI(), "anthropic": Anthropic(), "google": Google()}
"""Each provider's way to speak, by the first part of the path: `/openai/v1/models`."""

_REPLIES_KEPT: Final = 256
_MODES: Final = {mode.value: mode for mode in Mode}
_TROUBLES: Final = {
    Mode.RATE_LIMITED: Trouble.RATE_LIMITED,
    Mode.OVERLOADED: Trouble.OVERLOADED,
    Mode.ERROR_500: Trouble.ERROR_500,
}
_HTML: Final = Reply(
    502,
    ((b"content-type", b"text/html; charset=UTF-8"),),
    (b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nobody home</body></html>",),
)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that has come whole, with what its headers ask of the fake itself."""

    wire: Wire
    id: bytes
    seen: SeenCall
    path: str
    headers: dict[bytes, bytes]
    events: int
    answer_bytes: int | None
    pace: float


class FakeProvider:
    """The made-up providers, and the hands with which a test holds and watches them."""

    def __init__(
        self,
        keys: dict[str, KeyKind] | None = None,
        *,
        other_keys: KeyKind = KeyKind.REJECTED,
        calls_kept: int = 256,
    ) -> None:
        self.keys = {} if keys is None else keys
        """What the provider thinks of each key; may be changed at any time."""
        self.other_keys = other_keys
        """What it thinks of all others."""
        self.events = 8
        """Tokens of a full answer, each an SSE event of a stream; `x-fake-events` goes before."""
        self.answer_bytes: int | None = None
        """Length of an answer's whole text; `x-fake-bytes` goes before."""
        self.pace = 0.0
        """Seconds between a stream's events; `x-fake-pace` goes before."""
        self.mode: Mode | None = None
        """How calls go wrong that name no way themselves, those without a model included."""
        self.redirect_to = "https://elsewhere.invalid/collect"
        """The Location of `Mode.REDIRECT`."""
        self.gate: Gate | None = None
        """Where answers that start from now on are held."""
        self.body_kept = 1 << 20

        self.calls: deque[SeenCall] = deque(maxlen=calls_kept)
        """The last calls, oldest first, those refused included."""
        self.seen = 0
        """How many calls there were, ever."""
        self.charged = 0
        """How many it did work for that a provider would charge."""
        self.open_streams = 0
        """How many answers are under way: streams, and those that hang or stand at a gate."""
        self.departures: list[float] = []
        """When clients left before they had their answer, in seconds of `time.monotonic`."""
        self._watch = Watch()
        self._replies: dict[tuple[object, ...], Reply] = {}

    async def until(self, true: Callable[[], bool]) -> None:
        """Return once `true()` holds; looks again whenever a call comes, opens or ends."""
        await self._watch.until(true)

    async def disconnected(self, clients: int = 1) -> None:
        """Return once that many clients have left, ever, before they had their answer."""
        await self.until(lambda: len(self.departures) >= clients)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a call, understand it, answer it."""
        _, prefix, path = f"{scope['path']}/".split("/", 2)
        wire = WIRES.get(prefix)
        if wire is None:
            await at_once(send, Reply(404, (), (b"No such provider here.\n",)))
            return
        try:
            call = await self._arrived(wire, "/" + path[:-1], scope, receive)
            await self._answer(call, receive, send)
        except Left:
            self.departures.append(time.monotonic())
            self._watch.changed()

    async def _arrived(self, wire: Wire, path: str, scope: Scope, receive: Receive) -> _Call:
        started_at = time.monotonic()
        body, size, complete = await self._body(receive)
        seen = SeenCall(
            method=scope["method"],
            raw_path=scope["raw_path"],
            query=scope["query_string"],
            headers=list(scope["headers"]),
            body=body,
            body_size=size,
            complete=complete,
            started_at=started_at,
        )
        self.calls.append(seen)
        self.seen += 1
        self._watch.changed()
        if not complete:
            raise Left
        headers = dict(seen.headers)
        size_wanted = headers.get(b"x-fake-bytes")
        return _Call(
            wire=wire,
            id=b"req_%024x" % self.seen,
            seen=seen,
            path=path,
            headers=headers,
            events=int(headers.get(b"x-fake-events", self.events)),
            answer_bytes=self.answer_bytes if size_wanted is None else int(size_wanted),
            pace=float(headers.get(b"x-fake-pace", self.pace)),
        )

    async def _body(self, receive: Receive) -> tuple[bytes, int, bool]:
        kept, size = bytearray(), 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return bytes(kept), size, False
            chunk = message.get("body", b"")
            size += len(chunk)
            kept += chunk[: self.body_kept - len(kept)]
            if not message.get("more_body"):
                return bytes(kept), size, True

    async def _answer(self, call: _Call, receive: Receive, send: Send) -> None:
        numbered: tuple[tuple[bytes, bytes], ...] = ((call.wire.request_id, call.id),)
        try:
            credential, kind = self._judged(call)
            asked = call.wire.asked(call.seen.method, call.path, call.seen.query, call.seen.body)
            mode = self._mode(call, asked)
            if mode is Mode.HANG:
                await self._hang(receive)
            if mode is Mode.ECHO_KEY_IN_HEADER:
                names = dict.fromkeys((call.wire.request_id, b"x-request-id"))
                numbered = tuple((name, credential.encode("latin-1")) for name in names)
            reply = self._spoilt(mode) or self._reply(call, asked, kind, credential, mode)
        except Refused as refusal:
            reply = call.wire.refusal(refusal.trouble, call.id.decode(), refusal.about)
        if self.gate is None and not reply.stream and len(reply.pieces) == 1:
            await at_once(send, reply, numbered)
        else:
            with self._under_way():
                await bit_by_bit(receive, send, reply, numbered, gate=self.gate, pace=call.pace)

    def _judged(self, call: _Call) -> tuple[str, KeyKind]:
        """Look at the key before anything else, as the providers do."""
        credential = (call.wire.credential(call.headers) or b"").decode("latin-1")
        if not credential:
            raise Refused(Trouble.KEY_MISSING)
        kind = self.keys.get(credential, self.other_keys)
        if kind is KeyKind.REJECTED:
            raise Refused(Trouble.KEY_REJECTED, credential)
        return credential, kind

    def _mode(self, call: _Call, asked: Asked) -> Mode | None:
        header = call.headers.get(b"x-fake")
        named = _MODES.get(asked.model) if header is None else Mode(header.decode())
        return named or self.mode

    def _spoilt(self, mode: Mode | None) -> Reply | None:
        """Give the answer of a mode in which the provider does no work."""
        if mode in _TROUBLES:
            raise Refused(_TROUBLES[mode])
        if mode is Mode.REDIRECT:
            return Reply(302, ((b"location", self.redirect_to.encode()),), (b"",))
        return _HTML if mode is Mode.HTML_ERROR else None

    def _reply(
        self, call: _Call, asked: Asked, kind: KeyKind, credential: str, mode: Mode | None
    ) -> Reply:
        """Do the work, or take it from what was rendered before."""
        if asked.kind is Kind.MODELS and kind is KeyKind.SCOPED:
            raise Refused(Trouble.KEY_SCOPED)
        self.charged += asked.kind.charged
        if mode is Mode.ECHO_KEY_IN_BODY:
            said = Prose(("Your key is ", credential, ", that is ", credential, "."))
            reply = call.wire.reply(asked, said)
            pieces = halved(reply.pieces, credential.encode())
            return Reply(reply.status, reply.headers, pieces, reply.stream)
        recipe = (call.wire, asked, call.events, call.answer_bytes)
        rendered = self._replies.get(recipe)
        if rendered is None:
            if len(self._replies) >= _REPLIES_KEPT:
                self._replies.clear()
            said = prose(call.events, asked.limit, call.answer_bytes)
            rendered = self._replies[recipe] = call.wire.reply(asked, said)
        return rendered

    async def _hang(self, receive: Receive) -> None:
        with self._under_way():
            await departure(receive)
        raise Left

    @contextlib.contextmanager
    def _under_way(self) -> Iterator[None]:
        self.open_streams += 1
        self._watch.changed()
        try:
            yield
        finally:
            self.open_streams -= 1
            self._watch.changed()


def main() -> None:
    """Serve the fake from a process of its own, until it is stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m keysteward.demo.fake_provider",
        description="OpenAI, Anthropic and Google on loopback, made up.",
        epilog="Base URLs: /openai/v1, /anthropic, /google. A call's headers x-fake-events, "
        "x-fake-bytes, x-fake-pace and x-fake (a way to go wrong) go before these options.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--key", action="append", default=[], help="a valid key; may be repeated")
    parser.add_argument("--scoped-key", action="append", default=[], help="may not list models")
    parser.add_argument("--events", type=int, default=8, help="tokens, and events, an answer")
    parser.add_argument("--bytes", type=int, help="length of an answer's text")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between events")
    options = parser.parse_args()
    keys = dict.fromkeys(options.key, KeyKind.VALID)
    keys |= dict.fromkeys(options.scoped_key, KeyKind.SCOPED)
    # Whoever names no key wants none judged.
    provider = FakeProvider(keys, other_keys=KeyKind.REJECTED if keys else KeyKind.VALID)
    provider.events = options.events
    provider.answer_bytes = options.bytes
    provider.pace = options.pace
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", options.port))
        listener.listen(2048)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
        uvicorn.Server(loopback_config(provider)).run(sockets=[listener])


if __name__ == "__main__":
    main()
