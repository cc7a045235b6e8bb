"""What a removal takes: refused everywhere, streams cut, tools told; beside stock Strawberry.

Each server is a process of its own, so are the listening tools. Ours and stock Strawberry's way run
side by side and are asked in turns; shown are medians over the rounds, with their spread.

    python -m bench.revoke [--rounds 7] [--only refused,cut,heard,few,opened]
"""

import argparse
import asyncio
import contextlib
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from http.client import OK
from importlib.metadata import version
from typing import Any, Final, Self

import aiohttp
import uvloop
from rich.console import Console
from rich.table import Table

from accounts.tools import Tools
from bench.installation import (
    RESULTS,
    ROOT,
    Process,
    fake_provider,
    free_port,
    machine,
    started,
    write_results,
)
from bench.listening import Crowd, crowd, many_files
from bench.serving import COUNTS
from keysteward.config import Config
from keysteward.masterkey import keyring_of, make_missing
from store import ProvenOwner, Store, system_clock

_WORKERS: Final = 4
_TRIES: Final = 10_000
_TRIES_A_ROUND: Final = 100
_CALLERS: Final = 16
_STREAMS: Final = 100
_MANY: Final = 10_000
_FEW: Final = 3
_IDLE_SECONDS: Final = 4.0
_SETTLE_SECONDS: Final = 2.0
_WARM: Final = 5
Rows = list[dict[str, Any]]

_CHAT: Final = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


@dataclass(frozen=True)
class Served:
    """Server processes on one database, and somebody who is signed in to them."""

    processes: tuple[Process, ...]
    config: Config
    session: aiohttp.ClientSession
    owner: ProvenOwner

    @property
    def ports(self) -> list[int]:
        """Give the port of each process."""
        return [int(process.url.rsplit(":", 1)[1]) for process in self.processes]

    async def ask(self, query: str, *, worker: int = 0, **variables: Any) -> Any:
        """Ask GraphQL and give the data."""
        async with self.session.post(
            f"{self.processes[worker].url}/graphql",
            json={"query": query, "variables": variables},
            headers={"keysteward-csrf": "1"},
        ) as answer:
            document = await answer.json(content_type=None)
        if document.get("errors"):
            raise RuntimeError(document["errors"])
        return document["data"]

    async def add_key(self, provider: str = "openai") -> str:
        """Add a key and give its id."""
        secret = f"sk-proj-bench{time.monotonic_ns():020}"
        added = await self.ask(
            "mutation($i: AddKeyInput!) { addKey(input: $i) { ... on KeyAdded { key { id } } } }",
            i={"provider": provider, "secret": secret, "label": secret[-20:], "verify": False},
        )
        return str(added["addKey"]["key"]["id"])

    async def remove_key(self, key: str, *, worker: int = 0) -> float:
        """Remove a key; give the moment at which that returned."""
        removed = await self.ask(
            "mutation($i: KeyInput!) { removeKey(input: $i) { __typename } }",
            worker=worker,
            i={"id": key},
        )
        now = time.monotonic()
        if removed["removeKey"]["__typename"] != "KeyRemoved":
            raise RuntimeError(removed)
        return now

    def committed_at(self) -> float:
        """Give when the newest change was stamped, just before its commit."""
        with contextlib.closing(sqlite3.connect(self.config.database)) as database:
            (at,) = database.execute("SELECT max(at) FROM changes").fetchone()
        return float(at) / 1e6 - time.time() + time.monotonic()

    async def tokens(self, count: int, providers: tuple[str, ...] | None = None) -> list[str]:
        """Make tools, straight in the database; give their tokens."""
        async with await Store.open(self.config.database) as store:
            tools = Tools(store, keyring_of(self.config), system_clock)
            made = await asyncio.gather(
                *(
                    tools.create(self.owner, f"tool {n}", providers=providers, expires_at=None)
                    for n in range(count)
                )
            )
        return [token for _, token in made]

    async def counts(self) -> dict[str, float]:
        """Give what the counted server has done so far."""
        async with self.session.get(f"{self.processes[0].url}{COUNTS}") as answer:
            counts: dict[str, float] = await answer.json(content_type=None)
            return counts


