"""Standard output and error, redacted at the last write.

A line is let through when it is whole, so that a secret that arrives in several writes is seen,
some of them as text and some as bytes; a private key, when its last line has come; a line that a
backslash continues, when it ends. `flush` shows an unfinished line at once, as a prompt or a
progress bar needs; when what follows makes a secret of it, the rest is struck.
"""

# ruff: noqa: D102 - the methods are those of `io`, and do what it says

import io
import re
import threading
from typing import Any, BinaryIO, Final, TextIO

from redact.process import redact

_CONTINUED: Final = ("\\", "\\\r")
_LONGEST: Final = 64 << 10
_KEPT_BACK: Final = 4 << 10
_NO_TEXT: Final = re.compile("[\udc80-\udcff]")
_PEM_BEGINS: Final = "-----BEGIN "
_PEM_ENDS: Final = "-----END "
_PEM_OF: Final = "PRIVATE KEY"


class Line:
    """The unfinished end of a stream: its text, and what of it has been shown already."""

    def __init__(self) -> None:
        self._text = ""
        self._shown = ""

    def take(self, text: str) -> str:
        """Take what is written; give what is whole now, redacted."""
        looked_through = max(0, len(self._text) - 1)
        self._text += text
        cut = _whole(self._text, looked_through)
        if _in_private_key(self._text):
            cut = 0
        if len(self._text) - cut > _LONGEST:
            # Somebody writes without end: let it pass in parts, between words where there are any.
            near = len(self._text) - _KEPT_BACK
            cut = max(cut, 1 + self._text.rfind(" ", near - _KEPT_BACK, near)) or near
        if not cut:
            return ""
        whole, self._text = self._text[:cut], self._text[cut:]
        news, self._shown = self._news(redact(whole)), ""
        return news

    def show(self) -> str:
        """Give what has not been shown of the unfinished line, redacted."""
        clean = redact(self._text)
        news, self._shown = self._news(clean), clean
        return news

    def _news(self, clean: str) -> str:
        pairs = enumerate(zip(self._shown, clean, strict=False))
        same = min(len(self._shown), len(clean))
        return clean[next((at for at, (old, new) in pairs if old != new), same) :]


def _whole(text: str, begin: int) -> int:
    """Give where the last line ends that no backslash continues, or 0."""
    line, back = text.rfind("\n", begin), text.rfind("\r", begin)
    while (at := max(line, back)) >= 0 and text[max(0, at - 2) : at].endswith(_CONTINUED):
        if at == line:
            line = text.rfind("\n", begin, at)
        else:
            back = text.rfind("\r", begin, at)
    return at + 1


def _in_private_key(text: str) -> bool:
    begins = text.rfind(_PEM_BEGINS)
    return begins >= 0 and _PEM_OF in text[begins : begins + 64] and _PEM_ENDS not in text[begins:]


class RedactedText(io.TextIOBase):
    """A text stream that lets no secret through. In all else it is the stream that it covers."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = Line()
        # A finaliser that complains may run in the middle of a write, in the same thread.
        self._lock = threading.RLock()
        self._ascii = not _can_show("…", stream.encoding)
        self._binary: RedactedBinary | None = None
        self._mixed = False

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() takes a str, not {type(text).__name__}")
        with self._lock:
            self._pass_on(self._line.take(text))
        return len(text)

    def write_bytes(self, data: bytes) -> None:
        """Write bytes into the same line. What is no text in the stream's encoding stays."""
        text = data.decode(self._encoding, "surrogateescape")
        self._mixed = self._mixed or _NO_TEXT.search(text) is not None
        self.write(text)

    def flush(self) -> None:
        with self._lock:
            self._pass_on(self._line.show())
            self._stream.flush()

    def close(self) -> None:
        """Flush; the stream beneath is not ours to close."""
        if not self._stream.closed:
            self.flush()

    @property
    def buffer(self) -> "RedactedBinary":
        # One, which is kept: an object dropped after each write would flush half a secret.
        with self._lock:
            if self._binary is None:
                self._binary = RedactedBinary(self, self._stream.buffer)
        return self._binary

    @property
    def closed(self) -> bool:
        return self._stream.closed

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._stream.errors

    @property
    def newlines(self) -> Any:  # type: ignore[override]
        return self._stream.newlines

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def _encoding(self) -> str:
        return self._stream.encoding or "utf-8"

    def _pass_on(self, clean: str) -> None:
        if not clean:
            return
        clean = clean.replace("…[", "...[") if self._ascii else clean
        if self._mixed and _NO_TEXT.search(clean):
            self._stream.flush()
            self._stream.buffer.write(clean.encode(self._encoding, "surrogateescape"))
        else:
            self._stream.write(clean)


class RedactedBinary(io.BufferedIOBase):
    """The bytes beneath a text stream, for those who write to `sys.stdout.buffer`.

    What is written here goes into the text's own line: a secret may come half as text.
    """

    def __init__(self, text: RedactedText, stream: BinaryIO) -> None:
        self._text = text
        self._stream = stream

    def write(self, data: Any, /) -> int:
        raw = bytes(memoryview(data))
        self._text.write_bytes(raw)
        return len(raw)

    def flush(self) -> None:
        self._text.flush()
        self._stream.flush()

    def close(self) -> None:
        """Flush; the stream beneath is not ours to close."""
        if not self._stream.closed:
            self.flush()

    @property
    def closed(self) -> bool:
        return self._stream.closed

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True


def _can_show(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
