"""Twilio's wire format: messages by the segment, calls by the minute, each by its country."""

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
    basic,
    form,
    shown,
    whole,
)

_PATH: Final = re.compile(
    r"/2010-04-01/Accounts(?:/(?P<account>[A-Z]{2}[0-9a-f]{32}))?(?:/(?P<sort>Messages|Calls))?"
    r"(?:/(?P<name>[A-Z]{2}[0-9a-f]{32}))?\.json"
)
_COUNTRIES: Final = ("+44", "+1")
"""Those that the account may send to."""
# 3GPP TS 23.038, section 6.2.1: one septet each, and those behind an escape two.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED: Final = frozenset("\f^{}\\[~]|€")
_TIME: Final = "Thu, 09 Oct 2025 08:53:20 +0000"


def segments(text: str) -> int:
    """Count the segments of a message: 160 septets or 70 of UTF-16, or less where there are more.

    What would fall across the border of two segments goes into the second.
    """
    if _BASIC.union(_ESCAPED).issuperset(text):
        sizes = [2 if character in _ESCAPED else 1 for character in text]
        alone, joined = 160, 153
    else:
        sizes = [len(character.encode("utf-16-le")) // 2 for character in text]
        alone, joined = 70, 67
    if sum(sizes) <= alone:
        return 1
    count, room = 1, joined
    for size in sizes:
        if size > room:
            count, room = count + 1, joined
        room -= size
    return count


class Twilio:
    """`Asked.option` is not used."""

    request_id = b"twilio-request-id"

    def __init__(self) -> None:
        self._made: dict[str, dict[str, Any]] = {}

    def credential(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Read Basic's user and password, as one: `AC…:token`, or `SK…:secret`."""
        pair = basic(headers)
        return b":".join(pair) if pair else None

    def asked(self, call: Received) -> Asked:
        """Understand a call. Raises `Refused`."""
        found = _PATH.fullmatch(call.path)
        if found is None:
            raise Refused(
                Trouble.NO_SUCH_ROUTE, f"The requested resource {call.path} was not found"
            )
        account, sort, name = found["account"] or "", found["sort"], found["name"]
        if call.method == "GET" and sort is None:
            return Asked(Kind.CHECK, act=account)
        if call.method == "GET" and name in self._made:
            return Asked(Kind.READ, act=name)
        if call.method != "POST" or sort is None or name:
            raise Refused(
                Trouble.NO_SUCH_ROUTE, f"The requested resource {call.path} was not found"
            )
        fields = form(call.body)
        to = fields.get("To", "")
        country = next((code for code in _COUNTRIES if to.startswith(code)), None)
        if country is None:
            raise Refused(Trouble.MALFORMED, "Permission has not been enabled for the region.")
        if sort == "Messages" and not fields.get("Body"):
            raise Refused(Trouble.MALFORMED, "A text message body must be specified.")
        return Asked(
            Kind.ACT,
            f"sms {country}" if sort == "Messages" else f"call {country}",
            act=sort,
            units=segments(fields["Body"]) if sort == "Messages" else 1,
            details=(("account", account), *sorted(fields.items())),
        )

    def reply(self, asked: Asked, prose: Prose, used: Used | None) -> Reply:
        """Answer a call. What it came to is not known at once: `price` is null until it is."""
        match asked.kind:
            case Kind.CHECK if asked.act:
                return shown(_account(asked.act), prose)
            case Kind.CHECK:
                return shown({"accounts": [_account("AC" + "0" * 32)], "page": 0}, prose)
            case Kind.READ:
                return shown(self._made[asked.act], prose)
        fields = dict(asked.details)
        number = len(self._made) + 1
        made: dict[str, Any] = {
            "sid": f"{'SM' if asked.act == 'Messages' else 'CA'}{number:032x}",
            "account_sid": fields["account"],
            "date_created": _TIME,
            "date_updated": _TIME,
            "from": fields.get("From"),
            "to": fields["To"],
            "direction": "outbound-api",
            "status": "queued",
            "price": None,
            "price_unit": "USD",
            "api_version": "2010-04-01",
        }
        if asked.act == "Messages":
            segments = {} if used is None else {"num_segments": str(asked.units)}
            made |= {
                "body": fields["Body"],
                **segments,
                "num_media": "0",
                "error_code": None,
                "error_message": None,
                "date_sent": None,
                "messaging_service_sid": None,
            }
        else:
            made |= {"duration": None, "start_time": None, "end_time": None}
        self._made[made["sid"]] = self._settled(asked, made)
        return shown(made, prose, status=201)

    def _settled(self, asked: Asked, made: dict[str, Any]) -> dict[str, Any]:
        """Give the object as a later look finds it: with its price, as money that was taken."""
        nano = price_page.cost("twilio", asked.item, Used(units=asked.units))
        done = "delivered" if asked.act == "Messages" else "completed"
        return made | {"status": done, "price": f"-{nano / 1_000_000_000:.5f}"}

    def refusal(self, trouble: Trouble, call_id: str, about: str = "") -> Reply:  # noqa: ARG002
        """Answer with an error."""
        status, code, message = _ERRORS[trouble]
        body = {
            "code": code,
            "message": message or about,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }
        return whole(body, status=status)


_ERRORS: Final[dict[Trouble, tuple[int, int, str]]] = {
    Trouble.KEY_MISSING: (401, 20003, "Authenticate"),
    Trouble.KEY_REJECTED: (401, 20003, "Authenticate"),
    Trouble.KEY_SCOPED: (403, 20006, "Access denied"),
    Trouble.MALFORMED: (400, 21408, ""),
    Trouble.NO_SUCH_ROUTE: (404, 20404, ""),
    Trouble.RATE_LIMITED: (429, 20429, "Too Many Requests"),
    Trouble.OVERLOADED: (503, 20503, "Service unavailable"),
    Trouble.ERROR_500: (500, 20500, "Internal server error"),
}


def _account(sid: str) -> dict[str, Any]:
    return {"sid": sid, "friendly_name": "Made up", "status": "active", "type": "Full"}
