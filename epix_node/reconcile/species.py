"""Whether goods are of a species that a permit names, as every node can tell (``reference.kinship``)."""

from __future__ import annotations

from collections.abc import Iterable

from epix_node.permit.compare import same_words
from epix_node.permit.model import Line
from epix_node.reference.kinship import Kinship, kinship

_NEAREST = (Kinship.SAME, Kinship.WIDER, Kinship.UNCLEAR, Kinship.OTHER)


def nearest(taxon: str, lines: Iterable[Line]) -> Kinship:
    """How the name that somebody found is related to the nearest of these lines; without any it is unclear.

    Who writes the line's common name has found what it says.
    """
    found = {_of_line(taxon, line) for line in lines}
    return next((kin for kin in _NEAREST if kin in found), Kinship.UNCLEAR)


def may_be_of(taxon: str, lines: Iterable[Line]) -> bool:
    """Whether the name is that of one of these lines, or that of its genus and the like."""
    return nearest(taxon, lines) in {Kinship.SAME, Kinship.WIDER}


def _of_line(taxon: str, line: Line) -> Kinship:
    if line.common_name is not None and same_words(taxon) == same_words(line.common_name):
        return Kinship.SAME
    return kinship(taxon, line.taxon) if line.taxon is not None else Kinship.UNCLEAR
