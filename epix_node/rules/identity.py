"""Which taxon a line is about, as far as its name leaves no doubt."""

from __future__ import annotations

from epix_node.reference.edition import Edition
from epix_node.reference.taxon import Taxon
from epix_node.rules.subject import Specimen, Subject


def taxon_of(specimen: Specimen) -> Taxon | None:
    """The one taxon that the name stands for; ``None`` where it is missing, not known, or stands for several."""
    match = specimen.match
    return None if match is None or match.is_ambiguous else match.taxon


def lineage_of(specimen: Specimen) -> tuple[str, ...]:
    """The names of the taxon and of all that it belongs to; nothing where there is no one taxon."""
    taxon = taxon_of(specimen)
    return taxon.lineage if taxon is not None else ()


def why_unknown(specimen: Specimen) -> str:
    """Why there is no taxon, for those who read "not checked"."""
    if specimen.line.taxon is None:
        return "the scientific name is missing"
    if specimen.match is None:
        return "the species data here do not know this name"
    return "the name stands for several taxa"


def edition_of(subject: Subject, specimen: Specimen) -> Edition:
    """The species data in which the name was found, or looked for in vain."""
    return specimen.match.edition if specimen.match is not None else subject.catalogue.species.edition
