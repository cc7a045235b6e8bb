"""Keys at rest: added, shown masked, revealed, rotated, removed, by their owner alone."""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import redact.process
from providers import CATALOGUE, Provider
from redact.engine import Redactor
from store import ProvenOwner, Store, Tx, Unit, changes
from store.changes import Kind, Reason
from tests.kit.canary import canary, files_with, pieces
from tests.kit.clock import MovedClock
from tests.kit.people import BOB
from vault import revocations, rows
from vault.errors import (
    KeyGone,
    KeyMalformed,
    KeyNeedsReentry,
    KeyPresent,
    LabelTaken,
    LabelUnfit,
    NoKey,
)
from vault.keyring import Keyring
from vault.rows import Entry, KeyState
from vault.secret import Secret
from vault.vault import LONGEST_KEY, LONGEST_LABEL, SHORTEST_KEY, Vault, parse

OPENAI, ANTHROPIC = CATALOGUE["openai"], CATALOGUE["anthropic"]


Add = Callable[..., Awaitable[Entry]]


@pytest.fixture
def add(vault: Vault, ada: ProvenOwner) -> Add:
    """Add a key with what a test does not care about filled in."""
    labels = iter(range(1000))

    async def add(
        text: str | None = None,
        *,
        owner: ProvenOwner = ada,
        provider: Provider = OPENAI,
        **how: Any,
    ) -> Entry:
        how = {"label": f"label {next(labels)}", "state": KeyState.ACTIVE} | how
        return await vault.add(owner, provider, parse(text or canary()), **how)

    return add


async def kinds(store: Store, owner: ProvenOwner) -> list[tuple[str, str | None, int | None]]:
    return await store.read(
        lambda tx: tx.all(
            "SELECT kind, key, version FROM changes WHERE account = :account ORDER BY seq",
            account=owner.account,
        )
    )


class TestPasting:
    @pytest.mark.parametrize("text", ["  sk-made-up \n", "\tsk-made-up", "sk-made-up\r\n\r\n"])
    def test_what_copying_leaves_at_the_ends_is_taken_off(self, text: str) -> None:
        assert parse(text).reveal() == b"sk-made-up"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " \n\t",
            "x" * (SHORTEST_KEY - 1),
            "x" * (LONGEST_KEY + 1),
            "x" * 1024 * 1024,
            "sk-made up-key",
            "sk-made\nup-key",
            "sk-made\r\nx-evil: 1",
            "sk-made\0up-key",
            "\0sk-made-up-key",
            "sk-made\tup-key",
            "sk-made\x7fup-key",
            "sk-made-úp-key",
            "sk-made-up-key\u200b",
            "\u00a0sk-made-up-key",
            "sk-made-\ud800-key",
            "\uff53\uff4b-made-up-key",
        ],
        ids=lambda text: f"{text[:20]!a} of {len(text)}",
    )
    def test_what_can_be_nobody_s_key_is_refused_and_not_repeated(self, text: str) -> None:
        with pytest.raises(KeyMalformed) as refused:
            parse(text)
        assert refused.value.expected in str(refused.value)
        assert not text.strip() or text not in str(refused.value)
        assert refused.value.__context__ is None

    def test_the_shortest_and_the_longest_are_taken(self) -> None:
        for length in (SHORTEST_KEY, LONGEST_KEY):
            assert parse("~" * length).reveal() == b"~" * length


