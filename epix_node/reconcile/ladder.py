"""The ladder of ``matching`` with the store: the permits that an unknown number may mean, and the rung kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

from epix_node.permit.event import Confirmation, Endorsement
from epix_node.permit.facts import Case, EventFact, Match, PermitFact
from epix_node.permit.neighbours import neighbouring_numbers
from epix_node.permit.number import PermitKey
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.journey import earlier, later
from epix_node.reconcile.matching import Candidates, Rung, goods_counted, has_its_goods, is_of_its_countries, match
from epix_node.reconcile.view import View
from epix_node.rules.ruleset import MatchingParameters
from epix_node.store import case_pages, extracts, matches, permits, routes
from epix_node.store.database import Session
from epix_node.store.routes import Shipment

MOST_ALIKE = 5
"""Permits for goods that are alike that are looked at; where there are more, none is."""

CASES_AT_ONCE = 200
"""Near permits that are read at once; of numbers given out in order there are some dozens."""

MOST_SHIPMENTS = 20
"""Events under one unknown number for which such permits are looked for, the earliest ones."""


def with_candidates(session: Session, view: View, case: Case) -> View:
    """The view of a number that no held permit has, with the permits that may have been meant by it.

    None for a number of which an extract is held: it was issued, so it was meant (protocol decision 3).
    """
    if extracts.about(session, case.issuer, case.number):
        return view
    events = chronological((*case.events, *(correction.event for correction in case.corrections)))
    held = permits.with_numbers(session, case.issuer, neighbouring_numbers(case.number))
    numbers = {fact.key.number for fact in held if any(_may_be_about(fact, event) for event in events)}
    # Whole cases: a neighbour that was taken back, or confirmed as an import permit, excuses nothing.
    ordered = sorted(numbers)
    pages = (ordered[start : start + CASES_AT_ONCE] for start in range(0, len(ordered), CASES_AT_ONCE))
    near = [other for page in pages for other in case_pages.load(session, case.issuer, page).values()]
    return replace(
        view,
        neighbours=tuple(fact for other in near for fact in other.permits),
        neighbour_confirmed=frozenset(
            fact.key for other in near for fact in other.permits if _is_confirmed(other, fact)
        ),
        alike=_alike(session, case.issuer, events, view.parameters.matching),
    )


def keep_rungs(session: Session, case: Case, view: View) -> None:
    """Each event of the case bears the rung on which it was matched; only what changed is written."""
    candidates = Candidates(near=view.neighbours, alike=view.alike, confirmed=view.neighbour_confirmed)
    reached = [(event, match(case, event, candidates, parameters=view.parameters.matching)) for event in case.events]
    changed = [(event, found) for event, found in reached if not _is_known(event.match, found)]
    if any(found is not None and found.rung == Rung.SAME_KEY for _, found in changed):
        same = matches.of_the_same_document(session, case.issuer, case.number)
        changed = [(event, _surer(event, found, same)) for event, found in changed]
    matches.put(session, changed)


def _is_known(held: Match | None, found: Match | None) -> bool:
    """Whether this was found before; that the documents are the same, too, which never changes."""
    if held is not None and found is not None and found.rung == Rung.SAME_KEY:
        return held.permit == found.permit and held.rung in {Rung.SAME_DOCUMENT, Rung.SAME_KEY}
    return held == found


def _surer(event: EventFact, found: Match | None, same: Collection[tuple[str, str, PermitKey]]) -> Match | None:
    if found is None or found.rung != Rung.SAME_KEY:
        return found
    is_same = (event.source.party, event.source.document, found.permit) in same
    return replace(found, rung=Rung.SAME_DOCUMENT) if is_same else found


def _may_be_about(fact: PermitFact, event: EventFact) -> bool:
    return is_of_its_countries(fact, event) and has_its_goods(fact, event)


def _is_confirmed(case: Case, fact: PermitFact) -> bool:
    return any(isinstance(event.body, Confirmation) for event in (*case.events_of(fact), *case.uses_of(fact)))


def _alike(
    session: Session, issuer: str, events: tuple[EventFact, ...], parameters: MatchingParameters
) -> tuple[PermitFact, ...]:
    shipments = dict.fromkeys(_shipments(issuer, events, parameters))
    keys = {
        key
        for shipment in list(shipments)[:MOST_SHIPMENTS]
        for key in routes.permits_for(session, shipment, most=MOST_ALIKE)
    }
    return tuple(fact for key in sorted(keys) if (fact := permits.find(session, key)) is not None)


def _shipments(issuer: str, events: tuple[EventFact, ...], parameters: MatchingParameters) -> Iterator[Shipment]:
    for event in events:
        if isinstance(event.body, Endorsement):
            continue
        for goods in goods_counted(event):
            if goods.taxon and goods.term and goods.quantity is not None and goods.quantity.micro > 0:
                micro = Fraction(goods.quantity.micro)
                yield Shipment(
                    issuer=issuer,
                    destinations=event.codes | {event.party},
                    first=earlier(event.body.date, parameters.alike),
                    last=later(event.body.date, parameters.alike),
                    taxon=goods.taxon,
                    term=goods.term,
                    unit_class=goods.quantity.unit_class,
                    least=ceil(micro / parameters.most_ratio),
                    most=floor(micro / parameters.least_ratio),
                )
                break  # the first goods lead to the permits, and all of them must fit (``matching.is_alike``)
