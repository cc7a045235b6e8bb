"""The pages through which people get in, as a browser without scripts meets them."""

import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import hypothesis
import pyotp
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from accounts import rows
from accounts.address import account_of
from accounts.guesses import Limits
from keysteward.masterkey import keyring_of
from store import Owner, Store, Tx
from tests.kit.browsing import Browser, Read, put_cookies
from tests.kit.graphql_client import PASSWORD, House, Visitor, house
from tests.kit.inviting import invite_to
from tests.kit.mailbox import Mailbox, links_in, mailbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER: Final = "CANARYanotherpasswordofletters"
SHOWN: Final = ["/sign-in", "/sign-up", "/reset", "/reset/new", "/verify", "/release", "/address"]
POSTED: Final = [
    *SHOWN,
    "/second-factor",
    "/sign-out",
    "/fresh",
    "/code",
    "/code/show",
    "/auth/google",
    "/auth/github",
]
OURS: Final = {"sec-fetch-site": "same-origin"}


@dataclass
class Home:
    """An installation and its mail."""

    house: House
    box: Mailbox
    waiting: list[tuple[Visitor, Browser, str, str]] = field(default_factory=list)

    async def browser(self, visitor: Visitor | None = None) -> Browser:
        """Give one that nobody has used, or that of somebody who has signed in already."""
        return Browser((visitor or await self.house.visitor()).http)

    async def person(self) -> tuple[Visitor, Browser]:
        """Give somebody who has just signed up."""
        visitor = await self.house.person()
        return visitor, await self.browser(visitor)

    def verifying(self) -> tuple[Visitor, Browser, str, str]:
        """Give somebody who has signed up before, and both links of the mail that came."""
        return self.waiting.pop()

    async def have_waiting(self, count: int) -> None:
        """Have so many sign up at once: mail goes out once a second."""
        people = [await self.person() for _ in range(count)]
        links = {}
        for _ in people:
            message = await self.box.next()
            links[message["to"]] = links_in(message)
        for visitor, browser in people:
            verify, release = links[visitor.address]
            self.waiting.append((visitor, browser, verify, release))

    async def mailed(self, address: str) -> list[str]:
        """Give the links of the next mail to an address."""
        while True:
            message = await self.box.next()
            if message["to"] == address:
                return links_in(message)


@contextlib.asynccontextmanager
async def home_at(folder: Path, **environment: str) -> AsyncIterator[Home]:
    made_with: dict[str, Any] = environment.pop("made_with", {})  # type: ignore[assignment]
    async with mailbox() as box:
        given = {"KEYSTEWARD_SMTP": box.url, **environment}
        async with house(folder, given, **made_with) as opened:
            yield Home(opened, box)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Home]:
    async with home_at(tmp_path_factory.mktemp("home")) as opened:
        await opened.have_waiting(5)
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def somebody(home: Home) -> tuple[Visitor, Browser]:
    """One who stays signed in, for tests that change nothing of theirs."""
    return await home.person()


def ticket_of(link: str) -> str:
    return link.partition("#")[2]


def said(browser: Browser) -> str:
    """Give all that a browser was answered, but the cookies that are to hold what they hold."""
    return "\n".join(
        f"{answer.url} {[pair for pair in answer.headers.multi_items() if pair[0] != 'set-cookie']}"
        f" {answer.text}"
        for answer in browser.seen
    )


def marked_wrong(page: Read) -> list[dict[str, str | None]]:
    return [each for _, each in page.tags if "aria-invalid" in each]


def is_signed_in(page: Read) -> bool:
    return "/sign-out" in [form.action for form in page.forms]


# From the first page to the last


