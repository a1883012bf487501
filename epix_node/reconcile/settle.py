"""The life of a finding: pending, open, decided, resolved (contract 5).

A detector says what the facts amount to; this says where the finding stands. Pure: the set of findings is a function
of the documents with their registers' ``at``, of stored first-seen times and decisions, and of now
(``domain-rules.md`` 0.10), so the same call after a restore or on another node gives the same answer.

* Every class cools off: an officer who mistyped a number has 24 hours, counted from the latest ``at`` of the evidence,
  to correct it before anybody is alarmed.
* A decision binds while the class and the evidence are those that it was made on. A document that it had not seen puts
  the finding back to open, at once: somebody has looked at this permit before, and now there is more.
* A change of class frees the finding from its decision, but not from the cool-off. So it is with FRD-05: dismissing
  the typing error (R) says that the paper is forged, and the A that follows is for somebody to decide anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from epix_node.permit.event import Alert
from epix_node.permit.facts import Source
from epix_node.permit.finding import Decision, Finding, FindingClass, FindingDraft, FindingState
from epix_node.rules.ruleset import PatternParameters


def settle(
    draft: FindingDraft,
    *,
    previous: Finding | None,
    decision: Decision | None,
    now: datetime,
    parameters: PatternParameters,
) -> Finding:
    """The finding that this draft is at ``now``; settling the result again at the same time changes nothing.

    ``previous`` is the finding of the same id as it was kept, ``decision`` the newest decision on it.
    """
    latest_at = max(source.at for source in draft.evidence)
    state = _state(draft, decision, is_cooled_off=now >= latest_at + parameters.cool_off)
    opened = previous.opened if previous else None
    if opened is None and state is FindingState.OPEN:
        opened = now
    return Finding(
        id=draft.id,
        pattern=draft.pattern,
        subject=draft.subject,
        class_=draft.class_,
        state=state,
        permits=draft.permits,
        parties=draft.parties,
        first_seen=previous.first_seen if previous else now,
        latest_at=latest_at,
        opened=opened,
        summary=draft.summary,
        evidence=draft.evidence,
        values=dict(draft.values),
        ruleset=draft.ruleset,
    )


def _state(draft: FindingDraft, decision: Decision | None, *, is_cooled_off: bool) -> FindingState:
    if decision is not None:
        has_seen_all = all(source.document in decision.seen for source in draft.evidence)
        if has_seen_all and decision.class_ is draft.class_:
            return decision.decision
        if not has_seen_all:
            return FindingState.OPEN
    return FindingState.OPEN if is_cooled_off else FindingState.PENDING


def resolved(previous: Finding) -> Finding:
    """The finding once its facts are corrected: it stays listed, with the evidence that it had (contract 5)."""
    return replace(previous, state=FindingState.RESOLVED)


def from_alert(alert: Alert, *, first_seen: datetime, at: datetime) -> Finding:
    """The finding as the issuer's alert tells it, for a node that cannot derive it from documents of its own.

    ``at`` is when the issuer's register accepted the alert. An alert does not say when its evidence was accepted, so
    ``at`` stands for that as well.

    Raises:
        ValueError: the alert has a class or a state that is none.
    """
    evidence = tuple(
        Source(document=e.document, type=e.type, party=e.party, index=e.index, at=at) for e in alert.evidence
    )
    return Finding(
        id=alert.finding_id,
        pattern=alert.pattern,
        subject=alert.subject,
        class_=FindingClass(alert.class_),
        state=FindingState(alert.state),
        permits=alert.permits,
        parties=tuple(sorted({alert.subject.issuer, *(e.party for e in alert.evidence)})),
        first_seen=first_seen,
        latest_at=at,
        opened=alert.opened,
        summary=alert.summary,
        evidence=evidence,
        values=dict(alert.values),
        ruleset=alert.ruleset,
        derived=False,
    )
