"""The catalogue's providers in one, on loopback, in their true wire formats; made up, and charging.

`FakeProvider` is a plain ASGI application; a test reads what it saw and charged, and sets what it
does, from the same event loop. `running` serves it there; `python -m keysteward.demo.fake_provider`
serves it from a process of its own, whose bill is at `/bill`. It trusts its callers wholly and must
never listen beyond loopback.

A call is charged, by the list prices of `price_page`, when its work is done: before a byte of the
answer leaves, whoever hears it. So a stream that is cut has been charged in full.
"""

import argparse
import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn

from keysteward.demo import price_page
from keysteward.demo.fake_bill import Bill, Charge
from keysteward.demo.fake_call import KeyKind, Mode, SeenCall
from keysteward.demo.fake_rented import Rented
from keysteward.demo.fake_talk import Desk, Line, Talker
from keysteward.demo.fake_wire import (
    Asked,
    Headers,
    Kind,
    Received,
    Refused,
    Reply,
    Trouble,
    Used,
    Wire,
    whole,
)
from keysteward.demo.fake_wires import wires
from keysteward.demo.fake_work import Habits, Workshop
from keysteward.demo.gate import Gate, Watch
from keysteward.demo.sending import (
    Left,
    Receive,
    Scope,
    Send,
    at_once,
    begun,
    bit_by_bit,
    departure,
)
from keysteward.demo.serving import BREAK, loopback_config, running

__all__ = ["WIRES", "Charge", "FakeProvider", "Gate", "KeyKind", "Mode", "SeenCall", "running"]

WIRES: Final = tuple(wires())
"""The providers that there are."""

_CHARGES_KEPT: Final = 4096
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

    provider: str
    wire: Wire
    id: bytes
    seen: SeenCall
    received: Received
    habits: Habits
    pace: float


