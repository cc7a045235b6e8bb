"""Stripe: no call costs a fee by itself; what is metered is the money that a call moves.

The amount stands in the request's form, in the currency's smallest unit, and counts when the
request goes out: a payment that is made here may be confirmed later, past keysteward, by the
customer's browser. A request that moves money without saying how much (a refund, a capture, an
invoice) says `moves_unknown`; so does every request that is not known to move none.

What Stripe takes of each payment is not known from a request, and not counted. Its few services
that are billed by the call have no price here, so that a ceiling refuses them until their owner
sets one (stripe.com/pricing).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from metering.meters import fields
from metering.operations import Operation, Quoting, free, unpriced
from metering.quotes import Moved, Quote, Request

_CURRENCY: Final = re.compile(r"[A-Za-z]{3}")
_LINE_ITEM: Final = re.compile(r"line_items\[(\d{1,3})\](.*)")
_LINE_FIELDS: Final = re.compile(
    r"\[quantity\]|\[price_data\]\[(currency|unit_amount|product|tax_behavior)\]"
    r"|\[price_data\]\[product_data\]\[[a-z_]+\](\[[a-z0-9_]*\])*"
)
"""What a line may say and still be worth its amount times its quantity."""
_ADDED: Final = (
    "automatic_tax",
    "shipping_options",
    "optional_items",
    "subscription_data",
)
"""What may make a checkout dearer than its lines."""

Amount = Callable[[Mapping[str, str]], Moved | None]
"""Reads the amount that a form moves; None where it does not say."""


def _unknown(name: str) -> Quote:
    return Quote(operation=name, price=0, firm=True, moves_unknown=True)


def _moving(name: str, amount: Amount) -> Quoting:
    """Quote an operation that moves what its form says."""

    def quoted(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the form's
        form = fields.form(request)
        moved = amount(form) if form is not None else None
        if moved is None:
            return _unknown(name)
        return Quote(operation=name, price=0, firm=True, moved=moved)

    return quoted


def _changing(name: str, amount: Amount) -> Quoting:
    """Quote an operation that moves money only if its form names an amount."""
    moving = _moving(name, amount)

    def quoted(request: Request, places: Mapping[str, str]) -> Quote:
        form = fields.form(request)
        if form is not None and not any(
            field.startswith(("amount", "currency", "line_items", "shipping")) for field in form
        ):
            return Quote(operation=name, price=0, firm=True)
        return moving(request, places)

    return quoted


def _hidden(name: str) -> Quoting:
    """Quote an operation that moves money which its request does not name."""
    quote = _unknown(name)
    return lambda request, places: quote  # noqa: ARG005 - whatever it is


def _amount(form: Mapping[str, str]) -> Moved | None:
    return _moved(form.get("currency"), fields.whole(form.get("amount")))


def _refunded(form: Mapping[str, str]) -> Moved | None:
    """Read a refund out of a customer's cash balance: the only one that names its currency."""
    if {"charge", "payment_intent"} & form.keys():
        return None
    return _amount(form)


def _item(form: Mapping[str, str]) -> Moved | None:
    """Read an item that a later invoice will charge."""
    if {"amount", "currency"} <= form.keys() and not {"quantity", "unit_amount"} & form.keys():
        return _amount(form)
    return None


def _checkout(form: Mapping[str, str]) -> Moved | None:
    """Add up the lines of a checkout page, where each names its own price."""
    if form.get("mode", "payment") != "payment" or any(name.startswith(_ADDED) for name in form):
        return None
    lines: dict[str, dict[str, str]] = {}
    for name, value in form.items():
        said = _LINE_ITEM.fullmatch(name)
        if said is not None:
            if _LINE_FIELDS.fullmatch(said[2]) is None:
                return None
            lines.setdefault(said[1], {})[said[2]] = value
        elif name.startswith("line_items"):
            return None
    currencies = {line.get("[price_data][currency]", "").lower() for line in lines.values()}
    total = 0
    for line in lines.values():
        each = fields.whole(line.get("[price_data][unit_amount]"))
        quantity = fields.whole(line.get("[quantity]"))
        if each is None or quantity is None:
            return None
        total += each * quantity
    return _moved(currencies.pop(), total) if len(currencies) == 1 else None


def _moved(currency: str | None, amount: int | None) -> Moved | None:
    if currency is None or amount is None or _CURRENCY.fullmatch(currency) is None:
        return None
    return Moved(currency.lower(), amount)


