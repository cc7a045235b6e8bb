"""Signing in elsewhere, linking, and making a login fresh: what each may open, and what not.

The other side is made up here; what real ones say is tested with each of them.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from accounts import rows
from accounts.address import account_of
from accounts.elsewhere import Intent, Linked, Outcome, Person
from accounts.entering import Entered
from accounts.errors import (
    AccountDisabled,
    IdentityRefused,
    IdentityTaken,
    IdentityUnlinked,
    InviteRequired,
    NotOffered,
    SignInRefused,
    SignInRequired,
    SignUpClosed,
    StaleLogin,
    TicketGone,
)
from accounts.identity_kind import IdentityKind
from accounts.other_side import Begun, Identified
from accounts.people import People
from accounts.sessions import FRESH_FOR, Means, Session
from store import ProvenOwner, Store, Tx
from store.clock import MINUTE
from tests.kit.clock import MovedClock
from tests.kit.whole_account import VISIT
from vault.keyring import Keyring

GOOGLE, GITHUB = IdentityKind.GOOGLE, IdentityKind.GITHUB


@dataclasses.dataclass
class Stub:
    """A provider that says who somebody is, whoever asks; and counts how often it is asked."""

    kind: IdentityKind
    person: Identified
    begun_again: list[bool] = dataclasses.field(default_factory=list)
    asked: list[tuple[Mapping[str, str], Mapping[str, str]]] = dataclasses.field(
        default_factory=list
    )

    @property
    def name(self) -> str:
        return self.kind.title()

    async def begin(self, redirect_uri: str, *, again: bool = False) -> Begun:
        self.begun_again.append(again)
        facts = {"state": f"state {len(self.begun_again)}", "redirect_uri": redirect_uri}
        return Begun(f"https://elsewhere.example/?state={len(self.begun_again)}", facts)

    async def finish(self, facts: Mapping[str, str], query: Mapping[str, str]) -> Identified:
        self.asked.append((facts, query))
        if query.get("state") != facts["state"]:
            raise IdentityRefused("This is not what was asked for.")
        return self.person

    async def close(self) -> None:
        """Nothing is held open."""


def person(
    kind: IdentityKind = GOOGLE,
    subject: str = "1",
    address: str | None = "ada@example.com",
    *,
    verified: bool = True,
    recent: bool = True,
) -> Identified:
    at = 1 if recent else None
    return Identified(kind, f"{kind} {subject}", "ada there", address, verified, at)


class Browser:
    """Goes there and comes back."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.google = Stub(GOOGLE, person())
        self.github = Stub(GITHUB, person(GITHUB))
        self.session: Session | None = None
        people.elsewhere.providers = {GOOGLE: self.google, GITHUB: self.github}

    async def begin(
        self, intent: Intent = Intent.SIGN_IN, kind: IdentityKind = GOOGLE, *, invite: str = ""
    ) -> tuple[str, dict[str, str]]:
        url, ticket = await self.people.elsewhere.begin(
            kind, intent, VISIT, session=self.session, invite=invite
        )
        return ticket, {"state": f"state {url.rpartition('=')[2]}", "code": "c"}

    async def finish(
        self, ticket: str, query: Mapping[str, str], kind: IdentityKind = GOOGLE
    ) -> Outcome:
        return await self.people.elsewhere.finish(kind, ticket, query, VISIT, session=self.session)

    async def go(
        self, intent: Intent = Intent.SIGN_IN, kind: IdentityKind = GOOGLE, **how: Any
    ) -> Outcome:
        return await self.finish(*await self.begin(intent, kind, **how), kind)

    async def sign_in(self, owner: ProvenOwner) -> Session:
        cookie = await self.people.sessions.open(owner)
        self.session = await self.people.sessions.find(cookie)
        return self.session


@pytest.fixture
def browser(people: People) -> Browser:
    return Browser(people)


async def entered(outcome: Outcome) -> Entered:
    assert isinstance(outcome, Entered)
    return outcome


