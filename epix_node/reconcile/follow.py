"""What follows from the facts about a number: its status cards and its findings.

``follow`` is the whole of reconciliation for one permit number: it folds the facts into status cards, lets the
detectors look, and brings the stored findings to what they say now. It depends on the facts, on the stored
first-seen times and on now, so recording facts in any order, or everything again, ends in the same findings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from epix_node.exchange.recording import Number
from epix_node.permit.facts import Case
from epix_node.permit.finding import FindingState
from epix_node.permit.status import standing, void_standing
from epix_node.reconcile.detect import detect
from epix_node.reconcile.detectors import end11
from epix_node.reconcile.neighbours import neighbouring_numbers
from epix_node.reconcile.perspective import Perspective
from epix_node.reconcile.settle import resolved, settle
from epix_node.reconcile.surroundings import load_case, surroundings
from epix_node.store import cases, findings
from epix_node.store.database import Session


def follow(session: Session, perspective: Perspective, touched: Iterable[Number], *, now: datetime) -> None:
    """Bring cards and findings of these numbers to what the facts say now."""
    waiting = sorted(set(touched))
    done: set[Number] = set()
    while waiting:
        issuer, number = waiting.pop(0)
        if (issuer, number) in done:
            continue
        done.add((issuer, number))
        case = load_case(session, perspective, issuer, number)
        _put_cards(session, case)
        _put_findings(session, perspective, case, now=now)
        if case.permits or case.void:
            # A permit may explain an unknown number near to its own as a typing error, or stop doing so.
            waiting += [
                (issuer, orphan)
                for orphan in cases.orphans_of(session, issuer)
                if number in neighbouring_numbers(orphan)
            ]


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


def _put_cards(session: Session, case: Case) -> None:
    for fact in case.permits:
        folded = standing(fact, case.events_of(fact), case.uses_of(fact))
        cases.put_card(session, fact, folded)
    for fact in case.void:
        cases.put_card(session, fact, void_standing(fact.key))
    # Also where every event was taken back: what they had been is asked for END-08.
    is_spoken_of = bool(case.events or case.corrections)
    cases.mark_orphan(session, case.issuer, case.number, orphan=is_spoken_of and not case.permits)


def _put_findings(session: Session, perspective: Perspective, case: Case, *, now: datetime) -> None:
    drafts = {
        draft.id: draft
        for draft in detect(case, surroundings(session, perspective, case, now=now))
        # Within this node's customs union it is ordinary (contract 4): a national setting, for an R item only.
        if not (draft.pattern == end11.PATTERN and case.issuer in perspective.customs_union)
    }
    known = {finding.id: finding for finding in findings.about(session, case.issuer, case.number)}
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
