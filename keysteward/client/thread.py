"""The listener for a tool without an event loop of its own: in a thread."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Final

from keysteward.client.listener import Listener

_STOP_SECONDS: Final = 10.0


class ThreadedListener:
    """A listener that runs in a thread; each method may be called from any."""

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop) -> None:
        self._listener = listener
        self._loop = loop

    @property
    def safe(self) -> bool:
        """As `Listener.safe`."""
        return self._listener.safe

    def require_safe(self) -> None:
        """As `Listener.require_safe`."""
        self._listener.require_safe()

    def revoked(self, key: str, version: int | None = None) -> bool:
        """As `Listener.revoked`."""
        return self._listener.revoked(key, version)

    @property
    def cursor(self) -> str | None:
        """As `Listener.cursor`."""
        return self._listener.cursor

    def wait_until_safe(self, timeout: float | None = None) -> None:
        """As `Listener.until_safe`. Raises `TimeoutError` after `timeout` seconds."""
        waiting = asyncio.run_coroutine_threadsafe(self._listener.until_safe(), self._loop)
        try:
            waiting.result(timeout)
        finally:
            waiting.cancel()


@contextlib.contextmanager
def listen_in_thread(listener: Listener) -> Iterator[ThreadedListener]:
    """Run the listener in a thread until the block is left.

    Its callbacks are called in that thread. A thread doesn't outlive a fork: in the child, the
    listener is unsafe once the bound has passed; start another one there.
    """
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        stop = asyncio.Event()
        async with listener:
            started.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()

    def thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    running = threading.Thread(target=thread, name="keysteward listener", daemon=True)
    running.start()
    loop, stop = started.result()
    try:
        yield ThreadedListener(listener, loop)
    finally:
        loop.call_soon_threadsafe(stop.set)
        running.join(_STOP_SECONDS)
