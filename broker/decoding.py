"""Answers that come compressed although nothing but identity was asked for.

Gzip and deflate are decoded as they come, so that metering and the scrubber see what the tool gets;
the answer is passed on decoded. Whatever else an answer may be coded in can't be inspected: the
answer says so in a header, or is refused where the tool's owner wants that.

What is decoded comes in pieces of bounded size, and may become large only as honest answers do: a
bomb is cut off.
"""

import asyncio
import zlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final, Protocol, Self

from broker.outbound import Headers, Response
from broker.upstream import UpstreamBroke

UNINSPECTED: Final = b"keysteward-uninspected"
"""Response header that says why an answer was passed on without having been looked at."""
PIECE: Final = 65_536
"""Bytes that are decoded at a time, at most."""
FREELY: Final = 4 * 1024 * 1024
"""Decoded bytes up to which nobody asks from how few they came."""
MOST_A_BYTE: Final = 100
"""Decoded bytes for each that came, beyond those. Deflate can do 1,032; JSON comes to some 20."""
MOST: Final = 1024 * 1024 * 1024
"""Decoded bytes of one answer."""
_GZIP: Final = frozenset({b"gzip", b"x-gzip"})
_NAMED: Final = frozenset({b"br", b"zstd", b"compress", b"x-compress", b"dcb", b"dcz", b"deflate"})
"""The codings of the registry (iana.org/assignments/http-parameters) that a header may repeat."""
NO_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
"""Statuses of answers without a body."""
# Of the coded form: they are not true of what is passed on (RFC 9110, sections 8.4, 8.6, 14.3).
_OF_THE_CODED: Final = frozenset(
    {b"content-encoding", b"content-length", b"content-md5", b"accept-ranges", b"digest"}
)
_GZIP_BEGINS: Final = b"\x1f"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_ZLIB_HEAD: Final = 2


class Answer(Protocol):
    """A provider's answer, as those see it who pass it on."""

    status: int
    headers: Headers

    @property
    def taken(self) -> bool:
        """Tell that the answer is whole and nothing of it is left to take."""

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> bytes: ...


def codings_of(headers: Headers) -> list[bytes]:
    """Give in what a body is coded, in the order in which that was done; identity is nothing."""
    named = b",".join(value for name, value in headers if name == b"content-encoding")
    codings = (coding.strip().lower() for coding in named.split(b","))
    return [coding for coding in codings if coding not in {b"", b"identity"}]


def inspectable(answer: Response, method: bytes) -> tuple[Answer, str | None]:
    """Give an answer as it can be inspected; else as it came, and why it can't be.

    An answer without a body (to HEAD, 204, 304) needs no inspection; its headers are those that the
    decoded answer would have.
    """
    codings = codings_of(answer.headers)
    if not codings:
        return answer, None
    bodiless = method == b"HEAD" or answer.status in NO_BODY
    decoder = _decoder_of(codings)
    if decoder is not None and (bodiless or answer.status != HTTPStatus.PARTIAL_CONTENT):
        return Decoded(answer, decoder), None
    if bodiless:
        return answer, None
    shown = [coding.decode() if coding in _NAMED | _GZIP else "unknown" for coding in codings]
    part = " of a part" if answer.status == HTTPStatus.PARTIAL_CONTENT else ""
    return answer, f"content-encoding {', '.join(shown[:3])}{part}"


def whole(headers: Headers, body: bytes, most: int) -> bytes:
    """Give a short body decoded, at most its first bytes; nothing where it can't be inspected."""
    codings = codings_of(headers)
    if not codings:
        return body[:most]
    decoder = _decoder_of(codings)
    decoded = b""
    try:
        for piece in () if decoder is None else decoder.pieces(body):
            decoded += piece
            if len(decoded) >= most:
                break
    except UpstreamBroke:
        return b""
    return decoded[:most]


def _decoder_of(codings: list[bytes]) -> "_Decoder | None":
    """Give what decodes these; None for what we can't, such as one coding within another."""
    if len(codings) > 1:
        return None
    if codings[0] in _GZIP:
        return _Decoder(is_gzip=True)
    return _Decoder(is_gzip=False) if codings[0] == b"deflate" else None


