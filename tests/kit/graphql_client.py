"""A running installation as GraphQL clients meet it: over real sockets, by made-up people.

`House` is the server with its fake provider; `Visitor` is one of its clients, with own cookies.
What a client selects is made from the printed contract, so that every field of an answer is asked
for, and one that is added tomorrow too.
"""

import asyncio
import contextlib
import itertools
import json
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import httpx
from graphql import (
    GraphQLArgument,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    print_ast,
)
from websockets.asyncio.client import ClientConnection, connect

from accounts.guesses import Limits
from keysteward import server
from keysteward.app import App, create_app, guarded
from keysteward.config import Config
from keysteward.demo.fake_provider import FakeProvider, KeyKind, running
from keysteward.masterkey import make_missing
from resolvers import build
from resolvers.context import Services
from tests.kit.canary import canary
from tests.kit.clock import MovedClock
from tests.kit.empty_database import lay_empty_database
from tests.kit.fake_whatsapp import FakeWhatsApp
from tests.kit.loopback_http import NO_TLS
from tests.kit.mailbox import links_in
from tests.kit.passwords import CheapPasswords

PASSWORD: Final = "CANARYpasswordofletters"
CONTRACT: Final[GraphQLSchema] = build_schema(build().as_str())
_numbers = itertools.count(1)


def everything(
    name: str, contract: GraphQLSchema = CONTRACT, *, above: frozenset[str] = frozenset()
) -> str:
    """Give a selection of every field of a type, and of every type beneath it but those above."""
    kind = contract.type_map[name]
    if isinstance(kind, GraphQLUnionType):
        parts = " ".join(
            f"... on {t.name} {everything(t.name, contract, above=above)}" for t in kind.types
        )
        return f"{{ __typename {parts} }}"
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        above |= {name}
        beneath = {key: get_named_type(each.type).name for key, each in kind.fields.items()}
        fields = " ".join(
            f"{key} {everything(kind_of, contract, above=above)}"
            for key, kind_of in beneath.items()
            if kind_of not in above
        )
        return f"{{ __typename {fields} }}"
    return ""


def document(operation: str, name: str) -> str:
    """Give a document that calls one root field with all its arguments, and selects everything."""
    root = CONTRACT.type_map[operation.capitalize()]
    assert isinstance(root, GraphQLObjectType)
    each = root.fields[name]
    declared = ", ".join(f"${key}: {_declared(argument)}" for key, argument in each.args.items())
    given = ", ".join(f"{key}: ${key}" for key in each.args)
    selected = everything(get_named_type(each.type).name)
    head = f"{operation}({declared})" if declared else operation
    return f"{head} {{ {name}{f'({given})' if given else ''} {selected} }}"


def _declared(argument: GraphQLArgument) -> str:
    """Give a variable's type, with the default without which it could not be left out."""
    written = argument.ast_node and argument.ast_node.default_value
    has_default = written is not None and isinstance(argument.type, GraphQLNonNull)
    return f"{argument.type} = {print_ast(written)}" if has_default else str(argument.type)


@dataclass(eq=False)
class Visitor:
    """One client. `http` keeps its cookies."""

    http: httpx.AsyncClient
    address: str = ""

    async def post(self, text: str, **variables: Any) -> httpx.Response:
        """Send a document and give the response as it came."""
        return await self.http.post("/graphql", json={"query": text, "variables": variables})

    async def ask(self, name: str, /, **arguments: Any) -> httpx.Response:
        """Ask one query's field, selecting everything."""
        return await self.post(document("query", name), **arguments)

    async def tell(self, name: str, /, **fields: Any) -> httpx.Response:
        """Send one mutation, selecting everything."""
        root = CONTRACT.mutation_type
        assert root is not None
        wants_input = "input" in root.fields[name].args
        return await self.post(
            document("mutation", name), **({"input": fields} if wants_input else {})
        )

    async def get(self, name: str, /, **arguments: Any) -> Any:
        """Ask, and give what the field answered; an error of the request fails the test."""
        return _answered(await self.ask(name, **arguments), name)

    async def do(self, name: str, /, **fields: Any) -> dict[str, Any]:
        """Tell, and give what the mutation answered; an error of the request fails the test."""
        answer: dict[str, Any] = _answered(await self.tell(name, **fields), name)
        return answer

    async def key(self, provider: str = "openai", **fields: Any) -> dict[str, Any]:
        """Add a key that nobody else has; give it as the contract does."""
        fields = {
            "secret": canary(provider),
            "label": f"l{next(_numbers)}",
            "verify": False,
        } | fields
        added = await self.do("addKey", provider=provider, **fields)
        key: dict[str, Any] = added["key"]
        return key

    @property
    def cookie(self) -> str:
        """Give the cookies that it keeps, as it sends them."""
        return "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())

    async def tool(self, **fields: Any) -> tuple[dict[str, Any], str]:
        """Make a tool; give it and its token."""
        made = await self.do("createTool", **({"name": "a tool"} | fields))
        return made["tool"], made["token"]


