"""The server's log: one plain line a record, on standard error, with nothing secret in it."""

import logging
import sys
import time
from collections.abc import Iterable
from typing import Final

import redact

_LINE: Final = "%(asctime)s %(levelname)-7s %(name)s %(message)s"


def set_up(level: str, known: Iterable[bytes] = ()) -> None:
    """Log from `level` on, uvicorn's lines included; strike the known values wherever they stand.

    Redaction comes first, so that the handler is made on the stream that it covers.
    """
    redact.install(known)
    formatter = logging.Formatter(_LINE, "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # What uvicorn says of its comings and goings, `serve` says better. Never its DEBUG: that logs
    # each websocket frame cut in its middle, where no pattern finds the half of a token.
    logging.getLogger("uvicorn").setLevel(logging.INFO if level == "debug" else logging.WARNING)
    # It logs every unit of work twice at DEBUG, from the thread that should be doing it.
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
