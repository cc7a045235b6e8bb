# ruff: noqa: ASYNC240 - small files of the test's own: nobody waits for them
"""Letters leave by a real mail server, with TLS or not at all, or into a file of one's own."""

import asyncio
import contextlib
import dataclasses
import logging
import mailbox as standard_mailbox
import os
import stat
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, default
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.smtp import MailDelayed, MailRefused, OutboxFile, Security, Smtp, SmtpServer
from tests.kit.authority import Authority
from tests.kit.mailbox import (
    PASSWORD,
    USER,
    Mailbox,
    link_in,
    listening,
    mailbox,
    text_of,
)

LINK = "https://keys.example.com/verify#kso_" + "a" * 90


def letter(
    to: str = "ada@example.com", text: str = f"Grüße\n\n{LINK}\n\nFrom here\n"
) -> EmailMessage:
    message = EmailMessage(policy=SMTP if to.isascii() else SMTPUTF8)
    message["From"] = "keysteward <keys@example.com>"
    message["To"] = to
    message["Subject"] = "A letter"
    message["Date"] = "Tue, 14 Nov 2023 22:13:20 +0000"
    message["Message-ID"] = "<mail_1@example.com>"
    message.set_content(text, cte="8bit")
    return message


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def protected(box: Mailbox, security: Security) -> SmtpServer:
    """Give the server's address; loopback would else have no STARTTLS."""
    return dataclasses.replace(SmtpServer.parse(box.url), security=security)


class TestAddressesOfServers:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("smtps://mail.example.com", ("mail.example.com", 465, Security.TLS, None, None)),
            ("smtps://a:b@mail.test:4650", ("mail.test", 4650, Security.TLS, "a", "b")),
            ("smtp://mail.example.com", ("mail.example.com", 587, Security.STARTTLS, None, None)),
            ("smtp://a:b@192.0.2.1:25", ("192.0.2.1", 25, Security.STARTTLS, "a", "b")),
            ("smtp://localhost", ("localhost", 25, Security.LOOPBACK, None, None)),
            ("smtp://127.0.0.1:1025", ("127.0.0.1", 1025, Security.LOOPBACK, None, None)),
            ("smtp://127.8.9.1:1025/", ("127.8.9.1", 1025, Security.LOOPBACK, None, None)),
            ("smtp://[::1]:1025", ("::1", 1025, Security.LOOPBACK, None, None)),
            ("smtp://[2001:db8::1]", ("2001:db8::1", 587, Security.STARTTLS, None, None)),
            # Names that only look like this machine.
            (
                "smtp://localhost.example.com",
                ("localhost.example.com", 587, Security.STARTTLS, None, None),
            ),
            (
                "smtp://127.0.0.1.example.com",
                ("127.0.0.1.example.com", 587, Security.STARTTLS, None, None),
            ),
            (
                "smtp://u%40x:p%3A%2F%40%23%3F%25%C3%A9@m.test",
                ("m.test", 587, Security.STARTTLS, "u@x", "p:/@#?%é"),
            ),
            ("smtps://:@m.test", ("m.test", 465, Security.TLS, None, "")),
        ],
    )
    def test_they_are_read(self, text: str, expected: tuple[object, ...]) -> None:
        assert dataclasses.astuple(SmtpServer.parse(text)) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "mail.example.com",
            "https://mail.example.com",
            "smtp://",
            "smtp://:587",
            "smtps://user:sesame@",
            "smtps://user@mail.example.com",
            "smtps://user:ses/ame@mail.example.com",
            "smtps://user:ses#ame@mail.example.com",
            "smtps://user:ses?ame@mail.example.com",
            "smtps://user:sesame@mail.example.com:0",
            "smtps://user:sesame@mail.example.com:65536",
            "smtps://user:sesame@mail.example.com:port",
            "smtps://user:sesame@mail.example.com/path",
            "smtps://user:sesame@mail.example.com?a=b",
            "smtps://user:sesame@mail.example.com#a",
            "smtps://user:sesame@mail example.com",
            "smtps://user:sesame@mail.example.com\n",
            "smtps://user:ses%0D%0Aame@mail.example.com",
            "smtps://user:ses%00ame@mail.example.com",
            "smtps://user:ses\u00e4ame@mail.example.com",
            "smtps://user:sesame@m\u00e4il.example.com",
            "smtps://user:sesame@[::1",
            "smtps://user:sesame@-x",
        ],
    )
    def test_others_are_refused_and_never_repeated(self, text: str) -> None:
        with pytest.raises(ValueError, match="Expected smtps://") as refused:
            SmtpServer.parse(text)
        said = str(refused.value)
        assert "ses" not in said
        assert "ame" not in said.replace("name", "")
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__ or refused.value.__context__ is None

    @given(st.text())
    @settings(max_examples=100)
    def test_anything_is_read_or_refused(self, text: str) -> None:
        for whole in (text, f"smtps://{text}", f"smtps://user:{text}@mail.example.com"):
            with contextlib.suppress(ValueError):
                SmtpServer.parse(whole)

    def test_it_shows_neither_user_nor_password(self) -> None:
        shown = repr(SmtpServer.parse("smtps://postbox:sesame@mail.example.com"))
        assert "mail.example.com" in shown
        assert "postbox" not in shown
        assert "sesame" not in shown


