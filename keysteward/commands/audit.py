"""`keysteward audit`: makes sure of every account's audit trail, and says where one was altered."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from audit import Entry, TrailBroken, verify
from keysteward import config as settings
from keysteward.config import Config
from keysteward.masterkey import keyring_of
from store import Failure, Owner, Store, Unit
from vault.keyring import Keyring


class TrailsBroken(Failure):
    """At least one account's trail was altered; each was named before."""


def audit(
    data: Annotated[Path | None, typer.Option(help="Or KEYSTEWARD_DATA.")] = None,
) -> None:
    """Verify the audit trail of every account: each entry's signature, and that none is missing.

    Prints an account's id, how many entries it has, and the digest of the newest one. Keep a copy
    of these digests elsewhere: a whole database put back to an older state verifies, but its
    digests differ. Ends with 2 when a trail was altered.
    """
    settings.put(data=data)
    config = Config.read()
    if not config.database.exists():
        raise Failure(f"There is no database at {config.database}.")
    broken = asyncio.run(_verified(config, keyring_of(config)))
    if broken:
        raise TrailsBroken(f"{broken} audit trail(s) were altered.")


def _trail(keyring: Keyring, owner: Owner) -> Unit[list[Entry]]:
    return lambda tx: verify(tx, keyring, owner)


async def _verified(config: Config, keyring: Keyring) -> int:
    broken = 0
    async with await Store.open(config.database) as store:
        accounts = await store.read(
            lambda tx: tx.all(
                "SELECT account FROM accounts UNION SELECT account FROM audit"
                " UNION SELECT account FROM audit_heads ORDER BY account"
            )
        )
        for (account,) in accounts:
            try:
                entries = await store.read(_trail(keyring, Owner(account)))
            except TrailBroken as failure:
                broken += 1
                typer.echo(f"{account}  ALTERED  {failure}")
            else:
                typer.echo(f"{account}  {len(entries)} entries  {entries[-1].digest}")
    return broken
