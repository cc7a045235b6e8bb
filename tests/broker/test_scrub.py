"""The scrubber by itself: for every key, every form of it, cut anyhow."""

import base64
import json
import urllib.parse
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.scrub import Scrubber
from tests.kit.canary import canary
from vault.secret import Secret

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
    for form in forms(key):
        scrubber = Scrubber(Secret(key.encode()))
        text = before + form + between + form + after
        out = through(scrubber, text, cuts)
        assert len(out) == len(text)
        assert not any(needle in out for needle in forms(key))
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
        if held:
            assert any(needle.startswith(held) for needle in scrubber._needles)
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
