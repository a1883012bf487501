"""Findings over many permits (FRD-08, FRD-17): which sums a fact changes, and what they amount to.

A fact marks the sums to which its permits belong, in its own transaction; ``settle_marked`` adds up the marked ones
only, at the next round. So a sum is added up once however many facts of a page changed it, and its finding is a
function of the documents, whatever came first. A sum whose facts were taken back is marked like any other, and its
finding is resolved.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from epix_node.permit.facts import Case
from epix_node.permit.finding import Finding, FindingDraft, FindingState, finding_id
from epix_node.permit.sums import QUOTA, SumKey, Total
from epix_node.reconcile.detectors import frd08, frd17
from epix_node.reconcile.perspective import Perspective
from epix_node.reconcile.settle import resolved, settle
from epix_node.rules.shares import shares
from epix_node.store import findings, sums
from epix_node.store.database import Session

MOST_WEIGHTS = 25
"""Movements that are evidence of a sum, each with its permit's document: fifty documents, as others name permits."""

APART = 200
"""So many sums are added up one by one; more, as after the first pull, in one statement for each pattern."""


def sum_of(finding: Finding) -> SumKey | None:
    """The sum that a finding is about; ``None`` where it is about a permit or a number."""
    return SumKey.of_finding(finding.pattern, finding.subject)


def mark(session: Session, case: Case) -> None:
    """The sums to which the permits of this case belong are to be added up again; no statement where there are none."""
    if any(shares(fact.permit) for fact in (*case.permits, *case.void)):
        sums.mark(session, case.issuer, case.number)


def settle_marked(
    session: Session, perspective: Perspective, *, now: datetime, also: Iterable[SumKey | None] = ()
) -> None:
    """The findings about marked sums, and ``also`` these, say what the facts say now."""
    keys = {*sums.marked(session), *(key for key in also if key is not None)}
    if len(keys) > APART:
        settle_all(session, perspective, now=now)
        return
    for key in sorted(keys):
        settle_one(session, perspective, key, now=now)
    if keys:
        sums.unmark(session)


def settle_one(session: Session, perspective: Perspective, key: SumKey, *, now: datetime) -> None:
    """Likewise of one sum, marked or not: after a decision on its finding."""
    totals = _totals(session, perspective, key.pattern, key)
    _put(session, perspective, key, totals[0] if totals else None, now=now)


def settle_all(session: Session, perspective: Perspective, *, now: datetime) -> None:
    """Likewise of every sum: each pattern is added up in one statement."""
    totals = {t.key: t for pattern in sums.PATTERNS for t in _totals(session, perspective, pattern, None)}
    for key in sorted({*totals, *sums.found(session)}):
        _put(session, perspective, key, totals.get(key), now=now)
    sums.unmark(session)


def _totals(session: Session, perspective: Perspective, pattern: str, key: SumKey | None) -> list[Total]:
    """The sums of a pattern, or one of them, that are large enough to be looked at."""
    parameters = perspective.ruleset.patterns.sums
    if pattern == QUOTA:
        return sums.quota_totals(session, percent=parameters.quota_warning_percent, key=key)
    return sums.captive_totals(session, at_least=parameters.captive_permits, key=key)


def _draft(session: Session, perspective: Perspective, total: Total) -> FindingDraft | None:
    ruleset = perspective.ruleset
    weights = sums.heaviest(session, total.key, limit=MOST_WEIGHTS)
    detect = frd17.exceeded if total.key.pattern == QUOTA else frd08.without_founders
    return detect(total, weights, ruleset.patterns.sums, ruleset_id=ruleset.id)


def _put(session: Session, perspective: Perspective, key: SumKey, total: Total | None, *, now: datetime) -> None:
    draft = _draft(session, perspective, total) if total is not None else None
    previous = findings.find(session, finding_id(key.pattern, key.subject))
    if draft is not None:
        finding = settle(
            draft,
            previous=previous,
            decision=findings.decision(session, draft.id),
            now=now,
            parameters=perspective.ruleset.patterns,
        )
        if finding != previous:
            findings.put(session, finding)
    elif previous is not None and previous.derived and previous.state is not FindingState.RESOLVED:
        findings.put(session, resolved(previous))
