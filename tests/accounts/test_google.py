"""Sign-in with Google: only what Google itself has signed, for us, in answer to us, is believed."""

import asyncio
import hashlib
import hmac
import json
import logging
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.errors import IdentityRefused
from accounts.far_side import (
    LARGEST_ANSWER,
    Http,
    Said,
    is_address,
    make_client,
)
from accounts.google import FRESH_FOR, ISSUER, Google
from accounts.identity_kind import IdentityKind
from accounts.oauth import code_of
from accounts.other_side import Begun, Elsewhere, Identified
from store.clock import DAY, MINUTE, SECOND, system_clock
from tests.kit.clock import MovedClock
from tests.kit.hostile_google import (
    BACK,
    CLIENT,
    SECRET,
    HostileGoogle,
    base64url,
    by_hand,
    ec,
    hostile_google,
    public,
    rsa,
    signed,
)
from tests.kit.loopback_http import Asked, said

CONFIGURATION = "/.well-known/openid-configuration"


@pytest.fixture
async def provider(clock: MovedClock) -> AsyncIterator[HostileGoogle]:
    async with hostile_google(clock) as served:
        yield served


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    """The client that is ours, but for the authorities' certificates: to read them takes 20 ms."""
    async with make_client(verify=False) as client:
        yield client


@pytest.fixture
def google(provider: HostileGoogle, clock: MovedClock, http: Http) -> Google:
    return Google(CLIENT, SECRET, issuer=provider.url, clock=clock, http=http)


async def signed_in(
    google: Google, provider: HostileGoogle, *, again: bool = False, **changed: str | None
) -> Identified:
    begun = await google.begin(BACK, again=again)
    return await google.finish(begun.facts, provider.comes_back(begun, **changed))


async def refused(google: Google, provider: HostileGoogle, **how: Any) -> str:
    """Sign in, be refused, and give the sentence: which repeats nothing that was sent."""
    begun = await google.begin(BACK, again=how.pop("again", False))
    query = provider.comes_back(begun, **how)
    with pytest.raises(IdentityRefused) as raised:
        await google.finish(begun.facts, query)
    sentence = str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    assert "://" not in sentence
    for secret in (SECRET, *query.values(), *begun.facts.values()):
        assert len(secret) < 4 or secret not in sentence
    return sentence


def asked_of(begun: Begun) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(begun.url).query))


