"""The check of a request by itself: nothing that it is given makes it fail otherwise."""

import base64
import re
import string
from urllib.parse import quote, unquote_to_bytes, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import tokens
from accounts.tokens import TokenKind
from broker import request
from broker.errors import CallFailure, CredentialInUrl, RequestRefused, ToolTokenRequired
from broker.request import Ask
from providers import CATALOGUE, Provider
from redact import redact
from redact.patterns import _QUERY_NAMES
from tests.kit.canary import canary

TOKEN = tokens.make(TokenKind.TOOL).text
OPENAI = CATALOGUE["openai"]
GOOD = (b"authorization", b"Bearer " + TOKEN.encode())
KEY = canary("github").encode()

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
        | {b"xi-api-key", b"project-access-token", b"stripe-account", b"x-twilio-client"}
    )
)
VALUES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"Bearer " + TOKEN.encode(), TOKEN.encode(), b"5", b"chunked", b"websocket"]),
    st.just(b"Basic " + base64.b64encode(b"AC1:" + TOKEN.encode())),
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
        b"authorization", b"x-api-key", b"x-goog-api-key", b"xi-api-key", b"project-access-token",
        b"cookie", b"host", b"content-length", b"transfer-encoding", b"upgrade", b"keysteward-key",
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

    @pytest.mark.parametrize("name", [row.id for row in CATALOGUE.values() if row.shapes])
    def test_a_key_that_bears_a_mark_is_found_anywhere(self, name: str) -> None:
        key = canary(name).encode()
        escaped = b"%%%02x" % key[0] + key[1:]
        for text in (key, b"/v1/" + key, b"q=" + key + b"&x=1", b"%22" + key, b"=" + escaped):
            assert request.carries_a_key(text)
        for lead in (b"", b"u:", b"me:"):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                code = encode(lead + key)
                for text in (code, b"/v1/" + code, b"q=" + code, code.replace(b"=", b"%3D")):
                    assert request.carries_a_key(text)
            digits = (lead + key).hex().encode()
            assert request.carries_a_key(digits)
            assert request.carries_a_key(b"q=" + digits.upper())

    @pytest.mark.parametrize("name", ["openai", "stripe", "github"])
    def test_nor_do_escapes_within_escapes_hide_it(self, name: str) -> None:
        key = canary(name)
        strict = re.sub("[^A-Za-z0-9]", lambda each: f"%{ord(each[0]):02X}", key)
        once = f"%{ord(key[0]):02x}{key[1:]}"
        of_json = re.sub("[^A-Za-z0-9]", lambda each: f"\\u{ord(each[0]):04x}", key)
        of_html = re.sub("[^A-Za-z0-9]", lambda each: f"&#{ord(each[0])};", key)
        for form in (strict, once, "".join(f"%{ord(each):02x}" for each in key)):
            for text in (form, form.replace("%", "%25"), form.replace("%", "%2525")):
                assert request.carries_a_key(f"q={text}&x=1".encode())
        for form in (of_json, of_html, base64.b64encode(key.encode()).decode()):
            for text in (quote(form, safe=""), quote(quote(form, safe=""))):
                assert request.carries_a_key(f"q={text}".encode())

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
            b"/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
            b"/v2/instances/cb676a46-66fd-4dfb-b839-443f2e6c0b60",
            b"/v1/refunds/re_1Nispe2eZvKYlo2Cd31jOCgZ",
            b"/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM/stream",
            b"/repos/o/r/commits/0123456789abcdef0123456789abcdef01234567",
            b"/api/v1/keys/" + b"0123456789abcdef" * 4,
        ):
            assert not request.carries_a_key(text)

    @pytest.mark.parametrize("query", [b"key=linux-gems", b"per_page=5&key=x"])
    def test_a_parameter_that_means_no_credential_there_passes_there(self, query: bytes) -> None:
        path = b"/repos/o/r/actions/caches"
        ask = request.check(CATALOGUE["github"], "DELETE", path, query, [GOOD])
        assert ask.target == path + b"?" + query
        with pytest.raises(CredentialInUrl):
            request.check(OPENAI, "DELETE", path, query, [GOOD])

    @pytest.mark.parametrize("query", [b"token=x", b"key=x&access_token=x", b"key=" + KEY])
    def test_any_other_is_refused_there_too(self, query: bytes) -> None:
        with pytest.raises(CredentialInUrl):
            request.check(CATALOGUE["github"], "GET", b"/user", query, [GOOD])


