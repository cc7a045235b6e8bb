"""Codes by WhatsApp: for one browser, for ten minutes, once, and not for guessing."""

import asyncio
import base64
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.errors import (
    CodeWrong,
    MessageNotSent,
    NotOffered,
    PhoneMalformed,
    TicketGone,
    TooManyTries,
)
from accounts.phone_codes import LIFE, TRIES, CodePurpose, PhoneCodes, ShownNumber
from accounts.tickets import Purpose, Tickets
from accounts.visits import Visit
from accounts.whatsapp import WebhookRefused, WhatsApp, reference
from keysteward.box import SealedBox
from store import Owner, ProvenOwner, Store
from store.clock import MINUTE
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from tests.kit.fake_whatsapp import (
    VERIFY_TOKEN,
    FakeWhatsApp,
    Message,
    drops,
    failed,
    fake_whatsapp,
    message_id,
    news,
    refuses,
    sign,
    webhook,
)
from vault.keyring import Keyring

NUMBER = "+4915112345678"
OTHER = "+447400123456"
VISIT = Visit(address="192.0.2.7")
HALF_A_MINUTE = 30

Ask = Callable[..., Awaitable[str]]


@pytest.fixture
async def fake() -> AsyncIterator[FakeWhatsApp]:
    async with fake_whatsapp() as served:
        yield served


@pytest.fixture
def tickets(keyring: Keyring) -> Tickets:
    return Tickets(SealedBox(keyring))


@pytest.fixture
async def codes(
    store: Store, tickets: Tickets, keyring: Keyring, clock: MovedClock, fake: FakeWhatsApp
) -> AsyncIterator[PhoneCodes]:
    made = PhoneCodes(store, tickets, keyring, clock, WhatsApp(fake.settings()), later=0)
    yield made
    await made.close()


@pytest.fixture
def ask(codes: PhoneCodes) -> Ask:
    """Ask for a code, as somebody does who wants in."""

    async def asked(number: str = NUMBER, **other: Any) -> str:
        told: dict[str, Any] = {"purpose": CodePurpose.SIGN_IN, "owner": None, "visit": VISIT}
        return await codes.ask(number, **{**told, **other})

    return asked


def wrong(code: str) -> str:
    """Give a code that is not this one."""
    return f"{(int(code) + 1) % 1_000_000:06}"


async def asked_too_often(asking: Awaitable[str]) -> int:
    with pytest.raises(TooManyTries) as too_many:
        await asking
    assert too_many.value.__cause__ is None
    return too_many.value.wait


async def refused(checking: Awaitable[ShownNumber]) -> int | None:
    """Expect that a code is wrong; give how many tries are left."""
    with pytest.raises(CodeWrong) as code_wrong:
        await checking
    return code_wrong.value.left


