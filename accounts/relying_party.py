"""Whom passkeys are made for: this installation, by its name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The site: its domain (`id`), its origin (`https://…`), and its name as browsers show it."""

    id: str
    origin: str
    name: str
