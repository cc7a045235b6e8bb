"""Signing up and in, and the tokens of an owner's own clients."""

import asyncio
import dataclasses
from collections.abc import Awaitable
from pathlib import Path

import pytest

from accounts.accounts import Accounts
from accounts.address import account_of
from accounts.errors import (
    AddressMalformed,
    AddressTaken,
    NameUnfit,
    PasswordUnfit,
    SignInRefused,
    SignInRequired,
    SignUpClosed,
    TokenUnknown,
)
from accounts.passwords import Passwords
from accounts.tools import Tools
from store import Owner, ProvenOwner, Row, Store
from tests.accounts.conftest import Box
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from tests.kit.passwords import CHEAP
from vault.keyring import Keyring

ADDRESS, PASSWORD = "Ada.Lovelace@Example.com", "correct horse battery"


@pytest.fixture
async def ada(accounts: Accounts) -> ProvenOwner:
    owner = await accounts.sign_up(ADDRESS, PASSWORD)
    return ProvenOwner(owner.account)


class TestSigningUp:
    async def test_it_gives_the_account_that_signing_in_gives(
        self, accounts: Accounts, ada: ProvenOwner
    ) -> None:
        assert ada.account == account_of("ada.lovelace@example.com")
        assert await accounts.sign_in("ada.lovelace@EXAMPLE.com ", PASSWORD) == Owner(ada.account)

    @pytest.mark.usefixtures("ada")
    async def test_one_address_is_one_account(self, accounts: Accounts) -> None:
        with pytest.raises(AddressTaken):
            await accounts.sign_up("ada.lovelace@example.com", "another password")
        assert await accounts.sign_in(ADDRESS, PASSWORD)

    async def test_of_many_at_once_one_is_made(self, accounts: Accounts) -> None:
        answers = await asyncio.gather(
            *(accounts.sign_up("eve@example.com", PASSWORD) for _ in range(5)),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, AddressTaken) for answer in answers) == 4

    async def test_it_is_written_in_the_log_of_changes(
        self, store: Store, ada: ProvenOwner
    ) -> None:
        rows = await store.read(lambda tx: tx.all("SELECT account, kind FROM changes"))
        assert rows == [(ada.account, "ACCOUNT_CREATED")]

    @pytest.mark.usefixtures("ada")
    async def test_neither_address_nor_password_is_in_any_file(self, data: Path) -> None:
        lowered = ADDRESS.lower().encode()
        assert files_with(data, ADDRESS.encode(), lowered, PASSWORD.encode()) == []

    async def test_bad_input_is_said(self, accounts: Accounts) -> None:
        with pytest.raises(AddressMalformed):
            await accounts.sign_up("ada", PASSWORD)
        with pytest.raises(PasswordUnfit):
            await accounts.sign_up(ADDRESS, "short")

    async def test_a_closed_installation_takes_nobody(
        self, store: Store, passwords: Passwords, keyring: Keyring, clock: MovedClock
    ) -> None:
        closed = Accounts(store, passwords, Box(keyring), keyring, clock, open_to_sign_up=False)
        with pytest.raises(SignUpClosed):
            await closed.sign_up(ADDRESS, PASSWORD)


class TestSigningIn:
    @pytest.mark.usefixtures("ada")
    async def test_which_of_the_two_was_wrong_is_not_said(self, accounts: Accounts) -> None:
        said = set()
        for address, password in (
            (ADDRESS, "wrong password"),
            ("eve@example.com", PASSWORD),
            ("no address", PASSWORD),
            ("", ""),
        ):
            with pytest.raises(SignInRefused) as refused:
                await accounts.sign_in(address, password)
            said.add(str(refused.value))
        assert len(said) == 1

    @pytest.mark.usefixtures("accounts", "ada")
    async def test_a_hash_of_an_older_profile_is_replaced_by_signing_in(
        self, store: Store, keyring: Keyring, clock: MovedClock
    ) -> None:
        newer = Passwords(dataclasses.replace(CHEAP, time_cost=2))
        after = Accounts(store, newer, Box(keyring), keyring, clock)

        def stored() -> Awaitable[Row | None]:
            return store.read(lambda tx: tx.one("SELECT password FROM accounts"))

        before = await stored()
        await after.sign_in(ADDRESS, PASSWORD)
        renewed = await stored()
        assert renewed != before
        await after.sign_in(ADDRESS, PASSWORD)
        assert await stored() == renewed
        newer.close()


class TestAddress:
    async def test_an_owner_sees_their_own(
        self, accounts: Accounts, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        assert await accounts.address(ada) == ("ada.lovelace@example.com", clock())

    async def test_one_who_is_gone_must_sign_in(self, accounts: Accounts) -> None:
        with pytest.raises(SignInRequired):
            await accounts.address(Owner("nobody"))


class TestUserTokens:
    async def test_its_holder_is_the_owner(self, accounts: Accounts, ada: ProvenOwner) -> None:
        token = await accounts.make_user_token(ada, "laptop", expires_at=None)
        assert await accounts.holder(token) == Owner(ada.account)

    async def test_it_is_in_no_file(self, accounts: Accounts, ada: ProvenOwner, data: Path) -> None:
        token = await accounts.make_user_token(ada, "laptop", expires_at=None)
        assert files_with(data, token.encode(), token[4:40].encode()) == []

    async def test_it_ends_at_its_moment(
        self, accounts: Accounts, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        token = await accounts.make_user_token(ada, "laptop", expires_at=clock() + 10)
        clock.forward(microseconds=9)
        await accounts.holder(token)
        clock.forward(microseconds=1)
        with pytest.raises(TokenUnknown):
            await accounts.holder(token)

    async def test_a_revoked_or_unknown_one_is_refused(
        self, accounts: Accounts, ada: ProvenOwner, store: Store, tools: Tools
    ) -> None:
        token = await accounts.make_user_token(ada, "laptop", expires_at=None)
        await store.write(lambda tx: tx.run("UPDATE user_tokens SET revoked_at = 1"))
        _, tool_token = await tools.create(ada, "agent", providers=None, expires_at=None)
        for text in (token, tool_token, "ksu_", ""):
            with pytest.raises(TokenUnknown):
                await accounts.holder(text)

    @pytest.mark.parametrize("name", ["", "x" * 101, "line\nbreak"])
    async def test_it_needs_a_name(self, accounts: Accounts, ada: ProvenOwner, name: str) -> None:
        with pytest.raises(NameUnfit):
            await accounts.make_user_token(ada, name, expires_at=None)
