"""Anthropic's messages: what the start tells of the input, the end completes.

https://platform.claude.com/docs/en/api/messages, and the types of its Python SDK.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from metering.answers.figures import Asked, Unreadable, count, own_cost, part, text, tokens_used
from metering.answers.skim import Record, Wanted
from metering.answers.sums import Sum
from metering.prices import Tokens
from metering.quotes import Reading, Source

_MESSAGE: Final[Mapping[str, Wanted]] = {"model": None, "usage": None}


class Message:
    """The tally of one message."""

    mark: Final = b'"usage"'
    sums: Final = b""
    wanted: Final[Mapping[str, Wanted]] = {**_MESSAGE, "type": None, "message": _MESSAGE}

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._usage: dict[str, Any] = {}
        self._model: object = None
        self._ended = False

    @property
    def early(self) -> bool:
        """Tell whether the start is still to come."""
        return not self._usage

    def take(self, record: Record) -> bool:
        """Take an event, or the message that is the whole answer."""
        kind = text(record, "type")
        message = record.get("message") if kind == "message_start" else record
        usage = part(message, "usage")
        if not isinstance(usage, dict):
            return False
        if kind in {"message_start", "message"}:
            self._model = part(message, "model")
        # The start only knows the first token of the output: by itself it tells too little.
        self._ended = self._ended or kind != "message_start"
        # Counts are cumulative; what the end doesn't repeat stays as it was.
        self._usage |= {name: value for name, value in usage.items() if value is not None}
        return True

    def reading(self, *, whole: bool) -> Reading | None:  # noqa: ARG002 - the end is told
        """Give what the message used; None if it broke off before its end told."""
        if not self._ended:
            return None
        try:
            return self._worth()
        except Unreadable:
            return None

    def _worth(self) -> Reading | None:
        """Price what was used. Raises `Unreadable`."""
        usage, searches = self._usage, count(self._usage, "server_tool_use", "web_search_requests")
        plain = self._priced([usage], searches)
        own = own_cost(self._asked.provider, usage)
        if own is not None:
            return Reading(plain.used, own, Source.PROVIDER, plain.model)
        if not any(plain.used.values()):
            return None
        # Turns that compact the conversation or ask another model are no part of the figures above
        # them: https://platform.claude.com/docs/en/build-with-claude/compaction
        turns = usage.get("iterations")
        if not isinstance(turns, list) or not turns:
            return plain
        parts = self._priced(turns, searches)
        if plain.cost is None or parts.cost is None:
            return replace(parts, cost=None)
        return parts if parts.cost > plain.cost else plain

    def _priced(self, parts: list[Any], searches: int) -> Reading:
        summed = Sum()
        summed.model = self._asked.model_of(self._model)
        for one in parts:
            used = _tokens(one)
            summed.add(tokens_used(used), self._cost(used, part(one, "model") or self._model))
        if searches:
            summed.add({}, self._cost(Tokens(web_searches=searches), self._model))
        return summed.reading() or Reading()

    def _cost(self, used: Tokens, model: object) -> int | None:
        fast = self._usage.get("speed") == "fast"
        tier = "fast" if fast else self._usage.get("service_tier")
        return self._asked.cost(used, model, tier, self._usage.get("inference_geo"))


def _tokens(usage: Any) -> Tokens:
    """Read the usage of a message or of one of its turns. Raises `Unreadable`."""
    read = count(usage, "cache_read_input_tokens")
    usual = count(usage, "cache_creation", "ephemeral_5m_input_tokens")
    hour = count(usage, "cache_creation", "ephemeral_1h_input_tokens")
    # The breakdown is the start's, the total the end's: what came in between is of the dearer kind
    # that was there.
    later = max(0, count(usage, "cache_creation_input_tokens") - usual - hour)
    return Tokens(
        input=count(usage, "input_tokens") + read + usual + hour + later,
        cache_read=read,
        cache_write=usual + (0 if hour else later),
        cache_write_hour=hour + (later if hour else 0),
        output=count(usage, "output_tokens"),
    )
