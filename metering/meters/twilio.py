"""Twilio: messages by the segment, calls by the minute, numbers by the month.

What a request does not show has no bound here: a message whose text or sender Twilio chooses, a
channel with prices of its own, a call whose instructions are fetched from a URL (they may dial
further numbers), anything to a country that is missing in `twilio_prices`. Fees that an account has
opted in to (pumping protection, engagement suite, recording by default) are not in a list price;
who has such an account sets a price.

Fields are known by name, and a request with another one has no price: it may cost more.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote

from metering.meters import fields, twilio_prices
from metering.meters.json_answer import read_json
from metering.meters.segments import segments
from metering.operations import Operation, Quoting, free, unpriced
from metering.quotes import NANO, READ, Measure, Quote, Reader, Reading, Request, Source

_ACCOUNT: Final = "/2010-04-01/Accounts/{account}"
_ACCOUNTS: Final = re.compile(r"/2010-04-01/accounts(\.[a-z]+|/|/[^/]+/?)?")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_MALAYSIA: Final = "+60"
_PLAIN_MESSAGE: Final = frozenset(
    {
        "To",
        "From",
        "Body",
        "MediaUrl",
        "StatusCallback",
        "ProvideFeedback",
        "Attempt",
        "ValidityPeriod",
        "ForceDelivery",
        "ContentRetention",
        "AddressRetention",
        "MaxPrice",
    }
)
"""Fields of a message whose price is known; twilio.com/docs/messaging/api/message-resource."""
_SAID: Final = frozenset({"true", "false"})
_PLAIN_CALL: Final = frozenset(
    {
        "To",
        "From",
        "Twiml",
        "TimeLimit",
        "Timeout",
        "Method",
        "SendDigits",
        "StatusCallback",
        "StatusCallbackEvent",
        "StatusCallbackMethod",
        "CallReason",
    }
)
"""Likewise of a call; twilio.com/docs/voice/api/call-resource."""
_LONGEST_CALL: Final = 14_400
"""Seconds after which Twilio ends a call that names no `TimeLimit`: four hours."""
_LONGEST_LIMIT: Final = 86_400
_LONGEST_TWIML: Final = 4000
_TAG: Final = re.compile(r"<\s*/?\s*([^\s/>]*)")
_SILENT_VERBS: Final = frozenset({"Response", "Play", "Pause", "Hangup", "Reject", "?xml"})
"""Instructions that cost no more than the call's minutes: they dial, say and record nothing."""
_HOURS_A_MONTH: Final = 28 * 24
_PRICE: Final = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,9})?")
_MOST_SEGMENTS: Final = 1000


