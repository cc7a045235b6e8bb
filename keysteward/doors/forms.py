"""What a form sent: bounded, of one form, and from a page of our own."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from store.errors import Failure

LARGEST: Final = 64 * 1024
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 50


class FormRefused(Failure):
    """What was sent is not looked at; the sentence says why."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def ask_whence(headers: Headers, ours: Collection[str]) -> None:
    """Make sure that a page of ours had this sent. Raises `FormRefused`.

    Browsers say so by Sec-Fetch-Site, which no page can set; older ones by Origin. Under our own
    `Referrer-Policy: no-referrer` a form's Origin is `null`, so the former goes first. This holds
    for signing in too: else another site could sign somebody in to an account of its own, and
    wait for the keys that they store there.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site == "same-origin":
        return
    if site is None and not any(name.startswith("sec-fetch-") for name in headers):
        if origin is None:
            raise FormRefused(
                HTTPStatus.FORBIDDEN,
                "Your browser does not say which page this came from, so nothing was done. Use a "
                "browser of this decade.",
            )
        if origin in ours:
            return
    raise FormRefused(
        HTTPStatus.FORBIDDEN, "This came from another site's page, so nothing was done."
    )


async def form_of(request: Request) -> dict[str, str]:
    """Read a form's fields; of two with one name, the last. Raises `FormRefused`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise FormRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"A form is sent as {_FORM}, and nothing else is."
        )
    body = await body_of(request)
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:  # UnicodeDecodeError is one
        raise FormRefused(HTTPStatus.BAD_REQUEST, "This is not a form that can be read.") from None
    return dict(fields)


async def body_of(request: Request) -> bytes:
    """Read a body, whatever its head said of its length. Raises `FormRefused`."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST:
                raise FormRefused(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request may hold {LARGEST} bytes."
                )
    except ClientDisconnect:
        raise FormRefused(HTTPStatus.BAD_REQUEST, "The request broke off.") from None
    return bytes(body)
