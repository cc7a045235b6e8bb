"""Settings: read once, from the environment and a `.env` file, and nowhere else.

`SETTINGS` is the one list: the README's table, `keysteward serve --help` and the parsing follow it.
"""

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values

from broker.upstream import Upstream
from providers import CATALOGUE
from redact import redact
from store.errors import Failure

PREFIX: Final = "KEYSTEWARD_"


class SettingUnfit(Failure):
    """A setting is unknown or has a bad value; the sentence names it, never a secret's value."""


def _folder(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("no folder")
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~somebody who has no home here
        raise ValueError("no such home") from None


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:  # noqa: PLR2004
        raise ValueError("not a port")
    return number


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 64:  # noqa: PLR2004
        raise ValueError("not between 1 and 64")
    return number


def _days(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 36_500:  # noqa: PLR2004
        raise ValueError("not between 1 and 36500")
    return number


def _switch(text: str) -> bool:
    return {"on": True, "off": False}[text.strip().lower()]


def _choice(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        return {word: word for word in words}[text.strip().lower()]

    return parse


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text.strip()))


def _url(text: str) -> str:
    if not text:
        return ""
    parts = urlsplit(text.strip())
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in {"http", "https"} or not parts.hostname or more or parts.port == 0:
        raise ValueError("not an address")
    return f"{parts.scheme}://{parts.netloc}"


def _upstreams(text: str) -> dict[str, Upstream]:
    found: dict[str, Upstream] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, url = entry.partition("=")
        found[CATALOGUE[name.strip()].id] = Upstream.at(url.strip(), private_allowed=True)
    return found


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable: its name, what it does, its form, and what it is when not set."""

    name: str
    field: str
    parse: Callable[[str], Any]
    default: str
    form: str
    text: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """Give the environment variable's name."""
        return PREFIX + self.name


SETTINGS: Final = (
    Setting(
        "DATA", "data", _folder, "data", "a folder", "Where the database and the master key lie."
    ),
    Setting(
        "MASTER_KEYS",
        "master_keys",
        str,
        "",
        "id:base64,id:base64 (32 bytes each)",
        "The master keys; the first one seals, all open. Not set: the file `master.keys` in the "
        "data folder, which `serve` makes when there is no database yet.",
        secret=True,
    ),
    Setting("HOST", "host", _address, "127.0.0.1", "an IP address", "The address to serve on."),
    Setting(
        "PORT", "port", _port, "8080", "0 to 65535", "The port to serve on; 0 takes a free one."
    ),
    Setting("WORKERS", "workers", _count, "1", "1 to 64", "Server processes on this database."),
    Setting(
        "PUBLIC_URL",
        "public_url",
        _url,
        "",
        "http(s)://host",
        "How browsers and tools reach keysteward. Needed, with https, to serve on an address other "
        "than loopback. Not set: http and the address above.",
    ),
    Setting(
        "SIGN_UP",
        "sign_up",
        _choice("open", "closed"),
        "open",
        "open or closed",
        "Whether new accounts can be made.",
    ),
    Setting("GRAPHIQL", "graphiql", _switch, "on", "on or off", "Serve the GraphiQL explorer."),
    Setting(
        "INTROSPECTION",
        "introspection",
        _switch,
        "on",
        "on or off",
        "Let clients ask GraphQL for its schema.",
    ),
    Setting(
        "UPSTREAMS",
        "upstreams",
        _upstreams,
        "",
        "provider=url,provider=url",
        "Send a provider's calls, keys included, to another address: a regional host, or a fake "
        "one for tests. Private addresses and plain http on loopback are reached only when listed "
        "here.",
    ),
    Setting(
        "HISTORY_DAYS",
        "history_days",
        _days,
        "90",
        "1 to 36500",
        "For how many days the log of changes is kept. A tool that was away for longer is told to "
        "list its keys anew.",
    ),
    Setting(
        "LOG_LEVEL",
        "log_level",
        _choice("debug", "info", "warning", "error"),
        "info",
        "debug, info, warning or error",
        "How much is logged.",
    ),
)


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    """All settings, parsed."""

    data: Path
    master_keys: str
    host: str
    port: int
    workers: int
    public_url: str
    sign_up: str
    graphiql: bool
    introspection: bool
    upstreams: dict[str, Upstream]
    history_days: int
    log_level: str

    @classmethod
    def read(
        cls, environment: Mapping[str, str] | None = None, *, dotenv: Path | None = Path(".env")
    ) -> Self:
        """Read the settings; the environment wins over the `.env` file. Raises `SettingUnfit`."""
        given: dict[str, str] = {}
        if dotenv is not None and dotenv.is_file():
            given |= _written(dotenv)
        given |= os.environ if environment is None else environment
        ours = {name: value for name, value in given.items() if name.startswith(PREFIX)}
        known = {setting.variable for setting in SETTINGS}
        if unknown := sorted(set(ours) - known):
            raise SettingUnfit(
                f"{unknown[0]} is no setting of keysteward. Known ones: {', '.join(sorted(known))}."
            )
        config = cls(**{s.field: _value(s, ours.get(s.variable, s.default)) for s in SETTINGS})
        config._check_reach()
        return config

    @property
    def database(self) -> Path:
        """Give the database's file."""
        return self.data / "keysteward.db"

    @property
    def master_keys_file(self) -> Path:
        """Give the file that holds the master keys when the environment holds none."""
        return self.data / "master.keys"

    @property
    def secure(self) -> bool:
        """Tell whether browsers reach us by https, so that cookies may say so."""
        return self.public_url.startswith("https://")

    @property
    def url(self) -> str:
        """Give the address that people and tools use."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def reachable_from_afar(self) -> bool:
        """Tell whether others than this machine's own programs may reach us."""
        return not (ipaddress.ip_address(self.host).is_loopback and _is_loopback(self.url))

    def _check_reach(self) -> None:
        """Refuse to send passwords, cookies and tokens in the clear over a network."""
        if not self.secure and self.reachable_from_afar:
            raise SettingUnfit(
                "KEYSTEWARD_HOST is not loopback, or KEYSTEWARD_PUBLIC_URL is plain http "
                "elsewhere: passwords and tokens would cross the network in the clear. Put a TLS "
                "proxy in front and set KEYSTEWARD_PUBLIC_URL=https://…, or serve on 127.0.0.1."
            )


def put(**values: object) -> None:
    """Put settings into the environment, where this process and each of its workers reads them.

    For what the command line says: it goes before the environment and the `.env` file. Names are
    those of `Config`'s fields; None says nothing.
    """
    names = {setting.field: setting.variable for setting in SETTINGS}
    given = {names[field]: str(value) for field, value in values.items() if value is not None}
    os.environ.update(given)


def surroundings() -> dict[str, str]:
    """Give the environment without keysteward's settings, for a process that is to have others."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def reach_loopback_directly() -> None:
    """Have HTTP clients of this process call this machine itself, whatever proxy is configured."""
    os.environ.update({"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"})


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _written(dotenv: Path) -> dict[str, str]:
    try:
        return {name: value or "" for name, value in dotenv_values(dotenv).items()}
    except (OSError, ValueError) as error:
        raise SettingUnfit(f"{dotenv} can't be read ({type(error).__name__}).") from None


def _value(setting: Setting, text: str) -> Any:
    try:
        return setting.parse(text)
    except (ValueError, KeyError):
        # A key pasted into the wrong line must not be shown either.
        shown = "its value" if setting.secret else redact(repr(text))
        raise SettingUnfit(f"{setting.variable} must be {setting.form}; {shown} is not.") from None
