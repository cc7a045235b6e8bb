"""Carries the outbox out: each letter at least once, and once unless a process dies.

Several processes share one outbox: who claims a letter has it for a lease, and who dies leaves it
to the next after that, with the same Message-ID. The log names a letter by its row, and neither
to whom it goes nor what is in it.
"""

import asyncio
import contextlib
import logging
import random
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final

from accounts import letters
from accounts.outbox import Letter, Outbox, Waiting
from accounts.smtp import MailDelayed, MailRefused, Transport
from store import Clock, Row, Store, Tx
from store.clock import DAY, MINUTE

_LOG: Final = logging.getLogger("keysteward.mail")
_MOST: Final = 20
_LEASE: Final = 2 * MINUTE
_AT_ONCE: Final = 4
_LONGEST_DELIVERY_SECONDS: Final = 22
"""So a round's deliveries end within the lease: 20 letters, 4 at once, make 110 s at the most."""
_PAUSES: Final = (MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE)
_LONG_PAUSE: Final = 180 * MINUTE
_GIVE_UP_AFTER: Final = 3 * DAY
_ROUND_SECONDS: Final = 1.0


class Postman:
    """Takes letters out of the outbox, and hands them to a transport."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        transport: Transport,
        clock: Clock,
        *,
        site: str,
        sender: str,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._transport = transport
        self._clock = clock
        self._site = site
        self._sender = sender
        self.wake: asyncio.Event = asyncio.Event()
        """Set it to have the next round begin at once."""

    async def run(self) -> None:
        """Go round until cancelled; a round that fails is logged, and the next one comes."""
        while True:
            self.wake.clear()
            try:
                while await self.round() == _MOST:
                    pass  # more may wait
            except Exception:  # noqa: BLE001 - the mail goes on
                _LOG.exception("A round of the mail failed.")
            # Not all processes at the same moment.
            pause = _ROUND_SECONDS * (1 + random.random())  # noqa: S311 - nobody gains by guessing
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), pause)

    async def round(self) -> int:
        """Claim up to 20 letters that are due, carry each out, and give how many there were."""
        now = self._clock()
        if not await self._store.read(lambda tx: _is_any_due(tx, now)):
            return 0  # so an idle server takes no turn at writing
        rows = await self._store.write(lambda tx: _claim(tx, now))
        gate = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(self._carry(row, gate) for row in rows))
        return len(rows)

    async def _carry(self, row: Row, gate: asyncio.Semaphore) -> None:
        """Carry one letter out. Whatever goes wrong with it touches no other one."""
        name, account, letter, *_ = row
        called = f"{name} ({letter}, account {account[:8]})"
        try:
            async with gate:
                await self._deliver_and_settle(row, called)
        except Exception as error:  # noqa: BLE001 - its text may hold what is in the letter
            _LOG.error(
                "Letter %s could not be taken down as carried out (%s): it will be sent again.",
                called,
                type(error).__name__,
            )

    async def _deliver_and_settle(self, row: Row, called: str) -> None:
        waiting = self._outbox.opened(row)
        if waiting is None:
            _LOG.error("Letter %s does not open any more and is dropped.", called)
            await self._drop(row)
            return
        try:
            await self._deliver(waiting)
        except MailRefused as refused:
            _LOG.warning("Letter %s is refused for good: %s", called, refused)
            await self._drop(row)
        except MailDelayed as delayed:
            await self._put_off(row, called, str(delayed))
        except Exception as error:  # noqa: BLE001 - likewise: nothing but its kind may be said
            await self._put_off(row, called, f"{type(error).__name__} while it was written.")
        else:
            await self._drop(row)

    async def _deliver(self, waiting: Waiting) -> None:
        message = self._written(waiting)
        try:
            async with asyncio.timeout(_LONGEST_DELIVERY_SECONDS):
                await self._transport.deliver(message)
        except TimeoutError:
            raise MailDelayed("It took too long.") from None

    def _written(self, waiting: Waiting) -> EmailMessage:
        domain = parseaddr(self._sender)[1].rpartition("@")[2] or "localhost"
        return letters.write(
            Letter(waiting.letter),
            waiting.facts,
            site=self._site,
            sender=self._sender,
            message_id=f"<{waiting.id}@{domain}>",
            at=waiting.created_at,
        )

    async def _drop(self, row: Row) -> None:
        name, account, *_ = row
        await self._store.write(
            lambda tx: tx.run(
                "DELETE FROM outbox WHERE account = :account AND id = :id", account=account, id=name
            )
        )

    async def _put_off(self, row: Row, called: str, why: str) -> None:
        name, account, _, _, created_at, tries = row
        now = self._clock()
        if now - created_at >= _GIVE_UP_AFTER:
            _LOG.error("Letter %s is given up after %d tries: %s", called, tries, why)
            await self._drop(row)
            return
        pause = _PAUSES[tries - 1] if tries <= len(_PAUSES) else _LONG_PAUSE
        _LOG.warning("Letter %s waits %d min for its next try: %s", called, pause // MINUTE, why)
        await self._store.write(
            lambda tx: tx.run(
                # Unless its lease has ended, and another process has it by now.
                "UPDATE outbox SET due_at = :due_at"
                " WHERE account = :account AND id = :id AND tries = :tries",
                account=account,
                id=name,
                tries=tries,
                due_at=now + pause,
            )
        )


def _is_any_due(tx: Tx, now: int) -> bool:
    found = tx.one(
        "SELECT 1 FROM outbox WHERE due_at <= :now AND letter NOT LIKE 'ASKED %' LIMIT 1", now=now
    )
    return found is not None


def _claim(tx: Tx, now: int) -> list[Row]:
    """Claim what is due, oldest first: nobody else gets it before the lease ends."""
    rows = tx.all(
        "UPDATE outbox SET due_at = :lease_ends, tries = tries + 1 WHERE id IN"
        " (SELECT id FROM outbox WHERE due_at <= :now AND letter NOT LIKE 'ASKED %'"
        " ORDER BY due_at, id LIMIT :most)"
        " RETURNING id, account, letter, sealed, created_at, tries",
        now=now,
        lease_ends=now + _LEASE,
        most=_MOST,
    )
    return sorted(rows)
