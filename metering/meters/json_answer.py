"""A JSON answer, read once it is whole. Its bytes pass on at once, as they came.

It keeps at most a mebibyte. A longer answer, or one that is no JSON object, passes by unread.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from metering.quotes import Reader, Reading

LARGEST: Final = 1 << 20
"""Bytes of an answer that are kept: far more than any answer that is read here has."""

Told = Callable[[Mapping[str, Any]], Reading | None]
"""Says what an answer's JSON object means; None where it does not say."""


class JsonAnswer:
    """Reads one answer whose JSON object says what the call came to, or what it made."""

    def __init__(self, told: Told, *, is_json: bool) -> None:
        self._told = told
        self._kept: bytearray | None = bytearray() if is_json else None

    def feed(self, chunk: bytes) -> bytes:
        """Keep the next bytes; give the same."""
        if self._kept is not None:
            self._kept += chunk
            if len(self._kept) > LARGEST:
                self._kept = None
        return chunk

    def flush(self) -> bytes:
        """Give nothing: nothing was held back."""
        return b""

    def message(self, text: bytes) -> None:
        """Pass by a websocket's message: nothing that is read here comes by one."""

    def reading(self) -> Reading | None:
        """Give what the answer says; None where it is no JSON object, too long, or silent."""
        if not self._kept:
            return None
        try:
            answer = orjson.loads(self._kept)
        except orjson.JSONDecodeError:
            return None
        return self._told(answer) if isinstance(answer, dict) else None


def read_json(told: Told) -> Callable[[str], Reader]:
    """Give what makes a reader from an answer's content type."""
    return lambda content_type: JsonAnswer(told, is_json="json" in content_type)
