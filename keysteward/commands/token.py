"""`keysteward token`: tokens, away from the server: is this one whole, and one for a new client."""

import asyncio
import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from accounts import tokens
from accounts.errors import TokenUnknown
from accounts.scopes import Scope
from accounts.tokens import TokenKind
from keysteward import config as settings
from keysteward.commands.asking import asked_for
from keysteward.config import Config
from store import system_clock
from store.clock import DAY

_MEANINGS: Final = {
    TokenKind.TOOL: "a tool token, for a provider's SDK or keysteward.client",
    TokenKind.USER: "a user token, for a GraphQL client (Authorization: Bearer …)",
}


def check() -> None:
    """Tell whether a token is whole, by its checksum; no server is asked.

    Reads it from a prompt that shows nothing, or from standard input. It is never taken from the
    command line, where other users and the shell's history would see it.

    Example: [bold]keysteward token check < token.txt[/]
    """
    text = asked_for("Token")
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
    scopes: Annotated[
        list[Scope], typer.Option("--scope", help="What it may do; give it once for each.")
    ] = [Scope.KEYS_READ],  # noqa: B006 - typer copies it
    expires: Annotated[
        int | None, typer.Option(help="Days until it ends; without it, it never does.", min=1)
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Or KEYSTEWARD_DATA.")] = None,
) -> None:
    """Make a user token for a GraphQL client of an account, in this machine's database.

    The account's password is asked for, in a prompt or from standard input, and its second factor
    where it has one: who runs the server has no other way in than its users have. The token goes to
    standard output, once.

    Example: [bold]keysteward token new ada@example.com --name deploy --expires 90 > token.txt[/]
    """
    settings.put(data=data)
    token = asyncio.run(_made(Config.read(), address, name, scopes, expires))
    # Past the redactor, which would strike it: this one line is what was asked for.
    print(token, file=sys.__stdout__, flush=True)
    until = "never" if expires is None else _day_in(expires)
    typer.echo(f"Shown now and never again. Ends: {until}.", err=True)


async def _made(
    config: Config, address: str, name: str, scopes: list[Scope], expires: int | None
) -> str:
    """Sign in as the account, make the token, and sign out."""
    from keysteward.commands.offline import opened, proven  # noqa: PLC0415 - takes a second

    async with opened(config) as house, proven(house, address) as owner:
        end = None if expires is None else system_clock() + expires * DAY
        _, text = await house.people.user_tokens.make(owner, name, scopes=scopes, expires_at=end)
        return text


def _day_in(days: int) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).date().isoformat()
