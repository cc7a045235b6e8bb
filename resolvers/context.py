"""What every field is handed: the parts that do the work, and who is asking."""

from dataclasses import dataclass, field
from typing import Any, Final

import strawberry
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket

from accounts.accounts import Accounts
from accounts.errors import SignInRequired, StaleLogin, TokenUnknown
from accounts.sessions import Session, Sessions
from accounts.tokens import TokenKind
from accounts.tools import Tool, Tools
from broker.calls import Calls
from broker.verification import Verifier
from store import Clock, Owner, ProvenOwner
from vault.listeners import Listeners
from vault.revocations import Revocations
from vault.vault import Vault

_BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Services:
    """Made once, in `create_app`, and handed down."""

    accounts: Accounts
    sessions: Sessions
    tools: Tools
    vault: Vault
    verifier: Verifier
    revocations: Revocations
    listeners: Listeners
    calls: Calls
    clock: Clock
    cookie_name: str
    secure_cookies: bool


@dataclass(slots=True)
class Context:
    """One request, or one websocket. Who asks is looked up each time: what grants is not cached."""

    services: Services
    connection: HTTPConnection
    response: Response | WebSocket
    connection_params: dict[str, Any] | None = field(default=None)
    """What `connection_init` carried; None on HTTP."""

    async def session(self) -> Session:
        """Give the session of the cookie. Raises `SignInRequired`."""
        cookie = self.connection.cookies.get(self.services.cookie_name)
        if not cookie:
            raise SignInRequired
        return await self.services.sessions.find(cookie)

    async def owner(self) -> Owner:
        """Give whoever is signed in, by user token or by session. Raises `SignInRequired`."""
        token = self.token()
        if token is None:
            return (await self.session()).owner
        if token.startswith(f"{TokenKind.TOOL}_"):
            raise SignInRequired
        try:
            return await self.services.accounts.holder(token)
        except TokenUnknown:
            raise SignInRequired from None

    async def proven_owner(self) -> ProvenOwner:
        """Give whoever gave their password within five minutes; a token never did.

        Raises `SignInRequired`, `StaleLogin`.
        """
        if self.token() is not None:
            await self.owner()
            raise StaleLogin
        return self.services.sessions.proven(await self.session())

    async def tool(self) -> Tool:
        """Give the tool whose token was sent. Raises `SignInRequired`."""
        token = self.token()
        if token is None:
            raise SignInRequired
        try:
            return await self.services.tools.holder(token)
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

    def set_cookie(self, value: str) -> None:
        """Give the browser its session, out of reach of scripts and of other sites' requests."""
        if isinstance(self.response, Response):
            self.response.set_cookie(
                self.services.cookie_name,
                value,
                path="/",
                secure=self.services.secure_cookies,
                httponly=True,
                samesite="lax",
            )

    def drop_cookie(self) -> None:
        """Take the session from the browser."""
        if isinstance(self.response, Response):
            self.response.delete_cookie(
                self.services.cookie_name,
                path="/",
                secure=self.services.secure_cookies,
                httponly=True,
                samesite="lax",
            )


Info = strawberry.Info[Context, None]
