"""What an account has that is kept elsewhere: its keys, its calls, who listens in its name.

Whoever keeps such rows offers this; the composition hands all of them to those who end or move an
account, which then happens in one transaction, whole or not at all.
"""

from typing import Protocol

from store import Owner, Tx


class Belongings(Protocol):
    """Rows of an account's, kept by a part that accounts know nothing else of."""

    def end_all(self, tx: Tx, owner: Owner, *, at: int) -> int:
        """End whatever grants something, each as its owner would one by one; give how many."""

    def move(self, tx: Tx, was: Owner, to: Owner) -> None:
        """Make them the rows of the account's new id."""

    def forget(self, tx: Tx, owner: Owner) -> None:
        """Drop them; what they granted has ended before."""

    def was_committed(self) -> None:
        """Do what only makes sense once the transaction is on disk; called by who awaited it."""
