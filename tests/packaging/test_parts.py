"""The folders of the house are listed in several places, each of which must know them all."""

import tomllib

from tests.kit.commands import CHECKOUT

PARTS = {file.parent.name for file in CHECKOUT.glob("*/__init__.py")} - {"bench", "tests"}
TOOLS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


def test_the_wheel_takes_every_part() -> None:
    taken = TOOLS["hatch"]["build"]["targets"]["wheel"]
    assert {*taken["packages"], *taken["force-include"]} == PARTS


def test_every_part_is_checked() -> None:
    assert set(TOOLS["mypy"]["packages"]) == PARTS
    assert set(TOOLS["coverage"]["run"]["source"]) == PARTS
    assert set(TOOLS["importlinter"]["root_packages"]) == PARTS


def test_every_part_has_its_layer() -> None:
    layers = TOOLS["importlinter"]["contracts"][0]["layers"]
    assert {name for layer in layers for name in layer.split(" | ")} == PARTS


def test_what_only_one_module_may_import_is_asked_of_every_part() -> None:
    whole = [one for one in TOOLS["importlinter"]["contracts"] if "ignore_imports" in one]
    assert [one["name"] for one in whole if set(one["source_modules"]) != PARTS] == []
