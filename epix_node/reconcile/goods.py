"""Whether goods can have come from other goods: what is missing, in exact arithmetic.

Amounts are added within a class of units and for one kind of specimens. What was counted or worked otherwise is
compared as far as the release knows how, and never accuses by itself (``domain-rules.md`` 1.3, 2.3):

* the same term in units of one class: a certain comparison;
* another unit of the same goods, by a conversion that rests on the species (``permit.conversion``): for review;
* a product, by the most that can be made of one (``ChainParameters.yields``): for review;
* everything else is INCOMPARABLE, and nothing is concluded.

Names are compared as every node can (``reference.kinship``): goods of an unclear name are no demand, but may have
supplied one. Lines whose names may mean one another are one pool. To whichever line of the pool the goods are put, they
cannot exceed it all together: so a deficit of the pool is one of any way to share it out, and no honest sharing is
ever a deficit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from epix_node.permit.conversion import USUAL_UNIT, ClassDependent, class_dependent, never_converted
from epix_node.permit.quantity import UNIT_LIST, UnitClass, in_unit
from epix_node.permit.terms import successor_of, taxon_group
from epix_node.reference.kinship import Kinship, kinship
from epix_node.reference.release import lineage_of
from epix_node.rules.ruleset import PatternParameters

_KIN = frozenset({Kinship.SAME, Kinship.WIDER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """So many micro-units of one kind of specimens; ``unit`` is that in which they were written."""

    taxon: str
    term: str
    unit: str
    micro: int

    @property
    def unit_class(self) -> UnitClass:
        """The class in which they are added."""
        return UNIT_LIST[self.unit].unit_class

    @property
    def label(self) -> str:
        """``150 NAR of SKI Python regius``."""
        return f"{in_unit(self.micro, self.unit)} {self.unit} of {self.term} {self.taxon}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deficit:
    """Of ``wanted`` there was no more than ``had``, both in one unit. ``rests_on`` says by which assumption."""

    wanted: Goods
    had: int
    rests_on: tuple[str, ...] = ()

    @property
    def is_certain(self) -> bool:
        """Whether it rests on nothing but sums."""
        return not self.rests_on

    @property
    def missing(self) -> int:
        """In micro-units."""
        return self.wanted.micro - self.had


@dataclass(frozen=True, slots=True)
class _Kind:
    """What can be added: a term as it is called today, and a class of units."""

    term: str
    unit_class: UnitClass


@dataclass(frozen=True, slots=True)
class _Gain:
    """How many micro-units of one kind one micro-unit of another can be."""

    most: Fraction
    rests_on: str = ""


def deficits(wanted: Iterable[Goods], had: Iterable[Goods], parameters: PatternParameters) -> tuple[Deficit, ...]:
    """Of which goods more were ``wanted`` than can have come from those that were ``had``."""
    supplies = tuple(had)
    names = {goods.taxon for goods in supplies}
    demands = [g for g in wanted if g.micro > 0 and any(kinship(g.taxon, name) in _KIN for name in names)]
    return tuple(
        deficit for mine, theirs in _pools(demands, supplies) for deficit in _in_pool(mine, theirs, parameters)
    )


def _pools(demands: Sequence[Goods], supplies: Sequence[Goods]) -> Iterator[tuple[list[Goods], list[Goods]]]:
    """Demands and supplies whose names may mean one another, together."""
    left, rest = list(demands), list(supplies)
    while left:
        mine, theirs = [left.pop(0)], list[Goods]()
        grows = True
        while grows:
            near = [s for s in rest if any(_may_mean(d.taxon, s.taxon) for d in mine)]
            rest = [s for s in rest if s not in near]
            theirs += near
            more = [d for d in left if any(_may_mean(d.taxon, s.taxon) for s in theirs)]
            left = [d for d in left if d not in more]
            mine += more
            grows = bool(near or more)
        yield mine, theirs


def _may_mean(one: str, other: str) -> bool:
    return kinship(one, other) is not Kinship.OTHER


def _in_pool(demands: Sequence[Goods], supplies: Sequence[Goods], parameters: PatternParameters) -> list[Deficit]:
    wanted, had = _by_kind(demands), _by_kind(supplies)
    lineage = lineage_of(supplies[0].taxon)
    found: list[Deficit] = []
    uses: list[tuple[Goods, _Gain]] = []
    for kind, goods in wanted.items():
        gains = {base: _gain(base, kind, lineage, parameters) for base in had}
        if _is_incomparable(kind, gains):
            continue
        known = {base: gain for base, gain in gains.items() if gain is not None}
        # Also what is not known to become such goods may have: nobody knows every trade.
        rests_on = {gain.rests_on for gain in known.values() if gain.rests_on}
        rests_on |= {f"no {base.term} can become {kind.term}" for base in had if base not in known}
        total = sum((had[base].micro * gain.most for base, gain in known.items()), Fraction(0))
        found += _beyond(goods, total, rests_on, parameters)
        if len(had) == 1:
            uses += [(goods, gain) for gain in known.values()]
    if found or len(uses) < 2:
        return found
    # Each of several products alone could have been made of it, but not all of them.
    (base,) = had.values()
    together = sum((Fraction(goods.micro) / gain.most for goods, gain in uses), Fraction(0))
    all_of_it = Goods(taxon=base.taxon, term=base.term, unit=base.unit, micro=int(together))
    return _beyond(all_of_it, Fraction(base.micro), {g.rests_on for _, g in uses if g.rests_on}, parameters)


def _by_kind(all_goods: Sequence[Goods]) -> dict[_Kind, Goods]:
    """Sums by kind, each with the name and unit of the first; the largest line first, whatever their order."""
    sums: dict[_Kind, Goods] = {}
    for goods in sorted(all_goods, key=lambda g: (-g.micro, g.taxon, g.term, g.unit)):
        lineage = lineage_of(goods.taxon)
        term = successor_of(goods.term, taxon_group(lineage), lineage=lineage, unit=goods.unit) or goods.term
        kind = _Kind(term, goods.unit_class)
        before = sums.get(kind)
        sums[kind] = (
            goods
            if before is None
            else Goods(taxon=before.taxon, term=before.term, unit=before.unit, micro=before.micro + goods.micro)
        )
    return sums


def _is_incomparable(kind: _Kind, gains: dict[_Kind, _Gain | None]) -> bool:
    """Whether nothing can be said: no supply is of a comparable kind, or the same goods were counted otherwise."""
    known = [base for base, gain in gains.items() if gain is not None]
    return not known or any(base.term == kind.term and gain is None for base, gain in gains.items())


def _gain(base: _Kind, kind: _Kind, lineage: frozenset[str], parameters: PatternParameters) -> _Gain | None:
    if base == kind:
        return _Gain(Fraction(1))
    if base.unit_class is kind.unit_class:
        most = parameters.chains.yields.get((base.term, kind.term, kind.unit_class))
        if most is not None:
            return _Gain(most, f"at most {_text(most)} {kind.term} of one {base.term}")
    return _converted(base, kind, lineage)


def _converted(base: _Kind, kind: _Kind, lineage: frozenset[str]) -> _Gain | None:
    from_unit, to_unit = _unit(base), _unit(kind)
    if never_converted((base.term, from_unit), (kind.term, to_unit), lineage=lineage) is not None:
        return None
    there = class_dependent(term=base.term, unit=from_unit, lineage=lineage)
    if there is not None and _leads_to(there, base, kind):
        return _Gain(there.micro_from(from_unit), f"{there.id}, {there.title}")
    back = class_dependent(term=kind.term, unit=to_unit, lineage=lineage)
    if back is not None and _leads_to(back, kind, base):
        return _Gain(1 / back.micro_from(to_unit), f"{back.id}, {back.title}")
    return None


def _leads_to(conversion: ClassDependent, one: _Kind, other: _Kind) -> bool:
    same_class = UNIT_LIST[conversion.to_unit].unit_class is other.unit_class
    return same_class and (conversion.to_term or one.term) == other.term


def _unit(kind: _Kind) -> str:
    return USUAL_UNIT.get(kind.unit_class, kind.unit_class.value)


def _beyond(goods: Goods, had: Fraction, rests_on: set[str], parameters: PatternParameters) -> list[Deficit]:
    """The deficit, where it is larger than what measuring and rounding explain."""
    chains, unit_class = parameters.chains, goods.unit_class
    share = max(
        chains.converted_share if rests_on else chains.least_share, Fraction(parameters.tolerance_of(unit_class))
    )
    missing = goods.micro - had
    if missing <= share * had or missing <= chains.minimum.get(unit_class, 0):
        return []
    return [Deficit(wanted=goods, had=int(had), rests_on=tuple(sorted(rests_on)))]


def _text(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else f"{number.numerator}/{number.denominator}"
