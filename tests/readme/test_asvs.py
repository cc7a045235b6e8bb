"""docs/asvs.md: every requirement of four chapters once, and what shows that it is met."""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Final

import pytest
from graphql import GraphQLInputObjectType

from accounts.entering import Entered
from accounts.passwords import _COMMON, SHORTEST
from accounts.people import People
from accounts.visits import Visit
from store import Store
from store.clock import DAY
from tests.invariants.source import calls_of
from tests.kit.clock import MovedClock
from tests.kit.commands import CHECKOUT
from tests.kit.graphql_client import CONTRACT

# OWASP ASVS 5.0.0, by section: the level of each of its requirements, in their order.
SECTIONS: Final = {
    "6.1": "122",
    "6.2": "111111112222",
    "6.3": "11223333",
    "6.4": "112233",
    "6.5": "22222333",
    "6.6": "2223",
    "6.7": "33",
    "6.8": "2222",
    "7.1": "222",
    "7.2": "1111",
    "7.3": "22",
    "7.4": "11222",
    "7.5": "223",
    "7.6": "22",
    "8.1": "1233",
    "8.2": "1123",
    "8.3": "133",
    "8.4": "23",
    "10.1": "22",
    "10.2": "223",
    "10.3": "22223",
    "10.4": "1111122222233333",
    "10.5": "22222",
    "10.6": "22",
    "10.7": "222",
}
LEVELS: Final = {
    f"{section}.{place}": int(level)
    for section, levels in SECTIONS.items()
    for place, level in enumerate(levels, start=1)
}
STANDINGS: Final = ("met", "not applicable", "not met")
ROW: Final = re.compile(r"\| (\d+\.\d+\.\d+) \| L([123]) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|")
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)::((?:\w+::)?)(\w+)`")
SUM: Final = re.compile(r"^\| (\w+) \| (L[123]) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
LINK: Final = re.compile(r"\]\(([\w.]*)#([\w-]+)\)")


@dataclass(frozen=True)
class Requirement:
    """One row."""

    number: str
    level: int
    asks: str
    said: str
    shown_by: str

    @property
    def standing(self) -> str:
        found = re.match(r"(met|not applicable|not met)(?:$|; |: )", self.said)
        assert found is not None, f"{self.number}: {self.said}"
        return found[1]

    @property
    def chapter(self) -> str:
        return f"V{self.number.partition('.')[0]}"


@cache
def page(name: str = "asvs.md") -> str:
    return (CHECKOUT / "docs" / name).read_text(encoding="utf-8")


def rows() -> list[Requirement]:
    lines = [line for line in page().splitlines() if re.match(r"\| \d", line)]
    matches = [ROW.fullmatch(line) for line in lines]
    broken = [line for line, match in zip(lines, matches, strict=True) if match is None]
    assert broken == []
    return [Requirement(m[1], int(m[2]), m[3], m[4], m[5]) for m in matches if m is not None]


@cache
def named_in(path: str) -> frozenset[str]:
    """Give the tests of a file, those of classes as `TestThis::test_that`."""
    file = CHECKOUT / path
    if not file.is_file():
        return frozenset()
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        within = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {
            f"{within}{each.name}"
            for each in inside
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            and each.name.startswith("test_")
        }
    return frozenset(found)


def anchors(name: str) -> set[str]:
    """Give where links into a page may lead, as GitHub makes it of its headings."""
    headings = re.findall(r"^#+ (.+)$", page(name), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_each_requirement_stands_there_once_with_its_level() -> None:
    assert len(LEVELS) == 115
    assert [(row.number, row.level) for row in rows()] == list(LEVELS.items())


def test_each_standing_is_one_of_three_and_the_others_say_why() -> None:
    assert {row.standing for row in rows()} == set(STANDINGS)
    assert [row.number for row in rows() if row.standing != "met" and ": " not in row.said] == []


def test_what_is_met_names_a_test_or_a_page() -> None:
    bare = [
        row.number
        for row in rows()
        if row.standing == "met" and not (NAMED.search(row.shown_by) or LINK.search(row.shown_by))
    ]
    assert bare == []


def test_what_is_named_is_there() -> None:
    for row in rows():
        for path, within, name in NAMED.findall(row.shown_by):
            assert f"{within}{name}" in named_in(path), f"{row.number}: {path}::{within}{name}"
        left = LINK.sub("", NAMED.sub("", row.shown_by))
        assert "`" not in left, f"{row.number}: {left}"
    for path in re.findall(r"`(tests/[\w/]+\.py)`", page()):
        assert (CHECKOUT / path).is_file(), path
    for name, anchor in LINK.findall(page()):
        assert anchor in anchors(name or "asvs.md"), f"{name}#{anchor}"