class TestSigningIn:
    async def test_google_says_who_it_is(self, google: Google, provider: HostileGoogle) -> None:
        who = await signed_in(google, provider)
        assert who.kind is IdentityKind.GOOGLE
        assert who.subject == f"{provider.url} 110169484474386276334"
        assert (who.name, who.address) == ("ada@example.com", "ada@example.com")
        assert who.address_is_verified
        assert who.authenticated_at is None

    async def test_it_is_one_of_the_ways_to_sign_in(self, google: Google) -> None:
        elsewhere: Elsewhere = google
        assert (elsewhere.kind, elsewhere.name) == (IdentityKind.GOOGLE, "Google")

    async def test_every_sign_in_has_its_own_state_nonce_and_verifier(self, google: Google) -> None:
        begun = [await google.begin(BACK, again=False) for _ in range(3)]
        for name in ("state", "nonce", "verifier"):
            values = {each.facts[name] for each in begun}
            assert len(values) == 3
            assert all(re.fullmatch(r"[\w-]{43}", value) for value in values)  # 256 bits

    async def test_the_browser_carries_the_challenge_and_never_the_verifier(
        self, google: Google
    ) -> None:
        begun = await google.begin(BACK, again=False)
        asked = asked_of(begun)
        digest = hashlib.sha256(begun.facts["verifier"].encode()).digest()
        assert asked["code_challenge"] == base64url(digest)
        assert begun.facts["verifier"] not in begun.url
        assert SECRET not in begun.url
        assert asked["scope"] == "openid email"
        assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT, BACK)
        assert not {"prompt", "max_age", "claims"} & asked.keys()

    async def test_all_facts_are_texts(self, google: Google) -> None:
        begun = await google.begin(BACK, again=True)
        assert all(type(each) is str for pair in begun.facts.items() for each in pair)

    async def test_neither_secrets_nor_who_they_are_of_have_a_text_form(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        begun = await google.begin(BACK, again=False)
        who = await google.finish(begun.facts, provider.comes_back(begun))
        shown = f"{google!r} {google._far!r} {google._keys!r} {begun!r} {who!r}"
        for secret in (SECRET, "ada@", begun.facts["state"], begun.facts["verifier"]):
            assert secret not in shown

    async def test_neither_codes_nor_tokens_are_logged(
        self, google: Google, provider: HostileGoogle, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        begun = await google.begin(BACK, again=False)
        query = provider.comes_back(begun)
        await google.finish(begun.facts, query)
        assert "/token" in caplog.text
        for secret in (SECRET, query["code"], begun.facts["state"], begun.facts["verifier"]):
            assert secret not in caplog.text

    async def test_a_key_on_an_elliptic_curve_will_do(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.key = ec("curve")
        assert (await signed_in(google, provider)).subject.endswith("110169484474386276334")

    async def test_it_is_for_us_and_for_nobody_else_besides(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.claims = {"aud": [CLIENT]}
        assert (await signed_in(google, provider)).address == "ada@example.com"
        provider.claims = {"aud": [CLIENT, "another"]}
        assert "could not be verified" in await refused(google, provider)
        provider.without = {"azp"}
        assert "could not be verified" in await refused(google, provider)

    async def test_the_claims_that_may_be_absent_may(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.without = {"azp", "at_hash"}
        assert (await signed_in(google, provider)).address == "ada@example.com"

    async def test_clocks_may_differ_by_a_minute_and_no_more(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        now = clock() // SECOND
        for good, bad in (
            ({"iat": now + 60}, {"iat": now + 61}),
            ({"nbf": now + 60}, {"nbf": now + 61}),
            ({"exp": now - 59}, {"exp": now - 60}),
        ):
            provider.claims = good
            await signed_in(google, provider)
            provider.claims = bad
            assert "could not be verified" in await refused(google, provider)


class TestAddresses:
    @pytest.mark.parametrize("value", [False, "true", "false", 1, None, [True], "True"])
    async def test_only_true_itself_means_verified(
        self, google: Google, provider: HostileGoogle, value: object
    ) -> None:
        provider.claims = {"email_verified": value}
        who = await signed_in(google, provider)
        assert who.address == "ada@example.com"
        assert not who.address_is_verified

    async def test_an_address_not_said_to_be_verified_is_not(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.without = {"email_verified"}
        assert not (await signed_in(google, provider)).address_is_verified

    async def test_what_is_no_address_is_none(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        value: object
        long = "a" * 250 + "@b.de"
        for value in (None, 7, "", "@", "ada", "@a", "a@", "a@\n", "\ud800@b", long, []):
            provider.claims = {"email": value}
            who = await signed_in(google, provider)
            assert (who.address, who.address_is_verified) == (None, False)
            assert who.name == "110169484474386276334"


class TestAgain:
    async def test_google_is_asked_for_a_fresh_login(self, google: Google) -> None:
        asked = asked_of(await google.begin(BACK, again=True))
        assert asked["max_age"] == "0"
        assert (
            asked["prompt"] == "select_account"
        )  # Google's own answer to "login" is an error page
        assert asked["claims"] == '{"id_token":{"auth_time":{"essential":true}}}'

    async def test_who_lists_the_prompt_is_asked_to_log_in_anew(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.discovery = {"prompt_values_supported": ["none", "login"]}
        assert asked_of(await google.begin(BACK, again=True))["prompt"] == "login"

    async def test_a_login_of_the_last_five_minutes_is_fresh(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        provider.claims = {"auth_time": (clock() - FRESH_FOR) // SECOND}
        who = await signed_in(google, provider, again=True)
        assert who.authenticated_at == clock() - FRESH_FOR

    async def test_an_older_one_is_refused(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        provider.claims = {"auth_time": (clock() - FRESH_FOR) // SECOND - 1}
        assert "more than 5 minutes ago" in await refused(google, provider, again=True)

    async def test_it_is_good_enough_for_a_sign_in_that_asked_for_none(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        provider.claims = {"auth_time": (clock() - DAY) // SECOND}
        assert (await signed_in(google, provider)).authenticated_at == clock() - DAY

    async def test_without_a_time_nothing_is_claimed_about_it(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        assert (await signed_in(google, provider, again=True)).authenticated_at is None

    async def test_a_clock_ahead_by_a_minute_gives_no_time_to_come(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        provider.claims = {"auth_time": clock() // SECOND + 60}
        assert (await signed_in(google, provider, again=True)).authenticated_at == clock()
        provider.claims = {"auth_time": clock() // SECOND + 61}
        await refused(google, provider, again=True)

    @pytest.mark.parametrize("again", [True, False])
    async def test_what_is_no_time_is_refused(
        self, google: Google, provider: HostileGoogle, *, again: bool
    ) -> None:
        value: object
        for value in ("1700000000", True, False, None, 0, -1, [], {}, 10**30, float("nan"), 1e300):
            provider.claims = {"auth_time": value}
            await refused(google, provider, again=again)


def forged(key: bytes) -> Any:
    """Sign with HS256, and something that is not secret for a key."""

    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        unsigned = by_hand({**header, "alg": "HS256"}, claims).rpartition(".")[0]
        signature = hmac.new(key, unsigned.encode(), hashlib.sha256).digest()
        return f"{unsigned}.{base64url(signature)}"

    return sign


LIES: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "another"}},
    "an empty nonce": {"claims": {"nonce": ""}},
    "no nonce": {"without": {"nonce"}},
    "a nonce in a list": {"claims": {"nonce": ["another"]}},
    "another audience": {"claims": {"aud": "another"}},
    "no audience": {"without": {"aud"}},
    "an empty audience": {"claims": {"aud": []}},
    "an audience of numbers": {"claims": {"aud": [1]}},
    "another party": {"claims": {"azp": "another"}},
    "another issuer": {"claims": {"iss": "https://accounts.example.com"}},
    "the issuer with a slash": {"claims": {"iss": "SLASH"}},
    "a list of issuers": {"claims": {"iss": ["https://accounts.example.com"]}},
    "no issuer": {"without": {"iss"}},
    "no subject": {"without": {"sub"}},
    "an empty subject": {"claims": {"sub": ""}},
    "a number for a subject": {"claims": {"sub": 7}},
    "a subject with a space": {"claims": {"sub": "1 2"}},
    "a subject that does not print": {"claims": {"sub": "1\x00"}},
    "a subject beyond ASCII": {"claims": {"sub": "１"}},  # noqa: RUF001 - that is the lie
    "half a character for a subject": {"claims": {"sub": "\ud800"}},
    "a subject without end": {"claims": {"sub": "1" * 256}},
    "no end": {"without": {"exp"}},
    "an end long past": {"claims": {"exp": 1_600_000_000}},
    "an end that is no time": {"claims": {"exp": float("nan")}},
    "an end in words": {"claims": {"exp": "2100-01-01"}},
    "a beginning to come": {"claims": {"nbf": 1_700_009_999}},
    "no time of issue": {"without": {"iat"}},
    "a time of issue to come": {"claims": {"iat": 1_700_009_999}},
    "true for a time of issue": {"claims": {"iat": True}},
    "another access token": {"claims": {"at_hash": base64url(bytes(16))}},
    "an empty hash": {"claims": {"at_hash": ""}},
    "zero for a hash": {"claims": {"at_hash": 0}},
    "the algorithm none": {"sign": lambda h, c: by_hand({**h, "alg": "none"}, c)},
    "the algorithm none, and no hash that would need one": {
        "sign": lambda h, c: by_hand({**h, "alg": "none"}, c),
        "without": {"at_hash"},
    },
    "the algorithm None": {"sign": lambda h, c: by_hand({**h, "alg": "None"}, c)},
    "no signature": {"sign": by_hand},
    "no header": {"sign": lambda _, c: by_hand({}, c)},
    "a signature of zeros": {"sign": lambda h, c: by_hand(h, c, bytes(256))},
    "the client secret for a key": {"sign": forged(SECRET.encode())},
    "the public key for a secret": {"sign": forged(rsa("first").as_pem(private=False))},
    "the modulus for a secret": {"sign": forged(str(rsa("first").as_dict()["n"]).encode())},
    "a list for a token": {"token": {"id_token": ["a", "b"]}},
    "no token": {"token": {"id_token": None}},
    "a word for a token": {"token": {"id_token": "a.b"}},
    "a token without end": {"token": {"id_token": "a" * 20_000}},
    "a good token that is too long": {"claims": {"name": "a" * 20_000}},
    "a token beyond ASCII": {"token": {"id_token": "ä.ö.ü"}},
    "an encrypted token": {"token": {"id_token": "a.b.c.d.e"}},
    "a payload that is no object": {"sign": lambda h, _: by_hand(h, [1])},
    "a payload without end": {
        "token": {"id_token": f"e30.{base64url(b'[' * 9_000)}.AA"},
    },
    "something critical": {"sign": lambda h, c: by_hand({**h, "crit": ["x"], "x": 1}, c)},
}


class TestLies:
    # For joserfc the algorithm none is a reason to warn; as an error that would refuse it for us.
    @pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
    @pytest.mark.parametrize("lie", LIES)
    async def test_a_token_with_one_thing_wrong_is_refused(
        self, google: Google, provider: HostileGoogle, lie: str
    ) -> None:
        for name, value in LIES[lie].items():
            setattr(provider, name, value)
        if provider.claims.get("iss") == "SLASH":
            provider.claims = {"iss": f"{provider.url}/"}
        assert "could not be verified" in await refused(google, provider)

    async def test_facts_without_a_nonce_fit_no_token(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        for lie in ({"claims": {"nonce": ""}}, {"without": {"nonce"}}):
            for name, value in lie.items():
                setattr(provider, name, value)
            begun = await google.begin(BACK, again=False)
            facts = {name: value for name, value in begun.facts.items() if name != "nonce"}
            with pytest.raises(IdentityRefused, match="could not be verified"):
                await google.finish(facts, provider.comes_back(begun))

    async def test_keys_without_end_are_not_read(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.keys = {"keys": [public(rsa("first"))] * 101}
        assert "as it should" in await refused(google, provider)

    async def test_another_key_of_the_same_name_is_refused(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.keys = {"keys": [public(rsa("second"), kid="first")]}
        assert "could not be verified" in await refused(google, provider)

    async def test_another_of_its_keys_by_name_is_refused(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.keys = {"keys": [public(rsa("first")), public(rsa("second"))]}
        provider.header = {"kid": "second"}
        assert "could not be verified" in await refused(google, provider)

    async def test_a_key_that_the_token_brings_along_is_not_used(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.keys = {"keys": [public(rsa("first"))]}
        provider.key = ec("first")
        provider.header = {"jwk": public(ec("first"))}
        assert "could not be verified" in await refused(google, provider)

    async def test_a_token_without_a_name_of_its_key_needs_that_there_is_only_one(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        provider.sign = _without_kid
        await signed_in(google, provider)
        clock.forward(seconds=3600)
        provider.keys = {"keys": [public(rsa("first")), public(rsa("second"))]}
        assert "could not be verified" in await refused(google, provider)

    @pytest.mark.parametrize(
        "row",
        [
            {"use": "enc"},
            {"alg": "RS512"},
            {"alg": "HS256"},
            {"kty": "oct", "k": base64url(SECRET.encode())},
            {"kty": ["RSA"]},
            {"key_ops": 7, "use": "evil"},
            {"n": 7},
            {"e": "AQ=="},
            {"kid": {}},
        ],
    )
    async def test_a_key_that_is_not_for_signatures_is_not_used(
        self, google: Google, provider: HostileGoogle, row: dict[str, Any]
    ) -> None:
        provider.keys = {"keys": [public(rsa("first"), **row), public(rsa("second")), None, 7]}
        await refused(google, provider)

    async def test_private_parts_of_a_key_are_not_read(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.keys = {"keys": [rsa("first").as_dict(private=True)]}
        await signed_in(google, provider)
        assert not any(key.is_private for key in google._keys._keys)

    @pytest.mark.filterwarnings("ignore:Key size")  # for joserfc that is a reason to warn only
    async def test_a_key_that_can_be_factored_is_not_used(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.key = rsa("short", 1024)
        assert "as it should" in await refused(google, provider)

    async def test_a_curve_that_the_algorithm_does_not_have_is_not_used(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.keys = {"keys": [public(ec("curve", "P-384"))]}
        provider.key = ec("curve")
        assert "could not be verified" in await refused(google, provider)


def _without_kid(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return signed({"alg": header["alg"]}, claims, rsa("first"))


class TestTheWayBack:
    @pytest.mark.parametrize("state", [None, "", "another", "ä", "\ud800"])
    async def test_another_state_is_refused_and_the_code_not_used(
        self, google: Google, provider: HostileGoogle, state: str | None
    ) -> None:
        assert "not begun in this browser" in await refused(google, provider, state=state)
        assert provider.count("/token") == 0

    async def test_facts_without_a_state_are_good_for_nothing(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        query = provider.comes_back(await google.begin(BACK, again=False), state="")
        for facts in ({}, {"state": "", "issuer": provider.url}, {"issuer": provider.url}):
            with pytest.raises(IdentityRefused):
                await google.finish(facts, query)
        assert provider.count("/token") == 0

    async def test_what_was_begun_at_another_provider_is_not_finished_here(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        begun = await google.begin(BACK, again=False)
        query = provider.comes_back(begun)
        with pytest.raises(IdentityRefused, match="not begun in this browser"):
            await google.finish({**begun.facts, "issuer": "https://github.com/login/oauth"}, query)

    @pytest.mark.parametrize("issuer", ["https://evil.example", "", "https://accounts.google.com"])
    async def test_an_answer_of_another_issuer_is_refused_and_the_code_not_used(
        self, google: Google, provider: HostileGoogle, issuer: str
    ) -> None:
        assert "somebody else" in await refused(google, provider, iss=issuer)
        assert provider.count("/token") == 0

    async def test_an_answer_without_its_issuer_is_good_only_of_who_never_names_it(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        await signed_in(google, provider, iss=None)
        provider.discovery = {"authorization_response_iss_parameter_supported": True}
        clock.forward(seconds=3600)
        assert "somebody else" in await refused(google, provider, iss=None)
        await signed_in(google, provider)

    async def test_who_says_no_at_google_has_cancelled(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        how = {"error": "access_denied", "code": None}
        assert await refused(google, provider, **how) == "The sign-in with Google was cancelled."
        how = {"error": "server_error", "error_description": "<script>"}
        assert "cancelled" in await refused(google, provider, **how)
        assert provider.count("/token") == 0

    @pytest.mark.parametrize("code", [None, "", "a\nb", "ä", "\ud800", "c" * 4097])
    async def test_what_can_be_no_code_is_not_sent(
        self, google: Google, provider: HostileGoogle, code: str | None
    ) -> None:
        assert "no code" in await refused(google, provider, code=code)
        assert provider.count("/token") == 0

    async def test_a_code_is_good_once(self, google: Google, provider: HostileGoogle) -> None:
        begun = await google.begin(BACK, again=False)
        query = provider.comes_back(begun)
        await google.finish(begun.facts, query)
        with pytest.raises(IdentityRefused, match="used already"):
            await google.finish(begun.facts, query)

    async def test_a_stolen_code_is_good_for_nobody_without_the_verifier(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        stolen = provider.comes_back(await google.begin(BACK, again=False))
        other = await google.begin(BACK, again=False)
        with pytest.raises(IdentityRefused, match="used already"):
            await google.finish(other.facts, {**stolen, "state": other.facts["state"]})

    async def test_a_wrong_client_secret_is_told_as_the_operators(
        self, provider: HostileGoogle, clock: MovedClock, http: Http
    ) -> None:
        google = Google(CLIENT, "another", issuer=provider.url, clock=clock, http=http)
        assert "operator" in await refused(google, provider)

    @settings(max_examples=80)
    @given(
        query=st.dictionaries(
            st.sampled_from(["state", "iss", "error", "code"]) | st.text(max_size=5),
            st.text(max_size=20) | st.sampled_from(["right", "https://right.example"]),
        ),
        says_issuer=st.booleans(),
    )
    def test_whatever_the_browser_brings_there_is_a_code_or_a_refusal(
        self, query: dict[str, str], *, says_issuer: bool
    ) -> None:
        facts = {"state": "right", "issuer": "https://right.example"}
        try:
            code = code_of(
                facts, query, name="X", issuer="https://right.example", says_issuer=says_issuer
            )
        except IdentityRefused:
            return
        assert (query["state"], query["code"]) == ("right", code)
        assert query.get("iss", "https://right.example") == "https://right.example"
        assert "error" not in query
        assert "iss" in query or not says_issuer


class TestDiscovery:
    @pytest.mark.parametrize("issuer", ["https://accounts.example.com", "", None, 7, "SLASH"])
    async def test_a_document_of_another_issuer_is_refused(
        self, google: Google, provider: HostileGoogle, issuer: object
    ) -> None:
        provider.discovery = {"issuer": f"{provider.url}/" if issuer == "SLASH" else issuer}
        with pytest.raises(IdentityRefused, match="as it should"):
            await google.begin(BACK, again=False)

    @pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
    async def test_an_address_that_is_not_https_is_refused(
        self, google: Google, provider: HostileGoogle, name: str
    ) -> None:
        value: object
        for value in (None, "", 7, "http://example.com/x", "ftp://127.0.0.1/", "//127.0.0.1/", []):
            provider.discovery = {name: value}
            with pytest.raises(IdentityRefused, match="as it should"):
                await google.begin(BACK, again=False)

    @pytest.mark.parametrize(
        ("text", "off_loopback", "on_loopback"),
        [
            ("https://accounts.google.com", True, True),
            ("https://accounts.google.com:8443/x?y", True, True),
            ("http://accounts.google.com", False, False),
            ("http://127.0.0.1:80/x", False, True),
            ("http://[::1]:80/x", False, True),
            ("http://localhost/x", False, True),
            ("http://localhost.example.com/x", False, False),
            ("http://127.0.0.1.example.com/x", False, False),
            ("http://127.0.0.1@example.com/x", False, False),
            ("https://google.com@example.com/x", False, False),
            ("https://example.com\\@google.com/x", False, False),
            ("https://example.com\\.google.com/", False, False),
            ("https://example.com/\\google.com/", False, False),
            ("https://example.com/#x", False, False),
            ("https://example.com/ x", False, False),
            ("https://example.com/\n", False, False),
            ("https://exämple.com/", False, False),
            ("https://example.com:99999/", False, False),
            ("https://", False, False),
            ("https://[::1/", False, False),
        ],
    )
    def test_secrets_go_to_https_alone_and_to_who_they_seem_to(
        self, text: str, *, off_loopback: bool, on_loopback: bool
    ) -> None:
        assert is_address(text, loopback=False) is off_loopback
        assert is_address(text, loopback=True) is on_loopback

    @pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
    async def test_an_issuer_out_there_can_not_have_us_call_this_machine(self, name: str) -> None:
        document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/o/oauth2/v2/auth",
            "token_endpoint": "https://oauth2.googleapis.com/token",
            "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
        }
        asked: list[str] = []

        def answered(request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            return httpx.Response(200, stream=httpx.ByteStream(json.dumps(document).encode()))

        async with make_client(transport=httpx.MockTransport(answered)) as http:
            begun = await Google(CLIENT, SECRET, http=http).begin(BACK, again=False)
            assert begun.url.startswith(f"{ISSUER}/o/oauth2/v2/auth?")
            document[name] = "http://127.0.0.1:8000/"
            with pytest.raises(IdentityRefused, match="as it should"):
                await Google(CLIENT, SECRET, http=http).begin(BACK, again=False)
        assert asked == [ISSUER + CONFIGURATION] * 2

    def test_an_issuer_that_is_not_https_is_no_issuer(self) -> None:
        with pytest.raises(ValueError, match="https"):
            Google(CLIENT, SECRET, issuer="http://accounts.google.com")

    async def test_an_issuer_with_a_path_is_asked_beneath_it(
        self, provider: HostileGoogle, clock: MovedClock, http: Http
    ) -> None:
        issuer = f"{provider.url}/house/"
        google = Google(CLIENT, SECRET, issuer=issuer, clock=clock, http=http)
        document = {**provider._document(), "issuer": issuer}
        provider.answers[f"/house{CONFIGURATION}"] = _says(document)
        assert (await google.begin(BACK, again=False)).facts["issuer"] == issuer


def _says(document: Any, *lines: bytes, status: bytes = b"200 OK") -> Any:
    async def answered(_: Asked) -> bytes:
        return said(document, *lines, status=status)

    return answered


class TestKeeping:
    async def test_documents_are_fetched_once_for_as_long_as_they_say(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        for _ in range(3):
            await signed_in(google, provider)
        clock.forward(seconds=3599)
        await signed_in(google, provider)
        assert (provider.count(CONFIGURATION), provider.count("/keys")) == (1, 1)
        clock.forward(seconds=1)
        await signed_in(google, provider)
        assert (provider.count(CONFIGURATION), provider.count("/keys")) == (2, 2)

    @pytest.mark.parametrize(
        ("said", "kept"),
        [
            ("public, max-age=3600, must-revalidate", 3600 * SECOND),
            ("MAX-AGE=3600", 3600 * SECOND),
            ('max-age="3600"', 3600 * SECOND),
            ("", 5 * MINUTE),
            ("no-store", 5 * MINUTE),
            ("max-age=0", 5 * MINUTE),
            ("max-age=-1", 5 * MINUTE),
            ("s-maxage=7200", 5 * MINUTE),
            ("x-max-age=7200", 5 * MINUTE),
            ("max-age=86401", DAY),
            ("max-age=999999999999999999999", DAY),
        ],
    )
    def test_nothing_is_kept_under_five_minutes_or_over_a_day(self, said: str, kept: int) -> None:
        assert Said(200, None, said).kept_for == kept

    async def test_a_clock_put_back_keeps_nothing_longer(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        await signed_in(google, provider)
        clock.forward(seconds=-10)
        await signed_in(google, provider)
        assert (provider.count(CONFIGURATION), provider.count("/keys")) == (2, 2)

    async def test_a_new_key_is_fetched_when_a_token_names_it(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        await signed_in(google, provider)
        provider.key = rsa("second")
        clock.forward(seconds=60)
        await signed_in(google, provider)
        assert provider.count("/keys") == 2

    async def test_made_up_names_of_keys_fetch_at_most_once_a_minute(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        await signed_in(google, provider)
        provider.header = {"kid": "made-up"}
        for _ in range(3):
            assert "could not be verified" in await refused(google, provider)
        assert provider.count("/keys") == 1
        for _ in range(3):
            clock.forward(seconds=60)
            for _ in range(3):
                assert "could not be verified" in await refused(google, provider)
        assert provider.count("/keys") == 4

    async def test_a_key_taken_back_is_good_no_longer_than_it_was_kept(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        await signed_in(google, provider)
        provider.keys = {"keys": [public(rsa("second"))]}
        clock.forward(seconds=3600)
        assert "could not be verified" in await refused(google, provider)

    async def test_keys_that_can_not_be_fetched_anew_are_not_used_on(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        await signed_in(google, provider)
        provider.answers["/keys"] = _says({}, status=b"503 Service Unavailable")
        clock.forward(seconds=3600)
        await refused(google, provider)


PLACES = (CONFIGURATION, "/keys", "/token")
GARBAGE = (
    b"",
    b"<html>",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"7",
    b'"x"',
    b"{}",
    b"{",
    b"[" * 100_000,
    b'{"keys":{}}',
    b'{"keys":[]}',
    b'{"keys":[{}]}',
    b'{"keys":[[]]}',
    b'{"keys":[' + b"{}," * 100 + b"{}]}",
    b'{"access_token":7,"token_type":"Bearer"}',
    b'{"access_token":"a b","token_type":"Bearer"}',
    b'{"access_token":"a","token_type":"mac"}',
    b'{"access_token":"a"}',
    b'{"id_token":"a.b.c"}',
)
NOT_HTTP = (
    b"",
    b"HTTP/9.9 ??\r\n\r\n",
    b"\x00\xff" * 50,
    b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000,
)
OF_TOKENS = ("access_token", "token_type", "id_token", "error")
OF_KEYS = ("keys", "kty", "n", "e", "crv", "x", "y", "kid", "use", "alg")
OF_DISCOVERY = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
OF_TIME = ("exp", "nbf", "iat", "auth_time")
OF_PARTIES = ("iss", "sub", "aud", "azp", "nonce", "at_hash")
OF_PEOPLE = ("amr", "acr", "email", "email_verified", "name", "hd")


async def broken(google: Google, provider: HostileGoogle) -> str:
    """Sign in, and be refused somewhere on the way."""
    with pytest.raises(IdentityRefused) as raised:
        await signed_in(google, provider)
    assert raised.value.__cause__ is None
    return str(raised.value)


class TestTheFarSide:
    @pytest.mark.parametrize("path", PLACES)
    async def test_no_redirect_is_followed(
        self, google: Google, provider: HostileGoogle, path: str
    ) -> None:
        for status in (b"302 Found", b"307 Temporary Redirect"):
            location = b"location: " + provider.url.encode() + b"/elsewhere"
            provider.answers[path] = _says({}, location, status=status)
            assert "as it should" in await broken(google, provider)
        assert provider.count("/elsewhere") == 0

    @pytest.mark.parametrize("path", PLACES)
    async def test_more_than_a_mebibyte_is_not_read(
        self, google: Google, provider: HostileGoogle, path: str
    ) -> None:
        left = asyncio.Event()

        async def flood(asked: Asked) -> bytes:
            asked.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9000000000\r\n\r\n")
            try:
                while True:
                    asked.writer.write(b" " * 65_536)
                    await asked.writer.drain()
            finally:
                left.set()

        provider.answers[path] = flood
        assert "as it should" in await broken(google, provider)
        await asyncio.wait_for(left.wait(), 30)

    async def test_an_answer_of_a_mebibyte_is_read(
        self, google: Google, provider: HostileGoogle
    ) -> None:
        provider.discovery = {"x": "x" * (LARGEST_ANSWER - 1000)}
        await signed_in(google, provider)
        provider.answers["/token"] = _says(b" " * (LARGEST_ANSWER + 1))
        assert "as it should" in await broken(google, provider)

    @pytest.mark.parametrize("path", PLACES)
    async def test_garbage_is_refused(
        self, google: Google, provider: HostileGoogle, path: str
    ) -> None:
        for body in GARBAGE:
            provider.answers[path] = _says(body)
            assert "as it should" in await broken(google, provider), body

    @pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request", b"500 Broken"])
    async def test_an_error_is_one_whatever_its_status(
        self, google: Google, provider: HostileGoogle, status: bytes
    ) -> None:
        error: object
        for error in ("invalid_grant", "invalid_client", "", None, 7, [], {}):
            body: dict[str, object] = {"error": error, "access_token": "a", "token_type": "Bearer"}
            provider.answers["/token"] = _says(body, status=status)
            assert "not accept" in await broken(google, provider)

    @pytest.mark.parametrize("path", PLACES)
    async def test_an_answer_in_a_body_of_another_status_is_none(
        self, google: Google, provider: HostileGoogle, path: str
    ) -> None:
        async def answered(asked: Asked) -> bytes:
            del provider.answers[path]
            return (await provider(asked)).replace(b"200 OK", b"500 Internal Server Error", 1)

        provider.answers[path] = answered
        assert "as it should" in await broken(google, provider)

    @pytest.mark.parametrize("path", PLACES)
    async def test_what_is_not_http_is_as_good_as_nobody(
        self, google: Google, provider: HostileGoogle, path: str
    ) -> None:
        for raw in NOT_HTTP:

            async def answered(asked: Asked, raw: bytes = raw) -> bytes:
                asked.writer.write(raw)
                asked.writer.close()
                return b""

            provider.answers[path] = answered
            assert "could not be reached" in await broken(google, provider), raw

    async def test_a_packed_answer_is_none(self, google: Google, provider: HostileGoogle) -> None:
        provider.answers[CONFIGURATION] = _says(b"\x1f\x8b" + bytes(20), b"content-encoding: gzip")
        assert "as it should" in await broken(google, provider)
        assert provider.asked[0].headers["accept-encoding"] == "identity"

    @pytest.mark.parametrize("path", PLACES)
    async def test_who_says_nothing_is_waited_for_no_longer_than_it_takes(
        self, provider: HostileGoogle, clock: MovedClock, http: Http, path: str
    ) -> None:
        async def silent(_: Asked) -> bytes:
            await asyncio.Event().wait()
            raise AssertionError

        provider.answers[path] = silent
        google = Google(CLIENT, SECRET, issuer=provider.url, clock=clock, http=http, seconds=0.1)
        assert "could not be reached" in await broken(google, provider)

    async def test_who_drips_is_waited_for_no_longer_either(
        self, provider: HostileGoogle, clock: MovedClock, http: Http
    ) -> None:
        async def drip(asked: Asked) -> bytes:
            asked.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
            while True:
                asked.writer.write(b" ")
                await asked.writer.drain()
                await asyncio.sleep(0.01)

        provider.answers[CONFIGURATION] = drip
        google = Google(CLIENT, SECRET, issuer=provider.url, clock=clock, http=http, seconds=0.2)
        began = time.monotonic()
        assert "could not be reached" in await broken(google, provider)
        assert time.monotonic() - began < 5

    async def test_nobody_there_is_told_as_such(self, clock: MovedClock, http: Http) -> None:
        google = Google(CLIENT, SECRET, issuer="http://127.0.0.1:9", clock=clock, http=http)
        with pytest.raises(IdentityRefused, match="could not be reached"):
            await google.begin(BACK, again=False)

    async def test_a_cookie_of_one_sign_in_is_in_no_other(
        self, google: Google, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        cookie = b"set-cookie: who=ada; Path=/"

        async def answered(asked: Asked) -> bytes:
            kept = provider.answers.pop(asked.path)
            whole = await provider(asked)
            provider.answers[asked.path] = kept
            return whole.replace(b"\r\n", b"\r\n" + cookie + b"\r\n", 1)

        provider.answers = dict.fromkeys(PLACES, answered)
        await signed_in(google, provider)
        clock.forward(seconds=3600)
        await signed_in(google, provider)
        assert len(provider.asked) > 6
        assert not any("cookie" in asked.headers for asked in provider.asked)

    async def test_a_client_that_was_handed_in_is_left_open(
        self, google: Google, http: Http, provider: HostileGoogle, clock: MovedClock
    ) -> None:
        await google.close()
        assert not http.is_closed
        own = Google(CLIENT, SECRET, issuer=provider.url, clock=clock)
        await signed_in(own, provider)
        await own.close()
        assert own._far._http.is_closed

    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        path=st.sampled_from(PLACES),
        document=st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(OF_TOKENS + OF_KEYS + OF_DISCOVERY),
                    inner | st.sampled_from(["RSA", "EC", "oct", "P-256", "AQAB", "sig", "Bearer"]),
                    max_size=6,
                )
            ),
            max_leaves=12,
        ),
    )
    async def test_whatever_a_document_says_there_is_a_refusal(
        self, provider: HostileGoogle, clock: MovedClock, http: Http, path: str, document: Any
    ) -> None:
        provider.answers = {path: _says(document)}
        await broken(Google(CLIENT, SECRET, issuer=provider.url, clock=clock, http=http), provider)

    @settings(
        max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        claims=st.dictionaries(
            st.sampled_from(OF_TIME + OF_PARTIES + OF_PEOPLE),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                lambda inner: (
                    st.lists(inner, max_size=2)
                    | st.dictionaries(st.text(max_size=2), inner, max_size=2)
                ),
                max_leaves=4,
            ),
            max_size=4,
        ),
        again=st.booleans(),
    )
    async def test_whatever_a_signed_token_says_there_is_somebody_or_a_refusal(
        self,
        google: Google,
        provider: HostileGoogle,
        clock: MovedClock,
        claims: dict[str, Any],
        *,
        again: bool,
    ) -> None:
        provider.claims = claims
        try:
            who = await signed_in(google, provider, again=again)
        except IdentityRefused:
            return
        issuer, _, subject = who.subject.partition(" ")
        assert (issuer, subject) == (provider.url, claims.get("sub", "110169484474386276334"))
        assert not {"iss", "aud", "nonce", "at_hash"} & claims.keys()
        assert who.address is None or "@" in who.address
        assert who.address_is_verified <= (claims.get("email_verified", True) is True)
        assert who.authenticated_at is None or 0 < who.authenticated_at <= clock()


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    """An OpenID provider that is not ours: oidc-provider-mock, in a process of its own."""
    code = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import oidc_provider_mock as mock, sys\n"
        "with mock.run_server_in_thread(require_nonce=True) as server:\n"
        "    print(server.server_port, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield f"http://localhost:{process.stdout.readline().strip()}"
        process.terminate()


class TestAnotherProvider:
    """Nothing of ours decides here what a right answer looks like."""

    async def test_it_says_who_it_is(self, mock: str) -> None:
        google = Google(CLIENT, SECRET, issuer=mock, clock=system_clock)
        begun = await google.begin(BACK, again=True)
        query = await _agreed(mock, begun, "ada", {"email": "ada@x.de", "email_verified": True})
        who = await google.finish(begun.facts, query)
        assert (who.subject, who.address) == (f"{mock} ada", "ada@x.de")
        assert who.address_is_verified
        with pytest.raises(IdentityRefused, match="used already"):
            await google.finish(begun.facts, query)
        await google.close()

    async def test_a_token_meant_for_another_client_is_refused(self, mock: str) -> None:
        ours = Google(CLIENT, SECRET, issuer=mock, clock=system_clock)
        theirs = Google("another", SECRET, issuer=mock, clock=system_clock)
        begun = await theirs.begin(BACK, again=False)
        query = await _agreed(mock, begun, "bob", {})
        with pytest.raises(IdentityRefused):
            await ours.finish(begun.facts, query)
        await ours.close()
        await theirs.close()

    async def test_who_denies_has_cancelled(self, mock: str) -> None:
        google = Google(CLIENT, SECRET, issuer=mock, clock=system_clock)
        begun = await google.begin(BACK, again=False)
        query = await _answered(begun, {"action": "deny"})
        # It forgets to give the state back, which RFC 6749, 4.1.2.1 demands.
        with pytest.raises(IdentityRefused, match="cancelled"):
            await google.finish(begun.facts, {"state": begun.facts["state"], **query})
        await google.close()


async def _agreed(mock: str, begun: Begun, who: str, claims: dict[str, Any]) -> dict[str, str]:
    async with httpx.AsyncClient(trust_env=False) as person:
        made = await person.put(f"{mock}/users/{who}", json=claims)
        assert made.is_success
    return await _answered(begun, {"sub": who})


async def _answered(begun: Begun, form: dict[str, str]) -> dict[str, str]:
    async with httpx.AsyncClient(trust_env=False) as person:
        answer = await person.post(begun.url, data=form)
    assert answer.headers["location"].startswith(BACK)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
