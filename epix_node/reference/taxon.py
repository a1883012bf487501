"""A taxon as a species list knows it, and what a name that was asked for led to."""

from __future__ import annotations

from dataclasses import dataclass

from epix_node.reference.edition import Edition

KINGDOMS = ("Animalia", "Plantae")
"""The kingdoms of the Convention; fungi are not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxon:
    """One accepted name and what hangs on it."""

    id: int
    """The source's own number, the same in Species+, the Checklist and their API; below 0 where it gives none."""
    name: str
    rank: str
    """``SPECIES``, ``SUBSPECIES``, ``VARIETY``, ``GENUS``, ``SUBFAMILY``, ``FAMILY``, ``ORDER``, ``CLASS``, …"""
    kingdom: str
    phylum: str | None
    class_name: str | None
    """``None`` for plants: the sources give them no class."""
    order: str | None
    family: str | None
    genus: str | None
    annotation: str | None
    """The parts and derivatives that the listing covers: ``#1`` to ``#18``, as of the edition; ``None`` for all."""
    range_states: frozenset[str] | None
    """ISO codes of every country and territory in the distribution: native, introduced, extinct and uncertain ones,
    each territory's Party too, because a missed range State would raise a false alarm. ``None`` is not known."""

    def __hash__(self) -> int:
        """Of the name alone: answers are remembered by taxon, and two taxa hardly ever share a name."""
        return hash(self.name)

    @property
    def lineage(self) -> tuple[str, ...]:
        """Own name first; then, each once, the species of a lower taxon, genus, family, order, class, phylum, kingdom.

        What is said of any of these is said of the taxon.
        """
        names = [self.name]
        words = self.name.split(" ")
        if self.rank not in _ABOVE_SPECIES and len(words) > 2:
            names.append(" ".join(words[:2]))
        for higher in (self.genus, self.family, self.order, self.class_name, self.phylum, self.kingdom):
            if higher is not None and higher not in names:
                names.append(higher)
        return tuple(names)

    @property
    def is_species_or_lower(self) -> bool:
        """Whether it names one species or part of one; rules about range States ask that."""
        return self.rank not in _ABOVE_SPECIES


_ABOVE_SPECIES = frozenset({"KINGDOM", "PHYLUM", "CLASS", "ORDER", "SUBORDER", "FAMILY", "SUBFAMILY", "GENUS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a name on a permit leads to."""

    taxon: Taxon
    """The accepted taxon; where ``is_ambiguous`` the first of several, from which nothing may be concluded."""
    by: str
    """``accepted``, ``synonym``, or ``genus`` for a name such as "Python spp." or "Pythonidae"."""
    name_given: str
    accepted_name: str
    others: tuple[str, ...] = ()
    """Further accepted names that the name given stands for: it was split, or used for several taxa."""
    edition: Edition

    @property
    def is_ambiguous(self) -> bool:
        """Whether the name stands for several taxa, so that rules conclude nothing from it."""
        return bool(self.others)
