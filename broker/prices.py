"""The owner's own prices, which go before the list's; and models whose list price failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import audit
from audit import Act, Signer
from broker.errors import PriceUnfit
from metering import Measure, Rates
from store import Clock, Owner, Store, Tx, changes
from store.changes import Kind

_FROZEN: Final = "FROZEN"
_HIGHEST: Final = 10**15
_LONGEST_ITEM: Final = 100


@dataclass(frozen=True, slots=True)
class Price:
    """What one item costs by its owner's word: nano-dollars a unit, a million of tokens."""

    provider: str
    item: str
    rates: Mapping[Measure, int]
    set_at: int


def of_call(tx: Tx, owner: Owner, provider: str) -> tuple[Rates, frozenset[str]]:
    """Give the owner's prices at a provider, and the models there that no ceiling lets in."""
    rates: dict[str, dict[Measure, int]] = {}
    frozen: set[str] = set()
    rows = tx.all(
        "SELECT item, measure, rate FROM prices WHERE account = :account AND provider = :provider"
        " UNION ALL SELECT item, 'FROZEN', 0 FROM frozen"
        " WHERE account = :account AND provider = :provider",
        account=owner.account,
        provider=provider,
    )
    for item, measure, rate in rows:
        if measure == _FROZEN:
            frozen.add(item)
        else:
            rates.setdefault(item, {})[Measure(measure)] = rate
    return rates, frozenset(frozen)


def freeze(tx: Tx, owner: Owner, provider: str, item: str, *, at: int) -> None:
    """Let no ceiling admit a model any more: it cost more than the bound that we gave."""
    tx.run(
        "INSERT INTO frozen (account, provider, item, at) VALUES (:account, :provider, :item, :at)"
        " ON CONFLICT DO NOTHING",
        account=owner.account,
        provider=provider,
        item=item,
        at=at,
    )


class Prices:
    """What an owner does with prices."""

    def __init__(self, store: Store, signer: Signer, clock: Clock) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock

    async def every(self, owner: Owner) -> list[Price]:
        """Give the owner's prices, by provider and item."""
        rows = await self._store.read(
            lambda tx: tx.all(
                "SELECT provider, item, measure, rate, set_at FROM prices"
                " WHERE account = :account ORDER BY provider, item, measure",
                account=owner.account,
            )
        )
        found: dict[tuple[str, str], Price] = {}
        for provider, item, measure, rate, set_at in rows:
            price = found.get((provider, item))
            rates = {**(price.rates if price else {}), Measure(measure): rate}
            found[provider, item] = Price(provider, item, rates, set_at)
        return list(found.values())

    async def set(
        self, owner: Owner, provider: str, item: str, rates: Mapping[Measure, int]
    ) -> Price:
        """Set what an item costs, wholly; no rates: the list's price counts again.

        A model that was frozen is let in again, under this price. Raises `PriceUnfit`.
        """
        if not 0 < len(item) <= _LONGEST_ITEM or not item.isprintable():
            raise PriceUnfit(f"An item has 1 to {_LONGEST_ITEM} characters, or is `*`.")
        if any(not 0 <= rate <= _HIGHEST for rate in rates.values()):
            raise PriceUnfit("A price is between 0 and a million dollars.")
        at = self._clock()

        def unit(tx: Tx) -> None:
            for table in ("prices", "frozen"):
                tx.run(
                    f"DELETE FROM {table} WHERE account = :account AND provider = :provider"  # noqa: S608
                    " AND item = :item",
                    account=owner.account,
                    provider=provider,
                    item=item,
                )
            for measure, rate in rates.items():
                tx.run(
                    "INSERT INTO prices (account, provider, item, measure, rate, set_at)"
                    " VALUES (:account, :provider, :item, :measure, :rate, :at)",
                    account=owner.account,
                    provider=provider,
                    item=item,
                    measure=measure,
                    rate=rate,
                    at=at,
                )
            audit.record(tx, self._signer, owner, Act.PRICE_SET, at=at, subject=provider)
            changes.append(tx, owner, Kind.PRICE_SET, at=at, provider=provider)

        await self._store.write(unit)
        return Price(provider, item, dict(rates), at)
