"""What a call through keysteward costs, beside the provider itself, nginx, LiteLLM and Portkey.

Every round loads each of them in turn, with the same client, the same fake provider and the same
2 KB answers; shown are median and spread over the rounds. keysteward's calls are each reserved and
settled durably (`synchronous=FULL`). nginx is measured where it is installed; LiteLLM and Portkey
are installed and measured when asked for, since that takes minutes.

    python -m bench.broker [--rounds 5] [--seconds 2] [--peers litellm,portkey]
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from rich.console import Console
from rich.table import Table

from bench.installation import (
    KEY,
    Person,
    Process,
    fake_provider,
    free_port,
    keysteward,
    machine,
    started,
    write_results,
)

_BODY: Final = json.dumps(
    {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello " * 20}]}
)
_STREAM: Final = json.dumps({**json.loads(_BODY), "stream": True})
_PATH: Final = "/v1/chat/completions"
_STREAMS: Final = 1000
_FIRST_BYTE_ROUNDS: Final = 3
_MOST_ROUNDS: Final = 20


@dataclass(frozen=True)
class Target:
    """An address to load, with what a request must carry, and the process that answers."""

    url: str
    headers: tuple[str, ...]
    process: Process

    @classmethod
    def with_token(cls, url: str, token: str, process: Process, *headers: str) -> Self:
        """Give a target that takes a bearer token."""
        return cls(url + _PATH, (f"authorization: Bearer {token}", *headers), process)

    def load(self, connections: int, seconds: float, body: str, *headers: str) -> list[str]:
        """Give the command that loads it."""
        command = [sys.executable, "-m", "bench.load", self.url, "--connections", str(connections)]
        command += ["--seconds", str(seconds), "--body", body]
        for header in (*self.headers, *headers):
            command += ["--header", header]
        return command


def measured(command: list[str]) -> dict[str, Any]:
    """Load an address from a process of its own."""
    done = subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@contextlib.contextmanager
def nginx(upstream: str) -> Iterator[Process]:
    """Run nginx as a reverse proxy, one worker, kept-alive connections to the provider."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(
            f"""daemon off; worker_processes 1; pid {folder}/pid; error_log /dev/null;
            user {"root" if os.getuid() == 0 else "nobody"};
            events {{ worker_connections 4096; }}
            http {{ access_log off; keepalive_requests 100000000;
              client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
              fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
              upstream provider {{ server {upstream.removeprefix("http://")}; keepalive 128;
                keepalive_requests 100000000; }}
              server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://provider/openai/;
                proxy_http_version 1.1; proxy_set_header Connection "";
                proxy_buffering off; }} }} }}"""
        )
        url = f"http://127.0.0.1:{port}"
        with started(
            ["nginx", "-c", str(config), "-p", folder], url, alive="/v1/models"
        ) as process:
            yield process


