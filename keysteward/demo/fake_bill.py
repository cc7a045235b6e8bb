"""What the made-up providers charged: counted as the work is done, whether or not anybody hears."""

import os
from collections import deque
from pathlib import Path
from typing import NamedTuple


class Charge(NamedTuple):
    """One line of the bill."""

    provider: str
    call: str
    """The number that the provider gave the call, as it stands in the answer's headers."""
    amount: int
    """In nano-dollars."""


class Bill:
    """The sum by provider, the last charges, and, where there is a file, a line in it for each.

    A line is `provider call amount`. It has been handed to the operating system before a byte of
    the answer is sent, so that it outlives whatever is killed on the other side; a power failure it
    would not.
    """

    def __init__(self, charges_kept: int, file: Path | None = None) -> None:
        self.sums: dict[str, int] = {}
        self.charges: deque[Charge] = deque(maxlen=charges_kept)
        self.moved: dict[str, int] = {}
        """Money of the caller's that was moved, by currency, in its smallest unit; no charge."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = None if file is None else os.open(file, flags, 0o600)

    def add(self, provider: str, call: str, amount: int) -> None:
        """Charge a call."""
        self.sums[provider] = self.sums.get(provider, 0) + amount
        self.charges.append(Charge(provider, call, amount))
        if self._file is not None:
            os.write(self._file, b"%b %b %d\n" % (provider.encode(), call.encode(), amount))

    def move(self, provider: str, call: str, currency: str, amount: int) -> None:
        """Note that a call moved money of the caller's; its line names `provider:currency`."""
        self.moved[currency] = self.moved.get(currency, 0) + amount
        if self._file is not None:
            line = f"{provider}:{currency} {call} {amount}\n"
            os.write(self._file, line.encode())
