"""Identities: who somebody is elsewhere, by an id that never changes, sealed and vouched for."""

import asyncio
from pathlib import Path

import pytest

from accounts import identities
from accounts.errors import IdentityTaken, MeansGone
from accounts.identities import Identity
from accounts.identity_kind import IdentityKind
from accounts.outbox import Outbox
from keysteward.box import SealedBox
from store import Owner, ProvenOwner, Store
from tests.accounts.conftest import Letters
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from vault.keyring import Keyring

GOOGLE, GITHUB = IdentityKind.GOOGLE, IdentityKind.GITHUB
SUBJECT, NAME = "https://accounts.google.com 424242", "ada.lovelace@google.example"


class Desk:
    """Identities, each act in a transaction of its own."""

    def __init__(self, store: Store, keyring: Keyring, clock: MovedClock) -> None:
        self.store, self.keyring, self.clock = store, keyring, clock
        self.box = SealedBox(keyring)
        self.outbox = Outbox(self.box)

    async def link(
        self, owner: Owner, kind: IdentityKind = GOOGLE, subject: str = SUBJECT, name: str = NAME
    ) -> Identity:
        at = self.clock()
        return await self.store.write(
            lambda tx: identities.link(
                tx, self.box, self.keyring, self.outbox, owner, kind, subject, name, at=at
            )
        )

    async def find(self, kind: IdentityKind = GOOGLE, subject: str = SUBJECT) -> Identity | None:
        return await self.store.read(
            lambda tx: identities.find(tx, self.box, self.keyring, kind, subject)
        )

    async def every(self, owner: Owner) -> list[Identity]:
        return await self.store.read(lambda tx: identities.every(tx, self.box, self.keyring, owner))

    async def remove(self, owner: ProvenOwner, name: str) -> None:
        at = self.clock()
        await self.store.write(
            lambda tx: identities.remove(
                tx, self.box, self.keyring, self.outbox, owner, name, at=at
            )
        )

    async def run(self, sql: str) -> int:
        return await self.store.write(lambda tx: tx.run(sql))


@pytest.fixture
def desk(store: Store, keyring: Keyring, clock: MovedClock) -> Desk:
    return Desk(store, keyring, clock)


async def test_one_is_found_by_who_it_is_there_and_by_nothing_else(
    desk: Desk, ada: ProvenOwner, clock: MovedClock
) -> None:
    made = await desk.link(ada)
    assert await desk.find() == made
    assert (made.account, made.name, made.created_at) == (ada.account, NAME, clock())
    for kind, subject in ((GITHUB, SUBJECT), (GOOGLE, SUBJECT + "4"), (GOOGLE, NAME), (GOOGLE, "")):
        assert await desk.find(kind, subject) is None


async def test_kind_and_subject_do_not_run_into_each_other(desk: Desk, ada: ProvenOwner) -> None:
    await desk.link(ada, GITHUB, "1")
    assert await desk.find(GITHUB, " 1") is None
    assert await desk.find(GITHUB, "11") is None


async def test_the_name_decides_nothing_and_may_be_anybody_s(
    desk: Desk, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    await desk.link(ada)
    theirs = await desk.link(bob, subject="another", name=NAME)
    assert (await desk.find(subject="another")) == theirs


async def test_one_person_there_is_one_account_here(
    desk: Desk, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    made = await desk.link(ada)
    assert await desk.link(ada) == made  # said twice, it is linked once
    with pytest.raises(IdentityTaken):
        await desk.link(bob)
    assert await desk.every(bob) == []


async def test_of_two_accounts_that_link_one_at_once_one_has_it(
    desk: Desk, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    answers = await asyncio.gather(
        *(desk.link(owner) for owner in (ada, bob, ada, bob)), return_exceptions=True
    )
    owners = {each.account for each in answers if isinstance(each, Identity)}
    assert len(owners) == 1
    assert sum(isinstance(each, IdentityTaken) for each in answers) == 2


async def test_once_removed_somebody_else_may_link_it(
    desk: Desk, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    made = await desk.link(ada)
    with pytest.raises(MeansGone):
        await desk.remove(bob, made.id)
    await desk.remove(ada, made.id)
    assert await desk.find() is None
    with pytest.raises(MeansGone):
        await desk.remove(ada, made.id)
    assert (await desk.link(bob)).account == bob.account


async def test_neither_who_it_is_nor_the_name_is_in_any_file(
    desk: Desk, ada: ProvenOwner, data: Path
) -> None:
    await desk.link(ada)
    await desk.link(ada, IdentityKind.WHATSAPP, "+4915112345678", "+49 151 12345678")
    needles = (b"424242", NAME.encode(), b"ada.lovelace", b"15112345678", b"151 1234")
    assert files_with(data, *needles) == []


async def test_it_is_found_under_every_master_key_that_is_configured(
    store: Store, ada: ProvenOwner, clock: MovedClock
) -> None:
    old, new = Keyring.mint("old"), Keyring.mint("new")
    made = await Desk(store, Keyring.parse(old), clock).link(ada)
    after = Desk(store, Keyring.parse(f"{new},{old}"), clock)
    assert await after.find() == made
    assert await after.link(ada) == made
    assert await Desk(store, Keyring.parse(new), clock).find() is None


async def test_a_name_that_was_swapped_opens_nothing(
    desk: Desk, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    await desk.link(ada)
    theirs = await desk.link(bob, subject="another", name="bob")
    await desk.run(
        "UPDATE identities SET name = (SELECT name FROM identities AS other"
        " WHERE other.account <> identities.account)"
    )
    assert await desk.every(ada) == []
    assert await desk.find() is None
    assert await desk.every(bob) == [theirs]


async def test_letters_call_it_by_its_provider_and_name(
    desk: Desk, ada: ProvenOwner, letters: Letters
) -> None:
    made = await desk.link(ada)
    assert made.words == f"Google ({NAME})"
    assert await letters.last("MEANS_ADDED") == {"to": "ada@example.com", "what": made.words}


async def test_a_row_that_was_not_vouched_for_does_not_move_along(
    desk: Desk, store: Store, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    """Ada's id becomes Bob's here, as it does when an account takes another address."""
    await desk.link(ada)
    await desk.link(ada, GITHUB, "planted")
    await desk.run("UPDATE identities SET voucher = x'00' WHERE kind = 'GITHUB'")
    await store.write(
        lambda tx: tx.run(
            "UPDATE identities SET account = :bob WHERE account = :ada",
            bob=bob.account,
            ada=ada.account,
        )
    )
    await store.write(lambda tx: identities.move(tx, desk.box, desk.keyring, ada, bob))
    assert [each.kind for each in await desk.every(bob)] == [GOOGLE]
    assert await store.read(lambda tx: tx.all("SELECT kind FROM identities")) == [("GOOGLE",)]
    found = await desk.find()
    assert found is not None
    assert (found.account, found.name) == (bob.account, NAME)
