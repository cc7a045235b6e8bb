"""The second factor: codes of an authenticator app (TOTP, RFC 6238); recovery codes if it is lost.

The app's secret is sealed for its account and opened for one comparison. A code counts in its own
30 seconds alone and once (ASVS 5.0, 6.5.1 and 6.5.5); a recovery code counts once, then its row is
gone. Wrong codes are counted for each account, and stay counted whatever else comes of the call.
"""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

import pyotp

import audit
from accounts import limits
from accounts.box import Box
from accounts.errors import (
    CodeWrong,
    SecondFactorAbsent,
    SecondFactorPresent,
    TicketGone,
    TooManyTries,
)
from accounts.limits import Limit, TooSoon
from accounts.outbox import Letter, Outbox
from accounts.tickets import Purpose, Tickets
from accounts.visits import Visit
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Store, Tx, changes
from store.changes import Kind
from store.clock import MINUTE, SECOND

# SHA-1, 6 digits and 30 seconds are what every authenticator app reckons with; several ignore what
# the address says, and show wrong codes for anything else. HMAC needs nothing of what SHA-1 lost.
STEP: Final = 30 * SECOND
RECOVERY_CODES: Final = 10
WRONG_CODES: Final = Limit("second factor", burst=10, every=5 * MINUTE)

_SECRET: Final = "totp secret"  # noqa: S105 - a purpose
_SECRET_BYTES: Final = 20  # 160 bits: RFC 4226, requirement 6
_RECOVERY_CODE: Final = "recovery code"
_RECOVERY_BYTES: Final = 15  # 120 bits; from 112 on a fast digest is enough: ASVS 5.0, 6.5.2
_GROUP: Final = 4
_SETUP_LIFE: Final = 15 * MINUTE
_SETUP_TRIES: Final = 5
_LONGEST_READ: Final = 100

_FILL: Final = re.compile(
    r"[\s\u2010-\u2015\u2212-]"
)  # spaces, and dashes as programs prettify them
_APP_FORM: Final = re.compile(r"[0-9]{6}")
_RECOVERY_FORM: Final = re.compile(r"[A-Za-z2-7]{24}")


@dataclass(frozen=True, slots=True, repr=False)
class SetUp:
    """What an authenticator app is given, once: the secret in base 32, or the address with it."""

    secret: str
    uri: str
    ticket: str


