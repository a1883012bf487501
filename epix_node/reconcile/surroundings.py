"""One permit number as the detectors see it: its case, and the view of what surrounds it, read from the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from epix_node.permit.event import Confirmation
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass
from epix_node.reconcile.neighbours import neighbouring_numbers
from epix_node.reconcile.observation import observe
from epix_node.reconcile.perspective import Perspective
from epix_node.reconcile.view import View
from epix_node.store import cases, findings, permits, shipments
from epix_node.store.database import Session
from epix_node.trust.keyring import Keyring


def load_case(session: Session, perspective: Perspective, issuer: str, number: str) -> Case:
    """The case, with the codes for which each event's Party acts: a permit for a territory is used by its speaker."""
    case = cases.load(session, issuer, number)
    return replace(
        case,
        events=tuple(_with_codes(perspective.keyring, event) for event in case.events),
        uses=tuple(_with_codes(perspective.keyring, use) for use in case.uses),
        corrections=tuple(replace(c, event=_with_codes(perspective.keyring, c.event)) for c in case.corrections),
    )


def _with_codes(keyring: Keyring, event: EventFact) -> EventFact:
    manifest = keyring.manifests.get(event.party)
    return event if manifest is None else replace(event, codes=frozenset(manifest.issues_for))


def surroundings(session: Session, perspective: Perspective, case: Case, *, now: datetime) -> View:
    """What the detectors may ask beside the case itself: other cases, and what absence says."""
    goods = {(use.body.permit.issuer, use.body.permit.number) for use in case.uses}
    view = View(
        parameters=perspective.ruleset.patterns,
        ruleset_id=perspective.ruleset.id,
        now=now,
        goods=tuple(load_case(session, perspective, issuer, number) for issuer, number in sorted(goods)),
        shown_for=_shown_for(session, perspective, case),
    )
    spoken = [event.body.permit for event in case.events or [c.event for c in case.corrections]]
    if case.permits or not spoken:
        return view
    observation = observe(session, perspective.keyring, perspective.party, case.issuer, spoken, now=now)
    if observation is None:  # nothing follows from absence here, so nothing needs to explain it
        return view
    near = permits.with_numbers(session, case.issuer, neighbouring_numbers(case.number))
    # Whole cases: a neighbour that was taken back, or confirmed as an import permit, excuses nothing.
    neighbours = [cases.load(session, *number) for number in sorted({(n.key.issuer, n.key.number) for n in near})]
    return replace(
        view,
        observation=observation,
        neighbours=tuple(fact for neighbour in neighbours for fact in neighbour.permits),
        neighbour_confirmed=frozenset(
            fact.key for neighbour in neighbours for fact in neighbour.permits if _is_confirmed(neighbour, fact)
        ),
        neighbour_dismissed=_dismissed(session, perspective, case),
    )


def _shown_for(session: Session, perspective: Perspective, case: Case) -> tuple[Case, ...]:
    """The cases of other permits that were seen with a shipment of which goods of this case were turned away."""
    if not any(isinstance(event.body, Confirmation) and event.body.turned_away for event in case.events):
        return ()
    beside = shipments.shown_for(session, case.issuer, case.number)
    return tuple(load_case(session, perspective, issuer, number) for issuer, number in sorted(beside))


def _is_confirmed(case: Case, fact: PermitFact) -> bool:
    return any(isinstance(event.body, Confirmation) for event in (*case.events_of(fact), *case.uses_of(fact)))


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
