"""Looks for canaries in bytes, in each form in which a leak would carry them.

Every made-up key of `tests.kit.canary` holds one of the cores below, and so does the password of
the made-up people; tokens are random, and looked for by their form.
"""

import base64
import re
from collections.abc import Iterator
from typing import Final

CORES: Final = (
    b"openaiCANARY",
    b"anthropicCANARY",
    b"google-CANARY",
    b"604872913550",  # in those of all the others
    b"CANARYpasswordofletters",
)
TOKEN: Final = re.compile(rb"ks[tuo]_[0-9A-Za-z]{49}")
LONGEST: Final = 150
"""No form is longer; so much of one piece must be looked at together with the next."""


def _in_base64(core: bytes) -> Iterator[bytes]:
    """Give what base64 makes of the core wherever it begins within three bytes."""
    for before in range(3):
        whole = b"\0" * before + core
        first = -(-before * 8 // 6)
        end = len(whole) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(whole)[first:end]


def forms_of(core: bytes) -> dict[str, set[bytes]]:
    """Give each form of a core by its name."""
    text = core.decode()
    percent = "".join(f"%{byte:02X}" for byte in core).encode()
    return {
        "raw": {core},
        "reversed": {core[::-1]},
        "hex": {core.hex().encode(), core.hex().upper().encode()},
        "UTF-16": {text.encode("utf-16-le"), text.encode("utf-16-be")},
        "percent": {percent, percent.lower()},
        "base64": set(_in_base64(core)),
    }


_NEEDLES: Final = [
    (name, needle)
    for core in CORES
    for name, needles in forms_of(core).items()
    for needle in needles
]


def found_in(data: bytes) -> set[str]:
    """Give the names of the forms in which a canary stands in the data."""
    found = {name for name, needle in _NEEDLES if needle in data}
    if TOKEN.search(data):
        found.add("token")
    return found