def _answered(response: httpx.Response, name: str) -> Any:
    body = response.json()
    assert "errors" not in body, body["errors"]
    return body["data"][name]


@dataclass(eq=False)
class House:
    """A running installation."""

    url: str
    config: Config
    clock: MovedClock
    provider: FakeProvider
    app: App
    whatsapp: FakeWhatsApp | None = None
    """The one that its codes are sent by, where it offers that."""
    _doors: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _letters: list[tuple[str, EmailMessage]] = field(default_factory=list)
    """Those that nobody asked for yet, each with its reader."""
    _read: int = 0

    @property
    def services(self) -> Services:
        """Give the server's own parts."""
        assert self.app.graphql is not None
        return self.app.graphql._services

    async def visitor(self, *, token: str | None = None, **headers: str) -> Visitor:
        """Give a client without cookies; with a token when one is given."""
        given = {"keysteward-csrf": "1"} | headers
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        client = httpx.AsyncClient(base_url=self.url, headers=given, timeout=20, verify=NO_TLS)
        return Visitor(await self._doors.enter_async_context(client))

    async def person(self) -> Visitor:
        """Give somebody who has just signed up."""
        someone = await self.visitor()
        someone.address = f"person{next(_numbers)}@example.com"
        answer = await someone.do("signUp", address=someone.address, password=PASSWORD)
        assert answer["__typename"] == "SignedIn", answer
        return someone

    async def signed_in(self, someone: Visitor, **headers: str) -> Visitor:
        """Give another browser in which that person is signed in too."""
        again = await self.visitor(**headers)
        again.address = someone.address
        answer = await again.do("signIn", address=someone.address, password=PASSWORD)
        assert answer["__typename"] == "SignedIn", answer
        return again

    async def letter(self, to: str, page: str) -> tuple[EmailMessage, str]:
        """Wait for a letter with a link to that page; give it and the link's ticket, each once."""
        start = f"{self.config.url}{page}#"
        async with asyncio.timeout(30):
            while True:
                self._fetch()
                for reader, letter in self._letters:
                    if reader != to:
                        continue
                    links = [link for link in links_in(letter) if link.startswith(start)]
                    if links:
                        self._letters.remove((reader, letter))
                        return letter, links[0].removeprefix(start)
                # Nobody waits for the seconds in which the server would do it by itself.
                await self.services.people.resets.write_asked()
                await self.services.people.postman.round()
                await asyncio.sleep(0.005)  # unless it does at this very moment

    async def ticket(self, to: str, page: str) -> str:
        """Give the ticket of the next letter with a link to that page."""
        return (await self.letter(to, page))[1]

    async def subjects(self, someone: Visitor) -> list[str]:
        """Give the subjects of all letters to somebody, once none waits any more."""
        async with asyncio.timeout(30):
            while self.rows("SELECT 1 FROM outbox WHERE due_at <= ? OR tries > 0", self.clock()):
                await self.services.people.postman.round()
                await asyncio.sleep(0.005)  # the server may carry some at this very moment
        self._fetch()
        return [letter["subject"] for to, letter in self._letters if to == someone.address]

    async def verify(self, someone: Visitor) -> None:
        """Have somebody open the link that came when they signed up."""
        ticket = await self.ticket(someone.address, "/verify")
        answer = await someone.do("verifyAddress", ticket=ticket)
        assert answer["__typename"] == "AddressVerified", answer

    def _fetch(self) -> None:
        """Read what the postman has put into the file since."""
        file = self.config.outbox_file
        if file.exists():
            new = file.read_bytes()[self._read :]
            self._read += len(new)
            letters = [
                message_from_bytes(each.partition(b"\n")[2], policy=policy.default)
                for each in re.split(rb"^From ", new, flags=re.MULTILINE)[1:]
            ]
            self._letters += [(str(letter["to"]), letter) for letter in letters]

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look into the database, or change it behind the server's back."""
        with contextlib.closing(sqlite3.connect(self.config.database, timeout=10)) as database:
            found = database.execute(sql, values).fetchall()
            database.commit()
        return found

    @contextlib.asynccontextmanager
    async def socket(self, **options: Any) -> AsyncIterator["Socket"]:
        """Open a websocket that speaks graphql-transport-ws; nothing is sent yet."""
        options = {"subprotocols": ["graphql-transport-ws"], "max_size": None} | options
        address = self.url.replace("http", "ws", 1) + "/graphql"
        async with connect(address, proxy=None, **options) as connection:
            yield Socket(connection)

    @contextlib.asynccontextmanager
    async def watching(
        self, someone: Visitor, to: str = "keyRevoked", **arguments: Any
    ) -> AsyncIterator["Socket"]:
        """Listen as a page does, by the session's cookie; as `listening` does otherwise."""
        head = {"cookie": someone.cookie}
        async with self.socket(additional_headers=head, origin=self.url) as socket:
            await socket.begin()
            await socket.listen(to, **arguments)
            yield socket

    @contextlib.asynccontextmanager
    async def listening(
        self, token: str, instance: str = "", to: str = "keyRevoked", **arguments: Any
    ) -> AsyncIterator["Socket"]:
        """Listen as a tool, under the id "1"; without `after`, past the first heartbeat."""
        async with self.socket() as socket:
            await socket.begin(authorization=f"Bearer {token}", instance=instance)
            await socket.listen(to, **arguments)
            yield socket


