"""Sign-in with GitHub: its API says who came, and the token that asked it is not left behind."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.errors import IdentityRefused
from accounts.far_side import LARGEST_ANSWER, Http, make_client
from accounts.github import API, WEB, GitHub
from accounts.identity_kind import IdentityKind
from accounts.other_side import Elsewhere, Identified
from tests.kit.fake_github import ADDRESSES, BACK, CLIENT, SECRET, FakeGitHub, fake_github
from tests.kit.loopback_http import Asked, said

TOKEN = "/login/oauth/access_token"
REVOKE = f"/applications/{CLIENT}/token"
PLACES = (TOKEN, "/user", "/user/emails")
OF_PEOPLE = ("id", "login", "email", "primary", "verified")
OF_TOKENS = ("access_token", "token_type", "error")
GARBAGE = (b"", b"<html>", b"null", b"[]", b"7", b"{}", b"[" * 100_000, b'{"id":"583231"}')


@pytest.fixture
async def fake() -> AsyncIterator[FakeGitHub]:
    async with fake_github() as served:
        yield served


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with make_client(verify=False) as client:
        yield client


@pytest.fixture
def github(fake: FakeGitHub, http: Http) -> GitHub:
    return GitHub(CLIENT, SECRET, web=fake.url, api=fake.url, http=http)


async def signed_in(
    github: GitHub, fake: FakeGitHub, *, again: bool = False, **changed: str | None
) -> Identified:
    begun = await github.begin(BACK, again=again)
    return await github.finish(begun.facts, fake.comes_back(begun, **changed))


async def refused(github: GitHub, fake: FakeGitHub, **changed: str | None) -> str:
    """Sign in, be refused, and give the sentence: which repeats nothing that was sent."""
    begun = await github.begin(BACK, again=False)
    query = fake.comes_back(begun, **changed)
    with pytest.raises(IdentityRefused) as raised:
        await github.finish(begun.facts, query)
    sentence = str(raised.value)
    assert raised.value.__cause__ is None
    assert "://" not in sentence
    for secret in (SECRET, *query.values(), *begun.facts.values(), *fake.given):
        assert len(secret) < 4 or secret not in sentence
    return sentence


def _says(document: Any, *lines: bytes, status: bytes = b"200 OK") -> Any:
    async def answered(_: Asked) -> bytes:
        return said(document, *lines, status=status)

    return answered


class TestSigningIn:
    async def test_github_says_who_it_is(self, github: GitHub, fake: FakeGitHub) -> None:
        who = await signed_in(github, fake)
        assert who.kind is IdentityKind.GITHUB
        assert who.subject == f"{fake.url} 583231"
        assert (who.name, who.address) == ("ada", "ada@example.com")
        assert who.address_is_verified
        assert who.authenticated_at is None

    async def test_it_is_one_of_the_ways_to_sign_in(self, github: GitHub) -> None:
        elsewhere: Elsewhere = github
        assert (elsewhere.kind, elsewhere.name) == (IdentityKind.GITHUB, "GitHub")

    async def test_at_github_itself_it_goes_to_github(self) -> None:
        github = GitHub(CLIENT, SECRET)
        begun = await github.begin(BACK, again=False)
        assert begun.url.startswith("https://github.com/login/oauth/authorize?")
        assert begun.facts["issuer"] == "https://github.com/login/oauth"
        assert github._api == "https://api.github.com"
        await github.close()

    async def test_every_sign_in_has_its_own_state_and_verifier(self, github: GitHub) -> None:
        begun = [await github.begin(BACK, again=False) for _ in range(3)]
        for name in ("state", "verifier"):
            values = {each.facts[name] for each in begun}
            assert len(values) == 3
            assert all(re.fullmatch(r"[\w-]{43}", value) for value in values)
        assert "nonce" not in begun[0].facts
        assert all(begun[0].facts["verifier"] not in each.url for each in begun)

    async def test_again_shows_the_account_picker_for_that_is_all_there_is(
        self, github: GitHub, fake: FakeGitHub
    ) -> None:
        for again in (True, False):
            begun = await github.begin(BACK, again=again)
            asked = dict(parse_qsl(urlsplit(begun.url).query))
            assert asked.get("prompt") == ("select_account" if again else None)
            assert not {"max_age", "nonce"} & asked.keys()
        assert (await signed_in(github, fake, again=True)).authenticated_at is None

    async def test_who_renames_themselves_stays_who_they_are(
        self, github: GitHub, fake: FakeGitHub
    ) -> None:
        before = await signed_in(github, fake)
        fake.user["login"] = "countess"
        after = await signed_in(github, fake)
        assert (before.name, after.name) == ("ada", "countess")
        assert before.subject == after.subject

    async def test_who_takes_a_login_that_was_given_up_is_somebody_else(
        self, github: GitHub, fake: FakeGitHub
    ) -> None:
        before = await signed_in(github, fake)
        fake.user["id"] = 7
        after = await signed_in(github, fake)
        assert before.name == after.name
        assert before.subject != after.subject

    async def test_an_enterprise_server_has_its_own_people(self, http: Http) -> None:
        async with fake_github("/api/v3") as fake:
            github = GitHub(
                CLIENT, SECRET, web=f"{fake.url}/", api=f"{fake.url}/api/v3/", http=http
            )
            assert (await signed_in(github, fake)).subject == f"{fake.url} 583231"
            assert not fake.alive

    async def test_an_enterprise_server_may_call_itself_something_else(
        self, fake: FakeGitHub, http: Http
    ) -> None:
        issuer = "https://github.example.com/issuer"
        github = GitHub(CLIENT, SECRET, web=fake.url, api=fake.url, issuer=issuer, http=http)
        await signed_in(github, fake, iss=issuer)
        assert "somebody else" in await refused(github, fake)

    def test_an_address_that_is_not_https_is_none(self) -> None:
        for web, api in (("http://github.com", API), (WEB, "http://api.github.com"), ("", API)):
            with pytest.raises(ValueError, match="https"):
                GitHub(CLIENT, SECRET, web=web, api=api)

    async def test_neither_secrets_nor_who_they_are_of_have_a_text_form_or_are_logged(
        self, github: GitHub, fake: FakeGitHub, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        begun = await github.begin(BACK, again=False)
        query = fake.comes_back(begun)
        who = await github.finish(begun.facts, query)
        shown = f"{github!r} {github._far!r} {begun!r} {who!r} {caplog.text}"
        assert "/user/emails" in shown
        for secret in (SECRET, "ada@", query["code"], begun.facts["verifier"], *fake.given):
            assert secret not in shown


class TestAddresses:
    async def test_an_unverified_primary_address_is_none(
        self, github: GitHub, fake: FakeGitHub
    ) -> None:
        for value in (False, None, "true", 1):
            fake.addresses = [ADDRESSES[0], {**ADDRESSES[1], "verified": value}]
            who = await signed_in(github, fake)
            assert (who.address, who.address_is_verified) == (None, False)
            assert who.name == "ada"

    async def test_a_verified_address_that_is_not_the_primary_one_is_none(
        self, github: GitHub, fake: FakeGitHub
    ) -> None:
        for value in (False, None, "true", 1):
            fake.addresses = [ADDRESSES[0], {**ADDRESSES[1], "primary": value}]
            assert (await signed_in(github, fake)).address is None

    async def test_no_address_at_all_is_none(self, github: GitHub, fake: FakeGitHub) -> None:
        fake.addresses = []
        assert (await signed_in(github, fake)).address is None

    async def test_the_profiles_address_is_not_believed(
        self, github: GitHub, fake: FakeGitHub
    ) -> None:
        fake.user["email"] = "bob@example.com"
        fake.addresses = []
        assert (await signed_in(github, fake)).address is None

    @pytest.mark.parametrize("status", [b"403 Forbidden", b"404 Not Found"])
    async def test_addresses_that_are_not_shown_are_none(
        self, github: GitHub, fake: FakeGitHub, status: bytes
    ) -> None:
        fake.answers["/user/emails"] = _says({"message": "…"}, status=status)
        assert (await signed_in(github, fake)).address is None

    @pytest.mark.parametrize("value", [None, 7, "", "ada", "@", "a@\n", "a" * 250 + "@b.de", []])
    async def test_what_is_no_address_is_none(
        self, github: GitHub, fake: FakeGitHub, value: object
    ) -> None:
        fake.addresses = [{**ADDRESSES[1], "email": value}]
        who = await signed_in(github, fake)
        assert (who.address, who.address_is_verified) == (None, False)


class TestTheToken:
    async def test_it_is_revoked_when_all_is_known(self, github: GitHub, fake: FakeGitHub) -> None:
        await signed_in(github, fake)
        assert len(fake.given) == 1
        assert not fake.alive
        assert fake.asked[-1].path == REVOKE

    @pytest.mark.parametrize("path", ["/user", "/user/emails"])
    async def test_it_is_revoked_when_it_was_of_no_use(
        self, github: GitHub, fake: FakeGitHub, path: str
    ) -> None:
        fake.answers[path] = _says({}, status=b"500 Internal Server Error")
        await refused(github, fake)
        assert len(fake.given) == 1
        assert not fake.alive

    @pytest.mark.parametrize("status", [b"404 Not Found", b"422 Unprocessable", b"500 Broken"])
    async def test_one_that_can_not_be_revoked_keeps_nobody_out(
        self, github: GitHub, fake: FakeGitHub, status: bytes
    ) -> None:
        fake.answers[REVOKE] = _says(b"<html>", status=status)
        assert (await signed_in(github, fake)).name == "ada"

    async def test_nobody_there_to_revoke_it_keeps_nobody_out_either(
        self, github: GitHub, fake: FakeGitHub
    ) -> None:
        async def hung_up(asked: Asked) -> bytes:
            asked.writer.close()
            return b""

        fake.answers[REVOKE] = hung_up
        assert (await signed_in(github, fake)).name == "ada"

    async def test_it_is_in_no_address(self, github: GitHub, fake: FakeGitHub) -> None:
        await signed_in(github, fake)
        assert not any(fake.given[0] in asked.target for asked in fake.asked)


class TestTheWayBack:
    @pytest.mark.parametrize("state", [None, "", "another", "ä", "\ud800"])
    async def test_another_state_is_refused_and_the_code_not_used(
        self, github: GitHub, fake: FakeGitHub, state: str | None
    ) -> None:
        assert "not begun in this browser" in await refused(github, fake, state=state)
        assert not fake.asked

    async def test_what_was_begun_at_google_is_not_finished_here(
        self, github: GitHub, fake: FakeGitHub
    ) -> None:
        begun = await github.begin(BACK, again=False)
        query = fake.comes_back(begun)
        with pytest.raises(IdentityRefused, match="not begun in this browser"):
            await github.finish({**begun.facts, "issuer": "https://accounts.google.com"}, query)

    async def test_an_answer_of_another_issuer_is_refused(
        self, github: GitHub, fake: FakeGitHub
    ) -> None:
        for issuer in ("https://accounts.google.com", "https://github.com/login/oauth", ""):
            assert "somebody else" in await refused(github, fake, iss=issuer)
        assert not fake.asked

    async def test_an_older_server_names_no_issuer(self, github: GitHub, fake: FakeGitHub) -> None:
        assert (await signed_in(github, fake, iss=None)).name == "ada"

    async def test_who_says_no_has_cancelled(self, github: GitHub, fake: FakeGitHub) -> None:
        how = {"error": "access_denied", "code": None}
        assert await refused(github, fake, **how) == "The sign-in with GitHub was cancelled."
        assert "cancelled" in await refused(github, fake, error="application_suspended")
        assert not fake.asked

    async def test_a_code_is_good_once(self, github: GitHub, fake: FakeGitHub) -> None:
        begun = await github.begin(BACK, again=False)
        query = fake.comes_back(begun)
        await github.finish(begun.facts, query)
        # GitHub says so with status 200.
        with pytest.raises(IdentityRefused, match="used already"):
            await github.finish(begun.facts, query)

    async def test_a_stolen_code_is_good_for_nobody_without_the_verifier(
        self, github: GitHub, fake: FakeGitHub
    ) -> None:
        stolen = fake.comes_back(await github.begin(BACK, again=False))
        other = await github.begin(BACK, again=False)
        with pytest.raises(IdentityRefused, match="used already"):
            await github.finish(other.facts, {**stolen, "state": other.facts["state"]})

    async def test_wrong_credentials_of_ours_are_told_as_the_operators(
        self, fake: FakeGitHub, http: Http
    ) -> None:
        github = GitHub(CLIENT, "another", web=fake.url, api=fake.url, http=http)
        assert "operator" in await refused(github, fake)


class TestTheFarSide:
    @pytest.mark.parametrize("path", PLACES)
    async def test_no_redirect_is_followed(
        self, github: GitHub, fake: FakeGitHub, path: str
    ) -> None:
        location = b"location: " + fake.url.encode() + b"/elsewhere"
        fake.answers[path] = _says({}, location, status=b"301 Moved Permanently")
        assert "as it should" in await refused(github, fake)
        assert not any(asked.path == "/elsewhere" for asked in fake.asked)

    @pytest.mark.parametrize("path", PLACES)
    async def test_more_than_a_mebibyte_is_not_read(
        self, github: GitHub, fake: FakeGitHub, path: str
    ) -> None:
        fake.answers[path] = _says(b" " * (LARGEST_ANSWER + 1))
        assert "as it should" in await refused(github, fake)

    @pytest.mark.parametrize("path", PLACES)
    async def test_who_says_nothing_is_not_waited_for(
        self, fake: FakeGitHub, http: Http, path: str
    ) -> None:
        async def silent(_: Asked) -> bytes:
            await asyncio.Event().wait()
            raise AssertionError

        fake.answers[path] = silent
        github = GitHub(CLIENT, SECRET, web=fake.url, api=fake.url, http=http, seconds=0.1)
        assert "could not be reached" in await refused(github, fake)

    @pytest.mark.parametrize("path", [TOKEN, "/user"])
    async def test_garbage_is_refused(self, github: GitHub, fake: FakeGitHub, path: str) -> None:
        for body in GARBAGE:
            fake.answers[path] = _says(body)
            assert "as it should" in await refused(github, fake), body

    @pytest.mark.parametrize("path", PLACES)
    async def test_an_answer_in_a_body_of_another_status_is_none(
        self, github: GitHub, fake: FakeGitHub, path: str
    ) -> None:
        async def answered(asked: Asked) -> bytes:
            del fake.answers[path]
            return (await fake(asked)).replace(b"200 OK", b"500 Internal Server Error", 1)

        fake.answers[path] = answered
        assert "as it should" in await refused(github, fake)

    @pytest.mark.parametrize(
        "value", [None, "583231", 0, -1, True, 1.5, 1 << 63, [583231], {"id": 583231}]
    )
    async def test_what_is_no_id_is_refused(
        self, github: GitHub, fake: FakeGitHub, value: object
    ) -> None:
        fake.user["id"] = value
        assert "as it should" in await refused(github, fake)

    @pytest.mark.parametrize("value", [None, 7, "", "a\nb", "a" * 300, [], "\u202eada"])
    async def test_a_login_that_can_not_be_shown_is_the_id(
        self, github: GitHub, fake: FakeGitHub, value: object
    ) -> None:
        fake.user["login"] = value
        assert (await signed_in(github, fake)).name == "583231"

    @pytest.mark.parametrize("token", [None, 7, "", "a b", "a\r\nx: y", "ä", "a" * 8193, []])
    async def test_what_can_be_no_token_is_sent_nowhere(
        self, github: GitHub, fake: FakeGitHub, token: object
    ) -> None:
        fake.token = {"access_token": token}
        assert "as it should" in await refused(github, fake)
        assert [asked.path for asked in fake.asked] == [TOKEN]

    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        path=st.sampled_from(PLACES),
        status=st.sampled_from([b"200 OK", b"400 Bad Request", b"404 Not Found"]),
        document=st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "id",
                            "login",
                            "email",
                            "primary",
                            "verified",
                            "access_token",
                            "token_type",
                            "error",
                        ]
                    ),
                    inner | st.sampled_from(["bearer", "a@b.de"]),
                    max_size=6,
                )
            ),
            max_leaves=12,
        ),
    )
    async def test_whatever_a_document_says_there_is_somebody_or_a_refusal(
        self, github: GitHub, fake: FakeGitHub, path: str, status: bytes, document: Any
    ) -> None:
        fake.answers = {path: _says(document, status=status)}
        try:
            who = await signed_in(github, fake)
        except IdentityRefused:
            return
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+ [1-9]\d*", who.subject)
        assert who.name
        assert (who.address is not None) is who.address_is_verified
        assert not fake.alive
