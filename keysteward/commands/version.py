"""`keysteward version`: what runs here, for a report of something that went wrong."""

import typer


def version() -> None:
    """Print the versions of keysteward and of what its promises rest on."""
    from keysteward.built_on import versions  # noqa: PLC0415 - no other command needs it

    for name, value in versions().items():
        typer.echo(f"{name:<13} {value}")
