"""Findings that are about many permits together: what is added up, and by which key the sum is found.

A sum's finding has no permit of its own. Its subject is the exporting country with the key of the sum as number, a
type that is null, and the year of issue, or null where the sum is over all years:

* FRD-17, an annual quota: ``PYTHON REGIUS/LIV/W/NAR``: taxon, term, source and the base unit of the unit class;
* FRD-08, captive goods from no range State: ``PYTHON REGIUS/CAPTIVE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from epix_node.permit.facts import Source
from epix_node.permit.number import NumberRef

QUOTA = "FRD-17"
CAPTIVE = "FRD-08"
_PATTERNS = frozenset({QUOTA, CAPTIVE})
_ALL_YEARS = 0


class Part(StrEnum):
    """What a line of a permit is to a sum."""

    MOVED = "moved"
    """Its goods are added up."""
    FOUNDERS = "founders"
    """It brought live specimens to the country, from which what leaves there may descend."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SumKey:
    """Which sum; ``year`` is 0 where it is over all years, so that keys can be ordered and stored."""

    pattern: str
    issuer: str
    number: str
    year: int

    @classmethod
    def of_quota(cls, issuer: str, taxon: str, term: str, source: str, base_unit: str, year: int) -> SumKey:
        """Goods that draw on one annual quota of a country."""
        return cls(pattern=QUOTA, issuer=issuer, number=f"{taxon}/{term}/{source}/{base_unit}".upper(), year=year)

    @classmethod
    def of_captive(cls, country: str, taxon: str) -> SumKey:
        """Goods of captive sources of a taxon that does not live in the country."""
        return cls(pattern=CAPTIVE, issuer=country, number=f"{taxon}/CAPTIVE".upper(), year=_ALL_YEARS)

    @classmethod
    def of_finding(cls, pattern: str, subject: NumberRef) -> SumKey | None:
        """The sum that a finding is about; ``None`` where it is about a permit or a number."""
        if pattern not in _PATTERNS or subject.type is not None:
            return None
        return cls(pattern=pattern, issuer=subject.issuer, number=subject.number, year=subject.year or _ALL_YEARS)

    @property
    def subject(self) -> NumberRef:
        """What the finding's id is made of."""
        return NumberRef(issuer=self.issuer, number=self.number, type=None, year=self.year or None)

    @property
    def parts(self) -> list[str]:
        """The key's parts, of which the first is the taxon as it is written: a name has no slash."""
        taxon, *others = self.number.split("/")
        return [taxon.capitalize(), *others]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What line ``ordinal`` of a permit is to a sum; ``quota`` the annual quota that it states, in micro-units."""

    of: SumKey
    ordinal: int
    part: Part
    quota: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum as the facts give it: of how many permits, of how many micro-units, against the largest quota stated.

    ``unit`` is one in which the lines state their quantities.
    """

    key: SumKey
    permits: int
    micro: int
    quota: int | None
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One of the movements that count most in a sum: a permit, its document, and that of the movement."""

    permit: NumberRef
    issued: Source
    moved: Source
