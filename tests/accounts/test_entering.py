"""The gate: whichever way somebody comes, the account is usable and the second factor shown."""

import asyncio
from typing import Any, Literal

import argon2
import pytest

import audit
from accounts import rows
from accounts.elsewhere import Intent, Person
from accounts.entering import Entered, HalfEntered
from accounts.errors import (
    AccountDisabled,
    CodeWrong,
    SignInRefused,
    SignInRequired,
    TicketGone,
    TooManyTries,
)
from accounts.identity_kind import IdentityKind
from accounts.people import People
from accounts.sessions import Means, Session
from accounts.visits import Visit
from audit import Act
from store import Owner, ProvenOwner, Store, Tx
from store.clock import MINUTE
from tests.accounts.conftest import Letters
from tests.kit.clock import MovedClock
from tests.kit.passwords import CHEAP
from tests.kit.whole_account import PASSWORD, SUBJECT, VISIT, Maker, Whole
from vault.keyring import Keyring
from vault.vault import Vault

ADDRESS = "ada@example.com"


@pytest.fixture
def make(people: People, vault: Vault, store: Store, keyring: Keyring, clock: MovedClock) -> Maker:
    return Maker(people, vault, store, keyring, clock)


@pytest.fixture
async def whole(make: Maker, clock: MovedClock) -> Whole:
    """Ada, with a second factor whose next code has not been used."""
    made = await make(ADDRESS)
    clock.forward(seconds=30)
    return made


@pytest.fixture
async def plain(people: People, make: Maker) -> Entered:
    """Bob, who has a password and a verified address, and nothing else."""
    entered = await people.entering.sign_up("bob@example.com", PASSWORD, VISIT)
    await make.verify(entered.owner)
    return entered


async def disabled(store: Store, keyring: Keyring, owner: Owner) -> None:
    def unit(tx: Tx) -> None:
        rows.put(tx, keyring, rows.active(tx, keyring, owner), disabled_at=1)

    await store.write(unit)


async def by_google(people: People, whole: Whole, session: Session | None = None) -> Any:
    person = Person(IdentityKind.GOOGLE, f"{SUBJECT} {whole.address}", "Ada")
    intent = Intent.SIGN_IN if session is None else Intent.FRESH
    return await people.elsewhere.go_on(person, intent, VISIT, session=session)


async def half(people: People, whole: Whole) -> HalfEntered:
    entered = await people.entering.by_password(whole.address, PASSWORD, VISIT)
    assert isinstance(entered, HalfEntered)
    return entered


class TestByPassword:
    async def test_the_right_one_opens_a_session_and_makes_the_browser_known(
        self, people: People, plain: Entered
    ) -> None:
        entered = await people.entering.by_password("Bob@example.com", PASSWORD, VISIT)
        assert isinstance(entered, Entered)
        session = await people.sessions.find(entered.cookie)
        assert (session.owner, session.means) == (plain.owner, Means.PASSWORD)
        assert people.guesses.knows(plain.owner, Visit(known_by=entered.device))
        assert entered.cookie not in repr(entered)

    async def test_which_of_the_two_was_wrong_is_not_said_nor_to_be_seen_from_the_work(
        self, people: People, plain: Entered
    ) -> None:
        asked: list[argon2.Parameters] = []

        class Counting(argon2.PasswordHasher):
            def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
                asked.append(argon2.extract_parameters(str(hash)))
                return super().verify(hash, password)

        people.accounts._passwords._hasher = Counting.from_parameters(CHEAP)
        said = set()
        for address, password in (
            ("bob@example.com", "wrong password"),
            ("nobody@example.com", PASSWORD),
            ("no address", PASSWORD),
            ("half \ud800", "half \ud800"),
            ("", ""),
            ("x" * 100_000, "x" * 100_000),
        ):
            with pytest.raises(SignInRefused) as refused:
                await people.entering.by_password(address, password, VISIT)
            said.add(str(refused.value))
        assert len(said) == 1
        assert len(asked) == 6
        assert len(set(map(str, asked))) == 1
        assert plain

    async def test_a_refusal_is_in_the_trail_with_where_it_came_from(
        self, people: People, plain: Entered, store: Store, keyring: Keyring
    ) -> None:
        with pytest.raises(SignInRefused):
            await people.entering.by_password("bob@example.com", "wrong password", VISIT)
        await store.write(lambda _: None)  # nobody waits for it
        trail = await store.read(lambda tx: audit.verify(tx, keyring, plain.owner))
        assert (trail[-1].act, trail[-1].subject) == (Act.SIGN_IN_REFUSED, VISIT.address)

    async def test_a_disabled_account_is_told_so_only_after_the_right_password(
        self, people: People, plain: Entered, store: Store, keyring: Keyring
    ) -> None:
        await disabled(store, keyring, plain.owner)
        with pytest.raises(SignInRefused):
            await people.entering.by_password("bob@example.com", "wrong password", VISIT)
        with pytest.raises(AccountDisabled):
            await people.entering.by_password("bob@example.com", PASSWORD, VISIT)
        with pytest.raises(SignInRequired):
            await people.sessions.find(plain.cookie)

    async def test_showing_it_lets_nobody_in(self, people: People, plain: Entered) -> None:
        await people.entering.show_password(plain.owner, PASSWORD, VISIT)
        with pytest.raises(SignInRefused):
            await people.entering.show_password(plain.owner, "wrong password", VISIT)
        assert len(await people.sessions.list(plain.owner)) == 1


