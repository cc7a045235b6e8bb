"""Exact values: found wherever they stand, forgotten in order, held in no readable form."""

import base64
import gc
import json
import re
import secrets
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redact import KnownSecrets
from redact.engine import Redactor

MARK = re.compile(rb"\[redacted [0-9a-f]{4}\]")


def made_up(length: int = 32) -> bytes:
    return secrets.token_hex(length)[:length].encode()


@pytest.mark.parametrize(
    "around",
    ["%s", "x%sx", "/a/%s/b", "key=%s&b=1", "%s%s", "é%sé", "a\n%s\nb", "aaaa%saaaa", "'%s',"],
)
def test_a_value_is_found_whatever_surrounds_it(around: str) -> None:
    known = KnownSecrets()
    value = made_up()
    known.remember(value)
    text = around.replace("%s", value.decode()).encode()
    clean = Redactor(known).clean_bytes(text)
    assert value not in clean
    assert len(MARK.findall(clean)) in {1, 2}


def test_what_is_kept_for_good_is_not_forgotten_for_others() -> None:
    known = KnownSecrets(bound=2)
    lasting, first, *others = (made_up() for _ in range(5))
    known.remember(first)
    known.remember(first, for_good=True)
    known.remember(lasting, for_good=True)
    for value in others:
        known.remember(value)
    clean = Redactor(known).clean_bytes(b" ".join((lasting, first, *others)))
    assert [value in clean for value in (lasting, first, *others)] == [
        False,
        False,
        True,
        *2 * [False],
    ]


def test_values_that_overlap_or_hold_each_other_are_struck_as_one() -> None:
    known = KnownSecrets()
    long = made_up(64)
    for value in (long, long[8:40], long[20:], long[:16]):
        known.remember(value)
    assert MARK.sub(b"#", Redactor(known).clean_bytes(b"a " + long + b" b")) == b"a # b"


def test_a_public_prefix_stays() -> None:
    known = KnownSecrets()
    value = b"sk-ant-" + b"q" * 30
    known.remember(value)
    clean = Redactor(known).clean_bytes(b"<" + value + b">")
    assert MARK.sub(b"#", clean) == "<sk-ant-…#>".encode()


def test_the_oldest_value_is_forgotten_first_and_a_repeated_one_is_young_again() -> None:
    known = KnownSecrets(bound=300)
    values = [made_up() for _ in range(300)]
    for value in values:
        known.remember(value)
    known.remember(values[0])
    known.remember(made_up())
    assert len(known) == 300
    assert known.spans(values[1]) == []
    assert known.spans(values[0]) == [(0, 32)]
    assert known.spans(values[299]) == [(0, 32)]


def test_two_values_with_one_ending_are_forgotten_each_by_itself() -> None:
    known = KnownSecrets(bound=2)
    first, second = made_up(28) + b"same", made_up(28) + b"same"
    known.remember(first)
    known.remember(second)
    known.remember(made_up())
    assert known.spans(first) == []
    assert known.spans(second) == [(0, 32)]
    known.remember(made_up())
    assert known.spans(second) == []


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "hex": lambda value: value.hex().encode(),
    "HEX": lambda value: value.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64 of user and value": lambda value: base64.b64encode(b"ann:" + value),
    "base64 in the middle": lambda value: base64.b64encode(b"{'k':" + value + b"}, and more"),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(b"??" + value + b"~~"),
    "percent": lambda value: urllib.parse.quote_from_bytes(value, safe="").encode(),
    "percent, small letters": lambda value: b"".join(b"%%%02x" % byte for byte in value),
    "percent, every byte": lambda value: b"".join(b"%%%02X" % byte for byte in value),
    "JSON": lambda value: json.dumps(value.decode()).encode(),
    "JSON with slashes": lambda value: json.dumps(value.decode()).replace("/", "\\/").encode(),
    "JSON, every letter": lambda value: b"".join(b"\\u00%02x" % byte for byte in value),
    "JSON in JSON, every letter": lambda value: b"".join(b"\\\\u00%02X" % b for b in value),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_value_is_found_in_every_form_and_marked_alike(name: str) -> None:
    known = KnownSecrets()
    redactor = Redactor(known)
    for _ in range(20):
        value = base64.b64encode(secrets.token_bytes(30)) + b'/"+\\'
        known.remember(value)
        mark = MARK.findall(redactor.clean_bytes(value))
        clean = redactor.clean_bytes(b"before " + FORMS[name](value) + b" after")
        assert MARK.findall(clean) == mark
        assert clean.startswith(b"before ")
        assert clean.endswith(b" after")
        assert redactor.clean_bytes(clean) == clean


SHAPED = st.binary(min_size=16, max_size=48).map(base64.b64encode)


@settings(max_examples=60)
@given(SHAPED, st.sampled_from(sorted(FORMS)), st.binary(max_size=60), st.binary(max_size=60))
def test_no_form_of_a_value_gets_through_whatever_surrounds_it(
    value: bytes, name: str, before: bytes, after: bytes
) -> None:
    known = KnownSecrets()
    known.remember(value)
    form = FORMS[name](value)
    clean = Redactor(known).clean_bytes(before + form + after)
    assert form[4:-4] not in clean
    assert value not in clean
    for shift in range(3):
        coded = base64.b64encode(before[:shift].ljust(shift) + value + after)
        assert coded[4 : 4 * len(value) // 3] not in Redactor(known).clean_bytes(b" " + coded)


@pytest.mark.parametrize("value", [b"", b"short", b"x" * 15, b"x" * 5000])
def test_values_too_short_or_too_long_are_left_out(value: bytes) -> None:
    known = KnownSecrets()
    known.remember(value)
    assert len(known) == 0


def test_a_text_made_of_somebodys_last_four_characters_is_struck_not_looked_up_for_ever() -> None:
    known = KnownSecrets()
    known.remember(b"k" * 28 + b"aaaa")
    clean = Redactor(known).clean_bytes(b"a" * 100_000)
    assert MARK.search(clean) is not None
    assert clean.endswith(b"]")
    assert len(clean) < 10_000
    assert Redactor(known).clean_bytes(clean) == clean


def test_no_value_is_held_in_the_clear() -> None:
    known = KnownSecrets()
    value = made_up()
    known.remember(bytes(value))
    held: list[object] = list(vars(known).values())
    seen: set[int] = set()
    while held:
        thing = held.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen.add(id(thing))
        if isinstance(thing, bytes):
            for form in (value, value.hex().encode(), base64.b64encode(value).rstrip(b"=")):
                assert form[:-8][-8:] not in thing
        if isinstance(thing, (dict, list, tuple, set, frozenset)):
            held.extend(gc.get_referents(thing))
    assert value.decode() not in repr(known)
