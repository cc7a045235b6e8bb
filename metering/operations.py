"""A provider's operations: which request is which, by method and path template."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from metering.quotes import READ, Quote, Request

Quoting = Callable[[Request, Mapping[str, str]], Quote]
"""Quotes a request, given what stands in the template's places."""

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Operation:
    """One row of a provider's table. The first row that fits a request is the one that counts."""

    method: str
    """`GET` and the like; `*` for any."""
    template: str
    """A path, such as `/v1/models/{model}:generateContent`; a `*` at its end takes any rest.

    It is held against the path as it came, percent-encoding and all: what is written another way
    is unknown, and so refused where a ceiling governs it.
    """
    quote: Quoting

    @cached_property
    def shape(self) -> re.Pattern[str]:
        """Match a path of this operation."""
        rest = self.template.endswith("*")
        parts = _PLACE.split(self.template.removesuffix("*"))
        # Names stand at the odd places.
        written = "".join(
            f"(?P<{part}>[^/:]+)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
        return re.compile(written + (".*" if rest else ""))


def free(name: str) -> Quoting:
    """Quote an operation that is known to cost nothing."""
    quote = Quote(operation=name, price=0, firm=True)
    return lambda request, places: quote  # noqa: ARG005 - whatever it is


def unpriced(name: str, why: str) -> Quoting:
    """Quote an operation that has no bound, with the sentence that says what to set."""
    quote = Quote(operation=name, why=why)
    return lambda request, places: quote  # noqa: ARG005 - likewise


def quote(operations: tuple[Operation, ...], request: Request) -> Quote:
    """Give the quote of the first operation that the request fits."""
    reads = request.method in _READING
    # What brings a body along is no mere reading, whatever its method.
    for operation in () if reads and request.body else operations:
        if operation.method in {"*", request.method}:
            found = operation.shape.fullmatch(request.path)
            if found is not None:
                return operation.quote(request, found.groupdict())
    if reads and not request.body:
        # Reading costs nothing at any provider of the catalogue, unless its owner says so.
        return Quote(operation=READ, price=0, firm=True)
    return Quote(
        operation="unknown",
        why=f"keysteward knows no price of {request.method} at this path. Set one by the REQUEST "
        "for `*` with setPrice, or take the ceiling away.",
    )
