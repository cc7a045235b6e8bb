"""Verifying an address: by its link and the account together; and giving up what somebody made."""

import asyncio

import pytest

import audit
from accounts import limits, rows, verifying
from accounts.elsewhere import Intent, Person
from accounts.entering import Entered
from accounts.errors import (
    AddressMissing,
    IdentityUnlinked,
    SignInRefused,
    SignInRequired,
    TicketGone,
)
from accounts.identity_kind import IdentityKind
from accounts.people import People
from audit import Act
from store import Owner, ProvenOwner, Store, Tx
from store.clock import DAY, MINUTE
from tests.accounts.conftest import Letters
from tests.kit.clock import MovedClock
from tests.kit.whole_account import VISIT, mentions
from vault.keyring import Keyring

ADDRESS, PASSWORD = "ada@example.com", "correct horse battery"


@pytest.fixture
async def owner(people: People) -> Owner:
    return await people.accounts.sign_up(ADDRESS, PASSWORD)


async def is_verified(people: People, owner: Owner) -> bool:
    return (await people.accounts.standing(owner)).verified_at is not None


class TestLinks:
    async def test_it_verifies_once_for_who_has_the_account(
        self, people: People, owner: Owner, letters: Letters, store: Store, keyring: Keyring
    ) -> None:
        ticket = await letters.ticket("VERIFY_ADDRESS")
        assert await people.verifying.whose(ticket) == owner
        await people.verifying.verify(ticket, owner)
        assert await is_verified(people, owner)
        with pytest.raises(TicketGone):
            await people.verifying.verify(ticket, owner)
        trail = await store.read(lambda tx: audit.verify(tx, keyring, owner))
        assert [entry.act for entry in trail] == [Act.ACCOUNT_CREATED, Act.ADDRESS_VERIFIED]

    async def test_alone_it_is_not_enough(
        self, people: People, owner: Owner, letters: Letters, bob: ProvenOwner
    ) -> None:
        """Whoever merely reads the mailbox is somebody else, and so is another's session."""
        ticket = await letters.ticket("VERIFY_ADDRESS")
        with pytest.raises(TicketGone):
            await people.verifying.verify(ticket, bob)
        assert not await is_verified(people, owner)
        await people.verifying.verify(ticket, owner)

    async def test_it_ends_after_a_day(
        self, people: People, owner: Owner, letters: Letters, clock: MovedClock
    ) -> None:
        assert verifying.LIFE == DAY
        ticket = await letters.ticket("VERIFY_ADDRESS")
        release = await letters.ticket("VERIFY_ADDRESS", "release_link")
        clock.forward(microseconds=DAY)
        with pytest.raises(TicketGone):
            await people.verifying.verify(ticket, owner)
        with pytest.raises(TicketGone):
            await people.verifying.release(release)

    async def test_newer_ones_void_the_older(
        self, people: People, owner: Owner, letters: Letters
    ) -> None:
        older = await letters.ticket("VERIFY_ADDRESS")
        release = await letters.ticket("VERIFY_ADDRESS", "release_link")
        await people.verifying.send_again(owner)
        with pytest.raises(TicketGone):
            await people.verifying.verify(older, owner)
        with pytest.raises(TicketGone):
            await people.verifying.release(release)
        await people.verifying.verify(await letters.ticket("VERIFY_ADDRESS"), owner)

    async def test_of_fifty_at_once_one_is_taken(
        self, people: People, owner: Owner, letters: Letters, store: Store, keyring: Keyring
    ) -> None:
        ticket = await letters.ticket("VERIFY_ADDRESS")
        answers = await asyncio.gather(
            *(people.verifying.verify(ticket, owner) for _ in range(50)), return_exceptions=True
        )
        assert [type(each) for each in answers if each is not None] == [TicketGone] * 49
        trail = await store.read(lambda tx: audit.verify(tx, keyring, owner))
        assert [entry.act for entry in trail].count(Act.ADDRESS_VERIFIED) == 1

    async def test_once_verified_no_more_are_sent(
        self, people: People, owner: Owner, letters: Letters
    ) -> None:
        await people.verifying.verify(await letters.ticket("VERIFY_ADDRESS"), owner)
        before = len(await letters.all())
        await people.verifying.send_again(owner)
        assert len(await letters.all()) == before

    async def test_one_without_an_address_has_none_to_verify(
        self, people: People, store: Store, clock: MovedClock
    ) -> None:
        nobody = await store.write(
            lambda tx: people.accounts.create(tx, None, is_verified=False, invite="", at=clock())
        )
        with pytest.raises(AddressMissing):
            await people.verifying.send_again(nobody)
        with pytest.raises(SignInRequired):
            await people.verifying.send_again(Owner("nobody"))


