"""Keeps the cursor over a restart: the file holds the old one or the new one, never half of one."""

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Final

from keysteward.client.token import Token

_LARGEST: Final = 4096


class CursorUnreadable(Exception):  # noqa: N818 - says what happened
    """The file holds no cursor of this server and token."""


class CursorFile:
    """One file for one server and one token.

    A cursor means nothing in another account: resumed from there, it would silently pass over
    revocations. So the file names whose it is, by a digest that gives nothing of the token away.
    """

    def __init__(self, path: Path, endpoint: str, token: Token) -> None:
        self._path = path
        owner = f"keysteward cursor v1\0{endpoint}\0{token.reveal()}"
        self._owner = hashlib.sha256(owner.encode()).hexdigest()[:32]

    def read(self) -> str | None:
        """Give the cursor, or None when there is no file. Raises `CursorUnreadable`, `OSError`."""
        try:
            with self._path.open("rb") as file:
                text = file.read(_LARGEST)
        except FileNotFoundError:
            return None
        try:
            match json.loads(text):
                case {"of": self._owner, "cursor": str(cursor)} if cursor:
                    return cursor
        except (ValueError, RecursionError):
            pass
        raise CursorUnreadable

    def write(self, cursor: str) -> None:
        """Put the cursor in the file's place, durably. Raises `OSError`."""
        folder = self._path.parent
        handle, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"of": self._owner, "cursor": cursor}, file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        _make_durable(folder)


def _make_durable(folder: Path) -> None:
    """Have the rename itself survive a power cut; Windows knows no such thing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
