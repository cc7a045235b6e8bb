"""The client needs the standard library and websockets, and nothing that the server is made of."""

import subprocess
import sys
from pathlib import Path

_IMPORT = """
import importlib.abc, sys

ALLOWED = {*sys.stdlib_module_names, "keysteward", "websockets", "_virtualenv", "sitecustomize"}

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED:
            raise ImportError(f"{name} is not the client's to import")

sys.meta_path.insert(0, Blocker())
import keysteward.client
from keysteward.client.wire import connect, connected
keysteward.client.Listener("https://keys.example.com", "kst_MadeUp")
print(*sorted(name for name in sys.modules if name.startswith("keysteward.")))
"""
_SERVER = frozenset(
    {
        *("accounts", "audit", "broker", "providers", "redact", "resolvers", "schema", "store"),
        *("vault", "aiohttp", "aiosqlite", "argon2", "cryptography", "dotenv", "httpx", "orjson"),
        *("rich", "starlette", "strawberry", "typer", "ulid", "uvicorn", "uvloop"),
    }
)


def _run(program: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_is_imported_and_used_without_any_of_the_servers_dependencies() -> None:
    done = _run(_IMPORT)
    assert done.returncode == 0, done.stderr
    modules = done.stdout.split()
    assert modules
    assert all(name.startswith("keysteward.client") for name in modules)


def test_a_tools_own_modules_stay_its_own(tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text("MINE = True\n", encoding="utf-8")
    done = _run(
        f"import sys; sys.path.append({str(tmp_path)!r}); before = list(sys.path);"
        "import keysteward.client; assert sys.path == before"
    )
    assert done.returncode == 0, done.stderr


def test_none_of_the_server_is_loaded() -> None:
    done = _run("import sys, keysteward.client; print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    assert not _SERVER.intersection(done.stdout.split())
