"""A tool without an event loop listens in a thread."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysteward.client import Listener, TokenRefused, Unsafe, listen_in_thread
from tests.client.scripted_server import (
    TOKEN,
    Peer,
    Script,
    ScriptedServer,
    beat,
    refuse,
    revoked,
)


class ServerInThread:
    """The scripted server, beside a test that has no event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._servers: list[ScriptedServer] = []

    def playing(self, *scripts: Script) -> str:
        async def start() -> str:
            server = await ScriptedServer(*scripts).__aenter__()
            self._servers.append(server)
            return server.url

        return asyncio.run_coroutine_threadsafe(start(), self._loop).result(10)

    def stop(self) -> None:
        async def stop() -> None:
            for server in self._servers:
                await server.__aexit__(None, None, None)

        try:
            asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


@pytest.fixture
def server() -> Iterator[ServerInThread]:
    running = ServerInThread()
    yield running
    running.stop()


def test_it_hears_beside_the_tools_own_work(server: ServerInThread) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5", "key_9"), beat("c5"))
        await peer.acknowledged()
        acknowledged.set()
        await peer.gone()

    acknowledged = threading.Event()
    threads: list[str] = []
    listener = Listener(
        server.playing(script),
        TOKEN,
        on_revoked=lambda _: threads.append(threading.current_thread().name),
    )
    with listen_in_thread(listener) as listening:
        listening.wait_until_safe(timeout=10)
        assert acknowledged.wait(10)
        listening.require_safe()
        assert listening.safe
        assert listening.revoked("key_9")
        assert listening.cursor == "c5"
    assert not listening.safe
    assert threads == ["keysteward listener"]
    assert "keysteward listener" not in [thread.name for thread in threading.enumerate()]


def test_a_refused_token_is_raised_in_the_tools_thread(server: ServerInThread) -> None:
    with listen_in_thread(Listener(server.playing(refuse), TOKEN)) as listening:
        with pytest.raises(TokenRefused):
            listening.wait_until_safe(timeout=10)
        with pytest.raises(TokenRefused):
            listening.require_safe()


def test_waiting_has_an_end(server: ServerInThread) -> None:
    with listen_in_thread(Listener(server.playing(), TOKEN)) as listening:
        with pytest.raises(TimeoutError):
            listening.wait_until_safe(timeout=0.05)
        with pytest.raises(Unsafe, match="not caught up"):
            listening.require_safe()


def test_what_hinders_the_start_is_raised_where_it_was_started(tmp_path: Path) -> None:
    listener = Listener("http://127.0.0.1:1", TOKEN, cursor_file=tmp_path)
    with pytest.raises(OSError, match="directory"), listen_in_thread(listener):
        pass
