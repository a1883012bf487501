"""Is this permit genuine, unused and in force? ``POST /status`` and ``POST /verifications`` (contract 4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from aiohttp import web

from epix_node.acts import look
from epix_node.acts.office import Office
from epix_node.acts.report import report
from epix_node.errors import InputError
from epix_node.permit.answer import Answer, Policy, Purpose
from epix_node.permit.event import PermitRef, Presentation
from epix_node.store import events
from epix_node.store.clients import Client, Role
from epix_node.web import answers, customs
from epix_node.web.access import EVERYBODY, Route
from epix_node.web.desk import DESK
from epix_node.web.keys import REQUEST_ID
from epix_node.web.payloads import Claim, claim_from_json, question_from_json
from epix_node.web.replies import Format, Query, format_of, json_reply

SMALL_BODY_BYTES = 16 * 1024
"""What is read in the event loop itself; larger texts are read in the acts lane and hold nobody up."""


async def status(request: web.Request, client: Client) -> web.StreamResponse:
    """The status answer, also for unknown numbers."""
    body = await request.read()
    if len(body) <= SMALL_BODY_BYTES:
        question = question_from_json(body)
    else:
        question = await request.app[DESK].lane.run(question_from_json, body)
    return await answers.status_reply(request, client, question.ref, question.proof, question.purpose)


async def verify(request: web.Request, client: Client) -> web.StreamResponse:
    """The verdict on a signed document, or on what a paper says."""
    return await verdict(request, client, await request.read())


async def verdict(request: web.Request, client: Client, body: bytes, *, may_record: bool = True) -> web.Response:
    """The verdict as this client may see it. ``may_record``: whether it may report at once what the paper says.

    Raises:
        InputError: the claim asks to be recorded, which the client may not.
    """
    if format_of(request, body) is Format.XML:
        return await _verify_document(request, client, body)
    claim = await request.app[DESK].lane.run(claim_from_json, body)
    if claim.recording is not None and not may_record:
        raise InputError("a presentation is recorded at the node of who saw the paper: leave `record` out")
    return await _verify_claim(request, client, claim)


async def _verify_document(request: web.Request, client: Client, document: bytes) -> web.Response:
    """A document with a valid signature is its own proof; of another one nothing is read, so nothing is told."""
    query = Query(request)
    purpose = query.one_of("for", Purpose)
    query.end()
    desk = request.app[DESK]
    is_customs = client.role is Role.CUSTOMS
    answer = await desk.lane.run(
        look.verdict_on_document,
        desk.office,
        desk.policy,
        document,
        purpose=Purpose(purpose) if purpose else None,
        customs=is_customs,
        now=desk.now(),
    )
    body = answer.to_json(request_id=request[REQUEST_ID])
    return json_reply(customs.answer_without_names(body) if is_customs else body)


async def _verify_claim(request: web.Request, client: Client, claim: Claim) -> web.Response:
    desk = request.app[DESK]
    now = desk.now()
    ref = asked = claim.question.ref
    is_customs = client.role is Role.CUSTOMS
    admitted = None
    if is_customs:
        proof = customs.given_proof(request, claim.question.proof)
        admitted = await customs.admitted(desk, client, ref, proof, now=now)
        ref = admitted.ref if admitted is not None else ref
    if is_customs and admitted is None:
        body = await answers.no_match(request, ref, as_verdict=True, now=now)
    else:
        answer = await desk.lane.run(_verdict, desk.office, desk.policy, ref, claim, customs=is_customs, now=now)
        body = answer.to_json(request_id=request[REQUEST_ID])
    if claim.recording is not None:
        body["recorded"] = await desk.lane.run(_record, desk.office, asked, claim, now=now)
    return json_reply(customs.answer_without_names(body) if is_customs else body)


def _verdict(office: Office, policy: Policy, ref: PermitRef, claim: Claim, *, customs: bool, now: datetime) -> Answer:
    return look.verdict_on_claim(
        office,
        policy,
        ref,
        presented=claim.presented,
        document_sha256=claim.document_sha256,
        purpose=claim.question.purpose,
        customs=customs,
        now=now,
    )


def _record(office: Office, ref: PermitRef, claim: Claim, *, now: datetime) -> dict[str, Any]:
    """Report to the issuer that this paper was shown (contract 5, ``record``); the same again changes nothing."""
    assert claim.recording is not None
    assert claim.presented is not None
    seen = look.verdict_on_claim(
        office, Policy(), ref, presented=claim.presented, document_sha256=None, purpose=None, now=now
    )
    body = Presentation(
        event_id=claim.recording.event_id,
        permit=ref,
        office=claim.recording.office,
        date=claim.recording.date,
        presented=claim.presented,
        differences=seen.differences or (),
    )
    earlier = office.database.read_now(events.by_event_id, office.party, body.event_id)
    if earlier is not None and isinstance(earlier.fact.body, Presentation):
        # What differed was judged when it was recorded; the permit may have come since.
        body = replace(body, differences=earlier.fact.body.differences)
    recorded = report(office, body, now=now)
    return {
        "event_id": recorded.event_id,
        "document": recorded.source.document,
        "register_index": recorded.source.index,
    }


ROUTES = (
    Route(method="POST", path="/api/v1/status", handler=status, roles=EVERYBODY),
    Route(method="POST", path="/api/v1/verifications", handler=verify, roles=EVERYBODY),
)
