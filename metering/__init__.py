"""What a call may come to, and what it came to: pure functions of requests and answers.

Nothing here knows a database, a network or an account. Money is whole nano-dollars, rounded up.
"""

from metering.charges import Charge, Rates, Unpriceable, at_most, came_to, hourly
from metering.quotes import Edit, Measure, Moved, Quote, Reader, Reading, Request, Source

__all__ = [
    "Charge",
    "Edit",
    "Measure",
    "Moved",
    "Quote",
    "Rates",
    "Reader",
    "Reading",
    "Request",
    "Source",
    "Unpriceable",
    "at_most",
    "came_to",
    "hourly",
]
