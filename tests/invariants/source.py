"""The project's own code as trees, for tests that hold a rule over all of it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = (
    "accounts",
    "audit",
    "broker",
    "keysteward",
    "providers",
    "redact",
    "resolvers",
    "schema",
    "store",
    "vault",
)


@dataclass(frozen=True)
class Found:
    """A piece of code, and the function in which it stands."""

    file: str
    function: str
    node: ast.AST

    @property
    def place(self) -> str:
        return f"{self.file}:{self.function}"


@cache
def everything() -> tuple[Found, ...]:
    """Give every node of every file, each with its innermost named function."""
    return tuple(found for file in _files() for found in _within(file))


def calls_of(*names: str) -> list[Found]:
    """Give every call of a function or method of one of these names."""
    return [
        found
        for found in everything()
        if isinstance(found.node, ast.Call) and _called(found.node) in names
    ]


def imports_of(*modules: str) -> set[str]:
    """Give the files that import one of these packages, or anything in them."""
    return {
        found.file
        for found in everything()
        for name in _imported(found.node)
        if name.split(".")[0] in modules
    }


def texts() -> list[tuple[Found, str]]:
    """Give every string, those in pieces joined; what is put in by f-strings reads as `{name}`."""
    inside = {
        id(part)
        for found in everything()
        if isinstance(found.node, ast.JoinedStr)
        for part in ast.walk(found.node)
        if part is not found.node
    }
    return [
        (found, _text(found.node))
        for found in everything()
        if id(found.node) not in inside
        and (
            isinstance(found.node, ast.JoinedStr)
            or (isinstance(found.node, ast.Constant) and isinstance(found.node.value, str))
        )
    ]


def _files() -> list[Path]:
    return sorted(file for part in PARTS for file in (ROOT / part).rglob("*.py"))


def _within(file: Path) -> Iterator[Found]:
    name = str(file.relative_to(ROOT))

    def walk(node: ast.AST, function: str) -> Iterator[Found]:
        yield Found(name, function, node)
        for child in ast.iter_child_nodes(node):
            inner = function
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{function}.{child.name}".lstrip(".")
            yield from walk(child, inner)

    yield from walk(ast.parse(file.read_text(encoding="utf-8")), "")


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module)):
            return [module]
        case _:
            return []


def _text(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=value):
            return str(value)
        case ast.FormattedValue(value=value):
            return f"{{{ast.unparse(value)}}}"
        case ast.JoinedStr(values=values):
            return "".join(_text(value) for value in values)
        case _:
            return ""
