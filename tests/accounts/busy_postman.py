"""Carries letters out as fast as it can, until it is killed: `test_postman.py` runs it.

A line from the parent, `now path url`, forks a child whose clock stands at `now`. It says its
process number on the standard output, and `done` once nothing is left; `dead` follows each.
"""

import asyncio
import os
import sys
from pathlib import Path

from accounts.outbox import Outbox
from accounts.postman import Postman
from accounts.smtp import Smtp, SmtpServer
from keysteward.box import SealedBox
from store import Store
from tests.kit.clock import MovedClock
from vault.keyring import Keyring

SITE = "https://keys.example.com"
SENDER = "keysteward <keys@example.com>"


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def work(now: int, path: Path, url: str, keyring: Keyring) -> None:
    async with await Store.open(path) as store:
        outbox = Outbox(SealedBox(keyring))
        transport, clock = Smtp(SmtpServer.parse(url)), MovedClock(now)
        postman = Postman(store, outbox, transport, clock, site=SITE, sender=SENDER)
        say(f"{os.getpid()}")
        while await postman.round():
            pass
    say("done")


def main() -> None:
    keyring = Keyring.parse(sys.argv[1])
    for line in sys.stdin:
        now, path, url = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(work(int(now), Path(path), url, keyring))
            os._exit(0)
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    main()
