"""Vouchers: a row that somebody without a master key planted, moved or altered grants nothing.

Whoever can write to the database and has no master key is played here by plain SQL.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import identities, rows
from accounts.errors import (
    AccountsFailure,
    PasskeyRefused,
    SignInRefused,
    SignInRequired,
    TokenUnknown,
)
from accounts.identity_kind import IdentityKind
from accounts.people import People
from accounts.visits import Visit
from accounts.vouching import _message, vouch, vouched
from keysteward.box import SealedBox
from store import Owner, Store, Tx
from tests.kit.clock import MovedClock
from tests.kit.whole_account import PASSWORD, SUBJECT, Maker, Whole
from vault.keyring import Keyring
from vault.vault import Vault

ANN = Owner("a" * 64)
facts = st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=9), st.binary(max_size=9)))


class TestMessages:
    @given(facts, facts)
    def test_no_two_lists_of_facts_read_the_same(self, one: list[Any], two: list[Any]) -> None:
        assert (_message(*one) == _message(*two)) == (
            [(type(each), each) for each in one] == [(type(each), each) for each in two]
        )

    @given(facts)
    def test_one_counts_for_its_table_its_owner_and_its_facts_alone(self, these: list[Any]) -> None:
        keyring = _KEYRING
        voucher = vouch(keyring, "tools", ANN, *these)
        assert vouched(keyring, voucher, "tools", ANN, *these)
        assert not vouched(keyring, voucher, "passkeys", ANN, *these)
        assert not vouched(keyring, voucher, "tools", Owner("b" * 64), *these)
        assert not vouched(keyring, voucher, "tools", ANN, *these, None)
        assert not vouched(keyring, voucher, "tools", ANN, *these[:-1], "other")
        assert not vouched(keyring, b"", "tools", ANN, *these)
        other = Keyring.parse(Keyring.mint("k1"))
        assert not vouched(other, voucher, "tools", ANN, *these)

    def test_an_older_master_key_s_counts_for_as_long_as_it_is_configured(self) -> None:
        old, new = Keyring.mint("old"), Keyring.mint("new")
        voucher = vouch(Keyring.parse(old), "tools", ANN, 1)
        assert vouched(Keyring.parse(f"{new},{old}"), voucher, "tools", ANN, 1)
        assert not vouched(Keyring.parse(new), voucher, "tools", ANN, 1)


_KEYRING = Keyring.parse(Keyring.mint("k1"))


class Ground:
    """Two accounts that have everything, and the ways in to the first."""

    def __init__(
        self, people: People, store: Store, keyring: Keyring, ada: Whole, eve: Whole
    ) -> None:
        self.people, self.store, self.keyring = people, store, keyring
        self.ada, self.eve = ada, eve

    async def run(self, sql: str, **values: Any) -> int:
        """Write as somebody does who has no master key."""
        given = {"ada": self.ada.owner.account, "eve": self.eve.owner.account} | values
        named = {name: value for name, value in given.items() if f":{name}" in sql}
        return await self.store.write(lambda tx: tx.run(sql, **named))

    async def row(self, table: str) -> dict[str, Any]:
        """Give Ada's only row in a table."""

        def unit(tx: Tx) -> dict[str, Any]:
            names = [name for (name,) in tx.all("SELECT name FROM pragma_table_info(:t)", t=table)]
            sql = f"SELECT {', '.join(names)} FROM {table} WHERE account = :ada"  # noqa: S608
            (found,) = tx.all(sql, ada=self.ada.owner.account)
            return dict(zip(names, found, strict=True))

        return await self.store.read(unit)

    async def put_back(self, table: str, row: dict[str, Any]) -> None:
        """Make it what it was."""
        columns = ", ".join(f"{name} = :{name}" for name in row)
        await self.run(f"UPDATE {table} SET {columns} WHERE account = :ada", **row)  # noqa: S608

    async def session(self, who: Whole) -> str:
        return (await self.people.sessions.find(who.cookie)).owner.account

    async def tool(self, who: Whole) -> str:
        return (await self.people.tools.holder(who.tool_token)).account

    async def token(self, who: Whole) -> str:
        return (await self.people.user_tokens.holder(who.user_token)).account

    async def password(self, who: Whole) -> str:
        await self.people.accounts.check_password(who.owner, PASSWORD)
        return who.owner.account

    async def identity(self, who: Whole) -> str:
        box = SealedBox(self.keyring)
        subject = f"{SUBJECT} {who.address}"
        found = await self.store.read(
            lambda tx: identities.find(tx, box, self.keyring, IdentityKind.GOOGLE, subject)
        )
        if found is None:
            raise SignInRefused
        return found.account

    async def passkey(self, who: Whole) -> str:
        options, ticket = await self.people.passkeys.begin_sign_in(None)
        answer = who.authenticator.get(options)
        return (await self.people.passkeys.finish_sign_in(ticket, answer)).account

    async def account(self, who: Whole) -> str:
        return (await self.store.read(lambda tx: rows.active(tx, self.keyring, who.owner))).id


