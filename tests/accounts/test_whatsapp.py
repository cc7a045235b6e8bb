"""The wire to WhatsApp: what is sent is as its reference says, and nothing of it gets out again."""

import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.errors import MessageNotSent
from accounts.whatsapp import (
    State,
    Status,
    WebhookRefused,
    WhatsApp,
    WhatsAppSettings,
    reference,
)
from store.clock import SECOND
from tests.kit.fake_whatsapp import (
    APP_SECRET,
    PHONE_NUMBER_ID,
    TOKEN,
    VERIFY_TOKEN,
    Failure,
    FakeWhatsApp,
    Message,
    drops,
    echoes,
    failed,
    fake_whatsapp,
    hangs,
    message_id,
    news,
    refusal,
    refuses,
    says,
    sign,
    webhook,
)
from tests.kit.scripted import answer

NUMBER = "+4915112345678"
CODE = "012345"
MESSAGE = Message(NUMBER, CODE, message_id(NUMBER, 1))
SETTINGS = WhatsAppSettings(
    TOKEN, PHONE_NUMBER_ID, "keysteward_code", "en_US", APP_SECRET, VERIFY_TOKEN
)
OFFLINE = WhatsApp(SETTINGS)


@pytest.fixture
async def fake() -> AsyncIterator[FakeWhatsApp]:
    async with fake_whatsapp() as served:
        yield served


@pytest.fixture
def whatsapp(fake: FakeWhatsApp) -> WhatsApp:
    return WhatsApp(fake.settings())


@pytest.fixture
def offline() -> WhatsApp:
    return OFFLINE


class TestSending:
    async def test_a_code_is_sent_as_the_reference_says(
        self, whatsapp: WhatsApp, fake: FakeWhatsApp
    ) -> None:
        name = await whatsapp.send_code(NUMBER, CODE)
        assert fake.messages == [Message(NUMBER, CODE, name)]

    async def test_to_the_letter(self, whatsapp: WhatsApp, fake: FakeWhatsApp) -> None:
        await whatsapp.send_code(NUMBER, CODE)
        (request,) = fake.requests
        assert request.line == f"POST /v26.0/{PHONE_NUMBER_ID}/messages HTTP/1.1"
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        code = [{"type": "text", "text": CODE}]
        assert request.message == {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": NUMBER,
            "type": "template",
            "template": {
                "name": "keysteward_code",
                "language": {"code": "en_US"},
                "components": [
                    {"type": "body", "parameters": code},
                    {"type": "button", "sub_type": "url", "index": "0", "parameters": code},
                ],
            },
        }

    async def test_no_connection_is_kept(self, whatsapp: WhatsApp, fake: FakeWhatsApp) -> None:
        for _ in range(3):
            await whatsapp.send_code(NUMBER, CODE)
        assert len(fake.messages) == 3
        pool = whatsapp._client._transport._pool  # type: ignore[attr-defined]
        assert pool.connections == []

    async def test_the_environment_s_proxy_gets_nothing(
        self, fake: FakeWhatsApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        await WhatsApp(fake.settings()).send_code(NUMBER, CODE)
        assert len(fake.messages) == 1

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"token": "another"}, "authorization"),
            ({"template": "another"}, "body"),
            ({"language": "de"}, "body"),
            ({"phone_number_id": "1"}, "POST"),
            ({"version": "v1.0"}, "POST"),
        ],
    )
    async def test_the_fake_takes_nothing_else(
        self, fake: FakeWhatsApp, wrong: dict[str, str], said: str
    ) -> None:
        with pytest.raises(MessageNotSent):
            await WhatsApp(fake.settings(**wrong)).send_code(NUMBER, CODE)
        assert said in fake.complaints.pop()

    @pytest.mark.parametrize(
        ("number", "code"), [("4915112345678", CODE), (NUMBER, "12345"), (NUMBER, "1234567")]
    )
    async def test_nor_another_form_of_number_or_code(
        self, whatsapp: WhatsApp, fake: FakeWhatsApp, number: str, code: str
    ) -> None:
        with pytest.raises(MessageNotSent):
            await whatsapp.send_code(number, code)
        assert fake.complaints.pop()