class TestTheRightCode:
    async def test_it_shows_the_number(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp
    ) -> None:
        ticket = await ask("+49 151 12345678")
        message = await fake.received()
        assert message.to == NUMBER
        shown = await codes.check(ticket, message.code)
        assert (shown.number, shown.purpose, shown.account) == (NUMBER, CodePurpose.SIGN_IN, None)
        assert NUMBER not in repr(shown)

    @pytest.mark.parametrize("purpose", [CodePurpose.LINK, CodePurpose.FRESH])
    async def test_and_whose_request_it_was(
        self,
        codes: PhoneCodes,
        ask: Ask,
        fake: FakeWhatsApp,
        ada: ProvenOwner,
        purpose: CodePurpose,
    ) -> None:
        ticket = await ask(purpose=purpose, owner=ada)
        shown = await codes.check(ticket, fake.messages[0].code)
        assert (shown.purpose, shown.account) == (purpose, ada.account)

    @pytest.mark.parametrize(
        "form",
        ["{0} {1}", " {0}{1}\n", "{0}-{1}", "{0} - {1}", "{0}\N{NO-BREAK SPACE}{1}", "{0}–{1}"],  # noqa: RUF001
    )
    async def test_however_it_is_typed(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, form: str
    ) -> None:
        ticket = await ask()
        code = (await fake.received()).code
        await codes.check(ticket, form.format(code[:3], code[3:]))

    async def test_it_has_six_digits_and_keeps_its_zeros(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(secrets, "randbelow", lambda most: most // most * 42)
        ticket = await ask()
        assert (await fake.received()).code == "000042"
        assert await refused(codes.check(ticket, "42")) == TRIES - 1
        await codes.check(ticket, "000042")

    async def test_codes_are_drawn_from_all_there_are(
        self, ask: Ask, fake: FakeWhatsApp, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []
        drawn = secrets.randbelow

        def seen(most: int) -> int:
            asked.append(most)
            return drawn(most)

        monkeypatch.setattr(secrets, "randbelow", seen)
        for count in range(1, 6):
            await ask()
            await fake.received(count)
            clock.forward(seconds=HALF_A_MINUTE)
        assert asked == [1_000_000] * 5
        assert len({message.code for message in fake.messages}) > 1

    async def test_it_works_once(self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp) -> None:
        ticket = await ask()
        code = (await fake.received()).code
        await codes.check(ticket, code)
        with pytest.raises(TicketGone):
            await codes.check(ticket, code)

    async def test_of_fifty_at_once_exactly_one_gets_in(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp
    ) -> None:
        ticket = await ask()
        code = (await fake.received()).code
        tried = await asyncio.gather(
            *(codes.check(ticket, code) for _ in range(50)), return_exceptions=True
        )
        assert sum(isinstance(each, ShownNumber) for each in tried) == 1
        assert sum(isinstance(each, TicketGone) for each in tried) == 49

    async def test_it_works_with_an_older_master_key_s_signature(
        self, store: Store, clock: MovedClock, fake: FakeWhatsApp
    ) -> None:
        old, new = Keyring.mint("old"), Keyring.mint("new")
        whatsapp = WhatsApp(fake.settings())

        def with_keys(text: str) -> PhoneCodes:
            keyring = Keyring.parse(text)
            return PhoneCodes(store, Tickets(SealedBox(keyring)), keyring, clock, whatsapp)

        before = with_keys(old)
        ticket = await before.ask(
            NUMBER, purpose=CodePurpose.SIGN_IN, owner=None, visit=VISIT, anyone=True
        )
        await with_keys(f"{new},{old}").check(ticket, fake.messages[0].code)


class TestBinding:
    async def test_a_code_is_worth_nothing_with_another_browser_s_ticket(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, clock: MovedClock
    ) -> None:
        mine = await ask()
        await fake.received()
        clock.forward(seconds=HALF_A_MINUTE)
        theirs = await ask(visit=Visit(address="198.51.100.1"))
        await fake.received(2)
        first, second = (message.code for message in fake.messages)
        assert await refused(codes.check(theirs, first)) == TRIES - 1
        assert await refused(codes.check(mine, second)) == TRIES - 1
        await codes.check(mine, first)
        await codes.check(theirs, second)

    async def test_nor_for_another_number(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp
    ) -> None:
        await ask()
        code = (await fake.received()).code
        other = await ask(OTHER)
        assert await refused(codes.check(other, code)) == TRIES - 1

    @pytest.mark.parametrize("ticket", ["", "kso_", "x" * 10_000, "\ud800"])
    async def test_nor_with_none(self, codes: PhoneCodes, ticket: str) -> None:
        with pytest.raises(TicketGone):
            await codes.check(ticket, "000000")

    async def test_nor_with_a_ticket_for_something_else(
        self, codes: PhoneCodes, store: Store, tickets: Tickets, clock: MovedClock
    ) -> None:
        other = await store.write(
            lambda tx: tickets.issue(tx, Purpose.OAUTH, None, now=clock(), life=LIFE)
        )
        with pytest.raises(TicketGone):
            await codes.check(other, "000000")

    async def test_an_owner_s_newer_code_ends_the_older_one(  # noqa: PLR0917 - fixtures
        self,
        codes: PhoneCodes,
        ask: Ask,
        fake: FakeWhatsApp,
        clock: MovedClock,
        ada: ProvenOwner,
        bob: ProvenOwner,
    ) -> None:
        older = await ask(purpose=CodePurpose.LINK, owner=ada)
        bob_s = await ask(OTHER, purpose=CodePurpose.LINK, owner=bob)
        clock.forward(seconds=HALF_A_MINUTE)
        newer = await ask(purpose=CodePurpose.LINK, owner=ada)
        first, second, third = (message.code for message in fake.messages)
        with pytest.raises(TicketGone):
            await codes.check(older, first)
        await codes.check(newer, third)
        await codes.check(bob_s, second)

    async def test_a_code_to_sign_in_is_nobody_s_and_any_other_somebody_s(
        self, ask: Ask, ada: ProvenOwner
    ) -> None:
        for told in (
            {"purpose": CodePurpose.SIGN_IN, "owner": ada},
            {"purpose": CodePurpose.LINK, "owner": None},
            {"purpose": CodePurpose.FRESH, "owner": None},
        ):
            with pytest.raises(ValueError, match="nobody's"):
                await ask(**told)


class TestEnding:
    async def test_it_ends_after_ten_minutes_to_the_microsecond(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, clock: MovedClock
    ) -> None:
        assert LIFE == 10 * MINUTE
        ticket = await ask()
        code = (await fake.received()).code
        clock.forward(microseconds=LIFE - 1)
        assert await refused(codes.check(ticket, wrong(code))) == TRIES - 1
        clock.forward(microseconds=1)
        with pytest.raises(TicketGone):
            await codes.check(ticket, code)

    async def test_it_still_works_in_the_last_microsecond(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, clock: MovedClock
    ) -> None:
        ticket = await ask()
        code = (await fake.received()).code
        clock.forward(microseconds=LIFE - 1)
        await codes.check(ticket, code)

    async def test_it_ends_with_its_fifth_wrong_answer(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp
    ) -> None:
        ticket = await ask()
        code = (await fake.received()).code
        left = [await refused(codes.check(ticket, wrong(code))) for _ in range(TRIES)]
        assert left == [4, 3, 2, 1, 0]
        with pytest.raises(TicketGone):
            await codes.check(ticket, code)

    async def test_the_fifth_answer_may_be_right(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp
    ) -> None:
        ticket = await ask()
        code = (await fake.received()).code
        for _ in range(TRIES - 1):
            await refused(codes.check(ticket, wrong(code)))
        await codes.check(ticket, code)

    @pytest.mark.parametrize(
        "typed", ["", " ", "12345", "1234567", "12345a", "١٢٣٤٥٦", "--", "\ud800", "1" * 100_000]
    )
    async def test_what_is_no_code_at_all_costs_a_try_too(
        self, codes: PhoneCodes, ask: Ask, typed: str
    ) -> None:
        ticket = await ask()
        assert await refused(codes.check(ticket, typed)) == TRIES - 1

    async def test_of_fifty_guesses_at_once_five_are_looked_at(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp
    ) -> None:
        ticket = await ask()
        code = (await fake.received()).code
        tried = await asyncio.gather(
            *(codes.check(ticket, wrong(code)) for _ in range(50)), return_exceptions=True
        )
        assert sum(isinstance(each, CodeWrong) for each in tried) == TRIES
        assert sum(isinstance(each, TicketGone) for each in tried) == 50 - TRIES

    async def test_wrong_answers_stay_counted_when_the_server_is_started_again(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, data: Path
    ) -> None:
        ticket = await ask()
        code = (await fake.received()).code
        for _ in range(TRIES):
            await refused(codes.check(ticket, wrong(code)))
        async with await Store.open(data / "keysteward.db") as other:
            rows = await other.read(lambda tx: tx.all("SELECT 1 FROM tickets"))
            assert rows == []
            (left,) = await other.read(
                lambda tx: tx.all("SELECT left FROM buckets WHERE name LIKE 'whatsapp wrong %'")
            )
        assert left == (3_000,)


class TestGuessingAcrossCodes:
    async def guess(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, clock: MovedClock, number: str
    ) -> int:
        """Guess at a number for an hour, as fast as is let; give how often that was."""
        begin, guesses, count, network = clock(), 0, len(fake.messages), 0
        while clock() < begin + 60 * MINUTE:
            network += 1
            try:
                ticket = await ask(number, visit=Visit(address=f"198.51.100.{network % 250}"))
            except TooManyTries:
                clock.forward(seconds=15)
                continue
            count += 1
            code = (await fake.received(count)).code
            for _ in range(TRIES):
                try:
                    await codes.check(ticket, wrong(code))
                except CodeWrong:
                    guesses += 1
                except TooManyTries:
                    break
            clock.forward(seconds=15)
        return guesses

    async def test_ten_an_hour_are_looked_at_however_many_codes_are_sent(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, clock: MovedClock
    ) -> None:
        assert 5 < await self.guess(codes, ask, fake, clock, NUMBER) <= 10
        assert len(fake.messages) >= 5

    async def test_then_not_even_the_right_one_is(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, clock: MovedClock
    ) -> None:
        for count in (1, 2):
            ticket = await ask()
            code = (await fake.received(count)).code
            for _ in range(TRIES if count == 1 else 3):
                await refused(codes.check(ticket, wrong(code)))
            clock.forward(seconds=HALF_A_MINUTE)
        with pytest.raises(TooManyTries) as too_many:
            await codes.check(ticket, code)
        assert 29 * 60 <= too_many.value.wait <= 29 * 60 + 4  # buckets count thousandths
        # The try was not used up: it was not looked at. Another number is not concerned.
        other = await ask(OTHER)
        await codes.check(other, (await fake.received(3)).code)
        assert await left_of(codes, ticket) == 2

    async def test_right_ones_cost_nothing(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, clock: MovedClock, store: Store
    ) -> None:
        for count in range(1, 5):
            ticket = await ask()
            await codes.check(ticket, (await fake.received(count)).code)
            clock.forward(seconds=HALF_A_MINUTE)
        (left,) = await store.read(
            lambda tx: tx.all("SELECT left FROM buckets WHERE name LIKE 'whatsapp wrong %'")
        )
        assert left == (8_000,)


async def left_of(codes: PhoneCodes, ticket: str) -> int:
    """Give a ticket's tries."""
    ticked = await codes._store.read(
        lambda tx: codes._tickets.look_at(tx, ticket, Purpose.WHATSAPP_CODE, now=codes._clock())
    )
    return ticked.tries


class TestAskingTooOften:
    async def test_a_number_gets_one_a_half_minute(self, ask: Ask, clock: MovedClock) -> None:
        await ask()
        assert await asked_too_often(ask("+49 (0)151 12345678")) == HALF_A_MINUTE
        clock.forward(seconds=HALF_A_MINUTE - 3)
        assert await asked_too_often(ask(visit=Visit(address="198.51.100.1"))) == 3
        clock.forward(seconds=1.5)
        assert await asked_too_often(ask()) == 2
        clock.forward(seconds=1.5, microseconds=-1)
        assert await asked_too_often(ask()) == 1
        clock.forward(microseconds=1)
        await ask()

    async def test_and_five_then_one_each_twelve_minutes(self, ask: Ask, clock: MovedClock) -> None:
        for _ in range(5):
            await ask()
            clock.forward(seconds=HALF_A_MINUTE)
        wait = await asked_too_often(ask())
        rest = 12 * 60 - 5 * HALF_A_MINUTE
        assert rest <= wait <= rest + 5  # buckets count thousandths
        await ask(OTHER)
        clock.forward(seconds=wait)
        await ask()

    async def test_what_was_refused_counts_nowhere(self, ask: Ask, clock: MovedClock) -> None:
        await ask()
        for _ in range(20):
            await asked_too_often(ask())
        clock.forward(seconds=HALF_A_MINUTE)
        await ask()
        for last in range(8):
            await ask(f"+44740012340{last}")

    @pytest.mark.parametrize(
        ("one", "same", "other"),
        [
            ("192.0.2.7", "::ffff:192.0.2.7", "192.0.2.8"),
            ("2001:db8::1", "2001:db8::ffff:1:2", "2001:db8:0:1::1"),
        ],
    )
    async def test_a_client_gets_ten_an_hour_for_whatever_numbers(
        self, ask: Ask, one: str, same: str, other: str
    ) -> None:
        for last in range(10):
            await ask(f"+44740012340{last}", visit=Visit(address=one))
        assert await asked_too_often(ask(visit=Visit(address=same))) == 6 * 60
        await ask(visit=Visit(address=other))

    async def test_everybody_together_gets_two_hundred_an_hour(
        self, ask: Ask, clock: MovedClock
    ) -> None:
        begin = clock()
        for count in range(200):
            await ask(f"+447400123{count:03}", visit=Visit(address=f"10.0.0.{count}"), send=False)
        assert clock() == begin
        assert await asked_too_often(ask()) == 18
        clock.forward(seconds=18)
        await ask()

    async def test_owners_are_counted_too(self, ask: Ask, ada: ProvenOwner) -> None:
        await ask(purpose=CodePurpose.LINK, owner=ada)
        await asked_too_often(ask(purpose=CodePurpose.FRESH, owner=ada))
        await asked_too_often(ask())

    async def test_a_refusal_leaves_an_owner_s_code_as_it_is(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, ada: ProvenOwner
    ) -> None:
        ticket = await ask(purpose=CodePurpose.LINK, owner=ada)
        await asked_too_often(ask(purpose=CodePurpose.LINK, owner=ada))
        await codes.check(ticket, fake.messages[0].code)

    @pytest.mark.parametrize("number", ["", "0151 12345678", "+999 1"])
    async def test_what_is_no_number_is_not_counted(
        self, ask: Ask, store: Store, number: str
    ) -> None:
        with pytest.raises(PhoneMalformed):
            await ask(number)
        assert await store.read(lambda tx: tx.all("SELECT 1 FROM buckets")) == []


class TestUnknownNumbers:
    async def test_nothing_is_sent_and_no_code_fits(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(secrets, "randbelow", lambda _: 123_456)
        ticket = await ask(send=False)
        await codes.close()
        assert fake.requests == []
        for typed in ("", "      ", "000000", "------"):
            await refused(codes.check(ticket, typed))
        assert await refused(codes.check(ticket, "123456")) == 0

    async def test_they_are_answered_like_any_other(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp
    ) -> None:
        known, unknown = await ask(), await ask(OTHER, send=False)
        assert len(known) == len(unknown)
        assert await asked_too_often(ask()) == await asked_too_often(ask(OTHER, send=False))
        code = (await fake.received()).code
        for _ in range(TRIES):
            assert await refused(codes.check(known, wrong(code))) == await refused(
                codes.check(unknown, "123456")
            )
        for ticket in (known, unknown):
            with pytest.raises(TicketGone):
                await codes.check(ticket, code)

    async def test_the_message_goes_out_after_the_answer(
        self, ask: Ask, fake: FakeWhatsApp
    ) -> None:
        await ask()
        assert fake.requests == []
        await fake.received()

    async def test_what_fails_then_is_logged_and_not_told(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp, caplog: pytest.LogCaptureFixture
    ) -> None:
        fake.fail(refuses(b"401 Unauthorized", 190))
        await ask()
        await codes.close()
        assert "code 190" in caplog.text

    async def test_closing_waits_for_what_is_on_its_way(
        self, codes: PhoneCodes, ask: Ask, fake: FakeWhatsApp
    ) -> None:
        await ask()
        assert fake.messages == []
        await codes.close()
        assert len(fake.messages) == 1
        assert codes._sending == set()


class TestFailing:
    async def test_it_is_told_to_who_is_signed_in(
        self, ask: Ask, fake: FakeWhatsApp, ada: ProvenOwner
    ) -> None:
        fake.fail(refuses(b"400 Bad Request", 131026))
        with pytest.raises(MessageNotSent):
            await ask(purpose=CodePurpose.LINK, owner=ada)

    async def test_and_to_anyone_where_everybody_s_number_is_sent_one(
        self, ask: Ask, fake: FakeWhatsApp
    ) -> None:
        fake.fail(drops)
        with pytest.raises(MessageNotSent):
            await ask(anyone=True)

    async def test_it_counts_as_asked(
        self, ask: Ask, fake: FakeWhatsApp, clock: MovedClock
    ) -> None:
        fake.fail(drops)
        with pytest.raises(MessageNotSent):
            await ask(anyone=True)
        await asked_too_often(ask(anyone=True))
        clock.forward(seconds=HALF_A_MINUTE)
        await ask(anyone=True)
        assert len(fake.messages) == 1


class TestNotOffered:
    async def test_without_whatsapp_all_of_it_is_refused(
        self, store: Store, tickets: Tickets, keyring: Keyring, clock: MovedClock
    ) -> None:
        codes = PhoneCodes(store, tickets, keyring, clock, None)
        assert not codes.offered
        with pytest.raises(NotOffered, match="WhatsApp"):
            await codes.ask(NUMBER, purpose=CodePurpose.SIGN_IN, owner=None, visit=VISIT)
        with pytest.raises(NotOffered):
            await codes.check("kso_x", "123456")
        with pytest.raises(NotOffered):
            codes.challenge({})
        with pytest.raises(NotOffered):
            codes.heard(b"", "")

    async def test_with_it_it_is_offered(self, codes: PhoneCodes) -> None:
        assert codes.offered


class TestWebhooks:
    MESSAGE = Message(NUMBER, "123456", message_id(NUMBER, 7))

    async def test_the_challenge_is_answered(self, codes: PhoneCodes) -> None:
        query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1"}
        assert codes.challenge(query) == "1"
        assert codes.challenge({}) is None

    async def test_a_message_that_was_not_delivered_is_logged_by_what_stands_for_it(
        self, codes: PhoneCodes, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        body = webhook(news(self.MESSAGE, "sent"), failed(self.MESSAGE, 131026))
        codes.heard(body, sign(body))
        (line,) = (each.getMessage() for each in caplog.records if each.levelno > logging.DEBUG)
        expected = reference(self.MESSAGE.id)
        assert line == f"WhatsApp did not deliver message {expected}: code 131026"

    async def test_nor_its_id_nor_the_number_in_it_is(
        self, codes: PhoneCodes, caplog: pytest.LogCaptureFixture
    ) -> None:
        number = base64.b64decode(self.MESSAGE.id.removeprefix("wamid."))[3:16].decode()
        assert number == NUMBER[1:]
        body = webhook(failed(self.MESSAGE))
        codes.heard(body, sign(body))
        assert self.MESSAGE.id not in caplog.text
        for shift in range(3):  # wherever it begins in base64's groups of three bytes
            piece = base64.b64encode(bytes(shift) + NUMBER[1:].encode()).decode()[4:-4]
            assert piece not in caplog.text

    async def test_the_log_calls_a_message_the_same_when_it_was_sent(
        self, ask: Ask, fake: FakeWhatsApp, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "keysteward.whatsapp")
        await ask(anyone=True)
        (message,) = fake.messages
        assert f"WhatsApp took message {reference(message.id)}" in caplog.text

    async def test_what_is_not_signed_is_refused(
        self, codes: PhoneCodes, caplog: pytest.LogCaptureFixture
    ) -> None:
        body = webhook(failed(self.MESSAGE))
        for signature in (None, "", sign(body + b" ")):
            with pytest.raises(WebhookRefused):
                codes.heard(body, signature)
        assert "did not deliver" not in caplog.text


class TestSecrets:
    async def test_neither_number_nor_code_is_in_any_file_or_log(  # noqa: PLR0917 - fixtures
        self,
        codes: PhoneCodes,
        ask: Ask,
        fake: FakeWhatsApp,
        data: Path,
        ada: ProvenOwner,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        monkeypatch.setattr(secrets, "randbelow", lambda _: 907_341)
        tickets = [
            await ask(),
            await ask(OTHER, purpose=CodePurpose.LINK, owner=Owner(ada.account)),
        ]
        for message in (await fake.received(1), await fake.received(2)):
            body = webhook(failed(message))
            codes.heard(body, sign(body))
        await refused(codes.check(tickets[0], "907 342"))
        needles = (NUMBER[1:], OTHER[1:], NUMBER[3:], "907341", *tickets)
        assert files_with(data, *(needle.encode() for needle in needles)) == []
        await codes.check(tickets[1], "907-341")
        assert files_with(data, *(needle.encode() for needle in needles)) == []
        for needle in (*needles, "907 341", "907342", "wamid."):
            assert needle not in caplog.text

    async def test_the_digests_in_the_database_are_keyed(
        self, ask: Ask, store: Store, clock: MovedClock, fake: FakeWhatsApp
    ) -> None:
        """Else anybody who has a copy could try all numbers there are."""

        async def buckets() -> set[str]:
            rows = await store.read(lambda tx: tx.all("SELECT name FROM buckets"))
            return {row[0] for row in rows}

        await ask()
        mine = await buckets()
        keyring = Keyring.parse(Keyring.mint("first"))
        codes = PhoneCodes(
            store, Tickets(SealedBox(keyring)), keyring, clock, WhatsApp(fake.settings())
        )
        await codes.ask(NUMBER, purpose=CodePurpose.SIGN_IN, owner=None, visit=VISIT, anyone=True)
        assert len(await buckets() - mine) == 2
