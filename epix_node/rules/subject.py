"""What is checked: a permit, what is known of its taxa, and the circumstances of the check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from epix_node.permit.model import Line, Permit
from epix_node.permit.quantity import Quantity
from epix_node.reference.catalogue import Catalogue
from epix_node.reference.taxon import Match
from epix_node.rules.ruleset import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a rule needs beside document and reference data."""

    stage: Stage
    today: date
    """The calendar day in the checking node's zone."""
    entered_on: date | None = None
    """The UTC day on which the document was signed and entered; ``None`` before its issue, and where nobody knows."""
    stamp_taken: bool | None = None
    """Whether another document of the issuer bears the same security stamp; ``None`` where nobody looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """One line with the taxon that its scientific name means."""

    path: str
    """JSON pointer of the line: ``/lines/0``."""
    line: Line
    match: Match | None
    """``None``: the name is missing, or the species data do not know it."""
    permitted: Quantity | None
    """Of box 11; ``None`` where it holds none that can be read (QTY-01)."""

    @property
    def lineage(self) -> tuple[str, ...]:
        """The names of the taxon and of all that it belongs to; nothing where it is not known which taxon is meant."""
        return self.match.taxon.lineage if self.match is not None and not self.match.is_ambiguous else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A permit in normal form, each taxon looked up and each quantity read once for all rules."""

    permit: Permit
    specimens: tuple[Specimen, ...]
    catalogue: Catalogue
    circumstances: Circumstances

    @classmethod
    def of(cls, permit: Permit, *, catalogue: Catalogue, circumstances: Circumstances) -> Subject:
        """The permit with its taxa as this catalogue knows them."""
        return cls(
            permit=permit,
            specimens=tuple(
                Specimen(
                    path=f"/lines/{position}",
                    line=line,
                    match=catalogue.species.find(line.taxon) if line.taxon is not None else None,
                    permitted=line.permitted(),
                )
                for position, line in enumerate(permit.lines)
            ),
            catalogue=catalogue,
            circumstances=circumstances,
        )

    @property
    def is_open_document(self) -> bool:
        """Whether box 3 or 4 may stay open: used many times, or goods taken from the sea (``domain-rules.md`` 0.1)."""
        return self.permit.multi_use or self.permit.subtype == "ifs"
