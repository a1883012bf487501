"""What happened at the border: ``POST /endorsements``, ``/confirmations``, ``/corrections`` (contract 4, 5).

An event is a fact and is recorded whoever holds the permit. What its teller gets to see in return is another matter:
customs without a right proof get the NO_MATCH answer and no findings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aiohttp import web

from epix_node.acts.office import Office
from epix_node.acts.report import Reported, correct, report
from epix_node.document.header import DocumentType
from epix_node.errors import AmbiguousNumberError, ConflictError
from epix_node.permit.event import Confirmation, Endorsement, PermitRef
from epix_node.permit.event_json import (
    CorrectionRequest,
    confirmation_from_json,
    correction_from_json,
    endorsement_from_json,
    split_proof,
)
from epix_node.permit.strict_json import load_json
from epix_node.store.clients import Client, Role
from epix_node.web import answers, customs
from epix_node.web.access import BORDER, Route
from epix_node.web.customs import Admitted
from epix_node.web.desk import DESK
from epix_node.web.proofs import Proof
from epix_node.web.replies import json_reply

Event = Endorsement | Confirmation

READERS: Mapping[str, Callable[[object], Event]] = {
    DocumentType.ENDORSEMENT.value: endorsement_from_json,
    DocumentType.CONFIRMATION.value: confirmation_from_json,
}
"""Who reads the new body of a correction, by the kind of the event that it replaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """An event that somebody tells, with the proof that came beside it, unread."""

    event: Event
    proof: Mapping[str, Any] | None


async def endorse(request: web.Request, client: Client) -> web.StreamResponse:
    """Goods left."""
    return await _report(request, client, endorsement_from_json)


async def confirm(request: web.Request, client: Client) -> web.StreamResponse:
    """Goods arrived."""
    return await _report(request, client, confirmation_from_json)


async def correct_event(request: web.Request, client: Client) -> web.StreamResponse:
    """An event of this node is taken back, or another one stands in its place."""
    desk = request.app[DESK]
    wanted, member = await desk.lane.run(_read_correction, await request.read())
    proof = customs.given_proof(request, member) if client.role is Role.CUSTOMS else None
    now = desk.now()
    reported = await desk.lane.enter(_correct, desk.office, wanted, now=now)
    try:
        admitted = await _admitted(request, client, reported.permit, proof, now)
    except AmbiguousNumberError:  # what is recorded is recorded; the caller sees no more than without a proof
        admitted = None
    if admitted is not None and proof is not None and wanted.event is not None:
        await customs.free_from_proof(desk, admitted.holding)
    return await _reply(request, client, reported, admitted, now)


async def _report(request: web.Request, client: Client, read: Callable[[object], Event]) -> web.StreamResponse:
    desk = request.app[DESK]
    told = await desk.lane.run(_read, await request.read(), read)
    event = told.event
    now = desk.now()
    is_customs = client.role is Role.CUSTOMS
    proof = customs.given_proof(request, told.proof) if is_customs else None
    admitted = await _admitted(request, client, event.permit, proof, now)
    if admitted is not None:
        event = replace(event, permit=admitted.ref)
    proved = admitted is not None or not is_customs
    reported = await desk.lane.enter(report, desk.office, event, tell_apart=proved, now=now)
    if admitted is not None and proof is not None:
        await customs.free_from_proof(desk, admitted.holding)
    return await _reply(request, client, reported, admitted, now)


async def _admitted(
    request: web.Request, client: Client, ref: PermitRef, proof: Proof | None, now: datetime
) -> Admitted | None:
    """The permit that customs prove to hold; ``None`` for everybody else, who need no proof."""
    if client.role is not Role.CUSTOMS:
        return None
    return await customs.admitted(request.app[DESK], client, ref, proof, now=now, limited=False)


async def _reply(
    request: web.Request, client: Client, reported: Reported, admitted: Admitted | None, now: datetime
) -> web.Response:
    is_customs = client.role is Role.CUSTOMS
    if is_customs and admitted is None:
        status, found = await answers.no_match(request, reported.permit, now=now), []
    else:
        ref = admitted.ref if admitted is not None else reported.permit
        status = await answers.status_after(request, ref, is_customs=is_customs, now=now)
        found = [finding.to_json(origin_of=request.app[DESK].office.origin_of) for finding in reported.findings]
    body = {
        "event_id": reported.event_id,
        "document": reported.source.document,
        "register_index": reported.source.index,
        "status": status,
        "findings": found,
    }
    return json_reply(body, status=201 if reported.created else 200)


def _read(body: bytes, read: Callable[[object], Event]) -> _Told:
    members, proof = split_proof(load_json(body))
    return _Told(event=read(members), proof=proof)


def _read_correction(body: bytes) -> tuple[CorrectionRequest, dict[str, Any] | None]:
    members, proof = split_proof(load_json(body))
    return correction_from_json(members), proof


def _correct(office: Office, wanted: CorrectionRequest, *, now: datetime) -> Reported:
    body = wanted.event

    def read_event(kind: str) -> Event:
        read = READERS.get(kind)
        if read is None:
            raise ConflictError(f"a {kind} can be taken back, but nothing else put in its place", code="NO_NEW_EVENT")
        return read(body)

    return correct(
        office,
        event_id=wanted.event_id,
        supersedes=wanted.supersedes,
        read_event=read_event if body is not None else None,
        now=now,
    )


ROUTES = (
    Route(method="POST", path="/api/v1/endorsements", handler=endorse, roles=BORDER),
    Route(method="POST", path="/api/v1/confirmations", handler=confirm, roles=BORDER),
    Route(method="POST", path="/api/v1/corrections", handler=correct_event, roles=BORDER),
)