class TestTheSecondFactor:
    @pytest.mark.parametrize("by", ["password", "google", "again by password", "again by google"])
    async def test_is_asked_for_whichever_means_somebody_comes_by(
        self, people: People, whole: Whole, by: str
    ) -> None:
        before = len(await people.sessions.list(whole.owner))
        match by:
            case "password":
                entered: Any = await people.entering.by_password(ADDRESS, PASSWORD, VISIT)
            case "google":
                entered = await by_google(people, whole)
            case "again by password":
                entered = await people.entering.again_by_password(whole.session, PASSWORD, VISIT)
            case _:
                entered = await by_google(people, whole, whole.session)
        assert isinstance(entered, HalfEntered)
        assert entered.ticket not in repr(entered)
        assert len(await people.sessions.list(whole.owner)) == before

    async def test_but_for_a_passkey_which_is_two_by_itself(
        self, people: People, whole: Whole
    ) -> None:
        options, ticket = await people.passkeys.begin_sign_in(None)
        owner = await people.passkeys.finish_sign_in(ticket, whole.authenticator.get(options))
        entered = await people.entering.admit(owner, Means.PASSKEY, VISIT)
        assert isinstance(entered, Entered)

    async def test_once_shown_lets_in_by_the_means_of_the_first(
        self, people: People, whole: Whole, make: Maker
    ) -> None:
        ticket = (await by_google(people, whole)).ticket
        entered = await people.entering.second(ticket, make.code(whole), VISIT)
        session = await people.sessions.find(entered.cookie)
        assert (session.owner.account, session.means) == (whole.owner.account, Means.GOOGLE)
        with pytest.raises(TicketGone):
            await people.entering.second(ticket, whole.codes[0], VISIT)

    async def test_has_five_tries_a_ticket_and_the_last_may_be_right(
        self, people: People, whole: Whole, make: Maker
    ) -> None:
        ticket = (await half(people, whole)).ticket
        for _ in range(4):
            with pytest.raises(CodeWrong):
                await people.entering.second(ticket, "000000", VISIT)
        assert await people.entering.second(ticket, make.code(whole), VISIT)
        ticket = (await half(people, whole)).ticket
        for _ in range(5):
            with pytest.raises(CodeWrong):
                await people.entering.second(ticket, "000000", VISIT)
        with pytest.raises(TicketGone):
            await people.entering.second(ticket, whole.codes[0], VISIT)

    async def test_new_tickets_give_no_more_tries_than_the_account_has(
        self, people: People, whole: Whole
    ) -> None:
        wrong = 0
        for _ in range(30):
            try:
                await people.entering.second((await half(people, whole)).ticket, "000000", VISIT)
            except CodeWrong:
                wrong += 1
            except TooManyTries:
                continue
        assert wrong == 10
        assert await people.entering.second(
            (await half(people, whole)).ticket, whole.codes[0], VISIT
        )

    async def test_must_be_shown_within_ten_minutes(
        self, people: People, whole: Whole, clock: MovedClock
    ) -> None:
        ticket = (await half(people, whole)).ticket
        clock.forward(microseconds=10 * MINUTE)
        with pytest.raises(TicketGone):
            await people.entering.second(ticket, whole.codes[0], VISIT)

    async def test_of_two_who_show_the_same_code_at_once_one_is_in(
        self, people: People, whole: Whole, make: Maker
    ) -> None:
        tickets = [(await half(people, whole)).ticket for _ in range(5)]
        answers = await asyncio.gather(
            *(people.entering.second(each, make.code(whole), VISIT) for each in tickets),
            return_exceptions=True,
        )
        assert sum(isinstance(each, Entered) for each in answers) == 1

    async def test_of_many_who_show_one_ticket_at_once_one_is_in(
        self, people: People, whole: Whole
    ) -> None:
        ticket = (await half(people, whole)).ticket
        answers = await asyncio.gather(
            *(people.entering.second(ticket, code, VISIT) for code in whole.codes),
            return_exceptions=True,
        )
        assert sum(isinstance(each, Entered) for each in answers) == 1

    async def test_a_disabled_account_does_not_get_in_by_it(
        self, people: People, whole: Whole, store: Store, keyring: Keyring
    ) -> None:
        ticket = (await half(people, whole)).ticket
        await disabled(store, keyring, whole.owner)
        with pytest.raises(AccountDisabled):
            await people.entering.second(ticket, whole.codes[0], VISIT)