@pytest.fixture
async def ground(
    people: People, vault: Vault, store: Store, keyring: Keyring, clock: MovedClock
) -> Ground:
    make = Maker(people, vault, store, keyring, clock)
    return Ground(
        people, store, keyring, await make("ada@example.com"), await make("eve@example.com")
    )


Door = Callable[[Ground, Whole], Awaitable[str]]
DOORS: dict[str, tuple[Door, type[AccountsFailure]]] = {
    "sessions": (Ground.session, SignInRequired),
    "tools": (Ground.tool, TokenUnknown),
    "user_tokens": (Ground.token, TokenUnknown),
    "passwords": (Ground.password, SignInRefused),
    "identities": (Ground.identity, SignInRefused),
    "passkeys": (Ground.passkey, PasskeyRefused),
    "accounts": (Ground.account, SignInRequired),
}
ALTERED = {
    "sessions": {
        "reference": "'ses_other'",
        "created_at": "created_at + 1",
        "expires_at": "expires_at + 1",
        "proven_at": "proven_at + 1",
        "means": "'PASSKEY'",
        "means ": "'NONE_OF_OURS'",
    },
    "tools": {
        "id": "'tool_other'",
        "digest": "x'00'",
        "providers": "' openai google '",
        "providers ": "NULL",
        "per_minute": "per_minute + 1",
        "per_minute ": "NULL",
        "inspected_only": "1 - inspected_only",
        "created_at": "created_at - 1",
        "expires_at": "created_at + 999999999999999",
    },
    "user_tokens": {
        "id": "'utk_other'",
        "digest": "x'00'",
        "scopes": "'keys:read keys:write'",
        "scopes ": "'keys:read none:of-ours'",
        "created_at": "created_at - 1",
        "expires_at": "created_at + 999999999999999",
    },
    "passwords": {"encoded": "encoded || ' '", "changed_at": "changed_at + 1"},
    "identities": {
        "id": "'idn_other'",
        "kind": "'GITHUB'",
        "subject": "x'00'",
        "created_at": "created_at + 1",
    },
    "passkeys": {
        "credential": "x'00'",
        "public_key": "(SELECT public_key FROM passkeys WHERE account = :eve)",
        "handle": "(SELECT handle FROM passkeys WHERE account = :eve)",
    },
    "accounts": {
        "address": "(SELECT address FROM accounts WHERE account = :eve)",
        "address ": "NULL",
        "verified_at": "verified_at + 1",
        "verified_at ": "NULL",
        "created_at": "created_at + 1",
    },
}
"""Each covered column, and what it is altered to."""


async def test_what_this_program_wrote_lets_its_owner_in(ground: Ground) -> None:
    for door, _ in DOORS.values():
        assert await door(ground, ground.ada) == ground.ada.owner.account


async def test_a_row_that_was_altered_counts_for_nothing(ground: Ground) -> None:
    # What refers to a row's id must not stand in the way of whoever alters it.
    for other in ("heard", "listeners", "calls"):
        await ground.run(f"DELETE FROM {other}")  # noqa: S608
    for table, columns in ALTERED.items():
        door, refusal = DOORS[table]
        for column, to in columns.items():
            before = await ground.row(table)
            await ground.run(
                f"UPDATE {table} SET {column.strip()} = {to} WHERE account = :ada"  # noqa: S608
            )
            assert await ground.row(table) != before
            with pytest.raises(refusal):
                await door(ground, ground.ada)
            assert await door(ground, ground.eve) == ground.eve.owner.account
            await ground.put_back(table, before)
            assert await door(ground, ground.ada) == ground.ada.owner.account


