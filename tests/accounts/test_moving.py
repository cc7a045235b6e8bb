"""Another address, another id: everything comes along in one transaction, and nobody stays in."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import audit
from accounts import identities, moving, rows
from accounts.address import account_of
from accounts.errors import (
    AddressMalformed,
    AddressTaken,
    SignInRefused,
    SignInRequired,
    TicketGone,
)
from accounts.identity_kind import IdentityKind
from accounts.people import People
from audit import Act, TrailBroken
from broker.calls import Calls
from broker.files import Files
from broker.outcome import Outcome
from keysteward.box import SealedBox
from store import Owner, ProvenOwner, Store, changes
from store.changes import Kind, Tail
from tests.accounts.conftest import Letters
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from tests.kit.whole_account import OPENAI, PASSWORD, SUBJECT, VISIT, Maker, Whole, mentions
from vault.errors import KeyPresent
from vault.keyring import Keyring
from vault.revocations import Revocations
from vault.rows import KeyState
from vault.vault import Vault, parse

NEW = "Ada@Example.org"
TO = ProvenOwner(account_of("ada@example.org"))


@pytest.fixture
def make(people: People, vault: Vault, store: Store, keyring: Keyring, clock: MovedClock) -> Maker:
    return Maker(people, vault, store, keyring, clock)


@pytest.fixture
async def whole(make: Maker) -> Whole:
    return await make()


Move = Callable[[], Awaitable[Owner]]


@pytest.fixture
def move(people: People, whole: Whole, letters: Letters) -> Move:
    """Move Ada to the new address, by the mailed link."""

    async def move() -> Owner:
        await people.moving.ask(whole.owner, NEW)
        ticket = await letters.ticket("CHANGE_ADDRESS")
        return await people.moving.confirm(whole.owner, ticket, VISIT)

    return move


class TestTheLink:
    async def test_it_goes_to_the_new_address_and_nothing_changes_before_it_is_taken(
        self, people: People, whole: Whole, letters: Letters, clock: MovedClock
    ) -> None:
        await people.moving.ask(whole.owner, NEW)
        said = await letters.last("CHANGE_ADDRESS")
        assert said["to"] == said["new_address"] == "ada@example.org"
        standing = await people.accounts.standing(whole.owner)
        assert standing.address == whole.address
        clock.forward(microseconds=moving.LIFE)
        ticket = await letters.ticket("CHANGE_ADDRESS")
        with pytest.raises(TicketGone):
            await people.moving.confirm(whole.owner, ticket, VISIT)

    async def test_it_is_good_for_its_own_account_once(
        self, people: People, whole: Whole, letters: Letters, bob: ProvenOwner
    ) -> None:
        await people.moving.ask(whole.owner, NEW)
        ticket = await letters.ticket("CHANGE_ADDRESS")
        with pytest.raises(TicketGone):
            await people.moving.confirm(bob, ticket, VISIT)
        to = await people.moving.confirm(whole.owner, ticket, VISIT)
        for owner in (whole.owner, to):
            with pytest.raises(TicketGone):
                await people.moving.confirm(owner, ticket, VISIT)

    async def test_a_newer_one_voids_the_older(
        self, people: People, whole: Whole, letters: Letters
    ) -> None:
        await people.moving.ask(whole.owner, "ada@example.net")
        older = await letters.ticket("CHANGE_ADDRESS")
        await people.moving.ask(whole.owner, NEW)
        with pytest.raises(TicketGone):
            await people.moving.confirm(whole.owner, older, VISIT)

    async def test_that_an_address_is_taken_is_told_by_no_mail_and_no_answer(
        self, people: People, whole: Whole, letters: Letters, bob: ProvenOwner
    ) -> None:
        assert bob
        before = len(await letters.all())
        await people.moving.ask(whole.owner, "bob@example.com")
        assert len(await letters.all()) == before
        with pytest.raises(AddressMalformed):
            await people.moving.ask(whole.owner, "nowhere")


class TestWhatComesAlong:
    async def test_keys_open_and_a_duplicate_is_known_and_removed_ones_stay_removed(
        self, vault: Vault, whole: Whole, move: Move
    ) -> None:
        assert await move() == Owner(TO.account)
        found = {entry.id: entry for entry in await vault.list(TO)}
        assert found.keys() == whole.keys.keys()
        for key, secret in whole.keys.items():
            assert (await vault.reveal(TO, key)).reveal() == secret.encode()
            assert found[key].state is KeyState.ACTIVE
            with pytest.raises(KeyPresent):
                await vault.add(TO, OPENAI, parse(secret), label="again", state=KeyState.ACTIVE)
        assert await vault.list(whole.owner) == []
        await vault.remove(TO, next(iter(whole.keys)))

    async def test_files_open_and_nothing_of_them_is_sealed_for_the_old_id(
        self, move: Move, whole: Whole, store: Store, keyring: Keyring, clock: MovedClock
    ) -> None:
        files = Files(store, keyring, clock, most=1)
        to = await move()
        assert await files.latest(whole.owner, before=None, most=9) == []
        (file,) = await files.latest(to, before=None, most=9)
        assert file.name == "kept.txt"
        assert [part async for part in files.content(to, file)] == [b"what was kept"]

    async def test_the_old_seals_are_erased_in_every_file(
        self, store: Store, whole: Whole, move: Move, data: Path
    ) -> None:
        sql = "SELECT slot, account, sealed FROM seals ORDER BY slot"
        before = await store.read(lambda tx: tx.all(sql))
        await store.erase_remains()
        await move()
        assert store._erasing is not None
        assert not store._erasing.done()
        await store._erasing
        assert files_with(data, *(sealed[-16:] for _, _, sealed in before if any(sealed))) == []
        after = await store.read(lambda tx: tx.all(sql))
        assert {account for _, account, _ in after} == {TO.account}
        for (slot, _, old), (_, _, new) in zip(before, after, strict=False):
            assert slot
            assert new == bytes(len(old))
        assert len(after) == len(before) + len(whole.keys)

    async def test_a_key_that_did_not_open_before_does_not_stand_in_the_way(
        self, vault: Vault, store: Store, whole: Whole, move: Move
    ) -> None:
        broken, fine = whole.keys
        await store.write(
            lambda tx: tx.run(
                "UPDATE seals SET sealed = zeroblob(60) WHERE slot ="
                " (SELECT slot FROM keys WHERE id = :key)",
                key=broken,
            )
        )
        await move()
        states = {entry.id: entry.state for entry in await vault.list(TO)}
        assert states == {broken: KeyState.NEEDS_REENTRY, fine: KeyState.ACTIVE}

    async def test_tools_and_user_tokens_go_on_working(
        self, people: People, whole: Whole, move: Move
    ) -> None:
        await move()
        tool = await people.tools.holder(whole.tool_token)
        assert (tool.id, tool.account, tool.providers) == (whole.tool, TO.account, ("openai",))
        assert (await people.user_tokens.holder(whole.user_token)).account == TO.account
        await people.tools.revoke(TO, whole.tool)

    async def test_changes_keep_their_numbers_and_say_that_it_has_moved(
        self, store: Store, whole: Whole, move: Move
    ) -> None:
        head = await store.read(lambda tx: changes.head(tx, whole.owner))
        before, _ = await store.read(lambda tx: changes.revocations_after(tx, whole.owner, 0))
        tail = Tail(store)
        await tail.start()
        await move()
        after, upto = await store.read(lambda tx: changes.revocations_after(tx, TO, 0))
        assert [(each.seq, each.key) for each in after] == [(each.seq, each.key) for each in before]
        assert upto > head
        heard = [(change.kind, change.account, change.was) for change in await tail.catch_up()]
        assert (Kind.ACCOUNT_MOVED, TO.account, whole.owner.account) in heard
        numbers = await store.read(
            lambda tx: tx.all("SELECT account, seq FROM changes ORDER BY seq")
        )
        assert numbers == [(TO.account, number) for number in range(1, len(numbers) + 1)]

    async def test_the_trail_verifies_signed_anew_and_shows_the_change(
        self, store: Store, keyring: Keyring, whole: Whole, move: Move
    ) -> None:
        before = await store.read(lambda tx: audit.verify(tx, keyring, whole.owner))
        await move()
        after = await store.read(lambda tx: audit.verify(tx, keyring, TO))
        assert [entry.act for entry in after[: len(before)]] == [entry.act for entry in before]
        assert after[-1].act is Act.ADDRESS_CHANGED
        assert not {entry.digest for entry in before} & {entry.digest for entry in after}
        with pytest.raises(TrailBroken):
            await store.read(lambda tx: audit.verify(tx, keyring, whole.owner))

    async def test_the_password_passkeys_and_identities_sign_in_to_it(
        self, people: People, store: Store, keyring: Keyring, whole: Whole, move: Move
    ) -> None:
        ways = await people.ways.list(whole.owner)
        await move()
        assert await people.ways.list(TO) == ways
        await people.accounts.check_password(TO, PASSWORD)
        with pytest.raises(SignInRefused):
            await people.accounts.check_password(whole.owner, PASSWORD)
        options, ticket = await people.passkeys.begin_sign_in(None)
        answer = whole.authenticator.get(options)
        assert await people.passkeys.finish_sign_in(ticket, answer) == Owner(TO.account)
        box, subject = SealedBox(keyring), f"{SUBJECT} {whole.address}"
        found = await store.read(
            lambda tx: identities.find(tx, box, keyring, IdentityKind.GOOGLE, subject)
        )
        assert found is not None
        assert (found.account, found.name) == (TO.account, "ada at Google")

    async def test_the_second_factor_is_the_same_app_s_and_its_recovery_codes_stay(
        self, people: People, make: Maker, whole: Whole, move: Move, clock: MovedClock
    ) -> None:
        await move()
        clock.forward(seconds=30)
        await people.second_factor.check(TO, make.code(whole), VISIT)
        await people.second_factor.check(TO, whole.codes[-1], VISIT)
        assert not await people.second_factor.is_set_up(whole.owner)

    async def test_a_call_that_runs_ends_in_the_new_account_s_ledger(
        self, store: Store, make: Maker, whole: Whole, move: Move, clock: MovedClock
    ) -> None:
        await move()
        clock.forward(seconds=1)
        await make.end(whole.call, whole.owner)
        calls = await Calls(store).latest(TO, before=None, most=9)
        assert {call.id: call.outcome for call in calls} == {
            whole.call: Outcome.ANSWERED,
            f"call_1_ended_{whole.address}": Outcome.ANSWERED,
        }
        await store.write(lambda tx: moving.forget(tx, older_than=clock() - 10**9))
        assert await store.read(lambda tx: tx.all("SELECT 1 FROM moves"))
        await store.write(lambda tx: moving.forget(tx, older_than=clock()))
        assert await store.read(lambda tx: tx.all("SELECT 1 FROM moves")) == []

    async def test_who_listens_and_what_was_heard_comes_along(
        self, store: Store, clock: MovedClock, whole: Whole, move: Move
    ) -> None:
        revocations = Revocations(store, clock)
        (before,) = await revocations.latest(whole.owner, before=None, most=9)
        await move()
        (after,) = await revocations.latest(TO, before=None, most=9)
        assert (after.change.seq, after.tools) == (before.change.seq, before.tools)
        assert await revocations.running(TO) == {whole.tool: 1}
        assert await revocations.acknowledge(TO, whole.tool, "i", after.change.seq)


class TestWhatEnds:
    async def test_every_session_and_every_ticket(
        self, people: People, whole: Whole, move: Move, letters: Letters, store: Store
    ) -> None:
        await people.resets.ask(whole.address, VISIT)
        await people.resets.write_asked()
        reset = await letters.ticket("RESET_PASSWORD")
        other = await people.sessions.open(whole.owner)
        await move()
        for cookie in (whole.cookie, other):
            with pytest.raises(SignInRequired):
                await people.sessions.find(cookie)
        assert await store.read(lambda tx: tx.all("SELECT 1 FROM sessions")) == []
        kinds = await store.read(lambda tx: tx.all("SELECT kind FROM changes"))
        assert ("SESSION_ENDED",) in kinds  # open pages hear of it
        with pytest.raises(TicketGone):
            await people.resets.reset(reset, "another passphrase", VISIT)
        assert await store.read(lambda tx: tx.all("SELECT 1 FROM tickets")) == []

    async def test_both_addresses_are_told(self, move: Move, letters: Letters) -> None:
        await move()
        told = [each for each in await letters.all() if each.letter == "ADDRESS_CHANGED"]
        assert {each.facts["to"] for each in told} == {"ada@example.com", "ada@example.org"}
        assert {each.facts["old_address"] for each in told} == {"ada@example.com"}

    async def test_the_new_address_counts_as_verified_and_is_sealed_for_the_new_id(
        self, people: People, move: Move, clock: MovedClock
    ) -> None:
        await move()
        standing = await people.accounts.standing(TO)
        assert (standing.address, standing.verified_at) == ("ada@example.org", clock())
        assert (await people.entering.by_password(NEW, PASSWORD, VISIT)) is not None

    async def test_the_old_id_stands_nowhere_but_where_it_must(
        self, store: Store, whole: Whole, move: Move
    ) -> None:
        """In the note for calls that run, in the change that tells of it, in letters and limits."""
        await move()
        left = await mentions(store, whole.owner.account)
        outside = left.keys() - {"moves", "changes", "outbox", "buckets"}
        assert outside == set()
        assert (left["moves"], left["changes"]) == (1, 1)

    async def test_somebody_else_may_sign_up_with_the_old_address_and_sees_nothing_of_it(  # noqa: PLR0917
        self, people: People, vault: Vault, store: Store, whole: Whole, move: Move, keyring: Keyring
    ) -> None:
        await move()
        entered = await people.entering.sign_up(whole.address, "somebody else's", VISIT)
        owner = ProvenOwner(entered.owner.account)
        assert owner.account == whole.owner.account
        assert await vault.list(owner) == []
        assert await people.tools.named(owner) == {}
        assert await people.user_tokens.list(owner) == []
        assert [way.name for way in await people.ways.list(owner)] == [""]
        assert not await people.second_factor.is_set_up(owner)
        assert len(await people.sessions.list(owner)) == 1
        calls = await Calls(store).latest(owner, before=None, most=9)
        assert calls == []
        trail = await store.read(lambda tx: audit.verify(tx, keyring, owner))
        assert [entry.act for entry in trail] == [Act.ACCOUNT_CREATED, Act.SIGNED_IN]
        assert await store.read(lambda tx: changes.revocations_after(tx, owner, 0)) == ([], 1)
        assert not people.guesses.knows(TO, VISIT)
        assert (await people.tools.holder(whole.tool_token)).account == TO.account


class TestMeeting:
    async def test_an_address_taken_meanwhile_leaves_everything_as_it_was(
        self, people: People, whole: Whole, letters: Letters, vault: Vault
    ) -> None:
        await people.moving.ask(whole.owner, NEW)
        await people.accounts.sign_up(NEW, "somebody else's")
        ticket = await letters.ticket("CHANGE_ADDRESS")
        with pytest.raises(AddressTaken):
            await people.moving.confirm(whole.owner, ticket, VISIT)
        assert len(await vault.list(whole.owner)) == 2
        await people.sessions.find(whole.cookie)
        assert await vault.list(TO) == []

    async def test_of_two_moves_at_once_one_happens(
        self, people: People, whole: Whole, letters: Letters
    ) -> None:
        await people.moving.ask(whole.owner, NEW)
        ticket = await letters.ticket("CHANGE_ADDRESS")
        answers = await asyncio.gather(
            *(people.moving.confirm(whole.owner, ticket, VISIT) for _ in range(5)),
            return_exceptions=True,
        )
        assert [type(each) for each in answers].count(Owner) == 1
        assert {type(each) for each in answers} == {Owner, TicketGone}

    async def test_of_two_accounts_that_want_one_address_one_has_it(
        self, people: People, make: Maker, whole: Whole, letters: Letters, vault: Vault
    ) -> None:
        other = await make("eve@example.com")
        await people.moving.ask(whole.owner, NEW)
        mine = await letters.ticket("CHANGE_ADDRESS")
        await people.moving.ask(other.owner, NEW)
        theirs = await letters.ticket("CHANGE_ADDRESS")
        answers: list[Any] = await asyncio.gather(
            people.moving.confirm(whole.owner, mine, VISIT),
            people.moving.confirm(other.owner, theirs, VISIT),
            return_exceptions=True,
        )
        assert {type(each) for each in answers} == {Owner, AddressTaken}
        left = [
            w.owner for w, a in zip((whole, other), answers, strict=True) if a != Owner(TO.account)
        ]
        for owner in (TO, *left):
            assert len(await vault.list(owner)) == 2

    async def test_what_is_done_under_the_old_id_at_the_same_time_is_whole_or_not_at_all(
        self, vault: Vault, store: Store, whole: Whole, move: Move, keyring: Keyring
    ) -> None:
        adding = [
            vault.add(
                whole.owner, OPENAI, parse(f"sk-proj-{n}" + "b" * 40), label=f"{n}",
                state=KeyState.ACTIVE,
            )
            for n in range(20)
        ]  # fmt: skip
        answers = await asyncio.gather(move(), *adding, return_exceptions=True)
        kept = [each for each in answers[1:] if not isinstance(each, BaseException)]
        found = await vault.list(TO)
        assert len(found) == 2 + len(kept)
        assert {entry.state for entry in found} == {KeyState.ACTIVE}
        assert await vault.list(whole.owner) == []
        await store.read(lambda tx: audit.verify(tx, keyring, TO))

    async def test_there_and_back_again(
        self, people: People, vault: Vault, whole: Whole, letters: Letters, move: Move
    ) -> None:
        await move()
        await people.moving.ask(TO, whole.address)
        back = await people.moving.confirm(TO, await letters.ticket("CHANGE_ADDRESS"), VISIT)
        assert back == Owner(whole.owner.account)
        assert len(await vault.list(back)) == 2
        assert (await people.tools.holder(whole.tool_token)).account == back.account

    async def test_to_where_it_is_already_nothing_moves(
        self, people: People, whole: Whole, store: Store, clock: MovedClock
    ) -> None:
        to = await store.write(
            lambda tx: people.moving.move(tx, whole.owner, whole.address, VISIT, at=clock())
        )
        assert to.account == whole.owner.account
        await people.sessions.find(whole.cookie)

    async def test_an_address_of_one_who_is_gone_is_free(
        self, people: People, make: Maker, vault: Vault, whole: Whole, move: Move
    ) -> None:
        other = await make(NEW.lower())
        await people.deletion.delete(other.owner, other.address)
        await move()
        assert {entry.id for entry in await vault.list(TO)} == whole.keys.keys()

    async def test_one_without_an_address_takes_one_and_has_one_reader_to_tell(
        self, people: People, store: Store, clock: MovedClock, letters: Letters, keyring: Keyring
    ) -> None:
        owner = await store.write(
            lambda tx: people.accounts.create(tx, None, is_verified=False, invite="", at=clock())
        )
        await people.moving.ask(ProvenOwner(owner.account), NEW)
        await people.moving.confirm(owner, await letters.ticket("CHANGE_ADDRESS"), VISIT)
        told = [each for each in await letters.all() if each.letter == "ADDRESS_CHANGED"]
        assert [each.facts["to"] for each in told] == ["ada@example.org"]
        row = await store.read(lambda tx: rows.active(tx, keyring, TO))
        assert row.is_verified
