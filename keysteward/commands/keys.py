"""`keysteward keys`: the list of an account's keys as a file, for whoever can sign in to it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from keysteward import config as settings
from keysteward.config import Config
from store import system_clock

if TYPE_CHECKING:
    from resolvers.key_list import KeyList


def export(
    address: Annotated[str, typer.Argument(help="The account's e-mail address.")],
    form: Annotated[
        Literal["json", "csv"], typer.Option("--format", help="How it is written.")
    ] = "json",
    data: Annotated[Path | None, typer.Option(help="Or KEYSTEWARD_DATA.")] = None,
) -> None:
    """Write the list of an account's keys to standard output: providers and references, no key.

    The account's password is asked for, in a prompt or from standard input, and its second factor
    where it has one, as `keysteward token new` does. docs/export.md tells of the columns.

    Example: [bold]keysteward keys export ada@example.com --format csv > keys.csv[/]
    """
    settings.put(data=data)
    made = asyncio.run(_made(Config.read(), address, form))
    typer.echo(made.text, nl=False)


async def _made(config: Config, address: str, form: str) -> "KeyList":
    """Sign in as the account, have the list written, and sign out."""
    from keysteward.commands.offline import opened, proven  # noqa: PLC0415 - takes a second
    from resolvers.key_list import exported  # noqa: PLC0415 - likewise
    from schema.inputs import ListFormat  # noqa: PLC0415 - likewise
    from vault.vault import Vault  # noqa: PLC0415 - likewise

    async with opened(config) as house, proven(house, address) as owner:
        vault = Vault(house.store, house.keyring, system_clock)
        return await exported(vault, system_clock, owner, ListFormat(form))