class _Broken(Exception):  # noqa: N818 - it names what happened
    """The work is done, and the connection breaks before, or in the middle of, the answer."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply


class FakeProvider:
    """The made-up providers, and the hands with which a test holds and watches them."""

    def __init__(
        self,
        keys: dict[str, KeyKind] | None = None,
        *,
        other_keys: KeyKind = KeyKind.REJECTED,
        calls_kept: int = 256,
        bill: Path | None = None,
    ) -> None:
        """Start with nothing seen and nothing charged; `bill` is a file for each charge's line."""
        self.keys = {} if keys is None else keys
        """What the provider thinks of each key; may be changed at any time."""
        self.other_keys = other_keys
        """What it thinks of all others."""
        self.events = 8
        """Tokens of a full answer, each an SSE event of a stream; `x-fake-events` goes before."""
        self.answer_bytes: int | None = None
        """Length of an answer's whole text; `x-fake-bytes` goes before."""
        self.thoughts = 0
        """Tokens that a model thinks, within its limit; `x-fake-thoughts` goes before."""
        self.cached = 0
        """Tokens of each prompt that are read from the cache; `x-fake-cached` goes before."""
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
        """How many it did work for that it charged, or that moved money."""
        self._bill = Bill(_CHARGES_KEPT, bill)
        self.bill: dict[str, int] = self._bill.sums
        """Nano-dollars that each provider has charged, ever."""
        self.charges: deque[Charge] = self._bill.charges
        """The last charges, oldest first."""
        self.moved: dict[str, int] = self._bill.moved
        """Money that calls have moved at Stripe, by currency, in its smallest unit."""
        self.messages: deque[bytes] = deque(maxlen=calls_kept)
        """The last messages of clients' websockets, oldest first."""
        self.open_streams = 0
        """How many answers are under way: streams, and those that hang or stand at a gate."""
        self.departures: list[float] = []
        """When clients left before they had their answer, or a websocket's end, in seconds of
        `time.monotonic`."""
        self._watch = Watch()
        self._wires = wires()
        self._workshop = Workshop()

    async def until(self, true: Callable[[], bool]) -> None:
        """Return once `true()` holds; looks again whenever a call comes, opens or ends."""
        await self._watch.until(true)

    async def disconnected(self, clients: int = 1) -> None:
        """Return once that many clients have left, ever, before they had their answer."""
        await self.until(lambda: len(self.departures) >= clients)

    def hour(self) -> None:
        """Let an hour pass for all that is rented: each thing that runs is charged for it."""
        for provider, wire in self._wires.items():
            if isinstance(wire, Rented):
                for name, item in wire.running.items():
                    self._bill.add(provider, name, price_page.cost(provider, item, Used(units=1)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a call, understand it, answer it; or take a websocket, and talk."""
        _, prefix, path = f"{scope['path']}/".split("/", 2)
        wire = self._wires.get(prefix)
        try:
            if wire is None:
                sort = "websocket." if scope["type"] == "websocket" else ""
                await at_once(send, self._elsewhere(prefix), prefix=sort)
            elif scope["type"] == "websocket":
                await self._talk(prefix, wire, "/" + path[:-1], scope, receive, send)
            else:
                call = await self._arrived(prefix, wire, "/" + path[:-1], scope, receive)
                await self._answer(call, scope, receive, send)
        except Left:
            self.departures.append(time.monotonic())
            self._watch.changed()

    def _elsewhere(self, prefix: str) -> Reply:
        """Answer what is asked of the fake itself."""
        match prefix:
            case "bill":
                return whole(self.bill)
            case "moved":
                return whole(self.moved)
            case _:
                return Reply(404, (), (b"No such provider here.\n",))

    async def _arrived(
        self, provider: str, wire: Wire, path: str, scope: Scope, receive: Receive
    ) -> _Call:
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
        return _Call(
            provider=provider,
            wire=wire,
            id=b"req_%024x" % self.seen,
            seen=seen,
            received=Received(seen.method, path, seen.query, headers, body),
            habits=self._habits(headers),
            pace=float(headers.get(b"x-fake-pace", self.pace)),
        )

    def _habits(self, headers: Mapping[bytes, bytes]) -> Habits:
        size = headers.get(b"x-fake-bytes")
        return Habits(
            events=int(headers.get(b"x-fake-events", self.events)),
            size=self.answer_bytes if size is None else int(size),
            thoughts=int(headers.get(b"x-fake-thoughts", self.thoughts)),
            cached=int(headers.get(b"x-fake-cached", self.cached)),
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

    async def _answer(self, call: _Call, scope: Scope, receive: Receive, send: Send) -> None:
        numbered: tuple[tuple[bytes, bytes], ...] = ((call.wire.request_id, call.id),)
        try:
            credential, kind = self._judged(call.wire, call.received)
            asked = self._workshop.asked(call.wire, call.received)
            mode = self._mode(call.received, asked)
            if mode is Mode.HANG:
                await self._hang(receive)
            if mode is Mode.ECHO_KEY_IN_HEADER:
                names = dict.fromkeys((call.wire.request_id, b"x-request-id"))
                numbered = tuple((name, credential.encode("latin-1")) for name in names)
            reply = self._spoilt(mode) or self._reply(call, asked, kind, credential, mode)
        except Refused as refusal:
            reply = call.wire.refusal(refusal.trouble, call.id.decode(), refusal.about)
        except _Broken as broken:
            await self._break(broken.reply, numbered, scope, receive, send)
            return
        if self.gate is None and not reply.stream and len(reply.pieces) == 1:
            await at_once(send, reply, numbered)
        else:
            with self._under_way():
                await bit_by_bit(receive, send, reply, numbered, gate=self.gate, pace=call.pace)

    def _judged(self, wire: Wire, call: Received) -> tuple[str, KeyKind]:
        """Look at the key before anything else, as the providers do."""
        credential = (wire.credential(call.headers) or b"").decode("latin-1")
        if not credential:
            raise Refused(Trouble.KEY_MISSING)
        kind = self.keys.get(credential, self.other_keys)
        if kind is KeyKind.REJECTED:
            raise Refused(Trouble.KEY_REJECTED, credential)
        return credential, kind

    def _mode(self, call: Received, asked: Asked) -> Mode | None:
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
        """Have the work done, and charge it. Raises `_Broken` where nobody is to hear of it."""
        if kind is KeyKind.SCOPED and asked.kind in {Kind.MODELS, Kind.CHECK}:
            raise Refused(Trouble.KEY_SCOPED)
        work = self._workshop.done(call.provider, call.wire, asked, call.habits, credential, mode)
        if work.cost or asked.moves:
            self._charge(call.provider, call.id.decode(), work.cost, asked.moves)
        if mode is Mode.ERROR_500_CHARGED:
            raise Refused(Trouble.ERROR_500)
        if mode is Mode.CUT_AFTER_CHARGE:
            raise _Broken(work.reply)
        return work.reply

    def _charge(self, provider: str, call: str, cost: int, moves: tuple[str, int] | None) -> None:
        self.charged += 1
        if cost:
            self._bill.add(provider, call, cost)
        if moves:
            self._bill.move(provider, call, *moves)

    async def _break(
        self, reply: Reply, numbered: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Break the connection: before a document's first byte, in the middle of a stream."""
        if reply.stream:
            await begun(send, reply, numbered, len(reply.pieces) // 2)
        scope["extensions"][BREAK]()
        await departure(receive)

    async def _talk(  # noqa: PLR0917 - a step of `__call__`, with what that has gathered
        self, provider: str, wire: Wire, path: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Take a websocket, if the wire has one there and the key is good, and talk."""
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        call = Received("GET", path, scope["query_string"], dict(headers), b"")
        seen = SeenCall(
            method="GET",
            raw_path=scope["raw_path"],
            query=call.query,
            headers=headers,
            body=b"",
            body_size=0,
            complete=True,
            started_at=time.monotonic(),
        )
        self.calls.append(seen)
        self.seen += 1
        self._watch.changed()
        name = b"req_%024x" % self.seen
        await receive()  # `websocket.connect`
        try:
            mode, talker = self._reached(wire, call)
        except Refused as refusal:
            reply = wire.refusal(refusal.trouble, name.decode(), refusal.about)
            await at_once(send, reply, ((wire.request_id, name),), prefix="websocket.")
            return
        await send({"type": "websocket.accept", "headers": [(wire.request_id, name)]})
        habits = self._habits(call.headers)
        line = Line(receive, send, self.messages.append)
        desk = Desk(
            charge=lambda item, used: self._charge(
                provider, name.decode(), price_page.cost(provider, item, used), None
            ),
            mode=mode,
            events=habits.events,
            cached=habits.cached,
            pace=self.pace,
            gate=self.gate,
        )
        with self._under_way(), line:
            await talker.talk(call, line, desk)

    def _reached(self, wire: Wire, call: Received) -> tuple[Mode | None, Talker]:
        """Tell who talks at the other end of a websocket, and how. Raises `Refused`."""
        self._judged(wire, call)
        mode = self._mode(call, Asked(Kind.READ))
        if mode in _TROUBLES:
            raise Refused(_TROUBLES[mode])
        if not isinstance(wire, Talker) or not wire.talks(call):
            raise Refused(Trouble.NO_SUCH_ROUTE, call.path)
        return mode, wire

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
        description="The catalogue's providers on loopback, made up.",
        epilog="Base URLs: /openai/v1, /anthropic, /google, and so on by the provider's name; "
        "/bill tells what each has charged, in nano-dollars. A call's headers x-fake-events, "
        "x-fake-bytes, x-fake-pace and x-fake (a way to go wrong) go before these options.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--key", action="append", default=[], help="a valid key; may be repeated")
    parser.add_argument("--scoped-key", action="append", default=[], help="may not list models")
    parser.add_argument("--events", type=int, default=8, help="tokens, and events, an answer")
    parser.add_argument("--bytes", type=int, help="length of an answer's text")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between events")
    parser.add_argument("--mode", choices=sorted(_MODES), help="a way to go wrong, for all calls")
    parser.add_argument("--bill", type=Path, help="a file that gets a line for each charge")
    options = parser.parse_args()
    keys = dict.fromkeys(options.key, KeyKind.VALID)
    keys |= dict.fromkeys(options.scoped_key, KeyKind.SCOPED)
    # Whoever names no key wants none judged.
    others = KeyKind.REJECTED if keys else KeyKind.VALID
    provider = FakeProvider(keys, other_keys=others, bill=options.bill)
    provider.events = options.events
    provider.answer_bytes = options.bytes
    provider.pace = options.pace
    provider.mode = _MODES.get(options.mode)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", options.port))
        listener.listen(2048)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
        uvicorn.Server(loopback_config(provider)).run(sockets=[listener])


if __name__ == "__main__":
    main()
