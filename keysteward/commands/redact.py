"""`keysteward redact`: other programs' logs, without the keys in them."""

import os
import signal
import stat
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from redact import redact_bytes, remember
from redact.pipe import Pipe
from store.errors import Failure

_AT_ONCE: Final = 64 << 10
_OTHERS_MAY: Final = 0o077
_LARGEST: Final = 8 << 20


class KnownUnusable(Failure):
    """The file of exact values can't be used; the sentence says why."""


def redact(
    known: Annotated[
        Path | None,
        typer.Option(help="A file of exact secrets, one a line, that only you may read."),
    ] = None,
) -> None:
    """Copy standard input to standard output, without the secrets in it.

    Use it behind whatever writes logs: `some-server 2>&1 | keysteward redact`. Each line goes out
    as soon as it is whole. Exact values come by `--known FILE` (or `/dev/fd/3`), never as
    arguments, which every process of the machine may read.
    """
    for value in _values(known):
        remember(value, for_good=True)
    # Ctrl-C ends the program whose output this is; its last lines are still to come.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Beneath `sys.stdout`, which would redact a second time and hold what it takes for text.
    source, target = sys.stdin.fileno(), sys.__stdout__.fileno() if sys.__stdout__ else 1
    pipe = Pipe(redact_bytes)
    try:
        while data := os.read(source, _AT_ONCE):
            _write(target, pipe.take(data))
        _write(target, pipe.rest())
    except BrokenPipeError:
        # Whoever read the output has enough. Nothing is to be written at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), target)


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def _values(file: Path | None) -> list[bytes]:
    """Give the file's lines. Raises `KnownUnusable`."""
    if file is None:
        return []
    try:
        with file.open("rb") as opened:
            if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & _OTHERS_MAY:
                raise KnownUnusable(f"Others may read {file}. Close it: chmod 600 {file}")
            return [line.strip() for line in opened.read(_LARGEST).splitlines() if line.strip()]
    except OSError as error:
        raise KnownUnusable(f"{file} can't be read: {error.strerror}.") from None
