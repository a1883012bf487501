"""The Appendix that is stated, and what goods of Appendix I must have or may not be used for (APP-01 to APP-06).

APP-09 is no rule of its own: goods of Appendix I from a registered operation (source D) count as Appendix II, those
acquired before the Convention (source O) are exempt, and so none of these rules asks anything of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from epix_node.permit.model import PermitType, Relation
from epix_node.rules.identity import edition_of, taxon_of, why_unknown
from epix_node.rules.preconvention import is_before_listing
from epix_node.rules.report import Report
from epix_node.rules.standing import APPENDICES, Standing, asks_both_sides, reservation_in_force
from epix_node.rules.subject import Subject

_COMMERCIAL = "T"


def check_appendix(subject: Subject, report: Report, standings: Iterable[Standing]) -> None:
    """Box 10 and what follows from Appendix I, line by line."""
    for standing in standings:
        _check_stated(subject, report, standing)
        if standing.appendix != "I" or _is_exempt(report, standing):
            continue
        _check_purpose(subject, report, standing)
        _check_commercial_breeding(subject, report, standing)
        _check_import_permit(subject, report, standing)


def _is_exempt(report: Report, standing: Standing) -> bool:
    """Art. VII.2 and VII.4 (APP-09)."""
    exempt = report.rule("APP-02").codes("exempt_sources")
    return any(source in exempt for source in standing.specimen.line.sources)


def _check_stated(subject: Subject, report: Report, standing: Standing) -> None:
    """APP-01. A stated Appendix that is none at all is FLD-11."""
    line, listing = standing.specimen.line, standing.listing
    if line.appendix not in APPENDICES:
        return
    path = f"{standing.specimen.path}/appendix"
    if listing is None:
        report.not_checked(
            "APP-01", _why_unknown(subject, standing), path=path, edition=edition_of(subject, standing.specimen)
        )
        return
    report.used(listing.edition)
    if line.appendix in listing.appendices:
        return
    # Documents are written ahead of the day on which a listing enters into force: not listed yet is no proof.
    lesser = not listing.appendices or standing.is_dated
    message = "the taxon is in another Appendix" if listing.appendices else "the taxon is in no Appendix"
    message = f"{message} on the day of issue"
    if _may_be_deemed_in_i(subject, standing):
        lesser = True
        message = f"{message}, unless an annotation deems these goods to be of Appendix I"
    if standing.is_dated:
        message = f"{message}, by a list that is much older than the document"
    if reservation_in_force(subject, standing, either_side=False):
        lesser = True
        report.used(subject.catalogue.reservations.edition)
        message = f"{message}; the issuing Party has a reservation, which does not change the listing"
    report.add(
        "APP-01",
        message,
        path=path,
        value=line.appendix,
        expected=" or ".join(f"Appendix {name}" for name in sorted(listing.appendices)) or "a taxon that is listed",
        lesser=lesser,
        edition=listing.edition,
    )


def _may_be_deemed_in_i(subject: Subject, standing: Standing) -> bool:
    """A split listing may have a population in Appendix II for some goods only, and all others deemed to be of I."""
    taxon, issued_on = taxon_of(standing.specimen), subject.permit.issued_on
    if standing.specimen.line.appendix != "I" or taxon is None or issued_on is None:
        return False
    whole = subject.catalogue.species.listing_on(taxon, issued_on, None)
    return whole is not None and "I" in whole.appendices


def _why_unknown(subject: Subject, standing: Standing) -> str:
    if taxon_of(standing.specimen) is None:
        return why_unknown(standing.specimen)
    if subject.permit.issued_on is None:
        return "without a date of issue the listing in force is not known"
    return "the species data here do not say how the taxon was listed on the day of issue"


def _check_purpose(subject: Subject, report: Report, standing: Standing) -> None:
    """APP-02: the State of import decides the purpose (Art. III.3(c)), so its documents bar, others refer (0.1)."""
    permit, line = subject.permit, standing.specimen.line
    rule = report.rule("APP-02")
    barred = [source for source in line.sources if source in rule.codes("barred_sources")]
    if permit.purpose != _COMMERCIAL or not barred or permit.subtype == "pre-convention":
        return
    if reservation_in_force(subject, standing, either_side=asks_both_sides(subject)):
        report.used(subject.catalogue.reservations.edition)
        return
    message = f"Appendix I and source {barred[0]} for commercial purposes"
    lesser = permit.type != PermitType.IMPORT and permit.subtype != "ifs"
    if _was_acquired_before_listing(subject, standing):
        # Art. VII.2 may exempt them, but then the document says so with source O.
        lesser = True
        message = f"{message}; acquired before the first listing, yet not declared as pre-Convention (source O)"
    elif subject.catalogue.reservations.edition is None:
        message = f"{message}; reservations of Parties are not loaded here"
    listing = standing.listing
    report.add(
        "APP-02",
        message,
        path=f"{standing.specimen.path}/sources",
        value=f"{permit.purpose}, {barred[0]}",
        expected="a purpose that is not commercial, or goods that the bar does not concern",
        lesser=lesser,
        edition=listing.edition if listing is not None else None,
    )


def _was_acquired_before_listing(subject: Subject, standing: Standing) -> bool:
    acquired_on = standing.specimen.line.acquired_on
    return acquired_on is not None and is_before_listing(subject, standing.specimen, acquired_on)


def _check_commercial_breeding(subject: Subject, report: Report, standing: Standing) -> None:
    """APP-03 and APP-04: what is bred or propagated for trade comes from a registered operation, source D."""
    line, taxon = standing.specimen.line, taxon_of(standing.specimen)
    if subject.permit.purpose != _COMMERCIAL:
        return
    for rule_id, source, kingdom in (("APP-03", "C", "Animalia"), ("APP-04", "A", "Plantae")):
        if source not in line.sources:
            continue
        path = f"{standing.specimen.path}/sources"
        if taxon is None:
            report.not_checked(
                rule_id, _why_unknown(subject, standing), path=path, edition=edition_of(subject, standing.specimen)
            )
            continue
        if taxon.kingdom != kingdom or (rule_id == "APP-04" and _is_free_plant(report, standing)):
            continue
        if reservation_in_force(subject, standing, either_side=asks_both_sides(subject)):
            report.used(subject.catalogue.reservations.edition)
            continue
        report.add(
            rule_id,
            "Appendix I for commercial purposes, and not from a registered operation",
            path=path,
            value=source,
            expected="D, from a registered operation",
            edition=edition_of(subject, standing.specimen),
        )


def _is_free_plant(report: Report, standing: Standing) -> bool:
    """Hybrids, and seedlings in flasks (notes to the Appendices)."""
    rule, line = report.rule("APP-04"), standing.specimen.line
    words = (line.taxon or "").casefold().split()
    return line.term in rule.codes("free_terms") or any(mark in words for mark in rule.codes("hybrid_marks"))


def _check_import_permit(subject: Subject, report: Report, standing: Standing) -> None:
    """APP-05, and APP-06 for live re-exports: an import permit comes first (Art. III.2(d), III.4(c))."""
    permit, specimen = subject.permit, standing.specimen
    if permit.type == PermitType.EXPORT:
        rule_id = "APP-05"
    elif permit.type == PermitType.REEXPORT and specimen.line.term in report.ruleset.live_terms:
        rule_id = "APP-06"
    else:
        return
    granted = [r for r in permit.references if r.relation == Relation.IMPORT_PERMIT and r.number is not None]
    issued_on = permit.issued_on
    if any(r.date is None or issued_on is None or r.date <= issued_on for r in granted):
        return
    if reservation_in_force(subject, standing, either_side=True):
        report.used(subject.catalogue.reservations.edition)
        return
    listing = standing.listing
    report.add(
        rule_id,
        "the import permit was issued after this document" if granted else "no import permit is named",
        path="/references",
        value=granted[0].date.isoformat() if granted and granted[0].date is not None else None,
        expected="an import permit of the country of destination, issued before",
        edition=listing.edition if listing is not None else None,
    )
