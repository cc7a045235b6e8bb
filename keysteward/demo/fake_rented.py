"""What is rented by the hour: Vultr's instances and Railway's services, in their wire formats.

The first hour is charged when the thing is made; the others as `FakeProvider.hour` is called, for
each thing that still runs.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from keysteward.demo import price_page
from keysteward.demo.fake_wire import (
    Asked,
    Kind,
    Prose,
    Received,
    Refused,
    Reply,
    Trouble,
    Used,
    bearer,
    read,
    shown,
    text_of,
    whole,
)

_INSTANCE: Final = re.compile(r"/v2/instances/(?P<name>[0-9a-f-]{36})")
_FIELD: Final = re.compile(r"\{\s*(?P<field>[A-Za-z]+)")
_TIME: Final = "2025-10-09T08:53:20+00:00"


class Rented:
    """Things that run until they are deleted."""

    def __init__(self) -> None:
        self.running: dict[str, str] = {}
        """What runs, by its id, and what the price page calls it."""
        self._made = 0

    def _new(self, item: str) -> str:
        self._made += 1
        name = f"00000000-0000-4000-8000-{self._made:012x}"
        self.running[name] = item
        return name


class Vultr(Rented):
    """`Asked.option` is not used."""

    request_id = b"x-request-id"

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read the Bearer token."""
        return bearer(headers)

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        match call.method, call.path:
            case "GET", "/v2/account":
                return Asked(Kind.CHECK)
            case "GET", "/v2/instances":
                return Asked(Kind.READ)
            case "POST", "/v2/instances":
                payload = read(call.body)
                plan = text_of(payload, "plan")
                if not price_page.sold("vultr", plan):
                    raise Refused(Trouble.MALFORMED, "Invalid plan.")
                region, label = text_of(payload, "region"), str(payload.get("label") or "")
                details = (("region", region), ("label", label))
                return Asked(Kind.ACT, plan, act="create", units=1, details=details)
        found = _INSTANCE.fullmatch(call.path)
        if found is None or found["name"] not in self.running:
            raise Refused(Trouble.NO_SUCH_ROUTE, "Invalid instance.")
        if call.method == "GET":
            return Asked(Kind.READ, act=found["name"])
        if call.method == "DELETE":
            return Asked(Kind.ACT, act="delete", details=(("name", found["name"]),))
        raise Refused(Trouble.NO_SUCH_ROUTE, "Invalid method.")

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:  # noqa: ARG002
        """Answer a call."""
        details = dict(asked.details)
        match asked.kind, asked.act:
            case Kind.CHECK, _:
                account = {"name": "Made up", "balance": -100, "pending_charges": 0, "acls": []}
                return shown({"account": account}, prose)
            case Kind.READ, "":
                instances = [*map(self._shown, self.running)]
                meta = {"total": len(instances), "links": {"next": "", "prev": ""}}
                return shown({"instances": instances, "meta": meta}, prose)
            case Kind.READ, name:
                return shown({"instance": self._shown(name)}, prose)
            case _, "delete":
                del self.running[details["name"]]
                return Reply(204, (), (b"",))
        name = self._new(asked.model)
        instance = self._shown(name) | {
            "region": details["region"],
            "label": details["label"],
            "status": "pending",
            "default_password": "",
        }
        return shown({"instance": instance}, prose, status=202)

    def _shown(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "plan": self.running[name],
            "os": "Debian 12 x64 (bookworm)",
            "main_ip": "0.0.0.0",  # noqa: S104 - as the provider shows it until there is one
            "status": "active",
            "power_status": "running",
            "server_status": "ok",
            "date_created": _TIME,
            "features": [],
            "tags": [],
        }

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:  # noqa: ARG002
        """Answer with an error."""
        status, message = _ERRORS[trouble]
        wait = ((b"retry-after", b"7"),) if trouble is Trouble.RATE_LIMITED else ()
        return whole({"error": message or about, "status": status}, *wait, status=status)


_ERRORS: Final[dict[Trouble, tuple[int, str]]] = {
    Trouble.KEY_MISSING: (401, "Invalid API token."),
    Trouble.KEY_REJECTED: (401, "Invalid API token."),
    Trouble.KEY_SCOPED: (403, "Unauthorized IP address."),
    Trouble.MALFORMED: (400, ""),
    Trouble.NO_SUCH_ROUTE: (404, ""),
    Trouble.RATE_LIMITED: (429, "Rate limit exceeded."),
    Trouble.OVERLOADED: (503, "Service unavailable."),
    Trouble.ERROR_500: (500, "Internal server error."),
}


class Railway(Rented):
    """`Asked.act` is the field that is asked for: a request has one. Errors come with HTTP 200."""

    request_id = b"x-railway-request-id"

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read an account's token, or a project's from its own header."""
        return bearer(headers) or headers.get(b"project-access-token")

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        if (call.method, call.path) != ("POST", "/graphql/v2"):
            raise Refused(Trouble.NO_SUCH_ROUTE, call.path)
        payload = read(call.body)
        found = _FIELD.search(text_of(payload, "query"))
        variables = payload.get("variables") or {}
        match found["field"] if found else "":
            case "me" | "apiToken" as check:
                return Asked(Kind.CHECK, act=check)
            case "projects":
                return Asked(Kind.READ, act="projects")
            case "serviceCreate":
                given = variables.get("input") or {}
                details = (("name", str(given.get("name") or "service")),)
                return Asked(Kind.ACT, "service", act="serviceCreate", units=1, details=details)
            case "serviceDelete":
                if variables.get("id") not in self.running:
                    raise Refused(Trouble.MALFORMED, "Service not found")
                details = (("id", variables["id"]),)
                return Asked(Kind.ACT, act="serviceDelete", details=details)
            case other:
                raise Refused(Trouble.MALFORMED, f'Cannot query field "{other}".')

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:  # noqa: ARG002
        """Answer a call."""
        details = dict(asked.details)
        value: Any
        match asked.act:
            case "me":
                value = {"id": "made-up", "name": "Ada", "email": "ada@example.com"}
            case "apiToken":
                value = {"workspaces": [{"id": "made-up"}]}
            case "projects":
                value = {"edges": []}
            case "serviceCreate":
                value = {"id": self._new(asked.model), "name": details["name"]}
            case _:
                del self.running[details["id"]]
                value = True
        return shown({"data": {asked.act: value}}, prose)

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:
        """Answer with an error, as GraphQL does; only the service's own faults have a status."""
        status, message = _FAULTS[trouble]
        code = {"code": "INTERNAL_SERVER_ERROR"}
        error = {"message": message or about, "extensions": code, "traceId": call_id}
        return whole({"errors": [error], "data": None}, status=status)


_FAULTS: Final[dict[Trouble, tuple[int, str]]] = {
    Trouble.KEY_MISSING: (200, "Not Authorized"),
    Trouble.KEY_REJECTED: (200, "Not Authorized"),
    # There are no such keys here; a status of its own keeps it apart from a bad one.
    Trouble.KEY_SCOPED: (403, "Not Authorized"),
    Trouble.MALFORMED: (200, ""),
    Trouble.NO_SUCH_ROUTE: (404, "Not Found"),
    Trouble.RATE_LIMITED: (429, "Too many requests"),
    Trouble.OVERLOADED: (503, "Service unavailable"),
    Trouble.ERROR_500: (500, "Problem processing request"),
}