@contextlib.asynccontextmanager
async def serving(kind: str, *, workers: int = 1, upstream: str = "") -> AsyncIterator[Served]:
    """Run servers on one new database, and sign somebody up."""
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=ROOT, prefix=".bench-"))
        environment = {"KEYSTEWARD_DATA": folder}
        if upstream:
            environment["KEYSTEWARD_UPSTREAMS"] = f"openai={upstream}/openai"
        config = Config.read(environment, dotenv=None)
        make_missing(config)
        processes = []
        for _ in range(workers):
            port = free_port()
            command = [sys.executable, "-m", "bench.serving", kind, str(port)]
            url = f"http://127.0.0.1:{port}"
            processes.append(
                stack.enter_context(started(command, url, alive="/ready", **environment))
            )
        session = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        )
        served = Served(tuple(processes), config, session, ProvenOwner(""))
        await served.ask(
            "mutation($i: SignUpInput!) { signUp(input: $i) { __typename } }",
            i={"address": "bench@example.com", "password": "a bench password"},
        )
        account = (await served.ask("{ viewer { id } }"))["viewer"]["id"]
        yield Served(tuple(processes), config, session, ProvenOwner(account))


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds of many, or of the rounds."""

    p50: float
    p99: float
    most: float
    count: int

    @classmethod
    def of(cls, seconds: list[float]) -> Self:
        """Give the spread of these."""
        ordered = sorted(1000 * value for value in seconds)
        return cls(
            ordered[len(ordered) // 2],
            ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
            ordered[-1],
            len(ordered),
        )

    def __str__(self) -> str:
        return f"{self.p50:.1f} / {self.p99:.1f} / {self.most:.1f}"


def _row(what: str, goal: str, found: str, **figures: Any) -> dict[str, Any]:
    return {"what": what, "goal": goal, "found": found, **figures}


class _Rush:
    """Callers that never rest, on every worker; what they begin after a removal must be refused."""

    def __init__(self, served: Served, token: str) -> None:
        self._served = served
        self._token = token
        self.gone = False
        """removeKey has returned, so that whatever begins now is a try."""
        self.statuses: dict[int, int] = {}
        self._under_way = 0
        self._over = False
        self._go = asyncio.Event()
        self._ended = asyncio.Event()
        self._flowing = [asyncio.Event() for _ in served.processes]

    @property
    def tries(self) -> int:
        """Give how many calls began after a removal had returned."""
        return sum(self.statuses.values())

    async def call(self, worker: int) -> None:
        """Call through one worker, again and again."""
        url = f"{self._served.processes[worker].url}/via/openai/v1/chat/completions"
        headers = {"authorization": f"Bearer {self._token}"}
        async with aiohttp.ClientSession() as session:
            while not self._over:
                await self._go.wait()
                is_try, status = self.gone, 0
                self._under_way += 1
                with contextlib.suppress(aiohttp.ClientError):  # cut while under way
                    async with session.post(url, json=_CHAT, headers=headers) as answer:
                        status = answer.status
                        await answer.read()
                self._under_way -= 1
                if is_try:
                    self.statuses[status] = self.statuses.get(status, 0) + 1
                elif status == OK:
                    self._flowing[worker].set()
                self._ended.set()

    async def flow(self) -> None:
        """Let all call, and wait until every worker has used the key."""
        for event in self._flowing:
            event.clear()
        self._go.set()
        for event in self._flowing:
            await event.wait()

    async def stand(self) -> None:
        """Let none begin, and wait for those under way: a try must not meet the next key."""
        self._go.clear()
        await self.until(lambda: not self._under_way)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until this is so."""
        while not true():
            self._ended.clear()
            await self._ended.wait()

    def end(self) -> None:
        """Let everybody go home."""
        self._over = True
        self._go.set()


async def refused(_: int) -> Rows:
    """From the moment that removeKey returned, count the calls on any worker that still went."""
    with fake_provider() as fake:
        async with serving("ours", workers=_WORKERS, upstream=fake.url) as served:
            (token,) = await served.tokens(1)
            rush, removals = _Rush(served, token), 0
            async with asyncio.TaskGroup() as group:
                for number in range(_CALLERS):
                    group.create_task(rush.call(number % _WORKERS))
                while rush.tries < _TRIES:
                    key = await served.add_key()
                    await rush.flow()
                    await served.remove_key(key, worker=removals % _WORKERS)
                    rush.gone, aim = True, rush.tries + _TRIES_A_ROUND
                    await rush.until(lambda aim=aim: rush.tries >= aim)  # type: ignore[misc]
                    await rush.stand()
                    rush.gone = False
                    removals += 1
                rush.end()
    return [
        _row(
            f"calls that went after removeKey returned, {_WORKERS} workers",
            "0",
            f"{rush.statuses.get(OK, 0)} of {rush.tries:,} ({removals} removals)",
            removals=removals,
            statuses=rush.statuses,
        )
    ]


