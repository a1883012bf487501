"""Under which Appendix the goods of a line stand on the day of issue: what the list says, and what the document says.

Every rule about Appendix I asks here, so that they agree. The list decides where it is known, unambiguous and recent
enough; else the document is taken at its word, and APP-01 says where the two differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from epix_node.permit.model import PermitType
from epix_node.permit.parties import party_of
from epix_node.reference.listing import InForce
from epix_node.rules.identity import taxon_of
from epix_node.rules.provenance import country_of_origin
from epix_node.rules.report import Report
from epix_node.rules.subject import Specimen, Subject

APPENDICES = ("I", "II", "III")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One line, the listing of its taxon on the day of issue, and the Appendix that the rules go by."""

    specimen: Specimen
    population: str | None
    """The country whose population the goods are of; ``None`` where the document does not say."""
    listing: InForce | None
    """``None``: the taxon, the day of issue, or the listing on that day is not known here."""
    is_dated: bool
    """The list is so much older than the document that the taxon may have been moved since."""
    appendix: str | None
    """What the rules go by; ``None``: not listed, or nothing legible is stated."""


def standings(subject: Subject, report: Report) -> tuple[Standing, ...]:
    """One for each line of the permit, in order."""
    longest_age = timedelta(days=report.rule("APP-01").number("data_max_age_days"))
    return tuple(_standing(subject, specimen, longest_age) for specimen in subject.specimens)


def reservation_in_force(subject: Subject, standing: Standing, *, either_side: bool) -> bool:
    """Whether the issuing Party has a reservation on the taxon on the day of issue.

    ``either_side``: the Party of destination is asked too, since what may be done with the goods there is for it to
    say. A Party with a reservation is treated as a State that is no Party (Art. XXIII.3).
    """
    permit, specimen = subject.permit, standing.specimen
    reservations, taxon = subject.catalogue.reservations, taxon_of(specimen)
    if reservations.edition is None or taxon is None or permit.issued_on is None:
        return False
    countries = {permit.issuer, permit.destination} if either_side else {permit.issuer}
    return any(
        reservations.of(code, taxon.lineage, permit.issued_on)
        for country in countries
        if country is not None
        for code in {country, party_of(country)}
    )


def asks_both_sides(subject: Subject) -> bool:
    """Whether the country of destination decides as well: not where the document is its own."""
    return subject.permit.type != PermitType.IMPORT and subject.permit.subtype != "ifs"


def _standing(subject: Subject, specimen: Specimen, longest_age: timedelta) -> Standing:
    issued_on = subject.permit.issued_on
    population, taxon = country_of_origin(subject, specimen), taxon_of(specimen)
    listing = None
    if taxon is not None and issued_on is not None:
        listing = subject.catalogue.species.listing_on(taxon, issued_on, population)
    is_dated = listing is not None and issued_on is not None and listing.edition.age(issued_on) > longest_age
    stated = specimen.line.appendix if specimen.line.appendix in APPENDICES else None
    goes_by_list = listing is not None and listing.is_certain and not is_dated
    return Standing(
        specimen=specimen,
        population=population,
        listing=listing,
        is_dated=is_dated,
        appendix=next(iter(listing.appendices), None) if listing is not None and goes_by_list else stated,
    )
