"""Gemini's answers: an object, an array of them, or events. The last one's usage is the sum.

https://ai.google.dev/api/generate-content#UsageMetadata
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from metering.answers.figures import Asked, Unreadable, count, elements, part, text, tokens_used
from metering.answers.skim import Each, Record, Wanted
from metering.prices import Tokens
from metering.quotes import Reading

_BY_PROMPT: Final = re.compile(r"gemini-[12]\b")
"""Models whose grounding is paid by the prompt, however many searches it takes; newer ones by the
search: https://ai.google.dev/gemini-api/docs/pricing"""


class Generated:
    """The tally of generated content, or of embeddings."""

    mark: Final = b'"usageMetadata"'
    sums: Final = b'"webSearchQueries"'
    early: Final = False
    wanted: Final[Mapping[str, Wanted]] = {
        "modelVersion": None,
        "usageMetadata": None,
        "promptFeedback": {"blockReason": None},
        "candidates": Each(
            {
                "finishReason": None,
                "groundingMetadata": {
                    "webSearchQueries": None,
                    "groundingChunks": Each({"maps": {}}),
                },
            }
        ),
        "error": {},
    }

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._told: Record = {}
        self._searches = 0
        self._maps = False

    def take(self, record: Record) -> bool:
        """Take an event, or an object of the answer."""
        for candidate in elements(record, "candidates"):
            grounding = part(candidate, "groundingMetadata")
            # Each event that tells the searches tells all so far.
            self._searches = max(self._searches, len(elements(grounding, "webSearchQueries")))
            chunks = elements(grounding, "groundingChunks")
            self._maps = self._maps or any(part(chunk, "maps") is not None for chunk in chunks)
        if not isinstance(record.get("usageMetadata"), dict):
            return False
        self._told = record
        return True

    def reading(self, *, whole: bool) -> Reading | None:
        """Give the usage of the last event that told it, unless others were to follow."""
        told = self._told
        usage = told.get("usageMetadata")
        if usage is None or not (whole or _is_last(told)):
            return None
        asked, answered = self._asked, told.get("modelVersion")
        model = asked.model_of(answered)
        searches = self._searches
        if searches and model is not None and _BY_PROMPT.match(model):
            searches = 1
        try:
            used = _tokens(usage, searches)
        except Unreadable:
            return None
        if used == Tokens():
            return None
        # What places on a map cost is in no list.
        cost = None if self._maps else asked.cost(used, answered, part(usage, "serviceTier"))
        return Reading(tokens_used(used), cost, model=model)


def _is_last(event: Record) -> bool:
    candidates = elements(event, "candidates")
    ended = any(part(candidate, "finishReason") is not None for candidate in candidates)
    blocked = part(event, "promptFeedback", "blockReason") is not None
    return ended or blocked or "error" in event


def _tokens(usage: Any, searches: int) -> Tokens:
    """Read `usageMetadata`. Raises `Unreadable`."""
    tools = count(usage, "toolUsePromptTokenCount")
    asked = count(usage, "promptTokenCount") + tools
    thought = count(usage, "thoughtsTokenCount")
    said = count(usage, "candidatesTokenCount") + thought
    # Of a kind that isn't counted apart, the total still knows.
    output = max(said, count(usage, "totalTokenCount") - asked)
    into = _kinds(usage, "promptTokensDetails", "toolUsePromptTokensDetails")
    cached = _kinds(usage, "cacheTokensDetails")
    out = _kinds(usage, "candidatesTokensDetails")
    return Tokens(
        input=asked,
        cache_read=count(usage, "cachedContentTokenCount"),
        input_audio=into["AUDIO"],
        input_image=into["IMAGE"] + into["DOCUMENT"],
        input_video=into["VIDEO"],
        cache_read_audio=cached["AUDIO"],
        cache_read_image=cached["IMAGE"] + cached["DOCUMENT"],
        output=output,
        reasoning=thought,
        output_audio=out["AUDIO"],
        output_image=out["IMAGE"],
        output_video=out["VIDEO"],
        web_searches=searches,
    )


def _kinds(usage: Any, *names: str) -> dict[str, int]:
    """Add up the tokens of each kind of content. Raises `Unreadable`."""
    found = dict.fromkeys(("TEXT", "IMAGE", "DOCUMENT", "VIDEO", "AUDIO"), 0)
    for name in names:
        for detail in elements(usage, name):
            kind = text(detail, "modality")
            if kind in found:
                found[kind] += count(detail, "tokenCount")
    return found
