"""The catalogue: each provider is one row, and its keys are told and masked by it."""

import base64
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import providers
from accounts import tokens
from accounts.tokens import TokenKind
from providers import CATALOGUE, Provider, Slot, UnknownProvider
from providers.provider import TOOL_TOKEN
from tests.kit.canary import canary
from tests.providers import page
from tests.readme.tables import part

every = pytest.mark.parametrize("provider", CATALOGUE.values(), ids=CATALOGUE)
# Header values as nobody should write them, and as somebody will.
CREDENTIALS = st.text([chr(code) for code in range(0x21, 0x7F)], min_size=8, max_size=80)


def test_the_providers_are_these() -> None:
    assert list(CATALOGUE) == [
        *("openai", "anthropic", "google", "elevenlabs", "stripe", "twilio", "vultr", "railway"),
        *("resend", "github", "mistral", "groq", "deepseek", "xai", "openrouter", "together"),
        *("cohere", "perplexity"),
    ]


def test_the_page_says_what_the_catalogue_does() -> None:
    written = part(page.PAGE.read_text(encoding="utf-8"), "providers")
    assert written == page.table(), "Write it anew: python -m tests.providers.page"


def test_one_is_found_by_its_id() -> None:
    assert providers.find("openai").name == "OpenAI"
    with pytest.raises(UnknownProvider, match="Known ones: openai, anthropic, google"):
        providers.find("OpenAI")


@every
def test_its_keys_only_ever_go_to_one_host_over_tls(provider: Provider) -> None:
    origin = urlsplit(provider.origin)
    assert (origin.scheme, origin.path, origin.query) == ("https", "", "")
    assert origin.hostname == origin.netloc
    assert provider.check.path.startswith("/")
    assert provider.sdk_path == provider.sdk_path.rstrip("/")
    assert not provider.sdk_path or provider.sdk_path.startswith("/")


@every
def test_its_check_has_a_good_a_bad_and_a_scoped_answer(provider: Provider) -> None:
    for answers in (provider.valid_answers, provider.invalid_answers, provider.scoped_answers):
        assert answers
    # What is said with no words at all would hide the same status below it.
    order = [*provider.scoped_answers, *provider.invalid_answers, *provider.valid_answers]
    for place, (status, words) in enumerate(order):
        assert (status, b"") not in order[:place], (status, words)
    assert provider.check.method in {"GET", "POST"}
    assert provider.check.body is None or provider.check.method == "POST"


@every
def test_no_beginning_is_hidden_behind_a_shorter_one(provider: Provider) -> None:
    for place, prefix in enumerate(provider.prefixes):
        assert not prefix.startswith(provider.prefixes[:place])


@every
def test_its_headers_are_lower_case(provider: Provider) -> None:
    names = [*provider.headers, *(slot.header for slot in provider.slots)]
    names += [name for name, _ in provider.check.headers]
    assert names == [name.lower() for name in names]


@every
def test_its_keys_look_right_and_whole(provider: Provider) -> None:
    key = canary(provider.id)
    assert provider.looks_right(key)
    assert not provider.looks_right(f"{key} ")
    assert not provider.looks_right(f"{key}\n")
    assert not provider.looks_right("")
    assert not provider.marked.fullmatch("")


def test_a_key_with_a_mark_is_told_from_every_other_provider_s() -> None:
    told = {name: providers.looks_like(canary(name)) for name in CATALOGUE}
    # Many a harmless id looks like these. `sk-` and 32 hexadecimal digits may be OpenAI's too.
    unmarked = {"vultr", "railway", "mistral", "cohere", "deepseek"}
    assert {name for name, row in told.items() if row is None} == unmarked
    assert all(row is CATALOGUE[name] for name, row in told.items() if row is not None)


