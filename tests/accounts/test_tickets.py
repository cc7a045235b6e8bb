"""Tickets: good for one thing, once, until their sealed end, for whoever they were issued to."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import tokens
from accounts.errors import TicketGone
from accounts.tickets import Purpose, Ticket, Tickets
from accounts.tokens import TokenKind
from keysteward.box import SealedBox
from store import Owner, ProvenOwner, Store, Tx
from store.clock import MINUTE
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from tests.kit.people import ADA
from vault.keyring import Keyring

RESET, INVITE, CODE = Purpose.RESET_PASSWORD, Purpose.INVITE, Purpose.WHATSAPP_CODE
LIFE = 10 * MINUTE


class Desk:
    """Tickets, each act in a transaction of its own."""

    def __init__(self, store: Store, keyring: Keyring, clock: MovedClock) -> None:
        self.store, self.clock = store, clock
        self.tickets = Tickets(SealedBox(keyring))

    async def issue(self, purpose: Purpose = RESET, owner: Owner | None = ADA, **given: Any) -> str:
        now = self.clock()
        given = {"life": LIFE} | given
        return await self.store.write(
            lambda tx: self.tickets.issue(tx, purpose, owner, now=now, **given)
        )

    async def redeem(self, text: str, purpose: Purpose = RESET) -> Ticket:
        now = self.clock()
        return await self.store.write(lambda tx: self.tickets.redeem(tx, text, purpose, now=now))

    async def look_at(self, text: str, purpose: Purpose = RESET) -> Ticket:
        now = self.clock()
        return await self.store.read(lambda tx: self.tickets.look_at(tx, text, purpose, now=now))

    async def attempt(self, text: str, purpose: Purpose = CODE) -> Ticket:
        now = self.clock()
        return await self.store.write(lambda tx: self.tickets.attempt(tx, text, purpose, now=now))

    async def use_up(self, ticket: Ticket) -> None:
        await self.store.write(lambda tx: self.tickets.use_up(tx, ticket))

    async def run(self, sql: str, **values: Any) -> int:
        """Write as somebody does who has no master key."""
        return await self.store.write(lambda tx: tx.run(sql, **values))

    async def gone(self, text: str, purpose: Purpose = RESET) -> None:
        for act in (self.look_at, self.redeem, self.attempt):
            with pytest.raises(TicketGone) as gone:
                await act(text, purpose)
            assert gone.value.__cause__ is None
            assert len(text) < 12 or text[4:12] not in str(gone.value)


@pytest.fixture
def desk(store: Store, keyring: Keyring, clock: MovedClock, ada: ProvenOwner) -> Desk:
    assert ada == ADA
    return Desk(store, keyring, clock)


class TestRedeeming:
    async def test_it_gives_what_it_stands_for_and_whose_it_is(self, desk: Desk) -> None:
        text = await desk.issue(address="new@example.com", number=7, nothing=None)
        for ticket in (await desk.look_at(text), await desk.redeem(f" {text}\n")):
            assert ticket.owner.account == ADA.account
            assert ticket.facts == {"address": "new@example.com", "number": 7, "nothing": None}
            assert "new@example.com" not in repr(ticket)

    async def test_it_is_good_once(self, desk: Desk) -> None:
        text = await desk.issue()
        await desk.redeem(text)
        await desk.gone(text)

    async def test_of_fifty_who_redeem_it_at_once_one_has_it(self, desk: Desk) -> None:
        text = await desk.issue()
        answers = await asyncio.gather(
            *(desk.redeem(text) for _ in range(50)), return_exceptions=True
        )
        assert sum(isinstance(answer, Ticket) for answer in answers) == 1
        assert sum(isinstance(answer, TicketGone) for answer in answers) == 49

    async def test_one_whose_use_failed_is_good_again(self, desk: Desk, store: Store) -> None:
        """It is redeemed in the transaction of what it is for: both are done, or neither."""
        text, now = await desk.issue(), desk.clock()

        def half(tx: Tx) -> None:
            desk.tickets.redeem(tx, text, RESET, now=now)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.write(half)
        await desk.redeem(text)

    async def test_it_ends_at_its_moment(self, desk: Desk) -> None:
        text = await desk.issue()
        desk.clock.forward(microseconds=LIFE - 1)
        await desk.look_at(text)
        desk.clock.forward(microseconds=1)
        await desk.gone(text)

    async def test_one_of_nobody_s_has_no_owner(self, desk: Desk) -> None:
        ticket = await desk.redeem(await desk.issue(INVITE, None), INVITE)
        assert ticket.account is None
        with pytest.raises(TicketGone):
            _ = ticket.owner

    @pytest.mark.parametrize("purpose", sorted(set(Purpose) - {RESET}))
    async def test_it_is_good_for_its_own_purpose_alone(self, desk: Desk, purpose: Purpose) -> None:
        text = await desk.issue()
        await desk.gone(text, purpose)
        await desk.redeem(text)

    async def test_what_is_no_ticket_is_gone(self, desk: Desk) -> None:
        text = await desk.issue()
        for other in (
            "",
            text[:-1],
            text.upper(),
            text[:20] + ("x" if text[20] != "x" else "y") + text[21:],
            "kst" + text[3:],
            "é\ud800",
            tokens.make(TokenKind.ONCE).text,
            tokens.make(TokenKind.USER).text,
        ):
            await desk.gone(other)
        await desk.redeem(text)


class TestFromOutside:
    """What somebody writes who has no master key."""

    async def test_an_end_that_was_moved_moves_nothing(self, desk: Desk) -> None:
        text = await desk.issue()
        await desk.run("UPDATE tickets SET expires_at = expires_at * 2")
        desk.clock.forward(microseconds=LIFE)
        await desk.gone(text)

    async def test_a_row_that_was_given_to_another_account_is_gone(
        self, desk: Desk, bob: ProvenOwner
    ) -> None:
        text = await desk.issue()
        for account in (bob.account, None):
            await desk.run("UPDATE tickets SET account = :account", account=account)
            await desk.gone(text)
            text = await desk.issue()

    async def test_one_of_nobody_s_can_t_be_made_somebody_s(self, desk: Desk) -> None:
        text = await desk.issue(INVITE, None)
        await desk.run("UPDATE tickets SET account = :account", account=ADA.account)
        await desk.gone(text, INVITE)

    async def test_a_row_that_was_given_another_purpose_is_gone(self, desk: Desk) -> None:
        text = await desk.issue(Purpose.VERIFY_ADDRESS)
        await desk.run("UPDATE tickets SET purpose = 'RESET_PASSWORD'")
        await desk.gone(text)

    async def test_a_seal_that_was_altered_or_swapped_opens_nothing(self, desk: Desk) -> None:
        mine, other = await desk.issue(address="a"), await desk.issue(address="b")
        await desk.run(
            "UPDATE tickets SET sealed = (SELECT sealed FROM tickets WHERE digest = :other)"
            " WHERE digest = :mine",
            mine=tokens.digest_of(mine, TokenKind.ONCE),
            other=tokens.digest_of(other, TokenKind.ONCE),
        )
        await desk.gone(mine)
        assert (await desk.look_at(other)).facts == {"address": "b"}
        (row,) = await desk.store.read(
            lambda tx: tx.all(
                "SELECT sealed FROM tickets WHERE digest = :other",
                other=tokens.digest_of(other, TokenKind.ONCE),
            )
        )
        flipped = row[0][:-1] + bytes([row[0][-1] ^ 1])
        await desk.run("UPDATE tickets SET sealed = :sealed", sealed=flipped)
        await desk.gone(other)

    async def test_a_digest_that_was_planted_opens_nothing(self, desk: Desk) -> None:
        """The planter knows the ticket that goes with it."""
        await desk.issue()
        mine = tokens.make(TokenKind.ONCE)
        await desk.run("UPDATE tickets SET digest = :digest", digest=mine.digest)
        await desk.gone(mine.text)

    async def test_another_keyring_s_ticket_is_gone(
        self, desk: Desk, store: Store, clock: MovedClock
    ) -> None:
        stranger = Desk(store, Keyring.parse(Keyring.mint("first")), clock)
        await desk.gone(await stranger.issue())

    async def test_none_is_in_any_file_nor_is_what_it_stands_for(
        self, desk: Desk, data: Path
    ) -> None:
        text = await desk.issue(address="somebody@elsewhere.example")
        needles = (text.encode(), text[4:40].encode(), b"somebody@elsewhere")
        assert files_with(data, *needles) == []
        await desk.attempt(text, RESET)
        assert files_with(data, *needles) == []


class TestTries:
    async def test_each_try_counts_whatever_comes_of_it(self, desk: Desk) -> None:
        text = await desk.issue(CODE, tries=3)
        left = [(await desk.attempt(text)).tries for _ in range(3)]
        assert left == [2, 1, 0]
        await desk.gone(text, CODE)

    async def test_of_many_at_once_no_more_are_let_through(self, desk: Desk) -> None:
        text = await desk.issue(CODE, tries=5)
        answers = await asyncio.gather(
            *(desk.attempt(text) for _ in range(50)), return_exceptions=True
        )
        assert sum(isinstance(answer, Ticket) for answer in answers) == 5

    async def test_whoever_was_right_uses_it_up_and_nobody_else_can(self, desk: Desk) -> None:
        text = await desk.issue(CODE, tries=3)
        first, second = await desk.attempt(text), await desk.attempt(text)
        await desk.use_up(first)
        with pytest.raises(TicketGone):
            await desk.use_up(second)
        await desk.gone(text, CODE)

    async def test_the_last_try_may_be_the_right_one(self, desk: Desk) -> None:
        text = await desk.issue(CODE, tries=1)
        await desk.use_up(await desk.attempt(text))
        await desk.gone(text, CODE)


class TestVoiding:
    async def test_those_of_the_purpose_and_of_the_owner_are_gone(
        self, desk: Desk, store: Store, bob: ProvenOwner
    ) -> None:
        mine, theirs = await desk.issue(), await desk.issue(owner=bob)
        invite, nobodys = await desk.issue(INVITE), await desk.issue(INVITE, None)
        await store.write(lambda tx: desk.tickets.void(tx, ADA, RESET))
        await desk.gone(mine)
        await desk.look_at(theirs)
        await desk.look_at(invite, INVITE)
        await store.write(lambda tx: desk.tickets.void(tx, ADA))
        await desk.gone(invite, INVITE)
        await desk.look_at(theirs)
        await desk.look_at(nobodys, INVITE)

    async def test_what_has_expired_is_cleared_away_by_the_next(
        self, desk: Desk, store: Store
    ) -> None:
        await desk.issue()
        desk.clock.forward(microseconds=LIFE)
        await desk.issue(INVITE)
        rows = await store.read(lambda tx: tx.all("SELECT purpose FROM tickets"))
        assert rows == [("INVITE",)]


@given(st.text(max_size=80))
def test_whatever_is_sent_is_gone_and_not_repeated(text: str) -> None:
    tickets = Tickets(SealedBox(Keyring.parse(Keyring.mint("k"))))
    with pytest.raises(TicketGone) as gone:
        tickets.look_at(None, text, RESET, now=0)  # type: ignore[arg-type]  # no row is asked for
    assert len(text) < 12 or text not in str(gone.value)
