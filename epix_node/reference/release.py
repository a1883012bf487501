"""The species that every node of one release knows: findings rest on them, never on a list that one office loaded."""

from __future__ import annotations

from functools import cache, lru_cache

from epix_node.reference.builtin import builtin_shelf
from epix_node.reference.species import SpeciesBook


@cache
def release_book() -> SpeciesBook:
    """The built-in species alone; the same book each time."""
    return SpeciesBook(builtin_shelf())


@lru_cache(1024)
def lineage_of(taxon: str) -> frozenset[str]:
    """The name, and the names above it among the species of the release, if it is one of them."""
    match = release_book().find(taxon)
    return frozenset({taxon}) if match is None else frozenset({taxon, match.taxon.name, *match.taxon.lineage})