class TestReleasing:
    async def test_the_account_is_gone_and_the_address_free(
        self,
        people: People,
        owner: Owner,
        letters: Letters,
        store: Store,
        clock: MovedClock,
    ) -> None:
        cookie = await people.sessions.open(owner)
        await people.verifying.release(await letters.ticket("VERIFY_ADDRESS", "release_link"))
        with pytest.raises(SignInRequired):
            await people.sessions.find(cookie)
        with pytest.raises(SignInRefused):
            await people.entering.by_password(ADDRESS, PASSWORD, VISIT)
        clock.forward(microseconds=MINUTE)
        await store.write(lambda tx: people.deletion.sweep(tx, now=clock()))
        await store.write(lambda tx: tx.run("DELETE FROM outbox"))
        await store.write(lambda tx: limits.sweep(tx, now=clock() + 2 * DAY))
        assert await mentions(store, owner.account) == {}
        assert await people.accounts.sign_up(ADDRESS, "the owner's own")

    async def test_once_it_is_verified_it_can_t_be_taken_away(
        self, people: People, owner: Owner, letters: Letters
    ) -> None:
        release = await letters.ticket("VERIFY_ADDRESS", "release_link")
        await people.verifying.verify(await letters.ticket("VERIFY_ADDRESS"), owner)
        with pytest.raises(TicketGone):
            await people.verifying.release(release)
        assert await people.entering.by_password(ADDRESS, PASSWORD, VISIT)

    async def test_nor_where_it_was_verified_in_another_way(
        self, people: People, owner: Owner, letters: Letters, store: Store, keyring: Keyring
    ) -> None:
        release = await letters.ticket("VERIFY_ADDRESS", "release_link")

        def unit(tx: Tx) -> None:
            rows.put(tx, keyring, rows.active(tx, keyring, owner), verified_at=1)

        await store.write(unit)
        with pytest.raises(TicketGone):
            await people.verifying.release(release)
        assert await people.entering.by_password(ADDRESS, PASSWORD, VISIT)

    @pytest.mark.usefixtures("owner")
    async def test_it_happens_once_and_neither_link_does_the_other_s_work(
        self, people: People, owner: Owner, letters: Letters
    ) -> None:
        verify = await letters.ticket("VERIFY_ADDRESS")
        release = await letters.ticket("VERIFY_ADDRESS", "release_link")
        with pytest.raises(TicketGone):
            await people.verifying.release(verify)
        with pytest.raises(TicketGone):
            await people.verifying.verify(release, owner)
        await people.verifying.release(release)
        for _ in range(2):
            with pytest.raises(TicketGone):
                await people.verifying.release(release)
        with pytest.raises(TicketGone):
            await people.verifying.verify(verify, owner)


@pytest.mark.usefixtures("owner")
async def test_whoever_squats_on_an_address_gets_nothing_of_its_owner_s(
    people: People, owner: Owner, letters: Letters
) -> None:
    """Eve signs up with Ada's address and waits, with a password that she knows.

    Ada, whose address it is, then signs in with Google, which vouches for it; asks for a new
    password; opens the links that came; and in the end has an account of her own there.
    """
    ada = Person(IdentityKind.GOOGLE, "google 1", "Ada", ADDRESS)
    with pytest.raises(IdentityUnlinked):
        await people.elsewhere.go_on(ada, Intent.SIGN_IN, VISIT, session=None)
    assert [way.means for way in await people.ways.list(owner)] == ["PASSWORD"]
    await people.resets.ask(ADDRESS, VISIT)
    await people.resets.write_asked()
    assert [each.letter for each in await letters.all()] == [
        "VERIFY_ADDRESS",
        "RESET_OF_UNVERIFIED",
    ]
    assert not await is_verified(people, owner)
    await people.verifying.release(await letters.ticket("RESET_OF_UNVERIFIED", "release_link"))
    with pytest.raises(SignInRefused):
        await people.entering.by_password(ADDRESS, PASSWORD, VISIT)
    entered = await people.elsewhere.go_on(ada, Intent.SIGN_IN, VISIT, session=None)
    assert isinstance(entered, Entered)
    assert await is_verified(people, entered.owner)
    assert [way.means for way in await people.ways.list(entered.owner)] == ["GOOGLE"]
    with pytest.raises(SignInRefused):
        await people.entering.by_password(ADDRESS, PASSWORD, VISIT)