async def test_somebody_signs_up_verifies_forgets_and_comes_back(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser, address = await home.browser(), "ada.lovelace@example.com"

    page = await browser.open("/sign-up?next=/graphiql")
    page = await browser.fill(page, "/sign-up", address=address, password=PASSWORD)
    assert page.answer.headers["location"] == "/graphiql"
    assert put_cookies(page.answer).keys() == {"keysteward", "keysteward-device"}
    page = await browser.open("/sign-in")
    assert is_signed_in(page)
    assert address in page.text
    assert "not verified" in page.text

    verify, release = await home.mailed(address)
    assert verify.startswith(f"{home.house.url}/verify#kso_")
    page = await browser.open(verify.removeprefix(home.house.url))
    page = await browser.fill(page, "/verify", ticket=ticket_of(verify))
    assert page.status == 200
    assert "is verified" in page.text
    page = await browser.open("/sign-in")
    assert "not verified" not in page.text

    page = await browser.follow(await browser.fill(page, "/sign-out"))
    assert not is_signed_in(page)
    assert browser.cookie("keysteward") is None
    assert browser.cookie("keysteward-device")

    page = await browser.fill(await browser.open("/reset"), "/reset", address=address)
    assert page.status == 200
    (reset,) = await home.mailed(address)
    page = await browser.open("/reset/new")
    # As somebody without scripts does: the whole link.
    page = await browser.fill(page, "/reset/new", ticket=f" {reset} ", password=OTHER)
    assert page.status == 200
    assert browser.cookie("keysteward") is None

    page = await browser.open("/sign-in")
    page = await browser.fill(page, "/sign-in", address=address, password=PASSWORD)
    assert page.status == 401
    page = await browser.fill(page, "/sign-in", address=address, password=OTHER)
    assert page.answer.headers["location"] == "/dashboard"
    assert is_signed_in(await browser.open("/sign-in"))

    secrets = [PASSWORD, OTHER, *map(ticket_of, (verify, release, reset))]
    everything = said(browser) + caplog.text
    assert [secret for secret in secrets if secret in everything] == []


async def test_opening_a_link_uses_nothing_up(home: Home) -> None:
    visitor, browser, verify, _ = home.verifying()
    ticket = ticket_of(verify)
    counts = (
        "SELECT (SELECT count(*) FROM tickets), (SELECT count(*) FROM sessions),"
        " (SELECT count(*) FROM accounts), (SELECT count(*) FROM audit)"
    )
    before = home.house.rows(counts)
    scanner = await home.browser()
    for path in POSTED:
        for client in (scanner, browser):
            for query in (f"ticket={ticket}", f"ticket={ticket}&password={PASSWORD}&intent=LINK"):
                assert (await client.open(f"{path}?{query}")).status < 500
                assert (await client.http.head(f"{path}?{query}")).status_code < 500
    assert home.house.rows(counts) == before
    page = await browser.fill(await browser.open("/verify"), "/verify", ticket=ticket)
    assert page.status == 200, visitor.address


async def test_a_link_is_good_once(home: Home) -> None:
    _, browser, verify, _ = home.verifying()
    page = await browser.open("/verify")
    assert (await browser.fill(page, "/verify", ticket=ticket_of(verify))).status == 200
    page = await browser.fill(page, "/verify", ticket=ticket_of(verify))
    assert page.status == 410
    assert "no longer good" in page.alert


async def test_the_link_is_sent_again_and_the_one_before_is_void(home: Home) -> None:
    visitor, browser = await home.person()
    (first, _) = await home.mailed(visitor.address)
    page = await browser.fill(await browser.open("/sign-in"), "/verify/again")
    assert page.status == 200
    (second, _) = await home.mailed(visitor.address)
    page = await browser.open("/verify")
    page = await browser.fill(page, "/verify", ticket=ticket_of(first))
    assert page.status == 410
    page = await browser.fill(page, "/verify", ticket=ticket_of(second))
    assert page.status == 200


async def test_who_reads_the_mail_alone_verifies_nothing(home: Home) -> None:
    visitor, _, verify, _ = home.verifying()
    stranger = await home.browser()
    page = await stranger.open("/verify")
    page = await stranger.fill(page, "/verify", ticket=ticket_of(verify), password="CANARYguessed")
    assert page.status == 401
    assert page.alert == "Give the password of the account that this link is of."
    someone_else = await home.browser(await home.house.person())
    page = await someone_else.open("/verify")
    page = await someone_else.fill(page, "/verify", ticket=ticket_of(verify))
    assert page.status == 401
    # The page that comes again has a field for it, and the link is still good.
    page = await someone_else.fill(page, "/verify", ticket=ticket_of(verify), password=PASSWORD)
    assert page.status == 200
    assert (await visitor.get("viewer"))["addressVerifiedAt"] is not None


async def test_an_account_made_with_somebody_else_s_address_is_given_up(home: Home) -> None:
    visitor, _, _, release = home.verifying()
    reader = await home.browser()
    page = await reader.fill(await reader.open("/release"), "/release", ticket=ticket_of(release))
    assert page.status == 200
    assert "gone" in page.text
    assert await visitor.get("viewer") is None
    page = await reader.fill(await reader.open("/release"), "/release", ticket=ticket_of(release))
    assert page.status == 410


async def test_another_address_is_confirmed_by_who_is_signed_in(home: Home) -> None:
    visitor, browser = await home.person()
    new = f"moved.{visitor.address}"
    assert (await visitor.do("changeAddress", address=new))["__typename"] == "MailSent"
    (link,) = await home.mailed(new)
    stranger = await home.browser()
    page = await stranger.open("/address")
    assert page.forms == []
    assert "/sign-in?next=/address" in page.links
    page = await stranger.send("/address", {"ticket": ticket_of(link)})
    assert (page.status, page.alert) == (401, "Sign in first.")

    page = await browser.open("/address")
    assert visitor.address in page.text
    page = await browser.fill(page, "/address", ticket=ticket_of(link))
    assert page.status == 200
    assert browser.cookie("keysteward") is None
    page = await browser.open("/sign-in")
    page = await browser.fill(page, "/sign-in", address=new, password=PASSWORD)
    assert page.status == 303


async def test_a_forgotten_address_is_answered_like_a_known_one(home: Home) -> None:
    visitor, browser = await home.person()
    page = await browser.open("/reset")
    pages = [
        await browser.fill(page, "/reset", address=address)
        for address in (visitor.address, "nobody.at.all@example.com")
    ]
    assert pages[0].text == pages[1].text
    assert pages[0].status == pages[1].status == 200


# The second factor, and a fresh login


async def second_factor_of(visitor: Visitor) -> pyotp.TOTP:
    """Set one up."""
    begun = await visitor.do("beginSecondFactor")
    totp = pyotp.TOTP(begun["secret"])
    code = totp.at(1_700_000_000)
    answer = await visitor.do("addSecondFactor", ticket=begun["ticket"], code=code)
    assert answer["__typename"] == "RecoveryCodes", answer
    return totp


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[tuple[Home, Visitor, pyotp.TOTP]]:
    """Somebody with a second factor, in an installation whose clock is the test's own."""
    async with home_at(tmp_path) as home:
        visitor = await home.house.person()
        totp = await second_factor_of(visitor)
        home.house.clock.forward(seconds=60)
        yield home, visitor, totp


@pytest.mark.asyncio(loop_scope="function")
async def test_the_second_factor_is_asked_for_in_the_same_browser_alone(
    guarded: tuple[Home, Visitor, pyotp.TOTP],
) -> None:
    home, visitor, totp = guarded
    browser, other = await home.browser(), await home.browser()
    page = await browser.open("/sign-in?next=/graphiql")
    page = await browser.fill(page, "/sign-in", address=visitor.address, password=PASSWORD)
    assert page.answer.headers["location"] == "/second-factor?next=/graphiql"
    held = put_cookies(page.answer)
    assert held.keys() == {"keysteward-second"}
    ticket = held["keysteward-second"].pop("")
    assert held["keysteward-second"] == {
        "httponly": "",
        "max-age": "600",
        "path": "/",
        "samesite": "lax",
    }
    code = totp.at(home.house.clock() // 1_000_000)

    assert (await other.open("/second-factor")).answer.headers["location"] == "/sign-in"
    page = await other.send("/second-factor", {"code": code})
    assert page.status == 410

    page = await browser.follow(Read(browser.seen[-1]))
    page = await browser.fill(page, "/second-factor", code="000000")
    assert page.status == 401
    assert "wrong" in page.alert
    page = await browser.fill(page, "/second-factor", code=code)
    assert page.answer.headers["location"] == "/graphiql"
    assert browser.cookie("keysteward-second") is None
    assert is_signed_in(await browser.open("/sign-in"))
    assert ticket not in said(browser)


@pytest.mark.asyncio(loop_scope="function")
async def test_a_fresh_login_takes_the_second_factor_too_and_another_cookie(
    guarded: tuple[Home, Visitor, pyotp.TOTP],
) -> None:
    home, visitor, totp = guarded
    browser = await home.browser(visitor)
    was = browser.cookie("keysteward")
    home.house.clock.forward(seconds=600)
    page = await browser.open("/fresh?next=/graphiql")
    page = await browser.fill(page, "/fresh", password="CANARYguessed")
    assert (page.status, page.alert) == (401, "The password is wrong.")
    page = await browser.follow(await browser.fill(page, "/fresh", password=PASSWORD))
    code = totp.at(home.house.clock() // 1_000_000)
    page = await browser.fill(page, "/second-factor", code=code)
    assert page.answer.headers["location"] == "/graphiql"
    assert browser.cookie("keysteward") not in {was, None}
    assert (await visitor.get("viewer"))["freshUntil"] is not None


async def test_a_fresh_login_is_for_who_is_signed_in(home: Home) -> None:
    browser = await home.browser()
    page = await browser.open("/fresh?next=/graphiql")
    assert page.answer.headers["location"] == "/sign-in?next=/graphiql"
    page = await browser.send("/fresh", {"password": PASSWORD, "next": "/graphiql"})
    assert page.answer.headers["location"] == "/sign-in?next=/graphiql"


# Signed in already


async def test_whoever_is_signed_in_is_told_so(home: Home) -> None:
    visitor, browser = await home.person()
    for path in ("/sign-in", "/sign-up"):
        page = await browser.open(path)
        assert visitor.address in page.text
        assert [form.action for form in page.forms] == ["/verify/again", "/sign-out"]


async def test_signing_out_ends_the_session_itself(home: Home) -> None:
    _, browser = await home.person()
    cookie = browser.cookie("keysteward") or ""
    assert (await browser.send("/sign-out", {})).status == 303
    thief = await home.browser()
    thief.http.cookies.set("keysteward", cookie)
    assert not is_signed_in(await thief.open("/sign-in"))
    # And once more, with nobody signed in: the same answer.
    assert (await browser.send("/sign-out", {})).answer.headers["location"] == "/sign-in"


async def test_graphiql_is_opened_by_who_is_signed_in_or_says_that_they_are_not(
    home: Home,
) -> None:
    browser = await home.browser()
    page = await browser.open("/")
    assert page.answer.headers["location"] == "/dashboard"
    page = await browser.follow(page)
    assert page.answer.headers["location"] == "/sign-in?next=/dashboard"
    page = await browser.open("/graphiql")
    assert page.answer.headers["location"] == "/sign-in?next=/graphiql"
    page = await browser.follow(page)
    assert "/graphiql?anonymous=1" in page.links
    assert (await browser.open("/graphiql?anonymous=1")).status == 200
    assert (await browser.http.get("/graphiql")).status_code == 200  # no browser's navigation
    _, signed_in = await home.person()
    assert (await signed_in.open("/graphiql")).status == 200


# Refusals


@pytest.mark.parametrize(
    ("path", "fields", "status", "field"),
    [
        ("/sign-in", {"address": "x@example.com", "password": "CANARYwrong"}, 401, "password"),
        ("/sign-in", {"address": "CANARYnoaddress", "password": "CANARYwrong"}, 401, "password"),
        ("/sign-in", {}, 401, "password"),
        ("/sign-up", {"address": "CANARYnoaddress", "password": OTHER}, 400, "address"),
        ("/sign-up", {"address": "x@example.com", "password": "CANARY"}, 400, "password"),
        ("/sign-up", {"address": "x@example.com", "password": "password"}, 400, "password"),
        ("/reset", {"address": "CANARYnoaddress"}, 400, "address"),
        ("/reset/new", {"ticket": "CANARYnoticket", "password": OTHER}, 410, "ticket"),
        ("/verify", {"ticket": "CANARYnoticket", "password": OTHER}, 410, "ticket"),
        ("/release", {"ticket": "CANARYnoticket"}, 410, "ticket"),
        ("/address", {"ticket": "CANARYnoticket"}, 401, ""),
        ("/code", {"number": "+49 151 12345678", "intent": "SIGN_IN"}, 404, ""),
        ("/code/show", {"code": "123456"}, 404, ""),
        ("/auth/google", {"intent": "SIGN_IN"}, 404, ""),
        ("/auth/github", {"intent": "SIGN_IN"}, 404, ""),
        ("/auth/whatsapp", {"intent": "SIGN_IN"}, 404, ""),
        ("/auth/GOOGLE", {"intent": "SIGN_IN"}, 404, ""),
        ("/auth/google", {"intent": "CANARY"}, 400, ""),
        ("/auth/google", {}, 400, ""),
        ("/second-factor", {"code": "000000"}, 410, ""),
    ],
)
async def test_what_does_not_fit_is_said_in_one_sentence(
    home: Home, path: str, fields: dict[str, str], status: int, field: str
) -> None:
    browser = await home.browser()
    page = await browser.send(path, fields)
    assert page.status == status, page.alert
    assert page.alert.strip()
    assert ("role", "alert") in [pair for _, given in page.tags for pair in given.items()]
    assert [each["name"] for each in marked_wrong(page)] == ([field] if field else [])
    for each in marked_wrong(page):
        assert "error" in (each["aria-describedby"] or "").split()
    assert "CANARY" not in said(browser)
    assert put_cookies(page.answer) == {}


async def test_a_typed_address_is_kept_and_a_typed_password_is_not(home: Home) -> None:
    browser = await home.browser()
    typed = "  <b>Ada</b>\"'@example.com"
    page = await browser.open("/sign-in?next=/graphiql")
    page = await browser.fill(page, "/sign-in", address=typed, password="CANARYwrong")
    assert page.form("/sign-in").fields == {
        "next": "/graphiql",
        "address": typed,
        "password": "",
    }
    assert "<b>" not in page.text


async def test_an_address_that_is_taken_is_said_to_be(home: Home) -> None:
    visitor, _ = await home.person()
    browser = await home.browser()
    page = await browser.send("/sign-up", {"address": visitor.address, "password": OTHER})
    assert page.status == 409
    assert page.form("/sign-up").fields["address"] == visitor.address


async def test_a_disabled_account_is_told_to_who_knows_its_password(home: Home) -> None:
    visitor, signed_in = await home.person()
    keyring, owner = keyring_of(home.house.config), Owner(account_of(visitor.address))

    def disable(tx: Tx) -> None:
        account = rows.find(tx, keyring, owner)
        assert account is not None
        rows.put(tx, keyring, account, disabled_at=1)

    async with await Store.open(home.house.config.database) as store:
        await store.write(disable)
    browser = await home.browser()
    typed = {"address": visitor.address, "password": PASSWORD}
    page = await browser.send("/sign-in", typed)
    assert page.status == 403
    assert "disabled" in page.alert
    page = await browser.send("/sign-in", typed | {"password": OTHER})
    assert (page.status, page.alert) == (401, "Address or password is wrong.")
    assert not is_signed_in(await signed_in.open("/sign-in"))


@pytest.mark.asyncio(loop_scope="function")
async def test_whoever_tries_too_often_is_told_how_long_to_wait(tmp_path: Path) -> None:
    async with home_at(tmp_path, made_with={"guess_limits": Limits()}) as home:  # type: ignore[arg-type]
        browser = await home.browser()
        typed = {"address": "x@example.com", "password": "CANARYwrong"}
        pages = [await browser.send("/sign-in", typed) for _ in range(6)]
        assert [page.status for page in pages] == [401] * 5 + [429]
        assert pages[-1].answer.headers["retry-after"] == "20"
        assert "Try again in 20 s" in pages[-1].alert


@pytest.mark.asyncio(loop_scope="function")
async def test_a_fault_is_told_by_a_reference_and_logged_under_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with home_at(tmp_path) as home:
        visitor = await home.house.person()
        home.house.rows("ALTER TABLE sessions RENAME TO elsewhere")
        browser = await home.browser(visitor)
        for page in (
            await browser.open("/sign-in"),
            await browser.send("/sign-in", {"address": visitor.address, "password": PASSWORD}),
        ):
            assert page.status == 500
            assert page.alert.startswith("Something went wrong (ref ")
            reference = page.alert.partition("(ref ")[2].rstrip(").")
            assert f"fault {reference} at a door" in caplog.text
            assert "sessions" not in page.text
        assert "no such table: sessions" in caplog.text
        assert PASSWORD not in caplog.text


# Whence a form comes


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": ""},
        {"sec-fetch-site": "Same-Origin"},
        {"sec-fetch-site": "cross-site", "origin": "{ours}"},
        {"sec-fetch-mode": "navigate", "origin": "{ours}"},
        {"origin": "null"},
        {"origin": "https://attacker.example"},
        {"origin": "{ours}.attacker.example"},
        {"origin": "{ours}/"},
        {"origin": "https{ours}"},
        {},
    ],
    ids=str,
)
async def test_another_site_s_page_has_nothing_done(
    home: Home, somebody: tuple[Visitor, Browser], headers: dict[str, str]
) -> None:
    visitor, browser = somebody
    given = {name: value.format(ours=home.house.url) for name, value in headers.items()}
    for path in POSTED:
        page = await browser.send(path, {"intent": "LINK", "password": PASSWORD}, given)
        assert page.status == 403, path
        assert "nothing was done" in page.alert
        assert put_cookies(page.answer) == {}
    assert await visitor.get("viewer") is not None


async def test_our_own_pages_may_send_from_every_browser(home: Home) -> None:
    for headers in (
        OURS | {"origin": "null"},
        OURS,
        {"origin": home.house.url},  # one that has not learnt of Sec-Fetch yet
    ):
        browser = await home.browser()
        page = await browser.send("/reset", {"address": "x@example.com"}, headers)
        assert page.status == 200


async def test_nobody_is_signed_in_by_somebody_else_s_page(home: Home) -> None:
    visitor, _ = await home.person()
    victim = await home.browser()
    typed = {"address": visitor.address, "password": PASSWORD}
    page = await victim.send("/sign-in", typed, {"sec-fetch-site": "cross-site"})
    assert page.status == 403
    assert dict(victim.http.cookies) == {}


# Where one goes on to


@pytest.mark.parametrize(
    "place",
    [
        "https://attacker.example",
        "//attacker.example",
        "/\\attacker.example",
        "\\\\attacker.example",
        "/\t/attacker.example",
        "///attacker.example",
        "/graphiql/../../attacker",
        "/graphiql//attacker.example",
        "/graphiql?x=https://attacker.example",
        "/graphiql#x",
        "/graphiql ",
        "/graphiql\r\nset-cookie: a=b",
        "graphiql",
        "/GRAPHIQL",
        "javascript:alert(1)",
        "@attacker.example",
        ".attacker.example",
        "/sign-out",
        "/auth/google",
        "",
    ],
)
async def test_nobody_is_led_elsewhere(
    home: Home, somebody: tuple[Visitor, Browser], place: str
) -> None:
    visitor, _ = somebody
    browser = await home.browser()
    page = Read(await browser.http.get("/sign-in", params={"next": place}))
    assert "next" not in page.form("/sign-in").fields
    assert "attacker" not in page.text
    typed = {"address": visitor.address, "password": PASSWORD, "next": place}
    page = await browser.send("/sign-in", typed)
    assert page.answer.headers["location"] == "/dashboard"
    assert put_cookies(page.answer).keys() == {"keysteward", "keysteward-device"}


async def test_a_known_place_is_gone_on_to(home: Home, somebody: tuple[Visitor, Browser]) -> None:
    visitor, _ = somebody
    browser = await home.browser()
    page = await browser.open("/sign-in?next=/address")
    page = await browser.fill(page, "/sign-in", address=visitor.address, password=PASSWORD)
    assert page.answer.headers["location"] == "/address"


# What is sent


@pytest.mark.parametrize("path", POSTED)
async def test_what_is_no_form_is_not_looked_at(home: Home, path: str) -> None:
    browser = await home.browser()
    form = OURS | {"content-type": "application/x-www-form-urlencoded"}
    large = b"password=" + b"CANARY" * 11_000
    sent: list[tuple[bytes, dict[str, str], int]] = [
        (large, form, 413),
        (b"{}", OURS | {"content-type": "application/json"}, 415),
        (b"x", OURS | {"content-type": "multipart/form-data; boundary=x"}, 415),
        (b"x", OURS | {"content-type": "text/plain"}, 415),
        (b"x", OURS, 415),
        (b"password=\xff", form, 400),
        (b"password=%ff", form, 400),
        (b"&".join(b"a=1" for _ in range(60)), form, 400),
    ]
    for body, headers, status in sent:
        answer = await browser.http.post(path, content=body, headers=headers)
        assert answer.status_code == status
        assert "CANARY" not in answer.text
        assert answer.headers["cache-control"] == "no-store"

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b"a" * 6000

    answer = await browser.http.post(path, content=pieces(), headers=form)
    assert answer.status_code == 413


TEXTS: Final = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["kso_", "a@b.example", "SIGN_IN", "+4915112345678", "/graphiql", "\0", "%"]),
)
NAMES: Final = st.sampled_from(
    ["address", "password", "ticket", "code", "number", "intent", "next", "invite", ""]
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@hypothesis.given(path=st.sampled_from(POSTED), fields=st.dictionaries(NAMES, TEXTS), cookie=TEXTS)
async def test_nothing_that_can_be_sent_is_a_fault(
    home: Home, path: str, fields: dict[str, str], cookie: str
) -> None:
    browser = await home.browser()
    try:
        sent = {name: value.encode() for name, value in fields.items()}
    except UnicodeEncodeError:
        return
    held = "".join(c for c in cookie if c.isascii() and c.isprintable())
    cookies = "; ".join(
        f"{name}={held}"
        for name in ("keysteward", "keysteward-second", "keysteward-code", "keysteward-device")
    )
    answer = await browser.http.post(path, data=sent, headers=OURS | {"cookie": cookies})
    assert answer.status_code < 500, (path, fields)
    answer = await browser.http.get(path, params=sent, headers={"cookie": cookies})
    assert answer.status_code < 500, (path, fields)


@pytest.mark.parametrize(
    "path", ["/auth/google%0d%0aset-cookie:a=b", "/sign-in?next=%0d%0aset-cookie:a=b%00"]
)
async def test_no_header_is_slipped_in(home: Home, path: str) -> None:
    browser = await home.browser()
    for answer in (
        await browser.http.get(path, headers={"sec-fetch-mode": "navigate"}),
        await browser.http.post(path, data={"intent": "SIGN_IN"}, headers=OURS),
    ):
        assert answer.status_code in {200, 401, 404, 405}
        assert "set-cookie" not in answer.headers


# What every answer has


@pytest.mark.parametrize("path", ["/", *POSTED, "/auth/google/callback", "/webhooks/whatsapp"])
async def test_every_answer_is_kept_nowhere_and_runs_nothing_foreign(home: Home, path: str) -> None:
    browser = await home.browser()
    answers = [
        await browser.http.get(path),
        await browser.http.post(path, headers=OURS),
        await browser.http.post(path),
    ]
    for answer in (each for each in answers if each.status_code != 405):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
            "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
        )


