"""The only door for facts: record what a document says, then work out what follows, in one transaction.

``follow`` is the whole of reconciliation for one permit number: it folds the facts into status cards, lets the
detectors look, and brings the stored findings to what they say now. It depends on the facts, on the stored
first-seen times and on now, so recording facts in any order, or everything again, ends in the same findings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from epix_node.document.model import ExchangeDocument
from epix_node.exchange import recording
from epix_node.exchange.ingest import Accepted, Refused
from epix_node.exchange.own import OwnRegister, Prepared, enter
from epix_node.exchange.recording import NotRecordable
from epix_node.permit.event import Alert, Confirmation
from epix_node.permit.facts import Case, Source
from epix_node.permit.finding import AlertNotice, Finding, FindingClass, FindingState
from epix_node.permit.status import standing
from epix_node.reconcile.detect import detect
from epix_node.reconcile.neighbours import neighbouring_numbers
from epix_node.reconcile.observation import observe
from epix_node.reconcile.settle import from_alert, resolved, settle
from epix_node.reconcile.view import View
from epix_node.rules.ruleset import Ruleset
from epix_node.store import cases, documents, findings, permits
from epix_node.store.database import Session
from epix_node.trust.keyring import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Perspective:
    """From where a node looks at the facts: who it is, whom it trusts, by which rules it judges."""

    party: str
    codes: frozenset[str]
    ruleset: Ruleset
    keyring: Keyring
    customs_union: frozenset[str] = frozenset()


def record_own(
    session: Session, perspective: Perspective, own: OwnRegister, prepared: Prepared, *, now: datetime
) -> tuple[Source, tuple[Finding, ...]]:
    """Enter an own document into the own register and record it; returns its entry and the findings it touched.

    Raises:
        NotRecordable: it contradicts what is recorded; nothing is written then.
    """
    source = enter(session, own, prepared, now=now)
    touched = recording.record(session, prepared.document, source=source)
    _after_alert(session, perspective, prepared.document, source, now=now)
    return source, follow(session, perspective, touched, now=now)


def record_other(session: Session, perspective: Perspective, accepted: Accepted, *, now: datetime) -> bool:
    """Record another Party's document; false where it is held already or went to quarantine instead."""
    source = accepted.source
    if documents.holds(session, source.party, accepted.sha256):
        return False
    try:
        touched = recording.record(session, accepted.document, source=source)
    except NotRecordable as refusal:  # raised before anything was written
        reason = refusal.reason.value
        index = source.index if source.index is not None else -1
        put_aside(
            session,
            source.party,
            Refused(sha256=accepted.sha256, index=index, reason=reason, xml=accepted.xml),
            now=now,
        )
        return False
    documents.add(
        session,
        accepted.document,
        xml=accepted.xml,
        sha256=accepted.sha256,
        register_index=source.index,
        at=source.at,
        received_at=now,
    )
    documents.no_longer_wanted(session, source.party, accepted.sha256)
    _after_alert(session, perspective, accepted.document, source, now=now)
    follow(session, perspective, touched, now=now)
    return True


def put_aside(session: Session, party: str, refused: Refused, *, now: datetime) -> None:
    """Keep a refused document in quarantine."""
    documents.no_longer_wanted(session, party, refused.sha256)
    documents.quarantine(
        session,
        party=party,
        sha256=refused.sha256,
        reason=refused.reason,
        document=refused.xml,
        register_index=refused.index,
        now=now,
    )


def follow(
    session: Session, perspective: Perspective, touched: Iterable[tuple[str, str]], *, now: datetime
) -> tuple[Finding, ...]:
    """Bring cards and findings of these numbers to what the facts say now; returns the findings that stand."""
    standing_findings: list[Finding] = []
    waiting = sorted(set(touched))
    done: set[tuple[str, str]] = set()
    while waiting:
        issuer, number = waiting.pop(0)
        if (issuer, number) in done:
            continue
        done.add((issuer, number))
        case = cases.load(session, issuer, number)
        _put_cards(session, perspective, case)
        standing_findings += _put_findings(session, perspective, case, now=now)
        if case.permits:
            # A permit may explain an unknown number near to its own as a typing error, or stop doing so.
            waiting += [(issuer, near) for near in _near_orphans(session, issuer, number)]
    return tuple(standing_findings)


def revisit(session: Session, perspective: Perspective, *, now: datetime) -> None:
    """What time alone moves: pending findings open, unknown numbers become forged ones, typing errors run out."""
    due = findings.due_to_open(session, before=now - perspective.ruleset.patterns.cool_off)
    follow(session, perspective, [(f.subject.issuer, f.subject.number) for f in due if f.derived], now=now)
    follow(session, perspective, cases.orphans(session), now=now)


