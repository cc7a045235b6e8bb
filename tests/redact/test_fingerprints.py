"""Exact values: found wherever they stand, forgotten in order, held in no readable form."""

import gc
import secrets

import pytest

from redact import KnownSecrets
from redact.engine import Redactor


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
    assert clean.count(b"[redacted]") in {1, 2}


def test_values_that_overlap_or_hold_each_other_are_struck_as_one() -> None:
    known = KnownSecrets()
    long = made_up(64)
    for value in (long, long[8:40], long[20:], long[:16]):
        known.remember(value)
    assert Redactor(known).clean_bytes(b"a " + long + b" b") == b"a [redacted] b"


def test_a_public_prefix_stays() -> None:
    known = KnownSecrets()
    value = b"sk-ant-" + b"q" * 30
    known.remember(value)
    assert Redactor(known).clean_bytes(b"<" + value + b">") == "<sk-ant-…[redacted]>".encode()


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


@pytest.mark.parametrize("value", [b"", b"short", b"x" * 15, b"x" * 5000])
def test_values_too_short_or_too_long_are_left_out(value: bytes) -> None:
    known = KnownSecrets()
    known.remember(value)
    assert len(known) == 0


def test_a_text_made_of_somebodys_last_four_characters_is_struck_not_looked_up_for_ever() -> None:
    known = KnownSecrets()
    known.remember(b"k" * 28 + b"aaaa")
    clean = Redactor(known).clean_bytes(b"a" * 100_000)
    assert clean.endswith(b"[redacted]")
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
        assert not (isinstance(thing, bytes) and value[:-4][-8:] in thing)
        if isinstance(thing, (dict, list, tuple, set, frozenset)):
            held.extend(gc.get_referents(thing))
    assert value.decode() not in repr(known)
