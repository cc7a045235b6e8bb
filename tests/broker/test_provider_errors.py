"""An error as it is passed on: still the provider's, and nothing of the request in it."""

import base64
import json
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.echoes import MOST_KEPT, SPAN, Said, Values, runs, shared, unescaped, without
from broker.provider_errors import LARGEST_READ, headers_of, rewritten
from broker.scrub import Scrubber
from providers import CATALOGUE, find
from vault.secret import Secret

KEY = "sk-proj-MadeUpKey0123456789MadeUpKey"
WORDS = "My sister's account number is quite long, and her name is Grübel."
MARK = "[redacted]"
FORM = b"application/x-www-form-urlencoded"
OPENAI = find("openai")
STYLES = sorted({row.error_style.value: row.id for row in CATALOGUE.values()}.values())


def said_of(body: bytes, kind: bytes = b"application/json") -> Said:
    said = Said(kind)
    said.hold(body)
    return said


def chat(text: str = WORDS, **more: Any) -> Said:
    ask = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}
    return said_of(json.dumps(ask).encode())


def told(
    error: object, said: Said, *, status: int = 400, provider: str = "openai", key: str = KEY
) -> Any:
    """Give the document that is passed on in place of one, or of what is no document."""
    body = error if isinstance(error, bytes) else json.dumps(error).encode()
    scrubber = Scrubber(Secret(key.encode()))
    return json.loads(rewritten(status, body, find(provider), said, scrubber))


def message(text: str, said: Said | None = None, *, key: str = KEY) -> str:
    """Give what is left of an error's sentence."""
    document = told({"error": {"message": text}}, said or chat(), key=key)
    left: str = document["error"]["message"]
    return left


class TestSurvives:
    @pytest.mark.parametrize(
        "text",
        [
            "messages.0.content: text must not be empty",
            "model: gpt-4o-mini does not exist",
            "Rate limit reached for gpt-4o-mini in organization org-x on tokens per min (TPM)",
            "Your maximum is 8192 tokens. Visit https://platform.openai.com/docs/models for more.",
            "Wait... no **bold** word, 100% of it & more, C:\\new\\x41, a+b, “…”",
            "Ä wäng z'läng",
            "\\" * 32,
            "",
        ],
    )
    def test_a_sentence_of_the_providers_own_stays_word_for_word(self, text: str) -> None:
        assert message(text) == text

    def test_types_codes_and_numbers_stay_though_the_request_holds_them(self) -> None:
        error = {
            "error": {
                "message": "No.",
                "type": "invalid_request_error",
                "param": "messages.[0].content",
                "code": "context_length_exceeded",
                "retries": 3,
                "ratio": 0.5,
                "inner": None,
                "final": True,
                "documentation": [],
            },
            "request_id": "req_0123456789abcdefghij",
        }
        said = chat(
            "invalid_request_error messages.[0].content req_0123456789abcdefghij "
            "context_length_exceeded documentation"
        )
        assert told(error, said) == error

    def test_the_details_of_googles_form_stay(self) -> None:
        error = {
            "error": {
                "code": 400,
                "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT",
                "details": [
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": "API_KEY_INVALID",
                        "domain": "googleapis.com",
                        "metadata": {"service": "generativelanguage.googleapis.com"},
                    }
                ],
            }
        }
        said = chat("What is type.googleapis.com/google.rpc.ErrorInfo?")
        for document in (error, [error]):
            assert told(document, said, provider="google") == document

    @pytest.mark.parametrize("name", ["model", "type", "role"])
    def test_the_models_name_stays_wherever_else_the_request_holds_it(self, name: str) -> None:
        long = "claude-made-up-4-5-20990101"
        said = chat(f"I like {long} more than all others", **{name: long})
        assert message(f"model: {long} does not exist", said) == f"model: {long} does not exist"

    @pytest.mark.parametrize("name", ["model", "model_id"])
    def test_a_model_that_does_not_exist_is_named(self, name: str) -> None:
        said = chat(**{name: "gpt-nope-made-up-2099"})
        error = {
            "error": {
                "message": "The model `gpt-nope-made-up-2099` does not exist",
                "type": "invalid_request_error",
                "param": "gpt-nope-made-up-2099",
                "code": "model_not_found",
            }
        }
        assert told(error, said) == error

    @pytest.mark.parametrize(
        "text", ["1700000000001 ms", "req_01234567890", "of 424242424242 and 142424242424242"]
    )
    def test_another_number_than_the_requests_stays(self, text: str) -> None:
        said = chat(number="42424242424242", other=1700000000000, small=12345678901, f=0.1234567890)
        assert message(text, said) == text

    def test_names_of_members_and_short_values_are_no_secrets(self) -> None:
        said = chat("C:\\", temperature_of_the_answer="hot", stop=["fifteen bytes.."])
        text = "temperature_of_the_answer must be a number, not hot; fifteen bytes.. is too long"
        assert message(text, said) == text


