"""Signing in, up and out, the second factor, and showing again who one is."""

from starlette.responses import Response
from starlette.routing import Route

from accounts.errors import SignInRefused, SignInRequired, TicketGone
from accounts.sessions import Means, Session
from keysteward.doors.door import Call, House, Page, door, go
from keysteward.doors.places import HOME, with_next


def entrance_routes(house: House) -> list[Route]:
    """Give the routes of these pages."""
    too_late = "This took too long, or was tried too often. Sign in again."
    return [
        door(house, "/", first),
        door(house, "/sign-in", sign_in_page, sign_in),
        door(house, "/sign-up", sign_up_page, sign_up),
        door(house, "/sign-out", sign_in_page, sign_out, only_posts=True),
        door(
            house, "/second-factor", second_factor_page, second_factor, words={TicketGone: too_late}
        ),
        door(house, "/fresh", fresh_page, fresh, words={SignInRefused: "The password is wrong."}),
    ]


async def first(call: Call) -> Response:
    """Lead whoever knows only our name on to somewhere."""
    return go(call.first_place)


async def sign_in_page(call: Call) -> Page:
    """Show the ways in, or who is in already."""
    session = await call.session()
    if session is not None:
        return await _signed_in_page(call, session)
    people = call.people
    return Page(
        "sign_in.html",
        {
            "offered": people.offered,
            "passkeys_at": people.passkeys_at,
            "sign_up": people.invites.sign_up,
        },
    )


async def sign_in(call: Call) -> Response:
    """Sign in by address and password."""
    entered = await call.people.entering.by_password(
        call.text("address"), call.text("password"), call.cookies.visit(call.request)
    )
    return call.go_on(entered)


async def sign_up_page(call: Call) -> Page:
    """Show how an account is made here, or who is in already."""
    session = await call.session()
    if session is not None:
        return await _signed_in_page(call, session)
    people = call.people
    return Page("sign_up.html", {"offered": people.offered, "sign_up": people.invites.sign_up})


async def sign_up(call: Call) -> Response:
    """Make an account. The page that follows says that a mail is on its way."""
    entered = await call.people.entering.sign_up(
        call.text("address"),
        call.text("password"),
        call.cookies.visit(call.request),
        invite=call.ticket,
    )
    # A redirect without a fragment takes that of the form's address along, which is the invite.
    response = go(f"{call.next or HOME}#" if call.ticket else call.next or HOME)
    call.cookies.let_in(response, entered)
    return response


async def sign_out(call: Call) -> Response:
    """End the session, and take its cookie; the browser stays known."""
    session = await call.session()
    if session is not None:
        await call.people.sessions.end(session)
    response = go(HOME)
    call.cookies.take(response, call.cookies.session)
    return response


async def second_factor_page(call: Call) -> Page | Response:
    """Ask for the second factor, in the browser that has shown the first."""
    if not call.held("second"):
        return go(with_next(HOME, call.next))
    return Page("second_factor.html")


async def second_factor(call: Call) -> Response:
    """Let in whoever shows the second factor."""
    entered = await call.people.entering.second(
        call.held("second"),
        call.text("code"),
        call.cookies.visit(call.request),
        session=await call.session(),
    )
    response = call.go_on(entered)
    call.drop(response, "second")
    return response


async def fresh_page(call: Call) -> Page | Response:
    """Ask somebody who is signed in for one of their own ways to show it again."""
    session = await call.session()
    if session is None:
        return go(with_next(HOME, call.next))
    ways = {way.means for way in await call.people.ways.list(session.owner)}
    facts = {
        "address": (await call.people.accounts.standing(session.owner)).address,
        "has_password": Means.PASSWORD in ways,
        "offered": [kind for kind in call.people.offered if Means(kind) in ways],
        "passkeys_at": call.people.passkeys_at if Means.PASSKEY in ways else "",
    }
    return Page("fresh.html", facts)


async def fresh(call: Call) -> Response:
    """Make the login fresh by the password."""
    session = await call.session()
    if session is None:
        raise SignInRequired
    entered = await call.people.entering.again_by_password(
        session, call.text("password"), call.cookies.visit(call.request)
    )
    return call.go_on(entered)


async def _signed_in_page(call: Call, session: Session) -> Page:
    standing = await call.people.accounts.standing(session.owner)
    facts = {
        "address": standing.address,
        "is_verified": standing.verified_at is not None,
        "first_place": call.first_place,
    }
    return Page("signed_in.html", facts)
