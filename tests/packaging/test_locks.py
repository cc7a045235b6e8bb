"""The locks: what is installed is what was chosen, each file by its hash, from no named place."""

import re
import tomllib

import pytest

from tests.kit.commands import CHECKOUT

_NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)
_PINNED = re.compile(
    r"^(\S+)==(\S+?)(?: ;.*?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE
)


def text(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def chosen(name: str) -> set[str]:
    """Give the packages that an .in file names, those of the file that it includes among them."""
    return {normal(found) for found in _NAME.findall(text(name))}


def pinned(name: str) -> set[tuple[str, str]]:
    return {(normal(package), version) for package, version, _ in _PINNED.findall(text(name))}


@pytest.mark.parametrize("name", ["requirements.lock", "dev.lock"])
def test_every_line_of_a_lock_is_pinned_and_hashed(name: str) -> None:
    rest = _PINNED.sub("", text(name))
    left = [line for line in rest.splitlines() if line and not line.lstrip().startswith("#")]
    assert left == []


@pytest.mark.parametrize(
    "name", ["requirements.in", "requirements.lock", "dev.in", "dev.lock", "pyproject.toml"]
)
def test_no_file_names_a_registry_or_a_path_of_somebodys_machine(name: str) -> None:
    assert re.findall(r"://|--(?:extra-)?index|--find-links|(?<=[\s=])/\w+", text(name)) == []


def test_the_locks_hold_all_that_was_chosen() -> None:
    assert chosen("requirements.in") <= {name for name, _ in pinned("requirements.lock")}
    assert chosen("dev.in") <= {name for name, _ in pinned("dev.lock")}


def test_what_is_tested_is_what_is_served() -> None:
    assert pinned("requirements.lock") <= pinned("dev.lock")


def test_the_wheel_asks_for_what_the_lock_was_made_from() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    asked = project["dependencies"] + project["optional-dependencies"]["server"]
    assert {normal(_NAME.findall(one)[0]) for one in asked} == chosen("requirements.in")
