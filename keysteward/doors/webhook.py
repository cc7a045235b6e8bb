"""WhatsApp's webhook: its signature says whose it is, so neither origin nor cookie is asked for."""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from keysteward.doors.door import House
from keysteward.doors.forms import body_of
from keysteward.doors.refusals import EXPECTED, refusal_of

_PATH: Final = "/webhooks/whatsapp"


def webhook_routes(house: House) -> list[Route]:
    """Give both of its routes."""
    codes = house.services.people.phone_codes

    async def verify(request: Request) -> Response:
        challenge = codes.challenge(dict(request.query_params))
        if challenge is None:
            return PlainTextResponse("This is not the verify token.", HTTPStatus.FORBIDDEN)
        return PlainTextResponse(challenge)

    async def hear(request: Request) -> Response:
        if not codes.offered:
            codes.heard(b"", None)  # says so, before anything is read
        body = await body_of(request)
        codes.heard(body, request.headers.get("x-hub-signature-256"))
        return PlainTextResponse("Heard.")

    async def answer(request: Request) -> Response:
        try:
            response = await (hear if request.method == "POST" else verify)(request)
        except EXPECTED as failure:
            refusal = refusal_of(failure, {})
            response = PlainTextResponse(refusal.sentence, refusal.status)
        return house.dressed(response)

    return [Route(_PATH, answer, methods=["GET", "POST"])]
