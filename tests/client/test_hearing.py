"""A listener hears what is gone, once each and in order, and says so."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from keysteward.client import Listener, Reason, Revocation
from tests.client.conftest import Heard
from tests.client.scripted_server import (
    TOKEN,
    Peer,
    ScriptedServer,
    beat,
    expired,
    revoked,
)

ListenerTo = Callable[..., Listener]


def within(seconds: float = 10) -> asyncio.Timeout:
    return asyncio.timeout(seconds)


async def test_it_introduces_itself_with_its_token_and_its_instance(
    listener_to: ListenerTo,
) -> None:
    async def script(peer: Peer) -> None:
        assert await peer.opened(beat("c4")) is None
        assert peer.init == {"authorization": f"Bearer {TOKEN}", "instance": "worker 7"}
        await peer.gone()

    async with (
        within(),
        ScriptedServer(script) as server,
        listener_to(server, instance="worker 7") as listener,
    ):
        await listener.until_safe()
        assert listener.cursor == "c4"


async def test_a_removal_is_applied_and_then_acknowledged(
    listener_to: ListenerTo, heard: Heard
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await peer.tell(revoked("c5", "key_9", version=3), beat("c5"))
        assert await peer.acknowledged() == "c5"
        assert heard.cursors == ["c5"]
        acknowledged.set()
        await peer.gone()

    acknowledged = asyncio.Event()
    async with within(), ScriptedServer(script) as server, listener_to(server) as listener:
        await acknowledged.wait()
        assert listener.cursor == "c5"
        assert listener.safe
        assert listener.revoked("key_9")
        assert not listener.revoked("key_8")
    (revocation,) = heard.all
    assert revocation == Revocation(
        "c5", "key_9", "openai", Reason.REMOVED, 3, revocation.revoked_at
    )
    assert revocation.revoked_at.isoformat() == "2026-01-02T03:04:05+00:00"


async def test_a_key_is_known_as_gone_before_anybody_is_called(listener_to: ListenerTo) -> None:
    known: list[tuple[bool, str | None]] = []

    def on_revoked(revocation: Revocation) -> None:
        assert revocation.key is not None
        known.append((listener.revoked(revocation.key), listener.cursor))

    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5", "key_9"))
        await peer.acknowledged()
        done.set()
        await peer.gone()

    done = asyncio.Event()
    async with within(), ScriptedServer(script) as server:
        listener = listener_to(server, on_revoked=on_revoked)
        async with listener:
            await done.wait()
    assert known == [(True, "c4")]


async def test_a_rotation_takes_the_old_version_and_leaves_the_key(
    listener_to: ListenerTo, heard: Heard
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5", "key_9", reason="ROTATED", version=2))
        await peer.gone()

    async with within(), ScriptedServer(script) as server, listener_to(server) as listener:
        await heard.until(1)
        assert not listener.revoked("key_9")
        assert listener.revoked("key_9", version=1)
        assert listener.revoked("key_9", version=2)
        assert not listener.revoked("key_9", version=3)


@pytest.mark.parametrize("reason", ["EVERYTHING_REVOKED", "ACCOUNT_DELETED"])
async def test_a_revocation_without_a_key_takes_every_key(
    listener_to: ListenerTo, heard: Heard, reason: str
) -> None:
    async def script(peer: Peer) -> None:
        event = revoked("c5", None, reason=reason, version=None, provider=None)
        await peer.opened(beat("c4"), event)
        await peer.gone()

    async with within(), ScriptedServer(script) as server, listener_to(server) as listener:
        await heard.until(1)
        assert listener.revoked("key_whatever")
    assert heard.all[0].reason == reason


async def test_a_reason_of_a_newer_server_is_a_removal(
    listener_to: ListenerTo, heard: Heard
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5", "key_9", reason="EXPIRED"))
        await peer.gone()

    async with within(), ScriptedServer(script) as server, listener_to(server) as listener:
        await heard.until(1)
        assert heard.all[0].reason is Reason.OTHER
        assert listener.revoked("key_9")


async def test_after_a_drop_it_resumes_from_its_own_cursor(
    listener_to: ListenerTo, heard: Heard
) -> None:
    async def first(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5"))
        await peer.acknowledged()
        peer.socket.transport.abort()

    async def second(peer: Peer) -> None:
        assert await peer.opened(revoked("c6", "key_2"), revoked("c8", "key_3"), beat("c9")) == "c5"
        await peer.tell(beat("c10"))
        assert await peer.listened() == "c9"
        done.set()
        await peer.gone()

    done = asyncio.Event()
    async with within(), ScriptedServer(first, second) as server, listener_to(server):
        await done.wait()
    assert heard.cursors == ["c5", "c6", "c8"]


async def test_what_comes_twice_is_applied_once(listener_to: ListenerTo, heard: Heard) -> None:
    async def first(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5"), revoked("c5"), revoked("c6"), revoked("c5"))
        while await peer.acknowledged() != "c6":
            pass
        await peer.close(1012)

    async def second(peer: Peer) -> None:
        await peer.opened(revoked("c5"), revoked("c6"), revoked("c7"), beat("c7"))
        await peer.gone()

    async with within(), ScriptedServer(first, second) as server, listener_to(server):
        await heard.until(3)
    assert heard.cursors == ["c5", "c6", "c7"]


async def test_out_of_order_each_is_still_applied_once(
    listener_to: ListenerTo, heard: Heard
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c6"), revoked("c5"), beat("c6"))
        # It stands at c5 now and was told c6: it asks again rather than guess.
        assert await peer.listened() == "c5"
        await peer.tell(revoked("c6"), beat("c6"), revoked("c7"), beat("c7"))
        await peer.gone()

    async with within(), ScriptedServer(script) as server, listener_to(server):
        await heard.until(3)
    assert heard.cursors == ["c6", "c5", "c7"]


async def test_a_revocation_lost_on_the_way_shows_at_the_next_heartbeat(
    listener_to: ListenerTo, heard: Heard
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        before = peer.listening
        await peer.tell(beat("c5"))
        assert await peer.listened() == "c4"
        assert await peer.completed.get() == before
        await peer.tell(revoked("c5"), beat("c5"))
        assert await peer.acknowledged() == "c5"
        done.set()
        await peer.gone()

    done = asyncio.Event()
    async with within(), ScriptedServer(script) as server, listener_to(server) as listener:
        await done.wait()
        assert listener.cursor == "c5"
    assert heard.cursors == ["c5"]


async def test_a_head_that_moved_for_another_reason_is_taken_after_asking_once(
    listener_to: ListenerTo, heard: Heard
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await peer.tell(beat("c5"))
        assert await peer.listened() == "c4"
        await peer.tell(beat("c5"), beat("c5"), beat("c5"), revoked("c6"))
        await peer.acknowledged()
        assert peer.listens.empty()
        await peer.gone()

    async with within(), ScriptedServer(script) as server, listener_to(server):
        await heard.until(1)
        assert server.connections == 1


async def test_frames_of_the_subscription_before_are_passed_over(
    listener_to: ListenerTo, heard: Heard
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        old = peer.listening
        await peer.tell(beat("c5"))
        await peer.listened()
        new, peer.listening = peer.listening, old
        await peer.tell(beat("c99"))
        await peer.send(type="complete", id=old)
        peer.listening = new
        await peer.tell(revoked("c5"), beat("c5"))
        await peer.gone()

    async with within(), ScriptedServer(script) as server, listener_to(server) as listener:
        await heard.until(1)
        assert server.connections == 1
        assert listener.cursor != "c99"


async def test_a_burst_is_acknowledged_by_its_newest(listener_to: ListenerTo, heard: Heard) -> None:
    async def script(peer: Peer) -> None:
        peer.answering = False
        await peer.opened(beat("c0"))
        await peer.tell(*[revoked(f"c{n}", f"key_{n}") for n in range(1, 101)], beat("c100"))
        operation, wanted = await peer.acknowledgements.get()
        assert wanted["cursor"] == "c1"
        await heard.until(100)
        # A slow answer: whatever was applied meanwhile goes with the next one.
        await peer.answer(operation, "c1")
        peer.answering = True
        operation, wanted = await peer.acknowledgements.get()
        assert wanted["cursor"] == "c100"
        assert peer.acknowledgements.empty()
        done.set()
        await peer.gone()

    done = asyncio.Event()
    async with within(), ScriptedServer(script) as server, listener_to(server):
        await done.wait()


async def test_an_acknowledgement_lost_with_its_connection_is_said_again(
    listener_to: ListenerTo,
) -> None:
    async def first(peer: Peer) -> None:
        peer.answering = False
        await peer.opened(beat("c4"), revoked("c5"))
        await peer.acknowledged()
        peer.socket.transport.abort()

    async def second(peer: Peer) -> None:
        await peer.opened(beat("c5"))
        assert await peer.acknowledged() == "c5"
        done.set()
        await peer.gone()

    done = asyncio.Event()
    async with within(), ScriptedServer(first, second) as server, listener_to(server):
        await done.wait()


async def test_an_acknowledgement_that_was_not_taken_is_said_again_at_the_next_heartbeat(
    listener_to: ListenerTo,
) -> None:
    async def script(peer: Peer) -> None:
        peer.answering = False
        await peer.opened(beat("c4"), revoked("c5"))
        operation, _ = await peer.acknowledgements.get()
        await peer.send(type="error", id=operation, payload=[{"message": "Busy."}])
        await peer.tell(beat("c5"))
        operation, wanted = await peer.acknowledgements.get()
        assert wanted["cursor"] == "c5"
        await peer.answer(operation, "c5")
        done.set()
        await peer.gone()

    done = asyncio.Event()
    async with within(), ScriptedServer(script) as server, listener_to(server):
        await done.wait()


async def test_the_servers_pings_are_answered(listener_to: ListenerTo) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await peer.send(type="ping", payload={"n": 1})
        await peer.pongs.get()
        done.set()
        await peer.gone()

    done = asyncio.Event()
    async with within(), ScriptedServer(script) as server, listener_to(server):
        await done.wait()


async def test_a_loop_has_each_revocation_applied_when_its_body_is_through(
    listener_to: ListenerTo,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5", "key_1"), revoked("c6", "key_2"), beat("c6"))
        await peer.gone()

    seen: list[tuple[str, str | None]] = []
    async with (
        within(),
        ScriptedServer(script) as server,
        listener_to(server, on_revoked=None) as listener,
    ):
        async for revocation in listener:
            await asyncio.sleep(0)
            seen.append((revocation.cursor, listener.cursor))
            if revocation.cursor == "c6":
                break
    assert seen == [("c5", "c4"), ("c6", "c5")]


async def test_a_loop_that_is_left_midway_does_not_count_as_applied(
    listener_to: ListenerTo,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5"))
        assert await peer.acknowledged() == "c5"
        acknowledged.set()
        await peer.gone()

    acknowledged = asyncio.Event()
    async with (
        within(),
        ScriptedServer(script) as server,
        listener_to(server, on_revoked=None) as listener,
    ):
        with contextlib.suppress(LookupError):
            async for _ in listener:
                raise LookupError
        assert listener.cursor == "c4"
        # A second loop takes it up where the first one failed.
        async for revocation in listener:
            assert revocation.cursor == "c5"
            assert not acknowledged.is_set()
            break
        await acknowledged.wait()


async def test_a_second_loop_takes_the_place_of_the_first(listener_to: ListenerTo) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5"))
        await peer.gone()

    async with within(), ScriptedServer(script) as server, listener_to(server) as listener:
        seen: list[str] = []

        async def loop_in_a_loop() -> None:
            async for _ in listener:
                async for revocation in listener:
                    seen.append(revocation.cursor)
                    break

        with pytest.raises(RuntimeError, match="Another loop"):
            await loop_in_a_loop()
        assert seen == ["c5"]


async def test_a_loop_ends_when_the_listener_is_closed(listener_to: ListenerTo) -> None:
    async def loop() -> None:
        async for _ in listener:
            pass

    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await peer.gone()

    async with within(), ScriptedServer(script) as server:
        async with listener_to(server) as listener:
            looping = asyncio.create_task(loop())
            await listener.until_safe()
        await looping


async def test_an_expired_cursor_has_the_tool_list_anew_and_resume_from_the_head(
    listener_to: ListenerTo, heard: Heard
) -> None:
    states: list[tuple[bool, str | None]] = []

    async def on_relist() -> None:
        await asyncio.sleep(0)
        states.append((listener.safe, listener.cursor))

    async def script(peer: Peer) -> None:
        assert await peer.opened(expired("c90")) == "c3"
        await peer.send(type="complete", id=peer.listening)
        assert await peer.listened() == "c90"
        await peer.tell(revoked("c91"), beat("c91"))
        await peer.gone()

    async with within(), ScriptedServer(script) as server:
        listener = listener_to(server, cursor="c3", on_relist=on_relist)
        async with listener:
            await heard.until(1)
            await listener.until_safe()
    assert states == [(False, "c3")]
    assert heard.cursors == ["c91"]


async def test_a_restored_servers_cursors_are_new_ones(
    listener_to: ListenerTo, heard: Heard
) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5", "key_1"))
        await peer.acknowledged()
        # An older backup: c5 is to be given out once more, for another change.
        await peer.tell(expired("c3"))
        assert await peer.listened() == "c3"
        await peer.tell(revoked("c5", "key_2"), beat("c5"))
        await peer.gone()

    async with within(), ScriptedServer(script) as server:
        listener = listener_to(server, on_relist=lambda: None)
        async with listener:
            await heard.until(2)
            assert listener.revoked("key_2")
            assert not listener.revoked("key_1")


async def test_a_server_that_calls_each_cursor_expired_has_the_tool_list_at_a_measured_pace(
    listener_to: ListenerTo, waits: list[float]
) -> None:
    relisted: list[str | None] = []

    async def always(peer: Peer) -> None:
        await peer.opened(expired("c9"))
        await peer.listened()
        await peer.tell(expired("c9"))
        await peer.gone()

    async def last(peer: Peer) -> None:
        await peer.opened(beat("c9"))
        await peer.gone()

    async with within(), ScriptedServer(always, always, last) as server:
        listener: Listener = listener_to(server, on_relist=lambda: relisted.append(listener.cursor))
        async with listener:
            await listener.until_safe()
    assert relisted == [None, "c9"]
    assert waits == [1, 2]


async def test_the_cursor_that_it_was_given_is_not_applied_again(
    listener_to: ListenerTo, heard: Heard
) -> None:
    async def script(peer: Peer) -> None:
        assert await peer.opened(revoked("c5"), revoked("c6"), beat("c6")) == "c5"
        await peer.gone()

    async with within(), ScriptedServer(script) as server, listener_to(server, cursor="c5"):
        await heard.until(1)
    assert heard.cursors == ["c6"]
