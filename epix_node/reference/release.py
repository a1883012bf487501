"""The species that every node of one release knows: findings rest on them, never on a list that one office loaded."""

from __future__ import annotations

from functools import cache

from epix_node.reference.builtin import builtin_shelf
from epix_node.reference.species import SpeciesBook


@cache
def release_book() -> SpeciesBook:
    """The built-in species alone; the same book each time."""
    return SpeciesBook(builtin_shelf())
