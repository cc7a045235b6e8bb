"""Server processes that begin in a moment: forked from one in which everything is imported.

`python -m tests.ceilings.fork_server DATA UPSTREAMS` prints its port, then takes orders, a line of
JSON each: `{"start": 4, "ahead": 0, "naive": "account"}` forks so many processes, which serve the
real application on one socket, their clocks ahead by so many microseconds, and say `ready`;
`{"end": 9}` sends them a signal, and says `ended` once all are dead.

One account's budget may be kept as everybody else in the field does it: checked first, charged
later. With that a test sees that it would see a ceiling passed.
"""

import json
import os
import signal
import socket
import sys
import traceback
from typing import Any, Final

import keysteward.house  # noqa: F401 - before anything of the server's

# isort: split
import uvicorn

from broker import ceilings, outbound, prices, reservations
from broker.errors import CallFailure, CeilingHit
from broker.reservations import Admission
from keysteward import app, logs, processes, server
from keysteward.config import Config
from metering import Quote, Request, at_most
from metering.meters import catalogue
from resolvers import build
from store import Owner, Tx, system_clock
from tests.kit.passwords import CheapPasswords

_CHAT: Final = (
    b'{"model": "gpt-4o-mini", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}'
)
_naive: str | None = None
_exact = reservations.admit


def _admit(  # noqa: PLR0917 - as the one that it stands for
    tx: Tx, owner: Owner, call: str, tool: str, provider: str, quote: Quote, **how: Any
) -> Admission | CallFailure:
    """Let a call in if what was charged so far leaves room for it."""
    if owner.account != _naive:
        return _exact(tx, owner, call, tool, provider, quote, **how)
    (ceiling,) = ceilings.governing(tx, owner, provider=provider, tool=tool)
    rates, _ = prices.of_call(tx, owner, provider)
    row = tx.one("SELECT sum(amount) FROM ledger WHERE account = :a", a=owner.account)
    charged, bound = (row[0] if row else None) or 0, at_most(quote, rates)
    if charged + bound > ceiling.limit:
        return CeilingHit("The budget is used up.")
    return Admission(bound, rates, governed=True, holds=(), remaining=None)


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def _serve(config: Config, listener: socket.socket, ahead: int) -> None:
    clock, passwords = (lambda: system_clock() + ahead), CheapPasswords()
    made = app.create_app(config, clock=clock, passwords=passwords)
    settings = uvicorn.Config(app.guarded(made, config), **server.settings())
    told = processes.Told(listening=lambda: _say("ready"), stopping=lambda: None)
    processes._Alone(settings, told).run(sockets=[listener])


def _forked(config: Config, listener: socket.socket, ahead: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        _serve(config, listener, ahead)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - what is above in the stack is the parent's
        traceback.print_exc()
        os._exit(1)


def main() -> None:
    global _naive  # noqa: PLW0603 - told by an order, read in the children
    config = Config.read(
        {"KEYSTEWARD_DATA": sys.argv[1], "KEYSTEWARD_UPSTREAMS": sys.argv[2]}, dotenv=None
    )
    logs.set_up(config.log_level)
    reservations.admit = _admit
    # Made once for all, before the children are.
    build(introspection=config.introspection)
    outbound.shared_tls()
    # Its first price takes half a second of imports.
    catalogue.quote(
        Request("openai", "POST", "/v1/chat/completions", "", "application/json", {}, _CHAT)
    )
    children: list[int] = []
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        _say(str(listener.getsockname()[1]))
        for line in sys.stdin:
            order = json.loads(line)
            if "start" in order:
                _naive = order.get("naive")
                children += [
                    _forked(config, listener, order["ahead"]) for _ in range(order["start"])
                ]
            else:
                for child in children:
                    os.kill(child, order["end"])
                for child in children:
                    os.waitpid(child, 0)
                children.clear()
                _say("ended")
    for child in children:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
