# ruff: noqa: D101, D102 - what a client reads stands in `description`; names say the rest
"""What a client sees of money: ceilings, what was spent, prices, what costs by the hour."""

import datetime as dt
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Self

import strawberry

from broker.ceilings import CALLS, MOVED, USD
from broker.ceilings import Ceiling as CeilingRow
from broker.commitments import Commitment as CommitmentRow
from broker.ledger import By
from broker.ledger import Spend as SpendRow
from broker.money import shown
from broker.prices import Price as PriceRow
from metering import Measure
from providers import CATALOGUE
from schema.problems import CursorExpired
from schema.scalars import Amount, Cursor, Dollars, cursor_of, dollars, instant, instant_or_none
from schema.types import Heartbeat, Provider, Tool, provider_or_none
from store.changes import Change

strawberry.enum(By, name="SpendGrouping", description="What spend is put together by.")
strawberry.enum(
    Measure, description="What providers count. A price of tokens is for a million of them."
)


@strawberry.enum(description="What a ceiling counts.")
class CeilingMeasure(Enum):
    SPEND = strawberry.enum_value("SPEND", description="What providers charge, in US dollars.")
    CALLS = strawberry.enum_value("CALLS", description="Calls, whatever they cost.")
    MOVED = strawberry.enum_value(
        "MOVED", description="Money of yours that calls move at a provider, in one currency."
    )


@strawberry.enum(description="Whether a ceiling lets calls in.")
class CeilingState(Enum):
    OPEN = strawberry.enum_value("OPEN", description="It does, for as long as they fit.")
    HIT = strawberry.enum_value(
        "HIT", description="It lets none in until it is reset or raised: it is or was used up."
    )


@strawberry.type(
    description="What you let a provider, a tool, or everything together use at most. Amounts are "
    "in its unit."
)
class Ceiling:
    id: strawberry.ID
    provider: Provider | None = strawberry.field(description="Null: all of them together.")
    tool: Tool | None = strawberry.field(description="Null: all of them together.")
    measure: CeilingMeasure
    currency: str | None = strawberry.field(
        description="By ISO 4217, in lower case; null where calls are counted."
    )
    limit: Amount
    settled: Amount = strawberry.field(description="What calls that have ended came to.")
    held: Amount = strawberry.field(description="What calls that run may come to at most.")
    remaining: Amount = strawberry.field(
        description="What is left for further calls; 0 once it is hit."
    )
    excess: Amount = strawberry.field(
        description="What a provider charged above the most that it had been said to: no call's "
        "reservation held it."
    )
    state: CeilingState
    epoch: int = strawberry.field(description="One more at each reset; each begins at nothing.")
    hit_at: dt.datetime | None
    set_at: dt.datetime
    opened_at: dt.datetime = strawberry.field(description="When this epoch began.")
    warned_percent: int = strawberry.field(
        description="Of 50, 80 and 95, the highest that has been passed in this epoch; or 0."
    )

    @classmethod
    def of(cls, row: CeilingRow, tools: Mapping[str, Tool]) -> Self:
        measure, currency = _counted(row.unit)
        return cls(
            id=strawberry.ID(row.id),
            provider=provider_or_none(row.provider),
            tool=None if row.tool is None else tools[row.tool],
            measure=measure,
            currency=currency,
            limit=_amount(row.limit, row.unit),
            settled=_amount(row.settled, row.unit),
            held=_amount(row.held, row.unit),
            remaining=_amount(row.remaining, row.unit),
            excess=_amount(row.excess, row.unit),
            state=_state(row),
            epoch=row.epoch,
            hit_at=instant_or_none(row.hit_at),
            set_at=instant(row.set_at),
            opened_at=instant(row.opened_at),
            warned_percent=row.warned,
        )


@strawberry.type(
    description="What was spent on one provider, tool, model or day; the others are null."
)
class Spend:
    provider: Provider | None = strawberry.field(description="Set with each model, too.")
    tool: Tool | None
    model: str | None
    day: dt.date | None = strawberry.field(description="In UTC.")
    amount: Dollars = strawberry.field(
        description="What is disputed with it. Below 0 where more was given back than charged."
    )
    disputed: Dollars = strawberry.field(
        description="Of that, what counts though nobody knows whether it was charged: "
        "releaseDisputed."
    )
    calls: int
    unpriced: int = strawberry.field(
        description="Of those, how many have no known price: they count as nothing here."
    )

    @classmethod
    def of(cls, row: SpendRow, tools: Mapping[str, Tool]) -> Self:
        return cls(
            provider=provider_or_none(row.provider),
            tool=None if row.tool is None else tools[row.tool],
            model=row.model,
            day=None if row.since is None else instant(row.since).date(),
            amount=dollars(row.amount),
            disputed=dollars(row.disputed),
            calls=row.calls,
            unpriced=row.unpriced,
        )