class TestNames:
    """Of a URL's parameters: what is refused, and what a log leaves out, is one thing."""

    # What also names something that is no credential: a page of a list, GitHub's and Google's code.
    ALLOWED = re.compile(
        rb"code|session|sid|samlresponse|(client_)?assertion|.*[-_]token", re.IGNORECASE
    )

    @settings(max_examples=300)
    @given(st.from_regex(re.compile(b"(?i:" + _QUERY_NAMES + b")"), fullmatch=True))
    def test_what_a_log_leaves_out_is_refused(self, name: bytes) -> None:
        assert request.names_a_credential(name + b"=x") or self.ALLOWED.fullmatch(name)

    @settings(max_examples=300)
    @given(st.from_regex(request._CREDENTIAL_NAME, fullmatch=True))
    def test_what_is_refused_a_log_leaves_out(self, name: bytes) -> None:
        value = "q7Rz0c4Lx9Tb2Wn5"
        # Nobody leaves these hyphens out.
        spelled = re.sub("^x(amz|goog)", r"x-\1-", name.decode())
        assert value not in redact(f'"GET /v1/x?{spelled}={value} HTTP/1.1" 400')

    @pytest.mark.parametrize(
        "name",
        [
            "accessToken", "access_token", "ACCESS-TOKEN", "authToken", "openai_api_key", "pass",
            "x-access-token", "X-Amz-Signature", "x-goog-credential", "client_secret",
            "auth[token]", "%61pi_key", "secretAccessKey", " key ", "x-goog-api-key",
        ],
    )  # fmt: skip
    def test_a_name_is_known_however_it_is_spelled(self, name: str) -> None:
        for query in (f"{name}=x", f"a=b&{name}=x", f"a=b;{name}", f"{name}=x&c=d"):
            assert request.names_a_credential(query.encode())

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/models;key=x", "/v1/models;a=b;access_token=x/y", "/v1/models&api_key=x",
            "/v1/models/x;api-key=x", "/v1/models%3Fkey=x", "/v1/models%253fa=b%2526key%253dx",
            "/v1/models;k%65y=x",
        ],
    )  # fmt: skip
    def test_it_is_known_within_a_path_as_well(self, path: str) -> None:
        assert request.names_a_credential_in_path(path.encode())
        with pytest.raises(CredentialInUrl):
            request.check(OPENAI, "GET", path.encode(), b"", [GOOD])

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/key", "/v1/token;x=y", "/v1/auth/a%20b=c", "/v1/keys==", "/v1/monkey=1",
            "/v1/id/sig=", "/repos/o/r/labels/sig%3Dnode", "/repos/o/r/contents/auth=none.md",
        ],
    )  # fmt: skip
    def test_a_path_s_own_words_name_none(self, path: str) -> None:
        assert request.check(OPENAI, "GET", path.encode(), b"", [GOOD]).target == path.encode()

    def test_what_is_said_of_another_url_is_that_url_s(self) -> None:
        assert not request.names_a_credential(b"media=https://host/p?signature=x")

    @pytest.mark.parametrize("provider", CATALOGUE.values(), ids=CATALOGUE)
    def test_what_pages_lists_and_narrows_them_is_none(self, provider: Provider) -> None:
        for name in (
            b"pageToken", b"page_token", b"next_page_token", b"PageToken", b"cursor", b"after",
            b"starting_after", b"max_tokens", b"authuser", b"keys", b"key_id", b"keyword",
            b"monkey", b"secrets", b"signed", b"tokens", b"expand[]", b"PageSize", b"design",
        ):  # fmt: skip
            assert not request.names_a_credential(name + b"=x", provider.harmless_queries)


