"""An account that has one of everything: each table that can hold something of its owner's does."""

from dataclasses import dataclass, field

import pyotp

from accounts import identities
from accounts.identity_kind import IdentityKind
from accounts.outbox import Outbox
from accounts.people import People
from accounts.scopes import Scope
from accounts.sessions import Session
from accounts.tickets import Purpose
from accounts.tools import Tool
from accounts.visits import Visit
from broker import calls, commitments, prices, reservations
from broker.ceilings import USD, Ceilings
from broker.commitments import Commitment
from broker.files import Files
from broker.outcome import Outcome
from broker.prices import Prices
from broker.reservations import Admission, End, Verdict
from keysteward.box import SealedBox
from metering import Measure, Quote
from providers import CATALOGUE
from store import Owner, ProvenOwner, Store, Tx
from store.clock import SECOND
from tests.kit.authenticator import Authenticator
from tests.kit.clock import MovedClock
from vault.keyring import Keyring
from vault.revocations import Listener, Revocations, seen
from vault.rows import KeyState
from vault.vault import Vault, parse

PASSWORD = "correct horse battery"
VISIT = Visit(address="192.0.2.7", device="Browser/1.0")
SUBJECT = "https://accounts.google.com 1234"
OPENAI = CATALOGUE["openai"]


@dataclass
class Whole:
    """What its owner has in hand."""

    owner: ProvenOwner
    address: str
    cookie: str
    device: str
    session: Session
    codes: list[str] = field(default_factory=list)
    totp: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    """Each key's secret by its id."""
    removed_key: str = ""
    tool: str = ""
    tool_token: str = ""
    user_token: str = ""
    call: str = "call_running"
    ceiling: str = ""
    authenticator: Authenticator = field(default_factory=Authenticator)


async def _to_nobody(_: object) -> None:
    """Take an answer."""


