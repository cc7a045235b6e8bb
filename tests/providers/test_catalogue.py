"""The catalogue: each provider is one row, and its keys are told and masked by it."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import providers
from providers import CATALOGUE, Provider, Slot, UnknownProvider
from tests.kit.canary import canary

every = pytest.mark.parametrize("provider", CATALOGUE.values(), ids=CATALOGUE)


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
def test_its_keys_are_told_from_every_other_s(provider: Provider) -> None:
    key = canary(provider.id)
    assert provider.looks_right(key)
    assert providers.looks_like(key) is provider
    assert not provider.looks_right(f"{key} ")
    assert not provider.looks_right(f"{key}\n")


def test_what_looks_like_nobody_s_key_is_nobody_s() -> None:
    assert providers.looks_like("made-up") is None
    assert not CATALOGUE["openai"].looks_right(canary("anthropic"))


@every
@given(st.integers(0, 60), st.data())
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

    def test_a_credential_is_written_and_read_back(self) -> None:
        assert self.BEARER.write(b"key") == (b"authorization", b"Bearer key")
        assert self.BARE.write(b"key") == (b"x-api-key", b"key")
        for slot in (self.BEARER, self.BARE):
            assert slot.read(slot.write(b"key")[1]) == b"key"

    def test_the_scheme_may_be_written_in_any_case(self) -> None:
        assert self.BEARER.read(b" bearer  key ") == b"key"
        assert self.BARE.read(b" key ") == b"key"

    @pytest.mark.parametrize("value", [b"Basic key", b"key", b"", b"Bearerkey"])
    def test_another_scheme_is_no_credential(self, value: bytes) -> None:
        assert self.BEARER.read(value) is None
