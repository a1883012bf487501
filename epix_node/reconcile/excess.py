"""Where more left, or more arrived, under a permit than its lines allow (``domain-rules.md`` 0.12, 0.19, 2.2).

For each allowance of the permit (``permit.allowance``), in integer micro-units:

* OVER_EXPORT: endorsed > permitted · (1 + tolerance);
* OVER_IMPORT: arrived > (endorsed, else permitted) · (1 + tolerance).

What is summed: of a single-use document and of a re-usable import permit, everything. Of other documents of multiple
use each consignment is compared alone, with what is permitted: their goods travel again and again, and the export
side's papers do not tell which endorsement belongs to which arrival.

One quantity of another unit class makes the allowance INCOMPARABLE, and nothing is concluded. Several Parties may
endorse the same goods on their way, so endorsements are summed for each Party and the largest sum counts; likewise a
declared transit country's confirmations are compared for themselves and never added to the imports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from epix_node.permit.allowance import Allowance, Counted, allowances
from epix_node.permit.event import Endorsement
from epix_node.permit.facts import Case, EventFact, PermitFact
from epix_node.permit.model import PermitType
from epix_node.reconcile.allowance import counted
from epix_node.reconcile.arrivals import is_import
from epix_node.reconcile.clusters import clusters
from epix_node.rules.ruleset import PatternParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """One way in which an allowance was exceeded; amounts are micro-units."""

    allowance: Allowance
    amount: int
    limit: int
    limited_by: str
    moved: tuple[EventFact, ...]
    """By which the amount left, or arrived."""
    left: tuple[EventFact, ...] = ()
    """By which what limits it left."""

    @property
    def is_export(self) -> bool:
        """Whether it is what left that was too much."""
        return all(isinstance(event.body, Endorsement) for event in self.moved)


def counts_of(case: Case, fact: PermitFact) -> tuple[Counted, ...]:
    """All that was counted under this permit, also by confirmations that only use it as their import permit."""
    return counted(fact.permit, (*case.events_of(fact), *case.uses_of(fact)))


def excesses(fact: PermitFact, counts: Iterable[Counted], *, parameters: PatternParameters) -> tuple[Excess, ...]:
    """Every way in which the permit was exceeded, in the order of its lines."""
    is_summed = fact.permit.type == PermitType.IMPORT or not fact.permit.multi_use
    found = _summed(fact, tuple(counts), parameters) if is_summed else _alone(fact, tuple(counts), parameters)
    return tuple(found)


def of_allowance(allowance: Allowance, counts: Iterable[Counted]) -> list[Counted]:
    """Those that count against this allowance."""
    return [c for c in counts if c.allowance is not None and c.allowance.position == allowance.position]


def most_endorsed(allowance: Allowance, mine: Iterable[Counted]) -> list[Counted]:
    """The endorsements of the Party that endorsed most of an allowance whose counts can be added."""
    left = [c for c in mine if isinstance(c.event.body, Endorsement)]
    by_party = [[c for c in left if c.event.party == party] for party in sorted({c.event.party for c in left})]
    return max(by_party, key=lambda group: allowance.total(group) or 0, default=[])


def imported(fact: PermitFact, mine: Iterable[Counted]) -> list[Counted]:
    """What arrived where the goods stay."""
    arrived = [c for c in mine if not isinstance(c.event.body, Endorsement)]
    passing = _passing(fact, arrived)
    return [c for c in arrived if c.event.party not in passing]


def _summed(fact: PermitFact, counts: tuple[Counted, ...], parameters: PatternParameters) -> list[Excess]:
    """Single-use documents and re-usable import permits: everything that was counted, together."""
    found = []
    for allowance in allowances(fact.permit):
        mine = of_allowance(allowance, counts)
        permitted = allowance.permitted
        if permitted is None or allowance.total(mine) is None:
            continue  # INCOMPARABLE
        most = most_endorsed(allowance, mine)
        found += _exceeding(allowance, most, limit=permitted, limited_by="permitted", parameters=parameters)
        endorsed = (allowance.total(most) or 0) if most else None
        for arrived in _importing(fact, mine):
            excess = _exceeding(
                allowance,
                arrived,
                limit=permitted if endorsed is None else endorsed,
                limited_by="permitted" if endorsed is None else "endorsed",
                parameters=parameters,
            )
            # What the arrivals are compared with is evidence too.
            found += [replace(e, left=tuple(c.event for c in most)) for e in excess]
    return found


def _importing(fact: PermitFact, mine: list[Counted]) -> list[list[Counted]]:
    """The imports of all Parties together, and what each declared transit country confirmed, apart."""
    arrived = [c for c in mine if not isinstance(c.event.body, Endorsement)]
    passing = ([c for c in arrived if c.event.party == party] for party in sorted(_passing(fact, arrived)))
    return [imported(fact, mine), *passing]


def _passing(fact: PermitFact, arrived: Iterable[Counted]) -> set[str]:
    return {c.event.party for c in arrived if not is_import(fact.permit, c.event)}


def _alone(fact: PermitFact, counts: tuple[Counted, ...], parameters: PatternParameters) -> list[Excess]:
    """Documents of multiple use: each consignment for itself, against what is permitted."""
    found = []
    of_document: dict[str, list[Counted]] = defaultdict(list)
    for count in counts:
        of_document[count.event.source.document].append(count)
    for cluster in clusters((c.event for c in counts), days=parameters.same_consignment):
        consignment = [count for event in cluster.events for count in of_document[event.source.document]]
        for allowance in allowances(fact.permit):
            mine, permitted = of_allowance(allowance, consignment), allowance.permitted
            if permitted is not None and allowance.total(mine) is not None:
                found += _exceeding(allowance, mine, limit=permitted, limited_by="permitted", parameters=parameters)
    return found


def _exceeding(
    allowance: Allowance, counts: list[Counted], *, limit: int, limited_by: str, parameters: PatternParameters
) -> list[Excess]:
    """The excess of this sum over ``limit`` micro-units and the tolerance, if there is one; exact arithmetic."""
    amount, unit_class = allowance.total(counts), allowance.unit_class
    assert amount is not None
    assert unit_class is not None
    if not counts or amount <= limit * (1 + Fraction(parameters.tolerance_of(unit_class))):
        return []
    moved = tuple(c.event for c in counts)
    return [Excess(allowance=allowance, amount=amount, limit=limit, limited_by=limited_by, moved=moved)]
