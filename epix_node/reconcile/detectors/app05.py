"""APP-05: goods of Appendix I let in without an import permit.

Their import needs an import permit that was granted before, beside the document of the exporting State (Art. III.3):
the State of import has to find that the import does no harm and is not primarily commercial. A confirmation names the
import permit that was presented; one that names none says that the goods came in without. A (``domain-rules.md`` 0.7,
0.19). That the export permit names an import permit is no excuse, only a hint for whoever looks: it says that one was
granted, not that it was presented and used up.

Asked of export permits and re-export certificates, line by line, by the Appendix and the sources that they state.
Not asked (Art. VII, APP-09):

* sources D and O: bred or propagated by a registered operation, which counts as Appendix II, and pre-Convention;
* certificates (type O): of captive breeding and artificial propagation (Art. VII.5), pre-Convention, introduction from
  the sea, travelling exhibitions and the like; and every document of multiple use;
* goods that were not let in: who refused, returned, seized or destroyed them has done what the Article asks for;
* declared transit countries, and goods that came home to the country that they had left.

A reservation of the importing Party may excuse it (Art. XXIII.3). Which are in force is known to offices that loaded
them and not to every node, so it cannot decide here; whoever reviews the finding can tell.

Parameters: none.
"""

from __future__ import annotations

from epix_node.permit.allowance import allowance_for, allowances
from epix_node.permit.event import Confirmation, EventLine, Outcome
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import Line, Permit, PermitType, Relation
from epix_node.reconcile.arrivals import arrivals, is_homecoming
from epix_node.reconcile.clusters import chronological
from epix_node.reconcile.sentence import about_permit, dated, listed, named
from epix_node.reconcile.view import View

PATTERN = "APP-05"

_TYPES = frozenset({PermitType.EXPORT.value, PermitType.REEXPORT.value})
_EXEMPT = frozenset({"D", "O"})
_LET_IN = frozenset({Outcome.RELEASED, Outcome.PARTLY_RELEASED})


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case by which Appendix I came in without an import permit."""
    found = (_without(case, fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)


def _without(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    permit = fact.permit
    if permit.type not in _TYPES or permit.multi_use or not any(_needs_one(line) for line in permit.lines):
        return None
    let_in = [
        (event, goods)
        for event in chronological(arrivals(permit, case.events_of(fact)))
        if not is_homecoming(permit, event) and (goods := _let_in(permit, event)) is not None
    ]
    if not let_in:
        return None
    events = [event for event, _ in let_in]
    counts = [f"{line.quantity.text} {line.quantity.unit}" for _, goods in let_in for line in goods]
    taxa = listed(list(dict.fromkeys(line.taxon or "an unnamed species" for line in permit.lines if _needs_one(line))))
    values = {
        "rule": "Art. III.3",
        "goods": f"{listed(counts)} of {taxa}" if counts else taxa,
        "confirmed": dated(events),
    }
    summary = (
        f"{named(fact)} is for goods of Appendix I, and {values['goods']} were let in without an import permit "
        f"({values['confirmed']}), which {values['rule']} requires; "
    )
    granted = [r for r in permit.references if r.relation == Relation.IMPORT_PERMIT and r.number is not None]
    if granted:
        values["named"] = listed([f"{r.issuer or 'import permit'} {r.number}" for r in granted])
        summary += f"the permit names {values['named']}: if that was presented, correct the confirmation."
    else:
        summary += (
            "ask for the import permit: where there was one, correct the confirmation, else the goods are seized."
        )
    return about_permit(
        PATTERN, fact, class_=FindingClass.ALERT, summary=summary, events=events, values=values, view=view
    )


def _needs_one(line: Line) -> bool:
    return line.appendix == "I" and not _EXEMPT.intersection(line.sources)


def _let_in(permit: Permit, event: EventFact) -> list[EventLine] | None:
    """What of Appendix I this confirmation let in without an import permit, or ``None`` where it did not."""
    body = event.body
    if not isinstance(body, Confirmation) or body.import_permit is not None:
        return None
    if not body.lines:  # nothing was counted, so it was all of the permit
        return [] if body.outcome in _LET_IN and all(_needs_one(line) for line in permit.lines) else None
    allowed = allowances(permit)
    found = []
    for line in body.lines:
        if (line.outcome or body.outcome) not in _LET_IN or line.quantity.micro <= 0:
            continue
        allowance = allowance_for(allowed, line, by_block=True)
        if allowance is not None and all(_needs_one(permitted) for permitted in allowance.lines):
            found.append(line)
    return found or None
