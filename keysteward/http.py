"""The routes that are not GraphQL: the broker's, and health. Plain ASGI where it is hot."""

import ipaddress
import logging
import re
import secrets
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broker import request, sockets, wire
from broker.broker import Broker
from broker.errors import CallFailure, CredentialInUrl, ProviderUnknown
from broker.line import Line
from broker.live import LiveCalls
from providers import ErrorStyle, Provider, UnknownProvider, find
from store import Store, StoreUnavailable, Tx
from vault.keyring import Keyring

VIA: Final = "/via/"
_USERINFO: Final = re.compile(rb"(?:(?:[A-Za-z0-9+.-]*:)?//)?[^/?@]*@")
_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::[0-9]*)?")
# Pages of ours name a key so: a reference is none.
_REFERENCE: Final = re.compile(rb"(?:\A|(?<=&))key=key_[0-9A-HJKMNP-TV-Z]{26}(?=&|\Z)")
CREDENTIAL_IN_URL: Final = "A credential stands in the URL. If it is a real one, rotate it."
_LOG: Final = logging.getLogger("keysteward.broker")

_EVERYWHERE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class Busy(CallFailure):
    """The database did not take the call's booking; nothing was sent."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "database_unavailable"
    retry_after = 1


class Fault(CallFailure):
    """Something of ours went wrong; the log has it under the reference."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "fault"

    def __init__(self, reference: str) -> None:
        super().__init__(f"Something went wrong (ref {reference}).")


class Via:
    """`/via/{provider}/…`: a plain ASGI callable, since each call passes through here."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Broker one call; refuse it in its provider's own form."""
        provider: Provider | None = None
        try:
            name, slash, rest = scope["raw_path"][len(VIA) :].partition(b"/")
            provider = _provider(name, scope)
            ask = request.check(
                provider, scope["method"], slash + rest, scope["query_string"], scope["headers"]
            )
            await self._broker.call(ask, receive, send)
        except Exception as error:  # noqa: BLE001 - a fault is logged, and answered without detail
            status, headers, body = _refusal(_failure_of(error), provider)
            # Where an answer has begun, the server takes no second one, and breaks off the first.
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Broker one conversation over a websocket; refuse it as a call is refused.

        One that has begun is ended by a close code instead.
        """
        provider: Provider | None = None
        answers = "websocket.http.response" in scope.get("extensions", ())
        line = Line(receive, send, answers=answers)
        name, slash, rest = scope["raw_path"][len(VIA) :].partition(b"/")
        query, offered = scope["query_string"], scope["subprotocols"]
        given = dict(scope)
        # uvicorn logs a socket's URL; a credential may stand there by mistake.
        scope["path"], scope["query_string"] = VIA, b""
        await receive()
        try:
            provider = _provider(name, given)
            ask = sockets.check(provider, slash + rest, query, scope["headers"], offered)
            await self._broker.converse(ask, line)
        except Exception as error:  # noqa: BLE001 - as above
            failure = _failure_of(error)
            if line.is_open:
                await line.close(sockets.farewell_of(failure))
            else:
                await line.decline(*_refusal(failure, provider))


def _failure_of(error: Exception) -> CallFailure:
    """Give what is told of an error. What is none of ours is logged under a reference."""
    if isinstance(error, CallFailure):
        return error
    if isinstance(error, StoreUnavailable):
        return Busy(str(error))
    reference = secrets.token_hex(3).upper()
    _LOG.error("fault %s in a brokered call", reference, exc_info=error)
    return Fault(reference)


def _provider(name: bytes, scope: Scope) -> Provider:
    """Find a provider. What is called as one that isn't may be a key."""
    try:
        return find(name.decode("ascii", "replace"))
    except UnknownProvider as unknown:
        if bears_a_credential(scope):
            raise CredentialInUrl from None
        raise ProviderUnknown(str(unknown)) from None


