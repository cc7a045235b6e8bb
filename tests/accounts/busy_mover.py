"""Moves an account to and fro as fast as it can, until it is killed: `test_moving_killed.py`.

A line from the parent, `path`, forks a child that works there and says when it begins.
"""

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from accounts.address import account_of
from accounts.errors import SignInRequired
from accounts.passwords import Passwords
from accounts.people import People
from accounts.visits import Visit
from keysteward.config import Config
from keysteward.people import gather
from store import Owner, Store
from tests.kit.passwords import CHEAP
from vault.keyring import Keyring
from vault.vault import Vault

ADDRESSES = ("ada@example.com", "ada@example.org")


def clock() -> int:
    """Give the machine's time."""
    return time.time_ns() // 1000


def put_together(
    stack: AsyncExitStack, store: Store, keyring: Keyring, path: Path, passwords: Passwords
) -> tuple[People, Vault]:
    """Make the parts as the application does."""
    config = Config.read({"KEYSTEWARD_DATA": str(path.parent)}, dotenv=None)
    vault = Vault(store, keyring, clock)
    return gather(stack, config, store, keyring, clock, passwords, vault), vault


async def work(path: Path, keyring: Keyring) -> None:
    passwords = Passwords(CHEAP)
    async with AsyncExitStack() as stack, await Store.open(path) as store:
        people, _ = put_together(stack, store, keyring, path, passwords)
        moving = people.moving
        os.write(1, f"begin {os.getpid()}\n".encode())
        while True:
            for was, to in (ADDRESSES, ADDRESSES[::-1]):
                owner = Owner(account_of(was))
                try:
                    await store.write(
                        lambda tx, o=owner, a=to: moving.move(tx, o, a, Visit(), at=clock())
                    )
                except SignInRequired:
                    continue
                people.deletion.was_carried_out()


def main() -> None:
    keyring = Keyring.parse(sys.argv[1])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(work(Path(line.strip()), keyring))
        os.waitpid(child, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
