"""Cohere's answers tell what is billed apart from what was processed.

https://docs.cohere.com/reference/chat, `/embed` and `/rerank`.
"""

from collections.abc import Mapping
from typing import Any, Final

from metering.answers.figures import Asked, Unreadable, count, part, tokens_used
from metering.answers.skim import Record, Wanted
from metering.answers.sums import Sum
from metering.prices import Tokens
from metering.quotes import Reading

_BILLED: Final[Mapping[str, Wanted]] = {
    "usage": {"billed_units": None},
    "meta": {"billed_units": None},
}


class Billed:
    """The tally of a chat, of embeddings or of a ranking."""

    mark: Final = b'"billed_units"'
    sums: Final = b""
    early: Final = False
    wanted: Final[Mapping[str, Wanted]] = {
        **_BILLED,
        # The event that ends a stream: of the second version, and of the first.
        "delta": _BILLED,
        "response": _BILLED,
    }

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._sum = Sum()
        self._sum.model = asked.model

    def take(self, record: Record) -> bool:
        """Take the event that ends a stream, or the whole answer."""
        for holder in (record, part(record, "delta"), part(record, "response")):
            for name in _BILLED:
                billed = part(holder, name, "billed_units")
                if isinstance(billed, dict):
                    self._add(billed)
                    return True
        return False

    def reading(self, *, whole: bool) -> Reading | None:  # noqa: ARG002 - the end is told
        """Give what is billed."""
        return self._sum.reading()

    def _add(self, billed: Any) -> None:
        try:
            seen = count(billed, "image_tokens")
            used = Tokens(
                input=count(billed, "input_tokens") + seen,
                input_image=seen,
                output=count(billed, "output_tokens"),
                rerank_searches=count(billed, "search_units"),
            )
            images = count(billed, "images")
        except Unreadable:
            self._sum.give_up()
            return
        # Images were counted by the piece before their tokens were.
        counted = used != Tokens() and not (images and not seen)
        self._sum.add(tokens_used(used), self._asked.cost(used, None) if counted else None)
