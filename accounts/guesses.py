"""Guessing is held down, and nobody can lock anybody out by it.

Tries from one client's network are limited, whatever they try; tries at one account by browsers
that it does not know are limited together, more tightly the longer they go on. A browser that has
signed in before is known by a cookie, and has a limit of its own: whoever guesses at an account
uses up the strangers' tries, never its owner's. (OWASP calls these device cookies.) Whoever is
limited on a browser that is not known has the other ways in: passkey, Google, GitHub, WhatsApp, and
a reset.
"""

import base64
import secrets
import struct
from dataclasses import dataclass, field, replace
from typing import Final

from accounts import limits
from accounts.errors import TooManyTries
from accounts.limits import Limit, TooSoon
from accounts.outbox import Letter, Outbox
from accounts.visits import Visit
from audit import Signer
from store import Clock, Owner, Store, Tx
from store.clock import DAY, MINUTE, SECOND

_DEVICE: Final = "device cookie"
_DEVICE_LIFE: Final = 400 * DAY  # as long as browsers keep one
_NONCE_BYTES: Final = 16
_ACCOUNT_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 32
_STAMP_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """How many tries there are, in a row and in time."""

    network: Limit = field(default=Limit("sign-in from", 30, 10 * SECOND))
    strangers: Limit = field(default=Limit("sign-in by strangers", 5, 20 * SECOND))
    strangers_daily: Limit = field(default=Limit("sign-in by strangers, daily", 100, 15 * MINUTE))
    device: Limit = field(default=Limit("sign-in by device", 10, 20 * SECOND))
    device_daily: Limit = field(default=Limit("sign-in by device, daily", 100, 15 * MINUTE))
    sign_up: Limit = field(default=Limit("sign-up from", 10, 6 * MINUTE))
    mail_from: Limit = field(default=Limit("mail asked for from", 10, 6 * MINUTE))
    mail_to: Limit = field(default=Limit("mail asked for to", 3, 20 * MINUTE))
    device_told: Limit = field(default=Limit("new device told to", 5, DAY // 6))
    guesses_told: Limit = field(default=Limit("guesses told to", 1, DAY))

    @classmethod
    def loose(cls) -> "Limits":
        """Give limits that nothing reaches: for tests of everything else."""
        given = cls()
        return cls(
            **{
                name: replace(getattr(given, name), burst=1_000_000)
                for name in cls.__dataclass_fields__
            }
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an account that was let through."""

    owner: Owner
    taken: tuple[tuple[Limit, str], ...]
    is_known: bool


class Guesses:
    """Lets a try at an account through, or not."""

    def __init__(
        self,
        store: Store,
        signer: Signer,
        outbox: Outbox,
        clock: Clock,
        given: Limits | None = None,
    ) -> None:
        self._store = store
        self._signer = signer
        self._outbox = outbox
        self._clock = clock
        self.limits = given or Limits()

    async def begin(self, owner: Owner, visit: Visit) -> Attempt:
        """Count a try, before anything is compared. Raises `TooManyTries`."""
        device = self._device_of(owner, visit)
        allowed = self.limits
        if device:
            wanted = [(allowed.device_daily, device), (allowed.device, device)]
        else:
            wanted = [
                (allowed.network, visit.network),
                (allowed.strangers_daily, owner.account),
                (allowed.strangers, owner.account),
            ]
        try:
            await self.take(*wanted)
        except TooManyTries:
            if not device:
                self._store.write_soon(lambda tx: self._tell(tx, owner, self._clock()))
            raise
        return Attempt(owner, tuple(wanted), bool(device))

    async def take(self, *wanted: tuple[Limit, str]) -> None:
        """Take one from each bucket, or from none. Raises `TooManyTries`."""
        now = self._clock()

        def unit(tx: Tx) -> None:
            for limit, subject in wanted:
                limits.take(tx, limit, subject, now=now)

        try:
            await self._store.write(unit)
        except TooSoon as soon:
            raise TooManyTries(-(-soon.wait // SECOND)) from None

    def was_right(self, tx: Tx, attempt: Attempt, *, now: int) -> None:
        """Give a try back that was no guess."""
        for limit, subject in attempt.taken:
            limits.give_back(tx, limit, subject, now=now)

    def knows(self, owner: Owner, visit: Visit) -> bool:
        """Tell whether this browser has signed in to that account before."""
        return bool(self._device_of(owner, visit))

    def introduce(self, owner: Owner) -> str:
        """Give the cookie by which a browser that has signed in is known from now on."""
        body = (
            secrets.token_bytes(_NONCE_BYTES)
            + bytes.fromhex(owner.account)
            + struct.pack(">Q", self._clock())
        )
        return base64.urlsafe_b64encode(body + self._signer.sign(_DEVICE, body)).decode()

    def may_tell(self, tx: Tx, owner: Owner, *, now: int) -> bool:
        """Tell whether one more letter about a new device is to go out; it is counted."""
        try:
            limits.take(tx, self.limits.device_told, owner.account, now=now)
        except TooSoon:
            return False
        return True

    def _device_of(self, owner: Owner, visit: Visit) -> str:
        """Give the browser's own name, if it has signed in to the account before; else nothing."""
        try:
            raw = base64.urlsafe_b64decode(visit.known_by)
        except ValueError:
            return ""
        body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        if len(body) != _NONCE_BYTES + _ACCOUNT_BYTES + _STAMP_BYTES:
            return ""
        if not self._signer.signed(_DEVICE, body, signature):
            return ""
        nonce, account = body[:_NONCE_BYTES], body[_NONCE_BYTES:-_STAMP_BYTES]
        (made_at,) = struct.unpack(">Q", body[-_STAMP_BYTES:])
        is_theirs = account.hex() == owner.account and self._clock() - made_at < _DEVICE_LIFE
        return nonce.hex() if is_theirs else ""

    def _tell(self, tx: Tx, owner: Owner, now: int) -> None:
        """Tell an account's owner that somebody guesses at it; once a day."""
        try:
            limits.take(tx, self.limits.guesses_told, owner.account, now=now)
        except TooSoon:
            return
        self._outbox.tell(tx, owner, Letter.GUESSES, now=now, count=self.limits.strangers.burst)
