"""Perplexity: what its answers and searches cost. https://docs.perplexity.ai/docs/getting-started/pricing.

A request of a Sonar model costs a fee besides its tokens, of which the list has the dearest. Its
agent is bounded where it is given no tools and no preset, which would bring tools.
"""

from typing import Final

from metering.bounds import BY_REQUEST, Ask, Unbounded, shown
from metering.meters.asking import Asked
from metering.meters.chats import PLAIN, Dialect, chat, embedding
from metering.meters.responses import Host, response
from metering.operations import Operation
from metering.quotes import NANO, Edit, Quote

_ID: Final = "perplexity"
_FILTERS: Final = frozenset(
    {
        "search_mode", "search_domain_filter", "search_recency_filter", "disable_search",
        "search_after_date_filter", "search_before_date_filter", "search_language_filter",
        "last_updated_after_filter", "last_updated_before_filter", "return_images",
        "return_related_questions", "language_preference", "enable_search_classifier",
        "web_search_options",
    }
)  # fmt: skip
_SEARCH: Final = 5 * NANO // 1_000
"""$5 for a thousand requests of the Search API."""


def _amend(ask: Ask, asked: Asked) -> tuple[Ask, tuple[Edit, ...]]:
    if "deep-research" in ask.model:
        raise Unbounded(
            f"How often {shown(ask.model)} searches and what it reads is not bounded. Use another "
            f"model, or {BY_REQUEST}."
        )
    options = asked.body.get("web_search_options")
    if isinstance(options, dict) and options.get("search_type") not in {None, "fast"}:
        raise Unbounded(
            f"What the search type {shown(str(options['search_type']))} may cost is not known. "
            f"Leave it out, or {BY_REQUEST}."
        )
    return ask, ()


_CHAT: Final = Dialect(_ID, PLAIN | _FILTERS, amend=_amend)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/chat/completions", chat(_CHAT)),
    Operation("POST", "/v1/chat/completions", chat(_CHAT)),
    Operation("POST", "/v1/agent", response(Host(_ID))),
    Operation("POST", "/v1/responses", response(Host(_ID))),
    Operation("POST", "/v1/embeddings", embedding(_ID)),
    Operation("POST", "/search", lambda _, __: Quote("search", price=_SEARCH, firm=True)),
)