def test_the_sums_are_those_of_the_rows() -> None:
    summed = Counter((row.chapter, f"L{row.level}", row.standing) for row in rows())
    summed += Counter(("All", f"L{row.level}", row.standing) for row in rows())
    lines = re.findall(
        r"^\| (\w+) \| (L[123]) \| (\d+) \| (\d+) \| (\d+) \|$", page(), re.MULTILINE
    )
    told = {
        (chapter, level, standing): int(count)
        for chapter, level, *counts in lines
        for standing, count in zip(STANDINGS, counts, strict=True)
        if int(count)
    }
    assert told == dict(summed)


def test_what_is_not_met_below_the_third_level_is_listed_and_so_is_what_is_left_open() -> None:
    _, _, last = page().rpartition("\n## Summary\n")
    missing = {row.number for row in rows() if row.standing == "not met" and row.level < 3}
    assert set(re.findall(r"^- ([\d.]+)[ :]", last, re.MULTILINE)) == missing
    half = {row.number for row in rows() if row.said.startswith("met; but ")}
    (line,) = re.findall(r"^Met, but .+$", last, re.MULTILINE)
    assert set(re.findall(r"\d+\.\d+\.\d+", line)) == half


class TestWhatNoOtherTestShows:
    async def test_a_new_installation_has_nobody(self, store: Store) -> None:
        accounts = "SELECT account FROM accounts UNION ALL SELECT account FROM passwords"
        grants = " UNION ALL SELECT account FROM sessions UNION ALL SELECT account FROM tickets"
        assert await store.read(lambda tx: tx.all(accounts + grants)) == []

    def test_the_common_passwords_are_more_than_enough_and_of_our_own_length(self) -> None:
        words = _COMMON.read_text(encoding="utf-8").split()
        assert len(set(words)) >= 3_000
        assert min(map(len, words)) >= SHORTEST

    def test_sessions_are_begun_at_the_one_gate(self) -> None:
        begun = {
            found.place
            for found in calls_of("begin", "open")
            if re.search(r"sessions\.(begin|open)$", ast.unparse(found.node.func))  # type: ignore[attr-defined]
        }
        assert begun == {"accounts/entering.py:Entering._let_in"}
        assert {found.place for found in calls_of("_let_in")} == {
            "accounts/entering.py:Entering.admit.unit",
            "accounts/entering.py:Entering._finish",
        }

    async def test_a_password_has_no_end(self, people: People, clock: MovedClock) -> None:
        address, password = "ada@example.com", "CANARYpasswordofletters"
        await people.entering.sign_up(address, password, Visit())
        clock.forward(microseconds=10 * 365 * DAY)
        entered = await people.entering.by_password(address, password, Visit())
        assert isinstance(entered, Entered)

    def test_every_field_for_a_password_hides_it(self) -> None:
        folder = CHECKOUT / "keysteward" / "page" / "doors"
        fields = [
            field
            for file in folder.glob("*.html")
            for field in re.findall(r'field\("password".*?\)', file.read_text(encoding="utf-8"))
        ]
        assert len(fields) >= 6
        assert [field for field in fields if 'type="password"' not in field] == []

    def test_whoever_gives_a_number_is_told_of_the_risk(self) -> None:
        page_of_numbers = CHECKOUT / "keysteward" / "page" / "doors" / "code.html"
        said = page_of_numbers.read_text(encoding="utf-8")
        assert "taken over" in said
        assert "passkey or an authenticator app" in said

    def test_what_may_be_written_is_this(self) -> None:
        """No hint and no secret question; and nothing of what the server alone decides."""
        written = {
            name
            for kind in CONTRACT.type_map.values()
            if isinstance(kind, GraphQLInputObjectType)
            for name in kind.fields
        }
        assert written == {
            *("address", "password", "current", "ticket", "code", "invite", "number", "confirm"),
            *("intent", "kind", "answer"),
            *("id", "name", "label", "provider", "secret", "makeDefault", "verify", "force"),
            *("providers", "callsPerMinute", "inspectedOnly", "scopes", "expiresAt"),
            "format",
            *("cursor", "instance"),
            *("tool", "measure", "currency", "limit", "item", "rates", "amount"),
            *("call", "cost", "made", "resource"),
        }

    @pytest.mark.parametrize("name", ["accounts.md", "asvs.md"])
    def test_each_table_has_as_many_cells_in_each_row(self, name: str) -> None:
        for table in re.findall(r"(?:^\|.*\|\n)+", page(name), re.MULTILINE):
            counts = {line.count("|") for line in table.splitlines()}
            assert len(counts) == 1, table.splitlines()[0]
