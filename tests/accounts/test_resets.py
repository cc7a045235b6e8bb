"""Forgotten passwords: a link to the address on file, once, for a day; and no sign of who is here.

The time that it takes is measured in tests of its own; here it is what is done.
"""

import asyncio
from typing import Any

import pytest

import audit
from accounts import resets, rows
from accounts.address import account_of
from accounts.entering import HalfEntered
from accounts.errors import (
    AccountDisabled,
    AddressMalformed,
    PasswordGuessable,
    PasswordUnfit,
    SignInRefused,
    SignInRequired,
    TicketGone,
    TooManyTries,
)
from accounts.guesses import Limits
from accounts.people import People
from audit import Act
from store import Owner, Store, Tx
from store.clock import DAY, MINUTE
from tests.accounts.conftest import Letters
from tests.kit.clock import MovedClock
from tests.kit.whole_account import PASSWORD, VISIT, Maker, Whole
from vault.keyring import Keyring
from vault.vault import Vault

ADDRESS, ANOTHER = "ada@example.com", "another passphrase"


@pytest.fixture
def make(people: People, vault: Vault, store: Store, keyring: Keyring, clock: MovedClock) -> Maker:
    return Maker(people, vault, store, keyring, clock)


@pytest.fixture
async def whole(make: Maker) -> Whole:
    return await make(ADDRESS)


async def asked(people: People, letters: Letters, address: str = ADDRESS) -> str:
    """Ask for a link, and give its ticket."""
    await people.resets.ask(address, VISIT)
    await people.resets.write_asked()
    return await letters.ticket("RESET_PASSWORD")


