"""Time is linear in the text, for texts that are made to take longer.

Not a benchmark (that is bench/redact.py): eight times the text may take thirty times as long here,
where a search that begins anew at each place would take sixty-four.
"""

import base64
import random
import time

import pytest

from redact import redact_bytes

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
}
TEXTS = {name: unit * (65536 // len(unit)) for name, unit in UNITS.items()}
NOISE = random.Random(5).randbytes(49152)  # noqa: S311 - no secret
TEXTS["base64"] = base64.b64encode(NOISE)
TEXTS["base64 for URLs"] = base64.urlsafe_b64encode(NOISE)
TEXTS["base64 in lines"] = base64.encodebytes(NOISE)


def seconds(text: bytes) -> float:
    redact_bytes(text)
    times = []
    for _ in range(3):
        began = time.process_time()
        redact_bytes(text)
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize("name", TEXTS)
def test_eight_times_the_text_takes_some_eight_times_as_long(name: str) -> None:
    text = TEXTS[name]
    small, large = seconds(text[: len(text) // 8]), seconds(text)
    assert large < 30 * small + 0.02
