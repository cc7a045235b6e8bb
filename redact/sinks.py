"""Every way out of the process, each made to pass through `redact`.

`install` covers logging (at the record, so that a handler which a library adds later is covered
too, and at the handler, for records that a library makes past the factory), warnings, uncaught
exceptions in the main thread and in others, exceptions that can't be raised, asyncio's, and
standard output and error at the last write. Tracebacks are rendered here, without local values; no
handler gets the exception itself.

Not covered: what C code writes to the descriptors by itself (faulthandler, a crash of the
interpreter, a library's own `fprintf`), `os.write`, children that inherit the descriptors, and a
secret of which a part was flushed before the rest came. `sys.__stdout__` is left open on purpose:
it is how a command shows the one token that it was asked for.
"""

import asyncio
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import TracebackType
from typing import Any, Final, TextIO

from redact.process import redact, remember
from redact.records import record_factory, redacted
from redact.streams import RedactedText
from redact.tracebacks import rendered

_installed: list[Callable[[], None]] = []
_lock: Final = threading.Lock()


def install(known: Iterable[bytes] = ()) -> None:
    """Cover the process. A second time it only remembers the values: exact ones to strike."""
    for value in known:
        remember(value, for_good=True)
    with _lock:
        if not _installed:
            _installed.extend((_logging(), _warnings(), *_hooks(), *_streams()))


@contextmanager
def installed(known: Iterable[bytes] = ()) -> Iterator[None]:
    """Cover the process for a while; afterwards everything is as it was. For tests."""
    install(known)
    try:
        yield
    finally:
        with _lock:
            while _installed:
                _installed.pop()()


def asyncio_exceptions(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what no task awaited. For `loop.set_exception_handler`.

    The stock handler hands the exception to logging; this one renders it first, so that it is
    covered whatever has become of logging since.
    """
    lines = [str(context.get("message") or "Unhandled exception in event loop")]
    lines += [
        f"{name}: {value!r}"
        for name, value in sorted(context.items())
        if name not in {"message", "exception", "source_traceback", "handle_traceback"}
    ]
    for name in ("source_traceback", "handle_traceback"):
        if name in context:
            lines += [f"{name} (most recent call last):"]
            lines += [part.rstrip("\n") for part in traceback.format_list(context[name])]
    if (exception := context.get("exception")) is not None:
        lines.append(rendered(exception).rstrip("\n"))
    del loop
    logging.getLogger("asyncio").error("%s", redact("\n".join(lines)))


def _logging() -> Callable[[], None]:
    before, handle = logging.getLogRecordFactory(), logging.Handler.handle
    logging.setLogRecordFactory(record_factory(before))

    @wraps(handle)
    def handle_redacted(self: logging.Handler, record: logging.LogRecord) -> Any:
        return handle(self, redacted(record))

    logging.Handler.handle = handle_redacted  # type: ignore[method-assign]

    def restore() -> None:
        logging.setLogRecordFactory(before)
        logging.Handler.handle = handle  # type: ignore[method-assign]

    return restore


def _warnings() -> Callable[[], None]:
    before = warnings.showwarning

    def show(  # noqa: PLR0917 - the warnings module calls it so
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        try:
            text = warnings.formatwarning(message, category, filename, lineno, line)
        except Exception:  # noqa: BLE001 - a warning must not become an error
            text = f"{filename}:{lineno}: {category.__name__}: it could not be rendered\n"
        _write(redact(text), file)

    warnings.showwarning = show
    return lambda: setattr(warnings, "showwarning", before)


def _hooks() -> Iterator[Callable[[], None]]:
    for owner, name, hook in (
        (sys, "excepthook", _uncaught),
        (threading, "excepthook", _uncaught_in_thread),
        (sys, "unraisablehook", _unraisable),
    ):
        before = getattr(owner, name)
        setattr(owner, name, hook)
        yield lambda owner=owner, name=name, before=before: setattr(owner, name, before)  # type: ignore[misc]


def _streams() -> Iterator[Callable[[], None]]:
    ours_of: dict[int, RedactedText] = {}
    for name in ("stdout", "stderr", "__stderr__"):
        before = getattr(sys, name)
        if before is None:
            continue
        # `sys.stderr` and `sys.__stderr__` are one stream, whose line is to be seen as one.
        stream = ours_of.setdefault(id(before), RedactedText(before))
        setattr(sys, name, stream)

        def restore(name: str = name, before: TextIO = before, ours: RedactedText = stream) -> None:
            ours.flush()
            if getattr(sys, name) is ours:
                setattr(sys, name, before)

        yield restore


def _uncaught(
    _kind: type[BaseException], exception: BaseException, _trace: TracebackType | None
) -> None:
    _write(rendered(exception))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread else threading.get_ident()
    _write(redact(f"Exception in thread {name}:\n") + rendered(args.exc_value))


def _unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    try:
        where = f"{unraisable.err_msg or 'Exception ignored in'}: {unraisable.object!r}\n"
    except Exception:  # noqa: BLE001 - an object half destroyed may have no repr left
        where = "Exception ignored in an object that could not be rendered\n"
    shown = rendered(unraisable.exc_value) if unraisable.exc_value else ""
    _write(redact(where) + shown)


def _write(text: str, file: TextIO | None = None) -> None:
    stream = sys.stderr if file is None else file
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        pass  # nobody is listening any more
