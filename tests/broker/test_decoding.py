"""Answers that come compressed, decoded by themselves: whole, broken, cut anyhow, and bombs."""

import asyncio
import gzip
import os
import zlib
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import decoding
from broker.decoding import Decoded, inspectable, whole
from broker.outbound import Headers
from broker.upstream import UpstreamBroke


class Coming:
    """An answer's pieces as they come off the wire."""

    def __init__(self, pieces: Iterable[bytes], headers: Headers, status: int = 200) -> None:
        self.status = status
        self.headers = headers
        self._left = list(pieces)

    @property
    def taken(self) -> bool:
        return not self._left

    def __aiter__(self) -> "Coming":
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop(0)


def zlibbed(text: bytes) -> bytes:
    return zlib.compress(text)


def bare(text: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(text) + made.flush()


def in_members(text: bytes) -> bytes:
    return gzip.compress(text[: len(text) // 2]) + gzip.compress(text[len(text) // 2 :])


CODED: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "gzip": (b"gzip", gzip.compress),
    "x-gzip": (b"X-GZip", gzip.compress),
    "gzip in members": (b"gzip", in_members),
    "deflate": (b"deflate", zlibbed),
    "bare deflate": (b"deflate", bare),
}


def coded(coding: bytes, *pieces: bytes, status: int = 200, method: bytes = b"GET") -> Decoded:
    answer = Coming(pieces, [(b"content-encoding", coding)], status)
    decoded, why = inspectable(answer, method)  # type: ignore[arg-type]
    assert why is None
    assert isinstance(decoded, Decoded)
    return decoded


def taken(answer: Decoded) -> bytes:
    """Take it as `broker.passing` does: until it says that it is taken."""

    async def take() -> bytes:
        out = b""
        while True:
            try:
                piece = await anext(answer)
            except StopAsyncIteration:
                return out
            assert 0 < len(piece) <= decoding.PIECE
            out += piece
            if answer.taken:
                return out

    return asyncio.run(take())


TEXT = b'{"choices": [{"delta": {"content": "Hello"}}]}\n\n' * 20


@pytest.mark.parametrize("kind", CODED)
def test_it_is_the_same_text_wherever_the_pieces_part(kind: str) -> None:
    coding, encode = CODED[kind]
    body = encode(TEXT)
    for cut in range(len(body) + 1):
        assert taken(coded(coding, body[:cut], body[cut:])) == TEXT
    assert taken(coded(coding, *(body[at : at + 1] for at in range(len(body))))) == TEXT


@settings(max_examples=30)
@given(st.binary(max_size=3000), st.integers(1, 70), st.sampled_from(sorted(CODED)))
def test_any_bytes_come_out_as_they_went_in(text: bytes, times: int, kind: str) -> None:
    coding, encode = CODED[kind]
    body = encode(text * times)
    assert taken(coded(coding, *(body[at : at + 997] for at in range(0, len(body), 997)))) == (
        text * times
    )


@pytest.mark.parametrize("kind", CODED)
def test_nothing_stays_behind_where_a_few_bytes_become_many(kind: str) -> None:
    coding, encode = CODED[kind]
    for more in range(1, 60, 7):
        text = b"a" * (decoding.PIECE + more)
        assert taken(coded(coding, encode(text))) == text


def test_a_stream_s_event_is_given_as_soon_as_it_was_flushed() -> None:
    made = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)

    async def events() -> None:
        pieces = [
            made.compress(b"data: %d\n\n" % number) + made.flush(zlib.Z_SYNC_FLUSH)
            for number in range(3)
        ]
        answer = coded(b"gzip", *pieces, made.flush())
        for number in range(3):
            assert await anext(answer) == b"data: %d\n\n" % number
            assert not answer.taken
        assert [piece async for piece in answer] == []
        assert answer.taken

    asyncio.run(events())


@pytest.mark.parametrize("kind", CODED)
def test_what_is_cut_off_is_broken(kind: str) -> None:
    coding, encode = CODED[kind]
    body = encode(TEXT)
    for size in (1, 2, 12, len(body) // 2 + 3, len(body) - 1):
        with pytest.raises(UpstreamBroke, match="cut off"):
            taken(coded(coding, body[:size]))


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", b'{"plain": "text"}'),
        (b"gzip", gzip.compress(TEXT)[:-8] + b"\0" * 8),
        (b"gzip", gzip.compress(TEXT) + b"\x1f\x8bno member"),
        (b"deflate", b"\xff\xff\xff\xff"),
        (b"deflate", zlibbed(TEXT)[:-4] + b"\0" * 4),
    ],
    # Gzip writes the time into its head: it would be another test in each process.
    ids=["plain", "wrong sum", "broken member", "no deflate", "wrong sum of deflate"],
)
def test_what_is_not_compressed_as_it_says_is_broken(coding: bytes, body: bytes) -> None:
    with pytest.raises(UpstreamBroke, match="not compressed as it says"):
        taken(coded(coding, body))