OK = json.dumps({"messages": [{"id": "wamid.x"}]}).encode()
REDIRECT = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /v26.0/%s/messages\r\n"
FAILURES: dict[str, tuple[Failure, str]] = {
    "401": (refuses(b"401 Unauthorized", 190), "HTTP 401, code 190/None, fbtrace_id AbCdEf0123_-x"),
    "400": (
        refuses(b"400 Bad Request", 131026, error_subcode=2494073),
        "HTTP 400, code 131026/2494073, fbtrace_id AbCdEf0123_-x",
    ),
    "429": (refuses(b"429 Too Many", 130429), "HTTP 429, code 130429/None, fbtrace_id AbCdEf"),
    "500": (refuses(b"500 Oops", 1), "HTTP 500, code 1/None"),
    "500 without a word": (says(answer(status=b"500 Oops", body=b"")), "HTTP 500, no error"),
    "200 with an error": (refuses(b"200 OK", 2), "HTTP 200, code 2/None"),
    "strange code": (refuses(b"400 Bad", "131026"), "code None/None"),
    "a code that is true": (refuses(b"400 Bad", code=True), "code None/None"),
    "strange trace": (refuses(b"400 Bad", 1, trace={"a": 1}), "fbtrace_id None"),
    "two-lined trace": (refuses(b"400 Bad", 1, trace="a\nb"), "fbtrace_id None"),
    "error is no object": (says(answer(status=b"400 Bad", body=b'{"error":1}')), "no error"),
    "garbage": (says(answer(body=b"<html>\xff")), "HTTP 200, no error"),
    "no HTTP": (says(b"SSH-2.0-x\r\n\r\n"), "no answer (RemoteProtocolError)"),
    "a list": (says(answer(body=b"[]")), "HTTP 200, no error"),
    "no messages": (says(answer(body=b'{"messages":[]}')), "HTTP 200, no error"),
    "an id of nothing": (says(answer(body=b'{"messages":[{"id":""}]}')), "HTTP 200, no error"),
    "an id without end": (
        says(answer(body=b'{"messages":[{"id":"%s"}]}' % (b"x" * 513))),
        "HTTP 200, no error",
    ),
    "created": (says(answer(status=b"201 Created", body=OK)), "HTTP 201, no error"),
    "compressed": (says(answer(b"content-encoding: gzip", body=b"\x1f\x8b\x08")), "HTTP 200, no"),
    "too long": (says(answer(body=b" " * 65_536 + OK)), "HTTP 200, too long an answer"),
    "too long an error": (says(refusal(b"400 Bad", 1, pad="x" * 70_000)), "HTTP 400, too long"),
    "redirect": (
        says(REDIRECT % PHONE_NUMBER_ID.encode() + b"content-length: 0\r\n\r\n"),
        "HTTP 307, no error",
    ),
    "hang": (hangs, "no answer (TimeoutError)"),
    "drop": (drops, "no answer ("),
    "echo": (echoes, "HTTP 400, code None/None, fbtrace_id None"),
}


class TestFailing:
    @pytest.mark.parametrize("failure", FAILURES)
    async def test_it_is_told_and_only_code_and_trace_are_logged(
        self, fake: FakeWhatsApp, caplog: pytest.LogCaptureFixture, failure: str
    ) -> None:
        caplog.set_level(logging.DEBUG)
        scripted, expected = FAILURES[failure]
        fake.fail(scripted)
        whatsapp = WhatsApp(fake.settings(), patience=0.2 if failure == "hang" else 10)
        with pytest.raises(MessageNotSent) as not_sent:
            await whatsapp.send_code(NUMBER, CODE)
        error = not_sent.value
        assert (error.__cause__, error.__context__) == (None, None)
        (record,) = (each for each in caplog.records if each.name == "keysteward.whatsapp")
        assert expected in record.getMessage()
        assert len(fake.requests) == 1
        everything = f"{error!s} {error!r} {caplog.text}"
        for secret in (NUMBER[1:], CODE, TOKEN, "EVERYTHING-IN", "AND-IN-THE"):
            assert secret not in everything

    async def test_the_next_one_is_sent_all_the_same(
        self, whatsapp: WhatsApp, fake: FakeWhatsApp
    ) -> None:
        fake.fail(drops)
        with pytest.raises(MessageNotSent):
            await whatsapp.send_code(NUMBER, CODE)
        await whatsapp.send_code(NUMBER, CODE)
        assert len(fake.messages) == 1

    async def test_the_longest_answer_that_is_read(
        self, whatsapp: WhatsApp, fake: FakeWhatsApp
    ) -> None:
        fake.fail(says(answer(body=b" " * (65_536 - len(OK)) + OK)))
        assert await whatsapp.send_code(NUMBER, CODE) == "wamid.x"

    async def test_nobody_there(self, caplog: pytest.LogCaptureFixture) -> None:
        async with fake_whatsapp() as gone:
            whatsapp = WhatsApp(gone.settings())
        with pytest.raises(MessageNotSent):
            await whatsapp.send_code(NUMBER, CODE)
        assert "no answer (ConnectError)" in caplog.text

    @pytest.mark.parametrize("wrong", [{"url": "gopher://127.0.0.1"}, {"token": "two\nlines"}])
    async def test_settings_that_can_t_be_are_not_shown_either(
        self, fake: FakeWhatsApp, caplog: pytest.LogCaptureFixture, wrong: dict[str, str]
    ) -> None:
        with pytest.raises(MessageNotSent):
            await WhatsApp(fake.settings(**wrong)).send_code(NUMBER, CODE)
        assert "two" not in caplog.text

    async def test_nothing_of_it_has_a_text_form(self) -> None:
        shown = f"{SETTINGS!r} {WhatsApp(SETTINGS)!r} {Status('wamid.x', State.SENT, None, 0)!r}"
        for secret in (TOKEN, APP_SECRET, VERIFY_TOKEN, "wamid"):
            assert secret not in shown


