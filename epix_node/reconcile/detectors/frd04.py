"""FRD-04: more left, or more arrived, than was permitted.

The cheapest fraud: a nought added, or a permit for ten filled with twelve. Both sides counted, and nobody compared.

What is too much, and what is summed and compared with what, is told in ``excess``: OVER_EXPORT and OVER_IMPORT of each
allowance of the permit. And (``domain-rules.md`` 0.19):

* goods on no line of the permit: A if their taxon is on a line, under whatever name, or was not given. Others: FRD-09.

Guards. One quantity of another unit class makes the allowance INCOMPARABLE, and nothing is concluded. Refused and
returned goods did not arrive. Less than permitted is normal (END-04).

A border office that saw no answer may send its report again, and where it gives that a new ``event_id`` nobody can
tell it from a second load (2.3, duplicate transmission). So reports of one Party that say the same of one permit,
office, day and transport document may be one: what is exceeded only by counting them twice is R.

Import permits: a confirmation that names one uses it (0.7), and its goods count by taxon and term.

Parameters: ``tolerance``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from epix_node.permit.allowance import Counted
from epix_node.permit.event import Confirmation, Endorsement
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.quantity import in_unit
from epix_node.reconcile.clusters import transport_document
from epix_node.reconcile.excess import Excess, counts_of, excesses
from epix_node.reconcile.sentence import about_permit, done, left_out, listed, named
from epix_node.reconcile.species import may_be_of
from epix_node.reconcile.view import View

PATTERN = "FRD-04"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case under which more was moved than it allows."""
    found = (_inflated(case, fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)


def _inflated(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    permit, counts = fact.permit, counts_of(case, fact)
    found = excesses(fact, counts, parameters=view.parameters)
    elsewhere = [c for c in counts if c.allowance is None and c.line.quantity.micro > 0]
    elsewhere = [c for c in elsewhere if c.line.taxon is None or may_be_of(c.line.taxon, permit.lines)]
    if not found and not elsewhere:
        return None
    is_sure = elsewhere or excesses(fact, _once(counts), parameters=view.parameters)
    values: dict[str, str] = {"rule": "END-03, END-07"}
    parts = [_told(excess, values) for excess in found]
    if elsewhere:
        goods = listed([f"{c.line.quantity.text} {c.line.quantity.unit}" for c in elsewhere])
        values["on_no_line"] = f"{goods}: {done(c.event for c in elsewhere)}"
        parts.append(f"{goods} of goods on none of its lines were {done(c.event for c in elsewhere)}")
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.ALERT if is_sure else FindingClass.REVIEW,
        summary=(
            f"{named(fact)} was exceeded: {listed(parts)}; no more moves than was permitted and had left "
            f"({values['rule']}): hold what is above it, and ask the offices what they counted."
            if is_sure
            else f"{named(fact)} was exceeded ({values['rule']}), unless a report was sent twice: {listed(parts)}; ask "
            "the office whether it was, and have it take one back."
        ),
        events=(*(e for excess in found for e in (*excess.moved, *excess.left)), *(c.event for c in elsewhere)),
        values={**values, **left_out(parts)},
        view=view,
    )


def _once(counts: Iterable[Counted]) -> list[Counted]:
    """Without the reports that say the same as another one."""
    first: dict[Hashable, str] = {}
    kept = []
    for count in counts:
        document = count.event.source.document
        if transport_document(count.event) is None or first.setdefault(_said(count.event), document) == document:
            kept.append(count)
    return kept


def _said(event: EventFact) -> Hashable:
    """All that a report says but for its id, and for who wrote it down."""
    body = event.body
    assert isinstance(body, Endorsement | Confirmation)
    outcome = body.outcome if isinstance(body, Confirmation) else None
    goods = tuple(
        (line.block, line.quantity.micro, line.quantity.unit, line.taxon, line.outcome) for line in body.lines
    )
    return event.party, outcome, body.permit.ref, body.office, body.date, transport_document(event), goods


def _told(excess: Excess, values: dict[str, str]) -> str:
    """The part of the sentence that tells this excess; its figures are put into ``values``."""
    label, unit = excess.allowance.label, excess.allowance.unit
    amount, limit = f"{in_unit(excess.amount, unit)} {unit}", f"{in_unit(excess.limit, unit)} {unit}"
    by = done(excess.moved)
    moved = f"{amount} {by}"
    for name, text in ((f"{label} moved", moved), (f"{label} {excess.limited_by}", limit)):
        values[name] = text if values.get(name, text) == text else f"{values[name]}; {text}"
    return f"{amount} of {label} were {by} where {limit} were {excess.limited_by}"