class TestSigningIn:
    async def test_somebody_new_has_an_account_and_a_verified_address(
        self, people: People, browser: Browser
    ) -> None:
        done = await entered(await browser.go())
        assert done.owner.account == account_of("ada@example.com")
        standing = await people.accounts.standing(done.owner)
        assert (standing.address, standing.verified_at is None) == ("ada@example.com", False)
        assert (await people.sessions.find(done.cookie)).means is Means.GOOGLE
        assert not await people.accounts.has_password(done.owner)

    async def test_whoever_is_known_comes_to_their_account_whatever_address_they_have_by_now(
        self, people: People, browser: Browser, bob: ProvenOwner
    ) -> None:
        first = await entered(await browser.go())
        browser.google.person = person(address="bob@example.com")
        assert (await entered(await browser.go())).owner == first.owner
        browser.google.person = person(address=None, verified=False)
        assert (await entered(await browser.go())).owner == first.owner
        assert await people.ways.list(bob) == []

    async def test_a_verified_address_links_to_a_verified_account(
        self, people: People, browser: Browser, ada: ProvenOwner
    ) -> None:
        done = await entered(await browser.go())
        assert done.owner.account == ada.account
        assert [way.means for way in await people.ways.list(ada)] == [Means.GOOGLE]

    async def test_never_to_one_whose_address_nobody_has_shown_to_be_theirs(
        self, people: People, browser: Browser
    ) -> None:
        """Whoever made that account may be waiting for just this."""
        squatted = await people.accounts.sign_up("ada@example.com", "correct horse battery")
        for _ in range(2):
            with pytest.raises(IdentityUnlinked):
                await browser.go()
        assert [way.means for way in await people.ways.list(squatted)] == [Means.PASSWORD]

    @pytest.mark.parametrize("address", [None, "ada@example.com"])
    async def test_an_address_that_is_not_verified_there_links_and_makes_nothing(
        self, people: People, browser: Browser, ada: ProvenOwner, address: str | None, store: Store
    ) -> None:
        browser.google.person = person(address=address, verified=False)
        with pytest.raises(IdentityRefused, match="verified e-mail address"):
            await browser.go()
        assert await people.ways.list(ada) == []
        assert len(await store.read(lambda tx: tx.all("SELECT 1 FROM accounts"))) == 1

    async def test_an_account_of_one_who_is_gone_is_made_anew(
        self, people: People, browser: Browser
    ) -> None:
        first = await entered(await browser.go())
        await people.deletion.delete(ProvenOwner(first.owner.account), "ada@example.com")
        again = await entered(await browser.go())
        assert again.owner == first.owner
        assert len(await people.sessions.list(again.owner)) == 1

    @pytest.mark.parametrize("linked", [True, False])
    async def test_a_disabled_account_opens_to_nobody(  # noqa: PLR0917
        self,
        people: People,
        browser: Browser,
        ada: ProvenOwner,
        store: Store,
        keyring: Keyring,
        linked: bool,
    ) -> None:
        if linked:
            await browser.go()

        def disable(tx: Tx) -> None:
            rows.put(tx, keyring, rows.active(tx, keyring, ada), disabled_at=1)

        await store.write(disable)
        with pytest.raises(AccountDisabled):
            await browser.go()
        assert len(await people.ways.list(ada)) == int(linked)

    async def test_a_number_makes_an_account_without_an_address(
        self, people: People, store: Store
    ) -> None:
        number = Person(IdentityKind.WHATSAPP, "+4915112345678", "+49 …78")
        first = await entered(
            await people.elsewhere.go_on(number, Intent.SIGN_IN, VISIT, session=None)
        )
        assert (await people.accounts.standing(first.owner)).address is None
        again = await entered(
            await people.elsewhere.go_on(number, Intent.SIGN_IN, VISIT, session=None)
        )
        assert again.owner == first.owner
        assert await people.elsewhere.is_known(IdentityKind.WHATSAPP, "+4915112345678")
        assert not await people.elsewhere.is_known(IdentityKind.WHATSAPP, "+4915112345679")
        assert len(await store.read(lambda tx: tx.all("SELECT 1 FROM accounts"))) == 1

    async def test_who_is_not_offered_is_told(self, people: People, browser: Browser) -> None:
        people.elsewhere.providers = {}
        with pytest.raises(NotOffered):
            await browser.begin()


