"""Where mailed links lead to, and a forgotten password: each is used by a button, never by opening.

The link's ticket stands behind a #, which reaches no server: the page's script puts it into the
form, or it is pasted there.
"""

from starlette.responses import Response
from starlette.routing import Route

from accounts.errors import SignInRefused, SignInRequired, TicketGone
from keysteward.doors.door import Call, House, Page, done, door
from resolvers.addresses import take_link
from store.errors import Failure

_SIGN_IN = ("/sign-in", "Sign in")


def mailed_routes(house: House) -> list[Route]:
    """Give the routes of these pages."""
    gone: dict[type[Failure], str] = {
        TicketGone: "This link is no longer good: it was used, is too old, or a newer one was sent."
    }
    whose: dict[type[Failure], str] = {
        SignInRefused: "Give the password of the account that this link is of."
    }
    return [
        door(house, "/reset", reset_page, reset),
        door(house, "/reset/new", new_password_page, new_password, words=gone),
        door(house, "/verify", verify_page, verify, words={**gone, **whose}),
        door(house, "/verify/again", verify_page, again, only_posts=True),
        door(house, "/release", release_page, release, words=gone),
        door(house, "/address", address_page, address, words=gone),
    ]


async def reset_page(_: Call) -> Page:
    """Ask for the address."""
    return Page("reset.html")


async def reset(call: Call) -> Response:
    """Have a link sent, if there is such an account; the page does not tell."""
    await call.people.resets.ask(call.text("address"), call.cookies.visit(call.request))
    return done(
        call,
        "Look into your mail",
        "If there is an account with this address, a link to choose a new password is on its way "
        "to it. It is good for a day.",
        ("/reset/new", "I have the link or its code"),
        ("/sign-in", "Back to sign in"),
    )


async def new_password_page(_: Call) -> Page:
    """Ask for a new password."""
    return Page("reset_new.html")


async def new_password(call: Call) -> Response:
    """Put the new password in the old one's place. It signs nobody in."""
    visit = call.cookies.visit(call.request)
    await call.people.resets.reset(call.ticket, call.text("password"), visit)
    sentence = "Your new password counts, and every session has ended. Sign in with it."
    return done(call, "A new password", sentence, _SIGN_IN)


async def verify_page(call: Call) -> Page:
    """Ask whoever comes by a link to say that it was them."""
    return Page("verify.html", {"address": await _address(call)})


async def verify(call: Call) -> Response:
    """Take the link, from who is signed in to its account or gives the password."""
    await take_link(call.context, call.ticket, call.text("password"))
    sentence = "Mail to your address reaches you."
    return done(call, "Your address is verified", sentence, (call.first_place, "Go on"))


async def again(call: Call) -> Response:
    """Send the link to verify the address once more."""
    session = await call.session()
    if session is None:
        raise SignInRequired
    await call.people.verifying.send_again(session.owner)
    sentence = "Another link is on its way to your address. Those that were sent before are void."
    return done(call, "Look into your mail", sentence, (call.first_place, "Go on"))


async def release_page(_: Call) -> Page:
    """Ask whether an account is to go."""
    return Page("release.html")


async def release(call: Call) -> Response:
    """Give up an account that somebody else made with this address."""
    await call.people.verifying.release(call.ticket)
    sentence = "What was made with your address is deleted. Nobody can sign in with it."
    return done(call, "The account is gone", sentence)


async def address_page(call: Call) -> Page:
    """Ask whether the new address is to count."""
    return Page("address.html", {"address": await _address(call)})


async def address(call: Call) -> Response:
    """Take the new address: every session ends, this one too."""
    session = await call.session()
    if session is None:
        raise SignInRequired
    await call.people.moving.confirm(session.owner, call.ticket, call.cookies.visit(call.request))
    sentence = "Your account has its new address, and every session has ended. Sign in with it."
    response = done(call, "Your address is changed", sentence, _SIGN_IN)
    call.cookies.take(response, call.cookies.session)
    return response


async def _address(call: Call) -> str:
    """Give the address of who is signed in; nothing where nobody is."""
    session = await call.session()
    if session is None:
        return ""
    standing = await call.people.accounts.standing(session.owner)
    return standing.address or "an account without an address"
