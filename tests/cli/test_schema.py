"""The contract in the repository is the one that is served."""

from keysteward.commands.schema import printed
from tests.kit.commands import CHECKOUT


def test_schema_graphql_is_what_the_code_prints() -> None:
    written = (CHECKOUT / "schema.graphql").read_text(encoding="utf-8")
    assert written == printed(), "The contract has changed. If it was meant to: make schema.graphql"
