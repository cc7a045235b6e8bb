"""Sessions: a row in the database, a signed cookie in the browser, and the freshness of a login."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

import audit
from accounts.errors import SignInRequired, StaleLogin
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Store, Tx, changes
from store.changes import Kind
from store.clock import DAY, MINUTE

LIFE: Final = 14 * DAY
FRESH_FOR: Final = 5 * MINUTE
_ID_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in by password. Times are microseconds."""

    digest: bytes
    owner: Owner
    expires_at: int
    proven_at: int


class Sessions:
    """Opens, finds and ends sessions. The only maker of `ProvenOwner`."""

    def __init__(self, store: Store, signer: Signer, clock: Clock) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock

    async def open(self, owner: Owner) -> str:
        """Begin a session for somebody who has just given their password; give the cookie's value.

        Each sign-in gets a new id, so that an id planted beforehand is worth nothing.
        """
        session_id = secrets.token_bytes(_ID_BYTES)
        now = self._clock()

        def unit(tx: Tx) -> None:
            tx.run("DELETE FROM sessions WHERE expires_at <= :now", now=now)
            tx.run(
                "INSERT INTO sessions (id, account, created_at, expires_at, proven_at)"
                " VALUES (:id, :account, :now, :expires_at, :now)",
                id=hashlib.sha256(session_id).digest(),
                account=owner.account,
                now=now,
                expires_at=now + LIFE,
            )
            audit.record(tx, self._signer, owner, Act.SIGNED_IN, at=now)

        await self._store.write(unit)
        signature = self._signer.sign("session cookie", session_id)
        return base64.urlsafe_b64encode(session_id + signature).decode()

    async def find(self, cookie: str) -> Session:
        """Give the session of a cookie. Raises `SignInRequired`."""
        try:
            raw = base64.urlsafe_b64decode(cookie)
        except ValueError:  # binascii.Error is one; text outside ASCII raises another
            raise SignInRequired from None
        if base64.urlsafe_b64encode(raw).decode() != cookie:  # decoding overlooks a lot
            raise SignInRequired
        session_id, signature = raw[:_ID_BYTES], raw[_ID_BYTES:]
        if len(signature) != _SIGNATURE_BYTES or not self._signer.signed(
            "session cookie", session_id, signature
        ):
            raise SignInRequired
        digest = hashlib.sha256(session_id).digest()
        row = await self._store.read(
            lambda tx: tx.one(
                "SELECT account, expires_at, proven_at FROM sessions WHERE id = :id", id=digest
            )
        )
        if row is None or row[1] <= self._clock():
            raise SignInRequired
        return Session(digest, Owner(row[0]), row[1], row[2])

    async def refresh(self, session: Session) -> None:
        """Note that the password was given again just now, in this session."""
        now = self._clock()
        changed = await self._store.write(
            lambda tx: tx.run(
                "UPDATE sessions SET proven_at = :now WHERE id = :id AND account = :account",
                now=now,
                id=session.digest,
                account=session.owner.account,
            )
        )
        if not changed:
            raise SignInRequired

    def proven(self, session: Session) -> ProvenOwner:
        """Give the owner as one who has just proven who they are. Raises `StaleLogin`."""
        # Either way: a clock that was put back must not make a login fresh for longer.
        if abs(self._clock() - session.proven_at) > FRESH_FOR:
            raise StaleLogin
        return ProvenOwner(session.owner.account)

    async def end(self, session: Session) -> None:
        """End a session; its cookie is worth nothing from now on."""
        at = self._clock()

        def unit(tx: Tx) -> None:
            if tx.run(
                "DELETE FROM sessions WHERE id = :id AND account = :account",
                id=session.digest,
                account=session.owner.account,
            ):
                changes.append(tx, session.owner, Kind.SESSION_ENDED, at=at)
                audit.record(tx, self._signer, session.owner, Act.SIGNED_OUT, at=at)

        await self._store.write(unit)
