"""Standard output and error, redacted at the last write.

A line is let through when it is whole, so that a secret that arrives in several writes is seen; a
private key, when its last line has come. `flush` shows an unfinished line at once, as a prompt or a
progress bar needs; when what follows makes a secret of it, the rest is struck.
"""

# ruff: noqa: D102 - the methods are those of `io`, and do what it says

import io
import threading
from typing import Any, BinaryIO, Final, TextIO

from redact.process import redact

_LONGEST: Final = 64 << 10
_KEPT_BACK: Final = 4 << 10
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
        self._text += text
        cut = 1 + max(self._text.rfind("\n"), self._text.rfind("\r"))
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

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() takes a str, not {type(text).__name__}")
        with self._lock:
            self._pass_on(self._line.take(text))
        return len(text)

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
        return RedactedBinary(self, self._stream.buffer)

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

    def _pass_on(self, clean: str) -> None:
        if clean:
            self._stream.write(clean.replace("…[", "...[") if self._ascii else clean)


class RedactedBinary(io.BufferedIOBase):
    """The bytes beneath a text stream, for those who write to `sys.stdout.buffer`."""

    def __init__(self, text: RedactedText, stream: BinaryIO) -> None:
        self._text = text
        self._stream = stream
        self._line = Line()

    def write(self, data: Any, /) -> int:
        raw = bytes(data)
        self._text.flush()
        self._pass_on(self._line.take(raw.decode("utf-8", "surrogateescape")))
        return len(raw)

    def flush(self) -> None:
        self._pass_on(self._line.show())
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

    def _pass_on(self, clean: str) -> None:
        if clean:
            self._stream.write(clean.encode("utf-8", "surrogateescape"))


def _can_show(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
