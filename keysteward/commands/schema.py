"""`keysteward schema`: the contract, as clients see it."""

import typer


def schema() -> None:
    """Print the GraphQL schema that this version serves.

    For code generators and editors, without a running server:

    [bold]keysteward schema > schema.graphql[/]
    """
    typer.echo(printed(), nl=False)


def printed() -> str:
    """Give the schema's text; `schema.graphql` in the repository is exactly this."""
    import resolvers  # noqa: PLC0415 - half a second, which no other command need wait for

    return resolvers.build().as_str().rstrip("\n") + "\n"
