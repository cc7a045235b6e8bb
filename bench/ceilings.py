"""What ceilings cost: durable reserve-and-settle pairs a second, and what one adds to a call.

The pairs run at 64 callers under one ceiling, each half in a transaction that is on disk before it
is answered (`synchronous=FULL`): the broker's own units, for the money alone and with the call's
row. Beside them: the writes among their statements by themselves, in units of the same store
(`writes alone`) and one by one through plain aiosqlite, as most programs would (`one by one`); and
two tables of integers, which is the least that can be called reserving and settling (`least`). What
a ceiling adds is measured at one caller, on the real server, who calls with and without one in
turns.

    python -m bench.ceilings [--rounds 5] [--seconds 2]
"""

import argparse
import asyncio
import contextlib
import functools
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import aiosqlite
import uvloop
from rich.console import Console
from rich.table import Table

from bench.broker import Target, measured, middle
from bench.installation import (
    KEY,
    ROOT,
    Person,
    fake_provider,
    keysteward,
    machine,
    write_results,
)
from broker import calls, reservations
from broker.ceilings import USD, Ceilings
from broker.outcome import Outcome
from broker.reservations import Admission, End, Verdict
from metering import Charge, Quote, Source
from store import Owner, Store, Tx, system_clock
from store.database import Value
from vault.keyring import Keyring

_AT_ONCE: Final = 64
_PAIRS: Final = 6400
_PAIRS_ONE_BY_ONE: Final = 640
_MOST_ROUNDS: Final = 20
_LIMIT: Final = 10**15
_QUOTE: Final = Quote("chat", "gpt-4o-mini", price=6_150)
_VERDICT: Final = Verdict(End.SETTLED, Charge(4_200, Source.USAGE))
_OWNER: Final = Owner("f" * 64)
_TOOL: Final = "tool_01KB00000000000000000000BE"
_CEILING: Final = "cei_01KB00000000000000000000BE"
_BODY: Final = json.dumps(
    {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "hello " * 20}],
        "max_tokens": 400,
    }
)

_RESERVE: Final = (
    (
        "UPDATE ceilings SET held = held + :amount WHERE account = :account AND id = :ceiling"
        " AND epoch = 1 AND hit_at IS NULL AND settled + held + excess + :amount <= wanted"
    ),
    (
        "INSERT INTO reservations (account, call, ceiling, epoch, state, amount)"
        " VALUES (:account, :call, :ceiling, 1, 'DISPATCHED', :amount)"
    ),
)
_LEAST_TABLES: Final = (
    (
        "CREATE TABLE least_ceilings (id INTEGER PRIMARY KEY, ceiling INTEGER NOT NULL,"
        " settled INTEGER NOT NULL, held INTEGER NOT NULL,"
        " CHECK (settled + held <= ceiling)) STRICT"
    ),
    (
        "CREATE TABLE least_reservations (id INTEGER PRIMARY KEY, ceiling INTEGER NOT NULL,"
        " is_open INTEGER NOT NULL, amount INTEGER NOT NULL, cost INTEGER) STRICT"
    ),
    "INSERT INTO least_ceilings VALUES (1, 1000000000000000, 0, 0)",
)
_LEAST: Final = (
    (
        "UPDATE least_ceilings SET held = held + :amount WHERE id = 1",
        "INSERT INTO least_reservations (id, ceiling, is_open, amount) VALUES (:id, 1, 1, :amount)",
    ),
    (
        "UPDATE least_reservations SET is_open = 0, cost = :cost WHERE id = :id",
        "UPDATE least_ceilings SET held = held - :amount, settled = settled + :cost WHERE id = 1",
    ),
)
_SETTLE: Final = (
    (
        "UPDATE reservations SET state = 'SETTLED', cost = :cost WHERE account = :account"
        " AND call = :call AND ceiling = :ceiling AND epoch = 1"
    ),
    (
        "UPDATE ceilings SET held = held - :amount, settled = settled + :cost"
        " WHERE account = :account AND id = :ceiling AND epoch = 1"
    ),
    (
        "INSERT INTO ledger (account, call, entry, at, provider, tool, model, unit, amount, kind,"
        " source) VALUES (:account, :call, 1, 1, 'openai', :tool, 'gpt-4o-mini', 'usd', :cost,"
        " 'CHARGED', 'USAGE')"
    ),
)

Values = dict[str, Value]
Pair = Callable[[str], Awaitable[object]]
"""Reserves and settles for one call, by its reference."""