class TestAsking:
    async def test_the_same_is_done_whether_or_not_there_is_such_an_account(
        self, people: People, whole: Whole, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each statement and what it writes, to the length of what is sealed."""
        seen: list[tuple[str, list[tuple[str, int]]]] = []

        def noting(inner: Any) -> Any:
            def noted(self: Tx, sql: str, **values: Any) -> Any:
                sizes = sorted(
                    (name, len(str(value))) for name, value in values.items() if name != "sealed"
                )
                sealed = len(values.get("sealed", b""))
                seen.append((sql, [*sizes, ("sealed", sealed)]))
                return inner(self, sql, **values)

            return noted

        for name in ("one", "all", "run"):
            monkeypatch.setattr(Tx, name, noting(getattr(Tx, name)))
        work = []
        for address in (ADDRESS, "nobody@example.com", "unverified@example.com"):
            await store.write(lambda tx: tx.run("DELETE FROM buckets"))
            seen.clear()
            await people.resets.ask(address, VISIT)
            work.append(list(seen))
        assert work[0] == work[1] == work[2]
        assert any("INSERT INTO outbox" in sql for sql, _ in work[0])
        # And nothing was looked up of accounts.
        assert not [sql for sql, _ in work[0] if "accounts" in sql]
        assert whole

    async def test_only_the_account_on_file_is_written_to(
        self, people: People, whole: Whole, letters: Letters
    ) -> None:
        before = len(await letters.all())
        for address in (" Ada@Example.COM", "nobody@example.com"):
            await people.resets.ask(address, VISIT)
        assert await people.resets.write_asked() == 2
        assert await people.resets.write_asked() == 0
        new = (await letters.all())[before:]
        assert [(each.letter, each.facts["to"]) for each in new] == [("RESET_PASSWORD", ADDRESS)]
        assert new[0].facts["place"] == VISIT.address
        assert whole

    @pytest.mark.usefixtures("whole")
    async def test_a_request_that_was_planted_is_answered_by_nothing(
        self, people: People, store: Store, letters: Letters
    ) -> None:
        await people.resets.ask("nobody@example.com", VISIT)
        account = account_of(ADDRESS)
        await store.write(
            lambda tx: tx.run(
                "UPDATE outbox SET account = :a WHERE letter LIKE 'ASKED%'", a=account
            )
        )
        before = [each.letter for each in await letters.all()]
        assert await people.resets.write_asked() == 0
        assert [each.letter for each in await letters.all() if "ASKED" not in each.letter] == [
            each for each in before if "ASKED" not in each
        ]

    async def test_an_unverified_account_gets_no_reset_but_the_links_to_verify_or_give_up(
        self, people: People, letters: Letters
    ) -> None:
        await people.accounts.sign_up(ADDRESS, PASSWORD)
        await people.resets.ask(ADDRESS, VISIT)
        await people.resets.write_asked()
        (*_, last) = await letters.all()
        assert last.letter == "RESET_OF_UNVERIFIED"
        assert {"link", "release_link"} <= last.facts.keys()
        owner = Owner(account_of(ADDRESS))
        await people.verifying.verify(await letters.ticket("RESET_OF_UNVERIFIED"), owner)

    async def test_a_disabled_or_deleted_one_and_one_altered_get_nothing(
        self, people: People, whole: Whole, letters: Letters, store: Store, keyring: Keyring
    ) -> None:
        def put(**changed: Any) -> Any:
            def unit(tx: Tx) -> None:
                account = rows.find(tx, keyring, whole.owner)
                assert account is not None
                rows.put(tx, keyring, account, **changed)

            return unit

        async def nothing_comes() -> None:
            before = len(await letters.all())
            await people.resets.ask(ADDRESS, VISIT)
            await people.resets.write_asked()
            assert len(await letters.all()) == before

        await store.write(put(disabled_at=1))
        await nothing_comes()
        await store.write(put(disabled_at=None, deleted_at=1))
        await nothing_comes()
        await store.write(put(deleted_at=None))
        await store.write(lambda tx: tx.run("UPDATE accounts SET verified_at = 3"))
        await nothing_comes()

    async def test_what_is_no_address_is_told(self, people: People) -> None:
        with pytest.raises(AddressMalformed):
            await people.resets.ask("nowhere", VISIT)


class TestLimits:
    @pytest.fixture
    def limits(self) -> Limits:
        return Limits()

    @pytest.mark.parametrize("address", [ADDRESS, "nobody@example.com"])
    async def test_nobody_s_mailbox_is_flooded(self, people: People, address: str) -> None:
        for _ in range(3):
            await people.resets.ask(address, VISIT)
        with pytest.raises(TooManyTries) as soon:
            await people.resets.ask(address, VISIT)
        assert soon.value.wait == 20 * MINUTE // 10**6
        await people.resets.ask("other@example.com", VISIT)


class TestTheLink:
    async def test_the_new_password_counts_every_session_ends_and_nobody_is_signed_in(
        self, people: People, whole: Whole, letters: Letters, store: Store, keyring: Keyring
    ) -> None:
        other = await people.sessions.open(whole.owner)
        done = await people.resets.reset(await asked(people, letters), ANOTHER, VISIT)
        assert done is None
        for cookie in (whole.cookie, other):
            with pytest.raises(SignInRequired):
                await people.sessions.find(cookie)
        assert await people.sessions.list(whole.owner) == []
        with pytest.raises(SignInRefused):
            await people.entering.by_password(ADDRESS, PASSWORD, VISIT)
        assert await people.entering.by_password(ADDRESS, ANOTHER, VISIT)
        assert (await letters.last("PASSWORD_CHANGED"))["place"] == VISIT.address
        trail = await store.read(lambda tx: audit.verify(tx, keyring, whole.owner))
        acts = [entry.act for entry in trail]
        sent = acts.index(Act.PASSWORD_RESET_SENT)
        assert acts[sent : sent + 3] == [
            Act.PASSWORD_RESET_SENT,
            Act.PASSWORD_RESET,
            Act.SESSIONS_ENDED,
        ]

    async def test_the_second_factor_stays_and_is_asked_for(
        self, people: People, whole: Whole, letters: Letters
    ) -> None:
        half = await people.entering.by_password(ADDRESS, PASSWORD, VISIT)
        assert isinstance(half, HalfEntered)
        await people.resets.reset(await asked(people, letters), ANOTHER, VISIT)
        with pytest.raises(TicketGone):  # what was half entered with the old password
            await people.entering.second(half.ticket, whole.codes[0], VISIT)
        again = await people.entering.by_password(ADDRESS, ANOTHER, VISIT)
        assert isinstance(again, HalfEntered)
        assert await people.entering.second(again.ticket, whole.codes[0], VISIT)

    @pytest.mark.usefixtures("whole")
    async def test_of_fifty_uses_at_once_one_counts(self, people: People, letters: Letters) -> None:
        ticket = await asked(people, letters)
        passwords = [f"a passphrase, number {number}" for number in range(50)]
        answers = await asyncio.gather(
            *(people.resets.reset(ticket, each, VISIT) for each in passwords),
            return_exceptions=True,
        )
        assert [type(each) for each in answers].count(TicketGone) == 49
        (right,) = [p for p, a in zip(passwords, answers, strict=True) if a is None]
        assert await people.entering.by_password(ADDRESS, right, VISIT)
        told = [each for each in await letters.all() if each.letter == "PASSWORD_CHANGED"]
        assert len(told) == 1

    @pytest.mark.usefixtures("whole")
    async def test_it_ends_after_a_day(
        self, people: People, letters: Letters, clock: MovedClock
    ) -> None:
        assert resets.LIFE == DAY
        ticket = await asked(people, letters)
        clock.forward(microseconds=DAY - 1)
        with pytest.raises(PasswordUnfit):
            await people.resets.reset(ticket, "short", VISIT)
        clock.forward(microseconds=1)
        with pytest.raises(TicketGone):
            await people.resets.reset(ticket, ANOTHER, VISIT)

    @pytest.mark.usefixtures("whole")
    async def test_a_newer_one_voids_the_older(self, people: People, letters: Letters) -> None:
        older = await asked(people, letters)
        newer = await asked(people, letters)
        with pytest.raises(TicketGone):
            await people.resets.reset(older, ANOTHER, VISIT)
        await people.resets.reset(newer, ANOTHER, VISIT)

    @pytest.mark.usefixtures("whole")
    async def test_a_password_that_is_refused_does_not_burn_it(
        self, people: People, letters: Letters
    ) -> None:
        ticket = await asked(people, letters)
        for unfit in ("short", "password1", ADDRESS, "x" * 1025):
            with pytest.raises(PasswordUnfit):
                await people.resets.reset(ticket, unfit, VISIT)
        with pytest.raises(PasswordGuessable):
            await people.resets.reset(ticket, "ada@example.com", VISIT)
        await people.resets.reset(ticket, ANOTHER, VISIT)

    async def test_it_is_void_once_the_address_has_changed(
        self, people: People, whole: Whole, letters: Letters
    ) -> None:
        ticket = await asked(people, letters)
        await people.moving.ask(whole.owner, "ada@example.org")
        change = await letters.ticket("CHANGE_ADDRESS")
        await people.moving.confirm(whole.owner, change, VISIT)
        with pytest.raises(TicketGone):
            await people.resets.reset(ticket, ANOTHER, VISIT)

    async def test_a_change_of_address_that_was_begun_is_void_once_it_was_used(
        self, people: People, whole: Whole, letters: Letters
    ) -> None:
        """Somebody who was in the account for a while had it begun."""
        change = await letters.ticket("CHANGE_ADDRESS")
        await people.resets.reset(await asked(people, letters), ANOTHER, VISIT)
        with pytest.raises(TicketGone):
            await people.moving.confirm(whole.owner, change, VISIT)

    async def test_a_disabled_account_s_changes_nothing(
        self, people: People, whole: Whole, letters: Letters, store: Store, keyring: Keyring
    ) -> None:
        ticket = await asked(people, letters)

        def disable(tx: Tx) -> None:
            rows.put(tx, keyring, rows.active(tx, keyring, whole.owner), disabled_at=1)

        await store.write(disable)
        with pytest.raises(AccountDisabled):
            await people.resets.reset(ticket, ANOTHER, VISIT)
        await people.accounts.check_password(whole.owner, PASSWORD)

    async def test_one_who_never_had_a_password_has_one_then(
        self, people: People, letters: Letters, store: Store, clock: MovedClock
    ) -> None:
        owner = await store.write(
            lambda tx: people.accounts.create(tx, ADDRESS, is_verified=True, invite="", at=clock())
        )
        await people.resets.reset(await asked(people, letters), ANOTHER, VISIT)
        assert await people.accounts.has_password(owner)