class TestWhereNotEverybodyMaySignUp:
    @pytest.fixture
    def environment(self) -> dict[str, str]:
        return {"KEYSTEWARD_SIGN_UP": "invite"}

    async def test_somebody_new_needs_an_invite_and_uses_it_up(
        self, people: People, browser: Browser
    ) -> None:
        with pytest.raises(InviteRequired):
            await browser.go()
        invite, _ = await people.invites.make_for_operator()
        await entered(await browser.go(invite=invite))
        await entered(await browser.go())  # whoever is known needs none
        browser.google.person = person(subject="2", address="eve@example.com")
        with pytest.raises(InviteRequired):
            await browser.go(invite=invite)

    @pytest.mark.usefixtures("ada")
    async def test_whoever_has_an_account_needs_none(self, browser: Browser) -> None:
        await entered(await browser.go())


class TestWhereNobodyMaySignUp:
    @pytest.fixture
    def environment(self) -> dict[str, str]:
        return {"KEYSTEWARD_SIGN_UP": "closed"}

    async def test_somebody_new_is_told(self, browser: Browser, store: Store) -> None:
        with pytest.raises(SignUpClosed):
            await browser.go()
        assert await store.read(lambda tx: tx.all("SELECT 1 FROM accounts")) == []


class TestLinking:
    async def test_it_needs_a_fresh_login_to_begin_and_to_end(
        self, browser: Browser, ada: ProvenOwner, clock: MovedClock, people: People
    ) -> None:
        with pytest.raises(SignInRequired):
            await browser.begin(Intent.LINK)
        await browser.sign_in(ada)
        ticket, query = await browser.begin(Intent.LINK)
        clock.forward(microseconds=FRESH_FOR + 1)
        with pytest.raises(StaleLogin):
            await browser.begin(Intent.LINK)
        with pytest.raises(StaleLogin):
            await browser.finish(ticket, query)
        assert await people.ways.list(ada) == []

    async def test_it_links_to_whoever_is_signed_in_whatever_the_address(
        self, browser: Browser, bob: ProvenOwner, ada: ProvenOwner, people: People
    ) -> None:
        await browser.sign_in(bob)
        assert await browser.go(Intent.LINK) == Linked(GOOGLE, "ada there")
        assert await people.ways.list(ada) == []
        browser.session = None
        assert (await entered(await browser.go())).owner.account == bob.account

    async def test_it_opens_no_session_and_ends_none(
        self, browser: Browser, ada: ProvenOwner, people: People
    ) -> None:
        session = await browser.sign_in(ada)
        await browser.go(Intent.LINK)
        assert await people.sessions.list(ada) == [session]

    async def test_what_signs_in_to_another_account_is_not_taken_from_it(
        self, browser: Browser, ada: ProvenOwner, bob: ProvenOwner, people: People
    ) -> None:
        await browser.go()  # Ada's, by her address
        await browser.sign_in(bob)
        with pytest.raises(IdentityTaken):
            await browser.go(Intent.LINK)
        assert await people.ways.list(bob) == []
        assert len(await people.ways.list(ada)) == 1

    @pytest.mark.parametrize("intent", [Intent.LINK, Intent.FRESH])
    async def test_it_ends_in_the_session_in_which_it_was_begun_alone(
        self, browser: Browser, ada: ProvenOwner, bob: ProvenOwner, people: People, intent: Intent
    ) -> None:
        """Else somebody's own identity could be made to sign in to another's account."""
        for whose in (bob, ada, None):
            await browser.sign_in(ada)
            ticket, query = await browser.begin(intent)
            browser.session = None
            if whose is not None:
                await browser.sign_in(whose)
            with pytest.raises(SignInRequired):
                await browser.finish(ticket, query)
        assert await people.ways.list(ada) == await people.ways.list(bob) == []

    async def test_a_login_made_fresh_meanwhile_leaves_it_good(
        self, browser: Browser, ada: ProvenOwner, people: People, store: Store, clock: MovedClock
    ) -> None:
        session = await browser.sign_in(ada)
        ticket, query = await browser.begin(Intent.LINK)
        cookie = await store.write(
            lambda tx: people.sessions.begin(
                tx, ada, Means.PASSKEY, VISIT, now=clock(), instead_of=session
            )
        )
        browser.session = await people.sessions.find(cookie)
        assert isinstance(await browser.finish(ticket, query), Linked)