def _least_values(call: str) -> Values:
    return {"id": int(call.removeprefix("call_")), "amount": 6_150, "cost": 4_200}


def _values(call: str) -> Values:
    """Give what the bare statements are filled with."""
    return {
        "account": _OWNER.account,
        "call": call,
        "ceiling": _CEILING,
        "tool": _TOOL,
        "amount": 6_150,
        "cost": 4_200,
    }


async def brokered(store: Store, call: str, *, rows: bool) -> None:
    """Let a call in and settle it, as the broker does; with its own row, or for the money alone."""
    at = system_clock()

    def book(tx: Tx) -> Admission:
        admission = reservations.admit(
            tx, _OWNER, call, _TOOL, "openai", _QUOTE, dispatched=True, at=at
        )
        if not isinstance(admission, Admission):
            raise admission
        if rows:
            calls.begin(
                tx,
                call,
                _OWNER,
                tool=_TOOL,
                key="key_1",
                version=1,
                provider="openai",
                worker="wrk_1",
                operation=_QUOTE.operation,
                model=_QUOTE.model,
                bound=admission.bound,
                at=at,
            )
        return admission

    admission = await store.write(book)

    def close(tx: Tx) -> None:
        if rows:
            calls.end(
                tx,
                call,
                _OWNER,
                outcome=Outcome.ANSWERED,
                status=200,
                model=_QUOTE.model,
                bytes_in=200,
                bytes_out=2000,
                at=at,
            )
        reservations.settle(
            tx, _OWNER, call, _TOOL, "openai", _QUOTE.model, admission, _VERDICT, at=at
        )

    await store.write(close)


async def bare(
    store: Store, halves: tuple[tuple[str, ...], ...], values: Callable[[str], Values], call: str
) -> None:
    """Carry out bare statements, in two units."""
    given = values(call)
    for statements in halves:

        def unit(tx: Tx, statements: tuple[str, ...] = statements) -> None:
            for statement in statements:
                tx.run(statement, **given)

        await store.write(unit)


async def one_by_one(connection: aiosqlite.Connection, turn: asyncio.Lock, call: str) -> None:
    """Carry out the bare statements in two transactions, each statement awaited by itself."""
    for statements in (_RESERVE, _SETTLE):
        async with turn:
            await connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                await connection.execute(statement, _values(call))
            await connection.execute("COMMIT")


@contextlib.asynccontextmanager
async def prepared(folder: Path) -> AsyncIterator[dict[str, tuple[Pair, int]]]:
    """Make the databases, each with one ceiling; give each way to reserve and settle."""
    async with contextlib.AsyncExitStack() as stack:
        stores = {}
        for name in ("money", "rows", "writes", "one", "least"):
            store = await Store.open(folder / f"{name}.db")
            await stack.enter_async_context(store)
            await store.write(_settle_in)
            stores[name] = store
        keyring = Keyring.parse(Keyring.mint("bench"))
        for name in ("money", "rows"):
            ceilings = Ceilings(stores[name], keyring, system_clock)
            await ceilings.set(_OWNER, _LIMIT, provider="openai", tool=None, unit=USD)
        for name in ("writes", "one"):
            await stores[name].write(_set_ceiling)
        await stores["least"].write(lambda tx: [tx.run(sql) for sql in _LEAST_TABLES])
        plain = await stack.enter_async_context(
            aiosqlite.connect(stores["one"].path, isolation_level=None)
        )
        await plain.execute("PRAGMA synchronous = FULL")
        yield {
            "reserve and settle": (
                functools.partial(brokered, stores["money"], rows=False),
                _PAIRS,
            ),
            "and the call's row": (functools.partial(brokered, stores["rows"], rows=True), _PAIRS),
            "writes alone": (
                functools.partial(bare, stores["writes"], (_RESERVE, _SETTLE), _values),
                _PAIRS,
            ),
            "least": (functools.partial(bare, stores["least"], _LEAST, _least_values), _PAIRS),
            "one by one": (
                functools.partial(one_by_one, plain, asyncio.Lock()),
                _PAIRS_ONE_BY_ONE,
            ),
        }


def _settle_in(tx: Tx) -> None:
    tx.run(
        "INSERT INTO accounts (account, address, created_at, voucher)"
        " VALUES (:account, x'00', 0, x'')",
        account=_OWNER.account,
    )


