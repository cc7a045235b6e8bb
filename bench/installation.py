"""What the benchmarks run against: a fake provider and a keysteward, each a process on loopback."""

import contextlib
import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "bench" / "results"
KEY: Final = "sk-proj-" + "benchmark" * 5
PASSWORD: Final = "a bench password"
_START_SECONDS: Final = 30


def free_port() -> int:
    """Give a port that nobody serves on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def machine() -> dict[str, Any]:
    """Say what it was measured on."""
    models = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
        "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    }


def write_results(name: str, figures: Any) -> None:
    """Write the figures as JSON beside those of other runs."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(
        json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n"
    )


@dataclass(frozen=True)
class Process:
    """A server process and what it has cost so far."""

    popen: subprocess.Popen[bytes]
    url: str

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the process and its children."""
        return sum(_cpu(pid) for pid in self._pids())

    @property
    def rss_megabytes(self) -> float:
        """Resident memory of the process and its children, in 10⁶ bytes."""
        return sum(_rss(pid) for pid in self._pids()) / 1e6

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text()
        return [self.popen.pid, *map(int, children.split())]


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


@contextlib.contextmanager
def started(command: list[str], url: str, *, alive: str, **environment: str) -> Iterator[Process]:
    """Run a server until the block ends; `alive` is a path that answers once it serves."""
    with tempfile.TemporaryFile() as output:
        popen = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_alive(popen, url + alive)
            yield Process(popen, url)
        except BaseException:
            output.seek(0)
            sys.stderr.write(output.read()[-4000:].decode(errors="replace"))
            raise
        finally:
            popen.send_signal(signal.SIGTERM)
            try:
                popen.wait(20)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()


def _wait_until_alive(popen: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if popen.poll() is not None:
            raise RuntimeError(f"The server ended with {popen.returncode}.")
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - loopback
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("The server did not start in time.")


@contextlib.contextmanager
def fake_provider(**options: str | float) -> Iterator[Process]:
    """Run the bundled fake provider; options as its command line has them."""
    port = free_port()
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "keysteward.demo.fake_provider", "--port", str(port), *given]
    with started(command, f"http://127.0.0.1:{port}", alive="/openai/v1/models") as process:
        yield process


@contextlib.contextmanager
def keysteward(
    upstream: str, *, workers: int = 1, command: list[str] | None = None, **environment: str
) -> Iterator[Process]:
    """Run keysteward on a database of its own, on the disk that holds this checkout."""
    port = free_port()
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".bench-") as folder:
        command = [*(command or [sys.executable, "-m", "keysteward"]), "serve"]
        upstreams = ",".join(
            f"{name}={upstream}/{name}" for name in ("openai", "anthropic", "google")
        )
        with started(
            command,
            f"http://127.0.0.1:{port}",
            alive="/health",
            KEYSTEWARD_DATA=folder,
            KEYSTEWARD_PORT=str(port),
            KEYSTEWARD_WORKERS=str(workers),
            KEYSTEWARD_UPSTREAMS=upstreams,
            **environment,
        ) as process:
            yield process


class Person:
    """Somebody signed in to a keysteward by GraphQL."""

    def __init__(self, url: str, address: str = "bench@example.com", place: str = "") -> None:
        self._url = url
        self._headers = {"x-forwarded-for": place} if place else {}
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.ask(
            "mutation($i: SignUpInput!) { signUp(input: $i) { __typename } }",
            i={"address": address, "password": PASSWORD},
        )

    def ask(self, query: str, **variables: Any) -> Any:
        """Ask GraphQL and give the data."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self._url}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"content-type": "application/json", "keysteward-csrf": "1", **self._headers},
        )
        with self._browser.open(request, timeout=30) as answer:
            document = json.load(answer)
        if document.get("errors"):
            raise RuntimeError(document["errors"])
        return document["data"]

    def add_key(self, secret: str = KEY, label: str = "default") -> str:
        """Add an OpenAI key and give its id."""
        added = self.ask(
            "mutation($i: AddKeyInput!) { addKey(input: $i) { ... on KeyAdded { key { id } } } }",
            i={"provider": "openai", "secret": secret, "label": label, "verify": False},
        )
        return str(added["addKey"]["key"]["id"])

    def create_tool(self, name: str = "bench") -> str:
        """Make a tool and give its token."""
        made = self.ask(
            "mutation($i: CreateToolInput!)"
            " { createTool(input: $i) { ... on ToolCreated { token } } }",
            i={"name": name},
        )
        return str(made["createTool"]["token"])