class TestDelivering:
    async def test_by_tls_from_the_first_byte(self, authority: Authority) -> None:
        async with mailbox(tls=authority.server(), sign_in=True) as box:
            server = SmtpServer.parse(box.url)
            assert server.security is Security.TLS
            await Smtp(server, ca_file=authority.file).deliver(letter())
            assert link_in(await box.next()) == LINK
            assert box.sign_ins == [(USER, PASSWORD)]
            assert box.recipients == ["ada@example.com"]
            assert box.clear == b""

    async def test_by_starttls_before_anything_is_said(self, authority: Authority) -> None:
        async with mailbox(starttls=authority.server(), sign_in=True) as box:
            server = protected(box, Security.STARTTLS)
            await Smtp(server, ca_file=authority.file).deliver(letter())
            assert link_in(await box.next()) == LINK
            assert box.sign_ins == [(USER, PASSWORD)]
            assert bytes(box.clear) == b"EHLO example.com\r\nSTARTTLS\r\n"

    async def test_in_the_clear_to_this_machine_alone(self) -> None:
        async with mailbox(sign_in=True) as box:
            server = SmtpServer.parse(box.url)
            assert server.security is Security.LOOPBACK
            await Smtp(server).deliver(letter())
            assert "Grüße" in text_of(await box.next())
            assert box.sign_ins == [(USER, PASSWORD)]

    async def test_to_an_address_beyond_ascii(self) -> None:
        async with mailbox() as box:
            await Smtp(SmtpServer.parse(box.url)).deliver(letter("jörg@example.com"))
            assert (await box.next())["To"] == "jörg@example.com"
            assert box.recipients == ["jörg@example.com"]

    async def test_a_server_that_is_gone_at_the_parting_has_it_all_the_same(self) -> None:
        """Else it would be sent again."""
        async with scripted() as (port, said):
            await Smtp(SmtpServer.parse(f"smtp://127.0.0.1:{port}")).deliver(letter())
        assert said.endswith(b"\r\n.\r\nQUIT\r\n")
        assert said.isascii()  # it did not say that it takes more (8BITMIME)