class TestVerifying:
    QUERY: dict[str, str] = {  # noqa: RUF012 - read only
        "hub.mode": "subscribe",
        "hub.verify_token": VERIFY_TOKEN,
        "hub.challenge": "1158201444",
    }

    async def test_the_challenge_is_given_back(self, offline: WhatsApp) -> None:
        assert offline.challenge(self.QUERY) == "1158201444"

    @pytest.mark.parametrize(
        "other",
        [
            {"hub.mode": "unsubscribe"},
            {"hub.mode": ""},
            {"hub.verify_token": ""},
            {"hub.verify_token": VERIFY_TOKEN.upper()},
            {"hub.verify_token": VERIFY_TOKEN + " "},
            {"hub.verify_token": "é\ud800"},
        ],
    )
    async def test_for_the_right_token_alone(
        self, offline: WhatsApp, other: dict[str, str]
    ) -> None:
        assert offline.challenge({**self.QUERY, **other}) is None

    @pytest.mark.parametrize("missing", QUERY)
    async def test_and_a_whole_query(self, offline: WhatsApp, missing: str) -> None:
        query = {name: value for name, value in self.QUERY.items() if name != missing}
        assert offline.challenge(query) is None

    @pytest.mark.parametrize("query", [QUERY, {**QUERY, "hub.verify_token": ""}])
    async def test_without_a_token_set_there_is_no_right_one(
        self, fake: FakeWhatsApp, query: dict[str, str]
    ) -> None:
        assert WhatsApp(fake.settings(verify_token="")).challenge(query) is None


BODY = webhook(news(MESSAGE, "sent"))
RIGHT = sign(BODY)
# printf '{"a":1}' | openssl dgst -sha256 -hmac 0f0e0d0c0b0a09080706050403020100
VECTOR = (b'{"a":1}', "sha256=7ff679b28dfd591386309255683bf06815015e84e5622350b447fd42ac42ced4")


class TestSignatures:
    async def test_a_vector(self, offline: WhatsApp) -> None:
        body, signature = VECTOR
        assert sign(body) == signature
        assert offline.statuses(body, signature) == []

    @pytest.mark.parametrize(
        "signature",
        [
            None,
            "",
            "sha256=",
            RIGHT.removeprefix("sha256="),
            RIGHT.upper(),
            "sha256=" + RIGHT.removeprefix("sha256=").upper(),
            "SHA256=" + RIGHT.removeprefix("sha256="),
            RIGHT + " ",
            " " + RIGHT,
            RIGHT[:-1],
            RIGHT + "0",
            RIGHT[:-1] + ("0" if RIGHT[-1] != "0" else "1"),
            "sha1=" + hmac.new(APP_SECRET.encode(), BODY, hashlib.sha1).hexdigest(),
            "sha1=" + RIGHT.removeprefix("sha256="),
            "sha256=" + hashlib.sha256(BODY).hexdigest(),
            sign(BODY, secret=""),
            sign(BODY, secret="another"),
            sign(BODY + b" "),
            RIGHT + "\ud800é",
        ],
    )
    async def test_any_other_signature_is_refused(
        self, offline: WhatsApp, signature: str | None
    ) -> None:
        assert offline.statuses(BODY, RIGHT)
        with pytest.raises(WebhookRefused):
            offline.statuses(BODY, signature)

    async def test_each_bit_is_signed(self, offline: WhatsApp) -> None:
        for place in range(len(BODY)):
            altered = bytearray(BODY)
            altered[place] ^= 1
            with pytest.raises(WebhookRefused):
                offline.statuses(bytes(altered), RIGHT)

    async def test_without_a_secret_set_nothing_is_believed(self, fake: FakeWhatsApp) -> None:
        whatsapp = WhatsApp(fake.settings(app_secret=""))
        with pytest.raises(WebhookRefused):
            whatsapp.statuses(BODY, sign(BODY, secret=""))


