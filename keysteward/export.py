"""The list of keys as a download, at /export/keys.json and /export/keys.csv: for people alone.

It takes a login of the last five minutes, as whatever leaves the house does: a browser without one
is led to show who it is, and back. A program has no use for a file: it asks GraphQL for `keys`.
"""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from accounts.errors import StaleLogin
from keysteward.doors.places import EXPORTS, HOME, with_next
from resolvers.context import Context, Services
from resolvers.key_list import exported
from schema.inputs import ListFormat

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_OURS: Final = frozenset({"same-origin", "none"})


def export_routes(services: Services) -> list[Route]:
    """Give the routes of the list, one for each format."""
    return [_route(services, path, form) for path, form in zip(EXPORTS, ListFormat, strict=True)]


def _route(services: Services, path: str, form: ListFormat) -> Route:
    async def give(request: Request) -> Response:
        context = Context(services, request, Response())
        if context.token() is not None:
            return _refused("This is for people. With a token, ask GraphQL for `keys`.")
        if _is_fetched_by_others(request):
            return _refused("Another site's page asked for this.")
        session = await context.session_or_none()
        if session is None:
            return _led_to(HOME, path)
        try:
            owner = services.people.sessions.proven(session)
        except StaleLogin:
            return _led_to("/fresh", path)
        made = await exported(services.vault, services.clock, owner, form)
        disposition = f'attachment; filename="{made.name}"'
        return Response(
            made.text,
            media_type=made.media_type,
            headers=_HEADERS | {"Content-Disposition": disposition},
        )

    return Route(path, give, methods=["GET"])


def _is_fetched_by_others(request: Request) -> bool:
    """Tell whether another site's page asked; not for a person who is led back from elsewhere."""
    site = request.headers.get("sec-fetch-site", "none")
    return site not in _OURS and request.headers.get("sec-fetch-mode") != "navigate"


def _led_to(page: str, path: str) -> Response:
    return RedirectResponse(with_next(page, path), HTTPStatus.SEE_OTHER, headers=_HEADERS)


def _refused(sentence: str) -> Response:
    return PlainTextResponse(sentence, HTTPStatus.FORBIDDEN, headers=_HEADERS)
