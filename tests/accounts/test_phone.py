"""Telephone numbers: one form for each, and no guessing at countries."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.errors import PhoneMalformed
from accounts.phone import mask, normalize

FORM = re.compile(r"\+[1-9][0-9]+")


class TestTheOneForm:
    @pytest.mark.parametrize(
        ("typed", "number"),
        [
            ("+4915112345678", "+4915112345678"),
            ("+49 151 12345678", "+4915112345678"),
            ("  +49 151 12345678\n", "+4915112345678"),
            ("+49 (0)151 12345678", "+4915112345678"),
            ("+49-151-123-456-78", "+4915112345678"),
            ("+49.151.12345678", "+4915112345678"),
            ("+49/151/12345678", "+4915112345678"),
            ("+1 (201) 555-0123", "+12015550123"),
            ("++49 151 12345678", "+4915112345678"),
            ("+44 7400 123456", "+447400123456"),
            ("+39 06 1234 5678", "+390612345678"),  # Italy's leading zero is part of the number
            ("+55 11 96123-4567", "+5511961234567"),
            ("+91 81234 56789", "+918123456789"),
            ("+٤٩١٥١١٢٣٤٥٦٧٨", "+4915112345678"),
            ("+４９１５１１２３４５６７８", "+4915112345678"),  # noqa: RUF001 - full width
        ],
    )
    def test_however_it_is_typed_it_is_the_same(self, typed: str, number: str) -> None:
        assert normalize(typed) == number
        assert normalize(number) == number

    def test_as_long_as_is_read(self) -> None:
        number = "+4915112345678"
        assert normalize(number + " " * (40 - len(number))) == number
        with pytest.raises(PhoneMalformed):
            normalize(number + " " * (41 - len(number)))

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            " ",
            "+",
            "0151 12345678",
            "004915112345678",
            "4915112345678",
            "tel:+4915112345678",
            "(+49)1511234567",
            "+0 151 12345678",
            "+999 12345678",
            "+4",
            "+1 2",
            "+49 151 1234567890123",
            "+1 201 555 012",
            "+1 201 555 01234",
            "+4915112345678 ext. 5",
            "+4915112345678;ext=5",
            "+4915112345678x5",
            "+49 151 12345678 and more",
            "ada@example.com",
            "+ada@example.com",
            "+\x00",
            "+\ud800",
            "+49151\x001234567a",
            "+" + "9" * 39,
            "+" * 40,
            "9" * 100_000,
        ],
    )
    def test_what_is_no_number_is_refused(self, typed: str) -> None:
        with pytest.raises(PhoneMalformed) as malformed:
            normalize(typed)
        assert malformed.value.__cause__ is None
        assert len(typed) < 9 or typed not in str(malformed.value)

    @settings(max_examples=100, deadline=None)
    @given(
        st.text(max_size=50)
        | st.text(alphabet="+0123456789 -()./;xext=,#*", max_size=41).map("+{}".format)
        | st.from_regex(r"\+[0-9]{1,3}[ -]?[0-9 ]{0,20}", fullmatch=True)
    )
    @example("+;phone-context=+49")
    @example("+1;isub=5")
    @example("+800 1234 5678")
    def test_whatever_is_typed(self, typed: str) -> None:
        try:
            number = normalize(typed)
        except PhoneMalformed:
            return
        assert FORM.fullmatch(number)
        assert number[-2:] == mask(number)[-2:]


class TestMasks:
    @pytest.mark.parametrize(
        ("number", "shown"),
        [
            ("+4915112345678", "+49 •••• 78"),
            ("+12015550123", "+1 •••• 23"),
            ("+3581234578", "+358 •••• 78"),
            ("+80012345678", "+800 •••• 78"),
        ],
    )
    def test_country_and_two_digits_are_all_that_is_shown(self, number: str, shown: str) -> None:
        assert mask(number) == shown
