"""Amounts of the same goods that two offices counted in different ways, made comparable where that can be done.

Three kinds (``domain-rules.md`` 1.3): arithmetic within a class of units, which is certain; a conversion that rests on
an assumption about the goods, whose id stays beside the result (``permit.conversion``); and those that are never made.
Names of goods are looked up among the species of the release, so that every node converts alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from epix_node.permit.conversion import USUAL_UNIT, ClassDependent, class_dependent, never_converted
from epix_node.permit.quantity import UNIT_LIST, Quantity, UnitClass
from epix_node.permit.terms import successor_of, taxon_group
from epix_node.reference.release import lineage_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How goods are counted: what they are, as which term, in which unit."""

    taxon: str | None
    term: str | None
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """So many micro-units of the class that was asked for; ``by`` is the id of the assumption it rests on, if any."""

    micro: Fraction
    by: str | None = None


def converted(quantity: Quantity, *, term: str | None, into: Measure) -> Converted | None:
    """An amount of goods of ``into.taxon`` that was counted under ``term``, as ``into`` counts, if that can be done.

    Without a term it is that of ``into``. Another term of the same class of units is the same goods, unless a rule
    speaks of the two: what the officer calls them does not change how many came.
    """
    wanted, stated = UNIT_LIST[into.unit].unit_class, term or into.term
    plain = Converted(micro=Fraction(quantity.micro))
    if quantity.unit_class is wanted and stated == into.term:
        return plain
    lineage = lineage_of(into.taxon or "")
    if never_converted((stated, quantity.unit), (into.term, into.unit), lineage=lineage) is not None:
        return None
    for unit in _spellings(quantity.unit):
        there = class_dependent(term=stated, unit=unit, lineage=lineage)
        if there is not None and _leads(there, stated, into.term, wanted, lineage):
            return Converted(micro=quantity.micro * there.micro_from(unit), by=there.id)
    for unit in _spellings(into.unit):
        back = class_dependent(term=into.term, unit=unit, lineage=lineage)
        if back is not None and _leads(back, into.term, stated, quantity.unit_class, lineage):
            return Converted(micro=quantity.micro / back.micro_from(unit), by=back.id)
    return plain if quantity.unit_class is wanted else None


def _leads(
    conversion: ClassDependent, term: str | None, other: str | None, unit_class: UnitClass, lineage: frozenset[str]
) -> bool:
    """Whether it makes goods under the one term into goods under the other, counted in this class."""
    if UNIT_LIST[conversion.to_unit].unit_class is not unit_class:
        return False
    reached = conversion.to_term or term
    return other in {reached, *_merged(reached, lineage)} or reached in _merged(other, lineage)


def _merged(term: str | None, lineage: frozenset[str]) -> frozenset[str]:
    """The term as which it counts today, where that is another (``permit.terms``)."""
    into = successor_of(term, taxon_group(lineage), lineage=lineage) if term is not None else None
    return frozenset({into} if into is not None else ())


def _spellings(unit: str) -> tuple[str, ...]:
    """The unit, and the one in which conversions of its class are stated."""
    return tuple(dict.fromkeys((unit, USUAL_UNIT.get(UNIT_LIST[unit].unit_class, unit))))