async def cut(_: int) -> Rows:
    """Stream through the worker that removes, and through another; see when the client is told."""
    rows = []
    with fake_provider(events=10_000, pace=0.02) as fake:
        async with serving("ours", workers=2, upstream=fake.url) as served:
            (token,) = await served.tokens(1)
            headers = {"authorization": f"Bearer {token}"}
            for name, worker in (("the same worker", 0), ("another worker", 1)):
                url = f"{served.processes[worker].url}/via/openai/v1/chat/completions"
                after: list[float] = []
                for _turn in range(_STREAMS):
                    key = await served.add_key()
                    async with served.session.post(
                        url, json={**_CHAT, "stream": True}, headers=headers
                    ) as answer:
                        await answer.content.readany()

                        async def ended(answer: aiohttp.ClientResponse = answer) -> float:
                            with contextlib.suppress(aiohttp.ClientError):
                                while chunk := await answer.content.readany():
                                    if b"error" in chunk:
                                        break
                            return time.monotonic()

                        ending = asyncio.create_task(ended())
                        returned = await served.remove_key(key)
                        async with asyncio.timeout(5):
                            after.append(max(0.0, await ending - returned))
                spread = Spread.of(after)
                rows.append(
                    _row(
                        f"stream cut on {name}, after removeKey returned (ms)",
                        "p99 50",
                        str(spread),
                        seconds=after,
                    )
                )
    return rows


async def heard(rounds: int) -> Rows:
    """Tell N listeners, ours and stock in turns."""
    rows = []
    goals = {1_000: "p99 40", 5_000: "p99 200"}
    for count in (1, 100, 1_000, 5_000):
        async with contextlib.AsyncExitStack() as stack:
            sides: dict[str, tuple[Served, Crowd]] = {}
            for kind in ("ours", "stock"):
                served = await stack.enter_async_context(serving(kind))
                people = await stack.enter_async_context(crowd())
                await people.open(served.ports, await served.tokens(count))
                sides[kind] = (served, people)
            returned: dict[str, list[list[float]]] = {kind: [] for kind in sides}
            committed: dict[str, list[list[float]]] = {kind: [] for kind in sides}
            for _ in range(rounds):
                for kind, (served, people) in sides.items():
                    key = await served.add_key()
                    await asyncio.sleep(0.3)
                    await people.heard()
                    at = await served.remove_key(key)
                    events = (await people.heard(count)).events
                    if len(events) != count:
                        raise RuntimeError(f"{len(events)} events for {count} listeners")
                    stamped = served.committed_at()
                    returned[kind].append([moment - at for moment in events])
                    committed[kind].append([moment - stamped for moment in events])
            for kind in sides:
                rows += [
                    _heard_row(
                        kind, count, since, found, goals.get(count, "") if kind == "ours" else ""
                    )
                    for since, found in (
                        ("removeKey returned", returned[kind]),
                        ("its commit", committed[kind]),
                    )
                ]
    return rows


def _heard_row(
    kind: str, count: int, since: str, found: list[list[float]], goal: str
) -> dict[str, Any]:
    spreads = [Spread.of(one) for one in found]
    p99s = [spread.p99 for spread in spreads]
    middle = Spread(
        statistics.median(spread.p50 for spread in spreads),
        statistics.median(p99s),
        statistics.median(spread.most for spread in spreads),
        count,
    )
    return _row(
        f"{kind}: {count:,} heard, after {since} (ms)",
        goal if since == "removeKey returned" else "",
        f"{middle}   (p99 {min(p99s):.1f} to {max(p99s):.1f})",
        p99s=p99s,
        p50s=[spread.p50 for spread in spreads],
    )


