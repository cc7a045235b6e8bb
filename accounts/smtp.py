"""How a letter leaves: to a mail server, or into a file where there is none.

A server's certificate is always verified, and neither a password nor a letter is sent before: in
the clear only to this machine itself. Of what a server answers only the number is repeated, since
answers name addresses.
"""

import asyncio
import contextlib
import fcntl
import ipaddress
import logging
import os
import re
import stat
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Final, Protocol, Self
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib

from accounts.errors import AccountsFailure

_LOG: Final = logging.getLogger("keysteward.mail")
_TIMEOUT_SECONDS: Final = 20
_PARTING_SECONDS: Final = 1
_HOST: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?")
# As `accounts.address` has them. Programs differ in how they read any others, and a letter must not
# go to whom it was not written.
_MAILBOX: Final = re.compile(r'[^\s()<>\[\]:;@\\,"]+@[a-z0-9.-]+')
_MOST_PORTS: Final = 65535
# The server wants to know who we are, and does not know us: an operator can mend that.
_UNKNOWN_TO_SERVER: Final = {530, 534, 535, 538}
_PERMANENT: Final = range(500, 600)


class MailDelayed(AccountsFailure):
    """A letter was not taken now; it may be later."""


class MailRefused(AccountsFailure):
    """A letter was refused, and would be again."""


class Transport(Protocol):
    """A way out."""

    async def deliver(self, message: EmailMessage) -> None:
        """Deliver. Once it returns, the letter is somebody else's to keep.

        Raises `MailDelayed` or `MailRefused`, whose texts hold nothing of letter or address.
        """


class Security(Enum):
    """What protects a connection. There is no "if the server can"."""

    TLS = "TLS from the first byte"
    STARTTLS = "TLS before anything is said"
    LOOPBACK = "it never leaves this machine"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server, and what it knows us by."""

    host: str
    port: int
    security: Security
    # Both: with some services the user's name is as secret as the password.
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `smtps://user:password@host:465` or `smtp://user:password@host:587`.

        `smtp` means STARTTLS, but to this machine itself no TLS. Raises `ValueError`, whose text
        repeats nothing of what was read.
        """
        parts = _split(text)
        host, user, password = parts.hostname or "", parts.username, parts.password
        if not _HOST.fullmatch(host) and not _is_address(host):
            raise ValueError(f"This has no server's name in it. {_EXPECTED}")
        if parts.path.strip("/") or "?" in text or "#" in text:
            raise ValueError(f"Nothing comes after the port. {_EXPECTED}")
        if (user is None) != (password is None):
            raise ValueError(f"Give both a user and a password, or neither. {_EXPECTED}")
        user, password = (None if each is None else unquote(each) for each in (user, password))
        if not all((each or "").isprintable() for each in (user, password)):
            raise ValueError(f"User and password have printable characters only. {_EXPECTED}")
        if parts.scheme == "smtps":
            security, usual = Security.TLS, 465
        elif _is_loopback(host):
            security, usual = Security.LOOPBACK, 25
        else:
            security, usual = Security.STARTTLS, 587
        return cls(host, _port(parts) or usual, security, user or None, password)


class Smtp:
    """Delivers to a mail server, by a connection for each letter."""

    def __init__(self, server: SmtpServer, *, ca_file: Path | None = None) -> None:
        """`ca_file` has certificates of authorities to trust beside those that the machine does."""
        self._server = server
        self._ca_file = ca_file

    async def deliver(self, message: EmailMessage) -> None:
        """Deliver. Raises `MailDelayed` or `MailRefused`."""
        sender = message["From"].addresses[0]
        recipients = [each.addr_spec for each in message["To"].addresses]
        if not all(_MAILBOX.fullmatch(each) for each in recipients):
            raise MailRefused("The address is none that a mail server surely takes as it is meant.")
        client = self._client(sender.domain)
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await client.connect()
                await client.send_message(message, sender=sender.addr_spec, recipients=recipients)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # `from None`: the cause may hold the server's words, and so an address.
            raise self._failure(error) from None
        else:
            # It is delivered: however the parting goes, it must not be sent again.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                async with asyncio.timeout(_PARTING_SECONDS):
                    await client.quit()
        finally:
            client.close()

    def _client(self, our_domain: str) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            # By default it asks the DNS for the machine's own name, which may take long, and tells.
            local_hostname=our_domain if _HOST.fullmatch(our_domain) else "localhost",
            timeout=_TIMEOUT_SECONDS,
            use_tls=server.security is Security.TLS,
            start_tls=server.security is Security.STARTTLS,
            validate_certs=True,
            cert_bundle=None if self._ca_file is None else str(self._ca_file),
        )

    def _failure(self, error: Exception) -> MailDelayed | MailRefused:
        match error:
            case aiosmtplib.SMTPAuthenticationError(code=code):
                return self._unknown_to_server(code)
            case (
                aiosmtplib.SMTPRecipientsRefused(
                    recipients=[aiosmtplib.SMTPRecipientRefused(code=code), *_]
                )
                | aiosmtplib.SMTPSenderRefused(code=code)
                | aiosmtplib.SMTPDataError(code=code)
            ):
                return self._answered(code)
            case aiosmtplib.SMTPResponseException(code=code):
                return MailDelayed(f"The mail server answered {code}.")
            case aiosmtplib.SMTPNotSupported():
                return MailRefused("The mail server knows no addresses beyond ASCII (SMTPUTF8).")
            case _:
                kind = type(error.__cause__ or error).__name__
                return MailDelayed(f"The mail server can't be talked to ({kind}).")

    def _answered(self, code: int) -> MailDelayed | MailRefused:
        if code in _UNKNOWN_TO_SERVER:
            return self._unknown_to_server(code)
        kind = MailRefused if code in _PERMANENT else MailDelayed
        return kind(f"The mail server answered {code}.")

    def _unknown_to_server(self, code: int) -> MailDelayed:
        _LOG.error(
            "The mail server %s does not take our user and password (%d): no mail goes out.",
            self._server.host,
            code,
        )
        return MailDelayed(f"The mail server does not take our user and password ({code}).")


