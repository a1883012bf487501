"""END-11: an export endorsement by somebody who may not give it.

Goods leave from the country that issued the permit, through its own customs. An endorsement that another Party
recorded is shown by the flag ENDORSED_ELSEWHERE, moves no status, and is for an officer to look at (contract 4).
Within a customs union it is ordinary; which issuers are of one union with this node is a national setting, so such
findings are left out by whoever knows (``reconcile.follow``), never by the detector.

Documents of multiple use are endorsed wherever their goods leave again. Always R.
"""

from __future__ import annotations

from epix_node.permit.event import Endorsement
from epix_node.permit.facts import Case, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import about_permit, dated, left_out, listed, named
from epix_node.reconcile.view import View

PATTERN = "END-11"

_RULE = "END-11, box 14"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit that another Party than its issuer's endorsed."""
    found = (_elsewhere(case, fact, view) for fact in case.permits if not fact.permit.multi_use)
    return tuple(draft for draft in found if draft is not None)


def _elsewhere(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    events = [
        event
        for event in chronological(case.events_of(fact))
        if isinstance(event.body, Endorsement) and event.party != fact.source.party
    ]
    if not events:
        return None
    others = sorted({event.party for event in events})
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.REVIEW,
        summary=(
            f"{named(fact)} was endorsed for export by another Party than its issuer: {dated(events)}; the issuer's "
            f"border certifies what leaves ({_RULE}), so ask {listed(others)} on what ground it did."
        ),
        events=events,
        values={"rule": _RULE, "endorsed": dated(events), **left_out(others)},
        view=view,
    )
