"""Settings: read once, from the environment and a `.env` file, and nowhere else.

`SETTINGS` is the one list: the README's table, `keysteward serve --help` and the parsing follow it.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values

from accounts.address import normalize
from accounts.errors import AddressMalformed
from accounts.relying_party import RelyingParty
from accounts.smtp import SmtpServer
from accounts.whatsapp import WhatsAppSettings
from broker.upstream import Upstream
from providers import CATALOGUE
from redact import redact
from store.errors import Failure

PREFIX: Final = "KEYSTEWARD_"
DRAIN_SECONDS: Final = 10
"""How long what is under way may take to end when the server is stopped."""


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


def _megabytes(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 1_000_000:  # noqa: PLR2004
        raise ValueError("not between 0 and 1000000")
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


def _networks(text: str) -> tuple[str, ...]:
    entries = filter(None, (entry.strip() for entry in text.split(",")))
    return tuple(str(ipaddress.ip_network(entry, strict=False)) for entry in entries)


def _smtp(text: str) -> SmtpServer | None:
    return SmtpServer.parse(text.strip()) if text.strip() else None


def _sender(text: str) -> str:
    if text and not re.fullmatch(r"[^\s@<>\"]+@[^\s@<>\"]+", text.strip()):
        raise ValueError("not an address")
    return text.strip()


def _operators(text: str) -> tuple[str, ...]:
    entries = filter(None, (entry.strip() for entry in text.split(",")))
    try:
        return tuple(normalize(entry) for entry in entries)
    except AddressMalformed:
        raise ValueError("not an address") from None


def _upstreams(text: str) -> dict[str, Upstream]:
    found: dict[str, Upstream] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, url = entry.partition("=")
        found[CATALOGUE[name.strip()].id] = Upstream.at(url.strip(), private_allowed=True)
    return found


def _issuer(text: str) -> str:
    """Read another server's address; plain http only on this machine."""
    parts = urlsplit(text.strip())
    is_secret_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(text))
    more = parts.query or parts.fragment or "@" in parts.netloc
    if not is_secret_safe or not parts.hostname or more or parts.port == 0:
        raise ValueError("not an address")
    return text.strip()


def _digits(text: str) -> str:
    if text and not (text.isascii() and text.isdecimal()):
        raise ValueError("not digits")
    return text


def _contact(text: str) -> str:
    """Read where weaknesses are reported to: a mail address or a page, as RFC 9116 writes it."""
    text = text.strip()
    parts = urlsplit(text)
    is_mail = parts.scheme == "mailto" and re.fullmatch(r"[^\s@<>\"?]+@[^\s@<>\"?]+", parts.path)
    is_page = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc
    if text and not (re.fullmatch(r"[!-~]+", text) and (is_mail or is_page)):
        raise ValueError("no contact")
    return text


