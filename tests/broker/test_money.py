"""Amounts as people write them: exact, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.money import AmountUnfit, read, shown

UNITS = ("usd", "calls", "moved:eur", "moved:jpy", "moved:kwd")


@pytest.mark.parametrize(
    ("text", "unit", "amount"),
    [
        ("12.50", "usd", 12_500_000_000),
        ("0.000000001", "usd", 1),
        ("0", "usd", 0),
        ("20", "calls", 20),
        ("12.50", "moved:eur", 1_250),
        ("1250", "moved:jpy", 1_250),
        ("1.250", "moved:kwd", 1_250),
    ],
)
def test_an_amount_is_read_exactly(text: str, unit: str, amount: int) -> None:
    assert read(text, unit) == amount


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("0.0000000001", "usd"),
        ("1.5", "calls"),
        ("1.255", "moved:eur"),
        ("1.5", "moved:jpy"),
        ("", "usd"),
        ("a lot", "usd"),
        ("NaN", "usd"),
        ("Infinity", "usd"),
        ("9" * 31, "usd"),
        ("1e3", "usd"),
        ("1_000", "usd"),
        (" 1", "usd"),
        ("1.", "usd"),
        ("\u0661", "usd"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, unit: str) -> None:
    with pytest.raises(AmountUnfit, match="decimal"):
        read(text, unit)


@given(st.integers(-(10**18), 10**18), st.sampled_from(UNITS))
def test_what_is_shown_reads_the_same(amount: int, unit: str) -> None:
    assert read(shown(amount, unit), unit) == amount


def test_dollars_have_two_places_and_no_noughts_behind_them() -> None:
    assert [shown(n) for n in (0, 12_500_000_000, 125_000, -1)] == [
        "0.00",
        "12.50",
        "0.000125",
        "-0.000000001",
    ]