class TestEchoes:
    @pytest.mark.parametrize(
        "echo",
        [
            WORDS,
            WORDS[7:-9],
            json.dumps({"content": WORDS}),
            json.dumps(json.dumps({"content": WORDS}))[1:-1],
            json.dumps(WORDS, ensure_ascii=False),
            repr({"content": WORDS}),
            str(WORDS.encode()),
            WORDS.replace("'", "&#x27;").replace("ü", "&uuml;"),
            WORDS.replace(" ", "%20").replace("ü", "%C3%BC"),
            WORDS.replace(" ", "+"),
        ],
    )
    def test_a_request_is_struck_out_in_whatever_form_it_comes_back(self, echo: str) -> None:
        left = message(f"Invalid value {echo} in your request.")
        assert left.startswith("Invalid value ")
        assert left.endswith(" in your request.")
        assert MARK in left
        assert not re.search("sister|account|number|quite|Gr", left)

    def test_sixteen_bytes_are_a_run_and_fifteen_are_none(self) -> None:
        text = "abcdefghijklmnopqrstuvwxyz"
        for start in range(len(text) - SPAN):
            run = text[start : start + SPAN]
            assert message(f"<{run}>", chat(text)) == f"<{MARK}>"
            assert message(f"<{run[1:]}>", chat(text)) == f"<{run[1:]}>"

    def test_a_run_never_ends_within_a_character(self) -> None:
        text = "Über die Brücke" * 2
        for cut in range(1, len(text) - 12):
            assert set(message(f"“{text[cut:]}”", chat(text))) <= set(f"“{MARK}”" + text)
        assert message("日本語のとても長い文章です", chat("日本語のとても長い文章です")) == MARK

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            (b"application/x-www-form-urlencoded", b"To=1&Body=My+sister%27s+account+number"),
            (b"multipart/form-data; boundary=x", b"--x\r\n\r\nMy sister's account number\r\n--x--"),
            (b"text/plain", b"My sister's account number"),
            (b"", b' {"a": "My sister\\u0027s account number"}'),
            (b"application/json", b'{"a": "My sister\'s account number'),
            (b"application/json", b"{a: My sister's account number}"),
            (b"application/json", b'{"a": My sister\'s account number, "b": 1}'),
            (b"application/json", b'{a": My sister\'s account number, "b": 1}'),
            (b"application/json", b'{"a": "My sister\'s account number\\'),
            (b"application/json", b'{"\\ud800": "\\ud800 My sister\'s account number"}'),
            (b"application/json", b'{"a": "\\\\", "b" :\n"My sister\'s account number"}'),
        ],
    )
    def test_every_kind_of_body_is_compared(self, kind: bytes, body: bytes) -> None:
        left = message("Bad <My sister's account number>!", said_of(body, kind))
        assert left == f"Bad <{MARK}>!"

    def test_every_text_of_an_error_is_looked_at(self) -> None:
        error = {
            "detail": [{"loc": ["body", WORDS], "input": {"deep": [WORDS]}, WORDS: 1}],
            "code": WORDS,
            "api_key": "hunter2",
        }
        assert told(error, chat()) == {
            "detail": [{"loc": ["body", MARK], "input": {"deep": [MARK]}, MARK: 1}],
            "code": MARK,
            "api_key": MARK,
        }

    @pytest.mark.parametrize("kind", ["json", "list", "form", "multipart", "lines"])
    @pytest.mark.parametrize("name", ["code", "param", "status", "type", "reason", "request_id"])
    @pytest.mark.parametrize(
        "value",
        ["DE89370400440532013000", "QmFzZTY0IG9mIHNvbWV0aGluZyBwcml2YXRlIGFuZCBsb25nZXIu=="],
    )
    def test_no_whole_value_of_the_request_stands_in_a_words_place(
        self, kind: str, name: str, value: str
    ) -> None:
        field = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n%s\r\n--x--'
        said = {
            "json": lambda: said_of(json.dumps({"iban": value}).encode()),
            "list": lambda: said_of(json.dumps({"ibans": ["a", value]}).encode()),
            "form": lambda: said_of(urlencode({"iban": value}).encode(), FORM),
            "multipart": lambda: said_of(field % value.encode(), b"multipart/form-data"),
            "lines": lambda: said_of(f"first\n{value}\n".encode(), b"text/plain"),
        }
        for word in (value, f"iban={value}", value + ":x"):
            assert told({"error": {name: word}}, said[kind]()) == {"error": {name: MARK}}

    @pytest.mark.parametrize(
        "body", [{"n": 378282246310005}, {"n": "378282246310005"}, [[1, 378282246310005]]]
    )
    def test_a_long_number_of_the_request_is_struck_out_wherever_it_stands(
        self, body: object
    ) -> None:
        said = said_of(json.dumps(body).encode())
        error = {
            "message": "No 378282246310005.",
            "param": "card_378282246310005",
            "n": 378282246310005,
            "at": 1700000000000,
        }
        assert told({"error": error}, said) == {
            "error": {
                "message": f"No {MARK}.",
                "param": f"card_{MARK}",
                "n": None,
                "at": 1700000000000,
            }
        }
        form = said_of(b"To=%2B491511234567&card[number]=378282246310005", FORM)
        assert message("378282246310005, +491511234567", form) == f"{MARK}, +{MARK}"

    @pytest.mark.parametrize("lead", range(4))
    @pytest.mark.parametrize(
        "encode",
        [
            base64.b64encode,
            base64.urlsafe_b64encode,
            base64.encodebytes,
            bytes.hex,
            lambda text: text.hex().upper(),
        ],
    )
    def test_what_is_the_requests_is_struck_out_in_base64_and_hexadecimal(
        self, lead: int, encode: Callable[[bytes], bytes | str]
    ) -> None:
        encoded = encode(b"x" * lead + WORDS.encode() + b"yz"[:lead])
        text = encoded if isinstance(encoded, str) else encoded.decode()
        for around in ("Bad: <{}>", "Bad: <abc{}>"):
            left = message(around.format(text))
            # Less than 16 bytes may stand in a line of their own.
            assert re.fullmatch(r"Bad: <(\[redacted\][=\n]*)+[A-Za-z0-9]{0,21}[=\n]*>", left)
        assert told({"error": {"code": text[:72]}}, chat()) == {"error": {"code": MARK}}
        both = f"<{text}-{WORDS.encode().hex()}>".replace("\n", "")
        assert re.fullmatch(r"<(\[redacted\])(=*-\1)?>", message(both))

    def test_what_the_redactor_knows_is_struck_out(self) -> None:
        assert "hunter2hunter2" not in message("postgres://me:hunter2hunter2@db/x is down")


