"""The second factor: a code counts in its own half minute, and once; nothing lies in the clear."""

import asyncio
import base64
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import audit
from accounts.box import BoxBroken
from accounts.errors import (
    CodeWrong,
    SecondFactorAbsent,
    SecondFactorPresent,
    TicketGone,
    TooManyTries,
)
from accounts.outbox import Outbox
from accounts.second_factor import RECOVERY_CODES, WRONG_CODES, SecondFactor, is_on, move
from accounts.tickets import Purpose, Tickets
from accounts.visits import Visit
from keysteward.box import SealedBox
from store import Owner, ProvenOwner, Store, Tx
from store.clock import MINUTE, SECOND
from tests.kit.canary import files_with
from tests.kit.clock import MovedClock
from vault.keyring import Keyring

HERE = Visit("192.0.2.7", "a browser")
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
# RFC 6238, appendix B: seconds and code; of its eight digits the last six.
RFC_CODES = [
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
]


@pytest.fixture
def box(keyring: Keyring) -> SealedBox:
    return SealedBox(keyring)


@pytest.fixture
def tickets(box: SealedBox) -> Tickets:
    return Tickets(box)


@pytest.fixture
def factor(store: Store, keyring: Keyring, clock: MovedClock) -> SecondFactor:
    box = SealedBox(keyring)
    return SecondFactor(store, box, Tickets(box), keyring, Outbox(box), clock, "Keysteward at home")


