"""Codes by WhatsApp: six digits, for ten minutes, five tries, and for the browser that asked.

A code is drawn, sent, and kept as a keyed digest inside a sealed ticket; the ticket's text is what
binds it to its browser: without it the code is worth nothing, wherever it was read. How often one
may ask, and how often a number's codes may be wrong however many of them are sent, is counted in
the database, by a keyed digest of the number.

Signing in tells nobody whether a number is known here. Unless everybody's number is sent a code, it
is sent after the answer, or not at all, and the two look alike; what then fails is told to the log
alone. Whoever is signed in already, and has a number to add or to show, is told at once.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accounts import limits, phone
from accounts.errors import CodeWrong, MessageNotSent, NotOffered, TooManyTries
from accounts.limits import Limit, TooSoon
from accounts.tickets import Purpose, Ticket, Tickets
from accounts.visits import Visit
from accounts.whatsapp import State, WhatsApp, reference
from audit import Signer
from store import Owner, Store, Tx
from store.clock import MINUTE, SECOND, Clock

LIFE: Final = 10 * MINUTE
TRIES: Final = 5

_LOG: Final = logging.getLogger("keysteward.whatsapp")
_DIGITS: Final = 6
_HOUR: Final = 60 * MINUTE
_LATER_SECONDS: Final = 0.1
_BETWEEN: Final = re.compile(r"[\s\u2010-\u2015\u2212-]+")
_RIGHT_FORM: Final = re.compile(rf"[0-9]{{{_DIGITS}}}")
_LONGEST_READ: Final = 64

_CODE_KEY: Final = "whatsapp code"
_NUMBER_KEY: Final = "whatsapp number"

_BY_NUMBER: Final = (
    Limit("whatsapp pause", burst=1, every=30 * SECOND),
    Limit("whatsapp number", burst=5, every=_HOUR // 5),
)
_BY_NETWORK: Final = Limit("whatsapp network", burst=10, every=_HOUR // 10)
# What a flood of messages can cost the operator, from however many networks it comes.
_BY_EVERYBODY: Final = Limit("whatsapp everybody", burst=200, every=_HOUR // 200)
# Eight at once and one each half hour: never more than ten in any hour, whenever it is said to
# begin (OWASP ASVS 5.0, 6.6.3: guessing is limited across codes, not within one).
_WRONG: Final = Limit("whatsapp wrong", burst=8, every=_HOUR // 2)


class CodePurpose(StrEnum):
    """What somebody wants to do with the number that they show."""

    SIGN_IN = "SIGN_IN"
    LINK = "LINK"
    FRESH = "FRESH"


@dataclass(frozen=True, slots=True, repr=False)
class ShownNumber:
    """A number that its holder has just shown to be theirs, for this purpose and no other.

    `account` is whose request it was, of one who was signed in: the session's own, or refuse it.
    """

    number: str
    purpose: CodePurpose
    account: str | None


class PhoneCodes:
    """Sends codes and checks them. Without WhatsApp set up, everything raises `NotOffered`.

    `later` (seconds) is how long after the answer a message goes out, where it goes out later.
    """

    def __init__(
        self,
        store: Store,
        tickets: Tickets,
        signer: Signer,
        clock: Clock,
        whatsapp: WhatsApp | None,
        *,
        later: float = _LATER_SECONDS,
    ) -> None:
        self._store = store
        self._tickets = tickets
        self._signer = signer
        self._clock = clock
        self._whatsapp = whatsapp
        self._later = later
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def offered(self) -> bool:
        """Tell whether WhatsApp is set up here."""
        return self._whatsapp is not None

    async def ask(
        self,
        number: str,
        *,
        purpose: CodePurpose,
        owner: Owner | None,
        visit: Visit,
        send: bool = True,
        anyone: bool = False,
    ) -> str:
        """Send a code to a number; give the ticket's text, for the browser that asked.

        `send=False` does all but send: for a number that is unknown where only known ones get in.
        `anyone` says that every number is sent one (sign-up is open), so that a failure tells
        nothing of the number and may be told. Raises `NotOffered`, `PhoneMalformed`,
        `TooManyTries`; and `MessageNotSent`, unless that would tell whether the number is known.
        """
        whatsapp = self._offered()
        if (owner is None) != (purpose is CodePurpose.SIGN_IN):
            raise ValueError("A code to sign in is nobody's yet; any other is its owner's.")
        number = phone.normalize(number)
        # That of a code which is not sent is of no digits: it fits nothing that can be typed.
        code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}" if send else ""
        digest = self._signer.sign(_CODE_KEY, _message(purpose, number, code))
        now = self._clock()

        def unit(tx: Tx) -> str:
            self._take_turn(tx, number, visit, now)
            if owner is not None:
                self._tickets.void(tx, owner, Purpose.WHATSAPP_CODE)
            return self._tickets.issue(
                tx,
                Purpose.WHATSAPP_CODE,
                owner,
                now=now,
                life=LIFE,
                tries=TRIES,
                number=number,
                asked_for=purpose,
                code=digest.hex(),
            )

        try:
            ticket = await self._store.write(unit)
        except TooSoon as soon:
            raise _too_many(soon) from None
        if send and (anyone or owner is not None):
            await _sent(whatsapp, number, code)
        elif send:
            task = asyncio.create_task(_send_after(self._later, whatsapp, number, code))
            self._sending.add(task)  # the loop itself holds a task but weakly
            task.add_done_callback(self._sending.discard)
        return ticket

    async def check(self, ticket: str, code: str) -> ShownNumber:
        """Take a code; the right one uses its ticket up. Every answer costs a try, for good.

        Whoever calls looks at `purpose` and `account`. Raises `NotOffered`, `TicketGone`,
        `CodeWrong` with how many tries are left, `TooManyTries` for the number's wrong codes.
        """
        self._offered()
        now = self._clock()

        def unit(tx: Tx) -> ShownNumber | CodeWrong:
            number = _number(self._tickets.look_at(tx, ticket, Purpose.WHATSAPP_CODE, now=now))
            subject = self._subject(number)
            # Both are taken before anything is compared. A wrong code is told by a value, since
            # what raises is undone: the tries would come back.
            limits.take(tx, _WRONG, subject, now=now)
            tried = self._tickets.attempt(tx, ticket, Purpose.WHATSAPP_CODE, now=now)
            if not self._fits(tried, code):
                return CodeWrong(tried.tries)
            limits.give_back(tx, _WRONG, subject, now=now)
            self._tickets.use_up(tx, tried)
            return ShownNumber(number, CodePurpose(tried.facts["asked_for"]), tried.account)

        try:
            shown = await self._store.write(unit)
        except TooSoon as soon:
            raise _too_many(soon) from None
        if isinstance(shown, CodeWrong):
            raise shown
        return shown

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """Give what is to be answered to the GET that verifies the webhook; None: refuse it.

        Raises `NotOffered`.
        """
        return self._offered().challenge(query)

    def heard(self, body: bytes, signature: str | None) -> None:
        """Note in the log which messages were not delivered. Raises `NotOffered`, `WebhookRefused`.

        Nothing of it is kept: a code that did not arrive is asked for again.
        """
        for status in self._offered().statuses(body, signature):
            if status.state is State.FAILED:
                _LOG.warning(
                    "WhatsApp did not deliver message %s: code %s",
                    reference(status.message_id),
                    status.error_code,
                )

    async def close(self) -> None:
        """Wait for the messages that are on their way: seconds, at the most."""
        await asyncio.gather(*self._sending)

    def _offered(self) -> WhatsApp:
        if self._whatsapp is None:
            raise NotOffered("WhatsApp")
        return self._whatsapp

    def _take_turn(self, tx: Tx, number: str, visit: Visit, now: int) -> None:
        """Take one from each bucket, or from none. Raises `TooSoon`.

        Codes that are not sent count like the others: they must look alike.
        """
        limits.take(tx, _BY_NETWORK, visit.network, now=now)
        subject = self._subject(number)
        for limit in _BY_NUMBER:
            limits.take(tx, limit, subject, now=now)
        limits.take(tx, _BY_EVERYBODY, "", now=now)

    def _subject(self, number: str) -> str:
        return self._signer.sign(_NUMBER_KEY, number.encode()).hex()

    def _fits(self, ticket: Ticket, code: str) -> bool:
        """Tell whether a code is the ticket's, in a time that says nothing of how much of it is."""
        typed = _BETWEEN.sub("", code[:_LONGEST_READ])
        if _RIGHT_FORM.fullmatch(typed) is None:
            return False
        message = _message(ticket.facts["asked_for"], _number(ticket), typed)
        return self._signer.signed(_CODE_KEY, message, bytes.fromhex(ticket.facts["code"]))


async def _sent(whatsapp: WhatsApp, number: str, code: str) -> None:
    """Send, and note by what name the log may call it. Raises `MessageNotSent`.

    The ticket of a message that failed is in nobody's hands, and ends by itself.
    """
    _LOG.info("WhatsApp took message %s", reference(await whatsapp.send_code(number, code)))


async def _send_after(seconds: float, whatsapp: WhatsApp, number: str, code: str) -> None:
    """Send once the answer is out: the work of sending must not be felt in the time it takes."""
    await asyncio.sleep(seconds)
    try:
        await _sent(whatsapp, number, code)
    except MessageNotSent:
        return  # logged where it was known why


def _number(ticket: Ticket) -> str:
    return str(ticket.facts["number"])


def _message(purpose: str, number: str, code: str) -> bytes:
    """Give what a code's digest covers: no part of it has a blank in it."""
    return f"{purpose} {number} {code}".encode()


def _too_many(soon: TooSoon) -> TooManyTries:
    return TooManyTries(-(-soon.wait // SECOND))
