"""Values that the vault knows, in every form in which they come back: nothing but the value itself
gives them away, so no name stands beside them."""

import base64
import json
from collections.abc import Iterator
from random import Random
from typing import Final

from tests.vectors.redaction.renderings import Line, inner, percent
from tests.vectors.redaction.shapes import SHAPES, Made, make

AROUND: Final = (
    "upstream said {} and hung up",
    "{}",
    '{{"echo": "{}", "n": 4}}',
    "<p>{}</p>",
    "a={} b=2",
    "['x', '{}']",
    "GET /find/{}/all",
    "'{}'",
    "\x1b[31m{}\x1b[0m",
    "日本語{}日本語",
)


def values(random: Random) -> list[Made]:
    """Give one key of each format that needs its name beside it, and some with a beginning."""
    unmarked = [shape for shape in SHAPES if not shape.marked]
    return [make(shape, random) for shape in (*unmarked, *SHAPES[::12])]


def forms(made: Made) -> Iterator[tuple[str, str, str]]:
    """Give (form, text, what of it must not be seen)."""
    key, body = made.key, made.body
    public = key.removesuffix(body)
    yield "raw", key, body
    for pad in ("", "x", "xy"):
        coded = base64.b64encode(f"{pad}{key} end".encode()).decode()
        yield f"base64 after {len(pad)}", coded, inner(pad + public, body, " end")
    coded = base64.urlsafe_b64encode(f"ada:{key}".encode()).decode()
    yield "base64 for URLs", coded, inner("ada:" + public, body, "", urlsafe=True)
    yield "base64 alone", base64.b64encode(key.encode()).decode(), inner(public, body, "")
    yield "hex", key.encode().hex(), body.encode().hex()
    yield "HEX", key.encode().hex().upper(), body.encode().hex().upper()
    yield "percent", percent(key), percent(body)
    yield "percent, twice", percent(percent(key)), percent(percent(body))
    yield "percent, small", percent(key).replace("%2F", "%2f"), percent(body)
    yield "all percent", _each(key, "%{:02X}"), _each(body, "%{:02X}")
    yield "JSON", json.dumps(key)[1:-1], json.dumps(body)[1:-1]
    slashed = key.replace("/", r"\/")
    yield "JSON, slashes", slashed, body.replace("/", r"\/")
    yield "all percent, twice", _each(key, "%25{:02X}"), _each(body, "%25{:02X}")
    yield "all JSON", _each(key, "\\u{:04x}"), _each(body, "\\u{:04x}")


def _each(text: str, form: str) -> str:
    return "".join(form.format(ord(letter)) for letter in text)


def lines(random: Random) -> Iterator[tuple[Made, str, Line]]:
    """Give (value, form, line) of every value in every form."""
    for made in values(random):
        for form, text, hidden in forms(made):
            yield made, form, Line(random.choice(AROUND).format(text), (hidden,))
