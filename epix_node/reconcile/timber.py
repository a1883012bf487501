"""What the two exceptions for timber have in common: who invoked one, for which goods (``domain-rules.md`` 0.8).

Logs and sawn wood of Appendices II and III travel by sea for months, are sold on the way, and wait in bond. Therefore
an enforcement officer may certify another last day (VAL-13) or another destination (VAL-14) on the permit, and the
confirmation says so in ``basis``. Where the conditions hold there is nothing to find; where they do not, it is for
review and not an alert: the officer saw the certificate, and this node did not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from epix_node.permit.allowance import allowance_for, allowances
from epix_node.permit.event import Basis, Confirmation
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.reconcile.arrivals import arrivals, has_arrived
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import about_permit, dated, listed, named
from epix_node.reconcile.view import View

Reasons = Iterable[str]
"""Why an exception does not hold, each as a clause; none where it does."""


def invocations(case: Case, fact: PermitFact, kind: str) -> tuple[tuple[EventFact, Confirmation, Basis], ...]:
    """The arrivals for which an officer invoked this exception."""
    return tuple(
        (event, event.body, event.body.basis)
        for event in chronological(arrivals(fact.permit, case.events_of(fact)))
        if isinstance(event.body, Confirmation) and event.body.basis is not None and event.body.basis.kind == kind
    )


def not_timber(fact: PermitFact, body: Confirmation, view: View) -> list[str]:
    """Goods that arrived by this confirmation and for which no such exception is made."""
    allowed = allowances(fact.permit)
    found = []
    for line in body.lines:
        allowance = allowance_for(allowed, line, by_block=True)
        if allowance is None or not has_arrived(line, body):
            continue
        for permitted in allowance.lines:
            if permitted.appendix == "I":
                found.append(f"{allowance.label} is of Appendix I")
            elif permitted.term is not None and permitted.term not in view.parameters.timber_terms:
                found.append(f"{allowance.label} is no timber of the kinds concerned ({permitted.term})")
    return list(dict.fromkeys(found))


def does_not_hold(
    pattern: str,
    exception: str,
    fact: PermitFact,
    failed: Iterable[tuple[EventFact, Reasons]],
    *,
    ask: str,
    view: View,
    endorsements: Iterable[EventFact] = (),
) -> FindingDraft | None:
    """The finding that an exception was invoked whose conditions fail, or ``None`` where they hold."""
    events: list[EventFact] = []
    reasons: list[str] = []
    for event, why in failed:
        events.append(event)
        reasons += why
    if not reasons:
        return None
    values = {
        "rule": "Res. Conf. 12.3, section on timber",
        "confirmed": dated(events),
        "reasons": listed(list(dict.fromkeys(reasons))),
    }
    return about_permit(
        pattern,
        fact,
        class_=FindingClass.REVIEW,
        summary=(
            f"{named(fact)} was accepted under the {exception} ({values['rule']}; {values['confirmed']}), but its "
            f"conditions are not met: {values['reasons']}; {ask}"
        ),
        events=(*events, *endorsements),
        values=values,
        view=view,
    )


Detect = Callable[[Case, PermitFact, View], FindingDraft | None]


def of_each(case: Case, view: View, judge: Detect) -> tuple[FindingDraft, ...]:
    """The findings of one of the two exceptions for the permits of a case."""
    found = (judge(case, fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)
