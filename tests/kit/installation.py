"""A whole running installation: the real application on loopback, before made-up providers.

`served` gives one. Each test makes its own people in it, so that many tests can share one; what it
answered, and what reached the providers, is kept to be searched for secrets.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from accounts.address import account_of
from accounts.guesses import Limits
from accounts.tools import Tools
from broker.calls import Call, Calls
from broker.live import LiveCalls
from broker.upstream import Timeouts, Upstream
from keysteward import server
from keysteward.app import App, create_app
from keysteward.config import Config
from keysteward.demo.fake_provider import FakeProvider, KeyKind, running
from keysteward.masterkey import keyring_of, make_missing
from providers import CATALOGUE, find
from store import ProvenOwner, Store
from tests.kit.canary import canary
from tests.kit.clock import MovedClock
from tests.kit.empty_database import lay_empty_database
from tests.kit.loopback_http import NO_TLS
from tests.kit.passwords import CheapPasswords
from tests.kit.people import settle_in
from vault.rows import KeyState
from vault.secret import Secret
from vault.vault import Removal, Vault

_numbers = itertools.count(1)
_PATIENCE = 20
WIRES = ("openai", "anthropic", "google")


async def until(true: Callable[[], bool]) -> None:
    """Return once it holds; for what tells nobody of its changes."""
    async with asyncio.timeout(_PATIENCE):
        while not true():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A provider's key as the test knows it: bare."""

    id: str
    provider: str
    label: str
    secret: str


@dataclass(frozen=True, slots=True)
class HeldTool:
    """A tool and the token that it holds."""

    id: str
    token: str


@dataclass(slots=True)
class Answer:
    """One answer that the application gave, as it left."""

    path: bytes
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> bytes:
        """All of it, to be searched."""
        return b"\n".join([*(b"%b: %b" % pair for pair in self.headers), bytes(self.body)])


class _Recorder:
    """Stands before the application and keeps what it answers."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.answers: list[Answer] = []

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Answer(scope["raw_path"])
        self.answers.append(answer)

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = list(message["headers"])
            else:
                answer.body += message.get("body", b"")
            await send(message)

        await self._app(scope, receive, sending)


class Installation:
    """The running application, and the hands with which a test holds and watches it."""

    def __init__(
        self,
        url: str,
        *,
        app: App,
        recorder: _Recorder,
        fake: FakeProvider,
        fake_url: str,
        clock: MovedClock,
        config: Config,
    ) -> None:
        self.url = url
        self.app = app
        self.fake = fake
        self.fake_url = fake_url
        self.clock = clock
        self.config = config
        self._recorder = recorder
        self.people: list[Person] = []

    @property
    def answers(self) -> list[Answer]:
        """What it answered, in the order in which it was asked."""
        return self._recorder.answers

    @property
    def broker(self) -> Any:
        """The application's own broker."""
        assert self.app.via is not None
        return self.app.via._broker

    @property
    def store(self) -> Store:
        """The application's own door to the database."""
        store: Store = self.broker._store
        return store

    @property
    def live(self) -> LiveCalls:
        """The calls that run in this process."""
        live: LiveCalls = self.broker._live
        return live

    @property
    def connected(self) -> bool:
        """Tell whether any connection to a provider is open."""
        return any(pool.live for pool in self.broker._outbound._pools.values())

    async def person(self, *, store: Store | None = None, verified: bool = True) -> "Person":
        """Make an account that nobody had before, managed through `store` or the app's own."""
        owner = ProvenOwner(account_of(f"person{next(_numbers)}@example.com"))
        keyring = keyring_of(self.config)
        await settle_in(self.store, owner, keyring=keyring, verified=verified)
        person = Person(self, owner, store or self.store)
        self.people.append(person)
        return person

    def send_to(self, provider: str, url: str) -> None:
        """Have a provider's calls go to another address on loopback, until the test's end."""
        self.broker._upstreams[provider] = Upstream.at(url, private_allowed=True)

    def client(self, token: str | None = None, provider: str = "openai") -> httpx.AsyncClient:
        """Give a plain HTTP client of one provider's base URL."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        if token is not None and provider == "google":
            headers = {"x-goog-api-key": token}
        if provider == "anthropic":
            headers["anthropic-version"] = "2023-06-01"
        return httpx.AsyncClient(
            base_url=f"{self.url}/via/{provider}",
            headers=headers,
            trust_env=False,
            timeout=30,
            verify=NO_TLS,
        )

    def direct(self, secret: str, provider: str = "openai") -> httpx.AsyncClient:
        """Give the same client of the fake itself, with the real key."""
        client = self.client(secret, provider)
        client.base_url = httpx.URL(f"{self.fake_url}/{provider}/")
        return client

    def begin_test(self) -> None:
        """Forget what earlier tests set and saw."""
        self.people.clear()
        self.answers.clear()
        fake = self.fake
        fake.keys.clear()
        fake.calls.clear()
        fake.departures.clear()
        fake.mode, fake.gate, fake.events, fake.pace, fake.answer_bytes = None, None, 8, 0.0, None
        fake.thoughts = fake.cached = 0
        for kept in (fake.bill, fake.charges, fake.moved, fake.messages):
            kept.clear()
        for provider in CATALOGUE:
            self.send_to(provider, f"{self.fake_url}/{provider}")

    def secrets(self) -> list[bytes]:
        """Give every key and token that this test's people hold."""
        return [text.encode() for person in self.people for text in person.secrets]

    def leaks(self) -> list[tuple[bytes, bytes]]:
        """Give each answer that holds a key or token, and each provider's call with a token."""
        found = [
            (answer.path, secret)
            for answer in self.answers
            for secret in self.secrets()
            if secret in answer.text or secret in answer.path
        ]
        tokens = [secret for secret in self.secrets() if secret.startswith(b"kst_")]
        for call in self.fake.calls:
            head = b"\n".join([call.raw_path, call.query, *map(b": ".join, call.headers)])
            found += [(call.raw_path, token) for token in tokens if token in head + call.body]
        return found