class App:
    """An authenticator app: the secret that it was given, and its clock."""

    def __init__(self, secret: str, clock: MovedClock) -> None:
        self.secret = secret
        self._totp = pyotp.TOTP(secret)
        self._clock = clock

    def code(self, steps: int = 0) -> str:
        return self._totp.at(self._clock() // SECOND, counter_offset=steps)

    def next_code(self) -> str:
        self._clock.forward(seconds=30)
        return self.code()

    def wrong_code(self) -> str:
        return f"{(int(self.code()) + 1) % 1_000_000:06}"


class On:
    """An account with a second factor: the app and the recovery codes."""

    def __init__(self, app: App, codes: list[str]) -> None:
        self.app = app
        self.codes = codes


async def switch_on(factor: SecondFactor, owner: ProvenOwner, clock: MovedClock) -> On:
    begun = await factor.begin(owner, "ada@example.com")
    app = App(begun.secret, clock)
    return On(app, await factor.confirm(owner, begun.ticket, app.code()))


@pytest.fixture
async def on(factor: SecondFactor, ada: ProvenOwner, clock: MovedClock) -> On:
    return await switch_on(factor, ada, clock)


async def wrong(factor: SecondFactor, owner: Owner, code: str) -> None:
    with pytest.raises(CodeWrong):
        await factor.check(owner, code, HERE)


class Kept:
    """What is written down of what was done: the trail, and the letters that wait."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring
        self._outbox = Outbox(SealedBox(keyring))

    async def acts(self, owner: Owner) -> list[str]:
        entries = await self._store.read(lambda tx: audit.verify(tx, self._keyring, owner))
        return [entry.act for entry in entries]

    async def letters(self) -> list[tuple[str, dict[str, object]]]:
        rows = await self._store.read(
            lambda tx: tx.all(
                "SELECT id, account, letter, sealed, created_at, tries FROM outbox ORDER BY rowid"
            )
        )
        opened = [self._outbox.opened(row) for row in rows]
        return [(each.letter, dict(each.facts)) for each in opened if each is not None]

    async def changes(self) -> list[str]:
        rows = await self._store.read(lambda tx: tx.all("SELECT kind FROM changes"))
        return [kind for (kind,) in rows]


@pytest.fixture
def kept(store: Store, keyring: Keyring) -> Kept:
    return Kept(store, keyring)


class TestSettingUp:
    async def test_it_counts_from_the_first_code_of_the_app_on(
        self, factor: SecondFactor, ada: ProvenOwner, clock: MovedClock, store: Store
    ) -> None:
        begun = await factor.begin(ada, "ada@example.com")
        assert not await factor.is_set_up(ada)
        codes = await factor.confirm(ada, begun.ticket, App(begun.secret, clock).code())
        assert await factor.is_set_up(ada)
        assert await store.read(lambda tx: is_on(tx, ada))
        assert await factor.codes_left(ada) == len(codes) == RECOVERY_CODES

    async def test_the_address_is_what_apps_read(
        self, factor: SecondFactor, ada: ProvenOwner
    ) -> None:
        begun = await factor.begin(ada, "ada+keys@example.com")
        address = urlsplit(begun.uri)
        assert (address.scheme, address.netloc) == ("otpauth", "totp")
        assert unquote(address.path) == "/Keysteward at home:ada+keys@example.com"
        asked = parse_qs(address.query)
        assert asked == {"secret": [begun.secret], "issuer": ["Keysteward at home"]}
        assert len(base64.b32decode(begun.secret)) == 20
        assert begun.secret not in repr(begun)

    async def test_an_account_without_an_address_can_have_one(
        self, factor: SecondFactor, ada: ProvenOwner
    ) -> None:
        path = urlsplit((await factor.begin(ada, "")).uri).path
        assert unquote(path) == "/Keysteward at home:Keysteward at home"

    async def test_each_secret_and_each_recovery_code_is_another(
        self, factor: SecondFactor, ada: ProvenOwner, bob: ProvenOwner, clock: MovedClock
    ) -> None:
        hers, his = [await switch_on(factor, owner, clock) for owner in (ada, bob)]
        assert hers.app.secret != his.app.secret
        assert len({*hers.codes, *his.codes}) == 2 * RECOVERY_CODES
        assert all(re.fullmatch(r"([A-Z2-7]{4}-){5}[A-Z2-7]{4}", code) for code in hers.codes)

    async def test_a_wrong_code_leaves_it_off_and_five_end_it(
        self, factor: SecondFactor, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        begun = await factor.begin(ada, "ada@example.com")
        app = App(begun.secret, clock)
        for left in (4, 3, 2, 1, 0):
            with pytest.raises(CodeWrong) as refused:
                await factor.confirm(ada, begun.ticket, app.wrong_code())
            assert refused.value.left == left
        with pytest.raises(TicketGone):
            await factor.confirm(ada, begun.ticket, app.code())
        assert not await factor.is_set_up(ada)

    async def test_the_last_try_is_as_good_as_the_first(
        self, factor: SecondFactor, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        begun = await factor.begin(ada, "ada@example.com")
        app = App(begun.secret, clock)
        for _ in range(4):
            with pytest.raises(CodeWrong):
                await factor.confirm(ada, begun.ticket, app.wrong_code())
        assert await factor.confirm(ada, begun.ticket, app.code())

    async def test_it_must_be_finished_within_a_quarter_of_an_hour(
        self, factor: SecondFactor, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        begun = await factor.begin(ada, "ada@example.com")
        clock.forward(microseconds=15 * MINUTE)
        with pytest.raises(TicketGone):
            await factor.confirm(ada, begun.ticket, App(begun.secret, clock).code())

    async def test_a_secret_that_was_begun_before_is_void(
        self, factor: SecondFactor, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        first, second = [await factor.begin(ada, "ada@example.com") for _ in range(2)]
        with pytest.raises(TicketGone):
            await factor.confirm(ada, first.ticket, App(first.secret, clock).code())
        await factor.confirm(ada, second.ticket, App(second.secret, clock).code())

    async def test_another_s_can_t_be_finished(
        self, factor: SecondFactor, ada: ProvenOwner, bob: ProvenOwner, clock: MovedClock
    ) -> None:
        begun = await factor.begin(ada, "ada@example.com")
        with pytest.raises(TicketGone):
            await factor.confirm(bob, begun.ticket, App(begun.secret, clock).code())
        assert not await factor.is_set_up(bob)

    async def test_there_is_one_at_a_time(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, tickets: Tickets, store: Store
    ) -> None:
        with pytest.raises(SecondFactorPresent):
            await factor.begin(ada, "ada@example.com")
        ticket = await store.write(
            lambda tx: tickets.issue(
                tx, Purpose.TOTP_SETUP, ada, now=0, life=10**18, tries=5, secret=on.app.secret
            )
        )
        with pytest.raises(SecondFactorPresent):
            await factor.confirm(ada, ticket, on.app.code())

    async def test_of_many_who_confirm_at_once_one_is_given_the_codes(
        self, factor: SecondFactor, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        begun = await factor.begin(ada, "ada@example.com")
        code = App(begun.secret, clock).code()
        answers = await asyncio.gather(
            *(factor.confirm(ada, begun.ticket, code) for _ in range(20)), return_exceptions=True
        )
        assert sum(isinstance(answer, list) for answer in answers) == 1
        assert await factor.codes_left(ada) == RECOVERY_CODES

    @pytest.mark.usefixtures("on")
    async def test_it_is_in_the_trail_and_in_a_letter(self, ada: ProvenOwner, kept: Kept) -> None:
        assert await kept.acts(ada) == ["SECOND_FACTOR_ADDED"]
        assert await kept.letters() == [("SECOND_FACTOR_ADDED", {"to": "ada@example.com"})]
        assert await kept.changes() == ["ACCOUNT_CHANGED"]


class TestCodesOfTheApp:
    async def test_they_are_those_of_rfc_6238(
        self,
        factor: SecondFactor,
        ada: ProvenOwner,
        clock: MovedClock,
        tickets: Tickets,
        store: Store,
    ) -> None:
        clock.now = 0
        ticket = await store.write(
            lambda tx: tickets.issue(
                tx, Purpose.TOTP_SETUP, ada, now=0, life=MINUTE, secret=RFC_SECRET
            )
        )
        await factor.confirm(ada, ticket, "755224")  # RFC 4226, appendix D: the counter 0
        for seconds, code in RFC_CODES:
            clock.now = seconds * SECOND
            await wrong(factor, ada, f"{(int(code) + 1) % 1_000_000:06}")
            await factor.check(ada, code, HERE)

    async def test_one_is_taken_once(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, clock: MovedClock
    ) -> None:
        code = on.app.next_code()
        await factor.check(ada, code, HERE)
        await wrong(factor, ada, code)
        clock.forward(seconds=9)
        await wrong(factor, ada, code)

    async def test_the_one_that_switched_it_on_is_used_up(
        self, factor: SecondFactor, ada: ProvenOwner, on: On
    ) -> None:
        await wrong(factor, ada, on.app.code())

    async def test_of_fifty_who_bring_the_same_at_once_one_gets_in(
        self, factor: SecondFactor, ada: ProvenOwner, on: On
    ) -> None:
        code = on.app.next_code()
        answers = await asyncio.gather(
            *(factor.check(ada, code, HERE) for _ in range(50)), return_exceptions=True
        )
        assert answers.count(None) == 1
        assert {type(answer) for answer in answers} == {type(None), CodeWrong, TooManyTries}

    async def test_one_of_other_half_minutes_is_wrong(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, clock: MovedClock
    ) -> None:
        clock.forward(seconds=300)
        for steps in (-2, -1, 1, 2):
            await wrong(factor, ada, on.app.code(steps))

    async def test_it_ends_with_its_half_minute_to_the_microsecond(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, clock: MovedClock
    ) -> None:
        clock.now = 1_700_000_100 * SECOND - 1  # a multiple of 30
        ending = on.app.code()
        clock.forward(microseconds=1)
        await wrong(factor, ada, ending)
        beginning = on.app.code()
        clock.forward(microseconds=-1)
        await wrong(factor, ada, beginning)
        await factor.check(ada, ending, HERE)

    async def test_a_clock_that_is_put_back_revives_none(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, clock: MovedClock
    ) -> None:
        earlier = on.app.next_code()
        clock.forward(seconds=60)
        await factor.check(ada, on.app.code(), HERE)
        clock.forward(seconds=-60)
        await wrong(factor, ada, earlier)

    async def test_it_is_read_as_people_and_apps_write_it(
        self, factor: SecondFactor, ada: ProvenOwner, on: On
    ) -> None:
        for form in ("{0}{1}", "{0} {1}", " {0}-{1}\n", "{0}\u00a0{1}"):
            code = on.app.next_code()
            await factor.check(ada, form.format(code[:3], code[3:]), HERE)
        await wrong(factor, ada, on.app.next_code().rjust(101))
        await factor.check(ada, on.app.next_code().rjust(100), HERE)

    @pytest.mark.usefixtures("on")
    async def test_another_account_s_is_wrong(
        self,
        factor: SecondFactor,
        ada: ProvenOwner,
        bob: ProvenOwner,
        clock: MovedClock,
    ) -> None:
        his = await switch_on(factor, bob, clock)
        code = his.app.next_code()
        await wrong(factor, ada, code)
        await factor.check(bob, code, HERE)

    @pytest.mark.usefixtures("on")
    async def test_another_account_s_secret_in_the_row_opens_nowhere(
        self,
        factor: SecondFactor,
        ada: ProvenOwner,
        bob: ProvenOwner,
        clock: MovedClock,
        store: Store,
    ) -> None:
        his = await switch_on(factor, bob, clock)
        await store.write(
            lambda tx: tx.run(
                "UPDATE totp SET sealed = (SELECT sealed FROM totp WHERE account = :bob)",
                bob=bob.account,
            )
        )
        with pytest.raises(BoxBroken):
            await factor.check(ada, his.app.next_code(), HERE)

    async def test_a_new_master_key_changes_nothing(
        self, store: Store, ada: ProvenOwner, clock: MovedClock
    ) -> None:
        old, new = Keyring.mint("old"), Keyring.mint("new")

        def made_with(keys: str) -> SecondFactor:
            ring = Keyring.parse(keys)
            box = SealedBox(ring)
            return SecondFactor(store, box, Tickets(box), ring, Outbox(box), clock, "Keysteward")

        on = await switch_on(made_with(old), ada, clock)
        after = made_with(f"{new},{old}")
        await after.check(ada, on.app.next_code(), HERE)
        await after.check(ada, on.codes[0], HERE)


class TestRecoveryCodes:
    async def test_each_gets_in_once(self, factor: SecondFactor, ada: ProvenOwner, on: On) -> None:
        for left, code in zip(range(RECOVERY_CODES - 1, -1, -1), on.codes, strict=True):
            await factor.check(ada, code, HERE)
            assert await factor.codes_left(ada) == left
        await wrong(factor, ada, on.codes[0])
        await wrong(factor, ada, on.codes[-1])

    async def test_of_fifty_who_bring_the_same_at_once_one_gets_in(
        self, factor: SecondFactor, ada: ProvenOwner, on: On
    ) -> None:
        answers = await asyncio.gather(
            *(factor.check(ada, on.codes[0], HERE) for _ in range(50)), return_exceptions=True
        )
        assert answers.count(None) == 1
        assert await factor.codes_left(ada) == RECOVERY_CODES - 1

    async def test_they_are_read_as_people_write_them(
        self, factor: SecondFactor, ada: ProvenOwner, on: On
    ) -> None:
        await factor.check(ada, on.codes[0].lower(), HERE)
        await factor.check(ada, on.codes[1].replace("-", ""), HERE)
        await factor.check(ada, " " + on.codes[2].replace("-", " \u2013 ") + "\n", HERE)

    async def test_its_owner_is_told(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, kept: Kept
    ) -> None:
        await factor.check(ada, on.codes[0], HERE)
        assert (await kept.acts(ada))[-1] == "RECOVERY_CODE_USED"
        assert (await kept.letters())[-1] == (
            "RECOVERY_CODE_USED",
            {"to": "ada@example.com", "left": 9, "place": "192.0.2.7"},
        )

    @pytest.mark.usefixtures("on")
    async def test_another_account_s_is_wrong_wherever_its_row_is_put(
        self,
        factor: SecondFactor,
        ada: ProvenOwner,
        bob: ProvenOwner,
        clock: MovedClock,
        store: Store,
    ) -> None:
        his = await switch_on(factor, bob, clock)
        await wrong(factor, ada, his.codes[0])
        await store.write(
            lambda tx: tx.run(
                "INSERT INTO recovery_codes (account, digest)"
                " SELECT :ada, digest FROM recovery_codes WHERE account = :bob",
                ada=ada.account,
                bob=bob.account,
            )
        )
        await wrong(factor, ada, his.codes[0])

    async def test_new_ones_void_the_old(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, kept: Kept
    ) -> None:
        await factor.check(ada, on.codes[0], HERE)
        renewed = await factor.renew_codes(ada)
        assert await factor.codes_left(ada) == len(renewed) == RECOVERY_CODES
        await wrong(factor, ada, on.codes[1])
        await factor.check(ada, renewed[0], HERE)
        assert (await kept.acts(ada))[-2:] == [
            "RECOVERY_CODES_MADE",
            "RECOVERY_CODE_USED",
        ]


class TestGuessing:
    async def test_ten_wrong_codes_and_then_one_every_five_minutes(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, clock: MovedClock
    ) -> None:
        assert (WRONG_CODES.burst, WRONG_CODES.every) == (10, 5 * MINUTE)
        clock.forward(seconds=30)
        for _ in range(10):
            await wrong(factor, ada, on.app.wrong_code())
        with pytest.raises(TooManyTries) as refused:
            await factor.check(ada, on.app.wrong_code(), HERE)
        assert refused.value.wait == 300
        clock.forward(seconds=0.5)
        with pytest.raises(TooManyTries) as refused:
            await factor.check(ada, on.app.code(), HERE)
        assert refused.value.wait == 300  # of 299.5 not 299, at which it would be refused again
        clock.forward(microseconds=5 * MINUTE - SECOND // 2 - 1)
        with pytest.raises(TooManyTries) as refused:
            await factor.check(ada, on.app.code(), HERE)
        assert refused.value.wait == 1
        clock.forward(microseconds=1)
        await factor.check(ada, on.app.code(), HERE)

    async def test_wrong_ones_at_once_are_all_counted(
        self, factor: SecondFactor, ada: ProvenOwner, on: On
    ) -> None:
        code = on.app.wrong_code()
        answers = await asyncio.gather(
            *(factor.check(ada, code, HERE) for _ in range(30)), return_exceptions=True
        )
        assert sum(isinstance(answer, CodeWrong) for answer in answers) == 10
        assert sum(isinstance(answer, TooManyTries) for answer in answers) == 20

    async def test_right_codes_are_not_counted(
        self, factor: SecondFactor, ada: ProvenOwner, on: On
    ) -> None:
        for _ in range(12):
            await factor.check(ada, on.app.next_code(), HERE)

    async def test_who_floods_an_account_does_not_keep_out_who_has_a_recovery_code(
        self, factor: SecondFactor, ada: ProvenOwner, on: On
    ) -> None:
        for _ in range(10):
            await wrong(factor, ada, on.app.wrong_code())
        with pytest.raises(TooManyTries):
            await factor.check(ada, on.app.next_code(), HERE)
        await factor.check(ada, on.codes[0], HERE)
        with pytest.raises(TooManyTries):
            await factor.check(ada, on.codes[0], HERE)

    async def test_another_account_s_tries_are_its_own(
        self,
        factor: SecondFactor,
        ada: ProvenOwner,
        bob: ProvenOwner,
        on: On,
        clock: MovedClock,
    ) -> None:
        his = await switch_on(factor, bob, clock)
        for _ in range(11):
            with pytest.raises((CodeWrong, TooManyTries)):
                await factor.check(ada, on.app.wrong_code(), HERE)
        await factor.check(bob, his.app.next_code(), HERE)

    @settings(
        max_examples=20,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.text(max_size=40) | st.text("0123456789 -٣", max_size=8))
    @example("")
    @example("A" * 100_000)
    @example("\ud800")
    @example("ABCD-EFGH-IJKL-MNOP-QRST-UVW\u212a")
    async def test_whatever_is_typed_is_a_wrong_code(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, clock: MovedClock, code: str
    ) -> None:
        clock.forward(seconds=3000)
        if "".join(re.findall("[0-9]", code)) == on.app.code():
            return
        await wrong(factor, ada, code)


class TestRemoving:
    async def test_it_goes_with_its_codes(
        self, factor: SecondFactor, ada: ProvenOwner, on: On
    ) -> None:
        await factor.remove(ada)
        assert not await factor.is_set_up(ada)
        assert await factor.codes_left(ada) == 0
        for code in (on.app.next_code(), on.codes[0]):
            with pytest.raises(SecondFactorAbsent):
                await factor.check(ada, code, HERE)
        with pytest.raises(SecondFactorAbsent):
            await factor.remove(ada)
        with pytest.raises(SecondFactorAbsent):
            await factor.renew_codes(ada)

    @pytest.mark.usefixtures("on")
    async def test_it_is_in_the_trail_and_in_a_letter(
        self, factor: SecondFactor, ada: ProvenOwner, kept: Kept
    ) -> None:
        await factor.remove(ada)
        assert await kept.acts(ada) == ["SECOND_FACTOR_ADDED", "SECOND_FACTOR_REMOVED"]
        assert (await kept.letters())[-1][0] == "SECOND_FACTOR_REMOVED"

    @pytest.mark.usefixtures("on")
    async def test_another_s_stays(
        self,
        factor: SecondFactor,
        ada: ProvenOwner,
        bob: ProvenOwner,
        clock: MovedClock,
    ) -> None:
        his = await switch_on(factor, bob, clock)
        await factor.remove(ada)
        assert await factor.codes_left(bob) == RECOVERY_CODES
        await factor.check(bob, his.app.next_code(), HERE)

    async def test_a_new_one_can_be_set_up(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, clock: MovedClock
    ) -> None:
        await factor.remove(ada)
        again = await switch_on(factor, ada, clock)
        await wrong(factor, ada, on.app.next_code())
        await factor.check(ada, again.app.code(), HERE)


TO = ProvenOwner("f" * 64)


class Mover:
    """Gives Ada's account another id, as a change of her address does."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    async def __call__(self, was: Owner, *, broken: bool = False) -> None:
        def unit(tx: Tx) -> None:
            tx.run(
                "UPDATE accounts SET account = :to WHERE account = :was",
                to=TO.account,
                was=was.account,
            )
            if broken:
                tx.run("UPDATE totp SET sealed = x'00' WHERE account = :to", to=TO.account)
            move(tx, SealedBox(self._keyring), was, TO)

        await self._store.write(unit)


@pytest.fixture
def mover(store: Store, keyring: Keyring) -> Mover:
    return Mover(store, keyring)


class TestMoving:
    async def test_the_app_goes_on_and_so_do_the_recovery_codes(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, mover: Mover
    ) -> None:
        await factor.check(ada, on.codes[0], HERE)
        await mover(ada)
        await factor.check(TO, on.app.next_code(), HERE)
        assert await factor.codes_left(TO) == RECOVERY_CODES - 1
        await wrong(factor, TO, on.codes[0])
        await factor.check(TO, on.codes[1], HERE)
        await factor.check(TO, (await factor.renew_codes(TO))[0], HERE)

    async def test_a_code_copied_to_another_account_fits_nothing_there(  # noqa: PLR0917
        self,
        factor: SecondFactor,
        ada: ProvenOwner,
        bob: ProvenOwner,
        clock: MovedClock,
        on: On,
        store: Store,
    ) -> None:
        await switch_on(factor, bob, clock)
        await store.write(
            lambda tx: tx.run(
                "UPDATE recovery_codes SET account = :bob WHERE account = :ada",
                ada=ada.account,
                bob=bob.account,
            )
        )
        for code in on.codes:
            await wrong(factor, bob, code)

    @pytest.mark.usefixtures("on")
    async def test_another_s_codes_stay(
        self,
        factor: SecondFactor,
        ada: ProvenOwner,
        bob: ProvenOwner,
        clock: MovedClock,
        mover: Mover,
    ) -> None:
        his = await switch_on(factor, bob, clock)
        await mover(ada)
        await factor.check(bob, his.app.next_code(), HERE)
        assert await factor.codes_left(bob) == RECOVERY_CODES

    async def test_an_account_without_one_moves_too(
        self, factor: SecondFactor, ada: ProvenOwner, mover: Mover
    ) -> None:
        await mover(ada)
        assert not await factor.is_set_up(TO)

    async def test_a_secret_that_does_not_open_keeps_the_account_where_it_is(
        self, factor: SecondFactor, ada: ProvenOwner, on: On, mover: Mover
    ) -> None:
        with pytest.raises(BoxBroken):
            await mover(ada, broken=True)
        await factor.check(ada, on.app.next_code(), HERE)


async def test_neither_secret_nor_recovery_codes_are_in_any_file(
    factor: SecondFactor, ada: ProvenOwner, clock: MovedClock, data: Path
) -> None:
    begun = await factor.begin(ada, "ada@example.com")
    raw = base64.b32decode(begun.secret)
    forms = [begun.secret.encode(), raw, raw.hex().encode(), base64.b64encode(raw)]
    assert files_with(data, *forms) == []
    app = App(begun.secret, clock)
    codes = await factor.confirm(ada, begun.ticket, app.code())
    await factor.check(ada, codes[0], HERE)
    await factor.check(ada, app.next_code(), HERE)
    for code in codes:
        plain = code.replace("-", "")
        forms += [code.encode(), plain.encode(), base64.b32decode(plain)]
    assert files_with(data, *forms) == []
