"""JSON web tokens in a long text, looked for by themselves.

Their first part has no bound. While one might go on, it would double the states of an automaton
that looks for everything else as well, and random base64 would no longer fit into the processor's
caches. By themselves they are quick to rule out: behind `eyJ` there is a dot, or there is no token.
"""

import re
from typing import Final

from redact import linear
from redact.linear import Found

_HEAD: Final = linear.compiled(rb"eyJ[A-Za-z0-9_-]{8}")
_LAST: Final = b"J"
_RUN: Final = re.compile(rb"[A-Za-z0-9_-]*")
_SECOND: Final = re.compile(rb"[A-Za-z0-9_-]*\.|eyJ")
WEB_TOKEN: Final = linear.Within(b"", rb"eyJ[A-Za-z0-9_-]{8,}\.", rb"(?:[A-Za-z0-9_-]*\.|eyJ)")
"""The same as one expression, for a line."""


class WebTokens:
    """Finds them as a `Finder` would that has `WEB_TOKEN` alone, under a number of one's choice."""

    def __init__(self, number: int) -> None:
        self._number = number

    def first(self, text: bytes, at: int = 0) -> Found | None:
        """Give the first place from a position on, or None. No byte is passed more than twice."""
        if text.find(_LAST, at) < 0:
            return None  # amid nothing but the first letter the search for all is the dearest
        dot = -1
        while (head := _HEAD.search(text, at)) is not None:
            begin = head.start()
            dot = text.find(b".", begin) if dot < begin else dot
            if dot < 0:
                return None
            run = _RUN.match(text, begin, dot)
            at = begin if run is None else run.end()  # in this run no other one begins
            if at == dot and _SECOND.match(text, dot + 1):
                return Found(begin, self._number, begin, dot + 1)
        return None
