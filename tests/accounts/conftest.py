"""Parts of `people`, and the mail that waits for its delivery."""

from dataclasses import dataclass
from typing import Any

import pytest

from accounts.outbox import Outbox, Waiting
from accounts.people import People
from accounts.sessions import Sessions
from accounts.tools import Tools
from keysteward.box import SealedBox
from store import Store
from vault.keyring import Keyring


@pytest.fixture
def sessions(people: People) -> Sessions:
    return people.sessions


@pytest.fixture
def tools(people: People) -> Tools:
    return people.tools


@dataclass(frozen=True)
class Letters:
    """The letters that wait in the outbox, opened."""

    store: Store
    outbox: Outbox

    async def all(self) -> list[Waiting]:
        rows = await self.store.read(
            lambda tx: tx.all(
                "SELECT id, account, letter, sealed, created_at, tries FROM outbox ORDER BY id"
            )
        )
        return [waiting for row in rows if (waiting := self.outbox.opened(row))]

    async def last(self, letter: str) -> dict[str, Any]:
        """Give what the newest letter of that kind says."""
        return dict([each for each in await self.all() if each.letter == letter][-1].facts)

    async def ticket(self, letter: str, link: str = "link") -> str:
        """Give the ticket behind a link of the newest letter of that kind."""
        return str((await self.last(letter))[link]).partition("#")[2]


@pytest.fixture
def letters(store: Store, keyring: Keyring) -> Letters:
    return Letters(store, Outbox(SealedBox(keyring)))