@pytest.mark.parametrize("path", SHOWN)
async def test_every_page_can_be_used_by_all(home: Home, path: str) -> None:
    page = await (await home.browser()).open(path)
    inline = [
        (tag, given)
        for tag, given in page.tags
        if tag == "style"
        or "style" in given
        or any(name.startswith("on") for name in given)
        or (tag == "script" and given != {"type": "module", "src": "/doors/door.js"})
    ]
    assert inline == []
    assert ("html", {"lang": "en"}) in page.tags
    labelled = {given["for"] for tag, given in page.tags if tag == "label"}
    for form in page.forms:
        for name, each in form.attributes.items():
            if each["type"] == "hidden":
                continue
            assert each["id"] in labelled, name
            assert each["autocomplete"], name
            hint = each.get("aria-describedby")
            assert hint is None or any(other.get("id") == hint for _, other in page.tags)


async def test_the_fields_say_to_browsers_what_they_are_for(home: Home) -> None:
    browser = await home.browser()
    expected = {
        ("/sign-in", "address"): "username webauthn",
        ("/sign-in", "password"): "current-password",
        ("/sign-up", "address"): "username",
        ("/sign-up", "password"): "new-password",
        ("/reset/new", "password"): "new-password",
        ("/verify", "password"): "current-password",
    }
    for (path, name), autocomplete in expected.items():
        page = await browser.open(path)
        assert page.form(path).attributes[name]["autocomplete"] == autocomplete


