"""Findings as they age: decisions of the authority, and the alerts that an issuer owes to the Parties concerned.

An alert is owed when a finding of class A about an own permit opens, and again whenever an alerted finding changes
state or class (contract 5). One of class A that opens again on other evidence is alerted again, too: the writers of
the new documents must hold it. Who was alerted once hears of every change, also when nothing of theirs is evidence
any more. Whether one is owed follows from the finding and the newest alert alone, so a crash between opening and
alerting only means that the next round sends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice

from epix_node.acts.office import Office
from epix_node.document.header import DocumentType
from epix_node.errors import NotFoundError, UnacceptableError
from epix_node.exchange.own import Prepared, prepare
from epix_node.permit.event import Alert, AlertEvidence
from epix_node.permit.finding import Decision, Finding, FindingClass, FindingState
from epix_node.reconcile import sums
from epix_node.reconcile.follow import follow, revisit
from epix_node.reconcile.record import record_own
from epix_node.store import documents, events, findings
from epix_node.store.database import Session

DECISIONS = frozenset({FindingState.CONFIRMED, FindingState.DISMISSED, FindingState.DUPLICATE})

MAX_EVIDENCE = 1000
"""Most documents that one alert names: about a quarter of the mebibyte that a document may have (C.5)."""


def open_due(office: Office, *, now: datetime, turn: int | None = None) -> int:
    """Open what has cooled off, and send every alert that is owed; returns how many were sent.

    ``turn``: of many unknown numbers only some are looked at (``revisit``).
    """
    office.database.write_now(revisit, office.perspective(), now=now, turn=turn)
    sent = 0
    for finding in office.database.read_now(findings.of_issuers, office.codes):
        if not office.database.read_now(_is_owed, finding):
            continue
        told = office.database.read_now(_told_before, office, finding)
        sent += office.database.write_now(_send, office, finding, _prepare(office, finding, told, now=now), now)
    if sent:
        office.sequencer.publish(now=now)  # one checkpoint for all of them
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
        if (of := sums.sum_of(finding)) is not None:
            sums.settle_one(session, office.perspective(), of, now=now)
        else:
            follow(session, office.perspective(), [(finding.subject.issuer, finding.subject.number)], now=now)
        decided = findings.find(session, finding_id)
        assert decided is not None
        return decided

    return office.database.write_now(work)


def _is_owed(session: Session, finding: Finding) -> bool:
    newest = findings.alert(session, finding.id)
    if newest is None:
        return finding.class_ is FindingClass.ALERT and finding.state is FindingState.OPEN
    if finding.state is FindingState.PENDING:
        return False  # new evidence cools off first; the alert sent before still tells of the finding
    if (newest.class_, newest.state) != (finding.class_, finding.state):
        return True
    alerted = events.alerted_evidence(session, newest.party, newest.document)
    return finding.class_ is FindingClass.ALERT and alerted != {piece.document for piece in _pieces(finding)}


def _told_before(session: Session, office: Office, finding: Finding) -> tuple[str, ...]:
    """Who received the newest alert about the finding; each names all that the one before it named."""
    newest = findings.alert(session, finding.id)
    return () if newest is None else documents.audience_of(session, newest.document, party=office.party)


def _pieces(finding: Finding) -> tuple[AlertEvidence, ...]:
    """The evidence that an alert names: what is in a register, and not more than fits into a document."""
    listed = (
        AlertEvidence(document=source.document, type=source.type, party=source.party, index=source.index)
        for source in finding.evidence
        if source.index is not None
    )
    return tuple(islice(listed, MAX_EVIDENCE))


def _prepare(office: Office, finding: Finding, told: Iterable[str], *, now: datetime) -> Prepared:
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
        evidence=_pieces(finding),
        subject=finding.subject,
    )
    writers = {source.party for source in finding.evidence} - {office.party}
    return prepare(
        office.own,
        alert,
        type_=DocumentType.ALERT,
        subject=finding.subject,
        recipients=sorted(writers.union(told)),
        now=now,
    )


def _send(session: Session, office: Office, finding: Finding, prepared: Prepared, now: datetime) -> int:
    if findings.find(session, finding.id) != finding or not _is_owed(session, finding):
        return 0  # it changed since we looked; the next round sees to it
    record_own(session, office.perspective(), office.own, prepared, now=now)
    return 1
