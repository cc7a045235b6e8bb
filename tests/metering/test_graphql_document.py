"""Which mutations a GraphQL document names, held against a full parser of the language."""

import pytest
from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from graphql.language import FieldNode
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.meters.graphql_document import mutations


def names(document: str) -> list[str] | None:
    found = mutations({"query": document})
    return None if found is None else [one.name for one in found]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("{ me { id } }", []),
        ("query Q($a: [Int!]! = [1, -2.5e3]) @d(if: true) { me(id: $a) { id } }", []),
        ("subscription { logs }", []),
        ("fragment F on User { id } query { me { ...F ... on User { name } } }", []),
        ("mutation { a }", ["a"]),
        ("\ufeffmutation M($x: I = {a: {b: 1}}) @d { a(input: $x) { id } b }", ["a", "b"]),
        ("mutation { free: costly @skip(if: false) { a { b } } }", ["costly"]),
        ("query A { me } mutation B { a }", ["a"]),
        ("{ me } # mutation { a }", []),
        ("{ me } # \n mutation { a }", ["a"]),
        ('mutation { a(text: "} b { \\" ") }', ["a"]),
        ('mutation { a(text: """ "} b { \\""" """) c }', ["a", "c"]),
        ('mutation { a(text: """\\\\""" } b """) c }', ["a", "c"]),
        ('{ me(text: "#") } mutation { a }', ["a"]),
        # Refused.
        ("mutation { ...all } fragment all on Mutation { a }", None),
        ("mutation { ... on Mutation { a } }", None),
        ("mutation { a", None),
        ("mutation { a(b: [1) }", None),
        ("mutation { a(b 1) }", None),
        ('mutation { a(b: "', None),
        ("type Mutation { a: Int }", None),
        ("mutation { a } }", None),
        ("mutation\u00a0{ a }", None),
        ("{ " + "me " * 30_000 + "}", None),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_a_document_names_its_mutations(document: str, found: list[str] | None) -> None:
    assert names(document) == found


def test_a_request_without_a_document_is_not_read() -> None:
    for sent in ({}, {"query": None}, {"query": "{ me }", "variables": [1]}, {"id": "persisted"}):
        assert mutations(sent) is None


def test_arguments_are_read_where_they_are_plain() -> None:
    found = mutations(
        {
            "query": 'mutation { m: remove(id: $id, name: "a-1", input: {id: "x"}, n: $n, e: E) }',
            "variables": {"id": "svc-1", "n": 7},
        }
    )
    assert found is not None
    assert (found[0].name, found[0].answered_as) == ("remove", "m")
    assert found[0].arguments == {"id": "svc-1", "name": "a-1"}


PIECES = [
    *("mutation", "query", "{", "}", "{", "}", "(", ")", "a", "b", ":", "...", "fragment F on M"),
    *('"', '"""', "\\", '\\"', '\\"""', "#", "\n", "$x", "[", "]", "1", "@d", "=", ",", " on T "),
    *('(t: """', '""")', '(t: "', '")', "mutation { a", "{ b }", "…"),
]


@settings(max_examples=250)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_no_document_that_a_full_parser_takes_hides_a_mutation(pieces: list[str]) -> None:
    document = " ".join(pieces)
    try:
        whole = parse(document)
    except (GraphQLError, RecursionError):
        return
    expected = [
        field.name.value
        for operation in whole.definitions
        if isinstance(operation, OperationDefinitionNode)
        and operation.operation is OperationType.MUTATION
        for field in operation.selection_set.selections
        if isinstance(field, FieldNode)
    ]
    assert names(document) in [None, expected]