async def test_the_script_and_the_style_are_served_with_their_own_types(home: Home) -> None:
    client = (await home.browser()).http
    for name, kind in {
        "door.js": "text/javascript; charset=utf-8",
        "style.css": "text/css; charset=utf-8",
        "icon.svg": "image/svg+xml",
    }.items():
        answer = await client.get(f"/doors/{name}")
        assert answer.headers["content-type"] == kind
        assert len(answer.content) < 6000
    assert (await client.get("/doors/base.html")).status_code == 404
    assert (await client.get("/doors/%2e%2e/graphiql_page.py")).status_code == 404


# How the installation is set up


@pytest.mark.asyncio(loop_scope="function")
async def test_an_invite_lets_one_person_in(tmp_path: Path) -> None:
    async with home_at(tmp_path, KEYSTEWARD_SIGN_UP="invite") as home:
        invite = await invite_to(home.house)
        browser = await home.browser()
        page = await browser.open("/sign-up")
        typed = {"address": "x@example.com", "password": PASSWORD}
        page = await browser.fill(page, "/sign-up", ticket="", **typed)
        assert page.status == 403
        assert page.form("/sign-up").attributes["ticket"]["aria-invalid"] == "true"
        page = await browser.fill(
            page, "/sign-up", ticket=f"{home.house.url}/sign-up#{invite}", **typed
        )
        # An address ends in an empty fragment, or the browser would take the invite along.
        assert page.answer.headers["location"] == "/sign-in#"
        second = await home.browser()
        page = await second.open("/sign-up")
        typed = {"address": "y@example.com", "password": PASSWORD}
        page = await second.fill(page, "/sign-up", ticket=invite, **typed)
        assert page.status == 403
        assert invite not in said(browser) + said(second)


