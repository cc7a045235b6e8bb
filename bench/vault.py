"""What the vault costs with few keys and with many: a call's cost must not grow with the database.

Add, open (as a call does: the key's row in a transaction, then the seal) and remove, on databases
that hold 1,000 and 100,000 keys of other accounts; by one caller, and by 64 at once. Beside them:
`least`, one durable single-row UPDATE through the same store, which no write can undercut.

    python -m bench.vault [--keys 1000,100000] [--rounds 3]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console
from rich.table import Table

import keysteward.house  # noqa: F401 - puts our folders on the path
from bench.installation import ROOT, machine, write_results
from providers import CATALOGUE
from store import Owner, ProvenOwner, Store, Tx, system_clock
from vault import rows
from vault.keyring import Keyring
from vault.rows import KeyState
from vault.secret import Secret
from vault.vault import Vault

_OPENAI: Final = CATALOGUE["openai"]
_KEYS_AN_ACCOUNT: Final = 10
_ONE: Final = 200
_MANY: Final = 3200
_AT_ONCE: Final = 64


async def filled(store: Store, vault: Vault, keys: int) -> None:
    """Put so many keys of other accounts there, ten each."""
    for first in range(0, keys, 1000):
        adding = []
        for number in range(first, min(first + 1000, keys)):
            owner = Owner(f"{number // _KEYS_AN_ACCOUNT:064x}")
            if number % _KEYS_AN_ACCOUNT == 0:
                store.write(_account(owner))
            adding.append(_add(vault, owner, number))
        await asyncio.gather(*adding)


def _account(owner: Owner) -> Callable[[Tx], int]:
    return lambda tx: tx.run(
        "INSERT INTO accounts (account, address, created_at, voucher)"
        " VALUES (:account, x'00', 0, x'')",
        account=owner.account,
    )


async def _add(vault: Vault, owner: Owner, number: int) -> str:
    secret = Secret(f"sk-proj-{number:040d}".encode())
    entry = await vault.add(
        owner, _OPENAI, secret, label=f"key {number}", state=KeyState.UNVERIFIED
    )
    return entry.id


async def timed(act: Callable[[int], Awaitable[object]], count: int, at_once: int) -> float:
    """Do it so often, so many at once; give how often a second."""
    numbers = iter(range(count))

    async def caller() -> None:
        for number in numbers:
            await act(number)

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    return count / (time.perf_counter() - start)


async def figures(keys: int, rounds: int) -> dict[str, list[float]]:
    """Measure one size of database."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".bench-") as folder:
        async with await Store.open(Path(folder) / "keysteward.db") as store:
            vault = Vault(store, Keyring.parse(Keyring.mint("k1")), system_clock)
            await filled(store, vault, keys)
            owner = ProvenOwner("f" * 64)
            await store.write(_account(owner))
            number = keys
            for _ in range(rounds):
                for at_once, count in ((1, _ONE), (_AT_ONCE, _MANY)):
                    ids: list[str] = []
                    base = number = number + _MANY

                    async def add(n: int, ids: list[str] = ids, base: int = base) -> None:
                        ids.append(await _add(vault, owner, base + n))

                    async def opened(n: int, ids: list[str] = ids) -> None:
                        choice = ids[n % len(ids)]
                        sealed = await store.read(
                            lambda tx: rows.in_use(tx, owner, _OPENAI.id, choice)
                        )
                        vault.open(sealed).wipe()

                    async def remove(n: int, ids: list[str] = ids) -> None:
                        await vault.remove(owner, ids[n])

                    async def least(n: int) -> None:
                        await store.write(
                            lambda tx: tx.run(
                                "UPDATE accounts SET created_at = :n WHERE account = :account",
                                n=n,
                                account=owner.account,
                            )
                        )

                    for name, act in (
                        ("add", add),
                        ("open", opened),
                        ("remove", remove),
                        ("least", least),
                    ):
                        rate = await timed(act, count, at_once)
                        found.setdefault(f"{name}, {at_once} at once", []).append(rate)
    return found


def main() -> None:
    """Run it all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", default="1000,100000")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    sizes = [min(int(size), 1_000_000) for size in asked.keys.split(",")]
    found = {size: uvloop.run(figures(size, min(asked.rounds, 10))) for size in sizes}
    console = Console()
    console.print(machine())
    shown = Table(title="a second: median (least-greatest)")
    shown.add_column("")
    for size in sizes:
        shown.add_column(f"{size:,} keys", justify="right")
    shown.add_column("last / first", justify="right")
    for name in found[sizes[0]]:
        medians = [statistics.median(found[size][name]) for size in sizes]
        cells = [
            f"{median:,.0f}  ({min(found[size][name]):,.0f}-{max(found[size][name]):,.0f})"
            for size, median in zip(sizes, medians, strict=True)
        ]
        shown.add_row(name, *cells, f"{medians[-1] / medians[0]:.2f}")
    console.print(shown)
    write_results("vault", {str(size): values for size, values in found.items()})


if __name__ == "__main__":
    main()
