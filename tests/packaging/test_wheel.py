"""The wheel as somebody gets it: it takes one name in site-packages, and serves from there."""

import json
import re
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from keysteward.version import VERSION
from tests.kit.commands import CHECKOUT, serving

_HERE = Path(sysconfig.get_path("purelib"))


def run(*command: str | Path, folder: Path) -> str:
    """Run a program that must succeed, with nothing of the checkout in reach."""
    answer = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    run(sys.executable, *build, folder=CHECKOUT)
    (built,) = folder.glob("*.whl")
    return built


def environment_with(wheel: Path, folder: Path, *sees: Path) -> Path:
    """Make an environment that holds the wheel, and sees packages installed elsewhere."""
    venv.create(folder, with_pip=False)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, folder=folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text("\n".join(map(str, sees)))
    return folder


@pytest.fixture(scope="module")
def server_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, what it needs, and PyPI's `schema`: they are where the tests' own packages are."""
    return environment_with(wheel, tmp_path_factory.mktemp("server"), _HERE)


def test_the_wheel_takes_one_name_at_the_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"keysteward", f"keysteward-{VERSION}.dist-info"}
    assert [name for name in names if name.endswith((".pyc", ".pyo"))] == []
    assert f"keysteward-{VERSION}.dist-info/licenses/LICENSE" in names


def test_the_wheel_carries_every_module_every_migration_and_the_page(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    parts = {path.parent for path in CHECKOUT.glob("*/__init__.py")}
    missing = [
        str(file.relative_to(CHECKOUT))
        for part in parts
        if part.name not in {"bench", "tests"}
        for file in part.rglob("*")
        if file.is_file()
        and file.suffix in {".py", ".sql", ".js", ".css", ".html", ".ttf"}
        and _in_wheel(file) not in names
    ]
    assert missing == []


def _in_wheel(file: Path) -> str:
    path = file.relative_to(CHECKOUT).as_posix()
    return path if path.startswith("keysteward/") else f"keysteward/_parts/{path}"


def test_it_serves_from_where_it_is_installed(server_environment: Path, tmp_path: Path) -> None:
    with serving(tmp_path, installed=server_environment / "bin" / "keysteward") as server:
        for path in ("/health", "/ready"):
            assert get(server.url + path)
        page = get(f"{server.url}/graphiql").decode()
        asset = re.search(r"/graphiql/assets/[\w.-]+\.js", page)
        assert asset is not None
        assert get(server.url + asset[0])
        request = urllib.request.Request(
            f"{server.url}/graphql",
            json.dumps({"query": "{ providers { id } }"}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert {"id": "openai"} in json.loads(answer.read())["data"]["providers"]
    assert server.log.read_text() == ""


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.status == 200
        content: bytes = answer.read()
    return content


def test_pypis_schema_stays_whole_beside_it(server_environment: Path, tmp_path: Path) -> None:
    python = server_environment / "bin" / "python"
    where = run(
        python, "-c", "import schema; print(schema.__file__, schema.Schema)", folder=tmp_path
    )
    assert where.startswith(str(_HERE))
    ours = run(
        python, "-c", "import keysteward.house, schema; print(schema.__file__)", folder=tmp_path
    ).strip()
    assert ours.endswith("keysteward/_parts/schema/__init__.py")


@pytest.fixture(scope="module")
def tool_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as a tool has it: with `websockets`, and nothing else at all."""
    only = tmp_path_factory.mktemp("only")
    (only / "websockets").symlink_to(_HERE / "websockets")
    return environment_with(wheel, tmp_path_factory.mktemp("tool"), only)


def test_a_tool_needs_websockets_alone(tool_environment: Path, tmp_path: Path) -> None:
    code = "import keysteward.client, sys; print(keysteward.client.Listener.__module__)"
    told = run(tool_environment / "bin" / "python", "-c", code, folder=tmp_path)
    assert told.strip() == "keysteward.client.listener"


def test_without_the_server_the_command_says_what_to_install(
    tool_environment: Path, tmp_path: Path
) -> None:
    answer = subprocess.run(
        [tool_environment / "bin" / "keysteward", "serve"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "pip install 'keysteward[server]'" in answer.stderr
    assert answer.stderr.count("\n") == 1
