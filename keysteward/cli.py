"""The command line: what each command is called, and what becomes of a failure."""

import inspect
import sys
from collections.abc import Callable
from typing import Final

import typer

import redact
from keysteward.commands import account, keys, prices
from keysteward.commands.audit import audit
from keysteward.commands.demo import demo
from keysteward.commands.doctor import doctor
from keysteward.commands.redact import redact as redact_pipe
from keysteward.commands.schema import schema
from keysteward.commands.serve import SERVE_HELP, serve
from keysteward.commands.token import check, new
from keysteward.commands.version import version
from store.errors import Failure

_REFUSED: Final = 2


def _prose(function: Callable[..., None]) -> str:
    """Give a docstring as help: its paragraphs, to be folded at the terminal's own width."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


commands = typer.Typer(
    name="keysteward",
    help="Bring your own keys: tools hold tokens, and a removal is final at once.\n\n"
    "Begin with: [bold]keysteward demo[/], then [bold]keysteward serve[/].",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
tokens = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
commands.command(help=SERVE_HELP)(serve)
for group, functions in (
    (commands, (demo, schema, audit, doctor, version)),
    (tokens, (check, new)),
):
    for function in functions:
        group.command(help=_prose(function))(function)
accounts = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
accounts.command("list", help=_prose(account.list_))(account.list_)
commands.command("redact", help=_prose(redact_pipe))(redact_pipe)
for act in (account.show, account.disable, account.enable, account.end_sessions, account.invite):
    accounts.command(help=_prose(act))(act)
commands.add_typer(
    accounts, name="account", help="List accounts, disable them, end their sessions, invite."
)
price_list = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
price_list.command(help=_prose(prices.show))(prices.show)
price_list.command(help=_prose(prices.update))(prices.update)
commands.add_typer(
    price_list, name="prices", help="Which model prices are in use; take a newer list."
)
key_list = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
# With a callback, so that its one command still stands under its own name.
key_list.callback()(lambda: None)
key_list.command(help=_prose(keys.export))(keys.export)
commands.add_typer(key_list, name="keys", help="Write the list of an account's keys to a file.")
commands.add_typer(tokens, name="token", help="Check a token, or make one for a GraphQL client.")


def run() -> None:
    """Run what the command line says. An expected failure is one sentence and exit code 2."""
    redact.install()
    # Not `commands()`: that would put typer's own hook for uncaught exceptions in place of ours.
    command = typer.main.get_command(commands)
    try:
        command(prog_name="keysteward")
    except Failure as failure:
        print(f"keysteward: {failure}", file=sys.stderr)  # noqa: T201
        sys.exit(_REFUSED)
