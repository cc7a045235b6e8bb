"""Files' content, at /files/{id}: for whoever is signed in, as a download, never as a page.

A provider, or whoever wrote what it answered with, chose the bytes and the type: so the browser is
told to save them, to guess no other type, and to run nothing should somebody show them anyway.
"""

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from broker.errors import FileGone
from keysteward.doors.places import FILES, with_next
from resolvers.context import Context, Services

_TYPE: Final = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}(; ?charset=[\w-]{1,40})?", re.ASCII)
_OURS: Final = frozenset({"same-origin", "none"})
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def download_routes(services: Services) -> list[Route]:
    """Give the route of the files' content."""

    async def give(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "none") not in _OURS:
            return _refused(HTTPStatus.FORBIDDEN, "Another site's page asked for this.")
        session = await Context(services, request, Response()).session_or_none()
        if session is None:
            return RedirectResponse(
                with_next("/sign-in", FILES), HTTPStatus.SEE_OTHER, headers=_HEADERS
            )
        owner = session.owner
        try:
            file = await services.files.find(owner, request.path_params["file"])
        except FileGone as gone:
            return _refused(HTTPStatus.NOT_FOUND, str(gone))
        known = _TYPE.fullmatch(file.content_type)
        return StreamingResponse(
            services.files.content(owner, file),
            media_type=file.content_type if known else "application/octet-stream",
            headers=_HEADERS
            | {
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
                "Content-Length": str(file.bytes),
            },
        )

    return [Route("/files/{file}", give)]


def _refused(status: HTTPStatus, sentence: str) -> Response:
    return PlainTextResponse(sentence, status, headers=_HEADERS)
