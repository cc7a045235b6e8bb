"""Killed at any moment of a move, again and again: it is the one account or the other, whole."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

import audit
from accounts.address import account_of
from accounts.passwords import Passwords
from store import Owner, ProvenOwner, Store
from tests.accounts.busy_mover import ADDRESSES, put_together
from tests.kit.clock import MovedClock
from tests.kit.passwords import CHEAP
from tests.kit.whole_account import PASSWORD, Maker, Whole, mentions
from vault.keyring import Keyring

KILLS = 25
LONGEST_SECONDS = 60
ROOT = Path(__file__).parents[2]
ONE, OTHER = (Owner(account_of(address)) for address in ADDRESSES)


@pytest.fixture
def keyring_text() -> str:
    return Keyring.mint("first")


@pytest.fixture
def mover(keyring_text: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.accounts.busy_mover", keyring_text],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        watch = threading.Timer(LONGEST_SECONDS, process.kill)
        watch.start()
        yield process
        watch.cancel()
        assert process.stdin is not None
        process.stdin.close()


def one_life(mover: "subprocess.Popen[str]", path: Path, seconds: float) -> None:
    """Let a process move for so long, and kill it."""
    assert mover.stdin is not None
    assert mover.stdout is not None
    mover.stdin.write(f"{path}\n")
    for line in iter(mover.stdout.readline, ""):
        match line.split():
            case ["begin", child]:
                # The one place where a test waits for nothing: the moment must be any moment.
                time.sleep(seconds)
                os.kill(int(child), signal.SIGKILL)
            case ["dead"]:
                return
    pytest.fail("The moving process ended by itself.")


async def check(path: Path, keyring: Keyring, whole: Whole) -> tuple[str, int]:
    """Open the database as the next process would; give its id, and how often it has moved."""
    passwords = Passwords(CHEAP)
    async with AsyncExitStack() as stack, await Store.open(path) as store:
        stack.callback(passwords.close)
        people, vault = put_together(stack, store, keyring, path, passwords)
        ((account,),) = await store.read(lambda tx: tx.all("SELECT account FROM accounts"))
        here = ProvenOwner(account)
        there = OTHER if account == ONE.account else ONE
        elsewhere = await mentions(store, there.account)
        assert elsewhere.keys() <= {"moves", "changes", "outbox", "buckets"}
        found = await vault.list(here)
        assert {e.id for e in found} == whole.keys.keys()
        for key, secret in whole.keys.items():
            opened = vault.open(await vault.sealed(here, key))
            assert opened.reveal() == secret.encode()
        assert (await people.tools.holder(whole.tool_token)).account == account
        assert (await people.user_tokens.holder(whole.user_token)).account == account
        await people.accounts.check_password(here, PASSWORD)
        assert len(await people.ways.list(here)) == 3
        trail = await store.read(lambda tx: audit.verify(tx, keyring, here))
        numbers = await store.read(
            lambda tx: tx.all("SELECT account, seq FROM changes ORDER BY seq")
        )
        assert numbers == [(account, number) for number in range(1, len(numbers) + 1)]
        head = await store.read(lambda tx: tx.one("SELECT head FROM accounts"))
        assert head == (len(numbers),)
        # So that a life's work stays small: what was told and noted of earlier moves.
        await store.write(lambda tx: tx.run("DELETE FROM outbox"))
        await store.write(lambda tx: tx.run("DELETE FROM moves"))
    return account, sum(entry.act is audit.Act.ADDRESS_CHANGED for entry in trail)


async def test_no_kill_leaves_half_an_account(
    mover: "subprocess.Popen[str]", keyring_text: str, data: Path
) -> None:
    chance = random.Random()  # noqa: S311
    keyring, path = Keyring.parse(keyring_text), data / "keysteward.db"
    passwords = Passwords(CHEAP)
    async with AsyncExitStack() as stack, await Store.open(path) as store:
        stack.callback(passwords.close)
        people, vault = put_together(stack, store, keyring, path, passwords)
        clock = MovedClock(time.time_ns() // 1000)
        whole = await Maker(people, vault, store, keyring, clock)(ADDRESSES[0])
    seen: list[tuple[str, int]] = []
    # A slow machine's are killed before they could do much: it takes some more there.
    while len(seen) < KILLS or seen[-1][1] < KILLS // 2:
        await asyncio.to_thread(one_life, mover, path, chance.uniform(0, 0.04))
        seen.append(await check(path, keyring, whole))
    assert {account for account, _ in seen} == {ONE.account, OTHER.account}
