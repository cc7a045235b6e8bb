"""What signing in with another provider is, seen from here; `google` and `github` are two.

Apart from them, so that an installation that offers neither need not load what they stand on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from accounts.identity_kind import IdentityKind


@dataclass(frozen=True, slots=True, repr=False)
class Begun:
    """A sign-in begun: where to send the browser, and what to keep until it comes back."""

    url: str
    facts: dict[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class Identified:
    """Who it is, by the provider's word.

    `subject` names them for good (`https://accounts.google.com 1234`, `https://github.com 1234`);
    addresses and logins can be changed and given to somebody else. `name` is what they know it by.
    `address` is as the provider writes it. `authenticated_at`, in microseconds, is when they last
    showed the provider who they are; None where the provider does not say: then even a sign-in
    begun with `again` shows only that their browser is signed in there.
    """

    kind: IdentityKind
    subject: str
    name: str
    address: str | None
    address_is_verified: bool
    authenticated_at: int | None


class Elsewhere(Protocol):
    """A provider at which people sign in. Whatever it does, only `IdentityRefused` comes of it."""

    @property
    def kind(self) -> IdentityKind:
        """Give which."""

    @property
    def name(self) -> str:
        """Give what people call it."""

    async def begin(self, redirect_uri: str, *, again: bool) -> Begun:
        """Begin a sign-in; with `again`, one in which the provider asks anew who it is."""

    async def finish(self, facts: Mapping[str, str], query: Mapping[str, str]) -> Identified:
        """Finish it, with the facts of `begin` and the query that the browser came back with."""

    async def close(self) -> None:
        """Close the connections."""
