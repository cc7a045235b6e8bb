"""Adds, rotates and removes keys as fast as it can, until it is killed: `test_kill.py` runs it.

A line from the parent, `seed path`, forks a child that works there and says on the standard output
what it was told is done: `+ id trace`, `* id trace` (rotated), `- id`; a trace is what to look for
of the sealed bytes. Lines are short enough for a pipe to take them whole or not at all.
"""

import asyncio
import os
import random
import sys
import time
from pathlib import Path

from providers import CATALOGUE
from store import Store
from tests.kit.people import ADA, settle_in
from vault.keyring import Keyring
from vault.rows import KeyState
from vault.vault import Vault, parse

OPENAI = CATALOGUE["openai"]
PEOPLE = 8


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def trace_of(sealed: bytes) -> str:
    """Give the end of a sealed value: no other ends so, as it is a tag."""
    return sealed[-16:].hex()


async def work(path: Path, seed: int, keyring: Keyring) -> None:
    store = await Store.open(path)
    vault = Vault(store, keyring, lambda: time.time_ns() // 1000)
    if not await store.read(lambda tx: tx.one("SELECT 1 FROM accounts")):
        await settle_in(store, ADA)
    say(f"begin {os.getpid()}")

    async def person(number: int) -> None:
        chance = random.Random(f"{seed}-{number}")  # noqa: S311

        def text() -> str:
            return f"sk-proj-{chance.getrandbits(chance.choice([160, 160, 160, 9000])):x}"

        async def trace(key: str) -> str:
            return trace_of((await vault.sealed(ADA, key)).sealed)

        while True:
            label = f"{seed}-{number}-{chance.getrandbits(64)}"
            entry = await vault.add(ADA, OPENAI, parse(text()), label=label, state=KeyState.ACTIVE)
            say(f"+ {entry.id} {await trace(entry.id)}")
            if chance.random() < 0.3:
                await vault.rotate(ADA, entry.id, OPENAI, parse(text()), state=KeyState.ACTIVE)
                say(f"* {entry.id} {await trace(entry.id)}")
            if chance.random() < 0.7:
                await vault.remove(ADA, entry.id)
                say(f"- {entry.id}")

    await asyncio.gather(*(person(number) for number in range(PEOPLE)))


def main() -> None:
    keyring = Keyring.parse(sys.argv[1])
    for line in sys.stdin:
        seed, path = line.split(maxsplit=1)
        child = os.fork()
        if child == 0:
            asyncio.run(work(Path(path.strip()), int(seed), keyring))
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main()
