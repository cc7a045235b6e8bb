"""The scrubber by itself: for every key, every form of it, cut anyhow."""

import base64
import html
import json
import re
import time
import urllib.parse
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker.other_keys import OtherKeys
from broker.scrub import Scrubber
from tests.kit.canary import canary
from vault import traces
from vault.secret import Secret
from vault.vault import SHORTEST_KEY

# Whatever the vault takes as a key.
KEYS = st.text([chr(code) for code in range(0x21, 0x7F)], min_size=8, max_size=200)
AROUND = st.binary(max_size=60)


def forms(key: str) -> list[bytes]:
    """Give each form whose every byte is the key's."""
    raw = key.encode()
    return [
        raw,
        raw.hex().encode(),
        raw.hex().upper().encode(),
        json.dumps(key)[1:-1].encode(),
        json.dumps(key)[1:-1].replace("/", "\\/").encode(),
        urllib.parse.quote(key, safe="").encode(),
        urllib.parse.quote(key, safe="").lower().encode() if key.islower() else raw,
    ]


def rare_forms(key: str) -> list[bytes]:
    """Give the forms of the key in use that are looked for besides."""
    raw = key.encode()
    codes = [urllib.parse.quote(key, safe=safe) for safe in ("/", "", "!'()*")]
    entities = html.escape(key)
    of_go = json.dumps(key)[1:-1]
    for character in "<>&":
        of_go = of_go.replace(character, f"\\u{ord(character):04x}")
    return [
        b"".join(b"%%%02x" % code for code in raw),
        b"".join(b"%%%02X" % code for code in raw),
        b"".join(b"\\u%04x" % code for code in raw),
        b"".join(b"\\u%04X" % code for code in raw),
        *(code.encode() for code in codes),
        *(re.sub("%..", lambda code: code[0].lower(), code).encode() for code in codes),
        urllib.parse.quote(codes[1], safe="").encode(),
        of_go.encode(),
        entities.encode(),
        html.escape(key, quote=False).encode(),
        entities.replace("&#x27;", "&#39;").encode(),
        entities.replace("&#x27;", "&#39;").replace("&quot;", "&#34;").encode(),
    ]


