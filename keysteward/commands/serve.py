"""`keysteward serve`: makes what is missing, checks what is there, and serves."""

import asyncio
import errno
import socket
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from keysteward import config as settings
from keysteward import logs
from keysteward.config import DRAIN_SECONDS, SETTINGS, Config
from keysteward.hardening import harden
from keysteward.masterkey import keyring_of, make_missing, written_keys
from keysteward.version import VERSION
from providers import CATALOGUE
from store import Store
from store.errors import Failure

_ON_THE_COMMAND_LINE: Final = {"host", "port", "workers", "data"}
_BY_FIELD: Final = {setting.field: setting for setting in SETTINGS}
_WHY_NOT: Final = {
    errno.EADDRINUSE: "another program serves there. Stop it, or choose another port with --port "
    "(0 takes a free one).",
    errno.EACCES: "this user may not take that port. Choose one above 1023 with --port.",
    errno.EADDRNOTAVAIL: "this machine has no such address. Choose another with --host.",
}


class AddressUnfit(Failure):
    """The address to serve on can't be had."""


def _help() -> str:
    """Give the command's help: what it does, an example, and the settings besides its options."""
    others = "\n\n".join(
        f"[bold]{setting.variable}[/] ({setting.form.replace('[', chr(92) + '[')}"
        f"{'; ' + setting.default if setting.default else ''}): {setting.text}"
        for setting in SETTINGS
        if setting.field not in _ON_THE_COMMAND_LINE
    )
    return (
        "Serve the vault, the GraphQL API and the broker from one database.\n\n"
        "Makes the master key and the database where there are none, and says so. Refuses to "
        "start, with a sentence, over anything that it could not serve safely. Ctrl-C lets calls "
        f"under way end ({DRAIN_SECONDS} s at most); a second one stops at once.\n\n"
        "Example: [bold]keysteward serve --port 9000 --workers 4 --data /var/lib/keysteward[/]\n\n"
        "Everything else is set in the environment, or in a file .env in the current folder. What "
        "the command line says goes before both:\n\n" + others
    )


SERVE_HELP: Final = _help()


def _option(field: str) -> str:
    setting = _BY_FIELD[field]
    return f"{setting.text} Or {setting.variable}; without both: {setting.default}."


def serve(
    host: Annotated[str | None, typer.Option(help=_option("host"))] = None,
    port: Annotated[int | None, typer.Option(help=_option("port"))] = None,
    workers: Annotated[int | None, typer.Option(help=_option("workers"))] = None,
    data: Annotated[Path | None, typer.Option(help=_option("data"))] = None,
) -> None:
    """Serve. The text that people read is `SERVE_HELP`."""
    from keysteward import processes  # noqa: PLC0415 - half a second that no other command needs

    # Before a key is read. With several processes each does so for itself; this one's limits hold
    # for them.
    harden()
    settings.put(host=host, port=port, workers=workers, data=data)
    config = Config.read()
    with _bound(config) as listener:
        # With port 0 the system chose: the workers, which read the settings, are to know which.
        settings.put(port=listener.getsockname()[1])
        config = Config.read()
        made = [config.database] if not config.database.exists() else []
        if make_missing(config):
            made.insert(0, config.master_keys_file)
        logs.set_up(config.log_level, known=written_keys(config))
        asyncio.run(_checked(config))
        console = Console(highlight=False, soft_wrap=True)
        _say_what_was_made(console, config, made)
        processes.run(
            config.workers,
            listener,
            processes.Told(
                listening=lambda: _say_where(console, config),
                stopping=lambda: console.print(
                    f"Stopping: what is under way has {DRAIN_SECONDS} s to end. Ctrl-C again stops "
                    "at once."
                ),
            ),
        )
    console.print("Stopped.")


def _bound(config: Config) -> socket.socket:
    """Take the address before anything is made or forked; nobody is let in yet."""
    listener = socket.socket(socket.AF_INET6 if ":" in config.host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config.host, config.port))
    except OSError as error:
        listener.close()
        why = _WHY_NOT.get(error.errno or 0, f"{error.strerror}.")
        raise AddressUnfit(f"Can't serve on {config.host} port {config.port}: {why}") from None
    return listener


async def _checked(config: Config) -> None:
    """Open the database once, with the master keys that it was sealed with, before any worker."""
    keyring = keyring_of(config)
    async with await Store.open(config.database) as store:
        await store.write(keyring.open_check_values)


def _say_what_was_made(console: Console, config: Config, made: list[Path]) -> None:
    console.print(f"[bold]keysteward {VERSION}[/]")
    for file in made:
        console.print(f"Made {file}")
    if config.master_keys_file in made:
        console.print(
            f"[bold yellow]Warning:[/] {config.master_keys_file} is the only copy of the master "
            "key. Without it nobody can ever open the stored keys again. Copy it now to a safe "
            "place, apart from the backups of the database."
        )
    if config.smtp is None:
        console.print(
            f"No mail server is set (KEYSTEWARD_SMTP): mail goes to {config.outbox_file}, which "
            "only this user can read. Pass it on by hand."
        )
    if config.sign_up == "open" and config.reachable_from_afar:
        console.print(
            f"[bold yellow]Warning:[/] anybody who reaches {config.url} can make an account. Once "
            "yours is made, set KEYSTEWARD_SIGN_UP=closed."
        )


def _say_where(console: Console, config: Config) -> None:
    url, here = config.url, replace(config, public_url="").url
    several = f" with {config.workers} processes" if config.workers > 1 else ""
    console.print(f"\nServing on [bold]{here}[/]{several}. Ctrl-C stops.")
    console.print(f"Reached as [bold]{url}[/], which a proxy must bring here.\n" * (url != here))
    rows = [("GraphQL", f"{url}/graphql"), ("Health", f"{url}/health and {url}/ready")]
    if config.graphiql:
        rows.insert(0, ("GraphiQL", f"{url}/graphiql"))
    rows.insert(0, ("Dashboard", f"{url}/dashboard"))
    rows.append(("Base URLs", "for the official SDKs, with a tool token as their API key:"))
    rows += [(f"  {row.name}", f"{url}/via/{row.id}{row.sdk_path}") for row in CATALOGUE.values()]
    for name, where in rows:
        console.print(f"  {name:<12} {where}")
    console.print()