@dataclass(frozen=True)
class Maker:
    """Makes them, with the parts of one installation."""

    people: People
    vault: Vault
    store: Store
    keyring: Keyring
    clock: MovedClock

    async def __call__(self, address: str = "ada@example.com", *, verified: bool = True) -> Whole:
        people, store, clock = self.people, self.store, self.clock
        entered = await people.entering.sign_up(address, PASSWORD, VISIT)
        owner = ProvenOwner(entered.owner.account)
        session = await people.sessions.find(entered.cookie)
        whole = Whole(owner, address, entered.cookie, entered.device, session)
        if verified:
            await self.verify(owner)
        for number, label in enumerate(("one", "two", "gone")):
            secret = f"sk-proj-{address[:3]}{number}" + "a" * 40
            entry = await self.vault.add(
                owner, OPENAI, parse(secret), label=label, state=KeyState.ACTIVE
            )
            whole.keys[entry.id] = secret
        whole.removed_key = entry.id
        del whole.keys[entry.id]
        await self.vault.remove(owner, entry.id)
        made, whole.tool_token = await people.tools.create(
            owner, "agent", providers=["openai"], expires_at=None, per_minute=60
        )
        whole.tool = made.id
        _, whole.user_token = await people.user_tokens.make(
            owner, "laptop", scopes=[Scope.KEYS_READ], expires_at=None
        )
        box = SealedBox(self.keyring)
        await store.write(
            lambda tx: identities.link(
                tx,
                box,
                self.keyring,
                Outbox(box),
                owner,
                IdentityKind.GOOGLE,
                f"{SUBJECT} {address}",
                "ada at Google",
                at=clock(),
            )
        )
        await self._add_passkey(whole)
        await self._add_second_factor(whole)
        await self._run(whole, made)
        await self._spend(whole)
        if verified:
            await people.invites.make(owner)
        await people.moving.ask(owner, f"new-{address}")
        return whole

    async def verify(self, owner: Owner) -> None:
        """Verify the address as its link does."""
        now = self.clock()
        tickets = self.people.verifying._tickets  # the link itself went by mail
        text = await self.store.write(
            lambda tx: tickets.issue(tx, Purpose.VERIFY_ADDRESS, owner, now=now, life=SECOND)
        )
        await self.people.verifying.verify(text, owner)

    async def _add_passkey(self, whole: Whole) -> None:
        options, ticket = await self.people.passkeys.begin_registration(whole.owner, whole.address)
        site = options["rp"]["id"]
        whole.authenticator = Authenticator(origin=self.people.passkeys_at, site=site)
        answer = whole.authenticator.create(options)
        await self.people.passkeys.finish_registration(whole.owner, ticket, answer, "laptop")

    async def _add_second_factor(self, whole: Whole) -> None:
        begun = await self.people.second_factor.begin(whole.owner, whole.address)
        whole.totp = begun.secret
        whole.codes = await self.people.second_factor.confirm(
            whole.owner, begun.ticket, self.code(whole)
        )

    def code(self, whole: Whole) -> str:
        """Give what the authenticator app shows."""
        return pyotp.TOTP(whole.totp).at(self.clock() // SECOND)

    async def _run(self, whole: Whole, tool: Tool) -> None:
        """Have a call run, and one that has ended; and a tool that listens and has heard."""
        now, owner = self.clock(), whole.owner
        await self.store.write(lambda tx: seen(tx, "wrk_1", now))
        for call in ("call_1_ended", whole.call):
            await self.store.write(
                lambda tx, call=call: calls.begin(
                    tx,
                    f"{call}_{whole.address}",
                    owner,
                    tool=tool.id,
                    key=next(iter(whole.keys)),
                    version=1,
                    provider="openai",
                    worker="wrk_1",
                    operation="chat",
                    model="gpt-5",
                    bound=100,
                    at=now,
                )
            )
        whole.call = f"{whole.call}_{whole.address}"
        await self.end(f"call_1_ended_{whole.address}", owner)
        revocations = Revocations(self.store, self.clock)
        listener = Listener(f"lis_{tool.id}", owner.account, tool.id, "i", 0, now)
        await revocations.begin_listening("wrk_1", listener, 0)
        await revocations.acknowledge(owner, tool.id, "i", 1)

    async def _spend(self, whole: Whole) -> None:
        """Have the call that ended disputed under a ceiling; a price, a frozen model, a server."""
        owner, now, call = whole.owner, self.clock(), f"call_1_ended_{whole.address}"
        ceilings = Ceilings(self.store, self.keyring, self.clock)
        made = await ceilings.set(owner, 1000, provider="openai", tool=whole.tool, unit=USD)
        whole.ceiling = made.id
        await Prices(self.store, self.keyring, self.clock).set(
            owner, "openai", "gpt-5", {Measure.REQUEST: 100}
        )
        quote = Quote("chat", model="gpt-5", price=100)
        server = Commitment("vultr", "server-1", call, whole.tool, "vc2-1c-1gb", 7, now, 2 * now)

        def unit(tx: Tx) -> None:
            admission = reservations.admit(
                tx, owner, call, whole.tool, "openai", quote, dispatched=True, at=now
            )
            assert isinstance(admission, Admission)
            reservations.settle(
                tx,
                owner,
                call,
                whole.tool,
                "openai",
                "gpt-5",
                admission,
                Verdict(End.DISPUTED, None),
                at=now,
            )
            prices.freeze(tx, owner, "openai", "another", at=now)
            commitments.begin(tx, owner, server)

        await self.store.write(unit)
        files = Files(self.store, self.keyring, self.clock, most=1 << 20)
        passing = files.keeping(owner, call, whole.tool, "openai", "kept.txt").along(_to_nobody)
        await passing({"type": "http.response.start", "status": 200, "headers": []})
        await passing({"type": "http.response.body", "body": b"what was kept"})

    async def end(self, call: str, owner: Owner) -> None:
        """End a call."""
        at = self.clock()
        await self.store.write(
            lambda tx: calls.end(
                tx,
                call,
                owner,
                outcome=Outcome.ANSWERED,
                status=200,
                model=None,
                bytes_in=1,
                bytes_out=2,
                at=at,
            )
        )


async def mentions(store: Store, account: str) -> dict[str, int]:
    """Give each table in which an account's id stands anywhere, and in how many rows."""
    needles = (account.encode(), bytes.fromhex(account))

    def holds(value: object) -> bool:
        data = value.encode() if isinstance(value, str) else value
        return isinstance(data, bytes) and any(needle in data for needle in needles)

    def unit(tx: Tx) -> dict[str, int]:
        tables = [name for (name,) in tx.all("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        counts = {
            table: sum(any(map(holds, row)) for row in tx.all(f"SELECT * FROM {table}"))  # noqa: S608
            for table in tables
        }
        return {table: count for table, count in counts.items() if count}

    return await store.read(unit)
