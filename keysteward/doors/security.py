"""What is promised here, for everybody to read, and how to report that it does not hold.

Each promise stands with the check that shows it and with what that check last said on this very
installation. What never ran is said not to have run.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from keysteward.built_on import versions
from keysteward.doors.door import Call, House, Page, door
from keysteward.promises import PROMISES
from keysteward.proofs import Proof, ProofsUnreadable, read_proofs
from store.clock import SECOND

REPORTING: Final = (
    "Please report a weakness in private: by the *Security* tab of this repository's host (a "
    "private advisory), or to whoever operates the installation that you found it in."
)
"""How, where the operator names no contact: the words of SECURITY.md."""
_GOOD_DAYS: Final = 90
_CODE: Final = re.compile(r"`([^`]+)`")
_STRESSED: Final = re.compile(r"\*([^*]+)\*")


def security_routes(house: House) -> list[Route]:
    """Give the routes of the page, and of security.txt where a contact is named."""
    page = door(house, "/security", security_page)
    if not house.config.security_contact:
        return [page]

    async def text(_: Request) -> Response:
        return house.dressed(PlainTextResponse(security_txt(house)))

    return [page, Route("/.well-known/security.txt", text)]


async def security_page(call: Call) -> Page:
    """Show the promises, their checks and what those last said, versions, and how to report."""
    config = call.house.config
    proofs: Sequence[Proof] = ()
    unreadable = ""
    try:
        proofs = await asyncio.to_thread(read_proofs, config.proofs_file)
    except ProofsUnreadable as failure:
        unreadable = str(failure)
    facts = {
        "promises": PROMISES,
        "proofs": proofs,
        "unreadable": unreadable,
        "versions": versions(),
        "contact": config.security_contact,
        "reporting": REPORTING,
        "marked": _marked,
    }
    return Page("security.html", facts)


def security_txt(house: House) -> str:
    """Write it as RFC 9116 asks. It says for 90 days from today that it is good.

    Addresses of the web must be https in it: without that, none of ours is named.
    """
    today = datetime.fromtimestamp(house.services.clock() // SECOND, UTC).date()
    lines = [
        f"Contact: {house.config.security_contact}",
        f"Expires: {today + timedelta(days=_GOOD_DAYS)}T00:00:00Z",
        "Preferred-Languages: en",
    ]
    if house.config.secure:
        lines += [
            f"Canonical: {house.config.url}/.well-known/security.txt",
            f"Policy: {house.config.url}/security",
        ]
    return "\n".join(lines) + "\n"


def _marked(text: str) -> Markup:
    """Write a text of ours as markup: code between backticks, stress between stars."""
    shown = _CODE.sub(r"<code>\1</code>", str(escape(text)))
    return Markup(_STRESSED.sub(r"<em>\1</em>", shown))  # noqa: S704 - it was escaped above