def reconcile_all(session: Session, perspective: Perspective, *, now: datetime) -> int:
    """Everything again, with the same result; returns how many numbers were looked at."""
    numbers = cases.numbers(session)
    follow(session, perspective, numbers, now=now)
    return len(numbers)


def _put_cards(session: Session, perspective: Perspective, case: Case) -> None:
    for fact in case.permits:
        folded = standing(fact, case.events_of(fact), case.uses_of(fact), union=perspective.customs_union)
        cases.put_card(session, fact, folded)
    cases.mark_orphan(session, case.issuer, case.number, orphan=bool(case.events) and not case.permits)


def _put_findings(session: Session, perspective: Perspective, case: Case, *, now: datetime) -> list[Finding]:
    drafts = {draft.id: draft for draft in detect(case, _view(session, perspective, case, now=now))}
    known = {finding.id: finding for finding in findings.about(session, case.issuer, case.number)}
    result = []
    for finding_id, draft in sorted(drafts.items()):
        finding = settle(
            draft,
            previous=known.get(finding_id),
            decision=findings.decision(session, finding_id),
            now=now,
            parameters=perspective.ruleset.patterns,
        )
        if finding != known.get(finding_id):
            findings.put(session, finding)
        result.append(finding)
    for finding_id, finding in sorted(known.items()):
        if finding_id in drafts or not finding.derived or finding.state is FindingState.RESOLVED:
            continue
        notice = findings.alert(session, finding_id)
        if notice is not None and notice.party != perspective.party:
            # Who cannot derive a finding shows the issuer's word on it (contract 5).
            told = replace(finding, derived=False, class_=notice.class_, state=notice.state)
            findings.put(session, told)
        else:
            findings.put(session, resolved(finding))
    return result


def _view(session: Session, perspective: Perspective, case: Case, *, now: datetime) -> View:
    goods = {(use.body.permit.issuer, use.body.permit.number) for use in case.uses}
    view = View(
        parameters=perspective.ruleset.patterns,
        ruleset_id=perspective.ruleset.id,
        now=now,
        goods=tuple(cases.load(session, issuer, number) for issuer, number in sorted(goods)),
    )
    if case.permits or not case.events:
        return view
    neighbours = permits.with_numbers(session, case.issuer, neighbouring_numbers(case.number))
    confirmed = frozenset(
        fact.key
        for fact in neighbours
        if any(
            isinstance(event.body, Confirmation)
            for event in cases.load(session, fact.key.issuer, fact.key.number).events_of(fact)
        )
    )
    return replace(
        view,
        observation=observe(session, perspective.keyring, perspective.party, case.issuer, now=now),
        neighbours=neighbours,
        neighbour_confirmed=confirmed,
        neighbour_dismissed=_dismissed(session, perspective, case),
    )


def _dismissed(session: Session, perspective: Perspective, case: Case) -> bool:
    """Whether the issuer said that the unknown number is no typing error (``domain-rules.md`` 0.5)."""
    for finding in findings.about(session, case.issuer, case.number):
        if finding.pattern != "FRD-05":
            continue
        decision = findings.decision(session, finding.id)
        if case.issuer in perspective.codes and decision is not None:
            return decision.decision is FindingState.DISMISSED and decision.class_ is FindingClass.REVIEW
        notice = findings.alert(session, finding.id)
        if notice is not None and notice.party != perspective.party:
            return notice.class_ is FindingClass.ALERT
    return False


def _near_orphans(session: Session, issuer: str, number: str) -> list[str]:
    orphans = cases.orphans_of(session, issuer)
    return [orphan for orphan in orphans if number in neighbouring_numbers(orphan)] if orphans else []


def _after_alert(
    session: Session, perspective: Perspective, document: ExchangeDocument, source: Source, *, now: datetime
) -> None:
    """Keep what an alert says, give its evidence on, and ask for what it names (protocol decision 3)."""
    alert = document.body
    if not isinstance(alert, Alert):
        return
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
            if own is not None and own.type != "permit" and (own.permit_issuer, own.permit_number) in spoken_of:
                documents.grant(session, own.sha256, codes=document.header.recipients)
        elif piece.type != "permit" and source.party != perspective.party:
            documents.want(session, party=piece.party, sha256=piece.document, register_index=piece.index, now=now)
    held = findings.find(session, alert.finding_id)
    if held is None or not held.derived:
        first_seen = held.first_seen if held else now
        findings.put(session, from_alert(alert, first_seen=first_seen, at=source.at))
    follow(session, perspective, [(alert.subject.issuer, alert.subject.number)], now=now)
