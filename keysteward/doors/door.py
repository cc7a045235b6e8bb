"""A door: a page that a GET shows, and what a POST from it does. All of them answer alike.

Whatever goes wrong, the page comes again with one sentence; what is not expected goes to the log
under a reference, and the page names that.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from accounts.elsewhere import Linked, Outcome
from accounts.entering import HalfEntered
from accounts.errors import SignInRequired, StaleLogin
from accounts.people import People
from accounts.sessions import Session
from keysteward.config import Config
from keysteward.doors.forms import ask_whence, form_of
from keysteward.doors.places import ACCOUNT, DASHBOARD, place_of, with_next
from keysteward.doors.refusals import EXPECTED, Refusal, refusal_of
from resolvers.context import Context, Cookies, Services
from store.errors import Failure

_LOG: Final = logging.getLogger("keysteward.doors")
_LONGEST_KEPT: Final = 254
_LONGEST_LINK: Final = 1000
STEP_SECONDS: Final = 600
PAGES: Final = Path(__file__).parent.parent / "page" / "doors"


@dataclass(frozen=True, slots=True)
class Page:
    """What to show: a template, and what it is to say."""

    template: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class House:
    """The installation whose doors these are."""

    def __init__(self, config: Config, services: Services) -> None:
        self.config = config
        self.services = services
        self._templates = Environment(
            loader=FileSystemLoader(PAGES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._headers = {
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": _policy(config),
        }

    def dressed(self, response: Response) -> Response:
        """Put the headers on that every answer here has."""
        response.headers.update(self._headers)
        return response

    def page(self, template: str, status: HTTPStatus, facts: Mapping[str, Any]) -> Response:
        """Write a page."""
        return HTMLResponse(self._templates.get_template(template).render(facts), status)

    async def knows(self, request: Request) -> bool:
        """Tell whether somebody is signed in in this browser."""
        return await Context(self.services, request, Response()).session_or_none() is not None

    def ours(self, request: Request) -> set[str]:
        """Give the origins that are ours: on this machine, by whichever name it was called."""
        host = request.headers.get("host", "")
        return {self.config.url, *(() if self.config.secure else (f"http://{host}",))}


@dataclass(frozen=True, slots=True)
class Call:
    """One request at a door."""

    house: House
    request: Request
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """Give the parts that do the work."""
        return self.house.services

    @property
    def people(self) -> People:
        """Give the parts by which people get in."""
        return self.house.services.people

    @property
    def cookies(self) -> Cookies:
        """Give how cookies are called here."""
        return self.house.services.cookies

    @property
    def context(self) -> Context:
        """Give what fields of GraphQL are handed, for what pages share with them."""
        return Context(self.services, self.request, Response())

    @property
    def next(self) -> str:
        """Give where to go on to; nothing where that is not said, or not ours."""
        return place_of(self.form.get("next") or self.request.query_params.get("next", ""))

    @property
    def ticket(self) -> str:
        """Give a ticket as it was typed, or the end of the link in which it was."""
        return self.form.get("ticket", "")[-_LONGEST_LINK:].rpartition("#")[2].strip()

    def text(self, name: str) -> str:
        """Give what was typed into a field; nothing where it was not sent."""
        return self.form.get(name, "")

    async def session(self) -> Session | None:
        """Give who is signed in in this browser; None where nobody is."""
        return await self.context.session_or_none()

    def step(self, name: str) -> str:
        """Name the cookie that binds a step half done to this browser."""
        return f"{self.cookies.session}-{name}"

    def held(self, name: str) -> str:
        """Give what the browser brings back of such a step."""
        return self.request.cookies.get(self.step(name), "")

    def hold(self, response: Response, name: str, ticket: str) -> None:
        """Give the browser what it must bring back, for ten minutes."""
        self.cookies.put(response, self.step(name), ticket, seconds=STEP_SECONDS)

    def drop(self, response: Response, name: str) -> None:
        """Take it back."""
        self.cookies.take(response, self.step(name))

    def go_on(self, outcome: Outcome, *, place: str = "") -> Response:
        """Let somebody in, or ask for the second factor, and lead them on."""
        place = place or self.next
        if isinstance(outcome, HalfEntered):
            response = go(with_next("/second-factor", place))
            self.hold(response, "second", outcome.ticket)
            return response
        if isinstance(outcome, Linked):
            return go(place or ACCOUNT)
        response = go(place or self.first_place)
        self.cookies.let_in(response, outcome)
        return response

    @property
    def first_place(self) -> str:
        """Give where somebody goes who has not said where to."""
        return DASHBOARD


Show = Callable[[Call], Awaitable[Page | Response]]
Act = Callable[[Call], Awaitable[Response]]


def go(path: str) -> Response:
    """Send the browser on, by GET."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