class TestKeys:
    @pytest.mark.parametrize(
        "shown",
        [
            KEY,
            KEY[:20],
            KEY[9:27],
            "".join(f"\\u{ord(each):04x}" for each in KEY),
            "".join(f"%{ord(each):02x}" for each in KEY),
            KEY.encode().hex(),
            "sk-proj-" + "*" * 20 + KEY[-4:],
            "*" * 8 + KEY[-4:],
            "sk-p•••••" + KEY[-4:],
            "sk-proj-…" + KEY[-4:],
            "sk-p..." + KEY[-4:],
            "…" + KEY[-4:],
        ],
    )
    def test_the_key_is_struck_out_whole_in_part_and_masked(self, shown: str) -> None:
        left = message(f"Incorrect API key provided: {shown}. You can find yours at /keys.")
        assert left == f"Incorrect API key provided: {MARK}. You can find yours at /keys."

    def test_a_key_shorter_than_a_run_is_struck_out(self) -> None:
        assert message("Bad: tiny-key-7.", key="tiny-key-7") == f"Bad: {MARK}."

    def test_a_keys_end_is_struck_out_where_it_is_said_to_be_one(self) -> None:
        left = message(f"The key ending in '{KEY[-4:]}' is disabled; others ending in four stay.")
        assert left == f"The key ending in '{MARK}' is disabled; others ending in four stay."

    def test_a_key_in_a_types_place_is_struck_out(self) -> None:
        assert told({"error": {"code": KEY}}, chat()) == {"error": {"code": MARK}}

    def test_the_password_of_a_pair_is_struck_out(self) -> None:
        password = "0123456789abcdef0123456789abcdef"
        pair = "AC" + "f" * 32 + ":" + password
        assert message(f"Bad: {password[3:-3]}", key=pair) == f"Bad: {MARK}"
        assert message(f"Bad: {password[:4]}...{password[-4:]}", key=pair) == f"Bad: {MARK}"


