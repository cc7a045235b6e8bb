"""What README.md says is so: its settings, its promises' tests, its tour, its commands."""

import re
from pathlib import Path

import pytest

from keysteward.doors.security import REPORTING
from keysteward.promises import PROMISES
from tests.kit.commands import CHECKOUT
from tests.readme import tables

_TEST = re.compile(r"\b(tests/[\w/]+(?:\.py)?)(?:::(?:Test\w+::)?(\w+))?")
_PAGES = (
    *("README.md", "SECURITY.md", "CONTRIBUTING.md"),
    *("docs/asvs.md", "docs/threats.md", "docs/walks.md"),
)


def readme() -> str:
    return tables.README.read_text(encoding="utf-8")


def test_the_settings_are_those_of_the_code() -> None:
    assert tables.part(readme(), "settings") == tables.settings(), "Write them anew: make readme"


def test_each_promise_names_a_test() -> None:
    assert tables.part(readme(), "promises") == tables.promises(), "Write them anew: make readme"
    assert [one.number for one in PROMISES] == [f"P{number}" for number in range(1, 13)]
    for one in PROMISES:
        assert _TEST.search(one.shown_by) or one.missing.startswith("not there yet"), one.number


def test_who_names_no_contact_shows_the_words_of_the_policy() -> None:
    assert REPORTING in (CHECKOUT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in _PAGES if (CHECKOUT / page).exists()])
def test_each_test_that_a_page_names_is_there(page: str) -> None:
    named = _TEST.findall((CHECKOUT / page).read_text(encoding="utf-8"))
    assert [f"{path}::{name}" for path, name in named if not is_there(CHECKOUT / path, name)] == []


def is_there(path: Path, name: str) -> bool:
    if not name:
        return path.exists()
    return path.is_file() and re.search(rf"def {name}\(", path.read_text("utf-8")) is not None


def test_the_tour_that_is_shown_is_the_one_that_is_given() -> None:
    shown = re.findall(r"^ ?\d+  (.+)$", tables.part(readme(), "tour"), re.MULTILINE)
    code = (CHECKOUT / "keysteward" / "demo" / "tour.py").read_text(encoding="utf-8")
    given = re.findall(r'telling\.does\(\s*"(.+)"\s*\)', code)
    assert shown == given, "Take it anew: make readme-tour"


def test_ci_runs_what_a_newcomer_is_told_to_run() -> None:
    lines = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    ran = {match[1] for line in lines if (match := re.match(r"make (\w+)", line))}
    assert {"test", "check", "demo"} <= ran
    assert all(f"make {target}" in readme() for target in ("test", "demo", "run"))
