"""Each way out of the application by itself, with its protection or with that taken away.

Imported by tests that are run in a process of their own, whose canary search then must be red: what
would not be found without a protection would not be found when that fails.
"""

import asyncio
import contextlib
import gc
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import redact
from keysteward.demo.fake_provider import Mode
from tests.kit.installation import served

Undo = Callable[[], None]


class _Telling(logging.Logger):
    """A library's logger, which makes its records by itself."""

    def makeRecord(self, *args: Any, **_: Any) -> logging.LogRecord:  # noqa: N802 - logging's name
        return logging.LogRecord(*args[:7])


class _Dying:
    """Complains when it goes."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __del__(self) -> None:
        raise ValueError(self.secret)


def _logger(far: TextIO, kind: type[logging.Logger] = logging.Logger) -> logging.Logger:
    logger = kind("of the test")
    logger.addHandler(logging.StreamHandler(far))
    return logger


def _fails(secret: str) -> None:
    raise ValueError(secret)


def _log_message(secret: str, far: TextIO) -> None:
    _logger(far).warning("refused: %s", secret)


def _log_traceback(secret: str, far: TextIO) -> None:
    try:
        _fails(secret)
    except ValueError:
        _logger(far).exception("failed")


def _foreign_record(secret: str, far: TextIO) -> None:
    _logger(far, _Telling).warning("refused: %s", secret)


def _warning(secret: str, far: TextIO) -> None:
    sys.stderr = far
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # `catch_warnings` puts the stock function back for its while, and ours is under test.
        warnings.showwarning = _shown_by
        warnings.warn(secret, stacklevel=1)


def _uncaught(secret: str, far: TextIO) -> None:
    sys.stderr = far
    try:
        _fails(secret)
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)


def _in_a_thread(secret: str, far: TextIO) -> None:
    sys.stderr = far
    thread = threading.Thread(target=_fails, args=(secret,))
    thread.start()
    thread.join()


def _unraisable(secret: str, far: TextIO) -> None:
    sys.stderr = far
    dying = _Dying(secret)
    del dying
    gc.collect()


def _task(secret: str, far: TextIO) -> None:
    async def fails() -> None:
        _fails(secret)

    async def never_asked() -> None:
        asyncio.get_running_loop().set_exception_handler(_handler)
        task = asyncio.create_task(fails())
        await asyncio.wait([task])
        del task
        gc.collect()

    logger = logging.getLogger("asyncio")
    handler = logging.StreamHandler(far)
    logger.addHandler(handler)
    try:
        asyncio.run(never_asked())
    finally:
        logger.removeHandler(handler)


def _printed(secret: str, _far: TextIO) -> None:
    print(secret)
    sys.stdout.flush()


def _printed_as_bytes(secret: str, _far: TextIO) -> None:
    for piece in (secret[:16], secret[16:] + "\n"):
        sys.stdout.buffer.write(piece.encode())
    sys.stdout.buffer.flush()


def _to_standard_error(secret: str, _far: TextIO) -> None:
    sys.stderr.write(secret + "\n")
    sys.stderr.flush()


def _to_the_original(secret: str, _far: TextIO) -> None:
    assert sys.__stderr__ is not None
    sys.__stderr__.write(secret + "\n")
    sys.__stderr__.flush()


SAYS: dict[str, Callable[[str, TextIO], None]] = {
    "log message": _log_message,
    "log traceback": _log_traceback,
    "record past the factory": _foreign_record,
    "warning": _warning,
    "uncaught exception": _uncaught,
    "exception in a thread": _in_a_thread,
    "unraisable exception": _unraisable,
    "task that nobody asked": _task,
    "standard output": _printed,
    "standard output, bytes": _printed_as_bytes,
    "standard error": _to_standard_error,
    "original standard error": _to_the_original,
}
"""Each sink of a process, and how something gets there."""

_STOCK_HANDLE = logging.Handler.handle
_shown_by: Any = None
_handler: Any = None


def _show_as_it_is(*args: Any) -> None:
    """Do as the stock function does, which pytest has put something else behind."""
    sys.stderr.write(warnings.formatwarning(*args[:4]))


def _unprotect(sink: str, far: TextIO) -> None:
    """Take away what `redact.install` has done for this sink."""
    global _shown_by, _handler  # noqa: PLW0603 - a process of its own
    match sink:
        case "log message" | "log traceback" | "record past the factory":
            logging.setLogRecordFactory(logging.LogRecord)
            logging.Handler.handle = _STOCK_HANDLE  # type: ignore[method-assign]
        case "warning":
            _shown_by = _show_as_it_is
        case "uncaught exception":
            sys.excepthook = sys.__excepthook__
        case "exception in a thread":
            threading.excepthook = threading.__excepthook__
        case "unraisable exception":
            sys.unraisablehook = sys.__unraisablehook__
        case "task that nobody asked":
            _handler = None
            logging.setLogRecordFactory(logging.LogRecord)
            logging.Handler.handle = _STOCK_HANDLE  # type: ignore[method-assign]
        case "standard output" | "standard output, bytes":
            sys.stdout = far
        case "standard error":
            sys.stderr = far
        case _:
            sys.__stderr__ = far  # type: ignore[assignment, misc]


def say(sink: str, secret: str, folder: Path, *, protected: bool) -> None:
    """Let the secret out through one sink of the process, which ends in a file of the folder."""
    global _shown_by, _handler
    with (folder / "said").open("w") as far, _streams(far), redact.installed():
        _shown_by, _handler = warnings.showwarning, redact.asyncio_exceptions
        if not protected:
            _unprotect(sink, far)
        SAYS[sink](secret, far)
    assert (folder / "said").stat().st_size, "nothing came through at all"


@contextlib.contextmanager
def _streams(far: TextIO) -> Iterator[None]:
    before = sys.stdout, sys.stderr, sys.__stderr__
    sys.stdout = sys.stderr = far
    sys.__stderr__ = far  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before[:2]
        sys.__stderr__ = before[2]  # type: ignore[misc]


class _Unsealed:
    """In AES-GCM's place: what it seals can be read."""

    def __init__(self, key: bytes) -> None:
        del key

    @staticmethod
    def encrypt(_nonce: bytes, data: bytes, _associated: bytes) -> bytes:
        return bytes(data) + bytes(16)

    @staticmethod
    def decrypt(_nonce: bytes, data: bytes, _associated: bytes) -> bytes:
        return data[:-16]

    @staticmethod
    def decrypt_into(_nonce: bytes, data: bytes, _associated: bytes, into: bytearray) -> int:
        into[:] = data[:-16]
        return len(into)


def serve(secret: str, folder: Path, monkeypatch: Any, *, protected: bool) -> None:
    """Have a server take a key, call with it where that is echoed, and be told it where none is.

    Unprotected it lets the key out in three places: its database, and two answers.
    """
    if not protected:
        monkeypatch.setattr("vault.seal.AESGCM", _Unsealed)
        monkeypatch.setattr("broker.scrub.Scrubber.strike", lambda _, data: data)
        monkeypatch.setattr("resolvers.told", lambda error, *_: error)

    async def use() -> None:
        async with served(folder) as house:
            ada = await house.person()
            await ada.add_key(secret=secret)
            tool = await ada.make_tool()
            house.fake.mode = Mode.ECHO_KEY_IN_BODY
            async with house.client(tool.token) as client:
                answer = await client.post(
                    "/v1/chat/completions",
                    json={"model": "gpt-5", "messages": [{"role": "user", "content": "Who?"}]},
                )
                assert answer.status_code == 200
                await client.post(f"{house.url}/graphql", json={"query": f'{{ "{secret}"'})

    asyncio.run(use())
