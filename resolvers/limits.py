"""How much one document may ask for: tokens, depth and aliases; and whether for the schema.

Strawberry's own limits of depth and aliases walk a fragment anew each time that it is spread, so a
document of forty fragments, each spreading the next one twice, would take them 2⁴⁰ walks; and they
fail on a spread of a fragment that is not there. Here each fragment is walked once.
"""

from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationRule,
)

DEEPEST: Final = 12
MOST_ALIASES: Final = 30
# All fields of a selection are compared with each other: 1,000 tokens take 0.15 s at the worst.
MOST_TOKENS: Final = 1_000


class TooMuch(GraphQLError):  # noqa: N818 - it names what happened
    """A document asks for more than one may; the sentence says of what."""

    code: Final = "TOO_MUCH"


class IntrospectionOff(GraphQLError):  # noqa: N818 - it names what happened
    """A document asks for the schema, and the operator has switched that off."""

    code: Final = "BAD_REQUEST"


class Limits(ValidationRule):
    """Refuses a document that is too deep or has too many aliases."""

    def enter_document(self, document: DocumentNode, *_: Any) -> None:
        """Measure each operation."""
        measure = _Measure(document)
        for definition in document.definitions:
            if not isinstance(definition, OperationDefinitionNode):
                continue
            depth, aliases = measure.of(definition.selection_set)
            if depth > DEEPEST:
                self.report_error(
                    TooMuch(f"An operation may be {DEEPEST} levels deep.", definition)
                )
            if aliases > MOST_ALIASES:
                self.report_error(
                    TooMuch(f"An operation may have {MOST_ALIASES} aliases.", definition)
                )


class NoIntrospection(ValidationRule):
    """Refuses a document that asks for the schema, whoever sends it, in one plain sentence.

    The library's own rule reports each field of such a document in words that say the least to
    whoever opens GraphiQL, whose first document asks for some ninety.
    """

    _is_told = False

    def enter_field(self, field: FieldNode, *_: Any) -> None:
        """Look for the two fields by which alone the schema is reached."""
        if field.name.value in {"__schema", "__type"} and not self._is_told:
            self._is_told = True
            self.report_error(
                IntrospectionOff(
                    "Introspection is switched off on this installation: the schema can't be asked "
                    "for. Operations run all the same.",
                    field,
                )
            )


class _Measure:
    """Depth and aliases of selections, each fragment's worked out once."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, tuple[int, int]] = {}

    def of(self, selections: SelectionSetNode | None) -> tuple[int, int]:
        """Give how deep the selections go, a field without any of its own being 0, and aliases."""
        depth = aliases = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FragmentSpreadNode):
                deep, more = self._spread(node.name.value)
            elif isinstance(node, FieldNode):
                deep, more = self.of(node.selection_set)
                more += node.alias is not None
                # How deep introspection may go is a rule of graphql-core's own.
                deep = 0 if node.name.value.startswith("__") else deep + bool(node.selection_set)
            else:
                deep, more = self.of(node.selection_set)  # type: ignore[attr-defined]  # inline
            depth, aliases = max(depth, deep), aliases + more
        return depth, aliases

    def _spread(self, name: str) -> tuple[int, int]:
        if name not in self._known:
            self._known[name] = (0, 0)  # a fragment within itself is another rule's to refuse
            fragment = self._fragments.get(name)
            self._known[name] = self.of(fragment.selection_set if fragment else None)
        return self._known[name]
