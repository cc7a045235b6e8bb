"""Images in OpenAI's form: paid by the token, or by the piece.

https://developers.openai.com/api/reference/resources/images
"""

from collections.abc import Mapping
from typing import Any, Final

from metering.answers.figures import (
    Asked,
    Unreadable,
    count,
    elements,
    own_cost,
    part,
    text,
    tokens_used,
)
from metering.answers.skim import Each, Record, Wanted
from metering.answers.sums import Sum
from metering.prices import Tokens
from metering.quotes import Measure, Reading, Source

_ENDS: Final = frozenset({"image_generation.completed", "image_edit.completed"})


class Images:
    """The tally of images, made or edited."""

    mark: Final = b'"usage"'
    sums: Final = b""
    early: Final = True
    wanted: Final[Mapping[str, Wanted]] = {
        "type": None,
        "usage": None,
        "svg_usage": None,
        "data": Each({}),
    }

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._sum = Sum()
        self._sum.model = asked.model

    def take(self, record: Record) -> bool:
        """Take an image that is done, or all of them at once."""
        made = len(elements(record, "data")) or int(text(record, "type") in _ENDS)
        if not made:
            return False
        usage = record.get("usage")
        try:
            used = _tokens(usage)
            cost = own_cost(self._asked.provider, usage)
            drawn, extra = self._drawn(record.get("svg_usage"))
        except Unreadable:
            self._sum.give_up()
            return True
        units = {Measure.IMAGE: made}
        if used != Tokens():
            units |= tokens_used(used)
        if cost is not None:
            self._sum.add(units, cost, Source.PROVIDER)
            return True
        # Without tokens they are paid by the piece, which is known before.
        self._sum.add(units, self._asked.cost(used, None) if used != Tokens() else None)
        if drawn != Tokens():
            self._sum.add(tokens_used(drawn), extra)
        return True

    def _drawn(self, usage: Any) -> tuple[Tokens, int | None]:
        """Read what a model that draws by writing used besides. Raises `Unreadable`."""
        used = Tokens(
            input=count(usage, "input_tokens"),
            output=count(usage, "output_tokens"),
            reasoning=min(count(usage, "reasoning_tokens"), count(usage, "output_tokens")),
        )
        return used, self._asked.cost(used, part(usage, "model"))

    def reading(self, *, whole: bool) -> Reading | None:  # noqa: ARG002 - each end is told
        """Give the sum of the images."""
        return self._sum.reading()


def _tokens(usage: Any) -> Tokens:
    """Read the usage of GPT Image models. Raises `Unreadable`."""
    output = count(usage, "output_tokens")
    written = count(usage, "output_tokens_details", "text_tokens")
    return Tokens(
        input=count(usage, "input_tokens"),
        input_image=count(usage, "input_tokens_details", "image_tokens"),
        output=output,
        output_image=max(0, output - written),
    )
