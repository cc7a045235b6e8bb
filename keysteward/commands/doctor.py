"""`keysteward doctor`: what a server can do for its memory here, and where it leaves keys."""

import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from keysteward.hardening import Measure, harden
from keysteward.residency import FORMS, Found

if TYPE_CHECKING:
    from keysteward.examination import Findings

_KIBIBYTE: Final = 1 << 10


def doctor(
    residency: Annotated[
        bool,
        typer.Option(
            "--residency", help="Start a server, use a key in it, and search where that is left."
        ),
    ] = False,
    quick: Annotated[bool, typer.Option(help="Look into the memory three times alone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Examine what keeps keys from being found in a server's memory, and on this machine's disk.

    With --residency a server is started in a folder of its own, with a made-up key and a made-up
    provider on loopback. It makes calls that end well, fail, time out and are given up; after each
    the server searches its own memory for the key: raw, in base64, in hex and as wide text. Then
    the database, its log, temporary files and the server's log are searched. Ends with 1 when the
    key is found in any file. What may be left in memory, and why, is in docs/residency.md.

    Example: [bold]keysteward doctor --residency --json[/]
    """
    if not residency:
        _show(list(harden()), as_json=as_json)
        return
    from keysteward.examination import examine  # noqa: PLC0415 - the fake provider, only for this

    told = Console(stderr=True, highlight=False, soft_wrap=True)
    findings = asyncio.run(
        examine(lambda moment: told.print(f"[dim]looked {moment}[/]"), quick=quick)
    )
    if as_json:
        typer.echo(json.dumps(findings.told()))
    else:
        _show_findings(findings)
    sys.exit(1 if findings.is_on_disk else 0)


def _show_findings(findings: "Findings") -> None:
    console = Console(highlight=False, soft_wrap=True)
    memory = _table("Copies in the server's memory", "moment", "new")
    for look in findings.memory:
        memory.add_row(look.moment, str(look.found.new), *_cells(look.found))
    files = _table("Copies on disk", "place")
    for place, found in sorted(findings.files.items()):
        files.add_row(place, *_cells(found))
    console.print(memory, "", files, "", sep="\n")
    _show(findings.measures, as_json=False)
    console.print(
        "\n[bold red]The key is on disk.[/]"
        if findings.is_on_disk
        else f"\nThe key is in none of {findings.number_of_files} files."
    )


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column(first)
    for column in (*others, *FORMS, "in part", "searched", "unread"):
        table.add_column(column, justify="right")
    return table


def _cells(found: Found) -> list[str]:
    counts = [*(found.whole[form] for form in FORMS), found.parts.total()]
    sizes = (found.searched, found.unread)
    return [*map(str, counts), *(f"{size / _KIBIBYTE:,.0f} KiB" for size in sizes)]


def _show(measures: list[Measure], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"measures": [asdict(measure) for measure in measures]}))
        return
    console = Console(highlight=False, soft_wrap=True)
    for measure in measures:
        mark = "[green]yes[/]" if measure.holds else "[yellow]no [/]"
        console.print(f"{mark}  [bold]{measure.name:<10}[/]  {measure.told}")
