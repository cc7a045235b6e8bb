"""Passes an answer on as it comes, and looks for what it tells of its usage on the way.

Bytes pass unchanged and at once. What is kept besides is bounded: an answer that is one short JSON
text, the last events that told of usage, an event that is not whole yet. A longer text or event is
skimmed as it passes.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import orjson

from metering.answers.skim import Record, Skim
from metering.answers.tally import Tally
from metering.quotes import Reading

_LARGEST_WHOLE: Final = 262_144
"""Bytes of JSON that are read at once, since that is quicker: it takes a millisecond or two."""
_LARGEST_HELD: Final = 1_048_576
"""Bytes of an event that is not whole yet."""
_MOST_WAITING: Final = 64
_LARGEST_SINGLE: Final = 4_096
"""Bytes up to which a chunk is searched from its beginning. Longer ones hold many events."""
_LONGEST_FAREWELL: Final = 512
"""Bytes of what may follow the event that tells of usage: `[DONE]`, Anthropic's last event."""
_ENDS: Final = (b"\n\n", b"\n\r\n", b"\r\r")
_END: Final = re.compile(rb"\n\r?\n|\r\r")
_OVERLAP: Final = 2
_LINE_END: Final = re.compile(rb"[\r\n]")
_DATA: Final = re.compile(rb"(?:^|[\r\n])data:")
_ERROR: Final = re.compile(rb'"error"\s*:\s*["{]')


class Messages:
    """A websocket's messages, each a JSON text; or a body in which there is nothing to read."""

    __slots__ = ("_tally",)

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def feed(self, chunk: bytes) -> bytes:
        """Pass a body on."""
        return chunk

    def flush(self) -> bytes:
        """Give nothing: nothing is held."""
        return b""

    def message(self, text: bytes) -> None:
        """Look at a message of the provider's."""
        if self._tally.mark in text:
            for record in _read(self._tally, text)[0]:
                self._tally.take(record)

    def reading(self) -> Reading | None:
        """Give what was told so far."""
        return self._tally.reading(whole=True)


class Document:
    """An answer that is a JSON text, or one after the other."""

    __slots__ = ("_pieces", "_size", "_skim", "_tally", "_whole")

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._pieces: list[bytes] = []
        self._size = 0
        self._skim: Skim | None = None
        self._whole = False

    def feed(self, chunk: bytes) -> bytes:
        """Pass the next bytes on."""
        if self._skim is not None:
            self._take(self._skim.feed(chunk))
            return chunk
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size > _LARGEST_WHOLE:
            self._skim = Skim(self._tally.wanted)
            self._take(self._skim.feed(self._gathered()))
        return chunk

    def flush(self) -> bytes:
        """Give nothing: nothing is held."""
        return b""

    def message(self, text: bytes) -> None:
        """Do nothing: this is no websocket."""

    def reading(self) -> Reading | None:
        """Give what the text told."""
        if self._skim is not None:
            self._whole = self._skim.whole
        elif self._pieces:
            records, self._whole = _read(self._tally, self._gathered())
            self._take(records)
        return self._tally.reading(whole=self._whole)

    def _gathered(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)

    def _take(self, records: Sequence[Record]) -> None:
        for record in records:
            self._tally.take(record)


