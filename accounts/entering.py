"""How somebody gets in, whichever way they come: one gate that all of them pass.

A password, a passkey, an account elsewhere or a code says who somebody is. Here it is decided what
that opens: whether the account may be used at all, whether a second factor is still to come, and
the session. A login made fresh goes the same way. A passkey that has verified its user is two
factors by itself: something they have, unlocked by something they know or are.
"""

from dataclasses import dataclass
from typing import Final

import audit
from accounts import address as addresses
from accounts import rows, second_factor
from accounts.accounts import Accounts
from accounts.errors import (
    AccountsFailure,
    AddressMalformed,
    SignInRefused,
    SignInRequired,
    TicketGone,
)
from accounts.guesses import Attempt, Guesses
from accounts.outbox import Letter, Outbox
from accounts.second_factor import SecondFactor
from accounts.sessions import Means, Session, Sessions
from accounts.tickets import Purpose, Ticket, Tickets
from accounts.visits import Visit
from audit import Act, Signer
from store import Clock, Owner, Store, Tx
from store.clock import MINUTE

_SECOND_WITHIN: Final = 10 * MINUTE
_SECOND_TRIES: Final = 5


@dataclass(frozen=True, slots=True, repr=False)
class Entered:
    """In: the session's cookie, and the one by which the browser is known from now on."""

    owner: Owner
    cookie: str
    device: str


@dataclass(frozen=True, slots=True, repr=False)
class HalfEntered:
    """Not in yet: the second factor is to be shown, together with this ticket."""

    ticket: str


