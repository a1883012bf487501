"""FRD-12: goods that went somewhere else than the permit says.

The authority of origin agreed to a trade with the country in box 3a. Goods that are taken off on the way, or sent on to
another country, escape the authority that was asked (``domain-rules.md`` 0.12, 2.4): A where a country confirms their
arrival that is neither the destination nor a declared transit country, and the destination confirms none.

Beside FRD-01. Where the destination has them too, two consignments went under one permit. That is FRD-01, which names
both countries, and this pattern is silent. Where two other countries confirm and the destination does not, both are
said: the permit was used twice, and its goods never came where they were meant to go.

Guards. Refused and returned goods did not arrive (0.16), not at the destination either: what it turned away and another
country then let in was diverted. Goods that are confirmed where they had left came home. Documents of multiple use have
no one destination. A confirmation with the basis of a timber change of destination is left to VAL-14 (0.8). A use of an
import permit is judged under the permit with which the goods travelled.

Goods whose arrival nobody confirms are no finding here: whether a silence means anything depends on how much of its
imports the destination confirms at all, which is FRD-19.

Parameters: none.
"""

from __future__ import annotations

from epix_node.permit.event import Confirmation
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.reconcile.arrivals import arrivals, is_homecoming
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import about_permit, arrived, dated, listed, named
from epix_node.reconcile.view import View

PATTERN = "FRD-12"

CHANGE_OF_DESTINATION = "timber-change-of-destination"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each single-use permit of the case whose goods arrived only in other countries."""
    found = (_diverted(case, fact, view) for fact in case.permits if not fact.permit.multi_use)
    return tuple(draft for draft in found if draft is not None)


def _diverted(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    permit = fact.permit
    destination = permit.destination
    if destination is None:
        return None
    came = chronological(arrivals(permit, case.events_of(fact)))
    if any(event.acts_for(destination) for event in came):
        return None
    elsewhere = [e for e in came if not is_homecoming(permit, e) and not _has_other_destination(e)]
    if not elsewhere:
        return None
    values = {"rule": "Art. VI.2, box 3a", "confirmed": dated(elsewhere), "goods": arrived(elsewhere)}
    meant = f"is for import into {destination}"
    if permit.transit:
        values["transit"] = listed(permit.transit)
        meant += f" through {values['transit']}"
    countries = listed(sorted({event.party for event in elsewhere}))
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.ALERT,
        summary=(
            f"{named(fact)} {meant} ({values['rule']}), but {values['goods']} arrived elsewhere "
            f"({values['confirmed']}), and {destination} has confirmed no arrival; ask {countries} on what ground the "
            f"goods were let in, and {destination} whether it expects them."
        ),
        events=elsewhere,
        values=values,
        view=view,
    )


def _has_other_destination(event: EventFact) -> bool:
    body = event.body
    return isinstance(body, Confirmation) and body.basis is not None and body.basis.kind == CHANGE_OF_DESTINATION