class SecondFactor:
    """Sets up, asks for and takes away the second factor of an account."""

    def __init__(  # noqa: PLR0917 - handed over once, by the composition
        self,
        store: Store,
        box: Box,
        tickets: Tickets,
        signer: Signer,
        outbox: Outbox,
        clock: Clock,
        issuer_name: str,
    ) -> None:
        self._store = store
        self._box = box
        self._tickets = tickets
        self._signer = signer
        self._outbox = outbox
        self._clock = clock
        self._issuer_name = issuer_name

    async def begin(self, owner: ProvenOwner, address: str) -> SetUp:
        """Make a secret for an app; it counts for nothing until `confirm` has seen a code of it.

        A secret that was begun before is void. Raises `SecondFactorPresent`.
        """
        now = self._clock()
        secret = base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()

        def unit(tx: Tx) -> str:
            if is_on(tx, owner):
                raise SecondFactorPresent
            self._tickets.void(tx, owner, Purpose.TOTP_SETUP)
            return self._tickets.issue(
                tx,
                Purpose.TOTP_SETUP,
                owner,
                now=now,
                life=_SETUP_LIFE,
                tries=_SETUP_TRIES,
                secret=secret,
            )

        ticket = await self._store.write(unit)
        uri = pyotp.TOTP(secret).provisioning_uri(
            name=address or self._issuer_name, issuer_name=self._issuer_name
        )
        return SetUp(secret, uri, ticket)

    async def confirm(self, owner: ProvenOwner, ticket: str, code: str) -> list[str]:
        """Switch the second factor on, once the app has shown that it holds the secret.

        Gives the recovery codes, which are shown here and never again. The code given is used up.
        Raises `CodeWrong` (its `left` tries remain), `TicketGone`, `SecondFactorPresent`.
        """
        now = self._clock()
        codes = _new_codes()

        def unit(tx: Tx) -> CodeWrong | None:
            begun = self._tickets.attempt(tx, ticket, Purpose.TOTP_SETUP, now=now)
            if begun.account != owner.account:
                raise TicketGone
            if is_on(tx, owner):
                raise SecondFactorPresent
            secret: str = begun.facts["secret"]
            if not _fits(secret, _plain(code), now):
                return CodeWrong(begun.tries)  # given, not raised: the try must stay counted
            self._tickets.use_up(tx, begun)
            tx.run(
                "INSERT INTO totp (account, sealed, last_step, added_at)"
                " VALUES (:account, :sealed, :step, :now)",
                account=owner.account,
                sealed=self._box.seal(_SECRET, owner.account, base64.b32decode(secret)),
                step=now // STEP,
                now=now,
            )
            self._put_codes(tx, owner, secret, codes)
            audit.record(tx, self._signer, owner, Act.SECOND_FACTOR_ADDED, at=now)
            changes.append(tx, owner, Kind.ACCOUNT_CHANGED, at=now)
            self._outbox.tell(tx, owner, Letter.SECOND_FACTOR_ADDED, now=now)
            return None

        _raise(await self._store.write(unit))
        return codes

    async def is_set_up(self, owner: Owner) -> bool:
        """Tell whether the account has a second factor."""
        return await self._store.read(lambda tx: is_on(tx, owner))

    async def check(self, owner: Owner, code: str, visit: Visit) -> None:
        """Take a code of the app or a recovery code; returns only if it counts, and uses it up.

        Wrong ones are limited for each account. Recovery codes are taken beyond the limit too: no
        guesser comes upon 120 random bits, and so whoever floods an account with wrong codes does
        not keep its owner out. Raises `CodeWrong`, `TooManyTries`, `SecondFactorAbsent`; and
        `BoxBroken` where the app's secret was altered or its master key is missing.
        """
        now = self._clock()
        plain = _plain(code)

        def unit(tx: Tx) -> CodeWrong | TooManyTries | None:
            row = tx.one("SELECT sealed FROM totp WHERE account = :account", account=owner.account)
            if row is None:
                raise SecondFactorAbsent
            secret = self._opened(owner, row[0])
            if self._took_recovery_code(tx, owner, secret, plain, visit, now):
                return None
            # Given, not raised, from here on: what was taken from the bucket must stay taken.
            try:
                limits.take(tx, WRONG_CODES, owner.account, now=now)
            except TooSoon as soon:
                return TooManyTries(-(-soon.wait // SECOND))
            if not self._took_app_code(tx, owner, secret, plain, now):
                return CodeWrong()
            limits.give_back(tx, WRONG_CODES, owner.account, now=now)
            return None

        _raise(await self._store.write(unit))

    async def remove(self, owner: ProvenOwner) -> None:
        """Switch the second factor off, recovery codes and all. Raises `SecondFactorAbsent`."""
        now = self._clock()

        def unit(tx: Tx) -> None:
            if not tx.run("DELETE FROM totp WHERE account = :account", account=owner.account):
                raise SecondFactorAbsent
            _drop_codes(tx, owner)
            audit.record(tx, self._signer, owner, Act.SECOND_FACTOR_REMOVED, at=now)
            changes.append(tx, owner, Kind.ACCOUNT_CHANGED, at=now)
            self._outbox.tell(tx, owner, Letter.SECOND_FACTOR_REMOVED, now=now)

        await self._store.write(unit)

    async def renew_codes(self, owner: ProvenOwner) -> list[str]:
        """Make new recovery codes, shown once; the old are void. Raises `SecondFactorAbsent`."""
        now = self._clock()
        codes = _new_codes()

        def unit(tx: Tx) -> None:
            row = tx.one("SELECT sealed FROM totp WHERE account = :account", account=owner.account)
            if row is None:
                raise SecondFactorAbsent
            _drop_codes(tx, owner)
            self._put_codes(tx, owner, self._opened(owner, row[0]), codes)
            audit.record(tx, self._signer, owner, Act.RECOVERY_CODES_MADE, at=now)
            changes.append(tx, owner, Kind.ACCOUNT_CHANGED, at=now)

        await self._store.write(unit)
        return codes

    async def codes_left(self, owner: Owner) -> int:
        """Give how many recovery codes can still be used."""
        return await self._store.read(lambda tx: _codes_left(tx, owner))

    def _opened(self, owner: Owner, sealed: bytes) -> str:
        """Give the app's secret, in base 32. Raises `BoxBroken`."""
        return base64.b32encode(self._box.open(_SECRET, owner.account, sealed)).decode()

    def _took_app_code(self, tx: Tx, owner: Owner, secret: str, plain: str, now: int) -> bool:
        """Use up a code of the app, if it is the one of these 30 seconds and was not used yet."""
        return _fits(secret, plain, now) and bool(
            tx.run(
                "UPDATE totp SET last_step = :step WHERE account = :account AND last_step < :step",
                account=owner.account,
                step=now // STEP,
            )
        )

    def _took_recovery_code(  # noqa: PLR0917 - a step of `check`, with what that has gathered
        self, tx: Tx, owner: Owner, secret: str, plain: str, visit: Visit, now: int
    ) -> bool:
        """Use up a recovery code, if it is one: its row is deleted, so that none revives it."""
        if not _RECOVERY_FORM.fullmatch(plain):
            return False
        rows = tx.all(
            "SELECT digest FROM recovery_codes WHERE account = :account", account=owner.account
        )
        # Each of them, because a digest may be of an older master key.
        for (digest,) in rows:
            if self._signer.signed(_RECOVERY_CODE, _covered(secret, plain), digest):
                tx.run(
                    "DELETE FROM recovery_codes WHERE account = :account AND digest = :digest",
                    account=owner.account,
                    digest=digest,
                )
                left = len(rows) - 1
                audit.record(tx, self._signer, owner, Act.RECOVERY_CODE_USED, at=now)
                changes.append(tx, owner, Kind.ACCOUNT_CHANGED, at=now)
                self._outbox.tell(
                    tx, owner, Letter.RECOVERY_CODE_USED, now=now, left=left, place=visit.address
                )
                return True
        return False

    def _put_codes(self, tx: Tx, owner: Owner, secret: str, codes: list[str]) -> None:
        for code in codes:
            tx.run(
                "INSERT INTO recovery_codes (account, digest) VALUES (:account, :digest)",
                account=owner.account,
                digest=self._signer.sign(_RECOVERY_CODE, _covered(secret, _plain(code))),
            )


def is_on(tx: Tx, owner: Owner) -> bool:
    """Tell whether the account has a second factor."""
    row = tx.one("SELECT 1 FROM totp WHERE account = :account", account=owner.account)
    return row is not None


def move(tx: Tx, box: Box, was: Owner, to: Owner) -> None:
    """Make the second factor good for the account's new id, which its rows already have.

    Recovery codes stay good: they are digested with the app's secret, which goes along. Raises
    `BoxBroken` for a secret that does not open, rather than let an account go on without the second
    factor that it had.
    """
    row = tx.one("SELECT sealed FROM totp WHERE account = :account", account=to.account)
    if row is not None:
        tx.run(
            "UPDATE totp SET sealed = :sealed WHERE account = :account",
            account=to.account,
            sealed=box.seal(_SECRET, to.account, box.open(_SECRET, was.account, row[0])),
        )


def _drop_codes(tx: Tx, owner: Owner) -> None:
    tx.run("DELETE FROM recovery_codes WHERE account = :account", account=owner.account)


def _codes_left(tx: Tx, owner: Owner) -> int:
    row = tx.one(
        "SELECT count(*) FROM recovery_codes WHERE account = :account", account=owner.account
    )
    return 0 if row is None else int(row[0])


def _new_codes() -> list[str]:
    """Give new recovery codes, as people read them: `ABCD-EFGH-IJKL-MNOP-QRST-UVWX`."""
    codes = []
    for _ in range(RECOVERY_CODES):
        letters = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
        groups = (letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))
        codes.append("-".join(groups))
    return codes


def _plain(code: str) -> str:
    """Give a code without what people and programs put between its characters."""
    return _FILL.sub("", code).upper() if len(code) <= _LONGEST_READ else ""


def _covered(secret: str, plain: str) -> bytes:
    """Give what a recovery code's digest covers: in another account's rows it fits nothing."""
    return f"{secret}|{plain}".encode()


def _fits(secret: str, plain: str, now: int) -> bool:
    """Tell whether a code is that of the present 30 seconds.

    Not that of the last ones: ASVS 5.0, 6.5.5 gives a code no longer life than 30 seconds.
    """
    if not _APP_FORM.fullmatch(plain):
        return False
    expected = pyotp.TOTP(secret).generate_otp(now // STEP)
    return hmac.compare_digest(expected, plain)


def _raise(failure: Exception | None) -> None:
    if failure is not None:
        raise failure
