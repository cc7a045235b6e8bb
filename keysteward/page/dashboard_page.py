"""The dashboard at /dashboard, from the package's own files: nothing on it comes from another host.

The files in `page/dashboard/` are plain modules, served as they are written; `vendor/` among them
is built from `page-src/dashboard/`. They are read once, when the routes are made, and an answer is
looked up among them: no path is ever joined from what a request says.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from keysteward.doors.places import DASHBOARD, DASHBOARD_PAGES, with_next
from keysteward.page.graphiql_page import Knows

_FILES: Final = Path(__file__).parent / "dashboard"

# Written out, because the machine's own table of types differs from system to system, and a script
# of the wrong type is refused under `nosniff`.
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

# Text that a provider or another user wrote can't become markup: what would make it so is refused
# by the browser itself (Trusted Types), should a line of ours ever try. The rest comes from
# `keysteward.http.SafeHeaders`, as on every answer.
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Permissions-Policy": (
        "camera=(), clipboard-read=(), clipboard-write=(self), display-capture=(), "
        "geolocation=(), microphone=(), payment=(), usb=()"
    ),
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: plain and compressed, and the mark by which a browser asks for it."""

    kind: str
    plain: bytes
    packed: bytes
    etag: str

    @classmethod
    def read(cls, file: Path) -> "Asset":
        """Read a file."""
        plain = file.read_bytes()
        return cls(
            _TYPES[file.suffix],
            plain,
            gzip.compress(plain, 9, mtime=0),
            f'"{hashlib.sha256(plain).hexdigest()[:20]}"',
        )

    def answer(self, request: Request, *, kept: str) -> Response:
        """Send it; nothing of it where the browser has it already."""
        headers = _HEADERS | {"Cache-Control": kept, "ETag": self.etag, "Vary": "Accept-Encoding"}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        # These files hold no secret and nothing that a request said: their length tells nothing.
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self.packed, media_type=self.kind, headers=headers)
        return Response(self.plain, media_type=self.kind, headers=headers)


def dashboard_routes(knows: Knows) -> list[Route]:
    """Serve the pages under /dashboard and their files, for GET and HEAD.

    A browser in which nobody is signed in is led to do that first, and back.
    """
    page = Asset.read(_FILES / "index.html")
    assets = {
        file.relative_to(_FILES).as_posix(): Asset.read(file)
        for file in sorted(_FILES.rglob("*"))
        if file.suffix in _TYPES and file.name != "index.html"
    }

    async def show_page(request: Request) -> Response:
        if not await knows(request):
            headers = _HEADERS | {"Cache-Control": "no-store"}
            return RedirectResponse(with_next("/sign-in", request.url.path), 303, headers=headers)
        # Never kept: a page that was left must not come back with what somebody had typed into it.
        return page.answer(request, kept="no-store")

    async def show_asset(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("No such file.", 404, headers=_HEADERS)
        return asset.answer(request, kept="no-cache")

    return [
        *(Route(path, show_page) for path in DASHBOARD_PAGES),
        Route(f"{DASHBOARD}/assets/{{name:path}}", show_asset, name="dashboard-asset"),
    ]