@contextlib.contextmanager
def litellm(upstream: str) -> Iterator[Process]:
    """Install and run LiteLLM's proxy, with one model that leads to the fake provider."""
    with tempfile.TemporaryDirectory(prefix="bench-litellm-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)  # noqa: S603
        pip = [f"{folder}/bin/pip", "install", "-q", "litellm[proxy]"]
        subprocess.run(pip, check=True, timeout=900)  # noqa: S603
        config = Path(folder) / "config.yaml"
        config.write_text(
            "model_list:\n  - model_name: gpt-4o-mini\n    litellm_params:\n"
            f"      model: openai/gpt-4o-mini\n      api_base: {upstream}/openai/v1\n"
            f"      api_key: {KEY}\n"
        )
        port = free_port()
        command = [f"{folder}/bin/litellm", "--config", str(config), "--port", str(port)]
        url = f"http://127.0.0.1:{port}"
        command += ["--host", "127.0.0.1"]
        alive = "/health/liveliness"
        with started(command, url, alive=alive, LITELLM_MASTER_KEY=KEY) as process:
            yield process


@contextlib.contextmanager
def portkey() -> Iterator[Process]:
    """Install and run Portkey's gateway from npm."""
    with tempfile.TemporaryDirectory(prefix="bench-portkey-") as folder:
        npm = ["npm", "install", "--silent", "--prefix", folder, "@portkey-ai/gateway"]
        subprocess.run(npm, check=True, timeout=900)  # noqa: S603
        port = free_port()
        script = f"{folder}/node_modules/@portkey-ai/gateway/build/start-server.js"
        command = ["node", script, "--headless", f"--port={port}"]
        with started(command, f"http://127.0.0.1:{port}", alive="/") as process:
            yield process


def rounds(
    targets: dict[str, Target], count: int, seconds: float, connections: int
) -> dict[str, list[dict[str, float]]]:
    """Load each target in turn, so often; give each round's figures."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(count):
        for name, target in targets.items():
            before = target.process.cpu_seconds
            figures = measured(target.load(connections, seconds, _BODY))
            spent = target.process.cpu_seconds - before
            figures["per_second"] = figures["requests"] / seconds
            # The warm-up's requests cost time too: taken in by its share of the run.
            figures["per_cpu_second"] = figures["per_second"] * (seconds + 0.3) / max(spent, 1e-9)
            found[name].append(figures)
    return found


def middle(figures: list[dict[str, float]], name: str) -> str:
    """Give the median, and the least and the greatest."""
    values = [one[name] for one in figures]
    return f"{statistics.median(values):,.0f}  ({min(values):,.0f}-{max(values):,.0f})"


def table(found: dict[str, list[dict[str, float]]], connections: int) -> Table:
    """Show one width of load."""
    shown = Table(title=f"{connections} connection(s): median (least-greatest)")
    for column in ("", "req/s", "req/CPU-s", "p50 µs", "added p50 µs", "p99 µs", "failed"):
        shown.add_column(column, justify="right" if column else "left")
    direct = statistics.median(one["p50"] for one in found["direct"])
    for name, figures in found.items():
        p50 = statistics.median(one["p50"] for one in figures)
        shown.add_row(
            name,
            middle(figures, "per_second"),
            middle(figures, "per_cpu_second"),
            middle(figures, "p50"),
            f"{p50 - direct:,.0f}",
            middle(figures, "p99"),
            str(int(sum(one["failures"] for one in figures))),
        )
    return shown


def streams(ours: Target, direct: Target) -> dict[str, float]:
    """Measure a stream's first byte, and what a thousand streams at once take of memory."""
    found: dict[str, float] = {}
    for _ in range(_FIRST_BYTE_ROUNDS):
        for name, target in {"direct": direct, "keysteward": ours}.items():
            figures = measured([*target.load(1, 1.0, _STREAM), "--first"])
            best = found.get(f"first byte, {name}, µs", math.inf)
            found[f"first byte, {name}, µs"] = min(best, figures["p50"])
    slow = json.dumps({**json.loads(_STREAM), "max_tokens": 20})
    command = ours.load(_STREAMS, 4.0, slow, "x-fake-pace: 0.2")
    load = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own command
    peak = ours.process.rss_megabytes
    while load.poll() is None:
        peak = max(peak, ours.process.rss_megabytes)
        with contextlib.suppress(subprocess.TimeoutExpired):
            load.wait(0.2)
    output = json.loads(load.communicate()[0])
    found["streams at once"] = _STREAMS
    found["streams finished"] = output["requests"]
    found["streams failed"] = output["failures"]
    found["RSS with them, MB"] = round(peak, 1)
    return found


def main() -> None:
    """Run it all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--peers", default="", help="litellm,portkey: installs them first")
    asked = parser.parse_args()
    console = Console()
    console.print(machine())
    peers = set(filter(None, asked.peers.split(",")))
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(fake_provider(bytes=2000))
        ours = stack.enter_context(keysteward(fake.url))
        person = Person(ours.url)
        person.add_key()
        token = person.create_tool()
        at_rest = ours.rss_megabytes
        targets = {"direct": Target.with_token(f"{fake.url}/openai", KEY, fake)}
        if shutil.which("nginx"):
            proxy = stack.enter_context(nginx(fake.url))
            targets["nginx"] = Target.with_token(proxy.url, KEY, proxy)
        targets["keysteward"] = Target.with_token(f"{ours.url}/via/openai", token, ours)
        if "litellm" in peers:
            process = stack.enter_context(litellm(fake.url))
            targets["LiteLLM"] = Target.with_token(process.url, KEY, process)
        if "portkey" in peers:
            process = stack.enter_context(portkey())
            host = f"x-portkey-custom-host: {fake.url}/openai/v1"
            headers = ("x-portkey-provider: openai", host)
            targets["Portkey"] = Target.with_token(process.url, KEY, process, *headers)
        figures: dict[str, Any] = {"RSS at rest, MB": round(at_rest, 1)}
        for connections in (1, 64):
            found = rounds(targets, min(asked.rounds, _MOST_ROUNDS), asked.seconds, connections)
            console.print(table(found, connections))
            figures[f"{connections} connections"] = found
        figures["streams"] = streams(targets["keysteward"], targets["direct"])
        console.print(f"RSS at rest: {at_rest:.1f} MB")
        console.print(figures["streams"])
    write_results("broker", figures)


if __name__ == "__main__":
    main()
