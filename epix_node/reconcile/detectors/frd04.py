"""FRD-04: more left, or more arrived, than was permitted.

The cheapest fraud: a nought added, or a permit for ten filled with twelve. Both sides counted, and nobody compared.

For each allowance of the permit (``permit.allowance``), in integer micro-units (``domain-rules.md`` 0.12, 0.19, 2.2):

* OVER_EXPORT: endorsed > permitted · (1 + tolerance);
* OVER_IMPORT: arrived > (endorsed, else permitted) · (1 + tolerance);
* goods on no line of the permit: A if their taxon is on a line, under whatever name, or was not given. Others: FRD-09.

What is summed: of a single-use document and of a re-usable import permit, everything. Of other documents of multiple
use each consignment is compared alone, with what is permitted: their goods travel again and again, and the export
side's papers do not tell which endorsement belongs to which arrival.

Guards. One quantity of another unit class makes the allowance INCOMPARABLE, and nothing is concluded. Refused and
returned goods did not arrive. Several Parties may endorse the same goods on their way, so endorsements are summed for
each Party and the largest sum counts; likewise a declared transit country's confirmations are compared for themselves
and never added to the imports. Less than permitted is normal (END-04).

Import permits: a confirmation that names one uses it (0.7), and its goods count by taxon and term.

Parameters: ``tolerance``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from epix_node.permit.allowance import Allowance, Counted, allowances
from epix_node.permit.event import Endorsement
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import PermitType
from epix_node.permit.quantity import in_unit
from epix_node.reconcile.allowance import counted
from epix_node.reconcile.arrivals import is_import
from epix_node.reconcile.clusters import clusters
from epix_node.reconcile.sentence import about_permit, done, listed, named
from epix_node.reconcile.species import may_be_of
from epix_node.reconcile.view import View

PATTERN = "FRD-04"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Excess:
    """One way in which an allowance was exceeded; amounts are micro-units."""

    allowance: Allowance
    amount: int
    by: str
    limit: int
    limited_by: str
    events: tuple[EventFact, ...]


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each permit of the case under which more was moved than it allows."""
    found = (_inflated(case, fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)


def _inflated(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    permit = fact.permit
    is_import = permit.type == PermitType.IMPORT
    counts = counted(permit, (*case.events_of(fact), *(case.uses_of(fact) if is_import else ())))
    is_summed = is_import or not permit.multi_use
    excesses = _summed(fact, counts, view) if is_summed else _alone(fact, counts, view)
    elsewhere = [c for c in counts if c.allowance is None and c.line.quantity.micro > 0]
    elsewhere = [c for c in elsewhere if c.line.taxon is None or may_be_of(c.line.taxon, permit.lines)]
    if not excesses and not elsewhere:
        return None
    values: dict[str, str] = {}
    parts = [_told(excess, values) for excess in excesses]
    if elsewhere:
        goods = listed([f"{c.line.quantity.text} {c.line.quantity.unit}" for c in elsewhere])
        values["on_no_line"] = f"{goods}: {done(c.event for c in elsewhere)}"
        parts.append(f"{goods} of goods on none of its lines were {done(c.event for c in elsewhere)}")
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.ALERT,
        summary=f"{named(fact)} was exceeded: {listed(parts)}.",
        events=(*(e for excess in excesses for e in excess.events), *(c.event for c in elsewhere)),
        values=values,
        view=view,
    )


def _summed(fact: PermitFact, counts: tuple[Counted, ...], view: View) -> list[_Excess]:
    """Single-use documents and re-usable import permits: everything that was counted, together."""
    found = []
    for allowance in allowances(fact.permit):
        mine = _of(allowance, counts)
        permitted = allowance.permitted
        if permitted is None or allowance.total(mine) is None:
            continue  # INCOMPARABLE
        left = [c for c in mine if isinstance(c.event.body, Endorsement)]
        by_party = [[c for c in left if c.event.party == party] for party in sorted({c.event.party for c in left})]
        most = max(by_party, key=lambda group: allowance.total(group) or 0, default=[])
        found += _exceeding(allowance, most, limit=permitted, limited_by="permitted", view=view)
        endorsed = (allowance.total(most) or 0) if most else None
        for arrived in _importing(fact, [c for c in mine if not isinstance(c.event.body, Endorsement)]):
            excess = _exceeding(
                allowance,
                arrived,
                limit=permitted if endorsed is None else endorsed,
                limited_by="permitted" if endorsed is None else "endorsed",
                view=view,
            )
            # What the arrivals are compared with is evidence too.
            found += [replace(e, events=(*e.events, *(c.event for c in most))) for e in excess]
    return found


def _importing(fact: PermitFact, arrived: list[Counted]) -> list[list[Counted]]:
    """The imports of all Parties together, and what each declared transit country confirmed, apart."""
    transit = sorted({c.event.party for c in arrived if not is_import(fact.permit, c.event)})
    imports = [c for c in arrived if c.event.party not in transit]
    return [imports, *([c for c in arrived if c.event.party == party] for party in transit)]


def _alone(fact: PermitFact, counts: tuple[Counted, ...], view: View) -> list[_Excess]:
    """Documents of multiple use: each consignment for itself, against what is permitted."""
    found = []
    of_document: dict[str, list[Counted]] = defaultdict(list)
    for count in counts:
        of_document[count.event.source.document].append(count)
    for cluster in clusters((c.event for c in counts), days=view.parameters.same_consignment):
        consignment = [count for event in cluster.events for count in of_document[event.source.document]]
        for allowance in allowances(fact.permit):
            mine, permitted = _of(allowance, consignment), allowance.permitted
            if permitted is not None and allowance.total(mine) is not None:
                found += _exceeding(allowance, mine, limit=permitted, limited_by="permitted", view=view)
    return found


def _of(allowance: Allowance, counts: Iterable[Counted]) -> list[Counted]:
    return [c for c in counts if c.allowance is not None and c.allowance.position == allowance.position]


def _exceeding(
    allowance: Allowance, counts: list[Counted], *, limit: int, limited_by: str, view: View
) -> list[_Excess]:
    """The excess of this sum over ``limit`` micro-units and the tolerance, if there is one; exact arithmetic."""
    amount, unit_class = allowance.total(counts), allowance.unit_class
    assert amount is not None
    assert unit_class is not None
    if not counts or amount <= limit * (1 + Fraction(view.parameters.tolerance_of(unit_class))):
        return []
    events = tuple(c.event for c in counts)
    return [
        _Excess(allowance=allowance, amount=amount, limit=limit, limited_by=limited_by, events=events, by=done(events))
    ]


def _told(excess: _Excess, values: dict[str, str]) -> str:
    """The part of the sentence that tells this excess; its figures are put into ``values``."""
    label, unit = excess.allowance.label, excess.allowance.unit
    amount, limit = f"{in_unit(excess.amount, unit)} {unit}", f"{in_unit(excess.limit, unit)} {unit}"
    moved = f"{amount} {excess.by}"
    for name, text in ((f"{label} moved", moved), (f"{label} {excess.limited_by}", limit)):
        values[name] = text if values.get(name, text) == text else f"{values[name]}; {text}"
    return f"{amount} of {label} were {excess.by} where {limit} were {excess.limited_by}"
