"""Which units, purposes and taxa go with a term.

Three tables, each loaded or built in on its own. The built-in table of units is generous, that of taxa holds only what
is certain, since an impossible pair stops a permit (QTY-05). There is no built-in table of purposes. ``None`` means
that no table speaks of it, so that the rule says "not checked" or nothing, never "wrong".
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from epix_node.permit.quantity import UNIT_LIST, UnitClass
from epix_node.reference.edition import BUILT_IN, Edition
from epix_node.reference.scope import taxon_key, taxon_keys
from epix_node.reference.shelf import Shelf

UNITS = "term-units"
PURPOSES = "term-purposes"
TAXA = "taxon-terms"

TABLES = {
    UNITS: "DROP TABLE IF EXISTS term_unit; CREATE TABLE term_unit (term TEXT NOT NULL, unit TEXT NOT NULL)",
    PURPOSES: (
        "DROP TABLE IF EXISTS term_purpose; CREATE TABLE term_purpose (term TEXT NOT NULL, purpose TEXT NOT NULL)"
    ),
    TAXA: (
        "DROP TABLE IF EXISTS taxon_term;"
        " CREATE TABLE taxon_term (term TEXT NOT NULL, taxon TEXT NOT NULL, name TEXT NOT NULL)"
    ),
}

_FAMILY_KNOWN = 5
"""Names in the lineage of an animal family: itself, order, class, phylum, kingdom. Of less, no group is excluded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Taxa that can have a term."""

    kingdom: str | None
    """All else is excluded; ``None`` in a loaded table, which names taxa only."""
    taxa: frozenset[str]
    """Keys of names (``scope.taxon_key``); empty for the whole kingdom."""


class Pairs:
    """The tables of one shelf, each with its edition. Read once; afterwards a question is a look-up in memory."""

    def __init__(self, shelf: Shelf) -> None:
        built_in = _built_in()
        self.term_units: Mapping[str, tuple[str, ...]] = built_in.units
        """Term → units; the built-in table names the preferred one first."""
        self.term_purposes: Mapping[str, frozenset[str]] | None = None
        """Term → purposes; ``None`` where no table was loaded."""
        self.taxon_terms: Mapping[str, Group] = built_in.groups
        """Term → the taxa that can have it; a term that is not here may stand with any."""
        self.units_edition: Edition = shelf.edition(UNITS) or built_in.edition(UNITS)
        self.purposes_edition: Edition | None = shelf.edition(PURPOSES)
        self.taxa_edition: Edition = shelf.edition(TAXA) or built_in.edition(TAXA)
        if shelf.edition(UNITS):
            self.term_units = _grouped(shelf.all("SELECT term, unit FROM term_unit ORDER BY rowid"))
        if shelf.edition(PURPOSES):
            purposes = _grouped(shelf.all("SELECT term, purpose FROM term_purpose"))
            self.term_purposes = {term: frozenset(codes) for term, codes in purposes.items()}
        if shelf.edition(TAXA):
            taxa = _grouped(shelf.all("SELECT term, taxon FROM taxon_term"))
            self.taxon_terms = {term: Group(kingdom=None, taxa=frozenset(keys)) for term, keys in taxa.items()}

    @property
    def edition(self) -> Edition:
        """Of the table of units; the other two have their own."""
        return self.units_edition

    def allows_unit(self, term: str, unit: str) -> bool | None:
        """Whether specimens of this kind are measured in this unit, or in one that converts into it by arithmetic.

        ``None``: the table does not know the term, or the unit is a historical one that converts into nothing.
        """
        allowed = self.term_units.get(term)
        if allowed is None:
            return None
        if unit in allowed:
            return True
        asked = UNIT_LIST.get(unit)
        if asked is None or asked.unit_class not in _CONVERTIBLE:
            return None
        return any(UNIT_LIST[each].unit_class == asked.unit_class for each in allowed)

    def allows_purpose(self, term: str, purpose: str) -> bool | None:
        """Whether specimens of this kind are traded for this purpose; ``None``: no table, or it lacks the term."""
        if self.term_purposes is None or term not in self.term_purposes:
            return None
        return purpose in self.term_purposes[term]

    def allows_taxon(self, term: str, lineage: Sequence[str]) -> bool | None:
        """Whether the taxon can have the term; ``None`` where the table lacks the term, or its lineage is too short.

        ``lineage`` is the taxon's own name and those above it, the kingdom last.
        """
        group = self.taxon_terms.get(term)
        if group is None or not lineage:
            return None
        keys = taxon_keys(lineage)
        if group.kingdom is not None and keys[-1] != taxon_key(group.kingdom):
            return False if keys[-1] in _KINGDOMS else None
        if not group.taxa or not group.taxa.isdisjoint(keys):
            return True
        return False if len(keys) >= _FAMILY_KNOWN else None


_KINGDOMS = frozenset({"animalia", "plantae"})
_CONVERTIBLE = frozenset(
    {UnitClass.COUNT, UnitClass.MASS, UnitClass.LIQUID, UnitClass.LENGTH, UnitClass.AREA, UnitClass.VOLUME}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _BuiltIn:
    units: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, Group]
    content: bytes
    table: Mapping[str, Any]

    def edition(self, data: str) -> Edition:
        return Edition(
            data=data,
            as_of=self.table["as_of"],
            source=BUILT_IN,
            sha256=hashlib.sha256(self.content).hexdigest(),
            loaded_at=None,
            rows=len(self.units if data == UNITS else self.groups),
        )


@cache
def _built_in() -> _BuiltIn:
    content = resources.files("epix_node.reference").joinpath("data", "pairs.toml").read_bytes()
    table = tomllib.loads(content.decode())
    return _BuiltIn(
        units=MappingProxyType({term: tuple(units) for term, units in table["term_units"].items()}),
        groups=MappingProxyType(
            {
                term: Group(kingdom=entry["kingdom"], taxa=frozenset(map(taxon_key, entry.get("taxa", ()))))
                for entry in table["taxon_terms"]
                for term in entry["terms"]
            }
        ),
        content=content,
        table=table,
    )


def _grouped(rows: Sequence[tuple[Any, ...]]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, list[str]] = {}
    for term, other in rows:
        grouped.setdefault(term, []).append(other)
    return {term: tuple(others) for term, others in grouped.items()}
