"""Links that mails hold. The ticket stands behind a #, which no browser sends to any server.

So it is in no server's or proxy's log, and in no Referer; the page's own script puts it into the
form that posts it. Whoever has no scripts pastes it there: the ticket alone is in the mail as well.
"""

from dataclasses import dataclass
from enum import StrEnum


class Page(StrEnum):
    """The pages that links lead to."""

    VERIFY = "/verify"
    RELEASE = "/release"
    RESET = "/reset/new"
    CHANGE_ADDRESS = "/address"
    SIGN_UP = "/sign-up"


@dataclass(frozen=True, slots=True)
class Links:
    """Links to this installation: `site` is its address as people reach it, without a slash."""

    site: str

    def to(self, page: Page, ticket: str) -> str:
        """Give the link to a page with a ticket."""
        return f"{self.site}{page}#{ticket}"
