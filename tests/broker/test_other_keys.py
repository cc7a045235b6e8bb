"""What is kept of accounts' keys between calls: as long as it is true, and of so many accounts."""

import pytest

from broker.other_keys import NO_OTHERS, Found, KeptKeys, OtherKeys
from providers import CATALOGUE
from store import Owner, ProvenOwner, Store
from tests.kit.canary import canary
from vault.rows import KeyState
from vault.vault import Vault, parse

OPENAI = CATALOGUE["openai"]


@pytest.fixture
async def keys(vault: Vault, ada: ProvenOwner) -> list[str]:
    """Two keys of Ada's, by reference."""
    added = [
        await vault.add(ada, OPENAI, parse(canary()), label=label, state=KeyState.UNVERIFIED)
        for label in ("one", "other")
    ]
    return [entry.id for entry in added]


async def looked(kept: KeptKeys, store: Store, owner: Owner) -> OtherKeys | Found:
    return await store.read(lambda tx: kept.look(tx, owner))


async def test_they_are_read_once_for_as_long_as_nothing_changes(
    vault: Vault, store: Store, ada: ProvenOwner, keys: list[str]
) -> None:
    kept = KeptKeys(vault)
    first = await looked(kept, store, ada)
    assert isinstance(first, Found)
    assert [each.key.id for each in first.keys] == keys
    made = kept.settle(ada, first)
    assert made
    assert await looked(kept, store, ada) is made
    assert kept.settle(ada, made) is made


async def test_a_change_that_leaves_the_keys_as_they_are_makes_nothing_anew(
    vault: Vault, store: Store, ada: ProvenOwner, keys: list[str]
) -> None:
    kept = KeptKeys(vault)
    made = kept.settle(ada, await looked(kept, store, ada))
    await vault.note_verification(ada, keys[0], 1, KeyState.ACTIVE)
    again = await looked(kept, store, ada)
    assert isinstance(again, Found)
    assert kept.settle(ada, again) is made
    await vault.rotate(ada, keys[0], OPENAI, parse(canary()), state=KeyState.ACTIVE)
    assert kept.settle(ada, await looked(kept, store, ada)) is not made


async def test_of_one_key_alone_there_is_no_other(
    vault: Vault, store: Store, ada: ProvenOwner, keys: list[str]
) -> None:
    kept = KeptKeys(vault)
    await vault.remove(ada, keys[0])
    assert kept.settle(ada, await looked(kept, store, ada)) is NO_OTHERS


async def test_the_account_used_longest_ago_is_forgotten_first(
    vault: Vault, store: Store, ada: ProvenOwner, keys: list[str]
) -> None:
    kept = KeptKeys(vault)
    made = kept.settle(ada, await looked(kept, store, ada))
    for number in range(255):
        kept.settle(Owner(f"account {number}"), Found(1, []))
    assert kept.settle(ada, made) is made  # used again
    for number in range(255, 510):
        kept.settle(Owner(f"account {number}"), Found(1, []))
    assert await looked(kept, store, ada) is made
    kept.settle(Owner("one more"), Found(1, []))
    assert isinstance(await looked(kept, store, ada), Found)
    # What a call had looked up before then still serves it.
    assert kept.settle(ada, made) is made
