"""Vultr: what is made costs by the hour until it is deleted.

A request is priced by its plan. Fields are known by name, and a request with another one has no
price: it may cost more. Traffic beyond what a plan includes, and what a cluster's own workloads
make, no request shows: those are not counted.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from metering.bodies import Json
from metering.meters import fields, vultr_prices
from metering.meters.json_answer import read_json
from metering.operations import Operation, Quoting, free, unpriced
from metering.quotes import Measure, Quote, Reading, Request

_FREE_SYSTEMS: Final = frozenset(
    {
        # vultr.com/api/#tag/os: all but Windows, whose licence costs, and what an application, a
        # snapshot, a backup or an ISO brings along.
        2593, 1868, 452, 2076, 535, 2467, 542, 477, 2136, 2625, 2572, 2658, 424, 391, 425, 2079,
        2078, 2075, 2077, 447, 2212, 2720, 2573, 2659, 2157, 2656, 2594, 1869, 448, 1743, 2284,
        2571, 2657,
    }
)  # fmt: skip
_PLAIN_INSTANCE: Final = frozenset(
    {
        "region",
        "plan",
        "os_id",
        "label",
        "hostname",
        "tag",
        "tags",
        "sshkey_id",
        "script_id",
        "user_data",
        "user_scheme",
        "enable_ipv6",
        "disable_public_ipv4",
        "activation_email",
        "firewall_group_id",
        "enable_vpc",
        "enable_private_network",
        "attach_vpc",
        "attach_private_network",
        "reserved_ipv4",
        "backups",
        "backups_schedule",
        "ddos_protection",
    }
)
_PLAIN_POOL: Final = frozenset(
    {
        "label",
        "plan",
        "node_quantity",
        "tag",
        "auto_scaler",
        "min_nodes",
        "max_nodes",
        "labels",
        "taints",
    }
)
_PLAIN_CLUSTER: Final = frozenset(
    {"label", "region", "version", "node_pools", "enable_firewall", "ha_controlplanes", "vpc_id"}
)
_PLAIN_BLOCK: Final = frozenset({"region", "size_gb", "label", "block_type"})
_DEARER_PLACES: Final = frozenset({"sao"})
_MOST_NODES: Final = 1000
_MOST_GIGABYTES: Final = 1_000_000
_CHANGES_PRICE: Final = frozenset(
    {"plan", "os_id", "app_id", "image_id", "backups", "ddos_protection", "upgrade", "size_gb"}
)


def _hourly(
    operation: str,
    answered_as: str,
    cents: int | None,
    *,
    item: str | None = None,
    what: str | None = None,
) -> Quote:
    """Quote what is made and costs by the hour; `cents` a month, None where that isn't known."""
    hour = None if cents is None else vultr_prices.by_the_hour(cents)
    return Quote(
        operation=operation,
        model=item,
        at_most={Measure.HOUR: 1},
        price=hour,
        why=""
        if hour is not None
        else f"keysteward has no list price for {what or 'this'}. Set one by the HOUR for "
        f"`{item or operation}` with setPrice.",
        hourly=hour,
        reader=read_json(_made(answered_as, hour)),
    )


def _made(answered_as: str, hour: int | None) -> Callable[[Mapping[str, Any]], Reading | None]:
    def told(answer: Mapping[str, Any]) -> Reading | None:
        made = answer.get(answered_as)
        name = fields.text_of(made, "id") if isinstance(made, dict) else None
        return Reading({Measure.HOUR: 1}, hour, resource=name) if name else None

    return told