class Person:
    """One account, and what its owner does with it."""

    def __init__(self, house: Installation, owner: ProvenOwner, store: Store) -> None:
        self._house = house
        self._vault = Vault(store, keyring_of(house.config), house.clock)
        self._tools = Tools(store, keyring_of(house.config), house.clock)
        self.owner = owner
        self.secrets: list[str] = []

    async def add_key(
        self,
        provider: str = "openai",
        *,
        label: str = "main",
        default: bool = False,
        secret: str | None = None,
        kind: KeyKind = KeyKind.VALID,
    ) -> StoredKey:
        """Store a key that the provider knows."""
        secret = self._known(provider, secret, kind)
        entry = await self._vault.add(
            self.owner,
            find(provider),
            Secret(secret.encode()),
            label=label,
            state=KeyState.ACTIVE,
            default=default,
        )
        return StoredKey(entry.id, provider, label, secret)

    async def rotate_key(self, key: StoredKey) -> StoredKey:
        """Put another secret in its place."""
        secret = self._known(key.provider, None, KeyKind.VALID)
        await self._vault.rotate(
            self.owner, key.id, find(key.provider), Secret(secret.encode()), state=KeyState.ACTIVE
        )
        return StoredKey(key.id, key.provider, key.label, secret)

    async def remove_key(self, key: StoredKey) -> Removal:
        """End a key."""
        return await self._vault.remove(self.owner, key.id)

    async def make_tool(
        self,
        *,
        providers: tuple[str, ...] | None = None,
        expires_at: int | None = None,
        per_minute: int | None = None,
    ) -> HeldTool:
        """Make a tool and take its token."""
        tool, token = await self._tools.create(
            self.owner, "a tool", providers=providers, expires_at=expires_at, per_minute=per_minute
        )
        self.secrets.append(token)
        return HeldTool(tool.id, token)

    async def revoke_tool(self, tool: HeldTool) -> None:
        """End a tool."""
        await self._tools.revoke(self.owner, tool.id)

    async def calls(self) -> list[Call]:
        """Give the ledger's rows of this account, newest first."""
        return await Calls(self._house.store).latest(self.owner, before=None, most=1000)

    async def calls_ended(self, count: int = 1) -> list[Call]:
        """Give the rows once there are that many and all say what became of the call."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                calls = await self.calls()
                if len(calls) >= count and all(call.outcome for call in calls):
                    return calls

    async def call_ended(self) -> Call:
        """Give the row of this account's only call once it says what became of it."""
        (call,) = await self.calls_ended()
        return call

    def _known(self, provider: str, secret: str | None, kind: KeyKind) -> str:
        secret = secret or canary(provider)
        self._house.fake.keys[secret] = kind
        self.secrets.append(secret)
        return secret


@contextlib.asynccontextmanager
async def served(
    data: Path, *, clock: MovedClock | None = None, timeouts: Timeouts | None = None
) -> AsyncIterator[Installation]:
    """Serve an installation whose database lies in `data`."""
    clock = clock or MovedClock()
    fake = FakeProvider()
    async with running(fake) as fake_url:
        upstreams = ",".join(f"{provider}={fake_url}/{provider}" for provider in CATALOGUE)
        config = Config.read(
            {"KEYSTEWARD_DATA": str(data), "KEYSTEWARD_UPSTREAMS": upstreams}, dotenv=None
        )
        make_missing(config)
        lay_empty_database(config.database)
        app = create_app(
            config,
            clock=clock,
            passwords=CheapPasswords(),
            timeouts=timeouts or Timeouts(),
            guess_limits=Limits.loose(),
        )
        recorder = _Recorder(app)
        async with server.running(recorder) as url:
            yield Installation(
                url,
                app=app,
                recorder=recorder,
                fake=fake,
                fake_url=fake_url,
                clock=clock,
                config=config,
            )
