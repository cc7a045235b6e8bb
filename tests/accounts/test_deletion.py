"""Deleting an account: all that it grants ends at once, and nothing is left that names it."""

from pathlib import Path

import pytest

import audit
from accounts import deletion, limits, rows
from accounts.errors import (
    AccountDisabled,
    ConfirmationWrong,
    SignInRefused,
    SignInRequired,
    TicketGone,
    TokenUnknown,
)
from accounts.people import People
from audit import Act
from broker.errors import CallCut
from broker.files import shed
from broker.live import LiveCalls
from store import Owner, ProvenOwner, Store, Tx, changes
from store.changes import Kind, Reason, Tail
from store.clock import DAY, MINUTE
from tests.accounts.conftest import Letters
from tests.kit.canary import files_with, pieces
from tests.kit.clock import MovedClock
from tests.kit.whole_account import PASSWORD, VISIT, Maker, Whole, mentions
from vault.errors import KeyGone
from vault.keyring import Keyring
from vault.revocations import Revocations
from vault.vault import Vault


@pytest.fixture
def make(people: People, vault: Vault, store: Store, keyring: Keyring, clock: MovedClock) -> Maker:
    return Maker(people, vault, store, keyring, clock)


@pytest.fixture
async def whole(make: Maker) -> Whole:
    return await make()


@pytest.fixture
async def eve(make: Maker) -> Whole:
    """Somebody else, of whom nothing may go."""
    return await make("eve@example.com")


async def erased(store: Store) -> None:
    """Wait for what deleting has begun by itself: the log is emptied, too."""
    assert store._erasing is not None
    assert not store._erasing.done()
    await store._erasing


class TestConfirming:
    @pytest.mark.parametrize(
        "typed", ["", "yes", "delete my account", "ada@example.org", "ada@example.com.", "ADA"]
    )
    async def test_what_is_not_the_address_deletes_nothing(
        self, people: People, whole: Whole, vault: Vault, typed: str
    ) -> None:
        with pytest.raises(ConfirmationWrong) as wrong:
            await people.deletion.delete(whole.owner, typed)
        assert whole.address not in str(wrong.value)
        assert len(await vault.list(whole.owner)) == 2
        await people.sessions.find(whole.cookie)

    async def test_the_address_is_taken_as_it_is_typed(self, people: People, whole: Whole) -> None:
        await people.deletion.delete(whole.owner, " Ada@EXAMPLE.com\n")

    async def test_one_without_an_address_types_what_it_is_told(
        self, people: People, store: Store, clock: MovedClock
    ) -> None:
        owner = await store.write(
            lambda tx: people.accounts.create(tx, None, is_verified=False, invite="", at=clock())
        )
        proven = ProvenOwner(owner.account)
        with pytest.raises(ConfirmationWrong, match="delete my account"):
            await people.deletion.delete(proven, "")
        await people.deletion.delete(proven, "delete my account")
        with pytest.raises(SignInRequired):
            await people.deletion.delete(proven, "delete my account")