@contextlib.asynccontextmanager
async def scripted(
    *, offers: bytes = b"", answer: bytes = b""
) -> AsyncIterator[tuple[int, bytearray]]:
    """Serve somebody who wants to hear a password, and who leaves without a farewell."""
    said = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while (line := await reader.readline()) and line != b"QUIT\r\n":
            said.extend(line)
            if line.startswith(b"EHLO"):
                writer.write(b"250-mail.test\r\n" + offers + b"250 AUTH PLAIN LOGIN\r\n")
            elif line == b"STARTTLS\r\n":
                writer.write(answer)
            elif line == b"DATA\r\n":
                writer.write(b"354 Go on\r\n")
                said.extend(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 OK\r\n")
            else:
                writer.write(b"235 OK\r\n" if line.startswith(b"AUTH") else b"250 OK\r\n")
        said.extend(line)

    async with listening(serve) as port:
        yield port, said


class TestImpostors:
    @pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
    @pytest.mark.parametrize("flaw", ["made by another", "for another"])
    async def test_a_wrong_certificate_is_told_nothing(
        self, authority: Authority, tmp_path: Path, security: Security, flaw: str
    ) -> None:
        if flaw == "for another":
            certificate = authority.server("mail.example.com")
        else:
            certificate = Authority(tmp_path, "another").server()
        given = {"tls" if security is Security.TLS else "starttls": certificate}
        async with mailbox(**given, sign_in=True) as box:
            out = Smtp(protected(box, security), ca_file=authority.file)
            with pytest.raises(MailDelayed, match="SSLCertVerificationError"):
                await out.deliver(letter())
            assert box.connections == 1
            assert (box.sign_ins, box.messages) == ([], [])
            # Not even whether there is somebody with a password.
            said = b"" if security is Security.TLS else b"EHLO example.com\r\nSTARTTLS\r\n"
            assert bytes(box.clear) == said

    async def test_a_certificate_that_the_machine_does_not_trust_is_none(
        self, authority: Authority
    ) -> None:
        async with mailbox(tls=authority.server()) as box:
            with pytest.raises(MailDelayed):
                await Smtp(SmtpServer.parse(box.url)).deliver(letter())
            assert box.messages == []

    @pytest.mark.parametrize(
        ("offers", "answer"),
        [
            (b"", b""),
            (b"250-STARTTLS\r\n", b"454 Not now\r\n"),
            (b"250-STARTTLS\r\n", b"220 Go\r\n250 OK\r\n"),
        ],
    )
    async def test_without_starttls_nothing_is_said(self, offers: bytes, answer: bytes) -> None:
        """Somebody on the way strikes the offer out, or answers in the server's place."""
        async with scripted(offers=offers, answer=answer) as (port, said):
            server = SmtpServer("127.0.0.1", port, Security.STARTTLS, USER, PASSWORD)
            with pytest.raises(MailDelayed):
                await Smtp(server).deliver(letter())
            for word in (b"AUTH", b"MAIL", b"DATA", b"ada@", b"kso_"):
                assert word not in said
            assert said.startswith(b"EHLO example.com\r\n")

    async def test_tls_is_not_given_up_for_a_server_without(self) -> None:
        async with mailbox() as box:
            with pytest.raises(MailDelayed):
                await Smtp(protected(box, Security.TLS)).deliver(letter())
            assert b"EHLO" not in box.clear


class TestAnswers:
    @pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
    @pytest.mark.parametrize(
        "answer", ["421 4.3.2 <ada@example.com> gone", "451 4.3.0 ada@example.com"]
    )
    async def test_one_that_says_later_means_later(self, at: str, answer: str) -> None:
        async with mailbox() as box:
            box.refuse(answer, at=at)
            out = Smtp(SmtpServer.parse(box.url))
            with pytest.raises(MailDelayed, match=answer[:3]) as delayed:
                await out.deliver(letter())
            assert "ada" not in str(delayed.value)
            assert delayed.value.__cause__ is None
            await out.deliver(letter())
            assert len(box.messages) == 1

    @pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
    @pytest.mark.parametrize("answer", ["550 5.1.1 <ada@example.com>", "554 5.7.1 ada@example.com"])
    async def test_one_that_says_never_means_never(self, at: str, answer: str) -> None:
        async with mailbox() as box:
            box.refuse(answer, at=at)
            with pytest.raises(MailRefused, match=answer[:3]) as refused:
                await Smtp(SmtpServer.parse(box.url)).deliver(letter())
            assert "ada" not in str(refused.value)
            assert box.messages == []

    @pytest.mark.parametrize("at", ["EHLO", "MAIL", "RCPT", "DATA"])
    async def test_a_connection_that_breaks_means_later(self, at: str) -> None:
        async with mailbox() as box:
            box.hang_up(at=at)
            with pytest.raises(MailDelayed):
                await Smtp(SmtpServer.parse(box.url)).deliver(letter())
            assert len(box.messages) == (at == "DATA")

    async def test_nobody_there_means_later(self) -> None:
        async with mailbox() as box:
            pass
        with pytest.raises(MailDelayed, match="ConnectionRefusedError"):
            await Smtp(SmtpServer.parse(box.url)).deliver(letter())

    async def test_a_server_that_does_not_greet_us_means_later(self) -> None:
        """It may be our own settings: no letter is lost for them."""
        async with mailbox() as box:
            box.refuse("554 5.7.1 Not you", at="EHLO", times=2)
            with pytest.raises(MailDelayed):
                await Smtp(SmtpServer.parse(box.url)).deliver(letter())

    @pytest.mark.parametrize(
        "given", [{"password": "made-up, another"}, {"user": None, "password": None}]
    )
    async def test_a_wrong_password_is_the_operator_s_to_mend(
        self, given: dict[str, str | None], caplog: pytest.LogCaptureFixture
    ) -> None:
        async with mailbox(sign_in=True) as box:
            server = dataclasses.replace(SmtpServer.parse(box.url), **given)
            with pytest.raises(MailDelayed, match="does not take our user and password"):
                await Smtp(server).deliver(letter())
            assert box.messages == []
        [record] = caplog.records
        assert (record.name, record.levelno) == ("keysteward.mail", logging.ERROR)
        assert "does not take our user and password" in record.getMessage()
        assert USER not in caplog.text
        assert "made-up" not in caplog.text

    async def test_an_address_beyond_ascii_is_refused_where_the_server_knows_none(self) -> None:
        async with mailbox(utf8=False) as box:
            with pytest.raises(MailRefused, match="SMTPUTF8"):
                await Smtp(SmtpServer.parse(box.url)).deliver(letter("jörg@example.com"))

    @pytest.mark.parametrize(
        "strange",
        [
            Address(username="ada", domain="example.com> <eve"),
            Address(username="ada", domain="exam ple.com"),
            Address(username="ada, eve", domain="example.com"),
        ],
    )
    async def test_an_address_that_others_may_read_otherwise_is_refused(
        self, strange: Address
    ) -> None:
        message = letter()
        message.replace_header("To", strange)
        async with mailbox() as box:
            with pytest.raises(MailRefused, match="as it is meant") as refused:
                await Smtp(SmtpServer.parse(box.url)).deliver(message)
            assert box.messages == []
            assert "eve" not in str(refused.value)

    async def test_a_silent_server_is_given_up_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("accounts.smtp._TIMEOUT_SECONDS", 0.05)

        async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.read()

        async with listening(serve) as port:
            with pytest.raises(MailDelayed):
                await Smtp(SmtpServer.parse(f"smtp://127.0.0.1:{port}")).deliver(letter())


class TestFile:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return tmp_path / "outbox.mbox"

    async def test_it_is_a_mailbox_that_its_owner_alone_reads(self, file: Path) -> None:
        before = os.umask(0)
        try:
            for to in ("ada@example.com", "jörg@example.com"):
                await OutboxFile(file).deliver(letter(to))
        finally:
            os.umask(before)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [each["To"] for each in kept(file)] == ["ada@example.com", "jörg@example.com"]

    async def test_links_stand_whole_in_it(self, file: Path) -> None:
        await OutboxFile(file).deliver(letter())
        assert LINK in file.read_text().splitlines()

    async def test_no_letter_can_look_like_two(self, file: Path) -> None:
        await OutboxFile(file).deliver(letter(text="a\n\nFrom eve@example.com Tue\nTo: eve\n"))
        assert len(kept(file)) == 1

    async def test_many_at_once_are_kept_whole(self, file: Path) -> None:
        outs = [OutboxFile(file) for _ in range(4)]
        await asyncio.gather(
            *(out.deliver(letter(f"a{n}@b.example")) for n in range(5) for out in outs)
        )
        found = [str(each["To"]) for each in kept(file)]
        assert sorted(found) == sorted(f"a{n}@b.example" for n in range(5) for _ in outs)

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o666])
    async def test_one_that_others_can_read_or_write_is_not_used(
        self, file: Path, mode: int
    ) -> None:
        file.touch()
        file.chmod(mode)
        with pytest.raises(MailDelayed, match="can be read by others"):
            await OutboxFile(file).deliver(letter())
        assert file.read_bytes() == b""

    @pytest.mark.parametrize("there", [False, True])
    async def test_a_link_is_not_followed(self, file: Path, tmp_path: Path, there: bool) -> None:
        aim = tmp_path / "aim"
        if there:
            aim.touch(0o600)
        file.symlink_to(aim)
        with pytest.raises(MailDelayed, match="can't be opened"):
            await OutboxFile(file).deliver(letter())
        assert aim.exists() == there
        assert not there or aim.read_bytes() == b""

    async def test_a_file_with_a_second_name_is_not_used(self, file: Path, tmp_path: Path) -> None:
        aim = tmp_path / "aim"
        aim.touch(0o600)
        file.hardlink_to(aim)
        with pytest.raises(MailDelayed, match="can be read by others"):
            await OutboxFile(file).deliver(letter())
        assert aim.read_bytes() == b""

    @pytest.mark.parametrize("reading", [False, True])
    async def test_a_pipe_is_not_used(self, file: Path, reading: bool) -> None:
        os.mkfifo(file, 0o600)
        end = os.open(file, os.O_RDONLY | os.O_NONBLOCK) if reading else None
        with pytest.raises(MailDelayed):
            await OutboxFile(file).deliver(letter())
        if end is not None:
            assert os.read(end, 1) == b""
            os.close(end)

    async def test_a_folder_that_is_not_there_means_later(self, tmp_path: Path) -> None:
        with pytest.raises(MailDelayed, match="FileNotFoundError"):
            await OutboxFile(tmp_path / "no" / "file").deliver(letter())

    async def test_half_a_letter_is_taken_back(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await OutboxFile(file).deliver(letter())
        before = file.read_bytes()

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", full)
            with pytest.raises(MailDelayed, match="can't be written"):
                await OutboxFile(file).deliver(letter())
        assert file.read_bytes() == before


def kept(file: Path) -> list[EmailMessage]:
    with contextlib.closing(standard_mailbox.mbox(file)) as box:
        return [message_from_bytes(box.get_bytes(key), policy=default) for key in box.iterkeys()]
