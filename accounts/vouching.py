"""Vouchers: keyed digests that show who wrote a row that grants something.

Somebody who can write to the database but has no master key could otherwise add a session, a token
or a password of their own to another's account, or put their own account's row under its name. A
voucher covers the table, the account and all that the row grants; without it, the row is not there.
It can't show that a row was put back as it once was: so what ends something, deletes its row.
"""

from audit import Signer
from store import Owner

_PURPOSE = "row voucher"
Fact = str | int | bytes | None


def vouch(signer: Signer, table: str, owner: Owner, *facts: Fact) -> bytes:
    """Give the voucher of a row."""
    return signer.sign(_PURPOSE, _message(table, owner.account, *facts))


def vouched(signer: Signer, voucher: bytes, table: str, owner: Owner, *facts: Fact) -> bool:
    """Tell whether a row was written by this program, with one of its master keys."""
    return signer.signed(_PURPOSE, _message(table, owner.account, *facts), voucher)


def _message(*facts: Fact) -> bytes:
    """Give the facts so that no two lists of them read the same: as Python writes them, in ASCII.

    That tells numbers, texts, bytes and nothing apart, and quotes what a text may hold. A member of
    an enumeration is written by its name, which no release may change: give its text instead.
    """
    return ascii(facts).encode()