class TestOtherForms:
    @pytest.mark.parametrize("provider", STYLES)
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>502 " + WORDS.encode() + b"</html>",
            b"upstream connect error: " + WORDS.encode(),
            b'{"error": {"message": "' + WORDS.encode(),
            json.dumps(WORDS).encode(),
            json.dumps([WORDS]).encode(),
            b"7",
            b"null",
            b"{}",
            b'{"a":' * 5000,
            b'{"error": "\\ud800"}',
            b'{"error": {"message": "\xff"}}',
            b"data: " + json.dumps({"error": WORDS}).encode() + b"\n\n",
            json.dumps({"error": {str(number): "" for number in range(400)}}).encode(),
            json.dumps({"error": {"message": " " * LARGEST_READ}}).encode(),
        ],
        ids=lambda body: repr(body[:16]),
    )
    def test_what_is_no_error_of_the_api_is_told_in_its_form(
        self, provider: str, body: bytes
    ) -> None:
        text = json.dumps(told(body, chat(), status=520, provider=provider))
        assert "keysteward: The provider answered 520, and not in the form" in text
        assert "sister" not in text

    def test_a_status_that_has_a_name_is_told_with_it(self) -> None:
        assert "429 (Too Many Requests)" in told(b"", chat(), status=429)["error"]["message"]

    @pytest.mark.parametrize("provider", ["google", "stripe"])
    @pytest.mark.parametrize("document", [{"message": "no"}, {"error": 7}, [{"error": {}}] * 2])
    def test_a_document_that_would_break_the_sdk_is_told_in_the_providers_form(
        self, provider: str, document: object
    ) -> None:
        assert "keysteward" in told(document, chat(), provider=provider)["error"]["message"]

    def test_what_stands_too_deep_is_left_out(self) -> None:
        document: object = WORDS
        for _ in range(900):
            document = [document]
        assert "null" in json.dumps(told({"a": "b", "deep": document}, chat()))

    def test_long_texts_are_cut_and_the_words_behind_them_stay(self) -> None:
        long = "no words of the request " * 200
        error = {"error": {"message": long, "other": [long] * 9, "type": "server_error"}}
        left = told(error, chat())["error"]
        assert left["type"] == "server_error"
        assert left["message"].endswith("[cut]")
        assert len(json.dumps(left)) < 5000


