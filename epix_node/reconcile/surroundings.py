"""One permit number as the detectors see it: its case, and the view of what surrounds it, read from the store."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from epix_node.permit.event import Confirmation
from epix_node.permit.facts import Case, EventFact
from epix_node.permit.finding import FindingClass
from epix_node.reconcile.chains import drawn_from
from epix_node.reconcile.ladder import with_candidates
from epix_node.reconcile.observability import silences
from epix_node.reconcile.observation import observe
from epix_node.reconcile.perspective import Perspective, with_codes
from epix_node.reconcile.view import View
from epix_node.store import case_pages, findings, shipments
from epix_node.store.database import Session


def load_case(session: Session, perspective: Perspective, issuer: str, number: str) -> Case:
    """The case, with the codes for which each event's Party acts: a permit for a territory is used by its speaker."""
    return load_cases(session, perspective, issuer, [number])[number]


def load_cases(session: Session, perspective: Perspective, issuer: str, numbers: Collection[str]) -> dict[str, Case]:
    """Likewise the case of each of some hundred numbers of an issuer."""
    return {
        number: with_codes(perspective.keyring, case)
        for number, case in case_pages.load(session, issuer, numbers).items()
    }


def surroundings(
    session: Session, perspective: Perspective, case: Case, *, now: datetime, is_drawn_on: bool = True
) -> View:
    """What the detectors may ask beside the case itself: other cases, and what absence says.

    ``is_drawn_on`` is false where the caller knows that no certificate draws on the case.
    """
    goods = {(use.body.permit.issuer, use.body.permit.number) for use in case.uses}
    view = View(
        parameters=perspective.ruleset.patterns,
        ruleset_id=perspective.ruleset.id,
        now=now,
        goods=tuple(load_case(session, perspective, issuer, number) for issuer, number in sorted(goods)),
        shown_for=_shown_for(session, perspective, case),
        silences=silences(session, perspective, case, now=now),
        drawn=drawn_from(session, perspective, case) if is_drawn_on else (),
    )
    spoken = [event.body.permit for event in case.events or _remembered(case, view)]
    if case.permits or not spoken:
        return view
    observation = observe(session, perspective.keyring, perspective.party, case.issuer, spoken, now=now)
    view = with_candidates(session, view, case)
    if observation is None:  # nothing follows from absence here
        return view
    return replace(view, observation=observation, neighbour_dismissed=_dismissed(session, perspective, case))


def _remembered(case: Case, view: View) -> list[EventFact]:
    """What was taken back, where that may have stood long enough to alarm somebody (``hindsight``)."""
    corrections, cool_off = case.corrections, view.parameters.cool_off
    is_late = any(c.by.at - c.event.source.at >= cool_off for c in corrections)
    return [c.event for c in corrections] if is_late else []


def _shown_for(session: Session, perspective: Perspective, case: Case) -> tuple[Case, ...]:
    """The cases of other permits that were seen with a shipment of which goods of this case were turned away."""
    if not any(isinstance(event.body, Confirmation) and event.body.turned_away for event in case.events):
        return ()
    beside = shipments.shown_for(session, case.issuer, case.number)
    return tuple(load_case(session, perspective, issuer, number) for issuer, number in sorted(beside))


def _dismissed(session: Session, perspective: Perspective, case: Case) -> bool:
    """Whether the issuer ever said that the unknown number is no typing error (``domain-rules.md`` 0.5)."""
    for finding in findings.about(session, case.issuer, case.number):
        if finding.pattern != "FRD-05":
            continue
        if case.issuer in perspective.codes and findings.was_dismissed_for_review(session, finding.id):
            return True
        notice = findings.alert(session, finding.id)
        if notice is not None and notice.party != perspective.party:
            return notice.class_ is FindingClass.ALERT
    return False
