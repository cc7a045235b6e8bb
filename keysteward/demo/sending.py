"""Sending an answer over ASGI: at once, or bit by bit for as long as the client stays."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from keysteward.demo.fake_wire import Headers, Reply
from keysteward.demo.gate import Gate

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


_NO_BODY: Final = {204, 304}


class Left(Exception):  # noqa: N818 - it names what happened
    """The client went away before it had its answer."""


async def at_once(send: Send, reply: Reply, extra: Headers = (), *, prefix: str = "") -> None:
    """Send an answer of one piece; with the prefix `websocket.`, in place of a websocket."""
    (body,) = reply.pieces
    start = _start(reply, len(body), extra)
    if prefix:
        start["type"] = prefix + start["type"]
    await send(start)
    await send({"type": f"{prefix}http.response.body", "body": body})


async def begun(send: Send, reply: Reply, extra: Headers, pieces: int) -> None:
    """Send the head of an answer and so many of its pieces, and no end."""
    await send(_start(reply, None, extra))
    for piece in reply.pieces[:pieces]:
        await send({"type": "http.response.body", "body": piece, "more_body": True})


async def bit_by_bit(
    receive: Receive, send: Send, reply: Reply, extra: Headers, *, gate: Gate | None, pace: float
) -> None:
    """Send an answer's pieces, each on its own. Raises `Left` when the client leaves."""
    after = -1 if gate is None else gate.after
    gone = asyncio.ensure_future(departure(receive))
    try:
        # A document has a status as late as a body: held at its start, it has sent nothing.
        if gate is not None and after == 0 and not reply.stream:
            await unless(gone, gate.passed())
        size = None if reply.stream else sum(map(len, reply.pieces))
        await send(_start(reply, size, extra))
        for sent, piece in enumerate(reply.pieces):
            if gate is not None and sent == after and (sent or reply.stream):
                await unless(gone, gate.passed())
            elif pace and sent and reply.stream:
                await unless(gone, asyncio.sleep(pace))
            elif gone.done():
                raise Left
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})
    finally:
        gone.cancel()


async def departure(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless(gone: asyncio.Future[None], awaited: Awaitable[None]) -> None:
    """Wait for something, unless the client, whose `gone` is then done, leaves: raises `Left`."""
    waiting = asyncio.ensure_future(awaited)
    try:
        await asyncio.wait({gone, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not waiting.done():
            waiting.cancel()
            await asyncio.wait({waiting})
    if gone.done():
        raise Left


def _start(reply: Reply, size: int | None, extra: Headers) -> Message:
    headers = [*reply.headers, *extra]
    if size is not None and reply.status not in _NO_BODY:
        headers.append((b"content-length", b"%d" % size))
    return {"type": "http.response.start", "status": reply.status, "headers": headers}