def _weak(tag: bytes) -> bytes:
    """Say of an entity tag that it is another form's of the same (RFC 9110, section 8.8.1)."""
    return tag if tag.startswith(b"W/") else b"W/" + tag


class Decoded:
    """An answer whose body is decoded as it is taken, with the headers that are true of it then.

    Iterating raises what the answer's own raises, and `UpstreamBroke` for what is not coded as it
    says, ends too early or becomes too large.
    """

    def __init__(self, answer: Response, decoder: "_Decoder") -> None:
        self.status = answer.status
        self.headers = [
            (name, _weak(value) if name == b"etag" else value)
            for name, value in answer.headers
            if name not in _OF_THE_CODED
        ]
        self._answer = answer
        self._decoder = decoder
        self._pieces: Iterator[bytes] = iter(())

    @property
    def taken(self) -> bool:
        """Tell that the answer is whole and nothing of it is left to take."""
        return self._answer.taken and self._decoder.is_done

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while True:
            for piece in self._pieces:
                # A little that came may become much, and nobody else would get a turn meanwhile.
                await asyncio.sleep(0)
                return piece
            try:
                chunk = await anext(self._answer)
            except StopAsyncIteration:
                self._decoder.end()
                raise
            self._pieces = self._decoder.pieces(chunk)


class _Decoder:
    """Decodes one body, in gzip or deflate: gives what it can at once, `PIECE` at a time.

    Gzip (RFC 1952) comes in one member or several; deflate as zlib has it (RFC 1950, and HTTP), or
    bare (RFC 1951), as some servers take the name. What stands behind the end is dropped.
    """

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._inflate: zlib._Decompress | None = None
        self._first = b""
        """What came, while it was too little to tell one deflate from the other."""
        self._is_idle = True
        self._is_over = False
        self._came = 0
        self._became = 0

    @property
    def is_done(self) -> bool:
        """Tell whether the body is whole, or has not begun, and all of it was given."""
        is_whole = not self._first if self._inflate is None else self._inflate.eof
        return self._is_idle and is_whole

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Decode the next bytes. Raises `UpstreamBroke`."""
        self._came += len(chunk)
        data, self._first = self._first + chunk, b""
        if self._inflate is None:
            if len(data) < _ZLIB_HEAD:
                self._first = data
                return
            self._inflate = self._begin(data)
        self._is_idle = self._is_over
        while not self._is_idle:
            if self._inflate.eof:
                if not self._is_gzip or not data.startswith(_GZIP_BEGINS):
                    self._is_over = bool(data)
                    break
                self._inflate = self._begin(data)
            piece = self._inflated(self._inflate, data)
            data = self._inflate.unconsumed_tail or self._inflate.unused_data
            # Something may be left within it, where it gave as much as it was let.
            self._is_idle = not data and len(piece) < PIECE
            if piece:
                yield piece
        self._is_idle = True

    def end(self) -> None:
        """Note that nothing more comes. Raises `UpstreamBroke` where the body is not whole."""
        if not self.is_done:
            raise UpstreamBroke("it was cut off within what is compressed")

    def _begin(self, data: bytes) -> "zlib._Decompress":
        if self._is_gzip:
            return zlib.decompressobj(_GZIP_WINDOW)
        # RFC 1950, section 2.2: the method, and both bytes as a number that 31 divides.
        is_zlib = data[0] & 15 == zlib.DEFLATED and not int.from_bytes(data[:_ZLIB_HEAD]) % 31
        return zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)

    def _inflated(self, inflate: "zlib._Decompress", data: bytes) -> bytes:
        try:
            piece = inflate.decompress(data, PIECE)
        except zlib.error:
            raise UpstreamBroke("it is not compressed as it says") from None
        self._became += len(piece)
        if self._became > min(MOST, FREELY + MOST_A_BYTE * self._came):
            raise UpstreamBroke("it became too large as it was decompressed")
        return piece
