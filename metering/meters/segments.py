"""How many segments a text message takes: what a text costs is by the segment.

GSM 03.38 (3GPP TS 23.038): 160 septets in one message, 153 in each of several; its extension
table's characters take two. A text with any other character goes as UCS-2, in 70 and 67 units of
16 bits. No character is cut in two, so what does not fit begins the next segment.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
_ALPHABET: Final = _BASIC | _EXTENDED
_SEPTETS: Final = (160, 153)
_UNITS: Final = (70, 67)
_ASTRAL: Final = 0xFFFF
_MODIFIERS: Final = range(0x1F3FB, 0x1F400)
_FLAGS: Final = range(0x1F1E6, 0x1F200)
_TAGS: Final = range(0xE0020, 0xE0080)
_JOINER: Final = "\u200d"
_MARKS: Final = frozenset({"Mn", "Mc", "Me"})
# Korean: letters that begin, go on with, and end a syllable; and whole syllables.
_BEGINS: Final = (range(0x1100, 0x1160), range(0xA960, 0xA97D))
_GOES_ON: Final = (range(0x1160, 0x11A8), range(0xD7B0, 0xD7C7))
_ENDS: Final = (range(0x11A8, 0x1200), range(0xD7CB, 0xD7FC))
_SYLLABLES: Final = (range(0xAC00, 0xD7A4),)
_JOINING: Final = frozenset(
    chr(code)
    for block in (_MODIFIERS, _FLAGS, _TAGS, *_BEGINS, *_GOES_ON, *_ENDS)
    for code in block
) | {_JOINER, "\n"}
_LONGEST: Final = 1600
"""Characters of a message; twilio.com/docs/messaging/api/message-resource."""


def segments(text: str, *, ascii_only: bool = False) -> int:
    """Count the segments of a text, at least one; never fewer than Twilio charges.

    What is made of several characters (an emoji with its skin, a letter with its accents, CR and
    LF) Twilio's own calculator keeps together and writes as UCS-2, which can take a segment more:
    so it is here too. `ascii_only` is for carriers that take no other letters (Malaysia's).
    """
    if len(text) > _LONGEST:
        return len(text)  # Twilio refuses it; counting it would only take time.
    signs = set(text)
    if signs <= _ALPHABET and "\r\n" not in text and (text.isascii() or not ascii_only):
        sizes, (one, several) = [2 if sign in _EXTENDED else 1 for sign in text], _SEPTETS
    elif any(map(_joins, signs)):
        sizes, (one, several) = list(_clusters(text)), _UNITS
    else:
        sizes, (one, several) = [2 if ord(sign) > _ASTRAL else 1 for sign in text], _UNITS
    if sum(sizes) <= one:
        return 1
    count, used = 1, 0
    for size in sizes:
        if used + size > several:
            count, used = count + 1, 0
        used += size
    return count


def _joins(sign: str) -> bool:
    """Say whether a character ever belongs to the one before it."""
    return unicodedata.category(sign) in _MARKS or sign in _JOINING


def _clusters(text: str) -> Iterator[int]:
    """Give the sizes, in units, of what is written as one; none is larger than a segment.

    By Unicode's rules for graphemes (UAX #29), as far as they join.
    """
    size, flags = 0, 0
    before = ""
    for sign in text:
        units = 2 if ord(sign) > _ASTRAL else 1
        joins = _belongs(before, sign) or (flags == 1 and ord(sign) in _FLAGS)
        if size and (not joins or size + units > _UNITS[1]):
            yield size
            size, flags = 0, 0
        size += units
        flags += ord(sign) in _FLAGS
        before = sign
    if size:
        yield size


def _belongs(before: str, sign: str) -> bool:
    """Say whether a character belongs to the one before it."""
    if unicodedata.category(sign) in _MARKS or sign == _JOINER or ord(sign) in _TAGS:
        return True
    if before == _JOINER or before + sign == "\r\n" or ord(sign) in _MODIFIERS:
        return True
    if _is(before, _BEGINS):
        return _is(sign, _BEGINS + _GOES_ON + _SYLLABLES)
    if _is(before, _GOES_ON + _SYLLABLES):
        return _is(sign, _GOES_ON + _ENDS)
    return _is(before, _ENDS) and _is(sign, _ENDS)


def _is(sign: str, blocks: tuple[range, ...]) -> bool:
    return bool(sign) and any(ord(sign) in block for block in blocks)
