"""Where a provider is reached, how long it is waited for, and how reaching it can fail."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from store.errors import Failure

# What a host, and a path that stands before each target, may be written with.
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_BASE_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_HIGHEST_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class Upstream:
    """The one place where a provider is reached: the catalogue's, or the operator's own.

    Raises `ValueError` for a place that could not stand in a request's head.
    """

    host: str
    port: int = 443
    tls: bool = True
    base_path: str = ""
    """Stands before every target, such as `/openai`; never ends with a slash."""
    private_allowed: bool = False
    """True only where the operator listed this place: its addresses may then be private ones."""

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise ValueError("This is not a host's name or address.")
        if not 0 < self.port <= _HIGHEST_PORT:
            raise ValueError("A port is between 1 and 65535.")
        if not _BASE_PATH.fullmatch(self.base_path):
            raise ValueError("A base path begins with a slash and does not end with one.")

    @classmethod
    def at(cls, url: str, *, private_allowed: bool = False) -> "Upstream":
        """Read a place from a URL such as `https://api.openai.com`. Raises `ValueError`."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("A provider's address begins with https:// and a host.")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("A provider's address holds no user, query or fragment.")
        tls = parts.scheme == "https"
        port = (443 if tls else 80) if parts.port is None else parts.port
        return cls(parts.hostname, port, tls, parts.path.rstrip("/"), private_allowed)

    @property
    def authority(self) -> str:
        """The value of the Host header (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long one provider is waited for, in seconds.

    A model may think for minutes before its first byte; one that has begun to answer is heard from
    more often. The official SDKs wait 600 seconds.
    """

    connect: float = 10.0
    """To find its address, connect and agree on TLS, all together."""
    first_byte: float = 600.0
    """From the request's last byte to the whole head of the answer."""
    idle: float = 300.0
    """Between two pieces of the answer, or for a piece of the request to be taken."""


class UpstreamFailure(Failure):
    """An exchange with a provider that failed. Its text names no URL, header or body.

    `after_dispatch` is what money hangs on: False says that not one byte of the request was handed
    to the network, so that the provider can't have done, or charged, anything.
    """

    after_dispatch = False


class RequestMalformed(UpstreamFailure):
    """The request can't be written as HTTP without changing what it means."""

    def __init__(self, what: str, *, after_dispatch: bool = False) -> None:
        super().__init__(f"The request can't be sent: {what}.")
        self.after_dispatch = after_dispatch


class UpstreamUnreachable(UpstreamFailure):
    """There was no connection to send on (name, network, TLS), so nothing was sent."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The provider could not be reached: {why}.")


class AddressForbidden(UpstreamUnreachable):
    """The provider's name leads to an address that no key may be sent to. Nothing was sent."""


class UpstreamTimedOut(UpstreamFailure):
    """The provider did not connect, did not answer, or fell silent."""

    def __init__(self, *, after_dispatch: bool) -> None:
        did = "answer" if after_dispatch else "connect"
        super().__init__(f"The provider did not {did} in time.")
        self.after_dispatch = after_dispatch


class UpstreamBroke(UpstreamFailure):
    """The answer was cut off, or was not HTTP. The request had left, and may have been charged."""

    after_dispatch = True

    def __init__(self, how: str) -> None:
        super().__init__(f"The provider's answer broke: {how}.")