def test_what_stands_behind_the_end_is_dropped() -> None:
    assert taken(coded(b"gzip", gzip.compress(TEXT) + b"\0\0", b"\x1fmore")) == TEXT
    assert taken(coded(b"deflate", zlibbed(TEXT), b"more")) == TEXT


def test_an_answer_of_no_bytes_is_whole() -> None:
    assert coded(b"gzip").taken
    assert taken(coded(b"gzip")) == b""


def test_a_bomb_is_cut_off_and_never_held() -> None:
    made = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    bomb = b"".join(made.compress(bytes(1 << 20)) for _ in range(12)) + made.flush()
    assert len(bomb) < 20_000
    given = 0

    async def take() -> None:
        nonlocal given
        async for piece in coded(b"gzip", bomb):
            assert len(piece) <= decoding.PIECE
            given += len(piece)

    with pytest.raises(UpstreamBroke, match="too large"):
        asyncio.run(take())
    assert given <= decoding.FREELY + decoding.MOST_A_BYTE * len(bomb)
    # As large, but not made of nothing.
    honest = os.urandom(3 << 20).hex().encode()
    assert len(honest) > decoding.FREELY
    assert len(taken(coded(b"gzip", gzip.compress(honest, 1)))) == len(honest)


def test_the_headers_are_those_of_what_is_passed_on() -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-encoding", b"gzip"),
        (b"content-length", b"99"),
        (b"accept-ranges", b"bytes"),
        (b"etag", b'"a"'),
        (b"x-request-id", b"req_1"),
    ]
    answer = Coming([], headers)
    decoded, _ = inspectable(answer, b"GET")  # type: ignore[arg-type]
    kept = [headers[0], (b"etag", b'W/"a"'), headers[-1]]
    assert decoded.headers == kept
    assert inspectable(answer, b"HEAD")[0].headers == kept  # type: ignore[arg-type]


@pytest.mark.parametrize("coding", [b"", b"identity", b"Identity, identity"])
def test_what_is_not_coded_is_the_answer_itself(coding: bytes) -> None:
    answer = Coming([TEXT], [(b"content-encoding", coding)])
    assert inspectable(answer, b"GET") == (answer, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("coding", "status", "why"),
    [
        (b"br", 200, "content-encoding br"),
        (b"ZSTD", 200, "content-encoding zstd"),
        (b"gzip, br", 200, "content-encoding gzip, br"),
        (b"gzip, gzip", 200, "content-encoding gzip, gzip"),
        (b"identity, br", 200, "content-encoding br"),
        (b"sk-made-up\xff", 200, "content-encoding unknown"),
        (b"gzip", 206, "content-encoding gzip of a part"),
        (b"br", 404, "content-encoding br"),
        (b"br, " * 40, 200, "content-encoding br, br, br"),
    ],
)
def test_what_can_t_be_decoded_says_why(coding: bytes, status: int, why: str) -> None:
    answer = Coming([TEXT], [(b"content-encoding", coding)], status)
    assert inspectable(answer, b"GET") == (answer, why)  # type: ignore[arg-type]
    # Where there is no body, there is nothing to inspect.
    for method, bodiless in ((b"HEAD", status), (b"GET", 204), (b"GET", 304)):
        answer = Coming([], [(b"content-encoding", coding)], bodiless)
        assert inspectable(answer, method)[1] is None  # type: ignore[arg-type]


def test_codings_in_several_headers_are_one_behind_the_other() -> None:
    headers = [(b"content-encoding", b"gzip"), (b"content-encoding", b"br")]
    assert decoding.codings_of(headers) == [b"gzip", b"br"]


def test_a_short_body_is_decoded_whole_or_not_given_at_all() -> None:
    gzipped = [(b"content-encoding", b"gzip")]
    assert whole(gzipped, gzip.compress(TEXT), 1 << 20) == TEXT
    assert whole(gzipped, gzip.compress(TEXT), 10) == TEXT[:10]
    assert whole(gzipped, gzip.compress(bytes(1 << 22)), 100) == bytes(100)
    assert whole(gzipped, TEXT, 1 << 20) == b""
    assert whole([(b"content-encoding", b"br")], TEXT, 1 << 20) == b""
    assert whole([], TEXT, 10) == TEXT[:10]