def _refusal(
    failure: CallFailure, provider: Provider | None
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Give status, headers and body of a refusal."""
    body = wire.body_of(failure, provider)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if failure.retry_after is not None:
        headers.append((b"retry-after", str(failure.retry_after).encode()))
        if failure.status is HTTPStatus.PAYMENT_REQUIRED:
            # Its SDKs repeat no 402 unless they are told to.
            headers.append((b"x-should-retry", b"true"))
    else:
        headers.append((b"x-should-retry", b"false"))
        if provider is not None and provider.error_style is ErrorStyle.STRIPE:
            # Its SDKs repeat a 409 or a 5xx unless this one forbids it.
            headers.append((b"stripe-should-retry", b"false"))
    return failure.status, headers, body


class SafeHeaders:
    """Puts the headers that keep a browser safe on every answer that does not set its own."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = (*_EVERYWHERE, _HSTS) if secure else _EVERYWHERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, adding to the head."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in self._headers if pair[0] not in present),
                ]
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


class CleanUrls:
    """Refuses a request whose URL bears a credential: it stays in histories, proxies and logs.

    Brokered calls are looked at by `broker.request.check`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        is_refused = scope["type"] != "lifespan" and bears_a_credential(scope)
        await (refuse_url if is_refused else self._app)(scope, receive, send)


def bears_a_credential(scope: Scope) -> bool:
    """Tell whether a request's or a websocket's URL holds what should stand in a header."""
    query = _REFERENCE.sub(b"", scope["query_string"])
    return (
        request.names_a_credential(query)
        or request.names_a_credential_in_path(scope["raw_path"])
        or request.carries_a_key(scope["raw_path"])
        or request.carries_a_key(query)
    )


def hides_a_credential(target: bytes) -> bool:
    """Tell whether a request's target bears one where no application would see it.

    That is before the path (`http://user:password@host/…`, or less of it, `//user:password@…`) and
    behind the query (`#…`).
    """
    if target[:1] == b"/" != target[1:2] and b"#" not in target:
        return False
    address, _, fragment = target.partition(b"#")
    return (
        _USERINFO.match(address) is not None
        or request.carries_a_key(target)
        or request.names_a_credential(fragment)
    )


async def refuse_url(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or a websocket's handshake, whose URL bears a credential."""
    if scope["type"] == "websocket":
        # uvicorn logs a socket's URL.
        scope["path"], scope["query_string"] = "/", b""
        await receive()
    answer = PlainTextResponse(
        CREDENTIAL_IN_URL, HTTPStatus.BAD_REQUEST, headers={"cache-control": "no-store"}
    )
    await answer(scope, receive, send)


class KnownHosts:
    """Refuses requests to a name that is not ours: websockets and brokered calls too.

    A page of somebody else's can have its own name lead to 127.0.0.1 once the browser has loaded it
    (DNS rebinding). It then speaks to us as its own origin, from inside. An address can't be bound
    anew, so every address is taken, and no `Host` at all, which no browser leaves out.
    """

    def __init__(self, app: ASGIApp, url: str) -> None:
        self._app = app
        self._names = {"localhost", (urlsplit(url).hostname or "").lower()}
        self._sentence = f"Nothing is served under this name. Go to {url}\n".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] == "lifespan" or self._is_ours(scope["headers"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            status = HTTPStatus.MISDIRECTED_REQUEST
            headers = [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(self._sentence)).encode()),
                (b"cache-control", b"no-store"),
                *_EVERYWHERE,
            ]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": self._sentence})

    def _is_ours(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            return not hosts
        match = _HOST.fullmatch(hosts[0])
        if match is None:
            return False
        name = match[1].decode("latin-1").lower()
        return name in self._names or _is_address(name)


@lru_cache(maxsize=64)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def health_routes(store: Store, keyring: Keyring, live: LiveCalls) -> list[Route]:
    """Give `/health` (the process lives) and `/ready` (it can do its work)."""

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> JSONResponse:
        def unit(tx: Tx) -> None:
            keyring.open_check_values(tx)
            tx.run("UPDATE master_keys SET id = id")

        checks: dict[str, str] = {}
        try:
            await store.write(unit)
            checks = {"database": "writable", "masterKey": "opens its check value"}
        except Exception as failure:  # noqa: BLE001 - any reason is a reason not to be ready
            checks = {"database": type(failure).__name__}
            return JSONResponse({"status": "not ready", **checks}, status_code=503)
        if not live.hears:
            checks["removals"] = "not heard of: no calls are made"
            return JSONResponse({"status": "not ready", **checks}, status_code=503)
        return JSONResponse({"status": "ready", **checks})

    return [Route("/health", health), Route("/ready", ready)]
