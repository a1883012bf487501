"""What an issuer's alert brings: its word on a finding, and documents to give and to ask for."""

from __future__ import annotations

from datetime import datetime

from epix_node.exchange.recording import Number
from epix_node.permit.event import Alert
from epix_node.permit.finding import AlertNotice, FindingClass, FindingState
from epix_node.reconcile.perspective import Perspective
from epix_node.reconcile.settle import from_alert
from epix_node.store import documents, findings, notices
from epix_node.store.arrival import Arrival
from epix_node.store.database import Session


def after_alert(session: Session, perspective: Perspective, arrival: Arrival, *, now: datetime) -> set[Number]:
    """Keep what an alert says, give its evidence on, and ask for what it names (protocol decision 3)."""
    alert, source = arrival.document.body, arrival.source
    assert isinstance(alert, Alert)
    findings.put_alert(
        session,
        alert.finding_id,
        AlertNotice(
            party=source.party,
            document=source.document,
            class_=FindingClass(alert.class_),
            state=FindingState(alert.state),
            at=source.at,
        ),
    )
    spoken_of = {(permit.issuer, permit.number) for permit in alert.permits}
    for piece in alert.evidence:
        if piece.party == perspective.party:
            own = documents.find(session, piece.document, party=perspective.party)
            if own is None or own.type == "permit" or (own.permit_issuer, own.permit_number) not in spoken_of:
                continue
            # What was taken back since is given to nobody any more: its correction would not follow it there.
            if documents.superseding(session, perspective.party, own.sha256) is None:
                documents.grant(session, own.sha256, codes=arrival.document.header.recipients)
        elif piece.type != "permit" and source.party != perspective.party:
            documents.want(session, party=piece.party, sha256=piece.document, register_index=piece.index, now=now)
    held = findings.find(session, alert.finding_id)
    # Who cannot derive it, or not any more, shows the issuer's word: the issuer may hold more (contract 5).
    if held is None or not held.derived or held.state is FindingState.RESOLVED:
        first_seen = held.first_seen if held else now
        told = from_alert(alert, first_seen=first_seen, at=source.at)
        findings.put(session, told)
        notices.add_if_opened(session, held, told, now=now)
    return {(alert.subject.issuer, alert.subject.number)}