@strawberry.type
class Rate:
    measure: Measure
    amount: Dollars
    units: int = strawberry.field(
        description="For how many of them: a million tokens, one of anything else."
    )


@strawberry.type(description="A price of your own; it goes before the list's.")
class Price:
    provider: Provider
    item: str = strawberry.field(
        description="A model or an operation; `*` for what has no price otherwise."
    )
    rates: list[Rate]
    set_at: dt.datetime

    @classmethod
    def of(cls, row: PriceRow) -> Self:
        return cls(
            provider=Provider.of(CATALOGUE[row.provider]),
            item=row.item,
            rates=[
                Rate(measure=measure, amount=dollars(rate), units=measure.units_priced)
                for measure, rate in row.rates.items()
            ],
            set_at=instant(row.set_at),
        )


@strawberry.type(
    description="Something that a call made at a provider, and that costs by the hour until it is "
    "deleted there."
)
class Commitment:
    provider: Provider
    resource: str = strawberry.field(description="The provider's own name for it.")
    call: strawberry.ID = strawberry.field(description="That made it.")
    tool: strawberry.ID
    item: str | None = strawberry.field(description="What is paid for: a plan, a size.")
    hourly: Dollars
    since: dt.datetime
    paid_to: dt.datetime = strawberry.field(
        description="Each hour is charged as it begins; up to here they are."
    )

    @classmethod
    def of(cls, row: CommitmentRow) -> Self:
        return cls(
            provider=Provider.of(CATALOGUE[row.provider]),
            resource=row.resource,
            call=strawberry.ID(row.call),
            tool=strawberry.ID(row.tool),
            item=row.item,
            hourly=dollars(row.hourly),
            since=instant(row.since),
            paid_to=instant(row.paid_to),
        )


@strawberry.type(
    description="A ceiling lets no call in any more, until its owner resets or raises it. Amounts "
    "are in its unit, and as they are when this is told; null once the ceiling is taken away."
)
class CeilingHit:
    cursor: Cursor = strawberry.field(description="Resume after it.")
    ceiling: strawberry.ID
    provider: Provider | None = strawberry.field(description="Null: all of them together.")
    tool: strawberry.ID | None = strawberry.field(description="Null: all of them together.")
    hit_at: dt.datetime
    state: CeilingState | None = strawberry.field(
        description="OPEN where it has been reset or raised since."
    )
    measure: CeilingMeasure | None
    currency: str | None
    limit: Amount | None
    settled: Amount | None
    held: Amount | None

    @classmethod
    def of(cls, change: Change, row: CeilingRow | None) -> Self:
        if change.ceiling is None:
            raise ValueError("This change is of no ceiling.")
        measure, currency = (None, None) if row is None else _counted(row.unit)
        return cls(
            cursor=cursor_of(change.seq),
            ceiling=strawberry.ID(change.ceiling),
            provider=provider_or_none(change.provider),
            tool=None if change.tool is None else strawberry.ID(change.tool),
            hit_at=instant(change.at),
            state=None if row is None else _state(row),
            measure=measure,
            currency=currency,
            limit=None if row is None else _amount(row.limit, row.unit),
            settled=None if row is None else _amount(row.settled, row.unit),
            held=None if row is None else _amount(row.held, row.unit),
        )


CeilingHitEvent = Annotated[
    CeilingHit | Heartbeat | CursorExpired, strawberry.union("CeilingHitEvent")
]


def _counted(unit: str) -> tuple[CeilingMeasure, str | None]:
    """Give what a ceiling of that unit counts, and in which currency."""
    if unit == CALLS:
        return CeilingMeasure.CALLS, None
    if unit == USD:
        return CeilingMeasure.SPEND, USD
    return CeilingMeasure.MOVED, unit.removeprefix(MOVED)


def _amount(amount: int, unit: str) -> Amount:
    return Amount(shown(amount, unit))


def _state(row: CeilingRow) -> CeilingState:
    return CeilingState.OPEN if row.hit_at is None else CeilingState.HIT
