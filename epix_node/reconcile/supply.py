"""What had come under a document, and what a certificate that draws on it let go on: amounts as goods.

Amounts of a document are those of its allowances (``permit.allowance``), of a certificate those of its line balances,
which an extract tells as well as the documents do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from epix_node.permit.allowance import Allowance, Counted, allowances
from epix_node.permit.event import Confirmation, Endorsement
from epix_node.permit.facts import EventFact, PermitFact
from epix_node.permit.quantity import NotAQuantityError, Quantity
from epix_node.reconcile.allowance import counted
from epix_node.reconcile.arrivals import is_import
from epix_node.reconcile.chains import Drawn
from epix_node.reconcile.goods import Goods


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Of one line of a certificate: what it permits, and what moved; None where that cannot be read."""

    permitted: Goods | None
    moved: Goods | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """The most that can have come under a document, and what was counted of it, by event."""

    most: tuple[Goods, ...]
    allowed: tuple[Allowance, ...]
    counts: tuple[Counted, ...]
    confirmations: tuple[EventFact, ...]

    def counted_by(self, holder: str) -> tuple[Goods, ...] | None:
        """What the border of this country counted; None where it counted nothing, or what cannot be added."""
        if not any(event.acts_for(holder) for event in self.confirmations):
            return None
        mine = [c for c in _of(Confirmation, self.counts) if c.event.acts_for(holder)]
        if any(c.allowance is None for c in mine):
            return None
        totals = [(allowance, allowance.total(mine)) for allowance in self.allowed]
        if any(total is None for _, total in totals):
            return None
        return tuple(goods for allowance, total in totals for goods in _goods(allowance, total or 0))


def supply_of(fact: PermitFact, events: Iterable[EventFact]) -> Supply | None:
    """What had come under the document; None where a line does not tell what, or how much, it permits."""
    events = tuple(events)
    allowed = allowances(fact.permit)
    if any(allowance.permitted is None for allowance in allowed):
        return None
    if any(line.taxon is None or line.term is None for line in fact.permit.lines):
        return None
    counts = counted(fact.permit, events)
    arrived = [c for c in _of(Confirmation, counts) if is_import(fact.permit, c.event)]
    return Supply(
        most=tuple(
            goods
            for allowance in allowed
            for goods in _goods(allowance, _most(allowance, _of(Endorsement, counts), arrived))
        ),
        allowed=allowed,
        counts=counts,
        confirmations=tuple(event for event in events if isinstance(event.body, Confirmation)),
    )


def amounts(drawn: Drawn, place: int) -> Amounts:
    """What this line of a certificate permits, and what moved under it.

    Of goods that were turned away, or came home, only what was let in somewhere has gone for good. So it is where the
    certificate was withdrawn after its endorsement: nobody confirms that the goods left before it was replaced.
    """
    line, balance = drawn.permit.lines[place], drawn.lines[place]
    if line.taxon is None or line.term is None or line.unit is None:
        return Amounts(permitted=None, moved=None)
    try:
        endorsed = Quantity.parse(balance.endorsed, line.unit).micro
        confirmed = Quantity.parse(balance.confirmed, line.unit).micro
    except NotAQuantityError:
        return Amounts(permitted=None, moved=None)
    is_gone = not (drawn.came_back or drawn.is_withdrawn)
    moved = max(endorsed, confirmed) if is_gone else confirmed
    permitted = line.permitted()
    goods = Goods(taxon=line.taxon, term=line.term, unit=line.unit, micro=moved)
    return Amounts(
        permitted=None
        if permitted is None
        else Goods(taxon=line.taxon, term=line.term, unit=line.unit, micro=permitted.micro),
        moved=goods,
    )


def _of(kind: type[Endorsement | Confirmation], counts: Iterable[Counted]) -> list[Counted]:
    return [c for c in counts if isinstance(c.event.body, kind)]


def _most(allowance: Allowance, left: list[Counted], arrived: list[Counted]) -> int:
    """The most that can have come, in micro-units: what left, or arrived if more; else what was permitted.

    Several Parties may endorse the same goods on their way (``frd04``), so the largest sum of one counts. What was
    counted in other units, or on no line, may have been of this one: then what was permitted bounds it, too.
    """
    permitted = allowance.permitted or 0
    by_party = [allowance.total(c for c in left if c.event.party == party) for party in {c.event.party for c in left}]
    came = allowance.total(arrived)
    is_unsure = None in by_party or any(c.allowance is None for c in left)
    endorsed = max((total for total in by_party if total is not None), default=0)
    if is_unsure:
        return max(permitted, endorsed, came or 0)
    if left:
        return max(endorsed, came or 0) or permitted
    if came and not any(c.allowance is None for c in arrived):
        return came
    return max(permitted, came or 0)


def _goods(allowance: Allowance, micro: int) -> Iterable[Goods]:
    """The amount as goods of each kind that these lines name: which of them it was, is not known."""
    kinds = dict.fromkeys((line.taxon or "", line.term or "") for line in allowance.lines)
    return [Goods(taxon=taxon, term=term, unit=allowance.unit, micro=micro) for taxon, term in kinds]