class OutboxFile:
    """Keeps letters where there is no mail server: in a mailbox that its owner alone can read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def deliver(self, message: EmailMessage) -> None:
        """Append the letter; it is on disk when this returns. Raises `MailDelayed`."""
        await asyncio.to_thread(self._append, _as_mbox(message))

    def _append(self, letter: bytes) -> None:
        try:
            file = _opened(self._path)
        except OSError as error:
            raise MailDelayed(
                f"The file that letters go to can't be opened ({type(error).__name__})."
            ) from None
        try:
            _write(file, letter)
        except OSError as error:
            raise MailDelayed(
                f"The file that letters go to can't be written ({type(error).__name__})."
            ) from None
        finally:
            os.close(file)


_EXPECTED: Final = (
    "Expected smtps://user:password@host:465 or smtp://user:password@host:587, with whatever is "
    "neither letter nor digit in user and password percent-encoded."
)


def _split(text: str) -> SplitResult:
    # Blanks and line breaks are dropped by urlsplit unseen; its own errors repeat what they read.
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError(f"This is not a mail server's address. {_EXPECTED}")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError(f"This is not a mail server's address. {_EXPECTED}") from None
    if parts.scheme not in {"smtp", "smtps"}:
        raise ValueError(f"This begins with neither smtp:// nor smtps://. {_EXPECTED}")
    return parts


def _port(parts: SplitResult) -> int | None:
    if parts.port is not None and not 0 < parts.port <= _MOST_PORTS:
        raise ValueError(f"A port is a number from 1 to {_MOST_PORTS}. {_EXPECTED}")
    return parts.port


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":  # RFC 6761, 6.3: it is never anybody else
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _as_mbox(message: EmailMessage) -> bytes:
    """Give the letter as it stands in a mailbox: RFC 4155, `From ` at a line's start quoted."""
    sender, date = message["From"].addresses[0].addr_spec, message["Date"].datetime
    text = BytesIO()
    policy = (SMTP if message.policy is SMTP else SMTPUTF8).clone(linesep="\n")
    BytesGenerator(text, mangle_from_=True, policy=policy).flatten(message)
    # As asctime, whatever the locale.
    return f"From {sender} {date.ctime()}\n".encode() + text.getvalue() + b"\n"


def _opened(path: Path) -> int:
    """Open the file to append, made if need be. Raises `OSError`, or `MailDelayed` if it is unfit.

    Whoever can write to its folder could have put a link there, a pipe, or a file that they hold
    open: letters have links that sign somebody in.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        file = os.open(path, flags)
    else:
        _sync_folder(path.parent)
    found = os.fstat(file)
    if (
        not stat.S_ISREG(found.st_mode)
        or found.st_mode & 0o077
        or found.st_uid != os.geteuid()
        or found.st_nlink > 1
    ):
        os.close(file)
        raise MailDelayed(
            "The file that letters go to can be read by others. Make it a plain file of the "
            "server's own user, with mode 0600, or move it away."
        )
    return file


def _write(file: int, letter: bytes) -> None:
    """Write all of it or nothing; other processes wait meanwhile. Raises `OSError`."""
    fcntl.flock(file, fcntl.LOCK_EX)
    before = os.fstat(file).st_size
    try:
        left = memoryview(letter)
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(file, before)
        raise


def _sync_folder(folder: Path) -> None:
    """Make a new file's name durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
