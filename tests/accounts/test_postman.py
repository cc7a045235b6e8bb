"""The mail goes out: each letter, however its way is barred, and once unless a process dies."""

import asyncio
import logging
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest

from accounts.outbox import Letter, Outbox
from accounts.postman import Postman
from accounts.smtp import MailDelayed, Smtp, SmtpServer, Transport
from keysteward.box import SealedBox
from store import Owner, Store
from store.clock import DAY, MINUTE, SECOND
from tests.accounts.busy_postman import SENDER, SITE
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from tests.kit.mailbox import Mailbox, link_in, mailbox, text_of
from vault.keyring import Keyring

ADA = Owner("ada0" * 16)
LINK = f"{SITE}/address#kso_CANARYlink"
LEASE = 2 * MINUTE
KILLS = 10
LETTERS = 50
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mailbox() as served:
        yield served


@dataclass(frozen=True)
class Office:
    """An outbox, and a postman who carries it to a mail server."""

    store: Store
    outbox: Outbox
    clock: MovedClock
    postman: Postman

    def another(self, transport: Transport) -> Postman:
        """Give another process's."""
        return Postman(self.store, self.outbox, transport, self.clock, site=SITE, sender=SENDER)

    async def post(
        self,
        *,
        letter: str = Letter.CHANGE_ADDRESS,
        to: str = "ada@example.com",
        **facts: Any,
    ) -> None:
        given: dict[str, Any] = {"link": LINK, "new_address": "ada@new.example"} | facts
        now, named = self.clock(), cast("Letter", letter)
        await self.store.write(lambda tx: self.outbox.post(tx, ADA, named, to=to, now=now, **given))

    async def round(self) -> int:
        return await self.postman.round()

    async def left(self) -> int:
        row = await self.store.read(lambda tx: tx.one("SELECT count(*) FROM outbox"))
        assert row is not None
        return int(row[0])

    async def change(self, sql: str, **values: Any) -> None:
        await self.store.write(lambda tx: tx.run(sql, **values))


@pytest.fixture
def office(store: Store, keyring: Keyring, clock: MovedClock, box: Mailbox) -> Office:
    outbox, out = Outbox(SealedBox(keyring)), Smtp(SmtpServer.parse(box.url))
    postman = Postman(store, outbox, out, clock, site=SITE, sender=SENDER)
    return Office(store, outbox, clock, postman)


