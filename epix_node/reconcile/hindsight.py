"""What the facts amounted to when a correction came (contract 5: one that closes an A finding is an R item).

Whether an alert was open then must not depend on what this node had pulled by that time: findings are a function of the
documents with their registers' ``at``. So the case is put back to the moment at which the register accepted the
correction, with what had been accepted before and the event that it took back, and the detectors look again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime

from epix_node.permit.facts import Case, CorrectionFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.reconcile.view import View

Detect = Callable[[Case, View], tuple[FindingDraft, ...]]


def alarming(case: Case, view: View, detect: Detect, *, borne: Collection[str]) -> frozenset[str]:
    """The digests of the events taken back that were evidence of an opened alert which is not ``borne`` any more."""
    return frozenset(
        correction.event.source.document
        for correction in case.corrections
        if any(draft.id not in borne for draft in _opened_by(correction, case, view, detect))
    )


def _opened_by(correction: CorrectionFact, case: Case, view: View, detect: Detect) -> list[FindingDraft]:
    """The findings of class A that rested on the event and had opened when it was taken back."""
    moment, cool_off = correction.by.at, view.parameters.cool_off
    if moment - correction.event.source.at < cool_off:
        return []
    return [
        draft
        for draft in detect(_as_it_stood(case, moment), _as_it_was_seen(view, moment))
        if draft.class_ is FindingClass.ALERT
        and correction.event.source.document in {source.document for source in draft.evidence}
        and all(moment - source.at >= cool_off for source in draft.evidence)
    ]


def _as_it_stood(case: Case, moment: datetime) -> Case:
    """Only what was accepted before ``moment``; what was taken back then or later was still a fact."""
    since = (c.event for c in case.corrections if c.by.at >= moment)
    return replace(
        case,
        permits=_permits_then(case.permits, moment),
        events=tuple(event for event in (*case.events, *since) if event.source.at < moment),
        uses=tuple(use for use in case.uses if use.source.at < moment),
        corrections=(),
    )


def _permits_then(permits: Iterable[PermitFact], moment: datetime) -> tuple[PermitFact, ...]:
    return tuple(_not_yet_withdrawn(fact, moment) for fact in permits if fact.source.at < moment)


def _not_yet_withdrawn(fact: PermitFact, moment: datetime) -> PermitFact:
    is_later = fact.withdrawal is not None and fact.withdrawal.source.at >= moment
    return replace(fact, withdrawal=None) if is_later else fact


def _as_it_was_seen(view: View, moment: datetime) -> View:
    seen = view.observation
    if seen is not None and seen.watermark is not None:
        seen = replace(seen, watermark=min(seen.watermark, moment))
    return replace(
        view,
        now=moment,
        observation=seen,
        silences={},  # nothing of class A rests on them
        neighbours=_permits_then(view.neighbours, moment),
        alike=_permits_then(view.alike, moment),
        goods=tuple(_as_it_stood(goods, moment) for goods in view.goods),
        shown_for=tuple(_as_it_stood(other, moment) for other in view.shown_for),
        drawn=tuple(then for one in view.drawn if (then := one.as_of(moment)) is not None),
    )
