"""FRD-14: a permit used after it had expired.

A permit is void after its last day. Goods take time, though: what left in time may arrive later, and the Convention is
silent about that (``domain-rules.md`` 1.1 note c). Hence (0.6, 0.16, 0.18):

* endorsed more than one day after ``valid_until``: A;
* imported after ``valid_until`` without an endorsement in time (one that is not more than a day late): A;
* exported in time, but imported later than ``valid_until`` and later than the journey may take: R. By air 30 days,
  which a transport document of the endorsement tells that is written like an air waybill (020-12345675); by sea 120.
  The endorsement that allows the latest arrival counts.

Guards. December exports that arrive in January, and arrivals within the journey, are nothing. Refused and returned
goods are no import, and a declared transit country's confirmation is none. The permit of multiple use expires like any
other. A confirmation with a timber ``basis`` is left to the rules of that exception (VAL-13, VAL-14; 0.8).

An import permit is used by the confirmations that name it; whether their goods left in time is told by the
endorsements of the permit under which they travelled. Where this node cannot know those, it concludes nothing.

Parameters: ``expired_grace``, ``in_time_grace``, ``transit_max_air``, ``transit_max_sea``.
"""

from __future__ import annotations

from datetime import date

from epix_node.permit.event import Endorsement
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import PermitType
from epix_node.reconcile.arrivals import arrivals
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.journey import longest_journey
from epix_node.reconcile.sentence import about_permit, dated, named
from epix_node.reconcile.view import View

PATTERN = "FRD-14"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case that was used too late."""
    found = (
        _expired_use(case, fact, fact.permit.valid_until, view)
        for fact in case.permits
        if fact.permit.valid_until is not None
    )
    return tuple(draft for draft in found if draft is not None)


def _expired_use(case: Case, fact: PermitFact, valid_until: date, view: View) -> FindingDraft | None:
    own = case.events_of(fact)
    endorsements = tuple(e for e in chronological(own) if isinstance(e.body, Endorsement))
    exported_late = [e for e in endorsements if e.body.date - valid_until > view.parameters.expired_grace]

    not_in_time, slow, departures = [], [], []
    uses = case.uses_of(fact) if fact.permit.type == PermitType.IMPORT else ()
    for arrival in chronological(arrivals(fact.permit, (*own, *uses))):
        if arrival.body.date <= valid_until or _has_basis(arrival):
            continue
        is_own = (arrival.body.permit.issuer, arrival.body.permit.number) == (case.issuer, case.number)
        left = endorsements if is_own else view.endorsements_of_goods(arrival)
        if left is None:
            continue
        in_time = [e for e in left if e.body.date - valid_until <= view.parameters.in_time_grace]
        if not in_time:
            not_in_time.append(arrival)
        elif all(arrival.body.date - e.body.date > longest_journey(e, view.parameters) for e in in_time):
            slow.append(arrival)
            departures += in_time
    return _draft(fact, valid_until, exported_late, not_in_time, slow, departures, view)


def _has_basis(event: EventFact) -> bool:
    return getattr(event.body, "basis", None) is not None


def _draft(
    fact: PermitFact,
    valid_until: date,
    exported_late: list[EventFact],
    not_in_time: list[EventFact],
    slow: list[EventFact],
    departures: list[EventFact],
    view: View,
) -> FindingDraft | None:
    begin = f"{named(fact)} was valid until {valid_until}"
    values: dict[str, str] = {"rule": "VAL-10"}
    if exported_late or not_in_time:
        parts = []
        if exported_late:
            values["endorsed"] = dated(exported_late)
            parts.append(f"goods were endorsed for export after that: {values['endorsed']}")
        if not_in_time:
            values["confirmed"] = dated(not_in_time)
            parts.append(f"goods that had not left in time were imported: {values['confirmed']}")
        class_, events = FindingClass.ALERT, [*exported_late, *not_in_time]
        summary = (
            f"{begin}, but {', and '.join(parts)}; nothing leaves after its last day ({values['rule']}): hold the "
            "goods, and ask for a permit that was valid."
        )
    elif slow:
        values |= {"endorsed": dated(departures), "confirmed": dated(slow)}
        # Some arrival is later than this, so it is a date that the calendar has.
        values["latest_arrival"] = str(max(e.body.date + longest_journey(e, view.parameters) for e in departures))
        class_, events = FindingClass.REVIEW, [*departures, *slow]
        summary = (
            f"{begin}; goods that had left in time ({values['endorsed']}) were imported only after "
            f"{values['latest_arrival']}, later than the journey takes: {values['confirmed']}; ask where they were in "
            f"between ({values['rule']})."
        )
    else:
        return None
    return about_permit(PATTERN, fact, class_=class_, summary=summary, events=events, values=values, view=view)
