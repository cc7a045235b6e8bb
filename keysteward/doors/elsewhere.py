"""To Google or GitHub, and back. Coming back is the one GET that lets somebody in.

It is bound to the browser by a cookie that only the beginning sets, and to what was begun by the
state in the address; both are good once.
"""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accounts.elsewhere import Intent
from accounts.errors import NotOffered, SignInRefused, SignInRequired, TicketGone
from accounts.identity_kind import IdentityKind
from keysteward.doors.door import STEP_SECONDS, Call, House, door, go
from keysteward.doors.entrance import sign_in_page
from keysteward.doors.forms import FormRefused
from keysteward.doors.places import place_of
from resolvers.account import owner_for
from store.errors import Failure

_KINDS: Final = {kind.lower(): kind for kind in (IdentityKind.GOOGLE, IdentityKind.GITHUB)}
_BETWEEN: Final = "~"
"""Parts the ticket, which has none, from where to go on to, in the one cookie."""


def elsewhere_routes(house: House) -> list[Route]:
    """Give the routes there and back."""
    words: dict[type[Failure], str] = {
        TicketGone: "This sign-in was begun in another browser, or too long ago. Begin again.",
        SignInRequired: "Your session has ended meanwhile. Sign in, then begin again.",
        SignInRefused: "That is not the account there which signs in to this one.",
    }
    there = door(house, "/auth/{kind}", sign_in_page, begin, only_posts=True)
    back = door(house, "/auth/{kind}/callback", sign_in_page, get=finish, words=words)
    cookies = house.services.cookies

    async def came_back(request: Request) -> Response:
        if request.method == "HEAD":  # it would use the ticket up, and get no page
            return house.dressed(Response(None, HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET"}))
        response: Response = await back.endpoint(request)
        cookies.take(response, cookies.flow)
        return response

    return [there, Route(back.path, came_back, methods=["GET"])]


def intent_of(text: str) -> Intent:
    """Read what somebody wants to do. Raises `FormRefused`."""
    try:
        return Intent(text)
    except ValueError:
        sentence = "Begin again: it was not said what this is for."
        raise FormRefused(HTTPStatus.BAD_REQUEST, sentence) from None


async def begin(call: Call) -> Response:
    """Send the browser to the provider, with a cookie to come back with."""
    kind, intent = _kind(call), intent_of(call.text("intent"))
    _, session = await owner_for(call.context, intent)
    url, ticket = await call.people.elsewhere.begin(
        kind, intent, call.cookies.visit(call.request), session=session, invite=call.ticket
    )
    response = go(url)
    held = f"{ticket}{_BETWEEN}{call.next}"
    call.cookies.put(response, call.cookies.flow, held, seconds=STEP_SECONDS)
    return response


async def finish(call: Call) -> Response:
    """Take the browser back, and do what it went there for."""
    kind = _kind(call)
    held = call.request.cookies.get(call.cookies.flow, "")
    ticket, _, place = held.partition(_BETWEEN)
    outcome = await call.people.elsewhere.finish(
        kind,
        ticket,
        dict(call.request.query_params),
        call.cookies.visit(call.request),
        session=await call.session(),
    )
    return call.go_on(outcome, place=place_of(place))


def _kind(call: Call) -> IdentityKind:
    try:
        return _KINDS[call.request.path_params["kind"]]
    except KeyError:
        raise NotOffered("signing in this way") from None
