"""Puts the parts together: the one place where everything is made, and handed down."""

# isort: off
import keysteward.house  # noqa: F401 - before anything of the server's

# isort: on
import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from ulid import ULID
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from accounts import limits, moving
from accounts.guesses import Limits
from accounts.passwords import Passwords
from accounts.people import People
from broker import calls, commitments
from broker import files as kept_files
from broker.broker import Broker
from broker.calls import Calls
from broker.ceilings import Ceilings
from broker.commitments import Commitments
from broker.files import Files
from broker.ledger import Ledger
from broker.live import LiveCalls
from broker.outbound import Outbound
from broker.prices import Prices
from broker.upstream import Timeouts, Upstream
from broker.verification import Verifier
from keysteward import logs
from keysteward.config import Config, SettingUnfit
from keysteward.doors import door_routes
from keysteward.downloads import download_routes
from keysteward.follower import Follower
from keysteward.graphql import GRAPHQL, GraphQLEndpoint
from keysteward.hardening import harden
from keysteward.http import (
    VIA,
    CleanUrls,
    KnownHosts,
    SafeHeaders,
    Via,
    bears_a_credential,
    health_routes,
    refuse_url,
)
from keysteward.masterkey import keyring_of, written_keys
from keysteward.people import gather
from metering import prices
from providers import CATALOGUE
from redact import asyncio_exceptions, use_tag_key
from resolvers import build
from resolvers.context import Cookies, Services
from resolvers.money import Money
from store import Clock, Store, Tx, system_clock
from store.changes import Tail
from store.clock import DAY, MINUTE
from vault.listeners import HEARTBEAT_SECONDS, Listeners
from vault.revocations import WORKER_SILENT_AFTER, Revocations, forget, seen
from vault.vault import Vault

_LOG: Final = logging.getLogger("keysteward")
_PULSE_SECONDS: Final = 1.0
_MOST_SHED: Final = 8
_SWEEP_EVERY: Final = 60 * MINUTE


class App:
    """The ASGI application: the broker's path first, everything else through Starlette."""

    def __init__(self, rest: ASGIApp) -> None:
        self._rest = rest
        self.via: Via | None = None
        self.graphql: GraphQLEndpoint | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route: a call through the broker, and a socket that stays open, pass no middleware."""
        if self.via is not None and scope["type"] == "http" and scope["path"].startswith(VIA):
            await self.via(scope, receive, send)
        elif self.via and scope["type"] == "websocket" and scope["path"].startswith(VIA):
            await self.via.converse(scope, receive, send)
        elif self.graphql and scope["type"] == "websocket" and scope["path"] == GRAPHQL:
            is_refused = bears_a_credential(scope)
            await (refuse_url if is_refused else self.graphql)(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


def create_app(
    config: Config,
    *,
    clock: Clock = system_clock,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    passwords: Passwords | None = None,
    guess_limits: Limits | None = None,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
    own_process: bool = False,
) -> App:
    """Make the application. The database is opened when the server starts, closed when it stops.

    `own_process` says that nothing else lives in this process, so that it may be tuned for it.
    """

    @contextlib.asynccontextmanager
    async def lifespan(starlette: Starlette) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(asyncio_exceptions)
        async with contextlib.AsyncExitStack() as stack:
            _take_prices(config)
            store = await stack.enter_async_context(await Store.open(config.database))
            keyring = keyring_of(config)
            await store.write(keyring.open_check_values)
            hasher = passwords or Passwords(context=config.context_words)
            stack.callback(hasher.close)
            worker = f"wrk_{ULID()}"
            outbound = Outbound()
            stack.push_async_callback(outbound.close)
            upstreams = {
                row.id: config.upstreams.get(row.id) or Upstream.at(row.origin)
                for row in CATALOGUE.values()
            }
            vault = Vault(store, keyring, clock)
            live = LiveCalls()
            revocations = Revocations(store, clock)
            listeners = Listeners(revocations, worker, clock, heartbeat_seconds=heartbeat_seconds)
            people = gather(
                stack, config, store, keyring, clock, hasher, vault, limits=guess_limits
            )
            files = Files(store, keyring, clock, most=config.files_megabytes << 20)
            services = Services(
                store=store,
                signer=keyring,
                people=people,
                vault=vault,
                verifier=Verifier(outbound, upstreams, live),
                revocations=revocations,
                listeners=listeners,
                calls=Calls(store),
                files=files,
                money=Money(
                    Ceilings(store, keyring, clock),
                    Ledger(store, keyring, clock),
                    Prices(store, keyring, clock),
                    Commitments(store, keyring, clock),
                ),
                clock=clock,
                cookies=Cookies(secure=config.secure),
            )
            broker = Broker(
                store,
                vault,
                keyring,
                live,
                outbound,
                upstreams,
                clock,
                worker,
                timeouts=timeouts,
                verified_only=config.verified_only,
                files=files,
            )
            app.via = Via(broker)
            endpoint = GraphQLEndpoint(build(introspection=config.introspection), services)
            app.graphql = endpoint
            starlette.router.routes.extend(
                [
                    Route(GRAPHQL, endpoint, methods=["GET", "POST"]),
                    *health_routes(store, keyring, live),
                    *door_routes(config, services),
                    *download_routes(services),
                ]
            )
            tail = Tail(store)
            await tail.start()
            house = Housekeeping(worker, clock, config.history_days * DAY, people)
            await house.keep(store)
            for task in (
                Follower(tail, live, listeners).run(),
                _pulse(store, house, broker),
                people.postman.run(),
            ):
                stack.push_async_callback(_stop, asyncio.create_task(task))
            if own_process:
                for measure in harden(keyring.lasting()):
                    _LOG.debug(measure.told)
                spare_the_collector()
            yield
            app.via = app.graphql = None

    starlette = Starlette(lifespan=lifespan)
    app = App(SafeHeaders(CleanUrls(starlette), secure=config.secure))
    return app


def _take_prices(config: Config) -> None:
    """Use the list of model prices that the operator took, if any. Raises `SettingUnfit`."""
    if config.prices_file.exists():
        try:
            prices.load(config.prices_file)
        except prices.PricesUnreadable as unreadable:
            raise SettingUnfit(
                f"{unreadable} Take it anew with `keysteward prices update`, or delete it."
            ) from None


def spare_the_collector() -> None:
    """Never again walk what was made at the start (the GraphQL schema is most of it).

    A call makes hardly any garbage in cycles, and some hundred objects: the default thresholds
    would collect every few calls.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)


