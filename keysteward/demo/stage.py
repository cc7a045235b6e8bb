"""What the tour needs around it: a real server, in processes of its own, on a folder of its own."""

import asyncio
import contextlib
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keysteward
from keysteward.config import PREFIX, surroundings
from store.errors import Failure

_ADDRESS: Final = re.compile(rb"Serving on (http://\S+?)(?: with|\. )")
_STARTED_WITHIN_SECONDS: Final = 60
_STOPPED_WITHIN_SECONDS: Final = 20
_LAST_LINES: Final = 12


class ServerFailed(Failure):
    """The server did not start, or did not stop cleanly."""


@dataclass(slots=True)
class Served:
    """A server that runs: where, and how long its start took."""

    url: str
    started_in: float
    process: asyncio.subprocess.Process
    folder: Path

    async def stop(self) -> float:
        """Stop it as Ctrl-C does; give the seconds that took. Raises `ServerFailed`."""
        began = time.perf_counter()
        self.process.send_signal(signal.SIGINT)
        try:
            code = await asyncio.wait_for(self.process.wait(), _STOPPED_WITHIN_SECONDS)
        except TimeoutError:
            raise ServerFailed("The server did not stop.") from None
        if code:
            raise ServerFailed(f"The server ended with code {code}.\n{last_lines(self.folder)}")
        return time.perf_counter() - began


@contextlib.asynccontextmanager
async def served(folder: Path, upstreams: dict[str, str], workers: int) -> AsyncIterator[Served]:
    """Run `keysteward serve` in `folder`, its output in files there. Raises `ServerFailed`."""
    began = time.perf_counter()
    with (folder / "server.out").open("wb") as out, (folder / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "keysteward", "serve", "--workers", str(workers)),
            cwd=folder,
            env={**surroundings(), **_settings(upstreams), "PYTHONPATH": str(_home())},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=log,
        )
    try:
        url = await _address(process, folder)
        yield Served(url, time.perf_counter() - began, process, folder)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def last_lines(folder: Path) -> str:
    """Give the end of what the server logged, for whoever has to find out."""
    lines = (folder / "server.log").read_text(errors="replace").splitlines()
    return "\n".join(lines[-_LAST_LINES:])


def _settings(upstreams: dict[str, str]) -> dict[str, str]:
    return {
        f"{PREFIX}DATA": "data",
        f"{PREFIX}PORT": "0",
        f"{PREFIX}LOG_LEVEL": "debug",
        f"{PREFIX}UPSTREAMS": ",".join(f"{name}={url}" for name, url in upstreams.items()),
        "PYTHONUNBUFFERED": "1",
    }


def _home() -> Path:
    """Give the folder from which `import keysteward` finds the very package that runs now."""
    return Path(keysteward.__file__).resolve().parent.parent


async def _address(process: asyncio.subprocess.Process, folder: Path) -> str:
    """Wait until it says where it listens."""
    until = time.monotonic() + _STARTED_WITHIN_SECONDS
    while time.monotonic() < until and process.returncode is None:
        if found := _ADDRESS.search((folder / "server.out").read_bytes()):
            return found[1].decode()
        # Its output is a file, to be searched for the key afterwards; nothing tells of its growth.
        await asyncio.sleep(0.02)
    raise ServerFailed(f"The server did not start.\n{last_lines(folder)}")