def _paid_out(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    """Quote a movement of the API's second version, whose amount is a JSON object."""
    sent = fields.json_object(request) or {}
    amount: Any = sent.get("amount")
    if isinstance(amount, dict) and amount.keys() == {"value", "currency"}:
        value = fields.whole_between(amount["value"], 0, 10**15)
        moved = _moved(fields.text_of(amount, "currency"), value)
        if moved is not None:
            return Quote(operation="money-management", price=0, firm=True, moved=moved)
    return _unknown("money-management")


def _ending(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the request's
    """Quote the end of a subscription, which may be asked to invoice what is left."""
    if request.body or request.query:
        return _unknown("subscriptions")
    return Quote(operation="subscriptions", price=0, firm=True)


def _customer(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the form's
    """Quote a customer, who may be given a balance."""
    form = fields.form(request)
    if form is None or "balance" in form:
        return _unknown("customer-balance")
    return Quote(operation="setup", price=0, firm=True)


def _billed(name: str) -> Quoting:
    return unpriced(
        name,
        f"Stripe bills this service by the call. Set a price by the REQUEST for `{name}` with "
        "setPrice.",
    )


_MOVING: Final[Mapping[str, Quoting]] = {
    "/v1/payment_intents": _moving("payment_intents", _amount),
    "/v1/payment_intents/{id}": _changing("payment_intents", _amount),
    "/v1/charges": _moving("charges", _amount),
    "/v1/transfers": _moving("transfers", _amount),
    "/v1/payouts": _moving("payouts", _amount),
    "/v1/topups": _moving("topups", _amount),
    "/v1/refunds": _moving("refunds", _refunded),
    "/v1/invoiceitems": _moving("invoiceitems", _item),
    "/v1/customers": _customer,
    "/v1/customers/{id}": _customer,
    "/v1/customers/{id}/balance_transactions": _moving("customer-balance", _amount),
    "/v1/checkout/sessions": _moving("checkout", _checkout),
    "/v1/checkout/sessions/{id}": _changing("checkout", lambda form: None),  # noqa: ARG005
    "/v1/treasury/outbound_payments": _moving("treasury", _amount),
    "/v1/treasury/outbound_transfers": _moving("treasury", _amount),
    "/v1/treasury/inbound_transfers": _moving("treasury", _amount),
    "/v1/climate/orders": _hidden("climate"),
    "/v2/money_management/outbound_payments": _paid_out,
    "/v2/money_management/outbound_transfers": _paid_out,
    "/v2/money_management/inbound_transfers": _paid_out,
    "/v2/money_management/payout_intents": _paid_out,
}
_BILLED: Final[Mapping[str, str]] = {
    "/v1/identity/verification_sessions": "identity",
    "/v1/forwarding/requests": "forwarding",
    "/v1/issuing/cards": "issuing",
    "/v1/tax/calculations": "tax",
    "/v1/tax/transactions/create_from_calculation": "tax",
    "/v1/radar/payment_evaluations": "radar",
    "/v1/financial_connections/accounts/{id}/refresh": "financial-connections",
    "/v1/financial_connections/accounts/{id}/subscribe": "financial-connections",
}
_STILL: Final = (
    # By the resources of the API's reference, docs.stripe.com/api: setting up, describing,
    # cancelling. A `*` takes what stands below a resource too.
    "/v1/account_links",
    "/v1/account_sessions",
    "/v1/accounts*",
    "/v1/apple_pay/domains",
    "/v1/apps/*",
    "/v1/billing/alerts*",
    "/v1/billing/meters*",
    "/v1/billing_portal/*",
    "/v1/charges/{id}",
    "/v1/checkout/sessions/{id}/expire",
    "/v1/coupons*",
    "/v1/customer_sessions",
    "/v1/customers/{id}/sources*",
    "/v1/customers/{id}/tax_ids",
    "/v1/disputes/{id}",
    "/v1/entitlements/*",
    "/v1/ephemeral_keys",
    "/v1/file_links*",
    "/v1/files",
    "/v1/financial_connections/sessions",
    "/v1/identity/verification_sessions/{id}/cancel",
    "/v1/identity/verification_sessions/{id}/redact",
    "/v1/invoices/create_preview",
    "/v1/invoices/{id}/mark_uncollectible",
    "/v1/invoices/{id}/void",
    "/v1/issuing/authorizations/{id}/decline",
    "/v1/payment_intents/{id}/cancel",
    "/v1/payment_method_configurations*",
    "/v1/payment_method_domains*",
    "/v1/payment_methods*",
    "/v1/payouts/{id}",
    "/v1/payouts/{id}/cancel",
    "/v1/plans*",
    "/v1/prices*",
    "/v1/products*",
    "/v1/promotion_codes*",
    "/v1/quotes",
    "/v1/quotes/{id}",
    "/v1/quotes/{id}/cancel",
    "/v1/quotes/{id}/finalize",
    "/v1/radar/value_list*",
    "/v1/refunds/{id}",
    "/v1/refunds/{id}/cancel",
    "/v1/reporting/report_runs",
    "/v1/reviews/{id}/approve",
    "/v1/setup_intents*",
    "/v1/shipping_rates*",
    "/v1/sources*",
    "/v1/tax/registrations*",
    "/v1/tax/settings",
    "/v1/tax_ids",
    "/v1/tax_rates*",
    "/v1/terminal/configurations*",
    "/v1/terminal/connection_tokens",
    "/v1/terminal/locations*",
    "/v1/test_helpers/*",
    "/v1/tokens",
    "/v1/topups/{id}",
    "/v1/topups/{id}/cancel",
    "/v1/transfers/{id}",
    "/v1/webhook_endpoints*",
    "/v2/core/accounts*",
    "/v2/core/event_destinations*",
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    *(Operation("POST", path, quoting) for path, quoting in _MOVING.items()),
    *(Operation("POST", path, _billed(name)) for path, name in _BILLED.items()),
    *(Operation("POST", path, free("setup")) for path in _STILL),
    Operation("DELETE", "/v1/subscriptions/{id}", _ending),
    Operation("DELETE", "/v1/subscription_items/{id}", _hidden("subscriptions")),
    Operation("DELETE", "/v1/*", free("delete")),
    Operation("DELETE", "/v2/core/*", free("delete")),
    # Whatever else there is, or will be: Stripe asks no fee for the call, and it may move money.
    Operation("POST", "/*", _hidden("other")),
    Operation("DELETE", "/*", _hidden("other")),
)
