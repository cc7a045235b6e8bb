"""What every field is handed: the parts that do the work, and who is asking."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Final

import strawberry
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.dataloader import DataLoader

from accounts.entering import Entered
from accounts.errors import ScopeMissing, SignInRequired, StaleLogin, TokenUnknown
from accounts.people import People
from accounts.scopes import Scope
from accounts.sessions import Session
from accounts.tokens import TokenKind
from accounts.tools import Tool
from accounts.user_tokens import UserToken
from accounts.visits import Visit
from audit import Signer
from broker.calls import Calls
from broker.ceilings import USD
from broker.files import Files
from broker.verification import Verifier
from resolvers.money import Money
from schema import types
from schema.money import Ceiling
from store import Clock, Failure, Owner, ProvenOwner, Store
from store.clock import DAY
from vault.listeners import Listeners
from vault.revocations import Revocations
from vault.vault import Vault

_BEARER: Final = "bearer "
_DEVICE_SECONDS: Final = 400 * 24 * 3600
_USED_LATELY: Final = 30 * DAY


class PostRequired(Failure):
    """What was asked for ends in a cookie, which no websocket can set."""

    def __init__(self) -> None:
        super().__init__("Send this by POST: a websocket can't set the cookie that it ends in.")


@dataclass(frozen=True, slots=True)
class Cookies:
    """How this installation's cookies are called and kept.

    `__Host-` binds a cookie to this very host, to https and to the whole of it; a browser takes
    such a cookie only with `Secure`, which plain http on this machine's own address can't have.
    """

    secure: bool

    @property
    def session(self) -> str:
        """Name the session's."""
        return "__Host-keysteward" if self.secure else "keysteward"

    @property
    def device(self) -> str:
        """Name that by which a browser is known again."""
        return f"{self.session}-device"

    @property
    def flow(self) -> str:
        """Name that which a browser must bring back from elsewhere."""
        return f"{self.session}-flow"

    def put(self, response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
        """Give the browser one, out of reach of scripts and of other sites' requests."""
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def take(self, response: Response, name: str) -> None:
        """Take one from the browser."""
        response.delete_cookie(name, path="/", secure=self.secure, httponly=True, samesite="lax")

    def let_in(self, response: Response, entered: Entered) -> None:
        """Give the browser its session, and the cookie by which it is known from now on."""
        self.put(response, self.session, entered.cookie)
        self.put(response, self.device, entered.device, seconds=_DEVICE_SECONDS)

    def visit(self, connection: HTTPConnection) -> Visit:
        """Give who comes, as far as the request shows."""
        client = connection.client
        return Visit(
            "" if client is None else client.host,
            connection.headers.get("user-agent", ""),
            connection.cookies.get(self.device, ""),
            connection.cookies.get(self.session, ""),
        )


@dataclass(frozen=True, slots=True)
class Services:
    """Made once, in `create_app`, and handed down."""

    store: Store
    signer: Signer
    people: People
    vault: Vault
    verifier: Verifier
    revocations: Revocations
    listeners: Listeners
    calls: Calls
    files: Files
    money: Money
    clock: Clock
    cookies: Cookies


@dataclass(slots=True)
class Context:
    """One request, or one websocket. Who asks is looked up each time: what grants is not cached."""

    services: Services
    connection: HTTPConnection
    response: Response | WebSocket
    connection_params: dict[str, Any] | None = field(default=None)
    """What `connection_init` carried; None on HTTP."""
    _ceilings: DataLoader[str, Ceiling | None] | None = field(default=None, init=False)
    _uses: DataLoader[str, list[types.KeyUse]] | None = field(default=None, init=False)

    @property
    def visit(self) -> Visit:
        """Give who comes, as far as the request shows."""
        return self.services.cookies.visit(self.connection)

    async def session(self) -> Session:
        """Give the session of the cookie. Raises `SignInRequired`.

        Where a token was sent it says who asks, and a cookie that came along says nothing: such a
        request was not asked for the header that no other site's page can send.
        """
        if self.token() is not None:
            raise SignInRequired
        cookie = self.connection.cookies.get(self.services.cookies.session)
        if not cookie:
            raise SignInRequired
        return await self.services.people.sessions.find(cookie)

    async def still_is_somebody(self) -> None:
        """Make sure that who asked before may still ask; this counts as no use of a session.

        Raises `SignInRequired`.
        """
        token = self.token()
        if token is None:
            cookie = self.connection.cookies.get(self.services.cookies.session, "")
            await self.services.people.sessions.find(cookie, is_use=False)
        elif token.startswith(f"{TokenKind.TOOL}_"):
            await self.tool()
        else:
            await self._user_token()

    async def session_or_none(self) -> Session | None:
        """Give the session of the cookie; None where there is none."""
        try:
            return await self.session()
        except SignInRequired:
            return None

    async def owner(self, scope: Scope | None) -> Owner:
        """Give whoever is signed in, by session or by a user token that has the scope.

        Raises `SignInRequired`, `ScopeMissing`. None asks for no scope: any token will do.
        """
        token = await self._user_token()
        if token is None:
            return (await self.session()).owner
        if scope is not None and scope not in token.scopes:
            raise ScopeMissing(scope)
        return token.owner

    async def proven_owner(self) -> ProvenOwner:
        """Give whoever showed who they are within five minutes; a token never did.

        Raises `SignInRequired`, `StaleLogin`.
        """
        if await self._user_token() is not None:
            raise StaleLogin
        return self.services.people.sessions.proven(await self.session())

    async def proven_owner_or(self, scope: Scope) -> Owner:
        """Give a proven owner, or whoever's user token has the scope, which was given when fresh.

        Raises `SignInRequired`, `StaleLogin`, `ScopeMissing`.
        """
        if self.token() is None:
            return await self.proven_owner()
        return await self.owner(scope)

    async def tool(self) -> Tool:
        """Give the tool whose token was sent. Raises `SignInRequired`."""
        token = self.token()
        if token is None:
            raise SignInRequired
        try:
            return await self.services.people.tools.holder(token)
        except TokenUnknown:
            raise SignInRequired from None

    def token(self) -> str | None:
        """Give the bearer token of the header or of `connection_init`, or None."""
        sent = self.connection.headers.get("authorization")
        if self.connection_params is not None:
            named = {name.lower(): value for name, value in self.connection_params.items()}
            sent = named.get("authorization", sent)
        if not isinstance(sent, str) or not sent.lower().startswith(_BEARER):
            return None
        return sent[len(_BEARER) :].strip()

    @property
    def instance(self) -> str:
        """Give what `connection_init` named this process of the tool."""
        named = (self.connection_params or {}).get("instance", "")
        return named if isinstance(named, str) else ""

    def require_post(self) -> None:
        """Make sure, before anything is used up, that the answer can set a cookie.

        A session that is begun over a websocket would be nobody's. Raises `PostRequired`.
        """
        if not isinstance(self.response, Response):
            raise PostRequired

    def let_in(self, entered: Entered) -> None:
        """Give the browser its session."""
        if isinstance(self.response, Response):
            self.services.cookies.let_in(self.response, entered)

    def put_flow(self, ticket: str) -> None:
        """Give the browser what it must bring back from elsewhere."""
        if isinstance(self.response, Response):
            self.services.cookies.put(self.response, self.services.cookies.flow, ticket)

    def drop_cookie(self) -> None:
        """Take the session from the browser; it stays known."""
        if isinstance(self.response, Response):
            self.services.cookies.take(self.response, self.services.cookies.session)

    def ceiling_at(self, provider: str) -> Awaitable[Ceiling | None]:
        """Give what a provider may cost in all; those that are asked for together are read so."""
        if self._ceilings is None:
            # Nothing is kept: one websocket's context lives for days.
            self._ceilings = DataLoader(self._ceilings_at, cache=False)
        return self._ceilings.load(provider)

    async def _ceilings_at(self, providers: list[str]) -> list[Ceiling | None]:
        """Give each provider's ceiling; None where there is none, and to who may not see it."""
        try:
            owner = await self.owner(Scope.KEYS_READ)
        except (SignInRequired, ScopeMissing):
            return [None] * len(providers)
        found = {
            row.provider: Ceiling.of(row, {})
            for row in await self.services.money.ceilings.every(owner)
            if row.unit == USD and row.tool is None
        }
        return [found.get(provider) for provider in providers]

    def uses_of(self, key: str) -> Awaitable[list[types.KeyUse]]:
        """Give which tools use a key; those that are asked for together are read so."""
        if self._uses is None:
            self._uses = DataLoader(self._uses_of, cache=False)
        return self._uses.load(key)

    async def _uses_of(self, keys: list[str]) -> list[list[types.KeyUse]]:
        """Give each key's uses; none to who may not see calls."""
        found: dict[str, list[types.KeyUse]] = {key: [] for key in keys}
        try:
            owner = await self.owner(Scope.KEYS_READ)
        except (SignInRequired, ScopeMissing):
            return [found[key] for key in keys]
        only = keys[0] if len(found) == 1 else None
        since = self.services.clock() - _USED_LATELY
        uses = await self.services.calls.uses(owner, key=only, since=since)
        tools = await self.tools_by_id(owner) if uses else {}
        for use in uses:
            if use.key in found and use.tool in tools:
                found[use.key].append(types.KeyUse.of(use, tools[use.tool]))
        return [found[key] for key in keys]

    async def tools_by_id(self, owner: Owner) -> dict[str, types.Tool]:
        """Give all of an owner's tools, revoked ones too, by their id."""
        running = await self.services.revocations.running(owner)
        found = await self.services.people.tools.named(owner)
        return {name: types.Tool.of(tool, running.get(name, 0)) for name, tool in found.items()}

    async def _user_token(self) -> UserToken | None:
        """Give the user token that was sent; None where none was. Raises `SignInRequired`."""
        token = self.token()
        if token is None:
            return None
        if token.startswith(f"{TokenKind.TOOL}_"):
            raise SignInRequired
        try:
            return await self.services.people.user_tokens.holder(token)
        except TokenUnknown:
            raise SignInRequired from None


Info = strawberry.Info[Context, None]
