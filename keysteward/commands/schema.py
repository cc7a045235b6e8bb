"""`keysteward schema`: the contract, as clients see it."""

import typer

import resolvers


def schema() -> None:
    """Print the GraphQL schema that this version serves.

    For code generators and editors, without a running server:

    [bold]keysteward schema > schema.graphql[/]
    """
    typer.echo(printed(), nl=False)


def printed() -> str:
    """Give the schema's text; `schema.graphql` in the repository is exactly this."""
    return resolvers.build().as_str().rstrip("\n") + "\n"