@pytest.mark.parametrize(
    "text",
    [
        "cb676a46-66fd-4dfb-b839-443f2e6c0b60",  # an instance at Vultr, a service at Railway
        "AC0123456789abcdef0123456789abcdef",  # the account in every path at Twilio
        "SM0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef01234567",  # a commit at GitHub
        "0123456789abcdef" * 4,
        "re_1Nispe2eZvKYlo2Cd31jOCgZ",  # a refund at Stripe
        "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "21m00Tcm4TlvDq8ikWAM",  # a voice at ElevenLabs
        "made-up",
    ],
)
def test_what_may_stand_in_a_url_bears_nobody_s_mark(text: str) -> None:
    assert [row.id for row in CATALOGUE.values() if row.marked.search(text)] == []
    assert providers.looks_like(text) is None


def test_a_key_of_another_provider_looks_wrong() -> None:
    assert not CATALOGUE["openai"].looks_right(canary("anthropic"))
    assert not CATALOGUE["stripe"].looks_right(canary("elevenlabs"))
    assert not CATALOGUE["elevenlabs"].looks_right(canary("stripe"))


@given(st.sampled_from(list(CATALOGUE.values())), st.integers(0, 60), st.data())
def test_a_mask_never_shows_more_than_the_beginning_and_four(
    provider: Provider, length: int, data: st.DataObject
) -> None:
    prefix = data.draw(st.sampled_from(["", *provider.prefixes]))
    secret = "".join(data.draw(st.lists(st.sampled_from("ab1"), min_size=length, max_size=length)))
    masked = provider.mask(prefix + secret)
    if length < 16:
        assert masked == "••••••••"
    else:
        assert masked == f"{prefix}••••{secret[-4:]}"


class TestSlots:
    BEARER, BARE = Slot(b"authorization", b"Bearer"), Slot(b"x-api-key")
    BASIC = Slot(b"authorization", b"Basic")

    def test_a_credential_is_written_and_read_back(self) -> None:
        assert self.BEARER.write(b"key") == (b"authorization", b"Bearer key")
        assert self.BARE.write(b"key") == (b"x-api-key", b"key")
        assert self.BASIC.write(b"key") == (b"authorization", b"Basic a2V5Og==")
        assert self.BASIC.write(b"AC1:key") == (b"authorization", b"Basic QUMxOmtleQ==")

    @given(credential=CREDENTIALS.filter(lambda text: ":" not in text))
    def test_what_a_tool_puts_there_is_read_whatever_it_is(self, credential: str) -> None:
        for slot in {slot for provider in CATALOGUE.values() for slot in provider.slots}:
            assert slot.read(slot.write(credential.encode())[1]) == credential.encode()

    @given(user=CREDENTIALS.filter(lambda text: ":" not in text), password=CREDENTIALS)
    def test_of_a_pair_the_tool_s_token_is_read_else_the_password(
        self, user: str, password: str
    ) -> None:
        token = tokens.make(TokenKind.TOOL).text
        assert token.encode().startswith(TOOL_TOKEN)
        for pair, read in (
            (f"{user}:{token}", token if not user.startswith("kst_") else user),
            (f"{token}:{password}", token),
            (f"{token}:", token),
            (f":{token}", token),
            (f"{user}:{password}", user if user.startswith("kst_") else password),
        ):
            value = b"Basic " + base64.b64encode(pair.encode())
            assert self.BASIC.read(value) == read.encode()

    def test_the_scheme_may_be_written_in_any_case(self) -> None:
        assert self.BEARER.read(b" bearer  key ") == b"key"
        assert self.BASIC.read(b"basic  a2V5Og== ") == b"key"
        assert self.BARE.read(b" key ") == b"key"

    @pytest.mark.parametrize("value", [b"Basic key", b"key", b"", b"Bearerkey"])
    def test_another_scheme_is_no_credential(self, value: bytes) -> None:
        assert self.BEARER.read(value) is None

    @pytest.mark.parametrize("value", [b"Bearer key", b"Basic a2V5O", b"Basic k:y", b"Basic \xff"])
    def test_what_is_no_pair_is_no_credential(self, value: bytes) -> None:
        assert self.BASIC.read(value) is None

    @given(value=st.binary(max_size=60))
    def test_nothing_that_is_sent_breaks_it(self, value: bytes) -> None:
        for provider in CATALOGUE.values():
            for slot in provider.slots:
                for word in (b"", b"Basic ", b"Bearer ", b"token "):
                    slot.read(word + value)
