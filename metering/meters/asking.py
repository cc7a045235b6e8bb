"""Quotes calls of models: each body is read and bounded, and its answer given a reader."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from metering.answers.forms import Form
from metering.answers.readers import reader
from metering.bodies import Json, Unreadable, json_object
from metering.bounds import Ask, Unbounded
from metering.operations import Quoting
from metering.quotes import Edit, Quote, Request


@dataclass(frozen=True, slots=True)
class Bid:
    """A request that has a bound."""

    ask: Ask
    capping: tuple[Edit, ...] = ()
    """What must be put in for the bound to hold."""
    output_cap: int | None = None
    """The tokens of one answer to which `capping` limits it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read."""

    body: Json
    raw: bytes
    request: Request
    places: Mapping[str, str]


Bidding = Callable[[Asked], Bid]
"""Finds the bound of a request. Raises `Unbounded`."""


def asking(
    operation: str,
    form: Form,
    provider: str,
    bidding: Bidding,
    *,
    model_of: Callable[[Json, Mapping[str, str]], object] = lambda body, _: body.get("model"),
    edits_of: Callable[[Json], tuple[Edit, ...]] = lambda _: (),
) -> Quoting:
    """Make what quotes an operation that takes a JSON object and answers in a known form.

    Where there is no bound, the answer is read all the same: no ceiling may govern the call.
    """

    def quoting(request: Request, places: Mapping[str, str]) -> Quote:
        try:
            body = json_object(request.body, request.content_type)
        except Unreadable as refusal:
            return Quote(
                operation, why=str(refusal), reader=reader(form, provider=provider, model=None)
            )
        model, tier = model_of(body, places), body.get("service_tier")
        edits = edits_of(body)
        reading = reader(
            form,
            provider=provider,
            model=model if isinstance(model, str) else None,
            tier=tier if isinstance(tier, str) else None,
            strip_usage=bool(edits),
        )
        try:
            bid = bidding(Asked(body, request.body or b"", request, places))
            return bid.ask.quote(
                operation,
                reading,
                edits=edits,
                capping=bid.capping,
                output_cap=bid.output_cap,
            )
        except Unbounded as refusal:
            return Quote(
                operation,
                model=model if isinstance(model, str) else None,
                at_most=refusal.at_most,
                why=str(refusal),
                edits=edits,
                reader=reading,
            )

    return quoting
