"""Signing in by an account elsewhere or a telephone number, and linking one to an account here."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accounts import address as addresses
from accounts import identities, rows
from accounts.accounts import Accounts
from accounts.box import Box
from accounts.entering import Entered, Entering, HalfEntered
from accounts.errors import (
    IdentityRefused,
    IdentityUnlinked,
    NotOffered,
    SignInRefused,
    SignInRequired,
)
from accounts.guesses import Guesses
from accounts.identity_kind import IdentityKind
from accounts.other_side import Elsewhere
from accounts.outbox import Outbox
from accounts.sessions import Means, Session, Sessions
from accounts.tickets import Purpose, Ticket, Tickets
from accounts.visits import Visit
from accounts.ways import Ways
from audit import Signer
from store import Clock, Owner, Store, Tx
from store.clock import MINUTE

_BACK_WITHIN: Final = 10 * MINUTE


class Intent(StrEnum):
    """What somebody goes elsewhere for."""

    SIGN_IN = "SIGN_IN"
    LINK = "LINK"
    FRESH = "FRESH"


@dataclass(frozen=True, slots=True)
class Linked:
    """Done: that account elsewhere, or that number, signs in to this one from now on."""

    kind: IdentityKind
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the other side knows them."""

    kind: IdentityKind
    subject: str
    name: str
    address: str | None = None
    """Theirs, and verified there."""
    is_recent: bool = True
    """Whether it is known that they showed who they are just now."""


Outcome = Entered | HalfEntered | Linked