async def few(rounds: int) -> Rows:
    """Remove what concerns 3 of 10,000 listeners; count what the others cost."""
    figures: dict[str, Any] = {}
    for listeners in (_FEW, _MANY):
        async with serving("counted") as served, crowd() as one, crowd() as other:
            await one.open(served.ports, await served.tokens(_FEW, ("google",)))
            if others := listeners - _FEW:
                await other.open(served.ports, await served.tokens(others, ("openai",)))
            warm = [await served.add_key("google") for _ in range(_WARM)]
            keys = [await served.add_key("google") for _ in range(10 * rounds)]
            for key in warm:  # the first ones write the listeners' own rows out of the log
                await served.remove_key(key)
            await one.heard(_FEW * len(warm))
            await asyncio.sleep(_SETTLE_SECONDS)
            await other.heard()
            idle = await served.counts()
            await asyncio.sleep(_IDLE_SECONDS)
            before, began = await served.counts(), time.monotonic()
            for key in keys:
                await served.remove_key(key)
            concerned = await one.heard(_FEW * len(keys))
            after, took = await served.counts(), time.monotonic() - began
            after["cpu"] -= (before["cpu"] - idle["cpu"]) * took / _IDLE_SECONDS
            rest = await other.heard()
            figures[str(listeners)] = {
                "removals": len(keys),
                "told": len(concerned.events),
                "messages to the others": rest.messages,
                **{name: after[name] - before[name] for name in after},
            }
    alone, among = figures[str(_FEW)], figures[str(_MANY)]
    removals = among["removals"]
    cpu = {name: 1e3 * each["cpu"] / removals for name, each in figures.items()}
    return [
        _row(
            f"{removals} removals that concern {_FEW} of {_MANY:,}: written to the other "
            f"{_MANY - _FEW:,}",
            "0 messages",
            f"{among['written'] - among['told']:.0f} messages; "
            f"{among['messages to the others']} came",
            **figures,
        ),
        _row(
            "… a removal: documents worded, log read for the account, gone alone",
            "1, 1, 0",
            ", ".join(
                f"{among[name] / removals:.2f}" for name in ("worded", "rooms read", "went alone")
            ),
        ),
        _row(
            f"… server CPU a removal, above idle, with {_FEW} listeners and {_MANY:,} (ms)",
            "the same",
            f"{cpu[str(_FEW)]:.2f} and {cpu[str(_MANY)]:.2f}",
            alone=alone["cpu"],
        ),
    ]


async def opened(rounds: int) -> Rows:
    """Open sockets, initialise, subscribe, and wait for the first heartbeat.

    The floor is uvicorn with an application that knows no token and answers fixed text.
    """
    count = 4_000
    found: dict[str, list[dict[str, float]]] = {"ours": [], "stock": [], "floor": []}
    for _ in range(max(1, rounds // 2)):
        for kind, rows in found.items():
            async with serving(kind) as served, crowd() as people:
                (server,) = served.processes
                tokens = await served.tokens(count + 200)
                await people.open(served.ports, tokens[count:])
                memory, cpu = server.rss_megabytes, server.cpu_seconds
                took, _cpu = await people.open(served.ports, tokens[:count])
                rows.append(
                    {
                        "a second": count / took,
                        "cpu us": (server.cpu_seconds - cpu) / count * 1e6,
                        "kB": (server.rss_megabytes - memory) / count * 1e3,
                    }
                )
    rows = []
    for kind, goals in (
        ("ours", ("1,500", "", "30")),
        ("stock", ("", "", "")),
        ("floor", ("", "", "")),
    ):
        for (name, what), goal in zip(
            (
                ("a second", "opened a second, subscribed and told so"),
                ("cpu us", "server CPU a connection opened (µs)"),
                ("kB", "memory a connection (kB)"),
            ),
            goals,
            strict=True,
        ):
            values = [each[name] for each in found[kind]]
            rows.append(
                _row(
                    f"{kind}: {what}",
                    goal,
                    f"{statistics.median(values):,.1f} ({min(values):,.1f} to {max(values):,.1f})",
                    values=values,
                )
            )
    return rows


PARTS: Final[dict[str, Callable[[int], Coroutine[Any, Any, Rows]]]] = {
    "refused": refused,
    "cut": cut,
    "heard": heard,
    "few": few,
    "opened": opened,
}


def _parts() -> dict[str, Any]:
    """Give what earlier runs found, so that a part can be measured again on its own."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        figures = json.loads((RESULTS / "revoke.json").read_text())["figures"]
        return {name: part for name, part in figures.items() if name in PARTS}
    return {}


def main() -> None:
    """Run the parts, print the table, write the JSON."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rounds", type=int, default=7, help="at most 20")
    options.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    chosen = options.parse_args()
    many_files()
    console = Console(width=132)
    here = machine()
    console.print(
        f"{here['cpu']}, {here['cores']} cores, Python {here['python']},"
        f" uvloop {version('uvloop')}; load {here['load'][0]:.1f} at the start. p50 / p99 / most."
    )
    table = Table("what", "goal", "found")
    for name in chosen.only.split(","):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(PARTS[name](min(20, chosen.rounds)))
        for row in found:
            table.add_row(row["what"], row["goal"], row["found"])
        write_results("revoke", _parts() | {name: {"load": os.getloadavg(), "rows": found}})
    console.print(table)


if __name__ == "__main__":
    main()
