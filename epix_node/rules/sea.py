"""Goods taken from the sea that belongs to no State (IFS-01 to IFS-03)."""

from __future__ import annotations

from collections.abc import Iterable

from epix_node.permit.model import PermitType, Relation
from epix_node.rules.identity import edition_of, lineage_of, taxon_of, why_unknown
from epix_node.rules.report import Report
from epix_node.rules.standing import Standing, reservation_in_force
from epix_node.rules.subject import Specimen, Subject

_FROM_THE_SEA = "X"
_COMMERCIAL = "T"


def check_sea(subject: Subject, report: Report, standings: Iterable[Standing]) -> None:
    """Certificates of introduction from the sea, and lines with source X."""
    for standing in standings:
        if subject.permit.subtype == "ifs":
            _check_certificate(subject, report, standing)
        if _FROM_THE_SEA in standing.specimen.line.sources:
            _check_document(subject, report, standing.specimen)
            _check_taxon(subject, report, standing.specimen)


def _check_document(subject: Subject, report: Report, specimen: Specimen) -> None:
    """IFS-01."""
    permit = subject.permit
    has_export_permit = any(reference.relation == Relation.EXPORT_PERMIT for reference in permit.references)
    if permit.subtype == "ifs" or permit.type in {PermitType.EXPORT, PermitType.REEXPORT} or has_export_permit:
        return
    report.add(
        "IFS-01",
        "source X on a document that neither introduces from the sea nor exports",
        path=f"{specimen.path}/sources",
        value=permit.subtype or permit.type,
        expected="a certificate of introduction from the sea, or an export permit of the flag State",
    )


def _check_certificate(subject: Subject, report: Report, standing: Standing) -> None:
    """IFS-02: the Convention has no introduction of Appendix III, and none of Appendix I for trade (Art. III.5(c))."""
    is_trade_in_i = standing.appendix == "I" and subject.permit.purpose == _COMMERCIAL
    if standing.appendix != "III" and not is_trade_in_i:
        return
    if reservation_in_force(subject, standing, either_side=False):
        report.used(subject.catalogue.reservations.edition)
        return
    report.add(
        "IFS-02",
        f"introduction from the sea of Appendix {standing.appendix}"
        + (" for commercial purposes" if is_trade_in_i else ""),
        path=f"{standing.specimen.path}/appendix",
        value=standing.appendix,
        expected="Appendix II, or Appendix I for other purposes",
        edition=standing.listing.edition if standing.listing is not None else None,
    )


def _check_taxon(subject: Subject, report: Report, specimen: Specimen) -> None:
    """IFS-03, only where no member of the group lives in the sea."""
    path, rule = f"{specimen.path}/sources", report.rule("IFS-03")
    if taxon_of(specimen) is None:
        report.not_checked("IFS-03", why_unknown(specimen), path=path, edition=edition_of(subject, specimen))
        return
    report.used(edition_of(subject, specimen))
    lineage = set(lineage_of(specimen))
    if lineage & set(rule.codes("never_marine")):
        report.add(
            "IFS-03",
            "source X of a taxon that does not live in the sea",
            path=path,
            value=_FROM_THE_SEA,
            expected="another source",
            edition=edition_of(subject, specimen),
        )
    elif not lineage & set(rule.codes("marine")):
        report.not_checked("IFS-03", "whether the taxon lives in the sea is not known here", path=path)