class TestAdding:
    async def test_a_key_is_shown_masked_and_never_whole(
        self, add: Add, vault: Vault, ada: ProvenOwner
    ) -> None:
        text = canary()
        entry = await add(text, label="work")
        assert entry.masked == f"sk-proj-••••{text[-4:]}"
        assert (entry.label, entry.version, entry.state) == ("work", 1, KeyState.ACTIVE)
        for shown in (entry, await vault.get(ada, entry.id), await vault.list(ada)):
            assert text not in repr(shown)

    async def test_its_plaintext_is_in_no_file(self, add: Add, data: Path) -> None:
        text = canary()
        await add(text)
        assert files_with(data, text.encode()) == []

    async def test_the_clock_s_time_stands_beside_it(self, add: Add, clock: MovedClock) -> None:
        verified = await add(state=KeyState.SCOPED)
        assert (verified.added_at, verified.verified_at) == (clock(), clock())
        unverified = await add(state=KeyState.UNVERIFIED)
        assert (unverified.verified_at, unverified.rotated_at) == (None, None)
        assert unverified.last_used_at is None

    async def test_the_first_at_its_provider_is_the_default(self, add: Add) -> None:
        assert (await add()).is_default
        assert not (await add()).is_default
        assert (await add(canary("anthropic"), provider=ANTHROPIC)).is_default

    async def test_a_new_default_takes_the_old_one_s_place(
        self, add: Add, vault: Vault, ada: ProvenOwner
    ) -> None:
        first = await add()
        second = await add(default=True)
        assert second.is_default
        assert not (await vault.get(ada, first.id)).is_default

    async def test_the_same_key_twice_is_refused_with_the_reference_of_the_first(
        self, add: Add
    ) -> None:
        text = canary()
        first = await add(text)
        with pytest.raises(KeyPresent) as present:
            await add(text)
        assert present.value.key == first.id

    async def test_the_same_key_is_told_under_a_newer_master_key_too(
        self, store: Store, clock: MovedClock, ada: ProvenOwner
    ) -> None:
        text, old, new = canary(), Keyring.mint("old"), Keyring.mint("new")
        how = {"label": "x", "state": KeyState.ACTIVE}
        before = Vault(store, Keyring.parse(old), clock)
        first = await before.add(ada, OPENAI, parse(text), **how)
        after = Vault(store, Keyring.parse(f"{new},{old}"), clock)
        with pytest.raises(KeyPresent) as present:
            await after.add(ada, OPENAI, parse(text), **how)
        assert present.value.key == first.id

    async def test_two_accounts_may_have_the_same_key_and_neither_learns_of_it(
        self, add: Add, bob: ProvenOwner
    ) -> None:
        text = canary()
        await add(text, label="same")
        assert (await add(text, label="same", owner=bob)).account == bob.account

    async def test_a_label_is_taken_once_a_provider(self, add: Add) -> None:
        await add(label="work")
        with pytest.raises(LabelTaken):
            await add(label="work")
        await add(canary("anthropic"), provider=ANTHROPIC, label="work")

    async def test_a_removed_key_s_label_and_text_are_free_again(
        self, add: Add, vault: Vault, ada: ProvenOwner
    ) -> None:
        text = canary()
        first = await add(text, label="work")
        await vault.remove(ada, first.id)
        assert (await add(text, label="work")).id != first.id

    @pytest.mark.parametrize("label", ["", "x" * (LONGEST_LABEL + 1), "a\nb", "a\0b", "\ud800"])
    async def test_a_label_that_can_t_be_shown_is_refused(self, add: Add, label: str) -> None:
        with pytest.raises(LabelUnfit):
            await add(label=label)
        await add(label="x" * LONGEST_LABEL)

    async def test_of_many_at_once_with_one_text_one_is_kept(
        self, add: Add, vault: Vault, ada: ProvenOwner
    ) -> None:
        text = canary()
        answers = await asyncio.gather(*(add(text) for _ in range(20)), return_exceptions=True)
        assert (
            sorted(type(answer).__name__ for answer in answers) == ["Entry"] + ["KeyPresent"] * 19
        )
        assert len(await vault.list(ada)) == 1

    async def test_it_is_written_in_the_log_of_changes(
        self, add: Add, store: Store, ada: ProvenOwner
    ) -> None:
        entry = await add()
        assert await kinds(store, ada) == [("KEY_ADDED", entry.id, 1)]


