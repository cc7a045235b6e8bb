"""Railway: everything is a GraphQL call, and only a mutation can cost.

What a service uses is billed by the second of its memory, processor and network, and none of that
stands in a request (railway.com/pricing). So a mutation that sets something running has no list
price: its owner sets one for the mutation's own name, by the REQUEST, or by the HOUR for those
that make what a later call deletes. A mutation that is not known here has none either.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from metering.meters import fields
from metering.meters.graphql_document import Mutation, mutations
from metering.meters.json_answer import read_json
from metering.operations import Operation, unpriced
from metering.quotes import Measure, Quote, Reading, Request

_MAKES: Final = frozenset(
    {"serviceCreate", "volumeCreate", "sandboxCreate", "cloudAgentCreate", "bucketCreate"}
)
"""What makes one thing that costs as long as it is there."""
_ENDS: Final = frozenset(
    {
        "serviceDelete",
        "volumeDelete",
        "sandboxDestroy",
        "cloudAgentDelete",
        "deploymentRemove",
        "deploymentStop",
        "deploymentCancel",
        "environmentDelete",
        "projectDelete",
        "pluginDelete",
    }
)
_CREDENTIALS: Final = frozenset({"apiTokenCreate", "projectTokenCreate", "loginSessionConsume"})
_FREE: Final = frozenset(
    {
        # Describing and naming.
        "cliEventTrack",
        "environmentRename",
        "projectUpdate",
        "serviceUpdate",
        "templateGenerate",
        "templateDelete",
        # How it is reached.
        "customDomainCreate",
        "customDomainDelete",
        "customDomainUpdate",
        "serviceDomainCreate",
        "serviceDomainDelete",
        "serviceDomainUpdate",
        "tcpProxyDelete",
        # Who hears of it.
        "webhookCreate",
        "webhookDelete",
        "webhookUpdate",
        "deploymentTriggerDelete",
        "projectScheduleDelete",
    }
)
"""Mutations that neither start nor enlarge anything. Setting a variable is not among them: Railway
deploys the service again."""


def _graphql(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - none here
    sent = fields.json_object(request)
    changes = mutations(sent) if sent is not None else None
    if changes is None:
        return Quote(
            operation="graphql",
            why="keysteward can't tell what this document changes. Send one plain operation as "
            "JSON, without fragments among its mutations, or set a price by the REQUEST for "
            "`graphql` with setPrice.",
        )
    costly = [change for change in changes if change.name not in _FREE | _ENDS]
    if not costly:
        return _freely(changes)
    if len(changes) > 1:
        return Quote(
            operation="mutations",
            why="Several mutations in one call have no price together. Send them one by one, or "
            "set a price by the REQUEST for `mutations` with setPrice.",
        )
    name = costly[0].name
    if name in _CREDENTIALS:
        return Quote(
            operation=name,
            why="The answer holds a credential, with which calls would go past keysteward. Set a "
            f"price by the REQUEST for `{name}` with setPrice.",
        )
    makes = name in _MAKES
    return Quote(
        operation=name,
        at_most={Measure.HOUR: 1} if makes else {},
        why="What this sets running, Railway bills by its use, which has no bound. Set a price by "
        f"the {'HOUR' if makes else 'REQUEST'} for `{name}` with setPrice.",
        reader=read_json(_made(costly[0].answered_as)) if makes else None,
    )


def _freely(changes: tuple[Mutation, ...]) -> Quote:
    if len(changes) == 1 and changes[0].name in _ENDS:
        ended = changes[0].arguments
        return Quote(
            operation=changes[0].name,
            price=0,
            # Not firm: a deletion that failed is answered with 200 too, and ends nothing.
            reader=read_json(_ended(changes[0].answered_as)),
            ends=ended.get("id", ended.get("volumeId")),
        )
    name = changes[0].name if len(changes) == 1 else "mutations" if changes else "query"
    return Quote(operation=name, price=0, firm=True)


def _ended(answered_as: str) -> Callable[[Mapping[str, Any]], Reading | None]:
    def told(answer: Mapping[str, Any]) -> Reading | None:
        data = answer.get("data")
        done = isinstance(data, dict) and data.get(answered_as) and not answer.get("errors")
        return Reading(cost=0) if done else None

    return told


def _made(answered_as: str) -> Callable[[Mapping[str, Any]], Reading | None]:
    def told(answer: Mapping[str, Any]) -> Reading | None:
        data = answer.get("data")
        made = data.get(answered_as) if isinstance(data, dict) else None
        name = made.get("id") if isinstance(made, dict) else None
        return Reading({Measure.HOUR: 1}, resource=name) if isinstance(name, str) else None

    return told


_UNREAD: Final = unpriced(
    "graphql",
    "keysteward meters Railway's API where it is called with POST. Set a price by the REQUEST for "
    "`graphql` with setPrice.",
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/graphql/v2", _graphql),
    # A subscription's socket and a GET with the document in its URL could carry mutations too.
    Operation("GET", "/graphql*", _UNREAD),
)