class Events:
    """Server-sent events, each with a JSON text for data.

    Where `drops` says so of an event's text, the event is taken out of the stream: for its sake
    alone, an event is held until it is whole.
    """

    __slots__ = (
        "_drops",
        "_early",
        "_held",
        "_inside",
        "_last",
        "_long",
        "_mark",
        "_nothing",
        "_sums",
        "_tally",
        "_told",
        "_waiting",
        "_waiting_size",
    )

    def __init__(self, tally: Tally, drops: Callable[[Record], bool] | None = None) -> None:
        self._tally = tally
        self._drops = drops
        self._mark = tally.mark
        self._sums = tally.sums
        self._nothing = (tally.mark + b":null", tally.mark + b": null")
        self._early = tally.early
        self._told = re.compile(re.escape(tally.mark) + rb"\s*:\s*\{")
        self._inside = False
        """An event has begun, and has not come to its end."""
        self._held = bytearray()
        """What has come of it; but for `drops`, it was passed on."""
        self._long: Skim | None = None
        """Reads it instead, where it is too long to be held."""
        self._waiting: list[bytes] = []
        """Events that may be read when the answer has ended, if no later ones take their place."""
        self._waiting_size = 0
        self._last = b""

    def feed(self, chunk: bytes) -> bytes:
        """Pass the next bytes on."""
        # This is all that most events cost: it is measured by `bench.metering`.
        if self._inside or not chunk.endswith(_ENDS):
            return self._joined(chunk)
        if len(chunk) < _LARGEST_SINGLE or self._early:
            at = chunk.rfind(self._mark)
        else:
            # Usage is told at the end of a stream, and so by the last event of its chunk.
            at = chunk.rfind(self._mark, max(0, chunk.rfind(b"\n\n", 0, -_LONGEST_FAREWELL)))
        if at < 0 or chunk.startswith(self._nothing, at):
            self._last = chunk
            return chunk
        return self._looked_at(chunk, at)

    def flush(self) -> bytes:
        """Give what was held of an event that did not come to its end."""
        rest = bytes(self._held)
        if rest.strip(b"\r\n"):
            rest = self._looked_at(rest)
        self._held.clear()
        self._inside = False
        return b"" if self._drops is None else rest

    def message(self, text: bytes) -> None:
        """Do nothing: this is no websocket."""

    def reading(self) -> Reading | None:
        """Give what the events told."""
        self._settle()
        last = self._last
        ended = b"[DONE]" in last or (b'"error"' in last and _ERROR.search(last) is not None)
        return self._tally.reading(whole=ended)

    def _joined(self, chunk: bytes) -> bytes:
        """Pass on a chunk that begins or ends within an event."""
        if self._long is not None:
            return self._skimmed(self._long, chunk)
        held = self._held
        known = max(0, len(held) - _OVERLAP)
        held += chunk
        end = _end_of_last(held, known, len(held))
        whole = bytes(held[:end])
        del held[:end]
        self._inside = False
        passed = self.feed(whole) if whole else b""
        self._inside = bool(held)
        if len(held) > _LARGEST_HELD:
            passed += self._too_long(bytes(held))
        return chunk if self._drops is None else passed

    def _looked_at(self, whole: bytes, mark: int = 0) -> bytes:
        """Look at events that are whole, and have the mark there; give those to be passed on."""
        self._last = whole
        if self._told.match(whole, mark) is None and self._told.search(whole) is None:
            return whole
        if self._drops is not None:
            return b"".join([event for event in _events(whole) if not self._dropped(event)])
        self._waiting.append(whole)
        self._waiting_size += len(whole)
        if (
            len(self._waiting) >= _MOST_WAITING
            or self._waiting_size > _LARGEST_WHOLE
            or self._sums == b""
        ):
            self._settle()
        return whole

    def _settle(self) -> None:
        """Read the events that wait: all if they add up, else the last that tells of usage."""
        waiting, self._waiting, self._waiting_size = self._waiting, [], 0
        if self._sums is not None and self._sums in b"".join(waiting):
            for whole in waiting:
                for event in _events(whole):
                    self._take(event)
            return
        for whole in reversed(waiting):
            for event in _from_the_end(whole):
                if self._take(event):
                    return

    def _take(self, event: bytes) -> bool:
        """Read an event; tell whether it told of usage."""
        told = False
        for record in self._records(event):
            told = self._tally.take(record) or told
        self._early = self._tally.early
        return told

    def _dropped(self, event: bytes) -> bool:
        """Read an event; tell whether it is to be taken out of the stream."""
        dropped = False
        for record in self._records(event):
            self._tally.take(record)
            dropped = dropped or (self._drops is not None and self._drops(record))
        return dropped

    def _records(self, event: bytes) -> Sequence[Record]:
        return _read(self._tally, _data(event))[0] if self._mark in event else ()

    def _too_long(self, begun: bytes) -> bytes:
        """Let go of an event that is too long to be held, and skim it from now on."""
        self._settle()
        self._held.clear()
        self._long = Skim(self._tally.wanted)
        data = _DATA.search(begun)
        if data is None:
            return begun
        return begun[: data.end()] + self._skimmed(self._long, begun[data.end() :])

    def _skimmed(self, event: Skim, chunk: bytes) -> bytes:
        """Pass on a piece of such an event."""
        found = _LINE_END.search(chunk)
        end = len(chunk) if found is None else found.start()
        for record in event.feed(chunk[:end]):
            self._tally.take(record)
        if found is None:
            return chunk
        self._long, self._inside = None, False
        return chunk[:end] + self.feed(chunk[end:])


def _read(tally: Tally, text: bytes) -> tuple[Sequence[Record], bool]:
    """Give the objects of a JSON text, and whether it is whole."""
    if len(text) <= _LARGEST_WHOLE:
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            # One text after the other; or a number or a letter that JSON doesn't know, somewhere.
            pass
        else:
            records = found if isinstance(found, list) else [found]
            return [record for record in records if isinstance(record, dict)], True
    skim = Skim(tally.wanted)
    return skim.feed(text), skim.whole


def _end_of_last(data: bytes | bytearray, known: int, until: int) -> int:
    """Give where the last event before `until` ends, 0 where none does; up to `known` none does."""
    at = until
    while (at := data.rfind(b"\n", known, at)) >= 0:
        if data.endswith((b"\n\n", b"\n\r\n"), 0, at + 1):
            return at + 1
    at = data.rfind(b"\r\r", known, until) if data.find(b"\r", known, until) >= 0 else -1
    return at + 2 if at >= 0 else 0


def _from_the_end(whole: bytes) -> Iterator[bytes]:
    """Give the events one by one, the last one first."""
    until = len(whole)
    while until:
        start = _end_of_last(whole, 0, until - 1)
        yield whole[start:until]
        until = start


def _events(whole: bytes) -> Iterator[bytes]:
    """Give the events one by one, each with its end."""
    at = 0
    for end in _END.finditer(whole):
        yield whole[at : end.end()]
        at = end.end()
    if at < len(whole):
        yield whole[at:]


def _data(event: bytes) -> bytes:
    """Give an event's data."""
    lines = event.splitlines()
    return b"\n".join([line[5:] for line in lines if line.startswith(b"data:")])