class TestAtOnce:
    async def test_every_key_is_erased_and_revoked_as_any_removal_does_it(
        self, people: People, whole: Whole, vault: Vault, store: Store, data: Path
    ) -> None:
        sealed = [(await vault.sealed(whole.owner, key)).sealed for key in whole.keys]
        needles = [piece for each in sealed for piece in (each[7:19], each[-16:], *pieces(each))]
        await store.erase_remains()
        assert files_with(data, sealed[0][-16:])
        tail = Tail(store)
        await tail.start()
        await people.deletion.delete(whole.owner, whole.address)
        heard = [(c.kind, c.reason, c.key) for c in await tail.catch_up()]
        for key in whole.keys:
            assert (Kind.KEY_REMOVED, Reason.REMOVED, key) in heard
            with pytest.raises(KeyGone):
                await vault.sealed(whole.owner, key)
        assert heard[-1][0] is Kind.ACCOUNT_DELETED
        await erased(store)
        assert files_with(data, *needles) == []

    async def test_running_calls_are_cut_and_listeners_told(
        self, people: People, whole: Whole, store: Store, clock: MovedClock
    ) -> None:
        live, tail = LiveCalls(), Tail(store)
        await tail.start()
        await people.deletion.delete(whole.owner, whole.address)
        news = await tail.catch_up()
        live.apply(news)
        for key in whole.keys:
            with pytest.raises(CallCut), live.join(key=key):
                pass
        with pytest.raises(CallCut), live.join(key="k", tool=whole.tool, account="a"):
            pass
        # Until it is swept away, whoever listens hears of each.
        after, _ = await Revocations(store, clock).after(whole.owner, 0)
        assert {change.reason for change in after} == {Reason.REMOVED, Reason.TOOL_REVOKED}

    async def test_nobody_gets_in_by_anything(
        self, people: People, whole: Whole, letters: Letters
    ) -> None:
        await people.resets.ask(whole.address, VISIT)
        await people.resets.write_asked()
        reset, change = (
            await letters.ticket("RESET_PASSWORD"),
            await letters.ticket("CHANGE_ADDRESS"),
        )
        await people.deletion.delete(whole.owner, whole.address)
        with pytest.raises(SignInRequired):
            await people.sessions.find(whole.cookie)
        with pytest.raises(TokenUnknown):
            await people.tools.holder(whole.tool_token)
        with pytest.raises(TokenUnknown):
            await people.user_tokens.holder(whole.user_token)
        with pytest.raises(SignInRefused):
            await people.entering.by_password(whole.address, PASSWORD, VISIT)
        with pytest.raises(TicketGone):
            await people.resets.reset(reset, "another passphrase", VISIT)
        with pytest.raises(TicketGone):
            await people.moving.confirm(whole.owner, change, VISIT)
        assert await people.ways.list(whole.owner) == []
        await people.resets.ask(whole.address, VISIT)
        assert await people.resets.write_asked() == 1
        assert [each.letter for each in await letters.all()][-1] == "ACCOUNT_DELETED"

    async def test_its_owner_is_told_by_mail(
        self, people: People, whole: Whole, letters: Letters
    ) -> None:
        await people.deletion.delete(whole.owner, whole.address)
        assert (await letters.last("ACCOUNT_DELETED"))["to"] == whole.address

    async def test_nothing_of_anybody_else_s_ends(  # noqa: PLR0917
        self,
        people: People,
        whole: Whole,
        eve: Whole,
        vault: Vault,
        clock: MovedClock,
        store: Store,
    ) -> None:
        await people.deletion.delete(whole.owner, whole.address)
        clock.forward(microseconds=MINUTE)
        await store.write(lambda tx: people.deletion.sweep(tx, now=clock()))
        assert len(await vault.list(eve.owner)) == 2
        for key, secret in eve.keys.items():
            assert (await vault.reveal(eve.owner, key)).reveal() == secret.encode()
        await people.sessions.find(eve.cookie)
        await people.tools.holder(eve.tool_token)
        await people.user_tokens.holder(eve.user_token)
        assert len(await people.ways.list(eve.owner)) == 3

    async def test_a_disabled_account_is_not_deleted_behind_its_operator_s_back(
        self, people: People, whole: Whole, store: Store, keyring: Keyring
    ) -> None:
        def disable(tx: Tx) -> None:
            account = rows.active(tx, keyring, whole.owner)
            rows.put(tx, keyring, account, disabled_at=1)

        await store.write(disable)
        with pytest.raises(AccountDisabled):
            await people.deletion.delete(whole.owner, whole.address)


