"""The server's processes: one, or several on one socket; started, watched, and stopped cleanly.

SIGINT and SIGTERM stop it: no new connections, and what is under way has `DRAIN_SECONDS` to end.
A second Ctrl-C ends everything at once; the database is made for that.
"""

import gc
import os
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from keysteward.server import settings
from store.errors import Failure

_APPLICATION: Final = "keysteward.app:from_environment"
_STARTED_WITHIN_SECONDS: Final = 60.0
_ASKED_EVERY_SECONDS: Final = 0.2
_INTERRUPTED: Final = 128 + signal.SIGINT


class NotStarted(Failure):
    """A server process ended before it listened."""

    def __init__(self) -> None:
        super().__init__("The server could not start; the log above says why.")


class Told:
    """What the processes say of themselves while they run."""

    def __init__(self, listening: Callable[[], None], stopping: Callable[[], None]) -> None:
        self.listening = listening
        """Called once every process accepts connections."""
        self.stopping = stopping
        """Called when they are about to stop."""


def run(workers: int, listener: socket.socket, told: Told) -> None:
    """Serve on a bound socket until a signal stops it. Raises `NotStarted`."""
    config = uvicorn.Config(_APPLICATION, factory=True, workers=workers, **settings())
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        if workers == 1:
            _alone(config, listener, told)
        else:
            _Several(config, listener, told).run()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _alone(config: uvicorn.Config, listener: socket.socket, told: Told) -> None:
    # As at the start of `keysteward.__main__`; the application enables it again once it is made.
    gc.disable()
    # uvicorn raises the signal again once it has stopped; a stop that was asked for is no failure.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _nothing)
    try:
        _Alone(config, told).run(sockets=[listener])
    except SystemExit:
        raise NotStarted from None


class _Alone(uvicorn.Server):
    """The one process: this one."""

    def __init__(self, config: uvicorn.Config, told: Told) -> None:
        super().__init__(config)
        self._told = told

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._told.listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._told.stopping()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit and sig == signal.SIGINT:
            os._exit(_INTERRUPTED)
        super().handle_exit(sig, frame)


class _Several(Multiprocess):
    """Starts the others, and starts one anew that dies."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, told: Told) -> None:
        super().__init__(config, [listener])
        self._told = told
        self._asked_to_stop = False
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, self._on_signal)

    def run(self) -> None:
        super().run()
        if any(process.exitcode == uvicorn.config.STARTUP_FAILURE for process in self.processes):
            raise NotStarted

    def init_processes(self) -> None:
        super().init_processes()
        until = time.monotonic() + _STARTED_WITHIN_SECONDS
        waiting = list(self.processes)
        while waiting and not self._asked_to_stop and time.monotonic() < until:
            if waiting[0].wait_until_ready(_ASKED_EVERY_SECONDS):
                waiting.pop(0)
            elif not waiting[0].process.is_alive():
                return  # the supervisor's own round finds it, and says what became of it
        if not waiting:
            self._told.listening()

    def terminate_all(self) -> None:
        self._told.stopping()
        super().terminate_all()

    def _on_signal(self, sig: int, _frame: FrameType | None) -> None:
        if self._asked_to_stop and sig == signal.SIGINT:
            for process in self.processes:
                process.process.kill()
            os._exit(_INTERRUPTED)
        self._asked_to_stop = True
        self.signal_queue.append(sig)


def _nothing(*_: Any) -> None:
    """Let a signal pass that has been obeyed."""
