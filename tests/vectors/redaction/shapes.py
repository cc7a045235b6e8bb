"""Formats of keys as their vendors or public scanners published them, and made-up keys of them.

Nothing here comes from `redact/`: an engine tested on what generated it would show nothing. The
formats are rows of `shapes.table`, and no key stands there: a template says how one is put
together. `{w93}` is 93 characters of the alphabet `w`; what stands before `^` is public.
"""

import re
import string
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

ALPHABETS: Final = {
    "a": string.ascii_letters + string.digits,
    "A": string.ascii_letters,
    "b": string.ascii_letters + string.digits + "+/",
    "d": string.ascii_lowercase + string.digits,
    "D": string.ascii_uppercase + string.digits,
    "n": string.digits,
    "t": string.ascii_uppercase + "234567",
    "w": string.ascii_letters + string.digits + "_-",
    "x": "0123456789abcdef",
    "X": "0123456789ABCDEF",
    "z": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "p": string.ascii_letters + string.digits + "!#$*+-.=^_~",
}
HOLE: Final = re.compile(r"\{([A-Za-z])(\d+)\}")


@dataclass(frozen=True, slots=True)
class Shape:
    """One format. `marked` says that it shows by itself; the others need their name beside them."""

    name: str
    vendor: str
    template: str
    source: str
    field: str
    marked: bool = True
    catalogue: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A made-up key. `body` is what of it must not be seen: all behind its public beginning."""

    shape: Shape
    key: str
    body: str


def drawn(random: Random, alphabet: str, length: int) -> str:
    """Give that many characters of the alphabet of that name, or of those letters."""
    return "".join(random.choices(ALPHABETS.get(alphabet, alphabet), k=length))


def make(shape: Shape, random: Random) -> Made:
    """Put together a key of that shape. The same `random` gives the same key."""

    def filled(hole: re.Match[str]) -> str:
        return drawn(random, hole[1], int(hole[2]))

    template = shape.template.replace("{u}", "{x8}-{x4}-4{x3}-a{x3}-{x12}")
    public, mark, secret = template.partition("^")
    if not mark:
        # What stands before the first hole is the same in every key of the shape, and no secret.
        hole = template.index("{")
        public, secret = template[:hole], template[hole:]
    body = HOLE.sub(filled, secret)
    return Made(shape, HOLE.sub(filled, public) + body, body)


def _read(table: str) -> dict[str, tuple[Shape, ...]]:
    """Read the rows under each `[family]`."""
    families: dict[str, list[Shape]] = {}
    family = ""
    for line in table.splitlines():
        if line.startswith("["):
            family = line.strip("[]")
            families[family] = []
        elif line and not line.startswith("#"):
            name, vendor, template, variable, source = (part.strip() for part in line.split(" | "))
            families[family].append(
                Shape(
                    name=name.removesuffix("?"),
                    vendor=vendor,
                    template=template,
                    field=variable,
                    source=source,
                    marked=not name.endswith("?"),
                    catalogue=family == "catalogue",
                )
            )
    return {family: tuple(rows) for family, rows in families.items()}


# By the family that a shape is counted under. `catalogue`: the eighteen providers of ours.
FAMILIES: Final = _read((Path(__file__).parent / "shapes.table").read_text(encoding="utf-8"))
SHAPES: Final = tuple(shape for shapes in FAMILIES.values() for shape in shapes)