@pytest.mark.asyncio(loop_scope="function")
async def test_where_sign_up_is_closed_no_form_is_shown_and_none_is_taken(tmp_path: Path) -> None:
    async with home_at(tmp_path, KEYSTEWARD_SIGN_UP="closed", KEYSTEWARD_GRAPHIQL="off") as home:
        browser = await home.browser()
        assert (await browser.open("/sign-up")).forms == []
        page = await browser.open("/sign-in")
        assert not any(link.startswith(("/sign-up", "/graphiql")) for link in page.links)
        typed = {"address": "x@example.com", "password": PASSWORD}
        page = await browser.send("/sign-up", typed)
        assert page.status == 403
        assert "no new accounts" in page.alert
        assert (await browser.open("/")).answer.headers["location"] == "/dashboard"
        assert (await browser.open("/graphiql")).status == 404


@pytest.mark.asyncio(loop_scope="function")
async def test_behind_https_the_cookies_are_bound_to_the_host(tmp_path: Path) -> None:
    url = "https://keys.example.com"
    async with home_at(tmp_path, KEYSTEWARD_PUBLIC_URL=url) as home:
        browser = await home.browser()
        typed = {"address": "x@example.com", "password": PASSWORD}
        page = await browser.send("/sign-up", typed, {"origin": url})
        cookies = put_cookies(page.answer)
        assert cookies.keys() == {"__Host-keysteward", "__Host-keysteward-device"}
        for given in cookies.values():
            assert {"secure", "httponly"} <= given.keys()
            assert (given["path"], given["samesite"]) == ("/", "lax")
            assert "domain" not in given
        assert "max-age" not in cookies["__Host-keysteward"]
        assert "max-age=63072000" in page.answer.headers["strict-transport-security"]
        for origin in (home.house.url, "https://127.0.0.1", "http://keys.example.com"):
            page = await browser.send("/sign-in", typed, {"origin": origin})
            assert page.status == 403


async def test_on_this_machine_it_may_be_called_by_either_name(home: Home) -> None:
    port = httpx.URL(home.house.url).port
    browser = await home.browser()
    headers = {"host": f"localhost:{port}", "origin": f"http://localhost:{port}"}
    page = await browser.send("/reset", {"address": "x@example.com"}, headers)
    assert page.status == 200
