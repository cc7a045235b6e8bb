"""The check of a request by itself: nothing that it is given makes it fail otherwise."""

import string
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import tokens
from accounts.tokens import TokenKind
from broker import request
from broker.errors import CallFailure, RequestRefused
from broker.request import Ask
from providers import CATALOGUE, Provider
from tests.kit.canary import canary

TOKEN = tokens.make(TokenKind.TOOL).text
OPENAI = CATALOGUE["openai"]
GOOD = (b"authorization", b"Bearer " + TOKEN.encode())

ROUGH = st.text(
    st.sampled_from(string.ascii_letters + string.digits + '/%.;@:\\?#&=~-_+ \0\r\n"<>[]|é'),
    max_size=80,
).map(lambda text: text.encode("latin-1"))
PARTS = st.sampled_from(
    rb"/ // .. . %2e %2E %2f %5c %00 %25 @ v1 models ; : % ~ http: a ? \ %0d%0a %3b".split()
)
PATHS = st.one_of(
    ROUGH, st.lists(PARTS, max_size=12).map(b"".join), st.binary(max_size=60)
).flatmap(lambda path: st.sampled_from([path, b"/" + path, b"/v1/" + path]))
NAMES = st.sampled_from(
    sorted(
        {b"content-length", b"transfer-encoding", b"keysteward-key", b"upgrade", b"authorization"}
        | {b"x-api-key", b"x-goog-api-key", b"user-agent", b"openai-beta", b"cookie", b"host", b""}
    )
)
VALUES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"Bearer " + TOKEN.encode(), TOKEN.encode(), b"5", b"chunked", b"websocket"]),
    st.integers(-5, 10**30).map(lambda number: str(number).encode()),
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=8)


@settings(max_examples=300)
@given(
    provider=st.sampled_from(list(CATALOGUE.values())),
    method=st.sampled_from(["GET", "POST", "TRACE", "get", ""]),
    path=PATHS,
    query=ROUGH,
    headers=HEADERS,
    token=st.booleans(),
)
def test_it_refuses_or_gives_a_call_to_that_provider_alone(
    *,
    provider: Provider,
    method: str,
    path: bytes,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    token: bool,
) -> None:
    slot = provider.slots[0]
    with_token = [slot.write(TOKEN.encode()), *headers] if token else headers
    try:
        ask = request.check(provider, method, path, query, with_token)
    except CallFailure as refusal:
        repeated = TOKEN in str(refusal)
        assert not repeated
        return
    stays_on_its_host(ask, path, query)
    assert ask.method == method.encode()
    assert ask.content_length is None or ask.content_length >= 0
    assert not {name for name, _ in ask.headers} & {
        b"authorization", b"x-api-key", b"x-goog-api-key", b"cookie", b"host", b"content-length",
        b"transfer-encoding", b"upgrade", b"keysteward-key",
    }  # fmt: skip


@settings(max_examples=300)
@given(PATHS, ROUGH)
def test_what_it_takes_stays_on_the_host_and_below_its_path(path: bytes, query: bytes) -> None:
    try:
        ask = request.check(OPENAI, "GET", path, query, [GOOD])
    except CallFailure:
        return
    stays_on_its_host(ask, path, query)


def stays_on_its_host(ask: Ask, path: bytes, query: bytes) -> None:
    target = ask.target.decode("ascii")
    assert target.encode() == (path + b"?" + query if query else path)
    assert not set(target) & set(' \r\n\t\0\\#"<>')
    assert target.startswith("/")
    assert not target.startswith("//")
    # Joined by hand, as a careless client would, it still leads there.
    for origin in ("https://api.provider.example", "https://api.provider.example/base"):
        joined = urlsplit(origin + target)
        assert joined.netloc == "api.provider.example"
        assert (joined.username, joined.password, joined.port) == (None, None, None)
        assert joined.path.startswith(urlsplit(origin).path + "/")
        decoded = unquote_to_bytes(joined.path)
        assert not {b".", b".."} & {part.partition(b";")[0] for part in decoded.split(b"/")}
        assert not set(decoded) & set(b"\0\r\n\\")


class TestCatalogue:
    @pytest.mark.parametrize("provider", CATALOGUE.values(), ids=CATALOGUE)
    def test_no_slot_for_a_credential_is_a_header_that_passes(self, provider: Provider) -> None:
        for slot in provider.slots:
            assert not slot.header.startswith(provider.headers)
            assert slot.header not in request._REQUEST_PASSES

    @pytest.mark.parametrize("provider", CATALOGUE.values(), ids=CATALOGUE)
    def test_a_key_of_each_shape_is_found_anywhere(self, provider: Provider) -> None:
        key = canary(provider.id).encode()
        assert provider.looks_right(key.decode())
        for text in (key, b"/v1/" + key, b"q=" + key + b"&x=1", b"%22" + key, b"=%73" + key[1:]):
            if text.endswith(key[1:]) and not text.endswith(key) and key[:1] != b"s":
                continue
            assert request.carries_a_key(text)

    def test_each_of_our_tokens_is_found_anywhere(self) -> None:
        for kind in TokenKind:
            text = tokens.make(kind).text.encode()
            for around in (text, b"/v1/" + text, b"xx" + text, b"%6b" + text[1:]):
                assert request.carries_a_key(around)

    def test_ordinary_addresses_hold_none(self) -> None:
        for text in (
            b"/v1/chat/completions",
            b"/v1beta/models/gemini-2.5-flash:streamGenerateContent",
            b"/v1/threads/thread_abc/runs/run_def",
            b"/v1/files/file-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789/content",
            b"alt=sse&pageToken=Cg0KCw",
        ):
            assert not request.carries_a_key(text)


class TestHeaders:
    def test_the_first_slot_that_holds_something_is_read(self) -> None:
        ask = request.check(
            CATALOGUE["anthropic"], "GET", b"/v1", b"", [(b"x-api-key", TOKEN.encode()), GOOD]
        )
        assert ask.token_digest == tokens.digest_of(TOKEN, TokenKind.TOOL)
        assert ask.headers == []

    @pytest.mark.parametrize(
        "length", [b"", b"-1", b"+1", b"1_0", b"0x1", b" 1", b"9" * 19, b"\xb2"]
    )
    def test_a_length_that_is_no_number_is_refused(self, length: bytes) -> None:
        with pytest.raises(RequestRefused, match="not a number"):
            request.check(OPENAI, "POST", b"/v1", b"", [GOOD, (b"content-length", length)])

    @pytest.mark.parametrize(
        ("header", "length", "has_body"),
        [
            ((b"content-length", b"0"), 0, False),
            ((b"content-length", b"5"), 5, True),
            ((b"transfer-encoding", b"chunked"), None, True),
            ((b"accept", b"*/*"), None, False),
        ],
    )
    def test_the_framing_tells_whether_a_body_comes(
        self, header: tuple[bytes, bytes], length: int | None, has_body: bool
    ) -> None:
        ask = request.check(OPENAI, "POST", b"/v1", b"", [GOOD, header])
        assert (ask.content_length, ask.has_body) == (length, has_body)

    def test_an_ask_shows_no_token(self) -> None:
        ask = request.check(OPENAI, "GET", b"/v1", b"a=b", [GOOD])
        assert TOKEN not in repr(ask)
        assert ask.target == b"/v1?a=b"