class TestAfterwards:
    async def test_its_rows_are_swept_away_a_minute_later_and_nothing_names_it(
        self, people: People, whole: Whole, eve: Whole, store: Store, clock: MovedClock
    ) -> None:
        before = await mentions(store, whole.owner.account)
        assert before.keys() >= {
            "accounts", "audit", "audit_heads", "calls", "ceilings", "changes", "commitments",
            "file_parts", "files", "frozen", "heard", "identities", "keys", "ledger", "listeners",
            "passkeys", "passwords",
            "prices", "recovery_codes", "reservations", "seals", "sessions", "tickets", "tools",
            "totp", "user_tokens", "outbox",
        }  # fmt: skip
        await people.deletion.delete(whole.owner, whole.address)
        clock.forward(microseconds=MINUTE - 1)
        await store.write(lambda tx: people.deletion.sweep(tx, now=clock()))
        assert "changes" in await mentions(store, whole.owner.account)
        clock.forward(microseconds=1)
        while await store.write(shed):
            pass
        await store.write(lambda tx: people.deletion.sweep(tx, now=clock()))
        # What waits to be mailed goes with its delivery, buckets once they are full again.
        await store.write(lambda tx: tx.run("DELETE FROM outbox"))
        await store.write(lambda tx: limits.sweep(tx, now=clock() + 2 * DAY))
        assert await mentions(store, whole.owner.account) == {}
        assert await mentions(store, eve.owner.account)

    async def test_of_the_trail_a_skeleton_stays_that_verifies_under_a_random_name(
        self, people: People, whole: Whole, store: Store, clock: MovedClock, keyring: Keyring
    ) -> None:
        before = await store.read(lambda tx: audit.verify(tx, keyring, whole.owner))
        await people.deletion.delete(whole.owner, whole.address)
        clock.forward(microseconds=MINUTE)
        while await store.write(shed):
            pass
        await store.write(lambda tx: people.deletion.sweep(tx, now=clock()))
        ((name,),) = await store.read(lambda tx: tx.all("SELECT DISTINCT account FROM audit"))
        assert name.startswith("gone_")
        after = await store.read(lambda tx: audit.verify(tx, keyring, Owner(name)))
        assert [e.act for e in after[: len(before)]] == [e.act for e in before]
        assert after[-1].act is Act.ACCOUNT_DELETED
        assert [e.act for e in after].count(Act.KEY_REMOVED) == 3

    async def test_many_are_swept_by_and_by(
        self, people: People, store: Store, clock: MovedClock
    ) -> None:
        for number in range(deletion._MOST_SWEPT + 1):
            owner = await people.accounts.sign_up(f"p{number}@example.com", PASSWORD)
            await people.deletion.delete(ProvenOwner(owner.account), f"p{number}@example.com")
        clock.forward(microseconds=MINUTE)
        for left in (1, 0):
            await store.write(lambda tx: people.deletion.sweep(tx, now=clock()))
            rows = await store.read(lambda tx: tx.all("SELECT 1 FROM accounts"))
            assert len(rows) == left

    async def test_the_address_is_free_again_at_once_and_its_new_owner_sees_nothing(
        self, people: People, whole: Whole, store: Store, vault: Vault, keyring: Keyring
    ) -> None:
        await people.deletion.delete(whole.owner, whole.address)
        entered = await people.entering.sign_up(whole.address, "somebody else's", VISIT)
        owner = ProvenOwner(entered.owner.account)
        assert owner == whole.owner
        assert await vault.list(owner) == []
        assert await people.tools.named(owner) == {}
        assert await store.read(lambda tx: changes.head(tx, owner)) == 1
        trail = await store.read(lambda tx: audit.verify(tx, keyring, owner))
        assert [e.act for e in trail] == [Act.ACCOUNT_CREATED, Act.SIGNED_IN]
        with pytest.raises(TokenUnknown):
            await people.tools.holder(whole.tool_token)
        assert {name for (name,) in await store.read(
            lambda tx: tx.all("SELECT account FROM audit_heads")
        )} > {owner.account}  # fmt: skip


class TestRevokingEverything:
    async def test_the_account_and_the_session_that_asked_stay_and_all_else_ends(
        self, people: People, whole: Whole, eve: Whole, vault: Vault, letters: Letters
    ) -> None:
        other = await people.sessions.open(whole.owner)
        ended = await people.deletion.revoke_everything(whole.owner, whole.session)
        assert ended == (2, 1)
        assert await vault.list(whole.owner) == []
        assert await people.tools.list(whole.owner) == []
        assert await people.user_tokens.list(whole.owner) == []
        assert await people.sessions.find(whole.cookie)
        with pytest.raises(SignInRequired):
            await people.sessions.find(other)
        with pytest.raises(TicketGone):
            await people.moving.confirm(whole.owner, await letters.ticket("CHANGE_ADDRESS"), VISIT)
        assert len(await people.ways.list(whole.owner)) == 3
        await people.accounts.check_password(whole.owner, PASSWORD)
        said = await letters.last("EVERYTHING_REVOKED")
        assert (said["to"], said["keys"], said["tools"]) == (whole.address, 2, 1)
        assert len(await vault.list(eve.owner)) == 2
        assert await people.deletion.revoke_everything(whole.owner, whole.session) == (0, 0)

    async def test_the_keys_bytes_are_gone_from_every_file(
        self, people: People, whole: Whole, vault: Vault, store: Store, data: Path
    ) -> None:
        sealed = [(await vault.sealed(whole.owner, key)).sealed for key in whole.keys]
        await store.erase_remains()
        await people.deletion.revoke_everything(whole.owner, whole.session)
        await erased(store)
        assert files_with(data, *(each[-16:] for each in sealed)) == []
