"""The style sheets, the script and the icon of the pages: four files, read once, no others."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from keysteward.doors.door import PAGES, House

# Written out: under `nosniff` a script of the wrong type is refused, and the machine's own table of
# types differs from system to system.
_FILES: Final = {
    "colours.css": "text/css; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "door.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def file_routes(house: House) -> list[Route]:
    """Give a route for each of them."""
    return [_route(house, name, kind) for name, kind in _FILES.items()]


def _route(house: House, name: str, kind: str) -> Route:
    content = (PAGES / name).read_bytes()

    async def answer(_: Request) -> Response:
        return house.dressed(Response(content, media_type=kind))

    return Route(f"/doors/{name}", answer)