class Housekeeping:
    """What each process does every second: says that it lives, and clears up after the dead."""

    def __init__(self, worker: str, clock: Clock, history: int, people: People) -> None:
        self._worker = worker
        self._clock = clock
        self._history = history
        self._people = people
        self._swept_at = 0

    async def keep(self, store: Store) -> None:
        """Do it; write the letters that were asked for; once an hour, drop what is too old."""
        now = self._clock()
        sweeps = now - self._swept_at >= _SWEEP_EVERY

        def unit(tx: Tx) -> None:
            calls.give_up_on_the_dead(tx, silent_since=now - WORKER_SILENT_AFTER, at=now)
            commitments.renew(tx, now=now)
            self._people.deletion.sweep(tx, now=now)
            if sweeps:
                kept_files.sweep(tx, now=now)
                forget(tx, older_than=now - self._history)
                limits.sweep(tx, now=now)
                moving.forget(tx, older_than=now - self._history)

        # By itself: whatever fails below, this process lives.
        await store.write(lambda tx: seen(tx, self._worker, now))
        await store.write(unit)
        for _ in range(_MOST_SHED):
            if not await store.write(kept_files.shed):
                break
        if await self._people.resets.write_asked():
            self._people.postman.wake.set()
        # Only now: a unit may be run twice, and the first time be undone.
        if sweeps:
            self._swept_at = now


async def _pulse(store: Store, house: Housekeeping, broker: Broker) -> None:
    while True:
        await asyncio.sleep(_PULSE_SECONDS)
        try:
            await house.keep(store)
            await broker.settle_owed()
        except Exception:  # noqa: BLE001 - logged; one that falls silent is taken for dead
            _LOG.exception("This process could not say that it lives.")


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def from_environment() -> ASGIApp:
    """Make the application that the environment describes: what each server process calls."""
    config = Config.read()
    logs.set_up(config.log_level, known=written_keys(config))
    # The same in every process: a struck secret has one mark in all of the log.
    use_tag_key(keyring_of(config).sign("redaction marks", b""))
    return guarded(create_app(config, own_process=True), config)


def guarded(app: ASGIApp, config: Config) -> ASGIApp:
    """Let known hosts alone through, from whom a trusted proxy says that it is."""
    known: Any = KnownHosts(app, config.url)
    if config.trusted_proxies:
        # uvicorn has names of its own for ASGI's types.
        known = ProxyHeadersMiddleware(known, trusted_hosts=list(config.trusted_proxies))
    through: ASGIApp = known
    return through
