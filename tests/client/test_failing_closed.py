"""A listener that can't know is unsafe, says why in a sentence, and becomes safe by catching up."""

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable

import pytest

from keysteward.client import CursorLost, Ended, Listener, Revocation, TokenRefused, Unsafe
from keysteward.client import memory as memories
from tests.client.conftest import Heard, Monotonic
from tests.client.scripted_server import (
    TOKEN,
    Peer,
    ScriptedServer,
    beat,
    expired,
    refuse,
    revoked,
)

ListenerTo = Callable[..., Listener]


def within(seconds: float = 10) -> asyncio.Timeout:
    return asyncio.timeout(seconds)


async def hold(peer: Peer) -> None:
    await peer.opened(beat("c4"))
    await peer.gone()


async def test_it_is_unsafe_until_it_has_caught_up(listener_to: ListenerTo) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(revoked("c3"))
        await peer.acknowledged()
        with pytest.raises(Unsafe, match="has not caught up"):
            listener.require_safe()
        await peer.tell(beat("c3"))
        await peer.gone()

    async with within(), ScriptedServer(script) as server:
        listener = listener_to(server, cursor="c2")
        with pytest.raises(Unsafe, match="has not been started"):
            listener.require_safe()
        async with listener:
            await listener.until_safe()
            listener.require_safe()
        with pytest.raises(Unsafe, match="is closed"):
            listener.require_safe()


async def test_without_heartbeats_it_is_unsafe_from_the_bound_on(
    listener_to: ListenerTo, monotonic: Monotonic
) -> None:
    async with within(), ScriptedServer(hold) as server, listener_to(server) as listener:
        await listener.until_safe()
        monotonic.forward(15.0)
        assert listener.safe
        monotonic.forward(0.1)
        with pytest.raises(Unsafe, match="more than 15 s"):
            listener.require_safe()


