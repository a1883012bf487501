"""Own permits: publish, withdraw, replace. All permits: list and look at one (contract 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from aiohttp import web

from epix_node.acts.office import Office
from epix_node.acts.publish import Published, Withdrawn, publish, replace_permit, withdraw
from epix_node.errors import AmbiguousNumberError, MalformedDocumentError, NotFoundError
from epix_node.permit.event import PermitRef, WithdrawalReason
from epix_node.permit.event_json import event_to_json, withdrawal_from_json
from epix_node.permit.facts import EventFact, PermitFact, Source, WithdrawalFact
from epix_node.permit.finding import Finding
from epix_node.permit.json import permit_from_json, permit_to_json
from epix_node.permit.json_fields import permit_number
from epix_node.permit.model import Permit
from epix_node.permit.number import NumberRef, PermitKey
from epix_node.permit.status import Status
from epix_node.permit.strict_json import load_json
from epix_node.permit.xml.reader import read_permit_bytes
from epix_node.reconcile.line_state import LineState
from epix_node.reconcile.lines import lines_of
from epix_node.reconcile.perspective import Perspective
from epix_node.store import cases, documents, findings, permit_checks, permits
from epix_node.store.clients import Client, Role
from epix_node.store.database import Session
from epix_node.store.permit_checks import PermitCheck
from epix_node.store.permits import PermitFilter
from epix_node.web import answers, customs
from epix_node.web.access import AUTHORITY, EVERYBODY, OFFICES, Route
from epix_node.web.desk import DESK
from epix_node.web.replies import Format, Query, format_of, json_reply, path_part


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    """All that is shown of one permit."""

    fact: PermitFact
    events: tuple[EventFact, ...]
    findings: tuple[Finding, ...]
    check: PermitCheck | None
    token: str | None
    lines: tuple[LineState, ...] | None
    """How the lines stand; ``None`` for customs."""


async def publish_permit(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001 # any authority
    """A permit is signed and enters the register."""
    desk = request.app[DESK]
    body = await request.read()
    published = await desk.lane.enter(_publish, desk.office, body, format_of(request, body), now=desk.now())
    return _published(published)


async def replace_one(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001
    """The permit in the body replaces the one in the path."""
    desk = request.app[DESK]
    ref = ref_of(request, segments=2)
    body = await request.read()
    published = await desk.lane.enter(_replace, desk.office, ref, body, format_of(request, body), now=desk.now())
    return _published(published)


async def withdraw_one(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001
    """The permit in the path is taken back."""
    desk = request.app[DESK]
    ref = ref_of(request, segments=2)
    now = desk.now()
    withdrawn, found = await desk.lane.enter(_withdraw, desk.office, ref, await request.read(), now=now)
    body = {
        "event_id": None,
        "document": withdrawn.source.document,
        "register_index": withdrawn.source.index,
        "status": answers.status_of(request, withdrawn.key, now=now),
        "findings": [finding.to_json(origin_of=desk.office.origin_of) for finding in found],
    }
    return json_reply(body, status=201 if withdrawn.created else 200)


async def list_permits(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001
    """Permits of all issuers, by issue date and number."""
    desk = request.app[DESK]
    now = desk.now()
    query = Query(request)
    status = query.one_of("status", Status)
    wanted = PermitFilter(
        issuer=query.text("issuer"),
        number=query.number("number"),
        type=query.text("type"),
        year=query.year("year"),
        taxon=query.text("taxon"),
        status=Status(status) if status else None,
        issued_from=query.day("issued_from"),
        issued_to=query.day("issued_to"),
        on=query.day("valid_at") or desk.today(now),
    )
    cursor, limit = query.cursor(parts=4), query.limit()
    query.end()
    page, following = await desk.node.database.read(permits.page, wanted, cursor=cursor, limit=limit)
    body = {
        "permits": [
            {
                "permit": {**permit_to_json(fact.permit), "year": fact.key.year},
                "status": answers.status_of(request, fact.key, now=now),
            }
            for fact in page
        ],
        "next": following,
    }
    return json_reply(body)


async def show_permit(request: web.Request, client: Client) -> web.StreamResponse:
    """One permit with its status, events and findings."""
    desk = request.app[DESK]
    now = desk.now()
    is_customs = client.role is Role.CUSTOMS
    ref = await _proven_ref(request, client, now) if is_customs else ref_of(request, segments=1)
    show_token = client.role is Role.AUTHORITY and ref.issuer in desk.office.codes
    perspective = None if is_customs else desk.office.perspective()
    story = await desk.node.database.read(_story, ref, perspective, show_token=show_token, now=now)
    permit, events = permit_to_json(story.fact.permit), [_event_json(event) for event in story.events]
    if story.fact.withdrawal is not None:
        events.append(_withdrawal_json(story.fact.withdrawal))
    body: dict[str, Any] = {
        "permit": customs.permit_without_names(permit) if is_customs else permit,
        "status": answers.status_of(request, story.fact.key, is_customs=is_customs, now=now),
        "events": [customs.event_without_names(event) for event in events] if is_customs else events,
        "findings": [finding.to_json(origin_of=desk.office.origin_of) for finding in story.findings],
        # Customs see it too: what a rule says never holds a name or an address.
        "checks": story.check.to_json() if story.check is not None else None,
    }
    if story.lines is not None:
        body["reconciliation"] = [line.to_json() for line in story.lines]
    if story.token is not None:
        body["token"] = story.token
    return json_reply(body)


async def show_document(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001
    """The signed document, exact bytes."""
    ref = ref_of(request, segments=2)
    sha256, xml = await request.app[DESK].node.database.read(_document, ref)
    etag = f'"{sha256}"'
    headers = {"ETag": etag}
    asked = request.if_none_match or ()
    if any(tag.value in {"*", sha256} for tag in asked):
        return web.Response(status=304, headers=headers)
    return web.Response(body=xml, content_type="application/xml", headers=headers)


def ref_of(request: web.Request, *, segments: int) -> NumberRef:
    """The permit that path and query name; the number is the last but ``segments - 1`` part of the path.

    Raises:
        NotFoundError: no permit can have such a number.
        MalformedDocumentError: the query is not understood.
    """
    query = Query(request)
    type_, year = query.text("type"), query.year("year")
    query.end()
    issuer = path_part(request, segments + 1)
    try:
        number = permit_number(path_part(request, segments))
    except ValueError as error:
        raise NotFoundError(str(error)) from error
    return NumberRef(issuer=issuer, number=number, type=type_, year=year)


async def _proven_ref(request: web.Request, client: Client, now: datetime) -> NumberRef:
    """The permit that customs prove to hold.

    Raises:
        NotFoundError: in the same words for a wrong proof and an unknown number (contract 4).
    """
    ref = ref_of(request, segments=1)
    asked = PermitRef(
        issuer=ref.issuer,
        number=ref.number,
        type=ref.type,
        issued_on=date(ref.year, 1, 1) if ref.year is not None else None,  # only its year chooses
    )
    admitted = await customs.admitted(request.app[DESK], client, asked, customs.given_proof(request, None), now=now)
    key = admitted.holding.key if admitted is not None else None
    if key is None or ref.type not in {None, key.type} or ref.year not in {None, key.year}:
        raise NotFoundError("no such permit is held here")
    return NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year)


def _read_permit(body: bytes, form: Format) -> Permit:
    if form is Format.JSON:
        return permit_from_json(load_json(body))
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<":
        raise MalformedDocumentError("expected a permit as JSON or XML; for CSV there is `epix-node permits publish`")
    return read_permit_bytes(body).permit


def _publish(office: Office, body: bytes, form: Format, *, now: datetime) -> Published:
    return publish(office, _read_permit(body, form), now=now)


def _replace(office: Office, ref: NumberRef, body: bytes, form: Format, *, now: datetime) -> Published:
    return replace_permit(office, ref, _read_permit(body, form), now=now)


def _withdraw(office: Office, ref: NumberRef, body: bytes, *, now: datetime) -> tuple[Withdrawn, tuple[Finding, ...]]:
    reason, text = withdrawal_from_json(load_json(body))
    withdrawn = withdraw(office, ref, WithdrawalReason(reason), text, now=now)
    key = withdrawn.key
    return withdrawn, office.database.read_now(findings.about, key.issuer, key.number)


def _published(published: Published) -> web.Response:
    return json_reply(published.to_json(), status=201 if published.created else 200)


def _one(facts: tuple[PermitFact, ...], ref: NumberRef) -> PermitFact:
    meant = [
        fact
        for fact in facts
        if (ref.type is None or fact.key.type == ref.type) and (ref.year is None or fact.key.year == ref.year)
    ]
    if not meant:
        raise NotFoundError("no such permit is held here")
    if len(meant) > 1:
        raise AmbiguousNumberError(
            f"{len(meant)} permits of {ref.issuer} are numbered {ref.number}: say which type and year",
            candidates=tuple(fact.key.to_json() for fact in meant),
        )
    return meant[0]


def _story(
    session: Session, ref: NumberRef, perspective: Perspective | None, *, show_token: bool, now: datetime
) -> _Story:
    case = cases.load(session, ref.issuer, ref.number)
    fact = _one((*case.permits, *case.void), ref)
    own = {event.source.document: event for event in (*case.events_of(fact), *case.uses_of(fact))}
    return _Story(
        fact=fact,
        events=tuple(sorted(own.values(), key=lambda event: (event.body.date, event.source.at, event.source.document))),
        findings=_findings_of(findings.about(session, ref.issuer, ref.number), fact.key),
        check=permit_checks.find(session, fact.key),
        token=permits.token(session, fact.key) if show_token else None,
        lines=lines_of(session, perspective, fact.key, now=now) if perspective is not None else None,
    )


def _findings_of(found: tuple[Finding, ...], key: PermitKey) -> tuple[Finding, ...]:
    """The findings about the number, without those about another permit that has it too."""
    return tuple(
        finding
        for finding in found
        if finding.subject.type in {None, key.type} and finding.subject.year in {None, key.year}
    )


def _document(session: Session, ref: NumberRef) -> tuple[str, bytes]:
    fact = _one(permits.numbered(session, ref.issuer, ref.number), ref)
    held = documents.find(session, fact.source.document, party=fact.source.party)
    assert held is not None  # a permit is an index over its document
    return held.sha256, held.xml


def _event_json(event: EventFact) -> dict[str, Any]:
    matched = event.match.to_json() if event.match is not None else None
    return _source_json(event.source) | event_to_json(event.body) | {"matched": matched}


def _withdrawal_json(fact: WithdrawalFact) -> dict[str, Any]:
    return _source_json(fact.source) | event_to_json(fact.withdrawal)


def _source_json(source: Source) -> dict[str, Any]:
    return {
        "kind": source.type,
        "party": source.party,
        "document": source.document,
        "register_index": source.index,
    }


ONE = "/api/v1/permits/{issuer:[^/]+}/{number:[^/]+}"
"""As it is sent, slashes of the number as ``%2F``; braces and everything else may stand in it."""

ROUTES = (
    Route(method="POST", path="/api/v1/permits", handler=publish_permit, roles=AUTHORITY),
    Route(method="GET", path="/api/v1/permits", handler=list_permits, roles=OFFICES),
    Route(method="GET", path=ONE, handler=show_permit, roles=EVERYBODY),
    Route(method="GET", path=f"{ONE}/document", handler=show_document, roles=OFFICES),
    Route(method="POST", path=f"{ONE}/withdrawal", handler=withdraw_one, roles=AUTHORITY),
    Route(method="POST", path=f"{ONE}/replacement", handler=replace_one, roles=AUTHORITY),
)
