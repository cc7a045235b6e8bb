"""`keysteward token`: tokens, away from the server: is this one whole, and one for a new client."""

import asyncio
import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from accounts import tokens
from accounts.accounts import Accounts
from accounts.errors import TokenUnknown
from accounts.passwords import Passwords
from accounts.sessions import Sessions
from accounts.tokens import TokenKind
from keysteward import config as settings
from keysteward.app import SealedAddresses
from keysteward.config import Config
from keysteward.masterkey import keyring_of
from store import Store, system_clock
from store.clock import DAY
from store.errors import Failure

_MEANINGS: Final = {
    TokenKind.TOOL: "a tool token, for a provider's SDK or keysteward.client",
    TokenKind.USER: "a user token, for a GraphQL client (Authorization: Bearer …)",
}


class NoDatabase(Failure):
    """There is nobody to make a token for."""


def check() -> None:
    """Tell whether a token is whole, by its checksum; no server is asked.

    Reads it from a prompt that shows nothing, or from standard input. It is never taken from the
    command line, where other users and the shell's history would see it.

    Example: [bold]keysteward token check < token.txt[/]
    """
    text = _asked_for("Token")
    kind = TokenKind.USER if text.startswith(f"{TokenKind.USER}_") else TokenKind.TOOL
    try:
        tokens.digest_of(text, kind)
    except TokenUnknown as unknown:
        typer.echo(str(unknown), err=True)
        raise typer.Exit(1) from None
    typer.echo(
        f"Whole: {_MEANINGS[kind]}. Only the server can tell whether it is still good: it may have "
        "expired, or been revoked."
    )


def new(
    address: Annotated[str, typer.Argument(help="The account's e-mail address.")],
    name: Annotated[str, typer.Option(help="What the token is for.")] = "command line",
    expires: Annotated[
        int | None, typer.Option(help="Days until it ends; without it, it never does.", min=1)
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Or KEYSTEWARD_DATA.")] = None,
) -> None:
    """Make a user token for a GraphQL client of an account, in this machine's database.

    The account's password is asked for, in a prompt or from standard input: who runs the server has
    no other way in than its users have. The token goes to standard output, once.

    Example: [bold]keysteward token new ada@example.com --name deploy --expires 90 > token.txt[/]
    """
    settings.put(data=data)
    config = Config.read()
    if not config.database.exists():
        raise NoDatabase(
            f"There is no database at {config.database}. `keysteward serve` makes one."
        )
    password = _asked_for(f"Password of {address}")
    token = asyncio.run(_made(config, address, password, name, expires))
    # Past the redactor, which would strike it: this one line is what was asked for.
    print(token, file=sys.__stdout__, flush=True)
    until = "never" if expires is None else _day_in(expires)
    typer.echo(f"Shown now and never again. Ends: {until}.", err=True)


async def _made(config: Config, address: str, password: str, name: str, expires: int | None) -> str:
    """Sign in as the account, by its password, make the token, and sign out."""
    keyring = keyring_of(config)
    passwords = Passwords()
    try:
        async with await Store.open(config.database) as store:
            await store.write(keyring.open_check_values)
            accounts = Accounts(store, passwords, SealedAddresses(keyring), keyring, system_clock)
            sessions = Sessions(store, keyring, system_clock)
            owner = await accounts.sign_in(address, password)
            session = await sessions.find(await sessions.open(owner))
            try:
                return await accounts.make_user_token(
                    sessions.proven(session),
                    name,
                    expires_at=None if expires is None else system_clock() + expires * DAY,
                )
            finally:
                await sessions.end(session)
    finally:
        passwords.close()


def _asked_for(what: str) -> str:
    if sys.stdin.isatty():
        answer: str = typer.prompt(what, hide_input=True, err=True)
        return answer
    return sys.stdin.readline().strip("\r\n")


def _day_in(days: int) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).date().isoformat()
