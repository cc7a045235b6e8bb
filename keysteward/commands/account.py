"""`keysteward account`: what the operator does with accounts. None of it can read a key."""

import asyncio
import datetime as dt
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from accounts.links import Page
from keysteward import config as settings
from keysteward.config import Config
from store import ProvenOwner
from store.clock import SECOND

if TYPE_CHECKING:
    from accounts.operating import Overview
    from keysteward.commands.offline import House

T = TypeVar("T")
_Data = Annotated[Path | None, typer.Option(help="Or KEYSTEWARD_DATA.")]
_Who = Annotated[
    str, typer.Argument(help="Its e-mail address, or eight characters of its id at least.")
]
_As = Annotated[
    str,
    typer.Option("--as", help="Your own account's address, which KEYSTEWARD_OPERATORS must name."),
]
_ID_SHOWN: Final = 12


def list_(data: _Data = None) -> None:
    """List the accounts: ids, masked addresses, counts. No key, name or label of anybody's.

    Example: [bold]keysteward account list[/]
    """

    async def work(house: "House") -> "list[Overview]":
        return await house.people.operating.list()

    found = _run(data, work)
    table = Table(box=None, pad_edge=False)
    for column in ("Account", "Address", "Made", "Standing", "Keys", "Tools", "Sessions"):
        table.add_column(
            column, no_wrap=True, justify="right" if column in {"Keys", "Tools"} else "left"
        )
    for each in found:
        table.add_row(
            each.account[:_ID_SHOWN],
            each.address or "none",
            _day(each.created_at),
            _standing(each),
            str(each.keys),
            str(each.tools),
            str(each.sessions),
        )
    Console(highlight=False).print(table if found else "There is no account yet.")


def show(who: _Who, data: _Data = None) -> None:
    """Show one account.

    Example: [bold]keysteward account show ada@example.com[/]
    """

    async def work(house: "House") -> "Overview":
        return await house.people.operating.find(who)

    each = _run(data, work)
    rows = {
        "Account": each.account,
        "Address": each.address or "none",
        "Made": _day(each.created_at),
        "Standing": _standing(each),
        "Keys": str(each.keys),
        "Tools": str(each.tools),
        "Sessions": str(each.sessions),
        "Last used": _day(each.last_used_at) if each.last_used_at else "never",
    }
    for name, value in rows.items():
        typer.echo(f"{name:<10} {value}")


def disable(who: _Who, operator: _As, data: _Data = None) -> None:
    """Disable an account: no sign-in, no token counts, and its running calls are cut.

    Its keys stay sealed as they are. You are asked for your password, and your second factor if you
    have one: it takes a login, each time.

    Example: [bold]keysteward account disable mallory@example.com --as ops@example.com[/]
    """

    async def work(house: "House", me: ProvenOwner) -> str:
        found = await house.people.operating.find(who)
        await house.people.operating.disable(me, found.account)
        return f"Disabled {found.account[:_ID_SHOWN]}… ({found.address})."

    typer.echo(_run_as(data, operator, work))


def enable(who: _Who, operator: _As, data: _Data = None) -> None:
    """Let a disabled account be used again. Takes a login, each time.

    Example: [bold]keysteward account enable ada@example.com --as ops@example.com[/]
    """

    async def work(house: "House", me: ProvenOwner) -> str:
        found = await house.people.operating.find(who)
        await house.people.operating.enable(me, found.account)
        return f"Enabled {found.account[:_ID_SHOWN]}… ({found.address})."

    typer.echo(_run_as(data, operator, work))


def end_sessions(
    operator: _As,
    who: Annotated[str, typer.Argument(help="As in the others; left out with --everybody.")] = "",
    everybody: Annotated[
        bool, typer.Option("--everybody", help="End the sessions of all accounts.")
    ] = False,
    data: _Data = None,
) -> None:
    """End all of an account's sessions, or everybody's. Takes a login, each time.

    Example: [bold]keysteward account end-sessions ada@example.com --as ops@example.com[/]
    """
    if bool(who) == everybody:
        raise typer.BadParameter("Name an account, or say --everybody.")

    async def work(house: "House", me: ProvenOwner) -> str:
        if everybody:
            ended = await house.people.operating.end_everybodys_sessions(me)
            return f"Ended {ended} sessions."
        found = await house.people.operating.find(who)
        ended = await house.people.operating.end_sessions(me, found.account)
        return f"Ended {ended} sessions of {found.account[:_ID_SHOWN]}… ({found.address})."

    typer.echo(_run_as(data, operator, work))


def invite(operator: _As, data: _Data = None) -> None:
    """Make a link by which one person may make an account, for seven days. Takes a login.

    Example: [bold]keysteward account invite --as ops@example.com[/]
    """

    async def work(house: "House", me: ProvenOwner) -> str:
        house.people.operating.require(me)
        ticket, expires_at = await house.people.invites.make_for_operator()
        link = house.people.links.to(Page.SIGN_UP, ticket)
        return f"{link}\nFor one person, until {_day(expires_at)}. Shown now and never again."

    # Past the redactor, which would strike the link: it is what was asked for.
    print(_run_as(data, operator, work), file=sys.__stdout__, flush=True)


def _run(data: Path | None, work: "Callable[[House], Awaitable[T]]") -> T:
    from keysteward.commands.offline import opened  # noqa: PLC0415 - it takes a second to load

    settings.put(data=data)

    async def running() -> T:
        async with opened(Config.read()) as house:
            return await work(house)

    return asyncio.run(running())


def _run_as(
    data: Path | None, operator: str, work: "Callable[[House, ProvenOwner], Awaitable[T]]"
) -> T:
    from keysteward.commands.offline import proven  # noqa: PLC0415 - likewise

    async def working(house: "House") -> T:
        async with proven(house, operator) as me:
            return await work(house, me)

    return _run(data, working)


def _day(microseconds: int) -> str:
    return dt.datetime.fromtimestamp(microseconds // SECOND, dt.UTC).date().isoformat()


def _standing(each: "Overview") -> str:
    if each.deleted_at is not None:
        return "deleted"
    if each.disabled_at is not None:
        return f"disabled {_day(each.disabled_at)}"
    return "verified" if each.verified_at is not None else "not verified"
