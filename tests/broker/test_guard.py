import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.guard import LONGEST_KEPT, Guard, Reach, ask_system, reach
from broker.upstream import AddressForbidden, Upstream, UpstreamUnreachable

PUBLIC = "1.1.1.1"
PROVIDER = Upstream("api.provider.test")
LISTED = Upstream("models.home.test", private_allowed=True)
LISTED_PLAIN = Upstream("models.home.test", 8000, tls=False, private_allowed=True)


class Names:
    """A resolver that answers from a list, counts, and can be held back."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, _host: str, _port: int) -> Sequence[str]:
        self.asked += 1
        await self.go.wait()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Monotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("1.1.1.1", Reach.PUBLIC),
        ("8.8.8.8", Reach.PUBLIC),
        ("100.63.255.255", Reach.PUBLIC),
        ("100.128.0.0", Reach.PUBLIC),
        ("172.15.255.255", Reach.PUBLIC),
        ("172.32.0.0", Reach.PUBLIC),
        ("223.255.255.255", Reach.PUBLIC),
        ("2606:4700:4700::1111", Reach.PUBLIC),
        ("64:ff9b::101:101", Reach.PUBLIC),
        ("::ffff:1.1.1.1", Reach.PUBLIC),
        ("127.0.0.1", Reach.LOOPBACK),
        ("127.255.255.254", Reach.LOOPBACK),
        ("::1", Reach.LOOPBACK),
        ("::ffff:127.0.0.1", Reach.LOOPBACK),
        ("64:ff9b::7f00:1", Reach.LOOPBACK),
        ("10.0.0.1", Reach.PRIVATE),
        ("172.16.0.1", Reach.PRIVATE),
        ("172.31.255.255", Reach.PRIVATE),
        ("192.168.1.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("fd00::8", Reach.PRIVATE),
        ("::ffff:10.0.0.1", Reach.PRIVATE),
        ("64:ff9b::a00:1", Reach.PRIVATE),
        ("0.0.0.0", Reach.NEVER),
        ("169.254.169.254", Reach.NEVER),
        ("::ffff:169.254.169.254", Reach.NEVER),
        ("64:ff9b::a9fe:a9fe", Reach.NEVER),
        ("100.100.100.200", Reach.NEVER),
        ("168.63.129.16", Reach.NEVER),
        ("192.0.2.1", Reach.NEVER),
        ("198.19.0.1", Reach.NEVER),
        ("224.0.0.1", Reach.NEVER),
        ("240.0.0.1", Reach.NEVER),
        ("255.255.255.255", Reach.NEVER),
        ("::", Reach.NEVER),
        ("::7f00:1", Reach.NEVER),
        ("fe80::1", Reach.NEVER),
        ("fe80::1%lo", Reach.NEVER),
        ("fec0::1", Reach.NEVER),
        ("ff02::1", Reach.NEVER),
        ("fd00:ec2::254", Reach.NEVER),
        ("2002:7f00:1::", Reach.NEVER),
        ("2001:0:7f00:1::", Reach.NEVER),
        ("2001:db8::1", Reach.NEVER),
        ("64:ff9b:1::1", Reach.NEVER),
        ("4000::1", Reach.NEVER),
    ],
)
def test_each_address_is_seen_for_what_it_is(address: str, expected: Reach) -> None:
    assert reach(ipaddress.ip_address(address)) is expected


@given(st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.ip_addresses(v=4)))
def test_no_address_that_python_calls_special_is_public(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert reach(address) is not Reach.PUBLIC


@given(st.one_of(st.integers(0, 2**128 - 1).map(IPv6Address), st.ip_addresses(v=6)))
def test_no_sixth_version_address_that_python_calls_special_is_public(address: IPv6Address) -> None:
    if address.ipv4_mapped is not None or address in IPv6Network("64:ff9b::/96"):
        return  # judged by what they embed: the next promise
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert reach(address) is not Reach.PUBLIC


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_judged_by_what_it_embeds(address: IPv4Address) -> None:
    assert reach(IPv6Address(f"::ffff:{address}")) is reach(address)
    assert reach(IPv6Address(f"64:ff9b::{address}")) is reach(address)


async def test_all_addresses_of_a_public_name_are_given_once_and_in_order() -> None:
    names = Names(["2606:4700:4700::1111", PUBLIC, PUBLIC])
    assert await Guard(names).addresses(PROVIDER) == ["2606:4700:4700::1111", PUBLIC]


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "::1", "169.254.169.254", "0.0.0.0"])
async def test_one_forbidden_address_refuses_all(inside: str) -> None:
    for found in ([inside], [PUBLIC, inside], [inside, PUBLIC]):
        with pytest.raises(AddressForbidden) as refusal:
            await Guard(Names(found)).addresses(PROVIDER)
        assert not refusal.value.after_dispatch
        assert inside not in str(refusal.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "::1"])
async def test_no_way_to_write_this_machine_slips_through(host: str) -> None:
    with pytest.raises(UpstreamUnreachable):
        await Guard(ask_system).addresses(Upstream(host))


async def test_an_operator_may_list_a_private_host() -> None:
    for inside in ("127.0.0.1", "192.168.1.7", "fd00::7", "100.64.3.4"):
        assert await Guard(Names([inside])).addresses(LISTED) == [inside]


async def test_nobody_may_list_a_metadata_service() -> None:
    for inside in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "fe80::1"):
        with pytest.raises(AddressForbidden):
            await Guard(Names([inside])).addresses(LISTED)


async def test_without_tls_only_a_listed_host_on_this_machine_is_spoken_to() -> None:
    assert await Guard(Names(["127.0.0.1"])).addresses(LISTED_PLAIN) == ["127.0.0.1"]
    for elsewhere in ("192.168.1.7", PUBLIC):
        with pytest.raises(AddressForbidden):
            await Guard(Names([elsewhere])).addresses(LISTED_PLAIN)
    with pytest.raises(AddressForbidden):
        await Guard(Names(["127.0.0.1"])).addresses(Upstream("api.provider.test", tls=False))


async def test_addresses_are_kept_for_thirty_seconds_and_no_longer() -> None:
    names, clock = Names([PUBLIC], ["8.8.8.8"]), Monotonic()
    guard = Guard(names, monotonic=clock)
    assert await guard.addresses(PROVIDER) == [PUBLIC]
    clock.now += LONGEST_KEPT - 0.001
    assert await guard.addresses(PROVIDER) == [PUBLIC]
    assert names.asked == 1
    clock.now += 0.001
    assert await guard.addresses(PROVIDER) == ["8.8.8.8"]


async def test_addresses_that_are_kept_are_checked_again() -> None:
    names = Names(["127.0.0.1"])
    guard = Guard(names)
    assert await guard.addresses(Upstream("a.test", private_allowed=True)) == ["127.0.0.1"]
    with pytest.raises(AddressForbidden):
        await guard.addresses(Upstream("a.test"))
    assert names.asked == 1


async def test_many_who_ask_at_once_ask_the_system_once() -> None:
    names = Names([PUBLIC])
    names.go.clear()
    guard = Guard(names)
    waiting = [asyncio.ensure_future(guard.addresses(PROVIDER)) for _ in range(10)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    names.go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    assert await asyncio.gather(*waiting[1:]) == [[PUBLIC]] * 9
    assert names.asked == 1


@pytest.mark.parametrize(
    "failure",
    [socket.gaierror(socket.EAI_NONAME, "unknown"), UnicodeError("label too long"), OSError()],
)
async def test_a_name_that_leads_nowhere_is_unreachable_and_asked_again(failure: Exception) -> None:
    names = Names(failure, [PUBLIC])
    guard = Guard(names)
    with pytest.raises(UpstreamUnreachable, match="leads to no address") as unreachable:
        await guard.addresses(PROVIDER)
    assert not unreachable.value.after_dispatch
    assert unreachable.value.__cause__ is None
    assert await guard.addresses(PROVIDER) == [PUBLIC]


async def test_a_name_without_addresses_is_unreachable() -> None:
    with pytest.raises(UpstreamUnreachable, match="leads to no address"):
        await Guard(Names([])).addresses(PROVIDER)


async def test_a_failure_that_nobody_waits_for_is_forgotten_in_silence() -> None:
    names = Names(OSError(), [PUBLIC])
    names.go.clear()
    guard = Guard(names)
    waiting = asyncio.ensure_future(guard.addresses(PROVIDER))
    await asyncio.sleep(0)
    [pending] = guard._known.values()
    waiting.cancel()
    names.go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait([pending.answer])
    assert await guard.addresses(PROVIDER) == [PUBLIC]
