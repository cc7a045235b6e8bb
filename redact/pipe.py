"""A program's output on its way through: each line redacted as soon as it is whole.

Memory is bounded. Bytes, not text: what isn't UTF-8 passes as it is. A private key is held until
its last line has come, and a line that a backslash continues until it ends. A line that doesn't end
is let go in pieces, and only where no secret lies across the cut.
"""

from collections.abc import Callable
from typing import Final

_LONGEST: Final = 128 << 10
"""Bytes of a line, or of a private key, that are held at most."""
_KEPT_BACK: Final = 8 << 10
"""Bytes at the end of what was read that may be the beginning of a secret still to come."""
_CUTS: Final = 8
_CONTINUED: Final = (b"\\", b"\\\r")
_PEM_BEGINS: Final = b"-----BEGIN "
_PEM_ENDS: Final = b"-----END "
_PEM_OF: Final = b"PRIVATE KEY"
_PEM_HEAD: Final = 64


class Pipe:
    """Takes bytes as they come and gives redacted ones. It holds what is not whole yet."""

    def __init__(self, redact: Callable[[bytes], bytes]) -> None:
        self._redact = redact
        self._held = b""

    def take(self, data: bytes) -> bytes:
        """Take what was read; give all that is whole by now, redacted."""
        looked_through = max(0, len(self._held) - 2)
        self._held += data
        cut = _whole(self._held, looked_through)
        begun = _private_key(self._held)
        if 0 <= begun < cut:
            cut = self._held.rfind(b"\n", 0, begun) + 1
        if len(self._held) - cut <= _LONGEST:
            return self._let_go(cut) if cut else b""
        return self._let_go(self._safe_cut())

    def rest(self) -> bytes:
        """Give what is held when nothing more will come, redacted."""
        return self._let_go(len(self._held))

    def _let_go(self, cut: int) -> bytes:
        whole, self._held = self._held[:cut], self._held[cut:]
        return self._redact(whole)

    def _safe_cut(self) -> int:
        """Find where the text may be cut: where both pieces are redacted as they are in one."""
        clean = self._redact(self._held)
        for nth in range(1, _CUTS + 1):
            near = len(self._held) - nth * _KEPT_BACK
            cut = 1 + self._held.rfind(b" ", near - _KEPT_BACK, near) or near
            if self._redact(self._held[:cut]) + self._redact(self._held[cut:]) == clean:
                return cut
        return len(self._held)  # one secret as long as all this


def _whole(text: bytes, begin: int) -> int:
    """Give where the last line ends that no backslash continues, or 0.

    A carriage return that is the last of what came may be followed by a line feed.
    """
    line, back = text.rfind(b"\n", begin), text.rfind(b"\r", begin, len(text) - 1)
    while (at := max(line, back)) >= 0 and text[max(0, at - 2) : at].endswith(_CONTINUED):
        if at == line:
            line = text.rfind(b"\n", begin, at)
        else:
            back = text.rfind(b"\r", begin, at)
    return at + 1


def _private_key(text: bytes) -> int:
    """Give where a private key begins that has not ended, or -1."""
    begins = text.rfind(_PEM_BEGINS)
    if begins < 0 or _PEM_OF not in text[begins : begins + _PEM_HEAD]:
        return -1
    ends = text.find(_PEM_ENDS, begins)
    return -1 if ends >= 0 and text.find(b"\n", ends) >= 0 else begins
