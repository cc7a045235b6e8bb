"""Who comes, as far as a request shows: the client's address and device, and a cookie of ours."""

import ipaddress
from dataclasses import dataclass, field
from typing import Final

_LONGEST_DEVICE: Final = 200
_V6_NETWORK: Final = 64


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a person. `address` is the client's own; `device` is its User-Agent."""

    address: str = ""
    device: str = ""
    known_by: str = field(default="", repr=False)
    """The cookie by which a browser that has signed in before is known again."""
    session: str = field(default="", repr=False)
    """The cookie of the session that the browser has: it ends where another one begins."""

    @property
    def network(self) -> str:
        """Give what counts as one client: an IPv4 address, or the /64 that a customer is given."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                return str(address.ipv4_mapped)
            return str(ipaddress.ip_network((address.packed, _V6_NETWORK), strict=False))
        return str(address)

    @property
    def device_words(self) -> str:
        """Give the device's own words, as a list of sessions may show them: cut, and printable."""
        return "".join(c for c in self.device if c.isprintable())[:_LONGEST_DEVICE]
