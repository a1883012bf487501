"""Whether two scientific names can mean the same goods, as far as every node of one release can tell.

Findings are equal at all nodes, so only the names themselves and the built-in taxa answer here, never a list that one
office loaded. Hence the care: calling goods another species accuses a trader, and nomenclature changes all the time.

* A genus, or a family, may mean each of its species (``domain-rules.md`` 2.3, genus and species naming), under any of
  the species' names: "Phataginus spp." may be *Manis tricuspis*.
* Two names that the release knows are the same taxon or are not. Between higher taxa only different families tell:
  genera are split and joined.
* Some species that it tells apart were one for long, and the old name may still be meant.
* Of names without an entry of their own, the genus may tell: two species on whose names all have agreed for long,
  or two genera of groups that nobody confuses (``data/genera.toml``), are other goods, unless the names end alike: a
  species that is moved to another genus keeps its second word.
* What it does not know is never another taxon: it may be a synonym, a species that was split off, a slip of the pen, or
  the name that a fisherman uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from epix_node.reference.builtin import builtin_names
from epix_node.reference.genera import are_apart
from epix_node.reference.release import release_book
from epix_node.reference.scientific_name import MAX_NAME_CHARACTERS, scientific_key
from epix_node.reference.taxon import Match, Taxon


class Kinship(StrEnum):
    """How two names are related."""

    SAME = "same"
    WIDER = "wider"
    """One of them is a higher taxon of the other, or may be."""
    UNCLEAR = "unclear"
    OTHER = "other"
    """They mean different taxa for certain."""


_REMEMBERED = 4_096
_NAME = re.compile(r"[a-z][a-z-]+(?: [a-z-]{2,}){0,2}")
_ONCE_ONE = (
    frozenset({"Amazona auropalliata", "Amazona ochrocephala", "Amazona oratrix"}),
    frozenset({"Pongo abelii", "Pongo pygmaeus"}),
    frozenset({"Python bivittatus", "Python molurus"}),
)
"""Built-in species of which the others were once taken for parts of the one that was named first."""


def kinship(one: str, other: str) -> Kinship:
    """How these names are related; the same whichever comes first."""
    first, second = sorted((scientific_key(one[:MAX_NAME_CHARACTERS]), scientific_key(other[:MAX_NAME_CHARACTERS])))
    return _kinship(first, second)


@lru_cache(_REMEMBERED)
def _kinship(one: str, other: str) -> Kinship:
    if one == other:
        return Kinship.SAME if one else Kinship.UNCLEAR
    if not (_NAME.fullmatch(one) and _NAME.fullmatch(other)):
        return Kinship.UNCLEAR
    if other.startswith(f"{one} "):  # the shorter of two such names sorts first
        return Kinship.WIDER
    first, second = release_book().find(one), release_book().find(other)
    if first is not None and second is not None:
        return _of_known(first, second)
    kin = Kinship.UNCLEAR
    if first is not None or second is not None:
        known, name = (first, other) if first is not None else (second, one)
        assert known is not None
        kin = _of_unknown(name, known)
    return Kinship.OTHER if kin is Kinship.UNCLEAR and are_apart(one, other) else kin


def _of_known(one: Match, other: Match) -> Kinship:
    if {one.accepted_name, *one.others} & {other.accepted_name, *other.others}:
        return Kinship.SAME
    first, second = one.taxon, other.taxon
    if first.name in second.lineage or second.name in first.lineage:
        return Kinship.WIDER
    if one.is_ambiguous or other.is_ambiguous:
        return Kinship.UNCLEAR
    if first.is_species_or_lower and second.is_species_or_lower:
        was_one = any({first.name, second.name} <= names for names in _ONCE_ONE)
        return Kinship.UNCLEAR if was_one else Kinship.OTHER
    for higher, lower in ((first, second), (second, first)):
        if higher.name.lower() in _genera(builtin_names(lower)):
            return Kinship.WIDER
    return Kinship.OTHER if _are_of_different_families(first, second) else Kinship.UNCLEAR


def _are_of_different_families(one: Taxon, other: Taxon) -> bool:
    """Or, above families, of different orders, classes or kingdoms."""
    pairs = ((one.family, other.family), (one.order, other.order), (one.class_name, other.class_name))
    first, second = next((pair for pair in pairs if all(pair)), (one.kingdom, other.kingdom))
    return first != second


def _of_unknown(name: str, known: Match) -> Kinship:
    """``name`` is in no book of the release, ``known`` is."""
    if known.is_ambiguous or not known.taxon.is_species_or_lower:
        return Kinship.UNCLEAR
    names = builtin_names(known.taxon)
    is_part_of_it = any(name.startswith(f"{held} ") for held in names)
    return Kinship.WIDER if is_part_of_it or name in _genera(names) else Kinship.UNCLEAR


def _genera(names: Iterable[str]) -> set[str]:
    return {name.split(" ")[0] for name in names}
