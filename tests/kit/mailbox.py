"""A mail server on loopback that keeps what it is sent: what tests read their mail from.

    async with mailbox() as box:
        ...  # have mail sent to box.url
        link = link_in(await box.next())

It speaks SMTP by aiosmtpd, over real sockets, with TLS from the first byte, after STARTTLS, or with
none, and can be told to refuse or to hang up.
"""

import asyncio
import contextlib
import logging
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

_PATIENCE_SECONDS: Final = 10
_LINK: Final = re.compile(r"^https?://\S+/\S*$", re.MULTILINE)
USER: Final = "postbox"
PASSWORD: Final = "made-up/pass:word@of#nobody"


def text_of(message: EmailMessage) -> str:
    """Give a letter's plain text."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def links_in(message: EmailMessage) -> list[str]:
    """Give the links that stand alone on a line, in their order."""
    return _LINK.findall(text_of(message))


def link_in(message: EmailMessage) -> str:
    """Give the first of them."""
    return links_in(message)[0]


@dataclass(eq=False)
class Mailbox:
    """What came, and how the server answers."""

    port: int = 0
    scheme: str = "smtp"
    requires_sign_in: bool = False
    messages: list[EmailMessage] = field(default_factory=list)
    """Every letter that was sent, also one whose sender was not told so."""
    recipients: list[str] = field(default_factory=list)
    """Of each letter, as the envelope has it."""
    sign_ins: list[tuple[str, str]] = field(default_factory=list)
    clear: bytearray = field(default_factory=bytearray)
    """All that was said to the server without TLS."""
    connections: int = 0
    _unread: "asyncio.Queue[EmailMessage]" = field(default_factory=asyncio.Queue)
    _answers: dict[str, deque[str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Give the address of the server, as a setting has it."""
        user = "postbox:made-up%2Fpass%3Aword%40of%23nobody@" if self.requires_sign_in else ""
        return f"{self.scheme}://{user}127.0.0.1:{self.port}"

    async def next(self) -> EmailMessage:
        """Wait for the next letter that nobody has asked for yet."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await self._unread.get()

    def refuse(self, answer: str = "451 4.3.0 Later", *, times: int = 1, at: str = "RCPT") -> None:
        """Give this answer so many times, at EHLO, MAIL, RCPT or DATA (after the letter)."""
        self._answers.setdefault(at, deque()).extend([answer] * times)

    def hang_up(self, *, times: int = 1, at: str = "DATA") -> None:
        """Close the connection in place of an answer: at DATA, with the letter taken."""
        self.refuse("", times=times, at=at)

    # What follows aiosmtpd calls.

    async def handle_MAIL(  # noqa: N802
        self, server: "_Server", session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if answer := self._answer("MAIL", server):
            return answer
        if self.requires_sign_in and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: "_Server", _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if answer := self._answer("RCPT", server):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: "_Server", _session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self._answer("DATA", server)
        if answer and not server.is_gone:
            return answer
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.messages.append(message)
        self.recipients += envelope.rcpt_tos
        self._unread.put_nowait(message)
        return answer or "250 OK"

    async def handle_HELO(  # noqa: N802
        self, server: "_Server", session: Any, _envelope: Any, name: str
    ) -> str:
        session.host_name = name
        return self._answer("EHLO", server) or "250 mail.test"

    async def handle_EHLO(  # noqa: N802
        self, server: "_Server", session: Any, _envelope: Any, name: str, answers: list[str]
    ) -> list[str]:
        session.host_name = name
        answer = self._answer("EHLO", server)
        return [answer] if answer else answers

    def authenticate(
        self, _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, given: Any
    ) -> AuthResult:
        """Look at a user and a password."""
        assert isinstance(given, LoginPassword)
        said = given.login.decode(), given.password.decode()
        self.sign_ins.append(said)
        return AuthResult(success=said == (USER, PASSWORD), handled=False)

    def _answer(self, at: str, server: "_Server") -> str:
        answers = self._answers.get(at)
        if not answers:
            return ""
        answer = answers.popleft()
        if not answer:
            server.hang_up()
        return answer or "421 Gone"


class _Server(SMTP):
    """One connection. It listens along."""

    def __init__(self, box: Mailbox, *, tls: bool, **options: Any) -> None:
        super().__init__(box, **options)
        self._box = box
        self._tls = tls
        self.is_gone = False
        box.connections += 1

    def data_received(self, data: bytes) -> None:
        if not self._tls and self._tls_protocol is None:
            self._box.clear += data
        super().data_received(data)

    def hang_up(self) -> None:
        self.is_gone = True
        for transport in (self.transport, self._original_transport):
            if transport is not None:
                transport.abort()  # type: ignore[attr-defined]

    async def end(self) -> None:
        """Hang up, and wait until nothing of the connection is left."""
        self.hang_up()
        if self._handler_coroutine is not None:  # else it never came to be: a failed handshake
            self._handler_coroutine.cancel()
            await asyncio.wait([self._handler_coroutine])
            self._writer.close()


@contextlib.asynccontextmanager
async def mailbox(
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    sign_in: bool = False,
    utf8: bool = True,
) -> AsyncIterator[Mailbox]:
    """Serve on a free port of 127.0.0.1 until the end; without `utf8` it knows no SMTPUTF8."""
    box = Mailbox(scheme="smtp" if tls is None else "smtps", requires_sign_in=sign_in)
    loop = asyncio.get_running_loop()
    open_connections: list[_Server] = []

    def serve() -> _Server:
        server = _Server(
            box,
            tls=tls is not None,
            hostname="mail.test",
            loop=loop,
            tls_context=starttls,
            require_starttls=starttls is not None,
            enable_SMTPUTF8=utf8,
            # What aiosmtpd calls TLS is STARTTLS alone.
            auth_require_tls=starttls is not None,
            authenticator=box.authenticate,
        )
        open_connections.append(server)
        return server

    # It logs whatever it is told, of which some tests look that nothing is in any log.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    door = await loop.create_server(serve, "127.0.0.1", 0, ssl=tls)
    box.port = door.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        door.close()
        for server in open_connections:
            await server.end()
        await door.wait_closed()


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> AsyncIterator[int]:
    """Have a server of the test's own behind a port; all of it has ended at the end."""
    tasks: list[asyncio.Task[None]] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.get_running_loop().create_task(one(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await asyncio.gather(*tasks)
        await server.wait_closed()