def done(call: Call, title: str, sentence: str, *links: tuple[str, str]) -> Response:
    """Say that it is done, and what may come next."""
    facts = {"title": title, "sentence": sentence, "links": links}
    return _render(call, Page("done.html", facts))


def door(
    house: House,
    path: str,
    show: Show,
    act: Act | None = None,
    *,
    get: Act | None = None,
    only_posts: bool = False,
    words: dict[type[Failure], str] | None = None,
) -> Route:
    """Make the route of a page. `show` changes nothing; `act` is what its POST does.

    `show` is what comes again when something fails, in the page's own `words` where it has some;
    `get` is what a GET does in its place, for the one way back in that is one.
    """
    methods = [*([] if only_posts else ["GET"]), *(["POST"] if act else [])]

    async def answer(request: Request) -> Response:
        call = Call(house, request)
        try:
            if request.method == "POST" and act is not None:
                ask_whence(request.headers, house.ours(request))
                call = replace(call, form=await form_of(request))
                return house.dressed(await act(call))
            if get is not None:
                return house.dressed(await get(call))
            return house.dressed(_render(call, await show(call)))
        except EXPECTED as failure:
            return house.dressed(await _refuse(call, show, failure, words or {}))
        except Exception:  # noqa: BLE001 - logged with its traceback, answered without
            return house.dressed(_fault(call))

    return Route(path, answer, methods=methods)


async def _refuse(
    call: Call, show: Show, failure: Failure, words: dict[type[Failure], str]
) -> Response:
    """Show the page again, with why."""
    if isinstance(failure, StaleLogin):
        return go(with_next("/fresh", call.next))
    refusal = refusal_of(failure, words)
    try:
        page = await show(call)
    except EXPECTED:  # what a page needs can't be had at this moment either
        page = Page("refused.html")
    except Exception:  # noqa: BLE001 - as above
        return _fault(call)
    if isinstance(page, Response):
        if isinstance(failure, SignInRequired):
            return page
        page = Page("refused.html")
    return _render(call, page, refusal)


def _fault(call: Call) -> Response:
    reference = secrets.token_hex(3).upper()
    _LOG.exception("fault %s at a door", reference)
    sentence = f"Something went wrong (ref {reference})."
    refusal = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, sentence)
    return _render(call, Page("refused.html"), refusal)


def _render(call: Call, page: Page | Response, refusal: Refusal | None = None) -> Response:
    if isinstance(page, Response):
        return page
    facts = {
        "error": refusal,
        "next": call.next,
        "typed": _kept(call),
        "graphiql": call.house.config.graphiql,
        "path": call.request.url.path,
        **page.facts,
    }
    status = HTTPStatus.OK if refusal is None else refusal.status
    response = call.house.page(page.template, status, facts)
    if refusal is not None and refusal.wait is not None:
        response.headers["Retry-After"] = str(refusal.wait)
    return response


def _kept(call: Call) -> dict[str, str]:
    """Give what may be put back into its field: what can only be an address, or a number.

    A password that was typed one field too high is not repeated.
    """
    address, number = call.text("address"), call.text("number")
    return {
        "address": address if "@" in address and len(address) <= _LONGEST_KEPT else "",
        "number": number if set(number) <= set("+0123456789 -()/.") else "",
    }


def _policy(config: Config) -> str:
    """Allow own files and own forms; nothing inline, no frame.

    Chromium holds the redirect that answers a form to `form-action` as well: so the providers that
    people are sent on to stand there.
    """
    providers = [
        *([config.google_issuer] if config.google_client_id else []),
        *([config.github_url] if config.github_client_id else []),
    ]
    targets = " ".join(["'self'", *(_origin(each) for each in providers)])
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {targets}"
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
