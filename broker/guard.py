"""Where a key may be sent: the addresses that a provider's name leads to, all of them checked.

Whoever connects does so to an address given here and never resolves the name again, so a name that
changes its address between check and connection (DNS rebinding) gains nothing. The tables are ours
because those of Python's `ipaddress` differ from version to version.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from broker.upstream import AddressForbidden, Upstream, UpstreamUnreachable

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives a host's addresses as text. Raises `OSError` when it has none."""

LONGEST_KEPT: Final = 30.0
"""Seconds for which a name's addresses are kept at most. They are checked anew at each use."""


class Reach(Enum):
    """Who can be at an address."""

    LOOPBACK = "this machine"
    PRIVATE = "the operator's own network"
    PUBLIC = "the internet"
    NEVER = "nobody that a key is meant for"


# IANA's registries of special-purpose addresses (RFC 6890). `PRIVATE` can be listed by an operator;
# the rest is never a provider, and 169.254.169.254 hands a cloud machine's own credentials out.
_SPECIAL_V4: Final = tuple(
    (IPv4Network(network), reach)
    for network, reach in (
        ("127.0.0.0/8", Reach.LOOPBACK),
        ("10.0.0.0/8", Reach.PRIVATE),
        ("172.16.0.0/12", Reach.PRIVATE),
        ("192.168.0.0/16", Reach.PRIVATE),
        ("100.100.100.200/32", Reach.NEVER),  # a cloud's metadata service, inside the next one
        ("100.64.0.0/10", Reach.PRIVATE),  # carrier-grade NAT, and overlay networks
        ("0.0.0.0/8", Reach.NEVER),
        ("168.63.129.16/32", Reach.NEVER),  # public by number, yet the host's own agent
        ("169.254.0.0/16", Reach.NEVER),
        ("192.0.0.0/24", Reach.NEVER),
        ("192.0.2.0/24", Reach.NEVER),
        ("192.88.99.0/24", Reach.NEVER),
        ("198.18.0.0/15", Reach.NEVER),
        ("198.51.100.0/24", Reach.NEVER),
        ("203.0.113.0/24", Reach.NEVER),
        ("224.0.0.0/3", Reach.NEVER),  # multicast, reserved, broadcast
    )
)
_SPECIAL_V6: Final = tuple(
    (IPv6Network(network), reach)
    for network, reach in (
        ("::1/128", Reach.LOOPBACK),
        ("fd00:ec2::/32", Reach.NEVER),  # a cloud's metadata service, inside the next one
        ("fc00::/7", Reach.PRIVATE),
        ("2001::/23", Reach.NEVER),  # protocol assignments; Teredo, which embeds IPv4, among them
        ("2001:db8::/32", Reach.NEVER),
        ("2002::/16", Reach.NEVER),  # 6to4 embeds IPv4; long out of use
        ("3fff::/20", Reach.NEVER),
        ("2000::/3", Reach.PUBLIC),
    )
)
# An IPv6-only machine reaches an IPv4 provider through NAT64: the last 32 bits say where it leads.
_NAT64: Final = IPv6Network("64:ff9b::/96")


def reach(address: IPv4Address | IPv6Address) -> Reach:
    """Tell who can be at an address, seeing through the forms that embed another one."""
    if isinstance(address, IPv6Address):
        embedded = address.ipv4_mapped
        if embedded is None and address in _NAT64:
            embedded = IPv4Address(int(address) & 0xFFFF_FFFF)
        if embedded is None:
            return next((kind for net, kind in _SPECIAL_V6 if address in net), Reach.NEVER)
        address = embedded
    return next((kind for net, kind in _SPECIAL_V4 if address in net), Reach.PUBLIC)


async def ask_system(host: str, port: int) -> list[str]:
    """Resolve a name as the machine is set up to."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True, slots=True)
class _Known:
    until: float
    answer: asyncio.Future[Sequence[str]]


class Guard:
    """Knows the addresses of providers, and gives none that a key may not be sent to."""

    def __init__(
        self, resolve: Resolve = ask_system, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._resolve = resolve
        self._monotonic = monotonic
        self._known: dict[tuple[str, int], _Known] = {}

    async def addresses(self, upstream: Upstream) -> list[str]:
        """Give every address of a provider, in the system's order of preference; at least one.

        One forbidden address among them refuses all: a provider has no reason to mix, an attacker
        has. Raises `AddressForbidden`, `UpstreamUnreachable`.
        """
        try:
            found = await self._lookup(upstream.host, upstream.port)
        except (OSError, UnicodeError):
            raise UpstreamUnreachable("its name leads to no address") from None
        checked = list(dict.fromkeys(found))
        if not checked:
            raise UpstreamUnreachable("its name leads to no address")
        for text in checked:
            _admit(text, upstream)
        return checked

    async def _lookup(self, host: str, port: int) -> Sequence[str]:
        """Resolve once, however many ask at the same time. Failures are not kept."""
        place = host, port
        known = self._known.get(place)
        if known is None or self._monotonic() >= known.until:
            answer = asyncio.ensure_future(self._resolve(host, port))
            known = self._known[place] = _Known(self._monotonic() + LONGEST_KEPT, answer)
            answer.add_done_callback(lambda done: self._forget_failure(place, done))
        # Whoever stops waiting must not take the answer from the others.
        return await asyncio.shield(known.answer)

    def _forget_failure(self, place: tuple[str, int], done: asyncio.Future[Sequence[str]]) -> None:
        """Let the next one ask again after a failure.

        Reading it here also keeps it from being reported as unheard when nobody waits any more.
        """
        if (done.cancelled() or done.exception()) and self._known[place].answer is done:
            del self._known[place]


def _admit(text: str, upstream: Upstream) -> None:
    """Raise `AddressForbidden` unless a key may be sent to this address of this provider."""
    kind = reach(ipaddress.ip_address(text))
    if kind is Reach.NEVER or (kind is not Reach.PUBLIC and not upstream.private_allowed):
        raise AddressForbidden(
            "its name leads to an address that is not on the public internet; an operator may list "
            "a private host"
        )
    if not upstream.tls and kind is not Reach.LOOPBACK:
        raise AddressForbidden("without TLS, only a listed host on this machine is spoken to")
