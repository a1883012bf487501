"""All detectors over one case: what the facts amount to now.

A pure function of a case and a view. Keeping findings, their times and their decisions is ``settle``'s and the store's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from epix_node.permit.facts import Case, Source
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.reconcile.detectors import (
    app05,
    end05,
    end08,
    end11,
    fld01,
    frd01,
    frd02,
    frd03,
    frd04,
    frd05,
    frd06,
    frd07,
    frd08,
    frd09,
    frd11,
    frd12,
    frd14,
    frd15,
    frd18,
    frd19,
    val13,
    val14,
)
from epix_node.reconcile.hindsight import alarming
from epix_node.reconcile.sentence import MAX_PERMITS, ordered
from epix_node.reconcile.view import View

Detector = Callable[[Case, View], tuple[FindingDraft, ...]]

DETECTORS: dict[str, Detector] = {
    frd01.PATTERN: frd01.detect,
    frd02.PATTERN: frd02.detect,
    frd03.PATTERN: frd03.detect,
    frd04.PATTERN: frd04.detect,
    frd05.PATTERN: frd05.detect,
    frd06.PATTERN: frd06.detect,
    frd07.PATTERN: frd07.detect,
    frd08.PATTERN: frd08.detect,
    frd09.PATTERN: frd09.detect,
    frd11.PATTERN: frd11.detect,
    frd12.PATTERN: frd12.detect,
    frd14.PATTERN: frd14.detect,
    frd15.PATTERN: frd15.detect,
    frd18.PATTERN: frd18.detect,
    frd19.PATTERN: frd19.detect,
    val13.PATTERN: val13.detect,
    val14.PATTERN: val14.detect,
    app05.PATTERN: app05.detect,
    fld01.PATTERN: fld01.detect,
    end11.PATTERN: end11.detect,
    end05.PATTERN: end05.detect,
}
"""Pattern id → detector, in the order in which findings are told; END-08, which asks what these say, comes last."""

_STRENGTH = [FindingClass.ALERT, FindingClass.REVIEW, FindingClass.STATISTICS]


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """What the facts amount to, by pattern and permit: at most one draft for an id, whatever the order of the facts."""
    drafts = _detected(case, view)
    if not case.corrections:
        return drafts
    borne = {draft.id for draft in drafts if draft.class_ is FindingClass.ALERT}
    view = replace(view, alarming=alarming(case, view, _detected, borne=borne))
    return (*drafts, *sorted(end08.detect(case, view), key=lambda draft: draft.id))


def _detected(case: Case, view: View) -> tuple[FindingDraft, ...]:
    drafts: dict[str, list[FindingDraft]] = {}
    for detector in DETECTORS.values():
        for draft in sorted(detector(case, view), key=lambda draft: draft.id):
            drafts.setdefault(draft.id, []).append(draft)
    return tuple(_merged(same) for same in drafts.values())


def _merged(drafts: list[FindingDraft]) -> FindingDraft:
    """One finding with the strongest class; its sentence is that class's, its evidence is everybody's."""
    first, *others = sorted(drafts, key=lambda draft: (_STRENGTH.index(draft.class_), draft.summary))
    if not others:
        return first
    beside = {ref for draft in others for ref in draft.permits} - set(first.permits)
    return replace(
        first,
        evidence=_once(source for draft in (first, *others) for source in draft.evidence),
        permits=(*first.permits, *ordered(beside))[:MAX_PERMITS],
    )


def _once(sources: Iterable[Source]) -> tuple[Source, ...]:
    return tuple({source.document: source for source in sources}.values())