class Entering:
    """The gate."""

    def __init__(  # noqa: PLR0917 - the parts that it stands on
        self,
        store: Store,
        signer: Signer,
        clock: Clock,
        accounts: Accounts,
        sessions: Sessions,
        second: SecondFactor,
        tickets: Tickets,
        outbox: Outbox,
        guesses: Guesses,
    ) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._accounts = accounts
        self._sessions = sessions
        self._second = second
        self._tickets = tickets
        self._outbox = outbox
        self._guesses = guesses

    async def sign_up(
        self, address: str, password: str, visit: Visit, *, invite: str = ""
    ) -> Entered:
        """Make an account and enter it. Raises what `Accounts.sign_up` does, and `TooManyTries`."""
        await self._guesses.take((self._guesses.limits.sign_up, visit.network))
        owner = await self._accounts.sign_up(address, password, invite=invite)
        entered = await self.admit(owner, Means.PASSWORD, visit, is_new=True)
        if isinstance(entered, HalfEntered):
            raise SignInRequired  # a new account has no second factor
        return entered

    async def by_password(self, address: str, password: str, visit: Visit) -> Entered | HalfEntered:
        """Enter by address and password.

        Raises `SignInRefused` (whichever of both is wrong, in the same time), `AccountDisabled`,
        `TooManyTries`, `TooManySignIns`.
        """
        try:
            account = addresses.account_of(addresses.normalize(address))
        except AddressMalformed:
            # Nobody has it; whoever tries is limited all the same.
            account = addresses.account_of(address[:1000])
        owner = Owner(account)
        return await self.admit(
            owner, Means.PASSWORD, visit, right=await self._right(owner, password, visit)
        )

    async def again_by_password(
        self, session: Session, password: str, visit: Visit
    ) -> Entered | HalfEntered:
        """Make a session's login fresh. Raises what `by_password` does."""
        right = await self._right(session.owner, password, visit)
        return await self.admit(session.owner, Means.PASSWORD, visit, session=session, right=right)

    async def show_password(self, owner: Owner, password: str, visit: Visit) -> None:
        """Make sure that somebody knows an account's password, and let them in nowhere.

        Raises what `by_password` does.
        """
        right = await self._right(owner, password, visit)
        now = self._clock()
        await self._store.write(lambda tx: self._guesses.was_right(tx, right, now=now))

    async def admit(
        self,
        owner: Owner,
        means: Means,
        visit: Visit,
        *,
        session: Session | None = None,
        right: Attempt | None = None,
        is_new: bool = False,
    ) -> Entered | HalfEntered:
        """Let somebody in who has shown who they are, by those means.

        With a session, its login is made fresh instead. Raises `AccountDisabled`, `SignInRequired`.
        """
        if session is not None and session.owner.account != owner.account:
            raise SignInRefused
        now = self._clock()

        def unit(tx: Tx) -> Entered | HalfEntered:
            rows.active(tx, self._signer, owner)
            if right is not None:
                self._guesses.was_right(tx, right, now=now)
            if means is not Means.PASSKEY and second_factor.is_on(tx, owner):
                return HalfEntered(
                    self._tickets.issue(
                        tx,
                        Purpose.SECOND_FACTOR,
                        owner,
                        now=now,
                        life=_SECOND_WITHIN,
                        tries=_SECOND_TRIES,
                        means=means,
                        session=session and session.reference,
                    )
                )
            return self._let_in(tx, owner, means, visit, now, session, is_new=is_new)

        return await self._store.write(unit)

    async def second(
        self, ticket: str, code: str, visit: Visit, *, session: Session | None = None
    ) -> Entered:
        """Enter by the second factor, which the first one's ticket asks for.

        Raises `TicketGone`, `CodeWrong`, `TooManyTries`, `AccountDisabled`.
        """
        now, purpose = self._clock(), Purpose.SECOND_FACTOR
        held = await self._store.write(
            lambda tx: self._tickets.attempt(tx, ticket, purpose, now=now)
        )
        again = held.facts["session"]
        if again is not None and (session is None or session.reference != again):
            raise TicketGone
        await self._second.check(held.owner, code, visit)
        return await self._store.write(
            lambda tx: self._finish(tx, held, visit, session if again else None)
        )

    def _finish(self, tx: Tx, held: Ticket, visit: Visit, session: Session | None) -> Entered:
        now = self._clock()
        self._tickets.use_up(tx, held)
        rows.active(tx, self._signer, held.owner)
        means = Means(held.facts["means"])
        return self._let_in(tx, held.owner, means, visit, now, session, is_new=False)

    def _let_in(  # noqa: PLR0917 - a step of the two above, with what they have gathered
        self,
        tx: Tx,
        owner: Owner,
        means: Means,
        visit: Visit,
        now: int,
        session: Session | None,
        *,
        is_new: bool,
    ) -> Entered:
        cookie = self._sessions.begin(tx, owner, means, visit, now=now, instead_of=session)
        known = session is not None or is_new or self._guesses.knows(owner, visit)
        if not known and self._guesses.may_tell(tx, owner, now=now):
            place, device = visit.address, visit.device_words
            letter = Letter.NEW_DEVICE
            self._outbox.tell(
                tx, owner, letter, now=now, place=place, device=device, means=means.capitalize()
            )
        return Entered(owner, cookie, self._guesses.introduce(owner))

    async def _right(self, owner: Owner, password: str, visit: Visit) -> Attempt:
        """Make sure of a password; give the try, which was no guess."""
        attempt = await self._guesses.begin(owner, visit)
        try:
            await self._accounts.check_password(owner, password, is_known=attempt.is_known)
        except SignInRefused:
            # Nobody waits for it: it would tell from the time whether there is such an account.
            self._store.write_soon(lambda tx: self._note_refusal(tx, owner, visit))
            raise
        except AccountsFailure:  # too many wait: nothing was compared
            now = self._clock()
            await self._store.write(lambda tx: self._guesses.was_right(tx, attempt, now=now))
            raise
        return attempt

    def _note_refusal(self, tx: Tx, owner: Owner, visit: Visit) -> None:
        account = rows.find(tx, self._signer, owner)
        if account is not None and account.deleted_at is None:
            act, subject = Act.SIGN_IN_REFUSED, visit.network
            audit.record(tx, self._signer, owner, act, at=self._clock(), subject=subject)
