"""What a test does with somebody's ceilings, and what it sees of their money."""

import json
from typing import Any

import httpx

from broker import calls
from broker.calls import Call
from broker.ceilings import USD, Ceiling, Ceilings
from broker.commitments import Commitments
from broker.ledger import By, Ledger
from broker.prices import Prices
from keysteward.masterkey import keyring_of
from metering import Measure, Source
from store import changes
from store.changes import Change, Kind
from tests.kit.installation import HeldTool, Installation, Person

DOLLAR = 10**9
CENT = DOLLAR // 100
CHATS = "/v1/chat/completions"
CHAT: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Who?"}],
    "max_tokens": 20,
}
STREAM = CHAT | {"stream": True}


class Purse:
    """One account's money."""

    def __init__(self, house: Installation, person: Person) -> None:
        keyring = keyring_of(house.config)
        self._house = house
        self._person = person
        self._owner = person.owner
        self.ceilings = Ceilings(house.store, keyring, house.clock)
        self.ledger = Ledger(house.store, keyring, house.clock)
        self.prices = Prices(house.store, keyring, house.clock)
        self.commitments = Commitments(house.store, keyring, house.clock)

    async def limit(
        self,
        limit: int = DOLLAR,
        *,
        provider: str | None = "openai",
        tool: HeldTool | None = None,
        unit: str = USD,
    ) -> str:
        """Set a ceiling, and give its id."""
        made = await self.ceilings.set(
            self._owner, limit, provider=provider, tool=None if tool is None else tool.id, unit=unit
        )
        return made.id

    async def reset(self, ceiling: str) -> None:
        await self.ceilings.reset(self._owner, ceiling)

    async def price(self, amount: int, item: str = "gpt-4o-mini", provider: str = "openai") -> None:
        """Have each request of a model or an operation cost so many nano-dollars."""
        await self.prices.set(self._owner, provider, item, {Measure.REQUEST: amount})

    async def one(self, ceiling: str | None = None) -> Ceiling:
        """Give a ceiling as it stands; the only one, where none is named."""
        found = await self.ceilings.every(self._owner)
        (one,) = [each for each in found if ceiling in {None, each.id}]
        return one

    async def used(self, ceiling: str | None = None) -> tuple[int, int]:
        """Give what is settled and what is held, once the books of all calls are closed."""
        await self._person.calls_ended(0)
        one = await self.one(ceiling)
        return one.settled, one.held

    async def ended(self, count: int = 1) -> Call:
        """Give the newest call, once there are so many and their books are closed."""
        return (await self._person.calls_ended(count))[0]

    async def came_to(self, count: int = 1) -> tuple[int | None, Source | None, bool]:
        """Give the newest call's cost, where that comes from, and whether it is disputed."""
        call = await self.ended(count)
        return call.cost, call.source, call.disputed

    async def spent(self) -> int:
        """Give what the ledger adds up to."""
        spend = await self.ledger.spend(self._owner, By.PROVIDER, since=None, until=None)
        return sum(one.amount for one in spend)

    async def release(self, call: str, cost: int = 0) -> int:
        return await self.ledger.release(self._owner, call, cost)

    async def told(self, *kinds: Kind) -> list[Change]:
        """Give the changes of these kinds that the owner's log has, oldest first."""
        rows = await self._house.store.read(
            lambda tx: tx.all(
                f"SELECT {changes._COLUMNS} FROM changes WHERE account = :a ORDER BY seq",  # noqa: S608
                a=self._owner.account,
            )
        )
        return [change for change in map(changes._change, rows) if change.kind in kinds]

    async def states(self) -> list[str]:
        """Give what became of each reservation, oldest first."""
        rows = await self._house.store.read(
            lambda tx: tx.all(
                "SELECT state FROM reservations WHERE account = :a ORDER BY call, ceiling, epoch",
                a=self._owner.account,
            )
        )
        return [str(state) for (state,) in rows]


async def chat(
    house: Installation, tool: HeldTool, path: str = CHATS, provider: str = "openai", **body: Any
) -> httpx.Response:
    """Make a call; a chat unless it is said otherwise."""
    async with client(house, tool, provider) as asking:
        return await asking.post(path, json=CHAT | body if path == CHATS else body)


def client(house: Installation, tool: HeldTool, provider: str = "openai") -> httpx.AsyncClient:
    """Give a plain HTTP client of a provider's base URL."""
    return house.client(tool.token, provider)


def refused(answer: httpx.Response) -> tuple[str, bool]:
    """Give why a ceiling refused a call, and whether trying again may help."""
    assert answer.status_code == 402, answer.text
    error: dict[str, Any] = json.loads(answer.content)["error"]
    return error["code"], answer.headers["x-should-retry"] == "true"


async def given_up(house: Installation) -> None:
    """Have another process take this one for dead; it lists itself again with its next pulse."""
    at = house.clock.now
    await house.store.write(lambda tx: calls.give_up_on_the_dead(tx, silent_since=at + 1, at=at))