def _instance(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    sent = fields.json_object(request) or {}
    plan = fields.text_of(sent, "plan")
    cents = vultr_prices.plan(plan) if plan else None
    if cents is None or not sent.keys() <= _PLAIN_INSTANCE:
        return _hourly("instance", "instance", None, item=plan, what="an instance made like this")
    if sent.get("os_id") not in _FREE_SYSTEMS:
        what = "an instance with this system, which may need a licence"
        return _hourly("instance", "instance", None, item=plan, what=what)
    if sent.get("backups") not in {None, "disabled"}:
        cents = -(-cents * 6 // 5)
    if sent.get("ddos_protection"):
        cents += vultr_prices.DDOS_PROTECTION
    return _hourly("instance", "instance", cents, item=plan)


def _planned(operation: str, answered_as: str) -> Quoting:
    """Quote what is made by a plan that has no list price here."""

    def quoted(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
        plan = fields.text_of(fields.json_object(request) or {}, "plan")
        return _hourly(operation, answered_as, None, item=plan, what="this plan")

    return quoted


def _made_without_plan(operation: str, answered_as: str) -> Quoting:
    quote = _hourly(operation, answered_as, None)
    return lambda request, places: quote  # noqa: ARG005 - whatever it is


def _block(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    sent = fields.json_object(request) or {}
    size = fields.whole_between(sent.get("size_gb"), 1, _MOST_GIGABYTES)
    cents = None
    if size and _is_listed_place(sent) and sent.keys() <= _PLAIN_BLOCK:
        # Of its two kinds the dearer one: names of kinds come and go.
        cents = size * vultr_prices.NVME_GIGABYTE
    return _hourly("block-storage", "block", cents, what="block storage made like this")


def _balancer(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    sent = fields.json_object(request) or {}
    nodes = fields.whole_between(sent.get("nodes", 1), 1, _MOST_NODES)
    cents = None
    if nodes and _is_listed_place(sent) and "global_regions" not in sent:
        cents = nodes * vultr_prices.LOAD_BALANCER
    return _hourly("load-balancer", "load_balancer", cents, what="this load balancer")


def _cluster(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    """Quote a cluster by its nodes, as many of them as it may grow to."""
    sent = fields.json_object(request) or {}
    pools = sent.get("node_pools")
    total = 0
    known = sent.keys() <= _PLAIN_CLUSTER and not sent.get("ha_controlplanes")
    for pool in pools if isinstance(pools, list) else [None]:
        cents = _pool(pool) if isinstance(pool, dict) else None
        known = known and cents is not None
        total += cents or 0
    what = "this cluster, all of its nodes together"
    return _hourly("cluster", "vke_cluster", total if known else None, what=what)


def _pool(pool: Json) -> int | None:
    plan = vultr_prices.plan(fields.text_of(pool, "plan") or "")
    nodes = fields.whole_between(pool.get("node_quantity"), 1, _MOST_NODES)
    most = nodes
    if pool.get("auto_scaler"):
        most = fields.whole_between(pool.get("max_nodes"), 1, _MOST_NODES)
    if plan is None or nodes is None or most is None or not pool.keys() <= _PLAIN_POOL:
        return None
    return plan * max(nodes, most)


def _is_listed_place(sent: Json) -> bool:
    place = fields.text_of(sent, "region")
    return place is not None and place not in _DEARER_PLACES


def _change(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the body's
    sent = fields.json_object(request)
    if sent is not None and not sent.keys() & _CHANGES_PRICE:
        return Quote(operation="setup", price=0, firm=True)
    return Quote(
        operation="resize",
        why="A change of plan, size, system, backups or protection goes on costing, and keysteward "
        "does not follow it. Set a price by the REQUEST for `resize` with setPrice.",
    )


def _gone(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - its name's
    return Quote(operation="delete", price=0, firm=True, ends=places["id"])


_ENDABLE: Final = (
    "/v2/instances/{id}",
    "/v2/bare-metals/{id}",
    "/v2/blocks/{id}",
    "/v2/kubernetes/clusters/{id}",
    "/v2/kubernetes/clusters/{id}/delete-with-linked-resources",
    "/v2/load-balancers/{id}",
    "/v2/databases/{id}",
    "/v2/reserved-ips/{id}",
    "/v2/object-storage/{id}",
    "/v2/vfs/{id}",
)
_FREE_POSTS: Final = (
    *(f"/v2/instances{one}/{act}" for one in ("", "/{id}") for act in ("halt", "start", "reboot")),
    *(
        f"/v2/bare-metals{one}/{act}"
        for one in ("", "/{id}")
        for act in ("halt", "start", "reboot")
    ),
    "/v2/instances/{id}/reinstall",
    "/v2/instances/{id}/restore",
    "/v2/instances/{id}/backup-schedule",
    "/v2/instances/{id}/iso/*",
    "/v2/instances/{id}/ipv6/reverse",
    "/v2/instances/{id}/ipv4/reverse*",
    "/v2/instances/{id}/vpcs/*",
    "/v2/instances/{id}/private-networks/*",
    "/v2/bare-metals/{id}/reinstall",
    "/v2/blocks/{id}/attach",
    "/v2/blocks/{id}/detach",
    "/v2/reserved-ips/{id}/attach",
    "/v2/reserved-ips/{id}/detach",
    "/v2/load-balancers/{id}/forwarding-rules",
    "/v2/domains*",
    "/v2/firewalls*",
    "/v2/iso",
    "/v2/private-networks",
    "/v2/ssh-keys",
    "/v2/startup-scripts",
    "/v2/vpcs",
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/v2/instances", _instance),
    Operation("POST", "/v2/bare-metals", _planned("bare-metal", "bare_metal")),
    Operation("POST", "/v2/databases", _planned("database", "database")),
    Operation("POST", "/v2/blocks", _block),
    Operation("POST", "/v2/kubernetes/clusters", _cluster),
    Operation("POST", "/v2/load-balancers", _balancer),
    Operation("POST", "/v2/reserved-ips", _made_without_plan("reserved-ip", "reserved_ip")),
    Operation("POST", "/v2/object-storage", _made_without_plan("object-storage", "object_storage")),
    Operation("POST", "/v2/vfs", _made_without_plan("file-system", "vfs")),
    *(
        Operation(
            "POST",
            path,
            unpriced(
                "snapshot",
                "What a snapshot costs, the size of its disk decides. Set a price by the REQUEST "
                "for `snapshot` with setPrice.",
            ),
        )
        for path in ("/v2/snapshots", "/v2/snapshots/create-from-url")
    ),
    Operation(
        "POST",
        "/v2/users",
        unpriced(
            "user",
            "The answer holds a key, with which calls would go past keysteward. Set a price by the "
            "REQUEST for `user` with setPrice.",
        ),
    ),
    *(
        Operation("PATCH", path, _change)
        for path in ("/v2/instances/{id}", "/v2/blocks/{id}", "/v2/bare-metals/{id}")
    ),
    *(Operation("POST", path, free("setup")) for path in _FREE_POSTS),
    *(
        Operation(method, path, free("setup"))
        for method in ("PUT", "PATCH")
        for path in ("/v2/domains*", "/v2/firewalls*", "/v2/ssh-keys/{id}", "/v2/vpcs/{id}")
    ),
    *(Operation("DELETE", path, _gone) for path in _ENDABLE),
    Operation("DELETE", "/v2/*", free("delete")),
)
