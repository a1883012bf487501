"""Conversions that are more than arithmetic, and those that are none.

There are three kinds (``domain-rules.md`` 1.3). Safe ones are arithmetic within a class of units; ``quantity`` makes
them silently. Class-dependent ones rest on an assumption about the goods (a timber's density, half a skin in a side):
whoever uses one keeps its id beside the result and widens the tolerance. The third kind looks like a conversion and is
never made: a kilogram of eels is thousands of glass eels or one grown eel.

All three are data (``permit/data/units.toml``). Nothing here converts by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from epix_node.permit.code_data import Provenance, load_lists, provenance_of
from epix_node.permit.quantity import UNIT_LIST, UnitClass

USUAL_UNIT = {UnitClass.COUNT: "NAR", UnitClass.MASS: "KGM", UnitClass.VOLUME: "MTQ"}
"""The units in which conversions are stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDependent:
    """An amount in one of ``units`` of goods under one of ``terms``, times ``times``, is the amount in ``to_unit``.

    ``to_term`` is ``None`` where the goods keep their term. ``id`` belongs beside every result.
    """

    id: str
    title: str
    terms: frozenset[str]
    units: frozenset[str]
    taxa: frozenset[str]
    to_term: str | None
    to_unit: str
    times: Fraction

    def micro_from(self, unit: str) -> Fraction:
        """By what micro-units of ``unit``'s class are multiplied; ``times`` is stated for the units themselves."""
        return self.times * Fraction(UNIT_LIST[self.to_unit].one_is) / Fraction(UNIT_LIST[unit].one_is)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverConverted:
    """A pair of ways to count the same goods between which there is no conversion, and why. Holds both ways."""

    id: str
    title: str
    why: str
    taxa: frozenset[str]
    terms: frozenset[str]
    from_terms: frozenset[str]
    into_terms: frozenset[str]
    from_class: UnitClass | None
    into_class: UnitClass | None

    def concerns(self, one: tuple[str | None, str | None], other: tuple[str | None, str | None]) -> bool:
        """Whether this forbids comparing two (term, unit) of the same goods, in either direction."""
        return self._leads(one, other) or self._leads(other, one)

    def _leads(self, one: tuple[str | None, str | None], other: tuple[str | None, str | None]) -> bool:
        if self.terms and not {one[0], other[0]} <= self.terms:
            return False
        if self.from_class is not None:
            return _class_of(one[1]) is self.from_class and _class_of(other[1]) is self.into_class
        return one[0] in self.from_terms and other[0] in self.into_terms


def class_dependent(*, term: str | None, unit: str | None, lineage: Collection[str] = ()) -> ClassDependent | None:
    """The conversion that holds for these goods, if there is one. ``lineage``: the taxon's name and those above it."""
    for conversion in _class_dependent():
        if term not in conversion.terms or unit not in conversion.units:
            continue
        if conversion.taxa and conversion.taxa.isdisjoint(lineage):
            continue
        return conversion
    return None


def never_converted(
    one: tuple[str | None, str | None], other: tuple[str | None, str | None], *, lineage: Collection[str] = ()
) -> NeverConverted | None:
    """Why an amount of one (term, unit) must not be made into the other, for the same goods; ``None``: no such rule."""
    for refusal in _never():
        if refusal.taxa and refusal.taxa.isdisjoint(lineage):
            continue
        if refusal.concerns(one, other):
            return refusal
    return None


def conversion_provenance() -> Provenance:
    """Whose class-dependent conversions these are, and of when."""
    return provenance_of(load_lists("units.toml")["class_dependent"])


def _class_of(unit: str | None) -> UnitClass | None:
    listed = UNIT_LIST.get(unit or "")
    return listed.unit_class if listed else None


def _names(given: dict[str, Any], key: str) -> frozenset[str]:
    return frozenset(given.get(key, ()))


def _fraction(text: str) -> Fraction:
    numerator, _, denominator = text.partition("/")
    return Fraction(numerator) / Fraction(denominator or 1)


def _unit_class(name: str | None) -> UnitClass | None:
    return UnitClass[name.upper()] if name else None


@cache
def _class_dependent() -> tuple[ClassDependent, ...]:
    return tuple(
        ClassDependent(
            id=given["id"],
            title=given["title"],
            terms=_names(given, "terms"),
            units=_names(given, "units"),
            taxa=_names(given, "taxa"),
            to_term=given.get("to_term"),
            to_unit=given["to_unit"],
            times=_fraction(given["times"]),
        )
        for given in load_lists("units.toml")["class_dependent"]["conversions"]
    )


@cache
def _never() -> tuple[NeverConverted, ...]:
    return tuple(
        NeverConverted(
            id=given["id"],
            title=given["title"],
            why=given["why"],
            taxa=_names(given, "taxa"),
            terms=_names(given, "terms"),
            from_terms=_names(given, "from_terms"),
            into_terms=_names(given, "into_terms"),
            from_class=_unit_class(given.get("from_class")),
            into_class=_unit_class(given.get("into_class")),
        )
        for given in load_lists("units.toml")["never"]["conversions"]
    )