class SigningInElsewhere:
    """Sends people to other providers, and takes them back."""

    def __init__(  # noqa: PLR0917 - the parts that it stands on
        self,
        store: Store,
        box: Box,
        signer: Signer,
        clock: Clock,
        tickets: Tickets,
        outbox: Outbox,
        accounts: Accounts,
        sessions: Sessions,
        entering: Entering,
        guesses: Guesses,
        ways: Ways,
        providers: Mapping[IdentityKind, Elsewhere],
        site: str,
    ) -> None:
        self._store = store
        self._box = box
        self._signer = signer
        self._clock = clock
        self._tickets = tickets
        self._outbox = outbox
        self._accounts = accounts
        self._sessions = sessions
        self._entering = entering
        self._guesses = guesses
        self._ways = ways
        self.providers = providers
        self._site = site

    async def begin(
        self,
        kind: IdentityKind,
        intent: Intent,
        visit: Visit,
        *,
        session: Session | None,
        invite: str = "",
    ) -> tuple[str, str]:
        """Give the address to send the browser to, and the ticket that it must come back with.

        To link needs a fresh login, and both that and making one fresh need a session. Raises
        `NotOffered`, `SignInRequired`, `StaleLogin`, `IdentityRefused`, `TooManyTries`.
        """
        provider = self._provider(kind)
        owner = self._whose(intent, session)
        await self._guesses.take((self._guesses.limits.network, visit.network))
        begun = await provider.begin(self._back(kind), again=intent is Intent.FRESH)
        now = self._clock()

        def unit(tx: Tx) -> str:
            return self._tickets.issue(
                tx,
                Purpose.OAUTH,
                owner,
                now=now,
                life=_BACK_WITHIN,
                kind=kind,
                intent=intent,
                session=session and session.reference if owner else None,
                invite=invite,
                begun=dict(begun.facts),
            )

        return begun.url, await self._store.write(unit)

    async def finish(
        self,
        kind: IdentityKind,
        ticket: str,
        query: Mapping[str, str],
        visit: Visit,
        *,
        session: Session | None,
    ) -> Outcome:
        """Take somebody back. Whatever comes of it, neither ticket nor state is good again.

        Raises `TicketGone`, `IdentityRefused`, `IdentityUnlinked`, `IdentityTaken`,
        `SignInRequired`, `SignInRefused`, `StaleLogin`, and what making an account raises.
        """
        now, purpose = self._clock(), Purpose.OAUTH
        held = await self._store.write(
            lambda tx: self._tickets.redeem(tx, ticket, purpose, now=now)
        )
        if held.facts["kind"] != kind:
            raise IdentityRefused("This sign-in was begun with another provider. Begin again.")
        found = await self._provider(kind).finish(held.facts["begun"], query)
        person = Person(
            kind,
            found.subject,
            found.name,
            found.address if found.address_is_verified else None,
            is_recent=found.authenticated_at is not None,
        )
        intent = Intent(held.facts["intent"])
        if intent is not Intent.SIGN_IN:
            session = self._same(session, held)
        return await self.go_on(
            person, intent, visit, session=session, invite=str(held.facts["invite"])
        )

    async def go_on(
        self,
        person: Person,
        intent: Intent,
        visit: Visit,
        *,
        session: Session | None,
        invite: str = "",
    ) -> Outcome:
        """Do what somebody went elsewhere for, now that it is known who they are there."""
        if intent is Intent.LINK:
            return await self._link(person, session)
        if intent is Intent.FRESH:
            return await self._make_fresh(person, visit, session)
        now = self._clock()

        def unit(tx: Tx) -> tuple[Owner, bool]:
            known = self._find(tx, person)
            if known is not None:
                identities.note_use(tx, known, at=now)
                return known.owner, False
            return self._by_address(tx, person, invite, now)

        owner, is_new = await self._store.write(unit)
        return await self._entering.admit(owner, Means(person.kind), visit, is_new=is_new)

    async def is_known(self, kind: IdentityKind, subject: str) -> bool:
        """Tell whether that person there signs in to any account here."""
        person = Person(kind, subject, "")
        return await self._store.read(lambda tx: self._find(tx, person)) is not None

    def _by_address(self, tx: Tx, person: Person, invite: str, now: int) -> tuple[Owner, bool]:
        """Give the account of somebody's verified address, linked from now on; a new one if none.

        Raises `IdentityUnlinked` where the account's own address was never verified: whoever made
        it may be somebody else, who waits for just this.
        """
        name = identities.NAMES[person.kind]
        if person.kind is IdentityKind.WHATSAPP:
            owner = self._accounts.create(tx, None, is_verified=False, invite=invite, at=now)
            self._put(tx, owner, person, now)
            return owner, True
        if person.address is None:
            raise IdentityRefused(
                f"{name} tells no verified e-mail address of yours. Verify one there, then sign in "
                "again."
            )
        address = addresses.normalize(person.address)
        account = rows.find(tx, self._signer, Owner(addresses.account_of(address)))
        if account is not None and account.deleted_at is None:
            if not account.is_verified:
                raise IdentityUnlinked(name)
            self._put(tx, account.owner, person, now)
            return account.owner, False
        owner = self._accounts.create(tx, address, is_verified=True, invite=invite, at=now)
        self._put(tx, owner, person, now)
        return owner, True

    async def _link(self, person: Person, session: Session | None) -> Linked:
        owner = self._sessions.proven(self._needed(session))
        now = self._clock()
        await self._store.write(lambda tx: self._put(tx, owner, person, now))
        return Linked(person.kind, person.name)

    async def _make_fresh(
        self, person: Person, visit: Visit, session: Session | None
    ) -> Entered | HalfEntered:
        held = self._needed(session)
        known = await self._store.read(lambda tx: self._find(tx, person))
        if known is None or known.account != held.owner.account:
            raise SignInRefused
        if not person.is_recent and await self._ways.has_better(held.owner):
            name = identities.NAMES[person.kind]
            raise IdentityRefused(
                f"{name} does not say that you showed it who you are just now. Use your password, "
                "a passkey or a WhatsApp code instead."
            )
        return await self._entering.admit(held.owner, Means(person.kind), visit, session=held)

    def _put(self, tx: Tx, owner: Owner, person: Person, now: int) -> None:
        rows.active(tx, self._signer, owner)
        identities.link(
            tx,
            self._box,
            self._signer,
            self._outbox,
            owner,
            person.kind,
            person.subject,
            person.name,
            at=now,
        )

    def _find(self, tx: Tx, person: Person) -> identities.Identity | None:
        return identities.find(tx, self._box, self._signer, person.kind, person.subject)

    def _provider(self, kind: IdentityKind) -> Elsewhere:
        try:
            return self.providers[kind]
        except KeyError:
            raise NotOffered(f"signing in with {identities.NAMES[kind]}") from None

    def _whose(self, intent: Intent, session: Session | None) -> Owner | None:
        if intent is Intent.SIGN_IN:
            return None
        held = self._needed(session)
        return self._sessions.proven(held) if intent is Intent.LINK else held.owner

    def _needed(self, session: Session | None) -> Session:
        if session is None:
            raise SignInRequired
        return session

    def _same(self, session: Session | None, held: Ticket) -> Session:
        """Give the session in which it was begun. Raises `SignInRequired` when it is another."""
        found = self._needed(session)
        if found.reference != held.facts["session"]:
            raise SignInRequired
        return found

    def _back(self, kind: IdentityKind) -> str:
        return f"{self._site}/auth/{kind.lower()}/callback"
