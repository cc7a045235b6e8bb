"""Resend: mails, by the recipient.

Its quota counts each address of To, Cc and Bcc as a mail of its own (resend.com/docs, "What are
Resend account quotas and limits?"). A mail is priced as one beyond the quota of the dearest plan,
though a plan holds many that cost nothing more. Resend bills those by the started thousand: a month
may come to one thousand's price, $0.90, more than all that is recorded here.
"""

from collections.abc import Mapping
from typing import Any, Final

from metering.meters import fields
from metering.operations import Operation, free, unpriced
from metering.quotes import Measure, Quote, Request

MAIL: Final = 900_000
"""Nano-dollars: $0.90 for a thousand, on the plans Pro and Scale (resend.com/pricing)."""


def _mail(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - none here
    return _mails([fields.json_object(request)])


def _batch(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - none here
    batch = fields.json_array(request)
    return _mails(batch if batch is not None else [None])


def _mails(batch: list[Any]) -> Quote:
    count = 0
    for mail in batch:
        recipients = _recipients(mail) if isinstance(mail, dict) else None
        if recipients is None:
            return Quote(
                operation="mail",
                why="keysteward can't count this mail's recipients. Send plain JSON with To, Cc "
                "and Bcc as texts or lists of texts, or set a price by the REQUEST for `mail` "
                "with setPrice.",
            )
        count += recipients
    return Quote(operation="mail", at_most={Measure.MAIL: count}, price=count * MAIL, firm=True)


def _recipients(mail: Mapping[str, Any]) -> int | None:
    """Count the addresses of a mail; None where they aren't written as Resend has them written."""
    count = 0
    for name in ("to", "cc", "bcc"):
        value = mail.get(name) or []
        addresses = [value] if isinstance(value, str) else value
        if not isinstance(addresses, list):
            return None
        for address in addresses:
            if not isinstance(address, str):
                return None
            # One text may hold several addresses, and an attacker would write it so.
            count += max(1, address.count("@"))
    return max(1, count)


def _broadcast(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - none here
    broadcast = fields.json_object(request)
    if broadcast is None or broadcast.get("send"):
        return _AUDIENCE
    return Quote(operation="broadcast-draft", price=0, firm=True)


_AUDIENCE: Final = Quote(
    operation="broadcast",
    why="How many mails a broadcast is, its audience decides. Set a price by the REQUEST for "
    "`broadcast` with setPrice.",
)
_HIDDEN: Final = "Set a price by the REQUEST for `{name}` with setPrice."
_FREE_POSTS: Final = (
    "/emails/{id}/cancel",
    "/domains",
    "/domains/claim",
    "/domains/{id}/verify",
    "/domains/{id}/claim/verify",
    "/audiences",
    "/audiences/{id}/contacts",
    "/segments",
    "/contacts",
    "/contacts/imports",
    "/contacts/{id}/segments/{segment}",
    "/contact-properties",
    "/topics",
    "/templates",
    "/templates/{id}/publish",
    "/templates/{id}/duplicate",
    "/suppressions",
    "/suppressions/batch/add",
    "/suppressions/batch/remove",
    "/broadcasts/{id}/cancel",
    "/broadcasts/{id}/duplicate",
    "/webhooks",
    "/webhooks/{id}/events/{event}/replay",
    "/webhooks/{id}/signing-secret/rotate",
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/emails", _mail),
    Operation("POST", "/emails/batch", _batch),
    Operation("POST", "/broadcasts", _broadcast),
    Operation("POST", "/broadcasts/{id}/send", lambda request, places: _AUDIENCE),  # noqa: ARG005
    Operation(
        "POST",
        "/events/send",
        unpriced(
            "event",
            "Which mails an event sends, its automations decide. " + _HIDDEN.format(name="event"),
        ),
    ),
    Operation(
        "POST",
        "/inboxes/{id}/drafts/{draft}/send",
        unpriced(
            "draft",
            "To whom a draft goes does not stand in this request. " + _HIDDEN.format(name="draft"),
        ),
    ),
    Operation(
        "POST",
        "/api-keys",
        unpriced(
            "api-key",
            "A key that a tool makes at Resend sends mails that keysteward never sees. "
            + _HIDDEN.format(name="api-key"),
        ),
    ),
    *(Operation("POST", path, free("setup")) for path in _FREE_POSTS),
    Operation("PATCH", "/broadcasts/{id}", _broadcast),
    Operation("PATCH", "/emails/{id}", free("reschedule")),
    *(
        Operation("PATCH", path, free("setup"))
        for path in ("/domains/{id}", "/contacts/*", "/topics/{id}", "/templates/{id}")
    ),
    Operation("DELETE", "/*", free("delete")),
)
