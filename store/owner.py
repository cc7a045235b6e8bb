"""Whose rows: the types that every statement on a customer's row asks for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who has shown who they are. `account` is SHA-256 of the e-mail address, in hex."""

    account: str


@dataclass(frozen=True, slots=True)
class ProvenOwner(Owner):
    """An owner who showed who they are within the last five minutes, with all of their factors.

    Made by `accounts.sessions` alone (a test holds that); reveal, rotate, remove and the making of
    tokens take nothing less.
    """