class TestAgain:
    async def test_it_makes_a_login_fresh_in_its_own_session(
        self, people: People, whole: Whole, clock: MovedClock, make: Maker
    ) -> None:
        clock.forward(seconds=3600)
        session = await people.sessions.find(whole.cookie)
        entered = await people.entering.again_by_password(session, PASSWORD, VISIT)
        assert isinstance(entered, HalfEntered)
        code = make.code(whole)
        fresh = await people.entering.second(entered.ticket, code, VISIT, session=session)
        found = await people.sessions.find(fresh.cookie)
        assert people.sessions.proven(found) == whole.owner
        assert found.reference == session.reference
        with pytest.raises(SignInRequired):
            await people.sessions.find(whole.cookie)

    @pytest.mark.parametrize("which", ["none", "another of hers", "somebody else's"])
    async def test_its_ticket_is_bound_to_that_session(
        self, people: People, whole: Whole, plain: Entered, which: str
    ) -> None:
        entered = await people.entering.again_by_password(whole.session, PASSWORD, VISIT)
        assert isinstance(entered, HalfEntered)
        cookie = {
            "none": None,
            "another of hers": await people.sessions.open(whole.owner),
            "somebody else's": plain.cookie,
        }[which]
        session = None if cookie is None else await people.sessions.find(cookie)
        for _ in range(2):
            with pytest.raises(TicketGone):
                await people.entering.second(entered.ticket, whole.codes[0], VISIT, session=session)
        assert await people.second_factor.codes_left(whole.owner) == 10
        # And the try in the right session is still good.
        assert await people.entering.second(
            entered.ticket, whole.codes[0], VISIT, session=whole.session
        )

    async def test_a_sign_in_s_ticket_opens_a_session_of_its_own_whatever_the_browser_has(
        self, people: People, whole: Whole, plain: Entered
    ) -> None:
        ticket = (await half(people, whole)).ticket
        theirs = await people.sessions.find(plain.cookie)
        entered = await people.entering.second(ticket, whole.codes[0], VISIT, session=theirs)
        assert (await people.sessions.find(entered.cookie)).owner.account == whole.owner.account
        await people.sessions.find(plain.cookie)

    async def test_nobody_makes_another_s_session_fresh(
        self, people: People, whole: Whole, plain: Entered
    ) -> None:
        session = await people.sessions.find(plain.cookie)
        with pytest.raises(SignInRefused):
            await people.entering.admit(whole.owner, Means.PASSKEY, VISIT, session=session)

    async def test_one_that_has_ended_is_not_revived(self, people: People, plain: Entered) -> None:
        session = await people.sessions.find(plain.cookie)
        await people.sessions.end(session)
        with pytest.raises(SignInRequired):
            await people.entering.again_by_password(session, PASSWORD, VISIT)
        assert await people.sessions.list(plain.owner) == []


class TestNewDevices:
    async def test_the_owner_is_told_of_one_and_not_of_their_own(
        self, people: People, plain: Entered, letters: Letters
    ) -> None:
        async def told() -> int:
            return sum(each.letter == "NEW_DEVICE" for each in await letters.all())

        assert await told() == 0  # signing up is no news
        known = Visit(VISIT.address, VISIT.device, plain.device)
        await people.entering.by_password("bob@example.com", PASSWORD, known)
        assert await told() == 0
        await people.entering.by_password("bob@example.com", PASSWORD, VISIT)
        assert await told() == 1
        assert await letters.last("NEW_DEVICE") == {
            "to": "bob@example.com",
            "place": VISIT.address,
            "device": VISIT.device,
            "means": "Password",
        }
        session = await people.sessions.find(plain.cookie)
        await people.entering.again_by_password(session, PASSWORD, VISIT)
        assert await told() == 1


async def test_an_account_that_was_altered_from_outside_lets_nobody_in(
    people: People, plain: Entered, store: Store
) -> None:
    await store.write(lambda tx: tx.run("UPDATE accounts SET created_at = 1"))
    with pytest.raises(SignInRequired):
        await people.entering.by_password("bob@example.com", PASSWORD, VISIT)
    with pytest.raises(SignInRequired):
        await people.entering.admit(plain.owner, Means.PASSKEY, VISIT)


async def test_signing_up_is_limited_by_client_and_lets_in(people: People) -> None:
    entered = await people.entering.sign_up("eve@example.com", PASSWORD, VISIT)
    session = await people.sessions.find(entered.cookie)
    assert people.sessions.proven(session) == ProvenOwner(entered.owner.account)
