"""The help teaches; what is missing is named."""

import platform
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from keysteward.config import SETTINGS
from keysteward.version import VERSION
from tests.kit.commands import environment, keysteward


@pytest.mark.parametrize("command", ["serve", "demo", "schema", "token check", "token new"])
def test_each_command_shows_how_it_is_used(tmp_path: Path, command: str) -> None:
    answer = keysteward(*command.split(), "--help", folder=tmp_path)
    assert answer.returncode == 0
    assert answer.stdout.count(f"keysteward {command}") >= 2  # its usage, and an example


def test_serve_tells_of_every_setting(tmp_path: Path) -> None:
    told = keysteward("serve", "--help", folder=tmp_path).stdout
    assert [setting.name for setting in SETTINGS if setting.variable not in told] == []


def test_version_names_what_the_promises_rest_on(tmp_path: Path) -> None:
    told = keysteward("version", folder=tmp_path).stdout
    assert VERSION in told
    assert platform.python_version() in told
    assert sqlite3.sqlite_version in told
    assert "OpenSSL" in told


def test_a_missing_package_is_one_sentence(tmp_path: Path) -> None:
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules['typer'] = None; from keysteward.__main__ import main; main()",
        ],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "typer is not installed" in answer.stderr
    assert "pip install 'keysteward[server]'" in answer.stderr