def base64_forms(key: str, before: bytes, after: bytes) -> list[tuple[bytes, bytes]]:
    """Give the key within longer texts, in base64, and the part that only the key decides."""
    start, end = -(-len(before) * 8 // 6), (len(before) + len(key)) * 8 // 6
    return [
        (encoded, encoded[start:end])
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
        for encoded in [encode(before + key.encode() + after)]
    ]


def through(scrubber: Scrubber, text: bytes, cuts: list[int]) -> bytes:
    """Feed a text cut at these places."""
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    return b"".join(map(scrubber.feed, pieces)) + scrubber.flush()


@given(KEYS, AROUND, AROUND, AROUND, st.lists(st.integers(0, 5000), max_size=40))
@example("********", b"*", b"**", b"*", [])
@example("ab******", b"ab", b"ab", b"**", [1])
@example("aaaaaaaa", b"aaa", b"a", b"aaaaaaa", [3])
def test_no_form_of_the_key_comes_through(
    key: str, before: bytes, between: bytes, after: bytes, cuts: list[int]
) -> None:
    for form in forms(key) + rare_forms(key):
        scrubber = Scrubber(Secret(key.encode()))
        text = before + form + between + form + after
        out = through(scrubber, text, cuts)
        assert len(out) == len(text)
        assert not any(needle in out for needle in forms(key) + rare_forms(key))
        assert scrubber.struck >= 1


@given(KEYS, AROUND, AROUND, st.lists(st.integers(0, 5000), max_size=40))
def test_nor_does_it_in_base64_at_any_alignment(
    key: str, before: bytes, after: bytes, cuts: list[int]
) -> None:
    for encoded, core in base64_forms(key, before, after):
        out = through(Scrubber(Secret(key.encode())), encoded, cuts)
        assert len(out) == len(encoded)
        assert core not in out


# A user, a password, and what stands around it.
USERS = st.text([chr(code) for code in range(0x21, 0x7F) if code != 0x3A], max_size=40)


@given(USERS, KEYS, AROUND, AROUND, st.lists(st.integers(0, 5000), max_size=40))
@example("AC" + "0" * 32, "c0ffee" * 5 + "42", b"", b"", [3])
def test_of_a_user_and_a_password_the_password_does_not_come_through_alone(
    user: str, password: str, before: bytes, after: bytes, cuts: list[int]
) -> None:
    pair = f"{user}:{password}"
    for form in forms(password):
        out = through(Scrubber(Secret(pair.encode())), before + form + after, cuts)
        assert form not in out
    for encoded, core in base64_forms(password, before, after):
        assert core not in through(Scrubber(Secret(pair.encode())), encoded, cuts)
    # As HTTP writes the two (RFC 7617).
    basic = base64.b64encode(pair.encode())
    out = through(Scrubber(Secret(pair.encode())), b"Basic " + basic, cuts)
    for _, core in base64_forms(password, f"{user}:".encode(), b""):
        assert core not in out


def test_of_forms_that_are_alike_none_is_lost_and_none_is_made_of_what_was_wiped() -> None:
    for key in ("*" * 8, "a" * 9, "~" * 10, "%" * 8, ":" * 8):
        scrubber = Scrubber(Secret(key.encode()))
        assert not any(0 in needle for needle in scrubber._all())
        assert scrubber.strike(key.encode()) != key.encode()


def test_a_pair_is_struck_and_counted_as_one() -> None:
    key = canary("twilio")
    scrubber = Scrubber(Secret(key.encode()))
    account, _, password = key.partition(":")
    assert scrubber.strike(b"<" + key.encode() + b">") == b"<" + b"*" * len(key) + b">"
    assert scrubber.struck == 1
    assert scrubber.strike(password.encode()) == b"*" * len(password)
    assert scrubber.struck == 2
    # The account is in every address, and no secret.
    assert scrubber.strike(account.encode()) == account.encode()


def test_what_is_too_short_for_a_key_is_not_looked_for_alone() -> None:
    scrubber = Scrubber(Secret(b"something:message"))
    assert scrubber.strike(b"a message") == b"a message"
    assert scrubber.strike(b"something:message") == b"*" * 17


@given(st.text("ab", min_size=8, max_size=12), st.binary(max_size=300).map(bytes))
def test_what_is_not_the_key_passes_unchanged_however_like_it(key: str, text: bytes) -> None:
    # A small alphabet, so that the text is full of beginnings.
    text = bytes(b"ab"[code % 2] for code in text).replace(key.encode(), b"")
    scrubber = Scrubber(Secret(key.encode()))
    if scrubber.finds(text):  # taking one out may have joined another
        return
    for size in (1, 2, 3, 7):
        out = [scrubber.feed(text[at : at + size]) for at in range(0, len(text), size)]
        assert b"".join(out) + scrubber.flush() == text
    assert scrubber.struck == 0


@given(KEYS, st.lists(st.binary(max_size=80), max_size=20))
def test_only_what_may_begin_a_form_of_the_key_is_held(key: str, chunks: list[bytes]) -> None:
    scrubber = Scrubber(Secret(key.encode()))
    given, passed = b"", b""
    for chunk in chunks:
        given += chunk
        passed += scrubber.feed(chunk)
        held = given[len(passed) :]
        if held and not any(needle.startswith(held) for needle in scrubber._all()):
            assert scrubber._partly is not None
            assert scrubber._partly.unfinished(held) == len(held)
    assert len(passed + scrubber.flush()) == len(given)


def test_an_event_is_never_held() -> None:
    scrubber = Scrubber(Secret(canary().encode()))
    for event in (
        b'data: {"content": "sk-"}\n\n',
        b"data: s\r\n\r\n",
        b'{"key": "sk-proj-CANARY"}',
    ):
        assert scrubber.feed(event) == event


def test_a_tail_that_may_begin_the_key_is_held_until_the_next_chunk_tells() -> None:
    key = canary()
    scrubber = Scrubber(Secret(key.encode()))
    assert scrubber.feed(b"it is " + key[:9].encode()) == b"it is "
    assert scrubber.feed(b"!") == key[:9].encode() + b"!"
    assert scrubber.feed(key[:-1].encode()) == b""
    assert scrubber.feed(key[-1:].encode() + b".") == b"*" * len(key) + b"."
    assert scrubber.flush() == b""


@pytest.mark.parametrize("wire", ["openai", "anthropic", "google"])
def test_headers_are_struck_whole(wire: str) -> None:
    key = canary(wire)
    scrubber = Scrubber(Secret(key.encode()))
    value = f"invalid key: {key} ({key.encode().hex()})".encode()
    assert scrubber.finds(value)
    struck = scrubber.strike(value)
    assert struck == b"invalid key: " + b"*" * len(key) + b" (" + b"*" * 2 * len(key) + b")"
    assert not scrubber.finds(struck)
    assert scrubber.struck == 2
    assert scrubber.strike(b"req_1") == b"req_1"


# What is no letter and no digit, as encoders escape it who are stricter than most.
STRICT = {
    "percent": "%{:02X}",
    "percent, small": "%{:02x}",
    "percent, twice": "%25{:02X}",
    "percent, thrice": "%2525{:02x}",
    "json": "\\u{:04x}",
    "django": "\\u{:04X}",
    "json in json": "\\\\u{:04x}",
    "python": "\\x{:02x}",
    "markdown": "\\{:c}",
    "html": "&#{};",
    "html, longer": "&#{:04};",
    "html, hexadecimal": "&#x{:X};",
    "html, twice": "&amp;#x{:02x};",
}
PARTLY = (
    canary("openai"),
    canary("stripe"),
    canary("twilio"),
    canary("railway"),
    "!a&b<c>d/e=f0123456789-~'",
    "~-pass00word",
)


def strictly(key: str, how: str, escaped: str = "") -> str:
    """Write a key with all, or only some, of what is no letter and no digit escaped."""
    chosen = {each for each in escaped or key if not each.isalnum()}
    return "".join(how.format(ord(each)) if each in chosen else each for each in key)


class TestPartlyEscaped:
    @pytest.mark.parametrize("how", STRICT)
    @pytest.mark.parametrize("key", PARTLY)
    def test_the_key_is_struck_whatever_an_encoder_escapes_of_it(self, key: str, how: str) -> None:
        for escaped in ("", key[-1], next(each for each in key if not each.isalnum())):
            form = strictly(key, STRICT[how], escaped).encode()
            text = b'{"a": "' + form + b'\\n", "b": "' + form + b'"}'
            struck = text.replace(form, b"*" * len(form))
            scrubber = Scrubber(Secret(key.encode()))
            assert scrubber.finds(text)
            assert scrubber.strike(text) == struck
            assert scrubber.struck == 2
            if not form.startswith((b"%", b"\\", b"&")):
                assert through(scrubber, text, [*range(len(text))]) == struck
                for cut in range(8, 8 + len(form)):
                    assert through(scrubber, text, [cut]) == struck

    def test_by_a_name_that_html_has_for_it(self) -> None:
        scrubber = Scrubber(Secret(b"sk_live:0123456789"))
        text = b"<sk&lowbar;live&amp;colon;0123456789> &lowbar; &nosuch;"
        assert scrubber.strike(text) == b"<" + b"*" * 35 + b"> &lowbar; &nosuch;"
        assert scrubber.struck == 1

    @given(st.lists(st.sampled_from([b"%", b"25", b"2D", b"\\", b"u00", b"&#", b"x2d;", b"a-1"])))
    def test_what_holds_a_part_of_it_alone_passes_unchanged(self, pieces: list[bytes]) -> None:
        key = canary()
        scrubber = Scrubber(Secret(key.encode()))
        part = key.rpartition("-")[2].encode()
        text = b"".join(pieces) + b"k%2dproj%2d" + part + b"".join(pieces) + part
        for size in (1, 5, 1000):
            fed = [scrubber.feed(text[at : at + size]) for at in range(0, len(text), size)]
            assert b"".join(fed) + scrubber.flush() == text
        assert scrubber.struck == 0

    @pytest.mark.parametrize("piece", [b"\\", b"%25", b"&amp;", b"amp;", b"%2", b"&#0", b"sk%2D"])
    def test_a_text_of_nothing_but_escapes_is_read_once(self, piece: bytes) -> None:
        key = canary()
        scrubber = Scrubber(Secret(key.encode()))
        text = (piece * 65_536)[:65_536] + key.rpartition("-")[2].encode()
        began = time.process_time()
        assert scrubber.feed(text) + scrubber.flush() == text
        assert time.process_time() - began < 2  # quadratic: minutes

    def test_a_user_s_name_alone_does_not_have_a_text_read(self) -> None:
        key = canary("twilio")
        scrubber = Scrubber(Secret(key.encode()))
        assert scrubber._run == key.partition(":")[2].encode()

    def test_of_a_key_without_a_run_that_tells_only_whole_forms_are_found(self) -> None:
        for key in ("ab-cd-ef-gh", "correct-horse-battery", "0123456789", "user:pass-word"):
            scrubber = Scrubber(Secret(key.encode()))
            assert scrubber._run == b""
            assert scrubber.strike(key.encode()) == b"*" * len(key)

    def test_once_wiped_the_run_is_none(self) -> None:
        scrubber = Scrubber(Secret(canary().encode()))
        run = scrubber._run
        scrubber.wipe()
        assert not any(run)


# The account's other keys.

IN_USE = "sk-proj-InUseInUse0000InUse"
OTHERS = {
    "plain": "sk-ant-api03-Other_key-0123456789xyzQ",
    "pair": "AC" + "0" * 30 + "77:c0ffeeca604872913550",
    "odd": 'p/w"=with\\every%kind&of+it/',
    "short": "Zq81xK0p",
}


def kept(*keys: str) -> OtherKeys:
    """Give keys as an answer is searched for them."""
    return OtherKeys(
        trace
        for key in keys
        for trace in traces.read(traces.written(Secret(key.encode()), SHORTEST_KEY))
    )


def scrubber_of(*others: str) -> Scrubber:
    return Scrubber(Secret(IN_USE.encode()), kept(IN_USE, *others))


def every_form(key: str) -> list[tuple[bytes, bytes]]:
    """Give texts that hold a key in each form, and in each the part that only the key decides."""
    found = [(b"<" + form + b">", form) for form in dict.fromkeys(forms(key))]
    for lead in range(3):
        found += base64_forms(key, b"user:"[:lead], b"@h")
        found += base64_forms(key, b"x" * lead, b"")
    return found


class TestOtherKeys:
    @pytest.mark.parametrize("kind", OTHERS)
    def test_every_form_is_struck_wherever_the_pieces_part(self, kind: str) -> None:
        others = kept(IN_USE, *OTHERS.values())
        for text, core in every_form(OTHERS[kind]):
            struck = Scrubber(Secret(IN_USE.encode()), others).strike(text)
            assert len(struck) == len(text)
            assert core not in struck
            for cut in range(len(text) + 1):
                scrubber = Scrubber(Secret(IN_USE.encode()), others)
                assert through(scrubber, text, [cut]) == struck
                assert scrubber.struck == 1

    @settings(max_examples=50)
    @given(KEYS, AROUND, AROUND, AROUND, st.lists(st.integers(0, 5000), max_size=40))
    @example("********", b"*", b"**", b"*", [])
    @example("%25%25%25", b"%", b"%2", b"5", [2])
    @example("\\\\\\\\////", b"\\", b"\\\\", b"/", [1])
    @example("00000000", b"", b" ", b"", [])
    @example("00000000", b"", b"", b"0", [9])
    def test_no_form_of_one_comes_through(
        self, key: str, before: bytes, between: bytes, after: bytes, cuts: list[int]
    ) -> None:
        others = kept(IN_USE, key)
        for form in forms(key):
            scrubber = Scrubber(Secret(IN_USE.encode()), others)
            text = before + form + between + form + after
            out = through(scrubber, text, cuts)
            assert len(out) == len(text)
            assert scrubber.struck >= 1
            assert form not in out

    @settings(max_examples=50)
    @given(KEYS, AROUND, AROUND, st.lists(st.integers(0, 5000), max_size=40))
    def test_nor_does_it_in_base64(
        self, key: str, before: bytes, after: bytes, cuts: list[int]
    ) -> None:
        others = kept(IN_USE, key)
        for encoded, core in base64_forms(key, before, after):
            out = through(Scrubber(Secret(IN_USE.encode()), others), encoded, cuts)
            assert len(out) == len(encoded)
            assert core not in out

    def test_of_a_pair_the_password_is_struck_alone(self) -> None:
        user, _, password = OTHERS["pair"].partition(":")
        out = scrubber_of(OTHERS["pair"]).strike(f"{user} {password}".encode())
        assert out == user.encode() + b" " + b"*" * len(password)

    @given(
        st.binary(max_size=300),
        st.sampled_from(["plain", "odd"]),
        st.lists(st.integers(0, 5000), max_size=40),
    )
    @settings(max_examples=40)
    def test_what_only_ends_like_one_passes_unchanged(
        self, text: bytes, kind: str, cuts: list[int]
    ) -> None:
        key, others = OTHERS[kind], kept(*OTHERS.values())
        like = b"x" * len(key) + key[-4:].encode()
        for form in (like, like.hex().encode(), base64.b64encode(like), key[1:].encode()):
            whole = text + b"\n" + form + b"\n" + text
            scrubber = Scrubber(Secret(IN_USE.encode()), others)
            assert through(scrubber, whole, cuts) == whole

    def test_an_event_or_a_whole_json_is_never_held(self) -> None:
        scrubber = scrubber_of(OTHERS["plain"], OTHERS["pair"])
        for piece in (
            b'data: {"content": "sk-"}\n\n',
            b"data: s\r\n\r\n",
            b'{"key": "sk-ant-api03"}',
            b'[{"text": "sk-ant-api03-Other"},',
        ):
            assert scrubber.feed(piece) == piece

    @settings(max_examples=50)
    @given(st.lists(st.binary(max_size=300) | st.text("ab", max_size=300).map(str.encode)))
    def test_no_more_is_held_than_the_longest_form_has(self, chunks: list[bytes]) -> None:
        scrubber = scrubber_of(OTHERS["plain"])
        given = passed = b""
        for chunk in chunks:
            given += chunk
            passed += scrubber.feed(chunk)
            held = given[len(passed) :]
            assert len(held) < 2 * len(OTHERS["plain"]) + 8
            assert not any(code <= 0x20 or code >= 0x7F for code in held)
        assert passed + scrubber.flush() == given

    def test_another_account_s_key_is_none_of_ours(self) -> None:
        scrubber = scrubber_of(OTHERS["plain"])
        text = f"your key: {canary()}".encode()
        assert not scrubber.finds(text)
        assert scrubber.strike(text) is text

    def test_a_text_of_nothing_but_endings_is_cut_short_not_looked_up_for_ever(self) -> None:
        # Of one account: many keys that end alike, in a text made of that ending.
        keys = [f"sk-{number}" + "q" * (20 + number) + "wxyz" for number in range(40)]
        scrubber = Scrubber(Secret(IN_USE.encode()), kept(*keys))
        text = b"a" + b"".join(b"%dwxyz" % number for number in range(2_000))
        out = scrubber.strike(text)
        assert len(out) == len(text)
        assert out.endswith(b"*" * 2_000)
        assert out.startswith(b"a")
        # What repeats itself costs nothing: zeros, padding, one key's ending over and over.
        text = b"a" + b"wxyz" * 8_000
        assert scrubber.strike(text) is text
        assert Scrubber(Secret(IN_USE.encode()), kept(keys[0])).strike(text) is text

    @pytest.mark.parametrize("key", [IN_USE, "p/w\"=with\\every%kind&of'it<>/"])
    def test_each_form_of_the_key_in_use_is_overwritten(self, key: str) -> None:
        scrubber = Scrubber(Secret(key.encode()))
        needles = list(scrubber._all())
        assert {*forms(key), *rare_forms(key)} <= set(needles)
        assert len(set(needles)) == len(needles)
        scrubber.wipe()
        assert not any(any(needle) for needle in needles)
        assert scrubber.strike(key.encode()) == key.encode()

    def test_once_wiped_it_finds_nothing(self) -> None:
        scrubber = scrubber_of(OTHERS["plain"])
        scrubber.wipe()
        assert not scrubber.finds(OTHERS["plain"].encode())