def _words(text: str) -> str:
    if text and not re.fullmatch(r"[a-z0-9_]{1,512}(:[A-Za-z_]{2,10})?", text):
        raise ValueError("no template's name")
    return text


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
        "TRUSTED_PROXIES",
        "trusted_proxies",
        _networks,
        "",
        "address or network,…",
        "The proxies whose X-Forwarded-For tells the client's address, by which tries to sign in "
        "are limited. Not set: the address that connects is the client's.",
    ),
    Setting(
        "COOKIE_KEYS",
        "cookie_keys",
        str,
        "",
        "id:base64,id:base64 (32 bytes each)",
        "The keys that sign session cookies; the first one signs, all of them count. Taking one "
        "away ends the sessions that it signed. Not set: keys derived from the master keys.",
        secret=True,
    ),
    Setting(
        "SIGN_UP",
        "sign_up",
        _choice("open", "invite", "closed"),
        "open",
        "open, invite or closed",
        "Who can make an account: anybody, whoever has an invite (createInvite, `keysteward "
        "account invite`), or nobody.",
    ),
    Setting(
        "VERIFIED_ONLY",
        "verified_only",
        _switch,
        "off",
        "on or off",
        "Make calls only for accounts whose e-mail address is verified.",
    ),
    Setting(
        "OPERATORS",
        "operators",
        _operators,
        "",
        "e-mail address,…",
        "The accounts of those who may disable accounts and end their sessions with `keysteward "
        "account`. None of them can read anybody's key.",
    ),
    Setting(
        "SMTP",
        "smtp",
        _smtp,
        "",
        "smtps://user:password@host:465, or smtp:// with STARTTLS",
        "The server that takes keysteward's mail. Not set: mail goes to the file `outbox.mbox` in "
        "the data folder, for the operator to pass on.",
        secret=True,
    ),
    Setting(
        "MAIL_FROM",
        "mail_from",
        _sender,
        "",
        "an e-mail address",
        "The sender of keysteward's mail. Not set: keysteward@ and the host of the address above.",
    ),
    Setting(
        "GOOGLE_CLIENT_ID",
        "google_client_id",
        str,
        "",
        "text",
        "Google's client ID, to offer signing in with Google. Its redirect URI: "
        "`{PUBLIC_URL}/auth/google/callback`.",
    ),
    Setting(
        "GOOGLE_CLIENT_SECRET",
        "google_client_secret",
        str,
        "",
        "text",
        "The secret that belongs to it.",
        secret=True,
    ),
    Setting(
        "GOOGLE_ISSUER",
        "google_issuer",
        _issuer,
        "https://accounts.google.com",
        "http(s)://host/path",
        "Another provider that speaks OpenID Connect, in Google's place.",
    ),
    Setting(
        "GITHUB_CLIENT_ID",
        "github_client_id",
        str,
        "",
        "text",
        "GitHub's client ID, to offer signing in with GitHub. Its callback URL: "
        "`{PUBLIC_URL}/auth/github/callback`.",
    ),
    Setting(
        "GITHUB_CLIENT_SECRET",
        "github_client_secret",
        str,
        "",
        "text",
        "The secret that belongs to it.",
        secret=True,
    ),
    Setting(
        "GITHUB_URL",
        "github_url",
        _issuer,
        "https://github.com",
        "http(s)://host",
        "Your GitHub Enterprise Server, in GitHub's place.",
    ),
    Setting(
        "GITHUB_API_URL",
        "github_api_url",
        _issuer,
        "https://api.github.com",
        "http(s)://host/path",
        "Its API; of an Enterprise Server `https://HOST/api/v3`.",
    ),
    Setting(
        "WHATSAPP_TOKEN",
        "whatsapp_token",
        str,
        "",
        "text",
        "An access token of the WhatsApp Cloud API, to offer signing in by a code. The four "
        "settings that follow are needed with it.",
        secret=True,
    ),
    Setting(
        "WHATSAPP_PHONE_NUMBER_ID",
        "whatsapp_phone_number_id",
        _digits,
        "",
        "digits",
        "The id of the number that codes are sent from.",
    ),
    Setting(
        "WHATSAPP_TEMPLATE",
        "whatsapp_template",
        _words,
        "",
        "name or name:language",
        "The template of category AUTHENTICATION that codes are sent with; the language is en_US "
        "unless told.",
    ),
    Setting(
        "WHATSAPP_APP_SECRET",
        "whatsapp_app_secret",
        str,
        "",
        "text",
        "The app's secret, by which reports of delivery are known to be Meta's. They go to "
        "`{PUBLIC_URL}/webhooks/whatsapp`.",
        secret=True,
    ),
    Setting(
        "WHATSAPP_VERIFY_TOKEN",
        "whatsapp_verify_token",
        str,
        "",
        "text",
        "What you enter at Meta as the webhook's verify token.",
        secret=True,
    ),
    Setting(
        "WHATSAPP_URL",
        "whatsapp_url",
        _issuer,
        "https://graph.facebook.com",
        "http(s)://host",
        "Another address for the WhatsApp Cloud API.",
    ),
    Setting("GRAPHIQL", "graphiql", _switch, "on", "on or off", "Serve the GraphiQL explorer."),
    Setting(
        "INTROSPECTION",
        "introspection",
        _switch,
        "on",
        "on or off",
        "Let clients ask GraphQL for its schema; off holds for everybody, whoever is signed in.",
    ),
    Setting(
        "SECURITY_CONTACT",
        "security_contact",
        _contact,
        "",
        "mailto:… or https://…",
        "Where a weakness of this installation is reported to; shown at /security and in "
        "/.well-known/security.txt. Not set: the words of SECURITY.md, and no such file.",
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
        "FILES_MEGABYTES",
        "files_megabytes",
        _megabytes,
        "1024",
        "0 to 1000000",
        "How much the answers that an account's tools have kept may come to. 0: none are kept.",
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
    trusted_proxies: tuple[str, ...]
    cookie_keys: str
    sign_up: str
    verified_only: bool
    operators: tuple[str, ...]
    smtp: SmtpServer | None
    mail_from: str
    google_client_id: str
    google_client_secret: str
    google_issuer: str
    github_client_id: str
    github_client_secret: str
    github_url: str
    github_api_url: str
    whatsapp_token: str
    whatsapp_phone_number_id: str
    whatsapp_template: str
    whatsapp_app_secret: str
    whatsapp_verify_token: str
    whatsapp_url: str
    graphiql: bool
    introspection: bool
    security_contact: str
    upstreams: dict[str, Upstream]
    history_days: int
    files_megabytes: int
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
        config._check_together()
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

    @property
    def other_secrets(self) -> tuple[bytes, ...]:
        """Give the secrets besides the keys, as they are written down."""
        texts = (
            self.smtp.password if self.smtp else "",
            self.google_client_secret,
            self.github_client_secret,
            self.whatsapp_token,
            self.whatsapp_app_secret,
            self.whatsapp_verify_token,
        )
        return tuple(text.encode() for text in texts if text)

    @property
    def whatsapp(self) -> WhatsAppSettings | None:
        """Give what was set up at Meta; None where WhatsApp is not offered."""
        if not self.whatsapp_token:
            return None
        template, _, language = self.whatsapp_template.partition(":")
        return WhatsAppSettings(
            token=self.whatsapp_token,
            phone_number_id=self.whatsapp_phone_number_id,
            template=template,
            language=language or "en_US",
            app_secret=self.whatsapp_app_secret,
            verify_token=self.whatsapp_verify_token,
            url=self.whatsapp_url,
        )

    @property
    def relying_party(self) -> RelyingParty:
        """Give what passkeys are bound to: a name. On this machine's own address, `localhost`."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return RelyingParty(host, self.url, "keysteward")
        port = f":{parts.port}" if parts.port else ""
        return RelyingParty("localhost", f"{parts.scheme}://localhost{port}", "keysteward")

    @property
    def context_words(self) -> tuple[str, ...]:
        """Give the words of this installation's own name, on which no password may be built."""
        host = urlsplit(self.public_url).hostname or ""
        return tuple(filter(None, (host, *host.split(".")[:-1])))

    @property
    def sender(self) -> str:
        """Give the sender of our mail."""
        return self.mail_from or f"keysteward@{self.relying_party.id}"

    @property
    def outbox_file(self) -> Path:
        """Give the file that mail goes to where no server takes it."""
        return self.data / "outbox.mbox"

    @property
    def prices_file(self) -> Path:
        """Give the file of model prices that the operator took, which need not be there."""
        return self.data / "prices.json"

    @property
    def proofs_file(self) -> Path:
        """Give the file of what the checks of the promises said, which need not be there."""
        return self.data / "proofs.json"

    def _check_together(self) -> None:
        """Refuse half of what only works whole, rather than fail at somebody's sign-in."""
        for whole in (
            ("google_client_id", "google_client_secret"),
            ("github_client_id", "github_client_secret"),
            (
                "whatsapp_token",
                "whatsapp_phone_number_id",
                "whatsapp_template",
                "whatsapp_app_secret",
                "whatsapp_verify_token",
            ),
        ):
            missing = [name for name in whole if not getattr(self, name)]
            if missing and len(missing) < len(whole):
                names = {setting.field: setting.variable for setting in SETTINGS}
                raise SettingUnfit(
                    f"{names[missing[0]]} is not set, and {names[whole[0]]} and what belongs to it "
                    "work only together."
                )

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
