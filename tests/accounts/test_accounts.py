"""Accounts: made by address and password, one for each address, and the passwords they have."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

import audit
from accounts.address import account_of
from accounts.errors import (
    AddressMalformed,
    AddressTaken,
    PasswordGuessable,
    PasswordUnfit,
    SignInRefused,
    SignInRequired,
    SignUpClosed,
)
from accounts.passwords import Passwords
from accounts.people import People
from accounts.visits import Visit
from audit import Act
from store import Owner, ProvenOwner, Row, Store
from tests.accounts.conftest import Letters
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from tests.kit.passwords import CHEAP
from vault.keyring import Keyring

ADDRESS, PASSWORD = "Ada.Lovelace@Example.com", "correct horse battery"
VISIT = Visit(address="192.0.2.7", device="Browser/1.0")


@pytest.fixture
async def ada(people: People) -> ProvenOwner:
    owner = await people.accounts.sign_up(ADDRESS, PASSWORD)
    return ProvenOwner(owner.account)


class TestSigningUp:
    async def test_it_gives_the_account_that_signing_in_gives(
        self, people: People, ada: ProvenOwner
    ) -> None:
        assert ada.account == account_of("ada.lovelace@example.com")
        entered = await people.entering.by_password("ada.lovelace@EXAMPLE.com ", PASSWORD, VISIT)
        assert entered.owner == Owner(ada.account)

    @pytest.mark.usefixtures("ada")
    async def test_one_address_is_one_account(self, people: People) -> None:
        with pytest.raises(AddressTaken):
            await people.accounts.sign_up("ada.lovelace@example.com", "another password")
        assert await people.entering.by_password(ADDRESS, PASSWORD, VISIT)

    async def test_of_many_at_once_one_is_made(self, people: People) -> None:
        answers = await asyncio.gather(
            *(people.accounts.sign_up("eve@example.com", PASSWORD) for _ in range(5)),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, AddressTaken) for answer in answers) == 4

    async def test_it_is_written_in_the_log_of_changes(
        self, store: Store, ada: ProvenOwner
    ) -> None:
        rows = await store.read(lambda tx: tx.all("SELECT account, kind FROM changes"))
        assert rows == [(ada.account, "ACCOUNT_CREATED")]

    async def test_its_address_is_told_to_verify_and_until_then_it_is_not_verified(
        self, people: People, ada: ProvenOwner, letters: Letters, clock: MovedClock
    ) -> None:
        (letter,) = await letters.all()
        assert (letter.letter, letter.facts["to"]) == ("VERIFY_ADDRESS", "ada.lovelace@example.com")
        assert (await people.accounts.standing(ada)).verified_at is None
        await people.verifying.verify(await letters.ticket("VERIFY_ADDRESS"), ada)
        assert (await people.accounts.standing(ada)).verified_at == clock()

    @pytest.mark.usefixtures("ada")
    async def test_neither_address_nor_password_is_in_any_file(self, data: Path) -> None:
        lowered = ADDRESS.lower().encode()
        assert files_with(data, ADDRESS.encode(), lowered, PASSWORD.encode()) == []

    async def test_bad_input_is_said(self, people: People) -> None:
        with pytest.raises(AddressMalformed):
            await people.accounts.sign_up("ada", PASSWORD)
        with pytest.raises(PasswordUnfit):
            await people.accounts.sign_up(ADDRESS, "short")
        for common in ("password1", "keysteward", "ada.lovelace", "Ada.Lovelace@Example.com"):
            with pytest.raises(PasswordGuessable):
                await people.accounts.sign_up(ADDRESS, common)

    async def test_what_fails_leaves_nothing_behind(self, people: People, store: Store) -> None:
        for address, password in (("ada", PASSWORD), (ADDRESS, "short")):
            with pytest.raises((AddressMalformed, PasswordUnfit)):
                await people.accounts.sign_up(address, password)
        for table in ("accounts", "passwords", "outbox", "tickets", "audit", "changes"):
            assert await store.read(lambda tx, t=table: tx.all(f"SELECT 1 FROM {t}")) == []  # noqa: S608

    @pytest.mark.parametrize("environment", [{"KEYSTEWARD_SIGN_UP": "closed"}])
    async def test_a_closed_installation_takes_nobody(self, people: People) -> None:
        with pytest.raises(SignUpClosed):
            await people.accounts.sign_up(ADDRESS, PASSWORD)


class TestPasswords:
    async def test_only_the_account_s_own_passes(self, people: People, ada: ProvenOwner) -> None:
        await people.accounts.check_password(ada, PASSWORD)
        said = set()
        for owner, password in (
            (ada, "wrong password"),
            (Owner(account_of("eve@example.com")), PASSWORD),
            (Owner(""), ""),
        ):
            with pytest.raises(SignInRefused) as refused:
                await people.accounts.check_password(owner, password)
            said.add(str(refused.value))
        assert len(said) == 1

    async def test_a_hash_of_an_older_profile_is_replaced_by_signing_in(
        self, people: People, ada: ProvenOwner, store: Store
    ) -> None:
        newer = Passwords(dataclasses.replace(CHEAP, time_cost=2))
        people.accounts._passwords = newer

        async def stored() -> Row | None:
            return await store.read(lambda tx: tx.one("SELECT encoded FROM passwords"))

        before = await stored()
        await people.accounts.check_password(ada, PASSWORD)
        renewed = await stored()
        assert renewed != before
        await people.accounts.check_password(ada, PASSWORD)
        assert await stored() == renewed
        newer.close()

    async def test_one_that_was_changed_meanwhile_is_not_put_back_by_that(
        self, people: People, ada: ProvenOwner, store: Store
    ) -> None:
        accounts = people.accounts
        old = await store.read(lambda tx: accounts.password_in(tx, ada))
        hashed = await accounts.hashed(ada, "another good one")
        await people.resets.change(ada, "another good one", VISIT, keep=None)
        changed = await store.read(lambda tx: accounts.password_in(tx, ada))
        await store.write(lambda tx: accounts._renew(tx, ada, old, hashed))
        assert await store.read(lambda tx: accounts.password_in(tx, ada)) == changed

    async def test_a_changed_one_takes_the_old_one_s_place_and_its_owner_is_told(
        self,
        people: People,
        ada: ProvenOwner,
        store: Store,
        keyring: Keyring,
        letters: Letters,
    ) -> None:
        with pytest.raises(PasswordGuessable):
            await people.resets.change(ada, "password1", VISIT, keep=None)
        await people.accounts.check_password(ada, PASSWORD)
        await people.verifying.verify(await letters.ticket("VERIFY_ADDRESS"), ada)
        await people.resets.change(ada, "another good one", VISIT, keep=None)
        await people.accounts.check_password(ada, "another good one")
        with pytest.raises(SignInRefused):
            await people.accounts.check_password(ada, PASSWORD)
        assert await letters.last("PASSWORD_CHANGED") == {
            "to": "ada.lovelace@example.com",
            "place": "192.0.2.7",
            "device": "Browser/1.0",
        }
        trail = await store.read(lambda tx: audit.verify(tx, keyring, ada))
        assert trail[-1].act is Act.PASSWORD_CHANGED

    async def test_whoever_has_not_shown_that_an_address_is_theirs_has_nobody_written_to(
        self, people: People, ada: ProvenOwner, letters: Letters
    ) -> None:
        await people.resets.change(ada, "another good one", VISIT, keep=None)
        assert [each.letter for each in await letters.all()] == ["VERIFY_ADDRESS"]


class TestStanding:
    async def test_an_owner_sees_their_own(
        self, people: People, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        standing = await people.accounts.standing(ada)
        assert (standing.account, standing.address) == (ada.account, "ada.lovelace@example.com")
        assert standing.created_at == clock()
        assert await people.accounts.has_password(ada)

    async def test_one_who_is_gone_must_sign_in(self, people: People) -> None:
        with pytest.raises(SignInRequired):
            await people.accounts.standing(Owner("nobody"))
        assert not await people.accounts.has_password(Owner("nobody"))