class TestLongRequests:
    def test_an_error_is_not_shown_where_the_request_was_too_long_to_be_compared(self) -> None:
        said = chat("long words " * (MOST_KEPT // 10) + WORDS)
        error = {"error": {"message": f"Bad: {WORDS}", "type": "invalid_request_error"}}
        left = told(error, said)["error"]
        assert left["type"] == "invalid_request_error"
        assert left["message"].startswith("[left out")

    def test_so_many_strings_are_not_compared(self) -> None:
        said = said_of(b"[" + b'"",' * 60_000 + json.dumps(WORDS).encode() + b"]")
        assert message(f"Bad: {WORDS}", said).startswith("[left out")

    @pytest.mark.parametrize("passes", [True, False])
    def test_what_stands_behind_a_large_picture_is_compared(self, passes: bool) -> None:
        picture = {"image": "iVBORw0KGgo" * (MOST_KEPT // 8)}
        body = json.dumps([picture, {"text": WORDS}]).encode()
        said = Said(b"application/json")
        if passes:
            for at in range(0, len(body), 60_000):
                said.add(body[at : at + 60_000])
        else:
            said.hold(body)
        assert message(f"Image too large: {WORDS}", said) == f"Image too large: {MARK}"

    def test_what_stands_around_a_file_is_compared(self) -> None:
        file = b"\0\xff" * (MOST_KEPT + 9000)
        said = Said(b"multipart/form-data")
        body = WORDS.encode() + file + WORDS[::-1].encode()
        for at in range(0, len(body), 65_536):
            said.add(body[at : at + 65_536])
        for words in (WORDS, WORDS[::-1]):
            assert message(f"Bad: {words}", said) == f"Bad: {MARK}"

    def test_a_backslash_before_what_is_left_out_escapes_nothing(self) -> None:
        said = Said(b"application/json")
        said.add(b'["x\\')
        said.add(b"n" * 5000)
        said.add(b'", ' + json.dumps(WORDS).encode() + b"]")
        assert message(f"Bad: {WORDS}", said) == f"Bad: {MARK}"

    def test_nothing_is_kept_once_the_answer_is_none(self) -> None:
        said = chat()
        said.forget()
        assert said.values() == Values(b"", (), frozenset())


class TestHeaders:
    def given(self, *headers: tuple[bytes, bytes], status: int = 400) -> list[tuple[bytes, bytes]]:
        return headers_of(status, list(headers), chat(), Scrubber(Secret(KEY.encode())))

    def test_those_that_repeat_the_request_are_struck(self) -> None:
        echo = WORDS.encode("latin-1")
        for status in (304, 400):
            assert self.given((b"x-why", b"<" + echo + b">"), status=status) == [
                (b"x-why", b"<[redacted]>")
            ]
            assert self.given((b"x-request-id", echo), status=status) == [
                (b"x-request-id", MARK.encode())
            ]

    def test_ids_limits_and_times_stay(self) -> None:
        headers = [
            (b"x-request-id", b"req_0123456789abcdefghij"),
            (b"cf-ray", b"0123456789abcdef-AMS"),
            (b"x-ratelimit-reset-tokens", b"2099-01-01T00:00:00.000Z"),
            (b"date", b"Thu, 01 Jan 2099 00:00:00 GMT"),
            (b"retry-after", b"3"),
            (b"openai-version", b"2020-10-01"),
        ]
        said = chat(" ".join(value.decode() for _, value in headers))
        assert headers_of(429, headers, said, Scrubber(Secret(KEY.encode()))) == headers

    def test_those_of_the_body_go_with_it(self) -> None:
        of_the_body = [(b"content-length", b"7"), (b"etag", b"x"), (b"content-encoding", b"br")]
        assert self.given(*of_the_body) == []
        assert self.given(*of_the_body, status=304) == of_the_body

    def test_no_header_can_be_made_by_an_escaped_line_end(self) -> None:
        (header,) = self.given((b"x-why", f"a\\r\\nset-cookie: b {WORDS}".encode("latin-1")))
        assert not set(header[1]) & set(b"\r\n")


def test_a_plus_is_read_as_a_blank_and_as_itself() -> None:
    key = 'Zx"8Kq\\3vLmN2pR+9sTuVwYa4bCdE'
    quoted = json.dumps(json.dumps(key))
    for text in (quoted, json.dumps(quoted), json.dumps({"e": json.dumps({"m": quoted})})):
        left = message(f"Bad {text} there", key=key)
        assert MARK in left
        assert not [at for at in range(len(key) - 7) if key[at : at + 8] in left]
    words = "one+two three+four five+six seven"
    for written in (urlencode({"q": words}), f"{words}%21", json.dumps(words)):
        assert not [each for each in words.split() if each in message(written, chat(words))]


TEXTS = st.text(st.sampled_from("abc\\\"'é%+ *…\0"), max_size=60)


class TestRuns:
    @settings(max_examples=150, deadline=None)
    @given(one=TEXTS, common=TEXTS, other=TEXTS)
    def test_shared_finds_every_run_and_nothing_else(
        self, one: str, common: str, other: str
    ) -> None:
        a, b = (one + common + other).encode(), (other + common + one + common).encode()
        spans = [{t[at : at + SPAN] for at in range(len(t) - SPAN + 1)} for t in (a, b)]
        assert shared(a, b) == spans[0] & spans[1]

    @settings(max_examples=150, deadline=None)
    @given(prompt=TEXTS, around=TEXTS)
    def test_no_run_of_the_request_is_left(self, prompt: str, around: str) -> None:
        said = chat(prompt)
        values = said.values().texts
        body = json.dumps({"error": {"message": around + prompt + around}}).encode()
        scrubber = Scrubber(Secret(KEY.encode()))
        left = json.loads(rewritten(400, body, OPENAI, chat(prompt), scrubber))
        assert not shared(left["error"]["message"].encode(), values)

    @settings(max_examples=100, deadline=None)
    @given(text=TEXTS, pieces=st.lists(st.integers(0, 60), max_size=4))
    def test_a_body_reads_the_same_however_it_is_cut(self, text: str, pieces: list[int]) -> None:
        body = json.dumps({"content": text, text: [text, text]}).encode()
        said = Said(b"application/json")
        for start, end in pairwise([0, *sorted(pieces), len(body)]):
            said.add(body[start:end])
        assert said.values() == said_of(body).values()

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=40))
    def test_unescaping_undoes_json(self, text: str) -> None:
        assert unescaped(json.dumps(text)[1:-1]) == text

    def test_places_are_given_less_what_is_spared(self) -> None:
        text = b"0123456789abcdefXX0123456789abcdef"
        places = runs(text, frozenset({b"0123456789abcdef"}))
        assert places == [(0, 34)]  # near ones are one
        assert without(places, text, [b"abcdef"]) == [(0, 10), (16, 28)]
        assert without([(0, 4)], text, [b"abcdef"]) == [(0, 4)]
        assert without([(0, 5), (1, 4)], b"  a   ", []) == [(2, 3), (2, 3)]