class Held:
    """Delivers nothing before it is let go; counts."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = asyncio.Event()
        self.at_once = 0
        self.most_at_once = 0
        self.ids: list[str] = []

    async def deliver(self, message: EmailMessage) -> None:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        self.begun.set()
        await self.go.wait()
        self.at_once -= 1
        self.ids.append(message["Message-ID"])


class Dies:
    """A process that dies once the server has the letter, before it can take that down."""

    def __init__(self, box: Mailbox) -> None:
        self._smtp = Smtp(SmtpServer.parse(box.url))
        self.died = asyncio.Event()

    async def deliver(self, message: EmailMessage) -> None:
        await self._smtp.deliver(message)
        self.died.set()
        await asyncio.Event().wait()


class TestRounds:
    async def test_a_letter_goes_out_once(
        self, office: Office, clock: MovedClock, box: Mailbox
    ) -> None:
        await office.post()
        assert await office.round() == 1
        message = await box.next()
        assert link_in(message) == LINK
        assert (message["To"], message["From"]) == ("ada@example.com", SENDER)
        assert await office.left() == 0
        clock.forward(seconds=10 * DAY / SECOND)
        assert await office.round() == 0
        assert len(box.messages) == 1

    async def test_whatever_its_script(self, office: Office, box: Mailbox) -> None:
        words = {"place": "Zürich", "device": "Браузер 浏览器 מכשיר", "means": "the passkey “Ключ”"}
        to = "用户@example.com"
        await office.post(letter=Letter.NEW_DEVICE, to=to, **words)
        await office.round()
        message = await box.next()
        assert str(message["To"]) == to
        assert all(word in text_of(message) for word in words.values())

    async def test_twenty_at_a_time_four_at_once_oldest_first(
        self, office: Office, clock: MovedClock
    ) -> None:
        for number in range(23):
            await office.post(to=f"a{number}@example.com")
            clock.forward(seconds=1)
        held = Held()
        going = asyncio.create_task(office.another(held).round())
        await held.begun.wait()
        held.go.set()
        assert await going == 20
        assert held.most_at_once == 4
        assert await office.left() == 3
        rows = await office.store.read(lambda tx: tx.all("SELECT id FROM outbox ORDER BY id"))
        assert all(row[0] > name.strip("<>") for row in rows for name in held.ids)

    async def test_what_is_only_asked_for_is_no_letter_yet(
        self, office: Office, clock: MovedClock
    ) -> None:
        await office.store.write(
            lambda tx: office.outbox.ask(tx, ADA, "RESET_PASSWORD", now=clock())
        )
        assert await office.round() == 0
        await office.post()
        assert await office.round() == 1
        assert await office.left() == 1

    async def test_two_on_one_database_send_each_letter_once(
        self, office: Office, clock: MovedClock, box: Mailbox
    ) -> None:
        for number in range(30):
            await office.post(to=f"a{number}@example.com")

        async def go_round(one: Postman) -> int:
            carried = 0
            while count := await one.round():
                carried += count
            return carried

        async with await Store.open(office.store.path) as another:
            second = Postman(
                another,
                office.outbox,
                Smtp(SmtpServer.parse(box.url)),
                clock,
                site=SITE,
                sender=SENDER,
            )
            shares = await asyncio.gather(go_round(office.postman), go_round(second))
        assert sum(shares) == 30
        assert all(shares)
        assert Counter(box.recipients) == Counter(f"a{number}@example.com" for number in range(30))

    async def test_a_letter_that_can_t_be_written_bars_no_other(
        self, office: Office, clock: MovedClock, box: Mailbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        await office.post(letter="LETTER_OF_TOMORROW")
        await office.post(letter=Letter.NEW_DEVICE)
        await office.post(link="https://evil.example/#CANARY")
        await office.post()
        assert await office.round() == 4
        assert link_in(await box.next()) == LINK
        # A newer process may know it; whatever it is, it is kept for a while.
        assert await office.left() == 3
        assert sorted(record.getMessage().split(": ")[-1] for record in caplog.records) == [
            "KeyError while it was written.",
            "ValueError while it was written.",
            "ValueError while it was written.",
        ]
        clock.forward(seconds=3 * DAY / SECOND)
        await office.round()
        assert await office.left() == 0


class TestTryingAgain:
    async def test_one_that_is_not_taken_now_is_tried_later_and_later(
        self, office: Office, clock: MovedClock, box: Mailbox
    ) -> None:
        await office.post()
        for minutes in (1, 5, 15, 60, 180, 180):
            box.refuse("451 4.3.0 Later")
            assert await office.round() == 1
            clock.forward(microseconds=minutes * MINUTE - 1)
            assert await office.round() == 0
            clock.forward(microseconds=1)
        assert box.messages == []
        assert await office.round() == 1
        assert link_in(await box.next()) == LINK
        assert await office.left() == 0

    async def test_after_three_days_it_is_given_up(
        self, office: Office, clock: MovedClock, box: Mailbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        await office.post()
        begun, tries = clock(), 0
        box.refuse("451 4.3.0 Later", times=1000)
        while await office.left():
            tries += await office.round()
            clock.forward(microseconds=60 * MINUTE)
        assert 3 * DAY <= clock() - begun <= 3 * DAY + 240 * MINUTE
        assert tries == box.connections
        assert 20 < tries < 30
        assert f"is given up after {tries} tries" in caplog.records[-1].getMessage()
        assert caplog.records[-1].levelno == logging.ERROR

    async def test_one_that_has_waited_longer_than_that_is_tried_at_least_once(
        self, office: Office, clock: MovedClock, box: Mailbox
    ) -> None:
        """The server stood still for a week; the letter is not to blame."""
        await office.post()
        clock.forward(seconds=7 * DAY / SECOND)
        await office.round()
        assert len(box.messages) == 1

    async def test_one_that_is_refused_is_given_up_at_once(
        self, office: Office, box: Mailbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        await office.post()
        box.refuse("550 5.1.1 <ada@example.com> User unknown")
        assert await office.round() == 1
        assert await office.left() == 0
        assert (
            caplog.records[-1]
            .getMessage()
            .endswith("refused for good: The mail server answered 550.")
        )

    async def test_one_that_takes_too_long_is_let_go(
        self,
        office: Office,
        clock: MovedClock,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Else it would still be under way when its lease ends and another process sends it."""
        monkeypatch.setattr("accounts.postman._LONGEST_DELIVERY_SECONDS", 0.02)
        await office.post()
        assert await office.another(Held()).round() == 1
        assert "It took too long." in caplog.text
        clock.forward(seconds=60)
        assert await office.left() == 1

    def test_a_round_ends_within_the_lease(self) -> None:
        from accounts import postman  # noqa: PLC0415 - its numbers, of this test alone

        longest = postman._MOST / postman._AT_ONCE * postman._LONGEST_DELIVERY_SECONDS
        assert longest * SECOND < postman._LEASE

    async def test_who_lost_the_lease_puts_nothing_off(
        self, office: Office, clock: MovedClock
    ) -> None:
        """It was stopped for long, and the letter is another's by now."""

        class Late:
            async def deliver(self, _: EmailMessage) -> None:
                clock.forward(microseconds=LEASE)
                await office.store.write(
                    lambda tx: tx.run(
                        "UPDATE outbox SET tries = 2, due_at = :due", due=clock() + LEASE
                    )
                )
                raise MailDelayed("Later.")

        await office.post()
        await office.another(Late()).round()
        rows = await office.store.read(lambda tx: tx.all("SELECT tries, due_at FROM outbox"))
        assert rows == [(2, clock() + LEASE)]


