"""A server that searches its own memory when it is asked to: `python -m keysteward.examined`.

For `keysteward doctor --residency`, which starts it with settings of its own and talks to it over
its standard input and output, a line of JSON each way. It serves as `keysteward serve` does, but
waits a second for a provider rather than minutes. No other process could search this memory: it is
made undumpable like any server's.
"""

# isort: off
import keysteward.house  # noqa: F401 - before anything of the server's

# isort: on
import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any, Final

import uvloop

from broker.upstream import Timeouts
from keysteward import logs
from keysteward.app import create_app, guarded
from keysteward.config import Config
from keysteward.hardening import harden
from keysteward.masterkey import make_missing, written_keys
from keysteward.residency import Memory, Needle
from keysteward.server import running

_UNMASK: Final = bytes(code ^ 0xFF for code in range(256))
PATIENCE: Final = Timeouts(first_byte=1.0)


async def _serve(memory: Memory) -> None:
    config = Config.read()
    make_missing(config)
    logs.set_up(config.log_level, known=written_keys(config))
    app = guarded(create_app(config, timeouts=PATIENCE, own_process=True), config)
    async with running(app) as url:
        _say({"url": url, "measures": [asdict(measure) for measure in harden()]})
        needles: list[Needle] = []
        held = []
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            if "needles" in asked:
                needles = [Needle.heard(told) for told in asked["needles"]]
            if "hold" in asked:
                held.append(bytes.fromhex(asked["hold"]).translate(_UNMASK))
            # In the loop's own thread: nothing else runs, so that nothing moves meanwhile.
            _say(memory.search(needles).told())


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until standard input ends."""
    uvloop.run(_serve(Memory()))


if __name__ == "__main__":
    main()
