"""FRD-01: one permit, several consignments.

Every consignment needs a document of its own (Art. VI.5). The same paper shown at two borders, or at one border twice,
is the oldest way to move more than was allowed, and no single country can see it.

What counts as one consignment is decided by ``clusters``, for endorsements and confirmations apart and for each Party
apart. Then (``domain-rules.md`` 0.2, 0.16):

* imports into two countries are always two consignments: A;
* two consignments of one Party: A, unless they may be one that came in parts: every two of them at one office and not
  more than 3 days apart, all together not more than permitted, without tolerance. Then R.

Where the sum cannot be made, because something was counted in another class of units, it is R too: customs chose that
unit and the trader did not, and "cannot tell" accuses nobody. Goods on no line were not permitted at all, so with them
the sum is above.

Guards. Documents of multiple use are left out (END-02), and so are refused and returned goods, which did not arrive,
and confirmations of declared transit countries, which imported nothing. A single-use import permit is used by every
confirmation that names it (0.17).

Parameters: ``same_consignment``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

from epix_node.permit.event import Endorsement
from epix_node.permit.facts import Case, PermitFact
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.model import PermitType
from epix_node.reconcile.allowance import counted
from epix_node.reconcile.arrivals import arrivals
from epix_node.reconcile.clusters import Cluster, apart, clusters
from epix_node.reconcile.sentence import about_permit, dated, listed, named
from epix_node.reconcile.view import View
from epix_node.rules.ruleset import PatternParameters

PATTERN = "FRD-01"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each single-use permit of the case that served more than one consignment."""
    found = (_told(case, fact, view) for fact in case.permits)
    return tuple(draft for draft in found if draft is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """The consignments of a permit that may have one; ``may_be_one``: they may be parts of one all the same."""

    confirmed: tuple[Cluster, ...]
    endorsed: tuple[Cluster, ...]
    may_be_one: bool


def reuse_of(case: Case, fact: PermitFact, *, parameters: PatternParameters) -> Reuse | None:
    """The repeated use of a permit, if there is any."""
    if fact.permit.multi_use:
        return None
    days = parameters.same_consignment
    events = case.events_of(fact)
    if fact.permit.type == PermitType.IMPORT:
        events += case.uses_of(fact)
    imported = clusters(arrivals(fact.permit, events), days=days)
    endorsed = clusters((e for e in events if isinstance(e.body, Endorsement)), days=days)

    several_countries = len({cluster.party for cluster in imported}) > 1
    confirmed = imported if several_countries else _repeated(imported)
    endorsed = _repeated(endorsed)
    if not confirmed and not endorsed:
        return None
    may_be_one = not several_countries and all(
        _may_be_one(fact, group, parameters) for group in (*_by_party(confirmed), *_by_party(endorsed))
    )
    return Reuse(confirmed=confirmed, endorsed=endorsed, may_be_one=may_be_one)


def _told(case: Case, fact: PermitFact, view: View) -> FindingDraft | None:
    reuse = reuse_of(case, fact, parameters=view.parameters)
    if reuse is None:
        return None
    days, endorsed, confirmed = view.parameters.same_consignment, reuse.endorsed, reuse.confirmed
    values = {"rule": "Art. VI.5", "days": str(days.days)}
    parts = []
    for deed, group in (("endorsed", endorsed), ("confirmed", confirmed)):
        if group:
            # The consignments are told one by one, also where two of a Party fall on one day.
            told = listed([dated(cluster.events[:1]) for cluster in group])
            values[deed] = f"{len(group)}: {told}"
            parts.append(f"{len(group)} were {deed}: {told}")
    rule = f"{named(fact)} covers one consignment ({values['rule']})"
    summary = (
        f"{rule}; within {days.days} days at one office {', and '.join(parts)}; they may be parts of one: ask the "
        "office whether they came together."
        if reuse.may_be_one
        else f"{rule}, but {', and '.join(parts)}; hold what is not released yet, and compare the papers that were "
        "shown."
    )
    return about_permit(
        PATTERN,
        fact,
        class_=FindingClass.REVIEW if reuse.may_be_one else FindingClass.ALERT,
        summary=summary,
        events=(event for cluster in (*endorsed, *confirmed) for event in cluster.events),
        values=values,
        view=view,
    )


def _repeated(found: tuple[Cluster, ...]) -> tuple[Cluster, ...]:
    """The consignments of those Parties that have more than one."""
    number = Counter(cluster.party for cluster in found)
    return tuple(cluster for cluster in found if number[cluster.party] > 1)


def _by_party(found: tuple[Cluster, ...]) -> list[tuple[Cluster, ...]]:
    return [tuple(c for c in found if c.party == party) for party in sorted({c.party for c in found})]


def _may_be_one(fact: PermitFact, group: tuple[Cluster, ...], parameters: PatternParameters) -> bool:
    """Whether one Party's consignments of one kind may be parts of one: near each other, and not too much."""
    for one, other in combinations(group, 2):
        distance = apart(one, other)
        if distance is None or distance > parameters.same_consignment:
            return False
    counts = counted(fact.permit, (event for cluster in group for event in cluster.events))
    if any(count.allowance is None and count.line.quantity.micro > 0 for count in counts):
        return False
    for allowance in {count.allowance.position: count.allowance for count in counts if count.allowance}.values():
        total, permitted = allowance.total(counts), allowance.permitted
        if total is not None and permitted is not None and total > permitted:
            return False
    return True