class TestDying:
    async def test_whoever_dies_before_taking_it_down_has_it_sent_again_as_the_same(
        self, office: Office, clock: MovedClock, box: Mailbox
    ) -> None:
        await office.post()
        dies = Dies(box)
        round_ = asyncio.create_task(office.another(dies).round())
        await dies.died.wait()
        round_.cancel()
        with pytest.raises(asyncio.CancelledError):
            await round_
        clock.forward(microseconds=LEASE - 1)
        assert await office.round() == 0
        clock.forward(microseconds=1)
        assert await office.round() == 1
        first, second = await box.next(), await box.next()
        assert first["Message-ID"] == second["Message-ID"]
        assert first.as_bytes() == second.as_bytes()
        assert await office.left() == 0

    async def test_a_connection_that_breaks_at_the_last_moment_loses_nothing(
        self, office: Office, clock: MovedClock, box: Mailbox
    ) -> None:
        await office.post()
        box.hang_up(at="DATA")
        await office.round()
        clock.forward(seconds=60)
        await office.round()
        first, second = await box.next(), await box.next()
        assert first.as_bytes() == second.as_bytes()
        assert await office.left() == 0

    async def test_what_can_t_be_taken_down_is_sent_again(
        self, office: Office, clock: MovedClock, box: Mailbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        await office.post()
        stop = (
            "CREATE TRIGGER stop BEFORE DELETE ON outbox BEGIN SELECT RAISE(ABORT, 'CANARY'); END"
        )
        await office.change(stop)
        assert await office.round() == 1
        assert "will be sent again" in caplog.text
        assert "CANARY" not in caplog.text
        await office.change("DROP TRIGGER stop")
        clock.forward(microseconds=LEASE)
        assert await office.round() == 1
        assert len({message["Message-ID"] for message in box.messages}) == 1
        assert await office.left() == 0


class TestSecrecy:
    async def test_nothing_of_a_letter_is_in_any_file(self, office: Office, data: Path) -> None:
        needles = (
            b"ada@example.com",
            b"CANARY",
            b"keys.example.com",
            b"new_address",
            b"Message-ID",
        )
        await office.post()
        assert files_with(data, *needles) == []
        held = Held()
        going = asyncio.create_task(office.another(held).round())
        await held.begun.wait()
        assert files_with(data, *needles) == []
        held.go.set()
        await going
        assert files_with(data, *needles) == []

    async def test_no_log_says_to_whom_or_what(
        self, office: Office, clock: MovedClock, box: Mailbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        said = "<ada@example.com> CANARY"
        box.refuse(f"451 4.3.0 {said}", at="MAIL")
        box.refuse(f"451 4.3.0 {said}")
        box.refuse(f"451 4.3.0 {said}", at="DATA")
        await office.post()
        await office.post(link="https://evil.example/#CANARY")
        await office.post(letter="ada@example.com"[:3])
        await office.post(to="ada example.com")
        await office.post(to="ada@example.com\nBcc: eve")
        for _ in range(8):
            await office.round()
            clock.forward(seconds=3 * 3600)
        box.refuse(f"550 5.1.1 {said}")
        await office.post()
        await office.round()
        ours = [record for record in caplog.records if record.name == "keysteward.mail"]
        assert len(ours) > 10
        for word in ("example.com", "CANARY", "kso_", "eve", ADA.account):
            assert word not in caplog.text
        assert all(f"account {ADA.account[:8]})" in record.getMessage() for record in ours)
        assert all(record.exc_info is None for record in ours)

    async def test_one_that_opens_no_more_is_dropped(
        self, office: Office, box: Mailbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Altered, moved to another account, or of a master key that is no more."""
        for _ in range(4):
            await office.post()
        rows = await office.store.read(lambda tx: tx.all("SELECT id FROM outbox ORDER BY id"))
        ((altered,), (moved,), (renamed,), _) = rows
        for change, name in (
            ("sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB)", altered),
            ("account = 'b0b0b0b0'", moved),
            ("letter = 'NEW_DEVICE'", renamed),
        ):
            text = f"UPDATE outbox SET {change} WHERE id = :id"  # noqa: S608
            await office.change(text, id=name)
        assert await office.round() == 4
        assert await office.left() == 0
        assert len(box.messages) == 1
        said = [record.getMessage() for record in caplog.records]
        assert len([line for line in said if "does not open any more and is dropped" in line]) == 3


class Heard(logging.Handler):
    """Tells when something is logged."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words
        self.heard = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self.words in record.getMessage():
            self.heard.set()


class TestRunning:
    @pytest.fixture
    async def running(self, office: Office) -> AsyncIterator["asyncio.Task[None]"]:
        task = asyncio.create_task(office.postman.run())
        yield task
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    @pytest.mark.usefixtures("running")
    async def test_it_goes_out_as_soon_as_it_is_woken(self, office: Office, box: Mailbox) -> None:
        for _ in range(25):
            await office.post()
        office.postman.wake.set()
        for _ in range(25):
            assert link_in(await box.next()) == LINK

    @pytest.mark.usefixtures("running")
    async def test_and_soon_when_it_is_not(
        self, office: Office, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process may have written it."""
        monkeypatch.setattr("accounts.postman._ROUND_SECONDS", 0.01)
        await office.post()
        await box.next()
        await office.post()
        await box.next()

    async def test_a_round_that_fails_is_not_the_last(
        self, office: Office, running: "asyncio.Task[None]", box: Mailbox
    ) -> None:
        listening = Heard("A round of the mail failed.")
        logging.getLogger("keysteward.mail").addHandler(listening)
        try:
            await office.change("ALTER TABLE outbox RENAME TO gone")
            office.postman.wake.set()
            await asyncio.wait_for(listening.heard.wait(), 30)
        finally:
            logging.getLogger("keysteward.mail").removeHandler(listening)
        await office.change("ALTER TABLE gone RENAME TO outbox")
        await office.post()
        office.postman.wake.set()
        assert link_in(await box.next()) == LINK
        assert not running.done()


class TestKilling:
    @pytest.fixture
    def keyring_text(self) -> str:
        return Keyring.mint("first")

    @pytest.fixture
    def keyring(self, keyring_text: str) -> Keyring:
        return Keyring.parse(keyring_text)

    @pytest.fixture
    def busy(self, keyring_text: str) -> Iterator["subprocess.Popen[str]"]:
        with subprocess.Popen(
            [sys.executable, "-m", "tests.accounts.busy_postman", keyring_text],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as process:
            watch = threading.Timer(60, process.kill)
            watch.start()
            yield process
            watch.cancel()
            assert process.stdin is not None
            process.stdin.close()

    async def test_no_kill_loses_a_letter(
        self, office: Office, clock: MovedClock, box: Mailbox, busy: "subprocess.Popen[str]"
    ) -> None:
        chance = random.Random()  # noqa: S311
        for number in range(LETTERS):
            await office.post(to=f"a{number}@example.com")

        async def hear() -> str:
            assert busy.stdout is not None
            return (await asyncio.to_thread(busy.stdout.readline)).strip()

        def begin() -> None:
            assert busy.stdin is not None
            busy.stdin.write(f"{clock()} {office.store.path} {box.url}\n")

        for _ in range(KILLS):
            begin()
            process = int(await hear())
            for _ in range(chance.randint(1, 4)):
                await box.next()
            os.kill(process, signal.SIGKILL)
            assert await hear() == "dead"
            clock.forward(microseconds=LEASE)
        assert await office.left() > 0  # else the last ones had nothing to be killed at
        begin()
        assert await hear() != "dead"
        assert (await hear(), await hear()) == ("done", "dead")
        assert await office.left() == 0
        assert set(box.recipients) == {f"a{number}@example.com" for number in range(LETTERS)}
        # Sent twice at most by the four that a process has in its hands when it dies, and those
        # whose end it had not yet written down; and then as the same letter.
        assert len(box.messages) <= LETTERS + KILLS * 20
        assert len({message.as_bytes() for message in box.messages}) == LETTERS
