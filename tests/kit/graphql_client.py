"""A running installation as GraphQL clients meet it: over real sockets, by made-up people.

`House` is the server with its fake provider; `Visitor` is one of its clients, with own cookies.
What a client selects is made from the printed contract, so that every field of an answer is asked
for, and one that is added tomorrow too.
"""

import asyncio
import contextlib
import itertools
import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
)
from websockets.asyncio.client import ClientConnection, connect

from accounts.passwords import Passwords
from keysteward import server
from keysteward.app import create_app
from keysteward.config import Config
from keysteward.demo.fake_provider import FakeProvider, KeyKind, running
from keysteward.masterkey import make_missing
from resolvers import build
from tests.kit.canary import canary
from tests.kit.clock import MovedClock
from tests.kit.passwords import CHEAP

PASSWORD: Final = "CANARYpasswordofletters"
CONTRACT: Final[GraphQLSchema] = build_schema(build().as_str())
_numbers = itertools.count(1)


def everything(name: str, contract: GraphQLSchema = CONTRACT) -> str:
    """Give a selection of every field of a type, and of every type beneath it."""
    kind = contract.type_map[name]
    if isinstance(kind, GraphQLUnionType):
        parts = " ".join(f"... on {t.name} {everything(t.name, contract)}" for t in kind.types)
        return f"{{ __typename {parts} }}"
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        fields = " ".join(
            f"{key} {everything(get_named_type(each.type).name, contract)}"
            for key, each in kind.fields.items()
        )
        return f"{{ __typename {fields} }}"
    return ""


def document(operation: str, name: str) -> str:
    """Give a document that calls one root field with all its arguments, and selects everything."""
    root = CONTRACT.type_map[operation.capitalize()]
    assert isinstance(root, GraphQLObjectType)
    each = root.fields[name]
    declared = ", ".join(f"${key}: {argument.type}" for key, argument in each.args.items())
    given = ", ".join(f"{key}: ${key}" for key in each.args)
    selected = everything(get_named_type(each.type).name)
    head = f"{operation}({declared})" if declared else operation
    return f"{head} {{ {name}{f'({given})' if given else ''} {selected} }}"


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
    _doors: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def visitor(self, *, token: str | None = None, **headers: str) -> Visitor:
        """Give a client without cookies; with a token when one is given."""
        given = {"keysteward-csrf": "1"} | headers
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        # Plain http on loopback: not to read the authorities' certificates spares 20 ms a client.
        client = httpx.AsyncClient(base_url=self.url, headers=given, timeout=20, verify=False)  # noqa: S501
        return Visitor(await self._doors.enter_async_context(client))

    async def person(self) -> Visitor:
        """Give somebody who has just signed up."""
        someone = await self.visitor()
        someone.address = f"person{next(_numbers)}@example.com"
        answer = await someone.do("signUp", address=someone.address, password=PASSWORD)
        assert answer["__typename"] == "SignedIn", answer
        return someone

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
    async def listening(
        self, token: str, instance: str = "", **arguments: Any
    ) -> AsyncIterator["Socket"]:
        """Listen as a tool, under the id "1"; without `after`, past the first heartbeat."""
        async with self.socket() as socket:
            await socket.begin(authorization=f"Bearer {token}", instance=instance)
            await socket.subscribe("1", **arguments)
            if "after" not in arguments:
                await socket.event("Heartbeat")
            yield socket


@dataclass(eq=False)
class Socket:
    """One graphql-transport-ws connection."""

    connection: ClientConnection

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

    async def subscribe(self, name: str, **arguments: Any) -> None:
        """Subscribe to `keyRevoked`."""
        text = document("subscription", "keyRevoked")
        payload = {"query": text, "variables": arguments}
        await self.send(type="subscribe", id=name, payload=payload)

    async def event(self, kind: str, within: float = 10.0) -> dict[str, Any]:
        """Give the next `keyRevoked` event of that type; heartbeats are passed over."""
        while True:
            message = await self.next(within)
            assert message["type"] == "next", message
            assert "errors" not in message["payload"], message
            event: dict[str, Any] = message["payload"]["data"]["keyRevoked"]
            if event["__typename"] == kind:
                return event
            assert event["__typename"] == "Heartbeat", event

    async def closed(self, within: float = 10.0) -> tuple[int | None, str]:
        """Wait until the server closes; give its code and reason."""
        async with asyncio.timeout(within):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason or ""


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
        config = Config.read(
            {
                "KEYSTEWARD_DATA": str(folder / "data"),
                "KEYSTEWARD_UPSTREAMS": upstreams,
                **(environment or {}),
            },
            dotenv=None,
        )
        make_missing(config)
        given: dict[str, Any] = {
            "passwords": Passwords(CHEAP),
            "heartbeat_seconds": 0.2,
        } | made_with
        app = create_app(config, clock=clock, **given)
        url = await stack.enter_async_context(server.running(app))
        opened = House(url, config, clock, provider)
        stack.push_async_callback(opened._doors.aclose)
        yield opened
