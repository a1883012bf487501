"""What the authorities and borders of an invented year do, done by real offices."""

from __future__ import annotations

from datetime import date
from typing import Any

from epix_node.acts import report
from epix_node.acts.look import verdict_on_claim
from epix_node.acts.publish import publish, replace_permit, withdraw
from epix_node.permit.answer import Policy
from epix_node.permit.event import PermitRef, Presentation, WithdrawalReason
from epix_node.permit.event_json import confirmation_from_json, endorsement_from_json
from epix_node.permit.json import permit_from_json, presented_from_json
from epix_node.permit.number import NumberRef, normalised
from epix_node.simulation.trade import Act
from tests.acts.conftest import World


def do(world: World, act: Act) -> None:
    """One act, at its time, at the node of its Party."""
    office, now = world[act.party], act.at
    world.now = now
    body: dict[str, Any] = act.body
    match act.does:
        case "publish":
            publish(office, permit_from_json(body["permit"]), now=now)
        case "replace":
            ref = NumberRef(issuer=act.party, number=body["number"])
            replace_permit(office, ref, permit_from_json(body["permit"]), now=now)
        case "withdraw":
            ref = NumberRef(issuer=act.party, number=body["number"])
            withdraw(office, ref, WithdrawalReason(body["reason"]), None, now=now)
        case "endorse":
            report.report(office, endorsement_from_json(body), now=now)
        case "confirm":
            report.report(office, confirmation_from_json(body), now=now)
        case "correct":
            report.correct(
                office,
                event_id=body["event_id"],
                supersedes=body["supersedes"],
                read_event=None if body["event"] is None else lambda kind: _event(kind, body["event"]),
                now=now,
            )
        case "verify":
            report.report(office, _presentation(world, act), now=now)
        case unknown:
            raise AssertionError(f"nobody knows how to {unknown}")


def _event(kind: str, body: dict[str, Any]) -> Any:
    return endorsement_from_json(body) if kind == "export-endorsement" else confirmation_from_json(body)


def _presentation(world: World, act: Act) -> Presentation:
    """What ``POST /verifications`` with ``record`` reports to the issuer."""
    body: dict[str, Any] = act.body
    issued_on = body.get("issued_on")
    ref = PermitRef(
        issuer=body["issuer"],
        number=normalised(body["number"]),
        type=body.get("type"),
        issued_on=date.fromisoformat(issued_on) if issued_on else None,
    )
    presented = presented_from_json(body["presented"])
    seen = verdict_on_claim(
        world[act.party], Policy(), ref, presented=presented, document_sha256=None, purpose=None, now=act.at
    )
    return Presentation(
        event_id=body["event_id"],
        permit=ref,
        office=body["office"],
        date=date.fromisoformat(body["date"]),
        presented=presented,
        differences=seen.differences or (),
    )
