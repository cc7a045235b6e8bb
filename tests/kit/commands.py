"""The `keysteward` command as a person runs it: in a process of its own, in a folder of its own."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
_ADDRESS = re.compile(r"Serving on (http://\S+?)(?: with|\. )")
_LONGEST_SECONDS = 60


def environment(settings: dict[str, str], *, checkout: bool = True) -> dict[str, str]:
    """Give this process's environment with these settings of keysteward's, and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KEYSTEWARD_")}
    ours = {f"KEYSTEWARD_{name}": value for name, value in settings.items()}
    kept.pop("PYTHONPATH", None)
    found = {"PYTHONPATH": str(CHECKOUT)} if checkout else {}
    return {**kept, **ours, **found, "COLUMNS": "200"}


def keysteward(
    *arguments: str, folder: Path, given: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "keysteward", *arguments],
        cwd=folder,
        env=environment(settings),
        input=given,
        capture_output=True,
        text=True,
        timeout=_LONGEST_SECONDS,
        check=False,
    )


@dataclass
class Serving:
    """A server that runs, what it has said on its standard output, and where its log goes."""

    process: "subprocess.Popen[str]"
    log: Path
    said: list[str] = field(default_factory=list)
    url: str = ""

    def until(self, words: str) -> None:
        """Read what it says up to a line that holds these words."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return
        raise AssertionError(f"It never said {words!r}.\n{self.text}\n{self.log.read_text()}")

    @property
    def text(self) -> str:
        return "".join(self.said)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Read the rest, and give the exit code."""
        assert self.process.stdout is not None
        self.said += self.process.stdout.readlines()
        return self.process.wait()


@contextlib.contextmanager
def serving(
    folder: Path, *arguments: str, installed: Path | None = None, **settings: str
) -> Iterator[Serving]:
    """Run `keysteward serve` on a free port until the test is over; the checkout's, or another."""
    log = folder / "server.log"
    command = (sys.executable, "-m", "keysteward") if installed is None else (str(installed),)
    started = (*command, "serve", "--port", "0")
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [*started, *arguments],
            cwd=folder,
            env=environment(settings, checkout=installed is None),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        # Nothing here waits without an end: a server that hangs is killed, and the test fails.
        guard = threading.Timer(_LONGEST_SECONDS, process.kill)
        guard.start()
        try:
            served = Serving(process, log)
            served.until("Base URLs")
            found = _ADDRESS.search(served.text)
            assert found is not None
            served.url = found[1]
            yield served
        finally:
            guard.cancel()
            if process.poll() is None:
                process.kill()
