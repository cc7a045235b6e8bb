"""Segments of text messages, against the rules of 3GPP TS 23.038 written out otherwise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.meters.segments import segments

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = "\f^{}\\[~]|€"


def test_the_alphabet_has_all_its_characters() -> None:
    assert len(set(BASIC)) == 127  # with the escape, 128
    for sign in set(BASIC) | set(EXTENDED):
        assert segments(sign * 70) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 1600, 11),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # 152 septets and one of two: it does not fit, and is not cut.
        ("a" * 152 + "€" + "a" * 152, 3),
        ("`" + "a" * 69, 1),
        ("`" + "a" * 70, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("🎉" * 35, 1),
        # 33 to a segment: 66 units of 67.
        ("🎉" * 36, 2),
        ("🎉" * 67, 3),
        # A family of eleven units stays together.
        ("a" * 56 + "👨‍👩‍👧‍👦" + "a" * 67, 2),
        ("a" * 57 + "👨‍👩‍👧‍👦" + "a" * 57, 3),
        ("🇩🇪" * 33, 3),
        ("e\u0301" * 36, 2),
        ("각" * 134, 2),
        # A syllable in its letters is two units, and 33 of them fit.
        ("\u1100\u1161" * 67, 3),
        ("\u1100\u1161\u11a8" * 45, 3),
        # CR and LF are one character to Twilio's calculator, and none of the alphabet.
        ("a" * 69 + "\r\n", 2),
        ("a" * 158 + "\n\n", 1),
        # Longer than Twilio takes: no more segments than characters, counted in no time.
        ("я" * 1_000_000, 1_000_000),
        # More marks than a segment holds.
        ("e" + "\u0301" * 200, 3),
    ],
    ids=lambda value: f"{value[:2]!a} of {len(value)}" if isinstance(value, str) else None,
)
def test_a_text_takes_so_many_segments(text: str, count: int) -> None:
    assert segments(text) == count


def test_some_carriers_take_ascii_alone() -> None:
    assert segments("è" * 71) == 1
    assert segments("è" * 71, ascii_only=True) == 2
    assert segments("a" * 160, ascii_only=True) == 1


@settings(max_examples=100)
@given(st.text(BASIC.replace("\r", "") + EXTENDED, max_size=700))
def test_septets_are_packed_as_bits_would_be(text: str) -> None:
    bits = [7 * (1 + (sign in EXTENDED)) for sign in text]
    if sum(bits) <= 1120:
        assert segments(text) == 1
        return
    # 140 octets, six of them the header that joins the parts.
    used, count = 0, 1
    for size in bits:
        used += size
        if used > 1120 - 48:
            used, count = size, count + 1
    assert segments(text) == count


@settings(max_examples=100)
@given(st.text("яжa漢🎉👍🏽\u200d\u0301🇩각\r\n€", max_size=400))
def test_a_text_never_takes_fewer_segments_than_its_units_need(text: str) -> None:
    units = len(text.encode("utf-16-le")) // 2
    found = segments("я" + text)
    assert found == 1 if units + 1 <= 70 else found >= -(-(units + 1) // 67)
    assert segments("я" + text + "я") >= found
    # Without what joins characters, it takes what the characters by themselves do.
    alone = "".join(sign for sign in text if sign in "яжa漢€각")
    assert segments("я" + alone) == (1 if len(alone) < 70 else -(-(len(alone) + 1) // 67))
