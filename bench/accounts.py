"""What signing in costs everybody else, and what knowing a tool by its token costs each call.

Rounds with and without fifty people signing in at once take turns, on the same server: what counts
is how much slower brokered calls are beside them. argon2id runs with its real profile (64 MiB,
three passes, four lanes). Beside it the same with the threads' niceness taken away, as servers
that hash in an ordinary pool have it.

    python -m bench.accounts [--rounds 5] [--seconds 3]
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from accounts import tokens, tools
from accounts.tokens import TokenKind
from accounts.vouching import vouch
from bench.broker import Target, measured
from bench.installation import (
    PASSWORD,
    ROOT,
    Person,
    fake_provider,
    keysteward,
    machine,
    write_results,
)
from store import Owner, Store, Tx
from vault.keyring import Keyring

_AT_ONCE: Final = 50
_BODY: Final = json.dumps({"model": "gpt-4o-mini", "messages": []})
_SIGN_IN: Final = "mutation($i: SignInInput!) { signIn(input: $i) { __typename } }"
_TIMES: Final = 20_000
_MOST_ROUNDS: Final = 20


@dataclass
class Crowd:
    """Fifty people, each with an account, who sign in over and over, each from an own address."""

    url: str
    answers: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def arrive(self) -> None:
        """Make their accounts."""
        for number in range(_AT_ONCE):
            Person(self.url, _address(number), place=_place(number, 0))

    @contextlib.contextmanager
    def signing_in(self) -> Iterator[None]:
        """Have all of them sign in, again and again, for as long as the block runs."""
        over = threading.Event()
        threads = [
            threading.Thread(target=self._sign_in, args=(number, over), daemon=True)
            for number in range(_AT_ONCE)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join(30)

    def _sign_in(self, number: int, over: threading.Event) -> None:
        given = {"address": _address(number), "password": PASSWORD}
        body = json.dumps({"query": _SIGN_IN, "variables": {"i": given}}).encode()
        for turn in range(10_000):
            if over.is_set():
                return
            request = urllib.request.Request(  # noqa: S310 - loopback
                f"{self.url}/graphql",
                body,
                {"content-type": "application/json", "x-forwarded-for": _place(number, turn)},
            )
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
                document = json.load(answer)
            data = document.get("data")
            self.answers[data["signIn"]["__typename"] if data else "TooManySignIns"] += 1


def _address(number: int) -> str:
    return f"crowd{number}@example.com"


def _place(number: int, turn: int) -> str:
    return f"10.{number}.{turn // 250 % 250}.{turn % 250}"


def beside(
    target: Target, crowd: Crowd, count: int, seconds: float, connections: int
) -> dict[str, list[dict[str, float]]]:
    """Measure calls alone and beside the crowd, in turns."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(count):
        figures = measured(target.load(connections, seconds, _BODY))
        figures["per_second"] = figures["requests"] / seconds
        found["alone"].append(figures)
        before, begun = crowd.answers["SignedIn"], time.monotonic()
        with crowd.signing_in():
            time.sleep(0.5)  # all of them have begun
            figures = measured(target.load(connections, seconds, _BODY))
            signed_in = crowd.answers["SignedIn"] - before
            figures["sign_ins"] = signed_in / (time.monotonic() - begun)
        figures["per_second"] = figures["requests"] / seconds
        found["beside 50 sign-ins"].append(figures)
    return found


async def token_cost() -> dict[str, float]:
    """Measure what knowing a tool costs: its form, its digest, its row, its voucher, its owner."""
    keyring = Keyring.parse(Keyring.mint("bench"))
    made, owner = tokens.make(TokenKind.TOOL), Owner(hashlib.sha256(b"bench").hexdigest())
    tool = tools.Tool("tool_1", owner.account, "t", made.prefix, None, None, 0, None, None, 0)
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".bench-") as folder:
        async with await Store.open(Path(folder) / "keysteward.db") as store:

            def settle(tx: Tx) -> None:
                tx.run(
                    "INSERT INTO accounts (account, created_at, voucher) VALUES (:account, 0, x'')",
                    account=owner.account,
                )
                tx.run(
                    "INSERT INTO tools (id, account, name, digest, prefix, created_at, used_at,"
                    " voucher) VALUES (:id, :account, 't', :digest, :prefix, 0, 0, :voucher)",
                    id=tool.id,
                    account=owner.account,
                    digest=made.digest,
                    prefix=made.prefix,
                    voucher=vouch(keyring, "tools", owner, *tool.facts(made.digest)),
                )

            await store.write(settle)

            def known(tx: Tx) -> float:
                begun = time.thread_time()
                for _ in range(_TIMES):
                    digest = tokens.digest_of(made.text, TokenKind.TOOL)
                    tools.holder_of(tx, keyring, digest, now=1)
                return (time.thread_time() - begun) / _TIMES * 1e6

            rounds = [await store.read(known) for _ in range(5)]
    return {
        "CPU µs, median": statistics.median(rounds),
        "least": min(rounds),
        "greatest": max(rounds),
    }


def main() -> None:
    """Run it all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    asked = parser.parse_args()
    console = Console()
    console.print(machine())
    figures: dict[str, Any] = {}
    for kind, nice in (("threads that yield", "on"), ("ordinary threads", "off")):
        with contextlib.ExitStack() as stack:
            fake = stack.enter_context(fake_provider(bytes=2000))
            command = [sys.executable, "-m", "bench.accounts_server"] if nice == "off" else None
            ours = stack.enter_context(
                keysteward(fake.url, command=command, KEYSTEWARD_TRUSTED_PROXIES="127.0.0.1")
            )
            crowd = Crowd(ours.url)
            crowd.arrive()
            person = Person(ours.url, place="10.200.0.1")
            person.add_key()
            token = person.create_tool()
            target = Target.with_token(f"{ours.url}/via/openai", token, ours)
            for connections in (1, 16):
                found = beside(
                    target, crowd, min(asked.rounds, _MOST_ROUNDS), asked.seconds, connections
                )
                figures[f"{kind}, {connections} connections"] = found
                console.print(_table(found, f"{kind}, {connections} connection(s)"))
            console.print(dict(crowd.answers), f"RSS {ours.rss_megabytes:.0f} MB")
    figures["a tool known by its token"] = asyncio.run(token_cost())
    console.print("A tool known by its token:", figures["a tool known by its token"])
    write_results("accounts", figures)


def _table(found: dict[str, list[dict[str, float]]], title: str) -> Table:
    shown = Table(title=f"Brokered calls, {title}: median (least-greatest)")
    for column in ("", "calls/s", "p50 µs", "p99 µs", "p99, times alone", "sign-ins/s"):
        shown.add_column(column, justify="right" if column else "left")
    alone = statistics.median(one["p99"] for one in found["alone"])
    for name, rounds in found.items():
        p99 = statistics.median(one["p99"] for one in rounds)
        shown.add_row(
            name,
            _middle([one["per_second"] for one in rounds]),
            _middle([one["p50"] for one in rounds]),
            _middle([one["p99"] for one in rounds]),
            f"{p99 / alone:.2f}",
            _middle([one["sign_ins"] for one in rounds]) if "sign_ins" in rounds[0] else "",
        )
    return shown


def _middle(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f}  ({min(values):,.0f}-{max(values):,.0f})"


if __name__ == "__main__":
    main()
