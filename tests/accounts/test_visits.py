"""Who comes: one client is one address, or the network that a customer is given."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.visits import Visit


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_whose_tries_are_counted_together(address: str, network: str) -> None:
    assert Visit(address).network == network


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_whoever_has_a_whole_64_network_is_one_client(
    address: ipaddress.IPv6Address, host: int
) -> None:
    if address.ipv4_mapped is None:
        other = ipaddress.IPv6Address((int(address) >> 64 << 64) | host)
        if other.ipv4_mapped is None:
            assert Visit(str(address)).network == Visit(str(other)).network


@given(st.text(max_size=60))
def test_whatever_stands_for_an_address_gives_a_network(address: str) -> None:
    assert isinstance(Visit(address).network, str)


@given(st.text(max_size=400))
def test_a_device_s_words_are_printable_and_short(device: str) -> None:
    words = Visit(device=device).device_words
    assert words.isprintable()
    assert len(words) <= 200


def test_what_could_hide_or_turn_a_device_s_words_is_taken_out() -> None:
    device = "Good\u202e\u200b Browser\n\x1b[31m\x00/1"
    assert Visit(device=device).device_words == "Good Browser[31m/1"
