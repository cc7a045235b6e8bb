"""Sessions: a row in the database, a signed cookie in the browser, and the freshness of a login.

A cookie holds 256 random bits and a signature over them; the row holds their SHA-256 and a voucher.
A session ends when it was not used for a day, after two weeks, or when it is ended.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ulid import ULID

import audit
from accounts.errors import SessionGone, SignInRequired, StaleLogin
from accounts.visits import Visit
from accounts.vouching import Fact, vouch, vouched
from audit import Act, Signer
from store import Clock, Owner, ProvenOwner, Row, Store, Tx, changes
from store.changes import Kind
from store.clock import DAY, MINUTE

LIFE: Final = 14 * DAY
IDLE: Final = DAY
FRESH_FOR: Final = 5 * MINUTE
MOST_AT_ONCE: Final = 50
_SEEN_EVERY: Final = MINUTE
_ID_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 32
_COOKIE: Final = "session cookie"


class Means(StrEnum):
    """By what somebody showed who they are."""

    PASSWORD = "PASSWORD"  # noqa: S105 - a means
    PASSKEY = "PASSKEY"
    GOOGLE = "GOOGLE"
    GITHUB = "GITHUB"
    WHATSAPP = "WHATSAPP"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in. `place` is the client's address; times are microseconds."""

    digest: bytes
    reference: str
    owner: Owner
    created_at: int
    expires_at: int
    proven_at: int
    used_at: int
    means: Means
    device: str
    place: str

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What the voucher covers."""
        return (
            self.digest,
            self.reference,
            self.created_at,
            self.expires_at,
            self.proven_at,
            str(self.means),
        )


_SESSION: Final = (
    "SELECT id, reference, account, created_at, expires_at, proven_at, used_at, means, device,"
    " place, voucher FROM sessions"
)


class Sessions:
    """Opens, finds and ends sessions. The only maker of `ProvenOwner`.

    `signer` signs rows and the audit trail; `cookies` signs cookies, with keys of its own where the
    operator configured some.
    """

    def __init__(
        self, store: Store, signer: Signer, clock: Clock, *, cookies: Signer | None = None
    ) -> None:
        self._store = store
        self._signer = signer
        self._cookies = cookies or signer
        self._clock = clock

    async def open(
        self, owner: Owner, means: Means = Means.PASSWORD, visit: Visit | None = None
    ) -> str:
        """Begin a session, in a transaction of its own: see `begin`."""
        now = self._clock()
        return await self._store.write(
            lambda tx: self.begin(tx, owner, means, visit or Visit(), now=now)
        )

    def begin(
        self,
        tx: Tx,
        owner: Owner,
        means: Means,
        visit: Visit,
        *,
        now: int,
        instead_of: Session | None = None,
    ) -> str:
        """Begin a session for somebody who has just shown who they are; give the cookie's value.

        Each sign-in gets a new id, so that an id planted beforehand is worth nothing; and so does a
        login made fresh, whose old session (`instead_of`) ends in the same transaction. So does the
        session that the browser had before, whoever's that was: it loses the cookie.
        """
        session_id = secrets.token_bytes(_ID_BYTES)
        reference, created_at = f"ses_{ULID()}", now
        if instead_of is not None:
            # By its id: of two who do so at once, one has it, and keeps what it was given.
            if not tx.run(
                "DELETE FROM sessions WHERE account = :account AND id = :id",
                account=owner.account,
                id=instead_of.digest,
            ):
                raise SignInRequired
            reference, created_at = instead_of.reference, instead_of.created_at
            # What was opened under the old id looks again, and is closed: it is worth nothing.
            changes.append(tx, owner, Kind.SESSION_ENDED, at=now)
        elif visit.session:
            self._leave(tx, visit.session, now)
        session = Session(
            hashlib.sha256(session_id).digest(),
            reference,
            owner,
            created_at,
            created_at + LIFE,
            now,
            now,
            means,
            visit.device_words,
            visit.address,
        )
        self._make_room(tx, owner, now)
        tx.run(
            "INSERT INTO sessions (id, reference, account, created_at, expires_at, proven_at,"
            " used_at, means, device, place, voucher) VALUES (:id, :reference, :account,"
            " :created_at, :expires_at, :now, :now, :means, :device, :place, :voucher)",
            id=session.digest,
            reference=reference,
            account=owner.account,
            created_at=created_at,
            expires_at=session.expires_at,
            now=now,
            means=means,
            device=session.device,
            place=session.place,
            voucher=vouch(self._signer, "sessions", owner, *session.facts),
        )
        act = Act.SIGNED_IN if instead_of is None else Act.PROVEN_AGAIN
        audit.record(tx, self._signer, owner, act, at=now, subject=f"{reference} {means}")
        signature = self._cookies.sign(_COOKIE, session_id)
        return base64.urlsafe_b64encode(session_id + signature).decode()

    async def find(self, cookie: str, *, is_use: bool = True) -> Session:
        """Give the session of a cookie. Raises `SignInRequired`.

        That somebody merely looks whether it goes on (`is_use` is False) keeps none from growing
        idle.
        """
        digest = self._digest_of(cookie)
        row = await self._store.read(
            lambda tx: tx.one(
                f"{_SESSION} WHERE id = :id AND (SELECT disabled_at IS NULL AND deleted_at IS NULL"  # noqa: S608
                " FROM accounts WHERE accounts.account = sessions.account)",
                id=digest,
            )
        )
        session = None if row is None else self._vouched_for(row)
        now = self._clock()
        if session is None or not _is_alive(session, now):
            raise SignInRequired
        if is_use and now - session.used_at > _SEEN_EVERY:
            # Nobody waits for it, and whether it was kept decides nothing but when it grows idle.
            self._store.write_soon(lambda tx: self._note_use(tx, session, now))
        return session

    def proven(self, session: Session) -> ProvenOwner:
        """Give the owner as one who has just proven who they are. Raises `StaleLogin`."""
        # Either way: a clock that was put back must not make a login fresh for longer.
        if abs(self._clock() - session.proven_at) > FRESH_FOR:
            raise StaleLogin
        return ProvenOwner(session.owner.account)

    async def list(self, owner: Owner) -> list[Session]:
        """Give the owner's sessions, the newest first."""
        rows = await self._store.read(
            lambda tx: tx.all(
                f"{_SESSION} WHERE account = :account ORDER BY used_at DESC, reference DESC",
                account=owner.account,
            )
        )
        now = self._clock()
        found = [session for row in rows if (session := self._vouched_for(row))]
        return [session for session in found if _is_alive(session, now)]

    async def end(self, session: Session) -> None:
        """End a session, as its own holder asks; its cookie is worth nothing from now on."""
        at = self._clock()

        def unit(tx: Tx) -> None:
            if self._drop(tx, session.owner, session.reference):
                changes.append(tx, session.owner, Kind.SESSION_ENDED, at=at)
                act = Act.SIGNED_OUT
                audit.record(tx, self._signer, session.owner, act, at=at, subject=session.reference)

        await self._store.write(unit)

    async def end_one(self, owner: ProvenOwner, reference: str) -> None:
        """End another of the owner's sessions. Raises `SessionGone`."""
        at = self._clock()

        def unit(tx: Tx) -> None:
            if not self._drop(tx, owner, reference):
                raise SessionGone
            changes.append(tx, owner, Kind.SESSION_ENDED, at=at)
            act = Act.SESSIONS_ENDED
            audit.record(tx, self._signer, owner, act, at=at, subject=reference)

        await self._store.write(unit)

    async def end_others(self, owner: ProvenOwner, keep: Session) -> int:
        """End all of the owner's sessions but this one; give how many those were."""
        at = self._clock()
        return await self._store.write(lambda tx: self.end_all(tx, owner, at=at, keep=keep))

    def end_all(
        self, tx: Tx, owner: Owner, *, at: int, keep: Session | None = None, by: str = ""
    ) -> int:
        """End the owner's sessions, in the transaction of whatever is the reason; give how many.

        `by` says in the audit trail who else than the owner did.
        """
        ended = tx.run(
            "DELETE FROM sessions WHERE account = :account AND reference <> :keep",
            account=owner.account,
            keep="" if keep is None else keep.reference,
        )
        if ended:
            changes.append(tx, owner, Kind.SESSION_ENDED, at=at)
            audit.record(
                tx, self._signer, owner, Act.SESSIONS_ENDED, at=at, subject=f"{ended} {by}".strip()
            )
        return ended

    def _digest_of(self, cookie: str) -> bytes:
        """Give the id of a cookie's row. Raises `SignInRequired` for one that we did not sign."""
        try:
            raw = base64.urlsafe_b64decode(cookie)
        except ValueError:  # binascii.Error is one; text outside ASCII raises another
            raise SignInRequired from None
        if base64.urlsafe_b64encode(raw).decode() != cookie:  # decoding overlooks a lot
            raise SignInRequired
        session_id, signature = raw[:_ID_BYTES], raw[_ID_BYTES:]
        if len(signature) != _SIGNATURE_BYTES or not self._cookies.signed(
            _COOKIE, session_id, signature
        ):
            raise SignInRequired
        return hashlib.sha256(session_id).digest()

    def _leave(self, tx: Tx, cookie: str, now: int) -> None:
        """End the session that a browser had, since it is given another one."""
        try:
            digest = self._digest_of(cookie)
        except SignInRequired:
            return
        row = tx.one("DELETE FROM sessions WHERE id = :id RETURNING account, reference", id=digest)
        if row is not None:
            owner = Owner(row[0])
            changes.append(tx, owner, Kind.SESSION_ENDED, at=now)
            audit.record(tx, self._signer, owner, Act.SIGNED_OUT, at=now, subject=row[1])

    def _make_room(self, tx: Tx, owner: Owner, now: int) -> None:
        """Drop what has expired of everybody's, and the owner's least used beyond the most."""
        tx.run("DELETE FROM sessions WHERE expires_at <= :now", now=now)
        tx.run(
            "DELETE FROM sessions WHERE account = :account AND reference IN (SELECT reference FROM"
            " sessions WHERE account = :account ORDER BY used_at DESC LIMIT -1 OFFSET :most)",
            account=owner.account,
            most=MOST_AT_ONCE - 1,
        )

    def _drop(self, tx: Tx, owner: Owner, reference: str) -> int:
        return tx.run(
            "DELETE FROM sessions WHERE account = :account AND reference = :reference",
            account=owner.account,
            reference=reference,
        )

    def _note_use(self, tx: Tx, session: Session, now: int) -> None:
        tx.run(
            "UPDATE sessions SET used_at = max(used_at, :now)"
            " WHERE account = :account AND id = :id",
            account=session.owner.account,
            id=session.digest,
            now=now,
        )

    def _vouched_for(self, row: Row) -> Session | None:
        digest, reference, account, made, ends, proven, used, means, device, place, voucher = row
        owner = Owner(account)
        if means not in Means.__members__:  # written from outside
            return None
        session = Session(
            digest, reference, owner, made, ends, proven, used, Means(means), device, place
        )
        ours = vouched(self._signer, voucher, "sessions", owner, *session.facts)
        return session if ours else None


def _is_alive(session: Session, now: int) -> bool:
    # A clock that was put back makes no session live longer.
    return now < session.expires_at and abs(now - session.used_at) < IDLE