class TestTokens:
    """Where each provider's users put its key, a tool's token is taken."""

    @pytest.mark.parametrize(
        ("name", "header", "value"),
        [
            ("elevenlabs", "xi-api-key", "{token}"),
            ("stripe", "authorization", "Bearer {token}"),
            ("stripe", "authorization", "Basic {token}:"),
            ("twilio", "authorization", "Basic AC{account}:{token}"),
            ("twilio", "authorization", "Basic {token}:"),
            ("twilio", "authorization", "Basic {token}:anything"),
            ("twilio", "authorization", "Bearer {token}"),
            ("vultr", "authorization", "Bearer {token}"),
            ("railway", "authorization", "Bearer {token}"),
            ("railway", "project-access-token", "{token}"),
            ("resend", "authorization", "Bearer {token}"),
            ("github", "authorization", "Bearer {token}"),
            ("github", "authorization", "token {token}"),
            ("github", "authorization", "Basic somebody:{token}"),
        ],
    )
    def test_it_is_taken(self, name: str, header: str, value: str) -> None:
        value = value.format(token=TOKEN, account="0123456789abcdef" * 2)
        if value.startswith("Basic "):
            pair = value.removeprefix("Basic ").encode()
            value = "Basic " + base64.b64encode(pair).decode()
        sent = [(header.encode(), value.encode())]
        ask = request.check(CATALOGUE[name], "GET", b"/x", b"", sent)
        assert ask.token_digest == tokens.digest_of(TOKEN, TokenKind.TOOL)
        assert ask.headers == []

    @pytest.mark.parametrize("name", sorted(CATALOGUE))
    def test_a_key_in_its_place_is_refused_and_not_repeated(self, name: str) -> None:
        provider, key = CATALOGUE[name], canary(name)
        for slot in provider.slots:
            with pytest.raises(ToolTokenRequired) as refused:
                request.check(provider, "GET", b"/x", b"", [slot.write(key.encode())])
            for part in (key, key.rpartition(":")[2]):
                assert part not in str(refused.value)

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("elevenlabs", "where ElevenLabs's key would stand: xi-api-key: kst_…."),
            (
                "stripe",
                ": Bearer kst_… or authorization: Basic with kst_… as the user or the password.",
            ),
            ("railway", "authorization: Bearer kst_… or project-access-token: kst_…."),
        ],
    )
    def test_who_sends_none_is_told_where_it_would_stand(self, name: str, sentence: str) -> None:
        for headers in ([], [(b"authorization", b"Basic !")], [(b"authorization", b"Digest x")]):
            with pytest.raises(ToolTokenRequired) as refused:
                request.check(CATALOGUE[name], "GET", b"/x", b"", headers)
            assert str(refused.value).endswith(sentence)


class TestHeaders:
    @pytest.mark.parametrize(
        ("name", "header"),
        [
            ("stripe", b"stripe-version"),
            ("stripe", b"stripe-account"),
            ("stripe", b"idempotency-key"),
            ("twilio", b"x-twilio-client"),
            ("github", b"x-github-api-version"),
            ("resend", b"idempotency-key"),
            ("openrouter", b"http-referer"),
            ("openrouter", b"x-openrouter-title"),
            ("cohere", b"x-client-name"),
            ("groq", b"x-stainless-lang"),
            ("xai", b"x-grok-conv-id"),
        ],
    )
    def test_what_a_provider_s_own_users_send_passes(self, name: str, header: bytes) -> None:
        sent = [CATALOGUE[name].slots[0].write(TOKEN.encode()), (header, b"x")]
        ask = request.check(CATALOGUE[name], "POST", b"/x", b"", sent)
        assert ask.headers == [(header, b"x")]

    @pytest.mark.parametrize("name", [b"user-agent", b"x-request-id", b"openai-organization"])
    def test_a_token_in_a_header_that_passes_is_refused(self, name: bytes) -> None:
        for value in (TOKEN.encode(), b"Bearer " + TOKEN.encode()):
            with pytest.raises(RequestRefused, match="stands in a header") as refused:
                request.check(OPENAI, "POST", b"/v1", b"", [GOOD, (name, value)])
            assert TOKEN not in str(refused.value)
        # What is not passed on may hold anything.
        sent = [GOOD, (b"cookie", TOKEN.encode()), (b"x-goog-api-key", TOKEN.encode())]
        assert request.check(OPENAI, "POST", b"/v1", b"", sent).headers == []

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

    def test_two_content_types_are_refused_since_the_provider_may_read_the_other(self) -> None:
        two = [(b"content-type", b"application/json"), (b"content-type", b"text/plain")]
        with pytest.raises(RequestRefused, match="two Content-Types"):
            request.check(OPENAI, "POST", b"/v1", b"", [GOOD, *two])
        assert request.check(OPENAI, "POST", b"/v1", b"", [GOOD, two[0]]).headers == two[:1]

    @pytest.mark.parametrize("name", [b"range", b"if-none-match", b"if-modified-since"])
    def test_what_may_withhold_a_paid_answer_is_passed_on_with_reads_alone(
        self, name: bytes
    ) -> None:
        sent = [GOOD, (name, b"x"), (b"accept", b"*/*")]
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            ask = request.check(OPENAI, method, b"/v1", b"", sent)
            assert ask.headers == [(b"accept", b"*/*")]
        for method in ("GET", "HEAD"):
            assert request.check(OPENAI, method, b"/v1", b"", sent).headers == sent[1:]

    def test_an_ask_shows_no_token(self) -> None:
        ask = request.check(OPENAI, "GET", b"/v1", b"a=b", [GOOD])
        assert TOKEN not in repr(ask)
        assert ask.target == b"/v1?a=b"
