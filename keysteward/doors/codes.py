"""Codes by WhatsApp: the number first, then the six digits, both in the same browser."""

from starlette.responses import Response
from starlette.routing import Route

from accounts.elsewhere import Intent
from accounts.errors import NotOffered, SignInRefused, TicketGone
from accounts.invites import SignUp
from keysteward.doors.door import Call, House, Page, door, go
from keysteward.doors.elsewhere import intent_of
from keysteward.doors.places import HOME, with_next
from resolvers.account import owner_for
from resolvers.means import ask_for_code, by_code
from store.errors import Failure


def code_routes(house: House) -> list[Route]:
    """Give the routes of both pages."""
    gone = "This code is no longer good: it was tried too often, or is too old. Ask for another."
    words: dict[type[Failure], str] = {
        TicketGone: gone,
        SignInRefused: "That number does not sign in to this account.",
    }
    return [
        door(house, "/code", number_page, ask),
        door(house, "/code/show", code_page, show, words=words),
    ]


async def number_page(call: Call) -> Page | Response:
    """Ask for a number."""
    _make_sure(call)
    intent = intent_of(call.text("intent") or call.request.query_params.get("intent", "SIGN_IN"))
    if intent is not Intent.SIGN_IN and await call.session() is None:
        return go(with_next(HOME, call.next))
    return Page("code.html", {"intent": intent})


async def ask(call: Call) -> Response:
    """Have a code sent; the ticket that makes it worth something goes to this browser."""
    _make_sure(call)
    intent = intent_of(call.text("intent"))
    owner, _ = await owner_for(call.context, intent)
    ticket = await ask_for_code(call.context, call.text("number"), intent, owner)
    response = go(with_next("/code/show", call.next))
    call.hold(response, "code", ticket)
    return response


async def code_page(call: Call) -> Page | Response:
    """Ask for the code."""
    _make_sure(call)
    if not call.held("code"):
        return go(with_next("/code", call.next))
    return Page("code_show.html", {"needs_invite": call.people.invites.sign_up is SignUp.INVITE})


async def show(call: Call) -> Response:
    """Do what the code was asked for."""
    _make_sure(call)
    outcome = await by_code(call.context, call.held("code"), call.text("code"), call.ticket)
    response = call.go_on(outcome)
    call.drop(response, "code")
    return response


def _make_sure(call: Call) -> None:
    if not call.people.phone_codes.offered:
        raise NotOffered("signing in with WhatsApp")
