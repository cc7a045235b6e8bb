"""Invites: for one person, once, and worth as much as whoever made them."""

import asyncio

import pytest

from accounts import rows
from accounts.errors import (
    AddressTaken,
    AddressUnverified,
    InviteRequired,
    PasswordUnfit,
    SignUpClosed,
    TooManyTries,
)
from accounts.invites import LIFE, MOST_OPEN
from accounts.people import People
from store import Owner, ProvenOwner, Store, Tx
from store.clock import DAY
from tests.kit.clock import MovedClock
from tests.kit.people import ADA, settle_in
from vault.keyring import Keyring

PASSWORD = "correct horse battery"


@pytest.fixture
def environment() -> dict[str, str]:
    return {"KEYSTEWARD_SIGN_UP": "invite"}


async def joined(people: People, invite: str, name: str = "eve") -> Owner:
    return await people.accounts.sign_up(f"{name}@example.com", PASSWORD, invite=invite)


async def test_it_lets_one_person_in_once(people: People, ada: ProvenOwner) -> None:
    invite, _ = await people.invites.make(ada)
    await joined(people, invite)
    with pytest.raises(InviteRequired):
        await joined(people, invite, "bob")


@pytest.mark.parametrize("invite", ["", "kso_", "nothing of ours"])
async def test_nobody_joins_without_one(people: People, invite: str) -> None:
    with pytest.raises(InviteRequired):
        await joined(people, invite)


async def test_of_many_who_use_it_at_once_one_joins(people: People, ada: ProvenOwner) -> None:
    invite, _ = await people.invites.make(ada)
    answers = await asyncio.gather(
        *(joined(people, invite, f"p{number}") for number in range(10)), return_exceptions=True
    )
    assert sum(isinstance(answer, Owner) for answer in answers) == 1
    assert sum(isinstance(answer, InviteRequired) for answer in answers) == 9


async def test_a_sign_up_that_failed_leaves_it_good(
    people: People, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    assert bob
    invite, _ = await people.invites.make(ada)
    with pytest.raises(AddressTaken):
        await joined(people, invite, "bob")
    with pytest.raises(PasswordUnfit):
        await people.accounts.sign_up("eve@example.com", "short", invite=invite)
    await joined(people, invite)


async def test_it_ends_after_a_week(people: People, ada: ProvenOwner, clock: MovedClock) -> None:
    assert LIFE == 7 * DAY
    invite, until = await people.invites.make(ada)
    assert until == clock() + LIFE
    clock.forward(microseconds=LIFE)
    with pytest.raises(InviteRequired):
        await joined(people, invite)


async def test_only_a_verified_owner_makes_one(
    people: People, store: Store, keyring: Keyring
) -> None:
    await settle_in(store, ADA, keyring=keyring, verified=False)
    with pytest.raises(AddressUnverified):
        await people.invites.make(ADA)


@pytest.mark.parametrize("change", ["disabled_at", "deleted_at", "verified_at", "the row"])
async def test_one_counts_only_while_its_maker_does(
    people: People, ada: ProvenOwner, store: Store, keyring: Keyring, change: str
) -> None:
    invite, _ = await people.invites.make(ada)

    def unit(tx: Tx) -> None:
        account = rows.find(tx, keyring, ada)
        assert account is not None
        if change == "the row":
            tx.run("UPDATE accounts SET verified_at = 77")
        else:
            rows.put(tx, keyring, account, **{change: None if change == "verified_at" else 1})

    await store.write(unit)
    with pytest.raises(InviteRequired):
        await joined(people, invite)


async def test_twenty_are_open_at_most(people: People, ada: ProvenOwner, clock: MovedClock) -> None:
    assert MOST_OPEN == 20
    made = [await people.invites.make(ada) for _ in range(MOST_OPEN)]
    with pytest.raises(TooManyTries):
        await people.invites.make(ada)
    await joined(people, made[0][0])
    await people.invites.make(ada)
    clock.forward(microseconds=LIFE)
    await people.invites.make(ada)


async def test_the_operator_s_own_counts_while_nobody_has_an_account(
    people: People, store: Store
) -> None:
    invite, _ = await people.invites.make_for_operator()
    assert await store.read(lambda tx: tx.all("SELECT 1 FROM accounts")) == []
    await joined(people, invite)


class TestOpen:
    @pytest.fixture
    def environment(self) -> dict[str, str]:
        return {"KEYSTEWARD_SIGN_UP": "open"}

    async def test_none_is_needed_and_none_is_used_up(
        self, people: People, ada: ProvenOwner, store: Store
    ) -> None:
        invite, _ = await people.invites.make(ada)
        await joined(people, invite)
        left = await store.read(lambda tx: tx.all("SELECT 1 FROM tickets WHERE purpose = 'INVITE'"))
        assert len(left) == 1


class TestClosed:
    @pytest.fixture
    def environment(self) -> dict[str, str]:
        return {"KEYSTEWARD_SIGN_UP": "closed"}

    async def test_none_is_made_and_none_counts(self, people: People, ada: ProvenOwner) -> None:
        with pytest.raises(SignUpClosed):
            await people.invites.make(ada)
        operators, _ = await people.invites.make_for_operator()
        with pytest.raises(SignUpClosed):
            await joined(people, operators)
