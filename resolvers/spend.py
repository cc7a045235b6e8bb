"""What the fields about spending do: what was spent, at which prices, what costs by the hour."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

import strawberry

from accounts.scopes import Scope
from broker.ledger import By
from metering import Measure
from providers import find
from resolvers.answers import answering
from resolvers.context import Info
from schema import money
from schema.inputs import EndCommitmentInput, RateInput, ReleaseDisputedInput, SetPriceInput
from schema.results import (
    CommitmentEnded,
    DisputeReleased,
    EndCommitmentResult,
    PriceSet,
    ReleaseDisputedResult,
    SetPriceResult,
)
from schema.scalars import InputUnfit, amount_of, dollars, microseconds_of


async def spend(
    info: Info,
    since: Annotated[dt.datetime | None, strawberry.argument(name="from")] = None,
    until: Annotated[dt.datetime | None, strawberry.argument(name="to")] = None,
    by: By = By.PROVIDER,
) -> list[money.Spend]:
    """Your spending from one moment until before another, dearest first; days in their order."""
    owner = await info.context.owner(Scope.KEYS_READ)
    found = await info.context.services.money.ledger.spend(
        owner,
        by,
        since=None if since is None else microseconds_of(since),
        until=None if until is None else microseconds_of(until),
    )
    tools = await info.context.tools_by_id(owner) if by is By.TOOL else {}
    return [money.Spend.of(row, tools) for row in found]


async def prices(info: Info) -> list[money.Price]:
    """Your own prices, which go before the list's."""
    owner = await info.context.owner(Scope.KEYS_READ)
    return [money.Price.of(row) for row in await info.context.services.money.prices.every(owner)]


async def commitments(info: Info) -> list[money.Commitment]:
    """Things that your calls made at providers, and that cost by the hour; oldest first."""
    owner = await info.context.owner(Scope.KEYS_READ)
    found = await info.context.services.money.commitments.running(owner)
    return [money.Commitment.of(row) for row in found]


@answering
async def set_price(info: Info, input: SetPriceInput) -> SetPriceResult:  # noqa: A002
    """Say what an item costs, wholly; with no rates, the list's price counts again.

    Needs a fresh login, or a user token that was given `ceilings:write`.
    """
    owner = await info.context.proven_owner_or(Scope.CEILINGS_WRITE)
    provider, rates = find(input.provider).id, _rates_of(input.rates)
    price = await info.context.services.money.prices.set(owner, provider, input.item, rates)
    return PriceSet(price=money.Price.of(price) if rates else None)


@answering
async def release_disputed(
    info: Info,
    input: ReleaseDisputedInput,  # noqa: A002
) -> ReleaseDisputedResult:
    """Say what a disputed call did cost; what counted beyond that is given back.

    Needs a fresh login, or a user token that was given `ceilings:write`.
    """
    owner = await info.context.proven_owner_or(Scope.CEILINGS_WRITE)
    cost = amount_of(input.cost, "cost")
    ledger = info.context.services.money.ledger
    back = await ledger.release(owner, input.call, cost, made=input.made)
    return DisputeReleased(call=input.call, given_back=dollars(back))


@answering
async def end_commitment(info: Info, input: EndCommitmentInput) -> EndCommitmentResult:  # noqa: A002
    """Say that something is gone at its provider though no call deleted it: its hours end.

    Needs a fresh login, or a user token that was given `ceilings:write`.
    """
    owner = await info.context.proven_owner_or(Scope.CEILINGS_WRITE)
    await info.context.services.money.commitments.end(owner, input.provider, input.resource)
    return CommitmentEnded(provider=input.provider, resource=input.resource)


def _rates_of(sent: list[RateInput]) -> Mapping[Measure, int]:
    """Give the rates in nano-dollars. Raises `InputUnfit`."""
    rates = {rate.measure: amount_of(rate.amount, "amount") for rate in sent}
    if len(rates) != len(sent):
        raise InputUnfit("rates", "Give one rate for each measure.")
    return rates