@dataclass(eq=False)
class Socket:
    """One graphql-transport-ws connection."""

    connection: ClientConnection
    to: str = "keyRevoked"
    """The subscription that it listens to."""

    async def send(self, **message: Any) -> None:
        """Send one message."""
        await self.connection.send(json.dumps(message))

    async def next(self, within: float = 10.0) -> dict[str, Any]:
        """Give the next message; pings are answered on the way."""
        async with asyncio.timeout(within):
            while True:
                message: dict[str, Any] = json.loads(await self.connection.recv())
                if message["type"] != "ping":
                    return message
                await self.send(type="pong")

    async def begin(self, **payload: Any) -> dict[str, Any]:
        """Send `connection_init` and give what came back."""
        await self.send(type="connection_init", payload=payload)
        return await self.next()

    async def listen(self, to: str, **arguments: Any) -> None:
        """Subscribe under the id "1"; without `after`, past the first heartbeat."""
        self.to = to
        await self.subscribe("1", **arguments)
        if "after" not in arguments:
            await self.event("Heartbeat")

    async def subscribe(self, name: str, **arguments: Any) -> None:
        """Subscribe, to `keyRevoked` unless it listens to another."""
        text = document("subscription", self.to)
        payload = {"query": text, "variables": arguments}
        await self.send(type="subscribe", id=name, payload=payload)

    async def event(self, kind: str, within: float = 10.0) -> dict[str, Any]:
        """Give the next event of that type; heartbeats are passed over."""
        while True:
            message = await self.next(within)
            assert message["type"] == "next", message
            assert "errors" not in message["payload"], message
            event: dict[str, Any] = message["payload"]["data"][self.to]
            if event["__typename"] == kind:
                return event
            assert event["__typename"] == "Heartbeat", event

    async def closed(self, within: float = 10.0) -> tuple[int | None, str]:
        """Wait until the server closes; give its code and reason."""
        async with asyncio.timeout(within):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason or ""


def free_port() -> int:
    """Give a port of loopback that nobody serves on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


@contextlib.asynccontextmanager
async def house(
    folder: Path, environment: Mapping[str, str] | None = None, **made_with: Any
) -> AsyncIterator[House]:
    """Run an installation in this event loop, its data in `folder`."""
    provider = FakeProvider(other_keys=KeyKind.VALID)
    clock = made_with.pop("clock", None) or MovedClock()
    async with contextlib.AsyncExitStack() as stack:
        fake = await stack.enter_async_context(running(provider))
        upstreams = ",".join(f"{name}={fake}/{name}" for name in ("openai", "anthropic", "google"))
        port = free_port()
        config = Config.read(
            {
                "KEYSTEWARD_PORT": str(port),  # mails and other providers lead people back here
                "KEYSTEWARD_DATA": str(folder / "data"),
                "KEYSTEWARD_UPSTREAMS": upstreams,
                **(environment or {}),
            },
            dotenv=None,
        )
        make_missing(config)
        lay_empty_database(config.database)
        given: dict[str, Any] = {
            "passwords": CheapPasswords(),
            "heartbeat_seconds": 0.2,
            "guess_limits": Limits.loose(),
        } | made_with
        app = create_app(config, clock=clock, **given)
        url = await stack.enter_async_context(server.running(guarded(app, config), port=port))
        opened = House(url, config, clock, provider, app)
        stack.push_async_callback(opened._doors.aclose)
        yield opened
