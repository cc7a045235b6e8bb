"""Stripe's wire format: money that is the caller's own moves, and a call itself costs nothing.

Money has moved once that was asked for, whatever state the payment is in. A call that is repeated
with its `Idempotency-Key` gets the answer of the first, and moves nothing.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from keysteward.demo.fake_wire import (
    BORN,
    Asked,
    Kind,
    Prose,
    Received,
    Refused,
    Reply,
    Trouble,
    Used,
    basic,
    bearer,
    form,
    masked,
    shown,
    whole,
)

_OBJECTS: Final = {
    "payment_intents": ("payment_intent", "pi"),
    "refunds": ("refund", "re"),
    "transfers": ("transfer", "tr"),
    "payouts": ("payout", "po"),
    "customers": ("customer", "cus"),
}
"""What can be made: the object's name, and how its ids begin."""
_MOVES: Final = frozenset({"payment_intents", "refunds", "transfers", "payouts"})
_PATH: Final = re.compile(r"/v1/(?P<sort>[a-z_]+)(?:/(?P<name>[A-Za-z0-9_]+))?")


class Stripe:
    """`Asked.option` tells that the money moves at once."""

    request_id = b"request-id"

    def __init__(self) -> None:
        self._made = 0
        self._objects: dict[str, dict[str, Any]] = {}
        self._answered: dict[str, str] = {}
        """The object that each idempotency key has made."""

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read the key: a Bearer token, as the SDK sends it, or Basic's user, as curl does."""
        pair = basic(headers)
        return bearer(headers) or (pair[0] if pair else None)

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        if (call.method, call.path) == ("GET", "/v1/balance"):
            return Asked(Kind.CHECK)
        found = _PATH.fullmatch(call.path)
        if found is None or found["sort"] not in _OBJECTS:
            raise Refused(Trouble.NO_SUCH_ROUTE, f"Unrecognized request URL ({call.path}).")
        sort, name = found["sort"], found["name"]
        if call.method == "GET" and name:
            if name not in self._objects:
                raise Refused(Trouble.NO_SUCH_ROUTE, f"No such {_OBJECTS[sort][0]}: '{name}'")
            return Asked(Kind.READ, act=name)
        if call.method == "GET":
            return Asked(Kind.READ, act=sort)
        if call.method != "POST" or name:
            raise Refused(Trouble.NO_SUCH_ROUTE, f"Unrecognized request URL ({call.path}).")
        return self._order(sort, form(call.body), call.headers.get(b"idempotency-key", b""))

    def _order(self, sort: str, fields: dict[str, str], key: bytes) -> Asked:
        again = key.decode("latin-1")
        if again in self._answered:
            return Asked(Kind.READ, act=self._answered[again], details=(("again", again),))
        moves = None
        if sort in _MOVES:
            # Of a refund that names no amount, it is all of the payment.
            paid = self._objects.get(fields.get("payment_intent", ""), {})
            amount = fields.get("amount", str(paid.get("amount", "")))
            if not amount.isdigit():
                raise Refused(Trouble.MALFORMED, "Missing required param: amount.")
            currency = fields.get("currency", str(paid.get("currency", "usd")))
            moves = (currency.lower(), int(amount))
        return Asked(
            Kind.ACT,
            act=sort,
            details=(("again", again), *sorted(fields.items())),
            moves=moves,
        )

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:  # noqa: ARG002
        """Answer a call."""
        match asked.kind:
            case Kind.CHECK:
                funds = [{"amount": 100_000, "currency": "usd", "source_types": {"card": 100_000}}]
                balance = {"available": funds, "pending": [], "livemode": False}
                return shown({"object": "balance", **balance}, prose)
            case Kind.READ if asked.act in _OBJECTS:
                kind = _OBJECTS[asked.act][0]
                data = [each for each in self._objects.values() if each["object"] == kind]
                page = {"object": "list", "url": f"/v1/{asked.act}", "has_more": False}
                return shown({**page, "data": data}, prose)
            case Kind.READ:
                return shown(self._objects[asked.act], prose)
            case _:
                return shown(self._make(asked), prose)

    def _make(self, asked: Asked) -> dict[str, Any]:
        kind, start = _OBJECTS[asked.act]
        fields = dict(asked.details)
        again = fields.pop("again")
        self._made += 1
        made: dict[str, Any] = {
            "id": f"{start}_madeup{self._made:014}",
            "object": kind,
            "created": BORN,
            "livemode": False,
            "metadata": {},
        }
        if asked.moves:
            made |= {"currency": asked.moves[0], "amount": asked.moves[1]}
        if kind == "payment_intent":
            confirmed = fields.get("confirm") == "true"
            made |= {
                "amount_received": made["amount"] if confirmed else 0,
                "status": "succeeded" if confirmed else "requires_payment_method",
                "client_secret": None,
                "capture_method": "automatic",
            }
        self._objects[made["id"]] = made
        if again:
            self._answered[again] = made["id"]
        return made

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:  # noqa: ARG002
        """Answer with an error; a rejected key is shown masked in it, as the provider does."""
        status, kind, code, message = _ERRORS[trouble]
        told = masked(about) if trouble is Trouble.KEY_REJECTED else about
        error = {
            "type": kind,
            "message": message.format(told),
            "doc_url": "https://stripe.com/docs",
        }
        error |= {"code": code} if code else {}
        should = b"true" if status >= 500 else b"false"  # noqa: PLR2004 - a server's own errors
        return whole({"error": error}, (b"stripe-should-retry", should), status=status)


_ERRORS: Final[dict[Trouble, tuple[int, str, str, str]]] = {
    Trouble.KEY_MISSING: (401, "invalid_request_error", "", "You did not provide an API key."),
    Trouble.KEY_REJECTED: (401, "invalid_request_error", "", "Invalid API Key provided: {}"),
    Trouble.KEY_SCOPED: (
        403,
        "invalid_request_error",
        "",
        "The provided key does not have the required permissions for this endpoint.",
    ),
    Trouble.MALFORMED: (400, "invalid_request_error", "parameter_missing", "{}"),
    Trouble.NO_SUCH_ROUTE: (404, "invalid_request_error", "resource_missing", "{}"),
    Trouble.RATE_LIMITED: (429, "invalid_request_error", "rate_limit", "Request rate limit."),
    Trouble.OVERLOADED: (503, "api_error", "", "The service is unavailable."),
    Trouble.ERROR_500: (500, "api_error", "", "An unknown error occurred."),
}
