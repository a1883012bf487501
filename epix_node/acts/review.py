"""Findings as they age: decisions of the authority, and the alerts that an issuer owes to the Parties concerned.

An alert is owed when a finding of class A about an own permit opens, and again whenever an alerted finding changes
state or class (contract 5). Whether one is owed follows from the finding and the newest alert alone, so a crash
between opening and alerting only means that the next round sends it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from epix_node.acts.office import Office
from epix_node.document.header import DocumentType
from epix_node.errors import NotFoundError, UnacceptableError
from epix_node.exchange.own import Prepared, prepare
from epix_node.permit.event import Alert, AlertEvidence
from epix_node.permit.finding import AlertNotice, Decision, Finding, FindingClass, FindingState
from epix_node.reconcile.record import follow, record_own, revisit
from epix_node.store import findings
from epix_node.store.database import Session

DECISIONS = frozenset({FindingState.CONFIRMED, FindingState.DISMISSED, FindingState.DUPLICATE})


def open_due(office: Office, *, now: datetime) -> int:
    """Open what has cooled off, and send every alert that is owed; returns how many were sent."""
    office.database.write_now(revisit, office.perspective(), now=now)
    sent = 0
    for finding in office.database.read_now(findings.of_issuers, office.codes):
        if not _is_owed(finding, office.database.read_now(findings.alert, finding.id)):
            continue
        sent += office.database.write_now(_send, office, finding.id, _prepare(office, finding, now=now), now)
    return sent


def decide(
    office: Office, finding_id: str, decision: FindingState, reason: str, *, client: str, now: datetime
) -> Finding:
    """Record what the authority decided; it binds until a document comes that it had not seen.

    Raises:
        NotFoundError: no such finding.
        UnacceptableError: not a decision, or no reason.
    """
    if decision not in DECISIONS:
        raise UnacceptableError(f"decision {decision.value!r}: expected confirmed, dismissed or duplicate")
    if not reason.strip():
        raise UnacceptableError("a decision needs a reason")

    def work(session: Session) -> Finding:
        finding = findings.find(session, finding_id)
        if finding is None:
            raise NotFoundError(f"there is no finding {finding_id}")
        made = Decision(
            decision=decision,
            reason=reason.strip(),
            client=client,
            at=now,
            class_=finding.class_,
            seen=frozenset(source.document for source in finding.evidence),
        )
        findings.decide(session, finding_id, made)
        if not finding.derived:  # nothing here to derive it from again: the decision shows until the next alert
            findings.put(session, replace(finding, state=decision))
        follow(session, office.perspective(), [(finding.subject.issuer, finding.subject.number)], now=now)
        decided = findings.find(session, finding_id)
        assert decided is not None
        return decided

    return office.database.write_now(work)


def _is_owed(finding: Finding, newest: AlertNotice | None) -> bool:
    if newest is None:
        return finding.class_ is FindingClass.ALERT and finding.state is FindingState.OPEN
    if finding.state is FindingState.PENDING:
        return False  # new evidence cools off first; the alert sent before still tells of the finding
    return (newest.class_, newest.state) != (finding.class_, finding.state)


def _prepare(office: Office, finding: Finding, *, now: datetime) -> Prepared:
    """The alert: no names of persons, only what the finding says and where its evidence is."""
    alert = Alert(
        finding_id=finding.id,
        pattern=finding.pattern,
        class_=finding.class_.value,
        state=finding.state.value,
        ruleset=finding.ruleset,
        opened=(finding.opened or now).replace(microsecond=0),
        summary=finding.summary,
        permits=finding.permits,
        values=tuple(sorted(finding.values.items())),
        evidence=tuple(
            AlertEvidence(document=source.document, type=source.type, party=source.party, index=source.index)
            for source in finding.evidence
            if source.index is not None
        ),
        subject=finding.subject,
    )
    writers = {source.party for source in finding.evidence} - {office.party}
    return prepare(
        office.own,
        alert,
        type_=DocumentType.ALERT,
        subject=finding.subject,
        recipients=sorted(writers),
        now=now,
    )


def _send(session: Session, office: Office, finding_id: str, prepared: Prepared, now: datetime) -> int:
    finding = findings.find(session, finding_id)
    alert = prepared.document.body
    assert isinstance(alert, Alert)
    if finding is None or (finding.class_.value, finding.state.value) != (alert.class_, alert.state):
        return 0  # it changed since we looked; the next round sees to it
    if not _is_owed(finding, findings.alert(session, finding_id)):
        return 0
    record_own(session, office.perspective(), office.own, prepared, now=now)
    return 1
