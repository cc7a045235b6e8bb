"""The parts that know money, as fields are handed them."""

from dataclasses import dataclass

from broker.ceilings import Ceilings
from broker.commitments import Commitments
from broker.ledger import Ledger
from broker.prices import Prices


@dataclass(frozen=True, slots=True)
class Money:
    """Ceilings, what was spent under them, at which prices, and what costs by the hour."""

    ceilings: Ceilings
    ledger: Ledger
    prices: Prices
    commitments: Commitments
