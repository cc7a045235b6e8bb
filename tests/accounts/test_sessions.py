"""Sessions: a cookie that can't be made up or altered, a login that is fresh for five minutes."""

import base64
from pathlib import Path

import pytest

from accounts.errors import SignInRequired, StaleLogin
from accounts.sessions import FRESH_FOR, LIFE, Session, Sessions
from store import ProvenOwner, Store
from store.clock import MINUTE
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


class TestEnding:
    async def test_it_ends_with_its_life(
        self, sessions: Sessions, cookie: str, clock: MovedClock
    ) -> None:
        clock.forward(microseconds=LIFE - 1)
        await sessions.find(cookie)
        clock.forward(microseconds=1)
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
        with pytest.raises(SignInRequired):
            await sessions.refresh(session)
        await sessions.end(session)
        kinds = await store.read(lambda tx: tx.all("SELECT kind FROM changes"))
        assert kinds == [("SESSION_ENDED",)]

    async def test_another_session_lives_on(
        self, sessions: Sessions, session: Session, ada: ProvenOwner
    ) -> None:
        other = await sessions.open(ada)
        await sessions.end(session)
        await sessions.find(other)


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

    async def test_the_password_given_again_makes_it_fresh(
        self, sessions: Sessions, session: Session, cookie: str, clock: MovedClock, ada: ProvenOwner
    ) -> None:
        clock.forward(seconds=3600)
        await sessions.refresh(session)
        found = await sessions.find(cookie)
        assert sessions.proven(found) == ada
        assert found.expires_at == session.expires_at

    async def test_another_s_session_can_t_be_made_fresh(
        self, sessions: Sessions, session: Session, bob: ProvenOwner
    ) -> None:
        theirs = Session(session.digest, bob, session.expires_at, session.proven_at)
        with pytest.raises(SignInRequired):
            await sessions.refresh(theirs)
        await sessions.end(theirs)
        await sessions.refresh(session)