class TestLooking:
    async def test_the_list_is_the_owner_s_own_oldest_first(
        self, add: Add, vault: Vault, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        mine = [await add(), await add(canary("anthropic"), provider=ANTHROPIC), await add()]
        await add(owner=bob)
        assert [entry.id for entry in await vault.list(ada)] == sorted(entry.id for entry in mine)
        assert await vault.list(ada, "anthropic") == [mine[1]]
        assert await vault.list(ada, "google") == []

    async def test_its_last_use_is_that_of_the_newest_call(
        self,
        add: Add,
        vault: Vault,
        ada: ProvenOwner,
        store: Store,
    ) -> None:
        entry = await add()

        def call(number: int, account: str, at: int) -> Unit[int]:
            return lambda tx: tx.run(
                "INSERT INTO calls (id, account, tool, key, version, provider, worker, started_at)"
                " VALUES (:id, :account, 'tool_1', :key, 1, 'openai', 'w', :at)",
                id=f"call_{number}",
                account=account,
                key=entry.id,
                at=at,
            )

        for number, account, at in (
            (1, ada.account, 10),
            (2, ada.account, 20),
            (3, BOB.account, 30),
        ):
            await store.write(call(number, account, at))
        assert (await vault.get(ada, entry.id)).last_used_at == 20

    async def test_what_was_pasted_is_what_is_revealed(
        self, add: Add, vault: Vault, ada: ProvenOwner
    ) -> None:
        text = canary()
        entry = await add(f" {text}\n")
        assert (await vault.reveal(ada, entry.id)).reveal() == text.encode()

    async def test_sealed_bytes_open_for_a_call(
        self, add: Add, vault: Vault, ada: ProvenOwner
    ) -> None:
        text = canary()
        sealed = await vault.sealed(ada, (await add(text)).id)
        assert vault.open(sealed).reveal() == text.encode()
        assert "sealed" not in repr(sealed)


class TestInUse:
    """What a call is given."""

    @staticmethod
    def used(store: Store, owner: ProvenOwner, choice: str | None = None) -> Awaitable[str]:
        return store.read(lambda tx: rows.in_use(tx, owner, "openai", choice).id)

    async def test_the_default_unless_one_is_named_by_id_or_label(
        self, add: Add, store: Store, ada: ProvenOwner
    ) -> None:
        first, second = await add(label="one"), await add(label="two")
        assert await self.used(store, ada) == first.id
        assert await self.used(store, ada, second.id) == second.id
        assert await self.used(store, ada, "two") == second.id

    @pytest.mark.parametrize("choice", [None, "two"])
    async def test_none_when_there_is_none(
        self,
        add: Add,
        store: Store,
        ada: ProvenOwner,
        bob: ProvenOwner,
        choice: str | None,
    ) -> None:
        await add(owner=bob, label="two")
        with pytest.raises(NoKey, match="openai"):
            await self.used(store, ada, choice)

    async def test_a_removed_one_never_again(
        self, add: Add, vault: Vault, store: Store, ada: ProvenOwner
    ) -> None:
        entry = await add(label="one")
        await vault.remove(ada, entry.id)
        for choice in (None, entry.id, "one"):
            with pytest.raises(NoKey):
                await self.used(store, ada, choice)

    async def test_it_opens_with_the_sealed_bytes_of_its_present_version(
        self, add: Add, vault: Vault, store: Store, ada: ProvenOwner
    ) -> None:
        entry, text = await add(), canary()
        await vault.rotate(ada, entry.id, OPENAI, parse(text), state=KeyState.ACTIVE)
        key = await store.read(lambda tx: rows.in_use(tx, ada, "openai", None))
        assert (key.version, vault.open(key).reveal()) == (2, text.encode())


class TestKnownToTheRedactor:
    """Few providers' keys have a form. One that was in hand here is struck all the same."""

    @pytest.fixture
    def said(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
        """Say something in a process that knows nothing yet."""
        redactor = Redactor()
        monkeypatch.setattr(redact.process, "_REDACTOR", redactor)
        return lambda secret: redactor.clean(f"it came back as {secret} again, or {secret[::-1]}")

    async def test_a_key_that_was_pasted(self, said: Callable[[str], str]) -> None:
        secret = canary("cohere")
        assert secret in said(secret)
        parse(f" {secret}\n")
        assert secret not in said(secret)
        assert secret[::-1] in said(secret)

    async def test_a_key_that_was_opened_and_of_a_pair_each_part(
        self, vault: Vault, add: Add, ada: ProvenOwner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret = f"somebody:{canary('mistral')}"
        entry = await add(secret)
        redactor = Redactor()
        monkeypatch.setattr(redact.process, "_REDACTOR", redactor)
        password = secret.partition(":")[2]
        for text in (secret, password):
            assert text in redactor.clean(f"it came back as {text}")
        await vault.reveal(ada, entry.id)
        for text in (secret, password):
            assert password not in redactor.clean(f"it came back as {text}")


class TestRotating:
    async def test_the_reference_stays_and_the_version_moves(
        self,
        add: Add,
        vault: Vault,
        ada: ProvenOwner,
        clock: MovedClock,
    ) -> None:
        entry, text = await add(label="work"), canary()
        at = clock.forward(seconds=5)
        rotated, _ = await vault.rotate(ada, entry.id, OPENAI, parse(text), state=KeyState.ACTIVE)
        assert rotated == replace(
            entry, version=2, masked=OPENAI.mask(text), rotated_at=at, verified_at=at
        )
        assert (await vault.reveal(ada, entry.id)).reveal() == text.encode()

    async def test_one_not_verified_says_so(self, add: Add, vault: Vault, ada: ProvenOwner) -> None:
        entry = await add()
        rotated, _ = await vault.rotate(
            ada, entry.id, OPENAI, parse(canary()), state=KeyState.UNVERIFIED
        )
        assert (rotated.state, rotated.verified_at) == (KeyState.UNVERIFIED, None)

    async def test_the_old_version_s_bytes_are_in_no_file(
        self,
        add: Add,
        vault: Vault,
        ada: ProvenOwner,
        store: Store,
        data: Path,
    ) -> None:
        entry = await add("x" * LONGEST_KEY)
        old = (await vault.sealed(ada, entry.id)).sealed
        assert files_with(data, *pieces(old))
        await vault.rotate(ada, entry.id, OPENAI, parse(canary()), state=KeyState.ACTIVE)
        await store.erase_remains()
        assert files_with(data, *pieces(old)) == []

    async def test_tools_hear_of_the_version_that_is_gone(
        self, add: Add, vault: Vault, ada: ProvenOwner, store: Store
    ) -> None:
        entry = await add()
        _, seq = await vault.rotate(ada, entry.id, OPENAI, parse(canary()), state=KeyState.ACTIVE)
        change = await store.read(lambda tx: changes.revocation_at(tx, ada, seq))
        assert (change.kind, change.reason) == (Kind.KEY_ROTATED, Reason.ROTATED)
        assert (change.key, change.version, change.provider) == (entry.id, 1, "openai")

    @pytest.mark.parametrize("which", ["itself", "another"])
    async def test_a_key_that_is_stored_already_is_refused(
        self, add: Add, vault: Vault, ada: ProvenOwner, which: str
    ) -> None:
        text = canary()
        entry = await add(text if which == "itself" else None)
        other = entry if which == "itself" else await add(text)
        with pytest.raises(KeyPresent) as present:
            await vault.rotate(ada, entry.id, OPENAI, parse(text), state=KeyState.ACTIVE)
        assert present.value.key == other.id
        assert (await vault.get(ada, entry.id)).version == 1


class TestRemoving:
    async def test_it_is_gone_from_every_list(
        self, add: Add, vault: Vault, ada: ProvenOwner
    ) -> None:
        entry, other = await add(), await add()
        await vault.remove(ada, entry.id)
        assert [key.id for key in await vault.list(ada)] == [other.id]

    async def test_tools_hear_of_it(
        self,
        add: Add,
        vault: Vault,
        ada: ProvenOwner,
        store: Store,
        clock: MovedClock,
    ) -> None:
        entry = await add()
        at = clock.forward(seconds=1)
        removal = await vault.remove(ada, entry.id)
        assert (removal.key, removal.provider, removal.at) == (entry.id, "openai", at)
        change = await store.read(lambda tx: changes.revocation_at(tx, ada, removal.seq))
        assert (change.kind, change.reason) == (Kind.KEY_REMOVED, Reason.REMOVED)
        assert (change.key, change.version, change.at) == (entry.id, 1, at)

    async def test_its_sealed_bytes_are_in_no_file(
        self,
        add: Add,
        vault: Vault,
        ada: ProvenOwner,
        store: Store,
        data: Path,
    ) -> None:
        texts = [canary(), "y" * LONGEST_KEY]
        entries = [await add(text) for text in texts]
        blobs = [(await vault.sealed(ada, entry.id)).sealed for entry in entries]
        for entry in entries:
            await vault.remove(ada, entry.id)
        await store.erase_remains()
        for blob in blobs:
            assert files_with(data, *pieces(blob)) == []

    async def test_the_tombstone_keeps_the_reference_and_the_time_alone(
        self,
        add: Add,
        vault: Vault,
        ada: ProvenOwner,
        store: Store,
        clock: MovedClock,
    ) -> None:
        entry = await add()
        await vault.remove(ada, entry.id)
        row = await store.read(
            lambda tx: tx.one(
                "SELECT slot, fingerprint, masked, is_default, removed_at FROM keys WHERE id = :id",
                id=entry.id,
            )
        )
        assert row == (None, None, "", 0, clock())

    async def test_the_default_s_removal_promotes_no_other_by_itself(
        self, add: Add, vault: Vault, ada: ProvenOwner
    ) -> None:
        first, second = await add(), await add()
        await vault.remove(ada, first.id)
        assert not (await vault.get(ada, second.id)).is_default
        assert (await add()).is_default

    async def test_of_many_removals_of_one_key_one_is_told_that_it_did_it(
        self, add: Add, vault: Vault, ada: ProvenOwner
    ) -> None:
        entry = await add()
        answers = await asyncio.gather(
            *(vault.remove(ada, entry.id) for _ in range(10)), return_exceptions=True
        )
        assert sum(isinstance(answer, KeyGone) for answer in answers) == 9


class TestDefaultsAndVerification:
    async def test_there_is_one_default_a_provider(
        self, add: Add, vault: Vault, ada: ProvenOwner
    ) -> None:
        first, second = await add(), await add()
        other = await add(canary("anthropic"), provider=ANTHROPIC)
        assert (await vault.make_default(ada, second.id)).is_default
        assert (await vault.make_default(ada, second.id)).is_default
        standing = {entry.id: entry.is_default for entry in await vault.list(ada)}
        assert standing == {first.id: False, second.id: True, other.id: True}

    async def test_what_the_provider_said_is_noted(
        self,
        add: Add,
        vault: Vault,
        ada: ProvenOwner,
        store: Store,
        clock: MovedClock,
    ) -> None:
        entry = await add(state=KeyState.UNVERIFIED)
        at = clock.forward(seconds=3)
        noted = await vault.note_verification(ada, entry.id, 1, KeyState.REJECTED)
        assert (noted.state, noted.verified_at) == (KeyState.REJECTED, at)
        assert (await kinds(store, ada))[-1] == ("KEY_VERIFIED", entry.id, 1)

    async def test_a_check_that_could_not_be_made_leaves_the_time_of_the_last(
        self,
        add: Add,
        vault: Vault,
        ada: ProvenOwner,
        clock: MovedClock,
    ) -> None:
        entry = await add()
        clock.forward(seconds=3)
        noted = await vault.note_verification(ada, entry.id, 1, KeyState.UNVERIFIED)
        assert (noted.state, noted.verified_at) == (KeyState.UNVERIFIED, entry.verified_at)

    async def test_what_was_said_of_an_older_version_is_not_held_against_the_new_one(
        self, add: Add, vault: Vault, ada: ProvenOwner, store: Store
    ) -> None:
        entry = await add()
        await vault.rotate(ada, entry.id, OPENAI, parse(canary()), state=KeyState.ACTIVE)
        noted = await vault.note_verification(ada, entry.id, 1, KeyState.REJECTED)
        assert noted.state is KeyState.ACTIVE
        assert [kind for kind, _, _ in await kinds(store, ada)] == ["KEY_ADDED", "KEY_ROTATED"]


Act = Callable[[Vault, ProvenOwner, str], Awaitable[object]]
ACTS: dict[str, Act] = {
    "get": lambda vault, who, key: vault.get(who, key),
    "reveal": lambda vault, who, key: vault.reveal(who, key),
    "rotate": lambda vault, who, key: vault.rotate(
        who, key, OPENAI, parse(canary()), state=KeyState.ACTIVE
    ),
    "remove": lambda vault, who, key: vault.remove(who, key),
    "make_default": lambda vault, who, key: vault.make_default(who, key),
    "note_verification": lambda vault, who, key: vault.note_verification(
        who, key, 1, KeyState.REJECTED
    ),
    "sealed": lambda vault, who, key: vault.sealed(who, key),
}


class TestGone:
    def test_every_method_that_takes_a_key_is_tried_below(self) -> None:
        methods = {
            name
            for name, method in inspect.getmembers(Vault, inspect.isfunction)
            if not name.startswith("_") and "key" in inspect.signature(method).parameters
        }
        assert methods == set(ACTS)

    @pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
    async def test_another_s_key_a_removed_and_an_unknown_one_answer_alike(  # noqa: PLR0917
        self,
        add: Add,
        vault: Vault,
        ada: ProvenOwner,
        bob: ProvenOwner,
        store: Store,
        act: Act,
    ) -> None:
        removed, alive = await add(), await add()
        await vault.remove(ada, removed.id)
        before = await self.everything(store)
        said = set()
        for who, key in ((ada, removed.id), (bob, removed.id), (bob, alive.id), (ada, "key_none")):
            with pytest.raises(KeyGone) as gone:
                await act(vault, who, key)
            said.add((str(gone.value), gone.value.args))
        assert len(said) == 1
        assert await self.everything(store) == before

    @staticmethod
    async def everything(store: Store) -> list[object]:
        def unit(tx: Tx) -> list[object]:
            return [
                tx.all("SELECT * FROM keys"),
                tx.all("SELECT * FROM seals"),
                tx.all("SELECT * FROM changes"),
            ]

        return await store.read(unit)


class TestAlteredRows:
    """Somebody with the file in their hands moves bytes about."""

    ALTERATIONS = (
        "UPDATE seals SET sealed = zeroblob(length(sealed)) WHERE slot = {mine}",
        "UPDATE seals SET sealed = x'' WHERE slot = {mine}",
        (
            "UPDATE seals SET sealed = (SELECT sealed FROM seals WHERE slot = {other})"
            " WHERE slot = {mine}"
        ),
        "UPDATE seals SET account = 'somebody' WHERE slot = {mine}",
        "UPDATE keys SET slot = {other} WHERE slot = {mine}",
        "UPDATE keys SET version = 2 WHERE slot = {mine}",
        "UPDATE keys SET provider = 'google' WHERE slot = {mine}",
    )

    @pytest.fixture(params=ALTERATIONS)
    async def altered(
        self, request: pytest.FixtureRequest, add: Add, store: Store
    ) -> tuple[Entry, Entry, str]:
        text = canary()
        mine, other = await add(text), await add()

        def unit(tx: Tx) -> None:
            slots = dict(tx.all("SELECT id, slot FROM keys"))
            tx.run(request.param.format(mine=slots[mine.id], other=slots[other.id]))

        await store.write(lambda tx: tx.run("DROP INDEX one_default"))
        await store.write(unit)
        return mine, other, text

    async def test_such_a_key_needs_reentry_while_the_list_lives_on(
        self, altered: tuple[Entry, Entry, str], vault: Vault, ada: ProvenOwner
    ) -> None:
        mine, other, _ = altered
        states = {entry.id: entry.state for entry in await vault.list(ada)}
        assert states == {mine.id: KeyState.NEEDS_REENTRY, other.id: KeyState.ACTIVE}
        assert (await vault.get(ada, mine.id)).state is KeyState.NEEDS_REENTRY

    async def test_it_opens_for_nobody(
        self, altered: tuple[Entry, Entry, str], vault: Vault, ada: ProvenOwner
    ) -> None:
        with pytest.raises(KeyNeedsReentry) as broken:
            await vault.reveal(ada, altered[0].id)
        assert broken.value.__cause__ is None
        with pytest.raises(KeyNeedsReentry):
            vault.open(await vault.sealed(ada, altered[0].id))

    async def test_the_very_key_that_it_held_can_be_entered_again(
        self, altered: tuple[Entry, Entry, str], vault: Vault, ada: ProvenOwner
    ) -> None:
        mine, _, text = altered
        again, _ = await vault.rotate(ada, mine.id, OPENAI, parse(text), state=KeyState.ACTIVE)
        assert again.state is KeyState.ACTIVE
        assert (await vault.reveal(ada, mine.id)).reveal() == text.encode()

    async def test_it_can_be_removed(
        self, altered: tuple[Entry, Entry, str], vault: Vault, ada: ProvenOwner
    ) -> None:
        mine, other, _ = altered
        await vault.remove(ada, mine.id)
        assert [entry.id for entry in await vault.list(ada)] == [other.id]


async def test_a_key_whose_master_key_is_no_longer_configured_needs_reentry(
    store: Store, clock: MovedClock, ada: ProvenOwner
) -> None:
    old, new = Keyring.mint("old"), Keyring.mint("new")
    entry = await Vault(store, Keyring.parse(old), clock).add(
        ada, OPENAI, parse(canary()), label="x", state=KeyState.ACTIVE
    )
    after = Vault(store, Keyring.parse(new), clock)
    assert (await after.get(ada, entry.id)).state is KeyState.NEEDS_REENTRY


async def test_a_vault_shows_nothing_of_what_it_is_handed(
    vault: Vault, ada: ProvenOwner, caplog: pytest.LogCaptureFixture
) -> None:
    text = canary()
    secret = Secret(text.encode())
    await vault.add(ada, OPENAI, secret, label="x", state=KeyState.ACTIVE)
    assert text not in caplog.text


async def test_what_a_call_or_a_page_asks_costs_no_more_when_the_ledger_has_grown(
    store: Store,
) -> None:
    """Held to the plan, not to a clock: every look at `calls` goes by an index of few rows."""
    for statement in (rows._ENTRY, revocations._OF_KEY, revocations._OF_TOOL):
        values = dict.fromkeys(re.findall(r":(\w+)", statement))
        plan = await store.read(
            lambda tx, s=statement, v=values: tx.all(f"EXPLAIN QUERY PLAN {s}", **v)
        )
        looks = [row[3] for row in plan if " calls " in row[3]]
        assert looks
        for look in looks:
            assert re.search(r"INDEX (calls_of_key|cut_calls_of_\w+|running_calls)", look), look
