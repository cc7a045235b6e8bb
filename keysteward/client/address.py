"""Where the server listens, worked out from the address that a person typed."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

_SCHEMES: Final = {"https": "wss", "wss": "wss", "http": "ws", "ws": "ws"}
_PATH: Final = "/graphql"


def endpoint_of(url: str) -> str:
    """Give the websocket's address. Raises `ValueError` for one to which no token may be sent.

    Without TLS only this very machine may be named: anybody on the way could read the token.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("This address can't be read. Give one as https://host:port") from None
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not host:
        raise ValueError("The address begins with https:// and names a host.")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("The address carries no user, no password and no query.")
    if scheme == "ws" and not is_loopback(host):
        raise ValueError(
            f"The address of {host} must begin with https://: a token is sent to it. "
            "Plain http is for this machine alone (localhost, 127.0.0.1, ::1)."
        )
    path = parts.path.rstrip("/").removesuffix(_PATH)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}{'' if port is None else f':{port}'}{path}{_PATH}"


def is_loopback(host: str) -> bool:
    """Tell whether the host is this very machine, by its name or number alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
