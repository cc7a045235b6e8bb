"""Time is linear in the text, for texts that are made to take longer.

Not a benchmark (that is bench/redact.py): eight times the text may take fourteen times as long
here, where a search that begins anew at each place would take sixty-four. Of each well-known shape
there is a text that says over and over what a key of it begins with, and is none.
"""

import base64
import random
import re
import string
import time

import pytest

from redact import redact_bytes
from redact.shapes import SHAPES, Shape

UNITS = {
    "letters": b"a",
    "digits": b"7",
    "hyphens": b"-",
    "quotes": b'"',
    "backslashes": b"\\",
    "beginnings of keys": b"sk-",
    "longer beginnings": b"sk-ant-",
    "words that hold one": b"task-force-",
    "beginnings of web tokens": b"eyJ",
    "schemes of addresses": b"://a,",
    "nested quotes": b"\\\"'",
    "quotes escaped in JSON": b'\\"',
    "quotes escaped in JSON, with what may end a fold": b'\\"n\n[',
    "hyphens of options": b"--a",
    "hyphens of options, after a word": b"a--a",
    "names": b"password=",
    "doubtful names": b"token=",
    "doubtful names, quoted": b"token='",
    "doubtful names, escaped": b'token=\\"',
    "doubtful names with words": b"token: a ",
    "header names": b"authorization: ",
    "cookies": b"cookie: ",
    "query names": b"?key=",
    "options": b"--password ",
    "schemes": b"Bearer aaaaaaaa ",
    "digests": b'Digest aaaaaaaa="',
    "private keys without end": b"-----BEGIN PRIVATE KEY-----\n",
    "elements": b"<password>",
    "percent escapes": b"%25",
    "JSON escapes": b"\\u0025",
    "keys in base64, begun": b"c2stYW50L",
    "marks": b"[redacted 7f3a]",
    "colours": b"\x1b[1m",
    "folded lines": b"sk-a\\\n",
    "marks inside keys": b"Q~JQQJ99.atlasv1.",
    "options with users": b" -u a:",
    "other keys": b"a_key: b",
    "settings": b"setenv a_key b ",
    "attributes": b'password a="token=1" ',
    "attributes in attributes": b' a="token b=\'"',
    "web tokens without end": b"eyJaaaaaaaa.",
    "percent escapes, twice": b"%2525",
    "other keys in one word": b"a_key:",
    "other keys, asked of a name": b"Cookie_KEY=",
    "what a template fills in": b"token={{",
    "cookies that a template fills in": b"cookie={{",
    "headers that a template fills in": b"authorization={{",
    "masked values": "token=••••".encode(),
    "masked headers": "authorization:Digest••••".encode(),
    "masked keys": "a_key=a1a1a1a1a1a1a1a1••••".encode(),
    "names of Twilio's keys": b"SK0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
    "keys of a service": b"admin-a1",
    "marks inside named keys": b"xsk-aaaaaaaaaaaaaaaaaaaaT3BlbkFJaaaaaaaaaaaaaaaaaaaa",
    "names inside what begins like keys": b"live_Key_Token1_Secret2_Pass3_",
    "typed names": b"token: str = ",
    "typed names, quoted": b'token: str = "',
    "blocks": b"token: |\n  ",
    "lists": b"api_keys:\n  - a1b2c3d4e5\n  - ",
    "lists in brackets": b'"api_keys": ["a", ',
    "rows of tables": b"| token | ",
    "rows of tables, quoted": b"| token | `",
    "parts of forms": b'name="token"\n\n',
    "humps": b"aKey: a1",
    "humps, quoted": b"aKey: '",
    "wide colons": b"token\xef\xbc\x9aa1b2c3d4 ",
    "credentials in parts": b"Bearer aaaaaaaa:aaaaaaaa:aaaaaaa ",
    "mail's": b"AUTH PLAIN aaaaaaaa",
    "settings of tools": b"config set a_token ",
    "private keys in URLs": b"-----BEGIN%20PRIVATE%20KEY-----%0A",
    "values as options": b"token --value ",
    "marks one after the other": b"5:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.secret.",
    "colours in folded lines": b"a\x1b[1m\\\n",
}
TEXTS = {name: unit * (32768 // len(unit)) for name, unit in UNITS.items()}
NOISE = random.Random(5).randbytes(24576)  # noqa: S311 - no secret
TEXTS["base64"] = base64.b64encode(NOISE)
TEXTS["base64 for URLs"] = base64.urlsafe_b64encode(NOISE)
TEXTS["base64 in lines"] = base64.encodebytes(NOISE)
QUICK = 0.02
"""Seconds. Texts as short as these take so long only where much is decided, or too much."""


def seconds(text: bytes, runs: int = 1) -> float:
    times = []
    for _ in range(runs):
        began = time.process_time()
        redact_bytes(text)
        times.append(time.process_time() - began)
    return min(times)


def assert_linear(text: bytes) -> None:
    if (first := seconds(text)) < QUICK:
        return
    most = 14 * seconds(text[: len(text) // 8], 3) + QUICK / 2
    assert first < most or seconds(text, 3) < most


@pytest.mark.parametrize("name", TEXTS)
def test_eight_times_the_text_takes_some_eight_times_as_long(name: str) -> None:
    assert_linear(TEXTS[name])


def begun(row: Shape) -> str:
    """Give what begins like a key of the shape, twice, and goes on with what may part its words."""
    letters = [letter for letter in string.printable if re.fullmatch(row.body, letter)]
    solid = next((letter for letter in letters if letter.isalpha()), letters[0])
    parts = [letter for letter in letters if not letter.isalnum()] or [solid]
    parted = "".join(solid + part for part in parts * 12)[:24]
    return row.prefix + parted + row.prefix + solid * 22 + parts[-1]


@pytest.mark.parametrize("name", sorted({row.name for row in SHAPES}))
def test_of_each_shape_what_only_begins_like_it_takes_no_longer(name: str) -> None:
    for unit in {begun(row).encode() for row in SHAPES if row.name == name}:
        assert_linear(unit * (16384 // len(unit)))