class TestMakingFresh:
    async def test_it_makes_the_login_fresh_and_asks_the_other_side_to_look_again(
        self, browser: Browser, ada: ProvenOwner, people: People, clock: MovedClock
    ) -> None:
        await browser.go()
        session = await browser.sign_in(ada)
        clock.forward(seconds=3600)
        done = await entered(await browser.go(Intent.FRESH))
        assert browser.google.begun_again == [False, True]
        found = await people.sessions.find(done.cookie)
        assert found.reference == session.reference
        assert people.sessions.proven(found) == ada

    async def test_only_by_an_identity_that_signs_in_to_that_account(
        self, browser: Browser, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        await browser.sign_in(ada)
        with pytest.raises(SignInRefused):
            await browser.go(Intent.FRESH)  # hers by address, but not linked
        browser.session = None
        await browser.go()
        await browser.sign_in(bob)
        with pytest.raises(SignInRefused):
            await browser.go(Intent.FRESH)

    @pytest.mark.parametrize("better", [True, False])
    async def test_who_does_not_say_when_they_looked_makes_it_fresh_only_where_nothing_better_is(
        self, browser: Browser, ada: ProvenOwner, people: People, better: bool
    ) -> None:
        """It shows only that the browser is signed in there, as whoever stole it has it, too."""
        browser.github.person = person(GITHUB, recent=False)
        await entered(await browser.go(kind=GITHUB))
        if better:
            await people.resets.change(ada, "correct horse battery", VISIT, keep=None)
        session = await browser.sign_in(ada)
        if better:
            with pytest.raises(IdentityRefused, match="just now"):
                await browser.go(Intent.FRESH, GITHUB)
            assert session in await people.sessions.list(ada)
        else:
            await entered(await browser.go(Intent.FRESH, GITHUB))

    async def test_it_needs_a_session(self, browser: Browser) -> None:
        with pytest.raises(SignInRequired):
            await browser.begin(Intent.FRESH)


class TestTickets:
    async def test_one_is_good_once_whatever_came_of_it(self, browser: Browser) -> None:
        ticket, query = await browser.begin()
        with pytest.raises(IdentityRefused):
            await browser.finish(ticket, {"state": "forged"})
        for _ in range(2):
            with pytest.raises(TicketGone):
                await browser.finish(ticket, query)
        assert len(browser.google.asked) == 1
        ticket, query = await browser.begin()
        await entered(await browser.finish(ticket, query))
        with pytest.raises(TicketGone):
            await browser.finish(ticket, query)

    async def test_another_provider_s_answer_is_refused(self, browser: Browser) -> None:
        ticket, query = await browser.begin(kind=GITHUB)
        with pytest.raises(IdentityRefused, match="another provider"):
            await browser.finish(ticket, query, GOOGLE)
        assert browser.google.asked == browser.github.asked == []

    async def test_it_ends_after_ten_minutes(self, browser: Browser, clock: MovedClock) -> None:
        ticket, query = await browser.begin()
        clock.forward(microseconds=10 * MINUTE)
        with pytest.raises(TicketGone):
            await browser.finish(ticket, query)

    async def test_it_holds_what_was_begun_for_this_browser_alone(self, browser: Browser) -> None:
        mine, theirs = await browser.begin(), await browser.begin()
        with pytest.raises(IdentityRefused):
            await browser.finish(mine[0], theirs[1])
        await entered(await browser.finish(*theirs))
        (facts, _) = browser.google.asked[-1]
        assert facts["redirect_uri"].endswith("/auth/google/callback")
