"""VAL-14: timber accepted in another country than its permit names, and the change of destination does not hold.

The exception (Res. Conf. 12.3, section on timber; ``domain-rules.md`` 1.1, 0.8, 0.19): timber of Appendices II and III
that is sold on the way may be imported elsewhere than in the country of box 3a. It holds if

* the bill of lading of the certificate is that of the permit (box 15) and of the confirmation;
* what arrived under it is what was endorsed (box 14), block by block, without tolerance: the same load;
* it was certified on or before the day of import, and that is within six months of the issue;
* the goods are timber of the kinds concerned, and not of Appendix I.

Where all hold there is no finding. Where one fails, or cannot be shown, it is R, instead of FRD-12, which passes over
such confirmations. That the permit was not extended besides follows from the six months.

Parameters: ``timber_months``, ``timber_terms``.
"""

from __future__ import annotations

from collections.abc import Iterable

from epix_node.permit.allowance import allowances
from epix_node.permit.event import Basis, Confirmation, Endorsement
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingDraft
from epix_node.permit.quantity import in_unit
from epix_node.permit.transport import plain_document
from epix_node.reconcile.allowance import counted
from epix_node.reconcile.detectors.frd12 import CHANGE_OF_DESTINATION
from epix_node.reconcile.timber import does_not_hold, invocations, not_timber, of_each
from epix_node.reconcile.view import View
from epix_node.rules.validity import months_later

PATTERN = "VAL-14"

_ASK = "ask the importing authority for the certified change, and the issuer whether it agreed and received a copy."


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case whose change of destination does not hold."""
    return of_each(case, view, _judged)


def _judged(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    invoked = invocations(case, fact, CHANGE_OF_DESTINATION)
    if not invoked:
        return None
    endorsements = [e for e in case.events_of(fact) if isinstance(e.body, Endorsement) and e.party == fact.source.party]
    failed = [
        (event, reasons)
        for event, body, basis in invoked
        if (reasons := [*_why_not(fact, body, basis, view), *not_timber(fact, body, view)])
    ]
    another_load = _another_load(fact, [event for event, _, _ in invoked], endorsements)
    if another_load:
        failed += [(event, another_load) for event, _, _ in invoked]
    return does_not_hold(
        PATTERN, "change of destination for timber", fact, failed, ask=_ASK, view=view, endorsements=endorsements
    )


def _why_not(fact: PermitFact, body: Confirmation, basis: Basis, view: View) -> list[str]:
    permit = fact.permit
    reasons = []
    lading = plain_document(basis.bill_of_lading)
    if lading is None:
        reasons.append("no bill of lading is given")
    if lading != plain_document(permit.transport_document):
        reasons.append("the bill of lading is not the permit's")
    if lading != plain_document(body.transport_document):
        reasons.append("the bill of lading is not the one with which the goods arrived")
    if basis.certified_on > body.date:
        reasons.append(f"it was certified on {basis.certified_on}, after the import of {body.date}")
    if permit.issued_on is not None:
        latest = months_later(permit.issued_on, view.parameters.timber_months)
        if body.date > latest:
            reasons.append(f"the import of {body.date} is later than {latest}")
    return reasons


def _another_load(fact: PermitFact, arrived: Iterable[EventFact], endorsements: Iterable[EventFact]) -> list[str]:
    """Why what arrived is not what had left."""
    came, left = counted(fact.permit, arrived), counted(fact.permit, endorsements)
    reasons = []
    if any(count.allowance is None and count.line.quantity.micro > 0 for count in came):
        reasons.append("goods arrived that are on none of its lines")
    for allowance in allowances(fact.permit):
        total, endorsed = allowance.total(came), allowance.total(left)
        if total is None or endorsed is None:
            reasons.append(f"the amounts of {allowance.label} cannot be compared")
        elif total != endorsed:
            unit = allowance.unit
            amounts = f"{in_unit(total, unit)} {unit} arrived where {in_unit(endorsed, unit)} {unit} were endorsed"
            reasons.append(f"of {allowance.label} {amounts}")
    return reasons
