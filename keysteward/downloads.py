"""What a browser saves: kept answers at /files/{id}, the list of keys at /export/keys.{json,csv}.

Only whoever is signed in gets them, and never as a page. A provider, or whoever wrote what it
answered with, chose a file's bytes and type: so the browser is told to save them, to guess no other
type, and to run nothing should somebody show them anyway.

The list takes a login of the last five minutes, as whatever leaves the house does: a browser
without one is led to show who it is, and back. A program has no use for a file: it asks GraphQL for
`keys`.
"""

import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from accounts.errors import StaleLogin
from broker.errors import FileGone
from keysteward.doors.places import EXPORTS, FILES, HOME, KEYS, with_next
from resolvers.context import Context, Services
from resolvers.key_list import exported
from schema.inputs import ListFormat
from vault.errors import SealBroken

_TYPE: Final = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}(; ?charset=[\w-]{1,40})?", re.ASCII)
_OURS: Final = frozenset({"same-origin", "none"})
# The rest comes from `keysteward.http.SafeHeaders`, as on every answer.
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}


def download_routes(services: Services) -> list[Route]:
    """Give the routes of files' content, and of the list of keys in each format."""
    return [
        _file_route(services),
        *(
            _list_route(services, path, form)
            for path, form in zip(EXPORTS, ListFormat, strict=True)
        ),
    ]


def _file_route(services: Services) -> Route:
    async def give(request: Request) -> Response:
        if not _is_from_here(request):
            return _refused(HTTPStatus.FORBIDDEN, "Another site's page asked for this.")
        session = await Context(services, request, Response()).session_or_none()
        if session is None:
            return _led_to(HOME, FILES)
        owner = session.owner
        try:
            file = await services.files.find(owner, request.path_params["file"])
        except FileGone as gone:
            return _refused(HTTPStatus.NOT_FOUND, str(gone))
        known = _TYPE.fullmatch(file.content_type)
        content = services.files.content(owner, file)
        try:
            first = await anext(content, b"")
        except (FileGone, SealBroken):
            return _refused(HTTPStatus.CONFLICT, "This file does not open any more.")
        return StreamingResponse(
            _from(first, content),
            media_type=file.content_type if known else "application/octet-stream",
            headers=_saved_as(file.name) | {"Content-Length": str(file.bytes)},
        )

    return Route("/files/{file}", give)


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part


def _list_route(services: Services, path: str, form: ListFormat) -> Route:
    async def give(request: Request) -> Response:
        context = Context(services, request, Response())
        if context.token() is not None:
            sentence = "This is for people. With a token, ask GraphQL for `keys`."
            return _refused(HTTPStatus.FORBIDDEN, sentence)
        if not _is_from_here(request):
            # Who comes back from Google, and whom any page sends here, is led to where one asks for
            # it: the list goes, and the trail says so, for nobody who did not.
            if request.headers.get("sec-fetch-mode") == "navigate":
                return RedirectResponse(KEYS, HTTPStatus.SEE_OTHER, headers=_HEADERS)
            return _refused(HTTPStatus.FORBIDDEN, "Another site's page asked for this.")
        session = await context.session_or_none()
        if session is None:
            return _led_to(HOME, path)
        try:
            owner = services.people.sessions.proven(session)
        except StaleLogin:
            return _led_to("/fresh", path)
        made = await exported(services.vault, services.clock, owner, form)
        return Response(made.text, media_type=made.media_type, headers=_saved_as(made.name))

    return Route(path, give, methods=["GET"])


def _is_from_here(request: Request) -> bool:
    """Tell whether a page of ours asked, or a person who typed the address."""
    return request.headers.get("sec-fetch-site", "none") in _OURS


def _saved_as(name: str) -> dict[str, str]:
    return _HEADERS | {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    }


def _led_to(page: str, path: str) -> Response:
    return RedirectResponse(with_next(page, path), HTTPStatus.SEE_OTHER, headers=_HEADERS)


def _refused(status: HTTPStatus, sentence: str) -> Response:
    return PlainTextResponse(sentence, status, headers=_HEADERS)
