"""What Vultr asks for a month, in US cents, by plan (vultr.com/pricing and its API's /v2/plans).

Vultr bills started hours, at a month's price by 672 (28 days) and up to that month's price; plans
that end with `-sc1` are São Paulo's. As of December 2025; a plan that is missing has no price here.
"""

from typing import Final

_HOURS: Final = 28 * 24
_NANO_IN_A_CENT: Final = 10_000_000

PLANS: Final = {
    "vc2-1c-0.5gb-v6": 250,
    "vc2-1c-0.5gb": 350,
    "vc2-1c-1gb": 500,
    "vc2-1c-2gb": 1000,
    "vc2-2c-2gb": 1500,
    "vc2-2c-4gb": 2000,
    "vc2-4c-8gb": 4000,
    "vc2-6c-16gb": 8000,
    "vc2-8c-32gb": 16000,
    "vc2-16c-64gb": 32000,
    "vc2-24c-96gb": 64000,
    "vhf-1c-1gb": 600,
    "vhf-1c-2gb": 1200,
    "vhf-2c-2gb": 1800,
    "vhf-2c-4gb": 2400,
    "vhf-3c-8gb": 4800,
    "vhf-4c-16gb": 9600,
    "vhf-6c-24gb": 14400,
    "vhf-8c-32gb": 19200,
    "vhf-12c-48gb": 25600,
    "vhf-16c-58gb": 32000,
    "vhp-1c-1gb-amd": 600,
    "vhp-1c-1gb-intel": 600,
    "vhp-1c-2gb-amd": 1200,
    "vhp-1c-2gb-intel": 1200,
    "vhp-2c-2gb-amd": 1800,
    "vhp-2c-2gb-intel": 1800,
    "vhp-2c-4gb-amd": 2400,
    "vhp-2c-4gb-intel": 2400,
    "vhp-4c-8gb-amd": 4800,
    "vhp-4c-8gb-intel": 4800,
    "vhp-4c-12gb-amd": 7200,
    "vhp-4c-12gb-intel": 7200,
    "vhp-8c-16gb-amd": 9600,
    "vhp-8c-16gb-intel": 9600,
    "vhp-12c-24gb-amd": 14400,
    "vhp-12c-24gb-intel": 14400,
    "voc-c-1c-2gb-25s-amd": 2800,
    "voc-c-2c-4gb-50s-amd": 4000,
    "voc-c-2c-4gb-75s-amd": 4500,
    "voc-c-4c-8gb-75s-amd": 8000,
    "voc-c-4c-8gb-150s-amd": 9000,
    "voc-c-8c-16gb-150s-amd": 16000,
    "voc-g-1c-4gb-30s-amd": 3000,
    "voc-g-2c-8gb-50s-amd": 6000,
    "voc-g-4c-16gb-80s-amd": 12000,
    "voc-g-8c-32gb-160s-amd": 24000,
    "voc-m-1c-8gb-50s-amd": 4000,
    "voc-m-2c-16gb-100s-amd": 8000,
    "voc-m-2c-16gb-200s-amd": 10000,
    "voc-s-1c-8gb-150s-amd": 7500,
}
"""Plans in every place but São Paulo, where each costs half as much again."""
DDOS_PROTECTION: Final = 1000
LOAD_BALANCER: Final = 1000
"""One node of a load balancer."""
NVME_GIGABYTE: Final = 10
"""A gigabyte of block storage of the dearer kind; the other is 2.5 cents."""
_SAO_PAULO: Final = "-sc1"


def plan(name: str) -> int | None:
    """Give a plan's price for a month, in cents; None for one that is not known."""
    known = PLANS.get(name.removesuffix(_SAO_PAULO))
    if known is None or not name.endswith(_SAO_PAULO):
        return known
    return -(-known * 3 // 2)


def by_the_hour(cents: int) -> int:
    """Give the price of an hour, in nano-dollars, of what costs so many cents a month."""
    return -(-cents * _NANO_IN_A_CENT // _HOURS)
