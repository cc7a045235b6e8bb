"""Sessions: a cookie that can't be made up or altered, a login that is fresh for five minutes."""

import asyncio
import base64
import dataclasses
from pathlib import Path

import pytest

import audit
from accounts.errors import SessionGone, SignInRequired, StaleLogin
from accounts.sessions import FRESH_FOR, IDLE, LIFE, MOST_AT_ONCE, Means, Session, Sessions
from accounts.visits import Visit
from audit import Act
from keysteward.config import Config
from keysteward.masterkey import cookie_keyring_of
from store import ProvenOwner, Store, Tx
from store.clock import DAY, MINUTE, SECOND
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from vault.keyring import Keyring


@pytest.fixture
async def cookie(sessions: Sessions, ada: ProvenOwner) -> str:
    return await sessions.open(ada)


@pytest.fixture
async def session(sessions: Sessions, cookie: str) -> Session:
    return await sessions.find(cookie)


async def refused(sessions: Sessions, cookie: str) -> None:
    with pytest.raises(SignInRequired) as required:
        await sessions.find(cookie)
    assert required.value.__cause__ is None


class TestCookies:
    async def test_it_finds_its_session(
        self, session: Session, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        assert session.owner.account == ada.account
        assert (session.proven_at, session.expires_at) == (clock(), clock() + LIFE)

    async def test_each_sign_in_gets_a_new_one(self, sessions: Sessions, ada: ProvenOwner) -> None:
        assert len({await sessions.open(ada) for _ in range(5)}) == 5

    async def test_neither_it_nor_its_id_is_in_any_file(self, cookie: str, data: Path) -> None:
        session_id = base64.urlsafe_b64decode(cookie)[:32]
        assert files_with(data, cookie.encode(), session_id) == []

    async def test_no_bit_of_it_can_be_flipped(self, sessions: Sessions, cookie: str) -> None:
        raw = base64.urlsafe_b64decode(cookie)
        for bit in range(8 * len(raw)):
            flipped = bytearray(raw)
            flipped[bit // 8] ^= 1 << bit % 8
            await refused(sessions, base64.urlsafe_b64encode(flipped).decode())

    async def test_no_character_of_it_can_be_changed(self, sessions: Sessions, cookie: str) -> None:
        for place, character in enumerate(cookie):
            for other in {"A", "B", "Q", "w", "-", "=", "+", " ", "é"} - {character}:
                await refused(sessions, cookie[:place] + other + cookie[place + 1 :])

    async def test_it_can_be_cut_nowhere_and_nothing_be_added(
        self, sessions: Sessions, cookie: str
    ) -> None:
        for end in range(len(cookie)):
            await refused(sessions, cookie[:end])
        for more in ("=", "A", "\n", "AAAA", cookie):
            await refused(sessions, cookie + more)
            await refused(sessions, more + cookie)

    @pytest.mark.parametrize("text", ["", "é", "\ud800", "A" * 88, "A" * 100_000, "null"])
    async def test_what_is_no_cookie_of_ours_is_refused(
        self, sessions: Sessions, text: str
    ) -> None:
        await refused(sessions, text)

    async def test_another_keyring_s_cookie_is_refused(
        self, store: Store, ada: ProvenOwner, clock: MovedClock, sessions: Sessions
    ) -> None:
        stranger = Sessions(store, Keyring.parse(Keyring.mint("first")), clock)
        await refused(sessions, await stranger.open(ada))

    async def test_a_new_master_key_ends_no_session(
        self, store: Store, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        old, new = Keyring.mint("old"), Keyring.mint("new")
        cookie = await Sessions(store, Keyring.parse(old), clock).open(ada)
        after = Sessions(store, Keyring.parse(f"{new},{old}"), clock)
        assert (await after.find(cookie)).owner.account == ada.account

    async def test_one_planted_beforehand_is_worth_nothing_after_the_sign_in(
        self, sessions: Sessions, cookie: str, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        """Whoever signs in gets an id of their own, whatever the browser had before."""
        theirs = await sessions.open(bob)
        assert cookie != theirs
        assert (await sessions.find(cookie)).owner.account == ada.account
        assert (await sessions.find(theirs)).owner.account == bob.account


class TestKeysOfTheirOwn:
    """KEYSTEWARD_COOKIE_KEYS: rotated without the master key, and without ending a session."""

    @staticmethod
    def sessions(store: Store, keyring: Keyring, clock: MovedClock, *keys: str) -> Sessions:
        config = Config.read({"KEYSTEWARD_COOKIE_KEYS": ",".join(keys)}, dotenv=None)
        return Sessions(store, keyring, clock, cookies=cookie_keyring_of(config))

    async def test_an_old_one_is_good_for_as_long_as_it_is_listed(
        self, store: Store, ada: ProvenOwner, clock: MovedClock, keyring: Keyring
    ) -> None:
        old, new = Keyring.mint("c1"), Keyring.mint("c2")
        cookie = await self.sessions(store, keyring, clock, old).open(ada)
        assert await self.sessions(store, keyring, clock, new, old).find(cookie)
        await refused(self.sessions(store, keyring, clock, new), cookie)

    async def test_new_cookies_are_signed_with_the_first(
        self, store: Store, ada: ProvenOwner, clock: MovedClock, keyring: Keyring
    ) -> None:
        old, new = Keyring.mint("c1"), Keyring.mint("c2")
        cookie = await self.sessions(store, keyring, clock, new, old).open(ada)
        assert await self.sessions(store, keyring, clock, new).find(cookie)
        await refused(self.sessions(store, keyring, clock, old), cookie)

    async def test_where_there_are_some_the_master_key_signs_no_cookie(
        self,
        store: Store,
        ada: ProvenOwner,
        clock: MovedClock,
        keyring: Keyring,
        sessions: Sessions,
    ) -> None:
        ours = self.sessions(store, keyring, clock, Keyring.mint("c1"))
        await refused(ours, await sessions.open(ada))
        await refused(sessions, await ours.open(ada))


class TestEnding:
    async def test_it_ends_with_its_life_however_often_it_is_used(
        self, sessions: Sessions, session: Session, cookie: str, clock: MovedClock, store: Store
    ) -> None:
        assert LIFE == 14 * DAY
        while clock() + IDLE // 2 < session.expires_at:
            clock.forward(microseconds=IDLE // 2)
            await sessions.find(cookie)
            await store.write(lambda _: None)  # what was noted of its use goes with this
        clock.forward(microseconds=session.expires_at - clock() - 1)
        await sessions.find(cookie)
        clock.forward(microseconds=1)
        await refused(sessions, cookie)

    async def test_to_look_whether_it_goes_on_is_no_use(
        self, sessions: Sessions, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        """Else a page that stands open would keep a session that nobody uses."""
        cookie = await sessions.open(ada)
        for _ in range(23):
            clock.forward(seconds=3600)
            await sessions.find(cookie, is_use=False)
        assert (await sessions.find(cookie, is_use=False)).used_at == clock() - 23 * 60 * MINUTE
        clock.forward(seconds=3600)
        await refused(sessions, cookie)

    async def test_it_ends_when_it_was_not_used_for_a_day(
        self, sessions: Sessions, cookie: str, clock: MovedClock, ada: ProvenOwner
    ) -> None:
        assert IDLE == DAY
        clock.forward(microseconds=IDLE - 1)
        assert await sessions.list(ada)
        clock.forward(microseconds=1)
        await refused(sessions, cookie)
        assert await sessions.list(ada) == []

    async def test_each_use_is_noted_to_the_minute_and_gives_it_another_day(
        self, sessions: Sessions, session: Session, cookie: str, clock: MovedClock, store: Store
    ) -> None:
        async def used_at() -> int:
            await store.write(lambda _: None)
            ((at,),) = await store.read(lambda tx: tx.all("SELECT used_at FROM sessions"))
            return int(at)

        clock.forward(microseconds=MINUTE)
        await sessions.find(cookie)
        assert await used_at() == session.used_at
        clock.forward(microseconds=SECOND)
        await sessions.find(cookie)
        assert await used_at() == clock()
        clock.forward(microseconds=IDLE - 1)
        await sessions.find(cookie)

    async def test_a_clock_that_is_put_back_makes_it_live_no_longer(
        self, sessions: Sessions, cookie: str, clock: MovedClock
    ) -> None:
        clock.forward(microseconds=-IDLE + 1)
        await sessions.find(cookie)
        clock.forward(microseconds=-1)
        await refused(sessions, cookie)

    @pytest.mark.usefixtures("cookie", "ada")
    async def test_what_has_expired_is_cleared_away_by_the_next_sign_in(
        self, sessions: Sessions, clock: MovedClock, bob: ProvenOwner, store: Store
    ) -> None:
        clock.forward(microseconds=LIFE)
        await sessions.open(bob)
        rows = await store.read(lambda tx: tx.all("SELECT account FROM sessions"))
        assert rows == [(bob.account,)]

    async def test_once_ended_it_is_worth_nothing(
        self, sessions: Sessions, session: Session, cookie: str, store: Store
    ) -> None:
        await sessions.end(session)
        await refused(sessions, cookie)
        await sessions.end(session)
        kinds = await store.read(lambda tx: tx.all("SELECT kind FROM changes"))
        assert kinds == [("SESSION_ENDED",)]

    async def test_another_session_lives_on(
        self, sessions: Sessions, session: Session, ada: ProvenOwner
    ) -> None:
        other = await sessions.open(ada)
        await sessions.end(session)
        await sessions.find(other)

    async def test_the_list_is_the_owner_s_own_living_ones_the_last_used_first(
        self, sessions: Sessions, ada: ProvenOwner, bob: ProvenOwner, clock: MovedClock
    ) -> None:
        visit = Visit(address="192.0.2.7", device="Br\x00owser\n/1 " + "x" * 300)
        first = await sessions.find(await sessions.open(ada, Means.GOOGLE, visit))
        clock.forward(seconds=1)
        second = await sessions.find(await sessions.open(ada))
        await sessions.open(bob)
        assert await sessions.list(ada) == [second, first]
        assert (first.means, first.place) == (Means.GOOGLE, "192.0.2.7")
        assert first.device == ("Browser/1 " + "x" * 300)[:200]

    async def test_one_of_them_is_ended_by_its_reference_and_by_its_owner_alone(
        self,
        sessions: Sessions,
        session: Session,
        cookie: str,
        ada: ProvenOwner,
        bob: ProvenOwner,
    ) -> None:
        for who, reference in ((bob, session.reference), (ada, "ses_none"), (ada, "")):
            with pytest.raises(SessionGone):
                await sessions.end_one(who, reference)
        await sessions.find(cookie)
        await sessions.end_one(ada, session.reference)
        await refused(sessions, cookie)
        with pytest.raises(SessionGone):
            await sessions.end_one(ada, session.reference)

    async def test_all_the_others_are_ended_and_this_one_stays(
        self, sessions: Sessions, session: Session, cookie: str, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        others = [await sessions.open(ada) for _ in range(3)]
        theirs = await sessions.open(bob)
        assert await sessions.end_others(ada, session) == 3
        for other in others:
            await refused(sessions, other)
        await sessions.find(cookie)
        await sessions.find(theirs)
        assert await sessions.end_others(ada, session) == 0

    async def test_an_account_has_fifty_at_most_and_the_least_used_gives_way(
        self, sessions: Sessions, ada: ProvenOwner, bob: ProvenOwner, clock: MovedClock
    ) -> None:
        assert MOST_AT_ONCE == 50
        theirs = await sessions.open(bob)
        oldest = await sessions.open(ada)
        clock.forward(seconds=1)
        second = await sessions.open(ada)
        for _ in range(MOST_AT_ONCE - 2):
            clock.forward(seconds=2)
            await sessions.open(ada)
        await sessions.find(oldest)  # more than a minute after: it was used last
        clock.forward(seconds=2)
        await sessions.open(ada)
        await refused(sessions, second)
        await sessions.find(oldest)
        await sessions.find(theirs)
        assert len(await sessions.list(ada)) == MOST_AT_ONCE


class TestFreshness:
    async def test_a_login_is_fresh_for_five_minutes_to_the_microsecond(
        self, sessions: Sessions, session: Session, clock: MovedClock, ada: ProvenOwner
    ) -> None:
        assert FRESH_FOR == 5 * MINUTE
        clock.forward(microseconds=FRESH_FOR)
        assert sessions.proven(session) == ada
        clock.forward(microseconds=1)
        with pytest.raises(StaleLogin):
            sessions.proven(session)

    async def test_a_clock_that_is_put_back_does_not_keep_it_fresh(
        self, sessions: Sessions, session: Session, clock: MovedClock, ada: ProvenOwner
    ) -> None:
        clock.forward(seconds=-60)
        assert sessions.proven(session) == ada
        clock.forward(seconds=-3600)
        with pytest.raises(StaleLogin):
            sessions.proven(session)

    async def test_a_login_made_fresh_gives_another_cookie_and_ends_the_old_one_with_it(  # noqa: PLR0917
        self,
        sessions: Sessions,
        session: Session,
        cookie: str,
        clock: MovedClock,
        ada: ProvenOwner,
        store: Store,
        keyring: Keyring,
    ) -> None:
        clock.forward(seconds=3600)
        anew = await again(sessions, store, session, clock)
        assert anew != cookie
        await refused(sessions, cookie)
        found = await sessions.find(anew)
        assert sessions.proven(found) == ada
        assert (found.reference, found.created_at) == (session.reference, session.created_at)
        assert found.expires_at == session.expires_at  # else it would live for ever
        assert await sessions.list(ada) == [found]
        trail = await store.read(lambda tx: audit.verify(tx, keyring, ada))
        assert [entry.act for entry in trail] == [Act.SIGNED_IN, Act.PROVEN_AGAIN]

    async def test_both_or_neither(
        self, sessions: Sessions, session: Session, cookie: str, store: Store, clock: MovedClock
    ) -> None:
        def half(tx: Tx) -> None:
            sessions.begin(
                tx, session.owner, Means.PASSWORD, Visit(), now=clock(), instead_of=session
            )
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.write(half)
        assert await sessions.find(cookie) == session

    async def test_of_two_at_once_one_makes_it_fresh(
        self, sessions: Sessions, session: Session, store: Store, clock: MovedClock
    ) -> None:
        answers = await asyncio.gather(
            *(again(sessions, store, session, clock) for _ in range(2)), return_exceptions=True
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["SignInRequired", "str"]

    async def test_one_that_has_ended_and_another_s_can_t_be_made_fresh(  # noqa: PLR0917
        self,
        sessions: Sessions,
        session: Session,
        bob: ProvenOwner,
        store: Store,
        clock: MovedClock,
        cookie: str,
    ) -> None:
        theirs = dataclasses.replace(session, owner=bob)
        with pytest.raises(SignInRequired):
            await again(sessions, store, theirs, clock)
        await sessions.end(theirs)
        assert await sessions.find(cookie) == session
        await sessions.end(session)
        with pytest.raises(SignInRequired):
            await again(sessions, store, session, clock)


async def again(sessions: Sessions, store: Store, session: Session, clock: MovedClock) -> str:
    """Make a session's login fresh."""
    return await store.write(
        lambda tx: sessions.begin(
            tx, session.owner, Means.PASSWORD, Visit(), now=clock(), instead_of=session
        )
    )
