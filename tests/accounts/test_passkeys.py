"""Passkeys: the authenticator that was registered signs in, once a challenge, and only here."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cbor2
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import audit
from accounts import authenticators, passkeys
from accounts.authenticators import Answer, RelyingParty, Shown
from accounts.errors import MeansGone, NameUnfit, PasskeyRefused, TicketGone
from accounts.outbox import Outbox
from accounts.passkeys import Passkey, Passkeys, PasskeysFull
from accounts.tickets import Tickets
from keysteward.box import SealedBox
from store import Owner, ProvenOwner, Store, Tx
from store.clock import MINUTE
from tests.kit.authenticator import (
    NONE,
    Algorithm,
    Authenticator,
    InvalidStateError,
    NotAllowedError,
    Twist,
    read,
    text,
)
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from vault.keyring import Keyring

SITE = RelyingParty("keys.example.com", "https://keys.example.com", "Keysteward at home")
ADDRESS = "ada@example.com"
CRED_PROTECT = cbor2.dumps({"credProtect": 2})

AT_FAULT = {
    "another origin": Twist(origin="https://keys.example.com.evil.example"),
    "the origin without TLS": Twist(origin="http://keys.example.com"),
    "another port": Twist(origin="https://keys.example.com:8443"),
    "another site": Twist(site="example.com"),
    "another challenge": Twist(challenge=bytes(32)),
    "no challenge": Twist(challenge=b""),
    "a frame of another site": Twist(is_in_foreign_frame=True),
    "nobody was there": Twist(is_present=False),
    "the user was not verified": Twist(is_verified=False),
    "no JSON": Twist(client_data=b"\xff"),
    "too deep a JSON": Twist(client_data=b"[" * 20_000),
    "half a map after it": Twist(extensions=b"\xa1"),
    "two maps after it": Twist(extensions=CRED_PROTECT * 2),
}


class House:
    """Passkeys, and people who register and sign in as a browser makes them."""

    def __init__(self, store: Store, keyring: Keyring, clock: MovedClock) -> None:
        box = SealedBox(keyring)
        self.store = store
        self.keyring = keyring
        self.outbox = Outbox(box)
        self.passkeys = Passkeys(store, Tickets(box), keyring, self.outbox, clock, site=SITE)

    async def register(
        self, owner: ProvenOwner, at: Authenticator, twist: Twist = NONE, *, name: str = "laptop"
    ) -> Passkey:
        options, ticket = await self.passkeys.begin_registration(owner, ADDRESS)
        return await self.passkeys.finish_registration(
            owner, ticket, at.create(options, twist), name
        )

    async def sign_in(
        self, at: Authenticator, twist: Twist = NONE, *, owner: Owner | None = None
    ) -> Owner:
        options, ticket = await self.passkeys.begin_sign_in(owner)
        return await self.passkeys.finish_sign_in(ticket, at.get(options, twist), owner=owner)

    async def refused(
        self, at: Authenticator, twist: Twist = NONE, *, owner: Owner | None = None
    ) -> None:
        with pytest.raises(PasskeyRefused) as refused:
            await self.sign_in(at, twist, owner=owner)
        assert refused.value.__cause__ is None

    async def run(self, sql: str, **values: str | bytes) -> None:
        """Do what somebody does who can write to the database and has no master key."""
        await self.store.write(lambda tx: tx.run(sql, **values))

    async def acts(self, owner: Owner) -> list[tuple[str, str | None]]:
        entries = await self.store.read(lambda tx: audit.verify(tx, self.keyring, owner))
        return [(entry.act, entry.subject) for entry in entries]

    async def letters(self) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.store.read(
            lambda tx: tx.all(
                "SELECT id, account, letter, sealed, created_at, tries FROM outbox ORDER BY rowid"
            )
        )
        opened = [self.outbox.opened(row) for row in rows]
        return [(each.letter, dict(each.facts)) for each in opened if each is not None]

    async def remove(self, owner: ProvenOwner, passkey: str) -> None:
        await self.store.write(lambda tx: self.passkeys.remove(tx, owner, passkey))


@pytest.fixture
def house(store: Store, keyring: Keyring, clock: MovedClock) -> House:
    return House(store, keyring, clock)


@pytest.fixture
def laptop() -> Authenticator:
    return Authenticator()


@pytest.fixture
async def hers(house: House, ada: ProvenOwner, laptop: Authenticator) -> Passkey:
    return await house.register(ada, laptop)


async def of_many(count: int, ask: Callable[[], Awaitable[object]]) -> list[object]:
    """Ask at once, and give the answers that are no refusals."""
    answers = await asyncio.gather(*(ask() for _ in range(count)), return_exceptions=True)
    assert {type(one) for one in answers if isinstance(one, BaseException)} <= {
        TicketGone,
        PasskeyRefused,
    }
    return [one for one in answers if not isinstance(one, BaseException)]


class TestAskingForOne:
    async def test_a_browser_is_asked_for_what_signs_in_by_itself(
        self, house: House, ada: ProvenOwner
    ) -> None:
        options, _ = await house.passkeys.begin_registration(ada, ADDRESS)
        assert orjson.loads(orjson.dumps(options)) == options
        assert options["rp"] == {"id": SITE.id, "name": SITE.name}
        assert options["user"]["name"] == ADDRESS
        assert [offer["alg"] for offer in options["pubKeyCredParams"]] == [-7, -8, -257]
        assert options["authenticatorSelection"] == {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        }
        assert options["attestation"] == "none"
        assert options["excludeCredentials"] == []
        assert options["timeout"] == 300_000

    async def test_each_challenge_is_another(self, house: House, ada: ProvenOwner) -> None:
        begun = [await house.passkeys.begin_registration(ada, ADDRESS) for _ in range(3)]
        begun += [await house.passkeys.begin_sign_in(None) for _ in range(3)]
        challenges = {read(options["challenge"]) for options, _ in begun}
        assert len(challenges) == 6
        assert {len(challenge) for challenge in challenges} == {32}

    @pytest.mark.usefixtures("hers")
    async def test_the_handle_is_random_and_the_same_for_all_of_an_account(
        self, house: House, ada: ProvenOwner, bob: ProvenOwner, laptop: Authenticator
    ) -> None:
        (mine,) = laptop.credentials
        again, _ = await house.passkeys.begin_registration(ada, ADDRESS)
        his, _ = await house.passkeys.begin_registration(bob, "bob@example.com")
        assert read(again["user"]["id"]) == mine.handle
        assert read(his["user"]["id"]) != mine.handle
        assert len(mine.handle) == len(read(his["user"]["id"])) == 32

    @pytest.mark.usefixtures("hers")
    async def test_an_authenticator_is_registered_once(
        self, house: House, ada: ProvenOwner, laptop: Authenticator
    ) -> None:
        with pytest.raises(InvalidStateError):
            await house.register(ada, laptop)
        await house.register(ada, Authenticator())

    async def test_an_account_without_an_address_can_have_one(
        self, house: House, ada: ProvenOwner
    ) -> None:
        options, _ = await house.passkeys.begin_registration(ada, "")
        assert options["user"]["name"] == SITE.name


class TestRegistering:
    @pytest.mark.parametrize("algorithm", list(Algorithm))
    @pytest.mark.parametrize("attestation", ["none", "packed"])
    async def test_what_was_registered_signs_in(
        self, house: House, ada: ProvenOwner, algorithm: Algorithm, attestation: str
    ) -> None:
        at = Authenticator(algorithm=algorithm, is_backed_up=attestation == "none")
        twist = Twist(attestation=attestation, extensions=CRED_PROTECT)
        made = await house.register(ada, at, twist, name="Adas 電話 📱")
        assert (made.name, made.used_at) == ("Adas 電話 📱", None)
        assert made.is_backed_up is at.is_backed_up
        assert await house.passkeys.list(ada) == [made]
        assert await house.sign_in(at) == Owner(ada.account)

    async def test_it_is_in_the_trail_in_the_log_of_changes_and_in_a_letter(
        self, house: House, ada: ProvenOwner, hers: Passkey
    ) -> None:
        assert await house.acts(ada) == [("MEANS_ADDED", hers.id)]
        assert await house.letters() == [
            ("MEANS_ADDED", {"to": ADDRESS, "what": "the passkey “laptop”"})
        ]
        kinds = await house.store.read(lambda tx: tx.all("SELECT kind FROM changes"))
        assert kinds == [("ACCOUNT_CHANGED",)]

    async def test_what_is_not_as_it_was_asked_for_is_refused(
        self, house: House, ada: ProvenOwner
    ) -> None:
        faults = AT_FAULT | {
            "an answer to another question": Twist(type="webauthn.get"),
            "a form of attestation that was not asked for": Twist(attestation="fido-u2f"),
            "a form that there is not": Twist(attestation="made-up"),
            "another's signature": Twist(attestation="packed", flip_signature=True),
            "a certificate of its maker": Twist(attestation="packed", with_certificate=True),
            "no credential": Twist(credential=bytes(1024)),
            "no key": Twist(public_key=cbor2.dumps({})),
            "a key of no algorithm of ours": Twist(
                public_key=cbor2.dumps({1: 2, 3: -36, -1: 3, -2: bytes(66), -3: bytes(66)})
            ),
            "a point that is on no curve": Twist(
                public_key=cbor2.dumps({1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: b"\1" * 32})
            ),
            "a giant key": Twist(
                public_key=cbor2.dumps({1: 3, 3: -257, -1: b"\xff" * 2000, -2: b"\1\0\1"})
            ),
        }
        for twist in faults.values():
            with pytest.raises(PasskeyRefused) as refused:
                await house.register(ada, Authenticator(), twist)
            assert refused.value.__cause__ is None
        assert await house.passkeys.list(ada) == []
        assert await house.letters() == []

    async def test_a_challenge_is_good_for_one_answer(
        self, house: House, ada: ProvenOwner, laptop: Authenticator
    ) -> None:
        options, ticket = await house.passkeys.begin_registration(ada, ADDRESS)
        wrong, right = laptop.create(options, Twist(is_verified=False)), laptop.create(options)
        with pytest.raises(PasskeyRefused):
            await house.passkeys.finish_registration(ada, ticket, wrong, "laptop")
        with pytest.raises(TicketGone):
            await house.passkeys.finish_registration(ada, ticket, right, "laptop")
        options, ticket = await house.passkeys.begin_registration(ada, ADDRESS)
        answer = laptop.create(options)
        made = await of_many(
            20, lambda: house.passkeys.finish_registration(ada, ticket, answer, "laptop")
        )
        assert made == await house.passkeys.list(ada)
        assert len(made) == 1

    async def test_it_must_be_answered_within_five_minutes(
        self, house: House, ada: ProvenOwner, laptop: Authenticator, clock: MovedClock
    ) -> None:
        options, ticket = await house.passkeys.begin_registration(ada, ADDRESS)
        clock.forward(microseconds=5 * MINUTE)
        with pytest.raises(TicketGone):
            await house.passkeys.finish_registration(ada, ticket, laptop.create(options), "laptop")

    async def test_another_s_registration_can_t_be_finished(
        self, house: House, ada: ProvenOwner, bob: ProvenOwner, laptop: Authenticator
    ) -> None:
        options, ticket = await house.passkeys.begin_registration(ada, ADDRESS)
        with pytest.raises(TicketGone):
            await house.passkeys.finish_registration(bob, ticket, laptop.create(options), "laptop")
        assert await house.passkeys.list(bob) == []

    @pytest.mark.usefixtures("hers")
    async def test_nobody_puts_a_key_of_their_own_under_another_s_credential(
        self, house: House, ada: ProvenOwner, bob: ProvenOwner, laptop: Authenticator
    ) -> None:
        with pytest.raises(PasskeyRefused):
            await house.register(bob, Authenticator(), Twist(credential=laptop.credentials[0].id))
        assert await house.passkeys.list(bob) == []
        assert await house.sign_in(laptop) == Owner(ada.account)

    async def test_an_account_can_have_twenty(
        self, house: House, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        for _ in range(passkeys.MOST - 1):
            await house.register(ada, Authenticator())
        options, ticket = await house.passkeys.begin_registration(ada, ADDRESS)
        await house.register(ada, Authenticator())
        late = Authenticator().create(options)
        with pytest.raises(PasskeysFull):
            await house.passkeys.finish_registration(ada, ticket, late, "laptop")
        with pytest.raises(PasskeysFull):
            await house.passkeys.begin_registration(ada, ADDRESS)
        assert len(await house.passkeys.list(ada)) == passkeys.MOST
        await house.register(bob, Authenticator())

    async def test_a_name_has_one_to_a_hundred_printable_characters(
        self, house: House, ada: ProvenOwner, laptop: Authenticator
    ) -> None:
        options, ticket = await house.passkeys.begin_registration(ada, ADDRESS)
        answer = laptop.create(options)
        for name in ("", "x" * 101, "two\nlines", "\x00", "\u202elaptop", "\ud800"):
            with pytest.raises(NameUnfit):
                await house.passkeys.finish_registration(ada, ticket, answer, name)
        await house.passkeys.finish_registration(ada, ticket, answer, "x" * 100)

    async def test_the_address_is_in_no_file(
        self, house: House, ada: ProvenOwner, data: Path
    ) -> None:
        await house.register(ada, Authenticator())
        assert files_with(data, ADDRESS.encode()) == []


class TestSigningIn:
    async def test_a_browser_is_asked_for_any_of_this_site_s(self, house: House) -> None:
        options, _ = await house.passkeys.begin_sign_in(None)
        assert orjson.loads(orjson.dumps(options)) == options
        assert options["rpId"] == SITE.id
        assert options["allowCredentials"] == []
        assert options["userVerification"] == "required"

    @pytest.mark.usefixtures("hers")
    async def test_the_passkey_says_who_comes(
        self, house: House, ada: ProvenOwner, bob: ProvenOwner, laptop: Authenticator
    ) -> None:
        phone = Authenticator()
        await house.register(bob, phone)
        assert await house.sign_in(laptop) == Owner(ada.account)
        assert await house.sign_in(phone) == Owner(bob.account)

    @pytest.mark.usefixtures("hers")
    async def test_an_answer_may_come_as_json(
        self, house: House, ada: ProvenOwner, laptop: Authenticator
    ) -> None:
        options, ticket = await house.passkeys.begin_sign_in(None)
        answer = orjson.dumps(laptop.get(options)).decode()
        assert await house.passkeys.finish_sign_in(ticket, answer) == Owner(ada.account)

    @pytest.mark.usefixtures("hers")
    async def test_its_use_is_noted(
        self, house: House, ada: ProvenOwner, laptop: Authenticator, clock: MovedClock
    ) -> None:
        laptop.is_backed_up = True
        used_at = clock.forward(seconds=60)
        await house.sign_in(laptop)
        (noted,) = await house.passkeys.list(ada)
        assert (noted.used_at, noted.is_backed_up) == (used_at, True)

    @pytest.mark.usefixtures("hers")
    async def test_what_is_not_as_it_was_asked_for_is_refused(
        self, house: House, ada: ProvenOwner, laptop: Authenticator
    ) -> None:
        faults = AT_FAULT | {
            "an answer to another question": Twist(type="webauthn.create"),
            "another's signature": Twist(flip_signature=True),
            "another credential": Twist(credential=bytes(32)),
            "another's handle": Twist(handle=bytes(32)),
            "no handle": Twist(without_handle=True),
        }
        for twist in faults.values():
            await house.refused(laptop, twist)
        (untouched,) = await house.passkeys.list(ada)
        assert untouched.used_at is None
        assert await house.sign_in(laptop) == Owner(ada.account)

    @pytest.mark.usefixtures("hers")
    async def test_another_key_s_signature_is_refused(
        self, house: House, bob: ProvenOwner, laptop: Authenticator
    ) -> None:
        (mine,) = laptop.credentials
        thief = Authenticator()
        await house.register(bob, thief)
        await house.refused(thief, Twist(credential=mine.id, handle=mine.handle))

    @pytest.mark.usefixtures("hers")
    async def test_a_challenge_is_good_for_one_answer(
        self, house: House, laptop: Authenticator
    ) -> None:
        options, ticket = await house.passkeys.begin_sign_in(None)
        wrong, right = laptop.get(options, Twist(is_verified=False)), laptop.get(options)
        with pytest.raises(PasskeyRefused):
            await house.passkeys.finish_sign_in(ticket, wrong)
        with pytest.raises(TicketGone):
            await house.passkeys.finish_sign_in(ticket, right)

    @pytest.mark.usefixtures("hers")
    async def test_of_fifty_who_bring_the_same_answer_at_once_one_gets_in(
        self, house: House, ada: ProvenOwner, laptop: Authenticator
    ) -> None:
        options, ticket = await house.passkeys.begin_sign_in(None)
        answer = laptop.get(options)
        got_in = await of_many(50, lambda: house.passkeys.finish_sign_in(ticket, answer))
        assert got_in == [Owner(ada.account)]

    @pytest.mark.usefixtures("hers")
    async def test_it_must_be_answered_within_five_minutes(
        self, house: House, ada: ProvenOwner, laptop: Authenticator, clock: MovedClock
    ) -> None:
        options, ticket = await house.passkeys.begin_sign_in(None)
        late = await house.passkeys.begin_sign_in(None)
        clock.forward(microseconds=5 * MINUTE - 1)
        assert await house.passkeys.finish_sign_in(ticket, laptop.get(options)) == Owner(
            ada.account
        )
        clock.forward(microseconds=1)
        with pytest.raises(TicketGone):
            await house.passkeys.finish_sign_in(late[1], laptop.get(late[0]))

    @pytest.mark.usefixtures("hers")
    async def test_a_registration_s_ticket_signs_nobody_in(
        self, house: House, ada: ProvenOwner, laptop: Authenticator
    ) -> None:
        created, ticket = await house.passkeys.begin_registration(ada, ADDRESS)
        options, _ = await house.passkeys.begin_sign_in(ada)
        answer = laptop.get(options, Twist(challenge=read(created["challenge"])))
        with pytest.raises(TicketGone):
            await house.passkeys.finish_sign_in(ticket, answer, owner=ada)

    async def test_once_removed_it_signs_nobody_in(
        self, house: House, ada: ProvenOwner, laptop: Authenticator, hers: Passkey
    ) -> None:
        options, ticket = await house.passkeys.begin_sign_in(None)
        answer = laptop.get(options)
        await house.remove(ada, hers.id)
        with pytest.raises(PasskeyRefused):
            await house.passkeys.finish_sign_in(ticket, answer)
        await house.refused(laptop)

    async def test_one_that_is_removed_while_its_answer_is_looked_at_does_not(
        self, house: House, ada: ProvenOwner, hers: Passkey, caplog: pytest.LogCaptureFixture
    ) -> None:
        (held,) = await house.store.read(lambda tx: passkeys._held(tx, house.keyring, ada))
        await house.remove(ada, hers.id)
        with pytest.raises(PasskeyRefused):
            await house.passkeys._note_use(held, Shown(1, is_backed_up=False))
        assert caplog.records == []


class TestCounters:
    async def test_one_that_goes_on_is_fine(self, house: House, ada: ProvenOwner) -> None:
        at = Authenticator(counts=True)
        await house.register(ada, at)
        for _ in range(3):
            await house.sign_in(at)
        at.credentials[0].count = 2**32 - 2
        await house.sign_in(at)

    @pytest.mark.usefixtures("hers")
    async def test_one_that_does_not_count_is_fine(
        self, house: House, laptop: Authenticator
    ) -> None:
        for _ in range(3):
            await house.sign_in(laptop)

    @pytest.mark.parametrize("count", [0, 1, 4, 5])
    async def test_one_that_stands_still_or_goes_back_is_refused_and_logged(
        self, house: House, ada: ProvenOwner, count: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        at = Authenticator(counts=True)
        made = await house.register(ada, at)
        await house.sign_in(at, Twist(count=5))
        with caplog.at_level(logging.WARNING, "keysteward.passkeys"):
            await house.refused(at, Twist(count=count))
        (record,) = caplog.records
        assert made.id in record.getMessage()
        assert ada.account not in record.getMessage()
        await house.sign_in(at, Twist(count=6))

    async def test_of_a_copy_and_its_original_one_gets_in(
        self, house: House, ada: ProvenOwner
    ) -> None:
        at = Authenticator(counts=True)
        await house.register(ada, at)
        await house.sign_in(at)
        copy = at.copy()
        begun = [await house.passkeys.begin_sign_in(None) for _ in range(2)]
        answers = [each.get(options) for each, (options, _) in zip((at, copy), begun, strict=True)]
        outcomes = await asyncio.gather(
            *(
                house.passkeys.finish_sign_in(ticket, answer)
                for (_, ticket), answer in zip(begun, answers, strict=True)
            ),
            return_exceptions=True,
        )
        assert {type(outcome) for outcome in outcomes} == {Owner, PasskeyRefused}


class TestFreshLogins:
    @pytest.mark.usefixtures("hers")
    async def test_only_one_s_own_are_asked_for(
        self, house: House, ada: ProvenOwner, bob: ProvenOwner, laptop: Authenticator
    ) -> None:
        options, _ = await house.passkeys.begin_sign_in(ada)
        (known,) = options["allowCredentials"]
        assert read(known["id"]) == laptop.credentials[0].id
        assert known["transports"] == ["internal", "hybrid"]
        await house.register(bob, Authenticator())
        with pytest.raises(NotAllowedError):
            await house.sign_in(laptop, owner=bob)

    @pytest.mark.usefixtures("hers")
    async def test_one_s_own_is_enough_with_a_handle_or_without(
        self, house: House, ada: ProvenOwner, laptop: Authenticator
    ) -> None:
        for twist in (NONE, Twist(without_handle=True)):
            assert await house.sign_in(laptop, twist, owner=ada) == Owner(ada.account)
        await house.refused(laptop, Twist(handle=bytes(32)), owner=ada)

    @pytest.mark.usefixtures("hers")
    async def test_another_s_is_refused(
        self, house: House, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        phone = Authenticator()
        await house.register(bob, phone)
        options, ticket = await house.passkeys.begin_sign_in(ada)
        answer = phone.get(options | {"allowCredentials": []})
        with pytest.raises(PasskeyRefused):
            await house.passkeys.finish_sign_in(ticket, answer, owner=ada)

    @pytest.mark.usefixtures("hers")
    async def test_a_ticket_is_for_whom_it_was_issued(
        self, house: House, ada: ProvenOwner, bob: ProvenOwner, laptop: Authenticator
    ) -> None:
        for begun_for, finished_for in ((None, ada), (ada, None), (bob, ada)):
            options, ticket = await house.passkeys.begin_sign_in(begun_for)
            answer = laptop.get(options | {"allowCredentials": []})
            with pytest.raises(TicketGone):
                await house.passkeys.finish_sign_in(ticket, answer, owner=finished_for)


class TestRowsFromOutside:
    """Somebody can write to the database, and has no master key."""

    @pytest.mark.usefixtures("hers")
    async def test_a_passkey_that_is_given_to_another_account_signs_nobody_in(
        self, house: House, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        thief = Authenticator()
        await house.register(bob, thief)
        await house.run(
            "UPDATE passkeys SET account = :ada WHERE account = :bob",
            ada=ada.account,
            bob=bob.account,
        )
        await house.refused(thief)
        assert [each.name for each in await house.passkeys.list(ada)] == ["laptop"]
        options, _ = await house.passkeys.begin_sign_in(ada)
        assert len(options["allowCredentials"]) == 1

    @pytest.mark.parametrize("column", ["public_key", "handle", "credential"])
    async def test_one_whose_row_was_altered_signs_nobody_in(
        self, house: House, ada: ProvenOwner, hers: Passkey, column: str
    ) -> None:
        options, _ = await house.passkeys.begin_registration(ada, ADDRESS)
        thief = Authenticator()
        thief.create(options)
        planted: Any = getattr(thief.credentials[0], column.replace("credential", "id"))
        planted = b"\1" * 32 if column == "handle" else planted
        await house.run(f"UPDATE passkeys SET {column} = :planted", planted=planted)  # noqa: S608
        await house.refused(thief)
        assert await house.passkeys.list(ada) == []
        with pytest.raises(MeansGone):
            await house.remove(ada, hers.id)

    @pytest.mark.usefixtures("hers")
    async def test_transports_that_there_are_not_are_passed_over(
        self, house: House, ada: ProvenOwner, laptop: Authenticator
    ) -> None:
        await house.run("UPDATE passkeys SET transports = 'usb smoke-signals'")
        options, _ = await house.passkeys.begin_sign_in(ada)
        assert options["allowCredentials"][0]["transports"] == ["usb"]
        await house.sign_in(laptop, owner=ada)


class TestRemoving:
    async def test_it_is_in_the_trail_and_in_a_letter(
        self, house: House, ada: ProvenOwner, hers: Passkey
    ) -> None:
        await house.remove(ada, hers.id)
        assert await house.passkeys.list(ada) == []
        assert (await house.acts(ada))[-1] == ("MEANS_REMOVED", hers.id)
        assert (await house.letters())[-1] == (
            "MEANS_REMOVED",
            {"to": ADDRESS, "what": "the passkey “laptop”"},
        )
        with pytest.raises(MeansGone):
            await house.remove(ada, hers.id)

    async def test_another_s_can_t_be_removed(
        self, house: House, bob: ProvenOwner, laptop: Authenticator, hers: Passkey
    ) -> None:
        with pytest.raises(MeansGone):
            await house.remove(bob, hers.id)
        await house.sign_in(laptop)

    async def test_the_rest_stay_oldest_first(
        self, house: House, ada: ProvenOwner, hers: Passkey, clock: MovedClock
    ) -> None:
        later = []
        for name in ("phone", "key ring"):
            clock.forward(seconds=1)
            later.append(await house.register(ada, Authenticator(), name=name))
        assert await house.passkeys.list(ada) == [hers, *later]
        await house.remove(ada, later[0].id)
        assert await house.store.read(lambda tx: house.passkeys.of(tx, ada)) == [hers, later[1]]


class TestMoving:
    TO = ProvenOwner("f" * 64)

    async def move(self, house: House, was: Owner) -> None:
        def unit(tx: Tx) -> None:
            tx.run(
                "UPDATE accounts SET account = :to WHERE account = :was",
                to=self.TO.account,
                was=was.account,
            )
            passkeys.move(tx, house.keyring, was, self.TO)

        await house.store.write(unit)

    async def test_they_sign_in_to_the_account_s_new_id(
        self, house: House, ada: ProvenOwner, laptop: Authenticator, hers: Passkey
    ) -> None:
        await self.move(house, ada)
        assert await house.sign_in(laptop) == Owner(self.TO.account)
        assert [each.id for each in await house.passkeys.list(self.TO)] == [hers.id]

    @pytest.mark.usefixtures("hers")
    async def test_what_was_put_there_from_outside_is_not_vouched_for(
        self, house: House, ada: ProvenOwner, bob: ProvenOwner
    ) -> None:
        thief = Authenticator()
        await house.register(bob, thief)
        await house.run(
            "UPDATE passkeys SET account = :ada WHERE account = :bob",
            ada=ada.account,
            bob=bob.account,
        )
        await self.move(house, ada)
        await house.refused(thief)
        rows = await house.store.read(lambda tx: tx.all("SELECT name FROM passkeys"))
        assert rows == [("laptop",)]

    @pytest.mark.usefixtures("hers")
    async def test_another_s_stay(self, house: House, ada: ProvenOwner, bob: ProvenOwner) -> None:
        phone = Authenticator()
        await house.register(bob, phone)
        await self.move(house, ada)
        assert await house.sign_in(phone) == Owner(bob.account)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = (
    "id",
    "rawId",
    "type",
    "authenticatorAttachment",
    "response",
    "clientDataJSON",
    "attestationObject",
    "authenticatorData",
    "signature",
    "userHandle",
    "transports",
)


def put(answer: dict[str, Any], field: str, value: object) -> dict[str, Any]:
    """Give the answer with another value in a field, wherever that stands."""
    if field in answer or field not in answer["response"]:
        return answer | {field: value}
    return answer | {"response": answer["response"] | {field: value}}


def flipped(encoded: str, bit: int) -> str:
    data = bytearray(read(encoded))
    bit %= 8 * len(data)
    data[bit // 8] ^= 1 << bit % 8
    return text(bytes(data))


class TestWhateverIsSent:
    CHALLENGE = b"c" * 32

    def created(self) -> tuple[Authenticator, dict[str, Any]]:
        at = Authenticator()
        options = authenticators.to_create(
            SITE, challenge=self.CHALLENGE, handle=b"h" * 32, address=ADDRESS, besides=()
        )
        return at, at.create(options)

    def answered(self) -> tuple[bytes, dict[str, Any]]:
        at, _ = self.created()
        options = authenticators.to_get(SITE, challenge=self.CHALLENGE, of=())
        return at.credentials[0].public_key, at.get(options)

    def take(self, public_key: bytes, answer: Answer) -> None:
        """Go the way of a sign-in, without its rows."""
        assertion = authenticators.read(answer)
        authenticators.verify(SITE, assertion, self.CHALLENGE, public_key)

    def test_what_is_right_passes(self) -> None:
        authenticators.made(SITE, self.created()[1], self.CHALLENGE)
        self.take(*self.answered())

    def test_an_answer_is_one_object_of_64_kib_at_most(self) -> None:
        _, answer = self.answered()
        written = orjson.dumps(answer).decode()
        authenticators.read(written.ljust(65_536))
        for sent in (written.ljust(65_537), orjson.dumps(written).decode(), f"[{written}]"):
            with pytest.raises(PasskeyRefused):
                authenticators.read(sent)

    @settings(max_examples=100, deadline=None)
    @given(JSON | st.text(max_size=40))
    @example("[" * 60_000)
    @example("1" * 60_000)
    @example(orjson.dumps("x" * 65_536).decode())
    @example("\ud800")
    def test_json_that_is_no_answer_is_refused(self, sent: Any) -> None:
        with pytest.raises(PasskeyRefused):
            authenticators.read(sent)
        with pytest.raises(PasskeyRefused):
            authenticators.made(SITE, sent, self.CHALLENGE)

    @settings(max_examples=150, deadline=None)
    @given(st.sampled_from(FIELDS), JSON | st.binary(max_size=80).map(text))
    def test_an_answer_with_anything_in_a_field_passes_or_is_refused(
        self, field: str, value: object
    ) -> None:
        public_key, assertion = self.answered()
        _, attestation = self.created()
        for attempt in (
            lambda: self.take(public_key, put(assertion, field, value)),
            lambda: authenticators.made(SITE, put(attestation, field, value), self.CHALLENGE),
        ):
            try:
                attempt()
            except PasskeyRefused as refused:
                assert refused.__cause__ is None  # noqa: PT017 - passing is no failure here

    @settings(max_examples=100, deadline=None)
    @given(st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]), st.integers(0))
    def test_no_bit_of_what_is_signed_can_be_flipped(self, field: str, bit: int) -> None:
        public_key, answer = self.answered()
        altered = put(answer, field, flipped(answer["response"][field], bit))
        with pytest.raises(PasskeyRefused):
            self.take(public_key, altered)

    @settings(max_examples=100, deadline=None)
    @given(st.integers(0))
    def test_a_flipped_bit_of_an_attestation_passes_or_is_refused(self, bit: int) -> None:
        _, answer = self.created()
        altered = flipped(answer["response"]["attestationObject"], bit)
        try:
            authenticators.made(SITE, put(answer, "attestationObject", altered), self.CHALLENGE)
        except PasskeyRefused as refused:
            assert refused.__cause__ is None  # noqa: PT017 - passing is no failure here

    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.text(max_size=60), st.tuples(st.sampled_from(FIELDS), JSON))
    @pytest.mark.usefixtures("hers")
    async def test_a_sign_in_ends_in_a_refusal(
        self, house: House, laptop: Authenticator, ticket: str, sent: tuple[str, Any]
    ) -> None:
        field, value = sent
        with pytest.raises(TicketGone):
            await house.passkeys.finish_sign_in(ticket, value)
        options, ticket = await house.passkeys.begin_sign_in(None)
        answer = put(laptop.get(options), field, value)
        try:
            await house.passkeys.finish_sign_in(ticket, answer)
        except PasskeyRefused as refused:
            assert refused.__cause__ is None  # noqa: PT017 - passing is no failure here

    def test_an_answer_can_t_have_us_compile_its_regular_expressions(self) -> None:
        """CBOR's tag 35, which the library's decoder knows; these would take it 7 s."""
        slow = "(?i)" + "[\x01-\U0010ffff]" * 1000
        extensions = cbor2.dumps({"x": cbor2.CBORTag(35, slow)})
        at, _ = self.created()
        options = authenticators.to_get(SITE, challenge=self.CHALLENGE, of=())
        assertion = at.get(options, Twist(extensions=extensions))
        attestation = Authenticator().create(
            authenticators.to_create(
                SITE, challenge=self.CHALLENGE, handle=b"h", address=ADDRESS, besides=()
            ),
            Twist(extensions=extensions),
        )
        began = time.process_time()
        with pytest.raises(PasskeyRefused):
            self.take(at.credentials[0].public_key, assertion)
        with pytest.raises(PasskeyRefused):
            authenticators.made(SITE, attestation, self.CHALLENGE)
        outer = put(attestation, "attestationObject", text(cbor2.dumps(cbor2.CBORTag(35, slow))))
        with pytest.raises(PasskeyRefused):
            authenticators.made(SITE, outer, self.CHALLENGE)
        assert time.process_time() - began < 2
