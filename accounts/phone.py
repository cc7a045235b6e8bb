"""Telephone numbers, brought to the form in which they are compared: E.164, `+491701234567`."""

from typing import Final

import phonenumbers

from accounts.errors import PhoneMalformed

_MOST_READ: Final = 40


def normalize(text: str) -> str:
    """Give the number in E.164. Raises `PhoneMalformed`.

    It must begin with + and the country's code: what country a number without one is in would be a
    guess, and the code would go to somebody else.
    """
    if len(text) > _MOST_READ or not text.strip().startswith("+"):
        raise PhoneMalformed
    try:
        number = phonenumbers.parse(text.strip())
    except phonenumbers.NumberParseException:
        raise PhoneMalformed from None
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE or number.extension:
        raise PhoneMalformed
    normalized = _written(number)
    # Some read differently once they are written so: two forms would be two people.
    if _written(phonenumbers.parse(normalized)) != normalized:
        raise PhoneMalformed
    return normalized


def _written(number: phonenumbers.PhoneNumber) -> str:
    written: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written


def mask(number: str) -> str:
    """Give what a page may show of a number: its country and its last two digits."""
    country = phonenumbers.parse(number).country_code
    return f"+{country} •••• {number[-2:]}"