async def test_while_disconnected_it_is_unsafe_from_the_bound_on(
    listener_to: ListenerTo, monotonic: Monotonic
) -> None:
    async def first(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await drop.wait()
        peer.socket.transport.abort()

    async def second(peer: Peer) -> None:
        reconnected.set()
        await resume.wait()
        await peer.opened(beat("c4"))
        await peer.gone()

    drop, reconnected, resume = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with within(), ScriptedServer(first, second) as server, listener_to(server) as listener:
        await listener.until_safe()
        drop.set()
        await reconnected.wait()
        assert listener.safe
        monotonic.forward(16)
        assert not listener.safe
        resume.set()
        await listener.until_safe()


async def test_an_answer_is_as_old_as_its_question(
    listener_to: ListenerTo, monotonic: Monotonic
) -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()
        await peer.listened()
        monotonic.forward(16)
        await peer.tell(beat("c4"), beat("c4"))
        await peer.listened()
        assert not listener.safe
        await peer.tell(beat("c4"))
        asked_twice.set()
        await peer.gone()

    asked_twice = asyncio.Event()
    async with within(), ScriptedServer(script) as server, listener_to(server) as listener:
        await listener.until_safe()


async def test_a_heartbeat_from_before_a_long_sleep_is_not_believed(
    listener_to: ListenerTo, monotonic: Monotonic, heard: Heard
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await asleep.wait()
        await peer.tell(beat("c4"))
        assert await peer.listened() == "c4"
        assert not listener.safe
        await peer.tell(revoked("c5"), beat("c5"))
        await peer.gone()

    asleep = asyncio.Event()
    async with within(), ScriptedServer(script) as server, listener_to(server) as listener:
        await listener.until_safe()
        monotonic.forward(3600)
        asleep.set()
        await heard.until(1)
        await listener.until_safe()


async def test_a_silent_server_is_left_for_another_connection(listener_to: ListenerTo) -> None:
    async def silent(peer: Peer) -> None:
        await peer.greet()
        await peer.gone()

    async with (
        within(),
        ScriptedServer(silent, hold) as server,
        listener_to(server, bound=0.05) as listener,
    ):
        await listener.until_safe()
        assert server.connections == 2


async def test_heartbeats_keep_a_connection(listener_to: ListenerTo) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        for _ in range(4):
            await asyncio.sleep(0.3)  # the pace of the heartbeats, which are four in the bound
            await peer.tell(beat("c4"))
        await peer.tell(revoked("c5"))
        await peer.acknowledged()
        kept.set()
        await peer.gone()

    kept = asyncio.Event()
    async with within(), ScriptedServer(script) as server, listener_to(server, bound=1):
        await kept.wait()
        assert server.connections == 1


async def test_a_flood_without_a_heartbeat_is_silence(listener_to: ListenerTo) -> None:
    async def flood(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5"))
        while True:
            await peer.tell(revoked("c5"))

    async def second(peer: Peer) -> None:
        await peer.opened(beat("c5"))
        reconnected.set()
        await peer.gone()

    reconnected = asyncio.Event()
    async with (
        within(),
        ScriptedServer(flood, second) as server,
        listener_to(server, bound=0.2),
    ):
        await reconnected.wait()


async def test_a_flood_of_keys_takes_bounded_memory_and_ends_in_listing_anew(
    listener_to: ListenerTo, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    monkeypatch.setattr(memories, "MOST_KEYS", 10)
    monkeypatch.setattr(memories, "MOST_CURSORS", 20)
    relisted: list[str | None] = []

    async def script(peer: Peer) -> None:
        await peer.opened(beat("c0"))
        await peer.tell(*[revoked(f"c{n}", f"key_{n}") for n in range(1, 26)], beat("c25"))
        await peer.gone()

    async with within(), ScriptedServer(script) as server:
        listener: Listener = listener_to(server, on_relist=lambda: relisted.append(listener.cursor))
        async with listener:
            await heard.until(25)
            assert relisted == ["c10", "c20"]
            assert len(listener._memory._gone) <= 10
            assert len(listener._memory._cursors) <= 20
            assert listener.revoked("key_25")


async def test_a_callback_that_fails_holds_the_cursor_and_makes_unsafe(
    listener_to: ListenerTo, waits: list[float]
) -> None:
    calls: list[tuple[str, str | None, bool]] = []

    def on_revoked(revocation: Revocation) -> None:
        calls.append((revocation.cursor, listener.cursor, listener.safe))
        if len(calls) < 4:
            raise LookupError("the tool's own trouble")

    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await listener.until_safe()
        await peer.tell(revoked("c5"), revoked("c6"), beat("c6"))
        # The connection stays: to the server this tool is running, and has not heard.
        while await peer.acknowledged() != "c6":
            pass
        await listener.until_safe()
        done.set()
        await peer.gone()

    done = asyncio.Event()
    async with within(), ScriptedServer(script) as server:
        listener = listener_to(server, on_revoked=on_revoked)
        async with listener:
            await done.wait()
    assert calls == [
        ("c5", "c4", True),
        ("c5", "c4", False),
        ("c5", "c4", False),
        ("c5", "c4", False),
        ("c6", "c5", True),
    ]
    assert waits == [1, 2, 4]


async def test_a_callback_that_is_cancelled_from_within_is_one_that_failed(
    listener_to: ListenerTo,
) -> None:
    calls: list[str] = []

    async def on_revoked(revocation: Revocation) -> None:
        calls.append(revocation.cursor)
        if len(calls) == 1:
            raise asyncio.CancelledError

    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5"))
        await peer.acknowledged()
        done.set()
        await peer.gone()

    done = asyncio.Event()
    async with (
        within(),
        ScriptedServer(script) as server,
        listener_to(server, on_revoked=on_revoked),
    ):
        await done.wait()
    assert calls == ["c5", "c5"]


async def test_closing_interrupts_a_callback_that_never_ends(listener_to: ListenerTo) -> None:
    async def on_revoked(_: Revocation) -> None:
        called.set()
        await asyncio.Event().wait()

    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5"))
        await peer.gone()

    called = asyncio.Event()
    async with within(), ScriptedServer(script) as server:
        async with listener_to(server, on_revoked=on_revoked) as listener:
            await called.wait()
        assert listener.cursor == "c4"


async def test_a_token_that_is_refused_ends_it(listener_to: ListenerTo) -> None:
    async with within(), ScriptedServer(refuse) as server, listener_to(server) as listener:
        with pytest.raises(TokenRefused, match="doesn't know this tool token"):
            await listener.ended()
        with pytest.raises(TokenRefused):
            await listener.until_safe()
        with pytest.raises(TokenRefused):
            listener.require_safe()
        with pytest.raises(TokenRefused):
            async for _ in listener:
                pass
        assert not listener.safe
        assert server.connections == 1


async def test_a_loop_raises_the_refusal_that_comes_while_it_waits(
    listener_to: ListenerTo,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await peer.close(4401, "Unauthorized")

    async with within(), ScriptedServer(script) as server, listener_to(server) as listener:
        with pytest.raises(TokenRefused, match="was revoked"):
            async for _ in listener:
                pass


async def test_a_revoked_tool_applies_that_acknowledges_it_and_stops(
    listener_to: ListenerTo, heard: Heard
) -> None:
    states: list[bool] = []

    async def on_revoked(revocation: Revocation) -> None:
        states.append(listener.safe)
        await heard(revocation)

    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await listener.until_safe()
        event = revoked("c5", None, reason="TOOL_REVOKED", version=None, provider=None)
        await peer.tell(event)
        assert await peer.acknowledged() == "c5"
        await peer.close(4401, "Unauthorized")

    async with within(), ScriptedServer(script) as server:
        listener = listener_to(server, on_revoked=on_revoked)
        async with listener:
            with pytest.raises(TokenRefused, match="was revoked"):
                await listener.ended()
            assert listener.revoked("key_whatever")
            assert listener.cursor == "c5"
    assert heard.cursors == ["c5"]
    assert states == [False]
    assert server.connections == 1


async def test_an_expired_cursor_without_a_way_to_list_anew_ends_it(
    listener_to: ListenerTo,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(expired("c90"))
        await peer.gone()

    async with (
        within(),
        ScriptedServer(script) as server,
        listener_to(server, cursor="c3") as listener,
    ):
        with pytest.raises(CursorLost, match="without a cursor"):
            await listener.ended()
        assert listener.cursor == "c3"


async def test_it_stays_unsafe_until_listing_anew_has_succeeded(listener_to: ListenerTo) -> None:
    sentences: list[str] = []

    def on_relist() -> None:
        with pytest.raises(Unsafe) as unsafe:
            listener.require_safe()
        sentences.append(str(unsafe.value))
        if len(sentences) == 1:
            raise OSError("the tool's own trouble")

    async def script(peer: Peer) -> None:
        await peer.opened(beat("c3"))
        await listener.until_safe()
        await peer.tell(expired("c90"))
        assert await peer.listened() == "c90"
        await peer.tell(beat("c90"))
        resumed.set()
        await peer.gone()

    resumed = asyncio.Event()
    async with within(), ScriptedServer(script) as server:
        listener = listener_to(server, on_relist=on_relist)
        async with listener:
            await resumed.wait()
            await listener.until_safe()
    assert ["listed anew" in sentences[0], "on_relist failed" in sentences[1]] == [True, True]


def _next(**payload: object) -> Callable[[Peer], Awaitable[None]]:
    async def send(peer: Peer) -> None:
        await peer.send(type="next", id=peer.listening, payload=payload)

    return send


def _raw(frame: str | bytes) -> Callable[[Peer], Awaitable[None]]:
    async def send(peer: Peer) -> None:
        await peer.socket.send(frame)

    return send


def _told(**changed: object) -> Callable[[Peer], Awaitable[None]]:
    async def send(peer: Peer) -> None:
        await peer.tell({**revoked("c5"), **changed})

    return send


async def _complete(peer: Peer) -> None:
    await peer.send(type="complete", id=peer.listening)


async def _error(peer: Peer) -> None:
    await peer.send(type="error", id=peer.listening, payload=[{"message": f"No {TOKEN}"}])


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(_raw("not json"), id="no JSON"),
        pytest.param(_raw("[" * 60_000), id="deeply nested"),
        pytest.param(_raw("[]"), id="a list"),
        pytest.param(_raw("9" * 5000), id="a long number"),
        pytest.param(_raw(b"\x00\xff"), id="binary"),
        pytest.param(_raw('"' + "x" * 70_000 + '"'), id="too large"),
        pytest.param(_complete, id="the subscription ends"),
        pytest.param(_error, id="an error message"),
        pytest.param(_next(data=None, errors=[{"message": f"{TOKEN}\n"}]), id="errors"),
        pytest.param(_next(data=None), id="no data"),
        pytest.param(_next(data={"keyRevoked": 7}), id="an event that is a number"),
        pytest.param(_next(data={"keyRevoked": {"__typename": "New"}}), id="an unknown event"),
        pytest.param(_told(cursor=None), id="no cursor"),
        pytest.param(_told(cursor="c" * 201), id="a long cursor"),
        pytest.param(_told(key=7), id="a key that is a number"),
        pytest.param(_told(provider="openai"), id="a provider that is no object"),
        pytest.param(_told(reason=None), id="no reason"),
        pytest.param(_told(version="1"), id="a version that is a text"),
        pytest.param(_told(version=True), id="a version that is a truth"),
        pytest.param(_told(revokedAt="yesterday"), id="a time that is none"),
    ],
)
async def test_garbage_is_left_for_another_connection_and_nothing_is_lost(
    listener_to: ListenerTo,
    heard: Heard,
    garbage: Callable[[Peer], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def first(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await garbage(peer)
        await peer.gone()

    async def second(peer: Peer) -> None:
        assert await peer.opened(revoked("c5"), beat("c5")) == "c4"
        await peer.gone()

    caplog.set_level(logging.DEBUG)
    async with within(), ScriptedServer(first, second) as server, listener_to(server):
        await heard.until(1)
    assert heard.cursors == ["c5"]
    ours = [record.getMessage() for record in caplog.records if "keysteward" in record.name]
    assert ours
    assert TOKEN not in "".join(ours)


async def test_waits_grow_to_a_bound_and_shrink_after_a_healthy_time(
    listener_to: ListenerTo, monotonic: Monotonic, waits: list[float]
) -> None:
    async def drop(peer: Peer) -> None:
        await peer.frame()
        await peer.close(1013, "Try again later")

    async def healthy(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await listener.until_safe()
        monotonic.forward(10)
        await peer.tell(beat("c4"), revoked("c5"))
        await peer.acknowledged()
        await peer.close(1012)

    async def last(peer: Peer) -> None:
        await peer.opened(beat("c5"))
        done.set()
        await peer.gone()

    done = asyncio.Event()
    async with within(), ScriptedServer(*[drop] * 7, healthy, last) as server:
        listener = listener_to(server)
        async with listener:
            await done.wait()
    assert waits == [1, 2, 4, 8, 16, 30, 30, 1]


async def test_a_server_that_is_away_is_tried_until_it_is_back(
    listener_to: ListenerTo, waits: list[float]
) -> None:
    """Nobody listens at the port at first."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    tried = asyncio.Event()

    def jitter(ceiling: float) -> float:
        waits.append(ceiling)
        if len(waits) == 3:
            tried.set()
        return 0.0

    async with (
        within(),
        Listener(f"http://127.0.0.1:{port}", TOKEN, jitter=jitter) as listener,
    ):
        await tried.wait()
        assert not listener.safe
        async with ScriptedServer(hold, port=port):
            await listener.until_safe()


async def test_an_error_of_its_own_ends_it_unsafe(
    listener_to: ListenerTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with within(), ScriptedServer(hold) as server:
        listener = listener_to(server)
        monkeypatch.setattr(listener, "_heartbeat", broken)
        async with listener:
            with pytest.raises(Ended, match="an error of its own"):
                await listener.until_safe()


async def test_a_server_that_never_agrees_is_left(
    listener_to: ListenerTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keysteward.client.wire._OPEN_SECONDS", 0.2)

    async def silent(peer: Peer) -> None:
        assert json.loads(await peer.socket.recv())["type"] == "connection_init"
        await peer.gone()

    async with within(), ScriptedServer(silent, hold) as server, listener_to(server) as listener:
        await listener.until_safe()
