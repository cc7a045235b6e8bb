"""SQLite leaves copies where it moves rows, `secure_delete` or not. No seal is among them."""

import random
from pathlib import Path

import pytest

from providers import CATALOGUE
from store import ProvenOwner, Store
from tests.kit.canary import files_with, pieces
from vault.rows import KeyState
from vault.vault import Vault, parse

OPENAI = CATALOGUE["openai"]
LENGTHS = (20, 48, 164, 400, 900, 1500, 4000)


@pytest.mark.parametrize("seed", range(4))
async def test_however_keys_come_and_go_nothing_of_the_gone_ones_stays(
    vault: Vault, store: Store, ada: ProvenOwner, data: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311
    alive: dict[str, bytes] = {}
    gone: list[bytes] = []

    def text() -> str:
        return "".join(chance.choices("abcdefghij0123456789", k=chance.choice(LENGTHS)))

    for number in range(250):
        key = chance.choice([None, None, *alive][: 2 + len(alive)])
        if key is None or chance.random() < 0.3:
            entry = await vault.add(
                ada, OPENAI, parse(text()), label=str(number), state=KeyState.ACTIVE
            )
            alive[entry.id] = (await vault.sealed(ada, entry.id)).sealed
            continue
        gone.append(alive.pop(key))
        if chance.random() < 0.5:
            await vault.rotate(ada, key, OPENAI, parse(text()), state=KeyState.ACTIVE)
            alive[key] = (await vault.sealed(ada, key)).sealed
        else:
            await vault.remove(ada, key)
    await store.erase_remains()
    assert len(gone) > 50
    needles = [
        piece
        for sealed in gone
        for piece in (sealed[7:19], sealed[-16:], *pieces(sealed)[:: max(1, len(sealed) // 100)])
    ]
    assert files_with(data, *needles) == []
    assert all(files_with(data, sealed[7:19]) for sealed in alive.values())


@pytest.mark.parametrize("seed", range(2))
async def test_nor_when_all_but_a_few_are_removed_and_then_those(
    vault: Vault, store: Store, ada: ProvenOwner, data: Path, seed: int
) -> None:
    """Pages that have become nearly empty are what SQLite would merge."""
    chance = random.Random(seed)  # noqa: S311
    alive = []
    for number in range(200):
        text = f"sk-{chance.getrandbits(chance.choice((128, 1024, 4096))):x}"
        entry = await vault.add(ada, OPENAI, parse(text), label=str(number), state=KeyState.ACTIVE)
        alive.append((entry.id, (await vault.sealed(ada, entry.id)).sealed))
    chance.shuffle(alive)
    for key, _ in alive:
        await vault.remove(ada, key)
    await store.erase_remains()
    needles = [piece for _, sealed in alive for piece in (sealed[7:19], sealed[-16:])]
    assert files_with(data, *needles) == []