def told(whatsapp: WhatsApp, body: bytes) -> list[tuple[str, State, int | None, int]]:
    found = whatsapp.statuses(body, sign(body))
    return [(each.message_id, each.state, each.error_code, each.at) for each in found]


class TestStatuses:
    @pytest.mark.parametrize("state", State)
    async def test_each_is_read(self, offline: WhatsApp, state: State) -> None:
        at = 1_750_857_384
        assert told(offline, webhook(news(MESSAGE, state, at=at))) == [
            (MESSAGE.id, state, None, at * SECOND)
        ]

    async def test_a_failure_has_its_code(self, offline: WhatsApp) -> None:
        ((_, state, code, _),) = told(offline, webhook(failed(MESSAGE, 131049)))
        assert (state, code) == (State.FAILED, 131049)

    async def test_many_at_once_in_their_order(self, offline: WhatsApp) -> None:
        body = webhook(news(MESSAGE, "sent"), {"id": 3}, news(MESSAGE, "read"), failed(MESSAGE))
        states = [state for _, state, _, _ in told(offline, body)]
        assert states == [State.SENT, State.READ, State.FAILED]

    @pytest.mark.parametrize(
        "strange",
        [
            None,
            [],
            "sent",
            {},
            news(MESSAGE, "played"),
            news(MESSAGE, "deleted"),
            news(MESSAGE, "SENT"),
            {**news(MESSAGE, "sent"), "id": ""},
            {**news(MESSAGE, "sent"), "id": 1},
            {**news(MESSAGE, "sent"), "id": "x" * 513},
            {**news(MESSAGE, "sent"), "timestamp": 1_750_857_384},
            {**news(MESSAGE, "sent"), "timestamp": "-1"},
            {**news(MESSAGE, "sent"), "timestamp": ""},
            {**news(MESSAGE, "sent"), "timestamp": "²"},
            {**news(MESSAGE, "sent"), "timestamp": "9" * 13},
        ],
    )
    async def test_a_strange_one_is_passed_over(self, offline: WhatsApp, strange: Any) -> None:
        assert len(told(offline, webhook(strange, news(MESSAGE, "sent")))) == 1

    @pytest.mark.parametrize("errors", [None, {}, [], [1], [{}], [{"code": "x"}], [{"code": -1}]])
    async def test_a_failure_with_strange_errors_is_still_one(
        self, offline: WhatsApp, errors: Any
    ) -> None:
        ((_, state, code, _),) = told(offline, webhook(news(MESSAGE, "failed", errors=errors)))
        assert (state, code) == (State.FAILED, None)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"\xff",
            b"null",
            b"[]",
            b"{}",
            b"[" * 100_000,
            BODY.replace(b"whatsapp_business_account", b"page"),
            BODY.replace(b'"messages"', b'"account_update"'),
            BODY.replace(b'"statuses"', b'"messages"'),
            b'{"object":"whatsapp_business_account","entry":{}}',
            b'{"object":"whatsapp_business_account","entry":[1,{"changes":[1,{}]}]}',
            BODY.replace(b'"value"', b'"other"'),
            BODY.replace(b'"changes"', b'"other"'),
        ],
    )
    async def test_what_is_signed_and_not_understood_is_no_error(
        self, offline: WhatsApp, body: bytes
    ) -> None:
        assert told(offline, body) == []

    JSON = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["object", "entry", "changes", "value", "statuses", "errors", "id", "status"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )

    @settings(max_examples=80, deadline=None)
    @given(strange=JSON, place=st.integers(0, 4))
    def test_whatever_is_signed(self, strange: Any, place: int) -> None:
        layers = (
            webhook,
            lambda inner: webhook(news(MESSAGE, "failed", errors=inner)),
            lambda inner: json.dumps({"object": "whatsapp_business_account", "entry": inner}),
            lambda inner: json.dumps(
                {"object": "whatsapp_business_account", "entry": [{"changes": [inner]}]}
            ),
            json.dumps,
        )
        whole = layers[place](strange)
        body = whole if isinstance(whole, bytes) else whole.encode()
        told(OFFLINE, body)


def test_what_stands_for_a_message_has_nothing_of_its_number() -> None:
    assert reference(MESSAGE.id) == hashlib.sha256(MESSAGE.id.encode()).hexdigest()[:16]
    assert reference(MESSAGE.id) != reference(message_id(NUMBER, 2))
