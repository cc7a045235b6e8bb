"""Reserve the worst case, call, settle: how a call passes under its owner's ceilings.

Pieces of the two transactions of every call. A reservation is HELD until the request may leave,
DISPATCHED from then on, and ends SETTLED, RELEASED or DISPUTED, once. Whatever crashes, what had
been dispatched counts in full: a crash can cost budget, never pass a ceiling.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from broker import ceilings, holds, ledger, prices
from broker.ceilings import CALLS, MOVED, USD, Ceiling
from broker.errors import (
    BoundAboveCeiling,
    CallFailure,
    CeilingHit,
    CeilingRefused,
    HoldsInFlight,
    NotPriceable,
)
from broker.holds import Hold
from broker.money import shown
from metering import Charge, Moved, Quote, Rates, Source, Unpriceable, at_most
from store import Owner, Tx

_FROZEN: Final = (
    "This model cost more than the bound that was reserved for it, so no ceiling lets it in. Look "
    "at the call, then set its price with setPrice."
)


class End(StrEnum):
    """How a reservation ends."""

    SETTLED = "SETTLED"
    RELEASED = "RELEASED"
    DISPUTED = "DISPUTED"


class Admission(NamedTuple):
    """A call that may go out, and what it holds."""

    bound: int | None
    """Nano-dollars; None where no bound is known and no ceiling asked for one."""
    rates: Rates
    governed: bool
    """At least one ceiling counts dollars for this call."""
    holds: tuple[Hold, ...]
    """What it holds of its ceilings."""
    remaining: int | None
    """Nano-dollars that the tightest of its ceilings has left beside it; None: there is none."""


class Verdict(NamedTuple):
    """What a call came to."""

    end: End
    charge: Charge | None
    """Dollars; None where nothing was charged, or where what was is not known: see `end`."""
    moved: Moved | None = None


def admit(  # noqa: PLR0917 - of the hot path
    tx: Tx,
    owner: Owner,
    call: str,
    tool: str,
    provider: str,
    quote: Quote,
    *,
    dispatched: bool,
    at: int,
) -> Admission | CallFailure:
    """Let a call in under its owner's ceilings, or give why not.

    A refusal is given back, not raised: that a ceiling is hit now must be kept.
    """
    governing = ceilings.governing(tx, owner, provider=provider, tool=tool)
    rates, frozen = prices.of_call(tx, owner, provider)
    try:
        bound: int | None = at_most(quote, rates)
    except Unpriceable as unpriceable:
        if _counts(governing, USD):
            return NotPriceable(str(unpriceable))
        bound = None
    if not governing:
        return Admission(bound, rates, governed=False, holds=(), remaining=None)
    if quote.model in frozen and _counts(governing, USD):
        return NotPriceable(_FROZEN)
    try:
        amounts = [(ceiling, _amount(ceiling, governing, quote, bound)) for ceiling in governing]
    except Unpriceable as unpriceable:
        return NotPriceable(str(unpriceable))
    refusal = _judge(tx, owner, amounts, at)
    if refusal is not None:
        return refusal
    held = [(ceiling, amount) for ceiling, amount in amounts if amount]
    for ceiling, amount in held:
        _hold(tx, owner, call, ceiling, amount, dispatched=dispatched)
    left = [ceiling.remaining - amount for ceiling, amount in amounts if ceiling.unit == USD]
    return Admission(
        bound,
        rates,
        governed=bool(left),
        holds=tuple(
            Hold(ceiling.id, ceiling.epoch, amount, ceiling.unit) for ceiling, amount in held
        ),
        remaining=min(left, default=None),
    )


def top_up(  # noqa: PLR0917 - as `admit`
    tx: Tx, owner: Owner, call: str, tool: str, provider: str, amount: int, *, held: int, at: int
) -> CallFailure | None:
    """Hold more dollars for a call that goes on; give why not, where that can't be.

    A ceiling that was set since the call began gets what is `held` of the others as well: the call
    will be settled under it whole.
    """
    known = {hold.ceiling for hold in _open(tx, owner, call)}
    amounts = [
        (ceiling, amount if ceiling.id in known else held + amount)
        for ceiling in ceilings.governing(tx, owner, provider=provider, tool=tool)
        if ceiling.unit == USD
    ]
    refusal = _judge(tx, owner, amounts, at)
    if refusal is not None:
        return refusal
    for ceiling, more in amounts:
        _hold(tx, owner, call, ceiling, more, dispatched=True)
    return None


def dispatch(tx: Tx, owner: Owner, call: str) -> bool:
    """Note durably that the request may have left, before its first byte does.

    False where nothing is held any more: then it must not leave.
    """
    return bool(
        tx.run(
            "UPDATE reservations SET state = 'DISPATCHED'"
            " WHERE account = :account AND call = :call AND state = 'HELD'",
            account=owner.account,
            call=call,
        )
    )


def settle(  # noqa: PLR0917 - of the hot path
    tx: Tx,
    owner: Owner,
    call: str,
    tool: str,
    provider: str,
    model: str | None,
    admission: Admission,
    verdict: Verdict,
    *,
    grown: bool = False,
    at: int,
) -> None:
    """Settle what a call came to. The caller sees to it that this is done once a call.

    `grown` says that it holds more by now than it was admitted with: that was topped up.
    """
    charge = verdict.charge
    if charge is None and verdict.end is not End.RELEASED:
        charge = _unknown(admission)
    held = _open(tx, owner, call) if grown else admission.holds
    if held:
        _end_all(tx, owner, call, held, provider, model, verdict.end, charge, at)
    if charge is None:
        return
    entry = ledger.Entry(call, at, provider, tool, model)
    if charge.amount or charge.source is Source.UNPRICED:
        disputed = verdict.end is End.DISPUTED and admission.governed
        ledger.charge(tx, owner, entry, USD, charge, disputed=disputed)
    if verdict.moved is not None:
        moved = Charge(verdict.moved.amount, Source.USAGE)
        disputed = verdict.end is End.DISPUTED and bool(held)
        unit = MOVED + verdict.moved.currency
        ledger.charge(tx, owner, entry, unit, moved, disputed=disputed, number=2)


def _unknown(admission: Admission) -> Charge:
    """Give what counts for a call of which nobody knows what it cost."""
    if admission.bound is not None and (admission.governed or not admission.bound):
        return Charge(admission.bound, Source.BOUND)
    return Charge(0, Source.UNPRICED)


def give_up(tx: Tx, owner: Owner, call: str, *, at: int) -> None:
    """End what the call of a process that died still holds.

    What never left is released; what may have left counts in full, and is disputed.
    """
    never_left = holds.of_call(tx, owner, call, "HELD")
    lost = holds.of_call(tx, owner, call, "DISPATCHED")
    for hold in never_left:
        _end(tx, owner, call, hold, End.RELEASED, cost=0)
    for hold in lost:
        _end(tx, owner, call, hold, End.DISPUTED, cost=hold.amount)
    row = tx.one(
        "SELECT provider, tool, model, bound FROM calls WHERE account = :account AND id = :call",
        account=owner.account,
        call=call,
    )
    if row is None:
        return
    provider, tool, model, bound = row
    entry = ledger.Entry(call, at, provider, tool, model)
    for unit in {hold.unit for hold in lost} - {CALLS}:
        charge = Charge(holds.most(lost, unit), Source.BOUND)
        number = 1 if unit == USD else 2
        ledger.charge(tx, owner, entry, unit, charge, disputed=True, number=number)
    if bound != 0 and not any(hold.unit == USD for hold in (*never_left, *lost)):
        # No ceiling asked what it might cost; that it cost nothing nobody knows.
        ledger.charge(tx, owner, entry, USD, Charge(0, Source.UNPRICED))


def _counts(governing: Iterable[Ceiling], unit: str) -> bool:
    return any(ceiling.unit == unit for ceiling in governing)


def _amount(ceiling: Ceiling, governing: list[Ceiling], quote: Quote, bound: int | None) -> int:
    """Give what a call is to hold of a ceiling. Raises `Unpriceable`."""
    if ceiling.unit == USD:
        return bound or 0
    if ceiling.unit == CALLS:
        return 1
    if quote.moves_unknown:
        raise Unpriceable(
            "This call may move money, and how much can't be told from it. Send one that says its "
            "amount and currency, or take the ceiling on what is moved away."
        )
    if quote.moved is None:
        return 0
    unit = MOVED + quote.moved.currency
    if not _counts(governing, unit):
        raise Unpriceable(
            f"There is a ceiling on what is moved here, but none in {quote.moved.currency.upper()}."
            " Set one for that currency."
        )
    return quote.moved.amount if ceiling.unit == unit else 0


def _judge(
    tx: Tx, owner: Owner, amounts: Iterable[tuple[Ceiling, int]], at: int
) -> CeilingRefused | None:
    """Give why amounts do not fit under their ceilings; None where they do.

    A ceiling is closed only by a call that no other one refuses for good: else a tool could close
    its owner's total by calls that its own ceiling never lets through.
    """
    # What costs nothing passes even where a ceiling is hit.
    unfit = [(one, amount) for one, amount in amounts if amount and amount > one.remaining]
    for one, amount in unfit:
        if one.hit_at is not None:
            return _refused(
                CeilingHit, "The ceiling is hit. Its owner can reset or raise it.", one, amount
            )
    for one, amount in unfit:
        if amount > one.limit:
            return _refused(
                BoundAboveCeiling,
                "This call alone might cost more than the whole ceiling. Limit its output, or "
                "raise it.",
                one,
                amount,
            )
    for one, amount in unfit:
        if one.settled + one.excess + amount > one.limit:
            ceilings.hit(tx, owner, one, at=at)
            return _refused(
                CeilingHit,
                "This call might pass the ceiling, which is hit now. Its owner can reset or raise "
                "it.",
                one,
                amount,
            )
    if not unfit:
        return None
    one, amount = unfit[0]
    return _refused(
        HoldsInFlight,
        "Calls that are running hold what is left of the ceiling. Try again in a second.",
        one,
        amount,
    )


def _refused(
    failure: type[CeilingRefused], why: str, ceiling: Ceiling, amount: int
) -> CeilingRefused:
    refusal = failure(why)
    refusal.facts = {
        "ceiling": ceiling.id,
        "limit": shown(ceiling.limit, ceiling.unit),
        "settled": shown(ceiling.settled, ceiling.unit),
        "held": shown(ceiling.held, ceiling.unit),
        "bound": shown(amount, ceiling.unit),
        "unit": ceiling.unit,
        "reason": failure.code,
    }
    return refusal


def _hold(
    tx: Tx, owner: Owner, call: str, ceiling: Ceiling, amount: int, *, dispatched: bool
) -> None:
    """Hold an amount. The condition stands in the statement: nobody comes in between."""
    taken = tx.run(
        "UPDATE ceilings SET held = held + :amount WHERE account = :account AND id = :ceiling"
        " AND epoch = :epoch AND hit_at IS NULL AND closed_at IS NULL"
        " AND settled + held + excess + :amount <= wanted",
        account=owner.account,
        ceiling=ceiling.id,
        epoch=ceiling.epoch,
        amount=amount,
    )
    if taken != 1:
        raise HoldsInFlight("The ceiling changed in this very moment. Try again.")
    tx.run(
        "INSERT INTO reservations (account, call, ceiling, epoch, state, amount)"
        " VALUES (:account, :call, :ceiling, :epoch, :state, :amount)"
        " ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
        account=owner.account,
        call=call,
        ceiling=ceiling.id,
        epoch=ceiling.epoch,
        state="DISPATCHED" if dispatched else "HELD",
        amount=amount,
    )


def _end_all(  # noqa: PLR0917 - a step of `settle`, with what that has
    tx: Tx,
    owner: Owner,
    call: str,
    held: tuple[Hold, ...],
    provider: str,
    model: str | None,
    end: End,
    charge: Charge | None,
    at: int,
) -> None:
    """End every reservation of a call; dollars at what was charged, other units as they were."""
    over = 0
    if charge is not None and any(hold.unit == USD for hold in held):
        over = max(0, charge.amount - holds.most(held, USD))
    left: dict[str, int] = {}
    for hold in sorted(held, key=lambda hold: hold.epoch):
        charged = hold.amount
        if end is End.RELEASED:
            charged = 0
        elif hold.unit == USD and charge is not None:
            # A conversation may hold of two epochs of one ceiling: the older is filled first.
            charged = left.get(hold.ceiling, charge.amount)
        cost = min(charged, hold.amount)
        left[hold.ceiling] = charged - cost
        is_last = not any(
            other.ceiling == hold.ceiling and other.epoch > hold.epoch for other in held
        )
        excess = over if hold.unit == USD and is_last else 0
        now = _end(tx, owner, call, hold, end, cost=cost, excess=excess)
        if now is not None:
            ceilings.warn(tx, owner, now, at=at)
            if excess:
                ceilings.exceeded(tx, owner, now, at=at)
    if over and model is not None:
        prices.freeze(tx, owner, provider, model, at=at)


def _open(tx: Tx, owner: Owner, call: str) -> tuple[Hold, ...]:
    """Give what a call still holds."""
    return holds.of_call(tx, owner, call, "HELD", "DISPATCHED")


def _end(
    tx: Tx, owner: Owner, call: str, hold: Hold, end: End, *, cost: int, excess: int = 0
) -> Ceiling | None:
    """End one reservation, and move what it held; give its ceiling if that is still in force."""
    if not tx.run(
        "UPDATE reservations SET state = :state, cost = :cost"
        " WHERE account = :account AND call = :call AND ceiling = :ceiling AND epoch = :epoch"
        " AND state IN ('HELD', 'DISPATCHED')",
        account=owner.account,
        call=call,
        ceiling=hold.ceiling,
        epoch=hold.epoch,
        state=end,
        cost=cost,
    ):
        return None  # ended before
    tx.run(
        "UPDATE ceilings SET held = held - :amount, settled = settled + :cost,"
        " excess = min(:most, excess + :excess)"
        " WHERE account = :account AND id = :ceiling AND epoch = :epoch",
        account=owner.account,
        ceiling=hold.ceiling,
        epoch=hold.epoch,
        amount=hold.amount,
        cost=cost,
        excess=excess,
        most=ceilings.HIGHEST,
    )
    # Not RETURNING: SQLite makes a table for that, which takes longer than reading the row.
    return ceilings.of_epoch(tx, owner, hold.ceiling, hold.epoch)
