"""Findings: list them, look at one, decide about it (contract 4, 5)."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from epix_node.acts.office import Office
from epix_node.acts.review import decide
from epix_node.errors import InputError, NotFoundError
from epix_node.permit.finding import Finding, FindingClass, FindingState
from epix_node.permit.strict_json import load_json
from epix_node.store import findings
from epix_node.store.clients import Client
from epix_node.store.findings import FindingFilter
from epix_node.web.access import AUTHORITY, OFFICES, Route
from epix_node.web.desk import DESK
from epix_node.web.payloads import DecisionBody, read_body
from epix_node.web.replies import Query, json_reply


async def list_findings(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001 # any office
    """Findings by first-seen time and id, in all states unless one is asked for."""
    query = Query(request)
    wanted = FindingFilter(
        pattern=query.text("pattern"),
        class_=query.one_of("class", FindingClass),
        state=query.one_of("state", FindingState),
        issuer=query.text("issuer"),
        number=query.number("number"),
        since=query.time("since"),
    )
    cursor, limit = query.cursor(parts=2), query.limit()
    query.end()
    try:
        page, following = await request.app[DESK].node.database.read(findings.page, wanted, cursor=cursor, limit=limit)
    except (ValueError, OverflowError) as error:  # a cursor whose first part is no time
        raise InputError("query: cursor: not one that this node made") from error
    origin_of = request.app[DESK].office.origin_of
    return json_reply({"findings": [one.to_json(origin_of=origin_of) for one in page], "next": following})


async def show_finding(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001
    """One finding."""
    finding_id = request.match_info["id"]
    finding = await request.app[DESK].node.database.read(findings.find, finding_id)
    if finding is None:
        raise NotFoundError("there is no such finding")
    return json_reply(finding.to_json(origin_of=request.app[DESK].office.origin_of))


async def decide_finding(request: web.Request, client: Client) -> web.StreamResponse:
    """The authority's word on a finding."""
    desk = request.app[DESK]
    finding = await desk.lane.run(
        _decide, desk.office, request.match_info["id"], await request.read(), client=client.name, now=desk.now()
    )
    return json_reply(finding.to_json(origin_of=desk.office.origin_of))


def _decide(office: Office, finding_id: str, body: bytes, *, client: str, now: datetime) -> Finding:
    decision = read_body(DecisionBody, load_json(body), what="decision")
    return decide(office, finding_id, decision.decision, decision.reason or "", client=client, now=now)


_ONE = "/api/v1/findings/{id}"

ROUTES = (
    Route(method="GET", path="/api/v1/findings", handler=list_findings, roles=OFFICES),
    Route(method="GET", path=_ONE, handler=show_finding, roles=OFFICES),
    Route(method="POST", path=f"{_ONE}/decision", handler=decide_finding, roles=AUTHORITY),
)