def _set_ceiling(tx: Tx) -> None:
    tx.run(
        "INSERT INTO ceilings (account, id, epoch, provider, unit, wanted, ceiling, set_at,"
        " opened_at) VALUES (:account, :ceiling, 1, 'openai', 'usd', :limit, :limit, 0, 0)",
        account=_OWNER.account,
        ceiling=_CEILING,
        limit=_LIMIT,
    )


async def pairs(rounds: int) -> dict[str, list[dict[str, float]]]:
    """Measure each way in turn, so often."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    number = 0
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".bench-") as folder:
        async with prepared(Path(folder)) as ways:
            for _ in range(rounds):
                for name, (pair, count) in ways.items():
                    found[name].append(await _timed(pair, range(number, number + count)))
                    number += count
    return found


async def _timed(pair: Pair, numbers: range) -> dict[str, float]:
    """Do so many pairs, 64 at once."""
    left, taken = iter(numbers), list[float]()

    async def caller() -> None:
        for number in left:
            begun = time.perf_counter()
            await pair(f"call_{number:026d}")
            taken.append(time.perf_counter() - begun)

    begun, spent = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(_AT_ONCE)))
    spent = time.process_time() - spent
    return {
        "per_second": len(numbers) / (time.perf_counter() - begun),
        "p50": statistics.median(taken) * 1e6,
        "cpu": spent / len(numbers) * 1e6,
    }


def latency(rounds: int, seconds: float) -> dict[str, list[dict[str, float]]]:
    """Measure one caller's calls with a ceiling and without, in turns, on one server."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(fake_provider(bytes=2000))
        ours = stack.enter_context(keysteward(fake.url))
        targets = {"direct": Target.with_token(f"{fake.url}/openai", KEY, fake)}
        for name in ("without a ceiling", "with a ceiling", "with three"):
            person = Person(ours.url, f"{name.replace(' ', '-')}@example.com")
            person.add_key()
            token = person.create_tool()
            if name != "without a ceiling":
                _limit(person, provider="openai")
            if name == "with three":
                _limit(person)
                _limit(person, provider="openai", measure="CALLS")
            targets[name] = Target.with_token(f"{ours.url}/via/openai", token, ours)
        for _ in range(rounds):
            for name, target in targets.items():
                found[name].append(measured(target.load(1, seconds, _BODY)))
    return found


def _limit(person: Person, **ceiling: str) -> None:
    person.ask(
        "mutation($i: SetCeilingInput!) { setCeiling(input: $i) { ... on CeilingSet { ceiling"
        " { id } } } }",
        i={"limit": "900000", **ceiling},
    )["setCeiling"]["ceiling"]


def main() -> None:
    """Run it all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    asked = parser.parse_args()
    rounds = min(asked.rounds, _MOST_ROUNDS)
    console = Console()
    console.print(machine())
    found = uvloop.run(pairs(rounds))
    console.print(_pairs_table(found))
    added = latency(rounds, asked.seconds)
    console.print(_latency_table(added))
    figures: dict[str, Any] = {f"pairs, {_AT_ONCE} at once": found, "one caller": added}
    write_results("ceilings", figures)


def _pairs_table(found: dict[str, list[dict[str, float]]]) -> Table:
    shown = Table(title=f"Durable pairs, {_AT_ONCE} at once: median (least-greatest)")
    for column in ("", "pairs/s", "p50 µs", "CPU µs a pair"):
        shown.add_column(column, justify="right" if column else "left", no_wrap=not column)
    for name, figures in found.items():
        shown.add_row(name, *(middle(figures, what) for what in ("per_second", "p50", "cpu")))
    return shown


def _latency_table(found: dict[str, list[dict[str, float]]]) -> Table:
    shown = Table(title="One caller's calls: median (least-greatest)")
    for column in ("", "p50 µs", "p99 µs", "a ceiling adds, µs of p50", "failed"):
        shown.add_column(column, justify="right" if column else "left", no_wrap=not column)
    without = [one["p50"] for one in found["without a ceiling"]]
    for name, figures in found.items():
        # Of each round by itself: what else the machine does in it bears on both alike.
        added = [one["p50"] - plain for one, plain in zip(figures, without, strict=True)]
        more = "" if name in {"direct", "without a ceiling"} else _spread(added)
        failed = str(int(sum(one["failures"] for one in figures)))
        shown.add_row(name, middle(figures, "p50"), middle(figures, "p99"), more, failed)
    return shown


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f}  ({min(values):,.0f}-{max(values):,.0f})"


if __name__ == "__main__":
    main()
