"""The corpus: thousands of lines to redact and as many to keep, the same from the same seed.

The lines to redact are made when they are wanted, so that no file of this repository looks as if it
held keys: whoever guards pushes against keys would rightly stop it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.vectors.redaction import exact, kept, others
from tests.vectors.redaction.renderings import BARE, NAMED, PIECE, Line
from tests.vectors.redaction.shapes import FAMILIES, make

# Bare and named ones in turn: of a few in a row, some are of either kind.
EVERY: Final = [
    *(one for pair in zip(BARE, NAMED, strict=False) for one in pair),
    *NAMED[len(BARE) :],
]


@dataclass(frozen=True, slots=True)
class Case:
    """A line to redact, and what it is counted under. `required`: nothing of it may be missed."""

    family: str
    name: str
    line: Line
    required: bool = False


def struck(seed: int, *, each: int = 12, of_ours: int = 48) -> Iterator[Case]:
    """Give the lines to redact.

    A format comes in `each` of the renderings that fit it, by turns, so that every rendering meets
    every kind of format; a format of the catalogue's providers in `of_ours`.
    """
    random = Random(seed)  # noqa: S311 - the same corpus each time is what is wanted
    turn = seed
    for family, shapes in FAMILIES.items():
        for shape in shapes:
            fitting = EVERY if shape.marked else NAMED
            for step in range(min(of_ours if shape.catalogue else each, len(fitting))):
                rendering = fitting[(turn + step) % len(fitting)]
                line = rendering.render(make(shape, random), random)
                name = f"{shape.name} in {rendering.name}"
                yield Case(family, name, line, required=shape.catalogue)
            turn += each
    for family, name, line in others.others(random):
        yield Case(family, name, line)


def told(seed: int) -> Iterator[tuple[bytes, Case]]:
    """Give the exact values that the redactor is to be told, each with a line that holds it."""
    random = Random(seed)  # noqa: S311 - likewise
    for made, form, line in exact.lines(random):
        yield made.key.encode(), Case("exact", f"{made.shape.name} as {form}", line, required=True)


def unharmed(seed: int) -> list[str]:
    """Give the lines that must come through letter for letter."""
    return kept.lines(Random(seed))  # noqa: S311 - likewise


def leftover(case: Case, clean: str) -> str:
    """Give a piece of the secret that is still to be seen, or nothing."""
    for hidden in case.line.hidden:
        width = min(PIECE, len(hidden))
        for at in range(len(hidden) - width + 1):
            if hidden[at : at + width] in clean:
                return hidden[at : at + width]
    return ""
