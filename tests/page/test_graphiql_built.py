"""GraphiQL as it is built: its files, its licences, and the operations that its tabs begin with."""

import json
from pathlib import Path

import graphql
import pytest

from keysteward.page import graphiql_page
from tests.kit.commands import CHECKOUT

BUILT = Path(graphiql_page.__file__).parent / "graphiql"
SOURCE = CHECKOUT / "page-src" / "graphiql"
SCHEMA = CHECKOUT / "schema.graphql"


def test_the_built_page_names_no_other_host_to_fetch_from() -> None:
    page = (BUILT / "index.html").read_text()
    assert "//" not in page.replace("<!doctype html>", "")
    for file in (BUILT / "assets").glob("*.css"):
        assert "url(http" not in file.read_text()
        assert "@import" not in file.read_text()


def test_every_bundled_package_has_its_licence_in_the_wheel() -> None:
    licences = (BUILT / "THIRD_PARTY_LICENSES.txt").read_text()
    for name in ("graphiql 5.", "monaco-editor 0.", "react 19.", "graphql-ws 6."):
        assert f"\n{name}" in licences
    assert "GPL" not in licences.split("-" * 80)[0]


def test_the_page_s_source_is_pinned_and_names_no_registry() -> None:
    assert '"resolved"' not in (SOURCE / "package-lock.json").read_text()
    assert "registry=" not in (SOURCE / ".npmrc").read_text()
    assert '"^' not in (SOURCE / "package.json").read_text()


def test_what_was_built_holds_each_operation_of_the_source() -> None:
    built = "".join(file.read_text() for file in (BUILT / "assets").glob("index-*.js"))
    for operation in SOURCE.glob("operations/*.graphql"):
        (_, *lines) = operation.read_text().splitlines()
        assert all(line.strip() in built for line in lines), "`npm run build`, in page-src/graphiql"


@pytest.mark.parametrize(
    "operation", sorted(SOURCE.glob("operations/*.graphql")), ids=lambda at: at.stem
)
def test_every_operation_in_the_page_s_tabs_fits_the_schema(operation: Path) -> None:
    schema = graphql.build_schema(SCHEMA.read_text())
    document = graphql.parse(operation.read_text())
    assert graphql.validate(schema, document) == []
    prepared = operation.with_suffix(".json")
    variables = json.loads(prepared.read_text()) if prepared.exists() else {}
    for definition in document.definitions:
        assert isinstance(definition, graphql.OperationDefinitionNode)
        asked = definition.variable_definitions or ()
        values = graphql.get_variable_values(schema, asked, variables)
        assert not isinstance(values, list), values