async def test_one_s_own_row_put_under_another_s_name_lets_nobody_in(ground: Ground) -> None:
    """The Eve of this test has a row of her own, and wants to be Ada by it."""
    for other in ("heard", "listeners"):
        await ground.run(f"DELETE FROM {other}")  # noqa: S608
    for table in DOORS.keys() - {"accounts", "passwords"}:
        door, refusal = DOORS[table]
        assert await ground.run(f"UPDATE {table} SET account = :ada WHERE account = :eve")  # noqa: S608
        with pytest.raises(refusal):
            await door(ground, ground.eve)
        assert await door(ground, ground.ada) == ground.ada.owner.account


async def test_one_s_own_password_put_in_another_s_place_lets_nobody_in(ground: Ground) -> None:
    await ground.people.resets.change(ground.eve.owner, "eve's own passphrase", Visit(), keep=None)
    assert await ground.run(
        "UPDATE passwords SET (encoded, changed_at, voucher) = (SELECT encoded, changed_at, voucher"
        " FROM passwords WHERE account = :eve) WHERE account = :ada"
    )
    for password in ("eve's own passphrase", PASSWORD):
        with pytest.raises(SignInRefused):
            await ground.people.accounts.check_password(ground.ada.owner, password)


async def test_an_account_s_whole_row_put_in_another_s_place_is_nobody_s(ground: Ground) -> None:
    """Eve, verified, gives her row to an account that is not: its address would count as hers."""
    columns = "address, verified_at, created_at, disabled_at, deleted_at, voucher"
    assert await ground.run(
        f"UPDATE accounts SET ({columns}) = (SELECT {columns} FROM accounts"  # noqa: S608
        " WHERE account = :eve) WHERE account = :ada"
    )
    with pytest.raises(SignInRequired):
        await ground.account(ground.ada)


async def test_a_row_with_a_made_up_voucher_counts_for_nothing(ground: Ground) -> None:
    for table, (door, refusal) in DOORS.items():
        for voucher in (b"", bytes(32), Keyring.parse(Keyring.mint("k")).sign("row voucher", b"")):
            await ground.run(
                f"UPDATE {table} SET voucher = :voucher WHERE account = :ada",  # noqa: S608
                voucher=voucher,
            )
            with pytest.raises(refusal):
                await door(ground, ground.ada)


async def test_what_was_revoked_can_t_be_given_back_by_a_column(ground: Ground) -> None:
    tools, tokens = ground.people.tools, ground.people.user_tokens
    await tools.revoke(ground.ada.owner, ground.ada.tool)
    (token,) = await tokens.list(ground.ada.owner)
    await tokens.revoke(ground.ada.owner, token.id)
    for table in ("tools", "user_tokens"):
        door, refusal = DOORS[table]
        assert await ground.run(f"UPDATE {table} SET revoked_at = NULL WHERE account = :ada")  # noqa: S608
        with pytest.raises(refusal):
            await door(ground, ground.ada)


async def test_lists_leave_out_what_was_not_vouched_for(ground: Ground) -> None:
    people, owner = ground.people, ground.ada.owner
    for table in ("sessions", "tools", "user_tokens", "identities", "passkeys", "passwords"):
        await ground.run(
            f"UPDATE {table} SET voucher = x'00' WHERE account = :ada"  # noqa: S608
        )
    assert await people.sessions.list(owner) == []
    assert await people.tools.list(owner) == []
    assert await people.user_tokens.list(owner) == []
    assert await people.ways.list(owner) == []
    assert not await people.accounts.has_password(owner)


async def test_an_altered_account_is_told_to_the_log(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    await ground.run("UPDATE accounts SET verified_at = 7 WHERE account = :ada")
    with pytest.raises(SignInRequired):
        await ground.account(ground.ada)
    assert "altered from outside" in caplog.text
    assert ground.ada.owner.account not in caplog.text


async def test_every_table_with_a_voucher_is_tried_here(store: Store) -> None:
    def unit(tx: Tx) -> set[str]:
        tables = tx.all("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {
            name
            for (name,) in tables
            if tx.one("SELECT 1 FROM pragma_table_info(:table) WHERE name = 'voucher'", table=name)
        }

    assert await store.read(unit) == DOORS.keys()
