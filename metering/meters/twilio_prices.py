"""What Twilio asks, in nano-dollars, by the digits that a number begins with.

Twilio publishes its prices of messages in one file, SMSPricing.csv (linked from twilio.com/sms/
pricing), by country and carrier. Each country stands here with its dearest carrier, as of October
2026, or August 2026 where it cost more than ten cents then. A destination that is missing has no
price here: its owner sets one.
"""

from collections.abc import Mapping
from typing import Final

NORTH_AMERICA: Final = "1"
CARRIER_FEE: Final = 8_700_000
"""The dearest carrier's fee for a segment to the United States or Canada.

Area codes don't tell the two countries apart for good, so both get it: it is Bell's, in Canada;
in the United States it is $0.007 at most (twilio.com/sms/pricing/us and /ca).
"""
NORTH_AMERICA_SMS: Final = 8_300_000 + CARRIER_FEE
"""A segment there, from whatever kind of number."""
NORTH_AMERICA_MMS: Final = 42_000_000
"""A picture message there: $0.022, and two cents for the carrier, which is above every fee that
Twilio has published for one."""
NORTH_AMERICA_MINUTE: Final = 14_000_000
"""A minute of a call there: $0.0140 (twilio.com/voice/pricing/us and /ca)."""
LOCAL_NUMBER: Final = 1_150_000_000
"""A number of the United States or Canada, for a month."""
TOLL_FREE_NUMBER: Final = 2_150_000_000

_ELSEWHERE: Final = (
    # Countries and territories that share North America's code; most of them cost more.
    "1246", "1264", "1268", "1284", "1340", "1345", "1441", "1473", "1649", "1658", "1664", "1670",
    "1684", "1721", "1758", "1767", "1784", "1809", "1829", "1849", "1868", "1869", "1876",
    # No subscriber's: premium rate, personal, machines, and what is not given out.
    "1456", "1500", "1521", "1522", "1533", "1544", "1566", "1577", "1588", "1600", "1622", "1700",
    "1710", "1900",
    # The Isle of Man, by another price list; then numbers that follow their owner about.
    "447524", "447624", "447924", "4474576", "441624", "4470",
    # Cocos and Christmas Island.
    "6189162", "6189164",
)  # fmt: skip
SMS: Final[Mapping[str, int | None]] = {
    NORTH_AMERICA: NORTH_AMERICA_SMS,
    **dict.fromkeys(_ELSEWHERE),
    "1242": 90_400_000,
    "1671": 84_700_000,
    "1787": 54_000_000,
    "1939": 54_000_000,
    "27": 135_500_000,
    "298": 71_700_000,
    "299": 41_000_000,
    "30": 65_700_000,
    "33": 79_800_000,
    "34": 87_500_000,
    "351": 50_100_000,
    "352": 81_800_000,
    "353": 77_900_000,
    "354": 71_900_000,
    "356": 68_900_000,
    "357": 86_400_000,
    "358": 86_100_000,
    "36": 91_000_000,
    "370": 57_800_000,
    "371": 80_100_000,
    "372": 95_800_000,
    "39": 92_700_000,
    "40": 78_100_000,
    "41": 76_900_000,
    "420": 70_600_000,
    "421": 88_300_000,
    "423": 36_200_000,
    "43": 97_900_000,
    "44": 56_000_000,
    "45": 59_200_000,
    "46": 64_600_000,
    "47": 69_700_000,
    "48": 45_700_000,
    "49": 112_000_000,
    "52": 181_900_000,
    "54": 103_400_000,
    "55": 59_900_000,
    "56": 79_700_000,
    "57": 59_200_000,
    "598": 85_200_000,
    "61": 51_500_000,
    "62": 441_400_000,
    "63": 241_000_000,
    "64": 105_000_000,
    "65": 59_100_000,
    "66": 30_500_000,
    "6723": 28_170_000,
    "673": 65_000_000,
    "680": 99_800_000,
    "691": 73_500_000,
    "81": 89_000_000,
    "82": 52_400_000,
    "852": 72_300_000,
    "853": 59_000_000,
    "886": 84_200_000,
    "90": 30_500_000,
    "91": 83_200_000,
    "966": 194_900_000,
    "972": 257_500_000,
    "973": 38_600_000,
    "234": 386_800_000,
}
"""Prices of an outgoing segment; None carves out what another list prices, or none."""
_LONGEST: Final = max(map(len, SMS))
# Alaska, Hawaii and the north of Canada have calling prices of their own.
_OTHER_CALLS: Final = frozenset({"1907", "1808", "1867"})
_TOLL_FREE: Final = frozenset({"1800", "1833", "1844", "1855", "1866", "1877", "1888"})


def destination(digits: str) -> str | None:
    """Give the longest known beginning of a number's digits; None: it is in no list."""
    for length in range(min(_LONGEST, len(digits)), 0, -1):
        if digits[:length] in SMS:
            return digits[:length]
    return None


def minute(digits: str) -> int | None:
    """Give the price of a minute's call to a number; None where it is not known for sure."""
    if destination(digits) != NORTH_AMERICA or digits[:4] in _OTHER_CALLS:
        return None
    return NORTH_AMERICA_MINUTE


def number(digits: str) -> int | None:
    """Give the price of a number for a month; None for other countries' than the two above."""
    if destination(digits) != NORTH_AMERICA:
        return None
    return TOLL_FREE_NUMBER if digits[:4] in _TOLL_FREE else LOCAL_NUMBER