def _message(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the form's
    form = fields.form(request, many=frozenset({"MediaUrl", "StatusCallbackEvent"}))
    # What is empty, or neither true nor false, may make a message of text after all.
    if (
        form is None
        or not form.get("MediaUrl", "a").strip()
        or form.get("SendAsMms", "true") not in _SAID
    ):
        return Quote(
            operation="sms",
            why="keysteward can't read this message's fields for sure. Send each once, in a "
            "URL-encoded form, or set a price by the REQUEST for `sms` with setPrice.",
        )
    to, sender = form.get("To", ""), form.get("From", "")
    for channel in ("whatsapp", "messenger", "rcs"):
        if f"{channel}:" in to or f"{channel}:" in sender:
            return Quote(
                operation=channel,
                at_most={Measure.SEGMENT: 1},
                why=f"What a message by {channel} costs, its template and its conversation decide. "
                f"Set a price by the SEGMENT for `{channel}` with setPrice.",
            )
    place = twilio_prices.destination(to[1:]) if _E164.fullmatch(to) else None
    if "MediaUrl" in form or form.get("SendAsMms", "false") != "false":
        return _picture(form, place)
    if not form.keys() <= _PLAIN_MESSAGE:
        hidden = min(form.keys() - _PLAIN_MESSAGE)
        unsure = hidden in {"ContentSid", "ContentVariables", "ShortenUrls", "SmartEncoded"}
        return Quote(
            operation="sms",
            model=_item("sms", place),
            at_most={} if unsure else {Measure.SEGMENT: _counted(form)},
            why=f"With {hidden} Twilio chooses the sender or the text itself. Send To, From and "
            "Body alone, or set a price by the "
            f"{'REQUEST' if unsure else 'SEGMENT'} for `sms` with setPrice.",
        )
    count = _counted(form)
    each = twilio_prices.SMS.get(place) if place is not None else None
    if place == twilio_prices.NORTH_AMERICA and _E164.fullmatch(sender) is None:
        each = None  # Short codes have other prices, in Canada.
    if each is None:
        return Quote(
            operation="sms",
            model=_item("sms", place),
            at_most={Measure.SEGMENT: count},
            why="keysteward has no list price for this message. Write To and From as +, country "
            "and number, or set a price by the SEGMENT for `sms` with setPrice.",
            reader=_read_message(count, None),
        )
    return Quote(
        operation="sms",
        model=_item("sms", place),
        at_most={Measure.SEGMENT: count},
        price=count * each,
        firm=True,
        reader=_read_message(count, each),
    )


def _picture(form: Mapping[str, str], place: str | None) -> Quote:
    if place == twilio_prices.NORTH_AMERICA and form.keys() <= _PLAIN_MESSAGE | {"SendAsMms"}:
        return Quote(
            operation="mms",
            model=_item("mms", place),
            at_most={Measure.SEGMENT: 1},
            price=twilio_prices.NORTH_AMERICA_MMS,
            firm=True,
        )
    return Quote(
        operation="mms",
        model=_item("mms", place),
        at_most={Measure.SEGMENT: 1},
        why="keysteward has a list price of picture messages to the United States and Canada only. "
        "Set one by the SEGMENT for `mms` with setPrice.",
    )


def _item(operation: str, place: str | None) -> str | None:
    """Name what an owner may price by itself: messages to Germany are `sms:49`."""
    return None if place is None else f"{operation}:{place}"


def _counted(form: Mapping[str, str]) -> int:
    to = form.get("To", "")
    return segments(form.get("Body", ""), ascii_only=to.startswith(_MALAYSIA))


def _read_message(count: int, each: int | None) -> Callable[[str], Reader]:
    """Read a message's own count and price, which most answers don't have yet."""

    def told(answer: Mapping[str, Any]) -> Reading | None:
        if not isinstance(answer.get("sid"), str):
            return None
        counted = fields.whole(fields.text_of(answer, "num_segments"))
        # It is "0" until Twilio has chosen a sender.
        sent = counted if counted and counted <= _MOST_SEGMENTS else count
        used = {Measure.SEGMENT: sent}
        own = fields.text_of(answer, "price")
        if own is not None and _PRICE.fullmatch(own) and answer.get("price_unit") == "USD":
            fee = sent * twilio_prices.CARRIER_FEE if each == twilio_prices.NORTH_AMERICA_SMS else 0
            cost = _nano(own) + fee
            # Twilio's own price leaves the carrier's fee out.
            return Reading(used, cost, Source.USAGE if fee else Source.PROVIDER)
        return Reading(used, None if each is None else sent * each)

    return read_json(told)


def _nano(dollars: str) -> int:
    # Nine places at most, so nothing is left to round.
    return int(abs(Decimal(dollars)) * NANO)


def _call(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the form's
    form = fields.form(request, many=frozenset({"StatusCallbackEvent"}))
    if form is None or not form.keys() <= _PLAIN_CALL or not _is_silent(form.get("Twiml", "")):
        return Quote(
            operation="call",
            why="What this call does, its instructions decide: they may dial further numbers. Send "
            "Twiml of Play, Pause and Hangup with a TimeLimit, or set a price by the REQUEST for "
            "`call` with setPrice.",
        )
    to = form.get("To", "")
    place = twilio_prices.destination(to[1:]) if _E164.fullmatch(to) else None
    # Twilio bills started minutes. A limit that it may not take is held to be the longest of all.
    limit = fields.whole(form.get("TimeLimit", str(_LONGEST_CALL))) or _LONGEST_LIMIT
    minutes = -(-limit // 60)
    used = {Measure.SECOND: minutes * 60}
    each = twilio_prices.minute(to[1:]) if place is not None else None
    if each is None:
        return Quote(
            operation="call",
            model=_item("call", place),
            at_most=used,
            why="keysteward has no list price for calls to this number. Set one by the SECOND for "
            "`call` with setPrice.",
            reader=read_json(_called(used, None)),
        )
    price = minutes * each
    return Quote(
        operation="call",
        model=_item("call", place),
        at_most=used,
        price=price,
        reader=read_json(_called(used, price)),
    )


def _is_silent(twiml: str) -> bool:
    """Say whether instructions are there, and do nothing that costs."""
    return 0 < len(twiml) <= _LONGEST_TWIML and set(_TAG.findall(twiml)) <= _SILENT_VERBS


def _called(
    used: Mapping[Measure, int], price: int | None
) -> Callable[[Mapping[str, Any]], Reading | None]:
    """Take a call that was accepted to have lasted as long as it may: it has only begun."""

    def told(answer: Mapping[str, Any]) -> Reading | None:
        if not isinstance(answer.get("sid"), str):
            return None
        return Reading(used, price, Source.BOUND)

    return told


def _call_change(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the form's
    form = fields.form(request)
    if form is not None and form.keys() == {"Status"}:
        # Only `completed` and `canceled` can be set, and both end the call.
        return Quote(operation="call-end", price=0, firm=True)
    return Quote(
        operation="call",
        why="New instructions to a call may dial further numbers. Set a price by the REQUEST for "
        "`call` with setPrice.",
    )


def _number(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the form's
    """Quote a number: a month at once, and from then on by the hour until it is given back."""
    form = fields.form(request)
    wanted = form.get("PhoneNumber", "") if form is not None else ""
    digits = wanted[1:] if _E164.fullmatch(wanted) else ""
    if form is not None and not wanted and "AreaCode" in form:
        # Area codes are North America's only; nothing in them is toll-free.
        digits = f"1{form['AreaCode']}0000000"
    price = twilio_prices.number(digits) if digits.isdecimal() else None
    if price is None or form is None or any("Emergency" in name for name in form):
        price = None
    hourly = None if price is None else -(-price // _HOURS_A_MONTH)
    return Quote(
        operation="number",
        at_most={Measure.HOUR: 1},
        price=price,
        why=""
        if price is not None
        else "keysteward has no list price for this number. Set one by "
        "the HOUR for `number` with setPrice: a month has 672 hours or more.",
        hourly=hourly,
        reader=read_json(_bought(price)),
    )


def _bought(price: int | None) -> Callable[[Mapping[str, Any]], Reading | None]:
    def told(answer: Mapping[str, Any]) -> Reading | None:
        sid = fields.text_of(answer, "sid")
        return Reading({Measure.HOUR: 1}, price, resource=sid) if sid else None

    return told


def _given_back(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - its name's
    return Quote(operation="number-release", price=0, firm=True, ends=places["sid"])


def _number_change(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the form's
    form = fields.form(request)
    if form is not None and not any("Emergency" in name for name in form):
        return Quote(operation="setup", price=0, firm=True)
    return Quote(
        operation="number-emergency",
        why="An emergency address has a price of its own. Set one by the REQUEST for "
        "`number-emergency` with setPrice.",
    )


def _credential(name: str) -> Quoting:
    return unpriced(
        name,
        "The answer holds a credential, with which calls would go past keysteward. Set a price by "
        f"the REQUEST for `{name}` with setPrice.",
    )


_SHOWN: Final = _credential("account")


def _reading(request: Request, places: Mapping[str, str]) -> Quote:
    """Quote a GET: free, unless it shows accounts, whose own tokens stand beside them."""
    if _ACCOUNTS.fullmatch(unquote(request.path).lower()) is not None:
        return _SHOWN(request, places)
    return Quote(operation=READ, price=0, firm=True)


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", _ACCOUNT + "/Messages.json", _message),
    Operation("POST", _ACCOUNT + "/Messages/{sid}.json", free("message-change")),
    Operation("POST", _ACCOUNT + "/Messages/{sid}/Feedback.json", free("feedback")),
    Operation("POST", _ACCOUNT + "/Calls.json", _call),
    Operation("POST", _ACCOUNT + "/Calls/{sid}.json", _call_change),
    *(
        Operation("POST", _ACCOUNT + f"/IncomingPhoneNumbers{kind}.json", _number)
        for kind in ("", "/Local", "/TollFree", "/Mobile")
    ),
    Operation("POST", _ACCOUNT + "/IncomingPhoneNumbers/{sid}.json", _number_change),
    Operation("DELETE", _ACCOUNT + "/IncomingPhoneNumbers/{sid}.json", _given_back),
    *(
        Operation("POST", _ACCOUNT + path, free("setup"))
        for path in (
            "/Addresses.json",
            "/Addresses/{sid}.json",
            "/Applications.json",
            "/Applications/{sid}.json",
            "/Queues.json",
            "/Queues/{sid}.json",
            "/Usage/Triggers.json",
            "/Usage/Triggers/{sid}.json",
        )
    ),
    Operation("DELETE", _ACCOUNT + "/*", free("delete")),
    *(
        Operation("POST", _ACCOUNT + f"/{kind}.json", _credential("credential"))
        for kind in ("Keys", "SigningKeys", "Tokens")
    ),
    Operation("POST", "/2010-04-01/Accounts.json", _credential("credential")),
    Operation("GET", "/*", _reading),
)
