"""GitHub: no call costs by itself, except those that rent a machine, run one, or take a seat.

What a push sets off by itself (workflows, pages) is not counted here: GitHub's own spending limits
bound it. Asked for by name, it has no bound and so no price. Every call counts as one for ceilings
on the number of calls.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from metering.meters import fields
from metering.meters.graphql_document import mutations
from metering.operations import Operation, free
from metering.quotes import Quote, Request

_COSTS: Final = (
    # docs.github.com/rest: codespaces, actions, copilot, orgs/members, collaborators.
    ("codespace", r"/user/codespaces(/[^/]+/(start|publish))?"),
    ("codespace", r"/repos/[^/]+/[^/]+/(pulls/[^/]+/)?codespaces"),
    ("codespace", r"/(orgs|enterprises)/[^/]+/members/[^/]+/codespaces/.*"),
    ("workflow-run", r"/repos/[^/]+/[^/]+/dispatches"),
    ("workflow-run", r"/repos/[^/]+/[^/]+/actions/workflows/[^/]+/dispatches"),
    ("workflow-run", r"/repos/[^/]+/[^/]+/actions/(runs|jobs)/[^/]+/(rerun.*|approve)"),
    ("workflow-run", r"/repos/[^/]+/[^/]+/actions/runs/[^/]+/pending_deployments"),
    ("workflow-run", r"/repos/[^/]+/[^/]+/check-(suites|runs)/[^/]+/rerequest"),
    ("runner", r"/(orgs|enterprises)/[^/]+/actions/hosted-runners(/[^/]+)?"),
    ("seat", r"/(orgs|enterprises)/[^/]+/(members/[^/]+/)?copilot/.*"),
    ("seat", r"/orgs/[^/]+/(invitations|memberships/[^/]+)"),
    ("seat", r"/orgs/[^/]+/teams/[^/]+/memberships/[^/]+"),
    ("seat", r"/teams/[^/]+/memberships/[^/]+"),
    ("seat", r"/repos/[^/]+/[^/]+/collaborators/[^/]+"),
    ("agent", r"/agents/.*"),
    ("billing", r"/(orgs|users|user|enterprises)/(.*/)?(settings/)?billing/.*"),
)
_COSTLY: Final = tuple((name, re.compile(path + r"(\.[a-z]+)?/?")) for name, path in _COSTS)
_BY_NUMBER: Final = (
    # The pages of lists are linked so: every operation answers there too.
    (re.compile(r"/repositories/([^/]+)"), r"/repos/0/\1"),
    (re.compile(r"/organizations/([^/]+)/team/"), r"/orgs/\1/teams/"),
    (re.compile(r"/organizations/([^/]+)"), r"/orgs/\1"),
)
_MENTIONED: Final = re.compile(rb"@(?:copilot|claude|codex)\b|\\u00[2-7]", re.IGNORECASE)
"""A comment that names an agent sets it to work; or a name that is written in escapes."""
_MAY_SET_GOING: Final = re.compile(
    rb'"(?:agent_assignment|security_and_analysis|advanced_security\w*)"', re.IGNORECASE
)
"""What sets an agent to work, and security that is paid by the head."""
_ASSIGNS: Final = re.compile(rb'"(?:assignees?|reviewers)"', re.IGNORECASE)
_AGENT: Final = re.compile(rb"copilot|claude|codex|\[bot\]", re.IGNORECASE)
_GRAPHQL: Final = re.compile(r"/graphql(\.[a-z]+)?/?")
_SPONSORING: Final = frozenset({"createSponsorship", "createSponsorships"})
_SEATING: Final = frozenset(
    {
        "addEnterpriseOrganizationMember",
        "createEnterpriseOrganization",
        "inviteEnterpriseAdmin",
        "inviteEnterpriseMember",
        "updateEnterpriseOrganizationRole",
    }
)


_RUNNING: Final = frozenset(
    {
        "addAssigneesToAssignable",
        "approveDeployments",
        "createIssue",
        "replaceActorsForAssignable",
        "requestReviews",
        "requestReviewsByLogin",
        "rerequestCheckSuite",
        "updateIssue",
        "updatePullRequest",
    }
)
"""What runs a workflow again, or may set an agent to work: as the paths above."""


def _unbounded(name: str) -> Quote:
    return Quote(
        operation=name,
        why=f"What this costs, GitHub counts later. Set a price by the REQUEST for `{name}` with "
        "setPrice.",
    )


def _write(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - the path's
    # GitHub decodes a path before it looks at it; written otherwise, it is the same operation.
    path = unquote(request.path).lower()
    for shape, written in _BY_NUMBER:
        path = shape.sub(written, path, count=1) if shape.match(path) else path
    if _GRAPHQL.fullmatch(path) is not None:
        return _graphql(request)
    for name, shape in _COSTLY:
        if shape.fullmatch(path) is not None:
            return _unbounded(name)
    body = request.body or b""
    if (
        _MENTIONED.search(body)
        or _MAY_SET_GOING.search(body)
        or (_ASSIGNS.search(body) and _AGENT.search(body))
    ):
        return _unbounded("agent-or-security")
    return Quote(operation="write", price=0, firm=True)


def _graphql(request: Request) -> Quote:
    sent = fields.json_object(request)
    changes = mutations(sent) if sent is not None else None
    if changes is None:
        return Quote(
            operation="graphql",
            moves_unknown=True,
            why="keysteward can't tell what this document changes. Send one plain operation as "
            "JSON, without fragments among its mutations, or set a price by the REQUEST for "
            "`graphql` with setPrice.",
        )
    names = {change.name for change in changes}
    if names & _SPONSORING:
        return Quote(
            operation="sponsorship",
            moves_unknown=True,
            why="A sponsorship takes money, again each month. Set a price by the REQUEST for "
            "`sponsorship` with setPrice.",
        )
    if names & _SEATING:
        return _unbounded("seat")
    if names & _RUNNING:
        return _unbounded("workflow-run")
    if names and _MENTIONED.search(request.body or b""):
        return _unbounded("agent-or-security")
    return Quote(operation="graphql", price=0, firm=True)


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/*", _write),
    Operation("PUT", "/*", _write),
    Operation("PATCH", "/*", _write),
    Operation("DELETE", "/*", free("delete")),
)
