"""GraphiQL at /graphiql, from the package's own files: nothing on it comes from another host.

The files in `page/graphiql/` are built from `page-src/graphiql/` and committed. They are listed
once, when the routes are made, and an answer is looked up in that list: no path is ever joined
from what a request says, so nothing outside the folder can be reached.
"""

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

_BUILT = Path(__file__).parent / "graphiql"

# What `index.html` holds in the place of the nonce.
_NONCE = "{{ style nonce }}"

# Written out, because the machine's own table of types differs from system to system, and a script
# of the wrong type is refused under `nosniff`.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".ttf": "font/ttf",
}

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Copy and paste are in the editor's menu; the browser itself asks before a page may paste.
    "Permissions-Policy": (
        "camera=(), clipboard-read=(self), clipboard-write=(self), display-capture=(), "
        "geolocation=(), microphone=(), payment=(), usb=()"
    ),
}


Knows = Callable[[Request], Awaitable[bool]]
"""Tells whether somebody is signed in in the browser that asks."""


def graphiql_routes(knows: Knows) -> list[Route]:
    """Serve the page at /graphiql and its files at /graphiql/assets/…, for GET and HEAD.

    A browser in which nobody is signed in is led to do that first, unless it says otherwise.
    """
    page = (_BUILT / "index.html").read_text(encoding="utf-8")
    assets = {file.name: file for file in (_BUILT / "assets").iterdir() if file.suffix in _TYPES}

    async def show_page(request: Request) -> Response:
        is_browser = request.headers.get("sec-fetch-mode") == "navigate"
        is_asked = is_browser and "anonymous" not in request.query_params
        if is_asked and not await knows(request):
            headers = _HEADERS | {"Cache-Control": "no-store"}
            return RedirectResponse("/sign-in?next=/graphiql", 303, headers=headers)
        nonce = secrets.token_hex(16)
        # Never kept: the nonce is for one answer, and a page that was left must not come back from
        # the browser's cache with the password or key that somebody had typed into it.
        headers = _HEADERS | {
            "Content-Security-Policy": _policy(nonce),
            "Cache-Control": "no-store",
        }
        return HTMLResponse(page.replace(_NONCE, nonce), headers=headers)

    async def show_asset(request: Request) -> Response:
        # A worker lives under the policy of its own script's answer, not under the page's.
        headers = _HEADERS | {"Content-Security-Policy": _policy()}
        file = assets.get(request.path_params["name"])
        if file is None:
            headers |= {"Cache-Control": "no-store"}
            return PlainTextResponse("No such file.", 404, headers=headers)
        # A file's name holds the hash of its content: it can't change under that name.
        headers |= {"Cache-Control": "public, max-age=31536000, immutable"}
        return FileResponse(file, media_type=_TYPES[file.suffix], headers=headers)

    return [
        Route("/graphiql", show_page, name="graphiql"),
        Route("/graphiql/assets/{name}", show_asset, name="graphiql-asset"),
    ]


def _policy(nonce: str | None = None) -> str:
    """Allow own files and own sockets only: no inline script or style, no eval, no frame.

    Monaco, GraphiQL's editor, makes style elements while it runs. The nonce is for those; it is not
    in `script-src`, so it starts no script. `page-src/graphiql/src/styles.js` tells how Monaco is
    kept from needing 'unsafe-inline'. Its style sheets hold some of its icons as data: images.
    """
    styles = "'self'" if nonce is None else f"'self' 'nonce-{nonce}'"
    return (
        "default-src 'none'; script-src 'self'; "
        f"style-src {styles}; "
        "connect-src 'self'; img-src 'self' data:; font-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
